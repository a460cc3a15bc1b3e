//! `pg_catalog` and `information_schema` as PostgreSQL's clients expect them.
//!
//! DuckDB has schemas of these names, but with other columns, OIDs and rows, and nothing can be
//! added to them. So the shadow database gets two schemas of our own, [`PG_SCHEMA`] and
//! [`INFORMATION_SCHEMA`], and the gateway redirects names to them. Every relation of
//! PostgreSQL 15's two schemas is there with PostgreSQL's columns; those that have something to
//! say about Skein are filled, the others are empty.
//!
//! ```text
//! relations.txt, types.txt, procs.txt, … ─┐
//! CatalogSnapshot ────────────────────────┼─► statements() ─► tables and rows in the shadow database
//! rows.sql, functions.sql ────────────────┘
//! ```
//!
//! Invariants: the OID of a relation or schema depends on its name only, so it outlives restarts,
//! but for the rare collision, which goes to the name that sorts first. A column has the type that
//! [`crate::types`] gives it everywhere else. Types of the catalogue's own columns are plain:
//! `oid` is BIGINT, `name` and `"char"` are VARCHAR.

mod builtin;
mod definitions;
mod keys;
mod known;
mod oid;
mod rows;
mod tables;
mod type_words;

use crate::snapshot::CatalogSnapshot;

pub use builtin::{
    Signature, category, function_columns, function_oid, function_signatures, function_type,
    is_implicit_cast, operator_signatures, type_name, type_oid,
};
pub use keys::problems;
pub use known::{Known, NameError, RelationFound};
pub use oid::{Oids, role_oid};
pub use tables::{SystemColumn, SystemRelation, relation, relations};

/// Where the relations and functions of `pg_catalog` are.
pub const PG_SCHEMA: &str = "skein_pg";
/// Where those of `information_schema` are.
pub const INFORMATION_SCHEMA: &str = "skein_info";
/// What Skein shows of itself, under the name that clients use, too.
pub const OWN_SCHEMA: &str = "skein";
/// The database that the tables name. A session that has asked for another one sees that instead.
pub const DATABASE: &str = "skein";
/// Its OID, the least that PostgreSQL gives to what users make: tools hide databases with a lower one,
/// which come with the server.
pub const DATABASE_OID: u32 = 16_384;
/// The role that owns everything.
pub const OWNER: &str = "skein";
/// Its OID, that of PostgreSQL's bootstrap superuser.
pub const OWNER_OID: u32 = 10;

/// The roles that every PostgreSQL has from the start: OID and name. Nobody is a member of any.
pub const ROLES: &[(u32, &str)] = &[
    (3373, "pg_monitor"),
    (3374, "pg_read_all_settings"),
    (3375, "pg_read_all_stats"),
    (3377, "pg_stat_scan_tables"),
    (4200, "pg_signal_backend"),
    (4544, "pg_checkpoint"),
    (4569, "pg_read_server_files"),
    (4570, "pg_write_server_files"),
    (4571, "pg_execute_server_program"),
    (6171, "pg_database_owner"),
    (6181, "pg_read_all_data"),
    (6182, "pg_write_all_data"),
];

/// Functions of `pg_catalog` that DuckDB lacks or has with another meaning, as macros.
const FUNCTIONS: &str = include_str!("system/functions.sql");
/// What fills the tables, given the raw rows.
const ROWS: &str = include_str!("system/rows.sql");

/// The names of the functions in [`PG_SCHEMA`], lower case, in order.
pub fn functions() -> Vec<&'static str> {
    let mut names: Vec<&str> = FUNCTIONS
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE MACRO skein_pg."))
        .filter_map(|rest| rest.split('(').next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// SQL that makes and fills both schemas for `snapshot`, to be run in order.
///
/// `database` is the name that clients connect to.
pub fn statements(snapshot: &CatalogSnapshot, database: &str) -> Vec<String> {
    let mut statements = vec![
        format!("CREATE SCHEMA {PG_SCHEMA}"),
        format!("CREATE SCHEMA {INFORMATION_SCHEMA}"),
    ];
    statements.extend(tables::create());
    statements.extend(builtin::raw());
    statements.extend(rows::raw(snapshot, database));
    statements.extend(script(FUNCTIONS));
    statements.extend(script(ROWS));
    statements
}

/// Splits a file of statements, each of which ends a line with a semicolon.
fn script(text: &str) -> impl Iterator<Item = String> {
    text.split(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
}

/// Writes an SQL string literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
