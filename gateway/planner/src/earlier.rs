//! What earlier runs found out: how many rows stages returned.
//!
//! Nothing else tells how many groups there are. Only counts that could change a plan are kept.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::explain::sql_with_names;
use crate::plan::Stage;

/// Fewer rows are combined in no time.
const ROWS_MIN: u64 = 100_000;
/// Stages remembered; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// Rows of stages by what the stages are. Shared by all sessions.
#[derive(Debug, Default)]
pub struct EarlierRuns {
    rows: Mutex<HashMap<u64, u64>>,
    learned: AtomicU64,
}

impl EarlierRuns {
    /// Notes that all fragments of a stage together returned so many rows.
    pub fn record(&self, stage: &Stage, rows: u64) {
        if rows < ROWS_MIN || !stage.inputs.is_empty() {
            return;
        }
        let mut known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        if known.insert(key(stage), rows).is_none() {
            self.learned.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many rows a stage returned when it last ran, if they were many.
    pub fn rows_of(&self, stage: &Stage) -> Option<u64> {
        let known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(stage)).copied()
    }

    /// Goes up whenever a statement might be planned in another way than before.
    pub fn learned(&self) -> u64 {
        self.learned.load(Ordering::Relaxed)
    }
}

/// The same for the same SQL over relations of about the same size.
fn key(stage: &Stage) -> u64 {
    let mut hasher = DefaultHasher::new();
    sql_with_names(stage).hash(&mut hasher);
    for scan in &stage.scans {
        let bytes: u64 = scan.files.iter().map(|file| file.bytes).sum();
        (&scan.relation.name, bytes.checked_ilog2()).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use skein_catalog::relation::{Format, RelationName};
    use skein_catalog::snapshot::{File, RelationSnapshot};
    use skein_executor_api::{SqlPart, SqlTemplate};

    use super::*;
    use crate::plan::{Partitioning, Scan};

    fn stage(sql: &str, bytes: u64) -> Stage {
        let file = Arc::new(File {
            path: "a".to_owned(),
            bytes,
            version: String::new(),
            partition: BTreeMap::new(),
            shape: 0,
        });
        let name = RelationName {
            schema: "public".to_owned(),
            name: "t".to_owned(),
        };
        let files = vec![file];
        let relation = RelationSnapshot::uniform(name, Format::Parquet, Vec::new(), files.clone());
        Stage {
            template: SqlTemplate {
                parts: vec![SqlPart::Text(sql.to_owned()), SqlPart::Scan(0)],
            },
            scans: vec![Scan {
                relation: Arc::new(relation),
                files,
            }],
            inputs: Vec::new(),
            columns: Vec::new(),
            partitioning: Partitioning::Single,
        }
    }

    #[test]
    fn many_rows_are_remembered_for_the_same_stage() {
        let earlier = EarlierRuns::default();
        earlier.record(&stage("SELECT a FROM ", 1000), 5);
        assert_eq!(
            (
                earlier.rows_of(&stage("SELECT a FROM ", 1000)),
                earlier.learned()
            ),
            (None, 0)
        );
        earlier.record(&stage("SELECT a FROM ", 1000), 500_000);
        earlier.record(&stage("SELECT a FROM ", 1000), 600_000);
        assert_eq!(
            earlier.rows_of(&stage("SELECT a FROM ", 1010)),
            Some(600_000)
        );
        assert_eq!(earlier.learned(), 1);
        assert_eq!(earlier.rows_of(&stage("SELECT b FROM ", 1000)), None);
        assert_eq!(earlier.rows_of(&stage("SELECT a FROM ", 5000)), None);
    }
}
