//! What an executor is doing and has done, in numbers.
//!
//! Invariants: whatever was counted as running is counted as ended once, however it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::{Stream, StreamExt};
use skein_executor_api::{BatchStream, Executor, Fragment, FragmentError, batch_bytes};

/// Counters of one executor.
#[derive(Debug, Default)]
pub struct Load {
    running: AtomicU64,
    fragments: AtomicU64,
    bytes: AtomicU64,
}

impl Load {
    /// Fragments that run now.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Fragments that have been started.
    pub fn fragments(&self) -> u64 {
        self.fragments.load(Ordering::Relaxed)
    }

    /// Bytes of Arrow that fragments have given.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.fragments.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }
}

/// A fragment that runs.
struct Running(Arc<Load>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An executor whose fragments are counted.
pub struct Counted {
    executor: Arc<dyn Executor>,
    load: Arc<Load>,
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted")
            .field("executor", &self.executor.name())
            .field("load", &self.load)
            .finish()
    }
}

impl Counted {
    /// Counts the fragments of `executor`.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self {
            executor,
            load: Arc::default(),
        }
    }

    /// The counters.
    pub fn load(&self) -> &Arc<Load> {
        &self.load
    }
}

#[async_trait]
impl Executor for Counted {
    fn name(&self) -> &str {
        self.executor.name()
    }

    async fn run(
        &self,
        fragment: Fragment,
        inputs: Vec<BatchStream>,
    ) -> Result<BatchStream, FragmentError> {
        let running = self.load.begin();
        let rows = self.executor.run(fragment, inputs).await?;
        Ok(Box::pin(Rows {
            rows,
            running: Some(running),
        }))
    }
}

/// Rows of a fragment; it counts as running until they end.
struct Rows {
    rows: BatchStream,
    running: Option<Running>,
}

impl Stream for Rows {
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.rows.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(batch))) => {
                if let Some(Running(load)) = &self.running {
                    let bytes = batch_bytes(batch) as u64;
                    load.bytes.fetch_add(bytes, Ordering::Relaxed);
                }
            }
            Poll::Ready(None | Some(Err(_))) => self.running = None,
            Poll::Pending => {}
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use futures::TryStreamExt;
    use skein_executor_api::FragmentErrorKind;

    use super::*;

    /// Gives batches of one row, or an error.
    struct Fake(Result<usize, ()>);

    #[async_trait]
    impl Executor for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }

        async fn run(
            &self,
            _: Fragment,
            _: Vec<BatchStream>,
        ) -> Result<BatchStream, FragmentError> {
            let count = self.0.map_err(|()| FragmentError {
                kind: FragmentErrorKind::Data,
                message: "no".to_owned(),
                position: None,
            })?;
            let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, false)]));
            let batch = RecordBatch::try_new(schema, vec![Arc::new(Int32Array::from(vec![1]))]);
            let batch = batch.expect("one column");
            Ok(Box::pin(futures::stream::iter(vec![Ok(batch); count])))
        }
    }

    fn fragment() -> Fragment {
        Fragment {
            id: skein_executor_api::FragmentId::default(),
            sql: String::new(),
            inputs: Vec::new(),
            settings: std::collections::BTreeMap::new(),
            joined_rows: 0,
            deadline: None,
        }
    }

    #[tokio::test]
    async fn fragments_count_until_they_end_fail_or_are_dropped() {
        let counted = Counted::new(Arc::new(Fake(Ok(2))));
        let load = Arc::clone(counted.load());
        let ended = counted.run(fragment(), Vec::new()).await.expect("it runs");
        let mut dropped = counted.run(fragment(), Vec::new()).await.expect("it runs");
        assert_eq!((load.running(), load.fragments()), (2, 2));
        ended.try_collect::<Vec<_>>().await.expect("it ends");
        assert_eq!(load.running(), 1);
        dropped.try_next().await.expect("a batch");
        let bytes = load.bytes();
        drop(dropped);
        assert_eq!((load.running(), load.fragments()), (0, 2));
        // Two batches of the first, one of the second.
        assert!(bytes > 0 && bytes.is_multiple_of(3), "{bytes}");
        let failing = Counted::new(Arc::new(Fake(Err(()))));
        assert!(failing.run(fragment(), Vec::new()).await.is_err());
        assert_eq!(failing.load().running(), 0);
    }
}
