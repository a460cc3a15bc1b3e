//! EXPLAIN and EXPLAIN ANALYZE.
//!
//! The lines are the planner's; this module adds where fragments run and what they did. ANALYZE
//! runs the query and throws its rows away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use skein_planner::explain::{FragmentNote, divided_scans, lines};
use skein_planner::plan::DistributedPlan;

use super::Session;
use super::analysed::Analysed;
use super::execute::parse_text;
use super::guard::Guard;
use super::query::{Planned, Started};
use crate::dispatch::metrics::{FragmentMetrics, Metrics};
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::pgwire::backend::Outgoing;
use crate::pgwire::startup::StartupPacket;

impl Session {
    /// The lines of EXPLAIN for one query, without a client.
    pub async fn explain_text(
        gateway: Arc<Gateway>,
        sql: &str,
    ) -> Result<Vec<String>, GatewayError> {
        let packet = StartupPacket {
            user: "skein".to_owned(),
            database: "skein".to_owned(),
            ..StartupPacket::default()
        };
        let mut session = Self::start(gateway, &packet, false, &mut Outgoing::default())?;
        let statements = parse_text(&session.gateway, sql).await?;
        let [statement] = statements.as_slice() else {
            return Err(GatewayError::SeveralStatements);
        };
        let mut guard = session.guard();
        let query = session.analyse(statement, &[], &mut guard).await?;
        if query.query.is_none() {
            return Err(GatewayError::Unsupported(
                "EXPLAIN of a statement that is no query".into(),
            ));
        }
        session.explain(&query, &[], false, &mut guard).await
    }

    /// The lines of EXPLAIN for an analysed query.
    pub(super) async fn explain(
        &mut self,
        query: &Arc<Analysed>,
        parameters: &[String],
        analyze: bool,
        guard: &mut Guard,
    ) -> Result<Vec<String>, GatewayError> {
        let begun = Instant::now();
        let mut metrics = None;
        let mut rows = 0;
        let planned = if analyze {
            let (_, planned, started) = self.plan_and_start(query, parameters, true, guard).await?;
            let mut batches = match started? {
                Started::Shadow(batches) => batches,
                Started::Fragments(running) => {
                    metrics = Some(running.metrics);
                    running.rows
                }
            };
            while let Some(batch) = guard
                .run(async { batches.next().await.transpose() })
                .await?
            {
                rows += batch.num_rows();
            }
            planned
        } else {
            let query = self.filled(query, parameters, guard).await?;
            self.plan(&query, parameters, guard).await?
        };
        let mut text = match &planned {
            Planned::Shadow { sql, .. } | Planned::Brief { sql, .. } => {
                vec![format!("gateway: {sql}")]
            }
            Planned::Constant { query, .. } => {
                let sql = query.query.as_ref().map_or("", |query| &query.sql);
                vec![format!("gateway: {sql}")]
            }
            Planned::Fragments { plan } => {
                let mut text = lines(plan, &self.notes(plan, metrics.as_deref()));
                let kept = self.gateway.dispatcher().kept_here(plan);
                text.extend(kept.map(|reason| format!("in the gateway: {reason}")));
                text
            }
        };
        if analyze {
            text.push(format!(
                "total: rows={rows} time={}",
                millis(begun.elapsed())
            ));
        }
        Ok(text)
    }

    /// Where the fragments of a plan run, and what they did if they ran.
    fn notes(&self, plan: &DistributedPlan, metrics: Option<&Metrics>) -> Vec<Vec<FragmentNote>> {
        let dispatcher = self.gateway.dispatcher();
        let layout = dispatcher.layout(plan, self.derived.fragments);
        let stages = layout.stages.iter().zip(&plan.stages).enumerate();
        stages
            .map(|(number, (placed, stage))| {
                let divided = divided_scans(&stage.partitioning);
                let fragments = placed.iter().enumerate();
                fragments
                    .map(|(index, placed)| FragmentNote {
                        executor: layout.executors[placed.executor].clone(),
                        files: divided
                            .iter()
                            .flat_map(|scan| &placed.files[*scan])
                            .map(|file| file.path.clone())
                            .collect(),
                        measured: metrics.map(|metrics| measured(&metrics.stages()[number][index])),
                    })
                    .collect()
            })
            .collect()
    }
}

fn measured(metrics: &FragmentMetrics) -> String {
    format!(
        "rows={} bytes={} time={}",
        metrics.rows(),
        metrics.bytes(),
        millis(metrics.elapsed())
    )
}

fn millis(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1000.0)
}
