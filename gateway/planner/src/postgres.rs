//! What PostgreSQL writes or means differently from DuckDB, put right before planning.
//!
//! ```text
//! text ─► tokens::normalise ─► DuckDB's parser ─► tree ─► rewrite ─► resolve, plan, …
//!           same length                                    operators, catalogue, session
//! ```
//!
//! Two steps, because some of PostgreSQL's spellings DuckDB does not parse, and others it parses
//! and means something else. Both apply to every query, also to those on users' relations.
//!
//! Invariants: [`tokens::normalise`] keeps every byte offset, so positions in errors stay true.
//! [`rewrite`] keeps the number and order of result columns. It runs on the tree as parsed, and
//! needs the text that was parsed to tell `a ~ b` from `regexp_full_match(a, b)`.

mod aggregates;
mod array_joins;
mod array_text;
pub mod arrays;
pub mod asking;
mod bytea;
pub(crate) mod candidates;
mod casts;
mod catalogue;
mod conditions;
pub mod dependent;
mod division;
mod filters;
mod functions;
mod hypothetical;
mod json;
mod json_text;
mod jsonb;
mod jsonpath;
mod lengths;
mod levels;
mod limits;
mod locking;
mod missing_rows;
mod node;
mod numerics;
pub mod once;
pub mod operands;
mod operators;
mod ordinals;
pub mod patterns;
mod records;
mod regex;
mod rows;
mod samples;
mod session;
pub mod session_rows;
mod sets;
pub mod settle;
pub mod signatures;
mod similar;
mod sleeps;
pub mod spelling;
pub mod sums;
pub(crate) mod symbols;
pub mod templates;
mod temporal;
mod texts;
mod ties;
pub mod tokens;
mod typed;
pub mod using;
mod variadic;
mod vectors;
pub mod whole_rows;
mod written;

#[cfg(test)]
mod tests;

pub use bytea::ByteaFault;
pub(crate) use casts::{makes_json, shows_arguments};
pub(crate) use catalogue::system_column;
pub use jsonpath::PathFault;
pub(crate) use lengths::typmod as length_typmod;
pub(crate) use node::{constant_integer, macro_call};
pub use numerics::is_marked as is_without_precision;
pub(crate) use operands::{DIGITS_MAX, Ty};
pub(crate) use ordinals::by_names as name_keys;
pub(crate) use records::columns as record_columns;
pub use regex::RegexFault;
pub(crate) use rows::comparison as compare_rows;
pub(crate) use sets::returns_rows;
pub use texts::FormatFault;
pub(crate) use ties::TIES;
pub(crate) use written::{has_modifier, names_array, written_type};

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Query, QueryBody, TableRefKind};
use crate::outputs::Outputs;
use crate::repairs::{prefix, truncated};
use crate::resolve::names::name_inner;

/// The setting that says what division by zero gives: an error, or NULL as in DuckDB.
pub const DIVISION_BY_ZERO: &str = "skein.division_by_zero";

/// What a statement may ask about the session that runs it.
pub trait SessionFacts {
    /// Name of the user.
    fn user(&self) -> &str;
    /// Name of the database the client asked for.
    fn database(&self) -> &str;
    /// Number of the session, as in `BackendKeyData`.
    fn backend_pid(&self) -> i32;
    /// What `version()` returns.
    fn version(&self) -> String;
    /// Schemas of the search path that exist, in order, without the implied `pg_catalog`.
    fn schemas(&self) -> Vec<String>;
    /// The same with it, where names are looked up.
    fn path(&self) -> Vec<String> {
        let mut schemas = self.schemas();
        if !schemas.iter().any(|schema| schema == "pg_catalog") {
            schemas.insert(0, "pg_catalog".to_owned());
        }
        schemas
    }
    /// The value that `SHOW name` prints; `None` when there is no such setting.
    fn setting(&self, name: &str) -> Option<String>;
    /// Rows of `pg_settings`: name, setting, unit, category, description, context, type, least,
    /// greatest, words, boot value, reset value.
    fn settings(&self) -> Vec<SettingFact>;
    /// When the gateway started, as text of a timestamp with time zone.
    fn started(&self) -> String;
    /// What the session's time zone is called at each of its offsets, in seconds east of Greenwich.
    fn zone_abbreviations(&self) -> Vec<(i32, String)>;
    /// OID of the user's role.
    fn user_oid(&self) -> u32;
    /// Users of the configuration; none where anybody may take any name.
    fn users(&self) -> &[UserFact] {
        &[]
    }
    /// Rows of `pg_stat_activity`, as the user may see them.
    fn sessions(&self) -> Vec<SessionFact> {
        Vec::new()
    }
    /// Rows of `pg_prepared_statements`.
    fn prepared(&self) -> &[PreparedFact] {
        &[]
    }
    /// Rows of `pg_cursors`.
    fn cursors(&self) -> &[CursorFact] {
        &[]
    }
    /// Rows of `skein.executors`; at least one.
    fn executors(&self) -> Vec<ExecutorFact> {
        Vec::new()
    }
    /// OID of a relation of files, and the names of its columns.
    fn relation(&self, _schema: &str, _name: &str) -> Option<(u32, Vec<String>)> {
        None
    }
    /// Where the client is, and where it has reached the server.
    fn addresses(&self) -> [Option<SocketAddr>; 2] {
        [None; 2]
    }
    /// Names the running statement to functions that act on sessions.
    fn token(&self) -> String {
        String::new()
    }
}

/// A user of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFact {
    /// `rolname`
    pub name: String,
    /// Most sessions at once; 0: no limit.
    pub connections_max: usize,
}

/// A row of `pg_stat_activity`. Times are texts of timestamps with time zone.
#[derive(Clone, Debug, Default)]
pub struct SessionFact {
    /// `pid`
    pub process_id: i32,
    /// `usename`
    pub user: String,
    /// `usesysid`
    pub user_oid: u32,
    /// `datname`
    pub database: String,
    /// `application_name`
    pub application_name: String,
    /// `client_addr`, `client_port`
    pub client: Option<(String, u16)>,
    /// `backend_start`
    pub backend_start: Option<String>,
    /// `xact_start`
    pub transaction_start: Option<String>,
    /// `query_start`
    pub query_start: Option<String>,
    /// `state_change`
    pub state_change: Option<String>,
    /// `wait_event_type`, `wait_event`
    pub wait_event: Option<(&'static str, &'static str)>,
    /// `state`
    pub state: Option<&'static str>,
    /// `query`
    pub query: String,
    /// What `pg_stat_ssl` has of it; nothing where it is in clear.
    pub encryption: Option<EncryptionFact>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncryptionFact {
    /// `version`, such as `TLSv1.3`
    pub version: &'static str,
    /// `cipher`, as OpenSSL calls it.
    pub cipher: &'static str,
    /// `bits`
    pub bits: u16,
}

/// A row of `pg_prepared_statements`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedFact {
    /// `name`
    pub name: String,
    /// `statement`
    pub statement: String,
    /// `prepare_time`, as text of a timestamp with time zone.
    pub prepared: String,
    /// OIDs of `parameter_types`.
    pub parameter_types: Vec<u32>,
    /// `from_sql`
    pub from_sql: bool,
}

/// A row of `pg_cursors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorFact {
    /// `name`
    pub name: String,
    /// `statement`
    pub statement: String,
    /// `creation_time`, as text of a timestamp with time zone.
    pub created: String,
    /// `is_holdable`
    pub is_holdable: bool,
    /// `is_binary`
    pub is_binary: bool,
    /// `is_scrollable`
    pub is_scrollable: bool,
}

/// A row of `skein.executors`. Times are texts of timestamps with time zone.
#[derive(Clone, Debug, Default)]
pub struct ExecutorFact {
    /// As EXPLAIN calls it.
    pub name: String,
    /// Where it is; nothing inside of the gateway.
    pub address: Option<String>,
    /// `healthy`, or why statements do not use it.
    pub state: String,
    /// Version of Skein, if it has ever answered.
    pub skein_version: Option<String>,
    /// Version of DuckDB.
    pub duckdb_version: Option<String>,
    /// Fragments that run.
    pub running_fragments: u64,
    /// Fragments that have been started.
    pub fragments: u64,
    /// Bytes of rows that it has given.
    pub bytes_sent: u64,
    /// When it answered last.
    pub last_seen: Option<String>,
    /// How often it has failed.
    pub failures: u64,
    /// When it did last.
    pub last_failure: Option<String>,
    /// And how.
    pub last_error: Option<String>,
}

/// A row of `pg_settings`.
#[derive(Clone, Debug, Default)]
pub struct SettingFact {
    /// `name`
    pub name: String,
    /// `setting`
    pub setting: String,
    /// `unit`
    pub unit: Option<String>,
    /// `category`
    pub category: String,
    /// `short_desc`
    pub description: String,
    /// `context`
    pub context: String,
    /// `vartype`
    pub vartype: String,
    /// `source`
    pub source: String,
    /// `min_val`
    pub min: Option<String>,
    /// `max_val`
    pub max: Option<String>,
    /// `enumvals`
    pub words: Option<Vec<String>>,
    /// `boot_val`
    pub boot: String,
    /// `reset_val`
    pub reset: String,
}

/// What a rewrite found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The tree now holds values of this session: it must not be reused for another one, nor after
    /// a setting has changed. Names of the user and of the database do not count, nor does what
    /// follows from them.
    pub session: bool,
    /// Settings that values in the tree follow from, and what `SHOW` printed for them; nothing for those
    /// that there were not.
    pub settings: BTreeMap<String, Option<String>>,
    /// The tree names relations or functions of the catalogue, so it runs on the shadow database.
    pub catalogue: bool,
    /// Relations whose rows are still to be put in, see [`session_rows`].
    pub shown: Vec<session_rows::Shown>,
    /// Calls of `set_config`: the settings to change when the statement runs.
    pub set_config: Vec<SetConfig>,
    /// Calls of `set_config` whose arguments are columns: a query whose values are the name, the new
    /// value and whether it is local, and so on.
    pub set_config_rows: Option<String>,
    /// Seconds to wait before the statement runs, as texts.
    pub sleeps: Vec<String>,
}

/// The new value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigValue {
    /// Written in the statement.
    Constant(String),
    /// The parameter of this number, from 1.
    Parameter(usize),
}

/// A call of `set_config`, whose arguments are constants or parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetConfig {
    /// Setting.
    pub name: ConfigValue,
    /// New value.
    pub value: ConfigValue,
    /// Until the end of the transaction only: the text of a boolean.
    pub local: ConfigValue,
}

/// Why a statement cannot be rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// `current_setting` of a setting that does not exist.
    #[error("unrecognized configuration parameter \"{name}\"")]
    UnknownSetting {
        /// As given.
        name: String,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A constant that is no `bytea`.
    #[error("{fault}")]
    Bytea {
        /// What is wrong.
        fault: ByteaFault,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A constant that is no date, time or interval.
    #[error("{error}")]
    Spelling {
        /// What is wrong.
        error: spelling::SpellingError,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A constant that is no array.
    #[error("malformed array literal: \"{value}\"")]
    Array {
        /// The constant.
        value: String,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A constant that is no `json`.
    #[error("invalid input syntax for type json")]
    Json {
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A character in a `jsonb` that no text can hold.
    #[error("unsupported Unicode escape sequence")]
    JsonUnicode {
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A path into a `jsonb` that cannot be used.
    #[error("{fault}")]
    JsonPath {
        /// What is wrong.
        fault: PathFault,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A function that returns rows of any kind, without a list of their columns.
    #[error("a column definition list is required for functions returning \"record\"")]
    NoColumns {
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A condition that is a number.
    #[error("argument of {clause} must be type boolean, not type {ty}")]
    NotBoolean {
        /// What it is a condition of.
        clause: &'static str,
        /// PostgreSQL's name of its type.
        ty: &'static str,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// `ORDER BY 'x'`
    #[error("non-integer constant in {clause}")]
    NotAPosition {
        /// The clause.
        clause: &'static str,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// `ORDER BY 5` of fewer columns.
    #[error("{clause} position {place} is not in select list")]
    NoPosition {
        /// The clause.
        clause: &'static str,
        /// The constant.
        place: i64,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// `ORDER BY` a name that several columns have.
    #[error("ORDER BY \"{name}\" is ambiguous")]
    Ambiguous {
        /// The name.
        name: String,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A regular expression that cannot be translated.
    #[error("{fault}")]
    Regex {
        /// What is wrong.
        fault: RegexFault,
    },
    /// A text for `format` that is none.
    #[error("{fault}")]
    Format {
        /// What is wrong.
        fault: FormatFault,
    },
    /// A constant that is no value of the type it is to have.
    #[error("invalid input syntax for type {ty}: \"{text}\"")]
    InvalidText {
        /// PostgreSQL's name of the type.
        ty: &'static str,
        /// The constant.
        text: String,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// Operands whose types PostgreSQL does not bring together.
    #[error("operator does not exist: {left} {operator} {right}")]
    NoOperator {
        /// PostgreSQL's name of the left operand's type.
        left: &'static str,
        /// The operator.
        operator: String,
        /// PostgreSQL's name of the right operand's type.
        right: &'static str,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// Two constants without a type.
    #[error("operator is not unique: unknown {operator} unknown")]
    NotUnique {
        /// The operator.
        operator: String,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A cast that PostgreSQL does not have.
    #[error("cannot cast type {from} to {to}")]
    CannotCast {
        /// PostgreSQL's name of the operand's type.
        from: &'static str,
        /// PostgreSQL's name of the wanted type.
        to: &'static str,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// A function or operator of full text search.
    #[error("full text search is not supported")]
    TextSearch {
        /// Byte offset in the statement.
        position: Option<usize>,
    },
    /// An argument that has to be a constant is none.
    #[error("argument of {function} must be a constant")]
    NotConstant {
        /// The function.
        function: String,
        /// Byte offset in the statement.
        position: Option<usize>,
    },
}

/// Puts `query` right, in place. `text` is what was parsed, `outputs` what is known of its result.
///
/// Result columns of the type `regclass` and its kin become pairs of a number and the name it is
/// shown by, where their type is known, else the name.
pub fn rewrite(
    query: &mut Query,
    text: &str,
    facts: &dyn SessionFacts,
    outputs: &Outputs,
) -> Result<Rewritten, RewriteError> {
    let mut context = Context {
        text,
        facts,
        outputs,
        names: catalogue::Names::of(query),
        system_columns: catalogue::may_name_system_columns(text),
        enters_from: false,
        checks_divisors: facts.setting(DIVISION_BY_ZERO).as_deref() != Some("null"),
        path: None,
        found: Rewritten::default(),
        error: None,
    };
    context.found.sleeps = sleeps::take(query);
    session::configure_by_rows(query, &mut context);
    if outputs.columns.is_none() {
        casts::outputs(query, &mut context);
    }
    if lengths::may_pad(text) {
        casts::pad(query, text);
    }
    vectors::count_from_zero(query, &outputs.vectors);
    walk_mut(NodeMut::Query(query), &mut |node| context.visit(node));
    if let Some(columns) = &outputs.columns {
        casts::pairs(query, columns, &mut context);
    }
    match context.error {
        Some(error) => Err(error),
        None => Ok(context.found),
    }
}

/// What the visitors share.
struct Context<'a> {
    text: &'a str,
    facts: &'a dyn SessionFacts,
    outputs: &'a Outputs,
    names: catalogue::Names,
    /// The text has the name of a system column, such as `tableoid`.
    system_columns: bool,
    /// The next expression is the call of a function in FROM.
    enters_from: bool,
    /// Division by zero is an error.
    checks_divisors: bool,
    /// Where names are looked up, once that was asked.
    path: Option<Vec<String>>,
    found: Rewritten,
    error: Option<RewriteError>,
}

impl Context<'_> {
    /// The value of a setting, which the tree then depends on.
    fn setting(&mut self, name: &str) -> Option<String> {
        let value = self.facts.setting(name);
        let settings = &mut self.found.settings;
        settings.insert(name.to_ascii_lowercase(), value.clone());
        value
    }

    /// The schemas where names are looked up, as an argument of macros.
    fn path(&mut self) -> Expr {
        node::array(
            self.schemas()
                .iter()
                .map(|schema| node::text(schema))
                .collect(),
        )
    }

    /// Whether names without a schema are looked for in `pg_catalog` before others, as they are unless the session
    /// wants it otherwise.
    fn finds_builtin_first(&mut self) -> bool {
        self.schemas()
            .first()
            .is_some_and(|schema| schema == "pg_catalog")
    }

    /// The schemas on the path, on which the statement depends from now on.
    fn schemas(&mut self) -> &[String] {
        self.setting("search_path");
        let facts = self.facts;
        self.path.get_or_insert_with(|| facts.path())
    }

    fn visit(&mut self, node: NodeMut<'_>) -> Descend {
        if self.error.is_some() {
            return Descend::Over;
        }
        match node {
            NodeMut::Query(query) => {
                ordinals::by_names(query, self.text);
                let checked = conditions::check(query).and_then(|()| ordinals::check(query));
                if let Err(error) = checked {
                    return self.fail(error);
                }
                limits::negative(query);
                session::name_outputs(query, self);
                sets::aliases(query);
                sets::lift(query);
                texts::mark_sets(query);
                self.name_columns(query);
                if self.system_columns {
                    catalogue::system_columns(query, self);
                }
                Descend::Into
            }
            NodeMut::Table(table) => {
                match &mut table.kind {
                    TableRefKind::Subquery(query) => name_inner(query, self.text),
                    TableRefKind::Values { rows } => temporal::constants::columns(rows, self),
                    _ => {}
                }
                let checked = texts::table(table)
                    .and_then(|()| jsonpath::table(table))
                    .and_then(|()| records::table(table, self.text));
                if let Err(error) = checked {
                    return self.fail(error);
                }
                let descend = match sets::table(table) {
                    Descend::Into => catalogue::table(table, self),
                    Descend::Over => Descend::Over,
                };
                self.enters_from =
                    descend == Descend::Into && matches!(table.kind, TableRefKind::Function { .. });
                descend
            }
            NodeMut::Expr(expr) => self.expression(expr),
        }
    }

    fn expression(&mut self, expr: &mut Expr) -> Descend {
        let is_in_from = std::mem::take(&mut self.enters_from);
        match &mut expr.kind {
            ExprKind::ColumnRef(_) => session::column(expr, self),
            ExprKind::Function(_) => {
                if functions::cast(expr) {
                    return self.visit(NodeMut::Expr(expr));
                }
                casts::arguments(expr, self);
                arrays::fill(expr);
                arrays::quantified(expr);
                rows::counted(expr, self.text);
                if let Err(error) = variadic::function(expr) {
                    return self.fail(error);
                }
                if aggregates::function(expr) {
                    return self.visit(NodeMut::Expr(expr));
                }
                filters::function(expr);
                if self.checks_divisors {
                    division::check(expr);
                }
                if let Err(error) = text_function(expr, self.text) {
                    return self.fail(error);
                }
                prefix::repair(expr);
                if let Err(error) = json::function(expr) {
                    return self.fail(error);
                }
                if !is_in_from {
                    sets::function(expr);
                }
                rows::function(expr);
                match session::function(expr, self) {
                    Descend::Over => Descend::Over,
                    Descend::Into => {
                        temporal::function(expr, self);
                        functions::function(expr, is_in_from);
                        catalogue::function(expr, self)
                    }
                }
            }
            ExprKind::Window(_) => self.window(expr),
            ExprKind::Comparison { .. } => {
                casts::compared(expr, self);
                rows::comparison(expr);
                truncated::repair(expr);
                Descend::Into
            }
            ExprKind::Between { .. } => {
                rows::between(expr);
                truncated::repair(expr);
                Descend::Into
            }
            ExprKind::Operator { .. } => {
                arrays::slice(expr);
                rows::operator(expr);
                truncated::repair(expr);
                arrays::negated(expr, self.text);
                if let Err(error) = operators::negation(expr, self.text) {
                    return self.fail(error);
                }
                Descend::Into
            }
            ExprKind::Cast { .. } => casts::cast(expr, self),
            ExprKind::Subquery(_) => {
                if let Err(error) = arrays::any(expr, self.names.has_catalogue()) {
                    return self.fail(error);
                }
                Descend::Into
            }
            ExprKind::Collate { .. } => {
                operators::collation(expr);
                // What was collated now stands here and has not been visited itself.
                match expr.kind {
                    ExprKind::Collate { .. } => Descend::Into,
                    _ => self.visit(NodeMut::Expr(expr)),
                }
            }
            ExprKind::Constant(_) => {
                if casts::beside_array(expr, &self.outputs.arrays) {
                    return casts::cast(expr, self);
                }
                numerics::constant(expr, self.text);
                Descend::Over
            }
            _ => Descend::Into,
        }
    }

    fn window(&mut self, expr: &mut Expr) -> Descend {
        if aggregates::window(expr) {
            return self.visit(NodeMut::Expr(expr));
        }
        if let ExprKind::Window(window) = &mut expr.kind {
            filters::window(window);
            operators::window(window);
        }
        rows::counted(expr, self.text);
        Descend::Into
    }

    /// Names that PostgreSQL gives to columns of common table expressions and of VALUES.
    fn name_columns(&self, query: &mut Query) {
        for cte in &mut query.ctes {
            name_inner(&mut cte.query, self.text);
        }
        if let QueryBody::Select(select) = &mut query.body
            && select.from.alias == "valueslist"
            && select.from.column_aliases.is_empty()
            && let TableRefKind::Values { rows } = &select.from.kind
        {
            let width = rows.first().map_or(0, Vec::len);
            select.from.column_aliases = (1..=width).map(|at| format!("column{at}")).collect();
        }
    }

    fn fail(&mut self, error: RewriteError) -> Descend {
        self.error.get_or_insert(error);
        Descend::Over
    }
}

/// Operators and functions over text.
fn text_function(expr: &mut Expr, text: &str) -> Result<(), RewriteError> {
    operators::function(expr, text)?;
    if !patterns::like(expr, text)? {
        patterns::function(expr)?;
        texts::function(expr)?;
    }
    Ok(())
}
