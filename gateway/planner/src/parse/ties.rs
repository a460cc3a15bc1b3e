//! `FETCH FIRST n ROWS WITH TIES`, which DuckDB's parser does not know.
//!
//! [`tokens`](crate::postgres::tokens::normalise) writes it as a LIMIT whose number is marked. Rows are counted by their rank
//! then: the last row that is wanted and those beside it have one that is not above the number of rows.
//!
//! ```text
//! SELECT a FROM t ORDER BY b OFFSET 2 FETCH FIRST 3 ROWS WITH TIES
//! SELECT a FROM t QUALIFY rank() OVER (ORDER BY b) - 2 <= 3 ORDER BY b OFFSET 2
//! ```
//!
//! Where a block returns other rows than it ranks (DISTINCT, functions that return rows), and around set operations,
//! the rows are those of a subquery, and what they are ordered by are its columns.

use crate::ast::visit::{Descend, Node, NodeMut, any, walk_mut};
use crate::ast::{
    Comparison, Constant, Expr, ExprKind, Modifier, OrderBy, Query, QueryBody, Select, TableRef,
    TableRefKind, Window, print,
};
use crate::build::and;
use crate::error::PlanError;
use crate::postgres::{TIES, name_keys, returns_rows};

/// What PostgreSQL says of NULL written as the number of rows.
const NULL_COUNT: &str = "[invalid_row_count_in_limit_clause] row count cannot be null in FETCH FIRST ... WITH TIES clause";

/// Rewrites the queries in `query` that are marked in its `text`.
pub(super) fn apply(query: &mut Query, text: &str) -> Result<(), PlanError> {
    if !text.contains(TIES) {
        return Ok(());
    }
    let mut outcome = Ok(());
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Query(query) = node
            && outcome.is_ok()
            && let Some(count) = take(query)
        {
            // What is ranked by is what rows are ordered by: a name is that of a result column first.
            name_keys(query, text);
            outcome = with_ties(query, count);
        }
        Descend::Into
    });
    outcome
}

/// The marked number of rows. It stays as that of an ordinary LIMIT.
fn take(query: &mut Query) -> Option<Expr> {
    query.modifiers.iter_mut().find_map(|modifier| {
        let Modifier::Limit {
            limit: Some(limit), ..
        } = modifier
        else {
            return None;
        };
        let ExprKind::Function(call) = &mut limit.kind else {
            return None;
        };
        if call.name != TIES || call.args.len() != 1 {
            return None;
        }
        *limit = call.args.remove(0);
        Some(limit.clone())
    })
}

fn with_ties(query: &mut Query, count: Expr) -> Result<(), PlanError> {
    let keys = query.modifiers.iter().find_map(|modifier| match modifier {
        Modifier::OrderBy(keys) => Some(keys.clone()),
        _ => None,
    });
    let Some(keys) = keys else {
        let message = "WITH TIES cannot be specified without ORDER BY clause".to_owned();
        return Err(PlanError::Rule { message });
    };
    let most = constant(&count);
    if most.is_some_and(|most| most <= 0) {
        // No row, or an error, as with any LIMIT.
        return Ok(());
    }
    let skipped = without_limit(query);
    let in_place = match &query.body {
        QueryBody::Select(block) => ranks_what_it_returns(block, &query.modifiers, &keys),
        _ => false,
    };
    let columns = keys.iter().map(|key| {
        let expr = match &query.body {
            QueryBody::Select(block) if in_place => shown(&key.expr, &block.select_list),
            _ => column_of(&key.expr, query)?,
        };
        Ok(moved(key, expr))
    });
    let keys = columns.collect::<Result<Vec<_>, PlanError>>()?;
    if !in_place {
        within(query, &keys);
    }
    let QueryBody::Select(block) = &mut query.body else {
        return Ok(());
    };
    let condition = ranked(keys, count, most.is_some(), skipped);
    block.qualify = and(block.qualify.take(), Some(condition));
    Ok(())
}

/// A number of rows that is written as one.
fn constant(count: &Expr) -> Option<i64> {
    match &count.kind {
        ExprKind::Constant(Constant { ty, value }) if matches!(ty.id(), "INTEGER" | "BIGINT") => {
            value.as_i64()
        }
        _ => None,
    }
}

/// Takes the number of rows out; what is left are those to skip.
fn without_limit(query: &mut Query) -> Option<Expr> {
    let mut skipped = None;
    query.modifiers.retain_mut(|modifier| match modifier {
        Modifier::Limit { limit, offset } => {
            *limit = None;
            skipped.clone_from(offset);
            offset.is_some()
        }
        _ => true,
    });
    skipped
}

fn ranks_what_it_returns(block: &Select, modifiers: &[Modifier], keys: &[OrderBy]) -> bool {
    let is_distinct = |modifier: &Modifier| matches!(modifier, Modifier::Distinct(_));
    if modifiers.iter().any(is_distinct) || block.qualify.is_some() {
        return false;
    }
    let has_window = |expr: &Expr| {
        any(
            Node::Expr(expr),
            &mut |node| matches!(node, Node::Expr(expr) if matches!(expr.kind, ExprKind::Window(_))),
        )
    };
    let items = &block.select_list;
    let returns_rows = |item: &Expr| {
        any(
            Node::Expr(item),
            &mut |node| matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. }) if returns_rows(call)),
        )
    };
    let can_be_ranked_by = |key: &OrderBy| {
        let is_known = match place(&key.expr) {
            Some(place) => items.iter().take(place).all(|item| !is_star(item)),
            None => !is_star(&key.expr),
        };
        is_known && !has_window(&shown(&key.expr, items))
    };
    !items.iter().any(returns_rows) && keys.iter().all(can_be_ranked_by)
}

fn is_star(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Star(_))
}

/// `2` of `ORDER BY 2`.
fn place(key: &Expr) -> Option<usize> {
    constant(key).and_then(|place| usize::try_from(place).ok())
}

/// What a sort key stands for among the items of a select list, without its name.
fn shown(key: &Expr, items: &[Expr]) -> Expr {
    let item = match (&key.kind, place(key)) {
        (_, Some(place)) => place.checked_sub(1).and_then(|at| items.get(at)),
        (ExprKind::ColumnRef(names), _) => match names.as_slice() {
            [name] => items.iter().find(|item| item.alias == *name),
            _ => None,
        },
        _ => None,
    };
    item.unwrap_or(key).clone().named("")
}

/// The column of the query's result that a sort key stands for.
fn column_of(key: &Expr, query: &Query) -> Result<Expr, PlanError> {
    if let Some(place) = place(key) {
        return Ok(Expr::from(ExprKind::Positional(place)));
    }
    let mut first = query;
    while let QueryBody::SetOperation { operands, .. } = &first.body
        && let Some(operand) = operands.first()
    {
        first = operand;
    }
    let QueryBody::Select(block) = &first.body else {
        return Err(unsupported(key));
    };
    let items = &block.select_list;
    let name = match &key.kind {
        ExprKind::ColumnRef(names) => names.last(),
        _ => None,
    };
    let is_called = |item: &Expr| match &item.kind {
        _ if !item.alias.is_empty() => name == Some(&item.alias),
        ExprKind::ColumnRef(names) => name == names.last(),
        _ => false,
    };
    let written = |expr: &Expr| print::expr_sql(&expr.clone().named(""));
    let wanted = written(key);
    let same = items.iter().position(|item| written(item) == wanted);
    let found = same.or_else(|| items.iter().position(is_called));
    match (found, name) {
        (Some(at), _) if !items[..at].iter().any(is_star) => {
            Ok(Expr::from(ExprKind::Positional(at + 1)))
        }
        (found, Some(name)) if found.is_some() || items.iter().any(is_star) => {
            Ok(Expr::column([name.as_str()]))
        }
        _ => Err(unsupported(key)),
    }
}

fn unsupported(key: &Expr) -> PlanError {
    PlanError::Unsupported {
        what: "WITH TIES ordered by what is no result column, where these are made otherwise first"
            .to_owned(),
        position: key.location,
    }
}

/// Puts the body of `query` into a subquery, whose rows it then returns ordered by `keys`.
fn within(query: &mut Query, keys: &[OrderBy]) {
    let mut inner = Vec::new();
    let picks = query
        .modifiers
        .iter()
        .any(|modifier| matches!(modifier, Modifier::Distinct(targets) if !targets.is_empty()));
    query.modifiers.retain_mut(|modifier| match modifier {
        Modifier::Distinct(_) => {
            inner.push(modifier.clone());
            false
        }
        Modifier::OrderBy(_) => {
            // Which row DISTINCT ON picks.
            if picks {
                inner.push(modifier.clone());
            }
            *modifier = Modifier::OrderBy(keys.iter().map(as_clause).collect());
            true
        }
        _ => true,
    });
    let nothing = Select::new(Vec::new(), TableRef::from(TableRefKind::Empty));
    let body = std::mem::replace(&mut query.body, QueryBody::Select(Box::new(nothing)));
    let rows = Query {
        ctes: Vec::new(),
        body,
        modifiers: inner,
    };
    let from = TableRef {
        alias: "ties__".to_owned(),
        ..TableRef::from(TableRefKind::Subquery(Box::new(rows)))
    };
    query.body = QueryBody::Select(Box::new(Select::new(vec![Expr::star()], from)));
}

/// A sort key of a window as one of a query: a column is called by its place there.
fn as_clause(key: &OrderBy) -> OrderBy {
    let place = match key.expr.kind {
        ExprKind::Positional(place) => i64::try_from(place).ok(),
        _ => None,
    };
    moved(key, place.map_or_else(|| key.expr.clone(), Expr::integer))
}

fn moved(key: &OrderBy, expr: Expr) -> OrderBy {
    OrderBy {
        expr,
        ..key.clone()
    }
}

/// `rank() OVER (ORDER BY keys) - skipped <= count`. No number of rows at all is any, unless it is
/// written as NULL (`transformLimitClause`).
fn ranked(keys: Vec<OrderBy>, count: Expr, is_known: bool, skipped: Option<Expr>) -> Expr {
    let mut rank = Expr::from(ExprKind::Window(Box::new(Window {
        ty: "WINDOW_RANK".to_owned(),
        catalog: String::new(),
        schema: String::new(),
        name: "rank".to_owned(),
        args: Vec::new(),
        partitions: Vec::new(),
        orders: keys,
        start: "UNBOUNDED_PRECEDING".to_owned(),
        end: "CURRENT_ROW_RANGE".to_owned(),
        start_expr: None,
        end_expr: None,
        offset_expr: None,
        default_expr: None,
        ignore_nulls: false,
        filter: None,
        exclude: "NO_OTHER".to_owned(),
        distinct: false,
        arg_orders: Vec::new(),
    })));
    if let Some(skipped) = skipped {
        let skipped = match constant(&skipped) {
            Some(_) => skipped,
            None => Expr::from(ExprKind::Operator {
                op: "OPERATOR_COALESCE".to_owned(),
                children: vec![skipped.cast_to("BIGINT"), Expr::integer(0)],
            }),
        };
        rank = Expr::infix("-", rank, skipped);
    }
    if is_known {
        return Expr::comparison(Comparison::LessOrEqual, rank, count);
    }
    let is_null = matches!(&count.kind, ExprKind::Constant(constant) if constant.value.is_null());
    let count = count.cast_to("BIGINT");
    let is_some = Expr::comparison(Comparison::Greater, count.clone(), Expr::integer(0));
    let is_within = Expr::comparison(Comparison::LessOrEqual, rank, count);
    let of_none = if is_null {
        Expr::function("error", vec![Expr::string(NULL_COUNT)]).cast_to("BOOLEAN")
    } else {
        Expr::boolean(true)
    };
    Expr::from(ExprKind::Operator {
        op: "OPERATOR_COALESCE".to_owned(),
        children: vec![Expr::and(vec![is_some, is_within]), of_none],
    })
}
