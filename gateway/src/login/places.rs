//! Places for connections: how many may be there, before and after login.
//!
//! ```text
//! accepted ─► Arrival (bounded, the longest gives way) ─► login ─► SessionPlace (connections_max, …)
//! ```
//!
//! Apart from each other, because connections without a login cost nothing to make: they must not
//! take places of those who have one.
//!
//! Invariants: a place is given back when it is dropped, whatever ended the connection. An arrival
//! that gives way is no longer counted, even while its task is still ending.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::LoginError;
use super::failures::network;
use crate::error::GatewayError;

/// A login that has been going on for less gives way to nobody: so a crowd cannot throw itself out.
const YIELD_AFTER: Duration = Duration::from_secs(1);

/// How many there may be. 0 for addresses and users means no limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are in their login.
    pub unauthenticated_max: usize,
    /// The same from one address.
    pub unauthenticated_per_address_max: usize,
    /// Sessions.
    pub sessions_max: usize,
    /// Sessions that are kept for administrators.
    pub reserved: usize,
    /// Sessions from one address.
    pub sessions_per_address_max: usize,
}

/// Everybody who is there.
#[derive(Debug)]
pub struct Places {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they came.
    arrivals: BTreeMap<u64, Waiting>,
    arrivals_by_address: BTreeMap<IpAddr, usize>,
    next_arrival: u64,
    sessions: usize,
    sessions_by_address: BTreeMap<IpAddr, usize>,
    sessions_by_user: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Waiting {
    address: IpAddr,
    since: Instant,
    displaced: Arc<Notify>,
}

impl State {
    fn leave(&mut self, arrival: u64) {
        if let Some(waiting) = self.arrivals.remove(&arrival) {
            decrease(&mut self.arrivals_by_address, &waiting.address);
        }
    }

    /// Makes room by ending the login that has been going on longest, of one address or of all.
    fn displace(&mut self, address: Option<IpAddr>, now: Instant) -> bool {
        let mut arrivals = self.arrivals.iter();
        let longest = arrivals.find(|(_, waiting)| address.is_none_or(|a| a == waiting.address));
        let old = |waiting: &Waiting| now.saturating_duration_since(waiting.since) >= YIELD_AFTER;
        let Some((id, waiting)) = longest.filter(|(_, waiting)| old(waiting)) else {
            return false;
        };
        let id = *id;
        waiting.displaced.notify_one();
        self.leave(id);
        true
    }
}

fn decrease<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// A connection that is in its login.
#[derive(Debug)]
pub struct Arrival {
    places: Arc<Places>,
    id: u64,
    displaced: Arc<Notify>,
}

impl Arrival {
    /// Returns when this login has to give way.
    pub async fn displaced(&self) {
        self.displaced.notified().await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.places.state().leave(self.id);
    }
}

/// A connection that has a session.
#[derive(Debug)]
pub struct SessionPlace {
    places: Arc<Places>,
    address: IpAddr,
    user: String,
    admin: bool,
}

impl SessionPlace {
    /// Whether it is an administrator's.
    pub fn is_admin(&self) -> bool {
        self.admin
    }
}

impl Drop for SessionPlace {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.sessions -= 1;
        decrease(&mut state.sessions_by_address, &self.address);
        decrease(&mut state.sessions_by_user, &self.user);
    }
}

/// Who wants a session.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// Where from.
    pub address: IpAddr,
    /// Name.
    pub user: &'a str,
    /// May use reserved places.
    pub admin: bool,
    /// How many sessions this user may have; 0: no limit.
    pub connections_max: usize,
}

impl Places {
    /// Nobody is there yet.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counts are changed together and nothing between them panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection; `None` if there is no room and nobody gives way.
    pub fn arrive(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<Arrival> {
        let address = network(address);
        let mut state = self.state();
        let of_address = state.arrivals_by_address.get(&address).copied();
        if of_address.unwrap_or(0) >= self.limits.unauthenticated_per_address_max
            && !state.displace(Some(address), now)
        {
            return None;
        }
        if state.arrivals.len() >= self.limits.unauthenticated_max && !state.displace(None, now) {
            return None;
        }
        let id = state.next_arrival;
        state.next_arrival += 1;
        let displaced = Arc::new(Notify::new());
        let waiting = Waiting {
            address,
            since: now,
            displaced: Arc::clone(&displaced),
        };
        state.arrivals.insert(id, waiting);
        *state.arrivals_by_address.entry(address).or_default() += 1;
        Some(Arrival {
            places: Arc::clone(self),
            id,
            displaced,
        })
    }

    /// A place for a session. `keep`: whether there is anybody to keep reserved places for.
    pub fn sit(
        self: &Arc<Self>,
        guest: &Guest<'_>,
        keep: bool,
    ) -> Result<SessionPlace, GatewayError> {
        let (limits, address) = (&self.limits, network(guest.address));
        let mut state = self.state();
        if state.sessions >= limits.sessions_max {
            return Err(GatewayError::TooManyConnections);
        }
        let of_user = state.sessions_by_user.get(guest.user).copied();
        if guest.connections_max > 0 && of_user.unwrap_or(0) >= guest.connections_max {
            return Err(LoginError::TooManyOfUser(guest.user.to_owned()).into());
        }
        let of_address = state.sessions_by_address.get(&address).copied();
        if limits.sessions_per_address_max > 0
            && of_address.unwrap_or(0) >= limits.sessions_per_address_max
        {
            return Err(LoginError::TooManyOfAddress(guest.address.to_canonical()).into());
        }
        if keep && !guest.admin && state.sessions + limits.reserved >= limits.sessions_max {
            return Err(LoginError::Reserved.into());
        }
        state.sessions += 1;
        *state.sessions_by_address.entry(address).or_default() += 1;
        *state
            .sessions_by_user
            .entry(guest.user.to_owned())
            .or_default() += 1;
        Ok(SessionPlace {
            places: Arc::clone(self),
            address,
            user: guest.user.to_owned(),
            admin: guest.admin,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const LIMITS: Limits = Limits {
        unauthenticated_max: 3,
        unauthenticated_per_address_max: 2,
        sessions_max: 4,
        reserved: 1,
        sessions_per_address_max: 3,
    };

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn the_longest_login_gives_way_but_not_at_once() {
        let (places, now) = (Places::new(LIMITS), Instant::now());
        let first = places.arrive(address(1), now).expect("room");
        let second = places.arrive(address(1), now).expect("room");
        assert!(
            places.arrive(address(1), now).is_none(),
            "two of one address"
        );
        let other = places.arrive(address(2), now).expect("room");
        assert!(places.arrive(address(3), now).is_none(), "three of all");
        let later = now + YIELD_AFTER;
        let third = places
            .arrive(address(3), later)
            .expect("the longest gives way");
        assert!(first.displaced().now_or_never().is_some());
        assert!(second.displaced().now_or_never().is_none());
        drop(first);
        assert!(
            places.arrive(address(3), later).is_some(),
            "and so does the second"
        );
        assert!(second.displaced().now_or_never().is_some());
        drop((second, other, third));
        let state = places.state();
        assert!(state.arrivals.is_empty() && state.arrivals_by_address.is_empty());
    }

    #[test]
    fn sessions_have_limits_of_all_kinds_and_places_come_back() {
        let places = Places::new(LIMITS);
        let guest = |last, user, admin, connections_max| Guest {
            address: address(last),
            user,
            admin,
            connections_max,
        };
        let sit = |guest: Guest<'static>| places.sit(&guest, true).map_err(|e| e.to_string());
        let ann = sit(guest(1, "ann", false, 1)).expect("room");
        assert_eq!(
            sit(guest(1, "ann", false, 1)).err().as_deref(),
            Some("too many connections for role \"ann\"")
        );
        let bob = [
            sit(guest(1, "bob", false, 0)),
            sit(guest(1, "bob", false, 0)),
        ];
        assert_eq!(
            sit(guest(1, "bob", false, 0)).err().as_deref(),
            Some("too many connections from address \"10.0.0.1\"")
        );
        assert_eq!(
            sit(guest(2, "bob", false, 0)).err().as_deref(),
            Some(
                "remaining connection slots are reserved for non-replication superuser connections"
            )
        );
        let root = sit(guest(2, "root", true, 0)).expect("a reserved place");
        assert_eq!(
            sit(guest(2, "root", true, 0)).err().as_deref(),
            Some("sorry, too many clients already")
        );
        drop((ann, bob, root));
        let state = places.state();
        assert_eq!(state.sessions, 0);
        assert!(state.sessions_by_user.is_empty() && state.sessions_by_address.is_empty());
    }
}
