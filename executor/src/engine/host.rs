//! A function by which SQL calls the program around DuckDB.
//!
//! Some of PostgreSQL's functions do something instead of computing: they stop other sessions, or
//! wait. Macros of the catalogue call this one for them. It takes and gives texts, so that what it
//! can do is a matter of the caller's alone. An instance without a [`HostCalls`] has it too, because
//! macros name it, and refuses every call.

use std::ffi::{CString, c_void};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::connection::Connection;
use super::types::LogicalType;

/// Its name in SQL.
pub const HOST_FUNCTION: &str = "skein_host";
/// What is called, on whose behalf, and with what.
const ARGUMENTS: usize = 3;

/// What SQL may call.
pub trait HostCalls: Send + Sync + Debug {
    /// Handles one call. May block; the error becomes that of the statement.
    fn call(&self, arguments: [Option<&str>; ARGUMENTS]) -> Result<Option<String>, String>;
}

/// The calls of an instance.
#[derive(Clone, Debug, Default)]
pub struct Host(Option<Arc<dyn HostCalls>>);

impl Host {
    /// Lets SQL call these.
    pub fn new(calls: Arc<dyn HostCalls>) -> Self {
        Self(Some(calls))
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl Eq for Host {}

/// Makes the function known to the instance of `connection`.
pub(super) fn register(connection: &Connection, host: &Host) -> Result<(), FragmentError> {
    let name = CString::new(HOST_FUNCTION).expect("the name has no NUL");
    let text = LogicalType::simple(ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR);
    let extra = Box::into_raw(Box::new(host.clone())).cast::<c_void>();
    // SAFETY: the function is made, filled and destroyed here; DuckDB copies it, and frees `extra`
    // with the last copy.
    let state = unsafe {
        let mut function = ffi::duckdb_create_scalar_function();
        ffi::duckdb_scalar_function_set_name(function, name.as_ptr());
        for _ in 0..ARGUMENTS {
            ffi::duckdb_scalar_function_add_parameter(function, text.0);
        }
        ffi::duckdb_scalar_function_set_return_type(function, text.0);
        // Called once for each row, and never while a statement is planned.
        ffi::duckdb_scalar_function_set_volatile(function);
        ffi::duckdb_scalar_function_set_special_handling(function);
        ffi::duckdb_scalar_function_set_extra_info(function, extra, Some(drop_host));
        ffi::duckdb_scalar_function_set_function(function, Some(call));
        let state = ffi::duckdb_register_scalar_function(connection.raw.handle, function);
        ffi::duckdb_destroy_scalar_function(&raw mut function);
        state
    };
    if state == ffi::DuckDBError {
        return Err(FragmentError {
            kind: FragmentErrorKind::Internal,
            message: "DuckDB did not accept the function of the host".to_owned(),
            position: None,
        });
    }
    Ok(())
}

unsafe extern "C" fn drop_host(data: *mut c_void) {
    // SAFETY: made by `Box::into_raw`, and DuckDB calls this once.
    drop(unsafe { Box::from_raw(data.cast::<Host>()) });
}

unsafe extern "C" fn call(
    info: ffi::duckdb_function_info,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) {
    let body = AssertUnwindSafe(|| {
        // SAFETY: DuckDB gives live handles; the extra info is the box set at registration.
        unsafe {
            let host = &*ffi::duckdb_scalar_function_get_extra_info(info)
                .cast_const()
                .cast::<Host>();
            call_rows(host, input, output)
        }
    });
    let message = match catch_unwind(body) {
        Ok(Ok(())) => return,
        Ok(Err(message)) => message,
        Err(_) => "the function of the host panicked".to_owned(),
    };
    let message = CString::new(message.replace('\0', " ")).expect("NULs were replaced");
    // SAFETY: `info` is live; DuckDB copies the text.
    unsafe { ffi::duckdb_scalar_function_set_error(info, message.as_ptr()) };
}

/// Calls the host for each row.
///
/// # Safety
/// `input` is a live chunk of flat text vectors, `output` a live text vector.
unsafe fn call_rows(
    host: &Host,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) -> Result<(), String> {
    let Some(calls) = &host.0 else {
        return Err("this function cannot be called in a statement that reads files".to_owned());
    };
    // SAFETY: by the caller's promise; rows are below the size of the chunk.
    unsafe {
        let rows = ffi::duckdb_data_chunk_get_size(input);
        for row in 0..rows {
            let arguments: [Option<String>; ARGUMENTS] = std::array::from_fn(|column| {
                text_at(ffi::duckdb_data_chunk_get_vector(input, column as u64), row)
            });
            let result = calls.call(arguments.each_ref().map(Option::as_deref))?;
            if let Some(text) = result {
                let (bytes, length) = (text.as_ptr().cast(), text.len() as u64);
                ffi::duckdb_vector_assign_string_element_len(output, row, bytes, length);
            } else {
                ffi::duckdb_vector_ensure_validity_writable(output);
                let validity = ffi::duckdb_vector_get_validity(output);
                ffi::duckdb_validity_set_row_invalid(validity, row);
            }
        }
    }
    Ok(())
}

/// The text in one row of a vector.
///
/// # Safety
/// `vector` is a live flat vector of texts with more than `row` rows.
unsafe fn text_at(vector: ffi::duckdb_vector, row: u64) -> Option<String> {
    // SAFETY: by the caller's promise; the validity may be null, which means that all are valid.
    unsafe {
        let validity = ffi::duckdb_vector_get_validity(vector);
        if !validity.is_null() && !ffi::duckdb_validity_row_is_valid(validity, row) {
            return None;
        }
        let texts = ffi::duckdb_vector_get_data(vector).cast::<ffi::duckdb_string_t>();
        let text = texts.add(usize::try_from(row).ok()?);
        let length = ffi::duckdb_string_t_length(*text) as usize;
        let data = ffi::duckdb_string_t_data(text).cast::<u8>();
        let bytes = std::slice::from_raw_parts(data, length);
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::{Database, DatabaseOptions};

    #[derive(Debug, Default)]
    struct Noted(Mutex<Vec<String>>);

    impl HostCalls for Noted {
        fn call(&self, arguments: [Option<&str>; ARGUMENTS]) -> Result<Option<String>, String> {
            let [name, _, argument] = arguments;
            let mut noted = self.0.lock().unwrap();
            noted.push(format!("{name:?} {argument:?}"));
            match name {
                Some("fail") => Err("meant to fail".to_owned()),
                Some("panic") => panic!("meant to panic"),
                _ => Ok(argument.map(str::to_uppercase)),
            }
        }
    }

    #[test]
    fn is_called_once_for_each_row_and_never_before() {
        let noted = Arc::new(Noted::default());
        let database = Database::open(&DatabaseOptions {
            host: Host::new(Arc::clone(&noted) as Arc<dyn HostCalls>),
            ..DatabaseOptions::default()
        })
        .unwrap();
        let connection = database.connect().unwrap();
        let sql =
            "SELECT skein_host('a', 's', v) FROM (VALUES ('x'), (NULL), ('a long text, é')) t(v)";
        let prepared = connection.prepare(sql).unwrap();
        assert_eq!(noted.0.lock().unwrap().len(), 0);
        drop(prepared);
        let rows = connection.query_text(sql).unwrap();
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        assert_eq!(
            rows,
            [
                Some("X".to_owned()),
                None,
                Some("A LONG TEXT, É".to_owned())
            ]
        );
        assert_eq!(noted.0.lock().unwrap().len(), 3);
        for name in ["fail", "panic"] {
            let error = connection
                .query_text(&format!("SELECT skein_host('{name}', '', '')"))
                .unwrap_err();
            assert!(error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn an_instance_without_a_host_refuses() {
        let database = Database::open(&DatabaseOptions::default()).unwrap();
        let connection = database.connect().unwrap();
        let error = connection
            .query_text("SELECT skein_host('a', '', '')")
            .unwrap_err();
        assert!(
            error.message.contains("cannot be called"),
            "{}",
            error.message
        );
    }
}
