//! Compares what Skein answered with what PostgreSQL did.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use libtest_mimic::Failed;
use skein_tests::environment;

use crate::play::{Played, Player};
use crate::traffic::{Answer, Exchange, Sent};

/// Beginnings of statements that write, or that only servers which are written to need.
const WRITING: &[&str] = &[
    "create", "insert", "update", "delete", "drop", "alter", "truncate", "vacuum", "analyze",
    "comment", "grant", "revoke", "notify", "call", "refresh", "merge", "do", "lock",
];
/// SQLSTATEs of statements that were stopped from another connection, which a replay does not do.
const STOPPED: &[&str] = &["57014", "57P01"];

/// How many statements, counted as exchanges of messages, got how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// In the file.
    pub(crate) statements: usize,
    /// Not sent: they write, were stopped, or are exceptions.
    pub(crate) left_out: usize,
    /// No error where PostgreSQL had none, or an error where it had one.
    pub(crate) without_error: usize,
    /// Have result columns.
    pub(crate) results: usize,
    /// With the same names and types of columns.
    pub(crate) same_columns: usize,
    /// With the same rows, in any order.
    pub(crate) same_rows: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            statements,
            left_out,
            without_error,
            results,
            same_columns,
            same_rows,
        } = self;
        write!(
            f,
            "{statements} {left_out} {without_error} {results} {same_columns} {same_rows}"
        )
    }
}

impl Counts {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<usize> = text
            .split_whitespace()
            .map(|it| it.parse().ok())
            .collect::<Option<_>>()?;
        let [
            statements,
            left_out,
            without_error,
            results,
            same_columns,
            same_rows,
        ] = numbers.try_into().ok()?;
        Some(Self {
            statements,
            left_out,
            without_error,
            results,
            same_columns,
            same_rows,
        })
    }

    /// What is worse than it was. Rows are compared where a PostgreSQL gave them.
    pub(crate) fn below(&self, floor: &Self, with_rows: bool) -> Option<String> {
        let mut numbers = vec![
            (
                "answered without error",
                self.without_error,
                floor.without_error,
            ),
            (
                "with the same columns",
                self.same_columns,
                floor.same_columns,
            ),
        ];
        if with_rows {
            numbers.push(("with the same rows", self.same_rows, floor.same_rows));
        }
        if self.left_out > floor.left_out {
            return Some(format!(
                "{} statements are left out, {} were",
                self.left_out, floor.left_out
            ));
        }
        let worse = numbers.into_iter().find(|(_, now, before)| now < before)?;
        let (what, now, before) = worse;
        Some(format!("{now} statements are {what}, {before} were"))
    }
}

/// A judgement.
pub(crate) struct Verdict {
    pub(crate) counts: Counts,
    /// What differs, statement by statement.
    pub(crate) details: String,
}

/// Numbers of statements of this client that need not work, with the reason.
pub(crate) fn exceptions(client: &str) -> Result<BTreeMap<usize, String>, Failed> {
    let file = environment::checkout().join("tests/clients/replay/exceptions.txt");
    let mut exceptions = BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let (Some(name), Some(number), Some(reason)) = (words.next(), words.next(), words.next())
        else {
            return Err(format!("not `client number reason`: {line}").into());
        };
        if name == client {
            exceptions.insert(number.parse()?, reason.to_owned());
        }
    }
    Ok(exceptions)
}

/// Plays all exchanges and compares.
pub(crate) fn judge(
    exchanges: &[Exchange],
    exceptions: &BTreeMap<usize, String>,
    skein: &mut Player,
    mut postgres: Option<&mut Player>,
) -> Verdict {
    let mut verdict = Verdict {
        counts: Counts::default(),
        details: String::new(),
    };
    for exchange in exchanges {
        if exchange.texts.is_empty() {
            // Connections are opened and closed.
            let played = skein.play(exchange);
            if let Some(broken) = played.broken {
                let _ = writeln!(verdict.details, "line {}: {broken}", exchange.line);
            }
            if let Some(postgres) = &mut postgres {
                postgres.play(exchange);
            }
            continue;
        }
        verdict.counts.statements += 1;
        if stopped(exchange) {
            verdict.counts.left_out += 1;
            continue;
        }
        let oracle = postgres.as_mut().map(|it| {
            let played = it.play(exchange);
            if it.failed() && !expects_failure(exchange) {
                it.recover();
            }
            played
        });
        if writes(exchange) || exceptions.contains_key(&exchange.number) {
            verdict.counts.left_out += 1;
            continue;
        }
        let played = skein.play(exchange);
        compare(exchange, &played, oracle.as_ref(), &mut verdict);
        if skein.failed() && !expects_failure(exchange) {
            skein.recover();
        }
    }
    verdict
}

fn compare(exchange: &Exchange, played: &Played, oracle: Option<&Played>, verdict: &mut Verdict) {
    let Verdict { counts, details } = verdict;
    let mut complain = |what: &str, detail: &str| {
        let text = exchange.texts.join(" | ");
        let _ = writeln!(
            details,
            "#{} line {}: {what}: {detail}\n    {text}\n",
            exchange.number, exchange.line
        );
    };
    let recorded = !exchange.answers.is_empty();
    let expects_error = if recorded {
        expects_failure(exchange)
    } else {
        oracle.is_some_and(|it| !it.errors.is_empty())
    };
    if let Some(broken) = &played.broken {
        return complain("connection", broken);
    }
    match played.errors.first() {
        Some((code, message)) if !expects_error => {
            return complain("error", &format!("{code} {message}"));
        }
        None if expects_error => return complain("no error", ""),
        _ => counts.without_error += 1,
    }
    let expected: Option<Vec<_>> = if recorded {
        Some(
            exchange
                .answers
                .iter()
                .filter_map(|answer| match answer {
                    Answer::Columns(columns) => Some(columns.clone()),
                    _ => None,
                })
                .collect(),
        )
    } else {
        oracle.map(|it| it.columns.clone())
    };
    let Some(expected) = expected else { return };
    if expected.is_empty() && played.columns.is_empty() && played.rows.is_empty() {
        return;
    }
    counts.results += 1;
    if expected == played.columns {
        counts.same_columns += 1;
    } else {
        let (theirs, ours) = differing(&expected, &played.columns);
        complain("columns", &format!("{theirs} but {ours}"));
    }
    let Some(oracle) = oracle else { return };
    let [mut theirs, mut ours] = [oracle, played].map(|it| without_release(&it.rows));
    theirs.sort();
    ours.sort();
    if theirs == ours {
        counts.same_rows += 1;
        return;
    }
    let missing: Vec<String> = theirs
        .iter()
        .filter(|row| !ours.contains(row))
        .map(|row| shown(row))
        .collect();
    let extra: Vec<String> = ours
        .iter()
        .filter(|row| !theirs.contains(row))
        .map(|row| shown(row))
        .collect();
    let some = |rows: &[String]| {
        rows.iter()
            .take(4)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n      ")
    };
    complain(
        "rows",
        &format!(
            "{} of {}, {} missing, {} too many\n    - {}\n    + {}",
            ours.len(),
            theirs.len(),
            missing.len(),
            extra.len(),
            some(&missing),
            some(&extra)
        ),
    );
}

/// The first columns that differ.
fn differing(theirs: &[Vec<(String, String)>], ours: &[Vec<(String, String)>]) -> (String, String) {
    let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.concat(), ours.concat());
    let list = |columns: &[(String, String)], others: &[(String, String)]| {
        let different: Vec<String> = columns
            .iter()
            .enumerate()
            .filter(|(at, column)| others.get(*at) != Some(column))
            .map(|(_, (name, ty))| format!("{name}:{ty}"))
            .take(8)
            .collect();
        format!("{} columns: {}", columns.len(), different.join(", "))
    };
    (list(&theirs, &ours), list(&ours, &theirs))
}

/// Rows of text or bytes.
type Rows = Vec<Vec<Option<Vec<u8>>>>;

/// Releases of PostgreSQL 15 are all alike: `server_version_num` is that of the major version.
fn without_release(rows: &Rows) -> Rows {
    let mut rows = rows.clone();
    for cell in rows.iter_mut().flatten().flatten() {
        if cell.len() == 6 && cell.starts_with(b"1500") {
            *cell = b"150000".to_vec();
        }
    }
    rows
}

fn shown(row: &[Option<Vec<u8>>]) -> String {
    let cells: Vec<String> = row
        .iter()
        .map(|cell| {
            cell.as_ref().map_or("NULL".to_owned(), |it| {
                String::from_utf8_lossy(it).into_owned()
            })
        })
        .collect();
    let mut text = cells.join(" | ");
    if let Some((end, _)) = text.char_indices().nth(400) {
        text.truncate(end);
    }
    text.replace('\0', "\\0")
}

fn expects_failure(exchange: &Exchange) -> bool {
    exchange
        .answers
        .iter()
        .any(|answer| matches!(answer, Answer::Error(_) | Answer::Ready('E')))
}

fn stopped(exchange: &Exchange) -> bool {
    exchange
        .answers
        .iter()
        .any(|answer| matches!(answer, Answer::Error(code) if STOPPED.contains(&code.as_str())))
}

/// Whether any of its statements writes. COPY FROM needs data that a replay does not have.
fn writes(exchange: &Exchange) -> bool {
    let copies = exchange
        .sent
        .iter()
        .any(|sent| matches!(sent, Sent::Query(text) if is_copy_from(text)));
    copies
        || exchange.texts.iter().any(|text| {
            text.split(';').any(|statement| {
                let words = words(statement);
                words
                    .first()
                    .is_some_and(|word| WRITING.contains(&word.as_str()))
                    || is_copy_from(statement)
                    || (words.first().is_some_and(|word| word == "with")
                        && words.iter().any(|it| it == "insert"))
            })
        })
}

fn is_copy_from(statement: &str) -> bool {
    let words = words(statement);
    words.first().is_some_and(|word| word == "copy")
        && words.windows(2).any(|pair| pair == ["from", "stdin"])
}

/// The words of a statement in lower case, without its comments.
fn words(statement: &str) -> Vec<String> {
    let mut text = statement.to_lowercase();
    while let Some(start) = text.find("/*") {
        let end = text[start..]
            .find("*/")
            .map_or(text.len(), |it| start + it + 2);
        text.replace_range(start..end, " ");
    }
    let lines = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    lines
        .flat_map(|line| line.split(|it: char| it.is_whitespace() || it == '('))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
