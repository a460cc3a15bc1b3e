//! Every relation of the two catalogue schemas has PostgreSQL's columns.

use skein_catalog::system;
use skein_tests::client::{Client, Column};

use crate::{ask, cluster, inventory, postgres, section, skip};

/// Columns as clients find them in the catalogue.
fn listed(client: &mut Client, relation: &str) -> Vec<Vec<Option<String>>> {
    let sql = format!(
        "SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attlen, t.typname, t.typtype \
         FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid \
         WHERE a.attrelid = '{relation}'::regclass AND a.attnum > 0 ORDER BY a.attnum"
    );
    ask(client, &sql)
}

/// Has a column that is an array of rows of a catalogue relation, a type that nothing here has.
const ROWS_IN_ROWS: &str = "pg_catalog.pg_statistic_ext_data";

/// Columns as clients are told of them.
fn described(client: &mut Client, relation: &str) -> Vec<Column> {
    let sql = format!("SELECT * FROM {relation} LIMIT 0");
    match client.query(&sql) {
        Ok(result) => result.columns,
        Err(error) => panic!("{sql}\n{error}"),
    }
}

#[test]
fn every_relation_has_postgresqls_columns() {
    let Some(postgres) = postgres() else {
        return skip("PostgreSQL 15 is not installed");
    };
    let cluster = cluster();
    let (mut ours, mut theirs) = (cluster.client(), postgres.client());
    let mut differences = Vec::new();
    for relation in system::relations() {
        let name = format!("{}.{}", relation.schema, relation.name);
        let (own, expected) = (listed(&mut ours, &name), listed(&mut theirs, &name));
        if own != expected {
            differences.push(format!("{name} lists\n  {own:?}\nnot\n  {expected:?}"));
        }
        if name == ROWS_IN_ROWS {
            continue;
        }
        let (own, expected) = (described(&mut ours, &name), described(&mut theirs, &name));
        if own != expected {
            differences.push(format!("{name} gives\n  {own:?}\nnot\n  {expected:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_relation_of_the_inventory_is_known() {
    let Some(inventory) = inventory() else {
        return skip("../shared is not there");
    };
    let names = section(&inventory, "Catalogue relations");
    assert!(!names.is_empty());
    for name in names {
        let (schema, relation) = name.split_once('.').unwrap_or(("pg_catalog", name));
        assert!(system::relation(schema, relation).is_some(), "{name}");
    }
}
