//! Intervals of ISO 8601, after their `P`; mirrors `DecodeISO8601Interval`.
//!
//! | Form | Example |
//! |---|---|
//! | with designators | `1Y2M3W4DT5H6M7.5S` |
//! | alternative, basic | `00010203T040506` |
//! | alternative, extended | `0001-02-03T04:05:06`, also cut short: `0001-02`, `T04:05` |
//!
//! Every number may have a sign and a fraction. The parts before and after the `T` may each have
//! another form; an alternative one stands alone in its part.

use super::{Fault, Number, Sum, Unit, decimals, number};

/// What follows the `P`.
pub(super) fn read(text: &str) -> Result<Sum, Fault> {
    let mut sum = Sum::default();
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    if text.is_empty() {
        return Err(Fault::Syntax);
    }
    part(date, &DATE, &mut sum)?;
    if let Some(time) = time {
        part(time, &TIME, &mut sum)?;
    }
    Ok(sum)
}

/// How one of the two parts is written.
struct Part {
    /// Letters of units.
    designators: &'static [(u8, Unit)],
    /// Between the numbers of the extended form.
    separator: char,
    /// Their units.
    units: [Unit; 3],
    /// Digits of the basic form's number.
    width: usize,
}

const DATE: Part = Part {
    designators: &[
        (b'Y', Unit::Year),
        (b'M', Unit::Month),
        (b'W', Unit::Week),
        (b'D', Unit::Day),
    ],
    separator: '-',
    units: [Unit::Year, Unit::Month, Unit::Day],
    width: 8,
};

const TIME: Part = Part {
    designators: &[
        (b'H', Unit::Hour),
        (b'M', Unit::Minute),
        (b'S', Unit::Second),
    ],
    separator: ':',
    units: [Unit::Hour, Unit::Minute, Unit::Second],
    width: 6,
};

fn part(text: &str, form: &Part, sum: &mut Sum) -> Result<(), Fault> {
    let mut rest = text;
    let mut is_first = true;
    while !rest.is_empty() {
        let (read, width, after) = signed(rest)?;
        let Some(designator) = after.bytes().next() else {
            if !is_first {
                return Err(Fault::Syntax);
            }
            if width == form.width {
                basic(read, form, sum);
            } else {
                sum.add(read, form.units[0]);
            }
            return Ok(());
        };
        if let Some(after) = after.strip_prefix(form.separator) {
            if !is_first {
                return Err(Fault::Syntax);
            }
            sum.add(read, form.units[0]);
            return extended(after, form, sum);
        }
        let known = form.designators.iter().find(|(it, _)| *it == designator);
        let (_, unit) = known.ok_or(Fault::Syntax)?;
        sum.add(read, *unit);
        rest = &after[1..];
        is_first = false;
    }
    Ok(())
}

/// What follows the first number of `0001-02-03`.
fn extended(text: &str, form: &Part, sum: &mut Sum) -> Result<(), Fault> {
    let (read, _, after) = signed(text)?;
    sum.add(read, form.units[1]);
    if after.is_empty() {
        return Ok(());
    }
    let last = after.strip_prefix(form.separator).ok_or(Fault::Syntax)?;
    let (read, _, after) = signed(last)?;
    sum.add(read, form.units[2]);
    if after.is_empty() {
        Ok(())
    } else {
        Err(Fault::Syntax)
    }
}

/// `00010203`: two digits each, but for those of the first unit.
fn basic(read: Number, form: &Part, sum: &mut Sum) {
    let whole = |whole: i128| Number {
        whole,
        fraction: 0.0,
    };
    sum.add(whole(read.whole / 10_000), form.units[0]);
    sum.add(whole(read.whole / 100 % 100), form.units[1]);
    let last = Number {
        whole: read.whole % 100,
        fraction: read.fraction,
    };
    sum.add(last, form.units[2]);
}

/// The number at the beginning, the digits before its point, and what comes after it.
fn signed(text: &str) -> Result<(Number, usize, &str), Fault> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = body
        .find(|it: char| !it.is_ascii_digit() && it != '.')
        .unwrap_or(body.len());
    let (whole, fraction) = body[..end].split_once('.').unwrap_or((&body[..end], ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(Fault::Syntax);
    }
    let width = whole.len();
    let whole = if whole.is_empty() { 0 } else { number(whole)? };
    let fraction = decimals(fraction)?;
    let read = Number {
        whole: if negative { -whole } else { whole },
        fraction: if negative { -fraction } else { fraction },
    };
    Ok((read, width, &body[end..]))
}
