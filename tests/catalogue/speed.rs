//! Statements of the catalogue are quick, measured against a short one.
//!
//! What a schema browser asks again and again is answered from what was found before. Statements that
//! show the session are understood once and then only filled with the session's rows. The bound is a
//! multiple of another statement's time, each at its best of several runs, so that neither the machine nor
//! what else it does decides: they took four hundred times as long when they were understood anew.

use std::time::{Duration, Instant};

use skein_tests::client::Client;

use crate::cluster;

const RUNS: usize = 12;
/// The short one, which gives another row each time and so is never answered from what it gave before.
const SHORT: &str = "SELECT count(*), max(random()) FROM pg_catalog.pg_class";
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

/// What schema browsers ask for one relation or for all, and drivers when they connect.
const BROWSED: &[&str] = &[
    "SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), obj_description(c.oid, 'pg_class'), \
     pg_size_pretty(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n \
     ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v') AND pg_table_is_visible(c.oid) ORDER BY 1, 2",
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum), \
     (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) \
     FROM pg_attribute a WHERE a.attrelid = 'events'::regclass AND a.attnum > 0 ORDER BY a.attnum",
    "SELECT t.oid, t.typname, t.typelem, format_type(t.oid, NULL), n.nspname, r.rngsubtype FROM pg_type t \
     JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_range r ON r.rngtypid = t.oid ORDER BY 1",
    "SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), \
     p.proargtypes::regtype[]::text[] FROM pg_proc p WHERE p.proname LIKE 'json%' ORDER BY 1, 2",
    "SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns \
     ORDER BY table_schema, table_name, ordinal_position",
    "SELECT c.conname, pg_get_constraintdef(c.oid), c.conrelid::regclass, c.confrelid::regclass FROM pg_constraint c",
];
/// How much longer a statement of those may take than a short one, once it was asked before. Running each
/// anew takes 10 to 400 times as long; what is left is sending up to 2,000 rows.
const BROWSED_RATIO_MAX: u32 = 30;

#[test]
fn what_was_asked_before_is_answered_at_once() {
    let cluster = cluster();
    let mut first = Client::connect(cluster.address()).expect("the gateway accepts connections");
    let rows: Vec<_> = BROWSED
        .iter()
        .map(|sql| first.query(sql).expect("the statement runs").rows)
        .collect();
    // Another connection profits as well.
    let mut client = Client::connect(cluster.address()).expect("the gateway accepts connections");
    let plain = best(&mut client, SHORT);
    for (sql, rows) in BROWSED.iter().zip(rows) {
        let again = client.query(sql).expect("the statement runs").rows;
        assert_eq!(again, rows, "{sql}");
        let browsed = best(&mut client, sql);
        assert!(
            browsed < plain * BROWSED_RATIO_MAX,
            "{browsed:?}, where the short one takes {plain:?}: {sql}"
        );
    }
}

#[test]
fn statements_that_show_the_session_are_quick() {
    let cluster = cluster();
    let mut client = Client::connect(cluster.address()).expect("the gateway accepts connections");
    let plain = best(&mut client, SHORT);
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
            "{shown:?}, where the short one takes {plain:?}: {sql}"
        );
    }
}
