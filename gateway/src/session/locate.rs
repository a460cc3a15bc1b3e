//! Finds the place of an error in the text that the client sent.
//!
//! DuckDB's position counts in the text that was run, which is printed from a rewritten tree. The
//! parsed tree knows where its nodes stand in the client's text, so the name or value that the
//! message quotes is looked for in it. Two nodes with the same name: the first one is shown, which
//! is the one PostgreSQL meets first as well.

use skein_executor_api::{FragmentError, FragmentErrorKind};
use skein_planner::ast::visit::{self, Descend, Node};
use skein_planner::ast::{Expr, ExprKind, Query, QueryBody, TableRefKind};

/// What the message quotes.
#[derive(Debug, PartialEq, Eq)]
enum Subject<'a> {
    Column(&'a str),
    Function(&'a str),
    Relation(&'a str),
    Value(&'a str),
}

/// The byte offset of what an error is about.
pub(super) fn locate(error: &FragmentError, parsed: &Query) -> Option<usize> {
    let subject = subject(error)?;
    let mut found = None;
    visit::walk(Node::Query(parsed), &mut |node| {
        if found.is_none() {
            found = match node {
                Node::Expr(expr) if is_about(&expr.kind, &subject) => expr.location,
                Node::Table(table) => match (&table.kind, &subject) {
                    (TableRefKind::Table { name, .. }, Subject::Relation(wanted))
                        if name.eq_ignore_ascii_case(wanted) =>
                    {
                        table.location
                    }
                    _ => None,
                },
                _ => None,
            };
        }
        if found.is_some() {
            Descend::Over
        } else {
            Descend::Into
        }
    });
    found
}

/// Says what PostgreSQL says more, where the statement tells it.
pub(super) fn qualify(error: &mut FragmentError, parsed: &Query) {
    not_grouped(error, parsed);
    unknown_unit(error, parsed);
}

/// Names the type of a value that has no such part: `date_trunc('foo', now())`.
fn unknown_unit(error: &mut FragmentError, parsed: &Query) {
    let unit = error
        .message
        .split_once("extract specifier \"")
        .and_then(|(_, rest)| rest.split_once("\" not recognized"));
    let Some((unit, _)) = unit else {
        return;
    };
    let mut found = None;
    visit::walk(Node::Query(parsed), &mut |node| {
        if let Node::Expr(Expr {
            kind: ExprKind::Function(call),
            ..
        }) = node
            && found.is_none()
            && let [first, second, ..] = call.args.as_slice()
            && is_about(&first.kind, &Subject::Value(unit))
        {
            found = type_with_units(second, &call.name);
        }
        Descend::Into
    });
    if let Some(ty) = found {
        error.message = format!("unit \"{unit}\" not recognized for type {ty}");
    }
}

/// PostgreSQL's type of an operand, where it can be seen.
fn type_with_units(expr: &Expr, function: &str) -> Option<&'static str> {
    const WITH_ZONE: &str = "timestamp with time zone";
    match &expr.kind {
        ExprKind::Function(call) if call.args.is_empty() => matches!(
            call.name.as_str(),
            "now" | "clock_timestamp" | "statement_timestamp" | "transaction_timestamp"
        )
        .then_some(WITH_ZONE),
        ExprKind::ColumnRef(names) if names.len() == 1 => {
            (names[0] == "current_timestamp").then_some(WITH_ZONE)
        }
        ExprKind::Cast { ty, .. } => match ty.id() {
            "TIMESTAMP WITH TIME ZONE" => Some(WITH_ZONE),
            "DATE" if function == "date_trunc" => Some(WITH_ZONE),
            "TIMESTAMP" => Some("timestamp without time zone"),
            "INTERVAL" => Some("interval"),
            _ => None,
        },
        _ => None,
    }
}

/// Names the relation of a column that is not grouped, as PostgreSQL does.
fn not_grouped(error: &mut FragmentError, parsed: &Query) {
    const NOT_GROUPED: &str = "\" must appear in the GROUP BY";
    let Some((start, rest)) = error.message.split_once(NOT_GROUPED) else {
        return;
    };
    let Some(column) = start.strip_prefix("column \"") else {
        return;
    };
    let mut relation = None;
    visit::walk(Node::Query(parsed), &mut |node| {
        if let Node::Query(query) = node
            && relation.is_none()
            && let QueryBody::Select(select) = &query.body
        {
            let outputs = select.select_list.iter().chain(&select.having);
            let found = { outputs }.find_map(|expr| column_in(expr, column));
            let from = &select.from;
            relation = match (found.as_deref(), &from.kind) {
                (Some([relation, _]), _) => Some(relation.clone()),
                (Some(_), TableRefKind::Table { name, .. }) if from.alias.is_empty() => {
                    Some(name.clone())
                }
                (Some(_), kind) if !matches!(kind, TableRefKind::Join { .. }) => {
                    Some(from.alias.clone()).filter(|alias| !alias.is_empty())
                }
                _ => None,
            };
        }
        Descend::Into
    });
    if let Some(relation) = relation {
        error.message = format!("column \"{relation}.{column}{NOT_GROUPED}{rest}");
    }
}

/// The parts of the name by which an expression calls a column.
fn column_in(expr: &Expr, column: &str) -> Option<Vec<String>> {
    let mut found = None;
    visit::walk(Node::Expr(expr), &mut |node| {
        if let Node::Expr(expr) = node
            && found.is_none()
            && is_about(&expr.kind, &Subject::Column(column))
            && let ExprKind::ColumnRef(parts) = &expr.kind
        {
            found = Some(parts.clone());
        }
        Descend::Into
    });
    found
}

fn is_about(kind: &ExprKind, subject: &Subject<'_>) -> bool {
    match (kind, subject) {
        (ExprKind::ColumnRef(names), Subject::Column(wanted)) => names
            .last()
            .is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
        (ExprKind::ColumnRef(names), Subject::Relation(wanted)) => {
            names.len() > 1 && names[0].eq_ignore_ascii_case(wanted)
        }
        (ExprKind::Function(call), Subject::Function(wanted)) => {
            call.name.eq_ignore_ascii_case(wanted)
        }
        (ExprKind::Window(call), Subject::Function(wanted)) => {
            call.name.eq_ignore_ascii_case(wanted)
        }
        (ExprKind::Constant(constant), Subject::Value(wanted)) => {
            constant.value.as_str() == Some(wanted)
        }
        _ => false,
    }
}

/// Reads the subject out of DuckDB's message.
fn subject(error: &FragmentError) -> Option<Subject<'_>> {
    use FragmentErrorKind as Kind;
    let line = error.message.lines().next()?;
    let between = |before: &str, after: &str| {
        let (_, rest) = line.split_once(before)?;
        rest.split_once(after).map(|(name, _)| name)
    };
    match error.kind {
        Kind::Catalog | Kind::Binder => between("Referenced column \"", "\"")
            .or_else(|| between("does not have a column named \"", "\""))
            .or_else(|| between("Ambiguous reference to column name \"", "\""))
            .or_else(|| between("column \"", "\" must appear in the GROUP BY"))
            .map(Subject::Column)
            .or_else(|| between("Referenced table \"", "\"").map(Subject::Relation))
            .or_else(|| {
                let call = between("argument types '", "(")
                    .or_else(|| between("for the function call \"", "("))
                    .or_else(|| between("Function with name ", " does not exist"))?;
                Some(Subject::Function(call.trim_matches('"')))
            }),
        Kind::Conversion => between("Could not convert string '", "' to ")
            .or_else(|| between("Could not convert string \"", "\" to "))
            .or_else(|| between("Type VARCHAR with value '", "' can't be cast"))
            .or_else(|| between("out of range: \"", "\""))
            .or_else(|| between("field format: \"", "\""))
            .map(Subject::Value)
            .or_else(|| {
                line.starts_with("Malformed JSON")
                    .then(|| between("Input: \"", "\""))?
                    .map(Subject::Value)
            }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: FragmentErrorKind, message: &str) -> FragmentError {
        FragmentError {
            kind,
            message: message.into(),
            position: None,
        }
    }

    #[test]
    fn the_subject_is_what_the_message_quotes() {
        use FragmentErrorKind::{Binder, Catalog, Conversion, Data};
        for (kind, message, expected) in [
            (
                Binder,
                "Referenced column \"a\" not found in FROM clause!",
                Some(Subject::Column("a")),
            ),
            (
                Binder,
                "No function matches the given name and argument types 'sum(VARCHAR)'. You",
                Some(Subject::Function("sum")),
            ),
            (
                Catalog,
                "Scalar Function with name nosuch does not exist!",
                Some(Subject::Function("nosuch")),
            ),
            (
                Conversion,
                "Could not convert string 'x' to INT32",
                Some(Subject::Value("x")),
            ),
            (Data, "No magic bytes", None),
        ] {
            assert_eq!(subject(&error(kind, message)), expected);
        }
    }
}
