//! Wire transcripts: every `.pgt` file on a gateway, and on a real PostgreSQL.
//!
//! [`skein_tests::transcript`] describes the format. Beside them, COPY byte by byte, what
//! programs read of EXPLAIN, keywords as names, and recorded answers of PostgreSQL.

mod copy;
mod explain;
mod keywords;
mod recorded;

use std::path::PathBuf;

use libtest_mimic::{Arguments, Failed, Trial};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::environment::{self, Server};
use skein_tests::postgres::{self, Postgres};
use skein_tests::transcript;

fn main() {
    let arguments = Arguments::from_args();
    let folder = environment::checkout().join("tests/wire");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of .pgt files can be read")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pgt"))
        .collect();
    files.sort();
    let mut trials = Vec::new();
    for file in files {
        let stem = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let transcript = file.clone();
        trials.push(Trial::test(format!("wire::{stem}::skein"), move || {
            let cluster = Cluster::start(&ClusterOptions::new(&sql_relations(Layout::Few)));
            transcript::run(&transcript, cluster.address(), Server::Skein).map_err(Failed::from)
        }));
        trials.push(
            Trial::test(format!("wire::{stem}::postgres"), move || {
                let Some(postgres) = Postgres::start(&[]) else {
                    return Err("PostgreSQL is not installed".into());
                };
                transcript::run(&file, postgres.address(), Server::Postgres).map_err(Failed::from)
            })
            // A skip carries its reason: PostgreSQL is not installed here.
            .with_ignored_flag(postgres::programs().is_none()),
        );
    }
    trials.extend(copy::trials());
    trials.extend(explain::trials());
    trials.extend(keywords::trials());
    trials.extend(recorded::trials());
    libtest_mimic::run(&arguments, trials).exit();
}
