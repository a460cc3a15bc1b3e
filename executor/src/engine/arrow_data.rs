//! Data chunks of DuckDB as Arrow batches, and back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StructArray, UInt8Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::connection::RawConnection;
use super::error::take_error_data;
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
        Ok(export)
    }

    /// Converts a chunk of the result.
    pub(super) fn batch(&self, chunk: &Chunk) -> Result<RecordBatch, FragmentError> {
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

/// How batches of one schema become DuckDB's chunks.
///
/// A constant column goes before those of the batch: DuckDB's import frees the array after the
/// first column when that one is a BOOLEAN of the lossless conversion, and reads the others then.
/// Dictionaries become plain: DuckDB cannot import one inside an empty list.
pub(super) struct Import {
    connection: ffi::duckdb_connection,
    converted: ffi::duckdb_arrow_converted_schema,
    /// As the batches come.
    source: SchemaRef,
    /// With plain values and the constant column.
    target: SchemaRef,
    /// Types of the batch's columns in DuckDB.
    pub(super) types: Vec<LogicalType>,
    zeros: UInt8Array,
}

// SAFETY: DuckDB's import only reads the converted schema and the connection's settings.
unsafe impl Send for Import {}
// SAFETY: as above.
unsafe impl Sync for Import {}

impl Drop for Import {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_arrow_converted_schema(&raw mut self.converted) };
    }
}

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
        let constant = Arc::new(Field::new("constant", DataType::UInt8, false));
        let fields = std::iter::once(constant).chain(schema.fields().iter().map(plain_field));
        let target = Arc::new(Schema::new(fields.collect::<Fields>()));
        let mut exported =
            FFI_ArrowSchema::try_from(target.as_ref()).map_err(|error| arrow_error(&error))?;
        let mut import = Self {
            connection: connection.handle,
            converted: std::ptr::null_mut(),
            source: Arc::clone(schema),
            target,
            types: Vec::new(),
            zeros: UInt8Array::from(vec![0; vector_rows()]),
        };
        // SAFETY: the connection is live; the schema has the C layout and stays ours.
        unsafe {
            take_error_data(ffi::duckdb_schema_from_arrow(
                connection.handle,
                (&raw mut exported).cast(),
                &raw mut import.converted,
            ))?;
        }
        let empty = import.chunk(&RecordBatch::new_empty(Arc::clone(schema)))?;
        for index in 1..=schema.fields().len() as u64 {
            // SAFETY: the chunk has one vector for each column of the target schema.
            import.types.push(LogicalType(unsafe {
                ffi::duckdb_vector_get_column_type(ffi::duckdb_data_chunk_get_vector(
                    empty.0, index,
                ))
            }));
        }
        Ok(import)
    }

    /// Whether batches of `schema` can be converted with this.
    pub(super) fn accepts(&self, schema: &SchemaRef) -> bool {
        Arc::ptr_eq(schema, &self.source)
            || schema.fields().len() == self.source.fields().len()
                && schema
                    .fields()
                    .iter()
                    .zip(self.source.fields())
                    .all(|(theirs, ours)| {
                        plain_type(theirs.data_type())
                            .equals_datatype(&plain_type(ours.data_type()))
                            && theirs.metadata() == ours.metadata()
                    })
    }

    /// Converts a batch of at most [`vector_rows`] rows. Column `i` is vector `i + 1`.
    pub(super) fn chunk(&self, batch: &RecordBatch) -> Result<Chunk, FragmentError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns() + 1);
        columns.push(Arc::new(self.zeros.slice(0, batch.num_rows())));
        for (column, field) in batch.columns().iter().zip(&self.target.fields()[1..]) {
            columns.push(match holds_dictionary(column.data_type()) {
                true => cast(column, field.data_type()).map_err(|error| arrow_error(&error))?,
                false => Arc::clone(column),
            });
        }
        // The fields are those of the columns: which of them may be null does not matter here.
        let fields: Fields = self
            .target
            .fields()
            .iter()
            .zip(&columns)
            .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
            .collect();
        let rows = StructArray::try_new(fields, columns, None).map_err(|e| arrow_error(&e))?;
        let mut array = FFI_ArrowArray::new(&rows.to_data());
        let mut chunk = std::ptr::null_mut();
        // SAFETY: the array has the schema that was converted; DuckDB takes it over and clears its
        // release callback, or leaves it to us on an error.
        unsafe {
            take_error_data(ffi::duckdb_data_chunk_from_arrow(
                self.connection,
                (&raw mut array).cast(),
                self.converted,
                &raw mut chunk,
            ))?;
        }
        Ok(Chunk(chunk))
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    match holds_dictionary(field.data_type()) {
        true => Arc::new(
            field
                .as_ref()
                .clone()
                .with_data_type(plain_type(field.data_type())),
        ),
        false => Arc::clone(field),
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
