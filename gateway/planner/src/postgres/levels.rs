//! The queries inside of a block, with the FROM that each sees.
//!
//! ```text
//! SELECT (q1) FROM a, LATERAL (q2) JOIN b ON (q3) WHERE (q4)      around it: o
//!
//! q2: o, a      q3: o, a × q2 × b      q1, q4: o, the whole FROM
//! ```

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, Modifier, Query, Select, TableRef, TableRefKind};
use crate::build::cross;

/// What is called with a query and the FROM of the blocks around it, the outermost first.
type Found<'f> = dyn FnMut(&mut Query, &[TableRef]) + 'f;

/// Calls `found` for each query right inside of a block, of which `outer` stands around.
pub(super) fn each_query(
    select: &mut Select,
    modifiers: &mut [Modifier],
    outer: &[TableRef],
    found: &mut Found<'_>,
) {
    in_from(&mut select.from, None, outer, found);
    let from = select.from.clone();
    let visible = Some(&from).filter(|from| from.kind != TableRefKind::Empty);
    for expr in parts(select, modifiers).1 {
        below(NodeMut::Expr(expr), visible, outer, found);
    }
}

/// FROM of a block, and its expressions elsewhere.
pub(super) fn parts<'a>(
    select: &'a mut Select,
    modifiers: &'a mut [Modifier],
) -> (&'a mut TableRef, Vec<&'a mut Expr>) {
    let mut found: Vec<&mut Expr> = Vec::new();
    found.extend(&mut select.select_list);
    found.extend(&mut select.where_clause);
    found.extend(&mut select.group_by);
    found.extend(&mut select.having);
    found.extend(&mut select.qualify);
    for modifier in modifiers {
        match modifier {
            Modifier::Distinct(targets) => found.extend(targets),
            Modifier::OrderBy(orders) => {
                found.extend(orders.iter_mut().map(|order| &mut order.expr));
            }
            Modifier::Limit { .. } | Modifier::LimitPercent { .. } => {}
        }
    }
    (&mut select.from, found)
}

fn in_from(
    table: &mut TableRef,
    before: Option<&TableRef>,
    outer: &[TableRef],
    found: &mut Found<'_>,
) {
    let TableRefKind::Join(join) = &mut table.kind else {
        below(NodeMut::Table(table), before, outer, found);
        return;
    };
    in_from(&mut join.left, before, outer, found);
    let left = together(before, &join.left);
    in_from(&mut join.right, Some(&left), outer, found);
    if let Some(condition) = &mut join.condition {
        let both = cross(left, join.right.clone());
        below(NodeMut::Expr(condition), Some(&both), outer, found);
    }
}

fn below(node: NodeMut<'_>, visible: Option<&TableRef>, outer: &[TableRef], found: &mut Found<'_>) {
    let mut levels: Option<Vec<TableRef>> = None;
    walk_mut(node, &mut |node| match node {
        NodeMut::Query(query) => {
            let levels =
                levels.get_or_insert_with(|| outer.iter().chain(visible).cloned().collect());
            found(query, levels);
            Descend::Over
        }
        NodeMut::Table(_) | NodeMut::Expr(_) => Descend::Into,
    });
}

/// Both in one FROM.
fn together(left: Option<&TableRef>, right: &TableRef) -> TableRef {
    match left {
        None => right.clone(),
        Some(left) => cross(left.clone(), right.clone()),
    }
}
