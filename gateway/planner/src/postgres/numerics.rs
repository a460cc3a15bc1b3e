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
//! the operand's type.

use serde_json::{Value, json};

use super::{arrays, node, tokens};
use crate::ast::{DataType, Expr, ExprKind};

/// Digits of DuckDB's widest decimal.
const DIGITS_MAX: usize = 38;
/// Digits after the point where nothing tells how many there are.
const SCALE: usize = 15;
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
    if !location.is_some_and(|location| tokens::casts_without_precision(text, location)) {
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
    } else {
        *decimal = decimal_type(DIGITS_MAX - SCALE, SCALE);
        if !is_list {
            decimal[MARK] = Value::Bool(true);
        }
    }
}

/// Whether `ty` was marked.
pub(super) fn is_marked(ty: &DataType) -> bool {
    ty.0.get(MARK).is_some()
}

/// Settles a marked cast whose operand has DuckDB's type `operand`.
pub(super) fn settle(child: &mut Expr, ty: &mut DataType, operand: &str) {
    let digits = match operand {
        "TINYINT" | "UTINYINT" => 3,
        "SMALLINT" | "USMALLINT" => 5,
        "INTEGER" | "UINTEGER" => 10,
        "BIGINT" => 19,
        "UBIGINT" => 20,
        "HUGEINT" | "UHUGEINT" => DIGITS_MAX,
        // As text a float has just the digits that tell it from its neighbours.
        "FLOAT" | "DOUBLE" => {
            let inner = std::mem::replace(child, node::null());
            *child = node::cast(inner, node::plain_type("VARCHAR"));
            return;
        }
        _ => {
            if let Some((width, scale)) = parse(operand) {
                *ty = DataType(decimal_type(width - scale.min(width), scale));
            }
            return;
        }
    };
    *ty = DataType(decimal_type(digits, 0));
}

/// The type of whole numbers of any length.
pub(super) fn whole() -> DataType {
    DataType(decimal_type(DIGITS_MAX, 0))
}

/// Width and scale of `DECIMAL(w,s)`.
fn parse(ty: &str) -> Option<(usize, usize)> {
    let (width, scale) = ty
        .strip_prefix("DECIMAL(")?
        .strip_suffix(')')?
        .split_once(',')?;
    Some((width.trim().parse().ok()?, scale.trim().parse().ok()?))
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
    use super::digits;

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
