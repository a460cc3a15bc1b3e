//! Definitions of constraints and indexes, as `pg_get_constraintdef` and `pg_get_indexdef` write them.

use std::collections::HashMap;

use super::Oids;
use super::builtin::quoted;
use super::keys::Keys;
use crate::snapshot::{CatalogSnapshot, RelationSnapshot};

/// The text around the name of a relation, which is written as the session sees it.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    head: String,
    /// The OID of the relation, where one is named.
    named: Option<i64>,
    tail: String,
    /// The relation is named with its schema unless the text is to be pretty.
    is_whole: bool,
    /// The pretty text, where it is another one.
    pretty: Option<&'static str>,
}

impl Definition {
    fn of_text(head: String) -> Self {
        Self {
            head,
            named: None,
            tail: String::new(),
            is_whole: false,
            pretty: None,
        }
    }

    /// The text. `name` writes a relation, always with its schema if told so.
    pub(super) fn shown<'a>(&self, is_pretty: bool, name: impl Fn(i64, bool) -> &'a str) -> String {
        if let Some(pretty) = self.pretty.filter(|_| is_pretty) {
            return pretty.to_owned();
        }
        let named = self
            .named
            .map_or("", |it| name(it, self.is_whole && !is_pretty));
        format!("{}{named}{}", self.head, self.tail)
    }
}

/// Conditions of the domains of `information_schema`: OID, text and pretty text.
const CHECKS: &[(i64, &str, &str)] = &[
    (13_222, "CHECK ((VALUE >= 0))", "CHECK (VALUE >= 0)"),
    (
        13_235,
        "CHECK (((VALUE)::text = ANY ((ARRAY['YES'::character varying, 'NO'::character varying])::text[])))",
        "CHECK (VALUE::text = ANY (ARRAY['YES'::character varying, 'NO'::character varying]::text[]))",
    ),
];

/// All definitions, by OID.
pub(super) fn of(snapshot: &CatalogSnapshot, oids: &Oids) -> HashMap<i64, Definition> {
    let mut definitions = HashMap::new();
    for (oid, text, pretty) in CHECKS {
        let mut check = Definition::of_text((*text).to_owned());
        check.pretty = Some(pretty);
        definitions.insert(*oid, check);
    }
    let keys = Keys::of(snapshot);
    let constraint = |relation: &_, name: &String| {
        let key = (Clone::clone(relation), name.clone());
        oids.constraints.get(&key).map(|oid| i64::from(*oid))
    };
    for key in keys.primary.values() {
        let columns = columns(&snapshot.relations[key.relation], &key.columns);
        if let Some(oid) = constraint(key.relation, &key.name) {
            let text = format!("PRIMARY KEY ({columns})");
            definitions.insert(oid, Definition::of_text(text));
        }
        let index = Definition {
            named: Some(i64::from(oids.relations[key.relation])),
            tail: format!(" USING btree ({columns})"),
            is_whole: true,
            ..Definition::of_text(format!("CREATE UNIQUE INDEX {} ON ", quoted(&key.name)))
        };
        definitions.insert(i64::from(oids.index_of(key)), index);
    }
    for key in &keys.foreign {
        let own = columns(&snapshot.relations[key.relation], &key.columns);
        let theirs = columns(&snapshot.relations[key.target], &key.target_columns);
        if let Some(oid) = constraint(key.relation, &key.name) {
            let definition = Definition {
                named: Some(i64::from(oids.relations[key.target])),
                tail: format!("({theirs})"),
                ..Definition::of_text(format!("FOREIGN KEY ({own}) REFERENCES "))
            };
            definitions.insert(oid, definition);
        }
    }
    definitions
}

fn columns(relation: &RelationSnapshot, numbers: &[usize]) -> String {
    let columns = numbers
        .iter()
        .filter_map(|number| relation.columns.get(number - 1));
    let names: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
    names.join(", ")
}
