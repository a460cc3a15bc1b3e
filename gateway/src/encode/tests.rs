//! Every type through the encoder, against what PostgreSQL 15 prints and sends.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, IntervalMonthDayNanoArray, LargeStringArray, ListArray, MapArray,
    NullArray, RecordBatch, StringArray, StringViewArray, StructArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array, UnionArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Field as ArrowField, IntervalMonthDayNano, Schema, UInt8Type, UnionFields,
};

use super::*;

type Cell = Option<Vec<u8>>;

fn batch(arrays: &[ArrayRef]) -> RecordBatch {
    let fields = arrays.iter().enumerate().map(|(index, array)| {
        ArrowField::new(format!("c{index}"), array.data_type().clone(), true)
    });
    RecordBatch::try_new(
        Arc::new(Schema::new(fields.collect::<Vec<_>>())),
        arrays.to_vec(),
    )
    .unwrap()
}

fn columns(types: &[&str]) -> Vec<Column> {
    let named = |(index, ty): (usize, &&str)| Column {
        name: format!("c{index}"),
        ty: (*ty).to_owned(),
    };
    types.iter().enumerate().map(named).collect()
}

/// Reads DataRow messages.
fn rows(buffer: &RowBuffer) -> Vec<Vec<Cell>> {
    let mut start = 0;
    let mut rows = Vec::new();
    for &end in &buffer.ends {
        let message = &buffer.data[start..end];
        let number = |at: usize| i32::from_be_bytes(message[at..at + 4].try_into().unwrap());
        assert_eq!(message[0], b'D');
        assert_eq!(usize::try_from(number(1)).unwrap(), message.len() - 1);
        let count = i16::from_be_bytes(message[5..7].try_into().unwrap());
        let mut at = 7;
        let cells = (0..count).map(|_| {
            let length = number(at);
            at += 4;
            let length = usize::try_from(length).ok()?;
            at += length;
            Some(message[at - length..at].to_vec())
        });
        rows.push(cells.collect());
        assert_eq!(at, message.len());
        start = end;
    }
    assert_eq!(start, buffer.data.len());
    rows
}

fn column(ty: &str, array: &ArrayRef, format: Format, settings: &EncodeSettings) -> Vec<Cell> {
    let mut encoder = RowEncoder::new(&columns(&[ty]), &[format], settings).unwrap();
    let mut buffer = RowBuffer::default();
    encoder
        .encode(&batch(&[Arc::clone(array)]), &mut buffer)
        .unwrap();
    rows(&buffer)
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect()
}

/// Bytes in hexadecimal digits.
pub(in crate::encode) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn texts(ty: &str, array: &ArrayRef, settings: &EncodeSettings) -> Vec<String> {
    let shown =
        |cell: Cell| cell.map_or("NULL".to_owned(), |cell| String::from_utf8(cell).unwrap());
    column(ty, array, Format::Text, settings)
        .into_iter()
        .map(shown)
        .collect()
}

fn hexes(ty: &str, array: &ArrayRef) -> Vec<String> {
    let shown = |cell: Cell| cell.map_or("NULL".to_owned(), |cell| hex(&cell));
    column(ty, array, Format::Binary, &EncodeSettings::default())
        .into_iter()
        .map(shown)
        .collect()
}

/// Checks one value in text and binary, alone, and in a slice behind NULLs.
#[track_caller]
fn check(ty: &str, array: impl arrow::array::Array + 'static, text: &str, hex: &str) {
    let array: ArrayRef = Arc::new(array);
    assert_eq!(
        texts(ty, &array, &EncodeSettings::default()),
        [text],
        "{ty}"
    );
    assert_eq!(hexes(ty, &array), [hex], "{ty} {text}");
    let nulls = arrow::array::new_null_array(array.data_type(), 3);
    let padded = arrow::compute::concat(&[&nulls, &array, &nulls]).unwrap();
    let sliced = padded.slice(2, 3);
    let settings = EncodeSettings::default();
    assert_eq!(
        texts(ty, &sliced, &settings),
        ["NULL", text, "NULL"],
        "{ty} in a slice"
    );
    assert_eq!(hexes(ty, &sliced), ["NULL", hex, "NULL"], "{ty} in a slice");
}

fn fixed(bytes: &[u8]) -> FixedSizeBinaryArray {
    FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap()
}

fn timestamp(micros: i64) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(vec![micros])
}

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
    check(
        "DECIMAL(38,0)",
        decimal(100_000, 38, 0),
        "100000",
        "0001000100000000000a",
    );
}

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

#[test]
fn dates_and_times() {
    let date = |days: i32| Date32Array::from(vec![days]);
    check("DATE", date(20_779), "2026-11-22", "0000265e");
    check("DATE", date(-719_528), "0001-01-01 BC", "fff4da8b");
    check("DATE", date(i32::MAX), "infinity", "7fffffff");
    check("DATE", date(-i32::MAX), "-infinity", "80000000");
    check("DATE", date(2_145_042_905), "5874897-12-31", "7fda970c");
    check(
        "TIME",
        Time64MicrosecondArray::from(vec![45_296_789_000]),
        "12:34:56.789",
        "0000000a8be62608",
    );
    check(
        "TIME",
        Time64MicrosecondArray::from(vec![86_400_000_000]),
        "24:00:00",
        "000000141dd76000",
    );
    check(
        "TIME_NS",
        Time64NanosecondArray::from(vec![45_296_788_999_500]),
        "12:34:56.789",
        "0000000a8be62608",
    );
    let timetz = (45_296_000_000_u64 << 24) | (57_599 - 19_800);
    check(
        "TIME WITH TIME ZONE",
        fixed(&timetz.to_le_bytes()),
        "12:34:56+05:30",
        "0000000a8bda1c00ffffb2a8",
    );
    for (micros, text, hex) in [
        (
            1_795_309_323_000_000,
            "2026-11-22 01:02:03",
            "000303d1cb3db8c0",
        ),
        (
            1_795_309_323_123_456,
            "2026-11-22 01:02:03.123456",
            "000303d1cb3f9b00",
        ),
        (
            1_795_309_323_100_000,
            "2026-11-22 01:02:03.1",
            "000303d1cb3f3f60",
        ),
        (i64::MAX, "infinity", "7fffffffffffffff"),
        (-i64::MAX, "-infinity", "8000000000000000"),
        (
            -63_517_788_000_000_000,
            "0044-03-15 10:00:00 BC",
            "ff1af9e74e1f8800",
        ),
    ] {
        check("TIMESTAMP", timestamp(micros), text, hex);
    }
    check(
        "TIMESTAMP_S",
        TimestampSecondArray::from(vec![1_795_309_323]),
        "2026-11-22 01:02:03",
        "000303d1cb3db8c0",
    );
    check(
        "TIMESTAMP_MS",
        TimestampMillisecondArray::from(vec![1_795_309_323_100]),
        "2026-11-22 01:02:03.1",
        "000303d1cb3f3f60",
    );
    check(
        "TIMESTAMP_NS",
        TimestampNanosecondArray::from(vec![1_795_309_323_123_455_500]),
        "2026-11-22 01:02:03.123456",
        "000303d1cb3f9b00",
    );
    let moment = timestamp(1_795_309_323_000_000).with_timezone("America/New_York");
    check(
        "TIMESTAMP WITH TIME ZONE",
        moment,
        "2026-11-22 01:02:03+00",
        "000303d1cb3db8c0",
    );
}

#[test]
fn intervals() {
    let interval = |months, days, micros: i64| {
        IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(
            months,
            days,
            micros * 1000,
        )])
    };
    check(
        "INTERVAL",
        interval(14, 3, 14_706_789_000),
        "1 year 2 mons 3 days 04:05:06.789",
        "000000036c97ca88000000030000000e",
    );
    check(
        "INTERVAL",
        interval(0, -1, 7_380_000_000),
        "-1 days +02:03:00",
        "00000001b7e1dd00ffffffff00000000",
    );
    check(
        "INTERVAL",
        interval(0, 0, 0),
        "00:00:00",
        "00000000000000000000000000000000",
    );
    check(
        "INTERVAL",
        interval(0, 0, 3_600_000_000_000_000),
        "1000000:00:00",
        "000cca2e513100000000000000000000",
    );
}

/// A list of the given lengths over `elements`; no length is NULL.
fn list(lengths: &[Option<usize>], elements: ArrayRef) -> ListArray {
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    let nulls = lengths.iter().map(Option::is_some).collect::<NullBuffer>();
    let field = ArrowField::new("l", elements.data_type().clone(), true);
    ListArray::new(Arc::new(field), offsets, elements, Some(nulls))
}

#[test]
fn arrays() {
    let numbers = || Arc::new(Int32Array::from(vec![Some(1), Some(2), None])) as ArrayRef;
    check(
        "INTEGER[]",
        list(&[Some(3)], numbers()),
        "{1,2,NULL}",
        "000000010000000100000017000000030000000100000004000000010000000400000002ffffffff",
    );
    check(
        "INTEGER[]",
        list(&[Some(0)], numbers()),
        "{}",
        "000000000000000000000017",
    );
    let items = ["a", "b c", "d\"e", "f\\g", "", "NULL", "{}"];
    let items: ArrayRef = Arc::new(StringArray::from(items.to_vec()));
    check(
        "VARCHAR[]",
        list(&[Some(7)], items),
        r#"{a,"b c","d\"e","f\\g","","NULL","{}"}"#,
        "000000010000000000000019000000070000000100000001610000000362206300000003642265\
         00000003665c670000000000000004\
         4e554c4c000000027b7d",
    );
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None]));
    check(
        "DOUBLE[]",
        list(&[Some(2)], floats),
        "{1.5,NULL}",
        "0000000100000001000002bd0000000200000001000000083ff8000000000000ffffffff",
    );
    let moments: ArrayRef = Arc::new(timestamp(1_767_225_600_000_000).with_timezone("UTC"));
    check(
        "TIMESTAMP WITH TIME ZONE[]",
        list(&[Some(1)], moments),
        "{\"2026-01-01 00:00:00+00\"}",
        "0000000100000000000004a00000000100000001000000080002ea470ae86000",
    );
    let words: DictionaryArray<UInt8Type> = vec!["ok"].into_iter().collect();
    check(
        "ENUM('ok')[]",
        list(&[Some(1)], Arc::new(words)),
        "{ok}",
        "0000000100000000000000190000000100000001000000026f6b",
    );
    let field = Arc::new(ArrowField::new("", DataType::Int32, true));
    let pair = FixedSizeListArray::new(field, 2, Arc::new(Int32Array::from(vec![1, 2])), None);
    check(
        "INTEGER[2]",
        pair,
        "{1,2}",
        "0000000100000000000000170000000200000001000000040000000100000004\
         00000002",
    );
}

#[test]
fn nested_lists_are_arrays_of_several_dimensions() {
    let numbers = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
    let pairs = Arc::new(list(&[Some(2), Some(2)], numbers));
    check(
        "INTEGER[][]",
        list(&[Some(2)], pairs),
        "{{1,2},{3,4}}",
        "0000000200000000000000170000000200000001000000020000000100000004000000010000000400000002\
         00000004000000030000000400000004",
    );
    let nothing = Arc::new(list(
        &[Some(0), Some(0)],
        Arc::new(Int32Array::from(vec![0; 0])),
    ));
    check(
        "INTEGER[][]",
        list(&[Some(2)], nothing),
        "{}",
        "000000000000000000000017",
    );

    let numbers = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let ragged: ArrayRef = Arc::new(list(
        &[Some(3)],
        Arc::new(list(&[Some(1), None, Some(2)], numbers)),
    ));
    assert_eq!(
        texts("INTEGER[][]", &ragged, &EncodeSettings::default()),
        ["{{1},NULL,{2,3}}"]
    );
    let mut encoder = RowEncoder::new(
        &columns(&["INTEGER[][]"]),
        &[Format::Binary],
        &EncodeSettings::default(),
    )
    .unwrap();
    let mut buffer = RowBuffer::default();
    let error = encoder.encode(&batch(&[ragged]), &mut buffer).unwrap_err();
    assert!(matches!(error, EncodeError::RaggedArray));
    assert_eq!((buffer.rows(), buffer.data.len()), (0, 0));
}

#[test]
fn composites_are_json() {
    let json = |ty: &str, array: ArrayRef, expected: &str| {
        assert_eq!(
            texts(ty, &array, &EncodeSettings::default()),
            [expected],
            "{ty}"
        );
        let hex = hex(expected.as_bytes());
        assert_eq!(hexes(ty, &array), [hex], "{ty}");
    };
    let fields: Vec<(&str, &str, ArrayRef)> = vec![
        ("a", "INTEGER", Arc::new(Int32Array::from(vec![None]))),
        (
            "b\"",
            "VARCHAR",
            Arc::new(StringArray::from(vec!["x\"\n\u{1}é"])),
        ),
        ("c", "DOUBLE", Arc::new(Float64Array::from(vec![f64::NAN]))),
        ("d", "FLOAT", Arc::new(Float32Array::from(vec![1e20]))),
        ("e", "BOOLEAN", Arc::new(Int8Array::from(vec![1]))),
        ("f", "TIMESTAMP", Arc::new(timestamp(1_767_225_600_500_000))),
        (
            "g",
            "TIMESTAMP WITH TIME ZONE",
            Arc::new(timestamp(1_767_225_600_000_000).with_timezone("UTC")),
        ),
        ("h", "JSON", Arc::new(StringArray::from(vec!["[1, 2]"]))),
        (
            "i",
            "BOOLEAN[]",
            Arc::new(list(&[Some(2)], Arc::new(Int8Array::from(vec![0, 1])))),
        ),
        ("j", "DATE", Arc::new(Date32Array::from(vec![i32::MAX]))),
    ];
    let ty: Vec<_> = fields
        .iter()
        .map(|(name, ty, _)| format!("\"{}\" {ty}", name.replace('"', "\"\"")))
        .collect();
    let (arrow_fields, arrays): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|(name, _, array)| {
            (
                ArrowField::new(name, array.data_type().clone(), true),
                array,
            )
        })
        .unzip();
    json(
        &format!("STRUCT({})", ty.join(", ")),
        Arc::new(StructArray::new(arrow_fields.into(), arrays, None)),
        r#"{"a":null,"b\"":"x\"\n\u0001é","c":"NaN","d":1e+20,"e":true,"f":"2026-01-01T00:00:00.5","g":"2026-01-01T00:00:00+00:00","h":[1, 2],"i":[false,true],"j":"infinity"}"#,
    );
    let unnamed = StructArray::new(
        vec![ArrowField::new("", DataType::Int32, true)].into(),
        vec![Arc::new(Int32Array::from(vec![7])) as ArrayRef],
        None,
    );
    let record: ArrayRef = Arc::new(unnamed.clone());
    let settings = EncodeSettings::default();
    assert_eq!(texts("STRUCT(INTEGER)", &record, &settings), ["(7)"]);
    assert_eq!(
        hexes("STRUCT(INTEGER)", &record),
        ["00000001000000170000000400000007"]
    );
    let records: ArrayRef = Arc::new(list(&[Some(1)], Arc::new(unnamed)));
    assert_eq!(texts("STRUCT(INTEGER)[]", &records, &settings), ["{(7)}"]);

    let entries = StructArray::new(
        vec![
            ArrowField::new("key", DataType::Int32, false),
            ArrowField::new("value", DataType::Utf8, true),
        ]
        .into(),
        vec![
            Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef,
            Arc::new(StringArray::from(vec![Some("x"), None])),
        ],
        None,
    );
    let field = Arc::new(ArrowField::new(
        "entries",
        entries.data_type().clone(),
        false,
    ));
    let map = MapArray::new(field, OffsetBuffer::from_lengths([2]), entries, None, false);
    json(
        "MAP(INTEGER, VARCHAR)",
        Arc::new(map),
        r#"{"1":"x","2":null}"#,
    );
}

#[test]
fn unions_are_objects_with_one_member() {
    let fields = UnionFields::try_new(
        [0, 1],
        [
            ArrowField::new("n", DataType::Int32, true),
            ArrowField::new("s", DataType::Utf8, true),
        ],
    )
    .unwrap();
    let union = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![0_i8, 1, 0]),
        None,
        vec![
            Arc::new(Int32Array::from(vec![Some(7), None, None])) as ArrayRef,
            Arc::new(StringArray::from(vec![None, Some("x"), None])),
        ],
    )
    .unwrap();
    let union: ArrayRef = Arc::new(union);
    let settings = EncodeSettings::default();
    let ty = "UNION(n INTEGER, s VARCHAR)";
    assert_eq!(
        texts(ty, &union, &settings),
        ["{\"n\":7}", "{\"s\":\"x\"}", "NULL"]
    );
    assert_eq!(
        texts(ty, &union.slice(1, 2), &settings),
        ["{\"s\":\"x\"}", "NULL"]
    );
}

#[test]
fn columns_without_a_type_are_null() {
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    assert_eq!(
        texts("\"NULL\"", &nothing, &EncodeSettings::default()),
        ["NULL", "NULL"]
    );
    assert_eq!(hexes("INTEGER", &nothing), ["NULL", "NULL"]);
    let typed: ArrayRef = Arc::new(Int32Array::from(vec![None, None]));
    assert_eq!(
        texts("\"NULL\"", &typed, &EncodeSettings::default()),
        ["NULL", "NULL"]
    );
}

#[test]
fn moments_are_shown_in_the_zone_of_the_session() {
    let zone = Zone::named("America/New_York").unwrap();
    let mut settings = EncodeSettings {
        zone,
        ..EncodeSettings::default()
    };
    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        1_795_309_323_000_000,
        1_782_921_600_000_000,
        -2_717_650_562_000_000,
        -2_717_650_800_000_001,
        -62_135_596_800_000_000,
        i64::MAX,
    ]));
    let ty = "TIMESTAMP WITH TIME ZONE";
    let expected = [
        "2026-11-21 20:02:03-05",
        "2026-07-01 12:00:00-04",
        "1883-11-18 12:03:58-05",
        "1883-11-18 12:03:57.999999-04:56:02",
        "0001-12-31 19:03:58-04:56:02 BC",
        "infinity",
    ];
    assert_eq!(texts(ty, &moments, &settings), expected);
    settings.date_style = DateStyle::default().with("SQL, DMY").unwrap();
    assert_eq!(texts(ty, &moments, &settings)[0], "21/11/2026 20:02:03 EST");
    settings.date_style = DateStyle::default().with("German").unwrap();
    assert_eq!(texts(ty, &moments, &settings)[1], "01.07.2026 12:00:00 EDT");
    settings.date_style = DateStyle::default().with("Postgres").unwrap();
    assert_eq!(
        texts(ty, &moments, &settings)[4],
        "Sun Dec 31 19:03:58 0001 LMT BC"
    );
}

#[test]
fn rows_of_several_columns_are_woven_in_order() {
    let count = CHUNK_ROWS * 2 + 17;
    let numbers: Int32Array = (0..count).map(|row| i32::try_from(row).ok()).collect();
    let words: StringArray = (0..count)
        .map(|row| (!row.is_multiple_of(3)).then(|| "w".repeat(row % 70)))
        .collect();
    let batch = batch(&[Arc::new(numbers), Arc::new(words)]);
    let formats = [Format::Binary, Format::Text];
    let types = columns(&["INTEGER", "VARCHAR"]);
    let mut encoder = RowEncoder::new(&types, &formats, &EncodeSettings::default()).unwrap();
    let mut all = RowBuffer::default();
    encoder.encode(&batch, &mut all).unwrap();
    let expected = |row: usize| {
        let number = i32::try_from(row).unwrap().to_be_bytes().to_vec();
        vec![
            Some(number),
            (!row.is_multiple_of(3)).then(|| "w".repeat(row % 70).into_bytes()),
        ]
    };
    assert_eq!(rows(&all), (0..count).map(expected).collect::<Vec<_>>());

    // In portions: each holds at least a chunk, and together they are the same.
    let (mut row, mut portions) = (0, Vec::new());
    let mut portion = RowBuffer::default();
    while row < count {
        portion.clear();
        row = encoder.encode_some(&batch, row, 1, &mut portion).unwrap();
        assert!(portion.rows() <= CHUNK_ROWS);
        portions.extend_from_slice(&portion.data);
    }
    assert_eq!(portions, all.data);
}

#[test]
fn rows_without_columns_are_rows() {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(2));
    let batch =
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let mut encoder = RowEncoder::new(&[], &[], &EncodeSettings::default()).unwrap();
    let mut buffer = RowBuffer::default();
    encoder.encode(&batch, &mut buffer).unwrap();
    assert_eq!(buffer.data, b"D\0\0\0\x06\0\0D\0\0\0\x06\0\0");
}

#[test]
fn batches_of_other_types_are_refused() {
    let settings = EncodeSettings::default();
    let mut encoder = RowEncoder::new(&columns(&["DATE"]), &[Format::Text], &settings).unwrap();
    let words: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let error = encoder
        .encode(&batch(&[words]), &mut RowBuffer::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "column c0 of type DATE cannot be encoded from Utf8"
    );
    let error = RowEncoder::new(&columns(&["DATE"]), &[], &settings).unwrap_err();
    assert!(matches!(
        error,
        EncodeError::FormatCount {
            formats: 0,
            columns: 1
        }
    ));
}

#[test]
fn fields_are_described_with_their_types() {
    let types = columns(&["DECIMAL(10,4)", "VARCHAR[]"]);
    let origins = [Origin {
        relation: 16_384,
        attribute: 2,
        ..Origin::default()
    }];
    let fields = row_description(&types, &[Format::Binary], &origins).unwrap();
    let described: Vec<_> = fields
        .iter()
        .map(|field| {
            (
                (
                    field.name.as_str(),
                    field.relation_oid,
                    field.attribute_number,
                ),
                (
                    field.type_oid,
                    field.type_length,
                    field.type_modifier,
                    field.format,
                ),
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            (("c0", 16_384, 2), (1700, -1, 655_368, 1)),
            (("c1", 0, 0), (1009, -1, -1, 0))
        ]
    );
}
