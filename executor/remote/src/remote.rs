//! Runs trees from the gateway.

use std::sync::Arc;
use std::time::Instant;

use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{
    DistributedExec, DistributedExt, RouteTasksEvent, RouteTasksEventResponse,
};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue};
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};
use uuid::Uuid;

use crate::channels::Channels;
use crate::codec::Codec;
use crate::connections::Link;
use crate::error::{internal, pack, unpack};
use crate::fragment::rows_of;
use crate::lower::{head, lower};
use crate::measure::{Measurement, collect};
use crate::nodes::{Node, Nodes};
use crate::runs::RUN_HEADER;
use crate::tree::Tree;

/// How executors in other processes are used.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The executors there are.
    pub nodes: Nodes,
    /// How they are reached.
    pub link: Link,
    /// Bytes of rows that a reader may have waiting from one fragment before it stops to take more.
    pub reader_bytes_max: usize,
}

/// The gateway's end.
#[derive(Clone, Debug)]
pub struct Remote {
    nodes: Nodes,
    channels: Channels,
    engine: Arc<RuntimeEnv>,
    reader_bytes_max: usize,
}

/// Is given what the fragments of a tree have counted, before its rows end.
pub type OnEnd = Box<dyn FnOnce(Vec<Measurement>) + Send>;

impl Remote {
    /// Connects to nobody yet. Inside a runtime.
    pub fn new(options: RemoteOptions) -> Self {
        Self {
            nodes: options.nodes,
            channels: Channels::new(options.link),
            engine: Arc::new(RuntimeEnv::default()),
            reader_bytes_max: options.reader_bytes_max,
        }
    }

    /// The executors there are.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// Starts a tree on the nodes of a snapshot. It begins to run when its rows are first asked for;
    /// dropping them stops it everywhere. With `on_end`, fragments count what they do.
    pub fn run(
        &self,
        tree: &Tree,
        nodes: &[Node],
        on_end: Option<OnEnd>,
    ) -> Result<BatchStream, FragmentError> {
        let started = self.start(tree, nodes, on_end.is_some());
        let (rows, plan) = started.map_err(|error| unpack(&error))?;
        let rows = until(rows, tree.deadline);
        let Some(on_end) = on_end else {
            return Ok(rows);
        };
        let state = Some((rows, plan, on_end));
        Ok(Box::pin(futures::stream::unfold(
            state,
            |state| async move {
                let (mut rows, plan, on_end) = state?;
                let Some(batch) = rows.next().await else {
                    on_end(collect(plan).await);
                    return None;
                };
                Some((batch, Some((rows, plan, on_end))))
            },
        )))
    }

    fn start(
        &self,
        tree: &Tree,
        nodes: &[Node],
        measured: bool,
    ) -> Result<(BatchStream, Arc<dyn ExecutionPlan>)> {
        let run = Uuid::new_v4();
        let plan = lower(tree, nodes, run)?;
        let plan = DistributedExec::new(plan).with_metrics_collection(measured);
        let plan: Arc<dyn ExecutionPlan> = Arc::new(plan);
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&run.to_string())
            .map_err(|_| pack(&internal("a run has no name")))?;
        headers.insert(RUN_HEADER, value);
        let config = SessionConfig::new()
            .with_distributed_user_codec(Codec)
            .with_distributed_channel_resolver(self.channels.clone())
            .with_distributed_metrics_collection(measured)?
            .with_distributed_worker_connection_buffer_budget_bytes(self.reader_bytes_max)?
            // Compressing takes a sixth of the processor time of an exchange, and gains nothing where
            // the network is as fast as a few cores can compress.
            .with_distributed_compression(None)?
            .with_distributed_passthrough_headers(headers)?
            .with_distributed_route_tasks_handler(route);
        let context = TaskContext::default()
            .with_session_config(config)
            .with_runtime(Arc::clone(&self.engine));
        let rows = execute_stream(Arc::clone(&plan), Arc::new(context))?;
        Ok((rows_of(rows), plan))
    }
}

/// Sends the fragments of a stage where they were placed.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engine's trait hands the event over"
)]
fn route(event: RouteTasksEvent<'_>) -> Option<Result<RouteTasksEventResponse>> {
    let fragment = head(event.plan)?;
    Some(Ok(RouteTasksEventResponse::new(fragment.routes.clone())))
}

/// Rows until the statement has to be over: an executor that does not answer any more does not
/// notice that by itself.
fn until(rows: BatchStream, deadline: Option<Instant>) -> BatchStream {
    let Some(deadline) = deadline else {
        return rows;
    };
    Box::pin(futures::stream::unfold(
        Some(rows),
        move |rows| async move {
            let mut rows = rows?;
            let next = tokio::time::timeout_at(deadline.into(), rows.next()).await;
            match next {
                Ok(next) => next.map(|batch| (batch, Some(rows))),
                Err(_) => Some((
                    Err(FragmentError {
                        kind: FragmentErrorKind::Timeout,
                        message: "the time limit of the statement has passed".to_owned(),
                        position: None,
                    }),
                    None,
                )),
            }
        },
    ))
}
