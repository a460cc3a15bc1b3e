//! What an item of FROM makes of each row before it: lists to be unnested together, and columns of their elements.
//!
//! | Item | Lists | Columns |
//! |---|---|---|
//! | `unnest(a) AS e(x)` | `a` | `x`: the element |
//! | `(SELECT unnest(a) AS x, t.b + 1 AS y)` | `a` | `x`: the element, `y`: `t.b + 1` |
//! | `(VALUES (a, 1), (b, 2)) AS v(x, y)` | `[{c0: a, c1: 1}, {c0: b, c1: 2}]` | `x`: its `c0`, `y`: its `c1` |
//! | `(SELECT x, x + 1 AS y FROM` one of these `WHERE x > 1)` | the same | of the same, and a condition |

use crate::ast::visit::{Descend, Node, NodeMut, any, is_aggregate, walk_mut};
use crate::ast::{
    Expr, ExprKind, Query, QueryBody, Select, SetOperationKind, TableRef, TableRefKind, print,
};
use crate::split::is_volatile;

/// Rows of a `LATERAL (VALUES …)` that become a list.
const VALUES_MAX: usize = 256;

/// How elements are called until they have columns.
const ELEMENT: &str = "__u";

/// What is made of each row.
#[derive(Debug)]
pub(super) struct Rows {
    /// Unnested together; no list at all is one row.
    pub(super) lists: Vec<Expr>,
    /// Names and values; [`element`] in place of elements.
    pub(super) columns: Vec<(String, Expr)>,
    /// Which of the rows there are.
    pub(super) conditions: Vec<Expr>,
}

impl Rows {
    /// Leaves those for which a condition holds, over the item's columns and what stands before it.
    pub(super) fn restrict(&mut self, condition: &Expr, alias: &str) -> Option<()> {
        if is_beyond(condition) {
            return None;
        }
        let condition = in_place(condition, alias, &self.columns)?;
        self.conditions.push(condition);
        Some(())
    }
}

/// The name of the element of a list, in the item of this number.
pub(super) fn element(number: usize, list: usize) -> String {
    format!("{ELEMENT}{number}_{list}")
}

/// Whether a name is that of an element.
pub(super) fn is_element(name: &str) -> bool {
    name.starts_with(ELEMENT)
}

/// Whether an expression is the element of a list, or a field of it.
pub(super) fn is_of_element(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::ColumnRef(names) => names.first().is_some_and(|name| is_element(name)),
        ExprKind::Operator { op, children } => {
            op == "STRUCT_EXTRACT" && children.first().is_some_and(is_of_element)
        }
        _ => false,
    }
}

/// What an item of FROM is called; perhaps nothing.
pub(super) fn alias(item: &TableRef) -> String {
    match &item.kind {
        TableRefKind::Function { .. } if item.alias.is_empty() => "unnest".to_owned(),
        _ => item.alias.clone(),
    }
}

/// Whether [`of`] may know it, as far as is seen at once.
pub(super) fn may_be(item: &TableRef) -> bool {
    match &item.kind {
        TableRefKind::Function { .. } => unnested(item).is_some(),
        TableRefKind::Values { .. } => true,
        TableRefKind::Subquery(query) => match &query.body {
            QueryBody::Select(block) => {
                matches!(block.from.kind, TableRefKind::Empty) || may_be(&block.from)
            }
            QueryBody::SetOperation { kind, all, .. } => *all && *kind == SetOperationKind::Union,
            QueryBody::RecursiveCte { .. } => false,
        },
        _ => false,
    }
}

/// What an item makes of each row, if it is one of these.
pub(super) fn of(item: &TableRef, number: usize) -> Option<Rows> {
    if item.sample.is_some() {
        return None;
    }
    let mut rows = match &item.kind {
        TableRefKind::Function { .. } => {
            let column = match item.column_aliases.first() {
                Some(name) => name.clone(),
                None => alias(item),
            };
            Rows {
                lists: vec![unnested(item)?.clone()],
                columns: vec![(column, whole(number, 0))],
                conditions: Vec::new(),
            }
        }
        TableRefKind::Values { rows } => values(rows, number)?,
        TableRefKind::Subquery(query) => of_query(query, number)?,
        _ => return None,
    };
    if rows.lists.iter().any(is_beyond) || rows.columns.iter().any(|(_, expr)| is_beyond(expr)) {
        return None;
    }
    for (column, name) in rows.columns.iter_mut().zip(&item.column_aliases) {
        column.0.clone_from(name);
    }
    Some(rows)
}

/// The list in `unnest(list)`.
fn unnested(item: &TableRef) -> Option<&Expr> {
    match &item.kind {
        TableRefKind::Function {
            call,
            with_ordinality: false,
        } => list_of(call),
        _ => None,
    }
}

fn list_of(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Function(call) if unnests(&call.name) => match call.args.as_slice() {
            [list] if list.alias.is_empty() => Some(list),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a function makes rows of a list.
fn unnests(name: &str) -> bool {
    matches!(name, "unnest" | "skein_rows")
}

fn whole(number: usize, list: usize) -> Expr {
    Expr::column([element(number, list)])
}

/// What is more than an expression over a row, or gives another value each time: columns may be named twice.
fn is_beyond(expr: &Expr) -> bool {
    any(Node::Expr(expr), &mut |node| match node {
        Node::Query(_) | Node::Table(_) => true,
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Function(call) => {
                unnests(&call.name) || is_aggregate(&call.name) || is_volatile(&call.name)
            }
            ExprKind::Window(_)
            | ExprKind::Star(_)
            | ExprKind::Sql(_)
            | ExprKind::Positional(_) => true,
            _ => false,
        },
    })
}

fn values(rows: &[Vec<Expr>], number: usize) -> Option<Rows> {
    let width = rows.first()?.len();
    if rows.len() > VALUES_MAX || rows.iter().any(|row| row.len() != width) {
        return None;
    }
    let field = |at: usize| format!("c{at}");
    let elements = rows.iter().map(|row| {
        let fields = row.iter().enumerate();
        let fields = fields
            .map(|(at, value)| value.clone().named(field(at)))
            .collect();
        Expr::function("struct_pack", fields)
    });
    let list = Expr::function("list_value", elements.collect());
    let columns = (0..width).map(|at| {
        let value = ExprKind::Operator {
            op: "STRUCT_EXTRACT".to_owned(),
            children: vec![whole(number, 0), Expr::string(field(at))],
        };
        (format!("col{at}"), value.into())
    });
    Some(Rows {
        lists: vec![list],
        columns: columns.collect(),
        conditions: Vec::new(),
    })
}

fn of_query(query: &Query, number: usize) -> Option<Rows> {
    if !query.ctes.is_empty() || !query.modifiers.is_empty() {
        return None;
    }
    match &query.body {
        QueryBody::Select(block) => of_block(block, number),
        QueryBody::SetOperation {
            kind: SetOperationKind::Union,
            all: true,
            operands,
        } => of_union(operands, number),
        _ => None,
    }
}

/// `SELECT 'a', t.a UNION ALL SELECT 'b', t.b`
fn of_union(operands: &[Query], number: usize) -> Option<Rows> {
    let mut all = Vec::new();
    let mut names = Vec::new();
    for operand in operands {
        let rows = of_query(operand, number)?;
        if !rows.lists.is_empty() || !rows.conditions.is_empty() {
            return None;
        }
        let (own, row): (Vec<String>, Vec<Expr>) = rows.columns.into_iter().unzip();
        if names.is_empty() {
            names = own;
        }
        all.push(row);
    }
    if all.iter().flatten().any(is_beyond) {
        return None;
    }
    let mut rows = values(&all, number)?;
    for (column, name) in rows.columns.iter_mut().zip(names) {
        column.0 = name;
    }
    Some(rows)
}

fn of_block(block: &Select, number: usize) -> Option<Rows> {
    let is_plain = block.group_by.is_empty()
        && block.grouping_sets.is_empty()
        && !block.group_by_all
        && block.having.is_none()
        && block.qualify.is_none()
        && block.sample.is_none();
    if !is_plain {
        return None;
    }
    if matches!(block.from.kind, TableRefKind::Empty) {
        let rows = without_from(block, number);
        return block.where_clause.is_none().then_some(rows);
    }
    let inner = of(&block.from, number)?;
    let own = alias(&block.from);
    let mut columns = Vec::new();
    for item in &block.select_list {
        if let ExprKind::Star(star) = &item.kind {
            let is_plain = star.exclude.is_empty()
                && star.replace.is_empty()
                && star.rename.is_empty()
                && !star.columns
                && star.expr.is_none();
            if !is_plain || !(star.relation.is_empty() || star.relation == own) {
                return None;
            }
            columns.extend(inner.columns.iter().cloned());
            continue;
        }
        columns.push((name_of(item), in_place(item, &own, &inner.columns)?));
    }
    let mut inner = inner;
    if let Some(condition) = &block.where_clause {
        inner.restrict(condition, &own)?;
    }
    Some(Rows { columns, ..inner })
}

/// `SELECT unnest(a) AS x, t.b + 1 AS y`
fn without_from(block: &Select, number: usize) -> Rows {
    let mut lists = Vec::new();
    let mut columns = Vec::new();
    for item in &block.select_list {
        let mut value = item.clone();
        value.alias.clear();
        if let Some(list) = list_of(item) {
            lists.push(list.clone());
            value = whole(number, lists.len() - 1);
        }
        columns.push((name_of(item), value));
    }
    Rows {
        lists,
        columns,
        conditions: Vec::new(),
    }
}

/// As DuckDB calls a column.
pub(super) fn name_of(item: &Expr) -> String {
    match &item.kind {
        _ if !item.alias.is_empty() => item.alias.clone(),
        ExprKind::ColumnRef(names) => names.last().cloned().unwrap_or_default(),
        ExprKind::Function(call) if call.name == "unnest" => call.name.clone(),
        _ => print::expr_sql(item),
    }
}

/// An expression over the columns of an item, with what these are in their place.
fn in_place(expr: &Expr, own: &str, columns: &[(String, Expr)]) -> Option<Expr> {
    let mut expr = expr.clone();
    expr.alias.clear();
    let mut is_whole = true;
    walk_mut(NodeMut::Expr(&mut expr), &mut |node| {
        let NodeMut::Expr(expr) = node else {
            return Descend::Over;
        };
        match &expr.kind {
            ExprKind::Lambda { left, .. } => {
                // Its variables hide columns.
                is_whole &= !any(Node::Expr(left), &mut |node| {
                    matches!(node, Node::Expr(Expr { kind: ExprKind::ColumnRef(names), .. })
                        if columns.iter().any(|(column, _)| names[0].eq_ignore_ascii_case(column)))
                });
                Descend::Into
            }
            ExprKind::ColumnRef(names) => {
                let known = |name: &String| {
                    columns
                        .iter()
                        .find(|(column, _)| column.eq_ignore_ascii_case(name))
                };
                let is_own = !own.is_empty() && names[0].eq_ignore_ascii_case(own);
                let (value, fields) = match names.as_slice() {
                    [_, column, fields @ ..] if is_own && known(column).is_some() => {
                        (known(column), fields)
                    }
                    [column, fields @ ..] => (known(column), fields),
                    [] => (None, [].as_slice()),
                };
                match value {
                    Some((_, value)) => *expr = with_fields(value.clone(), fields),
                    // The whole row.
                    None if is_own => is_whole = false,
                    None => {}
                }
                Descend::Over
            }
            _ => Descend::Into,
        }
    });
    is_whole.then_some(expr)
}

fn with_fields(value: Expr, fields: &[String]) -> Expr {
    fields.iter().fold(value, |value, field| {
        ExprKind::Operator {
            op: "STRUCT_EXTRACT".to_owned(),
            children: vec![value, Expr::string(field.clone())],
        }
        .into()
    })
}
