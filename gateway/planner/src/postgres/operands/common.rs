//! The common type of exact numbers: of the values of CASE, COALESCE, GREATEST, LEAST and ARRAY, and of the
//! columns of set operations.
//!
//! DuckDB takes the digits before the point from one and lets those after the point have what is left of 38: a
//! sum, which is DECIMAL(38,2), beside 0.12345 stays DECIMAL(38,2), and 0.12345 becomes 0.12. Here the digits after
//! the point are kept, and a value that then has too many before it is an error.
//!
//! ```text
//! coalesce(sum(price), 0.12345)
//! coalesce(CAST(sum(price) AS DECIMAL(38,5)), CAST(0.12345 AS DECIMAL(38,5)))
//! ```

use super::types::{DIGITS_MAX, Ty};
use super::{Block, cast_to};
use super::{moments, quotient};
use crate::ast::visit::{Node, any, children, children_mut, is_aggregate};
use crate::ast::{Cte, DataType, Expr, ExprKind, Query, QueryBody};
use crate::bind::Bind;
use crate::postgres::{node, numerics};

/// Whether an expression gives one of several values.
pub(super) fn is_target(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Operator { op, children } => match op.as_str() {
            "OPERATOR_COALESCE" => true,
            "ARRAY_CONSTRUCTOR" => children.iter().any(may_be_wide),
            _ => false,
        },
        ExprKind::Function(call) => match call.name.as_str() {
            "greatest" | "least" => true,
            "list_value" => call.args.iter().any(may_be_wide),
            _ => false,
        },
        _ => false,
    }
}

/// Whether an expression computes something that may have 38 digits.
fn may_be_wide(expr: &Expr) -> bool {
    any(Node::Expr(expr), &mut |node| match node {
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Function(call) => is_aggregate(&call.name),
            ExprKind::Window(_) | ExprKind::Cast { .. } => true,
            _ => false,
        },
        Node::Query(_) | Node::Table(_) => false,
    })
}

/// Whether an expression of an unknown type is computed from what may have 38 digits: `round(sum(x), 1)`.
fn may_hide_digits(expr: &Expr) -> bool {
    any(Node::Expr(expr), &mut |node| match node {
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Function(call) => is_aggregate(&call.name),
            ExprKind::Window(_) => true,
            _ => false,
        },
        Node::Query(_) => true,
        Node::Table(_) => false,
    })
}

impl Block<'_> {
    /// Reads constants among those values as the dates and the like that the others are.
    fn moments(&mut self, expr: &mut Expr, types: &mut [Option<Ty>], places: &[usize]) {
        let below = children(expr);
        let (foreign, others): (Vec<usize>, Vec<usize>) = places.iter().partition(|at| {
            below
                .get(**at)
                .is_some_and(|value| moments::is_foreign(value))
        });
        if foreign.is_empty() {
            return;
        }
        for at in others {
            self.type_below(expr, types, at);
        }
        moments::beside(&mut children_mut(expr), types, places);
    }

    /// Gives the values that are at `places` among the expressions right below `expr` a type in which none is
    /// rounded.
    pub(super) fn common(&mut self, expr: &mut Expr, types: &mut [Option<Ty>], places: &[usize]) {
        let known = |types: &[Option<Ty>]| -> Vec<Ty> {
            let found = places.iter().filter_map(|at| types.get(*at)?.clone());
            found.collect()
        };
        widen_small(expr, types, places);
        self.moments(expr, types, places);
        // DuckDB is asked for the others only where it may matter.
        let found = known(types);
        let below = children(expr);
        let unknown = places.iter().filter(|at| {
            let is_known = types.get(**at).is_none_or(Option::is_some);
            !is_known && below.get(**at).is_some_and(|value| may_hide_digits(value))
        });
        let has_scale = |ty: &Ty| ty.digits().is_some_and(|(_, scale)| scale > 0);
        let may_matter = match unknown.count() {
            0 => false,
            1 => found.iter().any(has_scale) || found.len() + 1 < places.len(),
            _ => true,
        };
        if !may_matter && !found.iter().any(is_wide) {
            return;
        }
        for at in places {
            self.type_below(expr, types, *at);
        }
        let found = known(types);
        let Some(wanted) = common_type(&found.iter().collect::<Vec<_>>()) else {
            return;
        };
        let mut values = children_mut(expr);
        for at in places {
            if let (Some(value), Some(Some(ty))) = (values.get_mut(*at), types.get_mut(*at))
                && ty.is_exact()
                && *ty != wanted
            {
                cast_to(value, data_type(&wanted));
                *ty = wanted.clone();
            }
        }
    }
}

/// A constant is an `integer` beside a `smallint`, as which DuckDB would take it.
pub(super) fn widen_small(expr: &mut Expr, types: &[Option<Ty>], places: &[usize]) {
    let is = |types: &[Option<Ty>], at: usize, ty: &Ty| {
        types.get(at).is_some_and(|it| it.as_ref() == Some(ty))
    };
    if !places.iter().any(|at| is(types, *at, &Ty::Small)) {
        return;
    }
    let mut values = children_mut(expr);
    let constant = places.iter().find(|at| {
        let value = values.get(**at);
        is(types, **at, &Ty::Integer)
            && value.is_some_and(|value| matches!(value.kind, ExprKind::Constant(_)))
    });
    if let Some(at) = constant
        && let Some(value) = values.get_mut(*at)
    {
        cast_to(value, node::plain_type("INTEGER"));
    }
}

/// Casts the columns of the operands of a set operation whose values would be rounded.
pub(super) fn columns(operands: &mut [Query], scope: &[Cte], bind: &dyn Bind) {
    constants(operands, scope, bind);
    if operands.iter().all(is_constant) {
        return;
    }
    let described: Option<Vec<_>> = operands
        .iter()
        .map(|operand| super::recursion::describe(operand, scope, bind))
        .collect();
    let Some(described) = described else {
        return;
    };
    let types: Vec<Vec<Ty>> = described
        .iter()
        .map(|columns| columns.iter().map(|column| Ty::parse(&column.ty)).collect())
        .collect();
    let count = types.first().map_or(0, Vec::len);
    if types.iter().any(|types| types.len() != count) {
        return;
    }
    let wanted: Vec<Option<Ty>> = (0..count)
        .map(|at| {
            let column: Vec<&Ty> = types.iter().map(|types| &types[at]).collect();
            column
                .iter()
                .any(|ty| is_wide(ty))
                .then(|| common_type(&column))?
        })
        .collect();
    if wanted.iter().all(Option::is_none) {
        return;
    }
    for ((operand, columns), types) in operands.iter_mut().zip(&described).zip(&types) {
        let casts: Vec<Option<DataType>> = wanted
            .iter()
            .zip(types)
            .map(|(wanted, ty)| {
                let wanted = wanted
                    .as_ref()
                    .filter(|wanted| ty.is_exact() && *wanted != ty);
                wanted.map(data_type)
            })
            .collect();
        if casts.iter().any(Option::is_some) {
            super::recursion::cast_columns(operand, casts, columns);
        }
    }
}

/// Reads text constants among the columns of a set operation as the dates and the like that another operand has there.
fn constants(operands: &mut [Query], scope: &[Cte], bind: &dyn Bind) {
    let open: Vec<Vec<usize>> = operands.iter().map(texts).collect();
    let tell_nothing: Vec<bool> = operands.iter().map(is_without_types).collect();
    if open.iter().all(Vec::is_empty) || tell_nothing.iter().all(|nothing| *nothing) {
        return;
    }
    let types: Vec<Vec<Ty>> = operands
        .iter()
        .zip(&tell_nothing)
        .map(|(operand, tells_nothing)| {
            if *tells_nothing {
                return Vec::new();
            }
            let columns = super::recursion::describe(operand, scope, bind).unwrap_or_default();
            columns.iter().map(|column| Ty::parse(&column.ty)).collect()
        })
        .collect();
    for (at, places) in open.iter().enumerate() {
        for place in places {
            let others = types.iter().enumerate().filter(|(other, _)| *other != at);
            let mut others = others.filter_map(|(_, types)| types.get(*place));
            let wanted = others.find(|ty| {
                matches!(
                    ty,
                    Ty::Date | Ty::Timestamp | Ty::TimestampTz | Ty::Interval | Ty::Boolean
                )
            });
            let (Some(wanted), QueryBody::Select(select)) = (wanted, &mut operands[at].body) else {
                continue;
            };
            let item = &mut select.select_list[*place];
            let alias = match (at, item.alias.is_empty()) {
                (0, true) => "?column?".to_owned(),
                _ => item.alias.clone(),
            };
            if *wanted == Ty::Boolean {
                cast_to(item, node::plain_type("BOOLEAN"));
            } else {
                moments::read(item, wanted);
            }
            item.alias = alias;
        }
    }
}

/// The columns of a query that are text constants, if it is no set operation itself.
fn texts(query: &Query) -> Vec<usize> {
    let QueryBody::Select(select) = &query.body else {
        return Vec::new();
    };
    let items = select.select_list.iter().enumerate();
    let texts = items.filter(|(_, item)| {
        matches!(&item.kind, ExprKind::Constant(constant) if constant.value.is_string())
    });
    texts.map(|(at, _)| at).collect()
}

/// Whether a query is a row of texts, numbers and NULL. Constants of other types are casts, but for truth values.
fn is_without_types(query: &Query) -> bool {
    let QueryBody::Select(select) = &query.body else {
        return false;
    };
    let is_without_type = |expr: &Expr| matches!(&expr.kind, ExprKind::Constant(constant) if !constant.value.is_boolean());
    select.select_list.iter().all(is_without_type)
}

/// Whether a query is a row of constants.
fn is_constant(query: &Query) -> bool {
    let QueryBody::Select(select) = &query.body else {
        return false;
    };
    let is_constant = |expr: &Expr| matches!(expr.kind, ExprKind::Constant(_));
    select.select_list.iter().all(is_constant)
}

/// Whether a type has all the digits there can be.
fn is_wide(ty: &Ty) -> bool {
    ty.is_numeric()
        && ty
            .digits()
            .is_some_and(|(whole, scale)| whole + scale >= DIGITS_MAX - 1)
}

/// A type that keeps the digits after the point of all, where DuckDB's would not. `None`: DuckDB's does, or
/// not all are exact.
fn common_type(types: &[&Ty]) -> Option<Ty> {
    let types: Vec<&&Ty> = types.iter().filter(|ty| ***ty != Ty::Null).collect();
    let digits: Option<Vec<(usize, usize)>> = types
        .iter()
        .map(|ty| if ty.is_exact() { ty.digits() } else { None })
        .collect();
    let digits = digits?;
    let whole = digits.iter().map(|(whole, _)| *whole).max()?;
    let scale = digits.iter().map(|(_, scale)| *scale).max()?;
    let differ = digits.iter().any(|digits| *digits != (whole, scale));
    if whole + scale <= DIGITS_MAX || scale == 0 || !differ {
        return None;
    }
    if let Some(quotient) = types.iter().find(|ty| quotient::is_quotient(ty)) {
        return Some((**quotient).clone());
    }
    Some(Ty::Decimal {
        width: DIGITS_MAX,
        scale,
    })
}

fn data_type(ty: &Ty) -> DataType {
    let (whole, scale) = ty.digits().unwrap_or((DIGITS_MAX, 0));
    numerics::decimal(whole, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_after_the_point_are_kept() {
        let decimal = |width, scale| Ty::Decimal { width, scale };
        for (types, expected) in [
            (vec![decimal(38, 2), decimal(5, 5)], Some(decimal(38, 5))),
            (
                vec![Ty::Huge, decimal(2, 1), Ty::Null],
                Some(decimal(38, 1)),
            ),
            (
                vec![decimal(38, 2), quotient::NARROW],
                Some(quotient::NARROW),
            ),
            // DuckDB's common type has room for both.
            (vec![decimal(38, 5), Ty::Integer], None),
            (vec![decimal(10, 2), decimal(9, 3)], None),
            (vec![Ty::Huge, Ty::Big], None),
            (vec![decimal(38, 2), Ty::Double], None),
        ] {
            let types: Vec<&Ty> = types.iter().collect();
            assert_eq!(common_type(&types), expected, "{types:?}");
        }
    }
}
