//! A process that is about to run out of memory. Alone in its process, since memory is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use skein_executor::embedded::{EmbeddedExecutor, EmbeddedOptions, MemoryGuard};
use skein_executor_api::{Executor, Fragment, FragmentErrorKind, FragmentId};

fn fragment(sql: &str) -> Fragment {
    Fragment {
        id: FragmentId::default(),
        sql: sql.to_owned(),
        inputs: vec![],
        settings: BTreeMap::new(),
        joined_rows: 0,
        deadline: None,
    }
}

/// Quantiles keep every value in memory that DuckDB does not count: this one would take 16 GB.
#[tokio::test(flavor = "multi_thread")]
async fn the_statement_that_takes_it_is_stopped() {
    const LIMIT: u64 = 1 << 30;
    let mut options = EmbeddedOptions::default();
    options.database.memory_limit = Some("200MB".to_owned());
    options.database.threads = Some(2);
    let executor = EmbeddedExecutor::open(&options).expect("an instance");
    let _guard = MemoryGuard::start(LIMIT);
    let start = Instant::now();
    let hungry = "SELECT quantile_cont(random(), 0.5) FROM range(2000000000)";
    let outcome = executor.run(fragment(hungry), vec![]).await;
    let error = outcome.err().expect("there is not so much memory");
    assert_eq!(error.kind, FragmentErrorKind::Memory, "{error:?}");
    assert!(start.elapsed() < Duration::from_mins(1));
    // Others go on.
    let rows = executor.run(fragment("SELECT count(*) FROM range(1000)"), vec![]);
    let rows: Vec<_> = rows
        .await
        .expect("it runs")
        .try_collect()
        .await
        .expect("it ends");
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 1000);
}
