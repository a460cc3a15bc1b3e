//! Parameters in binary: PostgreSQL's receive functions, giving text that DuckDB casts.

use std::fmt::Write as _;

use skein_catalog::types::{PgType, oid};

use super::text::{blob, hyphenated};
use super::{ParameterError, Value, datetime, utf8};
use crate::encode::datetime::{self as shown, DAY, EPOCH_DAYS, EPOCH_MICROS, Layout};
use crate::encode::network::Network;
use crate::encode::{DateOrder, DateStyle, Zone, float};

/// Bytes that are read from the front.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], ParameterError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or(ParameterError::InsufficientData)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ParameterError> {
        Ok(self.take(N)?.try_into().expect("as many bytes were taken"))
    }

    pub(super) fn i16(&mut self) -> Result<i16, ParameterError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, ParameterError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ParameterError> {
        self.array().map(u32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, ParameterError> {
        self.array().map(i64::from_be_bytes)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }
}

/// Reads one value of parameter `$number`, which has to fill all of `bytes`.
pub(super) fn value(ty: &PgType, bytes: &[u8], number: usize) -> Result<Value, ParameterError> {
    let mut reader = Reader { bytes };
    let incorrect = ParameterError::IncorrectBinary(number);
    let text = match ty.oid {
        oid::BOOL => if reader.take(1)?[0] == 0 {
            "false"
        } else {
            "true"
        }
        .to_owned(),
        oid::INT2 => reader.i16()?.to_string(),
        oid::INT4 => reader.i32()?.to_string(),
        oid::INT8 => reader.i64()?.to_string(),
        oid::OID
        | oid::XID
        | oid::CID
        | oid::REGPROC
        | oid::REGPROCEDURE
        | oid::REGOPER
        | oid::REGOPERATOR
        | oid::REGCLASS
        | oid::REGTYPE
        | oid::REGNAMESPACE
        | oid::REGROLE => reader.u32()?.to_string(),
        oid::FLOAT4 => {
            let value = f32::from_bits(reader.u32()?);
            printed(|out| float::float4(value, 1, out))
        }
        oid::FLOAT8 => {
            let value = f64::from_bits(reader.i64()?.cast_unsigned());
            printed(|out| float::float8(value, 1, out))
        }
        oid::NUMERIC => numeric(&mut reader)?.ok_or(incorrect.clone())?,
        oid::BYTEA => blob(reader.rest()),
        oid::UUID => {
            let number = u128::from_be_bytes(reader.array()?);
            hyphenated(&format!("{number:032x}"))
        }
        oid::DATE => date(reader.i32()?)?,
        oid::TIME => time(reader.i64()?)?,
        oid::TIMETZ => {
            let (micros, west) = (reader.i64()?, reader.i32()?);
            time(micros)? + &offset(west)?
        }
        oid::TIMESTAMP => timestamp(reader.i64()?, None)?,
        oid::TIMESTAMPTZ => timestamp(reader.i64()?, Some(&Zone::utc()))?,
        oid::INTERVAL => {
            let (micros, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
            format!("{months} months {days} days {micros} microseconds")
        }
        oid::BIT | oid::VARBIT => bits(&mut reader)?.ok_or(incorrect.clone())?,
        oid::JSONB => {
            if reader.take(1)? != [1] {
                return Err(incorrect);
            }
            utf8(reader.rest())?
        }
        oid::INET | oid::CIDR => Network::receive(reader.rest())
            .ok_or(incorrect.clone())?
            .text(ty.oid == oid::CIDR),
        oid::CHAR => match reader.take(1)? {
            // No character at all.
            [0] => String::new(),
            byte => utf8(byte)?,
        },
        oid::TEXT
        | oid::VARCHAR
        | oid::BPCHAR
        | oid::NAME
        | oid::UNKNOWN
        | oid::JSON
        | oid::XML => utf8(reader.rest())?,
        _ => return Err(ParameterError::NoBinaryInput(ty.sql_name)),
    };
    if !reader.bytes.is_empty() {
        return Err(incorrect);
    }
    Ok(match ty.oid {
        // PostgreSQL and DuckDB write years before the first differently.
        oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ => datetime::value(ty, &text, DateOrder::Ymd),
        _ => Value::Text(text),
    })
}

/// What `write` appends; all of it is ASCII.
fn printed(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("numbers and dates are ASCII")
}

fn date(days: i32) -> Result<String, ParameterError> {
    let days = match days {
        i32::MAX | i32::MIN => days,
        days => days
            .checked_add(EPOCH_DAYS)
            .ok_or(ParameterError::DatetimeOutOfRange("date"))?,
    };
    Ok(printed(|out| shown::date(days, DateStyle::default(), out)))
}

fn time(micros: i64) -> Result<String, ParameterError> {
    if !(0..=DAY).contains(&micros) {
        return Err(ParameterError::DatetimeOutOfRange("time"));
    }
    Ok(printed(|out| shown::time(micros, out)))
}

/// Seconds west of Greenwich, less than sixteen hours.
fn offset(west: i32) -> Result<String, ParameterError> {
    if west.unsigned_abs() >= 16 * 3600 {
        return Err(ParameterError::TimeZoneOutOfRange);
    }
    Ok(printed(|out| shown::offset(-west, false, out)))
}

fn timestamp(micros: i64, zone: Option<&Zone>) -> Result<String, ParameterError> {
    let out_of_range = ParameterError::DatetimeOutOfRange("timestamp");
    let micros = match micros {
        i64::MAX | i64::MIN => micros,
        micros => micros.checked_add(EPOCH_MICROS).ok_or(out_of_range)?,
    };
    let layout = Layout::Style(DateStyle::default());
    Ok(printed(|out| shown::timestamp(micros, zone, layout, out)))
}

/// Base-10000 digits with a weight, and how many decimal digits to show (`numeric_recv`).
fn numeric(reader: &mut Reader<'_>) -> Result<Option<String>, ParameterError> {
    let count = usize::from(reader.i16()?.cast_unsigned());
    let weight = i64::from(reader.i16()?);
    let sign = reader.i16()?.cast_unsigned();
    let scale = usize::from(reader.i16()?.cast_unsigned());
    let sign = match sign {
        0 => "",
        0x4000 => "-",
        0xc000 => return Ok(Some("NaN".to_owned())),
        0xd000 => return Ok(Some("Infinity".to_owned())),
        0xf000 => return Ok(Some("-Infinity".to_owned())),
        _ => return Ok(None),
    };
    // The digit of each power of 10000, from the weight down; what is not sent is 0.
    let mut groups = Vec::with_capacity(count);
    for _ in 0..count {
        let group = reader.i16()?;
        if !(0..10_000).contains(&group) {
            return Ok(None);
        }
        groups.push(group);
    }
    let group = |power: i64| {
        let index = usize::try_from(weight - power).ok();
        index
            .and_then(|index| groups.get(index))
            .copied()
            .unwrap_or(0)
    };
    let whole = decimal_digits((0..=weight.max(0)).rev().map(group));
    let whole = whole.trim_start_matches('0');
    let powers = i64::try_from(scale.div_ceil(4)).expect("scales are small");
    let fraction = decimal_digits((1..=powers).map(|power| group(-power)));
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(Some(match scale {
        0 => format!("{sign}{whole}"),
        scale => format!("{sign}{whole}.{}", &fraction[..scale]),
    }))
}

fn decimal_digits(groups: impl Iterator<Item = i16>) -> String {
    groups.fold(String::new(), |mut text, group| {
        let _ = write!(text, "{group:04}");
        text
    })
}

/// A count of bits, then the bits from the left.
fn bits(reader: &mut Reader<'_>) -> Result<Option<String>, ParameterError> {
    let Ok(count) = usize::try_from(reader.i32()?) else {
        return Ok(None);
    };
    let bytes = reader.take(count.div_ceil(8))?;
    let bits = bytes.iter().flat_map(|byte| {
        (0..8)
            .rev()
            .map(move |bit| if byte >> bit & 1 == 1 { '1' } else { '0' })
    });
    Ok(Some(bits.take(count).collect()))
}
