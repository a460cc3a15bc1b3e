//! Encryption: asked for in both ways, with channels bound to it, and with what must not work.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use skein_gateway::cli::encrypt::{Encrypt, Trust};
use skein_tests::client::Client;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};

use crate::server::{Server, block_on, connect, connect_encrypted};

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSS_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";
const STARTUP: &[u8] = b"\0\0\0\x21\0\x03\0\0user\0ann\0database\0skein\0\0";

#[test]
fn both_ways_lead_to_an_encrypted_session_that_is_bound_to_its_channel() {
    let server = Server::plain();
    for negotiation in [SslNegotiation::Postgres, SslNegotiation::Direct] {
        for binding in [ChannelBinding::Require, ChannelBinding::Disable] {
            let mut config = server.config("ann", SslMode::Require);
            config.ssl_negotiation(negotiation).channel_binding(binding);
            block_on(async {
                let client = connect_encrypted(&config, server.encrypt(None)).await;
                let client = client.expect("the password is right");
                let row = client.query_one("SELECT 40 + 2", &[]).await;
                assert_eq!(row.expect("a query").get::<_, i32>(0), 42);
            });
        }
    }
}

#[test]
fn a_wrong_password_is_wrong_with_tls_too() {
    let server = Server::plain();
    let mut config = server.config("ann", SslMode::Require);
    config
        .password("wrong")
        .channel_binding(ChannelBinding::Require);
    let refused = block_on(connect_encrypted(&config, server.encrypt(None)));
    let (code, message) = refused.map(drop).expect_err("refused");
    assert_eq!(code, "28P01");
    assert_eq!(message, "password authentication failed for user \"ann\"");
}

#[test]
fn where_tls_is_required_nobody_enters_in_clear() {
    let server = Server::start_with_tls("required = true");
    let refused = block_on(connect(&server.config("ann", SslMode::Disable)));
    let (code, message) = refused.map(drop).expect_err("in clear");
    assert_eq!(code, "28000");
    assert_eq!(
        message,
        "no pg_hba.conf entry for host \"127.0.0.1\", user \"ann\", database \"skein\", \
         no encryption"
    );
    let config = server.config("ann", SslMode::Prefer);
    block_on(connect_encrypted(&config, server.encrypt(None))).expect("with TLS");
}

#[test]
fn a_client_that_checks_names_refuses_another_server() {
    let server = Server::plain();
    let other = Server::plain();
    let config = server.config("ann", SslMode::Require);
    let refused = block_on(connect_encrypted(&config, other.encrypt(None)));
    refused.map(drop).expect_err("signed by somebody else");
    let anybody = Encrypt::new(Trust::Anybody, None).expect("no files");
    block_on(connect_encrypted(&config, anybody)).expect("it was not asked who signed");
}

/// Sends bytes and gives what comes back until the server closes.
fn exchange(server: &Server, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
    let limit = Some(Duration::from_secs(20));
    stream.set_read_timeout(limit).expect("a socket");
    stream.write_all(sent).expect("the server reads");
    stream.shutdown(std::net::Shutdown::Write).expect("open");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn nothing_that_was_sent_in_clear_behind_the_request_is_obeyed() {
    let server = Server::plain();
    // A startup packet that somebody in between added: never answered.
    let answer = exchange(&server, &[SSL_REQUEST, STARTUP].concat());
    assert_eq!(answer, b"S", "{}", answer.escape_ascii());
    let answer = exchange(&server, &[GSS_REQUEST, STARTUP].concat());
    assert_eq!(answer.first(), Some(&b'N'));
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("C08P01"), "{text}");
    assert!(text.contains("received unencrypted data after GSSAPI encryption request"));
}

#[test]
fn an_encrypted_client_is_told_that_something_was_added_in_clear() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
    let server = Server::plain();
    let answer = block_on(async {
        let mut stream = tokio::net::TcpStream::connect(server.address()).await?;
        stream.write_all(&[SSL_REQUEST, b"x"].concat()).await?;
        assert_eq!(stream.read_u8().await?, b'S');
        let mut encrypt = server.encrypt(None);
        let connect =
            MakeTlsConnect::<tokio::net::TcpStream>::make_tls_connect(&mut encrypt, "localhost")?;
        let mut stream = connect.connect(stream).await?;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        std::io::Result::Ok(answer)
    });
    let answer = answer.expect("the handshake goes well");
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("C08P01"), "{text}");
    assert!(
        text.contains("received unencrypted data after SSL request"),
        "{text}"
    );
}

#[test]
fn what_is_no_tls_is_closed() {
    let server = Server::plain();
    for sent in [
        // Direct TLS that is none; TLS asked for and then not spoken; asked for twice.
        &b"\x16\x03\x01\0\x05hello"[..],
        b"\x16",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let answer = exchange(&server, sent);
        assert!(!answer.contains(&b'R'), "{}", answer.escape_ascii());
    }
    let mut client = Client::open(server.address()).expect("the server accepts");
    client.send(SSL_REQUEST).expect("the server reads");
    assert_eq!(client.receive_byte().expect("an answer"), b'S');
    client.send(STARTUP).expect("the server reads");
    // An alert of TLS, and the end.
    let mut byte = client.receive_byte();
    while let Ok(found) = byte {
        assert_ne!(found, b'R');
        byte = client.receive_byte();
    }
    block_on(async {
        let config = server.config("ann", SslMode::Require);
        connect_encrypted(&config, server.encrypt(None))
            .await
            .expect("others are well");
    });
}

#[test]
fn new_certificates_are_used_without_a_restart() {
    let (server, other) = (Server::plain(), Server::plain());
    let config = server.config("ann", SslMode::Require);
    block_on(async {
        let before = connect_encrypted(&config, server.encrypt(None)).await;
        let before = before.expect("signed by the authority of before");
        for file in ["server.key", "server.crt"] {
            std::fs::copy(other.path(file), server.path(file)).expect("it can be written");
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut bound = config.clone();
        bound.channel_binding(ChannelBinding::Require);
        while connect_encrypted(&bound, other.encrypt(None))
            .await
            .is_err()
        {
            assert!(
                Instant::now() < deadline,
                "the certificate is not read again"
            );
        }
        let refused = connect_encrypted(&config, server.encrypt(None)).await;
        refused
            .map(drop)
            .expect_err("signed by another authority now");
        before
            .simple_query("SELECT 1")
            .await
            .expect("the session goes on");
    });
}

#[test]
fn cancel_requests_come_encrypted() {
    let server = Server::plain();
    let config = server.config("ann", SslMode::Require);
    block_on(async {
        let client = connect_encrypted(&config, server.encrypt(None)).await;
        let client = client.expect("the password is right");
        let token = client.cancel_token();
        let endless = "SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 3";
        let query = client.simple_query(endless);
        let cancel = async {
            // A request that comes before the statement is forgotten, so it is repeated.
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let asked = token.cancel_query(server.encrypt(None)).await;
                asked.expect("the server takes it");
            }
        };
        let ended = tokio::select! {
            ended = query => ended,
            () = cancel => unreachable!("it goes on"),
            () = tokio::time::sleep(Duration::from_mins(1)) => panic!("not cancelled"),
        };
        let error = ended.expect_err("cancelled");
        assert_eq!(
            error.code().map(|code| code.code().to_owned()).as_deref(),
            Some("57014")
        );
    });
}

#[test]
fn large_results_arrive_whole() {
    let server = Server::plain();
    let config = server.config("ann", SslMode::Require);
    let sql = "SELECT g, repeat('x', 100) FROM generate_series(1, 50000) t(g)";
    let rows = block_on(async {
        let client = connect_encrypted(&config, server.encrypt(None)).await;
        client
            .expect("welcome")
            .query(sql, &[])
            .await
            .expect("a query")
    });
    assert_eq!(rows.len(), 50_000);
    let all_whole = rows.iter().all(|row| row.get::<_, &str>(1).len() == 100);
    assert!(all_whole);
}
