//! The function call message, older than prepared statements: a function by its OID, with values.
//!
//! Mirrors PostgreSQL's `fastpath.c`. The call becomes a query, so that it may do what a query may do.

use skein_planner::parse::Statement;

use super::Session;
use super::analysed::Analysed;
use super::execute::Answer;
use crate::encode::{Format, RowBuffer, RowEncoder};
use crate::error::GatewayError;
use crate::params;
use crate::pgwire::frontend::FunctionCall;
use crate::pgwire::stream::Writer;

/// Where the length of the first value stands in a DataRow: after its tag, its length, and the number
/// of values.
const FIRST_VALUE: usize = 7;

/// OIDs of PostgreSQL's functions, which never change: one a line, with name and types of arguments.
const FUNCTIONS: &str = include_str!("function_oids.txt");

/// The name of a function, and the types of its arguments.
fn function(oid: u32) -> Option<(&'static str, Vec<u32>)> {
    let mut lines = FUNCTIONS.lines().map(str::split_whitespace);
    let mut words = lines.find(|words| {
        let first = words.clone().next();
        first.and_then(|first| first.parse().ok()) == Some(oid)
    })?;
    let name = words.nth(1)?;
    Some((name, words.filter_map(|ty| ty.parse().ok()).collect()))
}

impl Session {
    /// `F`
    pub(super) async fn call_function(
        &mut self,
        call: &FunctionCall,
        writer: &mut Writer,
    ) -> Result<(), GatewayError> {
        if self.transaction.is_failed() {
            return Err(GatewayError::TransactionAborted);
        }
        let mut guard = self.guard();
        let Some((name, types)) = function(call.function) else {
            return Err(GatewayError::UnknownFunctionOid(call.function));
        };
        let (formats, given, needed) = (call.formats.len(), call.arguments.len(), types.len());
        if given != needed {
            return Err(GatewayError::Protocol(format!(
                "function call message contains {given} arguments but function requires {needed}"
            )));
        }
        if formats > 1 && formats != given {
            return Err(GatewayError::Protocol(format!(
                "function call message contains {formats} argument formats but {given} arguments"
            )));
        }
        let values: Vec<String> = (1..=given).map(|number| format!("${number}")).collect();
        let sql = format!("SELECT pg_catalog.\"{name}\"({})", values.join(", "));
        let understood = self.understand_text(&sql, &types, &mut guard).await?;
        let mut analysed = Analysed::new(sql.into(), Statement::Unlisten(None));
        analysed.set_query(understood);
        let order = self.derived.encode.date_style.order;
        let arguments = call.arguments.iter().zip(&analysed.parameter_types);
        let parameters = arguments.enumerate().map(|(index, (value, ty))| {
            let format = match call.formats.as_slice() {
                [] => Format::Text,
                [one] => Format::from_code(*one)?,
                each => Format::from_code(each[index])?,
            };
            Ok(params::decode(index + 1, *ty, format, value.as_deref(), order)?.sql())
        });
        let parameters = parameters.collect::<Result<Vec<_>, GatewayError>>()?;
        let format = Format::from_code(call.result_format)?;
        let analysed = analysed.into();
        let outcome = self.run_query(&analysed, &parameters, &mut guard).await?;
        let Answer::Rows { stream, columns } = outcome.answer else {
            return Err(GatewayError::Internal("a query gave no rows".into()));
        };
        let rows = self
            .first_row(stream?, &columns, format, &mut guard)
            .await?;
        let value = rows.data.get(FIRST_VALUE + 4..).unwrap_or_default();
        let length = rows
            .data
            .get(FIRST_VALUE..)
            .and_then(|rest| rest.first_chunk())
            .map_or(-1, |length| i32::from_be_bytes(*length));
        let length = usize::try_from(length).ok();
        writer
            .out()
            .function_result(length.and_then(|length| value.get(..length)));
        Ok(())
    }

    /// The first row of a result as a DataRow.
    async fn first_row(
        &mut self,
        mut stream: skein_executor_api::BatchStream,
        columns: &[skein_executor_api::Column],
        format: Format,
        guard: &mut super::guard::Guard,
    ) -> Result<RowBuffer, GatewayError> {
        use futures::StreamExt;
        let formats = vec![format; columns.len()];
        let mut encoder = RowEncoder::new(columns, &formats, &self.derived.encode)?;
        let mut rows = RowBuffer::default();
        while let Some(batch) = guard.run(async { stream.next().await.transpose() }).await? {
            if batch.num_rows() > 0 {
                encoder.encode(&batch.slice(0, 1), &mut rows)?;
                break;
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_known_by_their_oid() {
        assert_eq!(function(1598), Some(("random", Vec::new())));
        assert_eq!(function(871), Some(("upper", vec![25])));
        assert_eq!(function(0), None);
        let oids = FUNCTIONS.lines().skip(1).map(|line| {
            let oid = line
                .split(' ')
                .next()
                .and_then(|oid| oid.parse::<u32>().ok());
            oid.unwrap_or_else(|| panic!("{line}"))
        });
        assert!(oids.is_sorted());
    }
}
