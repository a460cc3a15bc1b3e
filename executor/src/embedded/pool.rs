//! Connections of one instance.
//!
//! A pool bounds how many fragments without inputs run at once, and keeps their connections. A
//! connection that comes back without having been cleaned is closed. A fragment with inputs never
//! waits: it could wait for the very fragments that wait for it to read their rows. It takes a
//! connection that an earlier one has left, or opens one, which costs four milliseconds with its
//! settings, views and end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bb8::{ManageConnection, PooledConnection, QueueStrategy, RunError};
use skein_executor_api::{FragmentError, FragmentErrorKind};

use crate::engine::{Connection, Database, Prepared};

/// Connections on a rack. More have been in use at once only for a while.
const RACKED_MAX: usize = 64;
/// Planned statements that a connection keeps.
const KEPT_STATEMENTS_MAX: usize = 32;
/// Longer texts are planned anew each time.
const KEPT_STATEMENT_BYTES_MAX: usize = 4096;

#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: bb8::Pool<Manager>,
    database: Database,
    running: Arc<AtomicUsize>,
    connections_max: u32,
    timeout: Duration,
    /// Connections of statements that run where they arrive: as many as threads did so at once.
    idle: Rack,
    /// Connections that fragments with inputs have left.
    with_inputs: Rack,
}

/// Connections that wait for nobody: one that is missing is opened.
type Rack = Arc<Mutex<Vec<Pooled>>>;

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
    /// Planned statements, the last used one last.
    statements: Vec<(String, Arc<Prepared>)>,
    /// A fragment runs on it, or has left it in an unknown state.
    dirty: bool,
}

impl Pooled {
    fn new(connection: Connection) -> Self {
        Self {
            connection,
            settings: BTreeMap::new(),
            settings_before: BTreeMap::new(),
            statements: Vec::new(),
            dirty: false,
        }
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = FragmentError;

    async fn connect(&self) -> Result<Pooled, FragmentError> {
        let connection = self.database.connect()?;
        Ok(Pooled::new(connection))
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
    held: Held,
    /// The connection will serve others with the same texts.
    keeps_statements: bool,
    _running: Running,
}

/// Counts a fragment while it holds a connection.
struct Running(Arc<AtomicUsize>);

enum Held {
    Pooled(PooledConnection<'static, Manager>),
    /// Of a fragment with inputs, or of a statement that runs where it arrives; goes back to the
    /// rack.
    Own(Box<Pooled>, Rack),
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Pool {
    pub(super) fn new(database: &Database, connections_max: u32, timeout: Duration) -> Self {
        let manager = Manager {
            database: database.clone(),
        };
        let connections = bb8::Pool::builder()
            .max_size(connections_max.max(1))
            .connection_timeout(timeout)
            // The connection that was used last has most likely planned the statement before.
            .queue_strategy(QueueStrategy::Lifo)
            // Connections live in this process: they neither age nor break by themselves.
            .test_on_check_out(false)
            .max_lifetime(None)
            .build_unchecked(manager);
        Self {
            connections,
            database: database.clone(),
            connections_max: connections_max.max(1),
            timeout,
            running: Arc::default(),
            idle: Rack::default(),
            with_inputs: Rack::default(),
        }
    }

    /// Fragments that hold a connection now.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Connections in the pool.
    pub(super) fn pooled(&self) -> u32 {
        self.connections.state().connections
    }

    /// A connection for a fragment without inputs; waits for one.
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
        Ok(self.session(Held::Pooled(pooled), true))
    }

    /// A connection for a fragment with inputs, at once.
    pub(super) fn open(&self) -> Result<Session, FragmentError> {
        self.take(&self.with_inputs, false)
    }

    /// Calls `work` with a connection for a statement that runs on the calling thread. It does not
    /// wait for one, so that there are no more of them than threads that call this.
    pub(super) fn with_idle<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, FragmentError>,
    ) -> Result<T, FragmentError> {
        let mut session = self.take(&self.idle, true)?;
        let result = work(&mut session);
        session.give_back();
        result
    }

    fn take(&self, rack: &Rack, keeps_statements: bool) -> Result<Session, FragmentError> {
        let kept = locked(rack).pop();
        let pooled = match kept {
            Some(pooled) => pooled,
            None => Pooled::new(self.database.connect()?),
        };
        let held = Held::Own(Box::new(pooled), Arc::clone(rack));
        Ok(self.session(held, keeps_statements))
    }

    fn session(&self, held: Held, keeps_statements: bool) -> Session {
        self.running.fetch_add(1, Ordering::SeqCst);
        Session {
            held,
            keeps_statements,
            _running: Running(Arc::clone(&self.running)),
        }
    }
}

impl Session {
    fn pooled(&mut self) -> &mut Pooled {
        match &mut self.held {
            Held::Pooled(pooled) => pooled,
            Held::Own(pooled, _) => pooled,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        match &self.held {
            Held::Pooled(pooled) => &pooled.connection,
            Held::Own(pooled, _) => &pooled.connection,
        }
    }

    /// Plans a statement, or takes the plan of an earlier fragment with the same text.
    pub(super) fn prepare(&mut self, sql: &str) -> Result<Arc<Prepared>, FragmentError> {
        // A plan keeps what it saw of files, which may have changed; without files, DuckDB notices
        // itself when its catalog has changed.
        let keep = self.keeps_statements
            && self.connection().reads_no_files()
            && sql.len() <= KEPT_STATEMENT_BYTES_MAX;
        if !keep {
            return self.connection().prepare(sql).map(Arc::new);
        }
        let pooled = self.pooled();
        let kept = pooled.statements.iter().position(|(text, _)| text == sql);
        let (text, statement) = match kept {
            Some(index) => pooled.statements.remove(index),
            None => (sql.to_owned(), Arc::new(pooled.connection.prepare(sql)?)),
        };
        if pooled.statements.len() >= KEPT_STATEMENTS_MAX {
            pooled.statements.remove(0);
        }
        pooled.statements.push((text, Arc::clone(&statement)));
        Ok(statement)
    }

    /// Gives the connection exactly these settings; the others are the instance's.
    pub(super) fn apply(
        &mut self,
        settings: &BTreeMap<String, String>,
    ) -> Result<(), FragmentError> {
        let pooled = self.pooled();
        // Nearly all fragments come from sessions with the same settings.
        if pooled.settings == *settings {
            return Ok(());
        }
        let mut wanted = pooled.settings_before.clone();
        wanted.extend(settings.clone());
        for (name, value) in wanted {
            if pooled.settings.get(&name) == Some(&value) {
                continue;
            }
            // DuckDB's RESET gives the built-in value, not the instance's.
            if !pooled.settings_before.contains_key(&name) {
                let before = match pooled.connection.instance_setting(&name) {
                    Some(before) => before,
                    None => pooled.connection.setting(&name)?,
                };
                pooled.settings.insert(name.clone(), before.clone());
                pooled.settings_before.insert(name.clone(), before);
            }
            if pooled.settings.get(&name) != Some(&value) {
                // Plans may hold constants that were made with the old value.
                pooled.statements.clear();
                pooled.connection.set_setting(&name, &value)?;
                pooled.settings.insert(name, value);
            }
        }
        Ok(())
    }

    /// Declares the connection clean and gives it back. Without this call it is closed.
    pub(super) fn give_back(self) {
        match self.held {
            Held::Pooled(mut pooled) => pooled.dirty = false,
            Held::Own(pooled, rack) => {
                let mut rack = locked(&rack);
                if rack.len() < RACKED_MAX {
                    rack.push(*pooled);
                }
            }
        }
    }
}

fn locked(rack: &Rack) -> MutexGuard<'_, Vec<Pooled>> {
    rack.lock().unwrap_or_else(PoisonError::into_inner)
}
