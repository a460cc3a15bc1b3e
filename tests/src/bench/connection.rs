//! Reading results without looking at them, so that the server is what is measured.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

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

/// Connects, runs `sql` after `settings`, and drops what comes. `on_read` is called now and then.
pub fn read_all(
    address: SocketAddr,
    settings: &[&str],
    sql: &str,
    format: Format,
    mut on_read: impl FnMut(),
) -> io::Result<RowCount> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut message = BytesMut::new();
    frontend::startup_message([("user", "skein"), ("database", "skein")], &mut message)?;
    stream.write_all(&message)?;
    drain(&mut stream, &mut || {})?;
    for setting in settings {
        message.clear();
        frontend::query(&format!("SET {setting}"), &mut message)?;
        stream.write_all(&message)?;
        drain(&mut stream, &mut || {})?;
    }
    message.clear();
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
    stream.write_all(&message)?;
    drain(&mut stream, &mut on_read)
}

/// Reads until the server is ready, looking at nothing but the length of each message.
fn drain(stream: &mut TcpStream, on_read: &mut impl FnMut()) -> io::Result<RowCount> {
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
