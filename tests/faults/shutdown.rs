//! A gateway in a process of its own that is told to end.

use std::time::{Duration, Instant};

use postgres_protocol::message::backend::Message;
use skein_tests::client::{Client, ServerError};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::process::eventually;
use skein_tests::program::{Program, Signal};

/// How long a step may take, on a busy machine.
const STEP_MAX: Duration = Duration::from_secs(30);

fn gateway(shutdown_timeout_ms: &str) -> (Program, Client, Client) {
    let folder = random_relations(Layout::Few);
    let program = Program::start_with(
        &[
            "serve",
            &folder.to_string_lossy(),
            "--listen",
            "127.0.0.1:0",
        ],
        &[("SKEIN_GATEWAY__SHUTDOWN_TIMEOUT_MS", shutdown_timeout_ms)],
    );
    let address = program.address("serving on ");
    let client = || Client::connect(address).expect("the gateway accepts connections");
    (program, client(), client())
}

/// Sends a statement, and returns when the other session sees it running.
fn begin(busy: &mut Client, watcher: &mut Client, sql: &str) {
    busy.send_query(sql).expect("the statement can be sent");
    let running = "SELECT count(*) FROM pg_stat_activity \
                   WHERE state = 'active' AND pid <> pg_backend_pid()";
    eventually("the statement runs", STEP_MAX, || {
        let rows = watcher.query(running).expect("the session is seen").rows;
        rows[0][0].as_deref() == Some("1")
    });
}

/// What a session hears until it is closed: rows, and the last error.
fn rest(client: &mut Client) -> (usize, Option<ServerError>) {
    let (mut rows, mut error) = (0, None);
    loop {
        match client.receive() {
            Ok(Message::DataRow(_)) => rows += 1,
            Ok(Message::ErrorResponse(body)) => {
                error = Some(ServerError::read(body.fields()).expect("the error can be read"));
            }
            Ok(_) => {}
            Err(_) => return (rows, error),
        }
    }
}

fn sqlstate(error: Option<&ServerError>) -> &str {
    error
        .and_then(|error| error.fields.get(&'C'))
        .map_or("", String::as_str)
}

#[test]
fn running_statements_end_before_the_gateway_does() {
    let (mut program, mut busy, mut idle) = gateway("60000");
    begin(&mut busy, &mut idle, "SELECT pg_sleep(3), 42");
    program.signal(Signal::Term);
    let (_, error) = rest(&mut idle);
    assert_eq!(sqlstate(error.as_ref()), "57P01");
    let address = program.address("serving on ");
    assert!(
        Client::connect(address).is_err(),
        "nobody is let in any more"
    );
    let (rows, error) = rest(&mut busy);
    assert_eq!((rows, sqlstate(error.as_ref())), (1, "57P01"));
    assert!(program.wait().success());
}

#[test]
fn statements_that_take_too_long_are_ended() {
    let (mut program, mut busy, mut idle) = gateway("500");
    begin(&mut busy, &mut idle, "SELECT pg_sleep(600), 42");
    program.signal(Signal::Term);
    let (rows, error) = rest(&mut busy);
    assert_eq!((rows, sqlstate(error.as_ref())), (0, "57P01"));
    assert!(program.wait().success());
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let (mut program, mut busy, mut idle) = gateway("600000");
    begin(&mut busy, &mut idle, crate::ENDLESS);
    program.signal(Signal::Term);
    rest(&mut idle);
    assert!(program.runs(), "the statement may end");
    let start = Instant::now();
    program.signal(Signal::Term);
    let (rows, error) = rest(&mut busy);
    assert_eq!((rows, sqlstate(error.as_ref())), (0, "57P01"));
    assert!(program.wait().success());
    assert!(start.elapsed() < STEP_MAX, "{:?}", start.elapsed());
}
