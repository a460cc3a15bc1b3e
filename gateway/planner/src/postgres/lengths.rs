//! `varchar(n)`, `char(n)` and `bit(n)`, whose lengths DuckDB's parser reads and forgets.
//!
//! | PostgreSQL | becomes |
//! |---|---|
//! | `x::varchar(3)` | `left(CAST(x AS VARCHAR), 3)` |
//! | `x::char(3)` as a result column | the same, filled with blanks |
//! | `x::char(3)` elsewhere | the same without blanks at its end, which PostgreSQL does not see there |
//! | `x::bit(3)` | the first three bits of a text or bit string, the last of a number |

use super::{node, tokens};
use crate::ast::{Expr, ExprKind};

/// What a cast to a text type does beside casting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    AtMost(i64),
    Exactly(i64),
}

/// `atttypmod` of what `expr` casts to a type with a length.
pub(crate) fn typmod(expr: &Expr, text: &str) -> Option<i32> {
    let (Length::AtMost(length) | Length::Exactly(length)) = length(expr, text)?;
    i32::try_from(length).ok()?.checked_add(4)
}

/// Cuts what `expr` casts to a type with a length; whether it did.
pub(super) fn truncate(expr: &mut Expr, text: &str) -> bool {
    let Some(length) = length(expr, text) else {
        return false;
    };
    let (kept, is_char) = match length {
        Length::AtMost(kept) => (kept, false),
        Length::Exactly(kept) => (kept, true),
    };
    replace(expr, |inner| {
        let cut = cut(inner, kept);
        if is_char { trimmed(cut) } else { cut }
    });
    true
}

/// Gives what `expr` casts to a bit string PostgreSQL's bits; whether it is such a cast.
pub(super) fn bits(expr: &mut Expr, text: &str) -> bool {
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return false;
    };
    if ty.id() != "BIT" && node::user_type(&ty.0) != Some("varbit") {
        return false;
    }
    let Some((name, modifier)) = expr.location.and_then(|at| tokens::cast_type(text, at)) else {
        return false;
    };
    let length = match (name.as_str(), modifier) {
        ("bit", None) => Some(1),
        ("bit" | "bit varying" | "varbit", length) => length,
        _ => return false,
    };
    let mut args = vec![std::mem::replace(&mut **child, node::null())];
    args.extend(length.map(|length| node::integer("INTEGER", length)));
    let name = match length {
        None => "skein_bits",
        Some(_) if name == "bit" => "skein_bits_exactly",
        Some(_) => "skein_bits_at_most",
    };
    expr.kind = node::macro_call(name, args).kind;
    true
}

/// Whether the text may have casts to `char(n)`.
pub(super) fn may_pad(text: &str) -> bool {
    text.to_ascii_lowercase().contains("char")
}

/// Cuts and fills a result column of type `char(n)`.
pub(super) fn pad(expr: &mut Expr, text: &str) {
    if let Some(Length::Exactly(length)) = length(expr, text) {
        if expr.alias.is_empty()
            && let ExprKind::Cast { child, .. } = &expr.kind
        {
            // The name of a column, else that of the type.
            expr.alias = match &child.kind {
                ExprKind::ColumnRef(names) => names.last().cloned().unwrap_or_default(),
                _ => "bpchar".to_owned(),
            };
        }
        replace(expr, |inner| {
            let length_again = node::integer("INTEGER", length);
            // As it stands elsewhere, such as among the keys of groups.
            let trimmed = trimmed(cut(inner, length));
            let args = vec![trimmed, length_again, node::text(" ")];
            node::call("", "rpad", args)
        });
    }
}

/// Without blanks at its end.
fn trimmed(expr: Expr) -> Expr {
    node::macro_call("skein_without_blanks", vec![expr])
}

/// `left(expr, length)`
fn cut(mut expr: Expr, length: i64) -> Expr {
    // Without a place in the text it is not looked at again.
    expr.location = None;
    node::call("", "left", vec![expr, node::integer("INTEGER", length)])
}

fn replace(expr: &mut Expr, with: impl FnOnce(Expr) -> Expr) {
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let inner = std::mem::replace(expr, node::null());
    *expr = with(inner);
    (expr.alias, expr.location) = (alias, location);
}

fn length(expr: &Expr, text: &str) -> Option<Length> {
    let ExprKind::Cast { ty, .. } = &expr.kind else {
        return None;
    };
    if ty.id() != "VARCHAR" {
        return None;
    }
    let (name, modifier) = tokens::cast_type(text, expr.location?)?;
    let is_char = match name.as_str() {
        "char" | "character" | "nchar" => true,
        "bpchar" => return modifier.map(Length::Exactly),
        "varchar" | "character varying" => false,
        _ => return None,
    };
    match modifier {
        Some(length) if is_char => Some(Length::Exactly(length)),
        Some(length) => Some(Length::AtMost(length)),
        None if is_char => Some(Length::Exactly(1)),
        None => None,
    }
}
