//! The plan of one statement: stages of SQL text, and the rows that move between them.
//!
//! ```text
//! stage 0: fragments over the files of one relation ──gather──► stage 1: combine query ─► client
//! ```
//!
//! Engine-neutral: nothing here says where a stage runs or how rows travel. The gateway's dispatch
//! runs it on embedded executors; another lowering may send it to other machines.
//!
//! Invariants: a stage reads only inputs from stages before it; the last stage gives the result;
//! every other stage feeds one later one, or several when
//! they need the same intermediate rows. `columns` of the last stage are those that bind
//! reported for the whole statement.

use std::sync::Arc;

use skein_catalog::snapshot::{File, RelationSnapshot};
use skein_executor_api::{Column, InputSpec, SqlTemplate};

use crate::refusal::Refusal;

/// What to run for one statement.
#[derive(Clone, Debug)]
pub struct DistributedPlan {
    /// In an order in which they can be started; the last one gives the result.
    pub stages: Vec<Stage>,
    /// Why parts of the statement were not split.
    pub refusals: Vec<Refusal>,
}

/// Fragments with the same text.
#[derive(Clone, Debug)]
pub struct Stage {
    /// SQL with holes for scans.
    pub template: SqlTemplate,
    /// What fills the holes.
    pub scans: Vec<Scan>,
    /// Rows of earlier stages.
    pub inputs: Vec<StageInput>,
    /// Result columns with DuckDB's types.
    pub columns: Vec<Column>,
    /// How many fragments, and over which files.
    pub partitioning: Partitioning,
}

/// How a stage is divided into fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partitioning {
    /// One fragment reads every scan whole.
    Single,
    /// The files of some scans are divided among fragments; every other scan is read whole by each.
    ByFile {
        /// Indices into the stage's scans, each divided by itself: one, or one per operand of a
        /// `UNION ALL`. A fragment may get no file of a scan, and then sees no rows of it.
        scans: Vec<usize>,
        /// Fragment `i` holds files before those of fragment `i + 1`.
        in_file_order: bool,
    },
}

/// One occurrence of a relation in a stage.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The relation.
    pub relation: Arc<RelationSnapshot>,
    /// Its files after pruning.
    pub files: Vec<Arc<File>>,
}

/// Rows of an earlier stage.
#[derive(Clone, Debug)]
pub struct StageInput {
    /// Index of that stage.
    pub stage: usize,
    /// How its rows come here.
    pub exchange: Exchange,
    /// What the SQL sees.
    pub spec: InputSpec,
}

/// How rows move from the fragments of one stage to those of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// All rows to the one fragment of the reading stage.
    Gather,
    /// All rows to every fragment of the reading stage.
    Broadcast,
    /// Each row to the fragment that owns its hash.
    Hash {
        /// Integer column that the sending stage computed.
        column: String,
    },
}

impl DistributedPlan {
    /// The stage that gives the result.
    pub fn root(&self) -> &Stage {
        self.stages.last().expect("a plan has at least one stage")
    }

    /// Whether the statement runs as one fragment without any exchange.
    pub fn is_whole(&self) -> bool {
        self.stages.len() == 1 && self.root().partitioning == Partitioning::Single
    }
}
