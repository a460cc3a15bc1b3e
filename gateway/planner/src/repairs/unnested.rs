//! Rows that are made from each row before them: functions over columns in FROM, `LATERAL (VALUES …)`.
//!
//! To DuckDB 1.5.5 they are a join with what is made of each distinct argument. The rows come in the order of its hash
//! table then, not in that of the list, and it costs many times what the list does. A list that is unnested where it
//! is selected keeps the order of both:
//!
//! ```text
//! FROM t CROSS JOIN (SELECT unnest(f(t.a)) AS e) AS e WHERE e.e > 1
//! FROM (SELECT * EXCLUDE (u), u AS c
//!       FROM (SELECT * EXCLUDE (l), unnest(l) AS u FROM (SELECT *, f(t.a) AS l FROM t) AS t) AS t) AS t WHERE t.c > 1
//! ```
//!
//! The names `l`, `u` and `c` are no client's: `__l0_0`, the first list of the first such item. Where there are several
//! relations before it, what they are called ends with the subquery, and their columns get names as well, see
//! [`renamed`].
//!
//! Invariants: what cannot be put so in every detail stays as it is. Conditions that filter the rows before are
//! computed before the list, as DuckDB pushes them below.

mod renamed;
mod rows;

use crate::ast::visit::{Descend, Node, NodeMut, any, walk_mut};
use crate::ast::{
    Comparison, Expr, ExprKind, Join, JoinKind, JoinSyntax, Query, QueryBody, Select, Star,
    TableRef, TableRefKind,
};
use crate::build::{no_table, query, select, table};
use renamed::Renaming;
use rows::Rows;

/// Items of one FROM that are put so; more stay joins.
const ITEMS_MAX: usize = 16;

/// Whether a relation of FROM may be such a join.
pub(super) fn may_concern(join: &Join) -> bool {
    rows::may_be(&join.right)
}

/// Rewrites every block of a statement.
pub(super) fn repair(statement: &mut Query) {
    let mut is_statement = true;
    let mut count = 0;
    walk_mut(NodeMut::Query(statement), &mut |node| {
        if let NodeMut::Query(query) = node {
            let is_inner = !std::mem::take(&mut is_statement);
            for _ in 0..ITEMS_MAX {
                let Some(better) = without_join(query, is_inner, count) else {
                    break;
                };
                *query = better;
                count += 1;
            }
        }
        Descend::Into
    });
}

/// A block in which the first such item is none any more. `number` is one that no other has.
fn without_join(outer: &Query, is_inner: bool, number: usize) -> Option<Query> {
    let QueryBody::Select(block) = &outer.body else {
        return None;
    };
    if !joins(&block.from) {
        return None;
    }
    let mut outer = outer.clone();
    let QueryBody::Select(block) = &mut outer.body else {
        return None;
    };
    let found = take(&mut block.from, is_inner, number)?;
    let mut renaming = Renaming::new(&found, number);
    renaming.block(block, &mut outer.modifiers)?;
    let inner = found.subquery(&mut renaming);
    put(
        &mut block.from,
        table(TableRefKind::Subquery(Box::new(inner)), renaming.name()),
    );
    Some(outer)
}

fn joins(from: &TableRef) -> bool {
    any(Node::Table(from), &mut |node| match node {
        Node::Table(table) => {
            matches!(&table.kind, TableRefKind::Join(join) if may_concern(join))
        }
        Node::Query(_) | Node::Expr(_) => false,
    })
}

/// An item of FROM that is made from what stands before it.
struct Found {
    /// What stands before it.
    left: TableRef,
    /// What the relations there are called.
    members: Vec<String>,
    /// What the item is called.
    alias: String,
    rows: Rows,
    /// Rows without any of it stay, with NULL.
    is_left: bool,
}

impl Found {
    /// Whether there is one relation before it, which keeps its name.
    fn single(&self) -> Option<&str> {
        match self.members.as_slice() {
            [only] if !matches!(self.left.kind, TableRefKind::Join(_)) => Some(only),
            _ => None,
        }
    }

    /// The query that takes the place of both.
    fn subquery(self, renaming: &mut Renaming) -> Query {
        let name = renaming.name().to_owned();
        let Rows {
            lists,
            mut columns,
            mut conditions,
        } = self.rows;
        if lists.is_empty() {
            let mut shown = vec![Expr::star()];
            shown.extend(renaming.qualified());
            shown.extend(renaming.columns(&columns));
            let mut only = select(shown, self.left);
            only.where_clause = all(conditions);
            return query(only, Vec::new());
        }
        let columns_mut = columns.iter_mut().map(|(_, expr)| expr);
        columns_mut
            .chain(&mut conditions)
            .for_each(|expr| renaming.inside(expr));
        let number = renaming.number();
        let names: Vec<String> = (0..lists.len())
            .map(|index| format!("__l{number}_{index}"))
            .collect();
        let elements: Vec<String> = (0..lists.len())
            .map(|index| rows::element(number, index))
            .collect();
        let mut below = vec![Expr::star()];
        below.extend(renaming.qualified());
        below.extend(
            lists
                .into_iter()
                .zip(&names)
                .map(|(list, name)| list.named(name)),
        );
        let below = table(subquery(select(below, self.left)), &name);
        let mut unnested = vec![without(&names)];
        for (name, element) in names.iter().zip(&elements) {
            let mut list = Expr::column([name]);
            if self.is_left {
                list = or_one_null(list, &names);
            }
            unnested.push(Expr::function("unnest", vec![list]).named(element));
        }
        let unnested = table(subquery(select(unnested, below)), &name);
        let mut shown = vec![without(&elements)];
        shown.extend(renaming.columns(&columns));
        let mut shown = select(shown, unnested);
        shown.where_clause = all(conditions);
        query(shown, Vec::new())
    }
}

fn subquery(block: Select) -> TableRefKind {
    TableRefKind::Subquery(Box::new(query(block, Vec::new())))
}

fn all(conditions: Vec<Expr>) -> Option<Expr> {
    (!conditions.is_empty()).then(|| Expr::and(conditions))
}

/// `* EXCLUDE (names)`
fn without(names: &[String]) -> Expr {
    ExprKind::Star(Box::new(Star {
        relation: String::new(),
        exclude: names.iter().map(|name| vec![name.clone()]).collect(),
        replace: Vec::new(),
        rename: Vec::new(),
        columns: false,
        expr: None,
    }))
    .into()
}

/// `CASE WHEN greatest(len(l), …) > 0 THEN list ELSE [NULL] END`
fn or_one_null(list: Expr, all: &[String]) -> Expr {
    let mut lengths: Vec<Expr> = all
        .iter()
        .map(|name| Expr::function("len", vec![Expr::column([name])]))
        .collect();
    let longest = match lengths.len() {
        1 => lengths.remove(0),
        _ => Expr::function("greatest", lengths),
    };
    let is_filled = Expr::comparison(Comparison::Greater, longest, Expr::integer(0));
    ExprKind::Case {
        checks: vec![(is_filled, list)],
        otherwise: Box::new(Expr::function("list_value", vec![Expr::null()])),
    }
    .into()
}

/// Takes the first such item out of FROM, together with what stands before it.
fn take(from: &mut TableRef, is_inner: bool, number: usize) -> Option<Found> {
    let TableRefKind::Join(join) = &mut from.kind else {
        return None;
    };
    if let Some(found) = take(&mut join.left, is_inner, number) {
        return Some(found);
    }
    let found = candidate(join, is_inner, number);
    if found.is_some() {
        *from = no_table();
        return found;
    }
    take(&mut join.right, is_inner, number)
}

fn candidate(join: &Join, is_inner: bool, number: usize) -> Option<Found> {
    let is_left = join.kind == JoinKind::Left;
    if !(is_left || join.kind == JoinKind::Inner)
        || !matches!(join.syntax, JoinSyntax::Cross | JoinSyntax::Regular)
        || !join.using.is_empty()
    {
        return None;
    }
    let mut rows = rows::of(&join.right, number)?;
    let alias = rows::alias(&join.right);
    if let Some(condition) = join.condition.as_ref().filter(|it| !is_true(it)) {
        rows.restrict(condition, &alias)?;
    }
    // All columns of a row that is made up for an empty list are NULL.
    let is_element = |(_, column): &(String, Expr)| rows::is_of_element(column);
    if is_left && !(rows.conditions.is_empty() && rows.columns.iter().all(is_element)) {
        return None;
    }
    let mut members = Vec::new();
    name_members(&join.left, &mut members)?;
    let found = Found {
        left: join.left.clone(),
        members,
        alias,
        rows,
        is_left,
    };
    found.is_lateral(is_inner).then_some(found)
}

impl Found {
    /// Whether it is made from columns of what stands before it.
    fn is_lateral(&self, is_inner: bool) -> bool {
        let columns = self.rows.columns.iter().map(|(_, expr)| expr);
        let exprs = self
            .rows
            .lists
            .iter()
            .chain(columns)
            .chain(&self.rows.conditions);
        let mut is_lateral = false;
        for expr in exprs {
            any(Node::Expr(expr), &mut |node| {
                if let Node::Expr(Expr {
                    kind: ExprKind::ColumnRef(names),
                    ..
                }) = node
                {
                    is_lateral |= match names.as_slice() {
                        [name] => !rows::is_element(name),
                        // A field, or a column of a block around this one.
                        [first, ..] => !is_inner || is_among(&self.members, first),
                        [] => false,
                    };
                }
                false
            });
        }
        is_lateral
    }
}

fn is_true(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => constant.value == true,
        ExprKind::Cast { child, ty, .. } => {
            ty.id() == "BOOLEAN"
                && matches!(&child.kind, ExprKind::Constant(constant) if constant.value == "t")
        }
        _ => false,
    }
}

/// What the relations of a FROM are called. Nothing where one cannot be called, or its rows are not all there.
fn name_members(from: &TableRef, found: &mut Vec<String>) -> Option<()> {
    let name = match &from.kind {
        TableRefKind::Join(join) if from.alias.is_empty() => {
            if matches!(join.kind, JoinKind::Semi | JoinKind::Anti) {
                return name_members(&join.left, found);
            }
            name_members(&join.left, found)?;
            return name_members(&join.right, found);
        }
        TableRefKind::Table { name, .. } if from.alias.is_empty() => name,
        _ => &from.alias,
    };
    if name.is_empty() || is_among(found, name) {
        return None;
    }
    found.push(name.clone());
    Some(())
}

fn is_among(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Puts a relation where [`take`] has taken one.
fn put(from: &mut TableRef, relation: TableRef) -> bool {
    match &mut from.kind {
        TableRefKind::Empty => {
            *from = relation;
            true
        }
        TableRefKind::Join(join) => {
            // No other place is empty: a join has two sides.
            if put(&mut join.left, relation.clone()) {
                true
            } else {
                put(&mut join.right, relation)
            }
        }
        _ => false,
    }
}
