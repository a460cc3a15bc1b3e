//! Whether files still are what a snapshot says they are.
//!
//! Separate from [`crate::listing`] because it finds nothing: it looks at files that are known, and
//! does so before and after each statement that reads them, so that it has to be quick. A thousand
//! local files take a few milliseconds on one thread; handing each to a thread of its own would take
//! ten times as long.
//!
//! Invariants: a file is unchanged only if its store says exactly what it said when the file was
//! listed. Like a listing, it ends within the listing's time limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::oneshot;

use crate::error::CatalogError;
use crate::listing::{Lister, is_nothing_there, version};
use crate::snapshot::File;

/// Files of one store that are asked for at once, where each is a request over a network.
const FILES_ASKED_AT_ONCE: usize = 64;

/// A file that is not what it was when it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// As DuckDB opens it.
    pub path: String,
    /// There is no file of that name any more.
    pub is_gone: bool,
}

impl Lister {
    /// The first of `files` that has changed since it was listed.
    pub(crate) async fn first_changed(
        &self,
        files: &[Arc<File>],
    ) -> Result<Option<Changed>, CatalogError> {
        let Some(first) = files.first() else {
            return Ok(None);
        };
        self.bounded(&first.path, self.find_changed(files)).await
    }

    async fn find_changed(&self, files: &[Arc<File>]) -> Result<Option<Changed>, CatalogError> {
        let mut by_store: BTreeMap<&str, Vec<Arc<File>>> = BTreeMap::new();
        for file in files {
            let root = self.root_of(&file.path);
            by_store.entry(root).or_default().push(Arc::clone(file));
        }
        for (root, files) in by_store {
            let Some(store) = self.store(root) else {
                continue;
            };
            let changed = if root.is_empty() {
                let store = Arc::clone(store);
                in_a_thread(async move { among(&store, "", &files, 1).await }).await?
            } else {
                among(store, root, &files, FILES_ASKED_AT_ONCE).await?
            };
            if changed.is_some() {
                return Ok(changed);
            }
        }
        Ok(None)
    }
}

/// Looks at files of one store.
async fn among(
    store: &Arc<dyn ObjectStore>,
    root: &str,
    files: &[Arc<File>],
    at_once: usize,
) -> Result<Option<Changed>, CatalogError> {
    let asked: Vec<_> = files.iter().map(|file| look(store, root, file)).collect();
    let mut answers = stream::iter(asked).buffered(at_once);
    while let Some(answer) = answers.next().await {
        if let Some(changed) = answer? {
            return Ok(Some(changed));
        }
    }
    Ok(None)
}

async fn look(
    store: &Arc<dyn ObjectStore>,
    root: &str,
    file: &File,
) -> Result<Option<Changed>, CatalogError> {
    let failed = |message: String| CatalogError::Unlistable {
        path: file.path.clone(),
        message,
    };
    let changed = |is_gone| {
        Some(Changed {
            path: file.path.clone(),
            is_gone,
        })
    };
    let path = file.path.strip_prefix(root).unwrap_or(&file.path);
    let path = Path::parse(path).map_err(|error| failed(error.to_string()))?;
    match store.head(&path).await {
        Ok(meta) if version(&meta) == file.version => Ok(None),
        Ok(_) => Ok(changed(false)),
        Err(error) if is_nothing_there(&error) => Ok(changed(true)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Runs work on local files on one thread. Outside of a runtime the local store does its work where
/// it is asked to; inside, it would hand each file to another thread.
async fn in_a_thread<T: Send + 'static>(
    work: impl Future<Output = Result<T, CatalogError>> + Send + 'static,
) -> Result<T, CatalogError> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("file versions".to_owned());
    let started = thread.spawn(move || {
        // Whoever asked may have gone.
        let _ = sender.send(futures::executor::block_on(work));
    });
    let failed = |message: String| CatalogError::Unlistable {
        path: "/".to_owned(),
        message,
    };
    started.map_err(|error| failed(error.to_string()))?;
    receiver
        .await
        .unwrap_or_else(|_| Err(failed("the thread that looks at them ended".to_owned())))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path as FilePath;

    use super::*;

    async fn listed(lister: &Lister, folder: &FilePath) -> Vec<Arc<File>> {
        let pattern = format!("{}/**/*.csv", folder.display());
        let listing = lister.list(&pattern).await.expect("can be listed");
        let files = listing.into_values().map(|file| {
            Arc::new(File {
                path: file.path,
                bytes: file.bytes,
                version: file.version,
                partition: BTreeMap::new(),
                shape: 0,
            })
        });
        files.collect()
    }

    #[tokio::test]
    async fn files_change_by_content_replacement_and_removal() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["a.csv", "b 100%.csv", "ü.csv"] {
            fs::write(path(name), "x\n1\n").expect("can be written");
        }
        std::os::unix::fs::symlink(path("a.csv"), path("link.csv")).expect("can be linked");
        let lister = Lister::new(100, 10_000);
        let files = listed(&lister, folder.path()).await;
        assert_eq!(files.len(), 4);
        assert_eq!(lister.first_changed(&files).await.expect("works"), None);
        let changed = |is_gone| {
            let path = path("b 100%.csv").display().to_string();
            Some(Changed { path, is_gone })
        };
        fs::write(path("b 100%.csv"), "x\n12\n").expect("can be written");
        let found = lister.first_changed(&files).await.expect("works");
        assert_eq!(
            found.map(|found| found.is_gone),
            changed(false).map(|_| false)
        );
        let files = listed(&lister, folder.path()).await;
        // The same bytes in another file of the same name.
        fs::write(path("new"), "x\n12\n").expect("can be written");
        fs::rename(path("new"), path("b 100%.csv")).expect("can be moved");
        let found = lister.first_changed(&files).await.expect("works");
        assert!(found.is_some_and(|found| !found.is_gone));
        let files = listed(&lister, folder.path()).await;
        fs::remove_file(path("b 100%.csv")).expect("can be removed");
        let found = lister.first_changed(&files).await.expect("works");
        assert!(found.is_some_and(|found| found.is_gone));
    }

    #[tokio::test]
    async fn a_thousand_files_take_milliseconds() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..1000 {
            let path = folder.path().join(format!("{number}.csv"));
            fs::write(path, "x\n1\n").expect("can be written");
        }
        let lister = Lister::new(10_000, 10_000);
        let files = listed(&lister, folder.path()).await;
        let mut best = std::time::Duration::MAX;
        for _ in 0..5 {
            let start = std::time::Instant::now();
            assert_eq!(lister.first_changed(&files).await.expect("works"), None);
            best = best.min(start.elapsed());
        }
        // Far more than it takes, for a busy machine and a build that is not optimised.
        assert!(best < std::time::Duration::from_millis(100), "{best:?}");
    }

    #[tokio::test]
    async fn other_stores_take_part() {
        let store = Arc::new(object_store::memory::InMemory::new());
        let path = Path::from("t/a.csv");
        store.put(&path, "x".into()).await.expect("can be written");
        let lister = Lister::new(100, 10_000).with_store("s3://bucket", Arc::clone(&store) as _);
        let listing = lister.list("s3://bucket/t/*.csv").await.expect("works");
        let files: Vec<Arc<File>> = listing
            .into_values()
            .map(|file| {
                Arc::new(File {
                    path: file.path,
                    bytes: file.bytes,
                    version: file.version,
                    partition: BTreeMap::new(),
                    shape: 0,
                })
            })
            .collect();
        assert_eq!(lister.first_changed(&files).await.expect("works"), None);
        store.put(&path, "y".into()).await.expect("can be written");
        let found = lister.first_changed(&files).await.expect("works");
        let path = "s3://bucket/t/a.csv".to_owned();
        assert_eq!(
            found,
            Some(Changed {
                path,
                is_gone: false
            })
        );
    }
}
