//! `||` of arrays, once the types of both operands are known.
//!
//! | Expression | becomes |
//! |---|---|
//! | `a \|\| 1`, `1 \|\| a`, `aa \|\| a` where `aa` has one dimension more | `list_append`, `list_prepend` |
//! | `a \|\| b`, `array_cat(a, b)` | `list_concat`, NULL where both are |
//! | `a \|\| NULL` | `a` |
//!
//! DuckDB's `||` wants two arrays of the same depth, and its `list_concat` makes an empty array of NULLs.

use std::cmp::Ordering;

use skein_catalog::types::Type;

use super::node;
use crate::ast::{Expr, ExprKind};
use crate::build;

/// Joins what is not NULL of several arrays.
const JOINED: &str = "skein_arrays_joined";
const CONCAT: &str = "list_concat";

fn is_list(ty: Option<&Type>) -> bool {
    matches!(ty, Some(Type::List(_) | Type::Array(..)))
}

/// Rewrites `left || right` of operands of these types, if one of them is an array.
pub(super) fn operator(expr: &mut Expr, left_type: Option<&Type>, right_type: Option<&Type>) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let [left, right] = call.args.as_slice() else {
        return;
    };
    // A text constant that has been read as what stands beside it, which is not what it was when its type was asked.
    let was_read = |expr: &Expr, ty: Option<&Type>| {
        !is_list(ty) && matches!(&expr.kind, ExprKind::Cast { ty, .. } if ty.id() == "LIST")
    };
    let read = (was_read(left, left_type), was_read(right, right_type));
    let left_list = is_list(left_type) || read.0;
    let right_list = is_list(right_type) || read.1;
    let depth = |ty: Option<&Type>| ty.map_or(0, |ty| ty.element().1);
    let deeper = if read.0 || read.1 {
        Ordering::Equal
    } else {
        depth(left_type).cmp(&depth(right_type))
    };
    let nulls = (is_null(left), is_null(right));
    let (Some(right), Some(left)) = (call.args.pop(), call.args.pop()) else {
        return;
    };
    let with = match (left_list, right_list) {
        (false, false) => {
            call.args.extend([left, right]);
            return;
        }
        (true, false) if nulls.1 => left,
        (false, true) if nulls.0 => right,
        (true, true) if deeper == Ordering::Equal => joined(left, right),
        (true, true)
            if !is_never_null(if deeper == Ordering::Greater {
                &right
            } else {
                &left
            }) =>
        {
            let parts = match deeper {
                Ordering::Greater => vec![left, if_any(right)],
                _ => vec![if_any(left), right],
            };
            node::call("", CONCAT, parts)
        }
        (true, _) if deeper == Ordering::Greater => {
            node::call("", "list_append", vec![left, right])
        }
        _ => node::call("", "list_prepend", vec![left, right]),
    };
    expr.kind = with.kind;
}

/// An array of this array, or of nothing where it is NULL.
fn if_any(array: Expr) -> Expr {
    let whole = Expr::column(["part__"]);
    let lambda = node::expr(ExprKind::Lambda {
        left: Box::new(whole.clone()),
        right: Box::new(build::is_not_null(whole)),
    });
    node::call("", "list_filter", vec![node::array(vec![array]), lambda])
}

/// The elements of both; NULL where both are. A chain of joins becomes one.
fn joined(left: Expr, right: Expr) -> Expr {
    let parts: Vec<Expr> = [left, right].into_iter().flat_map(parts).collect();
    if parts.iter().any(is_never_null) {
        return node::call("", CONCAT, parts);
    }
    if !parts.iter().all(node::is_simple) {
        return node::macro_call(JOINED, vec![node::array(parts)]);
    }
    node::expr(ExprKind::Case {
        checks: vec![(all_null(&parts), node::null())],
        otherwise: Box::new(node::call("", CONCAT, parts)),
    })
}

fn all_null(parts: &[Expr]) -> Expr {
    node::expr(ExprKind::Conjunction {
        and: true,
        children: parts.iter().cloned().map(build::is_null).collect(),
    })
}

/// What [`joined`] has joined, or the expression itself.
fn parts(expr: Expr) -> Vec<Expr> {
    match &expr.kind {
        ExprKind::Function(call) if call.name == CONCAT && call.args.iter().any(is_never_null) => {
            call.args.clone()
        }
        ExprKind::Function(call) if call.name == JOINED => match &call.args[0].kind {
            ExprKind::Function(list) => list.args.clone(),
            _ => vec![expr],
        },
        ExprKind::Case { checks, otherwise } => match (checks.as_slice(), &otherwise.kind) {
            ([(test, _)], ExprKind::Function(call))
                if call.name == CONCAT && test.kind == all_null(&call.args).kind =>
            {
                call.args.clone()
            }
            _ => vec![expr],
        },
        _ => vec![expr],
    }
}

/// Whether an array is there, whatever the rows hold.
fn is_never_null(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) => matches!(
            call.name.as_str(),
            "list_value" | "list_append" | "list_prepend"
        ),
        ExprKind::Operator { op, .. } => op == "ARRAY_CONSTRUCTOR",
        ExprKind::Cast { child, .. } => is_never_null(child),
        _ => false,
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_null())
}
