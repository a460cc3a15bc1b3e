//! Sessions that watch, cancel and end other sessions, and waiting that can be stopped.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use postgres_protocol::message::backend::Message;
use skein_tests::client::{Client, ServerError};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::process;

use crate::{ENDLESS, failure};

/// How long it may take until one session knows of another.
const NOTICE_MAX: Duration = Duration::from_secs(20);
/// How long stopping may take.
const STOP_MAX: Duration = Duration::from_secs(5);

fn cluster() -> Cluster {
    Cluster::start(&ClusterOptions::new(&random_relations(Layout::Few)))
}

fn client_of(cluster: &Cluster, user: &str) -> Client {
    let parameters = [
        ("user", user),
        ("database", "skein"),
        ("application_name", "sessions"),
    ];
    Client::connect_with(cluster.address(), &parameters).expect("the gateway accepts connections")
}

fn text(client: &mut Client, sql: &str) -> String {
    let result = client.query(sql).expect("the query runs");
    let rows = result.rows.iter().map(|row| {
        let cells = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL"));
        cells.collect::<Vec<_>>().join(",")
    });
    rows.collect::<Vec<_>>().join(";")
}

/// The error with which the server closes a connection, whatever comes before.
fn farewell(client: &mut Client) -> ServerError {
    loop {
        let message = client.receive().expect("an error comes before the end");
        if let Message::ErrorResponse(body) = message {
            let error = ServerError::read(body.fields()).expect("the error can be read");
            assert!(client.receive().is_err(), "the connection is closed");
            return error;
        }
    }
}

fn process_id(client: &mut Client) -> String {
    text(client, "SELECT pg_backend_pid()")
}

/// Waits until `watcher` sees the session in a state.
fn wait_for(watcher: &mut Client, process_id: &str, state: &str) {
    let sql = format!("SELECT state FROM pg_stat_activity WHERE pid = {process_id}");
    process::eventually("the session is seen", NOTICE_MAX, || {
        text(watcher, &sql) == state
    });
}

#[test]
fn a_session_ends_another_one_of_its_user() {
    let cluster = cluster();
    let (mut idle, mut busy) = (client_of(&cluster, "ann"), client_of(&cluster, "ann"));
    let mut other = client_of(&cluster, "ann");
    let (idle_id, busy_id) = (process_id(&mut idle), process_id(&mut busy));
    busy.send_query(ENDLESS).expect("the query can be sent");
    wait_for(&mut other, &busy_id, "active");
    let start = Instant::now();
    for id in [&idle_id, &busy_id] {
        // As Superset stops a query.
        let sql =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='{id}'");
        assert_eq!(text(&mut other, &sql), "t");
    }
    for mut ended in [busy, idle] {
        let error = farewell(&mut ended);
        assert_eq!((error.field('S'), error.sqlstate()), ("FATAL", "57P01"));
        let words = "terminating connection due to administrator command";
        assert_eq!(error.field('M'), words);
    }
    assert!(start.elapsed() < STOP_MAX, "it took {:?}", start.elapsed());
    assert!(
        process::idle_within(STOP_MAX).is_some(),
        "DuckDB goes on after its session has ended"
    );
    let sql = "SELECT count(*) FROM pg_stat_activity";
    process::eventually("both sessions are gone", NOTICE_MAX, || {
        text(&mut other, sql) == "1"
    });
    let gone = format!("SELECT pg_terminate_backend({idle_id})");
    assert_eq!(text(&mut other, &gone), "f");
}

#[test]
fn a_session_can_end_itself() {
    let cluster = cluster();
    let mut client = client_of(&cluster, "ann");
    client
        .send_query("SELECT pg_terminate_backend(pg_backend_pid())")
        .expect("the query can be sent");
    assert_eq!(farewell(&mut client).sqlstate(), "57P01");
}

#[test]
fn a_session_cancels_the_statement_of_another_one() {
    let cluster = cluster();
    let (mut busy, mut other) = (client_of(&cluster, "ann"), client_of(&cluster, "ann"));
    let id = process_id(&mut busy);
    busy.send_query("SELECT pg_sleep(300)")
        .expect("the query can be sent");
    wait_for(&mut other, &id, "active");
    let start = Instant::now();
    let sql = format!("SELECT pg_cancel_backend({id})");
    assert_eq!(text(&mut other, &sql), "t");
    let (sqlstate, error) = failure(busy.results());
    assert_eq!(sqlstate, "57014", "{error}");
    assert!(start.elapsed() < STOP_MAX, "it took {:?}", start.elapsed());
    assert_eq!(text(&mut busy, "SELECT 1"), "1");
}

#[test]
fn understood_statements_are_shared_but_not_what_they_show() {
    let cluster = cluster();
    let (mut ann, mut bob) = (client_of(&cluster, "ann"), client_of(&cluster, "bob"));
    let (ids, path) = ([process_id(&mut ann), process_id(&mut bob)], "pg_catalog");
    text(&mut bob, "SET search_path = pg_catalog");
    let sql = "SELECT current_user, current_schema(), current_setting('search_path'), \
         (SELECT setting FROM pg_settings WHERE name = 'search_path'), \
         (SELECT count(*) FROM pg_roles WHERE rolname = current_user), \
         (SELECT usename FROM pg_stat_activity WHERE pid = pg_backend_pid()), pg_backend_pid()";
    for _ in 0..2 {
        let public = "\"$user\", public";
        let seen = format!("ann,public,{public},{public},1,ann,{}", ids[0]);
        assert_eq!(text(&mut ann, sql), seen);
        let seen = format!("bob,{path},{path},{path},1,bob,{}", ids[1]);
        assert_eq!(text(&mut bob, sql), seen);
    }
    // Once by itself, so that nothing but the role is the session's.
    let sql = "SELECT rolname FROM pg_roles WHERE rolname !~ '^(pg_|skein$)'";
    assert_eq!(text(&mut ann, sql), "ann");
    assert_eq!(text(&mut bob, sql), "bob");
    text(&mut ann, "SET work_mem = '8MB'");
    let sql = "SELECT setting FROM pg_settings WHERE name = 'work_mem'";
    assert_eq!(text(&mut ann, sql), "8192");
    assert_eq!(text(&mut bob, sql), "4096");
}

#[test]
fn other_users_are_seen_but_not_their_statements() {
    let cluster = cluster();
    let (mut ann, mut bob) = (client_of(&cluster, "ann"), client_of(&cluster, "bob"));
    let id = process_id(&mut bob);
    text(&mut bob, "BEGIN; SELECT 'secret'");
    let sql = format!(
        "SELECT usename, datname, application_name, state, query, client_addr, xact_start \
         FROM pg_stat_activity WHERE pid = {id}"
    );
    let hidden = "bob,skein,sessions,NULL,<insufficient privilege>,NULL,NULL";
    assert_eq!(text(&mut ann, &sql), hidden);
    let own = "SELECT state, query FROM pg_stat_activity WHERE usename = 'bob'";
    assert_eq!(text(&mut bob, own), format!("active,{own}"));
    for function in ["pg_cancel_backend", "pg_terminate_backend"] {
        let (sqlstate, error) = failure(ann.query(&format!("SELECT {function}({id})")));
        assert_eq!(sqlstate, "42501", "{error}");
        assert!(error.contains("pg_signal_backend"), "{error}");
    }
    // Nor does a forged call help: the function behind is not the user's to call.
    for forged in [
        format!("SELECT skein_host('terminate', '{id}:0', '{id}')"),
        format!("SELECT skein_fn.skein_act_pg_terminate_backend('{id}:0', {id})"),
        format!("SELECT skein_act_pg_terminate_backend('{id}:0', {id})"),
        format!("SELECT pg_terminate_backend('{id}:0', {id}, 1)"),
    ] {
        let (sqlstate, error) = failure(ann.query(&forged));
        assert!(
            ["42883", "42501", "22P02"].contains(&sqlstate.as_str()),
            "{error}"
        );
    }
    assert_eq!(text(&mut bob, "SELECT 1"), "1");
}

#[test]
fn states_are_those_of_the_transaction() {
    let cluster = cluster();
    let (mut seen, mut other) = (client_of(&cluster, "ann"), client_of(&cluster, "ann"));
    let id = process_id(&mut seen);
    wait_for(&mut other, &id, "idle");
    text(&mut seen, "BEGIN");
    wait_for(&mut other, &id, "idle in transaction");
    let started = format!("SELECT xact_start IS NOT NULL FROM pg_stat_activity WHERE pid = {id}");
    assert_eq!(text(&mut other, &started), "t");
    failure(seen.query("SELECT nosuch"));
    wait_for(&mut other, &id, "idle in transaction (aborted)");
    text(&mut seen, "ROLLBACK");
    wait_for(&mut other, &id, "idle");
    assert_eq!(text(&mut other, &started), "f");
}

#[test]
fn sleeping_takes_its_time_and_can_be_stopped() {
    let cluster = cluster();
    let mut client = client_of(&cluster, "ann");
    let start = Instant::now();
    assert_eq!(
        text(
            &mut client,
            "SELECT pg_sleep(0.05) FROM generate_series(1, 3)"
        )
        .len(),
        2
    );
    assert!(start.elapsed() >= Duration::from_millis(150));
    text(&mut client, "SET statement_timeout = '50ms'");
    let start = Instant::now();
    let (sqlstate, error) = failure(client.query("SELECT pg_sleep(300)"));
    assert_eq!(sqlstate, "57014", "{error}");
    assert!(start.elapsed() < STOP_MAX, "it took {:?}", start.elapsed());
    text(&mut client, "SET statement_timeout = 0");
    client
        .send_query("SELECT pg_sleep(300)")
        .expect("the query can be sent");
    let mut watcher = client_of(&cluster, "ann");
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%300%' AND state = 'active' \
                AND pid <> pg_backend_pid()";
    process::eventually("it sleeps", NOTICE_MAX, || text(&mut watcher, busy) == "1");
    drop(client);
    process::eventually("it is gone with its client", NOTICE_MAX, || {
        text(&mut watcher, busy) == "0"
    });
}

#[test]
fn copy_can_be_canceled_while_it_sends() {
    let cluster = cluster();
    let mut client = client_of(&cluster, "ann");
    client
        .send_query("COPY (SELECT * FROM generate_series(1, 100000000000)) TO STDOUT")
        .expect("the query can be sent");
    let mut rows = 0;
    while rows < 1000 {
        if let Message::CopyData(_) = client.receive().expect("rows come") {
            rows += 1;
        }
    }
    client.cancel().expect("the request can be sent");
    let start = Instant::now();
    let error = loop {
        match client.receive().expect("rows, then an error") {
            Message::CopyData(_) => {}
            Message::ErrorResponse(body) => {
                break ServerError::read(body.fields()).expect("the error can be read");
            }
            _ => panic!("COPY ended"),
        }
    };
    assert_eq!(error.sqlstate(), "57014");
    assert!(start.elapsed() < STOP_MAX, "it took {:?}", start.elapsed());
    assert!(matches!(
        client.receive().expect("the session lives on"),
        Message::ReadyForQuery(_)
    ));
    assert_eq!(text(&mut client, "SELECT 1"), "1");
}

#[test]
fn many_sleep_while_others_work() {
    let cluster = cluster();
    let mut sleeping: Vec<Client> = (0..40).map(|_| client_of(&cluster, "ann")).collect();
    for client in &mut sleeping {
        client
            .send_query("SELECT pg_sleep(300), 1 AS one")
            .expect("the query can be sent");
    }
    let mut other = client_of(&cluster, "ann");
    let asleep = "FROM pg_stat_activity WHERE query LIKE '%one%' AND state = 'active' \
                  AND pid <> pg_backend_pid()";
    process::eventually("all of them sleep", NOTICE_MAX, || {
        text(&mut other, &format!("SELECT count(*) {asleep}")) == "40"
    });
    let canceled = text(
        &mut other,
        &format!("SELECT pg_cancel_backend(pid) {asleep}"),
    );
    assert_eq!(canceled, ["t"; 40].join(";"));
    for mut client in sleeping {
        let (sqlstate, error) = failure(client.results());
        assert_eq!(sqlstate, "57014", "{error}");
        let slept = client
            .query("SELECT pg_sleep(0.01), 1 AS one")
            .expect("the query runs");
        assert_eq!(slept.rows, [[Some(String::new()), Some("1".to_owned())]]);
        assert_eq!(slept.columns[0].name, "pg_sleep");
    }
}

/// Connects by the bytes of a startup packet, and gives the first message of each kind that came
/// before the server was ready.
fn start(cluster: &Cluster, version: u32) -> (TcpStream, BTreeMap<u8, Vec<u8>>) {
    let mut packet = version.to_be_bytes().to_vec();
    packet.extend_from_slice(b"user\0ann\0\0");
    let length = u32::try_from(packet.len() + 4).expect("short");
    let mut stream = TcpStream::connect(cluster.address()).expect("the gateway listens");
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("a timeout can be set");
    stream
        .write_all(&[&length.to_be_bytes()[..], &packet].concat())
        .expect("the packet can be sent");
    let mut messages = BTreeMap::new();
    while !messages.contains_key(&b'Z') {
        let (tag, body) = message(&mut stream);
        messages.entry(tag).or_insert(body);
    }
    (stream, messages)
}

fn message(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).expect("a message comes");
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).expect("a whole message comes");
    (head[0], body)
}

#[test]
fn functions_are_called_by_their_oid() {
    let cluster = cluster();
    let (mut stream, _) = start(&cluster, 3 << 16);
    // The OIDs of upper() and random() have never changed.
    let upper = |formats: &[u8], value: Option<&[u8]>, result: u8| {
        let mut body = 871_u32.to_be_bytes().to_vec();
        body.extend_from_slice(formats);
        body.extend_from_slice(&[0, 1]);
        match value {
            None => body.extend_from_slice(&[0xff; 4]),
            Some(value) => {
                let length = u32::try_from(value.len()).expect("short");
                body.extend_from_slice(&length.to_be_bytes());
                body.extend_from_slice(value);
            }
        }
        body.extend_from_slice(&[0, result]);
        body
    };
    for (body, expected) in [
        (upper(&[0, 0], Some("aé".as_bytes()), 0), Some("AÉ")),
        (upper(&[0, 1, 0, 1], Some(b"abc"), 1), Some("ABC")),
        (upper(&[0, 0], Some(b""), 0), Some("")),
        (upper(&[0, 0], None, 0), None),
    ] {
        let length = u32::try_from(body.len() + 4).expect("short");
        let call = [b"F", &length.to_be_bytes()[..], &body].concat();
        stream.write_all(&call).expect("the call can be sent");
        let (tag, answer) = message(&mut stream);
        assert_eq!(char::from(tag), 'V', "{}", String::from_utf8_lossy(&answer));
        let value = match answer.split_at(4) {
            ([0xff, 0xff, 0xff, 0xff], _) => None,
            (_, value) => Some(std::str::from_utf8(value).expect("UTF-8")),
        };
        assert_eq!(value, expected);
        assert_eq!(message(&mut stream).0, b'Z');
    }
}

#[test]
fn a_newer_protocol_is_negotiated() {
    const VERSION_3: u32 = 3 << 16;
    for (spoken, wanted, told) in [
        (0, 0, None),
        (0, 2, Some(0)),
        (2, 2, None),
        (2, 9999, Some(2)),
    ] {
        let options = ClusterOptions {
            gateway: format!("protocol_minor_max = {spoken}"),
            ..ClusterOptions::new(&random_relations(Layout::Few))
        };
        let cluster = Cluster::start(&options);
        let (mut stream, messages) = start(&cluster, VERSION_3 + wanted);
        let negotiated = messages.get(&b'v').map(|body| body[..4].to_vec());
        let expected = told.map(|minor: u32| (VERSION_3 + minor).to_be_bytes().to_vec());
        assert_eq!(negotiated, expected, "3.{wanted} of 3.{spoken}");
        let key = &messages[&b'K'];
        let bytes = if spoken.min(wanted) >= 2 { 32 } else { 4 };
        assert_eq!(key.len(), 4 + bytes, "3.{wanted} of 3.{spoken}");
        // Its key cancels.
        let sql = b"SELECT pg_sleep(300)\0";
        let length = u32::try_from(sql.len() + 4).expect("short");
        let query = [b"Q", &length.to_be_bytes()[..], sql].concat();
        stream.write_all(&query).expect("the query can be sent");
        let mut watcher = client_of(&cluster, "ann");
        let id = i32::from_be_bytes([key[0], key[1], key[2], key[3]]).to_string();
        wait_for(&mut watcher, &id, "active");
        let mut cancel = u32::try_from(key.len() + 8)
            .expect("short")
            .to_be_bytes()
            .to_vec();
        cancel.extend_from_slice(&80_877_102_u32.to_be_bytes());
        cancel.extend_from_slice(key);
        TcpStream::connect(cluster.address())
            .and_then(|mut stream| stream.write_all(&cancel))
            .expect("the request can be sent");
        let error = loop {
            let (tag, body) = message(&mut stream);
            if tag == b'E' {
                break String::from_utf8_lossy(&body).into_owned();
            }
        };
        assert!(error.contains("57014"), "{error}");
    }
}
