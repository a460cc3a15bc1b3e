//! How a gateway asks an executor how it is.
//!
//! One call of gRPC, beside those that carry plans and rows. Written by hand: it is one message
//! each way, and a generator would need a compiler that the build does not have.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use skein_executor::Load;
use skein_executor::engine::Database;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, http};
use tonic::server::{NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::codec::FORMAT;

const PATH: &str = "/skein.Executor/State";

/// Nothing is asked for in particular.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StateRequest {}

/// How an executor is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StateReply {
    /// Version of Skein.
    #[prost(string, tag = "1")]
    pub skein_version: String,
    /// Version of DuckDB.
    #[prost(string, tag = "2")]
    pub duckdb_version: String,
    /// Of plans.
    #[prost(uint32, tag = "3")]
    pub plan_format: u32,
    /// It will end soon, and takes nothing new.
    #[prost(bool, tag = "4")]
    pub is_draining: bool,
    /// Fragments that run.
    #[prost(uint64, tag = "5")]
    pub running: u64,
    /// Fragments that have been started.
    #[prost(uint64, tag = "6")]
    pub fragments: u64,
    /// Bytes of rows that they have given.
    #[prost(uint64, tag = "7")]
    pub bytes: u64,
    /// Bytes of memory that its DuckDB may use; 0: it does not know.
    #[prost(uint64, tag = "8")]
    pub memory_bytes: u64,
}

impl StateReply {
    /// What an executor of this program would say about its versions.
    pub fn of_this_program() -> Self {
        Self {
            skein_version: env!("CARGO_PKG_VERSION").to_owned(),
            duckdb_version: Database::version().trim_start_matches('v').to_owned(),
            plan_format: FORMAT,
            ..Self::default()
        }
    }

    /// Why an executor that says this cannot run plans of this program; nothing if it can.
    pub(crate) fn differs(&self) -> Option<String> {
        let own = Self::of_this_program();
        if self.skein_version != own.skein_version {
            return Some(format!(
                "it is Skein {}, and this is Skein {}",
                self.skein_version, own.skein_version
            ));
        }
        if self.duckdb_version != own.duckdb_version {
            return Some(format!(
                "it has DuckDB {}, and this has DuckDB {}",
                self.duckdb_version, own.duckdb_version
            ));
        }
        (self.plan_format != own.plan_format).then(|| {
            format!(
                "it reads plans of format {}, and this writes format {}",
                self.plan_format, own.plan_format
            )
        })
    }
}

/// Answers for an executor.
#[derive(Clone, Debug)]
pub(crate) struct StateService {
    load: Arc<Load>,
    is_draining: Arc<AtomicBool>,
    constant: StateReply,
}

impl StateService {
    /// Tells the numbers in `load`, and whether the executor `is_draining`, beside what does not
    /// change while it runs.
    pub(crate) fn new(load: Arc<Load>, is_draining: Arc<AtomicBool>, constant: StateReply) -> Self {
        Self {
            load,
            is_draining,
            constant,
        }
    }

    fn reply(&self) -> StateReply {
        StateReply {
            is_draining: self.is_draining.load(Ordering::Acquire),
            running: self.load.running(),
            fragments: self.load.fragments(),
            bytes: self.load.bytes(),
            ..self.constant.clone()
        }
    }
}

impl NamedService for StateService {
    const NAME: &'static str = "skein.Executor";
}

impl UnaryService<StateRequest> for StateService {
    type Response = StateReply;
    type Future = std::future::Ready<Result<Response<StateReply>, Status>>;

    fn call(&mut self, _: Request<StateRequest>) -> Self::Future {
        std::future::ready(Ok(Response::new(self.reply())))
    }
}

impl Service<http::Request<Body>> for StateService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != PATH {
                let refusal = Status::unimplemented("an executor has no such call");
                return Ok(refusal.into_http());
            }
            let mut grpc = tonic::server::Grpc::new(ProstCodec::default());
            Ok(grpc.unary(service, request).await)
        })
    }
}

/// Asks an executor.
pub(crate) async fn ask<T>(channel: T) -> Result<StateReply, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: tonic::codegen::Body + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready()
        .await
        .map_err(|error| Status::unavailable(error.into().to_string()))?;
    let codec = ProstCodec::<StateRequest, StateReply>::default();
    let path = PathAndQuery::from_static(PATH);
    let reply = grpc
        .unary(Request::new(StateRequest {}), path, codec)
        .await?;
    Ok(reply.into_inner())
}
