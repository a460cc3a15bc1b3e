//! What `skein.executors` shows of executors inside of the gateway.

use std::time::Duration;

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::process::eventually;

use crate::{ENDLESS, failure};

/// How long a change may take to show, on a busy machine.
const NOTICE_MAX: Duration = Duration::from_secs(30);

fn cluster() -> Cluster {
    Cluster::start(&ClusterOptions::new(&random_relations(Layout::Few)).executors(2))
}

fn text(client: &mut Client, sql: &str) -> String {
    let result = client.query(sql).expect("the query runs");
    let rows = result.rows.iter().map(|row| {
        let cells = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL"));
        cells.collect::<Vec<_>>().join(",")
    });
    rows.collect::<Vec<_>>().join(";")
}

#[test]
fn embedded_executors_are_shown_with_what_they_do() {
    let cluster = cluster();
    let mut busy = cluster.client_with(&["skein.split = always"]);
    let mut watcher = cluster.client();
    let idle = "SELECT name, address, state, running_fragments, fragments, bytes_sent, failures \
                FROM skein.executors ORDER BY name";
    assert_eq!(
        text(&mut watcher, idle),
        "embedded-0,NULL,healthy,0,0,0,0;embedded-1,NULL,healthy,0,0,0,0"
    );
    let versions = "SELECT count(DISTINCT skein_version || duckdb_version), \
                    bool_and(last_seen > now() - interval '1 hour') FROM skein.executors";
    assert_eq!(text(&mut watcher, versions), "1,t");
    busy.query("SELECT count(*) FROM facts")
        .expect("the query runs");
    let done = "SELECT min(fragments) > 0, sum(bytes_sent) > 0, sum(running_fragments) \
                FROM skein.executors";
    assert_eq!(text(&mut watcher, done), "t,t,0");
    busy.send_query(ENDLESS).expect("the query can be sent");
    let running = "SELECT sum(running_fragments) > 0 FROM skein.executors";
    eventually("it is seen", NOTICE_MAX, || {
        text(&mut watcher, running) == "t"
    });
    busy.cancel().expect("it can be asked");
    assert_eq!(failure(busy.results()).0, "57014");
    eventually("it is over", NOTICE_MAX, || {
        text(&mut watcher, running) == "f"
    });
}

#[test]
fn it_is_a_relation_like_others() {
    let cluster = cluster();
    let mut client = cluster.client();
    for (sql, expected) in [
        (
            "SELECT skein.executors.state FROM skein.executors \
             WHERE skein.executors.name = 'embedded-1'",
            "healthy",
        ),
        (
            "SELECT count(*) FROM skein.executors e JOIN facts f ON e.name = 'embedded-' || f.id",
            "2",
        ),
        (
            "WITH e(a, b) AS (SELECT count(*), min(name) FROM SKEIN.Executors) SELECT * FROM e",
            "2,embedded-0",
        ),
        // Tools list what they would list of PostgreSQL.
        (
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'skein'",
            "0",
        ),
    ] {
        assert_eq!(text(&mut client, sql), expected, "{sql}");
    }
    let described = client
        .query("SELECT * FROM skein.executors")
        .expect("it can be read");
    let types: Vec<u32> = described
        .columns
        .iter()
        .map(|column| column.type_oid)
        .collect();
    assert_eq!(types, [25, 25, 25, 25, 25, 20, 20, 20, 1184, 20, 1184, 25]);
    assert_eq!(
        failure(client.query("SELECT * FROM skein.nobody")).0,
        "42P01"
    );
    assert_eq!(
        failure(client.query("DELETE FROM skein.executors")).0,
        "0A000"
    );
}
