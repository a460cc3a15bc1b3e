//! Numbers, aggregates, casts and operators that depend on the types of their operands.
//!
//! Runs after [`super::settle`], which does the same for times, arrays, json and sums.
//!
//! | Expression | DuckDB | here, as in PostgreSQL |
//! |---|---|---|
//! | `/` of `numeric`, `avg` of what is exact | `double precision` | see [`quotient`] |
//! | `round`, `sign`, `trunc`, casts, `\|\|` | other types, other text | see [`functions`] |
//! | differences of moments, comparisons of intervals | by the calendar, part by part | see [`moments`] |
//! | differences of dates | `bigint` | `integer` |
//! | values of several exact types | digits after the point are lost | see [`common`] |
//! | operators on types that do not go together | some common type | an error, see [`operators`] |
//!
//! Operands are described where they stand, see [`asking`], inner blocks and inner expressions first.
//! Columns are described all at once; the types of most expressions follow from those of their operands
//! ([`types::infer`]). What cannot be described keeps DuckDB's meaning; [`super::sums`] then does what it can for result columns.
//!
//! Invariant: the number, order and names of columns stay.

mod bytes;
mod common;
mod decimals;
mod functions;
mod moments;
mod nulls;
mod operators;
mod overloads;
mod places;
mod quotient;
mod ranges;
mod recursion;
mod statistics;
mod texts;
mod types;

use std::collections::BTreeMap;

use super::asking::{self, Answers};
use super::settle::started;
use super::{RewriteError, levels, node};
use crate::ast::visit::{Descend, Node, any, children, children_mut, is_aggregate, walk};
use crate::ast::{
    Cte, DataType, Expr, ExprKind, Modifier, Query, QueryBody, Select, SetOperationKind, TableRef,
    TableRefKind, print,
};
use crate::build::select;
use types::infer;

pub(crate) use types::{DIGITS_MAX, Ty};

/// How types are settled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Operands that do not go together are errors. Some columns of the catalogue have other types than
    /// PostgreSQL's, so what reads it is not judged by them.
    pub strict: bool,
    /// Sums and products of `numeric` have room for what 18 digits do not hold. That is slower, so it is for statements
    /// that have failed without.
    pub wide: bool,
}

/// Settles the types in `query`, whose names are resolved.
pub fn settle(query: &mut Query, answers: &Answers<'_>, rules: Rules) -> Result<(), RewriteError> {
    if any(Node::Query(query), &mut |node| match node {
        Node::Expr(expr) => is_target(expr),
        Node::Query(Query { body, .. }) => match body {
            QueryBody::Select(select) => select.where_clause.is_some(),
            QueryBody::SetOperation { .. } => true,
            QueryBody::RecursiveCte { .. } => false,
        },
        Node::Table(table) => {
            matches!(&table.kind, TableRefKind::Join(join) if join.condition.is_some())
        }
    }) {
        within_query(query, &[], &[], Asking { answers, rules })?;
    }
    Ok(())
}

/// What a block reads, with types that are settled: FROM, common table expressions, and FROM of the blocks around it.
/// What cannot be settled stays as it is.
pub(super) fn settled(
    from: &TableRef,
    scope: &[Cte],
    outer: &[TableRef],
    answers: &Answers<'_>,
) -> (TableRef, Vec<Cte>, Vec<TableRef>) {
    let rules = Rules::default();
    let asking = Asking { answers, rules };
    let mut around: Vec<Cte> = Vec::new();
    for cte in scope {
        let mut cte = cte.clone();
        let _ = within_query(&mut cte.query, &around, &[], asking);
        around.push(cte);
    }
    let mut levels: Vec<TableRef> = Vec::new();
    for table in outer.iter().chain([from]) {
        let mut block = select(Vec::new(), table.clone());
        levels::each_query(&mut block, &mut [], &levels, &mut |query, levels| {
            let _ = within_query(query, &around, levels, asking);
        });
        levels.push(block.from);
    }
    let from = levels.pop().unwrap_or_else(|| from.clone());
    (from, around, levels)
}

/// The type of an expression of the block `select` once types are settled, also those of what the block reads.
pub(super) fn settled_type(
    expr: &Expr,
    select: &Select,
    (scope, outer): (&[Cte], &[TableRef]),
    answers: &Answers<'_>,
) -> Option<Ty> {
    let rules = Rules::default();
    let mut select = select.clone();
    let (from, scope, outer) = settled(&select.from, scope, outer, answers);
    select.from = from;
    let mut block = Block {
        asked: asking::Block::new(select, &scope, &outer, answers),
        asking: Asking { answers, rules },
    };
    let mut settled = expr.clone();
    let ty = block.settle(&mut settled, Place::Shown).ok()?;
    ty.or_else(|| block.ask(&settled))
}

/// Whether something below a node is written in JSON.
pub(super) fn writes_json(node: Node<'_>) -> bool {
    any(node, &mut |node| {
        matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. })
            if call.name.starts_with("skein_to_json"))
    })
}

/// Whether there is something below a node whose digits only settled types tell.
pub(super) fn divides(node: Node<'_>) -> bool {
    any(node, &mut |node| {
        matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. })
            if matches!(call.name.as_str(), "/" | "avg" | "mean" | "stddev" | "variance"))
            || matches!(node, Node::Expr(Expr { kind: ExprKind::Window(call), .. })
            if matches!(call.name.as_str(), "avg" | "mean"))
    })
}

/// Whether a call below a node gives another type than DuckDB's, once types are settled; `of_dates`: also one that may
/// be a difference of dates.
pub(super) fn retypes(node: Node<'_>, of_dates: bool) -> bool {
    any(node, &mut |node| {
        matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. })
            if functions::retypes(call, of_dates))
    })
}

/// Whom to ask, and what to do with the answers.
#[derive(Clone, Copy)]
struct Asking<'a> {
    answers: &'a Answers<'a>,
    rules: Rules,
}

/// `outer`: FROM of the blocks around the query, the outermost first.
fn within_query(
    query: &mut Query,
    scope: &[Cte],
    outer: &[TableRef],
    asking: Asking<'_>,
) -> Result<(), RewriteError> {
    let mut scope = scope.to_vec();
    for cte in &mut query.ctes {
        within_query(&mut cte.query, &scope, outer, asking)?;
        scope.push(cte.clone());
    }
    match &mut query.body {
        QueryBody::Select(select) => {
            within_select(select, &mut query.modifiers, &scope, outer, asking)
        }
        QueryBody::SetOperation { kind, operands, .. } => {
            for operand in operands.iter_mut() {
                within_query(operand, &scope, outer, asking)?;
            }
            if *kind != SetOperationKind::UnionByName {
                common::columns(operands, &scope, asking.answers.bind());
            }
            Ok(())
        }
        QueryBody::RecursiveCte {
            name,
            left,
            right,
            aliases,
            ..
        } => {
            within_query(left, &scope, outer, asking)?;
            let written = right.clone();
            for round in 1..=recursion::ROUNDS_MAX {
                let mut seen = scope.clone();
                seen.push(started(name, aliases, left));
                within_query(right, &seen, outer, asking)?;
                // A wider start is another one for the step.
                if round == recursion::ROUNDS_MAX
                    || !recursion::widen(left, (right, &seen), &scope, asking.answers.bind())
                {
                    break;
                }
                right.clone_from(&written);
            }
            Ok(())
        }
    }
}

fn within_select(
    select: &mut Select,
    modifiers: &mut [Modifier],
    scope: &[Cte],
    outer: &[TableRef],
    asking: Asking<'_>,
) -> Result<(), RewriteError> {
    let mut outcome = Ok(());
    levels::each_query(select, modifiers, outer, &mut |query, levels| {
        if outcome.is_ok() {
            outcome = within_query(query, scope, levels, asking);
        }
    });
    outcome?;
    let leaves = leaves(select, modifiers);
    let before = select.clone();
    let mut targets: Vec<(Place, &mut Expr)> = own_expressions(select, modifiers)
        .into_iter()
        .filter(|(place, expr)| concerned(*place, expr))
        .collect();
    if targets.is_empty() {
        return Ok(());
    }
    let mut block = Block {
        asked: asking::Block::new(before, scope, outer, asking.answers),
        asking,
    };
    block.asked.ask_together(&leaves);
    for (place, expr) in &mut targets {
        let ty = block.settle(expr, *place)?;
        if let Place::Hidden(clause) = place {
            block.condition(clause, ty.as_ref(), expr.location)?;
        }
    }
    for (item, before) in select
        .select_list
        .iter_mut()
        .zip(&block.asked.select.select_list)
    {
        // What was put around or in place of a call keeps the name DuckDB gave it.
        if item.alias.is_empty() && names_itself(before) && item.kind != before.kind {
            item.alias = print::expr_sql(before);
        }
    }
    Ok(())
}

/// Whether DuckDB names a column by the whole text of this expression.
fn names_itself(expr: &Expr) -> bool {
    !matches!(
        expr.kind,
        ExprKind::ColumnRef(_) | ExprKind::Star(_) | ExprKind::Constant(_)
    )
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its value may be shown.
    Shown,
    /// It is computed for many rows and never shown: a condition, an argument of an aggregate.
    Hidden(&'static str),
}

/// The expressions of a block. Of FROM only the conditions of joins and the values of VALUES are among
/// them.
fn own_expressions<'a>(
    select: &'a mut Select,
    modifiers: &'a mut [Modifier],
) -> Vec<(Place, &'a mut Expr)> {
    let mut found: Vec<(Place, &mut Expr)> = Vec::new();
    in_from(&mut select.from, &mut |place, expr| {
        found.push((place, expr));
    });
    let shown = select.select_list.iter_mut().chain(&mut select.group_by);
    found.extend(shown.map(|expr| (Place::Shown, expr)));
    let hidden = [
        ("WHERE", &mut select.where_clause),
        ("HAVING", &mut select.having),
        ("QUALIFY", &mut select.qualify),
    ];
    for (clause, condition) in hidden {
        // HAVING may repeat what is shown; it must stay the same there.
        let place = if clause == "WHERE" {
            Place::Hidden(clause)
        } else {
            Place::Shown
        };
        found.extend(condition.iter_mut().map(|expr| (place, expr)));
    }
    for modifier in modifiers {
        match modifier {
            Modifier::Distinct(targets) => {
                found.extend(targets.iter_mut().map(|expr| (Place::Shown, expr)));
            }
            Modifier::OrderBy(orders) => {
                found.extend(
                    orders
                        .iter_mut()
                        .map(|order| (Place::Shown, &mut order.expr)),
                );
            }
            Modifier::Limit { .. } | Modifier::LimitPercent { .. } => {}
        }
    }
    found
}

/// Shows the expressions of FROM that belong to its block: conditions of joins, and values.
pub(super) fn in_from<'a>(table: &'a mut TableRef, found: &mut dyn FnMut(Place, &'a mut Expr)) {
    match &mut table.kind {
        TableRefKind::Join(join) => {
            in_from(&mut join.left, found);
            in_from(&mut join.right, found);
            let condition = join.condition.iter_mut();
            condition.for_each(|expr| found(Place::Hidden("JOIN/ON"), expr));
        }
        TableRefKind::Values { rows } => {
            let values = rows.iter_mut().flatten();
            values.for_each(|expr| found(Place::Shown, expr));
        }
        _ => {}
    }
}

/// What types of this block will be inferred from, by text: columns, and calls of which only DuckDB
/// knows the type.
pub(super) fn leaves(select: &mut Select, modifiers: &mut [Modifier]) -> BTreeMap<String, Expr> {
    let mut leaves: BTreeMap<String, Expr> = BTreeMap::new();
    for (place, expr) in own_expressions(select, modifiers) {
        if !concerned(place, expr) {
            continue;
        }
        walk(Node::Expr(expr), &mut |node| match node {
            Node::Expr(Expr {
                kind: ExprKind::Lambda { .. },
                ..
            })
            | Node::Query(_) => Descend::Over,
            Node::Expr(expr) => {
                if is_leaf(expr) {
                    let mut alone = expr.clone();
                    alone.alias = String::new();
                    leaves.entry(print::expr_sql(&alone)).or_insert(alone);
                }
                Descend::Into
            }
            Node::Table(_) => Descend::Into,
        });
    }
    leaves
}

/// Whether a rule may concern what stands there.
fn concerned(place: Place, expr: &Expr) -> bool {
    matches!(place, Place::Hidden(_)) || has_target(expr)
}

/// A block as it was.
struct Block<'a> {
    asked: asking::Block<'a>,
    asking: Asking<'a>,
}

impl Block<'_> {
    fn is_grouped(&self) -> bool {
        self.asked.select.group_by_all || !self.asked.select.group_by.is_empty()
    }

    /// Asks DuckDB, once for each text.
    fn ask(&mut self, expr: &Expr) -> Option<Ty> {
        self.asked.type_of(expr).as_deref().map(Ty::parse)
    }

    /// Settles an expression, what is in it first, and gives its type if that was found on the way.
    fn settle(&mut self, expr: &mut Expr, place: Place) -> Result<Option<Ty>, RewriteError> {
        if matches!(expr.kind, ExprKind::Lambda { .. }) {
            return Ok(None);
        }
        if self.settle_near(expr, place)? {
            return Ok(Some(Ty::Boolean));
        }
        let below = self.place_below(expr, place);
        let mut types = Vec::new();
        for child in children_mut(expr) {
            types.push(self.settle(child, below)?);
        }
        self.rule(expr, &mut types, place)?;
        Ok(self.infer(expr, &types))
    }

    /// What the types of the expressions below tell about that of `expr`.
    fn infer(&mut self, expr: &Expr, types: &[Option<Ty>]) -> Option<Ty> {
        match &expr.kind {
            ExprKind::ColumnRef(_) => {
                let known = self.asked.known(&print::expr_sql(expr));
                return known.as_deref().map(Ty::parse);
            }
            // What a rule has put in has operands of which `types` does not know.
            ExprKind::Cast { ty, .. } => {
                return Some(Ty::of(ty)).filter(|ty| *ty != Ty::Other);
            }
            _ => {}
        }
        let below = children(expr);
        infer(expr, &mut |wanted| {
            let at = below
                .iter()
                .position(|child| std::ptr::eq(*child, wanted))?;
            types.get(at).cloned().flatten()
        })
    }

    /// The type of the expression at `at` among those right below `expr`.
    fn type_below(&mut self, expr: &Expr, types: &mut [Option<Ty>], at: usize) -> Option<Ty> {
        if let Some(Some(known)) = types.get(at) {
            return Some(known.clone());
        }
        let ty = self.ask(children(expr).get(at)?);
        if let Some(place) = types.get_mut(at) {
            place.clone_from(&ty);
        }
        ty
    }

    /// Types of the first two expressions right below `expr`.
    fn both_below(&mut self, expr: &Expr, types: &mut [Option<Ty>]) -> Option<(Ty, Ty)> {
        Some((
            self.type_below(expr, types, 0)?,
            self.type_below(expr, types, 1)?,
        ))
    }
}

/// Puts `CAST(… AS ty)` around an expression.
fn cast_to(expr: &mut Expr, ty: DataType) {
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let inner = std::mem::replace(expr, node::null());
    *expr = node::cast(inner, ty);
    (expr.alias, expr.location) = (alias, location);
}

/// Puts a call of a macro around an expression.
fn call_on(expr: &mut Expr, name: &str) {
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let inner = std::mem::replace(expr, node::null());
    *expr = node::macro_call(name, vec![inner]);
    (expr.alias, expr.location) = (alias, location);
}

fn has_target(expr: &Expr) -> bool {
    let mut found = false;
    walk(Node::Expr(expr), &mut |node| {
        if let Node::Expr(expr) = node {
            found |= is_target(expr);
        }
        match node {
            Node::Query(_) => Descend::Over,
            Node::Table(_) | Node::Expr(_) => Descend::Into,
        }
    });
    found
}

fn has_aggregate(expr: &Expr) -> bool {
    any(
        Node::Expr(expr),
        &mut |node| matches!(node, Node::Expr(Expr { kind: ExprKind::Function(call), .. }) if is_aggregate(&call.name)),
    )
}

/// Whether a rule may concern this expression.
fn is_target(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) if call.is_operator => {
            let name = call.name.as_str();
            operators::ARITHMETIC.contains(&name)
                || operators::SHIFTS.contains(&name)
                || operators::BITS.contains(&name)
                || name == "||"
        }
        ExprKind::Function(call) => {
            functions::is_target(&call.name)
                || nulls::may_concern(expr)
                || overloads::is_target(expr)
                || common::is_target(expr)
        }
        ExprKind::Window(window) => functions::is_target(&window.name) || ranges::is_target(window),
        ExprKind::Cast { child, ty, .. } => functions::casts(ty) || texts::may_deepen(child, ty),
        ExprKind::Comparison { .. }
        | ExprKind::Between { .. }
        | ExprKind::Case { .. }
        | ExprKind::Conjunction { .. } => true,
        ExprKind::Operator { op, .. } => {
            operators::TESTS.contains(&op.as_str()) || common::is_target(expr)
        }
        _ => false,
    }
}

/// Whether DuckDB has to be asked for the type of this expression, and can be before the rest is
/// settled: a column, or a call that no rule concerns.
fn is_leaf(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::ColumnRef(_) => true,
        ExprKind::Function(call) => {
            !call.is_operator
                && infer(expr, &mut |_| Some(Ty::Null)).is_none()
                && !any(Node::Expr(expr), &mut |node| match node {
                    Node::Expr(below) => {
                        is_target(below)
                            || matches!(
                                below.kind,
                                ExprKind::Parameter(_)
                                    | ExprKind::Window(_)
                                    | ExprKind::Subquery(_)
                                    | ExprKind::Lambda { .. }
                            )
                            || matches!(&below.kind, ExprKind::Function(call)
                                if is_aggregate(&call.name) || call.name == "unnest")
                    }
                    Node::Query(_) | Node::Table(_) => true,
                })
        }
        _ => false,
    }
}
