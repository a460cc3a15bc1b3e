//! `f(VARIADIC array)`: a call with the elements of an array as its last arguments.
//!
//! DuckDB's parser drops the word; [`super::tokens`] writes an operator in its place. An array whose
//! elements can be seen becomes arguments; functions that only join or count theirs take any array.
//! The rest is refused rather than called with the array as one argument.

use super::{RewriteError, arrays, node, tokens};
use crate::ast::{DataType, Expr, ExprKind};

/// Rewrites a call whose last argument is an array of arguments.
pub(super) fn function(expr: &mut Expr) -> Result<(), RewriteError> {
    let location = expr.location;
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(());
    };
    let is_marked = |arg: &Expr| {
        matches!(&arg.kind, ExprKind::Function(inner)
            if inner.is_operator && inner.name == tokens::VARIADIC && inner.args.len() == 1)
    };
    if !call.args.last().is_some_and(is_marked) {
        return Ok(());
    }
    let marked = call.args.pop().map(|arg| arg.kind);
    let Some(ExprKind::Function(mut inner)) = marked else {
        return Ok(());
    };
    let array = inner.args.remove(0);
    let joined =
        |delimiter: Expr| node::call("", "array_to_string", vec![array.clone(), delimiter]);
    let with = match (call.name.as_str(), call.args.as_slice()) {
        ("concat", []) => joined(node::text("")),
        ("concat_ws", [delimiter]) => joined(delimiter.clone()),
        ("num_nulls", []) => counted(&array, "OPERATOR_IS_NULL"),
        ("num_nonnulls", []) => counted(&array, "OPERATOR_IS_NOT_NULL"),
        _ => {
            let Some(elements) = elements(&array) else {
                return Err(RewriteError::NotConstant {
                    function: call.name.clone(),
                    position: array.location.or(location),
                });
            };
            call.args.extend(elements);
            return Ok(());
        }
    };
    expr.kind = with.kind;
    Ok(())
}

/// How many elements are, or are not, NULL.
fn counted(array: &Expr, test: &str) -> Expr {
    let element = || node::expr(ExprKind::ColumnRef(vec!["element__".to_owned()]));
    let lambda = node::expr(ExprKind::Lambda {
        left: Box::new(element()),
        right: Box::new(node::expr(ExprKind::Operator {
            op: test.to_owned(),
            children: vec![element()],
        })),
    });
    let found = node::call("", "list_filter", vec![array.clone(), lambda]);
    let count = node::cast(
        node::call("", "len", vec![found]),
        node::plain_type("INTEGER"),
    );
    // The filter of a list that is NULL is empty in some of DuckDB's versions.
    let is_null = node::expr(ExprKind::Operator {
        op: "OPERATOR_IS_NULL".to_owned(),
        children: vec![array.clone()],
    });
    node::expr(ExprKind::Case {
        checks: vec![(is_null, node::null())],
        otherwise: Box::new(count),
    })
}

/// The elements of an array that is written in the statement.
fn elements(array: &Expr) -> Option<Vec<Expr>> {
    match &array.kind {
        ExprKind::Operator { op, children } if op == "ARRAY_CONSTRUCTOR" => Some(children.clone()),
        ExprKind::Function(call) if call.name == "list_value" => Some(call.args.clone()),
        ExprKind::Cast { child, ty, .. } if ty.id() == "LIST" => {
            let element = DataType(ty.0["type_info"]["child_type"].clone());
            let values = match node::constant_text(child) {
                Some(text) => arrays::elements(text)?
                    .iter()
                    .map(|text| node::text_or_null(text.as_deref()))
                    .collect(),
                None => elements(child)?,
            };
            let cast = |value| node::cast(value, element.clone());
            Some(values.into_iter().map(cast).collect())
        }
        _ => None,
    }
}
