//! Arrow's schemas of stages, which have to be known before a fragment runs in another process.
//!
//! DuckDB says what its types are in Arrow: it is asked about a query that has columns of those types
//! and no rows. A schema is remembered with the time zone of its session, which is part of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use lru::LruCache;
use skein_catalog::types::Type;
use skein_executor::engine::{Database, identifier};
use skein_executor_api::{Column, FragmentError};

/// Schemas that are remembered.
const SCHEMAS_MAX: usize = 1024;
/// The setting that is part of a schema.
const TIME_ZONE: &str = "TimeZone";

/// Schemas by their columns.
pub(super) struct Schemas {
    /// Any instance; it reads nothing for this.
    database: Database,
    known: Mutex<LruCache<Key, SchemaRef>>,
}

/// A query, and the time zone of its session.
type Key = (String, String);

impl Schemas {
    pub(super) fn new(database: Database) -> Self {
        let capacity = NonZeroUsize::new(SCHEMAS_MAX).expect("the constant is not zero");
        Self {
            database,
            known: Mutex::new(LruCache::new(capacity)),
        }
    }

    /// The schema of rows with these columns in a session with these settings.
    pub(super) fn of(
        &self,
        columns: impl Iterator<Item = Column>,
        settings: &BTreeMap<String, String>,
    ) -> Result<SchemaRef, FragmentError> {
        let zone = settings.get(TIME_ZONE).cloned().unwrap_or_default();
        let key = (query_of(columns), zone);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known().get(&key) {
            return Ok(Arc::clone(schema));
        }
        let connection = self.database.connect()?;
        let (sql, zone) = &key;
        if !zone.is_empty() {
            connection.set_setting(TIME_ZONE, zone)?;
        }
        let schema = connection.arrow_schema(sql)?;
        known().put(key, Arc::clone(&schema));
        Ok(schema)
    }
}

/// A query with these columns and no rows.
fn query_of(columns: impl Iterator<Item = Column>) -> String {
    let mut sql = String::from("SELECT ");
    for (index, column) in columns.enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let value = match Type::parse(&column.ty) {
            Ok(ty) if has_unnamed(&ty) => value_of(&ty),
            _ => null_of(&column.ty),
        };
        let name = identifier(&column.name);
        // Writing to a text cannot fail.
        let _ = write!(sql, "{separator}{value} AS {name}");
    }
    sql.push_str(" WHERE false");
    sql
}

fn null_of(ty: impl std::fmt::Display) -> String {
    format!("CAST(NULL AS {ty})")
}

/// Whether a type has members without names, for which SQL has no type to cast to.
fn has_unnamed(ty: &Type) -> bool {
    match ty {
        Type::Struct(members) => members
            .iter()
            .any(|(name, member)| name.is_empty() || has_unnamed(member)),
        Type::Union(members) => members.iter().any(|(_, member)| has_unnamed(member)),
        Type::List(element) | Type::Array(element, _) => has_unnamed(element),
        Type::Map(key, value) => has_unnamed(key) || has_unnamed(value),
        _ => false,
    }
}

/// A value of a type that SQL may have no name for.
fn value_of(ty: &Type) -> String {
    if !has_unnamed(ty) {
        return null_of(ty);
    }
    match ty {
        Type::List(element) => format!("[{}]", value_of(element)),
        Type::Array(element, size) => {
            let elements = vec![value_of(element); *size as usize];
            format!("array_value({})", elements.join(", "))
        }
        Type::Map(key, value) => format!("map([{}], [{}])", value_of(key), value_of(value)),
        Type::Struct(members) if members.iter().all(|(name, _)| name.is_empty()) => {
            let members: Vec<String> = members.iter().map(|(_, ty)| value_of(ty)).collect();
            format!("row({})", members.join(", "))
        }
        Type::Struct(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, ty)| format!("{} := {}", identifier(name), value_of(ty)))
                .collect();
            format!("struct_pack({})", members.join(", "))
        }
        // A union has names; one with such a member has no literal, and DuckDB says so.
        other => null_of(other),
    }
}

#[cfg(test)]
mod tests {
    use skein_executor::engine::DatabaseOptions;

    use super::*;

    fn column(ty: &str) -> Column {
        Column {
            name: "a \"b\"".to_owned(),
            ty: ty.to_owned(),
        }
    }

    /// A query of a type gives exactly that type, also for types that cannot be written in SQL.
    #[test]
    fn the_query_of_a_type_has_that_type() {
        let database = Database::open(&DatabaseOptions::default()).expect("an instance");
        let connection = database.connect().expect("a connection");
        for ty in [
            "BIGINT",
            "DECIMAL(38,10)",
            "JSON",
            "ENUM('a', 'b')[]",
            "STRUCT(a INTEGER, \"b c\" VARCHAR[])",
            "STRUCT(BIGINT, VARCHAR)",
            "STRUCT(a STRUCT(BIGINT)[], b MAP(VARCHAR, STRUCT(DATE, UUID)))",
            "STRUCT(INTEGER, INTEGER)[2][]",
            "UNION(a INTEGER, b VARCHAR)",
        ] {
            let sql = query_of([column(ty)].into_iter());
            let prepared = connection.prepare(&sql).expect(&sql);
            assert_eq!(prepared.columns()[0].ty, ty, "{sql}");
            assert_eq!(prepared.columns()[0].name, "a \"b\"");
        }
    }

    #[test]
    fn a_schema_names_the_zone_of_its_session() {
        let database = Database::open(&DatabaseOptions::default()).expect("an instance");
        let schemas = Schemas::new(database);
        let schema = |zone: &str| {
            let settings = [(TIME_ZONE.to_owned(), zone.to_owned())].into();
            let columns = [column("TIMESTAMP WITH TIME ZONE"), column("BIGINT")];
            schemas
                .of(columns.into_iter(), &settings)
                .expect("a schema")
        };
        let paris = schema("Europe/Paris");
        assert!(Arc::ptr_eq(&paris, &schema("Europe/Paris")));
        let text = paris.field(0).data_type().to_string();
        assert!(text.contains("Europe/Paris"), "{text}");
        assert_ne!(paris, schema("UTC"));
    }
}
