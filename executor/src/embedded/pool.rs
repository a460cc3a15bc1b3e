//! Connections of one instance, reused.
//!
//! The pool bounds how many fragments run at once in the instance. A connection that comes back
//! without having been cleaned is closed.

use std::collections::BTreeMap;
use std::time::Duration;

use bb8::{ManageConnection, PooledConnection, RunError};
use skein_executor_api::{FragmentError, FragmentErrorKind};

use crate::engine::{Connection, Database, InterruptHandle};

#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: bb8::Pool<Manager>,
    connections_max: u32,
    timeout: Duration,
}

#[derive(Debug)]
pub(super) struct Manager {
    database: Database,
}

/// A connection with what is known about its state.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) connection: Connection,
    /// Settings that were changed, as they are now.
    settings: BTreeMap<String, String>,
    /// The same settings, as the instance has them.
    settings_before: BTreeMap<String, String>,
    /// A fragment runs on it, or has left it in an unknown state.
    dirty: bool,
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = FragmentError;

    async fn connect(&self) -> Result<Pooled, FragmentError> {
        let connection = self.database.connect()?;
        Ok(Pooled {
            connection,
            settings: BTreeMap::new(),
            settings_before: BTreeMap::new(),
            dirty: false,
        })
    }

    async fn is_valid(&self, _: &mut Pooled) -> Result<(), FragmentError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.dirty
    }
}

/// A connection that a fragment holds.
pub(super) struct Session {
    pooled: PooledConnection<'static, Manager>,
}

impl Pool {
    pub(super) fn new(database: &Database, connections_max: u32, timeout: Duration) -> Self {
        let manager = Manager {
            database: database.clone(),
        };
        let connections = bb8::Pool::builder()
            .max_size(connections_max.max(1))
            .connection_timeout(timeout)
            // Connections live in this process: they neither age nor break by themselves.
            .test_on_check_out(false)
            .max_lifetime(None)
            .build_unchecked(manager);
        Self {
            connections,
            connections_max: connections_max.max(1),
            timeout,
        }
    }

    pub(super) fn counts(&self) -> (u32, u32) {
        let state = self.connections.state();
        (state.connections, state.idle_connections)
    }

    pub(super) async fn get(&self) -> Result<Session, FragmentError> {
        let mut pooled = self
            .connections
            .get_owned()
            .await
            .map_err(|error| match error {
                RunError::User(error) => error,
                RunError::TimedOut => FragmentError {
                    kind: FragmentErrorKind::Unavailable,
                    message: format!(
                        "all {} connections of the executor were busy for {} ms",
                        self.connections_max,
                        self.timeout.as_millis()
                    ),
                    position: None,
                },
            })?;
        pooled.dirty = true;
        Ok(Session { pooled })
    }
}

impl Session {
    pub(super) fn connection(&self) -> &Connection {
        &self.pooled.connection
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.pooled.connection.interrupt_handle()
    }

    /// Gives the connection exactly these settings; the others are the instance's.
    pub(super) fn apply(
        &mut self,
        settings: &BTreeMap<String, String>,
    ) -> Result<(), FragmentError> {
        // Nearly all fragments come from sessions with the same settings.
        if self.pooled.settings == *settings {
            return Ok(());
        }
        let pooled = &mut *self.pooled;
        let mut wanted = pooled.settings_before.clone();
        wanted.extend(settings.clone());
        for (name, value) in wanted {
            if pooled.settings.get(&name) == Some(&value) {
                continue;
            }
            // DuckDB's RESET gives the built-in value, not the instance's.
            if !pooled.settings_before.contains_key(&name) {
                let before = pooled.connection.setting(&name)?;
                pooled.settings_before.insert(name.clone(), before);
            }
            pooled.connection.set_setting(&name, &value)?;
            pooled.settings.insert(name, value);
        }
        Ok(())
    }

    /// Declares the connection clean and gives it back. Without this call it is closed.
    pub(super) fn give_back(mut self) {
        self.pooled.dirty = false;
    }
}
