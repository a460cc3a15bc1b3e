//! The simple protocol: one text, several statements, results as text.

use skein_planner::ast::ExprKind;
use skein_planner::ast::visit::{self, Descend, Node};
use skein_planner::error::PlanError;
use skein_planner::parse::ParsedStatement;

use super::Session;
use super::analysed::Analysed;
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
        let statements = parse_text(&self.gateway, text)
            .await
            .map_err(|error| error.located(text, 0))?;
        if statements.is_empty() {
            writer.out().empty_query();
            return Ok(());
        }
        for statement in statements.iter() {
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
        let analysed = self.analyse(statement, &[], &mut guard).await?;
        if !analysed.parameter_types.is_empty() {
            return Err(no_parameter(&analysed));
        }
        let columns = analysed.columns().map_or(0, <[_]>::len);
        let bound = Bound {
            analysed,
            parameters: Vec::new(),
            formats: vec![Format::Text; columns],
        };
        let Outcome { answer, tag } = self.run(&bound, &mut guard, writer.out()).await?;
        match answer {
            Answer::Done => writer.out().command_complete(&tag.text(0)),
            Answer::Cursor {
                name,
                rows_max,
                only_move,
            } => {
                let columns = bound.analysed.columns().unwrap_or_default();
                let formats = vec![Format::Text; columns.len()];
                if !only_move {
                    writer
                        .out()
                        .row_description(&row_description(columns, &formats, &[])?);
                }
                let count = self
                    .send_cursor(&name, rows_max, only_move, &formats, writer, &mut guard)
                    .await?;
                writer.out().command_complete(&tag.text(count));
            }
            Answer::Rows { stream, columns } => {
                let formats = vec![Format::Text; columns.len()];
                let origins = bound.analysed.origins();
                writer
                    .out()
                    .row_description(&row_description(&columns, &formats, origins)?);
                let mut rows = ResultRows::new(stream, &columns, &formats, &self.derived.encode)?;
                let (Sent::All(count) | Sent::Limit(count)) =
                    rows.send(writer, None, &mut guard).await?;
                writer.out().command_complete(&tag.text(count));
            }
        }
        Ok(())
    }
}

/// The error for a parameter in a text that comes without values.
fn no_parameter(analysed: &Analysed) -> GatewayError {
    let mut first = None;
    if let Some(query) = &analysed.query {
        visit::walk(Node::Query(&query.parsed), &mut |node| {
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
    PlanError::UnknownParameter { name, position }.into()
}
