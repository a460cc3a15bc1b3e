//! Literals that PostgreSQL has and DuckDB's parser reads as something else without a word.
//!
//! What it parses as PostgreSQL does but means differently is put right by [`crate::postgres`].

use serde_json::Value;

use crate::ast::visit::{self, Descend, NodeMut};
use crate::ast::{Constant, Expr, ExprKind, Query};

/// Rewrites a query that was parsed from `text`.
pub(super) fn apply(query: &mut Query, text: &str) {
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            bit_string(expr, text);
        }
        Descend::Into
    });
}

/// `B'101'` and `X'1f'` are bit strings; DuckDB reads `b101` and `x1f`.
fn bit_string(expr: &mut Expr, text: &str) {
    let ExprKind::Constant(Constant {
        value: Value::String(value),
        ..
    }) = &expr.kind
    else {
        return;
    };
    let Some(start) = expr.location.and_then(|at| text.get(at..)) else {
        return;
    };
    let digits = match start.as_bytes() {
        [b'b' | b'B', b'\'', ..] => value.get(1..).map(str::to_owned),
        [b'x' | b'X', b'\'', ..] => value.get(1..).and_then(|digits| {
            digits
                .chars()
                .map(|digit| digit.to_digit(16).map(|digit| format!("{digit:04b}")))
                .collect()
        }),
        _ => return,
    };
    if let Some(digits) = digits {
        expr.kind = Expr::string(digits).cast_to("BIT").kind;
    }
}
