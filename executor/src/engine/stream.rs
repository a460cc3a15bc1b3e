//! Rows of a running statement, taken from DuckDB as they are asked for.
//!
//! DuckDB computes ahead by no more than its streaming buffer, so a reader that waits makes the
//! statement wait.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use libduckdb_sys as ffi;
use skein_executor_api::FragmentError;

use super::arrow_data::{Chunk, Export};
use super::error::{fragment_error, result_error};
use super::interrupt::InterruptHandle;
use super::prepared::RawPrepared;
use super::{borrowed_text, parse};

/// A running statement: an iterator of batches with at least one row each. Ends after an error.
pub struct RowStream {
    result: ffi::duckdb_result,
    export: Export,
    ended: bool,
    statement: Arc<RawPrepared>,
}

// SAFETY: a result may move between threads; DuckDB locks its connection for each call.
unsafe impl Send for RowStream {}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream")
            .field("sql", &self.statement.sql)
            .finish_non_exhaustive()
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        let connection = self.statement.connection.handle;
        if !self.ended {
            // DuckDB cleans up after an unfinished statement when the next one starts, and would
            // run what is left of it to the end, unless it has been interrupted.
            // SAFETY: the statement keeps the connection alive.
            unsafe { ffi::duckdb_interrupt(connection) };
        }
        // SAFETY: this value owns the result.
        unsafe { ffi::duckdb_destroy_result(&raw mut self.result) };
        if !self.ended {
            // So that its memory is free now. SAFETY: a null result means that none is wanted.
            unsafe { ffi::duckdb_query(connection, c"SELECT NULL".as_ptr(), std::ptr::null_mut()) };
        }
    }
}

/// A statement that has been set up but may not have begun.
struct Pending(ffi::duckdb_pending_result);

impl Drop for Pending {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_pending(&raw mut self.0) };
    }
}

impl RowStream {
    pub(super) fn start(
        statement: &Arc<RawPrepared>,
        interrupt: Option<&InterruptHandle>,
    ) -> Result<Self, FragmentError> {
        parse::with_stack_for(&statement.sql, || Self::start_here(statement, interrupt))
    }

    fn start_here(
        statement: &Arc<RawPrepared>,
        interrupt: Option<&InterruptHandle>,
    ) -> Result<Self, FragmentError> {
        let mut pending = Pending(std::ptr::null_mut());
        // SAFETY: the statement is live; the pending result is owned by the value above.
        let state =
            unsafe { ffi::duckdb_pending_prepared_streaming(statement.handle, &raw mut pending.0) };
        if state == ffi::DuckDBError {
            // SAFETY: a failed pending result still carries its error.
            let text = unsafe { borrowed_text(ffi::duckdb_pending_error(pending.0)) };
            return Err(fragment_error(None, &text, &statement.sql));
        }
        // From here on DuckDB keeps interrupts; one that came before is repeated here. Leaving now
        // would not stop the tasks that DuckDB has set up already.
        if let Some(interrupt) = interrupt.filter(|interrupt| interrupt.is_requested()) {
            interrupt.interrupt();
        }
        // SAFETY: an all-zero result is what DuckDB expects to fill.
        let mut result: ffi::duckdb_result = unsafe { std::mem::zeroed() };
        // SAFETY: the pending result is live.
        let state = unsafe { ffi::duckdb_execute_pending(pending.0, &raw mut result) };
        let export = match state {
            ffi::DuckDBError => Err(result_error(&mut result, &statement.sql)),
            // SAFETY: the result is live and has no error.
            _ => unsafe { Export::new(&mut result) },
        };
        match export {
            Ok(export) => Ok(Self {
                result,
                export,
                ended: false,
                statement: Arc::clone(statement),
            }),
            Err(error) => {
                // SAFETY: filled above and not used afterwards.
                unsafe { ffi::duckdb_destroy_result(&raw mut result) };
                Err(error)
            }
        }
    }

    /// The Arrow schema of all batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.export.schema
    }

    fn fetch(&mut self) -> Result<Option<RecordBatch>, FragmentError> {
        loop {
            // SAFETY: the result is live; the chunk is owned by the value made below.
            let chunk = Chunk(unsafe { ffi::duckdb_fetch_chunk(self.result) });
            if chunk.0.is_null() {
                // SAFETY: the result is live; DuckDB stores the error of a failed fetch in it.
                let text = unsafe { borrowed_text(ffi::duckdb_result_error(&raw mut self.result)) };
                return if text.is_empty() {
                    Ok(None)
                } else {
                    Err(result_error(&mut self.result, &self.statement.sql))
                };
            }
            // SAFETY: the chunk is live.
            if unsafe { ffi::duckdb_data_chunk_get_size(chunk.0) } > 0 {
                return self.export.batch(&chunk).map(Some);
            }
        }
    }
}

impl Iterator for RowStream {
    type Item = Result<RecordBatch, FragmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.fetch().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
