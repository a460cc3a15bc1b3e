//! Prints how fast fragments run and rows move: `cargo run --release -p skein-executor --example speed`.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "rounded figures on stdout are the purpose of this program"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use skein_executor::{EmbeddedExecutor, EmbeddedOptions};
use skein_executor_api::{
    BatchStream, Column, Executor, Fragment, FragmentError, FragmentId, InputSpec,
};

const ROWS: u64 = 4_000_000;
const RUNS: u32 = 3000;

fn fragment(sql: &str, inputs: Vec<InputSpec>) -> Fragment {
    let settings = BTreeMap::from([("TimeZone".to_owned(), "UTC".to_owned())]);
    Fragment {
        id: FragmentId::default(),
        sql: sql.to_owned(),
        inputs,
        settings,
        joined_rows: 0,
        deadline: None,
    }
}

async fn drain(mut rows: BatchStream) -> Result<u64, FragmentError> {
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        count += batch?.num_rows() as u64;
    }
    Ok(count)
}

fn report(what: &str, rows: u64, took: Duration) {
    println!(
        "{what:<44} {:>8.2} M rows/s",
        rows as f64 / took.as_secs_f64() / 1e6
    );
}

async fn latency(executor: &EmbeddedExecutor, sql: &str) -> Result<(), FragmentError> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        drain(executor.run(fragment(sql, vec![]), vec![]).await?).await?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!(
        "{sql:<44} {:>8} µs (median)",
        times[times.len() / 2].as_micros()
    );
    Ok(())
}

async fn latency_with_input(executor: &EmbeddedExecutor) -> Result<(), FragmentError> {
    let columns = vec![Column {
        name: "n".to_owned(),
        ty: "INTEGER".to_owned(),
    }];
    let spec = InputSpec {
        name: "p".to_owned(),
        columns,
        reread: false,
        rows_estimate: 1,
    };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let input = executor.run(fragment("SELECT 1", vec![]), vec![]).await?;
        let start = Instant::now();
        let sum = fragment("SELECT sum(n) FROM p", vec![spec.clone()]);
        drain(executor.run(sum, vec![input]).await?).await?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!(
        "{:<44} {:>8} µs (median)",
        "sum over one input",
        times[times.len() / 2].as_micros()
    );
    Ok(())
}

async fn throughput(executor: &EmbeddedExecutor) -> Result<(), FragmentError> {
    let sql = format!(
        "SELECT i, i % 7 AS a, i::DOUBLE AS b, i::DECIMAL(15,2) AS c, 'row ' || i AS d, \
                DATE '2020-01-01' + (i % 1000)::INTEGER AS e, i % 2 = 0 AS f FROM range({ROWS}) t(i)"
    );
    let start = Instant::now();
    let rows = drain(executor.run(fragment(&sql, vec![]), vec![]).await?).await?;
    report("out, 7 columns", rows, start.elapsed());
    let connection = executor.database().connect()?;
    let columns = connection.prepare(&sql)?.columns().to_vec();
    for (what, reread, query) in [
        (
            "out and in by channel, 7 columns",
            false,
            "SELECT sum(i), sum(a), sum(b), sum(c), max(d), max(e), bool_or(f) FROM p",
        ),
        (
            "out and in by table, 7 columns",
            true,
            "SELECT sum(i), sum(a), sum(b), sum(c), max(d), max(e), bool_or(f) FROM (FROM p UNION ALL FROM p WHERE i < 0)",
        ),
    ] {
        let spec = InputSpec {
            name: "p".to_owned(),
            columns: columns.clone(),
            reread,
            rows_estimate: ROWS,
        };
        let start = Instant::now();
        let input = executor.run(fragment(&sql, vec![]), vec![]).await?;
        drain(
            executor
                .run(fragment(query, vec![spec]), vec![input])
                .await?,
        )
        .await?;
        report(what, ROWS, start.elapsed());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), FragmentError> {
    let executor = EmbeddedExecutor::open(&EmbeddedOptions::default())?;
    for sql in ["SELECT 1", "SELECT sum(i) FROM range(10) t(i)"] {
        latency(&executor, sql).await?;
    }
    latency_with_input(&executor).await?;
    throughput(&executor).await
}
