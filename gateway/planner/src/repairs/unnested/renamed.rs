//! Names in a block whose FROM has a subquery in place of several of its relations.
//!
//! ```text
//! SELECT o.id, e.x FROM o JOIN c ON …, unnest(f(o.a)) AS e(x) ORDER BY x
//! SELECT __j0.__q0_0 AS id, __j0.__c0_0 AS x
//!   FROM (SELECT …, o.id AS __q0_0, … FROM o JOIN c ON …) AS __j0 ORDER BY __j0.__c0_0
//! ```
//!
//! A relation that stands alone before the item keeps its name, and so do its columns. Bare names of other relations'
//! columns stay as they are, as the subquery has them too.

use super::{Found, is_among, rows};
use crate::ast::visit::{Descend, Node, NodeMut, any, is_aggregate, walk, walk_mut};
use crate::ast::{
    Expr, ExprKind, JoinKind, JoinSyntax, Modifier, Query, QueryBody, Select, Star, TableRef,
    TableRefKind,
};

/// What becomes of names.
pub(super) struct Renaming {
    number: usize,
    /// What the subquery is called.
    name: String,
    /// What relations before the item are called, where the subquery is called otherwise.
    members: Vec<String>,
    /// What the item is called.
    alias: String,
    /// Names of its columns.
    columns: Vec<String>,
    /// The relation that keeps its name.
    single: Option<String>,
    /// Columns of `members` that are named with them.
    qualified: Vec<[String; 2]>,
    /// Names of columns that stand alone.
    bare: Vec<String>,
    /// The columns of the item are needed under their own names.
    is_shown: bool,
    /// How often `t.*` stands for the columns of the relation that keeps its name.
    stars: usize,
    /// Rows are grouped, so that two names for one column would be two columns.
    is_grouped: bool,
    failed: bool,
}

impl Renaming {
    pub(super) fn new(found: &Found, number: usize) -> Self {
        let single = found.single().map(str::to_owned);
        Self {
            number,
            name: single.clone().unwrap_or_else(|| format!("__j{number}")),
            members: found.members.clone(),
            alias: found.alias.clone(),
            columns: found
                .rows
                .columns
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            single,
            qualified: Vec::new(),
            bare: Vec::new(),
            is_shown: false,
            stars: 0,
            is_grouped: false,
            failed: false,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Columns of the relations before the item, under the names they get.
    pub(super) fn qualified(&self) -> impl Iterator<Item = Expr> {
        let named = self.qualified.iter().enumerate();
        named.map(|(index, names)| Expr::column(names.clone()).named(self.of_member(index)))
    }

    /// Columns of the item, under the names they get.
    pub(super) fn columns(&self, values: &[(String, Expr)]) -> Vec<Expr> {
        let mut columns = Vec::new();
        for (index, (name, value)) in values.iter().enumerate() {
            columns.push(value.clone().named(self.of_item(index)));
            if self.is_shown {
                columns.push(value.clone().named(name.clone()));
            }
        }
        columns
    }

    fn of_member(&self, index: usize) -> String {
        format!("__q{}_{index}", self.number)
    }

    fn of_item(&self, index: usize) -> String {
        format!("__c{}_{index}", self.number)
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name))
    }

    /// Renames in a block, from whose FROM the item has been taken. Nothing where that cannot be done.
    pub(super) fn block(&mut self, block: &mut Select, modifiers: &mut [Modifier]) -> Option<()> {
        self.is_grouped = block.group_by_all
            || !block.group_by.is_empty()
            || modifiers
                .iter()
                .any(|modifier| matches!(modifier, Modifier::Distinct(_)))
            || block
                .select_list
                .iter()
                .chain(&block.having)
                .any(aggregates);
        self.stars(block)?;
        let mut names = Vec::new();
        for item in &mut block.select_list {
            if matches!(item.kind, ExprKind::Star(_)) {
                continue;
            }
            let before = item.clone();
            self.expression(item);
            if item.alias.is_empty() && item.kind != before.kind {
                item.alias = rows::name_of(&before);
            }
            names.push((item.alias.clone(), item.kind.clone()));
        }
        let rest = block.where_clause.iter_mut().chain(&mut block.group_by);
        rest.chain(&mut block.having)
            .chain(&mut block.qualify)
            .for_each(|expr| {
                self.expression(expr);
            });
        self.table(&mut block.from);
        for modifier in modifiers {
            match modifier {
                Modifier::Distinct(targets) => {
                    targets
                        .iter_mut()
                        .for_each(|target| self.order(target, &names));
                }
                Modifier::OrderBy(orders) => {
                    orders
                        .iter_mut()
                        .for_each(|order| self.order(&mut order.expr, &names));
                }
                Modifier::Limit { .. } | Modifier::LimitPercent { .. } => {}
            }
        }
        let twice = self
            .qualified
            .iter()
            .any(|[_, column]| is_among(&self.bare, column));
        // The star would show them as well.
        self.failed |= self.is_shown && self.stars > 0;
        let failed = self.failed || twice && self.is_grouped;
        (!failed).then_some(())
    }

    /// Renames in what is computed inside of the subquery, above its lists.
    pub(super) fn inside(&mut self, expr: &mut Expr) {
        walk_mut(NodeMut::Expr(expr), &mut |node| {
            if let NodeMut::Expr(Expr {
                kind: ExprKind::ColumnRef(names),
                ..
            }) = node
                && names.len() > 1
            {
                self.member(names);
            }
            Descend::Into
        });
    }

    /// `*` becomes the columns of each relation, those of the item under their names.
    fn stars(&mut self, block: &mut Select) -> Option<()> {
        let is_star = |item: &Expr| matches!(&item.kind, ExprKind::Star(_));
        if !block.select_list.iter().any(is_star) {
            return Some(());
        }
        let mut before = Vec::new();
        let mut after = Vec::new();
        let mut items = Vec::new();
        for item in &block.select_list {
            let ExprKind::Star(star) = &item.kind else {
                items.push(item.clone());
                continue;
            };
            let is_plain = star.replace.is_empty()
                && star.rename.is_empty()
                && !star.columns
                && star.expr.is_none();
            if !is_plain {
                return None;
            }
            if !star.relation.is_empty() {
                self.star(star, &mut items)?;
                continue;
            }
            if !star.exclude.is_empty() || self.single.is_none() {
                return None;
            }
            if before.is_empty() && after.is_empty() {
                around(&block.from, &mut before, &mut after)?;
            }
            let own = [self.name.clone(), self.alias.clone()];
            for relation in before.iter().chain(&own).chain(&after) {
                self.star(&star_of(relation), &mut items)?;
            }
        }
        block.select_list = items;
        Some(())
    }

    fn star(&mut self, star: &Star, items: &mut Vec<Expr>) -> Option<()> {
        if star.relation.is_empty() {
            return None;
        }
        if star.relation.eq_ignore_ascii_case(&self.alias) {
            if !star.exclude.is_empty() {
                return None;
            }
            for (index, name) in self.columns.iter().enumerate() {
                items.push(Expr::column([&self.name, &self.of_item(index)]).named(name.clone()));
            }
            return Some(());
        }
        let mut star = star.clone();
        if is_among(&self.members, &star.relation) {
            self.single.as_ref()?;
            self.stars += 1;
            let hidden = (0..self.columns.len()).map(|index| vec![self.of_item(index)]);
            star.exclude.extend(hidden);
        }
        items.push(ExprKind::Star(Box::new(star)).into());
        Some(())
    }

    fn expression(&mut self, expr: &mut Expr) {
        walk_mut(NodeMut::Expr(expr), &mut |node| match node {
            NodeMut::Query(query) => {
                self.nested(query, &Scope::default());
                Descend::Over
            }
            NodeMut::Expr(expr) => self.node(expr, None),
            NodeMut::Table(_) => Descend::Into,
        });
    }

    /// A sort key: names of result columns come first.
    fn order(&mut self, expr: &mut Expr, items: &[(String, ExprKind)]) {
        let same = |name: &String| {
            items
                .iter()
                .find(|(alias, _)| alias.eq_ignore_ascii_case(name))
        };
        let mut is_alias = false;
        let mut is_ambiguous = false;
        any(Node::Expr(expr), &mut |node| {
            if let Node::Expr(Expr {
                kind: ExprKind::ColumnRef(names),
                ..
            }) = node
                && let [name] = names.as_slice()
                && let Some(index) = self.column(name)
                && let Some((_, kind)) = same(name)
            {
                let column = [self.name.clone(), self.of_item(index)];
                is_alias = true;
                is_ambiguous |= *kind != ExprKind::ColumnRef(column.to_vec());
            }
            false
        });
        if is_alias && is_ambiguous {
            // A name alone is the result column's.
            self.failed |= !matches!(expr.kind, ExprKind::ColumnRef(_));
            return;
        }
        self.expression(expr);
    }

    /// A query inside of the block, whose bare names may be its own columns.
    fn nested(&mut self, query: &mut Query, around: &Scope) {
        // Its sort keys and groups may be its result columns.
        let results = result_names(query);
        self.failed |= results.iter().any(|name| self.column(name).is_some());
        let own = match &query.body {
            QueryBody::Select(block) if query.ctes.is_empty() => own_columns(&block.from),
            QueryBody::SetOperation { .. } if query.ctes.is_empty() => Some(Vec::new()),
            _ => None,
        };
        let mut scope = around.clone();
        match own {
            Some(own) => scope.own.extend(own),
            None => scope.is_unknown = true,
        }
        let mut is_first = true;
        walk_mut(NodeMut::Query(query), &mut |node| match node {
            NodeMut::Query(_) if std::mem::take(&mut is_first) => Descend::Into,
            NodeMut::Query(query) => {
                self.nested(query, &scope);
                Descend::Over
            }
            NodeMut::Expr(expr) => self.node(expr, Some(&scope)),
            NodeMut::Table(table) => {
                let name = match &table.kind {
                    TableRefKind::Table { name, .. } if table.alias.is_empty() => name,
                    _ => &table.alias,
                };
                self.failed |= !name.is_empty()
                    && (name.eq_ignore_ascii_case(&self.alias) || is_among(&self.members, name));
                Descend::Into
            }
        });
    }

    fn table(&mut self, table: &mut TableRef) {
        walk_mut(NodeMut::Table(table), &mut |node| match node {
            NodeMut::Query(query) => {
                self.nested(query, &Scope::default());
                Descend::Over
            }
            NodeMut::Expr(expr) => self.node(expr, None),
            NodeMut::Table(table) => {
                if let TableRefKind::Join(join) = &table.kind {
                    // The item's columns have other names in the subquery.
                    let has_own = |using: &String| self.column(using).is_some();
                    let compares_own =
                        join.syntax == JoinSyntax::Natural || join.using.iter().any(has_own);
                    self.failed |= compares_own;
                }
                Descend::Into
            }
        });
    }

    fn node(&mut self, expr: &mut Expr, nested: Option<&Scope>) -> Descend {
        match &mut expr.kind {
            ExprKind::ColumnRef(names) => self.reference(names, nested),
            ExprKind::Lambda { left, .. } => {
                // Its variables hide columns.
                walk(Node::Expr(left), &mut |node| {
                    if let Node::Expr(Expr {
                        kind: ExprKind::ColumnRef(names),
                        ..
                    }) = node
                    {
                        self.failed |= self.column(&names[0]).is_some();
                    }
                    Descend::Into
                });
            }
            ExprKind::Star(_) if nested.is_none() => self.failed = true,
            ExprKind::Star(star) => {
                self.failed |= star.relation.eq_ignore_ascii_case(&self.alias)
                    || is_among(&self.members, &star.relation);
            }
            // Text of the planner's may name anything.
            ExprKind::Sql(text) => {
                self.failed |= text.contains('"')
                    || text.contains('.')
                    || self
                        .columns
                        .iter()
                        .any(|column| text.contains(column.as_str()));
            }
            _ => {}
        }
        Descend::Into
    }

    fn reference(&mut self, names: &mut Vec<String>, nested: Option<&Scope>) {
        if nested.is_some_and(|scope| is_among(&scope.own, &names[0])) {
            return;
        }
        if names.len() > 1 && names[0].eq_ignore_ascii_case(&self.alias) {
            let (index, rest) = match (self.column(&names[1]), self.column(&self.alias)) {
                (Some(index), _) => (index, 2),
                (None, Some(index)) => (index, 1),
                (None, None) => {
                    self.failed = true;
                    return;
                }
            };
            let place = [self.name.clone(), self.of_item(index)];
            names.splice(..rest, place);
        } else if names.len() > 1 && is_among(&self.members, &names[0]) {
            self.member(names);
        } else if names.len() > 2
            && (names[1].eq_ignore_ascii_case(&self.alias) || is_among(&self.members, &names[1]))
        {
            self.failed = true;
        } else if let Some(index) = self.column(&names[0]) {
            if nested.is_some_and(|scope| scope.is_unknown) {
                // Perhaps a column of that query.
                self.is_shown = true;
                self.failed |= self.is_grouped;
            } else {
                let place = [self.name.clone(), self.of_item(index)];
                names.splice(..1, place);
            }
        } else if names[0].eq_ignore_ascii_case(&self.alias) || is_among(&self.members, &names[0]) {
            // The whole row.
            self.failed = true;
        } else if !is_among(&self.bare, &names[0]) {
            self.bare.push(names[0].clone());
        }
    }

    /// A column of a relation before the item.
    fn member(&mut self, names: &mut Vec<String>) {
        if self.single.is_some() || !is_among(&self.members, &names[0]) {
            return;
        }
        let wanted = [names[0].to_ascii_lowercase(), names[1].clone()];
        let index = self
            .qualified
            .iter()
            .position(|known| *known == wanted)
            .unwrap_or_else(|| {
                self.qualified.push(wanted);
                self.qualified.len() - 1
            });
        let place = [self.name.clone(), self.of_member(index)];
        names.splice(..2, place);
    }
}

/// Names that queries inside of the block have of their own.
#[derive(Clone, Default)]
struct Scope {
    own: Vec<String>,
    /// There may be more.
    is_unknown: bool,
}

/// The names that a query gives to its result columns.
fn result_names(query: &Query) -> Vec<String> {
    match &query.body {
        QueryBody::Select(block) => {
            let items = block.select_list.iter();
            let aliases = items.map(|item| item.alias.clone());
            aliases.filter(|alias| !alias.is_empty()).collect()
        }
        QueryBody::SetOperation { operands, .. } => {
            operands.first().map(result_names).unwrap_or_default()
        }
        QueryBody::RecursiveCte { left, .. } => result_names(left),
    }
}

/// The columns of a FROM, where it shows them.
fn own_columns(from: &TableRef) -> Option<Vec<String>> {
    if matches!(from.kind, TableRefKind::Empty) {
        return Some(Vec::new());
    }
    let rows = rows::of(from, 0)?;
    Some(rows.columns.into_iter().map(|(name, _)| name).collect())
}

fn star_of(relation: &str) -> Star {
    Star {
        relation: relation.to_owned(),
        exclude: Vec::new(),
        replace: Vec::new(),
        rename: Vec::new(),
        columns: false,
        expr: None,
    }
}

fn aggregates(expr: &Expr) -> bool {
    any(
        Node::Expr(expr),
        &mut |node| matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. }) if is_aggregate(&call.name)),
    )
}

/// What the relations before and after the gap in FROM are called. Nothing where `*` has them otherwise.
fn around(from: &TableRef, before: &mut Vec<String>, after: &mut Vec<String>) -> Option<bool> {
    match &from.kind {
        TableRefKind::Empty => Some(true),
        TableRefKind::Join(join) => {
            let is_whole = from.alias.is_empty()
                && join.using.is_empty()
                && join.syntax != JoinSyntax::Natural
                && !matches!(join.kind, JoinKind::Semi | JoinKind::Anti);
            if !is_whole {
                return None;
            }
            let is_left = around(&join.left, before, after)?;
            let right = if is_left { &mut *after } else { &mut *before };
            let mut named = Vec::new();
            let is_right = around(&join.right, right, &mut named)?;
            if is_right {
                after.extend(named);
            }
            Some(is_left || is_right)
        }
        TableRefKind::Table { name, .. } if from.alias.is_empty() => {
            before.push(name.clone());
            Some(false)
        }
        _ if from.alias.is_empty() => None,
        _ => {
            before.push(from.alias.clone());
            Some(false)
        }
    }
}
