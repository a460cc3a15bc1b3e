//! Dates, times and intervals in the spellings that PostgreSQL reads and DuckDB does not.
//!
//! What is not recognised here is left as it is: DuckDB's cast reads it or says what is wrong.

use skein_catalog::types::{PgType, oid};

use super::Value;
use crate::encode::DateOrder;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

pub(super) fn value(ty: &PgType, text: &str, order: DateOrder) -> Value {
    if let Some(sql) = special(ty, text) {
        return Value::Sql(sql);
    }
    Value::Text(match ty.oid {
        oid::INTERVAL => interval(text).unwrap_or_else(|| text.to_owned()),
        oid::TIME | oid::TIMETZ => clock(text).unwrap_or_else(|| text.to_owned()),
        _ => date_and_time(text, order).unwrap_or_else(|| text.to_owned()),
    })
}

/// Words whose meaning depends on the moment.
fn special(ty: &PgType, text: &str) -> Option<&'static str> {
    let word = text.to_ascii_lowercase();
    Some(match (ty.oid, word.as_str()) {
        (oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::DATE | oid::TIMETZ | oid::TIME, "now") => "now()",
        (oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::DATE, "today") => "current_date",
        (oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::DATE, "tomorrow") => "current_date + 1",
        (oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::DATE, "yesterday") => "current_date - 1",
        _ => return None,
    })
}

/// A date with or without time and zone, as DuckDB reads it.
fn date_and_time(text: &str, order: DateOrder) -> Option<String> {
    let (text, is_bc) = match text
        .len()
        .checked_sub(3)
        .and_then(|at| text.split_at_checked(at))
    {
        Some((before, era)) if era.eq_ignore_ascii_case(" bc") => (before.trim_end(), true),
        Some((before, era)) if era.eq_ignore_ascii_case(" ad") => (before.trim_end(), false),
        _ => (text, false),
    };
    // The time begins at the word with a colon, or after a T between digits.
    let split = text.find(':').map(|colon| {
        let before = &text[..colon];
        before.rfind([' ', 'T', 't']).map_or(0, |space| space + 1)
    });
    let (date, time) = match split {
        Some(0) => return None,
        Some(at) => (
            &text[..at - 1],
            clock(&text[at..]).unwrap_or_else(|| text[at..].to_owned()),
        ),
        None => (text, String::new()),
    };
    let date = iso_date(date.trim(), order)?;
    let era = if is_bc { " (BC)" } else { "" };
    let space = if time.is_empty() { "" } else { " " };
    Some(format!("{date}{era}{space}{time}"))
}

/// Year, month and day from words in the orders that PostgreSQL knows.
fn iso_date(text: &str, order: DateOrder) -> Option<String> {
    let words: Vec<_> = text
        .split([' ', '-', '/', '.', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut month = None;
    let mut numbers = Vec::new();
    for word in words {
        if is_number(word) {
            numbers.push(word);
        } else if let Some(number) = named(&MONTHS, word) {
            if month.replace(number).is_some() {
                return None;
            }
        } else if named(&WEEKDAYS, word).is_none() {
            return None;
        }
    }
    let is_year = |word: &str| word.len() >= 3;
    let (year, month, day) = match (numbers[..].as_ref(), month) {
        ([date], None) if date.len() == 8 => (
            date[..4].to_owned(),
            date[4..6].to_owned(),
            date[6..].to_owned(),
        ),
        ([date], None) if date.len() == 6 => (
            full_year(&date[..2]),
            date[2..4].to_owned(),
            date[4..].to_owned(),
        ),
        ([year, month, day], None) if is_year(year) => {
            ((*year).to_owned(), (*month).to_owned(), (*day).to_owned())
        }
        ([a, b, c], None) => match order {
            DateOrder::Mdy => (full_year(c), (*a).to_owned(), (*b).to_owned()),
            DateOrder::Dmy => (full_year(c), (*b).to_owned(), (*a).to_owned()),
            DateOrder::Ymd => (full_year(a), (*b).to_owned(), (*c).to_owned()),
        },
        ([year, day], Some(month)) if is_year(year) => {
            ((*year).to_owned(), month.to_string(), (*day).to_owned())
        }
        ([day, year], Some(month)) => (full_year(year), month.to_string(), (*day).to_owned()),
        _ => return None,
    };
    Some(format!("{year:0>4}-{month:0>2}-{day:0>2}"))
}

/// A year of two digits is the one between 1970 and 2069.
fn full_year(year: &str) -> String {
    match year.len() {
        1 | 2 => {
            let year = format!("{year:0>2}");
            format!("{}{year}", if year.as_str() < "70" { "20" } else { "19" })
        }
        _ => year.to_owned(),
    }
}

/// Which of `names` is meant by at least three letters of it, from 1.
fn named(names: &[&str], word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    let found = names
        .iter()
        .position(|name| word.len() >= 3 && name.starts_with(&word));
    found.map(|index| index + 1)
}

/// A time with seconds and 24 hours, and what follows it. `None` when nothing has to be changed.
fn clock(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'));
    let (time, rest) = text.split_at(end.unwrap_or(text.len()));
    let (hour, after) = time.split_once(':')?;
    let seconds = if after.contains(':') { "" } else { ":00" };
    let suffix = rest.trim_start();
    let (morning, afternoon) = match suffix.get(..2) {
        Some(word) => (
            word.eq_ignore_ascii_case("am"),
            word.eq_ignore_ascii_case("pm"),
        ),
        None => (false, false),
    };
    if !morning && !afternoon {
        return Some(format!("{hour:0>2}:{after}{seconds}{rest}"));
    }
    let hour: u8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let hour = hour % 12 + if afternoon { 12 } else { 0 };
    Some(format!("{hour:02}:{after}{seconds}{}", &suffix[2..]))
}

/// ISO 8601 durations (`P1Y2M3DT4H5M6S`) in words, and others without the signs of positive parts,
/// which DuckDB does not read.
fn interval(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix(['P', 'p']) else {
        return Some(text.trim_start_matches('@').replace('+', ""));
    };
    let mut words = Vec::new();
    let mut in_time = false;
    let mut number = String::new();
    for c in rest.chars() {
        let unit = match (c.to_ascii_uppercase(), in_time) {
            ('T', false) if number.is_empty() => {
                in_time = true;
                continue;
            }
            ('0'..='9' | '.' | '-' | '+', _) => {
                number.push(c);
                continue;
            }
            ('Y', false) => "years",
            ('M', false) => "months",
            ('W', false) => "weeks",
            ('D', false) => "days",
            ('H', true) => "hours",
            ('M', true) => "minutes",
            ('S', true) => "seconds",
            _ => return None,
        };
        if number.is_empty() {
            return None;
        }
        words.push(format!("{} {unit}", std::mem::take(&mut number)));
    }
    (number.is_empty() && !words.is_empty()).then(|| words.join(" "))
}
