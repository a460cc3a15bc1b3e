//! Runs a plan: fragments to executors, rows of one stage to the next.
//!
//! ```text
//! DistributedPlan ─► layout (placement) ─► admission ─► stage 0 fragments ─► exchange ─► … ─► rows
//! ```
//!
//! Where there are executors in other processes, the stages of a plan that is split run there, and
//! their last stage here if it is one fragment; [`remote`] hands them over. Everything else runs on
//! the executors inside this process.
//!
//! Invariants: a running statement holds as many slots as it may hold connections of the busiest
//! executor at once, taken together before it starts, so that no stage can wait for a connection
//! that a stage behind it holds. One whose rows nobody asks for keeps its connections without them
//! ([`admission`]), so executors have more connections than slots. Rows between stages wait in bounded
//! channels. Dropping the
//! result stops every fragment. Knows no SQL and never looks at a value, but for the integer that
//! DuckDB computed for a hash exchange.

mod admission;
pub mod exchange;
pub mod layout;
pub mod metrics;
pub mod placement;
mod remote;
mod schemas;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use skein_executor_api::{
    BatchStream, Executor, Fragment, FragmentError, FragmentErrorKind, FragmentId,
};
use skein_planner::earlier::EarlierRuns;
use skein_planner::plan::{DistributedPlan, Exchange, Partitioning, Stage, StageInput};
use tokio::sync::Semaphore;

use crate::error::GatewayError;
use crate::merge::{Order, merge, spawned};
use admission::{Admission, Admitted};
use exchange::Waiting;
use layout::{Layout, Placed};
use metrics::{Measured, Metrics};
pub use remote::Cluster;
use remote::Sites;

/// Limits of dispatch, from the configuration.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Statements that may run at once.
    pub running_queries_max: usize,
    /// Statements that may wait for their turn.
    pub admission_queue_max: usize,
    /// How long a statement may wait for its turn.
    pub admission_timeout: Duration,
    /// When rows have waited so long for somebody to ask for them, their statement leaves its place to others.
    pub paused_after: Duration,
    /// Connections of each executor.
    pub connections_max: usize,
    /// Batches that may wait between two stages, per fragment.
    pub batches_buffered_max: usize,
    /// Bytes of rows that may wait between two stages of a statement.
    pub exchange_bytes_max: usize,
}

/// What changes from statement to statement.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Number of the statement, for fragment ids.
    pub statement: u64,
    /// Settings that change results, such as `TimeZone`.
    pub settings: BTreeMap<String, String>,
    /// When it has to be over.
    pub deadline: Option<Instant>,
    /// How many fragments a divided stage gets; one per executor unless given.
    pub fragments: Option<usize>,
    /// Whether fragments in other processes count what they do, which takes a message more each.
    pub measured: bool,
}

/// A statement that runs.
pub struct Running {
    /// Its rows.
    pub rows: BatchStream,
    /// What its fragments have done so far.
    pub metrics: Arc<Metrics>,
    /// Executors in other processes take part in it.
    pub on_nodes: bool,
}

/// Runs plans on executors.
pub struct Dispatcher {
    executors: Vec<Arc<dyn Executor>>,
    names: Vec<String>,
    cluster: Option<Cluster>,
    admission: Admission,
    limits: Limits,
    earlier: Arc<EarlierRuns>,
}

impl Dispatcher {
    /// Makes a dispatcher over at least one executor.
    pub fn new(executors: Vec<Arc<dyn Executor>>, limits: Limits) -> Self {
        debug_assert!(
            !executors.is_empty(),
            "the configuration asks for at least one executor"
        );
        let names = executors
            .iter()
            .map(|executor| executor.name().to_owned())
            .collect();
        Self {
            executors,
            names,
            cluster: None,
            admission: Admission::new(&limits),
            limits,
            earlier: Arc::default(),
        }
    }

    /// What stages have returned so far, for the planner.
    pub fn earlier(&self) -> &Arc<EarlierRuns> {
        &self.earlier
    }

    /// The same with executors in other processes.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Whether there are executors in other processes now.
    pub fn has_nodes(&self) -> bool {
        !self.nodes().is_empty()
    }

    /// How many executors a plan that is split would run on now.
    pub fn executors_now(&self) -> usize {
        match (self.nodes().len(), &self.cluster) {
            // Planned as if they were there; running it will tell that they are not.
            (0, Some(cluster)) if !cluster.falls_back() => cluster.known().max(1),
            (0, _) => self.executors.len(),
            (nodes, _) => nodes,
        }
    }

    /// Which fragments a plan has, where they run and what they read.
    pub fn layout(&self, plan: &DistributedPlan, fragments: Option<usize>) -> Layout {
        self.sites(plan, fragments).layout
    }

    /// Starts a plan; returns when its first rows are there, or it has ended or failed.
    pub async fn run(
        &self,
        plan: &DistributedPlan,
        options: &RunOptions,
    ) -> Result<Running, GatewayError> {
        let Sites {
            layout,
            nodes,
            is_stranded,
        } = self.sites(plan, options.fragments);
        if is_stranded {
            return Err(GatewayError::NoExecutor);
        }
        let needed = layout.fragments_at_most();
        let slots_max = self.admission.slots_max();
        let admitted = self
            .admission
            .admit(needed.min(slots_max), options.deadline);
        let place = admitted.await?;
        let metrics = Arc::new(Metrics::new(&layout));
        let run = Run {
            dispatcher: self,
            plan,
            layout: &layout,
            options,
            metrics: &metrics,
        };
        let on_nodes = nodes.is_some();
        let rows = match nodes {
            Some(nodes) => run.on_nodes(&nodes).await?,
            None if needed <= slots_max => run.together().await?,
            None => run.stage_by_stage().await?,
        };
        let rows = Box::pin(Admitted::new(rows, place));
        Ok(Running {
            rows,
            metrics,
            on_nodes,
        })
    }
}

/// One run of one plan.
struct Run<'a> {
    dispatcher: &'a Dispatcher,
    plan: &'a DistributedPlan,
    layout: &'a Layout,
    options: &'a RunOptions,
    metrics: &'a Arc<Metrics>,
}

impl Run<'_> {
    /// Every fragment at once; rows flow from stage to stage.
    async fn together(&self) -> Result<BatchStream, FragmentError> {
        let last = self.plan.stages.len() - 1;
        let mut outputs = Outputs::new();
        for stage in 0..last {
            let inputs = self.inputs(stage, &mut outputs, None)?;
            let streams = self.start(stage, inputs, None);
            outputs.insert(stage, self.for_each_reader(stage, streams)?);
        }
        let inputs = self.inputs(last, &mut outputs, None)?;
        self.finish(last, inputs, None).await
    }

    /// For plans with more fragments than connections: a stage starts when the one before has
    /// ended, and its fragments take turns. Rows between stages are kept in memory.
    async fn stage_by_stage(&self) -> Result<BatchStream, FragmentError> {
        let last = self.plan.stages.len() - 1;
        let turns: Turns = (0..self.dispatcher.executors.len())
            .map(|_| Arc::new(Semaphore::new(self.dispatcher.admission.slots_max())))
            .collect();
        let turns = Some(&turns);
        let mut outputs = Outputs::new();
        for stage in 0..last {
            let inputs = self.inputs(stage, &mut outputs, turns)?;
            let rows = merge(self.start(stage, inputs, turns), self.order(stage));
            let bytes_max = self.dispatcher.limits.exchange_bytes_max;
            let streams = vec![exchange::collected(rows, bytes_max).await?];
            outputs.insert(stage, self.for_each_reader(stage, streams)?);
        }
        let inputs = self.inputs(last, &mut outputs, turns)?;
        self.finish(last, inputs, turns).await
    }

    /// The last stage. A single fragment needs no task of its own.
    async fn finish(
        &self,
        stage: usize,
        mut inputs: Vec<Vec<BatchStream>>,
        turns: Option<&Turns>,
    ) -> Result<BatchStream, FragmentError> {
        let placed = &self.layout.stages[stage];
        if let [only] = placed.as_slice() {
            let fragment = self.fragment(stage, 0, only);
            let executor = &self.dispatcher.executors[only.executor];
            let measure = self.metrics.fragment(stage, 0);
            let rows = executor
                .run(fragment, inputs.pop().unwrap_or_default())
                .await?;
            return Ok(Measured::over(rows, measure));
        }
        let mut rows = merge(self.start(stage, inputs, turns), self.order(stage));
        // As with one fragment: the first rows are there, or the failure is returned here.
        let first = rows.next().await.transpose()?;
        Ok(Box::pin(futures::stream::iter(first.map(Ok)).chain(rows)))
    }

    fn order(&self, stage: usize) -> Order {
        match self.plan.stages[stage].partitioning {
            Partitioning::ByFile {
                in_file_order: true,
                ..
            } => Order::ByFragment,
            Partitioning::ByFile { .. }
            | Partitioning::ByHash { .. }
            | Partitioning::ByRange { .. }
            | Partitioning::Single => Order::Any,
        }
    }

    /// Starts all fragments of a stage, each in a task.
    fn start(
        &self,
        stage: usize,
        inputs: Vec<Vec<BatchStream>>,
        turns: Option<&Turns>,
    ) -> Vec<BatchStream> {
        let placed = &self.layout.stages[stage];
        let mut waits = turns.map(|turns| exchange::take_turns(turns, placed));
        let mut streams = Vec::with_capacity(placed.len());
        for (index, (placed, inputs)) in placed.iter().zip(inputs).enumerate() {
            let fragment = self.fragment(stage, index, placed);
            let executor = Arc::clone(&self.dispatcher.executors[placed.executor]);
            let measure = self.metrics.fragment(stage, index);
            let turn = waits.as_mut().map(|waits| waits.remove(0));
            let start = async move {
                let turn = match turn {
                    Some(turn) => Some(turn.await?),
                    None => None,
                };
                let rows = executor.run(fragment, inputs).await?;
                Ok(exchange::holding(Measured::over(rows, measure), turn))
            };
            streams.push(spawned(
                start.boxed(),
                self.dispatcher.limits.batches_buffered_max,
            ));
        }
        streams
    }

    /// The output of a stage once for each later input that reads it.
    fn for_each_reader(
        &self,
        stage: usize,
        streams: Vec<BatchStream>,
    ) -> Result<Vec<Vec<BatchStream>>, FragmentError> {
        let inputs = self.plan.stages.iter().flat_map(|later| &later.inputs);
        let readers = inputs.filter(|input| input.stage == stage).count();
        if readers <= 1 {
            return Ok(vec![streams]);
        }
        let merged = merge(streams, self.order(stage));
        let waiting = Waiting::Bytes(self.dispatcher.limits.exchange_bytes_max);
        let copies = exchange::divide(merged, &Exchange::Broadcast, readers, waiting)?;
        Ok(copies.into_iter().map(|copy| vec![copy]).collect())
    }

    /// The streams that each fragment of a stage reads.
    fn inputs(
        &self,
        stage: usize,
        outputs: &mut Outputs,
        turns: Option<&Turns>,
    ) -> Result<Vec<Vec<BatchStream>>, FragmentError> {
        let readers = self.layout.stages[stage].len();
        let limits = &self.dispatcher.limits;
        let hashed = |input: &&StageInput| matches!(input.exchange, Exchange::Hash { .. });
        let only = self.plan.stages[stage].inputs.iter().filter(hashed).count() == 1;
        let mut inputs: Vec<Vec<BatchStream>> = (0..readers).map(|_| Vec::new()).collect();
        for input in &self.plan.stages[stage].inputs {
            let streams = outputs.get_mut(&input.stage).and_then(Vec::pop);
            let streams = streams.ok_or_else(|| {
                internal(format!(
                    "stage {stage} reads stage {}, which is not there",
                    input.stage
                ))
            })?;
            let merged = merge(streams, self.order(input.stage));
            let waiting = if only && hashed(&input) && turns.is_none() {
                Waiting::Batches(limits.batches_buffered_max)
            } else {
                Waiting::Bytes(limits.exchange_bytes_max)
            };
            let divided = exchange::divide(merged, &input.exchange, readers, waiting)?;
            for (reader, stream) in inputs.iter_mut().zip(divided) {
                reader.push(stream);
            }
        }
        Ok(inputs)
    }

    fn fragment(&self, stage: usize, index: usize, placed: &Placed) -> Fragment {
        let Stage {
            template,
            scans,
            inputs,
            ..
        } = &self.plan.stages[stage];
        let scans: Vec<String> = scans
            .iter()
            .zip(&placed.files)
            .map(|(scan, files)| scan.relation.scan_sql(files))
            .collect();
        Fragment {
            id: FragmentId {
                statement: self.options.statement,
                stage,
                index,
            },
            sql: template.render(&scans, index),
            inputs: inputs.iter().map(|input| input.spec.clone()).collect(),
            settings: self.options.settings.clone(),
            joined_rows: self.joined_rows(stage),
            deadline: self.options.deadline,
        }
    }

    /// About how many rows a join of one fragment of a stage keeps in memory.
    fn joined_rows(&self, stage: usize) -> u64 {
        let of_all = self.plan.stages[stage].joined_rows;
        match &self.plan.stages[stage].partitioning {
            Partitioning::ByHash { .. } | Partitioning::ByRange { .. } => {
                of_all / (self.layout.stages[stage].len() as u64).max(1)
            }
            Partitioning::Single | Partitioning::ByFile { .. } => of_all,
        }
    }
}

/// Streams of stages that have started, by stage: one list for each input that will read them.
type Outputs = BTreeMap<usize, Vec<Vec<BatchStream>>>;

/// One semaphore per executor.
pub(crate) type Turns = Vec<Arc<Semaphore>>;

fn internal(message: String) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message,
        position: None,
    }
}

#[cfg(test)]
mod tests;
