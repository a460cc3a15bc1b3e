//! The command line: flags to configuration, then the work of each command.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.

pub mod certs;
pub mod encrypt;
pub mod executor;
pub mod query;
mod table;
pub mod user;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use skein_config::{Config, ConfigError, MemoryLimit, Overrides};
use skein_executor::embedded::MemoryGuard;
use tokio::signal::unix::{SignalKind, signal};

use crate::gateway::{BLOCKING_THREADS_MAX, Gateway};
use crate::server::{Server, StartError};
use crate::session::Session;

/// Stack of every thread: deep queries are parsed and planned by recursion.
const THREAD_STACK_BYTES: usize = 64 * 1024 * 1024;

/// How much of the machine's memory a process may have; more, and its statements are stopped.
const MEMORY_PERCENT_MAX: f64 = 92.0;

/// Query folders of Parquet, CSV and JSON files with any PostgreSQL client.
#[derive(Debug, Parser)]
#[command(
    name = "skein",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "\
Examples:
  skein serve data/                      every file and folder in data/ is a relation
  psql -h 127.0.0.1 -p 5433 -c '\\dt'     look at them with psql
  skein query 'SELECT count(*) FROM events'
  skein check --config skein.toml        find mistakes before serving

Exit codes: 0 done, 1 failed, 2 wrong usage.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve relations to PostgreSQL clients until SIGINT or SIGTERM.
    ///
    /// Running statements may then end, for `gateway.shutdown_timeout_ms`; a second signal ends them
    /// at once.
    #[command(after_help = "\
Examples:
  skein serve data/
      Serves data/. A file data/users.csv is the relation users; a folder of like files, such as
      data/events/day=2026-10-01/part-0.parquet and so on, is the relation events. Quoted globs
      work too: SELECT count(*) FROM \"events/day=2026-10-*/*.parquet\".
  skein serve --relation 'logs=/var/data/logs/*.json' --listen 127.0.0.1:6000
      Serves one relation, named on the command line, on another port.
  skein serve --config skein.toml
      Serves what the configuration names.

Any key of the configuration can be given in the environment as SKEIN_SECTION__KEY, for example
SKEIN_EXECUTORS__MEMORY_LIMIT=4GB. Flags win over the environment, and that over the file.")]
    Serve {
        /// Folder to serve, and the only place that paths in queries may reach.
        dir: Option<PathBuf>,
        #[command(flatten)]
        source: Source,
        /// Address to listen on; can be repeated. Default: 127.0.0.1:5433.
        #[arg(long, value_name = "HOST:PORT")]
        listen: Vec<String>,
    },
    /// Run fragments of queries for gateways until SIGINT or SIGTERM.
    #[command(after_help = "\
Examples:
  skein executor data/ --listen 127.0.0.1:7070
  skein executor --config skein.toml --listen 127.0.0.1:7071 --threads 4 --memory-limit 8GB

A gateway uses executors that its configuration names:
  [executors]
  nodes = [\"127.0.0.1:7070\", \"127.0.0.1:7071\"]

An executor reads the files below DIR, of the relations in FILE and below FILE's allow_paths, and no
others, whatever it is sent; it needs them at the same paths as the gateway. It listens on loopback
only.")]
    Executor(executor::ExecutorArguments),
    /// Validate a configuration and list its relations, their files and columns.
    #[command(after_help = "\
Examples:
  skein check --config skein.toml
  skein check data/

Reads the files' columns as `serve` would, and exits with 1 if a relation cannot be served.")]
    Check {
        /// Folder to check instead of, or besides, a configuration.
        dir: Option<PathBuf>,
        #[command(flatten)]
        source: Source,
    },
    /// Show how a query would be run, without running it.
    #[command(after_help = "\
Example:
  skein explain --config skein.toml 'SELECT day, avg(ms) FROM events GROUP BY day'

Prints the combine query, the fragments with their files and executors, and why anything was not
split. The same text as EXPLAIN gives in a session.")]
    Explain {
        /// Folder whose files are relations.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        #[command(flatten)]
        source: Source,
        /// The query.
        sql: String,
    },
    /// Run statements on a server and print their results as tables.
    #[command(after_help = "\
Examples:
  skein query 'SELECT count(*) FROM events'
  skein query --port 6000 \"SET timezone = 'Europe/Paris'; SELECT now()\"

  skein query --host db.example.com --sslmode verify-full --sslrootcert ca.crt 'SELECT 1'

Speaks the PostgreSQL protocol, so that it works with any PostgreSQL server. A password comes from
PGPASSWORD, from ~/.pgpass, or from the terminal.")]
    Query(query::QueryArguments),
    /// Add, change and remove users who log in with a password.
    #[command(after_help = "\
Examples:
  skein user add --users-file users.toml ann
  pwgen 20 1 | tee ann.password | skein user add --users-file users.toml ann

The password is read from the terminal, or from the first line of stdin. The file holds what proves a
password, never the password itself. A server that has the file notices changes by itself.")]
    User(user::UserArguments),
    /// Print what proves a password, for [[user]] in a configuration.
    #[command(after_help = "\
Example:
  skein hash-password

The password is read from the terminal, or from the first line of stdin.")]
    HashPassword(user::HashArguments),
    /// Make certificates for the gateway and executors of a cluster.
    #[command(after_help = "\
Examples:
  skein certs --directory certs --gateway gateway --executor executor-1 --executor executor-2
      Makes a private CA and a certificate with its key for each of three processes.
  skein certs --directory certs --executor executor-3
      Makes one more, signed by the CA that is there.

Each process needs ca.crt and its own two files, named in [executors.tls] of its configuration.
ca.key can make any process a part of the cluster: keep it away from all of them. To renew a
certificate, remove its two files and call this again; running processes notice the new files.")]
    Certs(certs::CertsArguments),
}

#[derive(Debug, Args)]
struct Source {
    /// Configuration file in TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Relation from a glob, NAME=GLOB or SCHEMA.NAME=GLOB; can be repeated.
    #[arg(long, value_name = "NAME=GLOB")]
    relation: Vec<String>,
}

impl Source {
    fn load(self, directory: Option<PathBuf>, listen: Vec<String>) -> Result<Config, ConfigError> {
        let overrides = Overrides {
            directory,
            listen,
            relations: self.relation,
        };
        Config::load(self.config.as_deref(), &overrides)
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Open(#[from] crate::gateway::OpenError),
    #[error(transparent)]
    Executor(#[from] skein_remote::ServerError),
    #[error("{0}")]
    Query(String),
    #[error("{0}")]
    User(String),
    #[error(transparent)]
    Login(#[from] crate::login::OpenError),
    #[error(transparent)]
    Tls(#[from] skein_remote::tls::TlsError),
    #[error("cannot wait for signals: {0}")]
    Signal(std::io::Error),
    #[error("nothing to read: name a folder, --config FILE or --allow-path DIR")]
    NothingToRead,
    #[error("nothing to serve: name a folder, --config FILE or --relation NAME=GLOB")]
    Nothing,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    crate::cli::log();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start threads: {error}"), 1),
    };
    let ended = runtime.block_on(async { Box::pin(run(cli.command)).await });
    // Statements that could not be stopped must not keep the process.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error @ (CliError::Nothing | CliError::NothingToRead)) => fail(&error.to_string(), 2),
        Err(error) => fail(&error.to_string(), 1),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "messages of a command line program go to stderr"
)]
fn fail(message: &str, code: u8) -> ExitCode {
    eprintln!("skein: {message}");
    ExitCode::from(code)
}

/// Logs to stderr, in colour on a terminal; `RUST_LOG` chooses what.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

async fn run(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Serve {
            dir,
            source,
            listen,
        } => serve(source.load(dir, listen)?).await,
        Command::Executor(arguments) => executor::run(arguments).await,
        Command::Check { dir, source } => check(source.load(dir, Vec::new())?).await,
        Command::Explain { dir, source, sql } => explain(source.load(dir, Vec::new())?, &sql).await,
        Command::Query(arguments) => match query::run(&arguments).await {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(CliError::Query(error)),
        },
        Command::User(arguments) => done(user::run(arguments)),
        Command::HashPassword(arguments) => done(user::hash(&arguments)),
        Command::Certs(arguments) => done(certs::run(&arguments)),
    }
}

fn done(outcome: Result<(), String>) -> Result<ExitCode, CliError> {
    outcome.map(|()| ExitCode::SUCCESS).map_err(CliError::User)
}

fn has_relations(config: &Config) -> bool {
    config.directory.is_some()
        || !config.relations.is_empty()
        || !config.gateway.allow_paths.is_empty()
}

#[expect(
    clippy::print_stderr,
    reason = "messages of a command line program go to stderr"
)]
async fn serve(config: Config) -> Result<ExitCode, CliError> {
    if !has_relations(&config) {
        return Err(CliError::Nothing);
    }
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Signal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Signal)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(CliError::Signal)?;
    let server = Server::start(config).await?;
    let _memory = memory_guard();
    for address in server.addresses() {
        eprintln!(
            "skein: serving on {address}; connect with: psql -h {} -p {}",
            address.ip(),
            address.port()
        );
    }
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => server.reload().await,
        }
    }
    eprintln!("skein: shutting down when running statements have ended; signal again to end them");
    let hurry = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    server.shutdown_hurried(hurry).await;
    Ok(ExitCode::SUCCESS)
}

/// Stops statements before the system ends this process for want of memory.
fn memory_guard() -> Option<MemoryGuard> {
    let limit = MemoryLimit::Percent(MEMORY_PERCENT_MAX).share(1);
    limit.map(MemoryGuard::start)
}

/// Opens a gateway that listens nowhere.
async fn open(config: Config) -> Result<std::sync::Arc<Gateway>, CliError> {
    if !has_relations(&config) {
        return Err(CliError::Nothing);
    }
    Ok(Gateway::open(config, 0).await?)
}

#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
async fn explain(config: Config, sql: &str) -> Result<ExitCode, CliError> {
    let gateway = open(config).await?;
    match Session::explain_text(gateway, sql).await {
        Ok(lines) => {
            for line in lines {
                println!("{line}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let report = error.report();
            let hint = report
                .hint
                .map_or_else(String::new, |hint| format!("\nHINT: {hint}"));
            Err(CliError::Query(format!(
                "ERROR {}: {}{hint}",
                report.code, report.message
            )))
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
#[expect(
    clippy::print_stderr,
    reason = "messages of a command line program go to stderr"
)]
async fn check(config: Config) -> Result<ExitCode, CliError> {
    if !has_relations(&config) {
        return Err(CliError::Nothing);
    }
    crate::login::Login::open(&config)?;
    let report = crate::gateway::check(&config).await?;
    print!("{}", report.relations);
    for problem in &report.problems {
        eprintln!("skein: {problem}");
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
