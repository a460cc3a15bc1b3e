//! The session's settings that change how values look.

use super::{EncodeError, Zone};

/// How a column travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As PostgreSQL's output functions print it.
    #[default]
    Text,
    /// As PostgreSQL's send functions write it.
    Binary,
}

impl Format {
    /// From the protocol's format code.
    pub fn from_code(code: i16) -> Result<Self, EncodeError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            code => Err(EncodeError::UnsupportedFormat(code)),
        }
    }

    /// The protocol's format code.
    pub fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

/// One format per column from Bind's codes: none means text, a single one holds for all columns.
pub fn result_formats(codes: &[i16], columns: usize) -> Result<Vec<Format>, EncodeError> {
    match codes {
        [] => Ok(vec![Format::Text; columns]),
        [code] => Ok(vec![Format::from_code(*code)?; columns]),
        codes if codes.len() == columns => {
            codes.iter().map(|&code| Format::from_code(code)).collect()
        }
        codes => Err(EncodeError::FormatCount {
            formats: codes.len(),
            columns,
        }),
    }
}

/// The first half of `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateFormat {
    /// `2026-11-22 10:00:00+01`
    #[default]
    Iso,
    /// `11/22/2026 10:00:00 CET`
    Sql,
    /// `Sun Nov 22 10:00:00 2026 CET`
    Postgres,
    /// `22.11.2026 10:00:00 CET`
    German,
}

/// The second half of `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// `DateStyle`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateStyle {
    /// How dates look.
    pub format: DateFormat,
    /// Whether the day stands before the month, in the styles that leave it open.
    pub order: DateOrder,
}

impl DateStyle {
    /// Applies a value of `SET DateStyle`, such as `ISO, DMY`: what it does not name stays as it is.
    /// `None` when a word is unknown.
    #[must_use]
    pub fn with(mut self, value: &str) -> Option<Self> {
        for word in value
            .split([',', ' ', '\t'])
            .filter(|word| !word.is_empty())
        {
            match word.to_ascii_lowercase().as_str() {
                "iso" => self.format = DateFormat::Iso,
                "sql" => self.format = DateFormat::Sql,
                "german" => {
                    self.format = DateFormat::German;
                    self.order = DateOrder::Dmy;
                }
                "mdy" | "us" | "noneuropean" | "noneuro" => self.order = DateOrder::Mdy,
                "dmy" | "euro" | "european" => self.order = DateOrder::Dmy,
                "ymd" => self.order = DateOrder::Ymd,
                "default" => self = Self::default(),
                word if word.starts_with("postgres") => self.format = DateFormat::Postgres,
                _ => return None,
            }
        }
        Some(self)
    }

    /// As SHOW and ParameterStatus print it.
    pub fn name(self) -> String {
        let format = match self.format {
            DateFormat::Iso => "ISO",
            DateFormat::Sql => "SQL",
            DateFormat::Postgres => "Postgres",
            DateFormat::German => "German",
        };
        let order = match self.order {
            DateOrder::Mdy => "MDY",
            DateOrder::Dmy => "DMY",
            DateOrder::Ymd => "YMD",
        };
        format!("{format}, {order}")
    }
}

/// `IntervalStyle`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons -3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons -3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 -3 +4:05:06`
    SqlStandard,
    /// `P1Y2M-3DT4H5M6S`
    Iso8601,
}

impl IntervalStyle {
    /// By the setting's value.
    pub fn named(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "postgres" => Some(Self::Postgres),
            "postgres_verbose" => Some(Self::PostgresVerbose),
            "sql_standard" => Some(Self::SqlStandard),
            "iso_8601" => Some(Self::Iso8601),
            _ => None,
        }
    }

    /// The setting's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::PostgresVerbose => "postgres_verbose",
            Self::SqlStandard => "sql_standard",
            Self::Iso8601 => "iso_8601",
        }
    }
}

/// `bytea_output`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    /// `\x00ff`
    #[default]
    Hex,
    /// `\000\377`
    Escape,
}

/// Everything of a session that changes how values look. The default is PostgreSQL's, in UTC.
#[derive(Clone, Debug)]
pub struct EncodeSettings {
    /// `DateStyle`
    pub date_style: DateStyle,
    /// `IntervalStyle`
    pub interval_style: IntervalStyle,
    /// `bytea_output`
    pub bytea_output: ByteaOutput,
    /// `extra_float_digits`, from -15 to 3: above 0, floats are as short as can be read back.
    pub extra_float_digits: i8,
    /// `TimeZone`
    pub zone: Zone,
}

impl Default for EncodeSettings {
    fn default() -> Self {
        Self {
            date_style: DateStyle::default(),
            interval_style: IntervalStyle::default(),
            bytea_output: ByteaOutput::default(),
            extra_float_digits: 1,
            zone: Zone::utc(),
        }
    }
}

impl EncodeSettings {
    /// From the values of the session's settings, which `value` gives by name. What was checked when
    /// it was set cannot be wrong here; anything else counts as PostgreSQL's default.
    pub fn from_values(value: impl Fn(&str) -> String) -> Self {
        let default = Self::default();
        Self {
            date_style: default
                .date_style
                .with(&value("DateStyle"))
                .unwrap_or_default(),
            interval_style: IntervalStyle::named(&value("IntervalStyle")).unwrap_or_default(),
            bytea_output: if value("bytea_output") == "escape" {
                ByteaOutput::Escape
            } else {
                ByteaOutput::Hex
            },
            extra_float_digits: value("extra_float_digits")
                .parse()
                .unwrap_or(default.extra_float_digits),
            zone: Zone::named(&value("TimeZone")).unwrap_or(default.zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_none_one_or_one_each() {
        use Format::{Binary, Text};
        assert_eq!(result_formats(&[], 2).unwrap(), [Text, Text]);
        assert_eq!(result_formats(&[1], 2).unwrap(), [Binary, Binary]);
        assert_eq!(result_formats(&[1, 0], 2).unwrap(), [Binary, Text]);
        let error = result_formats(&[1, 0], 3).unwrap_err().to_string();
        assert_eq!(
            error,
            "bind message has 2 result formats but query has 3 columns"
        );
        assert_eq!(
            result_formats(&[7], 1).unwrap_err().to_string(),
            "unsupported format code: 7"
        );
    }

    #[test]
    fn date_styles_keep_what_is_not_named() {
        let style = DateStyle::default().with("SQL, DMY").unwrap();
        assert_eq!(style.name(), "SQL, DMY");
        assert_eq!(style.with("postgres").unwrap().name(), "Postgres, DMY");
        assert_eq!(style.with("ISO").unwrap().name(), "ISO, DMY");
        assert_eq!(
            DateStyle::default().with("german").unwrap().name(),
            "German, DMY"
        );
        assert_eq!(DateStyle::default().with("nonsense"), None);
    }
}
