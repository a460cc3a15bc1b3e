//! Plans on executors that answer from memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::array::{ArrayRef, Int64Array};
use async_trait::async_trait;
use futures::stream;
use skein_executor_api::{Column, InputSpec, SqlPart, SqlTemplate, batch_bytes};
use skein_planner::plan::{Exchange, StageInput};

use super::*;

/// Gives the rows of its inputs and one row of its own, and counts what runs at once.
struct Fake {
    name: String,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<FragmentId>>>,
    connections: Arc<Semaphore>,
}

fn row(value: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![value]));
    RecordBatch::try_from_iter([("v", column)]).expect("one column")
}

struct Counted(Arc<AtomicUsize>);
impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Executor for Fake {
    fn name(&self) -> &str {
        &self.name
    }

    async fn run(
        &self,
        fragment: Fragment,
        inputs: Vec<BatchStream>,
    ) -> Result<BatchStream, FragmentError> {
        if fragment.sql == "fail" {
            let kind = FragmentErrorKind::Data;
            return Err(FragmentError {
                kind,
                message: "bad file".into(),
                position: None,
            });
        }
        let permit = Arc::clone(&self.connections)
            .acquire_owned()
            .await
            .expect("never closed");
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.seen.lock().expect("no panic").push(fragment.id);
        let counted = Counted(Arc::clone(&self.running));
        let own = stream::iter([Ok(row(i64::try_from(fragment.id.index).expect("small")))]);
        // Inputs are read one after the other, the first to its end: as a hash join does.
        let rows = stream::iter(inputs).flatten().chain(own).map(move |row| {
            let _kept = (&permit, &counted);
            row
        });
        Ok(Box::pin(rows))
    }
}

struct Cluster {
    dispatcher: Dispatcher,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<FragmentId>>>,
}

fn cluster(executors: usize, connections: usize) -> Cluster {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let executors = (0..executors).map(|index| {
        Arc::new(Fake {
            name: format!("executor-{index}"),
            running: Arc::clone(&running),
            most: Arc::clone(&most),
            seen: Arc::clone(&seen),
            connections: Arc::new(Semaphore::new(connections)),
        }) as Arc<dyn Executor>
    });
    let limits = Limits {
        running_queries_max: 8,
        admission_queue_max: 8,
        admission_timeout: Duration::from_millis(200),
        paused_after: Duration::from_mins(10),
        connections_max: connections,
        batches_buffered_max: 1,
        exchange_bytes_max: 1 << 30,
    };
    Cluster {
        dispatcher: Dispatcher::new(executors.collect(), limits),
        running,
        most,
        seen,
    }
}

fn template(text: &str) -> SqlTemplate {
    SqlTemplate {
        parts: vec![SqlPart::Text(text.into())],
    }
}

fn stage(sql: &str, partitioning: Partitioning, inputs: &[(usize, Exchange)]) -> Stage {
    let input = |(stage, exchange): &(usize, Exchange)| StageInput {
        stage: *stage,
        exchange: exchange.clone(),
        spec: InputSpec {
            name: format!("input_{stage}"),
            columns: vec![Column {
                name: "v".into(),
                ty: "BIGINT".into(),
            }],
            reread: false,
            rows_estimate: 1,
        },
    };
    Stage {
        template: template(sql),
        scans: Vec::new(),
        inputs: inputs.iter().map(input).collect(),
        columns: vec![Column {
            name: "v".into(),
            ty: "BIGINT".into(),
        }],
        partitioning,
        joined_rows: 0,
    }
}

fn plan(stages: Vec<Stage>) -> DistributedPlan {
    DistributedPlan {
        stages,
        refusals: Vec::new(),
        exchanges: Vec::new(),
    }
}

async fn count(running: Running) -> Result<usize, FragmentError> {
    let mut rows = running.rows;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch?.num_rows();
    }
    Ok(count)
}

#[tokio::test]
async fn a_chain_of_stages_gives_every_row_and_leaves_nothing_running() {
    let cluster = cluster(2, 4);
    let stages = vec![
        stage("a", Partitioning::Single, &[]),
        stage("b", Partitioning::Single, &[]),
        stage(
            "c",
            Partitioning::Single,
            &[(0, Exchange::Gather), (1, Exchange::Broadcast)],
        ),
    ];
    let running = cluster
        .dispatcher
        .run(&plan(stages), &RunOptions::default())
        .await
        .expect("runs");
    let metrics = Arc::clone(&running.metrics);
    assert_eq!(count(running).await.expect("no failure"), 3);
    assert_eq!(metrics.stages()[2][0].rows(), 3);
    assert_eq!(cluster.running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn more_stages_than_connections_run_one_after_the_other() {
    let cluster = cluster(1, 2);
    let inputs: Vec<(usize, Exchange)> = (0..20).map(|stage| (stage, Exchange::Gather)).collect();
    let mut stages: Vec<Stage> = (0..20)
        .map(|_| stage("a", Partitioning::Single, &[]))
        .collect();
    stages.push(stage("c", Partitioning::Single, &inputs));
    let running = cluster
        .dispatcher
        .run(&plan(stages), &RunOptions::default())
        .await
        .expect("runs");
    assert_eq!(count(running).await.expect("no failure"), 21);
    assert!(cluster.most.load(Ordering::SeqCst) <= 2);
    assert_eq!(cluster.seen.lock().expect("no panic").len(), 21);
}

#[tokio::test]
async fn the_queue_of_statements_has_an_end() {
    let cluster = cluster(1, 1);
    let one = plan(vec![stage("a", Partitioning::Single, &[])]);
    let options = RunOptions::default();
    let held = cluster.dispatcher.run(&one, &options).await.expect("runs");
    // Eight may wait, and give up one after the other; the ninth may not.
    let waiting = (0..9).map(|_| cluster.dispatcher.run(&one, &options));
    let refused = futures::future::join_all(waiting).await;
    let limits: Vec<&str> = refused
        .into_iter()
        .map(|outcome| match outcome {
            Err(GatewayError::TooManyStatements { limit }) => limit,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("there is no room"),
        })
        .collect();
    let queue = "gateway.admission_queue_max";
    assert!(!limits[..8].contains(&queue), "{limits:?}");
    assert_eq!(limits[8], queue);
    drop(held);
    let next = cluster.dispatcher.run(&one, &options).await;
    assert!(next.is_ok(), "those that gave up have left the queue");
}

#[tokio::test]
async fn a_statement_that_nobody_reads_leaves_its_place_to_others() {
    let mut cluster = cluster(1, 1);
    let executors = vec![Arc::new(Unbounded) as Arc<dyn Executor>];
    let limits = Limits {
        admission_timeout: Duration::from_mins(1),
        paused_after: Duration::from_millis(50),
        ..cluster.dispatcher.limits.clone()
    };
    cluster.dispatcher = Dispatcher::new(executors, limits);
    let one = plan(vec![stage("a", Partitioning::Single, &[])]);
    let options = RunOptions::default();
    let mut first = cluster.dispatcher.run(&one, &options).await.expect("runs");
    assert!(first.rows.next().await.is_some());
    // It has a row left, and is not asked for it.
    let second = cluster.dispatcher.run(&one, &options).await;
    assert!(second.is_ok(), "there is room");
    assert!(matches!(first.rows.next().await, Some(Ok(_))), "it goes on");
    assert!(first.rows.next().await.is_none());
}

/// Gives two rows to whoever asks.
struct Unbounded;

#[async_trait]
impl Executor for Unbounded {
    fn name(&self) -> &'static str {
        "unbounded"
    }

    async fn run(&self, _: Fragment, _: Vec<BatchStream>) -> Result<BatchStream, FragmentError> {
        Ok(Box::pin(stream::iter([Ok(row(1)), Ok(row(2))])))
    }
}

#[tokio::test]
async fn statements_wait_for_room_and_are_told_when_there_is_none() {
    let cluster = cluster(1, 1);
    let one = plan(vec![stage("a", Partitioning::Single, &[])]);
    let held = cluster
        .dispatcher
        .run(&one, &RunOptions::default())
        .await
        .expect("runs");
    let refused = cluster.dispatcher.run(&one, &RunOptions::default()).await;
    assert!(matches!(
        refused,
        Err(GatewayError::TooManyStatements { .. })
    ));
    let soon = RunOptions {
        deadline: Some(Instant::now()),
        ..RunOptions::default()
    };
    let late = cluster.dispatcher.run(&one, &soon).await;
    assert!(matches!(late, Err(GatewayError::StatementTimeout)));
    drop(held);
    let next = cluster
        .dispatcher
        .run(&one, &RunOptions::default())
        .await
        .expect("room again");
    assert_eq!(count(next).await.expect("no failure"), 1);
}

#[tokio::test]
async fn a_failed_fragment_fails_the_statement_and_frees_its_room() {
    let cluster = cluster(1, 1);
    let failing = plan(vec![stage("fail", Partitioning::Single, &[])]);
    let result = cluster
        .dispatcher
        .run(&failing, &RunOptions::default())
        .await;
    assert!(matches!(result, Err(GatewayError::Fragment { .. })));
    let one = plan(vec![stage("a", Partitioning::Single, &[])]);
    cluster
        .dispatcher
        .run(&one, &RunOptions::default())
        .await
        .expect("room again");
}

/// Rows with the hash of each in front.
fn hashed(values: impl Iterator<Item = i64>) -> RecordBatch {
    let values: Vec<i64> = values.collect();
    let hashes: ArrayRef = Arc::new(arrow::array::Int32Array::from_iter_values(
        values
            .iter()
            .map(|value| i32::try_from(value % 1000).expect("small")),
    ));
    let values: ArrayRef = Arc::new(Int64Array::from(values));
    RecordBatch::try_from_iter([("__h", hashes), ("v", values)]).expect("two columns")
}

fn by_hash(rows: Vec<RecordBatch>, readers: usize, waiting: Waiting) -> Vec<BatchStream> {
    let rows = Box::pin(stream::iter(rows.into_iter().map(Ok)));
    let column = "__h".to_owned();
    exchange::divide(rows, &Exchange::Hash { column }, readers, waiting).expect("divides")
}

async fn values(mut rows: BatchStream) -> Result<Vec<i64>, FragmentError> {
    let mut values = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let column = batch.column_by_name("v").expect("there");
        let column = column.as_any().downcast_ref::<Int64Array>();
        values.extend(column.expect("integers").values());
    }
    Ok(values)
}

#[tokio::test]
async fn every_row_reaches_the_one_reader_of_its_hash() {
    for (readers, waiting) in [
        (2, Waiting::Batches(1)),
        (3, Waiting::Bytes(1 << 30)),
        (64, Waiting::Batches(1)),
    ] {
        let batches = (0..100).map(|batch| hashed(batch * 1700..(batch + 1) * 1700));
        let parts = by_hash(batches.collect(), readers, waiting);
        let parts = futures::future::try_join_all(parts.into_iter().map(values)).await;
        let parts = parts.expect("no failure");
        for (reader, part) in parts.iter().enumerate() {
            let reader = i64::try_from(reader).expect("small");
            let count = i64::try_from(readers).expect("small");
            assert!(part.iter().all(|value| value % 1000 % count == reader));
        }
        let mut all: Vec<i64> = parts.into_iter().flatten().collect();
        all.sort_unstable();
        assert_eq!(all, (0..170_000).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn readers_without_rows_see_an_end() {
    for rows in [Vec::new(), vec![hashed(0..0)], vec![hashed(5..6)]] {
        let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
        let parts = by_hash(rows, 4, Waiting::Batches(1));
        let parts = futures::future::try_join_all(parts.into_iter().map(values)).await;
        assert_eq!(parts.expect("no failure").concat().len(), count);
    }
}

#[tokio::test]
async fn one_reader_may_wait_while_another_reads_everything() {
    let batches = || (0..50).map(|batch| hashed(batch * 5000..(batch + 1) * 5000));
    let mut left = by_hash(batches().collect(), 2, Waiting::Bytes(1 << 30));
    let mut right = by_hash(batches().collect(), 2, Waiting::Bytes(1 << 30));
    // One has all of the left side first and the other all of the right side.
    let (left_1, left_0) = (left.remove(1), left.remove(0));
    let (right_1, right_0) = (right.remove(1), right.remove(0));
    let first = async { Ok((values(left_0).await?, values(right_0).await?)) };
    let second = async { Ok((values(right_1).await?, values(left_1).await?)) };
    let both: Result<_, FragmentError> = futures::future::try_join(first, second).await;
    let (first, second) = both.expect("no failure");
    assert_eq!(first.0.len() + second.1.len(), 250_000);
    assert_eq!(first.1.len() + second.0.len(), 250_000);
}

#[tokio::test]
async fn what_waits_for_readers_is_bounded_and_what_was_read_does_not_count() {
    let one = hashed(0..10_000);
    let bytes = batch_bytes(&one);
    let batches = || (0..100).map(|_| hashed(0..10_000)).collect::<Vec<_>>();
    // Nobody reads the second part.
    let mut parts = by_hash(batches(), 2, Waiting::Bytes(10 * bytes));
    let kept = parts.pop().expect("two");
    let error = values(parts.pop().expect("two")).await;
    assert_eq!(
        error.expect_err("too much waits").kind,
        FragmentErrorKind::Memory
    );
    assert!(values(kept).await.is_err());
    // Where a reader that is behind makes the sender wait, any amount goes through little memory.
    let parts = by_hash(batches(), 2, Waiting::Batches(1));
    let parts = futures::future::try_join_all(parts.into_iter().map(values)).await;
    assert_eq!(parts.expect("no failure").concat().len(), 1_000_000);
}

#[tokio::test]
async fn rows_without_a_hash_are_an_error() {
    let rows = Box::pin(stream::iter([Ok(row(1))]));
    let column = "__h".to_owned();
    let parts = exchange::divide(rows, &Exchange::Hash { column }, 2, Waiting::Batches(1));
    for part in parts.expect("divides") {
        assert_eq!(
            values(part).await.expect_err("no such column").kind,
            FragmentErrorKind::Internal
        );
    }
}

#[tokio::test]
async fn fragments_of_a_hash_all_run_also_in_turns() {
    let hash = || Exchange::Hash {
        column: "v".to_owned(),
    };
    for (connections, partitions) in [(16, 5), (1, 5)] {
        let cluster = cluster(2, connections);
        let stages = vec![
            stage("a", Partitioning::Single, &[]),
            stage("b", Partitioning::Single, &[]),
            stage(
                "c",
                Partitioning::ByHash {
                    fragments: Some(partitions),
                },
                &[(0, hash()), (1, hash())],
            ),
            stage("d", Partitioning::Single, &[(2, Exchange::Gather)]),
        ];
        let running = cluster
            .dispatcher
            .run(&plan(stages), &RunOptions::default())
            .await
            .expect("runs");
        // One row of each stage, and one of each fragment.
        assert_eq!(
            count(running).await.expect("no failure"),
            2 + partitions + 1
        );
        assert_eq!(cluster.running.load(Ordering::SeqCst), 0);
    }
}
