//! Types that depend on the types of operands: sums of integers, and `numeric` without precision.
//!
//! | Expression | DuckDB | here, as in PostgreSQL |
//! |---|---|---|
//! | `sum` of a `smallint` or `integer` | HUGEINT | `bigint` |
//! | `/` of a sum of `bigint` | whole numbers | with digits after the point |
//! | `x::numeric` | three digits after the point | see [`super::numerics`] |
//! | operators and functions over arrays, json and others | | see [`super::typed`] |
//!
//! Operands are described where they stand, see [`asking`], inner blocks and inner expressions first.
//! A sum that cannot be described keeps DuckDB's type; [`super::sums`] then does what it can for result
//! columns.
//!
//! Invariant: the number, order and names of columns stay, and so do values.

use std::collections::BTreeMap;

use skein_catalog::types::Type;

use super::asking::{self, Answers};
use super::typed::{self, Hints};
use super::{levels, missing_rows, node, numerics, operands, temporal, whole_rows};
use crate::ast::visit::{Descend, Node, NodeMut, any, children_mut, walk, walk_mut};
use crate::ast::{
    Cte, Expr, ExprKind, Materialized, Modifier, Query, QueryBody, Select, TableRef, print,
};

/// Settles the types in `query`, whose names are resolved.
pub fn settle(query: &mut Query, answers: &Answers<'_>) {
    let hints = Hints::of(query);
    if hints.rows
        || hints.missing
        || any(Node::Query(query), &mut |node| match node {
            Node::Expr(expr) => is_target(expr, hints),
            _ => false,
        })
    {
        // Nothing can be asked about what reads the quotient of an interval before it is settled.
        let divides = any(Node::Query(query), &mut |node| match node {
            Node::Expr(expr) => temporal::settled::may_divide(expr),
            _ => false,
        });
        within_query(query, &[], answers, hints.dividing(divides), &[]);
    }
}

/// Settles operators that DuckDB lacks for times and intervals, such as `time - time`. Apart from
/// [`settle`] because every query has operators and hardly any has these: whoever binds the query
/// calls this when DuckDB knows none. Whether there is anything to bind again.
pub fn settle_operators(query: &mut Query, answers: &Answers<'_>) -> bool {
    let mut marked = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            marked |= temporal::settled::mark_operator(expr);
        }
        Descend::Into
    });
    if marked {
        within_query(query, &[], answers, Hints::default(), &[]);
        // Those in FROM were not settled.
        walk_mut(NodeMut::Query(query), &mut |node| {
            if let NodeMut::Expr(expr) = node
                && temporal::settled::marked_operands(expr).is_some()
            {
                temporal::settled::operator(expr, None, None);
            }
            Descend::Into
        });
    }
    marked
}

fn within_query(
    query: &mut Query,
    scope: &[Cte],
    answers: &Answers<'_>,
    hints: Hints,
    outer: &[TableRef],
) {
    let mut scope = scope.to_vec();
    for cte in &mut query.ctes {
        within_query(&mut cte.query, &scope, answers, hints.nested(), outer);
        scope.push(cte.clone());
    }
    match &mut query.body {
        QueryBody::Select(select) => {
            let around = Around {
                scope: &scope,
                answers,
                hints,
                outer,
            };
            within_select(select, &mut query.modifiers, around);
        }
        QueryBody::SetOperation { operands, .. } => {
            for operand in operands {
                within_query(operand, &scope, answers, hints, outer);
            }
        }
        QueryBody::RecursiveCte {
            name,
            left,
            right,
            aliases,
            ..
        } => {
            within_query(left, &scope, answers, hints, outer);
            scope.push(started(name, aliases, left));
            within_query(right, &scope, answers, hints, outer);
        }
    }
}

/// What the step of a recursive expression sees of it: something with the columns of its start.
pub(super) fn started(name: &str, aliases: &[String], start: &Query) -> Cte {
    Cte {
        name: name.to_owned(),
        aliases: aliases.to_vec(),
        query: start.clone(),
        materialized: Materialized::Default,
        key_targets: Vec::new(),
    }
}

/// What stands around a block.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Common table expressions.
    scope: &'a [Cte],
    answers: &'a Answers<'a>,
    hints: Hints,
    /// FROM of the blocks around it, of which its expressions may name columns; the outermost first.
    outer: &'a [TableRef],
}

fn within_select(select: &mut Select, modifiers: &mut [Modifier], around: Around<'_>) {
    let Around {
        scope,
        answers,
        hints,
        outer,
    } = around;
    levels::each_query(select, modifiers, outer, &mut |query, levels| {
        within_query(query, scope, answers, hints.nested(), levels);
    });
    let mut block = Block {
        asked: asking::Block::new(select.clone(), scope, outer, answers),
        around,
        hints,
        outer,
        variables: BTreeMap::new(),
    };
    let writes_json = |expr: &mut Expr| operands::writes_json(Node::Expr(expr));
    if own_expressions(select, modifiers)
        .into_iter()
        .any(writes_json)
    {
        let ctes = scope.iter().map(|cte| Node::Query(&cte.query));
        let mut reads = ctes.chain([Node::Table(&select.from)]);
        if reads.any(operands::divides) {
            block.asked.read_settled();
        }
    }
    if hints.missing {
        for item in &mut select.select_list {
            if item.alias.is_empty()
                && let Some(name) = missing_rows::name(item).map(str::to_owned)
                && block.is_nullable(&name)
            {
                item.alias = name;
            }
        }
        for expr in own_expressions(select, modifiers) {
            block.missing_rows(expr);
        }
    }
    if hints.makes_records() {
        for item in &mut select.select_list {
            block.records(item);
        }
    }
    if hints.rows {
        let is_outer = whole_rows::is_outer(&select.from);
        for expr in own_expressions(select, modifiers) {
            block.rows(expr, is_outer);
        }
    }
    let has_targets = own_expressions(select, modifiers)
        .iter()
        .any(|expr| has_target(expr, hints));
    if !has_targets {
        return;
    }
    let more = operands::leaves(select, modifiers);
    let targets: Vec<&mut Expr> = own_expressions(select, modifiers)
        .into_iter()
        .filter(|expr| has_target(expr, hints))
        .collect();
    block.describe_operands(&targets, more);
    for expr in targets {
        block.settle(expr);
    }
    for (item, before) in select
        .select_list
        .iter_mut()
        .zip(&block.asked.select.select_list)
    {
        // A sum that is cast now keeps the name DuckDB gave it.
        if item.alias.is_empty() && is_sum(before) && !is_sum(item) {
            item.alias = print::expr_sql(before);
        }
    }
}

/// The expressions of a block. Of FROM only the conditions of joins and the values of VALUES are among
/// them.
fn own_expressions<'a>(select: &'a mut Select, modifiers: &'a mut [Modifier]) -> Vec<&'a mut Expr> {
    let (from, mut found) = levels::parts(select, modifiers);
    operands::in_from(from, &mut |_, expr| found.push(expr));
    found
}

/// A block as it was.
struct Block<'a> {
    asked: asking::Block<'a>,
    around: Around<'a>,
    hints: Hints,
    /// FROM of the blocks around this one.
    outer: &'a [TableRef],
    /// Types of the values that [`node::with_variable`] has given names to.
    variables: BTreeMap<String, Option<String>>,
}

impl Block<'_> {
    /// Describes the operands that are known beforehand all at once, together with `more`, which
    /// [`operands`] will ask for.
    fn describe_operands(&mut self, exprs: &[&mut Expr], more: BTreeMap<String, Expr>) {
        let hints = self.hints;
        let mut found: BTreeMap<String, Expr> = BTreeMap::new();
        for expr in exprs {
            walk(Node::Expr(expr), &mut |node| match node {
                Node::Query(_)
                | Node::Expr(Expr {
                    kind: ExprKind::Lambda { .. },
                    ..
                }) => Descend::Over,
                Node::Expr(expr) => {
                    for operand in operand(expr).into_iter().chain(hints.operands(expr)) {
                        if !has_target(operand, hints) {
                            let mut alone = operand.clone();
                            alone.alias = String::new();
                            found.entry(print::expr_sql(&alone)).or_insert(alone);
                        }
                    }
                    Descend::Into
                }
                Node::Table(_) => Descend::Into,
            });
        }
        let mut all = more;
        all.extend(found.clone());
        // Some may not be bound alone, which those here can do without.
        if !self.asked.ask_together(&all) && all.len() > found.len() {
            self.asked.ask_together(&found);
        }
    }

    fn type_of(&mut self, expr: &Expr) -> Option<String> {
        if let ExprKind::ColumnRef(names) = &expr.kind
            && let [name] = names.as_slice()
            && let Some(ty) = self.variables.get(name)
        {
            return ty.clone();
        }
        self.asked.type_of(expr)
    }

    /// Whether a join may bring rows without what is called so.
    fn is_nullable(&self, name: &str) -> bool {
        let own = &self.asked.select.from;
        if whole_rows::stands_in(own, name) {
            return missing_rows::is_nullable(own, name);
        }
        let around = self.outer.iter().rev();
        let from = around
            .into_iter()
            .find(|from| whole_rows::stands_in(from, name));
        from.is_some_and(|from| missing_rows::is_nullable(from, name))
    }

    /// Makes NULL of whole rows that an outer join does not have.
    fn missing_rows(&mut self, expr: &mut Expr) {
        walk_mut(NodeMut::Expr(expr), &mut |node| match node {
            NodeMut::Expr(expr) if missing_rows::is_aware(expr) => Descend::Over,
            NodeMut::Expr(expr) => {
                let is_text = typed::written_row(expr).is_some()
                    && matches!(expr.kind, ExprKind::Cast { .. });
                let row = match &mut expr.kind {
                    ExprKind::Cast { child, .. } if is_text => child.as_mut(),
                    _ => expr,
                };
                let Some(name) = missing_rows::name(row) else {
                    return match row.kind {
                        ExprKind::Lambda { .. } => Descend::Over,
                        _ => Descend::Into,
                    };
                };
                if !self.is_nullable(name) {
                    return Descend::Over;
                }
                let Some(ty) = self.type_of(row).and_then(|ty| Type::parse(&ty).ok()) else {
                    return Descend::Over;
                };
                let Type::Struct(fields) = &ty else {
                    return Descend::Over;
                };
                let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
                missing_rows::or_null(row, &names);
                if is_text && let ExprKind::Case { checks, .. } = &mut row.kind {
                    whole_rows::whole_row(&mut checks[0].1, &ty);
                }
                Descend::Over
            }
            NodeMut::Query(_) => Descend::Over,
            NodeMut::Table(_) => Descend::Into,
        });
    }

    /// Makes records of whole rows that a result column holds.
    fn records(&mut self, item: &mut Expr) {
        let column = match &item.kind {
            ExprKind::ColumnRef(names) => names.last().cloned(),
            _ => None,
        };
        let mut leaves = Vec::new();
        whole_rows::leaves_mut(item, &mut leaves);
        for leaf in leaves {
            let ExprKind::ColumnRef(names) = &leaf.kind else {
                continue;
            };
            let around = [&self.asked.select.from].into_iter().chain(self.outer);
            if !around
                .into_iter()
                .any(|from| whole_rows::stands_in(from, &names[0]))
            {
                continue;
            }
            if let Some(ty) = self.type_of(leaf).and_then(|ty| Type::parse(&ty).ok())
                && !ty.is_record()
            {
                whole_rows::whole_row(leaf, &ty);
            }
        }
        if let Some(name) = column
            && item.alias.is_empty()
            && !matches!(item.kind, ExprKind::ColumnRef(_))
        {
            item.alias = name;
        }
    }

    /// Settles what counts the rows of a relation, asks whether there is one, or writes it as text.
    fn rows(&mut self, expr: &mut Expr, is_outer: bool) {
        walk_mut(NodeMut::Expr(expr), &mut |node| match node {
            NodeMut::Query(_) => Descend::Over,
            NodeMut::Expr(expr) if typed::names_fields(expr) => Descend::Over,
            NodeMut::Expr(expr) => {
                if let Some(relation) = whole_rows::counted(expr) {
                    let row = node::expr(ExprKind::ColumnRef(vec![relation.to_owned()]));
                    let ty = is_outer.then(|| self.type_of(&row)).flatten();
                    let fields = match ty.and_then(|ty| Type::parse(&ty).ok()) {
                        Some(Type::Struct(fields)) => {
                            Some(fields.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
                        }
                        _ => None,
                    };
                    whole_rows::count_rows(expr, fields.as_deref());
                } else if let Some(name) = typed::tested(expr)
                    && whole_rows::stands_in(&self.asked.select.from, name)
                {
                    let row = node::expr(ExprKind::ColumnRef(vec![name.to_owned()]));
                    let ty = self.type_of(&row).and_then(|ty| Type::parse(&ty).ok());
                    if let Some(Type::Struct(fields)) = ty.filter(|ty| !ty.is_record()) {
                        let names: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
                        typed::test_row(expr, &names);
                    }
                }
                if let Some(row) = typed::written_row_mut(expr)
                    && let ExprKind::ColumnRef(names) = &row.kind
                    && whole_rows::stands_in(&self.asked.select.from, &names[0])
                    && let Some(ty) = self.type_of(row).and_then(|ty| Type::parse(&ty).ok())
                    && !ty.is_record()
                {
                    whole_rows::whole_row(row, &ty);
                }
                Descend::Into
            }
            NodeMut::Table(_) => Descend::Into,
        });
    }

    /// Settles an expression, what is in it first.
    fn settle(&mut self, expr: &mut Expr) {
        let hints = self.hints;
        if !has_target(expr, hints) {
            return;
        }
        if let Some((name, value)) = variable(expr) {
            // What is done with the value of a variable depends on its type as well.
            self.settle(value);
            let ty = self.type_of(value);
            let before = self.variables.insert(name.clone(), ty);
            for child in children_mut(expr) {
                if matches!(child.kind, ExprKind::Lambda { .. }) {
                    self.settle(child);
                }
            }
            match before {
                Some(ty) => self.variables.insert(name, ty),
                None => self.variables.remove(&name),
            };
            return;
        }
        for child in children_mut(expr) {
            self.settle(child);
        }
        let operands: Vec<Expr> = hints.operands(expr).into_iter().cloned().collect();
        if !operands.is_empty() {
            let types: Vec<Option<Type>> = operands
                .iter()
                .map(|operand| Type::parse(&self.type_of(operand)?).ok())
                .collect();
            typed::settle(expr, &types);
            return;
        }
        if hints.divides && temporal::settled::may_divide(expr) {
            let dividend = children_mut(expr).swap_remove(0).clone();
            if self.type_of(&dividend).as_deref() == Some("INTERVAL") {
                temporal::settled::divide(expr);
                return;
            }
        }
        if is_division(expr) {
            self.division(expr);
            return;
        }
        if let Some((left, right)) = temporal::settled::marked_operands(expr) {
            let (left, right) = (left.clone(), right.clone());
            let (left, right) = (self.type_of(&left), self.type_of(&right));
            temporal::settled::operator(expr, left.as_deref(), right.as_deref());
            return;
        }
        if let Some(operand) = temporal::settled::operand(expr).cloned() {
            match self.type_of(&operand) {
                Some(ty) => temporal::settled::settle(expr, &ty),
                None => temporal::settled::unknown(expr),
            }
            return;
        }
        let Some(ty) = operand(expr).cloned().and_then(|it| self.type_of(&it)) else {
            return;
        };
        if is_sum(expr) {
            if matches!(
                ty.as_str(),
                "TINYINT" | "SMALLINT" | "INTEGER" | "UTINYINT" | "USMALLINT"
            ) && self.adds_integers(expr, Sum::Small)
            {
                cast(expr, "BIGINT");
            }
        } else if let ExprKind::Cast { child, ty: to, .. } = &mut expr.kind {
            numerics::settle(child, to, &ty);
        }
    }

    /// Whether a sum of integers for DuckDB, or what is computed from one, is whole in PostgreSQL, too:
    /// `sum(trunc(1))` is not.
    fn adds_integers(&self, expr: &Expr, sum: Sum) -> bool {
        let Around {
            scope,
            outer,
            answers,
            ..
        } = self.around;
        let from = &self.asked.select.from;
        let ctes = scope.iter().map(|cte| Node::Query(&cte.query));
        let tables = outer.iter().chain([from]).map(Node::Table);
        // Differences of dates are a `bigint` in DuckDB.
        let of_dates = matches!(sum, Sum::Large);
        let mut reads = ctes.chain(tables).chain([Node::Expr(expr)]);
        if !reads.any(|node| operands::retypes(node, of_dates)) {
            return true;
        }
        let around = (scope, outer);
        let ty = operands::settled_type(expr, &self.asked.select, around, answers);
        ty.is_none_or(|ty| match sum {
            Sum::Small => ty.is_integer() || ty == operands::Ty::Huge,
            Sum::Large => ty == operands::Ty::Huge,
        })
    }

    /// `sum(bigint) / 2` divides numerics in PostgreSQL.
    fn division(&mut self, expr: &mut Expr) {
        for operand in children_mut(expr) {
            if has_target(operand, self.hints)
                && self.type_of(operand).as_deref() == Some("HUGEINT")
                && self.adds_integers(operand, Sum::Large)
            {
                let inner = std::mem::replace(operand, node::null());
                *operand = node::cast(inner, numerics::whole());
            }
        }
    }
}

/// A sum in PostgreSQL.
#[derive(Clone, Copy)]
enum Sum {
    /// Of `smallint` or `integer`: a `bigint`.
    Small,
    /// Of `bigint`: a `numeric`.
    Large,
}

/// The name and the value of the variable in `list_transform([value], lambda name: …)`.
fn variable(expr: &mut Expr) -> Option<(String, &mut Expr)> {
    let ExprKind::Function(call) = &mut expr.kind else {
        return None;
    };
    let [list, lambda] = call.args.as_mut_slice() else {
        return None;
    };
    let (ExprKind::Function(list), ExprKind::Lambda { left, .. }) = (&mut list.kind, &lambda.kind)
    else {
        return None;
    };
    let (ExprKind::ColumnRef(names), [value]) = (&left.kind, list.args.as_mut_slice()) else {
        return None;
    };
    let [name] = names.as_slice() else {
        return None;
    };
    let is_variable = call.name == "list_transform" && list.name == "list_value";
    is_variable.then(|| (name.clone(), value))
}

fn cast(expr: &mut Expr, ty: &str) {
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let inner = std::mem::replace(expr, node::null());
    *expr = node::cast(inner, node::plain_type(ty));
    (expr.alias, expr.location) = (alias, location);
}

fn has_target(expr: &Expr, hints: Hints) -> bool {
    let mut found = false;
    walk(Node::Expr(expr), &mut |node| {
        if let Node::Expr(expr) = node {
            found |= is_target(expr, hints);
        }
        match node {
            Node::Query(_) => Descend::Over,
            Node::Table(_) | Node::Expr(_) => Descend::Into,
        }
    });
    found
}

fn is_target(expr: &Expr, hints: Hints) -> bool {
    operand(expr).is_some()
        || !hints.operands(expr).is_empty()
        || (hints.divides && temporal::settled::may_divide(expr))
}

/// What the type of a sum or of a cast to `numeric` without precision depends on.
fn operand(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        // Signs of numerics are numerics, see [`operands`].
        ExprKind::Function(call) if is_sum(expr) => call.args.first().filter(|arg| !is_sign(arg)),
        ExprKind::Window(window) if is_sum(expr) => window.args.first(),
        ExprKind::Cast { child, ty, .. } if numerics::is_marked(ty) => Some(child),
        _ => temporal::settled::operand(expr),
    }
}

fn is_sign(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if call.name == "sign")
}

fn is_sum(expr: &Expr) -> bool {
    let (name, count) = match &expr.kind {
        ExprKind::Function(call) => (&call.name, call.args.len()),
        ExprKind::Window(window) => (&window.name, window.args.len()),
        _ => return false,
    };
    name.eq_ignore_ascii_case("sum") && count == 1
}

fn is_division(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if call.is_operator && call.name == "/")
}
