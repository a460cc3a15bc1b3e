//! Names that one FROM uses twice.
//!
//! DuckDB gives the second `t` of `FROM t, t` another name; PostgreSQL refuses it, since nobody can
//! tell which of them `t.x` means. Mirrors `checkNameSpaceConflicts`: an alias hides the names of the
//! join it is given to, and two relations of different schemas may share a name.

use skein_catalog::relation::RelationName;

use crate::ast::visit::{Descend, Node, walk};
use crate::ast::{ExprKind, Query, QueryBody, TableRef, TableRefKind};
use crate::error::PlanError;

/// A name by which columns of FROM can be called, and the relation that brings it if it is its own.
type Name<'a> = (&'a str, Option<RelationName>);

/// Refuses a name that stands twice in one FROM. `identify` gives the relation that a schema and a name
/// mean; common table expressions are none.
pub(super) fn check(
    query: &Query,
    identify: &dyn Fn(&str, &str) -> Option<RelationName>,
) -> Result<(), PlanError> {
    let mut outcome = Ok(());
    walk(Node::Query(query), &mut |node| {
        if let Node::Query(Query {
            body: QueryBody::Select(select),
            ..
        }) = node
            && outcome.is_ok()
        {
            outcome = names(&select.from, identify).map(drop);
        }
        match outcome {
            Ok(()) => Descend::Into,
            Err(_) => Descend::Over,
        }
    });
    outcome
}

fn names<'a>(
    table: &'a TableRef,
    identify: &dyn Fn(&str, &str) -> Option<RelationName>,
) -> Result<Vec<Name<'a>>, PlanError> {
    let below = match &table.kind {
        TableRefKind::Join(join) => {
            let mut left = names(&join.left, identify)?;
            let right = names(&join.right, identify)?;
            for name in &right {
                if left.iter().any(|other| conflict(name, other)) {
                    return Err(PlanError::RepeatedAlias {
                        name: name.0.to_owned(),
                    });
                }
            }
            left.extend(right);
            left
        }
        TableRefKind::Table { schema, name, .. } if table.alias.is_empty() => {
            vec![(name.as_str(), identify(schema, name))]
        }
        TableRefKind::Function { call, .. } if table.alias.is_empty() => match &call.kind {
            ExprKind::Function(function) => vec![(function.name.as_str(), None)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    Ok(if table.alias.is_empty() {
        below
    } else {
        vec![(table.alias.as_str(), None)]
    })
}

fn conflict((one, relation): &Name<'_>, (other, its): &Name<'_>) -> bool {
    one == other && (relation.is_none() || its.is_none() || relation == its)
}
