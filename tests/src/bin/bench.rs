//! Measures Skein and writes the report; see `make bench`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use skein_tests::bench::{Options, run};

const USAGE: &str = "usage: bench --skein PROGRAM [--write FILE] [--scale N] [--millions N] \
                     [--seconds N] [--only tpch,rows,memory,small,logins,distributed]";

const INTRODUCTION: &str = "# Benchmarks

`make bench` measures Skein against DuckDB alone and against PostgreSQL, in one run on one machine, and
writes this page. Ratios matter more than times, which depend on the machine. A ratio of times below 1
means that Skein is faster; for rows and transactions per second more is better.
";

fn main() -> ExitCode {
    match parse() {
        Ok((options, write)) => {
            let report = run(&options).markdown();
            let introduction = if options.parts == ["distributed"] {
                DISTRIBUTED_INTRODUCTION
            } else {
                INTRODUCTION
            };
            let text = format!("{introduction}\n{}\n{report}", machine());
            match write {
                None => print(&text),
                Some(file) => {
                    print(&report);
                    if let Err(error) = std::fs::write(&file, text) {
                        return complain(&format!("{}: {error}", file.display()), 1);
                    }
                }
            }
            ExitCode::SUCCESS
        }
        Err(message) => complain(&message, 2),
    }
}

fn parse() -> Result<(Options, Option<PathBuf>), String> {
    let mut options = Options {
        skein: PathBuf::new(),
        scale: "1".to_owned(),
        stream_millions: 50,
        pgbench_seconds: 10,
        parts: Vec::new(),
    };
    let mut write = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|error| format!("{name} {value}: {error}"))
        };
        match name.as_str() {
            "--skein" => options.skein = PathBuf::from(&value),
            "--write" => write = Some(PathBuf::from(&value)),
            "--scale" => options.scale.clone_from(&value),
            "--millions" => options.stream_millions = number()?,
            "--seconds" => options.pgbench_seconds = number()?,
            "--only" => options.parts = value.split(',').map(str::to_owned).collect(),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if options.skein.is_file() {
        Ok((options, write))
    } else {
        Err(USAGE.to_owned())
    }
}

const DISTRIBUTED_INTRODUCTION: &str = "# Benchmarks of executors in processes of their own

`make bench-cluster` measures one executor against two, each on one core of one machine, and writes this
page. What several machines would gain cannot be seen on one: the gateway and the clients share its cores.
";

/// A sentence on the machine and the versions.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split(": ").nth(1))
        .unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let postgres = skein_tests::postgres::programs()
        .and_then(|programs| {
            Command::new(programs.join("postgres"))
                .arg("--version")
                .output()
                .ok()
        })
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let postgres = postgres.unwrap_or_else(|| "no PostgreSQL".to_owned());
    format!("Measured on {cores} cores ({model}) with DuckDB 1.5.5 and {postgres}.")
}

#[expect(clippy::print_stdout, reason = "results go to stdout")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(
    clippy::print_stderr,
    reason = "a program tells its user what went wrong"
)]
fn complain(text: &str, code: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(code)
}
