//! Casts between `numeric`, floats and texts of numbers, and `round` to places that are no constant.
//!
//! | Expression | DuckDB 1.5.5 | here, as in PostgreSQL |
//! |---|---|---|
//! | `1.005::float8::numeric(10,2)` | 1.00, by way of 100.49999999999999 | 1.01: of 15 digits |
//! | `12345678::real::numeric(18,2)` | 12345678.08, computed as `real` | 12345700.00: of 6 digits |
//! | `0.99999997::numeric::real` | 1, rounded twice | 0.99999994 |
//! | `'5e-11'::numeric(18,4)` | 0.0001 | 0.0000 |
//! | `round(x, n)`, `n` a column | refused | rounded for each `n` there is, with the digits of `x` |
//!
//! The text of a float takes ten times as long to cast as the float, so it is only asked where its digits may
//! make a difference.

use super::types::{DIGITS_MAX, Ty};
use crate::ast::visit::{Node, any};
use crate::ast::{Comparison, Expr, ExprKind, print};
use crate::build::sql;
use crate::postgres::{node, numerics};
use crate::split;

/// An operand with a longer text is not repeated.
const REPEATED_BYTES_MAX: usize = 200;

/// Gives a cast to or from `numeric` PostgreSQL's digits; whether there is such a rule.
pub(super) fn cast(expr: &mut Expr, from: &Ty) -> bool {
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return false;
    };
    let take = |child: &mut Expr| std::mem::replace(child, node::null());
    match (Ty::of(ty), from) {
        (Ty::Float, Ty::Decimal { .. }) => {
            let inner = take(child);
            **child = node::cast(inner, node::plain_type("VARCHAR"));
        }
        (Ty::Decimal { .. }, Ty::Float) => {
            let inner = take(child);
            **child = node::macro_call("skein_real_digits", vec![inner]);
        }
        (Ty::Decimal { scale, .. }, Ty::Double) => {
            let inner = take(child);
            let digits = node::macro_call("skein_double_digits", vec![inner.clone()]);
            let digits = node::cast(digits, ty.clone());
            if !may_repeat(&inner) {
                expr.kind = digits.kind;
                return true;
            }
            let power = sql(format!("1e{scale}::DOUBLE"));
            let test = node::macro_call("skein_near_half", vec![inner.clone(), power]);
            expr.kind = ExprKind::Case {
                checks: vec![(test, digits)],
                otherwise: Box::new(node::cast(inner, ty.clone())),
            };
        }
        (Ty::Decimal { .. }, Ty::Untyped) => numerics::write_out(child),
        (Ty::Decimal { .. }, Ty::Text) if !matches!(child.kind, ExprKind::Parameter(_)) => {
            let inner = take(child);
            **child = node::macro_call("skein_decimal_text", vec![inner]);
        }
        _ => return false,
    }
    true
}

/// Rounds a `numeric` to places that differ from row to row; whether they do.
pub(super) fn round(expr: &mut Expr, ty: &Ty) -> bool {
    let ExprKind::Function(call) = &mut expr.kind else {
        return false;
    };
    let Some((whole, scale)) = ty.digits().filter(|_| ty.is_numeric()) else {
        return false;
    };
    let [value, places] = call.args.as_mut_slice() else {
        return false;
    };
    if node::constant_integer(places).is_some() || matches!(places.kind, ExprKind::Constant(_)) {
        return false;
    }
    let (value, places) = (
        std::mem::replace(value, node::null()),
        std::mem::replace(places, node::null()),
    );
    // Rounding up may add a digit.
    let room = numerics::decimal((whole + 1).min(DIGITS_MAX - scale), scale);
    let value = node::cast(value, room.clone());
    let rounded = node::once_named("round_value__", value, |value| {
        node::once_named("round_places__", places, |places| {
            let compare = |op, places: &Expr, number: i64| {
                Expr::comparison(op, places.clone(), Expr::integer(number))
            };
            let (most, least) = (signed(scale), -signed(whole));
            let mut checks = vec![(
                compare(Comparison::GreaterOrEqual, &places, most),
                value.clone(),
            )];
            checks.extend((least..most).rev().map(|number| {
                let round = node::call("", "round", vec![value.clone(), Expr::integer(number)]);
                let test = compare(Comparison::Equal, &places, number);
                (test, node::cast(round, room.clone()))
            }));
            let nothing = Expr::infix("*", value, Expr::integer(0));
            checks.push((
                compare(Comparison::Less, &places, least),
                node::cast(nothing, room.clone()),
            ));
            node::expr(ExprKind::Case {
                checks,
                otherwise: Box::new(node::null()),
            })
        })
    });
    expr.kind = rounded.kind;
    true
}

fn signed(digits: usize) -> i64 {
    i64::try_from(digits).unwrap_or(0)
}

/// Whether an operand may stand several times in the text of a query.
pub(super) fn may_repeat(operand: &Expr) -> bool {
    let changes = any(Node::Expr(operand), &mut |node| match node {
        Node::Query(_) => true,
        Node::Expr(expr) => {
            matches!(&expr.kind, ExprKind::Function(call) if split::is_volatile(&call.name))
        }
        Node::Table(_) => false,
    });
    !changes && print::expr_sql(operand).len() <= REPEATED_BYTES_MAX
}
