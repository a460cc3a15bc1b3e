//! PostgreSQL's functions that DuckDB lacks or means otherwise, as macros that every instance of
//! DuckDB has, in a schema of their own.
//!
//! ```text
//! functions/*.sql ─┬─► statements() ─► every instance, before it is locked down
//!                  └─► names() ─► the planner calls `skein_fn.name` where a query says `name`
//! ```
//!
//! They stand here because the planner, which names them, and the executors, which have them, must
//! agree: a fragment may run in another process. A macro is SQL, so whole and split queries mean the
//! same; it is inlined when the query is bound, so it costs what its text costs.
//!
//! A macro refuses a value with `error('[substring_error] negative substring length not allowed')`:
//! in brackets stands PostgreSQL's name of the condition, from which the gateway knows the SQLSTATE;
//! lines that begin with `DETAIL: ` and `HINT: ` may follow. `error` stands outside of lambdas, or
//! DuckDB does not fold what is constant.
//!
//! Invariants: macros depend on nothing but their arguments and the settings of the connection; a
//! name that starts with `skein_` is for other macros and for rewrites of operators and syntax.

mod shape;

use std::collections::{BTreeMap, BTreeSet};

pub use shape::Shape;

/// The schema that holds them.
pub const SCHEMA: &str = "skein_fn";

/// One file per kind of function; a macro stands after those it calls. In each, a statement ends a
/// line with a semicolon and begins a line with `CREATE MACRO skein_fn.`.
const FILES: &[&str] = &[
    include_str!("functions/numbers.sql"),
    include_str!("functions/sessions.sql"),
    include_str!("functions/patterns.sql"),
    include_str!("functions/text.sql"),
    include_str!("functions/times.sql"),
    include_str!("functions/limits.sql"),
    OVER_JSON[0],
    OVER_JSON[1],
    include_str!("functions/arrays.sql"),
];

/// Those of them over JSON.
const OVER_JSON: [&str; 2] = [
    include_str!("functions/json.sql"),
    include_str!("functions/jsonpath.sql"),
];

const CREATE: &str = "CREATE MACRO skein_fn.";

/// SQL that makes the schema and its macros, to be run in order.
pub fn statements() -> Vec<String> {
    let create = FILES.iter().flat_map(|file| {
        file.split(";\n")
            .map(|statement| fields_by_name(&without_comments(statement)))
            .filter(|statement| !statement.is_empty())
    });
    std::iter::once(format!("CREATE SCHEMA {SCHEMA}"))
        .chain(create)
        .collect()
}

/// The names of all macros, lower case.
pub fn all() -> BTreeSet<&'static str> {
    FILES
        .iter()
        .flat_map(|file| file.lines())
        .filter_map(|line| line.strip_prefix(CREATE))
        .filter_map(|rest| rest.split('(').next())
        .collect()
}

/// The names that queries call as functions of PostgreSQL's.
pub fn names() -> BTreeSet<&'static str> {
    let mut names = all();
    names.retain(|name| !name.starts_with("skein_"));
    names
}

/// The names of macros over JSON.
pub fn over_json() -> BTreeSet<&'static str> {
    let parts = OVER_JSON.iter().flat_map(|file| file.split(CREATE).skip(1));
    parts.filter_map(|part| part.split('(').next()).collect()
}

/// Those that may refuse a value inside of a lambda, by `error` or a cast, themselves or in a macro they call.
pub fn refusing_in_lambdas() -> BTreeSet<&'static str> {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for part in FILES.iter().flat_map(|file| file.split(CREATE).skip(1)) {
        if let Some((name, text)) = part.split_once('(') {
            texts.entry(name).or_default().push_str(text);
        }
    }
    let refuses =
        |text: &str| text.contains("error(") || text.replace("TRY_CAST(", "").contains("CAST(");
    let refusing = reaching(&texts, &refuses);
    let mut names = reaching(&texts, &|text| text.contains("lambda "));
    names.retain(|name| refusing.contains(name));
    names
}

/// The macros whose text has something, or that of a macro they call.
fn reaching<'a>(
    texts: &BTreeMap<&'a str, String>,
    has: &dyn Fn(&str) -> bool,
) -> BTreeSet<&'a str> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    loop {
        let calls = |text: &str| {
            text.split("skein_fn.").skip(1).any(|rest| {
                rest.split_once('(')
                    .is_some_and(|(name, _)| found.contains(name))
            })
        };
        let more: Vec<&str> = texts
            .iter()
            .filter(|(name, text)| !found.contains(*name) && (has(text) || calls(text)))
            .map(|(name, _)| *name)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// What calls of the macros become, by name.
pub fn shapes() -> BTreeMap<String, Shape> {
    shape::shapes(&statements(), CREATE)
}

fn without_comments(statement: &str) -> String {
    let lines = statement
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Writes the fields of a lambda's parameters as `it['x']`: in HAVING DuckDB takes `it.x` for a column.
fn fields_by_name(statement: &str) -> String {
    let lambdas = statement.split("lambda ").skip(1);
    let parameters: BTreeSet<&str> = lambdas
        .filter_map(|rest| rest.split_once(':'))
        .flat_map(|(names, _)| names.split(',').map(str::trim))
        .collect();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut written = String::with_capacity(statement.len());
    for (at, piece) in statement.split('\'').enumerate() {
        if at > 0 {
            written.push('\'');
        }
        // What stands between quotes is a text.
        let mut rest = piece;
        while at % 2 == 0 && !rest.is_empty() {
            let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let field = after
                .strip_prefix('.')
                .filter(|_| parameters.contains(name))
                .map(|field| &field[..field.find(|c| !is_of_name(c)).unwrap_or(field.len())]);
            written.push_str(name);
            rest = if let Some(field) = field {
                written.extend(["['", field, "']"]);
                &after[1 + field.len()..]
            } else {
                let other = after.find(is_of_name).unwrap_or(after.len());
                written.push_str(&after[..other]);
                &after[other..]
            };
        }
        if at % 2 == 1 {
            written.push_str(piece);
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_parameters_of_lambdas_are_named_by_texts() {
        assert_eq!(
            fields_by_name("a.b || f([x], lambda it, n: it.b || its.c || ' it.b ' || it.b[1])"),
            "a.b || f([x], lambda it, n: it['b'] || its.c || ' it.b ' || it['b'][1])"
        );
    }

    #[test]
    fn every_statement_makes_a_macro_that_has_a_name() {
        let statements = statements();
        assert!(statements.len() > 1);
        for statement in &statements[1..] {
            assert!(statement.starts_with(CREATE), "{statement}");
        }
        assert!(names().contains("initcap"));
        let shapes = shapes();
        for name in all() {
            assert!(shapes[name].size > 0, "{name}");
        }
    }
}
