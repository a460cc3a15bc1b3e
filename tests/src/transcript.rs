//! Wire transcripts: messages to send, and the messages that must come back.
//!
//! ```text
//! # A comment.
//! send
//! Query "SELECT 1 AS a"
//!
//! until ReadyForQuery
//! ----
//! RowDescription a:23
//! DataRow "1"
//! CommandComplete "SELECT 1"
//! ReadyForQuery I
//! ```
//!
//! A case ends at an empty line. After its word a case may say `skein_only` or `postgres_only`;
//! every other case is also replayed against a real PostgreSQL and must get the same answer.
//! `open` begins a new connection without start-up; `ready` receives until the server is ready,
//! whatever comes before; `byte` reads the single byte that answers a
//! request for encryption. With `REWRITE=1` the answers seen from Skein,
//! with `REWRITE=postgres` those of PostgreSQL, replace the expected ones, to be read as a diff.
//!
//! A result column that is a column of a system relation is followed by `@` and the numbers of both:
//! `relname:19@1259.2`. Errors are printed with severity, SQLSTATE, message and position; hints and details are
//! Skein's own and differ.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use crate::client::{Client, ServerError};
use crate::environment::{self, Server};

/// OIDs below this are the same on every server.
const SYSTEM_OIDS_END: u32 = 12_000;

/// Runs the transcript in `file`. The error says what came instead of what was expected.
pub fn run(file: &Path, address: SocketAddr, server: Server) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let mut client = Client::connect(address).map_err(|error| error.to_string())?;
    let mut seen = String::new();
    let mut failures = Vec::new();
    for (line_number, case) in cases(&text) {
        let Some(header) = case.first().filter(|line| !line.starts_with('#')) else {
            seen.push_str(&block(&case));
            continue;
        };
        let mut words = header.split_whitespace();
        let directive = words.next().unwrap_or_default();
        let (flags, arguments): (Vec<_>, Vec<_>) =
            words.partition(|word| matches!(*word, "skein_only" | "postgres_only"));
        let skipped = match server {
            Server::Skein => flags.contains(&"postgres_only"),
            Server::Postgres => flags.contains(&"skein_only"),
        };
        if skipped {
            seen.push_str(&block(&case));
            continue;
        }
        let place =
            |error: &dyn std::fmt::Display| format!("{}:{line_number}: {error}", file.display());
        match directive {
            "open" => client = Client::open(address).map_err(|error| place(&error))?,
            "send" => {
                let mut bytes = BytesMut::new();
                for line in &case[1..] {
                    encode(line, &mut bytes).map_err(|error| place(&error))?;
                }
                client.send(&bytes).map_err(|error| place(&error))?;
            }
            "ready" => {
                receive(&mut client, &["ReadyForQuery"]).map_err(|error| place(&error))?;
            }
            "until" | "byte" => {
                let answer = if directive == "byte" {
                    client
                        .receive_byte()
                        .map(|byte| vec![char::from(byte).to_string()])
                } else {
                    receive(&mut client, &arguments)
                };
                let answer = answer.map_err(|error| place(&error))?;
                let expected = case.iter().skip_while(|line| **line != "----").skip(1);
                let expected: Vec<_> = expected.copied().collect();
                if answer != expected {
                    failures.push(place(&format!(
                        "\nexpected:\n{}\nactual:\n{}",
                        expected.join("\n"),
                        answer.join("\n")
                    )));
                }
                // Comments and flags stay as they are.
                let mut block_lines = vec![*header, "----"];
                block_lines.extend(answer.iter().map(String::as_str));
                seen.push_str(&block(&block_lines));
                continue;
            }
            _ => return Err(place(&format!("unknown directive {directive}"))),
        }
        seen.push_str(&block(&case));
    }
    if environment::rewrite(server) {
        let text = format!("{}\n", seen.trim_end());
        return std::fs::write(file, text).map_err(|error| error.to_string());
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n\n"))
    }
}

/// Blocks of lines without empty lines between them, with the number of their first line.
/// Leading comment lines make a block of their own.
fn cases(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut cases: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() {
            open = false;
            continue;
        }
        match cases.last_mut() {
            Some((_, case)) if open && case[0].starts_with('#') == line.starts_with('#') => {
                case.push(line);
            }
            _ => cases.push((index + 1, vec![line])),
        }
        open = true;
    }
    cases
}

fn block(lines: &[&str]) -> String {
    let comment = lines.first().is_some_and(|line| line.starts_with('#'));
    format!("{}\n{}", lines.join("\n"), if comment { "" } else { "\n" })
}

/// Receives messages until all of `wanted` have come, in this order.
fn receive(client: &mut Client, wanted: &[&str]) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut wanted = wanted.iter().peekable();
    while let Some(next) = wanted.peek() {
        let line = match client.receive() {
            Ok(message) => print(&message)?,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                ) =>
            {
                lines.push("Closed".to_owned());
                return Ok(lines);
            }
            Err(error) => return Err(error),
        };
        let Some(line) = line else { continue };
        if line.split(' ').next() == Some(**next) {
            wanted.next();
        }
        lines.push(line);
    }
    Ok(lines)
}

/// A message of the server as a line; nothing for those that differ from run to run.
fn print(message: &Message) -> io::Result<Option<String>> {
    let line = match message {
        Message::AuthenticationOk => "AuthenticationOk".to_owned(),
        Message::ParseComplete => "ParseComplete".to_owned(),
        Message::BindComplete => "BindComplete".to_owned(),
        Message::CloseComplete => "CloseComplete".to_owned(),
        Message::NoData => "NoData".to_owned(),
        Message::EmptyQueryResponse => "EmptyQueryResponse".to_owned(),
        Message::PortalSuspended => "PortalSuspended".to_owned(),
        Message::CopyInResponse(_) => "CopyInResponse".to_owned(),
        Message::CopyOutResponse(body) => {
            let formats: Vec<_> = body
                .column_formats()
                .map(|it| Ok(it.to_string()))
                .collect()?;
            format!("CopyOutResponse {} {}", body.format(), formats.join(" "))
        }
        Message::CopyData(body) => format!("CopyData {}", print_value(body.data())),
        Message::CopyDone => "CopyDone".to_owned(),
        Message::CommandComplete(body) => format!("CommandComplete {:?}", body.tag()?),
        Message::ReadyForQuery(body) => format!("ReadyForQuery {}", char::from(body.status())),
        Message::BackendKeyData(_) => return Ok(None),
        Message::ParameterStatus(body) => {
            format!("ParameterStatus {} {:?}", body.name()?, body.value()?)
        }
        Message::ErrorResponse(body) => {
            print_error("ErrorResponse", &ServerError::read(body.fields())?)
        }
        Message::NoticeResponse(body) => {
            print_error("NoticeResponse", &ServerError::read(body.fields())?)
        }
        Message::ParameterDescription(body) => {
            let oids: Vec<_> = body.parameters().map(|oid| Ok(oid.to_string())).collect()?;
            ["ParameterDescription".to_owned()]
                .into_iter()
                .chain(oids)
                .collect::<Vec<_>>()
                .join(" ")
        }
        Message::RowDescription(body) => {
            let mut line = "RowDescription".to_owned();
            let mut fields = body.fields();
            while let Some(field) = fields.next()? {
                let _ = write!(line, " {}:{}", field.name(), field.type_oid());
                if field.type_modifier() != -1 {
                    let _ = write!(line, "({})", field.type_modifier());
                }
                if field.format() != 0 {
                    line.push_str(":binary");
                }
                // Numbers of other relations are the server's own.
                if (1..SYSTEM_OIDS_END).contains(&field.table_oid()) {
                    let _ = write!(line, "@{}.{}", field.table_oid(), field.column_id());
                }
            }
            line
        }
        Message::DataRow(body) => {
            let mut line = "DataRow".to_owned();
            let mut ranges = body.ranges();
            while let Some(range) = ranges.next()? {
                match range.map(|range| &body.buffer()[range]) {
                    None => line.push_str(" NULL"),
                    Some(bytes) => {
                        let _ = write!(line, " {}", print_value(bytes));
                    }
                }
            }
            line
        }
        _ => "Other".to_owned(),
    };
    Ok(Some(line))
}

fn print_error(name: &str, error: &ServerError) -> String {
    let mut line = format!(
        "{name} {} {} {:?}",
        error.field('S'),
        error.sqlstate(),
        error.field('M')
    );
    if !error.field('P').is_empty() {
        let _ = write!(line, " position {}", error.field('P'));
    }
    line
}

/// Text in quotes; what is not printable text in hexadecimal.
fn print_value(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text)
            if !text
                .chars()
                .any(|c| c.is_control() && c != '\n' && c != '\t') =>
        {
            format!("{text:?}")
        }
        _ => bytes.iter().fold("\\x".to_owned(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

/// Encodes a message written as a line of words.
fn encode(line: &str, bytes: &mut BytesMut) -> io::Result<()> {
    let words = words(line)?;
    let text = |index: usize| -> &str { words.get(index).map_or("", |word| word.text.as_str()) };
    let variant = || text(1).bytes().next().unwrap_or(b'S');
    match text(0) {
        "Startup" => {
            let parameters = words[1..]
                .iter()
                .filter_map(|word| word.text.split_once('='));
            frontend::startup_message(parameters, bytes)
        }
        "SSLRequest" => {
            frontend::ssl_request(bytes);
            Ok(())
        }
        "Query" => frontend::query(text(1), bytes),
        "Parse" => {
            let types = words[3.min(words.len())..]
                .iter()
                .map(|word| word.text.parse().unwrap_or(0));
            frontend::parse(text(1), text(2), types, bytes)
        }
        "Bind" => encode_bind(&words, bytes),
        "Describe" => frontend::describe(variant(), text(2), bytes),
        "Close" => frontend::close(variant(), text(2), bytes),
        "Execute" => frontend::execute(text(1), text(2).parse().unwrap_or(0), bytes),
        "Sync" => {
            frontend::sync(bytes);
            Ok(())
        }
        "Flush" => {
            frontend::flush(bytes);
            Ok(())
        }
        "Terminate" => {
            frontend::terminate(bytes);
            Ok(())
        }
        "Raw" => {
            for word in &words[1..] {
                bytes.extend_from_slice(&hexadecimal(&word.text)?);
            }
            Ok(())
        }
        other => Err(io::Error::other(format!("unknown message {other}"))),
    }
}

/// `Bind PORTAL STATEMENT VALUE… -> FORMAT…`: a value is `"text"`, `\xHEX` for binary, or `NULL`;
/// a format is `text` or `binary`.
fn encode_bind(words: &[Word], bytes: &mut BytesMut) -> io::Result<()> {
    let text = |index: usize| -> &str { words.get(index).map_or("", |word| word.text.as_str()) };
    let rest = &words[3.min(words.len())..];
    let arrow = rest
        .iter()
        .position(|word| !word.quoted && word.text == "->");
    let (values, formats) = rest.split_at(arrow.unwrap_or(rest.len()));
    let binary = |word: &Word| !word.quoted && word.text.starts_with("\\x");
    let result_formats = formats
        .iter()
        .skip(1)
        .map(|word| i16::from(word.text == "binary"))
        .collect::<Vec<_>>();
    frontend::bind(
        text(1),
        text(2),
        values.iter().map(|word| i16::from(binary(word))),
        values,
        |word, out| {
            if !word.quoted && word.text == "NULL" {
                return Ok(IsNull::Yes);
            }
            if binary(word) {
                out.extend_from_slice(&hexadecimal(&word.text[2..])?);
            } else {
                out.extend_from_slice(word.text.as_bytes());
            }
            Ok(IsNull::No)
        },
        result_formats,
        bytes,
    )
    .map_err(|error| match error {
        frontend::BindError::Conversion(error) => io::Error::other(error),
        frontend::BindError::Serialization(error) => error,
    })
}

struct Word {
    text: String,
    quoted: bool,
}

/// Splits a line at spaces; `"…"` may contain spaces and `\n`, `\"`, `\\`.
fn words(line: &str) -> io::Result<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, length) = if let Some(quoted) = rest.strip_prefix('"') {
            let mut text = String::new();
            let mut characters = quoted.char_indices();
            let end = loop {
                match characters.next() {
                    None => return Err(io::Error::other("a quote is not closed")),
                    Some((index, '"')) => break index,
                    Some((_, '\\')) => match characters.next() {
                        Some((_, 'n')) => text.push('\n'),
                        Some((_, 't')) => text.push('\t'),
                        Some((_, character)) => text.push(character),
                        None => return Err(io::Error::other("a quote is not closed")),
                    },
                    Some((_, character)) => text.push(character),
                }
            };
            (Word { text, quoted: true }, end + 2)
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            (
                Word {
                    text: rest[..end].to_owned(),
                    quoted: false,
                },
                end,
            )
        };
        words.push(word);
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

fn hexadecimal(text: &str) -> io::Result<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect::<Option<_>>()
        .ok_or_else(|| io::Error::other(format!("{text} is not hexadecimal")))?;
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_encoded_from_lines() {
        let mut bytes = BytesMut::new();
        encode(r#"Query "SELECT \"a\"""#, &mut bytes).unwrap();
        assert_eq!(&bytes[..], b"Q\0\0\0\x0fSELECT \"a\"\0");
        let mut bytes = BytesMut::new();
        encode(r#"Bind "" "" "7" \x00ff NULL -> binary"#, &mut bytes).unwrap();
        let expected =
            b"B\0\0\0\x23\0\0\0\x03\0\0\0\x01\0\0\0\x03\0\0\0\x017\0\0\0\x02\0\xff\xff\xff\xff\xff\0\x01\0\x01";
        assert_eq!(&bytes[..], expected);
        assert!(encode("Nothing", &mut bytes).is_err());
    }

    #[test]
    fn cases_are_separated_by_empty_lines() {
        let cases = cases("# one\n# two\nsend\nSync\n\nuntil X\n----\nX\n");
        let lines: Vec<_> = cases
            .iter()
            .map(|(line, case)| (*line, case.len()))
            .collect();
        assert_eq!(lines, [(1, 2), (3, 2), (6, 3)]);
    }
}
