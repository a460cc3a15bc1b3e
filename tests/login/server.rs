//! A gateway with users and certificates, and clients for it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use skein_config::Config;
use skein_gateway::cli::encrypt::{Encrypt, Identity, Trust};
use skein_gateway::login::password;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};

/// The password of every user that has one.
pub(crate) const PASSWORD: &str = "pencil";

/// Certificates of one authority.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "tests of Skein");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Certificate and key in PEM.
    pub(crate) fn sign(&self, common_name: &str) -> (String, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("well-formed names");
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

/// A gateway and what belongs to it.
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
    pub(crate) authority: Authority,
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    /// With the users `ann`, `root` (an administrator) and `robot` (without a password), a
    /// certificate, and `extra` at the end of its configuration.
    pub(crate) fn start(gateway: &str, login: &str, extra: &str) -> Self {
        Self::configured(gateway, "", login, extra)
    }

    /// With further lines of `[gateway.tls]`.
    pub(crate) fn start_with_tls(tls: &str) -> Self {
        Self::configured("", tls, "", "")
    }

    fn configured(gateway: &str, tls: &str, login: &str, extra: &str) -> Self {
        let authority = Authority::new();
        let folder = tempfile::tempdir().expect("a folder");
        let options = ClusterOptions {
            gateway: gateway.to_owned(),
            ..ClusterOptions::new(&sql_relations(Layout::Few))
        };
        let mut text = options.toml();
        let path = folder.path().display();
        let _ = write!(
            text,
            "\n[gateway.tls]\ncertificate = \"{path}/server.crt\"\nkey = \"{path}/server.key\"\n\
             client_ca = \"{path}/ca.crt\"\n{tls}\n[gateway.login]\nreload_ms = 20\n{login}\n\
             {}{}[[user]]\nname = \"robot\"\n{extra}\n",
            user("ann", ""),
            user("root", "admin = true\n"),
        );
        let (certificate, key) = authority.sign("server");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("it can be written");
        };
        write("server.crt", &certificate);
        write("server.key", &key);
        write("ca.crt", &authority.pem);
        let config = Config::from_toml(&text, folder.path()).expect("the configuration is right");
        Self {
            cluster: Cluster::start_with(config),
            authority,
            folder,
        }
    }

    /// With nothing out of the ordinary.
    pub(crate) fn plain() -> Self {
        Self::start("", "", "")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.cluster.address()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How to connect as a user.
    pub(crate) fn config(&self, user: &str, mode: SslMode) -> tokio_postgres::Config {
        config(self.address(), user, mode)
    }

    /// Encryption that believes this server only.
    pub(crate) fn encrypt(&self, identity: Option<Identity>) -> Encrypt {
        let roots = self.path("ca.crt");
        Encrypt::new(Trust::Roots(&roots.to_string_lossy()), identity).expect("right certificates")
    }
}

/// A user with [`PASSWORD`].
pub(crate) fn user(name: &str, more: &str) -> String {
    let verifier = password::verifier(PASSWORD, 4096);
    format!("[[user]]\nname = \"{name}\"\nverifier = \"{verifier}\"\n{more}")
}

/// How to connect to a server as a user with [`PASSWORD`].
pub(crate) fn config(address: SocketAddr, user: &str, mode: SslMode) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .host("localhost")
        .hostaddr(address.ip())
        .port(address.port())
        .user(user)
        .password(PASSWORD)
        .dbname("skein")
        .ssl_mode(mode);
    config
}

/// Why there is no connection: SQLSTATE and message, or what the client says.
pub(crate) type Refusal = (String, String);

fn refusal(error: &tokio_postgres::Error) -> Refusal {
    match error.as_db_error() {
        Some(error) => (error.code().code().to_owned(), error.message().to_owned()),
        None => (String::new(), format!("{error:?}")),
    }
}

/// Connects in clear.
pub(crate) async fn connect(config: &tokio_postgres::Config) -> Result<Client, Refusal> {
    let (client, connection) = config.connect(NoTls).await.map_err(|e| refusal(&e))?;
    tokio::spawn(connection);
    Ok(client)
}

/// Connects with TLS.
pub(crate) async fn connect_encrypted(
    config: &tokio_postgres::Config,
    encrypt: Encrypt,
) -> Result<Client, Refusal> {
    let (client, connection) = config.connect(encrypt).await.map_err(|e| refusal(&e))?;
    tokio::spawn(connection);
    Ok(client)
}

/// A runtime for clients.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(future)
}
