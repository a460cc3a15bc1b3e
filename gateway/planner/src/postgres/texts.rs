//! Functions over text whose arguments need more than another name: `concat`, `format`, functions
//! that return rows, and arguments without a type.
//!
//! `format` with a constant is divided here into its pieces, which become arguments of `concat`.

use skein_executor_api::functions;

use super::patterns::{self, SET_OF_MATCHES, macro_call};
use super::{RewriteError, bytea, node};
use crate::ast::visit::children_mut;
use crate::ast::{Expr, ExprKind, Function, Query, QueryBody, TableRef, TableRefKind};

/// Functions with an overload for text and one for bytes: which of their arguments are such, which
/// are whole numbers.
const OVERLOADED: &[(&str, &[usize], &[usize])] = &[
    ("substring", &[0], &[]),
    ("substr", &[0], &[1, 2]),
    ("overlay", &[0, 1], &[2, 3]),
    ("trim", &[0, 1], &[]),
    ("btrim", &[0, 1], &[]),
    ("ltrim", &[0, 1], &[]),
    ("rtrim", &[0, 1], &[]),
];

/// Why a text for `format` is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatFault {
    /// More is asked for than given.
    #[error("too few arguments for format()")]
    TooFew,
    /// `%x`
    #[error("unrecognized format() type specifier \"{0}\"")]
    Unknown(char),
    /// `%` at the end.
    #[error("unterminated format() type specifier")]
    Unterminated,
    /// `%0$s`
    #[error("format specifies argument 0, but arguments are numbered from 1")]
    Zero,
}

impl FormatFault {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) | Self::Unterminated => Some("For a single \"%\" use \"%%\"."),
            Self::TooFew | Self::Zero => None,
        }
    }
}

/// Functions of full text search.
const SEARCH: &[&str] = &[
    "array_to_tsvector",
    "get_current_ts_config",
    "phraseto_tsquery",
    "plainto_tsquery",
    "to_tsquery",
    "to_tsvector",
    "ts_debug",
    "ts_headline",
    "ts_lexize",
    "ts_parse",
    "ts_rank",
    "ts_rank_cd",
    "ts_rewrite",
    "tsvector_to_array",
    "websearch_to_tsquery",
];

/// Whether an operand is made for full text search.
pub(super) fn is_of_search(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) => SEARCH.contains(&call.name.as_str()),
        ExprKind::Cast { ty, .. } => {
            matches!(node::user_type(&ty.0), Some("tsvector" | "tsquery"))
        }
        _ => false,
    }
}

/// Whether it is a text in quotes, without a type.
pub(super) fn is_literal(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_string())
}

/// Rewrites a call.
pub(super) fn function(expr: &mut Expr) -> Result<(), RewriteError> {
    let position = expr.location;
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(());
    };
    if call.is_operator || !matches!(call.schema.as_str(), "" | "pg_catalog" | "main") {
        return Ok(());
    }
    if SEARCH.contains(&call.name.as_str()) {
        return Err(RewriteError::TextSearch { position });
    }
    if let Some((_, texts, numbers)) = OVERLOADED.iter().find(|(name, ..)| *name == call.name) {
        for index in *texts {
            give_type(call, *index, "VARCHAR");
        }
        for index in *numbers {
            give_type(call, *index, "BIGINT");
        }
    }
    match call.name.as_str() {
        "concat" | "concat_ws" => {
            for argument in &mut call.args {
                as_text(argument);
            }
        }
        "format" if !call.args.is_empty() => {
            let mut args = std::mem::take(&mut call.args);
            let template = args.remove(0);
            if matches!(&template.kind, ExprKind::Constant(constant) if constant.value.is_null()) {
                expr.kind = node::text_or_null(None).kind;
                return Ok(());
            }
            let Some(text) = node::constant_text(&template) else {
                return Err(RewriteError::NotConstant {
                    function: "format".to_owned(),
                    position,
                });
            };
            let pieces = pieces(text, &args).map_err(|fault| RewriteError::Format { fault })?;
            expr.kind = node::call("", "concat", pieces).kind;
        }
        // They take nothing but bytes, and so is a constant.
        "sha224" | "sha256" | "sha384" | "sha512" | "encode" | "get_byte" | "set_byte"
        | "convert_from"
            if takes_bytes(&call.name, call.args.len()) && is_constant_text(&call.args[0]) =>
        {
            let text = node::constant_text(&call.args[0]).unwrap_or_default();
            let position = call.args[0].location;
            let bytes =
                bytea::blob(text).map_err(|fault| RewriteError::Bytea { fault, position })?;
            call.args[0] = node::cast(node::text(&bytes), node::plain_type("BLOB"));
        }
        "normalize" if call.args.len() == 2 => {
            let form = match &call.args[1].kind {
                ExprKind::ColumnRef(names) => names.concat(),
                _ => node::constant_text(&call.args[1])
                    .unwrap_or_default()
                    .to_owned(),
            };
            if form.eq_ignore_ascii_case("nfc") {
                call.args.truncate(1);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether that many arguments of such a function are what PostgreSQL has.
fn takes_bytes(name: &str, count: usize) -> bool {
    let wanted = match name {
        "set_byte" => 3,
        "encode" | "get_byte" | "convert_from" => 2,
        _ => 1,
    };
    count == wanted
}

fn is_constant_text(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_string())
}

/// What has no type of its own gets one, so that one overload fits.
fn give_type(call: &mut Function, index: usize, ty: &str) {
    let Some(argument) = call.args.get_mut(index) else {
        return;
    };
    let untyped = match &argument.kind {
        ExprKind::Parameter(_) => true,
        ExprKind::Constant(constant) => constant.value.is_null(),
        _ => false,
    };
    if untyped {
        let inner = std::mem::replace(argument, node::null());
        *argument = node::cast(inner, node::plain_type(ty));
    }
}

/// Makes an argument the text that PostgreSQL prints for it.
fn as_text(argument: &mut Expr) {
    if !is_printed(argument) {
        let inner = std::mem::replace(argument, node::null());
        *argument = macro_call("skein_text", vec![inner]);
    }
}

/// Whether DuckDB prints a value as PostgreSQL does, as far as its expression tells: it is a text, or a number.
fn is_printed(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => matches!(
            constant.ty.id(),
            "VARCHAR" | "NULL" | "INTEGER" | "BIGINT" | "DECIMAL"
        ),
        ExprKind::Cast { ty, .. } => ty.id() == "VARCHAR",
        ExprKind::Operator { op, children } => {
            op == "OPERATOR_COALESCE" && children.iter().all(is_printed)
        }
        // What JSON builders write for their members.
        ExprKind::Function(call) => {
            call.schema == functions::SCHEMA && call.name.starts_with("skein_to_json")
        }
        _ => false,
    }
}

/// The arguments of `concat` for a text of `format` and its arguments.
fn pieces(template: &str, args: &[Expr]) -> Result<Vec<Expr>, FormatFault> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = Directive {
        rest: template,
        args,
        next: 0,
    };
    while let Some(c) = rest.take() {
        if c != '%' {
            plain.push(c);
        } else if rest.rest.starts_with('%') {
            rest.take();
            plain.push('%');
        } else {
            if !plain.is_empty() {
                found.push(node::text(&std::mem::take(&mut plain)));
            }
            found.push(rest.read()?);
        }
    }
    if !plain.is_empty() || found.is_empty() {
        found.push(node::text(&plain));
    }
    Ok(found)
}

/// A text of `format` while it is read.
struct Directive<'a> {
    rest: &'a str,
    args: &'a [Expr],
    /// Index of the argument after the one used last.
    next: usize,
}

impl Directive<'_> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn number(&mut self) -> Option<usize> {
        let length = self.rest.chars().take_while(char::is_ascii_digit).count();
        let number = self.rest[..length].parse().ok()?;
        self.rest = &self.rest[length..];
        Some(number)
    }

    /// `n$`
    fn place(&mut self) -> Result<Option<usize>, FormatFault> {
        let before = self.rest;
        match (self.number(), self.rest.strip_prefix('$')) {
            (Some(0), Some(_)) => Err(FormatFault::Zero),
            (Some(number), Some(rest)) => {
                self.rest = rest;
                Ok(Some(number - 1))
            }
            _ => {
                self.rest = before;
                Ok(None)
            }
        }
    }

    fn argument(&mut self, place: Option<usize>) -> Result<Expr, FormatFault> {
        let index = place.unwrap_or(self.next);
        self.next = index + 1;
        self.args.get(index).cloned().ok_or(FormatFault::TooFew)
    }

    /// What follows a `%`: place, flags, width, type.
    fn read(&mut self) -> Result<Expr, FormatFault> {
        let place = self.place()?;
        let mut at_left = false;
        while self.rest.starts_with('-') {
            self.take();
            at_left = true;
        }
        let width = if self.rest.starts_with('*') {
            self.take();
            let place = self.place()?;
            Some(self.argument(place)?)
        } else {
            self.number()
                .map(|width| node::integer("INTEGER", i64::try_from(width).unwrap_or(i64::MAX)))
        };
        let kind = self.take().ok_or(FormatFault::Unterminated)?;
        if !matches!(kind, 's' | 'I' | 'L') {
            return Err(FormatFault::Unknown(kind));
        }
        let mut value = self.argument(place)?;
        as_text(&mut value);
        let value = match kind {
            'I' => macro_call("skein_format_ident", vec![value]),
            'L' => macro_call("skein_format_literal", vec![value]),
            _ => value,
        };
        Ok(match width {
            Some(width) => macro_call(
                "skein_format_padded",
                vec![value, width, node::boolean(at_left)],
            ),
            None => value,
        })
    }
}

/// Marks calls of `regexp_matches` among the result columns: there it returns rows.
pub(super) fn mark_sets(query: &mut Query) {
    if let QueryBody::Select(select) = &mut query.body {
        select.select_list.iter_mut().for_each(mark);
    }
}

fn mark(expr: &mut Expr) {
    let below = match &mut expr.kind {
        ExprKind::Function(call) => {
            if is_call_of(call, "regexp_matches") {
                SET_OF_MATCHES.clone_into(&mut call.name);
                return;
            }
            matches!(
                call.name.as_str(),
                "array_to_string" | "cardinality" | "array_length" | "unnest"
            )
        }
        ExprKind::Operator { op, .. } => matches!(op.as_str(), "ARRAY_EXTRACT" | "ARRAY_SLICE"),
        ExprKind::Cast { .. } => true,
        _ => false,
    };
    if below {
        children_mut(expr).into_iter().for_each(mark);
    }
}

fn is_call_of(call: &Function, name: &str) -> bool {
    !call.is_operator && call.name == name && matches!(call.schema.as_str(), "" | "pg_catalog")
}

/// Rewrites functions in FROM that return rows of one column, which has the name of the function or
/// of its alias.
pub(super) fn table(table: &mut TableRef) -> Result<(), RewriteError> {
    let TableRefKind::Function { call, .. } = &mut table.kind else {
        return Ok(());
    };
    let ExprKind::Function(function) = &mut call.kind else {
        return Ok(());
    };
    let Some(name) = ["regexp_matches", "regexp_split_to_table", "string_to_table"]
        .into_iter()
        .find(|name| is_call_of(function, name))
    else {
        return Ok(());
    };
    match name {
        "regexp_matches" => SET_OF_MATCHES.clone_into(&mut function.name),
        "string_to_table" => {
            let args = std::mem::take(&mut function.args);
            let list = match args.len() {
                2 => macro_call("skein_divided", args),
                _ => macro_call("skein_divided_nulls", args),
            };
            call.kind = node::call("", "unnest", vec![list]).kind;
        }
        _ => {}
    }
    patterns::function(call)?;
    if table.alias.is_empty() {
        name.clone_into(&mut table.alias);
    }
    if table.column_aliases.is_empty() {
        table.column_aliases.push(table.alias.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FormatFault, pieces};
    use crate::ast::{Expr, print};

    fn formatted(template: &str) -> Result<String, FormatFault> {
        let args = [Expr::column(["a"]), Expr::string("b")];
        let pieces = pieces(template, &args)?;
        Ok(pieces
            .iter()
            .map(print::expr_sql)
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn formats_are_divided() {
        for (template, wanted) in [
            ("", "''"),
            ("x %% y", "'x % y'"),
            ("<%s-%s>", "'<' skein_fn.skein_text(a) '-' 'b' '>'"),
            ("%2$s%1$s", "'b' skein_fn.skein_text(a)"),
            ("%2$L", "skein_fn.skein_format_literal('b')"),
            (
                "%-5I",
                "skein_fn.skein_format_padded(skein_fn.skein_format_ident(skein_fn.skein_text(a)), 5, CAST('t' AS BOOLEAN))",
            ),
            (
                "%*s",
                "skein_fn.skein_format_padded('b', a, CAST('f' AS BOOLEAN))",
            ),
        ] {
            assert_eq!(formatted(template).as_deref(), Ok(wanted), "{template}");
        }
        for (template, wanted) in [
            ("%s %s %s", FormatFault::TooFew),
            ("%x", FormatFault::Unknown('x')),
            ("%", FormatFault::Unterminated),
            ("%0$s", FormatFault::Zero),
        ] {
            assert_eq!(formatted(template), Err(wanted), "{template}");
        }
    }
}
