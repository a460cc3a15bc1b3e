//! Where all kinds of statements meet: one match for understanding, one for running.

use std::sync::Arc;

use skein_executor::engine::Parsed;
use skein_executor_api::{BatchStream, Column, FragmentError, FragmentErrorKind};
use skein_planner::parse::{self, ParseSql, ParsedSql, ParsedStatement, Statement};
use skein_planner::postgres::ConfigValue;
use skein_planner::postgres::tokens::normalise;

use super::Session;
use super::activity;
use super::analysed::{Analysed, AnalysedQuery};
use super::copy::CopyOut;
use super::cursor::CursorOptions;
use super::explain;
use super::guard::Guard;
use super::portal::{Bound, Tag};
use super::prepared::Fetch;
use super::query::Started;
use super::settings::Settings;
use super::texts;
use super::understand::{Understood, beside};
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::pgwire::backend::Outgoing;
use crate::plan_cache::PlanKey;
use crate::shadow::Shadow;

/// Texts up to this length are parsed where they arrive; deeper nesting does not fit into them.
const SHORT_TEXT_BYTES: usize = 512;

/// What a statement gives.
pub(super) struct Outcome {
    pub(super) answer: Answer,
    /// Ends the answer.
    pub(super) tag: Tag,
}

/// The answer before its tag.
pub(super) enum Answer {
    /// Rows with these columns.
    Rows {
        /// The rows, or why there are none. The description of the columns is sent before the
        /// error, as PostgreSQL sends it before it runs a query.
        stream: Result<BatchStream, GatewayError>,
        /// Their columns, with the names that clients see.
        columns: Vec<Column>,
    },
    /// Rows of a cursor.
    Cursor(Fetch),
    /// The data of COPY.
    Copy(Box<CopyOut>),
    /// None.
    Done,
}

impl Outcome {
    /// A command that returns no rows.
    pub(super) fn done(tag: &str) -> Self {
        Self {
            answer: Answer::Done,
            tag: Tag::Plain(tag.to_owned()),
        }
    }

    /// A command that returns rows and does not count them.
    pub(super) fn rows(stream: BatchStream, columns: Vec<Column>, tag: &str) -> Self {
        Self {
            answer: Answer::Rows {
                stream: Ok(stream),
                columns,
            },
            tag: Tag::Plain(tag.to_owned()),
        }
    }

    /// A query.
    pub(super) fn select(stream: Result<BatchStream, GatewayError>, columns: Vec<Column>) -> Self {
        Self {
            answer: Answer::Rows { stream, columns },
            tag: Tag::Counted("SELECT"),
        }
    }
}

/// DuckDB's parser, given what PostgreSQL spells differently.
struct Parser<'a>(&'a Shadow);

impl ParseSql for Parser<'_> {
    fn parse(&self, sql: &str) -> Result<ParsedSql, FragmentError> {
        Ok(match self.0.parse(&normalise(sql))? {
            Parsed::Select(json) => ParsedSql::Select(json),
            Parsed::NotSelect => ParsedSql::NotSelect,
            Parsed::Error(error) => ParsedSql::Error(error),
        })
    }
}

/// The statements of a text.
pub(super) async fn parse_text(
    gateway: &Gateway,
    text: &str,
) -> Result<Arc<Vec<ParsedStatement>>, GatewayError> {
    if let Some(known) = gateway.plans().parsed(text) {
        return Ok(known);
    }
    let shadow = gateway.any_shadow();
    let parsed = if text.len() <= SHORT_TEXT_BYTES {
        parse::parse(text, &Parser(&shadow))?
    } else {
        let own = text.to_owned();
        beside(move || Ok(parse::parse(&own, &Parser(&shadow))?)).await?
    };
    let parsed = Arc::new(parsed);
    gateway.plans().remember_parsed(text, &parsed);
    Ok(parsed)
}

impl Session {
    /// Understands one statement, or finds it understood before.
    pub(super) async fn analyse(
        &mut self,
        parsed: &ParsedStatement,
        parameter_types: &[u32],
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        let text: Arc<str> = parsed.text.as_str().into();
        if !matches!(parsed.statement, Statement::Query(_)) {
            let analysed = self
                .analyse_statement(&text, &parsed.statement, parameter_types, guard)
                .await;
            return analysed;
        }
        let mut key = PlanKey {
            text: Arc::clone(&text),
            parameter_types: parameter_types.to_vec(),
            schema_version: self.schema_version(),
            search_path: self.derived.search_path_text.clone(),
            user: self.user.clone(),
            database: self.database.clone(),
            checks_divisors: self.settings.checks_divisors(),
        };
        let suits = |known: &Arc<Analysed>| {
            let query = known.query.as_ref();
            query.is_none_or(|query| query.suits(&self.settings))
        };
        if let Some(known) = self.gateway.plans().get(&key).filter(suits) {
            return Ok(known);
        }
        let analysed = self
            .analyse_statement(&text, &parsed.statement, parameter_types, guard)
            .await?;
        if let Some(query) = &analysed.query
            && query.may_be_shared()
        {
            key.schema_version = query.schema_version;
            self.gateway.plans().insert(key, Arc::clone(&analysed));
        }
        Ok(analysed)
    }

    async fn analyse_statement(
        &mut self,
        text: &Arc<str>,
        statement: &Statement,
        parameter_types: &[u32],
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        let mut analysed = Analysed::new(Arc::clone(text), statement.clone());
        match statement {
            Statement::Query(query) => {
                let query = Arc::new((**query).clone());
                let understood = self.understand(text, query, parameter_types, guard).await?;
                analysed.set_query(understood);
            }
            Statement::DynamicPivot(pivot) => {
                self.need_no_failure()?;
                let mut values = Vec::new();
                for sql in pivot.value_queries() {
                    values.push(self.first_column(sql, guard).await?);
                }
                let text = pivot.with_values(&values);
                let understood = self.understand_text(&text, parameter_types, guard).await?;
                analysed.set_query(understood);
            }
            Statement::Explain { options, statement } => {
                if options
                    .format
                    .as_deref()
                    .is_some_and(|format| format != "json")
                {
                    return Err(GatewayError::Unsupported(
                        "EXPLAIN in other formats than text and json".into(),
                    ));
                }
                let inner = self.inner(text, statement, parameter_types, guard).await?;
                analysed.parameter_types.clone_from(&inner.parameter_types);
                analysed.inner = Some(inner);
                analysed.described = Some(explain::columns(options));
            }
            Statement::Declare { statement, .. } => {
                let inner = self.inner(text, statement, parameter_types, guard).await?;
                analysed.parameter_types.clone_from(&inner.parameter_types);
                analysed.inner = Some(inner);
            }
            Statement::Prepare {
                statement, types, ..
            } => {
                let types = super::prepared::type_oids(types)?;
                analysed.inner = Some(self.inner(text, statement, &types, guard).await?);
            }
            Statement::Execute { name, .. } => {
                // One that does not exist yet is an error only when it is run, as in PostgreSQL.
                if let Ok(target) = self.names.statement(name) {
                    analysed.described.clone_from(&target.described);
                    analysed.origins.clone_from(&target.origins);
                }
            }
            Statement::Show(name) => {
                analysed.described = Some(match name {
                    Some(name) => texts::columns(&[&Settings::spelling(name)]),
                    None => texts::columns(&["name", "setting", "description"]),
                });
            }
            Statement::Fetch {
                name,
                only_move: false,
                ..
            } => {
                if let Ok(cursor) = self.names.cursor(name) {
                    let described = &cursor.bound.analysed.described;
                    analysed.described.clone_from(described);
                    let origins = &cursor.bound.analysed.origins;
                    analysed.origins.clone_from(origins);
                }
            }
            _ => {}
        }
        Ok(Arc::new(analysed))
    }

    /// Understands the statement inside of another one; it has to be a query.
    pub(super) async fn inner(
        &mut self,
        text: &Arc<str>,
        statement: &Statement,
        parameter_types: &[u32],
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        if let Statement::Refused {
            command,
            reaches_outside,
        } = statement
        {
            return Err(self.refused(command, *reaches_outside));
        }
        let inner = self.analyse_statement(text, statement, parameter_types, guard);
        Box::pin(inner).await
    }

    /// Understands a text that has to be one query.
    pub(super) async fn understand_text(
        &mut self,
        text: &str,
        parameter_types: &[u32],
        guard: &mut Guard,
    ) -> Result<Understood, GatewayError> {
        let parsed = parse_text(&self.gateway, text).await?;
        match parsed.as_slice() {
            [
                ParsedStatement {
                    statement: Statement::Query(query),
                    text,
                    ..
                },
            ] => {
                let query = Arc::new((**query).clone());
                self.understand(&text.as_str().into(), query, parameter_types, guard)
                    .await
            }
            _ => Err(GatewayError::Internal("a query made here is none".into())),
        }
    }

    /// In a failed transaction only its end is run.
    pub(super) fn check_transaction(&self, statement: &Statement) -> Result<(), GatewayError> {
        match statement {
            Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::RollbackTo(_)
            | Statement::PrepareTransaction => Ok(()),
            _ => self.need_no_failure(),
        }
    }

    fn need_no_failure(&self) -> Result<(), GatewayError> {
        if self.transaction.is_failed() {
            return Err(GatewayError::TransactionAborted);
        }
        Ok(())
    }

    /// Runs a statement.
    pub(super) async fn run(
        &mut self,
        bound: &Bound,
        guard: &mut Guard,
        out: &mut Outgoing,
    ) -> Result<Outcome, GatewayError> {
        let analysed = &bound.analysed;
        match &analysed.statement {
            Statement::Query(_) | Statement::DynamicPivot(_) => {
                self.run_query(analysed, &bound.parameters, guard).await
            }
            Statement::Explain { options, statement } => {
                let inner = match &**statement {
                    Statement::Execute { name, arguments } => {
                        self.prepared(name, arguments, guard).await?
                    }
                    _ => analysed.inner()?,
                };
                let lines = self
                    .explain(&inner, &bound.parameters, options, guard)
                    .await?;
                let columns = explain::columns(options);
                let lines: Vec<Vec<String>> = lines.into_iter().map(|line| vec![line]).collect();
                Ok(Outcome::rows(
                    texts::rows(&columns, &lines),
                    columns,
                    "EXPLAIN",
                ))
            }
            Statement::Set {
                local,
                name,
                value: Some(values),
            } => self.set(name, values, *local, out),
            Statement::Set {
                local,
                name,
                value: None,
            } => self.reset(name, *local, "SET"),
            Statement::SetTransaction { session, modes } => {
                self.set_transaction(modes, *session, out)
            }
            Statement::Show(Some(name)) => self.show(name),
            Statement::Show(None) => Ok(self.show_all()),
            Statement::Reset(Some(name)) => self.reset(name, false, "RESET"),
            Statement::Reset(None) => {
                self.settings.begin();
                self.settings.reset_all();
                Ok(Outcome::done("RESET"))
            }
            Statement::Begin(modes) => self.begin(modes, &analysed.text, out),
            Statement::Commit { chain } => self.commit(*chain, out),
            Statement::Rollback { chain } => self.rollback(*chain, out),
            Statement::Savepoint(name) => self.savepoint(name),
            Statement::Release(name) => self.release(name),
            Statement::RollbackTo(name) => self.rollback_to(name),
            Statement::PrepareTransaction => self.prepare_transaction(out),
            Statement::EndPrepared { name } => Err(GatewayError::UnknownPrepared(name.clone())),
            Statement::Prepare { .. }
            | Statement::Execute { .. }
            | Statement::Deallocate(_)
            | Statement::Declare { .. }
            | Statement::Fetch { .. }
            | Statement::Close(_) => self.run_named(bound, guard).await,
            Statement::Discard(what) => self.discard(what == "ALL", what),
            // Nobody notifies anybody: what is announced is heard by no session.
            Statement::Unlisten(_) => Ok(Outcome::done("UNLISTEN")),
            Statement::Listen(_) => Ok(Outcome::done("LISTEN")),
            Statement::Notify(_) => Ok(Outcome::done("NOTIFY")),
            Statement::Copy(copy) => self.copy(copy, &analysed.text, guard).await,
            Statement::Lock(relations) => self.lock(relations, &analysed.text, guard).await,
            Statement::Refused {
                command,
                reaches_outside,
            } => Err(self.refused(command, *reaches_outside)),
        }
    }

    /// The error for a statement that is recognised but not run.
    pub(super) fn refused(&self, command: &str, reaches_outside: bool) -> GatewayError {
        if reaches_outside && !self.is_read_only() {
            GatewayError::Forbidden(command.to_owned())
        } else {
            self.read_only(command)
        }
    }

    /// The error for a command that would write.
    pub(super) fn read_only(&self, command: &str) -> GatewayError {
        if self.is_read_only() && writes_in_postgresql(command) {
            GatewayError::ReadOnlyTransaction(command.to_owned())
        } else {
            GatewayError::ReadOnly(command.to_owned())
        }
    }

    fn is_read_only(&self) -> bool {
        self.settings.value("transaction_read_only") == "on"
    }

    /// Runs a statement about prepared statements or cursors.
    async fn run_named(
        &mut self,
        bound: &Bound,
        guard: &mut Guard,
    ) -> Result<Outcome, GatewayError> {
        let analysed = &bound.analysed;
        match &analysed.statement {
            Statement::Prepare { name, .. } => {
                let inner = analysed.inner()?;
                self.names.check_new_statement(name)?;
                let text = Arc::clone(&analysed.text);
                self.names.add_statement(name, inner, text, true);
                Ok(Outcome::done("PREPARE"))
            }
            Statement::Execute { name, arguments } => {
                let inner = self.prepared(name, arguments, guard).await?;
                if inner.query.is_none() {
                    return Err(GatewayError::Unsupported("EXECUTE of a command".into()));
                }
                self.run_query(&inner, &[], guard).await
            }
            Statement::Deallocate(Some(name)) => {
                if !self.names.close_statement(name) {
                    return Err(GatewayError::UnknownStatement(name.clone()));
                }
                Ok(Outcome::done("DEALLOCATE"))
            }
            Statement::Deallocate(None) => {
                self.names.close_statements();
                Ok(Outcome::done("DEALLOCATE ALL"))
            }
            Statement::Declare {
                name,
                hold,
                scroll,
                binary,
                ..
            } => {
                let options = CursorOptions {
                    scroll: *scroll,
                    binary: *binary,
                };
                self.declare(name, *hold, options, bound)
            }
            Statement::Fetch {
                name,
                only_move,
                direction,
            } => self.fetch(Fetch {
                name: name.clone(),
                only_move: *only_move,
                direction: *direction,
            }),
            Statement::Close(Some(name)) => {
                if !self.names.close_portal(name) {
                    return Err(GatewayError::UnknownCursor(name.clone()));
                }
                Ok(Outcome::done("CLOSE CURSOR"))
            }
            Statement::Close(None) => {
                self.names.close_portals();
                Ok(Outcome::done("CLOSE CURSOR ALL"))
            }
            _ => Err(GatewayError::Internal(
                "a statement came to the wrong place".into(),
            )),
        }
    }

    pub(super) async fn run_query(
        &mut self,
        analysed: &Arc<Analysed>,
        parameters: &[String],
        guard: &mut Guard,
    ) -> Result<Outcome, GatewayError> {
        for change in analysed
            .query
            .iter()
            .flat_map(|query| &query.rewritten.set_config)
        {
            let mut texts = Vec::new();
            for value in [&change.name, &change.value, &change.local] {
                texts.push(self.config_value(value, parameters, guard).await?);
            }
            let is_local = matches!(texts[2].as_str(), "true" | "t");
            self.settings.begin();
            self.settings.set_text(&texts[0], &texts[1], is_local)?;
        }
        let by_rows = analysed.query.as_ref();
        if let Some(sql) = by_rows.and_then(|query| query.rewritten.set_config_rows.clone()) {
            let values = Box::pin(self.first_column(&sql, guard)).await?;
            for change in values.chunks_exact(3) {
                self.settings.begin();
                self.settings
                    .set_text(&change[0], &change[1], change[2] == "true")?;
            }
        }
        if let Err(error) = wait(analysed, guard).await {
            let columns = analysed.described.clone().unwrap_or_default();
            return Ok(Outcome::select(Err(error), columns));
        }
        let (analysed, _, started) = self
            .plan_and_start(analysed, parameters, false, guard)
            .await?;
        let rows = match started.map(Started::rows) {
            // PostgreSQL reads constants when it analyses a query, and computes with them when it
            // plans: before anything is sent.
            Err(error) if is_of_constant(&error, &analysed) => return Err(error),
            rows => rows,
        };
        let columns = analysed.described.clone().unwrap_or_default();
        Ok(Outcome::select(rows, columns))
    }
}

impl Session {
    /// The text of an argument of `set_config`.
    async fn config_value(
        &mut self,
        value: &ConfigValue,
        parameters: &[String],
        guard: &mut Guard,
    ) -> Result<String, GatewayError> {
        let number = match value {
            ConfigValue::Constant(value) => return Ok(value.clone()),
            ConfigValue::Parameter(number) => *number,
        };
        let literal = parameters
            .get(number.wrapping_sub(1))
            .ok_or(GatewayError::NoParameter(number))?;
        let sql = format!("SELECT {literal}");
        let values = Box::pin(self.first_column(&sql, guard)).await?;
        // NULL gives a setting its default, which is empty for those that take any text.
        Ok(values.into_iter().next().unwrap_or_default())
    }
}

/// Waits for as long as the statement says.
async fn wait(analysed: &Analysed, guard: &mut Guard) -> Result<(), GatewayError> {
    let sleeps = analysed
        .query
        .iter()
        .flat_map(|query| &query.rewritten.sleeps);
    for seconds in sleeps {
        let sleep = tokio::time::sleep(activity::duration(seconds));
        let sleep = async {
            sleep.await;
            Ok::<(), GatewayError>(())
        };
        guard.run(sleep).await?;
    }
    Ok(())
}

/// Whether an error of running is one of the constants that the client wrote.
fn is_of_constant(error: &GatewayError, analysed: &Analysed) -> bool {
    let is_constant = |query: &AnalysedQuery| query.is_constant();
    analysed.query.as_ref().is_some_and(is_constant)
        || matches!(
            error,
            GatewayError::Fragment {
                error: FragmentError {
                    kind: FragmentErrorKind::Conversion,
                    ..
                },
                position: Some(_),
            }
        )
}

/// Whether PostgreSQL refuses a command in a transaction that only reads.
fn writes_in_postgresql(command: &str) -> bool {
    let first = command.split(' ').next().unwrap_or_default();
    matches!(
        first,
        "INSERT"
            | "UPDATE"
            | "DELETE"
            | "MERGE"
            | "COPY"
            | "CREATE"
            | "ALTER"
            | "DROP"
            | "TRUNCATE"
            | "GRANT"
            | "REVOKE"
            | "COMMENT"
            | "REFRESH"
            | "REASSIGN"
            | "SECURITY"
            | "IMPORT"
    )
}
