//! Macros over JSON in columns of few values.
//!
//! Where a file has a dictionary of a column's values, DuckDB 1.5.5 computes a function once for each of these rather
//! than for each row: also for values that only rows have which WHERE or CASE has ruled out. It does so unless the
//! function may end with an error, which it does not know of `list_transform` with a lambda that does. An expression
//! of two parts has no dictionary.
//!
//! ```text
//! skein_fn.json_array_length(js)
//! skein_fn.json_array_length(coalesce(js, CASE WHEN js IS NOT NULL THEN error('') END))
//! ```

use std::collections::BTreeSet;
use std::sync::LazyLock;

use skein_executor_api::functions;

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Function};

static OVER_JSON: LazyLock<BTreeSet<&'static str>> = LazyLock::new(functions::over_json);
static REFUSING: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let mut names = functions::refusing_in_lambdas();
    names.retain(|name| OVER_JSON.contains(name));
    names
});

/// Whether a call is of such a macro.
pub(super) fn may_concern(call: &Function) -> bool {
    call.schema == functions::SCHEMA && REFUSING.contains(call.name.as_str())
}

/// Takes the dictionaries off the columns that a macro is called with.
pub(super) fn repair(call: &mut Function) {
    if !may_concern(call) {
        return;
    }
    for arg in &mut call.args {
        walk_mut(NodeMut::Expr(arg), &mut |node| match node {
            NodeMut::Expr(expr) => match &expr.kind {
                ExprKind::ColumnRef(_) => {
                    let mut column = std::mem::replace(expr, Expr::null());
                    // The name of an argument, which stays the whole one's.
                    let name = std::mem::take(&mut column.alias);
                    *expr = without_dictionary(column).named(name);
                    Descend::Over
                }
                // DuckDB could not choose among macros for different types any more.
                ExprKind::Function(call)
                    if call.schema == functions::SCHEMA && is_done_or_typed(&call.name) =>
                {
                    Descend::Over
                }
                // Its columns are no rows'.
                ExprKind::Lambda { .. } => Descend::Over,
                _ => Descend::Into,
            },
            NodeMut::Query(_) | NodeMut::Table(_) => Descend::Over,
        });
    }
}

/// Whether the columns of a macro's call have been seen to, or must stay as they are.
fn is_done_or_typed(name: &str) -> bool {
    REFUSING.contains(name) || !OVER_JSON.contains(name)
}

fn without_dictionary(column: Expr) -> Expr {
    let is_there = Expr::from(ExprKind::Operator {
        op: "OPERATOR_IS_NOT_NULL".to_owned(),
        children: vec![column.clone()],
    });
    let never = Expr::function("error", vec![Expr::string("")]);
    let nothing = Expr::from(ExprKind::Case {
        checks: vec![(is_there, never)],
        otherwise: Box::new(Expr::null()),
    });
    Expr::from(ExprKind::Operator {
        op: "OPERATOR_COALESCE".to_owned(),
        children: vec![column, nothing],
    })
}
