//! What one statement sees: relations, their columns, and the files behind them.
//!
//! A snapshot never changes. The files of a relation keep the order of their paths, so that
//! "first by file order" means the same in every plan.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use crate::relation::{Declared, Format, RelationName};

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// As DuckDB opens it; a plain name, never a glob.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Changes whenever the content may have: size with entity tag or modification time.
    pub version: String,
    /// Hive partition values by column name, as text that DuckDB casts to the column's type; `None`
    /// is NULL.
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
    /// How many rows all files have, about; `None` where only reading them would tell.
    pub rows: Option<u64>,
    /// What the configuration declares about it: comments and keys, checked by nobody.
    pub declared: Arc<Declared>,
    /// How to read files of each shape; see [`crate::scan`].
    pub(crate) scan: crate::scan::ScanPlan,
    pub(crate) schema_hash: OnceLock<u64>,
}

impl RelationSnapshot {
    /// A relation of files that all have exactly `columns`, for plans without a catalog. Partition
    /// columns become Hive keys.
    pub fn uniform(
        name: RelationName,
        format: Format,
        columns: Vec<Column>,
        files: Vec<Arc<File>>,
    ) -> Self {
        let (hive, own): (Vec<&Column>, Vec<&Column>) =
            columns.iter().partition(|column| column.partition);
        let pairs = |columns: Vec<&Column>| -> Vec<(String, String)> {
            columns
                .iter()
                .map(|column| (column.name.clone(), column.ty.clone()))
                .collect()
        };
        let shape = crate::scan::Shape {
            columns: pairs(own),
            ..Default::default()
        };
        let scan = crate::scan::ScanPlan {
            format: Some(format),
            hive: pairs(hive).into_iter().collect(),
            shapes: vec![Arc::new(shape)],
        };
        Self {
            name,
            format,
            columns,
            files,
            rows: None,
            declared: Arc::default(),
            scan,
            schema_hash: OnceLock::new(),
        }
    }

    /// Differs when name or columns do.
    fn schema_hash(&self) -> u64 {
        *self.schema_hash.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            (&self.name, &self.columns).hash(&mut hasher);
            hasher.finish()
        })
    }

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

impl CatalogSnapshot {
    /// Puts relations together and finds the schema version.
    pub fn new(relations: BTreeMap<RelationName, Arc<RelationSnapshot>>) -> Self {
        let schema_version = relations.values().fold(0u64, |version, relation| {
            version.wrapping_add(relation.schema_hash())
        });
        Self {
            schema_version,
            relations,
        }
    }

    /// This snapshot with `names` taken from `newer`: how a transaction block, which keeps its
    /// snapshot, first meets further relations.
    #[must_use]
    pub fn with(&self, names: &[RelationName], newer: &Self) -> Self {
        let mut relations = self.relations.clone();
        for name in names {
            if let Some(relation) = newer.relations.get(name) {
                relations.insert(name.clone(), Arc::clone(relation));
            }
        }
        Self::new(relations)
    }
}
