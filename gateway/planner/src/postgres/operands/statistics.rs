//! `variance` and `stddev`: exact sums for integers, and floats that are not finite.
//!
//! | Argument | becomes |
//! |---|---|
//! | `smallint`, `integer` | count, sum and sum of squares, divided exactly |
//! | `bigint` | the same with squares around the mean, divided in `double precision` |
//! | `numeric` | DuckDB's, cast to `numeric` |
//! | floats | DuckDB's of those that are finite; `NaN` where one is not |
//!
//! DuckDB computes all of them in one pass over `double precision`, which loses digits where values are large beside
//! their differences, as moments in microseconds are, and refuses infinities. PostgreSQL sums integers exactly.
//!
//! Sums of squares beyond 38 digits fail; the statement then runs again, with what DuckDB makes of them.

use super::types::Ty;
use super::{decimals, quotient};
use crate::ast::visit::children;
use crate::ast::{Expr, ExprKind};
use crate::build;
use crate::postgres::node;

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Variance,
    Deviation,
}

/// Settles `expr`, a call with one argument of type `arg`. `wide`: sums have failed before.
pub(super) fn settle(expr: &mut Expr, arg: &Ty, wide: bool) {
    let (name, distinct) = match &expr.kind {
        ExprKind::Function(call) => (call.name.to_ascii_lowercase(), call.distinct),
        ExprKind::Window(window) => (window.name.to_ascii_lowercase(), window.distinct),
        _ => return,
    };
    let wanted = if name.starts_with("var") {
        Wanted::Variance
    } else {
        Wanted::Deviation
    };
    // Of so many values and fewer there is none.
    let less = i64::from(!name.ends_with("_pop"));
    let may_repeat = children(expr)
        .first()
        .is_some_and(|it| decimals::may_repeat(it));
    let exact = !wide && !distinct && may_repeat;
    match arg {
        Ty::Small | Ty::Integer if exact => {
            sums(expr, "skein_variance", "BIGINT", less);
            if wanted == Wanted::Deviation {
                let variance = node::cast(take(expr), node::plain_type("DOUBLE"));
                put(expr, node::call("", "sqrt", vec![variance]));
                quotient::statistic(expr, arg, 1);
            }
        }
        Ty::Big if exact => {
            sums(expr, "skein_variance_big", "HUGEINT", less);
            if wanted == Wanted::Deviation {
                let variance = take(expr);
                put(expr, node::call("", "sqrt", vec![variance]));
                quotient::statistic(expr, arg, 1);
            }
        }
        Ty::Float | Ty::Double if !distinct && may_repeat => finite(expr, less),
        _ => quotient::statistic(expr, arg, if wanted == Wanted::Variance { 2 } else { 1 }),
    }
}

fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, node::null())
}

/// Puts `with` in the place of what was taken, under its name.
fn put(expr: &mut Expr, mut with: Expr) {
    if let ExprKind::Function(call) = &mut with.kind
        && let Some(inner) = call.args.first_mut()
    {
        let operand = match &mut inner.kind {
            ExprKind::Cast { child, .. } => child.as_mut(),
            _ => inner,
        };
        with.alias = std::mem::take(&mut operand.alias);
        with.location = operand.location;
    }
    *expr = with;
}

/// The same call under another name, over something else.
fn over(expr: &Expr, name: &str, change: impl FnOnce(&mut Expr)) -> Expr {
    let mut call = expr.clone();
    call.alias = String::new();
    match &mut call.kind {
        ExprKind::Function(call) => {
            name.clone_into(&mut call.name);
            if let Some(arg) = call.args.first_mut() {
                change(arg);
            }
        }
        ExprKind::Window(window) => {
            name.clone_into(&mut window.name);
            if let Some(arg) = window.args.first_mut() {
                change(arg);
            }
        }
        _ => {}
    }
    call
}

/// Computes a variance from sums; squares are of DuckDB's type `square`.
fn sums(expr: &mut Expr, macro_name: &str, square: &str, less: i64) {
    let squares = over(expr, "sum", |arg| {
        let operand = std::mem::replace(arg, node::null());
        let wide = node::cast(operand.clone(), node::plain_type(square));
        *arg = Expr::infix("*", wide, operand);
    });
    let args = vec![
        over(expr, "count", |_| {}),
        over(expr, "sum", |_| {}),
        squares,
        Expr::integer(less),
    ];
    expr.kind = node::macro_call(macro_name, args).kind;
}

/// Leaves out what is not finite, which DuckDB refuses, and says `NaN` where there is some.
fn finite(expr: &mut Expr, less: i64) {
    let is_finite = |arg: &Expr| node::call("", "isfinite", vec![arg.clone()]);
    let odd = over(expr, "bool_or", |arg| {
        arg.kind = ExprKind::Operator {
            op: "OPERATOR_NOT".to_owned(),
            children: vec![is_finite(arg)],
        };
    });
    let finite = over(expr, &name(expr), |arg| {
        *arg = build::only_where(Some(is_finite(arg)), arg.clone());
    });
    let count = over(expr, "count", |_| {});
    expr.kind = node::macro_call(
        "skein_unless_odd",
        vec![odd, count, Expr::integer(less), finite],
    )
    .kind;
}

fn name(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Function(call) => call.name.clone(),
        ExprKind::Window(window) => window.name.clone(),
        _ => String::new(),
    }
}
