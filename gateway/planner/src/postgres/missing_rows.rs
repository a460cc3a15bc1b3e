//! Whole rows of the side of an outer join that has none: NULL in PostgreSQL, a row of NULLs in DuckDB.
//!
//! ```text
//! SELECT row_to_json(b), count(b) FROM a LEFT JOIN b ON …
//! b  ─►  CASE WHEN b.id IS NOT NULL OR b.name IS NOT NULL THEN b END
//! ```
//!
//! A row of NULLs that does stand in `b` is told apart by nothing, and is NULL as well.

use super::{node, typed, whole_rows};
use crate::ast::visit::{Node, any};
use crate::ast::{Expr, ExprKind, JoinKind, Query, QueryBody, TableRef, TableRefKind};

/// Whether a query may hold such rows.
pub(super) fn may_concern(query: &Query) -> bool {
    let mut names: Vec<&str> = Vec::new();
    let mut outer: Vec<&TableRef> = Vec::new();
    any(Node::Query(query), &mut |node| {
        match node {
            Node::Query(Query {
                body: QueryBody::Select(select),
                ..
            }) if whole_rows::is_outer(&select.from) => outer.push(&select.from),
            Node::Expr(expr) => names.extend(name(expr)),
            _ => {}
        }
        false
    });
    outer
        .into_iter()
        .any(|from| names.iter().any(|name| is_nullable(from, name)))
}

/// What may be the name of a whole row.
pub(super) fn name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::ColumnRef(names) => match names.as_slice() {
            [name] => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Whether something in FROM is called so, and a join may bring rows without it.
pub(super) fn is_nullable(table: &TableRef, name: &str) -> bool {
    let TableRefKind::Join(join) = &table.kind else {
        return false;
    };
    let (left, right) = match join.kind {
        JoinKind::Left => (false, true),
        JoinKind::Right => (true, false),
        JoinKind::Full => (true, true),
        _ => (false, false),
    };
    let side = |table: &TableRef, nullable: bool| {
        if nullable {
            whole_rows::stands_in(table, name)
        } else {
            is_nullable(table, name)
        }
    };
    side(&join.left, left) || side(&join.right, right)
}

/// Whether an expression looks at a whole row by itself, and finds none there.
pub(super) fn is_aware(expr: &Expr) -> bool {
    typed::tested(expr).is_some() || whole_rows::counted(expr).is_some()
}

/// Makes NULL of `row`, a name, where all `fields` are.
pub(super) fn or_null(row: &mut Expr, fields: &[String]) {
    let Some(name) = name(row).map(str::to_owned) else {
        return;
    };
    if fields.is_empty() {
        return;
    }
    let is_there = whole_rows::is_there(&name, fields);
    let there = node::expr(row.kind.clone());
    row.kind = ExprKind::Case {
        checks: vec![(is_there, there)],
        otherwise: Box::new(node::null()),
    };
}
