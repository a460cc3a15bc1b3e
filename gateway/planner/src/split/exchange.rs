//! Joins whose sides are exchanged by hash, and relations that are sent to every fragment.
//!
//! ```text
//! SELECT o.c, sum(l.p) FROM l JOIN o ON l.k = o.k WHERE l.x > 3 GROUP BY o.c
//!
//! stage 0, by file of l: SELECT <hash of l.k> AS __h, l.k, l.p FROM l WHERE l.x > 3   ─hash─┐
//! stage 1, by file of o: SELECT <hash of o.k> AS __h, o.k, o.c FROM o                 ─hash─┤
//! stage 2, by hash:      SELECT o.c AS __g0, sum(l.p) AS __p0 FROM __s0 AS l JOIN __s1 AS o ON l.k = o.k GROUP BY 1
//! ```
//!
//! The block itself stays as it was written. Its leaves are replaced by inputs, and then it is
//! divided by the fragments of the hash just as it would be by files.
//!
//! Values that are equal in the join's comparison must have equal hashes. So keys of different types
//! are cast to the type in which DuckDB compares them, and DuckDB says which that is: the type of a
//! list of both.

use std::collections::BTreeSet;

use super::block::{Block, Modifiers, RowOrder, has_duplicate_names};
use super::choice;
use super::cost::Size;
use super::env::Env;
use super::keys::{self, Keys};
use super::leaves::{Leaf, Leaves, leaf_mut};
use super::stage::{HASH, input_name, not_bound, passes_through};
use super::{ExchangeMode, Outcome, Splitter, reads_relation, refusal};
use crate::ast::visit::Node;
use crate::ast::{Expr, Modifier, Query, QueryBody, Select, TableRef, TableRefKind, print};
use crate::build::{named, query, select, sql, table};
use crate::plan::Decision;

/// Why rows have no order.
pub(super) const EXCHANGED: &str = "rows that were exchanged have no order";

/// Bits of DuckDB's hash that are left out, so that the rest is an INTEGER that is not negative.
const HASH_SHIFT: i64 = 33;

/// The integer by which rows with equal `keys` go to the same fragment.
pub(super) fn hash_of(keys: Vec<Expr>) -> Expr {
    let shifted = Expr::infix(
        ">>",
        Expr::function("hash", keys),
        Expr::integer(HASH_SHIFT),
    );
    named(shifted.cast_to("INTEGER"), HASH)
}

/// The rows of `inner` with the hash of some of their columns in front. Its columns are called
/// `names`; none: as it calls them itself, which must not depend on how its relations are called.
pub(super) fn with_hash(inner: Query, names: &[String], keys: Vec<Expr>) -> Query {
    let mut from = table(TableRefKind::Subquery(Box::new(inner)), "__b");
    from.column_aliases = names.to_vec();
    query(select(vec![hash_of(keys), Expr::star()], from), Vec::new())
}

impl Splitter<'_> {
    /// Divides a block by exchanging leaves of its `FROM` by hash. `None`: there is nothing to
    /// exchange, or it does not pay. `env` includes the query's own common table expressions.
    pub(super) fn divide_by_hash(
        &mut self,
        statement: &Query,
        env: &Env,
    ) -> Outcome<Option<Query>> {
        let QueryBody::Select(block) = &statement.body else {
            return Ok(None);
        };
        if block.sample.is_some() || !reads_relation(statement, env) {
            return Ok(None);
        }
        let block = &self.subqueries_joined(block, env)?.block;
        if !matches!(block.from.kind, TableRefKind::Join(_)) {
            return Ok(None);
        }
        let Some(leaves) = self.leaves_of(&block.from, env)? else {
            return self.nothing_to_exchange("FROM", "its join merges columns by name");
        };
        let bytes: Vec<Option<u64>> = leaves
            .0
            .iter()
            .map(|leaf| self.bytes_of_leaf(leaf, env))
            .collect();
        let ways = keys::ways(block, &leaves, &|leaf, _| bytes[leaf]);
        if ways.is_empty() {
            return self.nothing_to_exchange(
                "join",
                "no equality of columns links two relations that could be exchanged by it",
            );
        }
        for keys in ways {
            let wanted: BTreeSet<usize> = keys.of_leaf.keys().copied().collect();
            let mut block = block.clone();
            let taken = leaves.take_conditions(&mut block, &wanted);
            let bare = bare(&block, statement);
            let size = |leaf: &usize| {
                let needed = leaves.needed(*leaf, &bare).0.len();
                let columns = leaves.0[*leaf].columns.len();
                Size::of_files(bytes[*leaf].unwrap_or(0), columns, needed)
            };
            let sizes: Vec<Size> = wanted.iter().map(size).collect();
            let Some(reason) = self.options.exchanges_join(&sizes) else {
                continue;
            };
            let split = self.attempt(|this| {
                let env = &this.materialize_ctes(&bare, env);
                let names = this.exchange_leaves(&mut block, &bare, &leaves, &keys, &taken, env)?;
                this.exchanges.push(Decision {
                    subject: names,
                    reason,
                });
                this.divide_joined(block, keys.located, statement, env)
            });
            if split.is_some() {
                return Ok(split);
            }
        }
        Ok(None)
    }

    /// A refusal where an exchange was asked for.
    fn nothing_to_exchange(&self, subject: &str, reason: &str) -> Outcome<Option<Query>> {
        match self.options.exchange {
            ExchangeMode::Hash => Err(refusal(subject, reason)),
            _ => Ok(None),
        }
    }

    /// Notes that the rows of a stage are exchanged by hash.
    pub(super) fn exchange(&mut self, stage: usize, subject: impl Into<String>, reason: String) {
        self.hashed.insert(stage);
        self.exchanges.push(Decision {
            subject: subject.into(),
            reason,
        });
    }

    /// Replaces leaves by inputs that come by hash; gives words for what was done.
    fn exchange_leaves(
        &mut self,
        block: &mut Select,
        bare: &Query,
        leaves: &Leaves,
        keys: &Keys,
        taken: &[Vec<Expr>],
        env: &Env,
    ) -> Outcome<String> {
        let ty = self.common_type(leaves, keys, env)?;
        let (mut names, mut by) = (Vec::new(), Vec::new());
        for (index, key) in &keys.of_leaf {
            let leaf = &leaves.0[*index];
            let cast = match &ty {
                Some(ty) => sql(format!("TRY_CAST({} AS {ty})", print::expr_sql(key))),
                None => key.clone(),
            };
            let stage = self.leaf_stage(
                leaves,
                *index,
                bare,
                &taken[*index],
                Some(hash_of(vec![cast])),
                env,
            )?;
            self.hashed.insert(stage);
            *leaf_mut(&mut block.from, *index) = reading(leaf, stage, leaves.needed(*index, bare));
            names.push(print::identifier(&leaf.table.alias));
            by.push(print::expr_sql(key));
        }
        Ok(format!("{} by hash of {}", names.join(", "), by.join(", ")))
    }

    /// The stage that returns what a block needs of a leaf, with the hash in front if there is one.
    fn leaf_stage(
        &mut self,
        leaves: &Leaves,
        index: usize,
        bare: &Query,
        conditions: &[Expr],
        hash: Option<Expr>,
        env: &Env,
    ) -> Outcome<usize> {
        let leaf = &leaves.0[index];
        if has_duplicate_names_in(&leaf.columns) {
            return Err(refusal(
                &leaf.table.alias,
                "two of its columns have the same name",
            ));
        }
        let (needed, _) = leaves.needed(index, bare);
        let mut list: Vec<Expr> = hash.into_iter().collect();
        list.extend(needed.iter().map(|name| named(leaf.column(name), name)));
        if list.is_empty() {
            list.push(named(sql("1"), "__n"));
        }
        let mut rows = select(list, leaf.table.clone());
        if !conditions.is_empty() {
            rows.where_clause = Some(Expr::and(conditions.to_vec()));
        }
        self.rows_stage(query(rows, Vec::new()), false, env)
    }

    /// A stage that returns the rows of a query, divided if it can be. `distinct`: fragments may
    /// leave out rows that are equal.
    pub(super) fn rows_stage(&mut self, rows: Query, distinct: bool, env: &Env) -> Outcome<usize> {
        let estimate = choice::largest_read(Node::Query(&rows), env) / crate::plan::BYTES_PER_ROW;
        if let Some(best) = choice::best_of_query(&rows, env) {
            let mut marked = rows;
            choice::apply_query(&mut marked, &best.choice, env, &mut |relation| {
                self.mark_divided(relation)
            });
            if let QueryBody::Select(select) = &mut marked.body {
                self.materialize_tables(&mut select.from, env);
            }
            if distinct {
                marked.modifiers.push(Modifier::Distinct(Vec::new()));
            }
            let env = self.materialize_ctes(&marked, env);
            return self.finish_stage(marked, &env, false, estimate);
        }
        let before = self.stages.len();
        let split = self
            .attempt_split(&rows, env)
            .unwrap_or_else(|| rows.clone());
        match passes_through(&split) {
            // Nobody else reads it: it was made just now.
            Some(stage) if stage >= before => Ok(stage),
            _ => {
                let env = self.materialize_ctes(&split, env);
                self.finish_stage(split, &env, false, estimate)
            }
        }
    }

    /// Divides a block over leaves of which a fragment has the rows of some keys.
    pub(super) fn divide_joined(
        &mut self,
        mut block: Select,
        located: Vec<Expr>,
        statement: &Query,
        env: &Env,
    ) -> Outcome<Query> {
        let outputs = self
            .describe(&bare(statement_block(statement)?, statement), env)
            .map_err(|error| not_bound(&error))?;
        self.materialize_tables(&mut block.from, env);
        if let Some(condition) = &mut block.where_clause {
            self.materialize_subqueries(condition, env);
        }
        let rows_estimate = self.rows_estimates.iter().copied().max().unwrap_or(0);
        let combine = self.divide_block(Block {
            select: block,
            modifiers: Modifiers::of(&statement.modifiers)?,
            outputs,
            env: env.clone(),
            rows_estimate,
            order: RowOrder::None(EXCHANGED),
            located,
            may_exchange: true,
        })?;
        Ok(with_own_ctes(combine, statement, env))
    }

    /// Reads relations beside the divided one once and sends them to every fragment, where asked
    /// for or where that moves less.
    pub(super) fn broadcast_leaves(&mut self, block: &mut Select, statement: &Query, env: &Env) {
        let Ok(Some(leaves)) = self.leaves_of(&block.from, env) else {
            return;
        };
        for index in 0..leaves.0.len() {
            let leaf = &leaves.0[index];
            if leaves.0.len() < 2 || reads_divided(&leaf.table) {
                continue;
            }
            let Some(bytes) = self.bytes_of_leaf(leaf, env) else {
                continue;
            };
            let mut rest = block.clone();
            let taken = leaves.take_conditions(&mut rest, &BTreeSet::from([index]));
            let bare = bare(&rest, statement);
            let needed = leaves.needed(index, &bare);
            let size = Size::of_files(bytes, leaf.columns.len(), needed.0.len());
            let Some(reason) = self.options.broadcasts(size, !taken[index].is_empty()) else {
                continue;
            };
            let sent = self.attempt(|this| {
                let stage = this.leaf_stage(&leaves, index, &bare, &taken[index], None, env)?;
                this.exchanges.push(Decision {
                    subject: format!("{} to every fragment", print::identifier(&leaf.table.alias)),
                    reason,
                });
                Ok(stage)
            });
            if let Some(stage) = sent {
                *leaf_mut(&mut rest.from, index) = reading(leaf, stage, needed);
                *block = rest;
            }
        }
    }

    /// The leaves of a `FROM`; `None` where its joins follow rules not known here.
    fn leaves_of(&self, from: &TableRef, env: &Env) -> Outcome<Option<Leaves>> {
        Leaves::of(from, &mut |leaf| self.columns_of(leaf, env))
    }

    /// Bytes below a leaf that may become a stage of its own.
    pub(super) fn bytes_of_leaf(&self, leaf: &Leaf, env: &Env) -> Option<u64> {
        let stands = match &leaf.table.kind {
            TableRefKind::Table { .. } => {
                env.relation(&leaf.table).is_some()
                    || env
                        .cte(&leaf.table)
                        .is_some_and(|(cte, _)| !super::env::is_recursive(&cte))
            }
            // What refers to other leaves cannot be computed without them.
            TableRefKind::Subquery(query) => self.stands_alone(query, env),
            _ => false,
        };
        (stands && leaf.table.sample.is_none())
            .then(|| choice::largest_read(Node::Table(&leaf.table), env))
    }

    /// The type to which all keys are cast before they are hashed; `None`: they have the same.
    fn common_type(&self, leaves: &Leaves, keys: &Keys, env: &Env) -> Outcome<Option<String>> {
        let mut types: Vec<String> = Vec::new();
        for (leaf, key) in &keys.of_leaf {
            let probe = query(
                select(vec![key.clone()], leaves.0[*leaf].table.clone()),
                Vec::new(),
            );
            let columns = self
                .describe(&probe, env)
                .map_err(|error| not_bound(&error))?;
            if let Some(column) = columns.into_iter().next()
                && !types.contains(&column.ty)
            {
                types.push(column.ty);
            }
        }
        if let Some(ty) = types.iter().find(|ty| ty.contains("VARIANT")) {
            // 1 and 1.0 are equal there, and have different hashes.
            return Err(refusal("join", format!("{ty} has no hash that fits its =")));
        }
        match types.as_slice() {
            [_] => Ok(None),
            [one, other] => {
                let list = format!("SELECT [CAST(NULL AS {one}), CAST(NULL AS {other})]");
                let described = self.bind.describe(&list).ok();
                let ty = described
                    .as_deref()
                    .and_then(|columns| columns.first()?.ty.strip_suffix("[]"));
                ty.map(|ty| Some(ty.to_owned())).ok_or_else(|| {
                    refusal("join", format!("{one} and {other} have no common type"))
                })
            }
            // Equal in one pair of types need not mean equal hashes in a third.
            _ => Err(refusal("join", "it compares keys of three types or more")),
        }
    }
}

/// The block in place of that of `statement`, without common table expressions.
fn bare(block: &Select, statement: &Query) -> Query {
    Query {
        ctes: Vec::new(),
        body: QueryBody::Select(Box::new(block.clone())),
        modifiers: statement.modifiers.clone(),
    }
}

fn statement_block(statement: &Query) -> Outcome<&Select> {
    match &statement.body {
        QueryBody::Select(select) => Ok(select),
        _ => Err(refusal("query", "it is no single block")),
    }
}

/// `combine` with those of the statement's own common table expressions that it still names.
pub(super) fn with_own_ctes(mut combine: Query, statement: &Query, env: &Env) -> Query {
    let own = |name: &str| statement.ctes.iter().any(|cte| cte.name == name);
    combine.ctes = env
        .needed(&combine)
        .into_iter()
        .filter(|cte| own(&cte.name))
        .collect();
    combine
}

/// What stands in place of a leaf whose rows come from `stage`.
fn reading(leaf: &Leaf, stage: usize, (needed, all): (Vec<String>, bool)) -> TableRef {
    let name = input_name(stage);
    let input = table(TableRefKind::Input { name }, "");
    let kind = if all {
        // Whoever asks for every column must not see the hash.
        let list = needed
            .iter()
            .map(|name| Expr::column([name.as_str()]))
            .collect();
        TableRefKind::Subquery(Box::new(query(select(list, input), Vec::new())))
    } else {
        input.kind
    };
    TableRef {
        location: leaf.table.location,
        ..table(kind, &leaf.table.alias)
    }
}

/// Whether the files of a leaf are divided, at any depth.
fn reads_divided(leaf: &TableRef) -> bool {
    crate::ast::visit::any(Node::Table(leaf), &mut |node| {
        matches!(
            node,
            Node::Table(TableRef {
                kind: TableRefKind::Scan { .. } | TableRefKind::Input { .. },
                ..
            })
        )
    })
}

fn has_duplicate_names_in(columns: &[String]) -> bool {
    has_duplicate_names(
        &columns
            .iter()
            .map(|name| skein_executor_api::Column {
                name: name.clone(),
                ty: String::new(),
            })
            .collect::<Vec<_>>(),
    )
}
