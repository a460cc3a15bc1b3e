//! Division by zero: an error in PostgreSQL, NULL in DuckDB.
//!
//! ```text
//! a / b   ─►  a / skein_fn.skein_divisor(b)       CASE WHEN b = 0 THEN error(…) ELSE b END
//! ```
//!
//! The check stands on the divisor, so it needs no types and costs nothing where the divisor is a
//! constant other than zero, or `nullif(x, 0)`. DuckDB evaluates the conditions of a filter in the
//! order they are written once one of them may fail, and leaves the branches of CASE and COALESCE
//! alone that are not taken: `WHERE b <> 0 AND a / b > 1` does not fail.
//!
//! An aggregate's FILTER does not guard its arguments in DuckDB, which computes them for all rows
//! first; [`super::filters`] puts the condition around them.
//!
//! A macro repeats its argument, so checks within divisors of divisors double the text with every
//! level; from [`NESTED_MAX`] on the divisor is bound to a name instead, which is slower to run.

use serde_json::Value;

use super::node;
use crate::ast::visit::children;
use crate::ast::{Constant, Expr, ExprKind};

/// Checks within one divisor that may repeat it.
const NESTED_MAX: usize = 3;

/// Checks the divisor of `expr`, if it divides and the divisor may be zero.
pub(super) fn check(expr: &mut Expr) {
    let Some(divisor) = divisor(expr) else { return };
    if never_zero(divisor) {
        return;
    }
    let name = if nested(divisor) < NESTED_MAX {
        "skein_divisor"
    } else {
        "skein_divisor_once"
    };
    let location = divisor.location;
    let inner = std::mem::replace(divisor, node::null());
    *divisor = node::macro_call(name, vec![inner]);
    divisor.location = location;
}

/// Whether a division stands somewhere in it.
pub(super) fn divides(expr: &Expr) -> bool {
    nested(expr) > 0
}

/// The divisor of a division or remainder.
fn divisor(expr: &mut Expr) -> Option<&mut Expr> {
    let ExprKind::Function(call) = &mut expr.kind else {
        return None;
    };
    let divides = if call.is_operator {
        matches!(call.name.as_str(), "/" | "%")
    } else {
        matches!(call.schema.as_str(), "" | "pg_catalog")
            && matches!(call.name.as_str(), "mod" | "div")
    };
    match call.args.as_mut_slice() {
        [_, divisor] if divides => Some(divisor),
        _ => None,
    }
}

/// Whether it is a number other than zero, NULL, or NULL where it would be zero. A text becomes a
/// number beside one ([`super::operands`]); what is none by then has an error of its own.
fn never_zero(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => !is_zero(constant),
        ExprKind::Function(call) if call.name == "nullif" && call.schema.is_empty() => {
            matches!(call.args.as_slice(), [_, Expr { kind: ExprKind::Constant(constant), .. }]
                if is_zero(constant))
        }
        _ => false,
    }
}

fn is_zero(constant: &Constant) -> bool {
    match &constant.value {
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().parse() == Ok(0.0),
        _ => false,
    }
}

/// How many divisions stand in the divisors of one another, counted to [`NESTED_MAX`].
fn nested(expr: &Expr) -> usize {
    fn below(expr: &Expr, found: usize) -> usize {
        if found >= NESTED_MAX {
            return found;
        }
        let divides = matches!(&expr.kind, ExprKind::Function(call)
            if matches!(call.name.as_str(), "/" | "%" | "mod" | "div"));
        let here = found + usize::from(divides);
        children(expr)
            .into_iter()
            .map(|child| below(child, here))
            .fold(here, usize::max)
    }
    below(expr, 0)
}
