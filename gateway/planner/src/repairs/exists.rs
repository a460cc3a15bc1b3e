//! `EXISTS` whose subquery compares with columns of the outer row by other operators than `=`.
//!
//! ```text
//! SELECT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.x <> t.x)
//! SELECT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.x <> t.x AND u.x IS NOT NULL AND t.x IS NOT NULL)
//! ```
//!
//! As a value, DuckDB 1.5.5 takes `<>` for true where the outer column is NULL. A test that is implied anyhow keeps
//! it from looking that up by hash.
//!
//! ```text
//! WHERE EXISTS (SELECT 1 FROM (SELECT t.a, u.b FROM u WHERE u.x > t.x) AS d WHERE d.b <> t.y)
//! WHERE EXISTS (SELECT 1 FROM (SELECT t.a, u.b FROM u WHERE u.x > t.x) AS d WHERE d.b <> t.y OFFSET 0)
//! ```
//!
//! A derived table that has outer columns of its own may find nothing. OFFSET keeps DuckDB from taking the table apart.

use super::places::{Place, Truth};
use crate::ast::visit::{Descend, Node, any, conjuncts, walk};
use crate::ast::{
    Comparison, Expr, ExprKind, Modifier, Query, QueryBody, SubqueryKind, TableRef, TableRefKind,
};
use crate::build::{and, is_not_null};

/// Rewrites the query of an `EXISTS`.
pub(super) fn repair(expr: &mut Expr, place: Place) {
    let ExprKind::Subquery(subquery) = &mut expr.kind else {
        return;
    };
    if !matches!(
        subquery.kind,
        SubqueryKind::Exists | SubqueryKind::NotExists
    ) {
        return;
    }
    if place.truth != Truth::Conjunct {
        test_nulls(&mut subquery.query);
    }
    if has_open_table(&subquery.query) {
        subquery.query.modifiers.push(Modifier::Limit {
            limit: None,
            offset: Some(Expr::integer(0)),
        });
    }
}

/// Adds to each WHERE that its inequalities need values.
fn test_nulls(query: &mut Query) {
    let QueryBody::Select(block) = &mut query.body else {
        return;
    };
    let compared = block.where_clause.iter().flat_map(conjuncts);
    let tests = compared
        .filter_map(unequal)
        .flat_map(|(left, right)| [left, right])
        .map(|side| is_not_null(side.clone()))
        .collect::<Vec<_>>();
    if !tests.is_empty() {
        block.where_clause = and(block.where_clause.take(), Some(Expr::and(tests)));
    }
    test_nulls_below(&mut block.from);
}

fn test_nulls_below(table: &mut TableRef) {
    match &mut table.kind {
        TableRefKind::Subquery(query) => test_nulls(query),
        TableRefKind::Join(join) => {
            test_nulls_below(&mut join.left);
            test_nulls_below(&mut join.right);
        }
        _ => {}
    }
}

/// Both sides of `a <> b` or `NOT (a = b)`, unless one is a constant.
fn unequal(expr: &Expr) -> Option<(&Expr, &Expr)> {
    let (wanted, comparison) = match &expr.kind {
        ExprKind::Operator { op, children } if op == "OPERATOR_NOT" => {
            (Comparison::Equal, children.first()?)
        }
        _ => (Comparison::NotEqual, expr),
    };
    match &comparison.kind {
        ExprKind::Comparison { op, left, right }
            if *op == wanted && is_compared(left) && is_compared(right) =>
        {
            Some((left, right))
        }
        _ => None,
    }
}

/// Whether it may be compared by its hash: neither a constant nor another subquery.
fn is_compared(expr: &Expr) -> bool {
    !is_constant(expr) && !any(Node::Expr(expr), &mut |node| matches!(node, Node::Query(_)))
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::Sql(_) => true,
        ExprKind::Cast { child, .. } => is_constant(child),
        _ => false,
    }
}

/// Whether a query compares a derived table that has outer columns, or may have.
fn has_open_table(query: &Query) -> bool {
    let QueryBody::Select(block) = &query.body else {
        return false;
    };
    let compares = |conjunct: &&Expr| {
        matches!(
            conjunct.kind,
            ExprKind::Comparison { .. } | ExprKind::Operator { .. } | ExprKind::Between { .. }
        )
    };
    let condition = block.where_clause.as_ref();
    query.modifiers.is_empty()
        && condition
            .into_iter()
            .flat_map(conjuncts)
            .any(|it| compares(&it))
        && open_tables(&block.from, equates(condition))
}

/// `equates`: something is compared by `=` beside them.
fn open_tables(table: &TableRef, equates: bool) -> bool {
    match &table.kind {
        TableRefKind::Join(join) => {
            open_tables(&join.left, equates) || open_tables(&join.right, equates)
        }
        TableRefKind::Subquery(query) => is_open(query, equates),
        _ => false,
    }
}

fn is_open(query: &Query, beside: bool) -> bool {
    let QueryBody::Select(block) = &query.body else {
        return false;
    };
    // A bare name is hardly ever an outer column, so those must not cost what is looked up by `=`.
    let bare = !beside && !equates(block.where_clause.as_ref());
    query.modifiers.is_empty()
        && block.where_clause.is_some()
        && block
            .select_list
            .iter()
            .any(|item| names_outer(item, &block.from, bare))
}

/// Whether one of the conjuncts compares two columns by `=`.
fn equates(condition: Option<&Expr>) -> bool {
    condition.into_iter().flat_map(conjuncts).any(|conjunct| {
        matches!(&conjunct.kind, ExprKind::Comparison { op: Comparison::Equal, left, right }
            if !is_constant(left) && !is_constant(right))
    })
}

/// Whether an expression may name a column of something that is not in `from`.
fn names_outer(expr: &Expr, from: &TableRef, bare: bool) -> bool {
    let mut found = false;
    walk(Node::Expr(expr), &mut |node| match node {
        Node::Expr(Expr {
            kind: ExprKind::ColumnRef(names),
            ..
        }) => {
            found |= match names.as_slice() {
                [relation, _, ..] => !provides(from, relation),
                // It may be either's.
                _ => bare,
            };
            Descend::Into
        }
        Node::Query(_) => Descend::Over,
        _ => Descend::Into,
    });
    found
}

fn provides(from: &TableRef, relation: &str) -> bool {
    let own = match &from.kind {
        TableRefKind::Join(join) => {
            return provides(&join.left, relation) || provides(&join.right, relation);
        }
        TableRefKind::Table { name, .. } if from.alias.is_empty() => name,
        _ => &from.alias,
    };
    own.eq_ignore_ascii_case(relation)
}
