//! PREPARE, EXECUTE and cursors of SQL.

use std::sync::Arc;

use skein_catalog::types::PG_TYPES;
use skein_planner::ast::Expr;
use skein_planner::parse::FetchDirection;

use super::Session;
use super::analysed::Analysed;
use super::execute::{Answer, Outcome};
use super::guard::Guard;
use super::portal::{Bound, Portal, PortalState, Tag};

use super::rows::{ResultRows, Sent};
use crate::encode::Format;
use crate::error::GatewayError;
use crate::pgwire::stream::Writer;

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
        let values: Vec<Expr> = arguments
            .iter()
            .zip(&query.parameter_types)
            // A cast to the DECIMAL that was bound would round what PostgreSQL compares exactly.
            .map(|(argument, ty)| {
                let argument = argument.clone();
                if ty.starts_with("DECIMAL") {
                    argument
                } else {
                    argument.cast_to(ty)
                }
            })
            .collect();
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
        scroll: bool,
        bound: &Bound,
    ) -> Result<Outcome, GatewayError> {
        if scroll {
            return Err(GatewayError::Unsupported("a SCROLL cursor".into()));
        }
        if !hold {
            self.need_block("DECLARE CURSOR")?;
        }
        let analysed = bound.analysed.inner()?;
        let bound = Bound {
            analysed,
            parameters: bound.parameters.clone(),
            formats: Vec::new(),
        };
        let portal = Portal {
            bound,
            state: PortalState::New,
            with_hold: hold,
        };
        if name.is_empty() || !self.names.has_portal(name) {
            self.names.add_portal(name, portal)?;
            return Ok(Outcome::done("DECLARE CURSOR"));
        }
        Err(GatewayError::DuplicateCursor(name.to_owned()))
    }

    /// `FETCH direction FROM name`, `MOVE direction FROM name`
    pub(super) fn fetch(
        &mut self,
        name: &str,
        only_move: bool,
        direction: FetchDirection,
    ) -> Result<Outcome, GatewayError> {
        self.names.cursor(name)?;
        let rows_max = match direction {
            FetchDirection::ForwardAll => None,
            FetchDirection::Forward(count) | FetchDirection::Relative(count @ 0..=1) => {
                Some(u64::try_from(count).map_err(|_| GatewayError::CursorForwardOnly)?)
            }
            FetchDirection::BackwardAll => return Err(GatewayError::CursorForwardOnly),
            FetchDirection::Absolute(_) | FetchDirection::Relative(_) => {
                return Err(GatewayError::Unsupported(
                    "FETCH of a row by its place".into(),
                ));
            }
        };
        let tag = Tag::Counted(if only_move { "MOVE" } else { "FETCH" });
        Ok(Outcome {
            answer: Answer::Cursor {
                name: name.to_owned(),
                rows_max,
                only_move,
            },
            tag,
        })
    }

    /// Sends rows of a cursor, which is started by the first ones, and gives their number.
    pub(super) async fn send_cursor(
        &mut self,
        name: &str,
        rows_max: Option<u64>,
        only_move: bool,
        formats: &[Format],
        writer: &mut Writer,
        guard: &mut Guard,
    ) -> Result<u64, GatewayError> {
        guard.let_fragments_last();
        let portal = self.names.cursor(name)?;
        let bound = portal.bound.clone();
        let state = std::mem::replace(&mut portal.state, PortalState::Failed);
        let (mut rows, tag) = match state {
            PortalState::Open { rows, tag } => (rows, tag),
            PortalState::New => {
                let Outcome { answer, tag } = self.run(&bound, guard, writer.out()).await?;
                let Answer::Rows { stream, columns } = answer else {
                    return Err(GatewayError::Unsupported("a cursor for a command".into()));
                };
                let settings = self.derived.encode.clone();
                (
                    Box::new(ResultRows::new(stream, &columns, formats, &settings)?),
                    tag,
                )
            }
            PortalState::Drained(tag) => {
                self.names.cursor(name)?.state = PortalState::Drained(tag);
                return Ok(0);
            }
            PortalState::Spent | PortalState::Failed => {
                return Err(GatewayError::SpentPortal(name.to_owned()));
            }
        };
        let sent = if only_move {
            rows.skip(rows_max, guard).await?
        } else {
            rows.set_formats(formats, &self.derived.encode)?;
            rows.send(writer, rows_max, guard).await?
        };
        let (state, count) = match sent {
            Sent::Limit(count) => (PortalState::Open { rows, tag }, count),
            Sent::All(count) => (PortalState::Drained(tag), count),
        };
        self.names.cursor(name)?.state = state;
        Ok(count)
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
