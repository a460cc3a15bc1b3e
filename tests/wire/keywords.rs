//! Every keyword of PostgreSQL and of DuckDB wherever a name may stand: taken or refused as
//! PostgreSQL takes or refuses it, under the same name.

use std::collections::BTreeSet;
use std::fmt::Debug;

use libtest_mimic::{Failed, Trial};
use skein_tests::client::{Client, QueryError};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::native::Native;
use skein_tests::postgres::{self, Postgres};

/// Where a word may be a name; `@` stands for it.
const PLACES: &[&str] = &[
    "SELECT 1 @",
    "SELECT 1 @, 2 AS b",
    "SELECT x.a @ FROM (SELECT 1 AS a) AS x",
    "SELECT count(*) FILTER (WHERE x.a = 1) @ FROM (SELECT 1 AS a) AS x GROUP BY x.a",
    "SELECT (SELECT max(x.a) @ FROM (SELECT 1 AS a) AS x) AS b",
    "SELECT 1 AS @",
    "SELECT 1 AS \"@\"",
    "SELECT x.@ FROM (SELECT 1 AS @) AS x",
    "SELECT @ FROM (SELECT 1 AS @) AS x",
    "SELECT @, 2 AS b FROM (SELECT 1 AS @) AS x GROUP BY @ ORDER BY @",
    "SELECT @.a FROM (SELECT 1 AS a) AS @",
    "SELECT b FROM (SELECT 1, 2) AS x(@, b)",
];

/// Reserved by PostgreSQL, and names for Skein as well; or set operations, after which Skein looks for
/// a relation before it misses the second operand.
const LENIENT: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "except",
    "grant",
    "intersect",
    "localtime",
    "localtimestamp",
    "session_user",
    "union",
    "user",
];
/// Columns that Skein finds only after the name of their relation: alone they are functions.
const FUNCTIONS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
];

/// Whether Skein may answer otherwise.
fn may_differ(word: &str, wanted: &str, got: &str) -> bool {
    let lenient = wanted == "42601" && LENIENT.contains(&word);
    let operator = ["in", "is", "or"].contains(&word) && got == "42601";
    // PostgreSQL reads a list of no columns.
    lenient
        || operator
        || (word == "all" && wanted.is_empty())
        || (FUNCTIONS.contains(&word) && got == "XX000")
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("wire::keywords", keywords)
            // A skip carries its reason: PostgreSQL is not installed here.
            .with_ignored_flag(postgres::programs().is_none()),
    ]
}

fn failed(error: impl Debug) -> Failed {
    format!("{error:?}").into()
}

/// The names of the columns, or the SQLSTATE.
fn answer(client: &mut Client, sql: &str) -> Result<String, Failed> {
    match client.query(sql) {
        Ok(result) => {
            let names = result.columns.iter().map(|column| column.name.as_str());
            Ok(names.collect::<Vec<&str>>().join(", "))
        }
        Err(QueryError::Server(error)) => Ok(error.sqlstate().to_owned()),
        Err(error) => Err(failed(error)),
    }
}

fn keywords() -> Result<(), Failed> {
    let Some(postgres) = Postgres::start(&[]) else {
        return Err("PostgreSQL is not installed".into());
    };
    let cluster = Cluster::start(&ClusterOptions::new(&sql_relations(Layout::Few)));
    let (mut theirs, mut ours) = (postgres.client(), cluster.client());
    let listed = theirs
        .query("SELECT word FROM pg_get_keywords()")
        .map_err(failed)?;
    let duckdb = Native::open(1)
        .query("SELECT keyword_name FROM duckdb_keywords()")
        .map_err(failed)?;
    let rows = listed.rows.into_iter().chain(duckdb);
    let words: BTreeSet<String> = rows.filter_map(|mut row| row.swap_remove(0)).collect();
    assert!(words.len() > 400, "{} keywords", words.len());
    let mut differences = Vec::new();
    for word in &words {
        for place in PLACES {
            let sql = place.replace('@', word);
            let (wanted, got) = (answer(&mut theirs, &sql)?, answer(&mut ours, &sql)?);
            if wanted != got && !may_differ(word, &wanted, &got) {
                differences.push(format!("{sql}: PostgreSQL {wanted}, Skein {got}"));
            }
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n").into())
    }
}
