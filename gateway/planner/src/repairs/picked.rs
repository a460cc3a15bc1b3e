//! Keeps joins from reaching below `DISTINCT ON` and `LIMIT`.
//!
//! While it runs a join, DuckDB 1.5.5 tells the scans of one side which keys the other side has. It also tells
//! those below a `DISTINCT ON` or a `LIMIT`, which then pick among the rows that are left rather than among all:
//! other rows, in whichever runs the other side is read first. That happens with two threads and more. A window
//! function between the two, even one that does nothing, stops it.
//!
//! ```text
//! FROM (SELECT k, x FROM t ORDER BY y DESC LIMIT 10) AS d JOIN u ON d.x = u.x
//! FROM (SELECT * FROM (SELECT … LIMIT 10) AS __d QUALIFY row_number() OVER () > 0) AS d JOIN u ON …
//! ```

use crate::ast::visit::{Descend, Node, NodeMut, any, walk_mut};
use crate::ast::{Expr, ExprKind, Modifier, Query, SubqueryKind, TableRefKind};
use crate::build::{no_table, query, select, sql, table};

/// Guards the queries inside of `outer` that pick rows, if it joins anything. It needs none itself: nothing is
/// above it.
pub(super) fn guard(outer: &mut Query) {
    if any(Node::Query(outer), &mut joins) {
        guard_below(outer);
    }
}

fn joins(node: Node<'_>) -> bool {
    match node {
        Node::Query(_) => false,
        Node::Table(table) => matches!(table.kind, TableRefKind::Join(_)),
        Node::Expr(expr) => matches!(expr.kind, ExprKind::Subquery(_)),
    }
}

fn guard_below(outer: &mut Query) {
    let mut is_outer = true;
    walk_mut(NodeMut::Query(outer), &mut |node| match node {
        NodeMut::Query(_) if std::mem::take(&mut is_outer) => Descend::Into,
        NodeMut::Query(inner) => {
            guard_below(inner);
            if picks(inner) {
                wrap(inner);
            }
            Descend::Over
        }
        NodeMut::Expr(Expr {
            kind: ExprKind::Subquery(subquery),
            ..
        }) if subquery.kind != SubqueryKind::Any => {
            // An aggregate or a window function is above it anyhow.
            guard_below(&mut subquery.query);
            Descend::Over
        }
        NodeMut::Table(_) | NodeMut::Expr(_) => Descend::Into,
    });
}

/// Whether a query chooses among its rows by their number or order.
fn picks(inner: &Query) -> bool {
    inner.modifiers.iter().any(|modifier| match modifier {
        Modifier::Distinct(targets) => !targets.is_empty(),
        Modifier::OrderBy(_) => false,
        Modifier::Limit { .. } | Modifier::LimitPercent { .. } => true,
    })
}

fn wrap(inner: &mut Query) {
    let nothing = query(select(Vec::new(), no_table()), Vec::new());
    let picked = std::mem::replace(inner, nothing);
    let from = table(TableRefKind::Subquery(Box::new(picked)), "__d");
    let mut rows = select(vec![Expr::star()], from);
    rows.qualify = Some(sql("row_number() OVER () > 0"));
    *inner = query(rows, Vec::new());
}
