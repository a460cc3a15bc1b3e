//! Drops files whose Hive partition values cannot match.
//!
//! DuckDB decides: the conjuncts that name partition columns only are run over the partition values
//! of every file, as a query over constants. A conjunct that cannot be judged so keeps every file.

use std::collections::BTreeMap;
use std::sync::Arc;

use skein_catalog::snapshot::{File, RelationSnapshot};

use crate::ast::visit::{self, Descend, Node};
use crate::ast::{Expr, ExprKind, Query, Select, TableRef, TableRefKind, print};
use crate::bind::Bind;

/// The files left of each divided scan below `query`, by scan.
///
/// `relation` gives the relation of a divided scan, and `None` for any other.
pub(crate) fn files(
    query: &Query,
    relation: &dyn Fn(usize) -> Option<Arc<RelationSnapshot>>,
    bind: &dyn Bind,
) -> BTreeMap<usize, Vec<Arc<File>>> {
    let mut left = BTreeMap::new();
    visit::walk(Node::Query(query), &mut |node| {
        if let Node::Query(Query {
            body: crate::ast::QueryBody::Select(select),
            ..
        }) = node
        {
            each_scan(&select.from, &mut |table, scan| {
                if let Some(relation) = relation(scan)
                    && let Some(files) = matching(select, table, &relation, bind)
                {
                    left.insert(scan, files);
                }
            });
        }
        Descend::Into
    });
    left
}

/// Scans in a `FROM`, derived tables left out: they have conditions of their own.
fn each_scan(from: &TableRef, f: &mut dyn FnMut(&TableRef, usize)) {
    match &from.kind {
        TableRefKind::Scan { scan } => f(from, *scan),
        TableRefKind::Join(join) => {
            each_scan(&join.left, f);
            each_scan(&join.right, f);
        }
        _ => {}
    }
}

/// The files of one scan that the block's `WHERE` can match; `None`: all.
fn matching(
    select: &Select,
    table: &TableRef,
    relation: &RelationSnapshot,
    bind: &dyn Bind,
) -> Option<Vec<Arc<File>>> {
    let partitions: Vec<_> = relation
        .columns
        .iter()
        .filter(|column| column.partition)
        .collect();
    if partitions.is_empty() || !table.column_aliases.is_empty() || relation.files.is_empty() {
        return None;
    }
    let alone = matches!(select.from.kind, TableRefKind::Scan { .. });
    let conditions: Vec<String> = visit::conjuncts(select.where_clause.as_ref()?)
        .into_iter()
        .filter(|conjunct| {
            let mut columns = 0;
            let mut other = false;
            visit::walk(Node::Expr(conjunct), &mut |node| {
                if let Node::Expr(Expr { kind, .. }) = node {
                    match kind {
                        ExprKind::ColumnRef(names) => {
                            let name = match &names[..] {
                                [name] if alone => Some(name),
                                [qualifier, name]
                                    if qualifier.eq_ignore_ascii_case(&table.alias) =>
                                {
                                    Some(name)
                                }
                                _ => None,
                            };
                            let known = name.is_some_and(|name| {
                                partitions
                                    .iter()
                                    .any(|column| column.name.eq_ignore_ascii_case(name))
                            });
                            columns += 1;
                            other |= !known;
                        }
                        ExprKind::Subquery(_) | ExprKind::Lambda { .. } => other = true,
                        _ => {}
                    }
                }
                Descend::Into
            });
            columns > 0 && !other
        })
        .map(print::expr_sql)
        .collect();
    if conditions.is_empty() {
        return None;
    }
    let rows: Vec<String> = relation
        .files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let values: Vec<String> = partitions
                .iter()
                .map(|column| {
                    let value = file.partition.get(&column.name).and_then(Option::as_ref);
                    value.map_or_else(|| "NULL".to_owned(), |value| quote(value))
                })
                .collect();
            format!("({index}, {})", values.join(", "))
        })
        .collect();
    let names: Vec<String> = (0..partitions.len())
        .map(|index| format!("__v{index}"))
        .collect();
    let typed: Vec<String> = partitions
        .iter()
        .zip(&names)
        .map(|(column, name)| {
            format!(
                "CAST({name} AS {}) AS {}",
                column.ty,
                identifier(&column.name)
            )
        })
        .collect();
    let sql = format!(
        "SELECT __i FROM (SELECT __i, {} FROM (VALUES {}) AS __v(__i, {})) AS {} WHERE {} ORDER BY __i",
        typed.join(", "),
        rows.join(", "),
        names.join(", "),
        identifier(&table.alias),
        conditions.join(" AND "),
    );
    let kept = bind.indices(&sql).ok()?;
    Some(
        kept.into_iter()
            .filter_map(|index| relation.files.get(index).map(Arc::clone))
            .collect(),
    )
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
