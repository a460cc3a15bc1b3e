//! DuckDB alone: generates data, and gives the values that Skein must give too.

use std::path::{Path, PathBuf};

use skein_executor::engine::{Connection, Database, DatabaseOptions, FileAccess};
use skein_executor_api::FragmentError;

use crate::client::Row;
use crate::environment;

/// A DuckDB instance of its own, with the settings that executors have, and without their locks.
#[derive(Debug)]
pub struct Native {
    connection: Connection,
}

impl Native {
    /// Opens an instance with this many threads.
    pub fn open(threads: usize) -> Self {
        Self::with_extensions(threads, &[])
    }

    /// As [`Self::open`], with extensions that `make setup-tests` has fetched, such as `tpch`.
    pub fn with_extensions(threads: usize, extensions: &[&str]) -> Self {
        let folder = environment::duckdb_folder().join("extensions");
        let extensions: Vec<PathBuf> = extensions
            .iter()
            .map(|name| folder.join(format!("{name}.duckdb_extension")))
            .collect();
        for extension in &extensions {
            assert!(
                extension.is_file(),
                "{} is missing; `make setup-tests` fetches it",
                extension.display()
            );
        }
        let options = DatabaseOptions {
            threads: Some(threads),
            file_access: FileAccess::All,
            extensions,
            ..DatabaseOptions::default()
        };
        let database = Database::open(&options).expect("DuckDB opens an instance in memory");
        let connection = database.connect().expect("DuckDB gives a connection");
        Self { connection }
    }

    /// Runs statements whose failure is a bug of the test.
    pub fn run(&self, sql: &str) {
        if let Err(error) = self.connection.execute(sql) {
            panic!("{error}\n{sql}");
        }
    }

    /// Runs a query; its rows as DuckDB prints them.
    pub fn query(&self, sql: &str) -> Result<Vec<Row>, FragmentError> {
        self.connection.query_text(sql)
    }

    /// Makes a view of the files of each relation, as a gateway that serves `folder` does: the
    /// folder's entries are the relations.
    pub fn create_views(&self, folder: &Path) {
        for (name, scan) in scans(folder) {
            self.run(&format!("CREATE VIEW \"{name}\" AS SELECT * FROM {scan}"));
        }
    }

    /// The connection, for what is not above.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// Relation names of a generated folder, and the table functions that read them.
fn scans(folder: &Path) -> Vec<(String, String)> {
    let mut scans: Vec<(String, String)> = crate::data::relations(folder)
        .into_iter()
        .map(|relation| {
            let path = folder
                .join(&relation.glob)
                .display()
                .to_string()
                .replace('\'', "''");
            let scan = match relation.format.as_str() {
                "parquet" => {
                    format!(
                        "read_parquet('{path}', hive_partitioning = {}, union_by_name = true)",
                        relation.hive
                    )
                }
                "csv" => format!("read_csv('{path}', union_by_name = true)"),
                _ => format!("read_json('{path}', union_by_name = true)"),
            };
            (relation.name, scan)
        })
        .collect();
    scans.sort();
    scans
}
