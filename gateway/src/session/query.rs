//! Understanding and running queries.
//!
//! ```text
//! analyse: Query ─► mentions ─► snapshot ─► resolve ─► bind       (blocking thread, deep stack)
//! run:     AnalysedQuery + parameters + snapshot ─► plan ─► dispatch ─► rows
//! ```
//!
//! A query that reads no file runs on the shadow database, all others on the executors.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use futures::StreamExt;
use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_catalog::snapshot::CatalogSnapshot;
use skein_executor_api::{BatchStream, Column, FragmentError, FragmentErrorKind};
use skein_planner::ast::visit::{self, Descend, Node, NodeMut};
use skein_planner::ast::{Expr, ExprKind, Query, print};
use skein_planner::clock::bind_clock;
use skein_planner::parse::Statement;
use skein_planner::plan::DistributedPlan;
use skein_planner::postgres::sums::narrow;
use skein_planner::postgres::{Rewritten, rewrite};
use skein_planner::resolve::names::output_names;
use skein_planner::resolve::parameters::parameter_count;
use skein_planner::resolve::{Mentions, Scope, SessionValues, mentions, resolve};
use skein_planner::split::{self, SplitOptions};

use super::Session;
use super::analysed::{Analysed, AnalysedQuery, Bound};
use super::guard::Guard;
use super::settings::{Settings, SplitMode};
use crate::dispatch::{RunOptions, Running};
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::params;
use crate::shadow::Shadow;
use crate::shadow::facts::Facts;

/// Columns of a result, as in PostgreSQL (`MaxTupleAttributeNumber`).
const COLUMNS_MAX: usize = 1664;
/// Parameters of a statement: their number is sent in 16 bits.
const PARAMETERS_MAX: usize = 65_535;
/// In `auto`, relations below this size are read by one executor.
const SPLIT_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// What planning a deep statement may need, and what it gets.
const STACK_NEEDED_BYTES: usize = 32 * 1024 * 1024;
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs `work`, which recurses over a statement or asks DuckDB, beside the runtime's own threads.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GatewayError> + Send + 'static,
) -> Result<T, GatewayError> {
    let work = move || stacker::maybe_grow(STACK_NEEDED_BYTES, STACK_BYTES, work);
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => {
            Err(GatewayError::from_panic(error.into_panic().as_ref()))
        }
        Err(_) => Err(GatewayError::Shutdown),
    }
}

/// What analysing a query gives.
pub(super) struct Understood {
    pub(super) query: AnalysedQuery,
    /// With the names that clients see.
    pub(super) described: Vec<Column>,
    /// PostgreSQL's types of parameters.
    pub(super) parameter_types: Vec<u32>,
}

/// What of the session its statements depend on, for a thread of its own.
#[derive(Clone)]
pub(super) struct Context {
    gateway: Arc<Gateway>,
    user: String,
    database: String,
    process_id: i32,
    settings: Settings,
    search_path: Vec<String>,
}

/// Values of the session were put in before names are resolved.
struct NoValues;

impl SessionValues for NoValues {
    fn value(&self, _: &str, _: Option<&[Expr]>) -> Option<Expr> {
        None
    }
}

impl Context {
    fn scope(&self) -> Scope<'_> {
        Scope {
            database: &self.database,
            search_path: &self.search_path,
            session: &NoValues,
        }
    }

    /// Puts what PostgreSQL means differently right.
    fn rewrite(
        &self,
        query: &mut Query,
        text: &str,
        snapshot: &CatalogSnapshot,
    ) -> Result<Rewritten, GatewayError> {
        let facts = Facts {
            settings: &self.settings,
            snapshot,
            user: &self.user,
            database: &self.database,
            backend_pid: self.process_id,
            started: self.gateway.started(),
        };
        Ok(rewrite(query, text, &facts)?)
    }
}

impl Session {
    fn context(&self) -> Context {
        Context {
            gateway: Arc::clone(&self.gateway),
            user: self.user.clone(),
            database: self.database.clone(),
            process_id: self.registration.process_id,
            settings: self.settings.clone(),
            search_path: self.derived.search_path.clone(),
        }
    }

    /// What the statement sees of the relations it may name.
    pub(super) async fn snapshot(
        &mut self,
        wanted: &Mentions,
        guard: &mut Guard,
    ) -> Result<Arc<CatalogSnapshot>, GatewayError> {
        let catalog = self.gateway.catalog();
        let wanted_names = wanted
            .names
            .iter()
            .cloned()
            .chain(wanted.paths.iter().map(|path| RelationName {
                schema: PATH_SCHEMA.to_owned(),
                name: path.clone(),
            }));
        let Some((seen, pinned)) = self.transaction.seen() else {
            let snapshot = if wanted.names.is_empty() && wanted.paths.is_empty() {
                catalog.current()
            } else {
                guard
                    .run(catalog.snapshot_for(&wanted.names, &wanted.paths))
                    .await?
            };
            return Ok(self.transaction.pin(snapshot, wanted_names));
        };
        let is_new = |name: &RelationName| !pinned.contains(name);
        if !wanted_names.clone().any(|name| is_new(&name)) {
            return Ok(Arc::clone(seen));
        }
        let names: Vec<RelationName> = wanted
            .names
            .iter()
            .filter(|name| is_new(name))
            .cloned()
            .collect();
        let fresh = guard
            .run(catalog.snapshot_for(&names, &wanted.paths))
            .await?;
        Ok(self.transaction.pin(fresh, wanted_names))
    }

    /// Understands a parsed query. `text` is what was parsed.
    pub(super) async fn understand(
        &mut self,
        text: &Arc<str>,
        parsed: Arc<Query>,
        declared: &[u32],
        guard: &mut Guard,
    ) -> Result<Understood, GatewayError> {
        let context = self.context();
        let wanted = self.existing_paths(mentions(&parsed, context.scope()));
        let snapshot = self.snapshot(&wanted, guard).await?;
        let shadow = self.gateway.shadow(&snapshot).await?;
        let (text, declared) = (Arc::clone(text), declared.to_vec());
        let work = beside(move || {
            understand(
                &context, &text, parsed, wanted, &declared, &snapshot, &shadow,
            )
        });
        guard.run(work).await
    }

    /// A name that is a relation's is not looked for as a path.
    fn existing_paths(&self, mut wanted: Mentions) -> Mentions {
        let current = self.gateway.catalog().current();
        wanted.paths.retain(|path| {
            let is_relation =
                |name: &&RelationName| name.name == *path && current.relations.contains_key(*name);
            !wanted.names.iter().any(|name| is_relation(&name))
        });
        wanted
    }

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
        if query.schema_version == self.schema_version() && !query.rewritten.session {
            return Ok(Arc::clone(analysed));
        }
        let (text, parsed) = (Arc::clone(&query.text), Arc::clone(&query.parsed));
        let declared = &analysed.parameter_types;
        let understood = self.understand(&text, parsed, declared, guard).await?;
        if Some(&understood.described) != analysed.described.as_ref() {
            return Err(GatewayError::ResultChanged);
        }
        let mut anew = Analysed::new(Arc::clone(&analysed.text), analysed.statement.clone());
        anew.set_query(understood);
        Ok(Arc::new(anew))
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
        let planned = self.plan(&Arc::new(analysed), &[], guard).await?;
        let mut rows = self.start_query(&planned, guard).await?.rows();
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
                return Ok(Planned::Shadow { sql, shadow });
            }
            let mut bound = analysed.resolved.query.clone();
            put_parameters(&mut bound, parameters);
            bind_clock(&mut bound, &self.transaction.now());
            let sql = print::query_sql(&bound);
            return Ok(Planned::Shadow { sql, shadow });
        }
        if analysed.resolved.touches_catalogue {
            return Err(GatewayError::Unsupported(
                "a query over both relations and the system catalogue".into(),
            ));
        }
        let relations = analysed.relations_in(&snapshot);
        let mode = self.derived.split;
        if lasting && let Some(plan) = analysed.remembered_plan(mode, &relations) {
            return Ok(Planned::Fragments { plan });
        }
        let options = SplitOptions {
            mode: match mode {
                SplitMode::Auto => split::SplitMode::Auto,
                SplitMode::Always => split::SplitMode::Always,
                SplitMode::Never => split::SplitMode::Never,
            },
            executors: self.gateway.dispatcher().executors().len(),
            bytes_min: SPLIT_BYTES_MIN,
        };
        let (query, parameters) = (Arc::clone(query), parameters.to_vec());
        let now = self.transaction.now();
        let work = beside(move || {
            let analysed = query.query.as_ref().expect("checked above");
            let plan = |query: &Query| {
                Arc::new(split::plan(
                    query,
                    &relations,
                    &analysed.columns,
                    options,
                    &*shadow,
                ))
            };
            if lasting {
                let plan = plan(&analysed.resolved.query);
                analysed.remember_plan(mode, relations.clone(), &plan);
                return Ok(Planned::Fragments { plan });
            }
            let mut bound = analysed.resolved.query.clone();
            put_parameters(&mut bound, &parameters);
            bind_clock(&mut bound, &now);
            Ok(Planned::Fragments { plan: plan(&bound) })
        });
        guard.run(work).await
    }

    /// Runs a planned query.
    pub(super) async fn start_query(
        &mut self,
        planned: &Planned,
        guard: &mut Guard,
    ) -> Result<Started, GatewayError> {
        let settings = self.derived.duckdb.clone();
        let deadline = guard.deadline();
        match planned {
            Planned::Shadow { sql, shadow } => {
                let run = shadow.run(sql.clone(), settings, deadline);
                Ok(Started::Shadow(guard.run(run).await?))
            }
            Planned::Fragments { plan } => {
                let options = RunOptions {
                    statement: self.gateway.next_statement(),
                    settings,
                    deadline,
                    fragments: self.derived.fragments,
                };
                let running = guard
                    .run(self.gateway.dispatcher().run(plan, &options))
                    .await;
                match running {
                    Ok(running) => Ok(Started::Fragments(running)),
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
            FragmentErrorKind::Missing | FragmentErrorKind::Data | FragmentErrorKind::Storage
        ) {
            let scans = plan.stages.iter().flat_map(|stage| &stage.scans);
            let names: Vec<RelationName> = scans.map(|scan| scan.relation.name.clone()).collect();
            self.gateway.catalog().forget_listings(&names);
        }
    }
}

/// How a query will run.
pub(super) enum Planned {
    /// On the shadow database.
    Shadow { sql: String, shadow: Arc<Shadow> },
    /// On executors.
    Fragments { plan: Arc<DistributedPlan> },
}

/// A query that runs.
pub(super) enum Started {
    /// On the shadow database.
    Shadow(BatchStream),
    /// On executors.
    Fragments(Running),
}

impl Started {
    /// Its rows.
    pub(super) fn rows(self) -> BatchStream {
        match self {
            Self::Shadow(rows) => rows,
            Self::Fragments(running) => running.rows,
        }
    }
}

fn understand(
    context: &Context,
    text: &str,
    parsed: Arc<Query>,
    wanted: Mentions,
    declared: &[u32],
    snapshot: &CatalogSnapshot,
    shadow: &Shadow,
) -> Result<Understood, GatewayError> {
    let mut rewritten = (*parsed).clone();
    let found = context.rewrite(&mut rewritten, text, snapshot)?;
    let mut resolved = resolve(rewritten, snapshot, context.scope())?;
    resolved.touches_catalogue |= found.catalogue;
    let count = parameter_count(&parsed)?;
    let bind = |query: &Query| match (count, declared) {
        (0, []) => {
            let columns = shadow.describe(&print::query_sql(query))?.columns;
            Ok((
                Bound {
                    columns,
                    parameter_types: Vec::new(),
                },
                Vec::new(),
            ))
        }
        _ => bind_with_parameters(query, count, declared, shadow),
    };
    let located = |error| match error {
        GatewayError::Fragment { error, .. } => locate(error, text, &parsed, shadow),
        other => other,
    };
    let (mut bound, mut parameter_types) = bind(&resolved.query).map_err(located)?;
    if narrow(&mut resolved.query, &bound.columns, shadow)? {
        (bound, parameter_types) = bind(&resolved.query).map_err(located)?;
    }
    if bound.columns.len() > COLUMNS_MAX {
        return Err(GatewayError::TooManyColumns { max: COLUMNS_MAX });
    }
    let names = output_names(&parsed, text, bound.columns.len());
    let described = bound
        .columns
        .iter()
        .zip(names)
        .map(|(column, name)| Column {
            name: name.unwrap_or_else(|| column.name.clone()),
            ty: column.ty.clone(),
        })
        .collect();
    let version = snapshot.schema_version;
    let query = AnalysedQuery::new(
        text.into(),
        parsed,
        resolved,
        wanted.paths,
        bound,
        version,
        found,
    );
    Ok(Understood {
        query,
        described,
        parameter_types,
    })
}

/// Finds the types of parameters, then the columns with parameters of these types.
fn bind_with_parameters(
    query: &Query,
    count: usize,
    declared: &[u32],
    shadow: &Shadow,
) -> Result<(Bound, Vec<u32>), GatewayError> {
    let count = count.max(declared.len());
    if count > PARAMETERS_MAX {
        return Err(GatewayError::NoParameter(count));
    }
    let mut types: Vec<Option<String>> = vec![None; count];
    for (ty, oid) in types.iter_mut().zip(declared) {
        if !params::is_known(*oid) {
            return Err(GatewayError::Parameter(
                params::ParameterError::UnknownType(*oid),
            ));
        }
        *ty = params::duckdb_type(*oid);
    }
    let mut oids: Vec<u32> = declared.to_vec();
    oids.resize(count, 0);
    if types.iter().any(Option::is_none) {
        let found = shadow.describe(&print::query_sql(query))?.parameter_types;
        for (ty, found) in types.iter_mut().zip(found) {
            if ty.is_none() {
                *ty = found;
            }
        }
    }
    check_gaps(query, declared, count)?;
    let (types, columns) = columns_with(query, &types, shadow)?;
    for (oid, ty) in oids.iter_mut().zip(&types) {
        if *oid == 0 || params::duckdb_type(*oid).is_none() {
            *oid = skein_catalog::types::Type::parse(ty)
                .map_err(|error| GatewayError::Encode(error.into()))?
                .pg()
                .oid;
        }
    }
    Ok((
        Bound {
            columns,
            parameter_types: types,
        },
        oids,
    ))
}

/// The result columns when parameters have these types. Where nothing tells a type it is text, as
/// in PostgreSQL, or the first type with which the query can be bound: `$1 + 1` takes an integer.
fn columns_with(
    query: &Query,
    types: &[Option<String>],
    shadow: &Shadow,
) -> Result<(Vec<String>, Vec<Column>), FragmentError> {
    const GUESSES: [&str; 7] = [
        "VARCHAR",
        "INTEGER",
        "DOUBLE",
        "INTERVAL",
        "TIMESTAMP",
        "DATE",
        "BOOLEAN",
    ];
    let guesses = if types.iter().all(Option::is_some) {
        &GUESSES[..1]
    } else {
        &GUESSES[..]
    };
    let mut first_error = None;
    for guess in guesses {
        let types: Vec<String> = types
            .iter()
            .map(|ty| ty.clone().unwrap_or_else(|| (*guess).to_owned()))
            .collect();
        let nulls: Vec<String> = types
            .iter()
            .map(|ty| format!("CAST(NULL AS {ty})"))
            .collect();
        let mut with_nulls = query.clone();
        put_parameters(&mut with_nulls, &nulls);
        match shadow.describe(&print::query_sql(&with_nulls)) {
            Ok(description) => return Ok((types, description.columns)),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.expect("there is at least one guess, and each of them failed"))
}

/// `$2` without `$1` leaves the type of `$1` open.
fn check_gaps(query: &Query, declared: &[u32], count: usize) -> Result<(), GatewayError> {
    let mut used = vec![false; count];
    visit::walk(Node::Query(query), &mut |node| {
        if let Node::Expr(expr) = node
            && let ExprKind::Parameter(name) = &expr.kind
            && let Ok(number) = name.parse::<usize>()
            && let Some(used) = used.get_mut(number.wrapping_sub(1))
        {
            *used = true;
        }
        Descend::Into
    });
    let is_open = |index: usize| declared.get(index).is_none_or(|oid| *oid == 0);
    match (0..count).find(|index| !used[*index] && is_open(*index)) {
        Some(index) => Err(GatewayError::UndeterminedParameter(index + 1)),
        None => Ok(()),
    }
}

/// Puts SQL in the place of `$1`, `$2`, ….
fn put_parameters(query: &mut Query, parameters: &[String]) {
    let expressions: Vec<Expr> = parameters
        .iter()
        .map(|sql| Expr::from(ExprKind::Sql(sql.clone())))
        .collect();
    put_expressions(query, &expressions);
}

/// Puts expressions in the place of `$1`, `$2`, ….
pub(super) fn put_expressions(query: &mut Query, parameters: &[Expr]) {
    if parameters.is_empty() {
        return;
    }
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::Parameter(name) = &expr.kind
            && let Some(parameter) = name
                .parse::<usize>()
                .ok()
                .and_then(|number| parameters.get(number.wrapping_sub(1)))
        {
            expr.kind = parameter.kind.clone();
            return Descend::Over;
        }
        Descend::Into
    });
}

/// Gives an error of binding its place. What the parsed tree does not tell, DuckDB may: the client's
/// own text gives the same error if it names no relations.
fn locate(error: FragmentError, text: &str, parsed: &Query, shadow: &Shadow) -> GatewayError {
    let position = super::locate::locate(&error, parsed).or_else(|| {
        let again = shadow.describe(text).err()?;
        (first_line(&again.message) == first_line(&error.message)).then_some(again.position)?
    });
    GatewayError::Fragment { error, position }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
