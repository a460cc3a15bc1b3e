//! What can stop a statement while it runs: a cancel request and its deadline.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::GatewayError;
use crate::pgwire::cancel::{CancelHandle, CancelWatch};

/// Stops the awaits of one statement.
pub struct Guard {
    cancel: CancelWatch,
    deadline: Option<Instant>,
    /// Fragments go on after the statement that started them.
    lasting: bool,
}

impl Guard {
    /// Starts the clock.
    pub fn new(cancel: &CancelHandle, timeout: Option<Duration>) -> Self {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        Self {
            cancel: cancel.watch(),
            deadline,
            lasting: false,
        }
    }

    /// The rows may be left for a later statement: fragments get no deadline of their own, and this
    /// statement's ends its own waiting only.
    pub fn let_fragments_last(&mut self) {
        self.lasting = true;
    }

    /// When fragments of the statement have to be over.
    pub fn fragment_deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.lasting)
    }

    /// Awaits `work`, or fails when the statement has to stop; the work is then dropped.
    pub async fn run<T, E>(
        &mut self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, GatewayError>
    where
        GatewayError: From<E>,
    {
        let deadline = self.deadline;
        let timeout = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.canceled() => Err(GatewayError::Canceled),
            result = work => result.map_err(GatewayError::from),
            () = timeout => Err(GatewayError::StatementTimeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgwire::cancel::CancelRegistry;

    #[tokio::test]
    async fn stops_for_a_request_and_for_the_deadline() {
        let session = CancelRegistry::default().register(0);
        let never = || std::future::pending::<Result<(), GatewayError>>();
        let mut guard = Guard::new(&session.handle, None);
        session.handle.cancel();
        assert!(matches!(
            guard.run(never()).await,
            Err(GatewayError::Canceled)
        ));
        let mut guard = Guard::new(&session.handle, Some(Duration::from_millis(1)));
        assert!(matches!(
            guard.run(never()).await,
            Err(GatewayError::StatementTimeout)
        ));
        let mut guard = Guard::new(&session.handle, Some(Duration::from_mins(1)));
        let work = async { Ok::<_, GatewayError>(7) };
        assert_eq!(guard.run(work).await.expect("not stopped"), 7);
    }
}
