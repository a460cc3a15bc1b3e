//! A gateway inside this process, on a free port of loopback, with its executors inside this process
//! or in processes of their own.

use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use skein_config::Config;
use skein_gateway::server::{RunningServer, Server};
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::data;
use crate::executor::{ExecutorOptions, ExecutorProcess};

/// As `skein serve` has it: deep queries are parsed and planned by recursion.
const THREAD_STACK_BYTES: usize = 64 << 20;

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// A generated data set; each of its folders is a relation.
    pub folder: PathBuf,
    /// How many embedded executors.
    pub executors: usize,
    /// How many executors in processes of their own; then split queries run on those.
    pub processes: usize,
    /// Threads of each.
    pub threads: usize,
    /// Further lines of `[gateway]`, such as `connections_max = 5`.
    pub gateway: String,
    /// Further lines of `[executors]`.
    pub executor: String,
    /// Further lines of `[catalog]`.
    pub catalog: String,
}

impl ClusterOptions {
    /// One executor over `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            executors: 1,
            processes: 0,
            threads: 1,
            gateway: String::new(),
            executor: String::new(),
            catalog: String::new(),
        }
    }

    /// The same with this many executors.
    #[must_use]
    pub fn executors(mut self, executors: usize) -> Self {
        self.executors = executors;
        self
    }

    /// The same with this many threads in each executor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The same with this many executors in processes of their own.
    #[must_use]
    pub fn processes(mut self, processes: usize) -> Self {
        self.processes = processes;
        self
    }

    /// The configuration as a file would have it.
    pub fn toml(&self) -> String {
        let mut text = format!(
            "[gateway]\nlisten = [\"127.0.0.1:0\"]\n{}\n\
             [executors]\nembedded = {}\nthreads = {}\n{}\n\
             [catalog]\n{}\n",
            self.gateway, self.executors, self.threads, self.executor, self.catalog
        );
        if !self.executor.contains("memory_limit") {
            text = text.replace("[executors]\n", "[executors]\nmemory_limit = \"4GB\"\n");
        }
        for relation in data::relations(&self.folder) {
            let _ = write!(
                text,
                "\n[[relation]]\nname = \"{}\"\npath = \"{}\"\nformat = \"{}\"\n\
                 hive_partitioning = {}\n",
                relation.name,
                self.folder.join(&relation.glob).display(),
                relation.format,
                relation.hive
            );
        }
        text
    }
}

/// A running gateway. Ends when dropped, with its executors.
pub struct Cluster {
    address: SocketAddr,
    server: Option<RunningServer>,
    runtime: Runtime,
    /// Ended after the gateway.
    processes: Vec<ExecutorProcess>,
}

impl Cluster {
    /// Starts a gateway with these options, after its executors.
    pub fn start(options: &ClusterOptions) -> Self {
        let mut config = Config::from_toml(&options.toml(), &options.folder)
            .expect("the configuration of a test is right");
        let process = |_| {
            ExecutorProcess::start(&ExecutorOptions {
                threads: options.threads,
                ..ExecutorOptions::new(&options.folder)
            })
        };
        let processes: io::Result<Vec<ExecutorProcess>> =
            (0..options.processes).map(process).collect();
        let processes = processes.expect("executors start");
        let nodes = processes.iter().map(|one| one.address().to_string());
        config.executors.nodes.extend(nodes);
        let mut cluster = Self::start_with(config);
        cluster.processes = processes;
        cluster
    }

    /// Starts a gateway with a configuration.
    pub fn start_with(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(THREAD_STACK_BYTES)
            .build()
            .expect("a runtime can be made");
        let server = runtime
            .block_on(Server::start(config))
            .expect("the gateway starts");
        let address = server.addresses()[0];
        Self {
            address,
            server: Some(server),
            runtime,
            processes: Vec::new(),
        }
    }

    /// Its executors in processes of their own.
    pub fn processes(&self) -> &[ExecutorProcess] {
        &self.processes
    }

    /// Kills one of them; it stays in the list.
    pub fn kill_process(&mut self, index: usize) {
        self.processes[index].kill();
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.address).expect("the gateway accepts connections")
    }

    /// A new connection with settings, such as `skein.split = always`.
    pub fn client_with(&self, settings: &[&str]) -> Client {
        let mut client = self.client();
        for setting in settings {
            client
                .query(&format!("SET {setting}"))
                .expect("the setting exists");
        }
        client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
