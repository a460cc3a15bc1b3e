//! Divides a statement into fragments over files and a combine query.
//!
//! ```text
//! SELECT b, sum(x) FROM t, u WHERE … GROUP BY b ORDER BY 2
//!
//! stage 0, one fragment per group of t's files: SELECT b AS __g0, sum(x) AS __p0 FROM t, u WHERE … GROUP BY 1
//! stage 1, the combine query:                   SELECT __g0 AS b, sum(__p0) AS "sum(x)" FROM __s0 GROUP BY 1 ORDER BY 2
//! ```
//!
//! Strategies are tried in order, and the first that does not refuse is taken: let fragments read
//! ranges of a key, where files tell those apart and that pays; exchange the rows that
//! a block joins or compares by hash, where that is asked for or pays; divide the statement's own
//! block by its largest relation; divide blocks inside it and leave the block itself to the combine
//! query; run the statement whole. Refusals are kept for EXPLAIN.
//!
//! Invariants: exactly one occurrence of one relation is divided by files per block (per operand of a
//! `UNION ALL`), or several are by ranges or the hash of what joins them, so a plan gives the rows of the whole
//! statement whatever else the block does. Every
//! stage has been described by DuckDB before it leaves here; what does not bind is not used. Names
//! that begin with two underscores are the planner's.

mod block;
mod choice;
mod cost;
mod env;
mod exchange;
mod group;
mod keys;
mod leaves;
mod ranges;
mod reading;
mod regroup;
mod rows;
mod scope;
mod semi;
mod sets;
mod stage;
mod wanted;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skein_catalog::ranges::Ranges;
use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::RelationSnapshot;
use skein_executor_api::Column;

use self::env::Env;
pub use self::wanted::WantedRanges;
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{Expr, ExprKind, Query, QueryBody, TableRef, TableRefKind};
use crate::bind::Bind;
use crate::earlier::EarlierRuns;
use crate::plan::{Decision, DistributedPlan, Partitioning};
use crate::refusal::Refusal;

/// `SET skein.split`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitMode {
    /// Where it pays: several executors, and enough bytes.
    #[default]
    Auto,
    /// Whatever can be split, even where it does not pay.
    Always,
    /// Nothing.
    Never,
}

/// `SET skein.exchange`: how rows may move between fragments before the combine query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExchangeMode {
    /// Whichever moves least; an exchange by hash only where it pays for itself.
    #[default]
    Auto,
    /// Not at all: every relation but the divided one is read whole by each fragment.
    Gather,
    /// As [`Self::Gather`], but where files tell ranges of a key apart, fragments read one each.
    Range,
    /// Relations beside the divided one are read once and sent to every fragment.
    Broadcast,
    /// By hash wherever a join, groups, windows or a set operation have a key to do it by.
    Hash,
}

/// Where executors are, for what moving rows costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cluster {
    /// All in one process. They share its cores and its memory, so that an exchange gains nothing.
    #[default]
    OneMachine,
    /// Each on cores and memory of its own.
    Machines,
}

/// What the planner must know besides the statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SplitOptions {
    /// `SET skein.split`
    pub mode: SplitMode,
    /// `SET skein.exchange`
    pub exchange: ExchangeMode,
    /// Executors that fragments can run on.
    pub executors: usize,
    /// `SET skein.partitions`: fragments of a stage whose rows come by hash; `None`: one per executor.
    pub partitions: Option<usize>,
    /// In `auto`, relations smaller than this are not divided.
    pub bytes_min: u64,
    /// Where the executors are.
    pub cluster: Cluster,
    /// What each executor may keep in memory, where that is known.
    pub memory_bytes: Option<u64>,
    /// [`EarlierRuns::learned`], so that options differ when plans may.
    pub learned: u64,
}

/// What is known of a statement's relations.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Those that it names.
    pub relations: &'a BTreeMap<RelationName, Arc<RelationSnapshot>>,
    /// Ranges of the columns that [`SplitOptions::wanted_ranges`] asks for, as far as there are any.
    pub ranges: &'a Ranges,
    /// What stages have returned before.
    pub earlier: &'a EarlierRuns,
}

/// Plans a resolved statement whose result columns bind has reported as `columns`.
///
/// Never fails: what cannot be split runs whole, and the plan says why.
pub fn plan(
    query: &Query,
    columns: &[Column],
    options: SplitOptions,
    known: Known<'_>,
    bind: &dyn Bind,
) -> DistributedPlan {
    let mut splitter = Splitter::new(bind, options, known);
    let env = Env::new(known.relations.clone());
    match splitter.split_statement(query, columns, &env) {
        Ok(()) => {}
        Err(refusal) => {
            splitter.rollback(&Mark::default());
            splitter.refuse(refusal);
            splitter.whole(query, columns, &env);
        }
    }
    DistributedPlan {
        stages: splitter.stages,
        refusals: splitter.refusals,
        exchanges: splitter.exchanges,
    }
}

/// The state of planning one statement.
struct Splitter<'a> {
    bind: &'a dyn Bind,
    options: SplitOptions,
    known: Known<'a>,
    stages: Vec<crate::plan::Stage>,
    /// Row estimates of stages, by index.
    rows_estimates: Vec<u64>,
    /// Stages whose rows are exchanged by the hash in their first column.
    hashed: BTreeSet<usize>,
    /// Relations whose occurrence is divided, by the number in its [`TableRefKind::Scan`].
    divided: Vec<stage::Divided>,
    refusals: Vec<Refusal>,
    exchanges: Vec<Decision>,
}

/// Where to return to when a strategy refuses.
#[derive(Default)]
struct Mark {
    stages: usize,
    divided: usize,
    exchanges: usize,
}

type Outcome<T> = Result<T, Refusal>;

fn refusal(subject: &str, reason: impl Into<String>) -> Refusal {
    Refusal {
        subject: subject.to_owned(),
        reason: reason.into(),
    }
}

impl<'a> Splitter<'a> {
    fn new(bind: &'a dyn Bind, options: SplitOptions, known: Known<'a>) -> Self {
        Self {
            bind,
            options,
            known,
            stages: Vec::new(),
            rows_estimates: Vec::new(),
            hashed: BTreeSet::new(),
            divided: Vec::new(),
            refusals: Vec::new(),
            exchanges: Vec::new(),
        }
    }

    fn split_statement(&mut self, query: &Query, columns: &[Column], env: &Env) -> Outcome<()> {
        self.worth_splitting(query, env)?;
        if let Some(part) = volatile_part(query) {
            return Err(refusal(&part, "each fragment would get values of its own"));
        }
        let split = self.split_query(query, env)?;
        let Some(split) = split else {
            return Err(refusal(
                "query",
                "no relation stands where its files can be divided",
            ));
        };
        self.finish_root(split, columns, env)
    }

    /// Refuses what `SET skein.split` or the size of the relations rules out.
    fn worth_splitting(&self, query: &Query, env: &Env) -> Outcome<()> {
        let bytes = choice::largest_read(Node::Query(query), env);
        match self.options.mode {
            SplitMode::Never => Err(refusal("query", "skein.split is never")),
            _ if !reads_relation(query, env) => Err(refusal("query", "it reads no relation")),
            SplitMode::Auto if self.options.executors < 2 => {
                Err(refusal("query", "one executor runs it whole at full speed"))
            }
            SplitMode::Auto if bytes < self.options.bytes_min => Err(refusal(
                "query",
                format!("its largest relation has {bytes} bytes, which is below split_bytes_min"),
            )),
            SplitMode::Auto | SplitMode::Always => Ok(()),
        }
    }

    /// Divides what it can inside a query that refers to nothing outside but relations and `env`.
    ///
    /// Gives the same query over inputs and whatever stayed undivided; `None`: nothing was divided.
    fn split_query(&mut self, query: &Query, env: &Env) -> Outcome<Option<Query>> {
        let inner = env.with(&query.ctes);
        if inner.has_shadowed_name() {
            return Err(refusal(
                "WITH",
                "two common table expressions have the same name",
            ));
        }
        if let Some(split) = self.attempt_optional(|this| this.divide_by_range(query, &inner)) {
            return Ok(Some(split));
        }
        if self.options.may_exchange()
            && let Some(split) = self.attempt_optional(|this| this.split_by_hash(query, &inner))
        {
            return Ok(Some(split));
        }
        let largest = choice::largest_read(Node::Query(query), env);
        let here = self.candidate(query, &inner);
        let mut tried = None;
        if let Some(here) = &here
            && here.bytes >= largest
        {
            match self.attempt(|this| this.divide(query, &here.choice, &inner)) {
                Some(split) => return Ok(Some(split)),
                None => tried = Some(()),
            }
        }
        if let Some(split) = self.split_below(query, env) {
            return Ok(Some(split));
        }
        match here {
            Some(here) if tried.is_none() => {
                Ok(self.attempt(|this| this.divide(query, &here.choice, &inner)))
            }
            _ => Ok(None),
        }
    }

    /// Divides a query by exchanging what it joins or compares, where there is something to exchange
    /// and that is asked for or pays.
    fn split_by_hash(&mut self, query: &Query, env: &Env) -> Outcome<Option<Query>> {
        match &query.body {
            QueryBody::Select(_) => self.divide_by_hash(query, env),
            QueryBody::SetOperation { .. } => self.divide_set_by_hash(query, env),
            QueryBody::RecursiveCte { .. } => Ok(None),
        }
    }

    /// The best way to divide the query's own block, or a `UNION ALL` of such blocks.
    fn candidate(
        &self,
        query: &Query,
        env: &Env,
    ) -> Option<choice::Candidate<choice::QueryChoice>> {
        match &query.body {
            QueryBody::Select(select) => {
                if select.sample.is_some() {
                    return None;
                }
                let best = choice::best(&select.from, env)?;
                Some(choice::Candidate {
                    choice: choice::QueryChoice::Select(Box::new(best.choice)),
                    bytes: best.bytes,
                })
            }
            QueryBody::SetOperation { .. } => {
                let bare = Query {
                    ctes: Vec::new(),
                    ..query.clone()
                };
                choice::best_of_query(&bare, env)
            }
            QueryBody::RecursiveCte { .. } => None,
        }
        .filter(|candidate| {
            self.options.mode == SplitMode::Always || candidate.bytes >= self.options.bytes_min
        })
    }

    /// Divides derived tables, subqueries, operands and common table expressions of a query, and
    /// leaves the query itself to the combine query.
    fn split_below(&mut self, query: &Query, env: &Env) -> Option<Query> {
        let inner = env.with(&query.ctes);
        let mut copy = query.clone();
        let mut changed = false;
        for index in 0..copy.ctes.len() {
            if env::is_recursive(&copy.ctes[index]) {
                continue;
            }
            let visible = env.with(&copy.ctes[..index]);
            let cte_query = copy.ctes[index].query.clone();
            if let Some(split) = self.split_part(&cte_query, &visible) {
                copy.ctes[index].query = split;
                changed = true;
            }
        }
        match &mut copy.body {
            QueryBody::Select(select) => {
                changed |= self.split_tables(&mut select.from, &inner);
                for expr in block::expressions_mut(select) {
                    changed |= self.split_subqueries(expr, &inner);
                }
            }
            QueryBody::SetOperation { operands, .. } => {
                for operand in operands {
                    if let Some(split) = self.split_part(operand, &inner) {
                        *operand = split;
                        changed = true;
                    }
                }
            }
            QueryBody::RecursiveCte { .. } => {}
        }
        changed.then_some(copy)
    }

    /// [`Self::split_query`] for a part of a statement, if the part stands by itself and is large
    /// enough; a refusal is noted.
    fn split_part(&mut self, query: &Query, env: &Env) -> Option<Query> {
        let bytes = choice::largest_read(Node::Query(query), env);
        let large = match self.options.mode {
            SplitMode::Always => reads_relation(query, env),
            _ => bytes >= self.options.bytes_min,
        };
        if !large || !self.stands_alone(query, env) {
            return None;
        }
        self.attempt_optional(|this| this.split_query(query, env))
    }

    fn split_tables(&mut self, from: &mut TableRef, env: &Env) -> bool {
        match &mut from.kind {
            TableRefKind::Subquery(query) => match self.split_part(query, env) {
                Some(split) => {
                    **query = split;
                    true
                }
                None => false,
            },
            TableRefKind::Join(join) => {
                let left = self.split_tables(&mut join.left, env);
                let right = self.split_tables(&mut join.right, env);
                left | right
            }
            _ => false,
        }
    }

    fn split_subqueries(&mut self, expr: &mut Expr, env: &Env) -> bool {
        let mut changed = false;
        if let ExprKind::Subquery(subquery) = &mut expr.kind
            && let Some(split) = self.split_part(&subquery.query, env)
        {
            subquery.query = split;
            changed = true;
        }
        for child in visit::children_mut(expr) {
            changed |= self.split_subqueries(child, env);
        }
        changed
    }

    /// Runs a strategy; what it did is undone when it refuses, and the refusal is noted.
    fn attempt<T>(&mut self, strategy: impl FnOnce(&mut Self) -> Outcome<T>) -> Option<T> {
        let mark = Mark {
            stages: self.stages.len(),
            divided: self.divided.len(),
            exchanges: self.exchanges.len(),
        };
        match strategy(self) {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.rollback(&mark);
                self.refuse(refusal);
                None
            }
        }
    }

    fn attempt_optional<T>(
        &mut self,
        strategy: impl FnOnce(&mut Self) -> Outcome<Option<T>>,
    ) -> Option<T> {
        self.attempt(strategy).flatten()
    }

    fn rollback(&mut self, mark: &Mark) {
        self.stages.truncate(mark.stages);
        self.rows_estimates.truncate(mark.stages);
        self.divided.truncate(mark.divided);
        self.exchanges.truncate(mark.exchanges);
        self.hashed.split_off(&mark.stages);
    }

    fn refuse(&mut self, refusal: Refusal) {
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    /// Whether DuckDB can bind a query without what surrounds it.
    fn stands_alone(&self, query: &Query, env: &Env) -> bool {
        self.describe(query, env).is_ok()
    }
}

/// Whether a query reads any relation, common table expressions included.
fn reads_relation(query: &Query, env: &Env) -> bool {
    visit::any(Node::Query(query), &mut |node| match node {
        Node::Table(table) => {
            env.relation(table).is_some()
                || env
                    .cte(table)
                    .is_some_and(|(cte, env)| reads_relation(&cte.query, &env))
        }
        _ => false,
    })
}

/// Whether a statement gives the same rows each time that what it reads is the same, apart from the time.
pub fn is_repeatable(query: &Query) -> bool {
    volatile_part(query).is_none()
}

/// What in a statement gives other values each time it is evaluated: a function or a sample.
pub(crate) fn volatile_part(query: &Query) -> Option<String> {
    let mut found = None;
    visit::walk(Node::Query(query), &mut |node| {
        let part = match node {
            Node::Expr(Expr {
                kind: ExprKind::Function(call),
                ..
            }) if is_volatile(&call.name) => Some(format!("{}()", call.name)),
            Node::Table(TableRef {
                sample: Some(_), ..
            }) => Some("sample".to_owned()),
            Node::Query(Query {
                body: QueryBody::Select(select),
                ..
            }) if select.sample.is_some() => Some("sample".to_owned()),
            _ => None,
        };
        found = found.take().or(part);
        Descend::Into
    });
    found
}

pub(crate) fn is_volatile(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "random"
            | "uuid"
            | "uuidv4"
            | "uuidv7"
            | "gen_random_uuid"
            | "setseed"
            | "nextval"
            | "currval"
            | "sleep_ms"
            // Offsets of zones, which change with the time of the year.
            | "pg_timezone_names"
    )
}

/// Whether a stage has one fragment that reads everything it needs.
fn is_single(partitioning: &Partitioning) -> bool {
    *partitioning == Partitioning::Single
}
