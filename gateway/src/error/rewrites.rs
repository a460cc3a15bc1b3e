//! SQLSTATEs of what PostgreSQL's own spellings get wrong, before a query is planned.
//!
//! Apart from [`super`] because there are many, and each names its code without looking at others.

use skein_planner::postgres::spelling::Fault;
use skein_planner::postgres::{ByteaFault, PathFault, RegexFault, RewriteError};

use super::SqlState;

/// The code of an error that a rewrite found.
pub(super) fn rewrite_state(error: &RewriteError) -> SqlState {
    match error {
        RewriteError::UnknownSetting { .. } => SqlState::UNDEFINED_OBJECT,
        RewriteError::Bytea { fault, .. } => match fault {
            ByteaFault::Escape => SqlState::INVALID_TEXT_REPRESENTATION,
            ByteaFault::Digit(_) | ByteaFault::Odd => SqlState::INVALID_PARAMETER_VALUE,
        },
        RewriteError::Spelling { error, .. } => match error.fault {
            Fault::Syntax => SqlState::INVALID_DATETIME_FORMAT,
            Fault::Field | Fault::FieldOrder | Fault::IntervalRange => {
                SqlState::DATETIME_FIELD_OVERFLOW
            }
            Fault::Interval => SqlState::INTERVAL_FIELD_OVERFLOW,
            Fault::Displacement => SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
        },
        RewriteError::Regex { fault } => regex_state(fault),
        RewriteError::Format { .. } => SqlState::INVALID_PARAMETER_VALUE,
        RewriteError::Array { .. } | RewriteError::Json { .. } => {
            SqlState::INVALID_TEXT_REPRESENTATION
        }
        RewriteError::JsonUnicode { .. } => SqlState::UNTRANSLATABLE_CHARACTER,
        RewriteError::JsonPath { fault, .. } => match fault {
            PathFault::Empty | PathFault::Escape => SqlState::INVALID_TEXT_REPRESENTATION,
            PathFault::Depth | PathFault::Expanded | PathFault::Datetime => {
                SqlState::FEATURE_NOT_SUPPORTED
            }
            PathFault::Regex(fault) => regex_state(fault),
            _ => SqlState::SYNTAX_ERROR,
        },
        RewriteError::NotBoolean { .. } => SqlState::DATATYPE_MISMATCH,
        RewriteError::NotAPosition { .. } | RewriteError::NoColumns { .. } => {
            SqlState::SYNTAX_ERROR
        }
        RewriteError::NoPosition { .. } => SqlState::INVALID_COLUMN_REFERENCE,
        RewriteError::Ambiguous { .. } => SqlState::AMBIGUOUS_COLUMN,
        RewriteError::InvalidText { .. } => SqlState::INVALID_TEXT_REPRESENTATION,
        RewriteError::NoOperator { .. } => SqlState::UNDEFINED_FUNCTION,
        RewriteError::NotUnique { .. } => SqlState::AMBIGUOUS_FUNCTION,
        RewriteError::CannotCast { .. } => SqlState::CANNOT_COERCE,
        RewriteError::NotConstant { .. } | RewriteError::TextSearch { .. } => {
            SqlState::FEATURE_NOT_SUPPORTED
        }
    }
}

fn regex_state(fault: &RegexFault) -> SqlState {
    match fault {
        RegexFault::LookAround
        | RegexFault::BackReference
        | RegexFault::OtherSyntax
        | RegexFault::Groups => SqlState::FEATURE_NOT_SUPPORTED,
        RegexFault::Escape | RegexFault::Braces | RegexFault::Repetition | RegexFault::Operand => {
            SqlState::INVALID_REGULAR_EXPRESSION
        }
        RegexFault::Marks => SqlState::INVALID_USE_OF_ESCAPE_CHARACTER,
        RegexFault::Global(_) | RegexFault::Option(_) => SqlState::INVALID_PARAMETER_VALUE,
    }
}
