//! `numeric` in recursive expressions.
//!
//! DuckDB gives the columns of `WITH RECURSIVE` the types of its start, and casts what the step returns
//! to them: `SELECT 1::numeric UNION ALL SELECT n / 2 FROM t` would stay at 1 for ever. PostgreSQL's
//! `numeric` has room for any digits. So a start that has fewer than the step is cast to a type with as
//! many as `numeric` gets elsewhere where nothing tells how many there will be.

use super::super::node;
use super::super::numerics;
use super::super::once::bind_once;
use super::types::{DIGITS_MAX, Ty};
use crate::ast::{Cte, Expr, ExprKind, Query, QueryBody, Select, TableRef, TableRefKind, print};
use crate::bind::Bind;

/// Casts the columns of `start` that the `step`, with what it sees, has more digits for.
pub(super) fn widen(start: &mut Query, step: (&Query, &[Cte]), scope: &[Cte], bind: &dyn Bind) {
    let describe = |query: &Query, scope: &[Cte]| {
        let mut query = query.clone();
        let own = std::mem::take(&mut query.ctes);
        query.ctes = scope.iter().cloned().chain(own).collect();
        bind_once(&mut query);
        bind.describe(&print::query_sql(&query)).ok()
    };
    let (Some(first), Some(next)) = (describe(start, scope), describe(step.0, step.1)) else {
        return;
    };
    let wanted: Vec<_> = first
        .iter()
        .zip(&next)
        .map(|(first, next)| wider(&Ty::parse(&first.ty), &Ty::parse(&next.ty)))
        .collect();
    if first.len() != next.len() || wanted.iter().all(Option::is_none) {
        return;
    }
    let names: Vec<String> = (0..first.len()).map(|at| format!("c{at}")).collect();
    let items = wanted.into_iter().zip(&names).zip(&first);
    let items = items.map(|((ty, name), column)| {
        let mut item = Expr::from(ExprKind::ColumnRef(vec![name.clone()]));
        if let Some((whole, scale)) = ty {
            item = node::cast(item, numerics::decimal(whole, scale));
        }
        item.alias.clone_from(&column.name);
        item
    });
    let items = items.collect();
    let inner = std::mem::replace(start, node::select(node::null()));
    let from = TableRef {
        alias: "start__".to_owned(),
        column_aliases: names,
        ..TableRef::from(TableRefKind::Subquery(Box::new(inner)))
    };
    start.body = QueryBody::Select(Box::new(Select::new(items, from)));
}

/// Digits before and after the point of a type for both, where the first has too few.
fn wider(first: &Ty, next: &Ty) -> Option<(usize, usize)> {
    let ((whole, scale), (next_whole, next_scale)) = match first {
        Ty::Decimal { .. } => (first.digits()?, next.digits()?),
        _ => return None,
    };
    if next_scale <= scale && next_whole <= whole {
        return None;
    }
    let scale = scale.max(next_scale).max(numerics::SCALE);
    Some((DIGITS_MAX.saturating_sub(scale), scale)).filter(|(whole, _)| *whole > 0)
}
