//! Composite values as json, as PostgreSQL's `to_json` writes values of their parts.
//!
//! Dates and times are ISO with a `T` whatever `DateStyle` says; numbers that JSON does not have
//! (NaN, infinity) are strings, so that every document is valid.

use super::datetime::{self, Layout};
use super::settings::{DateStyle, EncodeSettings};
use super::values::Values;
use super::{EncodeError, text};

/// Appends the value in `row`, or `null`.
pub(super) fn value(
    values: &Values,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if values.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match values {
        Values::Bool(array) => out.extend_from_slice(boolean(array.value(row))),
        Values::Bool8(array) => out.extend_from_slice(boolean(array.value(row) != 0)),
        Values::Int8(_)
        | Values::Int16(_)
        | Values::Int32(_)
        | Values::Int64(_)
        | Values::Oid(_)
        | Values::UInt8(_)
        | Values::UInt16(_)
        | Values::UInt32(_)
        | Values::UInt64(_)
        | Values::HugeInt(_)
        | Values::UHugeInt(_)
        | Values::BigNum(_)
        | Values::Decimal(..)
        | Values::Quotient(..)
        | Values::Json(_) => text::value(values, row, settings, out)?,
        Values::Float32(array) if array.value(row).is_finite() => {
            text::value(values, row, settings, out)?;
        }
        Values::Float64(array) | Values::Wide(array) if array.value(row).is_finite() => {
            text::value(values, row, settings, out)?;
        }
        Values::List(list) => {
            out.push(b'[');
            for (index, row) in list.range(row).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value(&list.elements, row, settings, out)?;
            }
            out.push(b']');
        }
        Values::Struct(fields) => {
            for (index, (name, values)) in fields.parts.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                member(name, values, row, settings, out)?;
            }
            if fields.parts.is_empty() {
                out.push(b'{');
            }
            out.push(b'}');
        }
        Values::Map(map) => {
            out.push(b'{');
            for (index, row) in map.range(row).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                key(&map.keys, row, settings, out)?;
                out.push(b':');
                value(&map.values, row, settings, out)?;
            }
            out.push(b'}');
        }
        Values::Union(union) => {
            let (name, values) = &union.members[union.tags[row]];
            out.push(b'{');
            member(name, values, row, settings, out)?;
            out.push(b'}');
        }
        _ => {
            let mut text = Vec::new();
            plain(values, row, settings, &mut text)?;
            string(&text, out);
        }
    }
    Ok(())
}

fn boolean(value: bool) -> &'static [u8] {
    if value { b"true" } else { b"false" }
}

fn member(
    name: &str,
    values: &Values,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    string(name.as_bytes(), out);
    out.push(b':');
    value(values, row, settings, out)
}

/// The text of a scalar that is a string in JSON.
fn plain(
    values: &Values,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match values {
        Values::Date(days) => datetime::date(days.values[row], DateStyle::default(), out),
        Values::Timestamp(counts, unit) => {
            datetime::timestamp(unit.micros(counts.values[row]), None, Layout::Json, out);
        }
        Values::TimestampTz(counts, unit) => {
            let micros = unit.micros(counts.values[row]);
            datetime::timestamp(micros, Some(&settings.zone), Layout::Json, out);
        }
        values => text::value(values, row, settings, out)?,
    }
    Ok(())
}

/// The key of a map is a string, whatever its type: composite keys are the text of their JSON.
fn key(
    keys: &Values,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut text = Vec::new();
    match keys {
        Values::List(_) | Values::Struct(_) | Values::Map(_) | Values::Union(_) => {
            value(keys, row, settings, &mut text)?;
        }
        Values::Bool(array) => text.extend_from_slice(boolean(array.value(row))),
        Values::Bool8(array) => text.extend_from_slice(boolean(array.value(row) != 0)),
        keys => plain(keys, row, settings, &mut text)?,
    }
    string(&text, out);
    Ok(())
}

/// Appends a JSON string (`escape_json`).
fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..32 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
