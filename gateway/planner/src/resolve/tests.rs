use std::collections::BTreeMap;

use skein_catalog::relation::Format;
use skein_catalog::snapshot::Column;
use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};

use super::names::output_names;
use super::parameters::{ParameterValue, bind_parameters, parameter_count};
use super::*;
use crate::ast::{json, print};

struct NoSession;

impl SessionValues for NoSession {
    fn value(&self, name: &str, _: Option<&[Expr]>) -> Option<Expr> {
        (name == "current_user" || name == "user").then(|| Expr::string("me"))
    }
}

fn engine() -> Connection {
    Database::open(&DatabaseOptions::default())
        .and_then(|database| database.connect())
        .expect("an empty database opens")
}

fn query(engine: &Connection, sql: &str) -> Query {
    let Ok(Parsed::Select(text)) = engine.parse(sql) else {
        panic!("{sql} is not a query")
    };
    json::read(&text).expect("the tree is known").remove(0)
}

fn snapshot() -> CatalogSnapshot {
    let relation = |schema: &str, name: &str, column: &str| {
        let name = RelationName {
            schema: schema.to_owned(),
            name: name.to_owned(),
        };
        let column = Column {
            name: column.to_owned(),
            ty: "INTEGER".to_owned(),
            partition: false,
        };
        let relation =
            RelationSnapshot::uniform(name.clone(), Format::Parquet, vec![column], Vec::new());
        (name, Arc::new(relation))
    };
    CatalogSnapshot::new(BTreeMap::from([
        relation("public", "events", "a"),
        relation("public", "Mixed", "user"),
        relation("sales", "orders", "b"),
        relation(PATH_SCHEMA, "x/*.csv", "c"),
    ]))
}

fn resolved(sql: &str) -> Result<ResolvedQuery, PlanError> {
    let search_path = ["public".to_owned()];
    let scope = Scope {
        database: "db",
        search_path: &search_path,
        session: &NoSession,
    };
    resolve(query(&engine(), sql), &snapshot(), scope)
}

fn sql(text: &str) -> String {
    let resolved = resolved(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    print::query_sql(&resolved.query)
}

#[test]
fn relations_get_their_schema_and_an_alias() {
    for (text, expected) in [
        ("FROM events", "SELECT * FROM public.events AS events"),
        ("FROM events e", "SELECT * FROM public.events AS e"),
        ("FROM mixed", "SELECT * FROM public.\"Mixed\" AS mixed"),
        (
            "FROM db.sales.orders",
            "SELECT * FROM sales.orders AS orders",
        ),
        (
            "FROM 'x/*.csv'",
            "SELECT * FROM skein_path.\"x/*.csv\" AS \"*\"",
        ),
        (
            "SELECT sales.orders.b, db.sales.orders.b, public.events.a FROM sales.orders, events",
            "SELECT orders.b, orders.b, events.a FROM sales.orders AS orders CROSS JOIN public.events AS events",
        ),
        (
            "FROM pg_class",
            "SELECT * FROM skein_pg.pg_class AS pg_class",
        ),
        (
            "FROM information_schema.tables t",
            "SELECT * FROM skein_info.tables AS t",
        ),
    ] {
        assert_eq!(sql(text), expected, "{text}");
    }
    // Capitals stand in double quotes, and then the case of letters counts.
    assert!(matches!(
        resolved("FROM EVENTS"),
        Err(PlanError::UnknownRelation { .. })
    ));
    assert!(matches!(
        resolved("SELECT \"A\" FROM events"),
        Err(PlanError::UnknownColumn { .. })
    ));
}

#[test]
fn common_table_expressions_hide_relations_where_they_are_in_scope() {
    for (text, expected) in [
        (
            "WITH events AS (SELECT 1) FROM events",
            "WITH events AS (SELECT 1) SELECT * FROM events",
        ),
        // An expression that is not recursive means the relation by its own name.
        (
            "WITH events AS (FROM events) FROM Events",
            "WITH events AS (SELECT * FROM public.events AS events) SELECT * FROM \"Events\"",
        ),
        (
            "SELECT (WITH events AS (SELECT 1) FROM events) FROM events",
            "SELECT (WITH events AS (SELECT 1) SELECT * FROM events) FROM public.events AS events",
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1 UNION ALL FROM r) FROM r",
            "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r",
        ),
    ] {
        assert_eq!(sql(text), expected, "{text}");
    }
    let found = resolved("WITH a AS (FROM b), b AS (SELECT 1) FROM a").expect_err("b comes later");
    assert!(matches!(found, PlanError::UnknownRelation { name, .. } if name == "b"));
}

#[test]
fn unknown_relations_say_where_they_stand_and_what_is_like_them() {
    let expected = |name: &str, position, nearest: Option<&str>| PlanError::UnknownRelation {
        name: name.to_owned(),
        position: Some(position),
        nearest: nearest.map(str::to_owned),
    };
    assert_eq!(
        resolved("FROM evnts").err(),
        Some(expected("evnts", 5, Some("events")))
    );
    assert_eq!(
        resolved("SELECT 1 FROM a.zzz").err(),
        Some(expected("a.zzz", 14, None))
    );
    let other = resolved("FROM other.public.events").err();
    assert!(
        matches!(other, Some(PlanError::OtherDatabase { .. })),
        "{other:?}"
    );
}

#[test]
fn functions_are_allowed_by_name() {
    for text in [
        "SELECT lower('x'), sum(1), rank() OVER (), [1, 2], {'a': 1}, 1 + 2, unnest([1])",
        "SELECT 'a' LIKE 'b' ESCAPE 'c', trim('x'), extract(year FROM now()), INTERVAL 1 DAY",
        "FROM range(3), generate_series(1, 2), unnest([1]), json_each('[]')",
        "SELECT pg_catalog.lower('x'), [x + 1 for x in [1]], row(1, 2), coalesce(1, 2)",
        "SELECT date_trunc('day', now()), greatest(1, 2), nullif(1, 2), position('a' in 'b')",
    ] {
        resolved(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for text in [
        "FROM read_csv('/etc/passwd')",
        "FROM glob('*')",
        "FROM query('SELECT 1')",
        "FROM duckdb_secrets()",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT getenv('HOME')",
        "SELECT getvariable('x')",
        "SELECT (SELECT count(*) FROM read_text('/etc/passwd'))",
        "SELECT 1 ORDER BY (SELECT max(file) FROM glob('*'))",
        "FROM json_execute_serialized_sql('{}')",
        "FROM histogram('/etc/passwd', column0)",
        "FROM histogram_values('/etc/passwd', column0)",
    ] {
        let found = resolved(text).err();
        assert!(
            matches!(found, Some(PlanError::FunctionNotAllowed { .. })),
            "{text}: {found:?}"
        );
    }
    match resolved("SELECT 1, lowr('x')").err() {
        Some(PlanError::UnknownFunction {
            name,
            position,
            nearest,
        }) => {
            assert_eq!((name.as_str(), position), ("lowr", Some(10)));
            assert_eq!(nearest.as_deref(), Some("lower"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_lists_of_functions_are_those_of_the_engine() {
    let rows = engine()
        .query_text(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() \
             WHERE function_type IN ('scalar', 'aggregate', 'macro') \
               AND regexp_matches(function_name, '^[A-Za-z_]') \
               AND NOT starts_with(function_name, '__internal') \
               AND schema_name <> 'skein_fn' ORDER BY 1",
        )
        .expect("DuckDB lists its functions");
    let engine: BTreeSet<String> = rows.into_iter().flatten().flatten().collect();
    let listed: BTreeSet<String> = include_str!("functions.txt")
        .lines()
        .chain(functions::DENIED.iter().copied())
        .map(str::to_owned)
        .collect();
    let unknown: Vec<&String> = engine.difference(&listed).collect();
    assert!(
        unknown.is_empty(),
        "neither allowed nor denied: {unknown:?}"
    );
    let gone: Vec<&String> = listed
        .difference(&engine)
        .filter(|name| *name != "getenv")
        .collect();
    assert!(gone.is_empty(), "DuckDB has no longer: {gone:?}");
}

#[test]
fn no_table_function_of_the_engine_is_allowed_by_accident() {
    let rows = engine()
        .query_text(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() \
             WHERE function_type IN ('table', 'table_macro') ORDER BY 1",
        )
        .expect("DuckDB lists its functions");
    for name in rows.into_iter().flatten().flatten() {
        if functions::table(&name) == functions::Access::Allowed {
            assert!(
                functions::TABLE_FUNCTIONS.contains(&name.as_str()),
                "{name}"
            );
        }
    }
}

#[test]
fn words_of_the_session_give_way_to_columns() {
    assert_eq!(
        sql("SELECT current_user FROM events"),
        "SELECT 'me' FROM public.events AS events"
    );
    assert_eq!(
        sql("SELECT user, current_user() FROM mixed"),
        "SELECT user, 'me' FROM public.\"Mixed\" AS mixed"
    );
}

#[test]
fn mentions_are_what_a_statement_may_mean() {
    let search_path = ["a".to_owned(), "b".to_owned()];
    let scope = Scope {
        database: "db",
        search_path: &search_path,
        session: &NoSession,
    };
    let query = query(&engine(), "WITH c AS (SELECT 1) FROM c, t, s.u, 'x/y.csv'");
    let found = mentions(&query, scope);
    let names: Vec<String> = found.names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a.t", "a.x/y.csv", "b.t", "b.x/y.csv", "s.u"]);
    assert_eq!(found.paths, ["x/y.csv"]);
}

#[test]
fn parameters_become_typed_literals() {
    let mut query = query(&engine(), "SELECT $2 + $1, $2 LIMIT $1");
    assert_eq!(parameter_count(&query), Ok(2));
    let value = |text: Option<&str>, ty: &str| ParameterValue {
        text: text.map(str::to_owned),
        ty: ty.to_owned(),
    };
    let values = [value(Some("3"), "BIGINT"), value(None, "DECIMAL(5,2)")];
    bind_parameters(&mut query, &values).expect("all are there");
    assert_eq!(
        print::query_sql(&query),
        "SELECT CAST(NULL AS DECIMAL(5,2)) + CAST('3' AS BIGINT), CAST(NULL AS DECIMAL(5,2)) \
         LIMIT (CAST('3' AS BIGINT))"
    );
    let named = self::query(&engine(), "SELECT $x");
    assert!(matches!(
        parameter_count(&named),
        Err(PlanError::NamedParameter { .. })
    ));
}

/// The expected names were taken from PostgreSQL 15.
#[test]
fn columns_are_named_as_by_postgresql() {
    for (item, expected) in [
        ("1", "?column?"),
        ("'x'", "?column?"),
        ("1 + 2", "?column?"),
        ("b'101'", "?column?"),
        ("X'ff'", "?column?"),
        ("b'101'::bit(4)", "bit"),
        ("lower('x')", "lower"),
        ("pg_catalog.lower('x')", "lower"),
        ("count(*)", "count"),
        ("sum(1) over ()", "sum"),
        ("1::int", "int4"),
        ("cast('1' as numeric(5, 2))", "numeric"),
        ("date '2020-01-01'", "date"),
        ("interval '1 day'", "interval"),
        ("lower('x')::text", "lower"),
        ("(1 + 1)::bigint", "int8"),
        ("case when true then 1 end", "case"),
        ("case when true then 1 else lower('x')::int end", "lower"),
        ("coalesce(1, 2)", "coalesce"),
        ("nullif(1, 2)", "nullif"),
        ("greatest(1, 2)", "greatest"),
        ("'t'::bool", "bool"),
        ("true", "?column?"),
        ("exists (select 1)", "exists"),
        ("(select 1 as q)", "q"),
        ("(select lower('x'))", "lower"),
        ("1 in (select 1)", "?column?"),
        ("array[1, 2]", "array"),
        ("array(select 1)", "array"),
        ("(select array_agg(1))", "array_agg"),
        ("row(1, 2)", "row"),
        ("(array[1, 2])[1]", "array"),
        ("extract(year from date '2020-01-01')", "extract"),
        ("date_part('year', date '2020-01-01')", "date_part"),
        ("substring('x' from 1)", "substring"),
        ("position('a' in 'b')", "position"),
        ("trim('x')", "btrim"),
        (
            "percentile_cont(0.5) within group (order by 1.0)",
            "percentile_cont",
        ),
        ("now() at time zone 'UTC'", "timezone"),
        ("'a' ~ 'b'", "?column?"),
        ("'a' like 'b' escape 'c'", "?column?"),
        ("not true", "?column?"),
        ("1 is null", "?column?"),
        ("'x' collate \"C\"", "?column?"),
        ("interval '3' day", "interval"),
        ("interval '3 days'", "interval"),
        ("current_user", "current_user"),
        ("current_date", "current_date"),
    ] {
        let text = format!("select {item}");
        let names = output_names(&query(&engine(), &text), &text, 1);
        assert_eq!(names[0].as_deref(), Some(expected), "{item}");
    }
    let text = "select a.x, 1 as y, lower('x'), * from t";
    let names = output_names(&query(&engine(), text), text, 6);
    assert_eq!(
        names,
        [None, None, Some("lower".to_owned()), None, None, None]
    );
    let text = "select *, 1 from t";
    let names = output_names(&query(&engine(), text), text, 3);
    assert_eq!(names, [None, None, Some("?column?".to_owned())]);
}
