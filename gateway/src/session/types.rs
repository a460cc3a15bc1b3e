//! PostgreSQL's types of results and parameters where DuckDB's do not tell them apart.

use std::collections::BTreeMap;

use skein_catalog::system;
use skein_catalog::types::oid::UNKNOWN;
use skein_catalog::types::{PgType, Type};

/// DuckDB's type `held` as the type of PostgreSQL's called `name`, if clients see another type
/// otherwise, and if values of the one can be shown as the other.
pub(super) fn named_type(name: &str, held: &str) -> Option<String> {
    let ty = Type::parse(held).ok()?;
    if let (Some(element), Type::List(inner)) = (name.strip_prefix('_'), &ty) {
        let element = named_type(element, &inner.to_string())?;
        return Some(format!("{element}[]"));
    }
    // A NULL that nothing gives a type.
    if name == "text" && ty == Type::Integer {
        return Some(Type::Null.to_string());
    }
    if name == "record" {
        let Type::Struct(fields) = ty else {
            return None;
        };
        // Clients see rows whose columns have no names.
        let fields = fields.into_iter().map(|(_, ty)| (String::new(), ty));
        return Some(Type::Struct(fields.collect()).to_string());
    }
    let named = PgType::by_name(name)?;
    let goes = match (name, &ty) {
        ("oid" | "xid" | "cid", Type::BigInt | Type::Integer | Type::SmallInt)
        | (
            "name" | "char" | "varchar" | "bpchar" | "xml" | "unknown" | "tid" | "inet" | "cidr"
            | "macaddr" | "aclitem" | "pg_node_tree" | "void" | "pg_lsn" | "cstring" | "anyarray"
            | "pg_ndistinct" | "pg_dependencies" | "pg_mcv_list",
            Type::Varchar | Type::Null,
        )
        | ("int2vector" | "oidvector", Type::List(_))
        // Of `generate_series(1, 3)` DuckDB makes BIGINT.
        | ("int4", Type::BigInt) => true,
        (name, Type::Struct(fields)) if name.starts_with("reg") => {
            matches!(fields.as_slice(), [(_, Type::BigInt), (_, Type::Varchar)])
        }
        _ => false,
    };
    let named = Type::Named {
        oid: named.oid,
        held: Box::new(ty),
    };
    goes.then(|| named.to_string())
}

/// The types that a client declares, completed by those that the query tells by their names, 0 for others.
pub(super) fn with_known_types(declared: &[u32], told: &BTreeMap<usize, &'static str>) -> Vec<u32> {
    let told = told.iter().filter_map(|(number, name)| {
        // Lists of what is shown by name are given as lists of texts.
        let name = if name.starts_with("_reg") {
            "_text"
        } else {
            name
        };
        let oid = system::type_oid(name).filter(|_| is_told(name))?;
        Some((*number, oid))
    });
    with_types(declared, &told.collect())
}

/// Completes types that are declared.
pub(super) fn with_types(declared: &[u32], told: &BTreeMap<usize, u32>) -> Vec<u32> {
    let mut types = declared.to_vec();
    for (number, oid) in told {
        let Some(index) = number.checked_sub(1) else {
            continue;
        };
        if types.len() <= index {
            types.resize(index + 1, 0);
        }
        if matches!(types[index], 0 | UNKNOWN) {
            types[index] = *oid;
        }
    }
    types
}

/// Whether values of this type can be read as parameters. What is shown by a name is given as a text.
fn is_told(name: &str) -> bool {
    let element = name.strip_prefix('_').unwrap_or(name);
    PgType::by_name(element).is_some() && !element.starts_with("reg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_with_what_can_hold_it() {
        for (name, held, expected) in [
            ("oid", "BIGINT", Some("pg_catalog.oid(BIGINT)")),
            ("oid", "VARCHAR", None),
            ("_name", "VARCHAR[]", Some("pg_catalog.name(VARCHAR)[]")),
            (
                "int2vector",
                "SMALLINT[]",
                Some("pg_catalog.int2vector(SMALLINT[])"),
            ),
            ("int4", "INTEGER", None),
            ("text", "VARCHAR", None),
        ] {
            assert_eq!(named_type(name, held).as_deref(), expected, "{name} {held}");
        }
        let row = named_type("record", "STRUCT(a BIGINT, b VARCHAR)").expect("a row is one");
        assert!(
            Type::parse(&row).expect("it is a type").is_record(),
            "{row}"
        );
        assert_eq!(named_type("record", "BIGINT"), None);
    }
}
