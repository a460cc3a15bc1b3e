//! Intervals; mirrors `ParseDateTime`, `DecodeInterval` and `DecodeISO8601Interval`.
//!
//! Fields are read from the last to the first, since a number without a unit takes the one that
//! comes before that of its neighbour: `1 2:03` is a day and hours.
//!
//! Invariant: what is returned has months, days and microseconds only, and DuckDB reads just them.

mod iso_8601;

use super::Fault;

const MICROS_PER_DAY: f64 = 86_400_000_000.0;
const DAYS_PER_MONTH: f64 = 30.0;

/// A part of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Microseconds.
    Microsecond,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Years.
    Year,
    /// Ten years.
    Decade,
    /// A hundred years.
    Century,
    /// A thousand years.
    Millennium,
}

impl Unit {
    fn named(word: &str) -> Option<Self> {
        // Only the first ten letters count, as in PostgreSQL.
        let word = word.get(..10).unwrap_or(word);
        Some(match word {
            "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => Self::Microsecond,
            "ms" | "msec" | "msecs" | "mseconds" | "msecond" | "millisecon" => Self::Millisecond,
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            "mon" | "mons" | "month" | "months" => Self::Month,
            "y" | "yr" | "yrs" | "year" | "years" => Self::Year,
            "dec" | "decs" | "decade" | "decades" => Self::Decade,
            "c" | "cent" | "century" | "centuries" => Self::Century,
            "mil" | "mils" | "millennium" | "millennia" => Self::Millennium,
            _ => return None,
        })
    }

    fn years(self) -> Option<i128> {
        Some(match self {
            Self::Year => 1,
            Self::Decade => 10,
            Self::Century => 100,
            Self::Millennium => 1000,
            _ => return None,
        })
    }

    /// Of what is no longer than an hour.
    fn micros(self) -> i128 {
        match self {
            Self::Millisecond => 1000,
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            _ => 1,
        }
    }
}

/// An interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Span {
    /// In DuckDB's spelling.
    #[must_use]
    pub fn text(&self) -> String {
        let parts = [
            (i64::from(self.months), "months"),
            (i64::from(self.days), "days"),
            (self.micros, "microseconds"),
        ];
        let words: Vec<String> = parts
            .iter()
            .filter(|(value, _)| *value != 0)
            .map(|(value, unit)| format!("{value} {unit}"))
            .collect();
        if words.is_empty() {
            "0 days".to_owned()
        } else {
            words.join(" ")
        }
    }

    /// Without what is smaller than `unit` (`AdjustIntervalForTypmod`).
    #[must_use]
    pub fn down_to(self, unit: Unit) -> Self {
        let whole = |size: i64| self.micros - self.micros % size;
        match unit {
            Unit::Year => Self {
                months: self.months - self.months % 12,
                ..Self::default()
            },
            Unit::Month => Self {
                months: self.months,
                ..Self::default()
            },
            Unit::Day => Self { micros: 0, ..self },
            Unit::Hour => Self {
                micros: whole(3_600_000_000),
                ..self
            },
            Unit::Minute => Self {
                micros: whole(60_000_000),
                ..self
            },
            _ => self,
        }
    }
}

impl Span {
    /// With so many digits after the point of its seconds.
    #[must_use]
    pub fn rounded(self, digits: u32) -> Self {
        let size = 10_i64.pow(6_u32.saturating_sub(digits));
        let half = if self.micros < 0 { -size / 2 } else { size / 2 };
        let micros = self.micros.saturating_add(half) / size * size;
        Self { micros, ..self }
    }
}

/// `2:03` as minutes and seconds, which it is in `MINUTE TO SECOND` only.
pub fn minutes_first(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        if word.matches(':').count() != 1 {
            return word.to_owned();
        }
        let body = word.trim_start_matches(['+', '-']);
        format!("{}0:{body}", &word[..word.len() - body.len()])
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Reads `text`. `last` is the unit of a number without one, as `DAY` is in `INTERVAL '1' DAY`;
/// `signs_spread` says that a leading minus holds for all fields, as under the style
/// `sql_standard`.
pub fn read(text: &str, last: Unit, signs_spread: bool) -> Result<Span, Fault> {
    let trimmed = text.trim();
    let sum = match trimmed.strip_prefix('P') {
        Some(rest) => iso_8601::read(rest),
        None => fields(trimmed, last, signs_spread),
    };
    match sum.and_then(Sum::finish) {
        Err(Fault::Field) => Err(Fault::Interval),
        other => other,
    }
}

/// What has been added up; years, months, days and microseconds stay apart.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    years: i128,
    months: i128,
    days: i128,
    micros: i128,
}

impl Sum {
    /// Adds so many of a unit; parts of a month or day go to the smaller units.
    fn add(&mut self, number: Number, unit: Unit) {
        let Number { whole, fraction } = number;
        if let Some(years) = unit.years() {
            self.years += whole * years;
            self.months += rounded(fraction * 12.0 * to_float(years));
            return;
        }
        match unit {
            Unit::Month => {
                self.months += whole;
                self.part_of_days(fraction * DAYS_PER_MONTH);
            }
            Unit::Week => {
                self.days += whole * 7;
                self.part_of_days(fraction * 7.0);
            }
            Unit::Day => {
                self.days += whole;
                self.micros += rounded(fraction * MICROS_PER_DAY);
            }
            _ => {
                let size = unit.micros();
                self.micros += whole * size + rounded(fraction * to_float(size));
            }
        }
    }

    fn part_of_days(&mut self, days: f64) {
        self.days += rounded(days.trunc());
        self.micros += rounded(days.fract() * MICROS_PER_DAY);
    }

    fn negated(self) -> Self {
        Self {
            years: -self.years,
            months: -self.months,
            days: -self.days,
            micros: -self.micros,
        }
    }

    fn finish(self) -> Result<Span, Fault> {
        let small = |value: i128| i32::try_from(value).map_err(|_| Fault::Interval);
        let (years, months) = (small(self.years)?, small(self.months)?);
        let days = small(self.days)?;
        // DuckDB does not read the least of all microseconds.
        let micros = i64::try_from(self.micros).ok();
        let micros = micros.filter(|micros| *micros > i64::MIN);
        let months = i64::from(years) * 12 + i64::from(months);
        Ok(Span {
            months: i32::try_from(months).map_err(|_| Fault::IntervalRange)?,
            days,
            micros: micros.ok_or(Fault::Interval)?,
        })
    }
}

/// A number with its sign.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Number {
    whole: i128,
    fraction: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Field {
    /// A number.
    Number(Number),
    /// `1-2`: months.
    YearMonth(i128),
    /// `2:03:04.5`: microseconds.
    Time(i128),
    /// Letters, in lower case.
    Word(String),
}

fn fields(text: &str, last: Unit, signs_spread: bool) -> Result<Sum, Fault> {
    let mut found = Vec::new();
    let mut more_signs = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let starts_number = matches!(first, '+' | '-')
            || first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit());
        if first.is_ascii_alphabetic() {
            let end = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            found.push(Field::Word(rest[..end].to_ascii_lowercase()));
            rest = &rest[end..];
        } else if first.is_ascii_digit() || starts_number {
            let is_signed = matches!(first, '+' | '-');
            more_signs |= is_signed && !found.is_empty();
            let body = rest[usize::from(is_signed)..].trim_start();
            let end = number_length(body, is_signed);
            found.push(numeric(&body[..end], first == '-')?);
            rest = &body[end..];
        } else if first.is_ascii_whitespace() || first.is_ascii_punctuation() {
            rest = &rest[1..];
        } else {
            return Err(Fault::Syntax);
        }
    }
    if found.is_empty() {
        return Err(Fault::Syntax);
    }
    if signs_spread && text.starts_with('-') && !more_signs {
        spread_sign(&mut found);
    }
    add_up(&found, last)
}

/// How long the number, time or date at the beginning of `body` is, as `ParseDateTime` divides it: a colon after the
/// digits of a fraction belongs to no number.
fn number_length(body: &str, is_signed: bool) -> usize {
    let until = |is_part: &dyn Fn(char) -> bool| body.find(|it| !is_part(it)).unwrap_or(body.len());
    let digits = until(&|it| it.is_ascii_digit());
    let is_fraction = body[digits..].starts_with('.');
    if is_fraction && !is_signed {
        let after = &body[digits + 1..];
        let end = after
            .find(|it: char| !it.is_ascii_digit())
            .unwrap_or(after.len());
        if !after[end..].starts_with('.') {
            return digits + 1 + end;
        }
    }
    until(&|it| it.is_ascii_digit() || matches!(it, '.' | ':' | '-'))
}

/// `-1 2:03` is all negative in the SQL standard, unless another field has a sign of its own.
fn spread_sign(fields: &mut [Field]) {
    for field in fields.iter_mut().skip(1) {
        match field {
            Field::Number(number) => {
                number.whole = -number.whole.abs();
                number.fraction = -number.fraction.abs();
            }
            Field::YearMonth(value) | Field::Time(value) => *value = -value.abs(),
            Field::Word(_) => {}
        }
    }
}

fn numeric(body: &str, negative: bool) -> Result<Field, Fault> {
    let sign = if negative { -1 } else { 1 };
    if body.contains(':') {
        return Ok(Field::Time(sign * clock(body)?));
    }
    if let Some((years, months)) = body.split_once('-') {
        let (years, months) = (number(years)?, number(months)?);
        if months >= 12 {
            return Err(Fault::Interval);
        }
        return Ok(Field::YearMonth(sign * (years * 12 + months)));
    }
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(Fault::Syntax);
    }
    let whole = if whole.is_empty() { 0 } else { number(whole)? };
    let fraction = decimals(fraction)?;
    Ok(Field::Number(Number {
        whole: sign * whole,
        fraction: if negative { -fraction } else { fraction },
    }))
}

/// Microseconds of `hh:mm`, `hh:mm:ss` or `mm:ss.fff`.
fn clock(text: &str) -> Result<i128, Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [minute, second] if second.contains('.') => ("0", *minute, *second),
        [hour, minute] => (*hour, *minute, "0"),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return Err(Fault::Syntax),
    };
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    if minute > 59 || second > 60 {
        return Err(Fault::Field);
    }
    let micros = rounded(decimals(fraction)? * 1e6);
    Ok(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// A whole number; one that no `bigint` holds is out of range.
fn number(digits: &str) -> Result<i128, Fault> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    let number: i64 = digits.parse().map_err(|_| Fault::Interval)?;
    Ok(number.into())
}

fn decimals(digits: &str) -> Result<f64, Fault> {
    if digits.is_empty() {
        return Ok(0.0);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    format!("0.{digits}").parse().map_err(|_| Fault::Syntax)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "parts of units are far from the ends of this type"
)]
fn rounded(value: f64) -> i128 {
    value.round_ties_even() as i128
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of units have less than fifty bits"
)]
fn to_float(size: i128) -> f64 {
    size as f64
}

fn add_up(fields: &[Field], last: Unit) -> Result<Sum, Fault> {
    let mut sum = Sum::default();
    let mut unit = Some(last);
    let mut named = false;
    let mut ago = false;
    let mut seen: Vec<Unit> = Vec::new();
    let mut any = false;
    for field in fields.iter().rev() {
        match field {
            Field::Word(word) if word == "ago" => {
                if any || ago {
                    return Err(Fault::Syntax);
                }
                ago = true;
            }
            Field::Word(word) => {
                if named {
                    return Err(Fault::Syntax);
                }
                unit = Some(Unit::named(word).ok_or(Fault::Syntax)?);
                named = true;
            }
            Field::Time(micros) => {
                if named {
                    return Err(Fault::Syntax);
                }
                claim(&mut seen, &[Unit::Hour, Unit::Minute])?;
                claim(&mut seen, ALL_SECONDS)?;
                sum.micros += micros;
                // A number before it counts days.
                unit = Some(Unit::Day);
                any = true;
            }
            Field::YearMonth(months) => {
                if named {
                    return Err(Fault::Syntax);
                }
                claim(&mut seen, &[Unit::Year, Unit::Month])?;
                sum.months += months;
                unit = None;
                any = true;
            }
            Field::Number(number) => {
                let own = unit.ok_or(Fault::Syntax)?;
                let has_fraction = number.fraction != 0.0;
                if own == Unit::Second && has_fraction {
                    claim(&mut seen, ALL_SECONDS)?;
                } else {
                    claim(&mut seen, &[own])?;
                }
                sum.add(*number, own);
                // What comes before needs a unit of its own, but hours have days before them.
                unit = (own == Unit::Hour).then_some(Unit::Day);
                named = false;
                any = true;
            }
        }
    }
    if !any || named {
        return Err(Fault::Syntax);
    }
    Ok(if ago { sum.negated() } else { sum })
}

/// What seconds with a fraction have taken.
const ALL_SECONDS: &[Unit] = &[Unit::Second, Unit::Millisecond, Unit::Microsecond];

/// Every unit may come once.
fn claim(seen: &mut Vec<Unit>, units: &[Unit]) -> Result<(), Fault> {
    for unit in units {
        if seen.contains(unit) {
            return Err(Fault::Syntax);
        }
        seen.push(*unit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match read(text, Unit::Second, false) {
            Ok(span) => format!("{}/{}/{}", span.months, span.days, span.micros),
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn every_spelling_is_read() {
        for (text, wanted) in [
            ("1 day", "0/1/0"),
            ("1-2", "14/0/0"),
            ("1 2:03:04", "0/1/7384000000"),
            ("-1-2 +3 -4:05:06", "-14/3/-14706000000"),
            ("1 year 2 mons ago", "-14/0/0"),
            ("@ 1 min ago", "0/0/-60000000"),
            ("1.5 months", "1/15/0"),
            ("1.5 years", "18/0/0"),
            ("1.5 weeks", "0/10/43200000000"),
            ("30", "0/0/30000000"),
            ("1 day -1 hour", "0/1/-3600000000"),
            ("3d4h", "0/3/14400000000"),
            ("P1Y2M3DT4H5M6.7S", "14/3/14706700000"),
            ("P0001-02-03T04:05:06", "14/3/14706000000"),
            ("P-1Y", "-12/0/0"),
            ("2 decades 1 century", "1440/0/0"),
            ("-.5 hours", "0/0/-1800000000"),
            ("10:20.5", "0/0/620500000"),
            ("1 fortnight", "Syntax"),
            ("", "Syntax"),
            ("day", "Syntax"),
            ("1 day 1 day", "Syntax"),
            ("10:99", "Interval"),
            ("200000000 years", "IntervalRange"),
            ("-2147483648 months", "-2147483648/0/0"),
            ("5.5 seconds 3 milliseconds", "Syntax"),
            ("1:20:05 5 microseconds", "Syntax"),
            ("5 seconds 3 milliseconds", "0/0/5003000"),
            ("2562047788:00:54.775807", "0/0/9223372036854775807"),
            ("P0002", "24/0/0"),
            ("P0002-10", "34/0/0"),
            ("P0002-10-15", "34/15/0"),
            ("P0002-10T1S", "34/0/1000000"),
            ("P00021015T103020", "34/15/37820000000"),
            ("PT10", "0/0/36000000000"),
            ("PT10:30", "0/0/37800000000"),
            ("P-1Y-2M3DT-4H", "-14/3/-14400000000"),
            ("P1Y-2", "Syntax"),
            ("P1-2-3-4", "Syntax"),
            ("P2147483648", "Interval"),
            ("P1-2147483647-2147483647", "IntervalRange"),
            ("P", "Syntax"),
            ("p1d", "Syntax"),
            ("999999999999 years", "Interval"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
