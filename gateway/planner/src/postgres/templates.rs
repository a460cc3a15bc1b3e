//! Parameters whose values have to be known before a statement can be planned, such as the template of
//! `to_char`: what the planner makes of the call depends on them.
//!
//! ```text
//! Parse   to_char(x, $1)  ─►  to_char(x, '9')      only to find the types of columns and parameters
//! Bind    to_char(x, $1)  ─►  to_char(x, 'YYYY')   planned as if this had been written
//! ```
//!
//! PostgreSQL plans for the values of parameters as well (`choose_custom_plan`), but never has to.

use std::collections::BTreeMap;

use skein_catalog::types::oid::{
    BPCHAR, INT4, NAME, NUMERIC, NUMERIC_ARRAY, TEXT, UNKNOWN, VARCHAR,
};

use super::{node, symbols};
use crate::ast::visit::{Descend, Node, NodeMut, walk, walk_mut};
use crate::ast::{Expr, ExprKind, Function, Query};

/// Functions and operators with the place of such an argument, from 0, and what stands for it.
const TEMPLATES: &[(&str, usize, StandIn)] = &[
    ("to_char", 1, StandIn::Text("9")),
    ("to_number", 1, StandIn::Text("9")),
    ("to_date", 1, StandIn::Text("YYYY")),
    ("to_timestamp", 1, StandIn::Text("YYYY")),
    ("format", 0, StandIn::Text("")),
    ("jsonb_path_exists", 1, StandIn::Text("$")),
    ("jsonb_path_exists_tz", 1, StandIn::Text("$")),
    ("jsonb_path_match", 1, StandIn::Text("$")),
    ("jsonb_path_match_tz", 1, StandIn::Text("$")),
    ("jsonb_path_query", 1, StandIn::Text("$")),
    ("jsonb_path_query_tz", 1, StandIn::Text("$")),
    ("jsonb_path_query_array", 1, StandIn::Text("$")),
    ("jsonb_path_query_array_tz", 1, StandIn::Text("$")),
    ("jsonb_path_query_first", 1, StandIn::Text("$")),
    ("jsonb_path_query_first_tz", 1, StandIn::Text("$")),
    (symbols::PATH_EXISTS, 1, StandIn::Text("$")),
    ("@@", 1, StandIn::Text("$")),
    // Options decide how many rows there are, or whether all matches are meant.
    ("regexp_matches", 2, StandIn::Text("")),
    ("regexp_match", 2, StandIn::Text("")),
    ("regexp_like", 2, StandIn::Text("")),
    ("regexp_split_to_array", 2, StandIn::Text("")),
    ("regexp_split_to_table", 2, StandIn::Text("")),
    ("regexp_replace", 3, StandIn::Text("")),
    ("regexp_count", 3, StandIn::Text("")),
    // The digits of the result.
    ("round", 1, StandIn::Integer(0)),
    ("trunc", 1, StandIn::Integer(0)),
];

/// What stands for a parameter until its value is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// A text.
    Text(&'static str),
    /// An `integer`.
    Integer(i32),
    /// A `numeric`, or a list of such: the digits of the result follow from those of the value.
    Decimal {
        /// A list.
        is_list: bool,
    },
    /// An array of more dimensions than one, which functions take apart otherwise. Only its value tells.
    Nested,
}

impl StandIn {
    /// The type that a parameter has if the client leaves it open.
    fn oid(self) -> u32 {
        match self {
            Self::Text(_) => TEXT,
            Self::Integer(_) => INT4,
            Self::Decimal { is_list: false } => NUMERIC,
            Self::Decimal { is_list: true } => NUMERIC_ARRAY,
            Self::Nested => UNKNOWN,
        }
    }

    fn expr(self) -> Expr {
        match self {
            Self::Text(text) => node::text(text),
            Self::Integer(value) => node::integer("INTEGER", i64::from(value)),
            Self::Decimal { is_list: false } => sql("CAST('1' AS DECIMAL(38,10))"),
            Self::Decimal { is_list: true } => sql("CAST([] AS DECIMAL(38,10)[])"),
            Self::Nested => node::null(),
        }
    }

    /// A value as it would be written in its place.
    fn written(self, value: &Value) -> Expr {
        match (self, value.text.as_deref().map(str::parse)) {
            (Self::Integer(_), Some(Ok(value))) => node::integer("INTEGER", value),
            (Self::Decimal { .. } | Self::Nested, _) => sql(&value.sql),
            _ => node::text_or_null(value.text.as_deref()),
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// SQL that gives it.
    pub sql: String,
    /// It as text; `None`: NULL, or no text.
    pub text: Option<String>,
}

/// Such parameters of a statement by their numbers.
pub type Awaited = BTreeMap<usize, StandIn>;

/// Finds such parameters. `declared` are the types that the client has chosen; 0: none.
pub fn awaited(query: &Query, declared: &[u32]) -> Awaited {
    let mut found = BTreeMap::new();
    walk(Node::Query(query), &mut |node| {
        if let Node::Expr(expr) = node {
            for number in decimals(expr, declared) {
                let oid = declared.get(number - 1);
                let is_list = oid == Some(&NUMERIC_ARRAY);
                found.insert(number, StandIn::Decimal { is_list });
            }
        }
        if let Node::Expr(expr) = node
            && let ExprKind::Function(call) = &expr.kind
            && matches!(call.schema.as_str(), "" | "pg_catalog" | "main")
        {
            let name = call.name.to_ascii_lowercase();
            for (_, place, stand_in) in TEMPLATES.iter().filter(|(known, ..)| *known == name) {
                if let Some(number) = call.args.get(*place).and_then(number_of) {
                    found.insert(number, *stand_in);
                }
            }
            if name == "substring"
                && let Some(number) = pattern(call)
                && is_text(declared.get(number.wrapping_sub(1)).copied())
            {
                found.insert(number, StandIn::Text(""));
            }
        }
        Descend::Into
    });
    found
}

/// The same with parameters whose values, of which this is the SQL, are arrays of more dimensions than one.
pub fn with_nested(awaited: &Awaited, parameters: &[String]) -> Awaited {
    let mut all = awaited.clone();
    for (number, sql) in (1..).zip(parameters) {
        if sql.ends_with("[][])") {
            all.entry(number).or_insert(StandIn::Nested);
        }
    }
    all
}

/// Puts what stands for them in their place.
pub fn put_stand_ins(query: &mut Query, awaited: &Awaited) {
    put(query, &|number| Some(awaited.get(&number)?.expr()));
}

/// Puts their values in their place.
pub fn put_values(query: &mut Query, awaited: &Awaited, values: &[Value]) {
    let dimensions: BTreeMap<usize, usize> = awaited
        .keys()
        .zip(values)
        .map(|(number, value)| (*number, dimensions(&value.sql)))
        .collect();
    deepen(query, &dimensions);
    let values: BTreeMap<usize, Expr> = awaited
        .iter()
        .zip(values)
        .map(|((number, stand_in), value)| (*number, stand_in.written(value)))
        .collect();
    put(query, &|number| values.get(&number).cloned());
}

/// Of how many dimensions the array is that such SQL of a value gives.
fn dimensions(sql: &str) -> usize {
    let ty = sql.strip_suffix(')').unwrap_or(sql);
    let scalar = ty.trim_end_matches("[]");
    (ty.len() - scalar.len()) / 2
}

/// Casts of parameters to arrays are to arrays of as many dimensions as their values have.
fn deepen(query: &mut Query, dimensions: &BTreeMap<usize, usize>) {
    if dimensions.values().all(|count| *count < 2) {
        return;
    }
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::Cast { child, ty, .. } = &mut expr.kind
            && let ExprKind::Parameter(name) = &child.kind
            && let Some(wanted) = name.parse().ok().and_then(|it: usize| dimensions.get(&it))
        {
            let (mut held, mut below) = (0, &ty.0);
            while below["id"] == "LIST" {
                (held, below) = (held + 1, &below["type_info"]["child_type"]);
            }
            if held > 0 {
                for _ in held..*wanted {
                    *ty = node::list_of(ty);
                }
            }
        }
        Descend::Into
    });
}

fn put(query: &mut Query, value: &dyn Fn(usize) -> Option<Expr>) {
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let ExprKind::Parameter(name) = &expr.kind
            && let Some(value) = name.parse().ok().and_then(value)
        {
            expr.kind = value.kind;
        }
        Descend::Into
    });
}

/// The types of parameters, with those of awaited ones that the client leaves open.
pub fn declare(declared: &[u32], awaited: &Awaited) -> Vec<u32> {
    let mut types = declared.to_vec();
    for (number, stand_in) in awaited {
        let index = number - 1;
        if types.len() <= index {
            types.resize(index + 1, 0);
        }
        if matches!(types[index], 0 | UNKNOWN) {
            types[index] = stand_in.oid();
        }
    }
    types
}

/// The numbers of parameters below an expression that are a `numeric` and whose digits decide what it gives.
/// Comparisons take any.
fn decimals(expr: &Expr, declared: &[u32]) -> Vec<usize> {
    let arguments: Vec<&Expr> = match &expr.kind {
        ExprKind::Function(call) if call.name == "unnest" => Vec::new(),
        ExprKind::Function(call) => call.args.iter().collect(),
        ExprKind::Window(call) => call.args.iter().chain(&call.default_expr).collect(),
        ExprKind::Operator { op, children } if op == "OPERATOR_COALESCE" => {
            children.iter().collect()
        }
        ExprKind::Case { checks, otherwise } => {
            let results = checks.iter().map(|(_, result)| result);
            results.chain(std::iter::once(&**otherwise)).collect()
        }
        _ => Vec::new(),
    };
    let is_decimal =
        |number: &usize| matches!(declared.get(number - 1), Some(&(NUMERIC | NUMERIC_ARRAY)));
    arguments
        .into_iter()
        .filter_map(number_of)
        .filter(is_decimal)
        .collect()
}

fn sql(text: &str) -> Expr {
    node::expr(ExprKind::Sql(text.to_owned()))
}

/// The second of two arguments of `substring(s from pattern)`.
fn pattern(call: &Function) -> Option<usize> {
    match call.args.as_slice() {
        [_, pattern] => number_of(pattern),
        _ => None,
    }
}

/// The number of a parameter, from 1, which may be cast to a type of text or of paths.
fn number_of(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Parameter(name) => name.parse().ok().filter(|number| *number > 0),
        ExprKind::Cast { child, ty, .. }
            if node::is_text(ty)
                || matches!(ty.id(), "INTEGER")
                || node::user_type(&ty.0) == Some("jsonpath") =>
        {
            number_of(child)
        }
        _ => None,
    }
}

/// PostgreSQL takes what has no type for text where that is possible.
fn is_text(declared: Option<u32>) -> bool {
    matches!(
        declared.unwrap_or(0),
        0 | UNKNOWN | TEXT | VARCHAR | BPCHAR | NAME
    )
}
