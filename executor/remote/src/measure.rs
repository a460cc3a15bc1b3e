//! What a fragment has done, counted where it ran, for EXPLAIN ANALYZE.
//!
//! The engine brings the metrics of its nodes to the gateway when a tree has ended, if it is asked to;
//! ours carry stage and fragment in their names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{
    Count, ExecutionPlanMetricsSet, MetricBuilder, MetricValue,
};
use datafusion_distributed::{DistributedMetricsFormat, rewrite_distributed_plan_with_metrics};
use skein_executor_api::batch_bytes;

/// How long the gateway waits for what executors have counted, after the last row. A fragment that
/// never ran has nothing to say.
const WAIT: Duration = Duration::from_secs(1);
const PREFIX: &str = "skein";

/// What one fragment has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measurement {
    /// Number of its stage.
    pub stage: usize,
    /// Its ordinal.
    pub index: usize,
    /// Rows it gave.
    pub rows: u64,
    /// Bytes of Arrow it gave.
    pub bytes: u64,
    /// From its start on its executor to its last row.
    pub elapsed: Duration,
}

/// Counts the rows of one fragment.
pub(crate) struct Meter {
    rows: Count,
    bytes: Count,
    micros: Count,
    started: Instant,
}

impl Meter {
    pub(crate) fn new(metrics: &ExecutionPlanMetricsSet, stage: usize, index: usize) -> Self {
        let count = |what: &str| {
            let name = format!("{PREFIX}.{stage}.{index}.{what}");
            MetricBuilder::new(metrics).counter(name, 0)
        };
        Self {
            rows: count("rows"),
            bytes: count("bytes"),
            micros: count("micros"),
            started: Instant::now(),
        }
    }

    pub(crate) fn saw(&mut self, batch: &RecordBatch) {
        self.rows.add(batch.num_rows());
        self.bytes.add(batch_bytes(batch));
    }

    pub(crate) fn ended(&mut self) {
        let micros = self.started.elapsed().as_micros();
        self.micros
            .add(usize::try_from(micros).unwrap_or(usize::MAX));
    }
}

/// What the fragments of a tree that has ended have counted.
pub(crate) async fn collect(root: Arc<dyn ExecutionPlan>) -> Vec<Measurement> {
    let measured = rewrite_distributed_plan_with_metrics(root, DistributedMetricsFormat::PerTask);
    let plan = match tokio::time::timeout(WAIT, measured).await {
        Ok(Ok(plan)) => plan,
        Ok(Err(error)) => {
            tracing::debug!(%error, "what executors have counted cannot be read");
            return Vec::new();
        }
        Err(_) => return Vec::new(),
    };
    let mut found: Vec<Measurement> = Vec::new();
    let walked = plan.apply(|node| {
        for metric in node.metrics().unwrap_or_default().iter() {
            if let MetricValue::Count { name, count } = metric.value() {
                add(&mut found, name, count.value() as u64);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself cannot fail");
    found
}

/// Adds a counter to the measurement that its name says.
fn add(found: &mut Vec<Measurement>, name: &str, value: u64) {
    let parts: Vec<&str> = name.split('.').collect();
    let [PREFIX, stage, index, what] = parts.as_slice() else {
        return;
    };
    let (Ok(stage), Ok(index)) = (stage.parse(), index.parse()) else {
        return;
    };
    let at = found
        .iter()
        .position(|one| (one.stage, one.index) == (stage, index));
    let at = at.unwrap_or_else(|| {
        found.push(Measurement {
            stage,
            index,
            ..Measurement::default()
        });
        found.len() - 1
    });
    match *what {
        "rows" => found[at].rows += value,
        "bytes" => found[at].bytes += value,
        _ => found[at].elapsed += Duration::from_micros(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_one_fragment_come_together() {
        let mut found = Vec::new();
        for (name, value) in [
            ("skein.2.1.rows", 7),
            ("output_rows", 9),
            ("skein.2.0.rows", 1),
            ("skein.2.1.micros", 1500),
            ("skein.2.1.bytes", 80),
            ("skein.x.1.bytes", 80),
        ] {
            add(&mut found, name, value);
        }
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].stage, found[0].index), (2, 1));
        assert_eq!((found[0].rows, found[0].bytes), (7, 80));
        assert_eq!(found[0].elapsed, Duration::from_micros(1500));
        assert_eq!(found[1].rows, 1);
    }
}
