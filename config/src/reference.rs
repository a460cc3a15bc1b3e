//! Writes the reference of all keys from their doc comments.

use std::fmt::Write;

use serde::Serialize;

use crate::keys::{
    AccessTable, Catalog, ExecutorTls, Executors, Gateway, Login, RelationTable, Section, Tls,
    UserTable,
};

/// `docs/configuration.md`.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         This page is written from the doc comments in `config/src/keys.rs`; a test compares the two.\n\n\
         Skein reads, in this order, and what comes later wins: the defaults below, the TOML file given\n\
         with `--config`, environment variables, and flags. A variable is named after section and key:\n\
         `SKEIN_GATEWAY__CONNECTIONS_MAX=50` is `connections_max` of `[gateway]`. Lists are written with\n\
         commas or as TOML arrays. Relations are configured in the file or with `--relation NAME=GLOB`,\n\
         users and access rules in files only.\n\n\
         A key that does not exist is an error that names the nearest one. Relative paths in the file start\n\
         from the folder that the file is in; relative paths in variables and flags from the working\n\
         directory. Examples are in `config/examples/`.\n",
    );
    section(
        &mut out,
        &Gateway::SECTION,
        "[gateway]",
        &Gateway::default(),
    );
    section(&mut out, &Tls::SECTION, "[gateway.tls]", &Tls::default());
    section(
        &mut out,
        &Login::SECTION,
        "[gateway.login]",
        &Login::default(),
    );
    section(
        &mut out,
        &Executors::SECTION,
        "[executors]",
        &Executors::default(),
    );
    section(
        &mut out,
        &ExecutorTls::SECTION,
        "[executors.tls]",
        &ExecutorTls::default(),
    );
    section(
        &mut out,
        &Catalog::SECTION,
        "[catalog]",
        &Catalog::default(),
    );
    section(
        &mut out,
        &RelationTable::SECTION,
        "[[relation]]",
        &RelationTable::default(),
    );
    section(
        &mut out,
        &UserTable::SECTION,
        "[[user]]",
        &UserTable::default(),
    );
    section(
        &mut out,
        &AccessTable::SECTION,
        "[[access]]",
        &AccessTable::default(),
    );
    out
}

fn section(out: &mut String, section: &Section, title: &str, defaults: &impl Serialize) {
    let defaults = toml::Table::try_from(defaults).expect("sections hold plain values");
    let _ = write!(out, "\n## `{title}`\n\n{}\n", paragraph(section.docs));
    for key in section.keys {
        let _ = write!(out, "\n### `{}`\n\n{}\n", key.name, paragraph(key.docs));
        if let Some(default) = defaults.get(key.name) {
            let _ = write!(out, "\nDefault: `{default}`\n");
        }
    }
}

fn paragraph(docs: &[&str]) -> String {
    docs.iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        #[expect(clippy::disallowed_methods, reason = "tests are rewritten on request")]
        if std::env::var("REWRITE").is_ok() {
            std::fs::write(path, markdown()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == markdown(),
            "docs/configuration.md differs from the doc comments in config/src/keys.rs; \
             run the tests of skein-config once with REWRITE=1"
        );
    }
}
