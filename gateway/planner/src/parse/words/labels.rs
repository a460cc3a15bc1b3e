//! Aliases without `AS` that are keywords for DuckDB: `SELECT c.name name, count(*) value`.
//!
//! PostgreSQL takes nearly every keyword there (`BareColLabel` of its grammar), DuckDB none. Such a
//! word follows the end of an expression in a select list, and a comma, a clause or the end of the list
//! follows it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::super::lexer::{Token, TokenKind};

/// DuckDB's keywords, without those that PostgreSQL takes only after `AS`, and without `in`, `is` and
/// `or`, for which no name of two letters is left.
pub(super) const LABELS: &str = "
    abort absolute access action add admin after aggregate all also alter always analyse analyze
    and anti any asc asof assertion assignment asymmetric at attach attribute authorization
    backward before begin between bigint binary bit boolean both by cache call called cascade
    cascaded case cast catalog centuries century chain characteristics check checkpoint class
    close cluster coalesce collate collation column columns comment comments commit committed
    compression concurrently configuration conflict connection constraint constraints content
    continue conversion copy cost cross csv cube current cursor cycle data database days
    deallocate dec decade decades decimal declare default defaults deferrable deferred definer
    delete delimiter delimiters depends desc describe detach dictionary disable discard distinct
    do document domain double drop each else enable encoding encrypted end enum error escape
    event exclude excluding exclusive execute exists explain export export_state extension
    extensions external extract false family first float following force foreign forward freeze
    full function functions generated glob global granted grouping grouping_id groups handler
    header hold hours identity if ignore ilike immediate immutable implicit import include
    including increment index indexes inherit inherits initially inline inner inout input
    insensitive insert install instead int integer interval invoker isolation join json key
    label lambda language large last lateral leading leakproof left level like listen load local
    location lock locked logged macro map mapping match matched materialized maxvalue merge
    method microsecond microseconds millennia millennium millisecond milliseconds minutes
    minvalue mode months move name names national natural nchar new next no none not nothing
    notify nowait null nullif nulls numeric object of off oids old only operator option options
    ordinality others out outer overlay overriding owned owner parallel parser partial partition
    partitioned passing password percent persistent pivot pivot_longer pivot_wider placing plans
    policy position positional pragma preceding prepare prepared preserve primary prior
    privileges procedural procedure program publication qualify quarter quarters quote range
    read real reassign recheck recursive ref references referencing refresh reindex relative
    release rename repeatable replace replica reset respect restart restrict returns revoke
    right role rollback rollup row rows rule sample savepoint schema schemas scope scroll search
    seconds secret security select semi sequence sequences serializable server session set setof
    sets share show similar simple skip smallint snapshot some sorted source sql stable
    standalone start statement statistics stdin stdout storage stored strict strip struct
    subscription substring summarize symmetric sysid system table tables tablesample tablespace
    target temp template temporary text then ties time timestamp trailing transaction transform
    treat trigger trim true truncate trusted try_cast type types unbounded uncommitted
    unencrypted unique unknown unlisten unlogged unpack unpivot until update use user using
    vacuum valid validate validator value values varchar variable variadic verbose version view
    views virtual volatile week weeks when whitespace work wrapper write xml xmlattributes
    xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize
    xmltable years yes zone
";

static KNOWN: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| LABELS.split_whitespace().collect());

/// Words that end a select list.
const ENDS: &[&str] = &[
    "except",
    "fetch",
    "for",
    "from",
    "group",
    "having",
    "intersect",
    "into",
    "limit",
    "offset",
    "order",
    "union",
    "where",
    "window",
];

/// Words after which an operand or a name follows.
const BEFORE_OPERANDS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "collate",
    "distinct",
    "else",
    "escape",
    "from",
    "ilike",
    "in",
    "is",
    "like",
    "not",
    "or",
    "over",
    "select",
    "similar",
    "some",
    "symmetric",
    "then",
    "to",
    "variadic",
    "when",
];

/// What a parenthesis holds.
#[derive(Default)]
struct Level {
    /// Inside of a select list.
    in_list: bool,
    /// Open `CASE`s.
    cases: usize,
    /// An operand follows the closing parenthesis.
    before_operand: bool,
}

/// Which tokens are such aliases; `word` gives the text of a word in lower case.
pub(super) fn labels<'a>(tokens: &[Token], word: impl Fn(usize) -> Option<&'a str>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut levels = vec![Level::default()];
    // The token before ends an expression.
    let mut after_operand = false;
    for (at, token) in tokens.iter().enumerate() {
        let Some(level) = levels.last_mut() else {
            break;
        };
        if token.kind == TokenKind::Symbol {
            let opens = ["(", "[", "{"].iter().any(|open| token.is(open));
            let closes = [")", "]", "}"].iter().any(|close| token.is(close));
            if opens {
                let before = at.checked_sub(1).and_then(&word);
                let distinct = || at.checked_sub(2).and_then(&word) == Some("distinct");
                levels.push(Level {
                    before_operand: before == Some("operator")
                        || before == Some("on") && distinct(),
                    ..Level::default()
                });
            } else if closes && levels.len() > 1 {
                after_operand = levels.pop().is_some_and(|level| !level.before_operand);
                continue;
            }
            after_operand = false;
            continue;
        }
        let Some(name) = word(at) else {
            after_operand = true;
            continue;
        };
        let label = level.in_list
            && level.cases == 0
            && after_operand
            && KNOWN.contains(name)
            && ends_item(tokens.get(at + 1), word(at + 1))
            && !(name == "zone" && word(at.wrapping_sub(1)) == Some("time"));
        if label {
            found.push(at);
        }
        match name {
            "select" => level.in_list = true,
            "case" => level.cases += 1,
            "end" => level.cases = level.cases.saturating_sub(1),
            // `IS DISTINCT FROM`
            "from" if word(at.wrapping_sub(1)) == Some("distinct") => {}
            _ if ENDS.contains(&name) && !label => level.in_list = false,
            _ => {}
        }
        let at_zone = name == "zone" && word(at.wrapping_sub(2)) == Some("at");
        let qualified = at > 0 && tokens[at - 1].is(".");
        after_operand = qualified || !BEFORE_OPERANDS.contains(&name) && !at_zone;
    }
    found
}

/// Whether an item of a select list ends before `next`.
fn ends_item(next: Option<&Token>, word: Option<&str>) -> bool {
    match (next, word) {
        (None, _) => true,
        (_, Some(word)) => ENDS.contains(&word),
        (Some(next), None) => next.is(",") || next.is(")"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::lexer;

    fn found(text: &str) -> Vec<&str> {
        let tokens = lexer::tokens(text).expect("the text has tokens");
        let word = |at: usize| {
            let token = tokens.get(at)?;
            (token.kind == lexer::TokenKind::Word).then(|| &text[token.start..token.end])
        };
        let labels = super::labels(&tokens, word).into_iter();
        labels
            .map(|at| &text[tokens[at].start..tokens[at].end])
            .collect()
    }

    #[test]
    fn an_alias_follows_an_expression() {
        for (text, labels) in [
            ("select a name, b value from t", vec!["name", "value"]),
            (
                "select count(*) over w total, x[1] first from t",
                vec!["first"],
            ),
            (
                "select case when a then value end type from t",
                vec!["type"],
            ),
            ("select (select max(x) value from t) from t", vec!["value"]),
            ("select t at time zone 'UTC' zone from t", vec!["zone"]),
            (
                "select x::timestamp with time zone start union select 1",
                vec!["start"],
            ),
        ] {
            assert_eq!(found(text), labels, "{text}");
        }
    }

    #[test]
    fn a_column_is_none() {
        for text in [
            "select name, t.value, distinct_ from t name",
            "select distinct name from t",
            "select distinct on (a) name, b from t",
            "select a is not distinct from value, not value, a and value from t",
            "select x::time with time zone, t at time zone zone, x is unknown from t",
            "select sum(a) over (order by value), f(a, name) from t order by name",
            "select a operator(pg_catalog.+) value from t",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
