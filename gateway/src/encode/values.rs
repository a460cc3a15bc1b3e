//! A typed view of an Arrow array, by DuckDB's type and Arrow's together.
//!
//! DuckDB's type says what a value means, Arrow's how it is stored. Storage that differs only in
//! width or indirection (dictionaries, large offsets, views) is cast to the plain form first, so
//! that every writer has one form to handle.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, IntervalUnit, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use skein_catalog::types::{Type, oid};

/// The values of a column or of a part of one.
pub(super) enum Values {
    Null(ArrayRef),
    Bool(BooleanArray),
    /// Not 0 is true.
    Bool8(Int8Array),
    Int8(Int8Array),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt8(UInt8Array),
    UInt16(UInt16Array),
    UInt32(UInt32Array),
    UInt64(UInt64Array),
    HugeInt(FixedSizeBinaryArray),
    UHugeInt(FixedSizeBinaryArray),
    BigNum(BinaryArray),
    Float32(Float32Array),
    Float64(Float64Array),
    Decimal(Decimal128Array, usize),
    /// A `numeric` that no decimal can hold: NaN, infinity, or far beyond 38 digits.
    Wide(Float64Array),
    /// A quotient, whose digits depend on its size.
    Quotient(Decimal128Array, usize),
    Text(StringArray),
    /// `inet`, or `cidr` if it is true.
    Network(StringArray, bool),
    Json(StringArray),
    Bytes(BinaryArray),
    Bit(BinaryArray),
    Uuid(FixedSizeBinaryArray),
    Date(Numbers<i32>),
    Time(Numbers<i64>, Unit),
    TimeTz(FixedSizeBinaryArray),
    Timestamp(Numbers<i64>, Unit),
    TimestampTz(Numbers<i64>, Unit),
    Interval(IntervalMonthDayNanoArray),
    List(List),
    Struct(Fields),
    Map(Map),
    Union(Union),
    /// `oid` and its kin: four bytes without a sign.
    Oid(Int64Array),
    /// `"char"`: one byte.
    Char(StringArray),
    /// `int2vector` and `oidvector`: lists in their own form, which count from 0.
    Vector(List),
    /// `regclass` and its kin: a number and the name it is shown by.
    Reg {
        oids: Int64Array,
        names: StringArray,
        nulls: Option<NullBuffer>,
    },
}

/// Integers that stand for something else.
pub(super) struct Numbers<T: arrow::datatypes::ArrowNativeType> {
    pub(super) values: ScalarBuffer<T>,
    pub(super) nulls: Option<NullBuffer>,
}

/// How a time is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl Unit {
    /// In microseconds, to the nearest; what means infinity stays what it is. Counts that are too
    /// coarse to fit are infinite as well: DuckDB does not make them.
    #[inline]
    pub(super) fn micros(self, count: i64) -> i64 {
        let times = match self {
            Self::Microsecond => return count,
            _ if count == i64::MAX || count <= -i64::MAX => return count,
            Self::Nanosecond => {
                return count.div_euclid(1000) + i64::from(count.rem_euclid(1000) >= 500);
            }
            Self::Second => 1_000_000,
            Self::Millisecond => 1000,
        };
        count.saturating_mul(times)
    }
}

/// Lists: row `i` has the elements from `starts(i)`.
pub(super) struct List {
    pub(super) elements: Box<Values>,
    pub(super) nulls: Option<NullBuffer>,
    /// The elements are scalars or lists of them: PostgreSQL has an array type for it.
    pub(super) is_array: bool,
    offsets: Offsets,
}

enum Offsets {
    Varying(ScalarBuffer<i32>),
    Fixed(usize),
}

impl List {
    /// The elements of one row.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        match &self.offsets {
            Offsets::Varying(offsets) => index(offsets[row])..index(offsets[row + 1]),
            Offsets::Fixed(size) => row * size..(row + 1) * size,
        }
    }
}

/// The fields of a struct.
pub(super) struct Fields {
    /// They have no names: the struct is PostgreSQL's `record`.
    pub(super) is_record: bool,
    pub(super) parts: Vec<(String, Values)>,
    pub(super) nulls: Option<NullBuffer>,
}

/// Keys and values of maps: row `i` has the entries of `offsets[i]..offsets[i + 1]`.
pub(super) struct Map {
    pub(super) keys: Box<Values>,
    pub(super) values: Box<Values>,
    pub(super) nulls: Option<NullBuffer>,
    offsets: ScalarBuffer<i32>,
}

impl Map {
    /// The entries of one row.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        index(self.offsets[row])..index(self.offsets[row + 1])
    }
}

/// A sparse union: row `i` has the value of member `tags[i]` in that row.
pub(super) struct Union {
    pub(super) members: Vec<(String, Values)>,
    pub(super) tags: Vec<usize>,
    pub(super) nulls: Option<NullBuffer>,
}

fn index(offset: i32) -> usize {
    usize::try_from(offset).expect("Arrow checks that offsets are not negative")
}

impl Values {
    /// `None` when the array does not hold values of this type.
    pub(super) fn new(ty: &Type, array: &ArrayRef) -> Option<Self> {
        if let Type::Named { oid, held } = ty {
            return named(*oid, held, array);
        }
        if let Some(plain) = plain(array.data_type()) {
            return Self::new(ty, &arrow::compute::cast(array, &plain).ok()?);
        }
        let array = array.as_ref();
        let fixed = |size: i32| {
            array
                .as_fixed_size_binary_opt()
                .filter(|array| array.value_length() == size)
                .cloned()
        };
        Some(match (ty, array.data_type()) {
            (_, DataType::Null) => Self::Null(array.slice(0, array.len())),
            (Type::Boolean, DataType::Boolean) => Self::Bool(array.as_boolean().clone()),
            (Type::Boolean, DataType::Int8) => Self::Bool8(array.as_primitive().clone()),
            (Type::TinyInt, DataType::Int8) => Self::Int8(array.as_primitive().clone()),
            (Type::SmallInt, DataType::Int16) => Self::Int16(array.as_primitive().clone()),
            (Type::Integer, DataType::Int32) => Self::Int32(array.as_primitive().clone()),
            (Type::BigInt, DataType::Int64) => Self::Int64(array.as_primitive().clone()),
            (Type::UTinyInt, DataType::UInt8) => Self::UInt8(array.as_primitive().clone()),
            (Type::USmallInt, DataType::UInt16) => Self::UInt16(array.as_primitive().clone()),
            (Type::UInteger, DataType::UInt32) => Self::UInt32(array.as_primitive().clone()),
            (Type::UBigInt, DataType::UInt64) => Self::UInt64(array.as_primitive().clone()),
            (Type::HugeInt, _) => Self::HugeInt(fixed(16)?),
            (Type::UHugeInt, _) => Self::UHugeInt(fixed(16)?),
            (Type::BigNum, DataType::Binary) => Self::BigNum(array.as_binary().clone()),
            (Type::Float, DataType::Float32) => Self::Float32(array.as_primitive().clone()),
            (Type::Double, DataType::Float64) => Self::Float64(array.as_primitive().clone()),
            (quotient, DataType::Decimal128(_, scale)) if quotient.is_quotient() => {
                Self::Quotient(array.as_primitive().clone(), usize::try_from(*scale).ok()?)
            }
            (Type::Decimal { .. }, DataType::Decimal128(_, scale)) => {
                Self::Decimal(array.as_primitive().clone(), usize::try_from(*scale).ok()?)
            }
            // A parameter without a decimal's value.
            (Type::Decimal { .. }, DataType::Float64) => Self::Wide(array.as_primitive().clone()),
            (Type::Json | Type::Jsonb | Type::Variant, DataType::Utf8) => {
                Self::Json(array.as_string().clone())
            }
            (Type::Varchar | Type::Enum(_) | Type::Other(_) | Type::Null, DataType::Utf8) => {
                Self::Text(array.as_string().clone())
            }
            (Type::Blob | Type::Geometry, DataType::Binary) => {
                Self::Bytes(array.as_binary().clone())
            }
            (Type::Bit, DataType::Binary) => Self::Bit(array.as_binary().clone()),
            (Type::Uuid, _) => Self::Uuid(fixed(16)?),
            (Type::Date, DataType::Date32) => Self::Date(Numbers {
                values: array.as_primitive::<Date32Type>().values().clone(),
                nulls: array.nulls().cloned(),
            }),
            (Type::Time | Type::TimeNs, DataType::Time64(TimeUnit::Microsecond)) => {
                let values = array
                    .as_primitive::<Time64MicrosecondType>()
                    .values()
                    .clone();
                Self::Time(
                    Numbers {
                        values,
                        nulls: array.nulls().cloned(),
                    },
                    Unit::Microsecond,
                )
            }
            (Type::Time | Type::TimeNs, DataType::Time64(TimeUnit::Nanosecond)) => {
                let values = array
                    .as_primitive::<Time64NanosecondType>()
                    .values()
                    .clone();
                Self::Time(
                    Numbers {
                        values,
                        nulls: array.nulls().cloned(),
                    },
                    Unit::Nanosecond,
                )
            }
            (Type::TimeTz, _) => Self::TimeTz(fixed(8)?),
            (ty, DataType::Timestamp(..)) => timestamps(ty, array)?,
            (Type::Interval, DataType::Interval(IntervalUnit::MonthDayNano)) => {
                Self::Interval(array.as_primitive().clone())
            }
            (Type::List(_) | Type::Array(..), _) => Self::List(list(ty, array)?),
            (Type::Struct(fields), DataType::Struct(_)) => Self::Struct(Fields {
                is_record: ty.is_record(),
                ..struct_(fields, array)?
            }),
            (Type::Map(key, value), DataType::Map(..)) => Self::Map(map(key, value, array)?),
            (Type::Union(members), DataType::Union(..)) => Self::Union(union(members, array)?),
            _ => return None,
        })
    }

    /// NULLs, if there are no others in an array.
    pub(super) fn nothing(array: &ArrayRef) -> Option<Self> {
        (array.null_count() == array.len()).then(|| Self::Null(Arc::clone(array)))
    }

    /// Which rows are NULL.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Null(array) => array.nulls(),
            Self::Bool(array) => array.nulls(),
            Self::Bool8(array) | Self::Int8(array) => array.nulls(),
            Self::Int16(array) => array.nulls(),
            Self::Int32(array) => array.nulls(),
            Self::Int64(array) | Self::Oid(array) => array.nulls(),
            Self::UInt8(array) => array.nulls(),
            Self::UInt16(array) => array.nulls(),
            Self::UInt32(array) => array.nulls(),
            Self::UInt64(array) => array.nulls(),
            Self::HugeInt(array)
            | Self::UHugeInt(array)
            | Self::Uuid(array)
            | Self::TimeTz(array) => array.nulls(),
            Self::Float32(array) => array.nulls(),
            Self::Float64(array) | Self::Wide(array) => array.nulls(),
            Self::Decimal(array, _) | Self::Quotient(array, _) => array.nulls(),
            Self::Text(array) | Self::Json(array) | Self::Char(array) | Self::Network(array, _) => {
                array.nulls()
            }
            Self::BigNum(array) | Self::Bytes(array) | Self::Bit(array) => array.nulls(),
            Self::Date(numbers) => numbers.nulls.as_ref(),
            Self::Time(numbers, _)
            | Self::Timestamp(numbers, _)
            | Self::TimestampTz(numbers, _) => numbers.nulls.as_ref(),
            Self::Interval(array) => array.nulls(),
            Self::List(list) | Self::Vector(list) => list.nulls.as_ref(),
            Self::Reg { nulls, .. } => nulls.as_ref(),
            Self::Struct(fields) => fields.nulls.as_ref(),
            Self::Map(map) => map.nulls.as_ref(),
            Self::Union(union) => union.nulls.as_ref(),
        }
    }

    /// The value in this row is NULL.
    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null(_) => true,
            _ => self.nulls().is_some_and(|nulls| nulls.is_null(row)),
        }
    }
}

/// Values of a type that PostgreSQL has and DuckDB has not.
fn named(oid: u32, held: &Type, array: &ArrayRef) -> Option<Values> {
    let values = match (oid, held) {
        (_, Type::Struct(_)) => {
            let fields = array.as_struct_opt()?;
            let [oids, names] = fields.columns() else {
                return None;
            };
            return Some(Values::Reg {
                oids: oids.as_primitive_opt().cloned()?,
                names: names.as_string_opt().cloned()?,
                nulls: fields.nulls().cloned(),
            });
        }
        (_, Type::SmallInt | Type::Integer | Type::UInteger | Type::BigInt) if oid != oid::XID8 => {
            let wide = arrow::compute::cast(array, &DataType::Int64).ok()?;
            return Some(Values::Oid(wide.as_primitive_opt().cloned()?));
        }
        _ => Values::new(held, array)?,
    };
    Some(match (oid, values) {
        (oid::CHAR, Values::Text(array)) => Values::Char(array),
        (oid::INET, Values::Text(array)) => Values::Network(array, false),
        (oid::CIDR, Values::Text(array)) => Values::Network(array, true),
        (oid::INT2VECTOR | oid::OIDVECTOR, Values::List(list)) => Values::Vector(list),
        (_, values) => values,
    })
}

/// The plain form of a type that is stored with indirection.
fn plain(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Dictionary(_, values) => {
            Some(plain(values).unwrap_or_else(|| (**values).clone()))
        }
        DataType::LargeUtf8 | DataType::Utf8View => Some(DataType::Utf8),
        DataType::LargeBinary | DataType::BinaryView => Some(DataType::Binary),
        DataType::LargeList(field) | DataType::ListView(field) | DataType::LargeListView(field) => {
            Some(DataType::List(Arc::clone(field)))
        }
        DataType::Decimal32(width, scale) | DataType::Decimal64(width, scale) => {
            Some(DataType::Decimal128(*width, *scale))
        }
        _ => None,
    }
}

fn timestamps(ty: &Type, array: &dyn Array) -> Option<Values> {
    let DataType::Timestamp(unit, _) = array.data_type() else {
        return None;
    };
    let (unit, values) = match unit {
        TimeUnit::Second => (
            Unit::Second,
            array.as_primitive::<TimestampSecondType>().values().clone(),
        ),
        TimeUnit::Millisecond => (
            Unit::Millisecond,
            array
                .as_primitive::<TimestampMillisecondType>()
                .values()
                .clone(),
        ),
        TimeUnit::Microsecond => (
            Unit::Microsecond,
            array
                .as_primitive::<TimestampMicrosecondType>()
                .values()
                .clone(),
        ),
        TimeUnit::Nanosecond => (
            Unit::Nanosecond,
            array
                .as_primitive::<TimestampNanosecondType>()
                .values()
                .clone(),
        ),
    };
    let numbers = Numbers {
        values,
        nulls: array.nulls().cloned(),
    };
    match ty {
        Type::Timestamp | Type::TimestampS | Type::TimestampMs | Type::TimestampNs => {
            Some(Values::Timestamp(numbers, unit))
        }
        Type::TimestampTz => Some(Values::TimestampTz(numbers, unit)),
        _ => None,
    }
}

fn list(ty: &Type, array: &dyn Array) -> Option<List> {
    let (Type::List(inner) | Type::Array(inner, _)) = ty else {
        return None;
    };
    let (values, offsets) = match array.data_type() {
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            (
                lists.values(),
                Offsets::Varying(lists.offsets().inner().clone()),
            )
        }
        DataType::FixedSizeList(_, size) => (
            array.as_fixed_size_list().values(),
            Offsets::Fixed(usize::try_from(*size).ok()?),
        ),
        _ => return None,
    };
    // A parameter may have more dimensions than its type says: PostgreSQL's array types have any.
    let elements = match (&**inner, values.data_type()) {
        (Type::List(_) | Type::Array(..), _) => Values::new(inner, values)?,
        (_, DataType::List(_)) => Values::new(&Type::List(inner.clone()), values)?,
        _ => Values::new(inner, values)?,
    };
    Some(List {
        elements: Box::new(elements),
        nulls: array.nulls().cloned(),
        is_array: !ty.element().0.is_composite(),
        offsets,
    })
}

fn struct_(fields: &[(String, Type)], array: &dyn Array) -> Option<Fields> {
    let columns = array.as_struct().columns();
    if columns.len() != fields.len() {
        return None;
    }
    let fields = fields
        .iter()
        .zip(columns)
        .enumerate()
        .map(|(index, ((name, ty), column))| {
            let name = if name.is_empty() {
                format!("f{}", index + 1)
            } else {
                name.clone()
            };
            Some((name, Values::new(ty, column)?))
        });
    Some(Fields {
        is_record: false,
        parts: fields.collect::<Option<_>>()?,
        nulls: array.nulls().cloned(),
    })
}

fn map(key: &Type, value: &Type, array: &dyn Array) -> Option<Map> {
    let maps = array.as_map();
    Some(Map {
        keys: Box::new(Values::new(key, maps.keys())?),
        values: Box::new(Values::new(value, maps.values())?),
        nulls: array.nulls().cloned(),
        offsets: maps.offsets().inner().clone(),
    })
}

fn union(members: &[(String, Type)], array: &dyn Array) -> Option<Union> {
    let unions = array.as_union();
    if unions.offsets().is_some() {
        return None;
    }
    let DataType::Union(fields, _) = unions.data_type() else {
        return None;
    };
    let ids: Vec<_> = fields.iter().map(|(id, _)| id).collect();
    let tags = unions
        .type_ids()
        .iter()
        .map(|id| ids.iter().position(|other| other == id));
    let members = members
        .iter()
        .zip(&ids)
        .map(|((name, ty), &id)| Some((name.clone(), Values::new(ty, unions.child(id))?)));
    let (members, tags): (Vec<_>, Vec<_>) = (
        members.collect::<Option<_>>()?,
        tags.collect::<Option<_>>()?,
    );
    if tags.iter().any(|&tag| tag >= members.len()) {
        return None;
    }
    // A union has no mask of its own: it is NULL where its member is.
    let nulls = tags.iter().enumerate().map(|(row, &tag): (usize, &usize)| {
        let (_, values): &(String, Values) = &members[tag];
        !values.is_null(row)
    });
    let nulls = Some(nulls.collect::<NullBuffer>());
    Some(Union {
        members,
        tags,
        nulls,
    })
}
