//! Whether the files of a fragment are those that the gateway has listed.
//!
//! The gateway looks at files before and after it runs a statement, with its own eyes. An executor on
//! another machine may see others: a copy that is older, or one that is replaced while it is read. So
//! each looks as well: a file has to have the size that was listed when a fragment begins, and has to be
//! the same one, unchanged, when its rows have ended.
//!
//! Invariants: rows of a fragment end without an error only if none of its local files has changed while
//! it ran. Files of object stores are left to the gateway, which sees the same ones.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use futures::StreamExt;
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};

use crate::error::internal;

/// A file that a fragment reads, as the gateway has listed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// As DuckDB opens it.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

impl ListedFile {
    fn is_local(&self) -> bool {
        !self.path.contains("://")
    }
}

/// What tells two contents of a file apart on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: (i64, i64),
    inode: u64,
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// The local files of a fragment as they were when it began.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    executor: Arc<str>,
    seen: Arc<[(ListedFile, State)]>,
}

impl Files {
    /// Looks at the files of a fragment that is about to run on `executor`; nothing if there is none to
    /// look at.
    pub(crate) async fn look(
        executor: &str,
        listed: &[ListedFile],
    ) -> Result<Option<Self>, FragmentError> {
        let local = listed.iter().filter(|file| file.is_local());
        let local: Vec<ListedFile> = local.cloned().collect();
        if local.is_empty() {
            return Ok(None);
        }
        let executor: Arc<str> = executor.into();
        beside(move || {
            let see = |file: ListedFile| {
                let state = state_of(&executor, &file)?;
                if state.bytes == file.bytes {
                    Ok((file, state))
                } else {
                    Err(changed(&executor, &file))
                }
            };
            let seen: Result<Vec<_>, FragmentError> = local.into_iter().map(see).collect();
            Ok(Some(Self {
                seen: seen?.into(),
                executor,
            }))
        })
        .await
    }

    /// Whether all files still are what they were.
    async fn unchanged(&self) -> Result<(), FragmentError> {
        let this = self.clone();
        beside(move || {
            for (file, state) in &*this.seen {
                if state_of(&this.executor, file)? != *state {
                    return Err(changed(&this.executor, file));
                }
            }
            Ok(())
        })
        .await
    }

    /// The reason for a failure: that a file has changed, or else the failure itself.
    pub(crate) async fn blamed(&self, error: FragmentError) -> FragmentError {
        use FragmentErrorKind as Kind;
        if matches!(error.kind, Kind::Canceled | Kind::Timeout) {
            return error;
        }
        match self.unchanged().await {
            Err(changed) if matches!(changed.kind, Kind::Changed | Kind::Missing) => changed,
            _ => error,
        }
    }

    /// Rows that end with a look at the files.
    pub(crate) fn checked(self, rows: BatchStream) -> BatchStream {
        let state = Some((self, rows));
        Box::pin(futures::stream::unfold(state, |state| async move {
            let (files, mut rows) = state?;
            match rows.next().await {
                Some(Ok(batch)) => Some((Ok(batch), Some((files, rows)))),
                Some(Err(error)) => Some((Err(files.blamed(error).await), None)),
                None => {
                    let changed = files.unchanged().await.err()?;
                    Some((Err(changed), None))
                }
            }
        }))
    }
}

fn state_of(executor: &str, file: &ListedFile) -> Result<State, FragmentError> {
    let failed = |kind, what: String| FragmentError {
        kind,
        message: format!("file \"{}\" {what} on executor \"{executor}\"", file.path),
        position: None,
    };
    match std::fs::metadata(&file.path) {
        Ok(metadata) => Ok(State::of(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(failed(
            FragmentErrorKind::Missing,
            "is not there".to_owned(),
        )),
        Err(error) => Err(failed(
            FragmentErrorKind::Storage,
            format!("cannot be looked at ({error})"),
        )),
    }
}

fn changed(executor: &str, file: &ListedFile) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Changed,
        message: format!(
            "file \"{}\" is not the one that was listed on executor \"{executor}\"",
            file.path
        ),
        position: None,
    }
}

/// Looking at a file may take its time on a network file system.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FragmentError> + Send + 'static,
) -> Result<T, FragmentError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or_else(|error| Err(internal(format!("a task ended early: {error}"))))
}
