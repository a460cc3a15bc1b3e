//! Texts of arrays and rows, as `array_out` and `record_out` of PostgreSQL write them.
//!
//! ```text
//! ARRAY[1, NULL]::text      ─► {1,NULL}      skein_array_plain(list_transform(…))
//! ARRAY['a b', '']::text    ─► {"a b",""}    skein_array_quoted(…)
//! ROW(1, 'a,b', NULL)::text ─► (1,"a,b",)    skein_record_field(…) for each field
//! ```
//!
//! The text of each element follows from its type, so the expression is made from the type. Rows
//! with names for their fields, maps and arrays of these are json in Skein: their text is the document.

use skein_catalog::types::Type;

use super::Ty;
use crate::ast::{DataType, Expr, ExprKind};
use crate::postgres::{json_text, node};

/// The text of a value of this type.
pub(super) fn text_of(value: Expr, ty: &Type) -> Expr {
    written(value, ty, 0)
}

fn written(value: Expr, ty: &Type, depth: usize) -> Expr {
    match ty {
        // Such columns are json.
        _ if ty.element().0.is_composite() => {
            let is_row = matches!(ty.element().0, Type::Struct(_));
            let text = is_row.then(|| json_text::or_null(&value, ty, json_text::Form::Json));
            text.flatten().unwrap_or_else(|| {
                let document = node::call("", "to_json", vec![value]);
                node::cast(document, node::plain_type("VARCHAR"))
            })
        }
        Type::List(element) | Type::Array(element, _) => {
            let parameter = node::expr(ExprKind::ColumnRef(vec![format!("element{depth}__")]));
            let each = written(parameter.clone(), element, depth + 1);
            let lambda = node::expr(ExprKind::Lambda {
                left: Box::new(parameter),
                right: Box::new(each),
            });
            let texts = node::call("", "list_transform", vec![value, lambda]);
            let name = if is_plain(element) {
                "skein_array_plain"
            } else {
                "skein_array_quoted"
            };
            node::macro_call(name, vec![texts])
        }
        Type::Struct(fields) if ty.is_record() => {
            let name = format!("row{depth}__");
            node::with_variable(&name, value, |row| {
                let mut parts = vec![node::text("(")];
                for (index, (_, field)) in (1_i64..).zip(fields) {
                    if index > 1 {
                        parts.push(node::text(","));
                    }
                    let at = vec![row.clone(), node::integer("INTEGER", index)];
                    let part = written(node::call("", "struct_extract", at), field, depth + 1);
                    parts.push(node::macro_call("skein_record_field", vec![part]));
                }
                parts.push(node::text(")"));
                let is_null = node::expr(ExprKind::Operator {
                    op: "OPERATOR_IS_NULL".to_owned(),
                    children: vec![row],
                });
                node::expr(ExprKind::Case {
                    checks: vec![(is_null, node::null())],
                    otherwise: Box::new(node::call("", "concat", parts)),
                })
            })
        }
        Type::Boolean => node::macro_call("skein_truth_letter", vec![value]),
        Type::Float => node::macro_call("skein_real_text", vec![value]),
        Type::Double => node::macro_call("skein_double_text", vec![value]),
        Type::Blob => node::macro_call("skein_bytea_text", vec![value]),
        Type::Interval => node::macro_call("skein_interval_text", vec![value]),
        _ if ty.is_quotient() => node::macro_call("skein_quotient_text", vec![value]),
        _ => node::cast(value, node::plain_type("VARCHAR")),
    }
}

/// Whether texts of this type never need quotes within an array.
fn is_plain(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Boolean
            | Type::TinyInt
            | Type::SmallInt
            | Type::Integer
            | Type::BigInt
            | Type::HugeInt
            | Type::UTinyInt
            | Type::USmallInt
            | Type::UInteger
            | Type::UBigInt
            | Type::UHugeInt
            | Type::Float
            | Type::Double
            | Type::Decimal { .. }
            | Type::Uuid
            | Type::Date
            | Type::List(_)
            | Type::Array(..)
    )
}

/// A type of arrays means those of any number of dimensions: makes it that of `from`.
pub(super) fn deepen(ty: &mut DataType, from: &Ty) {
    let Ty::Nested(text) = from else { return };
    let Ok(from) = Type::parse(text) else { return };
    let mut wanted = ty.0.clone();
    let mut dimensions = 0;
    while wanted["id"] == "LIST" {
        wanted = wanted["type_info"]["child_type"].clone();
        dimensions += 1;
    }
    for _ in dimensions..from.element().1 {
        *ty = node::list_of(ty);
    }
}

/// The array of this type that a text is, before it is cast to it: a list of texts, or of what is read in PostgreSQL's
/// way. Of how many dimensions an array is, its type says.
pub(super) fn array_of(text: Expr, ty: &DataType) -> Expr {
    let element = DataType(ty.0["type_info"]["child_type"].clone());
    if element.id() == "LIST" {
        let inner = over_elements(node::macro_call("skein_array_parts", vec![text]), |part| {
            array_of(part, &element)
        });
        return node::macro_call("skein_array_of_parts", vec![inner]);
    }
    let texts = node::macro_call("skein_array", vec![text]);
    let name = match Ty::of(&element) {
        ty @ (Ty::Small | Ty::Integer | Ty::Big) => {
            let name = node::text(ty.name().unwrap_or("integer"));
            return over_elements(texts, |element| {
                node::macro_call("skein_integer_text", vec![element, name])
            });
        }
        Ty::Boolean => "skein_boolean",
        Ty::Blob => "skein_bytea",
        Ty::Date => "skein_date",
        _ if element.id() == "TIME" => "skein_time",
        _ => return texts,
    };
    over_elements(texts, |element| node::macro_call(name, vec![element]))
}

/// `list_transform(list, lambda part__: body)`
fn over_elements(list: Expr, body: impl FnOnce(Expr) -> Expr) -> Expr {
    let parameter = node::expr(ExprKind::ColumnRef(vec!["part__".to_owned()]));
    let lambda = node::expr(ExprKind::Lambda {
        left: Box::new(parameter.clone()),
        right: Box::new(body(parameter)),
    });
    node::call("", "list_transform", vec![list, lambda])
}

/// Makes texts of the elements of an array that is cast to one of texts, where DuckDB would write them otherwise.
pub(super) fn elements_as_texts(list: &mut Expr, ty: &DataType, from: &Ty) {
    let Ty::Nested(text) = from else { return };
    let Ok(from) = Type::parse(text) else { return };
    let mut to = &ty.0;
    while to["id"] == "LIST" {
        to = &to["type_info"]["child_type"];
    }
    let (element, depth) = from.element();
    let differs = matches!(
        element,
        Type::Float | Type::Double | Type::Blob | Type::Interval
    );
    if to["id"] == "VARCHAR" && differs {
        let values = std::mem::replace(list, node::null());
        *list = each_as_text(values, element, depth);
    }
}

fn each_as_text(list: Expr, element: &Type, depth: usize) -> Expr {
    over_elements(list, |part| match depth {
        0 | 1 => written(part, element, 0),
        _ => each_as_text(part, element, depth - 1),
    })
}

/// Whether a cast to arrays may have more dimensions before it than its type says.
pub(super) fn may_deepen(child: &Expr, ty: &DataType) -> bool {
    if ty.id() != "LIST" {
        return false;
    }
    match &child.kind {
        ExprKind::Function(call) if call.name == "list_value" => call
            .args
            .first()
            .is_some_and(|first| !matches!(first.kind, ExprKind::Constant(_))),
        ExprKind::Constant(_) => false,
        _ => true,
    }
}
