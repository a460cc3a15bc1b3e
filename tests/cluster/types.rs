//! Every type that Skein serves, from files on an executor to the client and to the combine query.

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::compare::{self, Order};
use skein_tests::data;
use skein_tests::native::Native;

/// Column and SQL of its values: `range` is the number of the row. Every fourth value is NULL.
const COLUMNS: &[(&str, &str)] = &[
    ("first_is_boolean", "range % 2 = 0"),
    ("tiny", "CAST(range % 100 - 50 AS TINYINT)"),
    ("small", "CAST(range AS SMALLINT)"),
    ("int4", "CAST(range AS INTEGER)"),
    ("int8", "range * 1000000007"),
    (
        "huge",
        "CAST(range AS HUGEINT) * 56713727820156410577229101238628",
    ),
    ("utiny", "CAST(range % 200 AS UTINYINT)"),
    ("ubig", "CAST(range AS UBIGINT) * 6148914691236517"),
    (
        "uhuge",
        "CAST(range AS UHUGEINT) * 113427455640312821154458202477256",
    ),
    ("real4", "CAST(range AS FLOAT) / 3"),
    (
        "real8",
        "CASE range % 5 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN '-inf'::DOUBLE ELSE range / 7 END",
    ),
    ("decimal4", "CAST(range % 100 AS DECIMAL(4,1))"),
    ("decimal18", "CAST(range AS DECIMAL(18,3)) / 8"),
    (
        "decimal38",
        "CAST(range AS DECIMAL(38,10)) * 12345678901234567",
    ),
    (
        "words",
        "repeat('é漢', CAST(range % 20 AS INTEGER)) || range",
    ),
    ("bytes", "encode('b' || range)"),
    ("bits", "CAST(range AS BIT)"),
    ("day", "DATE '1970-01-01' + CAST(range * 100 AS INTEGER)"),
    ("hour", "CAST('12:00:00' AS TIME) + to_microseconds(range)"),
    ("hour_zone", "CAST('12:34:56.789012+05:30' AS TIMETZ)"),
    (
        "moment",
        "TIMESTAMP '1582-10-05' + to_days(CAST(range * 37 AS INTEGER))",
    ),
    (
        "moment_s",
        "CAST(TIMESTAMP '2026-11-22 12:34:56' AS TIMESTAMP_S)",
    ),
    (
        "moment_ms",
        "CAST(TIMESTAMP '2026-11-22 12:34:56.789' AS TIMESTAMP_MS)",
    ),
    (
        "moment_ns",
        "CAST(TIMESTAMP '2026-11-22 12:34:56.789' AS TIMESTAMP_NS)",
    ),
    (
        "moment_zone",
        "TIMESTAMPTZ '2026-11-22 12:34:56+01' + to_hours(range)",
    ),
    (
        "span",
        "to_months(CAST(range % 30 AS INTEGER)) + to_microseconds(range)",
    ),
    ("id", "CAST(md5(CAST(range AS VARCHAR)) AS UUID)"),
    (
        "list",
        "CASE WHEN range % 3 = 0 THEN []::INTEGER[] ELSE [CAST(range AS INTEGER), NULL] END",
    ),
    ("nested", "[[CAST(range AS VARCHAR)], [], NULL]"),
    (
        "record",
        "{'a': range, 'b': 'x' || range, 'c': [{'d': DATE '2026-01-01'}]}",
    ),
    ("pairs", "MAP {'k' || range: range, 'l': NULL}"),
    ("json", "CAST('{\"a\": ' || range || '}' AS JSON)"),
];

fn cluster() -> (Cluster, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let native = Native::open(1);
    let columns: Vec<String> = COLUMNS
        .iter()
        .enumerate()
        .map(|(at, (name, sql))| {
            format!("CASE WHEN (range + {at}) % 4 = 0 THEN NULL ELSE {sql} END AS {name}")
        })
        .collect();
    let sql = format!("SELECT range AS n, {} FROM range(300)", columns.join(", "));
    data::write_parquet(&native, folder.path(), "everything", &sql, 5);
    let options = ClusterOptions::new(folder.path()).processes(2);
    (Cluster::start(&options), folder)
}

/// The same rows, whole and on executors.
fn check(whole: &mut Client, split: &mut Client, sql: &str, failures: &mut Vec<String>) {
    let (here, there) = (whole.query(sql), split.query(sql));
    let outcome = match (&here, &there) {
        (Ok(here), Ok(there)) => compare::same(here, there, Order::Any),
        (Err(here), Err(there)) if here.sqlstate() == there.sqlstate() => {
            Err(format!("both fail: {here}"))
        }
        (here, there) => Err(format!("{here:?} and {there:?}")),
    };
    if let Err(difference) = outcome {
        failures.push(format!("{sql}\n{difference}"));
    }
}

#[test]
fn every_type_travels() {
    let (cluster, _folder) = cluster();
    let mut whole = cluster.client_with(&["skein.split = never"]);
    let mut split = cluster.client_with(&["skein.split = always"]);
    let mut failures = Vec::new();
    for zone in ["UTC", "America/New_York"] {
        for client in [&mut whole, &mut split] {
            let set = client.query(&format!("SET TimeZone = '{zone}'"));
            set.expect("the setting exists");
        }
        for (name, _) in COLUMNS {
            // From a fragment to the client, alone and as the first of several columns.
            for sql in [
                format!("SELECT {name} FROM everything"),
                format!("SELECT {name}, n, words, {name} FROM everything WHERE n % 2 = 0"),
                // Through the combine query.
                format!("SELECT n % 7, max({name}), count({name}) FROM everything GROUP BY 1"),
                format!("SELECT {name}, count(*) FROM everything GROUP BY {name}"),
                format!("SELECT {name}, n FROM everything ORDER BY n DESC LIMIT 50"),
                format!("SELECT {name} FROM everything WHERE n < 0"),
            ] {
                check(&mut whole, &mut split, &sql, &mut failures);
            }
        }
        check(
            &mut whole,
            &mut split,
            "SELECT * FROM everything",
            &mut failures,
        );
    }
    assert!(
        failures.is_empty(),
        "{} differ:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

/// Types that only SQL has, not files.
#[test]
fn types_that_a_query_makes_travel() {
    let (cluster, _folder) = cluster();
    let mut whole = cluster.client_with(&["skein.split = never"]);
    let mut split = cluster.client_with(&["skein.split = always"]);
    let mut failures = Vec::new();
    for value in [
        "NULL",
        "row(n, words)",
        "[CAST(n % 3 AS VARCHAR)::ENUM('0', '1', '2')]",
        "map([row(n)], [row(words, [row(day)])])",
        "array_value(row(n, 1), row(2, n))",
        "CAST(CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END AS text)",
        "array[words, NULL]",
        "CAST(json AS jsonb)",
        "day + span",
        "CAST([n, n + 1] AS BIGINT[2])",
        "CAST(n AS HUGEINT) * 56713727820156410577229101238628",
        "CAST(n AS UHUGEINT)",
        "CAST(n AS BIT)",
        "CAST(n AS BIGNUM)",
        "CAST(moment AS TIMESTAMP_S)",
        "CAST(n % 3 AS VARCHAR)::ENUM('0', '1', '2')",
    ] {
        for sql in [
            format!("SELECT {value} AS v FROM everything"),
            format!("SELECT {value} AS v, n FROM everything ORDER BY n LIMIT 100"),
        ] {
            check(&mut whole, &mut split, &sql, &mut failures);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
