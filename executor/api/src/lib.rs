//! What an executor is asked to do, and how it answers.
//!
//! A [`Fragment`] is one SQL text over files and inputs; an [`Executor`] runs it and streams Arrow
//! batches. Embedded executors implement the trait on a pool of DuckDB connections; executors in
//! other processes take the same fragments. Nothing here knows the PostgreSQL protocol, the
//! catalog, or DuckDB's interface.
//!
//! Invariants: dropping a [`BatchStream`] stops the fragment. A stream that ends without an error
//! has delivered every row; a truncated answer is always an error.

pub mod functions;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::time::Instant;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use futures::Stream;

/// The memory that the rows of a batch take, in bytes. What came over a network shares one piece of memory among
/// all columns, which [`RecordBatch::get_array_memory_size`] counts for each of them anew.
pub fn batch_bytes(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    let bytes = columns.map(|column| match column.data_type() {
        // Their texts are not in the slice.
        DataType::Utf8View | DataType::BinaryView => column.get_array_memory_size(),
        _ => {
            let slice = column.to_data().get_slice_memory_size();
            slice.unwrap_or_else(|_| column.get_array_memory_size())
        }
    });
    bytes.sum()
}

/// SQL with holes for the files that a fragment reads.
///
/// A stage has one template; its fragments differ only in what fills the holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqlTemplate {
    /// Text and holes in order.
    pub parts: Vec<SqlPart>,
}

/// A piece of a [`SqlTemplate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlPart {
    /// SQL text.
    Text(String),
    /// The rows of a relation's files: a parenthesised query or a table function call, without
    /// alias. Index into the stage's scans.
    Scan(usize),
    /// The ordinal of the fragment in its stage, as an integer literal.
    FragmentIndex,
}

impl SqlTemplate {
    /// Fills the holes: `scans[i]` is the SQL of scan `i`.
    ///
    /// # Panics
    /// When the template names a scan that is not given, which is a bug of the planner.
    pub fn render(&self, scans: &[String], fragment_index: usize) -> String {
        let mut sql = String::new();
        for part in &self.parts {
            match part {
                SqlPart::Text(text) => sql.push_str(text),
                SqlPart::Scan(index) => sql.push_str(&scans[*index]),
                SqlPart::FragmentIndex => sql.push_str(&fragment_index.to_string()),
            }
        }
        sql
    }
}

/// A result column as DuckDB describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// DuckDB's name of its type, complete: `DECIMAL(15,2)`, `STRUCT(a INTEGER)[]`, `ENUM('a')`.
    pub ty: String,
}

/// One SQL text and everything needed to run it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// Shown in logs, EXPLAIN ANALYZE and errors: statement, stage and ordinal.
    pub id: FragmentId,
    /// Complete SQL for DuckDB. Inputs appear under their names.
    pub sql: String,
    /// Rows of other stages, in the order of `Executor::run`'s streams.
    pub inputs: Vec<InputSpec>,
    /// Settings of the session that change results, such as `TimeZone`; name to value.
    pub settings: BTreeMap<String, String>,
    /// About how many rows the hash table of a join may have; 0 if nothing is joined. Where this is more
    /// than an executor fills within its time to stop, it makes the table in parts.
    pub joined_rows: u64,
    /// When the statement has to be over; `None`: no limit.
    pub deadline: Option<Instant>,
}

/// Which statement, stage and fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FragmentId {
    /// Unique per running statement of a gateway.
    pub statement: u64,
    /// Stage of the plan.
    pub stage: usize,
    /// Ordinal in the stage.
    pub index: usize,
}

impl fmt::Display for FragmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.statement, self.stage, self.index)
    }
}

/// Rows that a fragment reads from another stage, as a relation called `name`.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Its name in the SQL.
    pub name: String,
    /// Its columns, with DuckDB's types; batches are cast to them.
    pub columns: Vec<Column>,
    /// The SQL names it more than once, so that rows have to be kept.
    pub reread: bool,
    /// How many rows to expect, for DuckDB's join order.
    pub rows_estimate: u64,
}

/// Arrow batches of one fragment; ends with `None` only when complete. Dropping it cancels.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, FragmentError>> + Send>>;

/// Runs fragments.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Its name for placement, EXPLAIN and logs; stable over restarts.
    fn name(&self) -> &str;

    /// Starts `fragment`. `inputs` are the streams of `fragment.inputs`, in order. Returns when the
    /// first batch is there or the fragment has ended, so that an early error is an `Err`.
    async fn run(
        &self,
        fragment: Fragment,
        inputs: Vec<BatchStream>,
    ) -> Result<BatchStream, FragmentError>;
}

/// Why a fragment failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct FragmentError {
    /// Who is at fault.
    pub kind: FragmentErrorKind,
    /// DuckDB's message without its type prefix and without the quoted line of SQL.
    pub message: String,
    /// Byte offset in the SQL that was run, when DuckDB gave one.
    pub position: Option<usize>,
}

/// The kinds of failures, by who is at fault and what the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FragmentErrorKind {
    /// Syntax error.
    Syntax,
    /// A relation, column, function or type that does not exist, by DuckDB's catalog.
    Catalog,
    /// Names or types that do not fit: DuckDB's binder.
    Binder,
    /// A value cannot be cast.
    Conversion,
    /// A value is out of range.
    OutOfRange,
    /// Division by zero.
    DivisionByZero,
    /// Other fault of the query: invalid input, constraint, parameter not resolved.
    Invalid,
    /// DuckDB cannot do it.
    NotImplemented,
    /// Not allowed by DuckDB's lock-down.
    Permission,
    /// A file is damaged or not of its format.
    Data,
    /// A file has gone.
    Missing,
    /// A file is not the one that was listed: it was written to or replaced since.
    Changed,
    /// Reading files failed otherwise.
    Storage,
    /// `memory_limit` or disk space was not enough.
    Memory,
    /// Interrupted on request.
    Canceled,
    /// The deadline passed.
    Timeout,
    /// Expression or query too deep.
    TooComplex,
    /// The executor gave up, or has no place left.
    Unavailable,
    /// The part of the statement that runs on executors took longer than it may.
    TooLong,
    /// The executor cannot be reached, or the connection to it broke.
    Unreachable,
    /// A bug in Skein or DuckDB.
    Internal,
}

impl FragmentErrorKind {
    /// Every kind with the name by which it travels between processes.
    const NAMES: &[(Self, &str)] = &[
        (Self::Syntax, "syntax"),
        (Self::Catalog, "catalog"),
        (Self::Binder, "binder"),
        (Self::Conversion, "conversion"),
        (Self::OutOfRange, "out_of_range"),
        (Self::DivisionByZero, "division_by_zero"),
        (Self::Invalid, "invalid"),
        (Self::NotImplemented, "not_implemented"),
        (Self::Permission, "permission"),
        (Self::Data, "data"),
        (Self::Missing, "missing"),
        (Self::Changed, "changed"),
        (Self::Storage, "storage"),
        (Self::Memory, "memory"),
        (Self::Canceled, "canceled"),
        (Self::Timeout, "timeout"),
        (Self::TooComplex, "too_complex"),
        (Self::Unavailable, "unavailable"),
        (Self::TooLong, "too_long"),
        (Self::Unreachable, "unreachable"),
        (Self::Internal, "internal"),
    ];

    /// Its name between processes.
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(kind, _)| *kind == self);
        named.map_or("internal", |(_, name)| name)
    }

    /// The kind of this name; a name that only a newer version knows is [`Self::Internal`].
    pub fn named(name: &str) -> Self {
        let kind = Self::NAMES.iter().find(|(_, known)| *known == name);
        kind.map_or(Self::Internal, |(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::buffer::{Buffer, ScalarBuffer};

    use super::*;

    #[test]
    fn columns_that_share_memory_count_once() {
        let shared = Buffer::from_vec(vec![0_i64; 8000]);
        let column = |at: usize| -> ArrayRef {
            let values = ScalarBuffer::new(shared.clone(), at * 1000, 1000);
            Arc::new(Int64Array::new(values, None))
        };
        let columns = (0..8).map(|at| (format!("c{at}"), column(at)));
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        assert_eq!(batch_bytes(&batch), 8 * 8000);
        assert_eq!(batch_bytes(&batch.slice(0, 10)), 8 * 80);
    }
}
