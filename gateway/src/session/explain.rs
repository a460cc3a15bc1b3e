//! EXPLAIN and EXPLAIN ANALYZE.
//!
//! The lines are the planner's; this module adds where fragments run and what they did. ANALYZE
//! runs the query and throws its rows away. As in PostgreSQL, the first line ends with what the query is
//! supposed to cost, unless `COSTS OFF` is asked for.

mod json;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use skein_catalog::types::Type;
use skein_executor_api::Column;
use skein_planner::explain::estimate::{Estimate, estimate};
use skein_planner::explain::{FragmentNote, Node, divided_scans, lines, tree};
use skein_planner::parse::ExplainOptions;
use skein_planner::plan::DistributedPlan;

use super::Session;
use super::analysed::Analysed;
use super::execute::parse_text;
use super::guard::Guard;
use super::query::{Planned, Started};
use super::texts;
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
        let options = ExplainOptions {
            without_costs: true,
            ..ExplainOptions::default()
        };
        session.explain(&query, &[], &options, &mut guard).await
    }

    /// What EXPLAIN gives for an analysed query: its lines, or a document.
    pub(super) async fn explain(
        &mut self,
        query: &Arc<Analysed>,
        parameters: &[String],
        options: &ExplainOptions,
        guard: &mut Guard,
    ) -> Result<Vec<String>, GatewayError> {
        let begun = Instant::now();
        let mut metrics = None;
        let mut rows = None;
        let planned = if options.analyze {
            let (_, planned, started) = self.plan_and_start(query, parameters, true, guard).await?;
            let mut batches = match started? {
                Started::Shadow(batches) => batches,
                Started::Fragments(running) => {
                    metrics = Some(running.metrics);
                    running.rows
                }
            };
            let mut counted = 0;
            while let Some(batch) = guard
                .run(async { batches.next().await.transpose() })
                .await?
            {
                counted += batch.num_rows();
            }
            rows = Some(counted);
            planned
        } else {
            let query = self.filled(query, parameters, guard).await?;
            self.plan(&query, parameters, guard).await?
        };
        let ran = rows.map(|rows| Ran {
            rows,
            elapsed: begun.elapsed(),
        });
        let costs = (!options.without_costs).then(|| Costs::of(query, &planned));
        let root = match &planned {
            Planned::Shadow { sql, .. } | Planned::Brief { sql, .. } => here(sql),
            Planned::Constant { query, .. } => {
                here(query.query.as_ref().map_or("", |query| &query.sql))
            }
            Planned::Fragments { plan } => {
                let notes = self.notes(plan, metrics.as_deref());
                if options.format.is_some() {
                    tree(plan, &notes)
                } else {
                    let mut text = lines(plan, &notes);
                    let kept = self.gateway.dispatcher().kept_here(plan);
                    text.extend(kept.map(|reason| format!("in the gateway: {reason}")));
                    return Ok(with_totals(text, costs, ran));
                }
            }
        };
        if options.format.is_some() {
            return Ok(vec![json::document(&root, costs, ran)]);
        }
        let line = format!("{}: {}", root.label, root.sql);
        Ok(with_totals(vec![line], costs, ran))
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

/// A statement that the gateway runs by itself.
fn here(sql: &str) -> Node {
    Node {
        label: "gateway".to_owned(),
        sql: sql.to_owned(),
        relations: Vec::new(),
        files: 0,
        fragments: Vec::new(),
        inputs: Vec::new(),
    }
}

/// The result column of EXPLAIN.
pub(super) fn columns(options: &ExplainOptions) -> Vec<Column> {
    let mut columns = texts::columns(&["QUERY PLAN"]);
    if options.format.is_some()
        && let Some(column) = columns.first_mut()
    {
        "JSON".clone_into(&mut column.ty);
    }
    columns
}

/// What a query cost when it ran.
#[derive(Clone, Copy)]
struct Ran {
    rows: usize,
    elapsed: Duration,
}

/// PostgreSQL's numbers of the topmost node.
#[derive(Clone, Copy)]
struct Costs {
    rows: u64,
    hundredths: u64,
    width: i64,
}

impl Costs {
    fn of(query: &Analysed, planned: &Planned) -> Self {
        let plan = match planned {
            Planned::Fragments { plan } => Some(&**plan),
            Planned::Shadow { .. } | Planned::Brief { .. } | Planned::Constant { .. } => None,
        };
        let guess = query.query.as_ref().map_or(
            Estimate {
                rows: 1,
                cost_hundredths: 1,
            },
            |query| estimate(&query.parsed, plan),
        );
        let columns = query.described.iter().flatten();
        Self {
            rows: guess.rows,
            hundredths: guess.cost_hundredths,
            width: columns.map(|column| width(&column.ty)).sum(),
        }
    }

    /// As `ExplainPrintPlan` writes them.
    fn text(self) -> String {
        let (whole, rest) = (self.hundredths / 100, self.hundredths % 100);
        let (rows, width) = (self.rows, self.width);
        format!("(cost=0.00..{whole}.{rest:02} rows={rows} width={width})")
    }
}

/// The bytes of a value of a type, as `get_typavgwidth` supposes them where it knows nothing.
fn width(ty: &str) -> i64 {
    const UNKNOWN: i64 = 32;
    let size = Type::parse(ty).map(|ty| i64::from(ty.pg().len));
    size.ok().filter(|size| *size > 0).unwrap_or(UNKNOWN)
}

/// The lines with the costs at the end of the first, where programs look for them, and what ANALYZE measured.
fn with_totals(mut text: Vec<String>, costs: Option<Costs>, ran: Option<Ran>) -> Vec<String> {
    if let (Some(first), Some(costs)) = (text.first_mut(), costs) {
        first.push_str("  ");
        first.push_str(&costs.text());
    }
    if let Some(ran) = ran {
        text.push(format!(
            "total: rows={} time={}",
            ran.rows,
            millis(ran.elapsed)
        ));
    }
    text
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
