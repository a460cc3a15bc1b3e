//! Long results: rows per second, and memory while they stream.

use std::net::SocketAddr;
use std::time::Duration;

use super::{
    Format, Gateway, GatewayOptions, Options, Report, configuration, cores, read_all, time,
};
use crate::data::benchmark;
use crate::native::Native;
use crate::postgres::Postgres;

/// Tries of each; the best counts.
const TRIES: usize = 3;

/// A million rows of 16 columns, as text and in binary.
pub(super) fn rows(options: &Options, report: &mut Report) {
    let folder = benchmark::wide();
    let configuration = configuration(&folder, 1, cores());
    let gateway = Gateway::start(&GatewayOptions {
        program: &options.skein,
        configuration: &configuration,
    })
    .expect("the gateway starts");
    let postgres = Postgres::start(&["-c", "shared_buffers=1GB"]);
    if let Some(postgres) = &postgres {
        load(postgres, &folder);
    }
    report.section(
        "A million rows of 16 columns",
        &format!(
            "`SELECT * FROM wide` through a client that drops what it gets. Best of {TRIES}. \
             PostgreSQL has the same rows in a table that fits into its memory."
        ),
        &[
            "Format",
            "PostgreSQL",
            "Skein",
            "Skein's rows per second",
            "Ratio",
        ],
    );
    for format in [Format::Text, Format::Binary] {
        let mut best = [Duration::MAX; 2];
        for _ in 0..TRIES {
            let mut measure = |index: usize, address: SocketAddr| {
                let (elapsed, count) =
                    time(|| read_all(address, &[], "SELECT * FROM wide", format, || {}));
                let count = count.expect("the rows can be read");
                assert_eq!(count.rows, benchmark::WIDE_ROWS);
                best[index] = best[index].min(elapsed);
            };
            if let Some(postgres) = &postgres {
                measure(0, postgres.address());
            }
            measure(1, gateway.address());
        }
        let seconds = |index: usize| {
            if best[index] == Duration::MAX {
                "not installed".to_owned()
            } else {
                format!("{:.2} s", best[index].as_secs_f64())
            }
        };
        let speed = 1.0 / best[1].as_secs_f64();
        let ratio = best[0].as_secs_f64() * speed;
        report.row(&[
            format!("{format:?}"),
            seconds(0),
            seconds(1),
            format!("{speed:.2} million"),
            if postgres.is_some() {
                format!("{ratio:.2}")
            } else {
                "-".to_owned()
            },
        ]);
    }
}

fn load(postgres: &Postgres, folder: &std::path::Path) {
    let native = Native::open(cores());
    native.create_views(folder);
    let file = tempfile::Builder::new()
        .suffix(".csv")
        .tempfile()
        .expect("a file can be made");
    let path = file.path().display().to_string();
    native.run(&format!(
        "COPY (FROM wide ORDER BY id) TO '{path}' (FORMAT csv, HEADER false)"
    ));
    let mut client = postgres.client();
    let mut query = |sql: &str| match client.query(sql) {
        Ok(_) => {}
        Err(error) => panic!("{sql}: {error}"),
    };
    query(&format!("CREATE TABLE wide ({})", benchmark::WIDE_COLUMNS));
    // The server may run as another user, who may read what all may read.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), readable).expect("the file is ours");
    query(&format!("COPY wide FROM '{path}' (FORMAT csv)"));
    query("VACUUM (ANALYZE, FREEZE) wide");
}

/// Resident memory while tens of millions of rows pass.
pub(super) fn memory(options: &Options, report: &mut Report) {
    let folder = benchmark::wide();
    let configuration = configuration(&folder, 1, cores());
    let gateway = Gateway::start(&GatewayOptions {
        program: &options.skein,
        configuration: &configuration,
    })
    .expect("the gateway starts");
    let millions = options.stream_millions;
    let first = read_all(
        gateway.address(),
        &[],
        "SELECT * FROM wide",
        Format::Text,
        || {},
    );
    first.expect("the rows can be read");
    let before = gateway.resident_bytes();
    let mut largest = before;
    let mut reads = 0_u64;
    let sql = format!(
        "SELECT w.id, w.a, w.i, w.m FROM wide w, generate_series(1, {millions}) AS times(n)"
    );
    let (elapsed, count) = time(|| {
        read_all(gateway.address(), &[], &sql, Format::Text, || {
            reads += 1;
            if reads.is_multiple_of(256) {
                largest = largest.max(gateway.resident_bytes());
            }
        })
    });
    let count = count.expect("the rows can be read");
    report.section(
        "Memory while rows stream",
        &format!(
            "{millions} million rows of four columns in one result. Resident memory of the gateway, \
             after a first query over the same files and at its highest."
        ),
        &["Rows", "Time", "Before", "Highest", "Growth"],
    );
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    report.row(&[
        count.rows.to_string(),
        format!("{:.1} s", elapsed.as_secs_f64()),
        mebibytes(before),
        mebibytes(largest),
        mebibytes(largest - before),
    ]);
}
