//! Planning and running queries.
//!
//! ```text
//! AnalysedQuery + parameters + snapshot ─► plan ─► dispatch ─► rows
//! ```
//!
//! A query that reads no file runs on the shadow database, all others on the executors. One that is
//! over within microseconds runs on the thread of its session, all others on a thread of their own.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use futures::{StreamExt, stream};
use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_executor_api::{BatchStream, FragmentErrorKind};
use skein_planner::ast::{Query, print};
use skein_planner::clock::bind_clock;
use skein_planner::parse::Statement;
use skein_planner::plan::DistributedPlan;
use skein_planner::resolve::Mentions;
use skein_planner::split::{self, SplitOptions};

use super::Session;
use super::analysed::Analysed;
use super::guard::Guard;
use super::parameters::put_parameters;
use super::settings::SplitMode;
use super::understand::beside;
use crate::dispatch::{RunOptions, Running};
use crate::error::GatewayError;
use crate::shadow::Shadow;

/// Longer texts may hold values that take their time.
const BRIEF_BYTES_MAX: usize = 4 * 1024;

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
                let (sql, is_brief) = (analysed.sql.clone(), analysed.is_brief);
                return Ok(Planned::on_shadow(sql, shadow, is_brief));
            }
            let mut bound = analysed.resolved.query.clone();
            put_parameters(&mut bound, parameters);
            bind_clock(&mut bound, &self.transaction.now());
            let sql = print::query_sql(&bound);
            return Ok(Planned::on_shadow(sql, shadow, analysed.is_brief));
        }
        // What joins files with the catalogue runs whole, where both are.
        let mixed = analysed.resolved.touches_catalogue;
        if mixed {
            self.gateway.share_catalogue(&snapshot).await?;
        }
        let relations = analysed.relations_in(&snapshot);
        let mode = if mixed {
            SplitMode::Never
        } else {
            self.derived.split
        };
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
            bytes_min: self.gateway.config().gateway.split_bytes_min,
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
        let settings = &self.derived.duckdb;
        let deadline = guard.fragment_deadline();
        match planned {
            Planned::Brief { sql, shadow } => {
                let rows = guard.run(shadow.run_brief(sql, settings)).await?;
                let rows = stream::iter(rows.into_iter().map(Ok));
                Ok(Started::Shadow(Box::pin(rows)))
            }
            Planned::Shadow { sql, shadow } => {
                let run = shadow.run(sql.clone(), settings.clone(), deadline);
                Ok(Started::Shadow(guard.run(run).await?))
            }
            Planned::Fragments { plan } => {
                let options = RunOptions {
                    statement: self.gateway.next_statement(),
                    settings: settings.clone(),
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
    /// On the shadow database, within microseconds.
    Brief { sql: String, shadow: Arc<Shadow> },
    /// On executors.
    Fragments { plan: Arc<DistributedPlan> },
}

impl Planned {
    fn on_shadow(sql: String, shadow: Arc<Shadow>, is_brief: bool) -> Self {
        if is_brief && sql.len() <= BRIEF_BYTES_MAX {
            Self::Brief { sql, shadow }
        } else {
            Self::Shadow { sql, shadow }
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
    /// Its rows.
    pub(super) fn rows(self) -> BatchStream {
        match self {
            Self::Shadow(rows) => rows,
            Self::Fragments(running) => running.rows,
        }
    }
}
