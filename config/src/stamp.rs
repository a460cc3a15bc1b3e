//! Notices that files have changed.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

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
