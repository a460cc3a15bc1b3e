//! Tests of what is known about result columns and parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use skein_catalog::relation::{Format, RelationName};
use skein_catalog::snapshot::{CatalogSnapshot, Column, RelationSnapshot};
use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};

use super::*;
use crate::ast::json;
use crate::resolve::SessionValues;

struct NoValues;

impl SessionValues for NoValues {
    fn value(&self, _: &str, _: Option<&[Expr]>) -> Option<Expr> {
        None
    }
}

fn connection() -> Connection {
    Database::open(&DatabaseOptions::default())
        .expect("opens")
        .connect()
        .expect("connects")
}

fn snapshot() -> CatalogSnapshot {
    let name = RelationName {
        schema: "public".to_owned(),
        name: "events".to_owned(),
    };
    let columns = [("id", "BIGINT"), ("label", "VARCHAR"), ("day", "DATE")]
        .map(|(name, ty)| Column {
            name: name.to_owned(),
            ty: ty.to_owned(),
            partition: false,
        })
        .into();
    let relation = RelationSnapshot::uniform(name.clone(), Format::Parquet, columns, Vec::new());
    CatalogSnapshot::new(BTreeMap::from([(name, Arc::new(relation))]))
}

fn look(connection: &Connection, text: &str) -> Outputs {
    let Parsed::Select(found) = connection.parse(text).expect("DuckDB answers") else {
        panic!("{text} is no query");
    };
    let query = json::read(&found).expect("reads").remove(0);
    let scope = Scope {
        database: "skein",
        search_path: &["public".to_owned()],
        session: &NoValues,
    };
    outputs(&query, text, &[], &snapshot(), scope)
}

/// Types of result columns in one line, `-` where nothing is known.
fn types(connection: &Connection, text: &str) -> String {
    let columns = look(connection, text).columns;
    let columns = columns.unwrap_or_else(|| panic!("{text}: nothing is known"));
    let types: Vec<&str> = columns.iter().map(|it| it.ty.unwrap_or("-")).collect();
    types.join(" ")
}

#[test]
fn catalogue_types_reach_the_result() {
    let connection = connection();
    for (text, expected) in [
        (
            "SELECT oid, relname, relkind, relnatts FROM pg_class",
            "oid name char int2",
        ),
        (
            "SELECT c.* FROM pg_catalog.pg_enum AS c",
            "oid oid float4 name",
        ),
        (
            "SELECT min(oid), max(relname), count(*) FROM pg_class",
            "oid text -",
        ),
        (
            "SELECT x FROM (SELECT relname AS x FROM pg_class) q",
            "name",
        ),
        (
            "WITH q(a, b) AS (SELECT oid, relname FROM pg_class) SELECT b, a FROM q",
            "name oid",
        ),
        (
            "SELECT relname FROM pg_class UNION ALL SELECT typname FROM pg_type",
            "name",
        ),
        (
            "SELECT relname FROM pg_class UNION ALL SELECT prosrc FROM pg_proc",
            "name",
        ),
        (
            "SELECT CASE WHEN true THEN typbasetype ELSE typelem END FROM pg_type",
            "oid",
        ),
        (
            "SELECT CASE relkind WHEN 'r' THEN 'table' END FROM pg_class",
            "-",
        ),
        (
            "SELECT coalesce(relname, 'x'), nullif(oid, 0) FROM pg_class",
            "name oid",
        ),
        (
            "SELECT array_agg(relname), indkey[0], indkey FROM pg_index, pg_class GROUP BY 2, 3",
            "_name int2 int2vector",
        ),
        ("SELECT unnest(indclass) FROM pg_index", "oid"),
        (
            "SELECT 1::oid, 'a'::name, CAST('x' AS \"char\"), 'pg_class'::regclass",
            "oid name char regclass",
        ),
        (
            "SELECT current_user, current_database(), current_schemas(true)",
            "name name _name",
        ),
        (
            "SELECT table_name, is_nullable, ordinal_position FROM information_schema.columns",
            "name varchar int4",
        ),
        ("SELECT (SELECT nspname FROM pg_namespace LIMIT 1)", "name"),
        ("SELECT ARRAY(SELECT relname FROM pg_class)", "_name"),
        ("SELECT c.xmin, c.tableoid FROM pg_class c", "xid oid"),
    ] {
        assert_eq!(types(&connection, text), expected, "{text}");
    }
}

#[test]
fn plain_columns_have_an_origin() {
    let connection = connection();
    let numbers = |text: &str| -> Vec<Option<i16>> {
        let columns = look(&connection, text).columns.expect("known");
        columns
            .iter()
            .map(|it| it.origin.as_ref().map(|origin| origin.number))
            .collect()
    };
    assert_eq!(
        numbers("SELECT day, id + 1, id FROM events"),
        [Some(3), None, Some(1)]
    );
    assert_eq!(numbers("SELECT * FROM events"), [Some(1), Some(2), Some(3)]);
    assert_eq!(
        numbers("SELECT q.b FROM (SELECT label AS b FROM public.events) q"),
        [Some(2)]
    );
    assert_eq!(
        numbers("SELECT * FROM events a JOIN events b USING (id)"),
        [Some(1), Some(2), Some(3), Some(2), Some(3)]
    );
    assert_eq!(
        numbers("SELECT max(id), label FROM events GROUP BY 2"),
        [None, Some(2)]
    );
    assert_eq!(
        numbers("SELECT id FROM events UNION SELECT id FROM events"),
        [None]
    );
    let column = look(&connection, "SELECT relname FROM pg_class")
        .columns
        .expect("known");
    let origin = column[0].origin.clone().expect("plain");
    assert_eq!((origin.source, origin.number), (Source::System(1259), 2));
}

#[test]
fn a_common_table_expression_hides_a_relation() {
    let connection = connection();
    let text = "WITH pg_class AS (SELECT 1 AS oid) SELECT oid FROM pg_class";
    assert_eq!(types(&connection, text), "int4");
}

#[test]
fn what_cannot_be_known_is_not_guessed() {
    let connection = connection();
    for text in [
        "SELECT * FROM events NATURAL JOIN events e",
        "SELECT * EXCLUDE (id) FROM events",
        "SELECT * FROM (VALUES (1)), range(3)",
        "SELECT COLUMNS('i') FROM events",
    ] {
        assert_eq!(look(&connection, text).columns, None, "{text}");
    }
}

#[test]
fn parameters_take_the_type_of_their_neighbours() {
    let connection = connection();
    for (text, expected) in [
        (
            "SELECT 1 FROM pg_class WHERE oid = $1 AND $2 = relname",
            "oid name",
        ),
        ("SELECT 1 FROM pg_type WHERE oid = ANY($1)", "_oid"),
        ("SELECT 1 FROM pg_type WHERE oid IN ($1, $2)", "oid oid"),
        ("SELECT $1::oid, $2::int[]", "oid _int4"),
        (
            "SELECT 1 FROM events WHERE id = ANY($1) LIMIT $2",
            "_int8 int8",
        ),
        (
            "SELECT * FROM (SELECT oid AS x FROM pg_class) q WHERE q.x <> $1",
            "oid",
        ),
    ] {
        let parameters: Vec<&str> = look(&connection, text).parameters.into_values().collect();
        assert_eq!(parameters.join(" "), expected, "{text}");
    }
}
