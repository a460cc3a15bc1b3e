//! A session of an instance.

use std::ptr;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::database::RawDatabase;
use super::error::result_error;
use super::interrupt::InterruptHandle;
use super::prepared::Prepared;
use super::{c_text, identifier, literal};

/// A session of a [`super::Database`]: one statement at a time.
#[derive(Debug)]
pub struct Connection {
    pub(super) raw: Arc<RawConnection>,
    /// DuckDB's parser as a statement, planned when it is first needed.
    parser: OnceLock<Prepared>,
}

#[derive(Debug)]
pub(super) struct RawConnection {
    pub(super) handle: ffi::duckdb_connection,
    /// Kept so that the instance outlives its connections.
    pub(super) database: Arc<RawDatabase>,
}

// SAFETY: a connection may move between threads; DuckDB locks it for each call.
unsafe impl Send for RawConnection {}
// SAFETY: as above; `duckdb_interrupt` is made for calls from other threads.
unsafe impl Sync for RawConnection {}

impl Drop for RawConnection {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle; statements and results keep this value alive.
        unsafe { ffi::duckdb_disconnect(&raw mut self.handle) };
    }
}

impl Connection {
    pub(super) fn open(database: &Arc<RawDatabase>) -> Result<Self, FragmentError> {
        let mut handle = ptr::null_mut();
        // SAFETY: the database is live; the connection is owned by the value made below.
        if unsafe { ffi::duckdb_connect(database.handle, &raw mut handle) } == ffi::DuckDBError {
            return Err(FragmentError {
                kind: FragmentErrorKind::Internal,
                message: "DuckDB could not open a connection".to_owned(),
                position: None,
            });
        }
        let raw = Arc::new(RawConnection {
            handle,
            database: Arc::clone(database),
        });
        Ok(Self {
            raw,
            parser: OnceLock::new(),
        })
    }

    /// Runs one or several statements and drops their results.
    pub fn execute(&self, sql: &str) -> Result<(), FragmentError> {
        let text = c_text(sql)?;
        super::parse::with_stack_for(sql, || {
            // SAFETY: an all-zero result is what DuckDB expects to fill.
            let mut result: ffi::duckdb_result = unsafe { std::mem::zeroed() };
            // SAFETY: the connection is live and the text outlives the call.
            let state =
                unsafe { ffi::duckdb_query(self.raw.handle, text.as_ptr(), &raw mut result) };
            let outcome = match state {
                ffi::DuckDBError => Err(result_error(&mut result, sql)),
                _ => Ok(()),
            };
            // SAFETY: the result was filled by the call above, also after an error.
            unsafe { ffi::duckdb_destroy_result(&raw mut result) };
            outcome
        })
    }

    /// Runs one statement and keeps all its rows.
    pub fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, FragmentError> {
        self.prepare(sql)?.stream(None)?.collect()
    }

    /// Runs a query and keeps its rows as DuckDB's text of each value.
    pub fn query_text(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, FragmentError> {
        let sql = sql.trim_end().trim_end_matches(';');
        let batches = self.query(&format!(
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n{sql}\n)"
        ))?;
        let mut rows = Vec::new();
        for batch in &batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(arrow::array::AsArray::as_string::<i32>)
                .collect();
            for row in 0..batch.num_rows() {
                let value = |column: &&arrow::array::StringArray| {
                    column.is_valid(row).then(|| column.value(row).to_owned())
                };
                rows.push(columns.iter().map(value).collect());
            }
        }
        Ok(rows)
    }

    /// Parses and plans one statement; its parameters, if any, stay open.
    pub fn prepare(&self, sql: &str) -> Result<Prepared, FragmentError> {
        Prepared::new(&self.raw, sql)
    }

    /// Leaves plans as they were bound from now on: for statements that are described and never run.
    pub fn skip_optimizer(&self) -> Result<(), FragmentError> {
        self.execute("PRAGMA disable_optimizer")
    }

    /// Arrow's schema of the rows of a query, which should have none. Some types depend on settings: a
    /// time with a zone names the session's.
    pub fn arrow_schema(&self, sql: &str) -> Result<SchemaRef, FragmentError> {
        let statement = self.prepare(sql)?;
        let rows = statement.stream(None)?;
        Ok(Arc::clone(rows.schema()))
    }

    /// Sets a setting for this session only.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), FragmentError> {
        self.set("SESSION", name, value)
    }

    /// What a setting is now, as text.
    pub fn setting(&self, name: &str) -> Result<String, FragmentError> {
        let rows = self.query_text(&format!("SELECT current_setting({})", literal(name)))?;
        Ok(rows
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .unwrap_or_default())
    }

    /// Whether the instance can read no file at all.
    pub fn reads_no_files(&self) -> bool {
        self.raw.database.reads_no_files
    }

    /// What the instance was given for a setting when it was opened.
    pub fn instance_setting(&self, name: &str) -> Option<String> {
        self.raw.database.settings.get(name).cloned()
    }

    pub(super) fn set(&self, scope: &str, name: &str, value: &str) -> Result<(), FragmentError> {
        self.execute(&format!(
            "SET {scope} {} = {}",
            identifier(name),
            literal(value)
        ))
    }

    pub(super) fn parser(&self) -> Result<&Prepared, FragmentError> {
        if let Some(parser) = self.parser.get() {
            return Ok(parser);
        }
        let parser = self.prepare("SELECT json_serialize_sql($1::VARCHAR)")?;
        Ok(self.parser.get_or_init(|| parser))
    }

    /// A handle to stop what runs on this connection from another thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle::new(Arc::clone(&self.raw))
    }
}
