//! The ways in which the same query is run.

use skein_tests::client::{Client, QueryError, ResultSet};
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::compare::{self, Order};
use skein_tests::data::sets::Layout;
use skein_tests::native::Native;
use std::path::{Path, PathBuf};

/// A gateway, and how it is told to run queries.
pub(crate) struct Mode {
    /// Shown in failures.
    pub(crate) name: &'static str,
    client: Client,
    // Dropped after the client.
    _cluster: Cluster,
}

/// The mode with an exchange by hash among executors.
pub(crate) const BY_HASH: &str = "by hash on 3";
/// The mode in which fragments read ranges of a key.
pub(crate) const BY_RANGE: &str = "by range on 3";

/// A gateway with executors in processes of their own.
pub(crate) struct OnProcesses {
    name: &'static str,
    processes: usize,
    layout: Layout,
    /// Besides `skein.split = always`.
    settings: &'static [&'static str],
}

/// One, two and three processes, and each exchange.
pub(crate) const ON_PROCESSES: &[OnProcesses] = &[
    OnProcesses {
        name: "gather on 1 process",
        processes: 1,
        layout: Layout::Few,
        settings: &["skein.exchange = gather"],
    },
    OnProcesses {
        name: "hash on 2 processes",
        processes: 2,
        layout: Layout::Few,
        settings: &["skein.exchange = hash"],
    },
    OnProcesses {
        name: "broadcast on 3 processes",
        processes: 3,
        layout: Layout::Few,
        settings: &["skein.exchange = broadcast"],
    },
    OnProcesses {
        name: "many tiny files on 3 processes",
        processes: 3,
        layout: Layout::Many,
        settings: &[],
    },
    OnProcesses {
        name: "hash into 64 parts on 3 processes",
        processes: 3,
        layout: Layout::Few,
        settings: &["skein.exchange = hash", "skein.partitions = 64"],
    },
    OnProcesses {
        name: "ranges on 2 processes",
        processes: 2,
        layout: Layout::Many,
        settings: &["skein.exchange = range"],
    },
];

/// Whole on one executor; split on one, on three, and over many tiny files.
pub(crate) struct Modes {
    whole: Mode,
    split: Vec<Mode>,
    native: Option<Native>,
    compare_native: bool,
}

impl Modes {
    /// Starts a gateway per mode over data in each layout.
    pub(crate) fn start(data: impl Fn(Layout) -> PathBuf) -> Self {
        let (few, many) = (data(Layout::Few), data(Layout::Many));
        // With more threads a join in DuckDB 1.5.5 sometimes changes which rows a DISTINCT ON below it
        // picks. Skein keeps joins from that.
        let native = Native::open(1);
        native.create_views(&few);
        Self {
            whole: mode("never", &few, 1, &["skein.split = never"]),
            split: vec![
                threaded(
                    "always on 1, two threads",
                    &few,
                    1,
                    &["skein.split = always"],
                ),
                mode("always on 3", &few, 3, &["skein.split = always"]),
                mode("many tiny files", &many, 3, &["skein.split = always"]),
            ],
            native: Some(native),
            compare_native: true,
        }
    }

    /// Split on three executors with rows exchanged by hash, among the executors and among `parts`
    /// fragments over many tiny files, with relations sent to every fragment, and by ranges of a key.
    pub(crate) fn exchanged(data: impl Fn(Layout) -> PathBuf, parts: usize) -> Self {
        let (few, many) = (data(Layout::Few), data(Layout::Many));
        let (always, hash) = ("skein.split = always", "skein.exchange = hash");
        let parts = format!("skein.partitions = {parts}");
        let broadcast = "skein.exchange = broadcast";
        Self {
            whole: mode("never", &few, 1, &["skein.split = never"]),
            split: vec![
                mode(BY_HASH, &few, 3, &[always, hash]),
                threaded("by hash in parts", &many, 3, &[always, hash, &parts]),
                mode("broadcast to 3", &few, 3, &[always, broadcast]),
                mode(
                    "by range on 3",
                    &many,
                    3,
                    &[always, "skein.exchange = range"],
                ),
            ],
            native: None,
            compare_native: false,
        }
    }

    /// The lines of EXPLAIN in the mode of this name.
    pub(crate) fn explain(&mut self, name: &str, sql: &str) -> Vec<String> {
        let mut modes = self.split.iter_mut();
        let mode = modes.find(|mode| mode.name == name);
        let result = mode
            .expect("there is such a mode")
            .client
            .query(&format!("EXPLAIN {sql}"))
            .expect("it is planned");
        let rows = result.rows.into_iter();
        rows.filter_map(|mut row| row.swap_remove(0)).collect()
    }

    /// Whole on one executor in this process; split on executors in processes of their own.
    pub(crate) fn on_processes(
        data: impl Fn(Layout) -> PathBuf,
        wanted: impl IntoIterator<Item = &'static OnProcesses>,
    ) -> Self {
        let split = wanted.into_iter().map(|wanted| {
            let options = ClusterOptions::new(&data(wanted.layout)).processes(wanted.processes);
            let mut settings = vec!["skein.split = always"];
            settings.extend(wanted.settings);
            started(wanted.name, &options, &settings)
        });
        Self {
            whole: mode("never", &data(Layout::Few), 1, &["skein.split = never"]),
            split: split.collect(),
            native: None,
            compare_native: false,
        }
    }

    /// The same without DuckDB alone: for queries whose values it gives in another form.
    pub(crate) fn without_native(mut self) -> Self {
        self.native = None;
        self
    }

    /// Whether values are compared with DuckDB alone from now on, if it is there at all.
    pub(crate) fn compare_native(&mut self, wanted: bool) {
        self.compare_native = wanted;
    }

    /// Changes a setting in every mode, such as `skein.split = never`.
    pub(crate) fn set(&mut self, setting: &str) {
        for mode in std::iter::once(&mut self.whole).chain(&mut self.split) {
            let set = mode.client.query(&format!("SET {setting}"));
            set.expect("the setting exists");
        }
    }

    /// Runs `sql` in every mode. The error lists what differs.
    pub(crate) fn check(&mut self, sql: &str, order: Order) -> Result<Checked, String> {
        let whole = self.whole.client.query(sql);
        if is_late(&whole) {
            return Ok(Checked::Late);
        }
        let mut differences = Vec::new();
        if self.compare_native
            && let Some(native) = &self.native
            && let Ok(result) = &whole
        {
            match native.query(sql) {
                Ok(rows) => {
                    if let Err(difference) = compare::same_values(&rows, result, order) {
                        differences.push(format!("[native DuckDB] {difference}"));
                    }
                }
                Err(error) => differences.push(format!("[native DuckDB] fails: {error}")),
            }
        }
        for mode in &mut self.split {
            let split = mode.client.query(sql);
            if is_late(&split) {
                return Ok(Checked::Late);
            }
            if let Err(difference) = same_outcome(&whole, &split, order) {
                differences.push(format!("[{}] {difference}", mode.name));
            }
        }
        if !differences.is_empty() {
            return Err(format!("{}\n{sql}", differences.join("\n")));
        }
        Ok(whole.map_or_else(|error| Checked::Fails(error.to_string()), |_| Checked::Rows))
    }
}

/// What every mode agreed on.
#[derive(Debug)]
pub(crate) enum Checked {
    /// These rows.
    Rows,
    /// This error, or one with the same SQLSTATE.
    Fails(String),
    /// Nothing: some mode was not done within `statement_timeout`.
    Late,
}

fn is_late(outcome: &Result<ResultSet, QueryError>) -> bool {
    matches!(outcome, Err(error) if error.sqlstate() == "57014")
}

fn mode(name: &'static str, folder: &Path, executors: usize, settings: &[&str]) -> Mode {
    let options = ClusterOptions::new(folder).executors(executors);
    started(name, &options, settings)
}

/// With two threads in each executor, which may meet rows in another order.
fn threaded(name: &'static str, folder: &Path, executors: usize, settings: &[&str]) -> Mode {
    let options = ClusterOptions::new(folder).executors(executors).threads(2);
    started(name, &options, settings)
}

fn started(name: &'static str, options: &ClusterOptions, settings: &[&str]) -> Mode {
    let cluster = Cluster::start(options);
    let client = cluster.client_with(settings);
    Mode {
        name,
        client,
        _cluster: cluster,
    }
}

fn same_outcome(
    expected: &Result<ResultSet, QueryError>,
    actual: &Result<ResultSet, QueryError>,
    order: Order,
) -> Result<(), String> {
    match (expected, actual) {
        (Ok(expected), Ok(actual)) => compare::same(expected, actual, order),
        (Err(expected), Err(actual)) if expected.sqlstate() == actual.sqlstate() => Ok(()),
        (Err(expected), Err(actual)) => Err(format!("fails: {actual}\n  instead of: {expected}")),
        (Ok(_), Err(actual)) => Err(format!("fails: {actual}")),
        (Err(expected), Ok(_)) => Err(format!("succeeds instead of failing: {expected}")),
    }
}

/// Fails with every difference that was found.
pub(crate) fn report(subject: &str, checked: usize, failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} of {checked} {subject} differ:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}
