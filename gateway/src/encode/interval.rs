//! Intervals in text, in every `IntervalStyle`; mirrors `EncodeInterval`.

use super::datetime;
use super::settings::IntervalStyle;

/// An interval, taken apart as PostgreSQL does it: all parts of the time have the same sign.
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

/// Appends an interval.
pub(super) fn interval(
    months: i32,
    days: i32,
    micros: i64,
    style: IntervalStyle,
    out: &mut Vec<u8>,
) {
    let parts = Parts {
        years: i64::from(months / 12),
        months: i64::from(months % 12),
        days: i64::from(days),
        hours: micros / 3_600_000_000,
        minutes: micros / 60_000_000 % 60,
        seconds: micros / 1_000_000 % 60,
        micros: micros % 1_000_000,
    };
    match style {
        IntervalStyle::Postgres => parts.postgres(out),
        IntervalStyle::PostgresVerbose => parts.verbose(out),
        IntervalStyle::SqlStandard => parts.sql_standard(out),
        IntervalStyle::Iso8601 => parts.iso_8601(out),
    }
}

fn number(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn two_digits(value: i64, out: &mut Vec<u8>) {
    if value.unsigned_abs() < 10 {
        out.push(b'0');
    }
    out.extend_from_slice(itoa::Buffer::new().format(value.unsigned_abs()).as_bytes());
}

impl Parts {
    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.micros < 0
    }

    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.seconds != 0 || self.micros != 0
    }

    /// Hours, minutes and seconds, without a sign.
    fn clock(&self, hours_padded: bool, out: &mut Vec<u8>) {
        if hours_padded {
            two_digits(self.hours, out);
        } else {
            number(self.hours.abs(), out);
        }
        out.push(b':');
        two_digits(self.minutes, out);
        out.push(b':');
        two_digits(self.seconds, out);
        datetime::fraction(self.micros.abs(), out);
    }

    fn postgres(&self, out: &mut Vec<u8>) {
        let start = out.len();
        // A positive part after a negative one shows its sign.
        let mut before_negative = false;
        for (value, unit) in [
            (self.years, "year"),
            (self.months, "mon"),
            (self.days, "day"),
        ] {
            if value == 0 {
                continue;
            }
            if out.len() > start {
                out.push(b' ');
            }
            if before_negative && value > 0 {
                out.push(b'+');
            }
            number(value, out);
            out.push(b' ');
            out.extend_from_slice(unit.as_bytes());
            if value != 1 {
                out.push(b's');
            }
            before_negative = value < 0;
        }
        if out.len() == start || self.has_time() {
            if out.len() > start {
                out.push(b' ');
            }
            if self.time_is_negative() {
                out.push(b'-');
            } else if before_negative {
                out.push(b'+');
            }
            self.clock(true, out);
        }
    }

    fn verbose(&self, out: &mut Vec<u8>) {
        out.push(b'@');
        let start = out.len();
        // The first part decides the direction; the others are relative to it.
        let mut ago = false;
        let units = [
            (self.years, "year"),
            (self.months, "mon"),
            (self.days, "day"),
            (self.hours, "hour"),
            (self.minutes, "min"),
        ];
        for (value, unit) in units {
            if value == 0 {
                continue;
            }
            let value = if out.len() == start {
                ago = value < 0;
                value.abs()
            } else if ago {
                -value
            } else {
                value
            };
            out.push(b' ');
            number(value, out);
            out.push(b' ');
            out.extend_from_slice(unit.as_bytes());
            if value != 1 {
                out.push(b's');
            }
        }
        if self.seconds != 0 || self.micros != 0 {
            out.push(b' ');
            let negative = self.seconds < 0 || self.micros < 0;
            if out.len() == start + 1 {
                ago = negative;
            } else if negative != ago {
                out.push(b'-');
            }
            number(self.seconds.abs(), out);
            datetime::fraction(self.micros.abs(), out);
            out.extend_from_slice(b" sec");
            if self.seconds.abs() != 1 || self.micros != 0 {
                out.push(b's');
            }
        }
        if out.len() == start {
            out.extend_from_slice(b" 0");
        }
        if ago {
            out.extend_from_slice(b" ago");
        }
    }

    fn sql_standard(&self, out: &mut Vec<u8>) {
        let negative =
            self.years < 0 || self.months < 0 || self.days < 0 || self.time_is_negative();
        let positive = self.years > 0
            || self.months > 0
            || self.days > 0
            || (self.has_time() && !self.time_is_negative());
        let (has_months, has_days) = (self.years != 0 || self.months != 0, self.days != 0);
        let sign = |negative: bool| if negative { b'-' } else { b'+' };
        if !negative && !positive {
            out.push(b'0');
        } else if (negative && positive) || (has_months && (has_days || self.has_time())) {
            out.push(sign(self.years < 0 || self.months < 0));
            number(self.years.abs(), out);
            out.push(b'-');
            number(self.months.abs(), out);
            out.extend_from_slice(&[b' ', sign(self.days < 0)]);
            number(self.days.abs(), out);
            out.extend_from_slice(&[b' ', sign(self.time_is_negative())]);
            self.clock(false, out);
        } else {
            if negative {
                out.push(b'-');
            }
            if has_months {
                number(self.years.abs(), out);
                out.push(b'-');
                number(self.months.abs(), out);
            } else {
                if has_days {
                    number(self.days.abs(), out);
                    out.push(b' ');
                }
                self.clock(false, out);
            }
        }
    }

    fn iso_8601(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'P');
        for (value, unit) in [(self.years, b'Y'), (self.months, b'M'), (self.days, b'D')] {
            if value != 0 {
                number(value, out);
                out.push(unit);
            }
        }
        if self.has_time() {
            out.push(b'T');
        }
        for (value, unit) in [(self.hours, b'H'), (self.minutes, b'M')] {
            if value != 0 {
                number(value, out);
                out.push(unit);
            }
        }
        if self.seconds != 0 || self.micros != 0 {
            if self.seconds < 0 || self.micros < 0 {
                out.push(b'-');
            }
            number(self.seconds.abs(), out);
            datetime::fraction(self.micros.abs(), out);
            out.push(b'S');
        }
        if out.len() == start + 1 {
            out.extend_from_slice(b"T0S");
        }
    }
}
