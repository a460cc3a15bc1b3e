//! What DuckDB hands out, encoded: each line is SQL for DuckDB, the type that clients see, and the
//! value as PostgreSQL 15 prints and sends it.

use skein_executor::engine::{Connection, Database, DatabaseOptions};
use skein_gateway::encode::{
    EncodeError, EncodeSettings, Format, RowBuffer, RowEncoder, Zone, row_description,
};

struct Encoded {
    oid: u32,
    cells: Vec<Option<Vec<u8>>>,
}

/// A connection to an instance of its own.
fn connect(settings: &EncodeSettings) -> Connection {
    let options = DatabaseOptions {
        threads: Some(1),
        ..DatabaseOptions::default()
    };
    let connection = Database::open(&options)
        .and_then(|database| database.connect())
        .expect("DuckDB opens");
    connection
        .set_setting("TimeZone", settings.zone.name())
        .expect("DuckDB knows the zone");
    connection
}

/// Runs `sql` of one column and encodes its rows.
fn run(
    connection: &Connection,
    sql: &str,
    format: Format,
    settings: &EncodeSettings,
) -> Result<Encoded, EncodeError> {
    let prepared = connection
        .prepare(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = prepared.columns().to_vec();
    let oid = row_description(&columns, &[format], &[])?[0].type_oid;
    let mut encoder = RowEncoder::new(&columns, &[format], settings)?;
    let mut buffer = RowBuffer::default();
    for batch in prepared
        .stream(None)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
    {
        encoder.encode(&batch.expect("the query runs"), &mut buffer)?;
    }
    let mut start = 0;
    let cells = buffer.ends.iter().map(|&end| {
        let row = &buffer.data[start..end];
        start = end;
        let length = i32::from_be_bytes(row[7..11].try_into().expect("four bytes"));
        (length >= 0).then(|| row[11..].to_vec())
    });
    Ok(Encoded {
        oid,
        cells: cells.collect(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn text(connection: &Connection, sql: &str, settings: &EncodeSettings) -> String {
    let encoded = run(connection, sql, Format::Text, settings)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let cell = encoded
        .cells
        .into_iter()
        .next()
        .expect("the query has a row");
    cell.map_or("NULL".to_owned(), |cell| {
        String::from_utf8(cell).expect("text is UTF-8")
    })
}

#[test]
fn every_type_is_what_postgres_prints_and_sends() {
    let settings = EncodeSettings::default();
    let connection = connect(&settings);
    let mut failures = Vec::new();
    for line in include_str!("encode_duckdb.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<_> = line.split('\t').collect();
        let [expression, oid, expected_text, expected_hex] = fields[..] else {
            panic!("four fields are needed: {line}");
        };
        // Behind a NULL, so that nothing depends on where a value lies.
        let sql = format!(
            "SELECT x FROM (SELECT 1 AS i, {expression} AS x UNION ALL SELECT 0, NULL) ORDER BY i"
        );
        for (format, expected) in [
            (Format::Text, expected_text),
            (Format::Binary, expected_hex),
        ] {
            let encoded = match run(&connection, &sql, format, &settings) {
                Ok(encoded) => encoded,
                Err(error) => {
                    failures.push(format!("{expression}: {error}"));
                    continue;
                }
            };
            let shown = match (&encoded.cells[1], format) {
                (None, _) => "NULL".to_owned(),
                (Some(cell), Format::Text) => String::from_utf8_lossy(cell).into_owned(),
                (Some(cell), Format::Binary) => hex(cell),
            };
            if shown != expected || encoded.oid.to_string() != oid || encoded.cells[0].is_some() {
                failures.push(format!(
                    "{expression}: {format:?} of type {} is {shown}, expected {expected} of {oid}",
                    encoded.oid
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn composites_are_json_documents() {
    let settings = EncodeSettings::default();
    let connection = connect(&settings);
    for (expression, expected) in [
        (
            "{'a': 1, 'b c': [true, NULL], 'd': DATE '2026-01-01'}",
            r#"{"a":1,"b c":[true,null],"d":"2026-01-01"}"#,
        ),
        // Without names it is a record.
        ("row(1, 'x')", "(1,x)"),
        ("[{'a': 1.50}, NULL]", r#"[{"a":1.50},null]"#),
        ("MAP {'k': 1, 'l': NULL}", r#"{"k":1,"l":null}"#),
        (
            "MAP {[1, 2]: {'x': 'nan'::DOUBLE}}",
            r#"{"[1,2]":{"x":"NaN"}}"#,
        ),
        ("union_value(k := 'v')", r#"{"k":"v"}"#),
        (
            "{'e': 'x'::ENUM('x', 'y'), 'h': 1::HUGEINT, 'u': 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID}",
            r#"{"e":"x","h":1,"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}"#,
        ),
        (
            "{'j': '{\"n\":[1]}'::JSON, 'b': '\\xFF'::BLOB, 'i': INTERVAL 1 DAY}",
            r#"{"j":{"n":[1]},"b":"\\xff","i":"1 day"}"#,
        ),
    ] {
        assert_eq!(
            text(&connection, &format!("SELECT {expression}"), &settings),
            expected,
            "{expression}"
        );
    }
}

#[test]
fn moments_follow_the_zone_of_the_session() {
    let zone = Zone::named("America/New_York").unwrap();
    let settings = EncodeSettings {
        zone,
        ..EncodeSettings::default()
    };
    let connection = connect(&settings);
    for (moment, expected) in [
        ("2026-11-22 01:02:03+00", "2026-11-21 20:02:03-05"),
        ("2026-07-01 16:00:00+00", "2026-07-01 12:00:00-04"),
        ("1883-11-18 17:03:58+00", "1883-11-18 12:03:58-05"),
        ("1800-01-01 05:00:00+00", "1800-01-01 00:03:58-04:56:02"),
        ("12000-07-01 16:00:00+00", "12000-07-01 12:00:00-04"),
    ] {
        let sql = format!("SELECT TIMESTAMPTZ '{moment}'");
        assert_eq!(text(&connection, &sql, &settings), expected);
    }
    let list = text(
        &connection,
        "SELECT [TIMESTAMPTZ '2026-01-01 05:00:00+00']",
        &settings,
    );
    assert_eq!(list, "{\"2026-01-01 00:00:00-05\"}");
}

#[test]
fn large_results_keep_their_order() {
    let sql = "SELECT CASE WHEN i % 7 = 0 THEN NULL ELSE repeat('x', (i % 50)::INTEGER) || i END \
               FROM range(10000) t(i) ORDER BY i";
    let settings = EncodeSettings::default();
    let encoded = run(&connect(&settings), sql, Format::Text, &settings).unwrap();
    let expected = (0..10_000_usize)
        .map(|i| (!i.is_multiple_of(7)).then(|| format!("{}{i}", "x".repeat(i % 50)).into_bytes()));
    assert!(encoded.cells.into_iter().eq(expected));
}
