//! What EXPLAIN says about executors in other processes, and errors that come from there.

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, random_relations};
use skein_tests::executor::ExecutorProcess;

use crate::{cluster, failure};

const SPLIT: &str = "SELECT k, count(*), sum(id) FROM facts GROUP BY k";

fn lines(client: &mut Client, sql: &str) -> Vec<String> {
    let result = client.query(sql).expect("EXPLAIN works");
    let line = |row: Vec<Option<String>>| row.into_iter().flatten().collect();
    result.rows.into_iter().map(line).collect()
}

#[test]
fn explain_names_the_executors() {
    let cluster = cluster(2);
    let mut client = cluster.client_with(&["skein.split = always"]);
    let text = lines(&mut client, &format!("EXPLAIN {SPLIT}")).join("\n");
    for process in cluster.processes() {
        let on = format!("on {}: ", process.address());
        assert!(text.contains(&on), "{text}");
    }
    assert!(
        text.contains("0 on embedded-0"),
        "the root is here:\n{text}"
    );
}

#[test]
fn explain_analyze_shows_what_each_fragment_did() {
    let cluster = cluster(2);
    let mut client = cluster.client_with(&["skein.split = always"]);
    let groups = client.query(SPLIT).expect("it runs").rows.len();
    let text = lines(&mut client, &format!("EXPLAIN ANALYZE {SPLIT}"));
    for process in cluster.processes() {
        let on = format!("on {}: ", process.address());
        let line = text.iter().find(|line| line.contains(&on));
        let line = line.unwrap_or_else(|| panic!("{text:?}"));
        let rows = line
            .split_once("(rows=")
            .map(|(_, rest)| rest.split(' ').next());
        let rows: usize = rows
            .flatten()
            .and_then(|rows| rows.parse().ok())
            .expect(line);
        assert!(rows > 0 && rows <= groups, "{line}");
        assert!(
            line.contains("bytes=") && !line.contains("bytes=0 "),
            "{line}"
        );
        assert!(
            line.contains("time=") && !line.contains("time=0.000"),
            "{line}"
        );
    }
    let total = format!("total: rows={groups} ");
    assert!(text.iter().any(|line| line.starts_with(&total)), "{text:?}");
}

/// `(rows, bytes, milliseconds)` of each fragment in the lines of EXPLAIN ANALYZE that follow one with
/// `stage`, up to the next stage.
fn measured(lines: &[String], stage: &str) -> Vec<(u64, u64, f64)> {
    let own = lines
        .iter()
        .skip_while(|line| !line.contains(stage))
        .skip(1);
    let own = own.take_while(|line| !line.contains("fragment ×"));
    let number = |line: &str, name: &str| -> f64 {
        let (_, rest) = line.split_once(name).unwrap_or_else(|| panic!("{line}"));
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let digits = &rest[..end.unwrap_or(rest.len())];
        digits.parse().unwrap_or_else(|_| panic!("{line}"))
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of a small data set"
    )]
    own.filter(|line| line.contains("(rows="))
        .map(|line| {
            (
                number(line, "rows=") as u64,
                number(line, "bytes=") as u64,
                number(line, "time="),
            )
        })
        .collect()
}

/// Each stage on executors says how many rows its fragments gave, in every exchange.
#[test]
fn explain_analyze_counts_the_rows_of_every_stage() {
    let cluster = cluster(2);
    let count = |sql: &str| {
        let rows = cluster.client().query(sql).expect("it runs").rows;
        let text = rows[0][0].clone().expect("a number");
        text.parse::<u64>().expect("a number")
    };
    let facts = count("SELECT count(*) FROM facts");
    let joined =
        "SELECT a.id AS x, b.id AS y FROM facts a JOIN facts b ON a.k = b.k AND a.id < b.id";
    let pairs = count(&format!("SELECT count(*) FROM ({joined}) t"));
    let mut client = cluster.client_with(&["skein.split = always", "skein.exchange = hash"]);
    let start = std::time::Instant::now();
    let text = lines(&mut client, &format!("EXPLAIN ANALYZE {joined}"));
    let took = start.elapsed().as_secs_f64() * 1000.0;
    for side in ["hash __s0", "hash __s1"] {
        let fragments = measured(&text, side);
        let rows: u64 = fragments.iter().map(|(rows, _, _)| rows).sum();
        assert_eq!((fragments.len(), rows), (2, facts), "{side}: {text:#?}");
    }
    let fragments = measured(&text, "concat, ");
    let rows: u64 = fragments.iter().map(|(rows, _, _)| rows).sum();
    assert_eq!((fragments.len(), rows), (2, pairs), "{text:#?}");
    for stage in ["hash __s0", "hash __s1", "concat, "] {
        for (rows, bytes, time) in measured(&text, stage) {
            // Whole numbers of eight bytes, two columns or more.
            assert!(rows == 0 || bytes >= 8 * rows, "{stage}: {text:#?}");
            assert!(time > 0.0 && time < took, "{stage}, {took}: {text:#?}");
        }
    }
    let total = format!("total: rows={pairs} ");
    assert!(
        text.iter().any(|line| line.starts_with(&total)),
        "{text:#?}"
    );

    // What is sent to every fragment counts once.
    let broadcast = "SELECT b.id, x.n FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) x \
                     JOIN facts b USING (k)";
    client
        .query("SET skein.exchange = broadcast")
        .expect("the setting exists");
    let text = lines(&mut client, &format!("EXPLAIN ANALYZE {broadcast}"));
    let rows: Vec<u64> = measured(&text, "broadcast __s")
        .iter()
        .map(|(rows, _, _)| *rows)
        .collect();
    let groups = count("SELECT count(DISTINCT k) + count(DISTINCT k IS NULL) - 1 FROM facts");
    assert!(rows.iter().sum::<u64>() >= groups, "{text:#?}");
}

/// Both sides of the join are read of one result, which must not be computed twice.
#[test]
fn a_plan_whose_stages_share_rows_runs_in_the_gateway() {
    let cluster = cluster(2);
    let sql = "WITH r AS (SELECT k, sum(id) AS s FROM facts GROUP BY k) \
               SELECT a.k, b.s FROM r a JOIN r b ON a.k = b.k ORDER BY a.k";
    let mut whole = cluster.client_with(&["skein.split = never"]);
    let settings = ["skein.split = always", "skein.exchange = hash"];
    let mut split = cluster.client_with(&settings);
    let text = lines(&mut split, &format!("EXPLAIN {sql}"));
    let reason = "in the gateway: several of its stages read the rows of one";
    assert!(text.iter().any(|line| line == reason), "{text:?}");
    assert!(
        !text.iter().any(|line| line.contains("on 127.0.0.1")),
        "{text:?}"
    );
    let (whole, split) = (whole.query(sql), split.query(sql));
    assert_eq!(whole.expect("it runs").rows, split.expect("it runs").rows);
}

#[test]
fn small_queries_and_those_without_files_do_not_leave_the_gateway() {
    let cluster = cluster(2);
    let mut client = cluster.client();
    let text = lines(&mut client, &format!("EXPLAIN {SPLIT}")).join("\n");
    assert!(text.starts_with("whole: "), "{text}");
    assert!(text.contains("on embedded-0"), "{text}");
    let before: Vec<_> = cluster
        .processes()
        .iter()
        .map(ExecutorProcess::cpu_time)
        .collect();
    for _ in 0..50 {
        client.query(SPLIT).expect("it runs");
        client.query("SELECT 1").expect("it runs");
    }
    let after: Vec<_> = cluster
        .processes()
        .iter()
        .map(ExecutorProcess::cpu_time)
        .collect();
    for (before, after) in before.iter().zip(&after) {
        assert!(after.saturating_sub(*before).as_millis() < 100);
    }
}

#[test]
fn an_error_on_an_executor_is_the_same_as_in_the_gateway() {
    let cluster = cluster(2);
    for sql in [
        "SELECT count(*) FROM facts WHERE CAST(left(g, 0) || 'x' AS integer) = 1",
        "SELECT sum(id / (k - k)) FROM facts",
    ] {
        let [here, there] = ["never", "always"].map(|split| {
            let mut client = cluster.client_with(&[&format!("skein.split = {split}")]);
            failure(client.query(sql))
        });
        assert_eq!(here, there, "{sql}");
    }
}

#[test]
fn an_executor_that_is_gone_is_named_or_done_without() {
    let folder = random_relations(Layout::Few);
    for retries in [0, 2] {
        let options = ClusterOptions {
            // Nobody asks between the kill and the statement whether the executor lives.
            executor: format!("retries_max = {retries}\nhealth_interval_ms = 600000"),
            ..ClusterOptions::new(&folder)
        };
        let mut cluster = Cluster::start(&options.processes(2));
        let address = cluster.processes()[1].address().to_string();
        let mut client = cluster.client_with(&["skein.split = always"]);
        let sql = format!("{SPLIT} ORDER BY k");
        let before = client.query(&sql).expect("it runs").rows;
        cluster.kill_process(1);
        if retries == 0 {
            let (sqlstate, text) = failure(client.query(&sql));
            assert_eq!(sqlstate, "08006", "{text}");
            assert!(text.contains(&address), "{text}");
        } else {
            let after = client.query(&sql).expect("the other one answers").rows;
            assert_eq!(before, after);
        }
        client.query("SELECT 1").expect("the session lives on");
    }
}
