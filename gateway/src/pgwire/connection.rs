//! The loop of one connection: takes a message, has it handled, answers, until the client leaves.
//!
//! ```text
//!            error in an extended message
//!   Ready ────────────────────────────────► SkipUntilSync
//!     │  ◄───────────────── Sync ────────────────┘
//!     └─ Terminate, end of stream, fatal error ─► Closed
//! ```
//!
//! Invariants: while a message is handled the socket is watched, so that a vanished client drops
//! the running statement at once; a panic in a handler becomes an error of that statement; every
//! error reaches the client before the connection closes.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;

use super::backend::{Outgoing, TransactionStatus};
use super::cancel::Termination;
use super::frontend::{Message, Tag, decode};
use super::stream::{ReadError, Reader, Writer};
use crate::error::{GatewayError, Severity};

/// How long a client may take to receive the words of a fatal error.
const FAREWELL: Duration = Duration::from_secs(2);

/// Handles the messages of one session.
pub trait Handler: Send {
    /// Handles a message other than Sync, Flush and Terminate; answers go to the writer.
    fn handle(
        &mut self,
        message: Message,
        writer: &mut Writer,
    ) -> impl Future<Output = Result<(), GatewayError>> + Send;

    /// Ends the implicit transaction, at Sync and after a simple query.
    fn end_of_cycle(&mut self, out: &mut Outgoing);

    /// A message ended with an error, which has been or will be reported.
    fn failed(&mut self);

    /// What ReadyForQuery says.
    fn status(&self) -> TransactionStatus;

    /// Sees whether another session ends this one.
    fn termination(&self) -> Termination;

    /// How long the session may wait for a message now, and the error after that.
    fn idle_limit(&self) -> Option<(Duration, GatewayError)>;
}

/// How far the server's shutdown has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// The server is up.
    #[default]
    Running,
    /// Idle sessions end; running statements may finish.
    Draining,
    /// Running statements end too.
    Terminating,
}

/// Returns when the shutdown has come to `stage`.
pub async fn shutdown_reached(shutdown: &mut watch::Receiver<Shutdown>, stage: Shutdown) {
    if shutdown
        .wait_for(|reached| *reached >= stage)
        .await
        .is_err()
    {
        // The server is gone without a word; sessions then end with their runtime.
        std::future::pending::<()>().await;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    SkipUntilSync,
    Closed,
}

/// Runs a connection whose session has been made, until it is closed.
pub async fn run<H: Handler>(
    mut handler: H,
    mut reader: Reader,
    mut writer: Writer,
    mut shutdown: watch::Receiver<Shutdown>,
    message_bytes_max: usize,
) {
    let mut state = State::Ready;
    let mut termination = handler.termination();
    while state != State::Closed {
        let idle_limit = handler.idle_limit();
        let received = tokio::select! {
            biased;
            () = shutdown_reached(&mut shutdown, Shutdown::Draining) => {
                farewell(&mut writer, &GatewayError::Shutdown).await;
                return;
            }
            () = termination.requested() => {
                farewell(&mut writer, &GatewayError::Shutdown).await;
                return;
            }
            received = next(idle_limit, &mut reader, &mut writer, message_bytes_max) => received,
        };
        let (tag, body) = match received {
            Ok(received) => received,
            Err(Ended::Closed) => return,
            Err(Ended::Fatal(error)) => {
                farewell(&mut writer, &error).await;
                return;
            }
        };
        if state == State::SkipUntilSync && tag != Tag::SYNC && tag != Tag::TERMINATE {
            continue;
        }
        let outcome = match decode(tag, body) {
            Ok(Message::Terminate) => return,
            Ok(Message::Sync) => {
                handler.end_of_cycle(writer.out());
                writer.out().ready(handler.status());
                state = State::Ready;
                Ok(())
            }
            Ok(Message::Flush) => {
                if writer.flush().await.is_err() {
                    return;
                }
                Ok(())
            }
            Ok(Message::Copy) => Ok(()),
            Ok(message) => {
                let ends_cycle = !message.is_extended();
                let outcome = tokio::select! {
                    biased;
                    () = termination.requested() => Err(GatewayError::Shutdown),
                    outcome = guarded(&mut handler, message, &mut writer) => outcome,
                    () = reader.closed() => return,
                    () = shutdown_reached(&mut shutdown, Shutdown::Terminating) => {
                        Err(GatewayError::Shutdown)
                    }
                };
                // A session that has ended itself is told so before it is told anything else.
                let outcome = outcome.and_then(|()| {
                    if termination.is_requested() {
                        Err(GatewayError::Shutdown)
                    } else {
                        Ok(())
                    }
                });
                if outcome.is_ok() && ends_cycle {
                    handler.end_of_cycle(writer.out());
                    writer.out().ready(handler.status());
                }
                outcome
            }
            Err(error) => Err(GatewayError::Message(error)),
        };
        if let Err(error) = outcome {
            state = answer_error(&mut handler, &mut writer, tag, &error).await;
        }
    }
}

/// Reports an error and says how the connection goes on.
async fn answer_error<H: Handler>(
    handler: &mut H,
    writer: &mut Writer,
    tag: Tag,
    error: &GatewayError,
) -> State {
    if matches!(error, GatewayError::ClientGone) {
        return State::Closed;
    }
    if error.severity() == Severity::Fatal {
        farewell(writer, error).await;
        return State::Closed;
    }
    handler.failed();
    writer.out().report(&error.report());
    if tag.is_extended() {
        State::SkipUntilSync
    } else {
        handler.end_of_cycle(writer.out());
        writer.out().ready(handler.status());
        State::Ready
    }
}

/// Why there is no next message.
enum Ended {
    Closed,
    Fatal(GatewayError),
}

/// Sends what waits if the client is silent, and receives the next message.
async fn next(
    idle_limit: Option<(Duration, GatewayError)>,
    reader: &mut Reader,
    writer: &mut Writer,
    message_bytes_max: usize,
) -> Result<(Tag, bytes::Bytes), Ended> {
    if reader.has_message() {
        writer.flush_if_large().await.map_err(|_| Ended::Closed)?;
    } else {
        writer.flush().await.map_err(|_| Ended::Closed)?;
    }
    let message = reader.message(message_bytes_max);
    let received = match idle_limit {
        None => message.await,
        Some((limit, error)) => match tokio::time::timeout(limit, message).await {
            Ok(received) => received,
            Err(_) => return Err(Ended::Fatal(error)),
        },
    };
    received.map_err(|error| match error {
        ReadError::Closed => Ended::Closed,
        ReadError::UnknownType(byte) => Ended::Fatal(GatewayError::UnknownMessageType(byte)),
    })
}

/// Handles a message; a panic becomes an error.
async fn guarded<H: Handler>(
    handler: &mut H,
    message: Message,
    writer: &mut Writer,
) -> Result<(), GatewayError> {
    match AssertUnwindSafe(handler.handle(message, writer))
        .catch_unwind()
        .await
    {
        Ok(outcome) => outcome,
        Err(panic) => Err(GatewayError::from_panic(panic.as_ref())),
    }
}

/// Reports a fatal error and closes.
pub async fn farewell(writer: &mut Writer, error: &GatewayError) {
    let mut report = error.report();
    report.severity = Severity::Fatal;
    writer.out().report(&report);
    // A client that does not read cannot hold the connection.
    let _ = tokio::time::timeout(FAREWELL, writer.shutdown()).await;
}

#[cfg(test)]
mod tests;
