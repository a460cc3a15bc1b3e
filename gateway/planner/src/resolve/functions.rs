//! Which functions a statement may call.
//!
//! `functions.txt` lists every scalar function, aggregate and macro of the pinned DuckDB but those
//! in [`DENIED`]; a test compares both with the engine. A function that is in neither is unknown,
//! so what a newer DuckDB or an extension adds has to be let in on purpose. Table functions are
//! denied unless they are in [`TABLE_FUNCTIONS`]: most read files or the engine's own state.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Functions that reach the engine's settings, sequences or logs, the program around it, or what
/// differs from connection to connection.
pub(crate) const DENIED: &[&str] = &[
    "current_connection_id",
    "current_query",
    "current_query_id",
    "current_setting",
    "current_transaction_id",
    "currval",
    "getenv",
    "getvariable",
    "in_search_path",
    "json_serialize_plan",
    "nextval",
    "setseed",
    "skein_host",
    "txid_current",
    "write_log",
];

/// Table functions that only compute.
pub(crate) const TABLE_FUNCTIONS: &[&str] = &[
    "generate_series",
    "icu_calendar_names",
    "json_each",
    "json_tree",
    "pg_timezone_names",
    "range",
    "repeat",
    "repeat_row",
    "test_all_types",
    "unnest",
];

/// Macros for FROM that take the name of a table, and so of a file, as text. An aggregate has the
/// same name as one of them.
const TABLE_MACROS: &[&str] = &["histogram", "histogram_values", "summary"];

/// Prefixes of table functions, so that those of extensions are refused rather than unknown.
const DENIED_PREFIXES: &[&str] = &[
    "arrow_scan",
    "delta_",
    "duckdb_",
    "glob",
    "iceberg_",
    "json_execute",
    "mysql_",
    "parquet_",
    "postgres_",
    "pragma_",
    "query",
    "read_",
    "seq_scan",
    "sniff_",
    "sqlite_",
    "which_secret",
    "__internal",
];

static ALLOWED: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| include_str!("functions.txt").lines().collect());

/// What may be done with a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Allowed,
    Denied,
    Unknown,
}

/// Names that DuckDB's parser makes functions of, although its list of functions has none.
const SYNTAX: &[&str] = &["unnest"];

/// Looks up a function that is called in an expression.
pub(crate) fn scalar(name: &str) -> Access {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    if ALLOWED.contains(name) || SYNTAX.contains(&name) {
        Access::Allowed
    } else {
        refused(name)
    }
}

/// Functions of windows only.
const OF_WINDOWS: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Whether a function needs a window to be called.
pub(crate) fn is_window(schema: &str, name: &str) -> bool {
    matches!(schema, "" | "pg_catalog") && OF_WINDOWS.contains(&name.to_ascii_lowercase().as_str())
}

/// Looks up a function that is called in FROM.
pub(crate) fn table(name: &str) -> Access {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    if TABLE_MACROS.contains(&name) {
        Access::Denied
    } else if TABLE_FUNCTIONS.contains(&name) || ALLOWED.contains(name) {
        // DuckDB says itself that a scalar function is none for FROM.
        Access::Allowed
    } else {
        refused(name)
    }
}

fn refused(name: &str) -> Access {
    let denied = DENIED.contains(&name)
        || DENIED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    if denied {
        Access::Denied
    } else {
        Access::Unknown
    }
}

/// The allowed function whose name is most like `name`.
pub(crate) fn similar(name: &str) -> Option<String> {
    nearest(
        name,
        ALLOWED
            .iter()
            .copied()
            .chain(TABLE_FUNCTIONS.iter().copied()),
    )
    .map(str::to_owned)
}

/// The known name most like `name`, if any is much like it.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    known
        .map(|known| {
            (
                strsim::damerau_levenshtein(&name, &known.to_ascii_lowercase()),
                known,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, known)| known)
}
