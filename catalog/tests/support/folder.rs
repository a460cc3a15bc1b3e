//! A folder of files made by DuckDB, and a catalog over it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::{CatalogSnapshot, File, RelationSnapshot};
use skein_catalog::{Catalog, CatalogError, Inspect, InspectError};
use skein_config::Config;
use skein_executor::engine::{Connection, Database, DatabaseOptions, FileAccess};

/// Text rows of a query.
pub type Rows = Vec<Vec<Option<String>>>;

/// DuckDB as the catalog sees it; counts statements.
pub struct Duck {
    connection: std::sync::Mutex<Connection>,
    pub statements: AtomicUsize,
}

impl Duck {
    pub fn query(&self, sql: &str) -> Rows {
        let connection = self.connection.lock().unwrap();
        connection
            .query_text(sql)
            .unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    /// DuckDB's plan of a query.
    pub fn explain(&self, sql: &str) -> String {
        let connection = self.connection.lock().unwrap();
        let batches = connection.query(&format!("EXPLAIN {sql}")).unwrap();
        batches
            .iter()
            .map(|batch| format!("{:?}", batch.columns()))
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub fn execute(&self, sql: &str) {
        let connection = self.connection.lock().unwrap();
        connection
            .execute(sql)
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }
}

#[async_trait]
impl Inspect for Duck {
    async fn query_text(&self, sql: &str) -> Result<Rows, InspectError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.connection
            .lock()
            .unwrap()
            .query_text(sql)
            .map_err(InspectError::new)
    }
}

/// A temporary folder and a DuckDB.
pub struct Folder {
    pub directory: tempfile::TempDir,
    pub duck: Arc<Duck>,
}

impl Folder {
    pub fn new() -> Self {
        let options = DatabaseOptions {
            threads: Some(1),
            file_access: FileAccess::All,
            ..DatabaseOptions::default()
        };
        let connection = Database::open(&options).unwrap().connect().unwrap();
        let connection = std::sync::Mutex::new(connection);
        let duck = Arc::new(Duck {
            connection,
            statements: AtomicUsize::new(0),
        });
        Self {
            directory: tempfile::tempdir().unwrap(),
            duck,
        }
    }

    pub fn path(&self, path: &str) -> String {
        let path = self.directory.path().canonicalize().unwrap().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes the result of a query to a file.
    pub fn copy(&self, path: &str, query: &str) {
        let file = self.path(path).replace('\'', "''");
        self.duck.execute(&format!("COPY ({query}) TO '{file}'"));
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).unwrap();
    }

    /// A catalog of relations given as TOML, relative to the folder; listings are never reused.
    pub fn catalog(&self, toml: &str) -> Catalog {
        let text = format!("{toml}\n");
        let text = if text.contains("[catalog]") {
            text
        } else {
            format!("[catalog]\nlisting_ttl_ms = 0\n{text}")
        };
        let base = self.directory.path().canonicalize().unwrap();
        let config = Config::from_toml(&text, &base).unwrap();
        Catalog::new(&config, self.inspect())
    }

    /// A catalog of everything in the folder.
    pub fn served(&self) -> Catalog {
        let mut config = Config::for_directory(self.directory.path()).unwrap();
        config.catalog.listing_ttl_ms = 0;
        Catalog::new(&config, self.inspect())
    }

    pub fn inspect(&self) -> Arc<dyn Inspect> {
        Arc::clone(&self.duck) as Arc<dyn Inspect>
    }

    /// Relation `t` over `path`.
    pub async fn relation(&self, path: &str) -> Arc<RelationSnapshot> {
        self.try_relation(path).await.unwrap()
    }

    pub async fn try_relation(&self, path: &str) -> Result<Arc<RelationSnapshot>, CatalogError> {
        let catalog = self.catalog(&format!("[[relation]]\nname = \"t\"\npath = \"{path}\""));
        relation(&catalog, "t").await
    }

    /// Columns and rows of a scan over `files`.
    pub fn scan(&self, relation: &RelationSnapshot, files: &[Arc<File>]) -> Rows {
        let described = self.duck.query(&format!(
            "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {})",
            relation.scan_sql(files)
        ));
        let expected: Vec<Vec<Option<String>>> = relation
            .columns
            .iter()
            .map(|column| vec![Some(column.name.clone()), Some(column.ty.clone())])
            .collect();
        assert_eq!(described, expected, "{}", relation.scan_sql(files));
        self.duck
            .query(&format!("SELECT * FROM {}", relation.scan_sql(files)))
    }

    /// Checks that every subset of the first 4 files has the relation's columns and the right rows, and
    /// gives the rows of the whole.
    pub fn check_scans(&self, relation: &RelationSnapshot) -> Rows {
        let whole = self.scan(relation, &relation.files);
        let single: Vec<Rows> = relation
            .files
            .iter()
            .map(|file| self.scan(relation, &[Arc::clone(file)]))
            .collect();
        assert_eq!(single.concat(), whole);
        let count = relation.files.len().min(4);
        for subset in 0..(1_usize << count) {
            let chosen: Vec<usize> = (0..count).filter(|bit| subset >> bit & 1 == 1).collect();
            let files: Vec<Arc<File>> = chosen
                .iter()
                .map(|index| Arc::clone(&relation.files[*index]))
                .collect();
            let expected: Rows = chosen
                .iter()
                .flat_map(|index| single[*index].clone())
                .collect();
            assert_eq!(self.scan(relation, &files), expected);
        }
        whole
    }
}

pub fn name(name: &str) -> RelationName {
    RelationName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    }
}

pub async fn relation(
    catalog: &Catalog,
    text: &str,
) -> Result<Arc<RelationSnapshot>, CatalogError> {
    let snapshot = catalog.snapshot_for(&[name(text)], &[]).await?;
    Ok(Arc::clone(
        snapshot
            .relations
            .get(&name(text))
            .expect("the relation exists"),
    ))
}

pub fn names(snapshot: &CatalogSnapshot) -> Vec<&str> {
    snapshot
        .relations
        .keys()
        .map(|name| name.name.as_str())
        .collect()
}

/// `name TYPE` of each column, with `*` for those from the path.
pub fn columns(relation: &RelationSnapshot) -> Vec<String> {
    let star = |partition: bool| if partition { "*" } else { "" };
    relation
        .columns
        .iter()
        .map(|column| format!("{}{} {}", column.name, star(column.partition), column.ty))
        .collect()
}

/// Rows with `-` for NULL, for short comparisons.
pub fn short(rows: &Rows) -> Vec<String> {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    rows.iter()
        .map(|row| row.iter().map(value).collect::<Vec<_>>().join(" "))
        .collect()
}

pub fn file_names(relation: &RelationSnapshot) -> Vec<&str> {
    relation
        .files
        .iter()
        .filter_map(|file| {
            Path::new(&file.path)
                .file_name()
                .and_then(|name| name.to_str())
        })
        .collect()
}
