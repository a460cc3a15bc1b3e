//! A tree of stages as a plan of the engine: fragments, and the boundaries over which rows travel.
//!
//! The engine has a planner of its own, which is not used: it would leave out a boundary between one
//! sender and one reader, and so run in the gateway what was placed on an executor. What it does
//! besides, giving stages their numbers and as many outputs as there are readers, is done here.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use datafusion_distributed::{
    BroadcastExec, DistributedLeafExec, NetworkBoundary, NetworkBroadcastExec, NetworkCoalesceExec,
    NetworkShuffleExec, Stage,
};
use url::Url;
use uuid::Uuid;

use crate::error::{internal, pack};
use crate::fragment::{FragmentExec, Shared, SharedInput, TaskExec};
use crate::gather::GatherExec;
use crate::nodes::Node;
use crate::tree::{Exchange, Tree};

/// The plan of a tree on these nodes.
pub(crate) fn lower(tree: &Tree, nodes: &[Node], run: Uuid) -> Result<Arc<dyn ExecutionPlan>> {
    let last = tree.stages.len().checked_sub(1);
    let last = last.ok_or_else(|| pack(&internal("a tree without stages")))?;
    let mut lowering = Lowering {
        tree,
        nodes,
        run,
        boundaries: 0,
        lowered: vec![false; tree.stages.len()],
    };
    let stage = lowering.stage(last, None)?;
    let producers = tree.stages[last].tasks.len();
    let gathered = lowering.boundary(stage, producers, 1, &Exchange::Gather)?;
    Ok(Arc::new(GatherExec::new(
        gathered,
        tree.stages[last].in_order,
    )))
}

struct Lowering<'a> {
    tree: &'a Tree,
    nodes: &'a [Node],
    run: Uuid,
    /// How many there are so far; the engine tells stages apart by their boundary's number.
    boundaries: usize,
    lowered: Vec<bool>,
}

impl Lowering<'_> {
    fn stage(&mut self, index: usize, bytes_max: Option<u64>) -> Result<Arc<dyn ExecutionPlan>> {
        let stage = &self.tree.stages[index];
        if std::mem::replace(&mut self.lowered[index], true) {
            return Err(pack(&internal(format!(
                "stage {} has several readers",
                stage.number
            ))));
        }
        let readers = stage.tasks.len();
        let (mut inputs, mut shared_inputs) = (Vec::new(), Vec::new());
        for input in &stage.inputs {
            if input.stage >= index {
                return Err(pack(&internal(format!(
                    "stage {} reads one that comes after it",
                    stage.number
                ))));
            }
            let sending = &self.tree.stages[input.stage];
            let limit = match input.exchange {
                Exchange::Broadcast { bytes_max } if readers > 1 => Some(bytes_max),
                _ => None,
            };
            if readers > 1 && sending.in_order {
                return Err(pack(&internal("rows in order go to one fragment only")));
            }
            let sender = self.stage(input.stage, limit)?;
            inputs.push(self.boundary(sender, sending.tasks.len(), readers, &input.exchange)?);
            shared_inputs.push(SharedInput {
                spec: input.spec.clone(),
                in_order: sending.in_order,
            });
        }
        let shared = Shared {
            run: self.run.to_string(),
            statement: self.tree.statement,
            stage: stage.number,
            schema: Arc::clone(&stage.schema),
            inputs: shared_inputs,
            settings: self.tree.settings.clone(),
            joined_rows: stage.joined_rows,
            deadline: self.tree.deadline,
            credentials: self.tree.credentials.clone(),
            bytes_max,
        };
        let tasks = stage.tasks.iter().enumerate().map(|(index, task)| {
            Arc::new(TaskExec::new(index, task.sql.clone(), task.files.clone()))
                as Arc<dyn ExecutionPlan>
        });
        let tasks: Vec<_> = tasks.collect();
        let first = tasks.first().cloned();
        let first = first.ok_or_else(|| pack(&internal("a stage without fragments")))?;
        let routes: Result<Vec<Url>> = stage
            .tasks
            .iter()
            .map(|task| {
                let node = self.nodes.get(task.node);
                let node = node.ok_or_else(|| pack(&internal("a fragment on no node")))?;
                Ok(node.url().clone())
            })
            .collect();
        let task = Arc::new(DistributedLeafExec::try_new(first, tasks)?);
        Ok(Arc::new(FragmentExec::new(
            Arc::new(shared),
            task,
            inputs,
            routes?,
        )))
    }

    /// What `readers` fragments read of the rows of `senders` ones.
    fn boundary(
        &mut self,
        sender: Arc<dyn ExecutionPlan>,
        senders: usize,
        readers: usize,
        exchange: &Exchange,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match exchange {
            _ if readers == 1 => {
                let boundary = NetworkCoalesceExec::try_new(Arc::clone(&sender), senders, 1)?;
                self.numbered(&boundary, sender)
            }
            Exchange::Gather => Err(pack(&internal(format!(
                "{readers} fragments gather the rows of one stage"
            )))),
            Exchange::Broadcast { .. } => {
                let one = Arc::new(BroadcastExec::new(Arc::clone(&sender), 1));
                let boundary = NetworkBroadcastExec::try_new(one, senders)?;
                let all = Arc::new(BroadcastExec::new(sender, readers));
                self.numbered(&boundary, all)
            }
            Exchange::Hash { column } => {
                let by = Column::new_with_schema(column, &sender.schema())?;
                let by: Arc<dyn PhysicalExpr> = Arc::new(by);
                let divided = |sender, parts| {
                    let parts = Partitioning::Hash(vec![Arc::clone(&by)], parts);
                    Ok::<_, DataFusionError>(Arc::new(RepartitionExec::try_new(sender, parts)?))
                };
                let one = divided(Arc::clone(&sender), 1)?;
                let boundary = NetworkShuffleExec::try_new(one, senders)?;
                self.numbered(&boundary, divided(sender, readers)?)
            }
        }
    }

    fn numbered(
        &mut self,
        boundary: &dyn NetworkBoundary,
        sender: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.boundaries += 1;
        let mut stage = boundary.input_stage().clone();
        if let Stage::Local(local) = &mut stage {
            local.query_id = self.run;
            local.num = self.boundaries;
            local.plan = sender;
        }
        Ok(boundary.with_input_stage(stage)?)
    }
}

/// The fragment at the head of what one stage sends.
pub(crate) fn head(plan: &Arc<dyn ExecutionPlan>) -> Option<&FragmentExec> {
    if let Some(fragment) = plan.downcast_ref::<FragmentExec>() {
        return Some(fragment);
    }
    let children = plan.children();
    match children.as_slice() {
        [child] => head(child),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    use datafusion_distributed::NetworkBoundaryExt;
    use skein_executor_api::InputSpec;

    use super::*;
    use crate::tree::{Task, TreeInput, TreeStage};

    fn stage(number: usize, tasks: usize, inputs: &[(usize, Exchange)]) -> TreeStage {
        let task = |index| Task {
            node: index % 2,
            sql: format!("SELECT {number}, {index}"),
            files: Vec::new(),
        };
        let input = |(stage, exchange): &(usize, Exchange)| TreeInput {
            stage: *stage,
            exchange: exchange.clone(),
            spec: InputSpec {
                name: format!("__s{stage}"),
                columns: Vec::new(),
                reread: false,
                rows_estimate: 1,
            },
        };
        TreeStage {
            number,
            schema: Arc::new(Schema::new(vec![Field::new("h", DataType::UInt64, true)])),
            tasks: (0..tasks).map(task).collect(),
            inputs: inputs.iter().map(input).collect(),
            joined_rows: 0,
            in_order: false,
        }
    }

    fn lowered(stages: Vec<TreeStage>) -> Result<Arc<dyn ExecutionPlan>> {
        let tree = Tree {
            statement: 1,
            stages,
            settings: BTreeMap::new(),
            deadline: None,
            credentials: Vec::new(),
        };
        let nodes = ["a:1", "b:1"].map(|address| Node::at(address).expect("an address"));
        lower(&tree, &nodes, Uuid::nil())
    }

    fn boundaries(plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
        let mut found = Vec::new();
        let walked = plan.apply(|node| {
            if let Some(boundary) = node.as_network_boundary() {
                let stage = boundary.input_stage();
                let sender = stage.local_plan().expect("it is still here");
                let sends = sender.properties().partitioning.partition_count();
                let head = head(sender).expect("a fragment");
                assert_eq!(head.routes.len(), stage.task_count());
                found.push(format!(
                    "{} {}: {}×{sends} of stage {}",
                    stage.num(),
                    node.name(),
                    stage.task_count(),
                    head.shared.stage
                ));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        walked.expect("a walk");
        found
    }

    #[test]
    fn one_fragment_still_runs_where_it_was_placed() {
        let plan = lowered(vec![stage(0, 1, &[])]).expect("a plan");
        assert_eq!(boundaries(&plan), ["1 NetworkCoalesceExec: 1×1 of stage 0"]);
    }

    #[test]
    fn each_exchange_has_its_boundary() {
        let hash = || Exchange::Hash {
            column: "h".to_owned(),
        };
        let broadcast = Exchange::Broadcast { bytes_max: 9 };
        let plan = lowered(vec![
            stage(0, 2, &[]),
            stage(1, 3, &[]),
            stage(2, 1, &[]),
            stage(3, 4, &[(0, hash()), (1, hash()), (2, broadcast)]),
        ]);
        let plan = plan.expect("a plan");
        assert_eq!(
            boundaries(&plan),
            [
                "4 NetworkCoalesceExec: 4×1 of stage 3",
                "1 NetworkShuffleExec: 2×4 of stage 0",
                "2 NetworkShuffleExec: 3×4 of stage 1",
                "3 NetworkBroadcastExec: 1×4 of stage 2",
            ]
        );
    }

    #[test]
    fn a_tree_that_is_none_is_an_error() {
        let twice = vec![
            stage(0, 1, &[]),
            stage(1, 1, &[(0, Exchange::Gather), (0, Exchange::Gather)]),
        ];
        let gathered_by_two = vec![stage(0, 1, &[]), stage(1, 2, &[(0, Exchange::Gather)])];
        let itself = vec![stage(0, 1, &[(0, Exchange::Gather)])];
        let no_column = Exchange::Hash {
            column: "x".to_owned(),
        };
        let by_nothing = vec![stage(0, 1, &[]), stage(1, 2, &[(0, no_column)])];
        for stages in [twice, gathered_by_two, itself, by_nothing, Vec::new()] {
            assert!(lowered(stages).is_err());
        }
    }
}
