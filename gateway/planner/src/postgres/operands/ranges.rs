//! Frames of windows by the distance of whole numbers: `RANGE BETWEEN 5 PRECEDING AND CURRENT ROW`.
//!
//! DuckDB computes where a frame ends in the type of the sort key, and fails beyond it. PostgreSQL takes such an end
//! for that of all rows (`in_range_int4_int8`), so the key becomes wide enough for the distance.

use super::types::Ty;
use super::{Block, cast_to};
use crate::ast::visit::children;
use crate::ast::{Expr, ExprKind, Window};
use crate::postgres::node;

/// Distances that are added to an `integer` in a `bigint`.
const DISTANCE_MAX: i64 = i64::MAX / 2;

/// Whether the frame of a window is one of this kind, if its sort key is a whole number.
pub(super) fn is_target(window: &Window) -> bool {
    let by_distance = |bound: &str| bound.starts_with("EXPR_") && bound.ends_with("_RANGE");
    (by_distance(&window.start) || by_distance(&window.end)) && window.orders.len() == 1
}

impl Block<'_> {
    /// Gives the frame's sort key room for the distance; `types` are those of the expressions below.
    pub(super) fn range(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) {
        let ExprKind::Window(window) = &expr.kind else {
            return;
        };
        if !is_target(window) {
            return;
        }
        let key = &window.orders[0].expr;
        let at = children(expr)
            .iter()
            .position(|child| std::ptr::eq(*child, key));
        let Some(ty) = at.and_then(|at| self.type_below(expr, types, at)) else {
            return;
        };
        let ExprKind::Window(window) = &mut expr.kind else {
            return;
        };
        let is_short = |offset: &Expr| {
            node::constant_integer(offset).is_some_and(|it| (0..=DISTANCE_MAX).contains(&it))
        };
        let offsets = [&window.start_expr, &window.end_expr];
        let wide = match ty {
            Ty::Small | Ty::Integer if offsets.into_iter().flatten().all(is_short) => "BIGINT",
            Ty::Small | Ty::Integer | Ty::Big => "HUGEINT",
            _ => return,
        };
        cast_to(&mut window.orders[0].expr, node::plain_type(wide));
    }
}
