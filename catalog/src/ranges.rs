//! Ranges of a column that the row groups of Parquet files tell apart, so that fragments can each read
//! one.
//!
//! The footers of Parquet files say the least and the greatest value of each row group. Where rows are
//! sorted by a column, or nearly, a fragment that wants one range of it skips all other row groups.
//! Which values divide the rows evenly, and how much would be read more than once, DuckDB computes
//! from those footers.
//!
//! ```text
//! row groups:  1..90  80..200 | 200..310  300..400        two ranges: bound 200, read 1.0 times
//! row groups:  1..400  2..399   3..398   1..400           two ranges: bound 2,   read 2.0 times
//! ```
//!
//! Nothing depends on what the footers say but speed, and whether a column has NULLs.

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
    /// Whether any row may be NULL there.
    pub has_nulls: bool,
    /// How many percent of the rows all ranges together read: 100 where none is read twice.
    pub read_percent: u64,
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
            let ranges = answer(&rows, index, ty).map(Arc::new);
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

/// The type of a column whose values can be told apart by `<`: all of them compare, none is a NaN, and
/// their text does not depend on the session.
fn type_of<'a>(relation: &'a RelationSnapshot, column: &str) -> Option<&'a str> {
    let column = relation
        .columns
        .iter()
        .find(|other| other.name.eq_ignore_ascii_case(column))?;
    let simple = matches!(
        column.ty.as_str(),
        "TINYINT"
            | "SMALLINT"
            | "INTEGER"
            | "BIGINT"
            | "UTINYINT"
            | "USMALLINT"
            | "UINTEGER"
            | "UBIGINT"
            | "DATE"
            | "TIMESTAMP"
            | "VARCHAR"
    );
    (simple || column.ty.starts_with("DECIMAL(")).then_some(column.ty.as_str())
}

fn same_files(one: &[Arc<File>], other: &[Arc<File>]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| Arc::ptr_eq(one, other) || one == other)
}

/// One row per bound: number of the column, the bound, percent read, whether there may be NULLs.
fn question(files: &[Arc<File>], columns: &[(&str, &str)], count: usize) -> String {
    let names: Vec<String> = columns.iter().map(|(name, _)| literal(name)).collect();
    let mut sql = format!(
        "WITH groups AS MATERIALIZED (SELECT file_name, row_group_id, path_in_schema, \
         row_group_num_rows AS n, stats_min_value, stats_max_value, stats_null_count \
         FROM parquet_metadata({})), \
         every AS (SELECT count(DISTINCT (file_name, row_group_id)) AS n FROM groups WHERE n > 0)",
        paths(files.iter().map(|file| file.path.as_str()))
    );
    for (index, ((_, ty), name)) in columns.iter().zip(&names).enumerate() {
        let _ = write!(
            sql,
            ", g{index} AS (SELECT n, TRY_CAST(stats_min_value AS {ty}) AS lo, \
             TRY_CAST(stats_max_value AS {ty}) AS hi, stats_null_count AS nulls \
             FROM groups WHERE lower(path_in_schema) = lower({name}) AND n > 0), \
             o{index} AS (SELECT lo, sum(n) OVER (ORDER BY lo, hi ROWS UNBOUNDED PRECEDING) - n AS before, \
             sum(n) OVER () AS total FROM g{index}), \
             b{index} AS (SELECT DISTINCT bound FROM (SELECT i, min(lo) AS bound FROM o{index}, range(1, {count}) t(i) \
             WHERE before * {count} >= i * total GROUP BY i) WHERE bound > (SELECT min(lo) FROM g{index}))"
        );
    }
    let parts: Vec<String> = (0..columns.len())
        .map(|index| {
            format!(
                "SELECT {index} AS c, b.bound::VARCHAR AS bound, row_number() OVER (ORDER BY b.bound) AS place, \
                 (SELECT (sum(g.n * (1 + (SELECT count(*) FROM b{index} x WHERE g.lo < x.bound AND x.bound <= g.hi))) \
                 * 100 / sum(g.n))::BIGINT FROM g{index} g) AS percent, \
                 (SELECT count(lo) < count(*) OR count(*) < (SELECT n FROM every) \
                 OR NOT bool_and(coalesce(nulls, 1) = 0) FROM g{index}) AS nulls \
                 FROM b{index} b"
            )
        })
        .collect();
    let _ = write!(
        sql,
        " SELECT c, bound, percent, nulls FROM ({}) ORDER BY c, place",
        parts.join(" UNION ALL ")
    );
    sql
}

fn answer(rows: &[Vec<Option<String>>], column: usize, ty: &str) -> Option<KeyRanges> {
    let number = column.to_string();
    let mut ranges: Option<KeyRanges> = None;
    for row in rows {
        let [Some(c), Some(bound), Some(percent), Some(nulls)] = row.as_slice() else {
            continue;
        };
        if *c != number {
            continue;
        }
        let ranges = ranges.get_or_insert_with(|| KeyRanges {
            ty: ty.to_owned(),
            bounds: Vec::new(),
            has_nulls: nulls != "false",
            read_percent: percent.parse().unwrap_or(u64::MAX),
        });
        ranges.bounds.push(bound.clone());
    }
    ranges
}
