//! Runs fragments on DuckDB, embedded in this process.
//!
//! [`engine`] wraps DuckDB; [`embedded::EmbeddedExecutor`] runs fragments on a pool of its
//! connections and streams Arrow batches; [`merge`] joins such streams; [`load`] counts what executors
//! do. An executor is handed SQL and files and has no catalog.

pub mod embedded;
pub mod engine;
pub mod load;
pub mod merge;

pub use embedded::{EmbeddedExecutor, EmbeddedOptions};
pub use load::{Counted, Load};
