//! Reading results without looking at them, so that the server is what is measured.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How values are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As text, by the simple protocol.
    Text,
    /// In binary, by the extended protocol.
    Binary,
}

/// What came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCount {
    /// `DataRow` messages.
    pub rows: u64,
    /// Bytes of all messages.
    pub bytes: u64,
}

/// How to enter.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The password; a server that trusts everybody does not ask.
    pub password: Option<&'static str>,
    /// Encryption, if it is wanted.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Bytes in both directions, encrypted or not.
trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A connection that has been let in.
pub struct Session {
    stream: Box<dyn Stream>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Connects as user and database `skein`, and waits until the server is ready.
    pub fn open(address: SocketAddr, login: &Login) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut message = BytesMut::new();
        let stream: Box<dyn Stream> = match &login.tls {
            None => Box::new(stream),
            Some(config) => {
                frontend::ssl_request(&mut message);
                stream.write_all(&message)?;
                message.clear();
                let mut answer = [0];
                stream.read_exact(&mut answer)?;
                if answer != *b"S" {
                    return Err(io::Error::other("the server does not encrypt"));
                }
                let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
                let connection = ClientConnection::new(Arc::clone(config), name);
                Box::new(StreamOwned::new(
                    connection.map_err(io::Error::other)?,
                    stream,
                ))
            }
        };
        let mut session = Self { stream };
        frontend::startup_message([("user", "skein"), ("database", "skein")], &mut message)?;
        session.stream.write_all(&message)?;
        session.log_in(login)?;
        Ok(session)
    }

    fn log_in(&mut self, login: &Login) -> io::Result<()> {
        let mut received = BytesMut::new();
        let mut scram = None;
        loop {
            let mut answer = BytesMut::new();
            match receive(&mut self.stream, &mut received)? {
                Message::AuthenticationSasl(_) => {
                    let password = login.password.unwrap_or_default().as_bytes();
                    let begun = ScramSha256::new(password, ChannelBinding::unsupported());
                    frontend::sasl_initial_response("SCRAM-SHA-256", begun.message(), &mut answer)?;
                    scram = Some(begun);
                }
                Message::AuthenticationSaslContinue(body) => {
                    let scram = scram.as_mut().ok_or(io::ErrorKind::InvalidData)?;
                    scram.update(body.data())?;
                    frontend::sasl_response(scram.message(), &mut answer)?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    let scram = scram.as_mut().ok_or(io::ErrorKind::InvalidData)?;
                    scram.finish(body.data())?;
                }
                Message::ErrorResponse(body) => return Err(refusal(&body)),
                Message::ReadyForQuery(_) => return Ok(()),
                _ => {}
            }
            self.stream.write_all(&answer)?;
            self.stream.flush()?;
        }
    }

    /// Runs `sql` and drops what comes. `on_read` is called now and then.
    pub fn run(
        &mut self,
        sql: &str,
        format: Format,
        mut on_read: impl FnMut(),
    ) -> io::Result<RowCount> {
        let mut message = BytesMut::new();
        match format {
            Format::Text => frontend::query(sql, &mut message)?,
            Format::Binary => {
                frontend::parse("", sql, [], &mut message)?;
                let bound = frontend::bind(
                    "",
                    "",
                    [],
                    std::iter::empty::<()>(),
                    |(), _| Ok(IsNull::Yes),
                    [1],
                    &mut message,
                );
                bound.map_err(|_| io::Error::other("a Bind without parameters is always valid"))?;
                frontend::execute("", 0, &mut message)?;
                frontend::sync(&mut message);
            }
        }
        self.stream.write_all(&message)?;
        self.stream.flush()?;
        drain(&mut self.stream, &mut on_read)
    }
}

/// The next message.
fn receive(stream: &mut dyn Read, received: &mut BytesMut) -> io::Result<Message> {
    loop {
        if let Some(message) = Message::parse(received)? {
            return Ok(message);
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&chunk[..read]);
    }
}

/// An error of the server, as one of ours.
fn refusal(body: &postgres_protocol::message::backend::ErrorResponseBody) -> io::Error {
    let text = body
        .fields()
        .map(|field| Ok(String::from_utf8_lossy(field.value_bytes()).into_owned()))
        .collect::<Vec<_>>();
    io::Error::other(text.map_or_else(|error| error.to_string(), |fields| fields.join(" ")))
}

/// Connects, runs `sql` after `settings`, and drops what comes. `on_read` is called now and then.
pub fn read_all(
    address: SocketAddr,
    settings: &[&str],
    sql: &str,
    format: Format,
    on_read: impl FnMut(),
) -> io::Result<RowCount> {
    let mut session = Session::open(address, &Login::default())?;
    for setting in settings {
        session.run(&format!("SET {setting}"), Format::Text, || {})?;
    }
    session.run(sql, format, on_read)
}

/// Reads until the server is ready, looking at nothing but the length of each message.
fn drain(stream: &mut dyn Read, on_read: &mut impl FnMut()) -> io::Result<RowCount> {
    let mut buffer = vec![0_u8; 1 << 20];
    let mut filled = 0;
    let mut count = RowCount::default();
    // Bytes of the current message that have not come yet.
    let mut missing = 0_usize;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        count.bytes += read as u64;
        filled += read;
        on_read();
        let mut position = 0;
        loop {
            let skipped = missing.min(filled - position);
            position += skipped;
            missing -= skipped;
            if missing > 0 || filled - position < 5 {
                break;
            }
            let header = &buffer[position..position + 5];
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            match header[0] {
                b'D' => count.rows += 1,
                b'E' => {
                    let text = String::from_utf8_lossy(&buffer[position + 5..filled]);
                    return Err(io::Error::other(text.replace('\0', " ")));
                }
                b'Z' if filled - position > length => return Ok(count),
                _ => {}
            }
            position += 1;
            missing = length;
        }
        buffer.copy_within(position..filled, 0);
        filled -= position;
    }
}
