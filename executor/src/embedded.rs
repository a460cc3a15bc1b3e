//! An executor inside this process: one DuckDB instance and a pool of its connections.
//!
//! ```text
//! run ─► first rows of all inputs ─► connection ─► blocking thread: attach, plan, fetch
//!           │ rest                                        │
//!           └─► one task per input ─► channel ─► DuckDB   └─► channel ─► BatchStream
//! ```
//!
//! Inputs that are short enough arrive whole before DuckDB starts, so that no thread of DuckDB waits
//! for another stage, and DuckDB knows their sizes. The channels are short: a reader that stops
//! makes DuckDB stop.
//!
//! Invariants: a connection goes back without inputs and with known settings, or not at all.
//! Dropping the stream, or passing the deadline, interrupts DuckDB until the statement has ended. A
//! stream ends without an error only after its end mark: a panic never looks like an end. A result
//! without rows is one empty batch, which carries the columns' types.

mod cancel;
mod inputs;
mod job;
mod memory;
mod pool;

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::stream;
use skein_executor_api::{BatchStream, Executor, Fragment, FragmentError, FragmentErrorKind};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::engine::{Database, DatabaseOptions};
use cancel::Cancellation;
use inputs::Gathered;
use job::{Job, Output};
pub use memory::MemoryGuard;
use pool::{Pool, Session};

/// Batches between DuckDB and the reader of a stream.
const OUTPUT_BATCHES_MAX: usize = 4;

/// DuckDB fills the hash table of a join without looking whether it is to stop: at 85 ns a row on a thread that
/// measured, these rows take two thirds of a second.
const JOINED_ROWS_MAX_PER_THREAD: u64 = 8_000_000;
/// DuckDB's setting with which it makes such tables in sixteen parts and more, one after the other. Joins then
/// take up to half as long again.
const TABLES_IN_PARTS: &str = "debug_force_external";

/// How an embedded executor is made.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// For placement, EXPLAIN and logs.
    pub name: String,
    /// The DuckDB instance.
    pub database: DatabaseOptions,
    /// Fragments without inputs that run at once; others wait.
    pub connections_max: u32,
    /// How long a fragment waits for a connection.
    pub connection_timeout: Duration,
    /// An input of up to this many bytes is in memory before its fragment starts, which then
    /// occupies neither a connection nor a thread while it waits.
    pub input_kept_bytes_max: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            name: "embedded".to_owned(),
            database: DatabaseOptions::default(),
            connections_max: 16,
            connection_timeout: Duration::from_secs(30),
            input_kept_bytes_max: 8 << 20,
        }
    }
}

/// Runs fragments on a DuckDB instance in this process.
#[derive(Debug)]
pub struct EmbeddedExecutor {
    name: String,
    database: Database,
    pool: Pool,
    input_kept_bytes_max: usize,
    joined_rows_max: u64,
}

impl EmbeddedExecutor {
    /// Opens the instance. Blocks for some milliseconds; connections are opened when needed.
    pub fn open(options: &EmbeddedOptions) -> Result<Self, FragmentError> {
        let database = Database::open(&options.database)?;
        let threads = match options.database.threads {
            Some(threads) => threads,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let pool = Pool::new(
            &database,
            options.connections_max,
            options.connection_timeout,
        );
        Ok(Self {
            name: options.name.clone(),
            database,
            pool,
            input_kept_bytes_max: options.input_kept_bytes_max,
            joined_rows_max: JOINED_ROWS_MAX_PER_THREAD * threads as u64,
        })
    }

    /// The instance, for statements that are not fragments.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Fragments that hold a connection now.
    pub fn fragments_running(&self) -> usize {
        self.pool.running()
    }

    /// Connections that the pool has opened.
    pub fn connections_pooled(&self) -> u32 {
        self.pool.pooled()
    }

    /// Runs a statement to its end on the calling thread, which it blocks, and cannot be stopped:
    /// for statements that are known to take microseconds. Handing a `SELECT 1` to another thread
    /// and its rows back was measured to take two thirds of the processor time of the whole exchange
    /// with the client.
    pub fn run_here(
        &self,
        sql: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Vec<RecordBatch>, FragmentError> {
        self.pool.with_idle(|session| {
            session.apply(settings)?;
            session.prepare(sql)?.stream(None)?.collect()
        })
    }

    async fn start(
        &self,
        mut fragment: Fragment,
        inputs: Vec<BatchStream>,
    ) -> Result<BatchStream, FragmentError> {
        if fragment.joined_rows > self.joined_rows_max {
            let settings = &mut fragment.settings;
            settings.insert(TABLES_IN_PARTS.to_owned(), "true".to_owned());
        }
        let inputs = inputs::gather(&fragment.inputs, inputs, self.input_kept_bytes_max).await?;
        let session = if inputs.is_empty() {
            self.pool.get().await?
        } else {
            self.pool.open()?
        };
        run_on(session, fragment, inputs).await
    }
}

#[async_trait]
impl Executor for EmbeddedExecutor {
    fn name(&self) -> &str {
        &self.name
    }

    async fn run(
        &self,
        fragment: Fragment,
        inputs: Vec<BatchStream>,
    ) -> Result<BatchStream, FragmentError> {
        match fragment.deadline {
            None => self.start(fragment, inputs).await,
            Some(deadline) => {
                let started = self.start(fragment, inputs);
                // The fragment's own watch fires at the same moment and gives the same error.
                tokio::time::timeout_at(deadline.into(), started)
                    .await
                    .unwrap_or_else(|_| Err(cancel::timed_out()))
            }
        }
    }
}

/// Starts the blocking part and waits for its first word.
async fn run_on(
    session: Session,
    fragment: Fragment,
    gathered: Vec<Gathered>,
) -> Result<BatchStream, FragmentError> {
    let (sender, mut receiver) = mpsc::channel(OUTPUT_BATCHES_MAX);
    let cancellation = Cancellation::new(session.connection().interrupt_handle());
    memory::runs(&cancellation);
    let guard = cancellation.guard(fragment.deadline);
    let inputs = gathered
        .into_iter()
        .map(|input| input.forward(&cancellation))
        .collect();
    let runtime = Handle::current();
    let job = Job {
        session,
        fragment,
        inputs,
        cancellation,
        output: sender,
        runtime,
    };
    tokio::task::spawn_blocking(move || job.run());
    let first = receiver
        .recv()
        .await
        .unwrap_or_else(|| Output::Error(lost()));
    if let Output::Error(error) = first {
        return Err(error);
    }
    let state = Some((Some(first), receiver, guard));
    Ok(Box::pin(stream::unfold(state, |state| async move {
        let (first, mut receiver, guard) = state?;
        let output = match first {
            Some(output) => Some(output),
            None => receiver.recv().await,
        };
        match output.unwrap_or_else(|| Output::Error(lost())) {
            Output::Batch(batch) => Some((Ok(batch), Some((None, receiver, guard)))),
            Output::End => None,
            Output::Error(error) => Some((Err(error), None)),
        }
    })))
}

/// The thread of a fragment ended without a word: it panicked.
fn lost() -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message: "the executor lost a fragment".to_owned(),
        position: None,
    }
}
