//! Which queries are over within microseconds, whatever anybody writes into them.
//!
//! Such a query need not be handed to a thread that may block: handing it over and back costs
//! twice what all the rest of the exchange does. The test is narrow rather than complete: one row of
//! constants, put together by operations whose time grows with the text only.

use crate::ast::visit::{self, Node};
use crate::ast::{Expr, ExprKind, Query, QueryBody, TableRefKind};
use crate::clock::gives_time;

/// Operators that take no longer than it takes to read their operands. `LIKE` is not among them:
/// matching may try exponentially many ways.
const OPERATORS: &[&str] = &["+", "-", "*", "/", "//", "%", "||"];

/// Whether a query is over at once: a single `SELECT` without `FROM`, whose expressions are
/// constants, parameters, the current time, and cheap operations on them.
pub fn is_brief(query: &Query) -> bool {
    !visit::any(Node::Query(query), &mut |node| match node {
        Node::Query(query) => !query.ctes.is_empty() || !matches!(query.body, QueryBody::Select(_)),
        Node::Table(table) => !matches!(table.kind, TableRefKind::Empty),
        Node::Expr(expr) => !is_cheap(expr),
    })
}

/// Whether an expression is cheap if those below it are.
fn is_cheap(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_)
        | ExprKind::Parameter(_)
        | ExprKind::Cast { .. }
        | ExprKind::Comparison { .. }
        | ExprKind::Conjunction { .. }
        | ExprKind::Operator { .. }
        | ExprKind::Case { .. } => true,
        ExprKind::Function(call) if call.is_operator => OPERATORS.contains(&call.name.as_str()),
        // No other name: an alias of the same list could double a text with each use.
        _ => gives_time(expr),
    }
}

#[cfg(test)]
mod tests {
    use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};

    use super::*;
    use crate::ast::json;

    fn brief(engine: &Connection, sql: &str) -> bool {
        match engine.parse(sql).expect("the parser answers") {
            Parsed::Select(text) => {
                let queries = json::read(&text).expect("the tree is known");
                is_brief(&queries[0])
            }
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn only_constants_are_brief() {
        let database = Database::open(&DatabaseOptions::default()).expect("opens");
        let engine = database.connect().expect("connects");
        for sql in [
            "SELECT 1",
            "SELECT 1 AS one, 'a' || $1, -2 * 3 WHERE 1 < 2 LIMIT 1",
            "SELECT CASE WHEN $1 IS NULL THEN now() ELSE current_timestamp END",
            "SELECT '2026-01-01'::DATE, CAST($1 AS INTEGER), 1 IN (1, 2), COALESCE(NULL, 1)",
        ] {
            assert!(brief(&engine, sql), "{sql}");
        }
        for sql in [
            "SELECT * FROM range(1000000000)",
            "SELECT 'x' LIKE '%a%a%a%a%'",
            "SELECT repeat('x', 1000000000)",
            "SELECT unnest([1, 2])",
            "SELECT (SELECT 1)",
            "SELECT 'aaaa' AS a, a || a AS b, b || b AS c",
            "SELECT 1 UNION ALL SELECT 2",
            "WITH t AS (SELECT 1) SELECT 1",
            "VALUES (1)",
            "SELECT list_transform([1], x -> x)",
        ] {
            assert!(!brief(&engine, sql), "{sql}");
        }
    }
}
