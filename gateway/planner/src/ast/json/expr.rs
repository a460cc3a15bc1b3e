//! Expressions.

use serde_json::Value;

use super::query::{orders, statement};
use super::{Node, Read, constant, unknown};
use crate::ast::{
    Comparison, Constant, DataType, Expr, ExprKind, Function, Star, Subquery, SubqueryKind, Window,
};

pub(super) fn expressions(list: Vec<Value>) -> Read<Vec<Expr>> {
    list.into_iter().map(expression).collect()
}

pub(super) fn optional_expression(value: Option<Value>) -> Read<Option<Expr>> {
    value.map(expression).transpose()
}

fn boxed(value: Value) -> Read<Box<Expr>> {
    expression(value).map(Box::new)
}

pub(super) fn expression(value: Value) -> Read<Expr> {
    let mut node = Node::new(value, "an expression")?;
    let class = node.text("class")?;
    let ty = node.text("type")?;
    let alias = node.text("alias")?;
    let location = node.location()?;
    let kind = match class.as_str() {
        "COLUMN_REF" => ExprKind::ColumnRef(node.texts("column_names")?),
        "CONSTANT" => ExprKind::Constant(constant(node.value("value")?)?),
        "FUNCTION" => ExprKind::Function(Box::new(function(&mut node)?)),
        "COMPARISON" => ExprKind::Comparison {
            op: comparison(&ty)?,
            left: boxed(node.value("left")?)?,
            right: boxed(node.value("right")?)?,
        },
        "CONJUNCTION" => ExprKind::Conjunction {
            and: match ty.as_str() {
                "CONJUNCTION_AND" => true,
                "CONJUNCTION_OR" => false,
                _ => return Err(unknown("conjunction", &ty)),
            },
            children: expressions(node.list("children")?)?,
        },
        "OPERATOR" => operator(&mut node, &ty)?,
        "CASE" => case(&mut node)?,
        "CAST" => cast(&mut node)?,
        "SUBQUERY" => ExprKind::Subquery(Box::new(subquery(&mut node)?)),
        "WINDOW" => ExprKind::Window(Box::new(window(&mut node, &ty)?)),
        "STAR" => ExprKind::Star(Box::new(star(&mut node)?)),
        "LAMBDA" => ExprKind::Lambda {
            left: boxed(node.value("lhs")?)?,
            right: boxed(node.value("expr")?)?,
        },
        "PARAMETER" => ExprKind::Parameter(node.text("identifier")?),
        "COLLATE" => ExprKind::Collate {
            child: boxed(node.value("child")?)?,
            collation: node.text("collation")?,
        },
        "BETWEEN" => ExprKind::Between {
            input: boxed(node.value("input")?)?,
            lower: boxed(node.value("lower")?)?,
            upper: boxed(node.value("upper")?)?,
        },
        "POSITIONAL_REFERENCE" => {
            let index = node.number("index")?;
            ExprKind::Positional(
                usize::try_from(index).map_err(|_| unknown("position", &index.to_string()))?,
            )
        }
        "DEFAULT" => ExprKind::Default,
        _ => return Err(unknown("expression class", &class)),
    };
    node.end()?;
    Ok(Expr {
        kind,
        alias,
        location,
    })
}

pub(super) fn comparison(name: &str) -> Read<Comparison> {
    Ok(match name {
        "COMPARE_EQUAL" => Comparison::Equal,
        "COMPARE_NOTEQUAL" => Comparison::NotEqual,
        "COMPARE_LESSTHAN" => Comparison::Less,
        "COMPARE_GREATERTHAN" => Comparison::Greater,
        "COMPARE_LESSTHANOREQUALTO" => Comparison::LessOrEqual,
        "COMPARE_GREATERTHANOREQUALTO" => Comparison::GreaterOrEqual,
        "COMPARE_DISTINCT_FROM" => Comparison::Distinct,
        "COMPARE_NOT_DISTINCT_FROM" => Comparison::NotDistinct,
        _ => return Err(unknown("comparison", name)),
    })
}

/// `main` is where DuckDB's parser looks for the functions behind its syntax.
fn engine_schema(catalog: &str, schema: String) -> String {
    if schema == "main" && catalog.is_empty() {
        String::new()
    } else {
        schema
    }
}

fn function(node: &mut Node) -> Read<Function> {
    let mut order_by = Node::new(node.value("order_bys")?, "an ORDER BY")?;
    order_by.text("type")?;
    let catalog = node.text("catalog")?;
    let function = Function {
        schema: engine_schema(&catalog, node.text("schema")?),
        catalog,
        name: node.text("function_name")?,
        args: expressions(node.list("children")?)?,
        distinct: node.flag("distinct")?,
        filter: optional_expression(node.optional("filter")?)?,
        order_by: orders(order_by.list("orders")?)?,
        is_operator: node.flag("is_operator")?,
        export_state: node.flag("export_state")?,
    };
    order_by.end()?;
    Ok(function)
}

/// Number of operands that each operator takes.
fn operator(node: &mut Node, op: &str) -> Read<ExprKind> {
    let children = expressions(node.list("children")?)?;
    let counts = match op {
        "OPERATOR_NOT"
        | "OPERATOR_IS_NULL"
        | "OPERATOR_IS_NOT_NULL"
        | "OPERATOR_UNPACK"
        | "OPERATOR_TRY" => 1..=1,
        "ARRAY_EXTRACT" | "STRUCT_EXTRACT" => 2..=2,
        "ARRAY_SLICE" => 3..=4,
        "COMPARE_IN" | "COMPARE_NOT_IN" => 2..=usize::MAX,
        "OPERATOR_COALESCE" | "GROUPING_FUNCTION" | "ARRAY_CONSTRUCTOR" => 0..=usize::MAX,
        _ => return Err(unknown("operator", op)),
    };
    if !counts.contains(&children.len()) {
        return Err(unknown("number of operands of operator", op));
    }
    Ok(ExprKind::Operator {
        op: op.to_owned(),
        children,
    })
}

fn case(node: &mut Node) -> Read<ExprKind> {
    let check = |value: Value| {
        let mut check = Node::new(value, "a WHEN")?;
        let pair = (
            expression(check.value("when_expr")?)?,
            expression(check.value("then_expr")?)?,
        );
        check.end()?;
        Ok(pair)
    };
    Ok(ExprKind::Case {
        checks: node
            .list("case_checks")?
            .into_iter()
            .map(check)
            .collect::<Read<_>>()?,
        otherwise: boxed(node.value("else_expr")?)?,
    })
}

fn cast(node: &mut Node) -> Read<ExprKind> {
    let child = expression(node.value("child")?)?;
    let ty = DataType(node.value("cast_type")?);
    let try_cast = node.flag("try_cast")?;
    // `true` arrives as CAST('t' AS BOOLEAN).
    if ty.id() == "BOOLEAN"
        && !try_cast
        && let ExprKind::Constant(Constant {
            value: Value::String(text),
            ..
        }) = &child.kind
        && let Some(flag) = match text.as_str() {
            "t" => Some(true),
            "f" => Some(false),
            _ => None,
        }
    {
        return Ok(ExprKind::Constant(Constant {
            ty,
            value: Value::Bool(flag),
        }));
    }
    Ok(ExprKind::Cast {
        child: Box::new(child),
        ty,
        try_cast,
    })
}

fn subquery(node: &mut Node) -> Read<Subquery> {
    let kind = match node.text("subquery_type")?.as_str() {
        "SCALAR" => SubqueryKind::Scalar,
        "EXISTS" => SubqueryKind::Exists,
        "NOT_EXISTS" => SubqueryKind::NotExists,
        "ANY" => SubqueryKind::Any,
        other => return Err(unknown("kind of subquery", other)),
    };
    let query = statement(node.value("subquery")?)?;
    let child = optional_expression(node.optional("child")?)?;
    let op = node.text("comparison_type")?;
    let comparison = if op == "INVALID" {
        None
    } else {
        Some(comparison(&op)?)
    };
    let any = kind == SubqueryKind::Any;
    if any != child.is_some() || any != comparison.is_some() {
        return Err(unknown("operands of subquery with", &op));
    }
    Ok(Subquery {
        kind,
        query,
        child,
        comparison,
    })
}

fn window(node: &mut Node, ty: &str) -> Read<Window> {
    let start = node.text("start")?;
    let end = node.text("end")?;
    for bound in [&start, &end] {
        if !crate::ast::print::is_frame_bound(bound) {
            return Err(unknown("frame bound", bound));
        }
    }
    let exclude = node.text("exclude_clause")?;
    if !["NO_OTHER", "CURRENT_ROW", "GROUP", "TIES"].contains(&exclude.as_str()) {
        return Err(unknown("EXCLUDE", &exclude));
    }
    let catalog = node.text("catalog")?;
    let window = Window {
        ty: ty.to_owned(),
        schema: engine_schema(&catalog, node.text("schema")?),
        catalog,
        name: node.text("function_name")?,
        args: expressions(node.list("children")?)?,
        partitions: expressions(node.list("partitions")?)?,
        orders: orders(node.list("orders")?)?,
        start,
        end,
        start_expr: optional_expression(node.optional("start_expr")?)?,
        end_expr: optional_expression(node.optional("end_expr")?)?,
        offset_expr: optional_expression(node.optional("offset_expr")?)?,
        default_expr: optional_expression(node.optional("default_expr")?)?,
        ignore_nulls: node.flag("ignore_nulls")?,
        filter: optional_expression(node.optional("filter_expr")?)?,
        exclude,
        distinct: node.flag("distinct")?,
        arg_orders: orders(node.list("arg_orders")?)?,
    };
    if window.start.starts_with("EXPR_") != window.start_expr.is_some()
        || window.end.starts_with("EXPR_") != window.end_expr.is_some()
    {
        return Err(unknown("offset of frame", &window.start));
    }
    Ok(window)
}

fn star(node: &mut Node) -> Read<Star> {
    let mut exclude: Vec<Vec<String>> = node
        .texts("exclude_list")?
        .into_iter()
        .map(|name| vec![name])
        .collect();
    for column in node.list("qualified_exclude_list")? {
        exclude.push(qualified(column)?);
    }
    let mut replace = Vec::new();
    for entry in node.list("replace_list")? {
        let mut entry = Node::new(entry, "a REPLACE")?;
        replace.push((entry.text("key")?, expression(entry.value("value")?)?));
        entry.end()?;
    }
    let mut rename = Vec::new();
    for entry in node.list("rename_list")? {
        let mut entry = Node::new(entry, "a RENAME")?;
        rename.push((qualified(entry.value("key")?)?, entry.text("value")?));
        entry.end()?;
    }
    // DuckDB keeps these in hash maps; their order means nothing.
    exclude.sort();
    replace.sort_by(|a, b| a.0.cmp(&b.0));
    rename.sort();
    Ok(Star {
        relation: node.text("relation_name")?,
        exclude,
        replace,
        rename,
        columns: node.flag("columns")?,
        expr: optional_expression(node.optional("expr")?)?,
    })
}

/// `catalog.schema.table.column` without the empty parts.
fn qualified(value: Value) -> Read<Vec<String>> {
    let mut node = Node::new(value, "a qualified column")?;
    let mut names = Vec::new();
    for part in ["catalog", "schema", "table", "column"] {
        let name = node.text(part)?;
        if !name.is_empty() {
            names.push(name);
        }
    }
    node.end()?;
    Ok(names)
}
