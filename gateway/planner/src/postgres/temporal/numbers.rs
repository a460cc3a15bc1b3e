//! `to_char` of numbers, as an expression that is made of the template's positions; mirrors
//! `NUM_processor`.
//!
//! The digits are text that DuckDB makes of a decimal with as many digits after the point as the
//! template has. A lambda binds them once: `[sign, digits before the point, digits after it]`.
//! The locale is `C`: a group's comma, a point, and a blank for the currency.
//!
//! Nearly all templates are plain ([`Plain`]): digits, perhaps in threes, between two texts. Those take
//! the decimal's own text as it is, and position by position go only numbers with too many digits:
//!
//! ```text
//! to_char(x, 'FM999,990.00')  ──►  coalesce(skein_number_plain(decimal of x, …), position by position)
//! ```

use serde_json::json;

use super::super::node;
use super::own;
use crate::ast::{DataType, Expr, ExprKind};

/// Digits of DuckDB's widest decimal.
const DIGITS_MAX: usize = 38;
/// Digits that fit into 64 bits, in which decimals are fast.
const BIGINT_DIGITS: usize = 18;
/// The parameter of the lambda.
const PARTS: &str = "skein_number";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Digit,
    Zero,
    Point,
    Group,
    Sign,
    Minus,
    Plus,
    PlusMinus,
    Bracket,
    Currency,
    Roman { lower: bool },
    Ordinal { upper: bool },
    Shift,
    Exponent,
    Fill,
    Text(String),
}

const KEYWORDS: &[(&str, Option<Token>)] = &[
    ("EEEE", Some(Token::Exponent)),
    ("FM", Some(Token::Fill)),
    ("MI", Some(Token::Minus)),
    ("PL", Some(Token::Plus)),
    ("PR", Some(Token::Bracket)),
    ("RN", Some(Token::Roman { lower: false })),
    ("SG", Some(Token::PlusMinus)),
    ("SP", None),
    ("TH", Some(Token::Ordinal { upper: true })),
    ("9", Some(Token::Digit)),
    ("0", Some(Token::Zero)),
    (".", Some(Token::Point)),
    (",", Some(Token::Group)),
    ("B", None),
    ("C", None),
    ("D", Some(Token::Point)),
    ("G", Some(Token::Group)),
    ("L", Some(Token::Currency)),
    ("S", Some(Token::Sign)),
    ("V", Some(Token::Shift)),
];

pub(super) fn tokens(template: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = template;
    'next: while let Some(first) = rest.chars().next() {
        for (word, token) in KEYWORDS {
            let Some(written) = rest.get(..word.len()) else {
                continue;
            };
            // Keywords are in one case or the other, not mixed.
            if written == *word || written == word.to_ascii_lowercase() {
                rest = &rest[word.len()..];
                match token {
                    Some(Token::Roman { .. }) => found.push(Token::Roman {
                        lower: written == "rn",
                    }),
                    Some(Token::Ordinal { .. }) => found.push(Token::Ordinal {
                        upper: written == "TH",
                    }),
                    Some(token) => found.push(token.clone()),
                    None => {}
                }
                continue 'next;
            }
        }
        rest = &rest[first.len_utf8()..];
        if first == '"' {
            found.push(Token::Text(quoted(&mut rest)));
        } else if let Some(after) = rest.strip_prefix('"').filter(|_| first == '\\') {
            rest = after;
            found.push(Token::Text("\"".to_owned()));
        } else {
            found.push(Token::Text(first.to_string()));
        }
    }
    found
}

/// What stands in double quotes, where a backslash takes away what the next character means.
fn quoted(rest: &mut &str) -> String {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                *rest = &rest[at + 1..];
                return text;
            }
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            other => text.push(other),
        }
    }
    *rest = "";
    text
}

/// What a template says of the number as a whole.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    /// Digits before and after the point.
    before: usize,
    after: usize,
    /// Places that `V` moves the point by.
    shift: usize,
    /// The first position before the point that is never blank.
    zero_from: Option<usize>,
    /// Positions after the point that are shown although they are zeros at the end.
    kept: usize,
    fill: bool,
    /// The sign stands where the template says, rather than before the first digit.
    sign: SignPlace,
    /// The number is a float, which is rounded as it is, not as its shortest digits are.
    is_float: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SignPlace {
    #[default]
    Blank,
    Anchored,
    Elsewhere,
    Bracket,
}

impl Shape {
    fn of(tokens: &[Token]) -> Self {
        let mut shape = Self::default();
        let (mut pointed, mut shifted) = (false, false);
        for token in tokens {
            match token {
                Token::Digit | Token::Zero => {
                    let is_zero = *token == Token::Zero;
                    if pointed {
                        shape.after += 1;
                        if is_zero {
                            shape.kept = shape.after;
                        }
                    } else {
                        if is_zero && shape.zero_from.is_none() {
                            shape.zero_from = Some(shape.before);
                        }
                        shape.before += 1;
                        shape.shift += usize::from(shifted);
                    }
                }
                Token::Point => pointed = true,
                Token::Shift => shifted = true,
                Token::Fill => shape.fill = true,
                Token::Sign if shape.before + shape.after > 0 => shape.sign = SignPlace::Elsewhere,
                Token::Sign => shape.sign = SignPlace::Anchored,
                Token::Minus | Token::PlusMinus => shape.sign = SignPlace::Elsewhere,
                Token::Bracket => shape.sign = SignPlace::Bracket,
                _ => {}
            }
        }
        shape
    }
}

/// Writes `operand` by a template; `None` where the template is not supported.
pub(super) fn compile(operand: &Expr, template: &str, is_float: bool) -> Option<Expr> {
    let tokens = tokens(template);
    let shape = Shape {
        is_float,
        ..Shape::of(&tokens)
    };
    if let Some(Token::Roman { lower }) = tokens
        .iter()
        .find(|token| matches!(token, Token::Roman { .. }))
    {
        return Some(roman(operand, shape.fill, *lower));
    }
    if tokens.contains(&Token::Exponent) {
        return exponent(operand, shape);
    }
    if shape.before + shape.after > DIGITS_MAX - 1 {
        return None;
    }
    let mut placed = by_position(operand, &tokens, shape);
    if shape.before + shape.after == 0 {
        let is_there = node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NOT_NULL".to_owned(),
            children: vec![operand.clone()],
        });
        placed = node::expr(ExprKind::Case {
            checks: vec![(is_there, placed)],
            otherwise: Box::new(node::null()),
        });
    }
    Some(match Plain::of(&tokens, shape) {
        Some(plain) => {
            let both = vec![plain.text(operand, shape), placed];
            node::expr(ExprKind::Operator {
                op: "OPERATOR_COALESCE".to_owned(),
                children: both,
            })
        }
        None => placed,
    })
}

/// A template of digits between two texts, whose commas divide them in threes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plain {
    prefix: String,
    suffix: String,
    grouped: bool,
    /// Digits before the point that are shown at least.
    least: usize,
    /// Zeros at the end are not shown.
    trimmed: bool,
    /// Characters between the texts.
    width: usize,
}

impl Plain {
    fn of(tokens: &[Token], shape: Shape) -> Option<Self> {
        let is_signed = matches!(shape.sign, SignPlace::Blank | SignPlace::Anchored);
        if !is_signed || shape.shift > 0 || shape.before == 0 {
            return None;
        }
        let mut plain = Self::default();
        let mut groups = Vec::new();
        let (mut before, mut pointed, mut ended) = (0, false, false);
        for token in tokens {
            match token {
                Token::Fill | Token::Sign => {}
                Token::Text(_) | Token::Currency => {
                    let text = match token {
                        Token::Text(text) => text,
                        _ => " ",
                    };
                    ended = before > 0;
                    let side = if ended {
                        &mut plain.suffix
                    } else {
                        &mut plain.prefix
                    };
                    side.push_str(text);
                }
                _ if ended => return None,
                Token::Digit | Token::Zero => before += usize::from(!pointed),
                Token::Point if pointed => return None,
                Token::Point => pointed = true,
                Token::Group if !pointed => groups.push(shape.before - before),
                _ => return None,
            }
        }
        let threes: Vec<usize> = (1..shape.before).rev().filter(|at| at % 3 == 0).collect();
        plain.grouped = !groups.is_empty();
        if plain.grouped && groups != threes {
            return None;
        }
        plain.least = match shape.zero_from {
            Some(from) => shape.before - from,
            None => usize::from(shape.after == 0),
        };
        plain.trimmed = shape.fill && shape.kept < shape.after;
        let is_simple = !(plain.trimmed && shape.kept > 0 || plain.grouped && plain.least > 1);
        let digits = shape.before + groups.len() + shape.after + usize::from(shape.after > 0);
        plain.width = if shape.fill { 0 } else { digits + 1 };
        (is_simple && shape.before <= BIGINT_DIGITS).then_some(plain)
    }

    /// The text of a number that has no more digits than the template; NULL for others.
    fn text(&self, operand: &Expr, shape: Shape) -> Expr {
        let width = if shape.before + shape.after <= BIGINT_DIGITS {
            BIGINT_DIGITS
        } else {
            DIGITS_MAX
        };
        let ty = decimal_type(width, shape.after);
        let (nines, fraction) = ("9".repeat(shape.before), "9".repeat(shape.after));
        let most = node::cast(node::text(&format!("{nines}.{fraction}")), ty.clone());
        let plus = match shape.sign {
            SignPlace::Anchored => "+",
            _ => "",
        };
        let text = own(
            "skein_number_plain",
            vec![
                try_cast(digits(operand, shape), ty),
                most,
                integer(shape.after),
                integer(self.least),
                Expr::boolean(self.grouped),
                Expr::boolean(self.trimmed),
                node::text(plus),
                integer(self.width),
            ],
        );
        let parts = [
            (!self.prefix.is_empty()).then(|| node::text(&self.prefix)),
            Some(text),
            (!self.suffix.is_empty()).then(|| node::text(&self.suffix)),
        ];
        joined(parts.into_iter().flatten())
    }
}

/// Each position of the template by itself.
fn by_position(operand: &Expr, tokens: &[Token], shape: Shape) -> Expr {
    let body = body(tokens, shape);
    let parts = own(
        "skein_number_parts",
        vec![
            decimal(operand, shape),
            operand.clone(),
            integer(shape.before),
            shape.zero_from.map_or_else(|| Expr::integer(-1), integer),
            integer(shape.after),
            if shape.fill {
                integer(shape.kept)
            } else {
                integer(shape.after)
            },
        ],
    );
    let lambda = Expr::from(ExprKind::Lambda {
        left: Box::new(Expr::column([PARTS])),
        right: Box::new(body),
    });
    let texts = node::call("", "list_transform", vec![node::array(vec![parts]), lambda]);
    node::call("", "list_extract", vec![texts, Expr::integer(1)])
}

fn integer(value: usize) -> Expr {
    Expr::integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The number with the digits that are shown; NULL if it has too many.
fn decimal(operand: &Expr, shape: Shape) -> Expr {
    try_cast(
        digits(operand, shape),
        decimal_type(DIGITS_MAX, shape.after),
    )
}

/// What becomes the decimal: the number, or a float's text with its digits.
fn digits(operand: &Expr, shape: Shape) -> Expr {
    let mut value = operand.clone();
    value.alias = String::new();
    if shape.shift > 0 {
        let factor = 10_i64.pow(u32::try_from(shape.shift).unwrap_or(0).min(18));
        value = Expr::infix("*", value, Expr::integer(factor));
    }
    if shape.is_float {
        let format = node::text(&format!("{{:.{}f}}", shape.after));
        let value = node::cast(value, node::plain_type("DOUBLE"));
        return node::call("", "format", vec![format, value]);
    }
    value
}

fn decimal_type(width: usize, scale: usize) -> DataType {
    DataType(json!({ "id": "DECIMAL", "type_info": {
        "type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": null,
        "width": width, "scale": scale } }))
}

fn try_cast(value: Expr, ty: DataType) -> Expr {
    Expr::from(ExprKind::Cast {
        child: Box::new(value),
        ty,
        try_cast: true,
    })
}

/// Texts one after the other.
fn joined(pieces: impl IntoIterator<Item = Expr>) -> Expr {
    let mut pieces = pieces.into_iter();
    let first = pieces.next().unwrap_or_else(|| node::text(""));
    pieces.fold(first, |all, next| Expr::infix("||", all, next))
}

fn body(tokens: &[Token], shape: Shape) -> Expr {
    let parts = || Expr::column([PARTS]);
    let fill = || node::text(if shape.fill { "" } else { " " });
    let style = match shape.sign {
        SignPlace::Blank => "blank",
        SignPlace::Anchored => "anchored",
        SignPlace::Elsewhere => "elsewhere",
        SignPlace::Bracket => "bracket",
    };
    let sign = || {
        own(
            "skein_number_sign",
            vec![parts(), node::text(style), Expr::boolean(shape.fill)],
        )
    };
    let marked = |minus: &str, plus: &str| {
        own(
            "skein_number_mark",
            vec![parts(), node::text(minus), node::text(plus)],
        )
    };
    let (mut before, mut after, mut pointed) = (0, 0, false);
    let mut pieces: Vec<Expr> = Vec::new();
    for token in tokens {
        match token {
            Token::Digit | Token::Zero if pointed => {
                pieces.push(own("skein_number_fraction", vec![parts(), integer(after)]));
                after += 1;
            }
            Token::Digit | Token::Zero => {
                let args = vec![parts(), integer(before), sign(), fill()];
                pieces.push(own("skein_number_digit", args));
                before += 1;
            }
            // Without digits behind it the point is not shown.
            Token::Point if shape.after == 0 => {}
            Token::Point => {
                let args = vec![parts(), integer(shape.before), sign()];
                pieces.push(own("skein_number_point", args));
                pointed = true;
            }
            Token::Group if pointed && shape.fill => {}
            Token::Group if pointed => pieces.push(node::text(",")),
            Token::Group => {
                pieces.push(own(
                    "skein_number_group",
                    vec![parts(), integer(before), fill()],
                ));
            }
            Token::Sign if shape.sign == SignPlace::Elsewhere => pieces.push(marked("-", "+")),
            Token::PlusMinus => pieces.push(marked("-", "+")),
            Token::Minus if shape.fill => pieces.push(marked("-", "")),
            Token::Minus => pieces.push(marked("-", " ")),
            Token::Plus if shape.fill => pieces.push(marked("", "+")),
            Token::Plus => pieces.push(marked(" ", "+")),
            Token::Bracket if shape.fill => pieces.push(marked(">", "")),
            Token::Bracket => pieces.push(marked(">", " ")),
            Token::Currency => pieces.push(node::text(" ")),
            Token::Ordinal { upper } => {
                let ending = own("skein_number_ordinal", vec![parts()]);
                pieces.push(if *upper {
                    node::call("", "upper", vec![ending])
                } else {
                    ending
                });
            }
            Token::Text(text) => pieces.push(node::text(text)),
            _ => {}
        }
    }
    joined(pieces)
}

fn roman(operand: &Expr, fill: bool, lower: bool) -> Expr {
    let number = node::cast(operand.clone(), node::plain_type("BIGINT"));
    let text = own("skein_roman_number", vec![number]);
    let text = if lower {
        node::call("", "lower", vec![text])
    } else {
        text
    };
    if fill {
        text
    } else {
        node::call("", "lpad", vec![text, Expr::integer(15), node::text(" ")])
    }
}

fn exponent(operand: &Expr, shape: Shape) -> Option<Expr> {
    let value = node::cast(operand.clone(), node::plain_type("DOUBLE"));
    let format = match shape.sign {
        SignPlace::Blank => format!("{{: .{}e}}", shape.after),
        SignPlace::Anchored => format!("{{:+.{}e}}", shape.after),
        SignPlace::Elsewhere | SignPlace::Bracket => return None,
    };
    let text = node::call("", "format", vec![node::text(&format), value]);
    Some(if shape.fill {
        node::call("", "ltrim", vec![text])
    } else {
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{Plain, Shape, tokens};

    fn plain(template: &str) -> Option<Plain> {
        let tokens = tokens(template);
        Plain::of(&tokens, Shape::of(&tokens))
    }

    #[test]
    fn plain_templates_are_digits_between_two_texts() {
        for (template, least, grouped, trimmed, width) in [
            ("999", 1, false, false, 4),
            ("999.99", 0, false, false, 7),
            ("FM999990.00", 1, false, false, 0),
            ("FM999.99", 0, false, true, 0),
            ("S9,999,990.0", 1, true, false, 12),
            ("000", 3, false, false, 4),
            ("990", 1, false, false, 4),
        ] {
            let plain = plain(template).expect(template);
            let found = (plain.least, plain.grouped, plain.trimmed, plain.width);
            assert_eq!(found, (least, grouped, trimmed, width), "{template}");
        }
        let texts = plain("\"a\"L99\"b\"%").expect("plain");
        assert_eq!((&*texts.prefix, &*texts.suffix), ("a ", "b%"));
        for template in [
            "9,99", "99,9999", ",999", "999S", "MI99", "99PR", "99V9", "9\"a\"9", "FM9.09",
            "000,000", ".99", "999TH", "9.9.9",
        ] {
            assert_eq!(plain(template), None, "{template}");
        }
    }
}
