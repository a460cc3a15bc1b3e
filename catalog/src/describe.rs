//! Finds out what files look like, many per statement, and remembers it per file version.
//!
//! | format | question to DuckDB |
//! |---|---|
//! | Parquet | a digest of `parquet_schema` per file, then one DESCRIBE per new digest |
//! | CSV | `sniff_csv` per file, twice where the sample has no quoted text |
//! | JSON | DESCRIBE per file; where there are dates, whether they can be read without a sample |
//!
//! Invariants: the answer for a file depends on the file alone, not on the others that are asked
//! about with it. At most `describe_parallel_max` statements run at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, TryStreamExt};

use crate::error::InspectError;
use crate::inspect::Inspect;
use crate::listing::Listed;
use crate::pattern::escape;
use crate::relation::Format;
use crate::scan::{Dialect, Shape, column_struct};
use crate::sql;

/// Version and shape of a file.
type Remembered = (String, Arc<Shape>);

/// Files of a chunk whose rows are counted, to estimate those of the others.
const COUNTED_FILES_MAX: usize = 16;

/// Allows quotes in a CSV file whose sample has none.
const QUOTED: &str = ", quote = '\"', escape = '\"'";

type Rows = Vec<Vec<Option<String>>>;

/// Asks DuckDB about files.
pub(crate) struct Describer {
    pub(crate) inspect: Arc<dyn Inspect>,
    sample_rows: i64,
    files_per_statement: usize,
    parallel: tokio::sync::Semaphore,
    parallel_max: usize,
    remembered_max: usize,
    remembered: Mutex<HashMap<(Format, String), Remembered>>,
    /// Parquet shapes by digest of their schema.
    digests: Mutex<BTreeMap<String, Arc<Shape>>>,
    /// Versions of Parquet files, and how many rows they have.
    counted: Mutex<HashMap<String, (String, u64)>>,
}

impl Describer {
    pub(crate) fn new(inspect: Arc<dyn Inspect>, config: &skein_config::Catalog) -> Self {
        Self {
            inspect,
            sample_rows: config.sample_rows,
            files_per_statement: config.describe_files_max,
            parallel: tokio::sync::Semaphore::new(config.describe_parallel_max),
            parallel_max: config.describe_parallel_max,
            remembered_max: config.files_max.saturating_mul(2),
            remembered: Mutex::default(),
            digests: Mutex::default(),
            counted: Mutex::default(),
        }
    }

    /// About how many rows files have: those of Parquet files whose footers were read, and as many
    /// for as many bytes in the others. `None` for other formats.
    pub(crate) fn rows(&self, format: Format, files: &[&Listed]) -> Option<u64> {
        if format != Format::Parquet {
            return None;
        }
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rows, mut bytes) = (0_u64, 0_u64);
        for file in files {
            if let Some((_, count)) = counted
                .get(&file.path)
                .filter(|(version, _)| *version == file.version)
            {
                rows += count;
                bytes += file.bytes;
            }
        }
        let all: u64 = files.iter().map(|file| file.bytes).sum();
        if bytes == 0 {
            return (all == 0).then_some(0);
        }
        u64::try_from(u128::from(rows) * u128::from(all) / u128::from(bytes)).ok()
    }

    /// Reads how many rows some of `files` have. That this fails is no reason to fail.
    async fn count_rows(&self, files: &[&Listed]) {
        let some = &files[..files.len().min(COUNTED_FILES_MAX)];
        let sql = format!(
            "SELECT file_name, num_rows FROM parquet_file_metadata({})",
            sql::paths(some.iter().map(|file| file.path.as_str()))
        );
        let Ok(found) = self.query(&sql).await else {
            return;
        };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() > self.remembered_max {
            counted.clear();
        }
        for row in found {
            let path = text(&row, 0);
            if let (Some(file), Ok(count)) = (
                some.iter().find(|file| file.path == path),
                text(&row, 1).parse(),
            ) {
                counted.insert(path, (file.version.clone(), count));
            }
        }
    }

    /// Shapes of `files`, in their order.
    pub(crate) async fn describe(
        &self,
        format: Format,
        files: &[&Listed],
    ) -> Result<Vec<Arc<Shape>>, InspectError> {
        let unknown: Vec<&Listed> = files
            .iter()
            .copied()
            .filter(|file| self.recall(format, file).is_none())
            .collect();
        let chunks: Vec<&[&Listed]> = unknown.chunks(self.files_per_statement).collect();
        let asked: Vec<_> = chunks
            .iter()
            .map(|chunk| self.describe_chunk(format, chunk))
            .collect();
        let described: Vec<Vec<Arc<Shape>>> = futures::stream::iter(asked)
            .buffered(self.parallel_max)
            .try_collect()
            .await?;
        let mut fresh: HashMap<&str, Arc<Shape>> = HashMap::new();
        for (chunk, shapes) in chunks.into_iter().zip(described) {
            for (file, shape) in chunk.iter().zip(shapes) {
                self.remember(format, file, &shape);
                fresh.insert(&file.path, shape);
            }
        }
        let shape_of = |file: &&Listed| {
            let shape = fresh.get(file.path.as_str()).cloned();
            shape
                .or_else(|| self.recall(format, file))
                .unwrap_or_default()
        };
        Ok(files.iter().map(shape_of).collect())
    }

    async fn describe_chunk(
        &self,
        format: Format,
        files: &[&Listed],
    ) -> Result<Vec<Arc<Shape>>, InspectError> {
        match format {
            Format::Parquet => self.parquet(files).await,
            Format::Csv => self.csv(files).await,
            Format::Json => self.json(files).await,
        }
    }

    /// Runs one statement within the limit.
    pub(crate) async fn query(&self, sql: &str) -> Result<Rows, InspectError> {
        let _permit = self
            .parallel
            .acquire()
            .await
            .expect("the semaphore is never closed");
        self.inspect.query_text(sql).await
    }

    /// Columns of all `files` together, as DuckDB merges JSON documents.
    pub(crate) async fn merged_json(
        &self,
        files: &[&Listed],
    ) -> Result<Vec<(String, String)>, InspectError> {
        let rows = self
            .query(&format!(
                "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_json({}, \
                 sample_size = {}, maximum_sample_files = {}, hive_partitioning = false))",
                sql::paths(files.iter().map(|file| file.path.as_str())),
                self.sample_rows,
                files.len()
            ))
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (text(&row, 0), text(&row, 1)))
            .collect())
    }

    async fn parquet(&self, files: &[&Listed]) -> Result<Vec<Arc<Shape>>, InspectError> {
        // A row as text keeps NULL and empty apart.
        let rows = self
            .query(&format!(
                "SELECT file_name, md5(string_agg(row(name, type, type_length, repetition_type, \
                 num_children, converted_type, scale, \"precision\", field_id, logical_type, \
                 duckdb_type)::VARCHAR, chr(10) ORDER BY column_id)) \
                 FROM parquet_schema({}) GROUP BY file_name",
                sql::paths(files.iter().map(|file| file.path.as_str()))
            ))
            .await?;
        self.count_rows(files).await;
        let digest_of: HashMap<String, String> = rows
            .into_iter()
            .map(|row| (text(&row, 0), text(&row, 1)))
            .collect();
        let mut unknown: BTreeMap<&String, &Listed> = BTreeMap::new();
        {
            let digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
            for file in files {
                if let Some(digest) = digest_of.get(&file.path)
                    && !digests.contains_key(digest)
                {
                    unknown.entry(digest).or_insert(file);
                }
            }
        }
        let representatives: Vec<&Listed> = unknown.values().copied().collect();
        let shapes = self
            .describe_each(&representatives, |path| {
                format!("read_parquet({path}, hive_partitioning = false)")
            })
            .await?;
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if digests.len() > self.remembered_max {
            digests.clear();
        }
        digests.extend(unknown.into_keys().cloned().zip(shapes));
        let shape_of = |file: &&Listed| {
            digest_of
                .get(&file.path)
                .and_then(|digest| digests.get(digest))
                .cloned()
        };
        Ok(files
            .iter()
            .map(|file| shape_of(file).unwrap_or_default())
            .collect())
    }

    async fn json(&self, files: &[&Listed]) -> Result<Vec<Arc<Shape>>, InspectError> {
        let mut shapes = self
            .describe_each(files, |path| {
                format!(
                    "read_json({path}, sample_size = {}, hive_partitioning = false)",
                    self.sample_rows
                )
            })
            .await?;
        for (file, shape) in files.iter().zip(&mut shapes) {
            let has_dates = |(_, ty): &(String, String)| ty.contains("DATE") || ty.contains("TIME");
            if shape.columns.iter().any(has_dates) && !self.reads_dates(file, shape).await {
                let sample_rows = Some(self.sample_rows);
                let sampled = Shape {
                    dates_need_sample: sample_rows,
                    ..(**shape).clone()
                };
                *shape = Arc::new(sampled);
            }
        }
        Ok(shapes)
    }

    /// Whether DuckDB reads the dates of a JSON file as well when it is told the types as when it
    /// finds them by itself.
    async fn reads_dates(&self, file: &Listed, shape: &Shape) -> bool {
        let path = sql::literal(&escape(&file.path));
        let limit = if self.sample_rows < 0 {
            String::new()
        } else {
            format!("LIMIT {}", self.sample_rows)
        };
        let options = "hive_partitioning = false";
        let question = format!(
            "SELECT count(*) FROM (\
             (SELECT * FROM read_json({path}, sample_size = {}, {options}) {limit}) EXCEPT ALL \
             (SELECT * FROM read_json({path}, columns = {}, format = 'auto', {options}) {limit}))",
            self.sample_rows,
            column_struct(&shape.columns),
        );
        match self.query(&question).await {
            Ok(rows) => rows.first().is_some_and(|row| text(row, 0) == "0"),
            Err(_) => false,
        }
    }

    /// DESCRIBE of each file by itself, in one statement.
    async fn describe_each(
        &self,
        files: &[&Listed],
        read: impl Fn(&str) -> String,
    ) -> Result<Vec<Arc<Shape>>, InspectError> {
        let mut shapes = vec![Shape::default(); files.len()];
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let parts: Vec<String> = files
            .iter()
            .enumerate()
            .map(|(index, file)| {
                format!(
                    "SELECT {index}, column_name, column_type FROM (DESCRIBE SELECT * FROM {})",
                    read(&sql::literal(&escape(&file.path)))
                )
            })
            .collect();
        for row in self.query(&parts.join(" UNION ALL ")).await? {
            if let Some(shape) = text(&row, 0)
                .parse()
                .ok()
                .and_then(|i: usize| shapes.get_mut(i))
            {
                shape.columns.push((text(&row, 1), text(&row, 2)));
            }
        }
        Ok(shapes.into_iter().map(Arc::new).collect())
    }

    async fn csv(&self, files: &[&Listed]) -> Result<Vec<Arc<Shape>>, InspectError> {
        let mut shapes = self.sniff(files, "").await?;
        // A sample without quotes says nothing about the rest of the file. Unless that changes what
        // is read, the usual quotes are allowed.
        let unquoted: Vec<usize> = (0..shapes.len())
            .filter(|i| {
                shapes[*i]
                    .dialect
                    .as_ref()
                    .is_some_and(|d| d.quote.is_empty())
            })
            .collect();
        let asked: Vec<&Listed> = unquoted.iter().map(|index| files[*index]).collect();
        let mut quoted: Vec<Option<Shape>> = Vec::new();
        if let Ok(shapes) = self.sniff(&asked, QUOTED).await {
            quoted.extend(shapes.into_iter().map(Some));
        } else {
            for file in &asked {
                quoted.push(
                    self.sniff(&[file], QUOTED)
                        .await
                        .ok()
                        .and_then(|mut found| found.pop()),
                );
            }
        }
        for (index, quoted) in unquoted.into_iter().zip(quoted) {
            if let Some(quoted) = quoted
                && quoted.columns == shapes[index].columns
            {
                shapes[index] = quoted;
            }
        }
        for shape in &mut shapes {
            if let Some(dialect) = &mut shape.dialect
                && dialect.escape.is_empty()
            {
                dialect.escape.clone_from(&dialect.quote);
            }
        }
        Ok(shapes.into_iter().map(Arc::new).collect())
    }

    async fn sniff(&self, files: &[&Listed], options: &str) -> Result<Vec<Shape>, InspectError> {
        let mut shapes = vec![Shape::default(); files.len()];
        if files.is_empty() {
            return Ok(shapes);
        }
        let parts: Vec<String> = files
            .iter()
            .enumerate()
            .map(|(index, file)| {
                format!(
                    "SELECT {index}, Delimiter, Quote, Escape, NewLineDelimiter, Comment, SkipRows, \
                     HasHeader, DateFormat, TimestampFormat, c.name, c.type \
                     FROM (SELECT *, unnest(Columns) AS c FROM sniff_csv({}, sample_size = {}{options}))",
                    sql::literal(&escape(&file.path)),
                    self.sample_rows
                )
            })
            .collect();
        for row in self.query(&parts.join(" UNION ALL ")).await? {
            let Some(shape) = text(&row, 0)
                .parse()
                .ok()
                .and_then(|i: usize| shapes.get_mut(i))
            else {
                continue;
            };
            shape.dialect.get_or_insert_with(|| Dialect {
                delimiter: sniffed(&row, 1),
                quote: sniffed(&row, 2),
                escape: sniffed(&row, 3),
                new_line: sniffed(&row, 4),
                comment: sniffed(&row, 5),
                skip: text(&row, 6),
                header: text(&row, 7),
                date_format: row.get(8).cloned().flatten(),
                timestamp_format: row.get(9).cloned().flatten(),
            });
            shape.columns.push((text(&row, 10), text(&row, 11)));
        }
        Ok(shapes)
    }

    fn recall(&self, format: Format, file: &Listed) -> Option<Arc<Shape>> {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (version, shape) = remembered.get(&(format, file.path.clone()))?;
        (*version == file.version).then(|| Arc::clone(shape))
    }

    fn remember(&self, format: Format, file: &Listed, shape: &Arc<Shape>) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= self.remembered_max {
            remembered.clear();
        }
        let known = (file.version.clone(), Arc::clone(shape));
        remembered.insert((format, file.path.clone()), known);
    }
}

fn text(row: &[Option<String>], index: usize) -> String {
    row.get(index).cloned().flatten().unwrap_or_default()
}

/// What `sniff_csv` prints for no character at all is a word.
fn sniffed(row: &[Option<String>], index: usize) -> String {
    let found = text(row, index);
    if found == "(empty)" {
        String::new()
    } else {
        found
    }
}
