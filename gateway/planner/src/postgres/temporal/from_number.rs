//! `to_number` of a text by a template; mirrors the half of `NUM_processor` that reads.
//!
//! Each digit of the template takes a character of the text, which counts if it is a digit or, once, the point;
//! commas are taken where there are some, and anything else takes characters without looking at them. As a
//! regular expression, whose groups hold what digits and points have taken:
//!
//! ```text
//! 9,999.99  ──►  ^( ?[+-]?.?),?((?: ?.){0,3})( ?.)?((?: ?.){0,2})
//! ```
//!
//! Most texts are plain numbers that fit, which DuckDB reads itself.
//!
//! Differs from PostgreSQL where a sign stands behind other characters that are no digits: it is found there,
//! but takes the place of a digit.

use std::fmt::Write as _;

use serde_json::json;

use super::super::node;
use super::numbers::{Token, tokens};
use super::own;
use crate::ast::{DataType, Expr, ExprKind};

/// Digits of DuckDB's widest decimal.
const DIGITS_MAX: usize = 38;
/// What can be no part of a number.
const NO_DATA: &str = "[^0-9.,+-]";

/// Where a template has the sign, beside in front of the first digit.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Signs {
    #[default]
    Front,
    /// `PR`: `<` is one.
    Bracket,
    /// `S`: behind a digit.
    Anchored,
    /// `MI`, `PL` or `SG`: anywhere behind the digits.
    Marked,
}

impl Signs {
    fn of(tokens: &[Token]) -> Self {
        let has = |wanted: &Token| tokens.contains(wanted);
        if has(&Token::Minus) || has(&Token::Plus) || has(&Token::PlusMinus) {
            Self::Marked
        } else if has(&Token::Sign) {
            Self::Anchored
        } else if has(&Token::Bracket) {
            Self::Bracket
        } else {
            Self::Front
        }
    }

    /// What the characters that have been taken look like in negative numbers.
    fn negative(self) -> &'static str {
        match self {
            Self::Front => "^[^0-9+]*-",
            Self::Bracket => "^[^0-9+]*[<-]",
            Self::Anchored => "^[^0-9+]*-|^[^+]*[0-9.]-",
            Self::Marked => "^[^0-9]*-|^[^+]*-",
        }
    }
}

/// What a template says of the number as a whole.
#[derive(Default)]
struct Template {
    pattern: String,
    groups: usize,
    before: usize,
    after: usize,
    pointed: bool,
    fill: bool,
    signs: Signs,
}

/// The number that a text is by a template; `None` where it is not supported.
pub(super) fn compile(text: Expr, template: &str) -> Option<Expr> {
    let tokens = tokens(template);
    let mut read = Template {
        fill: tokens.contains(&Token::Fill),
        signs: Signs::of(&tokens),
        pattern: "(?s)^".to_owned(),
        ..Template::default()
    };
    for token in &tokens {
        read.token(token)?;
    }
    let (before, after) = (read.before, read.after);
    if before + after > DIGITS_MAX || before + after == 0 {
        return None;
    }
    let ty = DataType(json!({ "id": "DECIMAL", "type_info": {
        "type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": null,
        "width": before + after, "scale": after } }));
    let read = &read;
    let number = node::once_named("number__", text, |text| {
        let long = node::cast(read.long(text.clone()), ty.clone());
        let Some(plain) = read.plain(&tokens) else {
            return long;
        };
        let pattern = node::text(&plain);
        let is_plain = node::call("", "regexp_full_match", vec![text.clone(), pattern]);
        node::expr(ExprKind::Case {
            checks: vec![(is_plain, node::cast(text, ty))],
            otherwise: Box::new(long),
        })
    });
    Some(number)
}

impl Template {
    /// What numbers look like that are read as they stand; `None`: the template may skip some of their digits.
    fn plain(&self, tokens: &[Token]) -> Option<String> {
        let is_digit = |token: &Token| matches!(token, Token::Digit | Token::Zero);
        let last = tokens.iter().rposition(is_digit)?;
        let skips = tokens[..last].iter().any(|token| {
            matches!(
                token,
                Token::Text(_) | Token::Currency | Token::Ordinal { .. }
            )
        });
        if skips || self.before == 0 {
            return None;
        }
        let fraction = match self.after {
            0 => String::new(),
            after => format!(r"(\.\d{{1,{after}}})?"),
        };
        Some(format!(r"[+-]?\d{{1,{}}}{fraction}", self.before))
    }

    /// The text of the number that any text is.
    fn long(&self, text: Expr) -> Expr {
        let names = (0..self.groups).map(|at| node::text(&format!("g{at}")));
        let names = node::array(names.collect());
        let pattern = node::text(&self.pattern);
        let groups = node::call("", "regexp_extract", vec![text, pattern, names]);
        let count = |value: usize| Expr::integer(i64::try_from(value).unwrap_or(0));
        let taken = node::once_named("groups__", groups, |groups| {
            let fields = (0..self.groups).map(|at| {
                let name = node::text(&format!("g{at}"));
                node::call("", "struct_extract", vec![groups.clone(), name])
            });
            let taken = fields.reduce(|all, next| Expr::infix("||", all, next));
            taken.unwrap_or_else(node::null)
        });
        node::once_named("taken__", taken, |taken| {
            own(
                "skein_template_number",
                vec![
                    taken,
                    node::text(self.signs.negative()),
                    Expr::boolean(self.pointed),
                    count(self.before),
                    count(self.after),
                ],
            )
        })
    }

    fn token(&mut self, token: &Token) -> Option<()> {
        match token {
            Token::Digit | Token::Zero => {
                let is_first = self.before + self.after == 0;
                if self.pointed {
                    self.after += 1;
                } else {
                    self.before += 1;
                }
                let lead = match (is_first, self.signs) {
                    (false, _) => "",
                    (true, Signs::Bracket) => "[+<-]?",
                    (true, _) => "[+-]?",
                };
                let behind = if self.signs == Signs::Anchored {
                    r"[\d.][+-]?|."
                } else {
                    "."
                };
                self.group(&format!("( ?{lead}(?:{behind})?)"));
            }
            Token::Point => {
                self.pointed = true;
                self.group("( ?.?)");
            }
            Token::Group if self.fill => {}
            Token::Group => self.pattern.push_str(",?"),
            Token::Currency => self.skip(1),
            Token::Ordinal { .. } => self.skip(2),
            Token::Minus => self.group(&format!("(-|{NO_DATA})?")),
            Token::Plus => self.group(&format!(r"(\+|{NO_DATA})?")),
            Token::PlusMinus => self.group(&format!("([+-]|{NO_DATA})?")),
            Token::Text(text) => {
                let count = text.chars().count();
                let _ = write!(self.pattern, ".{{0,{count}}}");
            }
            Token::Sign | Token::Bracket | Token::Fill => {}
            Token::Shift | Token::Exponent | Token::Roman { .. } => return None,
        }
        Some(())
    }

    /// Takes characters that say nothing.
    fn skip(&mut self, count: usize) {
        let _ = write!(self.pattern, "{NO_DATA}{{0,{count}}}");
    }

    fn group(&mut self, pattern: &str) {
        self.groups += 1;
        self.pattern.push_str(pattern);
    }
}
