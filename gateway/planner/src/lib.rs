//! SQL text to [`plan::DistributedPlan`]; pure: no I/O, no runtime, no DuckDB.

pub mod ast;
pub mod bind;
pub mod plan;
pub mod refusal;
