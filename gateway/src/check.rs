//! `skein check`: what a server with this configuration would serve.
//!
//! Everything is listed and described as at the start of a server. Relations go to stdout, problems
//! to stderr; with any problem the command fails, because a server would not start, statements on
//! that relation would fail, or a declared key would not be shown.

use std::fmt::{self, Write};
use std::sync::Arc;

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::{CatalogSnapshot, RelationSnapshot};
use skein_catalog::{Catalog, CatalogError, Inspect};
use skein_config::Config;

/// What a check found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Relations with their columns, and a line of totals.
    pub relations: String,
    /// A line for each problem.
    pub problems: Vec<String>,
}

impl CheckReport {
    /// Whether the configuration can be served as it is.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Lists and describes everything that `config` names.
pub async fn check(config: &Config, inspect: Arc<dyn Inspect>) -> CheckReport {
    let catalog = Catalog::new(config, inspect);
    let mut problems: Vec<String> = match catalog.load().await {
        Ok(problems) => problems
            .iter()
            .map(|problem| line(&problem.name, &problem.error))
            .collect(),
        Err(error) => vec![error.to_string()],
    };
    let current = catalog.current();
    problems.extend(skein_catalog::system::problems(&current));
    CheckReport {
        relations: describe(&current),
        problems,
    }
}

/// One problem; most errors name their relation themselves.
fn line(name: &RelationName, error: &CatalogError) -> String {
    let message = error.to_string();
    if message.contains(&format!("\"{}\"", name.name)) {
        message
    } else {
        format!("relation \"{}\": {message}", name.name)
    }
}

fn describe(snapshot: &CatalogSnapshot) -> String {
    let mut text = String::new();
    for relation in snapshot.relations.values() {
        write_relation(&mut text, relation).expect("a String takes all text");
    }
    let files: usize = snapshot
        .relations
        .values()
        .map(|relation| relation.files.len())
        .sum();
    let bytes: u64 = snapshot
        .relations
        .values()
        .map(|relation| relation.bytes())
        .sum();
    let relations = snapshot.relations.len();
    let totals = [
        counted(relations, "relation"),
        counted(files, "file"),
        size(bytes),
    ]
    .join(", ");
    text.push_str(&totals);
    text.push('\n');
    text
}

fn write_relation(text: &mut String, relation: &RelationSnapshot) -> fmt::Result {
    writeln!(
        text,
        "{}: {}, {}, {}",
        relation.name,
        relation.format,
        counted(relation.files.len(), "file"),
        size(relation.bytes())
    )?;
    let width = relation
        .columns
        .iter()
        .map(|column| column.name.chars().count())
        .max();
    for column in &relation.columns {
        let origin = if column.partition {
            "  (from the path)"
        } else {
            ""
        };
        let width = width.unwrap_or_default();
        writeln!(text, "    {:width$}  {}{origin}", column.name, column.ty)?;
    }
    writeln!(text)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// A size with at most four digits.
fn size(bytes: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 10_000 && unit + 1 < units.len() {
        value /= 1000;
        unit += 1;
    }
    format!("{value} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use skein_catalog::InspectError;
    use skein_executor::engine::{Connection, Database, DatabaseOptions, FileAccess};

    use super::*;

    struct Duck(Mutex<Connection>);

    #[async_trait]
    impl Inspect for Duck {
        async fn query_text(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, InspectError> {
            self.0
                .lock()
                .unwrap()
                .query_text(sql)
                .map_err(InspectError::new)
        }
    }

    async fn report(toml: &str, base: &std::path::Path) -> CheckReport {
        let options = DatabaseOptions {
            file_access: FileAccess::All,
            ..DatabaseOptions::default()
        };
        let duck = Duck(Mutex::new(
            Database::open(&options).unwrap().connect().unwrap(),
        ));
        check(&Config::from_toml(toml, base).unwrap(), Arc::new(duck)).await
    }

    #[tokio::test]
    async fn relations_and_problems_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        for day in 1..=2 {
            let path = folder.path().join(format!("events/day=2026-01-0{day}"));
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("x.csv"), "id,amount\n1,2.5\n").unwrap();
        }
        let good = "[[relation]]\nname = \"events\"\npath = \"events/**/*.csv\"\n";
        let found = report(good, folder.path()).await;
        assert_eq!(
            found.relations,
            "public.events: csv, 2 files, 32 bytes\n    id      BIGINT\n    amount  DOUBLE\n    \
             day     DATE  (from the path)\n\n1 relation, 2 files, 32 bytes\n"
        );
        assert!(found.is_good());
        let bad = format!("{good}[[relation]]\nname = \"none\"\npath = \"none/*.csv\"\n");
        let found = report(&bad, folder.path()).await;
        assert_eq!(found.problems.len(), 1);
        assert!(found.problems[0].starts_with("relation \"none\" has no files: nothing matches"));
        assert!(found.relations.starts_with("public.events: "));
    }

    #[test]
    fn sizes_have_few_digits() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(9_999), "9999 bytes");
        assert_eq!(size(10_000), "10 kB");
        assert_eq!(size(123_456_789), "123 MB");
        assert_eq!(size(u64::MAX), "18446 PB");
    }
}
