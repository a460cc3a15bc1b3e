//! Data of `make bench`.

use std::path::PathBuf;

use super::{generated, write_parquet};
use crate::native::Native;

/// Files of each large table.
const FILES: usize = 16;
/// Rows of `wide`.
pub const WIDE_ROWS: u64 = 1_000_000;

/// TPC-H, with the large tables in 16 files each.
pub fn tpch(scale: &str) -> PathBuf {
    generated(&format!("bench-tpch-{scale}"), "1", |folder| {
        let native = Native::with_extensions(2, &["tpch"]);
        native.run(&format!("CALL dbgen(sf = {scale})"));
        for name in [
            "customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier",
        ] {
            let files = if matches!(name, "nation" | "region") {
                1
            } else {
                FILES
            };
            write_parquet(&native, folder, name, &format!("FROM {name}"), files);
        }
    })
}

/// `wide`: a million rows of 16 columns of the usual types.
pub fn wide() -> PathBuf {
    generated("bench-wide", WIDE, |folder| {
        let native = Native::open(2);
        write_parquet(&native, folder, "wide", WIDE, 8);
    })
}

/// The same columns in PostgreSQL's types, in order.
pub const WIDE_COLUMNS: &str = "id bigint, a integer, b integer, c smallint, d bigint, e float8, \
     f float8, g numeric(12,2), h numeric(15,4), i text, j text, k text, l date, m timestamp, \
     n boolean, o integer";

const WIDE: &str = "
SELECT i AS id,
       (hash(i, 'a') % 100000)::INTEGER AS a,
       (hash(i, 'b') % 2000000000)::INTEGER - 1000000000 AS b,
       (hash(i, 'c') % 30000)::SMALLINT AS c,
       (hash(i, 'd') % 1000000000000)::BIGINT AS d,
       (hash(i, 'e') % 1000000)::DOUBLE / 1000.0::DOUBLE AS e,
       (hash(i, 'f') % 1000000)::DOUBLE * 1.1e10::DOUBLE AS f,
       ((hash(i, 'g') % 100000000)::DECIMAL(14,0) * 0.01::DECIMAL(3,2))::DECIMAL(12,2) AS g,
       ((hash(i, 'h') % 100000000)::DECIMAL(14,0) * 0.0001::DECIMAL(5,4))::DECIMAL(15,4) AS h,
       'name ' || (hash(i, 'i') % 1000) AS i,
       CASE WHEN i % 10 > 0 THEN 'a somewhat longer text with number ' || i END AS j,
       CASE hash(i, 'k') % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'green' ELSE 'blue' END AS k,
       DATE '2020-01-01' + (i % 2000)::INTEGER AS l,
       TIMESTAMP '2026-01-01 00:00:00' + to_milliseconds((hash(i, 'm') % 10000000000)::BIGINT) AS m,
       hash(i, 'n') % 2 = 0 AS n,
       CASE WHEN i % 7 > 0 THEN (i % 1000)::INTEGER END AS o
FROM range(0, 1000000) numbers(i)";
