//! Dates, times and timestamps; mirrors `ParseDateTime` and `DecodeDateTime`.
//!
//! ```text
//! text ─► fields: numbers, words, dates, times, offsets ─► year, month, day, time, zone ─► ISO text
//! ```
//!
//! Invariant: what is returned names the same moment in the same session. Does not know the names
//! of zones: those with a slash go on to DuckDB. It is one file because what a field means depends
//! on all fields before it, in one order.

use super::{Fault, FieldOrder, zones};
use crate::calendar::{Civil, days, month_length};

/// What a constant is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `date`
    Date,
    /// `time`
    Time,
    /// `time with time zone`
    TimeTz,
    /// `timestamp`
    Timestamp,
    /// `timestamp with time zone`
    TimestampTz,
}

impl Kind {
    /// PostgreSQL's name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::TimeTz => "time with time zone",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamp with time zone",
        }
    }

    /// The kind of DuckDB's type.
    #[must_use]
    pub fn of_duckdb(ty: &str) -> Option<Self> {
        Some(match ty {
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            "TIME WITH TIME ZONE" => Self::TimeTz,
            "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" => Self::Timestamp,
            "TIMESTAMP WITH TIME ZONE" => Self::TimestampTz,
            _ => return None,
        })
    }

    fn has_date(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampTz)
    }
}

/// A constant that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// In DuckDB's spelling.
    Text(String),
    /// The start of the transaction.
    Now,
    /// So many days after today, at a time of that day.
    Day {
        /// Days.
        after: i32,
        /// `10:00:00`, with what there is of a zone.
        time: Option<String>,
    },
}

/// Reads `text`.
pub fn read(kind: Kind, text: &str, order: FieldOrder) -> Result<Moment, Fault> {
    let mut reader = Reader {
        kind,
        order,
        found: Found::default(),
    };
    let fields = fields(text)?;
    reader.read(&fields)?;
    reader.found.finish(kind)
}

/// A part of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    /// Digits, perhaps with a fraction.
    Number(String),
    /// Digits and colons.
    Time(String),
    /// Digits and letters with `-`, `/` or `.` between them.
    Date(String),
    /// Letters, in lower case.
    Word(String),
    /// A sign and digits with colons.
    Offset(String),
}

fn fields(text: &str) -> Result<Vec<Field>, Fault> {
    const FIELDS_MAX: usize = 25;
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_whitespace() || matches!(first, ',' | '(' | ')' | '[' | ']') {
            rest = &rest[1..];
            continue;
        }
        let after_t = matches!(found.last(), Some(Field::Word(word)) if word == "t");
        let (field, after) = if after_t && first.is_ascii_digit() {
            clock(rest)
        } else {
            field(rest, first)?
        };
        found.push(field);
        rest = after;
        if found.len() > FIELDS_MAX {
            return Err(Fault::Syntax);
        }
    }
    Ok(found)
}

/// What follows the T of ISO 8601: a time, which a zone may follow at once.
fn clock(text: &str) -> (Field, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
        .unwrap_or(text.len());
    let (time, after) = text.split_at(end);
    if time.contains(':') {
        (Field::Time(time.to_owned()), after)
    } else {
        (Field::Number(time.to_owned()), after)
    }
}

fn field(text: &str, first: char) -> Result<(Field, &str), Fault> {
    let take = |accept: &dyn Fn(char) -> bool| {
        let end = text.find(|c| !accept(c)).unwrap_or(text.len());
        text.split_at(end)
    };
    if first.is_ascii_digit() {
        let (digits, after) = take(&|c| c.is_ascii_digit());
        let mut next = after.chars();
        return Ok(match (next.next(), next.next()) {
            (Some(':'), _) => {
                let (time, after) = take(&|c| c.is_ascii_digit() || matches!(c, ':' | '.'));
                (Field::Time(time.to_owned()), after)
            }
            (Some('-' | '/'), _) => date(text),
            (Some('.'), Some(c)) if c.is_ascii_digit() => {
                let (number, after) = take(&|c| c.is_ascii_digit() || c == '.');
                if number.matches('.').count() == 1 {
                    (Field::Number(number.to_owned()), after)
                } else {
                    date(text)
                }
            }
            (Some('.'), Some(c)) if c.is_ascii_alphabetic() => date(text),
            _ => (Field::Number(digits.to_owned()), after),
        });
    }
    if first.is_ascii_alphabetic() {
        let (word, after) = take(&|c| c.is_ascii_alphabetic());
        // A zone's name, or a date that begins with the month.
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.' | '_');
        if after.starts_with(['-', '/', '.'])
            && after[1..].starts_with(|c: char| c.is_ascii_alphanumeric())
            || after.starts_with('_')
        {
            let (all, after) = take(&is_part);
            let is_month = month(&word.to_ascii_lowercase()).is_some();
            let field = if is_month {
                Field::Date(all.to_owned())
            } else {
                Field::Word(all.to_owned())
            };
            return Ok((field, after));
        }
        return Ok((Field::Word(word.to_ascii_lowercase()), after));
    }
    if matches!(first, '+' | '-') {
        let inner = text[1..].trim_start();
        let end = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '.'))
            .unwrap_or(inner.len());
        let (body, after) = inner.split_at(end);
        if body.starts_with(|c: char| c.is_ascii_digit()) {
            let end = body
                .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
                .unwrap_or(body.len());
            let after = &text[text.len() - after.len() - (body.len() - end)..];
            return Ok((Field::Offset(format!("{first}{}", &body[..end])), after));
        }
        let word = body.to_ascii_lowercase();
        let word = if first == '-' {
            format!("-{word}")
        } else {
            word
        };
        return Ok((Field::Word(word), after));
    }
    Err(Fault::Syntax)
}

/// `2026-01-05`, `5.1.2026`, `5-Jan-2026`.
fn date(text: &str) -> (Field, &str) {
    let delimiter = text
        .find(['-', '/', '.'])
        .map_or('-', |at| text.as_bytes()[at] as char);
    let part = |c: char| c.is_ascii_digit() || c == delimiter;
    // Letters belong to it only right after the first delimiter: the T of ISO 8601 does not.
    let after_first = text.find(delimiter).map_or(text.len(), |at| at + 1);
    let letters = text[after_first..]
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len() - after_first);
    let start = after_first + letters;
    let length = text[start..].find(|c| !part(c));
    let end = length.map_or(text.len(), |length| start + length);
    (Field::Date(text[..end].to_owned()), &text[end..])
}

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
/// Letters that the name of a zone of POSIX has at least.
const ZONE_LETTERS_MIN: usize = 3;

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// The number of a month by its name, or by the abbreviations that PostgreSQL knows.
fn month(word: &str) -> Option<i32> {
    named(&MONTHS, word, &["sept"])
}

fn named(names: &[&str], word: &str, others: &[&str]) -> Option<i32> {
    let known = word.len() == 3 || others.contains(&word) || names.contains(&word);
    let at = names
        .iter()
        .position(|name| known && name.starts_with(word))?;
    i32::try_from(at + 1).ok()
}

fn weekday(word: &str) -> bool {
    named(&WEEKDAYS, word, &["tues", "wednes", "thur", "thurs"]).is_some()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Now,
    Today(i32),
    Epoch,
    Infinity,
    MinusInfinity,
    AllBalls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Zone {
    Offset(i32),
    Name(String),
}

/// What the fields say.
#[derive(Clone, Debug, Default)]
struct Found {
    word: Option<Word>,
    year: Option<i64>,
    month: Option<i32>,
    day: Option<i32>,
    day_of_year: Option<i32>,
    julian: Option<i64>,
    two_digits: bool,
    text_month: bool,
    before_christ: Option<bool>,
    /// Hour, minute, second, microsecond.
    time: Option<(i32, i32, i32, i32)>,
    afternoon: Option<bool>,
    zone: Option<Zone>,
}

struct Reader {
    kind: Kind,
    order: FieldOrder,
    found: Found,
}

impl Reader {
    fn read(&mut self, fields: &[Field]) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(field) = fields.get(at) {
            let next = fields.get(at + 1);
            at += 1;
            match field {
                Field::Date(text) => self.date(text)?,
                Field::Time(text) => self.time(text)?,
                Field::Offset(text) => self.offset(text)?,
                Field::Number(text) => self.number(text)?,
                Field::Word(word) => {
                    if self.word(word, next)? {
                        at += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads a word; whether the field after it belongs to it.
    fn word(&mut self, word: &str, next: Option<&Field>) -> Result<bool, Fault> {
        let special = match word {
            "now" => Some(Word::Now),
            "today" => Some(Word::Today(0)),
            "tomorrow" => Some(Word::Today(1)),
            "yesterday" => Some(Word::Today(-1)),
            "epoch" => Some(Word::Epoch),
            "infinity" => Some(Word::Infinity),
            "-infinity" => Some(Word::MinusInfinity),
            "allballs" => Some(Word::AllBalls),
            _ => None,
        };
        if let Some(special) = special {
            return put(&mut self.found.word, special).map(|()| false);
        }
        if let Some(number) = month(word) {
            // A number taken for the month was the day.
            if let (Some(before), false, None) =
                (self.found.month, self.found.text_month, self.found.day)
            {
                self.found.day = Some(before);
                self.found.month = None;
            }
            self.found.text_month = true;
            return put(&mut self.found.month, number).map(|()| false);
        }
        if let ("y" | "m" | "d" | "h" | "mm" | "s", Some(Field::Number(number))) = (word, next)
            && self.kind.has_date()
        {
            return self.labelled(word, number).map(|()| true);
        }
        if weekday(word) || matches!(word, "at" | "on" | "d") {
            return Ok(false);
        }
        match (word, next) {
            ("ad" | "bc", _) => {
                put(&mut self.found.before_christ, word == "bc")?;
                return Ok(false);
            }
            ("am" | "pm", _) => {
                put(&mut self.found.afternoon, word == "pm")?;
                return Ok(false);
            }
            ("j" | "jd" | "julian", Some(Field::Number(number))) => {
                self.julian_day(number)?;
                return Ok(true);
            }
            ("j" | "jd" | "julian", Some(Field::Date(text))) => {
                let (day, _) = text.split_once('-').ok_or(Fault::Syntax)?;
                self.julian_day(day)?;
                self.offset(&text[day.len()..])?;
                return Ok(true);
            }
            ("t", Some(Field::Number(number))) => {
                self.run_together(number)?;
                return Ok(true);
            }
            ("t", Some(Field::Time(_))) => return Ok(false),
            ("dst", _) => {
                if let Some(Zone::Offset(seconds)) = &mut self.found.zone {
                    *seconds += 3600;
                    return Ok(false);
                }
                return Err(Fault::Syntax);
            }
            _ => {}
        }
        if let Some(seconds) = zones::abbreviation(word) {
            // `UTC+3` is a zone of POSIX: west of Greenwich.
            if let ("utc" | "gmt" | "ut" | "z" | "zulu", Some(Field::Offset(text))) = (word, next)
                && self.found.zone.is_none()
            {
                self.found.zone = Some(Zone::Offset(-offset_seconds(text)?));
                return Ok(true);
            }
            return put(&mut self.found.zone, Zone::Offset(seconds)).map(|()| false);
        }
        if word.contains(['/', '_']) {
            return put(&mut self.found.zone, Zone::Name(word.to_owned())).map(|()| false);
        }
        // `GMT-4`, a zone of POSIX.
        if let Some((name, _)) = word.split_once('-')
            && name.len() >= ZONE_LETTERS_MIN
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
        {
            let seconds = -offset_seconds(&word[name.len()..])?;
            return put(&mut self.found.zone, Zone::Offset(seconds)).map(|()| false);
        }
        Err(Fault::Syntax)
    }

    /// A number after the letter of its unit, as in `Y2001M12D27H04M05S06.789`: minutes are a second `M`.
    fn labelled(&mut self, word: &str, number: &str) -> Result<(), Fault> {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if !fraction.is_empty() && word != "s" {
            return Err(Fault::Syntax);
        }
        let found = &mut self.found;
        let is_minute =
            word == "mm" || word == "m" && found.month.is_some() && found.time.is_some();
        match word {
            "y" => {
                found.two_digits = whole.len() <= 2;
                return put(&mut found.year, integer(whole)?);
            }
            "m" if !is_minute => return put(&mut found.month, small(whole)?),
            "d" => return put(&mut found.day, small(whole)?),
            _ => {}
        }
        let (mut hour, mut minute, mut second, mut micros) = found.time.unwrap_or_default();
        match word {
            "h" => hour = small(whole)?,
            "s" => (second, micros) = with_fraction(small(whole)?, fraction)?,
            _ => minute = small(whole)?,
        }
        found.time = Some((hour, minute, second, micros));
        Ok(())
    }

    /// A day by its Julian number, whose fraction is a time.
    fn julian_day(&mut self, number: &str) -> Result<(), Fault> {
        let (day, fraction) = number.split_once('.').unwrap_or((number, ""));
        put(&mut self.found.julian, integer(day)?)?;
        if fraction.is_empty() {
            return Ok(());
        }
        // Ten digits are more than microseconds need.
        let digits = format!("{fraction:0<10}");
        let part: i64 = integer(digits.get(..10).ok_or(Fault::Syntax)?)?;
        let micros = part * 864 / 100;
        let field =
            |size: i64, of: i64| i32::try_from(micros / size % of).map_err(|_| Fault::Field);
        let time = (
            field(3_600_000_000, 24)?,
            field(60_000_000, 60)?,
            field(1_000_000, 60)?,
            field(1, 1_000_000)?,
        );
        put(&mut self.found.time, time)
    }

    /// Reads a date with delimiters, field by field: names of months first.
    fn date(&mut self, text: &str) -> Result<(), Fault> {
        let parts: Vec<&str> = text
            .split(['-', '/', '.'])
            .filter(|part| !part.is_empty())
            .collect();
        if self.found.year.is_some() && self.found.day.is_some() {
            // A time without colons, and a zone.
            let (time, _) = text.split_once('-').ok_or(Fault::Syntax)?;
            if self.found.time.is_some() {
                return Err(Fault::Syntax);
            }
            self.run_together(time)?;
            return self.offset(&text[time.len()..]);
        }
        // `2026.123` and `2026-123`: the day of the year.
        if let [year, day] = parts.as_slice()
            && year.len() == 4
            && day.len() == 3
            && is_number(year)
            && is_number(day)
        {
            put(&mut self.found.year, integer(year)?)?;
            return put(&mut self.found.day_of_year, small(day)?);
        }
        for part in &parts {
            if !is_number(part) {
                let word = part.to_ascii_lowercase();
                let number = month(&word).ok_or(Fault::Syntax)?;
                self.found.text_month = true;
                put(&mut self.found.month, number)?;
            }
        }
        for part in parts.iter().filter(|part| is_number(part)) {
            self.date_number(part)?;
        }
        Ok(())
    }

    /// A number that stands alone.
    fn number(&mut self, text: &str) -> Result<(), Fault> {
        let has_date = self.found.day.is_some() && self.found.month.is_some();
        let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
        match digits.len() {
            4 | 6 if !self.kind.has_date() && self.found.year.is_none() => self.run_together(text),
            // Run together, as in ISO 8601.
            8 if self.found.year.is_none() && fraction.is_empty() => {
                self.found.year = Some(integer(&digits[..4])?);
                self.found.month = Some(small(&digits[4..6])?);
                self.found.day = Some(small(&digits[6..])?);
                Ok(())
            }
            6 if self.found.year.is_none() && self.found.month.is_none() && fraction.is_empty() => {
                self.found.year = Some(integer(&digits[..2])?);
                self.found.two_digits = true;
                self.found.month = Some(small(&digits[2..4])?);
                self.found.day = Some(small(&digits[4..])?);
                Ok(())
            }
            4 | 6 if has_date && self.found.time.is_none() && self.found.year.is_some() => {
                self.run_together(text)
            }
            // The year and the day of it.
            4 if fraction.len() == 3 && self.found.year.is_none() => {
                self.found.year = Some(integer(digits)?);
                put(&mut self.found.day_of_year, small(fraction)?)
            }
            3 if self.found.year.is_some() && self.found.month.is_none() => {
                put(&mut self.found.day_of_year, small(digits)?)
            }
            1..=7 if fraction.is_empty() => self.date_number(digits),
            _ => Err(Fault::Syntax),
        }
    }

    /// A number of a date, by what is known already (`DecodeNumber`).
    fn date_number(&mut self, digits: &str) -> Result<(), Fault> {
        let (length, value) = (digits.len(), integer(digits)?);
        let found = &mut self.found;
        let is_long = length >= 3 || self.order == FieldOrder::Ymd;
        let target = match (found.year, found.month, found.day) {
            (None, None, None) if is_long => Target::Year,
            (None, None, None) if self.order == FieldOrder::Dmy => Target::Day,
            (None | Some(_), None, None) | (_, None, Some(_)) => Target::Month,
            (None, Some(_), None) if found.text_month && is_long => Target::Year,
            (None | Some(_), Some(_), None) => Target::Day,
            (None, Some(_), Some(_)) => Target::Year,
            (Some(_), Some(_), Some(_)) => return Err(Fault::Syntax),
        };
        // The number before was no year after all: `10 Jan 2026` in the order YMD.
        if target == Target::Day && length >= 3 && found.text_month && found.two_digits {
            let day = found.year.take().ok_or(Fault::Syntax)?;
            found.day = Some(i32::try_from(day).map_err(|_| Fault::Field)?);
            found.year = Some(value);
            found.two_digits = false;
            return Ok(());
        }
        match target {
            Target::Year => {
                found.year = Some(value);
                found.two_digits = length <= 2;
            }
            Target::Month => found.month = Some(i32::try_from(value).map_err(|_| Fault::Field)?),
            Target::Day => found.day = Some(i32::try_from(value).map_err(|_| Fault::Field)?),
        }
        Ok(())
    }

    /// `hhmmss`, `hhmm` or `hh`, with a fraction.
    fn run_together(&mut self, text: &str) -> Result<(), Fault> {
        let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
        let part = |at: usize| digits.get(at..at + 2).map_or(Ok(0), small);
        if !matches!(digits.len(), 2 | 4 | 6) {
            return Err(Fault::Syntax);
        }
        let (second, micros) = with_fraction(part(4)?, fraction)?;
        put(&mut self.found.time, (part(0)?, part(2)?, second, micros))
    }

    fn time(&mut self, text: &str) -> Result<(), Fault> {
        let mut parts = text.split(':');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let hour = small(part().ok_or(Fault::Syntax)?)?;
        let minute = part().ok_or(Fault::Syntax)?;
        let second = part();
        if part().is_some() {
            return Err(Fault::Syntax);
        }
        let (minute, second) = match second {
            Some(second) => (small(minute)?, second),
            // `10:20.5` is minutes and seconds.
            None if minute.contains('.') => {
                let (whole, fraction) = minute.split_once('.').unwrap_or((minute, ""));
                let (second, micros) = with_fraction(small(whole)?, fraction)?;
                return put(&mut self.found.time, (0, hour, second, micros));
            }
            None => (small(minute)?, "0"),
        };
        let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
        let (second, micros) = with_fraction(small(whole)?, fraction)?;
        put(&mut self.found.time, (hour, minute, second, micros))
    }

    fn offset(&mut self, text: &str) -> Result<(), Fault> {
        // After a date without time, `-5` would be a zone without a time.
        match &mut self.found.zone {
            Some(Zone::Offset(0)) | None => {
                self.found.zone = Some(Zone::Offset(offset_seconds(text)?));
                Ok(())
            }
            Some(_) => Err(Fault::Syntax),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Year,
    Month,
    Day,
}

impl Found {
    fn finish(&self, kind: Kind) -> Result<Moment, Fault> {
        self.check_date()?;
        let time = self.checked_time()?;
        if let Some(word) = self.word {
            return self.special(word, kind, time);
        }
        let date = self.iso_date()?;
        if kind.has_date() && date.is_none() {
            return Err(Fault::Syntax);
        }
        if !kind.has_date() && time.is_none() {
            return Err(Fault::Syntax);
        }
        if date.is_none() && matches!(self.zone, Some(Zone::Name(_))) {
            return Err(Fault::Syntax);
        }
        let mut text = if kind.has_date() {
            date.unwrap_or_default()
        } else {
            String::new()
        };
        if kind != Kind::Date {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(time.as_deref().unwrap_or("00:00:00"));
            self.push_zone(kind, &mut text);
        }
        Ok(Moment::Text(text))
    }

    fn push_zone(&self, kind: Kind, text: &mut String) {
        if !matches!(kind, Kind::TimeTz | Kind::TimestampTz) {
            return;
        }
        match &self.zone {
            Some(Zone::Offset(seconds)) => text.push_str(&zones::offset(*seconds)),
            Some(Zone::Name(name)) => {
                text.push(' ');
                text.push_str(name);
            }
            None => {}
        }
    }

    fn special(&self, word: Word, kind: Kind, time: Option<String>) -> Result<Moment, Fault> {
        let has_date = self.year.is_some() || self.month.is_some() || self.day.is_some();
        if has_date {
            return Err(Fault::Syntax);
        }
        let text = |text: &str| Ok(Moment::Text(text.to_owned()));
        match (word, kind) {
            (Word::Now, _) if time.is_none() => Ok(Moment::Now),
            (Word::Today(after), _) if kind.has_date() => {
                let mut time = time.filter(|_| kind != Kind::Date);
                if let Some(time) = &mut time {
                    self.push_zone(kind, time);
                }
                Ok(Moment::Day { after, time })
            }
            (Word::Epoch, Kind::Date) => text("1970-01-01"),
            (Word::Epoch, Kind::Timestamp) => text("1970-01-01 00:00:00"),
            (Word::Epoch, Kind::TimestampTz) => text("1970-01-01 00:00:00+00:00"),
            (Word::Infinity, _) if kind.has_date() => text("infinity"),
            (Word::MinusInfinity, _) if kind.has_date() => text("-infinity"),
            (Word::AllBalls, Kind::Time) => text("00:00:00"),
            (Word::AllBalls, Kind::TimeTz) => text("00:00:00+00:00"),
            _ => Err(Fault::Syntax),
        }
    }

    fn check_date(&self) -> Result<(), Fault> {
        let in_range = |value: Option<i32>, max| value.is_none_or(|it| (1..=max).contains(&it));
        if in_range(self.month, 12) && in_range(self.day, 31) {
            Ok(())
        } else {
            Err(Fault::FieldOrder)
        }
    }

    fn iso_date(&self) -> Result<Option<String>, Fault> {
        if let Some(julian) = self.julian {
            let Civil { year, month, day } = Civil::of(julian - 2_440_588);
            let (month, day) = (i32::from(month), i32::from(day));
            return Ok(Some(iso(year, month, day)));
        }
        let Some(mut year) = self.year else {
            return match (self.month, self.day) {
                (None, None) => Ok(None),
                _ => Err(Fault::Syntax),
            };
        };
        match self.before_christ {
            Some(true) => {
                if year <= 0 {
                    return Err(Fault::Field);
                }
                year = 1 - year;
            }
            before => {
                if self.two_digits && before.is_none() {
                    year += if year < 70 { 2000 } else { 1900 };
                }
                if year <= 0 {
                    return Err(Fault::Field);
                }
            }
        }
        if let Some(day) = self.day_of_year {
            if !(1..=366).contains(&day) {
                return Err(Fault::Field);
            }
            let Civil { year, month, day } = Civil::of(days(year, 1, 1) + i64::from(day) - 1);
            let (month, day) = (i32::from(month), i32::from(day));
            return Ok(Some(iso(year, month, day)));
        }
        let (Some(month), Some(day)) = (self.month, self.day) else {
            return Err(Fault::Syntax);
        };
        if day > month_length(year, month) {
            return Err(Fault::Field);
        }
        Ok(Some(iso(year, month, day)))
    }

    fn checked_time(&self) -> Result<Option<String>, Fault> {
        let Some((mut hour, minute, second, micros)) = self.time else {
            return if self.afternoon.is_some() {
                Err(Fault::Syntax)
            } else {
                Ok(None)
            };
        };
        if let Some(afternoon) = self.afternoon {
            if hour > 12 {
                return Err(Fault::Field);
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let midnight = hour == 24 && (minute, second, micros) == (0, 0, 0);
        if !(midnight || hour < 24) || minute > 59 || second > 60 {
            return Err(Fault::Field);
        }
        // A leap second is the first of the next minute, which DuckDB is told in its own way.
        let (mut minute, mut second) = (minute, second);
        if second == 60 {
            (minute, second) = (minute + 1, 0);
        }
        if minute == 60 {
            (hour, minute) = (hour + 1, 0);
        }
        let mut text = format!("{hour:02}:{minute:02}:{second:02}");
        if micros != 0 {
            text.push_str(format!(".{micros:06}").trim_end_matches('0'));
        }
        Ok(Some(text))
    }
}

fn put<T>(place: &mut Option<T>, value: T) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::Syntax),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn integer(text: &str) -> Result<i64, Fault> {
    text.parse().map_err(|_| Fault::Field)
}

fn small(text: &str) -> Result<i32, Fault> {
    if !is_number(text) {
        return Err(Fault::Syntax);
    }
    text.parse().map_err(|_| Fault::Field)
}

/// Seconds and microseconds, from whole seconds and digits after the point, which are rounded.
fn with_fraction(second: i32, digits: &str) -> Result<(i32, i32), Fault> {
    if digits.is_empty() {
        return Ok((second, 0));
    }
    if !is_number(digits) {
        return Err(Fault::Syntax);
    }
    let mut micros: i32 = format!("{digits:0<6}")[..6]
        .parse()
        .map_err(|_| Fault::Syntax)?;
    if digits.as_bytes().get(6).is_some_and(|digit| *digit >= b'5') {
        micros += 1;
    }
    Ok((second + micros / 1_000_000, micros % 1_000_000))
}

/// Seconds east of Greenwich of `+hh`, `+hhmm`, `+hh:mm` or `+hh:mm:ss` (`DecodeTimezone`).
fn offset_seconds(text: &str) -> Result<i32, Fault> {
    let (sign, digits) = text.split_at(1);
    let (hours, minutes, seconds) = if digits.contains(':') {
        let mut parts = digits.split(':');
        let mut part = || parts.next().map_or(Ok(0), small);
        (part()?, part()?, part()?)
    } else {
        match digits.len() {
            1 | 2 => (small(digits)?, 0, 0),
            3 | 4 => {
                let (hours, minutes) = digits.split_at(digits.len() - 2);
                (small(hours)?, small(minutes)?, 0)
            }
            6 => (
                small(&digits[..2])?,
                small(&digits[2..4])?,
                small(&digits[4..])?,
            ),
            _ => return Err(Fault::Displacement),
        }
    };
    if hours > 15 || minutes > 59 || seconds > 59 {
        return Err(Fault::Displacement);
    }
    let all = hours * 3600 + minutes * 60 + seconds;
    Ok(if sign == "-" { -all } else { all })
}

fn iso(year: i64, month: i32, day: i32) -> String {
    if year <= 0 {
        format!("{:04}-{month:02}-{day:02} (BC)", 1 - year)
    } else {
        format!("{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Kind, text: &str, order: FieldOrder) -> String {
        match read(kind, text, order) {
            Ok(Moment::Text(text)) => text,
            Ok(other) => format!("{other:?}"),
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn dates_are_read_in_any_order() {
        use FieldOrder::{Dmy, Mdy, Ymd};
        for (order, text, wanted) in [
            (Mdy, "January 8, 1999", "1999-01-08"),
            (Mdy, "1999-01-08", "1999-01-08"),
            (Mdy, "1/8/1999", "1999-01-08"),
            (Dmy, "1/8/1999", "1999-08-01"),
            (Mdy, "1/18/1999", "1999-01-18"),
            (Dmy, "1/18/1999", "FieldOrder"),
            (Mdy, "01/02/03", "2003-01-02"),
            (Dmy, "01/02/03", "2003-02-01"),
            (Ymd, "01/02/03", "2001-02-03"),
            (Mdy, "1999-Jan-08", "1999-01-08"),
            (Mdy, "Jan-08-1999", "1999-01-08"),
            (Mdy, "08-Jan-1999", "1999-01-08"),
            (Mdy, "08-Jan-99", "1999-01-08"),
            (Mdy, "08 Jan 99", "1999-01-08"),
            (Mdy, "Jan 08 99", "1999-01-08"),
            (Mdy, "19990108", "1999-01-08"),
            (Mdy, "990108", "1999-01-08"),
            (Mdy, "1999.008", "1999-01-08"),
            (Mdy, "J2451187", "1999-01-08"),
            (Mdy, "January 8, 99 BC", "0099-01-08 (BC)"),
            (Mdy, "2026-02-30", "Field"),
            (Mdy, "2026-13-01", "FieldOrder"),
            (Mdy, "0000-01-01", "Field"),
            (Mdy, "hello", "Syntax"),
            (Mdy, "", "Syntax"),
            (Mdy, "2026-01-05 10:00:00", "2026-01-05"),
        ] {
            assert_eq!(shown(Kind::Date, text, order), wanted, "{text} {order:?}");
        }
    }

    #[test]
    fn times_and_zones_are_read() {
        for (kind, text, wanted) in [
            (
                Kind::Timestamp,
                "2026-01-05 10:00 PM",
                "2026-01-05 22:00:00",
            ),
            (
                Kind::Timestamp,
                "2026-01-05T10:00:00Z",
                "2026-01-05 10:00:00",
            ),
            (Kind::Timestamp, "20260105T101530", "2026-01-05 10:15:30"),
            (
                Kind::Timestamp,
                "2026-01-05 10:00:00.1234567",
                "2026-01-05 10:00:00.123457",
            ),
            (
                Kind::Timestamp,
                "Mon Jan 05 10:15:30 2026",
                "2026-01-05 10:15:30",
            ),
            (
                Kind::TimestampTz,
                "Mon Jan 05 10:15:30 2026 PST",
                "2026-01-05 10:15:30-08:00",
            ),
            (
                Kind::TimestampTz,
                "2026-01-05 10:00-03:30",
                "2026-01-05 10:00:00-03:30",
            ),
            (
                Kind::TimestampTz,
                "2026-01-05 10:00 +0530",
                "2026-01-05 10:00:00+05:30",
            ),
            (
                Kind::TimestampTz,
                "2026-01-05 10:00 America/New_York",
                "2026-01-05 10:00:00 America/New_York",
            ),
            (Kind::TimestampTz, "2026-01-05 10:00+99", "Displacement"),
            (Kind::TimestampTz, "2026-01-05", "2026-01-05 00:00:00"),
            (
                Kind::TimestampTz,
                "20260105T101530-0800",
                "2026-01-05 10:15:30-08:00",
            ),
            (Kind::Time, "04:05:06.789", "04:05:06.789"),
            (Kind::Time, "040506", "04:05:06"),
            (Kind::Time, "04:05 PM", "16:05:00"),
            (Kind::Time, "25:00", "Field"),
            (Kind::TimeTz, "04:05:06-08:00", "04:05:06-08:00"),
            (Kind::Time, "allballs", "00:00:00"),
            (Kind::Date, "today", "Day { after: 0, time: None }"),
        ] {
            assert_eq!(shown(kind, text, FieldOrder::Mdy), wanted, "{text}");
        }
    }
}
