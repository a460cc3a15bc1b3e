//! Logins and encryption: what they cost, and what a storm of logins does to a query.
//!
//! ```text
//! 500 logins a second ─► gateway ◄─ one session, one query after another
//!  (each its own task)     │
//!                          └─► let in, refused with which SQLSTATE; queries a second beside it
//! ```
//!
//! Logins of the storm are begun by the clock, whether those before have ended or not, as an attacker's
//! would be. With a wrong password they send a proof of zeros, so that the client has nothing to compute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use skein_gateway::login::password;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    Format, Gateway, GatewayOptions, Login, Options, Report, Session, configuration, cores, time,
};
use crate::data::benchmark;

const PASSWORD: &str = "pencil";
/// PostgreSQL's `scram_iterations`.
const ITERATIONS: u32 = 4096;
/// Tries of a long result; the best counts.
const TRIES: usize = 3;
/// Logins one after another.
const LOGINS: u32 = 200;
/// Logins of the storm.
const LOGINS_PER_SECOND: u64 = 500;
/// What runs beside the storm.
const QUERY: &str = "SELECT count(*), sum(id), max(a) FROM wide";
/// How long a login of the storm is waited for.
const LOGIN_MAX: Duration = Duration::from_secs(30);

/// A gateway with a user, a password and a certificate.
struct Secured {
    gateway: Gateway,
    tls: Arc<ClientConfig>,
    _folder: tempfile::TempDir,
}

impl Secured {
    fn start(options: &Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let key = KeyPair::generate().expect("a key can be made");
        let params = CertificateParams::new(vec!["localhost".to_owned()]);
        let certificate = params
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate can be made");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("it can be written");
        };
        write("server.crt", &certificate.pem());
        write("server.key", &key.serialize_pem());
        let mut text = configuration(&benchmark::wide(), 1, cores());
        let path = folder.path().display();
        let _ = write!(
            text,
            "\n[gateway.tls]\ncertificate = \"{path}/server.crt\"\nkey = \"{path}/server.key\"\n\
             [[user]]\nname = \"skein\"\nverifier = \"{}\"\n",
            password::verifier(PASSWORD, ITERATIONS)
        );
        let gateway = Gateway::start(&GatewayOptions {
            program: &options.skein,
            configuration: &text,
        })
        .expect("the gateway starts");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(certificate.der().to_vec()))
            .expect("the certificate is one");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            gateway,
            tls: Arc::new(tls),
            _folder: folder,
        }
    }

    fn login(&self, encrypted: bool) -> Login {
        Login {
            password: Some(PASSWORD),
            tls: encrypted.then(|| Arc::clone(&self.tls)),
        }
    }

    fn open(&self, encrypted: bool) -> Session {
        Session::open(self.gateway.address(), &self.login(encrypted)).expect("it is let in")
    }
}

pub(super) fn run(options: &Options, report: &mut Report) {
    let secured = Secured::start(options);
    encryption(&secured, report);
    logins(&secured, report);
    storm(
        &secured,
        Duration::from_secs(options.pgbench_seconds),
        report,
    );
}

fn encryption(secured: &Secured, report: &mut Report) {
    report.section(
        "Encryption",
        &format!(
            "`SELECT * FROM wide`, in clear and by TLS. Best of {TRIES}. The client decrypts on the same \
             cores."
        ),
        &["Format", "In clear", "TLS", "Speed of TLS"],
    );
    for format in [Format::Text, Format::Binary] {
        let mut best = [Duration::MAX; 2];
        for _ in 0..TRIES {
            for encrypted in [false, true] {
                let mut session = secured.open(encrypted);
                let (elapsed, count) = time(|| session.run("SELECT * FROM wide", format, || {}));
                assert_eq!(
                    count.expect("the rows can be read").rows,
                    benchmark::WIDE_ROWS
                );
                let best = &mut best[usize::from(encrypted)];
                *best = elapsed.min(*best);
            }
        }
        let [clear, encrypted] = best.map(|best| best.as_secs_f64());
        report.row(&[
            format!("{format:?}"),
            format!("{clear:.2} s"),
            format!("{encrypted:.2} s"),
            format!("{:.2}", clear / encrypted),
        ]);
    }
}

fn logins(secured: &Secured, report: &mut Report) {
    report.section(
        "Logins",
        &format!(
            "SCRAM-SHA-256 with {ITERATIONS} iterations, {LOGINS} logins one after another. Processor time \
             is the gateway's; the time is also the client's, who does most of the work."
        ),
        &["Connection", "Processor time of a login", "Time of a login"],
    );
    for encrypted in [false, true] {
        let before = secured.gateway.cpu_time();
        let (elapsed, ()) = time(|| (0..LOGINS).for_each(|_| drop(secured.open(encrypted))));
        let used = secured.gateway.cpu_time().saturating_sub(before);
        let each = |time: Duration| format!("{:.2} ms", (time / LOGINS).as_secs_f64() * 1e3);
        report.row(&[
            if encrypted { "TLS" } else { "In clear" }.to_owned(),
            each(used),
            each(elapsed),
        ]);
    }
}

/// How a login of the storm ended.
type Ends = BTreeMap<String, u64>;

fn storm(secured: &Secured, length: Duration, report: &mut Report) {
    report.section(
        "A storm of logins",
        &format!(
            "{LOGINS_PER_SECOND} logins a second for {} seconds, beside one session that runs `{QUERY}` \
             again and again. Gateway, clients and query share the cores.",
            length.as_secs()
        ),
        &[
            "Logins",
            "How they ended",
            "Queries per second alone",
            "Beside the storm",
            "Ratio",
        ],
    );
    // One session for all: after a storm there may be no place for another one for a while.
    let mut session = secured.open(false);
    for wrong in [false, true] {
        let alone = queries_per_second(&mut session, || std::thread::sleep(length));
        let mut ends = Ends::new();
        let beside = queries_per_second(&mut session, || {
            ends = offer(secured.gateway.address(), wrong, length);
        });
        let ends: Vec<String> = ends
            .iter()
            .map(|(end, count)| format!("{count} {end}"))
            .collect();
        report.row(&[
            if wrong {
                "wrong password"
            } else {
                "right password"
            }
            .to_owned(),
            ends.join(", "),
            format!("{alone:.1}"),
            format!("{beside:.1}"),
            format!("{:.2}", beside / alone),
        ]);
    }
}

/// How many queries end in a second while `work` lasts.
fn queries_per_second(session: &mut Session, work: impl FnOnce()) -> f64 {
    let (over, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let run = session.run(QUERY, Format::Text, || {});
                run.expect("the query runs, whatever happens beside it");
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (elapsed, ()) = time(work);
        let ended = count.load(Ordering::Relaxed);
        over.store(true, Ordering::Relaxed);
        // Counts are far below what a double holds exactly.
        u32::try_from(ended).map_or(f64::MAX, f64::from) / elapsed.as_secs_f64()
    })
}

/// Begins logins by the clock, and counts how they end.
fn offer(address: SocketAddr, wrong: bool, length: Duration) -> Ends {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let start = Instant::now();
        let mut begun = tokio::task::JoinSet::new();
        let mut ends = Ends::new();
        let mut clock = tokio::time::interval(Duration::from_millis(1000 / LOGINS_PER_SECOND));
        while start.elapsed() < length {
            clock.tick().await;
            begun.spawn(async move {
                match tokio::time::timeout(LOGIN_MAX, enter(address, wrong)).await {
                    Ok(Ok(())) => "let in".to_owned(),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "unanswered".to_owned(),
                }
            });
            while let Some(Ok(end)) = begun.try_join_next() {
                *ends.entry(end).or_default() += 1;
            }
        }
        // What has not ended with the storm is not waited for.
        let pending = u64::try_from(begun.len()).unwrap_or(u64::MAX);
        begun.abort_all();
        if pending > 0 {
            ends.insert("still waiting at the end".to_owned(), pending);
        }
        ends
    })
}

/// Logs in; the error is the server's SQLSTATE.
async fn enter(address: SocketAddr, wrong: bool) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let mut answer = BytesMut::new();
    frontend::startup_message([("user", "skein"), ("database", "skein")], &mut answer)?;
    let mut received = BytesMut::new();
    let mut scram = ScramSha256::new(PASSWORD.as_bytes(), ChannelBinding::unsupported());
    loop {
        stream.write_all(&answer).await?;
        answer.clear();
        let message = loop {
            if let Some(message) = Message::parse(&mut received)? {
                break message;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Err(io::Error::other("closed"));
            }
        };
        match message {
            Message::AuthenticationSasl(_) => {
                frontend::sasl_initial_response("SCRAM-SHA-256", scram.message(), &mut answer)?;
            }
            Message::AuthenticationSaslContinue(body) if wrong => {
                let first = String::from_utf8_lossy(body.data()).into_owned();
                let nonce = first.split(',').next().unwrap_or_default();
                let proof = format!("c=biws,{nonce},p={}=", "A".repeat(43));
                frontend::sasl_response(proof.as_bytes(), &mut answer)?;
            }
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data())?;
                frontend::sasl_response(scram.message(), &mut answer)?;
            }
            Message::ErrorResponse(body) => {
                let mut fields = body.fields();
                while let Some(field) = fields.next()? {
                    if field.type_() == b'C' {
                        let state = String::from_utf8_lossy(field.value_bytes()).into_owned();
                        return Err(io::Error::other(format!("refused ({state})")));
                    }
                }
                return Err(io::ErrorKind::InvalidData.into());
            }
            Message::ReadyForQuery(_) => return Ok(()),
            _ => {}
        }
    }
}
