//! Makes nodes of the tree.

use serde_json::{Value, json};

use crate::ast::{
    Constant, DataType, Expr, ExprKind, Function, Query, QueryBody, Select, TableRef, TableRefKind,
};
pub(super) use crate::build::null;

/// An expression without alias or position.
pub(super) fn expr(kind: ExprKind) -> Expr {
    Expr {
        kind,
        alias: String::new(),
        location: None,
    }
}

/// A type that needs no more than its name.
pub(super) fn plain_type(id: &str) -> DataType {
    DataType(json!({ "id": id, "type_info": null }))
}

/// A type that DuckDB's parser does not know.
pub(super) fn named_type(name: &str) -> DataType {
    DataType(json!({ "id": "UNBOUND", "type_info": {
        "type": "UNBOUND_TYPE_INFO", "alias": "", "extension_info": null,
        "name": name, "catalog": "", "schema": "", "user_type_modifiers": [] } }))
}

/// A list type.
pub(super) fn list_type(element: &str) -> DataType {
    DataType(json!({
        "id": "LIST",
        "type_info": {
            "type": "LIST_TYPE_INFO",
            "alias": "",
            "extension_info": null,
            "child_type": { "id": element, "type_info": null },
        },
    }))
}

/// A list of this type.
pub(super) fn list_of(element: &DataType) -> DataType {
    DataType(json!({
        "id": "LIST",
        "type_info": {
            "type": "LIST_TYPE_INFO",
            "alias": "",
            "extension_info": null,
            "child_type": &element.0,
        },
    }))
}

/// A text.
pub(super) fn text(value: &str) -> Expr {
    constant("VARCHAR", Value::String(value.to_owned()))
}

/// A text, or NULL of that type.
pub(super) fn text_or_null(value: Option<&str>) -> Expr {
    value.map_or_else(|| cast(null(), plain_type("VARCHAR")), text)
}

/// An integer of DuckDB's type `ty`.
pub(super) fn integer(ty: &str, value: i64) -> Expr {
    let own = if i32::try_from(value).is_ok() {
        "INTEGER"
    } else {
        "BIGINT"
    };
    let value = constant(own, Value::from(value));
    if ty == own {
        value
    } else {
        cast(value, plain_type(ty))
    }
}

/// A truth value, as DuckDB's parser writes it.
pub(super) fn boolean(value: bool) -> Expr {
    cast(text(if value { "t" } else { "f" }), plain_type("BOOLEAN"))
}

fn constant(ty: &str, value: Value) -> Expr {
    expr(ExprKind::Constant(Constant {
        ty: plain_type(ty),
        value,
    }))
}

/// `CAST(child AS ty)`
pub(super) fn cast(child: Expr, ty: DataType) -> Expr {
    expr(ExprKind::Cast {
        child: Box::new(child),
        ty,
        try_cast: false,
    })
}

/// `ARRAY[…]`
pub(super) fn array(elements: Vec<Expr>) -> Expr {
    call("", "list_value", elements)
}

/// What `body` makes of a value that it uses several times. A value that costs something becomes a
/// variable first: `list_transform([value], lambda whole__: body)[1]`.
pub(super) fn once(value: Expr, body: impl FnOnce(Expr) -> Expr) -> Expr {
    once_named("whole__", value, body)
}

/// The same with a name of its own for the variable, for one that stands within another.
pub(super) fn once_named(name: &str, value: Expr, body: impl FnOnce(Expr) -> Expr) -> Expr {
    if is_simple(&value) {
        return body(value);
    }
    with_variable(name, value, body)
}

/// `list_transform([value], lambda name: body)[1]`
pub(super) fn with_variable(name: &str, value: Expr, body: impl FnOnce(Expr) -> Expr) -> Expr {
    let parameter = expr(ExprKind::ColumnRef(vec![name.to_owned()]));
    let lambda = expr(ExprKind::Lambda {
        left: Box::new(parameter.clone()),
        right: Box::new(body(parameter)),
    });
    expr(ExprKind::Operator {
        op: "ARRAY_EXTRACT".to_owned(),
        children: vec![
            call("", "list_transform", vec![array(vec![value]), lambda]),
            integer("INTEGER", 1),
        ],
    })
}

/// Whether a value costs nothing.
pub(super) fn is_simple(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::ColumnRef(_) | ExprKind::Constant(_) | ExprKind::Parameter(_) => true,
        ExprKind::Cast { child, .. } => is_simple(child),
        _ => false,
    }
}

/// A call; `schema` may be empty.
pub(super) fn call(schema: &str, name: &str, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Function(Box::new(Function {
        catalog: String::new(),
        schema: schema.to_owned(),
        name: name.to_owned(),
        args,
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        is_operator: false,
        export_state: false,
    })))
}

/// A call of one of [`skein_executor_api::functions`].
pub(crate) fn macro_call(name: &str, args: Vec<Expr>) -> Expr {
    call(skein_executor_api::functions::SCHEMA, name, args)
}

/// `SELECT expr`
pub(super) fn select(expr: Expr) -> Query {
    Query {
        ctes: Vec::new(),
        body: QueryBody::Select(Box::new(Select {
            select_list: vec![expr],
            from: TableRef {
                kind: TableRefKind::Empty,
                alias: String::new(),
                column_aliases: Vec::new(),
                sample: None,
                location: None,
            },
            where_clause: None,
            group_by: Vec::new(),
            grouping_sets: Vec::new(),
            group_by_all: false,
            having: None,
            qualify: None,
            sample: None,
        })),
        modifiers: Vec::new(),
    }
}

/// The text of a string constant.
pub(super) fn constant_text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Constant(Constant {
            value: Value::String(text),
            ..
        }) => Some(text),
        ExprKind::Cast { child, ty, .. } if is_text(ty) => constant_text(child),
        _ => None,
    }
}

/// The value of an integer constant, perhaps with a sign.
pub(crate) fn constant_integer(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Constant(Constant { value, ty }) if matches!(ty.id(), "INTEGER" | "BIGINT") => {
            value.as_i64()
        }
        ExprKind::Function(call) if call.is_operator && call.name == "-" => {
            match call.args.as_slice() {
                [only] => constant_integer(only)?.checked_neg(),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The value of a truth constant.
pub(super) fn constant_bool(expr: &Expr) -> Option<bool> {
    match &expr.kind {
        ExprKind::Cast { child, ty, .. } if ty.0["id"] == "BOOLEAN" => {
            match constant_text(child)? {
                "t" | "true" => Some(true),
                "f" | "false" => Some(false),
                _ => None,
            }
        }
        ExprKind::Constant(Constant {
            value: Value::Bool(value),
            ..
        }) => Some(*value),
        _ => None,
    }
}

/// Whether a type is text.
pub(super) fn is_text(ty: &DataType) -> bool {
    ty.0["id"] == "VARCHAR" || ty.0 == "VARCHAR" || matches!(user_type(&ty.0), Some("name"))
}

/// The name of a type that DuckDB's parser does not know.
pub(super) fn user_type(ty: &Value) -> Option<&str> {
    if ty["id"] == "UNBOUND" {
        ty["type_info"]["name"].as_str()
    } else {
        None
    }
}
