//! Expressions.
//!
//! Each form has a level that says how tightly it binds, after DuckDB's grammar; an operand that
//! binds less tightly than its place asks for gets parentheses. Where the grammar surprises
//! (comparisons under IS NULL, COLLATE, lambdas), parentheses are written although they could be
//! left out.

use serde_json::Value;
use skein_executor_api::SqlPart;

use super::Printer;
use super::literal;
use super::names::{function_name, identifier, qualified_name, string};
use super::types;
use crate::ast::{
    Comparison, Constant, Expr, ExprKind, Function, OrderBy, Star, Subquery, SubqueryKind,
};

/// How tightly a form binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Only where a whole expression stands.
    Any,
    Or,
    And,
    Not,
    /// IS NULL, comparisons, IN, LIKE, BETWEEN: never one inside another without parentheses.
    Predicate,
    /// `||`, `&`, `<<` and other symbols.
    Symbol,
    Sum,
    Product,
    Power,
    Sign,
    /// What a subscript or a field can follow.
    Primary,
}

impl Level {
    /// The next tighter one.
    fn above(self) -> Self {
        match self {
            Self::Any => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Predicate,
            Self::Predicate => Self::Symbol,
            Self::Symbol => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Power,
            Self::Power => Self::Sign,
            Self::Sign | Self::Primary => Self::Primary,
        }
    }
}

/// The units of `INTERVAL n UNIT`, by the function that DuckDB's parser makes of each, with the
/// type it rounds to.
const UNITS: &[(&str, &str, &str)] = &[
    ("to_centuries", "CENTURY", "INTEGER"),
    ("to_days", "DAY", "INTEGER"),
    ("to_decades", "DECADE", "INTEGER"),
    ("to_hours", "HOUR", "BIGINT"),
    ("to_microseconds", "MICROSECOND", "BIGINT"),
    ("to_millennia", "MILLENNIUM", "INTEGER"),
    ("to_milliseconds", "MILLISECOND", "DOUBLE"),
    ("to_minutes", "MINUTE", "BIGINT"),
    ("to_months", "MONTH", "INTEGER"),
    ("to_quarters", "QUARTER", "INTEGER"),
    ("to_seconds", "SECOND", "DOUBLE"),
    ("to_weeks", "WEEK", "INTEGER"),
    ("to_years", "YEAR", "INTEGER"),
];

/// Types that may stand before a string instead of a cast.
const LITERAL_TYPES: &[(&str, &str)] = &[
    ("DATE", "DATE"),
    ("INTERVAL", "INTERVAL"),
    ("TIME", "TIME"),
    ("TIMESTAMP", "TIMESTAMP"),
    ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
];

impl Printer {
    /// A whole expression, without its alias.
    pub(super) fn expr(&mut self, expr: &Expr) {
        self.at(expr, Level::Any);
    }

    /// An expression beside keywords that an operator in it would swallow.
    pub(super) fn operand_expr(&mut self, expr: &Expr) {
        self.at(expr, Level::Symbol);
    }

    /// Expressions with commas between them.
    pub(super) fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, ", ", Self::expr);
    }

    /// `expr AS alias`
    pub(super) fn aliased(&mut self, expr: &Expr) {
        self.expr(expr);
        if !expr.alias.is_empty() {
            self.push(" AS ");
            self.push(&identifier(&expr.alias));
        }
    }

    pub(super) fn constant(&mut self, constant: &Constant) {
        self.push(&literal::sql(constant));
    }

    /// An operand of something that needs at least `least`.
    pub(super) fn at(&mut self, expr: &Expr, least: Level) {
        if level(expr) < least {
            self.push("(");
            self.bare(expr);
            self.push(")");
        } else {
            self.bare(expr);
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::ColumnRef(names) => {
                self.push(&qualified_name(names.iter().map(String::as_str)));
            }
            ExprKind::Constant(constant) => self.constant(constant),
            ExprKind::Function(function) => self.function(function),
            ExprKind::Comparison { op, left, right } => {
                self.at(left, Level::Symbol);
                self.push(comparison(*op));
                self.at(right, Level::Symbol);
            }
            ExprKind::Conjunction { and, children } => self.conjunction(*and, children),
            ExprKind::Operator { op, children } => self.operator(op, children),
            ExprKind::Case { checks, otherwise } => self.case(checks, otherwise),
            ExprKind::Cast {
                child,
                ty,
                try_cast,
            } => {
                if let Some(keyword) = literal_type(expr) {
                    self.push(keyword);
                    self.push(" ");
                    return self.expr(child);
                }
                self.push(if *try_cast { "TRY_CAST(" } else { "CAST(" });
                self.expr(child);
                self.push(" AS ");
                self.push(&types::sql(ty));
                self.push(")");
            }
            ExprKind::Subquery(subquery) => self.subquery_expr(subquery, false),
            ExprKind::Window(window) => self.window(window),
            ExprKind::Star(star) => self.star(star),
            ExprKind::Lambda { left, right } => self.lambda(left, right),
            ExprKind::Parameter(name) => {
                self.push("$");
                self.push(name);
            }
            ExprKind::Collate { child, collation } => {
                self.at(child, Level::Primary);
                self.push(" COLLATE ");
                self.push(&qualified_name(collation.split('.')));
            }
            ExprKind::Between {
                input,
                lower,
                upper,
            } => {
                self.at(input, Level::Symbol);
                self.push(" BETWEEN ");
                self.at(lower, Level::Symbol);
                self.push(" AND ");
                self.at(upper, Level::Symbol);
            }
            ExprKind::Positional(index) => {
                self.push("#");
                self.push(&index.to_string());
            }
            ExprKind::Default => self.push("DEFAULT"),
            ExprKind::FragmentIndex => self.hole(SqlPart::FragmentIndex),
            ExprKind::Sql(sql) => self.push(sql),
        }
    }

    fn conjunction(&mut self, and: bool, children: &[Expr]) {
        match children {
            [] => self.push(if and { "true" } else { "false" }),
            [only] => self.at(only, Level::And),
            _ => {
                let (word, level) = if and {
                    (" AND ", Level::And)
                } else {
                    (" OR ", Level::Or)
                };
                self.list(children, word, |printer, child| {
                    printer.at(child, level.above());
                });
            }
        }
    }

    fn case(&mut self, checks: &[(Expr, Expr)], otherwise: &Expr) {
        self.push("CASE");
        for (condition, result) in checks {
            self.push(" WHEN ");
            self.expr(condition);
            self.push(" THEN ");
            self.expr(result);
        }
        let null = matches!(
            &otherwise.kind,
            ExprKind::Constant(Constant { ty, value: Value::Null }) if ty.id() == "NULL"
        );
        if !null {
            self.push(" ELSE ");
            self.expr(otherwise);
        }
        self.push(" END");
    }

    fn operator(&mut self, op: &str, children: &[Expr]) {
        match (op, children) {
            ("OPERATOR_NOT", [child]) => {
                if let Some(subquery) = membership(child) {
                    return self.subquery_expr(subquery, true);
                }
                self.push("NOT ");
                self.at(child, Level::Not);
            }
            ("OPERATOR_IS_NULL", [child]) => {
                self.at(child, Level::Symbol);
                self.push(" IS NULL");
            }
            ("OPERATOR_IS_NOT_NULL", [child]) => {
                self.at(child, Level::Symbol);
                self.push(" IS NOT NULL");
            }
            ("COMPARE_IN" | "COMPARE_NOT_IN", [input, values @ ..]) => {
                let not = op == "COMPARE_NOT_IN";
                self.at(input, Level::Symbol);
                if let [
                    Expr {
                        kind: ExprKind::Subquery(_),
                        ..
                    },
                ] = values
                {
                    // IN ((SELECT …)) would ask for all rows of the subquery.
                    self.push(if not { " <> " } else { " = " });
                    return self.at(&values[0], Level::Symbol);
                }
                self.push(if not { " NOT IN (" } else { " IN (" });
                self.exprs(values);
                self.push(")");
            }
            ("ARRAY_EXTRACT", [list, index]) => {
                self.subscripted(list);
                self.push("[");
                self.expr(index);
                self.push("]");
            }
            ("ARRAY_SLICE", [list, bounds @ ..]) => {
                self.subscripted(list);
                self.slice(bounds);
            }
            (
                "STRUCT_EXTRACT",
                [
                    value,
                    Expr {
                        kind: ExprKind::Constant(field),
                        ..
                    },
                ],
            ) if field.value.is_string() => {
                // a.b would be a column of a.
                if matches!(value.kind, ExprKind::ColumnRef(_)) {
                    self.push("(");
                    self.expr(value);
                    self.push(")");
                } else {
                    self.subscripted(value);
                }
                self.push(".");
                self.push(&identifier(field.value.as_str().unwrap_or_default()));
            }
            ("ARRAY_CONSTRUCTOR", items) => {
                self.push("ARRAY[");
                self.exprs(items);
                self.push("]");
            }
            (
                "OPERATOR_UNPACK",
                [
                    Expr {
                        kind: ExprKind::Star(star),
                        ..
                    },
                ],
            ) if star.columns => {
                self.push("*");
                self.star(star);
            }
            _ => {
                self.push(match op {
                    "OPERATOR_COALESCE" => "coalesce",
                    "GROUPING_FUNCTION" => "grouping",
                    "OPERATOR_TRY" => "try",
                    "OPERATOR_UNPACK" => "unpack",
                    "STRUCT_EXTRACT" => "struct_extract",
                    other => other,
                });
                self.push("(");
                self.exprs(children);
                self.push(")");
            }
        }
    }

    /// What stands before `[…]` or `.field`.
    fn subscripted(&mut self, expr: &Expr) {
        let plain = match &expr.kind {
            ExprKind::ColumnRef(_) => true,
            ExprKind::Function(function) => matches!(spelling(function), Spelling::Call),
            ExprKind::Operator { op, .. } => {
                matches!(
                    op.as_str(),
                    "ARRAY_EXTRACT" | "ARRAY_SLICE" | "STRUCT_EXTRACT"
                )
            }
            _ => false,
        };
        if plain {
            self.bare(expr);
        } else {
            self.push("(");
            self.bare(expr);
            self.push(")");
        }
    }

    /// `[from:to:step]`; a missing bound is an empty list in DuckDB's tree.
    fn slice(&mut self, bounds: &[Expr]) {
        let missing = |expr: &Expr| match &expr.kind {
            ExprKind::Constant(constant) => {
                constant.ty.id() == "LIST"
                    && constant.value["children"]
                        .as_array()
                        .is_some_and(Vec::is_empty)
            }
            _ => false,
        };
        let with_step = bounds.len() == 3;
        self.push("[");
        for (index, bound) in bounds.iter().enumerate() {
            if index > 0 {
                self.push(":");
            }
            if !missing(bound) {
                // A cast or a slice inside would be read as part of this one.
                self.at(bound, Level::Symbol);
            } else if with_step && index == 1 {
                self.push("-");
            }
        }
        self.push("]");
    }

    fn subquery_expr(&mut self, subquery: &Subquery, negated: bool) {
        match subquery.kind {
            SubqueryKind::Scalar => {}
            SubqueryKind::Exists => self.push("EXISTS "),
            SubqueryKind::NotExists => self.push("NOT EXISTS "),
            SubqueryKind::Any => {
                if let Some(child) = &subquery.child {
                    self.at(child, Level::Symbol);
                }
                match subquery.comparison {
                    None | Some(Comparison::Equal) => {
                        self.push(if negated { " NOT IN " } else { " IN " });
                    }
                    Some(op) => {
                        self.push(comparison(op));
                        self.push("ANY ");
                    }
                }
            }
        }
        self.subquery(&subquery.query);
    }

    fn lambda(&mut self, left: &Expr, right: &Expr) {
        match &left.kind {
            ExprKind::Function(row) if row.name == "row" && !row.args.is_empty() => {
                self.push("(");
                self.exprs(&row.args);
                self.push(")");
            }
            _ => self.at(left, Level::Symbol),
        }
        self.push(" -> ");
        self.at(right, Level::Or);
    }

    fn star(&mut self, star: &Star) {
        if star.columns {
            self.push("COLUMNS(");
        }
        if let Some(expr) = &star.expr {
            self.expr(expr);
        } else {
            if !star.relation.is_empty() {
                self.push(&identifier(&star.relation));
                self.push(".");
            }
            self.push("*");
        }
        let name = |names: &[String]| qualified_name(names.iter().map(String::as_str));
        if !star.exclude.is_empty() {
            self.push(" EXCLUDE (");
            self.list(&star.exclude, ", ", |printer, names| {
                printer.push(&name(names));
            });
            self.push(")");
        }
        if !star.replace.is_empty() {
            self.push(" REPLACE (");
            self.list(&star.replace, ", ", |printer, (name, expr)| {
                printer.expr(expr);
                printer.push(" AS ");
                printer.push(&identifier(name));
            });
            self.push(")");
        }
        if !star.rename.is_empty() {
            self.push(" RENAME (");
            self.list(&star.rename, ", ", |printer, (names, new)| {
                printer.push(&name(names));
                printer.push(" AS ");
                printer.push(&identifier(new));
            });
            self.push(")");
        }
        if star.columns {
            self.push(")");
        }
    }

    fn function(&mut self, function: &Function) {
        match spelling(function) {
            Spelling::Infix(symbol, level) => {
                let (left, right) = infix_operands(level);
                self.at(&function.args[0], left);
                self.push(" ");
                self.push(symbol);
                self.push(" ");
                self.at(&function.args[1], right);
            }
            Spelling::Prefix(symbol) => {
                if matches!(symbol, "*" | "/" | "%" | "^" | "//" | "**") {
                    // The grammar has these only between operands.
                    self.push(&format!("OPERATOR({symbol}) "));
                } else {
                    self.push(symbol);
                }
                self.at(&function.args[0], Level::Primary);
            }
            Spelling::Postfix(symbol) => {
                self.at(&function.args[0], Level::Primary);
                self.push(" ");
                self.push(symbol);
            }
            Spelling::List => {
                self.push("[");
                self.exprs(&function.args);
                self.push("]");
            }
            Spelling::Struct => {
                self.push("{");
                self.list(&function.args, ", ", |printer, arg| {
                    printer.push(&string(&arg.alias));
                    printer.push(": ");
                    printer.expr(arg);
                });
                self.push("}");
            }
            Spelling::Interval(amount, unit) => {
                self.push("INTERVAL ");
                // A literal without a sign may stand bare.
                let bare = match &amount.kind {
                    ExprKind::Constant(constant) => {
                        constant.ty.id() == "VARCHAR"
                            || (constant.ty.id() == "INTEGER" && !literal::is_negative(constant))
                    }
                    _ => false,
                };
                if bare {
                    self.expr(amount);
                } else {
                    self.push("(");
                    self.expr(amount);
                    self.push(")");
                }
                self.push(" ");
                self.push(unit);
            }
            Spelling::Call => self.call(function),
        }
    }

    /// `name(…)`
    pub(super) fn call(&mut self, function: &Function) {
        if function.name == "count_star" && function.args.is_empty() {
            self.qualifiers(&function.catalog, &function.schema);
            self.push("count(*");
        } else {
            self.qualifiers(&function.catalog, &function.schema);
            // row(a := 1) is not its own syntax's business.
            let named = function.args.iter().any(|arg| !arg.alias.is_empty());
            if named && function.name == "row" {
                self.push("\"row\"");
            } else {
                self.push(&function_name(&function.name));
            }
            self.push("(");
            self.arguments(function.distinct, &function.args, &[]);
        }
        self.argument_orders(&function.order_by, function.args.is_empty());
        self.push(")");
        self.filter(function.filter.as_ref());
        if function.export_state {
            self.push(" EXPORT_STATE");
        }
    }

    pub(super) fn qualifiers(&mut self, catalog: &str, schema: &str) {
        for name in [catalog, schema] {
            if !name.is_empty() {
                self.push(&identifier(name));
                self.push(".");
            }
        }
    }

    pub(super) fn arguments(&mut self, distinct: bool, args: &[Expr], more: &[&Expr]) {
        if distinct {
            self.push("DISTINCT ");
        }
        self.list(args, ", ", |printer, arg| {
            if !arg.alias.is_empty() {
                printer.push(&identifier(&arg.alias));
                printer.push(" := ");
            }
            printer.expr(arg);
        });
        for arg in more {
            self.push(", ");
            self.expr(arg);
        }
    }

    pub(super) fn argument_orders(&mut self, orders: &[OrderBy], first: bool) {
        if !orders.is_empty() {
            self.push(if first { "ORDER BY " } else { " ORDER BY " });
            self.orders(orders);
        }
    }

    pub(super) fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.push(" FILTER (WHERE ");
            self.expr(filter);
            self.push(")");
        }
    }
}

/// How a function is written.
enum Spelling<'a> {
    Infix(&'a str, Level),
    Prefix(&'a str),
    Postfix(&'a str),
    /// `[…]`
    List,
    /// `{'a': …}`
    Struct,
    /// `INTERVAL … DAY`
    Interval(&'a Expr, &'static str),
    Call,
}

fn spelling(function: &Function) -> Spelling<'_> {
    let plain = function.catalog.is_empty()
        && function.schema.is_empty()
        && !function.distinct
        && function.filter.is_none()
        && function.order_by.is_empty()
        && !function.export_state;
    if !plain {
        return Spelling::Call;
    }
    let named = |arg: &Expr| !arg.alias.is_empty();
    let symbol = function.name.as_str();
    match (symbol, function.args.as_slice()) {
        (_, [_, _]) if function.is_operator => match symbol {
            // With the arrow of lambdas, the loosest of all.
            "->>" => Spelling::Infix("->>", Level::Any),
            "~~" => Spelling::Infix("LIKE", Level::Predicate),
            "!~~" => Spelling::Infix("NOT LIKE", Level::Predicate),
            "~~*" => Spelling::Infix("ILIKE", Level::Predicate),
            "!~~*" => Spelling::Infix("NOT ILIKE", Level::Predicate),
            "~~~" => Spelling::Infix("GLOB", Level::Predicate),
            "+" | "-" => Spelling::Infix(symbol, Level::Sum),
            "*" | "/" | "%" | "//" => Spelling::Infix(symbol, Level::Product),
            "^" | "**" => Spelling::Infix(symbol, Level::Power),
            _ => Spelling::Infix(symbol, Level::Symbol),
        },
        (_, [_]) if function.is_operator => match symbol.strip_suffix("__postfix") {
            Some(symbol) => Spelling::Postfix(symbol),
            None => Spelling::Prefix(symbol),
        },
        ("list_value", args) if !args.iter().any(named) => Spelling::List,
        ("struct_pack", args) if !args.is_empty() && args.iter().all(named) => Spelling::Struct,
        (_, [amount]) if !named(amount) => match interval(symbol, amount) {
            Some((amount, unit)) => Spelling::Interval(amount, unit),
            None => Spelling::Call,
        },
        _ => Spelling::Call,
    }
}

/// What `INTERVAL amount UNIT` was made of: `to_days(CAST(trunc(CAST(amount AS DOUBLE)) AS
/// INTEGER))`, without rounding for the units that take fractions.
fn interval<'a>(function: &str, arg: &'a Expr) -> Option<(&'a Expr, &'static str)> {
    let (_, unit, ty) = UNITS.iter().find(|(name, ..)| *name == function)?;
    let inner = cast_child(arg, ty)?;
    if *ty == "DOUBLE" {
        return Some((inner, unit));
    }
    match &inner.kind {
        ExprKind::Function(trunc) if trunc.name == "trunc" && inner.alias.is_empty() => {
            let Spelling::Call = spelling(trunc) else {
                return None;
            };
            match trunc.args.as_slice() {
                [double] => Some((cast_child(double, "DOUBLE")?, unit)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The operand of a plain cast to `ty`.
fn cast_child<'a>(expr: &'a Expr, to: &str) -> Option<&'a Expr> {
    match &expr.kind {
        ExprKind::Cast {
            child,
            ty,
            try_cast: false,
        } if ty.id() == to && expr.alias.is_empty() && child.alias.is_empty() => Some(child),
        _ => None,
    }
}

/// `DATE` if the expression can be written `DATE '…'`.
fn literal_type(expr: &Expr) -> Option<&'static str> {
    let ExprKind::Cast {
        child,
        ty,
        try_cast: false,
    } = &expr.kind
    else {
        return None;
    };
    let ExprKind::Constant(constant) = &child.kind else {
        return None;
    };
    if constant.ty.id() != "VARCHAR" || !constant.value.is_string() || ty.has_info() {
        return None;
    }
    LITERAL_TYPES
        .iter()
        .find(|(id, _)| *id == ty.id())
        .map(|(_, keyword)| *keyword)
}

/// The subquery if this is `x IN (SELECT …)`.
fn membership(expr: &Expr) -> Option<&Subquery> {
    match &expr.kind {
        ExprKind::Subquery(subquery)
            if subquery.kind == SubqueryKind::Any
                && subquery.comparison == Some(Comparison::Equal) =>
        {
            Some(subquery)
        }
        _ => None,
    }
}

/// What the operands of an infix operator need: those of equal level associate to the left, but
/// for predicates and arrows, which stand in parentheses inside each other.
fn infix_operands(level: Level) -> (Level, Level) {
    match level {
        Level::Any => (Level::Symbol, Level::Sum),
        Level::Predicate => (Level::Symbol, Level::Symbol),
        level => (level, level.above()),
    }
}

fn comparison(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal => " = ",
        Comparison::NotEqual => " <> ",
        Comparison::Less => " < ",
        Comparison::Greater => " > ",
        Comparison::LessOrEqual => " <= ",
        Comparison::GreaterOrEqual => " >= ",
        Comparison::Distinct => " IS DISTINCT FROM ",
        Comparison::NotDistinct => " IS NOT DISTINCT FROM ",
    }
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::Lambda { .. } | ExprKind::Collate { .. } | ExprKind::Sql(_) => Level::Any,
        ExprKind::Conjunction { and, children } => match (children.len(), and) {
            (0, _) => Level::Primary,
            (1, _) | (_, true) => Level::And,
            (_, false) => Level::Or,
        },
        ExprKind::Comparison { .. } | ExprKind::Between { .. } => Level::Predicate,
        ExprKind::Subquery(subquery) => match subquery.kind {
            SubqueryKind::Any => Level::Predicate,
            SubqueryKind::NotExists => Level::Not,
            SubqueryKind::Scalar | SubqueryKind::Exists => Level::Primary,
        },
        ExprKind::Operator { op, children } => match op.as_str() {
            "OPERATOR_NOT" if children.first().and_then(membership).is_some() => Level::Predicate,
            "OPERATOR_NOT" => Level::Not,
            "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL" | "COMPARE_IN" | "COMPARE_NOT_IN" => {
                Level::Predicate
            }
            _ => Level::Primary,
        },
        ExprKind::Constant(constant) if literal::is_negative(constant) => Level::Sign,
        ExprKind::Function(function) => match spelling(function) {
            Spelling::Infix(_, level) => level,
            Spelling::Prefix("-" | "+") => Level::Sign,
            // The grammar gives other signs and factorials the level of symbols.
            Spelling::Prefix(_) | Spelling::Postfix(_) => Level::Predicate,
            _ => Level::Primary,
        },
        _ => Level::Primary,
    }
}
