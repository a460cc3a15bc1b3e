//! The table function behind every input: callbacks that DuckDB calls while it plans and runs.
//!
//! A callback may run on any of DuckDB's threads and waits there for the next batch. Panics are
//! caught here: unwinding into C++ would end the process.

use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::{Cursor, Feeds, Source, internal, locked};
use crate::engine::connection::Connection;
use crate::engine::types::LogicalType;

/// Its name in SQL.
pub(super) const NAME: &str = "skein_input";

/// A pass over a source.
struct Pass {
    source: Arc<Source>,
    /// Begun with the first read: DuckDB may set up a pass that it then gives up.
    cursor: Mutex<Option<Cursor>>,
    /// The columns that the statement reads, in the order of the output.
    columns: Vec<usize>,
}

/// Makes the function known to the instance of `connection`.
pub(in crate::engine) fn register(
    connection: &Connection,
    feeds: &Arc<Feeds>,
) -> Result<(), FragmentError> {
    let name = CString::new(NAME).expect("the name has no NUL");
    let id_type = LogicalType::simple(ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT);
    let extra = Arc::into_raw(Arc::clone(feeds)).cast_mut().cast::<c_void>();
    // SAFETY: the function is made, filled and destroyed here; DuckDB copies it, and frees `extra`
    // with the last copy.
    let state = unsafe {
        let mut function = ffi::duckdb_create_table_function();
        ffi::duckdb_table_function_set_name(function, name.as_ptr());
        ffi::duckdb_table_function_add_parameter(function, id_type.0);
        ffi::duckdb_table_function_set_extra_info(function, extra, Some(drop_arc::<Feeds>));
        ffi::duckdb_table_function_set_bind(function, Some(bind));
        ffi::duckdb_table_function_set_init(function, Some(init));
        ffi::duckdb_table_function_set_function(function, Some(read));
        ffi::duckdb_table_function_supports_projection_pushdown(function, true);
        let state = ffi::duckdb_register_table_function(connection.raw.handle, function);
        ffi::duckdb_destroy_table_function(&raw mut function);
        state
    };
    if state == ffi::DuckDBError {
        return Err(FragmentError {
            kind: FragmentErrorKind::Internal,
            message: "DuckDB did not accept the table function of inputs".to_owned(),
            position: None,
        });
    }
    Ok(())
}

unsafe extern "C" fn drop_arc<T>(data: *mut c_void) {
    // SAFETY: made by `Arc::into_raw`, and DuckDB calls this once.
    drop(unsafe { Arc::from_raw(data.cast_const().cast::<T>()) });
}

unsafe extern "C" fn drop_pass(data: *mut c_void) {
    // SAFETY: made by `Box::into_raw`, and DuckDB calls this once.
    drop(unsafe { Box::from_raw(data.cast::<Pass>()) });
}

/// Runs a callback's body and gives its error text to `report`, also that of a panic.
fn guarded(
    body: impl FnOnce() -> Result<(), String>,
    report: impl FnOnce(*const std::ffi::c_char),
) {
    let outcome = catch_unwind(AssertUnwindSafe(body));
    let message = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(message)) => message,
        Err(_) => "an input's reader panicked".to_owned(),
    };
    let message = CString::new(message.replace('\0', " ")).expect("NULs were replaced");
    report(message.as_ptr());
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let body = || {
        // SAFETY: DuckDB gives a live `info`; its extra info is the `Feeds` set at registration.
        unsafe {
            let feeds = &*ffi::duckdb_bind_get_extra_info(info)
                .cast_const()
                .cast::<Feeds>();
            let mut value = ffi::duckdb_bind_get_parameter(info, 0);
            let id = ffi::duckdb_get_uint64(value);
            ffi::duckdb_destroy_value(&raw mut value);
            let source = locked(&feeds.sources).get(&id).cloned();
            let source = source.ok_or_else(|| format!("input {id} does not exist"))?;
            for (index, ty) in source.import.types.iter().enumerate() {
                let name = CString::new(format!("c{index}")).expect("the name has no NUL");
                ffi::duckdb_bind_add_result_column(info, name.as_ptr(), ty.0);
            }
            let (rows, exact) = source.cardinality;
            ffi::duckdb_bind_set_cardinality(info, rows, exact);
            source.bind_count.fetch_add(1, Ordering::SeqCst);
            let data = Arc::into_raw(source).cast_mut().cast::<c_void>();
            ffi::duckdb_bind_set_bind_data(info, data, Some(drop_arc::<Source>));
        }
        Ok(())
    };
    // SAFETY: `info` is live; DuckDB copies the text.
    guarded(body, |message| unsafe {
        ffi::duckdb_bind_set_error(info, message);
    });
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    let body = || {
        // SAFETY: DuckDB gives a live `info`; its bind data is the `Arc` set by `bind`, of which
        // this takes a further reference.
        unsafe {
            let source = ffi::duckdb_init_get_bind_data(info)
                .cast_const()
                .cast::<Source>();
            Arc::increment_strong_count(source);
            let source = Arc::from_raw(source);
            let columns = (0..ffi::duckdb_init_get_column_count(info))
                .map(|index| ffi::duckdb_init_get_column_index(info, index))
                // A statement that reads no column asks for a row id, which is not one of ours.
                .map(|index| usize::try_from(index).unwrap_or(usize::MAX))
                .collect();
            let pass = Box::new(Pass {
                source,
                cursor: Mutex::new(None),
                columns,
            });
            ffi::duckdb_init_set_init_data(info, Box::into_raw(pass).cast(), Some(drop_pass));
            // Rows come in one order from one channel.
            ffi::duckdb_init_set_max_threads(info, 1);
        }
        Ok(())
    };
    // SAFETY: `info` is live; DuckDB copies the text.
    guarded(body, |message| unsafe {
        ffi::duckdb_init_set_error(info, message);
    });
}

unsafe extern "C" fn read(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let body = || {
        // SAFETY: DuckDB gives a live `info`; its init data is the box set by `init`.
        let pass = unsafe { &*ffi::duckdb_function_get_init_data(info).cast::<Pass>() };
        // SAFETY: DuckDB gives a live chunk with the columns declared by `bind`.
        unsafe { fill(pass, output) }.map_err(|error| pass.source.fail(error))
    };
    // SAFETY: `info` is live; DuckDB copies the text.
    guarded(body, |message| unsafe {
        ffi::duckdb_function_set_error(info, message);
    });
}

/// Fills `output` with the next rows; none means the end.
///
/// # Safety
/// `output` is a live chunk with the columns of the source.
unsafe fn fill(pass: &Pass, output: ffi::duckdb_data_chunk) -> Result<(), FragmentError> {
    let import = &pass.source.import;
    let mut cursor = locked(&pass.cursor);
    let cursor = match &mut *cursor {
        Some(cursor) => cursor,
        none => none.insert(pass.source.cursor()?),
    };
    let Some(slice) = cursor.next_slice()? else {
        // SAFETY: by the caller's promise.
        unsafe { ffi::duckdb_data_chunk_set_size(output, 0) };
        return Ok(());
    };
    if !import.accepts(&slice.schema()) {
        return Err(internal("batches of an input have different types"));
    }
    for (position, index) in pass.columns.iter().enumerate() {
        if *index >= import.types.len() {
            continue;
        }
        let chunk = import.column(&slice, *index)?;
        // SAFETY: the vector has the type that `bind` declared for the column, which DuckDB asked
        // for at this position; the output keeps its buffers alive when the chunk is destroyed.
        unsafe {
            ffi::duckdb_vector_reference_vector(
                ffi::duckdb_data_chunk_get_vector(output, position as u64),
                ffi::duckdb_data_chunk_get_vector(chunk.0, 0),
            );
        }
    }
    // SAFETY: by the caller's promise.
    unsafe { ffi::duckdb_data_chunk_set_size(output, slice.num_rows() as u64) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::guarded;

    fn reported(body: impl FnOnce() -> Result<(), String>) -> Option<String> {
        let mut reported = None;
        guarded(body, |message| {
            // SAFETY: a C string that lives as long as this call.
            let message = unsafe { CStr::from_ptr(message) };
            reported = Some(message.to_string_lossy().into_owned());
        });
        reported
    }

    #[test]
    fn a_panic_in_a_callback_becomes_an_error() {
        assert_eq!(reported(|| Ok(())), None);
        assert_eq!(reported(|| Err("a\0b".to_owned())).as_deref(), Some("a b"));
        let panicked = reported(|| panic!("meant to panic"));
        assert_eq!(panicked.as_deref(), Some("an input's reader panicked"));
    }
}
