//! PostgreSQL's advanced regular expressions in the syntax of RE2, with which DuckDB matches.
//!
//! ```text
//! (?i)\mfoo\s[[:alpha:]]   ──►   (?is)\bfoo[\s\v][\pL]
//! ```
//!
//! What only PostgreSQL's engine can do, look around and refer back, is a fault that names it. A
//! pattern that is not well formed is handed on as far as it is understood: DuckDB reports it.
//! What stays different is in `docs/compatibility.md`: alternatives, and the beginning and end of
//! words, which RE2 does not tell apart.

use std::fmt::Write as _;

/// A translated pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Regex {
    /// For RE2, without options.
    pub(super) body: String,
    /// RE2's options for it; `s` is what PostgreSQL does unless told otherwise.
    pub(super) options: &'static str,
    /// How many of its parentheses capture.
    pub(super) groups: usize,
}

impl Regex {
    /// With its options at the beginning.
    pub(super) fn inline(&self) -> String {
        format!("(?{}){}", self.options, self.body)
    }
}

/// Why a pattern cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegexFault {
    /// `(?=`, `(?!`, `(?<=`, `(?<!`
    #[error("look-ahead and look-behind in regular expressions are not supported")]
    LookAround,
    /// `\1`
    #[error("back references in regular expressions are not supported")]
    BackReference,
    /// `(?b)`, `(?e)`: the two older syntaxes.
    #[error("only advanced regular expressions are supported")]
    OtherSyntax,
    /// More groups than a replacement or a match can name.
    #[error("more than nine groups in a regular expression are not supported")]
    Groups,
    /// A backslash before a letter without meaning, or at the end.
    #[error("invalid regular expression: invalid escape \\ sequence")]
    Escape,
    /// `{1` without end.
    #[error("invalid regular expression: braces {{}} not balanced")]
    Braces,
    /// `{300}`, `{2,1}`
    #[error("invalid regular expression: invalid repetition count(s)")]
    Repetition,
    /// `(?` before something else.
    #[error("invalid regular expression: quantifier operand invalid")]
    Operand,
    /// More than two marks in a pattern of SIMILAR TO.
    #[error("SQL regular expression may not contain more than two escape-double-quote separators")]
    Marks,
    /// The option `g` of a function that finds one match.
    #[error("{0}() does not support the \"global\" option")]
    Global(String),
    /// A letter among the options that has no meaning.
    #[error("invalid regular expression option: \"{0}\"")]
    Option(char),
}

/// What the letters of options say; of those that exclude each other the last one counts.
#[derive(Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of PostgreSQL's, on or off for itself"
)]
struct Options {
    ignore_case: bool,
    /// A line feed ends what `.` and `[^…]` match.
    dot_stops: bool,
    /// `^` and `$` also stand at line feeds.
    lines: bool,
    expanded: bool,
    literal: bool,
}

impl Options {
    fn read(&mut self, letters: &str) -> Result<(), RegexFault> {
        for letter in letters.chars() {
            match letter {
                'i' => self.ignore_case = true,
                'c' => self.ignore_case = false,
                'n' | 'm' => (self.dot_stops, self.lines) = (true, true),
                'p' => (self.dot_stops, self.lines) = (true, false),
                'w' => (self.dot_stops, self.lines) = (false, true),
                's' => (self.dot_stops, self.lines) = (false, false),
                'x' => self.expanded = true,
                't' => self.expanded = false,
                'q' => self.literal = true,
                // Matches of all of the text are the matter of who asks.
                'g' => {}
                'b' | 'e' => return Err(RegexFault::OtherSyntax),
                other => return Err(RegexFault::Option(other)),
            }
        }
        Ok(())
    }

    fn for_re2(self) -> &'static str {
        match (self.ignore_case, self.lines, self.dot_stops) {
            (false, false, false) => "s",
            (false, false, true) => "-s",
            (false, true, false) => "sm",
            (false, true, true) => "m",
            (true, false, false) => "is",
            (true, false, true) => "i",
            (true, true, false) => "ism",
            (true, true, true) => "im",
        }
    }
}

/// Translates a pattern; `flags` are those that PostgreSQL's functions take apart.
pub(super) fn translate(pattern: &str, flags: &str) -> Result<Regex, RegexFault> {
    let mut options = Options::default();
    options.read(flags)?;
    let mut rest = pattern;
    if let Some(literal) = rest.strip_prefix("***=") {
        options.literal = true;
        rest = literal;
    } else {
        rest = rest.strip_prefix("***:").unwrap_or(rest);
        if let Some((letters, after)) = embedded(rest) {
            options.read(letters)?;
            rest = after;
        }
    }
    let mut translator = Translator {
        rest,
        options,
        body: String::with_capacity(pattern.len()),
        groups: 0,
    };
    if options.literal {
        rest.chars().for_each(|c| translator.literal(c));
    } else {
        while translator.token()? {}
    }
    Ok(Regex {
        body: translator.body,
        options: options.for_re2(),
        groups: translator.groups,
    })
}

/// The letters of `(?letters)` at the beginning, and what follows.
fn embedded(pattern: &str) -> Option<(&str, &str)> {
    let (letters, after) = pattern.strip_prefix("(?")?.split_once(')')?;
    let known = |letter: char| "bceimnpqstwx".contains(letter);
    (!letters.is_empty() && letters.chars().all(known)).then_some((letters, after))
}

/// PostgreSQL repeats at most so often.
const REPETITIONS_MAX: u32 = 255;

/// Checks what follows an opening brace and begins with a digit.
fn check_repetition(rest: &str) -> Result<(), RegexFault> {
    let (bounds, _) = rest.split_once('}').ok_or(RegexFault::Braces)?;
    let number = |digits: &str| digits.parse::<u32>().map_err(|_| RegexFault::Repetition);
    let (least, most) = bounds.split_once(',').unwrap_or((bounds, bounds));
    let least = number(least)?;
    let most = if most.is_empty() {
        least
    } else {
        number(most)?
    };
    if least > most || most > REPETITIONS_MAX {
        return Err(RegexFault::Repetition);
    }
    Ok(())
}

/// A pattern while it is translated.
struct Translator<'a> {
    rest: &'a str,
    options: Options,
    body: String,
    groups: usize,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take(&mut self, start: &str) -> bool {
        match self.rest.strip_prefix(start) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Puts a character that stands for itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() && c != '_' {
            self.body.push('\\');
        }
        self.body.push(c);
    }

    /// Translates what comes next; false at the end.
    fn token(&mut self) -> Result<bool, RegexFault> {
        if self.take("[[:<:]]") || self.take("[[:>:]]") {
            self.body.push_str("\\b");
            return Ok(true);
        }
        let Some(c) = self.next() else {
            return Ok(false);
        };
        match c {
            '\\' => self.escape(false)?,
            '[' => self.bracket()?,
            '(' if self.rest.starts_with('?') => self.special_group()?,
            '(' => {
                self.groups += 1;
                self.body.push('(');
            }
            '#' if self.options.expanded => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            c if self.options.expanded && c.is_whitespace() => {}
            '{' if self.rest.starts_with(|c: char| c.is_ascii_digit()) => {
                check_repetition(self.rest)?;
                self.body.push('{');
            }
            c => self.body.push(c),
        }
        Ok(true)
    }

    /// What begins with `(?`.
    fn special_group(&mut self) -> Result<(), RegexFault> {
        if self.take("?:") {
            self.body.push_str("(?:");
        } else if self.take("?#") {
            let end = self.rest.find(')').map_or(self.rest.len(), |end| end + 1);
            self.rest = &self.rest[end..];
        } else if ["?=", "?!", "?<=", "?<!"]
            .iter()
            .any(|look| self.rest.starts_with(look))
        {
            return Err(RegexFault::LookAround);
        } else {
            return Err(RegexFault::Operand);
        }
        Ok(())
    }

    /// What follows a backslash, outside or inside of brackets.
    fn escape(&mut self, in_bracket: bool) -> Result<(), RegexFault> {
        let c = self.next().ok_or(RegexFault::Escape)?;
        let class = |plain: &'static str, bracket: &'static str| {
            if in_bracket { bracket } else { plain }
        };
        let text = match c {
            'd' => "\\d",
            'D' => "\\D",
            'w' => class("[\\pL\\pN_]", "\\pL\\pN_"),
            's' => class("[\\s\\v]", "\\s\\v"),
            'W' if !in_bracket && self.options.dot_stops => "[^\\n\\pL\\pN_]",
            'W' if !in_bracket => "[^\\pL\\pN_]",
            'S' if !in_bracket => "[^\\s\\v]",
            'm' | 'M' | 'y' if !in_bracket => "\\b",
            'Y' if !in_bracket => "\\B",
            'A' if !in_bracket => "\\A",
            'Z' if !in_bracket => "\\z",
            'a' => "\\a",
            'b' => "\\x08",
            'B' => "\\\\",
            'e' => "\\x1b",
            'f' => "\\f",
            'n' => "\\n",
            'r' => "\\r",
            't' => "\\t",
            'v' => "\\v",
            'x' => return self.code(16, 1..=usize::MAX),
            'u' => return self.code(16, 4..=4),
            'U' => return self.code(16, 8..=8),
            'c' => {
                let control = u32::from(self.next().ok_or(RegexFault::Escape)?) & 0x1f;
                return self.point(control);
            }
            '0' => {
                self.rest = self.rest.trim_start_matches(|c| ('0'..='7').contains(&c));
                "\\x00"
            }
            '1'..='9' => {
                let digits: String = std::iter::once(c)
                    .chain(self.rest.chars().take(2))
                    .take_while(|c| ('0'..='7').contains(c))
                    .collect();
                if digits.len() < 3 {
                    return Err(RegexFault::BackReference);
                }
                self.rest = &self.rest[2..];
                let point = u32::from_str_radix(&digits, 8).map_err(|_| RegexFault::Escape)?;
                return self.point(point);
            }
            c if c.is_ascii_alphanumeric() => return Err(RegexFault::Escape),
            c => {
                self.literal(c);
                return Ok(());
            }
        };
        self.body.push_str(text);
        Ok(())
    }

    /// A character by the digits of its code.
    fn code(
        &mut self,
        radix: u32,
        lengths: std::ops::RangeInclusive<usize>,
    ) -> Result<(), RegexFault> {
        let length = self
            .rest
            .chars()
            .take(*lengths.end())
            .take_while(|c| c.is_digit(radix))
            .count();
        if length < *lengths.start() {
            return Err(RegexFault::Escape);
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let point = u32::from_str_radix(digits, radix).map_err(|_| RegexFault::Escape)?;
        self.point(point)
    }

    fn point(&mut self, point: u32) -> Result<(), RegexFault> {
        let c = char::from_u32(point).ok_or(RegexFault::Escape)?;
        if c.is_ascii_alphanumeric() {
            self.body.push(c);
        } else {
            let _ = write!(self.body, "\\x{{{point:x}}}");
        }
        Ok(())
    }

    /// What follows `[`, to its end.
    fn bracket(&mut self) -> Result<(), RegexFault> {
        self.body.push('[');
        if self.take("^") {
            self.body.push('^');
            if self.options.dot_stops {
                self.body.push_str("\\n");
            }
        }
        // The first one stands for itself.
        if self.take("]") {
            self.body.push_str("\\]");
        }
        loop {
            if self.named_class() {
                continue;
            }
            match self.next() {
                // Not closed: DuckDB says so.
                None => return Ok(()),
                Some(']') => {
                    self.body.push(']');
                    return Ok(());
                }
                Some('\\') => self.escape(true)?,
                Some('[') => self.body.push_str("\\["),
                Some(c) => self.body.push(c),
            }
        }
    }

    /// `[:alpha:]`, `[.x.]` or `[=x=]` inside of brackets. Classes are Unicode's, as in PostgreSQL
    /// with a character type that is.
    fn named_class(&mut self) -> bool {
        let named = |open: &str, close: &str| {
            let (name, rest) = self.rest.strip_prefix(open)?.split_once(close)?;
            Some((name.to_owned(), self.rest.len() - rest.len()))
        };
        if let Some((name, length)) = named("[:", ":]") {
            let class = match name.as_str() {
                "alpha" => "\\pL",
                "alnum" => "\\pL\\pN",
                "upper" => "\\p{Lu}",
                "lower" => "\\p{Ll}",
                "space" => "\\s\\v",
                "word" => "\\pL\\pN_",
                // Of ASCII, or not known: DuckDB says so.
                _ => {
                    self.body.push_str(&self.rest[..length]);
                    self.rest = &self.rest[length..];
                    return true;
                }
            };
            self.body.push_str(class);
            self.rest = &self.rest[length..];
            return true;
        }
        for (open, close) in [("[.", ".]"), ("[=", "=]")] {
            if let Some((name, length)) = named(open, close)
                && name.chars().count() == 1
            {
                name.chars().for_each(|c| self.literal(c));
                self.rest = &self.rest[length..];
                return true;
            }
        }
        false
    }
}

/// PostgreSQL's replacement text in RE2's: `\&` is the whole match, and a backslash before anything
/// else than a digit or another backslash stands for itself.
pub(super) fn replacement(text: &str) -> String {
    let mut translated = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            translated.push(c);
            continue;
        }
        match rest.peek() {
            Some('&') => translated.push_str("\\0"),
            Some(c @ ('1'..='9' | '\\')) => {
                translated.push('\\');
                translated.push(*c);
            }
            Some(c) => {
                translated.push_str("\\\\");
                translated.push(*c);
            }
            None => translated.push_str("\\\\"),
        }
        rest.next();
    }
    translated
}

/// The highest group that a replacement names.
pub(super) fn groups_named(replacement: &str) -> usize {
    let mut highest = 0;
    let mut rest = replacement.chars();
    while let Some(c) = rest.next() {
        if c == '\\'
            && let Some(digit) = rest.next().and_then(|c| c.to_digit(10))
        {
            highest = highest.max(usize::try_from(digit).unwrap_or_default());
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::{RegexFault, groups_named, replacement, translate};

    #[test]
    fn patterns_are_re2s() {
        for (given, flags, wanted) in [
            ("a.c", "", "(?s)a.c"),
            ("(?i)abc", "", "(?is)abc"),
            ("abc", "i", "(?is)abc"),
            ("(?c)abc", "i", "(?s)abc"),
            ("a.c", "n", "(?m)a.c"),
            ("a.c", "p", "(?-s)a.c"),
            ("a.c", "w", "(?sm)a.c"),
            ("[^a]\\W", "n", "(?m)[^\\na][^\\n\\pL\\pN_]"),
            ("***=a.(c", "", "(?s)a\\.\\(c"),
            ("***:a.c", "", "(?s)a.c"),
            ("a.c", "q", "(?s)a\\.c"),
            ("(?x) a b # c\n[ #]", "", "(?s)ab[ #]"),
            ("\\mfoo\\M\\Y\\A\\Z", "", "(?s)\\bfoo\\b\\B\\A\\z"),
            ("[[:<:]]a[[:>:]]", "", "(?s)\\ba\\b"),
            ("\\d\\w\\s\\S", "", "(?s)\\d[\\pL\\pN_][\\s\\v][^\\s\\v]"),
            ("[\\d\\w.]", "", "(?s)[\\d\\pL\\pN_.]"),
            ("[]a]", "", "(?s)[\\]a]"),
            ("[^]a]", "", "(?s)[^\\]a]"),
            ("[[:alpha:][:digit:]x]", "", "(?s)[\\pL[:digit:]x]"),
            ("[[.-.]a]", "", "(?s)[\\-a]"),
            ("[a[b]", "", "(?s)[a\\[b]"),
            (
                "\\x61\\u00e9\\U0001F600\\141",
                "",
                "(?s)a\\x{e9}\\x{1f600}a",
            ),
            ("a(?#no)b", "", "(?s)ab"),
            ("\\.\\-\\é", "", "(?s)\\.\\-é"),
            ("[a", "", "(?s)[a"),
        ] {
            let regex = translate(given, flags).unwrap();
            assert_eq!(regex.inline(), wanted, "{given} {flags}");
        }
        assert_eq!(translate("(a)(?:b)\\((c)[(]", "").unwrap().groups, 2);
    }

    #[test]
    fn what_re2_cannot_do_is_named() {
        for (given, wanted) in [
            ("a(?=b)", RegexFault::LookAround),
            ("(?<!b)a", RegexFault::LookAround),
            ("(a)\\1", RegexFault::BackReference),
            ("(?b)a", RegexFault::OtherSyntax),
            ("a\\", RegexFault::Escape),
            ("\\q", RegexFault::Escape),
            ("\\u12", RegexFault::Escape),
            ("(?P<a>b)", RegexFault::Operand),
            ("a{1", RegexFault::Braces),
            ("a{256}", RegexFault::Repetition),
            ("a{2,1}", RegexFault::Repetition),
        ] {
            assert_eq!(translate(given, ""), Err(wanted), "{given}");
        }
        assert_eq!(translate("a", "gz"), Err(RegexFault::Option('z')));
    }

    #[test]
    fn replacements_are_re2s() {
        for (given, wanted) in [
            ("a\\1b", "a\\1b"),
            ("[\\&]", "[\\0]"),
            ("\\\\", "\\\\"),
            ("a\\qb\\0", "a\\\\qb\\\\0"),
            ("\\", "\\\\"),
        ] {
            assert_eq!(replacement(given), wanted);
        }
        assert_eq!(groups_named("\\3 \\\\9 \\1"), 3);
    }
}
