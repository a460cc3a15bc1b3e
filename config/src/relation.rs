//! Configured relations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Separated values.
    Csv,
    /// JSON, one document per line or an array of them.
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::Json];

    /// Extensions that mean this format, in lower case. CSV and JSON may be compressed, with a
    /// further extension of [`Self::compressions`].
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Parquet => &["parquet", "pq", "parq"],
            Self::Csv => &["csv", "tsv"],
            Self::Json => &["json", "jsonl", "ndjson"],
        }
    }

    /// Extensions of compressed files that DuckDB reads.
    pub fn compressions(self) -> &'static [&'static str] {
        match self {
            Self::Parquet => &[],
            Self::Csv | Self::Json => &["gz", "zst"],
        }
    }

    /// The format that a path's extension means.
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.strip_extension(&name).is_some())
    }

    /// `name` without the extension of this format. Letter case does not matter.
    pub fn strip_extension(self, name: &str) -> Option<&str> {
        let strip = |name: &'_ str, extension: &str| -> Option<usize> {
            let stem_bytes = name.len().checked_sub(extension.len() + 1)?;
            let (stem, rest) = (name.get(..stem_bytes)?, name.get(stem_bytes..)?);
            let is_extension = rest
                .strip_prefix('.')
                .is_some_and(|rest| rest.eq_ignore_ascii_case(extension));
            (!stem.is_empty() && is_extension).then_some(stem_bytes)
        };
        let inner = self
            .compressions()
            .iter()
            .find_map(|extension| strip(name, extension))
            .map_or(name, |end| &name[..end]);
        self.extensions()
            .iter()
            .find_map(|extension| strip(inner, extension))
            .map(|end| &name[..end])
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
        })
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|format| format.to_string() == text)
            .ok_or_else(|| format!("\"{text}\" is not a format; use parquet, csv or json"))
    }
}

/// One path or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a path or a list of paths")]
pub enum Paths {
    /// `path = "…"`.
    One(String),
    /// `path = ["…", "…"]`.
    Many(Vec<String>),
}

impl Paths {
    /// The paths in the order they are written.
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(path) => vec![path],
            Self::Many(paths) => paths,
        }
    }
}

/// What a configuration says about a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnTable {
    /// For people.
    pub comment: Option<String>,
    /// No row is NULL in it.
    pub not_null: bool,
}

/// A foreign key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reference {
    /// What it is called; by its relation and columns if nothing else is given.
    pub name: Option<String>,
    /// Columns of the relation that has the key.
    pub columns: Vec<String>,
    /// The relation that they point to: `name` or `schema.name`.
    pub relation: String,
    /// Its columns; empty for its primary key.
    pub to: Vec<String>,
}

impl Reference {
    /// Schema and name of the relation that it points to.
    pub fn target(&self) -> (&str, &str) {
        self.relation
            .split_once('.')
            .unwrap_or(("public", &self.relation))
    }
}

/// What a configuration declares about a relation, without anything being checked against files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// For people.
    pub comment: Option<String>,
    /// Columns that tell rows apart; empty for none.
    pub primary_key: Vec<String>,
    /// Foreign keys.
    pub references: Vec<Reference>,
    /// By column.
    pub columns: BTreeMap<String, ColumnTable>,
}

impl Declared {
    /// Whether the keys can be keys of the relation `name`, as far as the configuration alone tells.
    pub(crate) fn check_keys(&self, name: &str) -> Result<(), String> {
        let twice = |columns: &[String]| {
            let mut seen = BTreeSet::new();
            columns.iter().find(|column| !seen.insert(*column)).cloned()
        };
        if let Some(column) = twice(&self.primary_key) {
            return Err(format!(
                "the primary key of relation \"{name}\" has column \"{column}\" twice"
            ));
        }
        let names: Vec<String> = self
            .references
            .iter()
            .filter_map(|reference| reference.name.clone())
            .collect();
        if names.iter().any(String::is_empty) {
            return Err(format!(
                "a reference of relation \"{name}\" has an empty name"
            ));
        }
        if let Some(twice) = twice(&names) {
            return Err(format!(
                "two references of relation \"{name}\" are called \"{twice}\""
            ));
        }
        for reference in &self.references {
            if reference.columns.is_empty() || reference.relation.is_empty() {
                return Err(format!(
                    "a reference of relation \"{name}\" needs columns and a relation"
                ));
            }
            if let Some(column) = twice(&reference.columns) {
                return Err(format!(
                    "a reference of relation \"{name}\" has column \"{column}\" twice"
                ));
            }
            if !reference.to.is_empty() && reference.to.len() != reference.columns.len() {
                return Err(format!(
                    "a reference of relation \"{name}\" has {} columns and points to {}",
                    reference.columns.len(),
                    reference.to.len()
                ));
            }
        }
        Ok(())
    }
}

/// A relation and where its files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// `public` unless given.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Globs, folders and files: absolute paths or URLs.
    pub paths: Vec<String>,
    /// Given, or `None`: by the extension.
    pub format: Option<Format>,
    /// Given, or `None`: if every file is below folders of the same keys.
    pub hive_partitioning: Option<bool>,
    /// What is declared about it.
    pub declared: Declared,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_tells_the_format() {
        for (path, format) in [
            ("a/b.parquet", Some(Format::Parquet)),
            ("a/*.PARQUET", Some(Format::Parquet)),
            ("x.csv.gz", Some(Format::Csv)),
            ("x.tsv", Some(Format::Csv)),
            ("x.ndjson.zst", Some(Format::Json)),
            ("x.parquet.gz", None),
            ("x.gz", None),
            (".csv", None),
            ("csv", None),
            ("é.csv", Some(Format::Csv)),
            ("é", None),
            // As long as `.csv` with a character of two bytes where the dot would be.
            ("xécsv", None),
            ("xány.pem", None),
            ("x日本", None),
        ] {
            assert_eq!(Format::of_path(path), format, "{path}");
        }
        assert_eq!(Format::Csv.strip_extension("Ab.CSV.gz"), Some("Ab"));
    }
}
