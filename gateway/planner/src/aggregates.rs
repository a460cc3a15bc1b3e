//! How each aggregate of DuckDB is divided: aggregate → partials → combine expression.
//!
//! ```text
//! avg(x)    fragment: sum(x) AS p0, count(x) AS p1      combine: sum(p0) / sum(p1)
//! median(x) fragment: x AS p0, row by row               combine: median(p0)
//! ```
//!
//! One file, because it is one table, to be replaced by DuckDB's own exported aggregate states when
//! they can be had. [`strategy`] looks at one call; what the calls of a block need together is
//! decided in [`crate::split`].
//!
//! Invariant: a combine expression gives the value that the aggregate has over all rows, also when
//! some or all fragments saw no row. The order of rows matters to some aggregates; they are combined
//! in the order of fragments, which then hold files in order.

use crate::ast::{Expr, ExprKind, Function};
use crate::build::{and, function, is_not_null, only_where};

/// How one aggregate call is computed from what fragments return.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Strategy {
    /// Fragments aggregate; the combine query aggregates their results.
    Partials(Partials),
    /// The result depends on the set of distinct arguments only: fragments group by them, and the
    /// combine query runs the aggregate itself.
    Set,
    /// Fragments return the arguments row by row, and the combine query runs the aggregate itself.
    Rows {
        /// Completes "pulled up because …".
        reason: &'static str,
        /// The result depends on the order of rows.
        order_dependent: bool,
    },
}

/// Columns that fragments return for one aggregate call, and what becomes of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Partials {
    /// Aggregates for the fragments to compute.
    pub(crate) columns: Vec<Expr>,
    /// SQL over the columns: `{0}`, `{1}`… are their names, `{order}` sorts by fragment, and
    /// `{literal}` is [`Self::literal`].
    pub(crate) combine: String,
    /// A constant argument that the combine expression repeats.
    pub(crate) literal: Option<Expr>,
    /// Fragments must hold files in order, and the combine expression uses `{order}`.
    pub(crate) ordered: bool,
}

/// Aggregates that PostgreSQL or DuckDB define as macros over others.
const AGGREGATE_MACROS: &[&str] = &[
    "geomean",
    "geometric_mean",
    "json_group_array",
    "json_group_object",
    "json_group_structure",
    "wavg",
    "weighted_avg",
];

/// Whether `name` is an aggregate, a macro that expands to one included.
pub(crate) fn is_aggregate(name: &str) -> bool {
    crate::ast::visit::is_aggregate(name)
        || AGGREGATE_MACROS
            .binary_search(&name.to_ascii_lowercase().as_str())
            .is_ok()
}

/// Chooses the strategy of one call whose arguments have the types `arg_types`.
pub(crate) fn strategy(aggregate: &Function, arg_types: &[String]) -> Strategy {
    let name = aggregate.name.to_ascii_lowercase();
    let name = name.as_str();
    if aggregate.export_state {
        return rows("it exports its state");
    }
    if aggregate.distinct && !matches!(name, "min" | "max" | "bool_and" | "bool_or") {
        return if ORDER_DEPENDENT.binary_search(&name).is_ok() && aggregate.order_by.is_empty() {
            in_order("it keeps the first of equal values")
        } else {
            Strategy::Set
        };
    }
    if !aggregate.order_by.is_empty() {
        return rows("its ORDER BY needs all rows at once");
    }
    partials(name, aggregate, arg_types)
        .map_or_else(|| without_partials(name, aggregate), Strategy::Partials)
}

/// Aggregates whose result depends on the order of rows.
const ORDER_DEPENDENT: &[&str] = &[
    "any_value",
    "approx_quantile",
    "approx_top_k",
    "arbitrary",
    "arg_max",
    "arg_max_null",
    "arg_max_nulls_last",
    "arg_min",
    "arg_min_null",
    "arg_min_nulls_last",
    "argmax",
    "argmin",
    "array_agg",
    "first",
    "group_concat",
    "json_group_array",
    "json_group_object",
    "json_group_structure",
    "last",
    "list",
    "listagg",
    "max_by",
    "min_by",
    "mode",
    "reservoir_quantile",
    "string_agg",
];

fn without_partials(name: &str, aggregate: &Function) -> Strategy {
    match name {
        "approx_count_distinct" if aggregate.filter.is_none() => Strategy::Set,
        _ if ORDER_DEPENDENT.binary_search(&name).is_ok() => {
            in_order("it depends on the order of all rows")
        }
        "median" | "quantile" | "quantile_cont" | "quantile_disc" | "mad" => {
            rows("it is an order statistic over all rows")
        }
        "entropy" | "histogram" | "histogram_exact" | "approx_count_distinct" => {
            rows("it depends on how often each value occurs")
        }
        "kurtosis" | "kurtosis_pop" | "skewness" => rows("its higher moments are not merged"),
        _ => rows("it has no partial form"),
    }
}

fn rows(reason: &'static str) -> Strategy {
    Strategy::Rows {
        reason,
        order_dependent: false,
    }
}

fn in_order(reason: &'static str) -> Strategy {
    Strategy::Rows {
        reason,
        order_dependent: true,
    }
}

/// The table itself. `None`: no partial form for these arguments.
fn partials(name: &str, aggregate: &Function, arg_types: &[String]) -> Option<Partials> {
    let same = |combine| Some(plain(vec![again(aggregate, name, None)], combine));
    match (name, aggregate.args.len()) {
        ("count_star", 0) | ("count", 0 | 1) | ("count_if" | "countif" | "regr_count", _) => {
            same("coalesce(sum({0}), 0)")
        }
        ("sum", 1) => same("sum({0})"),
        ("fsum" | "kahan_sum" | "sumkahan", 1) => same("fsum({0})"),
        ("product", 1) => same("product({0})"),
        ("min", 1) => same("min({0})"),
        ("max", 1) => same("max({0})"),
        ("bool_and", 1) => same("bool_and({0})"),
        ("bool_or", 1) => same("bool_or({0})"),
        ("bit_and", 1) => same("bit_and({0})"),
        ("bit_or", 1) | ("bitstring_agg", 3) => same("bit_or({0})"),
        ("bit_xor", 1) => same("bit_xor({0})"),
        ("avg" | "mean", 1) if arg_types.first().is_some_and(|ty| is_number(ty)) => Some(plain(
            vec![
                again(aggregate, "sum", None),
                again(aggregate, "count", None),
            ],
            "CAST(sum({0}) AS DOUBLE) / nullif(sum({1}), 0)",
        )),
        ("favg", 1) => Some(plain(
            vec![
                again(aggregate, "fsum", None),
                again(aggregate, "count", None),
            ],
            "fsum({0}) / nullif(sum({1}), 0)",
        )),
        ("any_value", 1) => Some(ordered(
            vec![again(aggregate, "any_value", None)],
            "any_value({0} {order})",
        )),
        ("first" | "arbitrary", 1) => Some(ordered(
            vec![again(aggregate, "first", None), count_rows(aggregate)],
            "first({0} {order}) FILTER (WHERE {1} > 0)",
        )),
        ("last", 1) => Some(ordered(
            vec![again(aggregate, "last", None), count_rows(aggregate)],
            "last({0} {order}) FILTER (WHERE {1} > 0)",
        )),
        ("list" | "array_agg", 1) => Some(ordered(
            vec![again(aggregate, "list", None)],
            "flatten(list({0} {order}) FILTER (WHERE {0} IS NOT NULL))",
        )),
        ("arg_min" | "argmin" | "min_by", 2) => Some(extreme(aggregate, "arg_min", "min")),
        ("arg_max" | "argmax" | "max_by", 2) => Some(extreme(aggregate, "arg_max", "max")),
        ("string_agg" | "group_concat" | "listagg", 1) => Some(ordered(
            vec![again(aggregate, "string_agg", None)],
            "string_agg({0}, ',' {order})",
        )),
        ("string_agg" | "group_concat" | "listagg", 2)
            if matches!(aggregate.args[1].kind, ExprKind::Constant(_)) =>
        {
            Some(Partials {
                literal: Some(aggregate.args[1].clone()),
                ..ordered(
                    vec![again(aggregate, "string_agg", None)],
                    "string_agg({0}, {literal} {order})",
                )
            })
        }
        _ => moments(name, aggregate),
    }
}

/// `arg_min(x, y)`: the value and the `y` it stood beside; rows without `x` do not count.
fn extreme(aggregate: &Function, best: &str, bound: &str) -> Partials {
    let has_value = is_not_null(aggregate.args[0].clone());
    let passes = and(aggregate.filter.clone(), Some(has_value));
    let beside = aggregate.args[1].clone();
    let bound = function(bound, vec![only_where(passes, beside)]);
    let bound = Expr::from(ExprKind::Function(Box::new(bound)));
    let combine = if best == "arg_min" {
        "arg_min({0}, {1} {order})"
    } else {
        "arg_max({0}, {1} {order})"
    };
    ordered(vec![again(aggregate, best, None), bound], combine)
}

/// Variance and regression: counts, means and centred sums are merged pairwise by the update of
/// Chan, Golub and `LeVeque` (1979), which does not cancel as sums of squares do.
fn moments(name: &str, aggregate: &Function) -> Option<Partials> {
    let one = |last: &str| Some(plain(one_variable(aggregate), one_merged(last)));
    let two = |last: &str| Some(plain(two_variables(aggregate), two_merged(last)));
    match (name, aggregate.args.len()) {
        ("var_pop", 1) => one("m.q / m.n"),
        ("var_samp" | "variance", 1) => one("CASE WHEN m.n > 1 THEN m.q / (m.n - 1) END"),
        ("stddev_pop", 1) => one("sqrt(m.q / m.n)"),
        ("stddev_samp" | "stddev", 1) => one("CASE WHEN m.n > 1 THEN sqrt(m.q / (m.n - 1)) END"),
        ("sem", 1) => one("sqrt(m.q / m.n / m.n)"),
        ("covar_pop", 2) => two("m.xy / m.n"),
        ("covar_samp", 2) => two("CASE WHEN m.n > 1 THEN m.xy / (m.n - 1) END"),
        ("corr", 2) => two("CASE WHEN m.xx = 0 OR m.yy = 0 THEN CAST('nan' AS DOUBLE) \
             ELSE m.xy / (sqrt(m.xx) * sqrt(m.yy)) END"),
        ("regr_avgx", 2) => two("m.x"),
        ("regr_avgy", 2) => two("m.y"),
        ("regr_sxx", 2) => two("m.xx"),
        ("regr_syy", 2) => two("m.yy"),
        ("regr_sxy", 2) => two("m.xy"),
        ("regr_slope", 2) => {
            two("CASE WHEN m.xx = 0 THEN CAST('nan' AS DOUBLE) ELSE m.xy / m.xx END")
        }
        ("regr_intercept", 2) => two("CASE WHEN m.xx <> 0 THEN m.y - m.xy / m.xx * m.x END"),
        ("regr_r2", 2) => two(
            "CASE WHEN m.xx = 0 THEN NULL WHEN m.yy = 0 THEN 1 ELSE m.xy / m.xx * m.xy / m.yy END",
        ),
        _ => None,
    }
}

/// SQL that merges moments of one variable into `m` and computes `last` from it.
fn one_merged(last: &str) -> String {
    format!(
        "list_transform([list_reduce(list({{'n': CAST({{0}} AS DOUBLE), 'x': {{1}}, 'q': {{2}}}}) \
         FILTER (WHERE {{0}} > 0), lambda a, b: {{'n': a.n + b.n, \
         'x': a.x + (b.x - a.x) * b.n / (a.n + b.n), \
         'q': a.q + b.q + (b.x - a.x) * (b.x - a.x) * a.n * b.n / (a.n + b.n)}})], \
         lambda m: {last})[1]"
    )
}

/// SQL that merges moments of two variables into `m` and computes `last` from it.
fn two_merged(last: &str) -> String {
    format!(
        "list_transform([list_reduce(list({{'n': CAST({{0}} AS DOUBLE), 'x': {{1}}, 'y': {{2}}, \
         'xx': {{3}}, 'yy': {{4}}, 'xy': {{5}}}}) FILTER (WHERE {{0}} > 0), lambda a, b: {{\
         'n': a.n + b.n, 'x': a.x + (b.x - a.x) * b.n / (a.n + b.n), \
         'y': a.y + (b.y - a.y) * b.n / (a.n + b.n), \
         'xx': a.xx + b.xx + (b.x - a.x) * (b.x - a.x) * a.n * b.n / (a.n + b.n), \
         'yy': a.yy + b.yy + (b.y - a.y) * (b.y - a.y) * a.n * b.n / (a.n + b.n), \
         'xy': a.xy + b.xy + (b.x - a.x) * (b.y - a.y) * a.n * b.n / (a.n + b.n)}})], \
         lambda m: {last})[1]"
    )
}

/// Count, mean, and sum of squared distances from the mean.
fn one_variable(aggregate: &Function) -> Vec<Expr> {
    let count = again(aggregate, "count", None);
    let mean = again(aggregate, "avg", Some("DOUBLE"));
    let squares = Expr::from(ExprKind::Function(Box::new(Function {
        is_operator: true,
        ..function(
            "*",
            vec![
                again(aggregate, "var_pop", None),
                again(aggregate, "count", None),
            ],
        )
    })));
    vec![count, mean, squares]
}

/// Count, both means, and the three centred sums over pairs without NULL. DuckDB's `regr_…(y, x)`
/// take the dependent variable first.
fn two_variables(aggregate: &Function) -> Vec<Expr> {
    [
        "regr_count",
        "regr_avgx",
        "regr_avgy",
        "regr_sxx",
        "regr_syy",
        "regr_sxy",
    ]
    .into_iter()
    .map(|name| again(aggregate, name, None))
    .collect()
}

fn plain(columns: Vec<Expr>, combine: impl Into<String>) -> Partials {
    Partials {
        columns,
        combine: combine.into(),
        literal: None,
        ordered: false,
    }
}

fn ordered(columns: Vec<Expr>, combine: impl Into<String>) -> Partials {
    Partials {
        columns,
        combine: combine.into(),
        literal: None,
        ordered: true,
    }
}

/// The same call under another name, its only argument cast if asked.
fn again(aggregate: &Function, name: &str, cast: Option<&str>) -> Expr {
    let mut call = aggregate.clone();
    call.distinct = false;
    name.clone_into(&mut call.name);
    if let (Some(ty), Some(arg)) = (cast, call.args.first_mut()) {
        let child = std::mem::replace(arg, Expr::from(ExprKind::Default));
        *arg = Expr::from(ExprKind::Cast {
            child: Box::new(child),
            ty: crate::ast::DataType(serde_json::json!({ "id": ty })),
            try_cast: false,
        });
    }
    Expr::from(ExprKind::Function(Box::new(call)))
}

/// `count(*)` under the call's filter.
fn count_rows(aggregate: &Function) -> Expr {
    let mut call = function("count_star", Vec::new());
    call.filter.clone_from(&aggregate.filter);
    Expr::from(ExprKind::Function(Box::new(call)))
}

/// Whether DuckDB's type is that of a number, which has a sum.
pub(crate) fn is_number(ty: &str) -> bool {
    matches!(
        ty,
        "TINYINT"
            | "SMALLINT"
            | "INTEGER"
            | "BIGINT"
            | "HUGEINT"
            | "UTINYINT"
            | "USMALLINT"
            | "UINTEGER"
            | "UBIGINT"
            | "UHUGEINT"
            | "FLOAT"
            | "DOUBLE"
    ) || ty.starts_with("DECIMAL")
}

impl Partials {
    /// The combine expression over columns called `names`, sorted by `order` where it matters.
    pub(crate) fn combine_sql(&self, names: &[String], order: &str) -> String {
        let mut sql = self
            .combine
            .replace("{order}", &format!("ORDER BY {order}"));
        for (index, name) in names.iter().enumerate() {
            sql = sql.replace(&format!("{{{index}}}"), name);
        }
        // Last, since a literal may hold any text.
        if let Some(literal) = &self.literal {
            sql = sql.replace("{literal}", &crate::ast::print::expr_sql(literal));
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_lists_are_sorted_for_binary_search() {
        assert!(AGGREGATE_MACROS.is_sorted());
        assert!(ORDER_DEPENDENT.is_sorted());
    }

    #[test]
    fn placeholders_are_filled_by_position() {
        let partials = ordered(Vec::new(), "first({0} {order}) FILTER (WHERE {1} > 0)");
        let names = ["p3".to_owned(), "p4".to_owned()];
        assert_eq!(
            partials.combine_sql(&names, "f"),
            "first(p3 ORDER BY f) FILTER (WHERE p4 > 0)"
        );
    }
}
