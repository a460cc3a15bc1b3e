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

/// Appends bytes to be filled in place. What is put together elsewhere first and then copied as a
/// block has to wait until the processor has written all the parts.
#[inline]
pub(super) fn room<const BYTES: usize>(out: &mut Vec<u8>) -> &mut [u8; BYTES] {
    out.extend_from_slice(&[0; BYTES]);
    out.last_chunk_mut().expect("they were just appended")
}

/// Appends a text of which most are short. Up to sixteen bytes are copied by two moves of fixed
/// size, which may overlap: calls of `memcpy` were a tenth of the gateway's time on long results.
#[inline]
pub(super) fn short(text: &[u8], out: &mut Vec<u8>) {
    let length = text.len();
    if length > 16 {
        out.extend_from_slice(text);
        return;
    }
    let end = out.len() + length;
    let block = room::<16>(out);
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        block[..8].copy_from_slice(first);
        block[length - 8..length].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        block[..4].copy_from_slice(first);
        block[length - 4..length].copy_from_slice(last);
    } else if let [first, .., last] = text {
        // Two or three bytes.
        block[0] = *first;
        block[1] = text[1];
        block[length - 1] = *last;
    } else if let [only] = text {
        block[0] = *only;
    }
    out.truncate(end);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_of_every_length_are_appended() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for length in 0..=text.len() {
            let mut out = b"before".to_vec();
            short(&text[..length], &mut out);
            assert_eq!(out, [b"before", &text[..length]].concat());
        }
    }
}
