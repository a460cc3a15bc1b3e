//! Asks DuckDB for the types of operands where they stand.
//!
//! Operands are described in their block: `SELECT operand FROM …` with the FROM of the block and the
//! common table expressions in scope. Those that name columns of the blocks around it are described below
//! the FROM of those: `SELECT … FROM outer, LATERAL (SELECT operand FROM …)`. [`super::settle`] and
//! [`super::operands`] look at the same blocks one after the other, and the former asks for both, so that
//! most blocks are bound once.
//!
//! ```text
//! settle ────► Block::ask_together ─┬─► Answers: by FROM and scope, by text ◄── operands
//!              Block::type_of ──────┘
//! ```
//!
//! What stands in FROM may need the types that are asked for here: DuckDB has no `sum` of intervals. Then a copy
//! with types that are settled is asked.
//!
//! Invariant: an answer is kept under everything that decides it. What is described after grouping,
//! and so depends on other result columns, is kept by its block only.

mod known;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::once::bind_once;
use super::{node, operands};
use crate::ast::visit::{Descend, Node, NodeMut, walk, walk_mut};
use crate::ast::{Cte, Expr, ExprKind, JoinSyntax, Query, Select, TableRef, TableRefKind, print};
use crate::bind::Bind;
use crate::build::{cross, query, select, sql, table};
use known::Known;

/// Name of a block below another.
const INNER: &str = "__inner";

/// DuckDB's types of expressions by their text; `None`: it cannot tell.
type Types = BTreeMap<String, Option<String>>;

/// What DuckDB has said about the blocks of a statement.
pub struct Answers<'a> {
    bind: &'a dyn Bind,
    /// By what the blocks read.
    blocks: RefCell<BTreeMap<String, Rc<RefCell<Types>>>>,
    /// SQL of a value for parameters whose types are known, by number.
    stand_ins: BTreeMap<usize, String>,
    /// Types of other parameters, by number, that have been found on the way.
    parameters: RefCell<BTreeMap<usize, u32>>,
}

impl<'a> Answers<'a> {
    /// Nothing has been asked yet.
    pub fn of(bind: &'a dyn Bind) -> Self {
        Self::with_parameters(bind, BTreeMap::new())
    }

    /// Nothing has been asked yet. `stand_ins`: SQL of a value for parameters whose types are known, by number.
    pub fn with_parameters(bind: &'a dyn Bind, stand_ins: BTreeMap<usize, String>) -> Self {
        Self {
            bind,
            stand_ins,
            blocks: RefCell::default(),
            parameters: RefCell::default(),
        }
    }

    /// OIDs of the types of parameters, by number, where they stand beside an operand of an operator.
    pub fn parameters(&self) -> BTreeMap<usize, u32> {
        self.parameters.borrow().clone()
    }

    fn put_stand_ins(&self, query: &mut Query) {
        if self.stand_ins.is_empty() {
            return;
        }
        walk_mut(NodeMut::Query(query), &mut |node| {
            if let NodeMut::Expr(expr) = node
                && let ExprKind::Parameter(name) = &expr.kind
                && let Some(sql) = name.parse().ok().and_then(|it| self.stand_ins.get(&it))
            {
                expr.kind = ExprKind::Sql(sql.clone());
            }
            Descend::Into
        });
    }

    /// Whom to ask for what is no expression of a block.
    pub(super) fn bind(&self) -> &dyn Bind {
        self.bind
    }

    fn block(&self, select: &Select, scope: &[Cte], outer: &[TableRef]) -> Rc<RefCell<Types>> {
        let reads = below(self::select(Vec::new(), select.from.clone()), scope, outer);
        let mut blocks = self.blocks.borrow_mut();
        Rc::clone(blocks.entry(print::query_sql(&reads)).or_default())
    }
}

/// A block as it was, to ask about.
pub(super) struct Block<'a> {
    pub(super) select: Select,
    scope: Cow<'a, [Cte]>,
    /// FROM of the blocks around this one, of which its expressions may name columns; the outermost first.
    outer: Cow<'a, [TableRef]>,
    /// Whether what it reads can be bound has been found out.
    is_tried: bool,
    answers: &'a Answers<'a>,
    /// What is known of the columns it may name.
    columns: Known,
    /// Types of rows, shared with other looks at the same FROM.
    shared: Rc<RefCell<Types>>,
    /// Types after grouping.
    own: Types,
}

impl<'a> Block<'a> {
    pub(super) fn new(
        mut select: Select,
        scope: &'a [Cte],
        outer: &'a [TableRef],
        answers: &'a Answers<'a>,
    ) -> Self {
        without_conditions(&mut select.from);
        Self {
            shared: answers.block(&select, scope, outer),
            columns: Known::of(&select.from, outer),
            select,
            scope: Cow::Borrowed(scope),
            outer: Cow::Borrowed(outer),
            is_tried: false,
            answers,
            own: Types::new(),
        }
    }

    /// Asks for all of these at once, those left out that are known; whether all are known now.
    pub(super) fn ask_together(&mut self, exprs: &BTreeMap<String, Expr>) -> bool {
        let unknown: BTreeMap<&String, &Expr> = exprs
            .iter()
            .filter(|(text, expr)| !self.is_known(text, expr))
            .collect();
        if unknown.is_empty() {
            return true;
        }
        let alone = unknown.values().map(|expr| (*expr).clone()).collect();
        let Some(types) = self.describe(alone, false) else {
            return false;
        };
        if types.len() != unknown.len() {
            return false;
        }
        let found = unknown
            .into_keys()
            .cloned()
            .zip(types.into_iter().map(Some));
        self.shared.borrow_mut().extend(found);
        true
    }

    /// Whether the type of an expression has been asked for, or follows from the catalogue.
    fn is_known(&self, text: &str, expr: &Expr) -> bool {
        if self.shared.borrow().contains_key(text) {
            return true;
        }
        let known = self.columns.type_of(expr);
        let is_known = known.is_some();
        if is_known {
            self.shared.borrow_mut().insert(text.to_owned(), known);
        }
        is_known
    }

    /// Notes the type of a parameter; what was found first stays.
    pub(super) fn tell(&self, parameter: usize, oid: u32) {
        let mut parameters = self.answers.parameters.borrow_mut();
        parameters.entry(parameter).or_insert(oid);
    }

    /// The type of an expression with this text, if it has been asked for.
    pub(super) fn known(&self, text: &str) -> Option<String> {
        if let Some(known) = self.shared.borrow().get(text) {
            return known.clone();
        }
        self.own.get(text).cloned().flatten()
    }

    /// The type of an expression of this block; asks once for each text.
    pub(super) fn type_of(&mut self, expr: &Expr) -> Option<String> {
        let text = print::expr_sql(expr);
        if self.is_known(&text, expr) {
            return self.known(&text);
        }
        if let Some(known) = self.own.get(&text) {
            return known.clone();
        }
        let mut alone = expr.clone();
        alone.alias = String::new();
        if let Some(types) = self.describe(vec![alone.clone()], false) {
            let ty = match types.as_slice() {
                [ty] => Some(ty.clone()),
                _ => None,
            };
            self.shared.borrow_mut().insert(text, ty.clone());
            return ty;
        }
        let grouped = self.describe(vec![alone], true);
        let ty = grouped.and_then(|types| types.last().cloned());
        self.own.insert(text, ty.clone());
        ty
    }

    /// Types of `exprs` in this block: of rows, or after grouping.
    fn describe(&mut self, exprs: Vec<Expr>, grouped: bool) -> Option<Vec<String>> {
        let types = self.describe_once(exprs.clone(), grouped);
        if types.is_none() && self.settle_reads() {
            return self.describe_once(exprs, grouped);
        }
        types
    }

    /// Settles the types of what the block reads, if it cannot be bound without; whether there is a difference.
    fn settle_reads(&mut self) -> bool {
        if self.is_tried || self.binds() {
            self.is_tried = true;
            return false;
        }
        self.read_settled();
        self.binds()
    }

    /// Asks about what the block reads with types that are settled.
    pub(super) fn read_settled(&mut self) {
        self.is_tried = true;
        let (from, scope, outer) =
            operands::settled(&self.select.from, &self.scope, &self.outer, self.answers);
        self.select.from = from;
        self.scope = Cow::Owned(scope);
        self.outer = Cow::Owned(outer);
        self.own.clear();
        let shared = (&self.select, &*self.scope, &*self.outer);
        self.shared = self.answers.block(shared.0, shared.1, shared.2);
    }

    /// Whether what the block reads can be bound.
    fn binds(&self) -> bool {
        let reads = self.select.from.kind != TableRefKind::Empty || !self.outer.is_empty();
        let one = select(vec![Expr::integer(1)], self.select.from.clone());
        !reads
            || self
                .types_of(below(one, &self.scope, &self.outer))
                .is_some()
    }

    fn describe_once(&self, exprs: Vec<Expr>, grouped: bool) -> Option<Vec<String>> {
        let mut select = self.select.clone();
        (select.where_clause, select.having, select.qualify) = (None, None, None);
        select.sample = None;
        if grouped {
            // The other columns stay, for the numbers and names in GROUP BY.
            select.select_list.extend(exprs);
        } else {
            select.select_list = exprs;
            (select.group_by, select.grouping_sets) = (Vec::new(), Vec::new());
            select.group_by_all = false;
        }
        if !self.names_outer(&select.select_list) {
            let alone = self.types_of(below(select.clone(), &self.scope, &[]));
            if alone.is_some() || self.outer.is_empty() {
                return alone;
            }
        }
        self.types_of(below(select, &self.scope, &self.outer))
    }

    /// Whether expressions name relations of the blocks around this one: there is no need to ask
    /// without those.
    fn names_outer(&self, exprs: &[Expr]) -> bool {
        !self.outer.is_empty()
            && exprs.iter().any(|expr| {
                let mut found = false;
                walk(Node::Expr(expr), &mut |node| match node {
                    Node::Expr(expr) => {
                        if let ExprKind::ColumnRef(parts) = &expr.kind {
                            found |= parts.len() > 1 && self.columns.is_outer(&parts[0]);
                        }
                        Descend::Into
                    }
                    // Inside, the same name may be another relation's.
                    Node::Query(_) | Node::Table(_) => Descend::Over,
                });
                found
            })
    }

    fn types_of(&self, mut query: Query) -> Option<Vec<String>> {
        bind_once(&mut query);
        self.answers.put_stand_ins(&mut query);
        let columns = self.answers.bind.describe(&print::query_sql(&query)).ok()?;
        Some(columns.into_iter().map(|column| column.ty).collect())
    }
}

/// A query with the columns of `block`, which stands below these others.
fn below(block: Select, scope: &[Cte], outer: &[TableRef]) -> Query {
    let nested = outer.iter().rev().fold(block, |inner, from| {
        let inner = TableRefKind::Subquery(Box::new(query(inner, Vec::new())));
        let mut from = from.clone();
        without_conditions(&mut from);
        let from = cross(from, table(inner, INNER));
        select(vec![sql(format!("{INNER}.*"))], from)
    });
    let mut whole = query(nested, Vec::new());
    whole.ctes = scope.to_vec();
    whole
}

/// Takes the conditions out of joins, which may hold what is not settled yet and tell nothing about types.
fn without_conditions(from: &mut TableRef) {
    if let TableRefKind::Join(join) = &mut from.kind {
        without_conditions(&mut join.left);
        without_conditions(&mut join.right);
        if let (JoinSyntax::Regular, Some(condition)) = (join.syntax, &mut join.condition) {
            *condition = node::boolean(true);
        }
    }
}
