//! A network that is as slow as a test wants it: passes bytes between clients and an address.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that are passed on at once; each such piece may have to wait.
const PIECE_BYTES: usize = 16 * 1024;
/// How often a connection that passes nothing looks whether it may again.
const LOOK: Duration = Duration::from_millis(5);

/// Listens on loopback until the process ends.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    pace: Arc<Pace>,
}

#[derive(Debug, Default)]
struct Pace {
    /// Each piece waits so long, in each direction.
    wait_micros: AtomicU64,
    /// Nothing is passed on.
    holds: AtomicBool,
    /// New connections end at once.
    refuses: AtomicBool,
    /// Bytes that have been passed on.
    passed: AtomicU64,
}

impl Proxy {
    /// Begins to pass connections on to `target`, as fast as it can.
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let pace = Arc::new(Pace::default());
        let own = Arc::clone(&pace);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if own.refuses.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(target) else {
                    // Nobody listens there: the client sees its connection end.
                    continue;
                };
                let both = [client.try_clone(), server.try_clone()];
                if let [Ok(from), Ok(to)] = both {
                    pass(client, to, &own);
                    pass(server, from, &own);
                }
            }
        });
        Self { address, pace }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes every 16 kB, or what there is, wait so long in each direction.
    pub fn slow(&self, wait: Duration) {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.pace.wait_micros.store(micros, Ordering::Relaxed);
    }

    /// Passes nothing on, or goes on where it was.
    pub fn hold(&self, holds: bool) {
        self.pace.holds.store(holds, Ordering::Relaxed);
    }

    /// Ends new connections at once, or takes them again; those that there are go on.
    pub fn refuse(&self, refuses: bool) {
        self.pace.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Bytes that have been passed on so far.
    pub fn passed(&self) -> u64 {
        self.pace.passed.load(Ordering::Relaxed)
    }
}

/// Passes on what comes from one side, in a thread, until either ends.
fn pass(mut from: TcpStream, mut to: TcpStream, pace: &Arc<Pace>) {
    let pace = Arc::clone(pace);
    std::thread::spawn(move || {
        let passed = pass_all(&mut from, &mut to, &pace);
        // However it has ended, both sides are to know.
        drop(passed);
        let _ = from.shutdown(std::net::Shutdown::Both);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

fn pass_all(from: &mut TcpStream, to: &mut TcpStream, pace: &Pace) -> io::Result<()> {
    to.set_nodelay(true)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        let micros = pace.wait_micros.load(Ordering::Relaxed);
        // Slowness is what it is for.
        std::thread::sleep(Duration::from_micros(micros));
        while pace.holds.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
        to.write_all(&piece[..count])?;
        pace.passed.fetch_add(count as u64, Ordering::Relaxed);
    }
}
