//! What ORDER BY and GROUP BY name among result columns: positions and names.
//!
//! A constant stands for the position of a column. PostgreSQL refuses every constant that is no integer, since it cannot
//! have been meant. DuckDB sorts by it when the setting `order_by_non_integer_literal` lets it, which it does here: as a
//! sort key of an aggregate such a constant is allowed by PostgreSQL as well.
//!
//! Of two columns with the name of a sort key DuckDB takes the first.

use super::RewriteError;
use crate::ast::{Expr, ExprKind, Modifier, Query, QueryBody, print};

/// Checks the clauses of one query, not of those inside of it.
pub(super) fn check(query: &Query) -> Result<(), RewriteError> {
    let items = items(query);
    for modifier in &query.modifiers {
        if let Modifier::OrderBy(keys) = modifier {
            for key in keys {
                integer(&key.expr, "ORDER BY", items)?;
                named_once(&key.expr, items)?;
            }
        }
    }
    if let QueryBody::Select(select) = &query.body {
        for key in &select.group_by {
            integer(key, "GROUP BY", items)?;
        }
    }
    Ok(())
}

/// The result columns, as far as they show.
fn items(query: &Query) -> &[Expr] {
    match &query.body {
        QueryBody::Select(select) => &select.select_list,
        QueryBody::SetOperation { operands, .. } => operands.first().map_or(&[], items),
        QueryBody::RecursiveCte { .. } => &[],
    }
}

fn integer(key: &Expr, clause: &'static str, items: &[Expr]) -> Result<(), RewriteError> {
    let ExprKind::Constant(constant) = &key.kind else {
        return Ok(());
    };
    let position = key.location;
    if constant.ty.id() != "INTEGER" {
        return Err(RewriteError::NotAPosition { clause, position });
    }
    let Some(place) = constant.value.as_i64() else {
        return Ok(());
    };
    let is_star = |item: &Expr| matches!(item.kind, ExprKind::Star(_));
    let is_there = usize::try_from(place).is_ok_and(|place| (1..=items.len()).contains(&place));
    if is_there || items.is_empty() || items.iter().any(is_star) {
        return Ok(());
    }
    Err(RewriteError::NoPosition {
        clause,
        place,
        position,
    })
}

/// Whether several columns that are not the same have the name of a sort key.
fn named_once(key: &Expr, items: &[Expr]) -> Result<(), RewriteError> {
    let ExprKind::ColumnRef(names) = &key.kind else {
        return Ok(());
    };
    let [name] = names.as_slice() else {
        return Ok(());
    };
    let mut found = items.iter().filter(|item| item.alias == *name);
    let Some(first) = found.next() else {
        return Ok(());
    };
    // Columns of one name may be one column, of a join with USING.
    let column = |item: &Expr| match &item.kind {
        ExprKind::ColumnRef(names) => names.last().cloned(),
        _ => None,
    };
    let is_other = |item: &Expr| match (column(first), column(item)) {
        (Some(one), Some(other)) => one != other,
        _ => print::expr_sql(first) != print::expr_sql(item),
    };
    if found.any(is_other) {
        return Err(RewriteError::Ambiguous {
            name: name.clone(),
            position: key.location,
        });
    }
    Ok(())
}
