//! What the planner may ask of DuckDB: types and constants, never rows of a relation.

use skein_executor_api::{Column, FragmentError};

/// Answers questions about SQL over the shadow database, which holds every relation without rows.
pub trait Bind {
    /// Result columns of a query. In it relations stand under their schema and name.
    fn describe(&self, sql: &str) -> Result<Vec<Column>, FragmentError>;

    /// Runs a query over constants only that returns one integer column.
    fn indices(&self, sql: &str) -> Result<Vec<usize>, FragmentError>;
}
