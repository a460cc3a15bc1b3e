//! What this process uses: a cluster runs inside of the test's own process, so a leak or a query
//! that did not stop shows here. Reads `/proc`.

use std::fs;
use std::time::{Duration, Instant};

/// How much of `/proc`'s clock tick a second has; the same on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time used so far, by all threads.
pub fn cpu_time() -> Duration {
    cpu_time_of("self")
}

/// CPU time that another process has used so far; none if it is gone.
pub fn cpu_time_of(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field, in parentheses, may contain spaces. utime and stime are fields 14 and 15.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Resident memory, in bytes.
pub fn resident_bytes() -> u64 {
    status("VmRSS:") * 1024
}

/// Resident memory of another process, in bytes; 0 if it is gone.
pub fn resident_bytes_of(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    number(&status, "VmRSS:") * 1024
}

/// Threads.
pub fn threads() -> u64 {
    status("Threads:")
}

/// Open files and sockets.
pub fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    number(&status, field)
}

fn number(status: &str, field: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Waits until this process has used next to no CPU for a while, and says how long that took.
/// `None`: it was still busy after `limit`.
pub fn idle_within(limit: Duration) -> Option<Duration> {
    idle_within_of("self", limit)
}

/// The same for another process.
pub fn idle_within_of(process: &str, limit: Duration) -> Option<Duration> {
    const SPAN: Duration = Duration::from_millis(200);
    let start = Instant::now();
    loop {
        let before = cpu_time_of(process);
        // Measuring idleness is waiting.
        std::thread::sleep(SPAN);
        if cpu_time_of(process).saturating_sub(before) <= SPAN / 4 {
            return Some(start.elapsed().saturating_sub(SPAN));
        }
        if start.elapsed() > limit + SPAN {
            return None;
        }
    }
}

/// Waits until `condition` holds, looking again and again. Panics when it does not in `limit`.
pub fn eventually(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
