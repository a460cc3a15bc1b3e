//! DuckDB's messages in PostgreSQL's words.
//!
//! A fragment's error says who is at fault and gives DuckDB's first line. Clients and their users
//! know PostgreSQL's codes and texts, and some programs look for them, so the frequent messages
//! are put into those words here. A message that no rule knows keeps DuckDB's text and gets the
//! code of its kind, so that a new DuckDB can only lose a nicer wording.
//!
//! It is one file because its rules are tried in one order.

use skein_executor_api::{FragmentError, FragmentErrorKind};

use super::SqlState;

/// A message in PostgreSQL's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// PostgreSQL's code.
    pub code: SqlState,
    /// One line.
    pub message: String,
    /// A sentence, if there is more to say.
    pub detail: Option<String>,
    /// A sentence, if there is help.
    pub hint: Option<String>,
}

impl Translated {
    fn new(code: SqlState, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Finds PostgreSQL's words for an error of DuckDB or an executor.
pub(crate) fn translate(error: &FragmentError) -> Translated {
    use FragmentErrorKind as Kind;
    let text = error.message.as_str();
    if let Some(translated) = raised(text) {
        return translated;
    }
    let known = match error.kind {
        Kind::Syntax => syntax(text).or_else(|| rules(text)),
        Kind::Catalog | Kind::Binder => names(text).or_else(|| rules(text)),
        Kind::Conversion | Kind::OutOfRange => values(text),
        Kind::Invalid => rules(text).or_else(|| values(text)),
        Kind::DivisionByZero => Some(Translated::new(
            SqlState::DIVISION_BY_ZERO,
            "division by zero",
        )),
        Kind::TooComplex => Some(
            Translated::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                "stack depth limit exceeded",
            )
            .hint("Nest expressions and subqueries less deeply."),
        ),
        Kind::Memory => Some(
            Translated {
                detail: Some(sentence(text)),
                ..Translated::new(SqlState::OUT_OF_MEMORY, "out of memory")
            }
            .hint("Raise executors.memory_limit, or let the statement read or keep fewer rows."),
        ),
        Kind::TooLong => Some(
            Translated::new(SqlState::QUERY_CANCELED, text)
                .hint("executors.stage_timeout_ms says how long it may take."),
        ),
        Kind::Changed => Some(
            Translated::new(SqlState::SERIALIZATION_FAILURE, text)
                .hint("Run the transaction again; it will see the files as they are now."),
        ),
        Kind::NotImplemented
        | Kind::Permission
        | Kind::Data
        | Kind::Missing
        | Kind::Storage
        | Kind::Canceled
        | Kind::Timeout
        | Kind::Unavailable
        | Kind::Unreachable
        | Kind::Internal => None,
    };
    known.unwrap_or_else(|| Translated::new(kind_state(error.kind), lower_first(text)))
}

/// What Skein's own macros raise: `error('[substring_error] negative substring length not allowed')`.
/// In brackets stands PostgreSQL's name of the condition; lines that start with `DETAIL: ` or
/// `HINT: ` may follow.
fn raised(text: &str) -> Option<Translated> {
    let (condition, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let code = SqlState::by_condition(condition)?;
    let (mut message, mut detail, mut hint) = (Vec::new(), None, None);
    for line in rest.lines() {
        if let Some(text) = line.strip_prefix("DETAIL: ") {
            detail = Some(text.to_owned());
        } else if let Some(text) = line.strip_prefix("HINT: ") {
            hint = Some(text.to_owned());
        } else {
            message.push(line);
        }
    }
    Some(Translated {
        detail,
        hint,
        ..Translated::new(code, message.join("\n"))
    })
}

/// The code of a message that no rule knows.
fn kind_state(kind: FragmentErrorKind) -> SqlState {
    use FragmentErrorKind as Kind;
    match kind {
        Kind::Syntax | Kind::Binder => SqlState::SYNTAX_ERROR,
        Kind::Catalog => SqlState::UNDEFINED_OBJECT,
        Kind::Conversion => SqlState::INVALID_TEXT_REPRESENTATION,
        Kind::OutOfRange => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        Kind::DivisionByZero => SqlState::DIVISION_BY_ZERO,
        Kind::Invalid => SqlState::INVALID_PARAMETER_VALUE,
        Kind::NotImplemented => SqlState::FEATURE_NOT_SUPPORTED,
        Kind::Permission => SqlState::INSUFFICIENT_PRIVILEGE,
        Kind::Data => SqlState::DATA_CORRUPTED,
        Kind::Missing => SqlState::UNDEFINED_FILE,
        Kind::Changed => SqlState::SERIALIZATION_FAILURE,
        Kind::Storage => SqlState::IO_ERROR,
        Kind::Memory => SqlState::OUT_OF_MEMORY,
        Kind::Canceled | Kind::Timeout | Kind::TooLong => SqlState::QUERY_CANCELED,
        Kind::TooComplex => SqlState::STATEMENT_TOO_COMPLEX,
        Kind::Unavailable => SqlState::CRASH_SHUTDOWN,
        Kind::Unreachable => SqlState::CONNECTION_FAILURE,
        Kind::Internal => SqlState::INTERNAL_ERROR,
    }
}

fn syntax(text: &str) -> Option<Translated> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("max expression depth") || lower.contains("memory exhausted") {
        return Some(Translated::new(
            SqlState::STATEMENT_TOO_COMPLEX,
            "stack depth limit exceeded",
        ));
    }
    if lower.contains("pg_verifymbstr") {
        let message = "escapes in strings for bytes that are not ASCII are not supported";
        let translated = Translated::new(SqlState::FEATURE_NOT_SUPPORTED, message);
        return Some(translated.hint("Write the character itself, or its code point: E'\\u00e9'."));
    }
    None
}

/// Relations, columns, functions and types that do not exist or are not clear.
fn names(text: &str) -> Option<Translated> {
    let line = first_line(text);
    let nearest = || {
        between(text, "Did you mean \"", "\"").map(|name| format!("Perhaps you meant \"{name}\"."))
    };
    if let Some(name) = between(line, "Referenced column \"", "\" not found")
        .or_else(|| between(line, "Referenced column \"", "\" was not found"))
    {
        return Some(unknown_column(name).maybe_hint(candidate_hint(text, name)));
    }
    if let Some(table) = between(line, "Table \"", "\" does not have a column named") {
        let name = between(line, "column named \"", "\"")?;
        return Some(
            Translated::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column {}.{} does not exist", ident(table), ident(name)),
            )
            .maybe_hint(candidate_hint(text, name)),
        );
    }
    if let Some(name) = between(line, "Referenced table \"", "\" not found") {
        return Some(Translated::new(
            SqlState::UNDEFINED_TABLE,
            format!("missing FROM-clause entry for table \"{name}\""),
        ));
    }
    if let Some(name) = between(line, "Table with name ", " does not exist") {
        let name = name.trim_matches('"');
        return Some(
            Translated::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{name}\" does not exist"),
            )
            .maybe_hint(nearest()),
        );
    }
    for kind in [
        "Scalar Function",
        "Aggregate Function",
        "Table Function",
        "Scalar Macro",
        "Function",
    ] {
        if let Some(name) = between(line, &format!("{kind} with name "), " does not exist") {
            let name = name.trim_matches('"');
            return Some(
                Translated::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("function {name} does not exist"),
                )
                .maybe_hint(nearest()),
            );
        }
    }
    if let Some(name) = between(line, "Macro ", "() does not support the supplied arguments")
        .or_else(|| between(line, "Macro ", "() has multiple overloads"))
    {
        return Some(
            Translated::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("function {name} does not exist for these arguments"),
            )
            .hint(
                "No function matches the given name and argument types. \
                 You might need to add explicit type casts.",
            ),
        );
    }
    if let Some(name) = between(line, "Type with name ", " does not exist") {
        return Some(Translated::new(
            SqlState::UNDEFINED_OBJECT,
            format!("type \"{}\" does not exist", name.trim_matches('"')),
        ));
    }
    if let Some(name) = between(line, "Ambiguous reference to column name \"", "\"") {
        return Some(Translated::new(
            SqlState::AMBIGUOUS_COLUMN,
            format!("column reference \"{name}\" is ambiguous"),
        ));
    }
    if let Some(name) = between(line, "Ambiguous reference to table \"", "\"") {
        return Some(Translated::new(
            SqlState::DUPLICATE_ALIAS,
            format!("table name \"{name}\" specified more than once"),
        ));
    }
    if let Some(call) = between(line, "argument types '", "'. You might")
        .or_else(|| between(line, "for the function call \"", "\". In order"))
    {
        return Some(unknown_call(call));
    }
    if let Some(name) = between(line, "Column \"", "\" does not exist on")
        .or_else(|| between(line, "Column \"", "\" in EXCLUDE list not found"))
        .or_else(|| between(line, "Column \"", "\" in REPLACE list not found"))
    {
        return Some(unknown_column(name));
    }
    None
}

fn unknown_column(name: &str) -> Translated {
    Translated::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" does not exist"),
    )
}

/// `sum(VARCHAR)` becomes a function, `+(INTEGER, VARCHAR)` an operator that does not exist.
fn unknown_call(call: &str) -> Translated {
    let (name, arguments) = call.split_once('(').unwrap_or((call, ")"));
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    let types: Vec<String> = split_types(arguments).into_iter().map(type_name).collect();
    let is_operator = !name.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"');
    // With the setting `integer_division`, which Skein always has.
    let name = if name == "//" { "/" } else { name };
    let (kind, message) = match types.as_slice() {
        [left, right] if is_operator => (
            "operator",
            format!("operator does not exist: {left} {name} {right}"),
        ),
        [operand] if is_operator => {
            let message = format!("operator does not exist: {name} {operand}");
            return Translated::new(SqlState::UNDEFINED_FUNCTION, message).hint(
                "No operator matches the given name and argument type. \
                 You might need to add an explicit type cast.",
            );
        }
        _ => (
            "function",
            format!("function {name}({}) does not exist", types.join(", ")),
        ),
    };
    Translated::new(SqlState::UNDEFINED_FUNCTION, message).hint(format!(
        "No {kind} matches the given name and argument types. \
             You might need to add explicit type casts."
    ))
}

/// Splits `DECIMAL(5,2), VARCHAR` at its outer commas.
fn split_types(arguments: &str) -> Vec<&str> {
    let mut types = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, character) in arguments.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                types.push(arguments[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    let last = arguments[start..].trim();
    if !last.is_empty() {
        types.push(last);
    }
    types
}

/// PostgreSQL's name for a type in one of DuckDB's messages, which use two sets of names.
fn type_name(ty: &str) -> String {
    if let Some(element) = ty.strip_suffix("[]") {
        return format!("{}[]", type_name(element));
    }
    let name = match ty.split('(').next().unwrap_or(ty) {
        "INTEGER" | "INTEGER_LITERAL" | "INT32" | "USMALLINT" | "UINT16" => "integer",
        "TINYINT" | "UTINYINT" | "SMALLINT" | "INT8" | "UINT8" | "INT16" => "smallint",
        "BIGINT" | "UINTEGER" | "INT64" | "UINT32" => "bigint",
        "DECIMAL" | "HUGEINT" | "UHUGEINT" | "UBIGINT" | "INT128" | "UINT128" | "UINT64"
        | "BIGNUM" => "numeric",
        "FLOAT" => "real",
        "DOUBLE" => "double precision",
        "BOOLEAN" | "BOOL" => "boolean",
        "VARCHAR" => "text",
        "STRING_LITERAL" | "\"NULL\"" | "NULL" => "unknown",
        "BLOB" => "bytea",
        "BIT" => "bit varying",
        "DATE" => "date",
        "TIME" => "time without time zone",
        "TIME WITH TIME ZONE" => "time with time zone",
        "TIMESTAMP" | "TIMESTAMP_NS" | "TIMESTAMP_MS" | "TIMESTAMP_S" => {
            "timestamp without time zone"
        }
        "TIMESTAMP WITH TIME ZONE" => "timestamp with time zone",
        "INTERVAL" => "interval",
        _ => return ty.to_ascii_lowercase(),
    };
    name.to_owned()
}

/// Where a query breaks a rule of SQL, in DuckDB's words.
const RULES: [(&str, SqlState, &str); 48] = [
    (
        "RANGE frames must have only one ORDER BY expression",
        SqlState::WINDOWING_ERROR,
        "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
    ),
    (
        "indow functions are not allowed in window definitions",
        SqlState::WINDOWING_ERROR,
        "window functions are not allowed in window definitions",
    ),
    (
        "Invalid RANGE PRECEDING value",
        SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
        "invalid preceding or following size in window function",
    ),
    (
        "Invalid RANGE FOLLOWING value",
        SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
        "invalid preceding or following size in window function",
    ),
    (
        "Invalid GROUPS PRECEDING value",
        SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
        "frame starting offset must not be negative",
    ),
    (
        "Invalid GROUPS FOLLOWING value",
        SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
        "frame ending offset must not be negative",
    ),
    (
        "rgument for ntile must be greater than zero",
        SqlState::INVALID_ARGUMENT_FOR_NTILE_FUNCTION,
        "argument of ntile must be greater than zero",
    ),
    (
        "Cannot AND bit strings of different sizes",
        SqlState::STRING_DATA_LENGTH_MISMATCH,
        "cannot AND bit strings of different sizes",
    ),
    (
        "Cannot OR bit strings of different sizes",
        SqlState::STRING_DATA_LENGTH_MISMATCH,
        "cannot OR bit strings of different sizes",
    ),
    (
        "Cannot XOR bit strings of different sizes",
        SqlState::STRING_DATA_LENGTH_MISMATCH,
        "cannot XOR bit strings of different sizes",
    ),
    (
        "Nested UNNEST calls are not supported",
        SqlState::FEATURE_NOT_SUPPORTED,
        "set-returning functions must appear at top level of FROM",
    ),
    (
        "UNNEST not supported here",
        SqlState::FEATURE_NOT_SUPPORTED,
        "set-returning functions are not allowed here",
    ),
    (
        "LATERAL join cannot contain aggregates",
        SqlState::GROUPING_ERROR,
        "aggregate functions are not allowed in FROM clause of their own query level",
    ),
    (
        "divison by zero in based logarithm",
        SqlState::DIVISION_BY_ZERO,
        "division by zero",
    ),
    (
        "poch seconds out of range for TIMESTAMP",
        SqlState::DATETIME_FIELD_OVERFLOW,
        "timestamp out of range",
    ),
    (
        "interval cannot be 0",
        SqlState::INVALID_PARAMETER_VALUE,
        "step size cannot equal zero",
    ),
    (
        "LIMIT must not be negative",
        SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
        "LIMIT must not be negative",
    ),
    (
        "OFFSET must not be negative",
        SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE,
        "OFFSET must not be negative",
    ),
    (
        "must be a member of the role whose query is being canceled",
        SqlState::INSUFFICIENT_PRIVILEGE,
        "must be a member of the role whose query is being canceled or member of \
         pg_signal_backend",
    ),
    (
        "must be a member of the role whose process is being terminated",
        SqlState::INSUFFICIENT_PRIVILEGE,
        "must be a member of the role whose process is being terminated or member of \
         pg_signal_backend",
    ),
    (
        "is undefined outside [-1,1]",
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "input is out of range",
    ),
    (
        "PERCENTILEs can only take parameters in the range [0, 1]",
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "percentile value is not between 0 and 1",
    ),
    (
        "WHERE clause cannot contain aggregates",
        SqlState::GROUPING_ERROR,
        "aggregate functions are not allowed in WHERE",
    ),
    (
        "WHERE clause cannot contain window functions",
        SqlState::WINDOWING_ERROR,
        "window functions are not allowed in WHERE",
    ),
    (
        "HAVING clause cannot contain window functions",
        SqlState::WINDOWING_ERROR,
        "window functions are not allowed in HAVING",
    ),
    (
        "GROUP BY clause cannot contain aggregates",
        SqlState::GROUPING_ERROR,
        "aggregate functions are not allowed in GROUP BY",
    ),
    (
        "GROUP BY clause cannot contain window functions",
        SqlState::WINDOWING_ERROR,
        "window functions are not allowed in GROUP BY",
    ),
    (
        "aggregate function calls cannot be nested",
        SqlState::GROUPING_ERROR,
        "aggregate function calls cannot be nested",
    ),
    (
        "aggregate function calls cannot contain window function calls",
        SqlState::GROUPING_ERROR,
        "aggregate function calls cannot contain window function calls",
    ),
    (
        "window function calls cannot be nested",
        SqlState::WINDOWING_ERROR,
        "window function calls cannot be nested",
    ),
    (
        "LIMIT/OFFSET cannot be negative",
        SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
        "LIMIT must not be negative",
    ),
    (
        "More than one row returned by a subquery used as an expression",
        SqlState::CARDINALITY_VIOLATION,
        "more than one row returned by a subquery used as an expression",
    ),
    (
        "Set operations can only apply to expressions with the same number of result columns",
        SqlState::SYNTAX_ERROR,
        "each UNION, INTERSECT or EXCEPT query must have the same number of columns",
    ),
    (
        "Not implemented Error",
        SqlState::FEATURE_NOT_SUPPORTED,
        "this is not supported",
    ),
    (
        "Invalid regular expression",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression",
    ),
    (
        "missing ): ",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: parentheses () not balanced",
    ),
    (
        "missing ]: ",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: brackets [] not balanced",
    ),
    (
        "no argument for repetition operator",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: quantifier operand invalid",
    ),
    (
        "bad repetition operator",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: quantifier operand invalid",
    ),
    (
        "unexpected ): ",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: parentheses () not balanced",
    ),
    (
        "invalid character class range: [",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: invalid character class",
    ),
    (
        "invalid character class range: ",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: invalid character range",
    ),
    (
        "invalid escape sequence: ",
        SqlState::INVALID_REGULAR_EXPRESSION,
        "invalid regular expression: invalid escape \\ sequence",
    ),
    (
        "invalid perl operator: ",
        SqlState::FEATURE_NOT_SUPPORTED,
        "look-ahead and look-behind in regular expressions are not supported",
    ),
    (
        "pattern must not end with escape character",
        SqlState::INVALID_ESCAPE_SEQUENCE,
        "LIKE pattern must not end with escape character",
    ),
    (
        "cannot take square root of a negative number",
        SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
        "cannot take square root of a negative number",
    ),
    (
        "cannot take logarithm of zero",
        SqlState::INVALID_ARGUMENT_FOR_LOG,
        "cannot take logarithm of zero",
    ),
    (
        "cannot take logarithm of a negative number",
        SqlState::INVALID_ARGUMENT_FOR_LOG,
        "cannot take logarithm of a negative number",
    ),
];

/// Windows, items of WITH, arguments of GROUPING, and operands that are no arrays or rows.
fn clauses(line: &str, text: &str) -> Option<Translated> {
    if line.starts_with("window \"") && line.ends_with("\" does not exist") {
        return Some(Translated::new(SqlState::UNDEFINED_OBJECT, line));
    }
    let repeated = line.strip_prefix("Duplicate CTE name ");
    if let Some(name) = repeated.or_else(|| line.strip_prefix("duplicate CTE name ")) {
        let message = format!("WITH query name {name} specified more than once");
        return Some(Translated::new(SqlState::DUPLICATE_ALIAS, message));
    }
    if line.starts_with("GROUPING child ") && line.ends_with(" must be a grouping column") {
        let message =
            "arguments to GROUPING must be grouping expressions of the associated query level";
        return Some(Translated::new(SqlState::GROUPING_ERROR, message));
    }
    if let Some(field) = between(line, "Cannot extract field '", "' from expression") {
        let message =
            format!("column notation .{field} applied to a type that is not a composite type");
        return Some(Translated::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    if line.starts_with("Cannot concatenate lists of types ")
        && let Some((left, right)) =
            between(line, "of types ", " - an explicit").and_then(|types| types.split_once(" and "))
    {
        return Some(unknown_call(&format!("||({left}, {right})")));
    }
    if line.contains("Invalid LIST argument during lambda function binding")
        && text.contains("element__")
    {
        let message = "op ANY/ALL (array) requires array on right side";
        return Some(Translated::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    None
}

fn rules(text: &str) -> Option<Translated> {
    let line = first_line(text);
    if let Some((_, code, message)) = RULES.iter().find(|(known, _, _)| line.contains(known)) {
        return Some(Translated::new(*code, *message));
    }
    if line.contains("must appear in the GROUP BY clause") {
        let name = line
            .strip_prefix("column ")?
            .split(" must appear")
            .next()?
            .trim_matches('"');
        return Some(Translated::new(
            SqlState::GROUPING_ERROR,
            format!(
                "column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate \
                 function"
            ),
        ));
    }
    if let Some(name) = between(line, "Unknown ordered aggregate \"", "\"") {
        let message = format!("function {name} does not exist");
        return Some(Translated::new(SqlState::UNDEFINED_FUNCTION, message));
    }
    if let Some(name) = line.strip_suffix(" is not an aggregate function") {
        let message = format!(
            "OVER specified, but {name} is not a window function nor an aggregate function"
        );
        return Some(Translated::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    if line.starts_with("window \"") && line.ends_with("\" is already defined")
        || line.starts_with("frame start") && line.contains(" cannot ")
        || line.starts_with("frame end cannot ")
    {
        return Some(Translated::new(SqlState::WINDOWING_ERROR, line));
    }
    if let Some(translated) = clauses(line, text) {
        return Some(translated);
    }
    if line.starts_with("table \"") && line.ends_with(" columns specified") {
        return Some(Translated::new(SqlState::INVALID_COLUMN_REFERENCE, line));
    }
    if line.starts_with("bit index ") && line.contains(" out of valid range") {
        return Some(Translated::new(SqlState::ARRAY_SUBSCRIPT_ERROR, line));
    }
    if line.starts_with("Type INT32 with value ") && line.ends_with("destination type INT64") {
        // Days that are no moment in microseconds.
        let message = "date out of range for timestamp";
        return Some(Translated::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
    }
    if line.starts_with("ORDER term out of range") {
        return Some(Translated::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            "ORDER BY position is not in select list",
        ));
    }
    if line.starts_with("GROUP BY term out of range") {
        return Some(Translated::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            "GROUP BY position is not in select list",
        ));
    }
    if line.starts_with("Subquery returns ") {
        return Some(Translated::new(
            SqlState::SYNTAX_ERROR,
            "subquery has too many columns",
        ));
    }
    if line.starts_with("Cannot compare values of type")
        || line.starts_with("Cannot mix values of type")
    {
        return Some(Translated::new(
            SqlState::DATATYPE_MISMATCH,
            lower_first(text),
        ));
    }
    None
}

/// Values that do not fit their type.
fn values(text: &str) -> Option<Translated> {
    let line = first_line(text);
    if let Some(translated) = conversion(line) {
        return Some(translated);
    }
    if let Some(rest) = line.strip_prefix("Type VARCHAR with value '") {
        let (value, ty) = rest.split_once("' can't be cast to the destination type ")?;
        if ty.ends_with(']') {
            return Some(Translated::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("malformed array literal: \"{value}\""),
            ));
        }
        return Some(invalid_text(&type_name(ty), value));
    }
    if line.starts_with("Overflow in ") {
        let ty = between(line, " of ", " (").unwrap_or("numeric");
        return Some(out_of_range(&type_name(ty)));
    }
    if line.starts_with("Casting value ") && line.contains("out of range") {
        let ty = between(line, "to type ", " failed").unwrap_or_default();
        return field_overflow(ty);
    }
    for kind in ["date", "time", "timestamp"] {
        if let Some(rest) = line.strip_prefix(kind) {
            let value = between(rest, "\"", "\"");
            if rest.starts_with(" field value out of range") {
                return Some(Translated::new(
                    SqlState::DATETIME_FIELD_OVERFLOW,
                    format!("date/time field value out of range: \"{}\"", value?),
                ));
            }
        }
        if let Some(rest) = line.strip_prefix(&format!("invalid {kind} field format: ")) {
            let value = between(rest, "\"", "\"")?;
            return Some(Translated::new(
                SqlState::INVALID_DATETIME_FORMAT,
                format!("invalid input syntax for type {kind}: \"{value}\""),
            ));
        }
    }
    if line.starts_with("Could not convert ") && line.ends_with(" to Microseconds") {
        return Some(Translated::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "interval out of range".to_owned(),
        ));
    }
    if let Some(field) = line.strip_prefix("Date out of range: ") {
        return Some(Translated::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            format!("date field value out of range: {}", padded(field, '-')),
        ));
    }
    if let Some(field) = line.strip_prefix("Time out of range: ") {
        return Some(Translated::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            format!("time field value out of range: {}", padded(field, ':')),
        ));
    }
    if let Some(zone) = between(line, "Unknown TimeZone '", "'") {
        return Some(Translated::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("time zone \"{zone}\" not recognized"),
        ));
    }
    if let Some(unit) = between(line, "interval units \"", "\" not recognized") {
        return Some(Translated::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("unit \"{unit}\" not supported for type interval"),
        ));
    }
    if line.starts_with("unit \"") && line.contains("\" not recognized for type ") {
        return Some(Translated::new(SqlState::INVALID_PARAMETER_VALUE, line));
    }
    if let Some(unit) = between(line, "extract specifier \"", "\" not recognized") {
        return Some(Translated::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unit \"{unit}\" not recognized"),
        ));
    }
    if line.starts_with("Malformed JSON") {
        return Some(Translated {
            detail: Some(sentence(line)),
            ..Translated::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                "invalid input syntax for type json",
            )
        });
    }
    if line.to_ascii_lowercase().contains("division by zero") {
        return Some(Translated::new(
            SqlState::DIVISION_BY_ZERO,
            "division by zero",
        ));
    }
    rules(text)
}

/// Fields of a date or time with two digits at least, as PostgreSQL shows them.
fn padded(fields: &str, separator: char) -> String {
    let fields = fields.trim_end_matches(".0").split(separator);
    let padded: Vec<String> = fields.map(|field| format!("{field:0>2}")).collect();
    padded.join(&separator.to_string())
}

/// Casts of texts and numbers that cannot be done.
fn conversion(line: &str) -> Option<Translated> {
    // `'x' to INT32`, and for columns `'x' to INT32 when casting from source column c`.
    let line = line
        .rsplit_once(" when casting from source column ")
        .map_or(line, |(cast, _)| cast);
    if let Some(rest) = line.strip_prefix("Could not convert string ") {
        let (value, ty) = rest.rsplit_once(" to ")?;
        let value = unquote(value);
        if is_number(value) && ty.starts_with("DECIMAL(") {
            return field_overflow(ty);
        }
        // DuckDB parses a UUID as a 128-bit integer and says so.
        let ty = if ty.starts_with("INT128") {
            "uuid".to_owned()
        } else {
            type_name(ty.trim())
        };
        return Some(invalid_text(&ty, value));
    }
    if let Some((_, ty)) = line
        .strip_prefix("Failed to cast decimal value ")
        .and_then(|rest| rest.split_once(" to type "))
    {
        return Some(out_of_range(&type_name(ty.trim())));
    }
    if let Some((_, ty)) = line
        .strip_prefix("Could not cast value ")
        .and_then(|rest| rest.rsplit_once(" to "))
    {
        return field_overflow(ty);
    }
    if let Some((from, to)) = between(line, "Unimplemented type for cast (", ")")
        .and_then(|types| types.split_once(" -> "))
    {
        return Some(Translated::new(
            SqlState::CANNOT_COERCE,
            format!("cannot cast type {} to {}", type_name(from), type_name(to)),
        ));
    }
    if line.starts_with("Type ") && line.contains("out of range for the destination type") {
        let ty = type_name(line.rsplit(' ').next()?.trim_end_matches('!'));
        return Some(out_of_range(&ty));
    }
    None
}

fn invalid_text(ty: &str, value: &str) -> Translated {
    let code = match ty {
        "interval" => SqlState::INVALID_DATETIME_FORMAT,
        _ => SqlState::INVALID_TEXT_REPRESENTATION,
    };
    let is_integer = matches!(ty, "smallint" | "integer" | "bigint");
    let digits = value.trim();
    let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if is_integer && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Translated::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("value \"{value}\" is out of range for type {ty}"),
        );
    }
    Translated::new(
        code,
        format!("invalid input syntax for type {ty}: \"{value}\""),
    )
}

/// Whether a text is a number in decimal digits.
fn is_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
}

/// A number that a decimal such as `DECIMAL(5,2)` does not hold.
fn field_overflow(ty: &str) -> Option<Translated> {
    let overflow = Translated::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "numeric field overflow",
    );
    let (precision, scale) = between(ty, "DECIMAL(", ")")?.split_once(',')?;
    let (precision, scale): (i32, i32) = (precision.parse().ok()?, scale.trim().parse().ok()?);
    let digits = precision - scale;
    let bound = if digits == 0 {
        "1".to_owned()
    } else {
        format!("10^{digits}")
    };
    Some(Translated {
        detail: Some(format!(
            "A field with precision {precision}, scale {scale} must round to an absolute value \
             less than {bound}."
        )),
        ..overflow
    })
}

fn out_of_range(ty: &str) -> Translated {
    Translated::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("{ty} out of range"),
    )
}

/// Begins the line of a message that names columns which may have been meant, with their tables: at most
/// two, in quotes.
pub(crate) const NEAREST_COLUMNS: &str = "Nearest columns: ";

/// Names that differ in more than this are not alike (`MAX_FUZZY_DISTANCE`).
const HINT_DISTANCE_MAX: usize = 3;

/// `Candidate bindings: "a", "t.b"`: the first one is the nearest. Whether it is alike is decided as
/// PostgreSQL does (`updateFuzzyAttrStateSingleString`).
fn candidate_hint(text: &str, wanted: &str) -> Option<String> {
    if let Some((_, names)) = text.split_once(NEAREST_COLUMNS) {
        return match names.split_once(", ") {
            None if names.is_empty() => None,
            None => Some(format!(
                "Perhaps you meant to reference the column {names}."
            )),
            Some((one, other)) => Some(format!(
                "Perhaps you meant to reference the column {one} or the column {other}."
            )),
        };
    }
    let rest = text.split_once("Candidate bindings:")?.1;
    let name = between(rest, "\"", "\"")?;
    let column = name.rsplit('.').next().unwrap_or(name);
    let distance = strsim::levenshtein(&column.to_lowercase(), &wanted.to_lowercase());
    let alike = distance <= HINT_DISTANCE_MAX.min(wanted.chars().count() / 2);
    alike.then(|| format!("Perhaps you meant to reference the column \"{name}\"."))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    rest.split_once(after).map(|(name, _)| name)
}

fn unquote(value: &str) -> &str {
    let inner = value
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''))
        .or_else(|| {
            value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'))
        });
    inner.unwrap_or(value)
}

/// Quotes a name only where PostgreSQL would.
fn ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

/// PostgreSQL's messages begin in lower case, unless the first word is a name.
fn lower_first(text: &str) -> String {
    let text = text.trim_end().trim_end_matches(['!', '.']);
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

fn sentence(text: &str) -> String {
    let text = first_line(text).trim();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use FragmentErrorKind as Kind;

    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table is read best in one piece")]
    fn duckdbs_messages_become_postgresqls() {
        let cases = [
            (
                Kind::Binder,
                "Referenced column \"nosuch\" not found in FROM clause!\nCandidate bindings: \"a\"",
                "42703 column \"nosuch\" does not exist",
            ),
            (
                Kind::Binder,
                "Table \"t\" does not have a column named \"nosuch\"\n",
                "42703 column t.nosuch does not exist",
            ),
            (
                Kind::Catalog,
                "Table with name evnts does not exist!\nDid you mean \"events\"?",
                "42P01 relation \"evnts\" does not exist",
            ),
            (
                Kind::Catalog,
                "Table with name \"nosuch.t\" does not exist because schema \"nosuch\" does not exist.",
                "42P01 relation \"nosuch.t\" does not exist",
            ),
            (
                Kind::Binder,
                "Referenced table \"a\" not found!\nCandidate tables: \"c\"",
                "42P01 missing FROM-clause entry for table \"a\"",
            ),
            (
                Kind::Catalog,
                "Type with name nosuchtype does not exist!",
                "42704 type \"nosuchtype\" does not exist",
            ),
            (
                Kind::Binder,
                "No function matches the given name and argument types 'sum(VARCHAR)'. You might need to add explicit type casts.\n",
                "42883 function sum(text) does not exist",
            ),
            (
                Kind::Binder,
                "No function matches the given name and argument types '+(INTEGER, DECIMAL(5,2)[])'. You might need to add",
                "42883 operator does not exist: integer + numeric[]",
            ),
            (
                Kind::Binder,
                "column \"a\" must appear in the GROUP BY clause or must be part of an aggregate function.\nEither add",
                "42803 column \"a\" must appear in the GROUP BY clause or be used in an aggregate function",
            ),
            (
                Kind::Binder,
                "Ambiguous reference to column name \"a\" (use: \"t.a\" or \"u.a\")",
                "42702 column reference \"a\" is ambiguous",
            ),
            (
                Kind::Binder,
                "WHERE clause cannot contain aggregates!",
                "42803 aggregate functions are not allowed in WHERE",
            ),
            (
                Kind::Binder,
                "LIMIT/OFFSET cannot be negative",
                "2201W LIMIT must not be negative",
            ),
            (
                Kind::Conversion,
                "Could not convert string 'a' to INT32",
                "22P02 invalid input syntax for type integer: \"a\"",
            ),
            (
                Kind::Conversion,
                "Could not convert string \"x\" to DECIMAL(5,2)",
                "22P02 invalid input syntax for type numeric: \"x\"",
            ),
            (
                Kind::Conversion,
                "Could not convert string ' to ' to BOOL",
                "22P02 invalid input syntax for type boolean: \" to \"",
            ),
            (
                Kind::Conversion,
                "Failed to cast decimal value 99999 to type INT16 when casting from source column n",
                "22003 smallint out of range",
            ),
            (
                Kind::Conversion,
                "Type DOUBLE with value 9e+18 can't be cast because the value is out of range for the \
                 destination type INT32 when casting from source column n",
                "22003 integer out of range",
            ),
            (
                Kind::Conversion,
                "date field value out of range: \"2026-13-01\"",
                "22008 date/time field value out of range: \"2026-13-01\"",
            ),
            (
                Kind::Conversion,
                "invalid date field format: \"foo\", expected format is (YYYY-MM-DD)",
                "22007 invalid input syntax for type date: \"foo\"",
            ),
            (
                Kind::Conversion,
                "Type INT64 with value 99999999999 can't be cast because the value is out of range for the destination type INT32",
                "22003 integer out of range",
            ),
            (
                Kind::OutOfRange,
                "Overflow in addition of INT64 (9223372036854775807 + 1)!",
                "22003 bigint out of range",
            ),
            (
                Kind::Conversion,
                "Type VARCHAR with value '{1,2' can't be cast to the destination type INTEGER[]",
                "22P02 malformed array literal: \"{1,2\"",
            ),
            (
                Kind::Invalid,
                "More than one row returned by a subquery used as an expression - scalar",
                "21000 more than one row returned by a subquery used as an expression",
            ),
            (
                Kind::Syntax,
                "syntax error at or near \"selec\"",
                "42601 syntax error at or near \"selec\"",
            ),
            (
                Kind::Data,
                "No magic bytes found at end of file 'a.parquet'",
                "XX001 no magic bytes found at end of file 'a.parquet'",
            ),
            (
                Kind::Memory,
                "could not allocate block of size 256.0 KiB",
                "53200 out of memory",
            ),
        ];
        for (kind, text, expected) in cases {
            let error = FragmentError {
                kind,
                message: text.into(),
                position: None,
            };
            let Translated { code, message, .. } = translate(&error);
            assert_eq!(format!("{code} {message}"), expected);
        }
    }

    #[test]
    fn macros_name_the_condition() {
        let translated = |message: &str| {
            translate(&FragmentError {
                kind: Kind::Invalid,
                message: message.into(),
                position: None,
            })
        };
        let raised = translated("[substring_error] it is\nlong\nDETAIL: Too long.\nHINT: Cut it.");
        assert_eq!(raised.code, SqlState::SUBSTRING_ERROR);
        assert_eq!(raised.message, "it is\nlong");
        assert_eq!(raised.detail.as_deref(), Some("Too long."));
        assert_eq!(raised.hint.as_deref(), Some("Cut it."));
        assert_eq!(
            translated("[nosuch] text").code,
            SqlState::INVALID_PARAMETER_VALUE
        );
    }

    #[test]
    fn hints_name_the_nearest() {
        let hint = |kind, text: &str| {
            translate(&FragmentError {
                kind,
                message: text.into(),
                position: None,
            })
            .hint
        };
        assert_eq!(
            hint(Kind::Binder, "Referenced column \"dayy\" not found in FROM clause!\nCandidate bindings: \"day\", \"ms\"").as_deref(),
            Some("Perhaps you meant to reference the column \"day\".")
        );
        let unlike =
            "Referenced column \"nosuch\" not found in FROM clause!\nCandidate bindings: \"day\"";
        assert_eq!(hint(Kind::Binder, unlike), None);
    }
}
