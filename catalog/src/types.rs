//! DuckDB's types, parsed from their text, and what PostgreSQL's clients see them as.
//!
//! DuckDB names the types of a result as text (`STRUCT(a INTEGER, b VARCHAR[])[]`). [`Type`] is
//! that text as a tree; [`Type::pg`] chooses the PostgreSQL type under which its values travel.
//! The encoder, the catalogue and `pg_catalog` all ask here, so a column has one type everywhere.
//!
//! | DuckDB | Arrow, with `arrow_lossless_conversion` | PostgreSQL |
//! |---|---|---|
//! | BOOLEAN | `Int8` (`arrow.bool8`) | bool |
//! | TINYINT, UTINYINT, SMALLINT | `Int8`, `UInt8`, `Int16` | int2 |
//! | USMALLINT, INTEGER | `UInt16`, `Int32` | int4 |
//! | UINTEGER, BIGINT | `UInt32`, `Int64` | int8 |
//! | UBIGINT | `UInt64` | numeric |
//! | HUGEINT, UHUGEINT | `FixedSizeBinary(16)`, little endian | numeric |
//! | BIGNUM | `Binary`: a three-byte head and the magnitude, complemented if negative | numeric |
//! | DECIMAL(w,s) | `Decimal128` | numeric(w,s) |
//! | FLOAT, DOUBLE | `Float32`, `Float64` | float4, float8 |
//! | VARCHAR | `Utf8` | text |
//! | ENUM | `Dictionary` of `Utf8` | text |
//! | JSON | `Utf8` (`arrow.json`) | json |
//! | JSONB, which Skein adds | `Utf8` | jsonb |
//! | BLOB, GEOMETRY | `Binary` (GEOMETRY as WKB) | bytea |
//! | BIT | `Binary`: the number of padding bits, then the bits | varbit |
//! | UUID | `FixedSizeBinary(16)` | uuid |
//! | DATE | `Date32` | date |
//! | TIME, `TIME_NS` | `Time64` of microseconds, nanoseconds | time |
//! | TIME WITH TIME ZONE | `FixedSizeBinary(8)`: microseconds and offset in one integer | timetz |
//! | TIMESTAMP, _S, _MS, _NS | `Timestamp` | timestamp |
//! | TIMESTAMP WITH TIME ZONE | `Timestamp` of microseconds | timestamptz |
//! | INTERVAL | `Interval(MonthDayNano)` | interval |
//! | lists and arrays of the above, also nested | `List`, `FixedSizeList` | the array type |
//! | STRUCT without names | `Struct` | record |
//! | other STRUCT, MAP, UNION, and lists of them | `Struct`, `Map`, sparse `Union` | json |
//! | VARIANT | none: fragments have to cast it to JSON | json |
//! | NULL | `Int32` or `Null` | text |
//!
//! Columns of the catalogue have further types of PostgreSQL's: [`Type::Named`] says which one, and
//! which of DuckDB's types holds the values.

mod parse;
mod pg;

use std::fmt;

pub use parse::TypeError;
pub use pg::{PG_TYPES, PgType, oid};

/// A DuckDB type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// The type of a bare NULL.
    Null,
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`
    TinyInt,
    /// `SMALLINT`
    SmallInt,
    /// `INTEGER`
    Integer,
    /// `BIGINT`
    BigInt,
    /// `HUGEINT`
    HugeInt,
    /// `UTINYINT`
    UTinyInt,
    /// `USMALLINT`
    USmallInt,
    /// `UINTEGER`
    UInteger,
    /// `UBIGINT`
    UBigInt,
    /// `UHUGEINT`
    UHugeInt,
    /// `BIGNUM`: an integer of any size.
    BigNum,
    /// `FLOAT`
    Float,
    /// `DOUBLE`
    Double,
    /// `DECIMAL(width,scale)`
    Decimal {
        /// Digits in all, at most 38.
        width: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `VARCHAR`
    Varchar,
    /// `JSON`
    Json,
    /// `JSONB`: a type that every instance of Skein has.
    Jsonb,
    /// `BLOB`
    Blob,
    /// `BIT`
    Bit,
    /// `UUID`
    Uuid,
    /// `DATE`
    Date,
    /// `TIME`
    Time,
    /// `TIME_NS`
    TimeNs,
    /// `TIME WITH TIME ZONE`
    TimeTz,
    /// `TIMESTAMP`
    Timestamp,
    /// `TIMESTAMP_S`
    TimestampS,
    /// `TIMESTAMP_MS`
    TimestampMs,
    /// `TIMESTAMP_NS`
    TimestampNs,
    /// `TIMESTAMP WITH TIME ZONE`
    TimestampTz,
    /// `INTERVAL`
    Interval,
    /// `GEOMETRY`
    Geometry,
    /// `VARIANT`
    Variant,
    /// `ENUM('a', 'b')`: its values in order.
    Enum(Vec<String>),
    /// `T[]`
    List(Box<Type>),
    /// `T[n]`
    Array(Box<Type>, u32),
    /// `STRUCT(a T, b U)`, or `STRUCT(T, U)` with empty names.
    Struct(Vec<(String, Type)>),
    /// `MAP(K, V)`
    Map(Box<Type>, Box<Type>),
    /// `UNION(a T, b U)`
    Union(Vec<(String, Type)>),
    /// A type of PostgreSQL's that DuckDB has no word for, and what holds its values. Written as
    /// `pg_catalog.oid(BIGINT)`.
    Named {
        /// `pg_type.oid`
        oid: u32,
        /// DuckDB's type of the values.
        held: Box<Type>,
    },
    /// A name that is not known here, such as that of an extension's type.
    Other(String),
}

/// The three numbers by which PostgreSQL describes the type of a result column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PgTypeRef {
    /// `pg_type.oid`
    pub oid: u32,
    /// `pg_type.typlen`: the size of a value, -1 if it varies.
    pub len: i16,
    /// The type modifier, -1 if there is none.
    pub typmod: i32,
}

impl Type {
    /// Reads DuckDB's complete text of a type.
    pub fn parse(text: &str) -> Result<Self, TypeError> {
        parse::parse(text)
    }

    /// The PostgreSQL type of columns of this type.
    pub fn pg(&self) -> PgTypeRef {
        let (element, dimensions) = self.element();
        let row = oid_of_scalar(element);
        let of_composite = dimensions > 0 && element.is_composite();
        let (oid, len) = match PgType::by_oid(row) {
            Some(row) if dimensions > 0 && !of_composite => (row.array, -1),
            Some(row) => (row.oid, row.len),
            None => (oid::TEXT, -1),
        };
        let typmod = match element {
            quotient if quotient.is_quotient() => -1,
            Self::Decimal { width, scale } => ((i32::from(*width) << 16) | i32::from(*scale)) + 4,
            _ => -1,
        };
        PgTypeRef { oid, len, typmod }
    }

    /// What lists and arrays are made of, and how many of them are around it.
    pub fn element(&self) -> (&Self, usize) {
        let (mut ty, mut dimensions) = (self, 0);
        while let Self::List(inner) | Self::Array(inner, _) = ty {
            (ty, dimensions) = (inner, dimensions + 1);
        }
        (ty, dimensions)
    }

    /// Has named parts, and so travels as json.
    pub fn is_composite(&self) -> bool {
        match self {
            Self::Struct(_) => !self.is_record(),
            Self::Map(..) | Self::Union(_) | Self::Variant => true,
            _ => false,
        }
    }

    /// Is a row without names, as `ROW(1, 2)` makes it.
    pub fn is_record(&self) -> bool {
        matches!(self, Self::Struct(fields)
            if !fields.is_empty() && fields.iter().all(|(name, _)| name.is_empty()))
    }

    /// It is one of the types that the planner gives to quotients and averages, and nothing else: the
    /// digits that are shown depend on each value.
    pub fn is_quotient(&self) -> bool {
        matches!(
            self,
            Self::Decimal {
                width: 37,
                scale: 20
            } | Self::Decimal {
                width: 38,
                scale: 19
            }
        )
    }

    /// The result type needs `CAST(… AS JSON)` before DuckDB can hand it out as Arrow.
    pub fn needs_json_cast(&self) -> bool {
        match self {
            Self::Variant => true,
            Self::List(inner) | Self::Array(inner, _) => inner.needs_json_cast(),
            Self::Struct(fields) | Self::Union(fields) => {
                fields.iter().any(|(_, ty)| ty.needs_json_cast())
            }
            Self::Map(key, value) => key.needs_json_cast() || value.needs_json_cast(),
            _ => false,
        }
    }
}

fn oid_of_scalar(ty: &Type) -> u32 {
    match ty {
        Type::Boolean => oid::BOOL,
        Type::TinyInt | Type::UTinyInt | Type::SmallInt => oid::INT2,
        Type::USmallInt | Type::Integer => oid::INT4,
        Type::UInteger | Type::BigInt => oid::INT8,
        Type::UBigInt | Type::HugeInt | Type::UHugeInt | Type::BigNum | Type::Decimal { .. } => {
            oid::NUMERIC
        }
        Type::Float => oid::FLOAT4,
        Type::Double => oid::FLOAT8,
        Type::Struct(_) if ty.is_record() => oid::RECORD,
        Type::Json | Type::Variant | Type::Struct(_) | Type::Map(..) | Type::Union(_) => oid::JSON,
        Type::Jsonb => oid::JSONB,
        Type::Blob | Type::Geometry => oid::BYTEA,
        Type::Bit => oid::VARBIT,
        Type::Uuid => oid::UUID,
        Type::Date => oid::DATE,
        Type::Time | Type::TimeNs => oid::TIME,
        Type::TimeTz => oid::TIMETZ,
        Type::Timestamp | Type::TimestampS | Type::TimestampMs | Type::TimestampNs => {
            oid::TIMESTAMP
        }
        Type::TimestampTz => oid::TIMESTAMPTZ,
        Type::Interval => oid::INTERVAL,
        Type::Named { oid, .. } => *oid,
        Type::Null
        | Type::Varchar
        | Type::Enum(_)
        | Type::Other(_)
        | Type::List(_)
        | Type::Array(..) => oid::TEXT,
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Null => "\"NULL\"",
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Integer => "INTEGER",
            Self::BigInt => "BIGINT",
            Self::HugeInt => "HUGEINT",
            Self::UTinyInt => "UTINYINT",
            Self::USmallInt => "USMALLINT",
            Self::UInteger => "UINTEGER",
            Self::UBigInt => "UBIGINT",
            Self::UHugeInt => "UHUGEINT",
            Self::BigNum => "BIGNUM",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Varchar => "VARCHAR",
            Self::Json => "JSON",
            Self::Jsonb => "JSONB",
            Self::Blob => "BLOB",
            Self::Bit => "BIT",
            Self::Uuid => "UUID",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::TimeNs => "TIME_NS",
            Self::TimeTz => "TIME WITH TIME ZONE",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampS => "TIMESTAMP_S",
            Self::TimestampMs => "TIMESTAMP_MS",
            Self::TimestampNs => "TIMESTAMP_NS",
            Self::TimestampTz => "TIMESTAMP WITH TIME ZONE",
            Self::Interval => "INTERVAL",
            Self::Geometry => "GEOMETRY",
            Self::Variant => "VARIANT",
            Self::Other(name) => name,
            Self::Decimal { width, scale } => return write!(f, "DECIMAL({width},{scale})"),
            Self::Enum(values) => {
                let values: Vec<_> = values
                    .iter()
                    .map(|value| format!("'{}'", value.replace('\'', "''")))
                    .collect();
                return write!(f, "ENUM({})", values.join(", "));
            }
            Self::List(inner) => return write!(f, "{inner}[]"),
            Self::Array(inner, size) => return write!(f, "{inner}[{size}]"),
            Self::Named { oid, held } => {
                let name = PgType::by_oid(*oid).map_or("unknown", |ty| ty.name);
                return write!(f, "pg_catalog.{name}({held})");
            }
            Self::Map(key, value) => return write!(f, "MAP({key}, {value})"),
            Self::Struct(fields) => return fields_to_text(f, "STRUCT", fields),
            Self::Union(fields) => return fields_to_text(f, "UNION", fields),
        };
        f.write_str(name)
    }
}

fn fields_to_text(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    fields: &[(String, Type)],
) -> fmt::Result {
    write!(f, "{kind}(")?;
    for (index, (name, ty)) in fields.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        if name.is_empty() {
            write!(f, "{comma}{ty}")?;
        } else {
            write!(f, "{comma}\"{}\" {ty}", name.replace('"', "\"\""))?;
        }
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pg(text: &str) -> (u32, i16, i32) {
        let PgTypeRef { oid, len, typmod } = Type::parse(text).unwrap().pg();
        (oid, len, typmod)
    }

    #[test]
    fn scalars_have_the_types_that_clients_know() {
        for (text, oid, len) in [
            ("BOOLEAN", 16, 1),
            ("TINYINT", 21, 2),
            ("UTINYINT", 21, 2),
            ("SMALLINT", 21, 2),
            ("USMALLINT", 23, 4),
            ("INTEGER", 23, 4),
            ("UINTEGER", 20, 8),
            ("BIGINT", 20, 8),
            ("UBIGINT", 1700, -1),
            ("HUGEINT", 1700, -1),
            ("UHUGEINT", 1700, -1),
            ("BIGNUM", 1700, -1),
            ("FLOAT", 700, 4),
            ("DOUBLE", 701, 8),
            ("VARCHAR", 25, -1),
            ("ENUM('a', 'b')", 25, -1),
            ("JSON", 114, -1),
            ("JSONB", 3802, -1),
            ("VARIANT", 114, -1),
            ("BLOB", 17, -1),
            ("GEOMETRY", 17, -1),
            ("BIT", 1562, -1),
            ("UUID", 2950, 16),
            ("DATE", 1082, 4),
            ("TIME", 1083, 8),
            ("TIME_NS", 1083, 8),
            ("TIME WITH TIME ZONE", 1266, 12),
            ("TIMESTAMP", 1114, 8),
            ("TIMESTAMP_S", 1114, 8),
            ("TIMESTAMP_MS", 1114, 8),
            ("TIMESTAMP_NS", 1114, 8),
            ("TIMESTAMP WITH TIME ZONE", 1184, 8),
            ("INTERVAL", 1186, 16),
            ("\"NULL\"", 25, -1),
            ("SOMETHING_NEW", 25, -1),
        ] {
            assert_eq!(pg(text), (oid, len, -1), "{text}");
        }
    }

    #[test]
    fn decimals_carry_their_width_and_scale() {
        assert_eq!(pg("DECIMAL(10,4)"), (1700, -1, 655_368));
        assert_eq!(pg("DECIMAL(38,0)"), (1700, -1, 2_490_372));
        assert_eq!(pg("DECIMAL(10,4)[]"), (1231, -1, 655_368));
    }

    #[test]
    fn lists_are_arrays_unless_they_hold_composites() {
        assert_eq!(pg("INTEGER[]"), (1007, -1, -1));
        assert_eq!(pg("INTEGER[3][]"), (1007, -1, -1));
        assert_eq!(pg("ENUM('a')[]"), (1009, -1, -1));
        assert_eq!(pg("JSON[]"), (199, -1, -1));
        assert_eq!(pg("BIT[]"), (1563, -1, -1));
        assert_eq!(pg("STRUCT(a INTEGER)"), (114, -1, -1));
        assert_eq!(pg("STRUCT(INTEGER, VARCHAR)"), (2249, -1, -1));
        assert_eq!(pg("STRUCT(INTEGER, VARCHAR)[]"), (2287, -1, -1));
        assert_eq!(pg("STRUCT(a INTEGER)[]"), (114, -1, -1));
        assert_eq!(pg("MAP(VARCHAR, INTEGER)[][2]"), (114, -1, -1));
    }

    #[test]
    fn variants_inside_need_a_cast() {
        assert!(
            Type::parse("STRUCT(a VARIANT)[]")
                .unwrap()
                .needs_json_cast()
        );
        assert!(
            Type::parse("MAP(VARCHAR, VARIANT)")
                .unwrap()
                .needs_json_cast()
        );
        assert!(!Type::parse("STRUCT(a JSON)[]").unwrap().needs_json_cast());
    }
}
