//! Spellings of PostgreSQL that DuckDB's parser does not take, blanked out in the text.
//!
//! | PostgreSQL | becomes |
//! |---|---|
//! | `a OPERATOR(pg_catalog.~) b` | `a                      ~  b` |
//! | `x::pg_catalog.text`, `CAST(x AS pg_catalog.text)` | without the schema |
//! | `x COLLATE pg_catalog.default`, `x COLLATE "default"` | without the collation |
//! | `INTERVAL '1' YEAR TO MONTH` | `INTERVAL '1' MONTH` |
//! | `x SIMILAR TO y ESCAPE z` | `x LIKE       y ESCAPE z`, in capitals, which [`super::patterns`] knows |
//! | `ORDER BY x USING >` | `ORDER BY x desc` |
//! | `substring(x SIMILAR y ESCAPE z)` | `substring(x from    y for    z)` |
//!
//! | `ROWS FROM (f(…), g(…))` | `skeinrows(f(…), g(…))`, see [`super::sets`] |
//! | `LIKE ANY (array)`, `~ ALL (array)` | `LIKE _n_(array)`, see [`super::arrays`] |
//! | `EXISTS (SELECT FROM t)` | `EXISTS (       FROM t)`, which DuckDB parses |
//! | `f(VARIADIC a)` | an operator before `a`, see [`super::variadic`] |
//! | `BETWEEN SYMMETRIC a AND b` | an operator before `a`, see [`super::rows`] |
//! | operators over JSON | see [`super::symbols`] |
//! | `schema.t.*` | `       t.*` |
//! | `f(t.*)` | `f(t  )`, see [`super::whole_rows`] |
//! | `TABLESAMPLE SYSTEM (10)` | `TABLESAMPLE 10%(system)` |
//! | `numeric(50, 2)` | `numeric(38, 2)` |
//! | `rank(3) WITHIN GROUP (ORDER BY x)` | `rank(3 ORDER BY x)`, see [`super::hypothetical`] |
//! | `FOR UPDATE` and its like | nothing, see [`super::locking`] |
//! | `FETCH FIRST 3 ROWS WITH TIES` | `LIMIT _t_(3)`, see [`super::ties`] |
//!
//! Every byte that goes becomes a space, so offsets stay. Words were made lower case before.

use std::borrow::Cow;
use std::ops::Range;

use super::patterns::SIMILAR;
use super::{hypothetical, locking, samples, symbols, ties, whole_rows};

/// A token: what it is and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word or number.
    Word,
    /// An identifier in double quotes.
    Quoted,
    /// A string constant of any kind.
    String,
    /// One character of anything else.
    Symbol,
}

/// What `ORDER BY x USING >` means, and where it ends.
fn direction(text: &str, rest: &[Token]) -> Option<(usize, &'static str)> {
    let [order, after @ ..] = rest else {
        return None;
    };
    // `>=` and other operators go on.
    let goes_on = after.first().is_some_and(|after| {
        after.kind == Kind::Symbol
            && after.start == order.end
            && !matches!(&text[after.start..after.end], "," | ")" | ";")
    });
    if goes_on {
        None
    } else if is(text, *order, ">") {
        Some((order.end, "desc"))
    } else if is(text, *order, "<") {
        Some((order.end, "asc"))
    } else {
        None
    }
}

/// Gives `text` without what DuckDB cannot parse, at the same length.
pub fn normalise(text: &str) -> Cow<'_, str> {
    match locking::without(text) {
        Cow::Borrowed(text) => spelled(text),
        Cow::Owned(text) => Cow::Owned(spelled(&text).into_owned()),
    }
}

/// What is written instead of something else, wherever that stands.
fn replacements(text: &str, tokens: &[Token]) -> Vec<(Range<usize>, String)> {
    let mut all: Vec<(Range<usize>, String)> = Vec::new();
    if symbols::is_possible(text) {
        all.extend(in_place(symbols::replacements(text, tokens)));
    }
    all.extend(in_place(quantifiers(text, tokens)));
    for (word, operator) in operators_for_words(text, tokens) {
        let start = word.end - operator.len();
        all.push((word.start..start, String::new()));
        all.push((start..word.end, operator.to_owned()));
    }
    let rows = rows_from(text, tokens).into_iter();
    all.extend(rows.map(|place| (place, ROWS_FROM.to_owned())));
    let stars = whole_rows::stars(text, tokens).into_iter();
    all.extend(stars.map(|place| (place, String::new())));
    all.extend(samples::samples(text, tokens));
    let groups = hypothetical::within_group(text, tokens).into_iter();
    all.extend(groups.map(|place| (place, String::new())));
    all.extend(wide_numerics(text, tokens));
    all.extend(ties::marked(text, tokens));
    all
}

/// Digits of a `numeric` that PostgreSQL takes, and that DuckDB has.
const PRECISION_MAX: [usize; 2] = [1000, 38];

/// Where `numeric(50, 2)` has more digits than DuckDB's decimals: it gets all that there are.
fn wide_numerics(text: &str, tokens: &[Token]) -> Vec<(Range<usize>, String)> {
    let number = |token: Token| text[token.start..token.end].parse::<usize>().ok();
    let found = tokens.windows(3).filter_map(|window| {
        let [name, open, precision] = window else {
            return None;
        };
        let numeric = ["numeric", "decimal", "dec"]
            .iter()
            .any(|word| is(text, *name, word));
        let [most, least] = PRECISION_MAX;
        (numeric && is(text, *open, "(") && (least + 1..=most).contains(&number(*precision)?))
            .then(|| (precision.start..precision.end, least.to_string()))
    });
    found.collect()
}

/// Words that are as long as what they replace.
fn in_place<'a>(
    found: impl IntoIterator<Item = (usize, &'a str)>,
) -> impl Iterator<Item = (Range<usize>, String)> {
    let found = found.into_iter();
    found.map(|(start, written)| (start..start + written.len(), written.to_owned()))
}

/// Gives `text` in the spellings that DuckDB parses.
fn spelled(text: &str) -> Cow<'_, str> {
    // Nothing to do for nearly every statement, which a search of a few words finds fastest.
    let contains = |word: &str| {
        text.as_bytes()
            .windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    let has_fields = || contains("interval") && contains(" to ");
    let json = symbols::is_possible(text);
    let rows = contains("rows");
    let quantified = ["any", "some", "all"].iter().any(|word| contains(word));
    let words = ["symmetric", "variadic", "exists"];
    let marked = words.iter().any(|word| contains(word));
    let whole_rows = contains(".*") || contains(". *");
    let sampled = contains("tablesample");
    let numerics = contains("numeric") || contains("dec");
    let ordered = contains("within") || contains("ties");
    let words = ["pg_catalog", "operator", "collate", "similar", "using"];
    let contains_any = words.iter().any(|word| contains(word));
    let other =
        json || rows || quantified || marked || whole_rows || sampled || numerics || ordered;
    if !other && !contains_any && !has_fields() {
        return Cow::Borrowed(text);
    }
    let tokens = tokens(text);
    let mut bytes = text.as_bytes().to_vec();
    let mut changed = false;
    let mut replace = |place: Range<usize>, written: &str| {
        bytes[place.clone()].fill(b' ');
        bytes[place.start..place.start + written.len()].copy_from_slice(written.as_bytes());
        changed = true;
    };
    for (place, written) in replacements(text, &tokens) {
        replace(place, &written);
    }
    let mut put = |from: usize, to: usize, word: &str| replace(from..to, word);
    let mut in_substring = false;
    for (index, token) in tokens.iter().enumerate() {
        let rest = &tokens[index + 1..];
        if token.kind != Kind::Word && token.kind != Kind::Symbol {
            continue;
        }
        if is(text, *token, "operator") {
            if let Some((operator, close)) = operator(text, rest) {
                put(token.start, operator.start, "");
                put(close.start, close.end, "");
            }
        } else if is(text, *token, "collate") {
            if let Some(end) = default_collation(text, rest) {
                put(token.start, end, "");
            }
        } else if is(text, *token, "similar") {
            match rest.first() {
                Some(to) if is(text, *to, "to") => put(token.start, to.end, SIMILAR),
                Some(next) if !is_name(text, &tokens[..index], *next) => {
                    in_substring = true;
                    put(token.start, token.end, "from");
                }
                _ => {}
            }
        } else if is(text, *token, "using")
            && let Some((end, word)) = direction(text, rest)
        {
            put(token.start, end, word);
        } else if in_substring && is(text, *token, "escape") {
            in_substring = false;
            put(token.start, token.end, "for");
        } else if is(text, *token, "to") {
            if let Some((start, end, said)) = all_fields(text, &tokens[..index], rest) {
                put(start, end, &said);
            }
        } else if is(text, *token, "second")
            && let Some((end, said)) = seconds(text, &tokens[..index], rest)
        {
            put(token.start, end, &said);
        } else if (is(text, *token, "as") || ends_cast(text, &tokens[..=index]))
            && let [schema, dot, ..] = rest
            && is(text, *schema, "pg_catalog")
            && is(text, *dot, ".")
        {
            put(schema.start, dot.end, "");
        }
    }
    if !changed {
        return Cow::Borrowed(text);
    }
    Cow::Owned(String::from_utf8(bytes).expect("whole tokens were replaced by spaces"))
}

/// Whether a word between `before` and `next` is a name rather than a keyword before an operand.
fn is_name(text: &str, before: &[Token], next: Token) -> bool {
    let after = |word: &str| before.last().is_some_and(|last| is(text, *last, word));
    let names = ["as", ".", ",", "select"].iter().any(|word| after(word));
    names || next.kind == Kind::Symbol && !is(text, next, "(") && !is(text, next, "$")
}

/// Longer than any `count(t.*)`.
const COUNTED_BYTES_MAX: usize = 1024;

/// What is called instead of `ANY`, `SOME` and `ALL` after operators that do not compare.
pub(crate) const ANY: &str = "_n_";
/// See [`ANY`].
pub(crate) const SOME: &str = "_n_n";
/// See [`ANY`].
pub(crate) const ALL: &str = "_l_";
/// Stands before the first bound of `BETWEEN SYMMETRIC`.
pub(super) const SYMMETRIC: &str = "``";

/// Stands before an argument that is `VARIADIC`; not longer than the word.
pub(super) const VARIADIC: &str = "```";

/// Where `LIKE ANY (array)` and `~ ANY (array)` stand; subqueries are left to DuckDB's parser.
fn quantifiers(text: &str, tokens: &[Token]) -> Vec<(usize, &'static str)> {
    let found = tokens.windows(4).filter_map(|window| {
        let [before, word, open, first] = window else {
            return None;
        };
        let name = [("any", ANY), ("some", SOME), ("all", ALL)];
        let (_, name) = name.iter().find(|(given, _)| is(text, *word, given))?;
        let pattern = is(text, *before, "like")
            || is(text, *before, "ilike")
            || is(text, *before, "~")
            || (is(text, *before, "*") && text[..before.start].ends_with('~'));
        let subquery = ["select", "with", "values", "from"]
            .iter()
            .any(|it| is(text, *first, it));
        (pattern && word.kind == Kind::Word && is(text, *open, "(") && !subquery)
            .then_some((word.start, *name))
    });
    found.collect()
}

/// The words `SYMMETRIC` and `VARIADIC`, and the operators that stand for them; `SELECT` where nothing does.
fn operators_for_words(text: &str, tokens: &[Token]) -> Vec<(Token, &'static str)> {
    let found = tokens.windows(2).filter_map(|window| {
        let [before, word] = window else { return None };
        if is(text, *before, "between") && is(text, *word, "symmetric") {
            return Some((*word, SYMMETRIC));
        }
        let begins_argument = is(text, *before, "(") || is(text, *before, ",");
        (begins_argument && word.kind == Kind::Word && is(text, *word, "variadic"))
            .then_some((*word, VARIADIC))
    });
    let nothing = selects_nothing(text, tokens).map(|select| (select, ""));
    found.chain(nothing).collect()
}

/// The word `SELECT` in `EXISTS (SELECT FROM …)`, of which no column is wanted.
fn selects_nothing(text: &str, tokens: &[Token]) -> impl Iterator<Item = Token> {
    tokens.windows(4).filter_map(|window| {
        let [exists, open, select, from] = window else {
            return None;
        };
        let words = [(exists, "exists"), (select, "select"), (from, "from")];
        let nothing = is(text, *open, "(")
            && words
                .iter()
                .all(|(token, word)| token.kind == Kind::Word && is(text, **token, word));
        nothing.then_some(*select)
    })
}

/// What is called instead of `ROWS FROM`; not longer than the shortest spelling of that.
pub(super) const ROWS_FROM: &str = "skeinrows";

/// Where `ROWS FROM` stands before calls of functions; `rows` may be a column as well.
fn rows_from(text: &str, tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    let found = tokens.windows(6).filter_map(|window| {
        let [before, rows, from, open, function, after] = window else {
            return None;
        };
        let relation = ["from", ",", "join", "lateral"]
            .iter()
            .any(|word| is(text, *before, word));
        let calls = matches!(function.kind, Kind::Word | Kind::Quoted)
            && (is(text, *after, "(") || is(text, *after, "."));
        (relation
            && is(text, *rows, "rows")
            && is(text, *from, "from")
            && is(text, *open, "(")
            && calls)
            .then_some(rows.start..from.end)
    });
    found.collect()
}

/// Whether the cast at `location`, written `x::type` or `CAST(x AS type)`, is to a type without
/// anything in parentheses after it.
pub(super) fn casts_without_precision(text: &str, location: usize) -> bool {
    let Some(text) = text.get(location..) else {
        return false;
    };
    match type_of_cast(text, &tokens(text)) {
        [_, after, ..] => !is(text, *after, "("),
        [_] => true,
        [] => false,
    }
}

/// The words of the type that the cast at `location` names, in lower case, and the number in
/// parentheses after it.
pub(super) fn cast_type(text: &str, location: usize) -> Option<(String, Option<i64>)> {
    let text = text.get(location..)?;
    let tokens = tokens(text);
    let ty = type_of_cast(text, &tokens);
    let words: Vec<String> = ty
        .iter()
        .take_while(|token| token.kind == Kind::Word)
        .take(2)
        .map(|token| text[token.start..token.end].to_ascii_lowercase())
        .collect();
    let (name, rest) = match words.as_slice() {
        [first, second, ..]
            if matches!(first.as_str(), "bit" | "character") && second == "varying" =>
        {
            (format!("{first} {second}"), &ty[2..])
        }
        [first, ..] => (first.clone(), &ty[1..]),
        [] => return None,
    };
    let modifier = match rest {
        [open, number, close, ..] if is(text, *open, "(") && is(text, *close, ")") => {
            text[number.start..number.end].parse().ok()
        }
        _ => None,
    };
    Some((name, modifier))
}

/// The tokens of the type in a cast that `text` begins with, and what follows them.
fn type_of_cast<'a>(text: &str, tokens: &'a [Token]) -> &'a [Token] {
    match tokens {
        [first, second, rest @ ..] if ends_cast(text, &[*first, *second]) => rest,
        [_, open, rest @ ..] if is(text, *open, "(") => {
            // The last AS at the level of the cast's own parentheses.
            let (mut depth, mut name) = (0_usize, None);
            for (index, token) in rest.iter().enumerate() {
                if is(text, *token, "(") {
                    depth += 1;
                } else if is(text, *token, ")") {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                } else if depth == 0 && token.kind == Kind::Word && is(text, *token, "as") {
                    name = Some(index + 1);
                }
            }
            name.and_then(|index| rest.get(index..)).unwrap_or_default()
        }
        _ => &[],
    }
}

/// The relation in `count(t.*)`, which begins at `location`.
pub(super) fn counted(text: &str, location: usize) -> Option<String> {
    let text = text.get(location..)?;
    match tokens(
        text.get(..text.len().min(COUNTED_BYTES_MAX))
            .unwrap_or(text),
    )
    .as_slice()
    {
        [count, open, relation, dot, star, close, ..]
            if is(text, *count, "count")
                && is(text, *open, "(")
                && is(text, *dot, ".")
                && is(text, *star, "*")
                && is(text, *close, ")") =>
        {
            let name = &text[relation.start..relation.end];
            match relation.kind {
                Kind::Word => Some(name.to_ascii_lowercase()),
                Kind::Quoted => Some(name[1..name.len() - 1].replace("\"\"", "\"")),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The number that is written at `location`.
pub(super) fn number(text: &str, location: usize) -> Option<&str> {
    let rest = text.get(location..)?;
    let bytes = rest.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let sign =
            matches!(bytes[end], b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
        if !(bytes[end].is_ascii_alphanumeric() || bytes[end] == b'.' || sign) {
            break;
        }
        end += 1;
    }
    (end > 0).then(|| &rest[..end])
}

pub(super) fn is(text: &str, token: Token, word: &str) -> bool {
    match token.kind {
        Kind::String => false,
        Kind::Quoted => &text[token.start + 1..token.end - 1] == word,
        _ => text[token.start..token.end].eq_ignore_ascii_case(word),
    }
}

/// Whether these tokens end with `::`.
fn ends_cast(text: &str, tokens: &[Token]) -> bool {
    matches!(tokens, [.., first, second]
        if is(text, *first, ":") && is(text, *second, ":") && first.end == second.start)
}

/// The fields of an interval that DuckDB refuses, before the word `TO` and after it: where they begin
/// and end, and what says the same. That is nothing for `INTERVAL '1 2:03:04' DAY TO SECOND`, whose last
/// field is the one of a constant without fields, `MONTH` for `INTERVAL '1' YEAR TO MONTH`, and a
/// comment for [`fields_of_interval`] else.
fn all_fields(text: &str, before: &[Token], rest: &[Token]) -> Option<(usize, usize, String)> {
    let (last, [.., word, constant, first]) = (rest.first()?, before) else {
        return None;
    };
    if constant.kind != Kind::String || !is(text, *word, "interval") {
        return None;
    }
    let (from, to) = (interval_field(text, *first)?, interval_field(text, *last)?);
    let precision = precision(text, &rest[1..]);
    let end = precision.map_or(last.end, |(end, _)| end);
    let said = match (from, to, precision) {
        // `1-2` says by itself what it is.
        ('y', 'o', None) => {
            let is_number = text[constant.start..constant.end]
                .trim_matches('\'')
                .trim()
                .parse::<f64>()
                .is_ok();
            if is_number { "month" } else { "" }.to_owned()
        }
        ('d' | 'h', 's', None) => String::new(),
        _ => said_fields(from, to, precision.map(|(_, digits)| digits)),
    };
    Some((first.start, end, said))
}

/// The same of `INTERVAL '1.234' SECOND(2)`, at the word `SECOND`.
fn seconds(text: &str, before: &[Token], rest: &[Token]) -> Option<(usize, String)> {
    let [.., word, constant] = before else {
        return None;
    };
    if constant.kind != Kind::String || !is(text, *word, "interval") {
        return None;
    }
    let (end, digits) = precision(text, rest)?;
    Some((end, said_fields('s', 's', Some(digits))))
}

fn said_fields(from: char, to: char, digits: Option<u32>) -> String {
    let digits = digits.map_or_else(String::new, |digits| digits.to_string());
    format!("/*~{from}{to}{digits}*/")
}

/// The letter of a field.
fn interval_field(text: &str, token: Token) -> Option<char> {
    let fields = [
        ("year", 'y'),
        ("month", 'o'),
        ("day", 'd'),
        ("hour", 'h'),
        ("minute", 'm'),
        ("second", 's'),
    ];
    let found = fields.iter().find(|(word, _)| is(text, token, word));
    found.map(|(_, letter)| *letter)
}

/// Where `(2)` ends, and how many digits it says.
fn precision(text: &str, rest: &[Token]) -> Option<(usize, u32)> {
    let [open, digits, close, ..] = rest else {
        return None;
    };
    if !is(text, *open, "(") || !is(text, *close, ")") {
        return None;
    }
    let digits = text[digits.start..digits.end].parse().ok()?;
    (digits <= 6).then_some((close.end, digits))
}

/// The fields of the interval whose constant stands at byte `at`: the letters of the first and the last,
/// and the digits of its seconds.
pub(crate) fn fields_of_interval(text: &str, at: usize) -> Option<(char, char, Option<u32>)> {
    let mut rest = text.get(at..)?.strip_prefix('\'')?;
    loop {
        rest = &rest[rest.find('\'')? + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => rest = after,
            None => break,
        }
    }
    let (said, _) = rest.trim_start().strip_prefix("/*~")?.split_once("*/")?;
    let mut letters = said.chars();
    let fields = (letters.next()?, letters.next()?);
    Some((fields.0, fields.1, letters.as_str().parse().ok()))
}

/// The operator and the closing parenthesis of what follows the word OPERATOR.
fn operator(text: &str, rest: &[Token]) -> Option<(Token, Token)> {
    let [open, rest @ ..] = rest else { return None };
    let rest = match rest {
        [schema, dot, rest @ ..] if is(text, *dot, ".") && schema.kind != Kind::Symbol => rest,
        _ => rest,
    };
    if !is(text, *open, "(") {
        return None;
    }
    let length = rest
        .iter()
        .take_while(|token| !is(text, **token, ")"))
        .count();
    let symbols = &rest[..length];
    let close = *rest.get(length)?;
    let first = *symbols.first()?;
    symbols
        .iter()
        .all(|token| token.kind == Kind::Symbol)
        .then_some((first, close))
}

/// The end of a default collation's name.
fn default_collation(text: &str, rest: &[Token]) -> Option<usize> {
    let name = match rest {
        [schema, dot, name, ..] if is(text, *schema, "pg_catalog") && is(text, *dot, ".") => name,
        [name, ..] => name,
        [] => return None,
    };
    is(text, *name, "default").then_some(name.end)
}

/// Splits a text as PostgreSQL does, comments left out.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let rest = &bytes[at..];
        let kind = match rest[0] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if rest.starts_with(b"--") => {
                at += rest
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                at += comment(rest);
                continue;
            }
            b'\'' => {
                let escapes = matches!(found.last(), Some(Token { kind: Kind::Word, start, end })
                    if *end == at && matches!(&bytes[*start..*end], b"e" | b"E"));
                at += quoted(rest, b'\'', escapes);
                Kind::String
            }
            b'"' => {
                at += quoted(rest, b'"', false);
                Kind::Quoted
            }
            b'$' if dollar_tag(rest).is_some() => {
                at += dollar_quoted(rest);
                Kind::String
            }
            byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => {
                let word = |byte: &&u8| {
                    byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'$') || **byte >= 0x80
                };
                at += rest.iter().take_while(word).count();
                Kind::Word
            }
            _ => {
                at += 1;
                Kind::Symbol
            }
        };
        // A quoted identifier without end is an error that the parser reports.
        if kind == Kind::Quoted && (at - start < 2 || bytes[at - 1] != b'"') {
            return found;
        }
        found.push(Token {
            kind,
            start,
            end: at,
        });
    }
    found
}

/// Length of a nested comment.
fn comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Length of what stands between two `quote`s, them included; a doubled one is part of it.
fn quoted(bytes: &[u8], quote: u8, escapes: bool) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    bytes.len()
}

/// The opening `$tag$`, if there is one.
fn dollar_tag(bytes: &[u8]) -> Option<&[u8]> {
    let end = 1 + bytes[1..].iter().position(|byte| *byte == b'$')?;
    let tag = &bytes[1..end];
    let word = tag
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
    (word && !tag.first().is_some_and(u8::is_ascii_digit)).then_some(&bytes[..=end])
}

/// Length of a dollar-quoted string.
fn dollar_quoted(bytes: &[u8]) -> usize {
    let Some(tag) = dollar_tag(bytes) else {
        return 1;
    };
    bytes[tag.len()..]
        .windows(tag.len())
        .position(|part| part == tag)
        .map_or(bytes.len(), |found| tag.len() + found + tag.len())
}

#[cfg(test)]
mod tests {
    use super::{casts_without_precision, normalise};

    #[test]
    fn the_text_tells_whether_a_type_has_a_precision() {
        for (text, wanted) in [
            ("::numeric", true),
            ("::numeric, 1", true),
            ("::  numeric (18, 3)", false),
            ("::numeric /* none */ + (1)", true),
            ("::numeric[]", true),
            ("CAST(x AS numeric)", true),
            ("CAST(x AS numeric(18,3))", false),
            ("CAST(CAST(x AS numeric) AS numeric(18,3))", false),
            ("try_cast ( f(x) as decimal )", true),
            ("CAST(')' AS \"numeric\")", true),
            ("bytea 'x'", false),
            ("", false),
        ] {
            assert_eq!(casts_without_precision(text, 0), wanted, "{text}");
        }
        assert!(!casts_without_precision("x", 5));
    }

    #[test]
    fn what_duckdb_cannot_parse_becomes_spaces() {
        for (given, wanted) in [
            (
                "EXISTS (select FROM t), EXISTS (SELECT x FROM t), IN (SELECT FROM t)",
                "EXISTS (       FROM t), EXISTS (SELECT x FROM t), IN (SELECT FROM t)",
            ),
            (
                "a OPERATOR(pg_catalog.~) 'x'",
                "a                     ~  'x'",
            ),
            ("a operator ( !~* ) b", "a            !~*   b"),
            (
                "f(t.*), g(DISTINCT \"t\" . * )",
                "f(t  ), g(DISTINCT \"t\"     )",
            ),
            (
                "count(t.*), f(a * b), f(t.x)",
                "count(t.*), f(a * b), f(t.x)",
            ),
            (
                "t TABLESAMPLE bernoulli (10) REPEATABLE (3) x",
                "t TABLESAMPLE 10%(bernoulli,3)              x",
            ),
            ("t TABLESAMPLE SYSTEM (0.5)", "t TABLESAMPLE 0.5%(system)"),
            (
                "a COLLATE pg_catalog.default, 1",
                "a                           , 1",
            ),
            ("a COLLATE \"default\"", "a                  "),
            ("a COLLATE \"C\"", "a COLLATE \"C\""),
            ("x::pg_catalog.text", "x::           text"),
            (
                "a not similar to b escape '#'",
                "a not LIKE       b escape '#'",
            ),
            ("order by a using > limit 1", "order by a desc    limit 1"),
            (
                "order by a using <, b using >",
                "order by a asc    , b desc   ",
            ),
            ("order by a using >= limit 1", "order by a using >= limit 1"),
            ("join b using (a)", "join b using (a)"),
            (
                "substring(a similar b escape '#')",
                "substring(a from    b for    '#')",
            ),
            ("CAST(x AS pg_catalog.text)", "CAST(x AS            text)"),
            (
                "pg_catalog.upper(x) AS pg_catalog",
                "pg_catalog.upper(x) AS pg_catalog",
            ),
        ] {
            assert_eq!(normalise(given), wanted);
            assert_eq!(normalise(given).len(), given.len());
        }
    }

    #[test]
    fn strings_comments_and_identifiers_are_left_alone() {
        for text in [
            "SELECT 'x::pg_catalog.text'",
            "SELECT E'\\'::pg_catalog.text'",
            "SELECT $$x::pg_catalog.text$$, $a$ $$ ::pg_catalog.text $a$",
            "SELECT \"x::pg_catalog.text\"",
            "SELECT 1 -- ::pg_catalog.text\n",
            "SELECT /* /* */ ::pg_catalog.text */ 1",
            "SELECT 'unfinished ::pg_catalog.text",
            "SELECT \"unfinished ::pg_catalog.text",
            "SELECT ü::pg_catalog",
        ] {
            assert_eq!(normalise(text), text);
        }
    }
}
