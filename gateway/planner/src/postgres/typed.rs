//! Operators and functions that mean one thing for some types and another for others.
//!
//! | Expression | becomes |
//! |---|---|
//! | `x \|\| y`, `x - y`, `x @> y` of jsonb | calls of macros |
//! | `a \|\| 1`, `1 \|\| a`, `a \|\| b` of arrays | see [`super::array_joins`] |
//! | `a @> b`, `a <@ b` of arrays | a call of a macro: no array contains a NULL |
//! | `a = '{1,2}'`, `a @> '{1}'`, `j = '{"a":1}'` | the text as what the other side is |
//! | `array_length(a, n)`, `array_dims(a)`, `cardinality(a)` … | lengths of lists, level by level |
//! | `unnest(a)` of several dimensions | `unnest(flatten(a))` |
//! | `to_json` of rows and arrays | the text of each part |
//! | `generate_series(a, b)` | the macro for the type |
//! | `SELECT t FROM t`, `t::text`, `array_agg(t)` | `ROW(t.a, t.b)` instead of `t` |
//!
//! [`super::settle`] finds the types of the [`operands`] and hands them to [`settle`]. What cannot be
//! described keeps DuckDB's meaning.

use skein_catalog::types::{PgType, Type};

use super::json::{self, jsonb_constant};
use super::{RewriteError, array_joins, arrays, json_text, jsonb, missing_rows, node, whole_rows};
use crate::ast::visit::{Node, any};
use crate::ast::{Comparison, DataType, Expr, ExprKind, Function, Query, QueryBody};

const FN: &str = skein_executor_api::functions::SCHEMA;

/// What a query has that makes more of its operators depend on types.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that a query has or has not"
)]
pub(super) struct Hints {
    /// Values of type jsonb.
    jsonb: bool,
    /// Arrays that the tree shows.
    arrays: bool,
    /// Result columns that may be whole rows of what stands in FROM, or aggregates that count them.
    pub(super) rows: bool,
    /// Where whole rows keep the names of their columns, for functions that make JSON of them.
    named: Named,
    /// Quotients whose dividend may be an interval.
    pub(super) divides: bool,
    /// Whole rows that an outer join may not have.
    pub(super) missing: bool,
}

/// Where whole rows keep the names of their columns rather than being the record that clients see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Named {
    /// Nowhere: nothing asks for them.
    #[default]
    Nowhere,
    /// In queries inside of this one.
    Inside,
    /// Here, inside of another query.
    Here,
}

impl Hints {
    /// The same for a query inside of this one.
    pub(super) fn nested(mut self) -> Self {
        if self.named == Named::Inside {
            self.named = Named::Here;
        }
        self
    }

    /// The same for a query that divides what may be intervals.
    pub(super) fn dividing(self, divides: bool) -> Self {
        Self { divides, ..self }
    }

    /// Whether whole rows among the columns of a query become records.
    pub(super) fn makes_records(self) -> bool {
        self.rows && self.named != Named::Here
    }

    /// Looks at a whole query.
    pub(super) fn of(query: &Query) -> Self {
        let mut hints = Self {
            missing: missing_rows::may_concern(query),
            ..Self::default()
        };
        // Names that nothing right beside them has, and everything that they may belong to.
        let (mut names, mut around) = (Vec::new(), Vec::new());
        any(Node::Query(query), &mut |node| {
            if let Node::Query(query) = node
                && let QueryBody::Select(select) = &query.body
            {
                let mut leaves = Vec::new();
                let items = select.select_list.iter();
                items.for_each(|item| whole_rows::leaves(item, &mut leaves));
                let own = |name: &&str| whole_rows::stands_in(&select.from, name);
                hints.rows |= leaves.iter().any(own);
                names.extend(leaves);
                around.push(&select.from);
            }
            if let Node::Expr(expr) = node {
                hints.rows |= whole_rows::counted(expr).is_some()
                    || tested(expr).is_some()
                    || written_row(expr).is_some();
                match &expr.kind {
                    ExprKind::Function(call) => {
                        hints.jsonb |= call.schema == FN && call.name.contains("jsonb");
                        if call.name.contains("json") {
                            hints.named = Named::Inside;
                        }
                        hints.arrays |= matches!(
                            call.name.as_str(),
                            "list_value" | "array_agg" | "list" | "string_to_array"
                        ) || call.name.starts_with("array_");
                    }
                    ExprKind::Cast { ty, .. } => {
                        hints.jsonb |= json::is_jsonb(ty);
                        hints.arrays |= matches!(ty.id(), "LIST" | "ARRAY");
                    }
                    ExprKind::Operator { op, .. } => hints.arrays |= op == "ARRAY_CONSTRUCTOR",
                    _ => {}
                }
            }
            false
        });
        hints.rows |= around.len() > 1
            && names
                .iter()
                .any(|name| around.iter().any(|from| whole_rows::stands_in(from, name)));
        hints
    }

    /// The operands of which `expr` needs the types; none for nearly all expressions.
    pub(super) fn operands(self, expr: &Expr) -> Vec<&Expr> {
        match &expr.kind {
            ExprKind::Function(call) if call.is_operator => self.operator(call),
            ExprKind::Function(call) => self.function(call),
            ExprKind::Comparison { left, right, .. } => {
                if looks_like_text(left) || looks_like_text(right) {
                    vec![left, right]
                } else {
                    Vec::new()
                }
            }
            ExprKind::Operator { op, children } => match (op.as_str(), children.as_slice()) {
                ("ARRAY_EXTRACT", [array, index]) if self.jsonb || !is_plain_index(index) => {
                    vec![array]
                }
                ("OPERATOR_COALESCE" | "COMPARE_IN" | "COMPARE_NOT_IN", children)
                    if children.iter().any(looks_like_text) =>
                {
                    children.iter().collect()
                }
                _ => Vec::new(),
            },
            ExprKind::Case { checks, otherwise } => {
                let results: Vec<&Expr> = checks
                    .iter()
                    .map(|(_, result)| result)
                    .chain([otherwise.as_ref()])
                    .collect();
                if results.iter().any(|result| looks_like_text(result)) {
                    results
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        }
    }

    fn function(self, call: &Function) -> Vec<&Expr> {
        let own = matches!(call.schema.as_str(), "" | "pg_catalog" | "skein_pg" | FN);
        let first = || call.args[..1].iter().collect();
        match (call.name.as_str(), call.args.len()) {
            _ if !own => Vec::new(),
            ("skein_json_get" | "skein_json_get_text", 2) if self.jsonb => first(),
            (
                "skein_to_json"
                | "skein_to_jsonb"
                | "skein_to_json_or_null"
                | "skein_to_jsonb_or_null"
                | "skein_to_json_lines"
                | "cardinality"
                | "array_ndims"
                | "array_dims"
                | "unnest",
                1,
            )
            | ("array_length" | "array_upper" | "array_lower" | "skein_json_line", 2)
            | ("array_to_string" | "skein_subscripts", 2 | 3) => first(),
            ("skein_series", 2 | 3) | ("array_cat", 2) => call.args.iter().collect(),
            _ => Vec::new(),
        }
    }

    fn operator(self, call: &Function) -> Vec<&Expr> {
        let [left, right] = call.args.as_slice() else {
            return Vec::new();
        };
        let wanted = match call.name.as_str() {
            "||" => {
                self.jsonb
                    || self.arrays
                    || looks_like_text(left)
                    || looks_like_text(right)
                    || is_no_text(left)
                    || is_no_text(right)
            }
            "-" => self.jsonb,
            "@>" | "<@" => true,
            "&&" => looks_like_text(left) || looks_like_text(right),
            _ => false,
        };
        if wanted {
            vec![left, right]
        } else {
            Vec::new()
        }
    }
}

/// The name in `t::text` and `array_agg(t)`, which may be that of something in FROM.
pub(super) fn written_row(expr: &Expr) -> Option<&Expr> {
    let row = match &expr.kind {
        ExprKind::Cast { child, ty, .. } if node::is_text(ty) => child.as_ref(),
        ExprKind::Function(call) if matches!(call.name.as_str(), "array_agg" | "list") => {
            call.args.first()?
        }
        _ => return None,
    };
    matches!(&row.kind, ExprKind::ColumnRef(names) if names.len() == 1).then_some(row)
}

/// Whether this is JSON of a list of rows, whose fields keep their names in it.
pub(super) fn names_fields(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Function(call) if call.name.starts_with("skein_to_json") => call
            .args
            .iter()
            .any(|arg| matches!(&arg.kind, ExprKind::Function(_)) && written_row(arg).is_some()),
        _ => false,
    }
}

/// What [`written_row`] finds, to be changed.
pub(super) fn written_row_mut(expr: &mut Expr) -> Option<&mut Expr> {
    written_row(expr)?;
    match &mut expr.kind {
        ExprKind::Cast { child, .. } => Some(child.as_mut()),
        ExprKind::Function(call) => call.args.first_mut(),
        _ => None,
    }
}

/// The name in `t IS NULL`, which may be that of something in FROM.
pub(super) fn tested(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Operator { op, children }
            if matches!(op.as_str(), "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL") =>
        {
            match children.as_slice() {
                [
                    Expr {
                        kind: ExprKind::ColumnRef(names),
                        ..
                    },
                ] if names.len() == 1 => names.first().map(String::as_str),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Makes a test of the row of a relation one of its fields: all of them are NULL, or none is.
pub(super) fn test_row(expr: &mut Expr, fields: &[String]) {
    let Some(relation) = tested(expr).map(str::to_owned) else {
        return;
    };
    let ExprKind::Operator { op, .. } = &expr.kind else {
        return;
    };
    let tests: Vec<Expr> = fields
        .iter()
        .map(|field| {
            let names = vec![relation.clone(), field.clone()];
            node::expr(ExprKind::Operator {
                op: op.clone(),
                children: vec![node::expr(ExprKind::ColumnRef(names))],
            })
        })
        .collect();
    if !tests.is_empty() {
        expr.kind = ExprKind::Conjunction {
            and: true,
            children: tests,
        };
    }
}

/// A text constant that may be an array or a document.
fn looks_like_text(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(_))
        && node::constant_text(expr)
            .is_some_and(|text| text.trim_start().starts_with(['{', '[', '"']))
}

/// A number, or what is cast to something else than text.
fn is_no_text(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => constant.value.is_number(),
        ExprKind::Cast { ty, .. } => !node::is_text(ty) && ty.id() != "UNBOUND",
        _ => false,
    }
}

fn is_plain_index(index: &Expr) -> bool {
    node::constant_integer(index).is_some_and(|index| index > 0)
        || node::constant_text(index).is_some()
}

/// Rewrites an expression whose operands have these types.
pub(super) fn settle(expr: &mut Expr, types: &[Option<Type>]) {
    match &mut expr.kind {
        ExprKind::Function(call) if call.is_operator => {
            if let [left, right] = types {
                operator(expr, left.as_ref(), right.as_ref());
            }
        }
        ExprKind::Function(function) if function.name == "skein_series" => series(function, types),
        ExprKind::Function(function) if function.name == "array_cat" => {
            if let ([left, right], [left_type, right_type]) = (function.args.as_mut_slice(), types)
            {
                read_as(left, right_type.as_ref());
                read_as(right, left_type.as_ref());
                array_joins::operator(expr, left_type.as_ref(), right_type.as_ref());
            }
        }
        ExprKind::Function(_) => {
            if let [Some(ty)] = types {
                call(expr, ty);
            }
        }
        ExprKind::Case { checks, otherwise } => {
            let list = types.iter().flatten().find(|ty| is_read(ty));
            for (_, result) in checks {
                read_as(result, list);
            }
            read_as(otherwise, list);
        }
        ExprKind::Comparison { left, right, .. } => {
            if let [left_type, right_type] = types {
                read_as(left, right_type.as_ref());
                read_as(right, left_type.as_ref());
            }
        }
        ExprKind::Operator { op, children } if op == "ARRAY_EXTRACT" => {
            match (types, children.as_slice()) {
                ([Some(Type::List(_) | Type::Array(..))], [_, index]) => {
                    let index = index.clone();
                    positive(expr, index);
                }
                ([Some(Type::Jsonb)], [document, index]) => {
                    if let Some(look) = json::subscript(document, index) {
                        expr.kind = look.kind;
                    }
                }
                _ => {}
            }
        }
        ExprKind::Operator { children, .. } => {
            let other = types.iter().flatten().find(|ty| is_read(ty));
            for child in children {
                read_as(child, other);
            }
        }
        _ => {}
    }
}

/// Whether texts beside values of this type are read in PostgreSQL's way.
fn is_read(ty: &Type) -> bool {
    matches!(ty, Type::Jsonb | Type::List(_) | Type::Array(..))
}

/// Chooses the kind of a series.
fn series(call: &mut Function, types: &[Option<Type>]) {
    let Some(Some(first)) = types.first() else {
        return;
    };
    let is_text = |expr: &Expr| {
        matches!(expr.kind, ExprKind::Constant(_)) && node::constant_text(expr).is_some()
    };
    // A text is of the type of the others.
    let others = types.iter().zip(&call.args).skip(1);
    let mut numbers = vec![first];
    numbers.extend(
        others
            .filter(|(_, arg)| !is_text(arg))
            .filter_map(|(ty, _)| ty.as_ref()),
    );
    let small = |ty: &&Type| matches!(ty, Type::TinyInt | Type::SmallInt | Type::Integer);
    let name = match first {
        Type::Timestamp => "skein_series_timestamp",
        Type::Date | Type::TimestampTz => "skein_series_timestamptz",
        _ if numbers.iter().all(small) => "skein_series_integer",
        _ if numbers
            .iter()
            .any(|ty| matches!(ty, Type::Decimal { .. } | Type::Double | Type::Float)) =>
        {
            "skein_series_numeric"
        }
        _ => return,
    };
    name.clone_into(&mut call.name);
}

/// Reads a text constant as what the other operand is.
pub(super) fn read_as(text: &mut Expr, other: Option<&Type>) {
    let ExprKind::Constant(_) = &text.kind else {
        return;
    };
    let Some(constant) = node::constant_text(text) else {
        return;
    };
    match other {
        Some(Type::Jsonb) => {
            text.kind = match jsonb::form(constant) {
                Ok(form) => jsonb_constant(&form).kind,
                Err(fault) => no_value(&json::error(fault, None), DataType::from_sql("JSONB")).kind,
            };
        }
        Some(Type::List(_) | Type::Array(..)) => {
            let element = other.map_or(&Type::Null, |ty| ty.element().0);
            let ty = node::list_of(&DataType::from_sql(&element.to_string()));
            let list = arrays::list(constant, &ty).unwrap_or_else(|| {
                let (value, position) = (constant.to_owned(), None);
                no_value(&RewriteError::Array { value, position }, ty)
            });
            text.kind = list.kind;
        }
        _ => {}
    }
}

/// What joins texts by this delimiter: DuckDB joins by one for all rows.
fn joining(delimiter: &Expr) -> &'static str {
    let may_differ = any(Node::Expr(delimiter), &mut |node| match node {
        Node::Query(_) => true,
        Node::Expr(expr) => matches!(expr.kind, ExprKind::ColumnRef(_) | ExprKind::Window(_)),
        Node::Table(_) => false,
    });
    if may_differ {
        "skein_joined_text_by"
    } else {
        "skein_joined_text"
    }
}

/// A value of a type that fails when it is computed.
fn no_value(fault: &RewriteError, ty: DataType) -> Expr {
    let condition = match fault {
        RewriteError::JsonUnicode { .. } => "untranslatable_character",
        _ => "invalid_text_representation",
    };
    let message = node::text(&format!("[{condition}] {fault}"));
    node::cast(node::call("", "error", vec![message]), ty)
}

/// An index that is not positive finds nothing; DuckDB would count it from the end.
fn positive(expr: &mut Expr, index: Expr) {
    if node::constant_integer(&index).is_some_and(|index| index <= 0) {
        // There is no element at zero.
        if let ExprKind::Operator { children, .. } = &mut expr.kind {
            children[1] = node::integer("INTEGER", 0);
        }
        return;
    }
    if is_plain_index(&index) || is_null(&index) {
        return;
    }
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let test = node::expr(ExprKind::Comparison {
        op: Comparison::Greater,
        left: Box::new(index),
        right: Box::new(node::integer("INTEGER", 0)),
    });
    let element = std::mem::replace(expr, node::null());
    *expr = node::expr(ExprKind::Case {
        checks: vec![(test, element)],
        otherwise: Box::new(node::null()),
    });
    (expr.alias, expr.location) = (alias, location);
}

fn operator(expr: &mut Expr, left_type: Option<&Type>, right_type: Option<&Type>) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let is_jsonb = |ty: Option<&Type>| ty == Some(&Type::Jsonb);
    let is_list = |ty: Option<&Type>| matches!(ty, Some(Type::List(_) | Type::Array(..)));
    let [left, right] = call.args.as_mut_slice() else {
        return;
    };
    if call.name == "-" {
        if is_jsonb(left_type) {
            let name = match right_type {
                _ if is_list(right_type) => "skein_jsonb_minus_keys",
                Some(Type::TinyInt | Type::SmallInt | Type::Integer | Type::BigInt) => {
                    "skein_jsonb_minus_index"
                }
                _ => "skein_jsonb_minus_key",
            };
            call.become_macro(name);
        }
        return;
    }
    // A text that is no constant makes a text, which is what PostgreSQL's other operator does.
    let is_known_text =
        |expr: &Expr, ty: Option<&Type>| ty == Some(&Type::Varchar) && !is_untyped(expr);
    if call.name == "||"
        && (is_jsonb(left_type) && is_known_text(right, right_type)
            || is_jsonb(right_type) && is_known_text(left, left_type))
    {
        for (operand, ty) in [(left, left_type), (right, right_type)] {
            if is_jsonb(ty) {
                let document = std::mem::replace(operand, node::null());
                *operand = node::cast(document, node::plain_type("VARCHAR"));
            }
        }
        return;
    }
    if is_jsonb(left_type) || is_jsonb(right_type) {
        read_as(left, right_type);
        read_as(right, left_type);
        let needle = |expr: &Expr| match &expr.kind {
            ExprKind::Cast { child, ty, .. } if json::is_jsonb(ty) => {
                node::constant_text(child).map(str::to_owned)
            }
            _ => None,
        };
        let contains = |whole: &Expr, part: &Expr| {
            let text = needle(part).unwrap_or_default();
            jsonb::contains(whole.clone(), &text).unwrap_or_else(|| {
                node::call(FN, "skein_jsonb_has", vec![whole.clone(), part.clone()])
            })
        };
        match call.name.as_str() {
            "||" => call.become_macro("skein_jsonb_concat"),
            "@>" => expr.kind = contains(left, right).kind,
            "<@" => expr.kind = contains(right, left).kind,
            _ => {}
        }
        return;
    }
    read_as(left, right_type);
    read_as(right, left_type);
    if matches!(call.name.as_str(), "@>" | "<@") && is_list(left_type) && is_list(right_type) {
        if call.name == "<@" {
            call.args.swap(0, 1);
        }
        call.become_macro("skein_contains_all");
        return;
    }
    if call.name == "||" {
        array_joins::operator(expr, left_type, right_type);
    }
}

/// A text constant or a parameter, which is of the type of what stands beside it.
fn is_untyped(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Constant(_) | ExprKind::Parameter(_))
}

fn is_null(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(constant) if constant.value.is_null())
}

impl Function {
    fn become_macro(&mut self, name: &str) {
        FN.clone_into(&mut self.schema);
        name.clone_into(&mut self.name);
        self.is_operator = false;
    }
}

fn call(expr: &mut Expr, ty: &Type) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let depth = ty.element().1;
    let name = call.name.clone();
    match name.as_str() {
        "skein_to_json" | "skein_to_jsonb" => {
            let form = if name == "skein_to_json" {
                json_text::Form::Json
            } else {
                json_text::Form::Jsonb
            };
            if let Some(text) = json_text::of(&call.args[0], ty, form) {
                expr.kind = text.kind;
            }
        }
        "skein_to_json_or_null" | "skein_to_jsonb_or_null" | "skein_to_json_lines" => {
            let form = match name.as_str() {
                "skein_to_json_or_null" => json_text::Form::Json,
                "skein_to_json_lines" => json_text::Form::Lines,
                _ => json_text::Form::Jsonb,
            };
            if let Some(text) = json_text::or_null(&call.args[0], ty, form) {
                expr.kind = text.kind;
            }
        }
        // Only arrays and rows begin a line.
        "skein_json_line" if depth == 0 && !ty.is_record() && !ty.is_composite() => {
            *expr = call.args.swap_remove(1);
        }
        "skein_json_get" | "skein_json_get_text" if ty == &Type::Jsonb => {
            call.name = call.name.replace("skein_json_", "skein_jsonb_");
        }
        "unnest" if depth > 1 => {
            let list = std::mem::replace(&mut call.args[0], node::null());
            call.args[0] = flattened(list, depth);
        }
        "array_to_string" if depth > 0 => {
            let list = std::mem::replace(&mut call.args[0], node::null());
            call.args[0] = texts(flattened(list, depth), ty.element().0);
            call.become_macro(joining(&call.args[1]));
        }
        "skein_subscripts" if depth > 1 => {
            if let Some(level @ 2..) = node::constant_integer(&call.args[1]) {
                let list = std::mem::replace(&mut call.args[0], node::null());
                call.args[0] = level_of(&list, level);
                call.args[1] = node::integer("INTEGER", 1);
            }
        }
        "cardinality" if depth > 0 => {
            let list = std::mem::replace(&mut call.args[0], node::null());
            expr.kind = length(flattened(list, depth)).kind;
        }
        "array_ndims" if depth > 0 => {
            expr.kind = if_filled(
                &call.args[0],
                node::integer("INTEGER", i64::try_from(depth).unwrap_or(1)),
            )
            .kind;
        }
        "array_dims" if depth > 0 => {
            let mut parts = Vec::new();
            for level in 1..=i64::try_from(depth).unwrap_or(1) {
                parts.push(node::text("[1:"));
                parts.push(length(level_of(&call.args[0], level)));
                parts.push(node::text("]"));
            }
            expr.kind = if_filled(&call.args[0], node::call("", "concat", parts)).kind;
        }
        "array_length" | "array_upper" | "array_lower" if depth > 0 => {
            let levels = i64::try_from(depth).unwrap_or(1);
            let at = |level: i64| {
                let list = level_of(&call.args[0], level);
                let result = if name == "array_lower" {
                    node::integer("INTEGER", 1)
                } else {
                    length(list.clone())
                };
                if_filled(&list, result)
            };
            expr.kind = match node::constant_integer(&call.args[1]) {
                Some(level) if (1..=levels).contains(&level) => at(level).kind,
                Some(_) => node::cast(node::null(), node::plain_type("INTEGER")).kind,
                None => {
                    let checks = (1..=levels).map(|level| {
                        let test = node::expr(ExprKind::Comparison {
                            op: Comparison::Equal,
                            left: Box::new(call.args[1].clone()),
                            right: Box::new(node::integer("INTEGER", level)),
                        });
                        (test, at(level))
                    });
                    ExprKind::Case {
                        checks: checks.collect(),
                        otherwise: Box::new(node::null()),
                    }
                }
            };
        }
        _ => {}
    }
}

/// What PostgreSQL calls a type.
pub(super) fn type_name(ty: &Type) -> String {
    let (_, dimensions) = ty.element();
    let oid = ty.pg().oid;
    let element = PgType::by_array_oid(oid).filter(|_| dimensions > 0);
    match element.or_else(|| PgType::by_oid(oid)) {
        Some(row) if element.is_some() => format!("{}[]", row.sql_name),
        Some(row) => row.sql_name.to_owned(),
        None => "text".to_owned(),
    }
}

/// The list in the first element, and so on.
fn level_of(list: &Expr, level: i64) -> Expr {
    (1..level).fold(list.clone(), |list, _| {
        node::expr(ExprKind::Operator {
            op: "ARRAY_EXTRACT".to_owned(),
            children: vec![list, node::integer("INTEGER", 1)],
        })
    })
}

fn flattened(list: Expr, depth: usize) -> Expr {
    (1..depth).fold(list, |list, _| node::call("", "flatten", vec![list]))
}

fn length(list: Expr) -> Expr {
    node::cast(
        node::call("", "len", vec![list]),
        node::plain_type("INTEGER"),
    )
}

/// The result for an array with elements; NULL for one without.
fn if_filled(list: &Expr, result: Expr) -> Expr {
    let test = node::expr(ExprKind::Comparison {
        op: Comparison::Greater,
        left: Box::new(node::call("", "len", vec![list.clone()])),
        right: Box::new(node::integer("INTEGER", 0)),
    });
    node::expr(ExprKind::Case {
        checks: vec![(test, result)],
        otherwise: Box::new(node::null()),
    })
}

/// The elements as PostgreSQL writes them inside of a text.
fn texts(list: Expr, element: &Type) -> Expr {
    if !matches!(element, Type::Boolean | Type::Float | Type::Double) {
        return node::cast(list, node::list_type("VARCHAR"));
    }
    let parameter = node::expr(ExprKind::ColumnRef(vec!["element__".to_owned()]));
    let lambda = node::expr(ExprKind::Lambda {
        left: Box::new(parameter.clone()),
        right: Box::new(node::call(FN, "skein_output", vec![parameter])),
    });
    node::call("", "list_transform", vec![list, lambda])
}
