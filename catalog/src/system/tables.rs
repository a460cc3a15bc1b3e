//! The relations of PostgreSQL's two catalogue schemas, and of Skein's own, with their columns.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{INFORMATION_SCHEMA, OWN_SCHEMA, PG_SCHEMA};

const RELATIONS: &str = include_str!("relations.txt");

/// What Skein shows of itself, written as in `relations.txt`. All of it comes with the session; no
/// database holds it, and no list names it, so that tools show what they show of PostgreSQL.
/// PostgreSQL leaves OIDs from 8000 to 9999 to programs such as this.
const OWN: &str = "9001 9002 9003 skein.executors v name:text address:text state:text skein_version:text \
    duckdb_version:text running_fragments:int8 fragments:int8 bytes_sent:int8 \
    last_seen:timestamptz failures:int8 last_failure:timestamptz last_error:text";

/// A relation of `pg_catalog`, `information_schema` or `skein`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRelation {
    /// PostgreSQL's OID of it.
    pub oid: u32,
    /// `pg_catalog`, `information_schema` or `skein`.
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

/// Primary keys of tables that have no column `oid`.
const KEYS: &[(&str, &[&str])] = &[
    ("pg_aggregate", &["aggfnoid"]),
    ("pg_attribute", &["attrelid", "attnum"]),
    ("pg_description", &["objoid", "classoid", "objsubid"]),
    ("pg_foreign_table", &["ftrelid"]),
    ("pg_index", &["indexrelid"]),
    ("pg_inherits", &["inhrelid", "inhseqno"]),
    ("pg_partitioned_table", &["partrelid"]),
    ("pg_range", &["rngtypid"]),
    ("pg_sequence", &["seqrelid"]),
    ("pg_shdescription", &["objoid", "classoid"]),
];

impl SystemRelation {
    /// The columns of its primary key, as `pg_constraint` has it in PostgreSQL; none for views.
    pub fn primary_key(&self) -> Vec<&'static str> {
        if self.kind != "r" {
            return Vec::new();
        }
        if self.columns.first().is_some_and(|it| it.name == "oid") {
            return vec!["oid"];
        }
        let known = KEYS.iter().find(|(name, _)| *name == self.name);
        known.map_or(Vec::new(), |(_, columns)| columns.to_vec())
    }
}

/// A column of a [`SystemRelation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemColumn {
    /// Its name.
    pub name: &'static str,
    /// `pg_type.typname` of its type.
    pub ty: &'static str,
    /// PostgreSQL keeps it from being NULL.
    pub not_null: bool,
}

impl SystemColumn {
    /// The DuckDB type that holds its values.
    pub fn duckdb_type(&self) -> String {
        duckdb_type(self.ty)
    }
}

type BySchema = BTreeMap<&'static str, BTreeMap<&'static str, SystemRelation>>;

/// Every relation of these schemas, by schema, then name.
static BY_NAME: LazyLock<BySchema> = LazyLock::new(|| {
    let mut relations = BySchema::new();
    let lines = RELATIONS.lines().filter(|line| !line.starts_with('#'));
    for line in lines.chain(OWN.lines()) {
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

/// The relation of that name in `pg_catalog`, `information_schema` or `skein`.
pub fn relation(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    BY_NAME.get(schema)?.get(name)
}

/// Every relation of PostgreSQL's two schemas.
pub fn relations() -> impl Iterator<Item = &'static SystemRelation> {
    let postgres = BY_NAME.iter().filter(|(schema, _)| **schema != OWN_SCHEMA);
    postgres.flat_map(|(_, relations)| relations.values())
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

/// Statements that make every relation of PostgreSQL's, empty.
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
