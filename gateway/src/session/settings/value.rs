//! Reads and shows the values of settings as PostgreSQL does.
//!
//! A value is kept in one canonical text: numbers in the setting's unit, words in lower case,
//! switches as `on` and `off`. [`shown`] adds the unit that `SHOW` prints.

use super::SettingError;
use super::table::{Definition, Kind, Unit};

/// Finds the canonical spelling of a time zone's name.
pub type Zones<'a> = dyn Fn(&str) -> Option<String> + 'a;

const TIME_UNITS: &str =
    "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
/// Bytes of a name, as in PostgreSQL (`NAMEDATALEN` without its NUL).
const NAME_BYTES_MAX: usize = 63;
const MEMORY_UNITS: &str =
    "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";

/// Checks `value` and gives the form in which it is kept. `before` is what has been kept so far.
pub fn canonical(
    definition: &Definition,
    value: &str,
    before: &str,
    zones: &Zones<'_>,
) -> Result<String, SettingError> {
    let invalid = |hint: Option<String>| SettingError::InvalidValue {
        name: definition.name.to_owned(),
        value: value.to_owned(),
        hint,
    };
    match definition.kind {
        Kind::Bool => boolean(value)
            .map(|on| if on { "on" } else { "off" }.to_owned())
            .ok_or_else(|| SettingError::NotBoolean {
                name: definition.name.to_owned(),
            }),
        Kind::Integer { min, max } => integer(definition, value, min, max),
        Kind::Real { min, max } => real(definition, value, min, max),
        Kind::Enum(words) => word(definition, words, value)
            .ok_or_else(|| invalid(Some(format!("Available values: {}.", words.join(", "))))),
        Kind::Name => Ok(name(value)),
        Kind::Text | Kind::Role => Ok(value.to_owned()),
        Kind::Identifiers => match identifiers(value) {
            Some(_) => Ok(value.to_owned()),
            None => Err(invalid(None)),
        },
        Kind::Encoding => {
            let plain: String = value
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|character| character.to_ascii_lowercase())
                .collect();
            match plain.as_str() {
                "utf8" | "unicode" => Ok("UTF8".to_owned()),
                // Means that nothing is converted, which is all that is ever done here.
                "sqlascii" => Ok("SQL_ASCII".to_owned()),
                _ => Err(invalid(Some("Skein speaks UTF8 only.".to_owned()))),
            }
        }
        Kind::DateStyle => date_style(value, before).ok_or_else(|| invalid(None)),
        Kind::TimeZone => time_zone(value, zones).ok_or_else(|| invalid(None)),
    }
}

/// The beginning of a name, as long as PostgreSQL keeps it; what is not printable ASCII is escaped
/// as by `pg_clean_ascii`. Longer ones would break libpq, which takes no long `ParameterStatus`.
fn name(value: &str) -> String {
    let mut name = String::new();
    for byte in value.bytes() {
        let text = match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        if name.len() + text.len() > NAME_BYTES_MAX {
            break;
        }
        name.push_str(&text);
    }
    name
}

/// A switch in any spelling that PostgreSQL reads, unique beginnings included.
pub fn boolean(value: &str) -> Option<bool> {
    let value = value.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    if value == "1" || begins("true", 1) || begins("yes", 1) || value == "on" {
        Some(true)
    } else if value == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2) {
        Some(false)
    } else {
        None
    }
}

fn word(definition: &Definition, words: &[&str], value: &str) -> Option<String> {
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(value)) {
        return Some((*word).to_owned());
    }
    // Settings that were switches once still take every spelling of a switch.
    if words.contains(&"on") && words.contains(&"off") {
        return boolean(value).map(|on| if on { "on" } else { "off" }.to_owned());
    }
    match (definition.name, value.to_ascii_lowercase().as_str()) {
        ("client_min_messages", "debug") => Some("debug2".to_owned()),
        _ => None,
    }
}

/// Splits a number from the unit after it.
fn number_and_unit(value: &str) -> Option<(f64, &str)> {
    let value = value.trim();
    let mut end = 0;
    let bytes = value.as_bytes();
    while end < bytes.len() {
        let exponent_sign = matches!(bytes[end], b'+' | b'-')
            && (end == 0 || matches!(bytes[end - 1], b'e' | b'E'));
        let exponent = matches!(bytes[end], b'e' | b'E')
            && end > 0
            && bytes
                .get(end + 1)
                .is_some_and(|next| next.is_ascii_digit() || matches!(next, b'+' | b'-'));
        if bytes[end].is_ascii_digit() || bytes[end] == b'.' || exponent_sign || exponent {
            end += 1;
        } else {
            break;
        }
    }
    let number = value[..end].parse::<f64>().ok()?;
    Some((number, value[end..].trim()))
}

/// How many of the setting's unit one `unit` is; `None` when it is no unit of this setting.
fn factor(base: Unit, unit: &str) -> Option<f64> {
    if unit.is_empty() {
        return Some(1.0);
    }
    let microseconds = |unit: &str| {
        Some(match unit {
            "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "min" => 60e6,
            "h" => 3600e6,
            "d" => 86_400e6,
            _ => return None,
        })
    };
    let bytes = |unit: &str| {
        Some(match unit {
            "B" => 1.0,
            "kB" => 1024.0,
            "MB" => 1024.0 * 1024.0,
            "GB" => 1024.0 * 1024.0 * 1024.0,
            "TB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        })
    };
    match base {
        Unit::None => None,
        Unit::Milliseconds => microseconds(unit).map(|factor| factor / 1e3),
        Unit::Seconds => microseconds(unit).map(|factor| factor / 1e6),
        Unit::Minutes => microseconds(unit).map(|factor| factor / 60e6),
        Unit::Bytes => bytes(unit),
        Unit::Kilobytes => bytes(unit).map(|factor| factor / 1024.0),
        Unit::Megabytes => bytes(unit).map(|factor| factor / (1024.0 * 1024.0)),
        Unit::Blocks => bytes(unit).map(|factor| factor / 8192.0),
    }
}

fn scaled(definition: &Definition, value: &str) -> Result<f64, SettingError> {
    let invalid = |hint: Option<&str>| SettingError::InvalidValue {
        name: definition.name.to_owned(),
        value: value.to_owned(),
        hint: hint.map(str::to_owned),
    };
    let (number, unit) = number_and_unit(value).ok_or_else(|| invalid(None))?;
    let hint = match definition.unit {
        Unit::None => None,
        Unit::Milliseconds | Unit::Seconds | Unit::Minutes => Some(TIME_UNITS),
        Unit::Bytes | Unit::Kilobytes | Unit::Megabytes | Unit::Blocks => Some(MEMORY_UNITS),
    };
    let factor = factor(definition.unit, unit).ok_or_else(|| invalid(hint))?;
    Ok(number * factor)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "bounds of settings are far below 2^53, and the value is checked against them first"
)]
fn integer(
    definition: &Definition,
    value: &str,
    min: i64,
    max: i64,
) -> Result<String, SettingError> {
    let number = scaled(definition, value)?.round_ties_even();
    if number < min as f64 || number > max as f64 {
        return Err(SettingError::OutOfRange {
            name: definition.name.to_owned(),
            value: with_unit(&format!("{number}"), definition.unit),
            min: with_unit(&min.to_string(), definition.unit),
            max: with_unit(&max.to_string(), definition.unit),
        });
    }
    Ok((number as i64).to_string())
}

fn real(definition: &Definition, value: &str, min: f64, max: f64) -> Result<String, SettingError> {
    let number = scaled(definition, value)?;
    if number < min || number > max {
        return Err(SettingError::OutOfRange {
            name: definition.name.to_owned(),
            value: with_unit(&format!("{number}"), definition.unit),
            min: with_unit(&format!("{min}"), definition.unit),
            max: with_unit(&format!("{max:e}").replace('e', "e+"), definition.unit),
        });
    }
    Ok(format!("{number}"))
}

fn with_unit(number: &str, unit: Unit) -> String {
    match unit.name() {
        Some(unit) => format!("{number} {unit}"),
        None => number.to_owned(),
    }
}

/// The form in which `SHOW` prints a stored value: in the greatest unit that divides it.
pub fn shown(definition: &Definition, stored: &str) -> String {
    let units: &[(i64, &str)] = match definition.unit {
        Unit::None => return stored.to_owned(),
        Unit::Milliseconds => &[
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "min"),
            (1000, "s"),
            (1, "ms"),
        ],
        Unit::Seconds => &[(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")],
        Unit::Minutes => &[(1440, "d"), (60, "h"), (1, "min")],
        Unit::Bytes => &[
            (1 << 40, "TB"),
            (1 << 30, "GB"),
            (1 << 20, "MB"),
            (1 << 10, "kB"),
            (1, "B"),
        ],
        Unit::Kilobytes => &[(1 << 30, "TB"), (1 << 20, "GB"), (1 << 10, "MB"), (1, "kB")],
        Unit::Megabytes => &[(1 << 20, "TB"), (1 << 10, "GB"), (1, "MB")],
        Unit::Blocks => &[(1 << 27, "TB"), (1 << 17, "GB"), (1 << 7, "MB")],
    };
    let Ok(number) = stored.parse::<i64>() else {
        return stored.to_owned();
    };
    if number <= 0 {
        return stored.to_owned();
    }
    match units.iter().find(|(size, _)| number % size == 0) {
        Some((size, unit)) => format!("{}{unit}", number / size),
        // Fewer blocks than make whole mebibytes.
        None => format!("{}kB", number * 8),
    }
}

/// Splits a list of identifiers as PostgreSQL's `SplitIdentifierString` does: unquoted ones fold
/// to lower case. `None` when it is not such a list.
pub fn identifiers(list: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = list.trim();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut characters = quoted.char_indices().peekable();
            let end = loop {
                let (index, character) = characters.next()?;
                if character != '"' {
                    name.push(character);
                } else if characters.next_if(|(_, next)| *next == '"').is_some() {
                    name.push('"');
                } else {
                    break index + 1;
                }
            };
            names.push(name);
            rest = quoted[end..].trim_start();
        } else {
            let end = rest
                .find(|character: char| character == ',' || character.is_whitespace())
                .unwrap_or(rest.len());
            if end == 0 || rest[..end].contains('"') {
                return None;
            }
            names.push(rest[..end].to_lowercase());
            rest = rest[end..].trim_start();
        }
        if rest.is_empty() {
            return Some(names);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

/// Quotes an identifier where PostgreSQL's `quote_identifier` would.
pub fn quoted_identifier(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$')
        && !RESERVED.contains(&name);
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Words that PostgreSQL reserves and that are plausible names.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// A style without an order, or an order without a style, leaves the other half as it was.
fn date_style(value: &str, before: &str) -> Option<String> {
    let (mut style, mut order) = (None, None);
    let (style_before, order_before) = before.split_once(", ").unwrap_or(("ISO", "MDY"));
    for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
        let word = word.trim_matches('"').to_ascii_lowercase();
        match word.as_str() {
            "iso" => style = Some("ISO"),
            "sql" => style = Some("SQL"),
            _ if word.starts_with("postgres") => style = Some("Postgres"),
            "german" => {
                style = Some("German");
                order = order.or(Some("DMY"));
            }
            "ymd" => order = Some("YMD"),
            "dmy" => order = Some("DMY"),
            _ if word.starts_with("euro") => order = Some("DMY"),
            "mdy" | "us" => order = Some("MDY"),
            _ if word.starts_with("noneuro") => order = Some("MDY"),
            "default" => {
                style = style.or(Some("ISO"));
                order = order.or(Some("MDY"));
            }
            _ => return None,
        }
    }
    Some(format!(
        "{}, {}",
        style.unwrap_or(style_before),
        order.unwrap_or(order_before)
    ))
}

fn time_zone(value: &str, zones: &Zones<'_>) -> Option<String> {
    let value = value.trim();
    if let Some(zone) = zones(value) {
        return Some(zone);
    }
    // A number counts to the east. Signs of anything else are POSIX's: they count to the west.
    if let Ok(hours) = value.parse::<i32>() {
        return is_zone_hour(hours).then(|| fixed_zone(hours));
    }
    fixed_zone_hours(value).map(|_| {
        if value.starts_with('<') {
            value.to_owned()
        } else {
            value.to_ascii_uppercase()
        }
    })
}

/// The name that PostgreSQL gives to a fixed number of hours east of Greenwich: an abbreviation, then
/// the offset with POSIX's sign.
fn fixed_zone(hours: i32) -> String {
    let sign = if hours < 0 { '-' } else { '+' };
    let posix = if hours < 0 { '+' } else { '-' };
    format!("<{sign}{0:02}>{posix}{0:02}", hours.abs())
}

/// Whether DuckDB has a zone for so many hours east of Greenwich.
fn is_zone_hour(hours: i32) -> bool {
    (-12..=14).contains(&hours)
}

/// Hours east of Greenwich of a zone without daylight saving time in the spelling of POSIX: `<-05>+05`,
/// `GMT-2`, `FOO+3:00`, or as PostgreSQL reads it without a name, `-02:00`.
fn fixed_zone_hours(zone: &str) -> Option<i32> {
    let offset = match zone.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => zone.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()),
    };
    let mut parts = offset.splitn(3, ':');
    let hours: i32 = parts.next()?.parse().ok()?;
    let is_whole = parts.all(|part| part == "00" || part == "0");
    (is_whole && is_zone_hour(-hours)).then_some(-hours)
}

/// The name by which DuckDB knows a stored time zone.
pub fn duckdb_zone(stored: &str) -> String {
    match fixed_zone_hours(stored) {
        Some(0) => "UTC".to_owned(),
        // Zones named Etc/GMT carry the POSIX sign: Etc/GMT+5 is west of Greenwich.
        Some(hours) => format!(
            "Etc/GMT{}{}",
            if hours < 0 { '+' } else { '-' },
            hours.abs()
        ),
        None => stored.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::definition;
    use super::*;

    fn store(name: &str, value: &str) -> Result<String, String> {
        let zones = |zone: &str| {
            ["UTC", "America/New_York"]
                .iter()
                .find(|known| known.eq_ignore_ascii_case(zone))
                .map(|known| (*known).to_owned())
        };
        let definition = definition(name).expect("setting exists");
        canonical(definition, value, definition.default, &zones).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_with_units_are_kept_in_the_base_unit_and_shown_in_the_greatest() {
        for (name, given, stored, show) in [
            ("statement_timeout", "5000", "5000", "5s"),
            ("statement_timeout", "5s", "5000", "5s"),
            ("statement_timeout", " 1.5 min ", "90000", "90s"),
            ("statement_timeout", "1d", "86400000", "1d"),
            ("statement_timeout", "0", "0", "0"),
            ("statement_timeout", "1500us", "2", "2ms"),
            ("work_mem", "64MB", "65536", "64MB"),
            ("work_mem", "4096", "4096", "4MB"),
            ("work_mem", "1GB", "1048576", "1GB"),
            ("shared_buffers", "16384", "16384", "128MB"),
            ("temp_buffers", "101", "101", "808kB"),
            ("extra_float_digits", "3", "3", "3"),
            ("random_page_cost", "1.1", "1.1", "1.1"),
        ] {
            if name == "shared_buffers" {
                assert_eq!(
                    shown(definition(name).expect("setting exists"), stored),
                    show
                );
                continue;
            }
            assert_eq!(
                store(name, given).as_deref(),
                Ok(stored),
                "{name} = {given}"
            );
            assert_eq!(
                shown(definition(name).expect("setting exists"), stored),
                show
            );
        }
    }

    #[test]
    fn wrong_values_are_refused_in_postgresql_words() {
        for (name, given, message) in [
            (
                "statement_timeout",
                "abc",
                "invalid value for parameter \"statement_timeout\": \"abc\"",
            ),
            (
                "statement_timeout",
                "5 MB",
                "invalid value for parameter \"statement_timeout\": \"5 MB\"",
            ),
            (
                "statement_timeout",
                "-1",
                "-1 ms is outside the valid range for parameter \"statement_timeout\" (0 ms .. 2147483647 ms)",
            ),
            (
                "extra_float_digits",
                "4",
                "4 is outside the valid range for parameter \"extra_float_digits\" (-15 .. 3)",
            ),
            ("jit", "maybe", "parameter \"jit\" requires a Boolean value"),
            (
                "client_min_messages",
                "loud",
                "invalid value for parameter \"client_min_messages\": \"loud\"",
            ),
            (
                "client_encoding",
                "LATIN1",
                "invalid value for parameter \"client_encoding\": \"LATIN1\"",
            ),
            (
                "TimeZone",
                "Mars/Phobos",
                "invalid value for parameter \"TimeZone\": \"Mars/Phobos\"",
            ),
            (
                "DateStyle",
                "stardate",
                "invalid value for parameter \"DateStyle\": \"stardate\"",
            ),
        ] {
            assert_eq!(
                store(name, given),
                Err(message.to_owned()),
                "{name} = {given}"
            );
        }
    }

    #[test]
    fn special_values_take_their_canonical_form() {
        for (name, given, stored) in [
            ("client_encoding", "'utf-8'", "UTF8"),
            ("client_encoding", "unicode", "UTF8"),
            ("DateStyle", "ISO", "ISO, MDY"),
            ("DateStyle", "german", "German, DMY"),
            ("DateStyle", "dmy", "ISO, DMY"),
            ("DateStyle", "postgres, dmy", "Postgres, DMY"),
            ("TimeZone", "america/new_york", "America/New_York"),
            ("TimeZone", "-5", "<-05>+05"),
            ("TimeZone", "+02:00", "+02:00"),
            ("TimeZone", "gmt-02:00", "GMT-02:00"),
            ("TimeZone", "UTC+2", "UTC+2"),
            ("TimeZone", "<+02>-02", "<+02>-02"),
            ("IntervalStyle", "ISO_8601", "iso_8601"),
            ("jit", "of", "off"),
            ("jit", "T", "on"),
            ("synchronous_commit", "yes", "on"),
        ] {
            assert_eq!(
                store(name, given).as_deref(),
                Ok(stored),
                "{name} = {given}"
            );
        }
        assert_eq!(duckdb_zone("<-05>+05"), "Etc/GMT+5");
        assert_eq!(duckdb_zone("<+02>-02"), "Etc/GMT-2");
        // Without a name before it, as with one, the sign is POSIX's.
        assert_eq!(duckdb_zone("-02:00"), "Etc/GMT-2");
        assert_eq!(duckdb_zone("GMT+3"), "Etc/GMT+3");
        assert_eq!(duckdb_zone("GMT+0"), "UTC");
        assert_eq!(duckdb_zone("Europe/Berlin"), "Europe/Berlin");
    }

    #[test]
    fn identifier_lists_split_and_quote() {
        assert_eq!(
            identifiers("\"$user\", Public ,\"A \"\"b\""),
            Some(vec![
                "$user".to_owned(),
                "public".to_owned(),
                "A \"b".to_owned()
            ])
        );
        assert_eq!(identifiers(""), Some(Vec::new()));
        assert_eq!(identifiers("a,,b"), None);
        assert_eq!(identifiers("\"a"), None);
        assert_eq!(quoted_identifier("public"), "public");
        assert_eq!(quoted_identifier("$user"), "\"$user\"");
        assert_eq!(quoted_identifier("user"), "\"user\"");
    }
}
