//! Plans as text, each of them run as well.
//!
//! A fixture makes tables with `setup`; each stands for one file of the relation that its name
//! begins with (`t_1`, `t_2`: files of `t`). `plan` prints the plan of a query, runs it stage by
//! stage on DuckDB, and fails unless the rows are those of the whole query. `plan exchange=hash` and
//! its like plan with other options. `REWRITE=1` updates the plans; read the difference before you
//! keep it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use skein_catalog::ranges::{FileRange, KeyRanges, Ranges};
use skein_catalog::relation::{Format, RelationName};
use skein_catalog::snapshot::{Column as RelationColumn, File, RelationSnapshot};
use skein_executor::engine::{Connection, Database, DatabaseOptions, Parsed};
use skein_executor_api::{Column, FragmentError, FragmentErrorKind};
use skein_planner::ast::{Query, json};
use skein_planner::ast::{TableRefKind, visit};
use skein_planner::bind::Bind;
use skein_planner::clock::bind_clock;
use skein_planner::earlier::EarlierRuns;
use skein_planner::explain;
use skein_planner::plan::{DistributedPlan, Exchange, Partitioning, Stage};
use skein_planner::split::{self, Cluster, ExchangeMode, Known, SplitMode, SplitOptions};

fn main() {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut trials: Vec<Trial> = std::fs::read_dir(&folder)
        .expect("the fixtures are beside this file")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "plan")
        })
        .map(|path| {
            let name = path
                .file_stem()
                .expect("it has an extension")
                .to_string_lossy()
                .into_owned();
            Trial::test(name, move || run(&path).map_err(Failed::from))
        })
        .collect();
    trials.sort_by(|left, right| left.name().cmp(right.name()));
    libtest_mimic::run(&arguments, trials).exit();
}

fn run(path: &Path) -> Result<(), String> {
    let mut fixture = Fixture::new();
    let mut failures = String::new();
    let path = path.to_str().ok_or("fixture paths are UTF-8")?;
    datadriven::walk(path, |file| {
        file.run(|case| match case.directive.as_str() {
            "setup" => {
                fixture.setup(&case.input);
                String::new()
            }
            "plan" => {
                let options = options(&case.args);
                fixture
                    .plan(&case.input, options)
                    .unwrap_or_else(|failure| {
                        let _ = writeln!(failures, "{}\n{failure}", case.input);
                        format!("error: {failure}\n")
                    })
            }
            other => panic!("no directive is called {other}"),
        });
    });
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

/// What `plan exchange=hash partitions=3 cluster=machines memory=1000` asks for.
fn options(args: &HashMap<String, Vec<String>>) -> SplitOptions {
    let value = |name: &str| args.get(name).and_then(|values| values.first());
    let number = |name: &str| value(name).map(|text| text.parse().expect("a number"));
    SplitOptions {
        mode: SplitMode::Always,
        exchange: match value("exchange").map(String::as_str) {
            None | Some("auto") => ExchangeMode::Auto,
            Some("gather") => ExchangeMode::Gather,
            Some("range") => ExchangeMode::Range,
            Some("broadcast") => ExchangeMode::Broadcast,
            Some("hash") => ExchangeMode::Hash,
            Some(other) => panic!("no exchange is called {other}"),
        },
        cluster: match value("cluster").map(String::as_str) {
            None => Cluster::OneMachine,
            Some("machines") => Cluster::Machines,
            Some(other) => panic!("no cluster is called {other}"),
        },
        partitions: number("partitions"),
        memory_bytes: number("memory").map(|bytes: usize| bytes as u64),
        ..SplitOptions::default()
    }
}

/// DuckDB with the tables that stand for files, and one empty table per relation.
struct Fixture {
    connection: Connection,
    relations: BTreeMap<RelationName, Arc<RelationSnapshot>>,
}

impl Fixture {
    fn new() -> Self {
        let database = Database::open(&DatabaseOptions::default()).expect("DuckDB opens");
        let connection = database.connect().expect("DuckDB connects");
        connection
            .execute("CREATE SCHEMA public; CREATE SCHEMA file")
            .expect("schemas");
        Self {
            connection,
            relations: BTreeMap::new(),
        }
    }

    /// Runs SQL in the schema of files, then derives the relations anew.
    fn setup(&mut self, sql: &str) {
        self.connection
            .execute(&format!("USE file; {sql}; USE memory.main"))
            .expect("setup runs");
        let tables = self
            .connection
            .query_text(
                "SELECT table_name, estimated_size::VARCHAR FROM duckdb_tables() \
                 WHERE schema_name = 'file' ORDER BY table_name",
            )
            .expect("tables are listed");
        let mut files: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
        for row in tables {
            let table = row[0].clone().expect("tables have names");
            let rows: u64 = row[1].as_deref().unwrap_or("0").parse().unwrap_or(0);
            let (relation, _) = table.rsplit_once('_').expect("named relation_number");
            files
                .entry(relation.to_owned())
                .or_default()
                .push((table, rows * 100));
        }
        for (relation, tables) in files {
            let first = &tables[0].0;
            self.connection
                .execute(&format!(
                    "CREATE OR REPLACE TABLE public.{relation} AS FROM file.{first} LIMIT 0"
                ))
                .expect("the shadow table is made");
            let columns = self
                .described(&format!("FROM public.{relation}"))
                .expect("described");
            let columns: Vec<RelationColumn> = columns
                .into_iter()
                .map(|Column { name, ty }| RelationColumn {
                    partition: name == "day",
                    name,
                    ty,
                })
                .collect();
            let files = tables
                .into_iter()
                .map(|(table, bytes)| Arc::new(self.file(table, bytes, &columns)))
                .collect();
            let name = RelationName {
                schema: "public".to_owned(),
                name: relation,
            };
            self.relations.insert(
                name.clone(),
                Arc::new(RelationSnapshot::uniform(
                    name,
                    Format::Parquet,
                    columns,
                    files,
                )),
            );
        }
    }

    fn file(&self, table: String, bytes: u64, columns: &[RelationColumn]) -> File {
        let mut partition = BTreeMap::new();
        for column in columns.iter().filter(|column| column.partition) {
            let sql = format!(
                "SELECT any_value({})::VARCHAR FROM file.{table}",
                column.name
            );
            let value = self.connection.query_text(&sql).expect("partition value");
            partition.insert(column.name.clone(), value[0][0].clone());
        }
        File {
            path: table,
            bytes,
            version: String::new(),
            partition,
            shape: 0,
        }
    }

    fn described(&self, sql: &str) -> Result<Vec<Column>, FragmentError> {
        Ok(self.connection.prepare(sql)?.columns().to_vec())
    }

    fn parse(&self, sql: &str) -> Result<Query, String> {
        match self.connection.parse(sql).map_err(|error| error.message)? {
            Parsed::Select(text) => {
                let mut queries = json::read(&text).map_err(|error| error.to_string())?;
                Ok(queries.remove(0))
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Gives relations their schema, as resolving does.
    fn resolve(query: &mut Query) {
        let mut ctes = Vec::new();
        visit::walk(visit::Node::Query(query), &mut |node| {
            if let visit::Node::Query(query) = node {
                ctes.extend(query.ctes.iter().map(|cte| cte.name.clone()));
            }
            visit::Descend::Into
        });
        visit::walk_mut(visit::NodeMut::Query(query), &mut |node| {
            if let visit::NodeMut::Table(table) = node
                && let TableRefKind::Table { schema, name, .. } = &mut table.kind
                && !ctes.contains(name)
            {
                "public".clone_into(schema);
            }
            visit::Descend::Into
        });
    }

    fn plan(&self, sql: &str, options: SplitOptions) -> Result<String, String> {
        let mut query = self.parse(sql)?;
        Self::resolve(&mut query);
        bind_clock(&mut query, "2026-10-01 12:00:00+00");
        let whole = self
            .described(&self.whole_sql(sql))
            .map_err(|error| error.message)?;
        let mut text = String::new();
        for executors in [2, 3] {
            let options = SplitOptions {
                executors,
                ..options
            };
            let plan = split::plan(
                &query,
                &whole,
                options,
                Known {
                    relations: &self.relations,
                    ranges: &self.ranges(options),
                    earlier: &EarlierRuns::default(),
                },
                self,
            );
            if executors == 2 {
                for line in explain::lines(&plan, &[]) {
                    let _ = writeln!(text, "{line}");
                }
            }
            self.compare(&plan, sql, executors)?;
        }
        Ok(text)
    }

    /// Ranges of every column that can have some, where they are asked for: bounds that divide its
    /// values evenly.
    fn ranges(&self, options: SplitOptions) -> Ranges {
        let mut ranges = Ranges::new();
        if options.exchange != ExchangeMode::Range {
            return ranges;
        }
        let count = options.partitions.unwrap_or(options.executors);
        for (name, relation) in &self.relations {
            let files = union(relation.files.iter().map(AsRef::as_ref), &relation.columns);
            for column in &relation.columns {
                if !["INTEGER", "BIGINT", "VARCHAR", "DATE"].contains(&column.ty.as_str()) {
                    continue;
                }
                let of = format!("\"{}\"", column.name);
                let sql = format!(
                    "SELECT DISTINCT b::VARCHAR, b FROM (SELECT {of} AS b, ntile({count}) OVER (ORDER BY {of}) AS n, \
                     row_number() OVER (ORDER BY {of}) AS r FROM (FROM {files}) t WHERE {of} IS NOT NULL) \
                     QUALIFY b = min(b) OVER (PARTITION BY n) AND n > 1 AND b > min(b) OVER () ORDER BY b"
                );
                let rows = self.connection.query_text(&sql).expect("bounds are found");
                let file = |file: &Arc<File>| {
                    let sql = format!(
                        "SELECT min({of})::VARCHAR, max({of})::VARCHAR, count({of}) < count(*) FROM file.{}",
                        file.path
                    );
                    let rows = self.connection.query_text(&sql).expect("a file is read");
                    let [least, greatest, nulls] = &rows[0][..] else {
                        panic!("three values");
                    };
                    FileRange {
                        values: least.clone().zip(greatest.clone()),
                        has_nulls: nulls.as_deref() != Some("false"),
                    }
                };
                let known = KeyRanges {
                    ty: column.ty.clone(),
                    bounds: rows.into_iter().filter_map(|row| row[0].clone()).collect(),
                    read_percent: 100,
                    files: relation.files.iter().map(file).collect(),
                };
                ranges.insert((name.clone(), column.name.to_lowercase()), Arc::new(known));
            }
        }
        ranges
    }

    /// The query over tables that hold all files of each relation, in order.
    fn whole_sql(&self, sql: &str) -> String {
        for (name, relation) in &self.relations {
            let files = union(relation.files.iter().map(AsRef::as_ref), &relation.columns);
            self.connection
                .execute(&format!(
                    "CREATE OR REPLACE TEMP TABLE {} AS FROM {files}",
                    name.name
                ))
                .expect("the table is made");
        }
        sql.to_owned()
    }

    /// Fails unless the plan's rows are those of the whole query.
    fn compare(&self, plan: &DistributedPlan, sql: &str, executors: usize) -> Result<(), String> {
        let result = self.run(plan, executors)?;
        self.execute(&format!(
            "CREATE OR REPLACE TEMP TABLE __whole AS {}",
            self.whole_sql(sql)
        ))?;
        let columns = self
            .described("FROM __whole")
            .map_err(|error| error.message)?;
        let names: Vec<String> = (0..columns.len())
            .map(|index| format!("c{index}"))
            .collect();
        let list: Vec<String> = names
            .iter()
            .zip(&columns)
            .map(|(name, column)| {
                if column.ty == "DOUBLE" || column.ty == "FLOAT" {
                    // As text with fewer digits: sums of other order differ in the last ones.
                    format!("format('{{:.9e}}', round({name}, 9) + 0) AS {name}")
                } else {
                    format!("{name}::VARCHAR AS {name}")
                }
            })
            .collect();
        let (list, names) = (list.join(", "), names.join(", "));
        let side = |table: &str| format!("SELECT {list} FROM {table} AS x({names})");
        for (more, less, what) in [
            ("__whole", result.as_str(), "missing"),
            (result.as_str(), "__whole", "added"),
        ] {
            let sql = format!("({} EXCEPT ALL {}) LIMIT 3", side(more), side(less));
            let rows = self
                .connection
                .query_text(&sql)
                .map_err(|error| error.message)?;
            if !rows.is_empty() {
                let lines = explain::lines(plan, &[]).join("\n");
                return Err(format!(
                    "{executors} executors: rows {what}: {rows:?}\n{lines}"
                ));
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<(), String> {
        self.connection
            .execute(sql)
            .map_err(|error| format!("{}\n{sql}", error.message))
    }

    /// Runs every stage into a table and gives the name of the last one.
    fn run(&self, plan: &DistributedPlan, executors: usize) -> Result<String, String> {
        for (index, stage) in plan.stages.iter().enumerate() {
            let table = format!("__s{index}");
            let fragments = match &stage.partitioning {
                Partitioning::Single => 1,
                Partitioning::ByFile { .. } => executors,
                Partitioning::ByHash { fragments } => fragments.unwrap_or(executors),
                Partitioning::ByRange { fragments, .. } => *fragments,
            };
            if let Partitioning::ByHash { .. } = stage.partitioning {
                self.check_hashed(plan, stage)?;
            }
            for fragment in 0..fragments {
                self.take_parts(stage, fragment, fragments)?;
                let sql = self.fragment_sql(stage, fragment, fragments)?;
                if fragment == 0 {
                    // What an expression is called may depend on how its scans are written.
                    let names: Vec<String> = stage
                        .columns
                        .iter()
                        .map(|column| format!("\"{}\"", column.name.replace('"', "\"\"")))
                        .collect();
                    let names = names.join(", ");
                    self.execute(&format!(
                        "CREATE OR REPLACE TEMP TABLE {table} AS FROM ({sql}) AS __r({names})"
                    ))?;
                } else {
                    self.execute(&format!("INSERT INTO {table} {sql}"))?;
                }
            }
            let described = self
                .described(&format!("FROM {table}"))
                .map_err(|error| error.message)?;
            let types = |columns: &[Column]| -> Vec<String> {
                columns.iter().map(|column| column.ty.clone()).collect()
            };
            if types(&described) != types(&stage.columns) {
                return Err(format!(
                    "stage {index} says {:?}, gives {described:?}",
                    stage.columns
                ));
            }
        }
        Ok(format!("__s{}", plan.stages.len() - 1))
    }

    /// Fails unless the inputs of a stage are what [`Partitioning::ByHash`] promises.
    fn check_hashed(&self, plan: &DistributedPlan, stage: &Stage) -> Result<(), String> {
        let mut hashed = 0;
        for input in &stage.inputs {
            let column = match &input.exchange {
                Exchange::Hash { column } => column,
                Exchange::Broadcast => continue,
                Exchange::Gather => return Err("fragments of a hash gather rows".into()),
            };
            hashed += 1;
            let first = &plan.stages[input.stage].columns[0];
            if first.name != *column || first.ty != "INTEGER" {
                return Err(format!("the first column is no hash: {first:?}"));
            }
            let wrong = self
                .connection
                .query_text(&format!(
                    "FROM __s{} WHERE {column} IS NULL OR {column} < 0 LIMIT 1",
                    input.stage
                ))
                .map_err(|error| error.message)?;
            if !wrong.is_empty() {
                return Err(format!("hashes that are none: {wrong:?}"));
            }
        }
        if hashed == 0 {
            return Err("fragments of a hash without rows that come by hash".into());
        }
        Ok(())
    }

    /// Puts the rows of one fragment in place of inputs that come by hash. No other stage reads them.
    fn take_parts(&self, stage: &Stage, fragment: usize, fragments: usize) -> Result<(), String> {
        for input in &stage.inputs {
            if let Exchange::Hash { column } = &input.exchange {
                let name = &input.spec.name;
                if fragment == 0 && fragments > 1 {
                    self.execute(&format!(
                        "CREATE OR REPLACE TEMP TABLE all{name} AS FROM {name}"
                    ))?;
                }
                if fragments > 1 {
                    self.execute(&format!(
                        "CREATE OR REPLACE TEMP TABLE {name} AS \
                         FROM all{name} WHERE {column} % {fragments} = {fragment}"
                    ))?;
                }
            }
        }
        Ok(())
    }

    /// The text of one fragment: contiguous runs of files, each scan a table that holds its rows in
    /// the order of files.
    fn fragment_sql(
        &self,
        stage: &Stage,
        fragment: usize,
        fragments: usize,
    ) -> Result<String, String> {
        let mut tables = Vec::new();
        for (index, scan) in stage.scans.iter().enumerate() {
            let divided = match &stage.partitioning {
                Partitioning::Single
                | Partitioning::ByHash { .. }
                | Partitioning::ByRange { .. } => false,
                Partitioning::ByFile { scans, .. } => scans.contains(&index),
            };
            let list = match &stage.partitioning {
                Partitioning::ByRange { files, .. } => {
                    files.get(&index).map(|lists| &lists[fragment])
                }
                _ => None,
            };
            let files = list.unwrap_or(&scan.files);
            let files = files.iter().enumerate().filter(|(number, _)| {
                !divided || number * fragments / scan.files.len() == fragment
            });
            let rows = union(files.map(|(_, file)| file.as_ref()), &scan.relation.columns);
            let table = format!("__scan{index}");
            self.execute(&format!(
                "CREATE OR REPLACE TEMP TABLE {table} AS FROM {rows}"
            ))?;
            tables.push(table);
        }
        Ok(stage.template.render(&tables, fragment))
    }
}

impl Bind for Fixture {
    fn describe(&self, sql: &str) -> Result<Vec<Column>, FragmentError> {
        self.described(sql)
    }

    fn indices(&self, sql: &str) -> Result<Vec<usize>, FragmentError> {
        self.connection
            .query_text(sql)?
            .into_iter()
            .map(|row| {
                row[0]
                    .as_deref()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| FragmentError {
                        kind: FragmentErrorKind::Internal,
                        message: "no index".to_owned(),
                        position: None,
                    })
            })
            .collect()
    }
}

fn union<'a>(files: impl Iterator<Item = &'a File>, columns: &[RelationColumn]) -> String {
    let parts: Vec<String> = files
        .map(|file| format!("FROM file.{}", file.path))
        .collect();
    if parts.is_empty() {
        let columns: Vec<String> = columns
            .iter()
            .map(|column| format!("NULL::{} AS \"{}\"", column.ty, column.name))
            .collect();
        return format!("(SELECT {} WHERE false)", columns.join(", "));
    }
    format!("({})", parts.join(" UNION ALL "))
}
