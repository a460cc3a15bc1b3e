//! Asks DuckDB for the types of operands where they stand.
//!
//! Operands are described in their block: `SELECT operand FROM …` with the FROM of the block and the
//! common table expressions in scope. [`super::settle`] and [`super::operands`] look at the same
//! blocks one after the other, and the former asks for both, so that most blocks are bound once.
//!
//! ```text
//! settle ────► Block::ask_together ─┬─► Answers: by FROM and scope, by text ◄── operands
//!              Block::type_of ──────┘
//! ```
//!
//! Invariant: an answer is kept under everything that decides it. What is described after grouping,
//! and so depends on other result columns, is kept by its block only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::node;
use super::once::bind_once;
use crate::ast::{Cte, Expr, Query, QueryBody, Select, print};
use crate::bind::Bind;

/// DuckDB's types of expressions by their text; `None`: it cannot tell.
type Types = BTreeMap<String, Option<String>>;

/// What DuckDB has said about the blocks of a statement.
pub struct Answers<'a> {
    bind: &'a dyn Bind,
    /// By what the blocks read.
    blocks: RefCell<BTreeMap<String, Rc<RefCell<Types>>>>,
}

impl<'a> Answers<'a> {
    /// Nothing has been asked yet.
    pub fn of(bind: &'a dyn Bind) -> Self {
        Self {
            bind,
            blocks: RefCell::default(),
        }
    }

    /// Whom to ask for what is no expression of a block.
    pub(super) fn bind(&self) -> &dyn Bind {
        self.bind
    }

    fn block(&self, select: &Select, scope: &[Cte]) -> Rc<RefCell<Types>> {
        let mut reads = node::select(node::null());
        reads.ctes = scope.to_vec();
        if let QueryBody::Select(block) = &mut reads.body {
            block.from = select.from.clone();
        }
        let mut blocks = self.blocks.borrow_mut();
        Rc::clone(blocks.entry(print::query_sql(&reads)).or_default())
    }
}

/// A block as it was, to ask about.
pub(super) struct Block<'a> {
    pub(super) select: Select,
    scope: &'a [Cte],
    answers: &'a Answers<'a>,
    /// Types of rows, shared with other looks at the same FROM.
    shared: Rc<RefCell<Types>>,
    /// Types after grouping.
    own: Types,
}

impl<'a> Block<'a> {
    pub(super) fn new(select: Select, scope: &'a [Cte], answers: &'a Answers<'a>) -> Self {
        Self {
            shared: answers.block(&select, scope),
            select,
            scope,
            answers,
            own: Types::new(),
        }
    }

    /// Asks for all of these at once, those left out that are known; whether all are known now.
    pub(super) fn ask_together(&self, exprs: &BTreeMap<String, Expr>) -> bool {
        let unknown: BTreeMap<&String, &Expr> = exprs
            .iter()
            .filter(|(text, _)| !self.shared.borrow().contains_key(*text))
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
        if let Some(known) = self.shared.borrow().get(&text) {
            return known.clone();
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
    pub(super) fn describe(&self, exprs: Vec<Expr>, grouped: bool) -> Option<Vec<String>> {
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
        let mut query = Query {
            ctes: self.scope.to_vec(),
            body: QueryBody::Select(Box::new(select)),
            modifiers: Vec::new(),
        };
        bind_once(&mut query);
        let columns = self.answers.bind.describe(&print::query_sql(&query)).ok()?;
        Some(columns.into_iter().map(|column| column.ty).collect())
    }
}
