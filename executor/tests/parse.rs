//! DuckDB's parser through the engine, also with texts that are made to break it.

use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed, StatementKind};
use skein_executor_api::{Column, FragmentErrorKind};

fn connection() -> Connection {
    let database = Database::open(&DatabaseOptions::default()).expect("an instance");
    database.connect().expect("a connection")
}

/// What the text is; for an error its kind and position.
fn outcome(connection: &Connection, sql: &str) -> (&'static str, Option<FragmentErrorKind>) {
    match connection.parse(sql).expect("an answer") {
        Parsed::Select(_) => ("select", None),
        Parsed::NotSelect => ("other", None),
        Parsed::Error(error) => ("error", Some(error.kind)),
    }
}

#[test]
fn statements_are_told_apart() {
    let connection = connection();
    for (sql, what) in [
        ("SELECT 1", "select"),
        ("", "select"),
        ("-- nothing", "select"),
        ("SELECT 1; SELECT 2;", "select"),
        ("VALUES (1), (2)", "select"),
        (
            "WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r) FROM r",
            "select",
        ),
        ("INSERT INTO t VALUES (1)", "other"),
        ("SELECT 1; DROP TABLE t", "other"),
        ("SET x = 1", "other"),
        ("BEGIN", "other"),
        ("COPY t TO 'x'", "other"),
    ] {
        assert_eq!(outcome(&connection, sql).0, what, "{sql}");
    }
}

#[test]
fn syntax_errors_have_byte_positions() {
    let connection = connection();
    for (sql, position) in [
        ("SELEC 1", Some(0)),
        ("SELECT 'é', FROM WHERE", Some(18)),
        ("SELECT 'abc", Some(7)),
        ("SELECT (1", Some(9)),
        ("SELECT 1 \0 2", Some(9)),
    ] {
        let Parsed::Error(error) = connection.parse(sql).expect("an answer") else {
            panic!("{sql:?} is not SQL");
        };
        assert_eq!(
            (error.kind, error.position),
            (FragmentErrorKind::Syntax, position),
            "{sql:?}"
        );
    }
}

#[test]
fn all_defaults_are_in_the_tree() {
    let connection = connection();
    let sql = "SELECT count(*) FROM t GROUP BY GROUPING SETS ((), (a)) UNION ALL SELECT 1";
    let Parsed::Select(json) = connection.parse(sql).expect("an answer") else {
        panic!("a query");
    };
    assert!(json.contains("\"group_sets\":[[],[0]]"), "{json}");
    assert!(json.contains("\"setop_type\":\"UNION\""), "{json}");
    assert!(json.contains("\"setop_all\":true"), "{json}");
}

/// Nested texts in several shapes, `depth` levels deep.
fn nested(depth: usize) -> Vec<(&'static str, String)> {
    let wrap = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    };
    vec![
        ("parentheses", format!("SELECT {}", wrap("(", "1", ")"))),
        ("open parentheses", format!("SELECT {}", "(".repeat(depth))),
        ("sums", format!("SELECT {}", wrap("1 + ", "1", ""))),
        (
            "sums to the right",
            format!("SELECT {}", wrap("1 + (", "1", ")")),
        ),
        ("not", format!("SELECT {}", wrap("NOT ", "true", ""))),
        ("minus", format!("SELECT {}", wrap("- ", "1", ""))),
        (
            "and",
            format!("SELECT 1 WHERE {}", wrap("a = 1 AND ", "b", "")),
        ),
        ("functions", format!("SELECT {}", wrap("abs(", "1", ")"))),
        ("lists", format!("SELECT {}", wrap("[", "1", "]"))),
        ("casts", format!("SELECT {}", wrap("", "1", "::INTEGER"))),
        (
            "case",
            format!("SELECT {}", wrap("CASE WHEN true THEN ", "1", " END")),
        ),
        ("scalar subqueries", wrap("SELECT (", "SELECT 1", ")")),
        ("derived tables", wrap("SELECT * FROM (", "SELECT 1", ") t")),
        ("unions", wrap("SELECT 1 UNION ALL ", "SELECT 1", "")),
        (
            "unions to the right",
            wrap("SELECT 1 UNION ALL (", "SELECT 1", ")"),
        ),
        (
            "joins",
            format!("SELECT * FROM {}", wrap("(a JOIN ", "b", " ON true)")),
        ),
        (
            "joins to the left",
            format!("SELECT * FROM {}", wrap("", "a", " JOIN b ON true")),
        ),
        ("with", wrap("WITH t AS (", "SELECT 1", ") SELECT 1")),
        ("exists", wrap("SELECT 1 WHERE EXISTS (", "SELECT 1", ")")),
        (
            "types",
            format!("SELECT NULL::{}", wrap("STRUCT(a ", "INTEGER", ")")),
        ),
        (
            "arrays",
            format!("SELECT NULL::INTEGER{}", wrap("", "", "[]")),
        ),
    ]
}

/// Runs `check` on a thread with the stack that threads of a runtime have.
fn on_a_small_stack(check: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(check)
        .expect("a thread");
    thread.join().expect("the checks hold");
}

/// Shapes for which DuckDB needs time that grows with the square of the depth, or worse: each
/// level of a subquery doubles the time of planning.
fn depth_max(shape: &str) -> usize {
    match shape {
        "scalar subqueries" | "exists" => 10,
        "unions" | "and" => 2_000,
        _ => usize::MAX,
    }
}

#[test]
fn deep_texts_are_answered() {
    on_a_small_stack(|| {
        let connection = connection();
        for depth in [10, 200, 999, 5_000, 100_000] {
            for (shape, sql) in nested(depth) {
                if depth > 10 * depth_max(shape).min(10_000) {
                    continue;
                }
                let parsed = connection.parse(&sql);
                if let Parsed::Error(error) = parsed.expect("an answer") {
                    let expected = [FragmentErrorKind::TooComplex, FragmentErrorKind::Syntax];
                    assert!(expected.contains(&error.kind), "{depth} {shape}: {error:?}");
                }
            }
        }
        let parentheses = &nested(100_000)[0].1;
        let too_complex = Some(FragmentErrorKind::TooComplex);
        assert_eq!(outcome(&connection, parentheses), ("error", too_complex));
    });
}

#[test]
fn deep_texts_are_run_or_refused() {
    on_a_small_stack(|| {
        let connection = connection();
        for depth in [10, 100, 999, 5_000] {
            for (shape, sql) in nested(depth) {
                if depth > depth_max(shape) {
                    continue;
                }
                if let Err(error) = connection.query(&sql) {
                    assert_ne!(
                        error.kind,
                        FragmentErrorKind::Internal,
                        "{depth} {shape}: {error}"
                    );
                }
            }
        }
        assert_eq!(
            connection.query_text("SELECT 1").expect("a row"),
            [[Some("1".to_owned())]]
        );
    });
}

#[test]
fn statements_are_described() {
    let connection = connection();
    connection
        .execute("CREATE TABLE t (a DECIMAL(15,2), b VARCHAR[], c JSON)")
        .expect("a table");
    let prepared = connection
        .prepare("SELECT *, $1::INTEGER AS d FROM t WHERE b[1] = $2")
        .expect("a plan");
    let column = |name: &str, ty: &str| Column {
        name: name.to_owned(),
        ty: ty.to_owned(),
    };
    let expected = [
        column("a", "DECIMAL(15,2)"),
        column("b", "VARCHAR[]"),
        column("c", "JSON"),
        column("d", "INTEGER"),
    ];
    assert_eq!(prepared.columns(), expected);
    let types = prepared.parameter_types();
    assert_eq!(
        types,
        [Some("INTEGER".to_owned()), Some("VARCHAR".to_owned())]
    );
    assert_eq!(prepared.kind(), StatementKind::Select);
    assert_eq!(
        connection.prepare("DROP TABLE t").expect("a plan").kind(),
        StatementKind::Other
    );
}
