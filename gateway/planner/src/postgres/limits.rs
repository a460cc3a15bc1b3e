//! Negative numbers of rows in LIMIT and OFFSET.
//!
//! DuckDB refuses them when it binds a query, PostgreSQL when it runs it: only then are the columns
//! known to the client, and only then is it an error at all.

use super::node;
use crate::ast::{Expr, ExprKind, Modifier, Query};

/// Makes negative constants errors of running the query.
pub(super) fn negative(query: &mut Query) {
    for modifier in &mut query.modifiers {
        let Modifier::Limit { limit, offset } = modifier else {
            continue;
        };
        for (clause, rows) in [("LIMIT", limit), ("OFFSET", offset)] {
            if let Some(rows) = rows.as_mut().filter(|rows| is_negative(rows)) {
                let message = node::text(&format!("{clause} must not be negative"));
                let error = node::call("", "error", vec![message]);
                *rows = node::cast(error, node::plain_type("BIGINT"));
            }
        }
    }
}

/// Whether an expression is a constant below zero, as far as its text tells.
fn is_negative(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => match &constant.value {
            serde_json::Value::Number(number) => number.to_string().starts_with('-'),
            serde_json::Value::String(text) => text.trim_start().starts_with('-'),
            _ => false,
        },
        ExprKind::Cast { child, .. } => is_negative(child),
        _ => false,
    }
}
