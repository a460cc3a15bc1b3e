//! A small blocking PostgreSQL client that hides nothing.
//!
//! Tests need what drivers keep to themselves: type OIDs beside text values, every field of an
//! error, single messages. Messages are encoded and decoded by `postgres-protocol`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, ErrorFields, Message};
use postgres_protocol::message::frontend;

/// A server that says nothing for this long has failed the test.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    received: BytesMut,
    address: SocketAddr,
    process_id: i32,
    secret_key: i32,
    /// What the server reported by `ParameterStatus`, latest values.
    pub parameters: BTreeMap<String, String>,
}

/// Cancels what a connection runs.
#[derive(Clone, Copy, Debug)]
pub struct CancelKey {
    address: SocketAddr,
    process_id: i32,
    secret_key: i32,
}

impl CancelKey {
    /// Asks the server, on a connection of its own.
    pub fn cancel(self) -> io::Result<()> {
        let mut message = BytesMut::new();
        frontend::cancel_request(self.process_id, self.secret_key, &mut message);
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(&message)?;
        // The server closes the connection when it has taken note.
        stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// OID of its type.
    pub type_oid: u32,
    /// Its type modifier, -1 for none.
    pub type_modifier: i32,
}

/// A row, as text.
pub type Row = Vec<Option<String>>;

/// Reads a row.
pub fn row(body: &DataRowBody) -> io::Result<Row> {
    let buffer = body.buffer();
    let cell = |range: Option<std::ops::Range<usize>>| {
        Ok(range.map(|range| String::from_utf8_lossy(&buffer[range]).into_owned()))
    };
    body.ranges().map(cell).collect()
}

/// What one statement returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Rows in the order they came.
    pub rows: Vec<Row>,
    /// The command tag, such as `SELECT 3`.
    pub tag: String,
}

/// An `ErrorResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Fields by their letter: `C` is the SQLSTATE, `M` the message, `P` the position.
    pub fields: BTreeMap<char, String>,
}

/// Why a query did not return rows.
#[derive(Debug)]
pub enum QueryError {
    /// The server said so.
    Server(ServerError),
    /// The connection broke.
    Connection(io::Error),
}

impl Client {
    /// Connects as user and database `skein` and waits until the server is ready.
    pub fn connect(address: SocketAddr) -> Result<Self, QueryError> {
        Self::connect_with(address, &[("user", "skein"), ("database", "skein")])
    }

    /// Connects with these start-up parameters and waits until the server is ready.
    pub fn connect_with(
        address: SocketAddr,
        parameters: &[(&str, &str)],
    ) -> Result<Self, QueryError> {
        let mut client = Self::open(address)?;
        let mut message = BytesMut::new();
        frontend::startup_message(parameters.iter().copied(), &mut message)?;
        client.send(&message)?;
        loop {
            match client.receive()? {
                Message::ReadyForQuery(_) => return Ok(client),
                Message::ErrorResponse(body) => return Err(server_error(body.fields())),
                Message::AuthenticationSasl(_) => {
                    let error = io::Error::other("the server asks for a password");
                    return Err(QueryError::Connection(error));
                }
                Message::BackendKeyData(body) => {
                    client.process_id = body.process_id();
                    client.secret_key = body.secret_key();
                }
                _ => {}
            }
        }
    }

    /// Connects without sending anything.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        Ok(Self {
            stream,
            received: BytesMut::new(),
            address,
            process_id: 0,
            secret_key: 0,
            parameters: BTreeMap::new(),
        })
    }

    /// Runs statements by the simple protocol; gives the result of the last one that had any.
    pub fn query(&mut self, sql: &str) -> Result<ResultSet, QueryError> {
        Ok(self.query_all(sql)?.pop().unwrap_or_default())
    }

    /// Runs statements by the simple protocol; gives the result of each.
    pub fn query_all(&mut self, sql: &str) -> Result<Vec<ResultSet>, QueryError> {
        self.send_query(sql)?;
        self.results()
    }

    /// Sends statements by the simple protocol and does not wait.
    pub fn send_query(&mut self, sql: &str) -> io::Result<()> {
        let mut message = BytesMut::new();
        frontend::query(sql, &mut message)?;
        self.send(&message)
    }

    /// Reads results until the server is ready again.
    pub fn results(&mut self) -> Result<Vec<ResultSet>, QueryError> {
        let mut results = Vec::new();
        let mut current = ResultSet::default();
        let mut error = None;
        loop {
            match self.receive()? {
                Message::RowDescription(body) => {
                    current.columns = body
                        .fields()
                        .map(|field| {
                            Ok(Column {
                                name: field.name().to_owned(),
                                type_oid: field.type_oid(),
                                type_modifier: field.type_modifier(),
                            })
                        })
                        .collect()?;
                }
                Message::DataRow(body) => current.rows.push(row(&body)?),
                Message::CommandComplete(body) => {
                    body.tag()?.clone_into(&mut current.tag);
                    results.push(std::mem::take(&mut current));
                }
                Message::ErrorResponse(body) => error = Some(server_error(body.fields())),
                Message::ReadyForQuery(_) => return error.map_or(Ok(results), Err),
                _ => {}
            }
        }
    }

    /// Asks the server, on a connection of its own, to cancel what this one runs.
    pub fn cancel(&self) -> io::Result<()> {
        self.cancel_key().cancel()
    }

    /// What cancels a statement while somebody else reads its rows.
    pub fn cancel_key(&self) -> CancelKey {
        CancelKey {
            address: self.address,
            process_id: self.process_id,
            secret_key: self.secret_key,
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Tells the server that nothing more will be sent.
    pub fn finish_sending(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// The one byte with which a server answers a request for encryption.
    pub fn receive_byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// The next message. Parameters are noted as well as returned.
    pub fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.received)? {
                if let Message::ParameterStatus(body) = &message {
                    self.parameters
                        .insert(body.name()?.to_owned(), body.value()?.to_owned());
                }
                return Ok(message);
            }
            let mut bytes = [0; 16384];
            let count = self.stream.read(&mut bytes)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.received.extend_from_slice(&bytes[..count]);
        }
    }
}

impl ServerError {
    /// Reads the fields of an error or a notice.
    pub fn read(mut fields: ErrorFields<'_>) -> io::Result<Self> {
        let mut all = BTreeMap::new();
        while let Some(field) = fields.next()? {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            all.insert(char::from(field.type_()), value);
        }
        Ok(Self { fields: all })
    }

    /// The field of this letter, or nothing.
    pub fn field(&self, letter: char) -> &str {
        self.fields.get(&letter).map_or("", String::as_str)
    }

    /// The SQLSTATE.
    pub fn sqlstate(&self) -> &str {
        self.field('C')
    }
}

fn server_error(fields: ErrorFields<'_>) -> QueryError {
    match ServerError::read(fields) {
        Ok(error) => QueryError::Server(error),
        Err(error) => QueryError::Connection(error),
    }
}

impl QueryError {
    /// The SQLSTATE, or `connection` when there is none because the connection broke.
    pub fn sqlstate(&self) -> &str {
        match self {
            Self::Server(error) => error.sqlstate(),
            Self::Connection(_) => "connection",
        }
    }
}

impl From<io::Error> for QueryError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "connection: {error}"),
            Self::Server(error) => {
                write!(f, "{}: {}", error.sqlstate(), error.field('M'))?;
                for (letter, label) in [('D', "detail"), ('H', "hint"), ('P', "position")] {
                    if !error.field(letter).is_empty() {
                        write!(f, "; {label}: {}", error.field(letter))?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for QueryError {}
