//! Printing a tree and parsing the text again gives the same tree, positions apart.
//!
//! Over a corpus that has every construct (`tests/round_trip/corpus.sql`, one statement a line),
//! and over random expressions, which find places where parentheses are missing.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};
use skein_planner::ast::json::{self, AstError};
use skein_planner::ast::visit::{Descend, NodeMut, walk_mut};
use skein_planner::ast::{
    Comparison, Expr, ExprKind, Query, Select, SubqueryKind, TableRef, TableRefKind, print,
};

const RANDOM_EXPRESSIONS: usize = 3_000;
const STACK_BYTES: usize = 64 << 20;

fn engine() -> Connection {
    Database::open(&DatabaseOptions::default())
        .and_then(|database| database.connect())
        .expect("an empty database opens")
}

/// Runs on a stack as large as the gateway gives to planning.
fn with_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(test);
    if let Err(panic) = thread.expect("a thread starts").join() {
        std::panic::resume_unwind(panic);
    }
}

fn read(engine: &Connection, sql: &str) -> Result<Vec<Query>, String> {
    match engine.parse(sql).map_err(|error| error.to_string())? {
        Parsed::Select(text) => json::read(&text).map_err(|error| error.to_string()),
        Parsed::NotSelect => Err("not a query".to_owned()),
        Parsed::Error(error) => Err(error.to_string()),
    }
}

fn without_positions(mut query: Query) -> Query {
    walk_mut(NodeMut::Query(&mut query), &mut |node| {
        match node {
            NodeMut::Expr(expr) => expr.location = None,
            NodeMut::Table(table) => table.location = None,
            NodeMut::Query(_) => {}
        }
        Descend::Into
    });
    query
}

/// Says what is wrong with printing `query`, if anything.
fn check(engine: &Connection, query: Query) -> Result<(), String> {
    let query = without_positions(query);
    let sql = print::query_sql(&query);
    let again = read(engine, &sql).map_err(|error| format!("{sql}\n  {error}"))?;
    let [again] = <[Query; 1]>::try_from(again).map_err(|_| format!("{sql}\n  several"))?;
    let again = without_positions(again);
    if again == query {
        Ok(())
    } else {
        Err(format!(
            "{sql}\n  parsed again: {}",
            print::query_sql(&again)
        ))
    }
}

#[test]
fn every_construct_of_the_corpus_comes_back() {
    with_stack(|| {
        let engine = engine();
        let corpus = include_str!("round_trip/corpus.sql");
        let mut failures = Vec::new();
        for line in corpus.lines().filter(|line| !line.is_empty()) {
            match read(&engine, line) {
                Ok(queries) => failures.extend(
                    queries
                        .into_iter()
                        .filter_map(|query| check(&engine, query).err()),
                ),
                Err(error) => failures.push(format!("{line}\n  {error}")),
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}

#[test]
fn readable_text_stays_readable() {
    let engine = engine();
    for sql in [
        "SELECT a + b * 2 - c AS x FROM t WHERE a > 1 AND (b = 2 OR NOT c) ORDER BY 1 DESC LIMIT 3",
        "SELECT l_returnflag, sum(l_quantity) FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY GROUP BY l_returnflag",
        "SELECT x, count(*) FROM a JOIN b ON a.i = b.i LEFT JOIN c USING (k) WHERE name LIKE 'x%' AND k NOT IN (1, 2) GROUP BY x HAVING count(*) > 1",
        "SELECT \"Order\".id, [1, 2], {'a': 1} FROM \"Order\" UNION ALL SELECT 1, 2, 3",
        "SELECT a IN (SELECT b FROM t), x BETWEEN 1 AND 2, -y, CASE WHEN p THEN 1 END",
    ] {
        let queries = read(&engine, sql).expect("it parses");
        assert_eq!(print::query_sql(&queries[0]), sql);
    }
}

#[test]
fn random_expressions_come_back() {
    let seed = rand::rng().random::<u64>();
    with_stack(move || {
        let engine = engine();
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..RANDOM_EXPRESSIONS {
            let expr = expression(&mut random, 5);
            let select = Select::new(vec![expr], TableRef::from(TableRefKind::Empty));
            if let Err(problem) = check(&engine, select.into()) {
                panic!("seed {seed}: {problem}");
            }
        }
    });
}

/// An expression such as DuckDB's parser can make.
fn expression(random: &mut StdRng, depth: u32) -> Expr {
    if depth == 0 {
        return leaf(random);
    }
    let child = |random: &mut StdRng| {
        let depth = random.random_range(0..depth);
        expression(random, depth)
    };
    match random.random_range(0..16) {
        0 => {
            let symbols = [
                "+", "-", "*", "/", "%", "//", "^", "||", "&", "<<", "->>", "~~", "!~~*", "@>",
            ];
            let symbol = symbols[random.random_range(0..symbols.len())];
            Expr::infix(symbol, child(random), child(random))
        }
        1 => {
            let ops = [
                Comparison::Equal,
                Comparison::NotEqual,
                Comparison::Less,
                Comparison::GreaterOrEqual,
                Comparison::Distinct,
                Comparison::NotDistinct,
            ];
            let op = ops[random.random_range(0..ops.len())];
            Expr::comparison(op, child(random), child(random))
        }
        2 => conjunction(random.random_bool(0.5), child(random), child(random)),
        3 => {
            // DuckDB's parser turns a negated predicate round.
            let both = conjunction(random.random_bool(0.5), child(random), child(random));
            operator("OPERATOR_NOT", vec![both])
        }
        4 => operator("OPERATOR_IS_NULL", vec![child(random)]),
        5 => operator("OPERATOR_IS_NOT_NULL", vec![child(random)]),
        6 => {
            let op = if random.random_bool(0.5) {
                "COMPARE_IN"
            } else {
                "COMPARE_NOT_IN"
            };
            operator(op, vec![child(random), child(random), child(random)])
        }
        7 => ExprKind::Between {
            input: Box::new(child(random)),
            lower: Box::new(child(random)),
            upper: Box::new(child(random)),
        }
        .into(),
        8 => ExprKind::Case {
            checks: vec![(child(random), child(random))],
            otherwise: Box::new(child(random)),
        }
        .into(),
        9 => operator("ARRAY_EXTRACT", vec![child(random), child(random)]),
        10 => operator("STRUCT_EXTRACT", vec![child(random), Expr::string("B c")]),
        11 => Expr::function("list_value", vec![child(random), child(random)]),
        12 => ExprKind::Lambda {
            left: Box::new(Expr::column(["x"])),
            right: Box::new(child(random)),
        }
        .into(),
        13 => ExprKind::Collate {
            child: Box::new(child(random)),
            collation: "nocase".to_owned(),
        }
        .into(),
        14 => {
            // A sign before a number would become part of it.
            let mut call = Expr::function("-", vec![Expr::column(["t", "a"])]);
            if let ExprKind::Function(function) = &mut call.kind {
                function.is_operator = true;
            }
            call
        }
        _ => {
            let select = Select::new(vec![child(random)], TableRef::from(TableRefKind::Empty));
            let kind = if random.random_bool(0.5) {
                SubqueryKind::Scalar
            } else {
                SubqueryKind::Any
            };
            let any = kind == SubqueryKind::Any;
            ExprKind::Subquery(Box::new(skein_planner::ast::Subquery {
                kind,
                query: select.into(),
                child: any.then(|| child(random)),
                comparison: any.then_some(Comparison::Equal),
            }))
            .into()
        }
    }
}

fn operator(op: &str, children: Vec<Expr>) -> Expr {
    ExprKind::Operator {
        op: op.to_owned(),
        children,
    }
    .into()
}

/// DuckDB's parser makes one conjunction of several of the same kind.
fn conjunction(and: bool, left: Expr, right: Expr) -> Expr {
    let mut children = Vec::new();
    for child in [left, right] {
        match child.kind {
            ExprKind::Conjunction {
                and: inner,
                children: inner_children,
            } if inner == and => {
                children.extend(inner_children);
            }
            kind => children.push(kind.into()),
        }
    }
    ExprKind::Conjunction { and, children }.into()
}

fn leaf(random: &mut StdRng) -> Expr {
    match random.random_range(0..7) {
        0 => Expr::column(["a"]),
        1 => Expr::column(["T", "order"]),
        2 => Expr::integer(random.random_range(-5..5)),
        3 => Expr::string("it's"),
        4 => Expr::boolean(random.random_bool(0.5)),
        5 => Expr::null(),
        _ => ExprKind::Parameter("1".to_owned()).into(),
    }
}

#[test]
fn nesting_up_to_duckdbs_limit_is_read_and_printed() {
    with_stack(|| {
        let engine = engine();
        for sql in [
            format!("SELECT {}1", "a + ".repeat(900)),
            format!("SELECT {}1{}", "(".repeat(400), ")".repeat(400)),
            format!("SELECT {}1", "1 UNION ALL SELECT ".repeat(500)),
            format!("SELECT {}1{}", "(SELECT ".repeat(12), ")".repeat(12)),
            format!("FROM {}t{}", "(FROM ".repeat(150), ")".repeat(150)),
        ] {
            let queries = read(&engine, &sql).expect("DuckDB takes it");
            for query in queries {
                check(&engine, query).expect("it comes back");
            }
        }
    });
}

#[test]
fn deeper_nesting_is_an_error() {
    with_stack(|| {
        let json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(json::read(&json), Err(AstError::TooDeep));
        let engine = engine();
        for (open, close) in [
            ("SELECT (", ")"),
            ("SELECT 1 WHERE EXISTS (", ")"),
            ("SELECT 1 WHERE 1 IN (", ")"),
            ("FROM (SELECT (SELECT 1 WHERE 1 IN (", ")))"),
            ("WITH c AS (SELECT (", ")) FROM c"),
            ("SELECT 1 WHERE (", ") IN (SELECT 1)"),
        ] {
            let sql = |levels| format!("{}SELECT 1{}", open.repeat(levels), close.repeat(levels));
            let Ok(Parsed::Select(json)) = engine.parse(&sql(13)) else {
                panic!("{} parses", sql(13));
            };
            let error = json::read(&json).expect_err("it is too deep");
            assert_eq!(error, AstError::TooManySubqueryLevels, "{}", sql(13));
            read(&engine, &sql(6)).expect("it is not too deep");
        }
    });
}

#[test]
fn what_the_reader_does_not_know_is_an_error() {
    let engine = engine();
    let Ok(Parsed::Select(text)) = engine.parse("SELECT a FROM t") else {
        panic!("it parses")
    };
    for (from, to, named) in [
        (
            "\"COLUMN_REF\",\"type\"",
            "\"NEW_CLASS\",\"type\"",
            "NEW_CLASS",
        ),
        (
            "\"qualify\":null",
            "\"qualify\":null,\"surprise\":1",
            "surprise",
        ),
        ("\"STANDARD_HANDLING\"", "\"OTHER\"", "OTHER"),
        ("\"BASE_TABLE\"", "\"MOON\"", "MOON"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let error = json::read(&text.replace(from, to)).expect_err("it is unknown");
        assert!(error.to_string().contains(named), "{error}");
    }
}
