//! Failed logins by client address, and how long the next one from there has to wait.
//!
//! A wait comes before a password is looked at, so that going away early gains nothing. It is never
//! a ban: who knows the password gets in after it, and other addresses are not concerned.
//!
//! Invariants: at most [`ADDRESSES_MAX`] addresses are remembered; the one that has failed least
//! recently is forgotten first. A count never goes beyond what the longest wait needs.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

/// How many addresses are remembered.
const ADDRESSES_MAX: usize = 16 * 1024;
/// The first wait.
const DELAY_FIRST: Duration = Duration::from_millis(100);
/// After this time without another one, a failure is forgotten.
const FORGET_AFTER: Duration = Duration::from_mins(1);
/// Failures beyond the free ones that are counted.
const COUNTED_MAX: u32 = 20;

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    /// When the last one was noted or forgotten.
    since: Instant,
}

impl Count {
    /// As it is now.
    fn aged(self, now: Instant) -> Self {
        let minutes = now.saturating_duration_since(self.since).as_secs() / FORGET_AFTER.as_secs();
        let forgotten = u32::try_from(minutes).unwrap_or(u32::MAX);
        Self {
            failures: self.failures.saturating_sub(forgotten),
            since: self.since + FORGET_AFTER * forgotten.min(self.failures),
        }
    }
}

/// Failed logins.
#[derive(Debug)]
pub struct Failures {
    free: u32,
    longest: Duration,
    counts: Mutex<LruCache<IpAddr, Count>>,
}

impl Failures {
    /// `free`: failures without a wait. `longest`: the longest wait.
    pub fn new(free: u32, longest: Duration) -> Self {
        let addresses = NonZeroUsize::new(ADDRESSES_MAX).expect("it is not zero");
        Self {
            free,
            longest,
            counts: Mutex::new(LruCache::new(addresses)),
        }
    }

    fn counts(&self) -> MutexGuard<'_, LruCache<IpAddr, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a failure.
    pub fn note(&self, address: IpAddr, now: Instant) {
        let address = network(address);
        let mut counts = self.counts();
        let before = counts.get(&address).map_or(0, |c| c.aged(now).failures);
        let failures = before.saturating_add(1).min(self.free + COUNTED_MAX);
        let count = Count {
            failures,
            since: now,
        };
        counts.put(address, count);
    }

    /// How long a login from there has to wait.
    pub fn delay(&self, address: IpAddr, now: Instant) -> Duration {
        let counts = self.counts();
        let count = counts.peek(&network(address)).copied();
        let failures = count.map_or(0, |count| count.aged(now).failures);
        match failures.checked_sub(self.free) {
            None | Some(0) => Duration::ZERO,
            Some(beyond) => {
                (DELAY_FIRST * 2_u32.pow(beyond.min(COUNTED_MAX) - 1)).min(self.longest)
            }
        }
    }
}

/// What one client has for itself: an address of IPv4, or a network of 64 bits of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn waits_grow_up_to_a_limit_and_are_forgotten() {
        let failures = Failures::new(2, Duration::from_secs(1));
        let (here, start) = (address("10.0.0.1"), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..8 {
            failures.note(here, start);
            waits.push(failures.delay(here, start).as_millis());
        }
        assert_eq!(waits, [0, 0, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(failures.delay(address("10.0.0.2"), start), Duration::ZERO);
        let later = start + Duration::from_mins(5);
        assert_eq!(failures.delay(here, later).as_millis(), 100);
        let later = start + Duration::from_hours(24);
        assert_eq!(failures.delay(here, later), Duration::ZERO);
        for _ in 0..1_000 {
            failures.note(here, later);
        }
        let forgotten = later + FORGET_AFTER * (COUNTED_MAX + 2);
        assert_eq!(failures.delay(here, forgotten), Duration::ZERO);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_client() {
        let (failures, now) = (Failures::new(0, Duration::from_secs(9)), Instant::now());
        let waits = |text: &str| failures.delay(address(text), now) > Duration::ZERO;
        failures.note(address("2001:db8::1"), now);
        assert!(waits("2001:db8::2"));
        assert!(!waits("2001:db8:0:1::1"));
        failures.note(address("::ffff:10.0.0.1"), now);
        assert!(waits("10.0.0.1"));
    }
}
