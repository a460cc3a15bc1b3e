//! Pieces of SQL text.

use crate::pattern;

/// A string literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A quoted identifier.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A list of file paths, written so that DuckDB takes none of them for a glob.
pub(crate) fn paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> String {
    let literals: Vec<String> = paths
        .into_iter()
        .map(|path| literal(&pattern::escape(path)))
        .collect();
    format!("[{}]", literals.join(", "))
}
