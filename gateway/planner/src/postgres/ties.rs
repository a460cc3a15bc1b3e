//! `FETCH FIRST 3 ROWS WITH TIES` in the text, as a LIMIT that DuckDB parses: `LIMIT _t_(3)`.
//!
//! What it means is put into the tree when that has been read.

use std::ops::Range;

use super::tokens::{Token, is};

/// What is called around the number of rows of `FETCH FIRST 3 ROWS WITH TIES`.
pub(crate) const TIES: &str = "_t_";

/// Where `FETCH FIRST 3 ROWS WITH TIES` stands, whose number becomes that of a LIMIT and is marked.
pub(super) fn marked(text: &str, tokens: &[Token]) -> Vec<(Range<usize>, String)> {
    let word = |at: usize, words: &[&str]| {
        let token = tokens.get(at);
        token.is_some_and(|token| words.iter().any(|word| is(text, *token, word)))
    };
    let mut found = Vec::new();
    for with in 0..tokens.len() {
        let ends = with > 2
            && word(with, &["with"])
            && word(with + 1, &["ties"])
            && word(with - 1, &["row", "rows"]);
        if !ends {
            continue;
        }
        let begins = |at: &usize| word(*at, &["fetch"]) && word(at + 1, &["first", "next"]);
        let Some(fetch) = (0..with - 1).rev().find(begins) else {
            continue;
        };
        let (open, close) = (
            tokens[fetch].start..tokens[fetch + 1].end,
            tokens[with - 1].start..tokens[with + 1].end,
        );
        let number = if fetch + 2 == with - 1 { "1" } else { "" };
        found.push((open, format!("limit {TIES}(")));
        found.push((close, format!("{number})")));
    }
    found
}
