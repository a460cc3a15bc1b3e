//! Messages of the client, decoded and checked.
//!
//! Invariants: no allocation is larger than the bytes received; no message makes the decoder
//! panic; texts and the order of checks are those of PostgreSQL's `pqformat.c` and `postgres.c`.

use bytes::{Buf, Bytes};

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Simple query.
    Query(String),
    /// Prepares a statement.
    Parse {
        /// Name; empty for the unnamed statement.
        name: String,
        /// SQL text.
        query: String,
        /// Types of the first parameters; 0 where the server has to find out.
        parameter_types: Vec<u32>,
    },
    /// Makes a portal.
    Bind {
        /// Name; empty for the unnamed portal.
        portal: String,
        /// Name of the statement.
        statement: String,
        /// The rest, decoded once the statement is known: [`BindValues::decode`].
        values: Bytes,
    },
    /// Asks for the columns of a statement or portal.
    Describe(Target),
    /// Forgets a statement or portal.
    Close(Target),
    /// Runs a portal.
    Execute {
        /// Name of the portal.
        portal: String,
        /// Most rows to send; zero or negative: all.
        rows_max: i32,
    },
    /// Sends what is buffered.
    Flush,
    /// Ends a series of extended-protocol messages.
    Sync,
    /// Says goodbye.
    Terminate,
    /// Calls a function by its OID.
    FunctionCall(FunctionCall),
    /// Data of COPY outside a COPY: ignored, as PostgreSQL does.
    Copy,
}

impl Message {
    /// Whether an error in this message makes the server skip to the next Sync.
    pub fn is_extended(&self) -> bool {
        matches!(
            self,
            Self::Parse { .. }
                | Self::Bind { .. }
                | Self::Describe(_)
                | Self::Close(_)
                | Self::Execute { .. }
        )
    }
}

/// A statement or a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A prepared statement by name.
    Statement(String),
    /// A portal by name.
    Portal(String),
}

/// Formats and parameter values of Bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindValues {
    /// None: all text; one: for all; else one per parameter.
    pub parameter_formats: Vec<i16>,
    /// `None` is NULL.
    pub parameters: Vec<Option<Bytes>>,
    /// None: all text; one: for all; else one per column.
    pub result_formats: Vec<i16>,
}

/// A call of a function, from before there were prepared statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionCall {
    /// `pg_proc.oid`
    pub function: u32,
    /// None: all text; one: for all; else one per argument.
    pub formats: Vec<i16>,
    /// `None` is NULL.
    pub arguments: Vec<Option<Bytes>>,
    /// Of the result.
    pub result_format: i16,
}

/// A message that does not follow the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The message is shorter than its content says.
    #[error("insufficient data left in message")]
    Insufficient,
    /// A string does not end.
    #[error("invalid string in message")]
    String,
    /// There are bytes after the end of the content.
    #[error("invalid message format")]
    Format,
    /// A string is not UTF-8.
    #[error("invalid byte sequence for encoding \"UTF8\": {0}")]
    Encoding(String),
    /// Describe or Close of neither a statement nor a portal.
    #[error("invalid {message} message subtype {subtype}")]
    Subtype {
        /// `DESCRIBE` or `CLOSE`.
        message: &'static str,
        /// The byte sent.
        subtype: u8,
    },
}

/// The first byte of a message, known to be one that clients may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u8);

impl Tag {
    /// Sync.
    pub const SYNC: Self = Self(b'S');
    /// Terminate.
    pub const TERMINATE: Self = Self(b'X');

    /// Checks the first byte of a message.
    pub fn new(byte: u8) -> Option<Self> {
        matches!(
            byte,
            b'Q' | b'P'
                | b'B'
                | b'D'
                | b'C'
                | b'E'
                | b'H'
                | b'S'
                | b'X'
                | b'F'
                | b'd'
                | b'c'
                | b'f'
        )
        .then_some(Self(byte))
    }

    /// Whether messages of this kind may be long (`SocketBackend` in `postgres.c`).
    pub fn may_be_large(self) -> bool {
        matches!(self.0, b'Q' | b'P' | b'B' | b'F' | b'd')
    }

    /// Whether an undecodable message of this kind makes the server skip to Sync.
    pub fn is_extended(self) -> bool {
        matches!(self.0, b'P' | b'B' | b'D' | b'C' | b'E' | b'H')
    }
}

/// Decodes the body of a message.
pub fn decode(tag: Tag, body: Bytes) -> Result<Message, MessageError> {
    let mut body = Body(body);
    let message = match tag.0 {
        b'Q' => Message::Query(body.string()?),
        b'P' => {
            let name = body.string()?;
            let query = body.string()?;
            let count = body.u16()?;
            let mut parameter_types = Vec::new();
            for _ in 0..count {
                parameter_types.push(body.u32()?);
            }
            Message::Parse {
                name,
                query,
                parameter_types,
            }
        }
        b'B' => {
            let portal = body.string()?;
            let statement = body.string()?;
            let values = body.0.split_off(0);
            return Ok(Message::Bind {
                portal,
                statement,
                values,
            });
        }
        b'D' => Message::Describe(body.target("DESCRIBE")?),
        b'C' => Message::Close(body.target("CLOSE")?),
        b'E' => {
            let portal = body.string()?;
            let rows_max = body.i32()?;
            Message::Execute { portal, rows_max }
        }
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'X' => return Ok(Message::Terminate),
        b'F' => Message::FunctionCall(FunctionCall {
            function: body.u32()?,
            formats: body.formats()?,
            arguments: body.values()?,
            result_format: body.i16()?,
        }),
        _ => return Ok(Message::Copy),
    };
    body.end()?;
    Ok(message)
}

impl BindValues {
    /// Decodes what follows the two names of Bind.
    pub fn decode(values: Bytes) -> Result<Self, MessageError> {
        let mut body = Body(values);
        let parameter_formats = body.formats()?;
        let parameters = body.values()?;
        let result_formats = body.formats()?;
        body.end()?;
        Ok(Self {
            parameter_formats,
            parameters,
            result_formats,
        })
    }
}

/// What is left of a message body.
struct Body(Bytes);

impl Body {
    fn bytes(&mut self, length: usize) -> Result<Bytes, MessageError> {
        if self.0.len() < length {
            return Err(MessageError::Insufficient);
        }
        Ok(self.0.split_to(length))
    }

    fn u16(&mut self) -> Result<u16, MessageError> {
        Ok(self.bytes(2)?.get_u16())
    }

    fn u32(&mut self) -> Result<u32, MessageError> {
        Ok(self.bytes(4)?.get_u32())
    }

    fn i16(&mut self) -> Result<i16, MessageError> {
        Ok(self.bytes(2)?.get_i16())
    }

    fn i32(&mut self) -> Result<i32, MessageError> {
        Ok(self.bytes(4)?.get_i32())
    }

    fn string(&mut self) -> Result<String, MessageError> {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(MessageError::String)?;
        let bytes = self.0.split_to(end);
        self.0.advance(1);
        utf8(&bytes).map(str::to_owned)
    }

    fn formats(&mut self) -> Result<Vec<i16>, MessageError> {
        let count = self.u16()?;
        let mut formats = Vec::new();
        for _ in 0..count {
            formats.push(self.bytes(2)?.get_i16());
        }
        Ok(formats)
    }

    fn values(&mut self) -> Result<Vec<Option<Bytes>>, MessageError> {
        let count = self.u16()?;
        let mut values = Vec::new();
        for _ in 0..count {
            let length = self.i32()?;
            values.push(match usize::try_from(length) {
                Ok(length) => Some(self.bytes(length)?),
                Err(_) if length == -1 => None,
                Err(_) => return Err(MessageError::Insufficient),
            });
        }
        Ok(values)
    }

    fn target(&mut self, message: &'static str) -> Result<Target, MessageError> {
        let kind = self.bytes(1)?[0];
        let name = self.string()?;
        match kind {
            b'S' => Ok(Target::Statement(name)),
            b'P' => Ok(Target::Portal(name)),
            subtype => Err(MessageError::Subtype { message, subtype }),
        }
    }

    fn end(&self) -> Result<(), MessageError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(MessageError::Format)
        }
    }
}

/// Checks that bytes are UTF-8; the error shows the first wrong sequence as PostgreSQL does.
pub fn utf8(bytes: &[u8]) -> Result<&str, MessageError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        // PostgreSQL shows as many bytes as the first one announces (`report_invalid_encoding`).
        let announced = match bytes[start] {
            byte if byte & 0xe0 == 0xc0 => 2,
            byte if byte & 0xf0 == 0xe0 => 3,
            byte if byte & 0xf8 == 0xf0 => 4,
            _ => 1,
        };
        let end = (start + announced).min(bytes.len());
        let shown: Vec<String> = bytes[start..end]
            .iter()
            .map(|byte| format!("0x{byte:02x}"))
            .collect();
        MessageError::Encoding(shown.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(byte: u8) -> Tag {
        Tag::new(byte).expect("a known tag")
    }

    #[test]
    fn decodes_a_query_and_refuses_what_is_no_string() {
        let query = decode(tag(b'Q'), Bytes::from_static(b"select 1\0"));
        assert_eq!(query, Ok(Message::Query("select 1".into())));
        for (body, error) in [
            (&b"select 1"[..], MessageError::String),
            (&b"a\0b\0"[..], MessageError::Format),
            (&b"\xff\0"[..], MessageError::Encoding("0xff".into())),
            (
                &b"\xe4\xbd\0"[..],
                MessageError::Encoding("0xe4 0xbd".into()),
            ),
        ] {
            assert_eq!(decode(tag(b'Q'), Bytes::copy_from_slice(body)), Err(error));
        }
    }

    #[test]
    fn every_truncation_of_every_message_is_an_error_and_never_a_panic() {
        let parse = b"name\0select $1\0\0\x01\0\0\0\x17";
        let bind = b"portal\0name\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\x01\0\x01";
        let execute = b"portal\0\0\0\0\x05";
        let call = b"\0\0\x06\x3e\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\x01";
        for (byte, body) in [
            (b'P', &parse[..]),
            (b'B', &bind[..]),
            (b'E', &execute[..]),
            (b'F', &call[..]),
        ] {
            for length in 0..body.len() {
                let message = decode(tag(byte), Bytes::copy_from_slice(&body[..length]));
                match message {
                    Ok(Message::Bind { values, .. }) => {
                        BindValues::decode(values).expect_err("truncated");
                    }
                    other => {
                        other.expect_err("truncated");
                    }
                }
            }
            decode(tag(byte), Bytes::copy_from_slice(body)).expect("complete");
        }
    }

    #[test]
    fn decodes_bind_values() {
        let body = b"\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\x01\0\x01";
        let values = BindValues::decode(Bytes::from_static(body)).expect("well formed");
        assert_eq!(values.parameter_formats, [1]);
        assert_eq!(values.parameters, [Some(Bytes::from_static(b"x")), None]);
        assert_eq!(values.result_formats, [1]);
        let garbage = [&body[..], b"!"].concat();
        assert_eq!(
            BindValues::decode(garbage.into()),
            Err(MessageError::Format)
        );
    }

    #[test]
    fn names_the_wrong_subtype() {
        let error = decode(tag(b'D'), Bytes::from_static(b"Xname\0")).expect_err("X is no kind");
        assert_eq!(error.to_string(), "invalid DESCRIBE message subtype 88");
    }
}
