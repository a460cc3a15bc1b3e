//! Generated data: always the same, made once by DuckDB, kept below cargo's target folder.
//!
//! A data set is a folder with one entry per relation. Its place depends on the SQL that makes it,
//! so a changed generator makes new data, and tests that run at the same time share it.

pub mod benchmark;
pub mod demo;
pub mod sets;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::environment;
use crate::native::Native;

/// A relation of a generated folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its name: that of its folder.
    pub name: String,
    /// Its files, relative to the folder of the data set.
    pub glob: String,
    /// `parquet`, `csv` or `json`.
    pub format: String,
    /// Whether its folders are named `key=value`.
    pub hive: bool,
}

/// Makes the data set `name` unless it is there, and says where. `generate` puts one folder per
/// relation into the folder it is given; `version` tells its results apart.
pub fn generated(name: &str, version: &str, generate: impl FnOnce(&Path)) -> PathBuf {
    let root = environment::generated_folder();
    fs::create_dir_all(&root).expect("the target folder can be written");
    let folder = root.join(format!("{name}-{:016x}", fingerprint(version)));
    let lock = File::create(root.join(format!("{name}.lock"))).expect("a lock file can be made");
    lock.lock().expect("a file can be locked");
    if !folder.is_dir() {
        let unfinished = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&root)
            .expect("a folder can be made");
        generate(unfinished.path());
        fs::rename(unfinished.keep(), &folder).expect("a folder can be renamed");
    }
    folder
}

/// Relations of a data set, by name.
pub fn relations(folder: &Path) -> Vec<Relation> {
    let mut relations: Vec<Relation> = fs::read_dir(folder)
        .expect("a data set is a folder")
        .map(|entry| {
            let path = entry.expect("a folder can be read").path();
            let file = first_file(&path).expect("a relation has a file");
            let inside = file
                .strip_prefix(&path)
                .expect("the file is below")
                .to_path_buf();
            let format = file
                .extension()
                .map(|ending| ending.to_string_lossy().into_owned());
            let format = format.expect("generated files have an extension");
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let name = name.expect("a relation's folder has a name");
            Relation {
                glob: format!("{name}/**/*.{format}"),
                hive: inside.to_string_lossy().contains('='),
                name,
                format,
            }
        })
        .collect();
    relations.sort_by(|left, right| left.name.cmp(&right.name));
    relations
}

fn first_file(folder: &Path) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    entries.iter().find_map(|path| {
        if path.is_dir() {
            first_file(path)
        } else {
            Some(path.clone())
        }
    })
}

/// Writes `sql`'s rows to `folder/name/part-NNN.parquet`, in `files` pieces of neighbouring rows.
pub fn write_parquet(native: &Native, folder: &Path, name: &str, sql: &str, files: usize) {
    write(
        native,
        folder,
        name,
        sql,
        files,
        "parquet",
        "FORMAT parquet",
    );
}

/// As [`write_parquet`], in any format: `options` are those of COPY.
pub fn write(
    native: &Native,
    folder: &Path,
    name: &str,
    sql: &str,
    files: usize,
    extension: &str,
    options: &str,
) {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder can be made");
    native.run(&format!("CREATE OR REPLACE TEMP TABLE written AS {sql}"));
    for index in 0..files {
        let path = folder.join(format!("part-{index:03}.{extension}"));
        native.run(&format!(
            "COPY (SELECT * FROM written WHERE (rowid * {files}) / \
             greatest((SELECT count(*) FROM written), 1) = {index} ORDER BY rowid) \
             TO '{}' ({options})",
            path.display().to_string().replace('\'', "''")
        ));
    }
    native.run("DROP TABLE written");
}

/// FNV-1a, because it is the same in every version of the standard library.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
