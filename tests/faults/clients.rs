//! Clients that cancel, run out of time, leave, or stop reading.

use std::time::{Duration, Instant};

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::process;

use crate::{ENDLESS, failure};

/// How long stopping may take.
const STOP_MAX: Duration = Duration::from_secs(1);
/// A process that starts threads and loads files is busy for a moment.
const START_MAX: Duration = Duration::from_secs(20);

fn cluster(executors: usize) -> Cluster {
    Cluster::start(&ClusterOptions::new(&random_relations(Layout::Few)).executors(executors))
}

/// Waits until the query that was just sent really uses the processor.
fn wait_until_busy() {
    let before = process::cpu_time();
    process::eventually("the query runs", START_MAX, || {
        process::cpu_time() > before + Duration::from_millis(500)
    });
}

fn cancel(executors: usize, split: &str) {
    let cluster = cluster(executors);
    let mut client = cluster.client_with(&[&format!("skein.split = {split}")]);
    client.send_query(ENDLESS).expect("the query can be sent");
    wait_until_busy();
    let start = Instant::now();
    client.cancel().expect("the cancel request can be sent");
    let (sqlstate, text) = failure(client.results());
    assert_eq!(sqlstate, "57014", "{text}");
    assert!(
        start.elapsed() < STOP_MAX,
        "the answer took {:?}",
        start.elapsed()
    );
    let idle = process::idle_within(STOP_MAX);
    assert!(
        idle.is_some(),
        "DuckDB goes on after the client was told that it was cancelled"
    );
    assert_eq!(
        client
            .query("SELECT 1")
            .expect("the session lives on")
            .rows
            .len(),
        1
    );
}

#[test]
fn cancel_stops_a_whole_query() {
    cancel(1, "never");
}

#[test]
fn cancel_stops_a_split_query() {
    cancel(3, "always");
}

#[test]
fn cancel_stops_a_sort() {
    let cluster = cluster(1);
    let mut client = cluster.client();
    let sql = "SELECT a.id FROM facts a, facts b, facts c ORDER BY hash(a.id, b.id, c.id) LIMIT 1 \
               OFFSET 100000000";
    client.send_query(sql).expect("the query can be sent");
    wait_until_busy();
    let start = Instant::now();
    client.cancel().expect("the cancel request can be sent");
    assert_eq!(failure(client.results()).0, "57014");
    assert!(
        start.elapsed() < STOP_MAX,
        "the answer took {:?}",
        start.elapsed()
    );
}

/// At moments spread over a join whose hash table has 40 million rows: filled in one part, it could not
/// be stopped for 1.7 s.
#[test]
#[ignore = "minutes; `make test-full` runs it"]
fn cancel_stops_a_large_join() {
    const MOMENTS: u32 = 16;
    let options = ClusterOptions::new(&random_relations(Layout::Few)).threads(2);
    let cluster = Cluster::start(&options);
    let mut client = cluster.client();
    let sql = "SELECT count(*) FROM generate_series(1, 80000000) a(i) \
               JOIN (SELECT j * 3 AS j, j % 1000 AS v FROM generate_series(1, 40000000) b(j)) b \
               ON a.i = b.j WHERE v > (SELECT min(id) FROM facts)";
    let start = Instant::now();
    client.query(sql).expect("it fits into memory");
    let whole = start.elapsed();
    for moment in 1..=MOMENTS {
        client.send_query(sql).expect("the query can be sent");
        std::thread::sleep(whole * moment / (MOMENTS + 4));
        client.cancel().expect("the cancel request can be sent");
        assert_eq!(failure(client.results()).0, "57014");
        assert!(
            process::idle_within(STOP_MAX).is_some(),
            "DuckDB goes on after moment {moment} of {MOMENTS}"
        );
    }
}

#[test]
fn cancel_stops_every_kind_of_operator() {
    let cluster = cluster(1);
    let mut client = cluster.client();
    for (operator, sql) in [
        (
            "hash join",
            "SELECT count(*) \
             FROM (SELECT hash(f.id, r.range) % 3000000 AS k FROM facts f, range(20000) r) a \
             JOIN (SELECT hash(f.id, r.range, 1) % 3000000 AS k FROM facts f, range(10000) r) b \
             ON a.k = b.k JOIN facts c ON hash(a.k, b.k, c.id) % 7 = c.k",
        ),
        (
            "hash aggregate",
            "SELECT count(*) FROM (SELECT hash(f.id, r.range) AS k, count(*) \
             FROM facts f, range(100000) r GROUP BY 1)",
        ),
        (
            "distinct aggregate",
            "SELECT count(DISTINCT hash(f.id, r.range)) FROM facts f, range(100000) r",
        ),
        (
            "window",
            "SELECT sum(n) FROM (SELECT row_number() OVER (ORDER BY hash(f.id, r.range)) AS n \
             FROM facts f, range(40000) r)",
        ),
        (
            "nested loop",
            "SELECT count(*) FROM (SELECT hash(f.id, r.range) AS k FROM facts f, range(2000) r) a \
             JOIN (SELECT hash(f.id, r.range, 1) AS k FROM facts f, range(2000) r) b \
             ON a.k % 1000 <> b.k % 999",
        ),
        (
            "text",
            "SELECT max(md5(f.g || r.range)) FROM facts f, range(10000000) r",
        ),
    ] {
        client.send_query(sql).expect("the query can be sent");
        wait_until_busy();
        let start = Instant::now();
        client.cancel().expect("the cancel request can be sent");
        let (sqlstate, text) = failure(client.results());
        assert_eq!(sqlstate, "57014", "{operator}: {text}");
        let elapsed = start.elapsed();
        assert!(
            elapsed < STOP_MAX,
            "{operator}: the answer took {elapsed:?}"
        );
        assert!(
            process::idle_within(STOP_MAX).is_some(),
            "{operator}: DuckDB goes on after the client was told that it was cancelled"
        );
    }
}

#[test]
fn statement_timeout_stops_a_query() {
    for (executors, split) in [(1, "never"), (3, "always")] {
        let cluster = cluster(executors);
        let split = format!("skein.split = {split}");
        let mut client = cluster.client_with(&[&split, "statement_timeout = 1000"]);
        let start = Instant::now();
        let (sqlstate, text) = failure(client.query(ENDLESS));
        assert_eq!(sqlstate, "57014", "{text}");
        assert!(text.contains("statement timeout"), "{text}");
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(1), "too early: {elapsed:?}");
        assert!(
            elapsed < Duration::from_secs(1) + STOP_MAX,
            "too late: {elapsed:?}"
        );
        assert!(
            process::idle_within(STOP_MAX).is_some(),
            "DuckDB goes on after the timeout"
        );
        assert_eq!(
            client
                .query("SELECT 1")
                .expect("the session lives on")
                .rows
                .len(),
            1
        );
    }
}

#[test]
fn disconnect_stops_a_query() {
    for (executors, split) in [(1, "never"), (3, "always")] {
        let cluster = cluster(executors);
        let mut client = cluster.client_with(&[&format!("skein.split = {split}")]);
        client.send_query(ENDLESS).expect("the query can be sent");
        wait_until_busy();
        drop(client);
        let idle = process::idle_within(STOP_MAX);
        assert!(
            idle.is_some(),
            "DuckDB goes on after the client has left ({split})"
        );
        assert_eq!(
            cluster
                .client()
                .query("SELECT 1")
                .expect("others are served")
                .rows
                .len(),
            1
        );
    }
}

#[test]
fn a_client_that_does_not_read_costs_little_memory() {
    let cluster = cluster(1);
    let mut client = cluster.client();
    client
        .query("SELECT count(*) FROM facts")
        .expect("the relation can be read");
    let before = process::resident_bytes();
    let sql = "SELECT a.*, b.* FROM facts a, facts b, facts c";
    client.send_query(sql).expect("the query can be sent");
    // Back-pressure is right when all falls silent although the client has read nothing.
    assert!(
        process::idle_within(START_MAX).is_some(),
        "the gateway never stops producing rows"
    );
    let growth = process::resident_bytes().saturating_sub(before);
    assert!(
        growth < 200 << 20,
        "{} MiB for rows that nobody reads",
        growth >> 20
    );
    drop(client);
    assert!(process::idle_within(STOP_MAX).is_some());
}

#[test]
fn ten_thousand_connects_leak_nothing() {
    let cluster = cluster(1);
    let visit = |index: usize| {
        let mut client =
            Client::connect(cluster.address()).expect("the gateway accepts connections");
        if index.is_multiple_of(100) {
            client
                .query("SELECT count(*) FROM facts")
                .expect("the relation can be read");
        }
        if index.is_multiple_of(3) {
            // The others just close the socket.
            client.send(b"X\0\0\0\x04").expect("a message can be sent");
        }
    };
    (0..500).for_each(visit);
    let settle = || {
        // The end of the last connections is noticed a moment later.
        process::idle_within(START_MAX).expect("the gateway falls silent");
        (
            process::open_files(),
            process::threads(),
            process::resident_bytes(),
        )
    };
    let before = settle();
    (0..10_000).for_each(visit);
    let after = settle();
    assert!(
        after.0 <= before.0 + 2,
        "open files grew from {} to {}",
        before.0,
        after.0
    );
    assert!(
        after.1 <= before.1 + 8,
        "threads grew from {} to {}",
        before.1,
        after.1
    );
    let growth = after.2.saturating_sub(before.2);
    assert!(growth < 32 << 20, "memory grew by {} MiB", growth >> 20);
}
