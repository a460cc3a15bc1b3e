//! Passwords: right, wrong, and messages that nobody should send; and what rules make of clients.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use skein_gateway::cli::encrypt::Identity;
use skein_tests::client::{Client, ServerError};
use skein_tests::postgres::Postgres;
use tokio_postgres::config::SslMode;

use crate::server::{Authority, Server, block_on, config, connect, connect_encrypted};

const RULES: &str = "[[access]]\nuser = \"robot\"\nmethod = \"reject\"\n\
                     [[access]]\nuser = [\"trusted\", \"root\"]\nmethod = \"trust\"\n\
                     [[access]]\nuser = [\"ann\", \"ghost\"]\nmethod = \"scram-sha-256\"\n";
const HBA: &str = "host all skein 127.0.0.1/32 trust\nhost all robot 127.0.0.1/32 reject\n\
                   host all trusted,root 127.0.0.1/32 trust\n\
                   host all ann,ghost 127.0.0.1/32 scram-sha-256\n";

/// A PostgreSQL with the users of [`Server`], where one is installed.
fn postgres() -> Option<(Postgres, tempfile::TempDir)> {
    let folder = tempfile::tempdir().expect("a folder");
    // PostgreSQL may run as another user.
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open).expect("the folder is ours");
    let hba = folder.path().join("pg_hba.conf");
    fs::write(&hba, HBA).expect("it can be written");
    let setting = format!("hba_file={}", hba.display());
    let postgres = Postgres::start(&["-c", &setting])?;
    let create = "CREATE ROLE ann LOGIN PASSWORD 'pencil'; CREATE ROLE root LOGIN SUPERUSER; \
                  CREATE ROLE robot LOGIN";
    postgres.client().query(create).expect("a superuser may");
    Some((postgres, folder))
}

/// Both servers, or Skein alone.
fn both() -> (
    Server,
    Option<(Postgres, tempfile::TempDir)>,
    Vec<SocketAddr>,
) {
    let server = Server::start("databases = [\"skein\"]", "", RULES);
    let postgres = postgres();
    let mut addresses = vec![server.address()];
    match &postgres {
        Some((postgres, _)) => addresses.push(postgres.address()),
        None => note("the comparison is skipped: PostgreSQL is not installed"),
    }
    (server, postgres, addresses)
}

#[expect(clippy::print_stdout, reason = "a skip carries its reason")]
fn note(text: &str) {
    println!("{text}");
}

#[test]
fn refusals_are_those_of_postgresql() {
    let (_server, _postgres, addresses) = both();
    for (user, database, password, expected) in [
        (
            "ann",
            "skein",
            "wrong",
            ("28P01", "password authentication failed for user \"ann\""),
        ),
        (
            "ann",
            "skein",
            "",
            ("28P01", "password authentication failed for user \"ann\""),
        ),
        (
            "ghost",
            "skein",
            "pencil",
            ("28P01", "password authentication failed for user \"ghost\""),
        ),
        (
            "ghost",
            "none",
            "pencil",
            ("28P01", "password authentication failed for user \"ghost\""),
        ),
        (
            "ann",
            "none",
            "pencil",
            ("3D000", "database \"none\" does not exist"),
        ),
        (
            "trusted",
            "skein",
            "",
            ("28000", "role \"trusted\" does not exist"),
        ),
        (
            "robot",
            "skein",
            "",
            (
                "28000",
                "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"robot\", \
                 database \"skein\", no encryption",
            ),
        ),
        (
            "stranger",
            "x",
            "",
            (
                "28000",
                "no pg_hba.conf entry for host \"127.0.0.1\", user \"stranger\", \
                 database \"x\", no encryption",
            ),
        ),
    ] {
        for address in &addresses {
            let mut config = config(*address, user, SslMode::Disable);
            config.dbname(database).password(password);
            let refused = block_on(connect(&config)).expect_err("refused");
            assert_eq!(
                (refused.0.as_str(), refused.1.as_str()),
                expected,
                "{address}"
            );
        }
    }
    for address in &addresses {
        for user in ["ann", "root"] {
            let client = block_on(async {
                let client = connect(&config(*address, user, SslMode::Disable)).await?;
                let row = client.query_one("SELECT current_user::text", &[]).await;
                Ok::<String, (String, String)>(row.expect("a query").get(0))
            });
            assert_eq!(client.as_deref(), Ok(user));
        }
    }
}

fn sasl(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [b"p", &length.to_be_bytes()[..], body].concat()
}

fn initial(mechanism: &str, message: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short");
    let name = [mechanism.as_bytes(), b"\0"].concat();
    sasl(&[&name[..], &length.to_be_bytes(), message.as_bytes()].concat())
}

/// Begins as `ann`, answers each request for SASL with the next message, and gives severity,
/// SQLSTATE and message of the error; `Closed` if there is none.
fn converse(address: SocketAddr, answers: &[Vec<u8>]) -> String {
    let mut client = Client::open(address).expect("the server accepts");
    let mut message = BytesMut::new();
    let parameters = [("user", "ann"), ("database", "skein")];
    frontend::startup_message(parameters, &mut message).expect("short");
    client.send(&message).expect("the server reads");
    let mut answers = answers.iter();
    loop {
        match client.receive() {
            Ok(Message::AuthenticationSasl(_) | Message::AuthenticationSaslContinue(_)) => {
                match answers.next() {
                    Some(answer) => client.send(answer).expect("the server reads"),
                    None => return "asked for more".to_owned(),
                }
            }
            Ok(Message::ErrorResponse(body)) => {
                let error = ServerError::read(body.fields()).expect("well formed");
                let fields = ['S', 'C', 'M'].map(|field| error.field(field).to_owned());
                return fields.join(" ");
            }
            Ok(_) => {}
            Err(_) => return "Closed".to_owned(),
        }
    }
}

#[test]
fn messages_that_nobody_should_send_are_answered_as_by_postgresql() {
    let (_server, _postgres, addresses) = both();
    let plain = |message: &str| initial("SCRAM-SHA-256", message);
    let good = plain("n,,n=,r=abcdefgh");
    let proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let mut cases: Vec<Vec<Vec<u8>>> = vec![
        vec![initial("SCRAM-SHA-1", "n,,n=,r=abc")],
        vec![initial(
            "SCRAM-SHA-256-PLUS",
            "p=tls-server-end-point,,n=,r=abc",
        )],
        vec![b"Q\0\0\0\x0dselect 1\0".to_vec()],
        vec![b"p\0\0\x08\0".to_vec()],
        vec![b"p\0\0\0\x03".to_vec()],
        vec![sasl(b"")],
        vec![sasl(b"SCRAM-SHA-256\0\0\0\0\x63abc")],
        vec![sasl(b"SCRAM-SHA-256\0\0\0\0\x01abc")],
        // Chosen first, spoken later; then as a password in clear would be sent.
        vec![
            sasl(b"SCRAM-SHA-256\0\xff\xff\xff\xff"),
            sasl(b"n,,n=,r=abc"),
        ],
        vec![sasl(b"pencil\0")],
        // The first message again in place of the last.
        vec![good.clone(), sasl(b"n,,n=,r=abcdefgh")],
        vec![good.clone(), sasl(b"")],
        vec![
            good.clone(),
            sasl(format!("c=biws,r=abcdefgh,{proof}").as_bytes()),
        ],
        vec![
            good.clone(),
            sasl(format!("c=eSws,r=abcdefgh,{proof}").as_bytes()),
        ],
        vec![good.clone(), sasl(b"c=biws,r=abcdefgh,p=not base64!")],
        vec![good.clone(), sasl(b"c=biws,r=abcdefgh,p=AAAA")],
        vec![good.clone(), sasl(b"c=biws,r=abcdefgh")],
        vec![
            good.clone(),
            sasl(format!("c=biws,r=abcdefgh,{proof},x=y").as_bytes()),
        ],
        vec![
            good.clone(),
            sasl(format!("{proof},c=biws,r=abcdefgh").as_bytes()),
        ],
        vec![good, b"X\0\0\0\x04".to_vec()],
    ];
    for message in [
        "",
        "n",
        "n,,",
        "x,,n=,r=abc",
        "p=tls-server-end-point,,n=,r=abc",
        "p=tls-unique,,n=,r=abc",
        "y,,n=,r=abc",
        "n,a=root,n=,r=abc",
        "n,,m=x,n=,r=abc",
        "n,,r=abc,n=",
        "n,,n=,r=a\u{1}c",
        "n,,n=,r=abc,1=x",
        "n,,n=,r=abc\0",
        "n,,n=root,r=abc,x=ignored",
    ] {
        cases.push(vec![plain(message)]);
    }
    let mut differences = Vec::new();
    for case in &cases {
        let answers: Vec<_> = addresses.iter().map(|a| converse(*a, case)).collect();
        if answers.iter().any(|answer| *answer != answers[0]) {
            let sent: Vec<_> = case
                .iter()
                .map(|sent| sent.escape_ascii().to_string())
                .collect();
            differences.push(format!("{sent:?}\n    {answers:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_verifiers_of_postgresql_work_and_are_never_shown() {
    let Some((postgres, _folder)) = postgres() else {
        return note("skipped: PostgreSQL is not installed");
    };
    let sql = "SELECT rolpassword FROM pg_authid WHERE rolname = 'ann'";
    let rows = postgres.client().query(sql).expect("a superuser may").rows;
    let verifier = rows[0][0].clone().expect("a password was set");
    let moved = format!("[[user]]\nname = \"moved\"\nverifier = \"{verifier}\"\n");
    let server = Server::start("", "", &moved);
    block_on(async {
        let client = connect(&server.config("moved", SslMode::Disable))
            .await
            .expect("welcome");
        let secret = verifier.rsplit(':').next().expect("a key").to_owned();
        for sql in [
            "SELECT * FROM pg_settings",
            "SHOW ALL",
            "SELECT * FROM pg_roles",
            "SELECT * FROM pg_user",
        ] {
            let Ok(messages) = client.simple_query(sql).await else {
                continue;
            };
            for message in messages {
                if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                    let shown = (0..row.len()).filter_map(|index| row.get(index));
                    for value in shown {
                        assert!(!value.contains(&secret) && !value.contains("SCRAM-SHA-256$"));
                    }
                }
            }
        }
    });
}

#[test]
fn a_users_file_is_read_again_and_sessions_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.toml");
    let write = |users: &str| fs::write(&file, users).expect("it can be written");
    write(&crate::server::user("bob", ""));
    let login = format!("users_file = \"{}\"", file.display());
    let server = Server::start("", &login, "");
    let config = server.config("bob", SslMode::Disable);
    block_on(async {
        let session = connect(&config).await.expect("bob is in the file");
        write(&crate::server::user("carol", ""));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while connect(&server.config("carol", SslMode::Disable))
            .await
            .is_err()
        {
            assert!(
                std::time::Instant::now() < deadline,
                "the file is not read again"
            );
        }
        let refused = connect(&config).await.map(drop).expect_err("bob is gone");
        assert_eq!(refused.0, "28P01");
        session
            .simple_query("SELECT 1")
            .await
            .expect("the session goes on");
    });
}

fn identity_of(authority: &Authority, name: &str) -> Identity {
    let (certificate, key) = authority.sign(name);
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    (vec![certificate.expect("PEM")], key.expect("PEM"))
}

#[test]
fn rules_see_encryption_and_certificates() {
    let rules = "[[access]]\nconnection = \"hostssl\"\nuser = \"robot\"\nmethod = \"cert\"\n\
                 [[access]]\nconnection = \"hostssl\"\nuser = \"ann\"\nmethod = \"scram-sha-256\"\n";
    let server = Server::start("", "", rules);
    let identity = |name: &str| identity_of(&server.authority, name);
    let enter = |user: &str, identity| {
        let config = server.config(user, SslMode::Require);
        let encrypt = server.encrypt(identity);
        block_on(async { connect_encrypted(&config, encrypt).await.map(drop) })
    };
    enter("robot", Some(identity("robot"))).expect("it is the robot");
    enter("ann", None).expect("a password over TLS");
    let (code, message) = enter("robot", Some(identity("ann"))).expect_err("it is ann");
    assert_eq!(code, "28000");
    assert_eq!(
        message,
        "certificate authentication failed for user \"robot\""
    );
    let (code, message) = enter("robot", None).expect_err("no certificate");
    assert_eq!(code, "28000");
    assert_eq!(message, "connection requires a valid client certificate");
    let other = Authority::new();
    let forged = enter("robot", Some(identity_of(&other, "robot"))).expect_err("forged");
    assert_eq!(forged.0, "", "the handshake fails: {}", forged.1);
    let refused = block_on(connect(&server.config("ann", SslMode::Disable)));
    let (code, message) = refused.map(drop).expect_err("in clear");
    assert_eq!(code, "28000");
    assert!(
        message.ends_with("database \"skein\", no encryption"),
        "{message}"
    );
}
