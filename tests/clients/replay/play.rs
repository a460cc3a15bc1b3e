//! Sends recorded traffic to a server and reads what comes back.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use bytes::{BufMut, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use skein_catalog::system;
use skein_tests::client::{Client, ServerError};

use crate::fixture;
use crate::traffic::{Exchange, Sent};

/// What a server answered in one exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    /// Names and types of the columns of each result.
    pub(crate) columns: Vec<Vec<(String, String)>>,
    /// Rows of all results, with names in the place of OIDs of users' objects.
    pub(crate) rows: Vec<Vec<Option<Vec<u8>>>>,
    /// Errors: SQLSTATE and message.
    pub(crate) errors: Vec<(String, String)>,
    /// The connection broke.
    pub(crate) broken: Option<String>,
}

/// A connection that replays.
pub(crate) struct Player {
    address: SocketAddr,
    /// The server's own numbers for recorded ones.
    substitutes: BTreeMap<u32, u32>,
    /// What the server's own numbers stand for.
    names: BTreeMap<u32, String>,
    client: Option<Client>,
    startup: Vec<(String, String)>,
    failed: bool,
}

impl Player {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            substitutes: fixture::substitutes(address),
            names: fixture::names(address),
            client: None,
            startup: Vec::new(),
            failed: false,
        }
    }

    /// The last statement left a failed transaction block.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// Leaves a failed transaction block and begins another one, so that what follows can be
    /// judged by itself.
    pub(crate) fn recover(&mut self) {
        if let Some(client) = &mut self.client {
            let recovered = client.query("ROLLBACK; BEGIN");
            self.failed = recovered.is_err();
        }
    }

    /// Plays one exchange.
    pub(crate) fn play(&mut self, exchange: &Exchange) -> Played {
        let mut played = Played::default();
        if let Err(error) = self.try_play(exchange, &mut played) {
            played.broken = Some(error.to_string());
            self.client = None;
        }
        played
    }

    fn try_play(&mut self, exchange: &Exchange, played: &mut Played) -> io::Result<()> {
        let mut message = BytesMut::new();
        let mut ready = 0;
        let (mut describing, mut executing, mut flushed) = (0, 0, false);
        for sent in &exchange.sent {
            match sent {
                Sent::Startup(parameters) => {
                    self.startup.clone_from(parameters);
                    self.connect()?;
                }
                Sent::Query(text) => {
                    frontend::query(&self.own(text), &mut message)?;
                    ready += 1;
                }
                Sent::Parse { name, text, types } => {
                    let types = types.iter().map(|name| {
                        system::type_oid(name).unwrap_or_else(|| name.parse().unwrap_or(0))
                    });
                    frontend::parse(name, &self.own(text), types, &mut message)?;
                }
                Sent::Bind {
                    portal,
                    statement,
                    formats,
                    parameters,
                    results,
                } => {
                    let bound = frontend::bind(
                        portal,
                        statement,
                        formats.iter().copied(),
                        parameters,
                        |value, out| {
                            Ok(match value {
                                Some(value) => {
                                    out.put_slice(&self.own_value(value));
                                    IsNull::No
                                }
                                None => IsNull::Yes,
                            })
                        },
                        results.iter().copied(),
                        &mut message,
                    );
                    if bound.is_err() {
                        return Err(io::Error::other("a recorded Bind cannot be sent"));
                    }
                }
                Sent::Describe { kind, name } => {
                    frontend::describe(*kind, name, &mut message)?;
                    describing += 1;
                }
                Sent::Execute { portal, rows_max } => {
                    frontend::execute(portal, *rows_max, &mut message)?;
                    executing += 1;
                }
                Sent::Close { kind, name } => frontend::close(*kind, name, &mut message)?,
                Sent::Sync => {
                    frontend::sync(&mut message);
                    ready += 1;
                }
                Sent::Flush => {
                    frontend::flush(&mut message);
                    flushed = true;
                }
                Sent::Terminate => {
                    self.client = None;
                    return Ok(());
                }
                Sent::Other => {}
            }
        }
        if message.is_empty() {
            return Ok(());
        }
        // Recorded connections overlap; those that a replay has closed too early are opened anew.
        if self.client.is_none() {
            self.connect()?;
        }
        let Some(client) = &mut self.client else {
            return Err(io::Error::other("there is no connection"));
        };
        client.send(&message)?;
        let awaited = Awaited {
            ready,
            answers: if flushed && ready == 0 {
                describing + executing
            } else {
                0
            },
        };
        self.failed = receive(client, &awaited, &self.names, played)?.unwrap_or(self.failed);
        Ok(())
    }

    fn connect(&mut self) -> io::Result<()> {
        let parameters: Vec<(&str, &str)> = self
            .startup
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let client = Client::connect_with(self.address, &parameters);
        self.client = Some(client.map_err(|error| io::Error::other(error.to_string()))?);
        self.failed = false;
        Ok(())
    }

    /// A text with this server's OIDs.
    fn own(&self, text: &str) -> String {
        replace(text, |number| self.substitutes.get(&number))
    }

    fn own_value(&self, value: &[u8]) -> Vec<u8> {
        let number = match value.len() {
            4 => value.try_into().ok().map(u32::from_be_bytes),
            8 => value
                .try_into()
                .ok()
                .map(u64::from_be_bytes)
                .and_then(|it| u32::try_from(it).ok()),
            _ => None,
        };
        if let Some(own) = number.and_then(|it| self.substitutes.get(&it)) {
            return match value.len() {
                4 => own.to_be_bytes().into(),
                _ => u64::from(*own).to_be_bytes().into(),
            };
        }
        match std::str::from_utf8(value) {
            Ok(text) if text.bytes().all(|it| (b' '..=b'~').contains(&it)) => {
                self.own(text).into_bytes()
            }
            _ => value.to_vec(),
        }
    }
}

/// What has to come back before the next exchange.
struct Awaited {
    /// `ReadyForQuery`.
    ready: usize,
    /// Answers to Describe and Execute, where the client only flushed.
    answers: usize,
}

/// Reads answers; gives whether the transaction has failed.
fn receive(
    client: &mut Client,
    awaited: &Awaited,
    names: &BTreeMap<u32, String>,
    played: &mut Played,
) -> io::Result<Option<bool>> {
    let (mut ready, mut answers) = (awaited.ready, awaited.answers);
    let mut failed = None;
    while ready > 0 || answers > 0 {
        match client.receive()? {
            Message::RowDescription(body) => {
                let fields = body.fields().map(|field| {
                    let oid = field.type_oid();
                    let name =
                        system::type_name(oid).map_or_else(|| oid.to_string(), str::to_owned);
                    let ty = match field.type_modifier() {
                        -1 => name,
                        modifier => format!("{name}({modifier})"),
                    };
                    Ok((field.name().to_owned(), ty))
                });
                played.columns.push(fields.collect()?);
                answers = answers.saturating_sub(1);
            }
            Message::NoData
            | Message::CommandComplete(_)
            | Message::PortalSuspended
            | Message::EmptyQueryResponse => answers = answers.saturating_sub(1),
            Message::DataRow(body) => {
                let buffer = body.buffer();
                let row = body
                    .ranges()
                    .map(|range| Ok(range.map(|range| named(&buffer[range], names))));
                played.rows.push(row.collect()?);
            }
            Message::ErrorResponse(body) => {
                let error = ServerError::read(body.fields())?;
                played
                    .errors
                    .push((error.sqlstate().to_owned(), error.field('M').to_owned()));
                // What was flushed after an error is not answered.
                answers = 0;
            }
            Message::CopyInResponse(_) => {
                let mut message = BytesMut::new();
                frontend::copy_done(&mut message);
                client.send(&message)?;
            }
            Message::ReadyForQuery(body) => {
                ready = ready.saturating_sub(1);
                failed = Some(body.status() == b'E');
            }
            _ => {}
        }
    }
    Ok(failed)
}

/// A value with names in the place of the server's own OIDs, which may be binary.
fn named(value: &[u8], names: &BTreeMap<u32, String>) -> Vec<u8> {
    if let Ok(bytes) = value.try_into()
        && let Some(name) = names.get(&u32::from_be_bytes(bytes))
    {
        return name.clone().into_bytes();
    }
    match std::str::from_utf8(value) {
        Ok(text) => replace(text, |number| names.get(&number)).into_bytes(),
        Err(_) => value.to_vec(),
    }
}

/// Replaces whole numbers.
fn replace<T: Display>(text: &str, by: impl Fn(u32) -> Option<T>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|it: char| it.is_ascii_digit()) {
        let (before, after) = rest.split_at(start);
        let end = after
            .find(|it: char| !it.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, tail) = after.split_at(end);
        result.push_str(before);
        let inside_word = before
            .chars()
            .next_back()
            .is_some_and(|it| it.is_alphanumeric() || it == '_' || it == '.');
        let own = number.parse().ok().and_then(&by);
        match own {
            Some(own) if !inside_word => result.push_str(&own.to_string()),
            _ => result.push_str(number),
        }
        rest = tail;
    }
    result.push_str(rest);
    result
}
