//! The `skein` program: see [`skein_gateway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    skein_gateway::cli::main()
}
