//! Ranges of a column that the files of a relation tell apart, so that fragments can each read one.
//!
//! The footers of Parquet files say the least and the greatest value of each row group. Where files are
//! sorted by a column, or nearly, a fragment that wants one range of it needs few of them. Which
//! values divide the rows evenly, and how much would be read more than once, DuckDB computes from
//! those footers.
//!
//! ```text
//! files:  1..90  91..200 | 201..310  305..400      two ranges: bound 201, read 1.0 times
//! files:  1..400  2..399   3..398    1..400        two ranges: bound 2,   read 1.5 times
//! ```
//!
//! Invariant: every value of a file is within the bounds that are given for it. What a footer does not
//! say is not guessed.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::inspect::Inspect;
use crate::relation::{Format, RelationName};
use crate::snapshot::{File, RelationSnapshot};
use crate::sql::{literal, paths};

/// Relations of more files are not looked into: reading their footers would take longer than it saves.
const FILES_MAX: usize = 2_000;
/// Answers kept; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 1_000;

/// How a column divides the rows of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRanges {
    /// DuckDB's type of the column.
    pub ty: String,
    /// Where ranges end and the next one begins, ascending, as the text of values. One less than there
    /// are ranges; fewer still where the files do not tell so many apart.
    pub bounds: Vec<String>,
    /// How many percent of the rows all ranges together read: 100 where none is read twice.
    pub read_percent: u64,
    /// What each file has there, in the order of the relation's files.
    pub files: Vec<FileRange>,
}

/// What is known of a column's values in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRange {
    /// Text of the least and the greatest value; `None`: unknown.
    pub values: Option<(String, String)>,
    /// Whether any may be NULL.
    pub has_nulls: bool,
}

impl KeyRanges {
    /// Whether values of one column and bounds of the other compare as they sort.
    pub fn compares_with(&self, other: &Self) -> bool {
        self.ty == other.ty || (is_integer(&self.ty) && is_integer(&other.ty))
    }

    /// Whether any row may be NULL there.
    pub fn has_nulls(&self) -> bool {
        self.files.iter().any(|file| file.has_nulls)
    }
}

/// Ranges by relation and lower-cased column.
pub type Ranges = BTreeMap<(RelationName, String), Arc<KeyRanges>>;

/// Asks files, and remembers.
pub(crate) struct RangeFinder {
    known: Mutex<HashMap<Asked, Known>>,
}

/// Relation, column, how many ranges.
type Asked = (RelationName, String, usize);

#[derive(Clone)]
struct Known {
    files: Vec<Arc<File>>,
    /// `None`: the column does not divide the rows.
    ranges: Option<Arc<KeyRanges>>,
}

impl RangeFinder {
    pub(crate) fn new() -> Self {
        Self {
            known: Mutex::default(),
        }
    }

    /// Ranges of those of `columns` that have some. That files cannot be asked is no reason to fail:
    /// they have none then.
    pub(crate) async fn find(
        &self,
        inspect: &dyn Inspect,
        relation: &RelationSnapshot,
        columns: &[String],
        count: usize,
    ) -> Ranges {
        let mut found = Ranges::new();
        let mut unknown: Vec<(&str, &str)> = Vec::new();
        for name in columns {
            let Some(ty) = type_of(relation, name) else {
                continue;
            };
            let Some(known) = self.recall(relation, name, count) else {
                unknown.push((name, ty));
                continue;
            };
            if let Some(ranges) = known.ranges {
                found.insert((relation.name.clone(), name.to_lowercase()), ranges);
            }
        }
        if unknown.is_empty() || !may_have(relation) {
            return found;
        }
        let rows = inspect
            .query_text(&question(&relation.files, &unknown, count))
            .await
            .inspect_err(|error| tracing::debug!(%error, "no ranges of {}", relation.name.name))
            .unwrap_or_default();
        for (index, (name, ty)) in unknown.into_iter().enumerate() {
            let ranges = answer(&rows, index, ty, relation).map(Arc::new);
            self.remember(relation, name, count, ranges.clone());
            if let Some(ranges) = ranges {
                found.insert((relation.name.clone(), name.to_lowercase()), ranges);
            }
        }
        found
    }

    fn recall(&self, relation: &RelationSnapshot, column: &str, count: usize) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = (relation.name.clone(), column.to_lowercase(), count);
        let known = known.get(&asked)?;
        same_files(&known.files, &relation.files).then(|| known.clone())
    }

    fn remember(
        &self,
        relation: &RelationSnapshot,
        column: &str,
        count: usize,
        ranges: Option<Arc<KeyRanges>>,
    ) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        let asked = (relation.name.clone(), column.to_lowercase(), count);
        let files = relation.files.clone();
        known.insert(asked, Known { files, ranges });
    }
}

/// Files that keep rows of a column together by their Hive keys are divided by file.
fn may_have(relation: &RelationSnapshot) -> bool {
    relation.format == Format::Parquet
        && (1..=FILES_MAX).contains(&relation.files.len())
        && !relation.columns.iter().any(|column| column.partition)
}

/// The type of a column whose values can be told apart by `<`: all of them compare, footers sort them as
/// DuckDB does, and their text does not depend on the session.
fn type_of<'a>(relation: &'a RelationSnapshot, column: &str) -> Option<&'a str> {
    let column = relation
        .columns
        .iter()
        .find(|other| other.name.eq_ignore_ascii_case(column))?;
    let simple = is_integer(&column.ty) || matches!(column.ty.as_str(), "DATE" | "TIMESTAMP");
    (simple || column.ty.starts_with("DECIMAL(")).then_some(column.ty.as_str())
}

fn is_integer(ty: &str) -> bool {
    matches!(
        ty,
        "TINYINT"
            | "SMALLINT"
            | "INTEGER"
            | "BIGINT"
            | "UTINYINT"
            | "USMALLINT"
            | "UINTEGER"
            | "UBIGINT"
    )
}

fn same_files(one: &[Arc<File>], other: &[Arc<File>]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| Arc::ptr_eq(one, other) || one == other)
}

/// One row per file and one per bound: number of the column, whether it is a bound, the file or the
/// percent read, the least value or the bound, the greatest value, whether there may be NULLs.
fn question(files: &[Arc<File>], columns: &[(&str, &str)], count: usize) -> String {
    let names: Vec<String> = columns.iter().map(|(name, _)| literal(name)).collect();
    let mut sql = format!(
        "WITH groups AS MATERIALIZED (SELECT file_name, row_group_id, lower(path_in_schema) AS path, \
         row_group_num_rows AS n, stats_min_value, stats_max_value, stats_null_count \
         FROM parquet_metadata({}) WHERE row_group_num_rows > 0), \
         every AS (SELECT file_name, count(DISTINCT row_group_id) AS groups FROM groups GROUP BY 1)",
        paths(files.iter().map(|file| file.path.as_str()))
    );
    let mut parts = Vec::new();
    for (index, ((_, ty), name)) in columns.iter().zip(&names).enumerate() {
        let _ = write!(
            sql,
            ", g{index} AS (SELECT file_name, n, stats_null_count AS nulls, \
             TRY_CAST(stats_min_value AS {ty}) AS lo, TRY_CAST(stats_max_value AS {ty}) AS hi \
             FROM groups WHERE path = lower({name})), \
             f{index} AS (SELECT file_name, sum(n) AS n, min(lo) AS lo, max(hi) AS hi, \
             count(lo) = any_value(groups) AND count(hi) = any_value(groups) AS known, \
             NOT bool_and(coalesce(nulls, 1) = 0) AS nulls \
             FROM g{index} JOIN every USING (file_name) GROUP BY 1), \
             o{index} AS (SELECT lo, sum(n) OVER (ORDER BY lo, hi ROWS UNBOUNDED PRECEDING) - n AS before, \
             sum(n) OVER () AS total FROM f{index} WHERE known), \
             b{index} AS (SELECT DISTINCT bound FROM (SELECT i, min(lo) AS bound \
             FROM o{index}, range(1, {count}) t(i) WHERE before * {count} >= i * total GROUP BY i) \
             WHERE bound > (SELECT min(lo) FROM o{index}))"
        );
        parts.push(format!(
            "SELECT {index} AS c, false AS is_bound, file_name AS what, lo::VARCHAR AS lo, hi::VARCHAR AS hi, \
             nulls, 0 AS place FROM f{index} WHERE known"
        ));
        parts.push(format!(
            "SELECT {index}, true, (SELECT (sum(f.n * (1 + (SELECT count(*) FROM b{index} x \
             WHERE f.lo < x.bound AND x.bound <= f.hi))) * 100 / sum(f.n))::BIGINT::VARCHAR \
             FROM f{index} f WHERE known), bound::VARCHAR, NULL, NULL, row_number() OVER (ORDER BY bound) \
             FROM b{index}"
        ));
    }
    let _ = write!(
        sql,
        " SELECT c, is_bound, what, lo, hi, nulls FROM ({}) ORDER BY c, place",
        parts.join(" UNION ALL ")
    );
    sql
}

fn answer(
    rows: &[Vec<Option<String>>],
    column: usize,
    ty: &str,
    relation: &RelationSnapshot,
) -> Option<KeyRanges> {
    let number = column.to_string();
    let (mut bounds, mut read_percent) = (Vec::new(), u64::MAX);
    let mut known: HashMap<&str, FileRange> = HashMap::new();
    for row in rows {
        match row.as_slice() {
            [Some(c), Some(is_bound), Some(what), Some(bound), ..]
                if *c == number && is_bound == "true" =>
            {
                bounds.push(bound.clone());
                read_percent = what.parse().unwrap_or(u64::MAX);
            }
            [Some(c), _, Some(file), Some(least), Some(greatest), nulls] if *c == number => {
                let range = FileRange {
                    values: Some((least.clone(), greatest.clone())),
                    has_nulls: nulls.as_deref() != Some("false"),
                };
                known.insert(file, range);
            }
            _ => {}
        }
    }
    let unknown = FileRange {
        values: None,
        has_nulls: true,
    };
    let of = |file: &Arc<File>| known.get(file.path.as_str()).unwrap_or(&unknown).clone();
    (!bounds.is_empty()).then(|| KeyRanges {
        ty: ty.to_owned(),
        bounds,
        read_percent,
        files: relation.files.iter().map(of).collect(),
    })
}
