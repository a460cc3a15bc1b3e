//! What several threads of one executor must not change.

use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{self, Layout};

/// A join may not reach below `DISTINCT ON`: on DuckDB 1.5.5 alone about one run in ten of each
/// query has other rows with two threads, never with one.
#[test]
fn joins_do_not_change_what_distinct_on_picks() {
    const RUNS: usize = 20;
    let folder = sets::random_relations(Layout::Few);
    let one = Cluster::start(&ClusterOptions::new(&folder));
    let two = Cluster::start(&ClusterOptions::new(&folder).threads(2));
    let settings = ["skein.split = never"];
    let mut expected = one.client_with(&settings);
    let mut client = two.client_with(&settings);
    let picked =
        "(SELECT DISTINCT ON (k) id, b FROM facts WHERE v = coalesce(k, v) ORDER BY k, id DESC)";
    for sql in [
        format!(
            "SELECT b, count(*) FROM {picked} AS p JOIN dims ON p.id = dims.k GROUP BY b ORDER BY b"
        ),
        format!("SELECT count(*) FROM {picked} AS p WHERE id IN (SELECT k FROM dims)"),
        format!("WITH p AS {picked} SELECT count(*) FROM p, dims WHERE p.id = dims.k"),
    ] {
        let expected = expected.query(&sql).expect("it runs").rows;
        for run in 0..RUNS {
            let rows = client.query(&sql).expect("it runs").rows;
            assert_eq!(rows, expected, "run {run} of {sql}");
        }
    }
}
