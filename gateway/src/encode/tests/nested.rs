//! Lists, structs, maps and unions.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array,
    Int8Array, Int32Array, ListArray, MapArray, StringArray, StructArray, UnionArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field as ArrowField, UInt8Type, UnionFields};

use super::*;

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
