//! The 22 queries of TPC-H, through a client and on DuckDB alone.

use std::time::Duration;

use super::{
    Format, Gateway, GatewayOptions, Options, Report, configuration, cores, read_all, time,
};
use crate::data::benchmark;
use crate::native::Native;

/// Tries of each query; the best counts.
const TRIES: usize = 3;

pub(super) fn run(options: &Options, report: &mut Report) {
    let folder = benchmark::tpch(&options.scale);
    let queries = queries();
    let native = Native::open(cores());
    native.create_views(&folder);
    let start = |executors: usize, threads: usize| {
        let configuration = configuration(&folder, executors, threads);
        Gateway::start(&GatewayOptions {
            program: &options.skein,
            configuration: &configuration,
        })
        .expect("the gateway starts")
    };
    let whole = start(1, cores());
    let split = start(2, 1);
    report.section(
        &format!("TPC-H, scale factor {}", options.scale),
        &format!(
            "Each large table in 16 Parquet files. Skein is read through a client that drops what it \
             gets; DuckDB runs the same SQL over the same files in this process. Best of {TRIES}. \
             Threads of DuckDB: {}. `auto` is one executor with as many threads, `always` two \
             executors of one thread each.",
            cores()
        ),
        &["Query", "DuckDB", "Skein, auto", "Ratio", "Skein, always", "Ratio"],
    );
    let mut totals = [Duration::ZERO; 3];
    for (number, sql) in &queries {
        let mut best = [Duration::MAX; 3];
        for _ in 0..TRIES {
            let gateway = |gateway: &Gateway, split: &str| {
                let read = read_all(gateway.address(), &[split], sql, Format::Text, || {});
                if let Err(error) = read {
                    panic!("query {number}: {error}");
                }
            };
            let alone = || {
                let batches = native.connection().query(sql);
                batches.expect("DuckDB runs its own queries").len()
            };
            let measured = [
                time(alone).0,
                time(|| gateway(&whole, "skein.split = auto")).0,
                time(|| gateway(&split, "skein.split = always")).0,
            ];
            for (best, measured) in best.iter_mut().zip(measured) {
                *best = measured.min(*best);
            }
        }
        for (total, best) in totals.iter_mut().zip(best) {
            *total += best;
        }
        report.row(&line(number, best));
    }
    report.row(&line("all", totals));
}

/// Number and text of each query.
pub(super) fn queries() -> Vec<(String, String)> {
    let rows = Native::with_extensions(1, &["tpch"])
        .query("SELECT query_nr, query FROM tpch_queries() ORDER BY query_nr")
        .expect("the extension lists its queries");
    let text = |row: &[Option<String>], column: usize| row[column].clone().unwrap_or_default();
    rows.iter()
        .map(|row| {
            let sql = text(row, 1);
            (text(row, 0), sql.trim().trim_end_matches(';').to_owned())
        })
        .collect()
}

fn line(name: &str, times: [Duration; 3]) -> Vec<String> {
    let milliseconds = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
    let ratio = |time: Duration| format!("{:.2}", time.as_secs_f64() / times[0].as_secs_f64());
    vec![
        name.to_owned(),
        milliseconds(times[0]),
        milliseconds(times[1]),
        ratio(times[1]),
        milliseconds(times[2]),
        ratio(times[2]),
    ]
}
