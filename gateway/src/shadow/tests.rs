//! Tests of the shadow database, and of what the catalogue answers in it.

use std::time::Instant;

use arrow::array::{AsArray as _, RecordBatch};
use futures::{StreamExt as _, TryStreamExt as _};
use skein_catalog::relation::{Format, RelationName};
use skein_catalog::snapshot::Column as RelationColumn;

use super::*;

/// A snapshot of relations without files: schema, name, columns as `name TYPE`.
/// Schema, name, and columns with their types.
type Relation<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

pub(super) fn snapshot(relations: &[Relation<'_>]) -> CatalogSnapshot {
    let mut snapshot = CatalogSnapshot {
        schema_version: 1,
        ..CatalogSnapshot::default()
    };
    for (schema, name, columns) in relations {
        let name = RelationName {
            schema: (*schema).to_owned(),
            name: (*name).to_owned(),
        };
        let columns = columns
            .iter()
            .map(|(name, ty)| RelationColumn {
                name: (*name).to_owned(),
                ty: (*ty).to_owned(),
                partition: false,
            })
            .collect();
        let relation =
            RelationSnapshot::uniform(name.clone(), Format::Parquet, columns, Vec::new());
        snapshot.relations.insert(name, Arc::new(relation));
    }
    snapshot
}

/// The relations of most tests.
pub(super) fn shadow() -> Shadow {
    let snapshot = snapshot(&[
        (
            "public",
            "events",
            &[
                ("id", "BIGINT"),
                ("ts", "TIMESTAMP WITH TIME ZONE"),
                ("name", "VARCHAR"),
                ("val", "DOUBLE"),
                ("amount", "DECIMAL(12,2)"),
                ("tags", "VARCHAR[]"),
                ("small", "SMALLINT"),
                ("n", "INTEGER"),
            ],
        ),
        ("public", "Mixed Case", &[("User", "VARCHAR")]),
        (
            "sales",
            "facts",
            &[("k", "INTEGER"), ("v", "STRUCT(a INTEGER, b VARCHAR)")],
        ),
    ]);
    Shadow::build(&snapshot, &ShadowOptions::default()).expect("the shadow database is built")
}

#[tokio::test]
async fn statements_are_bound_without_rows() {
    let shadow = shadow();
    let description = shadow
        .describe("SELECT id, sum(amount) AS total FROM public.events WHERE id = $1 AND ts > $2 GROUP BY ALL")
        .expect("binds");
    let columns: Vec<(&str, &str)> = description
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.ty.as_str()))
        .take(2)
        .collect();
    assert_eq!(columns, [("id", "BIGINT"), ("total", "DECIMAL(38,2)")]);
    assert_eq!(
        description.parameter_types[1].as_deref(),
        Some("TIMESTAMP WITH TIME ZONE")
    );

    let error = shadow
        .describe("SELECT nope FROM public.events")
        .expect_err("no such column");
    assert_eq!(error.kind, FragmentErrorKind::Binder);
    assert_eq!(error.position, Some(7));
    assert!(matches!(
        shadow.parse("SELECT 1; SELECT 2"),
        Ok(Parsed::Select(_))
    ));
    assert_eq!(
        shadow.indices("SELECT unnest([3, 1])").expect("runs"),
        [3, 1]
    );
}

#[tokio::test]
async fn brief_queries_follow_the_settings_and_survive_errors() {
    let shadow = shadow();
    let time_in = |zone: &str| {
        let settings = BTreeMap::from([("TimeZone".to_owned(), zone.to_owned())]);
        let sql = "SELECT CAST(TIMESTAMPTZ '2026-07-01 12:00:00+00' AS TIMESTAMP)::VARCHAR";
        let rows = shadow.run_brief(sql, &settings).expect("runs");
        let texts = rows[0].column(0).as_string::<i32>();
        texts.value(0).to_owned()
    };
    assert_eq!(time_in("UTC"), "2026-07-01 12:00:00");
    assert_eq!(time_in("Europe/Berlin"), "2026-07-01 14:00:00");
    let failing = "SELECT CAST('x' AS INTEGER)";
    for _ in 0..40 {
        let failed = shadow.run_brief(failing, &BTreeMap::new());
        let error = failed.expect_err("no number");
        assert_eq!(error.kind, FragmentErrorKind::Conversion);
    }
    assert_eq!(time_in("UTC"), "2026-07-01 12:00:00");
}

#[tokio::test]
async fn the_same_shadow_serves_many_threads() {
    let shadow = shadow();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    shadow
                        .describe("SELECT count(*) FROM sales.facts")
                        .expect("binds");
                }
            });
        }
    });
}

#[tokio::test]
async fn constants_run_here_in_the_zone_of_the_session() {
    let shadow = Arc::new(shadow());
    let sql = "SELECT CAST(TIMESTAMPTZ '2026-01-01 00:00:00+00' AS VARCHAR) AS t";
    for (zone, expected) in [
        ("Asia/Tokyo", "2026-01-01 09:00:00+09"),
        ("UTC", "2026-01-01 00:00:00+00"),
        ("Asia/Tokyo", "2026-01-01 09:00:00+09"),
    ] {
        assert_eq!(first(&shadow, sql, zone, true).await, expected);
    }
    assert!(
        shadow
            .time_zones()
            .expect("lists")
            .contains(&"Europe/Berlin".to_owned())
    );
}

/// The first value of a query that gives texts.
async fn first(shadow: &Arc<Shadow>, sql: &str, zone: &str, repeatable: bool) -> String {
    let settings = BTreeMap::from([("TimeZone".to_owned(), zone.to_owned())]);
    let rows = shadow.run(sql.to_owned(), settings, 0, None, repeatable);
    let batches: Vec<RecordBatch> = rows
        .await
        .expect("starts")
        .try_collect()
        .await
        .expect("runs");
    batches[0].column(0).as_string::<i32>().value(0).to_owned()
}

#[tokio::test]
async fn only_repeatable_queries_are_run_once() {
    let shadow = Arc::new(shadow());
    let sql = "SELECT CAST(uuid() AS VARCHAR) FROM range(3)";
    let anew = first(&shadow, sql, "UTC", false).await;
    let once = first(&shadow, sql, "UTC", true).await;
    assert_ne!(anew, once);
    assert_eq!(first(&shadow, sql, "UTC", true).await, once);
    assert_ne!(first(&shadow, sql, "UTC", false).await, once);
    // Somebody who stops reading has not seen all there is.
    let large = "SELECT uuid()::VARCHAR FROM range(5000)";
    let rows = shadow.run(large.to_owned(), BTreeMap::new(), 0, None, true);
    drop(rows.await.expect("starts").next().await);
    let again = shadow.run(large.to_owned(), BTreeMap::new(), 0, None, true);
    let rows: Vec<RecordBatch> = again
        .await
        .expect("starts")
        .try_collect()
        .await
        .expect("runs");
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 5000);
}

/// Prints what building and describing cost; run by name, in a release build.
#[tokio::test]
#[ignore = "a measurement"]
async fn cost_of_building_and_describing() {
    let names: Vec<String> = (0..2000).map(|index| format!("relation_{index}")).collect();
    let columns: Vec<(String, &str)> = (0..50)
        .map(|index| {
            (
                format!("column_{index}"),
                ["BIGINT", "VARCHAR", "DOUBLE"][index % 3],
            )
        })
        .collect();
    let columns: Vec<(&str, &str)> = columns
        .iter()
        .map(|(name, ty)| (name.as_str(), *ty))
        .collect();
    let relations: Vec<Relation<'_>> = names
        .iter()
        .map(|name| ("public", name.as_str(), columns.as_slice()))
        .collect();
    let snapshot = snapshot(&relations);

    let start = Instant::now();
    let shadow = Shadow::build(&snapshot, &ShadowOptions::default()).expect("built");
    report("build 2000 x 50", start, 1);
    let start = Instant::now();
    shadow.load_catalogue().expect("loaded");
    report("load catalogue", start, 1);
    for sql in [
        "SELECT 1",
        "SELECT column_0, count(*) FROM public.relation_7 WHERE column_1 = $1 GROUP BY 1",
    ] {
        let start = Instant::now();
        for _ in 0..1000 {
            shadow.describe(sql).expect("binds");
        }
        report(&format!("describe {sql}"), start, 1000);
        let start = Instant::now();
        for _ in 0..1000 {
            shadow.parse(sql).expect("parses");
        }
        report(&format!("parse {sql}"), start, 1000);
    }
}

#[expect(clippy::print_stderr, reason = "the measurement is the result")]
fn report(what: &str, start: Instant, count: u32) {
    eprintln!("{what}: {:?}", start.elapsed() / count);
}

mod catalogue;
