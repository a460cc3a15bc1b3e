//! What tests read from the environment of the process.
//!
//! Apart from `skein-config` this is the only place that reads it: the seed of random tests, so
//! that a failure can be repeated, and where the build put things.

use std::path::{Path, PathBuf};

/// Seed of random tests: `SKEIN_TEST_SEED`, else one from the clock. Printed by whoever uses it.
pub fn seed() -> u64 {
    variable("SKEIN_TEST_SEED")
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |elapsed| elapsed.as_secs())
        })
}

/// How many random queries to run: `SKEIN_TEST_QUERIES`, else `default`.
pub fn queries(default: usize) -> usize {
    variable("SKEIN_TEST_QUERIES")
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Whose answers are to replace the expected ones in fixtures: `REWRITE=1` means Skein's,
/// `REWRITE=postgres` those of a real PostgreSQL.
pub fn rewrite(whose: Server) -> bool {
    match variable("REWRITE") {
        None => false,
        Some(value) => (value == "postgres") == (whose == Server::Postgres),
    }
}

/// A server that tests talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// A gateway.
    Skein,
    /// A real PostgreSQL.
    Postgres,
}

/// The checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate is in the checkout")
}

/// Where DuckDB's library and extensions are.
pub fn duckdb_folder() -> PathBuf {
    variable("DUCKDB_LIB_DIR").map_or_else(|| checkout().join(".duckdb"), PathBuf::from)
}

/// A program of this package, which cargo has built with its tests.
pub fn program(name: &str) -> PathBuf {
    // A test binary is target/PROFILE/deps/NAME, a program target/PROFILE/NAME.
    let binary = std::env::current_exe().expect("the running program has a path");
    let found = binary
        .ancestors()
        .skip(1)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built beside {}", binary.display()))
}

/// A folder for generated data that outlives a run: inside cargo's target folder.
pub fn generated_folder() -> PathBuf {
    // A test binary is target/PROFILE/deps/NAME, a program target/PROFILE/NAME.
    let binary = std::env::current_exe().expect("the running program has a path");
    let target = binary
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .map_or_else(std::env::temp_dir, Path::to_path_buf);
    target.join("skein-tests")
}

#[expect(
    clippy::disallowed_methods,
    reason = "settings of a test run are no configuration of Skein"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
