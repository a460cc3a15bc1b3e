//! Operators: division, and operands of types that PostgreSQL does not bring together.
//!
//! DuckDB finds a common type for nearly everything: `name = 1` casts names to integers and fails at
//! the first that is none, `1 || 2` is a text, any number is a condition. PostgreSQL looks for an
//! operator with those operands and says that there is none. A text constant without a cast takes
//! the type of the other operand in both, but for DuckDB's arithmetic.

use skein_catalog::types::{Type, oid};

use super::types::{DIGITS_MAX, Ty};
use super::{Block, Place, bytes, call_on, moments, nulls, quotient, texts};
use crate::ast::visit::{children, children_mut};
use crate::ast::{Comparison, Expr, ExprKind};
use crate::postgres::{
    RewriteError, array_joins, array_text, casts, division, node, numerics, temporal, typed,
};

/// Arithmetic that rules look at.
pub(super) const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "%"];
/// Shifts, which rules look at as well.
pub(super) const SHIFTS: &[&str] = &["<<", ">>"];
/// Operators over bits, which do as well.
pub(super) const BITS: &[&str] = &["&", "|"];
/// Tests that rules look at.
pub(super) const TESTS: &[&str] = &[
    "OPERATOR_NOT",
    "COMPARE_IN",
    "COMPARE_NOT_IN",
    "GROUPING_FUNCTION",
];

impl Block<'_> {
    /// Applies the rule for an expression, if there is one. `types` are those of the expressions
    /// right below, where they are known.
    pub(super) fn rule(
        &mut self,
        expr: &mut Expr,
        types: &mut [Option<Ty>],
        place: Place,
    ) -> Result<(), RewriteError> {
        let has_null = nulls::may_concern(expr);
        self.rule_of(expr, types, place)?;
        if has_null {
            nulls::keep_type(expr, types);
        }
        Ok(())
    }

    fn rule_of(
        &mut self,
        expr: &mut Expr,
        types: &mut [Option<Ty>],
        place: Place,
    ) -> Result<(), RewriteError> {
        match &expr.kind {
            ExprKind::Function(call) if call.is_operator => match call.args.len() {
                2 => self.operator(expr, types, place),
                _ => Ok(()),
            },
            ExprKind::Comparison { op, .. } => {
                let name = comparison(*op);
                self.interval_parameters(expr, types);
                self.bytes(expr, types, &[0, 1])?;
                moments::with_microseconds(expr);
                if let Some((left, right)) = self.both_below(expr, types) {
                    self.check(&left, name, &right, expr.location)?;
                    compare_real(expr, types, (0, &left), (1, &right));
                    moments::compared(expr, &[left, right]);
                }
                Ok(())
            }
            ExprKind::Between { .. } => {
                self.interval_parameters(expr, types);
                self.bytes(expr, types, &[0, 1, 2])?;
                moments::with_microseconds(expr);
                let all: Option<Vec<Ty>> =
                    (0..3).map(|at| self.type_below(expr, types, at)).collect();
                for (at, name) in [(1, ">="), (2, "<=")] {
                    if let (Some(input), Some(bound)) = (
                        self.type_below(expr, types, 0),
                        self.type_below(expr, types, at),
                    ) {
                        self.check(&input, name, &bound, expr.location)?;
                        compare_real(expr, types, (0, &input), (at, &bound));
                    }
                }
                moments::compared(expr, &all.unwrap_or_default());
                Ok(())
            }
            ExprKind::Operator { op, children } => match op.as_str() {
                "OPERATOR_NOT" => {
                    let ty = self.type_below(expr, types, 0);
                    let location = below(expr, 0);
                    self.condition("NOT", ty.as_ref(), location)
                }
                "COMPARE_IN" | "COMPARE_NOT_IN" => self.in_list(expr, types),
                "GROUPING_FUNCTION" => {
                    super::cast_to(expr, node::plain_type("INTEGER"));
                    Ok(())
                }
                "OPERATOR_COALESCE" | "ARRAY_CONSTRUCTOR" => {
                    let values: Vec<usize> = (0..children.len()).collect();
                    self.bytes(expr, types, &values)?;
                    self.common(expr, types, &values);
                    Ok(())
                }
                _ => Ok(()),
            },
            ExprKind::Case { checks, .. } => {
                // Conditions are every other child.
                for at in (0..2 * checks.len()).step_by(2) {
                    let known = types.get(at).cloned().flatten();
                    self.condition("CASE/WHEN", known.as_ref(), below(expr, at))?;
                }
                let last = 2 * checks.len();
                let values: Vec<usize> = (1..last).step_by(2).chain([last]).collect();
                self.bytes(expr, types, &values)?;
                self.common(expr, types, &values);
                Ok(())
            }
            ExprKind::Conjunction { and, children } => {
                let name = if *and { "AND" } else { "OR" };
                for at in 0..children.len() {
                    let known = types.get(at).cloned().flatten();
                    self.condition(name, known.as_ref(), below(expr, at))?;
                }
                Ok(())
            }
            ExprKind::Function(call)
                if matches!(call.name.as_str(), "greatest" | "least" | "list_value") =>
            {
                let values: Vec<usize> = (0..call.args.len()).collect();
                self.bytes(expr, types, &values)?;
                self.common(expr, types, &values);
                self.function(expr, types, place)
            }
            ExprKind::Function(_) | ExprKind::Window(_) | ExprKind::Cast { .. } => {
                self.function(expr, types, place)
            }
            _ => Ok(()),
        }
    }

    fn operator(
        &mut self,
        expr: &mut Expr,
        types: &mut [Option<Ty>],
        place: Place,
    ) -> Result<(), RewriteError> {
        let ExprKind::Function(call) = &expr.kind else {
            return Ok(());
        };
        let name = call.name.clone();
        let arithmetic = ARITHMETIC.contains(&name.as_str());
        if SHIFTS.contains(&name.as_str()) {
            if let Some((left, _)) = self.both_below(expr, types) {
                shift(expr, &left, name == "<<");
            }
            return Ok(());
        }
        if BITS.contains(&name.as_str()) {
            if self.both_below(expr, types).is_some() {
                super::common::widen_small(expr, types, &[0, 1]);
            }
            return Ok(());
        }
        if !arithmetic && name != "||" {
            return Ok(());
        }
        if arithmetic {
            self.parameter(expr, types, &name);
        }
        let Some((left, right)) = self.both_below(expr, types) else {
            return Ok(());
        };
        if name == "||" {
            return self.concatenation(expr, &left, &right);
        }
        let (left, right) = untyped(expr, types, left, right)?;
        if name == "-" && (&left, &right) == (&Ty::Date, &Ty::Date) {
            super::cast_to(expr, node::plain_type("INTEGER"));
            return Ok(());
        }
        if name == "-" && (&left, &right) == (&Ty::Other, &Ty::Other) && self.is_of_clocks(expr) {
            return Ok(());
        }
        if name == "-" && moments::difference(expr, &left, &right) {
            return Ok(());
        }
        super::common::widen_small(expr, types, &[0, 1]);
        let (left, right) = widen_real(expr, types, left, right);
        let (left, right) = if self.asking.rules.wide || has_epoch(expr) {
            widen_decimal(expr, types, left, right)
        } else {
            (left, right)
        };
        let (left, right) = if name == "%" {
            remainder(expr, types, left, right)
        } else {
            (left, right)
        };
        if name == "*" {
            multiply_interval(expr, &left, &right);
        }
        match name.as_str() {
            "/" if left == Ty::Interval && right.is_number() => {
                divide_interval(expr);
            }
            "/" if left.is_exact()
                && right.is_exact()
                && (left.is_numeric() || right.is_numeric()) =>
            {
                if place == Place::Shown {
                    let scale = right.digits().map_or(0, |(_, scale)| scale);
                    quotient::divide(expr, scale);
                } else {
                    quotient::divide_quickly(expr);
                }
            }
            "+" | "-" | "*" => quotient::keep(expr, &name, &[left, right]),
            "%" if self.asking.rules.strict && (left.is_float() || right.is_float()) => {
                return Err(no_operator(&left, "%", &right, expr.location));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether `expr` is a difference of two times, which DuckDB does not have; then it is made one of intervals.
    fn is_of_clocks(&mut self, expr: &mut Expr) -> bool {
        let operands: Vec<Expr> = children(expr).into_iter().cloned().collect();
        let mut is_clock = |operand: &Expr| self.asked.type_of(operand).as_deref() == Some("TIME");
        if !operands.iter().all(&mut is_clock) {
            return false;
        }
        temporal::settled::mark_operator(expr);
        temporal::settled::operator(expr, Some("TIME"), Some("TIME"));
        true
    }

    /// Compares a value with each of a list.
    fn in_list(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) -> Result<(), RewriteError> {
        let ExprKind::Operator { op, children } = &expr.kind else {
            return Ok(());
        };
        let (count, location) = (children.len(), expr.location);
        let is_constant = |it: &&Expr| matches!(it.kind, ExprKind::Constant(_));
        // Several constants have one type, which is that of what is looked for among them.
        let as_one = children[1..].iter().filter(is_constant).count() > 1;
        let name = if op == "COMPARE_IN" { "=" } else { "<>" };
        self.interval_parameters(expr, types);
        self.bytes(expr, types, &(0..count).collect::<Vec<_>>())?;
        let Some(left) = self.type_below(expr, types, 0) else {
            return Ok(());
        };
        for at in 1..count {
            // Constants are known; anything else is checked by DuckDB.
            if let Some(Some(right)) = types.get(at).cloned() {
                self.check(&left, name, &right, location)?;
                if !as_one {
                    compare_real(expr, types, (0, &left), (at, &right));
                }
            }
        }
        if left == Ty::Interval {
            let all: Option<Vec<Ty>> = types.iter().cloned().collect();
            moments::compared(expr, &all.unwrap_or_default());
        }
        Ok(())
    }

    /// A parameter beside an interval is one, whose length is compared like that of others.
    fn interval_parameters(&mut self, expr: &mut Expr, types: &mut [Option<Ty>]) {
        let parameter = |expr: &Expr| match &expr.kind {
            ExprKind::Parameter(name) => name.parse().ok(),
            _ => None,
        };
        let numbers: Vec<Option<usize>> = children(expr).into_iter().map(parameter).collect();
        if numbers.iter().all(Option::is_none) {
            return;
        }
        let others = (0..numbers.len()).filter(|at| numbers[*at].is_none());
        let beside_interval = others
            .into_iter()
            .any(|at| self.type_below(expr, types, at) == Some(Ty::Interval));
        if !beside_interval {
            return;
        }
        let mut operands = children_mut(expr);
        for (at, number) in numbers.into_iter().enumerate() {
            if let Some(number) = number {
                self.asked.tell(number, oid::INTERVAL);
                super::cast_to(operands[at], node::plain_type("INTERVAL"));
                types[at] = Some(Ty::Interval);
            }
        }
    }

    /// A parameter without a type takes that of the other operand, if PostgreSQL has such an operator.
    fn parameter(&mut self, expr: &Expr, types: &mut [Option<Ty>], operator: &str) {
        let number_at = |at: usize| match &children(expr).get(at)?.kind {
            ExprKind::Parameter(name) => name.parse().ok(),
            _ => None,
        };
        let (number, other) = match (number_at(0), number_at(1)) {
            (Some(number), None) => (number, 1),
            (None, Some(number)) => (number, 0),
            _ => return,
        };
        let Some(ty) = self.type_below(expr, types, other) else {
            return;
        };
        if let Some(oid) = ty.beside(operator) {
            self.asked.tell(number, oid);
        }
    }

    /// `||` needs a text or an array, and shows floats and intervals as PostgreSQL does.
    fn concatenation(
        &mut self,
        expr: &mut Expr,
        left: &Ty,
        right: &Ty,
    ) -> Result<(), RewriteError> {
        let neither =
            |ty: &Ty| ty.is_number() || matches!(ty, Ty::Boolean | Ty::Date | Ty::Timestamp);
        if self.asking.rules.strict && neither(left) && neither(right) {
            return Err(no_operator(left, "||", right, expr.location));
        }
        if is_array(left) || is_array(right) {
            let parsed = |ty: &Ty| match ty {
                Ty::Nested(text) => Type::parse(text).ok(),
                _ => None,
            };
            let types = [parsed(left), parsed(right)];
            if let ExprKind::Function(call) = &mut expr.kind {
                let untyped = |ty: &Ty| *ty == Ty::Untyped;
                for (at, other) in [(0, 1), (1, 0)] {
                    if untyped([left, right][at]) {
                        array_constant(&mut call.args[at], types[other].as_ref())?;
                    }
                }
            }
            array_joins::operator(expr, types[0].as_ref(), types[1].as_ref());
            return Ok(());
        }
        let ExprKind::Function(call) = &mut expr.kind else {
            return Ok(());
        };
        let is_beside = |ty: &Ty| left == ty || right == ty;
        for (arg, ty) in call.args.iter_mut().zip([left, right]) {
            if *ty == Ty::Untyped && is_beside(&Ty::Blob) {
                bytes::constant(arg)?;
            } else if *ty == Ty::Blob && is_beside(&Ty::Text) {
                call_on(arg, "skein_bytea_text");
            } else if *ty == Ty::Interval {
                call_on(arg, "skein_interval_text");
            } else if *ty == Ty::Float {
                call_on(arg, "skein_real_text");
            } else if *ty == Ty::Double {
                call_on(arg, "skein_double_text");
            } else if quotient::is_quotient(ty) {
                call_on(arg, "skein_quotient_text");
            } else if let Ty::Nested(text) = ty
                && let Some(from) = Type::parse(text).ok().filter(Type::is_composite)
            {
                let inner = std::mem::replace(arg, node::null());
                *arg = texts::text_of(inner, &from);
            }
        }
        Ok(())
    }

    /// Refuses a comparison of types that have nothing in common.
    fn check(
        &self,
        left: &Ty,
        name: &str,
        right: &Ty,
        position: Option<usize>,
    ) -> Result<(), RewriteError> {
        match (family(left), family(right)) {
            (Some(one), Some(other)) if one != other && self.asking.rules.strict => {
                Err(no_operator(left, name, right, position))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a number or a text as a condition.
    pub(super) fn condition(
        &self,
        clause: &'static str,
        ty: Option<&Ty>,
        position: Option<usize>,
    ) -> Result<(), RewriteError> {
        let Some(ty) = ty else { return Ok(()) };
        match family(ty) {
            None | Some(Family::Boolean) => Ok(()),
            Some(_) if !self.asking.rules.strict => Ok(()),
            Some(_) => Err(RewriteError::NotBoolean {
                clause,
                ty: ty.name().unwrap_or("unknown"),
                position,
            }),
        }
    }
}

fn is_array(ty: &Ty) -> bool {
    matches!(ty, Ty::Nested(text) if text.ends_with(']'))
}

/// A text constant beside an array is one.
fn array_constant(expr: &mut Expr, array: Option<&Type>) -> Result<(), RewriteError> {
    let text = match &expr.kind {
        ExprKind::Constant(_) => node::constant_text(expr),
        _ => None,
    };
    if let Some(text) = text
        && array_text::read(text).is_none()
    {
        let (value, position) = (text.to_owned(), expr.location);
        return Err(RewriteError::Array { value, position });
    }
    typed::read_as(expr, array);
    Ok(())
}

/// A text constant takes the type of the other operand.
fn untyped(
    expr: &mut Expr,
    types: &mut [Option<Ty>],
    left: Ty,
    right: Ty,
) -> Result<(Ty, Ty), RewriteError> {
    let location = expr.location;
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok((left, right));
    };
    let (at, other) = match (&left, &right) {
        (Ty::Untyped, Ty::Untyped) => {
            return Err(RewriteError::NotUnique {
                operator: call.name.clone(),
                position: location,
            });
        }
        (Ty::Untyped, other) if other.is_number() => (0, other.clone()),
        (other, Ty::Untyped) if other.is_number() => (1, other.clone()),
        (Ty::Untyped, Ty::Date | Ty::Timestamp | Ty::TimestampTz) if call.name == "-" => {
            let ty = moments::read(&mut call.args[0], &right);
            return Ok((ty, right));
        }
        (Ty::Date | Ty::Timestamp | Ty::TimestampTz, Ty::Untyped) if call.name == "-" => {
            let ty = moments::read(&mut call.args[1], &left);
            return Ok((left, ty));
        }
        _ => return Ok((left, right)),
    };
    let arg = within_check(&mut call.args[at]);
    let Some(text) = node::constant_text(arg).map(str::to_owned) else {
        return Ok((left, right));
    };
    let ty = match &other {
        Ty::Small => node::plain_type("SMALLINT"),
        Ty::Integer => node::plain_type("INTEGER"),
        Ty::Big => node::plain_type("BIGINT"),
        Ty::Float => node::plain_type("FLOAT"),
        Ty::Double => node::plain_type("DOUBLE"),
        _ => numerics::of_text(&text),
    };
    casts::check_text(&text, &ty, arg.location)?;
    let new = Ty::of(&ty);
    super::cast_to(arg, ty);
    types[at] = Some(new.clone());
    Ok(if at == 0 { (new, right) } else { (left, new) })
}

/// What [`crate::postgres::division`] has put a check around.
fn within_check(expr: &mut Expr) -> &mut Expr {
    let is_checked = matches!(&expr.kind, ExprKind::Function(call)
        if division::checked(call).is_some());
    if !is_checked {
        return expr;
    }
    let ExprKind::Function(call) = &mut expr.kind else {
        unreachable!("it is a call");
    };
    &mut call.args[0]
}

/// Seconds since 1970 have so many digits that hardly anything can be done with them in 18.
fn has_epoch(expr: &Expr) -> bool {
    children(expr).into_iter().any(
        |operand| matches!(&operand.kind, ExprKind::Function(call) if call.name.starts_with("skein_extract_epoch")),
    )
}

/// Digits that DuckDB computes with in 64 bits, where a longer result is an error.
const SHORT_DIGITS_MAX: usize = 18;

/// Gives `+`, `-` and `*` of short `numeric`s an operand that makes DuckDB compute in 128 bits, if the result may be
/// longer. Gives the types of the operands afterwards.
fn widen_decimal(expr: &mut Expr, types: &mut [Option<Ty>], left: Ty, right: Ty) -> (Ty, Ty) {
    let unchanged = (left.clone(), right.clone());
    let (Some((whole, scale)), Some((other_whole, other_scale))) = (left.digits(), right.digits())
    else {
        return unchanged;
    };
    let ExprKind::Function(call) = &mut expr.kind else {
        return unchanged;
    };
    let result = match call.name.as_str() {
        "*" => whole + scale + other_whole + other_scale,
        "+" | "-" => whole.max(other_whole) + scale.max(other_scale) + 1,
        _ => return unchanged,
    };
    let short = (whole + scale).max(other_whole + other_scale) <= SHORT_DIGITS_MAX;
    let numeric = left.is_numeric() || right.is_numeric();
    if !short || !numeric || result <= SHORT_DIGITS_MAX {
        return unchanged;
    }
    let (at, scale) = if left.is_numeric() {
        (0, scale)
    } else {
        (1, other_scale)
    };
    let ty = numerics::decimal(SHORT_DIGITS_MAX + 1 - scale, scale);
    let wide = Ty::of(&ty);
    super::cast_to(&mut call.args[at], ty);
    types[at] = Some(wide.clone());
    if at == 0 { (wide, right) } else { (left, wide) }
}

/// Gives the larger operand of a remainder so few digits that the other's fit behind the point: DuckDB's would be
/// computed in `double precision`. Gives the types of the operands afterwards.
pub(super) fn remainder(
    expr: &mut Expr,
    types: &mut [Option<Ty>],
    left: Ty,
    right: Ty,
) -> (Ty, Ty) {
    let (Some((whole, scale)), Some((other_whole, other_scale))) = (left.digits(), right.digits())
    else {
        return (left, right);
    };
    let room = DIGITS_MAX - scale.max(other_scale);
    let is_numeric = left.is_numeric() || right.is_numeric();
    if !is_numeric || scale.max(other_scale) == 0 || whole.max(other_whole) <= room {
        return (left, right);
    }
    let ExprKind::Function(call) = &mut expr.kind else {
        return (left, right);
    };
    let mut found = [left, right];
    for (at, ty) in found.iter_mut().enumerate() {
        let (whole, scale) = ty.digits().unwrap_or_default();
        if whole > room
            && let Some(arg) = call.args.get_mut(at)
        {
            let narrow = numerics::decimal(room, scale);
            *ty = Ty::of(&narrow);
            super::cast_to(arg, narrow);
            types[at] = Some(ty.clone());
        }
    }
    let [left, right] = found;
    (left, right)
}

/// Which of two operands is a `real` beside an exact number. PostgreSQL has no operator for these and takes
/// both as `double precision`.
fn is_real_beside(left: &Ty, right: &Ty) -> Option<usize> {
    match (left, right) {
        (Ty::Float, other) if other.is_exact() => Some(0),
        (other, Ty::Float) if other.is_exact() => Some(1),
        _ => None,
    }
}

/// Gives the types of the operands afterwards.
fn widen_real(expr: &mut Expr, types: &mut [Option<Ty>], left: Ty, right: Ty) -> (Ty, Ty) {
    match is_real_beside(&left, &right) {
        Some(0) => (as_double(expr, types, 0), right),
        Some(at) => (left, as_double(expr, types, at)),
        None => (left, right),
    }
}

/// Compares a `real` with an exact number; constants that a `real` holds are left to DuckDB, which looks into
/// the statistics of files for them.
fn compare_real(
    expr: &mut Expr,
    types: &mut [Option<Ty>],
    (left_at, left): (usize, &Ty),
    (right_at, right): (usize, &Ty),
) {
    const HELD_MAX: i64 = 1 << 24;
    let is_held = |at: usize| {
        let operand = children(expr).get(at).copied();
        let constant = operand.and_then(node::constant_integer);
        constant.is_some_and(|number| (-HELD_MAX..=HELD_MAX).contains(&number))
    };
    match is_real_beside(left, right) {
        Some(0) if !is_held(right_at) => {
            as_double(expr, types, left_at);
        }
        Some(1) if !is_held(left_at) => {
            as_double(expr, types, right_at);
        }
        _ => {}
    }
}

/// Casts the expression at `at` among those right below `expr`.
fn as_double(expr: &mut Expr, types: &mut [Option<Ty>], at: usize) -> Ty {
    if let Some(operand) = children_mut(expr).into_iter().nth(at) {
        super::cast_to(operand, node::plain_type("DOUBLE"));
    }
    if let Some(ty) = types.get_mut(at) {
        *ty = Some(Ty::Double);
    }
    Ty::Double
}

/// PostgreSQL multiplies an interval by `double precision`; DuckDB by `integer`, whatever is given, unless
/// it is a float.
fn multiply_interval(expr: &mut Expr, left: &Ty, right: &Ty) {
    let at = match (left, right) {
        (Ty::Interval, Ty::Big | Ty::Huge) => 1,
        (Ty::Big | Ty::Huge, Ty::Interval) => 0,
        _ => return,
    };
    as_double(expr, &mut [], at);
}

fn divide_interval(expr: &mut Expr) {
    let location = expr.location;
    let alias = std::mem::take(&mut expr.alias);
    if let ExprKind::Function(call) = &mut expr.kind {
        let args = std::mem::take(&mut call.args);
        *expr = node::macro_call("skein_interval_divide", args);
    }
    (expr.alias, expr.location) = (alias, location);
}

/// Shifts an integer as PostgreSQL does: DuckDB refuses negative ones, and counts beyond the type's bits.
fn shift(expr: &mut Expr, left: &Ty, to_left: bool) {
    let name = match (left, to_left) {
        (Ty::Small, true) => "skein_shift_left_small",
        (Ty::Integer, true) => "skein_shift_left_integer",
        (Ty::Big, true) => "skein_shift_left_big",
        (Ty::Small, false) => "skein_shift_right_small",
        (Ty::Integer, false) => "skein_shift_right_integer",
        (Ty::Big, false) => "skein_shift_right_big",
        _ => return,
    };
    if let ExprKind::Function(call) = &mut expr.kind {
        let args = std::mem::take(&mut call.args);
        expr.kind = node::macro_call(name, args).kind;
    }
}

/// PostgreSQL's symbol.
fn comparison(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal | Comparison::Distinct | Comparison::NotDistinct => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::Greater => ">",
        Comparison::LessOrEqual => "<=",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// Kinds of types that PostgreSQL compares with one another.
#[derive(PartialEq, Eq)]
enum Family {
    Number,
    Text,
    Boolean,
    Day,
    Interval,
}

fn family(ty: &Ty) -> Option<Family> {
    Some(match ty {
        ty if ty.is_number() => Family::Number,
        Ty::Text => Family::Text,
        Ty::Boolean => Family::Boolean,
        Ty::Date | Ty::Timestamp | Ty::TimestampTz => Family::Day,
        Ty::Interval => Family::Interval,
        _ => return None,
    })
}

fn no_operator(left: &Ty, name: &str, right: &Ty, position: Option<usize>) -> RewriteError {
    RewriteError::NoOperator {
        left: left.name().unwrap_or("unknown"),
        operator: name.to_owned(),
        right: right.name().unwrap_or("unknown"),
        position,
    }
}

/// Where the expression at `at` right below `expr` is written.
fn below(expr: &Expr, at: usize) -> Option<usize> {
    children(expr).get(at)?.location
}
