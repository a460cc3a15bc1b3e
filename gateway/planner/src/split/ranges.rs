//! Blocks whose fragments each read one range of a key.
//!
//! ```text
//! SELECT o.c, sum(l.p) FROM l JOIN o ON l.k = o.k GROUP BY o.c
//!
//! fragment: SELECT o.c AS __g0, sum(l.p) AS __p0
//!           FROM <files of l with only k of this range> AS l
//!           JOIN (SELECT * FROM <files of o with only such k> UNION ALL
//!                 SELECT * FROM <files of o with others as well> AS o WHERE <k of this range>) AS o ON l.k = o.k
//!           GROUP BY 1
//! ```
//!
//! Which rows of a join are in one fragment is as for an exchange by hash ([`keys`](super::keys)), but no
//! row moves: the footers of files tell which have rows of a range ([`skein_catalog::ranges`]). That
//! pays where files are nearly sorted by the key in more than one relation, or where groups are those
//! of the key. NULLs are in the first range. Leaves without known ranges are read whole by every fragment.

use std::collections::BTreeMap;
use std::sync::Arc;

use skein_catalog::ranges::KeyRanges;
use skein_catalog::snapshot::RelationSnapshot;

use super::env::Env;
use super::keys::{self, Keys};
use super::leaves::{Leaves, leaf_mut};
use super::semi::{self, Joined};
use super::wanted::group_keys;
use super::{ExchangeMode, Outcome, SplitMode, SplitOptions, Splitter, block, choice};
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{Expr, ExprKind, Query, QueryBody, Select, TableRef, TableRefKind, print};
use crate::plan::Decision;

/// Of how many percent a relation may be read at most by all fragments together for its ranges to
/// count as told apart.
const READ_PERCENT_MAX: u64 = 130;
/// How much more must be read in parallel than with files divided, in percent.
const PAYS_PERCENT: u64 = 110;
/// The same where groups or windows are by the key: then fragments also finish them.
const PAYS_GROUPED_PERCENT: u64 = 85;

impl SplitOptions {
    /// How many ranges fragments read; less than two: none.
    pub(super) fn ranges(&self) -> usize {
        self.partitions.unwrap_or(self.executors).max(1)
    }

    /// Whether ranges may be read at all.
    pub(super) fn may_range(&self) -> bool {
        self.mode != SplitMode::Never
            && matches!(self.exchange, ExchangeMode::Auto | ExchangeMode::Range)
            && self.ranges() > 1
    }
}

/// A leaf that is a relation, or passes rows of one on, and the column of it that is the key.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) relation: Arc<RelationSnapshot>,
    pub(super) column: String,
    pub(super) ranges: Arc<KeyRanges>,
}

/// A way to divide a block into ranges.
struct Way {
    keys: Keys,
    /// Of every leaf of `keys`.
    origins: BTreeMap<usize, Origin>,
    /// Those that say where ranges begin.
    ranges: Arc<KeyRanges>,
    /// The key of their leaf.
    key: Expr,
    /// Bytes that a fragment need not read.
    spared: u64,
    /// Groups or windows are by the key.
    grouped: bool,
}

impl Splitter<'_> {
    /// Divides a block by ranges of a key of its `FROM`. `None`: there is no such key, or it does not
    /// pay. `env` includes the query's own common table expressions.
    pub(super) fn divide_by_range(
        &mut self,
        statement: &Query,
        env: &Env,
    ) -> Outcome<Option<Query>> {
        let QueryBody::Select(written) = &statement.body else {
            return Ok(None);
        };
        if self.known.ranges.is_empty() || !self.options.may_range() || written.sample.is_some() {
            return Ok(None);
        }
        let Joined {
            block: joined,
            lookups,
        } = self.subqueries_joined(written, env)?;
        let Some(leaves) = Leaves::of(&joined.from, &mut |leaf| self.columns_of(leaf, env))? else {
            return Ok(None);
        };
        let Some((way, reason)) = self.best_way(&joined, &leaves, env) else {
            return Ok(None);
        };
        // DuckDB plans lookups better as they were written.
        let mut block = written.as_ref().clone();
        let mut conjuncts: Vec<Expr> = block
            .where_clause
            .iter()
            .flat_map(|condition| visit::conjuncts(condition))
            .cloned()
            .collect();
        let own = leaves.0.len() - lookups.len();
        let (mut names, mut by) = (Vec::new(), Vec::new());
        for (index, key) in &way.keys.of_leaf {
            let place = match index.checked_sub(own) {
                None => Some(leaf_mut(&mut block.from, *index)),
                Some(lookup) => semi::from_of_lookup(&mut conjuncts[lookups[lookup]]),
            };
            let Some(place) = place else {
                return Ok(None);
            };
            let place = source(place);
            *place = self.in_ranges(place, &way.origins[index], &way.ranges)?;
            names.push(print::identifier(&leaves.0[*index].table.alias));
            by.push(print::expr_sql(key));
        }
        block.where_clause = (!conjuncts.is_empty()).then(|| Expr::and(conjuncts));
        self.exchanges.push(Decision {
            subject: format!("{} by ranges of {}", names.join(", "), by.join(", ")),
            reason,
        });
        self.divide_joined(block, way.keys.located, statement, env)
            .map(Some)
    }

    /// The way that spares most, and why it pays; `None`: none does.
    fn best_way(&self, block: &Select, leaves: &Leaves, env: &Env) -> Option<(Way, String)> {
        let forced = self.options.exchange == ExchangeMode::Range;
        let told_apart = |leaf: usize, key: &Expr| {
            let origin = self.origin(leaf, key, leaves, env)?;
            let ranges = &origin.ranges;
            let apart = ranges.read_percent <= READ_PERCENT_MAX && !ranges.has_nulls();
            (forced || apart).then(|| origin.relation.bytes())
        };
        let grouped = located_keys(block, leaves);
        let mut candidates = keys::ways(block, leaves, &told_apart);
        let single = |key: &(usize, Expr)| {
            told_apart(key.0, &key.1)?;
            keys::single(block, leaves, key.0, &key.1)
        };
        candidates.extend(grouped.iter().filter_map(single));
        let ways = candidates.into_iter().filter_map(|keys| {
            let mut way = self.way(keys, leaves, env)?;
            let is_key = |key: &Expr| grouped.iter().any(|(_, group)| group == key);
            way.grouped = way.keys.located.iter().any(is_key);
            Some(way)
        });
        let way = ways.max_by_key(|way| (way.spared, way.grouped))?;
        if forced {
            return Some((way, "skein.exchange is range".to_owned()));
        }
        let reads = leaves.0.iter();
        let largest = reads.map(|leaf| choice::largest_read(Node::Table(&leaf.table), env));
        let largest = largest.max().unwrap_or(0);
        let wanted = if way.grouped {
            PAYS_GROUPED_PERCENT
        } else {
            PAYS_PERCENT
        };
        let pays = way.ranges.bounds.len() + 1 == self.options.ranges()
            && largest >= self.options.bytes_min
            && way.spared >= self.spared(largest, 100) / 100 * wanted
            && !is_bounded(block, leaves, &way.key);
        pays.then(|| {
            let reason = format!(
                "their files tell those apart, which spares {} MB",
                way.spared >> 20
            );
            (way, reason)
        })
    }

    /// How the largest leaf of `keys` would divide all of them.
    fn way(&self, keys: Keys, leaves: &Leaves, env: &Env) -> Option<Way> {
        let origins: Option<BTreeMap<usize, Origin>> = keys
            .of_leaf
            .iter()
            .map(|(leaf, key)| Some((*leaf, self.origin(*leaf, key, leaves, env)?)))
            .collect();
        let origins = origins?;
        let (first, origin) = origins
            .iter()
            .max_by_key(|(_, origin)| origin.relation.bytes())?;
        let ranges = Arc::clone(&origin.ranges);
        // What is compared with the bounds has to sort as they do.
        let fits = |other: &Origin| ranges.compares_with(&other.ranges);
        if !origins.values().all(fits) {
            return None;
        }
        let spared =
            |origin: &Origin| self.spared(origin.relation.bytes(), origin.ranges.read_percent);
        Some(Way {
            spared: origins.values().map(spared).sum(),
            key: keys.of_leaf[first].clone(),
            ranges,
            grouped: false,
            origins,
            keys,
        })
    }

    /// Bytes that a fragment need not read of so many, if all together read `percent` of them.
    fn spared(&self, bytes: u64, percent: u64) -> u64 {
        let count = self.options.ranges() as u64;
        let read = (bytes / 100).saturating_mul(percent) / count;
        bytes.saturating_sub(read)
    }

    /// Where a leaf's key comes from, if that has ranges.
    fn origin(&self, leaf: usize, key: &Expr, leaves: &Leaves, env: &Env) -> Option<Origin> {
        let leaf = &leaves.0[leaf];
        let ExprKind::ColumnRef(path) = &key.kind else {
            return None;
        };
        let [_, name] = path.as_slice() else {
            return None;
        };
        let (relation, column) = if let Some(relation) = env.relation(&leaf.table) {
            let plain = leaf.table.column_aliases.is_empty() && leaf.table.sample.is_none();
            plain.then(|| (relation, name.clone()))?
        } else {
            let TableRefKind::Subquery(inner) = &leaf.table.kind else {
                return None;
            };
            let place = leaf
                .columns
                .iter()
                .position(|column| column.eq_ignore_ascii_case(name))?;
            passed_on(inner, place, env)?
        };
        let known = (relation.name.clone(), column.to_lowercase());
        let ranges = self.known.ranges.get(&known)?;
        let ranges = (ranges.files.len() == relation.files.len()).then(|| Arc::clone(ranges))?;
        Some(Origin {
            relation,
            column,
            ranges,
        })
    }
}

/// The relation that a leaf is, or that a derived table passes on.
fn source(leaf: &mut TableRef) -> &mut TableRef {
    let is_block = matches!(&leaf.kind, TableRefKind::Subquery(query)
        if matches!(query.body, QueryBody::Select(_)));
    if !is_block {
        return leaf;
    }
    match &mut leaf.kind {
        TableRefKind::Subquery(query) => match &mut query.body {
            QueryBody::Select(inner) => &mut inner.from,
            _ => unreachable!("just looked at"),
        },
        _ => unreachable!("just looked at"),
    }
}

/// Columns of one leaf by which a block groups, or all of its windows might partition.
fn located_keys(block: &Select, leaves: &Leaves) -> Vec<(usize, Expr)> {
    let mut keys = if block.grouping_sets.len() == 1 {
        group_keys(block)
    } else {
        Vec::new()
    };
    for expr in block::expressions(block) {
        visit::walk(Node::Expr(expr), &mut |node| {
            if let Node::Expr(Expr {
                kind: ExprKind::Window(window),
                ..
            }) = node
            {
                keys.extend(window.partitions.iter().cloned());
            }
            Descend::Into
        });
    }
    let all = 0..leaves.0.len();
    let mut found: Vec<(usize, Expr)> = Vec::new();
    for key in keys {
        if let ExprKind::ColumnRef(_) = key.kind
            && let Some(leaf) = leaves.owner(&key, &all)
        {
            let key = (leaf, leaves.normal(&key, &all));
            if !found.contains(&key) {
                found.push(key);
            }
        }
    }
    found
}

/// Whether a condition of the block speaks of `key` alone: then its rows are not spread evenly over
/// ranges that were made for all of them.
fn is_bounded(block: &Select, leaves: &Leaves, key: &Expr) -> bool {
    let all = 0..leaves.0.len();
    let names_key = |conjunct: &Expr| {
        leaves.owner(conjunct, &all).is_some()
            && choice::outside_subqueries(conjunct, &mut |expr| {
                matches!(expr.kind, ExprKind::ColumnRef(_)) && leaves.normal(expr, &all) == *key
            })
    };
    let conditions = block.where_clause.iter().flat_map(visit::conjuncts);
    conditions.into_iter().any(names_key)
}

/// The column of a relation that a query passes on in place `place`, so that a condition on it is one on
/// the relation's rows.
fn passed_on(inner: &Query, place: usize, env: &Env) -> Option<(Arc<RelationSnapshot>, String)> {
    let QueryBody::Select(select) = &inner.body else {
        return None;
    };
    let relation = env.relation(&select.from)?;
    let item = select.select_list.get(place)?;
    let ExprKind::ColumnRef(path) = &item.kind else {
        return None;
    };
    let plain = inner.ctes.is_empty()
        && inner.modifiers.is_empty()
        && select.sample.is_none()
        && select.from.sample.is_none()
        && select.from.column_aliases.is_empty()
        && select.qualify.is_none()
        && !select.group_by_all
        && select.grouping_sets.len() < 2;
    let calls = |expr: &Expr| choice::has_aggregate_or_window(expr);
    let passed = if select.group_by.is_empty() {
        select.having.is_none() && !block::expressions(select).any(calls)
    } else {
        let same = |key: &Expr| key.kind == item.kind;
        group_keys(select).iter().any(same)
    };
    let windows = block::expressions(select).any(|expr| {
        choice::outside_subqueries(expr, &mut |expr| matches!(expr.kind, ExprKind::Window(_)))
    });
    let name = path.last()?;
    let known = relation
        .columns
        .iter()
        .any(|column| column.name.eq_ignore_ascii_case(name));
    (plain && passed && !windows && known).then(|| (Arc::clone(&relation), name.clone()))
}
