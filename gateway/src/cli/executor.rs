//! `skein executor`: a process that runs fragments for gateways.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use skein_config::{Config, MemoryLimit, Overrides};
use skein_executor::EmbeddedOptions;
use skein_executor::engine::DatabaseOptions;
use skein_remote::tls::{Identity, Part};
use skein_remote::{Link, Server, ServerOptions, StateReply};
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, has_relations};
use crate::gateway::{file_access, fragments_max, temp_directory};

/// What `skein executor` is told.
#[derive(Debug, Args)]
pub struct ExecutorArguments {
    /// Folder whose files fragments may read.
    dir: Option<PathBuf>,
    /// Address to listen on. Port 0 takes any free port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7070")]
    listen: String,
    /// Configuration file in TOML: the gateway's, or one with [executors] and what may be read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Another folder whose files fragments may read; can be repeated.
    #[arg(long, value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// Threads of DuckDB. Default: as configured, else all cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Memory of DuckDB, such as 4GB or 50%. Default: as configured, else 80%.
    #[arg(long, value_name = "AMOUNT")]
    memory_limit: Option<MemoryLimit>,
    /// Folder for what does not fit into memory. Default: as configured, else the system's.
    #[arg(long, value_name = "DIR")]
    temp_directory: Option<PathBuf>,
}

/// Serves until a signal, then until fragments have ended or their time is over.
#[expect(
    clippy::print_stderr,
    reason = "messages of a command line program go to stderr"
)]
pub(super) async fn run(arguments: ExecutorArguments) -> Result<ExitCode, CliError> {
    let config = configuration(&arguments)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Signal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Signal)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(CliError::Signal)?;
    let identity = Identity::open(&config.executor_tls, Part::Executor)?;
    // Removed with everything in it when this function ends.
    let spilled = temp_directory(&config)?;
    let settings = &config.executors;
    let fragments_max = fragments_max(settings.connections_max, 1);
    let server = Server::bind(ServerOptions {
        listen: arguments.listen,
        executor: EmbeddedOptions {
            database: DatabaseOptions {
                threads: (settings.threads > 0).then_some(settings.threads),
                memory_limit: settings.memory_limit.duckdb_setting(1),
                temp_directory: Some(spilled.path().join("executor")),
                file_access: file_access(&config),
                ..DatabaseOptions::default()
            },
            // A fragment that has a place never waits for a connection.
            connections_max: u32::try_from(fragments_max).unwrap_or(u32::MAX),
            connection_timeout: Duration::from_millis(settings.connection_timeout_ms),
            ..EmbeddedOptions::default()
        },
        link: Link {
            identity: identity.clone(),
            connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
            ..Link::default()
        },
        fragments_max,
        memory_bytes: settings.memory_limit.share(1),
        waiting_bytes_max: settings.waiting_bytes_max,
        waiting_directory: spilled.path().to_path_buf(),
        // Only local files can be read so far.
        credentials: BTreeSet::new(),
        versions: StateReply::of_this_program(),
    })
    .await?;
    let _memory = super::memory_guard();
    eprintln!("skein: executor on {}", server.address());
    let (sender, stopping) = tokio::sync::oneshot::channel::<()>();
    let serving = server.serve(async move {
        // A sender that is gone asks for the same.
        let _ = stopping.await;
    });
    let mut serving = std::pin::pin!(serving);
    let mut reloads = tokio::time::interval(reload_interval(&config));
    loop {
        tokio::select! {
            ended = &mut serving => {
                ended?;
                return Ok(ExitCode::FAILURE);
            }
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => reload(identity.as_ref()).await,
            _ = reloads.tick(), if config.executor_tls.reload_ms > 0 => {
                reload(identity.as_ref()).await;
            }
        }
    }
    eprintln!("skein: shutting down when fragments have ended; signal again to end them");
    drop(sender);
    let limit = Duration::from_millis(settings.drain_timeout_ms);
    tokio::select! {
        ended = tokio::time::timeout(limit, serving) => {
            // Those that are left lose their connections, and start anew elsewhere.
            if let Ok(ended) = ended {
                ended?;
            }
        }
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn reload_interval(config: &Config) -> Duration {
    Duration::from_millis(config.executor_tls.reload_ms.max(1))
}

/// Reads certificates again if they have changed.
pub(crate) async fn reload(identity: Option<&Arc<Identity>>) {
    let Some(identity) = identity.map(Arc::clone) else {
        return;
    };
    let reload = tokio::task::spawn_blocking(move || identity.reload()).await;
    if let Ok(Err(error)) = reload {
        tracing::error!(%error, "certificates could not be read again; those of before are used");
    }
}

/// The configuration with what the command line says.
fn configuration(arguments: &ExecutorArguments) -> Result<Config, CliError> {
    let overrides = Overrides {
        directory: arguments.dir.clone(),
        ..Overrides::default()
    };
    let mut config = Config::load(arguments.config.as_deref(), &overrides)?;
    for path in &arguments.allow_path {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let path = path.to_string_lossy().into_owned();
        config.gateway.allow_paths.push(path);
    }
    if !has_relations(&config) {
        return Err(CliError::NothingToRead);
    }
    if let Some(threads) = arguments.threads {
        config.executors.threads = threads;
    }
    if let Some(limit) = arguments.memory_limit {
        config.executors.memory_limit = limit;
    }
    if let Some(folder) = &arguments.temp_directory {
        config.executors.temp_directory = folder.to_string_lossy().into_owned();
    }
    Ok(config)
}
