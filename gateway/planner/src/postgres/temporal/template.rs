//! Templates of `to_char` and `to_date` for dates, taken apart; mirrors `parse_format` over the
//! keywords of `DCH_keywords`.

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that stands for itself.
    Text(String),
    /// The same in double quotes: separators in it are none.
    Quoted(String),
    /// A field.
    Field(Field),
}

/// A field with its modifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The keyword, as it is written.
    pub(super) name: &'static str,
    /// `FM`: without padding.
    pub(super) fill: bool,
    /// `TM`: a word in the language of the session, without padding.
    pub(super) translated: bool,
    /// `TH` or `th`.
    pub(super) ordinal: Option<Ordinal>,
}

/// The ending of an ordinal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordinal {
    Upper,
    Lower,
}

impl Field {
    /// Whether digits follow where it is read, so that a number before it has to know its length.
    pub(super) fn is_digits(&self) -> bool {
        !matches!(
            self.name.to_ascii_uppercase().as_str(),
            "MONTH"
                | "MON"
                | "RM"
                | "DAY"
                | "DY"
                | "AM"
                | "PM"
                | "A.M."
                | "P.M."
                | "BC"
                | "AD"
                | "B.C."
                | "A.D."
                | "FX"
                | "TZH"
                | "TZ"
                | "OF"
                | "FF1"
                | "FF2"
                | "FF3"
                | "FF4"
                | "FF5"
                | "FF6"
        )
    }
}

/// Keywords; where one begins with another, it comes first.
const KEYWORDS: &[&str] = &[
    "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "Day", "Dy", "D",
    "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW",
    "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON", "MS", "Month", "Mon", "OF", "P.M.",
    "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY",
    "YYY", "YY", "Y", "a.d.", "a.m.", "ad", "am", "b.c.", "bc", "cc", "day", "ddd", "dd", "dy",
    "d", "ff1", "ff2", "ff3", "ff4", "ff5", "ff6", "fx", "hh24", "hh12", "hh", "iddd", "id", "iw",
    "iyyy", "iyy", "iy", "i", "j", "mi", "mm", "month", "mon", "ms", "of", "p.m.", "pm", "q", "rm",
    "sssss", "ssss", "ss", "tzh", "tzm", "tz", "us", "ww", "w", "y,yyy", "yyyy", "yyy", "yy", "y",
];

/// Takes a template apart.
pub(super) fn parse(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let (mut fill, mut translated) = (false, false);
        let before = rest;
        while let Some(after) = strip(rest, &["FM", "fm", "TM", "tm"]) {
            fill |= rest.starts_with(['F', 'f']);
            translated |= rest.starts_with(['T', 't']);
            rest = after;
        }
        if let Some(name) = KEYWORDS.iter().find(|name| rest.starts_with(**name)) {
            rest = &rest[name.len()..];
            let mut ordinal = None;
            if let Some(after) = strip(rest, &["TH"]) {
                (ordinal, rest) = (Some(Ordinal::Upper), after);
            } else if let Some(after) = strip(rest, &["th"]) {
                (ordinal, rest) = (Some(Ordinal::Lower), after);
            }
            if let Some(after) = strip(rest, &["SP", "sp"]) {
                rest = after;
            }
            parts.push(Part::Field(Field {
                name,
                fill,
                translated,
                ordinal,
            }));
            continue;
        }
        // A modifier without a field says nothing.
        let _ = before;
        let mut chars = rest.chars();
        let Some(first) = chars.next() else { break };
        rest = chars.as_str();
        if first == '"' {
            rest = quoted(rest, &mut parts);
        } else if first == '\\' && rest.starts_with('"') {
            rest = &rest[1..];
            push_text(&mut parts, '"');
        } else {
            push_text(&mut parts, first);
        }
    }
    parts
}

fn strip<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))
}

/// Text up to the closing quote, in which a backslash takes the next character as it is.
fn quoted<'a>(text: &'a str, parts: &mut Vec<Part>) -> &'a str {
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        match next {
            '"' => break,
            '\\' => {
                if let Some(escaped) = chars.next() {
                    push_quoted(parts, escaped);
                }
            }
            other => push_quoted(parts, other),
        }
    }
    chars.as_str()
}

fn push_text(parts: &mut Vec<Part>, c: char) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push(c),
        _ => parts.push(Part::Text(c.to_string())),
    }
}

fn push_quoted(parts: &mut Vec<Part>, c: char) {
    match parts.last_mut() {
        Some(Part::Quoted(text)) => text.push(c),
        _ => parts.push(Part::Quoted(c.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str) -> String {
        let parts = parse(template);
        let shown: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("'{text}'"),
                Part::Quoted(text) => format!("\"{text}\""),
                Part::Field(field) => format!(
                    "{}{}{}",
                    if field.fill { "FM" } else { "" },
                    field.name,
                    if field.ordinal.is_some() { "th" } else { "" }
                ),
            })
            .collect();
        shown.join(" ")
    }

    #[test]
    fn templates_are_taken_apart() {
        for (template, wanted) in [
            ("YYYY-MM-DD", "YYYY '-' MM '-' DD"),
            ("FMMonth DDth, YYYY", "FMMonth ' ' DDth ', ' YYYY"),
            ("HH24:MI:SS.MS", "HH24 ':' MI ':' SS '.' MS"),
            ("\"Year\" YYYY", "\"Year\" ' ' YYYY"),
            ("\\\"YYYY\\\"", "'\"' YYYY '\"'"),
            ("FMHH12 am", "FMHH12 ' ' am"),
            ("Y,YYY", "Y,YYY"),
        ] {
            assert_eq!(shown(template), wanted, "{template}");
        }
    }
}
