//! The names that PostgreSQL gives to result columns without an alias.
//!
//! Follows `FigureColname` in PostgreSQL's `parse_target.c`: a function's column has its name, a
//! cast's that of what is cast or else of the type, most others are `?column?`. DuckDB would name
//! them by their whole text. The names stand beside the query, not in it as aliases, so that
//! ORDER BY and GROUP BY find what they found before.
//!
//! DuckDB's tree does not always say how a call was written (`EXTRACT`, `percentile_cont`, `~`),
//! so the text is looked at where the call begins.

use crate::ast::visit::{self, Descend, Node};
use crate::ast::{DataType, Expr, ExprKind, Query, QueryBody, Select, SubqueryKind, TableRefKind};
use crate::postgres::{names_array, written_type};

/// Words that PostgreSQL's grammar reads as values of the session.
const SESSION_WORDS: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

/// What PostgreSQL calls what has no better name.
const NO_NAME: &str = "?column?";

/// Names for the `count` result columns of a query; `None` keeps DuckDB's. To be asked before the
/// query is resolved. `text` is what was parsed.
pub fn output_names(query: &Query, text: &str, count: usize) -> Vec<Option<String>> {
    let mut names = vec![None; count];
    let Some(select) = first_select(query) else {
        return names;
    };
    if let TableRefKind::Values { .. } = &select.from.kind
        && select.from.alias == "valueslist"
    {
        return (1..=count)
            .map(|number| Some(format!("column{number}")))
            .collect();
    }
    let items = &select.select_list;
    // Before the first item of unknown width, and after the last, the places are known.
    let before = items.iter().take_while(|item| !is_wide(item)).count();
    let after = items.iter().rev().take_while(|item| !is_wide(item)).count();
    for (slot, item) in names.iter_mut().zip(&items[..before]) {
        *slot = own_name(item, text);
    }
    if before < items.len() {
        for (slot, item) in names.iter_mut().rev().zip(items.iter().rev().take(after)) {
            *slot = own_name(item, text);
        }
    }
    names
}

/// Gives the columns of a query in FROM the names by which the rest of the statement knows them.
pub(crate) fn name_inner(query: &mut Query, text: &str) {
    match &mut query.body {
        QueryBody::Select(select) => {
            for item in &mut select.select_list {
                if let Some(name) = own_name(item, text).filter(|name| name != NO_NAME) {
                    item.alias = name;
                }
            }
        }
        QueryBody::SetOperation { operands, .. } => {
            if let Some(first) = operands.first_mut() {
                name_inner(first, text);
            }
        }
        QueryBody::RecursiveCte { left, .. } => name_inner(left, text),
    }
}

/// The name of a column that is neither an alias nor that of a column.
pub(crate) fn implied_name(item: &Expr, text: &str) -> Option<String> {
    own_name(item, text).filter(|name| name != NO_NAME)
}

/// The block whose columns name those of the whole query.
fn first_select(query: &Query) -> Option<&Select> {
    match &query.body {
        QueryBody::Select(select) => Some(select),
        QueryBody::SetOperation { operands, .. } => first_select(operands.first()?),
        QueryBody::RecursiveCte { left, .. } => first_select(left),
    }
}

/// Whether DuckDB may make several columns of the item.
fn is_wide(item: &Expr) -> bool {
    let mut wide = false;
    visit::walk(Node::Expr(item), &mut |node| {
        if let Node::Expr(expr) = node {
            wide |= match &expr.kind {
                ExprKind::Star(_) => true,
                ExprKind::Function(call) => call.name == "unnest" && call.args.len() > 1,
                _ => false,
            };
        }
        // A subquery is one column, whatever it selects from.
        match node {
            Node::Query(_) => Descend::Over,
            Node::Table(_) | Node::Expr(_) => Descend::Into,
        }
    });
    wide
}

fn own_name(item: &Expr, text: &str) -> Option<String> {
    if !item.alias.is_empty() {
        return None;
    }
    match &item.kind {
        ExprKind::ColumnRef(names) => match names.as_slice() {
            [name] if SESSION_WORDS.contains(&name.as_str()) => Some(name.clone()),
            _ => None,
        },
        ExprKind::Star(_) | ExprKind::Positional(_) => None,
        _ => Some(figure(item, text).map_or_else(|| NO_NAME.to_owned(), |name| name.text)),
    }
}

/// A name, and whether it is better than that of a type.
struct Name {
    text: String,
    strong: bool,
}

impl Name {
    fn strong(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            strong: true,
        }
    }

    fn weak(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            strong: false,
        }
    }
}

fn figure(expr: &Expr, text: &str) -> Option<Name> {
    match &expr.kind {
        ExprKind::ColumnRef(names) => Some(Name::strong(names.last()?)),
        ExprKind::Function(call) if call.is_operator => None,
        ExprKind::Function(call) => call_name(&call.name, expr.location, text),
        ExprKind::Window(call) => call_name(&call.name, expr.location, text),
        ExprKind::Constant(constant) if constant.value.is_boolean() => {
            is_cast_to_boolean(expr, text).then(|| Name::weak("bool"))
        }
        ExprKind::Cast { .. } if is_bit_string(expr, text) => None,
        ExprKind::Cast { child, ty, .. } => match figure(child, text) {
            Some(name) if name.strong => Some(name),
            _ => {
                let written = expr.location.and_then(|at| written_type(text, at));
                let is_array = expr.location.is_some_and(|at| names_array(text, at));
                let written = written.map(|name| {
                    if is_array {
                        name
                    } else {
                        name.trim_start_matches('_').to_owned()
                    }
                });
                Some(Name::weak(written.unwrap_or_else(|| type_name(ty))))
            }
        },
        ExprKind::Collate { child, .. } => figure(child, text),
        ExprKind::Case { otherwise, .. } => match figure(otherwise, text) {
            Some(name) if name.strong => Some(name),
            _ => Some(Name::weak("case")),
        },
        ExprKind::Subquery(subquery) => match subquery.kind {
            SubqueryKind::Exists | SubqueryKind::NotExists => Some(Name::strong("exists")),
            SubqueryKind::Scalar
                if word_before(text, expr.location)
                    .is_some_and(|word| word.eq_ignore_ascii_case("array")) =>
            {
                Some(Name::strong("array"))
            }
            SubqueryKind::Scalar => {
                let item = first_select(&subquery.query)?.select_list.first()?;
                if item.alias.is_empty() {
                    figure(item, text)
                } else {
                    Some(Name::strong(&item.alias))
                }
            }
            SubqueryKind::Any => None,
        },
        ExprKind::Operator { op, children } => match op.as_str() {
            "OPERATOR_COALESCE" => Some(Name::strong("coalesce")),
            "GROUPING_FUNCTION" => Some(Name::strong("grouping")),
            "OPERATOR_TRY" => Some(Name::strong("try")),
            "ARRAY_CONSTRUCTOR" => Some(Name::strong("array")),
            "ARRAY_EXTRACT" | "ARRAY_SLICE" => figure(children.first()?, text),
            "STRUCT_EXTRACT" => match &children.get(1)?.kind {
                ExprKind::Constant(field) => Some(Name::strong(field.value.as_str()?)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Whether a truth value was written `'t'::bool`, which the parser does not tell from `true`.
fn is_cast_to_boolean(expr: &Expr, text: &str) -> bool {
    let written = expr.location.and_then(|at| text.get(at..));
    written.is_some_and(|written| {
        let word: String = written
            .chars()
            .take_while(|it| it.is_alphabetic())
            .collect();
        !matches!(word.to_ascii_lowercase().as_str(), "true" | "false")
    })
}

/// Whether it is a constant such as `B'101'`.
fn is_bit_string(expr: &Expr, text: &str) -> bool {
    let written = expr.location.and_then(|at| text.get(at..));
    matches!(
        written.map(str::as_bytes),
        Some([b'b' | b'B' | b'x' | b'X', b'\'', ..])
    )
}

/// The name of a call as it was written.
fn call_name(name: &str, location: Option<usize>, text: &str) -> Option<Name> {
    let start = location
        .and_then(|location| text.get(location..))
        .unwrap_or_default();
    match start.as_bytes().first() {
        Some(b'[') => return Some(Name::strong("array")),
        Some(b'{' | b'(') => return Some(Name::strong("row")),
        _ => {}
    }
    let written = called(start).map(str::to_ascii_lowercase);
    match written.as_deref() {
        Some("trim") => Some(Name::strong(match name {
            "ltrim" => "ltrim",
            "rtrim" => "rtrim",
            _ => "btrim",
        })),
        // A name that stands in the text in disguise.
        Some(word) if word.ends_with('$') => Some(Name::strong(name)),
        Some(word) => Some(Name::strong(word)),
        None => match name {
            "count_star" => Some(Name::strong("count")),
            "list_value" => Some(Name::strong("array")),
            "row" | "struct_pack" => Some(Name::strong("row")),
            "timezone" => Some(Name::strong("timezone")),
            _ if name.starts_with("to_") && is_interval(start, location, text) => {
                Some(Name::weak("interval"))
            }
            _ if location.is_none() && !name.contains("like_escape") && name != "contains" => {
                Some(Name::strong(name))
            }
            _ => None,
        },
    }
}

/// Whether a call was written `INTERVAL '3' DAY`. It stands where the constant does, or the word.
fn is_interval(start: &str, location: Option<usize>, text: &str) -> bool {
    let is_word = |word: &str| word.eq_ignore_ascii_case("interval");
    start.get(..8).is_some_and(is_word) || word_before(text, location).is_some_and(is_word)
}

/// The last part of `a.b.c` before an opening parenthesis or bracket.
fn called(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (word, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"')?
        } else {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len());
            rest.split_at(end)
        };
        let after = after.trim_start();
        match after.as_bytes().first() {
            Some(b'.') => rest = after[1..].trim_start(),
            Some(b'(' | b'[') if !word.is_empty() => return Some(word),
            _ => return None,
        }
    }
}

/// The word before the parenthesis at `location`.
fn word_before(text: &str, location: Option<usize>) -> Option<&str> {
    let before = text.get(..location?)?.trim_end();
    let start = before
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |at| at + 1);
    before.get(start..)
}

/// PostgreSQL's name of a type, without schema, modifiers or brackets.
fn type_name(ty: &DataType) -> String {
    let mut value = &ty.0;
    while matches!(value["id"].as_str(), Some("LIST" | "ARRAY")) {
        value = &value["type_info"]["child_type"];
    }
    let name = match value["id"].as_str().unwrap_or_default() {
        "BOOLEAN" => "bool",
        "SMALLINT" => "int2",
        "INTEGER" => "int4",
        "BIGINT" => "int8",
        "FLOAT" => "float4",
        "DOUBLE" => "float8",
        "DECIMAL" => "numeric",
        "VARCHAR" => "text",
        "BLOB" => "bytea",
        "TIMESTAMP WITH TIME ZONE" => "timestamptz",
        "TIME WITH TIME ZONE" => "timetz",
        "STRUCT" => "row",
        "UNBOUND" => value["type_info"]["name"].as_str().unwrap_or_default(),
        other => other,
    };
    name.to_ascii_lowercase()
}
