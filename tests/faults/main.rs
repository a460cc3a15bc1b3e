//! What goes wrong from outside: clients that cancel, leave or do not read; files that are damaged
//! or gone; queries that are too large or too deep. The session and the process live on.

mod attack;
mod clients;
mod executors;
mod files;
mod limits;
mod sessions;
mod shutdown;

use skein_tests::client::QueryError;
use skein_tests::data::sets::{Layout, private, random_relations};
use tempfile::TempDir;

/// Runs for hours unless somebody stops it: counts pairs that hardly ever match.
const ENDLESS: &str = "SELECT count(*) FROM facts a, facts b, facts c, facts d \
                       WHERE hash(a.id, b.id, c.id, d.id) = 7";

/// A copy of the random relations that a test may damage.
fn private_data() -> TempDir {
    private(&random_relations(Layout::Few))
}

/// The error of a query that must fail, as text, with its SQLSTATE.
fn failure<T: std::fmt::Debug>(result: Result<T, QueryError>) -> (String, String) {
    let error = result.expect_err("the query fails");
    (error.sqlstate().to_owned(), error.to_string())
}
