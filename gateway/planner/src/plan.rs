//! The plan of one statement: stages of SQL text, and the rows that move between them.
//!
//! ```text
//! stage 0: fragments over the files of one relation ──gather──► stage 1: combine query ─► client
//!
//! stage 0: fragments over files of l ──hash──┐
//! stage 1: fragments over files of o ──hash──┴─► stage 2: one fragment per part ──gather──► stage 3 ─► client
//! ```
//!
//! Engine-neutral: nothing here says where a stage runs or how rows travel. The gateway's dispatch
//! runs it on embedded executors; another lowering may send it to other machines.
//!
//! Invariants: a stage reads only inputs from stages before it; the last stage gives the result;
//! every other stage feeds one later one, or several when
//! they need the same intermediate rows. `columns` of the last stage are those that bind
//! reported for the whole statement.

use std::collections::BTreeMap;
use std::sync::Arc;

use skein_catalog::snapshot::{File, RelationSnapshot};
use skein_executor_api::{Column, InputSpec, SqlTemplate};

use crate::refusal::Refusal;

/// Bytes of files per row, for estimates only.
pub(crate) const BYTES_PER_ROW: u64 = 64;

/// What to run for one statement.
#[derive(Clone, Debug)]
pub struct DistributedPlan {
    /// In an order in which they can be started; the last one gives the result.
    pub stages: Vec<Stage>,
    /// Why parts of the statement were not split.
    pub refusals: Vec<Refusal>,
    /// Which rows are exchanged by hash or sent to everyone, and why.
    pub exchanges: Vec<Decision>,
}

/// Something that the planner chose to do and could have left, for EXPLAIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is done, such as `l, o by hash of l.k`.
    pub subject: String,
    /// Completes "… because …".
    pub reason: String,
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
    /// About how many rows a join of the stage keeps in memory, all fragments together; see
    /// [`crate::joined`].
    pub joined_rows: u64,
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
    /// Each fragment reads the rows of one range of a key: the files that may have some, as far as they
    /// are known; the statement itself leaves out what else is in them. Every other scan is read whole
    /// by each. Fragments have no order among each other.
    ByRange {
        /// How many; at least one.
        fragments: usize,
        /// For some scans the files of each fragment.
        files: BTreeMap<usize, Vec<Vec<Arc<File>>>>,
    },
    /// Each fragment has the rows of some hashes: those that come to it by [`Exchange::Hash`].
    ///
    /// Invariants:
    /// - At least one input comes by [`Exchange::Hash`], every other one by [`Exchange::Broadcast`];
    ///   every scan is read whole by every fragment.
    /// - All inputs that come by hash are divided alike: equal integers of whichever input go to the
    ///   same fragment, and each row goes to exactly one. How an integer chooses a fragment is for
    ///   the engine to decide, as long as it is the same for all inputs of the stage.
    /// - A fragment that gets no row at all runs all the same, and what it returns counts: a
    ///   `count(*)` gives 0 there. The union of what all fragments return is the stage's result.
    /// - Fragments have no order among each other.
    ByHash {
        /// How many; `None`: one per executor. Always at least one.
        fragments: Option<usize>,
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

impl Scan {
    /// The bytes of its files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// About how many rows its files have.
    pub(crate) fn rows_estimate(&self) -> u64 {
        match (self.relation.rows, self.relation.bytes()) {
            (Some(rows), all @ 1..) => {
                let rows = u128::from(rows) * u128::from(self.bytes()) / u128::from(all);
                u64::try_from(rows).unwrap_or(u64::MAX)
            }
            _ => self.bytes() / BYTES_PER_ROW,
        }
    }
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
    /// Each row to the fragment that owns its hash; see [`Partitioning::ByHash`].
    Hash {
        /// Column of type INTEGER that the sending stage computed with DuckDB's `hash()`: never NULL
        /// nor negative, evenly spread, and the first column of that stage.
        column: String,
    },
}

/// The type to which fragments cast what Arrow cannot carry between executors; `None`: the type is
/// carried as it is.
pub(crate) fn carried_as(ty: &str) -> Option<&'static str> {
    if ty.contains("VARIANT") {
        Some("VARCHAR")
    } else if ty.starts_with("ENUM(") && ty.ends_with("[]") {
        Some("VARCHAR[]")
    } else if ty == "\"NULL\"" || ty == "NULL" {
        Some("INTEGER")
    } else {
        None
    }
}

impl Stage {
    /// Its columns with the types in which fragments give them.
    pub fn carried_columns(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().map(|column| Column {
            name: column.name.clone(),
            ty: carried_as(&column.ty).map_or_else(|| column.ty.clone(), str::to_owned),
        })
    }
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
