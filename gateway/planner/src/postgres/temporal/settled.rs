//! What depends on the types of operands, once they are known.
//!
//! | Expression | DuckDB | here, as in PostgreSQL |
//! |---|---|---|
//! | `date_trunc` of a date | `timestamp` | `timestamp with time zone` |
//! | `date_trunc` to an hour or less, of a moment | one hour where clocks show it twice | two |
//! | `extract(epoch from …)` of a date | a double | whole seconds |
//! | `AT TIME ZONE` with minutes of offset, or of a date | not supported, kept | a timestamp |
//! | `to_char` | not supported | by the template |
//! | `date_part('epoch', …)` of a time with a zone | of the time as written | of that in Greenwich |
//! | a time as one with a zone | in Greenwich | in the session's zone |
//! | an interval as text | `2 months` | `2 mons` |
//! | `date_bin` from a text | the text is a time zone | the text is a time |
//! | a text constant beside a date or interval | ISO 8601 only | every spelling |

use super::super::node;
use super::template;
use super::{
    MICROS_OF_HOUR, SCHEMA, constant_integer, constants, is_call, numbers, own, replace, to_char,
    unit_micros,
};
use crate::ast::{Expr, ExprKind, Function};

/// What the meaning of an expression depends on; `None` where it depends on no type.
pub(in super::super) fn operand(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Function(call) => match (call.name.as_str(), call.args.as_slice()) {
            (
                "skein_extract_epoch"
                | "skein_extract_julian"
                | "skein_extract_seconds"
                | "skein_extract_milliseconds"
                | "isfinite",
                [operand],
            )
            | ("skein_end", [_, operand])
            | (MINUS | PLUS | DIVIDE, [operand, _]) => Some(operand),
            ("date_trunc" | "datetrunc" | "timezone", [_, operand])
                if is_call(call, &call.name) =>
            {
                Some(operand)
            }
            ("skein_extract", [field, operand]) => time_unit(field).map(|_| operand),
            ("date_part", [field, operand]) if is_call(call, "date_part") => {
                is_epoch(field).then_some(operand)
            }
            ("date_bin", [_, operand, origin]) if is_text(origin) => Some(operand),
            ("to_char", [operand, _] | [operand, _, _]) if is_call(call, "to_char") => {
                Some(operand)
            }
            _ => None,
        },
        ExprKind::Cast { child, ty, .. } => match ty.id() {
            "VARCHAR" | "TIME" | "TIME WITH TIME ZONE" | "INTERVAL" if !is_constant(child) => {
                Some(child)
            }
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
        ExprKind::Operator { op, children }
            if matches!(op.as_str(), "COMPARE_IN" | "COMPARE_NOT_IN") =>
        {
            let (first, rest) = children.split_first()?;
            rest.iter().any(is_foreign).then_some(first)
        }
        _ => None,
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_string())
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
            "skein_extract_epoch" if ty != "TIME WITH TIME ZONE" => {
                let name = match ty {
                    "DATE" => "skein_extract_epoch_date",
                    "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => "skein_extract_epoch_timestamp",
                    _ => return,
                };
                name.clone_into(&mut call.name);
            }
            "skein_extract_epoch" if ty == "TIME WITH TIME ZONE" => {
                "skein_extract_epoch_timetz".clone_into(&mut call.name);
            }
            "skein_extract_seconds" | "skein_extract_milliseconds" if ty == "DATE" => {
                let unit = if call.name.ends_with("milliseconds") {
                    "milliseconds"
                } else {
                    "second"
                };
                replace(expr, no_unit(unit));
            }
            "skein_extract" if ty == "DATE" => {
                if let Some(unit) = time_unit(&call.args[0]) {
                    replace(expr, no_unit(unit));
                }
            }
            "skein_extract_julian" if ty == "DATE" => {
                "skein_extract_julian_date".clone_into(&mut call.name);
            }
            "date_part" if ty == "TIME WITH TIME ZONE" && is_epoch(&call.args[0]) => {
                let clock = take(&mut call.args[1]);
                let epoch = own("skein_extract_epoch_timetz", vec![clock]);
                replace(expr, node::cast(epoch, node::plain_type("DOUBLE")));
            }
            "date_trunc" | "datetrunc" => trunc(expr, ty),
            "skein_end" if ty == "INTERVAL" => {
                let span = call.args.pop().unwrap_or_else(node::null);
                let start = call.args.pop().unwrap_or_else(node::null);
                replace(expr, Expr::infix("+", start, span));
            }
            "isfinite" if ty == "INTERVAL" => {
                let span = call.args.pop().unwrap_or_else(node::null);
                replace(expr, own("skein_isfinite_interval", vec![span]));
            }
            "timezone" => zone(expr, ty),
            "date_bin" => bin(call, ty),
            "to_char" => character(expr, ty),
            _ => {}
        },
        ExprKind::Cast { child, ty: to, .. } => match (to.id(), ty) {
            ("VARCHAR", "INTERVAL") => {
                let inner = take(child);
                replace(expr, own("skein_interval_text", vec![inner]));
            }
            ("TIME", "TIMESTAMP WITH TIME ZONE") => wrap(child, "TIMESTAMP"),
            // The offset is that of the session's zone today.
            ("TIME WITH TIME ZONE", "TIME") => {
                let clock = take(child);
                let today = node::call("", "today", Vec::new());
                **child = Expr::infix("+", today, clock);
                wrap(child, "TIMESTAMP WITH TIME ZONE");
            }
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

/// Fields of a time, which dates have not, and PostgreSQL's names for them.
const TIME_UNITS: &[(&str, &str)] = &[
    ("hour", "hour"),
    ("minute", "minute"),
    ("microsecond", "microseconds"),
    ("microseconds", "microseconds"),
    ("timezone", "timezone"),
    ("timezone_hour", "timezone_hour"),
    ("timezone_minute", "timezone_minute"),
];

/// PostgreSQL's name of a field that only times have.
fn time_unit(field: &Expr) -> Option<&'static str> {
    let field = node::constant_text(field)?;
    let unit = TIME_UNITS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(field))?;
    Some(unit.1)
}

fn is_epoch(field: &Expr) -> bool {
    node::constant_text(field).is_some_and(|field| field.eq_ignore_ascii_case("epoch"))
}

/// Refuses a field that a date has not.
fn no_unit(unit: &str) -> Expr {
    own("skein_no_unit", vec![node::text(unit)])
}

/// Names of operators while the types of both operands are looked for.
const MINUS: &str = "skein_operator_minus";
const PLUS: &str = "skein_operator_plus";
const DIVIDE: &str = "skein_operator_divide";

/// Names an operator that DuckDB has not for all of PostgreSQL's types, so that it is settled.
pub(in super::super) fn mark_operator(expr: &mut Expr) -> bool {
    let ExprKind::Function(call) = &mut expr.kind else {
        return false;
    };
    if !call.is_operator || call.args.len() != 2 {
        return false;
    }
    let name = match call.name.as_str() {
        "-" => MINUS,
        "+" => PLUS,
        "/" => DIVIDE,
        _ => return false,
    };
    call.is_operator = false;
    name.clone_into(&mut call.name);
    true
}

/// Whether this may be the quotient of an interval, as far as the tree tells.
pub(in super::super) fn may_divide(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) if call.is_operator && call.name == "/" => {
            call.args.len() == 2 && may_be_span(&call.args[0])
        }
        _ => false,
    }
}

fn may_be_span(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::ColumnRef(_) => true,
        ExprKind::Cast { ty, .. } => ty.id() == "INTERVAL",
        ExprKind::Function(call) => match call.name.as_str() {
            "age" | "make_interval" | "skein_interval_divide" => true,
            "-" => call.args.iter().all(may_be_moment),
            "+" | "*" | "sum" | "avg" | "min" | "max" => call.args.iter().any(may_be_span),
            _ => false,
        },
        _ => false,
    }
}

fn may_be_moment(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::ColumnRef(_) | ExprKind::Cast { .. } | ExprKind::Function(_)
    )
}

/// Makes the quotient of an interval by a number.
pub(in super::super) fn divide(expr: &mut Expr) {
    if let ExprKind::Function(call) = &mut expr.kind {
        let args = std::mem::take(&mut call.args);
        replace(expr, own("skein_interval_divide", args));
    }
}

/// The operands of an operator that was named.
pub(in super::super) fn marked_operands(expr: &Expr) -> Option<(&Expr, &Expr)> {
    match &expr.kind {
        ExprKind::Function(call) if matches!(call.name.as_str(), MINUS | PLUS | DIVIDE) => {
            match call.args.as_slice() {
                [left, right] => Some((left, right)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Gives a named operator its meaning for operands of these types, or its own name again.
pub(in super::super) fn operator(expr: &mut Expr, left: Option<&str>, right: Option<&str>) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let span = |operand| own("skein_time_interval", vec![operand]);
    let mut operands = std::mem::take(&mut call.args).into_iter();
    let (Some(a), Some(b)) = (operands.next(), operands.next()) else {
        return;
    };
    let with = match (call.name.as_str(), left, right) {
        (MINUS, Some("TIME"), Some("TIME")) => Expr::infix("-", span(a), span(b)),
        (MINUS, _, Some("TIME")) => Expr::infix("-", a, span(b)),
        (PLUS, Some("TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" | "INTERVAL"), Some("TIME")) => {
            Expr::infix("+", a, span(b))
        }
        (PLUS, Some("TIME"), Some("TIMESTAMP" | "TIMESTAMP WITH TIME ZONE")) => {
            Expr::infix("+", span(a), b)
        }
        (DIVIDE, Some("INTERVAL"), _) => own("skein_interval_divide", vec![a, b]),
        (MINUS, ..) => Expr::infix("-", a, b),
        (PLUS, ..) => Expr::infix("+", a, b),
        _ => Expr::infix("/", a, b),
    };
    replace(expr, with);
}

/// A date is cut as a timestamp with time zone, and centuries begin with their first year.
fn trunc(expr: &mut Expr, ty: &str) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let unit = node::constant_text(&call.args[0]).map(str::to_ascii_lowercase);
    // The plural says that this is done: an expression may be settled twice.
    let plural = match unit.as_deref() {
        Some("century" | "c") => Some("centuries"),
        Some("millennium" | "mil") => Some("millennia"),
        _ => None,
    };
    if let Some(plural) = plural
        && ty != "INTERVAL"
    {
        call.args[0] = node::text(plural);
        let year = || node::call("", "to_years", vec![Expr::integer(1)]);
        let moment = take(&mut call.args[1]);
        call.args[1] = Expr::infix("-", moment, year());
        let inner = Expr {
            kind: std::mem::replace(&mut expr.kind, ExprKind::Default),
            alias: String::new(),
            location: expr.location,
        };
        replace(expr, Expr::infix("+", inner, year()));
    }
    match ty {
        "DATE" => wrap(expr, "TIMESTAMP WITH TIME ZONE"),
        "TIMESTAMP WITH TIME ZONE" => {
            if let Some(micros) = unit.as_deref().and_then(unit_micros) {
                within_hour(expr, micros);
            }
        }
        "TIME" => {
            if let ExprKind::Function(call) = &mut expr.kind {
                let clock = take(&mut call.args[1]);
                call.args[1] = own("skein_time_interval", vec![clock]);
            }
        }
        _ => {}
    }
}

/// Cuts a moment to an hour or less without asking which of two equal hours it is in.
fn within_hour(expr: &mut Expr, micros: i64) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let moment = take(&mut call.args[1]);
    let unit = take(&mut call.args[0]);
    let with = node::once(moment, |moment| {
        if micros == MICROS_OF_HOUR {
            own("skein_trunc_hour", vec![moment])
        } else {
            let micros = node::integer("BIGINT", micros);
            own("skein_trunc_micros", vec![unit, moment, micros])
        }
    });
    replace(expr, with);
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

/// An origin without a type is what the binned times are. DuckDB takes it for a time zone.
fn bin(call: &mut Function, ty: &str) {
    let ty = if ty.starts_with("TIMESTAMP") && !ty.ends_with("ZONE") {
        "TIMESTAMP"
    } else {
        "TIMESTAMP WITH TIME ZONE"
    };
    let origin = take(&mut call.args[2]);
    let read = node::constant_text(&origin).and_then(|text| constants::compared(text, ty));
    call.args[2] = read.unwrap_or_else(|| node::cast(origin, node::plain_type(ty)));
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

/// `to_char` of an operand whose type cannot be told, as in a correlated subquery: by what stands in
/// the template.
pub(in super::super) fn unknown(expr: &mut Expr) {
    let ExprKind::Function(call) = &expr.kind else {
        return;
    };
    let ([operand, template, zones @ ..], "to_char") = (call.args.as_slice(), call.name.as_str())
    else {
        return;
    };
    let Some(template) = node::constant_text(template) else {
        return;
    };
    let with = if template.contains(['9', '0']) {
        numbers::compile(operand, template, false)
    } else {
        to_char::compile(
            operand,
            to_char::Kind::TimestampTz,
            &template::parse(template),
            zones.first().and_then(node::constant_text),
        )
    };
    if let Some(with) = with {
        replace(expr, with);
    }
}

/// `to_char`, if the template is a constant and has nothing that is not supported.
fn character(expr: &mut Expr, ty: &str) {
    let ExprKind::Function(call) = &expr.kind else {
        return;
    };
    let [operand, template, zones @ ..] = call.args.as_slice() else {
        return;
    };
    let Some(template) = node::constant_text(template) else {
        return;
    };
    let zones = zones.first().and_then(node::constant_text);
    let cast = |ty: &str| node::cast(operand.clone(), node::plain_type(ty));
    let parts = template::parse(template);
    let with = match ty {
        "DATE" if zones.is_some() => {
            let operand = cast("TIMESTAMP WITH TIME ZONE");
            to_char::compile(&operand, to_char::Kind::TimestampTz, &parts, zones)
        }
        "DATE" => to_char::compile(&cast("TIMESTAMP"), to_char::Kind::Timestamp, &parts, None),
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => {
            to_char::compile(operand, to_char::Kind::Timestamp, &parts, None)
        }
        "TIMESTAMP WITH TIME ZONE" => {
            to_char::compile(operand, to_char::Kind::TimestampTz, &parts, zones)
        }
        "INTERVAL" => to_char::compile(operand, to_char::Kind::Interval, &parts, None)
            .or_else(|| Some(own("skein_no_date", vec![operand.clone()]))),
        "TIME" => {
            let span = own("skein_time_interval", vec![operand.clone()]);
            to_char::compile(&span, to_char::Kind::Interval, &parts, None)
        }
        _ if crate::aggregates::is_number(ty) => {
            numbers::compile(operand, template, matches!(ty, "DOUBLE" | "FLOAT"))
        }
        _ => None,
    };
    if let Some(with) = with {
        replace(expr, with);
    }
}
