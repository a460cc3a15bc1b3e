//! What to ask the files of relations before a statement is planned, since the planner itself waits for
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::RelationSnapshot;

use super::{ExchangeMode, SplitOptions, block, choice};
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{
    Comparison, Expr, ExprKind, Query, QueryBody, Select, SubqueryKind, TableRef, TableRefKind,
};

/// Relations below this size are read whole by every fragment.
const ASKED_BYTES_MIN: u64 = 1 << 20;

impl SplitOptions {
    /// Which columns of which relations to ask for ranges before a statement is planned: those that it
    /// compares for equality, looks up, or groups by, as far as their names tell.
    pub fn wanted_ranges(
        &self,
        statement: &Query,
        relations: &BTreeMap<RelationName, Arc<RelationSnapshot>>,
    ) -> Vec<WantedRanges> {
        let forced = self.exchange == ExchangeMode::Range;
        let is_of = |relation: &RelationSnapshot, least: u64| forced || relation.bytes() >= least;
        let mut relations_asked = relations
            .values()
            .filter(|relation| is_of(relation, ASKED_BYTES_MIN))
            .peekable();
        let large = |relation: &Arc<RelationSnapshot>| is_of(relation, self.bytes_min);
        if !self.may_range() || relations_asked.peek().is_none() || !relations.values().any(large) {
            return Vec::new();
        }
        let names = key_names(statement);
        let wanted = relations_asked.map(|relation| WantedRanges {
            relation: Arc::clone(relation),
            columns: relation
                .columns
                .iter()
                .map(|column| &column.name)
                .filter(|name| names.contains(&name.to_lowercase()))
                .cloned()
                .collect(),
            count: self.ranges(),
        });
        wanted.filter(|wanted| !wanted.columns.is_empty()).collect()
    }
}

/// What to ask the files of a relation.
#[derive(Clone, Debug)]
pub struct WantedRanges {
    /// The relation.
    pub relation: Arc<RelationSnapshot>,
    /// Its columns that might be keys.
    pub columns: Vec<String>,
    /// Into how many ranges to divide each.
    pub count: usize,
}

/// Lower-cased names of columns by which a statement might be divided.
fn key_names(statement: &Query) -> BTreeSet<String> {
    let (mut names, mut using) = (BTreeSet::new(), BTreeSet::new());
    let mut note = |expr: &Expr| {
        if let ExprKind::ColumnRef(path) = &expr.kind {
            names.extend(path.last().map(|name| name.to_lowercase()));
        }
    };
    visit::walk(Node::Query(statement), &mut |node| {
        match node {
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Comparison {
                    op: Comparison::Equal | Comparison::NotDistinct,
                    left,
                    right,
                } => {
                    note(left);
                    note(right);
                }
                ExprKind::Window(window) => window.partitions.iter().for_each(&mut note),
                ExprKind::Subquery(subquery) if subquery.kind == SubqueryKind::Any => {
                    if let Some(child) = &subquery.child {
                        note(child);
                    }
                    if let QueryBody::Select(select) = &subquery.query.body {
                        select.select_list.iter().for_each(&mut note);
                    }
                }
                _ => {}
            },
            Node::Table(TableRef {
                kind: TableRefKind::Join(join),
                ..
            }) => using.extend(join.using.iter().map(|name| name.to_lowercase())),
            Node::Query(Query {
                body: QueryBody::Select(select),
                ..
            }) => group_keys(select).iter().for_each(&mut note),
            Node::Table(_) | Node::Query(_) => {}
        }
        Descend::Into
    });
    names.append(&mut using);
    names
}

/// The group keys of a block as written, those that are positions replaced by what stands there.
pub(super) fn group_keys(select: &Select) -> Vec<Expr> {
    let starred = |item: &Expr| {
        choice::outside_subqueries(item, &mut |expr| matches!(expr.kind, ExprKind::Star(_)))
    };
    let keys = select.group_by.iter().filter_map(|key| {
        let Some(position) = block::position(key) else {
            return Some(key.clone());
        };
        if select.select_list.iter().any(starred) {
            return None;
        }
        let mut item = select.select_list.get(position.checked_sub(1)?)?.clone();
        item.alias.clear();
        Some(item)
    });
    keys.collect()
}
