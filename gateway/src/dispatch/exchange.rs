//! How the rows of one stage reach the fragments of the next.
//!
//! Gather is a stream as it is. Broadcast and hash feed several readers from one stream, and that
//! could deadlock: of two readers with two inputs each, one may want all of the first input before
//! it looks at the second, and the other the second before the first; if each waited for room in the
//! other's channel, both would wait for ever. DuckDB chooses the order by its estimates, so it may
//! well differ between fragments of one stage. Hence two rules ([`Waiting`]):
//!
//! - A stage with several inputs never makes their senders wait: what waits for its readers is bounded
//!   by bytes, `exchange_bytes_max` of the configuration, and beyond that the statement fails.
//! - The only hash input of a stage whose readers all run at once waits for room in short channels.
//!   Each reader takes from its channel until it ends; nothing else that a reader waits for (a
//!   broadcast input, by the first rule) waits for anybody; and whoever reads the readers takes from
//!   all of them. So the channel of the slowest reader empties, and memory is bounded without an error.
//!
//! Where fragments take turns, a reader may start only when another has ended: the first rule again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::{DataType, Int64Type};
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, stream};
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind, batch_bytes};
use skein_planner::plan::Exchange;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::layout::Placed;
use super::{Turns, internal};
use crate::merge::{Said, StopOnDrop};

/// Batches that may wait for one reader where their bytes are what counts.
const EXCHANGE_BATCHES_MAX: usize = 1 << 20;
/// Rows that a reader should get at once: DuckDB's batches of 2048, divided among many, would be
/// too small to be worth their overhead.
const ROWS_TOGETHER: usize = 8 * 1024;
/// Beyond so many readers they get less than that, so that rows do not pile up before any is sent.
const READERS_TOGETHER_MAX: usize = 16;

/// How much may wait for the readers of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// So many bytes for all readers together; more is an error.
    Bytes(usize),
    /// So many batches for each reader; then the sender waits.
    Batches(usize),
}

/// Gives each of `readers` its share of the rows.
pub(crate) fn divide(
    rows: BatchStream,
    exchange: &Exchange,
    readers: usize,
    waiting: Waiting,
) -> Result<Vec<BatchStream>, FragmentError> {
    match exchange {
        _ if readers == 1 => Ok(vec![rows]),
        Exchange::Gather => Err(internal(format!(
            "{readers} fragments gather the rows of one stage"
        ))),
        Exchange::Broadcast => Ok(fan_out(rows, readers, waiting, Share::Everything)),
        Exchange::Hash { column } => {
            let parts = Parts::new(column, readers);
            Ok(fan_out(rows, readers, waiting, Share::Parts(parts)))
        }
    }
}

/// What a reader gets of a batch.
enum Share {
    Everything,
    Parts(Parts),
}

/// What a sender says, and the memory that it occupies until it is read.
type Parcel = (Said, Option<Arc<Held>>);

/// Reads a stream in a task and gives each reader its share.
fn fan_out(rows: BatchStream, readers: usize, waiting: Waiting, share: Share) -> Vec<BatchStream> {
    let batches_max = match waiting {
        Waiting::Bytes(_) => EXCHANGE_BATCHES_MAX,
        Waiting::Batches(batches) => batches.max(1),
    };
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..readers).map(|_| mpsc::channel(batches_max)).unzip();
    let task = tokio::spawn(async move {
        let end = send(rows, &senders, waiting, share).await.err();
        for sender in &senders {
            let said = end.clone().map_or(Said::End, Said::Error);
            // A reader that has enough has gone.
            let _ = sender.send((said, None)).await;
        }
    });
    let task = Arc::new(StopOnDrop(task.abort_handle()));
    receivers
        .into_iter()
        .map(|receiver| {
            Box::pin(Received {
                receiver,
                ended: false,
                _task: Arc::clone(&task),
            }) as BatchStream
        })
        .collect()
}

async fn send(
    mut rows: BatchStream,
    senders: &[mpsc::Sender<Parcel>],
    waiting: Waiting,
    mut share: Share,
) -> Result<(), FragmentError> {
    let room = Room::new(waiting);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        match &mut share {
            Share::Everything => {
                let held = room.hold(&batch)?;
                for sender in senders {
                    // A reader that has enough has gone; the others go on.
                    let _ = sender
                        .send((Said::Batch(batch.clone()), held.clone()))
                        .await;
                }
            }
            Share::Parts(parts) => {
                parts.add(batch)?;
                if parts.is_full() {
                    send_parts(parts, senders, &room).await?;
                }
            }
        }
    }
    match &mut share {
        Share::Everything => Ok(()),
        Share::Parts(parts) => send_parts(parts, senders, &room).await,
    }
}

async fn send_parts(
    parts: &mut Parts,
    senders: &[mpsc::Sender<Parcel>],
    room: &Room,
) -> Result<(), FragmentError> {
    for (sender, part) in senders.iter().zip(parts.take()?) {
        if let Some(part) = part {
            let held = room.hold(&part)?;
            let _ = sender.send((Said::Batch(part), held)).await;
        }
    }
    Ok(())
}

/// The memory that may wait for the readers of one exchange.
struct Room {
    bytes_max: Option<usize>,
    total: Arc<AtomicUsize>,
}

impl Room {
    fn new(waiting: Waiting) -> Self {
        Self {
            bytes_max: match waiting {
                Waiting::Bytes(bytes) => Some(bytes),
                Waiting::Batches(_) => None,
            },
            total: Arc::new(AtomicUsize::new(0)),
        }
    }

    fn hold(&self, batch: &RecordBatch) -> Result<Option<Arc<Held>>, FragmentError> {
        let Some(bytes_max) = self.bytes_max else {
            return Ok(None);
        };
        let bytes = batch_bytes(batch);
        let before = self.total.fetch_add(bytes, Ordering::AcqRel);
        let held = Held {
            bytes,
            total: Arc::clone(&self.total),
        };
        within_limit(before + bytes, bytes_max)?;
        Ok(Some(Arc::new(held)))
    }
}

/// Bytes that wait for readers; given back when the last of them has what they belong to.
struct Held {
    bytes: usize,
    total: Arc<AtomicUsize>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// What one reader receives; a channel that closes without [`Said::End`] is an error.
struct Received {
    receiver: mpsc::Receiver<Parcel>,
    ended: bool,
    /// Stopped when the last reader is dropped.
    _task: Arc<StopOnDrop>,
}

impl Stream for Received {
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let parcel = futures::ready!(self.receiver.poll_recv(context));
        self.ended = !matches!(parcel, Some((Said::Batch(_), _)));
        Poll::Ready(match parcel {
            Some((Said::Batch(batch), _)) => Some(Ok(batch)),
            Some((Said::Error(error), _)) => Some(Err(error)),
            Some((Said::End, _)) => None,
            None => Some(Err(internal("an exchange ended without a word".into()))),
        })
    }
}

fn within_limit(bytes: usize, bytes_max: usize) -> Result<(), FragmentError> {
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(FragmentError {
        kind: FragmentErrorKind::Memory,
        message: format!(
            "rows between stages need more than {bytes_max} bytes (gateway.exchange_bytes_max)"
        ),
        position: None,
    })
}

/// Rows on their way to readers, by the integer that DuckDB computed for each.
struct Parts {
    column: String,
    batches: Vec<RecordBatch>,
    /// For each reader the batch and row of what it gets.
    rows: Vec<Vec<(usize, usize)>>,
    count: usize,
}

impl Parts {
    fn new(column: &str, readers: usize) -> Self {
        Self {
            column: column.to_owned(),
            batches: Vec::new(),
            rows: vec![Vec::new(); readers],
            count: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.count >= ROWS_TOGETHER * self.rows.len().min(READERS_TOGETHER_MAX)
    }

    fn add(&mut self, batch: RecordBatch) -> Result<(), FragmentError> {
        let hashes = batch
            .column_by_name(&self.column)
            .ok_or_else(|| internal(format!("rows to exchange have no column {}", self.column)))?;
        let hashes = cast(hashes, &DataType::Int64).map_err(|error| {
            internal(format!("the column to exchange by is no integer: {error}"))
        })?;
        let hashes = hashes.as_primitive::<Int64Type>();
        if hashes.null_count() > 0 {
            return Err(internal("rows to exchange have no hash".into()));
        }
        let (readers, index) = (self.rows.len() as u64, self.batches.len());
        for (row, hash) in hashes.values().iter().enumerate() {
            let reader = hash.cast_unsigned() % readers;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is less than the number of readers"
            )]
            self.rows[reader as usize].push((index, row));
        }
        self.count += batch.num_rows();
        self.batches.push(batch);
        Ok(())
    }

    /// What each reader gets of the rows so far.
    fn take(&mut self) -> Result<Vec<Option<RecordBatch>>, FragmentError> {
        let batches = std::mem::take(&mut self.batches);
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        self.count = 0;
        self.rows
            .iter_mut()
            .map(|rows| {
                if rows.is_empty() {
                    return Ok(None);
                }
                let part = interleave_record_batch(&batches, rows)
                    .map_err(|error| internal(format!("rows cannot be divided: {error}")));
                rows.clear();
                part.map(Some)
            })
            .collect()
    }
}

/// Waits for all rows and keeps them.
pub(crate) async fn collected(
    mut rows: BatchStream,
    bytes_max: usize,
) -> Result<BatchStream, FragmentError> {
    let (mut batches, mut bytes) = (Vec::new(), 0);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        bytes += batch_bytes(&batch);
        within_limit(bytes, bytes_max)?;
        batches.push(Ok(batch));
    }
    Ok(Box::pin(stream::iter(batches)))
}

/// A turn on an executor.
pub(crate) type Turn = BoxFuture<'static, Result<OwnedSemaphorePermit, FragmentError>>;

/// Lets the fragments of a stage take turns in their order: a later one that went first could
/// wait for its reader, who waits for an earlier one.
pub(crate) fn take_turns(turns: &Turns, placed: &[Placed]) -> Vec<Turn> {
    let (senders, receivers): (Vec<_>, Vec<_>) = placed.iter().map(|_| oneshot::channel()).unzip();
    let order: Vec<_> = placed
        .iter()
        .map(|placed| Arc::clone(&turns[placed.executor]))
        .zip(senders)
        .collect();
    tokio::spawn(async move {
        for (turns, sender) in order {
            let Ok(permit) = turns.acquire_owned().await else {
                return;
            };
            if sender.send(permit).is_err() {
                // The statement is over.
                return;
            }
        }
    });
    receivers
        .into_iter()
        .map(|receiver| {
            receiver
                .map(|turn| turn.map_err(|_| internal("a fragment never had its turn".into())))
                .boxed()
        })
        .collect()
}

/// Keeps a turn until the rows have ended.
pub(crate) fn holding(rows: BatchStream, turn: Option<OwnedSemaphorePermit>) -> BatchStream {
    match turn {
        None => rows,
        Some(turn) => Box::pin(Holding { rows, _turn: turn }),
    }
}

struct Holding {
    rows: BatchStream,
    _turn: OwnedSemaphorePermit,
}

impl Stream for Holding {
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.poll_next_unpin(context)
    }
}
