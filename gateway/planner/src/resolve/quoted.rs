//! Names in double quotes whose letters have another case than the column has.
//!
//! DuckDB compares names without case; in PostgreSQL `"Kind"` is not the column `kind`. Unquoted names
//! are in lower case by now, so a capital tells that a name was quoted. It has to be the exact name of
//! some column or alias of the statement; if it only is one without case, it is refused. A name in
//! lower case finds columns of files with capitals in their names, which PostgreSQL would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::RelationSnapshot;

use crate::ast::visit::{Descend, Node, walk};
use crate::ast::{ExprKind, Query, QueryBody, TableRefKind};
use crate::error::PlanError;

/// Checks the column references of a query.
pub(super) fn check(
    query: &Query,
    relations: &BTreeMap<RelationName, Arc<RelationSnapshot>>,
) -> Result<(), PlanError> {
    let suspects = suspects(query);
    if suspects.is_empty() {
        return Ok(());
    }
    let mut known: BTreeSet<String> = relations
        .values()
        .flat_map(|relation| &relation.columns)
        .map(|column| column.name.clone())
        .collect();
    walk(Node::Query(query), &mut |node| {
        match node {
            Node::Query(query) => {
                for cte in &query.ctes {
                    known.insert(cte.name.clone());
                    known.extend(cte.aliases.iter().cloned());
                }
                if let QueryBody::RecursiveCte { aliases, .. } = &query.body {
                    known.extend(aliases.iter().cloned());
                }
            }
            Node::Table(table) => {
                known.insert(table.alias.clone());
                known.extend(table.column_aliases.iter().cloned());
                if let TableRefKind::Table { name, .. } = &table.kind {
                    known.insert(name.clone());
                }
            }
            Node::Expr(expr) => {
                known.insert(expr.alias.clone());
            }
        }
        Descend::Into
    });
    for (names, position) in suspects {
        let [qualifiers @ .., name] = names.as_slice() else {
            continue;
        };
        // What follows a column is a field of it, and no name of a column.
        let is_field = qualifiers.last().is_some_and(|outer| {
            relations.values().any(|relation| {
                let mut columns = relation.columns.iter();
                columns.any(|column| column.name.eq_ignore_ascii_case(outer))
            })
        });
        if is_field || known.contains(name) {
            continue;
        }
        if let Some(nearest) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            return Err(PlanError::UnknownColumn {
                name: match qualifiers {
                    [] => format!("\"{name}\""),
                    [.., outer] => format!("{outer}.{name}"),
                },
                position,
                nearest: nearest.clone(),
            });
        }
    }
    Ok(())
}

/// Column references whose last name has capitals, and where they stand.
fn suspects(query: &Query) -> Vec<(Vec<String>, Option<usize>)> {
    let mut found = Vec::new();
    walk(Node::Query(query), &mut |node| {
        if let Node::Expr(expr) = node
            && let ExprKind::ColumnRef(names) = &expr.kind
            && let Some(name) = names.last()
            && name.bytes().any(|byte| byte.is_ascii_uppercase())
        {
            found.push((names.clone(), expr.location));
        }
        Descend::Into
    });
    found
}
