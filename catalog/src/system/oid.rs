//! OIDs of schemas and relations.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{Keys, PrimaryKey};
use crate::relation::{PATH_SCHEMA, RelationName};
use crate::snapshot::CatalogSnapshot;

/// The least OID that PostgreSQL gives to users' objects.
const FIRST: u64 = 16_384;
/// OIDs stay in the positive half of `int4`, which some clients read them into.
const COUNT: u64 = (1 << 31) - FIRST;

/// OIDs of all schemas and relations of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Oids {
    /// By name.
    pub schemas: BTreeMap<String, u32>,
    /// By schema and name.
    pub relations: BTreeMap<RelationName, u32>,
    /// Of indexes, by schema and their own name.
    pub indexes: BTreeMap<RelationName, u32>,
    /// Of the types of rows and of arrays of them, by schema and name of their relation.
    pub row_types: BTreeMap<RelationName, [u32; 2]>,
    /// Of constraints, by their relation and their own name.
    pub constraints: BTreeMap<(RelationName, String), u32>,
}

impl Oids {
    /// Gives every schema and relation of `snapshot` its OID.
    pub fn of(snapshot: &CatalogSnapshot) -> Self {
        let mut oids = Self::default();
        let mut taken = BTreeSet::new();
        // `public` exists even when nothing is in it.
        let schemas =
            std::iter::once("public").chain(listed(snapshot).map(|name| name.schema.as_str()));
        for schema in schemas {
            if !oids.schemas.contains_key(schema) {
                let oid = match schema {
                    "public" => 2200,
                    _ => free(&format!("schema\0{schema}"), &mut taken),
                };
                oids.schemas.insert(schema.to_owned(), oid);
            }
        }
        for name in listed(snapshot) {
            let oid = free(
                &format!("relation\0{}\0{}", name.schema, name.name),
                &mut taken,
            );
            oids.relations.insert(name.clone(), oid);
        }
        oids.add_keys(&Keys::of(snapshot), &mut taken);
        for name in listed(snapshot) {
            let types = ["row type", "row type array"].map(|kind| {
                free(
                    &format!("{kind}\0{}\0{}", name.schema, name.name),
                    &mut taken,
                )
            });
            oids.row_types.insert(name.clone(), types);
        }
        oids
    }

    fn add_keys(&mut self, keys: &Keys<'_>, taken: &mut BTreeSet<u32>) {
        for key in keys.primary.values() {
            let index = RelationName {
                schema: key.relation.schema.clone(),
                name: key.name.clone(),
            };
            let oid = free(&format!("index\0{}\0{}", index.schema, index.name), taken);
            self.indexes.insert(index, oid);
            self.add_constraint(key.relation, &key.name, taken);
        }
        for key in &keys.foreign {
            self.add_constraint(key.relation, &key.name, taken);
        }
    }

    fn add_constraint(&mut self, relation: &RelationName, name: &str, taken: &mut BTreeSet<u32>) {
        let text = format!("constraint\0{}\0{}\0{name}", relation.schema, relation.name);
        self.constraints
            .insert((relation.clone(), name.to_owned()), free(&text, taken));
    }

    /// The OID of the index of a primary key.
    pub(super) fn index_of(&self, key: &PrimaryKey<'_>) -> u32 {
        let name = RelationName {
            schema: key.relation.schema.clone(),
            name: key.name.clone(),
        };
        self.indexes.get(&name).copied().unwrap_or_default()
    }
}

/// Names that the catalogue lists: all but paths that a statement has named.
fn listed(snapshot: &CatalogSnapshot) -> impl Iterator<Item = &RelationName> {
    snapshot
        .relations
        .keys()
        .filter(|name| name.schema != PATH_SCHEMA)
}

/// The OID of a role that only connects.
pub fn role_oid(name: &str) -> u32 {
    if name == super::OWNER {
        return super::OWNER_OID;
    }
    free(&format!("role\0{name}"), &mut BTreeSet::new())
}

/// The first OID at or after the hash of `text` that is not taken.
fn free(text: &str, taken: &mut BTreeSet<u32>) -> u32 {
    // FNV-1a: fixed for ever, unlike the standard library's hasher.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut offset = hash % COUNT;
    loop {
        let oid = u32::try_from(FIRST + offset).expect("the sum is below 2^31");
        if taken.insert(oid) {
            return oid;
        }
        offset = (offset + 1) % COUNT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_always_has_the_same_oid() {
        assert_eq!(role_oid("skein"), 10);
        assert_eq!(role_oid("ada"), role_oid("ada"));
        assert_ne!(role_oid("ada"), role_oid("bob"));
    }

    #[test]
    fn a_taken_oid_moves_on() {
        let mut taken = BTreeSet::new();
        let first = free("x", &mut taken);
        assert_eq!(free("x", &mut taken), first + 1);
    }
}
