//! Columns that follow from a primary key in GROUP BY, as `check_functional_grouping` finds them.
//!
//! ```text
//! SELECT o.id, o.total, count(*) FROM orders o JOIN … GROUP BY o.id
//!   ─►                                         … GROUP BY o.id, o.total
//! ```
//!
//! Nobody checks that a declared key has each value once. Where it has not, there is a group for each of the
//! rows that differ, rather than one with a value that stands for none of them. Applies to the tree as parsed.

use std::collections::BTreeSet;

use crate::aggregates::is_aggregate;
use crate::ast::visit::{Descend, Node, NodeMut, walk, walk_mut};
use crate::ast::{Expr, ExprKind, Modifier, Query, QueryBody, Select, TableRef, TableRefKind};

/// The columns of a relation, and those of its primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// All of them.
    pub columns: Vec<String>,
    /// Those of the key; not empty.
    pub key: Vec<String>,
}

/// A relation in FROM.
struct Source {
    alias: String,
    of: Keyed,
}

/// Adds such columns to GROUP BY; whether there were any. `keyed` gives what is known of a relation with a
/// primary key, by schema and name.
pub fn group_dependents(query: &mut Query, keyed: &dyn Fn(&str, &str) -> Option<Keyed>) -> bool {
    let hidden = common_tables(query);
    let keyed = |schema: &str, name: &str| {
        let is_hidden = schema.is_empty() && hidden.contains(&name.to_ascii_lowercase());
        if is_hidden { None } else { keyed(schema, name) }
    };
    let mut changed = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Query(Query {
            body: QueryBody::Select(select),
            modifiers,
            ..
        }) = node
            && let [set] = select.grouping_sets.as_slice()
            && !set.is_empty()
        {
            changed |= within(select, modifiers, &keyed);
        }
        Descend::Into
    });
    changed
}

/// Names of common table expressions, which hide relations.
fn common_tables(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    walk(Node::Query(query), &mut |node| {
        if let Node::Query(query) = node {
            names.extend(query.ctes.iter().map(|cte| cte.name.to_ascii_lowercase()));
        }
        Descend::Into
    });
    names
}

fn within(
    select: &mut Select,
    modifiers: &[Modifier],
    keyed: &dyn Fn(&str, &str) -> Option<Keyed>,
) -> bool {
    let mut sources = Vec::new();
    add_sources(&select.from, keyed, &mut sources);
    if sources.is_empty() {
        return false;
    }
    let grouped: Vec<Vec<String>> = select
        .group_by
        .iter()
        .filter_map(|expr| grouped_column(expr, select))
        .collect();
    sources.retain(|source| {
        let is_grouped = |name: &String| {
            grouped
                .iter()
                .any(|it| source.column(it) == Some(name.as_str()))
        };
        source.of.key.iter().all(is_grouped)
    });
    let mut wanted: Vec<[String; 2]> = Vec::new();
    for source in &sources {
        for name in source.used(select, modifiers) {
            let is_grouped = grouped
                .iter()
                .any(|it| source.column(it) == Some(name.as_str()));
            if !is_grouped {
                wanted.push([source.alias.clone(), name]);
            }
        }
    }
    let is_changed = !wanted.is_empty();
    for names in wanted {
        select.grouping_sets[0].push(select.group_by.len());
        let column = ExprKind::ColumnRef(names.into());
        select.group_by.push(Expr::from(column));
    }
    is_changed
}

fn add_sources(
    table: &TableRef,
    keyed: &dyn Fn(&str, &str) -> Option<Keyed>,
    found: &mut Vec<Source>,
) {
    match &table.kind {
        TableRefKind::Table { schema, name, .. } if table.column_aliases.is_empty() => {
            if let Some(of) = keyed(schema, name) {
                let alias = if table.alias.is_empty() {
                    name
                } else {
                    &table.alias
                };
                found.push(Source {
                    alias: alias.clone(),
                    of,
                });
            }
        }
        TableRefKind::Join(join) if table.alias.is_empty() => {
            add_sources(&join.left, keyed, found);
            add_sources(&join.right, keyed, found);
        }
        _ => {}
    }
}

/// The name of the column that stands in GROUP BY, there itself or by the number of a result column.
fn grouped_column(expr: &Expr, select: &Select) -> Option<Vec<String>> {
    match &expr.kind {
        ExprKind::ColumnRef(names) => Some(names.clone()),
        ExprKind::Constant(constant) => {
            let number = usize::try_from(constant.value.as_i64()?).ok()?;
            match &select.select_list.get(number.checked_sub(1)?)?.kind {
                ExprKind::ColumnRef(names) => Some(names.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

impl Source {
    /// The column of this relation that a name means.
    fn column(&self, names: &[String]) -> Option<&str> {
        let (name, before) = names.split_last()?;
        if before
            .last()
            .is_some_and(|relation| !relation.eq_ignore_ascii_case(&self.alias))
        {
            return None;
        }
        let columns = self.of.columns.iter();
        columns
            .map(String::as_str)
            .find(|column| column.eq_ignore_ascii_case(name))
    }

    /// The columns that are used where groups are: outside of aggregates.
    fn used(&self, select: &Select, modifiers: &[Modifier]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for item in &select.select_list {
            if let ExprKind::Star(star) = &item.kind
                && (star.relation.is_empty() || star.relation.eq_ignore_ascii_case(&self.alias))
            {
                found.extend(self.of.columns.iter().cloned());
            }
        }
        let mut exprs: Vec<&Expr> = select.select_list.iter().collect();
        exprs.extend(&select.having);
        exprs.extend(&select.qualify);
        for modifier in modifiers {
            match modifier {
                Modifier::Distinct(targets) => exprs.extend(targets),
                Modifier::OrderBy(orders) => exprs.extend(orders.iter().map(|it| &it.expr)),
                Modifier::Limit { .. } | Modifier::LimitPercent { .. } => {}
            }
        }
        for expr in exprs {
            let mut is_inner = false;
            walk(Node::Expr(expr), &mut |node| match node {
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::Function(call) if is_aggregate(&call.name) => Descend::Over,
                    ExprKind::ColumnRef(names) => {
                        // Inside of a subquery a bare name may be of a relation there.
                        if names.len() > 1 || !is_inner {
                            found.extend(self.column(names).map(str::to_owned));
                        }
                        Descend::Into
                    }
                    _ => Descend::Into,
                },
                Node::Query(_) => {
                    is_inner = true;
                    Descend::Into
                }
                Node::Table(_) => Descend::Into,
            });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};

    use super::*;
    use crate::ast::{json, print};

    fn keyed(_: &str, name: &str) -> Option<Keyed> {
        let texts = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        match name {
            "orders" => Some(Keyed {
                columns: texts(&["id", "total", "customer"]),
                key: texts(&["id"]),
            }),
            "lines" => Some(Keyed {
                columns: texts(&["id", "line", "part"]),
                key: texts(&["id", "line"]),
            }),
            _ => None,
        }
    }

    fn connection() -> Connection {
        let database = Database::open(&DatabaseOptions::default()).expect("opens");
        database.connect().expect("connects")
    }

    #[test]
    fn what_follows_from_a_key_is_grouped() {
        let connection = connection();
        for (given, wanted) in [
            (
                "SELECT o.id, o.total, count(*) FROM orders o GROUP BY o.id",
                Some("o.id, o.total"),
            ),
            (
                "SELECT o.*, sum(l.part) FROM orders o JOIN lines l ON l.id = o.id GROUP BY 1",
                None,
            ),
            (
                "SELECT o.id, sum(l.part) FROM orders o JOIN lines l ON l.id = o.id GROUP BY 1 \
                 HAVING o.customer > 1 ORDER BY o.total",
                Some("1, o.customer, o.total"),
            ),
            (
                "SELECT o.id, l.part, max(o.total) FROM orders o, lines l \
                 GROUP BY l.line, o.id, l.id",
                Some("l.line, o.id, l.id, l.part"),
            ),
            (
                "SELECT *, count(*) FROM orders GROUP BY id",
                Some("id, orders.customer, orders.total"),
            ),
            // Half of a key, no key, another relation of that name.
            ("SELECT part FROM lines GROUP BY id", None),
            ("SELECT total FROM orders GROUP BY customer", None),
            (
                "WITH orders AS (SELECT 1 AS id, 2 AS total) SELECT total FROM orders GROUP BY id",
                None,
            ),
            // Within aggregates every column goes.
            ("SELECT sum(total) FROM orders GROUP BY id", None),
            (
                "SELECT total FROM orders GROUP BY GROUPING SETS ((id), ())",
                None,
            ),
        ] {
            let Parsed::Select(tree) = connection.parse(given).expect("DuckDB answers") else {
                panic!("{given}: a query");
            };
            let mut query = json::read(&tree).expect("reads").remove(0);
            let changed = group_dependents(&mut query, &keyed);
            assert_eq!(changed, wanted.is_some(), "{given}");
            if let Some(wanted) = wanted {
                let sql = print::query_sql(&query);
                let groups = sql.split("GROUP BY ").nth(1).expect("it groups");
                let groups = groups.split(" HAVING").next().expect("a part");
                assert_eq!(groups.trim_end(), wanted, "{given}");
            }
        }
    }
}
