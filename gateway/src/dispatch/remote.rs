//! Stages of a plan on executors in other processes.
//!
//! ```text
//! root is one fragment:   tree ─► rows ─┐
//!                         tree ─► rows ─┴─► combine query on the executor in this process ─► rows
//! root is divided:        tree ─────────────────────────────────────────────────────────────► rows
//! ```
//!
//! A tree gives one stream, and each of its stages has one reader, since a reader of its own would
//! run a stage again, and might see other rows. A stage that several inputs of the root read is a
//! tree whose rows are handed to each; a plan in which other stages share one runs in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use skein_config::Executors;
use skein_executor::engine::Database;
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};
use skein_planner::earlier::{EarlierRuns, StageKey};
use skein_planner::plan::{DistributedPlan, Exchange, Partitioning, Stage};
use skein_remote::{ListedFile, Members, Node, OnEnd, Remote, Task, Tree, TreeInput, TreeStage};

use super::exchange::{Waiting, divide};
use super::layout::{Layout, Placed};
use super::metrics::Measured;
use super::schemas::Schemas;
use super::{Dispatcher, Run, internal};

/// Executors in other processes.
pub struct Cluster {
    remote: Remote,
    members: Arc<Members>,
    /// How long the part on nodes may take.
    stage_timeout: Option<Duration>,
    fallback_embedded: bool,
    schemas: Schemas,
}

/// Where the fragments of a plan run.
pub(super) struct Sites {
    pub(super) layout: Layout,
    /// The executors in other processes, which are the first of the layout; `None`: all are in this.
    pub(super) nodes: Option<Arc<[Node]>>,
    /// It should run on nodes, there are none, and nobody else may do their work.
    pub(super) is_stranded: bool,
}

impl Cluster {
    /// Uses `remote`, whose executors are those of `members`; `database` says what DuckDB's types are
    /// in Arrow, and reads no file for it.
    pub fn new(
        remote: Remote,
        members: Arc<Members>,
        database: Database,
        settings: &Executors,
    ) -> Self {
        let millis = settings.stage_timeout_ms;
        Self {
            remote,
            members,
            stage_timeout: (millis > 0).then(|| Duration::from_millis(millis)),
            fallback_embedded: settings.fallback_embedded,
            schemas: Schemas::new(database),
        }
    }
}

impl Cluster {
    /// Whether this process does the work of executors that are lost.
    pub(super) fn falls_back(&self) -> bool {
        self.fallback_embedded
    }

    /// How many executors are known, whether they can be used or not.
    pub(super) fn known(&self) -> usize {
        self.members.members().len()
    }
}

impl Dispatcher {
    /// The executors in other processes that a statement would use now.
    pub(super) fn nodes(&self) -> Arc<[Node]> {
        match &self.cluster {
            Some(cluster) => cluster.remote.nodes().snapshot(),
            None => Arc::new([]),
        }
    }

    /// Why a plan that could run on executors in other processes runs in this one.
    pub fn kept_here(&self, plan: &DistributedPlan) -> Option<&'static str> {
        (self.has_nodes() && !plan.is_whole() && stays_here(plan))
            .then_some("several of its stages read the rows of one")
    }

    /// Places a plan.
    pub(super) fn sites(&self, plan: &DistributedPlan, fragments: Option<usize>) -> Sites {
        let nodes = self.nodes();
        let is_here = plan.is_whole() || stays_here(plan);
        if nodes.is_empty() || is_here {
            let cluster = self.cluster.as_ref();
            return Sites {
                layout: Layout::of(plan, &self.names, fragments),
                nodes: None,
                is_stranded: !is_here && cluster.is_some_and(|it| !it.fallback_embedded),
            };
        }
        let names: Vec<String> = nodes.iter().map(|node| node.name().to_string()).collect();
        let mut layout = Layout::of(plan, &names, fragments);
        if root_is_here(plan)
            && let Some(root) = layout.stages.last_mut()
        {
            for placed in root {
                placed.executor = nodes.len();
            }
        }
        layout.executors.push(self.names[0].clone());
        Sites {
            layout,
            nodes: Some(nodes),
            is_stranded: false,
        }
    }
}

/// Whether the last stage runs in this process.
fn root_is_here(plan: &DistributedPlan) -> bool {
    plan.root().partitioning == Partitioning::Single
}

/// Whether no tree can carry the plan: a stage is read several times, other than by the root here, or
/// one whose rows have an order is read by several fragments.
fn stays_here(plan: &DistributedPlan) -> bool {
    let last = plan.stages.len() - 1;
    plan.stages[..last]
        .iter()
        .enumerate()
        .any(|(stage, sending)| {
            let reads = |(reader, other): (usize, &Stage)| {
                let reads = other.inputs.iter().filter(|input| input.stage == stage);
                reads.map(|_| reader).collect::<Vec<usize>>()
            };
            let readers: Vec<usize> = plan.stages.iter().enumerate().flat_map(reads).collect();
            let all_here = root_is_here(plan) && readers.iter().all(|reader| *reader == last);
            let by_several =
                |reader: &usize| plan.stages[*reader].partitioning != Partitioning::Single;
            (readers.len() > 1 && !all_here)
                || (in_order(sending) && readers.iter().any(by_several))
        })
}

/// Whether rows of the first fragment come first.
fn in_order(stage: &Stage) -> bool {
    matches!(
        stage.partitioning,
        Partitioning::ByFile {
            in_file_order: true,
            ..
        }
    )
}

impl Run<'_> {
    /// Runs the stages of the plan on nodes, but for a root that is one fragment.
    pub(super) async fn on_nodes(&self, nodes: &[Node]) -> Result<BatchStream, FragmentError> {
        let last = self.plan.stages.len() - 1;
        if !root_is_here(self.plan) {
            let (schema, rows) = self.tree(last, nodes)?;
            return with_first(rows, schema).await;
        }
        let root = &self.plan.stages[last];
        let mut trees: Vec<(usize, Vec<BatchStream>)> = Vec::new();
        let mut inputs = Vec::with_capacity(root.inputs.len());
        for input in &root.inputs {
            let known = trees.iter_mut().find(|(stage, _)| *stage == input.stage);
            let next = known.and_then(|(_, copies)| copies.pop());
            if let Some(rows) = next {
                inputs.push(rows);
                continue;
            }
            let (_, rows) = self.tree(input.stage, nodes)?;
            let rows = match StageKey::of(&self.plan.stages[input.stage]) {
                Some(key) => counted(rows, key, Arc::clone(&self.dispatcher.earlier)),
                None => rows,
            };
            let reads = |other: &&skein_planner::plan::StageInput| other.stage == input.stage;
            let readers = root.inputs.iter().filter(reads).count();
            let waiting = Waiting::Bytes(self.dispatcher.limits.exchange_bytes_max);
            let mut copies = divide(rows, &Exchange::Broadcast, readers, waiting)?;
            let rows = copies.pop();
            inputs.push(rows.ok_or_else(|| internal("rows went to nobody".to_owned()))?);
            trees.push((input.stage, copies));
        }
        let placed = &self.layout.stages[last][0];
        let fragment = self.fragment(last, 0, placed);
        let rows = self.dispatcher.executors[0].run(fragment, inputs).await?;
        Ok(Measured::over(rows, self.metrics.fragment(last, 0)))
    }

    /// The rows of a stage, computed on nodes.
    fn tree(&self, root: usize, nodes: &[Node]) -> Result<(SchemaRef, BatchStream), FragmentError> {
        let cluster = self.dispatcher.cluster.as_ref();
        let cluster = cluster.ok_or_else(|| internal("a plan for nodes without any".to_owned()))?;
        let limit = cluster.stage_timeout.map(|limit| Instant::now() + limit);
        let mut stages = Vec::new();
        self.add_stage(root, cluster, &mut stages)?;
        let tree = Tree {
            statement: self.options.statement,
            stages,
            settings: self.options.settings.clone(),
            deadline: earlier(self.options.deadline, limit),
            // Files are local ones, which need none.
            credentials: Vec::new(),
        };
        let schema = tree.stages.last().map(|stage| Arc::clone(&stage.schema));
        let schema = schema.ok_or_else(|| internal("a tree without stages".to_owned()))?;
        let metrics = Arc::clone(self.metrics);
        let on_end = self.options.measured.then(|| -> OnEnd {
            Box::new(move |measured| {
                for one in measured {
                    metrics.fragment(one.stage, one.index).take(&one);
                }
            })
        });
        let rows = cluster.remote.run(&tree, nodes, on_end)?;
        let rows = cluster.members.guarded(rows, nodes);
        if limit.is_none() || tree.deadline != limit {
            return Ok((schema, rows));
        }
        let too_long = |error: FragmentError| match error.kind {
            FragmentErrorKind::Timeout => FragmentError {
                kind: FragmentErrorKind::TooLong,
                message: "the statement takes too long on its executors".to_owned(),
                position: None,
            },
            _ => error,
        };
        Ok((schema, Box::pin(rows.map_err(too_long))))
    }

    /// Adds a stage after those that it reads. Returns its place.
    fn add_stage(
        &self,
        number: usize,
        cluster: &Cluster,
        stages: &mut Vec<TreeStage>,
    ) -> Result<usize, FragmentError> {
        let stage = &self.plan.stages[number];
        let mut inputs = Vec::with_capacity(stage.inputs.len());
        for input in &stage.inputs {
            inputs.push(TreeInput {
                stage: self.add_stage(input.stage, cluster, stages)?,
                exchange: match &input.exchange {
                    Exchange::Gather => skein_remote::Exchange::Gather,
                    Exchange::Broadcast => skein_remote::Exchange::Broadcast {
                        bytes_max: self.dispatcher.limits.exchange_bytes_max as u64,
                    },
                    Exchange::Hash { column } => skein_remote::Exchange::Hash {
                        column: column.clone(),
                    },
                },
                spec: input.spec.clone(),
            });
        }
        let placed = self.layout.stages[number].iter().enumerate();
        let tasks = placed.map(|(index, placed)| Task {
            node: placed.executor,
            sql: self.fragment(number, index, placed).sql,
            files: files_of(placed),
        });
        stages.push(TreeStage {
            number,
            schema: cluster
                .schemas
                .of(stage.carried_columns(), &self.options.settings)?,
            tasks: tasks.collect(),
            inputs,
            joined_rows: self.joined_rows(number),
            in_order: in_order(stage),
        });
        Ok(stages.len() - 1)
    }
}

/// The files of a fragment, each once.
fn files_of(placed: &Placed) -> Vec<ListedFile> {
    let files = placed.files.iter().flatten();
    let sizes: BTreeMap<&str, u64> = files.map(|file| (file.path.as_str(), file.bytes)).collect();
    let listed = |(path, bytes): (&str, u64)| ListedFile {
        path: path.to_owned(),
        bytes,
    };
    sizes.into_iter().map(listed).collect()
}

/// The same rows; how many there were is recorded when all have come.
fn counted(rows: BatchStream, stage: StageKey, runs: Arc<EarlierRuns>) -> BatchStream {
    let mut count = 0;
    let mut rows = rows.fuse();
    Box::pin(futures::stream::poll_fn(move |context| {
        let polled = rows.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(batch))) => count += batch.num_rows() as u64,
            Poll::Ready(None) => runs.record(stage, count),
            _ => {}
        }
        polled
    }))
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// As executors give rows: the first are there, or the failure is returned here; a result without
/// any is one empty batch.
async fn with_first(rows: BatchStream, schema: SchemaRef) -> Result<BatchStream, FragmentError> {
    // Asked for more after its end, when that came at once.
    let mut rows = rows.fuse();
    let first = rows.next().await.transpose()?;
    let first = first.unwrap_or_else(|| RecordBatch::new_empty(schema));
    Ok(Box::pin(
        futures::stream::once(async move { Ok(first) }).chain(rows),
    ))
}
