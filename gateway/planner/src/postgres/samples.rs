//! `TABLESAMPLE BERNOULLI (10)`: a share in percent, which DuckDB takes for a number of rows.

use super::tokens::{Token, is};

/// Where `TABLESAMPLE BERNOULLI (10) REPEATABLE (1)` has its method and its share, which DuckDB takes for a
/// number of rows, and what says it: `10%(bernoulli,1)`. Left alone where that is longer.
pub(super) fn samples(text: &str, tokens: &[Token]) -> Vec<(std::ops::Range<usize>, String)> {
    let word = |token: Token| &text[token.start..token.end];
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let [method, open, rest @ ..] = &tokens[at + 1..] else {
            break;
        };
        let is_method = is(text, *method, "bernoulli") || is(text, *method, "system");
        if !is(text, *token, "tablesample") || !is_method || !is(text, *open, "(") {
            continue;
        }
        let Some(close) = rest.iter().position(|it| is(text, *it, ")")) else {
            continue;
        };
        let share = text[open.end..rest[close].start].trim();
        let is_number = share.parse::<f64>().is_ok();
        let (end, seed) = match &rest[close + 1..] {
            [repeatable, open, seed, close, ..]
                if is(text, *repeatable, "repeatable")
                    && is(text, *open, "(")
                    && is(text, *close, ")") =>
            {
                (close.end, format!(",{}", word(*seed)))
            }
            _ => (rest[close].end, String::new()),
        };
        let written = format!("{share}%({}{seed})", word(*method).to_ascii_lowercase());
        if is_number && written.len() <= end - method.start {
            found.push((method.start..end, written));
        }
    }
    found
}
