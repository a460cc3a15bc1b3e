//! Dates, times and intervals.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, IntervalMonthDayNanoArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::IntervalMonthDayNano;

use super::*;

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
fn what_is_no_time_is_out_of_range() {
    // 185 hours, a negative time, and an offset of 3008 hours.
    let times: [(&str, ArrayRef); 4] = [
        (
            "TIME",
            Arc::new(Time64MicrosecondArray::from(vec![666_000_000_000])),
        ),
        ("TIME", Arc::new(Time64MicrosecondArray::from(vec![-1]))),
        (
            "TIME WITH TIME ZONE",
            Arc::new(fixed(&(666_000_000_000_u64 << 24).to_le_bytes())),
        ),
        (
            "TIME WITH TIME ZONE",
            Arc::new(fixed(&10_886_000_u64.to_le_bytes())),
        ),
    ];
    let settings = EncodeSettings::default();
    for (ty, array) in times {
        for format in [Format::Text, Format::Binary] {
            let mut encoder = RowEncoder::new(&columns(&[ty]), &[format], &settings).unwrap();
            let error = encoder
                .encode(&batch(&[Arc::clone(&array)]), &mut RowBuffer::default())
                .unwrap_err();
            assert_eq!(error.to_string(), "time out of range", "{ty}");
        }
    }
}
