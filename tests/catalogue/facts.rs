//! The files of facts in `catalog/src/system` hold what PostgreSQL 15 has built in.
//!
//! `facts/*.sql` asks PostgreSQL for the lines of each file. Functions, operators and casts are
//! listed if Skein binds a call of them, or if another line names them. `REWRITE=postgres` writes the
//! files again, which asks Skein about every function that PostgreSQL has and takes a minute or two.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use skein_tests::client::{Client, QueryError};
use skein_tests::environment::{self, Server};

use crate::{ask, cluster, postgres, skip};

/// Files that hold every line that PostgreSQL gives.
const WHOLE: &[&str] = &["relations", "types", "opclasses", "keywords"];
/// Calls that are bound in one statement, as long as all are known.
const BATCH: usize = 40;
/// Functions that are named by what is no file here: handlers of access methods, validators of
/// languages, functions of ranges.
const NAMED: &[u32] = &[
    3, 330, 331, 332, 333, 334, 335, 2246, 2247, 2248, 3914, 3915, 3922, 3923, 3924, 3925, 3928,
    3929, 3930,
];
/// Functions that are listed without a try: they act on sessions, or take whole rows.
const UNTRIED: &[&str] = &[
    "_pg_truetypid",
    "_pg_truetypmod",
    "pg_cancel_backend",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_terminate_backend",
];

fn file(name: &str) -> PathBuf {
    environment::checkout().join(format!("catalog/src/system/{name}.txt"))
}

/// The comment of a file and its lines.
fn read(name: &str) -> (String, Vec<String>) {
    let text = fs::read_to_string(file(name)).expect("the file is there");
    let (comment, lines): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let lines = lines.into_iter().map(str::to_owned).collect();
    (comment.join("\n"), lines)
}

/// What PostgreSQL says the file holds.
fn told(client: &mut Client, name: &str) -> Vec<String> {
    let query = environment::checkout().join(format!("tests/catalogue/facts/{name}.sql"));
    let sql = fs::read_to_string(query).expect("the query is there");
    let rows = ask(client, &sql);
    rows.into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect()
}

fn write(name: &str, comment: &str, lines: &[String]) {
    let text = format!("{comment}\n{}\n", lines.join("\n"));
    fs::write(file(name), text).expect("the file can be written");
}

fn number(line: &str, field: usize) -> u32 {
    let field = line.split(' ').nth(field).expect("the line has the field");
    field.parse().expect("it is a number")
}

#[test]
fn the_files_hold_what_postgresql_has() {
    let Some(postgres) = postgres() else {
        return skip("PostgreSQL 15 is not installed");
    };
    let mut theirs = postgres.client();
    for name in WHOLE {
        let (comment, lines) = read(name);
        let expected = told(&mut theirs, name);
        if environment::rewrite(Server::Postgres) {
            write(name, &comment, &expected);
        } else {
            assert_eq!(lines, expected, "{name}.txt");
        }
    }
}

#[test]
fn what_is_listed_can_be_used() {
    let Some(postgres) = postgres() else {
        return skip("PostgreSQL 15 is not installed");
    };
    let cluster = cluster();
    let mut theirs = postgres.client();
    let mut probe = Probe {
        skein: cluster.client(),
    };
    let mut named: BTreeSet<u32> = NAMED.iter().copied().collect();
    for line in told(&mut theirs, "types") {
        named.extend((16..24).map(|field| number(&line, field)));
    }
    let operators = part(
        &mut theirs,
        &mut probe,
        "operators",
        OPERATORS,
        &BTreeSet::new(),
    );
    for line in &operators {
        named.extend((10..13).map(|field| number(line, field)));
    }
    for line in part(&mut theirs, &mut probe, "casts", CASTS, &BTreeSet::new()) {
        named.insert(number(&line, 3));
    }
    part(&mut theirs, &mut probe, "procs", PROCS, &named);
}

/// Holds one file of what Skein has against both servers and gives its lines. `named`: OIDs of what
/// other files name, which need not be callable.
fn part(
    theirs: &mut Client,
    probe: &mut Probe,
    name: &str,
    calls: &str,
    named: &BTreeSet<u32>,
) -> Vec<String> {
    let (comment, listed) = read(name);
    let told = told(theirs, name);
    let calls: Vec<(u32, Vec<String>)> = ask(theirs, calls)
        .into_iter()
        .map(|row| {
            let mut fields = row.into_iter();
            let oid = fields.next().flatten().and_then(|oid| oid.parse().ok());
            (oid.expect("an OID"), fields.flatten().collect())
        })
        .collect();
    if environment::rewrite(Server::Postgres) {
        let usable = probe.usable(&calls);
        let kept: Vec<String> = told
            .into_iter()
            .filter(|line| {
                let oid = number(line, 0);
                usable.contains(&oid) || named.contains(&oid) || is_untried(line)
            })
            .collect();
        write(name, &comment, &kept);
        return kept;
    }
    let told: BTreeSet<String> = told.into_iter().collect();
    let invented: Vec<&String> = listed.iter().filter(|line| !told.contains(*line)).collect();
    assert!(invented.is_empty(), "not in PostgreSQL: {invented:?}");
    let present: BTreeSet<u32> = listed.iter().map(|line| number(line, 0)).collect();
    let absent: Vec<&u32> = named
        .iter()
        .filter(|oid| **oid != 0 && !present.contains(oid))
        .collect();
    assert!(
        absent.is_empty(),
        "{name}.txt lacks what is named elsewhere: {absent:?}"
    );
    let claimed: Vec<(u32, Vec<String>)> = calls
        .into_iter()
        .filter(|(oid, _)| present.contains(oid) && !named.contains(oid))
        .collect();
    let usable = probe.usable(&claimed);
    let refused: Vec<_> = claimed
        .iter()
        .filter(|(oid, _)| !usable.contains(oid))
        .collect();
    assert!(
        refused.is_empty(),
        "listed in {name}.txt, but Skein does not know: {refused:?}"
    );
    listed
}

fn is_untried(line: &str) -> bool {
    line.split(' ')
        .nth(2)
        .is_some_and(|name| UNTRIED.contains(&name))
}

/// Tries whether Skein binds something.
struct Probe {
    skein: Client,
}

impl Probe {
    /// The OIDs of which one of the ways to write a call is bound. Ways that are single expressions
    /// are tried many at a time.
    fn usable(&mut self, calls: &[(u32, Vec<String>)]) -> BTreeSet<u32> {
        let mut usable = BTreeSet::new();
        let is_single = |sql: &String| !sql.starts_with("SELECT *");
        let (single, other): (Vec<_>, Vec<_>) = calls
            .iter()
            .partition(|(_, ways)| ways.first().is_some_and(is_single));
        for batch in single.chunks(BATCH) {
            let expressions: Vec<&str> = batch
                .iter()
                .filter_map(|(_, ways)| ways.first()?.strip_prefix("SELECT "))
                .collect();
            if self.binds(&format!("SELECT {}", expressions.join(", "))) {
                usable.extend(batch.iter().map(|(oid, _)| *oid));
            } else {
                usable.extend(self.one_by_one(batch));
            }
        }
        usable.extend(self.one_by_one(&other));
        usable
    }

    fn one_by_one(&mut self, calls: &[&(u32, Vec<String>)]) -> Vec<u32> {
        let mut usable = Vec::new();
        for (oid, ways) in calls {
            if ways.iter().any(|sql| self.binds(sql)) {
                usable.push(*oid);
            }
        }
        usable
    }

    /// Whether a statement runs, or is refused for what it is given rather than for what it names.
    fn binds(&mut self, sql: &str) -> bool {
        match self.skein.query(sql) {
            Ok(_) => true,
            // The latter: an argument must not be NULL.
            Err(QueryError::Server(error)) => matches!(error.sqlstate(), "0A000" | "22004"),
            Err(QueryError::Connection(error)) => panic!("{sql}\n{error}"),
        }
    }
}

/// A type that stands for a pseudo-type, and NULL of it.
macro_rules! null_of {
    ($oid:literal) => {
        concat!(
            "'NULL::' || CASE ", $oid, " WHEN 2283 THEN 'int4' WHEN 2277 THEN 'int4[]' WHEN 2276 THEN 'text' ",
            "WHEN 2776 THEN 'int4' WHEN 5077 THEN 'int4' WHEN 5078 THEN 'int4[]' WHEN 5079 THEN 'int4' ",
            "ELSE format_type(", $oid, ", NULL) END"
        )
    };
}

/// Ways to use each operator.
const OPERATORS: &str = concat!(
    "SELECT o.oid, 'SELECT ' || CASE o.oprleft WHEN 0 THEN '' ELSE ",
    null_of!("o.oprleft"),
    " END || ' ' || o.oprname || ' ' || ",
    null_of!("o.oprright"),
    ", 'SELECT ' || CASE o.oprleft WHEN 0 THEN '' ELSE 'a' END || ' ' || o.oprname || ' b FROM (SELECT ' || \
       CASE o.oprleft WHEN 0 THEN '1' ELSE ",
    null_of!("o.oprleft"),
    " END || ' AS a, ' || ",
    null_of!("o.oprright"),
    " || ' AS b) AS q' FROM pg_operator AS o WHERE o.oid < 16384 ORDER BY o.oid"
);

/// Ways to use each cast.
const CASTS: &str = concat!(
    "SELECT c.oid, 'SELECT (' || ",
    null_of!("c.castsource"),
    " || ')::' || format_type(c.casttarget, NULL) FROM pg_cast AS c WHERE c.oid < 16384 ORDER BY c.oid"
);

/// Ways to call each function: with constants, with columns, in FROM.
const PROCS: &str = concat!(
    "WITH called AS (SELECT p.oid, p.prokind, p.proretset, a.aggkind, coalesce(a.aggnumdirectargs, 0) AS direct, \
       CASE p.pronamespace WHEN 11 THEN 'pg_catalog.' ELSE 'information_schema.' END || quote_ident(p.proname) AS name, \
       ARRAY(SELECT ",
    null_of!("t"),
    " FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u(t, n) ORDER BY n) AS args \
       FROM pg_proc AS p LEFT JOIN pg_aggregate AS a ON a.aggfnoid = p.oid \
       WHERE p.oid < 16384 AND p.proname NOT IN ('_pg_truetypid', '_pg_truetypmod', 'pg_cancel_backend', 'pg_sleep', 'pg_sleep_for', 'pg_sleep_until', 'pg_terminate_backend') \
         AND NOT p.proargtypes::oid[] && ARRAY[2281, 2275, 3831, 3500, 4537, 5080, 4538]::oid[]), \
     written AS (SELECT c.*, array_to_string(c.args, ', ') AS nulls, \
       (SELECT string_agg('a' || n, ', ' ORDER BY n) FROM generate_series(1, cardinality(c.args)) AS n) AS names, \
       coalesce((SELECT ' FROM (SELECT ' || string_agg(c.args[n] || ' AS a' || n, ', ' ORDER BY n) || ') AS q' \
         FROM generate_series(1, cardinality(c.args)) AS n), '') AS source FROM called AS c) \
     SELECT w.oid, \
       CASE WHEN w.prokind = 'a' AND w.aggkind <> 'n' THEN 'SELECT ' || w.name || '(' || CASE WHEN w.direct = 0 THEN '' \
           WHEN w.args[1] = 'NULL::double precision' THEN '0.5' ELSE array_to_string(w.args[1:w.direct], ', ') END || ') WITHIN GROUP (ORDER BY ' || \
           array_to_string(w.args[w.direct + 1:], ', ') || ')' \
         WHEN w.prokind = 'w' THEN 'SELECT ' || w.name || '(' || w.nulls || ') OVER (ORDER BY 1)' \
         WHEN w.prokind = 'a' AND cardinality(w.args) = 0 THEN 'SELECT ' || w.name || '(*)' \
         WHEN w.proretset THEN 'SELECT * FROM ' || w.name || '(' || w.nulls || ') AS s' \
         ELSE 'SELECT ' || w.name || '(' || w.nulls || ')' END, \
       'SELECT ' || w.name || '(' || coalesce(w.names, '') || ')' || w.source, \
       'SELECT * FROM ' || w.name || '(' || w.nulls || ') AS s' \
     FROM written AS w ORDER BY w.oid"
);
