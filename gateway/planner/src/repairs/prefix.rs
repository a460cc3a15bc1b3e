//! `LIKE` with a prefix whose last byte is the last of its kind.
//!
//! DuckDB 1.5.5 compares statistics of Parquet files with the prefix of a pattern, and with the prefix whose last
//! byte is one more. Where that is 0x7F or 0xBF, as in `п`, the latter is no text, and the query fails. What is no
//! plain column has no statistics.
//!
//! ```text
//! s LIKE 'п%a'
//! greatest(s) LIKE 'п%a'
//! ```

use crate::ast::{Expr, ExprKind, Function};
use crate::postgres::patterns;

/// Whether a call may be one that fails.
fn may_concern(call: &Function) -> bool {
    call.name == "~~" && call.is_operator && call.args.len() == 2
        || call.name == "regexp_matches"
        || call.name == "regexp_full_match"
}

/// Puts a function around a column that is compared with such a pattern.
pub(crate) fn repair(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    if !may_concern(call) {
        return;
    }
    let Some(pattern) = call.args.get(1).and_then(patterns::constant) else {
        return;
    };
    let ends_badly = if call.name == "~~" {
        let end = pattern.find(['%', '_']).unwrap_or(pattern.len());
        matches!(pattern.as_bytes()[..end].last(), Some(0x7F | 0xBF))
    } else {
        // Which of its letters are the prefix, DuckDB decides.
        pattern.bytes().any(|byte| matches!(byte, 0x7F | 0xBF))
    };
    if ends_badly && !matches!(&call.args[0].kind, ExprKind::Function(_)) {
        let column = std::mem::replace(&mut call.args[0], Expr::null());
        call.args[0] = Expr::function("greatest", vec![column]);
    }
}
