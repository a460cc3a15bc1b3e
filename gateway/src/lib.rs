//! The PostgreSQL server in front of DuckDB executors.

pub mod check;
pub mod cli;
pub mod dispatch;
pub mod encode;
pub mod error;
pub mod executors;
pub mod gateway;
pub mod login;
pub mod params;
pub mod pgwire;
pub mod plan_cache;
pub mod server;
pub mod session;
pub mod shadow;
mod spill;

pub use skein_executor::merge;
