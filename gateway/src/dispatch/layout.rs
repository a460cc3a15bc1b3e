//! The fragments of a plan: where each runs and which files it reads.

use std::sync::Arc;

use skein_catalog::snapshot::File;
use skein_planner::plan::{DistributedPlan, Partitioning, Stage};

use super::placement;

/// Fragments by stage.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Names of the executors that fragments are placed on.
    pub executors: Vec<String>,
    /// For each stage of the plan its fragments in order; at least one each.
    pub stages: Vec<Vec<Placed>>,
}

/// One fragment.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Index of its executor.
    pub executor: usize,
    /// For each scan of the stage the files this fragment reads.
    pub files: Vec<Vec<Arc<File>>>,
}

impl Layout {
    /// Places a plan on executors; `fragments` overrides how many a divided stage gets.
    pub fn of(plan: &DistributedPlan, executors: &[String], fragments: Option<usize>) -> Self {
        let place = |stage| place(stage, executors, fragments);
        Self {
            executors: executors.to_vec(),
            stages: plan.stages.iter().map(place).collect(),
        }
    }

    /// Fragments on the executor that has most of them.
    pub(crate) fn fragments_at_most(&self) -> usize {
        let mut counts = vec![0; self.executors.len()];
        for placed in self.stages.iter().flatten() {
            counts[placed.executor] += 1;
        }
        counts.into_iter().max().unwrap_or(0)
    }
}

/// Fragments that read every file, by turns on each executor.
fn everywhere(files: &[Vec<Arc<File>>], count: usize, executors: &[String]) -> Vec<Placed> {
    (0..count.max(1))
        .map(|index| Placed {
            executor: index % executors.len(),
            files: files.to_vec(),
        })
        .collect()
}

fn place(stage: &Stage, executors: &[String], fragments: Option<usize>) -> Vec<Placed> {
    let whole: Vec<Vec<Arc<File>>> = stage.scans.iter().map(|scan| scan.files.clone()).collect();
    let (scans, in_file_order) = match &stage.partitioning {
        Partitioning::Single => {
            let paths = whole.iter().flatten().map(|file| file.path.as_str());
            return vec![Placed {
                executor: placement::one_of(paths, executors),
                files: whole,
            }];
        }
        Partitioning::ByHash { fragments } => {
            return everywhere(&whole, fragments.unwrap_or(executors.len()), executors);
        }
        Partitioning::ByRange { fragments, files } => {
            let mut placed = everywhere(&whole, *fragments, executors);
            for (scan, lists) in files {
                for (fragment, list) in placed.iter_mut().zip(lists) {
                    fragment.files[*scan].clone_from(list);
                }
            }
            return placed;
        }
        Partitioning::ByFile {
            scans,
            in_file_order,
        } => (scans, in_file_order),
    };
    let most = scans
        .iter()
        .map(|scan| whole[*scan].len())
        .max()
        .unwrap_or(0)
        .max(1);
    let names: Vec<String> = match fragments {
        None => executors.to_vec(),
        Some(count) => (0..count.clamp(1, most))
            .map(|index| format!("fragment-{index}"))
            .collect(),
    };
    let mut placed: Vec<Placed> = (0..names.len())
        .map(|index| Placed {
            executor: index % executors.len(),
            files: whole.clone(),
        })
        .collect();
    for scan in scans {
        let buckets = if *in_file_order {
            placement::in_order(&whole[*scan], names.len())
        } else {
            placement::by_hash(&whole[*scan], &names)
        };
        for (fragment, bucket) in placed.iter_mut().zip(buckets) {
            fragment.files[*scan] = bucket;
        }
    }
    let reads_any = |fragment: &Placed| scans.iter().any(|scan| !fragment.files[*scan].is_empty());
    if placed.iter().any(reads_any) {
        placed.retain(reads_any);
    } else {
        // No files at all: one fragment still has to say which columns there are.
        placed.truncate(1);
    }
    placed
}
