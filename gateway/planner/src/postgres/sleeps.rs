//! `SELECT pg_sleep(1)`: waiting that needs no thread of DuckDB's.
//!
//! Clients wait by a statement of its own, many of them at a time. Such a statement becomes one over a
//! constant, and whoever runs it waits before. Wherever else `pg_sleep` stands, it is called.

use super::node;
use crate::ast::{Expr, ExprKind, Query, QueryBody, TableRefKind, print};

/// Takes the calls out of a `SELECT` of one row, and gives their arguments as numbers in text.
pub(super) fn take(query: &mut Query) -> Vec<String> {
    let QueryBody::Select(select) = &mut query.body else {
        return Vec::new();
    };
    let one_row = matches!(select.from.kind, TableRefKind::Empty)
        && select.where_clause.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && query.ctes.is_empty()
        && query.modifiers.is_empty();
    if !one_row {
        return Vec::new();
    }
    let calls = select.select_list.iter_mut().filter_map(|expr| {
        let seconds = seconds(expr)?;
        let alias = if expr.alias.is_empty() {
            "pg_sleep".to_owned()
        } else {
            std::mem::take(&mut expr.alias)
        };
        *expr = Expr {
            location: expr.location,
            ..node::text("").named(alias)
        };
        Some(seconds)
    });
    calls.collect()
}

/// The argument of a call, if it is a number.
fn seconds(expr: &Expr) -> Option<String> {
    let ExprKind::Function(call) = &expr.kind else {
        return None;
    };
    let [argument] = call.args.as_slice() else {
        return None;
    };
    if call.name != "pg_sleep" || !matches!(call.schema.as_str(), "" | "pg_catalog") {
        return None;
    }
    let text = print::expr_sql(argument);
    text.parse::<f64>().ok().map(|_| text)
}
