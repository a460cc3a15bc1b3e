//! Buffered reading and writing of one connection.
//!
//! Invariants: reading ahead is bounded by [`READ_AHEAD_BYTES_MAX`] beyond the message that is
//! being received; writing keeps at most [`WRITE_BYTES_SOFT`] plus one batch of rows. Both sides
//! may be interrupted at any await without losing or doubling a byte.

use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::backend::Outgoing;
use super::frontend::Tag;

/// How much of a client's next messages is taken in while a statement runs.
pub const READ_AHEAD_BYTES_MAX: usize = 256 * 1024;
/// Beyond this the writer sends before it takes more rows. Smaller than what is encoded at once, so
/// that rows usually find the buffer empty and need not be copied into it.
pub const WRITE_BYTES_SOFT: usize = 64 * 1024;
/// A write buffer that grew beyond this is given back once it is empty.
const WRITE_BYTES_KEPT: usize = 1024 * 1024;
/// Longest message of the kinds that are short by nature, as in PostgreSQL.
const SMALL_MESSAGE_BYTES_MAX: usize = 10_000;
/// The first byte of `PasswordMessage`, `SASLInitialResponse` and `SASLResponse`.
const SASL_TAG: u8 = b'p';
/// How much is asked of the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// The sending half.
pub type BoxedWrite = Box<dyn AsyncWrite + Send + Unpin>;
/// The receiving half.
pub type BoxedRead = Box<dyn AsyncRead + Send + Unpin>;

/// Why no further message comes.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The client has gone, or sent what can only be answered by closing.
    #[error("connection closed")]
    Closed,
    /// The first byte of a message is none that a client may send.
    #[error("invalid frontend message type {0}")]
    UnknownType(u8),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// Takes messages from the socket.
pub struct Reader {
    io: BoxedRead,
    buffer: BytesMut,
    ended: bool,
}

impl Reader {
    /// Wraps the receiving half of a connection.
    pub fn new(io: BoxedRead) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
            ended: false,
        }
    }

    /// Receives at least `length` bytes, which stay in the buffer.
    async fn fill(&mut self, length: usize) -> Result<(), ReadError> {
        while self.buffer.len() < length {
            self.receive().await?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), ReadError> {
        if self.ended {
            return Err(ReadError::Closed);
        }
        // The buffer grows with what was received, never with what a client announces.
        self.buffer.reserve(READ_BYTES);
        if self.io.read_buf(&mut self.buffer).await? == 0 {
            self.ended = true;
            return Err(ReadError::Closed);
        }
        Ok(())
    }

    /// Whether nothing has been received that was not taken.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The receiving half, and what was received and not taken.
    pub fn into_parts(self) -> (BoxedRead, BytesMut) {
        (self.io, self.buffer)
    }

    /// The first byte of what comes next, which stays in the buffer.
    pub async fn first_byte(&mut self) -> Result<u8, ReadError> {
        self.fill(1).await?;
        Ok(self.buffer[0])
    }

    /// Receives a message of SASL. Others are refused by their first byte; `None`: it has a length
    /// that none has.
    pub async fn sasl_message(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        let tag = self.first_byte().await?;
        if tag != SASL_TAG {
            return Err(ReadError::UnknownType(tag));
        }
        self.fill(5).await?;
        let length = (&self.buffer[1..5]).get_i32();
        let length = usize::try_from(length).unwrap_or_default();
        if length < 4 || length - 4 > bytes_max {
            return Ok(None);
        }
        self.fill(length + 1).await?;
        self.buffer.advance(5);
        Ok(Some(self.buffer.split_to(length - 4).freeze()))
    }

    /// Receives a startup packet: four bytes of length, then the rest.
    pub async fn startup_packet(&mut self, bytes_max: usize) -> Result<Bytes, ReadError> {
        self.fill(4).await?;
        let length = (&self.buffer[..4]).get_i32();
        let length = usize::try_from(length).map_err(|_| ReadError::Closed)?;
        if !(8..=bytes_max + 4).contains(&length) {
            return Err(ReadError::Closed);
        }
        self.fill(length).await?;
        self.buffer.advance(4);
        Ok(self.buffer.split_to(length - 4).freeze())
    }

    /// Receives a message.
    pub async fn message(&mut self, bytes_max: usize) -> Result<(Tag, Bytes), ReadError> {
        self.fill(1).await?;
        let byte = self.buffer[0];
        let tag = Tag::new(byte).ok_or(ReadError::UnknownType(byte))?;
        self.fill(5).await?;
        let length = (&self.buffer[1..5]).get_i32();
        let length = usize::try_from(length).map_err(|_| ReadError::Closed)?;
        let longest = if tag.may_be_large() {
            bytes_max
        } else {
            SMALL_MESSAGE_BYTES_MAX
        };
        if length < 4 || length - 4 > longest {
            return Err(ReadError::Closed);
        }
        self.fill(length + 1).await?;
        self.buffer.advance(5);
        let body = self.buffer.split_to(length - 4).freeze();
        Ok((tag, body))
    }

    /// Whether the next message has already been received in whole.
    pub fn has_message(&self) -> bool {
        let Some(length) = self.buffer.get(1..5) else {
            return false;
        };
        let length = { length }.get_i32();
        usize::try_from(length).is_ok_and(|length| self.buffer.len() > length)
    }

    /// Returns when the client has gone; meanwhile takes in what it sends, up to
    /// [`READ_AHEAD_BYTES_MAX`].
    pub async fn closed(&mut self) {
        loop {
            if self.buffer.len() >= READ_AHEAD_BYTES_MAX {
                return pending().await;
            }
            if self.receive().await.is_err() {
                return;
            }
        }
    }
}

/// Gives messages to the socket.
pub struct Writer {
    io: BoxedWrite,
    out: Outgoing,
    /// How many bytes of `out` have been sent.
    sent: usize,
    /// How long the client may take nothing at all.
    stalled_max: Option<Duration>,
}

impl Writer {
    /// Wraps the sending half of a connection.
    /// A client that takes nothing for `stalled_max` is given up.
    pub fn new(io: BoxedWrite, stalled_max: Option<Duration>) -> Self {
        Self {
            io,
            out: Outgoing::default(),
            sent: 0,
            stalled_max,
        }
    }

    /// The sending half and its limit. Nothing may wait to be sent.
    pub fn into_parts(self) -> (BoxedWrite, Option<Duration>) {
        debug_assert!(self.out.is_empty(), "everything was sent");
        (self.io, self.stalled_max)
    }

    /// Where messages are appended.
    pub fn out(&mut self) -> &mut Outgoing {
        &mut self.out
    }

    /// Sends everything.
    pub async fn flush(&mut self) -> io::Result<()> {
        while self.sent < self.out.len() {
            let write = self.io.write(&self.out.buffer()[self.sent..]);
            let count = match self.stalled_max {
                None => write.await?,
                Some(limit) => timeout(limit, write).await??,
            };
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.sent += count;
        }
        self.sent = 0;
        let buffer = self.out.buffer();
        if buffer.capacity() > WRITE_BYTES_KEPT {
            *buffer = Vec::new();
        } else {
            buffer.clear();
        }
        // Encryption keeps what it could not send at once.
        let flush = self.io.flush();
        match self.stalled_max {
            None => flush.await,
            Some(limit) => timeout(limit, flush).await?,
        }
    }

    /// Sends everything if much is waiting: the client's pace holds the statement back.
    pub async fn flush_if_large(&mut self) -> io::Result<()> {
        if self.out.len() >= WRITE_BYTES_SOFT {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// Ends the connection after everything has been sent.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.io.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader {
        Reader::new(Box::new(io::Cursor::new(bytes.to_vec())))
    }

    #[tokio::test]
    async fn refuses_lengths_that_no_startup_packet_has() {
        for length in [0_i32, 7, 10_005, i32::MAX, -1, i32::MIN] {
            let mut bytes = length.to_be_bytes().to_vec();
            bytes.extend([0; 32]);
            let result = reader(&bytes).startup_packet(10_000).await;
            assert!(matches!(result, Err(ReadError::Closed)), "{length}");
        }
        let packet = reader(b"\0\0\0\x08\x04\xd2\x16\x2f")
            .startup_packet(10_000)
            .await;
        assert_eq!(packet.expect("an SSL request"), &b"\x04\xd2\x16\x2f"[..]);
    }

    #[tokio::test]
    async fn refuses_unknown_types_and_wrong_lengths() {
        let result = reader(b"y\0\0\0\x04").message(1000).await;
        assert!(matches!(result, Err(ReadError::UnknownType(b'y'))));
        for length in [3_i32, -1, i32::MAX, 2000] {
            let mut bytes = b"Q".to_vec();
            bytes.extend(length.to_be_bytes());
            bytes.extend([0; 3000]);
            assert!(matches!(
                reader(&bytes).message(1000).await,
                Err(ReadError::Closed)
            ));
        }
        let (tag, body) = reader(b"S\0\0\0\x04").message(1000).await.expect("Sync");
        assert_eq!((tag, body.len()), (Tag::new(b'S').expect("known"), 0));
    }

    #[tokio::test]
    async fn notices_a_client_that_leaves_and_keeps_what_it_sent() {
        let (client, server) = tokio::io::duplex(64);
        let (read, _write) = tokio::io::split(server);
        let mut reader = Reader::new(Box::new(read));
        let (_, mut client) = tokio::io::split(client);
        client.write_all(b"S\0\0\0\x04").await.expect("room for it");
        client.shutdown().await.expect("open");
        reader.closed().await;
        assert!(reader.has_message());
        reader
            .message(100)
            .await
            .expect("the message sent before leaving");
        assert!(matches!(reader.message(100).await, Err(ReadError::Closed)));
    }
}
