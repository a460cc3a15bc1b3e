//! The columns of a relation, from those of its files.
//!
//! Columns are matched by name, as DuckDB does it (letter case does not matter), in the order in
//! which they first appear. Where files disagree about a type, DuckDB is asked for the common one.
//! If there is none, a Parquet relation cannot be read (the file says what it means), a CSV column
//! stays the text that it is, and JSON becomes what DuckDB makes of all documents together.
//!
//! PostgreSQL has no unsigned integers and none of one byte. Such columns get the type that clients are told
//! ([`signed`]): DuckDB would compute with the type of the file, in which `-1` and `200 + 100` do not exist.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::describe::Describer;
use crate::error::CatalogError;
use crate::listing::Listed;
use crate::relation::Format;
use crate::scan::{Shape, column_struct, same_name};
use crate::sql::{identifier, paths};

/// Whether all texts of a CSV column can be cast to a type: by path, version, column and type.
pub(crate) type Verdicts = Mutex<HashMap<(String, String, String, String), bool>>;

const VERDICTS_MAX: usize = 100_000;

/// A column, and a file for each type that it has.
struct Candidate<'a> {
    name: &'a str,
    types: Vec<(&'a str, &'a Listed)>,
}

/// Puts the columns of `files` together; `shapes` are theirs, in the same order. `fixed` are
/// columns whose type comes from elsewhere.
pub(crate) async fn unify(
    describer: &Describer,
    verdicts: &Verdicts,
    relation: &str,
    format: Format,
    files: &[&Listed],
    shapes: &[Arc<Shape>],
    fixed: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, CatalogError> {
    let inspect = |source| CatalogError::Inspect {
        relation: relation.to_owned(),
        source,
    };
    let candidates = candidates(files, shapes);
    let is_fixed = |name: &str| fixed.keys().any(|key| same_name(key, name));
    let differ = candidates
        .iter()
        .any(|column| column.types.len() > 1 && !is_fixed(column.name));
    if differ && format == Format::Json {
        let merged = describer.merged_json(files).await.map_err(inspect)?;
        let columns = merged
            .into_iter()
            .map(|(name, ty)| (name, as_postgres(&ty)));
        return Ok(columns.collect());
    }
    let mut columns = Vec::with_capacity(candidates.len());
    for column in &candidates {
        let ty = if column.types.len() == 1 || is_fixed(column.name) {
            column.types[0].0.to_owned()
        } else if format == Format::Csv {
            csv_type(describer, verdicts, column, files, shapes)
                .await
                .map_err(inspect)?
        } else {
            let types = column.types.iter().map(|(ty, _)| *ty);
            match common_type(describer, types).await {
                Some(ty) => ty,
                None => return Err(conflict(describer, relation, column).await),
            }
        };
        columns.push((column.name.to_owned(), as_postgres(&ty)));
    }
    Ok(columns)
}

/// A type of DuckDB with PostgreSQL's integers in place of unsigned ones and those of one byte, with
/// microseconds in place of nanoseconds, and with a digit before the point of decimals, also within lists and structs.
fn as_postgres(ty: &str) -> String {
    let mut text = String::with_capacity(ty.len());
    let mut rest = ty;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            // The name of a field or a value of an enumeration, where such a quote is written twice.
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            _ if first.is_alphanumeric() => rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if token == "DECIMAL"
            && let Some((digits, after)) = without_whole(after)
        {
            text.push_str(&digits);
            rest = after;
            continue;
        }
        // A field may have the name of a type, without quotes; its own type follows.
        text.push_str(match token {
            field if after.starts_with(' ') => field,
            "TINYINT" | "UTINYINT" => "SMALLINT",
            "USMALLINT" => "INTEGER",
            "UINTEGER" => "BIGINT",
            "UBIGINT" => "DECIMAL(20,0)",
            "TIMESTAMP_NS" => "TIMESTAMP",
            other => other,
        });
        rest = after;
    }
    text
}

/// `DECIMAL(p+1,p)` for `(p,p)`, and what follows: DuckDB's text of the latter has no zero before the point.
fn without_whole(digits: &str) -> Option<(String, &str)> {
    let (width, after) = digits.strip_prefix('(')?.split_once(',')?;
    let (scale, after) = after.split_once(')')?;
    let width: u8 = width.parse().ok()?;
    (scale.parse() == Ok(width) && width < 38)
        .then(|| (format!("DECIMAL({},{width})", width + 1), after))
}

fn candidates<'a>(files: &[&'a Listed], shapes: &'a [Arc<Shape>]) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut seen: BTreeSet<*const Shape> = BTreeSet::new();
    for (file, shape) in files.iter().zip(shapes) {
        // Shapes are shared, so most files are done here.
        if !seen.insert(Arc::as_ptr(shape)) {
            continue;
        }
        for (name, ty) in &shape.columns {
            let position = *positions.entry(name.to_lowercase()).or_insert_with(|| {
                candidates.push(Candidate {
                    name,
                    types: Vec::new(),
                });
                candidates.len() - 1
            });
            let types = &mut candidates[position].types;
            if !types.iter().any(|(known, _)| known == ty) {
                types.push((ty, file));
            }
        }
    }
    candidates
}

/// The type that DuckDB gives a list of values of `types`; none, if it refuses to mix them.
async fn common_type<'a>(
    describer: &Describer,
    types: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let values: Vec<String> = types.map(|ty| format!("CAST(NULL AS {ty})")).collect();
    let rows = describer
        .query(&format!("SELECT typeof([{}])", values.join(", ")))
        .await
        .ok()?;
    let ty = rows.into_iter().next()?.into_iter().next()??;
    ty.strip_suffix("[]").map(str::to_owned)
}

/// Names two files that do not go together.
async fn conflict(describer: &Describer, relation: &str, column: &Candidate<'_>) -> CatalogError {
    let (mut left, mut right) = (column.types[0], column.types[1]);
    'pairs: for (index, one) in column.types.iter().enumerate() {
        for other in &column.types[index + 1..] {
            if common_type(describer, [one.0, other.0].into_iter())
                .await
                .is_none()
            {
                (left, right) = (*one, *other);
                break 'pairs;
            }
        }
    }
    CatalogError::TypeConflict {
        relation: relation.to_owned(),
        column: column.name.to_owned(),
        file: left.1.path.as_str().into(),
        ty: left.0.into(),
        other_file: right.1.path.as_str().into(),
        other_ty: right.0.into(),
    }
}

/// The type of a CSV column whose files disagree.
///
/// Numbers with numbers, and dates with timestamps, have a common type. A file in which the column
/// is text counts only if it really holds something else: a file without rows, or with nothing in
/// the column, looks like text as well.
async fn csv_type(
    describer: &Describer,
    verdicts: &Verdicts,
    column: &Candidate<'_>,
    files: &[&Listed],
    shapes: &[Arc<Shape>],
) -> Result<String, crate::error::InspectError> {
    const TEXT: &str = "VARCHAR";
    let types: Vec<&str> = column
        .types
        .iter()
        .map(|(ty, _)| *ty)
        .filter(|ty| *ty != TEXT)
        .collect();
    let family = |ty: &str| match ty {
        "BIGINT" | "DOUBLE" | "HUGEINT" => 1,
        "DATE" | "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => 2,
        _ => 0,
    };
    let one_family = types.len() == 1
        || types
            .iter()
            .all(|ty| family(ty) != 0 && family(ty) == family(types[0]));
    let common = if one_family {
        common_type(describer, types.iter().copied()).await
    } else {
        None
    };
    let Some(ty) = common else {
        return Ok(TEXT.to_owned());
    };
    let mut groups: BTreeMap<&Shape, Vec<&Listed>> = BTreeMap::new();
    for (file, shape) in files.iter().zip(shapes) {
        let is_text = shape
            .columns
            .iter()
            .any(|(name, found)| same_name(name, column.name) && found == TEXT);
        if !is_text {
            continue;
        }
        match recall(verdicts, file, column.name, &ty) {
            Some(false) => return Ok(TEXT.to_owned()),
            Some(true) => {}
            None => groups.entry(shape.as_ref()).or_default().push(file),
        }
    }
    for (shape, files) in groups {
        let columns: Vec<(String, String)> = shape
            .columns
            .iter()
            .map(|(name, _)| (name.clone(), TEXT.to_owned()))
            .collect();
        let name = columns
            .iter()
            .find(|(name, _)| same_name(name, column.name));
        let name = identifier(name.map_or(column.name, |(name, _)| name));
        let options = shape
            .dialect
            .as_ref()
            .map(crate::scan::Dialect::options)
            .unwrap_or_default();
        let rows = describer
            .query(&format!(
                "SELECT DISTINCT filename FROM read_csv({}, {options}, columns = {}, \
                 hive_partitioning = false, filename = true) \
                 WHERE {name} IS NOT NULL AND TRY_CAST({name} AS {ty}) IS NULL",
                paths(files.iter().map(|file| file.path.as_str())),
                column_struct(&columns),
            ))
            .await?;
        let refused: BTreeSet<String> = rows
            .into_iter()
            .filter_map(|row| row.into_iter().next().flatten())
            .collect();
        for file in &files {
            remember(
                verdicts,
                file,
                column.name,
                &ty,
                !refused.contains(&file.path),
            );
        }
        if !refused.is_empty() {
            return Ok(TEXT.to_owned());
        }
    }
    Ok(ty)
}

fn verdict_key(file: &Listed, column: &str, ty: &str) -> (String, String, String, String) {
    (
        file.path.clone(),
        file.version.clone(),
        column.to_owned(),
        ty.to_owned(),
    )
}

fn recall(verdicts: &Verdicts, file: &Listed, column: &str, ty: &str) -> Option<bool> {
    let verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
    verdicts.get(&verdict_key(file, column, ty)).copied()
}

fn remember(verdicts: &Verdicts, file: &Listed, column: &str, ty: &str, verdict: bool) {
    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
    if verdicts.len() >= VERDICTS_MAX {
        verdicts.clear();
    }
    verdicts.insert(verdict_key(file, column, ty), verdict);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_postgres() {
        for (ty, expected) in [
            ("UTINYINT", "SMALLINT"),
            ("UBIGINT[]", "DECIMAL(20,0)[]"),
            ("DECIMAL(15,2)", "DECIMAL(15,2)"),
            ("STRUCT(r DECIMAL(4,4)[])", "STRUCT(r DECIMAL(5,4)[])"),
            ("TIMESTAMP_NS", "TIMESTAMP"),
            ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"),
            (
                "STRUCT(a UINTEGER, \"UINTEGER\" MAP(TINYINT, USMALLINT[3]), UBIGINT VARCHAR)",
                "STRUCT(a BIGINT, \"UINTEGER\" MAP(SMALLINT, INTEGER[3]), UBIGINT VARCHAR)",
            ),
            (
                "ENUM('UINTEGER', 'it''s TINYINT')",
                "ENUM('UINTEGER', 'it''s TINYINT')",
            ),
        ] {
            assert_eq!(as_postgres(ty), expected);
        }
    }
}
