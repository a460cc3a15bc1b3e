//! Adding an interval whose hours go back: `ts + INTERVAL '1 month - 1 second'`.
//!
//! PostgreSQL adds months, then days, then the rest. So does DuckDB, but for times with a zone when the
//! rest is negative: then it takes the rest off first, and the last second of February becomes one of
//! the 28th of March. Two additions say in which order it is.

use super::super::node;
use super::super::spelling::interval::{self, Span, Unit};
use crate::ast::{Expr, ExprKind};

/// Splits `x + interval` and `x - interval` where the interval is a constant of both a date's part and
/// one of the time that goes back.
pub(super) fn split(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let sign = match call.name.as_str() {
        "+" => 1,
        "-" => -1,
        _ => return,
    };
    let [left, right] = call.args.as_slice() else {
        return;
    };
    let (at, span) = match (constant(left), constant(right)) {
        (_, Some(span)) => (1, span),
        (Some(span), None) if sign > 0 => (0, span),
        _ => return,
    };
    let has_date = span.months != 0 || span.days != 0;
    if !has_date || span.micros.signum() * sign >= 0 {
        return;
    }
    let (months, days) = (span.months, span.days);
    call.args[at] = written(Span {
        months,
        days,
        micros: 0,
    });
    let time = written(Span {
        micros: span.micros,
        ..Span::default()
    });
    let (name, location) = (call.name.clone(), expr.location);
    let alias = std::mem::take(&mut expr.alias);
    let inner = std::mem::replace(expr, node::null());
    *expr = Expr::infix(&name, inner, time);
    (expr.alias, expr.location) = (alias, location);
}

fn constant(expr: &Expr) -> Option<Span> {
    let ExprKind::Cast { child, ty, .. } = &expr.kind else {
        return None;
    };
    let text = node::constant_text(child).filter(|_| ty.id() == "INTERVAL")?;
    interval::read(text, Unit::Second, false).ok()
}

fn written(span: Span) -> Expr {
    node::cast(node::text(&span.text()), node::plain_type("INTERVAL"))
}
