//! Every type through the encoder, against what PostgreSQL 15 prints and sends.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeBinaryArray, Int32Array, NullArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field as ArrowField, Schema};

use super::*;

mod nested;
mod numbers;
mod texts;
mod times;

type Cell = Option<Vec<u8>>;

fn batch(arrays: &[ArrayRef]) -> RecordBatch {
    let fields = arrays.iter().enumerate().map(|(index, array)| {
        ArrowField::new(format!("c{index}"), array.data_type().clone(), true)
    });
    RecordBatch::try_new(
        Arc::new(Schema::new(fields.collect::<Vec<_>>())),
        arrays.to_vec(),
    )
    .unwrap()
}

fn columns(types: &[&str]) -> Vec<Column> {
    let named = |(index, ty): (usize, &&str)| Column {
        name: format!("c{index}"),
        ty: (*ty).to_owned(),
    };
    types.iter().enumerate().map(named).collect()
}

/// Reads DataRow messages.
fn rows(buffer: &RowBuffer) -> Vec<Vec<Cell>> {
    let mut start = 0;
    let mut rows = Vec::new();
    for &end in &buffer.ends {
        let message = &buffer.data[start..end];
        let number = |at: usize| i32::from_be_bytes(message[at..at + 4].try_into().unwrap());
        assert_eq!(message[0], b'D');
        assert_eq!(usize::try_from(number(1)).unwrap(), message.len() - 1);
        let count = i16::from_be_bytes(message[5..7].try_into().unwrap());
        let mut at = 7;
        let cells = (0..count).map(|_| {
            let length = number(at);
            at += 4;
            let length = usize::try_from(length).ok()?;
            at += length;
            Some(message[at - length..at].to_vec())
        });
        rows.push(cells.collect());
        assert_eq!(at, message.len());
        start = end;
    }
    assert_eq!(start, buffer.data.len());
    rows
}

fn column(ty: &str, array: &ArrayRef, format: Format, settings: &EncodeSettings) -> Vec<Cell> {
    let mut encoder = RowEncoder::new(&columns(&[ty]), &[format], settings).unwrap();
    let mut buffer = RowBuffer::default();
    encoder
        .encode(&batch(&[Arc::clone(array)]), &mut buffer)
        .unwrap();
    rows(&buffer)
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect()
}

/// Bytes in hexadecimal digits.
pub(in crate::encode) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn texts(ty: &str, array: &ArrayRef, settings: &EncodeSettings) -> Vec<String> {
    let shown =
        |cell: Cell| cell.map_or("NULL".to_owned(), |cell| String::from_utf8(cell).unwrap());
    column(ty, array, Format::Text, settings)
        .into_iter()
        .map(shown)
        .collect()
}

fn hexes(ty: &str, array: &ArrayRef) -> Vec<String> {
    let shown = |cell: Cell| cell.map_or("NULL".to_owned(), |cell| hex(&cell));
    column(ty, array, Format::Binary, &EncodeSettings::default())
        .into_iter()
        .map(shown)
        .collect()
}

/// Checks one value in text and binary, alone, and in a slice behind NULLs.
#[track_caller]
fn check(ty: &str, array: impl arrow::array::Array + 'static, text: &str, hex: &str) {
    let array: ArrayRef = Arc::new(array);
    assert_eq!(
        texts(ty, &array, &EncodeSettings::default()),
        [text],
        "{ty}"
    );
    assert_eq!(hexes(ty, &array), [hex], "{ty} {text}");
    let nulls = arrow::array::new_null_array(array.data_type(), 3);
    let padded = arrow::compute::concat(&[&nulls, &array, &nulls]).unwrap();
    let sliced = padded.slice(2, 3);
    let settings = EncodeSettings::default();
    assert_eq!(
        texts(ty, &sliced, &settings),
        ["NULL", text, "NULL"],
        "{ty} in a slice"
    );
    assert_eq!(hexes(ty, &sliced), ["NULL", hex, "NULL"], "{ty} in a slice");
}

fn fixed(bytes: &[u8]) -> FixedSizeBinaryArray {
    FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap()
}

fn timestamp(micros: i64) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(vec![micros])
}

#[test]
fn columns_without_a_type_are_null() {
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    assert_eq!(
        texts("\"NULL\"", &nothing, &EncodeSettings::default()),
        ["NULL", "NULL"]
    );
    assert_eq!(hexes("INTEGER", &nothing), ["NULL", "NULL"]);
    let typed: ArrayRef = Arc::new(Int32Array::from(vec![None, None]));
    assert_eq!(
        texts("\"NULL\"", &typed, &EncodeSettings::default()),
        ["NULL", "NULL"]
    );
}

#[test]
fn rows_of_several_columns_are_woven_in_order() {
    let count = CHUNK_ROWS * 2 + 17;
    let numbers: Int32Array = (0..count).map(|row| i32::try_from(row).ok()).collect();
    let words: StringArray = (0..count)
        .map(|row| (!row.is_multiple_of(3)).then(|| "w".repeat(row % 70)))
        .collect();
    let batch = batch(&[Arc::new(numbers), Arc::new(words)]);
    let formats = [Format::Binary, Format::Text];
    let types = columns(&["INTEGER", "VARCHAR"]);
    let mut encoder = RowEncoder::new(&types, &formats, &EncodeSettings::default()).unwrap();
    let mut all = RowBuffer::default();
    encoder.encode(&batch, &mut all).unwrap();
    let expected = |row: usize| {
        let number = i32::try_from(row).unwrap().to_be_bytes().to_vec();
        vec![
            Some(number),
            (!row.is_multiple_of(3)).then(|| "w".repeat(row % 70).into_bytes()),
        ]
    };
    assert_eq!(rows(&all), (0..count).map(expected).collect::<Vec<_>>());

    // In portions: each holds at least a chunk, and together they are the same.
    let (mut row, mut portions) = (0, Vec::new());
    let mut portion = RowBuffer::default();
    while row < count {
        portion.clear();
        row = encoder.encode_some(&batch, row, 1, &mut portion).unwrap();
        assert!(portion.rows() <= CHUNK_ROWS);
        portions.extend_from_slice(&portion.data);
    }
    assert_eq!(portions, all.data);
}

#[test]
fn rows_without_columns_are_rows() {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(2));
    let batch =
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let mut encoder = RowEncoder::new(&[], &[], &EncodeSettings::default()).unwrap();
    let mut buffer = RowBuffer::default();
    encoder.encode(&batch, &mut buffer).unwrap();
    assert_eq!(buffer.data, b"D\0\0\0\x06\0\0D\0\0\0\x06\0\0");
}

#[test]
fn batches_of_other_types_are_refused() {
    let settings = EncodeSettings::default();
    let mut encoder = RowEncoder::new(&columns(&["DATE"]), &[Format::Text], &settings).unwrap();
    let words: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let error = encoder
        .encode(&batch(&[words]), &mut RowBuffer::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "column c0 of type DATE cannot be encoded from Utf8"
    );
    let error = RowEncoder::new(&columns(&["DATE"]), &[], &settings).unwrap_err();
    assert!(matches!(
        error,
        EncodeError::FormatCount {
            formats: 0,
            columns: 1
        }
    ));
}

#[test]
fn fields_are_described_with_their_types() {
    let types = columns(&["DECIMAL(10,4)", "VARCHAR[]"]);
    let origins = [Origin {
        relation: 16_384,
        attribute: 2,
        ..Origin::default()
    }];
    let fields = row_description(&types, &[Format::Binary], &origins).unwrap();
    let described: Vec<_> = fields
        .iter()
        .map(|field| {
            (
                (
                    field.name.as_str(),
                    field.relation_oid,
                    field.attribute_number,
                ),
                (
                    field.type_oid,
                    field.type_length,
                    field.type_modifier,
                    field.format,
                ),
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            (("c0", 16_384, 2), (1700, -1, 655_368, 1)),
            (("c1", 0, 0), (1009, -1, -1, 0))
        ]
    );
}
