//! Whole-system tests: a gateway and its executors, on loopback.
//!
//! ```text
//! test ── client::Client ──► cluster::Cluster (gateway + N embedded executors) ── generated files
//!   │                           └──► executor::ExecutorProcess (N processes) ───────┘
//!   ├── native::Native       the same SQL on DuckDB alone, over the same files
//!   └── postgres::Postgres   the same SQL on a real PostgreSQL, where one is installed
//! ```
//!
//! The tests themselves are in the folders beside `src`: `wire`, `slt`, `differential`, `faults`,
//! and `architecture.rs`. docs/testing.md says what each of them proves and how to add a case.

pub mod bench;
pub mod client;
pub mod cluster;
pub mod compare;
pub mod data;
pub mod environment;
pub mod executor;
pub mod fleet;
pub mod native;
pub mod postgres;
pub mod process;
pub mod program;
pub mod proxy;
pub mod random;
pub mod transcript;
