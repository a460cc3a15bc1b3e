//! TPC-H and TPC-DS: the queries that DuckDB's own extensions bring along.
//!
//! Some order by columns that leave ties, and cut off with LIMIT inside of one. Their answer is
//! then one of several, so a query whose rows differ gets a second chance without its LIMIT.

use skein_tests::compare::Order;
use skein_tests::data::sets::{self, Layout};
use skein_tests::native::Native;

use crate::modes::{Checked, Modes, report};

/// Queries that divide by zero on little data, where PostgreSQL fails as well: the classes of items
/// of query 20 of TPC-DS have no sales there. They run with `skein.division_by_zero = null`.
const DIVIDE_BY_ZERO: &[(&str, &str)] = &[("tpcds", "20")];

/// Queries that round a quotient, which is numeric as in PostgreSQL and a floating-point number in
/// DuckDB: 0.575 is 0.58 in the one and 0.57 in the other. They are not compared with DuckDB alone.
const ROUNDS_QUOTIENTS: &[(&str, &str)] = &[("tpcds", "78")];

#[test]
fn tpch_split_equals_whole() {
    suite("tpch", "TPC-H queries", 22, |layout| {
        sets::tpch("0.02", layout)
    });
}

#[test]
fn tpcds_split_equals_whole() {
    suite("tpcds", "TPC-DS queries", 99, |layout| {
        sets::tpcds("0.02", layout)
    });
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn tpch_split_equals_whole_at_larger_scale() {
    suite("tpch", "TPC-H queries", 22, |layout| {
        sets::tpch("1", layout)
    });
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn tpcds_split_equals_whole_at_larger_scale() {
    suite("tpcds", "TPC-DS queries", 99, |layout| {
        sets::tpcds("1", layout)
    });
}

fn suite(
    extension: &str,
    subject: &str,
    count: usize,
    data: impl Fn(Layout) -> std::path::PathBuf,
) {
    let queries = Native::with_extensions(1, &[extension])
        .query(&format!(
            "SELECT query_nr, query FROM {extension}_queries() ORDER BY query_nr"
        ))
        .expect("the extension lists its queries");
    assert_eq!(queries.len(), count);
    let mut modes = Modes::start(data);
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
