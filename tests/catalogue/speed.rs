//! Statements of the catalogue that show the session are quick, measured against one that does not.
//!
//! Such statements are understood once and then only filled with the session's rows. The bound is a
//! multiple of another statement's time, each at its best of several runs, so that neither the machine nor
//! what else it does decides: they took four hundred times as long when they were understood anew.

use std::time::{Duration, Instant};

use skein_tests::client::Client;

use crate::cluster;

const RUNS: usize = 12;
/// Times the other statement.
const RATIO_MAX: u32 = 100;

fn best(client: &mut Client, sql: &str) -> Duration {
    let run = |client: &mut Client| {
        let start = Instant::now();
        client.query(sql).expect("the statement runs");
        start.elapsed()
    };
    let runs = (0..RUNS).map(|_| run(client));
    runs.min().expect("there are runs")
}

#[test]
fn statements_that_show_the_session_are_quick() {
    let cluster = cluster();
    let mut client = Client::connect(cluster.address()).expect("the gateway accepts connections");
    let plain = best(&mut client, "SELECT count(*) FROM pg_catalog.pg_class");
    for sql in [
        "SELECT name, setting FROM pg_catalog.pg_settings WHERE name LIKE 't%'",
        "SELECT current_setting(name) FROM pg_catalog.pg_settings WHERE source <> 'default'",
        "SELECT r.rolname, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m \
         JOIN pg_catalog.pg_roles b ON m.roleid = b.oid WHERE m.member = r.oid) \
         FROM pg_catalog.pg_roles r ORDER BY 1",
        "SELECT current_schema(), current_database(), current_setting('search_path') \
         FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))",
    ] {
        let shown = best(&mut client, sql);
        assert!(
            shown < plain * RATIO_MAX,
            "{shown:?}, where pg_class takes {plain:?}: {sql}"
        );
    }
}
