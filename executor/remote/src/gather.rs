//! The head of a tree, on the gateway: the rows of all fragments of its last stage as one stream.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use skein_executor_api::BatchStream;

use crate::error::{internal, pack};
use crate::fragment::{joined, properties, rows_of};

/// Joins the partitions of its child, which are the fragments of a stage.
#[derive(Debug)]
pub(crate) struct GatherExec {
    child: Arc<dyn ExecutionPlan>,
    in_order: bool,
    properties: Arc<PlanProperties>,
}

impl GatherExec {
    pub(crate) fn new(child: Arc<dyn ExecutionPlan>, in_order: bool) -> Self {
        let properties = properties(&child.schema(), 1);
        Self {
            child,
            in_order,
            properties,
        }
    }
}

impl DisplayAs for GatherExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatherExec: in_order={}", self.in_order)
    }
}

impl ExecutionPlan for GatherExec {
    fn name(&self) -> &'static str {
        "GatherExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.child]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(child), true) => Ok(Arc::new(Self::new(child, self.in_order))),
            _ => Err(pack(&internal("rows are gathered of one stage"))),
        }
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.child.properties().partitioning.partition_count();
        let streams: Result<Vec<BatchStream>> = (0..partitions)
            .map(|partition| {
                Ok(rows_of(
                    self.child.execute(partition, Arc::clone(&context))?,
                ))
            })
            .collect();
        let rows = joined(streams?, self.in_order).map(|batch| batch.map_err(|error| pack(&error)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
