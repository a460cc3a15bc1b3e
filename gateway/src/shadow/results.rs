//! Results of repeatable queries: noted on their way to a client, and given again.
//!
//! ```text
//! DuckDB ─► Recording ─► client          the first time
//!               └─ at the end ─► Kept ─► client          from then on
//! ```
//!
//! Invariant: only what was read to its end, without an error, is kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{StreamExt, stream};
use skein_executor_api::BatchStream;

use super::Shadow;

/// What the rows of a query depend on.
pub(super) fn key(sql: &str, settings: &BTreeMap<String, String>) -> String {
    let mut key = String::with_capacity(sql.len() + 64);
    for (name, value) in settings {
        let _ = write!(key, "{name}={value}\u{1f}");
    }
    key.push_str(sql);
    key
}

/// Rows that are there.
pub(crate) fn kept_rows(rows: &Arc<[RecordBatch]>) -> BatchStream {
    let rows = Arc::clone(rows);
    let each = (0..rows.len()).map(move |index| Ok(rows[index].clone()));
    Box::pin(stream::iter(each))
}

/// Rows on their way to a client, of which copies are kept until they are too many.
pub(super) struct Recording {
    shadow: Arc<Shadow>,
    key: String,
    rows: BatchStream,
    /// `None`: they are too many.
    copies: Option<Vec<RecordBatch>>,
    bytes: usize,
}

impl Recording {
    pub(super) fn of(shadow: Arc<Shadow>, key: String, rows: BatchStream) -> Self {
        Self {
            shadow,
            key,
            rows,
            copies: Some(Vec::new()),
            bytes: 0,
        }
    }

    /// The same rows. What was read to its end without an error is kept.
    pub(super) fn stream(self) -> BatchStream {
        Box::pin(stream::unfold(self, |mut recording| async move {
            match recording.rows.next().await {
                Some(Ok(batch)) => {
                    recording.note(&batch);
                    Some((Ok(batch), recording))
                }
                Some(Err(error)) => {
                    recording.copies = None;
                    Some((Err(error), recording))
                }
                None => {
                    let Self { shadow, key, .. } = recording;
                    if let Some(copies) = recording.copies {
                        shadow.results.put(key, copies.into(), recording.bytes);
                    }
                    None
                }
            }
        }))
    }

    fn note(&mut self, batch: &RecordBatch) {
        self.bytes += batch.get_array_memory_size();
        let fits = self.shadow.results.takes(&self.key, self.bytes);
        match &mut self.copies {
            Some(copies) if fits => copies.push(batch.clone()),
            copies => *copies = None,
        }
    }
}
