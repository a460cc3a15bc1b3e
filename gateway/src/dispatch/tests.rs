//! Plans on executors that answer from memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Int64Array};
use async_trait::async_trait;
use futures::stream;
use skein_executor_api::{Column, InputSpec, SqlPart, SqlTemplate};
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
        admission_timeout: Duration::from_millis(200),
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
    }
}

fn plan(stages: Vec<Stage>) -> DistributedPlan {
    DistributedPlan {
        stages,
        refusals: Vec::new(),
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
async fn statements_wait_for_room_and_are_told_when_there_is_none() {
    let cluster = cluster(1, 1);
    let one = plan(vec![stage("a", Partitioning::Single, &[])]);
    let held = cluster
        .dispatcher
        .run(&one, &RunOptions::default())
        .await
        .expect("runs");
    let refused = cluster.dispatcher.run(&one, &RunOptions::default()).await;
    assert!(matches!(refused, Err(GatewayError::TooManyStatements)));
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
