//! The relations that the recorded clients talked about, as files, and as tables of a PostgreSQL.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use skein_config::Config;
use skein_tests::client::Client;
use skein_tests::cluster::Cluster;
use skein_tests::data::{generated, write_parquet};
use skein_tests::native::Native;

/// Relations by schema and name, and the query that makes their rows.
const RELATIONS: &[(&str, &str, &str)] = &[
    (
        "public",
        "events",
        "SELECT i AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i) AS ts, 'n' || (i % 7) AS name, \
         i * 1.5::DOUBLE AS val, i % 2 = 0 AS ok, CAST(DATE '2026-01-01' + CAST(i % 30 AS INTEGER) AS DATE) AS d, \
         CAST(i * 1.01 AS DECIMAL(12,2)) AS amount, 'ok' AS m, CAST(NULL AS VARCHAR[]) AS tags, CAST(NULL AS JSON) AS j, \
         CAST(NULL AS UUID) AS u, CAST(NULL AS TIME) AS t, CAST(NULL AS TIMESTAMP) AS ts0, CAST(NULL AS INTERVAL) AS i, \
         CAST(NULL AS BLOB) AS b, CAST(NULL AS VARCHAR) AS c, CAST(NULL AS FLOAT) AS r, CAST(NULL AS SMALLINT) AS s, \
         CAST(NULL AS INTEGER) AS n FROM range(1, 501) AS numbers(i)",
    ),
    (
        "public",
        "users",
        "SELECT CAST(i AS INTEGER) AS user_id, 'u' || i || '@x.org' AS email, \
         TIMESTAMPTZ '2026-01-01 00:00:00+00' AS created FROM range(1, 21) AS numbers(i)",
    ),
    (
        "public",
        "orders",
        "SELECT CAST(i AS INTEGER) AS order_id, CAST(1 + i % 20 AS INTEGER) AS user_id, \
         CAST(i * 10 AS DECIMAL(18,0)) AS total FROM range(1, 101) AS numbers(i)",
    ),
    (
        "public",
        "v_events",
        "SELECT i AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i) AS ts, 'n' || (i % 7) AS name \
         FROM range(2, 501, 2) AS numbers(i)",
    ),
    (
        "public",
        "mv_daily",
        "SELECT date_trunc('day', TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i)) AS d, count(*) AS c \
         FROM range(1, 501) AS numbers(i) GROUP BY 1",
    ),
    (
        "sales",
        "facts",
        "SELECT CAST(NULL AS INTEGER) AS k, CAST(NULL AS VARCHAR) AS v LIMIT 0",
    ),
];

/// What a recorded number names, so that each server's own can be put in its place: relations and
/// row types under `schema.name`. The recording server had them in the order in which the fixture
/// makes them.
const NAMED: &[(u32, &str)] = &[
    (16393, "public.events"),
    (16400, "public.users"),
    (16410, "public.orders"),
    (16423, "public.v_events"),
    (16427, "public.mv_daily"),
    (16432, "sales.facts"),
];

/// What the configuration declares about relations: keys and comments.
const DECLARED: &[(&str, &str)] = &[
    (
        "events",
        "comment = \"raw events\"\nprimary_key = [\"id\"]\n\
         [relation.columns.name]\ncomment = \"event name\"\n[relation.columns.ts]\nnot_null = true\n",
    ),
    ("users", "primary_key = [\"user_id\"]\n"),
    (
        "orders",
        "primary_key = [\"order_id\"]\n\
         references = [{ columns = [\"user_id\"], relation = \"users\" }]\n",
    ),
];

/// Starts a gateway over the relations.
pub(crate) fn skein() -> Cluster {
    let folder = folder();
    let mut toml = "[gateway]\nlisten = [\"127.0.0.1:0\"]\n\
                    [executors]\nembedded = 1\nthreads = 1\nmemory_limit = \"2GB\"\n"
        .to_owned();
    for (schema, name, _) in RELATIONS {
        let _ = write!(
            toml,
            "\n[[relation]]\nschema = \"{schema}\"\nname = \"{name}\"\npath = \"{name}/*.parquet\"\n"
        );
        if let Some((_, declared)) = DECLARED.iter().find(|(declared, _)| declared == name) {
            toml.push_str(declared);
        }
    }
    let config = Config::from_toml(&toml, &folder).expect("the configuration is right");
    Cluster::start_with(config)
}

fn folder() -> PathBuf {
    let version: String = RELATIONS.iter().map(|(_, _, sql)| *sql).collect();
    generated("replay", &version, |folder: &Path| {
        let native = Native::open(1);
        native.run("SET TimeZone = 'UTC'");
        for (_, name, sql) in RELATIONS {
            write_parquet(&native, folder, name, sql, 1);
        }
    })
}

/// The numbers that a server has in the place of the recorded ones.
pub(crate) fn substitutes(address: SocketAddr) -> BTreeMap<u32, u32> {
    let mut client = connect(address);
    let sql = "SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname IN ('public', 'sales')";
    let rows = client.query(sql).expect("the catalogue answers").rows;
    let oids: BTreeMap<String, u32> = rows
        .into_iter()
        .filter_map(|row| {
            let [schema, name, oid] = row.try_into().ok()?;
            Some((format!("{}.{}", schema?, name?), oid?.parse().ok()?))
        })
        .collect();
    NAMED
        .iter()
        .filter_map(|(recorded, name)| Some((*recorded, *oids.get(*name)?)))
        .collect()
}

/// A connection as the clients have it.
pub(crate) fn connect(address: SocketAddr) -> Client {
    Client::connect_with(address, &[("user", "postgres"), ("database", "analytics")])
        .expect("the server accepts connections")
}

/// What every object of users is called, by its number on this server: rows are compared by these
/// names, because two servers give different numbers.
pub(crate) fn names(address: SocketAddr) -> BTreeMap<u32, String> {
    let sql = "SELECT c.oid, 'relation ' || n.nspname || '.' || c.relname FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384 \
               UNION ALL SELECT t.oid, 'type ' || n.nspname || '.' || t.typname FROM pg_type t \
                 JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid >= 16384 \
               UNION ALL SELECT n.oid, 'schema ' || n.nspname FROM pg_namespace n WHERE n.oid >= 16384 \
               UNION ALL SELECT k.oid, 'constraint ' || k.conname FROM pg_constraint k WHERE k.oid >= 16384 \
               UNION ALL SELECT r.oid, 'role ' || r.rolname FROM pg_roles r WHERE r.oid >= 16384";
    let rows = connect(address)
        .query(sql)
        .expect("the catalogue answers")
        .rows;
    rows.into_iter()
        .filter_map(|row| {
            let [oid, name] = row.try_into().ok()?;
            Some((oid?.parse().ok()?, format!("<{}>", name?)))
        })
        .collect()
}

/// Makes of the fixture what files can hold: no types, views, indexes and functions of users.
const AS_FILES: &str = "\
    DROP MATERIALIZED VIEW mv_daily; DROP VIEW v_events; DROP INDEX events_ts; DROP FUNCTION add2(int, int); \
    ALTER TABLE events ALTER m TYPE text, ALTER j TYPE json, ALTER c TYPE text; DROP TYPE mood; \
    ALTER TABLE users DROP CONSTRAINT users_email_key, ALTER created DROP DEFAULT; \
    ALTER TABLE orders ALTER total TYPE numeric(18,0); \
    CREATE TABLE v_events AS SELECT id, ts, name FROM events WHERE ok; \
    CREATE TABLE mv_daily AS SELECT date_trunc('day', ts) AS d, count(*) AS c FROM events GROUP BY 1; \
    ANALYZE";

/// Gives a PostgreSQL the same relations: by the fixture beside the recorded files.
pub(crate) fn load(address: SocketAddr, traffic: &Path) -> Result<(), libtest_mimic::Failed> {
    let script = std::fs::read_to_string(traffic.with_file_name("fixture_schema.sql"))?;
    let mut client = Client::connect_with(address, &[("user", "skein"), ("database", "skein")])?;
    client.query("CREATE ROLE postgres SUPERUSER LOGIN")?;
    let (first, rest) = script
        .split_once("\\c analytics")
        .ok_or("the fixture does not connect to its database")?;
    client.query(first)?;
    // Who makes the tables owns them: the owner that Skein names.
    let owner = [("user", "skein"), ("database", "analytics")];
    let mut client = Client::connect_with(address, &owner)?;
    client.query(rest)?;
    client.query(AS_FILES)?;
    // There is one database to list, but for the templates.
    client.query("DROP DATABASE skein WITH (FORCE)")?;
    client.query("DROP DATABASE postgres WITH (FORCE)")?;
    Ok(())
}
