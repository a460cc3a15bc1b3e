//! The extended protocol: Parse, Bind, Describe, Execute.

use std::sync::Arc;

use bytes::Bytes;

use super::Session;
use super::analysed::Analysed;
use super::cursor::{CursorOptions, CursorRows, Destination, Place, Walk};
use super::execute::{Answer, Outcome, parse_text};
use super::guard::Guard;
use super::portal::{Bound, Portal, PortalState, Tag};
use super::rows::{ResultRows, Sent};
use skein_planner::parse::{FetchDirection, Statement};

use crate::encode::{DateOrder, EncodeError, Format, result_formats, row_description};
use crate::error::GatewayError;
use crate::params;
use crate::pgwire::frontend::BindValues;
use crate::pgwire::stream::Writer;

impl Session {
    /// Parse
    pub(super) async fn parse(
        &mut self,
        name: &str,
        text: &str,
        parameter_types: &[u32],
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        self.names.check_new_statement(name)?;
        self.presence.entry.runs(text);
        let statements = parse_text(&self.gateway, text)
            .await
            .map_err(|error| error.located(text, 0))?;
        let analysed = match statements.as_slice() {
            [] => Arc::new(Analysed::empty()),
            [statement] => {
                self.check_transaction(&statement.statement)?;
                // At once: clients that are told of no parameters would complain of that instead.
                if let Statement::Refused {
                    command,
                    reaches_outside,
                } = &statement.statement
                {
                    return Err(self.refused(command, *reaches_outside));
                }
                let mut guard = self.guard();
                self.analyse(statement, parameter_types, &mut guard)
                    .await
                    .map_err(|error| error.located(text, statement.start))?
            }
            _ => return Err(GatewayError::SeveralStatements),
        };
        self.names.add_statement(name, analysed, text.into(), false);
        writer.out().parse_complete();
        Ok(())
    }

    /// Bind
    pub(super) fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        values: Bytes,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        let analysed = Arc::clone(self.names.statement(statement)?);
        if !statement.is_empty() {
            self.presence.entry.runs(&analysed.text);
        }
        let BindValues {
            parameter_formats,
            parameters,
            result_formats: codes,
        } = BindValues::decode(values)?;
        let (formats, given, needed) = (
            parameter_formats.len(),
            parameters.len(),
            analysed.parameter_types.len(),
        );
        if formats > 1 && formats != given {
            return Err(GatewayError::Protocol(format!(
                "bind message has {formats} parameter formats but {given} parameters"
            )));
        }
        if given != needed {
            return Err(GatewayError::Protocol(format!(
                "bind message supplies {given} parameters, but prepared statement \"{statement}\" \
                 requires {needed}"
            )));
        }
        self.check_transaction(&analysed.statement)?;
        let order = self.derived.encode.date_style.order;
        let parameters = decode(
            &parameter_formats,
            &parameters,
            &analysed.parameter_types,
            order,
        )?;
        let columns = analysed.columns().map_or(0, <[_]>::len);
        // PostgreSQL looks at their number now, and at each when it is used.
        let (formats, unknown_format) = if analysed.columns().is_some() {
            match result_formats(&codes, columns) {
                Ok(formats) => (formats, None),
                Err(EncodeError::UnsupportedFormat(code)) => {
                    (vec![Format::Text; columns], Some(code))
                }
                Err(error) => return Err(error.into()),
            }
        } else {
            (Vec::new(), None)
        };
        let text = Arc::clone(&analysed.text);
        let bound = Bound {
            analysed,
            parameters,
            formats,
        };
        let portal_state = Portal {
            text,
            since: jiff::Timestamp::now(),
            bound,
            state: PortalState::New,
            with_hold: false,
            unknown_format,
            cursor: CursorOptions::default(),
        };
        self.names.add_portal(portal, portal_state)?;
        writer.out().bind_complete();
        Ok(())
    }

    /// Describe of a statement
    pub(super) fn describe_statement(
        &mut self,
        name: &str,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        let analysed = self.names.statement(name)?;
        writer
            .out()
            .parameter_description(&analysed.parameter_types);
        match analysed.columns() {
            Some(columns) => {
                let fields = row_description(columns, &[], analysed.origins())?;
                writer.out().row_description(&fields);
            }
            None => writer.out().no_data(),
        }
        Ok(())
    }

    /// Describe of a portal
    pub(super) fn describe_portal(
        &mut self,
        name: &str,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        let Bound {
            analysed, formats, ..
        } = &self.names.portal(name)?.bound;
        match analysed.columns() {
            Some(columns) => {
                let fields = row_description(columns, formats, analysed.origins())?;
                writer.out().row_description(&fields);
            }
            None => writer.out().no_data(),
        }
        Ok(())
    }

    /// Execute
    pub(super) async fn execute_portal(
        &mut self,
        name: &str,
        rows_max: i32,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        let rows_max = u64::try_from(rows_max).ok().filter(|most| *most > 0);
        let portal = self.names.portal(name)?;
        let bound = portal.bound.clone();
        if let Some(code) = portal.unknown_format {
            return Err(EncodeError::UnsupportedFormat(code).into());
        }
        self.check_transaction(&bound.analysed.statement)?;
        let mut guard = self.guard();
        if rows_max.is_some() {
            guard.let_fragments_last();
        }
        let portal = self.names.portal(name)?;
        // Taken out: what fails or is interrupted leaves a failed portal behind.
        let state = std::mem::replace(&mut portal.state, PortalState::Failed);
        let (mut rows, tag) = match state {
            PortalState::Open { rows, tag } => (rows, tag),
            PortalState::New if bound.analysed.is_empty() => {
                writer.out().empty_query();
                portal.state = PortalState::New;
                return Ok(());
            }
            PortalState::New => {
                let text = Arc::clone(&bound.analysed.text);
                let Outcome { answer, tag } = self
                    .run(&bound, &mut guard, writer.out())
                    .await
                    .map_err(|error| error.located(&text, 0))?;
                match answer {
                    Answer::Rows { stream, columns } => {
                        let stream = stream.map_err(|error| error.located(&text, 0))?;
                        let settings = self.derived.encode.clone();
                        let formats = formats_for(&bound.formats, columns.len());
                        (
                            Box::new(ResultRows::new(stream, &columns, &formats, &settings)?),
                            tag,
                        )
                    }
                    Answer::Cursor(_) | Answer::Copy(_) | Answer::Done => {
                        let count = match answer {
                            Answer::Cursor(fetch) => {
                                let formats = bound.formats.clone();
                                self.send_cursor(&fetch, formats, false, writer, &mut guard)
                                    .await?
                            }
                            Answer::Copy(copy) => self.send_copy(*copy, writer, &mut guard).await?,
                            Answer::Rows { .. } | Answer::Done => 0,
                        };
                        self.complete(&tag.text(count), writer.out());
                        // COMMIT and the like have closed this portal as well.
                        if let Ok(portal) = self.names.portal(name) {
                            portal.state = PortalState::Spent;
                        }
                        return Ok(());
                    }
                }
            }
            PortalState::Drained(tag) => {
                writer.out().command_complete(&tag.text(0));
                portal.state = PortalState::Drained(tag);
                return Ok(());
            }
            PortalState::Fetched { rows, place } => {
                let fetched = (rows, place);
                let fetched = self
                    .execute_fetched(&bound, fetched, rows_max, writer, &mut guard)
                    .await?;
                let (rows, place) = fetched;
                self.names.portal(name)?.state = PortalState::Fetched { rows, place };
                return Ok(());
            }
            PortalState::Spent | PortalState::Failed => {
                return Err(GatewayError::SpentPortal(name.to_owned()));
            }
        };
        let text = Arc::clone(&bound.analysed.text);
        rows.fill(&mut guard)
            .await
            .map_err(|error| error.located(&text, 0))?;
        self.warn(writer.out());
        let sent = rows
            .send(writer, rows_max, &mut guard)
            .await
            .map_err(|error| error.located(&text, 0))?;
        let state = match sent {
            Sent::Limit(_) => {
                writer.out().portal_suspended();
                PortalState::Open { rows, tag }
            }
            Sent::All(count) => {
                self.complete(&tag.text(count), writer.out());
                PortalState::Drained(tag)
            }
        };
        self.names.portal(name)?.state = state;
        Ok(())
    }

    /// Execute of a cursor that FETCH has opened: it goes on where it stands.
    async fn execute_fetched(
        &mut self,
        bound: &Bound,
        (mut rows, mut place): (CursorRows, Place),
        rows_max: Option<u64>,
        writer: &mut Writer,
        guard: &mut Guard,
    ) -> Result<(CursorRows, Place), GatewayError> {
        let columns = bound.analysed.columns().map_or(0, <[_]>::len);
        let formats = formats_for(&bound.formats, columns);
        let mut to = Destination {
            writer: &mut *writer,
            formats: &formats,
            head: None,
            settings: self.derived.encode.clone(),
        };
        let count = rows_max.and_then(|most| i64::try_from(most).ok());
        let direction = count.map_or(FetchDirection::ForwardAll, FetchDirection::Forward);
        let mut walk = Walk {
            rows: &mut rows,
            place: &mut place,
            to: Some(&mut to),
            guard,
        };
        let sent = walk.go(direction).await?;
        if rows_max == Some(sent) {
            writer.out().portal_suspended();
        } else {
            self.complete(&Tag::Counted("SELECT").text(sent), writer.out());
        }
        Ok((rows, place))
    }
}

/// The formats of a portal; text where the columns were not known when it was bound.
pub(super) fn formats_for(formats: &[Format], columns: usize) -> Vec<Format> {
    if formats.len() == columns {
        formats.to_vec()
    } else {
        vec![Format::Text; columns]
    }
}

/// Reads the values of parameters, whose number has been checked.
fn decode(
    formats: &[i16],
    values: &[Option<Bytes>],
    types: &[u32],
    order: DateOrder,
) -> Result<Vec<String>, GatewayError> {
    let format = |index: usize| match formats {
        [] => Ok(Format::Text),
        [one] => Format::from_code(*one),
        each => Format::from_code(each[index]),
    };
    let values = values.iter().zip(types).enumerate();
    values
        .map(|(index, (value, ty))| {
            let format = format(index)?;
            Ok(params::decode(index + 1, *ty, format, value.as_deref(), order)?.sql())
        })
        .collect()
}
