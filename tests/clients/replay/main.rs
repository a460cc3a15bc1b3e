//! Replays recorded traffic of real clients and compares the answers with PostgreSQL's.
//!
//! ```text
//! ../shared/client-traffic/*.sql ─► traffic ─► exchanges ─┬─► play on Skein ──────┐
//!                                                         └─► play on PostgreSQL ─┴─► judge ─► table
//! ```
//!
//! The recorded statements are not part of this project: where they are missing, everything is
//! skipped. Numbers of relations are replaced by those of the server, statements that write are
//! not sent. Judged are errors and the names and types of columns, against the recorded answer, and
//! rows, where a PostgreSQL is installed: it is given the recorded fixture without what files cannot
//! hold, such as views, indexes and types of users.
//!
//! The gate: `floor.txt` has the numbers that were reached by each client. They may only rise;
//! `REWRITE=1` writes those of this run. Statements that need not work stand in `exceptions.txt`,
//! each with its reason. What differs in detail goes to a file below cargo's target folder.

mod fixture;
mod judge;
mod play;
mod traffic;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use skein_tests::environment::{self, Server};
use skein_tests::postgres::{self, Postgres};

use judge::Counts;
use play::Player;

fn main() {
    let arguments = Arguments::from_args();
    let folder = environment::checkout().join("../shared/client-traffic");
    let files = files(&folder);
    let mut trials: Vec<Trial> = files
        .into_iter()
        .map(|file| {
            let name = stem(&file);
            Trial::test(format!("replay::{name}"), move || replay(&file))
        })
        .collect();
    if trials.is_empty() {
        let skipped = "replay::skipped: ../shared is not there";
        trials.push(Trial::test(skipped, || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .filter(|path| stem(path) != "fixture_schema")
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Replays one file and holds the result against the floor.
fn replay(file: &Path) -> Result<(), Failed> {
    let name = stem(file);
    let text = fs::read_to_string(file)?;
    let exchanges = traffic::read(&text);
    let exceptions = judge::exceptions(&name)?;

    let cluster = fixture::skein();
    let mut skein = Player::new(cluster.address());
    let server = postgres::programs().and_then(|_| Postgres::start(&[]));
    let mut postgres = match &server {
        Some(server) => {
            fixture::load(server.address(), file)?;
            Some(Player::new(server.address()))
        }
        None => None,
    };
    let verdict = judge::judge(&exchanges, &exceptions, &mut skein, postgres.as_mut());

    let report = environment::generated_folder().join(format!("replay-{name}.txt"));
    fs::write(&report, &verdict.details)?;
    print(&name, &verdict.counts);
    let floor_file = environment::checkout().join("tests/clients/replay/floor.txt");
    let lock = File::open(&floor_file)?;
    lock.lock()?;
    let floors = fs::read_to_string(&floor_file)?;
    if environment::rewrite(Server::Skein) {
        fs::write(&floor_file, with_line(&floors, &name, &verdict.counts))?;
        return Ok(());
    }
    drop(lock);
    let floor = floors.lines().find_map(|line| {
        let rest = line.strip_prefix(&name)?.strip_prefix(' ')?;
        Counts::parse(rest)
    });
    let floor = floor.ok_or_else(|| Failed::from(format!("{name} has no line in floor.txt")))?;
    if let Some(complaint) = verdict.counts.below(&floor, server.is_some()) {
        return Err(format!("{complaint}; details: {}", report.display()).into());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn print(name: &str, counts: &Counts) {
    println!(
        "{name}: {} statements, {} left out, {} without error, {} of {} with the same columns, {} with the same rows",
        counts.statements,
        counts.left_out,
        counts.without_error,
        counts.same_columns,
        counts.results,
        counts.same_rows
    );
}

/// The table with this line in place of the former one.
fn with_line(table: &str, name: &str, counts: &Counts) -> String {
    let mut lines: Vec<String> = table
        .lines()
        .filter(|line| line.split(' ').next() != Some(name))
        .map(str::to_owned)
        .collect();
    let comments = lines
        .iter()
        .take_while(|line| line.starts_with('#'))
        .count();
    lines.push(format!("{name} {counts}"));
    lines[comments..].sort();
    lines.join("\n") + "\n"
}
