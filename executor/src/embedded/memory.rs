//! Ends a statement before the system ends the process.
//!
//! DuckDB counts nearly all of its memory and stays within `memory_limit`. What it does not count are the values that
//! a quantile collects and the long texts of one vector; a statement with many of them would take all the memory of
//! the machine, and every session with it.
//!
//! ```text
//! resident memory ──► over the limit, and more than at the last look? ──► stop the statement that has run longest
//! ```
//!
//! Invariant: nothing is stopped while memory does not grow, since what was freed is not given back at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::cancel::{Cancellation, WeakCancellation};

/// How often memory is looked at: at the speed of memory itself some hundred megabytes fit in between.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How long a statement may take to stop before another one is stopped as well.
const STOP_MAX: Duration = Duration::from_secs(2);

/// The fragments that run in this process, in the order in which they started. Memory belongs to the process, so
/// they are those of all its executors.
static RUNNING: Mutex<Vec<WeakCancellation>> = Mutex::new(Vec::new());

/// Counts a fragment among those that run, until it ends.
pub(super) fn runs(cancellation: &Cancellation) {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.retain(WeakCancellation::is_running);
    running.push(cancellation.downgrade());
}

/// Watches the memory of this process until it is dropped.
#[derive(Debug)]
pub struct MemoryGuard {
    watch: AbortHandle,
}

impl MemoryGuard {
    /// Stops fragments, one after the other, while this process has more than `bytes` in memory and takes more.
    /// They end with [`skein_executor_api::FragmentErrorKind::Memory`].
    pub fn start(bytes: u64) -> Self {
        let watch = tokio::spawn(async move {
            let mut before = 0;
            let mut stopped: Option<(Instant, WeakCancellation)> = None;
            let mut looks = tokio::time::interval(LOOK_INTERVAL);
            loop {
                looks.tick().await;
                let Some(now) = resident_bytes() else {
                    return;
                };
                let grows = now > bytes && now > before;
                before = now;
                let waits = stopped
                    .as_ref()
                    .is_some_and(|(since, it)| it.is_running() && since.elapsed() < STOP_MAX);
                if grows && !waits {
                    stopped = stop_longest(now).map(|it| (Instant::now(), it));
                }
            }
        });
        Self {
            watch: watch.abort_handle(),
        }
    }
}

impl Drop for MemoryGuard {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Stops the fragment that has run longest and was not stopped yet.
fn stop_longest(bytes: u64) -> Option<WeakCancellation> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.retain(WeakCancellation::is_running);
    let longest = (!running.is_empty()).then(|| running.remove(0))?;
    drop(running);
    tracing::warn!(
        resident_mb = bytes >> 20,
        "the process is about to run out of memory: its longest statement is stopped"
    );
    longest.out_of_memory();
    Some(longest)
}

/// What this process has in memory, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
