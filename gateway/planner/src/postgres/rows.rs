//! Rows as values, as far as the tree alone tells: `(a, b) = (c, d)`, `ROW(a, b) IS NULL`; and
//! `BETWEEN SYMMETRIC`, `num_nulls`.
//!
//! DuckDB compares rows as wholes, where NULL equals NULL. In PostgreSQL a comparison of rows is one
//! of their fields, and NULL as soon as a field that decides is.

use super::{node, tokens};
use crate::ast::{Comparison, Expr, ExprKind, Function, Star};

/// Gives `count(t.*)`, which DuckDB's parser takes for `count(*)`, its argument back; see
/// [`super::whole_rows::count_rows`]. `text` is what was parsed.
pub(super) fn counted(expr: &mut Expr, text: &str) {
    let location = expr.location;
    let (name, args) = match &mut expr.kind {
        ExprKind::Function(call) => (&mut call.name, &mut call.args),
        ExprKind::Window(window) => (&mut window.name, &mut window.args),
        _ => return,
    };
    if (name == "count_star" || name == "count" && args.is_empty())
        && let Some(relation) = location.and_then(|at| tokens::counted(text, at))
    {
        "count".clone_into(name);
        args.push(node::expr(ExprKind::Star(Box::new(Star {
            relation,
            exclude: Vec::new(),
            replace: Vec::new(),
            rename: Vec::new(),
            columns: false,
            expr: None,
        }))));
    }
}

/// Rewrites a comparison of rows.
pub(crate) fn comparison(expr: &mut Expr) {
    let ExprKind::Comparison { op, left, right } = &mut expr.kind else {
        return;
    };
    let (Some(lefts), Some(rights)) = (fields(left), fields(right)) else {
        return;
    };
    if lefts.len() != rights.len() || lefts.is_empty() {
        return;
    }
    if let Some(kind) = compared(*op, lefts, rights) {
        expr.kind = kind;
    }
}

/// The fields of `ROW(a, b)` or `(a, b)`.
fn fields(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::Function(call)
            if call.name == "row" && call.args.iter().all(|arg| arg.alias.is_empty()) =>
        {
            Some(&call.args)
        }
        _ => None,
    }
}

fn compared(op: Comparison, lefts: &[Expr], rights: &[Expr]) -> Option<ExprKind> {
    let pairs = || lefts.iter().zip(rights);
    let each = |op: Comparison| {
        let mut tests: Vec<Expr> = pairs().map(|(left, right)| test(op, left, right)).collect();
        if tests.len() == 1 {
            tests.remove(0).kind
        } else {
            ExprKind::Conjunction {
                and: matches!(op, Comparison::Equal | Comparison::NotDistinct),
                children: tests,
            }
        }
    };
    Some(match op {
        Comparison::Equal
        | Comparison::NotEqual
        | Comparison::NotDistinct
        | Comparison::Distinct => each(op),
        Comparison::Less
        | Comparison::LessOrEqual
        | Comparison::Greater
        | Comparison::GreaterOrEqual => {
            let strict = match op {
                Comparison::LessOrEqual => Comparison::Less,
                Comparison::GreaterOrEqual => Comparison::Greater,
                op => op,
            };
            // The last field decides with the operator itself, those before only if they differ.
            let mut pairs = pairs().rev();
            let (left, right) = pairs.next()?;
            pairs
                .fold(test(op, left, right), |rest, (left, right)| {
                    let equal = test(Comparison::Equal, left, right);
                    node::expr(ExprKind::Case {
                        checks: vec![
                            (test(strict, left, right), node::boolean(true)),
                            (equal, rest),
                            (
                                test(Comparison::NotEqual, left, right),
                                node::boolean(false),
                            ),
                        ],
                        otherwise: Box::new(node::null()),
                    })
                })
                .kind
        }
    })
}

fn test(op: Comparison, left: &Expr, right: &Expr) -> Expr {
    let mut test = node::expr(ExprKind::Comparison {
        op,
        left: Box::new(left.clone()),
        right: Box::new(right.clone()),
    });
    comparison(&mut test);
    test
}

/// Rewrites `(a, b) IN ((c, d), …)` and `ROW(a, b) IS NULL`.
pub(super) fn operator(expr: &mut Expr) {
    let ExprKind::Operator { op, children } = &mut expr.kind else {
        return;
    };
    let Some(row) = children.first().and_then(fields) else {
        return;
    };
    match op.as_str() {
        "COMPARE_IN" | "COMPARE_NOT_IN" => {
            let negated = op == "COMPARE_NOT_IN";
            let rows: Option<Vec<&[Expr]>> = children[1..].iter().map(fields).collect();
            let Some(rows) = rows else { return };
            if rows.iter().any(|other| other.len() != row.len()) || row.is_empty() {
                return;
            }
            let comparison = if negated {
                Comparison::NotEqual
            } else {
                Comparison::Equal
            };
            let mut tests: Vec<Expr> = rows
                .iter()
                .filter_map(|other| compared(comparison, row, other))
                .map(node::expr)
                .collect();
            expr.kind = if tests.len() == 1 {
                tests.remove(0).kind
            } else {
                ExprKind::Conjunction {
                    and: negated,
                    children: tests,
                }
            };
        }
        "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL" if !row.is_empty() => {
            let tests = row.iter().map(|field| {
                node::expr(ExprKind::Operator {
                    op: op.clone(),
                    children: vec![field.clone()],
                })
            });
            expr.kind = ExprKind::Conjunction {
                and: true,
                children: tests.collect(),
            };
        }
        _ => {}
    }
}

/// Rewrites `x BETWEEN SYMMETRIC a AND b`.
pub(super) fn between(expr: &mut Expr) {
    let ExprKind::Between {
        input,
        lower,
        upper,
    } = &mut expr.kind
    else {
        return;
    };
    let ExprKind::Function(call) = &mut lower.kind else {
        return;
    };
    let [bound] = call.args.as_mut_slice() else {
        return;
    };
    if call.name != tokens::SYMMETRIC {
        return;
    }
    let bound = std::mem::replace(bound, node::null());
    let between = |lower: &Expr, upper: &Expr| {
        node::expr(ExprKind::Between {
            input: input.clone(),
            lower: Box::new(lower.clone()),
            upper: Box::new(upper.clone()),
        })
    };
    expr.kind = ExprKind::Conjunction {
        and: false,
        children: vec![between(&bound, upper), between(upper, &bound)],
    };
}

/// Rewrites `num_nulls(…)` and `num_nonnulls(…)`.
pub(super) fn function(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let Function {
        schema, name, args, ..
    } = call.as_mut();
    if !matches!(schema.as_str(), "" | "pg_catalog") || args.is_empty() {
        return;
    }
    let test = match name.as_str() {
        "num_nulls" => "OPERATOR_IS_NULL",
        "num_nonnulls" => "OPERATOR_IS_NOT_NULL",
        _ => return,
    };
    let counted = args.drain(..).map(|arg| {
        let test = node::expr(ExprKind::Operator {
            op: test.to_owned(),
            children: vec![arg],
        });
        node::cast(test, node::plain_type("INTEGER"))
    });
    let sum = node::call("", "list_sum", vec![node::array(counted.collect())]);
    expr.kind = node::cast(sum, node::plain_type("INTEGER")).kind;
}
