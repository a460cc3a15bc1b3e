//! Constants of dates, times and intervals, and names of zones.

use serde_json::Value;

use super::super::spelling::interval::{self, Span, Unit};
use super::super::spelling::moment::{self, Kind, Moment};
use super::super::spelling::{Fault, FieldOrder, SpellingError, zones};
use super::super::{Context, RewriteError, node, tokens};
use super::{own, replace};
use crate::ast::{DataType, Expr, ExprKind};

/// PostgreSQL's code for an interval of all fields, which DuckDB's parser keeps as a modifier.
const ALL_FIELDS: i64 = 32_767;

/// Reads the constant of a cast to a date, a time or an interval, and rounds it to the precision
/// that the type names.
pub(in super::super) fn cast(expr: &mut Expr, context: &mut Context<'_>) {
    let ExprKind::Cast { ty, .. } = &mut expr.kind else {
        return;
    };
    let precision = take_precision(ty);
    let id = ty.id().to_owned();
    if let Some(error) = read(expr, &id, context) {
        context.error.get_or_insert(error);
    }
    if let Some(precision) = precision.filter(|digits| *digits < 6) {
        round(expr, &id, precision);
    }
}

/// Gives a constant without a type one.
pub(super) fn untyped(
    expr: &mut Expr,
    ty: &str,
    context: &mut Context<'_>,
) -> Option<RewriteError> {
    if !is_text_constant(expr) {
        return None;
    }
    let inner = std::mem::replace(expr, node::null());
    let location = inner.location;
    *expr = node::cast(inner, node::plain_type(ty));
    expr.location = location;
    read(expr, ty, context)
}

/// Gives constants without a type in the rows of VALUES that of a date or the like which stands in the same column.
pub(in super::super) fn columns(rows: &mut [Vec<Expr>], context: &mut Context<'_>) {
    let count = rows.first().map_or(0, Vec::len);
    for at in 0..count {
        let values = || rows.iter().filter_map(|row| row.get(at));
        if !values().any(is_text_constant) {
            continue;
        }
        let order = ["INTERVAL", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE"];
        let is = |wanted: &&str| {
            values()
                .any(|value| matches!(&value.kind, ExprKind::Cast { ty, .. } if ty.id() == *wanted))
        };
        let Some(wanted) = order.into_iter().find(is) else {
            continue;
        };
        for value in rows.iter_mut().filter_map(|row| row.get_mut(at)) {
            if let Some(error) = untyped(value, wanted, context) {
                context.error.get_or_insert(error);
            }
        }
    }
}

/// Whether an expression is a constant without a type that an interval is written like.
pub(super) fn is_interval(expr: &Expr) -> bool {
    is_text_constant(expr)
        && node::constant_text(expr).is_some_and(|text| {
            text.contains(|c: char| c.is_ascii_alphabetic() || c == ':')
                && interval::read(text, Unit::Second, false).is_ok()
        })
}

fn is_text_constant(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_string())
}

/// The precision of a type such as `timestamptz(3)`, which DuckDB's parser leaves to the binder;
/// the type becomes the plain one.
fn take_precision(ty: &mut DataType) -> Option<i64> {
    let name = node::user_type(&ty.0)?.to_owned();
    let plain = match name.as_str() {
        "TIME" | "TIME WITH TIME ZONE" | "TIMESTAMP WITH TIME ZONE" | "INTERVAL" => name,
        _ => return None,
    };
    let modifiers = ty.0["type_info"]["user_type_modifiers"].as_array()?;
    let numbers: Vec<i64> = modifiers.iter().filter_map(modifier).collect();
    let precision = match numbers.as_slice() {
        [digits] if *digits != ALL_FIELDS || plain != "INTERVAL" => Some(*digits),
        [_, digits] => Some(*digits),
        _ => None,
    };
    *ty = node::plain_type(&plain);
    precision.map(|digits| digits.clamp(0, 6))
}

/// The number in a type's modifier, which is a constant of its own.
fn modifier(value: &Value) -> Option<i64> {
    let inner = &value["value"];
    inner["value"].as_i64().or_else(|| inner.as_i64())
}

fn round(expr: &mut Expr, id: &str, digits: i64) {
    let name = match id {
        "TIMESTAMP WITH TIME ZONE" => "skein_round_timestamp",
        "TIME" => "skein_round_time",
        "TIME WITH TIME ZONE" => "skein_round_timetz",
        _ => "skein_round_interval",
    };
    let inner = Expr {
        kind: std::mem::replace(&mut expr.kind, ExprKind::Default),
        alias: String::new(),
        location: expr.location,
    };
    replace(expr, own(name, vec![inner, Expr::integer(digits)]));
}

/// Puts the constant below a cast into DuckDB's spelling.
fn read(expr: &mut Expr, id: &str, context: &mut Context<'_>) -> Option<RewriteError> {
    let ExprKind::Cast { child, .. } = &mut expr.kind else {
        return None;
    };
    if !is_text_constant(child) {
        return None;
    }
    let position = child.location;
    let text = node::constant_text(child)?.to_owned();
    let fail = |fault, ty| {
        Some(RewriteError::Spelling {
            error: SpellingError {
                fault,
                ty,
                text: text.clone(),
            },
            position,
        })
    };
    if id == "INTERVAL" {
        let fields = position.and_then(|at| tokens::fields_of_interval(context.text, at));
        let read = match fields {
            Some(fields) => read_fields(&text, fields, context),
            None => read_interval(&text, Unit::Second, context),
        };
        return match read {
            Ok(read) => {
                child.kind = node::text(&read).kind;
                None
            }
            Err(fault) => fail(fault, "interval"),
        };
    }
    let kind = Kind::of_duckdb(id)?;
    match read_moment(kind, &text, context) {
        Ok(Moment::Text(text)) => child.kind = node::text(&text).kind,
        Ok(other) => {
            let with = current(&other, kind);
            replace(expr, with);
        }
        Err(fault) => return fail(fault, kind.name()),
    }
    None
}

/// Reads an interval; the style of the session matters for few texts only.
pub(in super::super) fn read_interval(
    text: &str,
    last: Unit,
    context: &mut Context<'_>,
) -> Result<String, Fault> {
    read_span(text, last, context).map(|span| span.text())
}

/// Reads an interval that has just these fields, as in `INTERVAL '1 2' DAY TO HOUR`.
fn read_fields(
    text: &str,
    (from, to, digits): (char, char, Option<u32>),
    context: &mut Context<'_>,
) -> Result<String, Fault> {
    let last = match to {
        'y' => Unit::Year,
        'o' => Unit::Month,
        'd' => Unit::Day,
        'h' => Unit::Hour,
        'm' => Unit::Minute,
        _ => Unit::Second,
    };
    let span = if (from, to) == ('m', 's') {
        read_span(&interval::minutes_first(text), last, context)?
    } else {
        read_span(text, last, context)?
    };
    let span = span.down_to(last);
    Ok(digits.map_or(span, |digits| span.rounded(digits)).text())
}

fn read_span(text: &str, last: Unit, context: &mut Context<'_>) -> Result<Span, Fault> {
    let plain = interval::read(text, last, false);
    let mut result = plain;
    if text.trim_start().starts_with('-') {
        let spread = interval::read(text, last, true);
        if spread != plain {
            let style = context.setting("IntervalStyle");
            if style.is_some_and(|style| style.eq_ignore_ascii_case("sql_standard")) {
                result = spread;
            }
        }
    }
    result
}

/// Reads a date or time; the order of the session matters for few texts only.
fn read_moment(kind: Kind, text: &str, context: &mut Context<'_>) -> Result<Moment, Fault> {
    let orders = [FieldOrder::Mdy, FieldOrder::Dmy, FieldOrder::Ymd];
    let readings = orders.map(|order| moment::read(kind, text, order));
    let [first, rest @ ..] = &readings;
    if rest.iter().all(|reading| reading == first) {
        return first.clone();
    }
    let style = context.setting("DateStyle").unwrap_or_default();
    moment::read(kind, text, FieldOrder::of_style(&style))
}

/// What `now` and `today` mean, of the type that is wanted.
pub(super) fn current(moment: &Moment, kind: Kind) -> Expr {
    let cast = |expr, ty: &str| node::cast(expr, node::plain_type(ty));
    let ty = match kind {
        Kind::Date => "DATE",
        Kind::Time => "TIME",
        Kind::TimeTz => "TIME WITH TIME ZONE",
        Kind::Timestamp => "TIMESTAMP",
        Kind::TimestampTz => "TIMESTAMP WITH TIME ZONE",
    };
    match moment {
        Moment::Text(text) => cast(node::text(text), ty),
        Moment::Now => {
            let now = node::call("", "now", Vec::new());
            match kind {
                Kind::Time => cast(cast(now, "TIMESTAMP"), ty),
                _ => cast(now, ty),
            }
        }
        Moment::Day { after, time } => {
            let today = node::call("", "today", Vec::new());
            let day = match after {
                0 => today,
                after => Expr::infix("+", today, Expr::integer((*after).into())),
            };
            match time {
                None => cast(day, ty),
                Some(time) => {
                    let text =
                        Expr::infix("||", cast(day, "VARCHAR"), node::text(&format!(" {time}")));
                    cast(text, ty)
                }
            }
        }
    }
}

/// Whether DuckDB would read a text otherwise than PostgreSQL, or not at all, where it is compared
/// with something of a date's or interval's type. In doubt it would.
pub(in super::super) fn is_foreign(text: &str) -> bool {
    let is_plain = {
        let bytes = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| {
            bytes
                .get(range)
                .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
        };
        let at = |index: usize, byte: u8| bytes.get(index) == Some(&byte);
        let date = digits(0..4) && at(4, b'-') && digits(5..7) && at(7, b'-') && digits(8..10);
        let time = |from: usize| {
            digits(from..from + 2)
                && at(from + 2, b':')
                && digits(from + 3..from + 5)
                && at(from + 5, b':')
                && digits(from + 6..from + 8)
        };
        let end = |from: usize| {
            let rest = text.get(from..).unwrap_or_default();
            let rest = rest.strip_prefix('.').map_or(rest, |rest| {
                rest.trim_start_matches(|c: char| c.is_ascii_digit())
            });
            matches!(rest, "" | "Z" | "+00")
        };
        (date && (bytes.len() == 10 || (time(11) && end(19)))) || (time(0) && end(8))
    };
    let can_be_read = || {
        moment::read(Kind::TimestampTz, text, FieldOrder::Mdy).is_ok()
            || moment::read(Kind::TimestampTz, text, FieldOrder::Dmy).is_ok()
            || moment::read(Kind::Time, text, FieldOrder::Mdy).is_ok()
            || interval::read(text, Unit::Second, false).is_ok()
    };
    !is_plain && can_be_read()
}

/// Reads a text that is compared with something of DuckDB's type `ty`; `None` where it keeps its
/// meaning.
pub(in super::super) fn compared(text: &str, ty: &str) -> Option<Expr> {
    if ty == "INTERVAL" {
        let span = interval::read(text, Unit::Second, false).ok()?;
        return Some(node::cast(node::text(&span.text()), node::plain_type(ty)));
    }
    let kind = Kind::of_duckdb(ty)?;
    let read = moment::read(kind, text, FieldOrder::Mdy).ok()?;
    Some(current(&read, kind))
}

/// Rewrites the name of a zone: abbreviations and offsets, whose sign is that of POSIX, become what
/// DuckDB knows; see [`super::settled`] for offsets that are no whole hours.
pub(super) fn zone(expr: &mut Expr) {
    let seconds = match &expr.kind {
        ExprKind::Constant(_) => {
            let Some(seconds) = node::constant_text(expr).and_then(offset_of) else {
                return;
            };
            seconds
        }
        ExprKind::Cast { child, ty, .. } if ty.id() == "INTERVAL" => {
            let text = node::constant_text(child);
            let Some(span) = text.and_then(|text| interval::read(text, Unit::Second, false).ok())
            else {
                return;
            };
            let Ok(seconds) = i32::try_from(span.micros / 1_000_000) else {
                return;
            };
            if span.months != 0 || span.days != 0 {
                return;
            }
            seconds
        }
        ExprKind::Function(call) if call.name == "to_hours" => {
            let Some(hours) = call.args.first().and_then(whole_number) else {
                return;
            };
            hours * 3600
        }
        _ => return,
    };
    let with = if seconds % 3600 == 0 && (-14..=12).contains(&(-seconds / 3600)) {
        let hours = seconds / 3600;
        match hours {
            0 => node::text("UTC"),
            // The names of these zones have the sign of POSIX.
            hours => node::text(&format!(
                "Etc/GMT{}{}",
                if hours < 0 { '+' } else { '-' },
                hours.abs()
            )),
        }
    } else {
        own("skein_offset", vec![Expr::integer(seconds.into())])
    };
    replace(expr, with);
}

/// The number in DuckDB's form of `INTERVAL '3' HOUR`.
fn whole_number(expr: &Expr) -> Option<i32> {
    match &expr.kind {
        ExprKind::Cast { child, .. } => whole_number(child),
        ExprKind::Function(call) if call.name == "trunc" => whole_number(call.args.first()?),
        _ => node::constant_text(expr).and_then(|text| text.trim().parse().ok()),
    }
}

/// Seconds east of Greenwich of a zone that is no name: `EST`, `+02`, `UTC-3`, `<-05>+05`.
fn offset_of(text: &str) -> Option<i32> {
    let text = text.trim();
    if let Some(seconds) = zones::abbreviation(&text.to_ascii_lowercase()) {
        return Some(seconds);
    }
    let rest = match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>')?.1,
        None => text.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    let (sign, digits) = match rest.split_at_checked(1)? {
        ("-", digits) => (-1, digits),
        ("+", digits) => (1, digits),
        _ => (1, rest),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut parts = digits.split(':');
    let mut part = || {
        parts
            .next()
            .map_or(Some(0), |part| part.parse::<i32>().ok())
    };
    let (hours, minutes, seconds) = (part()?, part()?, part()?);
    if parts.next().is_some() || hours > 167 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(-sign * (hours * 3600 + minutes * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_the_sign_of_posix() {
        for (text, wanted) in [
            ("EST", Some(-18_000)),
            ("+05", Some(-18_000)),
            ("-03:30", Some(12_600)),
            ("UTC+3", Some(-10_800)),
            ("<-05>+05", Some(-18_000)),
            ("America/New_York", None),
            ("Europe/Berlin", None),
            ("nowhere", None),
        ] {
            assert_eq!(offset_of(text), wanted, "{text}");
        }
    }

    #[test]
    fn plain_constants_stay_as_they_are() {
        for text in [
            "2026-01-05",
            "2026-01-05 10:00:00",
            "2026-01-05T10:00:00.123Z",
            "10:00:00",
            "buy",
            "Customer 1",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
        for text in [
            "Jan 5 2026",
            "today",
            "2026-01-05 10:00 PM",
            "1-2",
            "2026-01-05T10:00",
        ] {
            assert!(is_foreign(text), "{text}");
        }
    }
}
