//! Snapshots over time, path relations, and discovery.

#[path = "support/folder.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use skein_catalog::CatalogError;
use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_catalog::snapshot::RelationSnapshot;
use skein_config::Config;
use support::{Folder, columns, file_names, name, names, relation};

const EVENTS: &str = "[[relation]]\nname = \"events\"\npath = \"events/**/*.parquet\"\n";

fn path_name(path: &str) -> RelationName {
    RelationName {
        schema: PATH_SCHEMA.to_owned(),
        name: path.to_owned(),
    }
}

async fn path_relation(
    catalog: &skein_catalog::Catalog,
    path: &str,
) -> Result<Arc<RelationSnapshot>, CatalogError> {
    let snapshot = catalog.snapshot_for(&[], &[path.to_owned()]).await?;
    Ok(Arc::clone(&snapshot.relations[&path_name(path)]))
}

#[tokio::test]
async fn files_come_and_go_without_changing_the_schema() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    let catalog = folder.catalog(EVENTS);
    assert!(catalog.load().await.unwrap().is_empty());
    let first = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    let again = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    folder.copy("events/2.parquet", "SELECT 2 AS n");
    let second = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    assert_eq!(
        file_names(&second.relations[&name("events")]),
        ["1.parquet", "2.parquet"]
    );
    assert_eq!(first.schema_version, second.schema_version);
    assert_eq!(file_names(&first.relations[&name("events")]), ["1.parquet"]);
    for file in ["events/1.parquet", "events/2.parquet"] {
        std::fs::remove_file(folder.path(file)).unwrap();
    }
    let empty = relation(&catalog, "events").await.unwrap();
    assert_eq!(columns(&empty), ["n INTEGER"]);
    assert!(folder.scan(&empty, &empty.files).is_empty());
    folder.copy("events/3.parquet", "SELECT 3 AS n");
    assert_eq!(
        file_names(&relation(&catalog, "events").await.unwrap()),
        ["3.parquet"]
    );
}

#[tokio::test]
async fn a_new_column_changes_the_schema() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    let catalog = folder.catalog(EVENTS);
    let first = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    folder.copy("events/2.parquet", "SELECT 2 AS n, 'x' AS s");
    let second = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    assert_ne!(first.schema_version, second.schema_version);
    assert_eq!(
        columns(&second.relations[&name("events")]),
        ["n INTEGER", "s VARCHAR"]
    );
    std::fs::remove_file(folder.path("events/2.parquet")).unwrap();
    let third = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    assert_eq!(first.schema_version, third.schema_version);
}

#[tokio::test]
async fn a_kept_snapshot_meets_further_relations() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    folder.copy("u.parquet", "SELECT 1 AS n");
    let catalog = folder.catalog(&format!(
        "{EVENTS}[[relation]]\nname = \"u\"\npath = \"u.parquet\"\n"
    ));
    let kept = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    assert_eq!(names(&kept), ["events"]);
    folder.copy("events/2.parquet", "SELECT 2 AS n");
    let newer = catalog
        .snapshot_for(&[name("events"), name("u")], &[])
        .await
        .unwrap();
    let both = kept.with(&[name("u")], &newer);
    assert_eq!(names(&both), ["events", "u"]);
    assert_eq!(both.relations[&name("events")].files.len(), 1);
    assert_eq!(both.schema_version, newer.schema_version);
}

#[tokio::test]
async fn fresh_listings_cost_nothing() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    let catalog = folder.catalog(&format!("[catalog]\nlisting_ttl_ms = 3600000\n{EVENTS}"));
    catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
    folder.copy("events/2.parquet", "SELECT 2 AS n");
    let statements = folder.duck.statements.load(Ordering::Relaxed);
    let started = Instant::now();
    for _ in 0..1000 {
        let snapshot = catalog.snapshot_for(&[name("events")], &[]).await.unwrap();
        assert_eq!(snapshot.relations[&name("events")].files.len(), 1);
    }
    assert!(
        started.elapsed().as_secs() < 5,
        "{:?} for 1000 snapshots",
        started.elapsed()
    );
    assert_eq!(folder.duck.statements.load(Ordering::Relaxed), statements);
    catalog.forget_listings(&[name("events")]);
    assert_eq!(relation(&catalog, "events").await.unwrap().files.len(), 2);
}

#[tokio::test]
async fn a_relation_whose_last_file_vanished_while_it_was_read_has_none() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    let catalog = folder.catalog(EVENTS);
    assert_eq!(relation(&catalog, "events").await.unwrap().files.len(), 1);
    std::fs::remove_file(folder.path("events/1.parquet")).unwrap();
    // As after an executor has found the file missing.
    catalog.forget_listings(&[name("events")]);
    let snapshot = relation(&catalog, "events").await.unwrap();
    assert_eq!((snapshot.files.len(), snapshot.columns.len()), (0, 1));
}

#[cfg(unix)]
#[tokio::test]
async fn a_served_folder_may_hold_links_closed_folders_and_any_name() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let outside = Folder::new();
    outside.copy("secret.csv", "SELECT 1 AS n");
    let folder = Folder::new();
    folder.copy("fine.csv", "SELECT 1 AS n");
    folder.write("ány.pem", "not data");
    folder.write("xécsv", "not data");
    folder.write("closed/secret.csv", "n\n1\n");
    symlink(outside.path("secret.csv"), folder.path("link.csv")).unwrap();
    symlink(outside.directory.path(), folder.path("folder")).unwrap();
    let closed = folder.directory.path().join("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    let catalog = folder.served();
    let problems = catalog.load().await;
    // Whoever may read everything, such as root, sees what is closed.
    let may_read = std::fs::read_dir(&closed).is_ok();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(problems.unwrap().is_empty());
    let current = catalog.current();
    let mut found = names(&current);
    found.retain(|name| !(may_read && *name == "closed"));
    assert_eq!(found, ["fine"]);
}

#[tokio::test]
async fn statements_at_the_same_time_share_one_listing() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    let catalog = Arc::new(folder.catalog(EVENTS));
    let statements: Vec<_> = (0..20)
        .map(|_| {
            let catalog = Arc::clone(&catalog);
            tokio::spawn(async move { relation(&catalog, "events").await.unwrap() })
        })
        .collect();
    for statement in statements {
        assert_eq!(statement.await.unwrap().files.len(), 1);
    }
    // The digest of the schema, the columns, and the number of rows.
    assert_eq!(folder.duck.statements.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_said() {
    let folder = Folder::new();
    folder.copy("good.parquet", "SELECT 1 AS n");
    folder.write("mixed/a.csv", "a\n1\n");
    folder.write("mixed/b.json", "{\"a\":1}\n");
    folder.write("odd/readme.txt", "x");
    folder.write(
        "damaged/x.parquet",
        "not a Parquet file, but long enough to be one",
    );
    let relations = [
        ("good", "good.parquet", ""),
        (
            "gone",
            "gone.csv",
            "path \"{}/gone.csv\" of relation \"gone\" does not exist",
        ),
        (
            "empty",
            "none/*.csv",
            "relation \"empty\" has no files: nothing matches \"{}/none/*.csv\"",
        ),
        (
            "mixed",
            "mixed",
            "relation \"mixed\" has files of two formats: \"{}/mixed/a.csv\" and \"{}/mixed/b.json\"",
        ),
        (
            "odd",
            "odd/*",
            "cannot tell the format of \"{}/odd/readme.txt\" of relation \"odd\"",
        ),
        (
            "glob",
            "a/[b",
            "invalid path \"{}/a/[b\": unclosed character class; missing ']'",
        ),
    ];
    let toml: Vec<String> = relations
        .iter()
        .map(|(name, path, _)| format!("[[relation]]\nname = \"{name}\"\npath = \"{path}\"\n"))
        .collect();
    let catalog = folder.catalog(&toml.concat());
    let root = folder.directory.path().canonicalize().unwrap();
    let problems = catalog.load().await.unwrap();
    for (name, _, expected) in relations {
        let problem = problems.iter().find(|problem| problem.name.name == name);
        let expected = expected.replace("{}", root.to_str().unwrap());
        assert_eq!(
            problem.map(|p| p.error.to_string()).unwrap_or_default(),
            expected
        );
        assert!(problem.is_none_or(|problem| problem.error.is_configuration()));
    }
    assert_eq!(names(&catalog.current()), ["good"]);
}

#[tokio::test]
async fn damaged_files_are_named_and_only_their_relation_fails() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    folder.copy("u.parquet", "SELECT 1 AS n");
    let catalog = folder.catalog(&format!(
        "{EVENTS}[[relation]]\nname = \"u\"\npath = \"u.parquet\"\n"
    ));
    folder.write(
        "events/2.parquet",
        "not a Parquet file, but long enough to be one",
    );
    let problems = catalog.load().await.unwrap();
    assert_eq!(problems.len(), 1);
    assert!(!problems[0].error.is_configuration());
    let message = relation(&catalog, "events").await.unwrap_err().to_string();
    assert!(
        message.contains("relation \"events\"") && message.contains("2.parquet"),
        "{message}"
    );
    relation(&catalog, "u").await.unwrap();
    std::fs::remove_file(folder.path("events/2.parquet")).unwrap();
    relation(&catalog, "events").await.unwrap();
}

#[tokio::test]
async fn folders_lists_and_formats() {
    let folder = Folder::new();
    folder.copy("a/1.parquet", "SELECT 1 AS n");
    folder.copy("a/deep/2.parquet", "SELECT 2 AS n");
    folder.write("a/notes.txt", "x");
    folder.write("a/_SUCCESS", "");
    folder.copy("b/3.parquet", "SELECT 3 AS n");
    folder.write("c/data.txt", "x|y\n1|2\n");
    let catalog = folder.catalog(
        "[[relation]]\nname = \"folder\"\npath = \"a/\"\n\
         [[relation]]\nname = \"list\"\npath = [\"b/*.parquet\", \"a/1.parquet\", \"a\"]\n\
         [[relation]]\nname = \"given\"\npath = \"c/*.txt\"\nformat = \"csv\"\n\
         [[relation]]\nname = \"star\"\npath = \"a/*\"\n",
    );
    assert!(catalog.load().await.unwrap().is_empty());
    let files = |relation: &str| {
        let snapshot = catalog.current();
        file_names(&snapshot.relations[&name(relation)])
            .iter()
            .map(|f| (*f).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(files("folder"), ["1.parquet", "2.parquet"]);
    assert_eq!(files("list"), ["1.parquet", "2.parquet", "3.parquet"]);
    assert_eq!(files("given"), ["data.txt"]);
    assert_eq!(files("star"), ["1.parquet"]);
    assert_eq!(
        columns(&catalog.current().relations[&name("given")]),
        ["x BIGINT", "y BIGINT"]
    );
}

#[tokio::test]
async fn a_served_directory_is_discovered() {
    let folder = Folder::new();
    for part in 1..=3 {
        folder.copy(
            &format!("data_part_{part}.parquet"),
            &format!("SELECT {part} AS n"),
        );
        folder.copy(
            &format!("events/day=2026-01-0{part}/p.parquet"),
            &format!("SELECT {part} AS n"),
        );
        folder.copy(
            &format!("tables/orders/part-{part}.csv"),
            &format!("SELECT {part} AS a, 'x' AS b"),
        );
    }
    folder.copy("tables/customers.csv", "SELECT 1 AS id, 'y' AS name");
    folder.copy("tables/devices.json", "SELECT 1 AS id, 'z' AS kind");
    folder.copy("Odd Name-1.csv", "SELECT 1 AS a, 2 AS b");
    folder.write("empty.csv", "");
    folder.write("readme.md", "x");
    folder.write(".git/x.csv", "a\n1\n");
    let catalog = folder.served();
    assert!(catalog.load().await.unwrap().is_empty());
    let expected = [
        "customers",
        "data_part_1",
        "data_part_2",
        "data_part_3",
        "devices",
        "events",
        "odd_name_1",
        "orders",
    ];
    assert_eq!(names(&catalog.current()), expected);
    let events = relation(&catalog, "events").await.unwrap();
    assert_eq!(columns(&events), ["n INTEGER", "day* DATE"]);
    // Files of a relation are relations when they are named.
    assert_eq!(
        file_names(&relation(&catalog, "part_2").await.unwrap()),
        ["part-2.csv"]
    );
    assert_eq!(
        file_names(&relation(&catalog, "orders").await.unwrap()).len(),
        3
    );
    let upper = catalog
        .snapshot_for(&[name("ORDERS"), name("nothing")], &[])
        .await
        .unwrap();
    assert!(!upper.relations.contains_key(&name("nothing")));
}

#[tokio::test]
async fn new_relations_of_a_served_directory_appear() {
    let folder = Folder::new();
    folder.copy("a.parquet", "SELECT 1 AS n");
    let catalog = folder.served();
    catalog.load().await.unwrap();
    folder.copy("b.parquet", "SELECT 2 AS n");
    folder.copy("A.csv", "SELECT 3 AS n, 4 AS m");
    assert_eq!(
        file_names(&relation(&catalog, "b").await.unwrap()),
        ["b.parquet"]
    );
    catalog.discover().await.unwrap();
    // `A.csv` is before `a.parquet`, but the relation `a` keeps its file.
    assert_eq!(
        file_names(&relation(&catalog, "a").await.unwrap()),
        ["a.parquet"]
    );
    assert_eq!(names(&catalog.current()).len(), 3);
}

#[tokio::test]
async fn a_directory_of_partitions_is_one_relation() {
    let folder = Folder::new();
    for k in 1..=3 {
        folder.copy(
            &format!("sales/k={k}/f.parquet"),
            &format!("SELECT {k} AS n"),
        );
    }
    let config = Config::for_directory(&folder.directory.path().join("sales")).unwrap();
    let catalog = skein_catalog::Catalog::new(&config, folder.inspect());
    catalog.load().await.unwrap();
    assert_eq!(names(&catalog.current()), ["sales"]);
    assert_eq!(relation(&catalog, "sales").await.unwrap().files.len(), 3);
}

#[tokio::test]
async fn paths_are_relations() {
    let folder = Folder::new();
    for part in 1..=3 {
        folder.copy(
            &format!("data_part_{part}.parquet"),
            &format!("SELECT {part} AS n"),
        );
    }
    folder.copy("data_part_1.extra.csv", "SELECT 1 AS n");
    folder.copy("sub/k=1/x.csv", "SELECT 1 AS n, 2 AS m");
    let catalog = folder.served();
    let root = folder.directory.path().canonicalize().unwrap();
    for (path, files) in [
        ("data_part_*.parquet", 3),
        ("data_part_*", 4),
        ("data_part_[12].parquet", 2),
        ("data_part_2", 1),
        ("sub", 1),
        ("sub/**/*.csv", 1),
        ("sub/k=1/x", 1),
    ] {
        if files == 4 {
            let error = path_relation(&catalog, path).await.unwrap_err();
            assert!(
                matches!(error, CatalogError::MixedFormats { .. }),
                "{error}"
            );
            std::fs::remove_file(folder.path("data_part_1.extra.csv")).unwrap();
            assert_eq!(path_relation(&catalog, path).await.unwrap().files.len(), 3);
            continue;
        }
        let relation = path_relation(&catalog, path).await.unwrap();
        assert_eq!(relation.files.len(), files, "{path}");
        folder.check_scans(&relation);
        let absolute = format!("{}/{path}", root.to_str().unwrap());
        assert_eq!(
            path_relation(&catalog, &absolute)
                .await
                .unwrap()
                .files
                .len(),
            files
        );
    }
    let hive = path_relation(&catalog, "sub/**").await.unwrap();
    assert_eq!(columns(&hive), ["n BIGINT", "m BIGINT", "k* BIGINT"]);
    let error = path_relation(&catalog, "data_prat_1.parquet")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CatalogError::PathUnknown { nearest: Some(nearest), .. }
            if nearest.starts_with("data_part_1")),
        "{error:?}"
    );
}

#[tokio::test]
async fn paths_do_not_leave_the_allowed_folders() {
    let folder = Folder::new();
    folder.copy("in/x.csv", "SELECT 1 AS n");
    folder.copy("out/secret.csv", "SELECT 2 AS n");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../out", folder.path("in/link")).unwrap();
        std::os::unix::fs::symlink("../out/secret.csv", folder.path("in/secret.csv")).unwrap();
        std::os::unix::fs::symlink("x.csv", folder.path("in/fine.csv")).unwrap();
    }
    let catalog = folder.catalog("[gateway]\nallow_paths = [\"in\"]\n");
    assert_eq!(
        path_relation(&catalog, "in/x.csv")
            .await
            .unwrap()
            .files
            .len(),
        1
    );
    #[cfg(unix)]
    assert_eq!(
        path_relation(&catalog, "in/fine.csv")
            .await
            .unwrap()
            .files
            .len(),
        1
    );
    let refused = [
        "out/secret.csv",
        "*/secret.csv",
        "in/../out/secret.csv",
        "/etc/passwd",
        "/**/*.csv",
        "in/link/secret.csv",
        "in/link",
        "in/*/*.csv",
        "in/secret.csv",
        "in/*.csv",
        "s3://x/y.csv",
    ];
    for path in refused {
        let error = path_relation(&catalog, path).await.unwrap_err();
        assert!(
            matches!(error, CatalogError::PathNotAllowed { .. }),
            "{path}: {error}"
        );
    }
    let closed = folder.catalog("");
    let error = path_relation(&closed, "in/x.csv").await.unwrap_err();
    assert_eq!(error.to_string(), "permission denied for path \"in/x.csv\"");
}

#[tokio::test]
async fn few_path_relations_are_remembered() {
    let folder = Folder::new();
    for part in 1..=4 {
        folder.copy(&format!("{part}.csv"), "SELECT 1 AS n, 2 AS m");
    }
    let catalog = folder.catalog(
        "[gateway]\nallow_paths = [\".\"]\n[catalog]\npath_relations_max = 2\nlisting_ttl_ms = 0\n",
    );
    for part in [1, 2, 1, 3, 1, 4] {
        path_relation(&catalog, &format!("{part}.csv"))
            .await
            .unwrap();
    }
    assert_eq!(names(&catalog.current()), ["1.csv", "4.csv"]);
}

#[tokio::test]
async fn a_thousand_files_take_few_statements() {
    let folder = Folder::new();
    folder.copy("one.parquet", "SELECT range AS n, 'x' AS s FROM range(100)");
    let bytes = std::fs::read(folder.path("one.parquet")).unwrap();
    for day in 0..1000 {
        std::fs::write(folder.path(&format!("t/day={day}/f.parquet")), &bytes).unwrap();
    }
    let relation = folder.relation("t/**/*.parquet").await;
    assert_eq!(relation.files.len(), 1000);
    // Five digests of 200 files, the columns of the one shape, the types of the Hive key.
    assert!(folder.duck.statements.load(Ordering::Relaxed) <= 12);
}

/// DuckDB whose first answer comes after a file has gone.
struct Vanishing {
    duck: Arc<support::Duck>,
    path: std::sync::Mutex<Option<String>>,
}

#[async_trait::async_trait]
impl skein_catalog::Inspect for Vanishing {
    async fn query_text(&self, sql: &str) -> Result<support::Rows, skein_catalog::InspectError> {
        if let Some(path) = self.path.lock().expect("no test panics with it").take() {
            std::fs::remove_file(path).expect("the file is there");
        }
        self.duck.query_text(sql).await
    }
}

#[tokio::test]
async fn a_file_that_goes_while_it_is_looked_at_is_passed_over() {
    let folder = Folder::new();
    folder.copy("events/1.parquet", "SELECT 1 AS n");
    folder.copy("events/2.parquet", "SELECT 2 AS n");
    let path = std::sync::Mutex::new(Some(folder.path("events/1.parquet")));
    let inspect = Vanishing {
        duck: Arc::clone(&folder.duck),
        path,
    };
    let base = folder.directory.path().canonicalize().unwrap();
    let config = Config::from_toml(EVENTS, &base).unwrap();
    let catalog = skein_catalog::Catalog::new(&config, Arc::new(inspect));
    assert_eq!(
        file_names(&relation(&catalog, "events").await.unwrap()),
        ["2.parquet"]
    );
}

#[tokio::test]
async fn errors_keep_what_duckdb_said() {
    let folder = Folder::new();
    folder.write(
        "bad.parquet",
        "not a Parquet file, but long enough to be one",
    );
    folder.write("bad.json", "{\"a\":1}\n{\"a\":\n");
    for file in ["bad.parquet", "bad.json"] {
        let error = folder.try_relation(file).await.unwrap_err();
        let CatalogError::Inspect { source, .. } = &error else {
            panic!("{error}")
        };
        let cause = source
            .0
            .downcast_ref::<skein_executor_api::FragmentError>()
            .unwrap();
        assert_eq!(
            cause.kind,
            skein_executor_api::FragmentErrorKind::Data,
            "{cause}"
        );
        assert!(error.to_string().contains(file), "{error}");
    }
}
