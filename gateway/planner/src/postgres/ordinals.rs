//! What ORDER BY and GROUP BY name among result columns: positions and names.
//!
//! A constant stands for the position of a column. PostgreSQL refuses every constant that is no integer, since it cannot
//! have been meant. DuckDB sorts by it when the setting `order_by_non_integer_literal` lets it, which it does here: as a
//! sort key of an aggregate such a constant is allowed by PostgreSQL as well.
//!
//! A name is that of a result column first, in ORDER BY and DISTINCT ON, also one that PostgreSQL gives a column without
//! an alias: `count` of `count(*)`, `id` of `id::text`. DuckDB knows aliases only, so such a name becomes the position.
//! In GROUP BY it is that of an input column first (`findTargetlistEntrySQL92`). Of two columns with the name of a sort
//! key DuckDB takes the first.

use super::RewriteError;
use crate::ast::{Expr, ExprKind, Modifier, Query, QueryBody, Select, print};
use crate::resolve::names::implied_name;

/// Replaces names of columns without an alias by what these are. `text` is what was parsed.
pub(crate) fn by_names(query: &mut Query, text: &str) {
    if let QueryBody::Select(select) = &mut query.body {
        groups(select, text);
    }
    let is_named = |modifier: &Modifier| match modifier {
        Modifier::OrderBy(keys) => keys.iter().any(|key| name_of(&key.expr).is_some()),
        Modifier::Distinct(targets) => targets.iter().any(|target| name_of(target).is_some()),
        Modifier::Limit { .. } | Modifier::LimitPercent { .. } => false,
    };
    if !query.modifiers.iter().any(is_named) {
        return;
    }
    let implied: Vec<Option<String>> = items(query)
        .iter()
        .map(|item| implied_name(item, text))
        .collect();
    if implied.iter().all(Option::is_none) {
        return;
    }
    let items = items(query).to_vec();
    let is_star = |item: &Expr| matches!(item.kind, ExprKind::Star(_));
    let is_called = |item: &Expr, name: &str| match &item.kind {
        _ if !item.alias.is_empty() => item.alias == name,
        ExprKind::ColumnRef(names) => names.last().is_some_and(|last| last == name),
        _ => false,
    };
    // The only column of a name that it has without an alias.
    let column = |key: &Expr| {
        let name = name_of(key)?;
        let mut found = implied.iter().enumerate();
        let (at, _) = found.find(|(_, implied)| implied.as_deref() == Some(name))?;
        let others = found.any(|(_, implied)| implied.as_deref() == Some(name));
        let is_only = !others && !items.iter().any(|item| is_called(item, name));
        is_only.then_some(at)
    };
    for modifier in &mut query.modifiers {
        match modifier {
            Modifier::OrderBy(keys) => {
                for key in keys {
                    let Some(at) = column(&key.expr) else {
                        continue;
                    };
                    let place = i64::try_from(at + 1).unwrap_or(i64::MAX);
                    key.expr.kind = if items[..at].iter().any(is_star) {
                        items[at].kind.clone()
                    } else {
                        Expr::integer(place).kind
                    };
                }
            }
            Modifier::Distinct(targets) => {
                for target in targets {
                    if let Some(at) = column(target) {
                        target.kind = items[at].kind.clone();
                    }
                }
            }
            Modifier::Limit { .. } | Modifier::LimitPercent { .. } => {}
        }
    }
}

/// Gives columns without an alias that GROUP BY names their names. DuckDB looks for an input column first.
fn groups(select: &mut Select, text: &str) {
    let names: Vec<&str> = select.group_by.iter().filter_map(name_of).collect();
    if names.is_empty() {
        return;
    }
    let is_computed = |item: &Expr| {
        let mut item = item;
        while let ExprKind::Cast { child, .. } = &item.kind {
            item = child;
        }
        matches!(&item.kind, ExprKind::Function(_) | ExprKind::Case { .. })
            || matches!(&item.kind, ExprKind::Operator { op, .. } if op == "OPERATOR_COALESCE")
    };
    for item in select
        .select_list
        .iter_mut()
        .filter(|item| is_computed(item))
    {
        if let Some(name) = implied_name(item, text)
            && names.contains(&name.as_str())
        {
            item.alias = name;
        }
    }
}

/// The name that a key is.
fn name_of(key: &Expr) -> Option<&str> {
    match &key.kind {
        ExprKind::ColumnRef(names) => match names.as_slice() {
            [name] => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Checks the clauses of one query, not of those inside of it.
pub(super) fn check(query: &Query) -> Result<(), RewriteError> {
    let items = items(query);
    for modifier in &query.modifiers {
        if let Modifier::OrderBy(keys) = modifier {
            for key in keys {
                integer(&key.expr, "ORDER BY", items)?;
                named_once(&key.expr, items)?;
            }
        }
    }
    if let QueryBody::Select(select) = &query.body {
        for key in &select.group_by {
            integer(key, "GROUP BY", items)?;
        }
    }
    Ok(())
}

/// The result columns, as far as they show.
fn items(query: &Query) -> &[Expr] {
    match &query.body {
        QueryBody::Select(select) => &select.select_list,
        QueryBody::SetOperation { operands, .. } => operands.first().map_or(&[], items),
        QueryBody::RecursiveCte { .. } => &[],
    }
}

fn integer(key: &Expr, clause: &'static str, items: &[Expr]) -> Result<(), RewriteError> {
    let ExprKind::Constant(constant) = &key.kind else {
        return Ok(());
    };
    let position = key.location;
    if constant.ty.id() != "INTEGER" {
        return Err(RewriteError::NotAPosition { clause, position });
    }
    let Some(place) = constant.value.as_i64() else {
        return Ok(());
    };
    let is_star = |item: &Expr| matches!(item.kind, ExprKind::Star(_));
    let is_there = usize::try_from(place).is_ok_and(|place| (1..=items.len()).contains(&place));
    if is_there || items.is_empty() || items.iter().any(is_star) {
        return Ok(());
    }
    Err(RewriteError::NoPosition {
        clause,
        place,
        position,
    })
}

/// Whether several columns that are not the same have the name of a sort key.
fn named_once(key: &Expr, items: &[Expr]) -> Result<(), RewriteError> {
    let ExprKind::ColumnRef(names) = &key.kind else {
        return Ok(());
    };
    let [name] = names.as_slice() else {
        return Ok(());
    };
    let mut found = items.iter().filter(|item| item.alias == *name);
    let Some(first) = found.next() else {
        return Ok(());
    };
    // Columns of one name may be one column, of a join with USING.
    let column = |item: &Expr| match &item.kind {
        ExprKind::ColumnRef(names) => names.last().cloned(),
        _ => None,
    };
    let is_other = |item: &Expr| match (column(first), column(item)) {
        (Some(one), Some(other)) => one != other,
        _ => print::expr_sql(first) != print::expr_sql(item),
    };
    if found.any(is_other) {
        return Err(RewriteError::Ambiguous {
            name: name.clone(),
            position: key.location,
        });
    }
    Ok(())
}
