//! Executors as `skein.executors` shows them.

use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use skein_executor::engine::Database;
use skein_executor::{Counted, Load};
use skein_executor_api::{Executor, FragmentError};
use skein_planner::postgres::ExecutorFact;
use skein_remote::tls::{Identity, TlsError};
use skein_remote::{MemberStatus, Members};

/// Every executor that the gateway knows, whether statements use it now or not.
#[derive(Debug, Default)]
pub struct KnownExecutors {
    embedded: Vec<(String, Arc<Load>)>,
    members: Option<Arc<Members>>,
    identity: Option<Arc<Identity>>,
}

impl KnownExecutors {
    /// Those inside of this process, and those in others with what the gateway shows them.
    pub fn new(
        embedded: &[Arc<Counted>],
        members: Option<Arc<Members>>,
        identity: Option<Arc<Identity>>,
    ) -> Self {
        let known = |executor: &Arc<Counted>| {
            let load = Arc::clone(executor.load());
            (executor.name().to_owned(), load)
        };
        Self {
            embedded: embedded.iter().map(known).collect(),
            members,
            identity,
        }
    }

    /// Whether there are any in other processes.
    pub fn has_members(&self) -> bool {
        self.members.is_some()
    }

    /// The least memory of an executor in another process, in bytes; `None`: there is none, or none
    /// says.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.members.as_ref()?.memory_bytes()
    }

    /// Finds out which ones in other processes live and can be used, after a statement has failed there with
    /// this error.
    pub async fn ask_all(&self, error: &FragmentError) {
        if let Some(members) = &self.members {
            members.ask_all().await;
            members.statement_failed(error);
        }
    }

    /// Brings the numbers of those in other processes up to date, before they are shown.
    pub async fn refresh(&self) {
        if let Some(members) = &self.members {
            members.refresh().await;
        }
    }

    /// Reads certificates again if they have changed.
    pub fn reload(&self) -> Result<bool, TlsError> {
        match &self.identity {
            Some(identity) => identity.reload(),
            None => Ok(false),
        }
    }

    /// How they are now.
    pub fn facts(&self) -> Vec<ExecutorFact> {
        let now = text(SystemTime::now());
        let embedded = self.embedded.iter().map(|(name, load)| ExecutorFact {
            name: name.clone(),
            state: "healthy".to_owned(),
            skein_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            duckdb_version: Some(Database::version().trim_start_matches('v').to_owned()),
            running_fragments: load.running(),
            fragments: load.fragments(),
            bytes_sent: load.bytes(),
            last_seen: now.clone(),
            ..ExecutorFact::default()
        });
        let statuses = self.members.iter().flat_map(|members| members.statuses());
        embedded.chain(statuses.map(fact)).collect()
    }
}

fn fact(status: MemberStatus) -> ExecutorFact {
    let reply = status.reply.unwrap_or_default();
    let known = |version: String| (!version.is_empty()).then_some(version);
    let (last_failure, last_error) = status.last_failure.unzip();
    ExecutorFact {
        address: Some(status.name.clone()),
        name: status.name,
        state: status.state.to_string(),
        skein_version: known(reply.skein_version),
        duckdb_version: known(reply.duckdb_version),
        running_fragments: reply.running,
        fragments: reply.fragments,
        bytes_sent: reply.bytes,
        last_seen: status.last_seen.and_then(text),
        failures: status.failures,
        last_failure: last_failure.and_then(text),
        last_error,
    }
}

/// A time as text of a timestamp with time zone.
fn text(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Some(time.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
}
