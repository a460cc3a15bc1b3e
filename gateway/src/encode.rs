//! Turns Arrow batches into DataRow messages.
//!
//! ```text
//! RecordBatch ─► Values per column ─► Cells per column ─► rows, back to back
//!                typed view           length and bytes    RowBuffer
//! ```
//!
//! A chunk of rows is written column by column, so that each loop knows its type, and then woven
//! into rows. Text follows PostgreSQL's output functions to the letter, binary its send functions;
//! both are driven by DuckDB's type text, because several DuckDB types share an Arrow type.
//!
//! Where DuckDB has values that PostgreSQL has not:
//! - Nanoseconds are rounded to the nearest microsecond, as PostgreSQL rounds what it reads.
//! - Nested lists are arrays of several dimensions. In text, sublists of different lengths and NULL
//!   sublists appear as they are; the binary form cannot express them, which is an error.
//! - A STRUCT without names, as `ROW(1, 2)` makes it, is a record.
//! - Other STRUCTs, MAP, UNION and lists of them are json, written as PostgreSQL's `to_json` would: the
//!   fields of a struct by name (`f1`, `f2`… when they have none), a map by the text of its keys,
//!   a union as an object with its one member. Numbers that JSON lacks are strings.
//! - Dates and timestamps beyond PostgreSQL's range are shown in text and refused in binary.
//!
//! Invariants: an error leaves only complete rows in the buffer. No value is computed here, only
//! written differently.

mod array;
mod binary;
mod cells;
pub mod copy;
pub(crate) mod datetime;
pub(crate) mod float;
mod interval;
mod json;
pub(crate) mod network;
mod numeric;
mod record;
mod settings;
mod text;
mod values;
mod zone;

use arrow::array::RecordBatch;
use skein_catalog::types::{Type, TypeError};
use skein_executor_api::Column;

pub use settings::{
    ByteaOutput, DateFormat, DateOrder, DateStyle, EncodeSettings, Format, IntervalStyle,
    result_formats,
};
pub use zone::Zone;

use crate::pgwire::backend::Field;
use cells::Cells;
use values::Values;

/// Rows that are written together, so that their cells stay in the processor's cache.
const CHUNK_ROWS: usize = 256;
/// A message cannot be longer, by its length field.
const ROW_BYTES_MAX: usize = i32::MAX as usize;

/// Why rows cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The type of a column cannot be read.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A batch does not have the columns that were announced; a bug.
    #[error("column {column} of type {expected} cannot be encoded from {found}")]
    Mismatch {
        /// Its name.
        column: String,
        /// DuckDB's type text.
        expected: String,
        /// Arrow's type.
        found: String,
    },
    /// The values of a column are damaged; a bug.
    #[error("a value of type {0} is damaged")]
    Damaged(&'static str),
    /// A row is longer than a message can be.
    #[error("a row of {0} bytes is too large for the protocol")]
    RowTooLarge(usize),
    /// Binary arrays are rectangular.
    #[error("multidimensional arrays must have sub-arrays with matching dimensions")]
    RaggedArray,
    /// Binary dates and times have PostgreSQL's range; the value is of this PostgreSQL type.
    #[error("{0} out of range")]
    OutOfRange(&'static str),
    /// The client gave formats for another number of columns.
    #[error("bind message has {formats} result formats but query has {columns} columns")]
    FormatCount {
        /// How many it gave.
        formats: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// Formats are 0 and 1.
    #[error("unsupported format code: {0}")]
    UnsupportedFormat(i16),
}

/// Complete DataRow messages, back to back.
#[derive(Debug, Default)]
pub struct RowBuffer {
    /// The messages.
    pub data: Vec<u8>,
    /// Where each row ends in `data`.
    pub ends: Vec<usize>,
}

impl RowBuffer {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }
}

/// Writes the rows of one portal.
#[derive(Debug)]
pub struct RowEncoder {
    columns: Vec<EncodedColumn>,
    settings: EncodeSettings,
}

#[derive(Debug)]
struct EncodedColumn {
    name: String,
    text: String,
    ty: Type,
    format: Format,
    cells: Cells,
}

impl RowEncoder {
    /// Prepares for columns of these types in these formats, one for each column.
    pub fn new(
        columns: &[Column],
        formats: &[Format],
        settings: &EncodeSettings,
    ) -> Result<Self, EncodeError> {
        if formats.len() != columns.len() {
            let (formats, columns) = (formats.len(), columns.len());
            return Err(EncodeError::FormatCount { formats, columns });
        }
        let columns = columns.iter().zip(formats).map(|(column, &format)| {
            Ok(EncodedColumn {
                name: column.name.clone(),
                text: column.ty.clone(),
                ty: Type::parse(&column.ty)?,
                format,
                cells: Cells::default(),
            })
        });
        Ok(Self {
            columns: columns.collect::<Result<_, EncodeError>>()?,
            settings: settings.clone(),
        })
    }

    /// Appends all rows of `batch` to `out`.
    pub fn encode(&mut self, batch: &RecordBatch, out: &mut RowBuffer) -> Result<(), EncodeError> {
        self.encode_some(batch, 0, usize::MAX, out).map(|_| ())
    }

    /// Appends rows of `batch` from row `start` on, until it ends or `out` holds `bytes_max` bytes
    /// or more, and gives the first row that was not taken. At least one chunk of rows is taken, so
    /// that calling it again always gets on.
    pub fn encode_some(
        &mut self,
        batch: &RecordBatch,
        start: usize,
        bytes_max: usize,
        out: &mut RowBuffer,
    ) -> Result<usize, EncodeError> {
        let values = self.values(batch)?;
        let settings = &self.settings;
        let mut row = start;
        while row < batch.num_rows() {
            let rows = row..batch.num_rows().min(row + CHUNK_ROWS);
            row = rows.end;
            for (column, values) in self.columns.iter_mut().zip(&values) {
                column.cells.clear();
                let fill = column.cells.filler(rows.clone());
                match column.format {
                    Format::Text => text::visit(values, settings, fill)?,
                    Format::Binary => binary::visit(values, &column.ty, settings, fill)?,
                }
            }
            cells::weave(
                self.columns.iter().map(|column| &column.cells),
                rows.len(),
                out,
            )?;
            if out.data.len() >= bytes_max {
                break;
            }
        }
        Ok(row)
    }

    fn values(&self, batch: &RecordBatch) -> Result<Vec<Values>, EncodeError> {
        if batch.num_columns() != self.columns.len() {
            return Err(EncodeError::Mismatch {
                column: "*".to_owned(),
                expected: format!("{} columns", self.columns.len()),
                found: format!("{} columns", batch.num_columns()),
            });
        }
        let columns = self.columns.iter().zip(batch.columns());
        let values = columns.map(|(column, array)| {
            let values = Values::new(&column.ty, array);
            // DuckDB makes an integer of `x + NULL`, whatever the type of `x` is.
            let values = values.or_else(|| Values::nothing(array));
            values.ok_or_else(|| EncodeError::Mismatch {
                column: column.name.clone(),
                expected: column.text.clone(),
                found: array.data_type().to_string(),
            })
        });
        values.collect()
    }
}

/// Where a result column comes from, as RowDescription tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `pg_class.oid` of the relation, 0 for an expression.
    pub relation: u32,
    /// `pg_attribute.attnum`, 0 for an expression.
    pub attribute: i16,
    /// What is told of the type's modifier.
    pub modifier: Modifier,
}

/// The modifier of a result column's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Modifier {
    /// That of DuckDB's type.
    #[default]
    Held,
    /// This one; -1 for none.
    Is(i32),
}

/// The fields of RowDescription. `origins` may be shorter than `columns`: the rest are expressions;
/// the same holds for `formats`, and the rest is text, as in the answer to Describe Statement.
pub fn row_description(
    columns: &[Column],
    formats: &[Format],
    origins: &[Origin],
) -> Result<Vec<Field>, EncodeError> {
    let fields = columns.iter().enumerate().map(|(index, column)| {
        let pg = Type::parse(&column.ty)?.pg();
        let origin = origins.get(index).copied().unwrap_or_default();
        Ok(Field {
            name: column.name.clone(),
            relation_oid: origin.relation,
            attribute_number: origin.attribute,
            type_oid: pg.oid,
            type_length: pg.len,
            type_modifier: match origin.modifier {
                Modifier::Held => pg.typmod,
                Modifier::Is(modifier) => modifier,
            },
            format: formats.get(index).copied().unwrap_or_default().code(),
        })
    });
    fields.collect()
}

#[cfg(test)]
mod tests;
