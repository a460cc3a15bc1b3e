//! The smallest query, by pgbench: what a statement costs apart from its work.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Gateway, GatewayOptions, Options, Report, configuration, cores};
use crate::data::benchmark;
use crate::postgres::{self, Postgres};

const CLIENTS: &str = "8";

pub(super) fn run(options: &Options, report: &mut Report) {
    let (Some(programs), Some(postgres)) = (postgres::programs(), Postgres::start(&[])) else {
        return;
    };
    let folder = benchmark::wide();
    let configuration = configuration(&folder, 1, cores());
    let gateway = Gateway::start(&GatewayOptions {
        program: &options.skein,
        configuration: &configuration,
    })
    .expect("the gateway starts");
    report.section(
        "SELECT 1",
        &format!(
            "pgbench with {CLIENTS} clients for {} seconds each, in transactions per second.",
            options.pgbench_seconds
        ),
        &["Protocol", "PostgreSQL", "Skein", "Ratio"],
    );
    for protocol in ["simple", "extended", "prepared"] {
        let measure = |address: SocketAddr| {
            pgbench(
                &programs.join("pgbench"),
                address,
                protocol,
                options.pgbench_seconds,
            )
        };
        let (postgres, skein) = (measure(postgres.address()), measure(gateway.address()));
        report.row(&[
            protocol.to_owned(),
            format!("{postgres:.0}"),
            format!("{skein:.0}"),
            format!("{:.2}", skein / postgres),
        ]);
    }
}

fn pgbench(program: &Path, address: SocketAddr, protocol: &str, seconds: u64) -> f64 {
    let mut script = tempfile::NamedTempFile::new().expect("a file can be made");
    script
        .write_all(b"SELECT 1;\n")
        .expect("the file can be written");
    let output = Command::new(program)
        .args([
            "--no-vacuum",
            "--client",
            CLIENTS,
            "--jobs",
            "2",
            "--protocol",
            protocol,
        ])
        .args(["--time", &seconds.to_string(), "--file"])
        .arg(script.path())
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--username", "skein", "skein"])
        .output()
        .expect("pgbench is installed with PostgreSQL");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("tps = "));
    let number = line.and_then(|line| line.split_whitespace().nth(2));
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| {
            panic!(
                "pgbench failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        })
}
