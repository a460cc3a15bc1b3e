//! Macros that are there for several types.
//!
//! DuckDB chooses among them by the types of arguments that are columns or constants. For the value of an
//! aggregate, of a window function or of a column of an outer query it finds all of them fitting, unless the
//! arguments have names, which are other ones in each:
//!
//! ```text
//! substr(max(s), 1, 3)   ─►   substr(string := max(s), start := 1, length := 3)
//! ```

use skein_executor_api::functions;

use super::Block;
use super::types::Ty;
use crate::ast::{Expr, ExprKind};

/// A macro, and the names of its arguments by the type of the first. Shorter calls have the first of them.
struct Overloaded {
    name: &'static str,
    /// For what is no other: text.
    text: &'static [&'static str],
    bytes: &'static [&'static str],
    bits: &'static [&'static str],
}

const OVERLOADED: &[Overloaded] = &[
    Overloaded {
        name: "substring",
        text: &["string", "start", "length"],
        bytes: &["bytes", "start", "length"],
        bits: &["bits", "start", "length"],
    },
    Overloaded {
        name: "substr",
        text: &["string", "start", "length"],
        bytes: &["bytes", "start", "length"],
        bits: &[],
    },
    Overloaded {
        name: "overlay",
        text: &["string", "put", "start", "length"],
        bytes: &["bytes", "put", "start", "length"],
        bits: &["bits", "put", "start", "length"],
    },
    Overloaded {
        name: "set_bit",
        text: &[],
        bytes: &["bytes", "place", "value"],
        bits: &["bits", "place", "value"],
    },
    Overloaded {
        name: "trim",
        text: TRIMMED_TEXT,
        bytes: TRIMMED_BYTES,
        bits: &[],
    },
    Overloaded {
        name: "btrim",
        text: TRIMMED_TEXT,
        bytes: TRIMMED_BYTES,
        bits: &[],
    },
    Overloaded {
        name: "ltrim",
        text: TRIMMED_TEXT,
        bytes: TRIMMED_BYTES,
        bits: &[],
    },
    Overloaded {
        name: "rtrim",
        text: TRIMMED_TEXT,
        bytes: TRIMMED_BYTES,
        bits: &[],
    },
];

/// Functions over two whole numbers, with the names of their arguments where both are an `integer`, and where not.
const WHOLE: &[&str] = &["gcd", "lcm"];
const INTEGERS: &[&str] = &["x", "y"];
const BIGINTS: &[&str] = &["a", "b"];

const TRIMMED_TEXT: &[&str] = &["string", "characters"];
const TRIMMED_BYTES: &[&str] = &["bytes", "those"];
/// `substring(s from pattern for escape)`
const PATTERN: &[&str] = &["string", "pattern", "escape"];

/// Whether a rule may concern this call.
pub(super) fn is_target(expr: &Expr) -> bool {
    overloaded(expr).is_some() || whole(expr).is_some()
}

/// The arguments of a function over two whole numbers.
fn whole(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::Function(call)
            if call.schema == functions::SCHEMA && WHOLE.contains(&call.name.as_str()) =>
        {
            Some(&call.args)
        }
        _ => None,
    }
}

fn overloaded(expr: &Expr) -> Option<&'static Overloaded> {
    let ExprKind::Function(call) = &expr.kind else {
        return None;
    };
    let is_ours = call.schema == functions::SCHEMA && call.args.len() > 1;
    let is_plain = |arg: &Expr| matches!(arg.kind, ExprKind::Constant(_));
    let is_named = call.args.iter().any(|arg| !arg.alias.is_empty());
    if !is_ours || is_named || call.args.iter().all(is_plain) {
        return None;
    }
    OVERLOADED.iter().find(|it| it.name == call.name)
}

impl Block<'_> {
    /// Names the arguments of a call of such a macro.
    pub(super) fn overload(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) {
        if whole(expr).is_some() {
            self.whole_numbers(expr, types);
            return;
        }
        let Some(macros) = overloaded(expr) else {
            return;
        };
        let ExprKind::Function(call) = &mut expr.kind else {
            return;
        };
        let names = match self.asked.type_of(&call.args[0]).as_deref() {
            None => return,
            Some("BLOB") => macros.bytes,
            Some("BIT") => macros.bits,
            Some(_) if macros.name == "substring" && self.is_text(&call.args[1]) => PATTERN,
            Some(_) => macros.text,
        };
        if names.len() >= call.args.len() {
            for (arg, name) in call.args.iter_mut().zip(names) {
                (*name).clone_into(&mut arg.alias);
            }
        }
    }

    fn whole_numbers(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) {
        let names = match self.both_below(expr, types) {
            Some((Ty::Small | Ty::Integer, Ty::Small | Ty::Integer)) => INTEGERS,
            Some((left, right)) if left.is_integer() && right.is_integer() => BIGINTS,
            _ => return,
        };
        if let ExprKind::Function(call) = &mut expr.kind {
            for (arg, name) in call.args.iter_mut().zip(names) {
                (*name).clone_into(&mut arg.alias);
            }
        }
    }

    fn is_text(&mut self, expr: &Expr) -> bool {
        self.asked.type_of(expr).as_deref() == Some("VARCHAR")
    }
}
