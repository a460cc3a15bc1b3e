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
