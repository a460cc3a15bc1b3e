//! Cancelling, running out of time, and leaving stop DuckDB on every executor.

use std::time::{Duration, Instant};

use skein_tests::client::Client;
use skein_tests::cluster::Cluster;
use skein_tests::process;

use crate::{cluster, failure};

/// Runs for hours unless somebody stops it, on every executor, and gives no row before its end.
const SILENT: &str = "SELECT count(*) FROM facts a, facts b, facts c, facts d \
                      WHERE hash(a.id, b.id, c.id, d.id) = 7";
/// Gives rows all the time.
const STREAMING: &str = "SELECT a.id, b.id, c.id FROM facts a, facts b, facts c";
/// How long stopping may take.
const STOP_MAX: Duration = Duration::from_secs(1);
/// How long it may take until something is busy on a machine that is.
const START_MAX: Duration = Duration::from_secs(30);

fn wait_until_busy(cluster: &Cluster) {
    for process in cluster.processes() {
        let before = process.cpu_time();
        process::eventually("every executor is busy", START_MAX, || {
            process.cpu_time() > before + Duration::from_millis(200)
        });
    }
}

fn expect_idle(cluster: &Cluster, what: &str) {
    for process in cluster.processes() {
        let idle = process.idle_within(STOP_MAX);
        assert!(idle.is_some(), "an executor goes on after {what}");
    }
}

fn split(cluster: &Cluster) -> Client {
    cluster.client_with(&["skein.split = always"])
}

#[test]
fn cancel_stops_every_executor_before_the_first_row() {
    let cluster = cluster(2);
    let mut client = split(&cluster);
    for _ in 0..2 {
        client.send_query(SILENT).expect("the query can be sent");
        wait_until_busy(&cluster);
        let start = Instant::now();
        client.cancel().expect("the cancel request can be sent");
        let (sqlstate, text) = failure(client.results());
        assert_eq!(sqlstate, "57014", "{text}");
        let elapsed = start.elapsed();
        assert!(elapsed < STOP_MAX, "the answer took {elapsed:?}");
        expect_idle(&cluster, "the cancel");
    }
    client
        .query("SELECT count(*) FROM facts")
        .expect("the session lives on");
}

#[test]
fn cancel_stops_every_executor_after_the_first_row() {
    let cluster = cluster(2);
    let mut client = split(&cluster);
    client.send_query(STREAMING).expect("the query can be sent");
    for _ in 0..100_000 {
        client.receive_byte().expect("rows come");
    }
    client.cancel().expect("the cancel request can be sent");
    // Executors stop although the client takes no further row.
    expect_idle(&cluster, "the cancel");
}

#[test]
fn a_client_that_does_not_read_makes_executors_wait() {
    let cluster = cluster(2);
    let mut client = split(&cluster);
    client.send_query(STREAMING).expect("the query can be sent");
    for process in cluster.processes() {
        let idle = process.idle_within(START_MAX);
        assert!(
            idle.is_some(),
            "an executor computes rows that nobody takes"
        );
    }
    drop(client);
    expect_idle(&cluster, "the client");
}

#[test]
fn a_statement_timeout_stops_every_executor() {
    let cluster = cluster(2);
    let mut client = split(&cluster);
    client
        .query("SET statement_timeout = 1500")
        .expect("the setting exists");
    let start = Instant::now();
    let (sqlstate, text) = failure(client.query(SILENT));
    assert_eq!(sqlstate, "57014", "{text}");
    assert!(text.contains("statement timeout"), "{text}");
    let elapsed = start.elapsed();
    assert!(
        elapsed >= Duration::from_millis(1500),
        "too early: {elapsed:?}"
    );
    expect_idle(&cluster, "the timeout");
}

#[test]
fn a_client_that_leaves_stops_every_executor() {
    let cluster = cluster(2);
    let mut client = split(&cluster);
    client.send_query(SILENT).expect("the query can be sent");
    wait_until_busy(&cluster);
    drop(client);
    expect_idle(&cluster, "the client");
    let result = split(&cluster).query("SELECT count(*) FROM facts");
    assert_eq!(result.expect("others are served").rows.len(), 1);
}
