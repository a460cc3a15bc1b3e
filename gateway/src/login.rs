//! Who may enter: access rules, users, passwords, and how many at once.
//!
//! ```text
//! startup packet ─► access rule ─► trust │ SCRAM │ certificate ─► place ─► user, database ─► session
//!                     refused ────────────────┴── failed: noted, later attempts from there wait
//! ```
//!
//! Order and words are PostgreSQL's (`ClientAuthentication`, `InitPostgres`): which users and
//! databases exist is only told to those who have proved who they are.
//!
//! Invariants: a user that nobody has is asked for a password like any other, with as many messages
//! and as much work. No password, verifier or proof is logged or sent.

pub mod access;
pub mod failures;
pub mod password;
pub mod places;
pub mod scram;
pub mod users;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes};
use skein_config::access::Method;
use skein_config::{AccessRule, Config, ConfigError};
use skein_planner::postgres::UserFact;

use crate::error::GatewayError;
use crate::pgwire::frontend::MessageError;
use crate::pgwire::startup::{Connection, StartupError, StartupPacket};
use crate::pgwire::tls::{Tls, TlsError};
use access::Described;
use failures::Failures;
use places::{Guest, Limits, Places, SessionPlace};
use scram::{Exchange, ScramError};
use users::{UserStore, Users};

/// Longest SASL message, as in PostgreSQL (`PG_MAX_SASL_MESSAGE_LENGTH`).
const SASL_BYTES_MAX: usize = 1024;
/// Random bytes in a nonce, as in PostgreSQL.
const NONCE_BYTES: usize = 18;

/// Why a client may not enter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No access rule fits.
    #[error("no pg_hba.conf entry for {0}")]
    NoEntry(Box<Described>),
    /// An access rule refuses.
    #[error("pg_hba.conf rejects connection for {0}")]
    Rejected(Box<Described>),
    /// The password is wrong, or nobody has that name.
    #[error("password authentication failed for user \"{0}\"")]
    Password(String),
    /// The certificate is that of somebody else.
    #[error("certificate authentication failed for user \"{0}\"")]
    Certificate(String),
    /// There is no certificate.
    #[error("connection requires a valid client certificate")]
    NoCertificate,
    /// A trusted client names a user that nobody is.
    #[error("role \"{0}\" does not exist")]
    UnknownUser(String),
    /// A database that is not served.
    #[error("database \"{0}\" does not exist")]
    UnknownDatabase(String),
    /// What is left is for administrators.
    #[error("remaining connection slots are reserved for non-replication superuser connections")]
    Reserved,
    /// More sessions than the user may have.
    #[error("too many connections for role \"{0}\"")]
    TooManyOfUser(String),
    /// More sessions than an address may have.
    #[error("too many connections from address \"{0}\"")]
    TooManyOfAddress(IpAddr),
    /// Another message than one of SASL.
    #[error("expected SASL response, got message type {0}")]
    NotSasl(u8),
    /// A message of SCRAM that is refused.
    #[error(transparent)]
    Scram(#[from] ScramError),
}

/// Why logins cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Users.
    #[error(transparent)]
    Users(#[from] ConfigError),
    /// Anybody could enter.
    #[error(
        "{address} can be reached from other machines, and clients would be trusted there without \
         a password; configure users ([[user]] or gateway.login.users_file), or set \
         gateway.login.insecure_trust_network to let everybody in"
    )]
    Exposed {
        /// Where the server would listen.
        address: SocketAddr,
    },
}

/// Lets clients in.
#[derive(Debug)]
pub struct Login {
    rules: Vec<AccessRule>,
    tls: Option<Tls>,
    tls_required: bool,
    users: UserStore,
    /// Without users, anybody may take any name.
    anybody: bool,
    databases: Vec<String>,
    places: Arc<Places>,
    failures: Failures,
}

impl Login {
    /// Reads users and certificates.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let (gateway, login) = (&config.gateway, &config.login);
        let rules = if config.access.is_empty() {
            config.default_access()
        } else {
            config.access.clone()
        };
        Ok(Self {
            rules,
            tls: Tls::open(&config.tls)?,
            tls_required: config.tls.required,
            users: UserStore::open(config)?,
            anybody: !config.has_users(),
            databases: gateway.databases.clone(),
            places: Places::new(Limits {
                unauthenticated_max: login.unauthenticated_max,
                unauthenticated_per_address_max: login.unauthenticated_per_address_max,
                sessions_max: gateway.connections_max,
                reserved: login.reserved_connections,
                sessions_per_address_max: login.connections_per_address_max,
            }),
            failures: Failures::new(
                login.failures_free,
                Duration::from_millis(login.failure_delay_max_ms),
            ),
        })
    }

    /// Refuses to trust clients of other machines unless that is what was asked for by name.
    pub fn check_exposure(&self, config: &Config, listen: &[SocketAddr]) -> Result<(), OpenError> {
        let trusts =
            |rule: &AccessRule| rule.method == Method::Trust && rule.addresses.leave_loopback();
        // Without users and rules everybody would be refused there, which nobody can have meant.
        let useless = config.access.is_empty() && !config.has_users();
        if !useless && !self.rules.iter().any(trusts) {
            return Ok(());
        }
        let Some(address) = listen.iter().find(|address| !is_loopback(address.ip())) else {
            return Ok(());
        };
        if config.login.insecure_trust_network {
            tracing::warn!(%address, "clients of other machines are trusted without a password");
            return Ok(());
        }
        Err(OpenError::Exposed { address: *address })
    }

    /// Who is there.
    pub fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// Encrypts connections, if that is set up.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// The users as the catalogue lists them.
    pub fn users(&self) -> Vec<UserFact> {
        let users = self.users.current();
        let facts = users.all().map(|user| UserFact {
            name: user.name.clone(),
            connections_max: user.connections_max,
        });
        facts.collect()
    }

    /// Reads certificates and users again where their files have changed; whether there are other
    /// users now.
    pub fn reload(&self) -> bool {
        match self.tls.as_ref().map_or(Ok(false), Tls::reload) {
            Ok(false) => {}
            Ok(true) => tracing::info!("certificates were read again"),
            Err(error) => tracing::warn!(%error, "certificates stay as they were"),
        }
        match self.users.reload() {
            Ok(false) => false,
            Ok(true) => {
                tracing::info!("the users file was read again");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "users stay as they were");
                false
            }
        }
    }

    /// Has a client prove who it is and gives it a place. What is answered up to `AuthenticationOk`
    /// is written here; errors are the caller's to report.
    pub async fn enter(
        &self,
        connection: &mut Connection,
        packet: &StartupPacket,
        peer: IpAddr,
    ) -> Result<SessionPlace, StartupError> {
        let client = access::Client {
            address: peer,
            encrypted: connection.encryption.is_some(),
            user: &packet.user,
            database: &packet.database,
        };
        let users = self.users.current();
        match access::method(&self.rules, self.tls_required, &client).map_err(GatewayError::from)? {
            Method::Trust => {}
            Method::Scram => self.password(connection, &users, &client).await?,
            Method::Cert => certificate(connection, &client).map_err(GatewayError::from)?,
            Method::Reject => unreachable!("the rule has refused"),
        }
        let user = users.get(client.user);
        let guest = Guest {
            address: peer,
            user: client.user,
            admin: user.is_some_and(|user| user.admin),
            connections_max: user.map_or(0, |user| user.connections_max),
        };
        let place = self.places.sit(&guest, users.has_admins())?;
        connection.writer.out().authentication_ok();
        if user.is_none() && !self.anybody {
            return refuse(LoginError::UnknownUser(packet.user.clone()));
        }
        if !self.databases.is_empty() && !self.databases.contains(&packet.database) {
            return refuse(LoginError::UnknownDatabase(packet.database.clone()));
        }
        Ok(place)
    }

    async fn password(
        &self,
        connection: &mut Connection,
        users: &Users,
        client: &access::Client<'_>,
    ) -> Result<(), StartupError> {
        let delay = self.failures.delay(client.address, Instant::now());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let known = users
            .get(client.user)
            .and_then(|user| user.verifier.clone());
        let doomed = known.is_none();
        let verifier = known.unwrap_or_else(|| users.made_up(client.user));
        let encryption = connection.encryption.as_ref();
        let end_point = encryption.and_then(|encryption| encryption.end_point.clone());
        let nonce = STANDARD.encode(rand::random::<[u8; NONCE_BYTES]>());
        let exchange = Exchange::new(verifier, doomed, end_point, nonce);
        if let Some(server_final) = converse(connection, exchange).await? {
            connection
                .writer
                .out()
                .authentication_sasl_final(server_final.as_bytes());
            return Ok(());
        }
        self.failures.note(client.address, Instant::now());
        tracing::warn!(user = client.user, address = %client.address, "wrong password");
        refuse(LoginError::Password(client.user.to_owned()))
    }
}

fn refuse<T>(error: LoginError) -> Result<T, StartupError> {
    Err(GatewayError::from(error).into())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn certificate(connection: &Connection, client: &access::Client<'_>) -> Result<(), LoginError> {
    let encryption = connection.encryption.as_ref();
    let certificate = encryption.and_then(|encryption| encryption.client.as_ref());
    let certificate = certificate.ok_or(LoginError::NoCertificate)?;
    if certificate.common_name.as_deref() == Some(client.user) {
        Ok(())
    } else {
        Err(LoginError::Certificate(client.user.to_owned()))
    }
}

/// Goes through the messages of SASL. `None`: the proof is wrong, or too long to be one.
async fn converse(
    connection: &mut Connection,
    exchange: Exchange,
) -> Result<Option<String>, StartupError> {
    let Connection { reader, writer, .. } = connection;
    writer.out().authentication_sasl(exchange.mechanisms());
    writer.flush().await.map_err(|_| StartupError::Closed)?;
    let Some(mut initial) = reader.sasl_message(SASL_BYTES_MAX).await? else {
        return Ok(None);
    };
    let mechanism = take_name(&mut initial)?;
    exchange.check_mechanism(&mechanism).map_err(refused)?;
    let mut message = take_data(initial)?;
    if message.is_none() {
        // A client may choose first and speak when it is asked to.
        writer.out().authentication_sasl_continue(b"");
        writer.flush().await.map_err(|_| StartupError::Closed)?;
        message = reader.sasl_message(SASL_BYTES_MAX).await?;
    }
    let Some(message) = message else {
        return Ok(None);
    };
    let (proving, server_first) = exchange.first(&mechanism, &message).map_err(refused)?;
    writer
        .out()
        .authentication_sasl_continue(server_first.as_bytes());
    writer.flush().await.map_err(|_| StartupError::Closed)?;
    match reader.sasl_message(SASL_BYTES_MAX).await? {
        Some(message) => proving.last(&message).map_err(refused),
        None => Ok(None),
    }
}

fn refused(error: ScramError) -> StartupError {
    GatewayError::from(LoginError::from(error)).into()
}

/// The mechanism that `SASLInitialResponse` chooses.
fn take_name(body: &mut Bytes) -> Result<Bytes, StartupError> {
    let end = body.iter().position(|byte| *byte == 0);
    let name = body.split_to(end.ok_or_else(|| wrong(MessageError::String))?);
    body.advance(1);
    Ok(name)
}

/// What the mechanism is told in `SASLInitialResponse`, if anything.
fn take_data(mut body: Bytes) -> Result<Option<Bytes>, StartupError> {
    if body.len() < 4 {
        return Err(wrong(MessageError::Insufficient));
    }
    let length = body.get_i32();
    match usize::try_from(length) {
        Ok(length) if length == body.len() => Ok(Some(body)),
        Ok(length) if length < body.len() => Err(wrong(MessageError::Format)),
        Err(_) if length == -1 && body.is_empty() => Ok(None),
        _ => Err(wrong(MessageError::Insufficient)),
    }
}

fn wrong(error: MessageError) -> StartupError {
    StartupError::Refused(GatewayError::Message(error))
}

#[cfg(test)]
#[path = "login/tests.rs"]
mod tests;
