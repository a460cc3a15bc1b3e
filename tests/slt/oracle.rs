//! The same files on a real PostgreSQL, which is asked what the right answer is.

use std::path::Path;

use libtest_mimic::Failed;
use skein_tests::client::Client;
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::environment::{self, Server};
use skein_tests::native::Native;
use skein_tests::postgres::Postgres;

use crate::Database;

/// Tables of PostgreSQL, and queries for DuckDB whose rows go into them as text.
const TABLES: &[(&str, &str)] = &[
    (
        "CREATE TABLE events (event_id bigint, ts timestamp, customer_id integer, \
         device_id integer, kind text, ms integer, amount numeric(10,2), day date)",
        "SELECT * FROM events",
    ),
    (
        "CREATE TABLE customers (customer_id bigint, name text, country text, since date)",
        "SELECT * FROM customers",
    ),
    (
        "CREATE TABLE devices (device_id bigint, model text, ports bigint[], system jsonb)",
        "SELECT device_id, model, '{' || array_to_string(ports, ',') || '}', to_json(system) \
         FROM devices",
    ),
    (
        "CREATE TABLE words (id integer, word text, pattern text, n integer, raw bytea)",
        "SELECT id, word, pattern, n, '\\x' || lower(hex(raw)) FROM words",
    ),
    (
        "CREATE TABLE moments (id integer, d date, t time, ts timestamp, tz timestamptz, \
         span interval, n integer, x numeric(12,3), written text)",
        "SELECT * FROM moments",
    ),
    (
        "CREATE TABLE gaps (id integer, a integer, b integer, s text, x double precision, \
         n numeric(4,1), big numeric(38,0), t timestamp)",
        "SELECT * FROM gaps",
    ),
    (
        "CREATE TABLE counters (id integer, t8 smallint, u8 smallint, u16 integer, u32 bigint, \
         u64 numeric(20,0), list smallint[])",
        "SELECT * EXCLUDE list, '{' || array_to_string(list, ',') || '}' FROM counters",
    ),
    (
        "CREATE TABLE bounds (id integer, upto integer, tag integer)",
        "SELECT * FROM bounds",
    ),
];

pub(crate) fn run(file: &Path) -> Result<(), Failed> {
    let Some(postgres) = Postgres::start(&[]) else {
        return Err("PostgreSQL is not installed".into());
    };
    load(&mut postgres.client())?;
    let rewrite = environment::rewrite(Server::Postgres);
    crate::run(
        file,
        || Database {
            client: postgres.client(),
            engine: "postgres",
        },
        rewrite,
    )
}

fn load(client: &mut Client) -> Result<(), Failed> {
    let native = Native::open(1);
    native.create_views(&sql_relations(Layout::Few));
    for (create, select) in TABLES {
        client.query(create)?;
        let table = create.split_whitespace().nth(2).unwrap_or_default();
        let rows = native.query(select)?;
        let rows: Vec<String> = rows
            .iter()
            .map(|row| {
                let cell = |cell: &Option<String>| match cell {
                    None => "NULL".to_owned(),
                    Some(text) => format!("'{}'", text.replace('\'', "''")),
                };
                format!("({})", row.iter().map(cell).collect::<Vec<_>>().join(", "))
            })
            .collect();
        client.query(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")))?;
    }
    Ok(())
}
