//! The catalogue follows the search path as PostgreSQL's does: what is visible, what a name means, and where
//! names are printed with their schema.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use skein_config::Config;
use skein_tests::client::Client;
use skein_tests::cluster::Cluster;
use skein_tests::data::{generated, write_parquet};
use skein_tests::environment;
use skein_tests::native::Native;
use skein_tests::postgres::{Postgres, programs};

use crate::answers::answer;
use crate::{ask, postgres, skip};

/// Relations: schema, name, the query that makes their rows, and what the configuration declares.
const RELATIONS: &[(&str, &str, &str, &str)] = &[
    (
        "public",
        "customers",
        "SELECT CAST(i AS INTEGER) AS customer_id, 'c' || i || '@x.org' AS email FROM range(1, 6) AS t(i)",
        "primary_key = [\"customer_id\"]\ncomment = \"who buys\"\n\
         [relation.columns.email]\ncomment = \"where to write\"\n",
    ),
    (
        "public",
        "orders",
        "SELECT CAST(i AS INTEGER) AS order_id, CAST(1 + i % 5 AS INTEGER) AS customer_id, \
         CAST(i * 1.5 AS DECIMAL(12,2)) AS total FROM range(1, 11) AS t(i)",
        "primary_key = [\"order_id\"]\n\
         references = [{ columns = [\"customer_id\"], relation = \"customers\" }]\n",
    ),
    (
        "public",
        "regions",
        "SELECT CAST(i AS INTEGER) AS id, 'r' || i AS name FROM range(1, 4) AS t(i)",
        "",
    ),
    (
        "public",
        "order",
        "SELECT CAST(i AS INTEGER) AS id, 'x' AS \"select\" FROM range(1, 4) AS t(i)",
        "primary_key = [\"id\", \"select\"]\n",
    ),
    (
        "sales",
        "regions",
        "SELECT CAST(i AS INTEGER) AS id, 's' || i AS label FROM range(1, 4) AS t(i)",
        "primary_key = [\"id\"]\n",
    ),
    (
        "sales",
        "facts",
        "SELECT CAST(i AS INTEGER) AS k, CAST(1 + i % 3 AS INTEGER) AS region_id FROM range(1, 9) AS t(i)",
        "references = [{ columns = [\"region_id\"], relation = \"sales.regions\" }]\n",
    ),
    (
        "audit",
        "orders",
        "SELECT CAST(i AS INTEGER) AS id, TIMESTAMP '2026-01-01' AS at FROM range(1, 3) AS t(i)",
        "",
    ),
    (
        "Odd Name",
        "Mixed Case",
        "SELECT CAST(i AS INTEGER) AS \"Key\", 'y' AS \"order\" FROM range(1, 3) AS t(i)",
        "primary_key = [\"Key\"]\n",
    ),
];

/// The same in PostgreSQL.
const TABLES: &str = "\
    CREATE ROLE sales SUPERUSER LOGIN; \
    CREATE SCHEMA sales; CREATE SCHEMA audit; CREATE SCHEMA \"Odd Name\"; \
    CREATE TABLE customers (customer_id int PRIMARY KEY, email text); \
    CREATE TABLE orders (order_id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric(12,2)); \
    CREATE TABLE regions (id int, name text); \
    CREATE TABLE \"order\" (id int, \"select\" text, PRIMARY KEY (id, \"select\")); \
    CREATE TABLE sales.regions (id int PRIMARY KEY, label text); \
    CREATE TABLE sales.facts (k int, region_id int REFERENCES sales.regions); \
    CREATE TABLE audit.orders (id int, at timestamp); \
    CREATE TABLE \"Odd Name\".\"Mixed Case\" (\"Key\" int PRIMARY KEY, \"order\" text); \
    COMMENT ON TABLE customers IS 'who buys'; COMMENT ON COLUMN customers.email IS 'where to write'; \
    INSERT INTO customers SELECT i, 'c' || i || '@x.org' FROM generate_series(1, 5) AS t(i); \
    INSERT INTO orders SELECT i, 1 + i % 5, i * 1.5 FROM generate_series(1, 10) AS t(i); \
    INSERT INTO regions SELECT i, 'r' || i FROM generate_series(1, 3) AS t(i); \
    INSERT INTO \"order\" SELECT i, 'x' FROM generate_series(1, 3) AS t(i); \
    INSERT INTO sales.regions SELECT i, 's' || i FROM generate_series(1, 3) AS t(i); \
    INSERT INTO sales.facts SELECT i, 1 + i % 3 FROM generate_series(1, 8) AS t(i); \
    INSERT INTO audit.orders SELECT i, '2026-01-01' FROM generate_series(1, 2) AS t(i); \
    INSERT INTO \"Odd Name\".\"Mixed Case\" SELECT i, 'y' FROM generate_series(1, 2) AS t(i)";

/// What a session does before it asks, and as whom it has come.
const PATHS: &[(&str, &[&str])] = &[
    ("skein", &[]),
    // Its own schema is the first.
    ("sales", &[]),
    ("skein", &["SET search_path = ''"]),
    ("skein", &["SET search_path = sales"]),
    ("skein", &["SET search_path = audit, sales, public"]),
    // What is named after pg_catalog's is hidden by nothing but itself.
    ("skein", &["SET search_path = public, pg_catalog, public"]),
    (
        "skein",
        &["SET search_path = \"Odd Name\", nowhere, \"$user\", public"],
    ),
    (
        "skein",
        &["SET search_path = information_schema, sales, public"],
    ),
    (
        "skein",
        &["SELECT set_config('search_path', 'sales, public', false)"],
    ),
    (
        "skein",
        &["BEGIN", "SET LOCAL search_path = nowhere", "COMMIT"],
    ),
];

fn folder() -> PathBuf {
    let version: String = RELATIONS.iter().map(|(_, _, sql, _)| *sql).collect();
    generated("paths", &version, |folder: &Path| {
        let native = Native::open(1);
        for (index, (_, _, sql, _)) in RELATIONS.iter().enumerate() {
            write_parquet(&native, folder, &format!("r{index}"), sql, 1);
        }
    })
}

fn skein() -> Cluster {
    let mut toml = "[gateway]\nlisten = [\"127.0.0.1:0\"]\n\
                    [executors]\nembedded = 1\nthreads = 1\nmemory_limit = \"2GB\"\n"
        .to_owned();
    for (index, (schema, name, _, declared)) in RELATIONS.iter().enumerate() {
        let _ = write!(
            toml,
            "\n[[relation]]\nschema = \"{schema}\"\nname = \"{name}\"\npath = \"r{index}/*.parquet\"\n{declared}"
        );
    }
    let config = Config::from_toml(&toml, &folder()).expect("the configuration is right");
    Cluster::start_with(config)
}

fn loaded() -> Option<Postgres> {
    let server = postgres()?;
    server
        .client()
        .query_all(TABLES)
        .expect("the tables are made");
    Some(server)
}

/// Comments apart, each line is a statement.
fn statements(file: &str) -> Vec<String> {
    let file = environment::checkout().join("tests/catalogue").join(file);
    let text = std::fs::read_to_string(file).expect("the file is there");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

fn connect(address: std::net::SocketAddr, user: &str) -> Client {
    Client::connect_with(address, &[("user", user), ("database", "skein")])
        .expect("the server accepts connections")
}

#[test]
fn the_catalogue_follows_the_search_path() {
    compare("paths.txt", PATHS, 500);
}

#[test]
fn numbers_that_are_shown_by_name_are_so_everywhere() {
    compare("names.txt", &PATHS[..3], 100);
}

/// Compares at least so many answers to the statements of a file with PostgreSQL's.
fn compare(file: &str, paths: &[(&str, &[&str])], least: usize) {
    let Some(postgres) = loaded() else {
        return skip("PostgreSQL 15 is not installed");
    };
    let cluster = skein();
    let mut differences = Vec::new();
    let mut compared = 0;
    for (user, before) in paths {
        let mut ours = connect(cluster.address(), user);
        let mut theirs = connect(postgres.address(), user);
        for sql in *before {
            ask(&mut ours, sql);
            ask(&mut theirs, sql);
        }
        for sql in statements(file) {
            let (own, expected) = (answer(&mut ours, &sql), answer(&mut theirs, &sql));
            compared += 1;
            if own != expected {
                differences.push(format!(
                    "{user} {before:?}: {sql}\n  {own:?}\n  {expected:?}"
                ));
            }
        }
    }
    assert!(compared > least, "{compared}");
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn what_was_prepared_follows_the_path_as_it_is_now() {
    let cluster = skein();
    let mut clients = vec![connect(cluster.address(), "skein")];
    let postgres = loaded();
    clients.extend(postgres.iter().map(|it| connect(it.address(), "skein")));
    for client in &mut clients {
        let mut first = |sql: &str| ask(client, sql)[0][0].clone();
        assert_eq!(
            first("SET search_path = public; PREPARE shown AS SELECT 'regions'::regclass::oid::regclass::text, pg_table_is_visible('sales.regions'::regclass); EXECUTE shown").as_deref(),
            Some("regions")
        );
        let label = "SET search_path = sales; EXECUTE shown";
        assert_eq!(first(label).as_deref(), Some("regions"));
        assert_eq!(
            first("SET search_path = ''; PREPARE whole AS SELECT 'sales.regions'::regclass::text; EXECUTE whole").as_deref(),
            Some("sales.regions")
        );
        assert_eq!(
            first("SET search_path = sales; EXECUTE whole").as_deref(),
            Some("regions")
        );
        assert_eq!(
            first("BEGIN; SET LOCAL search_path = audit; EXECUTE whole").as_deref(),
            Some("sales.regions")
        );
        assert_eq!(first("ROLLBACK; EXECUTE whole").as_deref(), Some("regions"));
        // The same columns of another relation.
        assert_eq!(
            first("SET search_path = public; PREPARE rows AS SELECT id FROM regions WHERE id > 2; EXECUTE rows").as_deref(),
            Some("3")
        );
        assert_eq!(
            first("PREPARE counted AS SELECT count(*)::text FROM orders; EXECUTE counted")
                .as_deref(),
            Some("10")
        );
        assert_eq!(
            first("SET search_path = audit; EXECUTE counted").as_deref(),
            Some("2")
        );
    }
}

#[test]
fn a_dump_of_the_schema_can_be_restored() {
    let Some(postgres) = loaded() else {
        return skip("PostgreSQL 15 is not installed");
    };
    let programs = programs().expect("the server was found");
    let cluster = skein();
    let server = |address: std::net::SocketAddr, database: &str| {
        format!(
            "host={} port={} user=skein dbname={database}",
            address.ip(),
            address.port()
        )
    };
    let dump = Command::new(programs.join("pg_dump"))
        .args(["-s", "-d", &server(cluster.address(), "skein")])
        .output()
        .expect("pg_dump starts");
    let told = String::from_utf8_lossy(&dump.stderr);
    assert!(dump.status.success(), "{told}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let script = folder.path().join("dump.sql");
    std::fs::write(&script, &dump.stdout).expect("the folder takes files");
    ask(&mut postgres.client(), "CREATE DATABASE restored");
    let restored = Command::new(programs.join("psql"))
        .args(["-q", "-v", "ON_ERROR_STOP=1"])
        .args(["-d", &server(postgres.address(), "restored"), "-f"])
        .arg(&script)
        .output()
        .expect("psql starts");
    let told = String::from_utf8_lossy(&restored.stderr);
    assert!(restored.status.success(), "{told}");
    let mut copy = Client::connect_with(
        postgres.address(),
        &[("user", "skein"), ("database", "restored")],
    )
    .expect("the database is there");
    for sql in [
        "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
         col_description(c.oid, a.attnum) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' AND a.attnum > 0 \
         AND n.nspname IN ('public', 'sales', 'audit', 'Odd Name') ORDER BY 1, 2, a.attnum",
        "SELECT conname, conrelid::regclass, confrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE contype IN ('p', 'f') AND oid >= 16384 ORDER BY 1",
    ] {
        assert_eq!(
            ask(&mut copy, sql),
            ask(&mut postgres.client(), sql),
            "{sql}"
        );
    }
}
