//! Divides one block: marks the chosen occurrence, moves heavy parts into stages of their own, and
//! hands over to the strategy for the block's kind.

use skein_executor_api::Column;

use super::choice::{self, QueryChoice};
use super::env::{self, Env};
use super::exchange::with_own_ctes;
use super::scope::{Meaning, Scope};
use super::stage::{input_name, passes_through};
use super::{Outcome, SplitMode, Splitter, reads_relation, refusal};
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{
    Expr, ExprKind, Modifier, OrderBy, Query, QueryBody, Select, Star, TableRef, TableRefKind,
};
use crate::build::{query, select, table};
use crate::plan::BYTES_PER_ROW;

/// A block with its occurrence marked, and what surrounds it.
#[derive(Clone)]
pub(super) struct Block {
    /// The block; its `FROM` holds the divided scan.
    pub(super) select: Select,
    /// What orders and limits it.
    pub(super) modifiers: Modifiers,
    /// Its result columns, as DuckDB describes them.
    pub(super) outputs: Vec<Column>,
    /// What names in it mean.
    pub(super) env: Env,
    /// How many rows a fragment might see.
    pub(super) rows_estimate: u64,
    /// What is known of the order of its rows.
    pub(super) order: RowOrder,
    /// Expressions over its `FROM` of which any says which fragment a row is in: rows with equal
    /// values of one are in the same fragment.
    pub(super) located: Vec<Expr>,
    /// Its rows, groups or windows may be exchanged by hash.
    pub(super) may_exchange: bool,
}

/// The order of rows over all fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// That of files, if fragments hold files in order.
    Files,
    /// None, because of this.
    None(&'static str),
}

/// Result modifiers, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Modifiers {
    /// `DISTINCT`, with its `ON` targets.
    pub(super) distinct: Option<Vec<Expr>>,
    /// `ORDER BY`
    pub(super) order_by: Vec<OrderBy>,
    /// `LIMIT`, of rows or of percent.
    pub(super) limit: Option<Modifier>,
}

impl Modifiers {
    pub(super) fn of(modifiers: &[Modifier]) -> Outcome<Self> {
        let mut parts = Self::default();
        for modifier in modifiers {
            match modifier {
                Modifier::Distinct(targets)
                    if parts.distinct.is_none()
                        && parts.order_by.is_empty()
                        && parts.limit.is_none() =>
                {
                    parts.distinct = Some(targets.clone());
                }
                Modifier::OrderBy(orders) if parts.order_by.is_empty() && parts.limit.is_none() => {
                    parts.order_by.clone_from(orders);
                }
                Modifier::Limit { .. } | Modifier::LimitPercent { .. } if parts.limit.is_none() => {
                    parts.limit = Some(modifier.clone());
                }
                _ => return Err(refusal("query", "its modifiers come in an unusual order")),
            }
        }
        Ok(parts)
    }

    /// Whether there is a `DISTINCT ON`.
    pub(super) fn has_targets(&self) -> bool {
        self.distinct
            .as_ref()
            .is_some_and(|targets| !targets.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.distinct.is_none() && self.order_by.is_empty() && self.limit.is_none()
    }

    /// Back to a list, in DuckDB's order.
    pub(super) fn into_list(self) -> Vec<Modifier> {
        let order = (!self.order_by.is_empty()).then_some(Modifier::OrderBy(self.order_by));
        self.distinct
            .map(Modifier::Distinct)
            .into_iter()
            .chain(order)
            .chain(self.limit)
            .collect()
    }
}

impl Splitter<'_> {
    /// Divides `query` by `choice`. `env` includes the query's own common table expressions.
    pub(super) fn divide(
        &mut self,
        statement: &Query,
        choice: &QueryChoice,
        env: &Env,
    ) -> Outcome<Query> {
        let bare = Query {
            ctes: Vec::new(),
            ..statement.clone()
        };
        let outputs = self
            .describe(&bare, env)
            .map_err(|error| super::stage::not_bound(&error))?;
        let before = self.divided.len();
        let mut marked = bare;
        choice::apply_query(&mut marked, choice, env, &mut |relation| {
            self.mark_divided(relation)
        });
        let bytes: u64 = self.divided[before..]
            .iter()
            .map(|divided| divided.relation.bytes())
            .sum();
        let rows_estimate = bytes / BYTES_PER_ROW;
        let combine = match marked.body {
            QueryBody::Select(mut select) => {
                self.broadcast_leaves(&mut select, statement, env);
                self.materialize_tables(&mut select.from, env);
                if let Some(condition) = &mut select.where_clause {
                    self.materialize_subqueries(condition, env);
                }
                let block = Block {
                    order: if self.divided.len() - before == 1 {
                        RowOrder::Files
                    } else {
                        RowOrder::None("the operands of a union have no common order")
                    },
                    located: Vec::new(),
                    may_exchange: true,
                    modifiers: Modifiers::of(&marked.modifiers)?,
                    select: *select,
                    outputs,
                    env: env.clone(),
                    rows_estimate,
                };
                self.divide_block(block)?
            }
            body => {
                let fragment = Query {
                    ctes: Vec::new(),
                    body,
                    modifiers: Vec::new(),
                };
                let env = self.materialize_ctes(&fragment, env);
                let stage = self.finish_stage(fragment, &env, false, rows_estimate)?;
                read_all(stage)
            }
        };
        Ok(with_own_ctes(combine, statement, env))
    }

    pub(super) fn divide_block(&mut self, block: Block) -> Outcome<Query> {
        let select = &block.select;
        let has = |test: fn(&ExprKind) -> bool| {
            expressions(select)
                .chain(block.modifiers.order_by.iter().map(|order| &order.expr))
                .any(|expr| choice::outside_subqueries(expr, &mut |expr| test(&expr.kind)))
        };
        let is_aggregate = |kind: &ExprKind| matches!(kind, ExprKind::Function(call) if crate::aggregates::is_aggregate(&call.name));
        let grouped = !select.grouping_sets.is_empty()
            || select.group_by_all
            || select.having.is_some()
            || has(is_aggregate);
        let windowed = select.qualify.is_some() || has(|kind| matches!(kind, ExprKind::Window(_)));
        if grouped {
            self.divide_groups(block)
        } else if windowed {
            self.divide_windows(block)
        } else {
            self.divide_rows(block)
        }
    }

    /// Moves derived tables that are not row by row and large into stages of their own, so that
    /// they are computed once and not by every fragment.
    pub(super) fn materialize_tables(&mut self, from: &mut TableRef, env: &Env) {
        match &mut from.kind {
            TableRefKind::Subquery(query) => {
                if let Some(stage) = self.materialize(query, env) {
                    if from.alias.is_empty() {
                        "__d".clone_into(&mut from.alias);
                    }
                    from.kind = TableRefKind::Input {
                        name: input_name(stage),
                    };
                }
            }
            TableRefKind::Join(join) => {
                self.materialize_tables(&mut join.left, env);
                self.materialize_tables(&mut join.right, env);
                if let Some(condition) = &mut join.condition {
                    self.materialize_subqueries(condition, env);
                }
            }
            _ => {}
        }
    }

    pub(super) fn materialize_subqueries(&mut self, expr: &mut Expr, env: &Env) {
        if let ExprKind::Subquery(subquery) = &mut expr.kind
            && let Some(stage) = self.materialize(&subquery.query, env)
        {
            subquery.query = read_all(stage);
        }
        for child in visit::children_mut(expr) {
            self.materialize_subqueries(child, env);
        }
    }

    /// The environment in which large common table expressions that `fragment` needs are stages.
    pub(super) fn materialize_ctes(&mut self, fragment: &Query, env: &Env) -> Env {
        let mut env = env.clone();
        for cte in env.needed(fragment) {
            if env::is_recursive(&cte) {
                continue;
            }
            let visible = env.below(&cte.name);
            if let Some(stage) = self.materialize(&cte.query, &visible) {
                env = env.replaced(&cte.name, &read_all(stage));
            }
        }
        env
    }

    /// A stage that computes `query` once for all fragments, where that saves work.
    fn materialize(&mut self, part: &Query, env: &Env) -> Option<usize> {
        let bytes = choice::largest_read(Node::Query(part), env);
        let large = match self.options.mode {
            SplitMode::Always => reads_relation(part, env),
            _ => bytes >= self.options.bytes_min,
        };
        let divided = visit::any(Node::Query(part), &mut |node| {
            matches!(
                node,
                Node::Table(TableRef {
                    kind: TableRefKind::Scan { .. },
                    ..
                })
            )
        });
        let row_by_row = choice::best_of_query(part, env).is_some();
        let made = passes_through(part).is_some();
        if !large || made || divided || row_by_row || !self.stands_alone(part, env) {
            return None;
        }
        self.attempt(|this| {
            let split = this
                .attempt_split(part, env)
                .unwrap_or_else(|| part.clone());
            let stage = this.finish_stage(split, env, false, bytes / BYTES_PER_ROW / 10)?;
            if has_duplicate_names(&this.stages[stage].columns) {
                return Err(refusal("subquery", "two of its columns have the same name"));
            }
            Ok(stage)
        })
    }

    pub(super) fn attempt_split(&mut self, part: &Query, env: &Env) -> Option<Query> {
        self.attempt_optional(|this| this.split_query(part, env))
    }

    /// The names in a block's `FROM`.
    pub(super) fn scope_of(&self, from: &TableRef, env: &Env) -> Outcome<Scope> {
        let scope = Scope::of(from, &mut |leaf| self.columns_of(leaf, env))?;
        scope.ok_or_else(|| refusal("FROM", "its join merges columns by name"))
    }

    /// The column names of a leaf of a `FROM`.
    pub(super) fn columns_of(&self, leaf: &TableRef, env: &Env) -> Outcome<Vec<String>> {
        if let Some(relation) = env.relation(leaf)
            && leaf.column_aliases.is_empty()
        {
            let columns = relation.columns.iter();
            return Ok(columns.map(|column| column.name.clone()).collect());
        }
        let mut leaf_alone = leaf.clone();
        leaf_alone.sample = None;
        let star = Expr::star();
        let described = self
            .describe(&query(select(vec![star], leaf_alone), Vec::new()), env)
            .map_err(|error| super::stage::not_bound(&error))?;
        Ok(described.into_iter().map(|column| column.name).collect())
    }
}

/// A plain `*`.
pub(super) fn star() -> Star {
    Star {
        relation: String::new(),
        exclude: Vec::new(),
        replace: Vec::new(),
        rename: Vec::new(),
        columns: false,
        expr: None,
    }
}

/// `SELECT * FROM input`
pub(super) fn read_all(stage: usize) -> Query {
    let name = input_name(stage);
    query(
        select(vec![Expr::star()], table(TableRefKind::Input { name }, "")),
        Vec::new(),
    )
}

/// The expressions of a block outside its `FROM`.
pub(super) fn expressions(select: &Select) -> impl Iterator<Item = &Expr> {
    select
        .select_list
        .iter()
        .chain(&select.where_clause)
        .chain(&select.group_by)
        .chain(&select.having)
        .chain(&select.qualify)
}

/// As [`expressions`], to be changed.
pub(super) fn expressions_mut(select: &mut Select) -> impl Iterator<Item = &mut Expr> {
    select
        .select_list
        .iter_mut()
        .chain(&mut select.where_clause)
        .chain(&mut select.group_by)
        .chain(&mut select.having)
        .chain(&mut select.qualify)
}

/// Whether two columns have the same name, as DuckDB compares names.
pub(super) fn has_duplicate_names(columns: &[Column]) -> bool {
    let mut names: Vec<String> = columns
        .iter()
        .map(|column| column.name.to_lowercase())
        .collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1]) || names.iter().any(String::is_empty)
}

/// A block's select list with stars written out and references to its own aliases replaced, so
/// that each expression speaks of columns of the `FROM` only.
pub(super) struct Items {
    pub(super) exprs: Vec<Expr>,
    aliases: Vec<(String, usize)>,
}

impl Items {
    pub(super) fn of(select_list: &[Expr], scope: &Scope) -> Outcome<Self> {
        let mut items = Self {
            exprs: Vec::new(),
            aliases: Vec::new(),
        };
        for item in select_list {
            if let ExprKind::Star(star) = &item.kind {
                let plain = Star {
                    relation: star.relation.clone(),
                    ..self::star()
                };
                let columns = (**star == plain)
                    .then(|| scope.star(&star.relation))
                    .flatten();
                let Some(columns) = columns else {
                    return Err(refusal("select list", "it chooses columns by a pattern"));
                };
                items.exprs.extend(
                    columns
                        .into_iter()
                        .map(|(names, _)| Expr::from(ExprKind::ColumnRef(names))),
                );
                continue;
            }
            if choice::outside_subqueries(item, &mut |expr| matches!(expr.kind, ExprKind::Star(_)))
            {
                return Err(refusal("select list", "it chooses columns by a pattern"));
            }
            let mut item = item.clone();
            items.replace_aliases(&mut item, scope);
            if !item.alias.is_empty() {
                items
                    .aliases
                    .push((item.alias.to_lowercase(), items.exprs.len()));
            }
            items.exprs.push(item);
        }
        Ok(items)
    }

    /// The item that a bare name stands for as an alias.
    pub(super) fn aliased(&self, expr: &Expr) -> Option<usize> {
        match &expr.kind {
            ExprKind::ColumnRef(names) if names.len() == 1 => {
                let name = names[0].to_lowercase();
                self.aliases
                    .iter()
                    .find(|(alias, _)| *alias == name)
                    .map(|(_, index)| *index)
            }
            _ => None,
        }
    }

    /// Replaces names that are no columns but aliases of items by what they stand for.
    pub(super) fn replace_aliases(&self, expr: &mut Expr, scope: &Scope) {
        if let ExprKind::ColumnRef(names) = &expr.kind
            && scope.resolve(names) == Meaning::Unknown
            && let Some(index) = self.aliased(expr)
        {
            let alias = std::mem::take(&mut expr.alias);
            *expr = self.exprs[index].clone();
            expr.alias = alias;
            return;
        }
        for child in visit::children_mut(expr) {
            self.replace_aliases(child, scope);
        }
    }
}

/// The position that an integer constant names, counted from one.
pub(super) fn position(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Constant(constant) => constant.value.as_u64()?.try_into().ok(),
        _ => None,
    }
}

/// Whether an expression is the same for every row: no column, no subquery.
pub(super) fn is_constant(expr: &Expr) -> bool {
    !choice::outside_subqueries(expr, &mut |expr| {
        matches!(
            expr.kind,
            ExprKind::ColumnRef(_)
                | ExprKind::Subquery(_)
                | ExprKind::Star(_)
                | ExprKind::Window(_)
        )
    })
}

/// Whether any subquery stands in an expression.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    visit::walk(Node::Expr(expr), &mut |node| {
        if let Node::Expr(Expr {
            kind: ExprKind::Subquery(_),
            ..
        }) = node
        {
            found = true;
        }
        if found { Descend::Over } else { Descend::Into }
    });
    found
}
