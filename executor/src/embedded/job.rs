//! The blocking part of a fragment, on a thread of its own while it runs.

use std::sync::Arc;

use arrow::array::RecordBatch;
use skein_executor_api::{Fragment, FragmentError, FragmentErrorKind};
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::cancel::Cancellation;
use super::pool::Session;
use crate::engine::{AttachedInput, Connection, Input};

/// What a fragment's thread tells the stream.
#[derive(Debug)]
pub(super) enum Output {
    Batch(RecordBatch),
    Error(FragmentError),
    End,
}

/// Everything a fragment needs to run.
pub(super) struct Job {
    pub(super) session: Session,
    pub(super) fragment: Fragment,
    pub(super) inputs: Vec<Input>,
    pub(super) cancellation: Cancellation,
    pub(super) output: Sender<Output>,
    pub(super) runtime: Handle,
}

impl Job {
    /// Runs the fragment; the connection is back in the pool when the last word is sent.
    pub(super) fn run(mut self) {
        let inputs = std::mem::take(&mut self.inputs);
        let mut attached = Vec::new();
        let outcome = self.run_statement(inputs, &mut attached);
        let outcome = outcome.map_err(|error| {
            let of_input = attached.iter().find_map(AttachedInput::failure);
            self.cancellation.explain(of_input.unwrap_or(error))
        });
        let Self {
            session,
            cancellation,
            output,
            ..
        } = self;
        cancellation.finish();
        let is_clean = attached.is_empty() || session.connection().detach_inputs(&attached).is_ok();
        drop(attached);
        // Otherwise it is closed.
        if is_clean {
            session.give_back();
        }
        let last = match outcome {
            Ok(()) => Output::End,
            Err(error) => Output::Error(error),
        };
        // Nobody reads any more when this fails.
        let _ = output.blocking_send(last);
    }

    fn run_statement(
        &mut self,
        inputs: Vec<Input>,
        attached: &mut Vec<AttachedInput>,
    ) -> Result<(), FragmentError> {
        self.session.apply(&self.fragment.settings)?;
        let connection = self.session.connection();
        for input in inputs {
            attached.push(connection.attach_input(input)?);
        }
        let mut statement = self.session.prepare(&self.fragment.sql)?;
        if keep_reread(self.session.connection(), attached)? {
            statement = self.session.prepare(&self.fragment.sql)?;
        }
        let mut rows = statement.stream(Some(self.cancellation.interrupt_handle()))?;
        match rows.next() {
            Some(batch) => self.send(batch?)?,
            // Another stage learns the types of its input from a batch.
            None => self.send(RecordBatch::new_empty(Arc::clone(rows.schema())))?,
        }
        for batch in rows {
            self.send(batch?)?;
        }
        Ok(())
    }

    /// Hands a batch on; waits while the reader is behind.
    fn send(&self, batch: RecordBatch) -> Result<(), FragmentError> {
        if self.cancellation.token().is_cancelled() {
            return Err(canceled());
        }
        let message = match self.output.try_send(Output::Batch(batch)) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(canceled()),
            Err(TrySendError::Full(message)) => message,
        };
        let sent = self.runtime.block_on(async {
            tokio::select! {
                sent = self.output.send(message) => sent.is_ok(),
                () = self.cancellation.token().cancelled() => false,
            }
        });
        if sent { Ok(()) } else { Err(canceled()) }
    }
}

/// Copies inputs that the planned statement would read twice. Returns whether there were any.
fn keep_reread(
    connection: &Connection,
    attached: &mut [AttachedInput],
) -> Result<bool, FragmentError> {
    let mut any = false;
    for input in attached.iter_mut().filter(|input| input.needs_table()) {
        connection.keep_input(input)?;
        any = true;
    }
    Ok(any)
}

fn canceled() -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Canceled,
        message: "the statement was canceled".to_owned(),
        position: None,
    }
}
