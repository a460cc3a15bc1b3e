//! What goes wrong from outside: clients that cancel, leave or do not read; files that are damaged
//! or gone; queries that are too large or too deep. The session and the process live on.

mod attack;
mod clients;
mod executors;
mod files;
mod limits;
mod sessions;
mod shutdown;

use std::path::{Path, PathBuf};

use skein_tests::client::QueryError;
use skein_tests::data::sets::{Layout, random_relations};
use tempfile::TempDir;

/// Runs for hours unless somebody stops it: counts pairs that hardly ever match.
const ENDLESS: &str = "SELECT count(*) FROM facts a, facts b, facts c, facts d \
                       WHERE hash(a.id, b.id, c.id, d.id) = 7";

/// A copy of the random relations that a test may damage.
fn private_data() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    copy(&random_relations(Layout::Few), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from)
        .expect("a folder can be read")
        .flatten()
    {
        let target: PathBuf = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// The error of a query that must fail, as text, with its SQLSTATE.
fn failure<T: std::fmt::Debug>(result: Result<T, QueryError>) -> (String, String) {
    let error = result.expect_err("the query fails");
    (error.sqlstate().to_owned(), error.to_string())
}
