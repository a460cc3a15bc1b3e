//! Types of parameters that are arguments of functions, as `func_select_candidate` finds them.
//!
//! DuckDB names other types than PostgreSQL for the same functions: `left(x, $1)` takes a BIGINT there, and
//! of `generate_series(1, $1)` it can tell nothing. Clients that send values in binary rely on what they are
//! told, so such a parameter gets a cast to PostgreSQL's type.
//!
//! Only what is beyond doubt: all functions of this name that take the other arguments have the same type in
//! the parameter's place, and that is a whole number or a list of texts.

use std::collections::BTreeMap;

use skein_catalog::types::Type;
use skein_catalog::types::oid::{INT4, INT8, NUMERIC, TEXT_ARRAY};

use super::candidates::{self, Argument};
use super::{node, symbols};
use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Query, print};

/// Gives parameters in `query`, which is as parsed, the types of what they are arguments of. `declared`
/// are those that the client has chosen; 0: none. Gives the OIDs of those types, by number of the parameter.
pub fn type_parameters(query: &mut Query, declared: &[u32]) -> BTreeMap<usize, u32> {
    let mut told = BTreeMap::new();
    let is_chosen = |name: &str| {
        let index = name.parse::<usize>().ok().and_then(|it| it.checked_sub(1));
        let oid = index.and_then(|index| declared.get(index)).copied();
        oid.filter(|oid| *oid != 0)
    };
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node {
            call(expr, &is_chosen, &mut told);
        }
        Descend::Into
    });
    told
}

fn call(expr: &mut Expr, chosen: &dyn Fn(&str) -> Option<u32>, told: &mut BTreeMap<usize, u32>) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let is_open =
        |arg: &Expr| matches!(&arg.kind, ExprKind::Parameter(name) if chosen(name).is_none());
    if !matches!(call.schema.as_str(), "" | "pg_catalog") || !call.args.iter().any(is_open) {
        return;
    }
    let arguments: Vec<Argument> = call.args.iter().map(|it| argument(it, chosen)).collect();
    let Some(choice) = (match call.args.len() {
        2 if call.is_operator => {
            candidates::operator(symbols::written(&call.name), arguments[0], arguments[1])
        }
        _ => candidates::function(&call.name.to_lowercase(), &arguments),
    }) else {
        return;
    };
    for (index, argument) in call.args.iter_mut().enumerate() {
        let ty = match choice.arguments[index] {
            Some(INT4) => "INTEGER",
            Some(INT8) => "BIGINT",
            Some(TEXT_ARRAY) => "VARCHAR[]",
            _ => continue,
        };
        if let ExprKind::Parameter(name) = &argument.kind
            && is_open(argument)
        {
            // What is told first stays.
            if let (Ok(number), Some(oid)) = (name.parse(), choice.arguments[index]) {
                told.entry(number).or_insert(oid);
            }
            let (alias, location) = (std::mem::take(&mut argument.alias), argument.location);
            let parameter = std::mem::replace(argument, node::null());
            *argument = node::cast(parameter, node::plain_type(ty));
            (argument.alias, argument.location) = (alias, location);
        }
    }
}

fn argument(expr: &Expr, chosen: &dyn Fn(&str) -> Option<u32>) -> Argument {
    match &expr.kind {
        ExprKind::Parameter(name) => chosen(name).map_or(Argument::Open, Argument::Is),
        ExprKind::Constant(constant) => match constant.ty.id() {
            _ if constant.value.is_null() => Argument::Open,
            "VARCHAR" => Argument::Open,
            "INTEGER" => Argument::Is(INT4),
            "BIGINT" => Argument::Is(INT8),
            "DECIMAL" => Argument::Is(NUMERIC),
            _ => Argument::Hidden,
        },
        ExprKind::Cast { ty, .. } => match Type::parse(&print::type_sql(ty)) {
            Ok(ty) => Argument::Is(ty.pg().oid),
            Err(_) => Argument::Hidden,
        },
        _ => Argument::Hidden,
    }
}
