//! What a hostile client sends, and what an unlucky one meets.

use std::fs;
use std::time::{Duration, Instant};

use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};

use crate::{failure, private_data};

/// Nobody waits longer for an answer that needs no data.
const SOON: Duration = Duration::from_secs(20);

fn cluster() -> Cluster {
    Cluster::start(&ClusterOptions::new(&random_relations(Layout::Few)))
}

#[test]
fn subqueries_nested_too_deeply_are_refused_at_once() {
    let cluster = cluster();
    let mut client = cluster.client();
    for (open, close) in [
        ("SELECT (", ")"),
        ("SELECT 1 WHERE EXISTS (", ")"),
        ("SELECT (SELECT max(id) + (", ") FROM facts)"),
    ] {
        let sql = |levels| format!("{}SELECT 1{}", open.repeat(levels), close.repeat(levels));
        let started = Instant::now();
        let (sqlstate, text) = failure(client.query(&sql(24)));
        assert_eq!(sqlstate, "54001", "{text}");
        assert!(text.contains("more than 12 levels"), "{text}");
        client.query(&sql(6)).expect("six levels can be planned");
        assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    }
}

#[test]
fn no_statement_reaches_what_is_not_a_relation() {
    let cluster = cluster();
    let mut client = cluster.client();
    let reads = [
        "read_text('/etc/passwd')",
        "read_csv('/etc/passwd')",
        "glob('/etc/*')",
        "sniff_csv('/etc/passwd')",
        "parquet_metadata('facts.parquet')",
        "query('FROM x.csv')",
        "query_table('/etc/passwd')",
        "json_execute_serialized_sql('{}')",
        "duckdb_settings()",
        "'/etc/passwd'",
        "\"/etc/passwd\"",
        "'../x.csv'",
        "'s3://bucket/x.csv'",
    ];
    for read in reads {
        for sql in [
            format!("SELECT * FROM {read}"),
            format!("WITH x AS (FROM {read}) SELECT 1"),
            format!("SELECT list_transform([1], x -> (SELECT count(*) FROM {read}))"),
            format!("SELECT * FROM dims ORDER BY (SELECT count(*) FROM {read})"),
            format!("SELECT count(*) OVER (ORDER BY (SELECT count(*) FROM {read})) FROM dims"),
            format!("SELECT * FROM (SUMMARIZE SELECT * FROM {read})"),
            format!("DESCRIBE SELECT * FROM {read}"),
            format!("SELECT * FROM (PIVOT (SELECT * FROM {read}) ON c IN (1) USING count(*))"),
            format!("EXPLAIN ANALYZE SELECT * FROM {read}"),
            format!("PREPARE p AS SELECT * FROM {read}"),
            format!("SELECT 1 /* /* */ ' */ FROM {read} -- '"),
            format!("SELECT E'\\'', $$'$$ FROM {read}"),
        ] {
            let (sqlstate, text) = failure(client.query(&sql));
            assert_eq!(sqlstate, "42501", "{sql}: {text}");
        }
    }
}

#[test]
fn a_relation_without_files_is_empty_and_comes_back() {
    let folder = private_data();
    let options = ClusterOptions {
        catalog: "listing_ttl_ms = 0".to_owned(),
        ..ClusterOptions::new(folder.path())
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client();
    let mut count = || {
        let result = client.query("SELECT count(*) FROM facts");
        result.expect("a query").rows[0][0].clone()
    };
    let before = count();
    let (here, away) = (folder.path().join("facts"), folder.path().join(".away"));
    fs::rename(&here, &away).expect("a folder can be renamed");
    assert_eq!(count().as_deref(), Some("0"));
    fs::rename(&away, &here).expect("and back");
    assert_eq!(count(), before);
}

#[test]
fn files_that_vanish_after_listing_are_not_missed() {
    let folder = private_data();
    let options = ClusterOptions {
        catalog: "listing_ttl_ms = 3600000".to_owned(),
        ..ClusterOptions::new(folder.path())
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client();
    let sql = "SELECT sum(id) IS NULL FROM facts";
    client.query(sql).expect("all files are there");
    fs::rename(folder.path().join("facts"), folder.path().join(".away"))
        .expect("a folder can be renamed");
    let result = client.query(sql).expect("no files are no error");
    assert_eq!(result.rows[0][0].as_deref(), Some("t"));
}

#[test]
fn long_names_of_clients_are_cut() {
    let cluster = cluster();
    let mut client = cluster.client();
    let set = format!("SET application_name = '{}'", "x".repeat(1 << 20));
    client.query(&set).expect("any text is a name");
    let result = client.query("SHOW application_name").expect("a value");
    assert_eq!(result.rows[0][0].as_deref(), Some("x".repeat(63).as_str()));
}

#[test]
fn texts_that_cannot_be_are_refused() {
    let cluster = cluster();
    let mut client = cluster.client();
    for (sql, expected) in [
        ("SELECT E'\\000'", "22021"),
        ("SELECT U&'\\0000'", "42601"),
        ("SELECT 1 AS \"\"", "42601"),
        ("SELECT 'never ends", "42601"),
        ("SELECT /* never ends", "42601"),
        ("SELECT $a$never ends$b$", "42601"),
    ] {
        let (sqlstate, text) = failure(client.query(sql));
        assert_eq!(sqlstate, expected, "{sql}: {text}");
    }
}

#[test]
fn rows_between_stages_have_a_limit() {
    let options = ClusterOptions {
        gateway: "exchange_bytes_max = 1".to_owned(),
        ..ClusterOptions::new(&random_relations(Layout::Few)).executors(2)
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client_with(&["skein.split = always"]);
    // What the subquery gives goes to the fragments of both executors.
    let sql = "SELECT sum(id) FROM facts \
               JOIN (SELECT g, count(*) AS n FROM facts GROUP BY g) USING (g) WHERE n > 1";
    let (sqlstate, text) = failure(client.query(sql));
    assert_eq!(sqlstate, "53200", "{text}");
    client.query("SET skein.split = never").expect("a setting");
    client.query(sql).expect("a whole query exchanges nothing");
}
