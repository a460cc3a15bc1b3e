//! The PostgreSQL server in front of DuckDB executors.

pub mod check;
pub mod dispatch;
pub mod encode;
pub mod error;
pub mod merge;
pub mod params;
pub mod pgwire;
pub mod session;
pub mod shadow;
