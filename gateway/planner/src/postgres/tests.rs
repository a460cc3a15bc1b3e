//! Tests of the rewrite: from PostgreSQL's text to the text that DuckDB gets.

use std::collections::BTreeMap;

use super::*;
use crate::ast::{json, print};
use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};

struct Facts;

impl SessionFacts for Facts {
    fn user(&self) -> &'static str {
        "ada"
    }
    fn database(&self) -> &'static str {
        "db"
    }
    fn backend_pid(&self) -> i32 {
        42
    }
    fn version(&self) -> String {
        "PostgreSQL 15".to_owned()
    }
    fn schemas(&self) -> Vec<String> {
        vec!["public".to_owned()]
    }
    fn setting(&self, name: &str) -> Option<String> {
        (name == "TimeZone").then(|| "UTC".to_owned())
    }
    fn settings(&self) -> Vec<SettingFact> {
        Vec::new()
    }
    fn started(&self) -> String {
        "2026-01-01 00:00:00+00".to_owned()
    }
    fn zone_abbreviations(&self) -> Vec<(i32, String)> {
        vec![(0, "UTC".to_owned())]
    }
    fn user_oid(&self) -> u32 {
        20_000
    }
}

fn connection() -> Connection {
    Database::open(&DatabaseOptions::default())
        .expect("opens")
        .connect()
        .expect("connects")
}

fn parse(connection: &Connection, text: &str) -> Query {
    match connection.parse(text).expect("DuckDB answers") {
        Parsed::Select(json) => json::read(&json).expect("reads").remove(0),
        other => panic!("{text}: {other:?}"),
    }
}

fn rewritten(connection: &Connection, text: &str) -> (String, Rewritten) {
    let text = tokens::normalise(text);
    let mut query = parse(connection, &text);
    let found = rewrite(&mut query, &text, &Facts, &Outputs::default()).expect("rewrites");
    (print::query_sql(&query), found)
}

#[test]
fn operators_match_anywhere_in_the_text() {
    let connection = connection();
    for (given, wanted) in [
        ("SELECT a ~ 'x'", "SELECT regexp_matches(a, 'x', 's')"),
        ("SELECT a !~ 'x'", "SELECT NOT regexp_matches(a, 'x', 's')"),
        ("SELECT a ~* 'x'", "SELECT regexp_matches(a, 'x', 'is')"),
        (
            "SELECT a !~* 'x'",
            "SELECT NOT regexp_matches(a, 'x', 'is')",
        ),
        (
            "SELECT a OPERATOR(pg_catalog.~) 'x' COLLATE pg_catalog.default",
            "SELECT regexp_matches(a, 'x', 's')",
        ),
        (
            "SELECT regexp_full_match(a, 'x')",
            "SELECT regexp_full_match(a, 'x')",
        ),
        (
            "SELECT a SIMILAR TO 'x%'",
            "SELECT regexp_matches(a, '^(?:x.*)$', 's')",
        ),
        (
            "SELECT a not SIMILAR TO 'x#%' ESCAPE '#'",
            "SELECT NOT regexp_matches(a, '^(?:x\\%)$', 's')",
        ),
        (
            "SELECT a SIMILAR TO b",
            "SELECT skein_fn.skein_similar(a, b, '\\')",
        ),
        (
            "SELECT NOT (a ~ 'x')",
            "SELECT NOT regexp_matches(a, 'x', 's')",
        ),
        ("SELECT a COLLATE \"C\"", "SELECT a"),
    ] {
        assert_eq!(rewritten(&connection, given).0, wanted, "{given}");
    }
}

#[test]
fn session_facts_become_constants() {
    let connection = connection();
    let (sql, found) = rewritten(
        &connection,
        "SELECT current_user, version(), pg_catalog.current_setting('TimeZone') AS z, \"user\"",
    );
    assert_eq!(
        sql,
        "SELECT 'ada' AS current_user, 'PostgreSQL 15' AS version, 'UTC' AS z, user"
    );
    // What they follow from is noted; users and databases do not change.
    assert!(!found.session && !found.catalogue);
    let zone = ("timezone".to_owned(), Some("UTC".to_owned()));
    assert_eq!(found.settings, BTreeMap::from([zone]));
    let (_, found) = rewritten(&connection, "SELECT pg_backend_pid()");
    assert!(found.session && found.settings.is_empty());
    let (_, found) = rewritten(&connection, "SELECT set_config('jit', 'off', true)");
    assert_eq!(
        found.set_config,
        [SetConfig {
            name: ConfigValue::Constant("jit".to_owned()),
            value: ConfigValue::Constant("off".to_owned()),
            local: ConfigValue::Constant("true".to_owned()),
        }]
    );
    let mut query = parse(&connection, "SELECT current_setting('nope')");
    let error = rewrite(
        &mut query,
        "SELECT current_setting('nope')",
        &Facts,
        &Outputs::default(),
    )
    .expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "unrecognized configuration parameter \"nope\""
    );
}

#[test]
fn catalogue_names_are_redirected() {
    let connection = connection();
    for (given, wanted) in [
        (
            "SELECT c.oid FROM pg_class c",
            "SELECT c.oid FROM pg_catalog.pg_class AS c",
        ),
        (
            "SELECT pg_catalog.pg_class.oid FROM pg_catalog.pg_class",
            "SELECT pg_class.oid FROM pg_catalog.pg_class AS pg_class",
        ),
        (
            "SELECT * FROM information_schema.sql_features",
            "SELECT * FROM information_schema.sql_features AS sql_features",
        ),
        (
            "WITH pg_class AS (SELECT 1) SELECT * FROM pg_class",
            "WITH pg_class AS (SELECT 1) SELECT * FROM pg_class",
        ),
        ("SELECT pg_catalog.upper('x')", "SELECT upper('x')"),
        (
            "SELECT format_type(23, NULL)",
            "SELECT skein_pg.format_type(23, NULL, ['pg_catalog', 'public'])",
        ),
        (
            "SELECT c.tableoid FROM pg_type c",
            "SELECT CAST(1247 AS BIGINT) AS tableoid FROM pg_catalog.pg_type AS c",
        ),
        (
            "SELECT 1 WHERE x IN ('pg_class'::regclass, 'pg_catalog.pg_type'::regclass, 'array_in'::regproc)",
            "SELECT 1 WHERE x IN (CAST(1259 AS BIGINT), CAST(1247 AS BIGINT), CAST(750 AS BIGINT))",
        ),
        (
            "SELECT 1 WHERE x = 'a'::regclass",
            "SELECT 1 WHERE x = skein_pg.skein_regclass('a', 'db', ['pg_catalog', 'public'])",
        ),
        (
            "SELECT c.oid::pg_catalog.regclass::pg_catalog.text",
            "SELECT CAST(skein_pg.skein_regclass_name(c.oid, ['pg_catalog', 'public']) AS VARCHAR)",
        ),
        (
            "SELECT c.oid::regclass",
            "SELECT skein_pg.skein_regclass_name(c.oid, ['pg_catalog', 'public']) AS regclass",
        ),
        ("SELECT x::name", "SELECT CAST(x AS VARCHAR)"),
    ] {
        let sql = rewritten(&connection, given).0;
        let normal = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(normal(&sql), normal(wanted), "{given}");
    }
}

#[test]
fn functions_in_from_and_set_returning_ones_behave_as_in_postgresql() {
    let connection = connection();
    let rows = |sql: &str| {
        let (sql, _) = rewritten(&connection, sql);
        let rows = connection
            .query_text(&sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter()
            .flatten()
            .flatten()
            .collect::<Vec<String>>()
            .join(" ")
    };
    assert_eq!(
        rows("SELECT g * 2 FROM generate_series(1, 3) AS g"),
        "2 4 6"
    );
    assert_eq!(rows("SELECT generate_series(1, 3)"), "1 2 3");
    assert_eq!(
        rows("SELECT generate_series FROM generate_series(1, 3)"),
        "1 2 3"
    );
    assert_eq!(rows("SELECT u FROM unnest(ARRAY['a', 'b']) AS u"), "a b");
    assert_eq!(
        rows("SELECT s[1] FROM string_to_array('a,b', ',') AS s"),
        "a"
    );
    assert_eq!(rows("SELECT * FROM current_schema()"), "public");
    assert_eq!(
        rows("SELECT 2 = ANY ('{1,2}'), 3 = ANY ('{}'), 3 <> ALL ('{1,2}')"),
        "true false true"
    );
}

#[test]
fn array_texts_become_lists() {
    let connection = connection();
    let (sql, _) = rewritten(&connection, "SELECT '{1,2}'::int[]");
    let rows = connection.query_text(&sql).expect("runs");
    assert_eq!(rows, [[Some("[1, 2]".to_owned())]]);
}

/// Binds on an instance with one relation.
struct Engine(Connection);

impl crate::bind::Bind for Engine {
    fn describe(
        &self,
        sql: &str,
    ) -> Result<Vec<skein_executor_api::Column>, skein_executor_api::FragmentError> {
        Ok(self.0.prepare(sql)?.columns().to_vec())
    }
    fn indices(&self, _: &str) -> Result<Vec<usize>, skein_executor_api::FragmentError> {
        Ok(Vec::new())
    }
}

#[test]
fn sums_of_small_integers_are_bigint() {
    use crate::bind::Bind as _;
    let connection = connection();
    connection
        .execute("CREATE TABLE t (s SMALLINT, i INTEGER, b BIGINT, d DECIMAL(9,2))")
        .expect("made");
    let engine = Engine(connection);
    for (sql, wanted) in [
        (
            "SELECT sum(s), sum(i), sum(b), sum(d) FROM t",
            ["BIGINT", "BIGINT", "HUGEINT", "DECIMAL(38,2)"].as_slice(),
        ),
        (
            "SELECT sum(i) + 1, sum(i) OVER () FROM t GROUP BY i",
            &["BIGINT", "BIGINT"],
        ),
        ("SELECT x FROM (SELECT sum(i) AS x FROM t)", &["BIGINT"]),
        (
            "SELECT sum(i) AS x FROM t UNION ALL SELECT sum(s) FROM t ORDER BY x",
            &["BIGINT"],
        ),
        ("SELECT count(*), max(b) FROM t", &["BIGINT", "BIGINT"]),
    ] {
        let mut query = parse(&engine.0, sql);
        let columns = engine.describe(sql).expect("binds");
        sums::narrow(&mut query, &columns, &engine).expect("binds");
        let columns = engine.describe(&print::query_sql(&query)).expect("binds");
        let types: Vec<&str> = columns.iter().map(|column| column.ty.as_str()).collect();
        assert_eq!(types, wanted, "{sql}");
    }
}

#[test]
fn every_is_bool_and() {
    let connection = connection();
    for (given, wanted) in [
        ("SELECT every(a)", "SELECT bool_and(a)"),
        ("SELECT pg_catalog.every(a)", "SELECT bool_and(a)"),
        ("SELECT every(a) OVER ()", "SELECT bool_and(a) OVER ()"),
        ("SELECT other.every(a)", "SELECT other.every(a)"),
    ] {
        assert_eq!(rewritten(&connection, given).0, wanted, "{given}");
    }
}

#[test]
fn constants_of_bytes_and_numbers_keep_what_they_say() {
    let connection = connection();
    for (given, wanted) in [
        (
            r"SELECT '\xdead'::bytea, bytea 'a\001'",
            r"SELECT CAST('\xDE\xAD' AS BLOB), CAST('\x61\x01' AS BLOB)",
        ),
        (
            "SELECT '1.23456'::numeric, CAST(' -1e-5' AS decimal)",
            "SELECT CAST('1.23456' AS DECIMAL(6, 5)), CAST('-0.00001' AS DECIMAL(5, 5))",
        ),
        (
            "SELECT '1.23456'::numeric(18,3), '{1.25,22}'::numeric[]",
            "SELECT CAST('1.23456' AS DECIMAL(18, 3)), \
             CAST(['1.25', '22'] AS DECIMAL(4, 2)[])",
        ),
        ("SELECT x::numeric", "SELECT CAST(x AS DECIMAL(38, 15))"),
    ] {
        assert_eq!(rewritten(&connection, given).0, wanted, "{given}");
    }
    let text = r"SELECT 1, '\xabc'::bytea";
    let error = rewrite(
        &mut parse(&connection, text),
        text,
        &Facts,
        &Outputs::default(),
    )
    .expect_err("half a byte");
    let (fault, position) = (ByteaFault::Odd, Some(10));
    assert_eq!(error, RewriteError::Bytea { fault, position });
}

#[test]
fn a_number_is_no_condition() {
    let connection = connection();
    for (text, wanted) in [
        ("SELECT 1 WHERE 1", Some(("WHERE", "integer", 15))),
        (
            "SELECT 1 FROM t HAVING 1.5",
            Some(("HAVING", "numeric", 23)),
        ),
        ("SELECT 1 WHERE true", None),
        ("SELECT 1 WHERE NULL", None),
    ] {
        let found = rewrite(
            &mut parse(&connection, text),
            text,
            &Facts,
            &Outputs::default(),
        )
        .err();
        let wanted = wanted.map(|(clause, ty, at)| RewriteError::NotBoolean {
            clause,
            ty,
            position: Some(at),
        });
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn a_position_is_an_integer() {
    let connection = connection();
    for (text, wanted) in [
        ("SELECT i FROM t ORDER BY 1, 'x'", Some(("ORDER BY", 28))),
        (
            "SELECT 1 FROM t GROUP BY 9999999999",
            Some(("GROUP BY", 25)),
        ),
        ("SELECT (SELECT 1 ORDER BY NULL)", Some(("ORDER BY", 26))),
        ("SELECT i FROM t ORDER BY 1, 'x'::text", None),
        ("SELECT string_agg(s, ',' ORDER BY 'x') FROM t", None),
        ("SELECT row_number() OVER (ORDER BY 1.5) FROM t", None),
    ] {
        let mut query = parse(&connection, text);
        let found = rewrite(&mut query, text, &Facts, &Outputs::default()).err();
        let wanted = wanted.map(|(clause, at)| RewriteError::NotAPosition {
            clause,
            position: Some(at),
        });
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn types_follow_operands() {
    use crate::bind::Bind as _;
    let connection = connection();
    connection
        .execute("CREATE TABLE t (s SMALLINT, i INTEGER, b BIGINT, d DECIMAL(9,2), f DOUBLE)")
        .expect("made");
    let engine = Engine(connection);
    for (sql, wanted) in [
        (
            "SELECT sum(i) + 1, sum(i) / 2, -sum(s) FROM t",
            ["BIGINT"; 3].as_slice(),
        ),
        ("SELECT sum(b), sum(b) + 1 FROM t", &["HUGEINT", "HUGEINT"]),
        (
            "SELECT sum(b) / 2, sum(b) * 100 / count(*), sum(d) / 2 FROM t",
            &["DECIMAL(37,20)"; 3],
        ),
        (
            "SELECT avg(s), avg(b), avg(d), avg(f), avg(i) * 2, sum(d) / 3 - 1, d / 7 FROM t GROUP BY d",
            &[
                "DECIMAL(37,20)",
                "DECIMAL(38,19)",
                "DECIMAL(37,20)",
                "DOUBLE",
                "DECIMAL(37,20)",
                "DECIMAL(37,20)",
                "DECIMAL(37,20)",
            ],
        ),
        (
            "SELECT count(*), sum(d / 3), avg(i) OVER () FROM t WHERE d / 7 > 1 GROUP BY i",
            &["BIGINT", "DOUBLE", "DECIMAL(37,20)"],
        ),
        (
            "SELECT d / i, row_number() OVER (PARTITION BY d / i) FROM t GROUP BY d / i",
            &["DECIMAL(37,20)", "BIGINT"],
        ),
        (
            "SELECT i, sum(sum(i)) OVER (ORDER BY i), sum(i) OVER () FROM t GROUP BY 1",
            &["INTEGER", "HUGEINT", "BIGINT"],
        ),
        (
            "SELECT i % 2 AS k, sum(i) AS total FROM t GROUP BY k HAVING sum(i) > 1 \
             ORDER BY total, sum(i), k",
            &["INTEGER", "BIGINT"],
        ),
        (
            "SELECT DISTINCT sum(i) * 2 FROM t GROUP BY i ORDER BY sum(i) * 2",
            &["BIGINT"],
        ),
        ("SELECT sum + 1 FROM (SELECT sum(i) FROM t)", &["BIGINT"]),
        (
            "WITH c AS (SELECT sum(i) AS x FROM t) SELECT x / 2, sum(x) FROM c GROUP BY x",
            &["BIGINT", "HUGEINT"],
        ),
        ("SELECT (SELECT sum(i) FROM t) + 1", &["BIGINT"]),
        (
            "SELECT s::numeric, b::numeric, d::numeric, f::numeric, sum(i)::numeric FROM t \
          GROUP BY ALL",
            &[
                "DECIMAL(5,0)",
                "DECIMAL(19,0)",
                "DECIMAL(9,2)",
                "DECIMAL(38,15)",
                "DECIMAL(19,0)",
            ],
        ),
        (
            "SELECT d::numeric FROM t GROUP BY d::numeric ORDER BY d::numeric",
            &["DECIMAL(9,2)"],
        ),
        (
            "SELECT sum(i::numeric), round(avg(i)::numeric, 2), i::numeric(18,3) FROM t GROUP BY i",
            &["DECIMAL(38,0)", "DECIMAL(38,2)", "DECIMAL(18,3)"],
        ),
        (
            "SELECT 1.2345::numeric, 7::numeric, NULL::numeric",
            &["DECIMAL(5,4)", "DECIMAL(10,0)", "DECIMAL(10,0)"],
        ),
    ] {
        let mut query = parse(&engine.0, sql);
        rewrite(&mut query, sql, &Facts, &Outputs::default()).expect("rewrites");
        let answers = asking::Answers::of(&engine);
        settle::settle(&mut query, &answers);
        let rules = operands::Rules {
            strict: true,
            wide: false,
        };
        operands::settle(&mut query, &answers, rules).expect("the types go together");
        let text = print::query_sql(&query);
        let columns = engine
            .describe(&text)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let types: Vec<&str> = columns.iter().map(|column| column.ty.as_str()).collect();
        assert_eq!(types, wanted, "{sql}");
    }
}

#[test]
fn divisors_that_may_be_zero_are_checked() {
    let connection = connection();
    for (given, wanted) in [
        ("SELECT 2 / b", "SELECT 2 / skein_fn.skein_divisor(b)"),
        (
            "SELECT a / b",
            "SELECT a / skein_fn.skein_divisor_of(b, a IS NOT NULL)",
        ),
        (
            "SELECT a % (b - 1)",
            "SELECT a % skein_fn.skein_divisor_of(b - 1, a IS NOT NULL)",
        ),
        (
            "SELECT mod(a, b)",
            "SELECT mod(a, skein_fn.skein_divisor_of(b, a IS NOT NULL))",
        ),
        (
            "SELECT a / 0",
            "SELECT a / skein_fn.skein_divisor_of(0, a IS NOT NULL)",
        ),
        (
            "SELECT (a * c::int - 1) / c / count(*)",
            "SELECT (a * CAST(c AS INTEGER) - 1) / skein_fn.skein_divisor_of(c, a IS NOT NULL AND c IS NOT NULL) / \
             skein_fn.skein_divisor_of(count(*), a IS NOT NULL AND c IS NOT NULL)",
        ),
        (
            "SELECT a / 2, a % 3.5, a / NULL",
            "SELECT a / 2, a % 3.5, a / NULL",
        ),
        ("SELECT a / nullif(b, 0)", "SELECT a / \"nullif\"(b, 0)"),
        ("SELECT a // b", "SELECT a // b"),
        (
            "SELECT sum(a / b) FILTER (WHERE b <> 0)",
            "SELECT sum(CASE WHEN b <> 0 THEN a / skein_fn.skein_divisor_of(b, a IS NOT NULL) END)",
        ),
        (
            "SELECT list(a / b) FILTER (WHERE b <> 0), count(*) FILTER (WHERE a > 1)",
            "SELECT list(CASE WHEN b <> 0 THEN a / skein_fn.skein_divisor_of(b, a IS NOT NULL) END) \
             FILTER (WHERE b <> 0), count(*) FILTER (WHERE a > 1)",
        ),
        (
            "SELECT sum(a) FILTER (WHERE b) OVER (), last(a) FILTER (WHERE b)",
            "SELECT sum(CASE WHEN b THEN a END) OVER (), list_extract(list(a) FILTER (WHERE b), -1)",
        ),
        (
            "SELECT a / (b / (c / (d / (e / f))))",
            "SELECT a / skein_fn.skein_divisor_of_once(b / skein_fn.skein_divisor_of_once(c / \
             skein_fn.skein_divisor_of(d / skein_fn.skein_divisor_of(e / skein_fn.skein_divisor_of(f, \
             e IS NOT NULL), d IS NOT NULL), c IS NOT NULL), b IS NOT NULL), a IS NOT NULL)",
        ),
    ] {
        assert_eq!(rewritten(&connection, given).0, wanted, "{given}");
    }
}

#[test]
fn lengths_of_texts_are_kept() {
    let connection = connection();
    for (given, wanted) in [
        (
            "SELECT a::varchar(3), a::varchar",
            "SELECT left(CAST(a AS VARCHAR), 3), CAST(a AS VARCHAR)",
        ),
        (
            "SELECT 1 WHERE CAST(a AS character varying (4)) = 'x'",
            "SELECT 1 WHERE left(CAST(a AS VARCHAR), 4) = 'x'",
        ),
        (
            "SELECT length(a::char(3))",
            "SELECT skein_fn.length(skein_fn.skein_without_blanks(left(CAST(a AS VARCHAR), 3)))",
        ),
    ] {
        assert_eq!(rewritten(&connection, given).0, wanted, "{given}");
    }
}

#[test]
fn constants_keep_their_digits() {
    let connection = connection();
    for (given, wanted) in [
        (
            "SELECT 1e3, 1.5e-3, 2.50",
            "SELECT CAST('1000' AS DECIMAL(4, 0)), CAST('0.0015' AS DECIMAL(5, 4)), 2.50",
        ),
        ("SELECT 1e300", "SELECT 1e+300"),
    ] {
        assert_eq!(rewritten(&connection, given).0, wanted, "{given}");
    }
}
