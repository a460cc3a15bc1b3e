//! Hundreds of alternatives, each of several conditions: `(a = 1 AND b = 'x') OR (a = 2 AND b = 'y') OR …`
//!
//! DuckDB 1.5.5 looks at all of a condition again for each constant in it: 1,000 alternatives took ten
//! seconds before the first row was read. Each condition of a CASE is looked at for itself, and those
//! after the first that holds are not computed. Where NULL is as good as false, that means the same.
//!
//! ```text
//! CASE WHEN first OR second … THEN true WHEN seventeenth OR … THEN true … ELSE false END
//! ```
//!
//! Alternatives of one comparison each become a list of values in DuckDB, and a condition that is part of
//! all of them may join two relations: such ones stay.

use std::collections::BTreeSet;

use super::places::{Place, Truth};
use crate::ast::visit::conjuncts;
use crate::ast::{Expr, ExprKind, print};

/// So many alternatives DuckDB deals with in milliseconds.
const ALTERNATIVES_MAX: usize = 64;
/// Alternatives in one condition of the CASE; more are looked at longer, fewer computed slower.
const TOGETHER: usize = 16;

/// Rewrites a long `OR` that is a condition.
pub(super) fn repair(expr: &mut Expr, place: Place) {
    if place.truth != Truth::Condition || place.negated {
        return;
    }
    let ExprKind::Conjunction {
        and: false,
        children,
    } = &mut expr.kind
    else {
        return;
    };
    let is_long = children.len() > ALTERNATIVES_MAX;
    if !is_long || !children.iter().any(is_several) || have_common_part(children) {
        return;
    }
    let alternatives = std::mem::take(children);
    let mut checks = Vec::with_capacity(alternatives.len().div_ceil(TOGETHER));
    let mut rest = alternatives.into_iter();
    loop {
        let mut together: Vec<Expr> = rest.by_ref().take(TOGETHER).collect();
        let condition = match together.len() {
            0 => break,
            1 => together.remove(0),
            _ => Expr::from(ExprKind::Conjunction {
                and: false,
                children: together,
            }),
        };
        checks.push((condition, Expr::boolean(true)));
    }
    expr.kind = ExprKind::Case {
        checks,
        otherwise: Box::new(Expr::boolean(false)),
    };
}

fn is_several(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Conjunction { and: true, .. })
}

/// Whether some condition is part of all alternatives.
fn have_common_part(alternatives: &[Expr]) -> bool {
    let mut common: Option<BTreeSet<String>> = None;
    for alternative in alternatives {
        let parts = conjuncts(alternative).into_iter().map(print::expr_sql);
        let parts: BTreeSet<String> = match common {
            None => parts.collect(),
            Some(before) => parts.filter(|part| before.contains(part)).collect(),
        };
        if parts.is_empty() {
            return false;
        }
        common = Some(parts);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{ALTERNATIVES_MAX, repair};
    use crate::ast::{Comparison, Expr, ExprKind};
    use crate::repairs::places::{Place, Truth};

    const CONDITION: Place = Place {
        truth: Truth::Condition,
        negated: false,
    };

    fn equal(column: &str, value: usize) -> Expr {
        let value = Expr::integer(i64::try_from(value).unwrap());
        Expr::comparison(Comparison::Equal, Expr::column([column]), value)
    }

    fn long(count: usize, alternative: impl Fn(usize) -> Expr) -> Expr {
        Expr::from(ExprKind::Conjunction {
            and: false,
            children: (0..count).map(alternative).collect(),
        })
    }

    fn both(at: usize) -> Expr {
        Expr::and(vec![equal("a", at), equal("b", at)])
    }

    fn checks(mut expr: Expr, place: Place) -> Option<usize> {
        repair(&mut expr, place);
        match expr.kind {
            ExprKind::Case { checks, .. } => Some(checks.len()),
            _ => None,
        }
    }

    #[test]
    fn long_lists_of_alternatives_are_divided_where_null_is_false() {
        let count = ALTERNATIVES_MAX + 1;
        assert_eq!(checks(long(count, both), CONDITION), Some(5));
        assert_eq!(checks(long(ALTERNATIVES_MAX, both), CONDITION), None);
        let negated = Place {
            negated: true,
            ..CONDITION
        };
        assert_eq!(checks(long(count, both), negated), None);
        let value = Place {
            truth: Truth::Value,
            negated: false,
        };
        assert_eq!(checks(long(count, both), value), None);
    }

    #[test]
    fn lists_of_values_and_common_conditions_stay() {
        let count = ALTERNATIVES_MAX + 1;
        assert_eq!(checks(long(count, |at| equal("a", at)), CONDITION), None);
        let common = |at| Expr::and(vec![equal("b", at), equal("a", 1)]);
        assert_eq!(checks(long(count, common), CONDITION), None);
    }
}
