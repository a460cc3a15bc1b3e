//! `first_value(x) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`.
//!
//! DuckDB 1.5.5 gives the first of all rows where a window has neither PARTITION BY nor ORDER BY, whatever its
//! frame. All rows are one partition by NULL.
//!
//! ```text
//! first_value(x) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
//! first_value(x) OVER (PARTITION BY NULL ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
//! ```

use crate::ast::{Expr, ExprKind};

/// Adds the partition.
pub(super) fn repair(expr: &mut Expr) {
    let ExprKind::Window(window) = &mut expr.kind else {
        return;
    };
    if window.ty == "WINDOW_FIRST_VALUE"
        && window.partitions.is_empty()
        && window.orders.is_empty()
        && (window.start != "UNBOUNDED_PRECEDING" || window.exclude != "NO_OTHER")
    {
        window.partitions.push(Expr::null());
    }
}
