//! Relations, the files behind them, and their types.
//!
//! Maps relation names to files: lists globs through `object_store`, finds columns with DuckDB,
//! and gives each statement a [`snapshot::CatalogSnapshot`] that does not change while it runs.

pub mod error;
pub mod listing;
mod pattern;
pub mod relation;
pub mod scan;
pub mod snapshot;
pub mod system;
pub mod types;
