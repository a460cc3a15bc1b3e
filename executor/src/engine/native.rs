//! Functions of the program around DuckDB that SQL calls by a name.
//!
//! For what is known outside of DuckDB and looked up by key: a correlated subquery takes DuckDB about ten
//! times as long to plan as a call. Numbers, texts and lists of texts go in, one value comes out for each
//! row; NULLs are passed on, and an error becomes that of the statement. Nothing here is for values of users:
//! those are DuckDB's to compute with.

use std::ffi::{CString, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::c_text;
use super::connection::Connection;
use super::types::LogicalType;

/// What a function takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeType {
    /// VARCHAR.
    Text,
    /// BIGINT.
    Number,
    /// BOOLEAN.
    Truth,
    /// VARCHAR[]; only as an argument.
    Texts,
}

/// An argument of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// NULL of any type.
    Null,
    /// Of [`NativeType::Text`].
    Text(&'a str),
    /// Of [`NativeType::Number`].
    Number(i64),
    /// Of [`NativeType::Truth`].
    Truth(bool),
    /// Of [`NativeType::Texts`], without its NULLs.
    Texts(Vec<&'a str>),
}

/// The result of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// NULL.
    Null,
    /// Of [`NativeType::Text`].
    Text(String),
    /// Of [`NativeType::Number`].
    Number(i64),
    /// Of [`NativeType::Truth`].
    Truth(bool),
}

/// What is called: the arguments of one row, in order. The error is the statement's.
pub type Call = dyn Fn(&[Argument<'_>]) -> Result<Answer, String> + Send + Sync;

/// A function.
#[derive(Clone)]
pub struct NativeFunction {
    /// Its name in SQL, which has to be new.
    pub name: &'static str,
    /// What it takes.
    pub parameters: &'static [NativeType],
    /// What it gives.
    pub result: NativeType,
    /// Whether it is called for each row and never while a statement is planned.
    pub is_volatile: bool,
    /// What it does.
    pub call: Arc<Call>,
}

impl fmt::Debug for NativeFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeFunction")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl NativeType {
    fn duckdb(self) -> LogicalType {
        let text = || LogicalType::simple(ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR);
        match self {
            Self::Text => text(),
            Self::Number => LogicalType::simple(ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT),
            Self::Truth => LogicalType::simple(ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN),
            Self::Texts => text().list(),
        }
    }
}

impl Connection {
    /// Makes the function known to all connections of this one's instance.
    pub fn add_function(&self, native: &NativeFunction) -> Result<(), FragmentError> {
        let name = c_text(native.name)?;
        let extra = Box::into_raw(Box::new(native.clone())).cast::<c_void>();
        // SAFETY: the function is made, filled and destroyed here; DuckDB copies it, and frees `extra`
        // with the last copy.
        let state = unsafe {
            let mut function = ffi::duckdb_create_scalar_function();
            ffi::duckdb_scalar_function_set_name(function, name.as_ptr());
            for parameter in native.parameters {
                ffi::duckdb_scalar_function_add_parameter(function, parameter.duckdb().0);
            }
            ffi::duckdb_scalar_function_set_return_type(function, native.result.duckdb().0);
            if native.is_volatile {
                ffi::duckdb_scalar_function_set_volatile(function);
            }
            ffi::duckdb_scalar_function_set_special_handling(function);
            ffi::duckdb_scalar_function_set_extra_info(function, extra, Some(drop_native));
            ffi::duckdb_scalar_function_set_function(function, Some(call));
            let state = ffi::duckdb_register_scalar_function(self.raw.handle, function);
            ffi::duckdb_destroy_scalar_function(&raw mut function);
            state
        };
        if state == ffi::DuckDBError {
            return Err(FragmentError {
                kind: FragmentErrorKind::Internal,
                message: format!("DuckDB did not accept the function {}", native.name),
                position: None,
            });
        }
        Ok(())
    }
}

unsafe extern "C" fn drop_native(data: *mut c_void) {
    // SAFETY: made by `Box::into_raw`, and DuckDB calls this once.
    drop(unsafe { Box::from_raw(data.cast::<NativeFunction>()) });
}

unsafe extern "C" fn call(
    info: ffi::duckdb_function_info,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) {
    let body = AssertUnwindSafe(|| {
        // SAFETY: DuckDB gives live handles; the extra info is the box set at registration.
        unsafe {
            let native = &*ffi::duckdb_scalar_function_get_extra_info(info)
                .cast_const()
                .cast::<NativeFunction>();
            call_rows(native, input, output)
        }
    });
    let message = match catch_unwind(body) {
        Ok(Ok(())) => return,
        Ok(Err(message)) => message,
        Err(_) => "a function of the program panicked".to_owned(),
    };
    let message = CString::new(message.replace('\0', " ")).expect("NULs were replaced");
    // SAFETY: `info` is live; DuckDB copies the text.
    unsafe { ffi::duckdb_scalar_function_set_error(info, message.as_ptr()) };
}

/// Calls the function for each row.
///
/// # Safety
/// `input` is a live chunk of flat vectors of the function's parameters, `output` a live vector of its result.
unsafe fn call_rows(
    native: &NativeFunction,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) -> Result<(), String> {
    let mut arguments = Vec::with_capacity(native.parameters.len());
    // SAFETY: by the caller's promise; rows are below the size of the chunk.
    unsafe {
        let rows = ffi::duckdb_data_chunk_get_size(input);
        let result = ffi::duckdb_vector_get_data(output);
        for row in 0..rows {
            arguments.clear();
            for (column, ty) in native.parameters.iter().enumerate() {
                let vector = ffi::duckdb_data_chunk_get_vector(input, column as u64);
                arguments.push(argument(*ty, vector, row));
            }
            let at = usize::try_from(row).map_err(|error| error.to_string())?;
            match (native.result, (native.call)(&arguments)?) {
                (_, Answer::Null) => {
                    ffi::duckdb_vector_ensure_validity_writable(output);
                    let validity = ffi::duckdb_vector_get_validity(output);
                    ffi::duckdb_validity_set_row_invalid(validity, row);
                }
                (NativeType::Text, Answer::Text(text)) => {
                    let (bytes, length) = (text.as_ptr().cast(), text.len() as u64);
                    ffi::duckdb_vector_assign_string_element_len(output, row, bytes, length);
                }
                (NativeType::Number, Answer::Number(number)) => {
                    result.cast::<i64>().add(at).write(number);
                }
                (NativeType::Truth, Answer::Truth(truth)) => {
                    result.cast::<bool>().add(at).write(truth);
                }
                (ty, answer) => return Err(format!("{answer:?} is not of the type {ty:?}")),
            }
        }
    }
    Ok(())
}

/// The value in one row of a vector.
///
/// # Safety
/// `vector` is a live flat vector of this type with more than `row` rows, and outlives the result.
unsafe fn argument<'a>(ty: NativeType, vector: ffi::duckdb_vector, row: u64) -> Argument<'a> {
    // SAFETY: by the caller's promise; a list's entry stays within its child.
    unsafe {
        if !is_valid(vector, row) {
            return Argument::Null;
        }
        let data = ffi::duckdb_vector_get_data(vector);
        let Ok(at) = usize::try_from(row) else {
            return Argument::Null;
        };
        match ty {
            NativeType::Text => Argument::Text(text(vector, row)),
            NativeType::Number => Argument::Number(data.cast::<i64>().add(at).read()),
            NativeType::Truth => Argument::Truth(data.cast::<u8>().add(at).read() != 0),
            NativeType::Texts => {
                let entry = data.cast::<ffi::duckdb_list_entry>().add(at).read();
                let child = ffi::duckdb_list_vector_get_child(vector);
                let rows = entry.offset..entry.offset + entry.length;
                let given = rows.filter(|row| is_valid(child, *row));
                Argument::Texts(given.map(|row| text(child, row)).collect())
            }
        }
    }
}

/// # Safety
/// `vector` is a live flat vector with more than `row` rows.
unsafe fn is_valid(vector: ffi::duckdb_vector, row: u64) -> bool {
    // SAFETY: by the caller's promise; the validity may be null, which means that all are valid.
    unsafe {
        let validity = ffi::duckdb_vector_get_validity(vector);
        validity.is_null() || ffi::duckdb_validity_row_is_valid(validity, row)
    }
}

/// # Safety
/// `vector` is a live flat vector of texts with more than `row` rows, and outlives the result.
unsafe fn text<'a>(vector: ffi::duckdb_vector, row: u64) -> &'a str {
    // SAFETY: by the caller's promise; DuckDB's texts are UTF-8.
    unsafe {
        let texts = ffi::duckdb_vector_get_data(vector).cast::<ffi::duckdb_string_t>();
        let text = texts.add(usize::try_from(row).unwrap_or_default());
        let length = ffi::duckdb_string_t_length(*text) as usize;
        let data = ffi::duckdb_string_t_data(text).cast::<u8>();
        std::str::from_utf8(std::slice::from_raw_parts(data, length)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Database, DatabaseOptions};

    fn connection(result: NativeType, call: Arc<Call>) -> Connection {
        let database = Database::open(&DatabaseOptions::default()).unwrap();
        let connection = database.connect().unwrap();
        let function = NativeFunction {
            name: "it",
            parameters: &[NativeType::Number, NativeType::Text, NativeType::Texts],
            result,
            is_volatile: false,
            call,
        };
        connection.add_function(&function).unwrap();
        connection
    }

    #[test]
    fn gets_the_arguments_of_each_row() {
        let show = |arguments: &[Argument<'_>]| Ok(Answer::Text(format!("{arguments:?}")));
        let connection = connection(NativeType::Text, Arc::new(show));
        let rows = connection
            .query_text(
                "SELECT it(n, t, l) FROM (VALUES (1, 'a', ['x', NULL, 'a long text, é']), \
                 (NULL, 'another long text', []), (3, NULL, NULL)) AS v(n, t, l)",
            )
            .unwrap();
        let rows: Vec<_> = rows.into_iter().flatten().flatten().collect();
        assert_eq!(
            rows,
            [
                r#"[Number(1), Text("a"), Texts(["x", "a long text, é"])]"#,
                r#"[Null, Text("another long text"), Texts([])]"#,
                r"[Number(3), Null, Null]",
            ]
        );
        // A constant list beside a column.
        let rows = connection
            .query_text("SELECT it(i, 'c', ['p', 'q']) FROM range(2) AS r(i)")
            .unwrap();
        let rows: Vec<_> = rows.into_iter().flatten().flatten().collect();
        assert_eq!(
            rows,
            [
                r#"[Number(0), Text("c"), Texts(["p", "q"])]"#,
                r#"[Number(1), Text("c"), Texts(["p", "q"])]"#,
            ]
        );
    }

    #[test]
    fn gives_numbers_truths_and_nulls() {
        let next = |arguments: &[Argument<'_>]| {
            Ok(match arguments {
                [Argument::Number(number), ..] => Answer::Number(number + 1),
                _ => Answer::Null,
            })
        };
        let numbers = connection(NativeType::Number, Arc::new(next));
        let sql = "SELECT it(n, '', []) FROM (VALUES (1), (NULL), (9000000000)) AS v(n)";
        let rows: Vec<_> = numbers.query_text(sql).unwrap().concat();
        assert_eq!(rows, [Some("2".into()), None, Some("9000000001".into())]);

        let positive = |arguments: &[Argument<'_>]| {
            Ok(match arguments {
                [Argument::Number(number), ..] => Answer::Truth(*number > 1),
                _ => Answer::Null,
            })
        };
        let truths = connection(NativeType::Truth, Arc::new(positive));
        let rows: Vec<_> = truths.query_text(sql).unwrap().concat();
        assert_eq!(rows, [Some("false".into()), None, Some("true".into())]);
    }

    #[test]
    fn errors_and_panics_are_the_statements() {
        for call in [
            Arc::new(|_: &[Argument<'_>]| Err("meant to fail".to_owned())) as Arc<Call>,
            Arc::new(|_: &[Argument<'_>]| panic!("meant to panic")),
            Arc::new(|_: &[Argument<'_>]| Ok(Answer::Number(1))),
        ] {
            let connection = connection(NativeType::Text, call);
            let error = connection.query_text("SELECT it(1, '', [])").unwrap_err();
            let wanted = ["meant to fail", "panicked", "is not of the type"];
            assert!(
                wanted.iter().any(|words| error.message.contains(words)),
                "{}",
                error.message
            );
            // The connection serves on.
            assert_eq!(connection.query_text("SELECT 1").unwrap().len(), 1);
        }
    }
}
