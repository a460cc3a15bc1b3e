//! `t.*` as a value: the whole row, as `t` is.
//!
//! | PostgreSQL | instead |
//! |---|---|
//! | `row_to_json(t.*)`, `(t.*)::text`, `t.* IS NOT NULL`, `t.* = u.*` | `row_to_json(t)`, `t::text`, … |
//! | `count(t.*)` | as it is |
//!
//! DuckDB puts the columns of a star in its place, each on its own. Applies to the tree as parsed; what is the
//! only argument of a call DuckDB's parser drops, so [`super::tokens`] takes the star away before.

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Query};

/// Functions that take all columns, one by one.
pub(super) const OF_COLUMNS: &[&str] = &["columns", "count", "row", "struct_pack", "unpack"];

/// Names whole rows; whether there were any.
pub fn name_rows(query: &mut Query) -> bool {
    let mut changed = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            for operand in operands(expr) {
                changed |= name_row(operand);
            }
        }
        Descend::Into
    });
    changed
}

fn operands(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        ExprKind::Function(call) if !OF_COLUMNS.contains(&call.name.as_str()) => {
            call.args.iter_mut().collect()
        }
        ExprKind::Window(call) if call.name != "count" => call.args.iter_mut().collect(),
        ExprKind::Operator { children, .. } => children.iter_mut().collect(),
        ExprKind::Comparison { left, right, .. } => vec![left, right],
        ExprKind::Cast { child, .. } => vec![child],
        ExprKind::Case { checks, otherwise } => {
            let mut all: Vec<&mut Expr> = checks.iter_mut().map(|(_, then)| then).collect();
            all.push(otherwise);
            all
        }
        _ => Vec::new(),
    }
}

fn name_row(expr: &mut Expr) -> bool {
    let ExprKind::Star(star) = &mut expr.kind else {
        return false;
    };
    let is_plain = star.exclude.is_empty()
        && star.replace.is_empty()
        && star.rename.is_empty()
        && !star.columns
        && star.expr.is_none();
    if !is_plain || star.relation.is_empty() {
        return false;
    }
    expr.kind = ExprKind::ColumnRef(vec![std::mem::take(&mut star.relation)]);
    true
}
