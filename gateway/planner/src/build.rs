//! Makes nodes of the tree that the planner adds to a user's statement.

use serde_json::{Value, json};

use crate::ast::{
    Constant, DataType, Expr, ExprKind, Function, Join, JoinKind, JoinSyntax, Modifier, NullOrder,
    OrderBy, Query, QueryBody, Select, SortDirection, TableRef, TableRefKind,
};

/// SQL text as an expression.
pub(crate) fn sql(text: impl Into<String>) -> Expr {
    Expr::from(ExprKind::Sql(text.into()))
}

/// A column by its bare name.
pub(crate) fn column(name: &str) -> Expr {
    Expr::column([name])
}

/// `expr AS alias`
pub(crate) fn named(expr: Expr, alias: &str) -> Expr {
    expr.named(alias)
}

/// The call itself, for callers that add to it.
pub(crate) fn function(name: &str, args: Vec<Expr>) -> Function {
    Function {
        catalog: String::new(),
        schema: String::new(),
        name: name.to_owned(),
        args,
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        is_operator: false,
        export_state: false,
    }
}

/// `left AND right`; either alone when the other is missing.
pub(crate) fn and(left: Option<Expr>, right: Option<Expr>) -> Option<Expr> {
    match (left, right) {
        (Some(left), Some(right)) => Some(Expr::from(ExprKind::Conjunction {
            and: true,
            children: vec![left, right],
        })),
        (one, other) => one.or(other),
    }
}

/// `CASE WHEN condition THEN expr END`; without a condition `expr` itself.
pub(crate) fn only_where(condition: Option<Expr>, expr: Expr) -> Expr {
    let Some(condition) = condition else {
        return expr;
    };
    Expr::from(ExprKind::Case {
        checks: vec![(condition, expr)],
        otherwise: Box::new(null()),
    })
}

/// A NULL without type.
pub(crate) fn null() -> Expr {
    Expr::from(ExprKind::Constant(Constant {
        ty: DataType(json!({ "id": "NULL", "type_info": null })),
        value: Value::Null,
    }))
}

/// `expr IS NOT NULL`
pub(crate) fn is_not_null(child: Expr) -> Expr {
    Expr::from(ExprKind::Operator {
        op: "OPERATOR_IS_NOT_NULL".to_owned(),
        children: vec![child],
    })
}

/// `expr IS NULL`.
pub(crate) fn is_null(child: Expr) -> Expr {
    Expr::from(ExprKind::Operator {
        op: "OPERATOR_IS_NULL".to_owned(),
        children: vec![child],
    })
}

/// A sort key without direction.
pub(crate) fn order_key(expr: Expr) -> OrderBy {
    OrderBy {
        expr,
        direction: SortDirection::Default,
        nulls: NullOrder::Default,
    }
}

/// `kind AS alias`
pub(crate) fn table(kind: TableRefKind, alias: &str) -> TableRef {
    TableRef {
        kind,
        alias: alias.to_owned(),
        column_aliases: Vec::new(),
        sample: None,
        location: None,
    }
}

/// No `FROM`.
pub(crate) fn no_table() -> TableRef {
    table(TableRefKind::Empty, "")
}

/// `left CROSS JOIN right`
pub(crate) fn cross(left: TableRef, right: TableRef) -> TableRef {
    TableRef::from(TableRefKind::Join(Box::new(Join {
        left,
        right,
        condition: None,
        kind: JoinKind::Inner,
        syntax: JoinSyntax::Cross,
        using: Vec::new(),
        delim_flipped: false,
    })))
}

/// `SELECT list FROM from`
pub(crate) fn select(select_list: Vec<Expr>, from: TableRef) -> Select {
    Select {
        select_list,
        from,
        where_clause: None,
        group_by: Vec::new(),
        grouping_sets: Vec::new(),
        group_by_all: false,
        having: None,
        qualify: None,
        sample: None,
    }
}

/// A block and its modifiers, without common table expressions.
pub(crate) fn query(select: Select, modifiers: Vec<Modifier>) -> Query {
    Query {
        ctes: Vec::new(),
        body: QueryBody::Select(Box::new(select)),
        modifiers,
    }
}
