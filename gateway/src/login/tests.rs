//! Tests of [`super`]: what a client sees, message by message, over a socket in memory.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::pgwire::stream::{Reader, Writer};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn login(text: &str) -> Login {
    let config = Config::from_toml(text, Path::new("/")).expect("a configuration");
    Login::open(&config).expect("it can be opened")
}

fn with_user() -> String {
    let verifier = password::with_salt("pencil", vec![7; 16], 4096);
    format!("[[user]]\nname = \"ann\"\nverifier = \"{verifier}\"\n")
}

fn packet(user: &str) -> StartupPacket {
    StartupPacket {
        user: user.to_owned(),
        database: "sales".to_owned(),
        ..StartupPacket::default()
    }
}

fn sasl(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [b"p", &length.to_be_bytes()[..], body].concat()
}

fn initial(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short");
    sasl(&[b"SCRAM-SHA-256\0", &length.to_be_bytes()[..], message].concat())
}

/// Sends these bytes as one client after another, and gives how each ended.
async fn enter(login: &Login, user: &str, sent: &[u8]) -> (Result<SessionPlace, String>, Vec<u8>) {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let (read, write) = tokio::io::split(server);
    let mut connection = Connection::new(
        Reader::new(Box::new(read)),
        Writer::new(Box::new(write), None),
    );
    client.write_all(sent).await.expect("room");
    client.shutdown().await.expect("open");
    let packet = packet(user);
    let entered = login.enter(&mut connection, &packet, HERE).await;
    let _ = connection.writer.shutdown().await;
    drop(connection);
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    (entered.map_err(|error| error.to_string()), answer)
}

#[tokio::test]
async fn users_without_a_verifier_and_nobody_are_asked_like_anybody() {
    let login = login(&format!("{}[[user]]\nname = \"robot\"\n", with_user()));
    let mut lengths = Vec::new();
    for user in ["ann", "robot", "ghost"] {
        let sent = [
            initial(b"n,,n=,r=abc"),
            sasl(b"c=biws,r=abc,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ]
        .concat();
        let (refused, answer) = enter(&login, user, &sent).await;
        assert_eq!(
            refused.expect_err("the nonce is not the server's"),
            "invalid SCRAM response"
        );
        lengths.push(answer.len());
    }
    assert_eq!(lengths, [lengths[0]; 3]);
}

#[tokio::test]
async fn messages_that_are_not_sasl_are_refused() {
    let login = login(&with_user());
    let first = initial(b"n,,n=,r=abc");
    for (sent, expected) in [
        (
            b"Q\0\0\0\x05\0".to_vec(),
            "expected SASL response, got message type 81",
        ),
        (
            b"p\x7f\xff\xff\xff".to_vec(),
            "password authentication failed for user \"ann\"",
        ),
        (
            b"p\0\0\0\x03".to_vec(),
            "password authentication failed for user \"ann\"",
        ),
        (
            b"p\0\0\x04\x05".to_vec(),
            "password authentication failed for user \"ann\"",
        ),
        (sasl(b""), "invalid string in message"),
        (
            sasl(b"SCRAM-SHA-256\0"),
            "insufficient data left in message",
        ),
        (
            sasl(b"SCRAM-SHA-256\0\0\0\0\x09abc"),
            "insufficient data left in message",
        ),
        (
            sasl(b"SCRAM-SHA-256\0\xff\xff\xff\xfeabc"),
            "insufficient data left in message",
        ),
        (
            sasl(b"SCRAM-SHA-256\0\0\0\0\x01abc"),
            "invalid message format",
        ),
        (
            sasl(b"SCRAM-SHA-256-PLUS\0\xff\xff\xff\xff"),
            "client selected an invalid SASL authentication mechanism",
        ),
        // A first message again in place of the last.
        (
            [&first[..], &sasl(b"n,,n=,r=abc")].concat(),
            "malformed SCRAM message",
        ),
        (
            [&first[..], b"X\0\0\0\x04"].concat(),
            "expected SASL response, got message type 88",
        ),
        (first, "connection closed"),
        (Vec::new(), "connection closed"),
    ] {
        let (refused, _) = enter(&login, "ann", &sent).await;
        assert_eq!(refused.expect_err("refused"), expected, "{sent:?}");
    }
}

#[tokio::test]
async fn a_client_may_choose_before_it_speaks() {
    let login = login(&with_user());
    let sent = [
        sasl(b"SCRAM-SHA-256\0\xff\xff\xff\xff"),
        sasl(b"n,,n=,r=abc"),
    ]
    .concat();
    let (_, answer) = enter(&login, "ann", &sent).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("r=abc"), "{text}");
}

#[tokio::test]
async fn who_is_trusted_still_has_to_exist_and_ask_for_a_database_that_does() {
    let text = format!(
        "[gateway]\ndatabases = [\"sales\"]\n{}[[access]]\nmethod = \"trust\"\n",
        with_user()
    );
    let strict = login(&text);
    let (entered, answer) = enter(&strict, "ann", b"").await;
    entered.expect("a user");
    assert_eq!(answer, b"R\0\0\0\x08\0\0\0\0");
    let (refused, answer) = enter(&strict, "ghost", b"").await;
    assert_eq!(
        refused.expect_err("nobody"),
        "role \"ghost\" does not exist"
    );
    assert_eq!(answer[0], b'R', "after AuthenticationOk");
    let elsewhere = login(&text.replace("sales", "other"));
    let (refused, _) = enter(&elsewhere, "ann", b"").await;
    assert_eq!(
        refused.expect_err("another"),
        "database \"sales\" does not exist"
    );
    let (entered, _) = enter(&login(""), "anybody", b"").await;
    entered.expect("without users any name will do");
}

#[test]
fn trusting_the_network_has_to_be_asked_for() {
    let exposed = |text: &str, address: &str| {
        let config = Config::from_toml(text, Path::new("/")).expect("a configuration");
        let login = Login::open(&config).expect("it can be opened");
        let listen = [address.parse().expect("an address")];
        login.check_exposure(&config, &listen).is_err()
    };
    let everywhere = "0.0.0.0:5433";
    let trust = format!("{}[[access]]\nmethod = \"trust\"\n", with_user());
    let asked = "[gateway.login]\ninsecure_trust_network = true\n";
    let loopback = trust.replace("method", "address = \"loopback\"\nmethod");
    assert!(exposed("", everywhere));
    assert!(exposed("", "[::]:5433"));
    assert!(exposed("", "10.0.0.1:5433"));
    assert!(!exposed("", "127.0.0.1:5433"));
    assert!(!exposed("", "[::1]:5433"));
    assert!(!exposed(asked, everywhere));
    assert!(!exposed(&with_user(), everywhere));
    assert!(exposed(&trust, everywhere));
    assert!(!exposed(&trust, "127.0.0.2:5433"));
    assert!(!exposed(&loopback, everywhere));
    assert!(!exposed(&format!("{asked}{trust}"), everywhere));
}
