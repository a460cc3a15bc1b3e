//! Limits of logins: slow clients, many clients, and many wrong passwords.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio_postgres::config::SslMode;

use crate::server::{Server, block_on, connect};

const START: &[u8] = b"\0\0\0\x21\0\x03\0\0user\0ann\0database\0skein\0\0";

/// Waits until the server closes, and gives what it said.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).expect("a socket");
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("still open"),
        _ => answer,
    }
}

#[test]
fn clients_that_take_long_are_closed_and_disturb_nobody() {
    let server = Server::start("startup_timeout_ms = 700", "", "");
    let started = Instant::now();
    let open = || TcpStream::connect(server.address()).expect("the server accepts");
    let mut slow: Vec<TcpStream> = (0..60).map(|_| open()).collect();
    for (index, stream) in slow.iter_mut().enumerate() {
        // Nothing, part of a packet, a packet without an answer to the question for a password.
        let sent: &[u8] = [b"", &START[..9], START][index % 3];
        stream.write_all(sent).expect("the server reads");
    }
    block_on(connect(&server.config("ann", SslMode::Disable))).expect("nobody is in the way");
    for stream in &mut slow {
        // A byte now and then changes nothing.
        let _ = stream.write_all(b"\0");
        rest(stream);
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn the_longest_login_gives_way_to_the_next_client() {
    let server = Server::start("", "unauthenticated_per_address_max = 4", "");
    let open = || TcpStream::connect(server.address()).expect("the server accepts");
    let mut slow: Vec<TcpStream> = (0..4).map(|_| open()).collect();
    let config = server.config("ann", SslMode::Disable);
    let (code, message) = block_on(connect(&config))
        .map(drop)
        .expect_err("no room yet");
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("53300", "sorry, too many clients already")
    );
    // After a second the others have had their time; waiting for it is the test.
    std::thread::sleep(Duration::from_millis(1_200));
    block_on(connect(&config)).expect("the first gives way");
    assert!(rest(&mut slow[0]).is_empty());
}

#[test]
fn places_are_kept_for_administrators_and_come_back() {
    let limits = "[[user]]\nname = \"few\"\nconnections_max = 1\n\
                  [[access]]\nuser = [\"few\", \"root\"]\nmethod = \"trust\"\n\
                  [[access]]\nmethod = \"scram-sha-256\"\n";
    let server = Server::start("connections_max = 4", "reserved_connections = 2", limits);
    let enter = |user: &str| block_on(connect(&server.config(user, SslMode::Disable)));
    block_on(async {
        let connect = |user: &str| {
            let config = server.config(user, SslMode::Disable);
            async move { connect(&config).await }
        };
        let few = connect("few").await.expect("a place");
        let refused = connect("few").await.map(drop).expect_err("one is enough");
        let expected = (
            "53300".to_owned(),
            "too many connections for role \"few\"".to_owned(),
        );
        assert_eq!(refused, expected);
        let _ann = connect("ann").await.expect("a place");
        let refused = connect("ann").await.map(drop).expect_err("two are kept");
        assert_eq!(refused.0, "53300");
        assert_eq!(
            refused.1,
            "remaining connection slots are reserved for non-replication superuser connections"
        );
        let _first = connect("root").await.expect("a kept place");
        let _second = connect("root").await.expect("a kept place");
        let refused = connect("root").await.map(drop).expect_err("full");
        assert_eq!(refused.1, "sorry, too many clients already");
        drop(few);
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    while enter("few").is_err() {
        assert!(Instant::now() < deadline, "places do not come back");
    }
}

#[test]
fn wrong_passwords_make_their_address_wait_and_lock_nobody_out() {
    let server = Server::start("", "failures_free = 2\nfailure_delay_max_ms = 400", "");
    let mut wrong = server.config("ann", SslMode::Disable);
    wrong.password("wrong");
    let mut waits = Vec::new();
    for _ in 0..6 {
        let started = Instant::now();
        let refused = block_on(connect(&wrong)).map(drop).expect_err("wrong");
        assert_eq!(refused.0, "28P01");
        waits.push(started.elapsed());
    }
    // Two are free, and the third is the first that waits: 100, 200, 400 ms.
    assert!(waits[5] >= Duration::from_millis(400), "{waits:?}");
    let started = Instant::now();
    let right = server.config("ann", SslMode::Disable);
    block_on(connect(&right)).expect("who knows the password gets in");
    assert!(started.elapsed() < Duration::from_secs(10));
    // Another address of this machine has not failed.
    let mut elsewhere = server.config("root", SslMode::Disable);
    elsewhere.hostaddr([127, 0, 0, 1].into());
    let other = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
    let entered = block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(other).expect("an address of loopback");
        let stream = socket.connect(server.address()).await.expect("it listens");
        let started = Instant::now();
        let connected = elsewhere.connect_raw(stream, tokio_postgres::NoTls).await;
        connected.map(drop).map(|()| started.elapsed())
    });
    let took = entered.expect("the password is right");
    assert!(took < Duration::from_millis(350), "{took:?}");
}

#[test]
fn five_hundred_logins_at_once_all_end_and_a_query_runs_on() {
    let server = Server::plain();
    let config = server.config("root", SslMode::Disable);
    let started = Instant::now();
    let entered = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(async {
            let query = connect(&config).await.expect("welcome");
            let long = "SELECT count(*) FROM range(30000000) t(i) WHERE i % 7 = 3";
            let running = tokio::spawn(async move { query.simple_query(long).await.map(drop) });
            let logins = (0..500).map(|_| {
                let config = config.clone();
                tokio::spawn(async move { connect(&config).await.map(drop) })
            });
            let logins: Vec<_> = logins.collect();
            let mut entered = 0;
            for login in logins {
                match login.await.expect("no panic") {
                    Ok(()) => entered += 1,
                    Err((code, message)) => assert_eq!(code, "53300", "{message}"),
                }
            }
            running.await.expect("no panic").expect("the query goes on");
            entered
        });
    assert!(entered >= 150, "{entered} of 500");
    assert!(
        started.elapsed() < Duration::from_secs(50),
        "{:?}",
        started.elapsed()
    );
}
