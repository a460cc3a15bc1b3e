//! Blocks with window functions and no groups.
//!
//! ```text
//! SELECT a, sum(x) OVER (PARTITION BY b ORDER BY c) FROM t
//! fragment: SELECT a AS __p0, x AS __p1, b AS __p2, c AS __p3 FROM t
//! combine:  SELECT __p0 AS a, sum(__p1) OVER (PARTITION BY __p2 ORDER BY __p3) FROM __s0
//! ```
//!
//! Windows need all rows of a partition at once. Where all windows of a block partition by a common
//! key, rows are exchanged by its hash and each fragment computes its partitions; otherwise the combine
//! query computes all of them.

use super::block::{Block, Items, Modifiers, has_subquery, is_constant};
use super::choice::outside_subqueries;
use super::cost::Size;
use super::exchange::with_hash;
use super::group::{Shipped, from_stage, replace_aliases_everywhere, stays};
use super::scope::{Scope, canonical};
use super::{Outcome, SplitMode, Splitter, refusal};
use crate::ast::visit;
use crate::ast::{Expr, ExprKind, Query, Select, Window, print};
use crate::build::{column, named, query, sql};

impl Splitter<'_> {
    /// Blocks with window functions and no groups: fragments ship what the windows need.
    pub(super) fn divide_windows(&mut self, block: Block) -> Outcome<Query> {
        let whole = block.clone();
        let Block {
            mut select,
            mut modifiers,
            outputs,
            env,
            rows_estimate,
            located,
            may_exchange,
            ..
        } = block;
        let scope = self.scope_of(&select.from, &env)?;
        let items = Items::of(&select.select_list, &scope)?;
        replace_aliases_everywhere(&mut select, &mut modifiers, &items, &scope);
        let windows = windows_of(&select, &modifiers, &items, &scope);
        let shared = shared_partitions(&windows);
        let located: Vec<Expr> = located.iter().map(|key| canonical(key, &scope)).collect();
        let unordered = windows.iter().find(|window| depends_on_order(window));
        if let Some(window) = unordered {
            return Err(refusal(
                &format!("{}() OVER", window.name),
                "without ORDER BY it depends on the order of rows",
            ));
        }
        if located.iter().any(|key| shared.contains(key)) {
            // Every partition is in one fragment already.
            return self.divide_rows(whole);
        }
        let size = Size {
            rows: rows_estimate,
            width: items.exprs.len(),
        };
        let reason = if may_exchange && !shared.is_empty() && !modifiers.has_targets() {
            self.options.exchanges_windows(size)
        } else {
            None
        };
        if reason.is_none() && self.options.mode != SplitMode::Always {
            return Err(refusal(
                "window function",
                "it needs all rows at once, and moving them costs more than it saves",
            ));
        }
        let mut shipped = Shipped::new("__p");
        let mut lower = |expr: &Expr| ship_below_windows(expr, &mut shipped, &scope);
        let list: Vec<Expr> = items
            .exprs
            .iter()
            .zip(&outputs)
            .map(|(item, output)| Ok(named(lower(item)?, &output.name)))
            .collect::<Outcome<_>>()?;
        let qualify = select.qualify.as_ref().map(&mut lower).transpose()?;
        let keep_or_lower = |expr: &Expr, lower: &mut dyn FnMut(&Expr) -> Outcome<Expr>| {
            if stays(expr, &items) {
                Ok(expr.clone())
            } else {
                lower(expr)
            }
        };
        for order in &mut modifiers.order_by {
            order.expr = keep_or_lower(&order.expr, &mut lower)?;
        }
        for target in modifiers.distinct.iter_mut().flatten() {
            *target = keep_or_lower(target, &mut lower)?;
        }

        let mut columns: Vec<Expr> = shipped.select_list().collect();
        if columns.is_empty() {
            columns.push(named(sql("1"), "__n"));
        }
        let mut fragment = crate::build::select(columns, select.from.clone());
        fragment.where_clause.clone_from(&select.where_clause);
        let mut fragment = query(fragment, Vec::new());
        if reason.is_some() {
            let keys = shared
                .iter()
                .map(|key| column(&shipped.name(key, &scope)))
                .collect();
            fragment = with_hash(fragment, &[], keys);
        }
        let fragment_env = self.materialize_ctes(&fragment, &env);
        let stage = self.finish_stage(fragment, &fragment_env, false, rows_estimate)?;
        let mut combine = crate::build::select(list, from_stage(stage));
        combine.qualify = qualify;
        let combine = query(combine, modifiers.into_list());
        if let Some(reason) = reason {
            let keys: Vec<String> = shared.iter().map(print::expr_sql).collect();
            let subject = format!("partitions by hash of {}", keys.join(", "));
            self.exchange(stage, subject, reason);
            return self.divide_combine(combine, outputs, env, rows_estimate);
        }
        self.refuse(refusal(
            "window function",
            "pulled up because it needs all rows at once",
        ));
        Ok(combine)
    }
}

/// The windows of a block, outside its subqueries.
pub(super) fn windows_of(
    select: &Select,
    modifiers: &Modifiers,
    items: &Items,
    scope: &Scope,
) -> Vec<Window> {
    let mut windows = Vec::new();
    let exprs = items
        .exprs
        .iter()
        .chain(&select.qualify)
        .chain(modifiers.order_by.iter().map(|order| &order.expr))
        .chain(modifiers.distinct.iter().flatten());
    for expr in exprs {
        outside_subqueries(&canonical(expr, scope), &mut |expr| {
            if let ExprKind::Window(window) = &expr.kind {
                windows.push(window.as_ref().clone());
            }
            false
        });
    }
    windows
}

/// The keys by which all windows partition, constants left out.
fn shared_partitions(windows: &[Window]) -> Vec<Expr> {
    let Some((first, others)) = windows.split_first() else {
        return Vec::new();
    };
    first
        .partitions
        .iter()
        .filter(|key| !is_constant(key))
        .filter(|key| others.iter().all(|other| other.partitions.contains(key)))
        .cloned()
        .collect()
}

pub(super) fn depends_on_order(window: &Window) -> bool {
    window.orders.is_empty() && window.arg_orders.is_empty() && window.ty != "WINDOW_AGGREGATE"
}

/// Replaces the largest parts without window functions by columns that fragments return.
fn ship_below_windows(node: &Expr, shipped: &mut Shipped, scope: &Scope) -> Outcome<Expr> {
    let windowed = outside_subqueries(node, &mut |expr| matches!(expr.kind, ExprKind::Window(_)));
    if !windowed {
        return Ok(if is_constant(node) && !has_subquery(node) {
            node.clone()
        } else {
            column(&shipped.name(node, scope))
        });
    }
    let mut copy = node.clone();
    copy.alias.clear();
    for child in visit::children_mut(&mut copy) {
        let alias = std::mem::take(&mut child.alias);
        *child = named(ship_below_windows(child, shipped, scope)?, &alias);
    }
    Ok(copy)
}
