//! The macro `skein_type`, on which `format_type` stands: what it has to know of every type.
//!
//! Constant lists rather than a table, because clients call it for every column of every relation,
//! and in places where DuckDB takes no correlated subquery. Lists that DuckDB reads from one text are
//! bound ten times as fast as a map or a `CASE` of so many entries. Types of columns come first, those of
//! users' rows last: the list is searched from its beginning.

use std::collections::BTreeMap;

use super::builtin::{INFORMATION_SCHEMA_OID, TYPES, lines, quoted};
use super::{Oids, PG_SCHEMA, literal, relations};
use crate::types::PG_TYPES;

/// Between types.
const TYPE: char = '\u{1e}';
/// Between what is known of one: the macros say `chr(31)`.
const FIELD: char = '\u{1f}';
/// Between schemas: the macros say `chr(29)`.
const SCHEMA: char = '\u{1d}';

/// Schemas that have a type of a name, by the name.
type Rivals = BTreeMap<String, Vec<String>>;

/// The statement that makes the macro.
pub(super) fn create(oids: &Oids) -> String {
    let types: Vec<Vec<&str>> = lines(TYPES).collect();
    let rivals = rivals(&types, oids);
    let (mut words, mut rare): (Vec<Words>, Vec<Words>) = types
        .iter()
        .map(|row| Words::built_in(row, &types, &rivals))
        .partition(|words| PG_TYPES.iter().any(|known| known.name == words.name));
    words.append(&mut rare);
    for relation in relations() {
        let schema = match relation.schema {
            "pg_catalog" => "",
            schema => schema,
        };
        words.extend(Words::of_rows(
            schema,
            relation.name,
            relation.row_types,
            &rivals,
        ));
    }
    for (name, types) in &oids.row_types {
        words.extend(Words::of_rows(&name.schema, &name.name, *types, &rivals));
    }
    let separator = TYPE.to_string();
    let oids: Vec<&str> = words.iter().map(|it| it.oid.as_str()).collect();
    let known: Vec<String> = words.iter().map(Words::fields).collect();
    format!(
        "CREATE MACRO {PG_SCHEMA}.skein_type(type_oid) AS string_split({}, {})[list_position(\
         CAST(string_split({}, ',') AS BIGINT[]), CAST(type_oid AS BIGINT))]",
        literal(&known.join(&separator)),
        literal(&separator),
        literal(&oids.join(",")),
    )
}

fn rivals(types: &[Vec<&str>], oids: &Oids) -> Rivals {
    let mut rivals = Rivals::new();
    let mut add = |name: &str, schema: &str| {
        let schemas = rivals.entry(name.to_owned()).or_default();
        schemas.push(schema.to_owned());
    };
    for row in types {
        let schema = match row[1] {
            INFORMATION_SCHEMA_OID => "information_schema",
            _ => "pg_catalog",
        };
        add(row[2], schema);
    }
    for relation in relations() {
        add(relation.name, relation.schema);
    }
    for name in oids.row_types.keys() {
        add(&name.name, &name.schema);
    }
    rivals.retain(|_, schemas| schemas.len() > 1);
    rivals
}

/// What `format_type` has to know of a type.
struct Words {
    name: String,
    oid: String,
    /// What stands before a modifier.
    head: String,
    /// What stands after it: `timestamp(3) with time zone`, `integer[]`.
    tail: String,
    /// How a modifier is written: `n`umeric, `l`ength, `b`pchar, `p`recision, bi`t`, or not at all.
    kind: &'static str,
    /// Its schema, unless that is `pg_catalog`, where all find it.
    schema: String,
    /// Schemas that have a type of the name, if there are several.
    rivals: Vec<String>,
}

impl Words {
    /// The type of a relation's rows, and that of arrays of them.
    fn of_rows(schema: &str, name: &str, types: [u32; 2], rivals: &Rivals) -> [Self; 2] {
        // No name has one of the separators; were there one, it must not shift fields.
        let clean = |text: &str| text.replace([TYPE, FIELD, SCHEMA], "");
        [(types[0], ""), (types[1], "[]")].map(|(oid, tail)| Self {
            name: name.to_owned(),
            oid: oid.to_string(),
            head: quoted(&clean(name)),
            tail: tail.to_owned(),
            kind: "",
            schema: clean(schema),
            rivals: rivals.get(name).cloned().unwrap_or_default(),
        })
    }

    fn built_in(row: &[&str], types: &[Vec<&str>], rivals: &Rivals) -> Self {
        let is_array = row[9] != "0" && row[2].starts_with('_');
        let base = types
            .iter()
            .find(|it| is_array && it[0] == row[9])
            .map_or(row, Vec::as_slice);
        let shown = PG_TYPES
            .iter()
            .find(|known| known.name == base[2])
            .map_or(base[2], |it| it.sql_name);
        let (head, tail) = match shown.find(" with") {
            Some(space) => shown.split_at(space),
            None => (shown, ""),
        };
        let schema = if base[1] == INFORMATION_SCHEMA_OID {
            "information_schema"
        } else {
            ""
        };
        let suffix = if is_array { "[]" } else { "" };
        Self {
            name: row[2].to_owned(),
            oid: row[0].to_owned(),
            head: head.to_owned(),
            tail: format!("{tail}{suffix}"),
            kind: match base[2] {
                "numeric" => "n",
                "varchar" => "l",
                "bpchar" => "b",
                "time" | "timetz" | "timestamp" | "timestamptz" | "varbit" => "p",
                "bit" => "t",
                _ => "",
            },
            schema: schema.to_owned(),
            rivals: rivals.get(base[2]).cloned().unwrap_or_default(),
        }
    }

    /// As the macros take it apart: before and after a modifier, how that is written, the schema as it is and
    /// as it stands before the name, and rivals.
    fn fields(&self) -> String {
        let qualifier = match self.schema.as_str() {
            "" => String::new(),
            schema => format!("{}.", quoted(schema)),
        };
        let rivals = self.rivals.join(&SCHEMA.to_string());
        let fields = [
            self.head.as_str(),
            &self.tail,
            self.kind,
            &self.schema,
            &qualifier,
            &rivals,
        ];
        fields.join(&FIELD.to_string())
    }
}
