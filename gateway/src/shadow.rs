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

use std::collections::BTreeMap;
use std::fmt::Write as _;
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

/// Connections kept for parsing and describing; more are opened and closed as needed.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// How a shadow database is made.
#[derive(Clone, Debug)]
pub struct ShadowOptions {
    /// Name of the database that `pg_database` lists.
    pub database: String,
    /// DuckDB's threads for queries that run here.
    pub threads: usize,
    /// DuckDB's memory for queries that run here, such as `512MB`.
    pub memory_limit: String,
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

/// The shadow database of one version of the relations.
#[derive(Debug)]
pub struct Shadow {
    schema_version: u64,
    executor: Arc<EmbeddedExecutor>,
    database: Database,
    idle: Mutex<Vec<Connection>>,
    /// Kept until the catalogue is wanted.
    source: CatalogSource,
    catalogue: OnceLock<Result<(), FragmentError>>,
    oids: OnceLock<Oids>,
}

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
        let executor = EmbeddedExecutor::open(&EmbeddedOptions {
            name: "gateway".to_owned(),
            database: DatabaseOptions {
                threads: Some(options.threads.max(1)),
                memory_limit: Some(options.memory_limit.clone()),
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
            idle: Mutex::default(),
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
        self.with_connection(|connection| connection.parse(sql))
    }

    /// Binds one statement. In it relations stand under their schema and name.
    pub fn describe(&self, sql: &str) -> Result<Description, FragmentError> {
        self.load_catalogue_for(sql)?;
        self.with_connection(|connection| {
            let prepared = connection.prepare(sql)?;
            Ok(Description {
                columns: prepared.columns().to_vec(),
                parameter_types: prepared.parameter_types(),
            })
        })
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
    /// [`skein_planner::joined`] estimates them.
    pub async fn run(
        &self,
        sql: String,
        settings: BTreeMap<String, String>,
        joined_rows: u64,
        deadline: Option<Instant>,
    ) -> Result<BatchStream, FragmentError> {
        self.load_catalogue_for(&sql)?;
        let fragment = Fragment {
            id: FragmentId::default(),
            sql,
            inputs: Vec::new(),
            settings,
            joined_rows,
            deadline,
        };
        self.executor.run(fragment, Vec::new()).await
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
        let rows = self.with_connection(|connection| {
            connection.query_text("SELECT DISTINCT name FROM pg_timezone_names() ORDER BY name")
        })?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Makes and fills the catalogue schemas, once. Blocks; done by the first statement that needs
    /// them, or before by whoever has the time.
    pub fn load_catalogue(&self) -> Result<(), FragmentError> {
        let load = || {
            let statements = system::statements(&self.source.snapshot, &self.source.database);
            self.with_connection(|connection| {
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

    fn with_connection<T>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T, FragmentError>,
    ) -> Result<T, FragmentError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.database.connect()?,
        };
        let result = call(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
        result
    }
}

impl Bind for Shadow {
    fn describe(&self, sql: &str) -> Result<Vec<Column>, FragmentError> {
        Shadow::describe(self, sql).map(|description| description.columns)
    }

    fn indices(&self, sql: &str) -> Result<Vec<usize>, FragmentError> {
        let rows = self.with_connection(|connection| connection.query_text(sql))?;
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
