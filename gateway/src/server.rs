//! Listens, lets clients in, and stops in order.
//!
//! ```text
//! listener ─► connection task ─► startup (limited in time) ─► session ─► pgwire::connection::run
//!     shutdown: Running ─► Draining (idle sessions end) ─► Terminating (statements end)
//! ```
//!
//! Usable in a process of its own (`skein serve`) and inside of tests: the runtime is the caller's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use skein_config::Config;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::GatewayError;
use crate::gateway::{Gateway, OpenError};
use crate::pgwire::connection::{Shutdown, farewell, run, shutdown_reached};
use crate::pgwire::startup::{Startup, StartupError, StartupPacket, negotiate};
use crate::pgwire::stream::{Reader, Writer};
use crate::session::Session;

/// Silence after which the system asks whether the client is still there, and how often.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is no address.
    #[error("cannot listen on \"{address}\": {source}")]
    Address {
        /// As configured.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Another program listens there.
    #[error(
        "cannot listen on {address}: the port is taken by another program; \
         choose another with --listen, or port 0 for any free one"
    )]
    PortTaken {
        /// As configured.
        address: String,
    },
    /// Nowhere to listen.
    #[error("gateway.listen names no address")]
    NoAddress,
    /// Relations or executors cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// The PostgreSQL server.
pub struct Server;

/// A server that answers clients. Dropping it closes the listeners and every connection.
pub struct RunningServer {
    addresses: Vec<SocketAddr>,
    gateway: Arc<Gateway>,
    shutdown: watch::Sender<Shutdown>,
    listeners: JoinSet<()>,
    limit: Duration,
}

impl Server {
    /// Opens everything a configuration names and starts to listen.
    pub async fn start(config: Config) -> Result<RunningServer, StartError> {
        // Ports first: the error is at once there, before files are listed.
        let mut sockets = Vec::new();
        for address in &config.gateway.listen {
            sockets.extend(bind(address).await?);
        }
        if sockets.is_empty() {
            return Err(StartError::NoAddress);
        }
        let mut addresses = Vec::new();
        for socket in &sockets {
            addresses.push(socket.local_addr().map_err(|source| StartError::Address {
                address: "the socket".into(),
                source,
            })?);
        }
        let limit = Duration::from_millis(config.gateway.shutdown_timeout_ms);
        let gateway = Gateway::open(config, addresses.first().map_or(0, SocketAddr::port)).await?;
        let shutdown = watch::Sender::new(Shutdown::Running);
        let mut listeners = JoinSet::new();
        for socket in sockets {
            listeners.spawn(listen(socket, Arc::clone(&gateway), shutdown.subscribe()));
        }
        Ok(RunningServer {
            addresses,
            gateway,
            shutdown,
            listeners,
            limit,
        })
    }
}

impl RunningServer {
    /// Where it listens, in the order of the configuration.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The first address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// What the sessions share.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Ends idle sessions, gives running statements their time, ends them too, and returns when
    /// every connection is closed.
    pub async fn shutdown(mut self) {
        self.shutdown.send_replace(Shutdown::Draining);
        let drained = async { while self.listeners.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limit, drained).await.is_err() {
            self.shutdown.send_replace(Shutdown::Terminating);
            let ended = async { while self.listeners.join_next().await.is_some() {} };
            if tokio::time::timeout(self.limit.max(Duration::from_secs(3)), ended)
                .await
                .is_err()
            {
                tracing::warn!("connections were cut off at the end of the shutdown");
            }
        }
        self.gateway.remove_temp_directory();
    }
}

async fn bind(address: &str) -> Result<Vec<TcpListener>, StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken {
            address: address.to_owned(),
        },
        _ => StartError::Address {
            address: address.to_owned(),
            source,
        },
    };
    let mut sockets = Vec::new();
    for resolved in lookup_host(address).await.map_err(failed)? {
        sockets.push(TcpListener::bind(resolved).await.map_err(failed)?);
    }
    Ok(sockets)
}

/// Takes connections until the shutdown begins, then waits for them.
async fn listen(
    socket: TcpListener,
    gateway: Arc<Gateway>,
    mut shutdown: watch::Receiver<Shutdown>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown_reached(&mut shutdown, Shutdown::Draining) => break,
            Some(_) = connections.join_next() => {}
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => {
                    tracing::debug!(%peer, "connection");
                    connections.spawn(connect(stream, Arc::clone(&gateway), shutdown.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Without file descriptors this would spin; existing sessions may free some.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

/// One of the connections that count against `connections_max`.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs one connection from its first byte to its last.
async fn connect(stream: TcpStream, gateway: Arc<Gateway>, shutdown: watch::Receiver<Shutdown>) {
    // Answers are written whole; waiting to fill packets would only delay them.
    let _ = stream.set_nodelay(true);
    // A client whose machine is gone without a word is noticed after a few minutes.
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let (client, server) = (stream.peer_addr().ok(), stream.local_addr().ok());
    let (read, write) = stream.into_split();
    let mut reader = Reader::new(Box::new(read));
    let mut writer = Writer::new(Box::new(write), gateway.send_timeout());
    let before = gateway.connections().fetch_add(1, Ordering::AcqRel);
    let _place = Place(gateway.connections());
    let too_many = before >= gateway.config().gateway.connections_max;
    let startup_timeout = Duration::from_millis(gateway.config().gateway.startup_timeout_ms);
    let negotiated =
        tokio::time::timeout(startup_timeout, negotiate(&mut reader, &mut writer)).await;
    let packet = match negotiated {
        Err(_) | Ok(Err(StartupError::Closed)) => return,
        Ok(Err(StartupError::Refused(error))) => return farewell(&mut writer, &error).await,
        Ok(Ok(Startup::Cancel { process_id, key })) => {
            gateway.cancels().cancel(process_id, &key);
            return;
        }
        Ok(Ok(Startup::Session(packet))) => StartupPacket {
            client,
            server,
            ..packet
        },
    };
    if too_many {
        return farewell(&mut writer, &GatewayError::TooManyConnections).await;
    }
    match Session::start(Arc::clone(&gateway), &packet, writer.out()) {
        Ok(session) => {
            let longest = gateway.config().gateway.message_bytes_max;
            run(session, reader, writer, shutdown, longest).await;
        }
        Err(error) => farewell(&mut writer, &error).await,
    }
}
