//! FILTER of aggregates as CASE in their argument.
//!
//! | written | becomes |
//! |---|---|
//! | `sum(x) FILTER (WHERE c)` | `sum(CASE WHEN c THEN x END)` |
//! | `mode() WITHIN GROUP (ORDER BY x) FILTER (WHERE c)` | `mode() WITHIN GROUP (ORDER BY CASE WHEN c THEN x END)` |
//! | `first(x) FILTER (WHERE c)` | `list(x) FILTER (WHERE c)[1]` |
//!
//! DuckDB computes arguments before it filters, so that `sum(a / b) FILTER (WHERE b <> 0)` would
//! divide by zero; PostgreSQL computes them for the rows that pass. And DuckDB 1.5.5 gives the value
//! of another group, or ends the process, where all keys of a GROUP BY are the same in a chunk of
//! rows, such as a Hive partition's, and FILTER passes none of them. `count(*)` and `list` do not
//! suffer from it.

use crate::ast::{Expr, ExprKind, Function, Window};
use crate::build;
use crate::postgres::division;
use crate::postgres::node;

/// Aggregates that pass over rows whose first argument is NULL; sorted.
const IGNORE_NULL: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "approx_quantile",
    "approx_top_k",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bitstring_agg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "entropy",
    "every",
    "favg",
    "fsum",
    "group_concat",
    "histogram",
    "kahan_sum",
    "kurtosis",
    "kurtosis_pop",
    "listagg",
    "mad",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "product",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "reservoir_quantile",
    "sem",
    "skewness",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "sumkahan",
    "var_pop",
    "var_samp",
    "variance",
];

/// Whether the values of an aggregate are those of its ORDER BY, as in `percentile_cont(0.5) WITHIN GROUP (ORDER BY
/// x)`, and not those of its argument, as in `mode(x ORDER BY id)`. Such aggregates pass over NULL.
fn is_within_group(call: &Function) -> bool {
    let args = match call.name.as_str() {
        "mode" => 0,
        "quantile_cont" | "quantile_disc" => 1,
        _ => return false,
    };
    call.args.len() == args && !call.order_by.is_empty()
}

/// Rewrites an aggregate with FILTER.
pub(super) fn function(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog") {
        return;
    }
    let Some(filter) = &call.filter else { return };
    let place = match call.name.as_str() {
        "first" | "arbitrary" => Some(1),
        "last" => Some(-1),
        _ => None,
    };
    if let Some(place) = place
        && call.args.len() == 1
    {
        expr.kind = element_of_list(call, place).kind;
        return;
    }
    let within_group = is_within_group(call);
    let moved = within_group || ignores_null(&call.name) && !call.args.is_empty();
    for (index, arg) in call.args.iter_mut().enumerate() {
        if (moved && !within_group && index == 0) || division::divides(arg) {
            only_where(arg, filter);
        }
    }
    for (index, key) in call.order_by.iter_mut().enumerate() {
        if (within_group && index == 0) || division::divides(&key.expr) {
            only_where(&mut key.expr, filter);
        }
    }
    if moved {
        call.filter = None;
    }
}

/// Rewrites an aggregate with FILTER and OVER.
pub(super) fn window(window: &mut Window) {
    let Some(filter) = &window.filter else { return };
    if !matches!(window.schema.as_str(), "" | "pg_catalog") || !ignores_null(&window.name) {
        return;
    }
    let Some((first, others)) = window.args.split_first_mut() else {
        return;
    };
    only_where(first, filter);
    for arg in others.iter_mut().filter(|arg| division::divides(arg)) {
        only_where(arg, filter);
    }
    window.filter = None;
}

fn ignores_null(name: &str) -> bool {
    IGNORE_NULL.binary_search(&name).is_ok()
}

/// `CASE WHEN condition THEN expr END`, unless that is what it is.
fn only_where(expr: &mut Expr, condition: &Expr) {
    if matches!(&expr.kind, ExprKind::Case { checks, .. }
        if matches!(checks.as_slice(), [(when, _)] if when == condition))
    {
        return;
    }
    let inner = std::mem::replace(expr, node::null());
    *expr = build::only_where(Some(condition.clone()), inner);
}

/// The first or last value of the list of all that pass. `first` counts NULL, so CASE cannot stand
/// for its FILTER.
fn element_of_list(call: &Function, place: i64) -> Expr {
    let list = Function {
        schema: String::new(),
        name: "list".to_owned(),
        ..call.clone()
    };
    let list = node::expr(ExprKind::Function(Box::new(list)));
    node::call(
        "",
        "list_extract",
        vec![list, node::integer("INTEGER", place)],
    )
}

#[cfg(test)]
mod tests {
    use super::IGNORE_NULL;

    #[test]
    fn the_names_are_sorted_for_binary_search() {
        assert!(IGNORE_NULL.is_sorted());
    }
}
