//! Values as JSON (`to_json`), part by part: DuckDB's own function writes decimals as floats and
//! times without a `T`.

use skein_catalog::types::Type;

use super::{jsonb, node};
use crate::ast::{Expr, ExprKind};

const FN: &str = skein_executor_api::functions::SCHEMA;

/// Parts nested deeper are left to DuckDB.
const DEPTH_MAX: usize = 8;

/// Which of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `{"a":1,"b":[1,2]}`
    Json,
    /// `{"a": 1, "b": [1, 2]}`, shorter names first.
    Jsonb,
    /// The first with a line for each part of the whole.
    Lines,
}

impl Form {
    fn scalar(self) -> &'static str {
        match self {
            Self::Json | Self::Lines => "skein_to_json",
            Self::Jsonb => "skein_to_jsonb",
        }
    }

    /// Between parts of what is so deep in the whole.
    fn comma(self, depth: usize) -> &'static str {
        match self {
            Self::Lines if depth == 0 => ",\n ",
            Self::Json | Self::Lines => ",",
            Self::Jsonb => ", ",
        }
    }

    fn colon(self) -> &'static str {
        match self {
            Self::Json | Self::Lines => ":",
            Self::Jsonb => ": ",
        }
    }
}

/// The text of a value of a known type, never NULL; `None` for types that are left to DuckDB.
pub(super) fn of(value: &Expr, ty: &Type, form: Form) -> Option<Expr> {
    match ty {
        Type::Struct(_) | Type::List(_) | Type::Array(..) => {
            Some(node::once(value.clone(), |value| text(&value, ty, form, 0)))
        }
        _ => scalar(value, ty, form),
    }
}

/// The same, but NULL stays NULL.
pub(super) fn or_null(value: &Expr, ty: &Type, form: Form) -> Option<Expr> {
    let mut known = true;
    let whole = node::once(value.clone(), |value| {
        let is_value = node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NOT_NULL".to_owned(),
            children: vec![value.clone()],
        });
        let text = of(&value, ty, form).unwrap_or_else(|| {
            known = false;
            node::null()
        });
        node::expr(ExprKind::Case {
            checks: vec![(is_value, text)],
            otherwise: Box::new(node::null()),
        })
    });
    known.then_some(whole)
}

/// The text of a value without parts, without asking DuckDB for its type again.
fn scalar(value: &Expr, ty: &Type, form: Form) -> Option<Expr> {
    let plain = || node::cast(value.clone(), node::plain_type("VARCHAR"));
    let text = match ty {
        _ if ty.is_quotient() => node::macro_call("skein_quotient_text", vec![value.clone()]),
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
        | Type::Decimal { .. }
        | Type::Jsonb => plain(),
        Type::Json if form != Form::Jsonb => plain(),
        Type::Json => node::cast(
            node::call(FN, "skein_jsonb", vec![value.clone()]),
            node::plain_type("VARCHAR"),
        ),
        Type::Varchar | Type::Enum(_) => {
            let json = node::call("", "to_json", vec![plain()]);
            node::cast(json, node::plain_type("VARCHAR"))
        }
        Type::Blob => {
            let digits = node::macro_call("skein_bytea_text", vec![value.clone()]);
            let json = node::call("", "to_json", vec![digits]);
            node::cast(json, node::plain_type("VARCHAR"))
        }
        Type::Date | Type::Time | Type::Uuid => quoted(plain()),
        Type::Interval => quoted(node::macro_call("skein_interval_text", vec![value.clone()])),
        Type::Timestamp | Type::TimestampTz => node::call(FN, "skein_time_to_json", vec![plain()]),
        Type::Double | Type::Float if form == Form::Jsonb => {
            node::call(FN, "skein_float_to_jsonb", vec![value.clone(), plain()])
        }
        Type::Float => node::call(FN, "skein_real_to_json", vec![value.clone()]),
        Type::Double => node::call(FN, "skein_double_to_json", vec![value.clone()]),
        _ => return None,
    };
    Some(node::expr(ExprKind::Operator {
        op: "OPERATOR_COALESCE".to_owned(),
        children: vec![text, node::text("null")],
    }))
}

/// A text that has nothing to escape.
fn quoted(text: Expr) -> Expr {
    let quote = || node::text("\"");
    Expr::infix("||", Expr::infix("||", quote(), text), quote())
}

fn text(value: &Expr, ty: &Type, form: Form, depth: usize) -> Expr {
    let inner = match ty {
        Type::Struct(fields) if depth < DEPTH_MAX => object(value, fields, form, depth),
        Type::List(element) | Type::Array(element, _) if depth < DEPTH_MAX => {
            let name = format!("part{depth}__");
            let parameter = node::expr(ExprKind::ColumnRef(vec![name]));
            let lambda = node::expr(ExprKind::Lambda {
                left: Box::new(parameter.clone()),
                right: Box::new(text(&parameter, element, form, depth + 1)),
            });
            let texts = node::call("", "list_transform", vec![value.clone(), lambda]);
            let joined = node::call(
                "",
                "array_to_string",
                vec![texts, node::text(form.comma(depth))],
            );
            node::call("", "concat", vec![node::text("["), joined, node::text("]")])
        }
        _ => {
            return scalar(value, ty, form)
                .unwrap_or_else(|| node::call(FN, form.scalar(), vec![value.clone()]));
        }
    };
    let is_null = node::expr(ExprKind::Operator {
        op: "OPERATOR_IS_NULL".to_owned(),
        children: vec![value.clone()],
    });
    node::expr(ExprKind::Case {
        checks: vec![(is_null, node::text("null"))],
        otherwise: Box::new(inner),
    })
}

fn object(value: &Expr, fields: &[(String, Type)], form: Form, depth: usize) -> Expr {
    let mut members: Vec<(String, Expr)> = Vec::new();
    for (index, (name, ty)) in fields.iter().enumerate() {
        // The fields of a row have no names of their own.
        let (name, key) = if name.is_empty() {
            let place = i64::try_from(index + 1).unwrap_or(i64::MAX);
            (format!("f{place}"), node::integer("INTEGER", place))
        } else {
            (name.clone(), node::text(name))
        };
        let field = node::expr(ExprKind::Operator {
            op: if matches!(key.kind, ExprKind::Constant(ref constant) if constant.value.is_number())
            {
                "ARRAY_EXTRACT".to_owned()
            } else {
                "STRUCT_EXTRACT".to_owned()
            },
            children: vec![value.clone(), key],
        });
        members.push((name, text(&field, ty, form, depth + 1)));
    }
    if form == Form::Jsonb {
        members.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    }
    let mut parts = Vec::new();
    for (index, (name, text)) in members.into_iter().enumerate() {
        let mut before = if index == 0 { "{" } else { form.comma(depth) }.to_owned();
        jsonb::quoted(&name, &mut before);
        before.push_str(form.colon());
        parts.push(node::text(&before));
        parts.push(text);
    }
    if parts.is_empty() {
        return node::text("{}");
    }
    parts.push(node::text("}"));
    node::call("", "concat", parts)
}
