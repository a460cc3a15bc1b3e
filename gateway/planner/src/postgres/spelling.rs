//! Constants of dates, times and intervals in every spelling that PostgreSQL reads, put into the one
//! that DuckDB reads.
//!
//! | PostgreSQL | becomes |
//! |---|---|
//! | `date 'Jan 5, 2026'` | `DATE '2026-01-05'` |
//! | `timestamptz '20260105T101500 PST'` | `… '2026-01-05 10:15:00-08:00'` |
//! | `interval '1-2 3 04:05'` | `INTERVAL '14 months 3 days 14700000000 microseconds'` |
//! | `timestamp 'tomorrow'` | `current_date + 1`, of that type |
//!
//! Apart from the casts that use it because parameters in text need the same. What cannot be read
//! has PostgreSQL's error; what a value means in the session's zone is left to DuckDB.

pub mod interval;
pub mod moment;
pub mod zones;

/// The order in which a date of numbers is read: the second half of `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

impl FieldOrder {
    /// From the value of the setting `DateStyle`.
    #[must_use]
    pub fn of_style(style: &str) -> Self {
        let style = style.to_ascii_uppercase();
        if style.contains("DMY") {
            Self::Dmy
        } else if style.contains("YMD") {
            Self::Ymd
        } else {
            Self::Mdy
        }
    }
}

/// Why a constant cannot be read; mirrors `DateTimeParseError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not in any known spelling.
    Syntax,
    /// A field has a value it cannot have.
    Field,
    /// The month or day has; the fields may have been meant in another order.
    FieldOrder,
    /// An interval's field has.
    Interval,
    /// The fields of an interval, each of which may be, are too much together.
    IntervalRange,
    /// The offset of a zone has.
    Displacement,
}

/// A constant that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct SpellingError {
    /// Why.
    pub fault: Fault,
    /// PostgreSQL's name of the type.
    pub ty: &'static str,
    /// The constant.
    pub text: String,
}

impl SpellingError {
    fn message(&self) -> String {
        let text = &self.text;
        match self.fault {
            Fault::Syntax => format!("invalid input syntax for type {}: \"{text}\"", self.ty),
            Fault::Field | Fault::FieldOrder => {
                format!("date/time field value out of range: \"{text}\"")
            }
            Fault::Interval => format!("interval field value out of range: \"{text}\""),
            Fault::IntervalRange => "interval out of range".to_owned(),
            Fault::Displacement => format!("time zone displacement out of range: \"{text}\""),
        }
    }

    /// PostgreSQL's advice.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        (self.fault == Fault::FieldOrder)
            .then_some("Perhaps you need a different \"datestyle\" setting.")
    }
}
