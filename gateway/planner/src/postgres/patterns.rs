//! Regular expressions, LIKE and SIMILAR TO: operators and functions.
//!
//! DuckDB has other functions, other defaults and RE2. A pattern that is a constant is translated
//! ([`super::regex`], [`similar`]) and its groups are counted here. One that is not stands in a call
//! of a macro, `skein_pattern` or `skein_similar`, which [`fold`] replaces once parameters have values.
//!
//! | PostgreSQL | becomes |
//! |---|---|
//! | `a ~ 'x'` | `regexp_matches(a, 'x', 's')` |
//! | `substring(a from 'x(y)')` | `regexp_extract_all(a, '(?s)x(y)', 1)[1]` |
//! | `a LIKE 'x\%'` | `skein_fn.skein_like(a, 'x\%', '\')` |
//! | `a SIMILAR TO 'x%'`, which arrives as `a LIKE 'x%'` | `regexp_matches(a, '^(?:x.*)$', 's')` |
//! | `a SIMILAR TO b` | `skein_fn.skein_similar(a, b, '\')` |

use skein_executor_api::functions as macros;

use super::regex::{self, Regex, RegexFault};
use super::{RewriteError, node, similar};
use crate::ast::visit::Descend;
use crate::ast::visit::{NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Function, Query};
use crate::repairs::prefix;

/// Groups that a match or a replacement can name.
const GROUPS_MAX: usize = 9;

/// The word by which [`super::tokens`] marks SIMILAR TO: other words are in lower case by then.
pub(super) const SIMILAR: &str = "LIKE";

/// Makes a call of one of Skein's macros.
pub(super) fn macro_call(name: &str, args: Vec<Expr>) -> Expr {
    node::call(macros::SCHEMA, name, args)
}

/// What a pattern became.
struct Pattern {
    /// As an argument for DuckDB.
    argument: Expr,
    /// `None` when only the rows tell.
    regex: Option<Regex>,
    /// As it was given.
    given: Expr,
}

impl Pattern {
    fn of(pattern: Expr, flags: Option<Expr>) -> Result<Self, RegexFault> {
        let letters = flags.as_ref().map_or(Some(""), node::constant_text);
        if let (Some(text), Some(letters)) = (node::constant_text(&pattern), letters) {
            let regex = regex::translate(text, letters)?;
            return Ok(Self {
                argument: node::text(&regex.inline()),
                regex: Some(regex),
                given: pattern,
            });
        }
        let mut args = vec![pattern.clone()];
        args.extend(flags);
        Ok(Self {
            argument: macro_call("skein_pattern", args),
            regex: None,
            given: pattern,
        })
    }

    /// A list of lists: for each match its groups, or the match itself.
    fn matches(self, string: Expr) -> Result<Expr, RegexFault> {
        let Some(Regex { groups, .. }) = self.regex else {
            let groups = macro_call("skein_groups", vec![self.given]);
            return Ok(macro_call(
                "skein_all_matches",
                vec![string, self.argument, groups],
            ));
        };
        if groups > GROUPS_MAX {
            return Err(RegexFault::Groups);
        }
        let wanted = if groups == 0 { 0..=0 } else { 1..=groups };
        let lists = wanted
            .map(|group| extract_all(string.clone(), self.argument.clone(), group))
            .collect();
        Ok(macro_call("skein_matches", lists))
    }
}

fn extract_all(string: Expr, pattern: Expr, group: usize) -> Expr {
    let mut args = vec![string, pattern];
    if group > 0 {
        args.push(node::integer(
            "INTEGER",
            i64::try_from(group).unwrap_or_default(),
        ));
    }
    node::call("", "regexp_extract_all", args)
}

/// Element of a list.
fn element(list: Expr, at: Expr) -> Expr {
    node::call("", "array_extract", vec![list, at])
}

fn one() -> Expr {
    node::integer("INTEGER", 1)
}

/// `a ~ b` and its kin, given what DuckDB's call of them holds.
pub(super) fn matches_anywhere(
    string: Expr,
    pattern: Expr,
    ignore_case: bool,
) -> Result<Expr, RewriteError> {
    let flags = ignore_case.then(|| node::text("i"));
    let pattern = Pattern::of(pattern, flags).map_err(fault)?;
    Ok(match pattern.regex {
        Some(regex) => matching(string, &regex),
        None => node::call("", "regexp_matches", vec![string, pattern.argument]),
    })
}

/// Whether a string has a match of a regular expression.
fn matching(string: Expr, regex: &Regex) -> Expr {
    let args = match regex.options {
        // Options apart keep a pattern readable, and DuckDB may make more of it.
        options @ ("s" | "is") => vec![string, node::text(&regex.body), node::text(options)],
        _ => vec![string, node::text(&regex.inline())],
    };
    node::call("", "regexp_matches", args)
}

/// A constant pattern of SIMILAR TO with its escape character; what is no such character is left to
/// the macro.
fn similar_pattern(pattern: &str, escape: &str) -> Option<Result<Regex, RegexFault>> {
    let single = escape.chars().count() < 2;
    single.then(|| similar::translate(pattern, escape).and_then(|text| regex::translate(&text, "")))
}

/// What is between the marks of a pattern of SIMILAR TO, or all of a string that matches.
fn between_marks(string: Expr, regex: &Regex) -> Expr {
    let pattern = node::text(&regex.inline());
    element(extract_all(string, pattern, regex.groups.min(1)), one())
}

fn fault(fault: RegexFault) -> RewriteError {
    RewriteError::Regex { fault }
}

/// Rewrites LIKE, ILIKE and SIMILAR TO; whether it did.
pub(super) fn like(expr: &mut Expr, text: &str) -> Result<bool, RewriteError> {
    let similar = is_similar(text, expr.location);
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(false);
    };
    let (insensitive, negated) = match call.name.as_str() {
        "~~" | "like_escape" => (false, false),
        "!~~" | "not_like_escape" => (false, true),
        "~~*" | "ilike_escape" => (true, false),
        "!~~*" | "not_ilike_escape" => (true, true),
        _ => return Ok(false),
    };
    let escape = match (call.args.as_slice(), call.is_operator) {
        ([_, pattern], true) => {
            let plain = node::constant_text(pattern).is_some_and(|text| !text.contains('\\'));
            if plain && !similar {
                return Ok(false);
            }
            node::text("\\")
        }
        ([_, _, escape], false) if matches!(call.schema.as_str(), "" | "main") => {
            let single = node::constant_text(escape).is_some_and(|text| text.chars().count() < 2);
            if single && !similar {
                return Ok(false);
            }
            escape.clone()
        }
        _ => return Ok(false),
    };
    let mut args = std::mem::take(&mut call.args);
    args.truncate(2);
    args.push(escape);
    let name = match (similar, insensitive) {
        (true, _) => "skein_similar",
        (false, true) => "skein_ilike",
        (false, false) => "skein_like",
    };
    let regex = match (node::constant_text(&args[1]), node::constant_text(&args[2])) {
        (Some(pattern), Some(escape)) if similar => similar_pattern(pattern, escape),
        _ => None,
    };
    let matched = match regex.transpose().map_err(fault)? {
        Some(regex) => matching(args.swap_remove(0), &regex),
        None => macro_call(name, args),
    };
    expr.kind = if negated {
        ExprKind::Operator {
            op: "OPERATOR_NOT".to_owned(),
            children: vec![matched],
        }
    } else {
        matched.kind
    };
    Ok(true)
}

/// Whether an operator that DuckDB parsed as LIKE was SIMILAR TO.
fn is_similar(text: &str, location: Option<usize>) -> bool {
    let Some(rest) = location.and_then(|location| text.get(location..)) else {
        return false;
    };
    rest.strip_prefix("not")
        .map_or(rest, str::trim_start)
        .starts_with(SIMILAR)
}

/// Rewrites calls of PostgreSQL's functions; what is none of them stays.
pub(super) fn function(expr: &mut Expr) -> Result<(), RewriteError> {
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(());
    };
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog" | "main") {
        return Ok(());
    }
    if let Some(new) = call_of(call).map_err(fault)? {
        expr.kind = new.kind;
    }
    Ok(())
}

/// The new call, if there is one for this name and number of arguments.
fn call_of(call: &mut Function) -> Result<Option<Expr>, RegexFault> {
    let name = call.name.as_str();
    let known = match name {
        "regexp_like"
        | "regexp_match"
        | "regexp_split_to_array"
        | "regexp_split_to_table"
        | "substring"
        | SET_OF_MATCHES => 2..=3,
        "regexp_replace" => 3..=6,
        "regexp_count" => 2..=4,
        "regexp_instr" | "regexp_substr" => 2..=6,
        _ => return Ok(None),
    };
    if !known.contains(&call.args.len()) {
        return Ok(None);
    }
    if name == "substring" {
        return substring(call);
    }
    let name = call.name.clone();
    let mut args = std::mem::take(&mut call.args).into_iter();
    let mut next = || args.next();
    let (Some(string), Some(pattern)) = (next(), next()) else {
        return Ok(None);
    };
    let without_g = |flags: Option<Expr>| match flags.as_ref().and_then(node::constant_text) {
        Some(letters) if letters.contains('g') => Err(RegexFault::Global(name.clone())),
        _ => Ok(flags),
    };
    Ok(Some(match name.as_str() {
        "regexp_like" => {
            let pattern = Pattern::of(pattern, without_g(next())?)?;
            node::call("", "regexp_matches", vec![string, pattern.argument])
        }
        "regexp_match" => {
            let pattern = Pattern::of(pattern, without_g(next())?)?;
            element(pattern.matches(string)?, one())
        }
        SET_OF_MATCHES => {
            let flags = next();
            let letters = flags.as_ref().and_then(node::constant_text);
            let all = letters.is_some_and(|letters| letters.contains('g'));
            let list = Pattern::of(pattern, flags)?.matches(string)?;
            let list = if all {
                list
            } else {
                node::call("", "array_slice", vec![list, one(), one()])
            };
            macro_call(ROWS, vec![list])
        }
        "regexp_split_to_array" | "regexp_split_to_table" => {
            let pattern = Pattern::of(pattern, without_g(next())?)?;
            let list = macro_call("skein_split", vec![string, pattern.argument]);
            if name.ends_with("table") {
                node::call("", "unnest", vec![list])
            } else {
                list
            }
        }
        "regexp_replace" => {
            let put = next().unwrap_or_else(node::null);
            replace(string, pattern, put, args.collect())?
        }
        "regexp_count" => {
            let string = from(string, next());
            let pattern = Pattern::of(pattern, next())?;
            let list = extract_all(string, pattern.argument, 0);
            node::cast(
                node::call("", "len", vec![list]),
                node::plain_type("INTEGER"),
            )
        }
        "regexp_instr" => {
            let (start, number) = (next().unwrap_or_else(one), next().unwrap_or_else(one));
            let at_end = next().unwrap_or_else(|| node::integer("INTEGER", 0));
            let pattern = Pattern::of(pattern, next())?;
            let args = vec![string, pattern.argument, start, number, at_end];
            macro_call("skein_place", args)
        }
        _ => {
            let string = from(string, next());
            let number = match next() {
                Some(number) => macro_call("skein_number", vec![number]),
                None => one(),
            };
            let pattern = Pattern::of(pattern, next())?;
            let group = match next() {
                None => 0,
                Some(group) => group_number(&group)?,
            };
            let groups = pattern.regex.as_ref().map_or(0, |regex| regex.groups);
            if group > groups {
                node::text_or_null(None)
            } else {
                element(extract_all(string, pattern.argument, group), number)
            }
        }
    }))
}

/// The name under which calls of `regexp_matches` that return rows are marked: where PostgreSQL has
/// a set of matches, DuckDB has a condition.
pub(super) const SET_OF_MATCHES: &str = "skein_regexp_matches";

/// The macro that makes rows of matches among result columns.
pub(super) const ROWS: &str = "skein_rows";

fn group_number(group: &Expr) -> Result<usize, RegexFault> {
    match &group.kind {
        ExprKind::Constant(constant) => constant
            .value
            .as_u64()
            .and_then(|group| usize::try_from(group).ok())
            .ok_or(RegexFault::Groups),
        _ => Err(RegexFault::Groups),
    }
}

fn from(string: Expr, start: Option<Expr>) -> Expr {
    match start {
        Some(start) => macro_call("skein_from", vec![string, start]),
        None => string,
    }
}

/// `regexp_replace` with what follows its three first arguments: flags, or the place to start at,
/// the number of the match, and flags.
fn replace(string: Expr, pattern: Expr, put: Expr, rest: Vec<Expr>) -> Result<Expr, RegexFault> {
    let mut rest = rest.into_iter();
    let (start, number, flags) = match (rest.next(), rest.next(), rest.next()) {
        (Some(flags), None, _) if node::constant_text(&flags).is_some() => {
            (None, None, Some(flags))
        }
        (start, number, flags) => (start, number, flags),
    };
    let letters = flags.as_ref().and_then(node::constant_text);
    let all = letters.is_some_and(|letters| letters.contains('g'));
    let pattern = Pattern::of(pattern, flags)?;
    let mut argument = pattern.argument;
    let put = match node::constant_text(&put) {
        Some(text) => {
            let text = regex::replacement(text);
            let named = regex::groups_named(&text);
            let groups = pattern.regex.map_or(named, |regex| regex.groups);
            // A group that the pattern lacks is empty in PostgreSQL, an error in RE2.
            if named > groups
                && let Some(inline) = node::constant_text(&argument)
            {
                argument = node::text(&format!("(?:{inline}){}", "()".repeat(named - groups)));
            }
            node::text(&text)
        }
        None => macro_call("skein_replacement", vec![put]),
    };
    Ok(match start {
        None if all => node::call(
            "",
            "regexp_replace",
            vec![string, argument, put, node::text("g")],
        ),
        None => node::call("", "regexp_replace", vec![string, argument, put]),
        Some(start) => {
            let number = number.unwrap_or_else(one);
            macro_call(
                "skein_replace_one",
                vec![string, argument, put, start, number],
            )
        }
    })
}

/// `substring(x from pattern)` and `substring(x from pattern for escape)` with constant patterns;
/// the others are found by the types of their arguments.
fn substring(call: &mut Function) -> Result<Option<Expr>, RegexFault> {
    match call.args.as_slice() {
        [_, pattern] if node::constant_text(pattern).is_some() => {
            let pattern = Pattern::of(pattern.clone(), None)?;
            let groups = pattern.regex.map_or(0, |regex| regex.groups);
            let string = call.args.remove(0);
            let found = extract_all(string, pattern.argument, groups.min(1));
            Ok(Some(element(found, one())))
        }
        [_, pattern, escape] if node::constant_text(escape).is_some() => {
            let regex = match (node::constant_text(pattern), node::constant_text(escape)) {
                (Some(pattern), Some(escape)) => similar_pattern(pattern, escape),
                _ => None,
            };
            let regex = regex.transpose()?;
            let mut args = std::mem::take(&mut call.args);
            Ok(Some(match regex {
                Some(regex) => between_marks(args.swap_remove(0), &regex),
                None => macro_call("skein_substring_similar", args),
            }))
        }
        _ => Ok(None),
    }
}

/// Translates the patterns that have become constants: parameters that now have values.
pub fn fold(query: &mut Query) -> Result<(), RewriteError> {
    let mut found = Ok(());
    walk_mut(NodeMut::Query(query), &mut |mut node| {
        if let NodeMut::Expr(expr) = &mut node
            && let ExprKind::Function(call) = &mut expr.kind
            && call.schema == macros::SCHEMA
        {
            match folded(call) {
                Ok(Some(new)) => expr.kind = new.kind,
                Ok(None) => {}
                Err(error) => found = Err(fault(error)),
            }
        }
        if let NodeMut::Expr(expr) = node {
            prefix::repair(expr);
        }
        if found.is_err() {
            Descend::Over
        } else {
            Descend::Into
        }
    });
    found
}

/// What a call of a macro becomes whose pattern is a constant now.
fn folded(call: &mut Function) -> Result<Option<Expr>, RegexFault> {
    let similar_regex = |args: &[Expr]| match args {
        [_, pattern, escape] => {
            let texts = constant(pattern).zip(constant(escape));
            let regex = texts.and_then(|(pattern, escape)| similar_pattern(&pattern, &escape));
            regex.transpose()
        }
        _ => Ok(None),
    };
    Ok(match call.name.as_str() {
        "skein_pattern" => {
            let texts = call.args.iter().map(constant).collect::<Option<Vec<_>>>();
            match texts.as_deref().and_then(<[String]>::split_first) {
                Some((pattern, flags)) => {
                    let flags = flags.first().map_or("", String::as_str);
                    Some(node::text(&regex::translate(pattern, flags)?.inline()))
                }
                None => None,
            }
        }
        "skein_similar" => {
            similar_regex(&call.args)?.map(|regex| matching(call.args.swap_remove(0), &regex))
        }
        "skein_substring_similar" => {
            similar_regex(&call.args)?.map(|regex| between_marks(call.args.swap_remove(0), &regex))
        }
        _ => None,
    })
}

/// The text of a constant, also of one that was put in as SQL.
pub(crate) fn constant(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Sql(sql) => {
            let inner = sql.strip_prefix("CAST('")?.strip_suffix("' AS VARCHAR)")?;
            Some(inner.replace("''", "'"))
        }
        _ => node::constant_text(expr).map(str::to_owned),
    }
}
