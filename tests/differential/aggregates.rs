//! Every aggregate that DuckDB has, over data that is awkward to split.
//!
//! The list comes from DuckDB itself, so that an aggregate of a new version is tested without
//! anybody thinking of it. Each is called on columns of every type it takes: plain, with FILTER,
//! DISTINCT and ORDER BY; over everything, by group, and over no rows. The data has NULLs, groups
//! that some files lack, NaN, files without rows, with one row, and with nothing but NULLs.

use std::collections::BTreeSet;

use skein_tests::compare::Order;
use skein_tests::data::sets;
use skein_tests::native::Native;

use crate::modes::{Checked, Modes, ON_PROCESSES, report};

/// Window functions, which DuckDB also lists as aggregates.
const WINDOW_ONLY: &[&str] = &[
    "count_star",
    "cume_dist",
    "dense_rank",
    "fill",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "rank_dense",
    "row_number",
];
/// Samples and sketches, whose result depends on the order of rows even on one thread.
const APPROXIMATE: &[&str] = &[
    "approx_count_distinct",
    "approx_quantile",
    "approx_top_k",
    "reservoir_quantile",
];
/// Aggregates whose result depends on the order of rows, unless they say ORDER BY.
const ORDERED: &[&str] = &[
    "any_value",
    "arbitrary",
    "array_agg",
    "first",
    "group_concat",
    "last",
    "list",
    "listagg",
    "mode",
    "string_agg",
];

/// `arg_max` and its like, under all of their names.
const EXTREMES: &[&str] = &["arg_m", "argm", "min_by", "max_by"];
/// After so many differences the rest would say nothing new.
const FAILURES_MAX: usize = 40;

/// One call: name and arguments.
struct Call {
    name: String,
    arguments: Vec<String>,
}

#[test]
fn aggregates_split_equals_whole_1() {
    run(|name| name < "h", here());
}

#[test]
fn aggregates_split_equals_whole_2() {
    run(|name| name >= "h", here());
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn aggregates_on_processes_equal_whole_1() {
    run(|name| name < "h", on_processes());
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn aggregates_on_processes_equal_whole_2() {
    run(|name| name >= "h", on_processes());
}

/// DuckDB alone prints lists and maps in another way; the other tests compare its values.
fn here() -> Modes {
    Modes::start(sets::aggregate_relations).without_native()
}

fn on_processes() -> Modes {
    Modes::on_processes(sets::aggregate_relations, ON_PROCESSES)
}

fn run(wanted: impl Fn(&str) -> bool, mut modes: Modes) {
    let calls: Vec<Call> = calls()
        .into_iter()
        .filter(|call| wanted(&call.name))
        .collect();
    assert!(
        calls.len() > 200,
        "DuckDB has more aggregates than {}",
        calls.len()
    );
    let mut failures = Vec::new();
    let mut succeeded = BTreeSet::new();
    let mut checked = 0;
    for call in &calls {
        for (expressions, order) in expressions(call) {
            let mut outcome = check(&mut modes, &expressions, order, &mut failures);
            if matches!(outcome, Checked::Fails(_)) && expressions.len() > 1 {
                // Not every overload takes every form, and one error hides the others.
                for expression in &expressions {
                    let alone = std::slice::from_ref(expression);
                    if let Checked::Rows = check(&mut modes, alone, order, &mut failures) {
                        outcome = Checked::Rows;
                    }
                }
            }
            checked += 1;
            if let Checked::Rows = outcome {
                succeeded.insert(call.name.clone());
            }
        }
        if failures.len() >= FAILURES_MAX {
            break;
        }
    }
    report("aggregate queries", checked, &failures);
    let never: BTreeSet<&String> = calls
        .iter()
        .map(|call| &call.name)
        // DuckDB keeps this one for its optimizer and refuses it in SQL.
        .filter(|name| !succeeded.contains(*name) && *name != "sum_no_overflow")
        .collect();
    assert!(never.is_empty(), "no call succeeded of {never:?}");
}

/// Checks expressions over everything, by group, and over no rows.
fn check(
    modes: &mut Modes,
    expressions: &[String],
    order: Order,
    failures: &mut Vec<String>,
) -> Checked {
    let list = expressions.join(", ");
    let mut outcome = Checked::Rows;
    for sql in [
        format!("SELECT {list} FROM samples"),
        format!("SELECT g, {list} FROM samples GROUP BY g"),
        format!("SELECT {list} FROM samples WHERE id < 0"),
    ] {
        match modes.check(&sql, order) {
            Ok(Checked::Rows) => {}
            Ok(fails) => {
                outcome = fails;
                break;
            }
            Err(difference) => {
                failures.push(difference);
                break;
            }
        }
    }
    outcome
}

/// Expressions that use one call, and how far their values are fixed.
fn expressions(call: &Call) -> Vec<(Vec<String>, Order)> {
    let name = &call.name;
    let list = call.arguments.join(", ");
    let plain = vec![
        format!("{name}({list})"),
        format!("{name}({list}) FILTER (WHERE id % 3 = 0)"),
    ];
    let Some(first) = call.arguments.first() else {
        return vec![(plain, Order::Any)];
    };
    let sorted = vec![
        format!("{name}({list} ORDER BY id)"),
        format!("{name}({list} ORDER BY id DESC) FILTER (WHERE id > 60)"),
    ];
    let distinct = vec![format!("{name}(DISTINCT {list})")];
    if APPROXIMATE.contains(&name.as_str()) {
        vec![([plain, sorted, distinct].concat(), Order::Shape)]
    } else if ORDERED.contains(&name.as_str()) {
        let fixed = vec![format!("{name}(DISTINCT {list} ORDER BY {first})")];
        vec![
            ([plain, distinct].concat(), Order::Shape),
            ([sorted, fixed].concat(), Order::Any),
        ]
    } else {
        vec![([plain, sorted, distinct].concat(), Order::Any)]
    }
}

/// Every overload of every aggregate, on the columns that fit.
fn calls() -> Vec<Call> {
    let rows = Native::open(1)
        .query(
            "SELECT DISTINCT function_name, array_to_string(parameter_types, ';') AS types \
             FROM duckdb_functions() WHERE function_type = 'aggregate' ORDER BY ALL",
        )
        .expect("DuckDB lists its functions");
    let mut calls = Vec::new();
    for row in rows {
        let name = row[0].clone().unwrap_or_default();
        if WINDOW_ONLY.contains(&name.as_str()) {
            continue;
        }
        let types = row[1].clone().unwrap_or_default();
        let types: Vec<&str> = types.split(';').filter(|ty| !ty.is_empty()).collect();
        let mut firsts = types
            .first()
            .map_or(vec![String::new()], |ty| columns(&name, ty));
        if EXTREMES.iter().any(|prefix| name.starts_with(prefix)) && types.len() > 1 {
            // An overload for every pair of types: the first argument is only carried along.
            match (types[0], types[1]) {
                ("ANY", "ANY") => {}
                ("ANY", _) | (_, "BIGINT") => firsts.truncate(1),
                _ => continue,
            }
        }
        for first in firsts {
            let mut arguments: Vec<String> = Vec::new();
            if !first.is_empty() {
                arguments.push(first);
            }
            for (index, ty) in types.iter().enumerate().skip(1) {
                arguments.push(further_argument(&name, &arguments[0], index, ty));
            }
            calls.push(Call {
                name: name.clone(),
                arguments,
            });
        }
    }
    calls
}

/// Columns of `samples` for a first argument of this type.
fn columns(name: &str, ty: &str) -> Vec<String> {
    let columns: &[&str] = match (name, ty) {
        ("product", _) => &["(f64 / 20)"],
        ("bitstring_agg", _) => return vec![format!("(u8 % 100)::{ty}")],
        // DuckDB takes a number between those of two times, which is no time.
        ("approx_quantile", "TIME WITH TIME ZONE") => &[],
        // DuckDB's histogram loses its order, and with it its counts, over NaN.
        ("histogram" | "histogram_exact", _) => &["i32", "txt", "dec", "f64", "ts", "bo", "li"],
        (_, "ANY" | "T") => &["i32", "txt", "dec", "nan", "ts", "bo", "li"],
        (_, "BIGINT") => &["i64"],
        (_, "INTEGER") => &["i32"],
        (_, "SMALLINT") => &["i16"],
        (_, "TINYINT") => &["i8"],
        (_, "HUGEINT") => &["i128"],
        (_, "UBIGINT") => &["u64"],
        (_, "UINTEGER") => &["u32"],
        (_, "USMALLINT") => &["u16"],
        (_, "UTINYINT") => &["u8"],
        (_, "UHUGEINT") => &["u128"],
        (_, "BIGNUM") => &["i64::BIGNUM"],
        (_, "DOUBLE") => &["f64", "nan"],
        (_, "FLOAT") => &["f32"],
        (_, "DECIMAL") => &["dec"],
        (_, "VARCHAR") => &["txt"],
        (_, "BOOLEAN") => &["bo"],
        (_, "DATE") => &["da"],
        (_, "TIMESTAMP") => &["ts"],
        (_, "TIMESTAMP WITH TIME ZONE") => &["tz"],
        (_, "TIME") => &["ti"],
        (_, "TIME WITH TIME ZONE") => &["ti::TIMETZ"],
        (_, "INTERVAL") => &["iv"],
        (_, "BLOB") => &["bl"],
        (_, "BIT") => &["bi"],
        _ => panic!("{name} takes a type that this test has no column for: {ty}"),
    };
    columns.iter().map(|column| (*column).to_owned()).collect()
}

/// A second or third argument: a constant where the function wants one, else an expression that
/// no two rows share, so that `arg_max` and its like have one answer.
fn further_argument(name: &str, first: &str, index: usize, ty: &str) -> String {
    let statistics = ["corr", "covar", "regr"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    let text = match (name, index, ty) {
        ("string_agg" | "group_concat" | "listagg", ..) => "'; '",
        ("bitstring_agg", 1, _) => "0",
        ("bitstring_agg", ..) => "120",
        ("histogram" | "histogram_exact", ..) => match first {
            "txt" => "['a', 'k']",
            "ts" => "[TIMESTAMP '2026-02-01 00:00:00']",
            "bo" => "[false]",
            "li" => "[[1]]",
            _ => "[-5, 10]",
        },
        ("reservoir_quantile", 2, _) => "50",
        (_, _, "DOUBLE[]" | "FLOAT[]") => "[0.25, 0.5]",
        ("approx_top_k" | "min" | "max", ..) | (_, 2, "BIGINT") => "3",
        _ if statistics => "(i32 + id % 7)",
        (_, _, "DOUBLE" | "FLOAT") if name.contains("quantile") => "0.3",
        (_, _, "BIGINT" | "ANY") => "nullif(id, 77)",
        (_, _, "INTEGER") => "nullif(id, 77)::INTEGER",
        (_, _, "HUGEINT") => "nullif(id, 77)::HUGEINT",
        (_, _, "DOUBLE") => "(nullif(id, 77) * 0.5)::DOUBLE",
        (_, _, "VARCHAR") => "lpad(nullif(id, 77)::VARCHAR, 4, '0')",
        (_, _, "BLOB") => "lpad(nullif(id, 77)::VARCHAR, 4, '0')::BLOB",
        (_, _, "DATE") => "(DATE '2026-01-01' + nullif(id, 77)::INTEGER)",
        (_, _, "TIMESTAMP") => {
            "(TIMESTAMP '2026-01-01 00:00:00' + to_hours(nullif(id, 77)::INTEGER))"
        }
        (_, _, "TIMESTAMP WITH TIME ZONE") => {
            "(TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(nullif(id, 77)::INTEGER))"
        }
        _ => panic!("{name} takes a type that this test has no argument for: {ty}"),
    };
    text.to_owned()
}
