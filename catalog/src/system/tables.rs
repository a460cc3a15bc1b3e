//! The relations of PostgreSQL's two catalogue schemas and their columns.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{INFORMATION_SCHEMA, PG_SCHEMA};

const RELATIONS: &str = include_str!("relations.txt");

/// A relation of `pg_catalog` or `information_schema`.
#[derive(Clone, Debug)]
pub struct SystemRelation {
    /// PostgreSQL's OID of it.
    pub oid: u32,
    /// `pg_catalog` or `information_schema`.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `r` or `v`.
    pub kind: &'static str,
    /// Its columns in order.
    pub columns: Vec<SystemColumn>,
}

/// A column of a [`SystemRelation`].
#[derive(Clone, Copy, Debug)]
pub struct SystemColumn {
    /// Its name.
    pub name: &'static str,
    /// `pg_type.typname` of its type.
    pub ty: &'static str,
}

type BySchema = BTreeMap<&'static str, BTreeMap<&'static str, SystemRelation>>;

/// Every relation of both schemas, by schema, then name.
static BY_NAME: LazyLock<BySchema> = LazyLock::new(|| {
    let mut relations = BySchema::new();
    for line in RELATIONS.lines().filter(|line| !line.starts_with('#')) {
        let relation = parse(line).expect("relations.txt is well formed, a test reads it");
        relations
            .entry(relation.schema)
            .or_default()
            .insert(relation.name, relation);
    }
    relations
});

fn parse(line: &'static str) -> Option<SystemRelation> {
    let mut words = line.split(' ');
    let oid = words.next()?.parse().ok()?;
    let (schema, name) = words.next()?.split_once('.')?;
    let kind = words.next()?;
    let columns = words
        .map(|word| {
            word.split_once(':')
                .map(|(name, ty)| SystemColumn { name, ty })
        })
        .collect::<Option<_>>()?;
    Some(SystemRelation {
        oid,
        schema,
        name,
        kind,
        columns,
    })
}

/// The relation of that name in `pg_catalog` or `information_schema`.
pub fn relation(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    BY_NAME.get(schema)?.get(name)
}

/// Every relation of both schemas.
pub fn relations() -> impl Iterator<Item = &'static SystemRelation> {
    BY_NAME.values().flat_map(BTreeMap::values)
}

/// The DuckDB type that holds values of PostgreSQL's type `name`.
pub(super) fn duckdb_type(name: &str) -> String {
    if let Some(element) = name.strip_prefix('_') {
        return format!("{}[]", duckdb_type(element));
    }
    match name {
        "bool" => "BOOLEAN",
        "int2" => "SMALLINT",
        "int4" | "cardinal_number" => "INTEGER",
        "int8" | "oid" | "regproc" | "regtype" | "xid" => "BIGINT",
        "float4" => "FLOAT",
        "float8" | "numeric" => "DOUBLE",
        "timestamptz" | "time_stamp" => "TIMESTAMP WITH TIME ZONE",
        "interval" => "INTERVAL",
        "bytea" => "BLOB",
        "int2vector" => "SMALLINT[]",
        "oidvector" => "BIGINT[]",
        _ => "VARCHAR",
    }
    .to_owned()
}

/// Statements that make every relation, empty.
pub(super) fn create() -> impl Iterator<Item = String> {
    relations().map(|relation| {
        let schema = match relation.schema {
            "pg_catalog" => PG_SCHEMA,
            _ => INFORMATION_SCHEMA,
        };
        let columns: Vec<String> = relation
            .columns
            .iter()
            .map(|column| format!("\"{}\" {}", column.name, duckdb_type(column.ty)))
            .collect();
        format!(
            "CREATE TABLE {schema}.{} ({})",
            relation.name,
            columns.join(", ")
        )
    })
}
