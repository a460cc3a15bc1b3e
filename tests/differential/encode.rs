//! Random values in text, compared with what a real PostgreSQL prints: floats in every
//! `extra_float_digits`, intervals in every `IntervalStyle`, dates and times in every `DateStyle`
//! and in zones with odd histories.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float32Array, Float64Array, IntervalMonthDayNanoArray, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, IntervalMonthDayNano, Schema};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use skein_executor_api::Column;
use skein_gateway::encode::{
    DateStyle, EncodeSettings, Format, IntervalStyle, RowBuffer, RowEncoder, Zone,
};
use skein_tests::environment::seed;
use skein_tests::postgres::Postgres;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

/// Values of each kind.
const VALUES: usize = 4000;
/// Days from 1970 to 2000.
const EPOCH_DAYS: i32 = 10_957;
const MICROS_PER_DAY: i64 = 86_400_000_000;

struct Server {
    client: Client,
    _postgres: Postgres,
}

impl Server {
    /// `None`, with a word about it, where PostgreSQL is not installed.
    async fn start() -> Option<Self> {
        let Some(postgres) = Postgres::start(&[]) else {
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let port = postgres.address().port();
        let parameters = format!("host=127.0.0.1 port={port} user=skein dbname=skein");
        let (client, connection) = tokio_postgres::connect(&parameters, NoTls).await.unwrap();
        tokio::spawn(connection);
        Some(Self {
            client,
            _postgres: postgres,
        })
    }

    /// Checks that each value looks the same: `sql` gives PostgreSQL's texts in order.
    async fn check(
        &self,
        settings: (&str, &EncodeSettings),
        (ty, array): (&str, ArrayRef),
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) {
        self.client.batch_execute(settings.0).await.unwrap();
        let rows = self.client.query(sql, parameters).await.unwrap();
        let ours = texts(ty, array, settings.1);
        assert_eq!(rows.len(), ours.len());
        for (index, (row, ours)) in rows.iter().zip(ours).enumerate() {
            let theirs: String = row.get(0);
            assert_eq!(
                ours, theirs,
                "value {index} of type {ty} with {}",
                settings.0
            );
        }
    }
}

fn texts(ty: &str, array: ArrayRef, settings: &EncodeSettings) -> Vec<String> {
    let field = Field::new("value", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
    let column = Column {
        name: "value".to_owned(),
        ty: ty.to_owned(),
    };
    let mut encoder = RowEncoder::new(&[column], &[Format::Text], settings).unwrap();
    let mut buffer = RowBuffer::default();
    encoder.encode(&batch, &mut buffer).unwrap();
    let mut start = 0;
    let cells = buffer.ends.iter().map(|&end| {
        let row = &buffer.data[start..end];
        start = end;
        String::from_utf8(row[11..].to_vec()).unwrap()
    });
    cells.collect()
}

fn random() -> StdRng {
    let seed = seed();
    eprintln!("SKEIN_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

#[tokio::test]
async fn floats() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut random = random();
    let mut doubles = vec![
        0.0,
        -0.0,
        1e23,
        -1e23,
        5e-324,
        f64::MAX,
        f64::NAN,
        f64::INFINITY,
    ];
    let mut floats = vec![0.0, -0.0, f32::MAX, 1e-45, f32::NAN, f32::NEG_INFINITY];
    for _ in 0..VALUES {
        doubles.push(f64::from_bits(random.random()));
        // Few digits and many zeros: here decimals lie half way between two floats.
        let digits = f64::from(random.random_range(1..100_000));
        doubles.push(digits * 10_f64.powi(random.random_range(-20..30)));
        doubles.push(digits * 2_f64.powi(random.random_range(-60..90)));
        floats.push(f32::from_bits(random.random()));
        let digits = f32::from(random.random::<u16>());
        floats.push(digits * 10_f32.powi(random.random_range(-20..20)));
    }
    for digits in [1, 3, 0, -3, -15] {
        let settings = EncodeSettings {
            extra_float_digits: digits,
            ..EncodeSettings::default()
        };
        let set = format!("SET extra_float_digits = {digits}");
        let array = Arc::new(Float64Array::from(doubles.clone()));
        let sql = "SELECT x::text FROM unnest($1::float8[]) WITH ORDINALITY t(x, i) ORDER BY i";
        server
            .check((&set, &settings), ("DOUBLE", array), sql, &[&doubles])
            .await;
        let array = Arc::new(Float32Array::from(floats.clone()));
        let sql = "SELECT x::text FROM unnest($1::float4[]) WITH ORDINALITY t(x, i) ORDER BY i";
        server
            .check((&set, &settings), ("FLOAT", array), sql, &[&floats])
            .await;
    }
}

#[tokio::test]
async fn intervals() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut random = random();
    let (mut months, mut days, mut micros) = (vec![], vec![], vec![]);
    for _ in 0..VALUES {
        let range = [1, 30, 2000][random.random_range(0..3)];
        months.push(random.random_range(-range..range));
        let range = [1, 3, 20_000][random.random_range(0..3)];
        days.push(random.random_range(-range..range));
        let unit = [0, 1, 1_000_000, 60_000_000, 3_600_000_000][random.random_range(0..5)];
        micros.push(random.random_range(-100_000_i64..100_000) * unit);
    }
    let parts = months.iter().zip(&days).zip(&micros);
    let array: IntervalMonthDayNanoArray = parts
        .map(|((&months, &days), &micros)| {
            Some(IntervalMonthDayNano::new(months, days, micros * 1000))
        })
        .collect();
    let array: ArrayRef = Arc::new(array);
    let sql = "SELECT (make_interval(months => m, days => d) + u * interval '1 microsecond')::text
               FROM unnest($1::int[], $2::int[], $3::int8[]) WITH ORDINALITY t(m, d, u, i)
               ORDER BY i";
    for style in ["postgres", "postgres_verbose", "sql_standard", "iso_8601"] {
        let settings = EncodeSettings {
            interval_style: IntervalStyle::named(style).unwrap(),
            ..EncodeSettings::default()
        };
        let set = format!("SET IntervalStyle = {style}");
        let column = ("INTERVAL", Arc::clone(&array));
        server
            .check((&set, &settings), column, sql, &[&months, &days, &micros])
            .await;
    }
}

#[tokio::test]
async fn dates_and_times() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut random = random();
    let (mut days, mut micros) = (vec![], vec![]);
    for _ in 0..VALUES {
        // All of PostgreSQL's years, and more often the last two centuries.
        let range = [-2_451_000..0, -80_000..9000, 7000..9000, 0..100_000_000];
        let range = range[random.random_range(0..4)].clone();
        days.push(random.random_range(range));
        let unit = [1, 100, 1_000_000][random.random_range(0..3)];
        micros.push(random.random_range(0..MICROS_PER_DAY / unit) * unit);
    }
    let moments: Vec<_> = days
        .iter()
        .zip(&micros)
        .map(|(&day, micros)| i64::from(day + EPOCH_DAYS) * MICROS_PER_DAY + micros)
        .collect();
    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(moments));
    let dates = days.iter().map(|day| day + EPOCH_DAYS).collect::<Vec<_>>();
    let dates: ArrayRef = Arc::new(Date32Array::from(dates));
    let select = |value: &str| {
        format!(
            "SELECT ({value})::text
             FROM unnest($1::int[], $2::int8[]) WITH ORDINALITY t(d, u, i) ORDER BY i"
        )
    };
    let moment = "timestamptz '2000-01-01 00:00:00+00' + d::int8 * 86400 * interval '1 second'
                  + u * interval '1 microsecond'";
    let local = "timestamp '2000-01-01' + make_interval(days => d) + u * interval '1 microsecond'";
    // Zones whose rules are still being changed would compare versions of the database.
    let zones = [
        "UTC",
        "America/New_York",
        "America/Sao_Paulo",
        "Africa/Monrovia",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Europe/Berlin",
        "Pacific/Apia",
        "Etc/GMT+5",
        "<-05>+05",
    ];
    for zone in zones {
        for style in [
            "ISO, MDY",
            "SQL, DMY",
            "SQL, MDY",
            "German",
            "Postgres, MDY",
            "Postgres, DMY",
        ] {
            let settings = EncodeSettings {
                zone: Zone::named(zone).unwrap(),
                date_style: DateStyle::default().with(style).unwrap(),
                ..EncodeSettings::default()
            };
            let set = format!("SET TimeZone = '{zone}'; SET DateStyle = '{style}'");
            let settings = (set.as_str(), &settings);
            let parameters: [&(dyn ToSql + Sync); 2] = [&days, &micros];
            let column = ("TIMESTAMP WITH TIME ZONE", Arc::clone(&moments));
            server
                .check(settings, column, &select(moment), &parameters)
                .await;
            if zone == "UTC" {
                let column = ("TIMESTAMP", Arc::clone(&moments));
                server
                    .check(settings, column, &select(local), &parameters)
                    .await;
                let column = ("DATE", Arc::clone(&dates));
                let date = select("date '2000-01-01' + d");
                server.check(settings, column, &date, &parameters).await;
            }
        }
    }
}
