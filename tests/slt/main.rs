//! SQL and the rows it must give: every `.slt` file, in every mode, and on a real PostgreSQL.
//!
//! A file is one test per mode. What PostgreSQL does not know says `skipif postgres`; everything
//! else has to give the same text there. With `REWRITE=1` the mode `never` writes what it saw into
//! the files, with `REWRITE=postgres` PostgreSQL does, to be read as a diff and then checked by
//! the other modes.

mod oracle;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use skein_tests::client::{Client, QueryError};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::environment::{self, Server};
use skein_tests::postgres;
use sqllogictest::{DBOutput, DefaultColumnType, Runner, strict_column_validator};

/// Name, layout, executors, and how queries are split.
const MODES: &[(&str, Layout, usize, &str)] = &[
    ("never", Layout::Few, 1, "never"),
    ("always_on_1", Layout::Few, 1, "always"),
    ("always_on_3", Layout::Few, 3, "always"),
    ("many_tiny_files", Layout::Many, 3, "always"),
];

fn main() {
    let arguments = Arguments::from_args();
    let folder = environment::checkout().join("tests/slt");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of .slt files can be read")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    let mut trials = Vec::new();
    for file in &files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        for mode in MODES {
            let file = file.clone();
            let name = format!("slt::{stem}::{}", mode.0);
            trials.push(Trial::test(name, move || on_skein(&file, *mode)));
        }
        let file = file.clone();
        trials.push(
            Trial::test(format!("slt::{stem}::postgres"), move || oracle::run(&file))
                // A skip carries its reason: PostgreSQL is not installed here.
                .with_ignored_flag(postgres::programs().is_none()),
        );
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn on_skein(
    file: &Path,
    (mode, layout, executors, split): (&str, Layout, usize, &str),
) -> Result<(), Failed> {
    let folder = sql_relations(layout);
    let cluster = Cluster::start(&ClusterOptions::new(&folder).executors(executors));
    let setting = format!("skein.split = {split}");
    let connect = || Database {
        client: cluster.client_with(&[&setting]),
        engine: "skein",
    };
    run(
        file,
        connect,
        environment::rewrite(Server::Skein) && mode == "never",
    )
}

/// Runs one file on connections that `connect` makes.
fn run(file: &Path, connect: impl Fn() -> Database, rewrite: bool) -> Result<(), Failed> {
    let mut runner = Runner::new(|| async { Ok(connect()) });
    runner.with_column_validator(strict_column_validator);
    if rewrite {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let updated = runtime.block_on(runner.update_test_file(
            file,
            " ",
            sqllogictest::default_validator,
            sqllogictest::default_normalizer,
            strict_column_validator,
        ));
        return updated.map_err(|error| error.to_string().into());
    }
    runner
        .run_file(file)
        .map_err(|error| error.display(false).to_string().into())
}

/// A connection, as the runner wants it.
struct Database {
    client: Client,
    engine: &'static str,
}

impl sqllogictest::DB for Database {
    type Error = QueryError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        let result = self.client.query(sql)?;
        if result.columns.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types = result
            .columns
            .iter()
            .map(|column| match column.type_oid {
                20 | 21 | 23 | 26 => DefaultColumnType::Integer,
                700 | 701 | 1700 => DefaultColumnType::FloatingPoint,
                _ => DefaultColumnType::Text,
            })
            .collect();
        let cell = |cell: Option<String>| match cell {
            None => "NULL".to_owned(),
            Some(text) if text.is_empty() => "(empty)".to_owned(),
            Some(text) => text,
        };
        let rows = result
            .rows
            .into_iter()
            .map(|row| row.into_iter().map(cell).collect())
            .collect();
        Ok(DBOutput::Rows { types, rows })
    }

    fn engine_name(&self) -> &str {
        self.engine
    }

    fn error_sql_state(error: &QueryError) -> Option<String> {
        Some(error.sqlstate().to_owned())
    }
}
