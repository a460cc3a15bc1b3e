//! How many statements run at once.
//!
//! A statement takes a place among the running ones, and as many slots as it may hold connections of the busiest
//! executor, together and before it starts. It gives them back when its rows have ended, or when others wait and
//! nobody has asked for its next rows for a while: a client that shows the first page of a cursor does not keep
//! anybody out. What is left of such a statement runs beside the others when it is asked for.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::future::{Either, select};
use futures::{Stream, StreamExt};
use skein_executor_api::{BatchStream, FragmentError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::error::GatewayError;

/// Lets statements in.
#[derive(Debug)]
pub(super) struct Admission {
    running: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    slots_max: usize,
    /// Statements that wait for room.
    waiting: AtomicUsize,
    queue_max: usize,
    timeout: Duration,
    paused_after: Duration,
    /// Statements that run.
    places: Mutex<Vec<Weak<Place>>>,
}

/// What a statement holds while it runs.
#[derive(Debug)]
pub(super) struct Place {
    permits: Mutex<Option<[OwnedSemaphorePermit; 2]>>,
    /// Since when rows are there and not asked for. `None`: they are asked for.
    unread_since: Mutex<Option<Instant>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// Whether nobody has asked for its rows for so long.
    fn is_paused(&self, long: Duration) -> bool {
        let since = *locked(&self.unread_since);
        since.is_some_and(|since| since.elapsed() >= long)
    }

    fn give_back(&self) {
        locked(&self.permits).take();
    }
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        let slots_max = limits.connections_max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            running: Arc::new(Semaphore::new(limits.running_queries_max.max(1))),
            slots: Arc::new(Semaphore::new(slots_max)),
            slots_max,
            waiting: AtomicUsize::new(0),
            queue_max: limits.admission_queue_max,
            timeout: limits.admission_timeout,
            paused_after: limits.paused_after,
            places: Mutex::default(),
        }
    }

    /// Connections of one executor that one statement may hold.
    pub(super) fn slots_max(&self) -> usize {
        self.slots_max
    }

    /// Waits for room, for a statement that needs so many connections.
    pub(super) async fn admit(
        &self,
        slots: usize,
        deadline: Option<Instant>,
    ) -> Result<Arc<Place>, GatewayError> {
        let permits = self.permits(slots, deadline).await?;
        let place = Arc::new(Place {
            permits: Mutex::new(Some(permits)),
            unread_since: Mutex::new(None),
        });
        let mut places = locked(&self.places);
        places.retain(|place| place.strong_count() > 0);
        places.push(Arc::downgrade(&place));
        Ok(place)
    }

    async fn permits(
        &self,
        slots: usize,
        deadline: Option<Instant>,
    ) -> Result<[OwnedSemaphorePermit; 2], GatewayError> {
        let full = |limit| GatewayError::TooManyStatements { limit };
        let slots = u32::try_from(slots).map_err(|_| full("executors.connections_max"))?;
        if let Ok(running) = Arc::clone(&self.running).try_acquire_owned()
            && let Ok(slots) = Arc::clone(&self.slots).try_acquire_many_owned(slots)
        {
            return Ok([running, slots]);
        }
        let _waits = Waits::new(&self.waiting, self.queue_max)
            .ok_or_else(|| full("gateway.admission_queue_max"))?;
        let lacks = AtomicBool::new(false);
        let both = async {
            let running = Arc::clone(&self.running).acquire_owned().await;
            lacks.store(true, Ordering::Relaxed);
            let slots = Arc::clone(&self.slots).acquire_many_owned(slots).await;
            match (running, slots) {
                (Ok(running), Ok(slots)) => Ok([running, slots]),
                _ => Err(GatewayError::Shutdown),
            }
        };
        let both = self.while_places_are_cleared(both);
        let limit = Instant::now() + self.timeout;
        match deadline {
            Some(deadline) if deadline < limit => tokio::time::timeout_at(deadline.into(), both)
                .await
                .unwrap_or(Err(GatewayError::StatementTimeout)),
            _ => tokio::time::timeout_at(limit.into(), both)
                .await
                .unwrap_or_else(|_| {
                    Err(full(if lacks.load(Ordering::Relaxed) {
                        "executors.connections_max"
                    } else {
                        "gateway.running_queries_max"
                    }))
                }),
        }
    }

    /// Takes back the places of paused statements until `wait` is over.
    async fn while_places_are_cleared<T>(&self, wait: impl Future<Output = T>) -> T {
        let clear = async {
            loop {
                let places: Vec<Arc<Place>> = locked(&self.places)
                    .iter()
                    .filter_map(Weak::upgrade)
                    .collect();
                let paused = places
                    .iter()
                    .filter(|place| place.is_paused(self.paused_after));
                paused.for_each(|place| place.give_back());
                drop(places);
                tokio::time::sleep(self.paused_after / 4).await;
            }
        };
        let clear: Pin<Box<dyn Future<Output = std::convert::Infallible> + Send>> = Box::pin(clear);
        match select(Box::pin(wait), clear).await {
            Either::Left((done, _)) => done,
            Either::Right((never, _)) => match never {},
        }
    }
}

/// A place in the queue of statements.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let next = |count: usize| (count < most).then_some(count + 1);
        let entered = waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        entered.is_ok().then_some(Self(waiting))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Rows of a statement that was let in; its place is free when they end.
pub(super) struct Admitted {
    rows: Option<BatchStream>,
    place: Arc<Place>,
}

impl Admitted {
    pub(super) fn new(rows: BatchStream, place: Arc<Place>) -> Self {
        *locked(&place.unread_since) = Some(Instant::now());
        Self {
            rows: Some(rows),
            place,
        }
    }
}

impl Stream for Admitted {
    type Item = Result<RecordBatch, FragmentError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(rows) = self.rows.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = rows.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(_))) => *locked(&self.place.unread_since) = Some(Instant::now()),
            Poll::Ready(None | Some(Err(_))) => {
                self.rows = None;
                self.place.give_back();
            }
            Poll::Pending => *locked(&self.place.unread_since) = None,
        }
        polled
    }
}
