//! Files that change or vanish while executors read them: the old answer, the new one, or an error, never
//! a mix of two.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres_protocol::message::backend::Message;
use skein_tests::client::{Client, ServerError};
use skein_tests::data::sets::{Layout, private, random_relations};
use skein_tests::fleet::{Fleet, FleetOptions};
use skein_tests::process::{cpu_time_of, eventually};
use skein_tests::program::Signal;

use crate::failure;
use crate::statements::ENDLESS;

/// How long a step may take, on a busy machine.
const STEP_MAX: Duration = Duration::from_mins(1);
/// So many rows are read before a file changes: more than are held back.
const ROWS: u64 = 50_000;
/// The day whose file changes; it gets the rows of the first one.
const DAY: u32 = 3;

fn file_of_day(folder: &Path, day: u32) -> PathBuf {
    folder.join(format!("facts/day=2026-03-{day:02}/part-000.parquet"))
}

/// A gateway that believes a listing for the whole test.
fn fleet(folder: &Path) -> Fleet {
    Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 200\n\n[catalog]\nlisting_ttl_ms = 3600000".to_owned(),
        ..FleetOptions::new(folder, 2)
    })
}

/// How a file may become another one, the SQLSTATE of a result that has begun, and an exchange to try it
/// with.
type Change = (&'static str, fn(&Path), &'static str, &'static str);

fn in_place(folder: &Path) {
    let other = fs::read(file_of_day(folder, 1)).expect("the other file is there");
    fs::write(file_of_day(folder, DAY), other).expect("the file can be written");
}

fn by_another(folder: &Path) {
    let unfinished = folder.join("unfinished.tmp");
    fs::copy(file_of_day(folder, 1), &unfinished).expect("a file can be copied");
    fs::rename(&unfinished, file_of_day(folder, DAY)).expect("a file can be moved");
}

fn vanish(folder: &Path) {
    fs::remove_file(file_of_day(folder, DAY)).expect("a file can be removed");
}

const CHANGES: [Change; 3] = [
    ("written in place", in_place, "40001", "hash"),
    ("replaced by another", by_another, "40001", "gather"),
    ("removed", vanish, "58P01", "hash"),
];

/// Reads a result whose file has changed to its end, which has to be an error.
fn error_of(client: &mut Client) -> ServerError {
    let mut failed = None;
    loop {
        match client.receive().expect("the gateway lives") {
            Message::ErrorResponse(body) => {
                failed = Some(ServerError::read(body.fields()).expect("the error can be read"));
            }
            Message::CommandComplete(_) => panic!("it looks complete"),
            Message::ReadyForQuery(_) => return failed.expect("an error"),
            _ => {}
        }
    }
}

#[test]
fn a_result_that_has_begun_ends_with_an_error_when_a_file_changes() {
    for (what, change, sqlstate, exchange) in CHANGES {
        let folder = private(&random_relations(Layout::Few));
        let fleet = fleet(folder.path());
        let mut client = fleet.client();
        client
            .query(&format!("SET skein.exchange = {exchange}"))
            .expect("the setting exists");
        // Some hundred thousand rows, many times what is held back.
        let sql = "SELECT a.id, b.id, c.id, repeat(a.g, 10) FROM facts a JOIN facts b USING (k), \
                   facts c WHERE c.id < 30";
        client.send_query(sql).expect("the query can be sent");
        let mut rows = 0;
        while rows < ROWS {
            match client.receive().expect("the gateway lives") {
                Message::DataRow(_) => rows += 1,
                Message::RowDescription(_) => {}
                _ => panic!("rows come, and nothing else"),
            }
        }
        change(folder.path());
        let error = error_of(&mut client);
        // Written in place, DuckDB may also stumble over what it reads.
        assert_eq!(error.sqlstate(), sqlstate, "{what}, {exchange}: {error:?}");
        assert!(error.field('M').contains("day=2026-03-03"), "{error:?}");
        // The next statement sees what is there now.
        client
            .query("SELECT count(*) FROM facts")
            .expect("the session lives on");
    }
}

#[test]
fn a_statement_without_rows_yet_is_run_again_over_the_files_of_now() {
    let sql = "SELECT count(*), bit_xor(hash(a.id, b.id, c.id)) FROM facts a JOIN facts b USING (k), \
               facts c";
    for (what, change, _, exchange) in CHANGES {
        let folder = private(&random_relations(Layout::Few));
        let mut fleet = fleet(folder.path());
        let mut client = fleet.client();
        client
            .query(&format!("SET skein.exchange = {exchange}"))
            .expect("the setting exists");
        let before = client.query(sql).expect("the query runs").rows;
        // One executor stands still, so that the statement cannot have ended when the file changes.
        fleet.signal(1, Signal::Stop);
        let id = fleet.executor(0).id().to_string();
        let used = cpu_time_of(&id);
        client.send_query(sql).expect("the query can be sent");
        eventually("the other one has begun", STEP_MAX, || {
            cpu_time_of(&id) > used
        });
        change(folder.path());
        fleet.signal(1, Signal::Cont);
        let seen = client.results().expect("it is answered").remove(0).rows;
        assert_ne!(seen, before, "{what}, {exchange}");
        let mut whole = fleet.client();
        whole
            .query("SET skein.split = never")
            .expect("the setting exists");
        let expected = whole.query(sql).expect("the query runs").rows;
        assert_eq!(seen, expected, "{what}, {exchange}");
    }
}

#[test]
fn a_transaction_on_executors_never_sees_two_versions_of_a_file() {
    for (what, change, sqlstate, _) in CHANGES {
        let folder = private(&random_relations(Layout::Few));
        let fleet = fleet(folder.path());
        let mut client = fleet.client();
        ENDLESS[2].prepare(&mut client);
        client.query("BEGIN").expect("a transaction begins");
        client
            .query("SELECT count(*) FROM facts")
            .expect("all files are well");
        change(folder.path());
        let sum = "SELECT k, sum(id) FROM facts GROUP BY k";
        let (found, text) = failure(client.query(sum));
        assert_eq!(found, sqlstate, "{what}: {text}");
        assert!(text.contains("day=2026-03-03"), "{text}");
        client.query("ROLLBACK").expect("the transaction ends");
        client.query(sum).expect("the session lives on");
    }
}
