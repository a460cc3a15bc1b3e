//! `FOR UPDATE` and its like at the end of a query, which DuckDB's parser knows and refuses.
//!
//! Nobody can change the rows that are read here, so that every lock is granted at once: the clause is
//! taken out of the text.

use std::borrow::Cow;
use std::ops::Range;

use super::tokens::{Kind, Token, is, tokens};

/// How strong a lock is; `READ ONLY` asks for none.
const STRENGTHS: &[&[&str]] = &[
    &["update"],
    &["no", "key", "update"],
    &["share"],
    &["key", "share"],
    &["read", "only"],
];

/// Gives `text` with spaces in the place of such clauses.
pub(super) fn without(text: &str) -> Cow<'_, str> {
    // Nearly no statement has any.
    let contains = |word: &str| {
        text.as_bytes()
            .windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    if !contains("for")
        || !["update", "share", "only"]
            .iter()
            .any(|word| contains(word))
    {
        return Cow::Borrowed(text);
    }
    let clauses = clauses(text, &tokens(text));
    if clauses.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    for clause in clauses {
        let blank = " ".repeat(clause.len());
        text.replace_range(clause, &blank);
    }
    Cow::Owned(text)
}

/// Where such clauses are.
fn clauses(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Word
            && is(text, *token, "for")
            && let Some(count) = clause(text, &tokens[at + 1..])
            && !is_argument(text, &tokens[..at])
        {
            found.push(token.start..tokens[at + count].end);
        }
    }
    found
}

/// How many tokens after `FOR` belong to the clause, if it is one.
fn clause(text: &str, rest: &[Token]) -> Option<usize> {
    let word = |at: usize, word: &str| rest.get(at).is_some_and(|it| is(text, *it, word));
    let strength = STRENGTHS.iter().find(|words| {
        let mut words = words.iter().enumerate();
        words.all(|(at, expected)| word(at, expected))
    })?;
    let mut count = strength.len();
    if word(count, "of") {
        // Names with their schemas, after commas.
        loop {
            count += 2;
            if !word(count, ",") && !word(count, ".") {
                break;
            }
        }
    }
    if word(count, "nowait") {
        count += 1;
    } else if word(count, "skip") && word(count + 1, "locked") {
        count += 2;
    }
    let follows = ["limit", "offset", "fetch", "for", ")", ";"];
    let ends = rest.get(count).is_none() || follows.iter().any(|next| word(count, next));
    (ends && count <= rest.len()).then_some(count)
}

/// Whether what stands before is the beginning of `substring(x FOR …)`.
fn is_argument(text: &str, before: &[Token]) -> bool {
    let mut depth = 0_usize;
    for (at, token) in before.iter().enumerate().rev() {
        if is(text, *token, ")") {
            depth += 1;
        } else if is(text, *token, "(") {
            if depth == 0 {
                let function = at.checked_sub(1).map(|at| before[at]);
                return function
                    .is_some_and(|it| is(text, it, "substring") || is(text, it, "overlay"));
            }
            depth -= 1;
        }
    }
    false
}
