//! The shadow database: a DuckDB in memory that holds every relation without its rows.
//!
//! DuckDB binds statements against it, so names, types, parameters and errors with positions are
//! known within microseconds and without reading a file. Queries that touch no relation, such as
//! those on `pg_catalog`, run here as well.
//!
//! ```text
//! CatalogSnapshot ─► one empty table per relation ─► parse, describe        (pool of connections)
//!                 └► catalogue schemas, on first use ─► EmbeddedExecutor::run
//! ```
//!
//! Invariants: one instance per `CatalogSnapshot::schema_version`, never changed after it is
//! built but for the catalogue schemas, which appear as a whole. It reads no file. A connection
//! serves one call at a time and keeps nothing from it.

pub mod facts;
mod kept;
pub(crate) mod lookups;
mod results;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use skein_catalog::snapshot::{CatalogSnapshot, RelationSnapshot};
use skein_catalog::system::{self, Oids};
use skein_executor::embedded::{EmbeddedExecutor, EmbeddedOptions};
use skein_executor::engine::{Connection, Database, DatabaseOptions, Host, Parsed, identifier};
use skein_executor_api::{
    BatchStream, Column, Executor, Fragment, FragmentError, FragmentErrorKind, FragmentId,
};
use skein_planner::bind::Bind;
use skein_planner::outputs::{Output, Source, Typmod};

use crate::encode::{Modifier, Origin};
use kept::Kept;
use lookups::Lookups;
use results::Recording;

pub(crate) use results::kept_rows;

/// Connections kept of each kind; more are opened and closed as needed.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// Memory for descriptions of statements, and the most that one may take.
const DESCRIPTIONS_BYTES_MAX: usize = 16 << 20;
const DESCRIPTION_BYTES_MAX: usize = 64 << 10;
/// Memory for results of repeatable queries, and the most that one may take.
const RESULTS_BYTES_MAX: usize = 32 << 20;
const RESULT_BYTES_MAX: usize = 2 << 20;

/// How a shadow database is made.
#[derive(Clone, Debug)]
pub struct ShadowOptions {
    /// Name of the database that `pg_database` lists.
    pub database: String,
    /// DuckDB's threads for queries that run here.
    pub threads: usize,
    /// DuckDB's memory for queries that run here, such as `512MB`.
    pub memory_limit: String,
    /// Where each instance makes a folder for what does not fit into its memory; `None`: such queries fail.
    pub temp_directory: Option<PathBuf>,
    /// Queries that run here at once.
    pub connections_max: u32,
    /// How long a query waits for a connection.
    pub connection_timeout: Duration,
    /// What functions of the catalogue call.
    pub host: Host,
}

impl Default for ShadowOptions {
    fn default() -> Self {
        Self {
            database: system::DATABASE.to_owned(),
            threads: 1,
            memory_limit: "512MB".to_owned(),
            temp_directory: None,
            connections_max: 16,
            connection_timeout: Duration::from_secs(30),
            host: Host::default(),
        }
    }
}

/// What binding says about a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Result columns with DuckDB's types.
    pub columns: Vec<Column>,
    /// DuckDB's type of `$1`, `$2`, …; `None` where nothing tells.
    pub parameter_types: Vec<Option<String>>,
}

impl Description {
    /// The memory it takes, about.
    fn bytes(&self) -> usize {
        let of_text = size_of::<Option<String>>();
        let columns = self.columns.iter();
        let parameters = self.parameter_types.iter().flatten();
        columns
            .map(|column| 2 * of_text + column.name.len() + column.ty.len())
            .chain(parameters.map(|ty| of_text + ty.len()))
            .sum()
    }
}

/// The shadow database of one version of the relations.
#[derive(Debug)]
pub struct Shadow {
    schema_version: u64,
    executor: Arc<EmbeddedExecutor>,
    database: Database,
    /// Connections that plan statements as they were bound: enough to describe them.
    describing: Idle,
    running: Idle,
    descriptions: Kept<Description>,
    results: Kept<[RecordBatch]>,
    /// Kept until the catalogue is wanted.
    source: CatalogSource,
    catalogue: OnceLock<Result<(), FragmentError>>,
    oids: OnceLock<Oids>,
}

/// Connections that wait for the next call.
type Idle = Mutex<Vec<Connection>>;

#[derive(Debug)]
struct CatalogSource {
    snapshot: CatalogSnapshot,
    database: String,
}

impl Shadow {
    /// Builds the instance, inside a runtime. Blocks: some milliseconds, up to a second for
    /// thousands of relations.
    pub fn build(
        snapshot: &CatalogSnapshot,
        options: &ShadowOptions,
    ) -> Result<Self, FragmentError> {
        let folder = format!("catalogue-{}", snapshot.schema_version);
        let temp_directory = options.temp_directory.as_ref().map(|it| it.join(folder));
        let executor = EmbeddedExecutor::open(&EmbeddedOptions {
            name: "gateway".to_owned(),
            database: DatabaseOptions {
                threads: Some(options.threads.max(1)),
                memory_limit: Some(options.memory_limit.clone()),
                temp_directory,
                prelude: vec![empty_relations(snapshot)],
                host: options.host.clone(),
                ..DatabaseOptions::default()
            },
            connections_max: options.connections_max,
            connection_timeout: options.connection_timeout,
            ..EmbeddedOptions::default()
        })?;
        Ok(Self {
            schema_version: snapshot.schema_version,
            database: executor.database().clone(),
            executor: Arc::new(executor),
            describing: Idle::default(),
            running: Idle::default(),
            descriptions: Kept::new(DESCRIPTIONS_BYTES_MAX, DESCRIPTION_BYTES_MAX),
            results: Kept::new(RESULTS_BYTES_MAX, RESULT_BYTES_MAX),
            source: CatalogSource {
                snapshot: snapshot.clone(),
                database: options.database.clone(),
            },
            catalogue: OnceLock::new(),
            oids: OnceLock::new(),
        })
    }

    /// The version of the relations it was built for.
    pub fn schema_version(&self) -> u64 {
        self.schema_version
    }

    /// Runs fragments that read no file: constants and the catalogue. Call
    /// [`Self::load_catalogue`] before the first one that names a catalogue schema.
    pub fn executor(&self) -> Arc<dyn Executor> {
        Arc::clone(&self.executor) as Arc<dyn Executor>
    }

    /// Parses a text, which may hold several statements.
    pub fn parse(&self, sql: &str) -> Result<Parsed, FragmentError> {
        self.to_describe(|connection| connection.parse(sql))
    }

    /// Binds one statement. In it relations stand under their schema and name.
    pub fn describe(&self, sql: &str) -> Result<Description, FragmentError> {
        if let Some(known) = self.descriptions.get(sql) {
            return Ok((*known).clone());
        }
        self.load_catalogue_for(sql)?;
        let description = self.to_describe(|connection| {
            let prepared = connection.prepare(sql)?;
            Ok(Description {
                columns: prepared.columns().to_vec(),
                parameter_types: prepared.parameter_types(),
            })
        })?;
        let bytes = description.bytes();
        let known = Arc::new(description.clone());
        self.descriptions.put(sql.to_owned(), known, bytes);
        Ok(description)
    }

    /// Where a result column comes from, as clients are told.
    pub fn origin(&self, output: &Output) -> Origin {
        let modifier = match output.typmod {
            Typmod::None => Modifier::Is(-1),
            Typmod::Held => Modifier::Held,
            Typmod::Is(modifier) => Modifier::Is(modifier),
        };
        let origin = output.origin.as_ref().and_then(|origin| {
            let relation = match &origin.source {
                Source::System(oid) => *oid,
                Source::Relation(name) => {
                    let oids = self.oids.get_or_init(|| Oids::of(&self.source.snapshot));
                    *oids.relations.get(name)?
                }
            };
            Some(Origin {
                relation,
                attribute: origin.number,
                modifier,
            })
        });
        origin.unwrap_or(Origin {
            modifier,
            ..Origin::default()
        })
    }

    /// Runs a query over constants or the catalogue. `settings` are those of the session that
    /// DuckDB needs, as [`crate::session::settings::Settings::for_duckdb`] gives them; `joined_rows` as
    /// [`skein_planner::joined`] estimates them. `repeatable`: it gives the same rows each time, so that
    /// those of the first time may serve.
    pub async fn run(
        self: &Arc<Self>,
        sql: String,
        settings: BTreeMap<String, String>,
        joined_rows: u64,
        deadline: Option<Instant>,
        repeatable: bool,
    ) -> Result<BatchStream, FragmentError> {
        let key = repeatable.then(|| results::key(&sql, &settings));
        if let Some(rows) = key.as_ref().and_then(|key| self.results.get(key)) {
            return Ok(kept_rows(&rows));
        }
        self.load_catalogue_for(&sql)?;
        let fragment = Fragment {
            id: FragmentId::default(),
            sql,
            inputs: Vec::new(),
            settings,
            joined_rows,
            deadline,
        };
        let rows = self.executor.run(fragment, Vec::new()).await?;
        Ok(match key {
            Some(key) => Recording::of(Arc::clone(self), key, rows).stream(),
            None => rows,
        })
    }

    /// Runs a query for which [`skein_planner::brief::is_brief`] holds; blocks for some microseconds.
    pub fn run_brief(
        &self,
        sql: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Vec<RecordBatch>, FragmentError> {
        self.executor.run_here(sql, settings)
    }

    /// Names of the time zones that DuckDB knows.
    pub fn time_zones(&self) -> Result<Vec<String>, FragmentError> {
        let rows = self.to_run(|connection| {
            connection.query_text("SELECT DISTINCT name FROM pg_timezone_names() ORDER BY name")
        })?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Makes and fills the catalogue schemas, once. Blocks; done by the first statement that needs
    /// them, or before by whoever has the time.
    pub fn load_catalogue(&self) -> Result<(), FragmentError> {
        let load = || {
            let statements = system::statements(&self.source.snapshot, &self.source.database);
            let lookups = Lookups::of(&self.source.snapshot);
            self.to_run(|connection| {
                lookups.add_to(connection)?;
                connection.execute("BEGIN TRANSACTION")?;
                for statement in &statements {
                    connection
                        .execute(statement)
                        .map_err(|error| FragmentError {
                            kind: FragmentErrorKind::Internal,
                            message: format!("the catalogue could not be made: {}", error.message),
                            position: None,
                        })?;
                }
                connection.execute("COMMIT")
            })
        };
        self.catalogue.get_or_init(load).clone()
    }

    fn load_catalogue_for(&self, sql: &str) -> Result<(), FragmentError> {
        if sql.contains(system::PG_SCHEMA) || sql.contains(system::INFORMATION_SCHEMA) {
            return self.load_catalogue();
        }
        Ok(())
    }

    /// Calls `work` with a connection that does not optimise: nothing that is described runs, and
    /// optimising takes a third of the time of planning.
    fn to_describe<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, FragmentError>,
    ) -> Result<T, FragmentError> {
        let open = || {
            let connection = self.database.connect()?;
            connection.skip_optimizer()?;
            Ok(connection)
        };
        with_connection(&self.describing, open, work)
    }

    fn to_run<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, FragmentError>,
    ) -> Result<T, FragmentError> {
        with_connection(&self.running, || self.database.connect(), work)
    }
}

fn with_connection<T>(
    idle: &Idle,
    open: impl FnOnce() -> Result<Connection, FragmentError>,
    work: impl FnOnce(&Connection) -> Result<T, FragmentError>,
) -> Result<T, FragmentError> {
    let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let connection = match waiting {
        Some(connection) => connection,
        None => open()?,
    };
    let result = work(&connection);
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() < IDLE_CONNECTIONS_MAX {
        idle.push(connection);
    }
    result
}

impl Bind for Shadow {
    fn describe(&self, sql: &str) -> Result<Vec<Column>, FragmentError> {
        Shadow::describe(self, sql).map(|description| description.columns)
    }

    fn indices(&self, sql: &str) -> Result<Vec<usize>, FragmentError> {
        let rows = self.to_run(|connection| connection.query_text(sql))?;
        rows.into_iter()
            .map(|row| {
                let value = row.into_iter().next().flatten();
                value
                    .and_then(|value| value.parse().ok())
                    .ok_or_else(|| FragmentError {
                        kind: FragmentErrorKind::Internal,
                        message: "an index is not a number".to_owned(),
                        position: None,
                    })
            })
            .collect()
    }
}

/// One text that makes every schema and relation.
fn empty_relations(snapshot: &CatalogSnapshot) -> String {
    let mut sql = "BEGIN TRANSACTION;\nCREATE SCHEMA IF NOT EXISTS public;\n".to_owned();
    let mut schema = "public";
    for relation in snapshot.relations.values() {
        if relation.name.schema != schema {
            schema = &relation.name.schema;
            let _ = writeln!(sql, "CREATE SCHEMA IF NOT EXISTS {};", identifier(schema));
        }
        empty_relation(&mut sql, relation);
    }
    sql.push_str("COMMIT;");
    sql
}

fn empty_relation(sql: &mut String, relation: &RelationSnapshot) {
    let name = &relation.name;
    let _ = write!(
        sql,
        "CREATE TABLE {}.{} (",
        identifier(&name.schema),
        identifier(&name.name)
    );
    for (index, column) in relation.columns.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let _ = write!(sql, "{comma}{} {}", identifier(&column.name), column.ty);
    }
    sql.push_str(");\n");
}

#[cfg(test)]
mod tests;
