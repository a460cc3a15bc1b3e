//! Parameters in text: PostgreSQL's input functions, as far as DuckDB's casts differ.

use std::fmt::Write as _;
use std::num::IntErrorKind;
use std::str::FromStr;

use skein_catalog::types::{PgType, oid};

use super::{ParameterError, Value, datetime};
use crate::encode::DateOrder;

/// Digits of DuckDB's widest decimal.
const DECIMAL_DIGITS_MAX: usize = 38;
/// Numbers with a larger exponent are no decimals anyway.
const EXPONENT_MAX: i32 = 100;

/// Whitespace as C's `isspace` has it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

pub(super) fn value(ty: &PgType, text: &str, order: DateOrder) -> Result<Value, ParameterError> {
    let invalid = || ParameterError::InvalidText {
        ty: ty.sql_name,
        value: text.to_owned(),
    };
    let text = match ty.oid {
        oid::BOOL => boolean(text).ok_or_else(invalid)?.to_owned(),
        oid::INT2 => integer::<i16>(ty, text)?,
        oid::INT4 => integer::<i32>(ty, text)?,
        oid::INT8 => integer::<i64>(ty, text)?,
        // Objects by number only: names are for casts in the statement.
        oid::OID
        | oid::XID
        | oid::CID
        | oid::REGPROC
        | oid::REGPROCEDURE..=oid::REGTYPE
        | oid::REGNAMESPACE
        | oid::REGROLE => integer::<u32>(ty, text)?,
        oid::FLOAT4 => {
            let zero = |text: &str| {
                text.parse::<f32>()
                    .map(|value| (value.is_finite(), value == 0.0))
            };
            float(ty, text, zero)?
        }
        oid::FLOAT8 => {
            let zero = |text: &str| {
                text.parse::<f64>()
                    .map(|value| (value.is_finite(), value == 0.0))
            };
            float(ty, text, zero)?
        }
        oid::NUMERIC => numeric(trim(text)).ok_or_else(invalid)?,
        oid::BYTEA => blob(&bytea(text)?),
        oid::UUID => uuid(text).ok_or_else(invalid)?,
        oid::BIT | oid::VARBIT => bits(text)?,
        oid::DATE | oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL => {
            return Ok(datetime::value(ty, trim(text), order));
        }
        _ => text.to_owned(),
    };
    Ok(Value::Text(text))
}

/// Any start of the words that can be told apart (`parse_bool`).
fn boolean(text: &str) -> Option<&'static str> {
    let text = trim(text).to_ascii_lowercase();
    let starts = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if starts("true", 1) || starts("yes", 1) || text == "on" || text == "1" {
        Some("true")
    } else if starts("false", 1) || starts("no", 1) || starts("off", 2) || text == "0" {
        Some("false")
    } else {
        None
    }
}

fn integer<T: FromStr<Err = std::num::ParseIntError> + ToString>(
    ty: &PgType,
    text: &str,
) -> Result<String, ParameterError> {
    trim(text)
        .parse::<T>()
        .map(|number| number.to_string())
        .map_err(|error| {
            let (ty, value) = (ty.sql_name, text.to_owned());
            match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => {
                    ParameterError::IntegerOutOfRange { ty, value }
                }
                _ => ParameterError::InvalidText { ty, value },
            }
        })
}

/// `read` tells whether the number is finite and whether it is zero: a number that is written
/// otherwise is out of range.
fn float(
    ty: &PgType,
    text: &str,
    read: impl Fn(&str) -> Result<(bool, bool), std::num::ParseFloatError>,
) -> Result<String, ParameterError> {
    let trimmed = trim(text);
    let (ty, value) = (ty.sql_name, || text.to_owned());
    let (finite, zero) =
        read(trimmed).map_err(|_| ParameterError::InvalidText { ty, value: value() })?;
    let mantissa = trimmed.split(['e', 'E']).next().unwrap_or_default();
    let overflow = !finite && trimmed.contains(|c: char| c.is_ascii_digit());
    let underflow = zero && mantissa.contains(|c: char| ('1'..='9').contains(&c));
    if overflow || underflow {
        return Err(ParameterError::FloatOutOfRange { ty, value: value() });
    }
    Ok(trimmed.to_owned())
}

/// A number without exponent, or with one if it is far beyond decimals; or NaN or infinity.
pub(super) fn numeric(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    match rest.to_ascii_lowercase().as_str() {
        "nan" if rest == text => return Some("NaN".to_owned()),
        "infinity" | "inf" => return Some(format!("{sign}Infinity")),
        _ => {}
    }
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    if exponent.abs() > EXPONENT_MAX {
        return Some(text.to_owned());
    }
    // Move the point by the exponent.
    let mut digits = format!("{whole}{fraction}");
    let mut point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    if point <= 0 {
        digits.insert_str(0, &"0".repeat(usize::try_from(1 - point).ok()?));
        point = 1;
    }
    let point = usize::try_from(point).ok()?;
    if point >= digits.len() {
        digits.push_str(&"0".repeat(point - digits.len()));
    } else {
        digits.insert(point, '.');
    }
    let digits = match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        trimmed if trimmed.starts_with('.') => format!("0{trimmed}"),
        trimmed => trimmed.to_owned(),
    };
    Some(format!("{sign}{digits}"))
}

/// The narrowest type that holds all these numbers.
pub(super) fn numeric_type<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let (mut whole_max, mut scale_max) = (0, 0);
    let mut any = false;
    for text in texts {
        any = true;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.contains(|c: char| c.is_alphabetic()) {
            return "DOUBLE".to_owned();
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        whole_max = whole_max.max(whole.trim_start_matches('0').len());
        scale_max = scale_max.max(fraction.len());
    }
    if !any {
        return "DECIMAL(38,10)".to_owned();
    }
    if whole_max > DECIMAL_DIGITS_MAX {
        return "DOUBLE".to_owned();
    }
    // DuckDB writes no zero before the point of a decimal that has no room for one.
    if scale_max < DECIMAL_DIGITS_MAX {
        whole_max = whole_max.max(1);
    }
    let scale = scale_max.min(DECIMAL_DIGITS_MAX - whole_max);
    format!("DECIMAL({},{scale})", (whole_max + scale).max(1))
}

fn bytea(text: &str) -> Result<Vec<u8>, ParameterError> {
    if let Some(digits) = text.strip_prefix("\\x") {
        let mut bytes = Vec::with_capacity(digits.len() / 2);
        let mut digits = digits
            .chars()
            .filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r'));
        while let Some(high) = digits.next() {
            let digit = |c: char| {
                let digit = c.to_digit(16).ok_or(ParameterError::InvalidHexDigit(c))?;
                Ok(u8::try_from(digit).expect("below sixteen"))
            };
            let high = digit(high)?;
            let low = digit(digits.next().ok_or(ParameterError::OddHexDigits)?)?;
            bytes.push(high << 4 | low);
        }
        return Ok(bytes);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
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
            (b'\\', _) => {
                return Err(ParameterError::InvalidText {
                    ty: "bytea",
                    value: text.to_owned(),
                });
            }
            (byte, after) => {
                bytes.push(*byte);
                after
            }
        };
    }
    Ok(bytes)
}

/// The text that DuckDB casts to these bytes.
pub(super) fn blob(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\x{byte:02X}");
        text
    })
}

/// Thirty-two digits, with or without braces and with a hyphen after any four (`string_to_uuid`).
fn uuid(text: &str) -> Option<String> {
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut digits = String::new();
    for (index, c) in inner.char_indices() {
        match c {
            '-' if digits.len().is_multiple_of(4)
                && !digits.is_empty()
                && digits.len() < 32
                && !inner[..index].ends_with('-') => {}
            c if c.is_ascii_hexdigit() => digits.push(c.to_ascii_lowercase()),
            _ => return None,
        }
    }
    (digits.len() == 32).then(|| hyphenated(&digits))
}

/// Thirty-two digits in groups.
pub(super) fn hyphenated(digits: &str) -> String {
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups.map(|group| &digits[group]).join("-")
}

fn bits(text: &str) -> Result<String, ParameterError> {
    if let Some(digits) = text.strip_prefix(['x', 'X']) {
        let bits = digits.chars().map(|c| {
            let digit = c.to_digit(16).ok_or(ParameterError::InvalidHexDigit(c))?;
            Ok(format!("{digit:04b}"))
        });
        return bits.collect();
    }
    let digits = text.strip_prefix(['b', 'B']).unwrap_or(text);
    match digits.chars().find(|c| !matches!(c, '0' | '1')) {
        Some(other) => Err(ParameterError::InvalidBit(other)),
        None => Ok(digits.to_owned()),
    }
}
