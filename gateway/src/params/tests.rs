//! Parameters of every type, with what PostgreSQL 15 makes of them.

use super::*;

fn read(type_oid: u32, text: &str) -> Result<String, String> {
    decode(
        1,
        type_oid,
        Format::Text,
        Some(text.as_bytes()),
        DateOrder::Mdy,
    )
    .map(|parameter| parameter.sql())
    .map_err(|error| error.to_string())
}

fn receive(type_oid: u32, hex: &str) -> Result<String, String> {
    let bytes: Vec<_> = (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).unwrap())
        .collect();
    decode(3, type_oid, Format::Binary, Some(&bytes), DateOrder::Mdy)
        .map(|parameter| parameter.sql())
        .map_err(|error| error.to_string())
}

#[test]
fn text_of_every_type() {
    for (type_oid, text, sql) in [
        (oid::BOOL, " on ", "CAST('true' AS BOOLEAN)"),
        (oid::BOOL, "YE", "CAST('true' AS BOOLEAN)"),
        (oid::BOOL, "of", "CAST('false' AS BOOLEAN)"),
        (oid::INT2, " -7 ", "CAST('-7' AS SMALLINT)"),
        (oid::INT4, "+12", "CAST('12' AS INTEGER)"),
        (
            oid::INT8,
            "-9223372036854775808",
            "CAST('-9223372036854775808' AS BIGINT)",
        ),
        (oid::FLOAT8, " 1e308 ", "CAST('1e308' AS DOUBLE)"),
        (oid::FLOAT8, "0e-999", "CAST('0e-999' AS DOUBLE)"),
        (oid::FLOAT4, "-Infinity", "CAST('-Infinity' AS FLOAT)"),
        (oid::NUMERIC, "1.50", "CAST('1.50' AS DECIMAL(3,2))"),
        (oid::NUMERIC, "-.5", "CAST('-0.5' AS DECIMAL(2,1))"),
        (oid::NUMERIC, "+05.", "CAST('5' AS DECIMAL(1,0))"),
        (oid::NUMERIC, "0", "CAST('0' AS DECIMAL(1,0))"),
        (oid::NUMERIC, "1.5e3", "CAST('1500' AS DECIMAL(4,0))"),
        (oid::NUMERIC, "15e-3", "CAST('0.015' AS DECIMAL(4,3))"),
        (
            oid::NUMERIC,
            "1e99",
            &format!("CAST('1{}' AS DOUBLE)", "0".repeat(99)),
        ),
        (oid::NUMERIC, "-inf", "CAST('-Infinity' AS DOUBLE)"),
        (oid::TEXT, "it's", "CAST('it''s' AS VARCHAR)"),
        (0, "x", "CAST('x' AS VARCHAR)"),
        (oid::UNKNOWN, "x", "CAST('x' AS VARCHAR)"),
        (
            oid::JSONB,
            "{\"a\": 1}",
            "CAST(skein_fn.skein_jsonb('{\"a\": 1}') AS JSONB)",
        ),
        (oid::BYTEA, "\\x00 fF", "CAST('\\x00\\xFF' AS BLOB)"),
        (oid::BYTEA, "a\\\\\\001", "CAST('\\x61\\x5C\\x01' AS BLOB)"),
        (
            oid::UUID,
            "{A0EEBC999C0B4EF8-BB6D6BB9BD380A11}",
            "CAST('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AS UUID)",
        ),
        (oid::VARBIT, "x1F", "CAST('00011111' AS BIT)"),
        (oid::VARBIT, "B101", "CAST('101' AS BIT)"),
    ] {
        assert_eq!(read(type_oid, text).as_deref(), Ok(sql), "{text}");
    }
}

#[test]
fn dates_in_the_spellings_of_postgres() {
    for (type_oid, text, value) in [
        (oid::DATE, "2026-11-22", "'2026-11-22' AS DATE"),
        (oid::DATE, "2026-1-2", "'2026-01-02' AS DATE"),
        (oid::DATE, "20261122", "'2026-11-22' AS DATE"),
        (oid::DATE, "1/8/1999", "'1999-01-08' AS DATE"),
        (oid::DATE, "1/18/69", "'2069-01-18' AS DATE"),
        (oid::DATE, "January 8, 1999", "'1999-01-08' AS DATE"),
        (oid::DATE, "08-Jan-1999", "'1999-01-08' AS DATE"),
        (oid::DATE, "1999-Jan-08", "'1999-01-08' AS DATE"),
        (oid::DATE, "0044-03-15 BC", "'0044-03-15 (BC)' AS DATE"),
        (oid::DATE, "infinity", "'infinity' AS DATE"),
        (oid::DATE, "epoch", "'1970-01-01' AS DATE"),
        (oid::DATE, "today", "current_date AS DATE"),
        (oid::DATE, "nonsense", "'nonsense' AS DATE"),
        (
            oid::TIMESTAMP,
            "2026-11-22T10:00:00",
            "'2026-11-22 10:00:00' AS TIMESTAMP",
        ),
        (
            oid::TIMESTAMP,
            "2026-11-22 10:00",
            "'2026-11-22 10:00:00' AS TIMESTAMP",
        ),
        (
            oid::TIMESTAMP,
            "Jan 8 1999 4:05 PM",
            "'1999-01-08 16:05:00' AS TIMESTAMP",
        ),
        (
            oid::TIMESTAMP,
            "0044-03-15 10:00:00 BC",
            "'0044-03-15 (BC) 10:00:00' AS TIMESTAMP",
        ),
        (
            oid::TIMESTAMPTZ,
            "2026-11-22 10:00:00.5+01",
            "'2026-11-22 10:00:00.5+01:00' AS TIMESTAMP WITH TIME ZONE",
        ),
        (
            oid::TIMESTAMPTZ,
            "Sun Nov 22 10:00:00 2026 CET",
            "'2026-11-22 10:00:00+01:00' AS TIMESTAMP WITH TIME ZONE",
        ),
        (oid::TIME, "12:30 am", "'00:30:00' AS TIME"),
        (oid::TIME, "04:05:06.7", "'04:05:06.7' AS TIME"),
        (
            oid::INTERVAL,
            "P1Y2M3DT4H5M6.5S",
            "'14 months 3 days 14706500000 microseconds' AS INTERVAL",
        ),
        (
            oid::INTERVAL,
            "-1 days +02:03:00",
            "'-1 days 7380000000 microseconds' AS INTERVAL",
        ),
        (oid::INTERVAL, "1 day ago", "'-1 days' AS INTERVAL"),
    ] {
        assert_eq!(read(type_oid, text), Ok(format!("CAST({value})")), "{text}");
    }
    let german = decode(
        1,
        oid::DATE,
        Format::Text,
        Some(b"8.1.1999"),
        DateOrder::Dmy,
    )
    .unwrap();
    assert_eq!(german.value, Value::Text("1999-01-08".to_owned()));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn errors_have_the_words_of_postgres() {
    for (type_oid, text, message) in [
        (
            oid::INT4,
            "abc",
            "invalid input syntax for type integer: \"abc\"",
        ),
        (oid::INT4, "", "invalid input syntax for type integer: \"\""),
        (
            oid::INT4,
            "0x10",
            "invalid input syntax for type integer: \"0x10\"",
        ),
        (
            oid::INT4,
            "1.5",
            "invalid input syntax for type integer: \"1.5\"",
        ),
        (
            oid::INT4,
            "99999999999",
            "value \"99999999999\" is out of range for type integer",
        ),
        (
            oid::BOOL,
            "o",
            "invalid input syntax for type boolean: \"o\"",
        ),
        (
            oid::FLOAT8,
            "x",
            "invalid input syntax for type double precision: \"x\"",
        ),
        (
            oid::FLOAT8,
            "1e400",
            "\"1e400\" is out of range for type double precision",
        ),
        (
            oid::FLOAT8,
            "1e-400",
            "\"1e-400\" is out of range for type double precision",
        ),
        (
            oid::FLOAT4,
            "1e39",
            "\"1e39\" is out of range for type real",
        ),
        (
            oid::NUMERIC,
            "1,5",
            "invalid input syntax for type numeric: \"1,5\"",
        ),
        (
            oid::NUMERIC,
            ".",
            "invalid input syntax for type numeric: \".\"",
        ),
        (
            oid::UUID,
            "a0eebc99",
            "invalid input syntax for type uuid: \"a0eebc99\"",
        ),
        (oid::BYTEA, "\\xz1", "invalid hexadecimal digit: \"z\""),
        (
            oid::BYTEA,
            "\\x1",
            "invalid hexadecimal data: odd number of digits",
        ),
        (
            oid::BYTEA,
            "\\9",
            "invalid input syntax for type bytea: \"\\9\"",
        ),
        (oid::VARBIT, "12", "\"2\" is not a valid binary digit"),
        (1007, "{1", "malformed array literal: \"{1\""),
        (1007, "{1,,2}", "malformed array literal: \"{1,,2}\""),
        (
            1007,
            "{{1},{2,3}}",
            "malformed array literal: \"{{1},{2,3}}\"",
        ),
        (1007, "{{},{}}", "malformed array literal: \"{{},{}}\""),
        (1007, "{x}", "invalid input syntax for type integer: \"x\""),
        (999_999, "x", "type with OID 999999 does not exist"),
        (
            oid::TEXT,
            "a\0",
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ),
    ] {
        assert_eq!(read(type_oid, text), Err(message.to_owned()), "{text}");
    }
    let error = decode(
        1,
        oid::TEXT,
        Format::Text,
        Some(b"a\xff\xfe"),
        DateOrder::Mdy,
    );
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "invalid byte sequence for encoding \"UTF8\": 0xff");
}

#[test]
fn binary_of_every_type() {
    for (type_oid, hex, value) in [
        (oid::BOOL, "01", "'true' AS BOOLEAN"),
        (oid::INT2, "8000", "'-32768' AS SMALLINT"),
        (oid::INT4, "7fffffff", "'2147483647' AS INTEGER"),
        (
            oid::INT8,
            "8000000000000000",
            "'-9223372036854775808' AS BIGINT",
        ),
        (oid::FLOAT4, "7f7fffff", "'3.4028235e+38' AS FLOAT"),
        (oid::FLOAT8, "3fb999999999999a", "'0.1' AS DOUBLE"),
        (oid::FLOAT8, "7ff8000000000000", "'NaN' AS DOUBLE"),
        (oid::NUMERIC, "0000000000000000", "'0' AS DECIMAL(1,0)"),
        (
            oid::NUMERIC,
            "0002000000000002000103e8",
            "'1.10' AS DECIMAL(3,2)",
        ),
        (
            oid::NUMERIC,
            "0001000100000000000a",
            "'100000' AS DECIMAL(6,0)",
        ),
        (
            oid::NUMERIC,
            "0001ffff000000040001",
            "'0.0001' AS DECIMAL(5,4)",
        ),
        (
            oid::NUMERIC,
            "0001fffb000000140001",
            "'0.00000000000000000001' AS DECIMAL(21,20)",
        ),
        (
            oid::NUMERIC,
            "000800044000000904d2162e23340d801ed204d2162e2328",
            "'-12345678901234567890.123456789' AS DECIMAL(29,9)",
        ),
        (oid::NUMERIC, "00000000c0000000", "'NaN' AS DOUBLE"),
        (oid::TEXT, "c3a9", "'é' AS VARCHAR"),
        (oid::BYTEA, "00ff41", "'\\x00\\xFF\\x41' AS BLOB"),
        (oid::DATE, "0000265e", "'2026-11-22' AS DATE"),
        (oid::DATE, "fff4da8b", "'0001-01-01 (BC)' AS DATE"),
        (oid::DATE, "80000000", "'-infinity' AS DATE"),
        (oid::TIME, "000000141dd76000", "'24:00:00' AS TIME"),
        (
            oid::TIMETZ,
            "0000000a8bda1c00ffffb2a8",
            "'12:34:56+05:30' AS TIME WITH TIME ZONE",
        ),
        (
            oid::TIMESTAMP,
            "ff1af9e74e1f8800",
            "'0044-03-15 (BC) 10:00:00' AS TIMESTAMP",
        ),
        (
            oid::TIMESTAMP,
            "7fffffffffffffff",
            "'infinity' AS TIMESTAMP",
        ),
        (
            oid::TIMESTAMPTZ,
            "000303d1cb3f9b00",
            "'2026-11-22 01:02:03.123456+00:00' AS TIMESTAMP WITH TIME ZONE",
        ),
        (
            oid::INTERVAL,
            "000000036c97ca88000000030000000e",
            "'14 months 3 days 14706789000 microseconds' AS INTERVAL",
        ),
        (
            oid::UUID,
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AS UUID",
        ),
        (oid::JSONB, "017b7d", "skein_fn.skein_jsonb('{}') AS JSONB"),
        (oid::VARBIT, "00000003a0", "'101' AS BIT"),
    ] {
        assert_eq!(
            receive(type_oid, hex),
            Ok(format!("CAST({value})")),
            "{hex}"
        );
    }
}

#[test]
fn damaged_binary_is_refused() {
    let incorrect = "incorrect binary data format in bind parameter 3";
    for (type_oid, hex, message) in [
        (oid::INT4, "0001", "insufficient data left in message"),
        (oid::INT4, "0000000001", incorrect),
        (oid::JSONB, "027b7d", incorrect),
        (oid::NUMERIC, "00010000000000002710", incorrect),
        (oid::NUMERIC, "0001000012340000 0001", incorrect),
        (oid::TIME, "ffffffffffffffff", "time out of range"),
        (oid::DATE, "7ffffffe", "date out of range"),
        (
            oid::TIMETZ,
            "0000000a8bda1c007fffffff",
            "time zone displacement out of range",
        ),
        (600, "00", "type with OID 600 does not exist"),
        (
            oid::MONEY,
            "0000000000000001",
            "no binary input function available for type money",
        ),
        (1007, "0000000100000000000000197fffffff00000001", incorrect),
        (
            1007,
            "0000000100000000000000177fffffff00000001",
            "insufficient data left in message",
        ),
    ] {
        let hex = hex.replace(' ', "");
        assert_eq!(receive(type_oid, &hex), Err(message.to_owned()), "{hex}");
    }
}

#[test]
fn arrays_become_lists() {
    for (type_oid, text, sql) in [
        (1007, "{1,NULL, 3 }", "CAST(['1', NULL, '3'] AS INTEGER[])"),
        (1007, "[0:1]={1,2}", "CAST(['1', '2'] AS INTEGER[])"),
        (1007, "{}", "CAST([] AS INTEGER[])"),
        (
            1007,
            "{{1,2},{3,4}}",
            "CAST([['1', '2'], ['3', '4']] AS INTEGER[][])",
        ),
        (
            1009,
            r#"{ a b , "c\"d",nUll,"NULL",\n,it's}"#,
            "CAST(['a b', 'c\"d', NULL, 'NULL', 'n', 'it''s'] AS VARCHAR[])",
        ),
        (1231, "{1.5,22}", "CAST(['1.5', '22'] AS DECIMAL(3,1)[])"),
    ] {
        assert_eq!(read(type_oid, text).as_deref(), Ok(sql), "{text}");
    }
    let one_and_null = "000000010000000100000017000000020000000100000004\
         00000001ffffffff";
    assert_eq!(
        receive(1007, one_and_null).as_deref(),
        Ok("CAST(['1', NULL] AS INTEGER[])")
    );
    assert_eq!(
        receive(1007, "000000000000000000000017").as_deref(),
        Ok("CAST([] AS INTEGER[])")
    );
}

#[test]
fn nulls_keep_their_type() {
    let null = |type_oid| {
        decode(1, type_oid, Format::Text, None, DateOrder::Mdy)
            .unwrap()
            .sql()
    };
    assert_eq!(null(oid::INT4), "CAST(NULL AS INTEGER)");
    assert_eq!(null(oid::NUMERIC), "CAST(NULL AS DECIMAL(38,10))");
    assert_eq!(null(1185), "CAST(NULL AS TIMESTAMP WITH TIME ZONE[])");
}

#[test]
fn declared_types_are_those_of_duckdb() {
    assert_eq!(duckdb_type(oid::INT8).as_deref(), Some("BIGINT"));
    assert_eq!(duckdb_type(1015).as_deref(), Some("VARCHAR[]"));
    assert_eq!(duckdb_type(oid::UNKNOWN), None);
    assert_eq!(duckdb_type(0), None);
    assert!(is_known(0) && is_known(1007) && is_known(oid::UNKNOWN) && !is_known(999_999));
}
