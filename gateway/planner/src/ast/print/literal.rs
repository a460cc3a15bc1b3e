//! Literals of every type that DuckDB's JSON can carry.
//!
//! A literal whose plain spelling would be of another type is cast: `CAST(5 AS BIGINT)`. Dates and
//! times, which DuckDB keeps as counts since 1970, are spelled as calendar dates.

use std::fmt::Write as _;

use serde_json::Value;

use super::names::string;
use super::types;
use crate::ast::{Constant, DataType};
use crate::calendar::Civil;

/// Widths of the integer types that DuckDB's parser gives to whole numbers, from narrow to wide.
const INTEGER: std::ops::RangeInclusive<i128> = -0x7fff_ffff..=0x7fff_ffff;
const BIGINT: std::ops::RangeInclusive<i128> = -0x8000_0000_0000_0000..=0x7fff_ffff_ffff_ffff;

pub(super) fn sql(constant: &Constant) -> String {
    value_sql(&constant.ty.0, &constant.value)
}

/// Whether the literal starts with a sign, so that it binds like a unary minus.
pub(super) fn is_negative(constant: &Constant) -> bool {
    sql(constant).starts_with('-')
}

fn value_sql(ty: &Value, value: &Value) -> String {
    let id = ty["id"].as_str().unwrap_or_default();
    if value.is_null() {
        return match id {
            "NULL" => "NULL".to_owned(),
            _ => cast("NULL", ty),
        };
    }
    match id {
        "BOOLEAN" => value.to_string(),
        "VARCHAR" | "CHAR" => string(value.as_str().unwrap_or_default()),
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "HUGEINT" | "UHUGEINT" => integer(id, ty, value),
        "DOUBLE" => double(&number_text(value)),
        "FLOAT" => cast(&string(&number_text(value)), ty),
        "DECIMAL" => decimal(ty, value),
        "UUID" => cast(&string(&uuid(value)), ty),
        "LIST" | "ARRAY" => list(ty, value),
        "STRUCT" | "MAP" => nested(id, ty, value),
        _ => match temporal(id, value) {
            Some(text) => cast(&string(&text), ty),
            // BLOB arrives escaped, as its cast from text reads it.
            None => cast(&string(&number_text(value)), ty),
        },
    }
}

fn cast(literal: &str, ty: &Value) -> String {
    format!("CAST({literal} AS {})", types::sql(&DataType(ty.clone())))
}

/// A number or the text that stands for one.
fn number_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The digits of an integer, also of one that DuckDB gives as two halves.
fn integer_text(value: &Value, signed: bool) -> String {
    let Some(lower) = value["lower"].as_u64() else {
        return value.to_string();
    };
    if signed {
        let upper = value["upper"].as_i64().unwrap_or_default();
        ((i128::from(upper) << 64) | i128::from(lower)).to_string()
    } else {
        let upper = value["upper"].as_u64().unwrap_or_default();
        ((u128::from(upper) << 64) | u128::from(lower)).to_string()
    }
}

fn integer(id: &str, ty: &Value, value: &Value) -> String {
    let text = integer_text(value, id != "UHUGEINT");
    let natural = match text.parse::<i128>() {
        Ok(number) if INTEGER.contains(&number) => "INTEGER",
        Ok(number) if BIGINT.contains(&number) => "BIGINT",
        Ok(_) => "HUGEINT",
        Err(_) => "UHUGEINT",
    };
    if natural == id { text } else { cast(&text, ty) }
}

/// An exponent makes it DOUBLE rather than DECIMAL.
fn double(text: &str) -> String {
    match text {
        // DuckDB's parser reads a number beyond the range as infinity.
        "Infinity" => "1e400".to_owned(),
        "-Infinity" => "-1e400".to_owned(),
        "NaN" => "CAST('NaN' AS DOUBLE)".to_owned(),
        _ if text.contains(['e', 'E']) => text.to_owned(),
        _ => format!("{text}e0"),
    }
}

/// As many digits as the type is wide, which is how DuckDB's parser counts.
fn decimal(ty: &Value, value: &Value) -> String {
    let info = &ty["type_info"];
    let size = |key: &str| {
        info[key]
            .as_u64()
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or_default()
    };
    let (width, scale) = (size("width"), size("scale"));
    let text = integer_text(value, true);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let digits = format!("{digits:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
    format!("{sign}{whole}.{fraction}")
}

fn children(value: &Value) -> &[Value] {
    value["children"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A child of a nested value carries its own type, or that of the parent's declaration.
fn child_sql(child: &Value, declared: &Value) -> String {
    let ty = if child["type"].is_null() {
        declared
    } else {
        &child["type"]
    };
    value_sql(ty, &child["value"])
}

fn list(ty: &Value, value: &Value) -> String {
    let declared = &ty["type_info"]["child_type"];
    let items: Vec<String> = children(value)
        .iter()
        .map(|child| child_sql(child, declared))
        .collect();
    cast(&format!("[{}]", items.join(", ")), ty)
}

fn nested(id: &str, ty: &Value, value: &Value) -> String {
    let info = &ty["type_info"];
    if id == "MAP" {
        let entry_type = &info["child_type"];
        let entries: Vec<String> = children(value)
            .iter()
            .map(|entry| child_sql(entry, entry_type))
            .collect();
        return cast(&format!("map_from_entries([{}])", entries.join(", ")), ty);
    }
    let fields = info["child_types"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let items: Vec<String> = children(value)
        .iter()
        .zip(fields)
        .map(|(child, field)| {
            let name = string(field["first"].as_str().unwrap_or_default());
            format!("{name}: {}", child_sql(child, &field["second"]))
        })
        .collect();
    if items.is_empty() {
        cast("NULL", ty)
    } else {
        cast(&format!("{{{}}}", items.join(", ")), ty)
    }
}

/// DuckDB keeps a UUID as an integer whose first bit is flipped, so that it sorts like its text.
fn uuid(value: &Value) -> String {
    let upper = value["upper"].as_i64().unwrap_or_default();
    let lower = value["lower"].as_u64().unwrap_or_default();
    let bytes = (upper ^ i64::MIN).to_be_bytes();
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().chain(lower.to_be_bytes()).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Calendar text of dates, times and intervals.
fn temporal(id: &str, value: &Value) -> Option<String> {
    const DAY: i128 = 86_400_000_000_000;
    if id == "INTERVAL" {
        let part = |key: &str| number_text(&value[key]);
        let (months, days, micros) = (part("months"), part("days"), part("micros"));
        return Some(format!("{months} months {days} days {micros} microseconds"));
    }
    let count = i128::from(value.as_i64()?);
    let nanoseconds = match id {
        "DATE" => count * DAY,
        "TIMESTAMP_S" => count * 1_000_000_000,
        "TIMESTAMP_MS" => count * 1_000_000,
        "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" | "TIME" => count * 1_000,
        "TIMESTAMP_NS" | "TIME_NS" => count,
        _ => return None,
    };
    let clock = clock(nanoseconds.rem_euclid(DAY));
    let day = i64::try_from(nanoseconds.div_euclid(DAY)).ok()?;
    Some(match id {
        "TIME" | "TIME_NS" => clock,
        "DATE" => calendar(day, ""),
        "TIMESTAMP WITH TIME ZONE" => calendar(day, &format!(" {clock}+00")),
        _ => calendar(day, &format!(" {clock}")),
    })
}

fn clock(nanoseconds: i128) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let fraction = nanoseconds % 1_000_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        text.push_str(format!(".{fraction:09}").trim_end_matches('0'));
    }
    text
}

/// Date of a day counted from 1970-01-01, followed by `rest`.
fn calendar(day: i64, rest: &str) -> String {
    let Civil { year, month, day } = Civil::of(day);
    // There is no year 0 between 1 BC and 1 AD.
    if year > 0 {
        format!("{year:04}-{month:02}-{day:02}{rest}")
    } else {
        format!("{:04}-{month:02}-{day:02} (BC){rest}", 1 - year)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn literal(id: &str, value: impl Into<Value>) -> String {
        value_sql(&json!({"id": id, "type_info": null}), &value.into())
    }

    #[test]
    fn integers_are_cast_when_their_digits_mean_another_type() {
        assert_eq!(literal("INTEGER", json!(5)), "5");
        assert_eq!(literal("BIGINT", json!(5)), "CAST(5 AS BIGINT)");
        assert_eq!(literal("BIGINT", json!(3_000_000_000_u64)), "3000000000");
        assert_eq!(
            literal("HUGEINT", json!({"upper": -1, "lower": 0})),
            "-18446744073709551616"
        );
        let largest = literal("UHUGEINT", json!({"upper": u64::MAX, "lower": u64::MAX}));
        assert_eq!(largest, u128::MAX.to_string());
    }

    #[test]
    fn doubles_keep_their_digits_and_their_type() {
        assert_eq!(literal("DOUBLE", json!(100_000.0)), "100000.0e0");
        assert_eq!(literal("DOUBLE", json!("-Infinity")), "-1e400");
    }

    #[test]
    fn decimals_have_as_many_digits_as_their_type() {
        let decimal = |width: u8, scale: u8, value: &Value| {
            let info =
                json!({"type": "DECIMAL_TYPE_INFO", "alias": "", "width": width, "scale": scale});
            value_sql(&json!({"id": "DECIMAL", "type_info": info}), value)
        };
        assert_eq!(decimal(2, 1, &json!(1)), "0.1");
        assert_eq!(decimal(1, 1, &json!(-5)), "-.5");
        assert_eq!(decimal(1, 0, &json!(5)), "5.");
        assert_eq!(
            decimal(20, 19, &json!({"upper": 1, "lower": 0})),
            "1.8446744073709551616"
        );
    }

    #[test]
    fn dates_and_times_are_spelled_out() {
        assert_eq!(literal("DATE", json!(18262)), "CAST('2020-01-01' AS DATE)");
        assert_eq!(
            literal("DATE", json!(-719_163)),
            "CAST('0001-12-31 (BC)' AS DATE)"
        );
        assert_eq!(
            literal("TIMESTAMP", json!(-1)),
            "CAST('1969-12-31 23:59:59.999999' AS TIMESTAMP)"
        );
        assert_eq!(
            literal("TIME", json!(3_600_500_000_u64)),
            "CAST('01:00:00.5' AS TIME)"
        );
    }
}
