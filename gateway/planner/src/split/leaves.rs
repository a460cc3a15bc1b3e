//! The leaves of a `FROM`: what its joins join, which conditions speak of one of them alone, and
//! which equalities link two.
//!
//! Names are resolved as far as splitting needs. A reference that is not understood is not taken
//! for a condition of a leaf nor for a key; it stays where it was written.

use std::collections::BTreeSet;
use std::ops::Range;

use super::choice::{has_aggregate_or_window, outside_subqueries};
use super::scope::item_name;
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{
    Comparison, Expr, ExprKind, Join, JoinKind, JoinSyntax, Query, QueryBody, Select, TableRef,
    TableRefKind,
};

/// One leaf.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The reference as written, with an alias.
    pub(super) table: TableRef,
    /// Its columns, as DuckDB names them.
    pub(super) columns: Vec<String>,
}

impl Leaf {
    /// A reference to one of its columns.
    pub(super) fn column(&self, name: &str) -> Expr {
        Expr::column([self.table.alias.as_str(), name])
    }

    fn has(&self, name: &str) -> bool {
        self.columns
            .iter()
            .any(|column| column.eq_ignore_ascii_case(name))
    }
}

/// An equality between expressions over one leaf each, in the form of [`Leaves::normal`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Equality {
    pub(super) left: (usize, Expr),
    pub(super) right: (usize, Expr),
}

/// The leaves of a `FROM`, from left to right.
#[derive(Clone, Debug)]
pub(super) struct Leaves(pub(super) Vec<Leaf>);

impl Leaves {
    /// Reads the leaves below `from`; `columns_of` gives the column names of one. `None` where joins
    /// follow rules not known here.
    pub(super) fn of<E>(
        from: &TableRef,
        columns_of: &mut dyn FnMut(&TableRef) -> Result<Vec<String>, E>,
    ) -> Result<Option<Self>, E> {
        let mut leaves = Self(Vec::new());
        Ok(leaves.add(from, columns_of)?.then_some(leaves))
    }

    fn add<E>(
        &mut self,
        from: &TableRef,
        columns_of: &mut dyn FnMut(&TableRef) -> Result<Vec<String>, E>,
    ) -> Result<bool, E> {
        match &from.kind {
            TableRefKind::Empty => Ok(false),
            TableRefKind::Join(join) => Ok(join.syntax != JoinSyntax::Natural
                && from.alias.is_empty()
                && self.add(&join.left, columns_of)?
                && self.add(&join.right, columns_of)?),
            _ => {
                let columns = columns_of(from)?;
                let mut table = from.clone();
                if table.alias.is_empty() {
                    table.alias = item_name(from);
                }
                if table.alias.is_empty() {
                    table.alias = format!("__d{}", self.0.len());
                }
                let made = match &table.kind {
                    TableRefKind::Subquery(_) => true,
                    TableRefKind::Table { schema, .. } => schema.is_empty(),
                    _ => false,
                };
                if made {
                    // The name of an expression may depend on how its relations are called.
                    table.column_aliases.clone_from(&columns);
                }
                self.0.push(Leaf { table, columns });
                Ok(true)
            }
        }
    }

    /// The leaf and path that a reference means among some leaves.
    pub(super) fn resolve(
        &self,
        names: &[String],
        among: &Range<usize>,
    ) -> Option<(usize, Vec<String>)> {
        let path = |leaf: usize, rest: &[String]| {
            let alias = self.0[leaf].table.alias.to_lowercase();
            let rest = rest.iter().map(|name| name.to_lowercase());
            (leaf, std::iter::once(alias).chain(rest).collect())
        };
        if let [first, second, ..] = names {
            let mut owners = among.clone().filter(|leaf| {
                let leaf = &self.0[*leaf];
                leaf.table.alias.eq_ignore_ascii_case(first) && leaf.has(second)
            });
            if let Some(leaf) = owners.next() {
                return owners.next().is_none().then(|| path(leaf, &names[1..]));
            }
        }
        let mut owners = among.clone().filter(|leaf| self.0[*leaf].has(&names[0]));
        let leaf = owners.next()?;
        owners.next().is_none().then(|| path(leaf, names))
    }

    /// The one leaf that an expression speaks of; `None`: of none, of several, or of something that
    /// is not understood.
    pub(super) fn owner(&self, expr: &Expr, among: &Range<usize>) -> Option<usize> {
        let mut owner = None;
        let foreign = has_aggregate_or_window(expr)
            || outside_subqueries(expr, &mut |expr| match &expr.kind {
                ExprKind::ColumnRef(names) => match self.resolve(names, among) {
                    Some((leaf, _)) if owner.is_none_or(|known| known == leaf) => {
                        owner = Some(leaf);
                        false
                    }
                    _ => true,
                },
                ExprKind::Subquery(_)
                | ExprKind::Star(_)
                | ExprKind::Lambda { .. }
                | ExprKind::Positional(_)
                | ExprKind::Collate { .. } => true,
                _ => false,
            });
        owner.filter(|_| !foreign)
    }

    /// A copy that is equal for equal meaning, with every column named by its leaf.
    pub(super) fn normal(&self, expr: &Expr, among: &Range<usize>) -> Expr {
        let mut copy = expr.clone();
        copy.alias.clear();
        self.normalize(&mut copy, among);
        copy
    }

    fn normalize(&self, expr: &mut Expr, among: &Range<usize>) {
        expr.location = None;
        if let ExprKind::ColumnRef(names) = &mut expr.kind {
            if let Some((_, path)) = self.resolve(names, among) {
                *names = path;
            }
            return;
        }
        for child in visit::children_mut(expr) {
            self.normalize(child, among);
        }
    }

    /// The equalities among the operands of `AND` in a condition.
    fn equalities(&self, condition: &Expr, among: &Range<usize>) -> Vec<Equality> {
        visit::conjuncts(condition)
            .into_iter()
            .filter_map(|conjunct| match &conjunct.kind {
                ExprKind::Comparison {
                    op: Comparison::Equal | Comparison::NotDistinct,
                    left,
                    right,
                } => {
                    let side = |expr| {
                        let leaf = self.owner(expr, among)?;
                        Some((leaf, self.normal(expr, among)))
                    };
                    let (left, right) = (side(left)?, side(right)?);
                    (left.0 != right.0).then_some(Equality { left, right })
                }
                _ => None,
            })
            .collect()
    }

    /// The equalities of one join, whose left side begins with leaf `start`.
    pub(super) fn of_join(&self, join: &Join, start: usize) -> Vec<Equality> {
        let middle = start + count(&join.left);
        let end = middle + count(&join.right);
        let mut found = match &join.condition {
            Some(condition) => self.equalities(condition, &(start..end)),
            None => Vec::new(),
        };
        for name in &join.using {
            let name = std::slice::from_ref(name);
            let side = |among: Range<usize>| {
                let (leaf, path) = self.resolve(name, &among)?;
                Some((leaf, Expr::column(path)))
            };
            if let (Some(left), Some(right)) = (side(start..middle), side(middle..end)) {
                found.push(Equality { left, right });
            }
        }
        found.retain(|equality| {
            [equality.left.0, equality.right.0].into_iter().all(|leaf| {
                if leaf < middle {
                    !is_hidden(&join.left, start, leaf)
                } else {
                    !is_hidden(&join.right, middle, leaf)
                }
            })
        });
        found
    }

    /// The equalities of `WHERE`.
    pub(super) fn of_where(&self, select: &Select) -> Vec<Equality> {
        let Some(condition) = &select.where_clause else {
            return Vec::new();
        };
        let mut found = self.equalities(condition, &(0..self.0.len()));
        found.retain(|equality| {
            !is_hidden(&select.from, 0, equality.left.0)
                && !is_hidden(&select.from, 0, equality.right.0)
        });
        found
    }

    /// Takes the conditions of a block that speak of one of `wanted` alone, and may as well be
    /// applied before the joins, out of `WHERE` and `ON`: a list per leaf.
    pub(super) fn take_conditions(
        &self,
        select: &mut Select,
        wanted: &BTreeSet<usize>,
    ) -> Vec<Vec<Expr>> {
        let mut taken = vec![Vec::new(); self.0.len()];
        let all = 0..self.0.len();
        let from = &select.from;
        take(&mut select.where_clause, &mut |conjunct| {
            let leaf = self.owner(conjunct, &all).filter(|leaf| {
                wanted.contains(leaf)
                    && !null_extended(from, 0, *leaf)
                    && !is_hidden(from, 0, *leaf)
            });
            leaf.map(|leaf| taken[leaf].push(conjunct.clone()))
                .is_some()
        });
        self.take_from_joins(&mut select.from, 0, wanted, &mut taken);
        taken
    }

    fn take_from_joins(
        &self,
        from: &mut TableRef,
        start: usize,
        wanted: &BTreeSet<usize>,
        taken: &mut [Vec<Expr>],
    ) {
        let TableRefKind::Join(join) = &mut from.kind else {
            return;
        };
        let middle = start + count(&join.left);
        let all = start..middle + count(&join.right);
        self.take_from_joins(&mut join.left, start, wanted, taken);
        self.take_from_joins(&mut join.right, middle, wanted, taken);
        if join.syntax != JoinSyntax::Regular || join.condition.is_none() {
            return;
        }
        let (left, right) = match join.kind {
            JoinKind::Inner | JoinKind::Semi => (true, true),
            JoinKind::Left | JoinKind::Anti => (false, true),
            JoinKind::Right => (true, false),
            JoinKind::Full => (false, false),
        };
        let (left_side, right_side) = (&join.left, &join.right);
        take(&mut join.condition, &mut |conjunct| {
            let leaf = self.owner(conjunct, &all).filter(|leaf| {
                let (allowed, side, start) = if *leaf < middle {
                    (left, left_side, start)
                } else {
                    (right, right_side, middle)
                };
                allowed
                    && wanted.contains(leaf)
                    && !null_extended(side, start, *leaf)
                    && !is_hidden(side, start, *leaf)
            });
            leaf.map(|leaf| taken[leaf].push(conjunct.clone()))
                .is_some()
        });
        if join.condition.is_none() && join.using.is_empty() {
            join.condition = Some(Expr::boolean(true));
        }
    }

    /// The columns of a leaf that the block around it may name, and whether it may name all at once.
    pub(super) fn needed(&self, leaf: usize, block: &Query) -> (Vec<String>, bool) {
        let leaf = &self.0[leaf];
        let of_another = |path: &[String]| {
            let [first, second, ..] = path else {
                return false;
            };
            let named = |one: &Leaf| one.table.alias.eq_ignore_ascii_case(first);
            !named(leaf)
                && !leaf.has(first)
                && self.0.iter().any(|other| named(other) && other.has(second))
        };
        let mut names = BTreeSet::new();
        let mut all = false;
        visit::walk(Node::Query(block), &mut |node| {
            match node {
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::ColumnRef(path) if of_another(path) => {}
                    ExprKind::ColumnRef(path) => {
                        all |= path.iter().any(|name| {
                            name.eq_ignore_ascii_case(&leaf.table.alias) && !leaf.has(name)
                        }) && !path.iter().any(|name| leaf.has(name));
                        names.extend(path.iter().map(|name| name.to_lowercase()));
                    }
                    // The star of a subquery means the subquery's own tables, unless it is named.
                    ExprKind::Star(star) => all |= !star.relation.is_empty() || star.columns,
                    ExprKind::Positional(_) => all = true,
                    _ => {}
                },
                Node::Table(TableRef {
                    kind: TableRefKind::Join(join),
                    ..
                }) => names.extend(join.using.iter().map(|name| name.to_lowercase())),
                Node::Table(_) | Node::Query(_) => {}
            }
            Descend::Into
        });
        if let QueryBody::Select(select) = &block.body {
            all |= select
                .select_list
                .iter()
                .any(|item| outside_subqueries(item, &mut is_star));
        }
        let needed = leaf
            .columns
            .iter()
            .filter(|column| all || names.contains(&column.to_lowercase()))
            .cloned()
            .collect();
        (needed, all)
    }
}

fn is_star(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Star(_))
}

/// How many leaves there are below `from`.
pub(super) fn count(from: &TableRef) -> usize {
    match &from.kind {
        TableRefKind::Join(join) => count(&join.left) + count(&join.right),
        TableRefKind::Empty => 0,
        _ => 1,
    }
}

/// Leaf number `leaf` below `from`.
pub(super) fn leaf_mut(from: &mut TableRef, leaf: usize) -> &mut TableRef {
    if !matches!(from.kind, TableRefKind::Join(_)) {
        return from;
    }
    let TableRefKind::Join(join) = &mut from.kind else {
        unreachable!("just looked at")
    };
    let left = count(&join.left);
    if leaf < left {
        leaf_mut(&mut join.left, leaf)
    } else {
        leaf_mut(&mut join.right, leaf - left)
    }
}

/// Whether a join below `from`, whose leaves begin with `start`, may put NULLs in place of a leaf's
/// rows.
fn null_extended(from: &TableRef, start: usize, leaf: usize) -> bool {
    let TableRefKind::Join(join) = &from.kind else {
        return false;
    };
    let middle = start + count(&join.left);
    if leaf < middle {
        matches!(join.kind, JoinKind::Right | JoinKind::Full)
            || null_extended(&join.left, start, leaf)
    } else {
        matches!(join.kind, JoinKind::Left | JoinKind::Full)
            || null_extended(&join.right, middle, leaf)
    }
}

/// Whether a leaf's columns cannot be named above `from`, because it is what a semi or anti join
/// looks rows up in.
fn is_hidden(from: &TableRef, start: usize, leaf: usize) -> bool {
    let TableRefKind::Join(join) = &from.kind else {
        return false;
    };
    let middle = start + count(&join.left);
    if leaf < middle {
        is_hidden(&join.left, start, leaf)
    } else {
        matches!(join.kind, JoinKind::Semi | JoinKind::Anti) || is_hidden(&join.right, middle, leaf)
    }
}

/// Removes the operands of `AND` that `wanted` accepts.
fn take(condition: &mut Option<Expr>, wanted: &mut dyn FnMut(&Expr) -> bool) {
    let Some(whole) = condition.take() else {
        return;
    };
    let left: Vec<Expr> = visit::conjuncts(&whole)
        .into_iter()
        .filter(|conjunct| !wanted(conjunct))
        .cloned()
        .collect();
    if !left.is_empty() {
        *condition = Some(Expr::and(left));
    }
}
