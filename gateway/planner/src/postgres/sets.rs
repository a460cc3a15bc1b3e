//! Functions that return rows: `unnest`, `generate_series`, `json_each` and others, in FROM and among
//! result columns.
//!
//! Each has a list of what it returns, which `unnest` turns into rows:
//!
//! ```text
//! SELECT json_object_keys(x)          ─► SELECT unnest(keys(x))
//! FROM t, unnest(a, b) WITH ORDINALITY ─► FROM t, (SELECT unnest(a), unnest(b), unnest(range(…)))
//! FROM json_each(x)                   ─► FROM (SELECT c.key, c.value FROM (SELECT unnest(…) AS c))
//! ```
//!
//! DuckDB's `unnest` goes in lock step as PostgreSQL does since version 10, and a subquery in FROM
//! sees the tables before it. The series of constant integers stays a table function, which makes
//! its rows as they are wanted.

use super::{jsonpath, node, patterns, temporal, tokens};
use crate::ast::visit::{Descend, Node, NodeMut, any, walk_mut};
use crate::ast::{
    Expr, ExprKind, Function, Join, JoinKind, JoinSyntax, Query, QueryBody, Select,
    SetOperationKind, TableRef, TableRefKind,
};

const FN: &str = skein_executor_api::functions::SCHEMA;

/// The columns of `json_each`.
const ENTRY: &[&str] = &["key", "value"];

/// What a function returns: a list of values or of rows with these columns.
struct Rows {
    list: Expr,
    columns: &'static [&'static str],
    /// The name of the only column in FROM, unless the function has an alias.
    name: String,
    /// The name stays when there is an alias.
    fixed: bool,
    /// What makes rows of it: elements that are arrays stay such.
    by: By,
}

/// What makes rows of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// `unnest`, which goes into arrays of several dimensions.
    Unnest,
    /// The macro for matches, each an array.
    Matches,
}

/// The rows of a call, if it is one of these functions.
fn rows(call: &Function) -> Option<Rows> {
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog" | FN) {
        return None;
    }
    let args = call.args.clone();
    let (list, columns, name): (Expr, &'static [&'static str], &str) =
        match (call.name.as_str(), args.len()) {
            ("unnest" | patterns::ROWS, 1) => (args.into_iter().next()?, &[], "unnest"),
            ("generate_series", 2 | 3) => (series(args), &[], "generate_series"),
            ("generate_subscripts", 2 | 3) => (
                node::call(FN, "skein_subscripts", args),
                &[],
                "generate_subscripts",
            ),
            ("json_array_elements", 1) => (
                node::call(FN, "skein_json_array_elements", args),
                &[],
                "value",
            ),
            ("jsonb_array_elements", 1) => (
                node::call(FN, "skein_jsonb_array_elements", args),
                &[],
                "value",
            ),
            ("json_array_elements_text", 1) => (
                node::call(FN, "skein_json_array_elements_text", args),
                &[],
                "value",
            ),
            ("jsonb_array_elements_text", 1) => (
                node::call(FN, "skein_jsonb_array_elements_text", args),
                &[],
                "value",
            ),
            ("json_object_keys", 1) => (
                node::call(FN, "skein_json_names", args),
                &[],
                "json_object_keys",
            ),
            ("jsonb_object_keys", 1) => (
                node::call(FN, "skein_jsonb_names", args),
                &[],
                "jsonb_object_keys",
            ),
            ("json_each", 1) => (node::call(FN, "skein_json_each", args), ENTRY, ""),
            ("jsonb_each", 1) => (node::call(FN, "skein_jsonb_each", args), ENTRY, ""),
            ("json_each_text", 1) => (node::call(FN, "skein_json_each_text", args), ENTRY, ""),
            ("jsonb_each_text", 1) => (node::call(FN, "skein_jsonb_each_text", args), ENTRY, ""),
            ("jsonb_path_query", 2..=4) => (jsonpath::call(call)?, &[], "jsonb_path_query"),
            ("jsonb_path_query_tz", 2..=4) => (jsonpath::call(call)?, &[], "jsonb_path_query_tz"),
            _ => return None,
        };
    Some(Rows {
        list,
        columns,
        fixed: name == "value",
        name: name.to_owned(),
        by: match call.name.as_str() {
            patterns::ROWS => By::Matches,
            _ => By::Unnest,
        },
    })
}

/// Whether a call among result columns returns rows.
pub(crate) fn returns_rows(call: &Function) -> bool {
    let of_texts = ["regexp_matches", "regexp_split_to_table", "string_to_table"];
    of_texts.contains(&call.name.as_str()) || rows(call).is_some()
}

/// The list of a series. What the types of the bounds say is found later; a step that is an interval
/// shows that they are times.
fn series(mut args: Vec<Expr>) -> Expr {
    let by_time = args.get(2).is_some_and(|step| match &step.kind {
        ExprKind::Constant(_) => node::constant_text(step).is_some(),
        ExprKind::Cast { ty, .. } => ty.id() == "INTERVAL",
        ExprKind::Function(call) => call.name.starts_with("to_"),
        _ => false,
    });
    let zoned = args[..2].iter().any(|bound| {
        matches!(&bound.kind, ExprKind::Cast { ty, .. }
            if matches!(ty.id(), "TIMESTAMP WITH TIME ZONE" | "DATE"))
    });
    let plain = args[..2]
        .iter()
        .any(|bound| matches!(&bound.kind, ExprKind::Cast { ty, .. } if ty.id() == "TIMESTAMP"));
    let ty = match (by_time, zoned, plain) {
        (true, true, false) => Some("TIMESTAMP WITH TIME ZONE"),
        (true, _, true) => Some("TIMESTAMP"),
        _ => None,
    };
    for bound in args.iter_mut().take(2) {
        let read = match (ty, &bound.kind) {
            (Some(ty), ExprKind::Constant(_)) => {
                node::constant_text(bound).and_then(|text| temporal::constants::compared(text, ty))
            }
            _ => None,
        };
        if let Some(moment) = read {
            *bound = moment;
        }
    }
    let name = match (by_time, zoned, plain) {
        (true, true, false) => "skein_series_timestamptz",
        (true, _, true) => "skein_series_timestamp",
        _ => "skein_series",
    };
    node::call(FN, name, args)
}

/// Rewrites such a call that stands in an expression.
pub(super) fn function(expr: &mut Expr) -> Descend {
    let ExprKind::Function(call) = &expr.kind else {
        return Descend::Into;
    };
    if matches!(call.name.as_str(), "unnest" | patterns::ROWS) {
        return Descend::Into;
    }
    let Some(rows) = rows(call) else {
        return Descend::Into;
    };
    let list = if rows.columns.is_empty() {
        rows.list
    } else {
        node::call(FN, "skein_records", vec![rows.list])
    };
    expr.kind = node::call("", "unnest", vec![list]).kind;
    Descend::Into
}

/// Gives result columns that return rows the name of their function, which would else be `unnest`.
pub(super) fn name_output(expr: &mut Expr) {
    if let ExprKind::Function(call) = &expr.kind
        && expr.alias.is_empty()
        && !matches!(call.name.as_str(), "unnest" | patterns::ROWS)
        && rows(call).is_some()
    {
        expr.alias.clone_from(&call.name);
    }
}

/// In PostgreSQL the alias of a function that returns scalars is the scalar, also where its column has
/// a name of its own: `e -> 'a' FROM json_array_elements(x) AS e`.
pub(super) fn aliases(query: &mut Query) {
    let QueryBody::Select(select) = &mut query.body else {
        return;
    };
    let mut names = Vec::new();
    value_aliases(&select.from, &mut names);
    if names.is_empty() {
        return;
    }
    for item in &mut select.select_list {
        if let ExprKind::ColumnRef(column) = &item.kind
            && let [name] = column.as_slice()
            && names.contains(name)
            && item.alias.is_empty()
        {
            item.alias.clone_from(name);
        }
    }
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::ColumnRef(column) = &mut expr.kind
            && let [name] = column.as_slice()
            && names.contains(name)
        {
            column.push("value".to_owned());
        }
        Descend::Into
    });
}

/// The alias of what [`lift`] puts into FROM.
const LIFTED: &str = "sets__";

/// Puts functions that return rows into FROM where rows are grouped by what they return:
///
/// ```text
/// SELECT unnest(a) AS x, count(*) FROM t GROUP BY x
///   ─► SELECT sets__.s0 AS x, count(*) FROM t, (SELECT unnest(a) AS s0) AS sets__ GROUP BY x
/// ```
pub(super) fn lift(query: &mut Query) {
    let QueryBody::Select(select) = &mut query.body else {
        return;
    };
    let mut known: Vec<Expr> = Vec::new();
    for key in &select.group_by {
        let item = match &key.kind {
            ExprKind::Constant(_) => node::constant_integer(key)
                .and_then(|place| usize::try_from(place - 1).ok())
                .and_then(|at| select.select_list.get(at)),
            ExprKind::ColumnRef(names) => match names.as_slice() {
                [name] => select.select_list.iter().find(|item| item.alias == *name),
                _ => None,
            },
            _ => Some(key),
        };
        if let Some(call) = item.filter(|item| is_call(item)).map(plain)
            && !known.contains(&call)
        {
            known.push(call);
        }
    }
    if known.is_empty() {
        return;
    }
    let mut lists = Vec::new();
    for (index, call) in known.iter().enumerate() {
        let ExprKind::Function(function) = &call.kind else {
            continue;
        };
        let Some(rows) = rows(function) else { continue };
        lists.push(Rows {
            columns: &[],
            name: format!("s{index}"),
            ..rows
        });
    }
    let place = |expr: &mut Expr| {
        let Some(index) = known.iter().position(|call| *call == plain(expr)) else {
            return;
        };
        if let ExprKind::Function(call) = &expr.kind
            && expr.alias.is_empty()
        {
            expr.alias.clone_from(&call.name);
        }
        expr.kind = ExprKind::ColumnRef(vec![LIFTED.to_owned(), format!("s{index}")]);
    };
    select.select_list.iter_mut().for_each(place);
    select.group_by.iter_mut().for_each(|key| {
        place(key);
        key.alias.clear();
    });
    let mut sets = TableRef::from(TableRefKind::Subquery(Box::new(subquery(lists, false))));
    LIFTED.clone_into(&mut sets.alias);
    let from = std::mem::replace(&mut select.from, TableRefKind::Empty.into());
    select.from = match from.kind {
        TableRefKind::Empty => sets,
        _ => TableRefKind::Join(Box::new(Join {
            left: from,
            right: sets,
            condition: None,
            kind: JoinKind::Inner,
            syntax: JoinSyntax::Cross,
            using: Vec::new(),
            delim_flipped: false,
        }))
        .into(),
    };
}

/// Whether an expression is a call of a function that returns rows of one column.
fn is_call(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if rows(call).is_some_and(|rows| rows.columns.is_empty()))
}

/// An expression without what tells apart two that are written alike.
fn plain(expr: &Expr) -> Expr {
    let mut plain = expr.clone();
    plain.alias.clear();
    walk_mut(NodeMut::Expr(&mut plain), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            expr.location = None;
        }
        Descend::Into
    });
    plain
}

fn value_aliases(table: &TableRef, names: &mut Vec<String>) {
    match &table.kind {
        TableRefKind::Join(join) => {
            value_aliases(&join.left, names);
            value_aliases(&join.right, names);
        }
        TableRefKind::Function { call, .. } => {
            if let ExprKind::Function(call) = &call.kind
                && table.column_aliases.is_empty()
                && !table.alias.is_empty()
                && table.alias != "value"
                && rows(call).is_some_and(|rows| rows.fixed)
            {
                names.push(table.alias.clone());
            }
        }
        _ => {}
    }
}

/// `(VALUES (t.a), (t.b))` becomes `(SELECT t.a UNION ALL SELECT t.b)`, where what depends on types is put right.
fn lateral_values(table: &mut TableRef) {
    let TableRefKind::Values { rows } = &mut table.kind else {
        return;
    };
    let is_column = |value: &Expr| {
        any(
            Node::Expr(value),
            &mut |node| matches!(node, Node::Expr(expr) if matches!(expr.kind, ExprKind::ColumnRef(_))),
        )
    };
    if !rows.iter().flatten().any(is_column) {
        return;
    }
    let mut operands: Vec<Query> = Vec::new();
    for mut row in std::mem::take(rows) {
        for (at, value) in row.iter_mut().enumerate() {
            value.alias = format!("column{}", at + 1);
        }
        operands.push(Select::new(row, TableRefKind::Empty.into()).into());
    }
    let query = if operands.len() == 1 {
        operands.remove(0)
    } else {
        Query {
            ctes: Vec::new(),
            body: QueryBody::SetOperation {
                kind: SetOperationKind::Union,
                all: true,
                operands,
            },
            modifiers: Vec::new(),
        }
    };
    table.kind = TableRefKind::Subquery(Box::new(query));
}

/// Rewrites such a call that stands in FROM.
pub(super) fn table(table: &mut TableRef) -> Descend {
    lateral_values(table);
    let TableRefKind::Function {
        call,
        with_ordinality,
    } = &table.kind
    else {
        return Descend::Into;
    };
    let ordinality = *with_ordinality;
    let ExprKind::Function(call) = &call.kind else {
        return Descend::Into;
    };
    let calls: Vec<Rows> = if call.name == tokens::ROWS_FROM {
        let calls = call.args.iter().map(|arg| match &arg.kind {
            ExprKind::Function(call) => {
                rows(call).or_else(|| Some(single(arg.clone(), &call.name)))
            }
            _ => None,
        });
        match calls.collect() {
            Some(calls) => calls,
            None => return Descend::Into,
        }
    } else if call.name == "unnest" && call.args.len() > 1 && !call.args.iter().any(is_named) {
        call.args
            .iter()
            .map(|arg| Rows {
                list: arg.clone(),
                columns: &[],
                name: "unnest".to_owned(),
                fixed: true,
                by: By::Unnest,
            })
            .collect()
    } else if let Some(rows) = rows(call) {
        if call.name == "unnest" && !ordinality && call.args.iter().all(is_plain) {
            // DuckDB's own does the same, under the name that PostgreSQL gives the column.
            return own_unnest(table);
        }
        vec![rows]
    } else {
        return Descend::Into;
    };
    if let [_] = calls.as_slice()
        && !ordinality
        && call.name == "generate_series"
        && let Some(ty) = integers(&call.args)
    {
        return streamed(table, ty);
    }
    let mut calls = calls;
    if let [only] = calls.as_mut_slice()
        && !only.fixed
        && !table.alias.is_empty()
    {
        only.name.clone_from(&table.alias);
    }
    if table.alias.is_empty() {
        table.alias.clone_from(&call.name);
    }
    table.kind = TableRefKind::Subquery(Box::new(subquery(calls, ordinality)));
    Descend::Into
}

/// A function that returns one row, in `ROWS FROM`.
fn single(call: Expr, name: &str) -> Rows {
    Rows {
        list: node::array(vec![call]),
        columns: &[],
        name: name.to_owned(),
        fixed: true,
        by: By::Unnest,
    }
}

fn is_named(arg: &Expr) -> bool {
    !arg.alias.is_empty()
}

/// `SELECT unnest(list) AS name, …`
fn subquery(calls: Vec<Rows>, ordinality: bool) -> Query {
    let lists: Vec<Expr> = calls.iter().map(|rows| rows.list.clone()).collect();
    let mut inner = Vec::new();
    let mut outer = Vec::new();
    for (index, rows) in calls.into_iter().enumerate() {
        let column = format!("row__{index}");
        let list = vec![rows.list];
        let mut item = match rows.by {
            By::Unnest => node::call("", "unnest", list),
            By::Matches => node::macro_call(patterns::ROWS, list),
        };
        item.alias.clone_from(&column);
        inner.push(item);
        let whole = node::expr(ExprKind::ColumnRef(vec![column]));
        if rows.columns.is_empty() {
            outer.push(named(whole.clone(), &rows.name));
        }
        for name in rows.columns {
            let field = ExprKind::Operator {
                op: "STRUCT_EXTRACT".to_owned(),
                children: vec![whole.clone(), node::text(name)],
            };
            outer.push(named(node::expr(field), name));
        }
    }
    if ordinality {
        let mut item = node::call(
            "",
            "unnest",
            vec![node::call(FN, "skein_places", lists_of(lists))],
        );
        "ordinality".clone_into(&mut item.alias);
        inner.push(item);
        outer.push(node::expr(ExprKind::ColumnRef(vec![
            "ordinality".to_owned(),
        ])));
    }
    // DuckDB takes a name in the list for the result column that is called so.
    let is_named = |item: &Expr| {
        inner.iter().any(|list| {
            any(Node::Expr(list), &mut |node| {
                matches!(node, Node::Expr(Expr { kind: ExprKind::ColumnRef(names), .. })
                    if names[0] == item.alias)
            })
        })
    };
    let plain = outer
        .iter()
        .all(|item| matches!(item.kind, ExprKind::ColumnRef(_)) && !is_named(item));
    let inner: Query = Select::new(inner, TableRefKind::Empty.into()).into();
    if plain {
        let mut inner = inner;
        if let QueryBody::Select(select) = &mut inner.body {
            for (item, name) in select.select_list.iter_mut().zip(&outer) {
                if !name.alias.is_empty() {
                    item.alias.clone_from(&name.alias);
                }
            }
        }
        return inner;
    }
    let mut from = TableRef::from(TableRefKind::Subquery(Box::new(inner)));
    "lists".clone_into(&mut from.alias);
    Select::new(outer, from).into()
}

fn named(mut expr: Expr, name: &str) -> Expr {
    name.clone_into(&mut expr.alias);
    expr
}

/// The argument of `skein_places`: how long the lists are.
fn lists_of(lists: Vec<Expr>) -> Vec<Expr> {
    let lengths = lists
        .into_iter()
        .map(|list| node::call("", "len", vec![list]))
        .collect();
    vec![node::call("", "greatest", lengths)]
}

/// Whether an array is what it is without anything put right, which is done for expressions outside of FROM only.
fn is_plain(array: &Expr) -> bool {
    matches!(array.kind, ExprKind::ColumnRef(_) | ExprKind::Parameter(_))
}

/// `unnest` alone keeps DuckDB's form; its column is called as the alias is.
fn own_unnest(table: &mut TableRef) -> Descend {
    if table.column_aliases.is_empty() && !table.alias.is_empty() {
        table.column_aliases.push(table.alias.clone());
    }
    Descend::Into
}

/// The type of a series, if all its arguments are integer constants.
fn integers(args: &[Expr]) -> Option<&'static str> {
    let values: Vec<i64> = args
        .iter()
        .map(node::constant_integer)
        .collect::<Option<_>>()?;
    let small = values.iter().all(|value| i32::try_from(*value).is_ok());
    if args.len() == 3 && values[2] == 0 {
        return None;
    }
    Some(if small { "INTEGER" } else { "BIGINT" })
}

/// `(SELECT CAST(generate_series AS INTEGER) AS name FROM generate_series(1, 3))`
fn streamed(table: &mut TableRef, ty: &str) -> Descend {
    const NAME: &str = "generate_series";
    if table.alias.is_empty() {
        NAME.clone_into(&mut table.alias);
    }
    let mut function = std::mem::replace(&mut table.kind, TableRefKind::Empty);
    if let TableRefKind::Function { call, .. } = &mut function
        && let ExprKind::Function(call) = &mut call.kind
    {
        // DuckDB's own stands in no schema of PostgreSQL's.
        call.schema.clear();
    }
    let column = node::expr(ExprKind::ColumnRef(vec![NAME.to_owned()]));
    let column = node::cast(column, node::plain_type(ty));
    let select = Select::new(vec![named(column, &table.alias)], TableRef::from(function));
    table.kind = TableRefKind::Subquery(Box::new(select.into()));
    Descend::Over
}
