//! Hive partitioning: `day=2026-11-22` in a path.
//!
//! DuckDB reads the values itself while it scans; here they are found for the file list, in the
//! same way (`HivePartitioning::Parse`), and the type of each key is fixed once for all files, so
//! that fragments over different files agree.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::InspectError;
use crate::inspect::Inspect;
use crate::sql;

/// Key and DuckDB's type, in DuckDB's order of columns: by key.
pub(crate) type HiveTypes = BTreeMap<String, String>;

/// Keys and values of a path, values as they are written.
pub(crate) fn parse(path: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<&str> = path.split(['/', '\\']).collect();
    folders.pop();
    for folder in folders {
        let mut parts = folder.split('=');
        if let (Some(key), Some(value), None) = (parts.next(), parts.next(), parts.next())
            && !key.is_empty()
            && !folder.contains(['?', '\n'])
        {
            found
                .entry(key.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    found
}

/// The value that DuckDB gives for what is written in a path.
pub(crate) fn value(written: &str, ty: &str) -> Option<String> {
    let is_null = written.eq_ignore_ascii_case("null") || written == "__HIVE_DEFAULT_PARTITION__";
    if is_null || (written.is_empty() && ty != "VARCHAR") {
        return None;
    }
    Some(decode(written))
}

/// Replaces `%20` and the like. What is not two hexadecimal digits stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let digits = bytes
            .get(index + 1..index + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| bytes[index] == b'%' && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(bytes[index]));
        index += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Distinct values of each key, as they are written.
pub(crate) type Values = BTreeMap<String, BTreeSet<String>>;

/// Finds the type of each key over all its values, as DuckDB does: DATE, TIMESTAMP, BIGINT, or
/// else VARCHAR.
pub(crate) async fn types(
    inspect: &dyn Inspect,
    values: &Values,
) -> Result<HiveTypes, InspectError> {
    let keys: Vec<&String> = values.keys().collect();
    let statements: Vec<String> = values
        .values()
        .map(|written| {
            // The type VARCHAR stands for a type that keeps empty texts: they are not dates.
            let texts = written.iter().filter_map(|text| value(text, "VARCHAR"));
            let texts: Vec<String> = texts.map(|text| sql::literal(&text)).collect();
            let fits = |ty: &str| {
                format!("WHEN bool_and(TRY_CAST(v AS {ty}) IS NOT NULL) THEN '{ty}'")
            };
            format!(
                "(SELECT CASE {} {} {} ELSE 'VARCHAR' END FROM (SELECT unnest([{}]::VARCHAR[]) AS v))",
                fits("DATE"),
                fits("TIMESTAMP"),
                fits("BIGINT"),
                texts.join(", ")
            )
        })
        .collect();
    let rows = inspect
        .query_text(&format!("SELECT {}", statements.join(", ")))
        .await?;
    let types = rows.into_iter().next().unwrap_or_default();
    let types = types
        .into_iter()
        .map(|ty| ty.unwrap_or_else(|| "VARCHAR".to_owned()));
    Ok(keys.into_iter().cloned().zip(types).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Vec<(String, String)> {
        parse(path).into_iter().collect()
    }

    #[test]
    fn keys_are_folders_with_one_equals_sign() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            parsed("/d/b=1/a=x/f=g.csv"),
            [pair("a", "x"), pair("b", "1")]
        );
        assert_eq!(parsed("/d/a=1/a=2/f"), [pair("a", "1")]);
        assert_eq!(parsed("/d/a=b=c/=x/y/n=/f"), [pair("n", "")]);
        assert_eq!(parsed("s3://b/k=é/f"), [pair("k", "é")]);
    }

    #[test]
    fn values_are_decoded() {
        for (written, ty, expected) in [
            ("a%20b%2Fc", "VARCHAR", Some("a b/c")),
            ("%zz%", "VARCHAR", Some("%zz%")),
            ("%C3%A9", "VARCHAR", Some("é")),
            ("NULL", "VARCHAR", None),
            ("null", "BIGINT", None),
            ("__HIVE_DEFAULT_PARTITION__", "DATE", None),
            ("", "VARCHAR", Some("")),
            ("", "BIGINT", None),
        ] {
            assert_eq!(value(written, ty).as_deref(), expected, "{written}");
        }
    }
}
