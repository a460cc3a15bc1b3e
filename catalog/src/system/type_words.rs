//! How types are written: `format_type`.

use std::collections::HashMap;

use super::builtin::{INFORMATION_SCHEMA_OID, quoted};
use crate::types::PG_TYPES;

/// What PostgreSQL adds to the length of a value, and so to modifiers that are lengths.
const HEADER: i64 = 4;
/// `character` and `bit` without a modifier mean one of length 1; these have none.
const BPCHAR: &str = "bpchar";
const BIT: &str = "\"bit\"";

/// How a modifier is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ModifierKind {
    None,
    Numeric,
    Length,
    Bpchar,
    Precision,
    Bit,
}

/// What `format_type` has to know of a type.
#[derive(Clone, Debug)]
pub(super) struct TypeWords {
    /// The type whose visibility decides whether the schema is named: its own, or of its elements.
    pub(super) named: i64,
    /// What stands before a modifier.
    head: String,
    /// What stands after it: `timestamp(3) with time zone`, `integer[]`.
    tail: String,
    modifier: ModifierKind,
    /// What stands before the name where nobody finds it without; empty for `pg_catalog`, where all do.
    qualifier: String,
}

impl TypeWords {
    /// The type of a relation's rows, and that of arrays of them.
    pub(super) fn of_rows(schema: &str, name: &str, types: [u32; 2]) -> [(i64, Self); 2] {
        let [row, array] = types.map(i64::from);
        [(row, ""), (array, "[]")].map(|(oid, tail)| {
            let words = Self {
                named: row,
                head: quoted(name),
                tail: tail.to_owned(),
                modifier: ModifierKind::None,
                qualifier: qualifier(schema),
            };
            (oid, words)
        })
    }

    /// A row of `types.txt`; `types` are all rows, by OID.
    pub(super) fn built_in(row: &[&str], types: &HashMap<&str, Vec<&str>>) -> Self {
        let is_array = row[9] != "0" && row[2].starts_with('_');
        let base = types
            .get(row[9])
            .filter(|_| is_array)
            .map_or(row, Vec::as_slice);
        let shown = PG_TYPES
            .iter()
            .find(|known| known.name == base[2])
            .map_or(base[2], |it| it.sql_name);
        let (head, tail) = match shown.find(" with") {
            Some(space) => shown.split_at(space),
            None => (shown, ""),
        };
        let suffix = if is_array { "[]" } else { "" };
        Self {
            named: base[0].parse().unwrap_or_default(),
            head: head.to_owned(),
            tail: format!("{tail}{suffix}"),
            modifier: match base[2] {
                "numeric" => ModifierKind::Numeric,
                "varchar" => ModifierKind::Length,
                "bpchar" => ModifierKind::Bpchar,
                "time" | "timetz" | "timestamp" | "timestamptz" | "varbit" => {
                    ModifierKind::Precision
                }
                "bit" => ModifierKind::Bit,
                _ => ModifierKind::None,
            },
            qualifier: qualifier(match base[1] {
                INFORMATION_SCHEMA_OID => "information_schema",
                _ => "pg_catalog",
            }),
        }
    }

    /// The name with this modifier; `None`: nothing is said about one. `is_seen`: it is found without its schema.
    pub(super) fn shown(&self, modifier: Option<i64>, is_seen: bool) -> String {
        let qualifier = if is_seen { "" } else { &self.qualifier };
        let head = match (self.modifier, modifier) {
            (ModifierKind::Bpchar, Some(..0)) => BPCHAR,
            (ModifierKind::Bit, Some(..0)) => BIT,
            _ => &self.head,
        };
        let modifier = modifier.map_or_else(String::new, |it| self.modifier.shown(it));
        format!("{qualifier}{head}{modifier}{}", self.tail)
    }
}

impl ModifierKind {
    /// As the functions of `pg_type.typmodout` write it.
    fn shown(self, modifier: i64) -> String {
        match self {
            Self::Numeric if modifier >= HEADER => {
                let packed = modifier - HEADER;
                // The scale is a signed number of eleven bits.
                let (precision, scale) =
                    ((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024);
                format!("({precision},{scale})")
            }
            Self::Length | Self::Bpchar if modifier > HEADER => format!("({})", modifier - HEADER),
            Self::Precision | Self::Bit if modifier >= 0 => format!("({modifier})"),
            _ => String::new(),
        }
    }
}

fn qualifier(schema: &str) -> String {
    match schema {
        "pg_catalog" => String::new(),
        schema => format!("{}.", quoted(schema)),
    }
}
