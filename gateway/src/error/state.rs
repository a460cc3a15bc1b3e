//! The SQLSTATEs that Skein sends, by PostgreSQL's names for them.

use std::fmt;

/// Five characters that programs look at instead of the message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlState(&'static str);

macro_rules! states {
    ($($name:ident = $code:literal)*) => {
        impl SqlState {
            $(
                #[doc = concat!("`", $code, "`")]
                pub const $name: Self = Self($code);
            )*

            /// The code by PostgreSQL's name of the condition, lower case, as in PL/pgSQL.
            pub(super) fn by_condition(name: &str) -> Option<Self> {
                let known = [$((stringify!($name), Self($code))),*];
                let is_it = |(condition, _): &&(&str, Self)| condition.eq_ignore_ascii_case(name);
                known.iter().find(is_it).map(|(_, state)| *state)
            }
        }
    };
}

states! {
    WARNING = "01000"
    PROTOCOL_VIOLATION = "08P01"
    CONNECTION_FAILURE = "08006"
    FEATURE_NOT_SUPPORTED = "0A000"
    CARDINALITY_VIOLATION = "21000"
    DATA_EXCEPTION = "22000"
    STRING_DATA_RIGHT_TRUNCATION = "22001"
    NUMERIC_VALUE_OUT_OF_RANGE = "22003"
    NULL_VALUE_NOT_ALLOWED = "22004"
    INVALID_DATETIME_FORMAT = "22007"
    DATETIME_FIELD_OVERFLOW = "22008"
    INVALID_TIME_ZONE_DISPLACEMENT_VALUE = "22009"
    DIVISION_BY_ZERO = "22012"
    INTERVAL_FIELD_OVERFLOW = "22015"
    SUBSTRING_ERROR = "22011"
    INVALID_ESCAPE_CHARACTER = "22019"
    INVALID_USE_OF_ESCAPE_CHARACTER = "2200C"
    INVALID_ARGUMENT_FOR_LOG = "2201E"
    INVALID_ARGUMENT_FOR_POWER_FUNCTION = "2201F"
    INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION = "2201G"
    INVALID_REGULAR_EXPRESSION = "2201B"
    INVALID_ROW_COUNT_IN_LIMIT_CLAUSE = "2201W"
    INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE = "2201X"
    ARRAY_SUBSCRIPT_ERROR = "2202E"
    CHARACTER_NOT_IN_REPERTOIRE = "22021"
    INVALID_PARAMETER_VALUE = "22023"
    INVALID_ESCAPE_SEQUENCE = "22025"
    INVALID_TEXT_REPRESENTATION = "22P02"
    INVALID_BINARY_REPRESENTATION = "22P03"
    INVALID_SQL_JSON_SUBSCRIPT = "22033"
    NON_NUMERIC_SQL_JSON_ITEM = "22036"
    SINGLETON_SQL_JSON_ITEM_REQUIRED = "22038"
    SQL_JSON_ARRAY_NOT_FOUND = "22039"
    SQL_JSON_MEMBER_NOT_FOUND = "2203A"
    SQL_JSON_NUMBER_NOT_FOUND = "2203B"
    SQL_JSON_OBJECT_NOT_FOUND = "2203C"
    UNTRANSLATABLE_CHARACTER = "22P05"
    NONSTANDARD_USE_OF_ESCAPE_CHARACTER = "22P06"
    ACTIVE_SQL_TRANSACTION = "25001"
    READ_ONLY_SQL_TRANSACTION = "25006"
    NO_ACTIVE_SQL_TRANSACTION = "25P01"
    IN_FAILED_SQL_TRANSACTION = "25P02"
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = "25P03"
    INVALID_SQL_STATEMENT_NAME = "26000"
    INVALID_AUTHORIZATION_SPECIFICATION = "28000"
    INVALID_PASSWORD = "28P01"
    INVALID_CURSOR_NAME = "34000"
    INVALID_CATALOG_NAME = "3D000"
    INVALID_SAVEPOINT_SPECIFICATION = "3B001"
    INVALID_SCHEMA_NAME = "3F000"
    SERIALIZATION_FAILURE = "40001"
    INSUFFICIENT_PRIVILEGE = "42501"
    SYNTAX_ERROR = "42601"
    INVALID_NAME = "42602"
    UNDEFINED_TABLE = "42P01"
    UNDEFINED_PARAMETER = "42P02"
    DUPLICATE_CURSOR = "42P03"
    DUPLICATE_PREPARED_STATEMENT = "42P05"
    INVALID_COLUMN_REFERENCE = "42P10"
    INDETERMINATE_DATATYPE = "42P18"
    INVALID_RECURSION = "42P19"
    WINDOWING_ERROR = "42P20"
    DUPLICATE_COLUMN = "42701"
    AMBIGUOUS_COLUMN = "42702"
    UNDEFINED_COLUMN = "42703"
    UNDEFINED_OBJECT = "42704"
    DUPLICATE_ALIAS = "42712"
    GROUPING_ERROR = "42803"
    AMBIGUOUS_FUNCTION = "42725"
    DATATYPE_MISMATCH = "42804"
    WRONG_OBJECT_TYPE = "42809"
    CANNOT_COERCE = "42846"
    UNDEFINED_FUNCTION = "42883"
    OUT_OF_MEMORY = "53200"
    TOO_MANY_CONNECTIONS = "53300"
    PROGRAM_LIMIT_EXCEEDED = "54000"
    STATEMENT_TOO_COMPLEX = "54001"
    TOO_MANY_COLUMNS = "54011"
    OBJECT_NOT_IN_PREREQUISITE_STATE = "55000"
    CANT_CHANGE_RUNTIME_PARAM = "55P02"
    QUERY_CANCELED = "57014"
    ADMIN_SHUTDOWN = "57P01"
    CRASH_SHUTDOWN = "57P02"
    CANNOT_CONNECT_NOW = "57P03"
    IDLE_SESSION_TIMEOUT = "57P05"
    SYSTEM_ERROR = "58000"
    IO_ERROR = "58030"
    UNDEFINED_FILE = "58P01"
    DATA_CORRUPTED = "XX001"
    INTERNAL_ERROR = "XX000"
}

impl SqlState {
    /// The five characters.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
