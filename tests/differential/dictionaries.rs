//! Guards over columns of few values, of which a file has a dictionary that DuckDB computes with.

use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::native::Native;

/// Statements whose guards leave 1,667 rows.
const GUARDED: &[&str] = &[
    "SELECT count(CASE WHEN x LIKE '[%' THEN json_array_length(x::json) END) FROM texts",
    "SELECT count(json_array_length(x::json)) FROM texts WHERE json_typeof(CASE WHEN x LIKE '[%' THEN x END::json) = 'array'",
    "SELECT count(*) FROM texts WHERE x LIKE '[%' AND x::jsonb - 0 = '[]'",
    "SELECT count(jsonb_set(x::jsonb, '{0}', '2')) FILTER (WHERE x LIKE '[%') FROM texts",
    "SELECT count(x LIKE '[%' AND json_array_length(x::json) = 1 OR NULL) FROM texts",
];

#[test]
fn guards_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("texts")).expect("a folder in it");
    let file = folder.path().join("texts/part-000.parquet");
    Native::open(1).run(&format!(
        "COPY (SELECT CASE i % 3 WHEN 0 THEN '[1]' WHEN 1 THEN '5' ELSE 'abc' END AS x FROM range(5000) r(i)) \
         TO '{}' (FORMAT parquet)",
        file.display()
    ));
    let cluster = Cluster::start(&ClusterOptions::new(folder.path()).executors(2));
    for split in ["skein.split = never", "skein.split = always"] {
        let mut client = cluster.client_with(&[split]);
        for sql in GUARDED {
            let result = client.query(sql);
            let result = result.unwrap_or_else(|error| panic!("{split}: {sql}: {error:?}"));
            assert_eq!(result.rows[0][0].as_deref(), Some("1667"), "{split}: {sql}");
        }
    }
}
