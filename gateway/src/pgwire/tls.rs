//! Encryption of connections, and the certificate that channels are bound to.
//!
//! Certificates are read again when their files change: connections that come later get the new
//! ones. Files that are wrong then are reported and leave those of before.
//!
//! Invariants: nothing older than TLS 1.2; sessions are not resumed, as in PostgreSQL, so that every
//! client certificate is looked at. ALPN, where a client uses it, has to name PostgreSQL.

use std::fmt::Debug;
use std::sync::Arc;

use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{CipherSuite, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use sha2::{Digest, Sha256, Sha384, Sha512};
use skein_config::pem::{self, PemError};
use skein_config::stamp::Made;
use skein_config::tls::TlsVersion;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_cert::Certificate;
use x509_cert::attr::AttributeValue;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};

/// What clients call PostgreSQL's protocol in ALPN.
pub const ALPN: &[u8] = b"postgresql";

/// Why connections cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file without what it should hold.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Files that do not fit together.
    #[error("certificate \"{certificate}\" and key \"{key}\" cannot be used: {message}")]
    Pair {
        /// File of the certificate.
        certificate: String,
        /// File of the key.
        key: String,
        /// What is wrong.
        message: String,
    },
}

/// What new connections use.
struct Current {
    acceptor: TlsAcceptor,
    end_point: Option<Vec<u8>>,
}

/// Encrypts connections.
pub struct Tls {
    settings: skein_config::Tls,
    current: Made<Current>,
}

/// What is known of an encrypted connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encryption {
    /// Hash of the server's certificate, where a channel can be bound to it (RFC 5929).
    pub end_point: Option<Vec<u8>>,
    /// The client's certificate, which has been verified.
    pub client: Option<ClientCertificate>,
    /// ALPN named PostgreSQL's protocol.
    pub named_protocol: bool,
    /// How it is encrypted.
    pub cipher: Option<Cipher>,
}

/// How a connection is encrypted, in OpenSSL's words, which are those that PostgreSQL shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cipher {
    /// `TLSv1.3`
    pub version: &'static str,
    /// `TLS_AES_256_GCM_SHA384`
    pub name: &'static str,
    /// Bits of its key.
    pub bits: u16,
}

/// What is known of a client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The common name of its subject, if it has exactly one.
    pub common_name: Option<String>,
}

impl Tls {
    /// Reads the files; nothing if none are configured.
    pub fn open(settings: &skein_config::Tls) -> Result<Option<Self>, TlsError> {
        if settings.certificate.is_empty() {
            return Ok(None);
        }
        let files = [&settings.certificate, &settings.key, &settings.client_ca];
        Ok(Some(Self {
            current: Made::of(files, || load(settings))?,
            settings: settings.clone(),
        }))
    }

    /// Reads the files again if they have changed. Says whether they had.
    pub fn reload(&self) -> Result<bool, TlsError> {
        self.current.renew(|| load(&self.settings))
    }

    /// Does the handshake.
    pub async fn accept<S>(&self, stream: S) -> std::io::Result<(TlsStream<S>, Encryption)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let current = self.current.current();
        let stream = current.acceptor.accept(stream).await?;
        let (_, connection) = stream.get_ref();
        let client = connection.peer_certificates().and_then(<[_]>::first);
        let encryption = Encryption {
            end_point: current.end_point.clone(),
            client: client.map(|certificate| ClientCertificate {
                common_name: common_name(certificate),
            }),
            named_protocol: connection.alpn_protocol() == Some(ALPN),
            cipher: connection.negotiated_cipher_suite().and_then(cipher),
        };
        Ok((stream, encryption))
    }
}

/// A cipher suite as OpenSSL calls it.
fn cipher(suite: SupportedCipherSuite) -> Option<Cipher> {
    use CipherSuite as Suite;
    let (version, name, bits) = match suite.suite() {
        Suite::TLS13_AES_128_GCM_SHA256 => ("TLSv1.3", "TLS_AES_128_GCM_SHA256", 128),
        Suite::TLS13_AES_256_GCM_SHA384 => ("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256),
        Suite::TLS13_CHACHA20_POLY1305_SHA256 => ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 256),
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => {
            ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", 128)
        }
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
            ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", 256)
        }
        Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", 256)
        }
        Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => {
            ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", 128)
        }
        Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => {
            ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", 256)
        }
        Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("TLSv1.2", "ECDHE-RSA-CHACHA20-POLY1305", 256)
        }
        _ => return None,
    };
    Some(Cipher {
        version,
        name,
        bits,
    })
}

impl Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn load(settings: &skein_config::Tls) -> Result<Current, TlsError> {
    let chain = pem::certificates(&settings.certificate)?;
    let key = pem::private_key(&settings.key)?;
    let end_point = chain.first().and_then(|certificate| end_point(certificate));
    let unusable = |error: rustls::Error| TlsError::Pair {
        certificate: settings.certificate.clone(),
        key: settings.key.clone(),
        message: error.to_string(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(settings.version_min))
        .map_err(unusable)?;
    let builder = if settings.client_ca.is_empty() {
        builder.with_no_client_auth()
    } else {
        let roots = Arc::new(pem::roots(&settings.client_ca)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
            .allow_unauthenticated()
            .build()
            .map_err(|error| PemError::certificates(&settings.client_ca, &error))?;
        builder.with_client_cert_verifier(verifier)
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Current {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        end_point,
    })
}

fn versions(oldest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static FROM_12: [&SupportedProtocolVersion; 2] =
        [&rustls::version::TLS13, &rustls::version::TLS12];
    match oldest {
        TlsVersion::V12 => &FROM_12,
        TlsVersion::V13 => &FROM_12[..1],
    }
}

/// The hash of a certificate that RFC 5929 calls `tls-server-end-point`; nothing for signatures
/// whose hash it does not define, such as those of Ed25519.
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let algorithm = parsed.signature_algorithm.oid.to_string();
    match algorithm.as_str() {
        // MD5 and SHA-1 are replaced by SHA-256.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => Some(Sha256::digest(certificate).to_vec()),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => {
            Some(Sha384::digest(certificate).to_vec())
        }
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => {
            Some(Sha512::digest(certificate).to_vec())
        }
        _ => None,
    }
}

/// The object identifier of common names.
const COMMON_NAME: &str = "2.5.4.3";

/// The common name of a certificate's subject, if it has exactly one.
pub(crate) fn common_name(certificate: &[u8]) -> Option<String> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let parts = parsed.tbs_certificate.subject.0.iter();
    let parts = parts.flat_map(|part| part.0.iter());
    let mut names = parts.filter(|part| part.oid.to_string() == COMMON_NAME);
    match (names.next(), names.next()) {
        (Some(name), None) => text(&name.value),
        _ => None,
    }
}

fn text(value: &AttributeValue) -> Option<String> {
    let utf8 = value
        .decode_as::<Utf8StringRef<'_>>()
        .map(|text| text.to_string());
    utf8.or_else(|_| {
        value
            .decode_as::<PrintableStringRef<'_>>()
            .map(|text| text.to_string())
    })
    .or_else(|_| {
        value
            .decode_as::<Ia5StringRef<'_>>()
            .map(|text| text.to_string())
    })
    .or_else(|_| {
        value
            .decode_as::<TeletexStringRef<'_>>()
            .map(|text| text.to_string())
    })
    .ok()
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
