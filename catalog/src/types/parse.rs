//! Reads the text by which DuckDB names a type.
//!
//! The text is DuckDB's own, so one spelling of each type is enough; a name that is not in the list
//! is kept as [`Type::Other`]. Field names may be anything when quoted, and DuckDB leaves them out
//! of the structs that `row(…)` makes.

use super::{PgType, Type};

/// Types may nest this deep, so that reading one cannot exhaust the stack.
const DEPTH_MAX: usize = 200;

/// The text is not that of a DuckDB type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type {text:?} cannot be read at byte {position}")]
pub struct TypeError {
    /// All of the text.
    pub text: String,
    /// Where reading stopped.
    pub position: usize,
}

pub(super) fn parse(text: &str) -> Result<Type, TypeError> {
    let mut parser = Parser {
        text,
        position: 0,
        depth: 0,
    };
    match parser.ty() {
        Some(ty) if parser.rest().is_empty() => Ok(ty),
        _ => Err(TypeError {
            text: text.to_owned(),
            position: parser.position,
        }),
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    /// Takes `token` if it is next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.take(token).then_some(())
    }

    fn ty(&mut self) -> Option<Type> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut ty = self.base()?;
        while self.take("[") {
            let size = self.word();
            ty = match size {
                "" => Type::List(Box::new(ty)),
                size => Type::Array(Box::new(ty), size.parse().ok()?),
            };
            self.expect("]")?;
        }
        self.skip_spaces();
        self.depth -= 1;
        Some(ty)
    }

    fn base(&mut self) -> Option<Type> {
        self.skip_spaces();
        if self.rest().starts_with('"') {
            let name = self.quoted('"')?;
            return Some(if name == "NULL" {
                Type::Null
            } else {
                Type::Other(name)
            });
        }
        if self.take("pg_catalog.") {
            let oid = PgType::by_name(self.word())?.oid;
            self.expect("(")?;
            let held = Box::new(self.ty()?);
            self.expect(")")?;
            return Some(Type::Named { oid, held });
        }
        let name = self.word();
        Some(match name {
            "" => return None,
            "STRUCT" => Type::Struct(self.fields()?),
            "UNION" => Type::Union(self.fields()?),
            "MAP" => {
                self.expect("(")?;
                let key = self.ty()?;
                self.expect(",")?;
                let value = self.ty()?;
                self.expect(")")?;
                Type::Map(Box::new(key), Box::new(value))
            }
            "ENUM" => Type::Enum(self.enum_values()?),
            "DECIMAL" => {
                self.expect("(")?;
                let width = self.number()?;
                self.expect(",")?;
                let scale = self.number()?;
                self.expect(")")?;
                Type::Decimal { width, scale }
            }
            "TIME" if self.take("WITH TIME ZONE") => Type::TimeTz,
            "TIMESTAMP" if self.take("WITH TIME ZONE") => Type::TimestampTz,
            name => simple(name).unwrap_or_else(|| Type::Other(name.to_owned())),
        })
    }

    /// Letters, digits and underscores; empty when something else is next.
    fn word(&mut self) -> &'a str {
        self.skip_spaces();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    fn number(&mut self) -> Option<u8> {
        self.word().parse().ok()
    }

    /// A text between quotes, in which a doubled quote stands for one.
    fn quoted(&mut self, quote: char) -> Option<String> {
        self.skip_spaces();
        let mut value = String::new();
        let mut rest = self.rest().strip_prefix(quote)?;
        loop {
            let end = rest.find(quote)?;
            value.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            let Some(more) = rest.strip_prefix(quote) else {
                break;
            };
            value.push(quote);
            rest = more;
        }
        self.position = self.text.len() - rest.len();
        Some(value)
    }

    fn enum_values(&mut self) -> Option<Vec<String>> {
        self.expect("(")?;
        let mut values = Vec::new();
        if self.take(")") {
            return Some(values);
        }
        loop {
            values.push(self.quoted('\'')?);
            if !self.take(",") {
                self.expect(")")?;
                return Some(values);
            }
        }
    }

    fn fields(&mut self) -> Option<Vec<(String, Type)>> {
        self.expect("(")?;
        let mut fields = Vec::new();
        if self.take(")") {
            return Some(fields);
        }
        loop {
            fields.push(self.field()?);
            if !self.take(",") {
                self.expect(")")?;
                return Some(fields);
            }
        }
    }

    /// A name and a type; or only a type, if what follows it ends the field.
    fn field(&mut self) -> Option<(String, Type)> {
        self.skip_spaces();
        let name = self.field_name()?;
        Some((name, self.ty()?))
    }

    /// Takes the name of a field, which is empty if it has none: then a comma, a bracket or the rest
    /// of the type follows the first word.
    fn field_name(&mut self) -> Option<String> {
        let start = self.position;
        let name = if self.rest().starts_with('"') {
            self.quoted('"')?
        } else {
            let word = self.word();
            if word.is_empty() {
                return None;
            }
            word.to_owned()
        };
        self.skip_spaces();
        let rest = self.rest();
        let ends = rest.is_empty()
            || rest.starts_with([',', ')', '(', '['])
            || rest.starts_with("WITH TIME ZONE");
        if ends {
            self.position = start;
            return Some(String::new());
        }
        Some(name)
    }
}

fn simple(name: &str) -> Option<Type> {
    Some(match name {
        "NULL" => Type::Null,
        "BOOLEAN" => Type::Boolean,
        "TINYINT" => Type::TinyInt,
        "SMALLINT" => Type::SmallInt,
        "INTEGER" => Type::Integer,
        "BIGINT" => Type::BigInt,
        "HUGEINT" => Type::HugeInt,
        "UTINYINT" => Type::UTinyInt,
        "USMALLINT" => Type::USmallInt,
        "UINTEGER" => Type::UInteger,
        "UBIGINT" => Type::UBigInt,
        "UHUGEINT" => Type::UHugeInt,
        "BIGNUM" => Type::BigNum,
        "FLOAT" => Type::Float,
        "DOUBLE" => Type::Double,
        "VARCHAR" => Type::Varchar,
        "JSON" => Type::Json,
        "JSONB" => Type::Jsonb,
        "BLOB" => Type::Blob,
        "BIT" => Type::Bit,
        "UUID" => Type::Uuid,
        "DATE" => Type::Date,
        "TIME" => Type::Time,
        "TIME_NS" => Type::TimeNs,
        "TIMESTAMP" => Type::Timestamp,
        "TIMESTAMP_S" => Type::TimestampS,
        "TIMESTAMP_MS" => Type::TimestampMs,
        "TIMESTAMP_NS" => Type::TimestampNs,
        "INTERVAL" => Type::Interval,
        "GEOMETRY" => Type::Geometry,
        "VARIANT" => Type::Variant,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ty: Type) -> Type {
        Type::List(Box::new(ty))
    }

    #[test]
    fn reads_nested_types() {
        let ty =
            parse("STRUCT(a INTEGER, \"b c\" VARCHAR[], \"x\"\"y\" DECIMAL(3,1)[2][])[]").unwrap();
        let fields = vec![
            ("a".to_owned(), Type::Integer),
            ("b c".to_owned(), list(Type::Varchar)),
            (
                "x\"y".to_owned(),
                list(Type::Array(
                    Box::new(Type::Decimal { width: 3, scale: 1 }),
                    2,
                )),
            ),
        ];
        assert_eq!(ty, list(Type::Struct(fields)));
        let ty = parse("MAP(VARCHAR, UNION(n TIMESTAMP WITH TIME ZONE, e ENUM('it''s', 'b, )')))");
        let members = vec![
            ("n".to_owned(), Type::TimestampTz),
            (
                "e".to_owned(),
                Type::Enum(vec!["it's".to_owned(), "b, )".to_owned()]),
            ),
        ];
        assert_eq!(
            ty.unwrap(),
            Type::Map(Box::new(Type::Varchar), Box::new(Type::Union(members)))
        );
    }

    #[test]
    fn reads_structs_without_names() {
        let fields = vec![
            (String::new(), Type::TimeTz),
            (String::new(), list(Type::Integer)),
            (String::new(), Type::Decimal { width: 4, scale: 0 }),
            (
                String::new(),
                Type::Struct(vec![(String::new(), Type::Date)]),
            ),
        ];
        let text = "STRUCT(TIME WITH TIME ZONE, INTEGER[], DECIMAL(4,0), STRUCT(DATE))";
        assert_eq!(parse(text).unwrap(), Type::Struct(fields));
        let named = vec![
            ("DATE".to_owned(), Type::Date),
            ("time".to_owned(), Type::TimeTz),
        ];
        assert_eq!(
            parse("STRUCT(DATE DATE, \"time\" TIME WITH TIME ZONE)").unwrap(),
            Type::Struct(named)
        );
    }

    #[test]
    fn text_survives_a_round_trip() {
        for text in [
            "\"NULL\"",
            "TIMESTAMP WITH TIME ZONE[]",
            "DECIMAL(18,3)",
            "ENUM('it''s', '')",
            "STRUCT(\"a\" INTEGER, \"b\"\"\" MAP(INTEGER, BLOB))[3][]",
            "STRUCT(INTEGER, VARCHAR[])",
            "UNION(\"k\" UHUGEINT)",
            "pg_catalog.oid(BIGINT)[]",
            "pg_catalog.regclass(STRUCT(\"oid\" BIGINT, \"name\" VARCHAR))",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn rejects_what_is_not_a_type() {
        for text in [
            "",
            "INTEGER[",
            "INTEGER[x]",
            "STRUCT(a INTEGER",
            "MAP(INTEGER)",
            "ENUM('a)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("INTEGER)").unwrap_err().position, 7);
        assert!(parse(&"STRUCT(a ".repeat(100_000)).is_err());
    }
}
