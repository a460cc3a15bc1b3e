//! What the fragments of a statement have done: rows, bytes and time, for EXPLAIN ANALYZE.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt};
use skein_executor_api::{BatchStream, FragmentError, batch_bytes};
use skein_remote::Measurement;

use super::layout::Layout;

/// Fragments by stage.
#[derive(Debug)]
pub struct Metrics {
    stages: Vec<Vec<Arc<FragmentMetrics>>>,
}

/// One fragment.
#[derive(Debug)]
pub struct FragmentMetrics {
    /// Where it ran.
    pub executor: String,
    /// How many files it read.
    pub files: usize,
    rows: AtomicU64,
    bytes: AtomicU64,
    micros: AtomicU64,
    started: Instant,
}

impl Metrics {
    pub(crate) fn new(layout: &Layout) -> Self {
        let started = Instant::now();
        let stages = layout.stages.iter().map(|placed| {
            let fragments = placed.iter().map(|placed| {
                Arc::new(FragmentMetrics {
                    executor: layout.executors[placed.executor].clone(),
                    files: placed.files.iter().map(Vec::len).sum(),
                    rows: AtomicU64::new(0),
                    bytes: AtomicU64::new(0),
                    micros: AtomicU64::new(0),
                    started,
                })
            });
            fragments.collect()
        });
        Self {
            stages: stages.collect(),
        }
    }

    /// Fragments of each stage.
    pub fn stages(&self) -> &[Vec<Arc<FragmentMetrics>>] {
        &self.stages
    }

    pub(crate) fn fragment(&self, stage: usize, index: usize) -> Arc<FragmentMetrics> {
        Arc::clone(&self.stages[stage][index])
    }
}

impl FragmentMetrics {
    /// Rows it gave.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes of Arrow it gave.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// To its last rows: from the start of the statement, or of the fragment where that ran in
    /// another process.
    pub fn elapsed(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    /// Takes over what an executor in another process has counted.
    pub(crate) fn take(&self, measurement: &Measurement) {
        let micros = u64::try_from(measurement.elapsed.as_micros()).unwrap_or(u64::MAX);
        self.rows.store(measurement.rows, Ordering::Relaxed);
        self.bytes.store(measurement.bytes, Ordering::Relaxed);
        self.micros.store(micros, Ordering::Relaxed);
    }

    fn saw(&self, batch: Option<&RecordBatch>) {
        if let Some(batch) = batch {
            self.rows
                .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            self.bytes
                .fetch_add(batch_bytes(batch) as u64, Ordering::Relaxed);
        }
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.micros.store(micros, Ordering::Relaxed);
    }
}

/// Counts what passes.
pub(crate) struct Measured {
    rows: BatchStream,
    metrics: Arc<FragmentMetrics>,
}

impl Measured {
    pub(crate) fn over(rows: BatchStream, metrics: Arc<FragmentMetrics>) -> BatchStream {
        Box::pin(Self { rows, metrics })
    }
}

impl Stream for Measured {
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.rows.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(batch))) => self.metrics.saw(Some(batch)),
            Poll::Ready(None) => self.metrics.saw(None),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }
}
