//! Arrays: `{1,2,NULL}` and their binary form (`array_out`, `array_send`).

use skein_catalog::types::{PgType, Type, oid};

use super::cells::put_length;
use super::settings::EncodeSettings;
use super::values::{List, Values};
use super::{EncodeError, binary, text};

/// Appends one array as text. `element` is room for the text of an element.
pub(super) fn text(
    list: &List,
    row: usize,
    settings: &EncodeSettings,
    element: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if is_empty(list, row) {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    out.push(b'{');
    for (index, row) in list.range(row).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if list.elements.is_null(row) {
            out.extend_from_slice(b"NULL");
        } else if let Values::List(inner) = list.elements.as_ref() {
            text(inner, row, settings, element, out)?;
        } else {
            element.clear();
            text::value(&list.elements, row, settings, element)?;
            quoted(element, out);
        }
    }
    out.push(b'}');
    Ok(())
}

/// Appends an `int2vector` or `oidvector` as text: `1 2`.
pub(super) fn vector(
    list: &List,
    row: usize,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    for (index, row) in list.range(row).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        text::value(&list.elements, row, settings, out)?;
    }
    Ok(())
}

/// Appends an `int2vector` or `oidvector` in binary: an array that counts from 0, of one dimension
/// even if it is empty.
pub(super) fn binary_vector(
    list: &List,
    row: usize,
    ty: &Type,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let element = if ty.pg().oid == oid::OIDVECTOR {
        oid::OID
    } else {
        oid::INT2
    };
    let element_type = Type::Named {
        oid: element,
        held: Box::new(Type::BigInt),
    };
    let count = list.range(row).len();
    let count = i32::try_from(count).map_err(|_| EncodeError::RowTooLarge(count))?;
    for number in [1, 0, element.cast_signed(), count, 0] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for row in list.range(row) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        match list.elements.as_ref() {
            Values::Int64(numbers) if element == oid::OID => {
                out.extend_from_slice(&numbers.value(row).to_be_bytes()[4..]);
            }
            values => binary::value(values, &element_type, row, settings, out)?,
        }
        put_length(out, start)?;
    }
    Ok(())
}

/// There are no elements, at any depth: PostgreSQL knows one empty array only.
fn is_empty(list: &List, row: usize) -> bool {
    match list.elements.as_ref() {
        Values::List(inner) => list
            .range(row)
            .all(|row| !list.elements.is_null(row) && is_empty(inner, row)),
        _ => list.range(row).is_empty(),
    }
}

/// Quotes an element if it would be misread without.
fn quoted(element: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| {
        matches!(
            byte,
            b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | b'\t'..=b'\r'
        )
    };
    if !element.is_empty() && !element.eq_ignore_ascii_case(b"null") && !element.iter().any(special)
    {
        out.extend_from_slice(element);
        return;
    }
    out.push(b'"');
    for &byte in element {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends one array in binary: dimensions, whether there are NULLs, the element's type, for each
/// dimension its length and lower bound, then the elements.
pub(super) fn binary(
    list: &List,
    row: usize,
    ty: &Type,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let element = ty.element().0;
    let oid = PgType::by_array_oid(ty.pg().oid).map_or(0, |row| row.oid);
    let mut lengths = Vec::new();
    if !is_empty(list, row) {
        measure(list, row, 0, &mut lengths)?;
    }
    let count = |number: usize| i32::try_from(number).map_err(|_| EncodeError::RowTooLarge(number));
    out.extend_from_slice(&count(lengths.len())?.to_be_bytes());
    let flags = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&oid.to_be_bytes());
    for &length in &lengths {
        out.extend_from_slice(&count(length)?.to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
    }
    if !lengths.is_empty() && elements(list, row, element, settings, out)? {
        out[flags + 3] = 1;
    }
    Ok(())
}

/// Finds the length of every dimension and that all sublists agree.
fn measure(
    list: &List,
    row: usize,
    depth: usize,
    lengths: &mut Vec<usize>,
) -> Result<(), EncodeError> {
    let range = list.range(row);
    match lengths.get(depth) {
        None => lengths.push(range.len()),
        Some(&length) if length == range.len() => {}
        Some(_) => return Err(EncodeError::RaggedArray),
    }
    if let Values::List(inner) = list.elements.as_ref() {
        for row in range {
            if list.elements.is_null(row) {
                return Err(EncodeError::RaggedArray);
            }
            measure(inner, row, depth + 1, lengths)?;
        }
    }
    Ok(())
}

/// Appends the elements in order and tells whether one is NULL.
fn elements(
    list: &List,
    row: usize,
    ty: &Type,
    settings: &EncodeSettings,
    out: &mut Vec<u8>,
) -> Result<bool, EncodeError> {
    let mut nulls = false;
    for row in list.range(row) {
        if let Values::List(inner) = list.elements.as_ref() {
            nulls |= elements(inner, row, ty, settings, out)?;
        } else if list.elements.is_null(row) {
            nulls = true;
            out.extend_from_slice(&(-1_i32).to_be_bytes());
        } else {
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            binary::value(&list.elements, ty, row, settings, out)?;
            put_length(out, start)?;
        }
    }
    Ok(nulls)
}
