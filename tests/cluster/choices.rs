//! What `auto` chooses for executors in other processes, by what files and earlier runs tell.

use std::path::Path;

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::native::Native;

/// Rows of each of the two files.
const ROWS: u64 = 200_000;

fn write(folder: &Path, name: &str, sql: &str) {
    let native = Native::open(1);
    let parent = folder.join(name);
    std::fs::create_dir_all(&parent).expect("a folder can be made");
    for file in 0..2 {
        let path = parent.join(format!("part-{file}.parquet"));
        let sql = sql.replace("{file}", &file.to_string());
        native.run(&format!("COPY ({sql}) TO '{}'", path.display()));
    }
}

fn over(folder: &Path) -> Cluster {
    let mut options = ClusterOptions::new(folder).processes(2);
    // Nothing is too small to be divided.
    "split_bytes_min = 0".clone_into(&mut options.gateway);
    Cluster::start(&options)
}

fn plan(client: &mut Client, sql: &str) -> String {
    let rows = client
        .query(&format!("EXPLAIN {sql}"))
        .expect("a plan")
        .rows;
    let lines: Vec<String> = rows.into_iter().flatten().flatten().collect();
    lines.join("\n")
}

#[test]
fn groups_that_were_too_many_are_not_gathered_again() {
    let folder = tempfile::tempdir().expect("a folder");
    // Every key is in both files, in no order.
    let rows = format!("SELECT i * 7919 % {ROWS} AS k, i AS v FROM range({ROWS}) r(i)");
    write(folder.path(), "t", &rows);
    let cluster = over(folder.path());
    let mut client = cluster.client();
    let sql = "SELECT count(*), sum(s) FROM (SELECT k, sum(v) AS s FROM t GROUP BY k) x";
    let first = plan(&mut client, sql);
    assert!(first.contains("gather"), "{first}");
    let before = client.query(sql).expect("it runs");
    let second = plan(&mut client, sql);
    assert!(second.contains("not split: groups: "), "{second}");
    assert!(second.contains("were too many to combine"), "{second}");
    let after = client.query(sql).expect("it runs");
    assert_eq!(before.rows, after.rows);

    // Few groups of the same rows are.
    let few = "SELECT k % 10 AS g, sum(v) FROM t GROUP BY 1";
    client.query(few).expect("it runs");
    let plan = plan(&mut client, few);
    assert!(plan.contains("gather"), "{plan}");
}

#[test]
fn sorted_files_are_read_by_ranges() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = format!(
        "SELECT i AS k, i % 100 AS v FROM range({{file}} * {ROWS}, ({{file}} + 1) * {ROWS}) r(i)"
    );
    write(folder.path(), "t", &rows);
    write(folder.path(), "u", &rows.replace("i % 100", "i % 7"));
    let cluster = over(folder.path());
    let mut client = cluster.client();
    let sql = "SELECT u.v, count(*), sum(t.v) FROM t JOIN u ON t.k = u.k GROUP BY 1 ORDER BY 1";
    let text = plan(&mut client, sql);
    assert!(
        text.contains("t, u by ranges of t.k, u.k because their files tell those apart"),
        "{text}"
    );
    for process in cluster.processes() {
        assert!(
            text.contains(&format!("on {}: ", process.address())),
            "{text}"
        );
    }
    let split = client.query(sql).expect("it runs");
    client.query("SET skein.split = never").expect("a setting");
    let whole = client.query(sql).expect("it runs");
    assert_eq!(split.rows, whole.rows);
}
