//! Operators and functions over a constant that is NULL.
//!
//! DuckDB computes those over decimals, and `||`, while it binds them where an operand is known to be NULL, and then
//! forgets the type: `NULL::numeric + 1` is an integer. A cast keeps it.

use super::cast_to;
use super::types::Ty;
use crate::ast::visit::{Node, any, is_aggregate};
use crate::ast::{Expr, ExprKind, Function};
use crate::postgres::{node, numerics};

/// Functions that give a decimal for one.
const OF_DECIMALS: &[&str] = &["abs", "ceil", "ceiling", "floor", "round", "trunc"];

/// Digits of a decimal that is NULL.
const DIGITS: usize = 10;

/// Whether an expression may be NULL and have lost its type.
pub(super) fn may_concern(expr: &Expr) -> bool {
    let ExprKind::Function(call) = &expr.kind else {
        return false;
    };
    match call.name.as_str() {
        "||" if call.is_operator => call.args.iter().any(is_computed),
        "+" | "-" | "*" | "%" if call.is_operator => has_null(call),
        name => OF_DECIMALS.contains(&name) && has_null(call),
    }
}

/// Casts such an expression to its type; `types` are those of the expressions right below.
pub(super) fn keep_type(expr: &mut Expr, types: &[Option<Ty>]) {
    if !may_concern(expr) {
        return;
    }
    let is_joined = matches!(&expr.kind, ExprKind::Function(call) if call.name == "||");
    let known = |test: fn(&Ty) -> bool| types.iter().all(|ty| ty.as_ref().is_some_and(test));
    if is_joined {
        let is_text = |ty: &Ty| matches!(ty, Ty::Text | Ty::Untyped);
        let has_text = types.iter().flatten().any(is_text);
        if has_text && known(is_written) {
            cast_to(expr, node::plain_type("VARCHAR"));
        }
    } else if known(Ty::is_exact) {
        cast_to(expr, numerics::decimal(DIGITS, 0));
    }
}

/// Whether values of this type are texts beside a text.
fn is_written(ty: &Ty) -> bool {
    let is_moment = matches!(
        ty,
        Ty::Date | Ty::Timestamp | Ty::TimestampTz | Ty::Interval
    );
    let is_text = matches!(ty, Ty::Text | Ty::Untyped | Ty::Null | Ty::Boolean);
    is_moment || is_text || ty.is_number()
}

/// Whether an argument is `NULL::numeric`.
fn has_null(call: &Function) -> bool {
    call.args.iter().any(|arg| {
        matches!(&arg.kind, ExprKind::Cast { child, ty, .. }
            if ty.id() == "DECIMAL"
                && matches!(&child.kind, ExprKind::Constant(constant) if constant.value.is_null()))
    })
}

/// A call over constants, which may be NULL.
fn is_computed(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if !call.is_operator && !is_aggregate(&call.name))
        && !any(Node::Expr(expr), &mut |node| {
            !matches!(node, Node::Expr(below) if matches!(
                below.kind,
                ExprKind::Function(_) | ExprKind::Constant(_) | ExprKind::Cast { .. }
            ))
        })
}
