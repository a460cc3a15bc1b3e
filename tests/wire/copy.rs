//! COPY to the client, byte by byte: the same rows in a gateway's files and in a PostgreSQL table.
//!
//! The rows hold whatever COPY has to escape or quote, chosen by a seed that is printed when something
//! differs. Messages are compared one by one, so that their bounds count as well.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use postgres_protocol::message::backend::Message;
use skein_tests::client::{Client, ServerError};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::{generated, write_parquet};
use skein_tests::native::Native;
use skein_tests::postgres::{self, Postgres};
use skein_tests::random::Choices;

/// Any number: other rows for the same statements.
const SEED: u64 = 20_261_126;
const ROWS: usize = 400;

/// What texts are made of.
const PIECES: &[&str] = &[
    "a", "B", "é", "😀", " ", ",", ";", "|", "\"", "\\", "\t", "\n", "\r", "\u{8}", "\u{b}",
    "\u{c}", "\u{1}", "\\N", "\\.", "NULL", "x",
];

/// What follows `COPY relation (…) TO STDOUT`.
const OPTIONS: &[&str] = &[
    "",
    "(FORMAT text)",
    "WITH (DELIMITER '|', NULL '')",
    "WITH DELIMITER ';' NULL AS 'null'",
    "USING DELIMITERS ','",
    "(DELIMITER E'\\x01')",
    "(HEADER)",
    "(FORMAT csv)",
    "CSV",
    "CSV HEADER",
    "(FORMAT csv, HEADER true, DELIMITER E'\\t')",
    "(FORMAT csv, NULL 'NULL')",
    "(FORMAT csv, QUOTE '|', ESCAPE '\\')",
    "(FORMAT csv, FORCE_QUOTE *)",
    "(FORMAT csv, FORCE_QUOTE (t, n), HEADER on)",
    "CSV QUOTE AS 'x' FORCE QUOTE t",
    "(FORMAT csv, ENCODING 'utf-8', HEADER 0)",
    "(FORMAT binary)",
    "BINARY",
    "(FORMAT binary, HEADER false)",
];

/// What is copied.
const SOURCES: &[&str] = &[
    "copied",
    "public.copied (t, id)",
    "\"copied\" (t)",
    "(SELECT * FROM copied WHERE id % 3 = 0 ORDER BY id)",
    "(SELECT t AS \"a, \"\"b\"\"\", n FROM copied ORDER BY id LIMIT 40)",
    "(SELECT * FROM copied WHERE id < 0)",
    "(VALUES ('\\.'), (NULL), (''))",
];

/// Statements that fail alike.
const FAULTS: &[&str] = &[
    "COPY nosuch TO STDOUT",
    "COPY nosuch.copied TO STDOUT",
    "COPY copied (nosuch) TO STDOUT",
    "COPY copied (id, id) TO STDOUT",
    "COPY (SELECT nosuch FROM copied) TO STDOUT",
    "COPY (SELECT 1; SELECT 2) TO STDOUT",
    "COPY (SELECT $1) TO STDOUT",
    "COPY (SELECT 1/(id - 1) FROM copied) TO STDOUT (FORMAT nosuch)",
    "COPY copied TO STDOUT (nosuch)",
    "COPY copied TO STDOUT (FORMAT)",
    "COPY copied TO STDOUT (FORMAT csv, FORMAT csv)",
    "COPY copied TO STDOUT (DELIMITER 'ab')",
    "COPY copied TO STDOUT (DELIMITER '')",
    "COPY copied TO STDOUT (DELIMITER 'é')",
    "COPY copied TO STDOUT (DELIMITER 'a')",
    "COPY copied TO STDOUT (DELIMITER E'\\n')",
    "COPY copied TO STDOUT (NULL E'a\\nb')",
    "COPY copied TO STDOUT (DELIMITER '|', NULL 'a|b')",
    "COPY copied TO STDOUT (FORMAT binary, DELIMITER '|')",
    "COPY copied TO STDOUT (FORMAT binary, NULL '')",
    "COPY copied TO STDOUT (FORMAT binary, HEADER)",
    "COPY copied TO STDOUT (HEADER match)",
    "COPY copied TO STDOUT (HEADER maybe)",
    "COPY copied TO STDOUT (QUOTE '\"')",
    "COPY copied TO STDOUT (ESCAPE '\"')",
    "COPY copied TO STDOUT (FORMAT csv, QUOTE 'ab')",
    "COPY copied TO STDOUT (FORMAT csv, ESCAPE 'ab')",
    "COPY copied TO STDOUT (FORMAT csv, QUOTE ',')",
    "COPY copied TO STDOUT (FORMAT csv, NULL '\"')",
    "COPY copied TO STDOUT (FORCE_QUOTE *)",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_QUOTE 1)",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_QUOTE (nosuch))",
    "COPY copied (id) TO STDOUT (FORMAT csv, FORCE_QUOTE (t))",
    "COPY (SELECT 1 AS a) TO STDOUT (FORMAT csv, FORCE_QUOTE (b))",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_NOT_NULL (t))",
    "COPY copied TO STDOUT (FORCE_NULL (t))",
    "COPY copied TO STDOUT (ENCODING 'nosuch')",
    "COPY copied TO STDOUT (FREEZE maybe)",
    "COPY copied TO STDOUT WHERE id = 1",
    "COPY copied TO STDOUT CSV CSV",
    "COPY copied TO STDOUT CSV nosuch",
    "COPY copied TO PROGRAM STDOUT",
    "COPY copied",
    "COPY copied TO",
    "COPY (SELECT 1) FROM STDIN",
    "COPY copied TO '/tmp/skein-copied'",
    "COPY copied FROM '/tmp/skein-copied'",
    "COPY copied TO PROGRAM 'cat'",
    "COPY nosuch FROM STDIN",
];

/// The tests of this module.
pub(crate) fn trials() -> Vec<Trial> {
    let against_postgres = Trial::test("wire::copy_bytes::postgres", against_postgres);
    let through_psql = Trial::test("wire::copy_bytes::psql", through_psql);
    vec![
        through_psql.with_ignored_flag(postgres::programs().is_none()),
        // A skip carries its reason: PostgreSQL is not installed here.
        against_postgres.with_ignored_flag(postgres::programs().is_none()),
    ]
}

/// psql's own commands around COPY.
const PSQL: &[&str] = &[
    "\\copy copied to stdout",
    "\\copy (select id, t from copied order by id limit 50) to pstdout with (format csv, header)",
    "\\copy copied (t, id) to stdout csv quote '|'",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_QUOTE *)",
];

/// The same bytes from psql, whichever server it talks to.
fn through_psql() -> Result<(), Failed> {
    let sql = rows();
    let cluster = Cluster::start(&ClusterOptions::new(&folder(&sql)));
    let (Some(postgres), Some(programs)) = (Postgres::start(&[]), postgres::programs()) else {
        return Err("PostgreSQL is not installed".into());
    };
    postgres
        .client()
        .query(&format!("CREATE TABLE copied AS {sql}"))?;
    for command in PSQL {
        let output = |address: SocketAddr| {
            Command::new(programs.join("psql"))
                .args(["-X", "-h", &address.ip().to_string()])
                .args(["-p", &address.port().to_string()])
                .args(["-U", "skein", "-d", "skein", "-c", command])
                .output()
        };
        let (expected, actual) = (output(postgres.address())?, output(cluster.address())?);
        if !expected.status.success() || expected.stdout.is_empty() || expected != actual {
            return Err(format!("{command}\nPostgreSQL: {expected:?}\nSkein: {actual:?}").into());
        }
    }
    Ok(())
}

fn folder(sql: &str) -> PathBuf {
    generated("copied", sql, |folder| {
        write_parquet(&Native::open(1), folder, "copied", sql, 3);
    })
}

fn rows() -> String {
    let mut choices = Choices::from_seed(SEED);
    let mut sql = String::from(
        "SELECT id::bigint AS id, n::integer AS n, t::text AS t, d::numeric(12,3) AS d, \
         x::double precision AS x, b::boolean AS b, day::date AS day, ts::timestamp AS ts \
         FROM (VALUES ",
    );
    for id in 0..ROWS {
        let mut null_or = |text: String| {
            if choices.chance(15) {
                "NULL".to_owned()
            } else {
                text
            }
        };
        let number = null_or(format!("{}", 7 * id));
        let decimal = null_or(format!("'{id}.{}'", id % 1000));
        let float = null_or(format!("'{id}.25e-{}'", id % 9));
        let truth = null_or(format!("{}", id % 3 == 0));
        let day = null_or(format!(
            "'20{:02}-0{}-1{}'",
            id % 90 + 10,
            id % 9 + 1,
            id % 10
        ));
        let ts = null_or(format!("'2026-01-01 0{}:1{}:00.{}'", id % 10, id % 7, id));
        let pieces = choices.below(6);
        let text: String = (0..pieces).map(|_| choices.pick(PIECES)).collect();
        let text = if choices.chance(10) {
            "NULL".to_owned()
        } else {
            format!("'{text}'")
        };
        let comma = if id > 0 { ", " } else { "" };
        let _ = write!(
            sql,
            "{comma}({id}, {number}, {text}, {decimal}, {float}, {truth}, {day}, {ts})"
        );
    }
    sql + ") AS v(id, n, t, d, x, b, day, ts)"
}

#[expect(clippy::print_stdout, reason = "the seed of a failure has to be seen")]
fn against_postgres() -> Result<(), Failed> {
    let sql = rows();
    let cluster = Cluster::start(&ClusterOptions::new(&folder(&sql)));
    let Some(postgres) = Postgres::start(&[]) else {
        return Err("PostgreSQL is not installed".into());
    };
    let mut oracle = postgres.client();
    for statement in [
        format!("CREATE TABLE copied AS {sql}").as_str(),
        // Who may read only, as everybody in Skein.
        "CREATE ROLE reader IN ROLE pg_read_all_data",
        "SET SESSION AUTHORIZATION reader",
    ] {
        oracle.query(statement)?;
    }
    let mut client = cluster.client();
    let mut report = String::new();
    let statements = SOURCES.iter().flat_map(|source| {
        let options = OPTIONS.iter().filter(|options| {
            // Old spellings go with relations only, and quoted columns have to exist.
            let is_query = source.starts_with('(');
            let names_columns = options.contains("(t, n)") || options.ends_with("QUOTE t");
            !(is_query && options.starts_with("USING") || names_columns && *source != "copied")
        });
        options.map(move |options| format!("COPY {source} TO STDOUT {options}"))
    });
    let faults = FAULTS.iter().map(|fault| (*fault).to_owned());
    let mut count = 0;
    for statement in statements.chain(faults) {
        count += 1;
        let (expected, actual) = (
            copied(&mut oracle, &statement)?,
            copied(&mut client, &statement)?,
        );
        if expected != actual {
            let different = expected
                .iter()
                .zip(&actual)
                .find(|(left, right)| left != right);
            let (left, right) = different.map_or_else(
                || {
                    let counts = (expected.len().to_string(), actual.len().to_string());
                    (counts.0 + " messages", counts.1 + " messages")
                },
                |(left, right)| (left.clone(), right.clone()),
            );
            let _ = writeln!(
                report,
                "{statement}\n  PostgreSQL: {left}\n  Skein:      {right}"
            );
        }
    }
    println!("{count} statements compared, rows of seed {SEED}");
    if report.is_empty() {
        Ok(())
    } else {
        Err(report.into())
    }
}

/// Every message that answers a statement.
fn copied(client: &mut Client, statement: &str) -> std::io::Result<Vec<String>> {
    client.send_query(statement)?;
    let mut messages = Vec::new();
    loop {
        messages.push(match client.receive()? {
            Message::CopyOutResponse(body) => {
                use fallible_iterator::FallibleIterator;
                let formats: Vec<u16> = body.column_formats().collect()?;
                format!("CopyOutResponse {} {formats:?}", body.format())
            }
            Message::CopyData(body) => {
                let text = String::from_utf8(body.data().to_vec());
                text.map_or_else(
                    |error| format!("{:02x?}", error.as_bytes()),
                    |it| format!("{it:?}"),
                )
            }
            Message::CopyDone => "CopyDone".to_owned(),
            Message::CommandComplete(body) => format!("CommandComplete {}", body.tag()?),
            Message::ErrorResponse(body) => {
                let error = ServerError::read(body.fields())?;
                let field = |letter| error.field(letter);
                format!("{} {} at {:?}", error.sqlstate(), field('M'), field('P'))
            }
            Message::ReadyForQuery(_) => return Ok(messages),
            _ => "another message".to_owned(),
        });
    }
}
