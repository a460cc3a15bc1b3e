//! Executors of other versions: shown as such, and left alone.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use skein_executor::EmbeddedOptions;
use skein_executor::engine::{DatabaseOptions, FileAccess};
use skein_remote::{Link, Server, ServerOptions, StateReply};
use skein_tests::client::{Client, QueryError};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::fleet::{Fleet, FleetOptions};
use tokio::runtime::Runtime;

const GROUPS: &str = "SELECT k, count(*), sum(id) FROM facts GROUP BY k ORDER BY k";

/// An executor that could run every fragment, but says that it is another one.
fn executor(runtime: &Runtime, folder: &Path, versions: StateReply) -> SocketAddr {
    let options = ServerOptions {
        listen: "127.0.0.1:0".to_owned(),
        executor: EmbeddedOptions {
            database: DatabaseOptions {
                threads: Some(1),
                file_access: FileAccess::Directories(vec![format!("{}/", folder.display())]),
                ..DatabaseOptions::default()
            },
            ..EmbeddedOptions::default()
        },
        link: Link::default(),
        fragments_max: 100,
        memory_bytes: None,
        waiting_bytes_max: 1 << 20,
        waiting_directory: std::env::temp_dir(),
        credentials: BTreeSet::new(),
        versions,
    };
    let server = runtime
        .block_on(Server::bind(options))
        .expect("a free port");
    let address = server.address();
    runtime.spawn(server.serve(std::future::pending()));
    address
}

/// One of each kind, with what `last_error` says about it.
fn others(runtime: &Runtime, folder: &Path) -> Vec<(SocketAddr, &'static str)> {
    let own = StateReply::of_this_program;
    let skein = StateReply {
        skein_version: "99.0.0".to_owned(),
        ..own()
    };
    let duckdb = StateReply {
        duckdb_version: "9.9.9".to_owned(),
        ..own()
    };
    let plans = StateReply {
        plan_format: own().plan_format + 1,
        ..own()
    };
    vec![
        (executor(runtime, folder, skein), "it is Skein 99.0.0"),
        (executor(runtime, folder, duckdb), "it has DuckDB 9.9.9"),
        (executor(runtime, folder, plans), "it reads plans of format"),
    ]
}

fn fleet(executors: usize, others: &[(SocketAddr, &str)]) -> FleetOptions {
    FleetOptions {
        gateway: "health_interval_ms = 200".to_owned(),
        others: others.iter().map(|(address, _)| *address).collect(),
        ..FleetOptions::new(&random_relations(Layout::Few), executors)
    }
}

fn expect_left_alone(client: &mut Client, others: &[(SocketAddr, &str)]) {
    for (address, why) in others {
        let sql = format!(
            "SELECT state, fragments, last_error FROM skein.executors WHERE name = '{address}'"
        );
        let rows = client.query(&sql).expect("executors are shown").rows;
        let cells: Vec<&str> = rows[0].iter().flatten().map(String::as_str).collect();
        assert_eq!(cells[..2], ["wrong version", "0"]);
        assert!(cells[2].contains(why), "{}", cells[2]);
    }
}

#[test]
fn executors_of_other_versions_get_nothing_and_the_others_do_the_work() {
    let folder = random_relations(Layout::Few);
    let runtime = Runtime::new().expect("a runtime can be made");
    let others = others(&runtime, &folder);
    let fleet = Fleet::start_with(fleet(2, &others), |fleet| {
        fleet.wait_for_state(2, "healthy");
        fleet.wait_for_state(3, "wrong version");
    });
    let mut client = fleet.client();
    let whole = {
        let mut client = fleet.client();
        client
            .query("SET skein.split = never")
            .expect("the setting exists");
        client.query(GROUPS).expect("the query runs").rows
    };
    for exchange in ["gather", "broadcast", "hash"] {
        client
            .query(&format!("SET skein.exchange = {exchange}"))
            .expect("the setting exists");
        let plan = client.query(&format!("EXPLAIN {GROUPS}"));
        let plan = plan.expect("it is explained").rows;
        let lines: Vec<String> = plan.into_iter().flatten().flatten().collect();
        let named =
            |address: SocketAddr| lines.iter().any(|line| line.contains(&address.to_string()));
        assert!(
            named(fleet.address_of(0)) && named(fleet.address_of(1)),
            "{lines:?}"
        );
        assert!(
            !others.iter().any(|(address, _)| named(*address)),
            "{lines:?}"
        );
        assert_eq!(client.query(GROUPS).expect("the query runs").rows, whole);
    }
    expect_left_alone(&mut client, &others);
}

#[test]
fn where_all_are_of_another_version_statements_say_so_or_run_in_the_gateway() {
    let folder = random_relations(Layout::Few);
    let runtime = Runtime::new().expect("a runtime can be made");
    let others = others(&runtime, &folder);
    let all_wrong = |fleet: &Fleet| {
        fleet.wait_for_state(3, "wrong version");
    };
    let strict = Fleet::start_with(fleet(0, &others), all_wrong);
    let mut client = strict.client();
    let error = match client.query(GROUPS) {
        Err(QueryError::Server(error)) => error,
        other => panic!("nobody can run it: {other:?}"),
    };
    assert_eq!(error.sqlstate(), "57P03", "{error:?}");
    let hint = error.field('H');
    assert!(
        hint.contains("skein.executors") && hint.contains("executors.fallback_embedded"),
        "{hint}"
    );
    expect_left_alone(&mut client, &others);
    drop(strict);

    let mut options = fleet(0, &others);
    options.gateway.push_str("\nfallback_embedded = true");
    let mild = Fleet::start_with(options, all_wrong);
    let mut client = mild.client();
    assert!(
        !client
            .query(GROUPS)
            .expect("the gateway runs it")
            .rows
            .is_empty()
    );
    expect_left_alone(&mut client, &others);
}
