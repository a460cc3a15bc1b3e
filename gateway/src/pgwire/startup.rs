//! The first packets of a connection, up to the point where a session is made.
//!
//! Mirrors PostgreSQL's `ProcessStartupPacket`: encryption is declined, cancel requests are told
//! apart, the protocol version is negotiated down to 3.0, and the settings a client names in its
//! packet or in `options` are collected. Who may enter is decided by the caller.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::{Buf, Bytes};

use super::frontend::{MessageError, utf8};
use super::stream::{ReadError, Reader, Writer};
use crate::error::GatewayError;

/// Longest startup packet, as in PostgreSQL (`MAX_STARTUP_PACKET_LENGTH`).
pub const STARTUP_BYTES_MAX: usize = 10_000;

/// Longest key of a cancel request, as the protocol has it since version 3.2.
const CANCEL_KEY_BYTES_MAX: usize = 256;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

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
    fn from(_: ReadError) -> Self {
        Self::Closed
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
    /// `options` holds something else than settings.
    #[error("invalid command-line argument for server process: {0}")]
    Argument(String),
}

/// Reads the packets of a new connection until it is known what the client wants.
pub async fn negotiate(reader: &mut Reader, writer: &mut Writer) -> Result<Startup, StartupError> {
    let mut ssl_answered = false;
    let mut gss_answered = false;
    loop {
        let mut packet = reader.startup_packet(STARTUP_BYTES_MAX).await?;
        let code = packet.get_u32();
        match code {
            CANCEL_REQUEST if (8..=4 + CANCEL_KEY_BYTES_MAX).contains(&packet.len()) => {
                let process_id = packet.get_i32();
                return Ok(Startup::Cancel {
                    process_id,
                    key: packet,
                });
            }
            CANCEL_REQUEST => return Err(StartupError::Closed),
            SSL_REQUEST if !ssl_answered => ssl_answered = true,
            GSS_REQUEST if !gss_answered => gss_answered = true,
            _ => return session(code, packet).map(Startup::Session),
        }
        writer.out().encoded(b"N");
        writer.flush().await.map_err(|_| StartupError::Closed)?;
    }
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

    use super::*;

    async fn run(bytes: Vec<u8>) -> Result<Startup, StartupError> {
        let mut reader = Reader::new(Box::new(Cursor::new(bytes)));
        let mut writer = Writer::new(Box::new(tokio::io::sink()), None);
        negotiate(&mut reader, &mut writer).await
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

    #[tokio::test]
    async fn declines_encryption_once_each_then_expects_a_session() {
        let ssl = packet(SSL_REQUEST, b"");
        let gss = packet(GSS_REQUEST, b"");
        let start = packet(0x30000, b"user\0ann\0\0");
        let session = run([gss, ssl.clone(), start].concat()).await;
        assert!(matches!(session, Ok(Startup::Session(_))));
        let twice = run([ssl.clone(), ssl].concat()).await.expect_err("refused");
        let text = "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0";
        assert_eq!(twice.to_string(), text);
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
