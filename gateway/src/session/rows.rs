//! Rows on their way from a stream of batches to the client.
//!
//! ```text
//! BatchStream ─► batch ─► RowEncoder ─► RowBuffer ─► writer ─► client
//! ```
//!
//! Invariants: at most one batch and one buffer of encoded rows are held, however slow the client
//! is: the next batch is taken only after the writer has sent what it should. Rows are counted
//! when they are given to the writer.

use std::time::Duration;

use arrow::array::RecordBatch;
use futures::StreamExt;
use skein_executor_api::{BatchStream, Column};

use super::guard::Guard;
use crate::encode::{EncodeSettings, Format, RowBuffer, RowEncoder};
use crate::error::GatewayError;
use crate::pgwire::stream::Writer;

/// Encoded rows that are made at once.
const ENCODED_BYTES: usize = 256 * 1024;

/// How long encoded rows wait for more of them before they leave.
const SOON: Duration = Duration::from_millis(100);

/// How sending rows ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// So many rows, and there are no more.
    All(u64),
    /// As many rows as were asked for; there may be more.
    Limit(u64),
}

/// The result of one statement, partly sent.
pub struct ResultRows {
    stream: Option<BatchStream>,
    encoder: RowEncoder,
    /// The batch that is being encoded, and the first row that is not yet.
    batch: Option<(RecordBatch, usize)>,
    buffer: RowBuffer,
    /// The row of the batch at which the buffer begins.
    buffer_start: usize,
    columns: Vec<Column>,
    formats: Vec<Format>,
    /// Rows of the buffer that have been given to the writer.
    taken: usize,
}

impl ResultRows {
    /// Prepares to send a stream with these columns.
    pub fn new(
        stream: BatchStream,
        columns: &[Column],
        formats: &[Format],
        settings: &EncodeSettings,
    ) -> Result<Self, GatewayError> {
        Ok(Self {
            stream: Some(stream),
            encoder: RowEncoder::new(columns, formats, settings)?,
            batch: None,
            buffer: RowBuffer::default(),
            buffer_start: 0,
            columns: columns.to_vec(),
            formats: formats.to_vec(),
            taken: 0,
        })
    }

    /// Sends rows until `rows_max` (`None`: all) or the end of the result.
    pub async fn send(
        &mut self,
        writer: &mut Writer,
        rows_max: Option<u64>,
        guard: &mut Guard,
    ) -> Result<Sent, GatewayError> {
        let mut count = 0;
        loop {
            let wanted = rows_max.map_or(u64::MAX, |most| most - count);
            count += self.give(writer, wanted);
            if rows_max == Some(count) {
                return Ok(Sent::Limit(count));
            }
            guard.run(writer.flush_if_large()).await?;
            if !self.encode_more(Some(writer), guard).await? {
                return Ok(Sent::All(count));
            }
        }
    }

    /// Waits until a row is there, or the end of the result is known.
    pub async fn fill(&mut self, guard: &mut Guard) -> Result<(), GatewayError> {
        if self.taken >= self.buffer.rows() {
            self.encode_more(None, guard).await?;
        }
        Ok(())
    }

    /// Changes the formats of the rows that follow.
    pub fn set_formats(
        &mut self,
        formats: &[Format],
        settings: &EncodeSettings,
    ) -> Result<(), GatewayError> {
        if self.formats == formats {
            return Ok(());
        }
        self.encoder = RowEncoder::new(&self.columns, formats, settings)?;
        self.formats = formats.to_vec();
        // What was encoded but not taken is encoded again.
        if let Some((_, next)) = &mut self.batch {
            *next = self.buffer_start + self.taken;
        }
        self.buffer.clear();
        self.taken = 0;
        Ok(())
    }

    /// Passes over rows.
    pub async fn skip(
        &mut self,
        rows_max: Option<u64>,
        guard: &mut Guard,
    ) -> Result<Sent, GatewayError> {
        let mut count = 0;
        loop {
            let wanted = rows_max.map_or(u64::MAX, |most| most - count);
            let left = self.buffer.rows() - self.taken;
            let passed = left.min(usize::try_from(wanted).unwrap_or(usize::MAX));
            self.taken += passed;
            count += passed as u64;
            if rows_max == Some(count) {
                return Ok(Sent::Limit(count));
            }
            if !self.encode_more(None, guard).await? {
                return Ok(Sent::All(count));
            }
        }
    }

    /// Gives up to `wanted` encoded rows to the writer.
    fn give(&mut self, writer: &mut Writer, wanted: u64) -> u64 {
        let left = self.buffer.rows() - self.taken;
        let count = left.min(usize::try_from(wanted).unwrap_or(usize::MAX));
        if count > 0 {
            let end_of = |row: usize| row.checked_sub(1).map_or(0, |row| self.buffer.ends[row]);
            let (start, end) = (end_of(self.taken), end_of(self.taken + count));
            if start == 0 && end == self.buffer.data.len() {
                writer.out().take_encoded(&mut self.buffer.data);
            } else {
                writer.out().encoded(&self.buffer.data[start..end]);
            }
            self.taken += count;
        }
        count as u64
    }

    /// Encodes further rows; `false` when there are none. What waits in `writer` leaves if they take
    /// their time.
    async fn encode_more(
        &mut self,
        mut writer: Option<&mut Writer>,
        guard: &mut Guard,
    ) -> Result<bool, GatewayError> {
        self.buffer.clear();
        self.taken = 0;
        while self.buffer.rows() == 0 {
            if self
                .batch
                .as_ref()
                .is_none_or(|(batch, next)| *next >= batch.num_rows())
            {
                self.batch = None;
                let Some(stream) = self.stream.as_mut() else {
                    return Ok(false);
                };
                match next_batch(stream, writer.as_deref_mut(), guard).await {
                    Ok(Some(batch)) => self.batch = Some((batch, 0)),
                    Ok(None) => {
                        self.stream = None;
                        return Ok(false);
                    }
                    Err(error) => {
                        self.stream = None;
                        return Err(error);
                    }
                }
            }
            if let Some((batch, start)) = &mut self.batch {
                self.buffer_start = *start;
                *start =
                    self.encoder
                        .encode_some(batch, *start, ENCODED_BYTES, &mut self.buffer)?;
            }
        }
        Ok(true)
    }
}

/// The next batch. What waits in `writer` leaves if it takes its time: a client sees rows that come
/// slowly as they come.
pub(super) async fn next_batch(
    stream: &mut BatchStream,
    writer: Option<&mut Writer>,
    guard: &mut Guard,
) -> Result<Option<RecordBatch>, GatewayError> {
    let Some(writer) = writer else {
        return guard.run(async { stream.next().await.transpose() }).await;
    };
    let soon = async {
        // What is not there in time is not lost: the stream goes on where it was.
        match tokio::time::timeout(SOON, stream.next()).await {
            Ok(next) => next.transpose().map(Some),
            Err(_) => Ok(None),
        }
    };
    if let Some(next) = guard.run(soon).await? {
        return Ok(next);
    }
    guard.run(writer.flush()).await?;
    guard.run(async { stream.next().await.transpose() }).await
}

#[cfg(test)]
mod tests;
