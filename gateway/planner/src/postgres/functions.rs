//! Calls of PostgreSQL's functions that every instance of DuckDB has as macros, see
//! [`skein_executor_api::functions`].

use std::collections::BTreeSet;
use std::sync::LazyLock;

use skein_executor_api::functions as macros;

use crate::ast::{Expr, ExprKind};
use crate::resolve::functions::TABLE_FUNCTIONS;

static NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(macros::names);

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
