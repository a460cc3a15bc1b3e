//! What one statement sees: relations, their columns, and the files behind them.
//!
//! A snapshot never changes. The files of a relation keep the order of their paths, so that
//! "first by file order" means the same in every plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::relation::{Format, RelationName};

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, as in the files.
    pub name: String,
    /// DuckDB's complete name of its type, such as `DECIMAL(15,2)`.
    pub ty: String,
    /// Its value comes from the path (`day=2026-11-22`), not from the file.
    pub partition: bool,
}

/// A file of a relation, at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As DuckDB opens it.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Changes whenever the content may have: size with ETag or modification time.
    pub version: String,
    /// Hive partition values by column name, as text; `None` is NULL.
    pub partition: BTreeMap<String, Option<String>>,
    /// Files of the same shape have the same columns; index into the relation's shapes.
    pub shape: usize,
}

/// One relation as a statement sees it.
#[derive(Clone, Debug)]
pub struct RelationSnapshot {
    /// Schema and name.
    pub name: RelationName,
    /// Format of all its files.
    pub format: Format,
    /// Columns in order; those of all files, by name.
    pub columns: Vec<Column>,
    /// Files in the order of their paths.
    pub files: Vec<Arc<File>>,
    /// How to read files of each shape; see [`crate::scan`].
    pub(crate) scan: crate::scan::ScanPlan,
}

impl RelationSnapshot {
    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// SQL that reads `files` with exactly [`Self::columns`]: a table function call or a
    /// parenthesised query, to be followed by an alias. No files give a typed relation without rows.
    pub fn scan_sql(&self, files: &[Arc<File>]) -> String {
        self.scan.render(&self.columns, files)
    }
}

/// Every relation, at one moment.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    /// Changes when relations or their columns do, not when files come and go: the shadow database
    /// is made anew for each.
    pub schema_version: u64,
    /// By schema and name.
    pub relations: BTreeMap<RelationName, Arc<RelationSnapshot>>,
}
