//! A gateway with its executors inside this process, on a free port of loopback.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use skein_config::Config;
use skein_gateway::server::{RunningServer, Server};
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::data;

/// As `skein serve` has it: deep queries are parsed and planned by recursion.
const THREAD_STACK_BYTES: usize = 64 << 20;

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// A generated data set; each of its folders is a relation.
    pub folder: PathBuf,
    /// How many embedded executors.
    pub executors: usize,
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

/// A running gateway. Ends when dropped.
pub struct Cluster {
    address: SocketAddr,
    server: Option<RunningServer>,
    runtime: Runtime,
}

impl Cluster {
    /// Starts a gateway with these options.
    pub fn start(options: &ClusterOptions) -> Self {
        let config = Config::from_toml(&options.toml(), &options.folder)
            .expect("the configuration of a test is right");
        Self::start_with(config)
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
        }
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
