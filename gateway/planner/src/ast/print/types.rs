//! Types, from DuckDB's JSON form or from its type text.

use serde_json::Value;

use super::literal;
use super::names::{identifier, qualified_name, string};
use crate::ast::{Constant, DataType};

pub(super) fn sql(ty: &DataType) -> String {
    value_sql(&ty.0)
}

fn value_sql(ty: &Value) -> String {
    // A type text, kept by `DataType::from_sql`.
    if let Value::String(text) = ty {
        return text.clone();
    }
    let id = ty["id"].as_str().unwrap_or_default();
    let info = &ty["type_info"];
    if let Some(alias) = info["alias"].as_str().filter(|alias| !alias.is_empty()) {
        return identifier(alias);
    }
    match id {
        "DECIMAL" => format!("DECIMAL({}, {})", info["width"], info["scale"]),
        "LIST" => format!("{}[]", value_sql(&info["child_type"])),
        "ARRAY" => format!("{}[{}]", value_sql(&info["child_type"]), info["size"]),
        "STRUCT" => format!("STRUCT({})", fields(info, 0)),
        // The first field of a union is its tag.
        "UNION" => format!("UNION({})", fields(info, 1)),
        "MAP" => {
            let entry = &info["child_type"]["type_info"]["child_types"];
            let key = value_sql(&entry[0]["second"]);
            let value = value_sql(&entry[1]["second"]);
            format!("MAP({key}, {value})")
        }
        "ENUM" => {
            let values = info["values"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let values: Vec<String> = values
                .iter()
                .map(|value| string(value.as_str().unwrap_or_default()))
                .collect();
            format!("ENUM({})", values.join(", "))
        }
        "UNBOUND" => unbound(info),
        "NULL" => "\"null\"".to_owned(),
        _ => id.to_owned(),
    }
}

/// `a INTEGER, b VARCHAR`
fn fields(info: &Value, skip: usize) -> String {
    let fields = info["child_types"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let field = |field: &Value| {
        let name = identifier(field["first"].as_str().unwrap_or_default());
        format!("{name} {}", value_sql(&field["second"]))
    };
    fields
        .iter()
        .skip(skip)
        .map(field)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A type that the parser left to the binder: a user's type, `regclass`, `ENUM('a')`.
fn unbound(info: &Value) -> String {
    let part = |key: &str| info[key].as_str().unwrap_or_default();
    let mut text = match (part("catalog"), part("schema"), part("name")) {
        ("", "", "ENUM") => "ENUM".to_owned(),
        (catalog, schema, name) => qualified_name([catalog, schema, name]),
    };
    let modifiers = info["user_type_modifiers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !modifiers.is_empty() {
        let modifier = |value: &Value| {
            literal::sql(&Constant {
                ty: DataType(value["type"].clone()),
                value: value["value"].clone(),
            })
        };
        text.push('(');
        text.push_str(
            &modifiers
                .iter()
                .map(modifier)
                .collect::<Vec<_>>()
                .join(", "),
        );
        text.push(')');
    }
    text
}
