//! Planning and running queries.
//!
//! ```text
//! AnalysedQuery + parameters + snapshot ─► plan ─► dispatch ─► rows
//! ```
//!
//! A query that reads no file runs on the shadow database, all others on the executors. One that is
//! over within microseconds runs on the thread of its session, all others on a thread of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use futures::StreamExt;
use skein_catalog::ranges::Ranges;
use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_catalog::snapshot::{CatalogSnapshot, RelationSnapshot};
use skein_executor_api::{BatchStream, Column, FragmentError, FragmentErrorKind};
use skein_planner::ast::{Query, print};
use skein_planner::clock::bind_clock;
use skein_planner::joined;
use skein_planner::parse::Statement;
use skein_planner::plan::DistributedPlan;
use skein_planner::postgres::{patterns, session_rows, templates};
use skein_planner::repairs;
use skein_planner::resolve::Mentions;
use skein_planner::split::{self, Cluster, Known, SplitOptions};

use super::Session;
use super::analysed::{Analysed, AnalysedQuery};
use super::guard::Guard;
use super::parameters::{follow_digits, put_parameters, text_of};
use super::settings::SplitMode;
use super::understand::beside;
use super::versions;
use crate::dispatch::{RunOptions, Running};
use crate::error::GatewayError;
use crate::shadow::{Shadow, kept_rows};

/// Longer texts may hold values that take their time.
const BRIEF_BYTES_MAX: usize = 4 * 1024;
/// How often a statement is planned whose files change all the time.
const PLANS_MAX: usize = 4;

impl Session {
    /// The version of the relations' columns that a new statement would see.
    pub(super) fn schema_version(&self) -> u64 {
        match self.transaction.seen() {
            Some((snapshot, _)) => snapshot.schema_version,
            None => self.gateway.catalog().current().schema_version,
        }
    }

    /// A statement understood anew if relations have other columns by now, or if it holds values
    /// of the session.
    pub(super) async fn up_to_date(
        &mut self,
        analysed: &Arc<Analysed>,
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        let Some(query) = &analysed.query else {
            return Ok(Arc::clone(analysed));
        };
        if query.is_current(self.schema_version(), &self.settings) {
            return Ok(Arc::clone(analysed));
        }
        let (text, parsed) = (Arc::clone(&query.text), Arc::clone(&query.parsed));
        let declared = &analysed.parameter_types;
        let understood = self.understand(&text, parsed, declared, guard).await?;
        let is_same = Some(&understood.described) == analysed.described.as_ref();
        if !is_same && analysed.is_prepared() {
            return Err(GatewayError::ResultChanged);
        }
        let mut anew = Analysed::new(Arc::clone(&analysed.text), analysed.statement.clone());
        anew.set_query(understood);
        Ok(Arc::new(anew))
    }

    /// A statement with the values of the parameters that it awaits, understood with them.
    pub(super) async fn filled(
        &mut self,
        analysed: &Arc<Analysed>,
        parameters: &[String],
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        let Some(query) = &analysed.query else {
            return Ok(Arc::clone(analysed));
        };
        let awaited = templates::with_nested(&query.awaited, parameters);
        if awaited.is_empty() {
            return Ok(Arc::clone(analysed));
        }
        // Of which parameters these are the values is only known of those that are always awaited.
        let is_remembered = awaited.len() == query.awaited.len();
        let values: Vec<templates::Value> = awaited
            .keys()
            .filter_map(|number| parameters.get(number - 1))
            .map(|sql| templates::Value {
                sql: sql.clone(),
                text: text_of(sql),
            })
            .collect();
        if is_remembered
            && let Some(known) = query.remembered_filling(&values)
            && let Some(filled) = &known.query
            && filled.is_current(self.schema_version(), &self.settings)
        {
            return Ok(known);
        }
        let mut parsed = (*query.parsed).clone();
        templates::put_values(&mut parsed, &awaited, &values);
        let (text, declared) = (Arc::clone(&query.text), &analysed.parameter_types);
        let mut understood = self
            .understand(&text, Arc::new(parsed), declared, guard)
            .await?;
        stay_numeric(&mut understood.described, analysed.described.as_deref());
        let mut filled = Analysed::new(Arc::clone(&analysed.text), analysed.statement.clone());
        filled.set_query(understood);
        let filled = Arc::new(filled);
        if is_remembered {
            query.remember_filling(values, &filled);
        }
        Ok(filled)
    }

    /// A statement whose numbers were too long, with room for them; `needed`: it has failed just now. Remembered, so
    /// that it fails once.
    async fn widened(
        &mut self,
        analysed: Arc<Analysed>,
        needed: bool,
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        let Some(query) = analysed.query.as_ref() else {
            return Ok(analysed);
        };
        let known = query.remembered_widening();
        if known.is_none() && !needed {
            return Ok(analysed);
        }
        if let Some(known) = known
            && let Some(widened) = &known.query
            && widened.is_current(self.schema_version(), &self.settings)
        {
            return Ok(known);
        }
        let (text, parsed) = (Arc::clone(&query.text), Arc::clone(&query.parsed));
        let understood = self
            .understand_wide(&text, parsed, &analysed.parameter_types, guard)
            .await?;
        let mut widened = Analysed::new(Arc::clone(&analysed.text), analysed.statement.clone());
        widened.set_query(understood);
        let widened = Arc::new(widened);
        query.remember_widening(&widened);
        Ok(widened)
    }

    /// The values of the first column of a query, as text.
    pub(super) async fn first_column(
        &mut self,
        sql: &str,
        guard: &mut Guard,
    ) -> Result<Vec<String>, GatewayError> {
        let understood = self.understand_text(sql, &[], guard).await?;
        let mut analysed = Analysed::new(sql.into(), Statement::Unlisten(None));
        analysed.set_query(understood);
        let (_, _, started) = self
            .plan_and_start(&Arc::new(analysed), &[], false, guard)
            .await?;
        let mut rows = started?.rows();
        let mut values = Vec::new();
        while let Some(batch) = guard.run(async { rows.next().await.transpose() }).await? {
            let texts = cast(batch.column(0), &DataType::Utf8)
                .map_err(|error| GatewayError::Internal(error.to_string()))?;
            values.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(values)
    }

    /// Plans a query for the files that its statement sees.
    pub(super) async fn plan(
        &mut self,
        query: &Arc<Analysed>,
        parameters: &[String],
        guard: &mut Guard,
    ) -> Result<Planned, GatewayError> {
        let analysed = query
            .query
            .as_ref()
            .expect("callers ask for statements with a query");
        let lasting = parameters.is_empty() && !analysed.reads_clock;
        if analysed.is_constant()
            && let Some(rows) = analysed.constant_rows(&self.derived.duckdb)
        {
            let query = Arc::clone(query);
            return Ok(Planned::Constant { query, rows });
        }
        let relations = analysed.resolved.relations.keys();
        let wanted = Mentions {
            names: relations
                .filter(|name| name.schema != PATH_SCHEMA)
                .cloned()
                .collect(),
            paths: analysed.paths.clone(),
        };
        let snapshot = self.snapshot(&wanted, guard).await?;
        let shadow = self.gateway.shadow(&snapshot).await?;
        if analysed.resolved.relations.is_empty() {
            if lasting {
                let sql = analysed.sql.clone();
                let sql = self.with_session_rows(sql, analysed, &snapshot);
                let joined_rows = analysed.joined_rows;
                let mut planned = Planned::on_shadow(sql, shadow, analysed, joined_rows);
                if let Planned::Brief { constant, .. } = &mut planned
                    && analysed.is_constant()
                {
                    *constant = Some(Arc::clone(query));
                }
                return Ok(planned);
            }
            let mut bound = analysed.resolved.query.clone();
            put_parameters(&mut bound, parameters);
            patterns::fold(&mut bound)?;
            bind_clock(&mut bound, &self.transaction.now());
            let joined_rows = joined::rows(&bound, &|_| None);
            let sql = print::query_sql(&repairs::constants(&bound));
            let sql = self.with_session_rows(sql, analysed, &snapshot);
            return Ok(Planned::on_shadow(sql, shadow, analysed, joined_rows));
        }
        // What joins files with the catalogue runs whole, where both are.
        let mixed = analysed.resolved.touches_catalogue;
        if mixed {
            self.gateway.share_catalogue(&snapshot).await?;
        }
        let relations = analysed.relations_in(&snapshot);
        let options = self.split_options(mixed);
        if lasting && let Some(plan) = analysed.remembered_plan(options, &relations) {
            return Ok(Planned::Fragments { plan });
        }
        let ranges = guard.run(self.ranges(query, &relations, options)).await?;
        let earlier = Arc::clone(self.gateway.dispatcher().earlier());
        let (query, parameters) = (Arc::clone(query), parameters.to_vec());
        let now = self.transaction.now();
        let work = beside(move || {
            let analysed = query.query.as_ref().expect("checked above");
            let plan = |query: &Query, columns: &[Column]| {
                let known = Known {
                    relations: &relations,
                    ranges: &ranges,
                    earlier: &earlier,
                };
                Arc::new(split::plan(query, columns, options, known, &*shadow))
            };
            if lasting {
                let plan = plan(&analysed.resolved.query, &analysed.columns);
                analysed.remember_plan(options, relations.clone(), &plan);
                return Ok(Planned::Fragments { plan });
            }
            let mut bound = analysed.resolved.query.clone();
            let narrowed = put_parameters(&mut bound, &parameters)
                || follow_digits(&analysed.columns, &parameters);
            patterns::fold(&mut bound)?;
            bind_clock(&mut bound, &now);
            let mut columns = analysed.columns.clone();
            if narrowed {
                let described = shadow.describe(&print::query_sql(&bound))?.columns;
                for (column, described) in columns.iter_mut().zip(described) {
                    column.ty = described.ty;
                }
            }
            let plan = plan(&bound, &columns);
            Ok(Planned::Fragments { plan })
        });
        guard.run(work).await
    }

    /// A statement with the rows that show the session as it is now.
    fn with_session_rows(
        &self,
        mut sql: String,
        analysed: &AnalysedQuery,
        snapshot: &CatalogSnapshot,
    ) -> String {
        let shown = &analysed.rewritten.shown;
        if !shown.is_empty() {
            let mut context = self.context();
            context.names = self.names_in(&analysed.text);
            context.with_facts(snapshot, |facts| {
                session_rows::fill(&mut sql, shown, facts);
            });
        }
        sql
    }

    /// What the planner needs to know; `mixed`: the statement joins files with the catalogue.
    fn split_options(&self, mixed: bool) -> SplitOptions {
        let mode = if mixed {
            SplitMode::Never
        } else {
            self.derived.split
        };
        let config = self.gateway.config();
        let dispatcher = self.gateway.dispatcher();
        SplitOptions {
            mode: match mode {
                SplitMode::Auto => split::SplitMode::Auto,
                SplitMode::Always => split::SplitMode::Always,
                SplitMode::Never => split::SplitMode::Never,
            },
            exchange: self.derived.exchange,
            executors: dispatcher.executors_now(),
            partitions: self.derived.partitions,
            bytes_min: config.gateway.split_bytes_min,
            cluster: if dispatcher.has_nodes() {
                Cluster::Machines
            } else {
                // Embedded executors share the memory of this process.
                Cluster::OneMachine
            },
            memory_bytes: self.gateway.executors().memory_bytes(),
            learned: dispatcher.earlier().learned(),
        }
    }

    /// The ranges by which a statement might be divided, where that could pay.
    fn ranges(
        &self,
        query: &Arc<Analysed>,
        relations: &BTreeMap<RelationName, Arc<RelationSnapshot>>,
        options: SplitOptions,
    ) -> impl Future<Output = Result<Ranges, GatewayError>> + 'static {
        let analysed = query.query.as_ref();
        let wanted = analysed.map(|query| options.wanted_ranges(&query.resolved.query, relations));
        let wanted = wanted.unwrap_or_default();
        let gateway = Arc::clone(&self.gateway);
        async move {
            let mut found = Ranges::new();
            for wanted in wanted {
                let (relation, count) = (&wanted.relation, wanted.count);
                let ranges = gateway
                    .catalog()
                    .key_ranges(relation, &wanted.columns, count);
                found.extend(ranges.await);
            }
            Ok(found)
        }
    }

    /// Plans a query and runs it; again if files turn out to have changed, or executors to be lost,
    /// before any of its rows were seen. Gives the statement, which may have been understood anew, its plan, and what
    /// starting it gave: an error of running is not one of planning. `measured` asks for what
    /// EXPLAIN ANALYZE shows.
    pub(super) async fn plan_and_start(
        &mut self,
        query: &Arc<Analysed>,
        parameters: &[String],
        measured: bool,
        guard: &mut Guard,
    ) -> Result<(Arc<Analysed>, Planned, Result<Started, GatewayError>), GatewayError> {
        let (mut plans, mut losses, mut wide) = (0, 0, false);
        let losses_max = self.gateway.config().executors.retries_max;
        loop {
            let query = self.up_to_date(query, guard).await?;
            let query = self.filled(&query, parameters, guard).await?;
            let query = self.widened(query, wide, guard).await?;
            let planned = self.plan(&query, parameters, guard).await;
            plans += 1;
            // The files that it listed may have other columns.
            let moved = query.query.as_ref().map(|query| query.schema_version)
                != Some(self.schema_version());
            if moved && plans < PLANS_MAX {
                continue;
            }
            let planned = planned?;
            match self.start_query(&planned, measured, guard).await {
                Ok(started) => return Ok((query, planned, Ok(started))),
                Err(GatewayError::Fragment { error, .. })
                    if losses < losses_max && self.is_of_lost_executor(&planned, &error) =>
                {
                    tracing::info!(%error, "a statement starts anew on other executors");
                    losses += 1;
                    // A plan for executors that are there needs to know which ones are.
                    let gateway = Arc::clone(&self.gateway);
                    let asked = async move {
                        gateway.executors().ask_all(&error).await;
                        Ok::<(), GatewayError>(())
                    };
                    guard.run(asked).await?;
                }
                Err(error) if !wide && is_too_narrow(&error) => wide = true,
                Err(error) if plans < PLANS_MAX && self.may_plan_anew(&planned, &error) => {}
                Err(error) => {
                    let error = placed(error, &query);
                    return Ok((query, planned, Err(error)));
                }
            }
        }
    }

    /// Whether a statement has failed because of an executor in another process, not on its own
    /// account.
    fn is_of_lost_executor(&self, planned: &Planned, error: &FragmentError) -> bool {
        let Planned::Fragments { plan } = planned else {
            return false;
        };
        !plan.is_whole()
            && self.gateway.executors().has_members()
            && matches!(
                error.kind,
                FragmentErrorKind::Unreachable | FragmentErrorKind::Unavailable
            )
    }

    /// Whether a statement that failed before its first row can be given newer files: outside of a
    /// transaction block, or if no statement of the block has read these relations before.
    fn may_plan_anew(&mut self, planned: &Planned, error: &GatewayError) -> bool {
        let GatewayError::Fragment { error, .. } = error else {
            return false;
        };
        let Planned::Fragments { plan } = planned else {
            return false;
        };
        matches!(
            error.kind,
            FragmentErrorKind::Changed | FragmentErrorKind::Missing
        ) && self.transaction.unpin(&relations_of(plan))
    }

    /// Runs a planned query.
    async fn start_query(
        &mut self,
        planned: &Planned,
        measured: bool,
        guard: &mut Guard,
    ) -> Result<Started, GatewayError> {
        let settings = &self.derived.duckdb;
        let deadline = guard.fragment_deadline();
        match planned {
            Planned::Constant { rows, .. } => Ok(Started::kept(rows)),
            Planned::Brief {
                sql,
                shadow,
                constant,
            } => {
                let rows = shadow.run_brief(sql, settings)?.into();
                if let Some(query) = constant.as_ref().and_then(|query| query.query.as_ref()) {
                    query.remember_rows(settings, &rows);
                }
                Ok(Started::kept(&rows))
            }
            Planned::Shadow {
                sql,
                shadow,
                joined_rows,
                repeatable,
            } => {
                let (sql, settings) = (sql.clone(), settings.clone());
                let run = shadow.run(sql, settings, *joined_rows, deadline, *repeatable);
                Ok(Started::Shadow(guard.run(run).await?))
            }
            Planned::Fragments { plan } => {
                let options = RunOptions {
                    statement: self.gateway.next_statement(),
                    settings: settings.clone(),
                    deadline,
                    fragments: self.derived.fragments,
                    measured,
                };
                let run = versions::run(&self.gateway, plan, &options);
                match guard.run(run).await {
                    Ok(running) => {
                        self.transaction.has_read(relations_of(plan));
                        Ok(Started::Fragments(running))
                    }
                    Err(error) => {
                        self.forget_stale_files(plan, &error);
                        Err(error)
                    }
                }
            }
        }
    }

    /// After an error that a file caused, the next statement lists files anew.
    fn forget_stale_files(&self, plan: &DistributedPlan, error: &GatewayError) {
        let GatewayError::Fragment { error, .. } = error else {
            return;
        };
        if matches!(
            error.kind,
            FragmentErrorKind::Missing
                | FragmentErrorKind::Changed
                | FragmentErrorKind::Data
                | FragmentErrorKind::Storage
        ) {
            self.gateway.catalog().forget_listings(&relations_of(plan));
        }
    }
}

/// Whether a statement has failed because DuckDB computes with 18 digits where it may.
fn is_too_narrow(error: &GatewayError) -> bool {
    let GatewayError::Fragment { error, .. } = error else {
        return false;
    };
    error.kind == FragmentErrorKind::OutOfRange && error.message.contains(" of DECIMAL(18) (")
}

/// Columns that were told to be `numeric` stay so where a value has made them floats, as NaN does.
fn stay_numeric(columns: &mut [Column], told: Option<&[Column]>) {
    for (column, told) in columns.iter_mut().zip(told.unwrap_or_default()) {
        if column.ty == "DOUBLE" && told.ty.starts_with("DECIMAL(") {
            column.ty.clone_from(&told.ty);
        }
    }
}

/// The relations whose files a plan reads.
fn relations_of(plan: &DistributedPlan) -> Vec<RelationName> {
    let scans = plan.stages.iter().flat_map(|stage| &stage.scans);
    scans.map(|scan| scan.relation.name.clone()).collect()
}

/// Gives an error of running its place, if it is about something the client wrote.
fn placed(error: GatewayError, analysed: &Analysed) -> GatewayError {
    match (error, &analysed.query) {
        (
            GatewayError::Fragment {
                mut error,
                position: None,
            },
            Some(query),
        ) => {
            let position = super::locate::locate(&error, &query.parsed);
            super::locate::qualify(&mut error, &query.parsed);
            GatewayError::Fragment { error, position }
        }
        (error, _) => error,
    }
}

/// How a query will run.
pub(super) enum Planned {
    /// On the shadow database.
    Shadow {
        sql: String,
        shadow: Arc<Shadow>,
        /// See [`skein_planner::joined`].
        joined_rows: u64,
        /// It gives the same rows each time.
        repeatable: bool,
    },
    /// On the shadow database, within microseconds.
    Brief {
        sql: String,
        shadow: Arc<Shadow>,
        /// Whose rows these are, if they are the same each time.
        constant: Option<Arc<Analysed>>,
    },
    /// Not at all: its rows are known.
    Constant {
        query: Arc<Analysed>,
        rows: Arc<[RecordBatch]>,
    },
    /// On executors.
    Fragments { plan: Arc<DistributedPlan> },
}

impl Planned {
    fn on_shadow(
        sql: String,
        shadow: Arc<Shadow>,
        analysed: &AnalysedQuery,
        joined_rows: u64,
    ) -> Self {
        if analysed.is_brief && sql.len() <= BRIEF_BYTES_MAX {
            Self::Brief {
                sql,
                shadow,
                constant: None,
            }
        } else {
            Self::Shadow {
                sql,
                shadow,
                joined_rows,
                repeatable: analysed.is_repeatable,
            }
        }
    }
}

/// A query that runs.
pub(super) enum Started {
    /// On the shadow database.
    Shadow(BatchStream),
    /// On executors.
    Fragments(Running),
}

impl Started {
    /// Rows that are there.
    fn kept(rows: &Arc<[RecordBatch]>) -> Self {
        Self::Shadow(kept_rows(rows))
    }

    /// Its rows.
    pub(super) fn rows(self) -> BatchStream {
        match self {
            Self::Shadow(rows) => rows,
            Self::Fragments(running) => running.rows,
        }
    }
}
