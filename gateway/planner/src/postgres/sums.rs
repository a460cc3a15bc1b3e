//! The type of sums of small integers: `bigint`, as in PostgreSQL.
//!
//! DuckDB sums every integer type to HUGEINT, which clients see as `numeric`. PostgreSQL does so
//! for `bigint` only; the sum of a `smallint` or `integer` is a `bigint`. [`super::settle`] casts the
//! sums whose arguments can be described; what it leaves is put right in the result columns here.
//!
//! Which columns those are, DuckDB tells: `max` gives the type of its argument, so a column that is
//! HUGEINT in the statement and INTEGER or smaller once every `sum` in it is a `max`, is built from
//! sums of small integers.

use skein_executor_api::{Column, FragmentError};

use super::node;
use crate::ast::print;
use crate::ast::visit::{Descend, Node, NodeMut, any, walk_mut};
use crate::ast::{Expr, ExprKind, Query, QueryBody};
use crate::bind::Bind;

/// Casts result columns of `query` that PostgreSQL gives as `bigint`. `columns` are those that bind
/// reported; returns `true` when the query changed, so that it has to be described again.
pub fn narrow(
    query: &mut Query,
    columns: &[Column],
    bind: &dyn Bind,
) -> Result<bool, FragmentError> {
    if !columns.iter().any(|column| column.ty == "HUGEINT") || !has_sum(query) {
        return Ok(false);
    }
    let mut probe = query.clone();
    walk_mut(NodeMut::Query(&mut probe), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            replace_sum(expr);
        }
        Descend::Into
    });
    // A query that only works with sums keeps its types.
    let Ok(narrow) = bind.describe(&print::query_sql(&probe)) else {
        return Ok(false);
    };
    if narrow.len() != columns.len() {
        return Ok(false);
    }
    let small = |index: usize| {
        columns[index].ty == "HUGEINT"
            && matches!(
                narrow[index].ty.as_str(),
                "TINYINT" | "SMALLINT" | "INTEGER" | "UTINYINT" | "USMALLINT"
            )
    };
    let wanted: Vec<bool> = (0..columns.len()).map(small).collect();
    Ok(wanted.contains(&true) && cast_columns(query, &wanted))
}

fn has_sum(query: &Query) -> bool {
    any(Node::Query(query), &mut |node| match node {
        Node::Expr(expr) => is_sum(expr),
        _ => false,
    })
}

fn is_sum(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) => call.name.eq_ignore_ascii_case("sum"),
        ExprKind::Window(window) => window.name.eq_ignore_ascii_case("sum"),
        _ => false,
    }
}

fn replace_sum(expr: &mut Expr) {
    if !is_sum(expr) {
        return;
    }
    match &mut expr.kind {
        ExprKind::Function(call) => "max".clone_into(&mut call.name),
        ExprKind::Window(window) => "max".clone_into(&mut window.name),
        _ => {}
    }
}

/// Casts the wanted columns in every block that gives the result; `false` when a star hides which
/// expression is which column.
fn cast_columns(query: &mut Query, wanted: &[bool]) -> bool {
    match &mut query.body {
        QueryBody::Select(select) => {
            let plain = select.select_list.len() == wanted.len()
                && !select
                    .select_list
                    .iter()
                    .any(|expr| matches!(expr.kind, ExprKind::Star(_)));
            if !plain {
                return false;
            }
            for (expr, wanted) in select.select_list.iter_mut().zip(wanted) {
                if !wanted {
                    continue;
                }
                let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
                let inner = std::mem::replace(expr, node::null());
                *expr = node::cast(inner, node::plain_type("BIGINT"));
                (expr.alias, expr.location) = (alias, location);
            }
            true
        }
        QueryBody::SetOperation { operands, .. } => {
            let mut copy = operands.clone();
            let all = copy.iter_mut().all(|operand| cast_columns(operand, wanted));
            if all {
                *operands = copy;
            }
            all
        }
        QueryBody::RecursiveCte { .. } => false,
    }
}
