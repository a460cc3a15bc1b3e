//! Column names of a `FROM`, to tell when two references mean the same column.
//!
//! Only what splitting needs: DuckDB has already bound the statement, so every name has a meaning,
//! and what is not understood here leads to a refusal, never to a wrong plan.

use crate::ast::{Expr, ExprKind, JoinKind, JoinSyntax, TableRef, TableRefKind};

/// One item of a `FROM`.
#[derive(Clone, Debug)]
struct Item {
    alias: String,
    columns: Vec<String>,
    /// Columns that `USING` takes from another item when they are named alone.
    hidden: Vec<String>,
}

/// The items of a `FROM`, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    items: Vec<Item>,
}

/// What a column reference means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A column, followed by fields: `[item, column, field…]`.
    Column(Vec<String>),
    /// No item has it: an alias, or a column of an outer query.
    Unknown,
    /// More than one item has it.
    Ambiguous,
}

impl Scope {
    /// Reads the items of `from`; `columns_of` gives the column names of a leaf.
    pub(super) fn of<E>(
        from: &TableRef,
        columns_of: &mut dyn FnMut(&TableRef) -> Result<Vec<String>, E>,
    ) -> Result<Option<Self>, E> {
        let mut scope = Self::default();
        Ok(scope.add(from, columns_of)?.then_some(scope))
    }

    /// Adds the items below `from`; `false` where names follow rules not known here.
    fn add<E>(
        &mut self,
        from: &TableRef,
        columns_of: &mut dyn FnMut(&TableRef) -> Result<Vec<String>, E>,
    ) -> Result<bool, E> {
        match &from.kind {
            TableRefKind::Empty => Ok(true),
            TableRefKind::Join(join) => {
                if join.syntax == JoinSyntax::Natural {
                    return Ok(false);
                }
                let start = self.items.len();
                if !self.add(&join.left, columns_of)? {
                    return Ok(false);
                }
                let middle = self.items.len();
                if !self.add(&join.right, columns_of)? {
                    return Ok(false);
                }
                if matches!(join.kind, JoinKind::Semi | JoinKind::Anti) {
                    self.items.truncate(middle);
                    return Ok(true);
                }
                let hidden = match join.kind {
                    JoinKind::Full if !join.using.is_empty() => return Ok(false),
                    JoinKind::Right => start..middle,
                    _ => middle..self.items.len(),
                };
                for item in &mut self.items[hidden] {
                    item.hidden
                        .extend(join.using.iter().map(|name| name.to_lowercase()));
                }
                Ok(true)
            }
            _ => {
                let alias = item_name(from);
                let columns = columns_of(from)?
                    .iter()
                    .map(|name| name.to_lowercase())
                    .collect();
                self.items.push(Item {
                    alias,
                    columns,
                    hidden: Vec::new(),
                });
                Ok(true)
            }
        }
    }

    /// What a reference means.
    pub(super) fn resolve(&self, names: &[String]) -> Meaning {
        let first = names[0].to_lowercase();
        if let Some(second) = names.get(1) {
            let second = second.to_lowercase();
            let qualified = self
                .items
                .iter()
                .find(|item| item.alias == first && item.columns.contains(&second));
            if qualified.is_some() {
                let mut path = vec![first, second];
                path.extend(names[2..].iter().map(|name| name.to_lowercase()));
                return Meaning::Column(path);
            }
        }
        let mut owners = self
            .items
            .iter()
            .filter(|item| item.columns.contains(&first) && !item.hidden.contains(&first));
        match (owners.next(), owners.next()) {
            (Some(item), None) => {
                let mut path = vec![item.alias.clone(), first];
                path.extend(names[1..].iter().map(|name| name.to_lowercase()));
                Meaning::Column(path)
            }
            (None, _) => Meaning::Unknown,
            (Some(_), Some(_)) => Meaning::Ambiguous,
        }
    }

    /// The references that `*` or `alias.*` stands for, in order, with their names; `None` when
    /// there is no such item.
    pub(super) fn star(&self, alias: &str) -> Option<Vec<(Vec<String>, String)>> {
        let alias = alias.to_lowercase();
        if !alias.is_empty() && !self.items.iter().any(|item| item.alias == alias) {
            return None;
        }
        Some(
            self.items
                .iter()
                .filter(|item| alias.is_empty() || item.alias == alias)
                .flat_map(|item| {
                    item.columns
                        .iter()
                        .filter(|name| !alias.is_empty() || !item.hidden.contains(name))
                        .map(|name| (vec![item.alias.clone(), name.clone()], name.clone()))
                })
                .collect(),
        )
    }
}

/// The name by which columns of a leaf are qualified.
pub(super) fn item_name(from: &TableRef) -> String {
    let name = match &from.kind {
        _ if !from.alias.is_empty() => &from.alias,
        TableRefKind::Table { name, .. } | TableRefKind::Input { name } => name,
        TableRefKind::Function { call, .. } => match &call.kind {
            ExprKind::Function(call) => &call.name,
            _ => &from.alias,
        },
        _ => &from.alias,
    };
    name.to_lowercase()
}

/// A copy that is equal for equal meaning: names resolved, aliases and positions dropped.
pub(super) fn canonical(expr: &Expr, scope: &Scope) -> Expr {
    let mut copy = expr.clone();
    copy.alias.clear();
    canonicalize(&mut copy, scope, &mut Vec::new());
    copy
}

fn canonicalize(expr: &mut Expr, scope: &Scope, bound: &mut Vec<String>) {
    expr.location = None;
    match &mut expr.kind {
        ExprKind::ColumnRef(names) => {
            if !bound.contains(&names[0].to_lowercase())
                && let Meaning::Column(path) = scope.resolve(names)
            {
                *names = path;
            }
        }
        ExprKind::Lambda { left, right, .. } => {
            let before = bound.len();
            bound.extend(lambda_parameters(left));
            left.location = None;
            canonicalize(right, scope, bound);
            bound.truncate(before);
        }
        // Compared as written: names in it belong to its own scopes first.
        ExprKind::Subquery(subquery) => {
            strip_locations(&mut subquery.query);
            if let Some(child) = &mut subquery.child {
                canonicalize(child, scope, bound);
            }
        }
        _ => {
            for child in crate::ast::visit::children_mut(expr) {
                canonicalize(child, scope, bound);
            }
        }
    }
}

/// Lower-cased names that a lambda binds.
pub(super) fn lambda_parameters(left: &Expr) -> Vec<String> {
    match &left.kind {
        ExprKind::ColumnRef(names) if names.len() == 1 => vec![names[0].to_lowercase()],
        ExprKind::Function(row) => row.args.iter().flat_map(lambda_parameters).collect(),
        _ => Vec::new(),
    }
}

fn strip_locations(query: &mut crate::ast::Query) {
    use crate::ast::visit::{Descend, NodeMut, walk_mut};
    walk_mut(NodeMut::Query(query), &mut |node| {
        match node {
            NodeMut::Expr(expr) => expr.location = None,
            NodeMut::Table(table) => table.location = None,
            NodeMut::Query(_) => {}
        }
        Descend::Into
    });
}
