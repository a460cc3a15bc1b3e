//! Stopping a statement from another thread.
//!
//! DuckDB forgets an interrupt that arrives before a statement has started, and an interrupt must
//! not hit the next statement of a pooled connection. So a handle remembers the request, the
//! statement looks at it once it can be interrupted, and the handle is detached when it has ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libduckdb_sys as ffi;

use super::connection::RawConnection;

/// Interrupts what runs on a connection, until [`Self::detach`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct InterruptHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requested: AtomicBool,
    connection: Mutex<Option<Arc<RawConnection>>>,
}

impl InterruptHandle {
    pub(super) fn new(connection: Arc<RawConnection>) -> Self {
        let connection = Mutex::new(Some(connection));
        Self {
            shared: Arc::new(Shared {
                requested: AtomicBool::new(false),
                connection,
            }),
        }
    }

    /// Asks the running statement to end with [`Canceled`], and later ones that are given this
    /// handle not to start. Returns whether something can still run: while it does, ask again.
    ///
    /// [`Canceled`]: skein_executor_api::FragmentErrorKind::Canceled
    pub fn interrupt(&self) -> bool {
        self.shared.requested.store(true, Ordering::SeqCst);
        let connection = self
            .shared
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(raw) = connection.as_ref() {
            // SAFETY: the connection is live, and DuckDB allows this call from any thread.
            unsafe { ffi::duckdb_interrupt(raw.handle) };
        }
        connection.is_some()
    }

    /// Whether [`Self::interrupt`] was called.
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::SeqCst)
    }

    /// Whether the statement that it stops has not ended yet.
    pub fn is_attached(&self) -> bool {
        let connection = self.shared.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Ends the handle's power over the connection: later interrupts do nothing.
    pub fn detach(&self) {
        self.shared
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}
