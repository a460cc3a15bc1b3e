//! A gateway in a process of its own, so that its memory and its processor time are its own too.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::{Client, QueryError};
use crate::process;

const START_MAX: Duration = Duration::from_mins(1);

/// How a gateway is started.
#[derive(Clone, Debug)]
pub struct GatewayOptions<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its configuration; the address in it is replaced.
    pub configuration: &'a str,
}

/// Whether it answers clients, by letting them in or by refusing them.
fn answers(address: SocketAddr) -> bool {
    !matches!(
        Client::connect(address),
        Err(QueryError::Connection(error)) if error.kind() == io::ErrorKind::ConnectionRefused
    )
}

/// A running `skein serve`.
#[derive(Debug)]
pub struct Gateway {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Gateway {
    /// Starts a gateway and waits until it answers.
    pub fn start(options: &GatewayOptions<'_>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let file = folder.path().join("skein.toml");
        fs::write(&file, options.configuration)?;
        let process = Command::new(options.program)
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .arg("--listen")
            .arg(address.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut gateway = Self {
            process,
            address,
            _folder: folder,
        };
        let deadline = Instant::now() + START_MAX;
        while !answers(address) {
            if let Some(status) = gateway.process.try_wait()? {
                return Err(io::Error::other(format!("skein ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(gateway)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time that it has used.
    pub fn cpu_time(&self) -> Duration {
        process::cpu_time_of(&self.process.id().to_string())
    }

    /// Its resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number
            .and_then(|number| number.parse::<u64>().ok())
            .unwrap_or(0)
            * 1024
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
