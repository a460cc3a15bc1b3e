//! `(a, b) IN (SELECT x, y …)` as a value, and `NOT IN`, where there are NULLs.
//!
//! A row is certainly not among others if a field differs from each of them. DuckDB 1.5.5 says NULL as soon as
//! there is a NULL in any of the rows or in the row that is looked for, so that `NOT IN` leaves out rows it should
//! keep. Whether a row *is* among the others it knows, and for single values it knows everything, so the rest is
//! asked by single values, each time for the rows with a NULL in the other field:
//!
//! ```text
//! (a, b) NOT IN (SELECT x, y FROM t)
//! ((a, b) IN (SELECT x, y FROM t)) IS NOT TRUE
//!   AND b NOT IN (SELECT y FROM t WHERE x IS NULL) AND (a IS NOT NULL OR b NOT IN (SELECT y FROM t))
//!   AND a NOT IN (SELECT x FROM t WHERE y IS NULL) AND (b IS NOT NULL OR a NOT IN (SELECT x FROM t))
//! ```
//!
//! Rows of more fields are compared one by one, but only where either has a NULL. What would be other rows each
//! time it is asked for (`random()`, LIMIT without ORDER BY) stays, as do rows of more than two fields that are computed from groups.
//!
//! A subquery with columns of an outer query DuckDB refuses to look for a row in. [`ask_one_by_one`] writes those as
//! EXISTS when that is known, before the statement is planned.
//!
//! `(a, b) <> ANY (…)` is `a <> ANY (…) OR b <> ANY (…)`. Rows that are compared by order are asked for one by one:
//! DuckDB takes NULL for the greatest value there.

use super::places::{self, Place, Truth};
use crate::ast::visit::{Node, any, is_aggregate};
use crate::ast::{
    Comparison, Expr, ExprKind, Modifier, Query, QueryBody, Subquery, SubqueryKind, TableRefKind,
};
use crate::build::{and, is_not_null, is_null, query, select, table};
use crate::postgres::compare_rows;

/// The relation that rows are called, where they cannot be asked for without.
const ROWS: &str = "__m";

/// Rewrites a lookup of a row, or the NOT before one.
pub(super) fn repair(expr: &mut Expr, place: Place) {
    let certain = |expr: &Expr| match &expr.kind {
        ExprKind::Subquery(subquery) => Lookup::of(subquery)?.certainly_not(),
        _ => None,
    };
    match &expr.kind {
        ExprKind::Operator { op, children }
            if op == "OPERATOR_NOT" && place.truth != Truth::Value && !place.negated =>
        {
            let Some((lookup, not)) = children.first().and_then(|it| Some((it, certain(it)?)))
            else {
                return;
            };
            let absent =
                Expr::comparison(Comparison::Distinct, lookup.clone(), Expr::boolean(true));
            expr.kind = Expr::and(vec![absent, not]).kind;
        }
        ExprKind::Subquery(subquery) if subquery.comparison == Some(Comparison::NotEqual) => {
            if let Some(each) = Lookup::of(subquery).and_then(|lookup| lookup.any_differs()) {
                expr.kind = each.kind;
            }
        }
        ExprKind::Subquery(subquery) if subquery.comparison.is_some_and(is_order) => {
            if let Some(each) = Lookup::of(subquery).and_then(|lookup| lookup.by_order(place)) {
                expr.kind = each.kind;
            }
        }
        ExprKind::Subquery(_) if place.truth == Truth::Value => {
            let Some(not) = certain(expr) else { return };
            let lookup = std::mem::replace(expr, Expr::null());
            let (alias, location) = (lookup.alias.clone(), lookup.location);
            *expr = Expr::from(ExprKind::Case {
                checks: vec![(lookup, Expr::boolean(true)), (not, Expr::boolean(false))],
                otherwise: Box::new(Expr::null().cast_to("BOOLEAN")),
            });
            (expr.alias, expr.location) = (alias, location);
        }
        _ => {}
    }
}

/// Asks for each row by EXISTS, which DuckDB can do where the subquery has columns of an outer query; whether there
/// is anything to bind again.
pub fn ask_one_by_one(query: &mut Query) -> bool {
    let mut asked = false;
    places::each(query, &mut |expr, place| {
        let exists = match &expr.kind {
            ExprKind::Subquery(subquery) => Lookup::of(subquery)
                .filter(|lookup| lookup.comparison == Comparison::Equal)
                .map(|lookup| lookup.one_by_one(place)),
            _ => None,
        };
        if let Some(exists) = exists {
            expr.kind = exists.kind;
            asked = true;
        }
    });
    asked
}

/// Conditions for a row not to differ for certain.
fn alike<'a>(own: &'a [Expr], theirs: &'a [Expr]) -> impl Iterator<Item = Expr> + 'a {
    theirs.iter().zip(own).map(|(their, own)| {
        let equal = Expr::comparison(Comparison::Equal, their.clone(), own.clone());
        Expr::comparison(Comparison::Distinct, equal, Expr::boolean(false))
    })
}

/// A row, and the rows it is looked for among.
struct Lookup<'a> {
    fields: &'a [Expr],
    rows: &'a Query,
    comparison: Comparison,
}

impl<'a> Lookup<'a> {
    fn of(subquery: &'a Subquery) -> Option<Self> {
        let comparison = subquery.comparison?;
        let ExprKind::Function(call) = &subquery.child.as_ref()?.kind else {
            return None;
        };
        let is_row = call.name == "row"
            && call.args.len() > 1
            && call.args.iter().all(|arg| arg.alias.is_empty());
        let known = subquery.kind == SubqueryKind::Any
            && (matches!(comparison, Comparison::Equal | Comparison::NotEqual)
                || is_order(comparison));
        (is_row && known && is_stable(&subquery.query)).then_some(Self {
            fields: &call.args,
            rows: &subquery.query,
            comparison,
        })
    }

    /// What is true, beside that the row is not found, if it is certainly not among the rows.
    fn certainly_not(&self) -> Option<Expr> {
        if self.comparison != Comparison::Equal {
            return None;
        }
        let conditions = match self.fields {
            [_, _] => {
                let mut conditions = Vec::new();
                for (field, other) in [(1, 0), (0, 1)] {
                    conditions.push(negated(self.single(field, Some(other))));
                    conditions.push(or(vec![
                        is_not_null(bare(&self.fields[other])),
                        negated(self.single(field, None)),
                    ]));
                }
                conditions
            }
            fields if fields.iter().all(is_plain) => {
                let own = fields.iter().map(bare).collect::<Vec<_>>();
                let theirs = self
                    .names()
                    .iter()
                    .map(|name| column(name))
                    .collect::<Vec<_>>();
                vec![
                    self.none_alike(&own, &theirs, &theirs),
                    self.none_alike(&own, &theirs, &own),
                ]
            }
            _ => return None,
        };
        Some(Expr::and(conditions))
    }

    /// Whether some row differs in some field.
    fn any_differs(&self) -> Option<Expr> {
        let fields = 0..self.fields.len();
        (self.comparison == Comparison::NotEqual)
            .then(|| or(fields.map(|field| self.single(field, None)).collect()))
    }

    /// The same question for one field, among the rows where another is NULL.
    fn single(&self, field: usize, null: Option<usize>) -> Expr {
        Expr::from(ExprKind::Subquery(Box::new(Subquery {
            kind: SubqueryKind::Any,
            query: self.column(field, null),
            child: Some(bare(&self.fields[field])),
            comparison: Some(self.comparison),
        })))
    }

    /// `SELECT field FROM rows WHERE null IS NULL`
    fn column(&self, field: usize, null: Option<usize>) -> Query {
        if let Some(mut rows) = self.in_place() {
            if let QueryBody::Select(block) = &mut rows.body {
                let condition = null.map(|null| is_null(bare(&block.select_list[null])));
                block.where_clause = and(block.where_clause.take(), condition);
                block.select_list = vec![block.select_list.swap_remove(field)];
            }
            return rows;
        }
        let names = self.names();
        let mut block = select(vec![column(&names[field])], self.named_rows());
        block.where_clause = null.map(|null| is_null(column(&names[null])));
        query(block, Vec::new())
    }

    /// The rows, if the items of their select list can be left out and tested one by one.
    fn in_place(&self) -> Option<Query> {
        let QueryBody::Select(block) = &self.rows.body else {
            return None;
        };
        let plain = self.rows.modifiers.is_empty()
            && block.select_list.len() == self.fields.len()
            && block.select_list.iter().all(is_plain)
            && block.group_by.is_empty()
            && block.grouping_sets.is_empty()
            && !block.group_by_all
            && block.having.is_none()
            && block.qualify.is_none();
        plain.then(|| self.rows.clone())
    }

    fn names(&self) -> Vec<String> {
        let fields = 0..self.fields.len();
        fields.map(|field| format!("{ROWS}{field}")).collect()
    }

    fn named_rows(&self) -> crate::ast::TableRef {
        let mut rows = table(TableRefKind::Subquery(Box::new(self.rows.clone())), ROWS);
        rows.column_aliases = self.names();
        rows
    }

    /// There is no row that does not certainly differ, among those where one of `nulls` is NULL.
    fn none_alike(&self, own: &[Expr], theirs: &[Expr], nulls: &[Expr]) -> Expr {
        let mut conditions = vec![or(nulls.iter().cloned().map(is_null).collect())];
        conditions.extend(alike(own, theirs));
        negated(self.exists(conditions))
    }

    /// Whether there is a row for which all of these hold.
    fn exists(&self, conditions: Vec<Expr>) -> Expr {
        let mut block = select(vec![Expr::integer(1)], self.named_rows());
        block.where_clause = Some(Expr::and(conditions));
        Expr::from(ExprKind::Subquery(Box::new(Subquery {
            kind: SubqueryKind::Exists,
            query: query(block, Vec::new()),
            child: None,
            comparison: None,
        })))
    }

    /// The lookup without one: whether there is a row that is equal, and where there is none, that may be.
    fn one_by_one(&self, place: Place) -> Expr {
        let own: Vec<Expr> = self.fields.iter().map(bare).collect();
        let theirs: Vec<Expr> = self.names().iter().map(|name| column(name)).collect();
        let equal = theirs
            .iter()
            .zip(&own)
            .map(|(their, own)| Expr::comparison(Comparison::Equal, their.clone(), own.clone()));
        let perhaps = alike(&own, &theirs).collect();
        self.found(equal.collect(), perhaps, place)
    }

    /// Whether there is a row before or behind which the fields come.
    fn by_order(&self, place: Place) -> Option<Expr> {
        if !self.fields.iter().all(is_plain) {
            return None;
        }
        let own = self.fields.iter().map(bare).collect();
        let theirs = self.names().iter().map(|name| column(name)).collect();
        let [own, theirs] = [own, theirs].map(|fields| Expr::function("row", fields));
        let mut holds = Expr::comparison(self.comparison, own, theirs);
        compare_rows(&mut holds);
        let perhaps = Expr::comparison(Comparison::Distinct, holds.clone(), Expr::boolean(false));
        Some(self.found(vec![holds], vec![perhaps], place))
    }

    /// Whether there is a row for which `certain` holds, and where there is none, for which `perhaps` does.
    fn found(&self, certain: Vec<Expr>, perhaps: Vec<Expr>, place: Place) -> Expr {
        let found = self.exists(certain);
        if place.truth == Truth::Condition && !place.negated {
            return found;
        }
        let perhaps = self.exists(perhaps);
        Expr::from(ExprKind::Case {
            checks: vec![
                (found, Expr::boolean(true)),
                (perhaps, Expr::null().cast_to("BOOLEAN")),
            ],
            otherwise: Box::new(Expr::boolean(false)),
        })
    }
}

/// Whether a query gives the same rows each time.
fn is_stable(rows: &Query) -> bool {
    crate::split::volatile_part(rows).is_none()
        && !any(Node::Query(rows), &mut |node| match node {
            Node::Query(query) => {
                let has = |wanted: fn(&Modifier) -> bool| query.modifiers.iter().any(wanted);
                has(is_limit) && !has(|modifier| matches!(modifier, Modifier::OrderBy(_)))
            }
            _ => false,
        })
}

fn is_order(comparison: Comparison) -> bool {
    matches!(
        comparison,
        Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual
    )
}

fn is_limit(modifier: &Modifier) -> bool {
    matches!(
        modifier,
        Modifier::Limit { .. } | Modifier::LimitPercent { .. }
    )
}

/// Whether an expression is one of a single row, so that it may stand in a WHERE.
fn is_plain(expr: &Expr) -> bool {
    !any(Node::Expr(expr), &mut |node| match node {
        Node::Query(_) => true,
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Window(_) | ExprKind::Star(_) => true,
            ExprKind::Function(call) => is_aggregate(&call.name) || call.name == "unnest",
            _ => false,
        },
        Node::Table(_) => false,
    })
}

fn bare(expr: &Expr) -> Expr {
    expr.clone().named("")
}

fn column(name: &str) -> Expr {
    Expr::column([ROWS, name])
}

fn negated(child: Expr) -> Expr {
    Expr::from(ExprKind::Operator {
        op: "OPERATOR_NOT".to_owned(),
        children: vec![child],
    })
}

fn or(children: Vec<Expr>) -> Expr {
    Expr::from(ExprKind::Conjunction {
        and: false,
        children,
    })
}
