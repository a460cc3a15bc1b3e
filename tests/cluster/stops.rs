//! Cancelling, running out of time, and leaving stop DuckDB on every executor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postgres_protocol::message::backend::Message;
use skein_tests::client::{Client, ServerError};
use skein_tests::cluster::Cluster;
use skein_tests::process;

use crate::statements::{ENDLESS, Endless};
use crate::{cluster, failure};

/// How long stopping may take.
const STOP_MAX: Duration = Duration::from_secs(1);
/// How often it is tried: on a machine that is busy with other tests, one may take longer.
const TRIES: usize = 3;
/// How long it may take until something is busy on a machine that is.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a statement with a time limit may take, which has to be enough to begin.
const TIMEOUT: Duration = Duration::from_secs(2);
/// So many rows have left when a result has begun.
const ROWS: u64 = 20_000;

/// What stops a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Cancel,
    Timeout,
    Leave,
}

/// Waits until every executor works for a statement.
fn wait_until_busy(cluster: &Cluster) {
    for process in cluster.processes() {
        let before = process.cpu_time();
        process::eventually("every executor is busy", START_MAX, || {
            process.cpu_time() > before + Duration::from_millis(200)
        });
    }
}

/// How long it takes after now until no executor does anything.
fn idle(cluster: &Cluster, what: &str) -> Duration {
    let took = cluster.processes().iter().map(|process| {
        let idle = process.idle_within(START_MAX);
        idle.unwrap_or_else(|| panic!("an executor goes on after {what}"))
    });
    took.max().unwrap_or_default()
}

/// Reads a result until somebody says that it is enough, or to its end. Gives the connection if it is
/// ready for others, and the error.
fn read(
    mut client: Client,
    rows: &AtomicU64,
    enough: &AtomicBool,
) -> Option<(Client, ServerError)> {
    let mut failed = None;
    while !enough.load(Ordering::Relaxed) {
        match client.receive().expect("the gateway lives") {
            Message::DataRow(_) => {
                rows.fetch_add(1, Ordering::Relaxed);
            }
            Message::ErrorResponse(body) => {
                failed = Some(ServerError::read(body.fields()).expect("the error can be read"));
            }
            Message::CommandComplete(_) => panic!("it cannot have ended"),
            Message::ReadyForQuery(_) => return Some((client, failed.expect("an error"))),
            _ => {}
        }
    }
    None
}

/// Stops a statement of which no row has come. Says how long executors went on.
fn stop_before_the_first_row(cluster: &Cluster, endless: &Endless, stop: Stop) -> Duration {
    let what = format!("{stop:?} of {}", endless.exchange);
    let mut client = cluster.client();
    endless.prepare(&mut client);
    if stop == Stop::Timeout {
        let sql = format!("SET statement_timeout = {}", TIMEOUT.as_millis());
        client.query(&sql).expect("the setting exists");
    }
    let begun = Instant::now();
    client
        .send_query(endless.silent)
        .expect("the query can be sent");
    if stop != Stop::Timeout {
        wait_until_busy(cluster);
    }
    let mut stopped = Instant::now();
    match stop {
        Stop::Cancel => client.cancel().expect("the cancel request can be sent"),
        Stop::Timeout => stopped = begun + TIMEOUT,
        Stop::Leave => {
            drop(client);
            return idle(cluster, &what);
        }
    }
    let (sqlstate, text) = failure(client.results());
    let took = stopped.elapsed() + idle(cluster, &what);
    assert_eq!(sqlstate, "57014", "{what}: {text}");
    if stop == Stop::Timeout {
        assert!(text.contains("statement timeout"), "{text}");
        assert!(
            begun.elapsed() >= TIMEOUT,
            "too early: {:?}",
            begun.elapsed()
        );
    }
    client
        .query("SELECT count(*) FROM facts")
        .expect("the session lives on");
    took
}

/// Stops a statement whose rows somebody reads all the time. Says how long executors went on.
fn stop_after_the_first_row(cluster: &Cluster, endless: &Endless, stop: Stop) -> Duration {
    let what = format!("{stop:?} of rows of {}", endless.exchange);
    let mut client = cluster.client();
    endless.prepare(&mut client);
    if stop == Stop::Timeout {
        let sql = format!("SET statement_timeout = {}", TIMEOUT.as_millis());
        client.query(&sql).expect("the setting exists");
    }
    let key = client.cancel_key();
    let begun = Instant::now();
    client
        .send_query(endless.streaming)
        .expect("the query can be sent");
    let (rows, enough) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let reader = {
        let (rows, enough) = (Arc::clone(&rows), Arc::clone(&enough));
        std::thread::spawn(move || read(client, &rows, &enough))
    };
    if stop != Stop::Timeout {
        process::eventually("rows come", START_MAX, || {
            rows.load(Ordering::Relaxed) >= ROWS
        });
    }
    let mut stopped = Instant::now();
    match stop {
        Stop::Cancel => key.cancel().expect("the cancel request can be sent"),
        Stop::Timeout => stopped = begun + TIMEOUT,
        Stop::Leave => enough.store(true, Ordering::Relaxed),
    }
    let ended = reader.join().expect("the client ends");
    let took = stopped.elapsed() + idle(cluster, &what);
    let Some((mut client, error)) = ended else {
        assert_eq!(stop, Stop::Leave, "{what}");
        return took;
    };
    assert_eq!(error.sqlstate(), "57014", "{what}: {error:?}");
    if rows.load(Ordering::Relaxed) == 0 {
        assert_eq!(stop, Stop::Timeout, "{what}: no row came before");
        // The machine is too busy to have given one in that time: not what is looked for.
        return STOP_MAX;
    }
    client
        .query("SELECT count(*) FROM facts")
        .expect("the session lives on");
    took
}

#[expect(
    clippy::print_stderr,
    reason = "figures belong to the output of the test"
)]
fn each_stop_is_quick(name: &str, stopped: fn(&Cluster, &Endless, Stop) -> Duration) {
    let cluster = cluster(2);
    for endless in &ENDLESS {
        for stop in [Stop::Cancel, Stop::Timeout, Stop::Leave] {
            let tries = (0..TRIES).map(|_| stopped(&cluster, endless, stop));
            let mut all = Vec::new();
            for took in tries {
                all.push(took);
                if took < STOP_MAX {
                    break;
                }
            }
            eprintln!("{name}, {}, {stop:?}: {all:?}", endless.exchange);
            assert!(
                all.last().is_some_and(|took| *took < STOP_MAX),
                "{}, {stop:?}: executors went on for {all:?}",
                endless.exchange
            );
        }
    }
}

#[test]
fn whatever_ends_a_statement_stops_every_executor_before_the_first_row() {
    each_stop_is_quick("before the first row", stop_before_the_first_row);
}

#[test]
fn whatever_ends_a_statement_stops_every_executor_after_the_first_row() {
    each_stop_is_quick("after the first row", stop_after_the_first_row);
}

#[test]
fn a_client_that_does_not_read_makes_executors_wait() {
    let cluster = cluster(2);
    for endless in &ENDLESS {
        let mut client = cluster.client();
        endless.prepare(&mut client);
        client
            .send_query(endless.streaming)
            .expect("the query can be sent");
        // Whoever computes rows that nobody takes never comes to rest.
        idle(&cluster, "its client has stopped to read");
        drop(client);
        idle(&cluster, "its client has left");
    }
}
