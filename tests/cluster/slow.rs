//! Executors that are slow: behind a network that is, or given the processor by turns.

use std::time::{Duration, Instant};

use skein_tests::client::{Client, Row};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::executor::{ExecutorOptions, ExecutorProcess};
use skein_tests::fleet::{Fleet, FleetOptions};
use skein_tests::process::eventually;
use skein_tests::program::Signal;
use skein_tests::proxy::Proxy;

use crate::failure;

/// How long a step may take, on a busy machine.
const STEP_MAX: Duration = Duration::from_mins(1);

/// Statements of every exchange, of which some return much.
const STATEMENTS: &[(&str, &str)] = &[
    (
        "gather",
        "SELECT k, count(*), sum(id) FROM facts GROUP BY k ORDER BY k",
    ),
    (
        "gather",
        "SELECT a.id, b.id, a.g FROM facts a, facts b WHERE b.id < 60 ORDER BY 1, 2",
    ),
    (
        "hash",
        "SELECT a.id, count(*), sum(hash(b.id) % 100) FROM facts a JOIN facts b USING (k) \
         GROUP BY a.id ORDER BY 1",
    ),
    (
        "broadcast",
        "SELECT x.k, count(*) FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) x \
         JOIN facts b USING (k) GROUP BY x.k ORDER BY 1",
    ),
];

/// The rows of all statements, each with its exchange.
fn answers(client: &mut Client) -> Vec<Vec<Row>> {
    let run = |(exchange, sql): &(&str, &str)| {
        client
            .query(&format!("SET skein.exchange = {exchange}"))
            .expect("the setting exists");
        client.query(sql).expect("it is answered").rows
    };
    STATEMENTS.iter().map(run).collect()
}

#[test]
fn an_executor_behind_a_slow_network_is_waited_for() {
    let folder = random_relations(Layout::Few);
    let far = ExecutorProcess::start(&ExecutorOptions::new(&folder)).expect("an executor starts");
    let proxy = Proxy::start(far.address());
    let fleet = Fleet::start(FleetOptions {
        // Nobody is given up in the time that the test takes.
        gateway: "health_interval_ms = 500\nhealth_failures_max = 100".to_owned(),
        others: vec![proxy.address()],
        ..FleetOptions::new(&folder, 1)
    });
    let mut client = fleet.client();
    let expected = answers(&mut client);
    let before = proxy.passed();
    assert!(before > 0, "nothing went there");

    // Some hundred kilobytes a second, and 40 milliseconds there and back.
    proxy.slow(Duration::from_millis(20));
    assert_eq!(answers(&mut client), expected);
    assert!(proxy.passed() > before, "nothing went there");

    // The network stands still in the middle of statements, and goes on after a while.
    for (exchange, sql) in STATEMENTS {
        client
            .query(&format!("SET skein.exchange = {exchange}"))
            .expect("the setting exists");
        let passed = proxy.passed();
        client.send_query(sql).expect("the query can be sent");
        eventually("it has begun", STEP_MAX, || proxy.passed() > passed);
        proxy.hold(true);
        std::thread::sleep(Duration::from_millis(1500));
        proxy.hold(false);
        let rows = client.results().expect("it is answered").remove(0).rows;
        let place = STATEMENTS.iter().position(|(_, other)| other == sql);
        assert_eq!(rows, expected[place.expect("one of them")], "{sql}");
    }

    // A statement that does not want to wait says so, and the executor stays in use.
    client
        .query("SET statement_timeout = 1000")
        .expect("the setting exists");
    proxy.hold(true);
    let start = Instant::now();
    let (sqlstate, text) = failure(client.query(STATEMENTS[0].1));
    let took = start.elapsed();
    proxy.hold(false);
    assert_eq!(sqlstate, "57014", "{text}");
    assert!(
        took >= Duration::from_secs(1) && took < STEP_MAX,
        "{took:?}"
    );
    client
        .query("SET statement_timeout = 0")
        .expect("the setting exists");
    fleet.wait_for_state(2, "healthy");
    assert_eq!(answers(&mut client), expected);
}

/// A network that never goes on is a lost executor: others do its work.
#[test]
fn an_executor_whose_network_stands_still_is_given_up() {
    let folder = random_relations(Layout::Few);
    let far = ExecutorProcess::start(&ExecutorOptions::new(&folder)).expect("an executor starts");
    let proxy = Proxy::start(far.address());
    let fleet = Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 200\nhealth_timeout_ms = 1000\nhealth_failures_max = 2"
            .to_owned(),
        others: vec![proxy.address()],
        ..FleetOptions::new(&folder, 1)
    });
    let mut client = fleet.client();
    let expected = answers(&mut client);
    proxy.hold(true);
    assert_eq!(answers(&mut client), expected);
    fleet.wait_for_state(1, "unreachable");
    proxy.hold(false);
    fleet.wait_for_state(2, "healthy");
    assert_eq!(answers(&mut client), expected);
}

/// The gateway reaches both, and they cannot reach each other, as with a firewall between them: one of the two
/// answers alone.
#[test]
fn executors_that_cannot_reach_each_other_do_without_one() {
    let folder = random_relations(Layout::Few);
    let far = ExecutorProcess::start(&ExecutorOptions::new(&folder)).expect("an executor starts");
    let proxy = Proxy::start(far.address());
    let fleet = Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 200".to_owned(),
        others: vec![proxy.address()],
        ..FleetOptions::new(&folder, 1)
    });
    let mut client = fleet.client();
    // The gateway is connected to both now, and they are not to each other.
    let gathered = STATEMENTS
        .iter()
        .filter(|(exchange, _)| *exchange == "gather");
    assert!(gathered.clone().count() > 0);
    for (_, sql) in gathered {
        client
            .query("SET skein.exchange = gather")
            .expect("the setting exists");
        client.query(sql).expect("it is answered");
    }
    proxy.refuse(true);
    let alone = answers(&mut client);
    fleet.wait_for_state(1, "suspect");
    let why = client
        .query("SELECT last_error FROM skein.executors WHERE state = 'suspect'")
        .expect("they are listed");
    let why = format!("{:?}", why.rows);
    assert!(why.contains(&proxy.address().to_string()), "{why}");
    proxy.refuse(false);
    assert_eq!(answers(&mut client), alone);
}

/// An executor that gets a tenth of the time, as on a machine that does too much.
#[test]
fn an_executor_that_gets_little_time_is_waited_for() {
    let mut fleet = Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 500".to_owned(),
        ..FleetOptions::new(&random_relations(Layout::Few), 2)
    });
    let mut client = fleet.client();
    let expected = answers(&mut client);
    for _ in 0..2 {
        let running = std::thread::spawn(move || {
            let answers = answers(&mut client);
            (client, answers)
        });
        while !running.is_finished() {
            fleet.signal(1, Signal::Stop);
            std::thread::sleep(Duration::from_millis(90));
            fleet.signal(1, Signal::Cont);
            std::thread::sleep(Duration::from_millis(10));
        }
        let (returned, answers) = running.join().expect("it is answered");
        client = returned;
        assert_eq!(answers, expected);
    }
}
