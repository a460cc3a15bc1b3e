//! What functions of the catalogue look up: names, and what has them.
//!
//! The same facts stand in tables of the shadow database. Functions such as `format_type` or
//! `pg_table_is_visible` are asked once for each row, several in a statement, and a subquery takes DuckDB
//! ten times as long to plan as a call: so the macros call the gateway, which asks here. Visibility is
//! PostgreSQL's: an object is found by its name alone if the first schema of the path that has the name is its own.

use std::collections::{BTreeMap, HashMap};

use super::builtin::{self, INFORMATION_SCHEMA_OID, TYPES, lines, quoted};
use super::definitions::{self, Definition};
use super::rows::{comments, schema_oids};
use super::type_words::TypeWords;
use super::{OWNER, OWNER_OID, Oids, ROLES, relations};
use crate::relation::PATH_SCHEMA;
use crate::snapshot::CatalogSnapshot;

/// Names, by OID and by what they are.
#[derive(Debug, Default)]
pub struct Known {
    types: HashMap<i64, TypeWords>,
    type_names: Objects,
    /// Relations and indexes.
    relations: Objects,
    functions: Objects,
    schemas: HashMap<String, i64>,
    schema_names: HashMap<i64, String>,
    roles: HashMap<i64, &'static str>,
    /// By relation and number of the column, 0 for the relation itself.
    comments: HashMap<(i64, i64), String>,
    /// Of all files of a relation.
    bytes: HashMap<i64, i64>,
    /// Of constraints and indexes.
    definitions: HashMap<i64, Definition>,
}

/// Objects of one kind, which have a name in a schema.
#[derive(Debug, Default)]
struct Objects {
    by_oid: HashMap<i64, Object>,
    /// Schemas that have the name, with what is there.
    by_name: HashMap<String, BTreeMap<String, Vec<i64>>>,
}

#[derive(Debug)]
struct Object {
    schema: String,
    name: String,
    /// As SQL writes the name, and the same after its schema.
    plain: String,
    whole: String,
}

impl Objects {
    fn add(&mut self, oid: i64, schema: &str, name: &str) {
        let of_name = self.by_name.entry(name.to_owned()).or_default();
        of_name.entry(schema.to_owned()).or_default().push(oid);
        let plain = quoted(name);
        let object = Object {
            schema: schema.to_owned(),
            name: name.to_owned(),
            whole: format!("{}.{plain}", quoted(schema)),
            plain,
        };
        self.by_oid.insert(oid, object);
    }

    /// What the name means on this path.
    fn on_path(&self, name: &str, path: &[&str]) -> Option<(&str, &[i64])> {
        let schemas = self.by_name.get(name)?;
        let found = path
            .iter()
            .find_map(|schema| schemas.get_key_value(*schema));
        found.map(|(schema, oids)| (schema.as_str(), oids.as_slice()))
    }

    fn is_seen(&self, oid: i64, path: &[&str]) -> Option<bool> {
        let object = self.by_oid.get(&oid)?;
        let seen = self.on_path(&object.name, path);
        Some(seen.is_some_and(|(first, _)| first == object.schema))
    }

    /// As SQL writes it, with its schema unless it is found without.
    fn shown(&self, oid: i64, path: &[&str]) -> Option<&str> {
        let object = self.by_oid.get(&oid)?;
        Some(if self.is_seen(oid, path) == Some(true) {
            &object.plain
        } else {
            &object.whole
        })
    }
}

impl Known {
    /// Of the relations of `snapshot` and of what PostgreSQL has built in.
    pub fn of(snapshot: &CatalogSnapshot) -> Self {
        let oids = Oids::of(snapshot);
        let mut known = Self::default();
        known.add_types(&oids);
        for relation in relations() {
            known
                .relations
                .add(i64::from(relation.oid), relation.schema, relation.name);
            known.bytes.insert(i64::from(relation.oid), 0);
        }
        for (name, oid) in &oids.indexes {
            known
                .relations
                .add(i64::from(*oid), &name.schema, &name.name);
            known.bytes.insert(i64::from(*oid), 0);
        }
        for (name, relation) in &snapshot.relations {
            if name.schema == PATH_SCHEMA {
                continue;
            }
            let oid = i64::from(oids.relations[name]);
            known.relations.add(oid, &name.schema, &name.name);
            let bytes = i64::try_from(relation.bytes()).unwrap_or(i64::MAX);
            known.bytes.insert(oid, bytes);
        }
        for (oid, schema, name) in builtin::function_names() {
            known.functions.add(oid, schema, name);
        }
        for (name, oid) in schema_oids(&oids) {
            known.schemas.insert(name.to_owned(), i64::from(oid));
            known.schema_names.insert(i64::from(oid), quoted(name));
        }
        let roles = ROLES.iter().chain([&(OWNER_OID, OWNER)]);
        known
            .roles
            .extend(roles.map(|(oid, name)| (i64::from(*oid), *name)));
        for (oid, number, comment) in comments(snapshot, &oids) {
            known
                .comments
                .insert((i64::from(oid), number), comment.to_owned());
        }
        known.definitions = definitions::of(snapshot, &oids);
        known
    }

    fn add_types(&mut self, oids: &Oids) {
        let types: HashMap<&str, Vec<&str>> = lines(TYPES).map(|row| (row[0], row)).collect();
        for row in lines(TYPES) {
            let oid = row[0].parse().unwrap_or_default();
            let schema = match row[1] {
                INFORMATION_SCHEMA_OID => "information_schema",
                _ => "pg_catalog",
            };
            self.type_names.add(oid, schema, row[2]);
            self.types.insert(oid, TypeWords::built_in(&row, &types));
        }
        let system = relations().map(|it| (it.schema, it.name, it.row_types));
        let users = oids.row_types.iter();
        let users = users.map(|(name, types)| (name.schema.as_str(), name.name.as_str(), *types));
        for (schema, name, row_types) in system.chain(users) {
            let [row, array] = row_types.map(i64::from);
            self.type_names.add(row, schema, name);
            self.type_names.add(array, schema, &format!("_{name}"));
            self.types
                .extend(TypeWords::of_rows(schema, name, row_types));
        }
    }

    /// `format_type`: the name of a type as SQL writes it, with its modifier.
    pub fn type_shown(&self, oid: i64, modifier: Option<i64>, path: &[&str]) -> String {
        match self.types.get(&oid) {
            Some(words) => {
                let is_seen = self.type_names.is_seen(words.named, path);
                words.shown(modifier, is_seen != Some(false))
            }
            None if oid == 0 => "-".to_owned(),
            None => "???".to_owned(),
        }
    }

    /// `regtype` as text.
    pub fn regtype(&self, oid: i64, path: &[&str]) -> String {
        if oid == 0 || self.types.contains_key(&oid) {
            return self.type_shown(oid, None, path);
        }
        oid.to_string()
    }

    /// `regclass` as text.
    pub fn regclass(&self, oid: i64, path: &[&str]) -> String {
        let shown = self.relations.shown(oid, path);
        shown.map_or_else(|| number_shown(oid), str::to_owned)
    }

    /// `regproc` as text: with its schema as well where several functions share the name.
    pub fn regproc(&self, oid: i64, path: &[&str]) -> String {
        let Some(function) = self.functions.by_oid.get(&oid) else {
            return number_shown(oid);
        };
        let of_name = &self.functions.by_name[&function.name][&function.schema];
        let is_found = of_name.len() == 1 && path.contains(&function.schema.as_str());
        let shown = if is_found {
            &function.plain
        } else {
            &function.whole
        };
        shown.clone()
    }

    /// `pg_table_is_visible`; `None`: there is no such relation.
    pub fn is_relation_seen(&self, oid: i64, path: &[&str]) -> Option<bool> {
        self.relations.is_seen(oid, path)
    }

    /// `pg_type_is_visible`.
    pub fn is_type_seen(&self, oid: i64, path: &[&str]) -> Option<bool> {
        self.type_names.is_seen(oid, path)
    }

    /// The size of a relation's files in bytes; `None`: there is no such relation.
    pub fn bytes(&self, oid: i64) -> Option<i64> {
        self.bytes.get(&oid).copied()
    }

    /// The OID of a schema of this name, as it is and not as SQL writes it.
    pub fn schema(&self, name: &str) -> Option<i64> {
        self.schemas.get(name).copied()
    }

    /// The name of a schema, as SQL writes it.
    pub fn schema_name(&self, oid: i64) -> Option<&str> {
        self.schema_names.get(&oid).map(String::as_str)
    }

    /// `pg_get_userbyid`
    pub fn role(&self, oid: i64) -> String {
        let name = self.roles.get(&oid).map(ToString::to_string);
        name.unwrap_or_else(|| format!("unknown (OID={oid})"))
    }

    /// `pg_get_constraintdef` and `pg_get_indexdef`
    pub fn definition(&self, oid: i64, is_pretty: bool, path: &[&str]) -> Option<String> {
        let definition = self.definitions.get(&oid)?;
        Some(definition.shown(is_pretty, |relation, is_whole| {
            // As `generate_qualified_relation_name` has it, and `generate_relation_name`.
            let path = if is_whole { &[] } else { path };
            self.relations.shown(relation, path).unwrap_or_default()
        }))
    }

    /// What the configuration says of a relation (column 0) or of one of its columns.
    pub fn comment(&self, relation: i64, column: i64) -> Option<&str> {
        self.comments.get(&(relation, column)).map(String::as_str)
    }

    /// What a name written in SQL, or a number, means as `regclass` in a session of this database and path.
    pub fn relation_named(
        &self,
        name: &str,
        database: &str,
        path: &[&str],
    ) -> Result<RelationFound, NameError> {
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = name.parse().map_err(|_| NameError::Number(name.to_owned()));
            return number.map(RelationFound::Is);
        }
        let mut parts = name_parts(name).ok_or(NameError::Invalid)?;
        if parts.len() == 3 {
            if parts[0] != database {
                return Err(NameError::OtherDatabase(parts.join(".")));
            }
            parts.remove(0);
        }
        Ok(match parts.as_slice() {
            [name] => match self.relations.on_path(name, path) {
                Some((_, oids)) => RelationFound::Is(oids[0]),
                None => RelationFound::NoRelation(parts.join(".")),
            },
            [schema, name] => {
                let schemas = self.relations.by_name.get(name);
                match schemas.and_then(|schemas| schemas.get(schema)) {
                    Some(oids) => RelationFound::Is(oids[0]),
                    None if self.schemas.contains_key(schema) => {
                        RelationFound::NoRelation(parts.join("."))
                    }
                    None => RelationFound::NoSchema(schema.clone()),
                }
            }
            _ => return Err(NameError::TooManyParts(parts.join("."))),
        })
    }
}

/// What a name of a relation was found to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelationFound {
    /// The relation with this OID, which it has unless the OID itself was given.
    Is(i64),
    /// There is none of this name.
    NoRelation(String),
    /// There is no schema of this name.
    NoSchema(String),
}

/// A text that no relation can have as its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It is not written as SQL writes names.
    Invalid,
    /// A number too large for an OID.
    Number(String),
    /// It is in another database.
    OtherDatabase(String),
    /// It has more than three parts.
    TooManyParts(String),
}

fn number_shown(oid: i64) -> String {
    match oid {
        0 => "-".to_owned(),
        oid => oid.to_string(),
    }
}

/// The parts of a qualified name as SQL writes it, as PostgreSQL's `SplitIdentifierString` does:
/// words are folded to lower case, names in quotes are taken as they are.
fn name_parts(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_part(quoted)?
        } else {
            let end = rest.find(|it: char| it.is_whitespace() || matches!(it, '.' | '"'));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            (word.to_ascii_lowercase(), after)
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        let after = after.trim_start();
        if after.is_empty() {
            return Some(parts);
        }
        rest = after.strip_prefix('.')?.trim_start();
    }
}

/// A name up to the quote that ends it, and what follows; two quotes stand for one.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &[&str] = &["pg_catalog", "public"];

    fn built_in() -> Known {
        Known::of(&CatalogSnapshot::default())
    }

    #[test]
    fn types_are_written_as_format_type_does() {
        let known = built_in();
        // OID, modifier and what PostgreSQL 15 says.
        for (oid, modifier, shown) in [
            (23, None, "integer"),
            (23, Some(-1), "integer"),
            (1007, None, "integer[]"),
            (1700, Some(655_366), "numeric(10,2)"),
            (1700, Some(((5 << 16) | (2048 - 3)) + 4), "numeric(5,-3)"),
            (1231, Some(655_366), "numeric(10,2)[]"),
            (1700, Some(2), "numeric"),
            (1043, Some(14), "character varying(10)"),
            (1043, Some(4), "character varying"),
            (1042, None, "character"),
            (1042, Some(-1), "bpchar"),
            (1014, Some(-1), "bpchar[]"),
            (1042, Some(5), "character(1)"),
            (1560, None, "bit"),
            (1560, Some(-1), "\"bit\""),
            (1560, Some(3), "bit(3)"),
            (1184, Some(3), "timestamp(3) with time zone"),
            (1184, None, "timestamp with time zone"),
            (18, None, "\"char\""),
            (19, None, "name"),
            (0, None, "-"),
            (999_999, Some(5), "???"),
        ] {
            assert_eq!(known.type_shown(oid, modifier, PATH), shown, "{oid}");
        }
        assert_eq!(known.regtype(999_999, PATH), "999999");
        assert_eq!(known.regtype(0, PATH), "-");
        // A domain of information_schema.
        let domain = type_oid_of(&known, "information_schema", "yes_or_no");
        assert_eq!(
            known.type_shown(domain, None, PATH),
            "information_schema.yes_or_no"
        );
        let path = &["information_schema", "pg_catalog"];
        assert_eq!(known.type_shown(domain, None, path), "yes_or_no");
        assert_eq!(known.is_type_seen(domain, PATH), Some(false));
        assert_eq!(known.is_type_seen(23, PATH), Some(true));
        assert_eq!(known.is_type_seen(999_999, PATH), None);
    }

    fn type_oid_of(known: &Known, schema: &str, name: &str) -> i64 {
        known.type_names.by_name[name][schema][0]
    }

    #[test]
    fn names_of_relations_are_read_as_sql_writes_them() {
        let known = built_in();
        let found = |name: &str| known.relation_named(name, "db", PATH);
        let pg_class = Ok(RelationFound::Is(1259));
        for name in [
            "pg_class",
            " PG_Class ",
            "\"pg_class\"",
            "pg_catalog.pg_class",
            " pg_catalog . \"pg_class\" ",
            "db.pg_catalog.pg_class",
            "1259",
        ] {
            assert_eq!(found(name), pg_class, "{name}");
        }
        assert_eq!(
            found("\"a\"\"B\".C"),
            Ok(RelationFound::NoSchema("a\"B".to_owned()))
        );
        assert_eq!(
            found("\"Pg_class\""),
            Ok(RelationFound::NoRelation("Pg_class".to_owned()))
        );
        assert_eq!(
            found("public.nope"),
            Ok(RelationFound::NoRelation("public.nope".to_owned()))
        );
        // Only where its schema is searched.
        assert_eq!(
            found("tables"),
            Ok(RelationFound::NoRelation("tables".to_owned()))
        );
        assert_eq!(
            found("other.pg_catalog.pg_class"),
            Err(NameError::OtherDatabase(
                "other.pg_catalog.pg_class".to_owned()
            ))
        );
        assert_eq!(
            found("a.b.c.d"),
            Err(NameError::TooManyParts("a.b.c.d".to_owned()))
        );
        for name in ["", " ", ".", "a.", ".a", "a b", "\"a", "\"\"", "a\"b\""] {
            assert_eq!(found(name), Err(NameError::Invalid), "{name}");
        }
        let number = "99999999999999999999";
        assert_eq!(found(number), Err(NameError::Number(number.to_owned())));
    }

    #[test]
    fn the_first_schema_of_the_path_that_has_a_name_hides_the_others() {
        let mut objects = Objects::default();
        objects.add(1, "a", "t");
        objects.add(2, "b", "t");
        objects.add(3, "b", "Odd Name");
        assert_eq!(objects.is_seen(1, &["a", "b"]), Some(true));
        assert_eq!(objects.is_seen(2, &["a", "b"]), Some(false));
        assert_eq!(objects.is_seen(2, &["b", "a"]), Some(true));
        assert_eq!(objects.is_seen(2, &[]), Some(false));
        assert_eq!(objects.is_seen(4, &["a"]), None);
        assert_eq!(objects.shown(2, &["a", "b"]), Some("b.t"));
        assert_eq!(objects.shown(2, &["b"]), Some("t"));
        assert_eq!(objects.shown(3, &["b"]), Some("\"Odd Name\""));
        assert_eq!(objects.shown(4, &["b"]), None);
    }
}
