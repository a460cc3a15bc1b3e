//! Executors in processes of their own, each on one core: what a second one gains, and what moving
//! rows costs.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::tpch::queries;
use super::{Format, Gateway, GatewayOptions, Options, Report, configuration, read_all, time};
use crate::client::Client;
use crate::data::benchmark;
use crate::executor::{ExecutorOptions, ExecutorProcess};
use crate::native::Native;
use crate::process;

/// Tries of each statement whose best counts.
const TRIES: usize = 5;
/// Tries of each query on one executor and on two; their medians count. The best would compare the fastest moment of
/// one core with that of two at once, which hardly comes on a machine that is shared.
const PAIRED_TRIES: usize = 9;
/// Tries of a statement that takes about a millisecond; their median counts.
const SMALL_TRIES: usize = 200;
/// Memory of each executor where a join does not fit: about a quarter of one of its sides.
const SCARCE_MEMORY: &str = "150MB";

/// Statements that move rows in different ways, the setting that makes them do so, and what they are.
const EXCHANGES: &[(&str, &str, &str)] = &[
    (
        "gather: sums of lineitem by flag",
        "gather",
        "SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), avg(l_discount), \
         count(*) FROM lineitem GROUP BY 1, 2",
    ),
    (
        "broadcast: the best suppliers of each nation, joined with lineitem",
        "broadcast",
        "SELECT n.s_nationkey, sum(l_extendedprice), count(*) FROM lineitem JOIN (SELECT s_suppkey, \
         s_nationkey FROM supplier QUALIFY row_number() OVER (PARTITION BY s_nationkey ORDER BY \
         s_acctbal DESC) <= 100) n ON l_suppkey = s_suppkey GROUP BY 1",
    ),
    (
        "hash: 1.5 million groups of lineitem, the ten largest",
        "hash",
        "SELECT l_orderkey, sum(l_quantity) AS q, count(*) FROM lineitem GROUP BY 1 \
         ORDER BY q DESC, 1 LIMIT 10",
    ),
    (
        "hash: lineitem joined with orders, 100,000 groups",
        "hash",
        "SELECT o_custkey, sum(l_extendedprice) AS s, count(*) FROM lineitem JOIN orders \
         ON l_orderkey = o_orderkey GROUP BY 1 ORDER BY s DESC, 1 LIMIT 10",
    ),
    (
        "hash: distinct pairs of part and supplier",
        "hash",
        "SELECT count(*) FROM (SELECT DISTINCT l_partkey, l_suppkey FROM lineitem)",
    ),
];

/// A gateway with executors.
struct Machines {
    gateway: Gateway,
    executors: Vec<ExecutorProcess>,
}

impl Machines {
    /// Executor `i` has core `i`, modulo those there are, and one thread; so has the gateway's DuckDB.
    fn start(options: &Options, folder: &Path, executors: usize, memory: &str) -> io::Result<Self> {
        let start = |index| {
            ExecutorProcess::start(&ExecutorOptions {
                program: Some(options.skein.clone()),
                core: Some(index % super::cores()),
                memory_limit: memory.to_owned(),
                ..ExecutorOptions::new(folder)
            })
        };
        let executors: Vec<ExecutorProcess> =
            (0..executors).map(start).collect::<io::Result<_>>()?;
        let nodes: Vec<String> = executors
            .iter()
            .map(|executor| format!("\"{}\"", executor.address()))
            .collect();
        let nodes = format!("[executors]\nnodes = [{}]\n", nodes.join(", "));
        let configuration = configuration(folder, 1, 1).replacen("[executors]\n", &nodes, 1);
        let gateway = Gateway::start(&GatewayOptions {
            program: &options.skein,
            configuration: &configuration,
        })?;
        Ok(Self { gateway, executors })
    }

    /// Of all processes.
    fn cpu_time(&self) -> Duration {
        let executors: Duration = self.executors.iter().map(ExecutorProcess::cpu_time).sum();
        executors + self.gateway.cpu_time()
    }

    /// Wall and processor time of a statement.
    fn run(&self, settings: &[&str], sql: &str) -> Measured {
        let before = self.cpu_time();
        let (wall, read) =
            time(|| read_all(self.gateway.address(), settings, sql, Format::Text, || {}));
        if let Err(error) = read {
            panic!("{sql}: {error}");
        }
        Measured {
            wall,
            cpu: self.cpu_time().saturating_sub(before),
        }
    }
}

/// What a statement took.
#[derive(Clone, Copy, Debug)]
struct Measured {
    wall: Duration,
    cpu: Duration,
}

impl Measured {
    /// No measurement: worse than any.
    const NONE: Self = Self {
        wall: Duration::MAX,
        cpu: Duration::MAX,
    };

    fn better(self, other: Self) -> Self {
        if other.wall < self.wall { other } else { self }
    }

    /// The medians of both.
    fn median(all: &[Self]) -> Self {
        Self {
            wall: median(all.iter().map(|one| one.wall)),
            cpu: median(all.iter().map(|one| one.cpu)),
        }
    }
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

pub(super) fn run(options: &Options, report: &mut Report) {
    let folder = benchmark::tpch(&options.scale);
    let start = |executors, memory| {
        Machines::start(options, &folder, executors, memory).expect("the processes start")
    };
    {
        let machines = [start(1, "4GB"), start(2, "4GB")];
        tpch(options, report, &machines);
        ceiling(report, &folder);
        exchanges(report, &folder, &machines[1]);
    }
    small(options, report, &folder, &start(2, "4GB"));
    scarce(report, &folder, &start(2, SCARCE_MEMORY));
}

fn tpch(options: &Options, report: &mut Report, machines: &[Machines; 2]) {
    let queries = queries();
    report.section(
        &format!("TPC-H, scale factor {}, one and two executors", options.scale),
        &format!(
            "`skein.split = auto`. Each executor is a process with one thread, pinned to a core of its \
             own; the gateway's DuckDB has one thread too. Median of {PAIRED_TRIES}, in turns. CPU is that of all \
             processes."
        ),
        &["Query", "1 executor", "2 executors", "Speed-up", "CPU, 1", "CPU, 2"],
    );
    let mut totals = [Duration::ZERO; 4];
    for (number, sql) in &queries {
        let mut all = [Vec::new(), Vec::new()];
        for _ in 0..PAIRED_TRIES {
            for (all, machines) in all.iter_mut().zip(machines) {
                all.push(machines.run(&[], sql));
            }
        }
        let medians = all.map(|all| Measured::median(&all));
        let [one, two] = medians;
        let times = [one.wall, two.wall, one.cpu, two.cpu];
        for (total, time) in totals.iter_mut().zip(times) {
            *total += time;
        }
        report.row(&speed_up(number, times));
    }
    report.row(&speed_up("all", totals));
}

/// What two instances of one thread gain here over one, each with half of the files and nothing to combine: no more can
/// be had from a second core.
fn ceiling(report: &mut Report, folder: &Path) {
    report.section(
        "What a second core gives",
        &format!(
            "DuckDB alone with one thread, and two of them at once with half of lineitem each, whose rows nobody \
             combines. Median of {PAIRED_TRIES}, in turns."
        ),
        &["Query", "One", "Two at once", "Speed-up"],
    );
    let files = std::fs::read_dir(folder.join("lineitem")).expect("lineitem is there");
    let mut files: Vec<String> = files
        .flatten()
        .map(|file| format!("'{}'", file.path().display()))
        .collect();
    files.sort();
    let over = |files: Vec<&str>| {
        let native = Native::open(1);
        native.run(&format!(
            "CREATE VIEW lineitem AS FROM read_parquet([{}])",
            files.join(", ")
        ));
        native
    };
    let every = |step: usize, first: usize| {
        over(
            files
                .iter()
                .skip(first)
                .step_by(step)
                .map(String::as_str)
                .collect(),
        )
    };
    let (whole, halves) = (every(1, 0), [every(2, 0), every(2, 1)]);
    for (number, sql) in queries()
        .iter()
        .filter(|(number, _)| number == "1" || number == "6")
    {
        let run = |native: &Native| {
            native
                .connection()
                .query(sql)
                .expect("DuckDB runs the query");
        };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..PAIRED_TRIES {
            one.push(time(|| run(&whole)).0);
            let both = || {
                std::thread::scope(|scope| {
                    scope.spawn(|| run(&halves[0]));
                    run(&halves[1]);
                });
            };
            two.push(time(both).0);
        }
        let (one, two) = (median(one.into_iter()), median(two.into_iter()));
        report.row(&[
            number.clone(),
            milliseconds(one),
            milliseconds(two),
            format!("{:.2}", one.as_secs_f64() / two.as_secs_f64()),
        ]);
    }
}

fn speed_up(name: &str, [one, two, cpu_one, cpu_two]: [Duration; 4]) -> Vec<String> {
    vec![
        name.to_owned(),
        milliseconds(one),
        milliseconds(two),
        format!("{:.2}", one.as_secs_f64() / two.as_secs_f64()),
        milliseconds(cpu_one),
        milliseconds(cpu_two),
    ]
}

fn exchanges(report: &mut Report, folder: &Path, machines: &Machines) {
    let native = Native::open(1);
    native.create_views(folder);
    report.section(
        "Moving rows",
        &format!(
            "Two executors as above, the exchange forced by `skein.split = always` and `skein.exchange`, \
             against DuckDB alone with one thread. Best of {TRIES}. The last column is the processor time \
             of all of Skein's processes against DuckDB's."
        ),
        &["Statement", "DuckDB", "Skein", "Ratio", "CPU, DuckDB", "CPU, Skein", "Ratio of CPU"],
    );
    for (name, exchange, sql) in EXCHANGES {
        let exchange = format!("skein.exchange = {exchange}");
        let settings = ["skein.split = always", exchange.as_str()];
        let (mut alone, mut split) = (Measured::NONE, Measured::NONE);
        for _ in 0..TRIES {
            let before = process::cpu_time();
            let (wall, rows) = time(|| native.connection().query(sql));
            rows.expect("DuckDB runs the statement");
            let cpu = process::cpu_time().saturating_sub(before);
            alone = alone.better(Measured { wall, cpu });
            split = split.better(machines.run(&settings, sql));
        }
        let ratio = |ours: Duration, theirs: Duration| {
            format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64())
        };
        report.row(&[
            (*name).to_owned(),
            milliseconds(alone.wall),
            milliseconds(split.wall),
            ratio(split.wall, alone.wall),
            milliseconds(alone.cpu),
            milliseconds(split.cpu),
            ratio(split.cpu, alone.cpu),
        ]);
    }
}

/// Statements that should not be distributed, and what it costs if they are.
fn small(options: &Options, report: &mut Report, folder: &Path, machines: &Machines) {
    let embedded = Gateway::start(&GatewayOptions {
        program: &options.skein,
        configuration: &configuration(folder, 2, 1),
    })
    .expect("the gateway starts");
    report.section(
        "Small statements",
        &format!(
            "Median of {SMALL_TRIES}, over one connection: with two executors inside the gateway, and with \
             two in processes of their own."
        ),
        &["Statement", "Embedded", "Processes", "Added"],
    );
    let few = "SELECT n_regionkey, count(*) FROM nation GROUP BY 1 ORDER BY 1";
    for (name, setting, sql) in [
        ("SELECT 1", "auto", "SELECT 1"),
        ("25 rows, auto", "auto", few),
        ("25 rows, forced to an executor", "always", few),
    ] {
        let setting = format!("SET skein.split = {setting}");
        let mut clients = [&embedded, &machines.gateway].map(|gateway| {
            let mut client =
                Client::connect(gateway.address()).expect("the gateway accepts connections");
            client.query(&setting).expect("the setting exists");
            client
        });
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..SMALL_TRIES {
            for (client, times) in clients.iter_mut().zip(&mut times) {
                let (wall, rows) = time(|| client.query(sql));
                rows.expect("the statement runs");
                times.push(wall);
            }
        }
        let [embedded, processes] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        let fine = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        report.row(&[
            name.to_owned(),
            fine(embedded),
            fine(processes),
            fine(processes.saturating_sub(embedded)),
        ]);
    }
}

/// A join of two sides that are each larger than the memory of an executor.
fn scarce(report: &mut Report, folder: &Path, machines: &Machines) {
    let sql = "SELECT count(*), sum(length(a.l_comment) + length(b.l_comment)), \
               sum(a.l_extendedprice - b.l_extendedprice) FROM lineitem a JOIN lineitem b \
               ON a.l_orderkey = b.l_orderkey AND a.l_linenumber = b.l_linenumber";
    let native = Native::open(1);
    native.create_views(folder);
    let (alone, expected) = time(|| native.query(sql));
    let expected = expected.expect("DuckDB runs the statement");
    let mut client =
        Client::connect(machines.gateway.address()).expect("the gateway accepts connections");
    for setting in ["skein.split = always", "skein.exchange = hash"] {
        client
            .query(&format!("SET {setting}"))
            .expect("the setting exists");
    }
    let (wall, rows) = time(|| client.query(sql));
    let rows = rows.expect("the join ends");
    assert_eq!(rows.rows, expected, "the join gives what DuckDB gives");
    report.section(
        "A join that does not fit",
        &format!(
            "lineitem with itself by order and line, exchanged by hash, on two executors with {SCARCE_MEMORY} \
             each; DuckDB alone has no limit."
        ),
        &["DuckDB", "Skein", "Ratio"],
    );
    report.row(&[
        milliseconds(alone),
        milliseconds(wall),
        format!("{:.2}", wall.as_secs_f64() / alone.as_secs_f64()),
    ]);
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
