//! Reads what `json_serialize_sql` returns into the typed tree.
//!
//! Conversion by hand, not by derived deserialisers: a field or node this file does not know is
//! an error that names it, so a newer DuckDB cannot make Skein run something other than what the
//! user wrote. Numbers keep every digit of their text.
//!
//! ```text
//! JSON text ─► depth and infinity scan ─► serde_json::Value ─► node by node ─► Query
//! ```
//!
//! Four things are brought to one form, none of which changes what a query means: chains of one
//! set operation become one list of operands; `main.f(…)`, which is how DuckDB's parser calls its
//! own functions, becomes `f(…)`; `true` and `false` become constants; grouping expressions are
//! numbered in the order in which the grouping sets name them.
//!
//! Linear in the length of the text. Nesting is bounded by [`DEPTH_MAX`]; callers give the thread
//! a stack of 64 MiB.

mod expr;
mod query;
mod table;

use std::borrow::Cow;

use serde::de::Deserialize;
use serde_json::{Map, Value};

use super::{Constant, DataType, ExprKind, Query, visit};

/// Most levels of nested arrays and objects. One level of an expression takes two or three, and
/// DuckDB itself ends at 1,000 levels of expressions.
pub const DEPTH_MAX: usize = 5_000;

/// Most levels of subqueries in expressions. DuckDB's time and memory for planning them double with
/// each level, and nothing interrupts it there: 24 levels of EXISTS take minutes and gigabytes,
/// this many some milliseconds.
pub const SUBQUERY_DEPTH_MAX: usize = 12;

/// Value of `query_location` when DuckDB knows none.
const NO_LOCATION: u64 = u64::MAX;

/// Why there is no tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AstError {
    /// DuckDB's parser rejects the text.
    #[error("{message}")]
    Syntax {
        /// In DuckDB's words.
        message: String,
        /// Byte offset in the text.
        position: Option<usize>,
    },
    /// DuckDB parses the text, but not as queries only.
    #[error("the statement is not a query")]
    NotSelect,
    /// DuckDB parses the text but does not support what it says.
    #[error("{message}")]
    NotSupported {
        /// In DuckDB's words.
        message: String,
    },
    /// Queries or expressions are nested too deeply.
    #[error("stack depth limit exceeded")]
    TooDeep,
    /// Subqueries in expressions are nested deeper than [`SUBQUERY_DEPTH_MAX`].
    #[error("subqueries are nested more than {SUBQUERY_DEPTH_MAX} levels deep")]
    TooManySubqueryLevels,
    /// The JSON holds something this reader does not know: another version of DuckDB, or a bug.
    #[error("cannot read DuckDB's syntax tree: {0}")]
    Unknown(String),
}

/// Result of reading.
pub(crate) type Read<T> = Result<T, AstError>;

/// Reads the statements of one text.
pub fn read(json: &str) -> Result<Vec<Query>, AstError> {
    let json = prepare(json)?;
    let mut deserializer = serde_json::Deserializer::from_str(&json);
    deserializer.disable_recursion_limit();
    let value = Value::deserialize(&mut deserializer)
        .map_err(|error| AstError::Unknown(error.to_string()))?;
    let mut root = Node::new(value, "the result")?;
    if root.flag("error")? {
        return Err(refusal(root));
    }
    let statements = root.list("statements")?;
    root.end()?;
    let queries: Vec<Query> = statements
        .into_iter()
        .map(query::statement)
        .collect::<Read<_>>()?;
    let depth = |query| subquery_depth(visit::Node::Query(query));
    if queries
        .iter()
        .any(|query| depth(query) > SUBQUERY_DEPTH_MAX)
    {
        return Err(AstError::TooManySubqueryLevels);
    }
    Ok(queries)
}

/// How many subqueries in expressions lie around the innermost one below `node`.
fn subquery_depth(node: visit::Node<'_>) -> usize {
    let mut deepest = 0;
    visit::walk(node, &mut |node| {
        if let visit::Node::Expr(expr) = node
            && let ExprKind::Subquery(subquery) = &expr.kind
        {
            let inside = 1 + subquery_depth(visit::Node::Query(&subquery.query));
            let beside = subquery.child.as_ref();
            let beside = beside.map_or(0, |child| subquery_depth(visit::Node::Expr(child)));
            deepest = deepest.max(inside).max(beside);
            return visit::Descend::Over;
        }
        visit::Descend::Into
    });
    deepest
}

/// What DuckDB says instead of a tree.
fn refusal(mut root: Node) -> AstError {
    let mut text = |key: &str| match root.fields.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let kind = text("error_type").unwrap_or_default();
    let message = text("error_message").unwrap_or_default();
    let position = text("position").and_then(|position| position.parse().ok());
    if message.contains("Max expression depth") || message.contains("nesting level exceeded") {
        return AstError::TooDeep;
    }
    match kind.as_str() {
        "parser" => AstError::Syntax { message, position },
        "not implemented" if message.starts_with("Only SELECT statements") => AstError::NotSelect,
        _ => AstError::NotSupported { message },
    }
}

/// Checks the depth before anything recurses, and puts infinities, which DuckDB writes although
/// JSON has none, into quotes.
fn prepare(json: &str) -> Read<Cow<'_, str>> {
    let bytes = json.as_bytes();
    let mut depth = 0_usize;
    let mut infinities: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(AstError::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {
                let word = ["-Infinity", "Infinity", "NaN"]
                    .into_iter()
                    .find(|word| bytes[at..].starts_with(word.as_bytes()));
                if let Some(word) = word {
                    infinities.push((at, at + word.len()));
                    at += word.len() - 1;
                }
            }
        }
        at += 1;
    }
    if infinities.is_empty() {
        return Ok(Cow::Borrowed(json));
    }
    let mut text = String::with_capacity(json.len() + 2 * infinities.len());
    let mut from = 0;
    for (start, end) in infinities {
        text.push_str(&json[from..start]);
        text.push('"');
        text.push_str(&json[start..end]);
        text.push('"');
        from = end;
    }
    text.push_str(&json[from..]);
    Ok(Cow::Owned(text))
}

/// Index of the quote that ends the string starting at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// An object whose fields are taken one by one; what is left at the end is an error.
struct Node {
    what: &'static str,
    fields: Map<String, Value>,
}

impl Node {
    fn new(value: Value, what: &'static str) -> Read<Self> {
        match value {
            Value::Object(fields) => Ok(Self { what, fields }),
            _ => Err(AstError::Unknown(format!("{what} is not an object"))),
        }
    }

    /// A field that has to be there.
    fn value(&mut self, key: &str) -> Read<Value> {
        self.fields
            .remove(key)
            .ok_or_else(|| self.unknown(&format!("lacks \"{key}\"")))
    }

    /// A field that may be null.
    fn optional(&mut self, key: &str) -> Read<Option<Value>> {
        Ok(match self.value(key)? {
            Value::Null => None,
            value => Some(value),
        })
    }

    fn text(&mut self, key: &str) -> Read<String> {
        match self.value(key)? {
            Value::String(text) => Ok(text),
            _ => Err(self.unknown(&format!("has no text in \"{key}\""))),
        }
    }

    fn flag(&mut self, key: &str) -> Read<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Ok(flag),
            _ => Err(self.unknown(&format!("has neither true nor false in \"{key}\""))),
        }
    }

    fn list(&mut self, key: &str) -> Read<Vec<Value>> {
        match self.value(key)? {
            Value::Array(list) => Ok(list),
            _ => Err(self.unknown(&format!("has no list in \"{key}\""))),
        }
    }

    fn texts(&mut self, key: &str) -> Read<Vec<String>> {
        let list = self.list(key)?;
        list.into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(text),
                _ => Err(self.unknown(&format!("has something other than texts in \"{key}\""))),
            })
            .collect()
    }

    fn number(&mut self, key: &str) -> Read<i64> {
        match self.value(key)?.as_i64() {
            Some(number) => Ok(number),
            None => Err(self.unknown(&format!("has no integer in \"{key}\""))),
        }
    }

    fn location(&mut self) -> Read<Option<usize>> {
        match self.value("query_location")?.as_u64() {
            Some(NO_LOCATION) => Ok(None),
            Some(location) => Ok(usize::try_from(location).ok()),
            None => Err(self.unknown("has no location")),
        }
    }

    /// Refuses a list that this reader expects to be empty.
    fn empty(&mut self, key: &str) -> Read<()> {
        if self.list(key)?.is_empty() {
            Ok(())
        } else {
            Err(self.unknown(&format!("has an unexpected \"{key}\"")))
        }
    }

    /// Refuses fields nobody took.
    fn end(self) -> Read<()> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.unknown(&format!("has an unknown field \"{key}\""))),
        }
    }

    fn unknown(&self, problem: &str) -> AstError {
        AstError::Unknown(format!("{} {problem}", self.what))
    }
}

/// A value that DuckDB names but this reader does not know.
fn unknown(what: &str, name: &str) -> AstError {
    AstError::Unknown(format!("{what} \"{name}\""))
}

/// A literal: type and value.
fn constant(value: Value) -> Read<Constant> {
    let mut node = Node::new(value, "a value")?;
    let ty = DataType(node.value("type")?);
    let value = if node.flag("is_null")? {
        Value::Null
    } else {
        node.value("value")?
    };
    node.end()?;
    Ok(Constant { ty, value })
}

#[cfg(test)]
mod tests;
