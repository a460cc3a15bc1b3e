//! Blocks that work row by row: fragments return rows, the combine query sorts, dedups and limits.
//!
//! ```text
//! SELECT a FROM t ORDER BY b LIMIT 5
//! fragment: SELECT a, b AS __o0 FROM t ORDER BY b LIMIT 5
//! combine:  SELECT a FROM __s0 ORDER BY __o0 LIMIT 5
//! ```
//!
//! The block itself is left as it was written, stars and patterns included; only sort keys that it
//! does not return are added to it. Rows of `DISTINCT` may be exchanged by their hash, so that the
//! combine query sees each only once.

use super::block::{
    Block, Modifiers, RowOrder, has_duplicate_names, is_constant, position, read_all,
};
use super::cost::Size;
use super::exchange::{EXCHANGED, with_hash};
use super::group::from_stage;
use super::stage::limit_of_fragments;
use super::{Outcome, Splitter, refusal};
use crate::ast::{Expr, ExprKind, Modifier, OrderBy, Query, TableRefKind};
use crate::build::{column, named, order_key, query, select, table};

/// Name of the column that says which fragment a row comes from.
pub(super) const FRAGMENT: &str = "__f";

impl Splitter<'_> {
    pub(super) fn divide_rows(&mut self, block: Block) -> Outcome<Query> {
        let Block {
            select: mut fragment,
            modifiers,
            outputs,
            env,
            rows_estimate,
            order,
            located,
            may_exchange,
        } = block;
        let wrapped = has_duplicate_names(&outputs);
        if modifiers.is_empty() && !wrapped {
            let fragment = query(fragment, Vec::new());
            let env = self.materialize_ctes(&fragment, &env);
            let stage = self.finish_stage(fragment, &env, false, rows_estimate)?;
            return Ok(read_all(stage));
        }
        let names: Vec<String> = if wrapped {
            (0..outputs.len())
                .map(|index| format!("__c{index}"))
                .collect()
        } else {
            outputs.iter().map(|output| output.name.clone()).collect()
        };

        let mut keys = Keys {
            added: Vec::new(),
            names: &names,
            items: &fragment.select_list,
        };
        let mut combine = Modifiers {
            limit: modifiers.limit.clone(),
            ..Modifiers::default()
        };
        let distinct = modifiers.distinct.is_some();
        for order in &modifiers.order_by {
            let key = keys.key(&order.expr, distinct && !modifiers.has_targets())?;
            combine.order_by.push(OrderBy {
                expr: key,
                ..order.clone()
            });
        }
        let mut in_file_order = false;
        if let Some(targets) = &modifiers.distinct {
            let mut columns = Vec::new();
            for target in targets {
                columns.push(keys.key(target, false)?);
            }
            if !targets.is_empty() {
                if let RowOrder::None(reason) = order {
                    return Err(refusal("DISTINCT ON", reason));
                }
                in_file_order = true;
                keys.added
                    .push(named(Expr::from(ExprKind::FragmentIndex), FRAGMENT));
                combine.order_by.push(order_key(column(FRAGMENT)));
            }
            combine.distinct = Some(columns);
        }
        let added = keys.added;

        let pushed = pushed_down(&modifiers, &added);
        let key_names: Vec<String> = added.iter().map(|key| key.alias.clone()).collect();
        fragment.select_list.extend(added);
        let mut body = query(fragment, pushed.into_list());
        if wrapped {
            let mut from = table(TableRefKind::Subquery(Box::new(body)), "__b");
            from.column_aliases = names.iter().cloned().chain(key_names).collect();
            body = query(select(vec![Expr::star()], from), Vec::new());
        }
        let env = self.materialize_ctes(&body, &env);
        let mut reason = None;
        if may_exchange && distinct && !modifiers.has_targets() && !wrapped {
            let (rows, width) = (rows_estimate, names.len());
            reason = self.options.exchanges_groups(Size { rows, width });
        }
        if reason.is_some() {
            body = with_hash(body, &names, columns_of(&names));
        }
        let stage = self.finish_stage(body, &env, in_file_order, rows_estimate)?;

        let list = names
            .iter()
            .zip(&outputs)
            .map(|(name, output)| named(column(name), &output.name))
            .collect();
        let from = from_stage(stage);
        let Some(reason) = reason else {
            return Ok(query(select(list, from), combine.into_list()));
        };
        self.exchange(stage, "distinct rows by hash of all columns", reason);
        self.divide_rows(Block {
            select: select(list, from),
            modifiers: combine,
            outputs,
            env,
            rows_estimate,
            order: RowOrder::None(EXCHANGED),
            located,
            may_exchange: false,
        })
    }
}

fn columns_of(names: &[String]) -> Vec<Expr> {
    names.iter().map(|name| column(name)).collect()
}

/// What fragments may already do: the same `DISTINCT`, and the first rows of the same order.
fn pushed_down(modifiers: &Modifiers, added: &[Expr]) -> Modifiers {
    let mut pushed = Modifiers {
        distinct: modifiers.distinct.clone(),
        ..Modifiers::default()
    };
    let sorts_all = modifiers
        .order_by
        .iter()
        .any(|order| matches!(order.expr.kind, ExprKind::Star(_)));
    if modifiers.has_targets() && !sorts_all {
        pushed.order_by.clone_from(&modifiers.order_by);
    }
    if let Some(Modifier::Limit {
        limit: Some(limit),
        offset,
    }) = &modifiers.limit
        && is_constant(limit)
        && offset.as_ref().is_none_or(is_constant)
        && (!sorts_all || added.is_empty())
    {
        pushed.order_by.clone_from(&modifiers.order_by);
        pushed.limit = Some(limit_of_fragments(limit, offset.as_ref()));
    }
    pushed
}

/// Sort keys and `DISTINCT ON` targets as columns that fragments return.
struct Keys<'a> {
    /// Columns added to the select list, named.
    added: Vec<Expr>,
    /// Names of the result columns in the fragment.
    names: &'a [String],
    /// The select list as written.
    items: &'a [Expr],
}

impl Keys<'_> {
    /// What the combine query sorts by in place of `key`.
    fn key(&mut self, key: &Expr, only_results: bool) -> Outcome<Expr> {
        if let ExprKind::Star(_) = key.kind {
            return Ok(key.clone());
        }
        if let Some(position) = position(key) {
            let name = position
                .checked_sub(1)
                .and_then(|index| self.names.get(index));
            return name
                .map(|name| column(name))
                .ok_or_else(|| refusal("ORDER BY", "a position is out of range"));
        }
        let starred = self.items.iter().any(has_star);
        let same = |item: &Expr| match &key.kind {
            ExprKind::ColumnRef(names) if names.len() == 1 && !item.alias.is_empty() => {
                item.alias.eq_ignore_ascii_case(&names[0])
            }
            _ => without_names(item) == without_names(key),
        };
        let found = self.items.iter().position(same);
        if let (Some(index), false) = (found, starred) {
            return Ok(column(&self.names[index]));
        }
        if found.is_some() && !self.items.iter().all(|item| item.alias.is_empty()) {
            return Err(refusal("ORDER BY", "an alias stands beside a star"));
        }
        if only_results {
            return Err(refusal(
                "ORDER BY",
                "DISTINCT sorts by something it does not return",
            ));
        }
        let name = format!("__o{}", self.added.len());
        self.added.push(named(key.clone(), &name));
        Ok(column(&name))
    }
}

fn has_star(item: &Expr) -> bool {
    super::choice::outside_subqueries(item, &mut |expr| matches!(expr.kind, ExprKind::Star(_)))
}

/// The expression without alias and positions, to compare what was written.
fn without_names(expr: &Expr) -> Expr {
    super::scope::canonical(expr, &super::scope::Scope::default())
}
