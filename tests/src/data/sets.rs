//! Small data sets for tests.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{generated, write, write_parquet};
use crate::native::Native;

/// How many files a data set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A few per relation.
    Few,
    /// Many tiny ones.
    Many,
}

impl Layout {
    /// The number that fits this layout.
    pub fn files(self, few: usize, many: usize) -> usize {
        match self {
            Self::Few => few,
            Self::Many => many,
        }
    }
}

/// A copy of a data set that a test may change.
pub fn private(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    copy(from, folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from)
        .expect("a folder can be read")
        .flatten()
    {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// `facts` (Parquet in Hive folders), `dims` (CSV) and `notes` (JSON): what random queries read.
pub fn random_relations(layout: Layout) -> PathBuf {
    let version = format!("{FACTS}{DIMS}{NOTES}{layout:?}3");
    generated(
        &format!("random-{layout:?}").to_lowercase(),
        &version,
        |folder| {
            let native = Native::open(1);
            hive_facts(&native, folder, layout);
            write(
                &native,
                folder,
                "dims",
                DIMS,
                layout.files(2, 5),
                "csv",
                "FORMAT csv, HEADER",
            );
            write(
                &native,
                folder,
                "notes",
                NOTES,
                layout.files(3, 12),
                "json",
                "FORMAT json",
            );
        },
    )
}

fn hive_facts(native: &Native, folder: &Path, layout: Layout) {
    native.run(&format!("CREATE TABLE all_facts AS {FACTS}"));
    for day in 0..12 {
        let name = format!("facts/day=2026-03-{:02}", day + 1);
        // Day 10 has a file without rows, day 11 one with one row.
        let limit = match day {
            10 => 0,
            11 => 1,
            _ => 1000,
        };
        let sql = format!(
            "SELECT * EXCLUDE (n) FROM all_facts WHERE n = {day} ORDER BY id LIMIT {limit}"
        );
        let files = if limit > 1 { layout.files(1, 3) } else { 1 };
        write_parquet(native, folder, &name, &sql, files);
    }
}

const FACTS: &str = "
SELECT i AS id,
       nullif(hash(i, 'k') % 16, 15)::INTEGER AS k,
       CASE WHEN hash(i, 'v') % 9 > 0 THEN (hash(i, 'w') % 201)::INTEGER - 100 END AS v,
       CASE hash(i, 'g') % 7 WHEN 0 THEN 'a' WHEN 1 THEN 'B' WHEN 2 THEN 'it''s' WHEN 3 THEN 'ab'
            WHEN 4 THEN 'é' WHEN 5 THEN '' END AS g,
       CASE WHEN hash(i, 'd') % 8 > 0
            THEN (((hash(i, 'e') % 20001)::DECIMAL(12,2) - 10000) * 0.01::DECIMAL(3,2))::DECIMAL(12,2)
       END AS d,
       CASE WHEN hash(i, 'x') % 8 > 0 THEN ((hash(i, 'y') % 401)::DOUBLE - 200) * 0.25 END AS x,
       CASE hash(i, 'b') % 5 WHEN 0 THEN NULL WHEN 1 THEN false WHEN 2 THEN false ELSE true END AS b,
       (i % 12)::INTEGER AS n
FROM range(0, 600) numbers(i)";

const DIMS: &str = "
SELECT (i % 17)::INTEGER AS k,
       CASE WHEN i % 6 > 0 THEN 'name ' || (i % 8) END AS name,
       (i % 5)::INTEGER AS grp,
       (i * 1.25)::DECIMAL(6,2) AS rate
FROM range(0, 22) numbers(i)";

const NOTES: &str = "
SELECT i * 5 AS id,
       CASE WHEN hash(i, 'k') % 10 > 0 THEN (hash(i, 'l') % 18)::INTEGER END AS k,
       CASE hash(i, 'n') % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'Banana' WHEN 2 THEN '' END AS note,
       CASE WHEN hash(i, 'a') % 7 > 0 THEN (hash(i, 'm') % 101)::INTEGER END AS amount
FROM range(0, 120) numbers(i)";

/// `samples`: a column of every kind, with NULLs, NaN, and groups that are missing from some
/// files; files without rows, with one row, and with nothing but NULLs.
pub fn aggregate_relations(layout: Layout) -> PathBuf {
    let version = format!("{SAMPLES}{layout:?}3");
    generated(
        &format!("aggregates-{layout:?}").to_lowercase(),
        &version,
        |folder| {
            let native = Native::open(1);
            native.run(&format!("CREATE TABLE all_samples AS {SAMPLES}"));
            let piece = |name: &str, sql: &str, files: usize| {
                write_parquet(&native, folder, &format!("samples/{name}"), sql, files);
            };
            piece(
                "a",
                "SELECT * FROM all_samples WHERE id < 150",
                layout.files(2, 9),
            );
            piece(
                "b-empty",
                "SELECT * FROM all_samples WHERE false",
                layout.files(1, 2),
            );
            piece("c-one", "SELECT * FROM all_samples WHERE id = 150", 1);
            let nulls = "SELECT id, g, COLUMNS(* EXCLUDE (id, g)) FROM \
                     (SELECT * REPLACE (NULL AS g) FROM all_samples WHERE id IN (151, 152))";
            let columns = native
                .query("SELECT column_name, column_type FROM (DESCRIBE all_samples)")
                .expect("DuckDB describes its table");
            let list: Vec<String> = columns
                .iter()
                .map(|row| {
                    let (name, ty) = (row[0].as_deref(), row[1].as_deref());
                    let (name, ty) = (name.unwrap_or_default(), ty.unwrap_or_default());
                    if name == "id" {
                        "id".to_owned()
                    } else {
                        format!("NULL::{ty} AS {name}")
                    }
                })
                .collect();
            piece(
                "d-nulls",
                &format!("SELECT {} FROM ({nulls})", list.join(", ")),
                1,
            );
            piece(
                "e",
                "SELECT * FROM all_samples WHERE id > 152",
                layout.files(2, 9),
            );
            piece("f-empty", "SELECT * FROM all_samples WHERE false", 1);
        },
    )
}

const SAMPLES: &str = "
SELECT i AS id,
       CASE WHEN i < 60 THEN 'early' WHEN i > 240 THEN 'late' WHEN i % 7 = 0 THEN NULL
            WHEN i % 5 = 0 THEN 'nulls' ELSE 'g' || (i % 4) END AS g,
       CASE WHEN i % 5 > 0 AND i % 11 > 0 THEN (hash(i, 'i') % 41)::INTEGER - 20 END AS i32,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'b') % 1000)::BIGINT * 1000003 END AS i64,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'h') % 1000)::HUGEINT END AS i128,
       CASE WHEN i % 5 > 0 THEN (hash(i, 's') % 100)::SMALLINT END AS i16,
       CASE WHEN i % 5 > 0 THEN (hash(i, 't') % 100)::TINYINT END AS i8,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'u') % 200)::UTINYINT END AS u8,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'u') % 200)::USMALLINT END AS u16,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'u') % 200)::UINTEGER END AS u32,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'u') % 200)::UBIGINT END AS u64,
       CASE WHEN i % 5 > 0 THEN (hash(i, 'u') % 200)::UHUGEINT END AS u128,
       CASE WHEN i % 5 > 0 THEN ((hash(i, 'd') % 2001)::DECIMAL(10,2) - 1000)::DECIMAL(10,2) END AS dec,
       CASE WHEN i % 5 > 0 THEN ((hash(i, 'x') % 401)::DOUBLE - 200) * 0.25 END AS f64,
       CASE WHEN i % 5 > 0 THEN (((hash(i, 'y') % 401)::DOUBLE - 200) * 0.25)::FLOAT END AS f32,
       CASE WHEN i % 50 = 1 THEN 'NaN'::DOUBLE WHEN i % 50 = 2 THEN 'Infinity'::DOUBLE
            WHEN i % 5 > 0 THEN ((hash(i, 'n') % 401)::DOUBLE - 200) * 0.25 END AS nan,
       CASE WHEN i % 5 > 0 THEN substr('the quick brown fox', 1 + (hash(i, 'w') % 15)::INTEGER, 4) END AS txt,
       CASE WHEN i % 5 > 0 THEN hash(i, 'o') % 3 > 0 END AS bo,
       CASE WHEN i % 5 > 0 THEN DATE '2026-01-01' + (hash(i, 'a') % 90)::INTEGER END AS da,
       CASE WHEN i % 5 > 0 THEN TIMESTAMP '2026-01-01 00:00:00' + to_seconds((hash(i, 'm') % 9000000)::BIGINT) END AS ts,
       CASE WHEN i % 5 > 0 THEN TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds((hash(i, 'z') % 9000000)::BIGINT) END AS tz,
       CASE WHEN i % 5 > 0 THEN TIME '00:00:00' + to_seconds((hash(i, 'tm') % 80000)::BIGINT) END AS ti,
       CASE WHEN i % 5 > 0 THEN to_days((hash(i, 'iv') % 9)::INTEGER) END AS iv,
       CASE WHEN i % 5 > 0 THEN ('b' || (hash(i, 'bl') % 20))::BLOB END AS bl,
       CASE WHEN i % 5 > 0 THEN lpad(bin(hash(i, 'bi') % 16), 4, '0')::BIT END AS bi,
       CASE WHEN i % 5 > 0 THEN [i % 3, NULL, i % 2]::INTEGER[] END AS li,
       CASE WHEN i % 5 > 0 THEN {'a': (i % 4)::INTEGER, 'b': 'x'} END AS st
FROM range(0, 300) numbers(i)";

/// `large` and `other` with keys of every type, of which many are NULL and half of the rest are the
/// same; `hollow`, which has columns and no rows; and `blank`, whose keys are all NULL. Some files
/// have no rows.
pub fn exchange_relations(layout: Layout) -> PathBuf {
    let version = format!("{KEYS}{layout:?}1");
    generated(
        &format!("exchange-{layout:?}").to_lowercase(),
        &version,
        |folder| {
            let native = Native::open(1);
            let piece = |name: &str, sql: &str, files: usize| {
                write_parquet(&native, folder, name, sql, files);
            };
            native.run(&format!("CREATE TABLE keys AS {KEYS}"));
            piece("large/a", "FROM keys WHERE id < 250", layout.files(2, 9));
            piece("large/b-none", "FROM keys WHERE false", 1);
            piece("large/c", "FROM keys WHERE id >= 250", layout.files(1, 5));
            // The same keys in types that are compared with those of the others.
            let other = "SELECT id, k::BIGINT AS k, i128::DOUBLE AS i128, f64::FLOAT AS f64, \
                         dec::DECIMAL(14,4) AS dec, txt, da::TIMESTAMP AS da, tz, li, bo \
                         FROM keys WHERE id % 3 = 0";
            piece(
                "other/a",
                &format!("{other} AND id < 200"),
                layout.files(1, 4),
            );
            piece("other/b-none", &format!("{other} AND false"), 1);
            piece(
                "other/c",
                &format!("{other} AND id >= 200"),
                layout.files(1, 4),
            );
            piece("hollow/a", "FROM keys WHERE false", 1);
            let blank = "SELECT id, NULL::INTEGER AS k, NULL::VARCHAR AS txt FROM keys LIMIT 7";
            piece("blank/a", blank, layout.files(1, 3));
        },
    )
}

/// A fifth of each key is NULL, and of the rest about half are one value.
const KEYS: &str = "
SELECT i AS id,
       CASE WHEN i % 5 = 0 THEN NULL WHEN i % 2 = 0 THEN 7 ELSE (hash(i, 'k') % 60)::INTEGER END AS k,
       CASE WHEN i % 5 = 1 THEN NULL WHEN i % 2 = 0 THEN 3 ELSE (hash(i, 'h') % 60)::HUGEINT END AS i128,
       CASE WHEN i % 5 = 2 THEN NULL WHEN i % 20 = 4 THEN 'NaN'::DOUBLE WHEN i % 20 = 6 THEN '-0'::DOUBLE
            WHEN i % 20 = 8 THEN 0 WHEN i % 2 = 0 THEN 1.5 ELSE (hash(i, 'f') % 60)::DOUBLE * 0.25 END AS f64,
       CASE WHEN i % 5 = 3 THEN NULL WHEN i % 2 = 0 THEN 2.5 ELSE (hash(i, 'd') % 60) * 0.01 END::DECIMAL(10,2) AS dec,
       CASE WHEN i % 5 = 4 THEN NULL WHEN i % 2 = 0 THEN 'same' WHEN i % 3 = 0 THEN ''
            ELSE 'é' || (hash(i, 't') % 60) END AS txt,
       CASE WHEN i % 5 > 0 THEN DATE '2026-03-01' + (hash(i, 'da') % 40)::INTEGER END AS da,
       CASE WHEN i % 5 > 1 THEN TIMESTAMPTZ '2026-03-01 00:00:00+00' + to_hours((hash(i, 'tz') % 40)::INTEGER) END AS tz,
       CASE WHEN i % 5 > 2 THEN [i % 3, NULL, i % 4]::INTEGER[] END AS li,
       CASE WHEN i % 5 > 0 THEN i % 3 = 0 END AS bo
FROM range(0, 400) numbers(i)";

/// TPC-H at this scale, in files per table.
pub fn tpch(scale: &str, layout: Layout) -> PathBuf {
    generated(
        &format!("tpch-{scale}-{layout:?}").to_lowercase(),
        "2",
        |folder| {
            let native = Native::with_extensions(2, &["tpch"]);
            native.run(&format!("CALL dbgen(sf = {scale})"));
            write_tables(&native, folder, layout);
        },
    )
}

/// TPC-DS at this scale, in files per table.
pub fn tpcds(scale: &str, layout: Layout) -> PathBuf {
    generated(
        &format!("tpcds-{scale}-{layout:?}").to_lowercase(),
        "2",
        |folder| {
            let native = Native::with_extensions(2, &["tpcds"]);
            native.run(&format!("CALL dsdgen(sf = {scale})"));
            write_tables(&native, folder, layout);
        },
    )
}

/// Writes every table; those with more rows into more files.
fn write_tables(native: &Native, folder: &Path, layout: Layout) {
    let tables = native
        .query("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY table_name")
        .expect("DuckDB lists its tables");
    for table in tables {
        let cell = |index: usize| table[index].clone().unwrap_or_default();
        let (name, rows) = (cell(0), cell(1).parse::<usize>().unwrap_or(0));
        let files = match rows {
            0..=30 => 1,
            31..=2000 => layout.files(2, 5),
            2001..=20000 => layout.files(4, 16),
            _ => layout.files(7, 40),
        };
        write_parquet(native, folder, &name, &format!("FROM {name}"), files);
    }
}

/// Relations of the `.slt` files: `events` (Parquet, Hive), `customers` (CSV), `devices` (JSON),
/// `words` and `moments` (Parquet).
pub fn sql_relations(layout: Layout) -> PathBuf {
    generated(
        &format!("sql-{layout:?}").to_lowercase(),
        &format!("{EVENTS}{WORDS}{MOMENTS}{GAPS}{BOUNDS}{COUNTERS}{layout:?}2"),
        |folder| {
            let native = Native::open(1);
            native.run(&format!("CREATE TABLE all_events AS {EVENTS}"));
            for day in 1..=6 {
                let name = format!("events/day=2026-10-{day:02}");
                let sql = format!(
                    "SELECT * EXCLUDE (day) FROM all_events WHERE day = {day} ORDER BY event_id"
                );
                write_parquet(&native, folder, &name, &sql, layout.files(1, 7));
            }
            write(
                &native,
                folder,
                "customers",
                CUSTOMERS,
                layout.files(2, 6),
                "csv",
                "FORMAT csv, HEADER",
            );
            write(
                &native,
                folder,
                "devices",
                DEVICES,
                layout.files(2, 4),
                "json",
                "FORMAT json",
            );
            let sql = format!("{WORDS} ORDER BY id");
            write_parquet(&native, folder, "words", &sql, layout.files(3, 7));
            let sql = format!("{MOMENTS} ORDER BY id");
            write_parquet(&native, folder, "moments", &sql, layout.files(3, 6));
            write_parquet(&native, folder, "gaps", GAPS, layout.files(3, 6));
            write_parquet(&native, folder, "counters", COUNTERS, layout.files(2, 5));
            // DuckDB has statistics of a relation that is one file.
            write_parquet(&native, folder, "bounds", BOUNDS, 1);
        },
    )
}

/// Integers that PostgreSQL does not have: unsigned ones, and those of one byte.
const COUNTERS: &str = "
SELECT id::INTEGER AS id, t8::TINYINT AS t8, u8::UTINYINT AS u8, u16::USMALLINT AS u16,
       u32::UINTEGER AS u32, u64::UBIGINT AS u64, [coalesce(u8, 7), 1]::UTINYINT[] AS list
FROM (VALUES
  (1, -128, 200, 60000, 4000000000, 18446744073709551615),
  (2, 127, 50, 9000, 800000000, 3689348814741910323),
  (3, NULL, NULL, NULL, NULL, NULL),
  (4, 100, 255, 65535, 4294967295, 9223372036854775808),
  (5, 0, 0, 0, 0, 0),
  (6, -1, 1, 1, 1, 1)
) AS counters(id, t8, u8, u16, u32, u64) ORDER BY id";

/// NULLs in every column, letters whose last byte is 0xBF, and numbers at the limit of their types.
const GAPS: &str = "
SELECT id::INTEGER AS id, a::INTEGER AS a, b::INTEGER AS b, s, x::DOUBLE AS x, n::DECIMAL(4,1) AS n,
       big::DECIMAL(38,0) AS big, t::TIMESTAMP AS t
FROM (VALUES
  (1, 1, 5, '¿a?', 32767.4, 995.5, 99999999999999999999999999999999999999, '2020-06-15 12:00:00'),
  (2, 2, 6, 'ÿba', -32768.5, 999.9, 99999999999999999999999999999999999999, '2020-06-15'),
  (3, 3, 9, 'пa', 32767.5, -950, -99999999999999999999999999999999999999, NULL),
  (4, 9, 8, 'пya', 32766.5, 0.5, 1, 'infinity'),
  (5, 3, NULL, 'abc', NULL, NULL, NULL, '-infinity'),
  (6, NULL, 8, NULL, 2.5, 49.9, 2, '2020-06-16 23:59:59.5'),
  (7, 2, 6, 'aпb', 3.5, 50, 3, '2021-01-01'),
  (8, 3, 7, '', -0.5, -50, 4, NULL),
  (9, 3, NULL, 'a', 0.5, 949.9, 5, '2020-06-15 12:00:00'),
  (10, 4, 8, 'ÿ', 1e3, 950, 99999999999999999999999999999999999999, '2020-07-01')
) AS gaps(id, a, b, s, x, n, big, t) ORDER BY id";

const BOUNDS: &str = "SELECT i::INTEGER AS id, (i * 100)::INTEGER AS upto, i::INTEGER AS tag \
                      FROM range(1, 3) numbers(i) ORDER BY id";

const EVENTS: &str = "
SELECT i AS event_id,
       (1 + i % 6)::INTEGER AS day,
       TIMESTAMP '2026-10-01 00:00:00' + to_days((i % 6)::INTEGER) + to_minutes(i) AS ts,
       CASE WHEN i % 10 < 9 THEN (1 + i % 7)::INTEGER END AS customer_id,
       (1 + i % 4)::INTEGER AS device_id,
       CASE i % 3 WHEN 0 THEN 'view' WHEN 1 THEN 'click' ELSE 'buy' END AS kind,
       CASE WHEN i % 8 > 0 THEN (i * 37 % 500)::INTEGER END AS ms,
       CASE WHEN i % 3 = 2 THEN (i * 1.25)::DECIMAL(10,2) END AS amount
FROM range(0, 120) numbers(i)";

const CUSTOMERS: &str = "
SELECT i AS customer_id, 'Customer ' || i AS name,
       CASE WHEN i % 3 = 0 THEN 'NO' WHEN i % 3 = 1 THEN 'JP' ELSE 'BR' END AS country,
       DATE '2020-01-01' + (i * 40)::INTEGER AS since
FROM range(1, 9) numbers(i)";

const DEVICES: &str = "
SELECT i AS device_id, 'model ' || chr(64 + i::INTEGER) AS model, [i, i + 1] AS ports,
       {'os': CASE WHEN i % 2 = 0 THEN 'linux' ELSE 'bsd' END, 'cores': i * 2} AS system
FROM range(1, 6) numbers(i)";

/// Texts of many kinds, a pattern and a number for each, and bytes.
const WORDS: &str = r#"
SELECT id, word, pattern, n, raw::BLOB AS raw
FROM (VALUES
    (1, 'hello World', 'o', 3, 'abc'), (2, 'Élan vital', 'l|v', 0, '\x00\x01\xFF'),
    (3, '', '^$', 1, ''), (4, NULL, 'x', 2, NULL), (5, 'a,b,,c', ',', -2, 'a,b'),
    (6, 'foo.bar+baz', '\.', 5, '\xDE\xAD\xBE\xEF'), (7, '  padded  ', '\s+', -1, ' x '),
    (8, '100% of_it', '%', 4, '100%'), (9, 'C:\temp\new', '\\', 7, 'C:\x5Ct'),
    (10, 'x1y22z333', '[0-9]+', 9, '123'), (11, 'it''s "quoted"', '"', NULL, '''"'),
    (12, 'ÄÖÜ straße', '[^ -~]', 10, 'plain'), (13, 'HELLO', 'L', -10, 'HELLO'),
    (14, 'two' || chr(10) || 'lines', '^l', 100, 'a' || chr(10))
) AS words(id, word, pattern, n, raw)"#;

/// Dates, times, intervals and numbers around the ends of months and years, and dates as text.
const MOMENTS: &str = "
SELECT id::INTEGER AS id, d::DATE AS d, t::TIME AS t, ts::TIMESTAMP AS ts, tz::TIMESTAMPTZ AS tz,
       span::INTERVAL AS span, n::INTEGER AS n, x::DECIMAL(12,3) AS x, written
FROM (VALUES
    (1, '2026-01-01', '00:00', '2026-01-01 00:00', '2026-01-01 00:00:00+00', '1 day', 0, 0, '2026-01-05'),
    (2, '2025-12-31', '23:59:59.5', '2025-12-31 23:59:59.5', '2025-12-31 23:59:59.5+00', '12 hours', -1, -0.5, '1999-12-31'),
    (3, '2024-02-29', '12:00', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+00', '1 month', 12, 1234.5, '2024-02-29'),
    (4, '2026-03-08', '02:30', '2026-03-08 02:30', '2026-03-08 07:30:00+00', '26 hours', 485, 0.999, '2026-03-08'),
    (5, '2026-11-01', '01:30', '2026-11-01 01:30', '2026-11-01 05:30:00+00', '14 months 3 days', 1234567, -98765.432, '2026-11-01'),
    (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (7, '2000-06-15', '13:01:02', '2000-06-15 13:01:02', '2000-06-15 13:01:02+00', '00:00:01.5', -12345, 12, '2000-06-15'),
    (8, '1999-01-03', '06:07:08', '1999-01-03 06:07:08', '1999-01-03 06:07:08+00', '1 month 27 hours', 7, 100.25, '1999-01-03'),
    (9, '1901-12-13', '18:45', '1901-12-13 18:45', '1901-12-13 18:45:00+00', '10 years', 99, 0.05, '1901-12-13'),
    (10, '2026-07-04', '10:20:30', '2026-07-04 10:20:30', '2026-07-04 10:20:30+00', '0 days', 3999, 5.55, '2026-07-04')
) AS moments(id, d, t, ts, tz, span, n, x, written)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::relations;

    fn names(folder: &std::path::Path) -> Vec<String> {
        relations(folder)
            .into_iter()
            .map(|relation| relation.name)
            .collect()
    }

    #[test]
    fn both_layouts_hold_the_same_rows() {
        for set in [random_relations, aggregate_relations, sql_relations] {
            let (few, many) = (set(Layout::Few), set(Layout::Many));
            assert_eq!(names(&few), names(&many));
            for relation in names(&few) {
                let rows = |folder: &std::path::Path| {
                    let native = Native::open(1);
                    native.create_views(folder);
                    let sql = format!("FROM {relation} ORDER BY ALL");
                    native
                        .query(&sql)
                        .expect("a generated relation can be read")
                };
                assert_eq!(rows(&few), rows(&many), "{relation}");
            }
        }
    }

    #[test]
    fn benchmarks_have_their_tables() {
        assert_eq!(names(&tpch("0.02", Layout::Few)).len(), 8);
        assert_eq!(names(&tpcds("0.02", Layout::Many)).len(), 24);
    }
}
