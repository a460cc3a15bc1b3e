//! Results that have begun to leave when something is lost: they end with an error, and never look
//! complete. Rows leave early enough to be seen.

use std::time::Duration;

use postgres_protocol::message::backend::Message;
use skein_tests::client::{Client, ServerError};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::fleet::{Fleet, FleetOptions};
use skein_tests::process::eventually;
use skein_tests::program::Signal;

use crate::statements::ENDLESS;

/// So many rows are read before something is lost: more than are held back.
const ROWS: u64 = 100_000;
const BRIEF: &str = "SELECT count(*) FROM facts";

/// How a result that has begun ends: how many more rows come, and the error.
fn end_of(client: &mut Client) -> (u64, ServerError) {
    let (mut rows, mut failed) = (0, None);
    loop {
        match client.receive().expect("the gateway lives") {
            Message::DataRow(_) => rows += 1,
            Message::ErrorResponse(body) => {
                failed = Some(ServerError::read(body.fields()).expect("the error can be read"));
            }
            Message::CommandComplete(_) => panic!("it looks complete after {rows} more rows"),
            Message::ReadyForQuery(_) => return (rows, failed.expect("an error")),
            _ => {}
        }
    }
}

fn read_rows(client: &mut Client, count: u64) {
    let mut rows = 0;
    while rows < count {
        match client.receive().expect("the gateway lives") {
            Message::DataRow(_) => rows += 1,
            Message::RowDescription(_) => {}
            _ => panic!("rows come, and nothing else"),
        }
    }
}

#[test]
fn a_result_that_has_begun_never_looks_complete_when_an_executor_is_killed() {
    let mut fleet = Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 200".to_owned(),
        ..FleetOptions::new(&random_relations(Layout::Few), 2)
    });
    for (round, endless) in ENDLESS.iter().enumerate() {
        let mut client = fleet.client();
        endless.prepare(&mut client);
        client
            .send_query(endless.streaming)
            .expect("the query can be sent");
        read_rows(&mut client, ROWS);
        let victim = round % 2;
        fleet.kill(victim);
        let (_, error) = end_of(&mut client);
        assert_eq!(error.sqlstate(), "08006", "{}: {error:?}", endless.exchange);
        let named = fleet.address_of(victim).to_string();
        assert!(error.field('M').contains(&named), "{error:?}");
        // The session goes on with those that are left.
        let rows = client.query(BRIEF).expect("the others answer").rows;
        assert_eq!(rows[0][0].as_deref(), Some("501"));
        fleet.restart(victim);
        fleet.wait_for_state(2, "healthy");
    }
}

/// The last executor stands still before its first row. The rows of the first one are held back for a
/// moment, then seen; the result is complete when the last one goes on.
#[test]
fn rows_of_one_executor_are_seen_while_another_has_none() {
    let mut fleet = Fleet::start(FleetOptions {
        // Nobody gives the executor up in the time that the test takes.
        gateway: "health_interval_ms = 600000\nretry_buffer_ms = 100".to_owned(),
        ..FleetOptions::new(&random_relations(Layout::Few), 2)
    });
    let mut client = fleet.client();
    let sql = "SELECT id, g FROM facts";
    let plan = client
        .query(&format!("EXPLAIN {sql}"))
        .expect("it is explained");
    let lines: Vec<String> = plan.rows.into_iter().flatten().flatten().collect();
    let second = (0..2).find(|index| {
        let place = format!("1 on {}", fleet.address_of(*index));
        lines.iter().any(|line| line.contains(&place))
    });
    let second = second.unwrap_or_else(|| panic!("there are two fragments: {lines:?}"));
    client.query(sql).expect("every connection is open");
    fleet.signal(second, Signal::Stop);
    client.send_query(sql).expect("the query can be sent");
    read_rows(&mut client, 1);
    // It has not said a word yet, and says the rest now.
    fleet.signal(second, Signal::Cont);
    let result = client.results().expect("the result is complete").remove(0);
    assert_eq!(result.rows.len(), 500);
}

/// The numbers are those of now, although nobody asks for minutes how executors are.
#[test]
fn what_executors_have_done_is_shown_at_once() {
    let fleet = Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 600000".to_owned(),
        ..FleetOptions::new(&random_relations(Layout::Few), 2)
    });
    let mut client = fleet.client();
    for _ in 0..2 {
        client.query(BRIEF).expect("the query runs");
    }
    let sql = "SELECT min(fragments), sum(running_fragments), min(bytes_sent) > 0 \
               FROM skein.executors WHERE address IS NOT NULL";
    // An executor may be late on a busy machine; then it is shown as it was.
    eventually(
        "both have run their fragments",
        Duration::from_secs(30),
        || {
            let rows = client.query(sql).expect("executors are shown").rows;
            let cells: Vec<&str> = rows[0].iter().flatten().map(String::as_str).collect();
            cells == ["2", "0", "t"]
        },
    );
}
