//! The name of a type as it was written in a cast.
//!
//! DuckDB's tree has DuckDB's types: `x::oid` and `x::int8` are the same there, and so are `text`
//! and `varchar`. PostgreSQL tells clients apart what the text tells apart.

use skein_catalog::types::PG_TYPES;

/// Names of SQL that are not `pg_type.typname`.
const ALIASES: &[(&str, &str)] = &[
    ("int", "int4"),
    ("dec", "numeric"),
    ("decimal", "numeric"),
    ("float", "float8"),
    ("char", "bpchar"),
    ("string", "text"),
    ("cardinal_number", "int4"),
    ("sql_identifier", "name"),
    ("character_data", "varchar"),
    ("yes_or_no", "varchar"),
];

/// The type that the cast at byte `at` of `text` goes to: its `typname`, with an underscore before
/// it if it is an array. `None` when the text there is no cast of a kind known here.
pub(crate) fn written_type(text: &str, at: usize) -> Option<String> {
    let rest = text.get(at..)?;
    if let Some(after) = rest.strip_prefix("::") {
        return type_name(after);
    }
    let open = rest.find('(')?;
    let word = rest[..open].trim().to_ascii_lowercase();
    if !matches!(word.as_str(), "cast" | "try_cast") {
        // A typed constant: `oid '5'`.
        return None;
    }
    type_name(after_as(&rest[open + 1..])?)
}

/// Whether the name of the type in the cast at byte `at` of `text` begins with an underscore, as that of an array
/// does in `pg_type`: `x::_text`.
pub(crate) fn names_array(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let written = match rest.strip_prefix("::") {
        Some(after) => Some(after),
        None => rest
            .find('(')
            .and_then(|open| after_as(rest.get(open + 1..)?)),
    };
    written.is_some_and(|written| {
        let name = written.trim_start();
        let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
        name.starts_with('_')
    })
}

/// Whether the cast at byte `at` of `text` writes a modifier: `x::numeric(12,2)`.
pub(crate) fn has_modifier(text: &str, at: usize) -> bool {
    let Some(rest) = text.get(at..) else {
        return false;
    };
    let written = match rest.strip_prefix("::") {
        Some(after) => Some(after),
        None => rest
            .find('(')
            .and_then(|open| after_as(rest.get(open + 1..)?)),
    };
    // Between the type's words and what comes next.
    written.is_some_and(|written| {
        let is_word = |it: char| it.is_alphanumeric() || matches!(it, '_' | '.' | '"' | ' ');
        written.trim_start_matches(is_word).starts_with('(')
    })
}

/// What follows the last AS before the parenthesis that ends the cast.
fn after_as(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let (mut depth, mut found, mut at) = (0_usize, None, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => depth += 1,
            b')' if depth == 0 => return found.and_then(|start: usize| text.get(start..at)),
            b')' | b']' => depth = depth.saturating_sub(1),
            quote @ (b'\'' | b'"') => {
                at += 1 + bytes[at + 1..].iter().position(|it| *it == quote)?;
            }
            b'a' | b'A' if depth == 0 && is_as(bytes, at) => found = Some(at + 2),
            _ => {}
        }
        at += 1;
    }
    None
}

fn is_as(bytes: &[u8], at: usize) -> bool {
    let is_space = |it: Option<&u8>| it.is_some_and(u8::is_ascii_whitespace);
    let before = at.checked_sub(1).and_then(|it| bytes.get(it));
    let starts = is_space(before) || matches!(before, Some(b')' | b'\'' | b'"' | b']'));
    starts
        && bytes
            .get(at + 1)
            .is_some_and(|it| it.eq_ignore_ascii_case(&b's'))
        && is_space(bytes.get(at + 2))
}

/// The `typname` of a type as it is written at the beginning of `text`.
pub(super) fn type_name(text: &str) -> Option<String> {
    let mut rest = text.trim_start();
    let (mut name, quoted) = loop {
        let (word, after, quoted) = word(rest)?;
        let Some(next) = after.trim_start().strip_prefix('.') else {
            rest = after;
            break (word, quoted);
        };
        rest = next.trim_start();
    };
    if !quoted {
        name = name.to_ascii_lowercase();
        let words = words(&name, rest);
        if let Some((sql, left)) = words {
            (name, rest) = (sql, left);
        } else if let Some((_, known)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
            (*known).clone_into(&mut name);
        } else if let Some(known) = PG_TYPES.iter().find(|it| it.sql_name == name) {
            known.name.clone_into(&mut name);
        }
    }
    let mut after = rest.trim_start();
    if let Some(modifier) = after.strip_prefix('(') {
        after = modifier.split_once(')')?.1.trim_start();
    }
    if after.starts_with('[') {
        name.insert(0, '_');
    }
    Some(name)
}

/// Names of several words, and what follows them.
fn words<'a>(first: &str, rest: &'a str) -> Option<(String, &'a str)> {
    let all: &[(&str, &str, &str)] = &[
        ("double", "precision", "float8"),
        ("character", "varying", "varchar"),
        ("bit", "varying", "varbit"),
        ("timestamp", "with time zone", "timestamptz"),
        ("timestamp", "without time zone", "timestamp"),
        ("time", "with time zone", "timetz"),
        ("time", "without time zone", "time"),
    ];
    all.iter()
        .filter(|(known, _, _)| *known == first)
        .find_map(|(_, following, name)| {
            let mut left = rest;
            // A precision may stand between: timestamp(3) with time zone.
            if let Some(modifier) = left.trim_start().strip_prefix('(') {
                left = modifier.split_once(')')?.1;
            }
            for expected in following.split(' ') {
                let (found, after, _) = word(left.trim_start())?;
                if !found.eq_ignore_ascii_case(expected) {
                    return None;
                }
                left = after;
            }
            Some(((*name).to_owned(), left))
        })
}

/// The name at the beginning of `text`, as PostgreSQL folds it, and what follows.
pub(super) fn name(text: &str) -> Option<(String, &str)> {
    let (name, after, quoted) = word(text.trim_start())?;
    Some((if quoted { name } else { name.to_lowercase() }, after))
}

/// A word or a name in quotes, what follows it, and whether it was in quotes.
fn word(text: &str) -> Option<(String, &str, bool)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, after) = quoted.split_once('"')?;
        return Some((name.to_owned(), after, true));
    }
    let end = text
        .find(|it: char| !(it.is_alphanumeric() || it == '_'))
        .unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..], false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_were_written() {
        for (text, at, expected) in [
            ("SELECT a::oid", 8, "oid"),
            ("SELECT a::pg_catalog.\"char\"", 8, "char"),
            ("SELECT a::char(3)", 8, "bpchar"),
            ("SELECT a::int[]", 8, "_int4"),
            ("SELECT a::character varying(20)[]", 8, "_varchar"),
            ("SELECT a::timestamp(3) with time zone", 8, "timestamptz"),
            ("SELECT a::timestamp, with_x", 8, "timestamp"),
            (
                "SELECT CAST(f(x AS y, ' AS z') AS pg_catalog.name)",
                7,
                "name",
            ),
            ("SELECT CAST(CAST(x AS REGCLASS) AS OID)", 7, "oid"),
            ("SELECT a::numeric(10,2)", 8, "numeric"),
        ] {
            assert_eq!(written_type(text, at).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(written_type("SELECT f(x)", 7), None);
    }
}
