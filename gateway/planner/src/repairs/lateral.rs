//! `LEFT JOIN LATERAL (…) x ON condition`, where the condition compares no more than one side.
//!
//! ```text
//! o LEFT JOIN LATERAL (SELECT … WHERE c.id = o.id) x ON o.total > 1
//!   ─►  o LEFT JOIN LATERAL (SELECT * FROM (SELECT … WHERE c.id = o.id) AS x WHERE o.total > 1) x ON true
//! ```
//!
//! DuckDB 1.5.5 refuses the first; the rows are the same. Asked for when it has refused, as nearly no statement
//! needs it.

use crate::ast::visit::{Descend, Node, NodeMut, walk, walk_mut};
use crate::ast::{Expr, ExprKind, JoinKind, JoinSyntax, Query, TableRef, TableRefKind};
use crate::build;

/// Moves such conditions into the subqueries; whether there is anything to bind again.
pub fn conditions_within_lateral(query: &mut Query) -> bool {
    let mut changed = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Table(table) = node
            && let TableRefKind::Join(join) = &mut table.kind
            && join.kind == JoinKind::Left
            && join.syntax == JoinSyntax::Regular
            && join.using.is_empty()
            && matches!(
                join.right.kind,
                TableRefKind::Subquery(_) | TableRefKind::Function { .. }
            )
            && !join.right.alias.is_empty()
            && names_any(&join.right, &aliases(&join.left))
            && let Some(condition) = join.condition.replace(Expr::boolean(true))
        {
            let alias = join.right.alias.clone();
            let inner = std::mem::replace(&mut join.right, build::no_table());
            let mut select = build::select(vec![Expr::star()], inner);
            select.where_clause = Some(condition);
            let query = Box::new(build::query(select, Vec::new()));
            join.right = build::table(TableRefKind::Subquery(query), &alias);
            changed = true;
        }
        Descend::Into
    });
    changed
}

/// What the relations of a FROM are called.
fn aliases(table: &TableRef) -> Vec<&str> {
    match &table.kind {
        TableRefKind::Join(join) if table.alias.is_empty() => {
            let mut all = aliases(&join.left);
            all.extend(aliases(&join.right));
            all
        }
        TableRefKind::Table { name, .. } if table.alias.is_empty() => vec![name],
        _ => vec![&table.alias],
    }
}

/// Whether there are columns of any of these relations in something.
fn names_any(table: &TableRef, aliases: &[&str]) -> bool {
    let mut found = false;
    walk(Node::Table(table), &mut |node| {
        if let Node::Expr(expr) = node
            && let ExprKind::ColumnRef(names) = &expr.kind
            && let [.., relation, _] = names.as_slice()
        {
            found |= aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(relation));
        }
        Descend::Into
    });
    found
}
