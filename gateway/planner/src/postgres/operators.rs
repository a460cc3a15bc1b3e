//! Regular expression operators and collations.
//!
//! DuckDB parses `a ~ b` as a match of the whole text; PostgreSQL looks for a match anywhere. The
//! call and the operator look the same in the tree, but for the position: an operator's points at
//! the operator. In PostgreSQL a dot also matches a line feed, hence the option `s`.

use skein_executor_api::functions as macros;

use super::{RewriteError, node, patterns, symbols, temporal};
use crate::ast::{Comparison, Expr, ExprKind, Function, Window};

const FULL_MATCH: &str = "regexp_full_match";

/// Rewrites `a ~ b`, `a ~* b` and `a !~* b`, and functions that only have another name.
pub(super) fn function(expr: &mut Expr, text: &str) -> Result<(), RewriteError> {
    let location = expr.location;
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(());
    };
    if call.is_operator && matches!(call.name.as_str(), "~*" | "!~*") {
        let negated = call.name == "!~*";
        let matched = partial_match(call, true)?;
        expr.kind = if negated {
            ExprKind::Operator {
                op: "OPERATOR_NOT".to_owned(),
                children: vec![Expr {
                    location,
                    ..matched
                }],
            }
        } else {
            matched.kind
        };
    } else if is_full_match(call) && written_at(text, location, "~") {
        expr.kind = partial_match(call, false)?.kind;
    } else if is_every(&call.schema, &call.name) {
        "bool_and".clone_into(&mut call.name);
    } else if call.is_operator && matches!(call.name.as_str(), "|/" | "||/") {
        let name = if call.name == "|/" { "sqrt" } else { "cbrt" };
        name.clone_into(&mut call.name);
        call.is_operator = false;
    } else if let Some(op) = by_bytes(call) {
        let right = call.args.pop();
        if let (Some(left), Some(right)) = (call.args.pop(), right) {
            expr.kind = Expr::comparison(op, left, right).kind;
        }
    } else if call.is_operator && call.name == symbols::XOR {
        "xor".clone_into(&mut call.name);
        call.is_operator = false;
    } else if is_power(call) {
        macros::SCHEMA.clone_into(&mut call.schema);
        "skein_power".clone_into(&mut call.name);
        call.is_operator = false;
    }
    Ok(())
}

/// The comparison of texts by their bytes, which is how all of them are compared here: those of
/// `text_pattern_ops`.
fn by_bytes(call: &Function) -> Option<Comparison> {
    if !call.is_operator || call.args.len() != 2 {
        return None;
    }
    Some(match call.name.as_str() {
        "~<~" => Comparison::Less,
        "~<=~" => Comparison::LessOrEqual,
        "~>=~" => Comparison::GreaterOrEqual,
        "~>~" => Comparison::Greater,
        _ => return None,
    })
}

/// Whether this is a power that PostgreSQL might refuse: not one by a positive constant.
fn is_power(call: &Function) -> bool {
    let named = match call.name.as_str() {
        "^" => call.is_operator,
        "power" | "pow" => matches!(call.schema.as_str(), "" | "pg_catalog"),
        _ => false,
    };
    let harmless = |exponent: &Expr| {
        matches!(&exponent.kind, ExprKind::Constant(constant)
            if constant.ty.id() == "INTEGER" && constant.value.as_i64().is_some_and(|it| it >= 0))
    };
    matches!(call.args.as_slice(), [_, exponent] if named && !harmless(exponent))
}

/// Rewrites the windowed form of functions that only have another name, and offsets of a frame
/// that are texts.
pub(super) fn window(window: &mut Window) {
    if is_every(&window.schema, &window.name) {
        "bool_and".clone_into(&mut window.name);
    }
    refuse_negative_rows(window);
    refuse_no_row(window);
    // `RANGE '1 day' PRECEDING`: a text that is no number is an interval.
    let offsets = [&mut window.start_expr, &mut window.end_expr];
    for offset in offsets.into_iter().flatten() {
        let text = match &offset.kind {
            ExprKind::Constant(_) => node::constant_text(offset),
            _ => None,
        };
        let span = text
            .filter(|text| text.trim().parse::<f64>().is_err())
            .and_then(|text| temporal::constants::compared(text, "INTERVAL"));
        if let Some(span) = span {
            *offset = span;
        }
    }
}

/// `nth_value(x, 0)` is an error, of which DuckDB says nothing.
fn refuse_no_row(window: &mut Window) {
    let [_, place] = window.args.as_mut_slice() else {
        return;
    };
    if window.name == "nth_value" && node::constant_integer(place).is_some_and(|place| place <= 0) {
        let message = "[invalid_argument_for_nth_value_function] argument of nth_value must be greater than zero";
        let error = node::call("", "error", vec![node::text(message)]);
        *place = node::cast(error, node::plain_type("BIGINT"));
    }
}

/// `ROWS -1 PRECEDING` is an error, of which DuckDB says nothing.
fn refuse_negative_rows(window: &mut Window) {
    let offsets = [
        (&mut window.start_expr, &window.start, "starting"),
        (&mut window.end_expr, &window.end, "ending"),
    ];
    for (offset, bound, which) in offsets {
        let Some(offset) = offset else { continue };
        if bound.ends_with("_ROWS") && node::constant_integer(offset).is_some_and(|it| it < 0) {
            let message = format!(
                "[invalid_preceding_or_following_size] frame {which} offset must not be negative"
            );
            let error = node::call("", "error", vec![node::text(&message)]);
            *offset = node::cast(error, node::plain_type("BIGINT"));
        }
    }
}

/// Whether this is the SQL standard's name for `bool_and`.
fn is_every(schema: &str, name: &str) -> bool {
    matches!(schema, "" | "pg_catalog") && name == "every"
}

/// Rewrites `a !~ b`, which DuckDB parses as the negation of a match.
pub(super) fn negation(expr: &mut Expr, text: &str) -> Result<(), RewriteError> {
    let location = expr.location;
    let ExprKind::Operator { op, children } = &mut expr.kind else {
        return Ok(());
    };
    if op != "OPERATOR_NOT" || !written_at(text, location, "!~") {
        return Ok(());
    }
    if let [child] = children.as_mut_slice()
        && let ExprKind::Function(call) = &mut child.kind
        && is_full_match(call)
    {
        child.kind = partial_match(call, false)?.kind;
    }
    Ok(())
}

/// Removes collations that compare bytes, as DuckDB does anyway.
pub(super) fn collation(expr: &mut Expr) {
    let ExprKind::Collate { child, collation } = &mut expr.kind else {
        return;
    };
    let name = collation.rsplit('.').next().unwrap_or(collation);
    if ["C", "POSIX", "ucs_basic", "default"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        let mut inner = std::mem::replace(child.as_mut(), node::null());
        if inner.alias.is_empty() {
            inner.alias = std::mem::take(&mut expr.alias);
        }
        *expr = inner;
    }
}

fn is_full_match(call: &Function) -> bool {
    call.name == FULL_MATCH && call.schema.is_empty() && call.args.len() == 2
}

fn written_at(text: &str, location: Option<usize>, symbol: &str) -> bool {
    location
        .and_then(|location| text.as_bytes().get(location..))
        .is_some_and(|rest| rest.starts_with(symbol.as_bytes()))
}

fn partial_match(call: &mut Function, ignore_case: bool) -> Result<Expr, RewriteError> {
    let mut args = std::mem::take(&mut call.args).into_iter();
    let (string, pattern) = (args.next(), args.next());
    let string = string.unwrap_or_else(node::null);
    patterns::matches_anywhere(string, pattern.unwrap_or_else(node::null), ignore_case)
}
