//! Rows of other stages as relations in SQL.
//!
//! Each input is a temporary view that casts the columns of a table function to the declared types.
//! The table function finds its rows by an id in [`Feeds`]: either batches in memory, which can be
//! read any number of times, or the rest of a channel, which can be read once. DuckDB tells how
//! often a statement reads an input only while planning it, so a channel that turned out to be read
//! twice is then copied to a temporary table.
//!
//! Invariants: a channel that closes without [`FeedMessage::End`] is an error, never an end. The
//! first error of an input is kept as it was, since DuckDB would only pass its text on.

mod function;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use skein_executor_api::{Column, FragmentError, FragmentErrorKind};
use tokio::sync::mpsc::Receiver;

pub(super) use function::register;

use super::arrow_data::{Import, vector_rows};
use super::connection::Connection;
use super::database::RawDatabase;
use super::identifier;
use super::types::LogicalType;

/// Rows of an input that are still to come.
pub type Feed = Receiver<FeedMessage>;

/// What comes through a [`Feed`].
#[derive(Debug)]
pub enum FeedMessage {
    /// Rows.
    Batch(RecordBatch),
    /// The input failed. Nothing follows.
    Error(FragmentError),
    /// The input is complete. Nothing follows.
    End,
}

/// Where the rows of an input are.
#[derive(Debug)]
pub enum InputRows {
    /// All in memory.
    Kept(Vec<RecordBatch>),
    /// Some in memory, at least one batch, the rest in a channel.
    Streamed {
        /// Those that have come already.
        first: VecDeque<RecordBatch>,
        /// The others.
        rest: Feed,
        /// How many rows to expect in all, for DuckDB's join order.
        rows_estimate: u64,
    },
}

/// A relation made of another stage's rows.
#[derive(Debug)]
pub struct Input {
    /// Its name in SQL.
    pub name: String,
    /// Its columns; those of the rows are cast to these types, by position.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: InputRows,
}

/// Inputs of an instance by id.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    last_id: AtomicU64,
    sources: Mutex<BTreeMap<u64, Arc<Source>>>,
}

/// What the table function reads.
pub(super) struct Source {
    import: Import,
    /// Rows expected, and whether that is their number.
    cardinality: (u64, bool),
    rows: Mutex<SourceRows>,
    bind_count: AtomicU64,
    failure: Mutex<Option<FragmentError>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("cardinality", &self.cardinality)
            .finish_non_exhaustive()
    }
}

enum SourceRows {
    Kept(Arc<Vec<RecordBatch>>),
    Streamed(VecDeque<RecordBatch>, Feed),
    Taken,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn internal(message: impl Into<String>) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message: message.into(),
        position: None,
    }
}

/// One pass over a source.
struct Cursor {
    rows: CursorRows,
    /// A batch that is longer than a vector, and how many of its rows were read.
    current: Option<(RecordBatch, usize)>,
}

enum CursorRows {
    Kept(Arc<Vec<RecordBatch>>, usize),
    Streamed(VecDeque<RecordBatch>, Feed),
    Ended,
}

impl Source {
    /// Begins a pass; a channel allows one.
    fn cursor(&self) -> Result<Cursor, FragmentError> {
        let mut rows = locked(&self.rows);
        let rows = match std::mem::replace(&mut *rows, SourceRows::Taken) {
            SourceRows::Kept(batches) => {
                *rows = SourceRows::Kept(Arc::clone(&batches));
                CursorRows::Kept(batches, 0)
            }
            SourceRows::Streamed(first, rest) => CursorRows::Streamed(first, rest),
            SourceRows::Taken => return Err(internal("an input was read more than once")),
        };
        Ok(Cursor {
            rows,
            current: None,
        })
    }

    /// Whether rows are in a channel that nobody has begun to read.
    fn is_streamed(&self) -> bool {
        matches!(&*locked(&self.rows), SourceRows::Streamed(..))
    }

    fn keep_in_memory(&self) -> Result<(), FragmentError> {
        let mut cursor = self.cursor()?;
        let mut batches = Vec::new();
        loop {
            match cursor.next_batch() {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) => break,
                Err(error) => {
                    self.fail(error.clone());
                    return Err(error);
                }
            }
        }
        *locked(&self.rows) = SourceRows::Kept(Arc::new(batches));
        Ok(())
    }

    /// Keeps the first error, and hands on its text.
    fn fail(&self, error: FragmentError) -> String {
        let message = error.message.clone();
        locked(&self.failure).get_or_insert(error);
        message
    }
}

impl Cursor {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, FragmentError> {
        match &mut self.rows {
            CursorRows::Kept(batches, index) => {
                *index += 1;
                Ok(batches.get(*index - 1).cloned())
            }
            CursorRows::Streamed(first, rest) => {
                if let Some(batch) = first.pop_front() {
                    return Ok(Some(batch));
                }
                match rest.blocking_recv() {
                    Some(FeedMessage::Batch(batch)) => return Ok(Some(batch)),
                    Some(FeedMessage::Error(error)) => {
                        self.rows = CursorRows::Ended;
                        return Err(error);
                    }
                    Some(FeedMessage::End) => {}
                    None => return Err(internal("an input ended without its end mark")),
                }
                self.rows = CursorRows::Ended;
                Ok(None)
            }
            CursorRows::Ended => Ok(None),
        }
    }

    /// At most a vector's rows, at least one; `None` at the end.
    fn next_slice(&mut self) -> Result<Option<RecordBatch>, FragmentError> {
        let (batch, read) = match self.current.take() {
            Some(current) => current,
            None => loop {
                match self.next_batch()? {
                    Some(batch) if batch.num_rows() == 0 => {}
                    Some(batch) => break (batch, 0),
                    None => return Ok(None),
                }
            },
        };
        let rows = vector_rows().min(batch.num_rows() - read);
        let slice = batch.slice(read, rows);
        if read + rows < batch.num_rows() {
            self.current = Some((batch, read + rows));
        }
        Ok(Some(slice))
    }
}

/// An input that is visible on a connection until it is detached or the connection is closed. Its
/// rows are let go with this value.
#[derive(Debug)]
pub struct AttachedInput {
    name: String,
    columns: Vec<Column>,
    /// A temporary table that its rows were copied to.
    table: Option<String>,
    /// `None`: an input without any rows, whose batches have no schema.
    source: Option<(u64, Arc<Source>)>,
    database: Arc<RawDatabase>,
}

impl Drop for AttachedInput {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.source {
            locked(&self.database.feeds.sources).remove(id);
        }
    }
}

impl AttachedInput {
    /// Whether the statements planned since would read a channel more than once.
    pub fn needs_table(&self) -> bool {
        let Some((_, source)) = &self.source else {
            return false;
        };
        source.is_streamed() && source.bind_count.load(Ordering::SeqCst) > 1
    }

    /// The error that the input's rows ended with.
    pub fn failure(&self) -> Option<FragmentError> {
        locked(&self.source.as_ref()?.1.failure).clone()
    }

    /// The view that gives the columns their names and types.
    fn view(&self, from: &str) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let Some((_, source)) = &self.source else {
                    return format!(
                        "CAST(NULL AS {}) AS {}",
                        column.ty,
                        identifier(&column.name)
                    );
                };
                match source.import.types[index].sql() {
                    Some(ty) if ty == column.ty => {
                        format!("c{index} AS {}", identifier(&column.name))
                    }
                    _ => format!(
                        "CAST(c{index} AS {}) AS {}",
                        column.ty,
                        identifier(&column.name)
                    ),
                }
            })
            .collect();
        let name = identifier(&self.name);
        format!(
            "CREATE OR REPLACE TEMP VIEW {name} AS SELECT {} {from}",
            columns.join(", ")
        )
    }
}

impl Connection {
    /// Makes rows of another stage visible under a name.
    pub fn attach_input(&self, input: Input) -> Result<AttachedInput, FragmentError> {
        let first = match &input.rows {
            InputRows::Kept(batches) => batches.first(),
            InputRows::Streamed { first, .. } => first.front(),
        };
        let database = Arc::clone(&self.raw.database);
        let mut attached = AttachedInput {
            name: input.name,
            columns: input.columns,
            table: None,
            source: None,
            database,
        };
        let Some(schema) = first.map(RecordBatch::schema) else {
            if matches!(input.rows, InputRows::Streamed { .. }) {
                return Err(internal("a streamed input has no first batch"));
            }
            self.execute(&attached.view("WHERE false"))?;
            return Ok(attached);
        };
        if schema.fields().len() != attached.columns.len() || attached.columns.is_empty() {
            return Err(internal(format!(
                "input {} has {} columns, and its rows have {}",
                attached.name,
                attached.columns.len(),
                schema.fields().len()
            )));
        }
        let (cardinality, rows) = match input.rows {
            InputRows::Kept(batches) => {
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                ((rows as u64, true), SourceRows::Kept(Arc::new(batches)))
            }
            InputRows::Streamed {
                first,
                rest,
                rows_estimate,
            } => ((rows_estimate, false), SourceRows::Streamed(first, rest)),
        };
        let source = Arc::new(Source {
            import: Import::new(&self.raw, &schema)?,
            cardinality,
            rows: Mutex::new(rows),
            bind_count: AtomicU64::new(0),
            failure: Mutex::new(None),
        });
        let feeds = &self.raw.database.feeds;
        let id = feeds.last_id.fetch_add(1, Ordering::SeqCst) + 1;
        locked(&feeds.sources).insert(id, Arc::clone(&source));
        attached.source = Some((id, Arc::clone(&source)));
        self.execute(&attached.view(&format!("FROM {}({id}::UBIGINT)", function::NAME)))?;
        source.bind_count.store(0, Ordering::SeqCst);
        Ok(attached)
    }

    /// Copies the rows of a channel to a temporary table, so that they can be read again. Blocks
    /// until the input has ended. Statements that were planned before have to be planned again.
    pub fn keep_input(&self, input: &mut AttachedInput) -> Result<(), FragmentError> {
        let Some((id, source)) = &input.source else {
            return Ok(());
        };
        if !source.import.types.iter().all(LogicalType::is_storable) {
            return source.keep_in_memory();
        }
        let (table, function) = (format!("skein_input_{id}"), function::NAME);
        self.execute(&format!(
            "CREATE TEMP TABLE {table} AS FROM {function}({id}::UBIGINT)"
        ))?;
        let view = input.view(&format!("FROM {table}"));
        input.table = Some(table);
        self.execute(&view)
    }

    /// Takes inputs off the connection, which then has no trace of them.
    pub fn detach_inputs(&self, inputs: &[AttachedInput]) -> Result<(), FragmentError> {
        let drop = |input: &AttachedInput| {
            let view = format!("DROP VIEW temp.main.{};", identifier(&input.name));
            let table = input.table.as_ref();
            let table = table.map(|table| format!("DROP TABLE temp.main.{table};"));
            view + &table.unwrap_or_default()
        };
        let sql: String = inputs.iter().map(drop).collect();
        self.execute(&sql)
    }
}
