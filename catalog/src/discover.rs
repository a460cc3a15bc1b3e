//! Finds relations in a directory that nobody configured.
//!
//! - A folder whose files, at any depth, are of one format and share most columns is a relation.
//! - In other folders each file is a relation, and folders `key=value` are one together, named
//!   after the folder that they are in.
//! - Files inside a relation of several files become relations when a statement names them.
//!
//! Names are cleaned so that they need no quotes where that is possible. If two are equal, the one
//! that is found first (upper folders first, then by path) keeps it, and the other gets the name of
//! its folder in front, or a number behind. A relation keeps its name while the process runs.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::entry::{Spec, Tools};
use crate::error::CatalogError;
use crate::listing::Listed;
use crate::pattern::escape;
use crate::relation::{Format, RelationName};

/// Two files are alike when they share at least this part of all their columns.
const SHARED_COLUMNS_MIN: f64 = 0.5;

/// What a directory holds.
pub(crate) struct Found {
    /// New relations.
    pub(crate) relations: Vec<Spec>,
    /// Files that are part of a relation.
    pub(crate) on_demand: Vec<Spec>,
}

/// Looks at everything below `directory`. Relations of `known` are not reported again.
pub(crate) async fn discover(
    tools: &Tools,
    directory: &str,
    known: &[Spec],
) -> Result<Found, CatalogError> {
    let directory = directory.trim_end_matches('/');
    let listing = tools.lister.list_inside(directory).await?;
    let files: Vec<(Format, &Listed)> = listing
        .values()
        .filter_map(|file| Format::of_path(&file.path).map(|format| (format, file)))
        .filter(|(format, file)| *format == Format::Parquet || file.bytes > 0)
        .collect();
    let mut names = Names {
        used: known
            .iter()
            .map(|spec| spec.name.name.to_lowercase())
            .collect(),
        by_path: known.iter().map(|spec| spec.paths.clone()).collect(),
    };
    let mut found = Found {
        relations: Vec::new(),
        on_demand: Vec::new(),
    };
    let mut parts: Vec<&Listed> = Vec::new();
    let mut folders = VecDeque::from([directory.to_owned()]);
    while let Some(folder) = folders.pop_front() {
        let below = below(&files, &folder);
        let is_known = names.by_path.contains(&vec![escape(&folder)]);
        if folder != directory && (is_known || are_alike(tools, &below).await) {
            found
                .relations
                .extend(names.spec(&folder, vec![escape(&folder)], below[0].0));
            parts.extend(below.iter().map(|(_, file)| *file));
            continue;
        }
        let (direct, inner) = children(&folder, &below);
        for (format, file) in direct {
            found
                .relations
                .extend(names.spec(&file.path, vec![escape(&file.path)], format));
        }
        let (hive, plain): (Vec<&str>, Vec<&str>) = inner
            .into_iter()
            .partition(|name| name.split('=').count() == 2);
        if !hive.is_empty() {
            let keys: BTreeSet<&str> = hive
                .iter()
                .filter_map(|name| name.split('=').next())
                .collect();
            let prefixes: Vec<String> = keys.iter().map(|key| format!("{folder}/{key}=")).collect();
            let globs: Vec<String> = prefixes
                .iter()
                .map(|prefix| format!("{}*", escape(prefix)))
                .collect();
            let inside: Vec<&(Format, &Listed)> = below
                .iter()
                .filter(|(_, file)| prefixes.iter().any(|prefix| file.path.starts_with(prefix)))
                .collect();
            if let Some((format, _)) = inside.first() {
                found.relations.extend(names.spec(&folder, globs, *format));
                parts.extend(inside.iter().map(|(_, file)| *file));
            }
        }
        folders.extend(plain.into_iter().map(|name| format!("{folder}/{name}")));
    }
    for file in parts {
        let Some(format) = Format::of_path(&file.path) else {
            continue;
        };
        let paths = vec![escape(&file.path)];
        let name = relation_name(&file.path);
        if !names.by_path.contains(&paths) && names.used.insert(name.to_lowercase()) {
            found.on_demand.push(spec(name, paths, format));
        }
    }
    Ok(found)
}

struct Names {
    /// In lower case.
    used: BTreeSet<String>,
    by_path: BTreeSet<Vec<String>>,
}

impl Names {
    /// A relation for `path`, unless it is known already.
    fn spec(&mut self, path: &str, paths: Vec<String>, format: Format) -> Option<Spec> {
        if self.by_path.contains(&paths) {
            return None;
        }
        let name = relation_name(path);
        let parent = path
            .rsplit_once('/')
            .map(|(parent, _)| relation_name(parent));
        let longer = parent.map(|parent| format!("{parent}_{name}"));
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = [Some(name.clone()), longer]
            .into_iter()
            .flatten()
            .chain(numbered)
            .find(|name| self.used.insert(name.to_lowercase()))?;
        Some(spec(free, paths, format))
    }
}

fn spec(name: String, paths: Vec<String>, format: Format) -> Spec {
    let name = RelationName {
        schema: "public".to_owned(),
        name,
    };
    Spec {
        name,
        paths,
        format: Some(format),
        hive: None,
        declared: Arc::default(),
        confined_to: None,
    }
}

fn below<'a>(files: &[(Format, &'a Listed)], folder: &str) -> Vec<(Format, &'a Listed)> {
    let prefix = format!("{folder}/");
    files
        .iter()
        .filter(|(_, file)| file.path.starts_with(&prefix))
        .copied()
        .collect()
}

/// Files in a folder, and names of the folders in it.
fn children<'a>(
    folder: &str,
    files: &[(Format, &'a Listed)],
) -> (Vec<(Format, &'a Listed)>, BTreeSet<&'a str>) {
    let mut direct = Vec::new();
    let mut inner = BTreeSet::new();
    for (format, file) in files {
        match file.path[folder.len() + 1..].split_once('/') {
            Some((name, _)) => {
                inner.insert(name);
            }
            None => direct.push((*format, *file)),
        }
    }
    (direct, inner)
}

/// Whether files are one relation: of one format, with mostly the same columns. Files that cannot
/// be described are judged by their format alone.
async fn are_alike(tools: &Tools, files: &[(Format, &Listed)]) -> bool {
    let Some((format, _)) = files.first() else {
        return false;
    };
    if files.iter().any(|(other, _)| other != format) {
        return false;
    }
    let listed: Vec<&Listed> = files.iter().map(|(_, file)| *file).collect();
    let Ok(shapes) = tools.describer.describe(*format, &listed).await else {
        return true;
    };
    let column_sets: BTreeSet<BTreeSet<String>> = shapes
        .iter()
        .map(|shape| {
            shape
                .columns
                .iter()
                .map(|(name, _)| name.to_lowercase())
                .collect()
        })
        .collect();
    let Some(first) = column_sets.first() else {
        return false;
    };
    column_sets.iter().all(|other| {
        let (shared, all) = (
            first.intersection(other).count(),
            first.union(other).count(),
        );
        #[expect(clippy::cast_precision_loss, reason = "a count of columns is small")]
        let part = shared as f64 / all.max(1) as f64;
        part >= SHARED_COLUMNS_MIN
    })
}

/// A name that needs no quotes, as far as that goes.
fn relation_name(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or(path);
    let stem = Format::of_path(last)
        .and_then(|format| format.strip_extension(last))
        .unwrap_or(last);
    let mut name: String = stem
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (path, name) in [
            ("/d/data_part_1.parquet", "data_part_1"),
            ("/d/My Orders-2024.csv.gz", "my_orders_2024"),
            ("/d/2024.json", "_2024"),
            ("/d/Événements.csv", "événements"),
            ("/d/a.b.csv", "a_b"),
            ("/d/folder.v2", "folder_v2"),
        ] {
            assert_eq!(relation_name(path), name);
        }
    }
}
