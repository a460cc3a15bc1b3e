//! Keys by which the rows of several leaves can be exchanged, so that each fragment joins its part
//! of them by itself.
//!
//! ```text
//! l JOIN o ON l.k = o.k JOIN c ON o.c = c.c     class of l.k: {l.k, o.k}, so l and o by hash of it,
//!                                               and c whole in every fragment
//! ```
//!
//! A join of two exchanged sides is right if it asks for the equality of the columns by which they
//! were exchanged: rows that match are then in the same fragment, whatever else it asks for, and
//! every row is in exactly one, so that outer joins find out where it belongs whether it matches.
//! NULLs match nothing; all of them are in one fragment. A join of an exchanged side with a whole one
//! follows the rules for divided files ([`dividable_sides`]).
//!
//! Invariant: after a join only those columns still say where a row is that no outer join may have
//! replaced by NULL.

use std::collections::BTreeMap;

use super::choice::dividable_sides;
use super::leaves::{Equality, Leaves, count};
use crate::ast::{Expr, Join, JoinKind, JoinSyntax, Select, TableRef, TableRefKind};

/// Leaves to exchange, and by what.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// For each exchanged leaf the expression, as [`Leaves::normal`] writes it.
    pub(super) of_leaf: BTreeMap<usize, Expr>,
    /// The expressions that say for every joined row in which fragment it is.
    pub(super) located: Vec<Expr>,
}

/// What of a side of a join is in a fragment.
enum Side {
    /// All of it.
    Whole,
    /// The rows for which any of these expressions has a hash of the fragment.
    Part(Vec<Expr>),
}

/// Every way to exchange two leaves or more of the block's `FROM`, the most bytes first. `bytes` of a leaf
/// that is taken by a key; leaves without are left as they are.
pub(super) fn ways(
    select: &Select,
    leaves: &Leaves,
    bytes: &dyn Fn(usize, &Expr) -> Option<u64>,
) -> Vec<Keys> {
    let mut equalities = leaves.of_where(select);
    let whole = Equalities {
        leaves,
        of_where: equalities.clone(),
    };
    each_join(&select.from, 0, &mut |join, start| {
        equalities.extend(leaves.of_join(join, start));
    });
    let mut ways: Vec<(u64, Keys)> = classes(&equalities)
        .into_iter()
        .filter_map(|class| {
            let (mut of_leaf, mut sizes) = (BTreeMap::new(), BTreeMap::new());
            for (leaf, expr) in class {
                if let Some(bytes) = bytes(leaf, &expr) {
                    of_leaf.entry(leaf).or_insert(expr);
                    sizes.entry(leaf).or_insert(bytes);
                }
            }
            let keys = whole.valid(&select.from, of_leaf, &sizes)?;
            let sizes = keys.of_leaf.keys().filter_map(|leaf| sizes.get(leaf));
            Some((sizes.sum(), keys))
        })
        .collect();
    ways.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    ways.into_iter().map(|(_, keys)| keys).collect()
}

/// One leaf alone, by one of its columns; `None` if the block's joins do not let it be divided.
pub(super) fn single(select: &Select, leaves: &Leaves, leaf: usize, key: &Expr) -> Option<Keys> {
    let of_leaf = BTreeMap::from([(leaf, key.clone())]);
    let of_where = leaves.of_where(select);
    let whole = Equalities { leaves, of_where };
    match whole.side(&select.from, 0, &whole.of_where, &of_leaf)? {
        Side::Part(located) => Some(Keys { of_leaf, located }),
        Side::Whole => None,
    }
}

/// The conditions of a block that link leaves.
struct Equalities<'a> {
    leaves: &'a Leaves,
    of_where: Vec<Equality>,
}

impl Equalities<'_> {
    /// The largest part of `of_leaf`, of at least two leaves, that can be exchanged.
    fn valid(
        &self,
        from: &TableRef,
        mut of_leaf: BTreeMap<usize, Expr>,
        bytes: &BTreeMap<usize, u64>,
    ) -> Option<Keys> {
        while of_leaf.len() > 1 {
            if let Some(Side::Part(located)) = self.side(from, 0, &self.of_where, &of_leaf) {
                return Some(Keys { of_leaf, located });
            }
            let smallest = *of_leaf.keys().min_by_key(|leaf| bytes.get(*leaf))?;
            of_leaf.remove(&smallest);
        }
        None
    }

    /// What of `from` a fragment has; `None` if it cannot join its part by itself. `above` are
    /// equalities that every row of the result will satisfy.
    fn side(
        &self,
        from: &TableRef,
        start: usize,
        above: &[Equality],
        of_leaf: &BTreeMap<usize, Expr>,
    ) -> Option<Side> {
        let TableRefKind::Join(join) = &from.kind else {
            return Some(match of_leaf.get(&start) {
                Some(key) => Side::Part(vec![key.clone()]),
                None => Side::Whole,
            });
        };
        let middle = start + count(&join.left);
        let own = self.leaves.of_join(join, start);
        let inner = join.kind == JoinKind::Inner;
        let mut known = own.clone();
        if inner {
            known.extend(above.iter().cloned());
        }
        // What holds for every row of the result holds for the rows of a preserved side.
        let below = |preserved: bool| -> &[Equality] {
            match (inner, preserved) {
                (true, _) => &known,
                (false, true) => above,
                (false, false) => &[],
            }
        };
        let (left, right) = match join.kind {
            JoinKind::Inner => (true, true),
            JoinKind::Left | JoinKind::Semi | JoinKind::Anti => (true, false),
            JoinKind::Right => (false, true),
            JoinKind::Full => (false, false),
        };
        let left = self.side(&join.left, start, below(left), of_leaf)?;
        let right = self.side(&join.right, middle, below(right), of_leaf)?;
        let linking = if inner { &known } else { &own };
        joined(join, left, right, linking)
    }
}

fn joined(join: &Join, left: Side, right: Side, linking: &[Equality]) -> Option<Side> {
    let (left_divides, right_divides) = dividable_sides(join);
    match (left, right) {
        (Side::Whole, Side::Whole) => Some(Side::Whole),
        (Side::Part(keys), Side::Whole) => left_divides.then_some(Side::Part(keys)),
        (Side::Whole, Side::Part(keys)) => right_divides.then_some(Side::Part(keys)),
        (Side::Part(mut left), Side::Part(right)) => {
            if !matches!(join.syntax, JoinSyntax::Regular | JoinSyntax::Cross) {
                return None;
            }
            let linked = linking.iter().any(|equality| {
                let (one, other) = (&equality.left.1, &equality.right.1);
                (left.contains(one) && right.contains(other))
                    || (left.contains(other) && right.contains(one))
            });
            if !linked {
                return None;
            }
            Some(Side::Part(match join.kind {
                JoinKind::Inner => {
                    left.extend(right);
                    left
                }
                JoinKind::Left | JoinKind::Semi | JoinKind::Anti => left,
                JoinKind::Right => right,
                JoinKind::Full => Vec::new(),
            }))
        }
    }
}

/// Expressions that equalities make equal, each with its leaf.
fn classes(equalities: &[Equality]) -> Vec<Vec<(usize, Expr)>> {
    let mut classes: Vec<Vec<(usize, Expr)>> = Vec::new();
    for Equality { left, right } in equalities {
        let find = |classes: &[Vec<(usize, Expr)>], one: &(usize, Expr)| {
            classes.iter().position(|class| class.contains(one))
        };
        match (find(&classes, left), find(&classes, right)) {
            (None, None) => classes.push(vec![left.clone(), right.clone()]),
            (Some(class), None) => classes[class].push(right.clone()),
            (None, Some(class)) => classes[class].push(left.clone()),
            (Some(one), Some(other)) if one != other => {
                let merged = classes.remove(one.max(other));
                classes[one.min(other)].extend(merged);
            }
            (Some(_), Some(_)) => {}
        }
    }
    classes
}

fn each_join(from: &TableRef, start: usize, f: &mut dyn FnMut(&Join, usize)) {
    if let TableRefKind::Join(join) = &from.kind {
        each_join(&join.left, start, f);
        each_join(&join.right, start + count(&join.left), f);
        f(join, start);
    }
}
