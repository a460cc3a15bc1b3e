//! The program `skein`, built beside the tests that start it: cargo builds the programs of a package
//! before its tests, but not those of other packages.

use std::process::ExitCode;

fn main() -> ExitCode {
    skein_gateway::cli::main()
}
