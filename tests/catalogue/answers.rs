//! Functions, casts and settings answer as PostgreSQL's do: the statements of `answers.txt`.

use std::collections::BTreeSet;

use skein_tests::client::{Client, Column, QueryError, Row};
use skein_tests::environment;

use crate::{cluster, inventory, postgres, section, skip};

/// A statement, and what of it is compared.
struct Case {
    /// `function count/0`, `cast oid`, `set timezone`, `show timezone`.
    subject: String,
    sql: String,
    /// Rows are the server's own.
    columns_only: bool,
}

fn cases() -> Vec<Case> {
    let file = environment::checkout().join("tests/catalogue/answers.txt");
    let text = std::fs::read_to_string(file).expect("the file is there");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (subject, sql) = line.split_once(": ").expect("`kind name: statement`");
            let own = sql.strip_prefix('~');
            Case {
                subject: subject.to_owned(),
                sql: own.unwrap_or(sql).to_owned(),
                columns_only: own.is_some(),
            }
        })
        .collect()
}

/// Columns and rows, or the error.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Result(Vec<Column>, Vec<Row>),
    Error(String),
}

pub(crate) fn answer(client: &mut Client, sql: &str) -> Answer {
    match client.query(sql) {
        Ok(result) => Answer::Result(result.columns, result.rows),
        Err(QueryError::Server(error)) => {
            Answer::Error(format!("{} {}", error.sqlstate(), error.field('M')))
        }
        Err(QueryError::Connection(error)) => panic!("{sql}: {error}"),
    }
}

/// What of the answer is compared.
fn compared(client: &mut Client, case: &Case) -> Answer {
    match answer(client, &case.sql) {
        Answer::Result(columns, _) if case.columns_only => Answer::Result(columns, Vec::new()),
        answer => answer,
    }
}

#[test]
fn what_clients_call_answers_as_postgresql_does() {
    let Some(postgres) = postgres() else {
        return skip("PostgreSQL 15 is not installed");
    };
    let cluster = cluster();
    let mut differences = Vec::new();
    let (mut ours, mut theirs) = (cluster.client(), postgres.client());
    for case in cases() {
        let (own, expected) = (compared(&mut ours, &case), compared(&mut theirs, &case));
        if own != expected {
            differences.push(format!(
                "{}: {}\n  {own:?}\n  {expected:?}",
                case.subject, case.sql
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn everything_of_the_inventory_is_compared() {
    let Some(inventory) = inventory() else {
        return skip("../shared is not there");
    };
    let known: BTreeSet<String> = cases().into_iter().map(|case| case.subject).collect();
    let mut missing = Vec::new();
    for (title, kind) in [
        ("Functions", "function"),
        ("Casts to", "cast"),
        ("SET / RESET", "set"),
        ("SHOW", "show"),
    ] {
        let names = section(&inventory, title);
        assert!(!names.is_empty(), "{title}");
        let subjects = names.iter().map(|name| format!("{kind} {name}"));
        missing.extend(subjects.filter(|subject| !known.contains(subject)));
    }
    assert!(missing.is_empty(), "{missing:?}");
}
