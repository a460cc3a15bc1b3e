//! Why something was not split: a value, tried past, shown by EXPLAIN.

use std::fmt;

/// Why a query, block or aggregate was not split, or was pulled up into the combine query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it concerns, such as `quantile_cont(ms)` or `query`.
    pub subject: String,
    /// A phrase that completes "not split because …".
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.reason)
    }
}
