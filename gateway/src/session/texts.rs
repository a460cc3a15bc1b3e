//! Results that the session makes itself, such as those of SHOW and EXPLAIN.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use futures::stream;
use skein_executor_api::{BatchStream, Column};

/// Columns of text, by name.
pub(super) fn columns(names: &[&str]) -> Vec<Column> {
    names
        .iter()
        .map(|name| Column {
            name: (*name).to_owned(),
            ty: "VARCHAR".to_owned(),
        })
        .collect()
}

/// Rows of text; every row has a value for each of the columns.
pub(super) fn rows(columns: &[Column], rows: &[Vec<String>]) -> BatchStream {
    let arrays = columns.iter().enumerate().map(|(index, column)| {
        let values: StringArray = rows.iter().map(|row| row.get(index)).collect();
        (column.name.as_str(), Arc::new(values) as ArrayRef)
    });
    let batch =
        RecordBatch::try_from_iter_with_nullable(arrays.map(|(name, array)| (name, array, true)));
    let batch = batch.expect("columns of one length were made above");
    Box::pin(stream::iter([Ok(batch)]))
}
