//! Which executors there are, and how they are.
//!
//! ```text
//! executors.nodes ─► resolve (dns:) ─► one task per node: ask, wait, ask … ─► Nodes, statuses()
//!                                          ▲
//!                    a statement has failed there: ask now
//!
//!           answers                     fails to answer             `health_failures_max` in a row
//! Healthy ◄────────── any state;  Healthy ────────────► Suspect ────────────────► Unreachable
//!         Draining, WrongVersion: it answers, but takes nothing
//! ```
//!
//! Invariants: a node is used again with its first good answer, whatever was before, but for one that answers
//! and that statements cannot reach: that is suspect for a while. A statement is
//! given a list of nodes when it begins, and keeps it. Suspects are used only when nobody is
//! healthy: a machine under full load answers late, and must not lose all of its executors for that.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use futures::future::{BoxFuture, Either, join_all, select, select_all};
use futures::{FutureExt, StreamExt};
use skein_config::Executors;
use skein_executor_api::{BatchStream, FragmentError, FragmentErrorKind};
use tokio::net::lookup_host;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tonic::transport::Channel;

use crate::channels::channel;
use crate::connections::Link;
use crate::error::unreached;
use crate::nodes::{Node, Nodes};
use crate::state::{StateReply, ask};

/// Before a name with this, an entry of `executors.nodes` stands for many nodes.
const DNS: &str = "dns:";

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// It answers.
    Healthy,
    /// It has just failed to answer, or a statement has failed there.
    Suspect,
    /// It has never answered, or failed to do so several times in a row.
    Unreachable,
    /// It will end soon.
    Draining,
    /// It would not understand plans.
    WrongVersion,
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Suspect => "suspect",
            Self::Unreachable => "unreachable",
            Self::Draining => "draining",
            Self::WrongVersion => "wrong version",
        })
    }
}

/// What is known of a node.
#[derive(Clone, Debug)]
pub struct MemberStatus {
    /// `HOST:PORT`.
    pub name: String,
    /// How it is.
    pub state: MemberState,
    /// What it answered last.
    pub reply: Option<StateReply>,
    /// When it did.
    pub last_seen: Option<SystemTime>,
    /// How often it has failed.
    pub failures: u64,
    /// When it did last, and how.
    pub last_failure: Option<(SystemTime, String)>,
}

/// What came of asking a node.
#[derive(Debug, Default)]
struct Learned {
    /// Failures since the last answer.
    in_a_row: u32,
    /// Number of the newest question that was answered: several may be on their way.
    newest: u64,
    /// Statements could not reach it, so that its answers alone do not make it healthy until then.
    cut_off_until: Option<Instant>,
}

/// An executor in a process of its own.
pub struct Member {
    node: Node,
    channel: Channel,
    status: Mutex<MemberStatus>,
    learned: Mutex<Learned>,
    /// Counts questions.
    questions: AtomicU64,
    state: watch::Sender<MemberState>,
    /// Counts answers, and failures to answer.
    checks: watch::Sender<u64>,
    /// Asks for a check without waiting.
    now: Notify,
    /// Where it is listed.
    all: Weak<Registry>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", self.node.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Member {
    fn new(name: &str, all: &Arc<Registry>) -> Option<Arc<Self>> {
        let node = Node::at(name).ok()?;
        // Not the channel of statements: what is asked here is the process, not that connection.
        let channel = channel(node.url(), &all.options.link).ok()?;
        Some(Arc::new(Self {
            channel,
            status: Mutex::new(MemberStatus {
                name: name.to_owned(),
                state: MemberState::Unreachable,
                reply: None,
                last_seen: None,
                failures: 0,
                last_failure: None,
            }),
            node,
            learned: Mutex::default(),
            questions: AtomicU64::new(0),
            state: watch::Sender::new(MemberState::Unreachable),
            checks: watch::Sender::new(0),
            now: Notify::new(),
            all: Arc::downgrade(all),
        }))
    }

    /// `HOST:PORT`, by which it is called in EXPLAIN and `skein.executors`.
    pub fn name(&self) -> &str {
        self.node.name()
    }

    /// How it is.
    pub fn state(&self) -> MemberState {
        *self.state.borrow()
    }

    /// Everything that is known of it.
    pub fn status(&self) -> MemberStatus {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, MemberStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when it is given up. What runs there can be started elsewhere.
    pub async fn lost(&self) {
        let mut state = self.state.subscribe();
        let lost = |state: &MemberState| *state == MemberState::Unreachable;
        if state.wait_for(lost).await.is_err() {
            // The node itself is gone, and with it whoever could ask.
        }
    }

    /// A statement could not reach it, though it may answer here: others are used for so long.
    fn cut_off(&self, message: &str, time: Duration) {
        let mut learned = self.learned();
        learned.cut_off_until = Some(Instant::now() + time);
        let mut status = self.lock();
        status.failures += 1;
        status.last_failure = Some((SystemTime::now(), message.to_owned()));
        if status.state == MemberState::Healthy {
            self.becomes(&mut status, MemberState::Suspect);
        }
        drop(status);
        drop(learned);
        self.publish();
    }

    fn publish(&self) {
        if let Some(all) = self.all.upgrade() {
            all.publish();
        }
    }

    fn becomes(&self, status: &mut MemberStatus, state: MemberState) {
        let before = std::mem::replace(&mut status.state, state);
        self.state.send_replace(state);
        if before == state {
            return;
        }
        let (name, why) = (self.node.name(), status.last_failure.as_ref());
        let why = why.map_or("", |(_, message)| message.as_str());
        match state {
            MemberState::Healthy | MemberState::Draining => {
                tracing::info!(executor = %name, %state, "an executor has changed");
            }
            MemberState::Suspect | MemberState::Unreachable | MemberState::WrongVersion => {
                tracing::warn!(executor = %name, %state, why, "an executor has changed");
            }
        }
    }

    async fn check(&self, options: &Options) {
        let number = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        let asked = tokio::time::timeout(options.health_timeout, ask(self.channel.clone())).await;
        match asked {
            Ok(Ok(reply)) => self.answers(number, reply),
            Ok(Err(status)) => self.fails(number, described(&status), options),
            Err(_) => self.fails(number, "it does not answer".to_owned(), options),
        }
        self.publish();
        self.checks.send_modify(|checks| *checks += 1);
    }

    /// Asks once more, beside the checks. Only an answer counts: who looks at executors all the time
    /// must not make them fail sooner.
    async fn refresh(&self, limit: Duration) {
        let number = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(Ok(reply)) = tokio::time::timeout(limit, ask(self.channel.clone())).await {
            self.answers(number, reply);
            self.publish();
        }
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self, number: u64, reply: StateReply) {
        let mut learned = self.learned();
        if number < learned.newest {
            return;
        }
        learned.in_a_row = 0;
        learned.newest = number;
        let is_cut_off = learned
            .cut_off_until
            .is_some_and(|until| Instant::now() < until);
        let mut status = self.lock();
        status.last_seen = Some(SystemTime::now());
        let differs = reply.differs();
        let state = if differs.is_some() {
            MemberState::WrongVersion
        } else if reply.is_draining {
            MemberState::Draining
        } else if is_cut_off {
            MemberState::Suspect
        } else {
            MemberState::Healthy
        };
        if let Some(differs) = differs {
            status.last_failure = Some((SystemTime::now(), differs));
        }
        status.reply = Some(reply);
        self.becomes(&mut status, state);
    }

    fn fails(&self, number: u64, message: String, options: &Options) {
        let mut learned = self.learned();
        if number < learned.newest {
            return;
        }
        learned.in_a_row = learned.in_a_row.saturating_add(1);
        let mut status = self.lock();
        status.failures += 1;
        status.last_failure = Some((SystemTime::now(), message));
        let known = status.last_seen.is_some() && status.state != MemberState::Unreachable;
        if status.last_seen.is_none() && status.failures == 1 {
            let why = status.last_failure.as_ref().map_or("", |(_, why)| why);
            tracing::warn!(executor = %self.node.name(), why, "an executor does not answer");
        }
        let state = if known && learned.in_a_row < options.failures_max {
            MemberState::Suspect
        } else {
            MemberState::Unreachable
        };
        self.becomes(&mut status, state);
    }

    async fn watch(self: Arc<Self>, options: Options) {
        loop {
            self.check(&options).await;
            let interval = tokio::time::sleep(options.health_interval);
            tokio::select! {
                () = interval => {}
                // Not at once again, however many statements fail.
                () = async {
                    self.now.notified().await;
                    tokio::time::sleep(options.health_interval.min(SOON)).await;
                } => {}
            }
        }
    }
}

/// How long a node is left out that answers here and that a statement could not reach: what lies between two
/// executors is not seen from here.
const CUT_OFF: Duration = Duration::from_secs(30);

/// How soon a node is asked after a statement has failed there.
const SOON: Duration = Duration::from_millis(50);

/// What tonic knows of a failure lies in the sources of the status.
fn described(status: &tonic::Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

#[derive(Clone, Debug)]
struct Options {
    link: Link,
    health_interval: Duration,
    health_timeout: Duration,
    failures_max: u32,
    resolve_interval: Duration,
}

impl Options {
    fn of(settings: &Executors, link: Link) -> Self {
        Self {
            link,
            health_interval: Duration::from_millis(settings.health_interval_ms),
            health_timeout: Duration::from_millis(settings.health_timeout_ms),
            failures_max: settings.health_failures_max,
            resolve_interval: Duration::from_millis(settings.resolve_interval_ms),
        }
    }
}

/// A member and the task that asks it.
struct Watched {
    member: Arc<Member>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
        // Statements that run there learn it from their connections; it may well go on.
    }
}

/// What all members share.
struct Registry {
    options: Options,
    members: Mutex<BTreeMap<String, Watched>>,
    /// What new statements use.
    nodes: Nodes,
}

impl Registry {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Watched>> {
        // The map is changed by single calls, so that a panic elsewhere leaves it whole.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn members(&self) -> Vec<Arc<Member>> {
        let members = self.locked();
        members.values().map(|it| Arc::clone(&it.member)).collect()
    }

    /// Tells new statements which nodes they may use.
    fn publish(&self) {
        // Whoever publishes last has seen the newest states: the lock is held meanwhile.
        let members = self.locked();
        let of = |state: MemberState| -> Vec<Node> {
            let those = members.values().map(|it| &it.member);
            let those = those.filter(|member| member.state() == state);
            those.map(|member| member.node.clone()).collect()
        };
        let healthy = of(MemberState::Healthy);
        self.nodes.replace(if healthy.is_empty() {
            of(MemberState::Suspect)
        } else {
            healthy
        });
    }
}

/// All executors in processes of their own. Asks them until it is dropped.
pub struct Members {
    all: Arc<Registry>,
    resolving: AbortHandle,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members()).finish()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.resolving.abort();
        self.all.locked().clear();
    }
}

impl Members {
    /// Finds the configured executors, keeps `nodes` to those that statements may use, and returns
    /// when each has been asked once.
    pub async fn start(settings: &Executors, link: Link, nodes: Nodes) -> Self {
        let all = Arc::new(Registry {
            options: Options::of(settings, link),
            members: Mutex::default(),
            nodes,
        });
        let resolver = Resolver {
            configured: settings.nodes.clone(),
            all: Arc::clone(&all),
            known: BTreeMap::new(),
        };
        let resolver = resolver.resolve().await;
        let resolving = tokio::spawn(resolver.run()).abort_handle();
        let members = Self { all, resolving };
        members.asked(0).await;
        members
    }

    /// A statement has failed with this error. If an executor could not be reached that answers here, as when
    /// only other executors cannot reach it, statements use others for a while.
    pub fn statement_failed(&self, error: &FragmentError) {
        let Some(name) = unreached(error) else {
            return;
        };
        for member in self.members() {
            if member.name() == name && member.state() == MemberState::Healthy {
                member.cut_off(&error.message, CUT_OFF);
            }
        }
    }

    /// Every executor, by name.
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.all.members()
    }

    /// What is known of every executor, by name.
    pub fn statuses(&self) -> Vec<MemberStatus> {
        self.members().iter().map(|it| it.status()).collect()
    }

    /// The least memory that the DuckDB of an executor has which statements may use, in bytes;
    /// `None`: there is none, or none says.
    pub fn memory_bytes(&self) -> Option<u64> {
        let usable = [MemberState::Healthy, MemberState::Suspect];
        let statuses = self.statuses().into_iter();
        let usable = statuses.filter(|status| usable.contains(&status.state));
        let known = usable.filter_map(|status| Some(status.reply?.memory_bytes));
        known.filter(|bytes| *bytes > 0).min()
    }

    /// Rows that end with an error when one of `nodes` is given up: a connection to a machine that
    /// has vanished would notice much later.
    pub fn guarded(&self, rows: BatchStream, nodes: &[Node]) -> BatchStream {
        let members = self.members();
        let used = members
            .into_iter()
            .filter(|member| nodes.iter().any(|node| node == &member.node));
        let lost: Vec<BoxFuture<'static, String>> = used
            .map(|member| {
                async move {
                    member.lost().await;
                    member.name().to_owned()
                }
                .boxed()
            })
            .collect();
        if lost.is_empty() {
            return rows;
        }
        let state = Some((rows, select_all(lost)));
        Box::pin(futures::stream::unfold(state, |state| async move {
            let (mut rows, lost) = state?;
            match select(rows.next(), lost).await {
                Either::Left((batch, lost)) => Some((batch?, Some((rows, lost)))),
                Either::Right(((name, _, _), _)) => Some((Err(gone(&name)), None)),
            }
        }))
    }

    /// Asks every executor, and returns when each has answered or failed to. Those that do not
    /// answer soon are not waited for.
    pub async fn ask_all(&self) {
        for member in self.members() {
            member.now.notify_one();
        }
        let limit = self.all.options.health_interval.max(ANSWER);
        let _ = tokio::time::timeout(limit, self.asked(1)).await;
    }

    /// Brings what is known of executors up to date for somebody who looks at it. Those that do not
    /// answer at once are shown as they were.
    pub async fn refresh(&self) {
        let members = self.members();
        join_all(members.iter().map(|member| member.refresh(REFRESH))).await;
    }

    /// Waits until every executor has been asked so many times more, or at all.
    async fn asked(&self, times: u64) {
        let members = self.members();
        let asked = members.iter().map(|member| async move {
            let mut checks = member.checks.subscribe();
            let wanted = (*checks.borrow() + times).max(1);
            let _ = checks.wait_for(|checks| *checks >= wanted).await;
        });
        let limit = self.all.options.health_timeout;
        let _ = tokio::time::timeout(limit, join_all(asked)).await;
    }
}

fn gone(name: &str) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Unreachable,
        message: format!("executor \"{name}\" does not answer any more"),
        position: None,
    }
}

/// How long a statement that shows executors waits for what they say.
const REFRESH: Duration = Duration::from_millis(300);
/// How long a statement that starts anew waits for executors to say that they live.
const ANSWER: Duration = Duration::from_secs(1);

/// Keeps the list of executors up to date.
struct Resolver {
    configured: Vec<String>,
    all: Arc<Registry>,
    /// What names stood for when they could be resolved last.
    known: BTreeMap<String, Vec<String>>,
}

impl Resolver {
    async fn run(mut self) {
        if !self.configured.iter().any(|entry| entry.starts_with(DNS)) {
            return;
        }
        loop {
            tokio::time::sleep(self.all.options.resolve_interval).await;
            self = self.resolve().await;
        }
    }

    async fn resolve(mut self) -> Self {
        let mut names = Vec::new();
        for entry in &self.configured {
            let Some(name) = entry.strip_prefix(DNS) else {
                names.push(entry.clone());
                continue;
            };
            match lookup(name, self.all.options.health_timeout).await {
                Ok(found) => {
                    self.known.insert(entry.clone(), found);
                }
                // The executors may be well; it is the name's server that is not.
                Err(error) => tracing::warn!(name, %error, "a name of executors is not found"),
            }
            names.extend(self.known.get(entry).into_iter().flatten().cloned());
        }
        let mut members = self.all.locked();
        members.retain(|name, _| names.contains(name));
        for name in names {
            if members.contains_key(&name) {
                continue;
            }
            let Some(member) = Member::new(&name, &self.all) else {
                tracing::warn!(executor = %name, "this is no address of an executor");
                continue;
            };
            let watching = Arc::clone(&member).watch(self.all.options.clone());
            let task = tokio::spawn(watching).abort_handle();
            members.insert(name, Watched { member, task });
        }
        drop(members);
        self.all.publish();
        self
    }
}

/// The addresses that a name has now.
async fn lookup(name: &str, limit: Duration) -> std::io::Result<Vec<String>> {
    let found = tokio::time::timeout(limit, lookup_host(name)).await??;
    let mut names: Vec<String> = found.map(|address| address.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod tests;
