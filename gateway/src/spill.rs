//! The folder for what a process spills, and what others left behind.
//!
//! ```text
//! TEMP_DIRECTORY/skein-Xy12ab/    of one process, removed when it ends
//!                 ├── lock        locked for as long as the process lives
//!                 └── …           what DuckDB and inputs write
//! ```
//!
//! A process that is killed removes nothing. Whoever starts next in the same directory finds such folders by
//! their lock, which nobody holds any more, and removes them.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "skein-";
const LOCK: &str = "lock";

/// A folder of this process, removed with everything in it when this value goes.
#[derive(Debug)]
pub(crate) struct SpillFolder {
    folder: TempDir,
    _lock: File,
}

impl SpillFolder {
    /// Makes a folder in `parent`, which is made as well where it is missing, and removes those of processes
    /// that are gone.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(parent)?;
        remove_abandoned(parent);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Under its own name the file is never seen without a lock.
        let unlocked = folder.path().join("lock.new");
        let lock = File::create(&unlocked)?;
        lock.lock()?;
        std::fs::rename(unlocked, folder.path().join(LOCK))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of processes that are gone. What cannot be looked at or removed stays.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_ours {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_err() {
            continue;
        }
        match std::fs::remove_dir_all(entry.path()) {
            Ok(()) => {
                tracing::info!(path = %entry.path().display(), "removed what a killed process had spilled");
            }
            Err(error) => {
                tracing::warn!(path = %entry.path().display(), %error, "cannot remove what a killed process had spilled");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(parent: &Path) -> usize {
        std::fs::read_dir(parent).unwrap().count()
    }

    #[test]
    fn folders_of_processes_that_are_gone_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let parent = parent.path();
        let alive = SpillFolder::create(parent).unwrap();
        // As a killed process leaves it: the lock goes with the process.
        let killed = parent.join("skein-killed");
        std::fs::create_dir_all(killed.join("embedded-0")).unwrap();
        std::fs::write(killed.join("embedded-0/spilled"), "rows").unwrap();
        std::fs::write(killed.join(LOCK), "").unwrap();
        // Nobody says whose these are.
        std::fs::create_dir(parent.join("skein-new")).unwrap();
        std::fs::create_dir(parent.join("others")).unwrap();
        std::fs::write(parent.join("skein-file"), "").unwrap();

        let next = SpillFolder::create(parent).unwrap();
        assert!(!killed.exists());
        assert!(alive.path().exists() && next.path().exists());
        assert_eq!(folders(parent), 5);

        let path = alive.path().to_path_buf();
        drop(alive);
        assert!(!path.exists());
    }
}
