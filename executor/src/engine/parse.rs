//! DuckDB's parser as a function from text to JSON.

use serde_json::Value;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use arrow::array::{Array, AsArray};

use super::connection::Connection;
use super::error::parser_error;

/// Texts up to this length cannot nest deep enough to need more stack than a thread has.
const SHORT_BYTES: usize = 1024;
/// What DuckDB may need for the deepest nesting that its own limits let through.
const STACK_NEEDED_BYTES: usize = 48 << 20;
const STACK_BYTES: usize = 64 << 20;

/// What DuckDB's parser says about a text.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// It holds queries only: the syntax tree as DuckDB's JSON, complete, with every default.
    Select(String),
    /// It holds a statement that is not a query.
    NotSelect,
    /// It is not SQL.
    Error(FragmentError),
}

/// Runs `call` with enough stack for DuckDB to walk the syntax tree of `sql`.
pub(super) fn with_stack_for<T>(sql: &str, call: impl FnOnce() -> T) -> T {
    match sql.len() {
        0..=SHORT_BYTES => call(),
        _ => stacker::maybe_grow(STACK_NEEDED_BYTES, STACK_BYTES, call),
    }
}

impl Connection {
    /// Parses `sql`, which may hold several statements, without looking at any catalog.
    pub fn parse(&self, sql: &str) -> Result<Parsed, FragmentError> {
        if let Err(error) = super::c_text(sql) {
            return Ok(Parsed::Error(error));
        }
        let text = with_stack_for(sql, || self.serialize(sql))?;
        if !text.starts_with("{\"error\":true") {
            return Ok(Parsed::Select(text));
        }
        let object: Value = serde_json::from_str(&text).map_err(|error| FragmentError {
            kind: FragmentErrorKind::Internal,
            message: format!("DuckDB's parser answered with broken JSON: {error}"),
            position: None,
        })?;
        let is = |key: &str, text: &str| object[key].as_str().is_some_and(|v| v.starts_with(text));
        if is("error_type", "not implemented") && is("error_message", "Only SELECT statements") {
            return Ok(Parsed::NotSelect);
        }
        Ok(Parsed::Error(parser_error(&object, sql)))
    }

    fn serialize(&self, sql: &str) -> Result<String, FragmentError> {
        let statement = self.parser()?;
        statement.bind_text(1, sql)?;
        let mut json = String::new();
        for batch in statement.stream(None)? {
            let batch = batch?;
            let column = batch.column(0).as_string::<i32>();
            if !column.is_empty() && column.is_valid(0) {
                column.value(0).clone_into(&mut json);
            }
        }
        Ok(json)
    }
}
