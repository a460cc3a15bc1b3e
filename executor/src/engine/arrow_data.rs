//! Data chunks of DuckDB as Arrow batches, and back.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::connection::RawConnection;
use super::error::take_error_data;
use super::intervals;
use super::types::LogicalType;

pub(super) fn arrow_error(error: &ArrowError) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message: format!("rows could not be exchanged with DuckDB: {error}"),
        position: None,
    }
}

/// A data chunk owned by us.
pub(super) struct Chunk(pub(super) ffi::duckdb_data_chunk);

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_data_chunk(&raw mut self.0) };
    }
}

/// How a result's chunks become Arrow: DuckDB's options of the statement, and the schema.
pub(super) struct Export {
    options: ffi::duckdb_arrow_options,
    pub(super) schema: SchemaRef,
    /// Columns that are intervals or hold some, with their types.
    intervals: Vec<(u64, LogicalType)>,
}

impl Drop for Export {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_arrow_options(&raw mut self.options) };
    }
}

impl Export {
    /// # Safety
    /// `result` is a live result without an error.
    pub(super) unsafe fn new(result: &mut ffi::duckdb_result) -> Result<Self, FragmentError> {
        // SAFETY: the result is live; the options are owned by the value made below.
        let options = unsafe { ffi::duckdb_result_get_arrow_options(result) };
        let mut export = Self {
            options,
            schema: Arc::new(Schema::empty()),
            intervals: Vec::new(),
        };
        let (mut types, mut names) = (Vec::new(), Vec::new());
        // SAFETY: the indices are below the column count; the names live as long as the result.
        unsafe {
            for index in 0..ffi::duckdb_column_count(result) {
                types.push(LogicalType(ffi::duckdb_column_logical_type(result, index)));
                names.push(ffi::duckdb_column_name(result, index));
            }
        }
        let mut handles: Vec<_> = types.iter().map(|ty| ty.0).collect();
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: both arrays have the given length; `FFI_ArrowSchema` has the C layout that
        // DuckDB fills, and frees what it is filled with.
        unsafe {
            take_error_data(ffi::duckdb_to_arrow_schema(
                export.options,
                handles.as_mut_ptr(),
                names.as_mut_ptr(),
                handles.len() as u64,
                (&raw mut schema).cast(),
            ))?;
        }
        export.schema = Arc::new(Schema::try_from(&schema).map_err(|error| arrow_error(&error))?);
        export.intervals = (0..)
            .zip(types)
            .filter(|(_, ty)| intervals::holds(ty))
            .collect();
        Ok(export)
    }

    /// Converts a chunk of the result.
    pub(super) fn batch(&self, chunk: &Chunk) -> Result<RecordBatch, FragmentError> {
        for (index, ty) in &self.intervals {
            // SAFETY: the chunk is live, and fetched chunks are flat.
            unsafe {
                let count = ffi::duckdb_data_chunk_get_size(chunk.0);
                let values = ffi::duckdb_data_chunk_get_vector(chunk.0, *index);
                intervals::check(values, ty, count)?;
            }
        }
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: the chunk is live; `FFI_ArrowArray` has the C layout that DuckDB fills.
        let rows = unsafe {
            take_error_data(ffi::duckdb_data_chunk_to_arrow(
                self.options,
                chunk.0,
                (&raw mut array).cast(),
            ))?;
            ffi::duckdb_data_chunk_get_size(chunk.0)
        };
        let ty = DataType::Struct(self.schema.fields().clone());
        // SAFETY: DuckDB made the array for exactly this schema.
        let data = unsafe { from_ffi_and_data_type(array, ty) };
        let columns = StructArray::from(data.map_err(|error| arrow_error(&error))?);
        let rows = usize::try_from(rows).expect("a chunk has at most a few thousand rows");
        RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns.columns().to_vec(),
            &RecordBatchOptions::new().with_row_count(Some(rows)),
        )
        .map_err(|error| arrow_error(&error))
    }
}

/// How batches of one schema become DuckDB's vectors.
///
/// Each column is imported as a chunk of its own: of a chunk's columns, DuckDB makes only the first
/// keep the imported memory alive, and one that is converted while it is copied, such as a BOOLEAN,
/// even frees it before the others are read. Dictionaries become plain: DuckDB cannot import one
/// inside an empty list.
pub(super) struct Import {
    connection: ffi::duckdb_connection,
    schema: SchemaRef,
    columns: Vec<ColumnImport>,
    /// Types of the columns in DuckDB.
    pub(super) types: Vec<LogicalType>,
}

struct ColumnImport {
    converted: ffi::duckdb_arrow_converted_schema,
    /// Without dictionaries.
    field: FieldRef,
}

impl Drop for ColumnImport {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_arrow_converted_schema(&raw mut self.converted) };
    }
}

// SAFETY: DuckDB's import only reads the converted schema and the connection's settings.
unsafe impl Send for Import {}
// SAFETY: as above.
unsafe impl Sync for Import {}

/// Rows in a vector of DuckDB.
pub(super) fn vector_rows() -> usize {
    // SAFETY: returns a constant.
    let rows = unsafe { ffi::duckdb_vector_size() };
    usize::try_from(rows).expect("a vector has a few thousand rows")
}

impl Import {
    /// Prepares to convert batches of `schema`. Must not be used after the connection is gone.
    pub(super) fn new(
        connection: &RawConnection,
        schema: &SchemaRef,
    ) -> Result<Self, FragmentError> {
        let mut import = Self {
            connection: connection.handle,
            schema: Arc::clone(schema),
            columns: Vec::with_capacity(schema.fields().len()),
            types: Vec::with_capacity(schema.fields().len()),
        };
        let empty = RecordBatch::new_empty(Arc::clone(schema));
        for (index, field) in schema.fields().iter().enumerate() {
            let field = plain_field(field);
            let alone = Schema::new(vec![Arc::clone(&field)]);
            let mut exported =
                FFI_ArrowSchema::try_from(&alone).map_err(|error| arrow_error(&error))?;
            let mut column = ColumnImport {
                converted: std::ptr::null_mut(),
                field,
            };
            // SAFETY: the connection is live; the schema has the C layout and stays ours.
            unsafe {
                take_error_data(ffi::duckdb_schema_from_arrow(
                    connection.handle,
                    (&raw mut exported).cast(),
                    &raw mut column.converted,
                ))?;
            }
            import.columns.push(column);
            let chunk = import.column(&empty, index)?;
            // SAFETY: the chunk has one vector.
            import.types.push(LogicalType(unsafe {
                ffi::duckdb_vector_get_column_type(ffi::duckdb_data_chunk_get_vector(chunk.0, 0))
            }));
        }
        Ok(import)
    }

    /// Whether batches of `schema` can be converted with this.
    pub(super) fn accepts(&self, schema: &SchemaRef) -> bool {
        Arc::ptr_eq(schema, &self.schema)
            || schema.fields().len() == self.schema.fields().len()
                && schema
                    .fields()
                    .iter()
                    .zip(self.schema.fields())
                    .all(|(theirs, ours)| {
                        plain_type(theirs.data_type())
                            .equals_datatype(&plain_type(ours.data_type()))
                            && theirs.metadata() == ours.metadata()
                    })
    }

    /// Converts a column of a batch of at most [`vector_rows`] rows to a chunk of one vector, which
    /// keeps the column's memory alive as long as DuckDB refers to it.
    pub(super) fn column(&self, batch: &RecordBatch, index: usize) -> Result<Chunk, FragmentError> {
        let (column, import) = (batch.column(index), &self.columns[index]);
        let column = if holds_dictionary(column.data_type()) {
            cast(column, import.field.data_type()).map_err(|error| arrow_error(&error))?
        } else {
            Arc::clone(column)
        };
        // Whether values may be null does not matter to the import, but to the constructor.
        let field = Field::new("c", column.data_type().clone(), true);
        let alone = StructArray::from(vec![(Arc::new(field), column)]);
        let mut array = FFI_ArrowArray::new(&alone.to_data());
        let mut chunk = std::ptr::null_mut();
        // SAFETY: the array has the schema that was converted; DuckDB takes it over and clears its
        // release callback, or leaves it to us on an error.
        unsafe {
            take_error_data(ffi::duckdb_data_chunk_from_arrow(
                self.connection,
                (&raw mut array).cast(),
                import.converted,
                &raw mut chunk,
            ))?;
        }
        Ok(Chunk(chunk))
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    if holds_dictionary(field.data_type()) {
        Arc::new(
            field
                .as_ref()
                .clone()
                .with_data_type(plain_type(field.data_type())),
        )
    } else {
        Arc::clone(field)
    }
}

fn holds_dictionary(ty: &DataType) -> bool {
    match ty {
        DataType::Dictionary(..) => true,
        DataType::List(child)
        | DataType::LargeList(child)
        | DataType::FixedSizeList(child, _)
        | DataType::Map(child, _) => holds_dictionary(child.data_type()),
        DataType::Struct(children) => children
            .iter()
            .any(|child| holds_dictionary(child.data_type())),
        _ => false,
    }
}

fn plain_type(ty: &DataType) -> DataType {
    match ty {
        _ if !holds_dictionary(ty) => ty.clone(),
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(child) => DataType::List(plain_field(child)),
        DataType::LargeList(child) => DataType::LargeList(plain_field(child)),
        DataType::FixedSizeList(child, size) => DataType::FixedSizeList(plain_field(child), *size),
        DataType::Map(child, sorted) => DataType::Map(plain_field(child), *sorted),
        DataType::Struct(children) => DataType::Struct(children.iter().map(plain_field).collect()),
        other => other.clone(),
    }
}
