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
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};
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
        let bytes_max = gateway.config().executors.retry_buffer_bytes;
        held_back_up_to(bytes_max, rows).await?
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

/// The same rows, once there are so many bytes of them, or all. What fails before can be started anew:
/// executors in other processes may be lost at any time.
async fn held_back_up_to(
    bytes_max: usize,
    mut rows: BatchStream,
) -> Result<BatchStream, FragmentError> {
    let (mut first, mut bytes) = (Vec::new(), 0);
    while bytes <= bytes_max {
        let Some(batch) = rows.next().await.transpose()? else {
            return Ok(Box::pin(stream::iter(first)));
        };
        bytes += batch.get_array_memory_size();
        first.push(Ok(batch));
    }
    Ok(Box::pin(stream::iter(first).chain(rows)))
}
