//! `EXISTS` and `IN` in `WHERE` as joins, so that their relation can be exchanged as well.
//!
//! ```text
//! FROM o WHERE EXISTS (SELECT 1 FROM l WHERE l.k = o.k AND l.x > 3)
//! FROM o SEMI JOIN l AS __e0 ON __e0.k = o.k AND __e0.x > 3
//!
//! FROM o WHERE o.k IN (SELECT k FROM l GROUP BY k)
//! FROM o SEMI JOIN (SELECT k FROM l GROUP BY k) AS __e0(__y) ON o.k = __e0.__y
//! ```
//!
//! `NOT EXISTS` becomes an anti join. `NOT IN` stays: one NULL among its values decides about every
//! row, so that no fragment can answer for its part.

use super::env::Env;
use super::leaves::Leaves;
use super::{Outcome, Splitter};
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{
    Comparison, Expr, ExprKind, Join, JoinKind, JoinSyntax, Query, QueryBody, Select, Subquery,
    SubqueryKind, TableRef, TableRefKind,
};
use crate::build::table;

/// What `IN` looks up is called.
const LOOKED_UP: &str = "__y";

/// A block with lookups written as joins.
pub(super) struct Joined {
    pub(super) block: Select,
    /// Which operands of its `WHERE` are the last leaves of its `FROM` now, in their order.
    pub(super) lookups: Vec<usize>,
}

impl Joined {
    fn without(block: Select) -> Self {
        Self {
            block,
            lookups: Vec::new(),
        }
    }
}

impl Splitter<'_> {
    /// The block with operands of `WHERE` that look rows up elsewhere written as joins, where that
    /// is possible.
    pub(super) fn subqueries_joined(&self, block: &Select, env: &Env) -> Outcome<Joined> {
        let mut joined = block.clone();
        let mut lookups = Vec::new();
        let Some(condition) = &block.where_clause else {
            return Ok(Joined::without(joined));
        };
        if !visit::conjuncts(condition).into_iter().any(is_lookup) {
            return Ok(Joined::without(joined));
        }
        let Some(outer) = Leaves::of(&block.from, &mut |leaf| self.columns_of(leaf, env))? else {
            return Ok(Joined::without(joined));
        };
        let mut left = Vec::new();
        for (index, conjunct) in visit::conjuncts(condition).into_iter().enumerate() {
            let alias = format!("__e{}", lookups.len());
            let lookup = lookup(conjunct).and_then(|(subquery, kind)| {
                let (right, condition) = match subquery.kind {
                    SubqueryKind::Any => self.of_in(subquery, &alias, &outer, env),
                    _ => self.of_exists(&subquery.query, &alias, &outer, env),
                }?;
                Some((right, condition, kind))
            });
            let Some((right, condition, kind)) = lookup else {
                left.push(conjunct.clone());
                continue;
            };
            lookups.push(index);
            let join = Join {
                left: joined.from,
                right,
                condition: Some(condition),
                kind,
                syntax: JoinSyntax::Regular,
                using: Vec::new(),
                delim_flipped: false,
            };
            joined.from = table(TableRefKind::Join(Box::new(join)), "");
        }
        joined.where_clause = (!left.is_empty()).then(|| Expr::and(left));
        Ok(Joined {
            block: joined,
            lookups,
        })
    }

    /// What `EXISTS (SELECT … FROM relation WHERE …)` looks up, and the condition over both sides.
    fn of_exists(
        &self,
        query: &Query,
        alias: &str,
        outer: &Leaves,
        env: &Env,
    ) -> Option<(TableRef, Expr)> {
        let QueryBody::Select(select) = &query.body else {
            return None;
        };
        let plain = query.ctes.is_empty()
            && query.modifiers.is_empty()
            && select.group_by.is_empty()
            && select.grouping_sets.is_empty()
            && !select.group_by_all
            && select.having.is_none()
            && select.qualify.is_none()
            && select.sample.is_none()
            && select.from.column_aliases.is_empty()
            && select.from.sample.is_none()
            // An aggregate gives a row even if there is none.
            && !select
                .select_list
                .iter()
                .any(super::choice::has_aggregate_or_window);
        if !plain || env.relation(&select.from).is_none() {
            return None;
        }
        let inner = Leaves::of(&select.from, &mut |leaf| self.columns_of(leaf, env)).ok()??;
        let mut condition = select.where_clause.clone()?;
        qualify(&mut condition, &inner, alias, outer).then_some(())?;
        Some((renamed(&select.from, alias), condition))
    }

    /// What `x IN (query)` looks up, and the condition over both sides.
    fn of_in(
        &self,
        subquery: &Subquery,
        alias: &str,
        outer: &Leaves,
        env: &Env,
    ) -> Option<(TableRef, Expr)> {
        if subquery.comparison != Some(Comparison::Equal) {
            return None;
        }
        let child = subquery.child.as_ref()?;
        // What is looked up must be a column or so of the block alone.
        outer.owner(child, &(0..outer.0.len()))?;
        let columns = self.describe(&subquery.query, env).ok()?;
        if columns.len() != 1 {
            return None;
        }
        let kind = TableRefKind::Subquery(Box::new(subquery.query.clone()));
        let mut right = table(kind, alias);
        right.column_aliases = vec![LOOKED_UP.to_owned()];
        let condition = Expr::comparison(
            Comparison::Equal,
            child.clone(),
            Expr::column([alias, LOOKED_UP]),
        );
        Some((right, condition))
    }
}

/// The `FROM` of what a lookup looks rows up in, if that is one block.
pub(super) fn from_of_lookup(conjunct: &mut Expr) -> Option<&mut TableRef> {
    let subquery = match &mut conjunct.kind {
        ExprKind::Subquery(subquery) => subquery,
        ExprKind::Operator { children, .. } => match &mut children[..] {
            [
                Expr {
                    kind: ExprKind::Subquery(subquery),
                    ..
                },
            ] => subquery,
            _ => return None,
        },
        _ => return None,
    };
    match &mut subquery.query.body {
        QueryBody::Select(select) => Some(&mut select.from),
        _ => None,
    }
}

fn is_lookup(conjunct: &Expr) -> bool {
    lookup(conjunct).is_some()
}

/// The subquery of an operand of `WHERE`, and what join it means.
fn lookup(conjunct: &Expr) -> Option<(&Subquery, JoinKind)> {
    match &conjunct.kind {
        ExprKind::Subquery(subquery) => match subquery.kind {
            SubqueryKind::Exists | SubqueryKind::Any => Some((subquery, JoinKind::Semi)),
            SubqueryKind::NotExists => Some((subquery, JoinKind::Anti)),
            SubqueryKind::Scalar => None,
        },
        ExprKind::Operator { op, children } if op == "OPERATOR_NOT" => match &children[..] {
            [
                Expr {
                    kind: ExprKind::Subquery(subquery),
                    ..
                },
            ] if subquery.kind == SubqueryKind::Exists => Some((subquery, JoinKind::Anti)),
            _ => None,
        },
        _ => None,
    }
}

/// Gives every column of a subquery's condition its leaf; `false` if that cannot be done.
fn qualify(condition: &mut Expr, inner: &Leaves, alias: &str, outer: &Leaves) -> bool {
    let mut understood = true;
    visit::walk(Node::Expr(condition), &mut |node| {
        if let Node::Expr(expr) = node {
            understood &= !matches!(
                expr.kind,
                ExprKind::Subquery(_)
                    | ExprKind::Lambda { .. }
                    | ExprKind::Star(_)
                    | ExprKind::Positional(_)
            );
        }
        if understood {
            Descend::Into
        } else {
            Descend::Over
        }
    });
    understood && qualify_columns(condition, inner, alias, outer)
}

fn qualify_columns(expr: &mut Expr, inner: &Leaves, alias: &str, outer: &Leaves) -> bool {
    if let ExprKind::ColumnRef(names) = &mut expr.kind {
        // Names belong to the subquery's own relation first.
        if let Some((_, mut path)) = inner.resolve(names, &(0..1)) {
            alias.clone_into(&mut path[0]);
            *names = path;
            return true;
        }
        let Some((_, path)) = outer.resolve(names, &(0..outer.0.len())) else {
            return false;
        };
        *names = path;
        return true;
    }
    visit::children_mut(expr)
        .into_iter()
        .all(|child| qualify_columns(child, inner, alias, outer))
}

fn renamed(from: &TableRef, alias: &str) -> TableRef {
    let mut from = from.clone();
    alias.clone_into(&mut from.alias);
    from
}
