//! Placeholder header, written with the crate.

pub mod session;
