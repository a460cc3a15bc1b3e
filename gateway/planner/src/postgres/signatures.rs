//! Types of parameters that are arguments of functions, as `func_select_candidate` finds them.
//!
//! DuckDB names other types than PostgreSQL for the same functions: `left(x, $1)` takes a BIGINT there, and
//! of `generate_series(1, $1)` it can tell nothing. Clients that send values in binary rely on what they are
//! told, so such a parameter gets a cast to PostgreSQL's type.
//!
//! Only what is beyond doubt: all functions of this name that take the other arguments have the same whole
//! number in the parameter's place.

use std::collections::BTreeMap;

use skein_catalog::system;
use skein_catalog::types::Type;
use skein_catalog::types::oid::{FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC};

use super::node;
use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Query, print};

/// What is known of the type of an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    /// It has this one.
    Is(u32),
    /// It takes the one that the function wants: a parameter, NULL, or a text in quotes.
    Open,
    /// It has one that the tree does not tell.
    Hidden,
}

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
    if call.is_operator
        || !matches!(call.schema.as_str(), "" | "pg_catalog")
        || !call.args.iter().any(is_open)
    {
        return;
    }
    let arguments: Vec<Argument> = call.args.iter().map(|it| argument(it, chosen)).collect();
    let name = call.name.to_lowercase();
    let candidates = candidates(&name, &arguments);
    for (index, argument) in call.args.iter_mut().enumerate() {
        let mut types = candidates.iter().map(|types| types[index]);
        let Some(oid) = types.next().filter(|ty| types.all(|it| it == *ty)) else {
            continue;
        };
        let ty = match oid {
            INT4 => "INTEGER",
            INT8 => "BIGINT",
            _ => continue,
        };
        if let ExprKind::Parameter(name) = &argument.kind
            && is_open(argument)
        {
            // What is told first stays.
            if let Ok(number) = name.parse() {
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

/// The functions of this name that may be meant: those that take these arguments, and of them those that
/// most arguments suit as they are.
fn candidates(name: &str, arguments: &[Argument]) -> Vec<&'static [u32]> {
    let mut found: Vec<(usize, &[u32])> = system::signatures(name)
        .iter()
        .filter(|types| types.len() == arguments.len())
        .filter_map(|types| {
            let mut exact = 0;
            for (argument, wanted) in arguments.iter().zip(types) {
                match argument {
                    Argument::Is(ty) if ty == wanted => exact += 1,
                    Argument::Is(ty) if !may_become(*ty, *wanted) => return None,
                    _ => {}
                }
            }
            Some((exact, types.as_slice()))
        })
        .collect();
    let most = found.iter().map(|(exact, _)| *exact).max();
    found.retain(|(exact, _)| Some(*exact) == most);
    found.into_iter().map(|(_, types)| types).collect()
}

/// Whether there may be an implicit cast. Of numbers it is known; what else is taken for possible only
/// makes fewer parameters known.
fn may_become(from: u32, to: u32) -> bool {
    const NUMBERS: [u32; 6] = [INT2, INT4, INT8, NUMERIC, FLOAT4, FLOAT8];
    let rank = |oid| NUMBERS.iter().position(|it| *it == oid);
    match (rank(from), rank(to)) {
        (Some(from), Some(to)) => from < to,
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(name: &str, arguments: &[Argument]) -> Vec<Vec<u32>> {
        let found = candidates(name, arguments);
        found.into_iter().map(<[u32]>::to_vec).collect()
    }

    #[test]
    fn the_other_arguments_decide() {
        use Argument::{Hidden, Is, Open};
        assert_eq!(only("left", &[Open, Open]), [[25, INT4]]);
        let series = "generate_series";
        assert_eq!(only(series, &[Is(INT4), Open]), [[INT4, INT4]]);
        assert_eq!(only(series, &[Open, Is(INT8)]), [[INT8, INT8]]);
        assert_eq!(only(series, &[Is(NUMERIC), Open]), [[NUMERIC, NUMERIC]]);
        assert!(only(series, &[Open, Open]).len() > 2);
        assert!(only(series, &[Hidden, Open]).len() > 2);
        assert!(only("no_such_function", &[Open]).is_empty());
    }
}
