//! Raw rows: what Rust knows and `rows.sql` turns into catalogue rows.
//!
//! Rows travel as one string literal per table, split by DuckDB: a `VALUES` list of a hundred
//! thousand columns would take seconds to parse.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::keys::{Keys, is_not_null};
use super::{DATABASE_OID, OWNER, OWNER_OID, Oids, PG_SCHEMA, ROLES, literal};
use crate::relation::{PATH_SCHEMA, RelationName};
use crate::snapshot::CatalogSnapshot;
use crate::types::Type;

/// Between the fields of a row.
const FIELD: char = '\u{1f}';
/// Between rows.
const ROW: char = '\u{1e}';

/// Rows under construction.
#[derive(Default)]
pub(super) struct Rows(String);

impl Rows {
    pub(super) fn push(&mut self, fields: &[&str]) {
        if !self.0.is_empty() {
            self.0.push(ROW);
        }
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                self.0.push(FIELD);
            }
            // No name of a column or file has these two; were there one, it must not shift fields.
            self.0.extend(
                field
                    .chars()
                    .filter(|character| !matches!(*character, FIELD | ROW)),
            );
        }
    }

    /// `CREATE TABLE name` with these columns, each `name TYPE`.
    pub(super) fn create(&self, name: &str, columns: &[(&str, &str)]) -> String {
        let mut list = String::new();
        for (index, (column, ty)) in columns.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let _ = write!(
                list,
                "{comma}CAST(f[{}] AS {ty}) AS \"{column}\"",
                index + 1
            );
        }
        let empty = if self.0.is_empty() { " LIMIT 0" } else { "" };
        format!(
            "CREATE TABLE {PG_SCHEMA}.{name} AS SELECT {list} FROM (SELECT string_split(r, {field}) \
             AS f FROM (SELECT unnest(string_split({text}, {row})) AS r)){empty}",
            field = literal(&FIELD.to_string()),
            row = literal(&ROW.to_string()),
            text = literal(&self.0),
        )
    }
}

/// Statements that make the tables of raw rows.
pub(super) fn raw(snapshot: &CatalogSnapshot, database: &str) -> Vec<String> {
    let oids = Oids::of(snapshot);
    let mut statements = vec![
        format!(
            "CREATE TABLE {PG_SCHEMA}.skein_identity AS SELECT {} AS database, {} AS owner, \
             CAST({OWNER_OID} AS BIGINT) AS owner_oid, CAST({DATABASE_OID} AS BIGINT) AS database_oid",
            literal(database),
            literal(OWNER)
        ),
        schemas(&oids),
        roles(),
    ];
    statements.extend(users_relations(snapshot, &oids));
    statements.push(comment_rows(snapshot, &oids));
    statements.push(constraints(snapshot, &oids));
    statements.push(is_index(&oids));
    statements
}

/// The macro that tells indexes from other numbers: a constant list, because it is called in arguments of
/// aggregates, where DuckDB takes no subquery over columns from around it.
fn is_index(oids: &Oids) -> String {
    let numbers: Vec<String> = oids.indexes.values().map(ToString::to_string).collect();
    format!(
        "CREATE MACRO {PG_SCHEMA}.skein_is_index(index_oid) AS \
         list_contains(CAST([{}] AS BIGINT[]), CAST(index_oid AS BIGINT))",
        numbers.join(", ")
    )
}

/// Schemas that every database has.
const SCHEMAS: [(&str, u32); 3] = [
    ("pg_catalog", 11),
    ("information_schema", 13_207),
    ("pg_toast", 99),
];

/// Names and OIDs of all schemas.
pub(super) fn schema_oids(oids: &Oids) -> impl Iterator<Item = (&str, u32)> {
    let users = oids.schemas.iter().map(|(name, oid)| (name.as_str(), *oid));
    SCHEMAS.into_iter().chain(users)
}

fn schemas(oids: &Oids) -> String {
    let mut rows = Rows::default();
    for (name, oid) in schema_oids(oids) {
        rows.push(&[&oid.to_string(), name]);
    }
    rows.create("skein_schemas", &[("oid", "BIGINT"), ("name", "VARCHAR")])
}

fn roles() -> String {
    let mut rows = Rows::default();
    for (oid, name) in std::iter::once(&(OWNER_OID, OWNER)).chain(ROLES) {
        rows.push(&[&oid.to_string(), name]);
    }
    rows.create("skein_roles", &[("oid", "BIGINT"), ("name", "VARCHAR")])
}

fn users_relations(snapshot: &CatalogSnapshot, oids: &Oids) -> [String; 2] {
    let (mut relations, mut columns) = (Rows::default(), Rows::default());
    let mut types: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for (name, relation) in &snapshot.relations {
        // Paths that a statement has named are relations without a name that could be listed.
        if name.schema == PATH_SCHEMA {
            continue;
        }
        let oid = oids.relations[name].to_string();
        let schema = oids.schemas[&name.schema].to_string();
        let (bytes, count) = (
            relation.bytes().to_string(),
            relation.columns.len().to_string(),
        );
        let rows = relation
            .rows
            .map_or_else(|| "-1".to_owned(), |rows| rows.to_string());
        let [row_type, array_type] = oids.row_types[name].map(|oid| oid.to_string());
        relations.push(&[
            &oid,
            &schema,
            &name.name,
            &count,
            &bytes,
            &rows,
            &row_type,
            &array_type,
        ]);
        for (index, column) in relation.columns.iter().enumerate() {
            let (type_oid, typmod) = types.entry(&column.ty).or_insert_with(|| {
                let pg = Type::parse(&column.ty)
                    .unwrap_or(Type::Other(column.ty.clone()))
                    .pg();
                (pg.oid.to_string(), pg.typmod.to_string())
            });
            columns.push(&[
                &oid,
                &(index + 1).to_string(),
                &column.name,
                type_oid,
                typmod,
                if is_not_null(relation, &column.name) {
                    "true"
                } else {
                    "false"
                },
            ]);
        }
    }
    [
        relations.create(
            "skein_relations",
            &[
                ("oid", "BIGINT"),
                ("schema_oid", "BIGINT"),
                ("name", "VARCHAR"),
                ("columns", "SMALLINT"),
                ("bytes", "BIGINT"),
                ("rows", "BIGINT"),
                ("row_type", "BIGINT"),
                ("array_type", "BIGINT"),
            ],
        ),
        columns.create(
            "skein_columns",
            &[
                ("relation_oid", "BIGINT"),
                ("number", "SMALLINT"),
                ("name", "VARCHAR"),
                ("type_oid", "BIGINT"),
                ("typmod", "INTEGER"),
                ("not_null", "BOOLEAN"),
            ],
        ),
    ]
}

/// Comments, with the OID of their relation and the number of their column: 0 for the relation itself.
pub(super) fn comments<'a>(snapshot: &'a CatalogSnapshot, oids: &Oids) -> Vec<(u32, i64, &'a str)> {
    let mut comments = Vec::new();
    for (name, relation) in &snapshot.relations {
        let Some(oid) = oids.relations.get(name) else {
            continue;
        };
        if let Some(comment) = &relation.declared.comment {
            comments.push((*oid, 0, comment.as_str()));
        }
        for (number, column) in (1..).zip(&relation.columns) {
            let about = relation
                .declared
                .columns
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&column.name));
            if let Some(comment) = about.and_then(|(_, about)| about.comment.as_ref()) {
                comments.push((*oid, number, comment.as_str()));
            }
        }
    }
    comments
}

fn comment_rows(snapshot: &CatalogSnapshot, oids: &Oids) -> String {
    let mut rows = Rows::default();
    for (oid, number, comment) in comments(snapshot, oids) {
        rows.push(&[&oid.to_string(), &number.to_string(), comment]);
    }
    rows.create(
        "skein_comments",
        &[
            ("oid", "BIGINT"),
            ("number", "INTEGER"),
            ("comment", "VARCHAR"),
        ],
    )
}

fn constraints(snapshot: &CatalogSnapshot, oids: &Oids) -> String {
    let keys = Keys::of(snapshot);
    let mut rows = Rows::default();
    let list = |columns: &[usize]| {
        let numbers: Vec<String> = columns.iter().map(ToString::to_string).collect();
        format!("[{}]", numbers.join(", "))
    };
    let oid_of = |relation: &RelationName, name: &str| {
        let key = (relation.clone(), name.to_owned());
        oids.constraints
            .get(&key)
            .map_or_else(String::new, u32::to_string)
    };
    for key in keys.primary.values() {
        rows.push(&[
            &oid_of(key.relation, &key.name),
            &key.name,
            "p",
            &oids.relations[key.relation].to_string(),
            &oids.schemas[&key.relation.schema].to_string(),
            &list(&key.columns),
            &oids.index_of(key).to_string(),
            "0",
            "[]",
        ]);
    }
    for key in &keys.foreign {
        let index = keys
            .primary
            .get(key.target)
            .filter(|_| key.is_primary)
            .map_or(0, |primary| oids.index_of(primary));
        rows.push(&[
            &oid_of(key.relation, &key.name),
            &key.name,
            "f",
            &oids.relations[key.relation].to_string(),
            &oids.schemas[&key.relation.schema].to_string(),
            &list(&key.columns),
            &index.to_string(),
            &oids.relations[key.target].to_string(),
            &list(&key.target_columns),
        ]);
    }
    rows.create(
        "skein_constraints",
        &[
            ("oid", "BIGINT"),
            ("name", "VARCHAR"),
            ("kind", "VARCHAR"),
            ("relation_oid", "BIGINT"),
            ("schema_oid", "BIGINT"),
            ("columns", "SMALLINT[]"),
            ("index_oid", "BIGINT"),
            ("target_oid", "BIGINT"),
            ("target_columns", "SMALLINT[]"),
        ],
    )
}
