//! Dates, times and intervals: what PostgreSQL means by their constants, functions and templates.
//!
//! ```text
//! tree ─► rewrite: constants, extract, now …  ─► resolve ─► settle: what depends on types
//!         (this module, constants)                          (settled, to_char)
//! ```
//!
//! DuckDB's own functions do the work wherever they mean the same; macros of the schema `skein_fn`
//! where they do not. Nothing is computed here.

pub(super) mod constants;
mod from_number;
pub(super) mod from_text;
mod gaps;
pub(super) mod numbers;
pub(super) mod settled;
mod spans;
pub(super) mod template;
pub(super) mod to_char;

use serde_json::Value;

use super::{Context, RewriteError, node};
use crate::ast::{Constant, Expr, ExprKind, Function};

/// The schema of Skein's own macros.
pub(super) const SCHEMA: &str = "skein_fn";

/// Calls one of Skein's macros.
pub(super) fn own(name: &str, args: Vec<Expr>) -> Expr {
    node::call(SCHEMA, name, args)
}

/// Whether a call is PostgreSQL's function `name`, or what it has become when names are resolved.
fn is_call(call: &Function, name: &str) -> bool {
    matches!(call.schema.as_str(), "" | "pg_catalog" | SCHEMA)
        && !call.is_operator
        && call.name.eq_ignore_ascii_case(name)
}

/// Replaces an expression by one that stands in the same place.
fn replace(expr: &mut Expr, mut with: Expr) {
    with.alias = std::mem::take(&mut expr.alias);
    with.location = expr.location;
    *expr = with;
}

/// An integer constant.
fn constant_integer(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Constant(Constant {
            value: Value::Number(number),
            ..
        }) => number.as_i64(),
        _ => None,
    }
}

/// Rewrites calls whose meaning does not depend on types.
pub(super) fn function(expr: &mut Expr, context: &mut Context<'_>) {
    let location = expr.location;
    spans::split(expr);
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog") {
        return;
    }
    match (call.name.to_ascii_lowercase().as_str(), call.args.len()) {
        ("date_part" | "datepart", 2) if written_as(context.text, location, "extract") => {
            extract(expr);
        }
        ("age", 1) if super::catalogue::is_transaction(&call.args[0], context) => {
            "skein_age".clone_into(&mut call.name);
            skein_catalog::system::PG_SCHEMA.clone_into(&mut call.schema);
            context.found.catalogue = true;
            if expr.alias.is_empty() {
                "age".clone_into(&mut expr.alias);
            }
        }
        ("age", 1) => {
            let today = node::cast(
                node::call("", "today", Vec::new()),
                node::plain_type("TIMESTAMP"),
            );
            call.args.insert(0, today);
        }
        ("timezone", 2) => constants::zone(&mut call.args[0]),
        ("current_timestamp" | "localtimestamp" | "current_time" | "localtime", 1) => {
            clock_with_precision(expr);
        }
        ("date_bin", 3) | ("justify_days" | "justify_hours" | "justify_interval", 1) => {
            // A span without a type is an interval.
            if let Some(error) = constants::untyped(&mut call.args[0], "INTERVAL", context) {
                context.error.get_or_insert(error);
            }
        }
        ("date_trunc", 3) => trunc_in_zone(expr),
        ("to_char", 2) if names_zone(&call.args[1]) => {
            context.found.session = true;
            let names = context.facts.zone_abbreviations();
            let names = names
                .iter()
                .map(|(offset, name)| format!("{offset}={name}"));
            call.args
                .push(node::text(&names.collect::<Vec<_>>().join(" ")));
        }
        ("generate_series", 3) => {
            if constants::is_interval(&call.args[2]) {
                constants::untyped(&mut call.args[2], "INTERVAL", context);
            }
            // A series of dates is one of timestamps with time zone, wherever it stands.
            for arg in call.args.iter_mut().take(2) {
                if is_date(arg) {
                    let date = std::mem::replace(arg, node::null());
                    *arg = node::cast(date, node::plain_type("TIMESTAMP WITH TIME ZONE"));
                }
            }
        }
        ("overlaps", 4) => {
            for at in [1, 3] {
                let end = std::mem::replace(&mut call.args[at], node::null());
                let start = call.args[at - 1].clone();
                call.args[at] = own("skein_end", vec![start, end]);
            }
        }
        ("statement_timestamp" | "transaction_timestamp" | "clock_timestamp", 0) => {
            replace(expr, node::call("", "now", Vec::new()));
        }
        ("timeofday", 0) => {
            let format = node::text("%a %b %d %H:%M:%S.%f %Y %Z");
            let now = node::call("", "now", Vec::new());
            replace(expr, node::call("", "strftime", vec![now, format]));
        }
        ("to_date" | "to_timestamp" | "to_number", 2) => {
            let result = from_text::compile(call);
            match result {
                Ok(with) => replace(expr, with),
                Err(error) => {
                    let position = location;
                    context.error.get_or_insert(match error {
                        from_text::CompileError::NotConstant(function) => {
                            RewriteError::NotConstant { function, position }
                        }
                    });
                }
            }
        }
        _ => {}
    }
}

/// Whether a template writes what the zone is called.
fn names_zone(template: &Expr) -> bool {
    let parts = node::constant_text(template).map(template::parse);
    parts.is_some_and(|parts| {
        parts.iter().any(|part| {
            matches!(part, template::Part::Field(field) if field.name.eq_ignore_ascii_case("TZ"))
        })
    })
}

/// Whether an expression is a date, as far as the tree tells.
fn is_date(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Cast { ty, .. } => ty.id() == "DATE",
        ExprKind::ColumnRef(names) => {
            matches!(names.as_slice(), [name] if name.eq_ignore_ascii_case("current_date"))
        }
        ExprKind::Function(call) => call.name == "today" && call.args.is_empty(),
        _ => false,
    }
}

/// `date_trunc(unit, moment, zone)`: in the zone's own time.
fn trunc_in_zone(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let (Some(mut zone), Some(moment)) = (call.args.pop(), call.args.pop()) else {
        return;
    };
    let Some(unit) = call.args.pop() else { return };
    constants::zone(&mut zone);
    let micros = node::constant_text(&unit).and_then(unit_micros);
    let moment = node::cast(moment, node::plain_type("TIMESTAMP WITH TIME ZONE"));
    let with = node::once(moment, |moment| {
        let local = node::call("", "timezone", vec![zone.clone(), moment.clone()]);
        let cut = node::call("", "date_trunc", vec![unit, local.clone()]);
        let cut = node::call("", "timezone", vec![zone, cut]);
        match micros {
            Some(micros) => own(
                "skein_trunc_local",
                vec![moment, local, node::integer("BIGINT", micros), cut],
            ),
            None => cut,
        }
    });
    replace(expr, with);
}

/// Microseconds of an hour and of what is shorter, by any of PostgreSQL's names.
fn unit_micros(unit: &str) -> Option<i64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "hour" | "hours" | "hr" | "hrs" | "h" => MICROS_OF_HOUR,
        "minute" | "minutes" | "min" | "mins" | "m" => 60_000_000,
        "second" | "seconds" | "sec" | "secs" | "s" => 1_000_000,
        "millisecond" | "milliseconds" | "msec" | "msecs" | "msecond" | "mseconds" => 1_000,
        _ => return None,
    })
}

const MICROS_OF_HOUR: i64 = 3_600_000_000;

/// Whether the text has `word` at a position.
fn written_as(text: &str, location: Option<usize>, word: &str) -> bool {
    location
        .and_then(|at| text.as_bytes().get(at..at + word.len()))
        .is_some_and(|written| written.eq_ignore_ascii_case(word.as_bytes()))
}

/// `extract` gives a numeric, with as many digits after the point as the field can have.
fn extract(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let Some(field) = node::constant_text(&call.args[0]).map(str::to_ascii_lowercase) else {
        return;
    };
    let name = match field.as_str() {
        "epoch" => "skein_extract_epoch",
        "second" | "seconds" | "sec" | "secs" | "s" => "skein_extract_seconds",
        "millisecond" | "milliseconds" | "msec" | "msecs" | "ms" => "skein_extract_milliseconds",
        "julian" | "jd" | "j" => "skein_extract_julian",
        _ => {
            "skein_extract".clone_into(&mut call.name);
            SCHEMA.clone_into(&mut call.schema);
            return;
        }
    };
    let operand = call.args.remove(1);
    replace(expr, own(name, vec![operand]));
}

/// `current_timestamp(3)`: the clock, rounded.
fn clock_with_precision(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let Some(precision) = constant_integer(&call.args[0]) else {
        return;
    };
    let name = call.name.to_ascii_lowercase();
    let clock = Expr::column([name.clone()]);
    let rounding = match name.as_str() {
        "current_timestamp" | "localtimestamp" => "skein_round_timestamp",
        "current_time" => "skein_round_timetz",
        _ => "skein_round_time",
    };
    let rounded = own(rounding, vec![clock, Expr::integer(precision.clamp(0, 6))]);
    replace(expr, rounded);
}
