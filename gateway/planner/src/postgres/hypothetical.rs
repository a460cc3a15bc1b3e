//! Hypothetical-set aggregates: `rank(v) WITHIN GROUP (ORDER BY x)`, the rank that a row with `v` would have.
//!
//! | PostgreSQL | becomes |
//! |---|---|
//! | `rank` | how many rows come before, and one |
//! | `dense_rank` | how many different ones do, and one |
//! | `percent_rank` | how many come before, divided by how many there are |
//! | `cume_dist` | how many come before or are the same, and one, divided by how many there are, and one |
//!
//! DuckDB's parser knows `WITHIN GROUP` after three other functions only, so it is blanked out:
//! `rank(3 ORDER BY x)` parses, and means nothing else in PostgreSQL. Counts with a FILTER need no rows
//! in order, and are split as other counts are.

use std::ops::Range;

use super::node;
use super::tokens::{Kind, Token, is};
use crate::ast::{Comparison, Expr, ExprKind, Function, NullOrder, OrderBy, SortDirection};
use crate::build;

const NAMES: &[&str] = &["rank", "dense_rank", "percent_rank", "cume_dist"];

/// Where `) WITHIN GROUP (` stands after the arguments of one of the functions.
pub(super) fn within_group(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (index, window) in tokens.windows(4).enumerate() {
        let [close, within, group, open] = window else {
            continue;
        };
        let is_it = is(text, *close, ")")
            && within.kind == Kind::Word
            && is(text, *within, "within")
            && is(text, *group, "group")
            && is(text, *open, "(");
        if is_it && calls(text, &tokens[..index]) {
            found.push(close.start..open.end);
        }
    }
    found
}

/// Whether the parenthesis that is closed after `before` is that of one of the functions, with arguments.
fn calls(text: &str, before: &[Token]) -> bool {
    let mut depth = 0_usize;
    for (index, token) in before.iter().enumerate().rev() {
        if is(text, *token, ")") {
            depth += 1;
        } else if is(text, *token, "(") {
            if depth == 0 {
                let has_arguments = index + 1 < before.len();
                return has_arguments
                    && index.checked_sub(1).is_some_and(|name| {
                        NAMES.iter().any(|known| is(text, before[name], known))
                    });
            }
            depth -= 1;
        }
    }
    false
}

/// Rewrites such a call; whether it was one.
pub(super) fn function(call: &Function) -> Option<Expr> {
    let is_it = NAMES.contains(&call.name.as_str())
        && !call.order_by.is_empty()
        && call.order_by.len() == call.args.len();
    if !is_it {
        return None;
    }
    let before = || count(call, Some(comes_before(call, false)));
    let one = || Expr::integer(1);
    let share = |part: Expr, whole: Expr| {
        Expr::infix("/", node::cast(part, node::plain_type("DOUBLE")), whole)
    };
    Some(match call.name.as_str() {
        "rank" => Expr::infix("+", before(), one()),
        "dense_rank" => Expr::infix("+", different(call), one()),
        "percent_rank" => {
            let all = node::call("", "nullif", vec![count(call, None), Expr::integer(0)]);
            node::expr(ExprKind::Operator {
                op: "OPERATOR_COALESCE".to_owned(),
                children: vec![
                    share(before(), all),
                    node::cast(Expr::integer(0), node::plain_type("DOUBLE")),
                ],
            })
        }
        _ => {
            let up_to = count(call, Some(comes_before(call, true)));
            let all = count(call, None);
            share(Expr::infix("+", up_to, one()), Expr::infix("+", all, one()))
        }
    })
}

/// `count(*)` of the rows that pass the call's own filter and `condition`.
fn count(call: &Function, condition: Option<Expr>) -> Expr {
    let mut count = build::function("count_star", Vec::new());
    count.filter = build::and(call.filter.clone(), condition);
    node::expr(ExprKind::Function(Box::new(count)))
}

/// How many different rows come before.
fn different(call: &Function) -> Expr {
    let keys: Vec<Expr> = call.order_by.iter().map(|key| key.expr.clone()).collect();
    let row = match <[Expr; 1]>::try_from(keys) {
        // A list holds a NULL and is none.
        Ok([key]) => node::array(vec![key]),
        Err(keys) => node::call("", "row", keys),
    };
    let mut count = build::function("count", vec![row]);
    count.distinct = true;
    count.filter = build::and(call.filter.clone(), Some(comes_before(call, false)));
    node::expr(ExprKind::Function(Box::new(count)))
}

/// Whether a row comes before the hypothetical one, or is the same where that counts.
fn comes_before(call: &Function, or_same: bool) -> Expr {
    let pairs = call.order_by.iter().zip(&call.args);
    let mut later: Option<Expr> = None;
    for (key, value) in pairs.rev() {
        let before = key_before(key, value);
        let same = Expr::comparison(Comparison::NotDistinct, key.expr.clone(), value.clone());
        later = Some(match later {
            None if or_same => either(before, same),
            None => before,
            Some(later) => either(before, both(same, later)),
        });
    }
    later.unwrap_or_else(|| node::boolean(false))
}

/// Whether a key comes before a value.
fn key_before(key: &OrderBy, value: &Expr) -> Expr {
    let descends = key.direction == SortDirection::Descending;
    let nulls_first = match key.nulls {
        NullOrder::Default => descends,
        NullOrder::First => true,
        NullOrder::Last => false,
    };
    let op = if descends {
        Comparison::Greater
    } else {
        Comparison::Less
    };
    let before = Expr::comparison(op, key.expr.clone(), value.clone());
    let (first, then) = if nulls_first {
        (key.expr.clone(), value.clone())
    } else {
        (value.clone(), key.expr.clone())
    };
    either(
        before,
        both(build::is_null(first), build::is_not_null(then)),
    )
}

fn either(left: Expr, right: Expr) -> Expr {
    joined(false, left, right)
}

fn both(left: Expr, right: Expr) -> Expr {
    joined(true, left, right)
}

fn joined(and: bool, left: Expr, right: Expr) -> Expr {
    node::expr(ExprKind::Conjunction {
        and,
        children: vec![left, right],
    })
}

#[cfg(test)]
mod tests {
    use super::super::tokens::normalise;

    #[test]
    fn within_group_goes_where_a_rank_is_hypothetical() {
        for (given, wanted) in [
            (
                "SELECT rank(3) WITHIN GROUP (ORDER BY x)",
                "SELECT rank(3                ORDER BY x)",
            ),
            (
                "SELECT cume_dist(f(1), (2)) within group(ORDER BY x, y)",
                "SELECT cume_dist(f(1), (2)               ORDER BY x, y)",
            ),
            (
                "SELECT rank() WITHIN GROUP (ORDER BY x)",
                "SELECT rank() WITHIN GROUP (ORDER BY x)",
            ),
            (
                "SELECT mode() WITHIN GROUP (ORDER BY rank(x))",
                "SELECT mode() WITHIN GROUP (ORDER BY rank(x))",
            ),
        ] {
            assert_eq!(normalise(given), wanted);
        }
    }
}
