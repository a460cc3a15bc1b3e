//! `ANTI JOIN` by an inequality that holds for all values in the files.
//!
//! DuckDB 1.5.5 leaves such a condition out, and then drops every row even if the other side has none. Statistics
//! of a column are not those of a function of it.
//!
//! ```text
//! FROM t ANTI JOIN u ON t.x <= u.y
//! FROM t ANTI JOIN u ON t.x <= greatest(u.y)
//! ```

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Comparison, Expr, ExprKind, Join, JoinKind, Query, TableRefKind};

/// Whether a join is one of those.
pub(super) fn may_concern(join: &Join) -> bool {
    join.kind == JoinKind::Anti && join.condition.is_some()
}

/// Rewrites the conditions of all of them.
pub(super) fn joins(query: &mut Query) {
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Table(table) = node
            && let TableRefKind::Join(join) = &mut table.kind
            && may_concern(join)
            && let Some(condition) = &mut join.condition
        {
            inequalities(condition);
        }
        Descend::Into
    });
}

fn inequalities(condition: &mut Expr) {
    match &mut condition.kind {
        ExprKind::Conjunction {
            and: true,
            children,
        } => children.iter_mut().for_each(inequalities),
        ExprKind::Comparison { op, right, .. }
            if matches!(
                op,
                Comparison::Less
                    | Comparison::LessOrEqual
                    | Comparison::Greater
                    | Comparison::GreaterOrEqual
            ) =>
        {
            let inner = std::mem::replace(&mut **right, Expr::null());
            **right = Expr::function("greatest", vec![inner]);
        }
        ExprKind::Between { input, .. } => {
            let inner = std::mem::replace(&mut **input, Expr::null());
            **input = Expr::function("greatest", vec![inner]);
        }
        _ => {}
    }
}
