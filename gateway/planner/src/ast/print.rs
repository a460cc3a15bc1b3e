//! Writes the typed tree as SQL that DuckDB's parser turns into the same tree again.
//!
//! The text is also what EXPLAIN shows, so parentheses and quotes appear only where they are
//! needed. Where two spellings give the same tree the plainer one is written: `true`, `[1, 2]`,
//! `x NOT IN (…)`, `INTERVAL 3 DAY`.
//!
//! ```text
//! Query ─► SqlTemplate: text, with a hole for every TableRefKind::Scan
//! ```
//!
//! Recursion follows the tree, whose depth [`super::json`] bounds.

mod expr;
mod literal;
mod names;
mod query;
mod table;
mod types;
mod window;

use skein_executor_api::{SqlPart, SqlTemplate};

use super::{DataType, Expr, Query};

pub use names::{identifier, qualified_name, string};

/// Writes a query.
pub fn sql(query: &Query) -> SqlTemplate {
    let mut printer = Printer::default();
    printer.query(query);
    printer.template()
}

/// Writes a query that reads no scans, or whose scans need not be told apart: they appear as
/// `$scan0`.
pub fn query_sql(query: &Query) -> String {
    let mut printer = Printer::default();
    printer.query(query);
    printer.text()
}

/// Writes an expression. Its alias is not part of it.
pub fn expr_sql(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr);
    printer.text()
}

/// Writes a type.
pub fn type_sql(ty: &DataType) -> String {
    types::sql(ty)
}

pub(crate) use window::is_frame_bound;

/// Text and holes written so far.
#[derive(Default)]
struct Printer {
    parts: Vec<SqlPart>,
    tail: String,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.tail.push_str(text);
    }

    /// A hole that is filled per fragment.
    fn hole(&mut self, part: SqlPart) {
        if !self.tail.is_empty() {
            self.parts
                .push(SqlPart::Text(std::mem::take(&mut self.tail)));
        }
        self.parts.push(part);
    }

    /// Writes items with something between them.
    fn list<T>(&mut self, items: &[T], separator: &str, mut write: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            write(self, item);
        }
    }

    /// `(a, "B", c)`
    fn names(&mut self, names: &[String]) {
        self.push("(");
        self.list(names, ", ", |printer, name| printer.push(&identifier(name)));
        self.push(")");
    }

    fn template(mut self) -> SqlTemplate {
        if !self.tail.is_empty() {
            self.parts.push(SqlPart::Text(self.tail));
        }
        SqlTemplate { parts: self.parts }
    }

    fn text(self) -> String {
        let mut text = String::new();
        for part in self.template().parts {
            match part {
                SqlPart::Text(part) => text.push_str(&part),
                SqlPart::Scan(index) => {
                    text.push_str("$scan");
                    text.push_str(&index.to_string());
                }
                SqlPart::FragmentIndex => text.push_str("$fragment"),
            }
        }
        text
    }
}
