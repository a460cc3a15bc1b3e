//! Groups whose partial results are exchanged by the hash of their keys.
//!
//! ```text
//! SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 2 ORDER BY 2 LIMIT 3
//!
//! stage 0, by file: SELECT <hash of __g0> AS __h, * FROM (SELECT a AS __g0, count(*) AS __p0 FROM t GROUP BY 1)
//! stage 1, by hash: SELECT __g0 AS a, sum(__p0) AS "count(*)" FROM __s0 GROUP BY __g0 HAVING sum(__p0) > 2
//!                   ORDER BY 2 LIMIT 3
//! combine:          SELECT a, "count(*)" FROM __s1 ORDER BY 2 LIMIT 3
//! ```
//!
//! Each fragment combines whole groups, so what the block does after grouping is row by row for the
//! gateway: sort keys and limits are pushed down as for any other rows. Without groups, a set of
//! distinct arguments is exchanged instead, and what fragments found is added up.

use skein_executor_api::Column;

use super::block::{Block, Modifiers, RowOrder};
use super::cost::Size;
use super::exchange::EXCHANGED;
use super::group::{Call, Together, from_stage};
use super::windows::depends_on_order;
use super::{Env, Outcome, Splitter, refusal};
use crate::ast::{Expr, ExprKind, Query, QueryBody, Window, print};
use crate::build::{named, query, select, sql};

impl Splitter<'_> {
    /// By which columns of fragments to exchange their groups, and why; `None`: not at all.
    pub(super) fn exchange_of_groups(
        &mut self,
        grouping: &Grouping,
        calls: &[Call],
        together: Together,
        size: Size,
    ) -> Option<(Vec<String>, String)> {
        let reason = self.options.exchanges_groups(size)?;
        Some((self.exchange_keys(grouping, calls, together)?, reason))
    }

    /// Lets each fragment combine the groups that came to it.
    pub(super) fn divide_combine(
        &mut self,
        combine: Query,
        outputs: Vec<Column>,
        env: Env,
        rows_estimate: u64,
    ) -> Outcome<Query> {
        let modifiers = Modifiers::of(&combine.modifiers)?;
        let QueryBody::Select(select) = combine.body else {
            unreachable!("a combine query is one block")
        };
        self.divide_rows(Block {
            select: *select,
            modifiers,
            outputs,
            env,
            rows_estimate,
            order: RowOrder::None(EXCHANGED),
            located: Vec::new(),
            may_exchange: false,
        })
    }

    /// The columns of fragments by which their groups can be exchanged; `None`: by none.
    fn exchange_keys(
        &mut self,
        grouping: &Grouping,
        calls: &[Call],
        together: Together,
    ) -> Option<Vec<String>> {
        if grouping.keys.is_empty() {
            return (grouping.sets.len() < 2 && together == Together::Sets && sums_up(calls))
                .then(|| vec!["__k0".to_owned()]);
        }
        if grouping.sets.len() != 1 || grouping.sets[0].len() != grouping.keys.len() {
            self.refuse(refusal(
                "GROUPING SETS",
                "not exchanged, for its sets have no key in common",
            ));
            return None;
        }
        let keys = grouping.window_keys();
        if keys.is_empty() {
            self.refuse(refusal(
                "window function",
                "not exchanged, for the windows share no key with the groups",
            ));
            return None;
        }
        Some(keys.iter().map(|index| format!("__g{index}")).collect())
    }

    /// Adds a stage in which each fragment evaluates calls over the distinct arguments that came to
    /// it. No argument is in two fragments, so the sum of their results is the result.
    pub(super) fn distinct_stage(
        &mut self,
        stage: usize,
        calls: &[Call],
        replaced: Vec<(Expr, Expr)>,
    ) -> Outcome<(usize, Vec<(Expr, Expr)>)> {
        let (mut list, mut sums) = (Vec::new(), Vec::new());
        for (index, ((key, combined), call)) in replaced.into_iter().zip(calls).enumerate() {
            let name = format!("__q{index}");
            let sum = if call.function.name.eq_ignore_ascii_case("count") {
                format!("coalesce(sum({name}), 0)")
            } else {
                format!("sum({name})")
            };
            list.push(named(combined, &name));
            sums.push((key, sql(format!("CAST({sum} AS {})", call.ty))));
        }
        let partial = query(select(list, from_stage(stage)), Vec::new());
        let env = Env::new(std::collections::BTreeMap::new());
        let executors = self.options.executors as u64;
        let stage = self.finish_stage(partial, &env, false, executors)?;
        Ok((stage, sums))
    }
}

/// How a block groups, in the form of [`canonical`](super::scope::canonical).
pub(super) struct Grouping {
    pub(super) keys: Vec<Expr>,
    pub(super) sets: Vec<Vec<usize>>,
    pub(super) windows: Vec<Window>,
}

impl Grouping {
    /// Whether each group, and each partition of windows over groups, is in one fragment, if one of
    /// `located` says which.
    pub(super) fn is_complete(&self, located: &[Expr]) -> bool {
        !self.sets.is_empty()
            && self
                .sets
                .iter()
                .all(|set| set.iter().any(|index| located.contains(&self.keys[*index])))
            && self.windows.iter().all(|window| {
                !depends_on_order(window)
                    && window.partitions.iter().any(|key| located.contains(key))
            })
    }

    /// Refuses several sets of groups with the same key in two places: either may be meant.
    pub(super) fn tells_keys_apart(&self) -> Outcome<()> {
        let keys = &self.keys;
        let is_twice = (1..keys.len()).any(|index| keys[..index].contains(&keys[index]));
        if self.sets.len() > 1 && is_twice {
            return Err(refusal("grouping sets", "a key is among them twice"));
        }
        Ok(())
    }

    /// The group keys by which every window partitions; all if there are no windows.
    fn window_keys(&self) -> Vec<usize> {
        (0..self.keys.len())
            .filter(|index| {
                self.windows
                    .iter()
                    .all(|window| window.partitions.contains(&self.keys[*index]))
            })
            .collect()
    }
}

/// What is exchanged, in words.
pub(super) fn subject(groups: &[Expr]) -> String {
    if groups.is_empty() {
        return "distinct arguments by their hash".to_owned();
    }
    let keys: Vec<String> = groups.iter().map(print::expr_sql).collect();
    format!("groups by hash of {}", keys.join(", "))
}

/// Whether calls over distinct values of one argument can be added up over fragments that have some
/// of the values each.
fn sums_up(calls: &[Call]) -> bool {
    let argument = |call: &Call| match &call.key.kind {
        ExprKind::Function(function) => function.args.first().cloned(),
        _ => None,
    };
    let first = calls.first().and_then(argument);
    first.is_some()
        && calls.iter().all(|call| {
            let name = call.function.name.to_ascii_lowercase();
            call.function.distinct
                && call.function.args.len() == 1
                && matches!(name.as_str(), "count" | "sum")
                && argument(call) == first
        })
}
