//! What `make bench` measures: Skein against DuckDB alone and against PostgreSQL.
//!
//! ```text
//! bench ─► skein serve (a process of its own) ─┐
//!   ├────► DuckDB in this process              ├─► ratios ─► docs/benchmarks.md
//!   └────► PostgreSQL (where installed)       ─┘
//! ```
//!
//! Everything that is compared runs in turns within one run, so that a slow machine or a busy
//! minute touches both sides. The best of several tries counts.

mod connection;
mod gateway;
mod report;

pub use connection::{Format, Login, RowCount, Session, read_all};
pub use gateway::{Gateway, GatewayOptions};
pub use report::Report;

mod distributed;
mod logins;
mod small;
mod streams;
mod tpch;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cluster::ClusterOptions;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release program.
    pub skein: std::path::PathBuf,
    /// Scale factor of TPC-H.
    pub scale: String,
    /// Rows of the long stream, in millions.
    pub stream_millions: u64,
    /// Seconds that each pgbench runs.
    pub pgbench_seconds: u64,
    /// Names of parts to run; empty: all but `distributed`.
    pub parts: Vec<String>,
}

/// Runs the parts in order; what was measured is the report.
pub fn run(options: &Options) -> Report {
    let mut report = Report::default();
    let wanted = |name: &str| options.parts.is_empty() || options.parts.iter().any(|p| p == name);
    if wanted("tpch") {
        tpch::run(options, &mut report);
    }
    if wanted("rows") {
        streams::rows(options, &mut report);
    }
    if wanted("memory") {
        streams::memory(options, &mut report);
    }
    if wanted("small") {
        small::run(options, &mut report);
    }
    if wanted("logins") {
        logins::run(options, &mut report);
    }
    // Executors in processes of their own have a page of their own.
    if options.parts.iter().any(|part| part == "distributed") {
        distributed::run(options, &mut report);
    }
    report
}

/// How long `work` takes.
fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// Configuration of a gateway over one data set.
fn configuration(folder: &Path, executors: usize, threads: usize) -> String {
    let options = ClusterOptions {
        threads,
        executor: "memory_limit = \"70%\"".to_owned(),
        ..ClusterOptions::new(folder).executors(executors)
    };
    options.toml()
}

/// Cores of this machine.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
