//! Hand-made trees on executors that listen on loopback, each with a DuckDB of its own: every exchange
//! between every number of fragments, errors, and what stops when nobody wants the rows any more. It is
//! one file because all of it makes its trees and executors in the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use skein_executor::EmbeddedOptions;
use skein_executor::engine::{Database, DatabaseOptions, FileAccess};
use skein_executor_api::{BatchStream, Column, FragmentError, FragmentErrorKind, InputSpec};
use skein_remote::{
    Exchange, Keepalive, Link, ListedFile, Measurement, Node, Nodes, Remote, RemoteOptions, Server,
    ServerOptions, StateReply, Task, Tree, TreeInput, TreeStage,
};

/// What runs for minutes in DuckDB unless it is stopped, without giving a row before its end.
const ENDLESS: &str = "SELECT count(*) AS h FROM range(1000000) a, range(1000000) b \
                       WHERE hash(a.range, b.range) = 7";
/// How long stopping may take.
const STOP_MAX: Duration = Duration::from_secs(1);
/// How long what is not measured may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| Database::open(&DatabaseOptions::default()).expect("an instance"))
}

fn columns(columns: &[(&str, &str)]) -> Vec<Column> {
    let column = |(name, ty): &(&str, &str)| Column {
        name: (*name).to_owned(),
        ty: (*ty).to_owned(),
    };
    columns.iter().map(column).collect()
}

fn schema(of: &[(&str, &str)]) -> SchemaRef {
    let nulls: Vec<String> = of
        .iter()
        .map(|(name, ty)| format!("CAST(NULL AS {ty}) AS {name}"))
        .collect();
    let connection = database().connect().expect("a connection");
    let sql = format!("SELECT {} WHERE false", nulls.join(", "));
    connection.arrow_schema(&sql).expect("a schema")
}

/// An executor of one thread on a free port.
fn options() -> ServerOptions {
    ServerOptions {
        listen: "127.0.0.1:0".to_owned(),
        executor: EmbeddedOptions {
            database: DatabaseOptions {
                threads: Some(1),
                ..DatabaseOptions::default()
            },
            connections_max: 512,
            ..EmbeddedOptions::default()
        },
        link: Link::default(),
        fragments_max: 1000,
        memory_bytes: None,
        waiting_bytes_max: 256 << 20,
        waiting_directory: std::env::temp_dir(),
        credentials: BTreeSet::from(["archive".to_owned()]),
        versions: StateReply::of_this_program(),
    }
}

/// Executors that live as long as this runtime.
async fn nodes(count: usize) -> Vec<Node> {
    nodes_with(count, &options()).await
}

async fn nodes_with(count: usize, options: &ServerOptions) -> Vec<Node> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        let server = Server::bind(options.clone()).await.expect("an executor");
        nodes.push(Node::at(&server.address().to_string()).expect("an address"));
        tokio::spawn(server.serve(std::future::pending()));
    }
    nodes
}

/// Executors that keep next to no rows in memory for readers that are behind.
async fn nodes_that_spill(count: usize, waiting_bytes_max: usize, folder: &Path) -> Vec<Node> {
    let options = ServerOptions {
        waiting_bytes_max,
        waiting_directory: folder.to_path_buf(),
        ..options()
    };
    nodes_with(count, &options).await
}

fn remote(nodes: &[Node]) -> Remote {
    remote_by(Link::default(), nodes)
}

fn remote_by(link: Link, nodes: &[Node]) -> Remote {
    Remote::new(RemoteOptions {
        nodes: Nodes::new(nodes.to_vec()),
        link,
        reader_bytes_max: 16 << 20,
    })
}

/// A stage whose fragments have `$fragment` and `$fragments` in their SQL filled in.
fn stage(number: usize, sql: &str, of: &[(&str, &str)], tasks: usize, nodes: usize) -> TreeStage {
    let task = |index: usize| Task {
        node: (index + number) % nodes,
        sql: sql
            .replace("$fragments", &tasks.to_string())
            .replace("$fragment", &index.to_string()),
        files: Vec::new(),
    };
    TreeStage {
        number,
        schema: schema(of),
        tasks: (0..tasks).map(task).collect(),
        inputs: Vec::new(),
        joined_rows: 0,
        in_order: false,
    }
}

/// Names and types of columns.
type Named<'a> = &'a [(&'a str, &'a str)];

fn reading(mut stage: TreeStage, inputs: &[(usize, Exchange, Named<'_>)]) -> TreeStage {
    let input = |(index, exchange, of): &(usize, Exchange, Named<'_>)| TreeInput {
        stage: *index,
        exchange: exchange.clone(),
        spec: InputSpec {
            name: format!("__s{index}"),
            columns: columns(of),
            reread: false,
            rows_estimate: 1000,
        },
    };
    stage.inputs = inputs.iter().map(input).collect();
    stage
}

fn tree(stages: Vec<TreeStage>) -> Tree {
    Tree {
        statement: 1,
        stages,
        settings: BTreeMap::new(),
        deadline: None,
        credentials: Vec::new(),
    }
}

fn by_hash() -> Exchange {
    Exchange::Hash {
        column: "h".to_owned(),
    }
}

const TO_ALL: Exchange = Exchange::Broadcast { bytes_max: 1 << 30 };

async fn rows(stream: BatchStream) -> Result<Vec<Vec<String>>, FragmentError> {
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        let texts: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| {
                arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).expect("a text")
            })
            .collect();
        for row in 0..batch.num_rows() {
            let text =
                |column: &arrow::array::ArrayRef| column.as_string::<i32>().value(row).to_owned();
            rows.push(texts.iter().map(text).collect());
        }
    }
    Ok(rows)
}

async fn run(nodes: &[Node], tree: &Tree) -> Result<Vec<Vec<String>>, FragmentError> {
    let stream = remote(nodes).run(tree, nodes, None)?;
    let ended = tokio::time::timeout(PATIENCE, rows(stream)).await;
    ended.expect("the tree ends")
}

/// What DuckDB alone says, sorted.
fn native(sql: &str) -> Vec<Vec<String>> {
    let connection = database().connect().expect("a connection");
    let rows = connection.query_text(sql).expect("an answer");
    let row = |row: Vec<Option<String>>| row.into_iter().flatten().collect();
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(row).collect();
    rows.sort();
    rows
}

const LEFT: &[(&str, &str)] = &[("h", "UBIGINT"), ("k", "BIGINT"), ("t", "VARCHAR")];
const RIGHT: &[(&str, &str)] = &[("h", "UBIGINT"), ("k", "BIGINT")];
const JOINED: &[(&str, &str)] = &[("k", "BIGINT"), ("n", "BIGINT"), ("t", "VARCHAR")];
/// NULL keys, and one key that half of the rows have.
const LEFT_KEY: &str = "CASE WHEN range % 2 = 0 THEN 7 WHEN range % 11 = 0 THEN NULL \
                        ELSE range % 1000 END";

fn left() -> String {
    format!(
        "SELECT hash(k) AS h, k, t FROM (SELECT {LEFT_KEY} AS k, 't' || range AS t \
         FROM range(20000) WHERE range % $fragments = $fragment)"
    )
}

const RIGHT_SQL: &str = "SELECT hash(range) AS h, range AS k FROM range(900) \
                         WHERE range % $fragments = $fragment";

#[tokio::test(flavor = "multi_thread")]
async fn a_join_by_hash_gives_every_row_once() {
    join_by_hash(nodes(3).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_by_hash_is_right_when_every_row_waits_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    join_by_hash(nodes_that_spill(3, 1, folder.path()).await).await;
}

async fn join_by_hash(nodes: Vec<Node>) {
    let joined = "SELECT a.k, count(*) AS n, max(a.t) AS t FROM __s0 a JOIN __s1 b ON a.k = b.k \
                  GROUP BY a.k";
    let expected = native(&format!(
        "SELECT a.k, count(*) AS n, max(a.t) AS t \
         FROM (SELECT {LEFT_KEY} AS k, 't' || range AS t FROM range(20000)) a \
         JOIN range(900) b ON a.k = b.range GROUP BY a.k"
    ));
    assert!(expected.len() > 100);
    for (senders, others, readers) in [
        (1, 1, 1),
        (1, 2, 1),
        (2, 1, 2),
        (2, 2, 3),
        (5, 3, 4),
        (3, 1, 64),
    ] {
        let tree = tree(vec![
            stage(0, &left(), LEFT, senders, 3),
            stage(1, RIGHT_SQL, RIGHT, others, 3),
            reading(
                stage(2, joined, JOINED, readers, 3),
                &[(0, by_hash(), LEFT), (1, by_hash(), RIGHT)],
            ),
        ]);
        let mut rows = run(&nodes, &tree).await.expect("no failure");
        rows.sort();
        assert_eq!(rows, expected, "{senders}, {others} to {readers}");
    }
}

/// One reader of two waits until it has read all of one input before it begins with the other, of which
/// its share has to wait somewhere: beyond a limit on disk.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_wait_for_a_reader_go_to_disk() {
    const SLOW: &[(&str, &str)] = &[("h", "INTEGER"), ("n", "BIGINT")];
    const WIDE: &[(&str, &str)] = &[("h", "INTEGER"), ("k", "BIGINT"), ("t", "VARCHAR")];
    let folder = tempfile::tempdir().expect("a folder");
    let nodes = nodes_that_spill(2, 1 << 20, folder.path()).await;
    // Which of the readers gets it depends on the engine; the other one gets nothing of this input.
    let slow = "SELECT CAST(1 AS INTEGER) AS h, count(*) AS n FROM range(15000) a, range(30000) b \
                WHERE hash(a.range, b.range) % 2 = $fragment";
    let wide = "SELECT CAST(hash(range) % 1000 AS INTEGER) AS h, range AS k, \
                repeat('x', 200) || range AS t FROM range(300000) WHERE range % $fragments = $fragment";
    // The build side, which is read first, is the one that comes late.
    let joined = "SELECT CAST(n AS BIGINT) AS k, count(*) AS n, max(t) AS t \
                  FROM (SELECT coalesce(sum(n), 0) AS n FROM __s0) \
                  CROSS JOIN __s1 GROUP BY n";
    let tree = tree(vec![
        stage(0, slow, SLOW, 2, 2),
        stage(1, wide, WIDE, 2, 2),
        reading(
            stage(2, joined, JOINED, 2, 2),
            &[(0, by_hash(), SLOW), (1, by_hash(), WIDE)],
        ),
    ]);
    let waits = || {
        let folders = std::fs::read_dir(folder.path()).expect("the folder");
        let within =
            |entry: std::fs::DirEntry| std::fs::read_dir(entry.path()).map_or(0, Iterator::count);
        folders.flatten().map(within).sum::<usize>()
    };
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let watch = async {
        loop {
            seen.fetch_max(waits(), std::sync::atomic::Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let rows = tokio::select! {
        rows = run(&nodes, &tree) => rows.expect("no failure"),
        () = watch => unreachable!("it goes on"),
    };
    let count = |row: &Vec<String>| row[1].parse::<u64>().expect("a number");
    assert_eq!(rows.iter().map(count).sum::<u64>(), 300_000);
    assert!(seen.into_inner() > 0, "no row had to wait on disk");
    let begun = Instant::now();
    while waits() > 0 {
        assert!(begun.elapsed() < PATIENCE, "files stay behind");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_side_reaches_every_fragment() {
    let nodes = nodes(2).await;
    let joined = "SELECT r.k, count(*) AS n, '' AS t \
                  FROM range(5000) f JOIN __s0 r ON f.range % 1000 = r.k \
                  WHERE f.range % $fragments = $fragment GROUP BY r.k";
    let total = "SELECT k, CAST(sum(n) AS BIGINT) AS n, max(t) AS t FROM __s1 GROUP BY k";
    let expected = native(
        "SELECT r.range, count(*), '' FROM range(5000) f JOIN range(900) r \
         ON f.range % 1000 = r.range GROUP BY r.range",
    );
    for (senders, readers) in [(1, 1), (1, 3), (3, 2), (2, 8)] {
        let tree = tree(vec![
            stage(0, RIGHT_SQL, RIGHT, senders, 2),
            reading(stage(1, joined, JOINED, readers, 2), &[(0, TO_ALL, RIGHT)]),
            reading(
                stage(2, total, JOINED, 1, 2),
                &[(1, Exchange::Gather, JOINED)],
            ),
        ]);
        let mut rows = run(&nodes, &tree).await.expect("no failure");
        rows.sort();
        assert_eq!(rows, expected, "{senders} to {readers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_order_are_those_of_the_first_fragment_first() {
    let nodes = nodes(2).await;
    let of = [("v", "BIGINT")];
    let sql = "SELECT $fragment * 100000 + range AS v FROM range(50000)";
    let mut first = stage(0, sql, &of, 5, 2);
    first.in_order = true;
    let gathered = run(&nodes, &tree(vec![first.clone()])).await;
    let again = "SELECT v FROM __s0";
    let mut second = reading(stage(1, again, &of, 1, 2), &[(0, Exchange::Gather, &of)]);
    second.in_order = true;
    let passed_on = run(&nodes, &tree(vec![first, second])).await;
    for rows in [gathered, passed_on] {
        let rows = rows.expect("no failure");
        assert_eq!(rows.len(), 250_000);
        let values = rows
            .iter()
            .map(|row| row[0].parse::<u64>().expect("a number"));
        assert!(values.is_sorted());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rows_are_an_answer_too() {
    let nodes = nodes(2).await;
    let nothing = "SELECT hash(range) AS h, range AS k FROM range(0) WHERE $fragment >= 0";
    let outer = "SELECT b.k AS k, count(a.k) AS n, 'x' AS t FROM __s1 b LEFT JOIN __s0 a \
                 ON a.k = b.k GROUP BY b.k";
    let tree = tree(vec![
        stage(0, nothing, RIGHT, 2, 2),
        stage(1, RIGHT_SQL, RIGHT, 2, 2),
        reading(
            stage(2, outer, JOINED, 3, 2),
            &[(0, by_hash(), RIGHT), (1, by_hash(), RIGHT)],
        ),
    ]);
    let rows = run(&nodes, &tree).await.expect("no failure");
    assert_eq!(rows.len(), 900);
    assert!(rows.iter().all(|row| row[1] == "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_arrives_whole_over_several_hops() {
    let nodes = nodes(2).await;
    let failing = "SELECT hash(range) AS h, CAST('x' || (range + $fragment) AS BIGINT) AS k \
                   FROM range(10)";
    let read = "SELECT h, k FROM __s0";
    let onward = "SELECT h, k FROM __s1";
    for exchange in [by_hash(), TO_ALL] {
        let tree = tree(vec![
            stage(0, failing, RIGHT, 2, 2),
            reading(stage(1, read, RIGHT, 3, 2), &[(0, exchange.clone(), RIGHT)]),
            reading(stage(2, onward, RIGHT, 2, 2), &[(1, exchange, RIGHT)]),
        ]);
        let error = run(&nodes, &tree).await.expect_err("the cast fails");
        assert_eq!(error.kind, FragmentErrorKind::Conversion, "{error}");
        assert!(
            error.message.starts_with("Could not convert string 'x"),
            "{error}"
        );
    }
    let wrong = tree(vec![stage(0, "SELECT 1 AS h, nothing AS k", RIGHT, 1, 2)]);
    let error = run(&nodes, &wrong).await.expect_err("no such column");
    assert_eq!(error.kind, FragmentErrorKind::Binder, "{error}");
    assert_eq!(error.position, Some(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_is_not_there_is_named() {
    let mut nodes = nodes(1).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    nodes.push(Node::at(&address).expect("an address"));
    let tree = tree(vec![
        stage(0, RIGHT_SQL, RIGHT, 2, 2),
        reading(
            stage(1, "SELECT h, k FROM __s0", RIGHT, 2, 2),
            &[(0, by_hash(), RIGHT)],
        ),
    ]);
    let error = run(&nodes, &tree).await.expect_err("nobody listens there");
    assert_eq!(error.kind, FragmentErrorKind::Unreachable, "{error}");
    assert!(error.message.contains(&address), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_fragments_than_places_are_refused_and_not_kept_waiting() {
    let few = ServerOptions {
        fragments_max: 4,
        ..options()
    };
    let nodes = nodes_with(1, &few).await;
    // None of those that have a place gives it back before the others ask.
    let long = format!("SELECT r.h, r.k FROM ({RIGHT_SQL}) AS r, ({ENDLESS}) AS e(n)");
    let larger = tree(vec![
        stage(0, &long, RIGHT, 3, 1),
        reading(
            stage(1, "SELECT h, k FROM __s0", RIGHT, 3, 1),
            &[(0, by_hash(), RIGHT)],
        ),
    ]);
    let error = run(&nodes, &larger).await.expect_err("there is no room");
    assert_eq!(error.kind, FragmentErrorKind::Unavailable, "{error}");
    let smaller = tree(vec![stage(0, RIGHT_SQL, RIGHT, 3, 1)]);
    // Those that found a place give it back a moment after the statement has failed.
    let begun = Instant::now();
    let rows = loop {
        match run(&nodes, &smaller).await {
            Ok(rows) => break rows,
            Err(error) if error.kind == FragmentErrorKind::Unavailable => {
                assert!(begun.elapsed() < PATIENCE, "room never comes again");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(rows.len(), 900);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_has_a_limit() {
    let nodes = nodes(2).await;
    let limited = Exchange::Broadcast { bytes_max: 10_000 };
    let tree = tree(vec![
        stage(0, RIGHT_SQL, RIGHT, 1, 2),
        reading(
            stage(1, "SELECT h, k FROM __s0", RIGHT, 2, 2),
            &[(0, limited, RIGHT)],
        ),
    ]);
    let error = run(&nodes, &tree).await.expect_err("it is too much");
    assert_eq!(error.kind, FragmentErrorKind::Memory, "{error}");
    assert!(error.message.contains("exchange_bytes_max"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_say_what_they_did() {
    let nodes = nodes(2).await;
    let tree = tree(vec![
        stage(4, RIGHT_SQL, RIGHT, 2, 2),
        reading(
            stage(5, "SELECT h, k FROM __s0 WHERE k < 100", RIGHT, 3, 2),
            &[(0, by_hash(), RIGHT)],
        ),
    ]);
    let (sender, measured) = std::sync::mpsc::channel();
    let on_end = Box::new(move |measured| sender.send(measured).expect("somebody waits"));
    let stream = remote(&nodes).run(&tree, &nodes, Some(on_end));
    let found = rows(stream.expect("it starts")).await.expect("no failure");
    assert_eq!(found.len(), 100);
    // They are there when the rows have ended.
    let measured: Vec<Measurement> = measured.try_recv().expect("they came");
    let rows_of = |stage| {
        let of_stage = measured.iter().filter(|one| one.stage == stage);
        of_stage.map(|one| one.rows).collect::<Vec<u64>>()
    };
    assert_eq!(rows_of(4), [450, 450]);
    assert_eq!(rows_of(5).len(), 3);
    assert_eq!(rows_of(5).iter().sum::<u64>(), 100);
    let stage4 = measured.iter().filter(|one| one.stage == 4);
    assert!(
        stage4
            .into_iter()
            .all(|one| one.bytes > 0 && one.elapsed > Duration::ZERO)
    );
}

fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Waits until this process has used next to no CPU for a while, and says how long that took.
async fn idle() -> Duration {
    const SPAN: Duration = Duration::from_millis(200);
    let start = Instant::now();
    loop {
        let before = cpu_time();
        tokio::time::sleep(SPAN).await;
        if cpu_time().saturating_sub(before) <= SPAN / 4 {
            return start.elapsed().saturating_sub(SPAN);
        }
        assert!(start.elapsed() < PATIENCE, "DuckDB goes on");
    }
}

/// A fragment that gives nothing for long, below each exchange, on executors that do nothing else:
/// when the rows are dropped, or the time is over, its DuckDB stops.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wants_any_more_stops() {
    let nodes = nodes(2).await;
    let one = [("h", "BIGINT")];
    let read = "SELECT h FROM __s0";
    for (name, readers, exchange) in [
        ("gather", 1, Exchange::Gather),
        ("hash", 2, by_hash()),
        ("broadcast", 2, TO_ALL),
    ] {
        for limited in [false, true] {
            let mut tree = tree(vec![
                stage(0, ENDLESS, &one, 2, 2),
                reading(
                    stage(1, read, &one, readers, 2),
                    &[(0, exchange.clone(), &one)],
                ),
            ]);
            let started = cpu_time();
            if limited {
                tree.deadline = Some(Instant::now() + Duration::from_secs(2));
            }
            let stream = remote(&nodes).run(&tree, &nodes, None);
            let mut stream = stream.expect("it starts");
            if limited {
                let error = stream
                    .next()
                    .await
                    .expect("an error")
                    .expect_err("an error");
                assert_eq!(error.kind, FragmentErrorKind::Timeout, "{name}: {error}");
            } else {
                let begun = Instant::now();
                let busy = || cpu_time() > started + Duration::from_millis(500);
                while !busy() {
                    let next = tokio::time::timeout(Duration::from_millis(20), stream.next()).await;
                    assert!(next.is_err(), "{name}: no row comes before the end");
                    assert!(begun.elapsed() < PATIENCE, "{name}: it does not run");
                }
            }
            drop(stream);
            let took = idle().await;
            assert!(took < STOP_MAX, "{name}: DuckDB went on for {took:?}");
        }
    }
}

/// An executor that may read a folder.
fn options_over(folder: &Path) -> ServerOptions {
    let mut options = options();
    let readable = format!("{}/", folder.display());
    options.executor.database.file_access = FileAccess::Directories(vec![readable]);
    options
}

/// A file that gives nothing until somebody writes into it.
fn make_pipe(folder: &Path, index: usize) -> PathBuf {
    let path = folder.join(format!("pipe-{index}"));
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo is there").success());
    path
}

/// The numbers that somebody writes into the pipe of a fragment.
fn read_pipe(folder: &Path) -> String {
    format!(
        "SELECT CAST(hash(a) >> 33 AS INTEGER) AS h, a AS k FROM read_csv('{}/pipe-$fragment', \
         auto_detect = false, header = false, columns = {{'a': 'BIGINT'}})",
        folder.display()
    )
}

/// Two fragments read pipes into which nobody writes for `silence`. The other input of their readers
/// has begun to flow and waits meanwhile, and so do two stages behind them.
async fn inputs_are_silent_for(silence: Duration, link: Link) {
    const KEYS: &[(&str, &str)] = &[("h", "INTEGER"), ("k", "BIGINT")];
    const WIDE: &[(&str, &str)] = &[("h", "INTEGER"), ("k", "BIGINT"), ("t", "VARCHAR")];
    const COUNTS: &[(&str, &str)] = &[("h", "INTEGER"), ("n", "BIGINT")];
    let folder = tempfile::tempdir().expect("a folder");
    let pipes = [make_pipe(folder.path(), 0), make_pipe(folder.path(), 1)];
    let mut reading_pipes = options_over(folder.path());
    reading_pipes.link = link.clone();
    let nodes = nodes_with(2, &reading_pipes).await;
    let slow = read_pipe(folder.path());
    let wide = "SELECT CAST(hash(range) >> 33 AS INTEGER) AS h, range AS k, \
                repeat('x', 200) AS t FROM range(200000) WHERE range % $fragments = $fragment";
    let joined = "SELECT CAST(1 AS INTEGER) AS h, count(*) AS n FROM __s0 a JOIN __s1 b \
                  ON a.k = b.k WHERE length(b.t) = 200";
    let passed_on = "SELECT h, n FROM __s2";
    let total = "SELECT CAST(0 AS INTEGER) AS h, CAST(sum(n) AS BIGINT) AS n FROM __s3";
    let tree = tree(vec![
        stage(0, &slow, KEYS, 2, 2),
        stage(1, wide, WIDE, 2, 2),
        reading(
            stage(2, joined, COUNTS, 2, 2),
            &[(0, by_hash(), KEYS), (1, by_hash(), WIDE)],
        ),
        reading(stage(3, passed_on, COUNTS, 2, 2), &[(2, TO_ALL, COUNTS)]),
        reading(
            stage(4, total, COUNTS, 1, 2),
            &[(3, Exchange::Gather, COUNTS)],
        ),
    ]);
    let write = |index: usize| {
        let path = pipes[index].clone();
        // Left alone when the test fails: it may wait for ever for a fragment to read.
        std::thread::spawn(move || {
            // Opens when the fragment reads it.
            let mut pipe = std::fs::File::options()
                .write(true)
                .open(path)
                .expect("it can be opened");
            // The silence is what is tested.
            std::thread::sleep(silence);
            for key in (0..100_000).skip(index).step_by(2) {
                std::io::Write::write_all(&mut pipe, format!("{key}\n").as_bytes())
                    .expect("the fragment still reads");
            }
        })
    };
    let writers = [write(0), write(1)];
    let begun = Instant::now();
    let stream = remote_by(link, &nodes).run(&tree, &nodes, None);
    let ended = tokio::time::timeout(silence + PATIENCE, rows(stream.expect("it starts"))).await;
    let found = ended.expect("it ends").expect("no failure");
    // Both fragments of the third stage have all rows of the second.
    assert_eq!(found, [["0", "200000"]]);
    assert!(begun.elapsed() >= silence, "nobody was silent");
    for writer in writers {
        writer.join().expect("it has written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_no_failure() {
    // The silence is longer than a connection waits for an answer.
    let keepalive = Keepalive {
        interval: Duration::from_millis(200),
        timeout: Duration::from_secs(6),
    };
    let link = Link {
        keepalive,
        ..Link::default()
    };
    inputs_are_silent_for(Duration::from_secs(8), link).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "eleven minutes; `make test-full` runs it"]
async fn eleven_minutes_of_silence_are_no_failure() {
    // The engine forgets plans that nobody has asked for in ten minutes.
    inputs_are_silent_for(Duration::from_mins(11), Link::default()).await;
}

/// What an executor sees of a file need not be what the gateway has listed: it may have another copy, which
/// may change while it is read.
#[tokio::test(flavor = "multi_thread")]
async fn an_executor_reads_the_files_that_were_listed_or_none() {
    const KEYS: &[(&str, &str)] = &[("h", "INTEGER"), ("k", "BIGINT")];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("numbers.csv");
    let nodes = nodes_with(2, &options_over(folder.path())).await;
    let path = file.to_string_lossy().into_owned();
    let sql = format!(
        "SELECT CAST(1 AS INTEGER) AS h, a AS k FROM read_csv('{path}', header = false, \
         columns = {{'a': 'BIGINT'}})"
    );
    let listed = |bytes| {
        let mut first = stage(0, &sql, KEYS, 1, 2);
        first.tasks[0].files = vec![
            ListedFile {
                path: "s3://elsewhere/a.parquet".to_owned(),
                bytes: 1,
            },
            ListedFile {
                path: path.clone(),
                bytes,
            },
        ];
        let last = stage(1, "SELECT h, k FROM __s0", KEYS, 2, 2);
        tree(vec![first, reading(last, &[(0, TO_ALL, KEYS)])])
    };
    let error = run(&nodes, &listed(4)).await.expect_err("there is no file");
    assert_eq!(error.kind, FragmentErrorKind::Missing, "{error}");
    assert!(error.message.contains("numbers.csv"), "{error}");
    std::fs::write(&file, "1\n2\n").expect("a file can be written");
    let rows = run(&nodes, &listed(4)).await.expect("it is the one");
    assert_eq!(rows.len(), 4);
    let error = run(&nodes, &listed(5)).await.expect_err("it is shorter");
    assert_eq!(error.kind, FragmentErrorKind::Changed, "{error}");
    assert!(error.message.contains("numbers.csv"), "{error}");
}

/// Does something to a file.
type Change = fn(&Path);

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_an_executor_runs_is_an_error() {
    const KEYS: &[(&str, &str)] = &[("h", "INTEGER"), ("k", "BIGINT")];
    let folder = tempfile::tempdir().expect("a folder");
    let nodes = nodes_with(1, &options_over(folder.path())).await;
    let file = folder.path().join("numbers.csv");
    let changes: [(Change, Option<FragmentErrorKind>); 4] = [
        (|_| (), None),
        // As long as before.
        (
            |file| std::fs::write(file, "3\n4\n").expect("it can be written"),
            Some(FragmentErrorKind::Changed),
        ),
        (
            |file| {
                let other = file.with_extension("new");
                std::fs::write(&other, "5\n6\n").expect("it can be written");
                std::fs::rename(other, file).expect("it can be moved");
            },
            Some(FragmentErrorKind::Changed),
        ),
        (
            |file| std::fs::remove_file(file).expect("it can be removed"),
            Some(FragmentErrorKind::Missing),
        ),
    ];
    for (change, expected) in changes {
        std::fs::write(&file, "1\n2\n").expect("a file can be written");
        let pipe = make_pipe(folder.path(), 0);
        let mut reader = stage(0, &read_pipe(folder.path()), KEYS, 1, 1);
        reader.tasks[0].files = vec![ListedFile {
            path: file.to_string_lossy().into_owned(),
            bytes: 4,
        }];
        let (path, target) = (pipe.clone(), file.clone());
        // Left alone when the test fails: it may wait for ever for the fragment to read.
        std::thread::spawn(move || {
            // Opens when the fragment reads it, which is after it has looked at its files.
            let opened = std::fs::File::options().write(true).open(path);
            let mut pipe = opened.expect("it can be opened");
            change(&target);
            std::io::Write::write_all(&mut pipe, b"7\n").expect("the fragment still reads");
        });
        let rows = run(&nodes, &tree(vec![reader])).await;
        match (rows, expected) {
            (Ok(rows), None) => assert_eq!(rows[0][1], "7"),
            (Err(error), Some(kind)) => {
                assert_eq!(error.kind, kind, "{error}");
                assert!(error.message.contains("numbers.csv"), "{error}");
            }
            (rows, expected) => panic!("{rows:?} instead of {expected:?}"),
        }
        std::fs::remove_file(pipe).expect("it can be removed");
    }
}

/// What files are read with is named, and each executor has its own: a name that it does not know is
/// refused before anything runs.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_named_and_unknown_ones_refused() {
    let nodes = nodes(2).await;
    let mut tree = tree(vec![
        stage(0, RIGHT_SQL, RIGHT, 2, 2),
        reading(
            stage(1, "SELECT h, k FROM __s0", RIGHT, 2, 2),
            &[(0, by_hash(), RIGHT)],
        ),
    ]);
    tree.credentials = vec!["archive".to_owned()];
    assert_eq!(run(&nodes, &tree).await.expect("it is known").len(), 900);
    tree.credentials.push("elsewhere".to_owned());
    let error = run(&nodes, &tree).await.expect_err("it is unknown");
    assert_eq!(error.kind, FragmentErrorKind::Permission, "{error}");
    assert!(error.message.contains("\"elsewhere\""), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_after_its_time_does_not_run() {
    let nodes = nodes(2).await;
    let mut tree = tree(vec![stage(0, RIGHT_SQL, RIGHT, 2, 2)]);
    tree.deadline = Some(Instant::now());
    let error = run(&nodes, &tree).await.expect_err("it is late");
    assert_eq!(error.kind, FragmentErrorKind::Timeout, "{error}");
}
