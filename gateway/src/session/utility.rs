//! Commands that work on the session itself: settings and transactions.
//!
//! Texts and codes are PostgreSQL's, from `guc.c`, `xact.c` and `portalcmds.c`.

use std::sync::Arc;

use skein_planner::parse::{LockedRelation, TransactionModes};

use super::Session;
use super::execute::Outcome;
use super::guard::Guard;
use super::texts;
use super::transaction::Ended;
use crate::error::{GatewayError, Report, SqlState};
use crate::pgwire::backend::Outgoing;

impl Session {
    /// `SHOW name`
    pub(super) fn show(&self, name: &str) -> Result<Outcome, GatewayError> {
        let value = self.settings.show(name)?;
        let columns = texts::columns(&[&super::settings::Settings::spelling(name)]);
        let rows = texts::rows(&columns, &[vec![value]]);
        Ok(Outcome::rows(rows, columns, "SHOW"))
    }

    /// `SHOW ALL`
    pub(super) fn show_all(&self) -> Outcome {
        let columns = texts::columns(&["name", "setting", "description"]);
        let mut settings: Vec<Vec<String>> = self
            .settings
            .rows()
            .into_iter()
            .map(|row| {
                let shown = super::settings::value::shown(row.definition, &row.stored);
                vec![
                    row.definition.name.to_owned(),
                    shown,
                    row.definition.description.to_owned(),
                ]
            })
            .collect();
        settings.sort_by_cached_key(|row| row[0].to_lowercase());
        let rows = texts::rows(&columns, &settings);
        Outcome::rows(rows, columns, "SHOW")
    }

    /// `SET [LOCAL] name = values`
    pub(super) fn set(
        &mut self,
        name: &str,
        values: &[String],
        local: bool,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        self.settings.begin();
        self.settings.set(name, values, local)?;
        if local {
            self.warn_outside_block("SET LOCAL", out);
        }
        Ok(Outcome::done("SET"))
    }

    /// `RESET name`, `SET name TO DEFAULT`
    pub(super) fn reset(
        &mut self,
        name: &str,
        local: bool,
        tag: &str,
    ) -> Result<Outcome, GatewayError> {
        self.settings.begin();
        self.settings.reset(name, local)?;
        Ok(Outcome::done(tag))
    }

    /// `BEGIN`, `START TRANSACTION`
    pub(super) fn begin(
        &mut self,
        modes: &TransactionModes,
        text: &str,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        if self.transaction.begin() {
            self.settings.begin();
            self.set_modes(modes, "transaction_", true)?;
        } else {
            let text = "there is already a transaction in progress";
            self.notice(
                &Report::warning(SqlState::ACTIVE_SQL_TRANSACTION, text),
                out,
            );
        }
        let starts = text
            .get(..5)
            .is_some_and(|word| word.eq_ignore_ascii_case("start"));
        Ok(Outcome::done(if starts {
            "START TRANSACTION"
        } else {
            "BEGIN"
        }))
    }

    /// `SET TRANSACTION`, `SET SESSION CHARACTERISTICS AS TRANSACTION`
    pub(super) fn set_transaction(
        &mut self,
        modes: &TransactionModes,
        session: bool,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        self.settings.begin();
        if session {
            self.set_modes(modes, "default_transaction_", false)?;
        } else {
            self.warn_outside_block("SET TRANSACTION", out);
            self.set_modes(modes, "transaction_", true)?;
        }
        Ok(Outcome::done("SET"))
    }

    fn set_modes(
        &mut self,
        modes: &TransactionModes,
        prefix: &str,
        local: bool,
    ) -> Result<(), GatewayError> {
        let word = |on: bool| if on { "on" } else { "off" }.to_owned();
        let values = [
            ("isolation", modes.isolation.clone()),
            ("read_only", modes.read_only.map(word)),
            ("deferrable", modes.deferrable.map(word)),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                self.settings
                    .set_text(&format!("{prefix}{name}"), &value, local)?;
            }
        }
        Ok(())
    }

    /// `COMMIT`, which is ROLLBACK for a block that failed.
    pub(super) fn commit(
        &mut self,
        chain: bool,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        self.end_block(true, chain, out)
    }

    /// `ROLLBACK`
    pub(super) fn rollback(
        &mut self,
        chain: bool,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        self.end_block(false, chain, out)
    }

    /// `PREPARE TRANSACTION`, which ends the transaction in either case.
    pub(super) fn prepare_transaction(
        &mut self,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        let (begun, failed) = (self.transaction.in_block(), self.transaction.is_failed());
        let outcome = self.end_block(false, false, out)?;
        if begun && !failed {
            return Err(GatewayError::PreparedDisabled);
        }
        Ok(outcome)
    }

    fn end_block(
        &mut self,
        commit: bool,
        chain: bool,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        let word = if commit { "COMMIT" } else { "ROLLBACK" };
        if chain && !self.transaction.in_block() {
            return Err(GatewayError::NeedsTransaction(format!("{word} AND CHAIN")));
        }
        let ended = self.transaction.end();
        let committed = commit && ended != Ended::Failed;
        if committed {
            self.settings.commit();
        } else {
            self.settings.rollback();
        }
        self.names.end_transaction(committed);
        if ended == Ended::Nothing {
            let text = "there is no transaction in progress";
            self.notice(
                &Report::warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, text),
                out,
            );
        }
        if chain {
            self.transaction.begin();
            self.settings.begin();
        }
        Ok(Outcome::done(if committed { "COMMIT" } else { "ROLLBACK" }))
    }

    /// `SAVEPOINT name`
    pub(super) fn savepoint(&mut self, name: &str) -> Result<Outcome, GatewayError> {
        self.need_block("SAVEPOINT")?;
        self.transaction.savepoint(name);
        self.settings.savepoint(name);
        Ok(Outcome::done("SAVEPOINT"))
    }

    /// `RELEASE name`
    pub(super) fn release(&mut self, name: &str) -> Result<Outcome, GatewayError> {
        self.need_block("RELEASE SAVEPOINT")?;
        if !self.transaction.release(name) {
            return Err(GatewayError::UnknownSavepoint(name.to_owned()));
        }
        self.settings.release(name);
        Ok(Outcome::done("RELEASE"))
    }

    /// `ROLLBACK TO name`
    pub(super) fn rollback_to(&mut self, name: &str) -> Result<Outcome, GatewayError> {
        self.need_block("ROLLBACK TO SAVEPOINT")?;
        if !self.transaction.rollback_to(name) {
            return Err(GatewayError::UnknownSavepoint(name.to_owned()));
        }
        self.settings.rollback_to(name);
        Ok(Outcome::done("ROLLBACK"))
    }

    /// `LOCK TABLE`: granted at once, since nobody can change what is locked.
    pub(super) async fn lock(
        &mut self,
        relations: &[LockedRelation],
        text: &Arc<str>,
        guard: &mut Guard,
    ) -> Result<Outcome, GatewayError> {
        if !self.transaction.in_any_block() {
            return Err(GatewayError::NeedsTransaction("LOCK TABLE".to_owned()));
        }
        for LockedRelation { schema, query } in relations {
            let opened = self.inner(text, query, &[], guard).await;
            opened.map_err(|error| self.not_opened(error, schema.as_deref()))?;
        }
        Ok(Outcome::done("LOCK TABLE"))
    }

    fn need_block(&self, command: &str) -> Result<(), GatewayError> {
        if self.transaction.in_block() {
            Ok(())
        } else {
            Err(GatewayError::NeedsTransaction(command.to_owned()))
        }
    }

    fn warn_outside_block(&self, command: &str, out: &mut Outgoing) {
        if !self.transaction.in_any_block() {
            let text = format!("{command} can only be used in transaction blocks");
            self.notice(
                &Report::warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, text),
                out,
            );
        }
    }

    /// `DISCARD ALL`; the other kinds have nothing to discard but plans, which are not kept here.
    pub(super) fn discard(&mut self, all: bool, what: &str) -> Result<Outcome, GatewayError> {
        if all {
            if self.transaction.in_block() {
                return Err(GatewayError::NotInBlock("DISCARD ALL".into()));
            }
            self.names.close_portals();
            self.names.close_statements();
            self.settings.reset_all();
        }
        Ok(Outcome::done(&format!("DISCARD {what}")))
    }
}
