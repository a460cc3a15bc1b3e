//! What wraps around where it does not fit: told by the types of operands.
//!
//! | Expression | DuckDB 1.5.5 | here |
//! |---|---|---|
//! | `32767.5::float8::smallint` | -32768 | by way of `bigint`, where it does not fit |
//! | `round(995.5::numeric(4,1), -3)` | 0 | with the digits that rounding up needs |
//! | `round(2147483647, -1)` | -2147483646 | as a decimal |
//! | `sum` of two `numeric(38,0)` of 38 digits | negative, in some runs | an error, as if one thread had added |

use crate::ast::visit::{Node, any};
use crate::ast::{Comparison, DataType, Expr, ExprKind};
use crate::build::sql;
use crate::postgres::{DIGITS_MAX, Ty, constant_integer, macro_call};
use crate::split;

/// Casts a float to `bigint` before it becomes a smaller integer.
pub(crate) fn cast(expr: &mut Expr, from: &Ty) {
    let ExprKind::Cast {
        child,
        ty,
        try_cast,
    } = &mut expr.kind
    else {
        return;
    };
    if !from.is_float() || !matches!(Ty::of(ty), Ty::Small | Ty::Integer) {
        return;
    }
    let name = match ty.id() {
        "SMALLINT" => "skein_float_smallint",
        "INTEGER" => "skein_float_integer",
        _ => "",
    };
    let inner = std::mem::replace(&mut **child, Expr::null());
    if *try_cast || name.is_empty() || is_volatile(&inner) {
        **child = ExprKind::Cast {
            child: Box::new(inner),
            ty: DataType::from_sql("BIGINT"),
            try_cast: *try_cast,
        }
        .into();
        return;
    }
    let call = macro_call(name, vec![inner]);
    expr.kind = call.kind;
}

/// Gives a number that is rounded before the point the digits that the result may have.
pub(crate) fn round(expr: &mut Expr, ty: &Ty) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let Some((whole, scale)) = ty.digits() else {
        return;
    };
    let Some(places) = call.args.get(1).and_then(constant_integer) else {
        return;
    };
    let Ok(before) = usize::try_from(-places) else {
        return;
    };
    if before == 0 || before > DIGITS_MAX || !ty.is_integer() && before < whole {
        return;
    }
    let whole = whole.max(before) + 1;
    if whole + scale > DIGITS_MAX {
        return;
    }
    let inner = std::mem::replace(&mut call.args[0], Expr::null());
    call.args[0] = inner.cast_to(&format!("DECIMAL({},{scale})", whole + scale));
}

/// Makes an error of a sum that 128 bits do not hold. Of columns only: what is computed has fewer digits than its
/// type.
pub(crate) fn sum(expr: &mut Expr, ty: &Ty) {
    let near = match ty {
        Ty::Decimal { width, .. } => *width >= NEAR_DIGITS,
        Ty::Huge => true,
        _ => false,
    };
    let Some(scale) = ty.digits().map(|(_, scale)| scale).filter(|_| near) else {
        return;
    };
    let mut rough = expr.clone().named("");
    let args = match &mut rough.kind {
        ExprKind::Function(call) => &mut call.args,
        ExprKind::Window(window) => &mut window.args,
        _ => return,
    };
    let [arg] = args.as_mut_slice() else { return };
    if !matches!(arg.kind, ExprKind::ColumnRef(_)) {
        return;
    }
    let inner = std::mem::replace(arg, Expr::null());
    *arg = inner.cast_to("DOUBLE");
    let limit = sql(format!(
        "1.69e{}::DOUBLE",
        DIGITS_MAX - scale.min(DIGITS_MAX)
    ));
    let beyond = Expr::comparison(
        Comparison::Greater,
        Expr::function("abs", vec![rough]),
        limit,
    );
    let fault = Expr::string("[numeric_value_out_of_range] numeric out of range");
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let exact = std::mem::replace(expr, Expr::null());
    *expr = Expr::from(ExprKind::Case {
        checks: vec![(beyond, Expr::function("error", vec![fault]))],
        otherwise: Box::new(exact),
    });
    (expr.alias, expr.location) = (alias, location);
}

/// Columns of so many digits may add up to more than 128 bits hold.
const NEAR_DIGITS: usize = 37;

/// Whether an expression has another value each time.
fn is_volatile(expr: &Expr) -> bool {
    any(
        Node::Expr(expr),
        &mut |node| matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. }) if split::is_volatile(&call.name)),
    )
}
