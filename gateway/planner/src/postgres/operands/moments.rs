//! Differences of moments, and intervals that are compared or averaged.
//!
//! | Expression | DuckDB | here, as in PostgreSQL |
//! |---|---|---|
//! | `timestamptz - timestamptz` | days of the session's calendar | days of 24 hours |
//! | `timestamptz - date`, `timestamptz - '2026-01-05'` | | the date is a `timestamptz` |
//! | intervals compared | part by part | a month as 30 days, a day as 24 hours |
//! | `avg` of intervals | not the sum by the count | the sum by the count |
//!
//! DuckDB's difference of two `timestamp with time zone` asks the calendar of the session's zone for
//! every row, which also takes hundreds of times as long.

use super::types::Ty;
use super::{call_on, cast_to};
use crate::ast::visit::children_mut;
use crate::ast::{Expr, ExprKind, Function, Window};
use crate::postgres::{node, temporal};

/// DuckDB's type of a moment or an interval.
fn duckdb(ty: &Ty) -> &'static str {
    match ty {
        Ty::Interval => "INTERVAL",
        Ty::Date => "DATE",
        Ty::Timestamp => "TIMESTAMP",
        _ => "TIMESTAMP WITH TIME ZONE",
    }
}

/// Reads a text constant as a moment or an interval: the type `ty`, which the other operand has.
pub(super) fn read(expr: &mut Expr, ty: &Ty) -> Ty {
    let name = duckdb(ty);
    let read = node::constant_text(expr).and_then(|text| temporal::constants::compared(text, name));
    match read {
        Some(moment) => {
            let location = expr.location;
            *expr = moment;
            expr.location = location;
        }
        None => cast_to(expr, node::plain_type(name)),
    }
    ty.clone()
}

/// What is cast to `timestamp(0)` or the like is a plain `timestamp` where it is compared: DuckDB's types for them do
/// not compare with `timestamp with time zone`.
pub(super) fn with_microseconds(comparison: &mut Expr) {
    for operand in children_mut(comparison) {
        if let ExprKind::Cast { ty, .. } = &operand.kind
            && matches!(ty.id(), "TIMESTAMP_S" | "TIMESTAMP_MS")
        {
            cast_to(operand, node::plain_type("TIMESTAMP"));
        }
    }
}

/// Reads the text constants among `places` right below an expression as what the others are, where that is a moment
/// or an interval and DuckDB would read them otherwise than PostgreSQL.
pub(super) fn beside(values: &mut [&mut Expr], types: &mut [Option<Ty>], places: &[usize]) {
    let is = |ty: &Ty| {
        places
            .iter()
            .any(|at| matches!(types.get(*at), Some(Some(it)) if it == ty))
    };
    let order = [Ty::Interval, Ty::TimestampTz, Ty::Timestamp, Ty::Date];
    let Some(ty) = order.into_iter().find(is) else {
        return;
    };
    for at in places {
        if let (Some(value), Some(known)) = (values.get_mut(*at), types.get_mut(*at))
            && is_foreign(value)
        {
            *known = Some(read(value, &ty));
        }
    }
}

/// Whether this is a text constant that DuckDB would read otherwise than PostgreSQL, if it is a date or the like.
pub(super) fn is_foreign(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant)
        if constant.value.as_str().is_some_and(temporal::constants::is_foreign))
}

/// Makes a difference of moments, at least one with a time zone, one of microseconds; whether it was
/// one.
pub(super) fn difference(expr: &mut Expr, left: &Ty, right: &Ty) -> bool {
    let is_moment = |ty: &Ty| matches!(ty, Ty::Date | Ty::Timestamp | Ty::TimestampTz);
    if !is_moment(left)
        || !is_moment(right)
        || (*left != Ty::TimestampTz && *right != Ty::TimestampTz)
    {
        return false;
    }
    let ExprKind::Function(call) = &mut expr.kind else {
        return false;
    };
    let mut args = std::mem::take(&mut call.args);
    for (arg, ty) in args.iter_mut().zip([left, right]) {
        if *ty != Ty::TimestampTz {
            cast_to(arg, node::plain_type(duckdb(&Ty::TimestampTz)));
        }
    }
    expr.kind = node::macro_call("skein_moments_apart", args).kind;
    true
}

/// Compares intervals by their lengths; `types` are those of the expressions right below.
pub(super) fn compared(expr: &mut Expr, types: &[Ty]) {
    let spans = |ty: &Ty| matches!(ty, Ty::Interval | Ty::Untyped);
    if !types.contains(&Ty::Interval) || !types.iter().all(spans) {
        return;
    }
    let operands = match &mut expr.kind {
        ExprKind::Comparison { left, right, .. } => vec![&mut **left, &mut **right],
        ExprKind::Between {
            input,
            lower,
            upper,
        } => vec![&mut **input, &mut **lower, &mut **upper],
        ExprKind::Operator { children, .. } => children.iter_mut().collect(),
        _ => return,
    };
    for (operand, ty) in operands.into_iter().zip(types) {
        if *ty == Ty::Untyped {
            read(operand, &Ty::Interval);
        }
        if !is_length(operand) {
            call_on(operand, LENGTH);
        }
    }
}

/// The length of an interval in microseconds.
const LENGTH: &str = "skein_interval_length";

fn is_length(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if call.name == LENGTH)
}

/// Computes an average of intervals from their sum, which `sum` makes of such a call, and their count.
pub(super) fn average(expr: &mut Expr, sum: impl FnOnce(&mut Expr)) {
    let mut total = expr.clone();
    let mut count = expr.clone();
    match (&mut total.kind, &mut count.kind) {
        (ExprKind::Function(total), ExprKind::Function(count)) => {
            let name = |call: &mut Function, name: &str| name.clone_into(&mut call.name);
            name(total, "sum");
            name(count, "count");
        }
        (ExprKind::Window(total), ExprKind::Window(count)) => {
            let name = |call: &mut Window, name: &str| name.clone_into(&mut call.name);
            name(total, "sum");
            name(count, "count");
        }
        _ => return,
    }
    total.alias = String::new();
    count.alias = String::new();
    sum(&mut total);
    // Where there is nothing to count, the sum is NULL.
    let count = node::call("", "nullif", vec![count, Expr::integer(0)]);
    expr.kind = node::macro_call("skein_interval_divide", vec![total, count]).kind;
}
