//! Every type of DuckDB through Arrow and back: as a result, as an input in memory, as an input
//! from a channel, and as an input kept in a temporary table; with NULLs, and as the first column.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use skein_executor::{EmbeddedExecutor, EmbeddedOptions};
use skein_executor_api::{BatchStream, Column, Executor, Fragment, FragmentError, InputSpec};

/// SQL of a type, and SQL of values; every case also gets a NULL.
const CASES: &[(&str, &[&str])] = &[
    ("BOOLEAN", &["true", "false"]),
    ("TINYINT", &["-128", "127"]),
    ("SMALLINT", &["-32768", "32767"]),
    ("INTEGER", &["-2147483648", "2147483647"]),
    ("BIGINT", &["-9223372036854775808", "9223372036854775807"]),
    (
        "HUGEINT",
        &[
            "-170141183460469231731687303715884105728",
            "1",
            "9223372036854775808",
        ],
    ),
    ("UTINYINT", &["0", "255"]),
    ("USMALLINT", &["0", "65535"]),
    ("UINTEGER", &["0", "4294967295"]),
    ("UBIGINT", &["0", "18446744073709551615"]),
    (
        "UHUGEINT",
        &["0", "340282366920938463463374607431768211455"],
    ),
    (
        "BIGNUM",
        &[
            "'0'",
            "'-123456789012345678901234567890123456789012345678901234567890'",
        ],
    ),
    ("FLOAT", &["1.5", "'nan'", "'inf'", "'-inf'", "'-0'", "0.1"]),
    (
        "DOUBLE",
        &["1.5", "'nan'", "'inf'", "'-inf'", "'-0'", "0.1"],
    ),
    ("DECIMAL(4,1)", &["-999.9", "0.5"]),
    ("DECIMAL(9,3)", &["-999999.999", "0.5"]),
    ("DECIMAL(18,3)", &["-999999999999999.999", "0.5"]),
    (
        "DECIMAL(38,10)",
        &["'-9999999999999999999999999999.9999999999'", "0.5"],
    ),
    (
        "VARCHAR",
        &[
            "''",
            "'short'",
            "'longer than twelve bytes'",
            "'é漢字'",
            "E'a\\nb'",
        ],
    ),
    (
        "BLOB",
        &["'\\x00\\xFF'", "''", "'longer than twelve bytes \\x00'"],
    ),
    (
        "BIT",
        &[
            "'1'",
            "'0101010101010101'",
            "'00000000000000000000000000000000000000001'",
        ],
    ),
    (
        "DATE",
        &[
            "'2026-11-22'",
            "'infinity'",
            "'-infinity'",
            "'0044-03-15 (BC)'",
        ],
    ),
    ("TIME", &["'24:00:00'", "'12:34:56.789012'", "'00:00'"]),
    ("TIME_NS", &["'12:34:56.789012345'", "'00:00'"]),
    (
        "TIME WITH TIME ZONE",
        &["'12:34:56.789012+05:30'", "'00:00:00-15:59'"],
    ),
    (
        "TIMESTAMP",
        &[
            "'2026-11-22 12:34:56.789012'",
            "'infinity'",
            "'1582-10-05 00:00:00'",
        ],
    ),
    ("TIMESTAMP_S", &["'2026-11-22 12:34:56'", "'infinity'"]),
    (
        "TIMESTAMP_MS",
        &["'2026-11-22 12:34:56.789'", "'-infinity'"],
    ),
    (
        "TIMESTAMP_NS",
        &["'2026-11-22 12:34:56.789012345'", "'infinity'"],
    ),
    (
        "TIMESTAMP WITH TIME ZONE",
        &["'2026-11-22 12:34:56.789012+01'", "'infinity'"],
    ),
    (
        "INTERVAL",
        &["'1 year 2 days 3 microseconds'", "'-1 month'", "'0 days'"],
    ),
    (
        "UUID",
        &[
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-8fff-ffffffffffff'",
        ],
    ),
    ("JSON", &["'{\"a\": [1, null]}'", "'null'"]),
    ("ENUM('one', 'two''s', 'é')", &["'one'", "'two''s'", "'é'"]),
    ("INTEGER[]", &["[1, NULL, 3]", "[]"]),
    ("VARCHAR[][]", &["[['a', NULL], [], NULL]", "[]"]),
    ("BOOLEAN[]", &["[true, NULL]", "[]"]),
    ("HUGEINT[]", &["[1, NULL]", "[]"]),
    ("ENUM('one', 'two')[]", &["['one', NULL, 'two']", "[]"]),
    ("INTEGER[3]", &["[1, NULL, 3]"]),
    (
        "STRUCT(a INTEGER, \"order\" VARCHAR, \"b c\" DECIMAL(9,2)[])",
        &[
            "{'a': 1, 'order': 'x', 'b c': [1.25, NULL]}",
            "{'a': NULL, 'order': NULL, 'b c': NULL}",
        ],
    ),
    (
        "STRUCT(a BOOLEAN, b TIME WITH TIME ZONE)",
        &["{'a': true, 'b': '12:00:00+01'}"],
    ),
    ("STRUCT(INTEGER, VARCHAR)", &["row(1, 'x')"]),
    (
        "STRUCT(e ENUM('one', 'two'))",
        &["{'e': 'two'}", "{'e': NULL}"],
    ),
    (
        "MAP(VARCHAR, INTEGER)",
        &["map(['a', 'b'], [1, NULL])", "map([], [])"],
    ),
    (
        "MAP(INTEGER, ENUM('one'))",
        &["map([1], ['one'])", "map([], [])"],
    ),
    (
        "UNION(num INTEGER, str VARCHAR)",
        &["union_value(num := 1)", "union_value(str := 'x')"],
    ),
    ("INTERVAL[]", &["[INTERVAL '1 day', NULL]"]),
    (
        "UUID[]",
        &["['00000000-0000-0000-0000-000000000001', NULL]"],
    ),
];

/// Rows of each case, and how often its values repeat: more rows than DuckDB has in a vector.
const REPEATS: usize = 1200;

fn options(input_kept_bytes_max: usize) -> EmbeddedOptions {
    let mut options = EmbeddedOptions {
        input_kept_bytes_max,
        ..EmbeddedOptions::default()
    };
    options.database.threads = Some(2);
    options
}

fn fragment(sql: &str, inputs: Vec<InputSpec>) -> Fragment {
    Fragment {
        id: skein_executor_api::FragmentId::default(),
        sql: sql.to_owned(),
        inputs,
        settings: BTreeMap::from([("TimeZone".to_owned(), "America/New_York".to_owned())]),
        joined_rows: 0,
        deadline: None,
    }
}

async fn collect(
    executor: &EmbeddedExecutor,
    sql: &str,
    inputs: Vec<(InputSpec, BatchStream)>,
) -> Result<Vec<RecordBatch>, FragmentError> {
    let (specs, streams) = inputs.into_iter().unzip();
    executor
        .run(fragment(sql, specs), streams)
        .await?
        .try_collect()
        .await
}

fn texts(batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let columns = batch
                .columns()
                .iter()
                .map(arrow::array::AsArray::as_string::<i32>);
            rows.push(
                columns
                    .map(|c| c.iter().nth(row).flatten().map(str::to_owned))
                    .collect(),
            );
        }
    }
    rows
}

fn values_sql(ty: &str, values: &[&str]) -> String {
    let rows: Vec<String> = values
        .iter()
        .copied()
        .chain(["NULL"])
        .enumerate()
        .map(|(index, value)| match ty {
            // Has no name that DuckDB's parser takes; the others give NULL its type.
            "STRUCT(INTEGER, VARCHAR)" => format!("SELECT {index} AS i, {value} AS v"),
            _ => format!("SELECT {index} AS i, CAST({value} AS {ty}) AS v"),
        })
        .collect();
    let rows = rows.join(" UNION ALL ");
    format!("SELECT v, r, i FROM ({rows}), range({REPEATS}) t(r) ORDER BY r, i")
}

/// What is compared: the text and the type of each value, of the first rows and as a digest.
fn check_sql(from: &str) -> String {
    format!(
        "SELECT CAST(v AS VARCHAR), typeof(v), CAST(i AS VARCHAR) FROM {from} WHERE r = 0 UNION ALL \
         SELECT CAST(count(*) AS VARCHAR), CAST(count(v) AS VARCHAR), \
                md5(string_agg(coalesce(CAST(v AS VARCHAR), 'NULL') || r || i, ';' ORDER BY r, i)) \
         FROM {from}"
    )
}

async fn round_trip(executor: &EmbeddedExecutor, ty: &str, values: &[&str]) -> Result<(), String> {
    let text = |error: FragmentError| format!("{ty}: {:?}: {}", error.kind, error.message);
    let sql = values_sql(ty, values);
    let expected = collect(executor, &check_sql(&format!("({sql})")), vec![]).await;
    let expected = texts(&expected.map_err(text)?);
    let columns = executor
        .database()
        .connect()
        .and_then(|c| Ok(c.prepare(&sql)?.columns().to_vec()));
    let columns = columns.map_err(text)?;
    if columns[0].ty != ty && columns[0].ty != typeof_of(&expected) {
        return Err(format!("{ty}: described as {}", columns[0].ty));
    }
    let rows = executor
        .run(fragment(&sql, vec![]), vec![])
        .await
        .map_err(text)?;
    let spec = InputSpec {
        name: "In".to_owned(),
        columns,
        reread: false,
        rows_estimate: 10,
    };
    let got = collect(executor, &check_sql("\"In\""), vec![(spec, rows)])
        .await
        .map_err(text)?;
    let got = texts(&got);
    if got != expected {
        return Err(format!("{ty}: {got:?} instead of {expected:?}"));
    }
    Ok(())
}

fn typeof_of(rows: &[Vec<Option<String>>]) -> String {
    rows[0][1].clone().unwrap_or_default()
}

async fn all_cases(kept_bytes_max: usize) {
    let executor = EmbeddedExecutor::open(&options(kept_bytes_max)).expect("an instance");
    let mut failures = Vec::new();
    for (ty, values) in CASES {
        if let Err(failure) = round_trip(&executor, ty, values).await {
            failures.push(failure);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn every_type_survives_as_an_input_in_memory() {
    all_cases(usize::MAX).await;
}

/// The check reads its input twice, so that the channel goes through a temporary table.
#[tokio::test]
async fn every_type_survives_as_an_input_in_a_table() {
    all_cases(0).await;
}

#[tokio::test]
async fn every_type_survives_as_an_input_from_a_channel() {
    let executor = EmbeddedExecutor::open(&options(0)).expect("an instance");
    let mut failures = Vec::new();
    for (ty, values) in CASES {
        let sql = values_sql(ty, values);
        let digest = "SELECT CAST(count(*) AS VARCHAR), CAST(count(v) AS VARCHAR), any_value(typeof(v)), \
            md5(string_agg(coalesce(CAST(v AS VARCHAR), 'NULL') || r || i, ';' ORDER BY r, i)) FROM ";
        let columns = executor
            .database()
            .connect()
            .and_then(|c| Ok(c.prepare(&sql)?.columns().to_vec()));
        let spec = |columns: Vec<Column>| InputSpec {
            name: "rows".to_owned(),
            columns,
            reread: false,
            rows_estimate: 10,
        };
        let outcome = async {
            let expected = collect(&executor, &format!("{digest} ({sql})"), vec![]).await?;
            let rows = executor.run(fragment(&sql, vec![]), vec![]).await?;
            // Batches of odd sizes: offsets that are no multiple of eight.
            let rows = rows.flat_map(|batch| {
                let batch = batch.expect("a batch");
                let cut = batch.num_rows().min(3);
                let rest = batch.num_rows() - cut;
                stream::iter([Ok(batch.slice(0, cut)), Ok(batch.slice(cut, rest))])
            });
            let inputs = vec![(spec(columns?), Box::pin(rows) as BatchStream)];
            let got = collect(&executor, &format!("{digest} rows"), inputs).await?;
            Ok::<_, FragmentError>((texts(&got), texts(&expected)))
        };
        match outcome.await {
            Ok((got, expected)) if got == expected => {}
            other => failures.push(format!("{ty}: {other:?}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
