//! What one client owns: settings, statements, portals and the status of its transaction.
//!
//! ```text
//! message ─► simple / extended ─► analysed statement ─► execute ─► rows or a command tag
//! ```
//!
//! Invariants: a statement runs only in a transaction that has not failed; every statement has a
//! [`guard::Guard`] that a cancel request and `statement_timeout` reach; what a statement changes in
//! the session is changed only when it has succeeded.

pub mod activity;
pub mod analysed;
pub mod copy;
pub mod cursor;
mod derived;
mod execute;
mod explain;
mod extended;
mod function_call;
pub mod guard;
mod locate;
mod nearest;
mod parameters;
pub mod portal;
mod prepared;
mod query;
pub mod rows;
pub mod settings;
mod simple;
mod texts;
pub mod transaction;
mod types;
mod understand;
mod utility;
mod versions;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{GatewayError, Report, SqlState};
use crate::gateway::Gateway;
use crate::pgwire::backend::{Outgoing, TransactionStatus};
use crate::pgwire::cancel::{Registration, Termination};
use crate::pgwire::connection::Handler;
use crate::pgwire::frontend::{Message, Target};
use crate::pgwire::startup::StartupPacket;
use crate::pgwire::stream::Writer;
use activity::{Identity, Presence};
use derived::Derived;
use guard::Guard;
use portal::Names;
use settings::Settings;
use transaction::Transaction;

/// One client's session.
pub struct Session {
    gateway: Arc<Gateway>,
    user: String,
    database: String,
    /// Where the client is, and where it has reached the server.
    addresses: [Option<SocketAddr>; 2],
    settings: Settings,
    /// What follows from the settings.
    derived: Derived,
    /// The settings of which the client was last told, and their values.
    reported_of: Settings,
    reported: BTreeMap<&'static str, String>,
    transaction: Transaction,
    names: Names,
    registration: Registration,
    presence: Presence,
}

impl Session {
    /// Makes a session for a client that has been let in, and greets it.
    pub fn start(
        gateway: Arc<Gateway>,
        packet: &StartupPacket,
        is_admin: bool,
        out: &mut Outgoing,
    ) -> Result<Self, GatewayError> {
        let minor = packet.minor_spoken(gateway.config().gateway.protocol_minor_max);
        let mut settings = Settings::new(Arc::clone(gateway.settings()), &packet.user);
        for (name, value) in &packet.settings {
            settings
                .set_at_startup(name, value)
                .map_err(GatewayError::StartupSetting)?;
        }
        let limits = &gateway.config().gateway;
        let registration = gateway.cancels().register(minor);
        let identity = Identity {
            process_id: registration.process_id,
            user: packet.user.clone(),
            database: packet.database.clone(),
            client: packet.client,
            cipher: packet.cipher,
            is_admin,
        };
        let mut session = Self {
            names: Names::new(limits.statements_max, limits.portals_max),
            presence: gateway
                .sessions()
                .enter(identity, registration.handle.clone()),
            registration,
            user: packet.user.clone(),
            database: packet.database.clone(),
            addresses: [packet.client, packet.server],
            derived: Derived::new(&settings),
            reported_of: settings.clone(),
            settings,
            reported: BTreeMap::new(),
            transaction: Transaction::default(),
            gateway,
        };
        session.report_settings(out);
        out.backend_key_data(session.registration.process_id, &session.registration.key);
        out.ready(TransactionStatus::Idle);
        Ok(session)
    }

    /// Tells the client of settings that have changed.
    fn report_settings(&mut self, out: &mut Outgoing) {
        self.reported_of = self.settings.clone();
        let name = self.settings.value("application_name");
        self.presence.entry.is_called(&name);
        for (name, value) in self.settings.reported() {
            if self.reported.get(name) != Some(&value) {
                out.parameter_status(name, &value);
                self.reported.insert(name, value);
            }
        }
    }

    /// Starts the clock of a statement.
    fn guard(&mut self) -> Guard {
        // A statement of the same message may have changed a setting.
        self.derived.refresh(&self.settings);
        self.presence.entry.statement_begins();
        Guard::new(&self.registration.handle, self.derived.statement_timeout)
    }

    /// Ends the answer to a command, after the warnings that it left.
    fn complete(&self, tag: &str, out: &mut Outgoing) {
        self.warn(out);
        out.command_complete(tag);
    }

    /// Sends the warnings that a statement has left so far.
    fn warn(&self, out: &mut Outgoing) {
        for warning in self.presence.entry.take_warnings() {
            self.notice(&Report::warning(SqlState::WARNING, warning), out);
        }
    }

    /// A notice to the client, if `client_min_messages` lets it through.
    fn notice(&self, report: &Report, out: &mut Outgoing) {
        let wanted = self.settings.value("client_min_messages");
        let quiet = match report.severity {
            crate::error::Severity::Notice => {
                matches!(wanted.as_str(), "warning" | "error" | "fatal" | "panic")
            }
            _ => matches!(wanted.as_str(), "error" | "fatal" | "panic"),
        };
        if !quiet {
            out.report(report);
        }
    }
}

impl Handler for Session {
    async fn handle(&mut self, message: Message, writer: &mut Writer) -> Result<(), GatewayError> {
        match message {
            Message::Query(text) => Box::pin(self.simple_query(&text, writer)).await,
            Message::Parse {
                name,
                query,
                parameter_types,
            } => self.parse(&name, &query, &parameter_types, writer).await,
            Message::Bind {
                portal,
                statement,
                values,
            } => self.bind(&portal, &statement, values, writer),
            Message::Describe(Target::Statement(name)) => self.describe_statement(&name, writer),
            Message::Describe(Target::Portal(name)) => self.describe_portal(&name, writer),
            Message::Execute { portal, rows_max } => {
                Box::pin(self.execute_portal(&portal, rows_max, writer)).await
            }
            Message::Close(target) => {
                match target {
                    Target::Statement(name) => self.names.close_statement(&name),
                    Target::Portal(name) => self.names.close_portal(&name),
                };
                writer.out().close_complete();
                Ok(())
            }
            Message::FunctionCall(call) => Box::pin(self.call_function(&call, writer)).await,
            // The connection loop handles these itself.
            Message::Flush | Message::Sync | Message::Terminate | Message::Copy => Ok(()),
        }
    }

    fn end_of_cycle(&mut self, out: &mut Outgoing) {
        self.transaction.end_implicit();
        if !self.transaction.in_block() {
            self.settings.commit();
            self.names.end_transaction(true);
        }
        if !self.reported_of.is_same(&self.settings) {
            self.report_settings(out);
        }
        self.derived.refresh(&self.settings);
        self.presence.entry.waits(self.transaction.status());
    }

    fn failed(&mut self) {
        self.presence.entry.statement_ends();
        if self.transaction.in_block() {
            self.transaction.fail();
        } else {
            self.settings.rollback();
            self.names.end_transaction(false);
        }
    }

    fn status(&self) -> TransactionStatus {
        self.transaction.status()
    }

    fn termination(&self) -> Termination {
        self.registration.handle.termination()
    }

    fn idle_limit(&self) -> Option<(Duration, GatewayError)> {
        let (limit, error) = if self.transaction.in_block() {
            (
                self.derived.idle_in_transaction,
                GatewayError::IdleInTransaction,
            )
        } else {
            (self.derived.idle_session, GatewayError::IdleSession)
        };
        limit.map(|limit| (limit, error))
    }
}
