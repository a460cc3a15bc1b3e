//! Encryption between processes, in which both sides prove who they are.
//!
//! ```text
//! gateway ──► executor ◄──► executor       TLS 1.3, certificates of one private CA
//! ```
//!
//! A certificate names the part that its process plays, [`Part::name`], and nobody but an executor
//! may serve. The names of hosts are not compared: executors come and go, one DNS name stands for
//! many of them, and they call each other at addresses that the gateway tells them. All of them read
//! the same files and run the same statements, so that one could gain nothing by being another.
//!
//! Files are read again when they change: connections that come later use the new ones. Files that
//! are wrong then are reported and leave those of before.
//!
//! Invariants: nothing older than TLS 1.3, and sessions are not resumed, so that every certificate
//! is looked at. Whatever an [`Identity`] accepts was signed by its CA, is valid now, and names a part.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig,
    SignatureScheme,
};
use skein_config::ExecutorTls;
use skein_config::pem::{self, PemError};
use skein_config::stamp::Made;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// What both sides speak inside.
const ALPN: &[u8] = b"h2";

/// What a process of Skein does, as its certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Plans statements and calls executors.
    Gateway,
    /// Runs fragments, and calls other executors for their rows.
    Executor,
}

impl Part {
    /// The DNS name among the certificate's alternative names that says so. Nobody resolves it:
    /// names below `internal` belong to private networks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway.skein.internal",
            Self::Executor => "executor.skein.internal",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Executor => "executor",
        })
    }
}

/// Why processes cannot prove who they are.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file without what it should hold.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Files that do not fit together.
    #[error("certificate \"{certificate}\" cannot be used with its key and CA: {message}")]
    Files {
        /// File of the certificate.
        certificate: String,
        /// What is wrong.
        message: String,
    },
    /// A certificate of another part, or of none.
    #[error(
        "certificate \"{certificate}\" is not for this process: an {part} needs one that names \
         {}, as `skein certs --{part}` makes it",
        part.name()
    )]
    Part {
        /// File of the certificate.
        certificate: String,
        /// What the process does.
        part: Part,
    },
}

/// What new connections use.
struct Current {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

/// What this process shows to others, and what it asks of them.
pub struct Identity {
    settings: ExecutorTls,
    part: Part,
    current: Made<Current>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the files; nothing if none are configured.
    pub fn open(settings: &ExecutorTls, part: Part) -> Result<Option<Arc<Self>>, TlsError> {
        if settings.certificate.is_empty() {
            return Ok(None);
        }
        let files = [&settings.ca, &settings.certificate, &settings.key];
        Ok(Some(Arc::new(Self {
            current: Made::of(files, || load(settings, part))?,
            settings: settings.clone(),
            part,
        })))
    }

    /// Reads the files again if they have changed. Says whether they had.
    pub fn reload(&self) -> Result<bool, TlsError> {
        self.current.renew(|| load(&self.settings, self.part))
    }

    /// Encrypts a connection that this process has opened to an executor.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<client::TlsStream<TcpStream>> {
        let name = server_name(Part::Executor);
        self.current.current().connector.connect(name, stream).await
    }

    /// Encrypts a connection that another process has opened.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<server::TlsStream<TcpStream>> {
        self.current.current().acceptor.accept(stream).await
    }
}

fn server_name(part: Part) -> ServerName<'static> {
    ServerName::try_from(part.name()).expect("the names of parts are DNS names")
}

fn load(settings: &ExecutorTls, part: Part) -> Result<Current, TlsError> {
    let chain = pem::certificates(&settings.certificate)?;
    let key = pem::private_key(&settings.key)?;
    let unusable = |message: String| TlsError::Files {
        certificate: settings.certificate.clone(),
        message,
    };
    let refused = |error: rustls::Error| unusable(error.to_string());
    let roots = Arc::new(pem::roots(&settings.ca)?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let callers =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| unusable(error.to_string()))?;
    let servers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    let callers = Arc::new(Callers(callers));
    check_own(&chain, part, &callers, &*servers).map_err(|error| match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => TlsError::Part {
            certificate: settings.certificate.clone(),
            part,
        },
        error => refused(error),
    })?;
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(refused)?
        .with_client_cert_verifier(callers)
        .with_single_cert(chain.clone(), key.clone_key())
        .map_err(refused)?;
    server.alpn_protocols = vec![ALPN.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(refused)?
        .with_webpki_verifier(servers)
        .with_client_auth_cert(chain, key)
        .map_err(refused)?;
    client.alpn_protocols = vec![ALPN.to_vec()];
    client.resumption = Resumption::disabled();
    Ok(Current {
        acceptor: TlsAcceptor::from(Arc::new(server)),
        connector: TlsConnector::from(Arc::new(client)),
    })
}

/// Says at the start, and not with the first statement, what others would refuse.
fn check_own(
    chain: &[CertificateDer<'static>],
    part: Part,
    callers: &Callers,
    servers: &dyn ServerCertVerifier,
) -> Result<(), rustls::Error> {
    let Some((own, intermediates)) = chain.split_first() else {
        return Err(CertificateError::BadEncoding.into());
    };
    verify_server_name(&ParsedCertificate::try_from(own)?, &server_name(part))?;
    let now = UnixTime::now();
    callers.verify_client_cert(own, intermediates, now)?;
    if part == Part::Executor {
        servers.verify_server_cert(own, intermediates, &server_name(part), &[], now)?;
    }
    Ok(())
}

/// Accepts certificates that the CA has signed for processes of Skein, and no others: a private CA
/// may have signed those of other programs and of people, too.
#[derive(Debug)]
struct Callers(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Callers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now)?;
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_name(&certificate, &server_name(Part::Gateway))
            .or_else(|_| verify_server_name(&certificate, &server_name(Part::Executor)))?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
