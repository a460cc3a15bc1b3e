//! Connections to executors: one per executor, used by all statements, made when first needed.
//!
//! Invariants: a connection that broke is made anew by the next call on it. A stream whose reader
//! waits never holds up another stream of the same connection, which could be the one that the
//! reader waits for: the window of a connection is larger than those of all its streams.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_distributed::{
    ChannelResolver, CoordinatorToWorkerMsg, ExecuteTaskRequest, GetWorkerInfoRequest,
    GetWorkerInfoResponse, WorkerChannel, WorkerToCoordinatorMsg, grpc,
};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use http::HeaderMap;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use crate::connections::{Connector, Link};
use crate::error::of_connection;

/// Bytes that may wait unread in one stream, and in all streams of a connection. These are promises,
/// not memory.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;

/// Connections by address.
#[derive(Clone, Debug)]
pub(crate) struct Channels {
    link: Link,
    channels: Arc<Mutex<BTreeMap<String, Channel>>>,
}

/// A connection to an executor, made when it is first used, and again when it has broken. The one
/// place where it is said how.
pub(crate) fn channel(url: &Url, link: &Link) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(url.to_string())?
        .connect_timeout(link.connect_timeout)
        .http2_keep_alive_interval(link.keepalive.interval)
        .keep_alive_timeout(link.keepalive.timeout)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    Ok(endpoint.connect_with_connector_lazy(Connector::new(link.identity.clone())))
}

impl Channels {
    /// Connects by `link`; to nobody yet.
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            channels: Arc::default(),
        }
    }

    fn channel(&self, url: &Url) -> Result<Channel, tonic::transport::Error> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(url.as_str()) {
            return Ok(channel.clone());
        }
        let channel = channel(url, &self.link)?;
        channels.insert(url.to_string(), channel.clone());
        Ok(channel)
    }
}

#[async_trait]
impl ChannelResolver for Channels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        let channel = self
            .channel(url)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let client = grpc::create_worker_client(grpc::BoxCloneSyncChannel::new(channel));
        Ok(Box::new(Named {
            client,
            executor: name_of(url).into(),
        }))
    }
}

/// `HOST:PORT` of an executor.
pub(crate) fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

/// Gives the errors of a connection the name of the executor.
struct Named {
    client: Box<dyn WorkerChannel>,
    executor: Arc<str>,
}

#[async_trait]
impl WorkerChannel for Named {
    async fn coordinator_channel(
        &mut self,
        headers: HeaderMap,
        messages: BoxStream<'static, CoordinatorToWorkerMsg>,
    ) -> Result<BoxStream<'static, Result<WorkerToCoordinatorMsg>>> {
        let answers = self.client.coordinator_channel(headers, messages).await;
        let answers = answers.map_err(|error| of_connection(error, &self.executor))?;
        let executor = Arc::clone(&self.executor);
        Ok(answers
            .map_err(move |error| of_connection(error, &executor))
            .boxed())
    }

    async fn execute_task(
        &mut self,
        headers: HeaderMap,
        request: ExecuteTaskRequest,
        metrics: ExecutionPlanMetricsSet,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
        let streams = self.client.execute_task(headers, request, metrics, context);
        let streams = streams
            .await
            .map_err(|error| of_connection(error, &self.executor))?;
        let named = |stream: BoxStream<'static, Result<RecordBatch>>| {
            let executor = Arc::clone(&self.executor);
            stream
                .map_err(move |error| of_connection(error, &executor))
                .boxed()
        };
        Ok(streams.into_iter().map(named).collect())
    }

    async fn get_worker_info(
        &mut self,
        request: GetWorkerInfoRequest,
    ) -> Result<GetWorkerInfoResponse> {
        let info = self.client.get_worker_info(request).await;
        info.map_err(|error| of_connection(error, &self.executor))
    }
}
