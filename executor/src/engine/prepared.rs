//! A statement that DuckDB has parsed and planned.

use std::ptr;
use std::sync::Arc;

use libduckdb_sys as ffi;
use skein_executor_api::{Column, FragmentError};

use super::connection::RawConnection;
use super::error::fragment_error;
use super::interrupt::InterruptHandle;
use super::stream::RowStream;
use super::types::LogicalType;
use super::{borrowed_text, c_text, owned_text, parse};

/// What a statement does, as far as Skein cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// Returns rows and changes nothing.
    Select,
    /// Everything else.
    Other,
}

/// A planned statement. Can be run several times, one run after the other.
#[derive(Debug)]
pub struct Prepared {
    pub(super) raw: Arc<RawPrepared>,
    columns: Vec<Column>,
}

#[derive(Debug)]
pub(super) struct RawPrepared {
    pub(super) handle: ffi::duckdb_prepared_statement,
    pub(super) sql: Box<str>,
    /// Kept so that the connection outlives its statements.
    pub(super) connection: Arc<RawConnection>,
}

// SAFETY: a prepared statement may move between threads; DuckDB locks its connection for each call.
unsafe impl Send for RawPrepared {}
// SAFETY: as above; reading its description changes nothing.
unsafe impl Sync for RawPrepared {}

impl Drop for RawPrepared {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_prepare(&raw mut self.handle) };
    }
}

impl Prepared {
    pub(super) fn new(connection: &Arc<RawConnection>, sql: &str) -> Result<Self, FragmentError> {
        let text = c_text(sql)?;
        let mut handle = ptr::null_mut();
        let state = parse::with_stack_for(sql, || {
            // SAFETY: the connection is live; the statement is owned by the value made below.
            unsafe { ffi::duckdb_prepare(connection.handle, text.as_ptr(), &raw mut handle) }
        });
        let raw = RawPrepared {
            handle,
            sql: sql.into(),
            connection: Arc::clone(connection),
        };
        if state == ffi::DuckDBError {
            // SAFETY: a failed statement still carries its error.
            let message = unsafe { borrowed_text(ffi::duckdb_prepare_error(raw.handle)) };
            return Err(fragment_error(None, &message, sql));
        }
        let columns = raw.columns();
        Ok(Self {
            raw: Arc::new(raw),
            columns,
        })
    }

    /// Result columns. A type that depends on an open parameter is `UNKNOWN`.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Types of the parameters `$1`, `$2`…; `None` where DuckDB cannot tell.
    pub fn parameter_types(&self) -> Vec<Option<String>> {
        let handle = self.raw.handle;
        // SAFETY: the statement is live; parameters count from one.
        unsafe {
            (1..=ffi::duckdb_nparams(handle))
                .map(|index| LogicalType(ffi::duckdb_param_logical_type(handle, index)).sql())
                .collect()
        }
    }

    /// Whether this is a query.
    pub fn kind(&self) -> StatementKind {
        // SAFETY: the statement is live.
        match unsafe { ffi::duckdb_prepared_statement_type(self.raw.handle) } {
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_SELECT => StatementKind::Select,
            _ => StatementKind::Other,
        }
    }

    /// Gives parameter `index`, counted from one, a text.
    pub fn bind_text(&self, index: usize, text: &str) -> Result<(), FragmentError> {
        // SAFETY: the statement is live, DuckDB copies the text of this length.
        let state = unsafe {
            ffi::duckdb_bind_varchar_length(
                self.raw.handle,
                index as u64,
                text.as_ptr().cast(),
                text.len() as u64,
            )
        };
        if state == ffi::DuckDBError {
            return Err(fragment_error(
                None,
                "Invalid Input Error: no such parameter",
                "",
            ));
        }
        Ok(())
    }

    /// Runs the statement and streams its rows. Ends any earlier stream of the same connection.
    pub fn stream(&self, interrupt: Option<&InterruptHandle>) -> Result<RowStream, FragmentError> {
        RowStream::start(&self.raw, interrupt)
    }
}

impl RawPrepared {
    fn columns(&self) -> Vec<Column> {
        // SAFETY: the statement is live and the indices are below its column count.
        unsafe {
            (0..ffi::duckdb_prepared_statement_column_count(self.handle))
                .map(|index| Column {
                    name: owned_text(
                        ffi::duckdb_prepared_statement_column_name(self.handle, index).cast_mut(),
                    ),
                    ty: LogicalType(ffi::duckdb_prepared_statement_column_logical_type(
                        self.handle,
                        index,
                    ))
                    .sql()
                    .unwrap_or_else(|| "UNKNOWN".to_owned()),
                })
                .collect()
        }
    }
}
