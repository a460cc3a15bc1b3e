//! Files that are damaged, gone, new, or changed while a gateway serves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use skein_tests::client::Client;
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
fn a_vanished_file_is_named_and_the_session_lives_on() {
    for split in ["skein.split = never", "skein.split = always"] {
        let folder = private_data();
        let cluster = cluster(folder.path());
        let mut client = cluster.client_with(&[split]);
        client.query(COUNT).expect("all files are there");
        fs::remove_file(file_of_day(folder.path(), 5)).expect("the file can be removed");
        let (sqlstate, text) = failure(client.query("SELECT sum(id), max(g) FROM facts"));
        assert_eq!(sqlstate, "58P01", "{text}");
        assert!(
            text.contains("day=2026-03-05"),
            "the message does not name the file: {text}"
        );
        lives_on(&mut client);
    }
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
    fs::write(&file, text + "not a number,x,1,2\n").expect("the file can be written");
    let (sqlstate, text) = failure(client.query("SELECT sum(k) FROM dims"));
    assert!(
        ["22P02", "22P04", "XX001"].contains(&sqlstate.as_str()),
        "{text}"
    );
    lives_on(&mut client);
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
    let count = |client: &mut Client| -> u64 {
        let result = client.query(COUNT).expect("the relation can be read");
        result.rows[0][0]
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    };
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
