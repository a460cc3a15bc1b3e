//! Conditions that are numbers: DuckDB takes any for a truth value, PostgreSQL does not.

use super::RewriteError;
use crate::ast::{ExprKind, Query, QueryBody};

/// Checks the constants among the conditions of one query, not of those inside of it.
pub(super) fn check(query: &Query) -> Result<(), RewriteError> {
    let QueryBody::Select(select) = &query.body else {
        return Ok(());
    };
    let clauses = [("WHERE", &select.where_clause), ("HAVING", &select.having)];
    for (clause, condition) in clauses {
        if let Some(condition) = condition
            && let ExprKind::Constant(constant) = &condition.kind
            && let Some(ty) = match constant.ty.0["id"].as_str() {
                Some("INTEGER") => Some("integer"),
                Some("BIGINT") => Some("bigint"),
                Some("DECIMAL" | "HUGEINT" | "DOUBLE") => Some("numeric"),
                _ => None,
            }
        {
            let position = condition.location;
            return Err(RewriteError::NotBoolean {
                clause,
                ty,
                position,
            });
        }
    }
    Ok(())
}
