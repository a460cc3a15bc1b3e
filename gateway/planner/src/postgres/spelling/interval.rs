//! Intervals; mirrors `ParseDateTime`, `DecodeInterval` and `DecodeISO8601Interval`.
//!
//! Fields are read from the last to the first, since a number without a unit takes the one that
//! comes before that of its neighbour: `1 2:03` is a day and hours.
//!
//! Invariant: what is returned has months, days and microseconds only, and DuckDB reads just them.

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

    fn months(self) -> Option<f64> {
        Some(match self {
            Self::Month => 1.0,
            Self::Year => 12.0,
            Self::Decade => 120.0,
            Self::Century => 1200.0,
            Self::Millennium => 12_000.0,
            _ => return None,
        })
    }

    fn micros(self) -> Option<f64> {
        Some(match self {
            Self::Microsecond => 1.0,
            Self::Millisecond => 1e3,
            Self::Second => 1e6,
            Self::Minute => 6e7,
            Self::Hour => 3.6e9,
            _ => return None,
        })
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
    let sum = match trimmed.strip_prefix(['P', 'p']) {
        Some(rest) => iso_8601(rest),
        None => fields(trimmed, last, signs_spread),
    };
    match sum {
        Ok(sum) => sum.finish(),
        Err(Fault::Field) => Err(Fault::Interval),
        Err(fault) => Err(fault),
    }
}

/// What has been added up; months, days and microseconds stay apart.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    months: f64,
    days: f64,
    micros: f64,
}

impl Sum {
    /// Adds so many of a unit; parts of a month or day go to the smaller units.
    fn add(&mut self, whole: f64, fraction: f64, unit: Unit) {
        if let Some(months) = unit.months() {
            self.months += whole * months;
            if unit == Unit::Month {
                self.part_of_days(fraction * DAYS_PER_MONTH);
            } else {
                self.months += (fraction * months).round_ties_even();
            }
        } else if unit == Unit::Week {
            self.days += whole * 7.0;
            self.part_of_days(fraction * 7.0);
        } else if unit == Unit::Day {
            self.days += whole;
            self.micros += (fraction * MICROS_PER_DAY).round_ties_even();
        } else {
            let size = unit.micros().unwrap_or(1.0);
            self.micros += whole * size + (fraction * size).round_ties_even();
        }
    }

    fn part_of_days(&mut self, days: f64) {
        self.days += days.trunc();
        self.micros += (days.fract() * MICROS_PER_DAY).round_ties_even();
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range of each part is checked before"
    )]
    fn finish(self) -> Result<Span, Fault> {
        let small = |value: f64| value.abs() <= f64::from(i32::MAX);
        if !small(self.months) || !small(self.days) || self.micros.abs() >= 9.223_372_036_854_775e18
        {
            return Err(Fault::Interval);
        }
        Ok(Span {
            months: self.months as i32,
            days: self.days as i32,
            micros: self.micros as i64,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Field {
    /// A number with its sign: whole part and fraction, both with the sign.
    Number(f64, f64),
    /// `1-2`: months.
    YearMonth(f64),
    /// `2:03:04.5`: microseconds.
    Time(f64),
    /// Letters, in lower case.
    Word(String),
}

fn fields(text: &str, last: Unit, signs_spread: bool) -> Result<Sum, Fault> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_whitespace() || matches!(first, '@' | ',') {
            rest = &rest[1..];
        } else if first.is_ascii_alphabetic() {
            let end = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            found.push(Field::Word(rest[..end].to_ascii_lowercase()));
            rest = &rest[end..];
        } else if first.is_ascii_digit() || matches!(first, '+' | '-' | '.') {
            let sign_length = usize::from(matches!(first, '+' | '-'));
            let body = rest[sign_length..].trim_start();
            let end = body
                .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ':' | '-'))
                .unwrap_or(body.len());
            found.push(numeric(&body[..end], first == '-')?);
            rest = &body[end..];
        } else {
            return Err(Fault::Syntax);
        }
    }
    if found.is_empty() {
        return Err(Fault::Syntax);
    }
    let leading_minus = text.starts_with('-');
    if signs_spread && leading_minus {
        spread_sign(&mut found);
    }
    add_up(&found, last)
}

/// `-1 2:03` is all negative in the SQL standard, unless another field has a sign of its own.
fn spread_sign(fields: &mut [Field]) {
    for field in fields.iter_mut().skip(1) {
        match field {
            Field::Number(whole, fraction) => {
                (*whole, *fraction) = (-whole.abs(), -fraction.abs());
            }
            Field::YearMonth(value) | Field::Time(value) => *value = -value.abs(),
            Field::Word(_) => {}
        }
    }
}

fn numeric(body: &str, negative: bool) -> Result<Field, Fault> {
    let sign = if negative { -1.0 } else { 1.0 };
    if body.contains(':') {
        return Ok(Field::Time(sign * clock(body)?));
    }
    if let Some((years, months)) = body.split_once('-') {
        let (years, months) = (number(years)?, number(months)?);
        if months >= 12.0 {
            return Err(Fault::Interval);
        }
        return Ok(Field::YearMonth(sign * (years * 12.0 + months)));
    }
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(Fault::Syntax);
    }
    let whole = if whole.is_empty() {
        0.0
    } else {
        number(whole)?
    };
    if whole > 9.223_372_036_854_775e18 {
        return Err(Fault::Interval);
    }
    Ok(Field::Number(sign * whole, sign * decimals(fraction)?))
}

/// Microseconds of `hh:mm`, `hh:mm:ss` or `mm:ss.fff`.
fn clock(text: &str) -> Result<f64, Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [minute, second] if second.contains('.') => ("0", *minute, *second),
        [hour, minute] => (*hour, *minute, "0"),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return Err(Fault::Syntax),
    };
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    if minute > 59.0 || second > 60.0 {
        return Err(Fault::Field);
    }
    let micros = (decimals(fraction)? * 1e6).round_ties_even();
    Ok(((hour * 60.0 + minute) * 60.0 + second) * 1e6 + micros)
}

fn number(digits: &str) -> Result<f64, Fault> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    digits.parse().map_err(|_| Fault::Syntax)
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
                claim(&mut seen, &[Unit::Hour, Unit::Minute, Unit::Second])?;
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
            Field::Number(whole, fraction) => {
                let own = unit.ok_or(Fault::Syntax)?;
                claim(&mut seen, &[own])?;
                sum.add(*whole, *fraction, own);
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
    if ago {
        (sum.months, sum.days, sum.micros) = (-sum.months, -sum.days, -sum.micros);
    }
    Ok(sum)
}

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

/// What follows the `P`: `1Y2M3DT4H5M6S`, or `0001-02-03T04:05:06`.
fn iso_8601(text: &str) -> Result<Sum, Fault> {
    let mut sum = Sum::default();
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    if date.is_empty() && time.is_none_or(str::is_empty) {
        return Err(Fault::Syntax);
    }
    if date.trim_start_matches('-').contains('-') {
        let negative = date.starts_with('-');
        let parts: Vec<&str> = date.trim_start_matches('-').split('-').collect();
        let [years, months, days] = parts.as_slice() else {
            return Err(Fault::Syntax);
        };
        let sign = if negative { -1.0 } else { 1.0 };
        sum.months = sign * (number(years)? * 12.0 + number(months)?);
        sum.days = number(days)?;
    } else {
        designated(date, false, &mut sum)?;
    }
    match time {
        Some(time) if time.contains(':') => sum.micros = clock(time)?,
        Some(time) => designated(time, true, &mut sum)?,
        None => {}
    }
    Ok(sum)
}

fn designated(text: &str, in_time: bool, sum: &mut Sum) -> Result<(), Fault> {
    let mut rest = text;
    while !rest.is_empty() {
        let negative = rest.starts_with('-');
        let body = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let end = body
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or(Fault::Syntax)?;
        let Field::Number(whole, fraction) = numeric(&body[..end], negative)? else {
            return Err(Fault::Syntax);
        };
        let unit = match (body.as_bytes()[end].to_ascii_uppercase(), in_time) {
            (b'Y', false) => Unit::Year,
            (b'M', false) => Unit::Month,
            (b'W', false) => Unit::Week,
            (b'D', false) => Unit::Day,
            (b'H', true) => Unit::Hour,
            (b'M', true) => Unit::Minute,
            (b'S', true) => Unit::Second,
            _ => return Err(Fault::Syntax),
        };
        sum.add(whole, fraction, unit);
        rest = &body[end + 1..];
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
            ("999999999999 years", "Interval"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
