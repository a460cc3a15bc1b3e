//! Keeps calls of macros within calls of macros from growing without bound.
//!
//! A macro is inlined and repeats its arguments: `concat(concat(concat(x)))` would become as many
//! `x` as all repetitions multiplied, and DuckDB binds each of them. An argument that would grow too
//! large becomes a variable first, which is computed once:
//!
//! ```text
//! f(large, b)  ─►  list_transform([large], lambda once__: f(once__, b))[1]
//! ```
//!
//! Invariants: values, types and names of result columns stay. The lambda holds no more than the one
//! call, so one name serves for all. What a lambda cannot be given, such as `unnest`, stays as it is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use skein_executor_api::functions::{self, Shape};

use super::node;
use crate::ast::visit::{Descend, Node, NodeMut, any, children_mut, walk_mut};
use crate::ast::{Expr, ExprKind, Query};

static SHAPES: LazyLock<BTreeMap<String, Shape>> = LazyLock::new(functions::shapes);

/// Words of SQL that one expression may become before its arguments become variables.
const WORDS_MAX: u64 = 4_000;
/// An argument of fewer words is repeated.
const SMALL: u64 = 40;
/// What a subquery counts for.
const SUBQUERY: u64 = 50;

/// Makes variables of large arguments in `query`.
pub fn bind_once(query: &mut Query) {
    walk_mut(NodeMut::Query(query), &mut |node| match node {
        NodeMut::Expr(expr) => {
            lighten(expr);
            Descend::Over
        }
        NodeMut::Query(_) | NodeMut::Table(_) => Descend::Into,
    });
}

/// Gives the number of words that `expr` becomes.
fn lighten(expr: &mut Expr) -> u64 {
    if let ExprKind::Subquery(subquery) = &mut expr.kind {
        bind_once(&mut subquery.query);
    }
    let own = match expr.kind {
        ExprKind::Subquery(_) => SUBQUERY,
        _ => 1,
    };
    let weights: Vec<u64> = children_mut(expr).into_iter().map(lighten).collect();
    let shape = match &expr.kind {
        ExprKind::Function(call) if call.schema == functions::SCHEMA => SHAPES.get(&call.name),
        _ => None,
    };
    let Some(shape) = shape else {
        return weights.into_iter().fold(own, u64::saturating_add);
    };
    let repeats = |index: usize| shape.repeats.get(index).copied().unwrap_or(1);
    let grown = weights
        .iter()
        .enumerate()
        .fold(shape.size, |sum, (index, weight)| {
            sum.saturating_add(weight.saturating_mul(repeats(index)))
        });
    if grown <= WORDS_MAX {
        return grown;
    }
    let ExprKind::Function(call) = &mut expr.kind else {
        return grown;
    };
    let large: Vec<usize> = (0..call.args.len())
        .filter(|index| weights.get(*index).is_some_and(|weight| *weight > SMALL))
        .filter(|index| repeats(*index) > 1 && may_be_variable(&call.args[*index]))
        .collect();
    let fields: Vec<String> = large.iter().map(|index| format!("a{index}")).collect();
    let variable = || node::expr(ExprKind::ColumnRef(vec!["once__".to_owned()]));
    let mut values = Vec::new();
    for (index, field) in large.iter().zip(&fields) {
        let mut inner = if large.len() == 1 {
            variable()
        } else {
            node::call("", "struct_extract", vec![variable(), node::text(field)])
        };
        // The name that an argument is called by.
        inner.alias.clone_from(&call.args[*index].alias);
        let mut value = std::mem::replace(&mut call.args[*index], inner);
        field.clone_into(&mut value.alias);
        values.push(value);
    }
    let value = match values.as_mut_slice() {
        [] => return grown,
        [_] => {
            let mut value = values.remove(0);
            value.alias = String::new();
            value
        }
        _ => node::call("", "struct_pack", values),
    };
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let call = std::mem::replace(expr, node::null());
    *expr = node::with_variable("once__", value, |_| call);
    (expr.alias, expr.location) = (alias, location);
    let outside = weights.into_iter().fold(shape.size, u64::saturating_add);
    outside.saturating_add(SMALL)
}

/// Whether a value may be given to a lambda: not where DuckDB wants it in its place.
fn may_be_variable(value: &Expr) -> bool {
    !any(Node::Expr(value), &mut |node| match node {
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Function(call) => call.name == "unnest",
            _ => false,
        },
        _ => false,
    })
}
