//! Words that are keywords for DuckDB and plain names for PostgreSQL: `at`, `qualify`, `pivot`, ….
//!
//! ```text
//! select at, qualify from t ─► [`disguise`] ─► select a$, qualif$ from t ─► DuckDB's parser ─► tree
//!                                                                  with the names put back: [`restore`]
//! ```
//!
//! Whether such a word is a name follows from the token after it: after a keyword DuckDB expects an
//! operand, after a name there is a comma, an operator or a clause. A name with a dollar sign is one
//! for DuckDB as well, and has the same length. Where both readings are possible, DuckDB's wins.
//! `overlay(a, b, 1)` is the same: a function whose name DuckDB's grammar keeps for another form.
//! As an alias without `AS`, every keyword is such a word: [`labels`].

mod labels;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::lexer::{Token, TokenKind};
use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{ExprKind, Query, QueryBody, TableRefKind};

/// The words.
const WORDS: &[&str] = &[
    "anti",
    "asof",
    "at",
    "by",
    "columns",
    "describe",
    "generated",
    "glob",
    "lambda",
    "map",
    "overlay",
    "pivot",
    "pivot_longer",
    "pivot_wider",
    "positional",
    "qualify",
    "semi",
    "show",
    "struct",
    "summarize",
    "unpack",
    "unpivot",
];

/// Words that may follow a name.
const AFTER_NAMES: &[&str] = &[
    "and",
    "as",
    "asc",
    "at",
    "between",
    "collate",
    "cross",
    "desc",
    "else",
    "end",
    "except",
    "fetch",
    "for",
    "from",
    "full",
    "group",
    "groups",
    "having",
    "ilike",
    "in",
    "inner",
    "intersect",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "limit",
    "natural",
    "notnull",
    "nulls",
    "offset",
    "on",
    "or",
    "order",
    "range",
    "right",
    "rows",
    "similar",
    "then",
    "union",
    "using",
    "when",
    "where",
    "window",
];

/// The names by which the words stand, and back: with a dollar sign for the last letter that makes a
/// name that no other word has.
struct Disguises {
    by_word: BTreeMap<&'static str, String>,
    words: BTreeMap<String, &'static str>,
}

static DISGUISES: LazyLock<Disguises> = LazyLock::new(|| {
    let mut disguises = Disguises {
        by_word: BTreeMap::new(),
        words: BTreeMap::new(),
    };
    for word in WORDS
        .iter()
        .copied()
        .chain(labels::LABELS.split_whitespace())
    {
        if disguises.by_word.contains_key(word) {
            continue;
        }
        let with_dollar = |at: usize| format!("{}${}", &word[..at], &word[at + 1..]);
        let names = (1..word.len()).rev().map(with_dollar);
        if let Some(name) = names
            .into_iter()
            .find(|name| !disguises.words.contains_key(name))
        {
            disguises.by_word.insert(word, name.clone());
            disguises.words.insert(name, word);
        }
    }
    disguises
});

/// The name by which a word stands.
fn disguised(word: &str) -> Option<&'static str> {
    DISGUISES.by_word.get(word).map(String::as_str)
}

/// Replaces words that are names in `own`, the text of the tokens after the lexical rules, which
/// begins at `base`; whether there were any.
pub(super) fn disguise(own: &mut String, tokens: &[Token], base: usize) -> bool {
    let word = |own: &str, at: usize| {
        tokens.get(at).and_then(|token| match token.kind {
            TokenKind::Word => own
                .get(token.start - base..token.end - base)
                .map(str::to_owned),
            _ => None,
        })
    };
    let mut found = false;
    for (range, name) in aliases(own, tokens, base) {
        own.replace_range(range, name);
        found = true;
    }
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let Some(name) = word(own, at).filter(|name| WORDS.contains(&name.as_str())) else {
            continue;
        };
        let labelled = word(own, at - 1).as_deref() == Some("as");
        let next = tokens.get(at + 1);
        let is_name = match (word(own, at + 1).as_deref(), next) {
            _ if name == "overlay" => is_plain_call(tokens, at, |at| word(own, at)),
            _ if name == "by" && begins_keys(word(own, at - 1).as_deref()) => false,
            (Some("join"), _) => {
                labelled || !matches!(name.as_str(), "anti" | "asof" | "positional" | "semi")
            }
            (Some("left" | "right" | "inner" | "full"), _) => labelled || name != "asof",
            (Some(next), _) => labelled || AFTER_NAMES.contains(&next),
            (None, None) => true,
            (None, Some(next)) if ["(", "[", "{"].iter().any(|open| next.is(open)) => false,
            (None, Some(next)) if next.is("+") || next.is("-") => name != "qualify",
            (None, Some(next)) => next.kind == TokenKind::Symbol,
        };
        if is_name && !tokens[at - 1].is(".") {
            let range = token.start - base..token.end - base;
            if let Some(name) = disguised(&name) {
                own.replace_range(range, name);
                found = true;
            }
        }
    }
    found
}

/// Where aliases without `AS` stand that are keywords, and the names by which they stand.
fn aliases(own: &str, tokens: &[Token], base: usize) -> Vec<(Range<usize>, &'static str)> {
    let word = |at: usize| match tokens.get(at) {
        Some(token) if token.kind == TokenKind::Word => {
            own.get(token.start - base..token.end - base)
        }
        _ => None,
    };
    let found = labels::labels(tokens, word).into_iter();
    let named = found.filter_map(|at| {
        let range = tokens[at].start - base..tokens[at].end - base;
        Some((range, disguised(word(at)?)?))
    });
    named.collect()
}

/// Whether `BY` after this word begins a list of keys.
fn begins_keys(before: Option<&str>) -> bool {
    matches!(before, Some("first" | "group" | "order" | "partition"))
}

/// Whether `overlay(…)` is written with commas, for which DuckDB's grammar has no rule.
fn is_plain_call(tokens: &[Token], at: usize, word: impl Fn(usize) -> Option<String>) -> bool {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at + 1) {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 1 && token.is(",") {
            return true;
        } else if depth == 1 && word(index).as_deref() == Some("placing") {
            return false;
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

/// Puts the words back where the tree has their disguises.
pub(super) fn restore(query: &mut Query) {
    walk_mut(NodeMut::Query(query), &mut |node| {
        match node {
            NodeMut::Query(query) => {
                for cte in &mut query.ctes {
                    name(&mut cte.name);
                    cte.aliases.iter_mut().for_each(name);
                }
                if let QueryBody::RecursiveCte {
                    name: own, aliases, ..
                } = &mut query.body
                {
                    name(own);
                    aliases.iter_mut().for_each(name);
                }
            }
            NodeMut::Table(table) => {
                name(&mut table.alias);
                table.column_aliases.iter_mut().for_each(name);
                match &mut table.kind {
                    TableRefKind::Table {
                        schema, name: own, ..
                    } => {
                        name(schema);
                        name(own);
                    }
                    TableRefKind::Join(join) => join.using.iter_mut().for_each(name),
                    _ => {}
                }
            }
            NodeMut::Expr(expr) => {
                name(&mut expr.alias);
                match &mut expr.kind {
                    ExprKind::ColumnRef(names) => names.iter_mut().for_each(name),
                    ExprKind::Function(call) => name(&mut call.name),
                    ExprKind::Star(star) => {
                        name(&mut star.relation);
                        star.exclude.iter_mut().flatten().for_each(name);
                    }
                    _ => {}
                }
            }
        }
        Descend::Into
    });
}

fn name(name: &mut String) {
    if name.contains('$')
        && let Some(word) = DISGUISES.words.get(name)
    {
        (*word).clone_into(name);
    }
}
