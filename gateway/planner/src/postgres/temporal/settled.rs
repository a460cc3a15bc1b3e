//! What depends on the types of operands, once they are known.
//!
//! | Expression | DuckDB | here, as in PostgreSQL |
//! |---|---|---|
//! | `date_trunc` of a date | `timestamp` | `timestamp with time zone` |
//! | `extract(epoch from …)` of a date | a double | whole seconds |
//! | `AT TIME ZONE` with minutes of offset, or of a date | not supported, kept | a timestamp |
//! | `to_char` | not supported | by the template |
//! | an interval as text | `2 months` | `2 mons` |
//! | a text constant beside a date or interval | ISO 8601 only | every spelling |

use super::super::node;
use super::template;
use super::{SCHEMA, constant_integer, constants, is_call, numbers, own, replace, to_char};
use crate::ast::{Expr, ExprKind};

/// What the meaning of an expression depends on; `None` where it depends on no type.
pub(in super::super) fn operand(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Function(call) => match (call.name.as_str(), call.args.as_slice()) {
            ("skein_extract_epoch" | "skein_extract_julian", [operand]) => Some(operand),
            ("date_trunc" | "datetrunc" | "timezone", [_, operand])
                if is_call(call, &call.name) =>
            {
                Some(operand)
            }
            ("to_char", [operand, _]) if is_call(call, "to_char") => Some(operand),
            ("generate_series", [operand, _, _]) => Some(operand),
            _ => None,
        },
        ExprKind::Cast { child, ty, .. } => match ty.id() {
            "VARCHAR" | "TIME" | "INTERVAL" if !is_constant(child) => Some(child),
            _ => None,
        },
        ExprKind::Comparison { left, right, .. } => {
            if is_foreign(right) {
                Some(left)
            } else if is_foreign(left) {
                Some(right)
            } else {
                None
            }
        }
        ExprKind::Between {
            input,
            lower,
            upper,
        } => (is_foreign(lower) || is_foreign(upper)).then_some(input),
        ExprKind::Operator { op, children } if matches!(op.as_str(), "COMPARE_IN" | "COMPARE_NOT_IN") => {
            let (first, rest) = children.split_first()?;
            rest.iter().any(is_foreign).then_some(first)
        }
        _ => None,
    }
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_) => true,
        ExprKind::Cast { child, ty, .. } => ty.id() == "VARCHAR" && is_constant(child),
        _ => false,
    }
}

/// A text constant that DuckDB would read otherwise than PostgreSQL, if it is a date or the like.
fn is_foreign(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant)
        if constant.value.as_str().is_some_and(constants::is_foreign))
}

/// Gives `expr` its meaning, now that DuckDB's type of its operand is known.
pub(in super::super) fn settle(expr: &mut Expr, ty: &str) {
    match &mut expr.kind {
        ExprKind::Function(call) => match call.name.as_str() {
            "skein_extract_epoch" => {
                let name = match ty {
                    "DATE" => "skein_extract_epoch_date",
                    "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => "skein_extract_epoch_timestamp",
                    _ => return,
                };
                name.clone_into(&mut call.name);
            }
            "skein_extract_julian" if ty == "DATE" => {
                "skein_extract_julian_date".clone_into(&mut call.name);
            }
            "date_trunc" | "datetrunc" if ty == "DATE" => wrap(expr, "TIMESTAMP WITH TIME ZONE"),
            "timezone" => zone(expr, ty),
            "to_char" => character(expr, ty),
            "generate_series" if ty == "DATE" => {
                for arg in call.args.iter_mut().take(2) {
                    wrap(arg, "TIMESTAMP WITH TIME ZONE");
                }
            }
            _ => {}
        },
        ExprKind::Cast { child, ty: to, .. } => match (to.id(), ty) {
            ("VARCHAR", "INTERVAL") => {
                let inner = take(child);
                replace(expr, own("skein_interval_text", vec![inner]));
            }
            ("TIME", "TIMESTAMP WITH TIME ZONE") => wrap(child, "TIMESTAMP"),
            ("TIME", "INTERVAL") => {
                let inner = take(child);
                replace(expr, own("skein_interval_time", vec![inner]));
            }
            ("INTERVAL", "TIME") => {
                let inner = take(child);
                replace(expr, own("skein_time_interval", vec![inner]));
            }
            _ => {}
        },
        ExprKind::Comparison { left, right, .. } => {
            compared(left, ty);
            compared(right, ty);
        }
        ExprKind::Between { lower, upper, .. } => {
            compared(lower, ty);
            compared(upper, ty);
        }
        ExprKind::Operator { children, .. } => {
            for child in children.iter_mut().skip(1) {
                compared(child, ty);
            }
        }
        _ => {}
    }
}

fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, node::null())
}

fn wrap(expr: &mut Expr, ty: &str) {
    let location = expr.location;
    let alias = std::mem::take(&mut expr.alias);
    let inner = take(expr);
    *expr = node::cast(inner, node::plain_type(ty));
    (expr.alias, expr.location) = (alias, location);
}

fn compared(expr: &mut Expr, ty: &str) {
    if is_foreign(expr)
        && let Some(with) = node::constant_text(expr).and_then(|text| constants::compared(text, ty))
    {
        replace(expr, with);
    }
}

/// `timezone(zone, operand)`: what `AT TIME ZONE` is.
fn zone(expr: &mut Expr, ty: &str) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    match ty {
        // PostgreSQL prefers timestamps with time zone.
        "DATE" | "VARCHAR" => wrap(&mut call.args[1], "TIMESTAMP WITH TIME ZONE"),
        "TIME" => wrap(&mut call.args[1], "TIME WITH TIME ZONE"),
        _ => {}
    }
    let offset = match &call.args[0].kind {
        ExprKind::Function(offset) if offset.schema == SCHEMA && offset.name == "skein_offset" => {
            offset.args.first().and_then(constant_integer)
        }
        _ => None,
    };
    let Some(seconds) = offset else { return };
    let utc = |operand| node::call("", "timezone", vec![node::text("UTC"), operand]);
    let operand = call.args.pop().unwrap_or_else(node::null);
    let shift = node::call("", "to_seconds", vec![Expr::integer(seconds)]);
    let with = match ty {
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => {
            utc(Expr::infix("-", operand, shift))
        }
        _ => Expr::infix("+", utc(operand), shift),
    };
    replace(expr, with);
}

/// `to_char`, if the template is a constant and has nothing that is not supported.
fn character(expr: &mut Expr, ty: &str) {
    let ExprKind::Function(call) = &expr.kind else {
        return;
    };
    let [operand, template] = call.args.as_slice() else {
        return;
    };
    let Some(template) = node::constant_text(template) else {
        return;
    };
    let cast = |ty: &str| node::cast(operand.clone(), node::plain_type(ty));
    let parts = template::parse(template);
    let with = match ty {
        "DATE" => to_char::compile(&cast("TIMESTAMP"), to_char::Kind::Timestamp, &parts),
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => {
            to_char::compile(operand, to_char::Kind::Timestamp, &parts)
        }
        "TIMESTAMP WITH TIME ZONE" => {
            to_char::compile(operand, to_char::Kind::TimestampTz, &parts)
        }
        "INTERVAL" => to_char::compile(operand, to_char::Kind::Interval, &parts),
        "TIME" => {
            let span = own("skein_time_interval", vec![operand.clone()]);
            to_char::compile(&span, to_char::Kind::Interval, &parts)
        }
        _ if is_number(ty) => numbers::compile(operand, template),
        _ => None,
    };
    if let Some(with) = with {
        replace(expr, with);
    }
}

fn is_number(ty: &str) -> bool {
    ty.starts_with("DECIMAL")
        || matches!(
            ty,
            "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT"
                | "UINTEGER" | "UBIGINT" | "UHUGEINT" | "FLOAT" | "DOUBLE"
        )
}
