//! Walks over the tree, and questions about it.
//!
//! [`walk`] and [`walk_mut`] show every node below another, parents first; the callback decides
//! whether to go below a node. [`children`] gives the expressions right below one, for passes that
//! choose their own order. A subquery's query is a node of its own and not among the children.

use std::ops::ControlFlow;

use super::{
    Expr, ExprKind, Join, Modifier, OrderBy, Pivot, PivotEntry, Query, QueryBody, Select, TableRef,
    TableRefKind,
};

/// A node of the tree.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// A query, also one in a subquery or common table expression.
    Query(&'a Query),
    /// Something in `FROM`.
    Table(&'a TableRef),
    /// An expression.
    Expr(&'a Expr),
}

/// A node of the tree that may be changed.
#[derive(Debug)]
pub enum NodeMut<'a> {
    /// A query, also one in a subquery or common table expression.
    Query(&'a mut Query),
    /// Something in `FROM`.
    Table(&'a mut TableRef),
    /// An expression.
    Expr(&'a mut Expr),
}

/// Whether a walk goes below the node it has just shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descend {
    /// Yes.
    Into,
    /// No; go on beside it.
    Over,
}

/// Shows every node from `node` down, parents first.
pub fn walk(node: Node<'_>, f: &mut dyn FnMut(Node<'_>) -> Descend) {
    if f(node) == Descend::Over {
        return;
    }
    each_below(node, &mut |below| walk(below, f));
}

/// Shows every node from `node` down, parents first, for changes in place. What a callback puts in
/// is walked as well.
pub fn walk_mut(node: NodeMut<'_>, f: &mut dyn FnMut(NodeMut<'_>) -> Descend) {
    match node {
        NodeMut::Query(query) => {
            if f(NodeMut::Query(query)) == Descend::Into {
                each_below_query_mut(query, &mut |below| walk_mut(below, f));
            }
        }
        NodeMut::Table(table) => {
            if f(NodeMut::Table(table)) == Descend::Into {
                each_below_table_mut(table, &mut |below| walk_mut(below, f));
            }
        }
        NodeMut::Expr(expr) => {
            if f(NodeMut::Expr(expr)) == Descend::Into {
                each_below_expr_mut(expr, &mut |below| walk_mut(below, f));
            }
        }
    }
}

/// Whether any node from `node` down satisfies `test`.
pub fn any<'a>(node: Node<'a>, test: &mut dyn FnMut(Node<'a>) -> bool) -> bool {
    fn go<'a>(node: Node<'a>, test: &mut dyn FnMut(Node<'a>) -> bool) -> ControlFlow<()> {
        if test(node) {
            return ControlFlow::Break(());
        }
        let mut flow = ControlFlow::Continue(());
        each_below(node, &mut |below| {
            if flow.is_continue() {
                flow = go(below, test);
            }
        });
        flow
    }
    go(node, test).is_break()
}

/// The expressions right below `expr`, in the order they are written.
pub fn children(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    each_below(Node::Expr(expr), &mut |node| {
        if let Node::Expr(child) = node {
            found.push(child);
        }
    });
    found
}

/// The expressions right below `expr`, to be changed.
pub fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    let mut found = Vec::new();
    each_below_expr_mut(expr, &mut |node| {
        if let NodeMut::Expr(child) = node {
            found.push(child);
        }
    });
    found
}

macro_rules! each_below {
    ($query_fn:ident, $select_fn:ident, $table_fn:ident, $expr_fn:ident, $join_fn:ident,
     $pivot_fn:ident, $orders_fn:ident, $node:ident, $iter:ident $(, $mutable:tt)?) => {
        fn $query_fn<'a>(query: &'a $($mutable)? Query, f: &mut dyn FnMut($node<'a>)) {
            for cte in query.ctes.$iter() {
                f($node::Query(& $($mutable)? cte.query));
                cte.key_targets.$iter().for_each(|key| f($node::Expr(key)));
            }
            match & $($mutable)? query.body {
                QueryBody::Select(select) => $select_fn(select, f),
                QueryBody::SetOperation { operands, .. } => {
                    operands.$iter().for_each(|operand| f($node::Query(operand)));
                }
                QueryBody::RecursiveCte { left, right, key_targets, .. } => {
                    f($node::Query(left));
                    f($node::Query(right));
                    key_targets.$iter().for_each(|key| f($node::Expr(key)));
                }
            }
            for modifier in query.modifiers.$iter() {
                match modifier {
                    Modifier::Distinct(targets) => {
                        targets.$iter().for_each(|target| f($node::Expr(target)));
                    }
                    Modifier::OrderBy(orders) => $orders_fn(orders, f),
                    Modifier::Limit { limit, offset }
                    | Modifier::LimitPercent { limit, offset } => {
                        limit.$iter().chain(offset).for_each(|count| f($node::Expr(count)));
                    }
                }
            }
        }

        fn $select_fn<'a>(select: &'a $($mutable)? Select, f: &mut dyn FnMut($node<'a>)) {
            select.select_list.$iter().for_each(|item| f($node::Expr(item)));
            f($node::Table(& $($mutable)? select.from));
            select
                .where_clause
                .$iter()
                .chain(select.group_by.$iter())
                .chain(select.having.$iter())
                .chain(select.qualify.$iter())
                .for_each(|item| f($node::Expr(item)));
        }

        fn $table_fn<'a>(table: &'a $($mutable)? TableRef, f: &mut dyn FnMut($node<'a>)) {
            match & $($mutable)? table.kind {
                TableRefKind::Empty | TableRefKind::Scan { .. } | TableRefKind::Input { .. } => {}
                TableRefKind::Table { at, .. } => {
                    at.$iter().for_each(|(_, expr)| f($node::Expr(expr)));
                }
                TableRefKind::Subquery(query) => f($node::Query(query)),
                TableRefKind::Join(join) => $join_fn(join, f),
                TableRefKind::Function { call, .. } => f($node::Expr(call)),
                TableRefKind::Values { rows } => {
                    rows.$iter().flatten().for_each(|value| f($node::Expr(value)));
                }
                TableRefKind::Pivot(pivot) => $pivot_fn(pivot, f),
                TableRefKind::Show { query, .. } => {
                    query.$iter().for_each(|query| f($node::Query(query)));
                }
            }
        }

        fn $join_fn<'a>(join: &'a $($mutable)? Join, f: &mut dyn FnMut($node<'a>)) {
            f($node::Table(& $($mutable)? join.left));
            f($node::Table(& $($mutable)? join.right));
            join.condition.$iter().for_each(|condition| f($node::Expr(condition)));
        }

        fn $pivot_fn<'a>(pivot: &'a $($mutable)? Pivot, f: &mut dyn FnMut($node<'a>)) {
            f($node::Table(& $($mutable)? pivot.source));
            pivot.aggregates.$iter().for_each(|aggregate| f($node::Expr(aggregate)));
            for column in pivot.pivots.$iter() {
                column.expressions.$iter().for_each(|expr| f($node::Expr(expr)));
                for PivotEntry { star, .. } in column.entries.$iter() {
                    star.$iter().for_each(|star| f($node::Expr(star)));
                }
            }
        }

        fn $orders_fn<'a>(orders: &'a $($mutable)? [OrderBy], f: &mut dyn FnMut($node<'a>)) {
            orders.$iter().for_each(|order| f($node::Expr(& $($mutable)? order.expr)));
        }

        fn $expr_fn<'a>(expr: &'a $($mutable)? Expr, f: &mut dyn FnMut($node<'a>)) {
            match & $($mutable)? expr.kind {
                ExprKind::ColumnRef(_)
                | ExprKind::Constant(_)
                | ExprKind::Parameter(_)
                | ExprKind::Positional(_)
                | ExprKind::Default
                | ExprKind::FragmentIndex
                | ExprKind::Sql(_) => {}
                ExprKind::Function(call) => {
                    call.args.$iter().for_each(|arg| f($node::Expr(arg)));
                    call.filter.$iter().for_each(|filter| f($node::Expr(filter)));
                    $orders_fn(& $($mutable)? call.order_by, f);
                }
                ExprKind::Comparison { left, right, .. } | ExprKind::Lambda { left, right, .. } => {
                    f($node::Expr(left));
                    f($node::Expr(right));
                }
                ExprKind::Conjunction { children, .. } | ExprKind::Operator { children, .. } => {
                    children.$iter().for_each(|child| f($node::Expr(child)));
                }
                ExprKind::Case { checks, otherwise } => {
                    for (when, then) in checks.$iter() {
                        f($node::Expr(when));
                        f($node::Expr(then));
                    }
                    f($node::Expr(otherwise));
                }
                ExprKind::Cast { child, .. } | ExprKind::Collate { child, .. } => {
                    f($node::Expr(child));
                }
                ExprKind::Subquery(subquery) => {
                    subquery.child.$iter().for_each(|child| f($node::Expr(child)));
                    f($node::Query(& $($mutable)? subquery.query));
                }
                ExprKind::Window(window) => {
                    window.args.$iter().for_each(|arg| f($node::Expr(arg)));
                    window.partitions.$iter().for_each(|key| f($node::Expr(key)));
                    $orders_fn(& $($mutable)? window.orders, f);
                    window
                        .start_expr
                        .$iter()
                        .chain(window.end_expr.$iter())
                        .chain(window.offset_expr.$iter())
                        .chain(window.default_expr.$iter())
                        .chain(window.filter.$iter())
                        .for_each(|part| f($node::Expr(part)));
                    $orders_fn(& $($mutable)? window.arg_orders, f);
                }
                ExprKind::Star(star) => {
                    star.replace.$iter().for_each(|(_, expr)| f($node::Expr(expr)));
                    star.expr.$iter().for_each(|expr| f($node::Expr(expr)));
                }
                ExprKind::Between { input, lower, upper } => {
                    f($node::Expr(input));
                    f($node::Expr(lower));
                    f($node::Expr(upper));
                }
            }
        }
    };
}

each_below!(
    each_below_query,
    each_below_select,
    each_below_table,
    each_below_expr,
    each_below_join,
    each_below_pivot,
    each_below_orders,
    Node,
    iter
);
each_below!(
    each_below_query_mut,
    each_below_select_mut,
    each_below_table_mut,
    each_below_expr_mut,
    each_below_join_mut,
    each_below_pivot_mut,
    each_below_orders_mut,
    NodeMut,
    iter_mut,
    mut
);

fn each_below<'a>(node: Node<'a>, f: &mut dyn FnMut(Node<'a>)) {
    match node {
        Node::Query(query) => each_below_query(query, f),
        Node::Table(table) => each_below_table(table, f),
        Node::Expr(expr) => each_below_expr(expr, f),
    }
}

/// The operands of a chain of `AND`, or the expression itself.
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Conjunction {
            and: true,
            children,
        } => children.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// DuckDB's aggregate functions, sorted.
const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_count_distinct",
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
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bitstring_agg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "count_if",
    "count_star",
    "countif",
    "covar_pop",
    "covar_samp",
    "entropy",
    "favg",
    "first",
    "fsum",
    "group_concat",
    "histogram",
    "histogram_exact",
    "kahan_sum",
    "kurtosis",
    "kurtosis_pop",
    "last",
    "list",
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
    "sum_no_overflow",
    "sumkahan",
    "var_pop",
    "var_samp",
    "variance",
];

/// Whether `name` is one of DuckDB's aggregate functions.
pub fn is_aggregate(name: &str) -> bool {
    AGGREGATES
        .binary_search(&name.to_ascii_lowercase().as_str())
        .is_ok()
}
