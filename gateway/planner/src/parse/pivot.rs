//! `PIVOT` without a list of values.
//!
//! DuckDB makes several statements of it, which it does not give as a tree. So the values are
//! asked for first, and the statement is parsed again with a list of them.

use std::ops::Range;

use super::Source;
use crate::ast::print;

/// A statement whose pivots lack their lists of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicPivot {
    text: String,
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    /// Where the list belongs.
    insert_at: usize,
    values: String,
}

impl DynamicPivot {
    /// One query per list: its rows, texts of one column, are the values in order.
    pub fn value_queries(&self) -> Vec<&str> {
        self.columns
            .iter()
            .map(|column| column.values.as_str())
            .collect()
    }

    /// The statement with lists of values in it, to be parsed like any other. `values[i]` are the
    /// rows of query `i`.
    pub fn with_values(&self, values: &[Vec<String>]) -> String {
        let mut text = String::new();
        let mut from = 0;
        for (column, values) in self.columns.iter().zip(values) {
            text.push_str(&self.text[from..column.insert_at]);
            text.push_str(" IN (");
            if values.is_empty() {
                // A list must not be empty. The column named NULL that this makes is one that
                // DuckDB's own statement does not make of an empty source.
                text.push_str("NULL");
            } else {
                let literals: Vec<String> =
                    values.iter().map(|value| print::string(value)).collect();
                text.push_str(&literals.join(", "));
            }
            text.push(')');
            from = column.insert_at;
        }
        text.push_str(&self.text[from..]);
        text
    }
}

/// Reads the pivots of a statement; `None` if there is none without its list.
pub(super) fn read(source: &Source<'_>, tokens: Range<usize>) -> Option<DynamicPivot> {
    let mut columns = Vec::new();
    let mut depth = 0_usize;
    for at in tokens.clone() {
        if source.symbol(at, "(") {
            depth += 1;
        } else if source.symbol(at, ")") {
            depth = depth.saturating_sub(1);
        }
        let starts = at == tokens.start || source.symbol(at - 1, "(") || depth == 0;
        if starts && matches!(source.word(at), Some("pivot" | "pivot_wider")) {
            // A WITH list before a statement's own pivot belongs to its source as well.
            let with = if depth == 0 {
                source.blanked(tokens.start..at, "")
            } else {
                String::new()
            };
            columns.extend(pivot(source, at, tokens.end, with.trim())?);
        }
    }
    if columns.is_empty() {
        return None;
    }
    Some(DynamicPivot {
        text: source.blanked(tokens, ""),
        columns,
    })
}

/// The columns of one pivot that lack their list.
fn pivot(source: &Source<'_>, at: usize, end: usize, with: &str) -> Option<Vec<Column>> {
    let on = find(source, at + 1..end, |at| source.word(at) == Some("on"))?;
    let stop = find(source, on + 1..end, |at| {
        matches!(
            source.word(at),
            Some("using" | "group" | "order" | "limit" | "offset")
        ) || source.symbol(at, ")")
    })
    .unwrap_or(end);
    let from = text(source, at + 1..on);
    let mut columns = Vec::new();
    let mut start = on + 1;
    while start < stop {
        let comma = find(source, start..stop, |at| source.symbol(at, ",")).unwrap_or(stop);
        let has_list = find(source, start..comma, |at| source.word(at) == Some("in")).is_some();
        if !has_list {
            let expr = text(source, start..comma);
            let with = if with.is_empty() {
                String::new()
            } else {
                format!("{with} ")
            };
            columns.push(Column {
                insert_at: source.tokens.get(comma - 1)?.end - source.base(),
                values: format!(
                    "{with}SELECT v FROM (SELECT DISTINCT CAST({expr} AS VARCHAR) AS v FROM {from}) \
                     WHERE v IS NOT NULL ORDER BY v"
                ),
            });
        }
        start = comma + 1;
    }
    Some(columns)
}

/// The first token outside of parentheses that `test` accepts.
fn find(source: &Source<'_>, range: Range<usize>, test: impl Fn(usize) -> bool) -> Option<usize> {
    let mut depth = 0_i32;
    for at in range {
        if depth == 0 && test(at) {
            return Some(at);
        }
        if ["(", "[", "{"]
            .iter()
            .any(|symbol| source.symbol(at, symbol))
        {
            depth += 1;
        } else if [")", "]", "}"]
            .iter()
            .any(|symbol| source.symbol(at, symbol))
        {
            depth -= 1;
        }
    }
    None
}

fn text(source: &Source<'_>, range: Range<usize>) -> String {
    source.blanked(range, "").trim().to_owned()
}
