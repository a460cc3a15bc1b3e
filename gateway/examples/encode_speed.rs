//! Measures how fast rows are encoded: a million rows of sixteen mixed columns, and single columns.
//!
//! `cargo run --release -p skein-gateway --example encode_speed`

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use skein_executor_api::Column;
use skein_gateway::encode::{EncodeSettings, Format, RowBuffer, RowEncoder, Zone};

/// Rows of a batch, as DuckDB's.
const BATCH: usize = 2048;
/// Rows in all.
const ROWS: usize = 1_000_000;

fn main() -> std::io::Result<()> {
    let mut random = StdRng::seed_from_u64(7);
    let columns = columns(&mut random);
    let mut report = String::new();
    for format in [Format::Text, Format::Binary] {
        let _ = writeln!(
            report,
            "{format:?}, {} columns: {}",
            columns.len(),
            speed(&columns, format)
        );
        for column in &columns {
            let one = std::slice::from_ref(column);
            let _ = writeln!(report, "  {:<30} {}", column.0, speed(one, format));
        }
    }
    std::io::stdout().write_all(report.as_bytes())
}

fn columns(random: &mut StdRng) -> Vec<(&'static str, ArrayRef)> {
    macro_rules! column {
        ($array:ty, $value:expr) => {
            Arc::new((0..BATCH).map(|_| Some($value)).collect::<$array>()) as ArrayRef
        };
    }
    let decimals = Decimal128Array::from_iter_values(
        (0..BATCH).map(|_| random.random_range(-10_000_000_i128..10_000_000)),
    );
    let words = [
        "shipped",
        "pending",
        "delivered to the neighbour",
        "lost",
        "returned by the customer",
    ];
    let text = |random: &mut StdRng| words[random.random_range(0..words.len())];
    let huge = FixedSizeBinaryArray::try_from_iter(
        (0..BATCH).map(|row| (row as i128 * 1_000_003).to_le_bytes()),
    );
    vec![
        (
            "INTEGER",
            column!(Int32Array, random.random_range(0..100_000)),
        ),
        ("BIGINT", column!(Int64Array, random.random())),
        ("SMALLINT", column!(Int16Array, random.random())),
        (
            "BOOLEAN",
            column!(Int8Array, i8::from(random.random::<bool>())),
        ),
        (
            "DOUBLE",
            column!(Float64Array, random.random::<f64>() * 1000.0),
        ),
        (
            "DOUBLE",
            column!(
                Float64Array,
                f64::from(random.random_range(0..1_000_000)) / 100.0
            ),
        ),
        ("FLOAT", column!(Float32Array, random.random())),
        (
            "DECIMAL(15,2)",
            Arc::new(
                decimals
                    .with_precision_and_scale(15, 2)
                    .expect("the values fit"),
            ),
        ),
        ("DATE", column!(Date32Array, random.random_range(0..20_000))),
        (
            "TIMESTAMP",
            column!(
                TimestampMicrosecondArray,
                random.random_range(0..1_800_000_000_000_000)
            ),
        ),
        (
            "TIMESTAMP WITH TIME ZONE",
            column!(
                TimestampMicrosecondArray,
                random.random_range(1_700_000_000..1_701_000_000) * 1_000_000
            ),
        ),
        ("VARCHAR", column!(StringArray, text(random))),
        (
            "VARCHAR",
            column!(
                StringArray,
                format!("customer {}", random.random_range(0..1_000_000))
            ),
        ),
        ("HUGEINT", Arc::new(huge.expect("all are sixteen bytes"))),
        ("UUID", {
            let values = (0..BATCH).map(|_| random.random::<u128>().to_be_bytes());
            Arc::new(FixedSizeBinaryArray::try_from_iter(values).expect("all are sixteen bytes"))
        }),
        (
            "INTEGER",
            Arc::new(
                (0..BATCH)
                    .map(|row| (row % 3 > 0).then_some(7))
                    .collect::<Int32Array>(),
            ),
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]
fn speed(columns: &[(&str, ArrayRef)], format: Format) -> String {
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("equal lengths");
    let described: Vec<_> = columns
        .iter()
        .map(|(ty, _)| Column {
            name: (*ty).to_owned(),
            ty: (*ty).to_owned(),
        })
        .collect();
    let settings = EncodeSettings {
        zone: Zone::named("Europe/Berlin").expect("it exists"),
        ..EncodeSettings::default()
    };
    let mut encoder = RowEncoder::new(&described, &vec![format; columns.len()], &settings)
        .expect("the types are known");
    let mut buffer = RowBuffer::default();
    let mut best = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..3 {
        let start = Instant::now();
        bytes = 0;
        for _ in 0..ROWS / BATCH {
            buffer.clear();
            encoder
                .encode(&batch, &mut buffer)
                .expect("the arrays have the types");
            bytes += buffer.data.len();
        }
        best = best.min(start.elapsed());
    }
    let rows = (ROWS / BATCH * BATCH) as f64;
    let seconds = best.as_secs_f64();
    format!(
        "{:.2} M rows/s, {:.1} M values/s, {:.0} MB/s",
        rows / seconds / 1e6,
        rows * columns.len() as f64 / seconds / 1e6,
        bytes as f64 / seconds / 1e6
    )
}
