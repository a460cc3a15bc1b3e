//! Prints a plan as EXPLAIN and the plan fixtures show it.
//!
//! ```text
//! combine: SELECT sum(__p0) AS sum FROM __s0
//!   gather __s0, fragment ×2: SELECT sum(ms) AS __p0 FROM events
//!     divided by events: 30 of 30 files, 1.2 MB
//!     0 on embedded-0: 15 files: day=2026-10-01/part-0.parquet, …
//! not split: median(ms): pulled up because it is an order statistic over all rows
//! ```
//!
//! An input of a stage is named after how its rows come: `gather`, `broadcast` or `hash`.

pub mod estimate;

use std::fmt::Write as _;

use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_executor_api::SqlPart;

use crate::ast::print;
use crate::plan::{Decision, DistributedPlan, Exchange, Partitioning, Stage};

/// Where one fragment runs, for the line that shows it.
#[derive(Clone, Debug, Default)]
pub struct FragmentNote {
    /// Name of the executor.
    pub executor: String,
    /// Paths of the files of divided scans that it reads.
    pub files: Vec<String>,
    /// What EXPLAIN ANALYZE measured, such as `rows=10 time=1.2 ms`.
    pub measured: Option<String>,
}

/// Most files that one line names.
const FILES_SHOWN_MAX: usize = 3;

/// The lines of EXPLAIN. `notes[stage]` has a note per fragment of that stage, or is empty.
pub fn lines(plan: &DistributedPlan, notes: &[Vec<FragmentNote>]) -> Vec<String> {
    let mut lines = Vec::new();
    let root = plan.stages.len() - 1;
    let label = root_label(plan);
    stage_lines(plan, root, label, 0, notes, &mut lines);
    lines.extend(
        plan.exchanges
            .iter()
            .map(|Decision { subject, reason }| format!("exchange: {subject} because {reason}")),
    );
    lines.extend(
        plan.refusals
            .iter()
            .map(|refusal| format!("not split: {refusal}")),
    );
    lines
}

/// The scans of which each fragment reads some files.
pub fn divided_scans(partitioning: &Partitioning) -> Vec<usize> {
    match partitioning {
        Partitioning::ByFile { scans, .. } => scans.clone(),
        Partitioning::ByRange { files, .. } => files.keys().copied().collect(),
        Partitioning::ByHash { .. } | Partitioning::Single => Vec::new(),
    }
}

/// A stage and those whose rows it reads, as the line of EXPLAIN shows it.
pub struct Node {
    /// `whole`, `combine`, `gather __s0`.
    pub label: String,
    /// With the names of relations.
    pub sql: String,
    /// Names of the relations that its fragments read.
    pub relations: Vec<String>,
    /// The files that they read of these.
    pub files: usize,
    /// Where its fragments run, by index.
    pub fragments: Vec<FragmentNote>,
    /// Stages whose rows it reads.
    pub inputs: Vec<Node>,
}

/// The stages of a plan as a tree; `notes` as for [`lines`].
pub fn tree(plan: &DistributedPlan, notes: &[Vec<FragmentNote>]) -> Node {
    node(
        plan,
        plan.stages.len() - 1,
        root_label(plan).to_owned(),
        notes,
    )
}

fn node(plan: &DistributedPlan, index: usize, label: String, notes: &[Vec<FragmentNote>]) -> Node {
    let stage = &plan.stages[index];
    let inputs = stage.inputs.iter().map(|input| {
        let label = format!("{} {}", exchange_label(&input.exchange), input.spec.name);
        node(plan, input.stage, label, notes)
    });
    let names = stage
        .scans
        .iter()
        .map(|scan| display_name(&scan.relation.name));
    Node {
        label,
        sql: sql_with_names(stage),
        relations: names.collect(),
        files: stage.scans.iter().map(|scan| scan.files.len()).sum(),
        fragments: notes.get(index).cloned().unwrap_or_default(),
        inputs: inputs.collect(),
    }
}

fn root_label(plan: &DistributedPlan) -> &'static str {
    match (plan.is_whole(), plan.stages.len()) {
        (true, _) => "whole",
        (false, 1) => "concat",
        _ if plan.root().partitioning != Partitioning::Single => "concat",
        _ => "combine",
    }
}

fn exchange_label(exchange: &Exchange) -> &'static str {
    match exchange {
        Exchange::Gather => "gather",
        Exchange::Broadcast => "broadcast",
        Exchange::Hash { .. } => "hash",
    }
}

fn stage_lines(
    plan: &DistributedPlan,
    index: usize,
    label: &str,
    depth: usize,
    notes: &[Vec<FragmentNote>],
    lines: &mut Vec<String>,
) {
    let stage = &plan.stages[index];
    let indent = "  ".repeat(depth);
    let notes_here = notes.get(index).map_or(&[][..], Vec::as_slice);
    let times = match (&stage.partitioning, notes_here.len()) {
        (Partitioning::Single, _) => String::new(),
        (Partitioning::ByFile { .. }, 0) => ", by file".to_owned(),
        (Partitioning::ByHash { fragments: None }, 0) => ", by hash".to_owned(),
        (
            Partitioning::ByHash {
                fragments: Some(count),
            }
            | Partitioning::ByRange {
                fragments: count, ..
            },
            0,
        ) => format!(", fragment ×{count}"),
        (
            Partitioning::ByFile { .. }
            | Partitioning::ByHash { .. }
            | Partitioning::ByRange { .. },
            count,
        ) => format!(", fragment ×{count}"),
    };
    lines.push(format!("{indent}{label}{times}: {}", sql_with_names(stage)));
    let divided = divided_scans(&stage.partitioning);
    for scan in &divided {
        let scan = &stage.scans[*scan];
        let bytes: u64 = scan.files.iter().map(|file| file.bytes).sum();
        lines.push(format!(
            "{indent}  divided by {}: {} of {} files, {}",
            display_name(&scan.relation.name),
            scan.files.len(),
            scan.relation.files.len(),
            display_bytes(bytes),
        ));
    }
    for (number, note) in notes_here.iter().enumerate() {
        let mut line = format!("{indent}  {number} on {}", note.executor);
        if !divided.is_empty() {
            let _ = write!(line, ": {}", display_files(&note.files));
        }
        if let Some(measured) = &note.measured {
            let _ = write!(line, " ({measured})");
        }
        lines.push(line);
    }
    for input in &stage.inputs {
        let label = format!("{} {}", exchange_label(&input.exchange), input.spec.name);
        stage_lines(plan, input.stage, &label, depth + 1, notes, lines);
    }
}

/// The SQL of a stage with the names of relations in place of their files.
pub(crate) fn sql_with_names(stage: &Stage) -> String {
    let mut sql = String::new();
    let mut after_name: Option<String> = None;
    for part in &stage.template.parts {
        match part {
            SqlPart::Text(text) => {
                // `t AS t` says nothing more than `t`.
                let rest = after_name.take().and_then(|name| {
                    let rest = text.strip_prefix(&format!(" AS {name}"))?;
                    (!rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
                        .then_some(rest)
                });
                sql.push_str(rest.unwrap_or(text));
            }
            SqlPart::Scan(scan) => {
                let relation = &stage.scans[*scan].relation;
                sql.push_str(&display_name(&relation.name));
                after_name = Some(print::identifier(&relation.name.name));
            }
            SqlPart::FragmentIndex => sql.push_str("$fragment"),
        }
    }
    sql
}

fn display_name(name: &RelationName) -> String {
    let own = print::identifier(&name.name);
    if name.schema == "public" || name.schema == PATH_SCHEMA {
        own
    } else {
        format!("{}.{own}", print::identifier(&name.schema))
    }
}

fn display_files(files: &[String]) -> String {
    let mut text = match files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    if !files.is_empty() {
        let shown: Vec<&str> = files
            .iter()
            .take(FILES_SHOWN_MAX)
            .map(String::as_str)
            .collect();
        let more = if files.len() > FILES_SHOWN_MAX {
            ", …"
        } else {
            ""
        };
        let _ = write!(text, ": {}{more}", shown.join(", "));
    }
    text
}

/// Bytes in the unit that keeps the number short.
fn display_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut unit = None;
    let mut tenths = bytes.saturating_mul(10);
    for name in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = Some(name);
    }
    match unit {
        None => format!("{bytes} bytes"),
        Some(name) => format!("{}.{} {name}", tenths / 10, tenths % 10),
    }
}
