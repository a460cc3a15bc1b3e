//! A real PostgreSQL beside the gateway, where one is installed.
//!
//! The server runs in a temporary folder on a free port and ends with this value. PostgreSQL
//! refuses to run as root, so root starts it as the user `postgres`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;
use crate::data;

const START_MAX: Duration = Duration::from_mins(1);

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    address: SocketAddr,
    server: Child,
    _folder: TempDir,
}

impl Postgres {
    /// Starts a server with these settings, such as `["-c", "work_mem=1GB"]`. `None` where
    /// PostgreSQL is not installed: the caller says that it skips, and why.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let programs = programs()?;
        Some(Self::start_from(&programs, settings).expect("an installed PostgreSQL starts"))
    }

    fn start_from(programs: &Path, settings: &[&str]) -> io::Result<Self> {
        let root = is_root()?;
        let template = template(programs, root);
        let folder = tempfile::Builder::new()
            .prefix("skein-postgres")
            .tempdir()?;
        let data = folder.path().join("data");
        succeed(
            Command::new("cp")
                .arg("-a")
                .arg(template.join("data"))
                .arg(&data),
        )?;
        if root {
            succeed(
                Command::new("chown")
                    .args(["-R", "postgres"])
                    .arg(folder.path()),
            )?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let server = command(root, &programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-c",
                "fsync=off",
            ])
            .args(["-c", "timezone=UTC", "-c", "unix_socket_directories="])
            .args(settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut postgres = Self {
            address,
            server,
            _folder: folder,
        };
        postgres.wait()?;
        let create = postgres
            .client_of("postgres")?
            .query("CREATE DATABASE skein");
        create.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(postgres)
    }

    /// Where it listens. User and database are called `skein`; no password is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to the database `skein`.
    pub fn client(&self) -> Client {
        self.client_of("skein")
            .expect("PostgreSQL accepts connections")
    }

    fn client_of(&self, database: &str) -> io::Result<Client> {
        Client::connect_with(self.address, &[("user", "skein"), ("database", database)])
            .map_err(|error| io::Error::other(error.to_string()))
    }

    /// Polls until the server accepts connections: there is nothing to be told by.
    fn wait(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while self.client_of("postgres").is_err() {
            if let Some(status) = self.server.try_wait()? {
                return Err(io::Error::other(format!("PostgreSQL ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown; a kill would leave its children behind.
        let process = self.server.id().to_string();
        let _ = Command::new("kill").args(["-INT", &process]).status();
        let _ = self.server.wait();
    }
}

/// The folder of PostgreSQL's server programs: the newest of Debian's, else the one of `initdb`.
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<_> = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(version, folder)| *version >= 15 && folder.join("postgres").is_file())
        .collect();
    folders.sort();
    folders.pop().map(|(_, folder)| folder)
}

/// Text is ordered by its bytes, as Skein does, and letters are those of Unicode.
const LOCALE: [&str; 2] = ["--locale=C", "--lc-ctype=C.UTF-8"];

/// A new cluster of databases, to be copied: making one takes seconds.
fn template(programs: &Path, root: bool) -> PathBuf {
    let key = format!("{} {}", programs.display(), LOCALE.join(" "));
    data::generated("postgres", &key, |result| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let data = folder.path().join("data");
        let made = (|| {
            if root {
                succeed(Command::new("chown").arg("postgres").arg(folder.path()))?;
            }
            succeed(
                command(root, &programs.join("initdb"))
                    .args(["--username=skein", "--auth=trust", "--encoding=UTF8"])
                    .args(LOCALE)
                    .args(["--no-sync", "--pgdata"])
                    .arg(&data),
            )?;
            succeed(
                Command::new("cp")
                    .arg("-a")
                    .arg(&data)
                    .arg(result.join("data")),
            )
        })();
        made.expect("an installed PostgreSQL can make a cluster");
    })
}

/// A command that runs as a user whom PostgreSQL accepts.
pub fn command(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

fn is_root() -> io::Result<bool> {
    let output = Command::new("id").arg("-u").output()?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    )))
}
