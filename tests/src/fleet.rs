//! A gateway and executors, each in a process of its own, that can be killed, stopped and started again.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;
use crate::data;
use crate::process::eventually;
use crate::program::{Program, Signal};

/// How long a change of an executor may take to be noticed, on a busy machine.
const NOTICE_MAX: Duration = Duration::from_mins(1);

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// A generated data set.
    pub folder: PathBuf,
    /// How many executors.
    pub executors: usize,
    /// Further lines of `[executors]` in the gateway.
    pub gateway: String,
    /// Further arguments of each executor.
    pub executor: Vec<String>,
    /// Variables in the gateway's environment.
    pub gateway_variables: Vec<(String, String)>,
    /// Variables in the environment of each executor.
    pub executor_variables: Vec<(String, String)>,
    /// Executors that somebody else has started.
    pub others: Vec<SocketAddr>,
}

impl FleetOptions {
    /// Executors of one thread over `folder`.
    pub fn new(folder: &Path, executors: usize) -> Self {
        Self {
            folder: folder.to_path_buf(),
            executors,
            gateway: String::new(),
            executor: Vec::new(),
            gateway_variables: Vec::new(),
            executor_variables: Vec::new(),
            others: Vec::new(),
        }
    }
}

/// An executor; `None` while it is not there.
struct Executor {
    address: SocketAddr,
    program: Option<Program>,
}

/// Running processes. Killed when dropped.
pub struct Fleet {
    options: FleetOptions,
    executors: Vec<Executor>,
    gateway: Program,
    address: SocketAddr,
    _files: TempDir,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Fleet {
    /// Starts executors, and a gateway that uses them, and waits until all of them are in use.
    pub fn start(options: FleetOptions) -> Self {
        Self::start_with(options, |fleet| {
            let known = fleet.options.executors + fleet.options.others.len();
            fleet.wait_for_state(known, "healthy");
        })
    }

    /// The same, and waits as `ready` does.
    pub fn start_with(options: FleetOptions, ready: impl FnOnce(&Self)) -> Self {
        let executors: Vec<Executor> = (0..options.executors)
            .map(|_| {
                let program = start_executor(&options, "127.0.0.1:0");
                let address = program.address("executor on ");
                let program = Some(program);
                Executor { address, program }
            })
            .collect();
        let files = tempfile::tempdir().expect("a folder can be made");
        let config = files.path().join("skein.toml");
        std::fs::write(&config, toml(&options, &executors)).expect("a file can be written");
        let arguments = ["serve", "--config", &config.to_string_lossy()];
        let gateway = Program::start_in(None, &arguments, &options.gateway_variables);
        let address = gateway.address("serving on ");
        let fleet = Self {
            options,
            executors,
            gateway,
            address,
            _files: files,
        };
        ready(&fleet);
        fleet
    }

    /// A new connection to the gateway, whose queries are split.
    pub fn client(&self) -> Client {
        let mut client = Client::connect(self.address).expect("the gateway accepts connections");
        client
            .query("SET skein.split = always")
            .expect("the setting exists");
        client
    }

    /// How many executors it has.
    pub fn size(&self) -> usize {
        self.executors.len()
    }

    /// The gateway.
    pub fn gateway(&mut self) -> &mut Program {
        &mut self.gateway
    }

    /// `HOST:PORT` of an executor.
    pub fn address_of(&self, executor: usize) -> SocketAddr {
        self.executors[executor].address
    }

    /// The process of an executor that is there.
    pub fn executor(&mut self, executor: usize) -> &mut Program {
        let program = &mut self.executors[executor].program;
        program.as_mut().expect("the executor is there")
    }

    /// Kills an executor, and waits until its process is gone.
    pub fn kill(&mut self, executor: usize) {
        drop(self.executors[executor].program.take());
    }

    /// Starts an executor again where it was.
    pub fn restart(&mut self, executor: usize) {
        let address = self.executors[executor].address;
        let start = Instant::now();
        loop {
            let mut program = start_executor(&self.options, &address.to_string());
            if program.comes_up("executor on ") {
                self.executors[executor].program = Some(program);
                return;
            }
            // The system may have lent the port to a connection in the meantime.
            assert!(start.elapsed() < NOTICE_MAX, "{}", program.said());
        }
    }

    /// Waits until the gateway knows so many executors in a state, and says how long that took.
    pub fn wait_for_state(&self, count: usize, state: &str) -> Duration {
        let mut client = Client::connect(self.address).expect("the gateway accepts connections");
        let sql = format!(
            "SELECT count(*) FROM skein.executors WHERE address IS NOT NULL AND state = '{state}'"
        );
        let start = Instant::now();
        eventually("executors are in the state", NOTICE_MAX, || {
            let rows = client.query(&sql).expect("executors are shown").rows;
            rows[0][0].as_deref() == Some(count.to_string().as_str())
        });
        start.elapsed()
    }

    /// Sends a signal to an executor.
    pub fn signal(&mut self, executor: usize, signal: Signal) {
        self.executor(executor).signal(signal);
    }
}

fn start_executor(options: &FleetOptions, listen: &str) -> Program {
    let folder = options.folder.to_string_lossy();
    let mut arguments = vec!["executor", &folder, "--listen", listen, "--threads", "1"];
    if !options.executor.iter().any(|it| it == "--memory-limit") {
        arguments.extend(["--memory-limit", "1GB"]);
    }
    arguments.extend(options.executor.iter().map(String::as_str));
    Program::start_in(None, &arguments, &options.executor_variables)
}

fn toml(options: &FleetOptions, executors: &[Executor]) -> String {
    let own = executors.iter().map(|executor| executor.address);
    let all = own.chain(options.others.iter().copied());
    let nodes: Vec<String> = all.map(|address| format!("\"{address}\"")).collect();
    let mut text = format!(
        "[gateway]\nlisten = [\"127.0.0.1:0\"]\n\n[executors]\nthreads = 1\n\
         memory_limit = \"1GB\"\nnodes = [{}]\n{}\n",
        nodes.join(", "),
        options.gateway
    );
    for relation in data::relations(&options.folder) {
        let _ = write!(
            text,
            "\n[[relation]]\nname = \"{}\"\npath = \"{}\"\nformat = \"{}\"\n\
             hive_partitioning = {}\n",
            relation.name,
            options.folder.join(&relation.glob).display(),
            relation.format,
            relation.hive
        );
    }
    text
}
