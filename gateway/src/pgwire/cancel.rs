//! Cancel requests: finds the session by its key and tells it.
//!
//! A request stops the statement that runs when it arrives; none running: it is forgotten, as in
//! PostgreSQL. Keys are random and never logged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng;
use tokio::sync::watch;

/// Tells the statement of one session to stop.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    sender: Arc<watch::Sender<u64>>,
}

impl CancelHandle {
    fn new() -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Stops the statement that runs now, if any.
    pub fn cancel(&self) {
        self.sender.send_modify(|count| *count += 1);
    }

    /// Sees the requests that come from now on.
    pub fn watch(&self) -> CancelWatch {
        CancelWatch {
            receiver: self.sender.subscribe(),
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

#[derive(Debug)]
struct Entry {
    secret: i32,
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
    pub secret: i32,
    /// Tells the session.
    pub handle: CancelHandle,
}

impl CancelRegistry {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<i32, Entry>> {
        // The map is changed by single calls, so that a panic elsewhere leaves it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session under a fresh id.
    pub fn register(&self) -> Registration {
        let mut random = rand::rng();
        let secret = random.random();
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
                secret,
                handle: handle.clone(),
            },
        );
        Registration {
            registry: self.clone(),
            process_id,
            secret,
            handle,
        }
    }

    /// Acts on a cancel request; a wrong key is ignored without a word.
    pub fn cancel(&self, process_id: i32, secret: i32) {
        let entries = self.entries();
        if let Some(entry) = entries.get(&process_id)
            && entry.secret ^ secret == 0
        {
            entry.handle.cancel();
        }
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

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.entries().remove(&self.process_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn only_the_right_key_cancels_and_leaving_frees_the_place() {
        let registry = CancelRegistry::default();
        let session = registry.register();
        let mut watch = session.handle.watch();
        registry.cancel(session.process_id, session.secret.wrapping_add(1));
        assert!(watch.canceled().now_or_never().is_none());
        registry.cancel(session.process_id, session.secret);
        assert!(watch.canceled().now_or_never().is_some());
        assert!(session.handle.watch().canceled().now_or_never().is_none());
        drop(session);
        assert!(registry.is_empty());
    }
}
