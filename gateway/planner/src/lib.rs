//! SQL text to [`plan::DistributedPlan`]; pure: no I/O, no runtime, no DuckDB.

mod aggregates;
pub mod ast;
pub mod bind;
pub mod brief;
mod build;
pub mod calendar;
pub mod clock;
pub mod earlier;
pub mod error;
pub mod explain;
pub mod joined;
pub mod outputs;
pub mod parse;
pub mod plan;
pub mod postgres;
mod prune;
pub mod refusal;
pub mod repairs;
pub mod resolve;
pub mod split;
