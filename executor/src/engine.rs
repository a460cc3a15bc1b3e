//! A safe wrapper over DuckDB's C interface: the only code in Skein that names `libduckdb_sys`.
//!
//! Own code instead of the `duckdb` crate because rows have to come *into* DuckDB through a table
//! function over a channel, which needs the raw connection, and because errors are wanted with
//! their kind and position.
//!
//! ```text
//! Database ─► Connection ─► Prepared ─► RowStream ─► RecordBatch
//!                 ▲                                      │
//!                 └────────── input (Feed) ◄─────────────┘
//! ```
//!
//! Invariants: every raw handle is owned by exactly one value, which frees it; a connection outlives
//! what was made from it, a database outlives its connections. No Rust panic crosses into DuckDB.
//! Nothing here is asynchronous: calls block, sometimes for as long as a query runs.
#![expect(unsafe_code, reason = "this module wraps a C interface")]

mod arrow_data;
mod connection;
mod database;
mod error;
mod host;
mod input;
mod interrupt;
mod intervals;
mod native;
mod parse;
mod prepared;
mod stream;
mod types;

pub use connection::Connection;
pub use database::{Database, DatabaseOptions, FileAccess};
pub use host::{HOST_FUNCTION, Host, HostCalls};
pub use input::{AttachedInput, Feed, FeedMessage, Input, InputRows};
pub use interrupt::InterruptHandle;
pub use native::{Answer, Argument, Call, NativeFunction, NativeType};
pub use parse::Parsed;
pub use prepared::{Prepared, StatementKind};
pub use stream::RowStream;

use std::ffi::{CStr, CString, c_char};

use skein_executor_api::{FragmentError, FragmentErrorKind};

/// Writes `text` as an SQL string literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes `name` as a quoted SQL identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQL text for DuckDB, which takes it up to the first NUL.
fn c_text(text: &str) -> Result<CString, FragmentError> {
    CString::new(text).map_err(|nul| FragmentError {
        kind: FragmentErrorKind::Syntax,
        message: "the text contains a NUL character".to_owned(),
        position: Some(nul.nul_position()),
    })
}

/// Copies a text that DuckDB keeps.
///
/// # Safety
/// `text` is null or points to a C string.
unsafe fn borrowed_text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and a C string by the caller's promise.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// Copies a text that DuckDB allocated for us, and frees it.
///
/// # Safety
/// `text` is null or a C string from DuckDB's allocator that nobody else frees.
unsafe fn owned_text(text: *mut c_char) -> String {
    // SAFETY: by the caller's promise.
    let copy = unsafe { borrowed_text(text) };
    if !text.is_null() {
        // SAFETY: allocated by DuckDB and not used afterwards.
        unsafe { libduckdb_sys::duckdb_free(text.cast()) };
    }
    copy
}
