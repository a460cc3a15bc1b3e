//! Queries that are too large, too deep, or too many.

use std::time::{Duration, Instant};

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};

use crate::failure;

/// How long a refusal may take, on a busy machine.
const STOP_MAX: Duration = Duration::from_secs(1);

fn options() -> ClusterOptions {
    ClusterOptions::new(&random_relations(Layout::Few))
}

fn lives_on(client: &mut Client) {
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
fn a_query_over_the_memory_limit_fails_clearly() {
    for (executors, split) in [(1, "never"), (2, "always")] {
        let options = ClusterOptions {
            executor: "memory_limit = \"128MB\"".to_owned(),
            ..options().executors(executors)
        };
        let cluster = Cluster::start(&options);
        let mut client = cluster.client_with(&[&format!("skein.split = {split}")]);
        // A list cannot be spilled.
        let sql = "SELECT length(list(a.id + b.id ORDER BY hash(a.id, b.id, c.id))) \
                   FROM facts a, facts b, facts c WHERE c.id < 200";
        let (sqlstate, text) = failure(client.query(sql));
        assert_eq!(sqlstate, "53200", "{text}");
        lives_on(&mut client);
    }
}

#[test]
fn a_hundred_thousand_parentheses_fail_clearly() {
    let cluster = Cluster::start(&options());
    let mut client = cluster.client();
    let deep = |open: &str, middle: &str, close: &str, depth: usize| {
        format!(
            "SELECT {}{middle}{}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    for depth in [5_000, 100_000] {
        for sql in [
            deep("(", "1", ")", depth),
            deep("NOT ", "true", "", depth),
            deep("- ", "1", "", depth),
            deep("(SELECT ", "1", ")", depth),
            deep("[", "1", "]", depth),
            deep("1 + ", "1", "", depth),
            deep("CASE WHEN true THEN ", "1", " END", depth),
        ] {
            // Whether it can be run is not the point: that the session survives it is.
            if let Err(error) = client.query(&sql) {
                let known = ["54001", "42601", "53200"].contains(&error.sqlstate());
                assert!(known, "{}…: {error}", &sql[..30]);
            }
            lives_on(&mut client);
        }
    }
    let (sqlstate, text) = failure(client.query(&deep("(", "1", ")", 100_000)));
    assert_eq!(sqlstate, "54001", "{text}");
}

#[test]
fn one_connection_too_many_is_refused_clearly() {
    let options = ClusterOptions {
        gateway: "connections_max = 3".to_owned(),
        ..options()
    };
    let cluster = Cluster::start(&options);
    let mut clients: Vec<Client> = (0..3).map(|_| cluster.client()).collect();
    let (sqlstate, text) = failure(Client::connect(cluster.address()));
    assert_eq!(sqlstate, "53300", "{text}");
    clients.iter_mut().for_each(lives_on);
}

#[test]
fn more_queries_at_once_than_connections_of_an_executor_all_succeed() {
    let options = ClusterOptions {
        executor: "connections_max = 2".to_owned(),
        ..options().executors(2)
    };
    let cluster = Cluster::start(&options);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                let mut client = cluster.client_with(&["skein.split = always"]);
                for _ in 0..5 {
                    let result = client
                        .query("SELECT g, count(*), sum(v) FROM facts GROUP BY g")
                        .expect("a query waits for its turn");
                    assert_eq!(result.rows.len(), 7);
                }
            });
        }
    });
}

#[test]
fn open_cursors_keep_nobody_out() {
    let options = ClusterOptions {
        executor: "connections_max = 2".to_owned(),
        ..options()
    };
    let cluster = Cluster::start(&options);
    let mut reader = cluster.client();
    let count = |client: &mut Client| -> usize {
        let counted = client
            .query("SELECT count(*) FROM facts")
            .expect("there is room");
        counted.rows[0][0]
            .as_deref()
            .and_then(|text| text.parse().ok())
            .expect("a number")
    };
    let facts = count(&mut reader);
    reader.query("BEGIN").expect("a transaction");
    // More rows each than wait anywhere on their way.
    let rows = "SELECT f.id, i FROM facts f CROSS JOIN range(2000) r(i)";
    for number in 0..6 {
        let declared = reader.query(&format!("DECLARE c{number} CURSOR FOR {rows}"));
        declared.expect("a cursor");
        let fetched = reader.query(&format!("FETCH 5 FROM c{number}"));
        assert_eq!(fetched.expect("the first rows").rows.len(), 5);
    }
    assert_eq!(count(&mut cluster.client()), facts);
    let rest = reader
        .query("MOVE ALL FROM c0")
        .expect("the cursor goes on");
    assert_eq!(rest.tag, format!("MOVE {}", facts * 2000 - 5));
}

/// Senders wait for the fragments that groups are exchanged among.
#[test]
fn groups_exchanged_by_hash_need_little_memory() {
    let options = ClusterOptions {
        gateway: "exchange_bytes_max = 1000000".to_owned(),
        ..options().executors(2)
    };
    let cluster = Cluster::start(&options);
    let mut client = cluster.client_with(&["skein.split = always", "skein.exchange = hash"]);
    // About seven million bytes of groups.
    let groups = "SELECT id, i, count(*) AS n FROM facts CROSS JOIN range(400) r(i) GROUP BY id, i";
    let sql = format!("SELECT count(*), sum(n) FROM ({groups}) g");
    let plan = client.query(&format!("EXPLAIN {sql}")).expect("a plan");
    let exchanged = |row: &Vec<Option<String>>| {
        let line = row[0].as_deref().unwrap_or_default();
        line.starts_with("exchange: groups by hash of id, i")
    };
    assert!(plan.rows.iter().any(exchanged), "{:?}", plan.rows);
    let rows = client.query(&sql).expect("there is room").rows;
    assert_eq!(rows[0][0], rows[0][1]);
    let facts = client.query("SELECT count(*) * 400 FROM facts");
    assert_eq!(rows[0][0], facts.expect("a number").rows[0][0]);
}

#[test]
fn a_statement_of_ten_megabytes_is_no_problem() {
    let cluster = Cluster::start(&options());
    let mut client = cluster.client();
    let text = "x".repeat(10 << 20);
    let result = client
        .query(&format!("SELECT length('{text}') AS l"))
        .expect("it can be run");
    assert_eq!(result.rows[0][0].as_deref(), Some("10485760"));
}

/// DuckDB looks at an interrupt between vectors only: what makes one value must not take long.
#[test]
fn one_value_of_any_size_is_refused() {
    let cluster = Cluster::start(&options());
    let mut client = cluster.client();
    for expression in [
        "len(list_transform(range(300000000), lambda x: x * 2))",
        "len(range(0, 300000000))",
        "len(range(300000000, 0, -1))",
        "len(range(TIMESTAMP '1900-01-01', TIMESTAMP '2026-01-01', INTERVAL '1 second'))",
        "sum(x) FROM (SELECT unnest(range(300000000 + id)) AS x FROM facts)",
        "len(list_resize([1], 300000000))",
        "len(array_resize([1], 300000000, 0))",
        "bar(1, 0, 1, 1000000000)",
        "length(repeat('x', 1000000000))",
        "length(repeat('x', 100000000 + id)) FROM facts",
        "length(lpad('x', 1000000000, 'y'))",
        "length(rpad('x', 100000000 + CAST(id AS INTEGER), 'y')) FROM facts",
        "bitstring('1', 1000000000)",
        "levenshtein(repeat('a', 100000), repeat('b', 100000) || id) FROM facts",
        "damerau_levenshtein(repeat('a', 100000), repeat('b', 100000))",
    ] {
        let start = Instant::now();
        let (sqlstate, text) = failure(client.query(&format!("SELECT {expression}")));
        assert_eq!(sqlstate, "54000", "{expression}: {text}");
        let elapsed = start.elapsed();
        assert!(elapsed < STOP_MAX, "{expression} took {elapsed:?}");
        lives_on(&mut client);
    }
    for (expression, expected) in [
        ("len(range(4194303))", "4194303"),
        (
            "array_to_string(ARRAY(SELECT generate_series(1, 5, 2)), ',')",
            "1,3,5",
        ),
        ("array_to_string(range(3), ',')", "0,1,2"),
        ("array_to_string(range(1, 3), ',')", "1,2"),
        ("range(NULL) IS NULL", "t"),
        (
            "len(range('2026-01-01'::timestamp, '2026-01-02'::timestamp, INTERVAL '1 hour'))",
            "24",
        ),
        ("array_to_string(list_resize([1], 3, 7), ',')", "1,7,7"),
        ("levenshtein('kitten', 'sitting')", "3"),
        (
            "repeat('ab', 3) || lpad('x', 3, 'y') || rpad('x', 3, 'y')",
            "abababyyxxyy",
        ),
        ("length(repeat('x', 10000000))", "10000000"),
        (
            "length(repeat(repeat(repeat('x', 100), 100), 100))",
            "1000000",
        ),
        ("count(*) FROM range(300000000)", "300000000"),
    ] {
        let result = client.query(&format!("SELECT {expression}"));
        let rows = result.expect("is within the limits").rows;
        assert_eq!(rows[0][0].as_deref(), Some(expected), "{expression}");
    }
}
