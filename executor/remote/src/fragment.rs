//! The one node that the engine knows of us: a fragment that DuckDB runs.
//!
//! ```text
//! children:  task (SQL of one fragment) ; one per input (a boundary of the engine)
//! execute:   children's streams ─► BatchStreams ─► EmbeddedExecutor::run ─► rows
//! ```
//!
//! A stage is one [`FragmentExec`] whose first child holds one [`TaskExec`] per fragment; the engine
//! sends to each executor only the one that it will run. A fragment runs in a task of its own, so that
//! it can be stopped while nobody reads it.
//!
//! Invariants: a stream ends without an error only when the fragment has said that it is complete.
//! Batches have the stage's schema, at least one row, and are joined to larger ones where they are
//! there at once. Runs on executors only; the gateway builds these nodes and sends them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{Stream, StreamExt};
use skein_executor::Counted;
use skein_executor::merge::{Order, StopOnDrop, merge, spawned};
use skein_executor_api::{
    BatchStream, Executor, Fragment, FragmentError, FragmentErrorKind, FragmentId, InputSpec,
    batch_bytes,
};
use tokio::sync::{Semaphore, TryAcquireError, mpsc};
use url::Url;

use crate::error::{internal, pack, unpack};
use crate::files::{Files, ListedFile};
use crate::measure::Meter;
use crate::runs::Runs;

/// Batches between a fragment and whoever sends its rows on.
const SENT_BATCHES_MAX: usize = 2;
/// Batches of DuckDB that are joined to one when they are there at once: 16 384 rows.
const JOINED_BATCHES_MAX: usize = 8;
/// Batches that wait in each of several streams that are wanted in order.
const ORDERED_BATCHES_MAX: usize = 2;

/// What the fragments of a stage share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shared {
    /// The tree.
    pub(crate) run: String,
    /// Number of the statement.
    pub(crate) statement: u64,
    /// Number of the stage.
    pub(crate) stage: usize,
    /// Of its rows.
    pub(crate) schema: SchemaRef,
    /// One per child after the first.
    pub(crate) inputs: Vec<SharedInput>,
    /// Of the session.
    pub(crate) settings: BTreeMap<String, String>,
    /// Of a join in one fragment, about.
    pub(crate) joined_rows: u64,
    /// When the statement has to be over.
    pub(crate) deadline: Option<Instant>,
    /// Names of what the executor reads files with.
    pub(crate) credentials: Vec<String>,
    /// More bytes are an error, since the engine keeps them in memory.
    pub(crate) bytes_max: Option<u64>,
}

/// An input of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SharedInput {
    pub(crate) spec: InputSpec,
    /// Rows of the first fragment come first.
    pub(crate) in_order: bool,
}

/// A stage on the gateway, a fragment on an executor.
#[derive(Debug)]
pub(crate) struct FragmentExec {
    pub(crate) shared: Arc<Shared>,
    /// First the task, then the inputs.
    children: Vec<Arc<dyn ExecutionPlan>>,
    /// Where the fragments run; known to the gateway only.
    pub(crate) routes: Vec<Url>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl FragmentExec {
    pub(crate) fn new(
        shared: Arc<Shared>,
        task: Arc<dyn ExecutionPlan>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        routes: Vec<Url>,
    ) -> Self {
        let properties = properties(&shared.schema, 1);
        let children = std::iter::once(task).chain(inputs).collect();
        Self {
            shared,
            children,
            routes,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    fn inputs(&self, context: &Arc<TaskContext>) -> Result<Vec<BatchStream>> {
        let inputs = self.children[1..].iter().zip(&self.shared.inputs);
        inputs
            .map(|(child, input)| {
                let partitions = child.properties().partitioning.partition_count();
                let streams: Result<Vec<BatchStream>> = (0..partitions)
                    .map(|partition| {
                        let rows = child.execute(partition, Arc::clone(context))?;
                        Ok(rows_of(rows))
                    })
                    .collect();
                Ok(joined(streams?, input.in_order))
            })
            .collect()
    }
}

/// Properties of a node of ours.
pub(crate) fn properties(schema: &SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(schema)),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

/// The rows of a stream of the engine.
pub(crate) fn rows_of(mut stream: SendableRecordBatchStream) -> BatchStream {
    let schema = stream.schema();
    let mut ended = false;
    Box::pin(futures::stream::poll_fn(move |context| {
        if ended {
            return std::task::Poll::Ready(None);
        }
        let next = futures::ready!(stream.poll_next_unpin(context));
        let next = next.map(|batch| {
            let batch = batch.map_err(|error| unpack(&error))?;
            with_schema(batch, &schema)
        });
        ended = !matches!(next, Some(Ok(_)));
        std::task::Poll::Ready(next)
    }))
}

/// Several streams as one.
pub(crate) fn joined(streams: Vec<BatchStream>, in_order: bool) -> BatchStream {
    if !in_order || streams.len() == 1 {
        return merge(streams, Order::Any);
    }
    // Each runs by itself: the engine starts a fragment when its rows are first asked for.
    let running = streams
        .into_iter()
        .map(|rows| spawned(async move { Ok(rows) }, ORDERED_BATCHES_MAX));
    merge(running.collect(), Order::ByFragment)
}

/// A batch under the schema that was promised, which differs in nothing that matters.
fn with_schema(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, FragmentError> {
    if Arc::ptr_eq(batch.schema_ref(), schema) {
        return Ok(batch);
    }
    let fields = batch.schema_ref().fields();
    let same = fields.len() == schema.fields().len()
        && fields
            .iter()
            .zip(schema.fields())
            .all(|(ours, theirs)| ours.data_type().equals_datatype(theirs.data_type()));
    if !same {
        return Err(internal(format!(
            "rows have the types {}, not {}",
            types(batch.schema_ref()),
            types(schema)
        )));
    }
    // Names may differ: those of the stage are the ones that the plan goes by.
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &rows)
        .map_err(|error| internal(format!("rows do not fit their stage: {error}")))
}

fn types(schema: &Schema) -> String {
    let types: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    types.join(", ")
}

impl DisplayAs for FragmentExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FragmentExec: stage={}", self.shared.stage)
    }
}

impl ExecutionPlan for FragmentExec {
    fn name(&self) -> &'static str {
        "FragmentExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.children.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            shared: Arc::clone(&self.shared),
            children,
            routes: self.routes.clone(),
            properties: Arc::clone(&self.properties),
            metrics: self.metrics.clone(),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        debug_assert_eq!(partition, 0, "a fragment has one stream of rows");
        let here = context.session_config().get_extension::<Here>();
        let here =
            here.ok_or_else(|| pack(&internal("a fragment came to a process without DuckDB")))?;
        let task = self.children[0].downcast_ref::<TaskExec>();
        let task = task.ok_or_else(|| pack(&internal("a fragment came without its SQL")))?;
        let fragment = Fragment {
            id: FragmentId {
                statement: self.shared.statement,
                stage: self.shared.stage,
                index: task.index,
            },
            sql: task.sql.clone(),
            inputs: self
                .shared
                .inputs
                .iter()
                .map(|input| input.spec.clone())
                .collect(),
            settings: self.shared.settings.clone(),
            joined_rows: self.shared.joined_rows,
            deadline: self.shared.deadline,
        };
        here.has(&self.shared.credentials)
            .map_err(|error| pack(&error))?;
        let stop = here.runs.stop_of(&self.shared.run);
        let stop = stop.ok_or_else(|| pack(&canceled()))?;
        let inputs = self.inputs(&context)?;
        let schema = Arc::clone(&self.shared.schema);
        let mut meter = Meter::new(&self.metrics, self.shared.stage, task.index);
        let bytes_max = self.shared.bytes_max;
        let files = task.files.clone();
        let (sender, receiver) = mpsc::channel(SENT_BATCHES_MAX);
        let work = async move {
            let rows = here.start(fragment, &files, inputs).await?;
            send(rows, &schema, bytes_max, &mut meter, &sender).await
        };
        let told = receiver_of(work, stop, receiver);
        let rows = told.map(|batch| batch.map_err(|error| pack(&error)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.shared.schema),
            rows,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Runs `work` in a task until it ends or is told to stop, and gives what it sends.
fn receiver_of<W>(
    work: W,
    stop: tokio_util::sync::CancellationToken,
    receiver: mpsc::Receiver<RecordBatch>,
) -> impl Stream<Item = Result<RecordBatch, FragmentError>> + Send
where
    W: Future<Output = Result<(), FragmentError>> + Send + 'static,
{
    let (outcome_sender, outcome) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => Err(canceled()),
            ended = work => ended,
        };
        // Nobody waits for it when the stream is gone.
        let _ = outcome_sender.send(ended);
    });
    let guard = StopOnDrop(task.abort_handle());
    let state = Some((receiver, outcome, guard));
    futures::stream::unfold(state, |state| async move {
        let (mut receiver, outcome, guard) = state?;
        if let Some(batch) = receiver.recv().await {
            return Some((Ok(batch), Some((receiver, outcome, guard))));
        }
        // The channel is closed: how the task ended tells a complete answer from a lost one.
        match outcome.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some((Err(error), None)),
            Err(_) => Some((Err(internal("the executor lost a fragment")), None)),
        }
    })
}

/// Sends rows on, joined to batches worth a message.
async fn send(
    rows: BatchStream,
    schema: &SchemaRef,
    bytes_max: Option<u64>,
    meter: &mut Meter,
    sender: &mpsc::Sender<RecordBatch>,
) -> Result<(), FragmentError> {
    let mut chunks = rows.ready_chunks(JOINED_BATCHES_MAX);
    let mut bytes = 0;
    while let Some(chunk) = chunks.next().await {
        let mut batches = Vec::with_capacity(chunk.len());
        let mut failure = None;
        for batch in chunk {
            match batch {
                Ok(batch) if batch.num_rows() == 0 => {}
                Ok(batch) => batches.push(with_schema(batch, schema)?),
                Err(error) => failure = Some(error),
            }
        }
        let batch = match batches.len() {
            0 => None,
            1 => batches.pop(),
            _ => Some(
                concat_batches(schema, &batches)
                    .map_err(|error| internal(format!("rows cannot be joined: {error}")))?,
            ),
        };
        if let Some(batch) = batch {
            meter.saw(&batch);
            bytes += batch_bytes(&batch) as u64;
            within_limit(bytes, bytes_max)?;
            if sender.send(batch).await.is_err() {
                return Err(canceled());
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
    }
    meter.ended();
    Ok(())
}

fn within_limit(bytes: u64, bytes_max: Option<u64>) -> Result<(), FragmentError> {
    match bytes_max {
        Some(bytes_max) if bytes > bytes_max => Err(FragmentError {
            kind: FragmentErrorKind::Memory,
            message: format!(
                "rows between stages need more than {bytes_max} bytes (gateway.exchange_bytes_max)"
            ),
            position: None,
        }),
        _ => Ok(()),
    }
}

fn canceled() -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Canceled,
        message: "the statement was canceled".to_owned(),
        position: None,
    }
}

/// What runs fragments in this process.
#[derive(Debug)]
pub(crate) struct Here {
    pub(crate) executor: Arc<Counted>,
    pub(crate) runs: Runs,
    /// Each fragment holds one, and a thread. One that finds none is refused: if it waited, it could
    /// wait for those that wait for its rows. Closed when the executor is about to end.
    pub(crate) places: Arc<Semaphore>,
    /// Names of the credentials that its DuckDB has.
    pub(crate) credentials: BTreeSet<String>,
}

impl Here {
    /// Whether everything that a fragment reads files with is known here.
    fn has(&self, credentials: &[String]) -> Result<(), FragmentError> {
        let unknown = credentials
            .iter()
            .find(|name| !self.credentials.contains(*name));
        unknown.map_or(Ok(()), |name| {
            Err(FragmentError {
                kind: FragmentErrorKind::Permission,
                message: format!(
                    "executor \"{}\" has no credentials \"{name}\"",
                    self.executor.name()
                ),
                position: None,
            })
        })
    }

    async fn start(
        &self,
        fragment: Fragment,
        files: &[ListedFile],
        inputs: Vec<BatchStream>,
    ) -> Result<BatchStream, FragmentError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|error| FragmentError {
            kind: FragmentErrorKind::Unavailable,
            message: format!(
                "executor \"{}\" {}",
                self.executor.name(),
                match error {
                    TryAcquireError::NoPermits => "runs as many fragments as it may",
                    TryAcquireError::Closed => "is shutting down",
                }
            ),
            position: None,
        })?;
        let files = Files::look(self.executor.name(), files).await?;
        let rows = match (self.executor.run(fragment, inputs).await, files) {
            (Ok(rows), None) => rows,
            (Ok(rows), Some(files)) => files.checked(rows),
            (Err(error), None) => return Err(error),
            (Err(error), Some(files)) => return Err(files.blamed(error).await),
        };
        Ok(Box::pin(rows.map(move |batch| {
            let _held = &place;
            batch
        })))
    }
}

/// The SQL of one fragment and the files that it reads: not run by itself.
#[derive(Debug)]
pub(crate) struct TaskExec {
    pub(crate) index: usize,
    pub(crate) sql: String,
    pub(crate) files: Vec<ListedFile>,
    properties: Arc<PlanProperties>,
}

impl TaskExec {
    pub(crate) fn new(index: usize, sql: String, files: Vec<ListedFile>) -> Self {
        Self {
            index,
            sql,
            files,
            properties: properties(&Arc::new(Schema::empty()), 1),
        }
    }
}

impl DisplayAs for TaskExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskExec: {}", self.index)
    }
}

impl ExecutionPlan for TaskExec {
    fn name(&self) -> &'static str {
        "TaskExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Err(pack(&internal("the SQL of a fragment was run by itself")))
    }
}
