//! Stopping a fragment: its statement, the tasks that bring its inputs, and its wait for a reader.
//!
//! Separate from the stream because three may stop a fragment: a reader that leaves, the deadline,
//! and the fragment's own end, which releases the tasks of inputs it has not read to the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use skein_executor_api::{FragmentError, FragmentErrorKind};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::InterruptHandle;

/// How often DuckDB is asked again to stop.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(20);

/// The error of a fragment whose deadline has passed.
pub(super) fn timed_out() -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Timeout,
        message: "the time limit of the statement has passed".to_owned(),
        position: None,
    }
}

/// Shared by the blocking part of a fragment and whoever may stop it.
#[derive(Clone, Debug)]
pub(super) struct Cancellation {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    token: CancellationToken,
    timed_out: AtomicBool,
    out_of_memory: AtomicBool,
    interrupt: InterruptHandle,
}

/// Does not keep a fragment's connection.
#[derive(Clone, Debug)]
pub(super) struct WeakCancellation {
    shared: Weak<Shared>,
}

impl WeakCancellation {
    /// Whether the statement has neither ended nor been stopped.
    pub(super) fn is_running(&self) -> bool {
        let shared = self.shared.upgrade();
        shared.is_some_and(|shared| shared.interrupt.is_attached())
    }

    /// Stops the fragment because there is no memory for it.
    pub(super) fn out_of_memory(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.out_of_memory.store(true, Ordering::SeqCst);
            Cancellation { shared }.cancel();
        }
    }
}

/// Lives in the output stream: stops the fragment when the stream is dropped before its end.
#[derive(Debug)]
pub(super) struct Guard {
    cancellation: Cancellation,
    watch: Option<AbortHandle>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
        self.cancellation.cancel();
    }
}

impl Cancellation {
    pub(super) fn new(interrupt: InterruptHandle) -> Self {
        let shared = Shared {
            token: CancellationToken::new(),
            timed_out: AtomicBool::new(false),
            out_of_memory: AtomicBool::new(false),
            interrupt,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A guard that also stops the fragment when `deadline` passes, whether it is read or not.
    pub(super) fn guard(&self, deadline: Option<Instant>) -> Guard {
        let watch = deadline.map(|deadline| {
            let cancellation = self.clone();
            let watch = tokio::spawn(async move {
                tokio::select! {
                    () = cancellation.shared.token.cancelled() => {}
                    () = tokio::time::sleep_until(deadline.into()) => {
                        cancellation.shared.timed_out.store(true, Ordering::SeqCst);
                        cancellation.cancel();
                    }
                }
            });
            watch.abort_handle()
        });
        Guard {
            cancellation: self.clone(),
            watch,
        }
    }

    /// Stops everything. Returns at once; DuckDB is asked until its statement has ended.
    fn cancel(&self) {
        self.shared.token.cancel();
        let interrupt = self.shared.interrupt.clone();
        if interrupt.interrupt() {
            // A thread, of which there are no more than connections, because the runtime may be
            // shutting down, and then waits for this very statement.
            std::thread::spawn(move || {
                while interrupt.interrupt() {
                    std::thread::sleep(INTERRUPT_INTERVAL);
                }
            });
        }
    }

    /// The statement has ended: nothing interrupts the connection any more, and inputs that are
    /// still being moved stop.
    pub(super) fn finish(&self) {
        self.shared.interrupt.detach();
        self.shared.token.cancel();
    }

    pub(super) fn interrupt_handle(&self) -> &InterruptHandle {
        &self.shared.interrupt
    }

    pub(super) fn token(&self) -> &CancellationToken {
        &self.shared.token
    }

    pub(super) fn downgrade(&self) -> WeakCancellation {
        WeakCancellation {
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// Tells a deadline, and the want of memory, from a reader that left: `error` is what the statement
    /// ended with.
    pub(super) fn explain(&self, error: FragmentError) -> FragmentError {
        if self.shared.timed_out.load(Ordering::SeqCst) {
            timed_out()
        } else if self.shared.out_of_memory.load(Ordering::SeqCst) {
            FragmentError {
                kind: FragmentErrorKind::Memory,
                message: "the machine has no more memory for the statement".to_owned(),
                position: None,
            }
        } else {
            error
        }
    }
}
