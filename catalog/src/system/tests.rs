//! Tests of the catalogue's definitions; what queries on it give is tested where it runs.

use super::*;

#[test]
fn every_relation_can_be_read_from_its_file() {
    let class = relation("pg_catalog", "pg_class").expect("exists");
    assert_eq!(
        (class.oid, class.kind, class.columns.len()),
        (1259, "r", 33)
    );
    assert!(relation("information_schema", "columns").is_some());
    assert!(relation("public", "pg_class").is_none());
    assert!(relations().count() > 200);
}

#[test]
fn functions_are_listed_by_name() {
    let names = functions();
    assert!(names.contains(&"format_type"));
    assert!(names.contains(&"pg_table_is_visible"));
}
