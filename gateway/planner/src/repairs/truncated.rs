//! `date_trunc('day', t)` and `t::date` compared with constants.
//!
//! DuckDB 1.5.5 compares `t` itself, with the constant at the start of the unit or the next one. A constant that is
//! not at the start of a unit makes the answer false, or true for `<>`, also where `t` is NULL. Infinities are not
//! compared right at all, or fail. `>=` and `<=` are right for all other constants, and still read only those row groups
//! that may match.
//!
//! ```text
//! date_trunc('day', t) = c    date_trunc('day', t) >= c AND date_trunc('day', t) <= c
//! date_trunc('day', t) <> c   date_trunc('day', t) < c OR date_trunc('day', t) > c
//! t::date = 'infinity'        greatest(t::date) = 'infinity'
//! ```

use crate::ast::visit::{Node, any};
use crate::ast::{Comparison, Expr, ExprKind};
use crate::postgres::patterns;

/// Whether an expression is one that DuckDB takes the function off.
pub(super) fn may_concern(expr: &Expr) -> bool {
    is_truncated(expr) || is_day(expr)
}

fn is_truncated(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call)
        if matches!(call.name.as_str(), "date_trunc" | "datetrunc") && call.args.len() == 2)
}

fn is_day(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Cast { ty, child, .. }
        if ty.id() == "DATE" && !is_constant(child))
}

/// Rewrites a comparison.
pub(crate) fn repair(expr: &mut Expr) {
    match &mut expr.kind {
        ExprKind::Comparison { op, left, right } => {
            if may_concern(right) && is_constant(left) {
                std::mem::swap(left, right);
                *op = turned(*op);
            }
            if !may_concern(left) || !is_constant(right) {
                return;
            }
            if may_be_infinite(right) {
                guard(left);
            } else if is_truncated(left)
                && let Some(kind) = by_bounds(*op, left, right)
            {
                expr.kind = kind;
            }
        }
        ExprKind::Between {
            input,
            lower,
            upper,
        } if may_concern(input) && (may_be_infinite(lower) || may_be_infinite(upper)) => {
            guard(input);
        }
        ExprKind::Operator { op, children } if op == "COMPARE_IN" || op == "COMPARE_NOT_IN" => {
            let [left, values @ ..] = children.as_mut_slice() else {
                return;
            };
            if !may_concern(left) || !values.iter().all(is_constant) {
                return;
            }
            if values.iter().any(may_be_infinite) {
                guard(left);
            } else if let [value] = values
                && is_truncated(left)
            {
                let comparison = if op == "COMPARE_IN" {
                    Comparison::Equal
                } else {
                    Comparison::NotEqual
                };
                if let Some(kind) = by_bounds(comparison, left, value) {
                    expr.kind = kind;
                }
            }
        }
        _ => {}
    }
}

fn by_bounds(op: Comparison, left: &Expr, right: &Expr) -> Option<ExprKind> {
    let (and, ops) = match op {
        Comparison::Equal => (true, [Comparison::GreaterOrEqual, Comparison::LessOrEqual]),
        Comparison::NotEqual => (false, [Comparison::Less, Comparison::Greater]),
        _ => return None,
    };
    let children = ops
        .map(|op| Expr::comparison(op, left.clone(), right.clone()))
        .into();
    Some(ExprKind::Conjunction { and, children })
}

/// Puts a function around it that DuckDB does not look into.
fn guard(expr: &mut Expr) {
    let inner = std::mem::replace(expr, Expr::null());
    *expr = Expr::function("greatest", vec![inner]);
}

fn turned(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        other => other,
    }
}

fn is_constant(expr: &Expr) -> bool {
    !any(Node::Expr(expr), &mut |node| match node {
        Node::Query(_) | Node::Table(_) => true,
        Node::Expr(expr) => matches!(
            expr.kind,
            ExprKind::ColumnRef(_) | ExprKind::Star(_) | ExprKind::Window(_)
        ),
    })
}

/// Whether a constant has the word in it: `'infinity'`, `'-inf'`.
fn may_be_infinite(expr: &Expr) -> bool {
    any(Node::Expr(expr), &mut |node| match node {
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Sql(sql) => has_word(sql),
            _ => patterns::constant(expr).is_some_and(|text| has_word(&text)),
        },
        _ => false,
    })
}

fn has_word(text: &str) -> bool {
    text.to_ascii_lowercase().contains("inf")
}
