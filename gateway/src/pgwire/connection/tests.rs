//! The loop over an in-memory socket, with a handler that does as its messages say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use super::*;
use crate::pgwire::cancel::{CancelHandle, CancelRegistry};

/// `ok`, `fail`, `panic`, `hang`; counts what was dropped while it ran.
#[derive(Clone)]
struct Script {
    dropped: Arc<AtomicBool>,
    idle: Option<Duration>,
    handle: CancelHandle,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            dropped: Arc::default(),
            idle: None,
            handle: CancelRegistry::default().register(0).handle.clone(),
        }
    }
}

struct OnDrop(Arc<AtomicBool>);
impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Handler for Script {
    async fn handle(&mut self, message: Message, writer: &mut Writer) -> Result<(), GatewayError> {
        let text = match message {
            Message::Query(text) => text,
            Message::Parse { query, .. } => query,
            _ => return Ok(()),
        };
        match text.as_str() {
            "fail" => Err(GatewayError::Canceled),
            "panic" => panic!("on purpose"),
            "hang" => {
                let _kept = OnDrop(Arc::clone(&self.dropped));
                std::future::pending().await
            }
            _ => {
                writer.out().command_complete("OK");
                Ok(())
            }
        }
    }

    fn end_of_cycle(&mut self, _: &mut Outgoing) {}

    fn failed(&mut self) {}

    fn status(&self) -> TransactionStatus {
        TransactionStatus::Idle
    }

    fn termination(&self) -> Termination {
        self.handle.termination()
    }

    fn idle_limit(&self) -> Option<(Duration, GatewayError)> {
        self.idle.map(|limit| (limit, GatewayError::IdleSession))
    }
}

struct Client {
    socket: DuplexStream,
    server: JoinHandle<()>,
    shutdown: watch::Sender<Shutdown>,
}

fn connect(script: Script) -> Client {
    let (socket, server) = tokio::io::duplex(1 << 16);
    let (read, write) = tokio::io::split(server);
    let shutdown = watch::Sender::new(Shutdown::Running);
    let reader = Reader::new(Box::new(read));
    let writer = Writer::new(Box::new(write), None);
    let server = tokio::spawn(run(script, reader, writer, shutdown.subscribe(), 1 << 20));
    Client {
        socket,
        server,
        shutdown,
    }
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', format!("{text}\0").as_bytes())
}

fn parse(text: &str) -> Vec<u8> {
    message(b'P', format!("\0{text}\0\0\0").as_bytes())
}

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.socket
            .write_all(bytes)
            .await
            .expect("the server reads");
    }

    /// Tags of messages up to ReadyForQuery or the end.
    async fn tags(&mut self) -> String {
        let mut tags = String::new();
        loop {
            let mut head = [0; 5];
            if self.socket.read_exact(&mut head).await.is_err() {
                return tags + ".";
            }
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let mut body = vec![0; length as usize - 4];
            self.socket
                .read_exact(&mut body)
                .await
                .expect("a whole message");
            tags.push(char::from(head[0]));
            if head[0] == b'Z' {
                return tags;
            }
        }
    }
}

#[tokio::test]
async fn errors_in_extended_messages_skip_to_sync() {
    let mut client = connect(Script::default());
    client
        .send(&[parse("fail"), parse("ok"), query("ok"), message(b'S', b"")].concat())
        .await;
    assert_eq!(client.tags().await, "EZ");
    client.send(&[query("fail"), query("ok")].concat()).await;
    assert_eq!(client.tags().await, "EZ");
    assert_eq!(client.tags().await, "CZ");
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_statement() {
    let mut client = connect(Script::default());
    client.send(&[query("panic"), query("ok")].concat()).await;
    assert_eq!(client.tags().await, "EZ");
    assert_eq!(client.tags().await, "CZ");
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_statement() {
    let script = Script::default();
    let mut client = connect(script.clone());
    client.send(&query("hang")).await;
    // Half of the next message is no reason to stay.
    client.send(&query("ok")[..3]).await;
    drop(client.socket);
    client.server.await.expect("no panic");
    assert!(script.dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn shutdown_ends_idle_sessions_first_and_statements_later() {
    let mut idle = connect(Script::default());
    idle.shutdown.send_replace(Shutdown::Draining);
    assert_eq!(idle.tags().await, "E.");
    let script = Script::default();
    let mut busy = connect(script.clone());
    busy.send(&query("hang")).await;
    while busy.shutdown.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    busy.shutdown.send_replace(Shutdown::Terminating);
    assert_eq!(busy.tags().await, "E.");
}

#[tokio::test]
async fn another_session_ends_it_whatever_it_does() {
    for messages in [&[][..], &query("hang")] {
        let script = Script::default();
        let mut client = connect(script.clone());
        client.send(messages).await;
        script.handle.terminate();
        assert_eq!(client.tags().await, "E.");
    }
}

#[tokio::test]
async fn a_silent_client_is_told_and_left() {
    let idle = Some(Duration::from_millis(1));
    let mut client = connect(Script {
        idle,
        ..Script::default()
    });
    assert_eq!(client.tags().await, "E.");
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the seed of a failure has to be seen")]
async fn garbage_never_panics_and_always_ends() {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..500 {
        let mut client = connect(Script::default());
        let mut bytes = [query("ok"), parse("ok"), message(b'B', b"\0\0\0\0\0\0\0\0")].concat();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        let _ = client.socket.write_all(&bytes).await;
        let _ = client.socket.shutdown().await;
        let mut answer = Vec::new();
        let _ = client.socket.read_to_end(&mut answer).await;
        client.server.await.expect("no panic");
    }
}
