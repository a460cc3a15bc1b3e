//! Aggregates that DuckDB lacks, built from those it has.
//!
//! | PostgreSQL | becomes |
//! |---|---|
//! | `json_agg(x)`, `jsonb_agg(x)` | the JSON of each value, joined by `string_agg` |
//! | `json_object_agg(k, v)`, `jsonb_object_agg(k, v)` | the same with pairs |
//! | `string_agg(x, d)`, `d` no constant | the list of both, joined in a macro |
//! | `string_agg(x, NULL)`, `string_agg(x, $1)` | `string_agg(x, '')`, `string_agg(x, coalesce($1, ''))` |
//! | `array_agg(DISTINCT x)` and the like | `array_agg(DISTINCT x ORDER BY x)` |
//! | `string_agg(DISTINCT f(x), d ORDER BY f(x))` | the list without repetition, sorted, joined |
//! | `rank(x) WITHIN GROUP (…)` and its like | counts, see [`hypothetical`] |
//!
//! DISTINCT, ORDER BY and FILTER stay with the aggregate that collects the rows, so a split query
//! does with it what it does with every `string_agg` and `list`.

use crate::ast::visit::{Descend, Node, NodeMut, any, walk_mut};
use crate::ast::{Expr, ExprKind, Function, NullOrder, OrderBy, SortDirection, Window, print};
use crate::build;
use crate::postgres::{hypothetical, node};

/// Rewrites an aggregate that DuckDB lacks; whether it did.
pub(super) fn function(expr: &mut Expr) -> bool {
    let ExprKind::Function(call) = &mut expr.kind else {
        return false;
    };
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog") {
        return false;
    }
    if let Some(counted) = hypothetical::function(call) {
        expr.kind = counted.kind;
        return true;
    }
    if sorts_distinct(call) {
        call.order_by = vec![OrderBy {
            expr: call.args[0].clone(),
            direction: SortDirection::Default,
            nulls: NullOrder::Default,
        }];
    }
    if let Some(sorted) = sorted_list(call) {
        expr.kind = sorted.kind;
        return true;
    }
    let new = match (call.name.as_str(), call.args.len()) {
        ("json_agg", 1) => elements(call, "to_json", "JSON"),
        ("jsonb_agg", 1) => elements(call, "to_jsonb", "jsonb"),
        ("json_object_agg", 2) => pairs(call, "to_json", "JSON"),
        ("jsonb_object_agg", 2) => pairs(call, "to_jsonb", "jsonb"),
        ("string_agg", 2) => match &call.args[1].kind {
            ExprKind::Constant(constant) if constant.value.is_null() => {
                call.args[1] = node::text("");
                return false;
            }
            _ if call.distinct || node::constant_text(&call.args[1]).is_some() => return false,
            ExprKind::Constant(_) => return false,
            ExprKind::Parameter(_) => {
                let delimiter = std::mem::replace(&mut call.args[1], node::null());
                call.args[1] = node::expr(ExprKind::Operator {
                    op: "OPERATOR_COALESCE".to_owned(),
                    children: vec![delimiter, node::text("")],
                });
                return false;
            }
            // A constant of `bytea`, which DuckDB does not join.
            ExprKind::Cast { child, .. } if node::constant_text(child).is_some() => return false,
            _ => delimited(call),
        },
        _ => return false,
    };
    expr.kind = new.kind;
    true
}

/// The same with OVER: what collects the rows has the window then.
pub(super) fn window(expr: &mut Expr) -> bool {
    let ExprKind::Window(window) = &expr.kind else {
        return false;
    };
    let known = [
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
    ];
    // PostgreSQL has no DISTINCT there.
    if window.distinct
        || !matches!(window.schema.as_str(), "" | "pg_catalog")
        || !known.contains(&window.name.as_str())
    {
        return false;
    }
    let mut call = node::expr(ExprKind::Function(Box::new(Function {
        filter: window.filter.clone(),
        order_by: window.arg_orders.clone(),
        ..build::function(&window.name, window.args.clone())
    })));
    if !function(&mut call) {
        return false;
    }
    walk_mut(NodeMut::Expr(&mut call), &mut |node| {
        let NodeMut::Expr(found) = node else {
            return Descend::Over;
        };
        let ExprKind::Function(call) = &mut found.kind else {
            return Descend::Into;
        };
        if call.name != "string_agg" {
            return Descend::Into;
        }
        found.kind = ExprKind::Window(Box::new(Window {
            schema: String::new(),
            name: call.name.clone(),
            args: std::mem::take(&mut call.args),
            filter: call.filter.take(),
            arg_orders: std::mem::take(&mut call.order_by),
            ..(**window).clone()
        }));
        Descend::Over
    });
    expr.kind = call.kind;
    true
}

/// `json_agg(x)`
fn elements(call: &Function, convert: &str, ty: &str) -> Expr {
    if call.distinct {
        // Sorted and told apart by the values themselves.
        let list = Function {
            schema: String::new(),
            name: "list".to_owned(),
            ..call.clone()
        };
        let list = node::expr(ExprKind::Function(Box::new(list)));
        let texts = if ty == "jsonb" {
            "skein_jsonb_elements_text"
        } else {
            "skein_json_elements_text"
        };
        return json(node::macro_call(texts, vec![list]), ("[", "]"), ty);
    }
    let value = node::call("", convert, vec![call.args[0].clone()]);
    let text = node::cast(value, node::plain_type("VARCHAR"));
    if ty == "jsonb" {
        return json(joined(call, coalesce(text, "null")), ("[", "]"), ty);
    }
    // Arrays and rows begin a line each, but for the first.
    let line = node::macro_call("skein_json_line", vec![call.args[0].clone(), text]);
    let lines = joined(call, coalesce(line, "null"));
    let lines = node::macro_call("skein_json_lines", vec![lines]);
    json(lines, ("[", "]"), ty)
}

/// Whether an aggregate collects values without repetition and in no order that was asked for.
/// PostgreSQL finds what repeats by sorting, so they come in their own order.
fn sorts_distinct(call: &Function) -> bool {
    call.distinct
        && call.order_by.is_empty()
        && matches!(
            call.name.as_str(),
            "array_agg" | "json_agg" | "jsonb_agg" | "string_agg"
        )
        && !call.args.is_empty()
}

/// Sorts what is computed after it has been collected: two expressions that may end with an error are never the same
/// to DuckDB, which then cannot sort by what it tells apart. FILTER makes such an expression of a text.
fn sorted_list(call: &Function) -> Option<Expr> {
    let [key] = call.order_by.as_slice() else {
        return None;
    };
    let value = call.args.first()?;
    let (is_text, is_list) = match (call.name.as_str(), call.args.len()) {
        ("string_agg", 2) => (true, false),
        ("array_agg" | "list", 1) => (false, true),
        _ => return None,
    };
    let is_computed = |expr: &Expr| {
        any(
            Node::Expr(expr),
            &mut |node| matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. }) if !call.is_operator),
        )
    };
    let same = print::expr_sql(&key.expr) == print::expr_sql(value);
    let constant = is_list || node::constant_text(&call.args[1]).is_some();
    let is_computed = is_computed(value) || (is_text && call.filter.is_some());
    if !call.distinct || !same || !constant || !is_computed {
        return None;
    }
    let descends = key.direction == SortDirection::Descending;
    let nulls_first = match key.nulls {
        NullOrder::Default => descends,
        NullOrder::First => true,
        NullOrder::Last => false,
    };
    let has_value = is_text.then(|| build::is_not_null(value.clone()));
    let list = Function {
        schema: String::new(),
        name: "list".to_owned(),
        args: vec![value.clone()],
        order_by: Vec::new(),
        filter: build::and(call.filter.clone(), has_value),
        ..call.clone()
    };
    let list = node::expr(ExprKind::Function(Box::new(list)));
    let direction = node::text(if descends { "DESC" } else { "ASC" });
    let nulls = node::text(if nulls_first {
        "NULLS FIRST"
    } else {
        "NULLS LAST"
    });
    let sorted = node::call("", "list_sort", vec![list, direction, nulls]);
    Some(if is_text {
        let delimiter = call.args[1].clone();
        node::call("", "array_to_string", vec![sorted, delimiter])
    } else {
        sorted
    })
}

/// `json_object_agg(k, v)`
fn pairs(call: &Function, convert: &str, ty: &str) -> Expr {
    let [key, value] = call.args.as_slice() else {
        return node::null();
    };
    let value = node::call("", convert, vec![value.clone()]);
    let text = coalesce(node::cast(value, node::plain_type("VARCHAR")), "null");
    let key = node::cast(key.clone(), node::plain_type("VARCHAR"));
    let pair = node::macro_call("skein_json_pair", vec![key, text]);
    json(joined(call, pair), ("{ ", " }"), ty)
}

/// `string_agg(text, ', ')` under the same conditions as `call`.
fn joined(call: &Function, text: Expr) -> Expr {
    node::expr(ExprKind::Function(Box::new(Function {
        schema: String::new(),
        name: "string_agg".to_owned(),
        args: vec![text, node::text(", ")],
        ..call.clone()
    })))
}

fn json(joined: Expr, (open, close): (&str, &str), ty: &str) -> Expr {
    let text = concat(concat(node::text(open), joined), node::text(close));
    let ty = if ty == "jsonb" {
        node::named_type("jsonb")
    } else {
        node::plain_type(ty)
    };
    node::cast(text, ty)
}

fn concat(left: Expr, right: Expr) -> Expr {
    node::expr(ExprKind::Function(Box::new(Function {
        is_operator: true,
        ..build::function("||", vec![left, right])
    })))
}

fn coalesce(expr: Expr, otherwise: &str) -> Expr {
    node::expr(ExprKind::Operator {
        op: "OPERATOR_COALESCE".to_owned(),
        children: vec![expr, node::text(otherwise)],
    })
}

/// `string_agg(x, d)` where each row has its own delimiter.
fn delimited(call: &Function) -> Expr {
    let has_value = build::is_not_null(call.args[0].clone());
    let list = Function {
        schema: String::new(),
        name: "list".to_owned(),
        args: vec![node::macro_call("skein_delimited", call.args.clone())],
        filter: build::and(call.filter.clone(), Some(has_value)),
        ..call.clone()
    };
    let list = node::expr(ExprKind::Function(Box::new(list)));
    node::macro_call("skein_joined", vec![list])
}
