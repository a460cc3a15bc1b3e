//! Random queries, in several tests so that they can run side by side.
//!
//! `SKEIN_TEST_SEED=N` repeats a run, `SKEIN_TEST_QUERIES=N` makes it longer. A query that differs
//! is shrunk before it is shown.

use skein_tests::data::sets;
use skein_tests::environment;
use skein_tests::random::{Choices, generate, shrink};

use crate::modes::{Checked, Modes, ON_PROCESSES, report};

/// How many queries each of the four tests runs.
const QUERIES: usize = 550;
/// How many run with forced exchanges, which take several fragments per stage.
const QUERIES_EXCHANGED: usize = 300;
/// How many run on executors in processes of their own in every test run.
const QUERIES_ON_PROCESSES: usize = 200;
/// After so many differences the rest would say nothing new.
const FAILURES_MAX: usize = 12;

#[test]
fn random_queries_split_equals_whole_1() {
    run(1, QUERIES, here());
}

#[test]
fn random_queries_split_equals_whole_2() {
    run(2, QUERIES, here());
}

#[test]
fn random_queries_split_equals_whole_3() {
    run(3, QUERIES, here());
}

#[test]
fn random_queries_split_equals_whole_4() {
    run(4, QUERIES, here());
}

#[test]
fn random_queries_exchanged_equal_whole() {
    let modes = Modes::exchanged(sets::random_relations, 5);
    run(7, QUERIES_EXCHANGED, modes);
}

#[test]
fn random_queries_on_processes_equal_whole() {
    let modes = Modes::on_processes(sets::random_relations, &ON_PROCESSES[1..3]);
    run(5, QUERIES_ON_PROCESSES, modes);
}

#[test]
#[ignore = "takes minutes; run by make test-full"]
fn many_random_queries_on_processes_equal_whole() {
    let modes = Modes::on_processes(sets::random_relations, ON_PROCESSES);
    run(6, QUERIES * 4, modes);
}

fn here() -> Modes {
    Modes::start(sets::random_relations)
}

#[expect(
    clippy::print_stdout,
    reason = "the seed has to be seen to repeat a run"
)]
fn run(part: u64, queries: usize, mut modes: Modes) {
    // A random join may have millions of rows; a client that waits no longer would take its late rows for
    // those of the next query.
    modes.set("statement_timeout = '10s'");
    let seed = environment::seed();
    println!("SKEIN_TEST_SEED={seed}");
    let count = environment::queries(queries * 4).div_ceil(4);
    let mut failures = Vec::new();
    let mut errors = 0;
    for index in 0..count as u64 {
        let mut choices = Choices::from_seed(
            seed.wrapping_mul(1_000_003)
                .wrapping_add(part << 32 | index),
        );
        let generated = generate(&mut choices);
        // PostgreSQL divides sums of bigint as numerics, DuckDB as whole numbers.
        modes.compare_native(!generated.sql.contains(" / ") && !filters_a_group(&generated.sql));
        match modes.check(&generated.sql, generated.order) {
            Ok(Checked::Rows) => continue,
            Ok(Checked::Fails(error)) => {
                errors += 1;
                println!("fails in every mode: {error}\n{}", generated.sql);
                continue;
            }
            Ok(Checked::Late) => {
                errors += 1;
                println!("takes too long: {}", generated.sql);
                continue;
            }
            Err(_) => {}
        }
        let list = shrink(choices.into_list(), |list| {
            let generated = generate(&mut Choices::from_list(list.to_vec()));
            modes.check(&generated.sql, generated.order).is_err()
        });
        let smallest = generate(&mut Choices::from_list(list));
        let difference = modes
            .check(&smallest.sql, smallest.order)
            .err()
            .unwrap_or_default();
        failures.push(format!("seed {seed}, query {part}/{index}:\n{difference}"));
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    report("random queries", count, &failures);
    // A generator whose queries fail tests nothing.
    assert!(errors * 25 <= count, "{errors} of {count} queries fail");
}

/// Whether a query has an aggregate with FILTER and groups by the column of a Hive partition, where
/// DuckDB 1.5.5 alone sometimes gives the value of another group.
fn filters_a_group(sql: &str) -> bool {
    let mut groups = sql.split("GROUP BY").skip(1);
    sql.contains(") FILTER") && groups.any(|tail| tail.contains("day"))
}

#[test]
fn filtered_groups_are_recognised() {
    let defect = "SELECT t1.day, min(t1.id) FILTER (WHERE t1.b) FROM facts t1 GROUP BY t1.day";
    assert!(filters_a_group(defect));
    assert!(!filters_a_group(
        &defect.replace("GROUP BY t1.day", "GROUP BY t1.id")
    ));
    assert!(!filters_a_group(
        &defect.replace(" FILTER (WHERE t1.b)", "")
    ));
}
