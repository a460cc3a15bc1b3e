//! Runs stages of a plan on executors in other processes.
//!
//! Plans and rows travel by `datafusion-distributed`; inside a stage it is always DuckDB. This crate
//! is the only one that knows either that engine or `DataFusion`.
