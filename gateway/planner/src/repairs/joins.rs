//! Conditions of DuckDB's own kinds of joins.
//!
//! `ANTI JOIN` by nothing but an inequality that holds for all values in the files: DuckDB 1.5.5 leaves such a condition out,
//! and then drops every row even if the other side has none. Statistics of a column are not those of a function of
//! it.
//!
//! `ASOF JOIN` by `IS NOT DISTINCT FROM`: it finds no NULL. Lists with a NULL in them are equal.
//!
//! ```text
//! FROM t ANTI JOIN u ON t.x <= u.y
//! FROM t ANTI JOIN u ON t.x <= greatest(u.y)
//!
//! FROM t ASOF JOIN u ON t.k IS NOT DISTINCT FROM u.k AND t.x >= u.x
//! FROM t ASOF JOIN u ON [t.k] = [u.k] AND t.x >= u.x
//! ```

use crate::ast::visit::{Descend, NodeMut, conjuncts, walk_mut};
use crate::ast::{Comparison, Expr, ExprKind, Join, JoinKind, JoinSyntax, Query, TableRefKind};

/// Whether a join is one of those.
pub(super) fn may_concern(join: &Join) -> bool {
    (join.kind == JoinKind::Anti || join.syntax == JoinSyntax::AsOf) && join.condition.is_some()
}

/// Rewrites the conditions of all of them.
pub(super) fn conditions(query: &mut Query) {
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Table(table) = node
            && let TableRefKind::Join(join) = &mut table.kind
            && may_concern(join)
            && let Some(condition) = &mut join.condition
        {
            if join.syntax == JoinSyntax::AsOf {
                each(condition, &mut as_of);
            } else if !conjuncts(condition).into_iter().any(equates) {
                each(condition, &mut anti);
            }
        }
        Descend::Into
    });
}

/// What is looked up by hash is never left out.
fn equates(conjunct: &Expr) -> bool {
    matches!(
        conjunct.kind,
        ExprKind::Comparison {
            op: Comparison::Equal | Comparison::NotDistinct,
            ..
        }
    )
}

fn each(condition: &mut Expr, f: &mut dyn FnMut(&mut Expr)) {
    match &mut condition.kind {
        ExprKind::Conjunction {
            and: true,
            children,
        } => children.iter_mut().for_each(|child| each(child, f)),
        _ => f(condition),
    }
}

fn as_of(condition: &mut Expr) {
    if let ExprKind::Comparison { op, left, right } = &mut condition.kind
        && *op == Comparison::NotDistinct
    {
        *op = Comparison::Equal;
        put_into(left, "list_value");
        put_into(right, "list_value");
    }
}

fn anti(condition: &mut Expr) {
    match &mut condition.kind {
        ExprKind::Comparison {
            op:
                Comparison::Less
                | Comparison::LessOrEqual
                | Comparison::Greater
                | Comparison::GreaterOrEqual,
            right,
            ..
        } => put_into(right, "greatest"),
        ExprKind::Between { input, .. } => put_into(input, "greatest"),
        _ => {}
    }
}

fn put_into(expr: &mut Expr, function: &str) {
    let inner = std::mem::replace(expr, Expr::null());
    *expr = Expr::function(function, vec![inner]);
}
