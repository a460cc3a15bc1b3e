//! Logins as clients see them: passwords, certificates, encryption, limits.
//!
//! [`server`] makes servers with users and certificates; the other modules are what clients do with
//! them. Errors are compared with those of a real PostgreSQL.

mod clients;
mod encryption;
mod limits;
mod passwords;
mod server;
