//! PREPARE, EXECUTE and cursors of SQL.

use std::sync::Arc;

use skein_catalog::types::PG_TYPES;
use skein_planner::ast::{Expr, ExprKind};
use skein_planner::parse::FetchDirection;

use super::Session;
use super::analysed::Analysed;
use super::cursor::{CursorOptions, CursorRows, Destination, Place, ScrollRows, Walk};
use super::execute::{Answer, Outcome};
use super::extended::formats_for;
use super::guard::Guard;
use super::portal::{Bound, Portal, PortalState, Tag};

use super::rows::ResultRows;
use crate::encode::{Format, row_description};
use crate::error::GatewayError;
use crate::params;
use crate::pgwire::stream::Writer;

/// `FETCH`, or `MOVE`.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    /// Name of the cursor.
    pub(super) name: String,
    /// Rows are passed over.
    pub(super) only_move: bool,
    /// How far.
    pub(super) direction: FetchDirection,
}

/// Names that SQL has for types beside PostgreSQL's own.
const ALIASES: [(&str, &str); 6] = [
    ("int", "int4"),
    ("dec", "numeric"),
    ("decimal", "numeric"),
    ("float", "float8"),
    ("char", "bpchar"),
    ("string", "text"),
];

/// OIDs of types by the names that PREPARE gives them.
pub(super) fn type_oids(types: &[String]) -> Result<Vec<u32>, GatewayError> {
    types.iter().map(|ty| type_oid(ty)).collect()
}

fn constant_text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Constant(constant) => constant.value.as_str(),
        _ => None,
    }
}

fn type_oid(written: &str) -> Result<u32, GatewayError> {
    let lower = written.trim().to_ascii_lowercase();
    let (name, is_array) = match lower.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (lower.as_str(), false),
    };
    // `numeric(10,2)` and `timestamp(3) with time zone` are these types without the modifier.
    let name = match (name.find('('), name.find(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", &name[..open], &name[close + 1..])
        }
        _ => name.to_owned(),
    };
    let name = name.trim().trim_matches('"');
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map(|(_, name)| *name);
    let known = PG_TYPES
        .iter()
        .find(|ty| ty.name == alias.unwrap_or(name))
        .or_else(|| PG_TYPES.iter().find(|ty| ty.sql_name == name));
    match known {
        Some(ty) if is_array => Ok(ty.array),
        Some(ty) => Ok(ty.oid),
        None => Err(GatewayError::UnknownType(written.to_owned())),
    }
}

impl Session {
    /// A prepared statement with arguments in the place of its parameters.
    ///
    /// Arguments are expressions, so the result is understood anew: names and functions in them
    /// are checked like all others.
    pub(super) async fn prepared(
        &mut self,
        name: &str,
        arguments: &[Expr],
        guard: &mut Guard,
    ) -> Result<Arc<Analysed>, GatewayError> {
        let target = Arc::clone(self.names.statement(name)?);
        let (expected, given) = (target.parameter_types.len(), arguments.len());
        if expected != given {
            return Err(GatewayError::ParameterCount {
                name: name.to_owned(),
                expected,
                given,
            });
        }
        let Some(query) = target.query.as_ref().filter(|_| given > 0) else {
            return Ok(target);
        };
        let order = self.derived.encode.date_style.order;
        let mut values = Vec::with_capacity(given);
        for (index, argument) in arguments.iter().enumerate() {
            let (ty, oid) = (&query.parameter_types[index], target.parameter_types[index]);
            values.push(match constant_text(argument) {
                // DuckDB writes lists in another way.
                Some(text) if ty.ends_with(']') => {
                    let bytes = Some(text.as_bytes());
                    let value = params::decode(index + 1, oid, Format::Text, bytes, order)?;
                    Expr::from(ExprKind::Sql(value.sql()))
                }
                // A cast to the DECIMAL that was bound would round what PostgreSQL compares exactly.
                _ if ty.starts_with("DECIMAL") => argument.clone(),
                _ => argument.clone().cast_to(ty),
            });
        }
        let mut parsed = (*query.parsed).clone();
        super::parameters::put_expressions(&mut parsed, &values);
        let text = Arc::clone(&query.text);
        let understood = self.understand(&text, Arc::new(parsed), &[], guard).await?;
        let mut analysed = Analysed::new(Arc::clone(&target.text), target.statement.clone());
        analysed.set_query(understood);
        Ok(Arc::new(analysed))
    }

    /// `DECLARE name CURSOR FOR query`
    pub(super) fn declare(
        &mut self,
        name: &str,
        hold: bool,
        options: CursorOptions,
        bound: &Bound,
    ) -> Result<Outcome, GatewayError> {
        if !hold && !self.transaction.in_any_block() {
            return Err(GatewayError::NeedsTransaction("DECLARE CURSOR".to_owned()));
        }
        let text = Arc::clone(&bound.analysed.text);
        let analysed = bound.analysed.inner()?;
        let bound = Bound {
            analysed,
            parameters: bound.parameters.clone(),
            formats: Vec::new(),
        };
        let portal = Portal {
            text,
            since: jiff::Timestamp::now(),
            bound,
            state: PortalState::New,
            with_hold: hold,
            unknown_format: None,
            cursor: options,
        };
        if name.is_empty() || !self.names.has_portal(name) {
            self.names.add_portal(name, portal)?;
            return Ok(Outcome::done("DECLARE CURSOR"));
        }
        Err(GatewayError::DuplicateCursor(name.to_owned()))
    }

    /// `FETCH direction FROM name`, `MOVE direction FROM name`
    pub(super) fn fetch(&mut self, fetch: Fetch) -> Result<Outcome, GatewayError> {
        self.names.cursor(&fetch.name)?;
        let tag = Tag::Counted(if fetch.only_move { "MOVE" } else { "FETCH" });
        Ok(Outcome {
            answer: Answer::Cursor(fetch),
            tag,
        })
    }

    /// Sends rows of a cursor, which is started by the first ones, and gives their number.
    /// `describe`: their columns come first, unless they are only passed over.
    pub(super) async fn send_cursor(
        &mut self,
        fetch: &Fetch,
        mut formats: Vec<Format>,
        describe: bool,
        writer: &mut Writer,
        guard: &mut Guard,
    ) -> Result<u64, GatewayError> {
        guard.let_fragments_last();
        let name = fetch.name.as_str();
        let portal = self.names.cursor(name)?;
        let (bound, options) = (portal.bound.clone(), portal.cursor);
        let state = std::mem::replace(&mut portal.state, PortalState::Failed);
        let columns = bound.analysed.columns().unwrap_or_default();
        if options.binary {
            formats = vec![Format::Binary; columns.len()];
        } else {
            // MOVE has no columns when it is bound, but the cursor has.
            formats = formats_for(&formats, columns.len());
        }
        let (mut rows, mut place) = match state {
            PortalState::Fetched { rows, place } => (rows, place),
            PortalState::Open { rows, .. } => (CursorRows::Forward(rows), Place::default()),
            PortalState::New => (
                self.open_cursor(&bound, options, &formats, guard, writer)
                    .await?,
                Place::default(),
            ),
            PortalState::Drained(tag) => {
                self.names.cursor(name)?.state = PortalState::Drained(tag);
                return Ok(0);
            }
            PortalState::Spent | PortalState::Failed => {
                return Err(GatewayError::SpentPortal(name.to_owned()));
            }
        };
        let head = if describe {
            let origins = bound.analysed.origins();
            Some(row_description(columns, &formats, origins)?)
        } else {
            None
        };
        let mut to = Destination {
            writer,
            formats: &formats,
            head,
            settings: self.derived.encode.clone(),
        };
        let mut walk = Walk {
            rows: &mut rows,
            place: &mut place,
            to: (!fetch.only_move).then_some(&mut to),
            guard,
        };
        let count = walk.go(fetch.direction).await?;
        if !fetch.only_move {
            to.begin();
        }
        self.names.cursor(name)?.state = PortalState::Fetched { rows, place };
        Ok(count)
    }

    /// Starts the query of a cursor.
    async fn open_cursor(
        &mut self,
        bound: &Bound,
        options: CursorOptions,
        formats: &[Format],
        guard: &mut Guard,
        writer: &mut Writer,
    ) -> Result<CursorRows, GatewayError> {
        let Outcome { answer, .. } = self.run(bound, guard, writer.out()).await?;
        let Answer::Rows { stream, columns } = answer else {
            return Err(GatewayError::Unsupported("a cursor for a command".into()));
        };
        if options.scroll {
            let bytes_max = self.gateway.config().gateway.scroll_bytes_max;
            let rows = ScrollRows::new(stream?, columns, bytes_max);
            return Ok(CursorRows::Scroll(Box::new(rows)));
        }
        let rows = ResultRows::new(stream?, &columns, formats, &self.derived.encode)?;
        Ok(CursorRows::Forward(Box::new(rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_all_their_names() {
        for (written, oid) in [
            ("int", 23),
            ("integer", 23),
            ("INT4", 23),
            ("bigint[]", 1016),
            ("numeric(10,2)", 1700),
            ("timestamp(3) with time zone", 1184),
            ("pg_catalog.text", 25),
            ("unknown", 705),
        ] {
            assert_eq!(type_oid(written).expect("known"), oid, "{written}");
        }
        type_oid("nosuch").expect_err("unknown");
    }
}
