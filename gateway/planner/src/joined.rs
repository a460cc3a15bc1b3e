//! About how many rows a join may have to keep in memory.
//!
//! DuckDB 1.5.5 fills the hash table of a join without looking whether the statement is still wanted, which takes
//! a second for some ten million rows on one thread. Executors have it filled in parts, each of which can be stopped
//! after, where [`rows`] says that there may be so many; see [`skein_executor_api::Fragment::joined_rows`].
//!
//! ```text
//! big JOIN bigger ON …           the rows of big: DuckDB keeps the smaller side
//! big, small                     nothing: without a condition there is no hash table
//! (big, small) JOIN bigger ON …  the rows of big times those of small, or of bigger if that is less
//! bigger WHERE a IN (big)        the rows of big
//! ```
//!
//! An estimate from above, by the rows of what is read: only keys of groups and LIMIT make it less, since filters
//! may keep every row.

use std::collections::HashMap;

use crate::ast::visit::{Descend, Node, any, conjuncts, is_aggregate, walk};
use crate::ast::{
    Comparison, Expr, ExprKind, Join, JoinKind, JoinSyntax, Modifier, Query, QueryBody, Select,
    SetOperationKind, TableRef, TableRefKind,
};

/// How many rows there are for each group.
pub(crate) const ROWS_PER_GROUP: u64 = 10;

/// About how many rows the hash table of a join in `query` may have; 0 if there is none. `known` gives the rows of
/// relations and inputs; those of series are found here.
pub fn rows(query: &Query, known: &dyn Fn(&TableRef) -> Option<u64>) -> u64 {
    let mut joins = Joins {
        known,
        tables: HashMap::new(),
        kept: 0,
    };
    joins.query(query);
    joins.kept
}

struct Joins<'a> {
    known: &'a dyn Fn(&TableRef) -> Option<u64>,
    /// The rows of common table expressions, by name. One that hides another is taken for it.
    tables: HashMap<String, u64>,
    /// The most rows of any hash table so far.
    kept: u64,
}

impl Joins<'_> {
    /// The rows of a query.
    fn query(&mut self, query: &Query) -> u64 {
        for cte in &query.ctes {
            let rows = self.query(&cte.query);
            self.tables.insert(cte.name.clone(), rows);
        }
        let mut rows = match &query.body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::SetOperation { kind, operands, .. } => {
                let rows: Vec<u64> = operands.iter().map(|operand| self.query(operand)).collect();
                if matches!(
                    kind,
                    SetOperationKind::Union | SetOperationKind::UnionByName
                ) {
                    rows.into_iter().fold(0, u64::saturating_add)
                } else {
                    let others = rows.get(1..).unwrap_or_default();
                    self.keeps(others.iter().copied().max().unwrap_or(0));
                    rows.first().copied().unwrap_or(0)
                }
            }
            QueryBody::RecursiveCte { left, right, .. } => {
                self.query(left).saturating_add(self.query(right))
            }
        };
        for modifier in &query.modifiers {
            if let Modifier::Limit {
                limit: Some(limit), ..
            } = modifier
            {
                rows = rows.min(integer(limit).unwrap_or(u64::MAX));
            }
        }
        rows
    }

    fn select(&mut self, select: &Select) -> u64 {
        let mut items = Vec::new();
        self.items(&select.from, &mut items);
        let conditions = select.where_clause.as_ref().map_or(0, equalities);
        let rows = self.joined(items, conditions);
        let clauses = [&select.where_clause, &select.having, &select.qualify];
        let exprs = clauses.into_iter().flatten().chain(&select.select_list);
        let mut aggregates = false;
        for expr in exprs {
            aggregates |= self.subqueries(expr);
        }
        if !select.group_by.is_empty() || select.group_by_all {
            rows / ROWS_PER_GROUP
        } else if aggregates {
            1
        } else {
            rows
        }
    }

    /// Looks at the subqueries in an expression. Returns whether it has an aggregate.
    fn subqueries(&mut self, expr: &Expr) -> bool {
        let mut aggregates = false;
        walk(Node::Expr(expr), &mut |node| match node {
            Node::Expr(Expr {
                kind: ExprKind::Subquery(subquery),
                ..
            }) => {
                let rows = self.query(&subquery.query);
                self.keeps(rows);
                Descend::Over
            }
            Node::Expr(Expr {
                kind: ExprKind::Function(call),
                ..
            }) => {
                aggregates |= is_aggregate(&call.name);
                Descend::Into
            }
            _ => Descend::Into,
        });
        aggregates
    }

    /// The rows of each item of `FROM`, those of a cross join apart.
    fn items(&mut self, table: &TableRef, items: &mut Vec<u64>) {
        match &table.kind {
            TableRefKind::Join(join)
                if join.syntax == JoinSyntax::Cross && join.condition.is_none() =>
            {
                self.items(&join.left, items);
                self.items(&join.right, items);
            }
            _ => {
                let rows = self.table(table);
                items.push(rows);
            }
        }
    }

    /// The rows of items of which so many equalities join one with another; the rest is multiplied.
    fn joined(&mut self, mut items: Vec<u64>, equalities: usize) -> u64 {
        items.sort_unstable_by_key(|rows| std::cmp::Reverse(*rows));
        let joined = equalities.min(items.len().saturating_sub(1));
        if joined > 0 {
            self.keeps(items[1]);
        }
        let mut rows = items.first().copied().unwrap_or(1);
        for more in items.iter().skip(1 + joined) {
            rows = rows.saturating_mul((*more).max(1));
        }
        rows
    }

    fn table(&mut self, table: &TableRef) -> u64 {
        match &table.kind {
            TableRefKind::Empty => 1,
            TableRefKind::Table { name, .. } => match self.tables.get(name.as_str()) {
                Some(rows) => *rows,
                None => (self.known)(table).unwrap_or(0),
            },
            TableRefKind::Subquery(query) => self.query(query),
            TableRefKind::Join(join) => self.join(join),
            TableRefKind::Function { call, .. } => series(call).unwrap_or(0),
            TableRefKind::Values { rows } => rows.len() as u64,
            TableRefKind::Pivot(pivot) => self.table(&pivot.source),
            TableRefKind::Show { .. } => 0,
            TableRefKind::Scan { .. } | TableRefKind::Input { .. } => {
                (self.known)(table).unwrap_or(0)
            }
        }
    }

    fn join(&mut self, join: &Join) -> u64 {
        let mut sides = Vec::new();
        self.items(&join.left, &mut sides);
        let left = self.joined(std::mem::take(&mut sides), 0);
        self.items(&join.right, &mut sides);
        let right = self.joined(sides, 0);
        if let Some(condition) = &join.condition {
            self.subqueries(condition);
        }
        match join.kind {
            JoinKind::Semi | JoinKind::Anti => {
                self.keeps(right);
                left
            }
            _ => {
                self.keeps(left.min(right));
                left.max(right)
            }
        }
    }

    fn keeps(&mut self, rows: u64) {
        self.kept = self.kept.max(rows);
    }
}

/// How many equalities of a condition have a column on both sides.
fn equalities(condition: &Expr) -> usize {
    let has_column = |expr: &Expr| {
        any(
            Node::Expr(expr),
            &mut |node| matches!(node, Node::Expr(expr) if matches!(expr.kind, ExprKind::ColumnRef(_))),
        )
    };
    let joins = |expr: &&Expr| {
        matches!(&expr.kind, ExprKind::Comparison { op: Comparison::Equal, left, right }
            if has_column(left) && has_column(right))
    };
    conjuncts(condition)
        .iter()
        .filter(|expr| joins(expr))
        .count()
}

/// A constant that is no less than 0.
fn integer(expr: &Expr) -> Option<u64> {
    match &expr.kind {
        ExprKind::Constant(constant) => constant.value.as_u64(),
        _ => None,
    }
}

/// The rows of `generate_series` and `range` between constants.
fn series(call: &Expr) -> Option<u64> {
    let ExprKind::Function(call) = &call.kind else {
        return None;
    };
    if !matches!(call.name.as_str(), "generate_series" | "range") {
        return None;
    }
    let constant = |index: usize| match &call.args.get(index)?.kind {
        ExprKind::Constant(constant) => constant.value.as_i64(),
        _ => None,
    };
    let (from, to) = match call.args.len() {
        1 => (0, constant(0)?),
        _ => (constant(0)?, constant(1)?),
    };
    let step = if call.args.len() > 2 { constant(2)? } else { 1 };
    Some(to.abs_diff(from) / step.unsigned_abs().max(1))
}

#[cfg(test)]
mod tests {
    use skein_executor::engine::{Database, DatabaseOptions, Parsed};

    use super::*;
    use crate::ast::json;

    #[test]
    fn the_smaller_side_counts() {
        let known = |table: &TableRef| match &table.kind {
            TableRefKind::Table { name, .. } => match name.as_str() {
                "big" => Some(20),
                "bigger" => Some(50),
                "small" => Some(3),
                _ => None,
            },
            _ => None,
        };
        let database = Database::open(&DatabaseOptions::default()).expect("opens");
        let engine = database.connect().expect("connects");
        for (sql, expected) in [
            ("SELECT 1 FROM big", 0),
            ("SELECT 1 FROM big, bigger", 0),
            ("SELECT 1 FROM big UNION ALL SELECT 1 FROM bigger", 0),
            ("SELECT 1 FROM bigger EXCEPT SELECT 1 FROM big", 20),
            ("SELECT 1 FROM big JOIN bigger USING (a)", 20),
            (
                "SELECT 1 FROM small, big b, bigger c WHERE b.a = c.a AND b.c = 1",
                20,
            ),
            ("SELECT 1 FROM bigger WHERE a IN (SELECT a FROM big)", 20),
            (
                "SELECT 1 FROM bigger WHERE a IN (SELECT a FROM big GROUP BY a)",
                2,
            ),
            (
                "SELECT 1 FROM bigger WHERE a IN (SELECT a FROM big LIMIT 4)",
                4,
            ),
            ("SELECT (SELECT max(a) FROM big) FROM bigger", 1),
            (
                "SELECT 1 FROM (SELECT a FROM big) x JOIN (SELECT a FROM bigger) y USING (a)",
                20,
            ),
            (
                "SELECT 1 FROM (SELECT a FROM small, small s) x JOIN big USING (a)",
                9,
            ),
            (
                "WITH c AS (SELECT a FROM big) SELECT 1 FROM c JOIN small USING (a)",
                3,
            ),
            (
                "WITH c AS (SELECT a FROM big) SELECT 1 FROM c x JOIN c y USING (a)",
                20,
            ),
            (
                "SELECT 1 FROM range(30) a JOIN generate_series(5, 45, 2) b ON true",
                20,
            ),
            ("SELECT 1 FROM generate_series(1, a) a JOIN big ON true", 0),
        ] {
            let Parsed::Select(text) = engine.parse(sql).expect("the parser answers") else {
                panic!("{sql} is no SELECT");
            };
            let queries = json::read(&text).expect("the tree is known");
            assert_eq!(rows(&queries[0], &known), expected, "{sql}");
        }
    }
}
