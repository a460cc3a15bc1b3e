//! What every session is doing: the rows of `pg_stat_activity`, and what may be done to a session
//! from another one.
//!
//! ```text
//! Session ─► Entry ◄─ Sessions ◄─┬─ Facts: rows of pg_stat_activity
//!            state, text         └─ Signals: pg_cancel_backend, pg_terminate_backend, pg_sleep
//! ```
//!
//! Invariants: an entry lives as long as its session. A statement has a number that nobody else's
//! has, and that is over when the statement is: whoever waits for a statement's sake looks at it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use skein_executor::engine::HostCalls;
use skein_planner::postgres::{EncryptionFact, SessionFact};

use crate::pgwire::backend::TransactionStatus;
use crate::pgwire::cancel::CancelHandle;
use crate::pgwire::tls::Cipher;

/// Most of a statement that others see, as PostgreSQL's `track_activity_query_size`.
const QUERY_BYTES_MAX: usize = 1023;
/// How soon a sleeping statement notices that it is over.
const SLEEP_SLICE: Duration = Duration::from_millis(5);

/// Who a session is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Number, as in `BackendKeyData`.
    pub process_id: i32,
    /// User.
    pub user: String,
    /// Database.
    pub database: String,
    /// Where the client is.
    pub client: Option<SocketAddr>,
    /// It may see and stop the sessions of others.
    pub is_admin: bool,
    /// How its connection is encrypted.
    pub cipher: Option<Cipher>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Active,
    InTransaction,
    Failed,
}

/// What changes with every statement.
#[derive(Clone, Debug, Default)]
struct Activity {
    application_name: String,
    state: State,
    query: String,
    transaction_start: Option<Timestamp>,
    query_start: Option<Timestamp>,
    state_change: Option<Timestamp>,
}

/// One session, as others see it.
#[derive(Debug)]
pub struct Entry {
    identity: Identity,
    started: Timestamp,
    handle: CancelHandle,
    /// Even: no statement runs.
    statement: AtomicU64,
    activity: Mutex<Activity>,
    warnings: Mutex<Vec<String>>,
}

impl Entry {
    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text runs, or a statement is prepared.
    pub fn runs(&self, query: &str) {
        let now = Timestamp::now();
        let mut end = query.len().min(QUERY_BYTES_MAX);
        while !query.is_char_boundary(end) {
            end -= 1;
        }
        let mut activity = self.activity();
        if activity.query != query[..end] {
            query[..end].clone_into(&mut activity.query);
        }
        activity.state = State::Active;
        activity.query_start = Some(now);
        activity.state_change = Some(now);
        activity.transaction_start.get_or_insert(now);
    }

    /// The session waits for its client.
    pub fn waits(&self, status: TransactionStatus) {
        self.statement_ends();
        let mut activity = self.activity();
        activity.state = match status {
            TransactionStatus::Idle => State::Idle,
            TransactionStatus::Transaction => State::InTransaction,
            TransactionStatus::Failed => State::Failed,
        };
        activity.state_change = Some(Timestamp::now());
        if status == TransactionStatus::Idle {
            activity.transaction_start = None;
        }
    }

    /// The client gives itself another name.
    pub fn is_called(&self, application_name: &str) {
        let mut activity = self.activity();
        if activity.application_name != application_name {
            application_name.clone_into(&mut activity.application_name);
        }
    }

    /// A statement begins.
    pub fn statement_begins(&self) {
        self.statement_ends();
        self.statement.fetch_add(1, Ordering::SeqCst);
    }

    /// What the session ran is over.
    pub fn statement_ends(&self) {
        let over = |number: u64| (number % 2 == 1).then_some(number + 1);
        let _ = self
            .statement
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, over);
    }

    /// Names the running statement to [`Signals`].
    pub fn token(&self) -> String {
        let number = self.statement.load(Ordering::SeqCst);
        format!("{}:{number}", self.identity.process_id)
    }

    /// Warnings that calls of the running statement have left.
    pub fn take_warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *warnings)
    }

    /// As `watcher` may see it.
    fn fact(&self, watcher: &Identity) -> SessionFact {
        let Identity {
            process_id,
            user,
            database,
            client,
            ..
        } = &self.identity;
        let activity = self.activity();
        let mut fact = SessionFact {
            process_id: *process_id,
            user: user.clone(),
            user_oid: skein_catalog::system::role_oid(user),
            database: database.clone(),
            application_name: activity.application_name.clone(),
            query: "<insufficient privilege>".to_owned(),
            ..SessionFact::default()
        };
        if !watcher.is_admin && watcher.user != *user {
            return fact;
        }
        let waits = activity.state != State::Active;
        fact.query.clone_from(&activity.query);
        fact.client = client.map(|client| (client.ip().to_string(), client.port()));
        fact.encryption = self.identity.cipher.map(|cipher| EncryptionFact {
            version: cipher.version,
            cipher: cipher.name,
            bits: cipher.bits,
        });
        fact.backend_start = Some(time_text(self.started));
        fact.transaction_start = activity.transaction_start.map(time_text);
        fact.query_start = activity.query_start.map(time_text);
        fact.state_change = activity.state_change.map(time_text);
        fact.wait_event = waits.then_some(("Client", "ClientRead"));
        fact.state = Some(match activity.state {
            State::Idle => "idle",
            State::Active => "active",
            State::InTransaction => "idle in transaction",
            State::Failed => "idle in transaction (aborted)",
        });
        fact
    }
}

/// A time as text of a timestamp with time zone.
pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

type Entries = BTreeMap<i32, Arc<Entry>>;

/// All sessions of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    entries: Arc<Mutex<Entries>>,
}

/// A session's place among all; leaving frees it.
#[derive(Debug)]
pub struct Presence {
    sessions: Sessions,
    /// The session.
    pub entry: Arc<Entry>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        // What still runs for the session sees that it is over.
        self.entry.statement_ends();
        let id = self.entry.identity.process_id;
        self.sessions.entries().remove(&id);
    }
}

impl Sessions {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // The map is changed by single calls, so that a panic elsewhere leaves it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session.
    pub fn enter(&self, identity: Identity, handle: CancelHandle) -> Presence {
        let id = identity.process_id;
        let entry = Arc::new(Entry {
            identity,
            started: Timestamp::now(),
            handle,
            statement: AtomicU64::new(0),
            activity: Mutex::default(),
            warnings: Mutex::default(),
        });
        self.entries().insert(id, Arc::clone(&entry));
        Presence {
            sessions: self.clone(),
            entry,
        }
    }

    /// Every session, as the one with this number may see it.
    pub fn seen_by(&self, process_id: i32) -> Vec<SessionFact> {
        let entries: Vec<Arc<Entry>> = self.entries().values().map(Arc::clone).collect();
        let watcher = entries
            .iter()
            .find(|entry| entry.identity.process_id == process_id);
        let Some(watcher) = watcher else {
            return Vec::new();
        };
        let facts = entries.iter().map(|entry| entry.fact(&watcher.identity));
        facts.collect()
    }

    fn get(&self, process_id: i32) -> Option<Arc<Entry>> {
        self.entries().get(&process_id).map(Arc::clone)
    }
}

/// PostgreSQL's functions that act on sessions, called from SQL.
#[derive(Debug)]
pub struct Signals(pub Sessions);

impl HostCalls for Signals {
    fn call(&self, arguments: [Option<&str>; 3]) -> Result<Option<String>, String> {
        let [Some(function), Some(token), argument] = arguments else {
            return Ok(None);
        };
        let Some(argument) = argument else {
            return Ok(None);
        };
        let caller = token.split_once(':').and_then(|(process_id, statement)| {
            let caller = self.0.get(process_id.parse().ok()?)?;
            Some((caller, statement.parse::<u64>().ok()?))
        });
        // The session has gone in the meantime.
        let Some((caller, statement)) = caller else {
            return Ok(None);
        };
        match function {
            "sleep" => {
                sleep(&caller, statement, argument);
                Ok(Some(String::new()))
            }
            "cancel" | "terminate" => self.signal(function, &caller, argument),
            _ => Err(format!("there is no call \"{function}\"")),
        }
    }
}

impl Signals {
    /// `pg_signal_backend`
    fn signal(
        &self,
        function: &str,
        caller: &Entry,
        process_id: &str,
    ) -> Result<Option<String>, String> {
        let target = process_id.parse().ok().and_then(|id| self.0.get(id));
        let Some(target) = target else {
            let warning = format!("PID {process_id} is not a PostgreSQL backend process");
            let mut warnings = caller
                .warnings
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            warnings.push(warning);
            return Ok(Some("false".to_owned()));
        };
        let cancels = function == "cancel";
        let (own, other) = (&caller.identity, &target.identity);
        if !own.is_admin && own.user != other.user {
            let what = if cancels {
                "query is being canceled"
            } else {
                "process is being terminated"
            };
            return Err(format!(
                "must be a member of the role whose {what} or member of pg_signal_backend"
            ));
        }
        if cancels {
            target.handle.cancel();
        } else {
            target.handle.terminate();
        }
        Ok(Some("true".to_owned()))
    }
}

/// A number of seconds, given as text; what is below zero is no time at all.
pub(super) fn duration(seconds: &str) -> Duration {
    let seconds: f64 = seconds.parse().unwrap_or(0.0);
    let longest = Duration::from_secs(u32::MAX.into());
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => duration.min(longest),
        Err(_) if seconds > 0.0 => longest,
        Err(_) => Duration::ZERO,
    }
}

/// Waits for so many seconds, while the statement runs.
fn sleep(caller: &Entry, statement: u64, seconds: &str) {
    let end = Instant::now() + duration(seconds);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || caller.statement.load(Ordering::SeqCst) != statement {
            return;
        }
        std::thread::sleep(left.min(SLEEP_SLICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgwire::cancel::CancelRegistry;
    use futures::FutureExt;

    fn enter(sessions: &Sessions, process_id: i32, user: &str) -> (Presence, CancelHandle) {
        let handle = CancelRegistry::default().register(0).handle.clone();
        let identity = Identity {
            process_id,
            user: user.to_owned(),
            database: "d".to_owned(),
            client: None,
            is_admin: user == "admin",
            cipher: None,
        };
        (sessions.enter(identity, handle.clone()), handle)
    }

    #[test]
    fn only_ones_own_sessions_are_seen_and_stopped() {
        let sessions = Sessions::default();
        let (ann, _) = enter(&sessions, 1, "ann");
        let (_second, second) = enter(&sessions, 2, "ann");
        let (bob, other) = enter(&sessions, 3, "bob");
        let (_admin, _) = enter(&sessions, 4, "admin");
        bob.entry.runs("SELECT secret");
        let seen = |by| {
            let rows = sessions.seen_by(by);
            rows.into_iter()
                .map(|row| row.query)
                .collect::<Vec<_>>()
                .join("|")
        };
        let hidden = "<insufficient privilege>";
        assert_eq!(seen(1), format!("||{hidden}|{hidden}"));
        assert_eq!(seen(4), "||SELECT secret|");
        let signals = Signals(sessions.clone());
        let call =
            |function, by: &str, target| signals.call([Some(function), Some(by), Some(target)]);
        assert_eq!(call("terminate", "1:0", "2"), Ok(Some("true".to_owned())));
        assert!(second.termination().requested().now_or_never().is_some());
        let refused = call("cancel", "1:0", "3").unwrap_err();
        assert!(refused.contains("pg_signal_backend"), "{refused}");
        assert!(other.termination().requested().now_or_never().is_none());
        assert_eq!(call("terminate", "4:0", "3"), Ok(Some("true".to_owned())));
        assert!(other.termination().requested().now_or_never().is_some());
        assert_eq!(call("cancel", "1:0", "99"), Ok(Some("false".to_owned())));
        let warnings = ann.entry.take_warnings();
        assert_eq!(warnings, ["PID 99 is not a PostgreSQL backend process"]);
        drop(bob);
        assert_eq!(sessions.seen_by(1).len(), 3);
    }

    #[test]
    fn sleeping_ends_with_its_statement() {
        let sessions = Sessions::default();
        let (ann, _) = enter(&sessions, 1, "ann");
        let signals = Signals(sessions);
        ann.entry.statement_begins();
        let token = ann.entry.token();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| signals.call([Some("sleep"), Some(&token), Some("60")]));
            ann.entry.statement_ends();
            assert_eq!(sleeper.join().unwrap(), Ok(Some(String::new())));
        });
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(signals.call([Some("sleep"), Some("1:9"), None]), Ok(None));
    }
}
