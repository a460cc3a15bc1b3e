//! Where quotients of `numeric` may be floats.
//!
//! An exact quotient takes twelve times as long as one of floats. Where a quotient is only added up, the floats'
//! fifteen digits are what is promised; where a digit decides, it is exact:
//!
//! | Expression | Quotient |
//! |---|---|
//! | `sum(a / b)`, `avg`, `min`, `max`, also through `+ - * /`, CASE, COALESCE | of floats |
//! | `a / b > 0.3` in a condition | of floats, and exact for rows near 0.3 |
//! | below `round`, casts, `%`, other functions and aggregates; compared with columns | exact |

use super::types::Ty;
use super::{Block, Place, RewriteError, is_aggregate, quotient};
use crate::ast::visit::{Node, any, children, children_mut};
use crate::ast::{Expr, ExprKind, print};
use crate::postgres::{division, node};
use crate::split;

/// Aggregates whose value has the digits of floats; sorted.
const AGGREGATES: &[&str] = &[
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "max",
    "mean",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Functions and operators through which small errors stay small; sorted.
const SMOOTH: &[&str] = &["*", "+", "-", "/", "abs", "greatest", "least"];

impl Block<'_> {
    /// What is said of the expressions right below `expr`, which stands at `place`.
    pub(super) fn place_below(&self, expr: &Expr, place: Place) -> Place {
        let hidden = |name: &str, clause| match AGGREGATES.binary_search(&name) {
            Ok(_) => Place::Hidden(clause),
            Err(_) => Place::Shown,
        };
        match &expr.kind {
            ExprKind::Function(call) if is_aggregate(&call.name) => hidden(&call.name, "aggregate"),
            // Over groups there are few rows, and what stands here may be shown as well.
            ExprKind::Window(window) if !self.is_grouped() && !super::has_aggregate(expr) => {
                hidden(&window.name, "window")
            }
            // A quotient that was shown elsewhere equals one with the same digits.
            _ if self.compares_shown(expr) => Place::Shown,
            ExprKind::Comparison { .. } | ExprKind::Between { .. } => Place::Shown,
            ExprKind::Operator { op, .. } if op.starts_with("COMPARE_") => Place::Shown,
            ExprKind::Function(call) if SMOOTH.binary_search(&call.name.as_str()).is_err() => {
                Place::Shown
            }
            ExprKind::Cast { ty, .. } if !matches!(Ty::of(ty), Ty::Double | Ty::Float) => {
                Place::Shown
            }
            _ => place,
        }
    }

    /// Whether `expr` compares something with a value of a subquery, or with a column that is a quotient.
    fn compares_shown(&self, expr: &Expr) -> bool {
        let is_shown = |operand: &Expr| match &operand.kind {
            ExprKind::Subquery(_) => true,
            ExprKind::ColumnRef(_) => {
                let known = self.asked.known(&print::expr_sql(operand));
                known.is_some_and(|ty| quotient::is_quotient(&Ty::parse(&ty)))
            }
            _ => false,
        };
        match &expr.kind {
            ExprKind::Subquery(subquery) => subquery.child.is_some(),
            ExprKind::Operator { .. } => children(expr).into_iter().any(is_shown),
            _ => false,
        }
    }

    /// Settles the comparison of a quotient with a constant, in a condition: by floats where they differ
    /// clearly. Whether it is one.
    pub(super) fn settle_near(
        &mut self,
        expr: &mut Expr,
        place: Place,
    ) -> Result<bool, RewriteError> {
        let ExprKind::Comparison { left, right, .. } = &expr.kind else {
            return Ok(false);
        };
        let is_left = divides(left);
        let (quotient, constant) = if is_left {
            (left, right)
        } else {
            (right, left)
        };
        if !divides(quotient) || divides(constant) {
            return Ok(false);
        }
        if place == Place::Shown || !is_constant(constant) || !may_repeat(quotient) {
            return Ok(false);
        }
        let mut exact = expr.clone();
        let mut types = Vec::new();
        for child in children_mut(&mut exact) {
            types.push(self.settle(child, Place::Shown)?);
        }
        self.rule(&mut exact, &mut types, Place::Shown)?;
        let (mut quick, mut constant) = ((**quotient).clone(), (**constant).clone());
        self.settle(&mut quick, place)?;
        let mut shown = (**quotient).clone();
        self.settle(&mut shown, Place::Shown)?;
        // No quotient of `numeric`.
        if shown == quick {
            *expr = exact;
            return Ok(true);
        }
        self.settle(&mut constant, Place::Shown)?;
        let near = node::macro_call("skein_near", vec![quick.clone(), constant.clone()]);
        let mut by_floats = exact.clone();
        if let ExprKind::Comparison { left, right, .. } = &mut by_floats.kind {
            let side = if is_left { left } else { right };
            **side = quick;
        }
        expr.kind = ExprKind::Case {
            checks: vec![(near, exact)],
            otherwise: Box::new(by_floats),
        };
        Ok(true)
    }
}

/// Whether it is a quotient, or computed from one with nothing but arithmetic.
fn divides(expr: &Expr) -> bool {
    let smooth = match &expr.kind {
        ExprKind::Function(call) => SMOOTH.binary_search(&call.name.as_str()).is_ok(),
        ExprKind::Case { .. } | ExprKind::Operator { .. } => true,
        _ => false,
    };
    smooth && division::divides(expr)
}

/// Whether it is a constant, or a parameter whose type is written.
fn is_constant(expr: &Expr) -> bool {
    !matches!(expr.kind, ExprKind::Parameter(_))
        && !any(Node::Expr(expr), &mut |node| match node {
            Node::Query(_) | Node::Table(_) => true,
            Node::Expr(expr) => !matches!(
                expr.kind,
                ExprKind::Constant(_) | ExprKind::Parameter(_) | ExprKind::Cast { .. }
            ),
        })
}

/// Whether it can be computed twice.
fn may_repeat(expr: &Expr) -> bool {
    !any(Node::Expr(expr), &mut |node| match node {
        Node::Query(_) | Node::Table(_) => true,
        Node::Expr(expr) => {
            matches!(&expr.kind, ExprKind::Function(call) if split::is_volatile(&call.name))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{AGGREGATES, SMOOTH};

    #[test]
    fn the_names_are_sorted_for_binary_search() {
        assert!(AGGREGATES.is_sorted());
        assert!(SMOOTH.is_sorted());
    }
}
