//! The cells of a column, and the weaving of columns into rows.

use std::ops::Range;

use arrow::buffer::NullBuffer;

use super::{EncodeError, ROW_BYTES_MAX, RowBuffer};

/// Most cells are at most this long; they are copied as a whole block, which costs two
/// instructions where an exact copy costs a function call.
const BLOCK: usize = 32;

/// The cells of one column for a chunk of rows, as they stand in a DataRow: a length, and that many
/// bytes. The length of NULL is -1.
#[derive(Debug, Default)]
pub(super) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Something to be done with the writer of a column. It is generic over the writer, so that the
/// loop over a column is compiled for its type.
pub(super) trait Visit {
    /// `write` appends the value in the given row; rows in `nulls` have none.
    fn values<F>(self, nulls: Option<&NullBuffer>, write: F) -> Result<(), EncodeError>
    where
        F: FnMut(usize, &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// Appends the value in one row, which must not be NULL.
pub(super) struct One<'a> {
    pub(super) row: usize,
    pub(super) out: &'a mut Vec<u8>,
}

impl Visit for One<'_> {
    #[inline]
    fn values<F>(self, _nulls: Option<&NullBuffer>, mut write: F) -> Result<(), EncodeError>
    where
        F: FnMut(usize, &mut Vec<u8>) -> Result<(), EncodeError>,
    {
        write(self.row, self.out)
    }
}

/// Fills [`Cells`] with the values in some rows.
pub(super) struct Fill<'a> {
    cells: &'a mut Cells,
    rows: Range<usize>,
}

impl Visit for Fill<'_> {
    #[inline]
    fn values<F>(self, nulls: Option<&NullBuffer>, mut write: F) -> Result<(), EncodeError>
    where
        F: FnMut(usize, &mut Vec<u8>) -> Result<(), EncodeError>,
    {
        let Self { cells, rows } = self;
        match nulls {
            None => {
                for row in rows {
                    cells.push(row, &mut write)?;
                }
            }
            Some(nulls) => {
                for row in rows {
                    if nulls.is_valid(row) {
                        cells.push(row, &mut write)?;
                    } else {
                        cells.push_null();
                    }
                }
            }
        }
        // Room to copy the last cells as whole blocks.
        cells.bytes.extend_from_slice(&[0; BLOCK]);
        Ok(())
    }
}

impl Cells {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(super) fn filler(&mut self, rows: Range<usize>) -> Fill<'_> {
        Fill { cells: self, rows }
    }

    #[inline]
    fn push(
        &mut self,
        row: usize,
        write: &mut impl FnMut(usize, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        write(row, &mut self.bytes)?;
        put_length(&mut self.bytes, start)?;
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn push_null(&mut self) {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self.ends.push(self.bytes.len());
    }
}

/// Puts the length of what was appended since, at `start`, where four bytes are reserved for it.
#[inline]
pub(super) fn put_length(bytes: &mut [u8], start: usize) -> Result<(), EncodeError> {
    let length = bytes.len() - start - 4;
    let length = i32::try_from(length).map_err(|_| EncodeError::RowTooLarge(length))?;
    bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends `rows` DataRow messages that are made of the cells of `columns`.
pub(super) fn weave<'a>(
    columns: impl Iterator<Item = &'a Cells> + Clone,
    rows: usize,
    out: &mut RowBuffer,
) -> Result<(), EncodeError> {
    /// Message type, length, number of columns.
    const HEAD: usize = 7;
    let count = columns.clone().count();
    let count = u16::try_from(count).map_err(|_| EncodeError::RowTooLarge(count))?;
    let start = out.data.len();
    let size = rows * HEAD
        + columns
            .clone()
            .map(|cells| cells.bytes.len())
            .sum::<usize>();
    out.data.resize(start + size + BLOCK, 0);
    let mut columns: Vec<_> = columns
        .map(|cells| (&cells.bytes[..], &cells.ends[..], 0))
        .collect();
    let mut position = start;
    for row in 0..rows {
        let row_start = position;
        position += HEAD;
        for (bytes, ends, from) in &mut columns {
            let end = ends[row];
            let length = end - *from;
            if length <= BLOCK {
                out.data[position..position + BLOCK].copy_from_slice(&bytes[*from..*from + BLOCK]);
            } else {
                out.data[position..position + length].copy_from_slice(&bytes[*from..end]);
            }
            *from = end;
            position += length;
        }
        let length = position - row_start - 1;
        if length > ROW_BYTES_MAX {
            out.data.truncate(row_start);
            return Err(EncodeError::RowTooLarge(length));
        }
        let head = &mut out.data[row_start..row_start + HEAD];
        head[0] = b'D';
        let length = i32::try_from(length).expect("ROW_BYTES_MAX fits");
        head[1..5].copy_from_slice(&length.to_be_bytes());
        head[5..7].copy_from_slice(&count.to_be_bytes());
        out.ends.push(position);
    }
    out.data.truncate(position);
    Ok(())
}
