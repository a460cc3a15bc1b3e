//! The binary form of values: PostgreSQL's send functions.

use arrow::array::Array;
use skein_catalog::types::Type;

use super::cells::{One, Visit};
use super::datetime::{self, EPOCH_DAYS, EPOCH_MICROS};
use super::settings::EncodeSettings;
use super::text::{bit_string, eight, sixteen};
use super::values::Values;
use super::{EncodeError, array, json, network, numeric, record};

/// Hands the binary writer for `values`, which are of type `ty`, to `visitor`.
#[expect(
    clippy::too_many_lines,
    reason = "one arm per form of values, each of which is short"
)]
pub(super) fn visit<V: Visit>(
    values: &Values,
    ty: &Type,
    settings: &EncodeSettings,
    visitor: V,
) -> Result<(), EncodeError> {
    macro_rules! numbers {
        ($array:expr, $as:ty) => {{
            let numbers = $array.values();
            visitor.values($array.nulls(), |row, out| {
                out.extend_from_slice(&<$as>::from(numbers[row]).to_be_bytes());
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
            out.push(u8::from(array.value(row)));
            Ok(())
        }),
        Values::Bool8(array) => visitor.values(array.nulls(), |row, out| {
            out.push(u8::from(array.value(row) != 0));
            Ok(())
        }),
        Values::Int8(array) => numbers!(array, i16),
        Values::UInt8(array) => numbers!(array, i16),
        Values::Int16(array) => numbers!(array, i16),
        Values::UInt16(array) => numbers!(array, i32),
        Values::Int32(array) => numbers!(array, i32),
        Values::UInt32(array) => numbers!(array, i64),
        Values::Int64(array) => numbers!(array, i64),
        Values::Float32(array) => numbers!(array, f32),
        Values::Float64(array) => numbers!(array, f64),
        Values::UInt64(array) => visitor.values(array.nulls(), |row, out| {
            numeric::decimal_binary(i128::from(array.value(row)), 0, out);
            Ok(())
        }),
        Values::HugeInt(array) => visitor.values(array.nulls(), |row, out| {
            numeric::decimal_binary(i128::from_le_bytes(sixteen(array.value(row))), 0, out);
            Ok(())
        }),
        Values::UHugeInt(array) => visitor.values(array.nulls(), |row, out| {
            let number = u128::from_le_bytes(sixteen(array.value(row)));
            numeric::digits_binary(false, itoa::Buffer::new().format(number).as_bytes(), 0, out);
            Ok(())
        }),
        Values::BigNum(array) => visitor.values(array.nulls(), |row, out| {
            let (negative, digits) = numeric::bignum(array.value(row))?;
            numeric::digits_binary(negative, digits.as_bytes(), 0, out);
            Ok(())
        }),
        Values::Quotient(array, scale) => visitor.values(array.nulls(), |row, out| {
            let (value, scale) = numeric::quotient(array.value(row), *scale);
            numeric::decimal_binary(value, scale, out);
            Ok(())
        }),
        Values::Decimal(array, scale) => visitor.values(array.nulls(), |row, out| {
            numeric::decimal_binary(array.value(row), *scale, out);
            Ok(())
        }),
        Values::Wide(array) => visitor.values(array.nulls(), |row, out| {
            numeric::wide_binary(array.value(row), out);
            Ok(())
        }),
        Values::Network(array, is_cidr) => visitor.values(array.nulls(), |row, out| {
            network::binary(array.value(row), *is_cidr, out);
            Ok(())
        }),
        // The form of jsonb begins with the number of its version.
        Values::Json(array) if *ty == Type::Jsonb => visitor.values(array.nulls(), |row, out| {
            out.push(1);
            out.extend_from_slice(array.value(row).as_bytes());
            Ok(())
        }),
        Values::Text(array) | Values::Json(array) => visitor.values(array.nulls(), |row, out| {
            out.extend_from_slice(array.value(row).as_bytes());
            Ok(())
        }),
        Values::Bytes(array) => visitor.values(array.nulls(), |row, out| {
            out.extend_from_slice(array.value(row));
            Ok(())
        }),
        Values::Bit(array) => visitor.values(array.nulls(), |row, out| bits(array.value(row), out)),
        Values::Uuid(array) => visitor.values(array.nulls(), |row, out| {
            out.extend_from_slice(array.value(row));
            Ok(())
        }),
        Values::Date(days) => visitor.values(days.nulls.as_ref(), |row, out| {
            let days = match days.values[row] {
                i32::MAX => i32::MAX,
                i32::MIN | -2_147_483_647 => i32::MIN,
                days => days
                    .checked_sub(EPOCH_DAYS)
                    .ok_or(EncodeError::OutOfRange("date"))?,
            };
            out.extend_from_slice(&days.to_be_bytes());
            Ok(())
        }),
        Values::Time(counts, unit) => visitor.values(counts.nulls.as_ref(), |row, out| {
            let micros = datetime::time_parts(unit.micros(counts.values[row]))?;
            out.extend_from_slice(&micros.to_be_bytes());
            Ok(())
        }),
        Values::TimeTz(array) => visitor.values(array.nulls(), |row, out| {
            let (micros, offset) =
                datetime::timetz_parts(u64::from_le_bytes(eight(array.value(row))))?;
            out.extend_from_slice(&micros.to_be_bytes());
            // PostgreSQL counts offsets westwards here.
            out.extend_from_slice(&(-offset).to_be_bytes());
            Ok(())
        }),
        Values::Timestamp(counts, unit) | Values::TimestampTz(counts, unit) => {
            visitor.values(counts.nulls.as_ref(), |row, out| {
                let micros = match unit.micros(counts.values[row]) {
                    i64::MAX => i64::MAX,
                    i64::MIN | -9_223_372_036_854_775_807 => i64::MIN,
                    micros => micros
                        .checked_sub(EPOCH_MICROS)
                        .ok_or(EncodeError::OutOfRange("timestamp"))?,
                };
                out.extend_from_slice(&micros.to_be_bytes());
                Ok(())
            })
        }
        Values::Interval(array) => visitor.values(array.nulls(), |row, out| {
            let value = array.value(row);
            out.extend_from_slice(&(value.nanoseconds / 1000).to_be_bytes());
            out.extend_from_slice(&value.days.to_be_bytes());
            out.extend_from_slice(&value.months.to_be_bytes());
            Ok(())
        }),
        Values::Oid(array) | Values::Reg { oids: array, .. } => {
            visitor.values(values.nulls(), |row, out| {
                // The lower half: OIDs have 32 bits.
                out.extend_from_slice(&array.value(row).to_be_bytes()[4..]);
                Ok(())
            })
        }
        Values::Char(array) => visitor.values(array.nulls(), |row, out| {
            out.push(array.value(row).bytes().next().unwrap_or(0));
            Ok(())
        }),
        Values::Vector(list) => visitor.values(list.nulls.as_ref(), |row, out| {
            array::binary_vector(list, row, ty, settings, out)
        }),
        Values::List(list) if list.is_array => visitor.values(list.nulls.as_ref(), |row, out| {
            array::binary(list, row, ty, settings, out)
        }),
        Values::Struct(fields) if fields.is_record => visitor
            .values(fields.nulls.as_ref(), |row, out| {
                record::binary(fields, ty, row, settings, out)
            }),
        Values::List(_) | Values::Struct(_) | Values::Map(_) | Values::Union(_) => visitor
            .values(values.nulls(), |row, out| {
                json::value(values, row, settings, out)
            }),
    }
}

/// Appends one value that is not NULL.
pub(super) fn value(
    values: &Values,
    ty: &Type,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    visit(values, ty, settings, One { row, out })
}

/// The number of bits, and the bits from the left; DuckDB pads on the left.
fn bits(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let (padding, bytes) = bit_string(bytes)?;
    let count = bytes.len() * 8 - padding;
    let count = i32::try_from(count).map_err(|_| EncodeError::RowTooLarge(bytes.len()))?;
    out.extend_from_slice(&count.to_be_bytes());
    let following = bytes[1..].iter().copied().chain([0]);
    for (&byte, next) in bytes.iter().zip(following) {
        let shifted = (u16::from_be_bytes([byte, next]) << padding).to_be_bytes();
        out.push(shifted[0]);
    }
    Ok(())
}
