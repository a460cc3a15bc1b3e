//! The text form of values: PostgreSQL's output functions.

use arrow::array::Array;

use super::cells::{One, Visit, short};
use super::datetime::{self, Layout};
use super::settings::{ByteaOutput, EncodeSettings};
use super::values::Values;
use super::{EncodeError, array, float, interval, json, network, numeric, record};

/// Hands the text writer for `values` to `visitor`.
#[expect(
    clippy::too_many_lines,
    reason = "one arm per form of values, each of which is short"
)]
pub(super) fn visit<V: Visit>(
    values: &Values,
    settings: &EncodeSettings,
    visitor: V,
) -> Result<(), EncodeError> {
    macro_rules! integers {
        ($array:expr) => {{
            let numbers = $array.values();
            visitor.values($array.nulls(), |row, out| {
                short(itoa::Buffer::new().format(numbers[row]).as_bytes(), out);
                Ok(())
            })
        }};
    }
    match values {
        Values::Null(array) => {
            let nulls = arrow::buffer::NullBuffer::new_null(array.len());
            visitor.values(Some(&nulls), |_, _| Ok(()))
        }
        Values::Bool(array) => visitor.values(array.nulls(), |row, out| {
            out.push(if array.value(row) { b't' } else { b'f' });
            Ok(())
        }),
        Values::Bool8(array) => visitor.values(array.nulls(), |row, out| {
            out.push(if array.value(row) != 0 { b't' } else { b'f' });
            Ok(())
        }),
        Values::Int8(array) => integers!(array),
        Values::Int16(array) => integers!(array),
        Values::Int32(array) => integers!(array),
        Values::Int64(array) | Values::Oid(array) => integers!(array),
        Values::UInt8(array) => integers!(array),
        Values::UInt16(array) => integers!(array),
        Values::UInt32(array) => integers!(array),
        Values::UInt64(array) => integers!(array),
        Values::HugeInt(array) => visitor.values(array.nulls(), |row, out| {
            numeric::decimal(i128::from_le_bytes(sixteen(array.value(row))), 0, out);
            Ok(())
        }),
        Values::UHugeInt(array) => visitor.values(array.nulls(), |row, out| {
            let number = u128::from_le_bytes(sixteen(array.value(row)));
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Ok(())
        }),
        Values::BigNum(array) => visitor.values(array.nulls(), |row, out| {
            let (negative, digits) = numeric::bignum(array.value(row))?;
            if negative {
                out.push(b'-');
            }
            out.extend_from_slice(digits.as_bytes());
            Ok(())
        }),
        Values::Float32(array) => visitor.values(array.nulls(), |row, out| {
            float::float4(array.value(row), settings.extra_float_digits, out);
            Ok(())
        }),
        Values::Float64(array) => visitor.values(array.nulls(), |row, out| {
            float::float8(array.value(row), settings.extra_float_digits, out);
            Ok(())
        }),
        Values::Quotient(array, scale) => visitor.values(array.nulls(), |row, out| {
            let (value, scale) = numeric::quotient(array.value(row), *scale);
            numeric::decimal(value, scale, out);
            Ok(())
        }),
        Values::Decimal(array, scale) => visitor.values(array.nulls(), |row, out| {
            numeric::decimal(array.value(row), *scale, out);
            Ok(())
        }),
        Values::Wide(array) => visitor.values(array.nulls(), |row, out| {
            numeric::wide(array.value(row), out);
            Ok(())
        }),
        Values::Network(array, is_cidr) => visitor.values(array.nulls(), |row, out| {
            network::text(array.value(row), *is_cidr, out);
            Ok(())
        }),
        Values::Text(array) | Values::Json(array) | Values::Char(array) => {
            visitor.values(array.nulls(), |row, out| {
                short(array.value(row).as_bytes(), out);
                Ok(())
            })
        }
        Values::Bytes(array) => visitor.values(array.nulls(), |row, out| {
            bytea(array.value(row), settings.bytea_output, out);
            Ok(())
        }),
        Values::Bit(array) => visitor.values(array.nulls(), |row, out| bits(array.value(row), out)),
        Values::Uuid(array) => visitor.values(array.nulls(), |row, out| {
            uuid(array.value(row), out);
            Ok(())
        }),
        Values::Date(days) => visitor.values(days.nulls.as_ref(), |row, out| {
            datetime::date(days.values[row], settings.date_style, out);
            Ok(())
        }),
        Values::Time(counts, unit) => visitor.values(counts.nulls.as_ref(), |row, out| {
            let micros = datetime::time_parts(unit.micros(counts.values[row]))?;
            datetime::time(micros, out);
            Ok(())
        }),
        Values::TimeTz(array) => visitor.values(array.nulls(), |row, out| {
            let (micros, offset) =
                datetime::timetz_parts(u64::from_le_bytes(eight(array.value(row))))?;
            datetime::time(micros, out);
            datetime::offset(offset, false, out);
            Ok(())
        }),
        Values::Timestamp(counts, unit) => visitor.values(counts.nulls.as_ref(), |row, out| {
            let layout = Layout::Style(settings.date_style);
            datetime::timestamp(unit.micros(counts.values[row]), None, layout, out);
            Ok(())
        }),
        Values::TimestampTz(counts, unit) => visitor.values(counts.nulls.as_ref(), |row, out| {
            let layout = Layout::Style(settings.date_style);
            let micros = unit.micros(counts.values[row]);
            datetime::timestamp(micros, Some(&settings.zone), layout, out);
            Ok(())
        }),
        Values::Interval(array) => visitor.values(array.nulls(), |row, out| {
            let value = array.value(row);
            let micros = value.nanoseconds / 1000;
            interval::interval(
                value.months,
                value.days,
                micros,
                settings.interval_style,
                out,
            );
            Ok(())
        }),
        Values::List(list) if list.is_array => {
            let mut element = Vec::new();
            visitor.values(list.nulls.as_ref(), |row, out| {
                array::text(list, row, settings, &mut element, out)
            })
        }
        Values::Vector(list) => visitor.values(list.nulls.as_ref(), |row, out| {
            array::vector(list, row, settings, out)
        }),
        Values::Reg { names, nulls, .. } => visitor.values(nulls.as_ref(), |row, out| {
            short(names.value(row).as_bytes(), out);
            Ok(())
        }),
        Values::Struct(fields) if fields.is_record => visitor
            .values(fields.nulls.as_ref(), |row, out| {
                record::text(fields, row, settings, out)
            }),
        Values::List(_) | Values::Struct(_) | Values::Map(_) | Values::Union(_) => visitor
            .values(values.nulls(), |row, out| {
                json::value(values, row, settings, out)
            }),
    }
}

/// Appends the text of one value that is not NULL.
pub(super) fn value(
    values: &Values,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    visit(values, settings, One { row, out })
}

/// The bytes of a 128-bit integer.
pub(super) fn sixteen(bytes: &[u8]) -> [u8; 16] {
    bytes
        .try_into()
        .expect("the width of the array was checked")
}

/// The bytes of a 64-bit integer.
pub(super) fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes
        .try_into()
        .expect("the width of the array was checked")
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hex(byte: u8) -> [u8; 2] {
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

fn bytea(bytes: &[u8], output: ByteaOutput, out: &mut Vec<u8>) {
    match output {
        ByteaOutput::Hex => {
            out.reserve(2 + 2 * bytes.len());
            out.extend_from_slice(b"\\x");
            for &byte in bytes {
                out.extend_from_slice(&hex(byte));
            }
        }
        ByteaOutput::Escape => {
            for &byte in bytes {
                match byte {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b' '..=b'~' => out.push(byte),
                    _ => {
                        let octal = |shift: u8| b'0' + (byte >> shift & 7);
                        out.extend_from_slice(&[b'\\', octal(6), octal(3), octal(0)]);
                    }
                }
            }
        }
    }
}

fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    let mut text = [b'-'; 36];
    let mut position = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            position += 1;
        }
        text[position..position + 2].copy_from_slice(&hex(byte));
        position += 2;
    }
    out.extend_from_slice(&text);
}

/// DuckDB's bit strings: the number of bits that pad the front, then the bits, padded with ones.
pub(super) fn bit_string(bytes: &[u8]) -> Result<(usize, &[u8]), EncodeError> {
    match bytes {
        [padding, bits @ ..] if *padding < 8 && !bits.is_empty() => {
            Ok((usize::from(*padding), bits))
        }
        _ => Err(EncodeError::Damaged("BIT")),
    }
}

fn bits(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let (padding, bytes) = bit_string(bytes)?;
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| b'0' + (byte >> bit & 1)));
    out.extend(bits.skip(padding));
    Ok(())
}
