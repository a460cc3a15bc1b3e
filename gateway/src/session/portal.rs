//! Prepared statements and portals of a session, by name.
//!
//! Names live as in PostgreSQL: the unnamed statement is replaced by the next one, a named one has
//! to be closed first; portals end with their transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use skein_planner::postgres::{CursorFact, PreparedFact};

use super::activity::time_text;
use super::analysed::Analysed;
use super::cursor::{CursorOptions, CursorRows, Place};
use super::rows::ResultRows;
use crate::encode::Format;
use crate::error::GatewayError;
use crate::shadow::facts::NameFacts;

/// A statement and the values it will run with.
#[derive(Clone)]
pub struct Bound {
    /// The statement.
    pub analysed: Arc<Analysed>,
    /// SQL for the value of each parameter.
    pub parameters: Vec<String>,
    /// One for each result column.
    pub formats: Vec<Format>,
}

/// What ends a command's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The word and the number of rows: `SELECT 5`.
    Counted(&'static str),
    /// The text as it is.
    Plain(String),
}

impl Tag {
    /// The text that ends the answer.
    pub fn text(&self, rows: u64) -> String {
        match self {
            Self::Counted(word) => format!("{word} {rows}"),
            Self::Plain(text) => text.clone(),
        }
    }
}

/// How far a portal has come.
pub enum PortalState {
    /// Not executed yet.
    New,
    /// Rows are being sent.
    Open {
        /// The rows that are left.
        rows: Box<ResultRows>,
        /// What ends them.
        tag: Tag,
    },
    /// Rows of a cursor are being fetched.
    Fetched {
        /// The rows.
        rows: CursorRows,
        /// Where it stands.
        place: Place,
    },
    /// All rows have been sent; executing it again gives none.
    Drained(Tag),
    /// A command that returns no rows was run; it cannot be run again.
    Spent,
    /// It failed.
    Failed,
}

/// A statement that is ready to run, or runs.
pub struct Portal {
    /// What to run.
    pub bound: Bound,
    /// How far it is.
    pub state: PortalState,
    /// Keeps its rows beyond the end of the transaction.
    pub with_hold: bool,
    /// A format code for its columns that does not exist.
    pub unknown_format: Option<i16>,
    /// How it was declared, if it was.
    pub cursor: CursorOptions,
    /// What the client sent for it.
    pub text: Arc<str>,
    /// When it was made.
    pub since: Timestamp,
}

/// A statement under a name.
struct Prepared {
    analysed: Arc<Analysed>,
    /// What the client sent.
    text: Arc<str>,
    /// By `PREPARE`, not by a message.
    from_sql: bool,
    since: Timestamp,
}

/// Statements and portals of one session.
pub struct Names {
    statements: BTreeMap<String, Prepared>,
    portals: BTreeMap<String, Portal>,
    statements_max: usize,
    portals_max: usize,
}

impl Names {
    /// No names yet, with the limits of the configuration.
    pub fn new(statements_max: usize, portals_max: usize) -> Self {
        Self {
            statements: BTreeMap::new(),
            portals: BTreeMap::new(),
            statements_max,
            portals_max,
        }
    }

    /// Fails if a statement of that name cannot be added.
    pub fn check_new_statement(&self, name: &str) -> Result<(), GatewayError> {
        if !name.is_empty() && self.statements.contains_key(name) {
            return Err(GatewayError::DuplicateStatement(name.to_owned()));
        }
        if !name.is_empty() && self.statements.len() >= self.statements_max {
            return Err(limit(
                "prepared statements",
                self.statements_max,
                "statements_max",
            ));
        }
        Ok(())
    }

    /// Adds or, if unnamed, replaces a statement.
    /// `text` is what the client sent for it, `from_sql` says whether that is a `PREPARE`.
    pub fn add_statement(
        &mut self,
        name: &str,
        analysed: Arc<Analysed>,
        text: Arc<str>,
        from_sql: bool,
    ) {
        analysed.prepared();
        let prepared = Prepared {
            analysed,
            text,
            from_sql,
            since: Timestamp::now(),
        };
        self.statements.insert(name.to_owned(), prepared);
    }

    /// What the catalogue shows of these names.
    pub fn facts(&self) -> NameFacts {
        let prepared = self.statements.iter().filter(|(name, _)| !name.is_empty());
        let prepared = prepared.map(|(name, prepared)| PreparedFact {
            name: name.clone(),
            statement: prepared.text.to_string(),
            prepared: time_text(prepared.since),
            parameter_types: prepared.analysed.parameter_types.clone(),
            from_sql: prepared.from_sql,
        });
        let cursors = self.portals.iter().map(|(name, portal)| CursorFact {
            name: name.clone(),
            statement: portal.text.to_string(),
            created: time_text(portal.since),
            is_holdable: portal.with_hold,
            is_binary: portal.cursor.binary,
            is_scrollable: portal.cursor.scroll,
        });
        NameFacts {
            prepared: prepared.collect(),
            cursors: cursors.collect(),
        }
    }

    /// Finds a statement.
    pub fn statement(&self, name: &str) -> Result<&Arc<Analysed>, GatewayError> {
        self.statements
            .get(name)
            .map(|prepared| &prepared.analysed)
            .ok_or_else(|| GatewayError::UnknownStatement(name.to_owned()))
    }

    /// Forgets a statement; `false` when there is none of that name.
    pub fn close_statement(&mut self, name: &str) -> bool {
        self.statements.remove(name).is_some()
    }

    /// Forgets all statements.
    pub fn close_statements(&mut self) {
        self.statements.clear();
    }

    /// Names of all statements.
    pub fn statement_names(&self) -> impl Iterator<Item = &str> {
        self.statements
            .keys()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// Adds or, if unnamed, replaces a portal.
    pub fn add_portal(&mut self, name: &str, portal: Portal) -> Result<(), GatewayError> {
        if !name.is_empty() && self.portals.contains_key(name) {
            return Err(GatewayError::DuplicateCursor(name.to_owned()));
        }
        if !name.is_empty() && self.portals.len() >= self.portals_max {
            return Err(limit("portals", self.portals_max, "portals_max"));
        }
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    /// Finds a portal.
    pub fn portal(&mut self, name: &str) -> Result<&mut Portal, GatewayError> {
        self.portals
            .get_mut(name)
            .ok_or_else(|| GatewayError::UnknownPortal(name.to_owned()))
    }

    /// Whether there is a portal of that name.
    pub fn has_portal(&self, name: &str) -> bool {
        self.portals.contains_key(name)
    }

    /// Finds a portal by the name that SQL gives it.
    pub fn cursor(&mut self, name: &str) -> Result<&mut Portal, GatewayError> {
        self.portals
            .get_mut(name)
            .ok_or_else(|| GatewayError::UnknownCursor(name.to_owned()))
    }

    /// Forgets a portal and stops it; `false` when there is none of that name.
    pub fn close_portal(&mut self, name: &str) -> bool {
        self.portals.remove(name).is_some()
    }

    /// Stops and forgets all portals.
    pub fn close_portals(&mut self) {
        self.portals.clear();
    }

    /// Stops and forgets the portals that end with their transaction.
    pub fn end_transaction(&mut self, committed: bool) {
        if !self.portals.is_empty() {
            self.portals
                .retain(|_, portal| committed && portal.with_hold);
        }
    }
}

fn limit(what: &str, max: usize, key: &str) -> GatewayError {
    GatewayError::Limit {
        message: format!("a session can have at most {max} {what}"),
        hint: format!("Close some, or raise gateway.{key}."),
    }
}
