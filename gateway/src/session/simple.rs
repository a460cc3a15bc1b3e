//! The simple protocol: one text, several statements, results as text.

use skein_planner::ast::visit::{self, Descend, Node};
use skein_planner::ast::{ExprKind, Query};
use skein_planner::error::PlanError;
use skein_planner::parse::{ParsedStatement, Statement, parameter_position};

use super::Session;
use super::execute::{Answer, Outcome, parse_text};
use super::portal::Bound;
use super::rows::{ResultRows, Sent};
use crate::encode::{Format, row_description};
use crate::error::GatewayError;
use crate::pgwire::stream::Writer;

impl Session {
    /// Runs every statement of `text` until one fails.
    pub(super) async fn simple_query(
        &mut self,
        text: &str,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        // PostgreSQL drops the unnamed statement and portal here.
        self.names.close_statement("");
        self.names.close_portal("");
        self.presence.entry.runs(text);
        let statements = parse_text(&self.gateway, text)
            .await
            .map_err(|error| error.located(text, 0))?;
        if statements.is_empty() {
            writer.out().empty_query();
            return Ok(());
        }
        for statement in statements.iter() {
            if statements.len() > 1 {
                self.transaction.begin_implicit();
            }
            self.simple_statement(statement, writer)
                .await
                .map_err(|error| error.located(text, statement.start))?;
        }
        Ok(())
    }

    async fn simple_statement(
        &mut self,
        statement: &ParsedStatement,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        let mut guard = self.guard();
        self.check_transaction(&statement.statement)?;
        let analysed = match self.analyse(statement, &[], &mut guard).await {
            Ok(analysed) if analysed.parameter_types.is_empty() => analysed,
            Ok(analysed) => {
                let query = analysed.query.as_ref().map(|query| &*query.parsed);
                return Err(no_parameter(query, &analysed.text));
            }
            // Whatever its type, there is no value for it.
            Err(GatewayError::UndeterminedParameter(number)) => {
                let query = match &statement.statement {
                    Statement::Query(query) => Some(&**query),
                    _ => None,
                };
                return Err(match query {
                    Some(query) => no_parameter(Some(query), &statement.text),
                    None => GatewayError::UndeterminedParameter(number),
                });
            }
            Err(error) => return Err(error),
        };
        let columns = analysed.columns().map_or(0, <[_]>::len);
        let bound = Bound {
            analysed,
            parameters: Vec::new(),
            formats: vec![Format::Text; columns],
        };
        let Outcome { answer, tag } = self.run(&bound, &mut guard, writer.out()).await?;
        match answer {
            Answer::Copy(copy) => {
                let count = self.send_copy(*copy, writer, &mut guard).await?;
                self.complete(&tag.text(count), writer.out());
            }
            Answer::Done => self.complete(&tag.text(0), writer.out()),
            Answer::Cursor(fetch) => {
                let columns = bound.analysed.columns().map_or(0, <[_]>::len);
                let formats = vec![Format::Text; columns];
                let count = self
                    .send_cursor(&fetch, formats, !fetch.only_move, writer, &mut guard)
                    .await?;
                self.complete(&tag.text(count), writer.out());
            }
            Answer::Rows { stream, columns } => {
                let formats = vec![Format::Text; columns.len()];
                let origins = bound.analysed.origins();
                writer
                    .out()
                    .row_description(&row_description(&columns, &formats, origins)?);
                let mut rows = ResultRows::new(stream?, &columns, &formats, &self.derived.encode)?;
                rows.fill(&mut guard).await?;
                self.warn(writer.out());
                let (Sent::All(count) | Sent::Limit(count)) =
                    rows.send(writer, None, &mut guard).await?;
                self.complete(&tag.text(count), writer.out());
            }
        }
        Ok(())
    }
}

/// The error for a parameter in a text that comes without values.
pub(super) fn no_parameter(query: Option<&Query>, text: &str) -> GatewayError {
    let mut first = None;
    if let Some(query) = query {
        visit::walk(Node::Query(query), &mut |node| {
            if let Node::Expr(expr) = node
                && let ExprKind::Parameter(name) = &expr.kind
                && first.is_none()
            {
                first = Some((name.clone(), expr.location));
            }
            Descend::Into
        });
    }
    let (name, position) = first.unwrap_or_else(|| ("1".to_owned(), None));
    let position = position.or_else(|| parameter_position(text, &name));
    PlanError::UnknownParameter { name, position }.into()
}
