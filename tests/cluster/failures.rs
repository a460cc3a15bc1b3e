//! What else can happen to processes: they are told to end, die with work to do, have no space left, or
//! are on a network that fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use skein_tests::client::{Client, QueryError};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::fleet::{Fleet, FleetOptions};
use skein_tests::process::{eventually, idle_within_of};
use skein_tests::program::{Program, Signal};

use crate::failure;

/// How long a step may take, on a busy machine.
const STEP_MAX: Duration = Duration::from_mins(1);
/// Runs for hours unless somebody stops it, on every executor.
const ENDLESS: &str = "SELECT count(*) FROM facts a, facts b, facts c, facts d \
                       WHERE hash(a.id, b.id, c.id, d.id) = 7";
/// Takes a second or so.
const LONG: &str =
    "SELECT count(*), sum(hash(a.id, b.id, c.id) % 10) FROM facts a, facts b, facts c";
const BRIEF: &str = "SELECT count(*) FROM facts";

fn fleet(executors: usize, gateway: &str) -> Fleet {
    Fleet::start(FleetOptions {
        gateway: format!("health_interval_ms = 200\n{gateway}"),
        ..FleetOptions::new(&random_relations(Layout::Few), executors)
    })
}

fn first(client: &mut Client, sql: &str) -> String {
    let rows = client.query(sql).expect("the query runs").rows;
    rows[0][0].clone().unwrap_or_default()
}

/// Waits until fragments run on so many executors.
fn wait_until_busy(fleet: &Fleet, executors: usize) {
    let mut client = fleet.client();
    let sql = "SELECT count(*) FROM skein.executors WHERE address IS NOT NULL \
               AND running_fragments > 0";
    eventually("executors are busy", STEP_MAX, || {
        first(&mut client, sql) == executors.to_string()
    });
}

#[test]
fn an_executor_that_is_told_to_end_ends_what_it_runs() {
    let mut fleet = fleet(2, "");
    let mut client = fleet.client();
    let expected = client.query(LONG).expect("the query runs").rows;
    client.send_query(LONG).expect("the query can be sent");
    wait_until_busy(&fleet, 2);
    fleet.signal(0, Signal::Term);
    let rows = client.results().expect("the statement ends").remove(0).rows;
    assert_eq!(rows, expected);
    assert!(fleet.executor(0).wait().success());
    // The other one does everything now.
    assert_eq!(client.query(LONG).expect("the query runs").rows, expected);
}

#[test]
fn what_takes_too_long_for_an_executor_that_ends_starts_anew_elsewhere() {
    let mut fleet = Fleet::start(FleetOptions {
        gateway: "health_interval_ms = 200".to_owned(),
        executor_variables: vec![(
            "SKEIN_EXECUTORS__DRAIN_TIMEOUT_MS".to_owned(),
            "100".to_owned(),
        )],
        ..FleetOptions::new(&random_relations(Layout::Few), 2)
    });
    let mut client = fleet.client();
    let expected = client.query(LONG).expect("the query runs").rows;
    client.send_query(LONG).expect("the query can be sent");
    wait_until_busy(&fleet, 2);
    fleet.signal(0, Signal::Term);
    let rows = client.results().expect("it is answered").remove(0).rows;
    assert_eq!(rows, expected);
    fleet.executor(0).wait();
}

#[test]
fn without_executors_statements_say_so_or_run_in_the_gateway() {
    let mut strict = fleet(1, "health_failures_max = 1");
    strict.kill(0);
    strict.wait_for_state(1, "unreachable");
    let mut client = strict.client();
    // Small statements never needed them.
    client
        .query("SET skein.split = auto")
        .expect("the setting exists");
    assert_eq!(first(&mut client, BRIEF), "501");
    client
        .query("SET skein.split = always")
        .expect("the setting exists");
    let error = client.query(BRIEF).expect_err("nobody can run it");
    let QueryError::Server(error) = error else {
        panic!("the gateway lives: {error:?}");
    };
    assert_eq!(error.fields.get(&'C').map(String::as_str), Some("57P03"));
    let hint = error.fields.get(&'H').map_or("", String::as_str);
    assert!(hint.contains("executors.fallback_embedded"), "{hint}");
    strict.restart(0);
    strict.wait_for_state(1, "healthy");
    assert_eq!(first(&mut client, BRIEF), "501");
    drop(strict);

    let mut mild = fleet(1, "health_failures_max = 1\nfallback_embedded = true");
    mild.kill(0);
    mild.wait_for_state(1, "unreachable");
    assert_eq!(first(&mut mild.client(), BRIEF), "501");
}

#[test]
fn executors_stop_what_they_run_for_a_gateway_that_dies() {
    let mut fleet = fleet(2, "");
    let mut client = fleet.client();
    client.send_query(ENDLESS).expect("the query can be sent");
    wait_until_busy(&fleet, 2);
    fleet.gateway().signal(Signal::Kill);
    fleet.gateway().wait();
    for executor in 0..2 {
        let id = fleet.executor(executor).id().to_string();
        let idle = idle_within_of(&id, Duration::from_secs(1));
        assert!(
            idle.is_some(),
            "an executor goes on for a gateway that is gone"
        );
    }
}

#[test]
fn a_stage_has_a_time_limit_of_its_own() {
    let fleet = fleet(2, "stage_timeout_ms = 1000");
    let mut client = fleet.client();
    let start = Instant::now();
    let (sqlstate, text) = failure(client.query(ENDLESS));
    assert_eq!(sqlstate, "57014", "{text}");
    assert!(text.contains("too long on its executors"), "{text}");
    assert!(start.elapsed() < STEP_MAX, "{:?}", start.elapsed());
    assert_eq!(first(&mut client, BRIEF), "501");
}

/// Runs a program that changes the system; says whether it could.
fn system(command: &str) -> bool {
    let mut words = command.split(' ');
    let program = words.next().unwrap_or_default();
    let status = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// A file system that is nearly full.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().display();
        system(&format!("mount -t tmpfs -o size=4m tmpfs {path}")).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        system(&format!("umount -l {}", self.0.path().display()));
    }
}

#[test]
fn an_executor_without_space_fails_clearly_and_lives_on() {
    let Some(disk) = SmallDisk::mount() else {
        return skipped("this user may not mount a file system");
    };
    let executor = ["--memory-limit", "64MB", "--temp-directory"].map(str::to_owned);
    let mut executor = executor.to_vec();
    executor.push(disk.0.path().to_string_lossy().into_owned());
    let fleet = Fleet::start(FleetOptions {
        executor,
        ..FleetOptions::new(&random_relations(Layout::Few), 2)
    });
    let mut client = fleet.client();
    // Sorting it needs a few hundred megabytes on each executor.
    let sql = "SELECT id FROM (SELECT a.id, row_number() OVER (PARTITION BY a.id % 7 ORDER BY \
               hash(a.id, b.id, c.id)) AS n FROM facts a, facts b, facts c WHERE c.id < 60) t \
               WHERE n = 1";
    client
        .query("SET skein.exchange = hash")
        .expect("the setting exists");
    let (sqlstate, text) = failure(client.query(sql));
    assert!(
        ["53200", "58030"].contains(&sqlstate.as_str()),
        "{sqlstate}: {text}"
    );
    assert_eq!(first(&mut client, BRIEF), "501");
    fleet.wait_for_state(2, "healthy");
}

/// A network of its own, with one cable to this one.
struct Network {
    name: String,
    ours: String,
}

impl Network {
    const OURS: &'static str = "10.213.7.1";
    const THEIRS: &'static str = "10.213.7.2";

    fn new() -> Option<Self> {
        let id = std::process::id() % 100_000;
        let network = Self {
            name: format!("skein{id}"),
            ours: format!("sk{id}"),
        };
        let Self { name, ours } = &network;
        let commands = [
            format!("ip netns add {name}"),
            format!("ip link add {ours} type veth peer name inside netns {name}"),
            format!("ip addr add {}/24 dev {ours}", Self::OURS),
            format!("ip link set {ours} up"),
            format!("ip -n {name} addr add {}/24 dev inside", Self::THEIRS),
            format!("ip -n {name} link set inside up"),
            format!("ip -n {name} link set lo up"),
        ];
        commands.iter().all(|it| system(it)).then_some(network)
    }

    fn cut(&self) {
        assert!(
            system(&format!("ip link set {} down", self.ours)),
            "a cable can be cut"
        );
    }

    fn mend(&self) {
        assert!(
            system(&format!("ip link set {} up", self.ours)),
            "a cable can be mended"
        );
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        system(&format!("ip link del {}", self.ours));
        system(&format!("ip netns del {}", self.name));
    }
}

fn certificates(folder: &Path) {
    let mut made = Program::start(&[
        "certs",
        "--directory",
        &folder.to_string_lossy(),
        "--gateway",
        "g",
        "--executor",
        "e",
    ]);
    assert!(made.wait().success(), "{}", made.said());
}

fn tls(folder: &Path, name: &str) -> Vec<(String, String)> {
    let file = |key: &str, path: PathBuf| {
        let key = format!("SKEIN_EXECUTORS__TLS__{key}");
        (key, path.to_string_lossy().into_owned())
    };
    vec![
        file("CA", folder.join("ca.crt")),
        file("CERTIFICATE", folder.join(format!("{name}.crt"))),
        file("KEY", folder.join(format!("{name}.key"))),
    ]
}

#[test]
fn executors_with_certificates_serve_another_machine_and_are_lost_with_its_network() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    certificates(folder.path());
    let Some(network) = Network::new() else {
        return skipped("this user may not make a network");
    };
    let data = random_relations(Layout::Few);
    let near = FleetOptions {
        gateway: "health_interval_ms = 200\nhealth_timeout_ms = 1000".to_owned(),
        gateway_variables: tls(folder.path(), "g"),
        executor_variables: tls(folder.path(), "e"),
        ..FleetOptions::new(&data, 1)
    };
    let far = Program::start_in(
        Some(&network.name),
        &[
            "executor",
            &data.to_string_lossy(),
            "--listen",
            &format!("{}:0", Network::THEIRS),
            "--threads",
            "1",
            "--memory-limit",
            "1GB",
        ],
        &near.executor_variables,
    );
    let address = far.address("executor on ");
    let fleet = Fleet::start(FleetOptions {
        others: vec![address],
        ..near
    });
    let mut client = fleet.client();
    let expected = client.query(LONG).expect("the query runs").rows;
    let there = format!("SELECT fragments > 0 FROM skein.executors WHERE name = '{address}'");
    assert_eq!(first(&mut client, &there), "t");
    client.send_query(LONG).expect("the query can be sent");
    wait_until_busy(&fleet, 2);
    network.cut();
    let start = Instant::now();
    // Nobody says a word any more; the gateway finds out by asking.
    let rows = client.results().expect("it is answered").remove(0).rows;
    assert_eq!(rows, expected);
    assert!(start.elapsed() < STEP_MAX, "{:?}", start.elapsed());
    network.mend();
    fleet.wait_for_state(2, "healthy");
    assert_eq!(client.query(LONG).expect("the query runs").rows, expected);
}

#[test]
fn without_certificates_executors_stay_on_loopback() {
    let data = random_relations(Layout::Few);
    let mut exposed =
        Program::start(&["executor", &data.to_string_lossy(), "--listen", "0.0.0.0:0"]);
    assert!(!exposed.wait().success());
    let said = exposed.said();
    assert!(said.contains("skein certs"), "{said}");
}

#[test]
fn an_executor_warns_about_a_key_that_everybody_may_read() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    certificates(folder.path());
    let key = folder.path().join("e.key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let data = random_relations(Layout::Few);
    let data = data.to_string_lossy();
    let executor = Program::start_in(
        None,
        &[
            "executor",
            &data,
            "--listen",
            "127.0.0.1:0",
            "--memory-limit",
            "1GB",
        ],
        &tls(folder.path(), "e"),
    );
    executor.wait_for("that its key is no secret", |line| {
        line.contains("everybody on this machine may read the private key")
            .then_some(())
    });
}
