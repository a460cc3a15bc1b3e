//! An executor in a process of its own: `skein executor`.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::environment;
use crate::process;

/// The program, as this package builds it.
const PROGRAM: &str = "skein-under-test";
/// The line that says where it listens.
const READY: &str = "skein: executor on ";

/// How an executor is started.
#[derive(Clone, Debug)]
pub struct ExecutorOptions {
    /// The program `skein`; `None`: the one that was built beside the tests.
    pub program: Option<PathBuf>,
    /// The only core it may use.
    pub core: Option<usize>,
    /// What it may read.
    pub folder: PathBuf,
    /// Threads of its DuckDB.
    pub threads: usize,
    /// Memory of its DuckDB.
    pub memory_limit: String,
    /// Where it listens.
    pub listen: String,
}

impl ExecutorOptions {
    /// One thread over `folder`, on a free port.
    pub fn new(folder: &Path) -> Self {
        Self {
            program: None,
            core: None,
            folder: folder.to_path_buf(),
            threads: 1,
            memory_limit: "4GB".to_owned(),
            listen: "127.0.0.1:0".to_owned(),
        }
    }
}

/// A running executor. Killed when dropped.
#[derive(Debug)]
pub struct ExecutorProcess {
    process: Child,
    address: SocketAddr,
}

impl ExecutorProcess {
    /// Starts one and waits until it listens.
    pub fn start(options: &ExecutorOptions) -> io::Result<Self> {
        let program = options.program.clone();
        let program = program.unwrap_or_else(|| environment::program(PROGRAM));
        let mut command = match options.core {
            None => Command::new(program),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &core.to_string()]);
                command.arg(program);
                command
            }
        };
        let mut process = command
            .arg("executor")
            .arg(&options.folder)
            .args(["--listen", &options.listen])
            .args(["--threads", &options.threads.to_string()])
            .args(["--memory-limit", &options.memory_limit])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take();
        let stderr = stderr.ok_or_else(|| io::Error::other("stderr is not there"))?;
        let (sender, lines) = std::sync::mpsc::channel();
        // Reads to the end, so that the process can always write; shows it where a test fails.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                show(&line);
                // The test has heard enough once the executor is ready.
                let _ = sender.send(line);
            }
        });
        let mut said = Vec::new();
        while let Ok(line) = lines.recv_timeout(Duration::from_mins(1)) {
            if let Some(address) = line.strip_prefix(READY) {
                let address = address.parse().map_err(io::Error::other)?;
                return Ok(Self { process, address });
            }
            said.push(line);
        }
        // It has ended, or hangs; either way it is not wanted any more.
        let _ = process.kill();
        let _ = process.wait();
        Err(io::Error::other(format!(
            "an executor does not start: {}",
            said.join("; ")
        )))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process, for `/proc` and signals.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// CPU time that it has used.
    pub fn cpu_time(&self) -> Duration {
        process::cpu_time_of(&self.id().to_string())
    }

    /// Waits until it uses next to no CPU, and says how long that took.
    pub fn idle_within(&self, limit: Duration) -> Option<Duration> {
        process::idle_within_of(&self.id().to_string(), limit)
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        // One that has ended already is ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(
    clippy::print_stderr,
    reason = "what an executor says belongs to the output of its test"
)]
fn show(line: &str) {
    eprintln!("executor: {line}");
}

impl Drop for ExecutorProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
