//! An executor process: takes fragments from gateways, and rows from other executors.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion_distributed::{
    DistributedExt, ExecuteTaskRequest, ProducerHeadSpec, TaskKey, Worker, WorkerQueryContext,
};
use skein_executor::{Counted, EmbeddedExecutor, EmbeddedOptions};
use skein_executor_api::FragmentError;
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::channels::Channels;
use crate::codec::Codec;
use crate::connections::{Keepalive, Link, incoming, is_loopback};
use crate::fragment::Here;
use crate::runs::{Runs, Watched};
use crate::state::{StateReply, StateService};

/// Calls that may be open on one connection. Each reading fragment has one per sending fragment, and
/// one that had to wait for another could wait for ever.
const CALLS_MAX: u32 = 1 << 20;
/// How often what ended statements have left behind in the engine is freed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is done after the last statement: once may be too early for the engine.
const SWEEPS_AFTER: usize = 3;

/// How often an executor that is about to end looks whether something still runs.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// How an executor is made.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where it listens, as `HOST:PORT`; port 0 takes any free one.
    pub listen: String,
    /// Its DuckDB.
    pub executor: EmbeddedOptions,
    /// How it reaches other executors, and who it is for gateways. Without an identity it listens
    /// on loopback only.
    pub link: Link,
    /// Fragments that may run at once; one more is refused.
    pub fragments_max: usize,
    /// Memory that its DuckDB may use, which gateways take into account; `None`: unknown.
    pub memory_bytes: Option<u64>,
    /// Bytes of rows, of all statements together, that may wait in memory for readers that are behind.
    pub waiting_bytes_max: usize,
    /// An existing folder for rows beyond that.
    pub waiting_directory: PathBuf,
    /// Names of the credentials with which its DuckDB may read files.
    pub credentials: BTreeSet<String>,
    /// What it says of its versions: [`StateReply::of_this_program`], unless it stands for another one.
    pub versions: StateReply,
}

/// Why an executor does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address is no address, or is taken.
    #[error("cannot listen on \"{address}\": {source}")]
    Address {
        /// As given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Other machines could send fragments.
    #[error(
        "an executor without certificates listens on loopback only, not on {0}: it runs any SQL \
         that it is sent; make certificates with `skein certs` and name them in [executors.tls]"
    )]
    Exposed(SocketAddr),
    /// DuckDB cannot be opened.
    #[error("cannot open DuckDB: {0}")]
    Engine(#[from] FragmentError),
    /// It failed while it ran.
    #[error("the executor ended: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// An executor that has its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    here: Arc<Here>,
    link: Link,
    constant: StateReply,
    is_draining: Arc<AtomicBool>,
    engine: Arc<RuntimeEnv>,
}

impl Server {
    /// Opens DuckDB and takes the address; serves nobody yet.
    pub async fn bind(options: ServerOptions) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Address {
            address: options.listen.clone(),
            source,
        };
        let mut resolved = lookup_host(&options.listen).await.map_err(failed)?;
        let address = resolved.next();
        let address = address.ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))?;
        if options.link.identity.is_none() && !is_loopback(address.ip()) {
            return Err(ServerError::Exposed(address));
        }
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let embedded = EmbeddedOptions {
            name: address.to_string(),
            ..options.executor
        };
        let opened = tokio::task::spawn_blocking(move || EmbeddedExecutor::open(&embedded)).await;
        let executor = opened.unwrap_or_else(|error| {
            Err(crate::error::internal(format!(
                "a task ended early: {error}"
            )))
        })?;
        let folder = DiskManagerMode::Directories(vec![options.waiting_directory]);
        let engine = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(options.waiting_bytes_max)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(folder))
            .build_arc()
            .map_err(|error| crate::error::internal(error.to_string()))?;
        let here = Here {
            executor: Arc::new(Counted::new(Arc::new(executor))),
            runs: Runs::default(),
            places: Arc::new(Semaphore::new(
                options.fragments_max.min(Semaphore::MAX_PERMITS),
            )),
            credentials: options.credentials,
        };
        Ok(Self {
            listener,
            address,
            here: Arc::new(here),
            link: options.link,
            constant: StateReply {
                memory_bytes: options.memory_bytes.unwrap_or(0),
                ..options.versions
            },
            is_draining: Arc::default(),
            engine,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; takes nothing new then, and ends when what runs has ended.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let worker = worker(Arc::clone(&self.here), self.link.clone(), self.engine);
        let sweeper = tokio::spawn(sweep(worker.clone(), self.here.runs.clone()));
        let service = Watched::new(worker.into_worker_server(), self.here.runs.clone());
        let load = Arc::clone(self.here.executor.load());
        let state = StateService::new(load, Arc::clone(&self.is_draining), self.constant);
        let incoming = incoming(self.listener, self.link.identity.clone());
        let (runs, places) = (self.here.runs.clone(), Arc::clone(&self.here.places));
        let is_draining = Arc::clone(&self.is_draining);
        // While fragments run, whoever asks still hears that this executor will end.
        let drained = async move {
            shutdown.await;
            is_draining.store(true, Ordering::Release);
            places.close();
            while runs.count() > 0 {
                tokio::time::sleep(DRAIN_INTERVAL).await;
            }
        };
        let served = builder(self.link.keepalive)
            .add_service(service)
            .add_service(state)
            .serve_with_incoming_shutdown(incoming, drained)
            .await;
        sweeper.abort();
        Ok(served?)
    }
}

/// How an executor serves. The one place where that is said.
pub(crate) fn builder(keepalive: Keepalive) -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(keepalive.interval))
        .http2_keepalive_timeout(Some(keepalive.timeout))
        .max_concurrent_streams(CALLS_MAX)
        // A statement that is canceled ends all its calls at once, which is no attack.
        .http2_max_pending_accept_reset_streams(Some(CALLS_MAX as usize))
        .http2_max_local_error_reset_streams(Some(CALLS_MAX as usize))
}

fn worker(here: Arc<Here>, link: Link, engine: Arc<RuntimeEnv>) -> Worker {
    let channels = Channels::new(link);
    let session = move |mut query: WorkerQueryContext| {
        let (here, channels) = (Arc::clone(&here), channels.clone());
        async move {
            let config = query.builder.config().get_or_insert_default();
            config.set_extension(here);
            Ok(query
                .builder
                .with_distributed_user_codec(Codec)
                .with_distributed_channel_resolver(channels)
                .build())
        }
    };
    Worker::from_session_builder(session)
        .with_runtime_env(engine)
        .with_version(crate::version())
}

/// Makes the engine free the plans of statements that have ended, with the rows that they hold: it
/// does so only when something happens to its cache.
async fn sweep(worker: Worker, runs: Runs) {
    let mut every = tokio::time::interval(SWEEP_INTERVAL);
    let mut wanted = 0;
    loop {
        every.tick().await;
        if runs.count() > 0 {
            wanted = SWEEPS_AFTER;
        } else {
            wanted = usize::saturating_sub(wanted, 1);
        }
        if wanted > 0 {
            let nothing = ExecuteTaskRequest {
                task_key: TaskKey {
                    query_id: Uuid::nil(),
                    stage_id: 0,
                    task_number: 0,
                },
                target_partition_start: 0,
                target_partition_end: 0,
                producer_head_spec: ProducerHeadSpec::None,
            };
            // It waits for a plan that never comes; asking is what counts.
            let asked = worker.execute_task(nothing);
            let _ = tokio::time::timeout(Duration::from_millis(1), asked).await;
        }
    }
}
