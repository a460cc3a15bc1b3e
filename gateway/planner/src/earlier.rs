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

/// What a stage is: the same SQL over relations of about the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StageKey(u64);

impl StageKey {
    /// The key of a stage that reads nothing but files; `None`: another one, whose rows depend on those of
    /// stages before it.
    pub fn of(stage: &Stage) -> Option<Self> {
        if !stage.inputs.is_empty() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        sql_with_names(stage).hash(&mut hasher);
        for scan in &stage.scans {
            let bytes: u64 = scan.files.iter().map(|file| file.bytes).sum();
            (&scan.relation.name, bytes.checked_ilog2()).hash(&mut hasher);
        }
        Some(Self(hasher.finish()))
    }
}

/// Rows of stages by what the stages are. Shared by all sessions.
#[derive(Debug, Default)]
pub struct EarlierRuns {
    rows: Mutex<HashMap<StageKey, u64>>,
    learned: AtomicU64,
}

impl EarlierRuns {
    /// Notes that all fragments of a stage together returned so many rows.
    pub fn record(&self, stage: StageKey, rows: u64) {
        if rows < ROWS_MIN {
            return;
        }
        let mut known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        if known.insert(stage, rows).is_none() {
            self.learned.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many rows a stage returned when it last ran, if they were many.
    pub fn rows_of(&self, stage: StageKey) -> Option<u64> {
        let known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&stage).copied()
    }

    /// Goes up whenever a statement might be planned in another way than before.
    pub fn learned(&self) -> u64 {
        self.learned.load(Ordering::Relaxed)
    }
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

    fn stage(sql: &str, bytes: u64) -> StageKey {
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
        let stage = Stage {
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
            joined_rows: 0,
        };
        StageKey::of(&stage).expect("it reads files only")
    }

    #[test]
    fn many_rows_are_remembered_for_the_same_stage() {
        let earlier = EarlierRuns::default();
        earlier.record(stage("SELECT a FROM ", 1000), 5);
        assert_eq!(
            (
                earlier.rows_of(stage("SELECT a FROM ", 1000)),
                earlier.learned()
            ),
            (None, 0)
        );
        earlier.record(stage("SELECT a FROM ", 1000), 500_000);
        earlier.record(stage("SELECT a FROM ", 1000), 600_000);
        assert_eq!(
            earlier.rows_of(stage("SELECT a FROM ", 1010)),
            Some(600_000)
        );
        assert_eq!(earlier.learned(), 1);
        assert_eq!(earlier.rows_of(stage("SELECT b FROM ", 1000)), None);
        assert_eq!(earlier.rows_of(stage("SELECT a FROM ", 5000)), None);
    }
}
