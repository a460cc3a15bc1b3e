//! Errors of fragments on their way through the engine, and the engine's own.
//!
//! The engine keeps an error's text over any number of hops and little else, so an error is written
//! once, where it happens, behind a mark, and read where it is wanted. What bears no mark when it
//! leaves a connection is the connection's own: that is where it gets the executor's name.

use datafusion::error::DataFusionError;
use serde_json::{Value, json};
use skein_executor_api::{FragmentError, FragmentErrorKind};

/// Stands before the JSON of an error.
const MARK: &str = "skein-fragment-error:";

/// Says that a fragment asked for rows of another one whose plan has never come. The engine waits
/// ten seconds for it, then gives this text.
const NO_PLAN: &str = "timed-out while waiting for the plan";

/// Packs an error for its way through the engine.
pub(crate) fn pack(error: &FragmentError) -> DataFusionError {
    let object = json!({
        "kind": error.kind.name(),
        "message": error.message,
        "position": error.position,
    });
    DataFusionError::External(format!("{MARK}{object}").into())
}

/// The error that was packed, or what the engine's own error means.
pub(crate) fn unpack(error: &DataFusionError) -> FragmentError {
    packed(error).unwrap_or_else(|| internal(error.to_string()))
}

/// The error of a connection to `executor`: what a fragment packed, or else one that names it.
pub(crate) fn of_connection(error: DataFusionError, executor: &str) -> DataFusionError {
    if packed(&error).is_some() {
        return error;
    }
    let text = error.to_string();
    let (kind, message) = if let Some(status) = status_of(&error) {
        (
            FragmentErrorKind::Unreachable,
            format!(
                "executor \"{executor}\" cannot be reached: {}",
                said(status)
            ),
        )
    } else if text.contains(NO_PLAN) {
        (
            FragmentErrorKind::Unreachable,
            format!("executor \"{executor}\" was not told what to run"),
        )
    } else {
        (
            FragmentErrorKind::Internal,
            format!("executor \"{executor}\": {text}"),
        )
    };
    pack(&FragmentError {
        kind,
        message,
        position: None,
    })
}

/// The executor that could not be reached, as [`of_connection`] has written it: by the gateway, or by another executor.
pub(crate) fn unreached(error: &FragmentError) -> Option<&str> {
    let rest = error.message.strip_prefix("executor \"")?;
    let (name, _) = rest.split_once("\" cannot be reached: ")?;
    (error.kind == FragmentErrorKind::Unreachable).then_some(name)
}

/// A bug of ours or of the engine.
pub(crate) fn internal(message: impl Into<String>) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message: message.into(),
        position: None,
    }
}

fn packed(error: &DataFusionError) -> Option<FragmentError> {
    // The engine wraps errors in others, which repeat the text of what they hold.
    let text = error.to_string();
    let (_, rest) = text.split_once(MARK)?;
    let object = serde_json::Deserializer::from_str(rest)
        .into_iter::<Value>()
        .next()?
        .ok()?;
    let position = object["position"].as_u64();
    Some(FragmentError {
        kind: FragmentErrorKind::named(object["kind"].as_str()?),
        message: object["message"].as_str()?.to_owned(),
        position: position.and_then(|position| usize::try_from(position).ok()),
    })
}

/// The status of a call that did not come through: an error of the engine on the other side is
/// decoded before this is asked.
fn status_of(error: &DataFusionError) -> Option<&tonic::Status> {
    match error {
        DataFusionError::External(error) => error.downcast_ref(),
        DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => {
            status_of(error)
        }
        DataFusionError::Shared(error) => status_of(error),
        DataFusionError::Collection(errors) => errors.iter().find_map(status_of),
        _ => None,
    }
}

/// What a status says, with its causes, which are where "connection refused" stands.
fn said(status: &tonic::Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    if text.is_empty() {
        text = status.code().to_string();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn failure() -> FragmentError {
        FragmentError {
            kind: FragmentErrorKind::Data,
            message: "file \"a {\"}\" is damaged, é".to_owned(),
            position: Some(17),
        }
    }

    fn same(a: &FragmentError, b: &FragmentError) -> bool {
        (a.kind, &a.message, a.position) == (b.kind, &b.message, b.position)
    }

    #[test]
    fn an_error_survives_any_number_of_wrappings() {
        let mut error = pack(&failure());
        for _ in 0..3 {
            assert!(same(&unpack(&error), &failure()));
            error = DataFusionError::Context("hop".to_owned(), Box::new(error));
            error = DataFusionError::Shared(Arc::new(error));
            error = DataFusionError::External(error.to_string().into());
        }
        assert!(same(&unpack(&error), &failure()));
        let named = of_connection(error, "a:1");
        assert!(same(&unpack(&named), &failure()));
    }

    #[test]
    fn a_message_that_contains_the_mark_stays_a_message() {
        let mut error = failure();
        error.message = format!("{MARK}{{\"kind\":\"changed\",\"message\":\"x\"}}");
        assert!(same(&unpack(&pack(&error)), &error));
    }

    #[test]
    fn a_connection_that_broke_names_the_executor() {
        let status = tonic::Status::unavailable("tcp connect error");
        let error = DataFusionError::Shared(Arc::new(DataFusionError::External(Box::new(status))));
        let error = unpack(&of_connection(error, "a:1"));
        assert_eq!(error.kind, FragmentErrorKind::Unreachable);
        assert!(error.message.contains("\"a:1\""), "{}", error.message);
        assert!(error.message.contains("tcp connect error"));
        assert_eq!(unreached(&error), Some("a:1"));
        assert_eq!(unreached(&failure()), None);
        let plan = DataFusionError::Execution(format!("… {NO_PLAN} to be set"));
        assert_eq!(
            unpack(&of_connection(plan, "a:1")).kind,
            FragmentErrorKind::Unreachable
        );
        let bug = DataFusionError::Internal("no such partition".to_owned());
        assert_eq!(
            unpack(&of_connection(bug, "a:1")).kind,
            FragmentErrorKind::Internal
        );
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in [
            FragmentErrorKind::Syntax,
            FragmentErrorKind::Unreachable,
            FragmentErrorKind::Internal,
        ] {
            assert_eq!(FragmentErrorKind::named(kind.name()), kind);
        }
        assert_eq!(
            FragmentErrorKind::named("of a later version"),
            FragmentErrorKind::Internal
        );
    }
}
