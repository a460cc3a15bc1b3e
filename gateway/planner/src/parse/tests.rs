use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};

use super::*;
use crate::ast::print;

struct Engine(Connection);

impl ParseSql for Engine {
    fn parse(&self, sql: &str) -> Result<ParsedSql, FragmentError> {
        Ok(match self.0.parse(sql)? {
            Parsed::Select(json) => ParsedSql::Select(json),
            Parsed::NotSelect => ParsedSql::NotSelect,
            Parsed::Error(error) => ParsedSql::Error(error),
        })
    }
}

fn engine() -> Engine {
    let database = Database::open(&DatabaseOptions::default()).expect("an empty database opens");
    Engine(database.connect().expect("it takes connections"))
}

fn parsed(text: &str) -> Vec<ParsedStatement> {
    parse(text, &engine()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn one(text: &str) -> Statement {
    let mut statements = parsed(text);
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).statement
}

fn query_sql(statement: &Statement) -> String {
    match statement {
        Statement::Query(query) => print::query_sql(query),
        other => panic!("not a query: {other:?}"),
    }
}

fn error(text: &str) -> ParseError {
    parse(text, &engine()).expect_err(text)
}

#[test]
fn statements_are_divided_outside_of_strings_and_comments() {
    let text = "SELECT ';', \"a;b\" FROM t; ;-- c;\nselect $x$;$x$ /* ; /* ; */ ; */;";
    let statements = parsed(text);
    assert_eq!(statements.len(), 2);
    assert_eq!(
        query_sql(&statements[0].statement),
        "SELECT ';', \"a;b\" FROM t"
    );
    assert_eq!(query_sql(&statements[1].statement), "SELECT ';'");
    assert_eq!(&text[statements[1].start..][..6], "select");
    assert!(parsed(" ; -- nothing\n;").is_empty());
}

#[test]
fn unquoted_names_are_folded_and_quoted_ones_kept() {
    let sql = query_sql(&one(
        "SELECT Total, \"Total\", 'Total' FROM Sales AS S WHERE S.Day > 1",
    ));
    assert_eq!(
        sql,
        "SELECT total, \"Total\", 'Total' FROM sales AS s WHERE s.day > 1"
    );
}

#[test]
fn unicode_escapes_and_bit_strings_mean_what_they_do_in_postgresql() {
    let text =
        "SELECT U&'d\\0061t\\+000061', U&\"d\\0061ta\", U&'d!0061' UESCAPE '!', B'101', X'1f'";
    assert_eq!(
        query_sql(&one(text)),
        "SELECT 'data', data, 'da', CAST('101' AS BIT), CAST('00011111' AS BIT)"
    );
    assert_eq!(
        query_sql(&one("SELECT E'a\\'b;', 'a\\'")),
        "SELECT 'a''b;', 'a\\'"
    );
}

#[test]
fn positions_count_in_the_whole_text() {
    let ParseError::Engine(error) = error("SELECT 1; SELECT 'é', /* x */ FROM Frum WHERE") else {
        panic!("DuckDB reports it")
    };
    assert_eq!(
        error.position,
        Some("SELECT 1; SELECT 'é', /* x */ FROM Frum WHERE".len())
    );
    let text = "SELECT 1; SELECT a FROM t WHERE SELEC";
    let statements = parsed(text);
    assert_eq!(statements[1].start, 10);
    let ParseError::Engine(error) = self::error("SELECT 1; SELEC 2") else {
        panic!("DuckDB reports it")
    };
    assert_eq!(error.position, Some(10));
    assert_eq!(error.message, "syntax error at or near \"SELEC\"");
}

#[test]
fn broken_tokens_are_errors_in_postgresqls_words() {
    for (text, message, at) in [
        (
            "SELECT 'abc",
            "unterminated quoted string at or near \"'abc\"",
            7,
        ),
        (
            "SELECT \"abc",
            "unterminated quoted identifier at or near \"\"abc\"",
            7,
        ),
        (
            "SELECT 1 /* /* */",
            "unterminated /* comment at or near \"/* /* */\"",
            9,
        ),
        (
            "SELECT $a$ $b$",
            "unterminated dollar-quoted string at or near \"$a$ $b$\"",
            7,
        ),
        (
            "SELECT 0x1F",
            "trailing junk after numeric literal at or near \"0x1F\"",
            7,
        ),
    ] {
        match error(text) {
            ParseError::Plan(PlanError::Lexical {
                message: found,
                position,
            }) => {
                assert_eq!((found.as_str(), position), (message, at));
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn settings() {
    let set = |local, name: &str, value: Option<&[&str]>| Statement::Set {
        local,
        name: name.to_owned(),
        value: value.map(|values| values.iter().map(|value| (*value).to_owned()).collect()),
    };
    for (text, expected) in [
        (
            "SET Work_Mem = '1GB'",
            set(false, "work_mem", Some(&["1GB"])),
        ),
        (
            "SET skein.split TO always",
            set(false, "skein.split", Some(&["always"])),
        ),
        (
            "SET search_path TO a, \"B\", 'c'",
            set(false, "search_path", Some(&["a", "B", "c"])),
        ),
        (
            "SET LOCAL statement_timeout = -5",
            set(true, "statement_timeout", Some(&["-5"])),
        ),
        (
            "SET SESSION extra_float_digits = 3",
            set(false, "extra_float_digits", Some(&["3"])),
        ),
        (
            "SET TIME ZONE 'Europe/Berlin'",
            set(false, "timezone", Some(&["Europe/Berlin"])),
        ),
        ("SET TIME ZONE LOCAL", set(false, "timezone", None)),
        (
            "SET NAMES 'UTF8'",
            set(false, "client_encoding", Some(&["UTF8"])),
        ),
        ("SET datestyle TO DEFAULT", set(false, "datestyle", None)),
        (
            "SHOW TimeZone",
            Statement::Show(Some("timezone".to_owned())),
        ),
        (
            "SHOW TIME ZONE",
            Statement::Show(Some("timezone".to_owned())),
        ),
        (
            "SHOW TRANSACTION ISOLATION LEVEL",
            Statement::Show(Some("transaction_isolation".to_owned())),
        ),
        ("SHOW ALL", Statement::Show(None)),
        ("RESET ALL", Statement::Reset(None)),
        (
            "RESET search_path",
            Statement::Reset(Some("search_path".to_owned())),
        ),
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
    for text in [
        "SHOW TABLES",
        "SHOW ALL TABLES",
        "DESCRIBE t",
        "SUMMARIZE t",
    ] {
        assert!(matches!(one(text), Statement::Query(_)), "{text}");
    }
    for text in ["SET x", "SET = 1", "SET a = ", "SHOW", "RESET ALL x"] {
        let found = error(text);
        assert!(
            matches!(found, ParseError::Plan(PlanError::Syntax { .. })),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn transactions() {
    let modes = TransactionModes::default();
    let serializable = TransactionModes {
        isolation: Some("repeatable read".to_owned()),
        read_only: Some(true),
        deferrable: Some(false),
    };
    for (text, expected) in [
        ("BEGIN", Statement::Begin(modes.clone())),
        ("BEGIN WORK", Statement::Begin(modes.clone())),
        (
            "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE",
            Statement::Begin(serializable.clone()),
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY NOT DEFERRABLE",
            Statement::SetTransaction {
                session: true,
                modes: serializable,
            },
        ),
        ("COMMIT", Statement::Commit { chain: false }),
        (
            "END TRANSACTION AND CHAIN",
            Statement::Commit { chain: true },
        ),
        (
            "ROLLBACK AND NO CHAIN",
            Statement::Rollback { chain: false },
        ),
        ("ABORT", Statement::Rollback { chain: false }),
        ("SAVEPOINT \"A\"", Statement::Savepoint("A".to_owned())),
        (
            "ROLLBACK TO SAVEPOINT a",
            Statement::RollbackTo("a".to_owned()),
        ),
        ("RELEASE a", Statement::Release("a".to_owned())),
        ("DISCARD ALL", Statement::Discard("ALL".to_owned())),
        ("LISTEN c", Statement::Listen("c".to_owned())),
        ("UNLISTEN *", Statement::Unlisten(None)),
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
}

#[test]
fn cursors() {
    use FetchDirection::{Absolute, BackwardAll, Forward, ForwardAll, Relative};
    for (text, expected) in [
        ("FETCH c", Forward(1)),
        ("FETCH NEXT FROM c", Forward(1)),
        ("FETCH 10 c", Forward(10)),
        ("FETCH FORWARD 5 IN c", Forward(5)),
        ("FETCH BACKWARD c", Forward(-1)),
        ("FETCH FORWARD ALL FROM c", ForwardAll),
        ("FETCH ALL FROM c", ForwardAll),
        ("FETCH BACKWARD ALL c", BackwardAll),
        ("FETCH ABSOLUTE -2 c", Absolute(-2)),
        ("FETCH RELATIVE 0 FROM c", Relative(0)),
    ] {
        let expected = Statement::Fetch {
            name: "c".to_owned(),
            only_move: false,
            direction: expected,
        };
        assert_eq!(one(text), expected, "{text}");
    }
    match one("DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT A FROM t") {
        Statement::Declare {
            name,
            hold: true,
            scroll: false,
            binary: false,
            statement,
        } => {
            assert_eq!(
                (name.as_str(), query_sql(&statement).as_str()),
                ("c", "SELECT a FROM t")
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(one("CLOSE ALL"), Statement::Close(None));
}

#[test]
fn statements_inside_statements() {
    match one("EXPLAIN (ANALYZE, COSTS off, FORMAT json) SELECT 1") {
        Statement::Explain { options, statement } => {
            assert!(options.analyze && !options.verbose);
            assert_eq!(options.format.as_deref(), Some("json"));
            assert_eq!(query_sql(&statement), "SELECT 1");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        one("EXPLAIN ANALYZE VERBOSE (SELECT 1)"),
        Statement::Explain { .. }
    ));
    assert!(matches!(
        one("EXPLAIN DELETE FROM t"),
        Statement::Refused { .. }
    ));
    match one("PREPARE p (int, numeric(10, 2)) AS SELECT $1 + $2") {
        Statement::Prepare {
            name,
            types,
            statement,
        } => {
            assert_eq!(
                (name.as_str(), types),
                ("p", vec!["int".to_owned(), "numeric(10, 2)".to_owned()])
            );
            assert_eq!(query_sql(&statement), "SELECT $1 + $2");
        }
        other => panic!("{other:?}"),
    }
    match one("EXECUTE p (1, 'x')") {
        Statement::Execute { name, arguments } => {
            let arguments: Vec<String> = arguments.iter().map(print::expr_sql).collect();
            assert_eq!(
                (name.as_str(), arguments.join(" ").as_str()),
                ("p", "1 'x'")
            );
        }
        other => panic!("{other:?}"),
    }
    for (text, query) in [
        ("COPY (SELECT 1) TO STDOUT WITH (FORMAT csv)", "SELECT 1"),
        ("COPY T (A, b) TO STDOUT", "SELECT a, b FROM t"),
        ("COPY s.t TO STDOUT CSV HEADER", "SELECT * FROM s.t"),
    ] {
        match one(text) {
            Statement::Copy(copy) => match copy.source {
                CopySource::Query(statement)
                | CopySource::Relation {
                    named: statement, ..
                } => assert_eq!(query_sql(&statement), query),
            },
            other => panic!("{text}: {other:?}"),
        }
    }
    let repeated = "EXPLAIN ".repeat(100_000) + "SELECT 1";
    assert!(matches!(
        error(&repeated),
        ParseError::Plan(PlanError::Syntax { position: 8, .. })
    ));
}

#[test]
fn copy_has_options_in_two_spellings() {
    for (text, expected) in [
        ("COPY t TO STDOUT", "Client []"),
        ("copy binary t to stdin", "Client [format=binary]"),
        (
            "COPY t TO STDOUT USING DELIMITERS '|' WITH NULL AS ''",
            "Client [delimiter=|, null=]",
        ),
        (
            "COPY t FROM '/x' CSV HEADER FORCE NOT NULL a, \"B\" DELIMITER E'\\t'",
            "File [format=csv, header=true, force_not_null=(a,B), delimiter=\t]",
        ),
        (
            "COPY (SELECT (1)) TO PROGRAM 'x' (FORMAT CSV, HEADER, FORCE_QUOTE *, force_null (a), \
             quote '''', escape -1)",
            "Program [format=csv, header, force_quote=*, force_null=(a), quote=', escape=-1]",
        ),
    ] {
        let Statement::Copy(copy) = one(text) else {
            panic!("{text}")
        };
        let options: Vec<String> = copy
            .options
            .iter()
            .map(|option| match &option.value {
                None => option.name.clone(),
                Some(CopyValue::Text(value)) => format!("{}={value}", option.name),
                Some(CopyValue::Star) => format!("{}=*", option.name),
                Some(CopyValue::List(list)) => format!("{}=({})", option.name, list.join(",")),
            })
            .collect();
        let seen = format!("{:?} [{}]", copy.place, options.join(", "));
        assert_eq!(seen, expected, "{text}");
    }
    for text in [
        "COPY t",
        "COPY t TO",
        "COPY (SELECT 1",
        "COPY () TO STDOUT",
        "COPY (SELECT 1) FROM STDIN",
        "COPY t TO STDOUT WHERE a",
        "COPY t TO PROGRAM STDOUT",
        "COPY t TO STDOUT (FORMAT csv",
        "COPY t TO STDOUT CSV 1",
        "COPY t (a TO STDOUT",
    ] {
        assert!(matches!(error(text), ParseError::Plan(_)), "{text}");
    }
}

#[test]
fn everything_else_is_refused_by_its_name() {
    for (text, command, reaches_outside) in [
        ("INSERT INTO t VALUES (1)", "INSERT", false),
        ("with a as (select 1) delete from t", "DELETE", false),
        (
            "CREATE OR REPLACE TEMP TABLE t (a int)",
            "CREATE TABLE",
            false,
        ),
        ("create view v as select 1", "CREATE VIEW", false),
        ("DROP TABLE t", "DROP TABLE", true),
        ("ATTACH 'x.db'", "ATTACH", true),
        ("INSTALL httpfs", "INSTALL", true),
        ("PRAGMA database_list", "PRAGMA", true),
        ("VACUUM", "VACUUM", false),
        ("CALL f(1)", "CALL", true),
        ("create type t as (a int)", "CREATE TYPE", false),
        ("CREATE DOMAIN d AS int", "CREATE DOMAIN", false),
        ("alter user u password 'x'", "ALTER USER", true),
        ("create table t ()", "CREATE TABLE", false),
        ("drop table a, b", "DROP TABLE", true),
        (
            "create or replace function f() returns int as $$ select 1 $$ language sql",
            "CREATE FUNCTION",
            false,
        ),
        ("DO $$ begin end $$", "DO", true),
        (
            "refresh materialized view v",
            "REFRESH MATERIALIZED VIEW",
            false,
        ),
        ("create unlogged table t as select 1", "CREATE TABLE", false),
        (
            "alter default privileges grant select on tables to u",
            "ALTER DEFAULT PRIVILEGES",
            true,
        ),
        ("alter type t add value 'x'", "ALTER TYPE", true),
        ("create foreign data wrapper w", "CREATE FOREIGN", false),
        (
            "with a as (insert into t values (1) returning 1) select * from a",
            "INSERT",
            false,
        ),
        ("grant select on t to u", "GRANT", true),
        ("USE x", "USE", true),
    ] {
        let expected = Statement::Refused {
            command: command.to_owned(),
            reaches_outside,
        };
        assert_eq!(one(text), expected, "{text}");
    }
}

#[test]
fn lock_names_its_relations() {
    let Statement::Lock(relations) =
        one("lock table only t, s.\"U\" in share row exclusive mode nowait")
    else {
        panic!("no LOCK");
    };
    let schemas: Vec<Option<&str>> = relations.iter().map(|it| it.schema.as_deref()).collect();
    assert_eq!(schemas, [None, Some("s")]);
    assert!(
        relations
            .iter()
            .all(|it| matches!(it.query, Statement::Query(_)))
    );
    assert!(matches!(one("LOCK t"), Statement::Lock(relations) if relations.len() == 1));
}

#[test]
fn a_pivot_without_values_asks_for_them() {
    let Statement::DynamicPivot(pivot) =
        one("WITH s AS (SELECT 1 AS a) PIVOT s ON A, b || 'x' USING sum(c) GROUP BY d ORDER BY d")
    else {
        panic!("it is dynamic")
    };
    assert_eq!(pivot.value_queries().len(), 2);
    for sql in pivot.value_queries() {
        assert!(sql.starts_with("with s as (select 1 as a) SELECT"), "{sql}");
        assert!(matches!(one(sql), Statement::Query(_)), "{sql}");
    }
    let values = vec![
        vec!["1".to_owned(), "it's".to_owned()],
        vec!["y".to_owned()],
    ];
    let sql = pivot.with_values(&values);
    assert_eq!(
        query_sql(&one(&sql)),
        "WITH s AS (SELECT 1 AS a) PIVOT s ON a IN ('1', 'it''s'), b || 'x' IN ('y') \
         USING sum(c) GROUP BY d ORDER BY d"
    );
    let nested = "SELECT * FROM (PIVOT t ON a USING sum(b)) AS p";
    assert!(matches!(one(nested), Statement::DynamicPivot(_)));
    assert!(matches!(
        one("PIVOT t ON a IN (1) USING sum(b)"),
        Statement::Query(_)
    ));
}
