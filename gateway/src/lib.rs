//! The PostgreSQL server in front of DuckDB executors.

pub mod error;
pub mod pgwire;
pub mod session;
