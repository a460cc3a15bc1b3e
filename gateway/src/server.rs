//! Listens, lets clients in, and stops in order.
//!
//! ```text
//! listener ─► connection task ─► startup, login (limited in time and number) ─► session ─► run
//!     shutdown: Running ─► Draining (idle sessions end) ─► Terminating (statements end)
//!                                    `shutdown_timeout_ms`, or a second signal
//! ```
//!
//! Usable in a process of its own (`skein serve`) and inside of tests: the runtime is the caller's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use skein_config::Config;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::GatewayError;
use crate::gateway::{Gateway, OpenError};
use crate::login::places::{Arrival, SessionPlace};
use crate::login::{self, Login};
use crate::pgwire::backend::Outgoing;
use crate::pgwire::connection::{Shutdown, farewell, run, shutdown_reached};
use crate::pgwire::startup::{Connection, Startup, StartupError, StartupPacket, negotiate};
use crate::pgwire::stream::{Reader, Writer};
use crate::session::Session;

/// Silence after which the system asks whether the client is still there, and how often.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);

/// How long sessions may take to end when they have to. Each tells its client why, and a client that
/// does not listen is given less time than this.
const TERMINATION: Duration = Duration::from_secs(5);

/// How many connections that find no room are told so at once; beyond this they are just closed.
const REFUSALS_MAX: usize = 256;
/// How long such a client may take to hear it.
const REFUSAL: Duration = Duration::from_millis(200);

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
    /// Clients cannot be let in, or too many could.
    #[error(transparent)]
    Login(#[from] login::OpenError),
}

/// The PostgreSQL server.
pub struct Server;

/// What a new connection needs.
struct Entrance {
    gateway: Arc<Gateway>,
    login: Login,
    /// Clients that are being told that there is no room.
    refusals: AtomicUsize,
}

/// A server that answers clients. Dropping it closes the listeners and every connection.
pub struct RunningServer {
    addresses: Vec<SocketAddr>,
    entrance: Arc<Entrance>,
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
        let login = Login::open(&config)?;
        login.check_exposure(&config, &addresses)?;
        let limit = Duration::from_millis(config.gateway.shutdown_timeout_ms);
        let reload = reload_interval(&config);
        let gateway = Gateway::open(config, addresses.first().map_or(0, SocketAddr::port)).await?;
        gateway.set_users(login.users());
        let shutdown = watch::Sender::new(Shutdown::Running);
        let entrance = Arc::new(Entrance {
            gateway,
            login,
            refusals: AtomicUsize::new(0),
        });
        let mut listeners = JoinSet::new();
        for socket in sockets {
            listeners.spawn(listen(socket, Arc::clone(&entrance), shutdown.subscribe()));
        }
        if !reload.is_zero() {
            let entrance = Arc::clone(&entrance);
            listeners.spawn(reload_every(reload, entrance, shutdown.subscribe()));
        }
        Ok(RunningServer {
            addresses,
            entrance,
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
        &self.entrance.gateway
    }

    /// Reads certificates and users again where their files have changed.
    pub async fn reload(&self) {
        reload(&self.entrance).await;
    }

    /// Ends idle sessions, gives running statements their time, ends them too, and returns when
    /// every connection is closed.
    pub async fn shutdown(self) {
        self.shutdown_hurried(std::future::pending()).await;
    }

    /// As [`Self::shutdown`], but running statements end at once when `hurry` does.
    pub async fn shutdown_hurried(mut self, hurry: impl Future<Output = ()>) {
        self.shutdown.send_replace(Shutdown::Draining);
        let drained = tokio::select! {
            () = ended(&mut self.listeners) => true,
            () = tokio::time::sleep(self.limit) => false,
            () = hurry => false,
        };
        if !drained {
            self.shutdown.send_replace(Shutdown::Terminating);
            let ended = ended(&mut self.listeners);
            if tokio::time::timeout(TERMINATION, ended).await.is_err() {
                tracing::warn!("connections were cut off at the end of the shutdown");
            }
        }
        self.entrance.gateway.remove_temp_directory();
    }
}

async fn ended(listeners: &mut JoinSet<()>) {
    while listeners.join_next().await.is_some() {}
}

/// How often files are looked at; zero for never.
fn reload_interval(config: &Config) -> Duration {
    let between = match config.executor_tls.certificate.as_str() {
        "" => 0,
        _ => config.executor_tls.reload_ms,
    };
    let given = [config.login.reload_ms, between].into_iter();
    Duration::from_millis(given.filter(|millis| *millis > 0).min().unwrap_or(0))
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
    entrance: Arc<Entrance>,
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
                    // Here and not in the task, so that places are taken in order.
                    let arrival = entrance.login.places().arrive(peer.ip(), Instant::now());
                    let (entrance, shutdown) = (Arc::clone(&entrance), shutdown.clone());
                    connections.spawn(connect(stream, peer, arrival, entrance, shutdown));
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

/// Looks at files as often as is configured, until the shutdown begins.
async fn reload_every(
    interval: Duration,
    entrance: Arc<Entrance>,
    mut shutdown: watch::Receiver<Shutdown>,
) {
    loop {
        tokio::select! {
            biased;
            () = shutdown_reached(&mut shutdown, Shutdown::Draining) => return,
            () = tokio::time::sleep(interval) => reload(&entrance).await,
        }
    }
}

async fn reload(entrance: &Arc<Entrance>) {
    let entrance = Arc::clone(entrance);
    let read = move || {
        if entrance.login.reload() {
            entrance.gateway.set_users(entrance.login.users());
        }
        if let Err(error) = entrance.gateway.executors().reload() {
            tracing::error!(%error, "certificates for executors could not be read again");
        }
    };
    if let Err(error) = tokio::task::spawn_blocking(read).await {
        tracing::error!(%error, "files could not be read again");
    }
}

/// Runs one connection from its first byte to its last.
async fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    arrival: Option<Arrival>,
    entrance: Arc<Entrance>,
    mut shutdown: watch::Receiver<Shutdown>,
) {
    // Answers are written whole; waiting to fill packets would only delay them.
    let _ = stream.set_nodelay(true);
    // A client whose machine is gone without a word is noticed after a few minutes.
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let Some(arrival) = arrival else {
        return turn_away(stream, &entrance.refusals).await;
    };
    let settings = &entrance.gateway.config().gateway;
    let limit = Duration::from_millis(settings.startup_timeout_ms);
    let server = stream.local_addr().ok();
    let (read, write) = stream.into_split();
    let connection = Connection::new(
        Reader::new(Box::new(read)),
        Writer::new(Box::new(write), entrance.gateway.send_timeout()),
    );
    let entered = tokio::select! {
        biased;
        () = shutdown_reached(&mut shutdown, Shutdown::Draining) => return,
        () = arrival.displaced() => {
            tracing::debug!(%peer, "a login that took long gave way");
            return;
        }
        entered = tokio::time::timeout(limit, Box::pin(enter(connection, (peer, server), &entrance))) => entered,
    };
    let Ok(Some((session, connection, place))) = entered else {
        return;
    };
    drop(arrival);
    let Connection { reader, writer, .. } = connection;
    run(
        session,
        reader,
        writer,
        shutdown,
        settings.message_bytes_max,
    )
    .await;
    drop(place);
}

/// From the first byte to a session; nothing if there is none, and the client knows why.
async fn enter(
    connection: Connection,
    (peer, server): (SocketAddr, Option<SocketAddr>),
    entrance: &Entrance,
) -> Option<(Session, Connection, SessionPlace)> {
    let Entrance { gateway, login, .. } = entrance;
    let (mut connection, wanted) = negotiate(connection, login.tls()).await?;
    let refusal = match wanted {
        Err(error) => error,
        Ok(Startup::Cancel { process_id, key }) => {
            gateway.cancels().cancel(process_id, &key).await;
            return None;
        }
        Ok(Startup::Session(packet)) => {
            let packet = StartupPacket {
                client: Some(peer),
                server,
                cipher: connection.encryption.as_ref().and_then(|it| it.cipher),
                ..packet
            };
            let minor = packet.minor_spoken(gateway.config().gateway.protocol_minor_max);
            if packet.minor > minor || !packet.unknown_options.is_empty() {
                let out = connection.writer.out();
                out.negotiate_protocol_version(minor, &packet.unknown_options);
            }
            let entered = login.enter(&mut connection, &packet, peer.ip()).await;
            let session = match entered {
                Err(StartupError::Closed) => return None,
                Err(StartupError::Refused(error)) => Err(error),
                Ok(place) => {
                    let out = connection.writer.out();
                    Session::start(Arc::clone(gateway), &packet, place.is_admin(), out)
                        .map(|session| (session, place))
                }
            };
            match session {
                Ok((session, place)) => return Some((session, connection, place)),
                Err(error) => error,
            }
        }
    };
    farewell(&mut connection.writer, &refusal).await;
    None
}

/// Tells a client that there is no room, without taking any.
async fn turn_away(mut stream: TcpStream, refusals: &AtomicUsize) {
    if refusals.fetch_add(1, Ordering::AcqRel) < REFUSALS_MAX {
        let mut out = Outgoing::default();
        let mut report = GatewayError::TooManyConnections.report();
        report.severity = crate::error::Severity::Fatal;
        out.report(&report);
        let told = async {
            stream.write_all(out.buffer()).await?;
            stream.shutdown().await?;
            // Closing with bytes unread would make the system forget what was just written.
            let mut unread = [0; 1024];
            while stream.read(&mut unread).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(REFUSAL, told).await;
    }
    refusals.fetch_sub(1, Ordering::AcqRel);
}
