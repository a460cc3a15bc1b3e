//! Which trees run on this executor, and how they are stopped.
//!
//! The gateway holds a call open to each executor for each fragment it has sent there, and ends it
//! when the tree is over, whatever the reason; a gateway that dies ends it as well. The engine then
//! forgets the plan, but frees it only when something else happens to its cache, and until then a
//! stage that sends rows by hash or to all goes on. So the calls are watched here: when one of a tree
//! ends, the fragments of that tree are told to stop.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

/// The header that says which tree a call is for.
pub(crate) const RUN_HEADER: &str = "skein-run";
/// The end of the path of calls that are held open while a tree runs.
const HELD_CALL: &str = "/CoordinatorChannel";

/// Trees that run on this executor. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    running: Arc<Mutex<BTreeMap<String, Run>>>,
}

#[derive(Debug, Default)]
struct Run {
    calls: usize,
    stop: CancellationToken,
}

impl Runs {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stops the fragments of a tree; `None` when it is over.
    pub(crate) fn stop_of(&self, run: &str) -> Option<CancellationToken> {
        self.locked().get(run).map(|run| run.stop.clone())
    }

    /// Trees that run now.
    pub(crate) fn count(&self) -> usize {
        self.locked().len()
    }

    fn open(&self, run: &str) -> Held {
        self.locked().entry(run.to_owned()).or_default().calls += 1;
        Held {
            runs: self.clone(),
            run: run.to_owned(),
        }
    }
}

/// A call of a tree; ends the tree when dropped.
#[derive(Debug)]
struct Held {
    runs: Runs,
    run: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut running = self.runs.locked();
        let Some(run) = running.get_mut(&self.run) else {
            return;
        };
        run.stop.cancel();
        run.calls -= 1;
        if run.calls == 0 {
            running.remove(&self.run);
        }
    }
}

/// Watches the calls that are held open.
#[derive(Clone, Debug)]
pub(crate) struct Watched<S> {
    service: S,
    runs: Runs,
}

impl<S> Watched<S> {
    pub(crate) fn new(service: S, runs: Runs) -> Self {
        Self { service, runs }
    }
}

impl<S: NamedService> NamedService for Watched<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Watched<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let run = request.headers().get(RUN_HEADER);
        let held = run
            .filter(|_| request.uri().path().ends_with(HELD_CALL))
            .and_then(|run| run.to_str().ok())
            .map(|run| self.runs.open(run));
        let request = match held {
            None => request,
            Some(held) => request.map(|body| {
                Body::new(HeldBody {
                    body,
                    held: Some(held),
                })
            }),
        };
        self.service.call(request)
    }
}

/// What the gateway sends in a call that is held open: a plan, and then nothing until its end.
struct HeldBody {
    body: Body,
    held: Option<Held>,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.held = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_that_ends_stops_the_tree() {
        let runs = Runs::default();
        assert!(runs.stop_of("a").is_none());
        let (first, second) = (runs.open("a"), runs.open("a"));
        let other = runs.open("b");
        let stop = runs.stop_of("a").expect("it runs");
        assert!(!stop.is_cancelled());
        drop(first);
        assert!(stop.is_cancelled());
        assert_eq!(runs.count(), 2);
        drop(second);
        assert!(runs.stop_of("a").is_none());
        assert!(!runs.stop_of("b").expect("it runs").is_cancelled());
        drop(other);
        assert_eq!(runs.count(), 0);
    }
}
