//! Intervals that Arrow cannot hold: it counts their time in nanoseconds, DuckDB and PostgreSQL in microseconds.
//!
//! DuckDB multiplies without looking, so an interval of more than 2,562,047 hours would leave as another one.
//! It is an error here.
//!
//! Invariants: a result without intervals costs nothing. Elements of lists are looked at in a copy, since DuckDB may
//! keep them compressed.

use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::types::LogicalType;

/// Nanoseconds in a microsecond.
const NANOS: i64 = 1000;

/// Whether values of a type are intervals, or hold some.
pub(super) fn holds(ty: &LogicalType) -> bool {
    // SAFETY: every call is on this live handle and fits the type's id.
    unsafe {
        match ffi::duckdb_get_type_id(ty.0) {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL => true,
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                holds(&LogicalType(ffi::duckdb_list_type_child_type(ty.0)))
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT => (0..ffi::duckdb_struct_type_child_count(ty.0))
                .any(|index| {
                    holds(&LogicalType(ffi::duckdb_struct_type_child_type(
                        ty.0, index,
                    )))
                }),
            _ => false,
        }
    }
}

/// Refuses what Arrow cannot hold among the first `count` values.
///
/// # Safety
/// `vector` is live, flat, of type `ty`, and has that many values.
pub(super) unsafe fn check(
    vector: ffi::duckdb_vector,
    ty: &LogicalType,
    count: u64,
) -> Result<(), FragmentError> {
    // SAFETY: the vector is live and every call fits its type; indices are below what they count. The copy has
    // room for all elements and is freed below.
    unsafe {
        match ffi::duckdb_get_type_id(ty.0) {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL => {
                let validity = ffi::duckdb_vector_get_validity(vector);
                let values: *const ffi::duckdb_interval =
                    ffi::duckdb_vector_get_data(vector).cast();
                for row in 0..count {
                    let valid =
                        validity.is_null() || ffi::duckdb_validity_row_is_valid(validity, row);
                    let at = usize::try_from(row).expect("a vector has a few thousand values");
                    if valid && (*values.add(at)).micros.checked_mul(NANOS).is_none() {
                        return Err(out_of_range());
                    }
                }
                Ok(())
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT => {
                for index in 0..ffi::duckdb_struct_type_child_count(ty.0) {
                    let field = LogicalType(ffi::duckdb_struct_type_child_type(ty.0, index));
                    if holds(&field) {
                        let values = ffi::duckdb_struct_vector_get_child(vector, index);
                        check(values, &field, count)?;
                    }
                }
                Ok(())
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                let element = LogicalType(ffi::duckdb_list_type_child_type(ty.0));
                let length = ffi::duckdb_list_vector_get_size(vector);
                if length == 0 || !holds(&element) {
                    return Ok(());
                }
                let copy = Flat::of(ffi::duckdb_list_vector_get_child(vector), &element, length);
                check(copy.0, &element, length)
            }
            _ => Ok(()),
        }
    }
}

/// A copy of a vector that is not compressed.
struct Flat(ffi::duckdb_vector);

impl Flat {
    /// # Safety
    /// `vector` is live, of type `ty`, and has `count` values.
    unsafe fn of(vector: ffi::duckdb_vector, ty: &LogicalType, count: u64) -> Self {
        // SAFETY: by the caller's promise; the selection is filled before it is read, and freed.
        unsafe {
            let selection = ffi::duckdb_create_selection_vector(count);
            let places = ffi::duckdb_selection_vector_get_data_ptr(selection);
            for place in 0..u32::try_from(count).unwrap_or(u32::MAX) {
                *places.add(place as usize) = place;
            }
            let copy = Self(ffi::duckdb_create_vector(ty.0, count));
            ffi::duckdb_vector_copy_sel(vector, copy.0, selection, count, 0, 0);
            ffi::duckdb_destroy_selection_vector(selection);
            copy
        }
    }
}

impl Drop for Flat {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_vector(&raw mut self.0) };
    }
}

fn out_of_range() -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Invalid,
        message: "[datetime_field_overflow] interval out of range".to_owned(),
        position: None,
    }
}
