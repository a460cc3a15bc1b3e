//! Window functions and their frames.

use super::Printer;
use super::expr::Level;
use super::names::function_name;
use crate::ast::{Expr, Window};

/// DuckDB's names of frame bounds.
const FRAME_BOUNDS: &[&str] = &[
    "CURRENT_ROW_GROUPS",
    "CURRENT_ROW_RANGE",
    "CURRENT_ROW_ROWS",
    "EXPR_FOLLOWING_GROUPS",
    "EXPR_FOLLOWING_RANGE",
    "EXPR_FOLLOWING_ROWS",
    "EXPR_PRECEDING_GROUPS",
    "EXPR_PRECEDING_RANGE",
    "EXPR_PRECEDING_ROWS",
    "UNBOUNDED_FOLLOWING",
    "UNBOUNDED_PRECEDING",
];

/// Whether this is DuckDB's name of a frame bound.
pub(crate) fn is_frame_bound(name: &str) -> bool {
    FRAME_BOUNDS.contains(&name)
}

impl Printer {
    pub(super) fn window(&mut self, window: &Window) {
        self.qualifiers(&window.catalog, &window.schema);
        self.push(&function_name(&window.name));
        self.push("(");
        if window.name == "count" && window.args.is_empty() {
            self.push("*");
        } else {
            let more: Vec<&Expr> = window
                .offset_expr
                .iter()
                .chain(window.default_expr.iter())
                .collect();
            self.arguments(window.distinct, &window.args, &more);
        }
        self.argument_orders(&window.arg_orders, window.args.is_empty());
        if window.ignore_nulls {
            self.push(" IGNORE NULLS");
        }
        self.push(")");
        self.filter(window.filter.as_ref());
        self.push(" OVER (");
        let mut separator = "";
        if !window.partitions.is_empty() {
            self.push("PARTITION BY ");
            self.exprs(&window.partitions);
            separator = " ";
        }
        if !window.orders.is_empty() {
            self.push(separator);
            self.push("ORDER BY ");
            self.orders(&window.orders);
            separator = " ";
        }
        self.frame(window, separator);
        self.push(")");
    }

    fn frame(&mut self, window: &Window, separator: &str) {
        let default = window.start == "UNBOUNDED_PRECEDING"
            && window.end == "CURRENT_ROW_RANGE"
            && window.exclude == "NO_OTHER";
        if default {
            return;
        }
        let unit = ["ROWS", "RANGE", "GROUPS"]
            .into_iter()
            .find(|unit| window.start.ends_with(unit) || window.end.ends_with(unit))
            .unwrap_or("ROWS");
        self.push(separator);
        self.push(unit);
        self.push(" BETWEEN ");
        self.bound(&window.start, window.start_expr.as_ref());
        self.push(" AND ");
        self.bound(&window.end, window.end_expr.as_ref());
        if window.exclude != "NO_OTHER" {
            self.push(" EXCLUDE ");
            self.push(&window.exclude.replace('_', " "));
        }
    }

    fn bound(&mut self, bound: &str, offset: Option<&Expr>) {
        if let Some(offset) = offset {
            self.at(offset, Level::Primary);
        }
        self.push(match bound {
            "UNBOUNDED_PRECEDING" => "UNBOUNDED PRECEDING",
            "UNBOUNDED_FOLLOWING" => "UNBOUNDED FOLLOWING",
            _ if bound.starts_with("CURRENT_ROW") => "CURRENT ROW",
            _ if bound.starts_with("EXPR_PRECEDING") => " PRECEDING",
            _ => " FOLLOWING",
        });
    }
}
