//! Dates and times in text, in every `DateStyle`; mirrors `EncodeDateOnly`, `EncodeTimeOnly` and
//! `EncodeDateTime`.

use skein_planner::calendar::Civil;

use super::EncodeError;
use super::cells::room;
use super::settings::{DateFormat, DateOrder, DateStyle};
use super::zone::Zone;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;
/// Days from 1970 to PostgreSQL's first day, 2000-01-01.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(crate) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * DAY;

const DIGITS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

#[inline]
fn pair(number: u8) -> [u8; 2] {
    let index = usize::from(number) * 2;
    [DIGITS[index], DIGITS[index + 1]]
}

/// The year as it is counted, without the era, at least four digits.
fn year(civil: Civil, out: &mut Vec<u8>) {
    let year = if civil.year > 0 {
        civil.year
    } else {
        1 - civil.year
    }
    .unsigned_abs();
    if year < 10_000 {
        let byte = |number: u64| u8::try_from(number).expect("below a hundred");
        out.extend_from_slice(&pair(byte(year / 100)));
        out.extend_from_slice(&pair(byte(year % 100)));
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
    }
}

fn era(civil: Civil, out: &mut Vec<u8>) {
    if civil.year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

/// Year, month and day in numbers, without the era.
#[inline]
fn numbers(civil: Civil, style: DateStyle, out: &mut Vec<u8>) {
    let (month, day) = (pair(civil.month), pair(civil.day));
    let separator = match style.format {
        DateFormat::Iso => {
            year(civil, out);
            out.extend_from_slice(&[b'-', month[0], month[1], b'-', day[0], day[1]]);
            return;
        }
        DateFormat::Sql => b'/',
        DateFormat::German => b'.',
        DateFormat::Postgres => b'-',
    };
    let day_first = style.format == DateFormat::German || style.order == DateOrder::Dmy;
    let (first, second) = if day_first {
        (day, month)
    } else {
        (month, day)
    };
    out.extend_from_slice(&[
        first[0], first[1], separator, second[0], second[1], separator,
    ]);
    year(civil, out);
}

/// The year, if it has four digits and no era, as nearly all have. Such dates are written as one
/// block of fixed length, which is faster than part by part.
#[inline]
fn plain_year(civil: Civil) -> Option<u16> {
    u16::try_from(civil.year)
        .ok()
        .filter(|year| (1..10_000).contains(year))
}

/// Writes `2026-11-22`.
#[inline]
fn iso_date(year: u16, civil: Civil, text: &mut [u8; 10]) {
    let byte = |number: u16| u8::try_from(number).unwrap_or(99);
    let (a, b) = (pair(byte(year / 100)), pair(byte(year % 100)));
    let (m, d) = (pair(civil.month), pair(civil.day));
    *text = [a[0], a[1], b[0], b[1], b'-', m[0], m[1], b'-', d[0], d[1]];
}

/// Appends a date, given in days since 1970.
#[inline]
pub(crate) fn date(days: i32, style: DateStyle, out: &mut Vec<u8>) {
    match days {
        i32::MAX => out.extend_from_slice(b"infinity"),
        i32::MIN | -2_147_483_647 => out.extend_from_slice(b"-infinity"),
        days => {
            let civil = Civil::of(i64::from(days));
            if style.format == DateFormat::Iso
                && let Some(year) = plain_year(civil)
            {
                return iso_date(year, civil, room(out));
            }
            numbers(civil, style, out);
            era(civil, out);
        }
    }
}

/// Appends hours, minutes, seconds and what there is of a fraction.
#[inline]
pub(crate) fn time(micros: i64, out: &mut Vec<u8>) {
    let start = out.len();
    let length = time_block(micros, room(out));
    out.truncate(start + length);
}

/// Writes `09:30:00.123456`; returns how much of it is shown: without zeros at the end of the
/// fraction.
#[inline]
fn time_block(micros: i64, text: &mut [u8; 15]) -> usize {
    let byte = |number: i64| u8::try_from(number).unwrap_or(99);
    let seconds = micros / 1_000_000;
    let (hour, minute, second) = (
        pair(byte(seconds / 3600)),
        pair(byte(seconds / 60 % 60)),
        pair(byte(seconds % 60)),
    );
    let micros = micros % 1_000_000;
    let (a, b, c) = (
        pair(byte(micros / 10_000)),
        pair(byte(micros / 100 % 100)),
        pair(byte(micros % 100)),
    );
    *text = [
        hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1], b'.', a[0], a[1],
        b[0], b[1], c[0], c[1],
    ];
    if micros == 0 {
        return 8;
    }
    let zeros = text.iter().rev().take_while(|&&digit| digit == b'0');
    text.len() - zeros.count()
}

/// Appends a point and microseconds without trailing zeros; nothing for 0.
#[inline]
pub(super) fn fraction(micros: i64, out: &mut Vec<u8>) {
    if micros == 0 {
        return;
    }
    let byte = |number: i64| u8::try_from(number).unwrap_or(99);
    let (a, b, c) = (
        pair(byte(micros / 10_000)),
        pair(byte(micros / 100 % 100)),
        pair(byte(micros % 100)),
    );
    let text = [b'.', a[0], a[1], b[0], b[1], c[0], c[1]];
    let zeros = text
        .iter()
        .rev()
        .take_while(|&&digit| digit == b'0')
        .count();
    out.extend_from_slice(&text[..7 - zeros]);
}

/// Appends an offset, east of Greenwich: the hours, and minutes and seconds where there are any.
pub(crate) fn offset(seconds: i32, minutes_always: bool, out: &mut Vec<u8>) {
    let byte = |number: u32| u8::try_from(number).unwrap_or(99);
    out.push(if seconds < 0 { b'-' } else { b'+' });
    let seconds = seconds.unsigned_abs();
    out.extend_from_slice(&pair(byte(seconds / 3600)));
    if !seconds.is_multiple_of(3600) || minutes_always {
        out.push(b':');
        out.extend_from_slice(&pair(byte(seconds / 60 % 60)));
    }
    if !seconds.is_multiple_of(60) {
        out.push(b':');
        out.extend_from_slice(&pair(byte(seconds % 60)));
    }
}

/// How a moment is written.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// By `DateStyle`.
    Style(DateStyle),
    /// As JSON has it: ISO with a `T`, and minutes in the offset.
    Json,
}

/// Appends a timestamp, given in microseconds since 1970; with a zone, it is a moment in it.
#[inline]
pub(crate) fn timestamp(micros: i64, zone: Option<&Zone>, layout: Layout, out: &mut Vec<u8>) {
    match micros {
        i64::MAX => return out.extend_from_slice(b"infinity"),
        i64::MIN | -9_223_372_036_854_775_807 => return out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    // Offsets are whole seconds: adding them to the seconds cannot overflow.
    let second = micros.div_euclid(1_000_000);
    let fraction_micros = micros.rem_euclid(1_000_000);
    let zone_offset = zone.map(|zone| zone.offset(second));
    let local = second + i64::from(zone_offset.unwrap_or(0));
    let civil = Civil::of(local.div_euclid(86_400));
    let of_day = local.rem_euclid(86_400) * 1_000_000 + fraction_micros;
    match layout {
        Layout::Style(
            style @ DateStyle {
                format: DateFormat::Iso,
                ..
            },
        ) => {
            if let Some(year) = plain_year(civil) {
                iso_date(year, civil, room(out));
                out.push(b' ');
                time(of_day, out);
            } else {
                numbers(civil, style, out);
                out.push(b' ');
                time(of_day, out);
            }
            if let Some(seconds) = zone_offset {
                offset(seconds, false, out);
            }
        }
        Layout::Json => {
            numbers(civil, DateStyle::default(), out);
            out.push(b'T');
            time(of_day, out);
            if let Some(seconds) = zone_offset {
                offset(seconds, true, out);
            }
        }
        Layout::Style(style) => {
            if style.format == DateFormat::Postgres {
                words(local, civil, of_day, style.order, out);
            } else {
                numbers(civil, style, out);
                out.push(b' ');
                time(of_day, out);
            }
            if let Some(zone) = zone {
                out.push(b' ');
                out.extend_from_slice(zone.abbreviation(second).as_bytes());
            }
        }
    }
    era(civil, out);
}

/// `Sun Nov 22 10:00:00 2026`
fn words(local: i64, civil: Civil, of_day: i64, order: DateOrder, out: &mut Vec<u8>) {
    // 1970 began on a Thursday.
    let weekday = usize::try_from((local.div_euclid(86_400) + 4).rem_euclid(7));
    let weekday = weekday.expect("below seven");
    let month = MONTHS[usize::from(civil.month) - 1].as_bytes();
    out.extend_from_slice(WEEKDAYS[weekday].as_bytes());
    out.push(b' ');
    if order == DateOrder::Dmy {
        out.extend_from_slice(&pair(civil.day));
        out.push(b' ');
        out.extend_from_slice(month);
    } else {
        out.extend_from_slice(month);
        out.push(b' ');
        out.extend_from_slice(&pair(civil.day));
    }
    out.push(b' ');
    time(of_day, out);
    out.push(b' ');
    year(civil, out);
}

/// The microseconds of a time, which are at most those of a day.
#[inline]
pub(super) fn time_parts(micros: i64) -> Result<i64, EncodeError> {
    if (0..=DAY).contains(&micros) {
        Ok(micros)
    } else {
        Err(EncodeError::OutOfRange("time"))
    }
}

/// Microseconds of the day and seconds east of Greenwich, from DuckDB's integer for both: the
/// offset is counted down from its largest value, so that integers sort like the moments. Functions
/// of DuckDB that count with the integer, such as `approx_quantile`, give what is no time.
pub(super) fn timetz_parts(bits: u64) -> Result<(i64, i32), EncodeError> {
    const OFFSET_MAX: i32 = 16 * 3600 - 1;
    let micros = time_parts((bits >> 24).cast_signed())?;
    let offset = OFFSET_MAX - i32::try_from(bits & 0xff_ffff).expect("24 bits");
    if offset < -OFFSET_MAX {
        return Err(EncodeError::OutOfRange("time"));
    }
    Ok((micros, offset))
}
