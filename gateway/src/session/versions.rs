//! A statement reads the files of its snapshot, or fails.
//!
//! Somebody may write to a file, or replace it, after it was listed and before or while it is read.
//! Its rows would then be those of another version than the snapshot says: a transaction block would
//! see two versions of one file, and a single statement might see half of each.
//!
//! ```text
//! run ─────────────────► first row … ─► last row ─► look again ─► end
//! look at all files ───────┘                             └ changed: 40001
//!         └ changed: plan anew, or 40001
//! ```
//!
//! Invariants: no row leaves before all files were found to be what the plan says, and a stream of
//! rows ends without an error only if they still were after the last row. Versions never come back, so
//! that everything read in between was of that version. A failure of a fragment is blamed on a change if
//! there was one.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::future::{Either, select};
use futures::{StreamExt, stream};
use skein_catalog::snapshot::File;
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind, batch_bytes};
use skein_planner::plan::DistributedPlan;

use crate::dispatch::{RunOptions, Running};
use crate::error::GatewayError;
use crate::gateway::Gateway;

/// How long the first rows wait for the end of the result: a short result can still be planned anew
/// when files turn out to have changed, as nobody has seen a row of it.
const HELD_BACK: Duration = Duration::from_millis(20);

/// Runs a plan over files that are what it says.
pub(super) async fn run(
    gateway: &Arc<Gateway>,
    plan: &DistributedPlan,
    options: &RunOptions,
) -> Result<Running, GatewayError> {
    let files = files_of(plan);
    if files.is_empty() {
        return gateway.dispatcher().run(plan, options).await;
    }
    let running = {
        let look = pin!(unchanged(gateway, &files));
        let run = gateway.dispatcher().run(plan, options);
        let mut run = pin!(run);
        // Both at once: looking at the files does not make a statement wait.
        match select(look, &mut run).await {
            Either::Left((looked, _)) => {
                looked?;
                run.await
            }
            Either::Right((running, look)) => {
                look.await?;
                running
            }
        }
    };
    let Running {
        rows,
        metrics,
        on_nodes,
    } = match running {
        Ok(running) => running,
        Err(GatewayError::Fragment { error, position }) => {
            let error = blamed(gateway, &files, error).await;
            return Err(GatewayError::Fragment { error, position });
        }
        Err(error) => return Err(error),
    };
    let rows = checked(Arc::clone(gateway), files, rows);
    let rows = if on_nodes {
        let settings = &gateway.config().executors;
        let millis = settings.retry_buffer_ms;
        let time_max = (millis > 0).then(|| Duration::from_millis(millis));
        held_back_up_to(settings.retry_buffer_bytes, time_max, rows).await?
    } else {
        held_back(rows).await?
    };
    Ok(Running {
        rows,
        metrics,
        on_nodes,
    })
}

/// Every file that a plan reads, once.
fn files_of(plan: &DistributedPlan) -> Vec<Arc<File>> {
    let scans = || plan.stages.iter().flat_map(|stage| &stage.scans);
    if let (Some(only), 1) = (scans().next(), scans().count()) {
        return only.files.clone();
    }
    let files: BTreeMap<&str, &Arc<File>> = scans()
        .flat_map(|scan| &scan.files)
        .map(|file| (file.path.as_str(), file))
        .collect();
    files.into_values().map(Arc::clone).collect()
}

async fn unchanged(gateway: &Gateway, files: &[Arc<File>]) -> Result<(), FragmentError> {
    let failure = match gateway.catalog().first_changed(files).await {
        Ok(None) => return Ok(()),
        Ok(Some(changed)) if changed.is_gone => (
            FragmentErrorKind::Missing,
            format!(
                "file \"{}\" has been removed since it was listed",
                changed.path
            ),
        ),
        Ok(Some(changed)) => (
            FragmentErrorKind::Changed,
            format!("file \"{}\" has changed since it was listed", changed.path),
        ),
        Err(error) => (FragmentErrorKind::Storage, error.to_string()),
    };
    let (kind, message) = failure;
    Err(FragmentError {
        kind,
        message,
        position: None,
    })
}

/// The reason for a failure: that a file has changed, or else the failure itself.
async fn blamed(gateway: &Gateway, files: &[Arc<File>], error: FragmentError) -> FragmentError {
    use FragmentErrorKind as Kind;
    if matches!(error.kind, Kind::Canceled | Kind::Timeout) {
        return error;
    }
    match unchanged(gateway, files).await {
        Err(changed) if matches!(changed.kind, Kind::Changed | Kind::Missing) => changed,
        _ => error,
    }
}

/// Rows that end with a look at the files.
fn checked(gateway: Arc<Gateway>, files: Vec<Arc<File>>, rows: BatchStream) -> BatchStream {
    let state = Some((gateway, files, rows));
    let rows = stream::unfold(state, |state| async move {
        let (gateway, files, mut rows) = state?;
        match rows.next().await {
            Some(Ok(batch)) => Some((Ok(batch), Some((gateway, files, rows)))),
            Some(Err(error)) => Some((Err(blamed(&gateway, &files, error).await), None)),
            None => {
                // What ran has ended; its memory and its turn are free while files are looked at.
                drop(rows);
                let changed = unchanged(&gateway, &files).await.err()?;
                Some((Err(changed), None))
            }
        }
    });
    Box::pin(rows)
}

/// The same rows, once it is known whether they end at once.
async fn held_back(rows: BatchStream) -> Result<BatchStream, FragmentError> {
    let mut rows = rows.fuse();
    let mut first: Vec<Result<RecordBatch, FragmentError>> = Vec::new();
    if let Some(batch) = rows.next().await.transpose()? {
        first.push(Ok(batch));
        // What is not there in time is not lost: the stream goes on where it was.
        if let Ok(Some(second)) = tokio::time::timeout(HELD_BACK, rows.next()).await {
            first.push(Ok(second?));
        }
    }
    Ok(Box::pin(stream::iter(first).chain(rows)))
}

/// The same rows, once there are so many bytes of them, or all, or `time_max` has passed since the first
/// one came. What fails before can be started anew: executors in other processes may be lost at any time.
async fn held_back_up_to(
    bytes_max: usize,
    time_max: Option<Duration>,
    mut rows: BatchStream,
) -> Result<BatchStream, FragmentError> {
    let (mut first, mut bytes) = (Vec::new(), 0);
    let mut end = None;
    while bytes <= bytes_max {
        let next = match end {
            None => rows.next().await,
            Some(end) => match tokio::time::timeout_at(end, rows.next()).await {
                Ok(next) => next,
                // What is not there in time is not lost: the stream goes on where it was.
                Err(_) => break,
            },
        };
        let Some(batch) = next.transpose()? else {
            return Ok(Box::pin(stream::iter(first)));
        };
        if end.is_none() && batch.num_rows() > 0 {
            end = time_max.map(|time_max| tokio::time::Instant::now() + time_max);
        }
        bytes += batch_bytes(&batch);
        first.push(Ok(batch));
    }
    Ok(Box::pin(stream::iter(first).chain(rows)))
}

#[cfg(test)]
mod tests {
    use arrow::array::Int32Array;
    use futures::TryStreamExt;
    use tokio::sync::mpsc;

    use super::*;

    type Sender = mpsc::UnboundedSender<Result<RecordBatch, FragmentError>>;

    /// Rows as somebody sends them.
    fn sent() -> (Sender, BatchStream) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let rows = stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await?, receiver))
        });
        (sender, Box::pin(rows))
    }

    fn batch(rows: usize) -> RecordBatch {
        let values: arrow::array::ArrayRef = Arc::new(Int32Array::from(vec![1; rows]));
        RecordBatch::try_from_iter([("a", values)]).expect("one column")
    }

    fn lost() -> FragmentError {
        FragmentError {
            kind: FragmentErrorKind::Unreachable,
            message: "it is gone".to_owned(),
            position: None,
        }
    }

    #[tokio::test]
    async fn rows_leave_after_a_while_though_there_may_be_more() {
        let limit = Duration::from_millis(50);
        let (sender, rows) = sent();
        sender.send(Ok(batch(0))).expect("somebody reads");
        let mut held = pin!(held_back_up_to(usize::MAX, Some(limit), rows));
        // The time begins with the first row.
        let early = tokio::time::timeout(limit * 5, &mut held).await;
        assert!(early.is_err(), "no row is there");
        sender.send(Ok(batch(1))).expect("somebody reads");
        let rows = tokio::time::timeout(Duration::from_secs(30), held).await;
        let rows = rows.expect("rows leave").expect("no failure");
        sender.send(Ok(batch(2))).expect("somebody reads");
        sender.send(Err(lost())).expect("somebody reads");
        drop(sender);
        let seen: Vec<_> = rows.map_ok(|batch| batch.num_rows()).collect().await;
        assert_eq!(seen.len(), 4);
        let counts: Vec<usize> = seen.into_iter().flatten().collect();
        assert_eq!(counts, [0, 1, 2]);
    }

    #[tokio::test]
    async fn what_fails_while_rows_are_held_back_is_a_failure_without_rows() {
        for limit in [None, Some(Duration::from_hours(1))] {
            let (sender, rows) = sent();
            for _ in 0..3 {
                sender.send(Ok(batch(5))).expect("somebody reads");
            }
            let mut held = pin!(held_back_up_to(usize::MAX, limit, rows));
            let early = tokio::time::timeout(Duration::from_millis(50), &mut held).await;
            assert!(early.is_err(), "there may be more rows");
            sender.send(Err(lost())).expect("somebody reads");
            let error = held.await.err().expect("nothing has left");
            assert_eq!(error.kind, FragmentErrorKind::Unreachable);
        }
    }

    #[tokio::test]
    async fn many_bytes_leave_at_once() {
        let (sender, rows) = sent();
        for _ in 0..100 {
            sender.send(Ok(batch(1000))).expect("somebody reads");
        }
        let rows = held_back_up_to(50_000, None, rows).await;
        drop(sender);
        let rows: Vec<_> = rows.expect("no failure").try_collect().await.expect("rows");
        assert_eq!(rows.len(), 100);
    }
}
