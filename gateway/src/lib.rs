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

/// What programs allocate with, and DuckDB with them: its planner makes so many small objects that a fourth of
/// the time of planning went into the C library's `malloc`, whose names this allocator takes.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
