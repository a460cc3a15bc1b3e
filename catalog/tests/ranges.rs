//! Ranges of keys, as the footers of Parquet files tell them.

#[path = "support/folder.rs"]
mod support;

use std::sync::atomic::Ordering;

use skein_catalog::ranges::{FileRange, KeyRanges};
use support::{Folder, name, relation};

const T: &str = "[[relation]]\nname = \"t\"\npath = \"t/*.parquet\"\n";

/// Four files of a thousand rows: `k` goes on from file to file, `m` starts anew in each, `half` is
/// NULL in the last file, and `late` is only there.
fn folder() -> Folder {
    let folder = Folder::new();
    for file in 0..4 {
        let late = if file == 3 { ", i AS late" } else { "" };
        let half = if file == 3 { "NULL" } else { "i" };
        folder.copy(
            &format!("t/{file}.parquet"),
            &format!(
                "SELECT i AS k, i % 1000 AS m, {half}::BIGINT AS half, i::DOUBLE AS number, \
                 'x' || i AS text, DATE '2026-01-01' + i::INTEGER AS day{late} \
                 FROM range({file} * 1000, ({file} + 1) * 1000) r(i)"
            ),
        );
    }
    folder
}

#[tokio::test]
async fn sorted_columns_are_told_apart() {
    let folder = folder();
    let catalog = folder.catalog(T);
    let t = relation(&catalog, "t").await.unwrap();
    let columns = ["k", "M", "half", "number", "text", "day", "late", "none"].map(str::to_owned);
    let found = catalog.key_ranges(&t, &columns, 2).await;
    let of = |column: &str| {
        found
            .get(&(name("t"), column.to_owned()))
            .map(AsRef::as_ref)
    };
    let known = |values: [(&str, &str); 4]| -> Vec<FileRange> {
        let file = |(least, greatest): (&str, &str)| FileRange {
            values: Some((least.to_owned(), greatest.to_owned())),
            has_nulls: false,
        };
        values.into_iter().map(file).collect()
    };
    let k = KeyRanges {
        ty: "BIGINT".to_owned(),
        bounds: vec!["2000".to_owned()],
        read_percent: 100,
        files: known([
            ("0", "999"),
            ("1000", "1999"),
            ("2000", "2999"),
            ("3000", "3999"),
        ]),
    };
    assert_eq!(of("k"), Some(&k));
    assert_eq!(of("day").expect("a range").bounds, ["2031-06-24"]);
    // All files have the same values.
    assert_eq!(of("m"), None);
    let half = of("half").expect("three files have some");
    assert_eq!(half.files[0], k.files[0]);
    assert_eq!(
        half.files[3],
        FileRange {
            values: None,
            has_nulls: true
        }
    );
    assert!(half.has_nulls());
    assert_eq!(of("late"), None);
    // Where NaN or texts are, DuckDB and the footers may not agree.
    assert_eq!(of("number"), None);
    assert_eq!(of("text"), None);
    assert_eq!(of("none"), None);

    let four = catalog.key_ranges(&t, &columns[..1], 4).await;
    let four = &four[&(name("t"), "k".to_owned())];
    assert_eq!(four.bounds, ["1000", "2000", "3000"]);
    assert_eq!(four.read_percent, 100);
}

#[tokio::test]
async fn overlapping_files_are_read_more_than_once() {
    let folder = Folder::new();
    for file in 0..4 {
        folder.copy(
            &format!("t/{file}.parquet"),
            &format!("SELECT i * 4 + {file} AS k FROM range(1000) r(i)"),
        );
    }
    let catalog = folder.catalog(T);
    let t = relation(&catalog, "t").await.unwrap();
    let found = catalog.key_ranges(&t, &["k".to_owned()], 2).await;
    let ranges = &found[&(name("t"), "k".to_owned())];
    assert!(ranges.read_percent >= 150, "{ranges:?}");
}

#[tokio::test]
async fn answers_last_as_long_as_the_files() {
    let folder = folder();
    let catalog = folder.catalog(T);
    let wanted = ["k".to_owned()];
    let t = relation(&catalog, "t").await.unwrap();
    let first = catalog.key_ranges(&t, &wanted, 2).await;
    let asked = folder.duck.statements.load(Ordering::Relaxed);
    assert_eq!(catalog.key_ranges(&t, &wanted, 2).await, first);
    assert_eq!(folder.duck.statements.load(Ordering::Relaxed), asked);
    folder.copy("t/4.parquet", "SELECT i AS k FROM range(4000, 8000) r(i)");
    let t = relation(&catalog, "t").await.unwrap();
    let later = catalog.key_ranges(&t, &wanted, 2).await;
    assert_eq!(later[&(name("t"), "k".to_owned())].bounds, ["4000"]);
}
