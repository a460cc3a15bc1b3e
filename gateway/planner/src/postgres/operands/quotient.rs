//! Division of `numeric` and averages: exact digits instead of `double precision`.
//!
//! DuckDB's decimals have a scale that is fixed when a query is bound, PostgreSQL's quotients 16
//! significant digits or a few more, which depends on each value (`select_div_scale`). So a quotient
//! is computed with 20 digits after the point, and its type is one that nothing else has:
//! `DECIMAL(37,20)`, or `DECIMAL(38,19)` where it may have up to 19 digits before the point, as the
//! average of a `bigint` may. Result columns of these two types are shown with PostgreSQL's digits.
//!
//! | Expression | becomes |
//! |---|---|
//! | `a / b`, numeric | `skein_quotient(a, b)` |
//! | `avg(x)`, `x` exact | `skein_quotient(sum(x), count(x))`: equal in whole and split queries |
//! | a quotient in `+`, `-`, `*`, `sum` | the same, cast back to the type of quotients |
//!
//! Long division takes a microsecond a row, twelve times what floats take. Conditions and arguments
//! of aggregates, which run over all rows and show no digits, therefore divide in
//! `double precision` where no digit decides: see [`super::places`].

use super::types::{DIGITS_MAX, Ty};
use crate::ast::visit::children;
use crate::ast::{DataType, Expr, ExprKind, Function, Window};
use crate::postgres::{node, numerics};

/// The type of a quotient.
pub(super) const NARROW: Ty = Ty::Decimal {
    width: 37,
    scale: 20,
};
/// The type of a quotient that may be large.
pub(super) const WIDE: Ty = Ty::Decimal {
    width: 38,
    scale: 19,
};
/// Digits after the point beyond which a product is computed in `double precision`: DuckDB's
/// would leave too little room before it.
const PRODUCT_SCALE_MAX: usize = 26;
/// Digits after the point of a divisor that the first estimate of a quotient allows.
const DIVISOR_SCALE_MAX: usize = 14;

/// Casts `expr`, a statistic of values of type `arg` that has so many times their digits.
pub(super) fn statistic(expr: &mut Expr, arg: &Ty, times: usize) {
    let ty = arg.digits().and_then(|(whole, _)| match arg {
        // A variance below 2^62.
        Ty::Integer => with_digits(if times == 2 { 19 } else { whole }),
        _ => with_digits(whole * times),
    });
    if let Some(ty) = ty {
        super::cast_to(expr, data_type(&ty));
    }
}

/// Whether `ty` is that of quotients.
pub(super) fn is_quotient(ty: &Ty) -> bool {
    *ty == NARROW || *ty == WIDE
}

/// The type of quotients with `whole` digits before the point, if there is one.
fn with_digits(whole: usize) -> Option<Ty> {
    match whole {
        0..=17 => Some(NARROW),
        18..=19 => Some(WIDE),
        _ => None,
    }
}

/// Divides `expr`, a call of `/`, exactly; `scale` is that of the divisor. The quotient may have 17
/// digits before the point: what could have more, a sum or a product, hardly ever has.
pub(super) fn divide(expr: &mut Expr, scale: usize) {
    if let ExprKind::Function(call) = &mut expr.kind {
        let args = std::mem::take(&mut call.args);
        expr.kind = quotient(&NARROW, args, scale).kind;
    }
}

/// A call of the macro that divides, of type `ty`; `scale` is the divisor's.
fn quotient(ty: &Ty, args: Vec<Expr>, scale: usize) -> Expr {
    // A macro repeats its arguments, so quotients of quotients bind theirs to names.
    let once = scale > DIVISOR_SCALE_MAX || args.iter().any(has_quotient);
    node::macro_call(
        match (*ty == WIDE, once) {
            (false, false) => "skein_quotient",
            (false, true) => "skein_quotient_once",
            (true, false) => "skein_quotient_wide",
            (true, true) => "skein_quotient_wide_once",
        },
        args,
    )
}

fn has_quotient(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if call.name.starts_with("skein_quotient"))
        || children(expr).into_iter().any(has_quotient)
}

/// Computes `expr`, an average of values of type `arg`, from a sum and a count.
pub(super) fn average(expr: &mut Expr, arg: &Ty) {
    // A sum and a `numeric` without precision have room for numbers that they hardly ever have, and so has a rounded
    // quotient.
    let of_quotient = children(expr).into_iter().any(has_quotient);
    let ty = arg.digits().and_then(|(whole, scale)| {
        let roomy = whole + scale == DIGITS_MAX;
        with_digits(whole).or((roomy || of_quotient).then_some(WIDE))
    });
    let Some(ty) = ty else {
        return;
    };
    let both = match &expr.kind {
        ExprKind::Function(call) => ["sum", "count"].map(|name| {
            ExprKind::Function(Box::new(Function {
                name: name.to_owned(),
                ..(**call).clone()
            }))
        }),
        ExprKind::Window(window) => ["sum", "count"].map(|name| {
            ExprKind::Window(Box::new(Window {
                name: name.to_owned(),
                ..(**window).clone()
            }))
        }),
        _ => return,
    };
    let args = both.map(|kind| Expr {
        kind,
        alias: String::new(),
        location: expr.location,
    });
    expr.kind = quotient(&ty, args.into(), 0).kind;
}

/// Keeps a sum, difference, product or aggregate over quotients, of types `operands`, a quotient.
pub(super) fn keep(expr: &mut Expr, operator: &str, operands: &[Ty]) {
    let exact = operands.iter().all(|ty| ty.digits().is_some());
    let scales: Vec<usize> = operands
        .iter()
        .filter_map(|ty| ty.digits().map(|(_, scale)| scale))
        .collect();
    if !exact {
        return;
    }
    if operator == "*" && scales.iter().sum::<usize>() > PRODUCT_SCALE_MAX {
        if let ExprKind::Function(call) = &mut expr.kind {
            for arg in &mut call.args {
                let inner = std::mem::replace(arg, node::null());
                *arg = node::cast(inner, node::plain_type("DOUBLE"));
            }
        }
        return;
    }
    let ty = if operands.contains(&WIDE) {
        WIDE
    } else if operands.contains(&NARROW) {
        NARROW
    } else {
        return;
    };
    super::cast_to(expr, data_type(&ty));
}

/// The type in a cast.
fn data_type(ty: &Ty) -> DataType {
    let (whole, scale) = ty.digits().unwrap_or((DIGITS_MAX, 0));
    numerics::decimal(whole, scale)
}

/// Divides in `double precision` where the operands are exact.
pub(super) fn divide_quickly(expr: &mut Expr) {
    if let ExprKind::Function(call) = &mut expr.kind
        && let Some(dividend) = call.args.first_mut()
    {
        let inner = std::mem::replace(dividend, node::null());
        *dividend = node::cast(inner, node::plain_type("DOUBLE"));
    }
}
