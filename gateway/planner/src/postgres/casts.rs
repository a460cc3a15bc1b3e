//! Casts to PostgreSQL's types that DuckDB lacks: `regclass` and its kin, `name`, `xid`, and lists
//! written as PostgreSQL's text of arrays.
//!
//! In PostgreSQL a `regclass` is an OID that prints as a name. Here it has to be one of the two,
//! which depends on what becomes of it: a result column or a text shows the name, everything else
//! works with the OID.

use std::collections::BTreeMap;

use serde_json::Value;
use skein_catalog::system::{self, PG_SCHEMA};
use skein_catalog::types::PgType;

use super::{
    Context, RewriteError, arrays, bytea, json, lengths, node, numerics, session_rows, temporal,
    tokens,
};
use crate::ast::visit::Descend;
use crate::ast::{DataType, Expr, ExprKind, Query, QueryBody, TableRef, TableRefKind};
use crate::outputs::Output;

/// Binary digits of the longest `float(n)` that is a `real`.
const REAL_DIGITS_MAX: i64 = 24;

/// What the macros for a type have to be told, beside the name or the OID.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Path,
    Roles,
}

/// Macros for a type: from a name to the OID, and from the OID to the name.
fn macros(ty: &str) -> Option<(&'static str, &'static str, Told)> {
    Some(match ty {
        "regclass" => ("skein_regclass", "skein_regclass_name", Told::Path),
        "regtype" => ("skein_regtype", "skein_regtype_name", Told::Path),
        "regproc" => ("skein_regproc", "skein_regproc_name", Told::Path),
        "regprocedure" => (
            "skein_regprocedure",
            "skein_regprocedure_name",
            Told::Nothing,
        ),
        "regoper" => ("skein_regoper", "skein_regoper_name", Told::Nothing),
        "regoperator" => ("skein_regoperator", "skein_regoperator_name", Told::Nothing),
        "regcollation" => (
            "skein_regcollation",
            "skein_regcollation_name",
            Told::Nothing,
        ),
        "regnamespace" => (
            "skein_regnamespace",
            "skein_regnamespace_name",
            Told::Nothing,
        ),
        "regrole" => ("skein_regrole", "skein_regrole_name", Told::Roles),
        _ => return None,
    })
}

/// Calls a macro of the catalogue.
fn told(name: &str, mut args: Vec<Expr>, told: Told, context: &mut Context<'_>) -> Expr {
    match told {
        Told::Nothing => {}
        Told::Path => args.push(context.path()),
        Told::Roles => args.push(session_rows::roles_by_name(&mut context.found.shown)),
    }
    context.found.catalogue = true;
    node::call(PG_SCHEMA, name, args)
}

/// Macros for arrays of a type: from names to OIDs, and from OIDs to pairs of a number and a name.
fn array_macros(element: &str) -> Option<(&'static str, &'static str, Told)> {
    Some(match element {
        "regclass" => ("skein_regclass_numbers", "skein_regclass_pairs", Told::Path),
        "regtype" => ("skein_regtype_numbers", "skein_regtype_pairs", Told::Path),
        "regproc" => ("skein_regproc_numbers", "skein_regproc_pairs", Told::Path),
        "regnamespace" => (
            "skein_regnamespace_numbers",
            "skein_regnamespace_pairs",
            Told::Nothing,
        ),
        "regrole" => ("skein_regrole_numbers", "skein_regrole_pairs", Told::Roles),
        _ => return None,
    })
}

/// The pairs that a list of OIDs is shown by, of this array type; `None` for other types.
fn pairs_of(list: Expr, ty: &str, context: &mut Context<'_>) -> Option<Expr> {
    let (_, to_pairs, needs) = array_macros(ty.strip_prefix('_')?)?;
    Some(told(to_pairs, vec![list], needs, context))
}

/// What a value of this type is shown by: the name of an OID, those of a list, the text of a number. Other
/// types stay what they are.
fn name_of(value: Expr, ty: &str, context: &mut Context<'_>) -> Expr {
    if let Some((_, to_name, needs)) = macros(ty) {
        return told(to_name, vec![value], needs, context);
    }
    match ty {
        "oid" | "xid" | "cid" => node::cast(value, node::plain_type("VARCHAR")),
        "_oid" | "_xid" | "oidvector" => node::cast(value, node::list_type("VARCHAR")),
        _ if ty
            .strip_prefix('_')
            .is_some_and(|it| array_macros(it).is_some()) =>
        {
            let pairs = pairs_of(value, ty, context).unwrap_or_else(node::null);
            told("skein_names", vec![pairs], Told::Nothing, context)
        }
        _ => value,
    }
}

/// Whether it is a type that [`name_of`] changes.
fn is_changed(ty: &str) -> bool {
    macros(ty).is_some()
        || ty
            .strip_prefix('_')
            .is_some_and(|it| array_macros(it).is_some())
        || matches!(ty, "oid" | "xid" | "cid" | "_oid" | "_xid" | "oidvector")
}

/// A row of JSON, whose columns are what they are shown by.
fn row_of(relation: &str, columns: &[(String, Option<&str>)], context: &mut Context<'_>) -> Expr {
    let fields = columns.iter().map(|(name, ty)| {
        let path = vec![relation.to_owned(), name.clone()];
        let column = node::expr(ExprKind::ColumnRef(path));
        let value = match ty.filter(|ty| is_changed(ty)) {
            Some(ty) => name_of(column, ty, context),
            None => column,
        };
        value.named(name.clone())
    });
    let fields = fields.collect();
    node::call("", "struct_pack", fields)
}

/// Makes the OID of a name.
pub(super) fn find(expr: &mut Expr, reg: &str, context: &mut Context<'_>) {
    let Some((to_number, _, needs)) = macros(reg) else {
        return;
    };
    if let Some(oid) = builtin_oid(expr, reg, context) {
        context.found.catalogue = true;
        *expr = node::integer("BIGINT", oid.into());
        return;
    }
    let mut args = vec![std::mem::replace(expr, node::null())];
    if reg == "regclass" {
        // It may stand before the schema.
        args.push(node::text(context.facts.database()));
    }
    *expr = told(to_number, args, needs, context);
}

/// The OID of a constant that names what is built in, as nearly every statement on the catalogue has it
/// (`'pg_class'::regclass`): a macro that looks for it costs milliseconds of planning.
fn builtin_oid(expr: &Expr, reg: &str, context: &mut Context<'_>) -> Option<u32> {
    let text = node::constant_text(expr)?;
    let name = text.strip_prefix("pg_catalog.").unwrap_or(text);
    let oid = match reg {
        "regclass" => system::relation("pg_catalog", name)?.oid,
        "regproc" => system::function_oid(name)?,
        _ => return None,
    };
    (name != text || context.finds_builtin_first()).then_some(oid)
}

/// Fills result columns of type `char(n)` with blanks.
pub(super) fn pad(query: &mut Query, text: &str) {
    match &mut query.body {
        QueryBody::Select(select) => {
            for expr in &mut select.select_list {
                lengths::pad(expr, text);
            }
        }
        QueryBody::SetOperation { operands, .. } => {
            for operand in operands {
                pad(operand, text);
            }
        }
        QueryBody::RecursiveCte { .. } => {}
    }
}

/// Makes the casts among the result columns show names.
pub(super) fn outputs(query: &mut Query, context: &mut Context<'_>) {
    match &mut query.body {
        QueryBody::Select(select) => {
            for expr in &mut select.select_list {
                let Some(ty) = reg_type(expr) else { continue };
                let alias = if expr.alias.is_empty() {
                    ty.clone()
                } else {
                    expr.alias.clone()
                };
                show(expr, &ty, context);
                expr.alias = alias;
            }
        }
        QueryBody::SetOperation { operands, .. } => {
            for operand in operands {
                outputs(operand, context);
            }
        }
        QueryBody::RecursiveCte { .. } => {}
    }
}

/// Makes pairs of a number and a name of result columns that are OIDs shown by name: clients get the
/// name as text and the number in binary. The query becomes a subquery, whatever it is.
pub(super) fn pairs(query: &mut Query, columns: &[Output], context: &mut Context<'_>) {
    let is_reg = |column: &Output| column.ty.is_some_and(|ty| macros(ty).is_some());
    let is_list = |column: &Output| {
        let element = column.ty.and_then(|ty| ty.strip_prefix('_'));
        element.is_some_and(|element| array_macros(element).is_some())
    };
    if !columns
        .iter()
        .any(|column| is_reg(column) || is_list(column))
    {
        return;
    }
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let list = columns
        .iter()
        .zip(&names)
        .map(|(column, name)| {
            let number = || Expr::from(ExprKind::ColumnRef(vec!["q".to_owned(), name.clone()]));
            let mut value = match column.ty {
                Some(ty) if is_list(column) => {
                    pairs_of(number(), ty, context).unwrap_or_else(number)
                }
                Some(reg) if is_reg(column) => {
                    let text = name_of(number(), reg, context);
                    told("skein_pair", vec![number(), text], Told::Nothing, context)
                }
                _ => number(),
            };
            value.alias.clone_from(&column.name);
            value
        })
        .collect();
    let inner = std::mem::replace(query, node::select(node::null()));
    if let QueryBody::Select(select) = &mut query.body {
        select.select_list = list;
        select.from = TableRef {
            kind: TableRefKind::Subquery(Box::new(inner)),
            alias: "q".to_owned(),
            column_aliases: names,
            sample: None,
            location: None,
        };
    }
}

/// Rewrites a cast anywhere.
pub(super) fn cast(expr: &mut Expr, context: &mut Context<'_>) -> Descend {
    if let Some(reg) = reg_type(expr) {
        let location = expr.location;
        let alias = std::mem::take(&mut expr.alias);
        let ExprKind::Cast { child, .. } = std::mem::replace(&mut expr.kind, ExprKind::Default)
        else {
            return Descend::Into;
        };
        *expr = number(*child, &reg, location, context);
        (expr.alias, expr.location) = (alias, location);
        // What was cast may need rewriting itself and may stand here now.
        return match expr.kind {
            ExprKind::Function(_) => Descend::Into,
            _ => context.visit(crate::ast::visit::NodeMut::Expr(expr)),
        };
    }
    if vector(expr) {
        return Descend::Into;
    }
    if let ExprKind::Cast { child, ty, .. } = &mut expr.kind
        && ty.id() == "BIGINT"
        && is_typeof(child)
    {
        find(child, "regtype", context);
    }
    name_array(expr);
    one_character(expr, context.text);
    double(expr, context.text);
    json::cast(expr, context);
    numerics::mark(expr, context.text);
    if lengths::truncate(expr, context.text) || lengths::bits(expr, context.text) {
        return Descend::Into;
    }
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return Descend::Into;
    };
    if let Err(error) = constant(child, ty) {
        context.error = Some(error);
        return Descend::Over;
    }
    temporal::constants::cast(expr, context);
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return Descend::Into;
    };
    // A column that holds OIDs which are shown by name, or lists of them.
    let is_texts = ty.id() == "LIST" && ty.0["type_info"]["child_type"]["id"] == "VARCHAR";
    if (node::is_text(ty) && reg_type(child).is_none() || is_texts)
        && let Some(reg) = expr.location.and_then(|at| context.outputs.shown.get(&at))
    {
        let number = std::mem::replace(&mut **child, node::null());
        **child = name_of(number, reg, context);
        plain(&mut ty.0);
        return Descend::Into;
    }
    // A name or OID, cast on to text or to another type.
    if let Some(inner) = reg_type(child) {
        if node::is_text(ty) {
            show(child, &inner, context);
        }
        plain(&mut ty.0);
        return Descend::Into;
    }
    if let Some(reg) = reg_elements(ty).map(str::to_owned) {
        numbers_of(child, &reg, expr.location, context);
    }
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return Descend::Into;
    };
    if matches!(ty.id(), "LIST" | "ARRAY")
        && let ExprKind::Constant(_) = &child.kind
        && let Some(text) = node::constant_text(child)
    {
        if let Some(numbers) = numbers(text, ty, context) {
            child.kind = numbers.kind;
            plain(&mut ty.0);
            return Descend::Into;
        }
        // DuckDB's own text of a list is left to it.
        if let Some(list) = arrays::list(text, ty) {
            let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
            *expr = list;
            (expr.alias, expr.location) = (alias, location);
            if let ExprKind::Cast { ty, .. } = &mut expr.kind {
                plain(&mut ty.0);
            }
            return Descend::Into;
        }
        if !text.trim_start().starts_with('[') {
            let (value, position) = (text.to_owned(), child.location);
            context.error = Some(RewriteError::Array { value, position });
            return Descend::Over;
        }
    }
    plain(&mut ty.0);
    Descend::Into
}

/// Reads a constant that is cast to `bytea` or `boolean`, and refuses one that is no value of its type.
fn constant(child: &mut Expr, ty: &DataType) -> Result<(), RewriteError> {
    let position = child.location;
    let Some(text) = node::constant_text(child) else {
        return Ok(());
    };
    if ty.0["id"] == "BLOB" {
        let text = bytea::blob(text).map_err(|fault| RewriteError::Bytea { fault, position })?;
        child.kind = node::text(&text).kind;
        return Ok(());
    }
    check_text(text, ty, position)?;
    if ty.id() == "BOOLEAN"
        && let Some(word) = boolean(text)
    {
        child.kind = node::text(if word { "t" } else { "f" }).kind;
    }
    Ok(())
}

/// `_text` is the name of `text[]` in `pg_type`.
fn name_array(expr: &mut Expr) {
    if let ExprKind::Cast { ty, .. } = &mut expr.kind
        && let Some(list) = node::user_type(&ty.0).and_then(array_type)
    {
        *ty = list;
    }
}

/// The type of this name, if it is one of arrays whose elements DuckDB has.
fn array_type(name: &str) -> Option<DataType> {
    let element = PgType::by_name(name.strip_prefix('_')?)?.duckdb;
    let is_plain = element.chars().all(|it| it.is_ascii_uppercase());
    (is_plain && !element.starts_with("JSON")).then(|| node::list_type(element))
}

/// Makes a text that stands beside arrays one of them; whether it does. `arrays` has the places of such texts.
pub(super) fn beside_array(expr: &mut Expr, arrays: &BTreeMap<usize, &'static str>) -> bool {
    let name = expr.location.and_then(|at| arrays.get(&at));
    let is_text = matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_string());
    let Some(ty) = name.filter(|_| is_text).and_then(|name| array_type(name)) else {
        return false;
    };
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    *expr = node::cast(std::mem::replace(expr, node::null()), ty);
    (expr.alias, expr.location) = (alias, location);
    true
}

/// `'1 2'::int2vector` is a list; whether that was done.
fn vector(expr: &mut Expr) -> bool {
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return false;
    };
    if !matches!(node::user_type(&ty.0), Some("int2vector" | "oidvector")) {
        return false;
    }
    let Some(text) = node::constant_text(child) else {
        return false;
    };
    let numbers = text.split_whitespace().map(node::text).collect();
    child.kind = node::array(numbers).kind;
    plain(&mut ty.0);
    true
}

/// `'xyz'::"char"` is one byte; DuckDB knows no such type.
fn one_character(expr: &mut Expr, text: &str) {
    let written = expr.location.and_then(|at| super::written_type(text, at));
    if written.as_deref() != Some("char") {
        return;
    }
    if let ExprKind::Cast { child, .. } = &mut expr.kind {
        let whole = std::mem::replace(&mut **child, node::null());
        let whole = node::cast(whole, node::plain_type("VARCHAR"));
        **child = node::call("", "left", vec![whole, node::integer("BIGINT", 1)]);
    }
}

/// `float` is `double precision`, and so is `float(25)`; DuckDB takes all of them for `real`.
fn double(expr: &mut Expr, text: &str) {
    let location = expr.location;
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return;
    };
    let is_double = match location {
        Some(at) => matches!(tokens::cast_type(text, at), Some((name, digits))
            if name == "float" && digits.is_none_or(|digits| digits > REAL_DIGITS_MAX)),
        // `float '1.5'` stands nowhere in the tree.
        None => child.location.is_some_and(|at| {
            let before = text.get(..at).unwrap_or_default().trim_end();
            before
                .get(before.len().saturating_sub("float".len())..)
                .is_some_and(|word| word.eq_ignore_ascii_case("float"))
        }),
    };
    if !is_double {
        return;
    }
    let mut scalar = &mut ty.0;
    while matches!(scalar["id"].as_str(), Some("LIST" | "ARRAY")) {
        scalar = &mut scalar["type_info"]["child_type"];
    }
    if scalar["id"] == "FLOAT" {
        *scalar = node::plain_type("DOUBLE").0;
    }
}

/// Refuses a constant that is no integer or truth value as PostgreSQL writes them (`pg_strtoint32`,
/// `parse_bool_with_len`). DuckDB also reads `1.5`, `1e3` and `0x1F` as integers.
pub(super) fn check_text(
    text: &str,
    ty: &DataType,
    position: Option<usize>,
) -> Result<(), RewriteError> {
    let ty = match ty.id() {
        "SMALLINT" | "TINYINT" => "smallint",
        "INTEGER" => "integer",
        "BIGINT" => "bigint",
        "BOOLEAN" => "boolean",
        _ => return Ok(()),
    };
    let valid = if ty == "boolean" {
        boolean(text).is_some()
    } else {
        let text = text.trim_matches(is_space);
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if valid {
        return Ok(());
    }
    Err(RewriteError::InvalidText {
        ty,
        text: text.to_owned(),
        position,
    })
}

/// What C's `isspace` takes for a space.
fn is_space(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}'
}

/// The truth value of a text: any beginning of a word that no other word shares.
fn boolean(text: &str) -> Option<bool> {
    let word = text.trim_matches(is_space).to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || word == "on" || word == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

/// The reg type that `expr` is cast to.
fn reg_type(expr: &Expr) -> Option<String> {
    let ExprKind::Cast { ty, .. } = &expr.kind else {
        return None;
    };
    node::user_type(&ty.0)
        .filter(|name| macros(name).is_some())
        .map(str::to_owned)
}

/// What an argument says which an object is looked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Name,
    Number,
    /// One of the two.
    Either,
}

/// Takes casts to a reg type off an argument: `('public.' || relname)::regclass` is a name,
/// `c.oid::regclass::text` a number.
pub(super) fn uncast(expr: &mut Expr, reg: &str) -> Given {
    if let ExprKind::Cast { ty, child, .. } = &mut expr.kind
        && node::is_text(ty)
        && reg_type(child).as_deref() == Some(reg)
    {
        *expr = std::mem::replace(child.as_mut(), node::null());
    }
    if reg_type(expr).as_deref() == Some(reg)
        && let ExprKind::Cast { child, .. } = &mut expr.kind
    {
        if !is_text(child) || matches!(child.kind, ExprKind::Parameter(_)) {
            return Given::Number;
        }
        *expr = std::mem::replace(child.as_mut(), node::null());
    }
    if is_text(expr) {
        Given::Name
    } else {
        Given::Either
    }
}

/// Turns `x::regclass` into the name it shows.
fn show(expr: &mut Expr, reg: &str, context: &mut Context<'_>) {
    let location = expr.location;
    let ExprKind::Cast { child, .. } = std::mem::replace(&mut expr.kind, ExprKind::Default) else {
        return;
    };
    let number = number(*child, reg, location, context);
    *expr = name_of(number, reg, context);
    expr.location = location;
}

/// The OID that `child::regclass` stands for, a cast that is written at `location`.
fn number(mut child: Expr, reg: &str, location: Option<usize>, context: &mut Context<'_>) -> Expr {
    context.found.catalogue = true;
    let named = &context.outputs.named;
    if is_text(&child) || location.is_some_and(|at| named.contains(&at)) {
        find(&mut child, reg, context);
    }
    child
}

/// The OIDs that `'{int4,text}'::regtype[]` stands for, as a list.
fn numbers(text: &str, ty: &DataType, context: &mut Context<'_>) -> Option<Expr> {
    let reg = node::user_type(&ty.0["type_info"]["child_type"])?;
    macros(reg)?;
    let names = arrays::elements(text)?;
    let numbers = names.iter().map(|name| match name {
        Some(name) => number(node::text(name), reg, None, context),
        None => node::null(),
    });
    Some(node::array(numbers.collect()))
}

/// The type of OIDs shown by name that a type is a list of.
fn reg_elements(ty: &DataType) -> Option<&str> {
    let element = node::user_type(&ty.0["type_info"]["child_type"])?;
    (ty.id() == "LIST" && array_macros(element).is_some()).then_some(element)
}

/// Makes the OID of `pg_typeof(x)`, which DuckDB gives as a name, where it stands beside one.
pub(super) fn compared(expr: &mut Expr, context: &mut Context<'_>) {
    let ExprKind::Comparison { left, right, .. } = &mut expr.kind else {
        return;
    };
    let is_type = |side: &Expr| reg_type(side).as_deref() == Some("regtype");
    if is_typeof(left) && is_type(right) {
        find(left, "regtype", context);
    } else if is_typeof(right) && is_type(left) {
        find(right, "regtype", context);
    }
}

fn is_typeof(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Function(call) if call.name == "pg_typeof")
}

/// Makes OIDs of names in a list that is cast to an array of this type at `location`; constants are left to
/// [`numbers`].
fn numbers_of(list: &mut Expr, reg: &str, location: Option<usize>, context: &mut Context<'_>) {
    let elements = match &mut list.kind {
        ExprKind::Operator { op, children } if op == "ARRAY_CONSTRUCTOR" => children,
        ExprKind::Function(call) if call.name == "list_value" => &mut call.args,
        kind => {
            let named = &context.outputs.named;
            let is_names = matches!(kind, ExprKind::Parameter(_) | ExprKind::Sql(_))
                || location.is_some_and(|at| named.contains(&at));
            if is_names && let Some((to_numbers, _, needs)) = array_macros(reg) {
                let mut args = vec![std::mem::replace(list, node::null())];
                if reg == "regclass" {
                    args.push(node::text(context.facts.database()));
                }
                *list = told(to_numbers, args, needs, context);
            }
            return;
        }
    };
    for element in elements {
        if is_text(element) {
            find(element, reg, context);
        }
    }
}

/// Functions and operators that make text of their arguments, whatever these are.
const OF_TEXTS: &[&str] = &["||", "array_to_string", "concat", "concat_ws", "format"];
/// And those that make JSON of them, in which everything but numbers and truth values is text.
const OF_JSON: &[&str] = &[
    "array_to_json",
    "json_agg",
    "json_build_array",
    "json_build_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object_agg",
    "row_to_json",
    "to_json",
    "to_jsonb",
];

/// Whether a call shows the text of its arguments.
pub(crate) fn shows_arguments(name: &str) -> bool {
    OF_TEXTS.contains(&name) || OF_JSON.contains(&name)
}

/// Whether it makes JSON of them.
pub(crate) fn makes_json(name: &str) -> bool {
    OF_JSON.contains(&name)
}

/// Makes arguments of such a call that are OIDs shown by name show it.
pub(super) fn arguments(expr: &mut Expr, context: &mut Context<'_>) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let outputs = context.outputs;
    let is_plain = outputs.shown.is_empty() && outputs.rows.is_empty();
    if is_plain || !shows_arguments(&call.name) {
        return;
    }
    let is_array = |arg: &Expr| matches!(&arg.kind, ExprKind::Operator { op, .. } if op == "ARRAY_CONSTRUCTOR");
    let args = call.args.iter_mut().flat_map(|arg| {
        if !is_array(arg) {
            return vec![arg];
        }
        match &mut arg.kind {
            ExprKind::Operator { children, .. } => children.iter_mut().collect(),
            _ => Vec::new(),
        }
    });
    for argument in args {
        let row = argument.location.and_then(|at| outputs.rows.get(&at));
        if let Some(columns) = row
            && let ExprKind::ColumnRef(names) = &argument.kind
            && let [relation] = names.as_slice()
        {
            *argument = row_of(relation, columns, context);
            continue;
        }
        // A cast to text stands where that to the type does, and shows the name already.
        if matches!(&argument.kind, ExprKind::Cast { ty, .. } if node::is_text(ty)) {
            continue;
        }
        let Some(reg) = argument.location.and_then(|at| outputs.shown.get(&at)) else {
            continue;
        };
        if reg_type(argument).is_some() {
            show(argument, reg, context);
        } else {
            let number = std::mem::replace(argument, node::null());
            *argument = name_of(number, reg, context);
        }
        // Or it would be found again.
        argument.location = None;
    }
}

/// Whether an operand of such a cast is a name rather than an OID, as far as the tree tells.
pub(super) fn is_text(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => constant.value.is_string(),
        ExprKind::Parameter(_) => true,
        ExprKind::Cast { ty, .. } => node::is_text(ty),
        ExprKind::Function(call) => {
            matches!(
                call.name.as_str(),
                "||" | "concat" | "quote_ident" | "format" | "concat_ws" | "pg_typeof"
            )
        }
        ExprKind::ColumnRef(names) => names
            .last()
            .is_some_and(|name| name.ends_with("name") || name.ends_with("table")),
        _ => false,
    }
}

/// Replaces the names of types that are plain ones under another name, also inside lists.
fn plain(ty: &mut Value) {
    if let Some(name) = node::user_type(ty) {
        let DataType(replacement) = match name {
            "name" | "sql_identifier" | "character_data" | "yes_or_no" | "pg_node_tree"
            | "aclitem" | "cstring" | "unknown" | "inet" | "cidr" | "macaddr" | "xml" | "tid"
            | "citext" | "pg_lsn" => node::plain_type("VARCHAR"),
            "jsonb" => DataType::from_sql("JSONB"),
            "xid" | "cid" | "xid8" | "regclass" | "regtype" | "regproc" | "regprocedure"
            | "regoper" | "regoperator" | "regnamespace" | "regrole" | "regcollation" => {
                node::plain_type("BIGINT")
            }
            "cardinal_number" => node::plain_type("INTEGER"),
            "time_stamp" => node::plain_type("TIMESTAMP WITH TIME ZONE"),
            "varbit" => node::plain_type("BIT"),
            "int2vector" => node::list_type("SMALLINT"),
            "oidvector" => node::list_type("BIGINT"),
            _ => return,
        };
        *ty = replacement;
    } else if ty["id"] == "LIST" {
        plain(&mut ty["type_info"]["child_type"]);
    }
}
