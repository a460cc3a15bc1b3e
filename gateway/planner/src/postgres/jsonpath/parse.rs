//! Reads SQL's path language, in the grammar that PostgreSQL has for it.
//!
//! ```text
//! strict $.a[*] ? (@.n > $least).name   ─►   Path { lax: false, node: Chain(Root, [Member, …]) }
//! ```
//!
//! Conditions and values are one kind of node here, because a parenthesis may hold either; which of
//! them is wanted where, [`Parser::value`] and [`Parser::condition`] say.

use super::PathFault;
use crate::ast::Comparison;

/// Parentheses, signs and filters within each other.
const DEPTH_MAX: usize = 40;

/// A path, read.
#[derive(Debug)]
pub(super) struct Path {
    /// In lax mode arrays are opened where a step wants what is in them, and what is missing is no
    /// error.
    pub(super) lax: bool,
    pub(super) node: Node,
}

#[derive(Debug)]
pub(super) enum Node {
    /// `$`
    Root,
    /// `@`
    Current,
    /// `last`, in a subscript.
    Last,
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// `$name`
    Variable(String),
    /// `-x`, `+x`
    Signed(&'static str, Box<Node>),
    Arithmetic(&'static str, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Join {
        and: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    Not(Box<Node>),
    IsUnknown(Box<Node>),
    Exists(Box<Node>),
    StartsWith(Box<Node>, Box<Node>),
    /// A pattern, and letters for [`super::super::regex`].
    LikeRegex(Box<Node>, String, String),
    Chain(Box<Node>, Vec<Step>),
}

impl Node {
    fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::Compare(..)
                | Self::Join { .. }
                | Self::Not(_)
                | Self::IsUnknown(_)
                | Self::Exists(_)
                | Self::StartsWith(..)
                | Self::LikeRegex(..)
        )
    }
}

#[derive(Debug)]
pub(super) enum Step {
    /// `.key`
    Member(String),
    /// `.*`
    AnyMember,
    /// `[*]`
    AnyElement,
    /// `[0, 2 to last]`
    Elements(Vec<(Node, Option<Node>)>),
    /// `.**{first to last}`
    Levels { first: Level, last: Level },
    /// `? (…)`
    Filter(Node),
    /// `.size()`
    Method(Method),
}

/// How deep; `None` is `last`.
pub(super) type Level = Option<u32>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Abs,
    Ceiling,
    Double,
    Floor,
    KeyValue,
    Size,
    Type,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A word without quotes.
    Word(String),
    Text(String),
    Number(String),
    Variable(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: &[&str] = &[
    "**", "==", "!=", "<>", "<=", ">=", "&&", "||", "$", "@", "?", "(", ")", "[", "]", "{", "}",
    ".", ",", "*", "/", "%", "+", "-", "<", ">", "!",
];

/// What ends a word.
fn is_special(c: char) -> bool {
    c.is_whitespace() || "?%$.[]{}()|&!=<>@#,*:-+/\"\\".contains(c)
}

/// Reads a path.
pub(super) fn parse(text: &str) -> Result<Path, PathFault> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        filters: 0,
        subscripts: 0,
    };
    let lax = !parser.take_word("strict");
    if lax {
        parser.take_word("lax");
    }
    let node = parser.any()?;
    if parser.peek() != &Token::End {
        return Err(parser.unexpected());
    }
    Ok(Path { lax, node })
}

fn tokens(text: &str) -> Result<Vec<(Token, String)>, PathFault> {
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Err(PathFault::Empty);
    }
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let before = rest;
        let token = if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").ok_or(PathFault::Comment)?;
            rest = comment[end + 2..].trim_start();
            continue;
        } else if first == '"' {
            Token::Text(string(&mut rest)?)
        } else if first == '$' && rest[1..].starts_with('"') {
            rest = &rest[1..];
            Token::Variable(string(&mut rest)?)
        } else if first == '$' && rest[1..].chars().next().is_some_and(|c| !is_special(c)) {
            rest = &rest[1..];
            Token::Variable(word(&mut rest).to_owned())
        } else if first.is_ascii_digit()
            || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            Token::Number(number(&mut rest)?)
        } else if let Some(symbol) = SYMBOLS.iter().find(|it| rest.starts_with(**it)) {
            rest = &rest[symbol.len()..];
            Token::Symbol(symbol)
        } else if is_special(first) {
            return Err(PathFault::Near(first.to_string()));
        } else {
            Token::Word(word(&mut rest).to_owned())
        };
        let written = before[..before.len() - rest.len()].to_owned();
        found.push((token, written));
        rest = rest.trim_start();
    }
    found.push((Token::End, String::new()));
    Ok(found)
}

fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find(is_special).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

/// A number, as numeric prints it where that needs no more than a glance.
fn number(rest: &mut &str) -> Result<String, PathFault> {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let whole = digits(rest);
    let mut end = whole;
    if rest[end..].starts_with('.') {
        end += 1;
        end += digits(&rest[end..]);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(&rest[end + 1 + sign..]);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let (written, after) = rest.split_at(end);
    let junk = after.chars().next().filter(|c| !is_special(*c));
    if let Some(junk) = junk {
        return Err(PathFault::Junk(format!("{written}{junk}")));
    }
    if whole > 1 && written.starts_with('0') {
        return Err(PathFault::Junk(written[..2].to_owned()));
    }
    *rest = after;
    let written = written.strip_suffix('.').unwrap_or(written);
    Ok(match written.strip_prefix('.') {
        Some(fraction) => format!("0.{fraction}"),
        None => written.replacen(".e", "e", 1).replacen(".E", "E", 1),
    })
}

/// A string in double quotes, with the escapes of JavaScript.
fn string(rest: &mut &str) -> Result<String, PathFault> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &rest[at + 1..];
                return Ok(text);
            }
            '\\' => {
                let (_, escaped) = chars.next().ok_or(PathFault::Quote)?;
                match escaped {
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'v' => text.push('\u{b}'),
                    'x' => text.push(hexadecimal(&mut chars, 2)?),
                    'u' => text.push(unicode(&mut chars)?),
                    other => text.push(other),
                }
            }
            other => text.push(other),
        }
    }
    Err(PathFault::Quote)
}

type Chars<'a> = std::iter::Skip<std::str::CharIndices<'a>>;

fn digits_of(chars: &mut Chars<'_>, count: usize) -> Result<u32, PathFault> {
    let mut value = 0;
    for _ in 0..count {
        let digit = chars.next().and_then(|(_, c)| c.to_digit(16));
        value = value * 16 + digit.ok_or(PathFault::Escape)?;
    }
    Ok(value)
}

fn hexadecimal(chars: &mut Chars<'_>, count: usize) -> Result<char, PathFault> {
    let value = digits_of(chars, count)?;
    char::from_u32(value)
        .filter(|c| *c != '\0')
        .ok_or(PathFault::Escape)
}

/// `\u00e9`, `\u{1f600}`, and two halves of a character.
fn unicode(chars: &mut Chars<'_>) -> Result<char, PathFault> {
    let mut ahead = chars.clone();
    if let Some((_, '{')) = ahead.next() {
        let mut value = 0_u32;
        for length in 0.. {
            match ahead.next() {
                Some((_, '}')) if length > 0 => {
                    *chars = ahead;
                    return char::from_u32(value)
                        .filter(|c| *c != '\0')
                        .ok_or(PathFault::Escape);
                }
                Some((_, c)) if length < 6 => {
                    value = value * 16 + c.to_digit(16).ok_or(PathFault::Escape)?;
                }
                _ => return Err(PathFault::Escape),
            }
        }
    }
    let high = digits_of(chars, 4)?;
    let value = if (0xd800..0xdc00).contains(&high) {
        if !matches!(
            (chars.next(), chars.next()),
            (Some((_, '\\')), Some((_, 'u')))
        ) {
            return Err(PathFault::Escape);
        }
        let low = digits_of(chars, 4)?;
        0x1_0000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00).ok_or(PathFault::Escape)?
    } else {
        high
    };
    char::from_u32(value)
        .filter(|c| *c != '\0')
        .ok_or(PathFault::Escape)
}

struct Parser {
    /// Tokens, and how they were written.
    tokens: Vec<(Token, String)>,
    at: usize,
    depth: usize,
    /// Filters around.
    filters: usize,
    /// Subscripts around.
    subscripts: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(it) if *it == symbol);
        if found {
            self.at += 1;
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(it) if it.eq_ignore_ascii_case(word));
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), PathFault> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), PathFault> {
        if self.take_word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> PathFault {
        match &self.tokens[self.at] {
            (Token::End, _) => PathFault::End,
            (_, written) => PathFault::Near(written.clone()),
        }
    }

    /// Goes in, no deeper than is reasonable.
    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, PathFault>,
    ) -> Result<T, PathFault> {
        if self.depth == DEPTH_MAX {
            return Err(PathFault::Depth);
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn value(&self, node: Node) -> Result<Box<Node>, PathFault> {
        if node.is_condition() {
            return Err(self.unexpected());
        }
        Ok(Box::new(node))
    }

    fn condition(&self, node: Node) -> Result<Box<Node>, PathFault> {
        if node.is_condition() {
            Ok(Box::new(node))
        } else {
            Err(self.unexpected())
        }
    }

    /// A value or a condition.
    fn any(&mut self) -> Result<Node, PathFault> {
        self.deeper(|parser| {
            let mut left = parser.conjunction()?;
            while parser.take("||") {
                let right = parser.conjunction()?;
                left = Node::Join {
                    and: false,
                    left: parser.condition(left)?,
                    right: parser.condition(right)?,
                };
            }
            Ok(left)
        })
    }

    fn conjunction(&mut self) -> Result<Node, PathFault> {
        let mut left = self.comparison()?;
        while self.take("&&") {
            let right = self.comparison()?;
            left = Node::Join {
                and: true,
                left: self.condition(left)?,
                right: self.condition(right)?,
            };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Node, PathFault> {
        let left = self.sum()?;
        let op = match self.peek() {
            Token::Symbol("==") => Some(Comparison::Equal),
            Token::Symbol("!=" | "<>") => Some(Comparison::NotEqual),
            Token::Symbol("<") => Some(Comparison::Less),
            Token::Symbol("<=") => Some(Comparison::LessOrEqual),
            Token::Symbol(">") => Some(Comparison::Greater),
            Token::Symbol(">=") => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(op) = op {
            self.at += 1;
            let left = self.value(left)?;
            let right = self.sum()?;
            let right = self.value(right)?;
            return Ok(Node::Compare(op, left, right));
        }
        if self.take_word("starts") {
            self.expect_word("with")?;
            let left = self.value(left)?;
            let start = match self.next() {
                Token::Text(text) => Node::Text(text),
                Token::Variable(name) => Node::Variable(name),
                _ => {
                    self.at -= usize::from(self.peek() != &Token::End);
                    return Err(self.unexpected());
                }
            };
            return Ok(Node::StartsWith(left, Box::new(start)));
        }
        if self.take_word("like_regex") {
            let left = self.value(left)?;
            let Token::Text(pattern) = self.peek().clone() else {
                return Err(self.unexpected());
            };
            self.at += 1;
            let mut flags = String::new();
            if self.take_word("flag") {
                let Token::Text(text) = self.peek().clone() else {
                    return Err(self.unexpected());
                };
                self.at += 1;
                flags = text;
            }
            return Ok(Node::LikeRegex(left, pattern, regex_options(&flags)?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Node, PathFault> {
        let mut left = self.product()?;
        loop {
            let op = if self.take("+") {
                "+"
            } else if self.take("-") {
                "-"
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = Node::Arithmetic(op, self.value(left)?, self.value(right)?);
        }
    }

    fn product(&mut self) -> Result<Node, PathFault> {
        let mut left = self.signed()?;
        loop {
            let op = if self.take("*") {
                "*"
            } else if self.take("/") {
                "/"
            } else if self.take("%") {
                "%"
            } else {
                return Ok(left);
            };
            let right = self.signed()?;
            left = Node::Arithmetic(op, self.value(left)?, self.value(right)?);
        }
    }

    fn signed(&mut self) -> Result<Node, PathFault> {
        let sign = if self.take("-") {
            "-"
        } else if self.take("+") {
            "+"
        } else {
            return self.chain();
        };
        self.deeper(|parser| {
            let inner = parser.signed()?;
            Ok(Node::Signed(sign, parser.value(inner)?))
        })
    }

    /// What a path begins with, and its steps.
    fn chain(&mut self) -> Result<Node, PathFault> {
        let first = self.primary()?;
        let mut steps = Vec::new();
        while let Some(step) = self.step()? {
            steps.push(step);
        }
        Ok(if steps.is_empty() {
            first
        } else {
            Node::Chain(Box::new(first), steps)
        })
    }

    fn primary(&mut self) -> Result<Node, PathFault> {
        let token = self.next();
        let found = match token {
            Token::Symbol("$") => Node::Root,
            Token::Symbol("@") if self.filters > 0 => Node::Current,
            Token::Symbol("@") => return Err(PathFault::CurrentOutside),
            Token::Symbol("!") => {
                let inner = if self.take_word("exists") {
                    self.exists()?
                } else {
                    self.expect("(")?;
                    let inner = self.any()?;
                    self.expect(")")?;
                    inner
                };
                Node::Not(self.condition(inner)?)
            }
            Token::Symbol("(") => {
                let inner = self.any()?;
                self.expect(")")?;
                if self.take_word("is") {
                    self.expect_word("unknown")?;
                    Node::IsUnknown(self.condition(inner)?)
                } else {
                    inner
                }
            }
            Token::Number(text) => Node::Number(text),
            Token::Text(text) => Node::Text(text),
            Token::Variable(name) => Node::Variable(name),
            Token::Word(word) => match word.as_str() {
                "null" => Node::Null,
                "true" => Node::Bool(true),
                "false" => Node::Bool(false),
                _ if word.eq_ignore_ascii_case("exists") => self.exists()?,
                _ if word.eq_ignore_ascii_case("last") && self.subscripts > 0 => Node::Last,
                _ if word.eq_ignore_ascii_case("last") => return Err(PathFault::LastOutside),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            },
            Token::Symbol(_) => {
                self.at -= 1;
                return Err(self.unexpected());
            }
            Token::End => return Err(PathFault::End),
        };
        Ok(found)
    }

    fn exists(&mut self) -> Result<Node, PathFault> {
        self.expect("(")?;
        let inner = self.any()?;
        self.expect(")")?;
        Ok(Node::Exists(self.value(inner)?))
    }

    fn step(&mut self) -> Result<Option<Step>, PathFault> {
        if self.take("?") {
            self.expect("(")?;
            self.filters += 1;
            let test = self.any();
            self.filters -= 1;
            let test = *self.condition(test?)?;
            self.expect(")")?;
            return Ok(Some(Step::Filter(test)));
        }
        if self.take("[") {
            if self.take("*") {
                self.expect("]")?;
                return Ok(Some(Step::AnyElement));
            }
            self.subscripts += 1;
            let places = self.places();
            self.subscripts -= 1;
            return places.map(|places| Some(Step::Elements(places)));
        }
        if !self.take(".") {
            return Ok(None);
        }
        if self.take("**") {
            return self.levels().map(Some);
        }
        if self.take("*") {
            return Ok(Some(Step::AnyMember));
        }
        let key = match self.peek().clone() {
            Token::Word(word) => word,
            Token::Text(text) => {
                self.at += 1;
                return Ok(Some(Step::Member(text)));
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        if !matches!(self.peek(), Token::Symbol("(")) {
            return Ok(Some(Step::Member(key)));
        }
        let method = match key.to_ascii_lowercase().as_str() {
            "abs" => Method::Abs,
            "ceiling" => Method::Ceiling,
            "double" => Method::Double,
            "floor" => Method::Floor,
            "keyvalue" => Method::KeyValue,
            "size" => Method::Size,
            "type" => Method::Type,
            "datetime" => return Err(PathFault::Datetime),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        self.expect(")")?;
        Ok(Some(Step::Method(method)))
    }

    /// `0, 2 to last]`
    fn places(&mut self) -> Result<Vec<(Node, Option<Node>)>, PathFault> {
        let mut places = Vec::new();
        loop {
            let from = self.any()?;
            let from = *self.value(from)?;
            let to = if self.take_word("to") {
                let to = self.any()?;
                Some(*self.value(to)?)
            } else {
                None
            };
            places.push((from, to));
            if !self.take(",") {
                self.expect("]")?;
                return Ok(places);
            }
        }
    }

    /// `{2}`, `{1 to last}`, or nothing, which is every level.
    fn levels(&mut self) -> Result<Step, PathFault> {
        if !self.take("{") {
            return Ok(Step::Levels {
                first: Some(0),
                last: None,
            });
        }
        let first = self.level()?;
        let last = if self.take_word("to") {
            self.level()?
        } else {
            first
        };
        self.expect("}")?;
        Ok(Step::Levels { first, last })
    }

    fn level(&mut self) -> Result<Level, PathFault> {
        if self.take_word("last") {
            return Ok(None);
        }
        let level = match self.peek() {
            Token::Number(text) => text.parse().ok(),
            _ => None,
        };
        let level = level.ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(Some(level))
    }
}

/// What the flags of `like_regex` say, in the letters of PostgreSQL's own options.
fn regex_options(flags: &str) -> Result<String, PathFault> {
    let has = |letter| flags.contains(letter);
    if let Some(other) = flags.chars().find(|letter| !"ismxq".contains(*letter)) {
        return Err(PathFault::Flag(other));
    }
    if has('x') && !has('q') {
        return Err(PathFault::Expanded);
    }
    let mut options = String::new();
    if has('i') {
        options.push('i');
    }
    options.push(match (has('q'), has('m'), has('s')) {
        (true, ..) => 'q',
        (false, true, false) => 'n',
        (false, true, true) => 'w',
        (false, false, false) => 'p',
        (false, false, true) => 's',
    });
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(path: &str) -> PathFault {
        parse(path).expect_err(path)
    }

    #[test]
    fn operators_bind_as_in_postgresql() {
        let path = parse("strict -$.a.size() + 2 * @ < 3").expect_err("@ stands outside");
        assert_eq!(path, PathFault::CurrentOutside);
        let path = parse("-$.a + 2 * 3").expect("it is a path");
        assert!(path.lax);
        let Node::Arithmetic("+", left, right) = path.node else {
            panic!("a sum");
        };
        assert!(matches!(*left, Node::Signed("-", inner) if matches!(*inner, Node::Chain(..))));
        assert!(matches!(*right, Node::Arithmetic("*", ..)));
        let path = parse("$.a == 1 || $.b == 2 && !($.c == 3)").expect("it is a path");
        let Node::Join {
            and: false, right, ..
        } = path.node
        else {
            panic!("an alternative");
        };
        assert!(matches!(*right, Node::Join { and: true, .. }));
    }

    #[test]
    fn strings_and_numbers_have_one_form() {
        let text = |path: &str| match parse(path).expect(path).node {
            Node::Text(text) | Node::Number(text) | Node::Variable(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(r#""a\u0062\x63\n\u{1F600}\ud83d\ude00\'""#),
            "abc\n😀😀'"
        );
        assert_eq!(text(".50"), "0.50");
        assert_eq!(text("7."), "7");
        assert_eq!(text("$\"a b\""), "a b");
        assert_eq!(text("/* why */ $x"), "x");
    }

    #[test]
    fn faults_name_the_place() {
        assert_eq!(fault(" "), PathFault::Empty);
        assert_eq!(fault("$ x"), PathFault::Near("x".to_owned()));
        assert_eq!(fault("$.a ? ("), PathFault::End);
        assert_eq!(fault("\"abc"), PathFault::Quote);
        assert_eq!(fault("$.a[1x]"), PathFault::Junk("1x".to_owned()));
        assert_eq!(fault("\"\\u00\""), PathFault::Escape);
        assert_eq!(
            fault("$[*] ? (@.a like_regex \"a\" flag \"w\")"),
            PathFault::Flag('w')
        );
        let deep = format!("{}1{}", "(".repeat(500), ")".repeat(500));
        assert_eq!(fault(&deep), PathFault::Depth);
    }
}
