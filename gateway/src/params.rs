//! Turns the parameters of Bind into typed literals.
//!
//! ```text
//! OID, format, bytes ─► Parameter { type, value } ─► SQL such as CAST('1' AS INTEGER)
//! ```
//!
//! The planner plans each Bind anew with the literals in place, so a parameter means exactly what a
//! constant means. Values become text that DuckDB casts; nothing is computed here. What is done
//! here is what DuckDB's casts do differently from PostgreSQL's input functions: they accept less
//! (`on` as a boolean, `Jan 5 2020`, `{1,2}`), more (`0x10`, `1.5` as an integer), or read another
//! value without complaint (`0044-03-15 BC`).
//!
//! Numbers of type numeric become DECIMAL of just their digits. DuckDB's decimals have 38 digits:
//! further digits after the point are rounded, and larger numbers, NaN and infinity are DOUBLE.

mod array;
mod binary;
mod datetime;
mod text;

use skein_catalog::types::{PgType, oid};
use skein_executor_api::functions;

use crate::encode::{DateOrder, Format};

/// A parameter as DuckDB is to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// DuckDB's type.
    pub ty: String,
    /// The value.
    pub value: Value,
}

/// The value of a parameter or of an element of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// Text that is to be cast.
    Text(String),
    /// The elements of a list.
    List(Vec<Value>),
    /// SQL for what depends on the moment, such as `current_date` for `today`.
    Sql(String),
}

impl Parameter {
    /// SQL that gives the value in its type.
    pub fn sql(&self) -> String {
        let value = if self.ty.starts_with("JSONB") {
            self.value.jsonb()
        } else {
            self.value.sql()
        };
        format!("CAST({value} AS {})", self.ty)
    }
}

impl Value {
    /// The same of texts that have to take the form of jsonb.
    fn jsonb(&self) -> String {
        match self {
            Self::Text(_) => format!("{}.skein_jsonb({})", functions::SCHEMA, self.sql()),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(Self::jsonb).collect();
                format!("[{}]", values.join(", "))
            }
            Self::Null | Self::Sql(_) => self.sql(),
        }
    }

    fn sql(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Sql(sql) => sql.clone(),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(Self::sql).collect();
                format!("[{}]", values.join(", "))
            }
        }
    }
}

/// Why a parameter cannot be read, in PostgreSQL's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Text that is no value of the type.
    #[error("invalid input syntax for type {ty}: \"{value}\"")]
    InvalidText {
        /// PostgreSQL's name of the type.
        ty: &'static str,
        /// What was given.
        value: String,
    },
    /// An integer that its type cannot hold.
    #[error("value \"{value}\" is out of range for type {ty}")]
    IntegerOutOfRange {
        /// PostgreSQL's name of the type.
        ty: &'static str,
        /// What was given.
        value: String,
    },
    /// A float that its type cannot hold.
    #[error("\"{value}\" is out of range for type {ty}")]
    FloatOutOfRange {
        /// PostgreSQL's name of the type.
        ty: &'static str,
        /// What was given.
        value: String,
    },
    /// A date or time that its type cannot hold.
    #[error("{0} out of range")]
    DatetimeOutOfRange(&'static str),
    /// An offset of a day or more.
    #[error("time zone displacement out of range")]
    TimeZoneOutOfRange,
    /// Text that is no array.
    #[error("malformed array literal: \"{0}\"")]
    MalformedArray(String),
    /// A digit that is none in hexadecimal bytes.
    #[error("invalid hexadecimal digit: \"{0}\"")]
    InvalidHexDigit(char),
    /// Half a byte.
    #[error("invalid hexadecimal data: odd number of digits")]
    OddHexDigits,
    /// A digit that is none in bits.
    #[error("\"{0}\" is not a valid binary digit")]
    InvalidBit(char),
    /// Bytes that are too many or make no value; the number of the parameter.
    #[error("incorrect binary data format in bind parameter {0}")]
    IncorrectBinary(usize),
    /// Bytes that are too few.
    #[error("insufficient data left in message")]
    InsufficientData,
    /// Text that is not UTF-8, or has a zero byte: the bytes at fault.
    #[error("invalid byte sequence for encoding \"UTF8\": {0}")]
    InvalidUtf8(String),
    /// No type has this OID.
    #[error("type with OID {0} does not exist")]
    UnknownType(u32),
    /// The binary form of this type is not read.
    #[error("no binary input function available for type {0}")]
    NoBinaryInput(&'static str),
}

/// DuckDB's type for parameters that are declared with this OID. `None` for the OIDs that leave the
/// type open (0 and `unknown`) and for those that are not known.
pub fn duckdb_type(type_oid: u32) -> Option<String> {
    if type_oid == oid::UNKNOWN {
        return None;
    }
    match PgType::by_array_oid(type_oid) {
        Some(element) => Some(format!("{}[]", element.duckdb)),
        None => PgType::by_oid(type_oid).map(|ty| ty.duckdb.to_owned()),
    }
}

/// Whether parameters can be declared with this OID.
pub fn is_known(type_oid: u32) -> bool {
    type_oid == 0 || PgType::by_oid(type_oid).is_some() || PgType::by_array_oid(type_oid).is_some()
}

/// Reads parameter `$number` of type `type_oid`; 0 is read as text. `bytes` is `None` for NULL.
/// `order` is that of `DateStyle`, for dates such as `1/2/2026`.
pub fn decode(
    number: usize,
    type_oid: u32,
    format: Format,
    bytes: Option<&[u8]>,
    order: DateOrder,
) -> Result<Parameter, ParameterError> {
    let type_oid = if type_oid == 0 { oid::TEXT } else { type_oid };
    let element = PgType::by_array_oid(type_oid);
    let ty = element
        .or_else(|| PgType::by_oid(type_oid))
        .ok_or(ParameterError::UnknownType(type_oid))?;
    let Some(bytes) = bytes else {
        let brackets = if element.is_some() { "[]" } else { "" };
        return Ok(Parameter {
            ty: format!("{}{brackets}", ty.duckdb),
            value: Value::Null,
        });
    };
    let value = match (format, element) {
        (Format::Text, None) => text::value(ty, &utf8(bytes)?, order)?,
        (Format::Text, Some(element)) => array::text(element, &utf8(bytes)?, order)?,
        (Format::Binary, None) => binary::value(ty, bytes, number)?,
        (Format::Binary, Some(element)) => array::binary(element, bytes, number)?,
    };
    Ok(typed(ty, value))
}

/// Chooses the DuckDB type: that of numbers depends on their digits, that of lists on their depth.
fn typed(ty: &PgType, value: Value) -> Parameter {
    let mut depth = usize::from(matches!(value, Value::List(_)));
    let mut leaves = vec![&value];
    if let Value::List(_) = value {
        while let [Value::List(_), ..] = leaves[..] {
            let inner = leaves.iter().flat_map(|leaf| match leaf {
                Value::List(values) => values.iter().collect(),
                _ => vec![],
            });
            leaves = inner.collect();
            depth += usize::from(matches!(leaves[..], [Value::List(_), ..]));
        }
    }
    let scalar = if ty.oid == oid::NUMERIC {
        let texts = leaves.iter().filter_map(|leaf| match leaf {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        text::numeric_type(texts)
    } else {
        ty.duckdb.to_owned()
    };
    Parameter {
        ty: format!("{scalar}{}", "[]".repeat(depth)),
        value,
    }
}

/// The text of a parameter; PostgreSQL's texts have no zero bytes.
fn utf8(bytes: &[u8]) -> Result<String, ParameterError> {
    let shown = |bytes: &[u8]| {
        let bytes: Vec<_> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
        ParameterError::InvalidUtf8(bytes.join(" "))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let rest = &bytes[error.valid_up_to()..];
        // PostgreSQL shows as many bytes as the first one announces.
        let announced = match rest[0] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        shown(&rest[..announced.min(rest.len())])
    })?;
    if text.contains('\0') {
        return Err(shown(&[0]));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
