//! `numeric` in recursive expressions.
//!
//! DuckDB gives the columns of `WITH RECURSIVE` the types of its start, and casts what the step returns
//! to them: `SELECT 1::numeric UNION ALL SELECT n / 2 FROM t` would stay at 1 for ever. PostgreSQL's
//! `numeric` has room for any digits. So a start that has fewer than the step is cast to a type with as
//! many as there can be before the point, or, where the step has more after it, with as many as `numeric` gets
//! elsewhere where nothing tells how many there will be. That goes on while it changes what the step has: of
//! `SELECT b, a + b` the second column is wider than its start at once, and the first one then.

use skein_executor_api::Column;

use super::super::node;
use super::super::numerics;
use super::super::once::bind_once;
use super::types::{DIGITS_MAX, Ty};
use crate::ast::{
    Cte, DataType, Expr, ExprKind, Query, QueryBody, Select, TableRef, TableRefKind, print,
};
use crate::bind::Bind;

/// How often a start is widened at most: once for each column that follows from one before it, and not for more.
pub(super) const ROUNDS_MAX: usize = 8;

/// Casts the columns of `start` that the `step`, with what it sees, has more digits for; whether there are any.
pub(super) fn widen(
    start: &mut Query,
    step: (&Query, &[Cte]),
    scope: &[Cte],
    bind: &dyn Bind,
) -> bool {
    let (Some(first), Some(next)) = (describe(start, scope, bind), describe(step.0, step.1, bind))
    else {
        return false;
    };
    let wanted: Vec<_> = first
        .iter()
        .zip(&next)
        .map(|(first, next)| {
            let (whole, scale) = wider(&Ty::parse(&first.ty), &Ty::parse(&next.ty))?;
            Some(numerics::decimal(whole, scale))
        })
        .collect();
    let widens = first.len() == next.len() && wanted.iter().any(Option::is_some);
    if widens {
        cast_columns(start, wanted, &first);
    }
    widens
}

/// The columns of a query that sees the common table expressions of `scope`; `None`: it cannot be bound alone.
pub(super) fn describe(query: &Query, scope: &[Cte], bind: &dyn Bind) -> Option<Vec<Column>> {
    let mut query = query.clone();
    let own = std::mem::take(&mut query.ctes);
    query.ctes = scope.iter().cloned().chain(own).collect();
    bind_once(&mut query);
    bind.describe(&print::query_sql(&query)).ok()
}

/// Casts some of the columns of a query, which are `columns`.
pub(super) fn cast_columns(query: &mut Query, wanted: Vec<Option<DataType>>, columns: &[Column]) {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let items = wanted.into_iter().zip(&names).zip(columns);
    let items = items.map(|((ty, name), column)| {
        let mut item = Expr::from(ExprKind::ColumnRef(vec![name.clone()]));
        if let Some(ty) = ty {
            item = node::cast(item, ty);
        }
        item.alias.clone_from(&column.name);
        item
    });
    let items = items.collect();
    let inner = std::mem::replace(query, node::select(node::null()));
    let from = TableRef {
        alias: "start__".to_owned(),
        column_aliases: names,
        ..TableRef::from(TableRefKind::Subquery(Box::new(inner)))
    };
    query.body = QueryBody::Select(Box::new(Select::new(items, from)));
}

/// Digits before and after the point of a type for both, where the first has too few.
fn wider(first: &Ty, next: &Ty) -> Option<(usize, usize)> {
    let ((whole, scale), (next_whole, next_scale)) = match first {
        Ty::Decimal { .. } => (first.digits()?, next.digits()?),
        _ => return None,
    };
    if next_scale <= scale {
        let room = DIGITS_MAX.saturating_sub(scale);
        return (next_whole > whole && whole < room).then_some((room, scale));
    }
    let is_full = whole + scale >= DIGITS_MAX && scale >= numerics::SCALE;
    let scale = next_scale.max(numerics::SCALE);
    Some((DIGITS_MAX.saturating_sub(scale), scale)).filter(|(whole, _)| !is_full && *whole > 0)
}
