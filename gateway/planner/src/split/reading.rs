//! How a fragment reads one range of a relation: the files that are wholly in it, and rows of those that
//! are not.
//!
//! Files that are wholly in a range are read without a condition, from which DuckDB would guess too few
//! rows for the order of joins.

use std::sync::Arc;

use skein_catalog::ranges::KeyRanges;

use super::ranges::Origin;
use super::scope::item_name;
use super::stage::not_bound;
use super::{Outcome, Splitter};
use crate::ast::{
    Comparison, Expr, ExprKind, Query, QueryBody, SetOperationKind, TableRef, TableRefKind,
};
use crate::build::{is_null, query, select, sql, table};

impl Splitter<'_> {
    /// What stands in place of a relation so that each fragment reads one range of it.
    pub(super) fn in_ranges(
        &mut self,
        written: &TableRef,
        origin: &Origin,
        ranges: &KeyRanges,
    ) -> Outcome<TableRef> {
        let count = self.options.ranges();
        let (mut inside, mut across) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let places = self.places(&origin.ranges, ranges)?;
        for ((file, (first, last)), known) in origin
            .relation
            .files
            .iter()
            .zip(places)
            .zip(&origin.ranges.files)
        {
            if first == last && !known.has_nulls {
                inside[first].push(Arc::clone(file));
                continue;
            }
            let first = if known.has_nulls { 0 } else { first };
            for list in &mut across[first..=last] {
                list.push(Arc::clone(file));
            }
        }
        let alias = item_name(written);
        let read = |kind: TableRefKind| TableRef {
            location: written.location,
            ..table(kind, &alias)
        };
        let filtered = across.iter().any(|list| !list.is_empty());
        let whole = inside.iter().any(|list| !list.is_empty());
        let whole = (whole || !filtered).then(|| read(self.mark_listed(&origin.relation, inside)));
        if !filtered {
            return Ok(whole.expect("all files are"));
        }
        let mut rows = select(
            vec![Expr::star()],
            read(self.mark_listed(&origin.relation, across)),
        );
        let key = Expr::column([alias.as_str(), origin.column.as_str()]);
        rows.where_clause = Some(in_range(&key, ranges, count, origin.ranges.has_nulls()));
        let mut rows = query(rows, Vec::new());
        if let Some(whole) = whole {
            let whole = query(select(vec![Expr::star()], whole), Vec::new());
            rows = Query {
                ctes: Vec::new(),
                body: QueryBody::SetOperation {
                    kind: SetOperationKind::Union,
                    all: true,
                    operands: vec![whole, rows],
                },
                modifiers: Vec::new(),
            };
        }
        Ok(read(TableRefKind::Subquery(Box::new(rows))))
    }

    /// The first and the last range that each file has rows of. DuckDB compares.
    fn places(&self, files: &KeyRanges, ranges: &KeyRanges) -> Outcome<Vec<(usize, usize)>> {
        let count = self.options.ranges();
        let bounds: Vec<String> = ranges
            .bounds
            .iter()
            .map(|bound| format!("({})", literal(bound, &ranges.ty)))
            .collect();
        let values: Vec<String> = files
            .files
            .iter()
            .enumerate()
            .map(|(index, file)| match &file.values {
                Some((least, greatest)) => format!(
                    "({index}, {}, {})",
                    literal(least, &files.ty),
                    literal(greatest, &files.ty)
                ),
                None => format!("({index}, NULL, NULL)"),
            })
            .collect();
        if bounds.is_empty() || values.is_empty() {
            return Ok(vec![(0, 0); files.files.len()]);
        }
        let last = bounds.len();
        // Both in one number, since a query for indices has one column.
        let sql = format!(
            "SELECT CASE WHEN lo IS NULL OR hi IS NULL THEN {last} ELSE \
             (SELECT count(*) FROM b WHERE b.x <= lo) * {count} + (SELECT count(*) FROM b WHERE b.x <= hi) END \
             FROM (VALUES {}) f(i, lo, hi) ORDER BY i",
            values.join(", ")
        );
        let sql = format!("WITH b(x) AS (VALUES {}) {sql}", bounds.join(", "));
        let found = self.bind.indices(&sql).map_err(|error| not_bound(&error))?;
        Ok(found
            .into_iter()
            .map(|both| (both / count, both % count))
            .collect())
    }
}

/// The condition that a key is in the range of the fragment. `nulls`: it may be NULL.
fn in_range(key: &Expr, ranges: &KeyRanges, count: usize, nulls: bool) -> Expr {
    let bound = |text: &String| sql(literal(text, &ranges.ty));
    let checks = (0..count).map(|index| {
        let at_least = index.checked_sub(1).map(|before| ranges.bounds.get(before));
        let condition = match (at_least, ranges.bounds.get(index)) {
            // There are fewer ranges than fragments.
            (Some(None), _) => Expr::boolean(false),
            (None, None) => Expr::boolean(true),
            (None, Some(end)) => {
                let below = Expr::comparison(Comparison::Less, key.clone(), bound(end));
                if nulls { or_null(below, key) } else { below }
            }
            (Some(Some(start)), end) => {
                let mut both = vec![Expr::comparison(
                    Comparison::GreaterOrEqual,
                    key.clone(),
                    bound(start),
                )];
                both.extend(
                    end.map(|end| Expr::comparison(Comparison::Less, key.clone(), bound(end))),
                );
                Expr::and(both)
            }
        };
        let here = Expr::comparison(
            Comparison::Equal,
            Expr::from(ExprKind::FragmentIndex),
            sql(index.to_string()),
        );
        (here, condition)
    });
    Expr::from(ExprKind::Case {
        checks: checks.collect(),
        otherwise: Box::new(Expr::boolean(false)),
    })
}

fn or_null(condition: Expr, key: &Expr) -> Expr {
    let null = is_null(key.clone());
    Expr::from(ExprKind::Conjunction {
        and: false,
        children: vec![condition, null],
    })
}

fn literal(text: &str, ty: &str) -> String {
    format!("CAST('{}' AS {ty})", text.replace('\'', "''"))
}
