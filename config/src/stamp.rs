//! Notices that files have changed, and keeps what is made of them up to date.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// What tells one state of some files from another. A file that is not there has a state, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<Option<State>>);

/// Time of change, length, and what changes when a file is replaced by another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    modified: (i64, i64),
    changed: (i64, i64),
    length: u64,
    inode: u64,
}

impl Stamp {
    /// The state of now. Links are followed.
    pub fn of<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Self {
        let state = |file: P| {
            let metadata = std::fs::metadata(file).ok()?;
            Some(State {
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                length: metadata.len(),
                inode: metadata.ino(),
            })
        };
        Self(files.into_iter().map(state).collect())
    }
}

/// What is made of some files, and made anew when they have changed. What was made before stays where
/// that fails, and lives as long as somebody holds it.
#[derive(Debug)]
pub struct Made<T> {
    files: Vec<PathBuf>,
    current: RwLock<(Arc<T>, Stamp)>,
}

impl<T> Made<T> {
    /// Makes it for the first time.
    pub fn of<P: AsRef<Path>, E>(
        files: impl IntoIterator<Item = P>,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Self, E> {
        let files: Vec<PathBuf> = files
            .into_iter()
            .map(|file| file.as_ref().to_path_buf())
            .collect();
        // The stamp first: a change while files are read is then seen the next time.
        let stamp = Stamp::of(&files);
        let current = RwLock::new((Arc::new(make()?), stamp));
        Ok(Self { files, current })
    }

    /// What is to be used now.
    pub fn current(&self) -> Arc<T> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Makes it again if the files have changed. Says whether they had.
    pub fn renew<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<bool, E> {
        let stamp = Stamp::of(&self.files);
        let known = self.current.read();
        if known.unwrap_or_else(PoisonError::into_inner).1 == stamp {
            return Ok(false);
        }
        let anew = Arc::new(make()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (anew, stamp);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_files_follows_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("number");
        let read = || -> Result<u32, String> {
            let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
            text.parse().map_err(|_| text.clone())
        };
        assert!(Made::of([&file], read).is_err());
        std::fs::write(&file, "1").expect("a file");
        let made = Made::of([&file], read).expect("a number");
        let first = made.current();
        assert_eq!(made.renew(read), Ok(false));
        std::fs::write(&file, "none").expect("a file");
        // It is wrong each time until somebody puts it right.
        for _ in 0..2 {
            assert_eq!(made.renew(read), Err("none".to_owned()));
            assert_eq!(*made.current(), 1);
        }
        std::fs::write(&file, "23").expect("a file");
        assert_eq!(made.renew(read), Ok(true));
        assert_eq!((*first, *made.current()), (1, 23));
    }
}
