//! `json_to_record` and its kin, whose columns stand in the statement.
//!
//! ```text
//! FROM json_to_recordset(x) AS t(a int, b text)
//!   ─► FROM (SELECT CAST(d ->> 'a' AS INTEGER) AS a, CAST(d ->> 'b' AS VARCHAR) AS b
//!            FROM (SELECT unnest(documents of x) AS d) AS records) AS t
//! ```
//!
//! DuckDB's parser reads the definitions of columns and drops them, so they are read here again, from
//! the text of the statement.

use skein_catalog::types::PgType;

use super::{RewriteError, node, numerics, written};
use crate::ast::{DataType, Expr, ExprKind, Function, Query, Select, TableRef, TableRefKind};

/// The column with the documents.
const DOCUMENT: &str = "record__";

/// A column as it was defined.
struct Field {
    name: String,
    /// `typname`
    ty: String,
    modifiers: Vec<usize>,
}

/// A call of such a function that stands in FROM, and where it does.
fn called(table: &TableRef) -> Option<(&Function, Option<usize>)> {
    let TableRefKind::Function {
        call: expr,
        with_ordinality: false,
    } = &table.kind
    else {
        return None;
    };
    let ExprKind::Function(call) = &expr.kind else {
        return None;
    };
    let is_one = matches!(call.schema.as_str(), "" | "pg_catalog")
        && matches!(
            call.name.as_str(),
            "json_to_record" | "json_to_recordset" | "jsonb_to_record" | "jsonb_to_recordset"
        )
        && call.args.len() == 1;
    is_one.then_some((call, expr.location.or(table.location)))
}

/// The columns of such a call: their names, the names of their types, and the modifiers of these.
pub(crate) fn columns(table: &TableRef, text: &str) -> Option<Vec<(String, String, Vec<usize>)>> {
    let fields = definitions(text.get(called(table)?.1?..)?)?;
    let parts = |field: Field| (field.name, field.ty, field.modifiers);
    Some(fields.into_iter().map(parts).collect())
}

/// Rewrites such a call that stands in FROM. `text` is what was parsed.
pub(super) fn table(table: &mut TableRef, text: &str) -> Result<(), RewriteError> {
    let Some((call, position)) = called(table) else {
        return Ok(());
    };
    let call = call.clone();
    let Some(fields) = position.and_then(|at| definitions(text.get(at..)?)) else {
        return Err(RewriteError::NoColumns { position });
    };
    let columns: Option<Vec<Expr>> = fields.iter().map(|field| column(&call, field)).collect();
    let Some(columns) = columns else {
        return Ok(());
    };
    let jsonb = call.name.starts_with("jsonb");
    let ty = node::named_type(if jsonb { "jsonb" } else { "json" });
    let document = node::cast(call.args[0].clone(), ty);
    let document = node::cast(document, node::plain_type("VARCHAR"));
    let documents = if call.name.ends_with("set") {
        node::macro_call("skein_json_records", vec![document, node::text(&call.name)])
    } else {
        node::macro_call("skein_json_record", vec![document])
    };
    let mut item = node::call("", "unnest", vec![documents]);
    DOCUMENT.clone_into(&mut item.alias);
    let inner: Query = Select::new(vec![item], TableRefKind::Empty.into()).into();
    let mut from = TableRef::from(TableRefKind::Subquery(Box::new(inner)));
    "records".clone_into(&mut from.alias);
    if table.alias.is_empty() {
        table.alias.clone_from(&call.name);
    }
    table.kind = TableRefKind::Subquery(Box::new(Select::new(columns, from).into()));
    Ok(())
}

/// `CAST(d ->> 'a' AS INTEGER) AS a`
fn column(call: &Function, field: &Field) -> Option<Expr> {
    let document = node::expr(ExprKind::ColumnRef(vec![DOCUMENT.to_owned()]));
    let own = if call.name.starts_with("jsonb") {
        "jsonb"
    } else {
        "json"
    };
    let look = |kind: &str| {
        let document = node::cast(document.clone(), node::named_type(own));
        let name = format!("{own}_extract_path{kind}");
        node::call("", &name, vec![document, node::text(&field.name)])
    };
    let (element, is_array) = match field.ty.strip_prefix('_') {
        Some(element) => (element, true),
        None => (field.ty.as_str(), false),
    };
    let present = |value: Expr| {
        let is_null = node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NOT_NULL".to_owned(),
            children: vec![look("_text")],
        });
        node::expr(ExprKind::Case {
            checks: vec![(is_null, value)],
            otherwise: Box::new(node::null()),
        })
    };
    let mut value = match (element, is_array, field.modifiers.as_slice()) {
        ("json" | "jsonb", false, []) => present(node::cast(look(""), node::named_type(element))),
        ("varchar" | "bpchar", false, [length]) => {
            let length = i64::try_from(*length).ok()?;
            let name = if element == "varchar" {
                "skein_fit_varying"
            } else {
                "skein_fit_padded"
            };
            node::macro_call(name, vec![look("_text"), node::integer("INTEGER", length)])
        }
        (_, false, modifiers) => node::cast(look("_text"), scalar(element, modifiers)?),
        (_, true, modifiers) => {
            let list = node::list_of(&scalar(element, modifiers)?);
            let json = node::cast(look(""), DataType::from_sql("JSON"));
            present(node::cast(json, list))
        }
    };
    value.alias.clone_from(&field.name);
    Some(value)
}

fn scalar(name: &str, modifiers: &[usize]) -> Option<DataType> {
    match (name, modifiers) {
        ("numeric", []) => Some(numerics::decimal(38 - numerics::SCALE, numerics::SCALE)),
        ("numeric", [width]) => Some(numerics::decimal(*width, 0)),
        ("numeric", [width, scale]) => Some(numerics::decimal(width.checked_sub(*scale)?, *scale)),
        (_, []) => {
            let duckdb = PgType::by_name(name)?.duckdb;
            Some(node::plain_type(duckdb))
        }
        _ => None,
    }
}

/// The columns in `f(x) AS t(a int, b text)`.
fn definitions(text: &str) -> Option<Vec<Field>> {
    let open = text.find('(')?;
    let mut rest = text.get(closing(text, open)? + 1..)?.trim_start();
    let (first, after) = written::name(rest)?;
    if first.eq_ignore_ascii_case("as") {
        rest = after.trim_start();
        if !rest.starts_with('(') {
            rest = written::name(rest)?.1.trim_start();
        }
    } else {
        rest = after.trim_start();
    }
    if !rest.starts_with('(') {
        return None;
    }
    let list = rest.get(1..closing(rest, 0)?)?;
    let mut fields = Vec::new();
    let mut start = 0;
    let mut depth = 0_usize;
    let ends = list.char_indices().filter_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (c == ',' && depth == 0).then_some(at)
    });
    let ends: Vec<usize> = ends.chain([list.len()]).collect();
    for end in ends {
        fields.push(field(list.get(start..end)?.trim())?);
        start = end + 1;
    }
    Some(fields)
}

fn field(text: &str) -> Option<Field> {
    let (name, ty) = written::name(text)?;
    let modifiers = match ty.split_once('(') {
        Some((_, rest)) => rest
            .split_once(')')?
            .0
            .split(',')
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()?,
        None => Vec::new(),
    };
    Some(Field {
        name,
        ty: written::type_name(ty)?,
        modifiers,
    })
}

/// Where the parenthesis at `open` is closed.
fn closing(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, open);
    while at < bytes.len() {
        match bytes[at] {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            quote @ (b'\'' | b'"') => {
                at += 1 + bytes[at + 1..].iter().position(|it| *it == quote)?;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::definitions;

    #[test]
    fn columns_are_read_as_they_were_defined() {
        let read = |text: &str| {
            let fields = definitions(text)?;
            let all = fields
                .iter()
                .map(|it| format!("{} {} {:?}", it.name, it.ty, it.modifiers));
            Some(all.collect::<Vec<_>>().join("; "))
        };
        assert_eq!(
            read("f('(', g(x)) AS t(A int, \"b C\" numeric(10, 2), c double precision[]) JOIN u")
                .as_deref(),
            Some("a int4 []; b C numeric [10, 2]; c _float8 []")
        );
        assert_eq!(read("f(x) t(a text)").as_deref(), Some("a text []"));
        assert_eq!(
            read("f(x) AS (a varchar(3))").as_deref(),
            Some("a varchar [3]")
        );
        assert_eq!(read("f(x) AS t"), None);
        assert_eq!(read("f(x)"), None);
        assert_eq!(read("f(x) AS t(a, b)"), None);
    }
}
