//! `numeric` without a precision.
//!
//! PostgreSQL's keeps every digit. DuckDB reads `DECIMAL(18,3)`, which drops digits without a word.
//! DuckDB has no decimal of any scale, so the scale is chosen by what is cast:
//!
//! | Operand | Type |
//! |---|---|
//! | constant | just its digits |
//! | integer | all its digits, none after the point |
//! | decimal | its own |
//! | anything else | `DECIMAL(38,15)`: 15 digits after the point, the precision of a `double precision` |
//!
//! The tree does not tell `numeric` from `numeric(18,3)`; the text does. [`mark`] looks there and
//! marks the type, which then is `DECIMAL(38,15)`; [`super::settle`] chooses again once it knows
//! the operand's type. A parameter has a type of its own digits with each value, so whoever puts it in
//! takes a marked cast off.

use serde_json::{Value, json};

use super::operands::Ty;
use super::{arrays, node, tokens};
use crate::ast::{DataType, Expr, ExprKind};

/// Digits of DuckDB's widest decimal.
const DIGITS_MAX: usize = 38;
/// Digits after the point where nothing tells how many there are.
pub(super) const SCALE: usize = 15;
/// The key that marks a type in the tree; nothing prints it.
const MARK: &str = "skein_without_precision";

/// Gives `expr`, a cast to `numeric` without precision, a type that keeps digits. `text` is what
/// was parsed.
pub(super) fn mark(expr: &mut Expr, text: &str) {
    let location = expr.location;
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return;
    };
    let (decimal, is_list) = match ty.0["id"].as_str() {
        Some("DECIMAL") => (&mut ty.0, false),
        Some("LIST") => (&mut ty.0["type_info"]["child_type"], true),
        _ => return,
    };
    let info = &decimal["type_info"];
    if decimal["id"] != "DECIMAL" || info["width"] != 18 || info["scale"] != 3 {
        return;
    }
    let without_precision = match location {
        Some(location) => tokens::casts_without_precision(text, location),
        // `numeric '1.50'` stands nowhere in the tree.
        None => node::constant_text(child).is_some() && child.location.is_some(),
    };
    if !without_precision {
        return;
    }
    let own = match (node::constant_text(child), is_list) {
        (Some(text), false) => digits(text),
        (Some(text), true) => arrays::elements(text).and_then(|elements| {
            let all = elements.iter().flatten().map(|element| digits(element));
            all.collect::<Option<Vec<_>>>().map(|all| {
                all.into_iter().fold((1, 0), |(whole, scale), it| {
                    (whole.max(it.0), scale.max(it.1))
                })
            })
        }),
        _ => None,
    };
    if let Some((whole, scale)) = own {
        *decimal = decimal_type(whole, scale);
        if let Some(plain) = node::constant_text(child).and_then(plain) {
            child.kind = node::text(&plain).kind;
        }
    } else {
        *decimal = decimal_type(DIGITS_MAX - SCALE, SCALE);
        if !is_list {
            decimal[MARK] = Value::Bool(true);
        }
    }
}

/// Makes a number with an exponent, such as `1e3`, exact; DuckDB reads it as a float.
pub(super) fn constant(expr: &mut Expr, text: &str) {
    let ExprKind::Constant(constant) = &expr.kind else {
        return;
    };
    if constant.ty.id() != "DOUBLE" {
        return;
    }
    let Some(location) = expr.location else {
        return;
    };
    // A minus before it belongs to the constant; two are none.
    let is_negative = constant.value.as_f64().is_some_and(f64::is_sign_negative);
    let rest = text.get(location..).unwrap_or_default();
    let digits = rest.trim_start_matches(|c: char| c == '-' || c.is_whitespace());
    let sign = if is_negative { "-" } else { "" };
    let Some(written) = tokens::number(text, location + rest.len() - digits.len()) else {
        return;
    };
    if let Some(plain) = plain(&format!("{sign}{written}")) {
        let ty = of_text(&plain);
        expr.kind = node::cast(node::text(&plain), ty).kind;
    }
}

/// The text of a number with an exponent without it, if a decimal can hold it.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let (whole, scale) = digits(text)?;
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{before}{after}");
    let point = i64::try_from(before.len()).ok()? + i64::from(exponent);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let length = i64::try_from(all.len()).ok()?;
    let padded = format!("{}{all}{}", zeros(-point), zeros(point - length));
    let point = usize::try_from(point.max(0)).ok()?;
    let (before, after) = padded.split_at(point);
    debug_assert!(before.trim_start_matches('0').len() <= whole && after.len() == scale);
    let before = if before.is_empty() { "0" } else { before };
    Some(if after.is_empty() {
        format!("{sign}{before}")
    } else {
        format!("{sign}{before}.{after}")
    })
}

/// Writes a constant out that has a negative exponent, of which DuckDB would round up what leaves no digit.
pub(super) fn write_out(constant: &mut Expr) {
    let Some(text) = node::constant_text(constant).filter(|text| text.contains(['e', 'E'])) else {
        return;
    };
    constant.kind = match plain(text) {
        Some(plain) => node::text(&plain).kind,
        None => node::macro_call("skein_decimal_text", vec![node::text(text)]).kind,
    };
}

/// Whether `ty` is `numeric` without precision, and nothing has told yet how many digits it needs.
pub fn is_marked(ty: &DataType) -> bool {
    ty.0.get(MARK).is_some()
}

/// Settles a marked cast whose operand has DuckDB's type `operand`.
pub(super) fn settle(child: &mut Expr, ty: &mut DataType, operand: &str) {
    let operand = Ty::parse(operand);
    let digits = match operand {
        // Which of the two it will be is settled later.
        Ty::Float | Ty::Double => Some("skein_float_digits"),
        Ty::Text if !matches!(child.kind, ExprKind::Parameter(_)) => Some("skein_decimal_text"),
        _ => None,
    };
    if let Some(name) = digits {
        let inner = std::mem::replace(child, node::null());
        *child = node::macro_call(name, vec![inner]);
    } else if operand == Ty::Null {
        *ty = decimal(1, 0);
    } else if let Some((whole, scale)) = operand.digits() {
        *ty = decimal(whole, scale);
    }
}

/// The type of whole numbers of any length.
pub(super) fn whole() -> DataType {
    decimal(DIGITS_MAX, 0)
}

/// A decimal with so many digits before and after the point.
pub(super) fn decimal(whole: usize, scale: usize) -> DataType {
    DataType(decimal_type(whole, scale))
}

/// The type of a number that is written as `text`: just its digits, if it is one.
pub(super) fn of_text(text: &str) -> DataType {
    let (whole, scale) = digits(text).unwrap_or((DIGITS_MAX - SCALE, SCALE));
    // DuckDB writes no zero before the point of a decimal that has no room for one.
    decimal(whole.max(1).min(DIGITS_MAX - scale), scale)
}

fn decimal_type(whole: usize, scale: usize) -> Value {
    json!({ "id": "DECIMAL", "type_info": {
        "type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": null,
        "width": (whole + scale).max(1), "scale": scale } })
}

/// Digits before and after the point of a number's text; `None` when it is no number or has more
/// digits than a decimal can hold.
fn digits(text: &str) -> Option<(usize, usize)> {
    let text = text.trim();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let moved = |length: usize, by: i32| {
        usize::try_from(
            i64::try_from(length)
                .ok()?
                .saturating_add(i64::from(by))
                .max(0),
        )
        .ok()
    };
    let scale = moved(fraction.len(), exponent.checked_neg()?)?;
    let whole = moved(whole.trim_start_matches('0').len(), exponent)?;
    (whole + scale <= DIGITS_MAX).then_some((whole, scale))
}

#[cfg(test)]
mod tests {
    use super::{digits, plain};

    #[test]
    fn exponents_are_written_out() {
        for (text, wanted) in [
            ("1e3", Some("1000")),
            ("1.5E3", Some("1500")),
            ("-1.25e1", Some("-12.5")),
            ("1.5e-3", Some("0.0015")),
            ("12e0", Some("12")),
            ("0.00e2", Some("000")),
            ("1e40", None),
            ("12", None),
        ] {
            assert_eq!(plain(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn the_digits_of_a_number_are_counted() {
        for (text, wanted) in [
            ("1", Some((1, 0))),
            (" -12.50 ", Some((2, 2))),
            ("007", Some((1, 0))),
            (".5", Some((0, 1))),
            ("5.", Some((1, 0))),
            ("1e-3", Some((0, 3))),
            ("1.5e3", Some((4, 0))),
            ("0", Some((0, 0))),
            ("NaN", None),
            ("", None),
            (".", None),
            ("1e99", None),
            ("1e-2147483648", None),
        ] {
            assert_eq!(digits(text), wanted, "{text}");
        }
    }
}
