//! The PostgreSQL protocol: bytes to messages and back. Knows no SQL.
//!
//! ```text
//! socket ─► reader ─► frontend::Message ─► session ─► backend::Outgoing ─► writer ─► socket
//! ```
//!
//! The messages are decoded here and not by a library, because every length and every string of a
//! client has to be checked with PostgreSQL's own error messages, and a short message must never
//! panic.

pub mod backend;
pub mod cancel;
pub mod connection;
pub mod frontend;
pub mod startup;
pub mod stream;
pub mod tls;
