//! Constants of type `bytea`: PostgreSQL's text of bytes, put as DuckDB reads it.
//!
//! PostgreSQL takes `\xdeadbeef` and the older `de\255\\`; DuckDB knows only `\xDE\xAD\xBE\xEF`.
//! What begins as DuckDB writes it is no valid text in PostgreSQL and is left to DuckDB.

use std::fmt::Write as _;

/// Why a text is no bytes, in PostgreSQL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteaFault {
    /// A digit that is none.
    #[error("invalid hexadecimal digit: \"{0}\"")]
    Digit(char),
    /// Half a byte.
    #[error("invalid hexadecimal data: odd number of digits")]
    Odd,
    /// A backslash before anything but a backslash or three octal digits.
    #[error("invalid input syntax for type bytea")]
    Escape,
}

/// What DuckDB is to cast to BLOB for PostgreSQL's `text`.
pub(super) fn blob(text: &str) -> Result<String, ByteaFault> {
    if is_duckdb(text) {
        return Ok(text.to_owned());
    }
    let bytes = match text.strip_prefix("\\x") {
        Some(digits) => hexadecimal(digits)?,
        None => escaped(text.as_bytes())?,
    };
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\x{byte:02X}");
        text
    }))
}

/// Whether DuckDB's `\xDE\xAD` begins the text, with a second backslash that PostgreSQL refuses.
fn is_duckdb(text: &str) -> bool {
    match text.as_bytes() {
        [b'\\', b'x', high, low, b'\\', b'x', ..] => {
            high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
        }
        _ => false,
    }
}

fn hexadecimal(digits: &str) -> Result<Vec<u8>, ByteaFault> {
    let digit = |character: char| {
        let digit = character.to_digit(16).ok_or(ByteaFault::Digit(character))?;
        Ok(u8::try_from(digit).expect("a hexadecimal digit is below sixteen"))
    };
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut rest = digits.chars();
    while let Some(high) = rest.next() {
        // Space is allowed between bytes, not inside of them.
        if matches!(high, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let high = digit(high)?;
        let low = digit(rest.next().ok_or(ByteaFault::Odd)?)?;
        bytes.push(high << 4 | low);
    }
    Ok(bytes)
}

fn escaped(mut rest: &[u8]) -> Result<Vec<u8>, ByteaFault> {
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                after
            }
            (
                b'\\',
                [
                    a @ b'0'..=b'3',
                    b @ b'0'..=b'7',
                    c @ b'0'..=b'7',
                    after @ ..,
                ],
            ) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            (b'\\', _) => return Err(ByteaFault::Escape),
            (byte, after) => {
                bytes.push(*byte);
                after
            }
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{ByteaFault, blob};

    #[test]
    fn bytes_are_read_as_postgresql_reads_them() {
        for (given, wanted) in [
            ("\\xdeadBEEF", Ok("\\xDE\\xAD\\xBE\\xEF")),
            ("\\x de ad\n", Ok("\\xDE\\xAD")),
            ("\\x", Ok("")),
            ("", Ok("")),
            ("a\\\\b\\001é", Ok("\\x61\\x5C\\x62\\x01\\xC3\\xA9")),
            ("\\xDE\\xAD", Ok("\\xDE\\xAD")),
            ("\\xd", Err(ByteaFault::Odd)),
            ("\\xdz", Err(ByteaFault::Digit('z'))),
            ("a\\b", Err(ByteaFault::Escape)),
            ("\\400", Err(ByteaFault::Escape)),
            ("\\", Err(ByteaFault::Escape)),
        ] {
            assert_eq!(blob(given), wanted.map(str::to_owned), "{given}");
        }
    }
}
