//! Division by zero: an error in PostgreSQL, NULL in DuckDB.
//!
//! ```text
//! 2 / b   ─►  2 / skein_fn.skein_divisor(b)                       CASE WHEN b = 0 THEN error(…) ELSE b END
//! a / b   ─►  a / skein_fn.skein_divisor_of(b, a IS NOT NULL)     CASE WHEN b = 0 AND a IS NOT NULL THEN …
//! ```
//!
//! What is NULL can be divided by zero: the operators are strict. Of a dividend that is itself made by such operators
//! it is asked what it is made of. That stands there twice, so it is not asked of what divides so often.
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

use std::collections::BTreeMap;

use serde_json::Value;

use super::node;
use crate::ast::visit::{Node, any, children};
use crate::ast::{Constant, Expr, ExprKind, Function, print};
use crate::build;

/// Checks within one divisor that may repeat it.
const NESTED_MAX: usize = 3;

/// Most expressions that a dividend may be made of.
const OPERANDS_MAX: usize = 8;

/// Checks the divisor of `expr`, if it divides and the divisor may be zero.
pub(super) fn check(expr: &mut Expr) {
    let Some((dividend, divisor)) = operands(expr) else {
        return;
    };
    if never_zero(divisor) {
        return;
    }
    let is_there = is_there(dividend);
    let name = match (nested(divisor) < NESTED_MAX, &is_there) {
        (true, None) => "skein_divisor",
        (true, Some(_)) => "skein_divisor_of",
        (false, Some(is_there)) if !has_query(is_there) => "skein_divisor_of_once",
        (false, _) => "skein_divisor_once",
    };
    let location = divisor.location;
    let inner = std::mem::replace(divisor, node::null());
    let is_there = is_there.filter(|_| name.starts_with("skein_divisor_of"));
    let args = std::iter::once(inner).chain(is_there).collect();
    *divisor = node::macro_call(name, args);
    divisor.location = location;
}

/// The operand of a check of ours.
pub(super) fn checked(call: &Function) -> Option<&Expr> {
    is_check(call).then(|| call.args.first()).flatten()
}

fn is_check(call: &Function) -> bool {
    call.name.starts_with("skein_divisor")
}

/// Whether a dividend is not NULL, if it can be.
fn is_there(dividend: &Expr) -> Option<Expr> {
    let mut found = Vec::new();
    nullable(dividend, &mut found);
    let mut tests: BTreeMap<String, Expr> = BTreeMap::new();
    for operand in found {
        if nested(operand) >= NESTED_MAX {
            return None;
        }
        let operand = operand.clone().named("");
        tests.insert(print::expr_sql(&operand), build::is_not_null(operand));
    }
    (1..=OPERANDS_MAX)
        .contains(&tests.len())
        .then(|| Expr::and(tests.into_values().collect()))
}

/// What an expression is NULL because of.
fn nullable<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::Constant(constant) if !constant.value.is_null() => {}
        ExprKind::Cast {
            child, try_cast, ..
        } if !try_cast => nullable(child, found),
        ExprKind::Function(call) if checked(call).is_some() => {
            checked(call).into_iter().for_each(|it| nullable(it, found));
        }
        ExprKind::Function(call)
            if call.is_operator && matches!(call.name.as_str(), "+" | "-" | "*" | "/" | "%") =>
        {
            call.args.iter().for_each(|arg| nullable(arg, found));
        }
        ExprKind::Function(call) if is_count(&call.name) => {}
        ExprKind::Window(window) if is_count(&window.name) => {}
        _ => found.push(expr),
    }
}

fn is_count(name: &str) -> bool {
    matches!(name, "count" | "count_star")
}

fn has_query(expr: &Expr) -> bool {
    any(Node::Expr(expr), &mut |node| matches!(node, Node::Query(_)))
}

/// Whether a division stands somewhere in it.
pub(super) fn divides(expr: &Expr) -> bool {
    nested(expr) > 0
}

/// The operands of a division or remainder.
fn operands(expr: &mut Expr) -> Option<(&Expr, &mut Expr)> {
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
        [dividend, divisor] if divides => Some((dividend, divisor)),
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
