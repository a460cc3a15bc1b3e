//! Statements, query nodes, common table expressions and result modifiers.

use serde_json::Value;

use super::expr::{self, expressions, optional_expression};
use super::{Node, Read, table, unknown};
use crate::ast::{
    Cte, Materialized, Modifier, NullOrder, OrderBy, Query, QueryBody, Select, SetOperationKind,
    SortDirection,
};

/// `{"node": …}`, as at the top and around subqueries.
pub(super) fn statement(value: Value) -> Read<Query> {
    let mut node = Node::new(value, "a statement")?;
    let query = query(node.value("node")?)?;
    // Lists the parameters, which the expressions show as well.
    node.value("named_param_map")?;
    node.end()?;
    Ok(query)
}

pub(super) fn query(value: Value) -> Read<Query> {
    let mut node = Node::new(value, "a query")?;
    let kind = node.text("type")?;
    let modifiers = node
        .list("modifiers")?
        .into_iter()
        .map(modifier)
        .collect::<Read<Vec<Modifier>>>()?;
    let mut map = Node::new(node.value("cte_map")?, "a WITH list")?;
    let ctes = map
        .list("map")?
        .into_iter()
        .map(cte)
        .collect::<Read<Vec<Cte>>>()?;
    map.end()?;
    let body = match kind.as_str() {
        "SELECT_NODE" => QueryBody::Select(Box::new(select(&mut node)?)),
        "SET_OPERATION_NODE" => set_operation(&mut node)?,
        "RECURSIVE_CTE_NODE" => QueryBody::RecursiveCte {
            name: node.text("cte_name")?,
            union_all: node.flag("union_all")?,
            left: Box::new(query(node.value("left")?)?),
            right: Box::new(query(node.value("right")?)?),
            aliases: node.texts("aliases")?,
            key_targets: expressions(node.list("key_targets")?)?,
        },
        _ => return Err(unknown("query node", &kind)),
    };
    node.end()?;
    Ok(Query {
        ctes,
        body,
        modifiers,
    })
}

fn cte(value: Value) -> Read<Cte> {
    let mut entry = Node::new(value, "an entry of a WITH list")?;
    let name = entry.text("key")?;
    let mut node = Node::new(entry.value("value")?, "a common table expression")?;
    entry.end()?;
    let cte = Cte {
        name,
        aliases: node.texts("aliases")?,
        query: statement(node.value("query")?)?,
        materialized: match node.text("materialized")?.as_str() {
            "CTE_MATERIALIZE_DEFAULT" => Materialized::Default,
            "CTE_MATERIALIZE_ALWAYS" => Materialized::Always,
            "CTE_MATERIALIZE_NEVER" => Materialized::Never,
            other => return Err(unknown("materialization", other)),
        },
        key_targets: expressions(node.list("key_targets")?)?,
    };
    node.end()?;
    Ok(cte)
}

fn select(node: &mut Node) -> Read<Select> {
    let mut select = Select {
        select_list: expressions(node.list("select_list")?)?,
        from: table::table_ref(node.value("from_table")?)?,
        where_clause: optional_expression(node.optional("where_clause")?)?,
        group_by: expressions(node.list("group_expressions")?)?,
        grouping_sets: grouping_sets(node.list("group_sets")?)?,
        group_by_all: match node.text("aggregate_handling")?.as_str() {
            "STANDARD_HANDLING" => false,
            "FORCE_AGGREGATES" => true,
            other => return Err(unknown("aggregate handling", other)),
        },
        having: optional_expression(node.optional("having")?)?,
        qualify: optional_expression(node.optional("qualify")?)?,
        sample: table::sample(node.optional("sample")?)?,
    };
    number_groups(&mut select)?;
    Ok(select)
}

fn grouping_sets(sets: Vec<Value>) -> Read<Vec<Vec<usize>>> {
    let index = |value: Value| {
        value
            .as_u64()
            .and_then(|index| usize::try_from(index).ok())
            .ok_or_else(|| unknown("index in a grouping set", &value.to_string()))
    };
    sets.into_iter()
        .map(|set| match set {
            Value::Array(set) => set.into_iter().map(index).collect(),
            other => Err(unknown("grouping set", &other.to_string())),
        })
        .collect()
}

/// Numbers the grouping expressions in the order in which the sets name them, which is the order
/// that printing and parsing again gives.
fn number_groups(select: &mut Select) -> Read<()> {
    let count = select.group_by.len();
    let mut order: Vec<usize> = Vec::with_capacity(count);
    let mut number = vec![None; count];
    for index in select.grouping_sets.iter_mut().flatten() {
        let slot = number
            .get_mut(*index)
            .ok_or_else(|| unknown("grouping index", &index.to_string()))?;
        *index = *slot.get_or_insert_with(|| {
            order.push(*index);
            order.len() - 1
        });
    }
    if order.len() != count {
        return Err(unknown("grouping expression outside", "group_sets"));
    }
    for set in &mut select.grouping_sets {
        set.sort_unstable();
    }
    let mut groups: Vec<_> = std::mem::take(&mut select.group_by)
        .into_iter()
        .map(Some)
        .collect();
    select.group_by = order
        .into_iter()
        .filter_map(|index| groups[index].take())
        .collect();
    Ok(())
}

fn set_operation(node: &mut Node) -> Read<QueryBody> {
    let kind = match node.text("setop_type")?.as_str() {
        "UNION" => SetOperationKind::Union,
        "UNION_BY_NAME" => SetOperationKind::UnionByName,
        "INTERSECT" => SetOperationKind::Intersect,
        "EXCEPT" => SetOperationKind::Except,
        other => return Err(unknown("set operation", other)),
    };
    let left = query(node.value("left")?)?;
    let right = query(node.value("right")?)?;
    let all = node.flag("setop_all")?;
    // Only unions may be regrouped to the right: a EXCEPT (b EXCEPT c) is something else, and so
    // is INTERSECT ALL as far as DuckDB promises.
    let associative = matches!(
        kind,
        SetOperationKind::Union | SetOperationKind::UnionByName
    );
    let mut operands = operands_of(left, kind, all);
    if associative {
        operands.extend(operands_of(right, kind, all));
    } else {
        operands.push(right);
    }
    Ok(QueryBody::SetOperation {
        kind,
        all,
        operands,
    })
}

/// The operands of `query` if it is the same plain operation, else `query` itself.
fn operands_of(query: Query, kind: SetOperationKind, all: bool) -> Vec<Query> {
    if !query.ctes.is_empty() || !query.modifiers.is_empty() {
        return vec![query];
    }
    match query.body {
        QueryBody::SetOperation {
            kind: inner_kind,
            all: inner_all,
            operands,
        } if inner_kind == kind && inner_all == all => operands,
        body => vec![Query {
            ctes: Vec::new(),
            body,
            modifiers: Vec::new(),
        }],
    }
}

fn modifier(value: Value) -> Read<Modifier> {
    let mut node = Node::new(value, "a result modifier")?;
    let kind = node.text("type")?;
    let modifier = match kind.as_str() {
        "DISTINCT_MODIFIER" => Modifier::Distinct(expressions(node.list("distinct_on_targets")?)?),
        "ORDER_MODIFIER" => Modifier::OrderBy(orders(node.list("orders")?)?),
        "LIMIT_MODIFIER" | "LIMIT_PERCENT_MODIFIER" => {
            let limit = optional_expression(node.optional("limit")?)?;
            let offset = optional_expression(node.optional("offset")?)?;
            if kind == "LIMIT_MODIFIER" {
                Modifier::Limit { limit, offset }
            } else {
                Modifier::LimitPercent { limit, offset }
            }
        }
        _ => return Err(unknown("result modifier", &kind)),
    };
    node.end()?;
    Ok(modifier)
}

pub(super) fn orders(list: Vec<Value>) -> Read<Vec<OrderBy>> {
    list.into_iter().map(order).collect()
}

fn order(value: Value) -> Read<OrderBy> {
    let mut node = Node::new(value, "a sort key")?;
    let order = OrderBy {
        direction: match node.text("type")?.as_str() {
            "ORDER_DEFAULT" => SortDirection::Default,
            "ASCENDING" => SortDirection::Ascending,
            "DESCENDING" => SortDirection::Descending,
            other => return Err(unknown("sort direction", other)),
        },
        nulls: match node.text("null_order")?.as_str() {
            "ORDER_DEFAULT" => NullOrder::Default,
            "NULLS FIRST" => NullOrder::First,
            "NULLS LAST" => NullOrder::Last,
            other => return Err(unknown("order of NULLs", other)),
        },
        expr: expr::expression(node.value("expression")?)?,
    };
    node.end()?;
    Ok(order)
}
