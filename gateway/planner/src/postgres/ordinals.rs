//! Constants in ORDER BY and GROUP BY, which stand for the position of a column.
//!
//! PostgreSQL refuses every constant that is no integer, since it cannot have been meant. DuckDB sorts
//! by it when the setting `order_by_non_integer_literal` lets it, which it does here: as a sort key
//! of an aggregate such a constant is allowed by PostgreSQL as well.

use super::RewriteError;
use crate::ast::{Expr, ExprKind, Modifier, Query, QueryBody};

/// Checks the clauses of one query, not of those inside of it.
pub(super) fn check(query: &Query) -> Result<(), RewriteError> {
    for modifier in &query.modifiers {
        if let Modifier::OrderBy(keys) = modifier {
            for key in keys {
                integer(&key.expr, "ORDER BY")?;
            }
        }
    }
    if let QueryBody::Select(select) = &query.body {
        for key in &select.group_by {
            integer(key, "GROUP BY")?;
        }
    }
    Ok(())
}

fn integer(key: &Expr, clause: &'static str) -> Result<(), RewriteError> {
    let ExprKind::Constant(constant) = &key.kind else {
        return Ok(());
    };
    if constant.ty.id() == "INTEGER" {
        return Ok(());
    }
    Err(RewriteError::NotAPosition {
        clause,
        position: key.location,
    })
}
