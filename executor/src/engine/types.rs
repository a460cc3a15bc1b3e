//! DuckDB's types as SQL text, written as DuckDB's `typeof` writes them.

use std::collections::BTreeSet;
use std::ptr;
use std::sync::OnceLock;

use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::connection::Connection;
use super::{c_text, identifier, literal, owned_text};

/// PostgreSQL's `jsonb`, which every instance has as a type of its own: a text that is always in
/// the form that PostgreSQL prints.
pub(super) const JSONB: &str = "JSONB";

/// A type owned by us.
#[derive(Debug)]
pub(super) struct LogicalType(pub(super) ffi::duckdb_logical_type);

impl Drop for LogicalType {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle; DuckDB accepts null.
        unsafe { ffi::duckdb_destroy_logical_type(&raw mut self.0) };
    }
}

impl LogicalType {
    /// The type with this simple id.
    pub(super) fn simple(id: ffi::duckdb_type) -> Self {
        // SAFETY: makes a new handle.
        Self(unsafe { ffi::duckdb_create_logical_type(id) })
    }

    /// Lists of this one.
    pub(super) fn list(&self) -> Self {
        // SAFETY: the handle is live; makes a new one.
        Self(unsafe { ffi::duckdb_create_list_type(self.0) })
    }

    /// Adds a type of this name, which is stored as this one and that nothing is cast to by itself.
    pub(super) fn register(
        &self,
        name: &str,
        connection: &Connection,
    ) -> Result<(), FragmentError> {
        let name = c_text(name)?;
        // SAFETY: the type and the connection are live, the name outlives the calls, and DuckDB
        // copies both.
        let state = unsafe {
            ffi::duckdb_logical_type_set_alias(self.0, name.as_ptr());
            ffi::duckdb_register_logical_type(connection.raw.handle, self.0, ptr::null_mut())
        };
        if state == ffi::DuckDBError {
            return Err(FragmentError {
                kind: FragmentErrorKind::Internal,
                message: format!("DuckDB could not add the type {}", name.to_string_lossy()),
                position: None,
            });
        }
        Ok(())
    }

    /// SQL text of the type; `None` when DuckDB does not know it yet, as for an open parameter.
    pub(super) fn sql(&self) -> Option<String> {
        // SAFETY: every call below is on this live handle and fits the type's id.
        unsafe {
            let id = ffi::duckdb_get_type_id(self.0);
            if let Some(name) = simple_name(id) {
                let alias = owned_text(ffi::duckdb_logical_type_get_alias(self.0));
                // Other aliases are names of other catalogs' types, which this text must not need.
                return Some(if matches!(alias.as_str(), "JSON" | JSONB) {
                    alias
                } else {
                    name.to_owned()
                });
            }
            match id {
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL => Some(format!(
                    "DECIMAL({},{})",
                    ffi::duckdb_decimal_width(self.0),
                    ffi::duckdb_decimal_scale(self.0)
                )),
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_ENUM => Some(self.enum_sql()),
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                    let child = Self(ffi::duckdb_list_type_child_type(self.0));
                    Some(format!("{}[]", child.sql()?))
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_ARRAY => {
                    let child = Self(ffi::duckdb_array_type_child_type(self.0));
                    let size = ffi::duckdb_array_type_array_size(self.0);
                    Some(format!("{}[{size}]", child.sql()?))
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_MAP => {
                    let key = Self(ffi::duckdb_map_type_key_type(self.0));
                    let value = Self(ffi::duckdb_map_type_value_type(self.0));
                    Some(format!("MAP({}, {})", key.sql()?, value.sql()?))
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT => self.members_sql(
                    "STRUCT",
                    ffi::duckdb_struct_type_child_count(self.0),
                    ffi::duckdb_struct_type_child_name,
                    ffi::duckdb_struct_type_child_type,
                ),
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_UNION => self.members_sql(
                    "UNION",
                    ffi::duckdb_union_type_member_count(self.0),
                    ffi::duckdb_union_type_member_name,
                    ffi::duckdb_union_type_member_type,
                ),
                _ => None,
            }
        }
    }

    /// Whether a table may have a column of this type: not with a `row(1, 2)` in it, whose members
    /// have no names.
    pub(super) fn is_storable(&self) -> bool {
        // SAFETY: every call below is on this live handle and fits the type's id.
        unsafe {
            match ffi::duckdb_get_type_id(self.0) {
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                    Self(ffi::duckdb_list_type_child_type(self.0)).is_storable()
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_ARRAY => {
                    Self(ffi::duckdb_array_type_child_type(self.0)).is_storable()
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_MAP => {
                    Self(ffi::duckdb_map_type_key_type(self.0)).is_storable()
                        && Self(ffi::duckdb_map_type_value_type(self.0)).is_storable()
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT => {
                    (0..ffi::duckdb_struct_type_child_count(self.0)).all(|index| {
                        !owned_text(ffi::duckdb_struct_type_child_name(self.0, index)).is_empty()
                            && Self(ffi::duckdb_struct_type_child_type(self.0, index)).is_storable()
                    })
                }
                ffi::DUCKDB_TYPE_DUCKDB_TYPE_UNION => {
                    (0..ffi::duckdb_union_type_member_count(self.0)).all(|index| {
                        Self(ffi::duckdb_union_type_member_type(self.0, index)).is_storable()
                    })
                }
                _ => true,
            }
        }
    }

    fn enum_sql(&self) -> String {
        // SAFETY: the type is an ENUM, the indices are below its size.
        let values: Vec<String> = unsafe {
            (0..u64::from(ffi::duckdb_enum_dictionary_size(self.0)))
                .map(|index| {
                    literal(&owned_text(ffi::duckdb_enum_dictionary_value(
                        self.0, index,
                    )))
                })
                .collect()
        };
        format!("ENUM({})", values.join(", "))
    }

    fn members_sql(
        &self,
        keyword: &str,
        count: u64,
        name: unsafe extern "C" fn(ffi::duckdb_logical_type, u64) -> *mut std::ffi::c_char,
        ty: unsafe extern "C" fn(ffi::duckdb_logical_type, u64) -> ffi::duckdb_logical_type,
    ) -> Option<String> {
        let mut members = Vec::new();
        for index in 0..count {
            // SAFETY: the functions fit the type, and the index is below its count.
            let (name, ty) = unsafe { (owned_text(name(self.0, index)), Self(ty(self.0, index))) };
            let ty = ty.sql()?;
            members.push(if name.is_empty() {
                ty
            } else {
                format!("{} {ty}", quoted_where_needed(&name))
            });
        }
        Some(format!("{keyword}({})", members.join(", ")))
    }
}

fn simple_name(id: ffi::duckdb_type) -> Option<&'static str> {
    Some(match id {
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN => "BOOLEAN",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TINYINT => "TINYINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT => "SMALLINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER => "INTEGER",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT => "BIGINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT => "UTINYINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT => "USMALLINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER => "UINTEGER",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT => "UBIGINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT => "FLOAT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE => "DOUBLE",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP => "TIMESTAMP",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE => "DATE",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME => "TIME",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL => "INTERVAL",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT => "HUGEINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UHUGEINT => "UHUGEINT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR => "VARCHAR",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BLOB => "BLOB",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_S => "TIMESTAMP_S",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_MS => "TIMESTAMP_MS",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS => "TIMESTAMP_NS",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UUID => "UUID",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIT => "BIT",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_TZ => "TIME WITH TIME ZONE",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ => "TIMESTAMP WITH TIME ZONE",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGNUM => "BIGNUM",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL => "\"NULL\"",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_NS => "TIME_NS",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_GEOMETRY => "GEOMETRY",
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARIANT => "VARIANT",
        _ => return None,
    })
}

/// DuckDB's keywords; all of them are quoted as member names.
static KEYWORDS: OnceLock<BTreeSet<String>> = OnceLock::new();

/// Reads DuckDB's keywords, once per process.
pub(super) fn load_keywords(connection: &Connection) -> Result<(), FragmentError> {
    if KEYWORDS.get().is_none() {
        let rows = connection.query_text("SELECT keyword_name FROM duckdb_keywords()")?;
        let words = rows.into_iter().flatten().flatten().collect();
        // Another thread may have been first, with the same words.
        let _ = KEYWORDS.set(words);
    }
    Ok(())
}

fn quoted_where_needed(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    let keyword = KEYWORDS
        .get()
        .is_none_or(|words| words.contains(name.to_ascii_lowercase().as_str()));
    if plain && !keyword {
        name.to_owned()
    } else {
        identifier(name)
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Database, DatabaseOptions, identifier};

    /// The text of a type is the one that `typeof` gives, for every keyword and odd name.
    #[test]
    fn member_names_are_quoted_as_duckdb_quotes_them() {
        let database = Database::open(&DatabaseOptions::default()).expect("an instance");
        let connection = database.connect().expect("a connection");
        let keywords = connection.query_text("SELECT DISTINCT keyword_name FROM duckdb_keywords()");
        let names = keywords.expect("keywords").into_iter().flatten().flatten();
        let odd = [
            "A", "aB", "a b", "1a", "é", "a1", "_a", "a$", "q\"q", "SELECT", "-",
        ];
        let members: Vec<String> = names
            .chain(odd.map(str::to_owned))
            .enumerate()
            .map(|(index, name)| format!("struct_pack({} := 1) AS c{index}", identifier(&name)))
            .collect();
        assert!(members.len() > 400, "{} names", members.len());
        let sql = format!("SELECT {}", members.join(", "));
        let ours = connection.prepare(&sql).expect("a plan").columns().to_vec();
        let theirs = connection.query_text(&format!("SELECT typeof(COLUMNS(*)) FROM ({sql})"));
        let theirs = &theirs.expect("a row")[0];
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(Some(&ours.ty), theirs.as_ref());
        }
    }
}
