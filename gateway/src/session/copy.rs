//! COPY to the client; every other COPY is refused before a byte of data moves.
//!
//! ```text
//! query ─► plan ─► batches ─► RowEncoder ─► CopyEncoder ─► writer ─► client
//! ```
//!
//! A utility statement in PostgreSQL: nothing of it is looked at before it runs. At most one batch and
//! one buffer of encoded rows are held, however slow the client is.

pub mod options;

use std::sync::Arc;

use skein_catalog::relation::RelationName;
use skein_catalog::system;
use skein_executor_api::{BatchStream, Column};
use skein_planner::error::PlanError;
use skein_planner::parse::{Copy, CopyPlace, CopySource};

use self::options::{CopyError, CopyFault, ForceQuote, check};
use super::Session;
use super::execute::{Answer, Outcome};
use super::guard::Guard;
use super::portal::Tag;
use super::rows::next_batch;
use super::simple::no_parameter;
use crate::encode::copy::{CopyEncoder, CopyFormat};
use crate::encode::{EncodeSettings, Format, RowBuffer, RowEncoder};
use crate::error::GatewayError;
use crate::pgwire::stream::Writer;

/// Encoded rows that are made at once.
const ENCODED_BYTES: usize = 256 * 1024;

/// Rows on their way to the client as COPY sends them.
pub(super) struct CopyOut {
    stream: BatchStream,
    columns: Vec<Column>,
    format: CopyFormat,
    header: bool,
}

impl Session {
    /// `COPY`
    pub(super) async fn copy(
        &mut self,
        copy: &Copy,
        text: &Arc<str>,
        guard: &mut Guard,
    ) -> Result<Outcome, GatewayError> {
        match copy.place {
            CopyPlace::Client => {}
            CopyPlace::File => return Err(GatewayError::CopyFile { to: copy.to }),
            CopyPlace::Program => return Err(GatewayError::CopyProgram),
        }
        // PostgreSQL opens the relation, checks options, and only then looks at a query.
        let opened = match &copy.source {
            CopySource::Relation { schema, all, .. } => {
                let opened = self.inner(text, all, &[], guard).await;
                Some(opened.map_err(|error| self.not_opened(error, schema.as_deref()))?)
            }
            CopySource::Query(_) => None,
        };
        if !copy.to {
            return Err(self.read_only("COPY FROM"));
        }
        let options = check(&copy.options)?;
        let (analysed, known) = match (&copy.source, opened) {
            (
                CopySource::Relation {
                    columns,
                    name,
                    named,
                    ..
                },
                Some(opened),
            ) => {
                let known = opened.described.clone().unwrap_or_default();
                if columns.is_empty() {
                    (opened, known)
                } else {
                    check_columns(columns, &known, Some(name))?;
                    (self.inner(text, named, &[], guard).await?, known)
                }
            }
            (CopySource::Query(query) | CopySource::Relation { named: query, .. }, _) => {
                let analysed = self.inner(text, query, &[], guard).await?;
                if !analysed.parameter_types.is_empty() {
                    let query = analysed.query.as_ref().map(|query| &*query.parsed);
                    return Err(no_parameter(query, &analysed.text));
                }
                let known = analysed.described.clone().unwrap_or_default();
                (analysed, known)
            }
        };
        let columns = analysed.described.clone().unwrap_or_default();
        let copied = Copied {
            relation: match &copy.source {
                CopySource::Relation { name, .. } => Some(name),
                CopySource::Query(_) => None,
            },
            known: &known,
            columns: &columns,
        };
        let format = copied.force_quote(options.format, &options.force_quote)?;
        let stream = match self.run_query(&analysed, &[], guard).await?.answer {
            Answer::Rows { stream, .. } => stream?,
            _ => return Err(GatewayError::Internal("a query gave no rows".into())),
        };
        Ok(Outcome {
            answer: Answer::Copy(Box::new(CopyOut {
                stream,
                columns,
                format,
                header: options.header,
            })),
            tag: Tag::Counted("COPY"),
        })
    }

    /// The error of a relation that is opened as such: there is no query to point into.
    pub(super) fn not_opened(&self, error: GatewayError, schema: Option<&str>) -> GatewayError {
        if let (GatewayError::Plan(PlanError::UnknownRelation { .. }), Some(schema)) =
            (&error, schema)
        {
            let catalog = self.gateway.catalog().current();
            let known = |name: &RelationName| name.schema == schema;
            if !matches!(
                schema,
                "public" | "pg_catalog" | "information_schema" | system::OWN_SCHEMA
            ) && !catalog.relations.keys().any(known)
            {
                return GatewayError::UnknownSchema(schema.to_owned());
            }
        }
        error.without_position()
    }

    /// Sends what COPY gives, and gives the number of rows.
    pub(super) async fn send_copy(
        &mut self,
        copy: CopyOut,
        writer: &mut Writer,
        guard: &mut Guard,
    ) -> Result<u64, GatewayError> {
        let settings = self.derived.encode.clone();
        copy.send(settings, writer, guard).await
    }
}

impl CopyOut {
    async fn send(
        self,
        settings: EncodeSettings,
        writer: &mut Writer,
        guard: &mut Guard,
    ) -> Result<u64, GatewayError> {
        let Self {
            mut stream,
            columns,
            format: copy_format,
            header,
        } = self;
        let format = if copy_format.is_binary() {
            Format::Binary
        } else {
            Format::Text
        };
        let formats = vec![format; columns.len()];
        let mut encoder = RowEncoder::new(&columns, &formats, &settings)?;
        writer.out().copy_out(format.code(), columns.len());
        let mut lines = CopyEncoder::new(copy_format);
        if header {
            lines.names(&columns, writer.out().buffer())?;
        }
        let mut buffer = RowBuffer::default();
        let mut count = 0;
        while let Some(batch) = next_batch(&mut stream, Some(writer), guard).await? {
            let mut start = 0;
            while start < batch.num_rows() {
                buffer.clear();
                start = encoder.encode_some(&batch, start, ENCODED_BYTES, &mut buffer)?;
                lines.rows(&buffer, writer.out().buffer())?;
                count += buffer.rows() as u64;
                guard.run(writer.flush_if_large()).await?;
            }
        }
        lines.end(writer.out().buffer())?;
        writer.out().copy_done();
        Ok(count)
    }
}

/// Columns that are named have to exist, and once only.
fn check_columns(
    names: &[String],
    known: &[Column],
    relation: Option<&str>,
) -> Result<(), CopyError> {
    for (index, name) in names.iter().enumerate() {
        if !known.iter().any(|column| column.name == *name) {
            let of = relation.map_or_else(String::new, |it| format!(" of relation \"{it}\""));
            let message = format!("column \"{name}\"{of} does not exist");
            return Err(CopyError::new(CopyFault::UnknownColumn, message));
        }
        if names[..index].contains(name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(CopyError::new(CopyFault::DuplicateColumn, message));
        }
    }
    Ok(())
}

/// What is copied.
struct Copied<'a> {
    relation: Option<&'a String>,
    /// All columns of the relation, or of the query.
    known: &'a [Column],
    /// Those that are copied.
    columns: &'a [Column],
}

impl Copied<'_> {
    /// Notes which columns are always quoted.
    fn force_quote(
        &self,
        mut format: CopyFormat,
        wanted: &ForceQuote,
    ) -> Result<CopyFormat, CopyError> {
        let CopyFormat::Csv { force_quote, .. } = &mut format else {
            return Ok(format);
        };
        match wanted {
            ForceQuote::None => {}
            ForceQuote::All => *force_quote = vec![true; self.columns.len()],
            ForceQuote::Columns(names) => {
                check_columns(names, self.known, self.relation.map(String::as_str))?;
                let missing = names
                    .iter()
                    .find(|name| !self.columns.iter().any(|column| column.name == **name));
                if let Some(name) = missing {
                    let message = format!("FORCE_QUOTE column \"{name}\" not referenced by COPY");
                    return Err(CopyError::new(CopyFault::NotCopied, message));
                }
                *force_quote = self
                    .columns
                    .iter()
                    .map(|column| names.contains(&column.name))
                    .collect();
            }
        }
        Ok(format)
    }
}
