//! The parsed statement, as DuckDB's own parser sees it.
//!
//! DuckDB parses every query (`json_serialize_sql`), so Skein accepts exactly what DuckDB accepts
//! and reports syntax errors in its words and at its positions. This module holds that tree in
//! types; [`json`] reads it and [`print`] writes it back as SQL. The nodes are DuckDB's, few and
//! general: every operator such as `+` is a [`Function`], every predicate such as `IS NULL` an
//! [`ExprKind::Operator`].
//!
//! ```text
//! SQL text ─► DuckDB's parser ─► JSON ─► json::read ─► Query ─► planner ─► print ─► SQL text
//! ```
//!
//! Invariant, tested over a corpus: printing a tree and parsing the text again gives the same
//! tree, positions apart. The tree knows nothing of relations or files, but for the two nodes the
//! planner puts in their place: [`TableRefKind::Scan`] and [`TableRefKind::Input`].

mod build;
pub mod json;
pub mod print;
pub mod visit;

/// A query: `WITH` list, body, and what orders and limits its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Common table expressions in the order they were written.
    pub ctes: Vec<Cte>,
    /// The block or set operation itself.
    pub body: QueryBody,
    /// `DISTINCT`, `ORDER BY` and `LIMIT`, in the order DuckDB applies them.
    pub modifiers: Vec<Modifier>,
}

/// One common table expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: String,
    /// Column names given after the name.
    pub aliases: Vec<String>,
    /// What it computes.
    pub query: Query,
    /// `MATERIALIZED`, `NOT MATERIALIZED`, or neither.
    pub materialized: Materialized,
    /// `USING KEY` columns of a recursive expression.
    pub key_targets: Vec<Expr>,
}

/// Whether a common table expression is computed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Materialized {
    /// DuckDB decides.
    Default,
    /// `AS MATERIALIZED`.
    Always,
    /// `AS NOT MATERIALIZED`.
    Never,
}

/// The body of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    /// `SELECT …`, also `VALUES`, `FROM t`, `TABLE t`, `SUMMARIZE`, `DESCRIBE`.
    Select(Box<Select>),
    /// `UNION`, `INTERSECT`, `EXCEPT`, with or without `ALL` and `BY NAME`.
    SetOperation {
        /// Which one.
        kind: SetOperationKind,
        /// Keeps duplicates.
        all: bool,
        /// Two or more operands, all combined by the same operation, left to right.
        operands: Vec<Query>,
    },
    /// The body of a recursive common table expression.
    RecursiveCte {
        /// The name that the right side refers to.
        name: String,
        /// `UNION ALL` rather than `UNION`.
        union_all: bool,
        /// Start.
        left: Box<Query>,
        /// Step.
        right: Box<Query>,
        /// Column names.
        aliases: Vec<String>,
        /// `USING KEY` columns.
        key_targets: Vec<Expr>,
    },
}

/// The kinds of set operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperationKind {
    /// `UNION`
    Union,
    /// `UNION BY NAME`
    UnionByName,
    /// `INTERSECT`
    Intersect,
    /// `EXCEPT`
    Except,
}

/// One `SELECT` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// What it returns; `alias` of each expression is the `AS` name.
    pub select_list: Vec<Expr>,
    /// `FROM`; [`TableRefKind::Empty`] when there is none.
    pub from: TableRef,
    /// `WHERE`
    pub where_clause: Option<Expr>,
    /// Distinct grouping expressions; [`Select::grouping_sets`] holds indices into them.
    pub group_by: Vec<Expr>,
    /// Each set lists indices into `group_by`. Empty: no grouping at all; one set with every
    /// index: a plain `GROUP BY`.
    pub grouping_sets: Vec<Vec<usize>>,
    /// `GROUP BY ALL`
    pub group_by_all: bool,
    /// `HAVING`
    pub having: Option<Expr>,
    /// `QUALIFY`
    pub qualify: Option<Expr>,
    /// `USING SAMPLE`
    pub sample: Option<Sample>,
}

/// What a result modifier does.
#[derive(Clone, Debug, PartialEq)]
pub enum Modifier {
    /// `DISTINCT`, or `DISTINCT ON (…)` when there are targets.
    Distinct(Vec<Expr>),
    /// `ORDER BY`
    OrderBy(Vec<OrderBy>),
    /// `LIMIT … OFFSET …`
    Limit {
        /// Most rows to return.
        limit: Option<Expr>,
        /// Rows to leave out first.
        offset: Option<Expr>,
    },
    /// `LIMIT n%`
    LimitPercent {
        /// Share of the rows to return.
        limit: Option<Expr>,
        /// Rows to leave out first.
        offset: Option<Expr>,
    },
}

/// One sort key.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderBy {
    /// What to sort by.
    pub expr: Expr,
    /// `ASC`, `DESC` or neither.
    pub direction: SortDirection,
    /// `NULLS FIRST`, `NULLS LAST` or neither.
    pub nulls: NullOrder,
}

/// Direction of a sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortDirection {
    /// Not given.
    Default,
    /// `ASC`
    Ascending,
    /// `DESC`
    Descending,
}

/// Place of NULLs in a sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullOrder {
    /// Not given: the session's default, PostgreSQL's in Skein.
    Default,
    /// `NULLS FIRST`
    First,
    /// `NULLS LAST`
    Last,
}

/// Something in `FROM`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRef {
    /// What it is.
    pub kind: TableRefKind,
    /// `AS` name; empty when not given.
    pub alias: String,
    /// Column names after the alias.
    pub column_aliases: Vec<String>,
    /// `TABLESAMPLE`
    pub sample: Option<Sample>,
    /// Byte offset in the statement.
    pub location: Option<usize>,
}

/// The kinds of things in `FROM`.
#[derive(Clone, Debug, PartialEq)]
pub enum TableRefKind {
    /// No `FROM`.
    Empty,
    /// A name: a relation, a common table expression, a path in quotes, or a catalogue relation.
    Table {
        /// Catalog, or empty.
        catalog: String,
        /// Schema, or empty.
        schema: String,
        /// Name.
        name: String,
        /// `AT (VERSION => …)`: unit and expression.
        at: Option<(String, Box<Expr>)>,
    },
    /// `( query )`
    Subquery(Box<Query>),
    /// Any join.
    Join(Box<Join>),
    /// `function(…)`
    Function {
        /// The call; always an [`ExprKind::Function`].
        call: Box<Expr>,
        /// `WITH ORDINALITY`
        with_ordinality: bool,
    },
    /// `VALUES (…), (…)`
    Values {
        /// Rows.
        rows: Vec<Vec<Expr>>,
    },
    /// `PIVOT` and `UNPIVOT`
    Pivot(Box<Pivot>),
    /// `SUMMARIZE`, `DESCRIBE`, `SHOW TABLES`
    Show {
        /// Name, for `SHOW TABLES FROM …` and the like.
        catalog: String,
        /// Schema part of the name.
        schema: String,
        /// Table part of the name, as DuckDB wrote it.
        name: String,
        /// The described query, if any.
        query: Option<Box<Query>>,
        /// DuckDB's name of the kind: `SUMMARY`, `DESCRIBE`, `SHOW_UNQUALIFIED`, `SHOW_FROM`.
        kind: String,
    },
    /// Put in by the planner: reads files of a relation. Prints as a hole that is filled per
    /// fragment, see [`skein_executor_api::SqlTemplate`].
    Scan {
        /// Index into the stage's scans.
        scan: usize,
    },
    /// Put in by the planner: the rows of another stage, under the name of that input.
    Input {
        /// Name of the input in the stage.
        name: String,
    },
}

/// A join of two table references.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// Left side.
    pub left: TableRef,
    /// Right side.
    pub right: TableRef,
    /// `ON`
    pub condition: Option<Expr>,
    /// Which rows survive.
    pub kind: JoinKind,
    /// How it was written.
    pub syntax: JoinSyntax,
    /// `USING (…)`
    pub using: Vec<String>,
    /// The sides were swapped by DuckDB's parser.
    pub delim_flipped: bool,
}

/// Which rows a join keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// `INNER`, `CROSS`
    Inner,
    /// `LEFT`
    Left,
    /// `RIGHT`
    Right,
    /// `FULL`
    Full,
    /// `SEMI`
    Semi,
    /// `ANTI`
    Anti,
}

/// How a join is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinSyntax {
    /// `JOIN … ON` or `USING`
    Regular,
    /// `NATURAL JOIN`
    Natural,
    /// `CROSS JOIN` or a comma
    Cross,
    /// `POSITIONAL JOIN`
    Positional,
    /// `ASOF JOIN`
    AsOf,
}

/// `PIVOT` or `UNPIVOT`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pivot {
    /// What is turned.
    pub source: TableRef,
    /// `USING` aggregates of a `PIVOT`; empty for `UNPIVOT`.
    pub aggregates: Vec<Expr>,
    /// Value columns of an `UNPIVOT`.
    pub unpivot_names: Vec<String>,
    /// `ON` columns.
    pub pivots: Vec<PivotColumn>,
    /// `GROUP BY` columns.
    pub groups: Vec<String>,
    /// `UNPIVOT INCLUDE NULLS`
    pub include_nulls: bool,
}

/// One `ON` of a pivot.
#[derive(Clone, Debug, PartialEq)]
pub struct PivotColumn {
    /// Expressions to turn into columns.
    pub expressions: Vec<Expr>,
    /// Name columns of an `UNPIVOT`.
    pub unpivot_names: Vec<String>,
    /// `IN (…)`
    pub entries: Vec<PivotEntry>,
    /// Name of an enum type that lists the values instead.
    pub pivot_enum: String,
}

/// One value of a pivot's `IN` list.
#[derive(Clone, Debug, PartialEq)]
pub struct PivotEntry {
    /// Constants, one per `ON` expression.
    pub values: Vec<Constant>,
    /// A star or another expression instead.
    pub star: Option<Box<Expr>>,
    /// `AS` name.
    pub alias: String,
}

/// `TABLESAMPLE` or `USING SAMPLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Size as DuckDB keeps it.
    pub size: Constant,
    /// The size is a percentage.
    pub is_percentage: bool,
    /// `System`, `Bernoulli`, `Reservoir`.
    pub method: String,
    /// `REPEATABLE (seed)`
    pub seed: Option<i64>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// `AS` name, also the argument name in `struct_pack(a := 1)`; empty when not given.
    pub alias: String,
    /// Byte offset in the statement.
    pub location: Option<usize>,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `a`, `t.a`, `s.t.a`, and fields: `t.a.field`.
    ColumnRef(Vec<String>),
    /// A literal.
    Constant(Constant),
    /// A function, an aggregate, or an operator written as a symbol.
    Function(Box<Function>),
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`, `IS [NOT] DISTINCT FROM`.
    Comparison {
        /// Which one.
        op: Comparison,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `AND` or `OR` over two or more.
    Conjunction {
        /// `AND` rather than `OR`.
        and: bool,
        /// Operands.
        children: Vec<Expr>,
    },
    /// `NOT`, `IS NULL`, `IN (list)`, `COALESCE`, `a[1]`, `a[1:2]`, field access, `TRY`,
    /// `*COLUMNS(…)`, ….
    Operator {
        /// DuckDB's name, such as `OPERATOR_NOT` or `COMPARE_IN`.
        op: String,
        /// Operands.
        children: Vec<Expr>,
    },
    /// `CASE`
    Case {
        /// `WHEN`, `THEN`
        checks: Vec<(Expr, Expr)>,
        /// `ELSE`; NULL when not given.
        otherwise: Box<Expr>,
    },
    /// `CAST`, `TRY_CAST`, `::`
    Cast {
        /// What is cast.
        child: Box<Expr>,
        /// To what.
        ty: DataType,
        /// NULL instead of an error.
        try_cast: bool,
    },
    /// A subquery as an expression.
    Subquery(Box<Subquery>),
    /// `function(…) OVER (…)`
    Window(Box<Window>),
    /// `*`, `t.*`, `COLUMNS(…)`
    Star(Box<Star>),
    /// `x -> …`, `lambda x: …`, and the JSON arrow, which DuckDB tells apart only when it binds.
    Lambda {
        /// Parameters, or the left side of a JSON arrow.
        left: Box<Expr>,
        /// Body.
        right: Box<Expr>,
    },
    /// `$1` or `$name`
    Parameter(String),
    /// `COLLATE`
    Collate {
        /// What is collated.
        child: Box<Expr>,
        /// How.
        collation: String,
    },
    /// `BETWEEN`
    Between {
        /// Tested value.
        input: Box<Expr>,
        /// Lower bound.
        lower: Box<Expr>,
        /// Upper bound.
        upper: Box<Expr>,
    },
    /// `#1`
    Positional(usize),
    /// `DEFAULT`
    Default,
    /// Put in by the planner: the ordinal of the fragment in its stage, an integer. Prints as
    /// [`skein_executor_api::SqlPart::FragmentIndex`].
    FragmentIndex,
    /// Put in by the planner: a complete SQL expression over columns that the planner named.
    Sql(String),
}

/// A function call or an operator written as a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Catalog, or empty.
    pub catalog: String,
    /// Schema, or empty.
    pub schema: String,
    /// Name; a symbol such as `+` when `is_operator`.
    pub name: String,
    /// Arguments; named ones carry the name as alias.
    pub args: Vec<Expr>,
    /// `DISTINCT`
    pub distinct: bool,
    /// `FILTER (WHERE …)`
    pub filter: Option<Expr>,
    /// `ORDER BY` among the arguments, also `WITHIN GROUP`.
    pub order_by: Vec<OrderBy>,
    /// Written as a symbol.
    pub is_operator: bool,
    /// `EXPORT_STATE`
    pub export_state: bool,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
    /// `IS DISTINCT FROM`
    Distinct,
    /// `IS NOT DISTINCT FROM`
    NotDistinct,
}

/// A subquery as an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// What is asked of it.
    pub kind: SubqueryKind,
    /// The query.
    pub query: Query,
    /// Left operand of `ANY`.
    pub child: Option<Expr>,
    /// Operator of `ANY`; `=` for `IN`.
    pub comparison: Option<Comparison>,
}

/// What is asked of a subquery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubqueryKind {
    /// Its one value.
    Scalar,
    /// `EXISTS`
    Exists,
    /// `NOT EXISTS`
    NotExists,
    /// `IN`, `= ANY`, `< ANY`; `ALL` arrives as the negation of `ANY`.
    Any,
}

/// A window function call.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// DuckDB's name of the kind, such as `WINDOW_AGGREGATE` or `WINDOW_LAG`.
    pub ty: String,
    /// Catalog, or empty.
    pub catalog: String,
    /// Schema, or empty.
    pub schema: String,
    /// Function name.
    pub name: String,
    /// Arguments without those kept apart below.
    pub args: Vec<Expr>,
    /// `PARTITION BY`
    pub partitions: Vec<Expr>,
    /// `ORDER BY` of the window
    pub orders: Vec<OrderBy>,
    /// Frame start, DuckDB's name such as `UNBOUNDED_PRECEDING`.
    pub start: String,
    /// Frame end.
    pub end: String,
    /// Offset of the frame start.
    pub start_expr: Option<Expr>,
    /// Offset of the frame end.
    pub end_expr: Option<Expr>,
    /// Second argument of `lag` and `lead`.
    pub offset_expr: Option<Expr>,
    /// Third argument of `lag` and `lead`.
    pub default_expr: Option<Expr>,
    /// `IGNORE NULLS`
    pub ignore_nulls: bool,
    /// `FILTER`
    pub filter: Option<Expr>,
    /// DuckDB's name of the `EXCLUDE` clause: `NO_OTHER`, `CURRENT_ROW`, `GROUP`, `TIES`.
    pub exclude: String,
    /// `DISTINCT`
    pub distinct: bool,
    /// `ORDER BY` among the arguments
    pub arg_orders: Vec<OrderBy>,
}

/// `*`, `t.*` or `COLUMNS(…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Star {
    /// `t` of `t.*`, or empty.
    pub relation: String,
    /// `EXCLUDE (…)`; each name is qualified or not.
    pub exclude: Vec<Vec<String>>,
    /// `REPLACE (… AS name)`
    pub replace: Vec<(String, Expr)>,
    /// `RENAME (name AS name)`
    pub rename: Vec<(Vec<String>, String)>,
    /// `COLUMNS(…)` rather than `*`
    pub columns: bool,
    /// Argument of `COLUMNS`, unless that is itself a star.
    pub expr: Option<Expr>,
}

/// A literal: DuckDB's type and value, unchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Its type.
    pub ty: DataType,
    /// Its value in DuckDB's JSON form; [`serde_json::Value::Null`] for NULL.
    pub value: serde_json::Value,
}

/// A type in a cast or literal: DuckDB's JSON form, unchanged. [`print`] writes it as SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct DataType(pub serde_json::Value);
