//! Shows every expression of a query together with what becomes of a NULL where it stands.

use crate::ast::visit::{Descend, NodeMut, children_mut, walk_mut};
use crate::ast::{
    Expr, ExprKind, Modifier, Query, QueryBody, Select, TableRef, TableRefKind, print,
};

/// What a truth value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// A condition, such as WHERE: NULL is as good as false.
    Condition,
    /// It is shown or computed with.
    Value,
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What it is for; behind a NOT, what that is for.
    pub(super) truth: Truth,
    /// It stands right behind a NOT that is no value.
    pub(super) negated: bool,
}

impl Place {
    fn of(truth: Truth) -> Self {
        Self {
            truth,
            negated: false,
        }
    }
}

/// Shows expressions to be changed, those within others first. Items of select lists keep their names.
pub(super) fn each(query: &mut Query, f: &mut dyn FnMut(&mut Expr, Place)) {
    for cte in &mut query.ctes {
        each(&mut cte.query, f);
    }
    match &mut query.body {
        QueryBody::Select(block) => select(block, f),
        QueryBody::SetOperation { operands, .. } => {
            operands.iter_mut().for_each(|operand| each(operand, f));
        }
        QueryBody::RecursiveCte { left, right, .. } => {
            each(left, f);
            each(right, f);
        }
    }
    for modifier in &mut query.modifiers {
        match modifier {
            Modifier::Distinct(targets) => {
                targets.iter_mut().for_each(|target| value(target, f));
            }
            Modifier::OrderBy(orders) => {
                orders
                    .iter_mut()
                    .for_each(|order| value(&mut order.expr, f));
            }
            Modifier::Limit { limit, offset } | Modifier::LimitPercent { limit, offset } => {
                limit
                    .iter_mut()
                    .chain(offset)
                    .for_each(|count| value(count, f));
            }
        }
    }
}

fn select(block: &mut Select, f: &mut dyn FnMut(&mut Expr, Place)) {
    for item in &mut block.select_list {
        let before = item.clone();
        value(item, f);
        // DuckDB names a column by the text of its expression.
        if item.alias.is_empty() && item.kind != before.kind {
            item.alias = print::expr_sql(&before);
        }
    }
    table(&mut block.from, f);
    let condition = Place::of(Truth::Condition);
    if let Some(expr) = &mut block.where_clause {
        expression(expr, condition, f);
    }
    for expr in &mut block.group_by {
        value(expr, f);
    }
    for expr in block.having.iter_mut().chain(&mut block.qualify) {
        expression(expr, condition, f);
    }
}

fn table(table_ref: &mut TableRef, f: &mut dyn FnMut(&mut Expr, Place)) {
    if let TableRefKind::Join(join) = &mut table_ref.kind {
        table(&mut join.left, f);
        table(&mut join.right, f);
        if let Some(condition) = &mut join.condition {
            expression(condition, Place::of(Truth::Condition), f);
        }
        return;
    }
    walk_mut(NodeMut::Table(table_ref), &mut |node| match node {
        NodeMut::Query(query) => {
            each(query, f);
            Descend::Over
        }
        NodeMut::Expr(expr) => {
            value(expr, f);
            Descend::Over
        }
        NodeMut::Table(_) => Descend::Into,
    });
}

fn value(expr: &mut Expr, f: &mut dyn FnMut(&mut Expr, Place)) {
    expression(expr, Place::of(Truth::Value), f);
}

fn expression(expr: &mut Expr, place: Place, f: &mut dyn FnMut(&mut Expr, Place)) {
    match &mut expr.kind {
        ExprKind::Conjunction { children, .. } => {
            let truth = if place.negated {
                Truth::Value
            } else {
                place.truth
            };
            for child in children {
                expression(child, Place::of(truth), f);
            }
        }
        ExprKind::Operator { op, children } if op == "OPERATOR_NOT" => {
            let below = Place {
                truth: if place.negated {
                    Truth::Value
                } else {
                    place.truth
                },
                negated: !place.negated && place.truth != Truth::Value,
            };
            for child in children {
                expression(child, below, f);
            }
        }
        ExprKind::Case { checks, otherwise } => {
            for (condition, result) in checks {
                expression(condition, Place::of(Truth::Condition), f);
                value(result, f);
            }
            value(otherwise, f);
        }
        _ => {
            if let ExprKind::Subquery(subquery) = &mut expr.kind {
                each(&mut subquery.query, f);
            }
            for child in children_mut(expr) {
                value(child, f);
            }
        }
    }
    f(expr, place);
}
