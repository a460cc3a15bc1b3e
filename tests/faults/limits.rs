//! Queries that are too large, too deep, or too many.

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};

use crate::failure;

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
fn a_statement_of_ten_megabytes_is_no_problem() {
    let cluster = Cluster::start(&options());
    let mut client = cluster.client();
    let text = "x".repeat(10 << 20);
    let result = client
        .query(&format!("SELECT length('{text}') AS l"))
        .expect("it can be run");
    assert_eq!(result.rows[0][0].as_deref(), Some("10485760"));
}
