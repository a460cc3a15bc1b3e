//! Parameters of queries: their types, and values in their place.

use skein_catalog::types::oid::{NUMERIC, NUMERIC_ARRAY};
use skein_executor_api::{Column, FragmentError};
use skein_planner::ast::visit::{self, Descend, Node, NodeMut};
use skein_planner::ast::{DataType, Expr, ExprKind, Modifier, Query, print};
use skein_planner::postgres::asking::Answers;
use skein_planner::postgres::{arrays, is_without_precision};

use super::analysed::Bound;
use crate::error::GatewayError;
use crate::params;
use crate::shadow::Shadow;

/// Parameters of a statement: their number is sent in 16 bits.
const PARAMETERS_MAX: usize = 65_535;

/// Finds the types of parameters, then the columns with parameters of these types.
pub(super) fn bind_with_parameters(
    query: &Query,
    count: usize,
    declared: &[u32],
    shadow: &Shadow,
) -> Result<(Bound, Vec<u32>), GatewayError> {
    let count = count.max(declared.len());
    if count > PARAMETERS_MAX {
        check_gaps(query, declared, PARAMETERS_MAX)?;
        return Err(GatewayError::NoParameter(count));
    }
    let mut types: Vec<Option<String>> = vec![None; count];
    for (ty, oid) in types.iter_mut().zip(declared) {
        if !params::is_known(*oid) {
            return Err(GatewayError::Parameter(
                params::ParameterError::UnknownType(*oid),
            ));
        }
        *ty = params::duckdb_type(*oid);
    }
    let mut oids: Vec<u32> = declared.to_vec();
    oids.resize(count, 0);
    for (number, ty) in cast_twice(query) {
        if let Some(known) = types.get_mut(number.wrapping_sub(1)) {
            known.get_or_insert(ty);
        }
    }
    if types.iter().any(Option::is_none) {
        ask(query, &mut types, shadow)?;
    }
    check_gaps(query, declared, count)?;
    let (types, columns) = columns_with(query, &types, shadow)?;
    for (oid, ty) in oids.iter_mut().zip(&types) {
        if *oid == 0 || params::duckdb_type(*oid).is_none() {
            *oid = skein_catalog::types::Type::parse(ty)
                .map_err(|error| GatewayError::Encode(error.into()))?
                .pg()
                .oid;
        }
    }
    Ok((
        Bound {
            columns,
            parameter_types: types,
        },
        oids,
    ))
}

/// Asks DuckDB for the types of parameters that are not known yet; for each of them alone if it can tell
/// nothing of all together.
fn ask(query: &Query, types: &mut [Option<String>], shadow: &Shadow) -> Result<(), FragmentError> {
    let open: Vec<usize> = (0..types.len()).filter(|at| types[*at].is_none()).collect();
    let found = ask_for(query, types, &open, shadow);
    let Err(error) = found else {
        for (at, found) in open.into_iter().zip(found?) {
            types[at] = found;
        }
        return Ok(());
    };
    let mut is_understood = false;
    for at in open {
        if let Ok(found) = ask_for(query, types, &[at], shadow) {
            is_understood = true;
            types[at] = found.into_iter().next().flatten();
        }
    }
    if is_understood { Ok(()) } else { Err(error) }
}

/// What DuckDB takes these parameters for; others that are not known are NULL.
fn ask_for(
    query: &Query,
    types: &[Option<String>],
    asked: &[usize],
    shadow: &Shadow,
) -> Result<Vec<Option<String>>, FragmentError> {
    let expressions: Vec<Expr> = types
        .iter()
        .enumerate()
        .map(
            |(at, ty)| match (ty, asked.iter().position(|it| *it == at)) {
                (Some(ty), _) => Expr::from(ExprKind::Sql(stand_in(ty))),
                (None, Some(place)) => Expr::from(ExprKind::Parameter((place + 1).to_string())),
                (None, None) => Expr::null(),
            },
        )
        .collect();
    let mut query = query.clone();
    put_expressions(&mut query, &expressions);
    let mut found = shadow.describe(&print::query_sql(&query))?.parameter_types;
    found.resize(asked.len(), None);
    Ok(found)
}

/// Parameters with two casts around them, and the type of the inner one. DuckDB takes the outer one for
/// that of the parameter: of `$1::int8::text` it would be text. What LIMIT has it casts itself.
fn cast_twice(query: &Query) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inner = |expr: &Expr| {
        if let ExprKind::Cast { child, ty, .. } = &expr.kind
            && let ExprKind::Parameter(name) = &child.kind
            && let Ok(number) = name.parse()
        {
            found.push((number, print::type_sql(ty)));
        }
    };
    visit::walk(Node::Query(query), &mut |node| {
        match node {
            Node::Expr(Expr {
                kind: ExprKind::Cast { child, .. },
                ..
            }) => inner(child),
            Node::Query(query) => {
                for modifier in &query.modifiers {
                    if let Modifier::Limit { limit, offset } = modifier {
                        limit.iter().chain(offset).for_each(&mut inner);
                    }
                }
            }
            _ => {}
        }
        Descend::Into
    });
    found
}

/// The result columns when parameters have these types. Where nothing tells a type it is text, as
/// in PostgreSQL, or the first type with which the query can be bound: `$1 + 1` takes an integer.
fn columns_with(
    query: &Query,
    types: &[Option<String>],
    shadow: &Shadow,
) -> Result<(Vec<String>, Vec<Column>), FragmentError> {
    const GUESSES: [&str; 7] = [
        "VARCHAR",
        "INTEGER",
        "DOUBLE",
        "INTERVAL",
        "TIMESTAMP",
        "DATE",
        "BOOLEAN",
    ];
    let guesses = if types.iter().all(Option::is_some) {
        &GUESSES[..1]
    } else {
        &GUESSES[..]
    };
    let mut first_error = None;
    for guess in guesses {
        let types: Vec<String> = types
            .iter()
            .map(|ty| ty.clone().unwrap_or_else(|| (*guess).to_owned()))
            .collect();
        let mut with_values = query.clone();
        put_parameters(&mut with_values, &stand_ins(&types));
        match shadow.describe(&print::query_sql(&with_values)) {
            Ok(mut description) => {
                unfold(query, &types, &mut description.columns, shadow);
                return Ok((types, description.columns));
            }
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.expect("there is at least one guess, and each of them failed"))
}

/// Gives result columns that are NULL where a parameter is, such as `x || $1`, their type. DuckDB computes
/// them with the NULL that stands for the parameter and takes what comes of it for an integer; a subquery it
/// leaves alone, but not everything takes one.
fn unfold(query: &Query, types: &[String], columns: &mut [Column], shadow: &Shadow) {
    const FOLDED: &str = "INTEGER";
    let stand_ins: Vec<String> = stand_ins(types)
        .into_iter()
        .map(|value| format!("(SELECT {value})"))
        .collect();
    if stand_ins.is_empty() || !columns.iter().any(|column| column.ty == FOLDED) {
        return;
    }
    let mut query = query.clone();
    put_parameters(&mut query, &stand_ins);
    let Ok(description) = shadow.describe(&print::query_sql(&query)) else {
        return;
    };
    for (column, other) in columns.iter_mut().zip(description.columns) {
        if column.ty == FOLDED {
            column.ty = other.ty;
        }
    }
}

/// A value of each type.
pub(super) fn stand_ins(types: &[String]) -> Vec<String> {
    types.iter().map(|ty| stand_in(ty)).collect()
}

/// Asks for types where parameters are declared so; 0 for those that are not. What is known of a `numeric` is
/// not enough: it has the digits of its value.
pub(super) fn answers<'a>(shadow: &'a Shadow, declared: &[u32]) -> Answers<'a> {
    let stand_ins = (1..).zip(declared).filter_map(|(number, oid)| match *oid {
        NUMERIC | NUMERIC_ARRAY => None,
        oid => Some((number, value_of(&params::duckdb_type(oid)?))),
    });
    Answers::with_parameters(shadow, stand_ins.collect())
}

/// A value of a type that is not NULL, for those that are met most: what DuckDB computes with NULL has no type.
fn value_of(ty: &str) -> String {
    let text = match ty {
        "VARCHAR" | "BLOB" => "",
        "BOOLEAN" => "true",
        "DATE" | "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => "2000-01-01",
        "TIME" => "00:00:00",
        "INTERVAL" => "0 days",
        "UUID" => "00000000-0000-0000-0000-000000000000",
        _ => return stand_in(ty),
    };
    format!("CAST('{text}' AS {ty})")
}

/// A value of a type. DuckDB takes a NULL for an integer in `CAST(NULL AS DECIMAL(9, 2)) + 1`, and that of an
/// integer for a wider one in `generate_series(1, CAST(NULL AS SMALLINT))`; a one goes for all numbers, also as
/// a divisor. Of a list that is NULL it cannot take the elements.
fn stand_in(ty: &str) -> String {
    let is_number = matches!(ty, "SMALLINT" | "INTEGER" | "BIGINT" | "FLOAT" | "DOUBLE")
        || ty.starts_with("DECIMAL");
    if ty.ends_with(']') {
        format!("CAST([] AS {ty})")
    } else if is_number {
        format!("CAST('1' AS {ty})")
    } else {
        format!("CAST(NULL AS {ty})")
    }
}

/// `$2` without `$1` leaves the type of `$1` open.
fn check_gaps(query: &Query, declared: &[u32], count: usize) -> Result<(), GatewayError> {
    let mut used = vec![false; count];
    visit::walk(Node::Query(query), &mut |node| {
        if let Node::Expr(expr) = node
            && let ExprKind::Parameter(name) = &expr.kind
            && let Ok(number) = name.parse::<usize>()
            && let Some(used) = used.get_mut(number.wrapping_sub(1))
        {
            *used = true;
        }
        Descend::Into
    });
    let is_open = |index: usize| declared.get(index).is_none_or(|oid| *oid == 0);
    match (0..count).find(|index| !used[*index] && is_open(*index)) {
        Some(index) => Err(GatewayError::UndeterminedParameter(index + 1)),
        None => Ok(()),
    }
}

/// Puts SQL in the place of `$1`, `$2`, …. Whether the types of result columns may have changed: what
/// was cast to `numeric` without precision has the digits of its value now.
pub(super) fn put_parameters(query: &mut Query, parameters: &[String]) -> bool {
    list_elements(query, parameters);
    let exact = bare_decimals(query, parameters);
    let expressions: Vec<Expr> = parameters
        .iter()
        .map(|sql| Expr::from(ExprKind::Sql(sql.clone())))
        .collect();
    put_expressions(query, &expressions);
    exact
}

/// Whether types of these columns may depend on how many digits the values of parameters have: those of `a + $1` do.
pub(super) fn follow_digits(columns: &[Column], parameters: &[String]) -> bool {
    const DECIMAL: &str = "DECIMAL(";
    let is_decimal = |sql: &String| {
        sql.rsplit_once(" AS ")
            .is_some_and(|(_, ty)| ty.starts_with(DECIMAL))
    };
    columns.iter().any(|column| column.ty.contains(DECIMAL)) && parameters.iter().any(is_decimal)
}

/// The text of a parameter whose SQL is a cast of a text; `None` is NULL.
pub(super) fn text_of(parameter: &str) -> Option<String> {
    let (value, _) = parameter.strip_prefix("CAST(")?.rsplit_once(" AS ")?;
    let text = value.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(text.replace("''", "'"))
}

/// Compares with the elements of `= ANY ($1)` one by one, as if they stood in the statement: DuckDB looks for them
/// in a table then, and for those of a list in one after the other.
fn list_elements(query: &mut Query, parameters: &[String]) {
    if !parameters
        .iter()
        .any(|parameter| parameter.ends_with("[])"))
    {
        return;
    }
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let Some((name, cast, compared)) = arrays::compared_with_parameter(expr)
            && let Ok(number) = name.parse::<usize>()
            && let Some(sql) = parameters.get(number.wrapping_sub(1))
            && cast.is_none_or(|ty| sql.ends_with(&format!(" AS {})", print::type_sql(ty))))
            && let Some(elements) = elements_of(sql)
        {
            let elements = elements
                .into_iter()
                .map(|sql| Expr::from(ExprKind::Sql(sql)));
            expr.kind = arrays::is_one_of(compared.clone(), elements.collect());
        }
        Descend::Into
    });
}

/// SQL for each element of a parameter that is a list of values.
fn elements_of(parameter: &str) -> Option<Vec<String>> {
    let (list, ty) = parameter.strip_prefix("CAST([")?.rsplit_once("] AS ")?;
    let ty = ty.strip_suffix("[])").filter(|ty| !ty.ends_with(']'))?;
    let mut elements = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let end = if rest.starts_with("NULL") {
            4
        } else {
            1 + end_of_text(rest.strip_prefix('\'')?)?
        };
        elements.push(format!("CAST({} AS {ty})", &rest[..end]));
        rest = &rest[end..];
        rest = rest.strip_prefix(", ").unwrap_or(rest);
    }
    Some(elements)
}

/// Where a text ends whose quotes are doubled: behind its closing quote.
fn end_of_text(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('\'').map(|(at, _)| at).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// Takes the cast to `numeric` without precision off parameters that are decimals of their own digits;
/// integers become decimals that hold them.
fn bare_decimals(query: &mut Query, parameters: &[String]) -> bool {
    let type_of = |name: &str| {
        let number: usize = name.parse().ok()?;
        let (_, ty) = parameters
            .get(number.wrapping_sub(1))?
            .rsplit_once(" AS ")?;
        ty.strip_suffix(')')
    };
    let mut found = false;
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::Cast { child, ty, .. } = &mut expr.kind
            && is_without_precision(ty)
            && let ExprKind::Parameter(name) = &child.kind
            && let Some(held) = type_of(name)
        {
            match held {
                "SMALLINT" => *ty = DataType::from_sql("DECIMAL(5,0)"),
                "INTEGER" => *ty = DataType::from_sql("DECIMAL(10,0)"),
                "BIGINT" => *ty = DataType::from_sql("DECIMAL(19,0)"),
                _ if held.starts_with("DECIMAL(") => expr.kind = child.kind.clone(),
                _ => return Descend::Into,
            }
            found = true;
        }
        Descend::Into
    });
    found
}

/// Puts expressions in the place of `$1`, `$2`, ….
pub(super) fn put_expressions(query: &mut Query, parameters: &[Expr]) {
    if parameters.is_empty() {
        return;
    }
    visit::walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::Parameter(name) = &expr.kind
            && let Some(parameter) = name
                .parse::<usize>()
                .ok()
                .and_then(|number| parameters.get(number.wrapping_sub(1)))
        {
            expr.kind = parameter.kind.clone();
            return Descend::Over;
        }
        Descend::Into
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart() {
        for (given, wanted) in [
            ("CAST([] AS BIGINT[])", Some(vec![])),
            (
                "CAST(['1', NULL, '-2'] AS BIGINT[])",
                Some(vec![
                    "CAST('1' AS BIGINT)",
                    "CAST(NULL AS BIGINT)",
                    "CAST('-2' AS BIGINT)",
                ]),
            ),
            (
                "CAST(['a, ''b''', '', '] AS x'] AS VARCHAR[])",
                Some(vec![
                    "CAST('a, ''b''' AS VARCHAR)",
                    "CAST('' AS VARCHAR)",
                    "CAST('] AS x' AS VARCHAR)",
                ]),
            ),
            ("CAST([['1']] AS BIGINT[][])", None),
            ("CAST([current_date] AS DATE[])", None),
            ("CAST(NULL AS BIGINT[])", None),
            ("CAST('1' AS BIGINT)", None),
        ] {
            let found = elements_of(given);
            let found = found
                .as_ref()
                .map(|all| all.iter().map(String::as_str).collect());
            assert_eq!(found, wanted, "{given}");
        }
    }
}
