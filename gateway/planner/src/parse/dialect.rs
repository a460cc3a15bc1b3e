//! What PostgreSQL means by a few operators and literals that DuckDB reads otherwise.

use serde_json::Value;

use crate::ast::visit::{self, Descend, NodeMut};
use crate::ast::{Constant, Expr, ExprKind, Query};

/// Rewrites a query that was parsed from `text`.
pub(super) fn apply(query: &mut Query, text: &str) {
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            regular_expression(expr, text);
            bit_string(expr, text);
        }
        Descend::Into
    });
}

/// `~` asks whether a part matches; to DuckDB it is SIMILAR TO, which asks for the whole. It has
/// no `~*`.
fn regular_expression(expr: &mut Expr, text: &str) {
    let written = |location: Option<usize>| location.and_then(|at| text.get(at..));
    let location = expr.location;
    match &mut expr.kind {
        ExprKind::Function(call) if call.is_operator && call.args.len() == 2 => {
            let negated = match call.name.as_str() {
                "~*" => false,
                "!~*" => true,
                _ => return,
            };
            let mut args = std::mem::take(&mut call.args);
            args.push(Expr::string("i"));
            let mut matches = Expr::function("regexp_matches", args);
            matches.location = location;
            expr.kind = if negated {
                ExprKind::Operator {
                    op: "OPERATOR_NOT".to_owned(),
                    children: vec![matches],
                }
            } else {
                matches.kind
            };
        }
        ExprKind::Function(call)
            if call.name == "regexp_full_match"
                && written(location).is_some_and(|text| text.starts_with('~')) =>
        {
            "regexp_matches".clone_into(&mut call.name);
        }
        ExprKind::Operator { op, children }
            if op == "OPERATOR_NOT"
                && written(location).is_some_and(|text| text.starts_with("!~")) =>
        {
            if let [
                Expr {
                    kind: ExprKind::Function(call),
                    ..
                },
            ] = children.as_mut_slice()
                && call.name == "regexp_full_match"
            {
                "regexp_matches".clone_into(&mut call.name);
            }
        }
        _ => {}
    }
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
