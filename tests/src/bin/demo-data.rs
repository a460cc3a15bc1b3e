//! Makes the data of `make demo` in the folder that it is given.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        return complain("usage: demo-data FOLDER", 2);
    };
    match skein_tests::data::demo::generate(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("demo-data: {error}"), 1),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a program tells its user what went wrong"
)]
fn complain(text: &str, code: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(code)
}
