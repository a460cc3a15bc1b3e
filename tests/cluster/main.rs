//! A gateway with executors in processes of their own: that statements run there, what EXPLAIN shows of
//! it, that every type travels, and that what nobody wants stops. That rows are right is shown by
//! `tests/differential`, which runs its suites on such executors as well.

mod choices;
mod explain;
mod failures;
mod files;
mod gateways;
mod kills;
mod load;
mod losses;
mod slow;
mod statements;
mod stops;
mod types;
mod versions;

use skein_tests::client::QueryError;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};

/// Over the relations of random queries, which are split wherever possible.
fn cluster(processes: usize) -> Cluster {
    Cluster::start(&ClusterOptions::new(&random_relations(Layout::Few)).processes(processes))
}

/// The error of a query that must fail, as text, with its SQLSTATE.
fn failure<T: std::fmt::Debug>(result: Result<T, QueryError>) -> (String, String) {
    let error = result.expect_err("the query fails");
    (error.sqlstate().to_owned(), error.to_string())
}
