//! What went wrong, and what PostgreSQL calls it: the only table of SQLSTATEs.
//!
//! Crates say what happened; this module picks the code, the severity, and the words that clients
//! know. The match over variants has no catch-all, so that a new one does not compile until
//! someone has picked its code.
//!
//! DuckDB's messages are put into PostgreSQL's words by [`duckdb`].

pub(crate) mod duckdb;
mod report;
mod rewrites;
mod state;

use std::any::Any;

use skein_catalog::CatalogError;
use skein_executor_api::FragmentError;
use skein_planner::ast::json::AstError;
use skein_planner::error::{EscapeFault, PlanError, RecursionFault};
use skein_planner::parse::ParseError;
use skein_planner::postgres::{RegexFault, RewriteError};

pub use duckdb::Translated;
pub use report::{Report, Severity};
pub use state::SqlState;

use crate::encode::EncodeError;
use crate::login::LoginError;
use crate::login::scram::ScramError;
use crate::params::ParameterError;
use crate::pgwire::frontend::MessageError;
use crate::pgwire::startup::StartupRefusal;
use crate::session::copy::options::{CopyError, CopyFault};
use crate::session::settings::SettingError;

/// Everything that a client can be told.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// DuckDB or an executor failed. `sql_is_statement`: positions count in the client's text.
    #[error("{error}")]
    Fragment {
        /// What happened.
        #[source]
        error: FragmentError,
        /// Byte offset in the text that the client sent, if known.
        position: Option<usize>,
    },
    /// An error with its place in the text that the client sent.
    #[error("{error}")]
    At {
        /// What happened.
        #[source]
        error: Box<GatewayError>,
        /// Character, counted from one.
        position: usize,
    },
    /// A setting that is not read or changed.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A setting in the startup packet.
    #[error(transparent)]
    StartupSetting(SettingError),
    /// A statement that cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A function that does not exist, with the types of its arguments where they are known.
    #[error("function {signature} does not exist")]
    UnknownFunction {
        /// Name and types.
        signature: String,
        /// Byte offset in the statement.
        position: Option<usize>,
        /// A function with a similar name.
        nearest: Option<String>,
    },
    /// A function call of an OID that is no function's.
    #[error("function with OID {0} does not exist")]
    UnknownFunctionOid(u32),
    /// A statement whose meaning in PostgreSQL cannot be kept.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// Relations or files that cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A parameter that cannot be read.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Rows that cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A startup packet that is refused.
    #[error(transparent)]
    Startup(#[from] StartupRefusal),
    /// A message that does not follow the protocol.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A first byte that no message of a client has.
    #[error("invalid frontend message type {0}")]
    UnknownMessageType(u8),
    /// A rule between messages is broken; the text is complete.
    #[error("{0}")]
    Protocol(String),
    /// A client that may not enter.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// More connections than `connections_max`.
    #[error("sorry, too many clients already")]
    TooManyConnections,
    /// No room to run the statement within the time allowed.
    #[error("too many statements are running")]
    TooManyStatements {
        /// The key that bounds them.
        limit: &'static str,
    },
    /// All executors in other processes are lost.
    #[error("no executor can be used now")]
    NoExecutor,
    /// No statement of that name.
    #[error("{}", unknown_statement(.0))]
    UnknownStatement(String),
    /// A second statement of that name.
    #[error("prepared statement \"{0}\" already exists")]
    DuplicateStatement(String),
    /// No portal of that name.
    #[error("portal \"{0}\" does not exist")]
    UnknownPortal(String),
    /// No cursor of that name.
    #[error("cursor \"{0}\" does not exist")]
    UnknownCursor(String),
    /// A second portal or cursor of that name.
    #[error("cursor \"{0}\" already exists")]
    DuplicateCursor(String),
    /// A cursor asked to go backward.
    #[error("cursor can only scan forward")]
    CursorForwardOnly,
    /// A portal that has run a command, or failed.
    #[error("portal \"{0}\" cannot be run")]
    SpentPortal(String),
    /// Several statements in one Parse.
    #[error("cannot insert multiple commands into a prepared statement")]
    SeveralStatements,
    /// Statements after an error in a transaction block.
    #[error("current transaction is aborted, commands ignored until end of transaction block")]
    TransactionAborted,
    /// A command that needs a transaction block.
    #[error("{0} can only be used in transaction blocks")]
    NeedsTransaction(String),
    /// A command that may not stand in a transaction block.
    #[error("{0} cannot run inside a transaction block")]
    NotInBlock(String),
    /// No savepoint of that name.
    #[error("savepoint \"{0}\" does not exist")]
    UnknownSavepoint(String),
    /// PREPARE TRANSACTION.
    #[error("prepared transactions are disabled")]
    PreparedDisabled,
    /// COMMIT PREPARED, ROLLBACK PREPARED.
    #[error("prepared transaction with identifier \"{0}\" does not exist")]
    UnknownPrepared(String),
    /// A command that Skein does not have.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A command that would change data or definitions.
    #[error("cannot execute {0}: relations are read-only")]
    ReadOnly(String),
    /// A command that would write, in a transaction that only reads.
    #[error("cannot execute {0} in a read-only transaction")]
    ReadOnlyTransaction(String),
    /// COPY with a file of the server.
    #[error(
        "must be superuser or have privileges of the {} role to COPY {} a file",
        if *to { "pg_write_server_files" } else { "pg_read_server_files" },
        if *to { "to" } else { "from" }
    )]
    CopyFile {
        /// To the file.
        to: bool,
    },
    /// COPY with a program on the server.
    #[error(
        "must be superuser or have privileges of the pg_execute_server_program role to COPY to or \
         from an external program"
    )]
    CopyProgram,
    /// A schema that does not exist.
    #[error("schema \"{0}\" does not exist")]
    UnknownSchema(String),
    /// COPY that cannot begin.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A command that would reach files of the server or change it.
    #[error("permission denied to execute {0}")]
    Forbidden(String),
    /// The type of a parameter cannot be found out.
    #[error("could not determine data type of parameter ${0}")]
    UndeterminedParameter(usize),
    /// A type named in PREPARE.
    #[error("type \"{0}\" does not exist")]
    UnknownType(String),
    /// Relations have other columns than when the statement was prepared.
    #[error("cached plan must not change result type")]
    ResultChanged,
    /// A parameter in a simple query.
    #[error("there is no parameter ${0}")]
    NoParameter(usize),
    /// EXECUTE with the wrong number of parameters.
    #[error("wrong number of parameters for prepared statement \"{name}\"")]
    ParameterCount {
        /// Statement.
        name: String,
        /// How many it has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// A format other than text and binary.
    #[error("unsupported format code: {0}")]
    FormatCode(i16),
    /// A limit with a name; the text is complete.
    #[error("{message}")]
    Limit {
        /// What is too much.
        message: String,
        /// The setting or constant that sets it.
        hint: String,
    },
    /// Columns beyond PostgreSQL's limit.
    #[error("target lists can have at most {max} entries")]
    TooManyColumns {
        /// The limit.
        max: usize,
    },
    /// Nesting beyond what stacks hold.
    #[error("stack depth limit exceeded")]
    TooDeep,
    /// Stopped by a cancel request.
    #[error("canceling statement due to user request")]
    Canceled,
    /// Stopped by `statement_timeout`.
    #[error("canceling statement due to statement timeout")]
    StatementTimeout,
    /// A transaction block waited too long for its client.
    #[error("terminating connection due to idle-in-transaction timeout")]
    IdleInTransaction,
    /// A session waited too long for its client.
    #[error("terminating connection due to idle-session timeout")]
    IdleSession,
    /// The server stops.
    #[error("terminating connection due to administrator command")]
    Shutdown,
    /// The client has gone; nobody is told.
    #[error("client has gone")]
    ClientGone,
    /// A bug in Skein.
    #[error("internal error: {0}")]
    Internal(String),
}

fn unknown_statement(name: &str) -> String {
    if name.is_empty() {
        "unnamed prepared statement does not exist".into()
    } else {
        format!("prepared statement \"{name}\" does not exist")
    }
}

impl From<FragmentError> for GatewayError {
    fn from(error: FragmentError) -> Self {
        use skein_executor_api::FragmentErrorKind as Kind;
        match error.kind {
            Kind::Canceled => Self::Canceled,
            Kind::Timeout => Self::StatementTimeout,
            _ => Self::Fragment {
                error,
                position: None,
            },
        }
    }
}

impl From<ParseError> for GatewayError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Plan(error) => Self::Plan(error),
            ParseError::Engine(error) => {
                let position = error.position;
                Self::Fragment { error, position }
            }
        }
    }
}

impl From<std::io::Error> for GatewayError {
    /// Only the client's socket is read and written by the gateway itself.
    fn from(_: std::io::Error) -> Self {
        Self::ClientGone
    }
}

impl GatewayError {
    /// Makes an error of what a panic left; the words go to the log only.
    pub fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without words");
        tracing::error!(panic = words, "statement panicked");
        Self::Internal("the statement could not be completed".into())
    }

    /// What PostgreSQL calls it.
    pub fn sqlstate(&self) -> SqlState {
        match self {
            Self::Fragment { error, .. } => duckdb::translate(error).code,
            Self::At { error, .. } => error.sqlstate(),
            Self::Setting(error) | Self::StartupSetting(error) => setting_state(error),
            Self::Plan(error) => plan_state(error),
            Self::UnknownFunction { .. } | Self::UnknownFunctionOid(_) => {
                SqlState::UNDEFINED_FUNCTION
            }
            Self::Rewrite(error) => rewrites::rewrite_state(error),
            Self::Catalog(error) => catalog_state(error),
            Self::Parameter(error) => parameter_state(error),
            Self::Encode(error) => encode_state(error),
            Self::Startup(refusal) => match refusal {
                StartupRefusal::Protocol { .. } | StartupRefusal::Replication => {
                    SqlState::FEATURE_NOT_SUPPORTED
                }
                StartupRefusal::Layout(error) => message_state(error),
                StartupRefusal::Terminator | StartupRefusal::Unencrypted(_) => {
                    SqlState::PROTOCOL_VIOLATION
                }
                StartupRefusal::NoUser => SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                StartupRefusal::Argument(_) => SqlState::SYNTAX_ERROR,
            },
            Self::Message(error) => message_state(error),
            Self::UnknownMessageType(_) | Self::Protocol(_) => SqlState::PROTOCOL_VIOLATION,
            Self::Login(error) => login_state(error),
            Self::TooManyConnections | Self::TooManyStatements { .. } => {
                SqlState::TOO_MANY_CONNECTIONS
            }
            Self::NoExecutor => SqlState::CANNOT_CONNECT_NOW,
            Self::UnknownStatement(_) => SqlState::INVALID_SQL_STATEMENT_NAME,
            Self::DuplicateStatement(_) => SqlState::DUPLICATE_PREPARED_STATEMENT,
            Self::UnknownPortal(_) | Self::UnknownCursor(_) => SqlState::INVALID_CURSOR_NAME,
            Self::DuplicateCursor(_) => SqlState::DUPLICATE_CURSOR,
            Self::SpentPortal(_) | Self::CursorForwardOnly | Self::PreparedDisabled => {
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::SeveralStatements | Self::ParameterCount { .. } => SqlState::SYNTAX_ERROR,
            Self::TransactionAborted => SqlState::IN_FAILED_SQL_TRANSACTION,
            Self::NotInBlock(_) => SqlState::ACTIVE_SQL_TRANSACTION,
            Self::NeedsTransaction(_) => SqlState::NO_ACTIVE_SQL_TRANSACTION,
            Self::UnknownSavepoint(_) => SqlState::INVALID_SAVEPOINT_SPECIFICATION,
            Self::ResultChanged | Self::Unsupported(_) | Self::ReadOnly(_) => {
                SqlState::FEATURE_NOT_SUPPORTED
            }
            Self::UnknownType(_) | Self::UnknownPrepared(_) => SqlState::UNDEFINED_OBJECT,
            Self::UndeterminedParameter(_) => SqlState::INDETERMINATE_DATATYPE,
            Self::Forbidden(_) | Self::CopyFile { .. } | Self::CopyProgram => {
                SqlState::INSUFFICIENT_PRIVILEGE
            }
            Self::ReadOnlyTransaction(_) => SqlState::READ_ONLY_SQL_TRANSACTION,
            Self::Copy(error) => copy_state(error),
            Self::UnknownSchema(_) => SqlState::INVALID_SCHEMA_NAME,
            Self::NoParameter(_) => SqlState::UNDEFINED_PARAMETER,
            Self::FormatCode(_) => SqlState::INVALID_PARAMETER_VALUE,
            Self::Limit { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
            Self::TooManyColumns { .. } => SqlState::TOO_MANY_COLUMNS,
            Self::TooDeep => SqlState::STATEMENT_TOO_COMPLEX,
            Self::Canceled | Self::StatementTimeout | Self::ClientGone => SqlState::QUERY_CANCELED,
            Self::IdleInTransaction => SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            Self::IdleSession => SqlState::IDLE_SESSION_TIMEOUT,
            Self::Shutdown => SqlState::ADMIN_SHUTDOWN,
            Self::Internal(_) => SqlState::INTERNAL_ERROR,
        }
    }

    /// Whether the session ends with it.
    pub fn severity(&self) -> Severity {
        match self {
            Self::At { error, .. } => error.severity(),
            Self::Startup(_)
            | Self::Login(_)
            | Self::StartupSetting(_)
            | Self::UnknownMessageType(_)
            | Self::TooManyConnections
            | Self::IdleInTransaction
            | Self::IdleSession
            | Self::Shutdown => Severity::Fatal,
            _ => Severity::Error,
        }
    }

    /// What PostgreSQL puts beside the message.
    fn detail(&self) -> Option<String> {
        match self {
            Self::ParameterCount {
                expected, given, ..
            } => Some(format!("Expected {expected} parameters but got {given}.")),
            Self::Login(LoginError::Scram(ScramError::Malformed(detail))) => {
                Some((*detail).to_owned())
            }
            Self::Login(LoginError::Scram(ScramError::Downgrade)) => Some(
                "The client supports channel binding and was told that the server does not, but \
                 it does."
                    .into(),
            ),
            Self::Startup(StartupRefusal::Unencrypted(_)) => Some(
                "Either the client is wrong, or somebody between it and the server has added data."
                    .into(),
            ),
            Self::Rewrite(RewriteError::JsonPath { fault, .. }) => fault.detail(),
            _ => None,
        }
    }

    /// What the client might do.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting(error) | Self::StartupSetting(error) => error.hint(),
            Self::Plan(error) => plan_hint(error),
            Self::Rewrite(RewriteError::Spelling { error, .. }) => error.hint().map(str::to_owned),
            Self::Rewrite(RewriteError::Format { fault }) => fault.hint().map(str::to_owned),
            Self::Rewrite(RewriteError::Regex {
                fault: RegexFault::Global(name),
            }) if name == "regexp_match" => Some("Use the regexp_matches function instead.".into()),
            Self::UnknownFunction { nearest, .. } => Some(match nearest {
                Some(nearest) => format!("Perhaps you meant \"{nearest}\"."),
                None => "No function matches the given name and argument types. You might need to \
                         add explicit type casts."
                    .into(),
            }),
            Self::Catalog(error) => catalog_hint(error),
            Self::Limit { hint, .. } => Some(hint.clone()),
            Self::TooManyStatements { limit } => {
                Some(format!("Try again later, or raise {limit}."))
            }
            Self::NoExecutor => Some(
                "skein.executors says what is wrong with them. With executors.fallback_embedded, \
                 the gateway runs the statement itself."
                    .into(),
            ),
            Self::ReadOnly(_) | Self::Forbidden(_) => {
                Some("Skein reads files and never changes them; only queries can be run.".into())
            }
            Self::PreparedDisabled => {
                Some("Set max_prepared_transactions to a nonzero value.".into())
            }
            Self::CopyFile { .. } | Self::CopyProgram => Some(
                "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for \
                 anyone."
                    .into(),
            ),
            Self::Rewrite(RewriteError::NoOperator { .. }) => Some(
                "No operator matches the given name and argument types. \
                 You might need to add explicit type casts."
                    .into(),
            ),
            Self::Rewrite(RewriteError::NotUnique { .. }) => Some(
                "Could not choose a best candidate operator. \
                 You might need to add explicit type casts."
                    .into(),
            ),
            Self::CursorForwardOnly => {
                Some("Declare it with SCROLL option to enable backward scan.".into())
            }
            _ => None,
        }
    }

    /// Byte offset in the statement's text, where it is known.
    fn position_bytes(&self) -> Option<usize> {
        match self {
            Self::Fragment { position, .. }
            | Self::UnknownFunction { position, .. }
            | Self::Rewrite(
                RewriteError::UnknownSetting { position, .. }
                | RewriteError::Bytea { position, .. }
                | RewriteError::Spelling { position, .. }
                | RewriteError::Array { position, .. }
                | RewriteError::Json { position }
                | RewriteError::JsonUnicode { position }
                | RewriteError::JsonPath { position, .. }
                | RewriteError::NoColumns { position }
                | RewriteError::NotBoolean { position, .. }
                | RewriteError::NotAPosition { position, .. }
                | RewriteError::NoPosition { position, .. }
                | RewriteError::Ambiguous { position, .. }
                | RewriteError::InvalidText { position, .. }
                | RewriteError::NoOperator { position, .. }
                | RewriteError::NotUnique { position, .. }
                | RewriteError::CannotCast { position, .. }
                | RewriteError::NotConstant { position, .. }
                | RewriteError::TextSearch { position },
            ) => *position,
            Self::Plan(error) => plan_position(error),
            Self::Copy(error) => error.position,
            _ => None,
        }
    }

    /// The same where there is no query of the client's to point into.
    #[must_use]
    pub fn without_position(self) -> Self {
        match self {
            Self::Fragment { error, .. } => Self::Fragment {
                error,
                position: None,
            },
            Self::Plan(PlanError::UnknownRelation { name, nearest, .. }) => {
                Self::Plan(PlanError::UnknownRelation {
                    name,
                    position: None,
                    nearest,
                })
            }
            other => other,
        }
    }

    /// Gives the error its place in `text`, which the client sent; the statement begins there at
    /// `offset`.
    #[must_use]
    pub fn located(self, text: &str, offset: usize) -> Self {
        let Some(byte) = self.position_bytes() else {
            return self;
        };
        let position = report::character(text, offset + byte);
        Self::At {
            error: Box::new(self),
            position,
        }
    }

    /// What is sent.
    pub fn report(&self) -> Report {
        if let Self::At { error, position } = self {
            return Report {
                position: Some(*position),
                ..error.report()
            };
        }
        let severity = self.severity();
        if let Self::Fragment { error, .. } = self {
            let Translated {
                code,
                message,
                detail,
                hint,
            } = duckdb::translate(error);
            return Report {
                severity,
                code,
                message,
                detail,
                hint,
                position: None,
                routine: None,
            };
        }
        Report {
            severity,
            code: self.sqlstate(),
            message: self.to_string(),
            detail: self.detail(),
            hint: self.hint(),
            position: None,
            // asyncpg and pgjdbc then prepare the statement again.
            routine: matches!(self, Self::ResultChanged).then_some("RevalidateCachedQuery"),
        }
    }
}

fn login_state(error: &LoginError) -> SqlState {
    match error {
        LoginError::NoEntry(_)
        | LoginError::Rejected(_)
        | LoginError::Certificate(_)
        | LoginError::NoCertificate
        | LoginError::UnknownUser(_)
        | LoginError::Scram(ScramError::Downgrade | ScramError::Binding) => {
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        }
        LoginError::Password(_) => SqlState::INVALID_PASSWORD,
        LoginError::UnknownDatabase(_) => SqlState::INVALID_CATALOG_NAME,
        LoginError::Reserved | LoginError::TooManyOfUser(_) | LoginError::TooManyOfAddress(_) => {
            SqlState::TOO_MANY_CONNECTIONS
        }
        LoginError::Scram(ScramError::AuthorizationIdentity | ScramError::Extension) => {
            SqlState::FEATURE_NOT_SUPPORTED
        }
        LoginError::NotSasl(_)
        | LoginError::Scram(
            ScramError::Mechanism
            | ScramError::Malformed(_)
            | ScramError::BindingType(_)
            | ScramError::BindingChanged
            | ScramError::NonceCharacters
            | ScramError::Nonce,
        ) => SqlState::PROTOCOL_VIOLATION,
    }
}

fn parameter_state(error: &ParameterError) -> SqlState {
    match error {
        ParameterError::InvalidText { .. }
        | ParameterError::MalformedArray(_)
        | ParameterError::InvalidBit(_) => SqlState::INVALID_TEXT_REPRESENTATION,
        ParameterError::IntegerOutOfRange { .. } | ParameterError::FloatOutOfRange { .. } => {
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE
        }
        ParameterError::DatetimeOutOfRange(_) => SqlState::DATETIME_FIELD_OVERFLOW,
        ParameterError::TimeZoneOutOfRange => SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
        ParameterError::InvalidHexDigit(_) | ParameterError::OddHexDigits => {
            SqlState::INVALID_PARAMETER_VALUE
        }
        ParameterError::IncorrectBinary(_) => SqlState::INVALID_BINARY_REPRESENTATION,
        ParameterError::InsufficientData => SqlState::PROTOCOL_VIOLATION,
        ParameterError::InvalidUtf8(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        ParameterError::UnknownType(_) => SqlState::UNDEFINED_OBJECT,
        ParameterError::NoBinaryInput(_) => SqlState::UNDEFINED_FUNCTION,
    }
}

fn copy_state(error: &CopyError) -> SqlState {
    match error.fault {
        CopyFault::Syntax => SqlState::SYNTAX_ERROR,
        CopyFault::Value => SqlState::INVALID_PARAMETER_VALUE,
        CopyFault::NotSupported => SqlState::FEATURE_NOT_SUPPORTED,
        CopyFault::UnknownColumn => SqlState::UNDEFINED_COLUMN,
        CopyFault::DuplicateColumn => SqlState::DUPLICATE_COLUMN,
        CopyFault::NotCopied => SqlState::INVALID_COLUMN_REFERENCE,
    }
}

fn encode_state(error: &EncodeError) -> SqlState {
    match error {
        EncodeError::Type(_) | EncodeError::Mismatch { .. } | EncodeError::Damaged(_) => {
            SqlState::INTERNAL_ERROR
        }
        EncodeError::RowTooLarge(_) => SqlState::PROGRAM_LIMIT_EXCEEDED,
        EncodeError::RaggedArray => SqlState::ARRAY_SUBSCRIPT_ERROR,
        EncodeError::OutOfRange(_) => SqlState::DATETIME_FIELD_OVERFLOW,
        EncodeError::FormatCount { .. } => SqlState::PROTOCOL_VIOLATION,
        EncodeError::UnsupportedFormat(_) => SqlState::INVALID_PARAMETER_VALUE,
    }
}

fn message_state(error: &MessageError) -> SqlState {
    match error {
        MessageError::Encoding(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        MessageError::Insufficient
        | MessageError::String
        | MessageError::Format
        | MessageError::Subtype { .. } => SqlState::PROTOCOL_VIOLATION,
    }
}

fn setting_state(error: &SettingError) -> SqlState {
    match error {
        SettingError::Unknown { .. } => SqlState::UNDEFINED_OBJECT,
        SettingError::InvalidName { .. } => SqlState::INVALID_NAME,
        SettingError::InvalidValue { .. }
        | SettingError::NotBoolean { .. }
        | SettingError::OutOfRange { .. }
        | SettingError::OneValue { .. }
        | SettingError::UnknownRole { .. } => SqlState::INVALID_PARAMETER_VALUE,
        SettingError::Fixed { .. }
        | SettingError::NeedsRestart { .. }
        | SettingError::NotNow { .. }
        | SettingError::AfterStart { .. } => SqlState::CANT_CHANGE_RUNTIME_PARAM,
    }
}

fn plan_state(error: &PlanError) -> SqlState {
    match error {
        PlanError::Ast(error) => match error {
            AstError::Syntax { .. } => SqlState::SYNTAX_ERROR,
            AstError::NotSelect | AstError::NotSupported { .. } => SqlState::FEATURE_NOT_SUPPORTED,
            AstError::TooDeep | AstError::TooManySubqueryLevels => SqlState::STATEMENT_TOO_COMPLEX,
            AstError::Unknown(_) => SqlState::INTERNAL_ERROR,
        },
        PlanError::Lexical { .. } | PlanError::Syntax { .. } | PlanError::Rule { .. } => {
            SqlState::SYNTAX_ERROR
        }
        PlanError::Escape { fault, .. } => match fault {
            EscapeFault::Unicode => SqlState::INVALID_ESCAPE_SEQUENCE,
            EscapeFault::UnicodeString | EscapeFault::Pair | EscapeFault::Value => {
                SqlState::SYNTAX_ERROR
            }
            EscapeFault::Bytes(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        },
        PlanError::Recursion { fault, .. } => match fault {
            RecursionFault::Form { .. }
            | RecursionFault::Place { .. }
            | RecursionFault::Aggregate => SqlState::INVALID_RECURSION,
            RecursionFault::Mutual
            | RecursionFault::Clause(_)
            | RecursionFault::NotSelect(_)
            | RecursionFault::TopLevel { .. } => SqlState::FEATURE_NOT_SUPPORTED,
            RecursionFault::NotRecursive
            | RecursionFault::NoColumn { .. }
            | RecursionFault::Used { .. } => SqlState::SYNTAX_ERROR,
            RecursionFault::Names { .. } => SqlState::INVALID_COLUMN_REFERENCE,
        },
        PlanError::UnknownRelation { .. } => SqlState::UNDEFINED_TABLE,
        PlanError::UnknownColumn { .. } => SqlState::UNDEFINED_COLUMN,
        PlanError::RepeatedAlias { .. } => SqlState::DUPLICATE_ALIAS,
        PlanError::OtherDatabase { .. } | PlanError::Unsupported { .. } => {
            SqlState::FEATURE_NOT_SUPPORTED
        }
        PlanError::UnknownFunction { .. } => SqlState::UNDEFINED_FUNCTION,
        PlanError::NoWindow { .. } => SqlState::WRONG_OBJECT_TYPE,
        PlanError::FunctionNotAllowed { .. } => SqlState::INSUFFICIENT_PRIVILEGE,
        PlanError::UnknownParameter { .. } | PlanError::NamedParameter { .. } => {
            SqlState::UNDEFINED_PARAMETER
        }
    }
}

fn plan_position(error: &PlanError) -> Option<usize> {
    match error {
        PlanError::Ast(AstError::Syntax { position, .. })
        | PlanError::Escape { position, .. }
        | PlanError::Recursion { position, .. }
        | PlanError::Unsupported { position, .. }
        | PlanError::UnknownRelation { position, .. }
        | PlanError::UnknownColumn { position, .. }
        | PlanError::OtherDatabase { position, .. }
        | PlanError::UnknownFunction { position, .. }
        | PlanError::NoWindow { position, .. }
        | PlanError::FunctionNotAllowed { position, .. }
        | PlanError::UnknownParameter { position, .. }
        | PlanError::NamedParameter { position, .. } => *position,
        PlanError::Lexical { position, .. } | PlanError::Syntax { position, .. } => Some(*position),
        PlanError::Ast(_) | PlanError::Rule { .. } | PlanError::RepeatedAlias { .. } => None,
    }
}

fn plan_hint(error: &PlanError) -> Option<String> {
    match error {
        PlanError::UnknownRelation {
            nearest: Some(nearest),
            ..
        }
        | PlanError::UnknownFunction {
            nearest: Some(nearest),
            ..
        } => Some(format!("Perhaps you meant \"{nearest}\".")),
        PlanError::Escape {
            fault: EscapeFault::Unicode,
            ..
        } => Some("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.".into()),
        PlanError::Escape {
            fault: EscapeFault::UnicodeString,
            ..
        } => Some("Unicode escapes must be \\XXXX or \\+XXXXXX.".into()),
        PlanError::UnknownColumn { nearest, .. } => Some(format!(
            "Perhaps you meant to reference the column \"{nearest}\"."
        )),
        PlanError::FunctionNotAllowed { .. } => {
            Some("Skein runs no functions that reach files, settings or other sessions.".into())
        }
        _ => None,
    }
}

fn catalog_state(error: &CatalogError) -> SqlState {
    match error {
        CatalogError::NoFiles { .. }
        | CatalogError::PathMissing { .. }
        | CatalogError::PathUnknown { .. } => SqlState::UNDEFINED_TABLE,
        CatalogError::InvalidPattern { .. } => SqlState::INVALID_PARAMETER_VALUE,
        CatalogError::PathNotAllowed { .. } => SqlState::INSUFFICIENT_PRIVILEGE,
        CatalogError::TooManyFiles { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
        CatalogError::TypeConflict { .. } => SqlState::DATATYPE_MISMATCH,
        CatalogError::Unlistable { .. } | CatalogError::ListingTimeout { .. } => SqlState::IO_ERROR,
        CatalogError::UnknownFormat { .. }
        | CatalogError::MixedFormats { .. }
        | CatalogError::HiveMismatch { .. } => SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        CatalogError::Inspect { .. } => SqlState::DATA_CORRUPTED,
    }
}

fn catalog_hint(error: &CatalogError) -> Option<String> {
    match error {
        CatalogError::PathNotAllowed { .. } => Some(
            "Paths may reach the served folder and those that gateway.allow_paths names.".into(),
        ),
        CatalogError::PathUnknown {
            nearest: Some(nearest),
            ..
        } => Some(format!("Perhaps you meant \"{nearest}\".")),
        _ => None,
    }
}
