//! Texts, bytes and what travels as them.

use arrow::array::{BinaryArray, DictionaryArray, LargeStringArray, StringArray, StringViewArray};
use arrow::datatypes::UInt8Type;

use super::*;

#[test]
fn texts_and_bytes() {
    check(
        "VARCHAR",
        StringArray::from(vec!["é😀"]),
        "é😀",
        "c3a9f09f9880",
    );
    check("VARCHAR", StringArray::from(vec![""]), "", "");
    check(
        "VARCHAR",
        StringViewArray::from(vec!["a view"]),
        "a view",
        "612076696577",
    );
    check("VARCHAR", LargeStringArray::from(vec!["x"]), "x", "78");
    let long = "0123456789".repeat(100);
    let hex = "30313233343536373839".repeat(100);
    check(
        "VARCHAR",
        StringArray::from(vec![long.as_str()]),
        &long,
        &hex,
    );
    let words: DictionaryArray<UInt8Type> = vec!["ok"].into_iter().collect();
    check("ENUM('ok')", words, "ok", "6f6b");
    check(
        "JSON",
        StringArray::from(vec!["{\"a\":1}"]),
        "{\"a\":1}",
        "7b2261223a317d",
    );
    check(
        "BLOB",
        BinaryArray::from(vec![&[0_u8, 0xff, 0x41][..]]),
        "\\x00ff41",
        "00ff41",
    );
    check(
        "BIT",
        BinaryArray::from(vec![&[5_u8, 0xfd][..]]),
        "101",
        "00000003a0",
    );
    check(
        "BIT",
        BinaryArray::from(vec![&[5_u8, 0xfd, 0x9d][..]]),
        "10110011101",
        "0000000bb3a0",
    );
    check(
        "BIT",
        BinaryArray::from(vec![&[0_u8, 0x81][..]]),
        "10000001",
        "0000000881",
    );
    let uuid = 0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11_u128.to_be_bytes();
    check(
        "UUID",
        fixed(&uuid),
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
    );
}
