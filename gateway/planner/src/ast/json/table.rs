//! Table references, pivots and samples.

use serde_json::Value;

use super::expr::{self, expressions, optional_expression};
use super::query::{query, statement};
use super::{Node, Read, constant, unknown};
use crate::ast::{
    Join, JoinKind, JoinSyntax, Pivot, PivotColumn, PivotEntry, Sample, TableRef, TableRefKind,
};

pub(super) fn table_ref(value: Value) -> Read<TableRef> {
    let mut node = Node::new(value, "a table reference")?;
    let ty = node.text("type")?;
    let alias = node.text("alias")?;
    let sample = sample(node.optional("sample")?)?;
    let location = node.location()?;
    let mut column_aliases = Vec::new();
    let kind = match ty.as_str() {
        "EMPTY" => TableRefKind::Empty,
        "BASE_TABLE" => {
            column_aliases = node.texts("column_name_alias")?;
            TableRefKind::Table {
                catalog: node.text("catalog_name")?,
                schema: node.text("schema_name")?,
                name: node.text("table_name")?,
                at: node.optional("at_clause")?.map(at_clause).transpose()?,
            }
        }
        "SUBQUERY" => {
            column_aliases = node.texts("column_name_alias")?;
            TableRefKind::Subquery(Box::new(statement(node.value("subquery")?)?))
        }
        "JOIN" => TableRefKind::Join(Box::new(join(&mut node)?)),
        "TABLE_FUNCTION" => {
            column_aliases = node.texts("column_name_alias")?;
            TableRefKind::Function {
                call: Box::new(expr::expression(node.value("function")?)?),
                with_ordinality: match node.text("with_ordinality")?.as_str() {
                    "WITHOUT_ORDINALITY" => false,
                    "WITH_ORDINALITY" => true,
                    other => return Err(unknown("ordinality", other)),
                },
            }
        }
        "EXPRESSION_LIST" => {
            node.empty("expected_names")?;
            node.empty("expected_types")?;
            let row = |row: Value| match row {
                Value::Array(row) => expressions(row),
                other => Err(unknown("row of VALUES", &other.to_string())),
            };
            TableRefKind::Values {
                rows: node
                    .list("values")?
                    .into_iter()
                    .map(row)
                    .collect::<Read<_>>()?,
            }
        }
        "PIVOT" => {
            column_aliases = node.texts("column_name_alias")?;
            TableRefKind::Pivot(Box::new(pivot(&mut node)?))
        }
        "SHOW_REF" => TableRefKind::Show {
            catalog: node.text("catalog_name")?,
            schema: node.text("schema_name")?,
            name: node.text("table_name")?,
            query: node
                .optional("query")?
                .map(query)
                .transpose()?
                .map(Box::new),
            kind: node.text("show_type")?,
        },
        _ => return Err(unknown("table reference", &ty)),
    };
    node.end()?;
    Ok(TableRef {
        kind,
        alias,
        column_aliases,
        sample,
        location,
    })
}

fn at_clause(value: Value) -> Read<(String, Box<crate::ast::Expr>)> {
    let mut node = Node::new(value, "an AT clause")?;
    let at = (
        node.text("unit")?,
        Box::new(expr::expression(node.value("expr")?)?),
    );
    node.end()?;
    Ok(at)
}

fn join(node: &mut Node) -> Read<Join> {
    let join = Join {
        left: table_ref(node.value("left")?)?,
        right: table_ref(node.value("right")?)?,
        condition: optional_expression(node.optional("condition")?)?,
        kind: match node.text("join_type")?.as_str() {
            "INNER" => JoinKind::Inner,
            "LEFT" => JoinKind::Left,
            "RIGHT" => JoinKind::Right,
            "FULL" => JoinKind::Full,
            "SEMI" => JoinKind::Semi,
            "ANTI" => JoinKind::Anti,
            other => return Err(unknown("kind of join", other)),
        },
        syntax: match node.text("ref_type")?.as_str() {
            "REGULAR" => JoinSyntax::Regular,
            "NATURAL" => JoinSyntax::Natural,
            "CROSS" => JoinSyntax::Cross,
            "POSITIONAL" => JoinSyntax::Positional,
            "ASOF" => JoinSyntax::AsOf,
            other => return Err(unknown("form of join", other)),
        },
        using: node.texts("using_columns")?,
        delim_flipped: node.flag("delim_flipped")?,
    };
    node.empty("duplicate_eliminated_columns")?;
    Ok(join)
}

fn pivot(node: &mut Node) -> Read<Pivot> {
    Ok(Pivot {
        source: table_ref(node.value("source")?)?,
        aggregates: expressions(node.list("aggregates")?)?,
        unpivot_names: node.texts("unpivot_names")?,
        pivots: node
            .list("pivots")?
            .into_iter()
            .map(pivot_column)
            .collect::<Read<_>>()?,
        groups: node.texts("groups")?,
        include_nulls: node.flag("include_nulls")?,
    })
}

fn pivot_column(value: Value) -> Read<PivotColumn> {
    let mut node = Node::new(value, "a pivot column")?;
    let column = PivotColumn {
        expressions: expressions(node.list("pivot_expressions")?)?,
        unpivot_names: node.texts("unpivot_names")?,
        entries: node
            .list("entries")?
            .into_iter()
            .map(pivot_entry)
            .collect::<Read<_>>()?,
        pivot_enum: node.text("pivot_enum")?,
    };
    node.end()?;
    Ok(column)
}

fn pivot_entry(value: Value) -> Read<PivotEntry> {
    let mut node = Node::new(value, "an entry of a pivot")?;
    let entry = PivotEntry {
        values: node
            .list("values")?
            .into_iter()
            .map(constant)
            .collect::<Read<_>>()?,
        star: optional_expression(node.optional("star_expr")?)?.map(Box::new),
        alias: node.text("alias")?,
    };
    node.end()?;
    Ok(entry)
}

pub(super) fn sample(value: Option<Value>) -> Read<Option<Sample>> {
    let Some(value) = value else { return Ok(None) };
    let mut node = Node::new(value, "a sample")?;
    let sample = Sample {
        size: constant(node.value("sample_size")?)?,
        is_percentage: node.flag("is_percentage")?,
        method: node.text("method")?,
        // -1 stands for no seed.
        seed: Some(node.number("seed")?).filter(|seed| *seed >= 0),
    };
    node.end()?;
    if !["System", "Bernoulli", "Reservoir"].contains(&sample.method.as_str()) {
        return Err(unknown("sample method", &sample.method));
    }
    Ok(Some(sample))
}
