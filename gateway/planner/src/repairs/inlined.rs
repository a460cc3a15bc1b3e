//! Common table expressions of a subquery that are read in a subquery further in.
//!
//! Where both use columns of the outer row, DuckDB 1.5.5 takes the wrong row's. Without a name to share, the query
//! itself stands where it is read, and the columns are found.
//!
//! ```text
//! (WITH c AS (SELECT t.a + 1 AS n) SELECT (SELECT max(n) FROM (SELECT n FROM c) AS d WHERE n > t.a))
//! (WITH c AS (SELECT t.a + 1 AS n) SELECT (SELECT max(n) FROM (SELECT n FROM (SELECT t.a + 1 AS n) AS c) AS d WHERE n > t.a))
//! ```

use crate::ast::visit::{Descend, Node, NodeMut, any, walk, walk_mut};
use crate::ast::{Cte, Expr, ExprKind, Query, QueryBody, TableRef, TableRefKind};
use crate::split::volatile_part;

/// Rewrites the subqueries of a statement.
pub(super) fn queries(statement: &mut Query) {
    // A common table expression of the statement itself has no outer row.
    let mut is_statement = true;
    walk_mut(NodeMut::Query(statement), &mut |node| {
        if let NodeMut::Query(query) = node
            && !std::mem::take(&mut is_statement)
            && !query.ctes.is_empty()
        {
            within(query);
        }
        Descend::Into
    });
}

fn within(query: &mut Query) {
    let mut shared: Vec<Cte> = Vec::new();
    for cte in &query.ctes {
        let mut cte = cte.clone();
        put_in(&mut cte.query, &shared);
        if may_be_correlated(&cte.query) {
            shared.push(cte);
        }
    }
    let QueryBody::Select(block) = &mut query.body else {
        return;
    };
    if shared.is_empty() {
        return;
    }
    let mut put = |node: NodeMut<'_>| match node {
        NodeMut::Expr(Expr {
            kind: ExprKind::Subquery(subquery),
            ..
        }) => {
            put_in(&mut subquery.query, &shared);
            Descend::Over
        }
        _ => Descend::Into,
    };
    walk_mut(NodeMut::Table(&mut block.from), &mut put);
    for expr in block
        .select_list
        .iter_mut()
        .chain(&mut block.where_clause)
        .chain(&mut block.group_by)
        .chain(&mut block.having)
        .chain(&mut block.qualify)
    {
        walk_mut(NodeMut::Expr(expr), &mut put);
    }
}

/// Whether a query may have columns of a row around it, as far as its names tell, and may stand in two places.
fn may_be_correlated(query: &Query) -> bool {
    if matches!(query.body, QueryBody::RecursiveCte { .. }) || volatile_part(query).is_some() {
        return false;
    }
    let mut own = Vec::new();
    walk(Node::Query(query), &mut |node| {
        if let Node::Table(table) = node {
            own.push(match &table.kind {
                TableRefKind::Table { name, .. } if table.alias.is_empty() => name.clone(),
                _ => table.alias.clone(),
            });
        }
        Descend::Into
    });
    any(Node::Query(query), &mut |node| match node {
        Node::Expr(Expr {
            kind: ExprKind::ColumnRef(names),
            ..
        }) => names.len() > 1 && !own.iter().any(|name| name.eq_ignore_ascii_case(&names[0])),
        Node::Query(Query {
            body: QueryBody::Select(block),
            ..
        }) => {
            matches!(block.from.kind, TableRefKind::Empty)
                && block.select_list.iter().any(names_column)
        }
        _ => false,
    })
}

fn names_column(expr: &Expr) -> bool {
    any(
        Node::Expr(expr),
        &mut |node| matches!(node, Node::Expr(expr) if matches!(expr.kind, ExprKind::ColumnRef(_))),
    )
}

/// Puts queries in the place of their names; `shared` are those in sight, in their order.
fn put_in(query: &mut Query, shared: &[Cte]) {
    let hidden = |cte: &&Cte| !query.ctes.iter().any(|own| own.name == cte.name);
    let shared: Vec<Cte> = shared.iter().filter(hidden).cloned().collect();
    if shared.is_empty() {
        return;
    }
    let mut is_first = true;
    walk_mut(NodeMut::Query(query), &mut |node| match node {
        NodeMut::Query(_) if std::mem::take(&mut is_first) => Descend::Into,
        NodeMut::Query(inner) => {
            put_in(inner, &shared);
            Descend::Over
        }
        NodeMut::Table(table) => {
            let Some(cte) = named(table, &shared) else {
                return Descend::Into;
            };
            if table.alias.is_empty() {
                table.alias.clone_from(&cte.name);
            }
            if table.column_aliases.is_empty() {
                table.column_aliases.clone_from(&cte.aliases);
            }
            table.kind = TableRefKind::Subquery(Box::new(cte.query.clone()));
            Descend::Over
        }
        NodeMut::Expr(_) => Descend::Into,
    });
}

fn named<'a>(table: &TableRef, shared: &'a [Cte]) -> Option<&'a Cte> {
    match &table.kind {
        TableRefKind::Table {
            catalog,
            schema,
            name,
            at: None,
        } if catalog.is_empty() && schema.is_empty() => shared
            .iter()
            .rev()
            .find(|cte| cte.name.eq_ignore_ascii_case(name)),
        _ => None,
    }
}
