//! The data of `make demo`: a month of events as Parquet, customers as CSV, devices as JSON.
//!
//! Values come from hashes of row numbers, so that every machine gets the same answers.

use std::fs;
use std::io;
use std::path::Path;

use super::{write, write_parquet};
use crate::native::Native;

/// Days of October 2026, one file each.
const DAYS: u32 = 30;
/// Events of an average day.
const EVENTS_PER_DAY: u32 = 20_000;

/// The configuration that comes with the data.
pub const CONFIGURATION: &str = include_str!("../../demo/skein.toml");

/// Makes the data in `folder`, unless it is there already.
pub fn generate(folder: &Path) -> io::Result<()> {
    if folder.join("skein.toml").is_file() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let native = Native::open(1);
    for day in 1..=DAYS {
        let name = format!("events/day=2026-10-{day:02}");
        write_parquet(&native, folder, &name, &events(day), 1);
    }
    write(
        &native,
        folder,
        "customers",
        CUSTOMERS,
        1,
        "csv",
        "FORMAT csv, HEADER",
    );
    write(
        &native,
        folder,
        "devices",
        DEVICES,
        1,
        "json",
        "FORMAT json",
    );
    // Last, because it says that everything is there.
    fs::write(folder.join("skein.toml"), CONFIGURATION)
}

fn events(day: u32) -> String {
    let date = format!("2026-10-{day:02}");
    let first = day * 100_000;
    // Weekends are quieter; the 17th had an outage.
    let count = match day % 7 {
        3 | 4 => EVENTS_PER_DAY * 6 / 10,
        _ => EVENTS_PER_DAY + day * 150,
    };
    let slow = if day == 17 { 4 } else { 1 };
    format!(
        "SELECT i AS event_id,
                TIMESTAMPTZ '{date} 00:00:00+00'
                    + to_milliseconds((hash(i, 'at') % 86400000)::BIGINT) AS occurred_at,
                1 + (hash(i, 'customer') % 1000)::INTEGER AS customer_id,
                1 + (hash(i, 'device') % 40)::INTEGER AS device_id,
                CASE hash(i, 'kind') % 10
                    WHEN 0 THEN 'purchase' WHEN 1 THEN 'signup' WHEN 2 THEN 'error'
                    WHEN 3 THEN 'search' WHEN 4 THEN 'search' WHEN 5 THEN 'search'
                    ELSE 'view' END AS kind,
                '/' || ['home', 'search', 'item', 'basket', 'account', 'help']
                    [1 + (hash(i, 'path') % 6)::INTEGER] AS path,
                CASE WHEN hash(i, 'timed') % 50 > 0
                     THEN (5 + hash(i, 'ms') % 90 + (hash(i, 'tail') % 100 // 95) * 900)::INTEGER
                          * {slow} END AS ms,
                (200 + hash(i, 'bytes') % 60000)::BIGINT AS bytes,
                CASE WHEN hash(i, 'kind') % 10 = 0
                     THEN ((100 + hash(i, 'amount') % 20000)::DECIMAL(10,2)
                          * 0.01::DECIMAL(3,2))::DECIMAL(10,2) END AS amount
         FROM range({first}, {first} + {count}) numbers(i)
         ORDER BY occurred_at, event_id"
    )
}

const CUSTOMERS: &str = "
SELECT i AS customer_id,
       ['Ada', 'Bo', 'Chi', 'Dag', 'Eve', 'Finn', 'Gro', 'Hal'][1 + (hash(i, 'n') % 8)::INTEGER]
           || ' ' || ['Berg', 'Costa', 'Dale', 'Endo', 'Fjeld', 'Gray'][1 + (hash(i, 'm') % 6)::INTEGER]
           AS name,
       ['NO', 'JP', 'BR', 'DE', 'KE', 'US'][1 + (hash(i, 'c') % 6)::INTEGER] AS country,
       ['free', 'team', 'business'][1 + (hash(i, 'p') % 3)::INTEGER] AS plan,
       DATE '2021-01-01' + (hash(i, 's') % 2000)::INTEGER AS since
FROM range(1, 1001) numbers(i)";

const DEVICES: &str = "
SELECT i AS device_id,
       'D-' || lpad(i::VARCHAR, 3, '0') AS model,
       {'name': ['linux', 'android', 'ios', 'windows'][1 + (hash(i, 'o') % 4)::INTEGER],
        'version': (1 + hash(i, 'v') % 15)::INTEGER} AS os,
       list_distinct([['camera', 'gps', 'nfc'][1 + (hash(i, 'a') % 3)::INTEGER],
                      ['camera', 'gps', 'nfc'][1 + (hash(i, 'b') % 3)::INTEGER]]) AS features
FROM range(1, 41) numbers(i)";
