//! A statement that is understood: parsed, its names resolved, its columns and parameters bound.
//!
//! ```text
//! text ─► parse ─► mentions ─► snapshot ─► resolve ─► bind on the shadow database ─► Analysed
//! ```
//!
//! Invariants: depends on no row and on nothing that its [`crate::plan_cache::PlanKey`] lacks,
//! unless values of the session are in it; never changes, but for the plan it remembers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::{CatalogSnapshot, RelationSnapshot};
use skein_executor_api::Column;
use skein_planner::ast::{Query, print};
use skein_planner::brief::is_brief;
use skein_planner::clock::reads_clock;
use skein_planner::joined;
use skein_planner::parse::Statement;
use skein_planner::plan::DistributedPlan;
use skein_planner::postgres::Rewritten;
use skein_planner::postgres::templates::{Awaited, Value};
use skein_planner::repairs;
use skein_planner::resolve::ResolvedQuery;
use skein_planner::split::{SplitOptions, is_repeatable};

use super::settings::Settings;
use super::understand::Understood;
use crate::encode::Origin;
use crate::error::GatewayError;

/// An understood statement.
pub struct Analysed {
    /// Its text.
    pub text: Arc<str>,
    /// What it says.
    pub statement: Statement,
    /// The query that it is.
    pub query: Option<AnalysedQuery>,
    /// The statement that it contains: of EXPLAIN, PREPARE, DECLARE.
    pub inner: Option<Arc<Analysed>>,
    /// What a client is told of its result; `None`: no rows.
    pub described: Option<Vec<Column>>,
    /// Where the columns of the result come from.
    pub origins: Vec<Origin>,
    /// PostgreSQL's types of `$1`, `$2`, ….
    pub parameter_types: Vec<u32>,
    /// It is prepared: a client may know its columns already.
    is_prepared: AtomicBool,
}

impl Analysed {
    /// From now on its columns must stay.
    pub fn prepared(&self) {
        self.is_prepared.store(true, Ordering::Relaxed);
    }

    /// Whether a client may know its columns already.
    pub fn is_prepared(&self) -> bool {
        self.is_prepared.load(Ordering::Relaxed)
    }

    /// A statement of which nothing more is known yet.
    pub fn new(text: Arc<str>, statement: Statement) -> Self {
        Self {
            text,
            statement,
            query: None,
            inner: None,
            described: None,
            origins: Vec::new(),
            parameter_types: Vec::new(),
            is_prepared: AtomicBool::new(false),
        }
    }

    /// The nothing between two semicolons, which Parse accepts.
    pub fn empty() -> Self {
        Self::new("".into(), Statement::Unlisten(None))
    }

    pub(super) fn set_query(&mut self, understood: Understood) {
        self.query = Some(understood.query);
        self.described = Some(understood.described);
        self.origins = understood.origins;
        self.parameter_types = understood.parameter_types;
    }

    /// The statement that it contains.
    pub fn inner(&self) -> Result<Arc<Self>, GatewayError> {
        let inner = self.inner.as_ref().map(Arc::clone);
        inner.ok_or_else(|| GatewayError::Internal("a statement lost what it contains".into()))
    }

    /// Whether there was no statement at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Result columns, with the names that clients see; `None`: no rows.
    pub fn columns(&self) -> Option<&[Column]> {
        self.described.as_deref()
    }

    /// Relations that result columns come from.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }
}

/// An understood query.
pub struct AnalysedQuery {
    /// What was parsed.
    pub text: Arc<str>,
    /// As parsed, before names were resolved.
    pub parsed: Arc<Query>,
    /// With relations under their own names.
    pub resolved: ResolvedQuery,
    /// Paths it may mean by names in FROM.
    pub paths: Vec<String>,
    /// Result columns as bound.
    pub columns: Vec<Column>,
    /// DuckDB's types of parameters.
    pub parameter_types: Vec<String>,
    /// The parameters whose values it can only be planned with.
    pub awaited: Awaited,
    /// The version of the relations' columns it was bound to.
    pub schema_version: u64,
    /// What was put right: whether values of this session are in it, and settings it changes.
    pub rewritten: Rewritten,
    /// The resolved query as SQL.
    pub sql: String,
    /// It gives another result at another time.
    pub reads_clock: bool,
    /// It takes microseconds to run.
    pub is_brief: bool,
    /// About how many rows a join of series in it keeps in memory.
    pub joined_rows: u64,
    /// It gives the same rows each time as long as what it reads is the same.
    pub is_repeatable: bool,
    plan: Mutex<Option<RememberedPlan>>,
    constant: Mutex<Option<RememberedRows>>,
    filled: Mutex<Option<RememberedFilling>>,
    /// The same with room for longer numbers, if it has needed that.
    widened: Mutex<Option<Arc<Analysed>>>,
}

/// The statement with the values of the parameters that it awaits.
struct RememberedFilling {
    values: Vec<Value>,
    filled: Arc<Analysed>,
}

/// The result of a query over constants, and the settings of the session it was computed with.
struct RememberedRows {
    settings: BTreeMap<String, String>,
    rows: Arc<[RecordBatch]>,
}

/// A plan and what it was made for.
struct RememberedPlan {
    options: SplitOptions,
    relations: BTreeMap<RelationName, Arc<RelationSnapshot>>,
    plan: Arc<DistributedPlan>,
}

impl AnalysedQuery {
    /// Puts the results of analysis together.
    pub fn new(
        text: Arc<str>,
        parsed: Arc<Query>,
        resolved: ResolvedQuery,
        paths: Vec<String>,
        bound: Bound,
        schema_version: u64,
        rewritten: Rewritten,
    ) -> Self {
        let Bound {
            columns,
            parameter_types,
        } = bound;
        let reads_clock = reads_clock(&resolved.query);
        let rewritten_session = rewritten.session;
        Self {
            text,
            parsed,
            paths,
            columns,
            parameter_types,
            awaited: Awaited::new(),
            schema_version,
            rewritten,
            sql: print::query_sql(&repairs::constants(&resolved.query)),
            // Functions that act on sessions make a statement one of its session.
            is_repeatable: !reads_clock && !rewritten_session && is_repeatable(&resolved.query),
            reads_clock,
            is_brief: is_brief(&resolved.query),
            joined_rows: joined::rows(&resolved.query, &|_| None),
            resolved,
            plan: Mutex::default(),
            constant: Mutex::default(),
            filled: Mutex::default(),
            widened: Mutex::default(),
        }
    }

    /// The same, which can only be planned with the values of these parameters.
    #[must_use]
    pub fn awaiting(mut self, awaited: Awaited) -> Self {
        self.awaited = awaited;
        self
    }

    /// Whether it means the same now as when it was understood.
    pub fn is_current(&self, schema_version: u64, settings: &Settings) -> bool {
        self.schema_version == schema_version && self.suits(settings) && !self.rewritten.session
    }

    /// Whether the settings that values in it follow from are still the same.
    pub fn suits(&self, settings: &Settings) -> bool {
        let known = self.rewritten.settings.iter();
        known
            .into_iter()
            .all(|(name, value)| settings.show(name).ok() == *value)
    }

    /// Whether other sessions with the same settings, and this one later, may use it as it is.
    pub fn may_be_shared(&self) -> bool {
        !self.rewritten.session && self.rewritten.set_config.is_empty() && self.paths.is_empty()
    }

    /// The relations it reads, in this snapshot.
    pub fn relations_in(
        &self,
        snapshot: &CatalogSnapshot,
    ) -> BTreeMap<RelationName, Arc<RelationSnapshot>> {
        let names = self.resolved.relations.keys();
        names
            .filter_map(|name| snapshot.relations.get_key_value(name))
            .map(|(name, relation)| (name.clone(), Arc::clone(relation)))
            .collect()
    }

    /// The plan made before for the same files, if the query has no parameters.
    pub fn remembered_plan(
        &self,
        options: SplitOptions,
        relations: &BTreeMap<RelationName, Arc<RelationSnapshot>>,
    ) -> Option<Arc<DistributedPlan>> {
        let remembered = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = remembered.as_ref().filter(|known| {
            known.options == options
                && known.relations.len() == relations.len()
                && known
                    .relations
                    .values()
                    .zip(relations.values())
                    .all(|(a, b)| Arc::ptr_eq(a, b))
        })?;
        Some(Arc::clone(&remembered.plan))
    }

    /// Whether it gives the same rows each time: nothing but constants and what can be computed from
    /// them, as [`is_brief`] says. PostgreSQL computes such expressions once, when it plans
    /// (`eval_const_expressions`).
    pub fn is_constant(&self) -> bool {
        self.is_brief && !self.reads_clock && self.parameter_types.is_empty()
    }

    /// The rows that a constant query gave before with the same settings.
    pub fn constant_rows(&self, settings: &BTreeMap<String, String>) -> Option<Arc<[RecordBatch]>> {
        let known = self.constant.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|known| known.settings == *settings)?;
        Some(Arc::clone(&known.rows))
    }

    /// Remembers the rows of a constant query.
    pub fn remember_rows(&self, settings: &BTreeMap<String, String>, rows: &Arc<[RecordBatch]>) {
        debug_assert!(self.is_constant(), "rows of other queries change");
        *self.constant.lock().unwrap_or_else(PoisonError::into_inner) = Some(RememberedRows {
            settings: settings.clone(),
            rows: Arc::clone(rows),
        });
    }

    /// What was remembered for these values of the parameters that it awaits.
    pub fn remembered_filling(&self, values: &[Value]) -> Option<Arc<Analysed>> {
        let known = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|known| known.values == values)?;
        Some(Arc::clone(&known.filled))
    }

    /// The statement with room for longer numbers, if it has needed that.
    pub fn remembered_widening(&self) -> Option<Arc<Analysed>> {
        let known = self.widened.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Remembers the statement with room for longer numbers.
    pub fn remember_widening(&self, widened: &Arc<Analysed>) {
        let mut known = self.widened.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(widened));
    }

    /// Remembers the statement with these values of the parameters that it awaits.
    pub fn remember_filling(&self, values: Vec<Value>, filled: &Arc<Analysed>) {
        let filled = Arc::clone(filled);
        *self.filled.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(RememberedFilling { values, filled });
    }

    /// Remembers a plan.
    pub fn remember_plan(
        &self,
        options: SplitOptions,
        relations: BTreeMap<RelationName, Arc<RelationSnapshot>>,
        plan: &Arc<DistributedPlan>,
    ) {
        let plan = Arc::clone(plan);
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(RememberedPlan {
            options,
            relations,
            plan,
        });
    }
}

/// What binding found out.
pub struct Bound {
    /// Result columns.
    pub columns: Vec<Column>,
    /// DuckDB's types of parameters.
    pub parameter_types: Vec<String>,
}
