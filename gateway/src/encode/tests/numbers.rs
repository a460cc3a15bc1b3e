//! Booleans and numbers.

use arrow::array::{
    BinaryArray, BooleanArray, Decimal32Array, Decimal64Array, Decimal128Array, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array,
};

use super::*;

#[test]
fn booleans_and_integers() {
    check("BOOLEAN", BooleanArray::from(vec![true]), "t", "01");
    check("BOOLEAN", Int8Array::from(vec![0]), "f", "00");
    check("BOOLEAN", Int8Array::from(vec![1]), "t", "01");
    check("TINYINT", Int8Array::from(vec![-128]), "-128", "ff80");
    check("UTINYINT", UInt8Array::from(vec![255]), "255", "00ff");
    check("SMALLINT", Int16Array::from(vec![-32768]), "-32768", "8000");
    check(
        "USMALLINT",
        UInt16Array::from(vec![65535]),
        "65535",
        "0000ffff",
    );
    check(
        "INTEGER",
        Int32Array::from(vec![i32::MAX]),
        "2147483647",
        "7fffffff",
    );
    check(
        "UINTEGER",
        UInt32Array::from(vec![u32::MAX]),
        "4294967295",
        "00000000ffffffff",
    );
    check(
        "BIGINT",
        Int64Array::from(vec![i64::MIN]),
        "-9223372036854775808",
        "8000000000000000",
    );
}

#[test]
fn wide_integers_are_numeric() {
    check(
        "UBIGINT",
        UInt64Array::from(vec![u64::MAX]),
        "18446744073709551615",
        "000500040000000007341a5802e103bb064f",
    );
    check(
        "HUGEINT",
        fixed(&(-6_i128).to_le_bytes()),
        "-6",
        "00010000400000000006",
    );
    check(
        "UHUGEINT",
        fixed(&100_000_u128.to_le_bytes()),
        "100000",
        "0001000100000000000a",
    );
    check(
        "BIGNUM",
        BinaryArray::from(vec![&[0x80_u8, 0, 1, 8][..]]),
        "8",
        "00010000000000000008",
    );
    check(
        "BIGNUM",
        BinaryArray::from(vec![&[0x7f_u8, 0xff, 0xfe, 0xf7][..]]),
        "-8",
        "00010000400000000008",
    );
}

#[test]
fn floats_and_decimals() {
    check(
        "FLOAT",
        Float32Array::from(vec![f32::MAX]),
        "3.4028235e+38",
        "7f7fffff",
    );
    check(
        "DOUBLE",
        Float64Array::from(vec![0.1]),
        "0.1",
        "3fb999999999999a",
    );
    check(
        "DOUBLE",
        Float64Array::from(vec![f64::NEG_INFINITY]),
        "-Infinity",
        "fff0000000000000",
    );
    let decimal = |value: i128, width, scale| {
        Decimal128Array::from(vec![value])
            .with_precision_and_scale(width, scale)
            .unwrap()
    };
    check(
        "DECIMAL(10,4)",
        decimal(11_000, 10, 4),
        "1.1000",
        "0002000000000004000103e8",
    );
    check(
        "DECIMAL(4,4)",
        decimal(1, 4, 4),
        "0.0001",
        "0001ffff000000040001",
    );
    // As they come from DuckDB, up to 9 and 18 digits.
    check(
        "DECIMAL(4,2)",
        Decimal32Array::from(vec![-1250])
            .with_precision_and_scale(4, 2)
            .unwrap(),
        "-12.50",
        "0002000040000002000c1388",
    );
    check(
        "DECIMAL(18,4)",
        Decimal64Array::from(vec![11_000])
            .with_precision_and_scale(18, 4)
            .unwrap(),
        "1.1000",
        "0002000000000004000103e8",
    );
    check(
        "DECIMAL(38,0)",
        decimal(100_000, 38, 0),
        "100000",
        "0001000100000000000a",
    );
}
