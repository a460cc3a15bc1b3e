//! Cancel requests: finds the session by its key and tells it.
//!
//! A request stops the statement that runs when it arrives; none running: it is forgotten, as in
//! PostgreSQL. A statement may have been sent just before on the session's own connection, so an idle
//! session gets a moment to read it. Keys are random and never logged. The same handle ends a session for
//! good, when another session asks for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;

/// Bytes of a key, by the minor version of the protocol.
const KEY_BYTES: usize = 4;
const KEY_BYTES_SINCE_2: usize = 32;

/// How long a request waits for a statement of an idle session, and how often it looks. The requesting
/// connection stays open until then: a client that waits for its end never stops its next statement.
const IDLE_WAIT: Duration = Duration::from_millis(5);
const IDLE_LOOK: Duration = Duration::from_millis(1);

/// Tells one session to stop its statement, or to end.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    statement: Arc<watch::Sender<u64>>,
    session: Arc<watch::Sender<bool>>,
}

impl CancelHandle {
    fn new() -> Self {
        Self {
            statement: Arc::new(watch::Sender::new(0)),
            session: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Stops the statement that runs now, if any.
    pub fn cancel(&self) {
        self.statement.send_modify(|count| *count += 1);
    }

    /// Whether no statement runs.
    fn is_idle(&self) -> bool {
        self.statement.receiver_count() == 0
    }

    /// Ends the session.
    pub fn terminate(&self) {
        self.session.send_replace(true);
    }

    /// Sees the requests that come from now on.
    pub fn watch(&self) -> CancelWatch {
        CancelWatch {
            receiver: self.statement.subscribe(),
        }
    }

    /// Sees whether the session has to end.
    pub fn termination(&self) -> Termination {
        Termination {
            receiver: self.session.subscribe(),
        }
    }
}

/// Sees the requests made after it was created.
pub struct CancelWatch {
    receiver: watch::Receiver<u64>,
}

impl CancelWatch {
    /// Returns when a cancel request has come.
    pub async fn canceled(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender lives in the session, so this is only reached when it is being dropped.
            std::future::pending::<()>().await;
        }
    }
}

/// Sees the end of a session that another one asks for.
#[derive(Clone, Debug)]
pub struct Termination {
    receiver: watch::Receiver<bool>,
}

impl Termination {
    /// Whether the session has to end.
    pub fn is_requested(&self) -> bool {
        *self.receiver.borrow()
    }

    /// Returns when the session has to end.
    pub async fn requested(&mut self) {
        if self.receiver.wait_for(|ends| *ends).await.is_err() {
            // As above.
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: Vec<u8>,
    handle: CancelHandle,
}

/// Sessions by process id.
#[derive(Clone, Debug, Default)]
pub struct CancelRegistry {
    entries: Arc<Mutex<BTreeMap<i32, Entry>>>,
}

/// A session's place in the registry; leaving frees it.
#[derive(Debug)]
pub struct Registration {
    registry: CancelRegistry,
    /// What the client takes for the id of a server process.
    pub process_id: i32,
    /// What proves that a cancel request comes from the client.
    pub key: Vec<u8>,
    /// Tells the session.
    pub handle: CancelHandle,
}

impl CancelRegistry {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<i32, Entry>> {
        // The map is changed by single calls, so that a panic elsewhere leaves it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session under a fresh id. `minor` is the version of protocol 3 that it speaks: since
    /// the second one keys may be longer than a number.
    pub fn register(&self, minor: u16) -> Registration {
        let mut random = rand::rng();
        let bytes = if minor >= 2 {
            KEY_BYTES_SINCE_2
        } else {
            KEY_BYTES
        };
        let mut key = vec![0; bytes];
        random.fill(key.as_mut_slice());
        let handle = CancelHandle::new();
        let mut entries = self.entries();
        let process_id = loop {
            let candidate = random.random_range(1..i32::MAX);
            if !entries.contains_key(&candidate) {
                break candidate;
            }
        };
        entries.insert(
            process_id,
            Entry {
                key: key.clone(),
                handle: handle.clone(),
            },
        );
        Registration {
            registry: self.clone(),
            process_id,
            key,
            handle,
        }
    }

    /// Acts on a cancel request; a wrong key is ignored without a word.
    pub async fn cancel(&self, process_id: i32, key: &[u8]) {
        let Some(handle) = self.handle(process_id, key) else {
            return;
        };
        let until = tokio::time::Instant::now() + IDLE_WAIT;
        while handle.is_idle() && tokio::time::Instant::now() < until {
            tokio::time::sleep(IDLE_LOOK).await;
        }
        handle.cancel();
    }

    fn handle(&self, process_id: i32, key: &[u8]) -> Option<CancelHandle> {
        let entries = self.entries();
        let entry = entries.get(&process_id)?;
        is_same(&entry.key, key).then(|| entry.handle.clone())
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }
}

/// Compares in a time that does not tell how much of the key is right.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let pairs = left.iter().zip(right);
    left.len() == right.len() && pairs.fold(0, |seen, (left, right)| seen | (left ^ right)) == 0
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.entries().remove(&self.process_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn only_the_right_key_cancels_and_leaving_frees_the_place() {
        let registry = CancelRegistry::default();
        for (minor, bytes) in [(0, 4), (2, 32)] {
            let session = registry.register(minor);
            assert_eq!(session.key.len(), bytes);
            let mut watch = session.handle.watch();
            let mut wrong = session.key.clone();
            wrong[bytes - 1] ^= 1;
            registry.cancel(session.process_id, &wrong).await;
            registry.cancel(session.process_id, &session.key[1..]).await;
            registry.cancel(session.process_id, &[]).await;
            assert!(watch.canceled().now_or_never().is_none());
            registry.cancel(session.process_id, &session.key).await;
            assert!(watch.canceled().now_or_never().is_some());
            assert!(session.handle.watch().canceled().now_or_never().is_none());
        }
        assert!(registry.is_empty());
    }

    #[tokio::test]
    async fn a_request_that_overtakes_its_statement_stops_it() {
        let registry = CancelRegistry::default();
        let session = registry.register(0);
        let mut request = std::pin::pin!(registry.cancel(session.process_id, &session.key));
        assert!(request.as_mut().now_or_never().is_none());
        let mut statement = session.handle.watch();
        request.await;
        assert!(statement.canceled().now_or_never().is_some());
    }

    #[test]
    fn an_end_that_was_asked_for_is_seen_also_later() {
        let session = CancelRegistry::default().register(0);
        assert!(
            session
                .handle
                .termination()
                .requested()
                .now_or_never()
                .is_none()
        );
        session.handle.terminate();
        for _ in 0..2 {
            let mut termination = session.handle.termination();
            assert!(termination.requested().now_or_never().is_some());
        }
    }
}
