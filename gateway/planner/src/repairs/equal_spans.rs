//! Intervals that are equal and not the same.
//!
//! DuckDB 1.5.5 takes two constants for one where they compare as equal, and `1 month` equals `30 days`. Of two
//! expressions, aggregates, conditions or windows that differ in nothing else it computes one, and shows its value in
//! place of the other's. It does not look into what has another value each time, as far as it can tell.
//!
//! ```text
//! due + CAST('30 days' AS INTERVAL)
//! due + CASE WHEN random() >= 0 THEN CAST('30 days' AS INTERVAL) END
//! ```
//!
//! Of constants that are equal one stays as it is. What is computed from constants alone is a constant by then, and
//! only the last one of these matters: `now() - INTERVAL '30 days'` is none of an interval. Of some of them the value
//! is not known here; they are taken for equal to everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::visit::{Descend, Node, NodeMut, any, children_mut, is_aggregate, walk_mut};
use crate::ast::{Expr, ExprKind, Function, Query, TableRefKind, print};
use crate::build::{only_where, sql};
use crate::postgres::spelling::interval::{self, Span, Unit};
use crate::split::is_volatile;

const MICROS_PER_DAY: i128 = 86_400_000_000;
const DAYS_PER_MONTH: i128 = 30;

/// Functions that make an interval of a number, with the interval that they make of 1.
const UNITS: &[(&str, Span)] = &[
    ("to_centuries", months(1200)),
    ("to_days", days(1)),
    ("to_decades", months(120)),
    ("to_hours", micros(3_600_000_000)),
    ("to_microseconds", micros(1)),
    ("to_milliseconds", micros(1000)),
    ("to_millennia", months(12_000)),
    ("to_minutes", micros(60_000_000)),
    ("to_months", months(1)),
    ("to_quarters", months(3)),
    ("to_seconds", micros(1_000_000)),
    ("to_weeks", days(7)),
    ("to_years", months(12)),
];
/// Other functions that give intervals.
const MAKERS: &[&str] = &[
    "age",
    "justify_days",
    "justify_hours",
    "justify_interval",
    "make_interval",
    "skein_interval",
    "skein_interval_divide",
    "skein_moments_apart",
    "skein_of_parts",
    "skein_round_interval",
    "skein_span",
    "skein_time_interval",
];

const fn months(months: i32) -> Span {
    let (days, micros) = (0, 0);
    Span {
        months,
        days,
        micros,
    }
}

const fn days(days: i32) -> Span {
    let (months, micros) = (0, 0);
    Span {
        months,
        days,
        micros,
    }
}

const fn micros(micros: i64) -> Span {
    let (months, days) = (0, 0);
    Span {
        months,
        days,
        micros,
    }
}

/// Whether two constants of a query may be equal intervals.
pub(super) fn may_concern(query: &Query) -> bool {
    let mut first: Option<&Expr> = None;
    any(Node::Query(query), &mut |node| match (node, first) {
        (Node::Expr(expr), None) if begins(expr) => {
            first = Some(expr);
            false
        }
        (Node::Expr(expr), Some(first)) => begins(expr) && expr.kind != first.kind,
        _ => false,
    })
}

/// Whether this is an interval whatever is in it.
fn begins(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Cast { ty, .. } => ty.id() == "INTERVAL",
        ExprKind::Function(call) => unit(call).is_some() || MAKERS.contains(&call.name.as_str()),
        _ => false,
    }
}

fn unit(call: &Function) -> Option<Span> {
    let found = UNITS.iter().find(|(name, _)| *name == call.name);
    found.map(|(_, span)| *span)
}

/// Tells the constants of a query apart that are equal intervals.
pub(super) fn tell_apart(query: &mut Query) {
    if !may_concern(query) {
        return;
    }
    let mut known: BTreeMap<i128, BTreeSet<[i64; 3]>> = BTreeMap::new();
    let mut others: BTreeSet<String> = BTreeSet::new();
    below(NodeMut::Query(query), &mut |expr| match value(expr) {
        Some(Value::Known(span)) => {
            known.entry(length(span)).or_default().insert(parts(span));
        }
        Some(Value::Other) => {
            others.insert(print::expr_sql(expr));
        }
        None => {}
    });
    let count: usize = others.len() + known.values().map(BTreeSet::len).sum::<usize>();
    let is_wrapped = |value: Value| match value {
        Value::Known(span) => known[&length(span)].first() != Some(&parts(span)),
        Value::Other => count > 1,
    };
    if known.values().all(|equal| equal.len() == 1) && (others.is_empty() || count == 1) {
        return;
    }
    below(NodeMut::Query(query), &mut |expr| {
        if value(expr).is_some_and(is_wrapped) {
            let mut inner = std::mem::replace(expr, Expr::null());
            let (alias, location) = (std::mem::take(&mut inner.alias), inner.location);
            *expr = only_where(Some(sql("random() >= 0")), inner);
            (expr.alias, expr.location) = (alias, location);
        }
    });
}

/// What a month of 30 days and days of 24 hours add up to.
fn length(span: Span) -> i128 {
    let days = i128::from(span.months) * DAYS_PER_MONTH + i128::from(span.days);
    days * MICROS_PER_DAY + i128::from(span.micros)
}

fn parts(span: Span) -> [i64; 3] {
    [span.months.into(), span.days.into(), span.micros]
}

/// Shows the constants that stand right below what is none.
fn below(node: NodeMut<'_>, found: &mut dyn FnMut(&mut Expr)) {
    walk_mut(node, &mut |node| match node {
        NodeMut::Expr(expr) => {
            is_constant(expr, found);
            Descend::Over
        }
        NodeMut::Table(table) => {
            let TableRefKind::Function { call, .. } = &mut table.kind else {
                return Descend::Into;
            };
            // Its arguments are computed once.
            for arg in children_mut(call) {
                is_constant(arg, found);
            }
            Descend::Over
        }
        NodeMut::Query(_) => Descend::Into,
    });
}

/// Whether an expression is computed from constants alone. Shows those that stand below it otherwise.
fn is_constant(expr: &mut Expr, found: &mut dyn FnMut(&mut Expr)) -> bool {
    let may_be = match &mut expr.kind {
        ExprKind::Constant(_) => return true,
        ExprKind::Function(call) => !is_aggregate(&call.name) && !is_volatile(&call.name),
        ExprKind::Subquery(subquery) => {
            below(NodeMut::Query(&mut subquery.query), found);
            false
        }
        ExprKind::Comparison { .. }
        | ExprKind::Conjunction { .. }
        | ExprKind::Operator { .. }
        | ExprKind::Case { .. }
        | ExprKind::Cast { .. }
        | ExprKind::Between { .. } => true,
        _ => false,
    };
    let mut children = children_mut(expr);
    let constant: Vec<bool> = children
        .iter_mut()
        .map(|child| is_constant(child, found))
        .collect();
    if may_be && constant.iter().all(|constant| *constant) {
        return true;
    }
    let below = children.into_iter().zip(constant);
    below
        .filter(|(_, constant)| *constant)
        .for_each(|(child, _)| found(child));
    false
}

#[derive(Clone, Copy)]
enum Value {
    Known(Span),
    Other,
}

/// What is known of a constant; nothing of one that is no interval.
fn value(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Cast { child, ty, .. } if ty.id() == "INTERVAL" => {
            let ExprKind::Constant(constant) = &child.kind else {
                return Some(value(child).unwrap_or(Value::Other));
            };
            let text = constant.value.as_str();
            let span = text.and_then(|text| interval::read(text, Unit::Second, false).ok());
            Some(span.map_or(Value::Other, Value::Known))
        }
        ExprKind::Function(call) => match (call.name.as_str(), call.args.as_slice()) {
            ("+" | "-", [only]) if call.is_operator => {
                let sign = if call.name == "-" { -1 } else { 1 };
                Some(times(value(only)?, Some(sign)))
            }
            ("+" | "-", [left, right]) if call.is_operator => {
                let sign = if call.name == "-" { -1 } else { 1 };
                Some(sum(value(left)?, times(value(right)?, Some(sign))))
            }
            ("*", [left, right]) if call.is_operator => match (value(left), value(right)) {
                (Some(span), None) => Some(times(span, number(right))),
                (None, Some(span)) => Some(times(span, number(left))),
                _ => None,
            },
            ("/", [left, _]) if call.is_operator => value(left).map(|_| Value::Other),
            (_, args) => match (unit(call), args) {
                (Some(span), [arg]) => Some(times(Value::Known(span), number(arg))),
                _ => begins(expr).then_some(Value::Other),
            },
        },
        ExprKind::Case { checks, otherwise } => {
            let mut results = checks.iter().map(|(_, result)| result);
            let is_span = results.any(|result| value(result).is_some());
            (is_span || value(otherwise).is_some()).then_some(Value::Other)
        }
        ExprKind::Operator { children, .. } => children
            .iter()
            .any(|child| value(child).is_some())
            .then_some(Value::Other),
        _ => None,
    }
}

fn times(span: Value, factor: Option<i64>) -> Value {
    let (Value::Known(span), Some(factor)) = (span, factor) else {
        return Value::Other;
    };
    let small = |part: i32| i32::try_from(i64::from(part).checked_mul(factor)?).ok();
    let product = || {
        Some(Span {
            months: small(span.months)?,
            days: small(span.days)?,
            micros: span.micros.checked_mul(factor)?,
        })
    };
    product().map_or(Value::Other, Value::Known)
}

fn sum(left: Value, right: Value) -> Value {
    let (Value::Known(left), Value::Known(right)) = (left, right) else {
        return Value::Other;
    };
    let sum = || {
        Some(Span {
            months: left.months.checked_add(right.months)?,
            days: left.days.checked_add(right.days)?,
            micros: left.micros.checked_add(right.micros)?,
        })
    };
    sum().map_or(Value::Other, Value::Known)
}

/// A whole number, also one that is cast or cut off.
fn number(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Constant(constant) if matches!(constant.ty.id(), "INTEGER" | "BIGINT") => {
            constant.value.as_i64()
        }
        ExprKind::Cast { child, ty, .. } if ty.id() != "VARCHAR" => number(child),
        ExprKind::Function(call) => match (call.name.as_str(), call.args.as_slice()) {
            ("trunc", [only]) => number(only),
            ("-", [only]) if call.is_operator => number(only)?.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}
