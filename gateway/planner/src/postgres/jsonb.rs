//! Constants of type `json` and `jsonb`: checked, and put into the form that PostgreSQL prints.
//!
//! DuckDB's parser lets pass what PostgreSQL refuses (commas before brackets, NaN), and knows no
//! form for equal documents. Texts that only the rows tell go through `skein_fn.skein_jsonb`,
//! which gives the same form.

use std::collections::BTreeMap;

use super::node;
use crate::ast::{Comparison, Expr, ExprKind};

/// The schema of the macros.
const FN: &str = skein_executor_api::functions::SCHEMA;

/// Brackets in brackets; PostgreSQL's limit is the stack.
const DEPTH_MAX: usize = 1_000;

/// Why a text is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No JSON.
    Syntax,
    /// A zero byte, which no text can hold.
    Unicode,
}

/// Checks that a text is JSON.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    document(text).map(|_| ())
}

/// PostgreSQL's form of a document: `{"a": 1, "bb": [1, 2]}`.
pub(super) fn form(text: &str) -> Result<String, Fault> {
    let value = document(text)?;
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    value.write(&mut out)?;
    Ok(out)
}

/// A document, whose strings and numbers are as they were written.
#[derive(Debug)]
enum Value<'a> {
    /// `true`, `false`, `null`
    Word(&'a str),
    Number(&'a str),
    /// What stands between the quotes.
    String(&'a str),
    Array(Vec<Value<'a>>),
    Object(Vec<(&'a str, Value<'a>)>),
}

fn document(text: &str) -> Result<Value<'_>, Fault> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let value = reader.value()?;
    reader.space();
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(Fault::Syntax)
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.rest.as_bytes().first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Cuts off `length` bytes.
    fn cut(&mut self, length: usize) -> &'a str {
        let (cut, rest) = self.rest.split_at(length);
        self.rest = rest;
        cut
    }

    fn value(&mut self) -> Result<Value<'a>, Fault> {
        self.space();
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                let words = ["true", "false", "null"];
                let word = words.iter().find(|word| self.rest.starts_with(**word));
                let word = self.cut(word.ok_or(Fault::Syntax)?.len());
                Ok(Value::Word(word))
            }
            None => Err(Fault::Syntax),
        }
    }

    fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::Syntax);
        }
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn array(&mut self) -> Result<Value<'a>, Fault> {
        self.enter()?;
        let mut elements = Vec::new();
        if !self.take(b']') {
            loop {
                elements.push(self.value()?);
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err(Fault::Syntax);
                }
            }
        }
        self.depth -= 1;
        Ok(Value::Array(elements))
    }

    fn object(&mut self) -> Result<Value<'a>, Fault> {
        self.enter()?;
        let mut members = Vec::new();
        if !self.take(b'}') {
            loop {
                self.space();
                let key = self.string()?;
                if !self.take(b':') {
                    return Err(Fault::Syntax);
                }
                members.push((key, self.value()?));
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err(Fault::Syntax);
                }
            }
        }
        self.depth -= 1;
        Ok(Value::Object(members))
    }

    fn string(&mut self) -> Result<&'a str, Fault> {
        let bytes = self.rest.as_bytes();
        if bytes.first() != Some(&b'"') {
            return Err(Fault::Syntax);
        }
        let mut at = 1;
        loop {
            match bytes.get(at) {
                None | Some(0..32) => return Err(Fault::Syntax),
                Some(b'"') => break,
                Some(b'\\') => match bytes.get(at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                    Some(b'u') => {
                        let digits = bytes.get(at + 2..at + 6).ok_or(Fault::Syntax)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(Fault::Syntax);
                        }
                        at += 6;
                    }
                    _ => return Err(Fault::Syntax),
                },
                Some(_) => at += 1,
            }
        }
        let inner = &self.cut(at + 1)[1..at];
        Ok(inner)
    }

    fn number(&mut self) -> Result<Value<'a>, Fault> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| {
            let digits = bytes.get(from..).unwrap_or_default();
            from + digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let start = usize::from(bytes.first() == Some(&b'-'));
        let mut end = digits(start);
        if end == start || (bytes[start] == b'0' && end > start + 1) {
            return Err(Fault::Syntax);
        }
        if bytes.get(end) == Some(&b'.') {
            let after = digits(end + 1);
            if after == end + 1 {
                return Err(Fault::Syntax);
            }
            end = after;
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let after = digits(end + 1 + sign);
            if after == end + 1 + sign {
                return Err(Fault::Syntax);
            }
            end = after;
        }
        // A letter right after it makes another word of it.
        if bytes
            .get(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
        {
            return Err(Fault::Syntax);
        }
        Ok(Value::Number(self.cut(end)))
    }
}

impl Value<'_> {
    fn write(&self, out: &mut String) -> Result<(), Fault> {
        match self {
            Self::Word(word) => out.push_str(word),
            Self::Number(number) => out.push_str(&plain(number)?),
            Self::String(string) => quoted(&unescaped(string)?, out),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    element.write(out)?;
                }
                out.push(']');
            }
            Self::Object(members) => {
                // Of equal keys the last counts; shorter keys come first.
                let mut sorted: BTreeMap<(usize, String), &Value<'_>> = BTreeMap::new();
                for (key, value) in members {
                    let key = unescaped(key)?;
                    sorted.insert((key.len(), key), value);
                }
                out.push('{');
                for (index, ((_, key), value)) in sorted.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    quoted(key, out);
                    out.push_str(": ");
                    value.write(out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}

/// `whole @> part` with the part as a constant, taken apart: every part of it is in the document at
/// its place. `None` when the constant is no document.
pub(super) fn contains(whole: Expr, part: &str) -> Option<Expr> {
    let part = document(part).ok()?;
    let mut known = Some(());
    let whole = node::once(whole, |whole| {
        let text = node::cast(whole.clone(), node::plain_type("VARCHAR"));
        let found = match part {
            Value::Array(_) | Value::Object(_) => holds(&text, &part, 0),
            // An array contains its elements.
            scalar => {
                let list = vec![scalar];
                holds(&text, &list[0], 0)
                    .zip(holds(&text, &Value::Array(list), 0))
                    .map(|(equal, inside)| either(equal, inside))
            }
        };
        let Some(found) = found else {
            known = None;
            return node::null();
        };
        let is_null = node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NULL".to_owned(),
            children: vec![whole],
        });
        let decided = node::expr(ExprKind::Operator {
            op: "OPERATOR_COALESCE".to_owned(),
            children: vec![found, node::boolean(false)],
        });
        node::expr(ExprKind::Case {
            checks: vec![(
                is_null,
                node::cast(node::null(), node::plain_type("BOOLEAN")),
            )],
            otherwise: Box::new(decided),
        })
    });
    known.map(|()| whole)
}

/// Whether a text of a document holds a part at its root; NULL counts as false.
fn holds(text: &Expr, part: &Value<'_>, depth: usize) -> Option<Expr> {
    let kind_is = |kind: &str| {
        let found = node::call("", "json_type", vec![text.clone()]);
        equal(found, node::text(kind))
    };
    Some(match part {
        Value::Object(members) => {
            let mut tests = vec![kind_is("OBJECT")];
            for (key, value) in members {
                let path = format!(
                    "/{}",
                    unescaped(key).ok()?.replace('~', "~0").replace('/', "~1")
                );
                let member = node::call("", "json_extract", vec![text.clone(), node::text(&path)]);
                let member = node::cast(member, node::plain_type("VARCHAR"));
                tests.push(holds(&member, value, depth)?);
            }
            Expr::and(tests)
        }
        Value::Array(elements) => {
            let items = node::call(FN, "skein_json_items", vec![text.clone()]);
            let mut tests = Vec::new();
            for element in elements {
                let parameter = node::expr(ExprKind::ColumnRef(vec![format!("item{depth}__")]));
                let held = holds(&parameter, element, depth + 1)?;
                let lambda = node::expr(ExprKind::Lambda {
                    left: Box::new(parameter),
                    right: Box::new(held),
                });
                let results = node::call("", "list_transform", vec![items.clone(), lambda]);
                tests.push(node::call("", "list_bool_or", vec![results]));
            }
            let inside = if tests.is_empty() {
                node::boolean(true)
            } else {
                Expr::and(tests)
            };
            node::expr(ExprKind::Case {
                checks: vec![(kind_is("ARRAY"), inside)],
                otherwise: Box::new(node::boolean(false)),
            })
        }
        scalar => {
            let mut form = String::new();
            scalar.write(&mut form).ok()?;
            equal(text.clone(), node::text(&form))
        }
    })
}

fn equal(left: Expr, right: Expr) -> Expr {
    Expr::comparison(Comparison::Equal, left, right)
}

fn either(first: Expr, second: Expr) -> Expr {
    node::expr(ExprKind::Conjunction {
        and: false,
        children: vec![first, second],
    })
}

/// A number without exponent.
fn plain(number: &str) -> Result<String, Fault> {
    /// `numeric` has no more digits.
    const EXPONENT_MAX: i64 = 131_072;
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| Fault::Syntax)?;
    if exponent.abs() > EXPONENT_MAX {
        return Err(Fault::Syntax);
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let count = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let point = count(whole) + exponent;
    let (whole, fraction) = if point <= 0 {
        ("0".to_owned(), format!("{}{digits}", zeros(-point)))
    } else if point >= count(&digits) {
        (
            format!("{digits}{}", zeros(point - count(&digits))),
            String::new(),
        )
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        (whole.to_owned(), fraction.to_owned())
    };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if is_zero { "" } else { sign };
    Ok(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

/// What a string says.
fn unescaped(string: &str) -> Result<String, Fault> {
    if !string.contains('\\') {
        return Ok(string.to_owned());
    }
    let text: String = serde_json::from_str(&format!("\"{string}\"")).map_err(|_| Fault::Syntax)?;
    if text.contains('\0') {
        return Err(Fault::Unicode);
    }
    Ok(text)
}

/// Writes a string as PostgreSQL's `escape_json`.
pub(super) fn quoted(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Fault, check, form};

    #[test]
    fn documents_take_the_form_that_postgresql_prints() {
        for (given, wanted) in [
            (
                r#" { "b" : 1 , "a":[1,2 , {}],"aa":null, "b":2} "#,
                r#"{"a": [1, 2, {}], "b": 2, "aa": null}"#,
            ),
            (r#""a\u00e9\/\n\u0001""#, "\"aé/\\n\\u0001\""),
            ("1e2", "100"),
            ("-1.50e-3", "-0.00150"),
            ("1.5e1", "15"),
            ("1.25e1", "12.5"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("1.10", "1.10"),
            ("[]", "[]"),
            ("true", "true"),
        ] {
            assert_eq!(form(given).as_deref(), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "nan",
            "01",
            "1.",
            "-",
            "'a'",
            "\"a",
            "[1 2]",
            "{a:1}",
            "truex",
            "1x",
            "\"\t\"",
            "{\"a\"}",
            "1 2",
            "\"\\x\"",
            "\"\\u12\"",
        ] {
            assert_eq!(check(text), Err(Fault::Syntax), "{text}");
        }
        assert_eq!(form("\"\\u0000\""), Err(Fault::Unicode));
        assert_eq!(check("\"\\u0000\""), Ok(()));
        assert_eq!(form("\"\\ud800\""), Err(Fault::Syntax));
        assert!(check(&"[".repeat(100_000)).is_err());
    }
}
