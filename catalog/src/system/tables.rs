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
    /// OIDs of the type of its rows and of arrays of them.
    pub row_types: [u32; 2],
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
    /// PostgreSQL keeps it from being NULL.
    pub not_null: bool,
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
    let row_types = [words.next()?.parse().ok()?, words.next()?.parse().ok()?];
    let (schema, name) = words.next()?.split_once('.')?;
    let kind = words.next()?;
    let columns = words
        .map(|word| {
            let (name, ty) = word.split_once(':')?;
            Some(SystemColumn {
                name,
                ty: ty.trim_end_matches('!'),
                not_null: ty.ends_with('!'),
            })
        })
        .collect::<Option<_>>()?;
    Some(SystemRelation {
        oid,
        schema,
        name,
        kind,
        row_types,
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
        "float8" => "DOUBLE",
        "numeric" => "DECIMAL(38,0)",
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
