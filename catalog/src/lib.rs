//! Relations, the files behind them, and their types.
//!
//! Maps relation names to files: lists globs through `object_store`, finds columns with DuckDB,
//! and gives each statement a [`snapshot::CatalogSnapshot`] that does not change while it runs.

mod catalog;
mod columns;
mod describe;
mod discover;
mod entry;
pub mod error;
mod hive;
pub mod inspect;
pub mod listing;
mod paths;
mod pattern;
pub mod ranges;
pub mod relation;
pub mod scan;
pub mod snapshot;
mod sql;
pub mod system;
pub mod types;
pub mod versions;

pub use catalog::{Catalog, Problem};
pub use error::{CatalogError, InspectError};
pub use inspect::Inspect;
pub use pattern::folders_of;
