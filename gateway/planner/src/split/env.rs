//! Which names in `FROM` are relations and which common table expressions.

use std::collections::BTreeMap;
use std::sync::Arc;

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::RelationSnapshot;

use crate::ast::visit::{self, Descend, Node};
use crate::ast::{Cte, Query, QueryBody, TableRef, TableRefKind};

/// Common table expressions in scope, outermost first, and all relations of the statement.
#[derive(Clone, Debug)]
pub(super) struct Env {
    relations: Arc<BTreeMap<RelationName, Arc<RelationSnapshot>>>,
    ctes: Vec<Arc<Cte>>,
}

impl Env {
    pub(super) fn new(relations: BTreeMap<RelationName, Arc<RelationSnapshot>>) -> Self {
        Self {
            relations: Arc::new(relations),
            ctes: Vec::new(),
        }
    }

    /// The relation that a table reference names. Resolved names carry their schema, those of
    /// common table expressions do not.
    pub(super) fn relation(&self, table: &TableRef) -> Option<Arc<RelationSnapshot>> {
        match &table.kind {
            TableRefKind::Table { schema, name, .. } if !schema.is_empty() => self
                .relations
                .get(&RelationName {
                    schema: schema.clone(),
                    name: name.clone(),
                })
                .map(Arc::clone),
            _ => None,
        }
    }

    /// The common table expression that a table reference names, and what it may refer to itself.
    pub(super) fn cte(&self, table: &TableRef) -> Option<(Arc<Cte>, Self)> {
        match &table.kind {
            TableRefKind::Table { schema, name, .. } if schema.is_empty() => self.cte_named(name),
            _ => None,
        }
    }

    fn cte_named(&self, name: &str) -> Option<(Arc<Cte>, Self)> {
        let index = self
            .ctes
            .iter()
            .rposition(|cte| cte.name.eq_ignore_ascii_case(name))?;
        let below = Self {
            relations: Arc::clone(&self.relations),
            ctes: self.ctes[..index].to_vec(),
        };
        Some((Arc::clone(&self.ctes[index]), below))
    }

    /// With the common table expressions of a query added.
    pub(super) fn with(&self, ctes: &[Cte]) -> Self {
        let mut env = self.clone();
        env.ctes.extend(ctes.iter().cloned().map(Arc::new));
        env
    }

    /// What the definition of `name` may refer to.
    pub(super) fn below(&self, name: &str) -> Self {
        self.cte_named(name)
            .map_or_else(|| self.clone(), |(_, env)| env)
    }

    /// With another query in the definition of `name`.
    pub(super) fn replaced(&self, name: &str, query: &Query) -> Self {
        let mut env = self.clone();
        for cte in &mut env.ctes {
            if cte.name.eq_ignore_ascii_case(name) {
                *cte = Arc::new(Cte {
                    query: query.clone(),
                    ..cte.as_ref().clone()
                });
            }
        }
        env
    }

    /// Whether two expressions in scope have the same name, so that neither can be moved.
    pub(super) fn has_shadowed_name(&self) -> bool {
        self.ctes.iter().enumerate().any(|(index, cte)| {
            self.ctes[..index]
                .iter()
                .any(|other| other.name.eq_ignore_ascii_case(&cte.name))
        })
    }

    /// The definitions that `query` needs, directly or through others, in order.
    pub(super) fn needed(&self, query: &Query) -> Vec<Cte> {
        let mut used = vec![false; self.ctes.len()];
        self.mark(Node::Query(query), self.ctes.len(), &mut used);
        self.ctes
            .iter()
            .zip(used)
            .filter(|(_, used)| *used)
            .map(|(cte, _)| cte.as_ref().clone())
            .collect()
    }

    fn mark(&self, node: Node<'_>, visible: usize, used: &mut [bool]) {
        visit::walk(node, &mut |node| {
            if let Node::Table(TableRef {
                kind: TableRefKind::Table { schema, name, .. },
                ..
            }) = node
                && schema.is_empty()
            {
                let found = self.ctes[..visible]
                    .iter()
                    .rposition(|cte| cte.name.eq_ignore_ascii_case(name));
                if let Some(index) = found
                    && !used[index]
                {
                    used[index] = true;
                    self.mark(Node::Query(&self.ctes[index].query), index, used);
                }
            }
            Descend::Into
        });
    }
}

/// Whether a common table expression refers to itself.
pub(super) fn is_recursive(cte: &Cte) -> bool {
    matches!(cte.query.body, QueryBody::RecursiveCte { .. })
}
