//! TPC-H and TPC-DS: the queries that DuckDB's own extensions bring along.
//!
//! Some order by columns that leave ties, and cut off with LIMIT inside of one. Their answer is
//! then one of several, so a query whose rows differ gets a second chance without its LIMIT.

use skein_tests::compare::Order;
use skein_tests::data::sets;
use skein_tests::native::Native;

use crate::modes::{Checked, Modes, ON_PROCESSES, report};

/// Queries that divide by zero on little data, where PostgreSQL fails as well: the classes of items
/// of query 20 of TPC-DS have no sales there. They run with `skein.division_by_zero = null`.
const DIVIDE_BY_ZERO: &[(&str, &str)] = &[("tpcds", "20")];

/// Queries that round a quotient, which is numeric as in PostgreSQL and a floating-point number in
/// DuckDB: 0.575 is 0.58 in the one and 0.57 in the other. They are not compared with DuckDB alone.
const ROUNDS_QUOTIENTS: &[(&str, &str)] = &[("tpcds", "78")];

const TPCH: (&str, &str, usize) = ("tpch", "TPC-H queries", 22);
const TPCDS: (&str, &str, usize) = ("tpcds", "TPC-DS queries", 99);

#[test]
fn tpch_split_equals_whole() {
    suite(TPCH, Modes::start(|layout| sets::tpch("0.02", layout)));
}

#[test]
fn tpcds_split_equals_whole() {
    suite(TPCDS, Modes::start(|layout| sets::tpcds("0.02", layout)));
}

#[test]
fn tpch_exchanged_equals_whole() {
    let data = |layout| sets::tpch("0.02", layout);
    suite(TPCH, Modes::exchanged(data, 64));
}

#[test]
fn tpcds_exchanged_equals_whole() {
    let data = |layout| sets::tpcds("0.02", layout);
    suite(TPCDS, Modes::exchanged(data, 5));
}

#[test]
fn tpch_on_processes_equals_whole() {
    let data = |layout| sets::tpch("0.02", layout);
    suite(TPCH, Modes::on_processes(data, ON_PROCESSES));
}

#[test]
fn tpcds_on_processes_equals_whole() {
    let data = |layout| sets::tpcds("0.02", layout);
    suite(
        TPCDS,
        Modes::on_processes(data, [&ON_PROCESSES[1], &ON_PROCESSES[3]]),
    );
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn tpch_split_equals_whole_at_larger_scale() {
    suite(TPCH, Modes::start(|layout| sets::tpch("1", layout)));
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn tpcds_split_equals_whole_at_larger_scale() {
    suite(TPCDS, Modes::start(|layout| sets::tpcds("1", layout)));
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn tpch_on_processes_equals_whole_at_larger_scale() {
    let data = |layout| sets::tpch("1", layout);
    suite(TPCH, Modes::on_processes(data, ON_PROCESSES));
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn tpcds_on_processes_equals_whole_at_larger_scale() {
    let data = |layout| sets::tpcds("1", layout);
    suite(TPCDS, Modes::on_processes(data, ON_PROCESSES));
}

fn suite((extension, subject, count): (&str, &str, usize), mut modes: Modes) {
    let queries = Native::with_extensions(1, &[extension])
        .query(&format!(
            "SELECT query_nr, query FROM {extension}_queries() ORDER BY query_nr"
        ))
        .expect("the extension lists its queries");
    assert_eq!(queries.len(), count);
    let mut failures = Vec::new();
    for row in &queries {
        let number = row[0].as_deref().unwrap_or_default();
        let sql = row[1]
            .as_deref()
            .unwrap_or_default()
            .trim()
            .trim_end_matches(';');
        let divides_by_zero = DIVIDE_BY_ZERO.contains(&(extension, number));
        if divides_by_zero {
            modes.set("skein.division_by_zero = null");
        }
        modes.compare_native(!ROUNDS_QUOTIENTS.contains(&(extension, number)));
        let mut checked = modes.check(sql, Order::Any);
        if checked.is_err()
            && let Some(unlimited) = without_limit(sql)
        {
            checked = modes.check(&unlimited, Order::Any);
        }
        if divides_by_zero {
            modes.set("skein.division_by_zero = error");
        }
        match checked {
            Ok(Checked::Rows) => {}
            Ok(Checked::Late) => unreachable!("nothing limits its time"),
            Ok(Checked::Fails(error)) => {
                failures.push(format!("query {number} fails in every mode: {error}"));
            }
            Err(difference) => failures.push(format!("query {number}: {difference}")),
        }
    }
    report(subject, queries.len(), &failures);
}

/// The query without the LIMIT at its end, if it has one.
fn without_limit(sql: &str) -> Option<String> {
    let start = sql.to_ascii_lowercase().rfind("limit ")?;
    let rest = sql[start + "limit ".len()..].trim();
    rest.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| sql[..start].to_owned())
}
