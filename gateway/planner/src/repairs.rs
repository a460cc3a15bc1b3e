//! Faults of DuckDB 1.5.5, kept from showing.
//!
//! DuckDB's version is pinned, and some of its answers are wrong in ways that later versions have put right. A
//! statement that would meet such a fault is written in another way here, which means the same.
//! [Why](../../../docs/decisions/0011-faults-of-the-pinned-duckdb.md), how more of them are found, and when these go.
//!
//! ```text
//! prefix,
//! truncated ◄── while the statement is rewritten: DuckDB cannot even bind some of these
//! typed     ◄── while types are settled: casts, round, sums
//! repair    ◄── each stage of a plan, whole or not, as the last thing
//! constants ◄── statements that read no relation
//! ```
//!
//! | File | What DuckDB 1.5.5 does |
//! |---|---|
//! | [`alternatives`] | takes minutes to plan thousands of alternatives |
//! | [`dictionaries`] | computes functions that may fail for values of no row |
//! | [`equal_or_null`] | false in place of NULL for `a = b OR (a IS NULL AND b IS NULL)` |
//! | [`equal_spans`] | takes `1 month` and `30 days` for the same constant |
//! | [`extremes`] | a row without a key for `arg_max_nulls_last` |
//! | [`guarded`] | computes every operand of AND and OR where they are values |
//! | [`inlined`] | takes another row's columns for those of a common table expression |
//! | [`joins`] | drops every row of an anti join whose other side is empty; finds no NULL in an ASOF join |
//! | [`percentile`] | the last value in place of the first |
//! | [`picked`] | picks among fewer rows |
//! | [`prefix`] | fails for LIKE after some letters |
//! | [`rows_in`] | NULL in place of false for rows |
//! | [`truncated`] | false in place of NULL and true for `date_trunc` |
//! | [`typed`] | wraps around: integers from floats, `round`, sums |
//! | [`unnested`] | joins with what functions in FROM make of each row, in the order of a hash table |
//! | [`windowed`] | ignores frames of `first_value` |
//!
//! Invariants: the rows are those of the statement as it stands; the number, order and types of columns stay,
//! and their names do. What no fault can concern is not touched, so that its plan stays the same.

mod alternatives;
mod dictionaries;
mod equal_or_null;
mod equal_spans;
mod extremes;
mod guarded;
mod inlined;
mod joins;
mod lateral;
mod percentile;
mod picked;
mod places;
pub(crate) mod prefix;
mod rows_in;
pub(crate) mod truncated;
pub(crate) mod typed;
mod unnested;
mod windowed;

pub use lateral::conditions_within_lateral;
pub use rows_in::ask_one_by_one;

use std::borrow::Cow;

use crate::ast::visit::{Node, any};
use crate::ast::{ExprKind, Query, TableRefKind};

/// Puts the query of a stage right. Later steps may still put relations and inputs in.
pub(crate) fn repair(query: &mut Query) {
    picked::guard(query);
    shapes(query);
}

/// A query that reads no relation, put right.
pub fn constants(query: &Query) -> Cow<'_, Query> {
    if !may_concern(query) {
        return Cow::Borrowed(query);
    }
    let mut query = query.clone();
    shapes(&mut query);
    Cow::Owned(query)
}

fn shapes(query: &mut Query) {
    if !may_concern(query) {
        return;
    }
    inlined::queries(query);
    unnested::repair(query);
    joins::conditions(query);
    places::each(query, &mut |expr, place| match &mut expr.kind {
        ExprKind::Conjunction { and: true, .. } => guarded::repair(expr, place),
        ExprKind::Conjunction { and: false, .. } => {
            equal_or_null::repair(expr, place);
            alternatives::repair(expr, place);
            guarded::repair(expr, place);
        }
        ExprKind::Subquery(_) => rows_in::repair(expr, place),
        ExprKind::Operator { .. } => {
            rows_in::repair(expr, place);
            truncated::repair(expr);
        }
        ExprKind::Comparison { .. } | ExprKind::Between { .. } => truncated::repair(expr),
        ExprKind::Function(call) => {
            dictionaries::repair(call);
            extremes::repair(&mut call.name, &mut call.args);
            percentile::repair(expr);
        }
        ExprKind::Window(window) => {
            extremes::repair(&mut window.name, &mut window.args);
            windowed::repair(expr);
        }
        _ => {}
    });
    equal_spans::tell_apart(query);
}

/// Whether there is anything in a query that a fault concerns.
fn may_concern(query: &Query) -> bool {
    equal_spans::may_concern(query) || may_concern_parts(query)
}

fn may_concern_parts(query: &Query) -> bool {
    any(Node::Query(query), &mut |node| match node {
        Node::Query(_) => false,
        Node::Table(table) => {
            matches!(&table.kind, TableRefKind::Join(join)
                if joins::may_concern(join) || unnested::may_concern(join))
        }
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Conjunction { and: true, .. } => guarded::may_concern(expr),
            ExprKind::Conjunction { .. } | ExprKind::Subquery(_) | ExprKind::Window(_) => true,
            ExprKind::Function(call) => {
                percentile::may_concern(call)
                    || extremes::may_concern(&call.name, &call.args)
                    || dictionaries::may_concern(call)
            }
            ExprKind::Comparison { left, right, .. } => {
                truncated::may_concern(left) || truncated::may_concern(right)
            }
            ExprKind::Between { input, .. } => truncated::may_concern(input),
            ExprKind::Operator { children, .. } => {
                children.first().is_some_and(truncated::may_concern)
            }
            _ => false,
        },
    })
}
