//! `WITH RECURSIVE`, held to PostgreSQL's rules.
//!
//! DuckDB takes recursion that PostgreSQL refuses, and much of it never ends. Each item of such a list also sees the
//! items after it, so the list is put in an order in which DuckDB finds them, as PostgreSQL does
//! (`checkWellFormedRecursion` and `TopologicalSort` in `parse_cte.c`).

use skein_executor_api::FragmentError;

use super::Source;
use crate::ast::visit::{Descend, Node, NodeMut, any, is_aggregate, walk, walk_mut};
use crate::ast::{
    Cte, Expr, ExprKind, JoinKind, Query, QueryBody, Select, SetOperationKind, TableRef,
    TableRefKind,
};
use crate::error::{PlanError, RecursionFault};

/// Checks and orders the lists of a statement.
pub(super) fn arrange(query: &mut Query, source: &Source<'_>) -> Result<(), PlanError> {
    if !(0..source.tokens.len()).any(|at| source.word(at) == Some("with")) {
        return Ok(());
    }
    let recursive = (0..source.tokens.len())
        .filter(|at| source.words(*at, &["with", "recursive"]))
        .count();
    let mut lists = 0;
    let mut wrong = None;
    walk(Node::Query(query), &mut |node| {
        if let Node::Query(query) = node
            && !query.ctes.is_empty()
        {
            lists += 1;
            wrong = wrong.take().or_else(|| query.ctes.iter().find_map(excess));
        }
        Descend::Into
    });
    if let Some((name, fault)) = wrong {
        return Err(fault_at(fault, source.item(&name)));
    }
    if recursive == 0 {
        return Ok(());
    }
    // The tree does not tell which list is recursive where none of its items is a UNION.
    each(query, lists == recursive, source)
}

fn each(query: &mut Query, all: bool, source: &Source<'_>) -> Result<(), PlanError> {
    let unions = |cte: &Cte| matches!(cte.query.body, QueryBody::RecursiveCte { .. });
    if all || query.ctes.iter().any(unions) {
        order(&mut query.ctes, source)?;
        for cte in &query.ctes {
            check(cte, source)?;
        }
    }
    let mut outcome = Ok(());
    let mut is_first = true;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if outcome.is_err() {
            return Descend::Over;
        }
        match node {
            NodeMut::Query(_) if std::mem::take(&mut is_first) => Descend::Into,
            NodeMut::Query(inner) => {
                outcome = each(inner, all, source);
                Descend::Over
            }
            _ => Descend::Into,
        }
    });
    outcome
}

/// More names than columns, where these can be counted.
fn excess(cte: &Cte) -> Option<(String, RecursionFault)> {
    let mut query = &cte.query;
    let columns = loop {
        match &query.body {
            QueryBody::RecursiveCte { left, .. } => query = left,
            QueryBody::SetOperation { operands, .. } => query = operands.first()?,
            QueryBody::Select(block) => break width(block)?,
        }
    };
    let aliases = match &cte.query.body {
        QueryBody::RecursiveCte { aliases, .. } if cte.aliases.is_empty() => aliases.len(),
        _ => cte.aliases.len(),
    };
    (aliases > columns).then(|| {
        let fault = RecursionFault::Names {
            name: cte.name.clone(),
            columns,
            names: aliases,
        };
        (cte.name.clone(), fault)
    })
}

fn width(block: &Select) -> Option<usize> {
    let has_star = block.select_list.iter().any(|item| {
        any(Node::Expr(item), &mut |node| {
            matches!(
                node,
                Node::Expr(Expr {
                    kind: ExprKind::Star(_),
                    ..
                })
            )
        })
    });
    match (&block.from.kind, has_star) {
        (TableRefKind::Values { rows }, true) if block.select_list.len() == 1 => {
            rows.first().map(Vec::len)
        }
        (_, true) => None,
        (_, false) => Some(block.select_list.len()),
    }
}

/// Puts each item behind those it reads.
fn order(ctes: &mut Vec<Cte>, source: &Source<'_>) -> Result<(), PlanError> {
    for place in 0..ctes.len() {
        let is_ready = |at: &usize| {
            let later = (place..ctes.len()).filter(|other| other != at);
            later
                .map(|other| &ctes[other].name)
                .all(|name| references(&ctes[*at].query, name).is_empty())
        };
        let Some(ready) = (place..ctes.len()).find(is_ready) else {
            let name = &ctes[place].name;
            return Err(fault_at(RecursionFault::Mutual, source.item(name)));
        };
        let cte = ctes.remove(ready);
        ctes.insert(place, cte);
    }
    Ok(())
}

/// Where a query reads a name that none of its own lists has.
fn references(query: &Query, name: &str) -> Vec<Option<usize>> {
    let mut found = Vec::new();
    let mut walker = Walk {
        name,
        place: Place::Allowed,
        found: &mut |_, location| {
            found.push(location);
            Ok(())
        },
    };
    // It goes on to the end.
    let _ = walker.query(query);
    found
}

/// Whether an item reads itself where it may.
fn check(cte: &Cte, source: &Source<'_>) -> Result<(), PlanError> {
    let name = cte.name.as_str();
    let QueryBody::RecursiveCte {
        left,
        right,
        key_targets,
        ..
    } = &cte.query.body
    else {
        if references(&cte.query, name).is_empty() {
            return Ok(());
        }
        let fault = RecursionFault::Form {
            name: cte.name.clone(),
        };
        return Err(fault_at(fault, source.item(name)));
    };
    // DuckDB's own recursion with keys has other rules.
    if !key_targets.is_empty() || !cte.key_targets.is_empty() {
        return Ok(());
    }
    let must_not = |place: &'static str, location: Option<usize>| {
        let fault = RecursionFault::Place {
            name: cte.name.clone(),
            place,
        };
        Err(fault_at(fault, location))
    };
    for own in &cte.query.ctes {
        if let Some(location) = references(&own.query, name).first() {
            return must_not("within a subquery", *location);
        }
    }
    if let Some(location) = references(left, name).first() {
        return must_not("within its non-recursive term", *location);
    }
    let mut count = 0;
    let mut found = |place: Place, location: Option<usize>| {
        if let Place::Refused(place) = place {
            return must_not(place, location);
        }
        count += 1;
        match count {
            1 => Ok(()),
            _ => must_not("more than once", location),
        }
    };
    Walk {
        name,
        place: Place::Allowed,
        found: &mut found,
    }
    .query(right)?;
    no_aggregate(right, name)
}

/// Whether no block whose FROM reads `name` has an aggregate.
fn no_aggregate(query: &Query, name: &str) -> Result<(), PlanError> {
    let mut outcome = Ok(());
    walk(Node::Query(query), &mut |node| {
        if let Node::Query(Query {
            body: QueryBody::Select(block),
            ..
        }) = node
            && reads(&block.from, name)
        {
            for expr in block.select_list.iter().chain(&block.having) {
                walk(Node::Expr(expr), &mut |node| match node {
                    Node::Query(_) => Descend::Over,
                    Node::Expr(Expr {
                        kind: ExprKind::Function(call),
                        location,
                        ..
                    }) if is_aggregate(&call.name) => {
                        if outcome.is_ok() {
                            outcome = Err(fault_at(RecursionFault::Aggregate, *location));
                        }
                        Descend::Over
                    }
                    _ => Descend::Into,
                });
            }
        }
        Descend::Into
    });
    outcome
}

fn reads(from: &TableRef, name: &str) -> bool {
    match &from.kind {
        TableRefKind::Join(join) => reads(&join.left, name) || reads(&join.right, name),
        _ => is_named(from, name),
    }
}

fn is_named(table: &TableRef, wanted: &str) -> bool {
    matches!(&table.kind, TableRefKind::Table { schema, name, .. }
        if schema.is_empty() && name.eq_ignore_ascii_case(wanted))
}

/// Whether a reference may stand somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Allowed,
    /// In PostgreSQL's words.
    Refused(&'static str),
}

/// Goes through a query and shows references to a name.
struct Walk<'a> {
    name: &'a str,
    place: Place,
    found: &'a mut dyn FnMut(Place, Option<usize>) -> Result<(), PlanError>,
}

impl Walk<'_> {
    fn query(&mut self, query: &Query) -> Result<(), PlanError> {
        for (at, cte) in query.ctes.iter().enumerate() {
            // An item before it, or itself, hides the name.
            let is_hidden = query.ctes[..=at]
                .iter()
                .any(|own| own.name.eq_ignore_ascii_case(self.name));
            if !is_hidden {
                self.query(&cte.query)?;
            }
        }
        if query
            .ctes
            .iter()
            .any(|own| own.name.eq_ignore_ascii_case(self.name))
        {
            return Ok(());
        }
        match &query.body {
            QueryBody::Select(block) => self.block(block)?,
            QueryBody::SetOperation {
                kind,
                all,
                operands,
            } => {
                for (at, operand) in operands.iter().enumerate() {
                    let refused = match kind {
                        SetOperationKind::Intersect if *all => Some("within INTERSECT"),
                        SetOperationKind::Except if *all || at > 0 => Some("within EXCEPT"),
                        _ => None,
                    };
                    self.within(refused, |walk| walk.query(operand))?;
                }
            }
            QueryBody::RecursiveCte { left, right, .. } => {
                self.query(left)?;
                self.query(right)?;
            }
        }
        Ok(())
    }

    /// Goes on where a reference may be refused, unless it is already.
    fn within(
        &mut self,
        refused: Option<&'static str>,
        go: impl FnOnce(&mut Self) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        let before = self.place;
        if let (Place::Allowed, Some(words)) = (before, refused) {
            self.place = Place::Refused(words);
        }
        let outcome = go(self);
        self.place = before;
        outcome
    }

    fn block(&mut self, block: &Select) -> Result<(), PlanError> {
        for item in &block.select_list {
            self.expression(item)?;
        }
        self.table(&block.from)?;
        let rest = block.where_clause.iter().chain(&block.group_by);
        for expr in rest.chain(&block.having).chain(&block.qualify) {
            self.expression(expr)?;
        }
        Ok(())
    }

    fn table(&mut self, table: &TableRef) -> Result<(), PlanError> {
        match &table.kind {
            TableRefKind::Join(join) => {
                let outer = |is_outer: bool| is_outer.then_some("within an outer join");
                let (left, right) = match join.kind {
                    JoinKind::Left => (false, true),
                    JoinKind::Right => (true, false),
                    JoinKind::Full => (true, true),
                    JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => (false, false),
                };
                self.within(outer(left), |walk| walk.table(&join.left))?;
                self.within(outer(right), |walk| walk.table(&join.right))?;
                join.condition
                    .iter()
                    .try_for_each(|condition| self.expression(condition))
            }
            TableRefKind::Subquery(query) => self.query(query),
            TableRefKind::Function { call, .. } => self.expression(call),
            TableRefKind::Values { rows } => rows
                .iter()
                .flatten()
                .try_for_each(|value| self.expression(value)),
            TableRefKind::Table { .. } if is_named(table, self.name) => {
                (self.found)(self.place, table.location)
            }
            _ => Ok(()),
        }
    }

    fn expression(&mut self, expr: &Expr) -> Result<(), PlanError> {
        let mut outcome = Ok(());
        walk(Node::Expr(expr), &mut |node| match node {
            Node::Query(query) => {
                if outcome.is_ok() {
                    outcome = self.within(Some("within a subquery"), |walk| walk.query(query));
                }
                Descend::Over
            }
            _ => Descend::Into,
        });
        outcome
    }
}

fn fault_at(fault: RecursionFault, position: Option<usize>) -> PlanError {
    PlanError::Recursion { fault, position }
}

impl Source<'_> {
    /// Where an item of a list has its name.
    pub(super) fn item(&self, name: &str) -> Option<usize> {
        let at = (1..self.tokens.len()).find(|at| {
            let is_name = self.own(*at).trim_matches('"') == name;
            let starts = matches!(self.word(*at - 1), Some("with" | "recursive"))
                || self.symbol(*at - 1, ",");
            let goes_on = self.words(*at + 1, &["as"]) || self.symbol(*at + 1, "(");
            is_name && starts && goes_on
        })?;
        self.start_of(at)
    }
}

/// What DuckDB's parser says of recursion, in PostgreSQL's words.
pub(super) fn refused(error: &FragmentError, source: &Source<'_>) -> Option<PlanError> {
    let clauses: &[&'static str] = match error.message.as_str() {
        text if text.contains("ORDER BY in a recursive query") => &["ORDER BY"],
        text if text.contains("LIMIT or OFFSET in a recursive query") => &["LIMIT", "OFFSET"],
        _ => return None,
    };
    let written = |clause: &&&'static str| {
        let word = clause
            .split(' ')
            .next()
            .unwrap_or(clause)
            .to_ascii_lowercase();
        (0..source.tokens.len()).any(|at| source.word(at) == Some(word.as_str()))
    };
    let clause = clauses.iter().find(written)?;
    Some(fault_at(RecursionFault::Clause(clause), error.position))
}
