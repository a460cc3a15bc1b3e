//! Many fragment streams into one stream of batches.
//!
//! Knows neither executors nor plans, and serves both those who dispatch fragments and executors that
//! read each other's rows. Rows are never compared here: an ordered merge is a combine query.
//!
//! ```text
//! fragment 0 ─► task ─► bounded channel ─┐
//! fragment 1 ─► task ─► bounded channel ─┴─► concat or as they come ─► one stream
//! ```
//!
//! Invariants: the first error ends the merged stream; the merged stream ends without an error only
//! after every fragment has; dropping it stops every fragment.

use std::pin::Pin;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt, stream};
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// In which order batches of different fragments leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they come.
    Any,
    /// All of fragment 0, then all of fragment 1, ….
    ByFragment,
}

/// Joins streams that run by themselves, such as those of [`spawned`].
pub fn merge(mut streams: Vec<BatchStream>, order: Order) -> BatchStream {
    match (streams.len(), order) {
        (1, _) => streams.remove(0),
        (_, Order::Any) => Box::pin(Fused::new(stream::select_all(streams))),
        (_, Order::ByFragment) => Box::pin(Fused::new(stream::iter(streams).flatten())),
    }
}

/// Ends a stream after its first error.
struct Fused<S> {
    stream: Option<S>,
}

impl<S> Fused<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: Some(stream),
        }
    }
}

impl<S> Stream for Fused<S>
where
    S: Stream<Item = Result<RecordBatch, FragmentError>> + Unpin,
{
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = stream.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            // Dropping the others stops their fragments now, not when the client has read on.
            self.stream = None;
        }
        polled
    }
}

/// Stops a task when dropped.
#[derive(Debug)]
pub struct StopOnDrop(pub AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a task says to its reader; a channel that closes without [`Said::End`] is an error.
#[derive(Debug)]
pub enum Said {
    /// Rows.
    Batch(RecordBatch),
    /// It failed. Nothing follows.
    Error(FragmentError),
    /// All rows were said. Nothing follows.
    End,
}

/// Reads what a task says; holds the task.
#[derive(Debug)]
pub struct FromTask {
    receiver: mpsc::Receiver<Said>,
    ended: bool,
    /// Stopped when this stream is dropped; shared by the streams of one broadcast.
    _task: std::sync::Arc<StopOnDrop>,
}

impl FromTask {
    /// The stream of what comes through a channel.
    pub fn stream(receiver: mpsc::Receiver<Said>, task: std::sync::Arc<StopOnDrop>) -> BatchStream {
        Box::pin(Self {
            receiver,
            ended: false,
            _task: task,
        })
    }
}

impl Stream for FromTask {
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let said = futures::ready!(self.receiver.poll_recv(context));
        self.ended = !matches!(said, Some(Said::Batch(_)));
        Poll::Ready(match said {
            Some(Said::Batch(batch)) => Some(Ok(batch)),
            Some(Said::Error(error)) => Some(Err(error)),
            Some(Said::End) => None,
            None => Some(Err(FragmentError {
                kind: FragmentErrorKind::Internal,
                message: "a fragment ended without a word".into(),
                position: None,
            })),
        })
    }
}

/// Runs what gives a stream in a task of its own, at most `batches_max` ahead of its reader.
pub fn spawned<F>(start: F, batches_max: usize) -> BatchStream
where
    F: Future<Output = Result<BatchStream, FragmentError>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(batches_max.max(1));
    let task = tokio::spawn(async move {
        // A reader that is gone has also stopped this task; its answer needs no reading.
        let _ = forward(start, &sender).await;
    });
    FromTask::stream(
        receiver,
        std::sync::Arc::new(StopOnDrop(task.abort_handle())),
    )
}

async fn forward<F>(
    start: F,
    sender: &mpsc::Sender<Said>,
) -> Result<(), mpsc::error::SendError<Said>>
where
    F: Future<Output = Result<BatchStream, FragmentError>> + Send,
{
    let mut stream = match start.await {
        Ok(stream) => stream,
        Err(error) => return sender.send(Said::Error(error)).await,
    };
    while let Some(batch) = stream.next().await {
        match batch {
            Ok(batch) => sender.send(Said::Batch(batch)).await?,
            Err(error) => return sender.send(Said::Error(error)).await,
        }
    }
    sender.send(Said::End).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use arrow::array::{ArrayRef, Int32Array};

    use super::*;

    fn batch(value: i32) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int32Array::from(vec![value]));
        RecordBatch::try_from_iter([("v", column)]).expect("one column")
    }

    fn value(batch: &RecordBatch) -> i32 {
        batch
            .column(0)
            .as_any()
            .downcast_ref::<Int32Array>()
            .expect("integers")
            .value(0)
    }

    fn failure() -> FragmentError {
        FragmentError {
            kind: FragmentErrorKind::Data,
            message: "bad".into(),
            position: None,
        }
    }

    fn fragment(items: Vec<Result<RecordBatch, FragmentError>>) -> BatchStream {
        spawned(
            async move { Ok(Box::pin(stream::iter(items)) as BatchStream) },
            1,
        )
    }

    #[tokio::test]
    async fn keeps_the_order_of_fragments_on_request() {
        let streams = (0..5).map(|f| fragment((0..9).map(|i| Ok(batch(f * 9 + i))).collect()));
        let merged = merge(streams.collect(), Order::ByFragment);
        let values: Vec<i32> = merged
            .map(|batch| value(&batch.expect("no failure")))
            .collect()
            .await;
        assert_eq!(values, (0..45).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_first_error_ends_the_stream() {
        for order in [Order::Any, Order::ByFragment] {
            let streams = vec![
                fragment(vec![Ok(batch(1)), Err(failure())]),
                fragment((0..1000).map(|i| Ok(batch(i))).collect()),
            ];
            let items: Vec<_> = merge(streams, order).collect().await;
            let errors = items.iter().filter(|item| item.is_err()).count();
            assert_eq!(errors, 1);
            assert!(items.last().expect("the error").is_err());
        }
    }

    #[tokio::test]
    async fn a_task_that_dies_is_an_error_and_no_end() {
        let stream = spawned(async { panic!("dies on purpose") }, 1);
        let items: Vec<_> = stream.collect().await;
        assert_eq!(items.len(), 1);
        assert!(items[0].is_err());
    }

    #[tokio::test]
    async fn dropping_the_stream_drops_the_fragment() {
        struct Flag(Arc<AtomicBool>);
        impl Drop for Flag {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let dropped = Arc::new(AtomicBool::new(false));
        let flag = Flag(Arc::clone(&dropped));
        let mut merged = merge(
            vec![
                spawned(
                    async move {
                        let endless = stream::repeat_with(move || {
                            let _kept = &flag;
                            Ok(batch(7))
                        });
                        Ok(Box::pin(endless) as BatchStream)
                    },
                    1,
                ),
                fragment(Vec::new()),
            ],
            Order::Any,
        );
        merged.next().await.expect("a batch").expect("no failure");
        drop(merged);
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }
}
