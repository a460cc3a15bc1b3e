//! Recorded answers of PostgreSQL 15, where the collection of them lies beside the checkout.
//!
//! Two parts of it are used: odd, hostile and ordinary message sequences, and the types, text and binary
//! forms of many expressions. A list in this folder names the cases that Skein answers otherwise, by
//! their number and with the reason. The list may only get shorter: a case on it that is answered
//! alike fails the test as much as one that is not on it and differs. `REWRITE=1` takes such cases from
//! the list; it never adds one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::{Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use libtest_mimic::{Failed, Trial};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use skein_tests::client::{Client, ServerError};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::environment::{self, Server};

/// The tests of this module.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("wire::recorded::messages", messages),
        Trial::test("wire::recorded::types", || {
            types("types_pg15.tsv", "types.differs", "UTC")
        }),
        Trial::test("wire::recorded::types_newyork", || {
            types(
                "types_pg15_newyork.tsv",
                "types_newyork.differs",
                "America/New_York",
            )
        }),
    ]
}

/// The folder of the collection; `None` where it is not.
#[expect(
    clippy::print_stdout,
    reason = "a test says what it has compared, or why it has not"
)]
fn collection() -> Option<PathBuf> {
    let folder = environment::checkout().join("../shared/client-traffic/wire");
    let found = folder.is_dir().then_some(folder);
    if found.is_none() {
        println!("skipped: ../shared is not there");
    }
    found
}

fn cluster() -> Cluster {
    Cluster::start(&ClusterOptions::new(&sql_relations(Layout::Few)))
}

/// A case: its number, what it is called, and how each server answers.
struct Case {
    number: usize,
    name: String,
    expected: String,
    actual: String,
}

/// Compares with the list of cases that differ.
#[expect(
    clippy::print_stdout,
    reason = "a test says what it has compared, or why it has not"
)]
fn judge(cases: &[Case], list: &str) -> Result<(), Failed> {
    let path = environment::checkout().join("tests/wire").join(list);
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((number, reason)) = line.split_once(' ') else {
            continue;
        };
        let number: usize = number
            .parse()
            .map_err(|_| format!("{list}: \"{line}\" has no number"))?;
        if reason.trim().is_empty() || listed.insert(number, reason.trim()).is_some() {
            return Err(format!("{list}: case {number} needs one reason").into());
        }
    }
    if environment::rewrite(Server::Skein) {
        let alike = |number: &usize| {
            let case = cases.iter().find(|case| case.number == *number);
            case.is_none_or(|case| case.expected == case.actual)
        };
        let kept = text.lines().filter(|line| {
            let number = line.split(' ').next().and_then(|word| word.parse().ok());
            number.is_none_or(|number| !alike(&number))
        });
        let mut kept = kept.collect::<Vec<_>>().join("\n");
        kept.push('\n');
        std::fs::write(&path, kept).map_err(|error| error.to_string())?;
        listed.retain(|number, _| !alike(number));
    }
    let mut report = String::new();
    let mut equal = 0;
    for case in cases {
        let same = case.expected == case.actual;
        equal += usize::from(same);
        let Case {
            number,
            name,
            expected,
            actual,
        } = case;
        match (same, listed.remove(number)) {
            (false, None) => {
                let _ = writeln!(
                    report,
                    "{number} {name}\n  expected: {expected}\n  actual:   {actual}"
                );
            }
            (true, Some(reason)) => {
                let _ = writeln!(
                    report,
                    "{number} {name}\n  is answered alike, take it from {list}: {reason}"
                );
            }
            _ => {}
        }
    }
    for number in listed.keys() {
        let _ = writeln!(report, "{list}: there is no case {number}");
    }
    println!("{equal} of {} cases are answered alike", cases.len());
    if report.is_empty() {
        Ok(())
    } else {
        Err(report.into())
    }
}

/// Every message sequence of the collection's program. Some of them have time limits of a tenth of a
/// second, which a busy machine misses now and then, but not every time.
fn messages() -> Result<(), Failed> {
    const ATTEMPTS: usize = 3;
    let Some(folder) = collection() else {
        return Ok(());
    };
    let cluster = cluster();
    let mut outcome = Ok(());
    for _ in 0..ATTEMPTS {
        let Some(cases) = message_cases(&folder, cluster.address())? else {
            return Ok(());
        };
        outcome = judge(&cases, "messages.differs");
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// `None` where there is no Python.
#[expect(
    clippy::print_stdout,
    reason = "a test says what it has compared, or why it has not"
)]
fn message_cases(folder: &Path, address: SocketAddr) -> Result<Option<Vec<Case>>, Failed> {
    let expected = std::fs::read_to_string(folder.join("wire_torture_pg15.expected"))
        .map_err(|error| error.to_string())?;
    let output = Command::new("python3")
        .arg(folder.join("wire_torture.py"))
        .args([&address.ip().to_string(), &address.port().to_string()])
        .args(["postgres", "analytics"])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: python3 is not installed");
            return Ok(None);
        }
        Err(error) => return Err(error.to_string().into()),
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let actual = String::from_utf8_lossy(&output.stdout).into_owned();
    let (expected, actual): (Vec<_>, Vec<_>) =
        (expected.lines().collect(), actual.lines().collect());
    if expected.len() != actual.len() {
        let text = format!("{} answers instead of {}", actual.len(), expected.len());
        return Err(text.into());
    }
    let cases = expected.iter().zip(actual).enumerate();
    let cases = cases.map(|(index, (expected, actual))| {
        // The name of a case ends at the first answer, which is the part that both share.
        let shared = expected
            .bytes()
            .zip(actual.bytes())
            .take_while(|(left, right)| left == right)
            .count();
        let name = expected.get(..shared).unwrap_or(expected);
        let at = name.rfind(": ").map_or(0, |at| at + 2);
        Case {
            number: index + 1,
            name: name.get(..at.saturating_sub(2)).unwrap_or(name).to_owned(),
            expected: expected.get(at..).unwrap_or(expected).to_owned(),
            actual: actual.get(at..).unwrap_or(actual).to_owned(),
        }
    });
    Ok(Some(cases.collect()))
}

/// Every expression of a table: column name, type and both forms of its value.
fn types(table: &str, list: &str, zone: &str) -> Result<(), Failed> {
    let Some(folder) = collection() else {
        return Ok(());
    };
    let text = std::fs::read_to_string(folder.join(table)).map_err(|error| error.to_string())?;
    let cluster = cluster();
    let parameters = [
        ("user", "postgres"),
        ("database", "analytics"),
        ("TimeZone", zone),
    ];
    let mut client =
        Client::connect_with(cluster.address(), &parameters).map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((expression, expected)) = line.split_once('\t').filter(|_| index > 0) else {
            continue;
        };
        let actual = described(&mut client, expression).map_err(|error| error.to_string())?;
        cases.push(Case {
            number: index + 1,
            name: expression.to_owned(),
            expected: expected.replace("ERROR\tERROR:  ", "ERROR "),
            actual,
        });
    }
    judge(&cases, list)
}

/// What a server says of an expression, as the table has it.
fn described(client: &mut Client, expression: &str) -> std::io::Result<String> {
    let mut answers = Vec::new();
    for format in [0, 1] {
        let mut message = BytesMut::new();
        frontend::parse("", &format!("select {expression}"), [], &mut message)?;
        let bound = frontend::bind(
            "",
            "",
            [],
            std::iter::empty::<()>(),
            |(), _| Ok(IsNull::Yes),
            [format],
            &mut message,
        );
        if bound.is_err() {
            return Err(std::io::Error::other("a Bind without values cannot fail"));
        }
        frontend::describe(b'P', "", &mut message)?;
        frontend::execute("", 0, &mut message)?;
        frontend::sync(&mut message);
        client.send(&message)?;
        answers.push(answer(client)?);
    }
    Ok(match (&answers[0], &answers[1]) {
        ((head, Ok(text)), (_, Ok(binary))) => {
            let text = text.as_ref().map_or_else(
                || "NULL".to_owned(),
                |text| String::from_utf8_lossy(text).into_owned(),
            );
            let binary = binary.as_ref().map_or_else(
                || "NULL".to_owned(),
                |bytes| {
                    bytes.iter().fold(String::new(), |mut hex, byte| {
                        let _ = write!(hex, "{byte:02x}");
                        hex
                    })
                },
            );
            format!("{head}\t{text}\t{binary}")
        }
        ((_, Err(error)), _) => format!("ERROR {error}"),
        ((head, _), (_, Err(error))) => format!("{head}, in binary: ERROR {error}"),
    })
}

/// The first value of the first row, or the words of an error; before it the column.
type Answer = (String, Result<Option<Bytes>, String>);

fn answer(client: &mut Client) -> std::io::Result<Answer> {
    let (mut head, mut value) = (String::new(), Err("no row".to_owned()));
    loop {
        match client.receive()? {
            Message::RowDescription(body) => {
                let fields: Vec<_> = body.fields().collect()?;
                let heads = fields.iter().map(|field| {
                    format!(
                        "{}\t{}\t{}\t{}",
                        field.name(),
                        field.type_oid(),
                        field.type_size(),
                        field.type_modifier()
                    )
                });
                head = heads.collect::<Vec<_>>().join(" | ");
            }
            Message::DataRow(body) => {
                let range = body.ranges().next()?.flatten();
                value = Ok(range.map(|range| body.buffer_bytes().slice(range)));
            }
            Message::ErrorResponse(body) => {
                value = Err(ServerError::read(body.fields())?.field('M').to_owned());
            }
            Message::ReadyForQuery(_) => return Ok((head, value)),
            _ => {}
        }
    }
}
