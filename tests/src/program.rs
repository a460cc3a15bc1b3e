//! `skein` in processes of its own, for what cannot be tested inside of the test's: signals, kills,
//! and a machine's other processes.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::environment;

/// How long a program may take to start, on a busy machine.
const START_MAX: Duration = Duration::from_mins(1);
/// How long a program may take to end after it has been told to.
const END_MAX: Duration = Duration::from_secs(30);

/// Signals that tests send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End in order.
    Term,
    /// End at once.
    Kill,
    /// Stop without a word.
    Stop,
    /// Go on.
    Cont,
    /// Read files again.
    Hup,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
            Self::Hup => "HUP",
        }
    }
}

/// What a program has said on stderr so far.
#[derive(Default)]
struct Said {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Said {
    fn lines(&self) -> MutexGuard<'_, (Vec<String>, bool)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running `skein`. Killed when dropped.
pub struct Program {
    child: Child,
    said: Arc<Said>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("id", &self.child.id())
            .finish_non_exhaustive()
    }
}

/// The program, as this package builds it.
const PROGRAM: &str = "skein-under-test";

impl Program {
    /// Starts `skein` with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same with variables in its environment.
    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<(String, String)> = variables.iter().map(owned).collect();
        Self::start_in(None, arguments, &variables)
    }

    /// The same in a network namespace.
    pub fn start_in(
        network: Option<&str>,
        arguments: &[&str],
        variables: &[(String, String)],
    ) -> Self {
        let program = environment::program(PROGRAM);
        let mut command = match network {
            None => Command::new(program),
            Some(network) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", network]).arg(program);
                command
            }
        };
        let mut child = command
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let stderr = child.stderr.take().expect("it is piped");
        let said = Arc::new(Said::default());
        let hears = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                hears.lines().0.push(line);
                hears.more.notify_all();
            }
            hears.lines().1 = true;
            hears.more.notify_all();
        });
        Self { child, said }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said.
    pub fn said(&self) -> String {
        self.said.lines().0.join("\n")
    }

    /// Waits until it says something of which `find` makes a value.
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + START_MAX;
        let mut lines = self.said.lines();
        loop {
            if let Some(found) = lines.0.iter().find_map(|line| find(line)) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            let silent = lines.1 || left.is_zero();
            assert!(!silent, "it does not say {what}:\n{}", lines.0.join("\n"));
            let waited = self.said.more.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until it says this, or has ended: says which.
    pub fn comes_up(&mut self, what: &str) -> bool {
        let end = Instant::now() + START_MAX;
        loop {
            if self.said().contains(what) {
                return true;
            }
            assert!(
                Instant::now() < end,
                "it neither starts nor ends:\n{}",
                self.said()
            );
            if !self.runs() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a line has `before`, and reads the address that follows it.
    pub fn address(&self, before: &str) -> SocketAddr {
        self.wait_for(before, |line| {
            let rest = line.split_once(before)?.1;
            let end = rest.find([';', ' ', ',']).unwrap_or(rest.len());
            rest[..end].parse().ok()
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let sent = Command::new("kill")
            .arg(format!("-{}", signal.name()))
            .arg(self.id().to_string())
            .stderr(Stdio::null())
            .status();
        sent.expect("the system can send signals");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(
                start.elapsed() < END_MAX,
                "it does not end:\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
