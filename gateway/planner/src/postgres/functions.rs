//! Calls of PostgreSQL's functions that every instance of DuckDB has as macros, see
//! [`skein_executor_api::functions`].

use std::collections::BTreeSet;
use std::sync::LazyLock;

use skein_executor_api::functions as macros;

use crate::ast::{Expr, ExprKind};

static NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(macros::names);

/// Redirects a call by its name; qualified ones only in PostgreSQL's own schema.
pub(super) fn function(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    if !call.is_operator
        && matches!(call.schema.as_str(), "" | "pg_catalog")
        && NAMES.contains(call.name.as_str())
    {
        macros::SCHEMA.clone_into(&mut call.schema);
    }
}
