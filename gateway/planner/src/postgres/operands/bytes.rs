//! Text constants where PostgreSQL takes `bytea`: beside values of that type, which they are compared with or
//! are a result together with, such as `raw = '\x6162'` and `coalesce(raw, '\x')`.

use super::Block;
use super::types::Ty;
use crate::ast::visit::{children, children_mut};
use crate::ast::{Expr, ExprKind};
use crate::postgres::{RewriteError, bytea, node};

impl Block<'_> {
    /// Reads the text constants among `places` right below `expr` as bytes if one of the others is of that type.
    pub(super) fn bytes(
        &mut self,
        expr: &mut Expr,
        types: &mut [Option<Ty>],
        places: &[usize],
    ) -> Result<(), RewriteError> {
        let below = children(expr);
        let text = |at: &usize| below.get(*at).and_then(|child| text_of(child));
        if !places.iter().any(|at| text(at).is_some()) {
            return Ok(());
        }
        let is_known = |types: &[Option<Ty>]| {
            places
                .iter()
                .any(|at| types.get(*at).is_some_and(|ty| *ty == Some(Ty::Blob)))
        };
        if !is_known(types) {
            // DuckDB is asked where the constant is written as bytes are.
            if !places
                .iter()
                .filter_map(text)
                .any(|text| text.starts_with('\\'))
            {
                return Ok(());
            }
            let others: Vec<usize> = places
                .iter()
                .copied()
                .filter(|at| text(at).is_none())
                .collect();
            for at in others {
                self.type_below(expr, types, at);
            }
            if !is_known(types) {
                return Ok(());
            }
        }
        let mut values = children_mut(expr);
        for at in places {
            let Some(value) = values.get_mut(*at) else {
                continue;
            };
            if constant(value)?
                && let Some(ty) = types.get_mut(*at)
            {
                *ty = Some(Ty::Blob);
            }
        }
        Ok(())
    }
}

fn text_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Constant(_) => node::constant_text(expr),
        _ => None,
    }
}

/// Reads a text constant as bytes; whether it is one.
pub(super) fn constant(expr: &mut Expr) -> Result<bool, RewriteError> {
    let position = expr.location;
    let Some(text) = text_of(expr) else {
        return Ok(false);
    };
    let text = bytea::blob(text).map_err(|fault| RewriteError::Bytea { fault, position })?;
    expr.kind = node::cast(node::text(&text), node::plain_type("BLOB")).kind;
    Ok(true)
}
