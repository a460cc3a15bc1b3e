//! PostgreSQL's lexical rules.
//!
//! The lexer finds tokens, so that nothing inside strings, quoted names or comments is taken for
//! syntax. [`translate`] then rewrites a statement for DuckDB without changing its length: where
//! the new spelling is shorter, blanks follow.

use std::ops::Range;

use super::strings;
use crate::error::{EscapeFault, PlanError};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword or unquoted name.
    Word,
    /// `"name"`
    Quoted,
    /// `U&"name"`
    UnicodeQuoted,
    /// `'text'`, `E'text'`, `$$text$$`, `B'01'`, `X'1f'`
    Text,
    /// `U&'text'`
    UnicodeText,
    /// A number.
    Number,
    /// `$1`, `$name`
    Parameter,
    /// An operator, or one of `( ) [ ] { } , ; : .`
    Symbol,
}

/// A token by its place in the whole text.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The symbol, for comparison; empty for other kinds.
    symbol: String,
}

impl Token {
    /// Whether this is the symbol.
    pub(super) fn is(&self, symbol: &str) -> bool {
        self.symbol == symbol
    }
}

const OPERATOR_BYTES: &[u8] = b"+-*/<>=~!@#%^&|`?";

/// Finds the tokens of a text. Comments and blanks are none.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, PlanError> {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    let mut tokens = Vec::new();
    while lexer.skip_blanks()? {
        let start = lexer.at;
        let kind = lexer.token()?;
        let symbol = if kind == TokenKind::Symbol {
            &text[start..lexer.at]
        } else {
            ""
        };
        tokens.push(Token {
            kind,
            start,
            end: lexer.at,
            symbol: symbol.to_owned(),
        });
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn unterminated(&self, what: &str, start: usize) -> PlanError {
        PlanError::Lexical {
            message: format!("unterminated {what} at or near \"{}\"", &self.text[start..]),
            position: start,
        }
    }

    /// Goes to the next token; false at the end.
    fn skip_blanks(&mut self) -> Result<bool, PlanError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
                (b'-', b'-') => {
                    let rest = &self.bytes[self.at..];
                    let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    self.at += line.unwrap_or(rest.len());
                }
                (b'/', b'*') => self.comment()?,
                _ => return Ok(self.at < self.bytes.len()),
            }
        }
    }

    /// `/* … /* … */ … */`
    fn comment(&mut self) -> Result<(), PlanError> {
        let start = self.at;
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(self.unterminated("/* comment", start))
    }

    fn token(&mut self) -> Result<TokenKind, PlanError> {
        let start = self.at;
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (b'\'', ..) => self.quoted(b'\'', false, start).map(|()| TokenKind::Text),
            (b'"', ..) => self.quoted(b'"', false, start).map(|()| TokenKind::Quoted),
            (b'e' | b'E', b'\'', _) => {
                self.at += 1;
                self.quoted(b'\'', true, start).map(|()| TokenKind::Text)
            }
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'', _) => {
                self.at += 1;
                self.quoted(b'\'', false, start).map(|()| TokenKind::Text)
            }
            (b'u' | b'U', b'&', b'\'') => {
                self.at += 2;
                self.quoted(b'\'', false, start)
                    .map(|()| TokenKind::UnicodeText)
            }
            (b'u' | b'U', b'&', b'"') => {
                self.at += 2;
                self.quoted(b'"', false, start)
                    .map(|()| TokenKind::UnicodeQuoted)
            }
            (b'$', ..) => self.dollar(),
            (b'0'..=b'9', ..) | (b'.', b'0'..=b'9', _) => self.number(),
            (byte, ..) if is_word_start(byte) => {
                while is_word_byte(self.peek(0)) {
                    self.at += 1;
                }
                Ok(TokenKind::Word)
            }
            (byte, ..) if OPERATOR_BYTES.contains(&byte) => {
                self.operator();
                Ok(TokenKind::Symbol)
            }
            (b':', b':' | b'=', _) => {
                self.at += 2;
                Ok(TokenKind::Symbol)
            }
            _ => {
                let width = self.text[self.at..]
                    .chars()
                    .next()
                    .map_or(1, char::len_utf8);
                self.at += width;
                Ok(TokenKind::Symbol)
            }
        }
    }

    /// From an opening quote to the closing one; a doubled quote is part of it.
    fn quoted(&mut self, quote: u8, escapes: bool, start: usize) -> Result<(), PlanError> {
        self.at += 1;
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            if byte == quote {
                self.at += 1;
                if self.peek(0) != quote {
                    return Ok(());
                }
            } else if escapes && byte == b'\\' {
                self.at += 1;
            }
            self.at += 1;
        }
        self.at = self.bytes.len();
        let what = if quote == b'"' {
            "quoted identifier"
        } else {
            "quoted string"
        };
        Err(self.unterminated(what, start))
    }

    /// `$1`, `$name`, `$$…$$`, `$tag$…$tag$`
    fn dollar(&mut self) -> Result<TokenKind, PlanError> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            return Ok(TokenKind::Parameter);
        }
        while is_word_byte(self.peek(0)) && self.peek(0) != b'$' {
            self.at += 1;
        }
        if self.peek(0) != b'$' {
            return Ok(TokenKind::Parameter);
        }
        self.at += 1;
        let tag = &self.text[start..self.at];
        match self.text[self.at..].find(tag) {
            Some(length) => {
                self.at += length + tag.len();
                Ok(TokenKind::Text)
            }
            None => Err(self.unterminated("dollar-quoted string", start)),
        }
    }

    fn number(&mut self) -> Result<TokenKind, PlanError> {
        let start = self.at;
        self.digits();
        // 1..2 is not a number followed by a number.
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits();
            }
        }
        if is_word_start(self.peek(0)) {
            while is_word_byte(self.peek(0)) {
                self.at += 1;
            }
            let near = &self.text[start..self.at];
            return Err(PlanError::Lexical {
                message: format!("trailing junk after numeric literal at or near \"{near}\""),
                position: start,
            });
        }
        Ok(TokenKind::Number)
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit()
            || (self.peek(0) == b'_' && self.peek(1).is_ascii_digit())
        {
            self.at += 1;
        }
    }

    /// As long as possible, but a comment ends it.
    fn operator(&mut self) {
        let start = self.at;
        while OPERATOR_BYTES.contains(&self.peek(0)) {
            let comment = matches!((self.peek(0), self.peek(1)), (b'-', b'-') | (b'/', b'*'));
            if comment && self.at > start {
                break;
            }
            self.at += 1;
        }
        // PostgreSQL's rule that lets `a*-1` be two operators: a sign ends one only after one of
        // the less common characters.
        while self.at - start > 1
            && matches!(self.bytes[self.at - 1], b'+' | b'-')
            && !self.bytes[start..self.at]
                .iter()
                .any(|byte| b"~!@#%^&|`?".contains(byte))
        {
            self.at -= 1;
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word_byte(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// The text of `range`, which `tokens` cover, as DuckDB shall read it. Same length.
pub(super) fn translate(
    text: &str,
    tokens: &[Token],
    range: Range<usize>,
) -> Result<String, PlanError> {
    let base = range.start;
    let mut own = String::with_capacity(range.len());
    let mut skipped_until = 0;
    // The last string had escapes, and a string right below continues it.
    let mut escapes_until = None;
    for (index, token) in tokens.iter().enumerate() {
        if index < skipped_until {
            continue;
        }
        pad(&mut own, &text[base..token.start]);
        let written = &text[token.start..token.end];
        match token.kind {
            TokenKind::Text
                if written.starts_with(['e', 'E'])
                    || (written.starts_with('\'')
                        && escapes_until
                            .is_some_and(|end: usize| text[end..token.start].contains('\n'))) =>
            {
                own.push_str(&strings::plain(written, token.start)?);
                escapes_until = Some(token.end);
                continue;
            }
            TokenKind::Word => own.push_str(&written.to_ascii_lowercase()),
            TokenKind::UnicodeText | TokenKind::UnicodeQuoted => {
                let escape = unicode_escape(text, &tokens[index + 1..])?;
                let plain = unicode(written, escape.unwrap_or('\\'));
                // What stands for itself may be doubled, but never more than its escape was long.
                let plain = plain.filter(|plain| plain.len() <= written.len());
                own.push_str(
                    &plain.ok_or(PlanError::Escape {
                        fault: EscapeFault::UnicodeString,
                        position: written
                            .find(escape.unwrap_or('\\'))
                            .map(|at| token.start + at),
                    })?,
                );
                if escape.is_some() {
                    skipped_until = index + 3;
                }
            }
            _ => own.push_str(written),
        }
        escapes_until = None;
    }
    pad(&mut own, &text[range]);
    Ok(own)
}

/// Blanks up to the length of `text`, which is what was written so far. Line feeds stay: a string
/// goes on after one.
fn pad(own: &mut String, text: &str) {
    for byte in text.bytes().skip(own.len()) {
        own.push(if byte == b'\n' { '\n' } else { ' ' });
    }
}

/// The character of `UESCAPE '!'`.
fn unicode_escape(text: &str, tokens: &[Token]) -> Result<Option<char>, PlanError> {
    let [word, value, ..] = tokens else {
        return Ok(None);
    };
    if !text[word.start..word.end].eq_ignore_ascii_case("uescape") {
        return Ok(None);
    }
    let written = &text[value.start..value.end];
    let inner = written
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''));
    let mut characters = inner.unwrap_or_default().chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if !c.is_ascii_hexdigit() && !c.is_whitespace() && !"+'\"".contains(c) => {
            Ok(Some(c))
        }
        _ => Err(PlanError::Lexical {
            message: format!("invalid Unicode escape character at or near \"{written}\""),
            position: value.start,
        }),
    }
}

/// `U&'d\0061ta'` as `'data'`; `None` if an escape is not valid.
fn unicode(written: &str, escape: char) -> Option<String> {
    let mut plain = String::with_capacity(written.len());
    let mut rest = written.get(2..)?;
    let mut high: Option<u32> = None;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != escape {
            if high.is_some() {
                return None;
            }
            plain.push(c);
            continue;
        }
        if let Some(after) = rest.strip_prefix(escape) {
            plain.push(escape);
            rest = after;
            continue;
        }
        let (digits, after) = match rest.strip_prefix('+') {
            Some(long) => (long.get(..6)?, long.get(6..)?),
            None => (rest.get(..4)?, rest.get(4..)?),
        };
        let code = u32::from_str_radix(digits, 16).ok()?;
        rest = after;
        // Two surrogates make one character.
        let code = match (high.take(), code) {
            (None, 0xd800..=0xdbff) => {
                high = Some(code);
                continue;
            }
            (Some(high), 0xdc00..=0xdfff) => 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00),
            (None, code) => code,
            (Some(_), _) => return None,
        };
        let c = char::from_u32(code)?;
        let quote = written.as_bytes()[2];
        plain.push(c);
        if u32::from(quote) == code {
            plain.push(c);
        }
    }
    if high.is_some() { None } else { Some(plain) }
}

/// The name or text that a quoted token holds.
pub(super) fn unquoted(own: &str) -> String {
    let own = own.trim_end();
    match own.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) if own.len() > 1 => {
            let quote = char::from(*quote);
            own[1..own.len() - 1].replace(&format!("{quote}{quote}"), &quote.to_string())
        }
        Some(b'$') => {
            let tag = own[1..].find('$').map_or(0, |end| end + 2);
            own.get(tag..own.len().saturating_sub(tag))
                .unwrap_or_default()
                .to_owned()
        }
        Some(b'e' | b'E') if own.as_bytes().get(1) == Some(&b'\'') => unescaped(&own[1..]),
        _ => own.to_owned(),
    }
}

/// The text between the quotes of `E'…'`, whose escapes are C's.
fn unescaped(quoted: &str) -> String {
    let inner = unquoted(quoted);
    let mut bytes = Vec::with_capacity(inner.len());
    let push = |bytes: &mut Vec<u8>, c: char| {
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    let mut rest = inner.chars().peekable();
    while let Some(c) = rest.next() {
        let escape = if c == '\\' { rest.next() } else { None };
        let Some(escape) = escape else {
            push(&mut bytes, c);
            continue;
        };
        let (radix, digits_max) = match escape {
            'x' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            '0'..='7' => (8, 2),
            _ => (0, 0),
        };
        let mut code = if radix == 8 { escape.to_digit(8) } else { None };
        for _ in 0..digits_max {
            let digit = rest.peek().and_then(|digit| digit.to_digit(radix));
            let Some(digit) = digit else { break };
            rest.next();
            code = Some(code.unwrap_or(0).wrapping_mul(radix).wrapping_add(digit));
        }
        match (escape, code) {
            ('u' | 'U', Some(code)) => {
                let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                push(&mut bytes, c);
            }
            (_, Some(code)) => bytes.push(code.to_le_bytes()[0]),
            ('b', None) => bytes.push(8),
            ('f', None) => bytes.push(12),
            ('n', None) => bytes.push(b'\n'),
            ('r', None) => bytes.push(b'\r'),
            ('t', None) => bytes.push(b'\t'),
            (other, None) => push(&mut bytes, other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
