//! Calls of PostgreSQL's functions that every instance of DuckDB has as macros, see
//! [`skein_executor_api::functions`].

use std::collections::BTreeSet;
use std::sync::LazyLock;

use skein_executor_api::functions as macros;

use super::node;
use crate::ast::{Expr, ExprKind};
use crate::resolve::functions::TABLE_FUNCTIONS;

static NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(macros::names);

/// Functions that are called as the type that they cast to.
const TYPES: &[(&str, &str)] = &[
    ("bool", "BOOLEAN"),
    ("bpchar", "VARCHAR"),
    ("float4", "FLOAT"),
    ("float8", "DOUBLE"),
    ("int2", "SMALLINT"),
    ("int4", "INTEGER"),
    ("int8", "BIGINT"),
    ("name", "VARCHAR"),
    ("text", "VARCHAR"),
    ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
];

/// The same for types that DuckDB does not have.
const NAMED_TYPES: &[&str] = &[
    "oid",
    "regclass",
    "regcollation",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
];

/// Makes `float8(x)` a cast; whether it did.
pub(super) fn cast(expr: &mut Expr) -> bool {
    let ExprKind::Function(call) = &mut expr.kind else {
        return false;
    };
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog") {
        return false;
    }
    let ty = match TYPES.iter().find(|(name, _)| *name == call.name) {
        Some((_, ty)) => node::plain_type(ty),
        None if NAMED_TYPES.contains(&call.name.as_str()) => node::named_type(&call.name),
        None => return false,
    };
    let mut args = std::mem::take(&mut call.args);
    let value = match (args.pop(), args.pop()) {
        (Some(value), None) => value,
        // A date and a time.
        (Some(time), Some(date)) if call.name == "timestamptz" && args.is_empty() => {
            Expr::infix("+", date, time)
        }
        (last, before) => {
            args.extend(before.into_iter().chain(last));
            call.args = args;
            return false;
        }
    };
    expr.kind = node::cast(value, ty).kind;
    true
}

/// Redirects a call by its name; qualified ones only in PostgreSQL's own schema, and in the one that
/// DuckDB's parser gives to functions with a syntax of their own, such as `trim(both from x)`. In FROM
/// a table function stays what it is.
pub(super) fn function(expr: &mut Expr, is_in_from: bool) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let is_table = is_in_from && TABLE_FUNCTIONS.contains(&call.name.as_str());
    if !call.is_operator
        && !is_table
        && matches!(call.schema.as_str(), "" | "pg_catalog" | "main")
        && NAMES.contains(call.name.as_str())
    {
        macros::SCHEMA.clone_into(&mut call.schema);
    }
}
