//! Random queries that are wrong only if Skein is.
//!
//! [`choices`] is where randomness comes from: a recorded list of small numbers, so that a failing
//! query is made shorter by making the list shorter. [`query`] turns the list into SQL whose rows
//! do not depend on the order in which files are read.

pub mod choices;
pub mod query;

pub use choices::{Choices, shrink};
pub use query::{Generated, generate};
