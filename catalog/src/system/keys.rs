//! Keys that a configuration declares, as constraints and indexes.
//!
//! A key appears only if its columns exist, and a foreign key only if what it points to does: the
//! configuration is written before files are read, and files change. [`problems`] says what is
//! left out. Nothing is ever checked against rows.

use std::collections::BTreeMap;

use crate::relation::{PATH_SCHEMA, Reference, RelationName};
use crate::snapshot::{CatalogSnapshot, RelationSnapshot};

/// The primary key of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrimaryKey<'a> {
    pub(super) relation: &'a RelationName,
    /// Of the constraint and of its index.
    pub(super) name: String,
    /// Numbers of its columns, from 1.
    pub(super) columns: Vec<usize>,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForeignKey<'a> {
    pub(super) relation: &'a RelationName,
    pub(super) name: String,
    pub(super) columns: Vec<usize>,
    /// What it points to.
    pub(super) target: &'a RelationName,
    pub(super) target_columns: Vec<usize>,
    /// It points to the primary key.
    pub(super) is_primary: bool,
}

/// All keys of a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) primary: BTreeMap<&'a RelationName, PrimaryKey<'a>>,
    pub(super) foreign: Vec<ForeignKey<'a>>,
    problems: Vec<String>,
}

/// What is declared about relations that does not fit them: unknown columns and relations.
pub fn problems(snapshot: &CatalogSnapshot) -> Vec<String> {
    let mut problems = Keys::of(snapshot).problems;
    for (name, relation) in &snapshot.relations {
        for column in relation.declared.columns.keys() {
            if number(relation, column).is_none() {
                problems.push(unknown_column(name, "a description", column));
            }
        }
    }
    problems
}

impl<'a> Keys<'a> {
    pub(super) fn of(snapshot: &'a CatalogSnapshot) -> Self {
        let mut keys = Self::default();
        let relations = snapshot
            .relations
            .iter()
            .filter(|(name, _)| name.schema != PATH_SCHEMA);
        for (name, relation) in relations.clone() {
            let declared = &relation.declared.primary_key;
            if declared.is_empty() {
                continue;
            }
            match numbers(relation, declared) {
                Ok(columns) => {
                    let key = PrimaryKey {
                        relation: name,
                        name: format!("{}_pkey", name.name),
                        columns,
                    };
                    keys.primary.insert(name, key);
                }
                Err(column) => {
                    keys.problems
                        .push(unknown_column(name, "the primary key", &column));
                }
            }
        }
        for (name, relation) in relations {
            let references = &relation.declared.references;
            // Names that are given are taken before any is made.
            let given = references
                .iter()
                .filter_map(|reference| Some((reference.name.clone()?, 1)));
            let mut names: BTreeMap<String, usize> = given.collect();
            for reference in references {
                match keys.foreign(snapshot, name, relation, reference) {
                    Ok(mut key) => {
                        if reference.name.is_none() {
                            let count = names.entry(key.name.clone()).or_default();
                            if *count > 0 {
                                key.name = format!("{}{count}", key.name);
                            }
                            *count += 1;
                        }
                        keys.foreign.push(key);
                    }
                    Err(problem) => keys.problems.push(problem),
                }
            }
        }
        keys
    }

    fn foreign(
        &self,
        snapshot: &'a CatalogSnapshot,
        name: &'a RelationName,
        relation: &RelationSnapshot,
        reference: &Reference,
    ) -> Result<ForeignKey<'a>, String> {
        let columns = numbers(relation, &reference.columns)
            .map_err(|column| unknown_column(name, "a reference", &column))?;
        let (schema, target) = reference.target();
        let target = RelationName {
            schema: schema.to_owned(),
            name: target.to_owned(),
        };
        let (target, pointed_to) = snapshot.relations.get_key_value(&target).ok_or_else(|| {
            format!(
                "a reference of relation {name} points to relation {target}, which does not exist"
            )
        })?;
        let primary = self.primary.get(target).map(|key| &key.columns);
        let target_columns = if reference.to.is_empty() {
            primary.cloned().ok_or_else(|| {
                format!("a reference of relation {name} points to relation {target}, which has no primary key")
            })?
        } else {
            numbers(pointed_to, &reference.to)
                .map_err(|column| unknown_column(target, "what is referred to", &column))?
        };
        if target_columns.len() != columns.len() {
            return Err(format!(
                "a reference of relation {name} has {} columns and points to {}",
                columns.len(),
                target_columns.len()
            ));
        }
        Ok(ForeignKey {
            relation: name,
            name: reference
                .name
                .clone()
                .unwrap_or_else(|| format!("{}_{}_fkey", name.name, reference.columns.join("_"))),
            is_primary: primary == Some(&target_columns),
            columns,
            target,
            target_columns,
        })
    }
}

/// Whether a column is declared to have no NULL.
pub(super) fn is_not_null(relation: &RelationSnapshot, column: &str) -> bool {
    let declared = &relation.declared;
    let same = |name: &&String| name.eq_ignore_ascii_case(column);
    declared.primary_key.iter().any(|name| same(&name))
        || declared
            .columns
            .iter()
            .any(|(name, about)| about.not_null && same(&name))
}

fn unknown_column(relation: &RelationName, what: &str, column: &str) -> String {
    format!("{what} of relation {relation} names column \"{column}\", which does not exist")
}

/// Numbers of columns, or the one that does not exist.
fn numbers(relation: &RelationSnapshot, columns: &[String]) -> Result<Vec<usize>, String> {
    columns
        .iter()
        .map(|column| number(relation, column).ok_or_else(|| column.clone()))
        .collect()
}

fn number(relation: &RelationSnapshot, column: &str) -> Option<usize> {
    let exact = relation.columns.iter().position(|it| it.name == column);
    let found = exact.or_else(|| {
        relation
            .columns
            .iter()
            .position(|it| it.name.eq_ignore_ascii_case(column))
    });
    found.map(|index| index + 1)
}
