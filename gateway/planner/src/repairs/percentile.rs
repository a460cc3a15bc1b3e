//! `percentile_cont(0) WITHIN GROUP (ORDER BY x DESC)`, and `percentile_disc`.
//!
//! DuckDB 1.5.5 counts from the other end by making the fraction negative, and there is no negative zero. In a
//! list it is enough if one of the fractions is negative then, so a fraction that may be zero becomes a list with
//! another one.
//!
//! ```text
//! quantile_cont(0 ORDER BY x DESC)
//! quantile_cont([0, 1] ORDER BY x DESC)[1]
//! ```

use crate::ast::{Expr, ExprKind, Function, SortDirection};

/// Whether a call counts from the other end.
pub(super) fn may_concern(call: &Function) -> bool {
    matches!(call.name.as_str(), "quantile_cont" | "quantile_disc")
        && call.args.len() == 1
        && matches!(call.order_by.as_slice(), [order] if order.direction == SortDirection::Descending)
        && call.args.first().is_some_and(may_be_zero)
}

/// Rewrites a call that may count from zero.
pub(super) fn repair(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    if !may_concern(call) {
        return;
    }
    let fraction = std::mem::replace(&mut call.args[0], Expr::null());
    call.args[0] = Expr::function("list_value", vec![fraction, Expr::integer(1)]);
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let call = std::mem::replace(expr, Expr::null());
    *expr = Expr::from(ExprKind::Operator {
        op: "ARRAY_EXTRACT".to_owned(),
        children: vec![call, Expr::integer(1)],
    });
    (expr.alias, expr.location) = (alias, location);
}

fn may_be_zero(fraction: &Expr) -> bool {
    match &fraction.kind {
        ExprKind::Constant(constant) => constant.value.as_f64() == Some(0.0),
        _ => !is_list(fraction),
    }
}

/// Whether there are several fractions: the call then gives an array.
fn is_list(fraction: &Expr) -> bool {
    match &fraction.kind {
        ExprKind::Function(call) => call.name == "list_value",
        ExprKind::Operator { op, .. } => op == "ARRAY_CONSTRUCTOR",
        ExprKind::Cast { ty, .. } => ty.id() == "LIST" || ty.id() == "ARRAY",
        ExprKind::Sql(sql) => sql.ends_with("])"),
        _ => false,
    }
}
