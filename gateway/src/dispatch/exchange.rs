//! How the rows of one stage reach the fragments of the next.
//!
//! Gather is a stream as it is. Broadcast and hash feed several readers from one stream; a reader
//! may not want its rows before another has had all of its own, so what waits for a reader is
//! bounded by bytes and not by batches: `exchange_bytes_max` of the configuration.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Int64Type};
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, stream};
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};
use skein_planner::plan::Exchange;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::layout::Placed;
use super::{Turns, internal};
use crate::merge::{FromTask, Said, StopOnDrop};

/// Batches that may wait for one reader; their bytes have a limit of their own.
const EXCHANGE_BATCHES_MAX: usize = 1 << 20;

/// Gives each of `readers` its share of the rows.
pub(crate) fn divide(
    rows: BatchStream,
    exchange: &Exchange,
    readers: usize,
    bytes_max: usize,
) -> Result<Vec<BatchStream>, FragmentError> {
    match exchange {
        _ if readers == 1 => Ok(vec![rows]),
        Exchange::Gather => Err(internal(format!(
            "{readers} fragments gather the rows of one stage"
        ))),
        Exchange::Broadcast => Ok(fan_out(rows, readers, bytes_max, |batch, readers| {
            Ok((0..readers).map(|_| Some(batch.clone())).collect())
        })),
        Exchange::Hash { column } => {
            let column = column.clone();
            Ok(fan_out(rows, readers, bytes_max, move |batch, readers| {
                by_hash(batch, &column, readers)
            }))
        }
    }
}

/// Reads a stream in a task and gives each reader what `share` says.
fn fan_out<F>(mut rows: BatchStream, readers: usize, bytes_max: usize, share: F) -> Vec<BatchStream>
where
    F: Fn(&RecordBatch, usize) -> Result<Vec<Option<RecordBatch>>, FragmentError> + Send + 'static,
{
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..readers)
        .map(|_| mpsc::channel(EXCHANGE_BATCHES_MAX))
        .unzip();
    let task = tokio::spawn(async move {
        let mut bytes = 0;
        while let Some(batch) = rows.next().await {
            let shares = batch.and_then(|batch| {
                bytes += batch.get_array_memory_size();
                within_limit(bytes, bytes_max)?;
                share(&batch, readers)
            });
            match shares {
                Ok(shares) => {
                    for (sender, batch) in senders.iter().zip(shares) {
                        if let Some(batch) = batch {
                            // A reader that has enough has gone; the others go on.
                            let _ = sender.send(Said::Batch(batch)).await;
                        }
                    }
                }
                Err(error) => {
                    for sender in &senders {
                        let _ = sender.send(Said::Error(error.clone())).await;
                    }
                    return;
                }
            }
        }
        for sender in &senders {
            let _ = sender.send(Said::End).await;
        }
    });
    let task = Arc::new(StopOnDrop(task.abort_handle()));
    receivers
        .into_iter()
        .map(|receiver| FromTask::stream(receiver, Arc::clone(&task)))
        .collect()
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

/// Divides a batch by the integer that DuckDB computed.
fn by_hash(
    batch: &RecordBatch,
    column: &str,
    readers: usize,
) -> Result<Vec<Option<RecordBatch>>, FragmentError> {
    let hashes = batch
        .column_by_name(column)
        .ok_or_else(|| internal(format!("rows to exchange have no column {column}")))?;
    let hashes = cast(hashes, &DataType::Int64)
        .map_err(|error| internal(format!("the column to exchange by is no integer: {error}")))?;
    let hashes = hashes.as_primitive::<Int64Type>();
    let mut rows: Vec<Vec<u64>> = vec![Vec::new(); readers];
    for row in 0..hashes.len() {
        let hash = if hashes.is_null(row) {
            0
        } else {
            hashes.value(row)
        };
        let reader = hash.rem_euclid(i64::try_from(readers).unwrap_or(1));
        rows[usize::try_from(reader).unwrap_or(0)].push(row as u64);
    }
    rows.into_iter()
        .map(|rows| match rows.len() {
            0 => Ok(None),
            _ => take_record_batch(batch, &UInt64Array::from(rows))
                .map(Some)
                .map_err(|error| internal(format!("rows cannot be divided: {error}"))),
        })
        .collect()
}

/// Waits for all rows and keeps them.
pub(crate) async fn collected(
    mut rows: BatchStream,
    bytes_max: usize,
) -> Result<BatchStream, FragmentError> {
    let (mut batches, mut bytes) = (Vec::new(), 0);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        bytes += batch.get_array_memory_size();
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
