//! `t.*` as a value: the whole row, as `t` is.
//!
//! | PostgreSQL | instead |
//! |---|---|
//! | `row_to_json(t.*)`, `(t.*)::text`, `t.* IS NOT NULL`, `t.* = u.*` | `row_to_json(t)`, `t::text`, … |
//! | `count(t.*)` | as it is |
//!
//! What a result column holds of a row becomes a record by [`whole_row`].
//!
//! DuckDB puts the columns of a star in its place, each on its own. Applies to the tree as parsed; what is the
//! only argument of a call DuckDB's parser drops, so [`stars`] are taken away before.

use skein_catalog::types::Type;

use super::node;
use super::tokens::{Kind, Token, is};
use crate::ast::visit::{self, Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, JoinKind, Query, TableRef, TableRefKind};

/// Functions that take all columns, one by one.
const OF_COLUMNS: &[&str] = &["columns", "count", "row", "struct_pack", "unpack"];

/// Names whole rows; whether there were any.
pub fn name_rows(query: &mut Query) -> bool {
    let mut changed = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            for operand in operands(expr) {
                changed |= name_row(operand);
            }
        }
        Descend::Into
    });
    changed
}

fn operands(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        ExprKind::Function(call) if !OF_COLUMNS.contains(&call.name.as_str()) => {
            call.args.iter_mut().collect()
        }
        ExprKind::Window(call) if call.name != "count" => call.args.iter_mut().collect(),
        ExprKind::Operator { children, .. } => children.iter_mut().collect(),
        ExprKind::Comparison { left, right, .. } => vec![left, right],
        ExprKind::Cast { child, .. } => vec![child],
        ExprKind::Case { checks, otherwise } => {
            let mut all: Vec<&mut Expr> = checks.iter_mut().map(|(_, then)| then).collect();
            all.push(otherwise);
            all
        }
        _ => Vec::new(),
    }
}

fn name_row(expr: &mut Expr) -> bool {
    let ExprKind::Star(star) = &mut expr.kind else {
        return false;
    };
    let is_plain = star.exclude.is_empty()
        && star.replace.is_empty()
        && star.rename.is_empty()
        && !star.columns
        && star.expr.is_none();
    if !is_plain || star.relation.is_empty() {
        return false;
    }
    expr.kind = ExprKind::ColumnRef(vec![std::mem::take(&mut star.relation)]);
    true
}

/// The relation of `count(t.*)`, see [`super::rows::counted`].
pub(super) fn counted(expr: &Expr) -> Option<&str> {
    let (name, args) = match &expr.kind {
        ExprKind::Function(call) => (&call.name, &call.args),
        ExprKind::Window(window) => (&window.name, &window.args),
        _ => return None,
    };
    match args.as_slice() {
        [
            Expr {
                kind: ExprKind::Star(star),
                ..
            },
        ] if name == "count" && !star.relation.is_empty() => Some(&star.relation),
        _ => None,
    }
}

/// Counts the rows of `count(t.*)`. An outer join brings rows that are none of `t`, which have NULL in
/// all of its columns; `fields` are these where there is such a join.
pub(super) fn count_rows(expr: &mut Expr, fields: Option<&[String]>) {
    let Some(relation) = counted(expr).map(str::to_owned) else {
        return;
    };
    let (args, all) = match &mut expr.kind {
        ExprKind::Function(call) => (&mut call.args, Some(&mut call.name)),
        ExprKind::Window(window) => (&mut window.args, None),
        _ => return,
    };
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else {
        args.clear();
        if let Some(name) = all {
            "count_star".clone_into(name);
        }
        return;
    };
    let is_row = is_there(&relation, fields);
    args[0] = node::expr(ExprKind::Case {
        checks: vec![(is_row, node::boolean(true))],
        otherwise: Box::new(node::null()),
    });
}

/// Whether a row of `relation` has a value in any of its fields.
pub(super) fn is_there(relation: &str, fields: &[String]) -> Expr {
    let tests = fields.iter().map(|field| {
        node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NOT_NULL".to_owned(),
            children: vec![node::expr(ExprKind::ColumnRef(vec![
                relation.to_owned(),
                field.clone(),
            ]))],
        })
    });
    let mut tests: Vec<Expr> = tests.collect();
    match tests.len() {
        1 => tests.remove(0),
        _ => node::expr(ExprKind::Conjunction {
            and: false,
            children: tests,
        }),
    }
}

/// Whether a join in FROM may bring rows without a partner.
pub(super) fn is_outer(table: &TableRef) -> bool {
    match &table.kind {
        TableRefKind::Join(join) => {
            matches!(join.kind, JoinKind::Left | JoinKind::Right | JoinKind::Full)
                || is_outer(&join.left)
                || is_outer(&join.right)
        }
        _ => false,
    }
}

/// Names that may be those of something in FROM, whose rows are then what a result column holds.
pub(super) fn leaves<'a>(item: &'a Expr, found: &mut Vec<&'a str>) {
    if let ExprKind::ColumnRef(names) = &item.kind {
        if let [name] = names.as_slice() {
            found.push(name);
        }
        return;
    }
    let below = visit::children(item);
    let places = places_of_values(item, below.len());
    let below = below.into_iter().enumerate();
    for (_, child) in below.filter(|(at, _)| places.contains(*at)) {
        leaves(child, found);
    }
}

/// The same, to be changed.
pub(super) fn leaves_mut<'a>(item: &'a mut Expr, found: &mut Vec<&'a mut Expr>) {
    if let ExprKind::ColumnRef(names) = &item.kind {
        if names.len() == 1 {
            found.push(item);
        }
        return;
    }
    let count = visit::children(item).len();
    let places = places_of_values(item, count);
    let below = visit::children_mut(item).into_iter().enumerate();
    for (_, child) in below.filter(|(at, _)| places.contains(*at)) {
        leaves_mut(child, found);
    }
}

/// Which of the expressions right below one may be its value.
enum Places {
    None,
    First,
    All,
    /// Every other one, and the last of so many.
    Results(usize),
}

impl Places {
    fn contains(&self, at: usize) -> bool {
        match self {
            Self::None => false,
            Self::First => at == 0,
            Self::All => true,
            Self::Results(count) => at % 2 == 1 || at + 1 == *count,
        }
    }
}

fn places_of_values(expr: &Expr, count: usize) -> Places {
    match &expr.kind {
        ExprKind::Operator { op, .. } if op == "OPERATOR_COALESCE" => Places::All,
        ExprKind::Case { .. } => Places::Results(count),
        ExprKind::Function(call) if call.name == "nullif" => Places::All,
        ExprKind::Window(window)
            if matches!(
                window.name.as_str(),
                "first_value" | "last_value" | "nth_value" | "lag" | "lead"
            ) =>
        {
            Places::First
        }
        _ => Places::None,
    }
}

/// `ROW(t.a, t.b)` for `t`, which is a row with these fields.
pub(super) fn whole_row(item: &mut Expr, ty: &Type) {
    let (ExprKind::ColumnRef(names), Type::Struct(fields)) = (&item.kind, ty) else {
        return;
    };
    let fields = fields.iter().map(|(field, _)| {
        let names = names.iter().chain([field]).cloned();
        node::expr(ExprKind::ColumnRef(names.collect()))
    });
    item.kind = node::call("", "row", fields.collect()).kind;
}

/// Whether something in FROM is called so.
pub(super) fn stands_in(table: &TableRef, name: &str) -> bool {
    match &table.kind {
        TableRefKind::Join(join) => stands_in(&join.left, name) || stands_in(&join.right, name),
        TableRefKind::Table { name: own, .. } if table.alias.is_empty() => {
            own.eq_ignore_ascii_case(name)
        }
        _ => table.alias.eq_ignore_ascii_case(name),
    }
}

/// Where `schema.` stands in `schema.t.*`, which DuckDB's parser does not take, and `.*` in `f(t.*)` and
/// `f(DISTINCT t.*)`, of which it makes `f()`.
pub(super) fn stars(text: &str, tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    let is_name = |token: Token| matches!(token.kind, Kind::Word | Kind::Quoted);
    let mut found = Vec::new();
    for (at, star) in tokens.iter().enumerate() {
        if !is(text, *star, "*") {
            continue;
        }
        // Names and dots before the star, the last name first.
        let names: Vec<Token> = tokens[..at]
            .rchunks_exact(2)
            .map_while(|pair| match pair {
                [name, dot] if is_name(*name) && is(text, *dot, ".") => Some(*name),
                _ => None,
            })
            .collect();
        let ([table, ..], Some(first)) = (names.as_slice(), names.last()) else {
            continue;
        };
        if names.len() > 1 {
            found.push(first.start..table.start);
        }
        let before = &tokens[..at - 2 * names.len()];
        let is_call = match before {
            [.., function, open] if is(text, *open, "(") => {
                let takes_columns = OF_COLUMNS.iter().any(|name| is(text, *function, name));
                // `OPERATOR(pg_catalog.*)` multiplies.
                is_name(*function) && !takes_columns && !is(text, *function, "operator")
            }
            [.., open, distinct] => is(text, *open, "(") && is(text, *distinct, "distinct"),
            _ => false,
        };
        if is_call && tokens.get(at + 1).is_some_and(|it| is(text, *it, ")")) {
            found.push(table.end..star.end);
        }
    }
    found
}
