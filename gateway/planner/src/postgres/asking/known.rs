//! Types of columns of the catalogue, which nobody has to be asked for.
//!
//! Half of the questions about statements of schema browsers are about nothing else. Only what is plain is
//! answered here: a column of a catalogue relation by the name that the block gives the relation, or one
//! that no other relation of the block could have.

use skein_catalog::system::{self, INFORMATION_SCHEMA, PG_SCHEMA, SystemRelation};

use crate::ast::{Expr, ExprKind, TableRef, TableRefKind};

/// A relation in FROM by its name there, lower case; `None`: it is not known what columns it has.
type Named = (String, Option<&'static SystemRelation>);

/// What the relations of a block and of those around it are.
#[derive(Debug, Default)]
pub(super) struct Known {
    own: Vec<Named>,
    /// Those of the blocks around, all together.
    outer: Vec<Named>,
}

impl Known {
    pub(super) fn of(from: &TableRef, outer: &[TableRef]) -> Self {
        let mut known = Self::default();
        add(from, &mut known.own);
        for from in outer {
            add(from, &mut known.outer);
        }
        known
    }

    /// Whether expressions with this qualifier mean a relation of the blocks around.
    pub(super) fn is_outer(&self, qualifier: &str) -> bool {
        let qualifier = qualifier.to_lowercase();
        let has = |named: &[Named]| named.iter().any(|(name, _)| *name == qualifier);
        !has(&self.own) && has(&self.outer)
    }

    /// DuckDB's type of a plain column of the catalogue.
    pub(super) fn type_of(&self, expr: &Expr) -> Option<String> {
        let ExprKind::ColumnRef(parts) = &expr.kind else {
            return None;
        };
        let (relation, column) = match parts.as_slice() {
            [column] => (self.only_one_with(column)?, column),
            [qualifier, column] => (self.named(&qualifier.to_lowercase())?, column),
            _ => return None,
        };
        let mut columns = relation.columns.iter();
        let column = columns.find(|it| it.name.eq_ignore_ascii_case(column))?;
        Some(column.duckdb_type())
    }

    /// The relation of this name, if it is the only one and of the catalogue.
    fn named(&self, name: &str) -> Option<&'static SystemRelation> {
        let among = |named: &[Named]| {
            let mut those = named.iter().filter(|(it, _)| it == name);
            (those.next().map(|(_, relation)| *relation), those.count())
        };
        let found = match among(&self.own) {
            (None, _) => among(&self.outer),
            own => own,
        };
        match found {
            (Some(relation), 0) => relation,
            _ => None,
        }
    }

    /// The relation with that column, where all relations of the block are known.
    fn only_one_with(&self, column: &str) -> Option<&'static SystemRelation> {
        let all: Option<Vec<_>> = self.own.iter().map(|(_, relation)| *relation).collect();
        let mut those = all?.into_iter().filter(|relation| {
            let mut columns = relation.columns.iter();
            columns.any(|it| it.name.eq_ignore_ascii_case(column))
        });
        those.next().filter(|_| those.next().is_none())
    }
}

/// Notes what a FROM reads.
fn add(table: &TableRef, found: &mut Vec<Named>) {
    let alias = table.alias.to_lowercase();
    match &table.kind {
        TableRefKind::Join(join) if alias.is_empty() => {
            add(&join.left, found);
            add(&join.right, found);
        }
        TableRefKind::Empty => {}
        TableRefKind::Table { schema, name, .. } => {
            let schema = match schema.as_str() {
                PG_SCHEMA => "pg_catalog",
                INFORMATION_SCHEMA => "information_schema",
                _ => "",
            };
            let relation = system::relation(schema, name);
            let relation = relation.filter(|_| table.column_aliases.is_empty());
            let alias = Some(alias).filter(|alias| !alias.is_empty());
            found.push((alias.unwrap_or_else(|| name.to_lowercase()), relation));
        }
        _ => found.push((alias, None)),
    }
}
