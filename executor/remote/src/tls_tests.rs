//! Tests of [`super`], with certificates made for them.

use futures::StreamExt as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "a CA of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> [String; 2] {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        [certificate.pem(), key.serialize_pem()]
    }

    fn part(&self, part: Part) -> [String; 2] {
        self.sign(&[part.name()], |_| {})
    }
}

struct Files {
    folder: tempfile::TempDir,
    settings: ExecutorTls,
}

impl Files {
    fn new(ca: &str, pair: &[String; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let settings = ExecutorTls {
            ca: path("ca.crt"),
            certificate: path("own.crt"),
            key: path("own.key"),
            ..ExecutorTls::default()
        };
        let files = Self { folder, settings };
        files.write("ca.crt", ca);
        files.put(pair);
        files
    }

    fn put(&self, [certificate, key]: &[String; 2]) {
        self.write("own.crt", certificate);
        self.write("own.key", key);
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("it can be written");
    }

    fn open(&self, part: Part) -> Result<Arc<Identity>, TlsError> {
        Identity::open(&self.settings, part).map(|identity| identity.expect("it is configured"))
    }
}

/// What a caller hears from an executor that sends back what it is sent. The executor is asked for
/// what it has seen as well: with TLS 1.3 a caller learns late that it was refused.
async fn echo(executor: &Arc<Identity>, connector: &TlsConnector) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let executor = Arc::clone(executor);
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = executor.accept(stream).await?;
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await?;
        stream.write_all(&heard).await?;
        stream.shutdown().await
    });
    let stream = TcpStream::connect(address).await?;
    let called = async {
        let mut stream = connector
            .connect(server_name(Part::Executor), stream)
            .await?;
        stream.write_all(b"ping").await?;
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await?;
        assert_eq!(&heard, b"ping");
        Ok(())
    };
    let called = called.await;
    let served = serving.await.expect("the task ends");
    called.and(served)
}

/// A caller that shows any certificate, or none, and believes any CA of its choice.
fn caller(ca: &Authority, pair: Option<&[String; 2]>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(ca.pem.as_bytes()).expect("a certificate");
    roots.add(root).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("a version")
        .with_root_certificates(roots);
    let mut config = match pair {
        None => builder.with_no_client_auth(),
        Some([certificate, key]) => {
            let chain = vec![
                CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate"),
            ];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn executors_answer_processes_of_their_own_ca_only() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let executor = Files::new(&ours.pem, &ours.part(Part::Executor));
    let executor = executor.open(Part::Executor).expect("a good certificate");
    for part in [Part::Gateway, Part::Executor] {
        let caller = caller(&ours, Some(&ours.part(part)));
        echo(&executor, &caller).await.expect("it is one of ours");
    }
    let refused = [
        ("no certificate", None),
        ("a foreign CA", Some(foreign.part(Part::Gateway))),
        ("no part", Some(ours.sign(&["reports.example.com"], |_| {}))),
        (
            "only to serve",
            Some(ours.sign(&[Part::Executor.name()], |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            })),
        ),
        (
            "expired",
            Some(ours.sign(&[Part::Gateway.name()], |params| {
                params.not_after = rcgen::date_time_ymd(2020, 1, 1);
            })),
        ),
        (
            "not yet valid",
            Some(ours.sign(&[Part::Gateway.name()], |params| {
                params.not_before = rcgen::date_time_ymd(4000, 1, 1);
            })),
        ),
    ];
    for (what, pair) in refused {
        let caller = caller(&ours, pair.as_ref());
        let answered = echo(&executor, &caller).await;
        assert!(answered.is_err(), "{what}");
    }
}

#[tokio::test]
async fn callers_believe_executors_of_their_own_ca_only() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let gateway = Files::new(&ours.pem, &ours.part(Part::Gateway));
    let gateway = gateway.open(Part::Gateway).expect("a good certificate");
    let connector = gateway.current.current().connector.clone();
    let serving = |ca: &Authority, pair: &[String; 2]| {
        let files = Files::new(&ca.pem, pair);
        // What no executor of ours would start with.
        let none: [&str; 0] = [];
        Made::of(none, || load(&files.settings, Part::Executor)).map(|current| {
            Arc::new(Identity {
                settings: files.settings.clone(),
                part: Part::Executor,
                current,
            })
        })
    };
    let good = serving(&ours, &ours.part(Part::Executor)).expect("a good certificate");
    echo(&good, &connector).await.expect("it is one of ours");
    let other = serving(&foreign, &foreign.part(Part::Executor)).expect("good elsewhere");
    echo(&other, &connector).await.expect_err("a foreign CA");
    // A stolen gateway's certificate serves nobody.
    let stolen = ours.sign(&[Part::Gateway.name()], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert!(matches!(
        serving(&ours, &stolen),
        Err(TlsError::Part { .. })
    ));
}

#[test]
fn a_process_does_not_start_with_what_others_would_refuse() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let message = |pair: &[String; 2]| {
        let opened = Files::new(&ours.pem, pair).open(Part::Executor);
        opened.expect_err("nobody would believe it").to_string()
    };
    let expired = ours.sign(&[Part::Executor.name()], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    for (pair, expected) in [
        (foreign.part(Part::Executor), "cannot be used"),
        (expired, "expired"),
        (ours.part(Part::Gateway), "skein certs --executor"),
        (
            ours.sign(&["a.example.com"], |_| {}),
            "executor.skein.internal",
        ),
    ] {
        let message = message(&pair);
        assert!(message.contains(expected), "{message}");
    }
    let [certificate, _] = ours.part(Part::Executor);
    let [_, key] = ours.part(Part::Executor);
    let message = message(&[certificate, key]);
    assert!(message.contains("cannot be used"), "{message}");
}

#[tokio::test]
async fn new_files_are_used_and_wrong_ones_are_not() {
    let (ours, next) = (Authority::new(), Authority::new());
    let files = Files::new(&ours.pem, &ours.part(Part::Executor));
    let executor = files.open(Part::Executor).expect("a good certificate");
    assert!(!executor.reload().expect("nothing has changed"));
    let old = caller(&ours, Some(&ours.part(Part::Gateway)));
    let new = caller(&next, Some(&next.part(Part::Gateway)));
    // One file after the other, as a program that renews them writes them.
    files.put(&next.part(Part::Executor));
    executor.reload().expect_err("its CA is not believed yet");
    echo(&executor, &old).await.expect("as before");
    files.write("ca.crt", &next.pem);
    assert!(executor.reload().expect("they fit"));
    echo(&executor, &new).await.expect("one of the new CA");
    echo(&executor, &old).await.expect_err("the old CA is gone");
}

/// More processes than may prove at once who they are connect and say nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_keeps_nobody_out() {
    const SILENT: usize = 700;
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(5);
    let authority = Authority::new();
    let open = |part| {
        let files = Files::new(&authority.pem, &authority.part(part));
        let identity = files.open(part).expect("certificates");
        (files, identity)
    };
    let (_files, executor) = open(Part::Executor);
    let (_other_files, gateway) = open(Part::Gateway);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it listens");
    let mut entered = Box::pin(crate::connections::incoming(listener, Some(executor)));
    let mut silent = Vec::new();
    let connecting = async {
        for _ in 0..SILENT {
            silent.push(TcpStream::connect(address).await?);
        }
        let stream = TcpStream::connect(address).await?;
        gateway.connect(stream).await
    };
    let both = async { tokio::join!(connecting, entered.next()) };
    let both = tokio::time::timeout(LIMIT, both).await;
    let (connected, entered) = both.expect("it does not wait for the silent ones");
    connected.expect("it proves who it is");
    entered.expect("one enters").expect("and is heard");
}
