//! Runs stages of a plan on executors in other processes.
//!
//! Plans and rows travel by `datafusion-distributed`; inside a fragment it is always DuckDB. This
//! crate is the only one that knows either that engine or `DataFusion`.
//!
//! ```text
//! gateway:   Tree ─► lower ─► boundaries over FragmentExec ─► Remote::run ─► BatchStream
//!                                    │ plans                        ▲ rows
//! executor:  Server ─► codec ─► FragmentExec::execute ─► EmbeddedExecutor::run
//!                                    ▲ rows of other stages, from other executors
//! ```
//!
//! Invariants: rows are computed, hashed and compared by DuckDB only; the engine routes rows by an
//! integer that a fragment computed. An error arrives at the gateway with its kind and position, or
//! as [`skein_executor_api::FragmentErrorKind::Unreachable`] with the name of the executor. A stream
//! that ends without an error has given every row.

mod channels;
mod codec;
mod connections;
mod error;
mod files;
mod fragment;
mod gather;
mod lower;
mod measure;
mod members;
mod nodes;
mod remote;
mod runs;
mod server;
mod state;
pub mod tls;
mod tree;

pub use connections::{Keepalive, Link};
pub use files::ListedFile;
pub use measure::Measurement;
pub use members::{Member, MemberState, MemberStatus, Members};
pub use nodes::{Node, NodeError, Nodes};
pub use remote::{OnEnd, Remote, RemoteOptions};
pub use server::{Server, ServerError, ServerOptions};
pub use state::StateReply;
pub use tree::{Exchange, Task, Tree, TreeInput, TreeStage};

/// What both ends of a connection must agree on: Skein, DuckDB, and the form of plans.
pub fn version() -> String {
    format!(
        "skein {} duckdb {} plan {}",
        env!("CARGO_PKG_VERSION"),
        skein_executor::engine::Database::version(),
        codec::FORMAT
    )
}
