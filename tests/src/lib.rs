//! Placeholder header, written with the crate.
