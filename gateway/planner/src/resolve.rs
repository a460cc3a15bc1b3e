//! Gives every name of a statement its meaning: relations, paths, the catalogue, functions.
//!
//! ```text
//! Query ─► mentions() ─► names and paths ─► catalog lists their files ─► CatalogSnapshot
//! Query, CatalogSnapshot, search path ─► resolve() ─► ResolvedQuery
//! ```
//!
//! Afterwards every [`TableRefKind::Table`] is a common table expression in scope (no schema), a
//! relation under its own schema and name, or a relation of the system catalogue under the schema
//! in which the shadow database keeps it. Each has an alias, so what stands in its place later
//! answers to the same name.
//!
//! Invariant: a resolved query calls only functions of [`functions`]'s list and macros of the
//! system catalogue. Columns and types are not looked at; that is bind's part.

mod aliases;
pub mod functions;
pub mod names;
pub mod parameters;
mod quoted;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_catalog::snapshot::{CatalogSnapshot, RelationSnapshot};
use skein_catalog::system;

use crate::ast::{Expr, Query};
use crate::error::PlanError;
use crate::postgres::dependent::Keyed;

/// What a session knows and a statement may ask for: `current_user`, `current_setting('x')`.
pub trait SessionValues {
    /// The expression that stands for `name(args)`, or for the bare name when `args` is `None`.
    /// `None`: not a value of the session.
    fn value(&self, name: &str, args: Option<&[Expr]>) -> Option<Expr>;
}

/// Where names are looked up.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The database that the client is connected to.
    pub database: &'a str,
    /// Schemas for names without one, in order. `pg_catalog` comes first unless it is listed.
    pub search_path: &'a [String],
    /// Values of the session.
    pub session: &'a dyn SessionValues,
}

/// A query whose names have a meaning.
#[derive(Clone, Debug)]
pub struct ResolvedQuery {
    /// With relations under their own schema and name.
    pub query: Query,
    /// The relations it reads.
    pub relations: BTreeMap<RelationName, Arc<RelationSnapshot>>,
    /// It reads relations of the system catalogue or asks for a list of relations: the shadow
    /// database has the answer.
    pub touches_catalogue: bool,
    /// Macros of the system catalogue that it calls, without their schema.
    pub catalogue_functions: BTreeSet<String>,
}

impl ResolvedQuery {
    /// Whether it reads any relation.
    pub fn touches_relations(&self) -> bool {
        !self.relations.is_empty()
    }
}

/// What a query may mean by the names in FROM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Possible relations, under each schema that they may be in.
    pub names: Vec<RelationName>,
    /// Names that look like paths.
    pub paths: Vec<String>,
}

/// Collects the names in FROM, so that the catalog can bring what it knows of them up to date.
pub fn mentions(query: &Query, scope: Scope<'_>) -> Mentions {
    walk::mentions(query, scope)
}

/// Gives names their meaning.
pub fn resolve(
    query: Query,
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
) -> Result<ResolvedQuery, PlanError> {
    walk::resolve(query, snapshot, scope)
}

/// Whether a name in FROM may be a path rather than a relation.
pub fn is_path(name: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "csv", "tsv", "txt", "json", "jsonl", "ndjson", "parquet", "parq", "pq", "gz", "zst",
    ];
    name.contains(['/', '*', '?', '['])
        || name.rsplit_once('.').is_some_and(|(_, extension)| {
            EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        })
}

/// The schemas that a name in `schema` (or without one) may be in, in order.
pub(crate) fn schemas<'a>(schema: &'a str, scope: Scope<'a>) -> Vec<&'a str> {
    if !schema.is_empty() {
        return vec![schema];
    }
    let listed = scope
        .search_path
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "$user");
    if scope.search_path.iter().any(|name| name == "pg_catalog") {
        listed.collect()
    } else {
        std::iter::once("pg_catalog").chain(listed).collect()
    }
}

/// The columns of the relation that a schema and a name mean. A common table expression may hide it.
pub fn columns_of(
    schema: &str,
    name: &str,
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
) -> Option<Vec<String>> {
    let relation = schemas(schema, scope)
        .into_iter()
        .find_map(|candidate| find(snapshot, candidate, name));
    let columns = relation?.1.columns.iter();
    Some(columns.map(|column| column.name.clone()).collect())
}

/// The columns and the primary key of the relation that a schema and a name mean, if it has one.
pub fn keyed(
    schema: &str,
    name: &str,
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
) -> Option<Keyed> {
    schemas(schema, scope).into_iter().find_map(|candidate| {
        if let Some((_, relation)) = find(snapshot, candidate, name) {
            let key = &relation.declared.primary_key;
            return (!key.is_empty()).then(|| Keyed {
                columns: relation.columns.iter().map(|it| it.name.clone()).collect(),
                key: key.clone(),
            });
        }
        let (candidate, name) = (candidate.to_ascii_lowercase(), name.to_ascii_lowercase());
        let relation = system::relation(&candidate, &name)?;
        let key = relation.primary_key();
        (!key.is_empty()).then(|| Keyed {
            columns: relation
                .columns
                .iter()
                .map(|it| it.name.to_owned())
                .collect(),
            key: key.into_iter().map(str::to_owned).collect(),
        })
    })
}

/// Refuses names that one FROM uses twice. `query` is the tree as parsed: rewrites bring in names of
/// their own.
pub fn check_aliases(
    query: &Query,
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
) -> Result<(), PlanError> {
    aliases::check(query, &|schema, name| {
        schemas(schema, scope).into_iter().find_map(|candidate| {
            let known = find(snapshot, candidate, name).map(|(found, _)| found.clone());
            known.or_else(|| {
                let (schema, name) = (candidate.to_ascii_lowercase(), name.to_ascii_lowercase());
                system::relation(&schema, &name).map(|_| RelationName { schema, name })
            })
        })
    })
}

/// The schema of the shadow database that holds PostgreSQL's `schema`.
fn system_schema(schema: &str) -> Option<&'static str> {
    if schema.eq_ignore_ascii_case("pg_catalog") {
        Some(system::PG_SCHEMA)
    } else if schema.eq_ignore_ascii_case("information_schema") {
        Some(system::INFORMATION_SCHEMA)
    } else {
        None
    }
}

/// The relation that is meant by `schema.name`: letter case matters only between two that differ
/// in nothing else.
pub(crate) fn find<'a>(
    snapshot: &'a CatalogSnapshot,
    schema: &str,
    name: &str,
) -> Option<(&'a RelationName, &'a Arc<RelationSnapshot>)> {
    let exact = RelationName {
        schema: schema.to_owned(),
        name: name.to_owned(),
    };
    snapshot.relations.get_key_value(&exact).or_else(|| {
        snapshot.relations.iter().find(|(known, _)| {
            known.schema.eq_ignore_ascii_case(schema) && known.name.eq_ignore_ascii_case(name)
        })
    })
}

/// The relation whose name is most like `name`.
fn nearest(snapshot: &CatalogSnapshot, name: &str) -> Option<String> {
    let known = snapshot
        .relations
        .keys()
        .filter(|known| known.schema != PATH_SCHEMA)
        .map(|known| known.name.as_str());
    functions::nearest(name, known).map(str::to_owned)
}

/// What a path relation is called in the query: the file's name without its extensions.
fn path_alias(path: &str) -> &str {
    let file = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path);
    match file.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}

#[cfg(test)]
mod tests;
