//! The columns that somebody may have meant who named one that does not exist.
//!
//! DuckDB proposes names without their tables; PostgreSQL says `"orders.total"`, and proposes nothing
//! that is far away. The columns of everything in FROM are looked at, of the block with the name and of
//! those around it, by the rules of `searchRangeTableForCol` and `updateFuzzyAttrStateSingleString`.

use skein_executor_api::FragmentError;
use skein_planner::ast::visit::{self, Descend, Node};
use skein_planner::ast::{
    Cte, Expr, ExprKind, Query, QueryBody, Select, TableRef, TableRefKind, print,
};

use crate::error::duckdb::NEAREST_COLUMNS;
use crate::shadow::Shadow;

/// Names that differ in more than this are not alike (`MAX_FUZZY_DISTANCE`).
const DISTANCE_MAX: usize = 3;

/// Puts the nearest columns in the place of DuckDB's proposals in an error about a column that does not
/// exist. `query` is the statement with its names resolved.
pub(super) fn propose(error: &mut FragmentError, query: &Query, shadow: &Shadow) {
    let first = error.message.lines().next().unwrap_or_default().to_owned();
    let quoted = |before: &str| {
        let (_, rest) = first.split_once(before)?;
        rest.split_once('"').map(|(name, _)| name.to_owned())
    };
    let wanted = quoted("Referenced column \"").or_else(|| quoted("have a column named \""));
    let Some(wanted) = wanted else { return };
    let Some((table, columns)) = visible(query, &wanted, &[], &[], shadow) else {
        return;
    };
    let names: Vec<String> = nearest(table.as_deref(), &wanted, &columns)
        .into_iter()
        .map(|(table, column)| format!("\"{table}.{column}\""))
        .collect();
    error.message = format!("{first}\n{NEAREST_COLUMNS}{}", names.join(", "));
}

/// A column and the name of its table in FROM.
type Column = (String, String);

/// The columns that can be seen from the first place that names `wanted`, and the table it names, if
/// it names one.
fn visible(
    query: &Query,
    wanted: &str,
    around: &[&TableRef],
    scope: &[Cte],
    shadow: &Shadow,
) -> Option<(Option<String>, Vec<Column>)> {
    let mut scope = scope.to_vec();
    for cte in &query.ctes {
        if let Some(found) = visible(&cte.query, wanted, &[], &scope, shadow) {
            return Some(found);
        }
        scope.push(cte.clone());
    }
    let select = match &query.body {
        QueryBody::Select(select) => select,
        QueryBody::SetOperation { operands, .. } => {
            let mut found = operands.iter();
            return found.find_map(|operand| visible(operand, wanted, around, &scope, shadow));
        }
        QueryBody::RecursiveCte { .. } => return None,
    };
    let own: Vec<&TableRef> = std::iter::once(&select.from)
        .chain(around.iter().copied())
        .collect();
    // The common table expressions were looked at.
    let bare = Query {
        ctes: Vec::new(),
        body: query.body.clone(),
        modifiers: query.modifiers.clone(),
    };
    let (mut found, mut at_top) = (None, true);
    visit::walk(Node::Query(&bare), &mut |node| {
        if found.is_some() {
            return Descend::Over;
        }
        match node {
            Node::Query(_) if std::mem::take(&mut at_top) => Descend::Into,
            Node::Query(inner) => {
                found = visible(inner, wanted, &own, &scope, shadow);
                Descend::Over
            }
            Node::Expr(expr) => {
                if let ExprKind::ColumnRef(names) = &expr.kind
                    && let [tables @ .., name] = names.as_slice()
                    && name.eq_ignore_ascii_case(wanted)
                {
                    let tables_of = own.iter().flat_map(|from| leaves(from));
                    let columns = tables_of.flat_map(|table| columns(table, &scope, shadow));
                    found = Some((tables.last().cloned(), columns.collect()));
                }
                Descend::Into
            }
            Node::Table(_) => Descend::Into,
        }
    });
    found
}

/// What in FROM has a name of its own.
fn leaves(table: &TableRef) -> Vec<&TableRef> {
    match &table.kind {
        TableRefKind::Join(join) if table.alias.is_empty() => {
            [leaves(&join.left), leaves(&join.right)].concat()
        }
        TableRefKind::Empty => Vec::new(),
        _ => vec![table],
    }
}

fn columns(table: &TableRef, scope: &[Cte], shadow: &Shadow) -> Vec<Column> {
    let name = match &table.kind {
        _ if !table.alias.is_empty() => table.alias.clone(),
        TableRefKind::Table { name, .. } => name.clone(),
        _ => return Vec::new(),
    };
    let star = Expr::from(ExprKind::Sql("*".to_owned()));
    let mut query = Query::from(Select::new(vec![star], table.clone()));
    query.ctes = scope.to_vec();
    let described = shadow.describe(&print::query_sql(&query));
    let columns = described.map_or_else(|_| Vec::new(), |it| it.columns);
    let columns = columns.into_iter().map(|column| column.name);
    columns.map(|column| (name.clone(), column)).collect()
}

/// At most two columns that are equally near.
fn nearest<'a>(
    table: Option<&str>,
    wanted: &str,
    columns: &'a [Column],
) -> Vec<(&'a str, &'a str)> {
    let mut least = DISTANCE_MAX + 1;
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (of, column) in columns {
        // Another table than the one that was named is as far away as its name.
        let penalty = table.map_or(0, |table| strsim::levenshtein(table, of));
        let distance = strsim::levenshtein(column, wanted);
        if penalty > least || distance > wanted.chars().count() / 2 {
            continue;
        }
        let distance = distance + penalty;
        if distance < least {
            least = distance;
            found = vec![(of, column)];
        } else if distance == least && distance <= DISTANCE_MAX {
            match found.len() {
                // Too many: only what is nearer counts from here on.
                2 => found.clear(),
                1 => found.push((of, column)),
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn columns(names: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = names.iter();
        owned
            .map(|(table, column)| ((*table).to_owned(), (*column).to_owned()))
            .collect()
    }

    #[test]
    fn the_nearest_are_one_or_two_or_none() {
        let known = columns(&[("o", "total"), ("o", "day"), ("u", "day"), ("u", "email")]);
        assert_eq!(nearest(None, "totl", &known), [("o", "total")]);
        assert_eq!(nearest(None, "dayy", &known), [("o", "day"), ("u", "day")]);
        assert_eq!(nearest(Some("u"), "dayy", &known), [("u", "day")]);
        assert_eq!(nearest(None, "nosuch", &known), []);
        let three = columns(&[("a", "day"), ("b", "day"), ("c", "day")]);
        assert_eq!(nearest(None, "dayy", &three), []);
    }
}
