//! An error or notice as it is sent.

use super::SqlState;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The session ends.
    Fatal,
    /// The statement ends.
    Error,
    /// The client should know.
    Warning,
    /// The client may like to know.
    Notice,
}

impl Severity {
    /// As in the message; never translated.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
        }
    }
}

/// Fields of ErrorResponse or NoticeResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How bad it is.
    pub severity: Severity,
    /// What PostgreSQL calls it.
    pub code: SqlState,
    /// One line, lower case, no full stop.
    pub message: String,
    /// A sentence.
    pub detail: Option<String>,
    /// A sentence.
    pub hint: Option<String>,
    /// Character in the statement, counted from one.
    pub position: Option<usize>,
    /// The function of PostgreSQL's that says so, where clients go by it.
    pub routine: Option<&'static str>,
}

impl Report {
    /// An error of a statement.
    pub fn error(code: SqlState, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity: Severity::Error,
            code,
            message,
            detail: None,
            hint: None,
            position: None,
            routine: None,
        }
    }

    /// A warning.
    pub fn warning(code: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }
}

/// The character of `text` at a byte, counted from one.
pub(super) fn character(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    text[..byte].chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(character("é+ü", 0), 1);
        assert_eq!(character("é+ü", 2), 2);
        assert_eq!(character("é+ü", 4), 3, "inside of a character");
        assert_eq!(character("é+ü", 99), 4);
    }
}
