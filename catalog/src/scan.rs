//! SQL that reads the files of a relation.
//!
//! DuckDB would find columns and types anew for each set of files that it is given. Fragments over
//! different files of one relation have to agree, so every scan says all that it knows: dialect,
//! columns and types of text files, the types of Hive keys.
//!
//! ```text
//! files of one shape, the relation's   read_parquet(['a', 'b'], hive_partitioning = false)
//! other files                          (SELECT CAST("x" AS BIGINT) AS "x", … FROM read_parquet(…))
//! a column that conditions must not
//! reach in the files                   (SELECT greatest("x") AS "x", … FROM read_parquet(…))
//! no files                             (SELECT CAST(NULL AS BIGINT) AS "x", … WHERE false)
//! ```
//!
//! Invariants: names, order and types of the columns are those of the relation, for any set of
//! files. Rows come in the order of the files. DuckDB's pushdown of columns, filters and Hive keys
//! works through either form, but for the columns that [`Reading::Apart`] keeps from it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use crate::hive::HiveTypes;
use crate::relation::Format;
use crate::snapshot::{Column, File};
use crate::sql::{identifier, literal, paths};

/// What a file looks like by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shape {
    /// Name and DuckDB's type, in the order of the file.
    pub(crate) columns: Vec<(String, String)>,
    /// Of a CSV file.
    pub(crate) dialect: Option<Dialect>,
    /// Of a JSON file with dates that DuckDB understands only by looking at a sample of so many
    /// rows (`31-12-2026`, or a timestamp with an offset).
    pub(crate) dates_need_sample: Option<i64>,
}

/// How a CSV file is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Dialect {
    pub(crate) delimiter: String,
    pub(crate) quote: String,
    pub(crate) escape: String,
    /// `\n`, `\r\n` or `\r`, spelled with backslashes.
    pub(crate) new_line: String,
    pub(crate) comment: String,
    pub(crate) skip: String,
    pub(crate) header: String,
    pub(crate) date_format: Option<String>,
    pub(crate) timestamp_format: Option<String>,
}

/// How to read files of each shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanPlan {
    pub(crate) format: Option<Format>,
    /// Hive keys with their types; empty when there is no Hive partitioning.
    pub(crate) hive: HiveTypes,
    /// By index of [`File::shape`].
    pub(crate) shapes: Vec<Arc<Shape>>,
}

impl ScanPlan {
    /// SQL that reads `files` with exactly `columns`.
    pub(crate) fn render(&self, columns: &[Column], files: &[Arc<File>]) -> String {
        if files.is_empty() {
            return format!(
                "(SELECT {} WHERE false)",
                select_list(columns, |_| Reading::Nowhere)
            );
        }
        match self.format.unwrap_or(Format::Parquet) {
            Format::Parquet => self.parquet(columns, files),
            Format::Csv => self.csv(columns, files),
            Format::Json => self.json(columns, files),
        }
    }

    fn parquet(&self, columns: &[Column], files: &[Arc<File>]) -> String {
        let shapes = self.shapes_of(files);
        let read = |options: &str| {
            format!(
                "read_parquet({}{options}{})",
                file_list(files),
                self.hive_options()
            )
        };
        let [shape] = shapes.as_slice() else {
            if shapes.is_empty() {
                return read("");
            }
            let found: Vec<_> = shapes
                .iter()
                .map(|shape| shape.columns.as_slice())
                .collect();
            let from = read(", union_by_name = true");
            return format!("(SELECT {} FROM {from})", self.united(columns, &found));
        };
        self.one_shape(columns, &shape.columns, &read(""))
    }

    /// The relation's columns from Parquet files of several shapes.
    fn united(&self, columns: &[Column], shapes: &[&[(String, String)]]) -> String {
        let natives: Vec<_> = shapes.iter().map(|shape| self.native(shape)).collect();
        select_list(columns, |column| {
            let mut found = natives.iter().filter_map(|native| find(native, column));
            let Some((name, ty)) = found.next() else {
                return Reading::Nowhere;
            };
            let name = name.clone();
            let is_one_type = found.all(|(_, other)| other == ty);
            if !is_one_type || shapes.iter().any(|shape| self.is_apart(shape, column)) {
                Reading::Apart(name)
            } else if *ty == column.ty
                && natives.iter().all(|native| find(native, column).is_some())
            {
                Reading::Same(name)
            } else {
                Reading::Cast(name)
            }
        })
    }

    /// Whether DuckDB 1.5.5 gives wrong rows, or fails, when it compares this column of a Parquet file with
    /// the file's statistics: bytes, which it looks up in Bloom filters as text, and columns whose values
    /// come from the path.
    fn is_apart(&self, found: &[(String, String)], column: &Column) -> bool {
        let is_format = matches!(self.format, None | Some(Format::Parquet));
        let in_file = found.iter().any(|(name, _)| same_name(name, &column.name));
        is_format && in_file && (column.ty == "BLOB" || column.partition)
    }

    fn csv(&self, columns: &[Column], files: &[Arc<File>]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for run in files.chunk_by(|left, right| left.shape == right.shape) {
            let Some(shape) = self.shapes.get(run[0].shape) else {
                continue;
            };
            let dialect = shape.dialect.clone().unwrap_or_default();
            let read_columns: Vec<(String, String)> = shape
                .columns
                .iter()
                .map(|(name, found)| {
                    let wanted = columns
                        .iter()
                        .find(|c| same_name(&c.name, name) && !c.partition);
                    (
                        name.clone(),
                        read_type(found, wanted.map(|column| column.ty.as_str())),
                    )
                })
                .collect();
            let from = format!(
                "read_csv({}, {}, columns = {}{})",
                file_list(run),
                dialect.options(),
                column_struct(&read_columns),
                self.hive_options()
            );
            parts.push(self.one_shape(columns, &read_columns, &from));
        }
        match parts.len() {
            0 => format!("read_csv({})", file_list(files)),
            1 => parts.remove(0),
            _ => {
                let queries: Vec<String> = parts
                    .iter()
                    .map(|part| format!("SELECT * FROM {part}"))
                    .collect();
                format!("({})", queries.join(" UNION ALL "))
            }
        }
    }

    fn json(&self, columns: &[Column], files: &[Arc<File>]) -> String {
        let shapes = self.shapes_of(files);
        if let Some(sample_rows) = shapes.iter().find_map(|shape| shape.dates_need_sample) {
            return self.sampled_json(columns, files, &shapes, sample_rows);
        }
        let known: BTreeSet<String> = self
            .shapes
            .iter()
            .flat_map(|shape| &shape.columns)
            .map(|(name, _)| name.to_lowercase())
            .collect();
        let read_columns: Vec<(String, String)> = columns
            .iter()
            .filter(|column| !column.partition || known.contains(&column.name.to_lowercase()))
            .map(|column| (column.name.clone(), column.ty.clone()))
            .collect();
        let from = format!(
            "read_json({}, columns = {}, format = 'auto'{})",
            file_list(files),
            column_struct(&read_columns),
            self.hive_options()
        );
        self.one_shape(columns, &read_columns, &from)
    }

    /// JSON files that DuckDB has to look at before it reads them. The types that it finds depend on
    /// the files, so all are cast.
    fn sampled_json(
        &self,
        columns: &[Column],
        files: &[Arc<File>],
        shapes: &[&Arc<Shape>],
        sample_rows: i64,
    ) -> String {
        let natives: Vec<_> = shapes
            .iter()
            .map(|shape| self.native(&shape.columns))
            .collect();
        let list: Vec<String> = columns
            .iter()
            .map(|column| {
                let alias = identifier(&column.name);
                let found = natives.iter().find_map(|native| find(native, column));
                match found.map(|(name, _)| identifier(name)) {
                    // A cast would take the text of a string for a document.
                    Some(name) if column.ty == "JSON" => format!("to_json({name}) AS {alias}"),
                    Some(name) => format!("CAST({name} AS {}) AS {alias}", column.ty),
                    None => format!("CAST(NULL AS {}) AS {alias}", column.ty),
                }
            })
            .collect();
        format!(
            "(SELECT {} FROM read_json({}, sample_size = {sample_rows}, maximum_sample_files = {}{}))",
            list.join(", "),
            file_list(files),
            files.len(),
            self.hive_options()
        )
    }

    /// The table function itself if it gives the relation's columns, else a query over it.
    fn one_shape(&self, columns: &[Column], found: &[(String, String)], from: &str) -> String {
        let native = self.native(found);
        let is_plain = native.len() == columns.len()
            && native
                .iter()
                .zip(columns)
                .all(|((name, ty), column)| *name == column.name && *ty == column.ty)
            && !columns.iter().any(|column| self.is_apart(found, column));
        if is_plain {
            return from.to_owned();
        }
        let list = select_list(columns, |column| match find(&native, column) {
            None => Reading::Nowhere,
            Some((name, _)) if self.is_apart(found, column) => Reading::Apart(name.clone()),
            Some((name, ty)) if *ty == column.ty => Reading::Same(name.clone()),
            Some((name, _)) => Reading::Cast(name.clone()),
        });
        format!("(SELECT {list} FROM {from})")
    }

    /// The columns that DuckDB gives for a file: its own, where a Hive key of the same name takes
    /// the place of a column, then the other Hive keys.
    pub(crate) fn native(&self, found: &[(String, String)]) -> Vec<(String, String)> {
        let mut native: Vec<(String, String)> = found.to_vec();
        for (key, ty) in &self.hive {
            match native.iter_mut().find(|(name, _)| same_name(name, key)) {
                Some(column) => column.1.clone_from(ty),
                None => native.push((key.clone(), ty.clone())),
            }
        }
        native
    }

    fn shapes_of(&self, files: &[Arc<File>]) -> Vec<&Arc<Shape>> {
        let used: BTreeSet<usize> = files.iter().map(|file| file.shape).collect();
        used.iter()
            .filter_map(|index| self.shapes.get(*index))
            .collect()
    }

    fn hive_options(&self) -> String {
        if self.hive.is_empty() {
            return ", hive_partitioning = false".to_owned();
        }
        let types: Vec<String> = self
            .hive
            .iter()
            // Not the bare name of the type: inside of a subquery DuckDB takes that for a column when an
            // enclosing query has one called `date`.
            .map(|(key, ty)| format!("{}: {}", literal(key), literal(ty)))
            .collect();
        format!(
            ", hive_partitioning = true, hive_types = {{{}}}",
            types.join(", ")
        )
    }
}

impl Dialect {
    /// Options of `read_csv`; nothing is left to be detected.
    pub(crate) fn options(&self) -> String {
        let mut options = format!(
            "auto_detect = false, delim = {}, quote = {}, escape = {}, new_line = {}, comment = {}, \
             skip = {}, header = {}",
            literal(&self.delimiter),
            literal(&self.quote),
            literal(&self.escape),
            literal(&self.new_line),
            literal(&self.comment),
            self.skip,
            self.header
        );
        for (name, format) in [
            ("dateformat", &self.date_format),
            ("timestampformat", &self.timestamp_format),
        ] {
            if let Some(format) = format {
                let _ = write!(options, ", {name} = {}", literal(format));
            }
        }
        options
    }
}

/// The type to read a CSV column as. Text that only some files have stays as it is written; what
/// looked like text because it is empty becomes the type of the other files; numbers and dates are
/// read as what they are, and cast afterwards.
fn read_type(found: &str, wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) if wanted == "VARCHAR" || found == "VARCHAR" => wanted.to_owned(),
        _ => found.to_owned(),
    }
}

pub(crate) fn same_name(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

fn find<'a>(native: &'a [(String, String)], column: &Column) -> Option<(&'a String, &'a String)> {
    native
        .iter()
        .find(|(name, _)| same_name(name, &column.name))
        .map(|(name, ty)| (name, ty))
}

/// How a column of the relation comes from what a scan gives.
enum Reading {
    /// As it is, from the column of this name.
    Same(String),
    /// With the relation's type.
    Cast(String),
    /// With the relation's type, and so that conditions on it are not handed to the scan.
    ///
    /// A constant is rounded to the type that a file has before DuckDB 1.5.5 compares it with the file's
    /// statistics, and a join's filter fails on files of unlike types. A function keeps both above the scan;
    /// `greatest` of one value is that value, of any type.
    Apart(String),
    /// No file has it.
    Nowhere,
}

fn select_list(columns: &[Column], reading: impl Fn(&Column) -> Reading) -> String {
    let items: Vec<String> = columns
        .iter()
        .map(|column| {
            let alias = identifier(&column.name);
            let cast = |value: &str| format!("CAST({value} AS {})", column.ty);
            match reading(column) {
                Reading::Same(name) if name == column.name => alias,
                Reading::Same(name) => format!("{} AS {alias}", identifier(&name)),
                Reading::Cast(name) => format!("{} AS {alias}", cast(&identifier(&name))),
                Reading::Apart(name) => {
                    format!("greatest({}) AS {alias}", cast(&identifier(&name)))
                }
                Reading::Nowhere => format!("{} AS {alias}", cast("NULL")),
            }
        })
        .collect();
    items.join(", ")
}

/// `{'name': 'TYPE', …}` for the readers of text files.
pub(crate) fn column_struct(columns: &[(String, String)]) -> String {
    let items: Vec<String> = columns
        .iter()
        .map(|(name, ty)| format!("{}: {}", literal(name), literal(ty)))
        .collect();
    format!("{{{}}}", items.join(", "))
}

fn file_list(files: &[Arc<File>]) -> String {
    paths(files.iter().map(|file| file.path.as_str()))
}
