//! Why a statement cannot be planned.

use crate::ast::json::AstError;

/// What is wrong with a statement. Positions are byte offsets in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// DuckDB's parser does not give a tree.
    #[error(transparent)]
    Ast(#[from] AstError),
    /// The text breaks off inside a string, a quoted name or a comment, or holds an invalid escape.
    #[error("{message}")]
    Lexical {
        /// In PostgreSQL's words.
        message: String,
        /// Where it begins.
        position: usize,
    },
    /// An escape in a string or name that means nothing.
    #[error("{fault}")]
    Escape {
        /// What is wrong.
        fault: EscapeFault,
        /// Where it stands.
        position: Option<usize>,
    },
    /// A utility statement that does not follow its grammar.
    #[error("{}", syntax(near))]
    Syntax {
        /// The word at which it stops making sense; empty at the end.
        near: String,
        /// Where that is.
        position: usize,
    },
    /// A statement that breaks a rule of its grammar as a whole.
    #[error("{message}")]
    Rule {
        /// In PostgreSQL's words.
        message: String,
    },
    /// What PostgreSQL has and Skein does not.
    #[error("{what} is not supported")]
    Unsupported {
        /// What that is.
        what: String,
        /// Where it stands.
        position: Option<usize>,
    },
    /// An item of WITH that PostgreSQL refuses.
    #[error("{fault}")]
    Recursion {
        /// What is wrong.
        fault: RecursionFault,
        /// Where it stands.
        position: Option<usize>,
    },
    /// A name in FROM that is neither a relation nor a path of one.
    #[error("relation \"{name}\" does not exist")]
    UnknownRelation {
        /// As written, with its schema.
        name: String,
        /// Where it stands.
        position: Option<usize>,
        /// A relation with a similar name.
        nearest: Option<String>,
    },
    /// A name that one FROM uses twice.
    #[error("table name \"{name}\" specified more than once")]
    RepeatedAlias {
        /// As written.
        name: String,
    },
    /// A column in double quotes that has another name but for the case of its letters.
    #[error("column {name} does not exist")]
    UnknownColumn {
        /// As PostgreSQL shows it.
        name: String,
        /// Where it stands.
        position: Option<usize>,
        /// The column of a similar name.
        nearest: String,
    },
    /// A name with a database in front that is not the one served.
    #[error("cross-database references are not implemented: \"{name}\"")]
    OtherDatabase {
        /// As written.
        name: String,
        /// Where it stands.
        position: Option<usize>,
    },
    /// A function that neither DuckDB nor the catalogue has.
    #[error("function {name} does not exist")]
    UnknownFunction {
        /// As written, with its schema.
        name: String,
        /// Where it stands.
        position: Option<usize>,
        /// A function with a similar name.
        nearest: Option<String>,
    },
    /// A window function that is called like any other.
    #[error("window function {name} requires an OVER clause")]
    NoWindow {
        /// Its name.
        name: String,
        /// Where it stands.
        position: Option<usize>,
    },
    /// A function that reaches files, settings or other sessions.
    #[error("permission denied for function {name}")]
    FunctionNotAllowed {
        /// Its name.
        name: String,
        /// Where it stands.
        position: Option<usize>,
    },
    /// A parameter for which no value was given.
    #[error("there is no parameter ${name}")]
    UnknownParameter {
        /// Number or name.
        name: String,
        /// Where it stands.
        position: Option<usize>,
    },
    /// Parameters with names, which PostgreSQL does not have.
    #[error("parameter ${name} has no number")]
    NamedParameter {
        /// Its name.
        name: String,
        /// Where it stands.
        position: Option<usize>,
    },
}

/// The words for a syntax error at a token, or at the end.
fn syntax(near: &str) -> String {
    if near.is_empty() {
        "syntax error at end of input".to_owned()
    } else {
        format!("syntax error at or near \"{near}\"")
    }
}

/// What is wrong with an item of WITH.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecursionFault {
    /// It reads itself and is no UNION.
    #[error(
        "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
    )]
    Form {
        /// Its name.
        name: String,
    },
    /// It reads itself where it must not.
    #[error("recursive reference to query \"{name}\" must not appear {place}")]
    Place {
        /// Its name.
        name: String,
        /// Where that is.
        place: &'static str,
    },
    /// An aggregate over its own rows.
    #[error("aggregate functions are not allowed in a recursive query's recursive term")]
    Aggregate,
    /// Two items read each other.
    #[error("mutual recursion between WITH items is not implemented")]
    Mutual,
    /// A clause behind the UNION.
    #[error("{0} in a recursive query is not implemented")]
    Clause(&'static str),
    /// SEARCH or CYCLE of an item that does not read itself.
    #[error("WITH query is not recursive")]
    NotRecursive,
    /// SEARCH or CYCLE over a UNION of something else.
    #[error("with a SEARCH or CYCLE clause, the {0} side of the UNION must be a SELECT")]
    NotSelect(&'static str),
    /// SEARCH or CYCLE where the item reads itself in a subquery.
    #[error(
        "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{name}\" must be at the top level of its right-hand SELECT"
    )]
    TopLevel {
        /// Its name.
        name: String,
    },
    /// SEARCH or CYCLE by what is no column.
    #[error("{kind} column \"{name}\" not in WITH query column list")]
    NoColumn {
        /// Which of the clauses.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A column of SEARCH or CYCLE that is called like another one.
    #[error("{kind} column name \"{name}\" already used in WITH query column list")]
    Used {
        /// Which column.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// More names than columns.
    #[error("WITH query \"{name}\" has {columns} columns available but {names} columns specified")]
    Names {
        /// Its name.
        name: String,
        /// How many columns it has.
        columns: usize,
        /// How many names.
        names: usize,
    },
}

/// What is wrong with an escape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EscapeFault {
    /// Too few digits after `\u` or `\U`.
    #[error("invalid Unicode escape")]
    Unicode,
    /// Too few digits in `U&'…'`.
    #[error("invalid Unicode escape")]
    UnicodeString,
    /// One surrogate without the other.
    #[error("invalid Unicode surrogate pair")]
    Pair,
    /// A number that is no character's.
    #[error("invalid Unicode escape value")]
    Value,
    /// Bytes that are not UTF-8.
    #[error("invalid byte sequence for encoding \"UTF8\": {}", hexadecimal(.0))]
    Bytes(Vec<u8>),
}

/// `0xc3 0x28`
fn hexadecimal(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    bytes.join(" ")
}
