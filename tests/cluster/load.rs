//! Many statements at once that exchange both sides of a join among many fragments, with a key that half
//! of the rows have. If streams, windows, threads or places could wait for each other, they would here.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use skein_tests::client::Row;
use skein_tests::data;
use skein_tests::fleet::{Fleet, FleetOptions};
use skein_tests::native::Native;
use skein_tests::process::resident_bytes_of;

/// Beyond this somebody waits for ever.
const HANG: Duration = Duration::from_mins(10);

const JOIN: &str = "SELECT count(*), max(l.t), min(r.t), sum(length(l.t) + length(r.t)) \
                    FROM l JOIN r ON l.k = r.k";

/// How much of everything there is.
struct Size {
    name: &'static str,
    left_rows: usize,
    right_rows: usize,
    statements: usize,
    parts: usize,
    rounds: usize,
}

fn relations(size: &Size) -> PathBuf {
    let left = format!(
        "SELECT CASE WHEN i % 2 = 0 THEN 7 WHEN i % 11 = 0 THEN NULL ELSE i % 5000 END AS k, \
         'left ' || i || repeat('x', 150) AS t FROM range({}) r(i)",
        size.left_rows
    );
    let right = format!(
        "SELECT i AS k, 'right ' || i || repeat('y', 300) AS t FROM range({}) r(i)",
        size.right_rows
    );
    let version = format!("{left}{right}1");
    data::generated(size.name, &version, |folder| {
        let native = Native::open(1);
        data::write_parquet(&native, folder, "l", &left, 4);
        data::write_parquet(&native, folder, "r", &right, 4);
    })
}

#[expect(
    clippy::print_stderr,
    reason = "figures belong to the output of the test"
)]
fn many_at_once(size: &Size) {
    let mut fleet = Fleet::start(FleetOptions {
        // Places for all of them, so that none waits for its turn.
        gateway: "connections_max = 1024\nhealth_failures_max = 100".to_owned(),
        executor: ["--memory-limit", "256MB"].map(str::to_owned).to_vec(),
        ..FleetOptions::new(&relations(size), 2)
    });
    let expected: Vec<Row> = {
        let mut client = fleet.client();
        client
            .query("SET skein.split = never")
            .expect("the setting exists");
        client.query(JOIN).expect("the query runs").rows
    };
    let start = Instant::now();
    let threads: Vec<_> = (0..size.statements)
        .map(|_| {
            let mut client = fleet.client();
            for setting in [
                "skein.exchange = hash".to_owned(),
                format!("skein.partitions = {}", size.parts),
            ] {
                client
                    .query(&format!("SET {setting}"))
                    .expect("the setting exists");
            }
            let plan = client.query(&format!("EXPLAIN {JOIN}"));
            let plan = plan.expect("it is explained").rows;
            let lines: Vec<String> = plan.into_iter().flatten().flatten().collect();
            for side in ["hash __s0", "hash __s1"] {
                let exchanged = lines.iter().any(|line| line.trim_start().starts_with(side));
                assert!(exchanged, "{lines:?}");
            }
            let (expected, rounds) = (expected.clone(), size.rounds);
            std::thread::spawn(move || {
                for _ in 0..rounds {
                    assert_eq!(client.query(JOIN).expect("it is answered").rows, expected);
                }
            })
        })
        .collect();
    let mut most = [0, 0];
    while threads.iter().any(|thread| !thread.is_finished()) {
        assert!(start.elapsed() < HANG, "somebody waits for ever");
        for (executor, most) in most.iter_mut().enumerate() {
            *most = resident_bytes_of(&fleet.executor(executor).id().to_string()).max(*most);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    for thread in threads {
        thread.join().expect("the right answer");
    }
    eprintln!(
        "{} statements of {} parts at once, {} times: {:?}, executors had {} and {} MB",
        size.statements,
        size.parts,
        size.rounds,
        start.elapsed(),
        most[0] >> 20,
        most[1] >> 20
    );
}

#[test]
fn exchanges_that_run_at_once_do_not_wait_for_each_other() {
    many_at_once(&Size {
        name: "skewed-small",
        left_rows: 40_000,
        right_rows: 10_000,
        statements: 4,
        parts: 16,
        rounds: 1,
    });
}

#[test]
#[ignore = "minutes; `make test-full` runs it"]
fn many_exchanges_of_many_parts_that_run_at_once_do_not_wait_for_each_other() {
    many_at_once(&Size {
        name: "skewed",
        left_rows: 300_000,
        right_rows: 100_000,
        statements: 8,
        parts: 64,
        rounds: 2,
    });
}
