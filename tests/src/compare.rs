//! Whether two results are the same.
//!
//! Rows are compared as multisets unless the query orders them totally. Everything is compared as
//! text and exactly, but for columns of floating-point numbers: splitting a sum changes the order
//! of additions, so their digits are compared within a tolerance. So are numerics with many digits
//! after the point: deviations and the like are computed as floating-point numbers.

use std::collections::BTreeMap;

use crate::client::{Column, ResultSet, Row};

/// Largest relative difference between two floating-point numbers that are taken as the same.
const RELATIVE_MAX: f64 = 1e-7;
/// Largest absolute difference, for sums that should cancel out to zero.
const ABSOLUTE_MAX: f64 = 1e-7;
/// A numeric with so many digits after the point may come from floating-point numbers.
const STATISTIC_DIGITS: usize = 12;
/// How many rows of each side a message shows.
const SHOWN_MAX: usize = 5;

/// What the query says about the order of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing, or not enough to fix every row's place.
    Any,
    /// Every row's place.
    Total,
    /// Not even the values are fixed: only columns and the number of rows are compared.
    Shape,
}

/// Whether two results from servers are the same: column names, types and rows.
pub fn same(expected: &ResultSet, actual: &ResultSet, order: Order) -> Result<(), String> {
    if expected.columns != actual.columns {
        return Err(format!(
            "columns differ\n  expected {:?}\n  actual   {:?}",
            expected.columns, actual.columns
        ));
    }
    let fuzzy = fuzzy_columns(&expected.columns);
    same_rows(&expected.rows, &actual.rows, &fuzzy, order)
}

/// Whether a server's result has the values that DuckDB alone gives. `native` is text as DuckDB
/// prints it; columns of types that DuckDB and PostgreSQL print differently are compared only as
/// to being NULL.
pub fn same_values(native: &[Row], actual: &ResultSet, order: Order) -> Result<(), String> {
    let prints: Vec<Print> = actual
        .columns
        .iter()
        .map(|column| Print::of(column.type_oid))
        .collect();
    let convert = |rows: &[Row], theirs: bool| -> Vec<Row> {
        rows.iter()
            .map(|row| {
                let cells = row.iter().zip(&prints);
                cells
                    .map(|(cell, print)| cell.as_ref().map(|text| print.convert(text, theirs)))
                    .collect()
            })
            .collect()
    };
    if native
        .first()
        .is_some_and(|row| row.len() != actual.columns.len())
    {
        return Err(format!(
            "{} columns instead of {}",
            actual.columns.len(),
            native[0].len()
        ));
    }
    let fuzzy: Vec<Fuzzy> = prints
        .iter()
        .map(|print| match print {
            Print::Number => Fuzzy::Float,
            _ => Fuzzy::No,
        })
        .collect();
    same_rows(
        &convert(native, true),
        &convert(&actual.rows, false),
        &fuzzy,
        order,
    )
}

/// How a type's values are compared with DuckDB's own text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Print {
    Same,
    Boolean,
    Number,
    Other,
}

impl Print {
    fn of(type_oid: u32) -> Self {
        match type_oid {
            16 => Self::Boolean,
            // Numbers: DuckDB may give DOUBLE where PostgreSQL's type is numeric.
            20 | 21 | 23 | 700 | 701 | 1700 => Self::Number,
            // text, varchar, date, time, timestamp, timestamptz, uuid
            25 | 1043 | 1082 | 1083 | 1114 | 1184 | 2950 => Self::Same,
            _ => Self::Other,
        }
    }

    fn convert(self, text: &str, theirs: bool) -> String {
        match self {
            Self::Boolean if theirs => text.chars().take(1).collect(),
            Self::Same | Self::Boolean | Self::Number => text.to_owned(),
            Self::Other => "a value".to_owned(),
        }
    }
}

/// How exactly a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fuzzy {
    /// Its text.
    No,
    /// Floating-point numbers, alone or inside something else.
    Float,
    /// Numerics, which may be computed from floating-point numbers.
    Numeric,
}

fn fuzzy_columns(columns: &[Column]) -> Vec<Fuzzy> {
    columns
        .iter()
        .map(|column| match column.type_oid {
            // float4, float8, their arrays, json
            700 | 701 | 1021 | 1022 | 114 | 199 => Fuzzy::Float,
            // numeric and its array
            1700 | 1231 => Fuzzy::Numeric,
            _ => Fuzzy::No,
        })
        .collect()
}

fn same_rows(
    expected: &[Row],
    actual: &[Row],
    fuzzy: &[Fuzzy],
    order: Order,
) -> Result<(), String> {
    if expected.len() != actual.len() {
        return Err(format!(
            "{} rows instead of {}{}",
            actual.len(),
            expected.len(),
            show(expected, actual)
        ));
    }
    if order == Order::Shape {
        return Ok(());
    }
    let in_order = expected
        .iter()
        .zip(actual)
        .all(|(left, right)| same_row(left, right, fuzzy));
    if in_order {
        return Ok(());
    }
    if order == Order::Total {
        return Err(format!(
            "rows differ, or their order{}",
            show(expected, actual)
        ));
    }
    let mut left = grouped(expected, fuzzy);
    let right = grouped(actual, fuzzy);
    for (key, rows) in &right {
        let Some(candidates) = left.get_mut(key) else {
            return Err(format!(
                "unexpected row {:?}{}",
                rows[0],
                show(expected, actual)
            ));
        };
        for row in rows {
            let found = candidates
                .iter()
                .position(|candidate| same_row(candidate, row, fuzzy));
            let Some(index) = found else {
                return Err(format!(
                    "unexpected row {row:?}, instead of one of {candidates:?}{}",
                    show(expected, actual)
                ));
            };
            candidates.remove(index);
        }
    }
    // Both sides have equally many rows, so nothing is left over.
    Ok(())
}

/// Rows by their exact columns, in an order in which fuzzy ones mostly meet their partners first.
fn grouped<'a>(rows: &'a [Row], fuzzy: &[Fuzzy]) -> BTreeMap<Vec<Option<&'a str>>, Vec<&'a Row>> {
    let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let exact = row
            .iter()
            .zip(fuzzy)
            .filter(|(_, fuzzy)| **fuzzy == Fuzzy::No);
        groups
            .entry(exact.map(|(cell, _)| cell.as_deref()).collect())
            .or_default()
            .push(row);
    }
    for group in groups.values_mut() {
        group.sort_by(|left, right| {
            let number = |cell: &Option<String>| cell.as_ref().and_then(|text| text.parse().ok());
            let pairs = left.iter().zip(right.iter());
            pairs
                .map(|(left, right)| {
                    let (left, right): (Option<f64>, Option<f64>) = (number(left), number(right));
                    left.unwrap_or(f64::MIN)
                        .total_cmp(&right.unwrap_or(f64::MIN))
                })
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    groups
}

fn same_row(left: &Row, right: &Row, fuzzy: &[Fuzzy]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .zip(fuzzy)
            .all(|((left, right), fuzzy)| {
                left == right
                    || match (left, right) {
                        (Some(left), Some(right)) => {
                            let comparable = match fuzzy {
                                Fuzzy::No => false,
                                Fuzzy::Float => true,
                                Fuzzy::Numeric => is_statistic(left) && is_statistic(right),
                            };
                            comparable && close(left, right)
                        }
                        _ => false,
                    }
            })
}

/// Whether every number in it that is no NULL has the digits of a statistic.
fn is_statistic(text: &str) -> bool {
    pieces(text)
        .into_iter()
        .filter(|piece| piece.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        .all(|piece| {
            let digits = piece.split_once('.').map_or(0, |(_, digits)| digits.len());
            digits >= STATISTIC_DIGITS
        })
}

/// Whether two texts are the same but for the digits of their numbers.
fn close(left: &str, right: &str) -> bool {
    let (left, right) = (pieces(left), pieces(right));
    left.len() == right.len()
        && left.iter().zip(&right).all(|(left, right)| {
            left == right
                || match (left.parse::<f64>(), right.parse::<f64>()) {
                    (Ok(left), Ok(right)) => {
                        let largest = left.abs().max(right.abs());
                        (left.is_nan() && right.is_nan())
                            || left.to_bits() == right.to_bits()
                            || (left - right).abs() <= ABSOLUTE_MAX + RELATIVE_MAX * largest
                    }
                    _ => false,
                }
        })
}

/// Splits at what separates the elements of arrays and of JSON.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(['{', '}', '[', ']', ',', ':', ' ', '"'])
        .flat_map(|piece| {
            let end = piece
                .trim_end_matches(['{', '}', '[', ']', ',', ':', ' ', '"'])
                .len();
            [&piece[..end], &piece[end..]]
        })
        .filter(|piece| !piece.is_empty())
        .collect()
}

fn show(expected: &[Row], actual: &[Row]) -> String {
    let first = expected
        .iter()
        .zip(actual)
        .position(|(left, right)| left != right)
        .unwrap_or(0);
    let rows = |rows: &[Row]| {
        let rows = rows.iter().skip(first).take(SHOWN_MAX);
        rows.fold(String::new(), |text, row| format!("{text}\n    {row:?}"))
    };
    format!(
        "\n  from row {first}, expected:{}\n  actual:{}",
        rows(expected),
        rows(actual)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(type_oid: u32, cells: &[&str]) -> ResultSet {
        ResultSet {
            columns: vec![Column {
                name: "a".to_owned(),
                type_oid,
                type_modifier: -1,
            }],
            rows: cells
                .iter()
                .map(|cell| vec![Some((*cell).to_owned())])
                .collect(),
            tag: String::new(),
        }
    }

    #[test]
    fn order_counts_only_where_it_is_total() {
        let (left, right) = (result(23, &["1", "2"]), result(23, &["2", "1"]));
        assert!(same(&left, &right, Order::Any).is_ok());
        assert!(same(&left, &right, Order::Total).is_err());
    }

    #[test]
    fn repeated_rows_count() {
        let (left, right) = (result(23, &["1", "1", "2"]), result(23, &["1", "2", "2"]));
        assert!(same(&left, &right, Order::Any).is_err());
    }

    #[test]
    fn floats_are_close_and_numerics_are_not() {
        let (left, right) = (["0.30000000000000004"], ["0.3"]);
        assert!(same(&result(701, &left), &result(701, &right), Order::Any).is_ok());
        assert!(same(&result(1700, &left), &result(1700, &right), Order::Any).is_err());
        let (left, right) = (["173.4044957208610603"], ["173.4044957208611127"]);
        assert!(same(&result(1700, &left), &result(1700, &right), Order::Any).is_ok());
        assert!(same(&result(701, &["1"]), &result(701, &["1.1"]), Order::Any).is_err());
        assert!(same(&result(701, &["NaN"]), &result(701, &["1.1"]), Order::Any).is_err());
        let (left, right) = (["{1,0.30000000000000004}"], ["{1,0.3}"]);
        assert!(same(&result(1022, &left), &result(1022, &right), Order::Any).is_ok());
        assert!(same(&result(1022, &left), &result(1022, &["{1}"]), Order::Any).is_err());
    }

    #[test]
    fn types_and_names_count() {
        assert!(same(&result(23, &["1"]), &result(20, &["1"]), Order::Any).is_err());
    }

    #[test]
    fn duckdb_prints_booleans_and_numbers_in_its_own_way() {
        let native = |text: &str| vec![vec![Some(text.to_owned())]];
        assert!(same_values(&native("true"), &result(16, &["t"]), Order::Any).is_ok());
        assert!(same_values(&native("false"), &result(16, &["t"]), Order::Any).is_err());
        assert!(same_values(&native("nan"), &result(701, &["NaN"]), Order::Any).is_ok());
        assert!(same_values(&native("2.0"), &result(1700, &["2"]), Order::Any).is_ok());
    }
}
