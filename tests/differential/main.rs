//! Split equals whole: the same query, run in every way, gives the same rows, types and SQLSTATE.
//!
//! Each test is one suite of queries. It goes on after a difference and lists all of them at the
//! end, because one bug of the planner rarely comes alone.

mod aggregates;
mod benchmarks;
mod dictionaries;
mod exchanges;
mod modes;
mod random;
mod threads;
