//! What the code must look like from outside: who may depend on whom, where things may stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use skein_tests::environment::checkout;

/// Each crate, and the crates of Skein that it may use. Arrows never turn back.
const ARROWS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("executor/api", &[]),
    ("catalog", &["skein-config", "skein-executor-api"]),
    ("executor", &["skein-config", "skein-executor-api"]),
    (
        "executor/remote",
        &["skein-config", "skein-executor", "skein-executor-api"],
    ),
    ("gateway/planner", &["skein-catalog", "skein-executor-api"]),
    (
        "gateway",
        &[
            "skein-catalog",
            "skein-config",
            "skein-executor",
            "skein-executor-api",
            "skein-planner",
            "skein-remote",
        ],
    ),
];

/// Source files may be this long without saying why.
const LINES_MAX: usize = 800;

fn manifest(folder: &str) -> toml::Table {
    let path = checkout().join(folder).join("Cargo.toml");
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dependencies(folder: &str, section: &str) -> BTreeSet<String> {
    let manifest = manifest(folder);
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn crates_depend_only_downwards() {
    for (folder, allowed) in ARROWS {
        let ours: BTreeSet<String> = dependencies(folder, "dependencies")
            .into_iter()
            .filter(|name| name.starts_with("skein-"))
            .collect();
        let forbidden: Vec<&String> = ours
            .iter()
            .filter(|name| !allowed.contains(&name.as_str()))
            .collect();
        assert!(
            forbidden.is_empty(),
            "{folder} must not depend on {forbidden:?}"
        );
    }
    let members: Vec<String> = manifest(".")
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|member| member.as_str().map(str::to_owned))
        .filter(|member| member != "tests")
        .collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    let known: Vec<&str> = known.into_iter().collect();
    let mut members: Vec<&str> = members.iter().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, known, "every crate has its arrows listed here");
}

#[test]
fn the_planner_has_no_runtime_no_network_and_no_duckdb() {
    let dependencies = dependencies("gateway/planner", "dependencies");
    for forbidden in [
        "tokio",
        "futures",
        "pgwire",
        "object_store",
        "libduckdb-sys",
        "bb8",
    ] {
        assert!(
            !dependencies.contains(forbidden),
            "the planner uses {forbidden}"
        );
    }
}

#[test]
fn one_crate_names_duckdb() {
    let mut folders: Vec<&str> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    folders.push("tests");
    let naming: Vec<&str> = folders
        .into_iter()
        .filter(|folder| {
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .iter()
                .any(|section| {
                    dependencies(folder, section)
                        .iter()
                        .any(|n| n.contains("duckdb"))
                })
        })
        .collect();
    assert_eq!(naming, ["executor"]);
    for file in sources() {
        let inside = file.starts_with(checkout().join("executor/src/engine"))
            || file == checkout().join("executor/src/engine.rs")
            || file.ends_with("tests/architecture.rs");
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        assert!(
            inside || !code.into_iter().any(|line| line.contains("libduckdb_sys")),
            "{} names libduckdb_sys",
            file.display()
        );
    }
}

#[test]
fn sqlstates_stand_in_one_table() {
    for file in sources() {
        let relative = file
            .strip_prefix(checkout())
            .expect("sources are in the checkout");
        let name = relative.to_string_lossy();
        if name.starts_with("gateway/src/error") || name.contains("tests") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in code.lines().enumerate() {
            if let Some(literal) = sqlstate_literal(line) {
                panic!(
                    "{name}:{}: the SQLSTATE {literal} stands outside of gateway/src/error",
                    index + 1
                );
            }
        }
    }
}

/// Classes of SQLSTATEs that PostgreSQL has.
const CLASSES: &[&str] = &[
    "00", "01", "02", "03", "08", "0A", "21", "22", "23", "25", "26", "28", "2F", "34", "3B", "3D",
    "3F", "40", "42", "44", "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX",
];

/// A string literal in the line that looks like a SQLSTATE: five digits and capitals, among them
/// both a digit and the beginning of a class that PostgreSQL has.
fn sqlstate_literal(line: &str) -> Option<&str> {
    if line.trim_start().starts_with("//") {
        return None;
    }
    line.split('"').skip(1).step_by(2).find(|literal| {
        literal.len() == 5
            && literal
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && literal.bytes().any(|byte| byte.is_ascii_digit())
            && CLASSES.iter().any(|class| literal.starts_with(class))
    })
}

#[test]
fn long_files_say_why() {
    for file in sources() {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let lines = text.lines().count();
        let header: String = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        let tests_of_a_module = file.to_string_lossy().ends_with("tests.rs");
        assert!(
            lines <= LINES_MAX || tests_of_a_module || header.contains("one file because"),
            "{} has {lines} lines and its header does not say \"one file because …\"",
            file.display()
        );
    }
}

#[test]
fn modules_have_headers_and_nothing_is_left_to_do() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    for file in sources() {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let tests_of_a_module = file.to_string_lossy().ends_with("tests.rs");
        assert!(
            tests_of_a_module || text.starts_with("//!") || text.starts_with("#![doc"),
            "{} has no header",
            file.display()
        );
        for mark in &marks {
            assert!(
                !text.contains(mark.as_str()),
                "{} has a {mark}",
                file.display()
            );
        }
    }
}

#[test]
fn links_in_documents_resolve() {
    let mut broken = Vec::new();
    for document in files_with("md") {
        let text = fs::read_to_string(&document).expect("a document can be read");
        let folder = document.parent().expect("a document is in a folder");
        for target in links(&text) {
            if target.starts_with("http") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let file = if path.is_empty() {
                document.clone()
            } else {
                folder.join(path)
            };
            let found = file.exists() && (anchor.is_empty() || anchors(&file).contains(anchor));
            if !found {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "links that lead nowhere:\n{}",
        broken.join("\n")
    );
}

/// Targets of `[text](target)` outside of code.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backquotes is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        let ends = prose.split("](").skip(1);
        targets.extend(ends.filter_map(|rest| rest.split_once(')').map(|(to, _)| to.to_owned())));
    }
    targets
}

/// Anchors of a document's headings, as GitHub makes them.
fn anchors(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_sqlstate_is_documented() {
    let table = checkout().join("gateway/src/error/state.rs");
    let table = fs::read_to_string(table).expect("the table of SQLSTATEs is there");
    let document = fs::read_to_string(checkout().join("docs/errors.md"));
    let document = document.expect("the document is there");
    let states: Vec<&str> = table.lines().filter_map(sqlstate_literal).collect();
    assert!(
        states.len() > 40,
        "the table of SQLSTATEs is not where it was"
    );
    let missing: Vec<&&str> = states
        .iter()
        .filter(|state| !document.contains(&format!("`{state}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/errors.md does not explain {missing:?}"
    );
}

#[test]
fn every_table_of_compatibility_names_its_tests() {
    let document = checkout().join("docs/compatibility.md");
    let text = fs::read_to_string(&document).expect("the document is there");
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let header = cells[0].trim().starts_with("Feature") || cells[0].trim().starts_with('-');
        if !header {
            rows.insert(
                line.to_owned(),
                cells.last().is_some_and(|cell| cell.contains("](")),
            );
        }
    }
    assert!(!rows.is_empty());
    let without: Vec<&String> = rows
        .iter()
        .filter(|(_, linked)| !**linked)
        .map(|(line, _)| line)
        .collect();
    assert!(without.is_empty(), "rows without a test:\n{without:#?}");
}

fn sources() -> Vec<PathBuf> {
    files_with("rs")
}

/// Files of the project with this extension.
fn files_with(extension: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                if !name.starts_with('.') && !matches!(name.as_str(), "target" | "demo-data") {
                    walk(&path, extension, found);
                }
            } else if path.extension().is_some_and(|ending| ending == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(checkout(), extension, &mut found);
    found.sort();
    found
}
