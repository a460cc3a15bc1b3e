//! What is to run on executors in other processes, without a word of how rows travel.
//!
//! A [`Tree`] is the part of a plan whose rows come to the gateway as one stream: a stage, the stages
//! that it reads, and so on. Each stage is read by exactly one other, since each reader would run it
//! again; a plan in which several stages read one is cut into trees by whoever makes them.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use skein_executor_api::InputSpec;

use crate::files::ListedFile;

/// Stages, each after those that it reads; the rows of the last one come to the gateway.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Number of the statement, for fragment ids.
    pub statement: u64,
    /// The stages.
    pub stages: Vec<TreeStage>,
    /// Settings of the session that change results.
    pub settings: BTreeMap<String, String>,
    /// When the statement has to be over.
    pub deadline: Option<Instant>,
    /// Names of the credentials with which its files are read. What they stand for never travels: each
    /// executor has its own under these names, and refuses a fragment that names others.
    pub credentials: Vec<String>,
}

/// Fragments with the same text.
#[derive(Clone, Debug)]
pub struct TreeStage {
    /// Number of the stage in its plan, for fragment ids.
    pub number: usize,
    /// Arrow's schema of its rows, as DuckDB gives them.
    pub schema: SchemaRef,
    /// Its fragments in order; at least one.
    pub tasks: Vec<Task>,
    /// Rows of other stages.
    pub inputs: Vec<TreeInput>,
    /// About how many rows a join of one fragment keeps in memory; see
    /// [`skein_executor_api::Fragment::joined_rows`].
    pub joined_rows: u64,
    /// Whoever gathers its rows wants those of fragment 0 first, then those of fragment 1, ….
    pub in_order: bool,
}

/// One fragment.
#[derive(Clone, Debug)]
pub struct Task {
    /// Which node runs it: index into the nodes that the tree is run on.
    pub node: usize,
    /// Complete SQL for DuckDB.
    pub sql: String,
    /// The files that it reads.
    pub files: Vec<ListedFile>,
}

/// Rows that a stage reads from another one.
#[derive(Clone, Debug)]
pub struct TreeInput {
    /// Index of that stage in the tree.
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
    /// All rows to every fragment of the reading stage; they may take this many bytes in memory.
    Broadcast {
        /// Beyond it the statement fails.
        bytes_max: u64,
    },
    /// Each row to the fragment that owns its hash.
    Hash {
        /// Integer column that the sending stage computed.
        column: String,
    },
}
