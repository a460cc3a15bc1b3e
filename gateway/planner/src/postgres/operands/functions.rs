//! Functions, aggregates and casts whose meaning depends on the type of an operand.
//!
//! | Expression | Operand | becomes |
//! |---|---|---|
//! | `sum(x)` | `smallint`, `integer` | `bigint`; HUGEINT in DuckDB |
//! | `sum(x)` | `real` | `real`; `double precision` in DuckDB |
//! | `sum(x)` | `interval` | sums of months, days and microseconds |
//! | `avg(x)` | exact | see [`quotient`] |
//! | `avg(x)` | `interval` | see [`moments`] |
//! | `ceil(x)`, `floor(x)`, `trunc(x)` | `real` | `double precision` |
//! | `round(x)` | float | rounds halves to even numbers |
//! | `round(x)`, `trunc(x)`, `sign(x)` | integer | `double precision` |
//! | `round(x, n)` | exact | `n` digits, also where `x` has fewer |
//! | `stddev(x)`, `variance(x)` | | see [`statistics`] |
//! | `percentile_cont` | exact, `real` | `double precision` |
//! | `lag(x, n, y)`, `lead(x, n, y)` | `y` of a wider type | `x` of that type |
//! | `x::text` | float | PostgreSQL's text: `1`, `1e+20`, `NaN` |
//! | `x::text` | `bytea` | PostgreSQL's text: `\x616263` |
//! | `x::text` | `interval` that was computed | PostgreSQL's text: `2 mons` |
//! | `x::text` | array, row | PostgreSQL's text: `{1,2}`, `(1,a)`, see [`texts`] |
//! | `x::text[]` | array of more dimensions | the same dimensions |
//! | `x::integer[]` | text | PostgreSQL's text of arrays, such as `{1,2}` |
//! | `string_agg(x, d)` | `bytea` | joined in hexadecimal digits |
//! | `x::bytea` | text | PostgreSQL's text of bytes |
//! | `x::integer`, `x::boolean` | text | the spellings that PostgreSQL takes, and no others |
//! | `x::bigint` and the like | boolean | an error |
//! | casts between numbers, texts of numbers | float, `numeric`, text | see [`decimals`] |
//! | `x::date`, `x::time` | text | an error where more follows |
//! | `ceil(x)`, `floor(x)`, `div(x, y)` | whole numbers beyond `bigint` | exact |
//! | `mod(x, 2)`, `x # 2` | `smallint` | `integer` |
//! | `nullif(x, y)` | integer beside another number | of the type that both are compared as |
//! | `quote_literal(x)`, arguments of `concat` and `format` | float, `interval` | PostgreSQL's text |
//! | JSON of `x` | quotient, `double precision` that was `real` | PostgreSQL's digits |
//! | `pg_typeof(x)` | | the name of the type |

use skein_catalog::types::{PgType, Type};

use super::operators::remainder;
use super::types::{DIGITS_MAX, Ty};
use super::{
    Block, Place, call_on, cast_to, common, decimals, moments, quotient, statistics, texts,
};
use crate::ast::visit::{Descend, Node, NodeMut, any, children, walk_mut};
use crate::ast::{DataType, Expr, ExprKind, Function};
use crate::postgres::{RewriteError, array_joins, bytea, node, numerics, typed};
use crate::repairs;

const NAMES: &[&str] = &[
    "array_cat",
    "avg",
    "ceil",
    "ceiling",
    "corr",
    "div",
    "floor",
    "lag",
    "lead",
    "mean",
    "mod",
    "ntile",
    "nullif",
    "pg_typeof",
    "quantile_cont",
    "quote_literal",
    "quote_nullable",
    "regr_slope",
    "round",
    "sign",
    "skein_cast_text",
    "skein_double_to_json",
    "skein_float_to_jsonb",
    "skein_real_to_json",
    "skein_text",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "trunc",
    "var_pop",
    "var_samp",
    "variance",
    "xor",
];

/// What writes floats in JSON.
const TO_JSON: &[&str] = &[
    "skein_double_to_json",
    "skein_float_to_jsonb",
    "skein_real_to_json",
];

/// What `x = ANY (array)` and `x = ALL (array)` have become.
const QUANTIFIERS: &[&str] = &["skein_any", "skein_all"];

/// Whether a rule may concern calls of this name.
pub(super) fn is_target(name: &str) -> bool {
    NAMES.contains(&name.to_ascii_lowercase().as_str()) || QUANTIFIERS.contains(&name)
}

/// Whether calls of this name, over integers, are no integers once types are settled, or over dates are others.
pub(super) fn retypes(call: &Function, of_dates: bool) -> bool {
    let name = call.name.to_ascii_lowercase();
    match name.as_str() {
        "-" => of_dates && call.is_operator && call.args.len() == 2,
        name => matches!(name, "nullif" | "round" | "sign" | "trunc"),
    }
}

/// Whether a rule may concern casts to this type.
pub(super) fn casts(ty: &DataType) -> bool {
    numerics::is_marked(ty)
        || matches!(
            Ty::of(ty),
            Ty::Text
                | Ty::Boolean
                | Ty::Small
                | Ty::Integer
                | Ty::Big
                | Ty::Float
                | Ty::Double
                | Ty::Decimal { .. }
                | Ty::Date
                | Ty::Blob
        )
        || ty.id() == "TIME"
}

impl Block<'_> {
    /// Applies the rule for a call or a cast, if there is one.
    pub(super) fn function(
        &mut self,
        expr: &mut Expr,
        types: &mut [Option<Ty>],
        place: Place,
    ) -> Result<(), RewriteError> {
        self.overload(expr, types);
        self.range(expr, types);
        let (name, args) = match &expr.kind {
            ExprKind::Function(call) => (call.name.to_ascii_lowercase(), call.args.len()),
            ExprKind::Window(window) => (window.name.to_ascii_lowercase(), window.args.len()),
            ExprKind::Cast {
                ty,
                try_cast,
                child,
            } => {
                let try_cast = *try_cast;
                if !(casts(ty) || texts::may_deepen(child, ty)) {
                    return Ok(());
                }
                return match self.type_below(expr, types, 0) {
                    Some(from) if try_cast => {
                        repairs::typed::cast(expr, &from);
                        Ok(())
                    }
                    Some(from) => cast(expr, &from),
                    None => Ok(()),
                };
            }
            _ => return Ok(()),
        };
        if self.of_lambda(expr, &name) {
            return Ok(());
        }
        if matches!(name.as_str(), "corr" | "regr_slope") && args == 2 {
            call_on(expr, "skein_no_nan");
            return Ok(());
        }
        if args == 0 || !is_target(&name) {
            return Ok(());
        }
        if matches!(name.as_str(), "lag" | "lead") {
            self.beyond(expr, types);
            return Ok(());
        }
        if name == "quantile_cont" {
            self.percentile(expr, types);
            return Ok(());
        }
        let Some(ty) = self.type_below(expr, types, 0) else {
            return Ok(());
        };
        match (name.as_str(), args) {
            ("string_agg", 2) if ty == Ty::Blob => bytes_joined(expr),
            ("array_cat", 2) => self.array_joined(expr, types, &ty),
            ("sum", 1) => sum(expr, &ty),
            ("stddev" | "stddev_pop" | "stddev_samp" | "variance" | "var_pop" | "var_samp", 1)
                if place == Place::Shown =>
            {
                statistics::settle(expr, &ty, self.asking.rules.wide);
            }
            ("mod" | "xor", 2) => {
                let right = self.type_below(expr, types, 1);
                common::widen_small(expr, types, &[0, 1]);
                if let (Some(right), "mod") = (right, name.as_str()) {
                    remainder(expr, types, ty, right);
                }
            }
            ("ntile", 1) => cast_to(expr, node::plain_type("INTEGER")),
            ("avg" | "mean", 1) if ty == Ty::Interval => moments::average(expr, sum_of_intervals),
            ("avg" | "mean", 1) if place == Place::Shown => quotient::average(expr, &ty),
            // DuckDB would make a float of it, of which there is nothing to cut off.
            ("ceil" | "ceiling" | "floor" | "round" | "trunc", 1) if ty == Ty::Huge => {
                whole(expr);
            }
            ("ceil" | "ceiling" | "floor" | "trunc", 1) if ty == Ty::Float => {
                cast_to(expr, node::plain_type("DOUBLE"));
            }
            ("div", 2) => self.divide_whole(expr, types, &ty),
            ("round", 1) if ty.is_float() => rename(expr, "skein_round"),
            ("round" | "trunc", 1) if ty.is_integer() => {
                cast_to(expr, node::plain_type("DOUBLE"));
            }
            ("round", 2) if decimals::round(expr, &ty) => {}
            ("round", 2) => {
                repairs::typed::round(expr, &ty);
                round(expr, &ty);
            }
            ("nullif", 2) => {
                self.bytes(expr, types, &[0, 1])?;
                self.compared_with(expr, types, &ty);
            }
            ("quote_literal" | "quote_nullable" | "skein_cast_text" | "skein_text", 1) => {
                written(expr, &ty);
            }
            ("skein_double_to_json" | "skein_real_to_json", 1) | ("skein_float_to_jsonb", 2) => {
                number_to_json(expr, &ty);
            }
            ("pg_typeof", 1) => self.type_name(expr, &ty),
            ("trunc", 2) if ty.is_integer() || ty.is_numeric() => round(expr, &ty),
            ("sign", 1) if ty.is_numeric() => cast_to(expr, numerics::decimal(1, 0)),
            ("sign", 1) if ty.is_number() => cast_to(expr, node::plain_type("DOUBLE")),
            _ => {}
        }
        Ok(())
    }

    /// Applies the rule for a call that has a lambda, if it is one.
    fn of_lambda(&mut self, expr: &mut Expr, name: &str) -> bool {
        match name {
            "list_transform" => self.variable_to_json(expr),
            name if QUANTIFIERS.contains(&name) => self.array_parameter(expr),
            _ => return false,
        }
        true
    }

    /// Writes the variable of `list_transform([value], lambda name: …)` in JSON by the type that `value` has now.
    fn variable_to_json(&mut self, expr: &mut Expr) {
        let ExprKind::Function(call) = &mut expr.kind else {
            return;
        };
        let [list, lambda] = call.args.as_mut_slice() else {
            return;
        };
        let (ExprKind::Function(list), ExprKind::Lambda { left, right }) =
            (&list.kind, &mut lambda.kind)
        else {
            return;
        };
        let [value] = list.args.as_slice() else {
            return;
        };
        let is_of_variable = |expr: &Expr| {
            matches!(&expr.kind, ExprKind::Function(call)
                if TO_JSON.contains(&call.name.as_str()) && call.args.first() == Some(&**left))
        };
        let has_some = any(
            Node::Expr(right),
            &mut |node| matches!(node, Node::Expr(expr) if is_of_variable(expr)),
        );
        if list.name != "list_value" || !has_some {
            return;
        }
        let Some(ty) = self.ask(value) else { return };
        walk_mut(NodeMut::Expr(right), &mut |node| {
            if let NodeMut::Expr(expr) = node
                && is_of_variable(expr)
            {
                number_to_json(expr, &ty);
            }
            Descend::Into
        });
    }

    /// What `lag` and `lead` give beyond the first and last row has a type in common with their
    /// argument; DuckDB casts it to that of the argument.
    fn beyond(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) {
        let ExprKind::Window(window) = &expr.kind else {
            return;
        };
        let Some(default) = &window.default_expr else {
            return;
        };
        let at = children(expr)
            .iter()
            .position(|child| std::ptr::eq(*child, default));
        let Some(at) = at else { return };
        let (Some(arg), Some(default)) = (
            self.type_below(expr, types, 0),
            self.type_below(expr, types, at),
        ) else {
            return;
        };
        let is_numeric = arg.is_numeric() || default.is_numeric();
        let common = if default.is_float() && (arg.is_integer() || arg.is_numeric())
            || (&arg, &default) == (&Ty::Float, &Ty::Double)
        {
            node::plain_type("DOUBLE")
        } else if let (true, Some((one, one_scale)), Some((other, other_scale))) =
            (is_numeric, arg.digits(), default.digits())
        {
            let scale = one_scale.max(other_scale);
            if scale == one_scale && one >= other {
                return;
            }
            numerics::decimal(one.max(other).min(DIGITS_MAX - scale), scale)
        } else if arg.is_integer() && default.is_integer() && arg.digits() < default.digits() {
            match default {
                Ty::Big => node::plain_type("BIGINT"),
                _ => node::plain_type("INTEGER"),
            }
        } else {
            return;
        };
        if let ExprKind::Window(window) = &mut expr.kind {
            cast_to(&mut window.args[0], common);
        }
    }

    /// `array_cat(x, y)` of arrays one of which has a dimension more, as `||`.
    fn array_joined(&mut self, expr: &mut Expr, types: &mut [Option<Ty>], left: &Ty) {
        let Some(right) = self.type_below(expr, types, 1) else {
            return;
        };
        let parsed = |ty: &Ty| match ty {
            Ty::Nested(text) => Type::parse(text).ok(),
            _ => None,
        };
        if let (Some(left), Some(right)) = (parsed(left), parsed(&right))
            && left.element().1 != right.element().1
        {
            array_joins::operator(expr, Some(&left), Some(&right));
        }
    }

    /// `div(x, y)` of whole numbers is exact.
    fn divide_whole(&mut self, expr: &mut Expr, types: &mut [Option<Ty>], left: &Ty) {
        let is_whole = |ty: &Ty| matches!(ty.digits(), Some((_, 0)));
        let right = self.type_below(expr, types, 1);
        if is_whole(left) && right.as_ref().is_some_and(is_whole) {
            rename(expr, "skein_div_whole");
        }
    }

    /// `nullif(x, y)` is of the type that `x` is compared as.
    fn compared_with(&mut self, expr: &mut Expr, types: &mut [Option<Ty>], left: &Ty) {
        let Some(right) = self.type_below(expr, types, 1) else {
            return;
        };
        let common = if right.is_float() && (left.is_integer() || left.is_numeric()) {
            node::plain_type("DOUBLE")
        } else if let (true, true, Some((whole, scale))) =
            (left.is_integer(), right.is_numeric(), left.digits())
        {
            numerics::decimal(whole, scale)
        } else {
            return;
        };
        if let ExprKind::Function(call) = &mut expr.kind {
            types[0] = Some(Ty::of(&common));
            cast_to(&mut call.args[0], common);
        }
    }

    /// `pg_typeof(x)`
    fn type_name(&mut self, expr: &mut Expr, ty: &Ty) {
        let ExprKind::Function(call) = &mut expr.kind else {
            return;
        };
        let operand = call.args.swap_remove(0);
        let name = match ty {
            Ty::Untyped | Ty::Null => "unknown".to_owned(),
            ty => match ty.name() {
                Some(name) => name.to_owned(),
                None => match self.asked.type_of(&operand).as_deref().map(Type::parse) {
                    Some(Ok(ty)) => typed::type_name(&ty),
                    _ => "text".to_owned(),
                },
            },
        };
        // The operand stays: there may be aggregates in it.
        let is_null = node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NULL".to_owned(),
            children: vec![operand],
        });
        expr.kind = ExprKind::Case {
            checks: vec![(is_null, node::text(&name))],
            otherwise: Box::new(node::text(&name)),
        };
    }

    /// In `x = ANY ($1)` the parameter is an array of what `x` is.
    fn array_parameter(&mut self, expr: &Expr) {
        let ExprKind::Function(call) = &expr.kind else {
            return;
        };
        let Some(ExprKind::Function(results)) = call.args.first().map(|arg| &arg.kind) else {
            return;
        };
        let [array, lambda] = results.args.as_slice() else {
            return;
        };
        let (ExprKind::Parameter(name), ExprKind::Lambda { left, right }) =
            (&array.kind, &lambda.kind)
        else {
            return;
        };
        let (Ok(number), ExprKind::Comparison { left: operand, .. }) = (name.parse(), &right.kind)
        else {
            return;
        };
        if **operand == **left {
            return;
        }
        let Some(Ok(ty)) = self.asked.type_of(operand).as_deref().map(Type::parse) else {
            return;
        };
        if let Some(element) = PgType::by_oid(ty.pg().oid).filter(|element| element.array != 0) {
            self.asked.tell(number, element.array);
        }
    }

    /// `percentile_cont` interpolates in `double precision`.
    fn percentile(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) {
        let ExprKind::Function(call) = &expr.kind else {
            return;
        };
        let at = call.args.len() + usize::from(call.filter.is_some());
        if call.order_by.len() != 1 {
            return;
        }
        let Some(ty) = self.type_below(expr, types, at) else {
            return;
        };
        if (ty.is_numeric() || ty == Ty::Float)
            && let ExprKind::Function(call) = &mut expr.kind
        {
            cast_to(&mut call.order_by[0].expr, node::plain_type("DOUBLE"));
        }
    }
}

/// Joins bytes: `unhex(string_agg(hex(x), hex(delimiter)))`.
fn bytes_joined(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let [value, delimiter] = call.args.as_mut_slice() else {
        return;
    };
    let text = match &delimiter.kind {
        ExprKind::Cast { child, .. } => node::constant_text(child),
        _ => node::constant_text(delimiter),
    };
    // A constant is that of bytes here, with a cast or without.
    let Some(Ok(bytes)) = text.map(bytea::blob) else {
        return;
    };
    *delimiter = node::text(&bytes.replace("\\x", ""));
    let inner = std::mem::replace(value, node::null());
    *value = node::call("", "hex", vec![inner]);
    let (alias, location) = (std::mem::take(&mut expr.alias), expr.location);
    let joined = std::mem::replace(expr, node::null());
    *expr = node::call("", "unhex", vec![joined]);
    (expr.alias, expr.location) = (alias, location);
}

/// Makes `floor(x)` of a whole number that only `numeric` holds just that number.
fn whole(expr: &mut Expr) {
    if let ExprKind::Function(call) = &mut expr.kind {
        let number = call.args.swap_remove(0);
        expr.kind = node::cast(number, numerics::whole()).kind;
    }
}

/// Writes a number that was a float in JSON by the type that it has now.
fn number_to_json(expr: &mut Expr, ty: &Ty) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let is_jsonb = call.name == "skein_float_to_jsonb";
    let name = match ty {
        ty if quotient::is_quotient(ty) => "skein_quotient_text",
        ty if ty.is_exact() => {
            let number = call.args.swap_remove(0);
            expr.kind = node::cast(number, node::plain_type("VARCHAR")).kind;
            return;
        }
        Ty::Float if !is_jsonb => "skein_real_to_json",
        Ty::Double if !is_jsonb => "skein_double_to_json",
        _ => return,
    };
    call.args.truncate(1);
    rename(expr, name);
}

/// Writes the argument of what makes a text of anything as PostgreSQL does, where a macro cannot tell the type.
fn written(expr: &mut Expr, ty: &Ty) {
    let name = match ty {
        Ty::Float => "skein_real_text",
        Ty::Double => "skein_double_text",
        Ty::Interval => "skein_interval_text",
        ty if quotient::is_quotient(ty) => "skein_quotient_text",
        Ty::Nested(text) => {
            let ty = Type::parse(text).ok();
            let ty = ty.filter(|ty| ty.element().1 > 0 && !ty.element().0.is_composite());
            if let (Some(ty), ExprKind::Function(call)) = (ty, &mut expr.kind) {
                let array = std::mem::replace(&mut call.args[0], node::null());
                call.args[0] = texts::text_of(array, &ty);
            }
            return;
        }
        _ => return,
    };
    if let ExprKind::Function(call) = &mut expr.kind {
        call_on(&mut call.args[0], name);
    }
}

fn rename(expr: &mut Expr, name: &str) {
    if let ExprKind::Function(call) = &mut expr.kind {
        skein_executor_api::functions::SCHEMA.clone_into(&mut call.schema);
        name.clone_into(&mut call.name);
    }
}

fn sum(expr: &mut Expr, arg: &Ty) {
    match arg {
        Ty::Small | Ty::Integer => cast_to(expr, node::plain_type("BIGINT")),
        Ty::Float => cast_to(expr, node::plain_type("FLOAT")),
        Ty::Interval => sum_of_intervals(expr),
        ty if quotient::is_quotient(ty) => quotient::keep(expr, "+", std::slice::from_ref(ty)),
        ty => repairs::typed::sum(expr, ty),
    }
}

/// Sums the three parts of intervals apart, as PostgreSQL adds them. Those that are to be distinct are
/// collected first: they are as a whole.
fn sum_of_intervals(expr: &mut Expr) {
    if let ExprKind::Function(call) = &expr.kind
        && call.distinct
    {
        let list = Function {
            schema: String::new(),
            name: "list".to_owned(),
            ..(**call).clone()
        };
        let list = node::expr(ExprKind::Function(Box::new(list)));
        expr.kind = node::macro_call("skein_sum_of_intervals", vec![list]).kind;
        return;
    }
    let part = |name: &str| {
        let mut part = expr.clone();
        part.alias = String::new();
        let args = match &mut part.kind {
            ExprKind::Function(call) => &mut call.args,
            ExprKind::Window(window) => &mut window.args,
            _ => return part,
        };
        for arg in args {
            call_on(arg, name);
        }
        part
    };
    let parts = vec![
        part("skein_interval_months"),
        part("skein_interval_days"),
        part("skein_interval_micros"),
    ];
    let sum = node::macro_call("skein_interval", parts);
    expr.kind = sum.kind;
}

/// `round(x, n)` has `n` digits after the point.
fn round(expr: &mut Expr, ty: &Ty) {
    let ExprKind::Function(call) = &expr.kind else {
        return;
    };
    let Some((whole, scale)) = ty.digits() else {
        return;
    };
    let Some(places) = places(call) else { return };
    if ty.is_integer() || places > scale {
        let scale = places.min(DIGITS_MAX - 1);
        cast_to(
            expr,
            numerics::decimal((whole + 1).min(DIGITS_MAX - scale), scale),
        );
    }
}

/// A constant second argument; places before the point count as none after it.
fn places(call: &Function) -> Option<usize> {
    let ExprKind::Constant(constant) = &call.args.get(1)?.kind else {
        return None;
    };
    let places = constant.value.as_i64()?;
    Some(usize::try_from(places).unwrap_or(0))
}

/// A cast from the type `from`.
fn cast(expr: &mut Expr, from: &Ty) -> Result<(), RewriteError> {
    let location = expr.location;
    let ExprKind::Cast { ty, .. } = &expr.kind else {
        return Ok(());
    };
    if numerics::is_marked(ty) || decimals::cast(expr, from) {
        return Ok(());
    }
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return Ok(());
    };
    match (Ty::of(ty), from) {
        (Ty::Date, Ty::Text) => read_moment(child, "skein_date"),
        (_, Ty::Text) if ty.id() == "TIME" => read_moment(child, "skein_time"),
        // Not one macro with overloads: DuckDB cannot choose one for an aggregate.
        (Ty::Text, Ty::Float) => call_on(child, "skein_real_text"),
        (Ty::Text, Ty::Double) => call_on(child, "skein_double_text"),
        (Ty::Text, Ty::Nested(text)) => {
            if let Ok(from) = Type::parse(text)
                && (from.element().1 > 0 || from.is_record() || from.is_composite())
            {
                let inner = std::mem::replace(child.as_mut(), node::null());
                **child = texts::text_of(inner, &from);
            }
        }
        (_, Ty::Nested(_)) if ty.id() == "LIST" => {
            texts::deepen(ty, from);
            texts::elements_as_texts(child, ty, from);
        }
        // Parameters are read with their value.
        (_, Ty::Text) if ty.id() == "LIST" && !matches!(child.kind, ExprKind::Parameter(_)) => {
            let text = std::mem::replace(child.as_mut(), node::null());
            **child = texts::array_of(text, ty);
        }
        (Ty::Text, Ty::Blob) => call_on(child, "skein_bytea_text"),
        (Ty::Text, Ty::Decimal { width, scale }) if width == scale && *scale < DIGITS_MAX => {
            cast_to(child, numerics::decimal(1, *scale));
        }
        // DuckDB would compare the moment with what it can read of a text beside this one.
        (Ty::Text, Ty::TimestampTz) => call_on(child, "skein_zoned_text"),
        (Ty::Text, Ty::Interval) => call_on(child, "skein_interval_text"),
        (Ty::Text, quotient) if quotient::is_quotient(quotient) => {
            call_on(child, "skein_quotient_text");
        }
        (to @ (Ty::Small | Ty::Integer | Ty::Big), Ty::Text) => {
            let inner = std::mem::replace(child.as_mut(), node::null());
            let name = node::text(to.name().unwrap_or("integer"));
            **child = node::macro_call("skein_integer_text", vec![inner, name]);
        }
        (Ty::Small | Ty::Integer, Ty::Float | Ty::Double) => repairs::typed::cast(expr, from),
        (Ty::Blob, Ty::Text) => call_on(child, "skein_bytea"),
        (Ty::Boolean, Ty::Text) => call_on(child, "skein_boolean"),
        (Ty::Boolean, number) if number.is_number() && *number != Ty::Integer => {
            return Err(cannot_cast(from, "boolean", location));
        }
        (to, Ty::Boolean) if to.is_number() && to != Ty::Integer => {
            return Err(cannot_cast(from, to.name().unwrap_or("numeric"), location));
        }
        _ => {}
    }
    Ok(())
}

/// Reads the text of a date or time, all of it. Parameters are read with their value.
fn read_moment(child: &mut Expr, name: &str) {
    if !matches!(child.kind, ExprKind::Parameter(_)) {
        call_on(child, name);
    }
}

fn cannot_cast(from: &Ty, to: &'static str, position: Option<usize>) -> RewriteError {
    RewriteError::CannotCast {
        from: from.name().unwrap_or("unknown"),
        to,
        position,
    }
}
