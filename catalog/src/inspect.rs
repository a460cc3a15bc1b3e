//! The catalog's questions to DuckDB.

use async_trait::async_trait;

use crate::error::InspectError;

/// Runs SQL that looks into files. Implemented over an executor by whoever owns one.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// Runs one statement and gives its rows as text.
    async fn query_text(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, InspectError>;
}
