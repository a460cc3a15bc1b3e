//! The columns of `SELECT *` over `JOIN … USING`: those that were merged come first.
//!
//! ```text
//! a(x, k) JOIN b(k, y) USING (k)     SELECT *  ─►  SELECT k, * EXCLUDE (k)      k, x, y
//! ```
//!
//! DuckDB leaves them where the left side has them. Applies to the tree as parsed, before anything asks
//! how many columns there are and what they are called. Joins within the right side of a join and
//! NATURAL joins keep DuckDB's order.

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, JoinKind, JoinSyntax, Query, QueryBody, TableRef, TableRefKind};

/// Rewrites the stars of a query; whether there was anything to do. `columns` gives those of a relation
/// by its schema and name.
pub fn merged_first(
    query: &mut Query,
    columns: &dyn Fn(&str, &str) -> Option<Vec<String>>,
) -> bool {
    let mut changed = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Query(Query {
            body: QueryBody::Select(select),
            ..
        }) = node
            && select.select_list.iter().any(is_star)
            && let Some(merged) = merged(&select.from)
            && !merged.is_empty()
            && !are_first(&select.from, &merged, columns)
        {
            let list = std::mem::take(&mut select.select_list);
            for item in list {
                if is_star(&item) {
                    changed = true;
                    select.select_list.extend(in_order(item, &merged));
                } else {
                    select.select_list.push(item);
                }
            }
        }
        Descend::Into
    });
    changed
}

/// A star for all columns and nothing else.
fn is_star(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Star(star) if star.relation.is_empty()
        && star.exclude.is_empty() && star.replace.is_empty() && star.rename.is_empty()
        && !star.columns && star.expr.is_none())
}

/// The merged columns in PostgreSQL's order, if they come before all others.
fn merged(table: &TableRef) -> Option<Vec<String>> {
    let TableRefKind::Join(join) = &table.kind else {
        return Some(Vec::new());
    };
    if !table.alias.is_empty() {
        return Some(Vec::new());
    }
    let plain = matches!(
        join.kind,
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full
    );
    if !plain || join.syntax == JoinSyntax::Natural || !merged(&join.right)?.is_empty() {
        return None;
    }
    let mut found = join.using.clone();
    for name in merged(&join.left)? {
        if !found.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            found.push(name);
        }
    }
    Some(found)
}

/// Whether the leftmost relation begins with these columns anyway, as most do.
fn are_first(
    table: &TableRef,
    merged: &[String],
    columns: &dyn Fn(&str, &str) -> Option<Vec<String>>,
) -> bool {
    match &table.kind {
        TableRefKind::Join(join) => are_first(&join.left, merged, columns),
        TableRefKind::Table { schema, name, .. } if table.column_aliases.is_empty() => {
            columns(schema, name).is_some_and(|columns| {
                columns.len() >= merged.len()
                    && columns
                        .iter()
                        .zip(merged)
                        .all(|(column, merged)| column.eq_ignore_ascii_case(merged))
            })
        }
        _ => false,
    }
}

fn in_order(star: Expr, merged: &[String]) -> Vec<Expr> {
    let mut items: Vec<Expr> = merged
        .iter()
        .map(|name| {
            let mut column = Expr::from(ExprKind::ColumnRef(vec![name.clone()]));
            column.location = star.location;
            column
        })
        .collect();
    let mut rest = star;
    if let ExprKind::Star(star) = &mut rest.kind {
        star.exclude = merged.iter().map(|name| vec![name.clone()]).collect();
    }
    items.push(rest);
    items
}
