//! Cursors: where one stands, and how FETCH and MOVE take it elsewhere.
//!
//! Mirrors `DoPortalRunFetch` and `PortalRunSelect` of PostgreSQL's `pquery.c`. A cursor that was
//! declared with SCROLL keeps the rows it has seen, up to a limit; every other one goes forward only,
//! as PostgreSQL's do where the plan cannot run backward.
//!
//! ```text
//! Walk ─┬─ Forward: ResultRows, which pass
//!       └─ Scroll:  ScrollRows, which stay
//! ```
//!
//! Invariant: the description of the columns is sent only when a row or the end of the result is
//! known, since PostgreSQL runs FETCH before it sends anything.

use arrow::array::RecordBatch;
use futures::StreamExt;
use skein_executor_api::{BatchStream, Column, batch_bytes};
use skein_planner::parse::FetchDirection;

use super::guard::Guard;
use super::rows::{ResultRows, Sent};
use crate::encode::{EncodeSettings, Format, RowBuffer, RowEncoder};
use crate::error::GatewayError;
use crate::pgwire::backend::Field;
use crate::pgwire::stream::Writer;

/// Encoded rows that are made at once.
const ENCODED_BYTES: usize = 256 * 1024;

/// How a cursor was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CursorOptions {
    /// `SCROLL`
    pub scroll: bool,
    /// `BINARY`
    pub binary: bool,
}

/// Where a cursor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Rows passed: the current row is the one before.
    position: u64,
    at_start: bool,
    at_end: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            position: 0,
            at_start: true,
            at_end: false,
        }
    }
}

/// The rows of a cursor.
pub enum CursorRows {
    /// Each is seen once.
    Forward(Box<ResultRows>),
    /// They are kept.
    Scroll(Box<ScrollRows>),
}

/// Where FETCH sends rows.
pub struct Destination<'a> {
    /// The client.
    pub writer: &'a mut Writer,
    /// Formats of the columns.
    pub formats: &'a [Format],
    /// What is sent before the first row.
    pub head: Option<Vec<Field>>,
    /// How values look.
    pub settings: EncodeSettings,
}

impl Destination<'_> {
    /// Sends what comes before the first row, once.
    pub fn begin(&mut self) {
        if let Some(fields) = self.head.take() {
            self.writer.out().row_description(&fields);
        }
    }
}

/// A cursor on its way; `to` is `None` for MOVE.
pub struct Walk<'a, 'b> {
    /// Its rows.
    pub rows: &'a mut CursorRows,
    /// Where it stands.
    pub place: &'a mut Place,
    /// Where rows go.
    pub to: Option<&'a mut Destination<'b>>,
    /// What stops it.
    pub guard: &'a mut Guard,
}

impl Walk<'_, '_> {
    /// Goes, and gives the number of rows sent or passed.
    pub async fn go(&mut self, direction: FetchDirection) -> Result<u64, GatewayError> {
        use FetchDirection::{Absolute, BackwardAll, Forward, ForwardAll, Relative};
        match direction {
            ForwardAll => self.run(true, None, true).await,
            BackwardAll => self.backward_all().await,
            Forward(0) | Relative(0) => self.again().await,
            Forward(count) => self.run(count > 0, Some(count.unsigned_abs()), true).await,
            Absolute(0) => {
                self.rewind()?;
                Ok(0)
            }
            Absolute(count) if count > 0 => self.absolute(count.unsigned_abs()).await,
            Absolute(count) => {
                self.run(true, None, false).await?;
                self.relative(false, count.unsigned_abs()).await
            }
            Relative(count) => self.relative(count > 0, count.unsigned_abs()).await,
        }
    }

    /// Passes over all rows but the last of `count`, which is sent.
    async fn relative(&mut self, forward: bool, count: u64) -> Result<u64, GatewayError> {
        if count > 1 {
            self.run(forward, Some(count - 1), false).await?;
        }
        self.run(forward, Some(1), true).await
    }

    async fn absolute(&mut self, count: u64) -> Result<u64, GatewayError> {
        if count - 1 <= self.place.position / 2 {
            self.rewind()?;
            if count > 1 {
                self.run(true, Some(count - 1), false).await?;
            }
        } else {
            // One further fetch leads back from behind the end.
            let position = self.place.position + u64::from(self.place.at_end);
            if count <= position {
                self.run(false, Some(position - count + 1), false).await?;
            } else if count > position + 1 {
                self.run(true, Some(count - position - 1), false).await?;
            }
        }
        self.run(true, Some(1), true).await
    }

    /// The current row once more.
    async fn again(&mut self) -> Result<u64, GatewayError> {
        if self.place.at_start || self.place.at_end {
            return Ok(0);
        }
        if self.to.is_none() {
            return Ok(1);
        }
        self.run(false, Some(1), false).await?;
        self.run(true, Some(1), true).await
    }

    async fn backward_all(&mut self) -> Result<u64, GatewayError> {
        if self.to.is_some() {
            return self.run(false, None, true).await;
        }
        let position = self.place.position;
        let on_row = position > 0 && !self.place.at_end;
        self.rewind()?;
        Ok(position - u64::from(on_row))
    }

    fn rewind(&mut self) -> Result<(), GatewayError> {
        if self.place.at_start && !self.place.at_end {
            return Ok(());
        }
        self.need_scroll()?;
        *self.place = Place::default();
        Ok(())
    }

    fn need_scroll(&self) -> Result<(), GatewayError> {
        match self.rows {
            CursorRows::Scroll(_) => Ok(()),
            CursorRows::Forward(_) => Err(GatewayError::CursorForwardOnly),
        }
    }

    /// Goes `count` rows, or all there are. Rows that are not sent are passed over.
    async fn run(
        &mut self,
        forward: bool,
        count: Option<u64>,
        send: bool,
    ) -> Result<u64, GatewayError> {
        if !forward {
            self.need_scroll()?;
        }
        let blocked = if forward {
            self.place.at_end
        } else {
            self.place.at_start
        };
        if blocked || count == Some(0) {
            return Ok(0);
        }
        let to = self.to.as_deref_mut().filter(|_| send);
        let place = &mut *self.place;
        let done = match (&mut *self.rows, to) {
            (CursorRows::Forward(rows), None) => rows.skip(count, self.guard).await?.count(),
            (CursorRows::Forward(rows), Some(to)) => {
                rows.set_formats(to.formats, &to.settings)?;
                rows.fill(self.guard).await?;
                to.begin();
                rows.send(to.writer, count, self.guard).await?.count()
            }
            (CursorRows::Scroll(rows), to) => {
                if forward {
                    rows.forward(place.position, count, to, self.guard).await?
                } else {
                    // Behind the end the last row comes first.
                    let first = place.position - u64::from(!place.at_end);
                    rows.backward(first, count, to, self.guard).await?
                }
            }
        };
        let short = count.is_none_or(|count| done < count);
        if forward {
            place.at_start &= done == 0;
            place.at_end |= short;
            place.position += done;
        } else {
            if done > 0 && place.at_end {
                place.at_end = false;
                place.position += 1;
            }
            if short {
                place.at_start = true;
                place.position = 0;
            } else {
                place.position -= done;
            }
        }
        Ok(done)
    }
}

impl Sent {
    fn count(self) -> u64 {
        match self {
            Self::All(count) | Self::Limit(count) => count,
        }
    }
}

/// A result that stays: the rows seen so far, and the stream of those to come.
pub struct ScrollRows {
    stream: Option<BatchStream>,
    columns: Vec<Column>,
    batches: Vec<RecordBatch>,
    /// Rows up to the end of each batch.
    ends: Vec<u64>,
    bytes: usize,
    bytes_max: usize,
}

impl ScrollRows {
    /// Keeps up to `bytes_max` bytes of a result with these columns.
    pub fn new(stream: BatchStream, columns: Vec<Column>, bytes_max: usize) -> Self {
        Self {
            stream: Some(stream),
            columns,
            batches: Vec::new(),
            ends: Vec::new(),
            bytes: 0,
            bytes_max,
        }
    }

    fn known(&self) -> u64 {
        self.ends.last().copied().unwrap_or_default()
    }

    /// Takes rows from the stream until there are `wanted`, or no more.
    async fn take(&mut self, wanted: u64, guard: &mut Guard) -> Result<(), GatewayError> {
        while self.known() < wanted {
            let Some(stream) = self.stream.as_mut() else {
                return Ok(());
            };
            match guard.run(async { stream.next().await.transpose() }).await? {
                None => self.stream = None,
                Some(batch) => {
                    self.bytes += batch_bytes(&batch);
                    if self.bytes > self.bytes_max {
                        return Err(GatewayError::Limit {
                            message: format!(
                                "a SCROLL cursor can keep at most {} bytes of rows",
                                self.bytes_max
                            ),
                            hint: "Declare it without SCROLL, let it give fewer rows, or raise \
                                   gateway.scroll_bytes_max."
                                .to_owned(),
                        });
                    }
                    self.ends.push(self.known() + batch.num_rows() as u64);
                    self.batches.push(batch);
                }
            }
        }
        Ok(())
    }

    /// The batch that has a known row, and its place in it.
    fn find(&self, row: u64) -> (usize, usize) {
        let index = self.ends.partition_point(|end| *end <= row);
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let offset = usize::try_from(row - start).expect("a batch has fewer rows than memory");
        (index, offset)
    }

    fn encoder(&self, to: &Destination<'_>) -> Result<RowEncoder, GatewayError> {
        Ok(RowEncoder::new(&self.columns, to.formats, &to.settings)?)
    }

    async fn forward(
        &mut self,
        start: u64,
        count: Option<u64>,
        to: Option<&mut Destination<'_>>,
        guard: &mut Guard,
    ) -> Result<u64, GatewayError> {
        let end = count.map_or(u64::MAX, |count| start.saturating_add(count));
        self.take(end, guard).await?;
        let end = end.min(self.known()).max(start);
        if let Some(to) = to {
            to.begin();
            let mut encoder = self.encoder(to)?;
            let mut buffer = RowBuffer::default();
            let mut row = start;
            while row < end {
                let (index, offset) = self.find(row);
                let left = usize::try_from(end - row).unwrap_or(usize::MAX);
                let batch = &self.batches[index];
                let batch = batch.slice(offset, left.min(batch.num_rows() - offset));
                let mut next = 0;
                while next < batch.num_rows() {
                    buffer.clear();
                    next = encoder.encode_some(&batch, next, ENCODED_BYTES, &mut buffer)?;
                    to.writer.out().take_encoded(&mut buffer.data);
                    guard.run(to.writer.flush_if_large()).await?;
                }
                row += batch.num_rows() as u64;
            }
        }
        Ok(end - start)
    }

    /// Rows before `first`, the last one first.
    async fn backward(
        &mut self,
        first: u64,
        count: Option<u64>,
        to: Option<&mut Destination<'_>>,
        guard: &mut Guard,
    ) -> Result<u64, GatewayError> {
        let count = count.map_or(first, |count| count.min(first));
        if let Some(to) = to {
            to.begin();
            let mut encoder = self.encoder(to)?;
            let mut buffer = RowBuffer::default();
            for row in (first - count..first).rev() {
                let (index, offset) = self.find(row);
                buffer.clear();
                encoder.encode(&self.batches[index].slice(offset, 1), &mut buffer)?;
                to.writer.out().encoded(&buffer.data);
                guard.run(to.writer.flush_if_large()).await?;
            }
        }
        Ok(count)
    }
}
