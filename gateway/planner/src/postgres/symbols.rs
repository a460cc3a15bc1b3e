//! Operators over JSON, which DuckDB's parser does not know or reads with another precedence.
//!
//! | PostgreSQL | DuckDB's parser | written instead |
//! |---|---|---|
//! | `a -> b` | a lambda that binds less than anything | `a *< b` |
//! | `a ->> b` | an operator | `a *<< b` |
//! | `a #> b`, `a #>> b`, `a #- b` | an error | ``a `> b``, ``a `>> b``, ``a `- b`` |
//! | `a ? b`, `a ?| b`, `a ?& b` | parameters | ``a ` b``, ``a `| b``, ``a `& b`` |
//! | `a @? b` | an error | ``a @` b`` |
//! | `a # b` | an error | ``a `^b``, with a space before it or after it |
//!
//! What is written instead are operators that nobody has, of the same length and, since DuckDB's
//! grammar gives every unknown operator one precedence, of PostgreSQL's precedence.
//! [`super::json`] gives them their meaning. The arrow of DuckDB's own lambdas stays: it follows
//! a name that begins an argument of one of the functions that take them.

use super::tokens::{Kind, Token};

/// `->`
pub(super) const GET: &str = "*<";
/// `->>`
pub(super) const GET_TEXT: &str = "*<<";
/// `#>`
pub(super) const PATH: &str = "`>";
/// `#>>`
pub(super) const PATH_TEXT: &str = "`>>";
/// `#-`
pub(super) const DELETE_PATH: &str = "`-";
/// `?`
pub(super) const EXISTS: &str = "`";
/// `?|`
pub(super) const EXISTS_ANY: &str = "`|";
/// `?&`
pub(super) const EXISTS_ALL: &str = "`&";
/// `@?`
pub(super) const PATH_EXISTS: &str = "@`";

/// `#`, and the space before it or after it.
pub(super) const XOR: &str = "`^";

/// Operators, the longest first, and what is written instead.
const OPERATORS: &[(&str, &str)] = &[
    ("->>", GET_TEXT),
    ("#>>", PATH_TEXT),
    ("->", GET),
    ("#>", PATH),
    ("#-", DELETE_PATH),
    ("?|", EXISTS_ANY),
    ("?&", EXISTS_ALL),
    ("@?", PATH_EXISTS),
    ("?", EXISTS),
];

/// How PostgreSQL writes an operator of the tree.
pub(crate) fn written(name: &str) -> &str {
    let known = OPERATORS.iter().find(|(_, instead)| *instead == name);
    known.map_or(name, |(written, _)| written)
}

/// DuckDB's functions that take lambdas, and `COLUMNS`.
const LAMBDA_FUNCTIONS: &[&str] = &[
    "apply",
    "array_apply",
    "array_filter",
    "array_reduce",
    "array_transform",
    "columns",
    "filter",
    "list_apply",
    "list_filter",
    "list_reduce",
    "list_transform",
    "reduce",
];

/// Whether `text` may have one of the operators.
pub(super) fn is_possible(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b'?')
        || bytes.contains(&b'#')
        || bytes
            .windows(2)
            .any(|pair| matches!(pair, b"->" | b"#>" | b"#-"))
}

/// Where something else has to be written, and what.
pub(super) fn replacements(text: &str, tokens: &[Token]) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let length = operator_length(text, &tokens[index..]);
        if length == 0 {
            index += 1;
            continue;
        }
        let start = tokens[index].start;
        let operator = &text[start..start + length];
        let written = OPERATORS
            .iter()
            .find(|(given, _)| is_operator(operator, given));
        if let Some((given, written)) = written
            && !(*given == "->" && begins_lambda(text, &tokens[..index]))
        {
            found.push((start, *written));
        } else if operator == "#"
            && let Some(start) = with_space(text, start)
        {
            found.push((start, XOR));
        }
        index += length;
    }
    found
}

/// How many characters of an operator begin here, as PostgreSQL's lexer divides them.
fn operator_length(text: &str, tokens: &[Token]) -> usize {
    let mut length = 0;
    for token in tokens {
        let adjacent = token.start == tokens[0].start + length;
        let byte = text.as_bytes()[token.start];
        if token.kind != Kind::Symbol || !adjacent || !b"+-*/<>=~!@#%^&|`?".contains(&byte) {
            break;
        }
        length += 1;
    }
    length
}

/// Whether a run of characters is this operator, perhaps with signs of a number after it.
fn is_operator(run: &str, operator: &str) -> bool {
    run.strip_prefix(operator)
        .is_some_and(|rest| rest.bytes().all(|byte| matches!(byte, b'-' | b'+')))
}

/// Where a space and the `#` at `start` begin, which alone would be too short.
fn with_space(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).filter(|at| bytes[*at] == b' ');
    // After it, a sign would become a part of the operator.
    let is_free =
        bytes.get(start + 1) == Some(&b' ') && !matches!(bytes.get(start + 2), Some(b'-' | b'+'));
    before.or(is_free.then_some(start))
}

/// Whether what stands before an arrow are the parameters of a lambda.
fn begins_lambda(text: &str, before: &[Token]) -> bool {
    let symbol = |token: &Token| (token.kind == Kind::Symbol).then(|| text.as_bytes()[token.start]);
    let parameters = match before {
        [.., last] if last.kind == Kind::Word || last.kind == Kind::Quoted => 1,
        [.., last] if symbol(last) == Some(b')') => {
            let inner = before
                .iter()
                .rev()
                .skip(1)
                .take_while(|token| {
                    matches!(token.kind, Kind::Word | Kind::Quoted) || symbol(token) == Some(b',')
                })
                .count();
            inner + 2
        }
        _ => return false,
    };
    let Some(before) = before
        .len()
        .checked_sub(parameters)
        .map(|end| &before[..end])
    else {
        return false;
    };
    if !matches!(before.last().and_then(symbol), Some(b',' | b'(')) {
        return false;
    }
    let mut depth = 0_usize;
    for (index, token) in before.iter().enumerate().rev() {
        match symbol(token) {
            Some(b')' | b']' | b'}') => depth += 1,
            Some(b'(') if depth == 0 => {
                return index.checked_sub(1).is_some_and(|name| {
                    let name = &text[before[name].start..before[name].end];
                    LAMBDA_FUNCTIONS.contains(&name.to_ascii_lowercase().as_str())
                });
            }
            Some(b'(' | b'[' | b'{') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::tokens::normalise;

    #[test]
    fn operators_over_json_are_written_otherwise() {
        for (given, wanted) in [
            ("a -> 'b' ->> 0", "a *< 'b' *<< 0"),
            ("a->-1", "a*<-1"),
            ("a->>-1", "a*<<-1"),
            ("a #> '{x}' #>> '{y}'", "a `> '{x}' `>> '{y}'"),
            ("a #- '{x}'", "a `- '{x}'"),
            (
                "a ? 'b' OR a ?| b AND a ?& b",
                "a ` 'b' OR a `| b AND a `& b",
            ),
            ("a @? '$.b'", "a @` '$.b'"),
            ("a # b", "a`^ b"),
            ("a #b", "a`^b"),
            ("a # -1", "a`^ -1"),
            ("a# b", "a`^b"),
            ("f(a, b -> 'x')", "f(a, b *< 'x')"),
            ("a OPERATOR(pg_catalog.->) b", "a                     *<  b"),
        ] {
            assert_eq!(normalise(given), wanted);
        }
    }

    #[test]
    fn lambdas_strings_and_other_operators_stay() {
        for text in [
            "list_transform(l, x -> x + 1)",
            "list_filter(f(a, b), \"x\" -> x > 1)",
            "list_reduce(l, (a, b) -> a + b)",
            "SELECT COLUMNS(c -> c LIKE 'x%') FROM t",
            "'a -> b' || $$ ? $$",
            "a - -1 > b",
            "a @> b",
        ] {
            assert_eq!(normalise(text), text);
        }
    }

    #[test]
    fn quantifiers_and_ranges_are_written_otherwise() {
        for (given, wanted) in [
            ("x LIKE ANY (a)", "x LIKE _n_ (a)"),
            ("x NOT ILIKE ALL(a)", "x NOT ILIKE _l_(a)"),
            ("x ~* SOME (a)", "x ~* _n_n (a)"),
            ("x = ANY (a)", "x = ANY (a)"),
            ("x LIKE ANY (SELECT 1)", "x LIKE ANY (SELECT 1)"),
            ("x BETWEEN SYMMETRIC a AND b", "x BETWEEN        `` a AND b"),
            ("FROM ROWS FROM (f(1)) AS t", "FROM skeinrows (f(1)) AS t"),
            (", ROWS  FROM(f(1))", ", skeinrows (f(1))"),
            ("SELECT rows FROM (f)", "SELECT rows FROM (f)"),
            (
                "SUM(x) OVER (ROWS 1 PRECEDING)",
                "SUM(x) OVER (ROWS 1 PRECEDING)",
            ),
        ] {
            assert_eq!(normalise(given), wanted);
        }
    }
}
