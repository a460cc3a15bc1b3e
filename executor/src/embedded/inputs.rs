//! The rows of other stages, on their way into DuckDB.

use futures::StreamExt;
use futures::future::try_join_all;
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind, InputSpec, batch_bytes};
use tokio::sync::mpsc;

use super::cancel::Cancellation;
use crate::engine::{FeedMessage, Input, InputRows};

/// Batches of a longer input between the task that brings them and DuckDB.
const FEED_BATCHES_MAX: usize = 8;

/// An input whose first rows have come.
pub(super) struct Gathered {
    spec: InputSpec,
    first: Vec<arrow::array::RecordBatch>,
    /// `None`: all rows have come.
    rest: Option<BatchStream>,
}

/// Waits for the first rows of all inputs at once: all rows of those that end within
/// `kept_bytes_max`.
pub(super) async fn gather(
    specs: &[InputSpec],
    streams: Vec<BatchStream>,
    kept_bytes_max: usize,
) -> Result<Vec<Gathered>, FragmentError> {
    if specs.len() != streams.len() {
        return Err(FragmentError {
            kind: FragmentErrorKind::Internal,
            message: format!("a fragment of {} inputs got {}", specs.len(), streams.len()),
            position: None,
        });
    }
    try_join_all(
        specs
            .iter()
            .zip(streams)
            .map(|(spec, stream)| gather_one(spec, stream, kept_bytes_max)),
    )
    .await
}

async fn gather_one(
    spec: &InputSpec,
    mut stream: BatchStream,
    kept_bytes_max: usize,
) -> Result<Gathered, FragmentError> {
    let (mut first, mut bytes) = (Vec::new(), 0);
    // At least one batch, so that the columns' types are known.
    while bytes < kept_bytes_max.max(1) {
        match stream.next().await {
            Some(Ok(batch)) => {
                bytes += batch_bytes(&batch);
                first.push(batch);
            }
            Some(Err(error)) => return Err(error),
            None => {
                return Ok(Gathered {
                    spec: spec.clone(),
                    first,
                    rest: None,
                });
            }
        }
    }
    Ok(Gathered {
        spec: spec.clone(),
        first,
        rest: Some(stream),
    })
}

impl Gathered {
    /// Starts to move the rest, and gives what the engine attaches.
    pub(super) fn forward(self, cancellation: &Cancellation) -> Input {
        let Self { spec, first, rest } = self;
        let rows = match rest {
            None => InputRows::Kept(first),
            Some(stream) => {
                let (sender, receiver) = mpsc::channel(FEED_BATCHES_MAX);
                let token = cancellation.token().clone();
                // Ends by itself when the fragment ends or is stopped: dropping the sender wakes
                // DuckDB's thread, dropping the stream stops the other stage.
                tokio::spawn(async move {
                    tokio::select! {
                        () = token.cancelled() => {}
                        () = move_rows(stream, sender) => {}
                    }
                });
                InputRows::Streamed {
                    first: first.into(),
                    rest: receiver,
                    rows_estimate: spec.rows_estimate,
                }
            }
        };
        Input {
            name: spec.name,
            columns: spec.columns,
            rows,
        }
    }
}

async fn move_rows(mut stream: BatchStream, sender: mpsc::Sender<FeedMessage>) {
    loop {
        let message = match stream.next().await {
            Some(Ok(batch)) => FeedMessage::Batch(batch),
            Some(Err(error)) => FeedMessage::Error(error),
            None => FeedMessage::End,
        };
        let last = !matches!(message, FeedMessage::Batch(_));
        // An error means that the fragment does not read any further.
        if sender.send(message).await.is_err() || last {
            return;
        }
    }
}
