//! Files that are damaged, gone, new, or changed while a gateway serves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use skein_tests::client::{Client, QueryError, ResultSet};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::process;

use crate::{failure, private_data};

const COUNT: &str = "SELECT count(*) FROM facts";

/// A gateway that believes a listing for the whole test.
fn cluster(folder: &Path) -> Cluster {
    let options = ClusterOptions {
        catalog: "listing_ttl_ms = 3600000".to_owned(),
        ..ClusterOptions::new(folder).executors(2)
    };
    Cluster::start(&options)
}

fn file_of_day(folder: &Path, day: u32) -> PathBuf {
    folder.join(format!("facts/day=2026-03-{day:02}/part-000.parquet"))
}

fn count(client: &mut Client) -> u64 {
    let result = client.query(COUNT).expect("the relation can be read");
    result.rows[0][0]
        .as_deref()
        .and_then(|text| text.parse().ok())
        .expect("a count is a number")
}

fn lives_on(client: &mut Client) {
    let result = client
        .query("SELECT count(*) FROM notes")
        .expect("the session lives on");
    assert_eq!(result.rows[0][0].as_deref(), Some("120"));
}

#[test]
fn a_damaged_file_is_named_and_the_session_lives_on() {
    for split in ["skein.split = never", "skein.split = always"] {
        let folder = private_data();
        let cluster = cluster(folder.path());
        let mut client = cluster.client_with(&[split]);
        client.query(COUNT).expect("all files are well");
        let file = file_of_day(folder.path(), 3);
        let bytes = fs::read(&file).expect("the file is there");
        fs::write(&file, &bytes[..bytes.len() / 2]).expect("the file can be damaged");
        let (sqlstate, text) = failure(client.query("SELECT sum(id), max(g) FROM facts"));
        assert_eq!(sqlstate, "XX001", "{text}");
        assert!(
            text.contains("day=2026-03-03"),
            "the message does not name the file: {text}"
        );
        lives_on(&mut client);
    }
}

#[test]
fn a_vanished_file_is_no_longer_read() {
    for split in ["skein.split = never", "skein.split = always"] {
        let folder = private_data();
        let cluster = cluster(folder.path());
        let mut client = cluster.client_with(&[split]);
        let before = count(&mut client);
        fs::remove_file(file_of_day(folder.path(), 5)).expect("the file can be removed");
        assert_eq!(count(&mut client), before - 50);
        lives_on(&mut client);
    }
}

#[test]
fn a_file_that_vanishes_in_a_transaction_is_named() {
    for split in ["skein.split = never", "skein.split = always"] {
        let folder = private_data();
        let cluster = cluster(folder.path());
        let mut client = cluster.client_with(&[split]);
        client.query("BEGIN").expect("a transaction begins");
        let before = count(&mut client);
        fs::remove_file(file_of_day(folder.path(), 5)).expect("the file can be removed");
        let (sqlstate, text) = failure(client.query("SELECT sum(id), max(g) FROM facts"));
        assert_eq!(sqlstate, "58P01", "{text}");
        assert!(
            text.contains("day=2026-03-05"),
            "the message does not name the file: {text}"
        );
        client.query("ROLLBACK").expect("the transaction ends");
        assert_eq!(count(&mut client), before - 50);
        lives_on(&mut client);
    }
}

/// Gives a file the rows of another one, in place.
fn overwrite(folder: &Path, day: u32) {
    let other = fs::read(file_of_day(folder, 1)).expect("the other file is there");
    fs::write(file_of_day(folder, day), other).expect("the file can be written");
}

#[test]
fn an_overwritten_file_is_read_anew() {
    for split in ["skein.split = never", "skein.split = always"] {
        let folder = private_data();
        let cluster = cluster(folder.path());
        let mut client = cluster.client_with(&[split]);
        let rows = |client: &mut Client| client.query(&ids_of(3)).expect("can be read").rows;
        let before = rows(&mut client);
        overwrite(folder.path(), 3);
        let after = rows(&mut client);
        assert_ne!(after, before);
        let expected = client.query(&ids_of(1)).expect("can be read").rows;
        assert_eq!(after, expected);
    }
}

fn ids_of(day: u32) -> String {
    format!("SELECT count(*), sum(id) FROM facts WHERE day = DATE '2026-03-{day:02}'")
}

#[test]
fn a_transaction_never_sees_two_versions_of_a_file() {
    let change: [fn(&Path); 3] = [
        |folder| overwrite(folder, 3),
        |folder| {
            let file = fs::File::options().write(true).open(file_of_day(folder, 3));
            file.and_then(|file| file.set_len(100))
                .expect("the file can be truncated");
        },
        |folder| {
            let unfinished = folder.join("unfinished.tmp");
            fs::copy(file_of_day(folder, 1), &unfinished).expect("a file can be copied");
            fs::rename(&unfinished, file_of_day(folder, 3)).expect("a file can be moved");
        },
    ];
    for change in change {
        for split in ["skein.split = never", "skein.split = always"] {
            let folder = private_data();
            let cluster = cluster(folder.path());
            let mut client = cluster.client_with(&[split]);
            client.query("BEGIN").expect("a transaction begins");
            client.query(COUNT).expect("all files are well");
            change(folder.path());
            let (sqlstate, text) = failure(client.query(&ids_of(3)));
            assert_eq!(sqlstate, "40001", "{text}");
            assert!(
                text.contains("day=2026-03-03"),
                "the message does not name the file: {text}"
            );
            let (sqlstate, _) = failure(client.query("SELECT 1"));
            assert_eq!(sqlstate, "25P02");
            client.query("ROLLBACK").expect("the transaction ends");
            lives_on(&mut client);
        }
    }
}

#[test]
fn a_transaction_begins_with_the_files_as_they_are() {
    let folder = private_data();
    let cluster = cluster(folder.path());
    let mut client = cluster.client();
    client.query(COUNT).expect("all files are well");
    client.query("BEGIN").expect("a transaction begins");
    // The listing is from before; no statement of this transaction has read the file.
    client
        .query("SELECT count(*) FROM notes")
        .expect("another relation can be read");
    overwrite(folder.path(), 3);
    let seen = client.query(&ids_of(3)).expect("the new rows are read");
    let expected = client.query(&ids_of(1)).expect("the transaction goes on");
    assert_eq!(seen.rows, expected.rows);
}

#[test]
fn a_file_replaced_while_it_is_read_ends_the_result_with_an_error() {
    let folder = private_data();
    let cluster = cluster(folder.path());
    let mut client = cluster.client();
    client.query("BEGIN").expect("a transaction begins");
    client
        .query("DECLARE c CURSOR FOR SELECT a.*, b.* FROM facts a, facts b WHERE a.id < 300")
        .expect("a cursor is declared");
    client.query("FETCH 10 FROM c").expect("rows come");
    overwrite(folder.path(), 3);
    let (sqlstate, text) = failure(client.query("FETCH ALL FROM c"));
    // Overwritten in place, DuckDB may also stumble over what it reads.
    assert_eq!(sqlstate, "40001", "{text}");
    assert!(text.contains("day=2026-03-03"), "{text}");
}

#[test]
fn a_statement_whose_files_change_while_it_runs_is_run_again() {
    let folder = private_data();
    let cluster = cluster(folder.path());
    let mut client = cluster.client();
    let slow = "SELECT count(*), bit_xor(hash(a.id, b.id, c.id)) FROM facts a, facts b, facts c \
                WHERE c.id < 400";
    client.send_query(slow).expect("the query can be sent");
    let before = process::cpu_time();
    process::eventually("the query runs", Duration::from_secs(20), || {
        process::cpu_time() > before + Duration::from_millis(300)
    });
    overwrite(folder.path(), 3);
    let seen = client.results().expect("the query is run again");
    let expected = client.query_all(slow).expect("the query runs");
    assert_eq!(seen, expected);
}

#[test]
fn a_damaged_line_of_csv_is_an_error_and_not_a_wrong_row() {
    let folder = private_data();
    let cluster = cluster(folder.path());
    let mut client = cluster.client();
    client
        .query("SELECT sum(k) FROM dims")
        .expect("all files are well");
    let file = folder.path().join("dims/part-001.csv");
    let text = fs::read_to_string(&file).expect("the file is there");
    // Beyond the rows from which DuckDB takes the types of columns.
    let text = text + &"1,x,1,2\n".repeat(30_000) + "not a number,x,1,2\n";
    fs::write(&file, text).expect("the file can be written");
    let (sqlstate, text) = failure(client.query("SELECT sum(k) FROM dims"));
    assert!(
        ["22P02", "22P04", "XX001"].contains(&sqlstate.as_str()),
        "{text}"
    );
    lives_on(&mut client);
}

/// Runs a prepared statement without parameters.
fn execute(client: &mut Client, name: &str) -> Result<Vec<ResultSet>, QueryError> {
    let mut messages = BytesMut::new();
    let no_values = std::iter::empty::<()>();
    let bound = frontend::bind(
        "",
        name,
        [],
        no_values,
        |(), _| Ok(IsNull::Yes),
        [],
        &mut messages,
    );
    assert!(bound.is_ok(), "it can be written");
    frontend::execute("", 0, &mut messages).expect("it can be written");
    frontend::sync(&mut messages);
    client.send(&messages)?;
    client.results()
}

/// asyncpg and pgjdbc prepare a statement again when they are told so by this SQLSTATE and routine.
#[test]
fn a_prepared_statement_sees_that_a_file_brings_a_column() {
    let folder = private_data();
    let options = ClusterOptions {
        catalog: "listing_ttl_ms = 0".to_owned(),
        ..ClusterOptions::new(folder.path())
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client();
    let everything = "SELECT * FROM notes WHERE id = 5";
    let summary = "SELECT count(*), max(note) FROM notes";
    for (name, sql) in [("everything", everything), ("summary", summary)] {
        let mut messages = BytesMut::new();
        frontend::parse(name, sql, [], &mut messages).expect("it can be written");
        frontend::sync(&mut messages);
        client.send(&messages).expect("it can be sent");
        client.results().expect(sql);
        execute(&mut client, name).expect(sql);
    }
    let unfinished = folder.path().join("unfinished.tmp");
    let line = r#"{"id": 1000, "k": 1, "note": "z", "amount": 5, "extra": "new"}"#;
    fs::write(&unfinished, line).expect("a file can be written");
    fs::rename(&unfinished, folder.path().join("notes/new.json")).expect("a file can be moved");
    match execute(&mut client, "everything") {
        Err(QueryError::Server(error)) => {
            assert_eq!(error.sqlstate(), "0A000", "{error:?}");
            assert_eq!(error.field('M'), "cached plan must not change result type");
            assert_eq!(error.field('R'), "RevalidateCachedQuery");
        }
        other => panic!("{other:?}"),
    }
    let summary = execute(&mut client, "summary").expect("its columns are the same");
    assert_eq!(
        summary[0].rows,
        [[Some("121".to_owned()), Some("z".to_owned())]]
    );
    let extra = client.query("SELECT extra FROM notes WHERE id = 1000");
    assert_eq!(extra.expect("the column is there").rows.len(), 1);
}

#[test]
fn a_new_file_appears_without_a_restart() {
    let folder = private_data();
    let options = ClusterOptions {
        catalog: "listing_ttl_ms = 50".to_owned(),
        ..ClusterOptions::new(folder.path())
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client();
    let before = count(&mut client);
    let new = file_of_day(folder.path(), 20);
    fs::create_dir_all(new.parent().expect("it is in a folder")).expect("a folder can be made");
    // Written elsewhere and moved, as whoever adds files should do.
    let unfinished = folder.path().join("unfinished.tmp");
    fs::copy(file_of_day(folder.path(), 1), &unfinished).expect("a file can be copied");
    fs::rename(&unfinished, &new).expect("a file can be moved");
    process::eventually("the new file is seen", Duration::from_secs(10), || {
        count(&mut client) > before
    });
    assert_eq!(count(&mut client), before + 50);
}

#[test]
fn a_transaction_sees_the_files_of_its_beginning() {
    let folder = private_data();
    let options = ClusterOptions {
        catalog: "listing_ttl_ms = 0".to_owned(),
        ..ClusterOptions::new(folder.path())
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client();
    client.query("BEGIN").expect("a transaction begins");
    let before = client.query(COUNT).expect("the relation can be read");
    let new = file_of_day(folder.path(), 20);
    fs::create_dir_all(new.parent().expect("it is in a folder")).expect("a folder can be made");
    fs::copy(file_of_day(folder.path(), 1), &new).expect("a file can be copied");
    assert_eq!(
        client.query(COUNT).expect("the relation can be read"),
        before
    );
    client.query("COMMIT").expect("the transaction ends");
    assert_ne!(
        client.query(COUNT).expect("the relation can be read"),
        before
    );
}

/// A new statement has the columns that there are; a prepared one says that they have changed.
#[test]
fn only_prepared_statements_mind_other_columns() {
    let folder = private_data();
    let cluster = Cluster::start(&ClusterOptions {
        catalog: "listing_ttl_ms = 0".to_owned(),
        ..ClusterOptions::new(folder.path())
    });
    let mut client = cluster.client();
    let columns = |result: &ResultSet| result.columns.len();
    client
        .query("PREPARE before AS SELECT * FROM notes")
        .expect("a statement");
    let before = columns(
        &client
            .query("SELECT * FROM notes")
            .expect("the relation can be read"),
    );
    let notes = folder.path().join("notes");
    let file = fs::read_dir(&notes)
        .expect("the folder is there")
        .flatten()
        .next()
        .expect("a file");
    let text = fs::read_to_string(file.path());
    let Ok(text) = text else {
        panic!("{} is no text", file.path().display());
    };
    let more: String = text
        .lines()
        .map(|line| line.replacen('{', "{\"added\":1,", 1) + "\n")
        .collect();
    fs::write(file.path(), more).expect("the file can be written");
    let after = client
        .query("SELECT * FROM notes")
        .expect("the relation can be read");
    assert_eq!(columns(&after), before + 1);
    let (sqlstate, text) = failure(client.query("EXECUTE before"));
    assert_eq!(sqlstate, "0A000", "{text}");
}
