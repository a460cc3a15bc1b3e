//! Rows without names: `(1,"a b",)` and their binary form (`record_out`, `record_send`).

use skein_catalog::types::Type;

use super::cells::put_length;
use super::settings::EncodeSettings;
use super::values::Fields;
use super::{EncodeError, binary, text};

/// Appends one row as text.
pub(super) fn text(
    fields: &Fields,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut field = Vec::new();
    for (index, (_, values)) in fields.parts.iter().enumerate() {
        out.push(if index == 0 { b'(' } else { b',' });
        // NULL is nothing at all.
        if !values.is_null(row) {
            field.clear();
            text::value(values, row, settings, &mut field)?;
            quoted(&field, out);
        }
    }
    out.push(b')');
    Ok(())
}

/// Quotes a field if it would be misread without.
fn quoted(field: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| {
        matches!(
            byte,
            b'"' | b'\\' | b'(' | b')' | b',' | b' ' | b'\t'..=b'\r'
        )
    };
    if !field.is_empty() && !field.iter().any(special) {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for &byte in field {
        if matches!(byte, b'"' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends one row in binary: the number of fields, then the type, length and bytes of each.
pub(super) fn binary(
    fields: &Fields,
    ty: &Type,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let Type::Struct(types) = ty else {
        return Err(EncodeError::Damaged("record"));
    };
    let count = fields.parts.len();
    let count = i32::try_from(count).map_err(|_| EncodeError::RowTooLarge(count))?;
    out.extend_from_slice(&count.to_be_bytes());
    for ((_, values), (_, ty)) in fields.parts.iter().zip(types) {
        out.extend_from_slice(&ty.pg().oid.to_be_bytes());
        if values.is_null(row) {
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            continue;
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        binary::value(values, ty, row, settings, out)?;
        put_length(out, start)?;
    }
    Ok(())
}
