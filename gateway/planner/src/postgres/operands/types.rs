//! DuckDB's types as far as the rewrites of this folder tell them apart, and the types of
//! expressions that need not be asked for.

use skein_catalog::types::oid;

use crate::ast::{DataType, Expr, ExprKind, Function};

/// Digits of DuckDB's widest decimal.
pub(crate) const DIGITS_MAX: usize = 38;

/// A type of DuckDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Boolean,
    /// `smallint` and smaller.
    Small,
    Integer,
    Big,
    /// Integers that only `numeric` holds.
    Huge,
    Decimal {
        width: usize,
        scale: usize,
    },
    Float,
    Double,
    Text,
    /// A text constant without a cast: PostgreSQL's `unknown`.
    Untyped,
    Null,
    Date,
    Timestamp,
    TimestampTz,
    Interval,
    /// `bytea`
    Blob,
    /// An array, a row or a map, as DuckDB writes its type.
    Nested(String),
    Other,
}

impl Ty {
    /// Reads the text of a type, as DuckDB describes columns.
    pub(in crate::postgres) fn parse(text: &str) -> Self {
        match text {
            "BOOLEAN" => Self::Boolean,
            "TINYINT" | "UTINYINT" | "SMALLINT" => Self::Small,
            "USMALLINT" | "INTEGER" => Self::Integer,
            "UINTEGER" | "BIGINT" => Self::Big,
            "UBIGINT" | "HUGEINT" | "UHUGEINT" => Self::Huge,
            "FLOAT" => Self::Float,
            "DOUBLE" => Self::Double,
            "VARCHAR" => Self::Text,
            "\"NULL\"" | "NULL" => Self::Null,
            "DATE" => Self::Date,
            "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => Self::Timestamp,
            "TIMESTAMP WITH TIME ZONE" => Self::TimestampTz,
            "INTERVAL" => Self::Interval,
            "BLOB" => Self::Blob,
            _ if text.ends_with(']') || text.starts_with("STRUCT(") || text.starts_with("MAP(") => {
                Self::Nested(text.to_owned())
            }
            _ => Self::decimal(text).unwrap_or(Self::Other),
        }
    }

    fn decimal(text: &str) -> Option<Self> {
        let (width, scale) = text
            .strip_prefix("DECIMAL(")?
            .strip_suffix(')')?
            .split_once(',')?;
        Some(Self::Decimal {
            width: width.trim().parse().ok()?,
            scale: scale.trim().parse().ok()?,
        })
    }

    /// The type in a cast or of a constant.
    pub(crate) fn of(ty: &DataType) -> Self {
        let info = &ty.0["type_info"];
        if ty.id() == "DECIMAL" {
            let part = |name: &str| {
                info[name]
                    .as_u64()
                    .and_then(|digits| usize::try_from(digits).ok())
            };
            return match (part("width"), part("scale")) {
                (Some(width), Some(scale)) => Self::Decimal { width, scale },
                _ => Self::Other,
            };
        }
        Self::parse(ty.id())
    }

    /// The type of a parameter on the other side of an arithmetic operator, where it is this one
    /// (`func_select_candidate` prefers that an unknown operand is of the type of the known one).
    pub(super) fn beside(&self, operator: &str) -> Option<u32> {
        Some(match self {
            Self::Small => oid::INT2,
            Self::Integer => oid::INT4,
            Self::Big => oid::INT8,
            Self::Huge | Self::Decimal { .. } => oid::NUMERIC,
            Self::Float if operator != "%" => oid::FLOAT4,
            Self::Double if operator != "%" => oid::FLOAT8,
            Self::Timestamp if operator == "-" => oid::TIMESTAMP,
            Self::TimestampTz if operator == "-" => oid::TIMESTAMPTZ,
            Self::Date if operator == "-" => oid::DATE,
            Self::Interval if matches!(operator, "+" | "-") => oid::INTERVAL,
            _ => return None,
        })
    }

    /// PostgreSQL's name, for messages; `None` for types that are rarer.
    pub(in crate::postgres) fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Boolean => "boolean",
            Self::Small => "smallint",
            Self::Integer => "integer",
            Self::Big => "bigint",
            Self::Huge | Self::Decimal { .. } => "numeric",
            Self::Float => "real",
            Self::Double => "double precision",
            Self::Text => "text",
            Self::Untyped => "unknown",
            Self::Date => "date",
            Self::Timestamp => "timestamp without time zone",
            Self::TimestampTz => "timestamp with time zone",
            Self::Interval => "interval",
            Self::Null | Self::Blob | Self::Nested(_) | Self::Other => return None,
        })
    }

    /// `smallint`, `integer` or `bigint`.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, Self::Small | Self::Integer | Self::Big)
    }

    /// Not a whole number in PostgreSQL, but exact: `numeric`.
    pub(in crate::postgres) fn is_numeric(&self) -> bool {
        matches!(self, Self::Huge | Self::Decimal { .. })
    }

    /// Whole, or `numeric`.
    pub(in crate::postgres) fn is_exact(&self) -> bool {
        self.is_integer() || self.is_numeric()
    }

    /// `real` or `double precision`.
    pub(crate) fn is_float(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// Any number.
    pub(in crate::postgres) fn is_number(&self) -> bool {
        self.is_integer() || self.is_numeric() || self.is_float()
    }

    /// Digits before and after the point of an exact number.
    pub(crate) fn digits(&self) -> Option<(usize, usize)> {
        Some(match self {
            Self::Small => (5, 0),
            Self::Integer => (10, 0),
            Self::Big => (19, 0),
            Self::Huge => (DIGITS_MAX, 0),
            Self::Decimal { width, scale } => (width.saturating_sub(*scale), *scale),
            _ => return None,
        })
    }
}

/// The type of an expression whose operands' types tell it, by DuckDB's rules. `of` gives theirs.
pub(in crate::postgres) fn infer(
    expr: &Expr,
    of: &mut dyn FnMut(&Expr) -> Option<Ty>,
) -> Option<Ty> {
    match &expr.kind {
        ExprKind::Constant(constant) => Some(match Ty::of(&constant.ty) {
            _ if constant.value.is_null() => Ty::Null,
            Ty::Text => Ty::Untyped,
            ty => ty,
        }),
        ExprKind::Cast { ty, .. } => match Ty::of(ty) {
            Ty::Other => None,
            ty => Some(ty),
        },
        ExprKind::Comparison { .. } | ExprKind::Conjunction { .. } | ExprKind::Between { .. } => {
            Some(Ty::Boolean)
        }
        ExprKind::Operator { op, .. } => matches!(
            op.as_str(),
            "OPERATOR_NOT"
                | "OPERATOR_IS_NULL"
                | "OPERATOR_IS_NOT_NULL"
                | "COMPARE_IN"
                | "COMPARE_NOT_IN"
        )
        .then_some(Ty::Boolean),
        ExprKind::Function(call) => function(call, of),
        ExprKind::Window(window) => match (window.name.as_str(), window.args.as_slice()) {
            ("count" | "count_star", _) => Some(Ty::Big),
            ("sum", [arg]) => sum(&of(arg)?),
            ("min" | "max", [arg]) => of(arg),
            _ => None,
        },
        _ => None,
    }
}

fn function(call: &Function, of: &mut dyn FnMut(&Expr) -> Option<Ty>) -> Option<Ty> {
    match (call.name.as_str(), call.args.as_slice()) {
        ("+" | "-" | "*" | "%", [left, right]) if call.is_operator => {
            arithmetic(&call.name, &of(left)?, &of(right)?)
        }
        ("/", [left, right]) if call.is_operator => match (of(left)?, of(right)?) {
            (Ty::Float, Ty::Float) => Some(Ty::Float),
            (left, right) if left.is_integer() && right.is_integer() => Some(wider(left, right)),
            (left, right) if left.is_number() && right.is_number() => Some(Ty::Double),
            _ => None,
        },
        ("-" | "+", [operand]) if call.is_operator => of(operand),
        ("||", [left, right]) if call.is_operator => {
            let (left, right) = (of(left)?, of(right)?);
            let is_text = |ty: &Ty| matches!(ty, Ty::Text | Ty::Untyped);
            let is_joined = |ty: &Ty| is_text(ty) || ty.is_number();
            (is_joined(&left) && is_joined(&right) && (is_text(&left) || is_text(&right)))
                .then_some(Ty::Text)
        }
        (name, [operand, ..]) if name.starts_with("skein_divisor") => of(operand),
        ("skein_quotient" | "skein_quotient_once", _) => Some(super::quotient::NARROW),
        ("skein_quotient_wide" | "skein_quotient_wide_once", _) => Some(super::quotient::WIDE),
        ("count" | "count_star" | "count_if", _) => Some(Ty::Big),
        ("sum", [arg]) => sum(&of(arg)?),
        ("min" | "max" | "any_value" | "first" | "last" | "abs", [arg]) => {
            Some(of(arg)?).filter(|ty| *ty != Ty::Untyped)
        }
        ("sqrt" | "exp" | "ln" | "log" | "power" | "pow", _) => Some(Ty::Double),
        ("nullif", [left, _]) => Some(of(left)?).filter(|ty| *ty != Ty::Untyped),
        _ => None,
    }
}

fn sum(arg: &Ty) -> Option<Ty> {
    Some(match arg {
        Ty::Small | Ty::Integer | Ty::Big | Ty::Huge => Ty::Huge,
        Ty::Decimal { scale, .. } => Ty::Decimal {
            width: DIGITS_MAX,
            scale: *scale,
        },
        Ty::Float | Ty::Double => Ty::Double,
        _ => return None,
    })
}

fn arithmetic(operator: &str, left: &Ty, right: &Ty) -> Option<Ty> {
    if !left.is_number() || !right.is_number() {
        return None;
    }
    if left.is_float() || right.is_float() {
        return Some(match (left, right) {
            (Ty::Double, _) | (_, Ty::Double) => Ty::Double,
            _ => Ty::Float,
        });
    }
    if *left == Ty::Huge && !matches!(right, Ty::Decimal { .. })
        || *right == Ty::Huge && !matches!(left, Ty::Decimal { .. })
    {
        return Some(Ty::Huge);
    }
    if left.is_integer() && right.is_integer() {
        return Some(wider(left.clone(), right.clone()));
    }
    let ((left_whole, left_scale), (right_whole, right_scale)) = (left.digits()?, right.digits()?);
    let (whole, scale) = if operator == "*" {
        (left_whole + right_whole, left_scale + right_scale)
    } else {
        let carry = usize::from(operator != "%");
        (
            left_whole.max(right_whole) + carry,
            left_scale.max(right_scale),
        )
    };
    Some(Ty::Decimal {
        width: (whole + scale).min(DIGITS_MAX),
        scale,
    })
}

fn wider(left: Ty, right: Ty) -> Ty {
    let rank = |ty: &Ty| match ty {
        Ty::Small => 0,
        Ty::Integer => 1,
        _ => 2,
    };
    if rank(&left) < rank(&right) {
        right
    } else {
        left
    }
}
