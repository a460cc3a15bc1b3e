//! PostgreSQL's types of results and parameters where DuckDB's do not tell them apart.

use std::collections::BTreeMap;

use skein_catalog::system;
use skein_catalog::types::{PgType, Type};
use skein_planner::outputs::Outputs;

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

/// The types that a client declares, completed by those that the query tells, 0 for others. `beside`:
/// those of the operands that parameters stand beside; `arguments`: those of functions that they are
/// arguments of.
pub(super) fn with_known_types(
    declared: &[u32],
    known: &Outputs,
    beside: &BTreeMap<usize, u32>,
    arguments: &BTreeMap<usize, u32>,
) -> Vec<u32> {
    let mut types = declared.to_vec();
    let told = known.parameters.iter().filter_map(|(number, name)| {
        let oid = system::type_oid(name).filter(|_| is_told(name))?;
        Some((*number, oid))
    });
    let others = arguments.iter().chain(beside);
    for (number, oid) in told.chain(others.map(|(number, oid)| (*number, *oid))) {
        let Some(index) = number.checked_sub(1) else {
            continue;
        };
        if types.len() <= index {
            types.resize(index + 1, 0);
        }
        if types[index] == 0 {
            types[index] = oid;
        }
    }
    types
}

/// Whether the type of a neighbour is that of a parameter. Decimals are compared as they are given,
/// without being rounded to the neighbour's digits; `varchar` is compared as text.
fn is_told(name: &str) -> bool {
    !matches!(
        name.strip_prefix('_').unwrap_or(name),
        "numeric" | "varchar" | "bpchar" | "json" | "jsonb" | "bit" | "varbit"
    ) && !name.starts_with("reg")
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
    }
}
