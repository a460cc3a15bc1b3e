//! Reads recorded traffic: what a client sent, and what PostgreSQL answered.
//!
//! A file is a sequence of statements and of comments that describe messages. Statements stand as
//! the client sent them; `-- >` is another message of the client, `-- <` an answer. Files that
//! were not recorded hold statements only, each of which ends a line with a semicolon.
//!
//! Invariant: the order of messages is that of the file. Nothing is copied out of it.

use std::collections::BTreeMap;

use skein_catalog::system;

/// A message of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Opens a connection with these parameters.
    Startup(Vec<(String, String)>),
    /// The simple protocol.
    Query(String),
    /// `Parse`, with names of parameters' types.
    Parse {
        name: String,
        text: String,
        types: Vec<String>,
    },
    /// `Bind`.
    Bind {
        portal: String,
        statement: String,
        formats: Vec<i16>,
        parameters: Vec<Option<Vec<u8>>>,
        results: Vec<i16>,
    },
    /// `Describe`, of `S` or `P`.
    Describe { kind: u8, name: String },
    /// `Execute`.
    Execute { portal: String, rows_max: i32 },
    /// `Close`, of `S` or `P`.
    Close { kind: u8, name: String },
    /// `Sync`.
    Sync,
    /// `Flush`.
    Flush,
    /// `Terminate`.
    Terminate,
    /// What a replay leaves out: requests for encryption or cancelling, data for COPY.
    Other,
}

/// An answer of PostgreSQL, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Names and types of columns: `oid`, `numeric(786438)`.
    Columns(Vec<(String, String)>),
    /// SQLSTATE.
    Error(String),
    /// The transaction failed or goes on, after this answer: `T`, `E`, `I`.
    Ready(char),
    /// Anything else.
    Other,
}

/// Messages that were sent without waiting, and what came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// Its number in the file, from 1.
    pub(crate) number: usize,
    /// The line it begins at.
    pub(crate) line: usize,
    pub(crate) sent: Vec<Sent>,
    pub(crate) answers: Vec<Answer>,
    /// The texts of the statements that it runs or prepares.
    pub(crate) texts: Vec<String>,
}

/// Reads a file.
pub(crate) fn read(file: &str) -> Vec<Exchange> {
    let recorded = file.lines().any(|line| line.starts_with("-- ["));
    let mut reader = Reader::default();
    if recorded {
        reader.recorded(file);
    } else {
        reader.written(file);
    }
    reader.finish()
}

/// What the text that follows is.
#[derive(Default)]
enum Text {
    #[default]
    None,
    Query(String),
    Parse(String, Vec<String>, String),
}

#[derive(Default)]
struct Reader {
    done: Vec<Exchange>,
    current: Exchange,
    text: Text,
    /// Texts of named statements of the connection.
    named: BTreeMap<String, String>,
}

impl Reader {
    fn recorded(&mut self, file: &str) {
        for (index, line) in file.lines().enumerate() {
            if let Some(rest) = line.strip_prefix("-- [simple Q]") {
                debug_assert!(rest.is_empty(), "{line}");
                self.end_text();
                self.start(index);
                self.text = Text::Query(String::new());
            } else if let Some(rest) = line.strip_prefix("-- [Parse] ") {
                self.end_text();
                self.start(index);
                let fields = fields(rest);
                let types = list(fields.get("param_types").map_or("[]", |it| it.as_str()));
                let name = fields.get("name").cloned().unwrap_or_default();
                self.text = Text::Parse(name, types, String::new());
            } else if let Some(rest) = line.strip_prefix("-- > ") {
                self.end_text();
                self.start(index);
                self.send(message(rest));
            } else if let Some(rest) = line.strip_prefix("-- < ") {
                self.end_text();
                self.current.answers.push(answer(rest));
            } else if line.starts_with("-- ####") || line.starts_with("-- ====") {
                self.end_text();
            } else if let Text::Query(text) | Text::Parse(_, _, text) = &mut self.text {
                text.push_str(line);
                text.push('\n');
            }
        }
        self.end_text();
    }

    /// Each statement by the simple protocol, or by the extended one if it has parameters, all of
    /// which are NULL.
    fn written(&mut self, file: &str) {
        self.send(Sent::Startup(
            [("user", "postgres"), ("database", "analytics")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ));
        let mut text = String::new();
        for (index, line) in file.lines().enumerate() {
            if text.is_empty() && (line.starts_with("--") || line.trim().is_empty()) {
                continue;
            }
            if text.is_empty() {
                self.flush();
                self.current.line = index + 1;
            }
            text.push_str(line);
            text.push('\n');
            // A remark may follow the end of a statement.
            let code = line.split(" -- ").next().unwrap_or_default().trim_end();
            if !code.ends_with(';') {
                continue;
            }
            let statement = std::mem::take(&mut text);
            let parameters = (1..=20)
                .take_while(|it| statement.contains(&format!("${it}")))
                .count();
            if parameters == 0 {
                self.send(Sent::Query(statement));
                continue;
            }
            let statement = statement.trim().trim_end_matches(';').to_owned();
            self.send(Sent::Parse {
                name: String::new(),
                text: statement,
                types: Vec::new(),
            });
            self.send(Sent::Describe {
                kind: b'S',
                name: String::new(),
            });
            self.send(Sent::Bind {
                portal: String::new(),
                statement: String::new(),
                formats: Vec::new(),
                parameters: vec![None; parameters],
                results: vec![1],
            });
            self.send(Sent::Execute {
                portal: String::new(),
                rows_max: 0,
            });
            self.send(Sent::Sync);
        }
    }

    /// A message of the client after an answer begins another exchange.
    fn start(&mut self, index: usize) {
        if !self.current.answers.is_empty() {
            self.flush();
        }
        if self.current.sent.is_empty() {
            self.current.line = index + 1;
        }
    }

    fn flush(&mut self) {
        if self.current.sent.is_empty() {
            self.current.answers.clear();
            return;
        }
        let mut exchange = std::mem::take(&mut self.current);
        exchange.number = self.done.len() + 1;
        self.done.push(exchange);
    }

    fn end_text(&mut self) {
        match std::mem::take(&mut self.text) {
            Text::None => {}
            Text::Query(text) => self.send(Sent::Query(text.trim_end().to_owned())),
            Text::Parse(name, types, text) => {
                // The recorder puts a semicolon after every statement.
                let text = text.trim_end();
                let text = text.strip_suffix(';').unwrap_or(text).to_owned();
                self.send(Sent::Parse { name, text, types });
            }
        }
    }

    fn send(&mut self, message: Sent) {
        match &message {
            Sent::Startup(_) => self.named.clear(),
            Sent::Query(text) => self.current.texts.push(text.clone()),
            Sent::Parse { name, text, .. } => {
                self.named.insert(name.clone(), text.clone());
                self.current.texts.push(text.clone());
            }
            Sent::Bind { statement, .. } => {
                if let Some(text) = self.named.get(statement)
                    && !self.current.texts.contains(text)
                {
                    self.current.texts.push(text.clone());
                }
            }
            _ => {}
        }
        self.current.sent.push(message);
    }

    fn finish(mut self) -> Vec<Exchange> {
        self.flush();
        self.done
    }
}

fn message(line: &str) -> Sent {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let fields = fields(rest);
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let numbers = |name: &str| -> Vec<i16> {
        list(&field(name))
            .iter()
            .filter_map(|it| it.parse().ok())
            .collect()
    };
    let target = || {
        let kind = rest.bytes().next().unwrap_or(b'P');
        (kind, unquoted(rest.get(2..).unwrap_or_default()))
    };
    match verb {
        "Startup" => Sent::Startup(pairs(rest.split_once(' ').unwrap_or_default().1)),
        "Bind" => Sent::Bind {
            portal: field("portal"),
            statement: field("stmt"),
            formats: numbers("param_formats"),
            parameters: values(&field("params")),
            results: numbers("result_formats"),
        },
        "Describe" => {
            let (kind, name) = target();
            Sent::Describe { kind, name }
        }
        "Close" => {
            let (kind, name) = target();
            Sent::Close { kind, name }
        }
        "Execute" => Sent::Execute {
            portal: field("portal"),
            rows_max: field("max_rows").parse().unwrap_or(0),
        },
        "Sync" => Sent::Sync,
        "Flush" => Sent::Flush,
        verb if verb.starts_with("Terminate") => Sent::Terminate,
        _ => Sent::Other,
    }
}

fn answer(line: &str) -> Answer {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "RowDescription" => Answer::Columns(columns(rest)),
        "Error" => Answer::Error(
            rest.split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
        ),
        "Ready" => Answer::Ready(rest.chars().next().unwrap_or('I')),
        _ => Answer::Other,
    }
}

/// `id:int8, a, b:text/b`: names may hold commas and colons.
fn columns(text: &str) -> Vec<(String, String)> {
    let mut columns: Vec<(String, String)> = Vec::new();
    let mut pending = String::new();
    for part in text.split(", ") {
        if !pending.is_empty() {
            pending.push_str(", ");
        }
        pending.push_str(part);
        let Some((name, ty)) = pending.rsplit_once(':') else {
            continue;
        };
        let ty = ty.strip_suffix("/b").unwrap_or(ty);
        let is_type = !ty.is_empty()
            && ty
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '(' | ')'));
        if is_type {
            // The recorder knew some types by their number only.
            let known = ty.parse().ok().and_then(system::type_name);
            columns.push((name.to_owned(), known.unwrap_or(ty).to_owned()));
            pending.clear();
        }
    }
    columns
}

/// `name='x' list=[1, 2]` as names and values.
fn fields(text: &str) -> BTreeMap<String, String> {
    pairs(text).into_iter().collect()
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let length = value_length(after);
        pairs.push((name.trim().to_owned(), unquoted(&after[..length])));
        rest = &after[length..];
    }
    pairs
}

/// How far a value goes: to the end of its quotes, of its brackets, or to a space.
fn value_length(text: &str) -> usize {
    let mut quote = None;
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, byte) {
            (Some(_), b'\\') => escaped = true,
            (Some(open), byte) if byte == open => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b' ') if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn unquoted(text: &str) -> String {
    let inner = ["'", "\""].iter().find_map(|quote| {
        text.strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    });
    inner.unwrap_or(text).to_owned()
}

/// `[a, b]` as its words.
fn list(text: &str) -> Vec<String> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    inner
        .split(',')
        .map(|it| unquoted(it.trim()))
        .filter(|it| !it.is_empty())
        .collect()
}

/// `[b'\x00a', None]` as bytes.
fn values(text: &str) -> Vec<Option<Vec<u8>>> {
    let mut values = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'N' => values.push(None),
            b'\'' | b'"' => {
                let mut value = Vec::new();
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'\\' => value.push(escaped(&mut bytes)),
                        inner if inner == byte => break,
                        inner => value.push(inner),
                    }
                }
                values.push(Some(value));
            }
            _ => {}
        }
    }
    values
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    match bytes.next().unwrap_or(b'\\') {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'x' => {
            let digits: String = bytes.take(2).map(char::from).collect();
            u8::from_str_radix(&digits, 16).unwrap_or(b'?')
        }
        other => other,
    }
}
