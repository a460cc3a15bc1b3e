//! Gives every fragment of a statement the same time.
//!
//! PostgreSQL's `now()` is the start of the transaction. Fragments run in transactions of their own,
//! so the planner writes the time into them; DuckDB still converts it, by the session's time zone.

use crate::ast::visit::{self, Descend, Node, NodeMut};
use crate::ast::{Expr, ExprKind, Query};

/// Whether a statement asks for the current time in any form.
pub fn reads_clock(query: &Query) -> bool {
    visit::any(Node::Query(query), &mut |node| match node {
        Node::Expr(expr) => type_of(expr).is_some(),
        _ => false,
    })
}

/// Replaces the current time in a statement by `now`, a timestamp with its offset from UTC such as
/// `2026-11-22 09:30:00.123456+00`.
pub fn bind_clock(query: &mut Query, now: &str) {
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let Some(ty) = type_of(expr)
        {
            let instant = Expr::string(now).cast_to("TIMESTAMP WITH TIME ZONE");
            let value = match ty {
                "TIMESTAMP WITH TIME ZONE" => instant,
                "TIME" => instant.cast_to("TIMESTAMP").cast_to("TIME"),
                ty => instant.cast_to(ty),
            };
            let alias = std::mem::take(&mut expr.alias);
            *expr = Expr {
                location: expr.location,
                ..value.named(alias)
            };
            return Descend::Over;
        }
        Descend::Into
    });
}

/// Whether an expression is replaced by the current time.
pub(crate) fn gives_time(expr: &Expr) -> bool {
    type_of(expr).is_some()
}

/// DuckDB's type of an expression that gives the current time; `None` for any other.
fn type_of(expr: &Expr) -> Option<&'static str> {
    let name = match &expr.kind {
        ExprKind::Function(call) if call.args.is_empty() && !call.is_operator => &call.name,
        // Without parentheses it looks like a column, as DuckDB parses it.
        ExprKind::ColumnRef(names) if names.len() == 1 => &names[0],
        _ => return None,
    };
    let bare = matches!(expr.kind, ExprKind::ColumnRef(_));
    match (name.to_ascii_lowercase().as_str(), bare) {
        ("current_timestamp", _)
        | (
            "now" | "transaction_timestamp" | "statement_timestamp" | "get_current_timestamp",
            false,
        ) => Some("TIMESTAMP WITH TIME ZONE"),
        ("current_date", _) | ("today", false) => Some("DATE"),
        ("localtimestamp", true) | ("current_localtimestamp", false) => Some("TIMESTAMP"),
        ("current_time", true) | ("get_current_time", false) => Some("TIME WITH TIME ZONE"),
        ("localtime", true) | ("current_localtime", false) => Some("TIME"),
        _ => None,
    }
}
