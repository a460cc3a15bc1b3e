//! Columns and scans: any set of files of a relation gives the same columns, and its own rows.

#[path = "support/folder.rs"]
mod support;

use std::fmt::Write;

use skein_catalog::CatalogError;
use support::{Folder, columns, short};

#[tokio::test]
async fn parquet_files_of_one_shape_are_read_plainly() {
    let folder = Folder::new();
    for part in 1..=3 {
        let query = format!(
            "SELECT {part} AS n, 'x' AS s, 1.50::DECIMAL(3,2) AS d, {{'a': [1], 'b c': MAP {{'k': 1}}}} AS nested"
        );
        folder.copy(&format!("t/{part}.parquet"), &query);
    }
    let relation = folder.relation("t/*.parquet").await;
    assert_eq!(
        columns(&relation),
        [
            "n INTEGER",
            "s VARCHAR",
            "d DECIMAL(3,2)",
            "nested STRUCT(a INTEGER[], \"b c\" MAP(VARCHAR, INTEGER))"
        ]
    );
    assert!(
        relation
            .scan_sql(&relation.files)
            .starts_with("read_parquet(['")
    );
    assert!(relation.files.iter().all(|file| file.shape == 0));
    assert_eq!(folder.check_scans(&relation).len(), 3);
}

#[tokio::test]
async fn parquet_columns_are_matched_by_name_and_promoted() {
    let folder = Folder::new();
    folder.copy("t/1.parquet", "SELECT 1::INTEGER AS a, 'one' AS b");
    folder.copy(
        "t/2.parquet",
        "SELECT 'two' AS b, 2::BIGINT AS \"A\", DATE '2026-01-01' AS d",
    );
    folder.copy(
        "t/3.parquet",
        "SELECT 3::SMALLINT AS a, TIMESTAMP '2026-01-02 10:00:00' AS d",
    );
    folder.copy("t/4.parquet", "SELECT {'x': 1} AS s, 4 AS a");
    folder.copy("t/5.parquet", "SELECT {'y': 'v', 'x': 2::BIGINT} AS s");
    let relation = folder.relation("t/*.parquet").await;
    assert_eq!(
        columns(&relation),
        [
            "a BIGINT",
            "b VARCHAR",
            "d TIMESTAMP",
            "s STRUCT(x BIGINT, y VARCHAR)"
        ]
    );
    assert_eq!(
        short(&folder.check_scans(&relation)),
        [
            "1 one - -",
            "2 two 2026-01-01 00:00:00 -",
            "3 - 2026-01-02 10:00:00 -",
            "4 - - {'x': 1, 'y': NULL}",
            "- - - {'x': 2, 'y': v}"
        ]
    );
}

#[tokio::test]
async fn parquet_types_that_do_not_go_together_are_an_error() {
    let folder = Folder::new();
    for (one, other) in [
        ("1", "'x'"),
        ("1", "DATE '2026-01-01'"),
        ("[1]", "'x'"),
        ("{'a': 1}", "[1]"),
        ("{'a': 1}", "{'a': 'x'}"),
    ] {
        folder.copy("t/0.parquet", &format!("SELECT {one} AS a, 1 AS fine"));
        folder.copy("t/1.parquet", &format!("SELECT {one} AS a, 1 AS fine"));
        folder.copy(
            "t/2.parquet",
            &format!("SELECT {other} AS a, 2::BIGINT AS fine"),
        );
        let error = folder.try_relation("t/*.parquet").await.unwrap_err();
        let CatalogError::TypeConflict {
            column,
            file,
            other_file,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(&**column, "a");
        assert!(
            file.ends_with("/0.parquet") && other_file.ends_with("/2.parquet"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn hive_keys_have_one_type_for_all_files() {
    let folder = Folder::new();
    for (path, n) in [
        ("day=2026-01-01/k=1", 1),
        ("day=2026-01-02/k=02", 2),
        ("day=__HIVE_DEFAULT_PARTITION__/k=x%20y", 3),
    ] {
        folder.copy(
            &format!("t/{path}/part-0.parquet"),
            &format!("SELECT {n} AS n"),
        );
    }
    let relation = folder.relation("t/**/*.parquet").await;
    assert_eq!(columns(&relation), ["n INTEGER", "day* DATE", "k* VARCHAR"]);
    let rows = short(&folder.check_scans(&relation));
    assert_eq!(rows, ["1 2026-01-01 1", "2 2026-01-02 02", "3 - x y"]);
    for (file, row) in relation.files.iter().zip(&rows) {
        let listed: Vec<String> = file
            .partition
            .values()
            .map(|v| v.clone().unwrap_or_else(|| "-".to_owned()))
            .collect();
        assert!(row.ends_with(&listed.join(" ")), "{row} {listed:?}");
    }
}

#[tokio::test]
async fn hive_values_in_the_file_list_are_those_that_duckdb_reads() {
    let folder = Folder::new();
    let values = [
        "a%20b%2Fc",
        "NULL",
        "x y",
        "null",
        "",
        "%zz",
        "é",
        "__HIVE_DEFAULT_PARTITION__",
        "%C3%A9",
        "a'b",
    ];
    for value in values {
        folder.copy(&format!("t/p={value}/a=b=c/f.parquet"), "SELECT 1 AS n");
        folder.copy(
            &format!("u/P={}/f.csv", value.len()),
            "SELECT 1 AS n, 2 AS \"p\"",
        );
    }
    for path in ["t/**/*.parquet", "u/*/f.csv"] {
        let relation = folder.relation(path).await;
        for file in &relation.files {
            let rows = folder.scan(&relation, std::slice::from_ref(file));
            let key = relation
                .columns
                .iter()
                .position(|column| column.partition)
                .unwrap();
            assert_eq!(
                rows[0][key], file.partition[&relation.columns[key].name],
                "{}",
                file.path
            );
        }
        folder.check_scans(&relation);
    }
}

#[tokio::test]
async fn hive_keys_take_the_place_of_columns() {
    let folder = Folder::new();
    for (extension, k) in [("parquet", 1), ("csv", 2), ("json", 3)] {
        for key in [7, 8] {
            let path = format!("{extension}/b={key}/K={k}/f.{extension}");
            folder.copy(&path, "SELECT 'own' AS k, 5::BIGINT AS n");
        }
        let relation = folder
            .relation(&format!("{extension}/**/*.{extension}"))
            .await;
        assert_eq!(
            columns(&relation),
            ["k* BIGINT", "n BIGINT", "b* BIGINT"],
            "{extension}"
        );
        assert_eq!(
            short(&folder.check_scans(&relation)),
            [format!("{k} 5 7"), format!("{k} 5 8")]
        );
    }
}

#[tokio::test]
async fn hive_partitioning_can_be_off_or_demanded() {
    let folder = Folder::new();
    folder.copy("t/k=1/f.parquet", "SELECT 1 AS n");
    let relation = |hive: &str, path: &str| {
        folder.catalog(&format!(
            "[[relation]]\nname = \"t\"\npath = \"{path}\"\nhive_partitioning = {hive}"
        ))
    };
    let off = support::relation(&relation("false", "t/**/*.parquet"), "t")
        .await
        .unwrap();
    assert_eq!(columns(&off), ["n INTEGER"]);
    folder.check_scans(&off);
    folder.copy("t/f.parquet", "SELECT 2 AS n");
    let error = support::relation(&relation("true", "t/**/*.parquet"), "t")
        .await
        .unwrap_err();
    assert!(
        matches!(error, CatalogError::HiveMismatch { .. }),
        "{error}"
    );
    let mixed = folder.relation("t/**/*.parquet").await;
    assert_eq!(columns(&mixed), ["n INTEGER"]);
}

#[tokio::test]
async fn csv_files_are_read_with_one_set_of_types() {
    let folder = Folder::new();
    folder.write(
        "t/1.csv",
        "id;name;d\n1;\"x;\"\"y\"\"\";2026-01-01\n2;;2026-01-02\n",
    );
    folder.write("t/2.csv", "name,id,extra\r\nz,1.5,true\r\n");
    folder.write("t/3.csv", "id,name,d\n");
    folder.write("t/4.csv", "id,name,d\n,w,\n");
    folder.write(
        "t/5.csv",
        "id\tname\td\n7\tv\t2026-01-03 10:00:00\n8\tv\t2026-01-03 11:00:00\n",
    );
    folder.write("t/6.csv", "");
    let relation = folder.relation("t/*.csv").await;
    assert_eq!(
        columns(&relation),
        ["id DOUBLE", "name VARCHAR", "d TIMESTAMP", "extra BOOLEAN"]
    );
    assert_eq!(relation.files.len(), 5);
    assert_eq!(
        short(&folder.check_scans(&relation)),
        [
            "1.0 x;\"y\" 2026-01-01 00:00:00 -",
            "2.0 - 2026-01-02 00:00:00 -",
            "1.5 z - true",
            "- w - -",
            "7.0 v 2026-01-03 10:00:00 -",
            "8.0 v 2026-01-03 11:00:00 -"
        ]
    );
}

#[tokio::test]
async fn csv_columns_that_differ_are_text_as_it_is_written() {
    let folder = Folder::new();
    folder.write("t/1.csv", "a,b\n007,31/12/2026\n008,30/12/2026\n");
    folder.write("t/2.csv", "a,b\nx,2026-12-29\n");
    folder.write("t/3.csv", "a,b\ntrue,2026-12-28\n");
    let relation = folder.relation("t/*.csv").await;
    assert_eq!(columns(&relation), ["a VARCHAR", "b DATE"]);
    assert_eq!(
        short(&folder.check_scans(&relation)),
        [
            "007 2026-12-31",
            "008 2026-12-30",
            "x 2026-12-29",
            "true 2026-12-28"
        ]
    );
}

#[tokio::test]
async fn quotes_after_the_sample_are_understood() {
    let folder = Folder::new();
    let mut text = String::from("a,b\n");
    for row in 0..30_000 {
        writeln!(text, "{row},plain").unwrap();
    }
    text.push_str("30000,\"with, comma and \"\"quotes\"\"\"\n");
    folder.write("t.csv", &text);
    folder.write("stray.csv", "a,b\n\"x,1\ny,2\n");
    let relation = folder.relation("t.csv").await;
    let rows = folder.scan(&relation, &relation.files);
    assert_eq!(
        rows.last().unwrap()[1].as_deref(),
        Some("with, comma and \"quotes\"")
    );
    let stray = folder.relation("stray.csv").await;
    assert_eq!(short(&folder.scan(&stray, &stray.files)), ["\"x 1", "y 2"]);
}

#[tokio::test]
async fn json_documents_are_merged() {
    let folder = Folder::new();
    folder.write(
        "t/1.json",
        "{\"a\":1,\"s\":{\"x\":1}}\n{\"a\":2,\"s\":{\"y\":\"z\"}}\n",
    );
    folder.write(
        "t/2.json",
        "[{\"a\":1.5,\"b\":true}, {\"a\":2,\"d\":\"2026-01-01\"}]",
    );
    folder.write("t/3.ndjson", "{\n \"a\": 3\n}\n{\n \"a\": null\n}\n");
    folder.write("t/4.json", "");
    let relation = folder.relation("t").await;
    assert_eq!(
        columns(&relation),
        [
            "a DOUBLE",
            "s STRUCT(x BIGINT, y VARCHAR)",
            "b BOOLEAN",
            "d DATE"
        ]
    );
    assert_eq!(
        short(&folder.check_scans(&relation)),
        [
            "1.0 {'x': 1, 'y': NULL} - -",
            "2.0 {'x': NULL, 'y': z} - -",
            "1.5 - true -",
            "2.0 - - 2026-01-01",
            "3.0 - - -",
            "- - - -"
        ]
    );
    folder.write("u/1.json", "{\"a\":1}\n");
    folder.write("u/2.json", "{\"a\":\"x\"}\n");
    let mixed = folder.relation("u/*.json").await;
    assert_eq!(columns(&mixed), ["a JSON"]);
    folder.check_scans(&mixed);
}

#[tokio::test]
async fn unusual_names_are_read() {
    let folder = Folder::new();
    for (index, path) in [
        "we[i]rd*/f.parquet",
        "q?/f.parquet",
        "qq/f.parquet",
        "quo'te\"/f.parquet",
        "{b}/f [1].parquet",
    ]
    .iter()
    .enumerate()
    {
        folder.copy(
            &format!("t/{path}"),
            &format!("SELECT {index} AS \"od'd \"\"name\", 1 AS \"select\""),
        );
    }
    folder.copy("t/z.parquet", "SELECT 9::BIGINT AS \"od'd \"\"name\"");
    let relation = folder.relation("t/**/*.parquet").await;
    assert_eq!(columns(&relation), ["od'd \"name BIGINT", "select INTEGER"]);
    assert_eq!(folder.check_scans(&relation).len(), 6);
}

#[tokio::test]
async fn filters_reach_the_files() {
    let folder = Folder::new();
    for day in 1..=3 {
        folder.copy(
            &format!("t/day={day}/f.parquet"),
            &format!("SELECT {day}::INTEGER AS n, 'x' AS s"),
        );
    }
    folder.copy(
        "t/day=4/f.parquet",
        "SELECT 4::BIGINT AS n, 'x' AS s, 1 AS extra",
    );
    let relation = folder.relation("t/**/*.parquet").await;
    for files in [&relation.files[..3], &relation.files[..]] {
        let scan = relation.scan_sql(files);
        let plan = folder.duck.explain(&format!(
            "SELECT n FROM {scan} AS t WHERE n > 1 AND day = 2"
        ));
        assert!(
            plan.contains("Filters:") && !plan.contains(" FILTER "),
            "{plan}"
        );
        assert!(plan.contains("Scanning Files: 1/"), "{plan}");
        assert!(!plan.contains("extra"), "{plan}");
    }
}

#[tokio::test]
async fn json_dates_are_those_that_duckdb_finds() {
    let folder = Folder::new();
    folder.write(
        "t/1.json",
        "{\"d\":\"31-12-2026\",\"k\":1}\n{\"d\":\"01-02-2026\",\"k\":2}\n",
    );
    folder.write(
        "t/2.json",
        "{\"t\":\"2026-01-01T10:00:00.5+02:00\",\"k\":\"x\"}\n",
    );
    folder.write(
        "t/3.json",
        "{\"d\":\"2026-03-04\",\"t\":\"2026-01-01T10:00:00Z\"}\n",
    );
    let relation = folder.relation("t/*.json").await;
    assert_eq!(columns(&relation), ["d DATE", "k JSON", "t TIMESTAMP"]);
    assert_eq!(
        short(&folder.check_scans(&relation)),
        [
            "2026-12-31 1 -",
            "2026-02-01 2 -",
            "- \"x\" 2026-01-01 08:00:00.5",
            "2026-03-04 - 2026-01-01 10:00:00"
        ]
    );
    folder.write(
        "u/1.json",
        "{\"d\":\"2026-03-04\",\"t\":\"2026-01-01T10:00:00Z\"}\n",
    );
    let plain = folder.relation("u/*.json").await;
    assert!(plain.scan_sql(&plain.files).starts_with("read_json("));
    folder.check_scans(&plain);
}
