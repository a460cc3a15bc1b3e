//! What moving rows costs, and when it pays.
//!
//! The only place that knows figures. They were measured on TPC-H at scale 1, with one thread per
//! executor and executors in processes of their own:
//!
//! - reading and aggregating 6.0 million rows × 7 columns takes 0.41 to 0.46 s: 10 ns per value;
//! - exchanging 7.5 million rows adds 0.4 to 0.8 s, and 50 to 100 ns per value over several queries;
//! - a join of 6.0 with 1.5 million rows takes 0.3 s more than reading them.
//!
//! Estimates of rows come from the bytes of files and the number of columns. How many
//! groups there are is known only from earlier runs ([`earlier`](crate::earlier)); where they were about as
//! many as rows, the block is not divided. Groups are exchanged only where they are asked to be, or where
//! memory would not do. What reading ranges spares is counted in
//! [`ranges`](super::ranges).
//!
//! Inside of one process an exchange never pays: the executors share its cores. It happens there only
//! on demand.

use super::{Cluster, ExchangeMode, SplitMode, SplitOptions};

/// Nanoseconds to read one value from a Parquet file.
const READ_NS_PER_VALUE: u64 = 10;
/// Nanoseconds to move one value from one executor to another, on both together.
const EXCHANGE_NS_PER_VALUE: u64 = 80;
/// Nanoseconds to put a row into a hash table.
const BUILD_NS_PER_ROW: u64 = 100;
/// Nanoseconds to sort one row among its like, for window functions.
const SORT_NS_PER_ROW: u64 = 300;
/// Bytes of one value in a Parquet file, compressed: 16 columns × 6.0 million rows are 200 MB.
const FILE_BYTES_PER_VALUE: u64 = 2;
/// Bytes of one value in memory and between executors.
const MEMORY_BYTES_PER_VALUE: u64 = 8;
/// An exchange has to be estimated at this percentage of the plan without, at most: estimates are
/// rough, and a query that is slower than it was is worse than one that could be faster.
const PAYS_PERCENT: u64 = 66;
/// Relations of which fewer bytes are needed are read by every fragment: a stage of its own costs milliseconds.
const BROADCAST_BYTES_MIN: u64 = 8 << 20;
/// Of how many rows one is left by a condition, in rough estimates.
const ROWS_PER_MATCH: u64 = 10;

/// An estimate of some rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// How many there are.
    pub(super) rows: u64,
    /// How many values of each move.
    pub(super) width: usize,
}

impl Size {
    /// Rows of files with so many bytes and columns, of which `needed` are read.
    pub(super) fn of_files(bytes: u64, columns: usize, needed: usize) -> Self {
        Self {
            rows: bytes / FILE_BYTES_PER_VALUE / (columns.max(1) as u64),
            width: needed,
        }
    }

    fn values(self) -> u64 {
        self.rows.saturating_mul(self.width.max(1) as u64)
    }
}

/// Why rows are exchanged; `None`: they are not.
pub(super) type Reason = Option<String>;

impl SplitOptions {
    fn forced(&self) -> Reason {
        (self.exchange == ExchangeMode::Hash).then(|| "skein.exchange is hash".to_owned())
    }

    /// Whether estimates may choose an exchange at all.
    pub(super) fn may_exchange(&self) -> bool {
        match self.exchange {
            ExchangeMode::Hash => true,
            ExchangeMode::Auto => self.cluster == Cluster::Machines && self.executors > 1,
            ExchangeMode::Gather | ExchangeMode::Range | ExchangeMode::Broadcast => false,
        }
    }

    /// Whether to exchange these leaves of a join by hash, instead of reading all but the largest
    /// whole in every fragment.
    pub(super) fn exchanges_join(&self, leaves: &[Size]) -> Reason {
        if self.forced().is_some() || !self.may_exchange() {
            return self.forced();
        }
        let largest = leaves.iter().map(|leaf| leaf.values()).max()?;
        let all: u64 = leaves.iter().map(|leaf| leaf.values()).sum();
        let rows: u64 = leaves.iter().map(|leaf| leaf.rows).sum();
        let largest_rows = leaves.iter().map(|leaf| leaf.rows).max()?;
        let (others, other_rows) = (all - largest, rows - largest_rows);
        if let Some(reason) = self.beyond_memory(others) {
            return Some(reason);
        }
        let executors = self.executors as u64;
        let build = other_rows * BUILD_NS_PER_ROW;
        let whole = others * READ_NS_PER_VALUE + build + largest * READ_NS_PER_VALUE / executors;
        // The hash is a value as well.
        let moved = (all + rows) * EXCHANGE_NS_PER_VALUE;
        let exchanged = (all * READ_NS_PER_VALUE + build + moved) / executors;
        pays(exchanged, whole)
    }

    /// Whether to exchange rows for something that takes `work` nanoseconds per row, instead of
    /// doing it in one place.
    fn exchanges_rows(&self, size: Size, work: u64) -> Reason {
        if self.forced().is_some() || !self.may_exchange() {
            return self.forced();
        }
        if let Some(reason) = self.beyond_memory(size.values()) {
            return Some(reason);
        }
        let whole = size.values() * READ_NS_PER_VALUE + size.rows * work;
        let moved = (size.values() + size.rows) * EXCHANGE_NS_PER_VALUE;
        pays((whole + moved) / self.executors as u64, whole)
    }

    /// Whether to exchange rows for window functions.
    pub(super) fn exchanges_windows(&self, size: Size) -> Reason {
        self.exchanges_rows(size, SORT_NS_PER_ROW)
    }

    /// Whether to exchange rows for a set operation.
    pub(super) fn exchanges_set(&self, size: Size) -> Reason {
        self.exchanges_rows(size, BUILD_NS_PER_ROW)
    }

    /// Whether to exchange what fragments found out about each group, instead of combining all of it
    /// in one place.
    pub(super) fn exchanges_groups(&self, size: Size) -> Reason {
        if self.forced().is_some() || !self.may_exchange() {
            return self.forced();
        }
        self.beyond_memory(size.values())
    }

    /// Whether combining `gathered` rows in one place takes longer than fragments save that divide `read`
    /// ones among them.
    pub(super) fn gathers_too_much(&self, read: Size, gathered: u64) -> bool {
        let width = read.width.max(1) as u64;
        let whole = read.values() * READ_NS_PER_VALUE + read.rows * BUILD_NS_PER_ROW;
        let combined = gathered * (width * EXCHANGE_NS_PER_VALUE + BUILD_NS_PER_ROW);
        self.mode == SplitMode::Auto
            && self.cluster == Cluster::Machines
            && whole / self.executors.max(1) as u64 + combined > whole
    }

    /// Whether to read a relation once and send it to every fragment, instead of letting every
    /// fragment read it. `filtered`: a condition leaves few of its rows.
    pub(super) fn broadcasts(&self, leaf: Size, filtered: bool) -> Reason {
        match self.exchange {
            ExchangeMode::Broadcast => return Some("skein.exchange is broadcast".to_owned()),
            ExchangeMode::Auto
                if self.may_exchange()
                    && leaf.values() * FILE_BYTES_PER_VALUE >= BROADCAST_BYTES_MIN => {}
            _ => return None,
        }
        let executors = self.executors as u64;
        let sent = if filtered {
            leaf.values() / ROWS_PER_MATCH
        } else {
            leaf.values()
        };
        let file = leaf.values() * FILE_BYTES_PER_VALUE;
        let (read_by_all, sent_to_all) = (
            file * executors,
            file + sent * MEMORY_BYTES_PER_VALUE * executors,
        );
        let read = leaf.values() * READ_NS_PER_VALUE;
        let received = read / executors + sent * EXCHANGE_NS_PER_VALUE;
        (sent_to_all < read_by_all && received < read).then(|| {
            format!(
                "about {} MB move instead of {} MB",
                sent_to_all >> 20,
                read_by_all >> 20
            )
        })
    }

    fn beyond_memory(&self, values: u64) -> Reason {
        let bytes = values.saturating_mul(MEMORY_BYTES_PER_VALUE);
        let memory = self.memory_bytes?;
        (bytes > memory).then(|| {
            format!(
                "about {} MB at once are more than the {} MB of an executor",
                bytes >> 20,
                memory >> 20
            )
        })
    }
}

fn pays(exchanged_ns: u64, whole_ns: u64) -> Reason {
    (exchanged_ns < whole_ns / 100 * PAYS_PERCENT).then(|| {
        format!(
            "it is estimated at {} ms instead of {} ms",
            exchanged_ns / 1_000_000,
            whole_ns / 1_000_000
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machines(executors: usize) -> SplitOptions {
        SplitOptions {
            executors,
            cluster: Cluster::Machines,
            ..SplitOptions::default()
        }
    }

    /// Megabytes of files with 16 columns, of which four are needed.
    fn leaf(megabytes: u64) -> Size {
        Size::of_files(megabytes << 20, 16, 4)
    }

    #[test]
    fn groups_as_many_as_rows_are_not_gathered() {
        let read = Size {
            rows: 6_000_000,
            width: 2,
        };
        let two = machines(2);
        assert!(!two.gathers_too_much(read, 200_000));
        assert!(two.gathers_too_much(read, 3_000_000));
        let always = SplitOptions {
            mode: SplitMode::Always,
            ..two
        };
        assert!(!always.gathers_too_much(read, 3_000_000));
    }

    #[test]
    fn a_small_side_is_read_by_every_fragment() {
        assert_eq!(machines(2).exchanges_join(&[leaf(10_000), leaf(10)]), None);
        assert_eq!(machines(8).exchanges_join(&[leaf(10_000), leaf(100)]), None);
    }

    #[test]
    fn two_large_sides_are_exchanged_by_many_executors_and_not_by_few() {
        let sides = [leaf(10_000), leaf(9_000)];
        assert_eq!(machines(2).exchanges_join(&sides), None);
        let reason = machines(16).exchanges_join(&sides).expect("pays");
        assert!(reason.starts_with("it is estimated at "), "{reason}");
    }

    #[test]
    fn a_side_beyond_memory_is_exchanged() {
        let options = SplitOptions {
            memory_bytes: Some(1 << 30),
            ..machines(2)
        };
        assert_eq!(options.exchanges_join(&[leaf(10_000), leaf(500)]), None);
        let reason = options.exchanges_join(&[leaf(10_000), leaf(5000)]);
        assert_eq!(
            reason.as_deref(),
            Some("about 5000 MB at once are more than the 1024 MB of an executor")
        );
        assert!(options.exchanges_groups(leaf(5000)).is_some());
        assert_eq!(options.exchanges_groups(leaf(10)), None);
    }

    #[test]
    fn nothing_is_exchanged_on_one_machine_unless_asked_for() {
        let mut options = SplitOptions {
            cluster: Cluster::OneMachine,
            memory_bytes: Some(1),
            ..machines(64)
        };
        let large = [leaf(100_000), leaf(100_000)];
        assert_eq!(options.exchanges_join(&large), None);
        assert_eq!(options.exchanges_windows(large[0]), None);
        assert_eq!(options.broadcasts(large[0], true), None);
        options.exchange = ExchangeMode::Hash;
        assert!(options.exchanges_join(&large).is_some());
        options.exchange = ExchangeMode::Broadcast;
        assert!(options.broadcasts(leaf(0), false).is_some());
        assert_eq!(options.exchanges_join(&large), None);
    }

    #[test]
    fn a_relation_is_sent_when_that_moves_less() {
        assert_eq!(machines(8).broadcasts(leaf(1), true), None);
        assert_eq!(machines(8).broadcasts(leaf(1000), false), None);
        assert!(machines(8).broadcasts(leaf(1000), true).is_some());
    }
}
