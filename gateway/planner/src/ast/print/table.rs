//! Things in FROM.

use skein_executor_api::SqlPart;

use super::Printer;
use super::names::{identifier, qualified_name};
use crate::ast::{
    Constant, Expr, ExprKind, Join, JoinKind, JoinSyntax, Pivot, PivotColumn, PivotEntry, Sample,
    TableRef, TableRefKind,
};

impl Printer {
    pub(super) fn table_ref(&mut self, table: &TableRef) {
        match &table.kind {
            TableRefKind::Empty => self.push("(SELECT)"),
            TableRefKind::Table {
                catalog,
                schema,
                name,
                ..
            } => {
                self.push(&qualified_name([catalog.as_str(), schema, name]));
            }
            TableRefKind::Subquery(query) => self.subquery(query),
            TableRefKind::Join(join) => {
                let named = !table.alias.is_empty() || table.sample.is_some();
                if named {
                    self.push("(SELECT * FROM ");
                }
                self.join(join);
                if named {
                    self.push(")");
                }
            }
            TableRefKind::Function {
                call,
                with_ordinality,
            } => {
                match &call.kind {
                    ExprKind::Function(function) => self.call(function),
                    _ => self.expr(call),
                }
                if *with_ordinality {
                    self.push(" WITH ORDINALITY");
                }
            }
            TableRefKind::Values { rows } => {
                self.push("(");
                self.values(rows);
                self.push(")");
            }
            TableRefKind::Pivot(pivot) => {
                if needs_statement(pivot) {
                    self.push("(");
                    self.pivot_statement(pivot);
                    self.push(")");
                } else {
                    self.pivot(pivot);
                }
            }
            TableRefKind::Show { .. } => {
                self.push("(");
                self.show(&table.kind);
                self.push(")");
            }
            TableRefKind::Scan { scan } => self.hole(SqlPart::Scan(*scan)),
            TableRefKind::Input { name } => self.push(&identifier(name)),
        }
        if !table.alias.is_empty() {
            self.push(" AS ");
            self.push(&identifier(&table.alias));
        }
        if !table.column_aliases.is_empty() {
            self.names(&table.column_aliases);
        }
        if let TableRefKind::Table {
            at: Some((unit, expr)),
            ..
        } = &table.kind
        {
            self.push(" AT (");
            self.push(unit);
            self.push(" => ");
            self.expr(expr);
            self.push(")");
        }
        if let Some(sample) = &table.sample {
            self.push(" TABLESAMPLE ");
            self.sample(sample);
        }
    }

    fn join(&mut self, join: &Join) {
        self.table_ref(&join.left);
        self.push(" ");
        match join.syntax {
            JoinSyntax::Regular => {}
            JoinSyntax::Natural => self.push("NATURAL "),
            JoinSyntax::Cross => self.push("CROSS "),
            JoinSyntax::Positional => self.push("POSITIONAL "),
            JoinSyntax::AsOf => self.push("ASOF "),
        }
        self.push(match join.kind {
            JoinKind::Inner => "",
            JoinKind::Left => "LEFT ",
            JoinKind::Right => "RIGHT ",
            JoinKind::Full => "FULL ",
            JoinKind::Semi => "SEMI ",
            JoinKind::Anti => "ANTI ",
        });
        self.push("JOIN ");
        // Joins associate to the left.
        let nested =
            matches!(join.right.kind, TableRefKind::Join(_)) && join.right.alias.is_empty();
        if nested {
            self.push("(");
        }
        self.table_ref(&join.right);
        if nested {
            self.push(")");
        }
        if let Some(condition) = &join.condition {
            self.push(" ON ");
            self.expr(condition);
        }
        if !join.using.is_empty() {
            self.push(" USING ");
            self.names(&join.using);
        }
    }

    /// `VALUES (1, 2), (3, 4)`
    pub(super) fn values(&mut self, rows: &[Vec<Expr>]) {
        self.push("VALUES ");
        self.list(rows, ", ", |printer, row| {
            printer.push("(");
            printer.exprs(row);
            printer.push(")");
        });
    }

    /// `DESCRIBE …`, `SUMMARIZE …`, `SHOW …`
    pub(super) fn show(&mut self, show: &TableRefKind) {
        let TableRefKind::Show {
            catalog,
            schema,
            name,
            query,
            kind,
        } = show
        else {
            return;
        };
        match query {
            Some(query) => {
                self.push(if kind == "SUMMARY" {
                    "SUMMARIZE "
                } else {
                    "DESCRIBE "
                });
                self.operand(query);
            }
            None if kind == "SHOW_FROM" => {
                self.push("SHOW TABLES FROM ");
                self.push(&qualified_name([catalog.as_str(), schema]));
            }
            None if name == "__show_tables_expanded" => self.push("SHOW ALL TABLES"),
            None => {
                // DuckDB keeps the name in quotes: "tables".
                self.push("SHOW ");
                self.push(&identifier(name.trim_matches('"')));
            }
        }
    }

    /// `source PIVOT (…)` and `source UNPIVOT (…)`
    fn pivot(&mut self, pivot: &Pivot) {
        self.pivot_source(&pivot.source);
        if pivot.unpivot_names.is_empty() {
            self.push(" PIVOT (");
            self.list(&pivot.aggregates, ", ", Self::aliased);
            self.push(" FOR");
            for column in &pivot.pivots {
                self.push(" ");
                self.parenthesised_if_many(&column.expressions, Self::expr);
                self.pivot_values(column);
            }
            if !pivot.groups.is_empty() {
                self.push(" GROUP BY ");
                self.list(&pivot.groups, ", ", |printer, name| {
                    printer.push(&identifier(name));
                });
            }
        } else {
            self.push(" UNPIVOT ");
            if pivot.include_nulls {
                self.push("INCLUDE NULLS ");
            }
            self.push("(");
            let name = |printer: &mut Self, name: &String| printer.push(&identifier(name));
            self.parenthesised_if_many(&pivot.unpivot_names, name);
            self.push(" FOR");
            for column in &pivot.pivots {
                self.push(" ");
                self.parenthesised_if_many(&column.unpivot_names, name);
                self.push(" IN (");
                self.list(&column.entries, ", ", Self::unpivot_entry);
                self.push(")");
            }
        }
        self.push(")");
    }

    /// `PIVOT source ON … USING …`
    pub(super) fn pivot_statement(&mut self, pivot: &Pivot) {
        self.push("PIVOT ");
        self.pivot_source(&pivot.source);
        self.push(" ON ");
        self.list(&pivot.pivots, ", ", |printer, column| {
            printer.list(&column.expressions, ", ", Self::operand_expr);
            printer.pivot_values(column);
        });
        self.push(" USING ");
        self.list(&pivot.aggregates, ", ", Self::aliased);
        if !pivot.groups.is_empty() {
            self.push(" GROUP BY ");
            self.list(&pivot.groups, ", ", |printer, name| {
                printer.push(&identifier(name));
            });
        }
    }

    fn pivot_source(&mut self, source: &TableRef) {
        let join = matches!(source.kind, TableRefKind::Join(_)) && source.alias.is_empty();
        if join {
            self.push("(");
        }
        self.table_ref(source);
        if join {
            self.push(")");
        }
    }

    fn pivot_values(&mut self, column: &PivotColumn) {
        self.push(" IN ");
        if !column.pivot_enum.is_empty() {
            return self.push(&identifier(&column.pivot_enum));
        }
        self.push("(");
        self.list(&column.entries, ", ", |printer, entry| {
            match &entry.star {
                Some(expr) => printer.expr(expr),
                None => printer.parenthesised_if_many(&entry.values, Self::constant),
            }
            printer.entry_alias(entry);
        });
        self.push(")");
    }

    fn unpivot_entry(&mut self, entry: &PivotEntry) {
        match &entry.star {
            Some(expr) => self.expr(expr),
            // The values are names of columns.
            None => self.parenthesised_if_many(&entry.values, |printer, value: &Constant| {
                match value.value.as_str() {
                    Some(name) if !name.is_empty() => printer.push(&identifier(name)),
                    _ => printer.constant(value),
                }
            }),
        }
        self.entry_alias(entry);
    }

    fn entry_alias(&mut self, entry: &PivotEntry) {
        if !entry.alias.is_empty() {
            self.push(" AS ");
            self.push(&identifier(&entry.alias));
        }
    }

    fn parenthesised_if_many<T>(&mut self, items: &[T], write: impl FnMut(&mut Self, &T)) {
        let many = items.len() != 1;
        if many {
            self.push("(");
        }
        self.list(items, ", ", write);
        if many {
            self.push(")");
        }
    }

    /// `reservoir(20 ROWS) REPEATABLE (42)`
    pub(super) fn sample(&mut self, sample: &Sample) {
        self.push(&sample.method.to_ascii_lowercase());
        self.push("(");
        self.push(&sample.size.value.to_string());
        self.push(if sample.is_percentage { "%)" } else { " ROWS)" });
        if let Some(seed) = sample.seed {
            self.push(" REPEATABLE (");
            self.push(&seed.to_string());
            self.push(")");
        }
    }
}

/// The form inside FROM takes only columns and functions; the statement takes any expression, but
/// only one per list of values.
pub(super) fn needs_statement(pivot: &Pivot) -> bool {
    let simple = |expr: &Expr| match &expr.kind {
        ExprKind::ColumnRef(_) => true,
        ExprKind::Function(function) => !function.is_operator && function.name != "row",
        _ => false,
    };
    pivot.unpivot_names.is_empty()
        && pivot
            .pivots
            .iter()
            .all(|column| column.expressions.len() == 1)
        && !pivot
            .pivots
            .iter()
            .all(|column| column.expressions.iter().all(simple))
}
