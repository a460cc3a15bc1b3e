//! `AND` and `OR` as values, whose later operands may end with an error.
//!
//! PostgreSQL stops at the operand that decides. DuckDB does so in conditions, and computes all operands for all rows
//! where a value is wanted: `SELECT b <> 0 AND a / b > 1`, `FILTER (WHERE …)`, below NOT, COALESCE and comparisons. A
//! CASE before it leaves it the rows that its first operands do not decide.
//!
//! ```text
//! b <> 0 AND a / b > 1
//! CASE WHEN b <> 0 IS NOT DISTINCT FROM false THEN false ELSE b <> 0 AND a / b > 1 END
//! ```

use super::places::{Place, Truth};
use crate::ast::visit::{Node, any, children};
use crate::ast::{Comparison, Expr, ExprKind};
use crate::split;

/// Operands that are written twice have at most so many expressions: they may stand within one another.
const REPEATED_MAX: usize = 64;

/// Functions and operators that end with no error, whatever their arguments; sorted.
const SAFE: &[&str] = &[
    "!~~",
    "!~~*",
    "contains",
    "ends_with",
    "ilike_escape",
    "is_distinct_from",
    "isfinite",
    "isnan",
    "length",
    "like_escape",
    "lower",
    "ltrim",
    "nullif",
    "prefix",
    "regexp_full_match",
    "regexp_matches",
    "rtrim",
    "starts_with",
    "strlen",
    "struct_pack",
    "suffix",
    "trim",
    "upper",
    "||",
    "~~",
    "~~*",
];

/// Rewrites a conjunction that stands where it is a value.
pub(super) fn repair(expr: &mut Expr, place: Place) {
    if (place.truth == Truth::Condition && !place.negated) || !may_concern(expr) {
        return;
    }
    let ExprKind::Conjunction { and, children } = &expr.kind else {
        return;
    };
    let (and, last) = (
        *and,
        children.iter().rposition(may_fail).unwrap_or_default(),
    );
    let guards = &children[..last];
    if guards.iter().map(size).sum::<usize>() > REPEATED_MAX || guards.iter().any(changes) {
        return;
    }
    // What decides: false for AND, true for OR.
    let decides = |guard: &Expr| {
        let decided = Expr::boolean(!and);
        let test = Expr::comparison(Comparison::NotDistinct, guard.clone(), decided.clone());
        (test, decided)
    };
    let checks = guards.iter().map(decides).collect();
    let otherwise = Box::new(Expr::from(expr.kind.clone()));
    expr.kind = ExprKind::Case { checks, otherwise };
}

/// Whether an operand after the first may end with an error.
pub(super) fn may_concern(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Conjunction { children, .. } => children.iter().skip(1).any(may_fail),
        _ => false,
    }
}

/// Whether an expression may end with an error. Not whether it does: a guard too many costs little.
fn may_fail(expr: &Expr) -> bool {
    match &expr.kind {
        // SQL is what the planner has written: constants.
        ExprKind::ColumnRef(_)
        | ExprKind::Constant(_)
        | ExprKind::Parameter(_)
        | ExprKind::Sql(_) => return false,
        ExprKind::Function(call) if SAFE.binary_search(&call.name.as_str()).is_ok() => {}
        ExprKind::Cast { ty, try_cast, .. } if *try_cast || ty.id() == "VARCHAR" => {}
        ExprKind::Cast { child, .. } => return !matches!(child.kind, ExprKind::Constant(_)),
        ExprKind::Operator { op, .. } if op != "ARRAY_CONSTRUCTOR" => {}
        ExprKind::Comparison { .. }
        | ExprKind::Conjunction { .. }
        | ExprKind::Case { .. }
        | ExprKind::Between { .. }
        | ExprKind::Collate { .. } => {}
        _ => return true,
    }
    children(expr).into_iter().any(may_fail)
}

/// Expressions in an expression, itself too.
fn size(expr: &Expr) -> usize {
    1 + children(expr).into_iter().map(size).sum::<usize>()
}

/// Whether it must not be computed twice.
fn changes(expr: &Expr) -> bool {
    any(Node::Expr(expr), &mut |node| match node {
        Node::Query(_) => true,
        Node::Expr(Expr {
            kind: ExprKind::Function(call),
            ..
        }) => split::is_volatile(&call.name),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::SAFE;

    #[test]
    fn the_names_are_sorted_for_binary_search() {
        assert!(SAFE.is_sorted());
    }
}
