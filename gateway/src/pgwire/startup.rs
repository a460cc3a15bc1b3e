//! The first packets of a connection, up to the point where a session is made.
//!
//! Mirrors PostgreSQL's `ProcessStartupPacket`: encryption begins or is declined, cancel requests are
//! told apart, the protocol version is negotiated down to 3.0, and the settings a client names in
//! its packet or in `options` are collected. Who may enter is decided by [`crate::login`].
//!
//! ```text
//! first byte of TLS ──────────────► handshake ─┐
//! SSLRequest ─► S, nothing may be waiting ─► handshake ─► startup packet or cancel request
//!            └► N ─────────────────────────────────────┘
//! ```
//!
//! Invariants: nothing that was received in clear is ever taken for a message once encryption was
//! asked for. Encryption begins at most once.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::{Buf, Bytes};

use super::frontend::{MessageError, utf8};
use super::stream::{ReadError, Reader, Writer};
use super::tls::{Cipher, Encryption, Tls};
use crate::error::GatewayError;
use crate::login::LoginError;

/// Longest startup packet, as in PostgreSQL (`MAX_STARTUP_PACKET_LENGTH`).
pub const STARTUP_BYTES_MAX: usize = 10_000;

/// Longest key of a cancel request, as the protocol has it since version 3.2.
const CANCEL_KEY_BYTES_MAX: usize = 256;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
/// The first byte of TLS. A startup packet that begins with it would be too long to be one.
const TLS_HANDSHAKE: u8 = 0x16;

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Startup {
    /// A session.
    Session(StartupPacket),
    /// To stop the statement of another session.
    Cancel {
        /// The id that session was given.
        process_id: i32,
        /// The key that session was given.
        key: Bytes,
    },
}

/// What a client says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartupPacket {
    /// `user`
    pub user: String,
    /// `database`; the user's name if absent.
    pub database: String,
    /// Settings by name as written, those in `options` first.
    pub settings: Vec<(String, String)>,
    /// Protocol options that are not known.
    pub unknown_options: Vec<String>,
    /// The minor version of protocol 3 that the client asks for.
    pub minor: u16,
    /// Where it is.
    pub client: Option<SocketAddr>,
    /// Where it has reached the server.
    pub server: Option<SocketAddr>,
    /// How the connection is encrypted.
    pub cipher: Option<Cipher>,
}

impl StartupPacket {
    /// The minor version that is spoken with a client where this is the newest allowed.
    pub fn minor_spoken(&self, minor_max: u16) -> u16 {
        self.minor.min(minor_max)
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The client has gone or is beyond an answer.
    #[error("connection closed")]
    Closed,
    /// The client is told why.
    #[error(transparent)]
    Refused(#[from] GatewayError),
}

impl From<ReadError> for StartupError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            // The only other messages that are awaited before there is a session.
            ReadError::UnknownType(tag) => Self::Refused(LoginError::NotSasl(tag).into()),
        }
    }
}

impl From<MessageError> for StartupError {
    fn from(error: MessageError) -> Self {
        Self::Refused(GatewayError::Startup(StartupRefusal::Layout(error)))
    }
}

/// A startup packet that is answered with an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartupRefusal {
    /// Another protocol.
    #[error("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0")]
    Protocol {
        /// Major version asked for.
        major: u32,
        /// Minor version asked for.
        minor: u32,
    },
    /// A string in the packet is wrong.
    #[error("{0}")]
    Layout(MessageError),
    /// The packet does not end with a zero byte.
    #[error("invalid startup packet layout: expected terminator as last byte")]
    Terminator,
    /// No `user`.
    #[error("no PostgreSQL user name specified in startup packet")]
    NoUser,
    /// The client asks for replication.
    #[error("replication connections are not supported")]
    Replication,
    /// Bytes came in clear behind a request for encryption: a mistake, or somebody in between.
    #[error("received unencrypted data after {0} request")]
    Unencrypted(&'static str),
    /// `options` holds something else than settings.
    #[error("invalid command-line argument for server process: {0}")]
    Argument(String),
}

/// A connection that has no session yet.
pub struct Connection {
    /// What the client sends.
    pub reader: Reader,
    /// What it is sent.
    pub writer: Writer,
    /// Whether and how it is encrypted.
    pub encryption: Option<Encryption>,
}

impl Connection {
    /// A connection in clear.
    pub fn new(reader: Reader, writer: Writer) -> Self {
        Self {
            reader,
            writer,
            encryption: None,
        }
    }

    /// Does the handshake. `received`: whether what is in the reader belongs to it. If not, and
    /// there is something, it is thrown away; the second value says so.
    async fn encrypt(self, tls: &Tls, received: bool) -> Result<(Self, bool), StartupError> {
        let (read, buffer) = self.reader.into_parts();
        let (write, stalled_max) = self.writer.into_parts();
        let thrown_away = !received && !buffer.is_empty();
        let first = if received {
            buffer.freeze()
        } else {
            Bytes::new()
        };
        let read = tokio::io::AsyncReadExt::chain(std::io::Cursor::new(first), read);
        let stream = tokio::io::join(read, write);
        let (stream, encryption) = tls.accept(stream).await.map_err(|error| {
            tracing::debug!(%error, "no TLS");
            StartupError::Closed
        })?;
        let (read, write) = tokio::io::split(stream);
        let connection = Self {
            reader: Reader::new(Box::new(read)),
            writer: Writer::new(Box::new(write), stalled_max),
            encryption: Some(encryption),
        };
        Ok((connection, thrown_away))
    }
}

/// Reads the packets of a new connection until it is known what the client wants. `None`: it has
/// gone, or is beyond an answer.
pub async fn negotiate(
    mut connection: Connection,
    tls: Option<&Tls>,
) -> Option<(Connection, Result<Startup, GatewayError>)> {
    let mut ssl_asked = false;
    if connection.reader.first_byte().await.ok()? == TLS_HANDSHAKE {
        (connection, _) = connection.encrypt(tls?, true).await.ok()?;
        // As in PostgreSQL 17: else another protocol's client could be led here.
        let named = |encryption: &Encryption| encryption.named_protocol;
        if !connection.encryption.as_ref().is_some_and(named) {
            tracing::debug!("direct TLS without ALPN");
            return None;
        }
        ssl_asked = true;
    }
    let mut gss_asked = ssl_asked;
    let wanted = loop {
        let packet = connection.reader.startup_packet(STARTUP_BYTES_MAX).await;
        let mut packet = packet.ok()?;
        let code = packet.get_u32();
        let unencrypted = match code {
            CANCEL_REQUEST if (8..=4 + CANCEL_KEY_BYTES_MAX).contains(&packet.len()) => {
                let process_id = packet.get_i32();
                break Ok(Startup::Cancel {
                    process_id,
                    key: packet,
                });
            }
            CANCEL_REQUEST => return None,
            SSL_REQUEST if !ssl_asked => {
                ssl_asked = true;
                connection
                    .writer
                    .out()
                    .encoded(if tls.is_some() { b"S" } else { b"N" });
                connection.writer.flush().await.ok()?;
                if let Some(tls) = tls {
                    // No second encryption within this one.
                    gss_asked = true;
                    let thrown_away;
                    (connection, thrown_away) = connection.encrypt(tls, false).await.ok()?;
                    thrown_away.then_some("SSL")
                } else {
                    (!connection.reader.is_empty()).then_some("SSL")
                }
            }
            GSS_REQUEST if !gss_asked => {
                gss_asked = true;
                connection.writer.out().encoded(b"N");
                connection.writer.flush().await.ok()?;
                (!connection.reader.is_empty()).then_some("GSSAPI encryption")
            }
            _ => match session(code, packet) {
                Ok(packet) => break Ok(Startup::Session(packet)),
                Err(StartupError::Closed) => return None,
                Err(StartupError::Refused(error)) => break Err(error),
            },
        };
        if let Some(what) = unencrypted {
            break Err(StartupRefusal::Unencrypted(what).into());
        }
    };
    Some((connection, wanted))
}

fn session(code: u32, packet: Bytes) -> Result<StartupPacket, StartupError> {
    let (major, minor) = (code >> 16, code & 0xffff);
    match major {
        3 => {}
        // Clients that speak version 1 or 2, or HTTP, do not understand an answer.
        _ if major < 3 || code.to_be_bytes().iter().all(u8::is_ascii_graphic) => {
            return Err(StartupError::Closed);
        }
        _ => return refuse(StartupRefusal::Protocol { major, minor }),
    }
    let mut parsed = StartupPacket {
        minor: u16::try_from(minor).unwrap_or(u16::MAX),
        ..StartupPacket::default()
    };
    let mut options = String::new();
    let mut rest = packet;
    loop {
        let Some(name) = take_string(&mut rest)? else {
            return refuse(StartupRefusal::Terminator);
        };
        if name.is_empty() {
            break;
        }
        let Some(value) = take_string(&mut rest)? else {
            return refuse(StartupRefusal::Terminator);
        };
        match name.as_str() {
            "user" => parsed.user = value,
            "database" => parsed.database = value,
            "options" => options = value,
            "replication" => {
                if !matches!(value.as_str(), "false" | "off" | "no" | "0") {
                    return refuse(StartupRefusal::Replication);
                }
            }
            _ if name.starts_with("_pq_.") => parsed.unknown_options.push(name),
            _ => parsed.settings.push((name, value)),
        }
    }
    if !rest.is_empty() {
        return refuse(StartupRefusal::Terminator);
    }
    if parsed.user.is_empty() {
        return refuse(StartupRefusal::NoUser);
    }
    if parsed.database.is_empty() {
        parsed.database.clone_from(&parsed.user);
    }
    let mut settings = settings_in_options(&options).map_err(GatewayError::Startup)?;
    settings.append(&mut parsed.settings);
    parsed.settings = settings;
    Ok(parsed)
}

fn refuse<T>(refusal: StartupRefusal) -> Result<T, StartupError> {
    Err(GatewayError::Startup(refusal).into())
}

fn take_string(rest: &mut Bytes) -> Result<Option<String>, StartupError> {
    let Some(end) = rest.iter().position(|byte| *byte == 0) else {
        return Ok(None);
    };
    let bytes = rest.split_to(end);
    rest.advance(1);
    Ok(Some(utf8(&bytes)?.to_owned()))
}

/// Reads `-c name=value`, `-cname=value` and `--name=value` (`pg_split_opts`,
/// `process_postgres_switches`).
fn settings_in_options(options: &str) -> Result<Vec<(String, String)>, StartupRefusal> {
    let mut settings = BTreeMap::new();
    let mut order = Vec::new();
    let words = split_options(options);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let refusal = || StartupRefusal::Argument(word.clone());
        let setting = if word == "-c" {
            words.next().ok_or_else(refusal)?.as_str()
        } else {
            word.strip_prefix("--")
                .or_else(|| word.strip_prefix("-c"))
                .ok_or_else(refusal)?
        };
        let (name, value) = setting.split_once('=').ok_or_else(refusal)?;
        let name = name.replace('-', "_");
        if settings.insert(name.clone(), value.to_owned()).is_none() {
            order.push(name);
        }
    }
    Ok(order
        .into_iter()
        .map(|name| {
            let value = settings
                .remove(&name)
                .expect("each name in the order was inserted");
            (name, value)
        })
        .collect())
}

/// Splits at white space; a backslash keeps the next character.
fn split_options(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        if character.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let kept = if character == '\\' {
            characters.next()
        } else {
            Some(character)
        };
        word.get_or_insert_default().extend(kept);
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn run(bytes: Vec<u8>) -> Result<Startup, StartupError> {
        let reader = Reader::new(Box::new(Cursor::new(bytes)));
        let writer = Writer::new(Box::new(tokio::io::sink()), None);
        match negotiate(Connection::new(reader, writer), None).await {
            None => Err(StartupError::Closed),
            Some((_, wanted)) => Ok(wanted?),
        }
    }

    fn packet(code: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 8).expect("short");
        [&length.to_be_bytes()[..], &code.to_be_bytes(), body].concat()
    }

    #[tokio::test]
    async fn takes_settings_from_options_and_packet() {
        let body = b"user\0ann\0options\0-c statement_timeout=5s --search-path=a\\ b\0TimeZone\0UTC\0_pq_.x\x001\0\0";
        let Ok(Startup::Session(session)) = run(packet(0x30002, body)).await else {
            panic!("a session")
        };
        assert_eq!(
            (session.user.as_str(), session.database.as_str()),
            ("ann", "ann")
        );
        let expected = [
            ("statement_timeout", "5s"),
            ("search_path", "a b"),
            ("TimeZone", "UTC"),
        ];
        assert_eq!(
            session.settings,
            expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
        assert_eq!(session.unknown_options, ["_pq_.x"]);
        assert_eq!(session.minor, 2);
    }

    /// Sends packets one by one, each after the answer to the one before.
    async fn converse(packets: &[Vec<u8>]) -> Result<Startup, StartupError> {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (read, write) = tokio::io::split(server);
        let connection = Connection::new(
            Reader::new(Box::new(read)),
            Writer::new(Box::new(write), None),
        );
        let (mut answers, mut requests) = tokio::io::split(client);
        let client = async {
            for (index, packet) in packets.iter().enumerate() {
                requests.write_all(packet).await.expect("the server reads");
                if index + 1 < packets.len() {
                    assert_eq!(answers.read_u8().await.expect("an answer"), b'N');
                }
            }
        };
        let (negotiated, ()) = tokio::join!(negotiate(connection, None), client);
        Ok(negotiated.ok_or(StartupError::Closed)?.1?)
    }

    #[tokio::test]
    async fn declines_encryption_once_each_then_expects_a_session() {
        let ssl = packet(SSL_REQUEST, b"");
        let gss = packet(GSS_REQUEST, b"");
        let start = packet(0x30000, b"user\0ann\0\0");
        for order in [[&gss, &ssl], [&ssl, &gss]] {
            let session = converse(&[order[0].clone(), order[1].clone(), start.clone()]).await;
            assert!(matches!(session, Ok(Startup::Session(_))));
        }
        let twice = converse(&[ssl.clone(), ssl]).await.expect_err("refused");
        let text = "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0";
        assert_eq!(twice.to_string(), text);
    }

    #[tokio::test]
    async fn refuses_what_was_sent_in_clear_behind_a_request_for_encryption() {
        let start = packet(0x30000, b"user\0ann\0\0");
        for (code, name) in [(SSL_REQUEST, "SSL"), (GSS_REQUEST, "GSSAPI encryption")] {
            for behind in [&start[..], b"x"] {
                let sent = [&packet(code, b"")[..], behind].concat();
                let refused = run(sent).await.expect_err("refused");
                let text = format!("received unencrypted data after {name} request");
                assert_eq!(refused.to_string(), text);
            }
        }
    }

    #[tokio::test]
    async fn closes_on_tls_where_there_is_none() {
        let hello = b"\x16\x03\x01\0\x05hello".to_vec();
        let refused = run(hello).await.expect_err("closed");
        assert_eq!(refused.to_string(), "connection closed");
    }

    #[tokio::test]
    async fn refuses_with_postgresqls_words() {
        for (code, body, text) in [
            (
                0x40000,
                &b"user\0a\0\0"[..],
                "unsupported frontend protocol 4.0: server supports 3.0 to 3.0",
            ),
            (
                0x30000,
                b"user\0a\0",
                "invalid startup packet layout: expected terminator as last byte",
            ),
            (
                0x30000,
                b"user\0a\0\0x",
                "invalid startup packet layout: expected terminator as last byte",
            ),
            (
                0x30000,
                b"\0",
                "no PostgreSQL user name specified in startup packet",
            ),
            (
                0x30000,
                b"user\0a\0options\0-x\0\0",
                "invalid command-line argument for server process: -x",
            ),
            (0x20000, b"user\0a\0\0", "connection closed"),
        ] {
            let error = run(packet(code, body)).await.expect_err("refused");
            assert_eq!(error.to_string(), text);
        }
        let error = run(b"GET / HTTP/1.1\r\n\r\n".to_vec())
            .await
            .expect_err("no protocol");
        assert_eq!(error.to_string(), "connection closed");
    }

    #[tokio::test]
    async fn reads_cancel_requests() {
        let body = [7_i32.to_be_bytes(), (-9_i32).to_be_bytes()].concat();
        let startup = run(packet(CANCEL_REQUEST, &body))
            .await
            .expect("well formed");
        assert_eq!(
            startup,
            Startup::Cancel {
                process_id: 7,
                key: Bytes::copy_from_slice(&body[4..])
            }
        );
        let long = [&7_i32.to_be_bytes()[..], &[1; 256]].concat();
        run(packet(CANCEL_REQUEST, &long)).await.expect("allowed");
        let longer = [&long[..], &[1]].concat();
        run(packet(CANCEL_REQUEST, &longer))
            .await
            .expect_err("too long");
        run(packet(CANCEL_REQUEST, &body[..4]))
            .await
            .expect_err("too short");
    }
}
