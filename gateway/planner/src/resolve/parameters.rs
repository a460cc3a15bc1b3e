//! Parameters: which there are, and values in their place.

use crate::ast::visit::{self, Descend, Node, NodeMut};
use crate::ast::{DataType, Expr, ExprKind, Query};
use crate::error::PlanError;

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterValue {
    /// As DuckDB reads it in a cast from text; `None` is NULL.
    pub text: Option<String>,
    /// DuckDB's text of its type.
    pub ty: String,
}

/// How many parameters the query has: the largest number in it.
pub fn parameter_count(query: &Query) -> Result<usize, PlanError> {
    let mut count = Ok(0);
    visit::walk(Node::Query(query), &mut |node| {
        if let Node::Expr(Expr {
            kind: ExprKind::Parameter(name),
            location,
            ..
        }) = node
            && let Ok(most) = count
        {
            count = match name.parse::<usize>() {
                Ok(number) if number > 0 => Ok(most.max(number)),
                _ => Err(PlanError::NamedParameter {
                    name: name.clone(),
                    position: *location,
                }),
            };
        }
        Descend::Into
    });
    count
}

/// Puts typed literals in the place of `$1`, `$2`, ….
pub fn bind_parameters(query: &mut Query, values: &[ParameterValue]) -> Result<(), PlanError> {
    let mut outcome = Ok(());
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::Parameter(name) = &expr.kind
        {
            let value = name
                .parse::<usize>()
                .ok()
                .and_then(|number| number.checked_sub(1))
                .and_then(|index| values.get(index));
            match value {
                Some(value) => expr.kind = literal(value),
                None if outcome.is_ok() => {
                    let (name, position) = (name.clone(), expr.location);
                    outcome = Err(PlanError::UnknownParameter { name, position });
                }
                None => {}
            }
            return Descend::Over;
        }
        Descend::Into
    });
    outcome
}

fn literal(value: &ParameterValue) -> ExprKind {
    let child = match &value.text {
        Some(text) => Expr::string(text.clone()),
        None => Expr::null(),
    };
    ExprKind::Cast {
        child: Box::new(child),
        ty: DataType::from_sql(&value.ty),
        try_cast: false,
    }
}
