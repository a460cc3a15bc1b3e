//! Conditions on a relation's columns give the rows that they give over a table with the same rows, whatever
//! the statistics and Bloom filters of its files say.

#[path = "support/folder.rs"]
mod support;

use support::{Folder, Rows};

struct Conditions {
    folder: Folder,
    scan: String,
}

impl Conditions {
    /// Over relation `t`, whose rows are in table `copied` as well.
    async fn over(folder: Folder, path: &str) -> Self {
        let relation = folder.relation(path).await;
        let scan = relation.scan_sql(&relation.files);
        // A copy through text could change values: this one only goes round the pushdown of conditions.
        folder
            .duck
            .execute(&format!("CREATE TABLE copied AS SELECT * FROM {scan} AS t"));
        Self { folder, scan }
    }

    fn rows(&self, rest: &str) -> Rows {
        let over = |from: &str| {
            let sql = format!("SELECT t.* FROM {from} AS t {rest} ORDER BY ALL");
            self.folder.duck.query(&sql)
        };
        let expected = over("copied");
        assert_eq!(over(&self.scan), expected, "{rest}");
        expected
    }

    fn count(&self, rest: &str) -> usize {
        self.rows(rest).len()
    }
}

#[tokio::test]
async fn numbers_of_unlike_types_are_compared_as_they_are() {
    let folder = Folder::new();
    for (file, value) in [
        ("1", "2::BIGINT"),
        ("2", "1.25::DOUBLE"),
        ("3", "0.1::FLOAT"),
    ] {
        folder.copy(
            &format!("t/{file}.parquet"),
            &format!("SELECT {value} AS c, {file} AS k"),
        );
    }
    folder.copy("t/4.parquet", "SELECT 4 AS k");
    let rows = Conditions::over(folder, "t/*.parquet").await;
    assert_eq!(rows.count("WHERE c < 2.5"), 3);
    assert_eq!(rows.count("WHERE c > 1.5"), 1);
    assert_eq!(rows.count("WHERE c = 1.5"), 0);
    assert_eq!(rows.count("WHERE c BETWEEN 1.5 AND 1.9"), 0);
    assert_eq!(rows.count("WHERE c <> 1.5"), 3);
    assert_eq!(rows.count("WHERE c > 0.1"), 3);
    assert_eq!(rows.count("WHERE c IS NULL"), 1);
    assert_eq!(rows.count("WHERE c IN (2, 1.25, 7.5)"), 2);
    assert_eq!(rows.count("WHERE c IS DISTINCT FROM 1.5"), 4);
}

#[tokio::test]
async fn decimals_and_moments_of_unlike_types_are_compared_as_they_are() {
    let folder = Folder::new();
    folder.copy(
        "t/1.parquet",
        "SELECT 1.25::DECIMAL(18,2) AS d, DATE '2020-01-01' AS m",
    );
    folder.copy(
        "t/2.parquet",
        "SELECT 1.249::DECIMAL(18,3) AS d, TIMESTAMP '2020-01-01 12:00' AS m",
    );
    let rows = Conditions::over(folder, "t/*.parquet").await;
    assert_eq!(rows.count("WHERE d > 1.245"), 2);
    assert_eq!(rows.count("WHERE d > 1.249"), 1);
    assert_eq!(rows.count("WHERE d = 1.245"), 0);
    assert_eq!(rows.count("WHERE m < TIMESTAMP '2020-01-01 06:00'"), 1);
    assert_eq!(rows.count("WHERE m > TIMESTAMP '2020-01-01 06:00'"), 1);
}

#[tokio::test]
async fn integers_of_unlike_types_are_joined() {
    let folder = Folder::new();
    folder.copy("t/1.parquet", "SELECT i::BIGINT AS k FROM range(5000) n(i)");
    folder.copy(
        "t/2.parquet",
        "SELECT (i + 5000)::INTEGER AS k FROM range(5000) n(i)",
    );
    folder
        .duck
        .execute("CREATE TABLE u AS SELECT i * 7 AS k, i AS n FROM range(2000) n(i)");
    let rows = Conditions::over(folder, "t/*.parquet").await;
    assert_eq!(rows.count("JOIN u ON t.k = u.k WHERE u.n < 900"), 900);
    assert_eq!(
        rows.count("WHERE t.k IN (SELECT k FROM u WHERE n % 3 = 0)"),
        477
    );
}

#[tokio::test]
async fn bytes_are_found() {
    let folder = Folder::new();
    folder.copy(
        "t/1.parquet",
        r"SELECT i AS id, CASE WHEN i % 2 = 0 THEN '\xFF'::BLOB ELSE 'abc'::BLOB END AS b FROM range(1000) n(i)",
    );
    let rows = Conditions::over(folder, "t/*.parquet").await;
    assert_eq!(rows.count(r"WHERE b = '\xFF'::BLOB"), 500);
    assert_eq!(rows.count("WHERE b = 'abc'::BLOB"), 500);
    assert_eq!(rows.count("WHERE b = 'abd'::BLOB"), 0);
}

#[tokio::test]
async fn keys_of_the_path_hide_columns_of_the_files() {
    let folder = Folder::new();
    for (key, inside) in [("42", "42::UBIGINT"), ("7", "9::UBIGINT")] {
        let file = format!("t/part={key}/a.parquet");
        folder.copy(&file, &format!("SELECT 1::UBIGINT AS id, {inside} AS part"));
    }
    folder
        .duck
        .execute("CREATE TABLE u AS SELECT 42::BIGINT AS part UNION ALL SELECT 9");
    let relation = folder.relation("t/**/*.parquet").await;
    assert!(relation.columns.iter().any(|column| column.partition));
    let rows = Conditions::over(folder, "t/**/*.parquet").await;
    assert_eq!(rows.count("WHERE part = 7"), 1);
    assert_eq!(rows.count("WHERE part = 9"), 0);
    assert_eq!(rows.count("WHERE part < 40"), 1);
    assert_eq!(rows.count("JOIN u ON t.part = u.part"), 1);
    assert_eq!(rows.count("WHERE part = (SELECT max(part) FROM u)"), 1);
}
