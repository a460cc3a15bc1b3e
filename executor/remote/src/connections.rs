//! TCP connections between processes: how they are opened and taken, encrypted or not.
//!
//! ```text
//! Connector ──► TcpStream ──► TLS if there is an identity ──► HTTP/2 (tonic)
//! incoming  ◄── TcpListener ◄── TLS in tasks of their own, limited in time and number
//! ```
//!
//! Invariants: without an [`Identity`] nothing leaves this machine, and nothing from another machine
//! is answered. A peer that is slow to shake hands holds up nobody else.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsStream;
use tonic::transport::Uri;
use tonic::transport::server::Connected;
use tower::Service;

use crate::tls::Identity;

/// How long a peer may take to prove who it is.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many peers may be about it at once. When there are more, the one that has taken longest gives way: those that say
/// nothing must not keep others out.
const HANDSHAKES_MAX: usize = 256;
/// Silence after which the system asks whether the peer is still there, and how often. HTTP/2 asks
/// sooner; this is for connections that have not come so far.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);

/// A connection between two processes.
#[derive(Debug)]
pub(crate) enum Connection {
    /// On loopback, where there are no certificates.
    Plain(TcpStream),
    /// Both sides have proved who they are.
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Connection {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Encrypted(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Encrypted(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Option<SocketAddr>;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.tcp().peer_addr().ok()
    }
}

fn tune(stream: &TcpStream) {
    // Messages are written whole; waiting to fill packets would only delay them.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Whether an address is one of this machine's own that nobody else reaches.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// How this process connects to executors.
#[derive(Clone, Debug)]
pub struct Link {
    /// Who it is; without it, executors are reached on this machine only.
    pub identity: Option<Arc<Identity>>,
    /// How long connecting may take, encryption included.
    pub connect_timeout: Duration,
    /// How a connection notices that the other side is gone.
    pub keepalive: Keepalive,
}

/// When the other side of a connection is asked whether it lives. It is the process that answers, not
/// what it runs: a fragment may be silent for as long as it likes.
#[derive(Clone, Copy, Debug)]
pub struct Keepalive {
    /// Silence after which it is asked.
    pub interval: Duration,
    /// How long it may take to say so. An executor whose cores are all busy answers late, and one
    /// answer that is missed ends every statement on the connection.
    pub timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self {
            identity: None,
            connect_timeout: Duration::from_secs(2),
            keepalive: Keepalive::default(),
        }
    }
}

/// Opens connections to executors, for tonic's channels.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    identity: Option<Arc<Identity>>,
}

impl Connector {
    pub(crate) fn new(identity: Option<Arc<Identity>>) -> Self {
        Self { identity }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Connection>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let identity = self.identity.clone();
        Box::pin(async move { connect(&uri, identity.as_deref()).await.map(TokioIo::new) })
    }
}

async fn connect(uri: &Uri, identity: Option<&Identity>) -> io::Result<Connection> {
    let wrong = |message: &str| io::Error::new(io::ErrorKind::InvalidInput, message.to_owned());
    let host = uri.host().ok_or_else(|| wrong("there is no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().ok_or_else(|| wrong("there is no port"))?;
    let mut addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    if identity.is_none() {
        addresses.retain(|address| is_loopback(address.ip()));
        if addresses.is_empty() {
            return Err(wrong(
                "it is on another machine, and without executors.tls nothing is sent there",
            ));
        }
    }
    let stream = TcpStream::connect(&*addresses).await?;
    tune(&stream);
    match identity {
        None => Ok(Connection::Plain(stream)),
        Some(identity) => {
            let stream = TlsStream::Client(identity.connect(stream).await?);
            Ok(Connection::Encrypted(Box::new(stream)))
        }
    }
}

/// The connections that peers open, for tonic's server. Ends when dropped.
pub(crate) fn incoming(
    listener: TcpListener,
    identity: Option<Arc<Identity>>,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let (sender, receiver) = mpsc::channel(HANDSHAKES_MAX);
    let accepting = Accepting(tokio::spawn(accept(listener, identity, sender)));
    futures::stream::unfold((receiver, accepting), |(mut receiver, accepting)| async {
        let connection: Connection = receiver.recv().await?;
        Some((Ok(connection), (receiver, accepting)))
    })
}

/// Stops to accept when dropped.
struct Accepting(tokio::task::JoinHandle<()>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(
    listener: TcpListener,
    identity: Option<Arc<Identity>>,
    sender: mpsc::Sender<Connection>,
) {
    // The longest first.
    let mut entering: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Without file descriptors this would spin; existing connections may free some.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        tune(&stream);
        if entering.len() >= HANDSHAKES_MAX {
            entering.retain(|task| !task.is_finished());
        }
        if entering.len() >= HANDSHAKES_MAX
            && let Some(longest) = entering.pop_front()
        {
            tracing::warn!("too many processes at once have to prove who they are; one gives way");
            longest.abort();
        }
        let (identity, sender) = (identity.clone(), sender.clone());
        let task = tokio::spawn(async move {
            if let Some(connection) = enter(stream, peer, identity.as_deref()).await {
                let _ = sender.send(connection).await;
            }
        });
        entering.push_back(task.abort_handle());
    }
}

async fn enter(
    stream: TcpStream,
    peer: SocketAddr,
    identity: Option<&Identity>,
) -> Option<Connection> {
    let Some(identity) = identity else {
        // Where it listens was looked at before; an address may be forwarded all the same.
        return is_loopback(peer.ip()).then_some(Connection::Plain(stream));
    };
    match tokio::time::timeout(HANDSHAKE, identity.accept(stream)).await {
        Ok(Ok(stream)) => Some(Connection::Encrypted(Box::new(TlsStream::Server(stream)))),
        Ok(Err(error)) => {
            tracing::warn!(%peer, %error, "a process could not prove who it is");
            None
        }
        Err(_) => {
            tracing::warn!(%peer, "a process took too long to prove who it is");
            None
        }
    }
}
