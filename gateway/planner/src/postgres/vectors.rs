//! Elements of `int2vector` and `oidvector`, and letters of a `name`, which PostgreSQL counts from 0.
//!
//! Columns such as `pg_index.indkey` are lists here, whose elements are counted from 1 like those of
//! any array. [`crate::outputs`] knows where such a column is meant, also under another name.

use std::collections::BTreeSet;

use super::node;
use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Query, TableRef, TableRefKind};

/// Moves subscripts and bounds at these places by one.
pub(super) fn count_from_zero(query: &mut Query, places: &BTreeSet<usize>) {
    if places.is_empty() {
        return;
    }
    walk_mut(NodeMut::Query(query), &mut |node| {
        let expr = match node {
            NodeMut::Expr(expr) => expr,
            NodeMut::Table(table) => {
                in_from(table, places);
                return Descend::Into;
            }
            NodeMut::Query(_) => return Descend::Into,
        };
        let is_here = |expr: &Expr| expr.location.is_some_and(|at| places.contains(&at));
        let here = is_here(expr);
        match &mut expr.kind {
            ExprKind::Operator { op, children } if op == "ARRAY_EXTRACT" => {
                if let [array, index] = children.as_mut_slice()
                    && is_here(array)
                {
                    moved(index, "+");
                }
                Descend::Into
            }
            ExprKind::Function(call)
                if here
                    && matches!(
                        call.name.to_lowercase().as_str(),
                        "generate_subscripts" | "array_lower" | "array_upper"
                    ) =>
            {
                let alias = if expr.alias.is_empty() {
                    call.name.to_lowercase()
                } else {
                    std::mem::take(&mut expr.alias)
                };
                moved(expr, "-");
                expr.alias = alias;
                // Or the call inside would be found here again.
                Descend::Over
            }
            _ => Descend::Into,
        }
    });
}

/// Makes a query of `generate_subscripts` in FROM, which cannot be computed with there.
fn in_from(table: &mut TableRef, places: &BTreeSet<usize>) {
    let TableRefKind::Function {
        call,
        with_ordinality: false,
    } = &mut table.kind
    else {
        return;
    };
    let is_here = call.location.is_some_and(|at| places.contains(&at));
    let is_subscripts = matches!(&call.kind, ExprKind::Function(function)
        if function.name.eq_ignore_ascii_case("generate_subscripts"));
    if !is_here || !is_subscripts {
        return;
    }
    if table.alias.is_empty() {
        "generate_subscripts".clone_into(&mut table.alias);
    }
    if table.column_aliases.is_empty() {
        table.column_aliases = vec![table.alias.clone()];
    }
    let call = std::mem::replace(&mut **call, node::null());
    table.kind = TableRefKind::Subquery(Box::new(node::select(call)));
}

/// Makes `expr + 1` or `expr - 1` of `expr`.
fn moved(expr: &mut Expr, sign: &str) {
    let location = expr.location;
    let inner = std::mem::replace(expr, node::null());
    *expr = Expr::infix(sign, inner, node::integer("INTEGER", 1));
    expr.location = location;
}
