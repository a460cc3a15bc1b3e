//! `a = b OR (a IS NULL AND b IS NULL)` as a value.
//!
//! DuckDB 1.5.5 makes `a IS NOT DISTINCT FROM b` of it, which is false where one of the two is NULL; it has to be
//! NULL there. Where NULL is as good as false that is right, and fast, so such conditions stay.
//!
//! ```text
//! NOT (a = b OR (a IS NULL AND b IS NULL))
//! NOT (CASE WHEN a IS NULL AND b IS NULL THEN true ELSE a = b END)
//! ```

use super::places::{Place, Truth};
use crate::ast::{Comparison, Expr, ExprKind};

/// Rewrites an `OR` that stands where its NULL matters.
pub(super) fn repair(expr: &mut Expr, place: Place) {
    if place.truth != Truth::Value && !place.negated {
        return;
    }
    let ExprKind::Conjunction {
        and: false,
        children,
    } = &mut expr.kind
    else {
        return;
    };
    let equal = children.iter().position(is_equality);
    let nulls = children.iter().position(tests_two_nulls);
    // Whichever operands they have: the tests are never NULL, so the CASE means the same as the OR.
    let (Some(equal), Some(nulls)) = (equal, nulls) else {
        return;
    };
    let case = Expr::from(ExprKind::Case {
        checks: vec![(children[nulls].clone(), Expr::boolean(true))],
        otherwise: Box::new(children[equal].clone()),
    });
    children[equal] = case;
    children.remove(nulls);
    if let [_] = children.as_slice() {
        expr.kind = children.remove(0).kind;
    }
}

/// `a = b` or `NOT (a <> b)`
fn is_equality(expr: &Expr) -> bool {
    let (wanted, comparison) = match &expr.kind {
        ExprKind::Operator { op, children } if op == "OPERATOR_NOT" => {
            (Comparison::NotEqual, children.first())
        }
        _ => (Comparison::Equal, Some(expr)),
    };
    comparison
        .is_some_and(|expr| matches!(&expr.kind, ExprKind::Comparison { op, .. } if *op == wanted))
}

/// `a IS NULL AND b IS NULL`
fn tests_two_nulls(expr: &Expr) -> bool {
    let ExprKind::Conjunction {
        and: true,
        children,
    } = &expr.kind
    else {
        return false;
    };
    children.len() == 2
        && children.iter().all(
            |child| matches!(&child.kind, ExprKind::Operator { op, .. } if op == "OPERATOR_IS_NULL"),
        )
}
