//! Chooses which occurrence of which relation a block is divided by.
//!
//! A block distributes over the files of one occurrence when that stands on an inner side, or the
//! preserved side of an outer join, of every join above it, and everything between it and the block
//! works row by row. Every other occurrence is read whole by each fragment. A `UNION ALL` is the
//! exception that needs one occurrence in each operand; an operand without any is left to the first
//! fragment.

use std::sync::Arc;

use skein_catalog::snapshot::RelationSnapshot;

use super::env::Env;
use crate::ast::visit::{self, Node};
use crate::ast::{
    Comparison, Expr, ExprKind, Join, JoinKind, JoinSyntax, Query, QueryBody, SetOperationKind,
    TableRef, TableRefKind,
};
use crate::build::{query, select, sql, table};

/// A way down from a `FROM` to the occurrences that are divided.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// This occurrence.
    Here,
    /// Down the left side of a join.
    Left(Box<Choice>),
    /// Down the right side of a join.
    Right(Box<Choice>),
    /// Down a derived table.
    Derived(QueryChoice),
    /// Down a common table expression, which is written out in place.
    Cte(QueryChoice),
}

/// A way down a query that works row by row.
#[derive(Clone, Debug)]
pub(super) enum QueryChoice {
    /// Down the `FROM` of its block.
    Select(Box<Choice>),
    /// Down each operand of a `UNION ALL`; `None`: left to the first fragment.
    UnionAll(Vec<Option<QueryChoice>>),
}

/// The best choice below a node, and the size of what it divides.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    pub(super) choice: T,
    pub(super) bytes: u64,
}

impl<T> Candidate<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Candidate<U> {
        Candidate {
            choice: f(self.choice),
            bytes: self.bytes,
        }
    }
}

/// The largest occurrence below `from` by which the block around it may be divided.
pub(super) fn best(from: &TableRef, env: &Env) -> Option<Candidate<Choice>> {
    if from.sample.is_some() {
        return None;
    }
    match &from.kind {
        TableRefKind::Table { .. } => {
            if let Some(relation) = env.relation(from) {
                Some(Candidate {
                    choice: Choice::Here,
                    bytes: relation.bytes(),
                })
            } else {
                let (cte, env) = env.cte(from)?;
                Some(best_of_query(&cte.query, &env)?.map(Choice::Cte))
            }
        }
        TableRefKind::Subquery(query) => Some(best_of_query(query, env)?.map(Choice::Derived)),
        TableRefKind::Join(join) => {
            let (left, right) = dividable_sides(join);
            let left = left.then(|| best(&join.left, env)).flatten();
            let right = right.then(|| best(&join.right, env)).flatten();
            let left = left.map(|candidate| candidate.map(|choice| Choice::Left(Box::new(choice))));
            let right =
                right.map(|candidate| candidate.map(|choice| Choice::Right(Box::new(choice))));
            match (left, right) {
                (Some(left), Some(right)) if right.bytes > left.bytes => Some(right),
                (left, right) => left.or(right),
            }
        }
        _ => None,
    }
}

/// Which sides of a join distribute over a union of their rows.
pub(super) fn dividable_sides(join: &Join) -> (bool, bool) {
    match (join.syntax, join.kind) {
        (JoinSyntax::AsOf, JoinKind::Inner | JoinKind::Left) => (true, false),
        (JoinSyntax::Positional | JoinSyntax::AsOf, _) | (_, JoinKind::Full) => (false, false),
        (_, JoinKind::Inner) => (true, true),
        (_, JoinKind::Left | JoinKind::Semi | JoinKind::Anti) => (true, false),
        (_, JoinKind::Right) => (false, true),
    }
}

/// The best choice in a query that works row by row; `None` for any other.
pub(super) fn best_of_query(query: &Query, env: &Env) -> Option<Candidate<QueryChoice>> {
    if !query.modifiers.is_empty() || !query.ctes.is_empty() {
        return None;
    }
    match &query.body {
        QueryBody::Select(select) => {
            let row_by_row = select.group_by.is_empty()
                && select.grouping_sets.is_empty()
                && !select.group_by_all
                && select.having.is_none()
                && select.qualify.is_none()
                && select.sample.is_none()
                && !select.select_list.iter().any(has_aggregate_or_window);
            if !row_by_row {
                return None;
            }
            Some(best(&select.from, env)?.map(|choice| QueryChoice::Select(Box::new(choice))))
        }
        QueryBody::SetOperation {
            kind: SetOperationKind::Union | SetOperationKind::UnionByName,
            all: true,
            operands,
        } => {
            let choices: Vec<_> = operands
                .iter()
                .map(|operand| best_of_query(operand, env))
                .collect();
            let bytes: u64 = choices
                .iter()
                .flatten()
                .map(|candidate| candidate.bytes)
                .sum();
            let any = choices.iter().any(Option::is_some);
            any.then(|| Candidate {
                choice: QueryChoice::UnionAll(
                    choices
                        .into_iter()
                        .map(|one| one.map(|one| one.choice))
                        .collect(),
                ),
                bytes,
            })
        }
        _ => None,
    }
}

/// Whether an expression has an aggregate or window function outside its subqueries.
pub(super) fn has_aggregate_or_window(expr: &Expr) -> bool {
    outside_subqueries(expr, &mut |expr| match &expr.kind {
        ExprKind::Function(call) => crate::aggregates::is_aggregate(&call.name),
        ExprKind::Window(_) => true,
        _ => false,
    })
}

/// Whether any expression from `expr` down satisfies `test`, subqueries left out.
pub(super) fn outside_subqueries(expr: &Expr, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
    test(expr)
        || visit::children(expr)
            .into_iter()
            .any(|child| outside_subqueries(child, test))
}

/// Marks the chosen occurrences: each is given to `mark`, which puts something in its place.
pub(super) fn apply(
    from: &mut TableRef,
    choice: &Choice,
    env: &Env,
    mark: &mut dyn FnMut(&Arc<RelationSnapshot>) -> TableRefKind,
) {
    match choice {
        Choice::Here => {
            let relation = env.relation(from).expect("chosen because it is a relation");
            if from.alias.is_empty() {
                from.alias.clone_from(&relation.name.name);
            }
            from.kind = mark(&relation);
        }
        Choice::Left(choice) => apply(&mut join_mut(from).left, choice, env, mark),
        Choice::Right(choice) => apply(&mut join_mut(from).right, choice, env, mark),
        Choice::Derived(choice) => {
            let TableRefKind::Subquery(query) = &mut from.kind else {
                unreachable!("chosen because it is a derived table")
            };
            apply_query(query, choice, env, mark);
        }
        Choice::Cte(choice) => {
            let (cte, env) = env.cte(from).expect("chosen because it is one");
            let mut query = cte.query.clone();
            apply_query(&mut query, choice, &env, mark);
            if from.alias.is_empty() {
                from.alias.clone_from(&cte.name);
            }
            // Names given at the reference come first, those of the definition fill the rest.
            for name in cte.aliases.iter().skip(from.column_aliases.len()) {
                from.column_aliases.push(name.clone());
            }
            from.kind = TableRefKind::Subquery(Box::new(query));
        }
    }
}

fn join_mut(from: &mut TableRef) -> &mut Join {
    match &mut from.kind {
        TableRefKind::Join(join) => join,
        _ => unreachable!("chosen because it is a join"),
    }
}

/// As [`apply`], for a query that works row by row.
pub(super) fn apply_query(
    query: &mut Query,
    choice: &QueryChoice,
    env: &Env,
    mark: &mut dyn FnMut(&Arc<RelationSnapshot>) -> TableRefKind,
) {
    match (&mut query.body, choice) {
        (QueryBody::Select(select), QueryChoice::Select(choice)) => {
            apply(&mut select.from, choice, env, mark);
        }
        (QueryBody::SetOperation { operands, .. }, QueryChoice::UnionAll(choices)) => {
            for (operand, choice) in operands.iter_mut().zip(choices) {
                match choice {
                    Some(choice) => apply_query(operand, choice, env, mark),
                    None => *operand = only_in_first_fragment(operand.clone()),
                }
            }
        }
        _ => unreachable!("the choice was made for this query"),
    }
}

/// `SELECT * FROM (operand) WHERE <fragment> = 0`
fn only_in_first_fragment(operand: Query) -> Query {
    let mut block = select(
        vec![sql("*")],
        table(TableRefKind::Subquery(Box::new(operand)), "__o"),
    );
    block.where_clause = Some(Expr::from(ExprKind::Comparison {
        op: Comparison::Equal,
        left: Box::new(Expr::from(ExprKind::FragmentIndex)),
        right: Box::new(sql("0")),
    }));
    query(block, Vec::new())
}

/// Bytes of the largest relation that a query reads anywhere, common table expressions included.
pub(super) fn largest_read(node: Node<'_>, env: &Env) -> u64 {
    let mut largest = 0;
    visit::walk(node, &mut |node| {
        if let Node::Table(table) = node {
            if let Some(relation) = env.relation(table) {
                largest = largest.max(relation.bytes());
            } else if let Some((cte, env)) = env.cte(table) {
                largest = largest.max(largest_read(Node::Query(&cte.query), &env));
            }
        }
        visit::Descend::Into
    });
    largest
}
