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

use crate::modes::{Checked, Modes, report};

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

/// One call: name, arguments, and the argument to order by.
struct Call {
    name: String,
    arguments: Vec<String>,
}

#[test]
fn aggregates_split_equals_whole() {
    let calls = calls();
    assert!(
        calls.len() > 300,
        "DuckDB has more aggregates than {}",
        calls.len()
    );
    // DuckDB alone prints lists and maps in another way; the other tests compare its values.
    let mut modes = Modes::start(sets::aggregate_relations).without_native();
    let mut failures = Vec::new();
    let mut succeeded = BTreeSet::new();
    let mut checked = 0;
    for call in &calls {
        for (sql, order) in queries(call) {
            checked += 1;
            match modes.check(&sql, order) {
                Ok(Checked::Rows) => {
                    succeeded.insert(call.name.clone());
                }
                // Not every overload takes every column; but all modes agree on that.
                Ok(Checked::Fails(_)) => {}
                Err(difference) => failures.push(difference),
            }
        }
    }
    let never: BTreeSet<&String> = calls
        .iter()
        .map(|call| &call.name)
        .filter(|name| !succeeded.contains(*name))
        .collect();
    assert!(never.is_empty(), "no call succeeded of {never:?}");
    report("aggregate queries", checked, &failures);
}

/// Queries that use one call, and how far their answers are fixed.
fn queries(call: &Call) -> Vec<(String, Order)> {
    let name = &call.name;
    let list = call.arguments.join(", ");
    let first = call.arguments.first().cloned().unwrap_or_default();
    let approximate = APPROXIMATE.contains(&name.as_str());
    let ordered = ORDERED.contains(&name.as_str());
    let fixed = if approximate {
        Order::Shape
    } else {
        Order::Any
    };
    let loose = if approximate || ordered {
        Order::Shape
    } else {
        Order::Any
    };
    let mut queries = Vec::new();
    let mut add = |calls: &[String], order: Order| {
        let calls = calls.join(", ");
        queries.push((format!("SELECT {calls} FROM samples"), order));
        queries.push((format!("SELECT g, {calls} FROM samples GROUP BY g"), order));
        queries.push((format!("SELECT {calls} FROM samples WHERE id < 0"), order));
    };
    let plain = format!("{name}({list})");
    let filtered = format!("{name}({list}) FILTER (WHERE id % 3 = 0)");
    add(&[plain, filtered], loose);
    if !call.arguments.is_empty() {
        add(&[format!("{name}({list} ORDER BY id)")], fixed);
        add(
            &[format!(
                "{name}({list} ORDER BY id DESC) FILTER (WHERE id > 60)"
            )],
            fixed,
        );
        add(&[format!("{name}(DISTINCT {list})")], loose);
        if ordered && call.arguments.len() < 3 {
            add(
                &[format!("{name}(DISTINCT {list} ORDER BY {first})")],
                fixed,
            );
        }
    }
    queries
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
        let firsts = types
            .first()
            .map_or(vec![String::new()], |ty| columns(&name, ty));
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
        ("bitstring_agg", 1, _) => "-20",
        ("bitstring_agg", ..) => "1000000000",
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
