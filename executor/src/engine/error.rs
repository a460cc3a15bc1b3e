//! DuckDB's errors as [`FragmentError`]s.
//!
//! DuckDB gives a type, and a text of the form `Binder Error: {"exception_message": …}` since the
//! instances are opened with `errors_as_json`. The type alone does not say who is at fault: a
//! damaged file and a wrong argument are both `Invalid Input`, so some texts are looked at.

use libduckdb_sys as ffi;
use serde_json::Value;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::borrowed_text;

/// The error of a result that failed.
pub(super) fn result_error(result: &mut ffi::duckdb_result, sql: &str) -> FragmentError {
    // SAFETY: the result was filled by DuckDB; the text is copied before the result is freed.
    let (kind, text) = unsafe {
        (
            ffi::duckdb_result_error_type(result),
            borrowed_text(ffi::duckdb_result_error(result)),
        )
    };
    fragment_error(Some(kind), &text, sql)
}

/// Takes an error out of DuckDB's container, if there is one, and frees the container.
///
/// # Safety
/// `data` is null or owned by the caller, who does not use it afterwards.
pub(super) unsafe fn take_error_data(
    mut data: ffi::duckdb_error_data,
) -> Result<(), FragmentError> {
    if data.is_null() {
        return Ok(());
    }
    // SAFETY: not null, owned by us by the caller's promise, and freed once.
    unsafe {
        let failed = ffi::duckdb_error_data_has_error(data);
        let kind = ffi::duckdb_error_data_error_type(data);
        let text = borrowed_text(ffi::duckdb_error_data_message(data));
        ffi::duckdb_destroy_error_data(&raw mut data);
        if failed {
            Err(fragment_error(Some(kind), &text, ""))
        } else {
            Ok(())
        }
    }
}

/// Makes an error from DuckDB's text; `error_type` is taken from its prefix where it is missing.
pub(super) fn fragment_error(
    error_type: Option<ffi::duckdb_error_type>,
    text: &str,
    sql: &str,
) -> FragmentError {
    let parts = Parts::of(text);
    // DuckDB reports some errors of execution with an invalid type and a good prefix.
    let typed = error_type.and_then(kind_of_type);
    let kind = refine(
        typed.unwrap_or_else(|| kind_of_prefix(&parts.prefix)),
        &parts.message,
    );
    let position = parts.position.map(|position| {
        if parts.counts_characters {
            byte_offset(sql, position)
        } else {
            position
        }
    });
    let position = position.filter(|position| *position <= sql.len());
    FragmentError {
        kind,
        message: parts.message,
        position,
    }
}

/// DuckDB's message alone.
pub(super) fn plain_message(text: &str) -> String {
    Parts::of(text).message
}

/// The error of `json_serialize_sql`, which is a JSON object of its own.
pub(super) fn parser_error(object: &Value, sql: &str) -> FragmentError {
    let message = object["error_message"]
        .as_str()
        .unwrap_or("syntax error")
        .to_owned();
    let position = position_of(object).map(|position| {
        if counts_characters(object) {
            byte_offset(sql, position)
        } else {
            position
        }
    });
    let position = position.filter(|position| *position <= sql.len());
    FragmentError {
        kind: refine(FragmentErrorKind::Syntax, &message),
        message,
        position,
    }
}

/// What a text of DuckDB says.
struct Parts {
    /// `Binder` of `Binder Error: …`.
    prefix: String,
    message: String,
    position: Option<usize>,
    counts_characters: bool,
}

impl Parts {
    fn of(text: &str) -> Self {
        let (prefix, rest) = match text.split_once(" Error: ") {
            // A prefix is a few words; a longer text merely contains these characters.
            Some((prefix, rest)) if prefix.len() <= 40 && !prefix.contains('\n') => (prefix, rest),
            _ => ("", text),
        };
        // Where DuckDB adds to an error it has already written as JSON, the object is not the end.
        let object = rest.find("{\"exception_type\":").and_then(|start| {
            let mut objects =
                serde_json::Deserializer::from_str(&rest[start..]).into_iter::<Value>();
            objects.next()?.ok()
        });
        let Some(object) = object else {
            return Self {
                prefix: prefix.to_owned(),
                message: without_drawing(rest).to_owned(),
                position: None,
                counts_characters: false,
            };
        };
        let message = object["exception_message"].as_str().unwrap_or(rest);
        let prefix = object["exception_type"]
            .as_str()
            .unwrap_or(prefix)
            .to_owned();
        // A message from another statement may be nested in this one.
        let message = if message.contains("{\"exception_type\":") {
            Self::of(message).message
        } else {
            without_drawing(message).to_owned()
        };
        Self {
            prefix,
            message,
            position: position_of(&object),
            counts_characters: counts_characters(&object),
        }
    }
}

fn position_of(object: &Value) -> Option<usize> {
    object["position"].as_str()?.parse().ok()
}

/// The grammar counts characters, everything after it counts bytes.
fn counts_characters(object: &Value) -> bool {
    object["error_subtype"] == "SYNTAX_ERROR"
}

fn byte_offset(sql: &str, characters: usize) -> usize {
    sql.char_indices()
        .nth(characters)
        .map_or(sql.len(), |(offset, _)| offset)
}

/// Cuts off `LINE 1: …` with the caret under it.
fn without_drawing(message: &str) -> &str {
    message
        .split("\n\nLINE ")
        .next()
        .unwrap_or(message)
        .trim_end()
}

fn kind_of_type(error_type: ffi::duckdb_error_type) -> Option<FragmentErrorKind> {
    use FragmentErrorKind as Kind;
    Some(match error_type {
        ffi::duckdb_error_type_DUCKDB_ERROR_PARSER | ffi::duckdb_error_type_DUCKDB_ERROR_SYNTAX => {
            Kind::Syntax
        }
        ffi::duckdb_error_type_DUCKDB_ERROR_CATALOG => Kind::Catalog,
        ffi::duckdb_error_type_DUCKDB_ERROR_BINDER
        | ffi::duckdb_error_type_DUCKDB_ERROR_MISMATCH_TYPE
        | ffi::duckdb_error_type_DUCKDB_ERROR_INVALID_TYPE
        | ffi::duckdb_error_type_DUCKDB_ERROR_UNKNOWN_TYPE => Kind::Binder,
        ffi::duckdb_error_type_DUCKDB_ERROR_CONVERSION
        | ffi::duckdb_error_type_DUCKDB_ERROR_DECIMAL => Kind::Conversion,
        ffi::duckdb_error_type_DUCKDB_ERROR_OUT_OF_RANGE => Kind::OutOfRange,
        ffi::duckdb_error_type_DUCKDB_ERROR_DIVIDE_BY_ZERO => Kind::DivisionByZero,
        ffi::duckdb_error_type_DUCKDB_ERROR_NOT_IMPLEMENTED
        | ffi::duckdb_error_type_DUCKDB_ERROR_MISSING_EXTENSION
        | ffi::duckdb_error_type_DUCKDB_ERROR_AUTOLOAD => Kind::NotImplemented,
        ffi::duckdb_error_type_DUCKDB_ERROR_PERMISSION => Kind::Permission,
        ffi::duckdb_error_type_DUCKDB_ERROR_IO
        | ffi::duckdb_error_type_DUCKDB_ERROR_HTTP
        | ffi::duckdb_error_type_DUCKDB_ERROR_NETWORK => Kind::Storage,
        ffi::duckdb_error_type_DUCKDB_ERROR_OUT_OF_MEMORY => Kind::Memory,
        ffi::duckdb_error_type_DUCKDB_ERROR_INTERRUPT => Kind::Canceled,
        ffi::duckdb_error_type_DUCKDB_ERROR_INVALID_INPUT
        | ffi::duckdb_error_type_DUCKDB_ERROR_CONSTRAINT
        | ffi::duckdb_error_type_DUCKDB_ERROR_SEQUENCE
        | ffi::duckdb_error_type_DUCKDB_ERROR_EXPRESSION
        | ffi::duckdb_error_type_DUCKDB_ERROR_SETTINGS
        | ffi::duckdb_error_type_DUCKDB_ERROR_PARAMETER_NOT_RESOLVED
        | ffi::duckdb_error_type_DUCKDB_ERROR_PARAMETER_NOT_ALLOWED => Kind::Invalid,
        ffi::duckdb_error_type_DUCKDB_ERROR_INVALID => return None,
        _ => Kind::Internal,
    })
}

fn kind_of_prefix(prefix: &str) -> FragmentErrorKind {
    use FragmentErrorKind as Kind;
    match prefix {
        "Parser" | "Syntax" => Kind::Syntax,
        "Catalog" => Kind::Catalog,
        "Binder" | "Mismatch Type" | "Invalid type" | "Unknown Type" => Kind::Binder,
        "Conversion" | "Decimal" => Kind::Conversion,
        "Out of Range" => Kind::OutOfRange,
        "Divide by Zero" => Kind::DivisionByZero,
        "Not implemented" | "Missing Extension" | "Extension Autoloading" => Kind::NotImplemented,
        "Permission" => Kind::Permission,
        "IO" | "HTTP" | "Network" => Kind::Storage,
        "Out of Memory" => Kind::Memory,
        "INTERRUPT" => Kind::Canceled,
        "Invalid Input"
        | "Constraint"
        | "Sequence"
        | "Expression"
        | "Settings"
        | "Parameter Not Resolved"
        | "Parameter Not Allowed"
        | "Invalid"
        | "Invalid Configuration" => Kind::Invalid,
        _ => Kind::Internal,
    }
}

/// Texts that tell who is at fault where the type does not.
fn refine(kind: FragmentErrorKind, message: &str) -> FragmentErrorKind {
    use FragmentErrorKind as Kind;
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    match kind {
        _ if message.starts_with("Cannot prepare multiple statements") => Kind::Syntax,
        _ if message.starts_with("Max expression depth limit") => Kind::TooComplex,
        Kind::Syntax if message.starts_with("memory exhausted") => Kind::TooComplex,
        Kind::Syntax if has(&["stack overflow", "recursion limit"]) => Kind::TooComplex,
        Kind::Invalid if has(&["the configuration has been locked"]) => Kind::Permission,
        Kind::NotImplemented if message.starts_with("Unknown TimeZone") => Kind::Invalid,
        Kind::Conversion if message.starts_with("CSV Error on Line") => Kind::Data,
        Kind::Storage if has(&["No such file", "No files found that match"]) => Kind::Missing,
        Kind::Storage if has(&["No space left", "max_temp_directory_size"]) => Kind::Memory,
        Kind::Storage if has(&["Permission denied"]) => Kind::Permission,
        Kind::Invalid | Kind::Storage | Kind::Internal if has(DAMAGED_FILE) => Kind::Data,
        _ => kind,
    }
}

/// Beginnings and middles of DuckDB's texts about files that are not what they should be.
const DAMAGED_FILE: &[&str] = &[
    "magic bytes",
    "too small to be a Parquet file",
    "Parquet file",
    "parquet file",
    "Footer length",
    "TProtocolException",
    "Couldn't deserialize thrift",
    "Error when sniffing file",
    "CSV Error on Line",
    "Malformed JSON in file",
    "Snappy decompression failure",
    "ZSTD Decompression failure",
    "GZIP",
    "File size is not a multiple",
    "Out of buffer",
];
