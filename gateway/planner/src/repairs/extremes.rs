//! `arg_max_nulls_last(x, key)` and `arg_min_nulls_last(x, key)`.
//!
//! DuckDB 1.5.5 takes the key of a partial result that has only seen NULL keys for a value, so that with two threads
//! a row without a key may win. Where `x` is nested, any row may. That no key is worse than any is said by a row of two.
//!
//! ```text
//! arg_max_nulls_last(x, key)
//! arg_max_null(x, row(key IS NOT NULL, key))
//! ```

use crate::ast::Expr;
use crate::build::{is_not_null, is_null};

/// Whether a call may take a wrong row. The form with a number of rows takes the right ones.
pub(super) fn may_concern(name: &str, args: &[Expr]) -> bool {
    matches!(name, "arg_max_nulls_last" | "arg_min_nulls_last") && args.len() == 2
}

/// Rewrites a call, also one over a window.
pub(super) fn repair(name: &mut String, args: &mut [Expr]) {
    if !may_concern(name, args) {
        return;
    }
    let key = std::mem::replace(&mut args[1], Expr::null());
    let (instead, rank) = if name == "arg_max_nulls_last" {
        ("arg_max_null", is_not_null(key.clone()))
    } else {
        ("arg_min_null", is_null(key.clone()))
    };
    instead.clone_into(name);
    args[1] = Expr::function("row", vec![rank, key]);
}
