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
//! The same is done with a subquery that the macro would put into a lambda, where DuckDB takes none. All
//! arguments become variables with it: a lambda may not name columns of an outer query either.
//!
//! Invariants: values, types and names of result columns stay. The lambda holds no more than the one
//! call, so one name serves for all. What a lambda cannot be given, such as `unnest`, stays as it is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use skein_executor_api::functions::{self, Shape};

use super::node;
use crate::ast::visit::{Descend, Node, NodeMut, children_mut, walk, walk_mut};
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

/// What an expression becomes.
#[derive(Clone, Copy)]
struct Weight {
    /// Number of words.
    words: u64,
    /// Whether subqueries are among them.
    subqueries: bool,
}

fn lighten(expr: &mut Expr) -> Weight {
    let is_subquery = matches!(expr.kind, ExprKind::Subquery(_));
    if let ExprKind::Subquery(subquery) = &mut expr.kind {
        bind_once(&mut subquery.query);
    }
    let own = if is_subquery { SUBQUERY } else { 1 };
    let weights: Vec<Weight> = children_mut(expr).into_iter().map(lighten).collect();
    let subqueries = is_subquery || weights.iter().any(|weight| weight.subqueries);
    let together = |own: u64| {
        let words = weights.iter().map(|weight| weight.words);
        let words = words.fold(own, u64::saturating_add);
        Weight { words, subqueries }
    };
    let shape = match &expr.kind {
        ExprKind::Function(call) if call.schema == functions::SCHEMA => SHAPES.get(&call.name),
        _ => None,
    };
    let Some(shape) = shape else {
        return together(own);
    };
    let repeats = |index: usize| shape.repeats.get(index).copied().unwrap_or(1);
    let words = weights
        .iter()
        .enumerate()
        .fold(shape.size, |sum, (index, weight)| {
            sum.saturating_add(weight.words.saturating_mul(repeats(index)))
        });
    let grown = Weight { words, subqueries };
    let ExprKind::Function(call) = &mut expr.kind else {
        return grown;
    };
    let in_lambda = |index: usize| shape.in_lambda.get(index).copied().unwrap_or(false);
    let hides_subquery = weights
        .iter()
        .enumerate()
        .any(|(index, weight)| weight.subqueries && in_lambda(index));
    let variables: Vec<usize> = if hides_subquery {
        let is_constant = |arg: &Expr| matches!(arg.kind, ExprKind::Constant(_));
        let may_be_variables = call.args.iter().all(may_be_variable);
        (0..call.args.len())
            .filter(|index| may_be_variables && !is_constant(&call.args[*index]))
            .collect()
    } else if words > WORDS_MAX {
        (0..call.args.len())
            .filter(|index| {
                weights
                    .get(*index)
                    .is_some_and(|weight| weight.words > SMALL)
            })
            .filter(|index| repeats(*index) > 1 && may_be_variable(&call.args[*index]))
            .collect()
    } else {
        Vec::new()
    };
    if variables.is_empty() {
        return grown;
    }
    let size = shape.size;
    make_variables(expr, &variables);
    let outside = together(size);
    Weight {
        words: outside.words.saturating_add(SMALL),
        ..outside
    }
}

/// Gives the arguments at these places of a call to it by variables.
fn make_variables(expr: &mut Expr, places: &[usize]) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let variable = || node::expr(ExprKind::ColumnRef(vec!["once__".to_owned()]));
    let mut values = Vec::new();
    for index in places {
        let field = format!("a{index}");
        let mut inner = if places.len() == 1 {
            variable()
        } else {
            node::call("", "struct_extract", vec![variable(), node::text(&field)])
        };
        // The name that an argument is called by.
        inner.alias.clone_from(&call.args[*index].alias);
        let mut value = std::mem::replace(&mut call.args[*index], inner);
        value.alias = field;
        values.push(value);
    }
    let value = match values.as_mut_slice() {
        [value] => {
            value.alias = String::new();
            values.remove(0)
        }
        _ => node::call("", "struct_pack", values),
    };
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let call = std::mem::replace(expr, node::null());
    *expr = node::with_variable("once__", value, |_| call);
    (expr.alias, expr.location) = (alias, location);
}

/// Whether a value may be given to a lambda: not where DuckDB wants it in its place.
fn may_be_variable(value: &Expr) -> bool {
    let mut may_be = true;
    walk(Node::Expr(value), &mut |node| match node {
        // What stands in a subquery is computed there.
        Node::Query(_) => Descend::Over,
        Node::Expr(expr) => {
            may_be &= !matches!(&expr.kind, ExprKind::Function(call) if call.name == "unnest");
            Descend::Into
        }
        Node::Table(_) => Descend::Into,
    });
    may_be
}
