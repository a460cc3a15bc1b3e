//! Queries: WITH, SELECT, set operations, modifiers.

use super::Printer;
use super::names::identifier;
use crate::ast::{
    Cte, Expr, ExprKind, Materialized, Modifier, NullOrder, OrderBy, Query, QueryBody, Select,
    SetOperationKind, SortDirection, TableRefKind,
};

/// What a SELECT is written as.
enum Form {
    Values,
    Show,
    Pivot,
    Block,
}

impl Printer {
    pub(super) fn query(&mut self, query: &Query) {
        self.with(&query.ctes);
        let distinct = query.modifiers.iter().find_map(|modifier| match modifier {
            Modifier::Distinct(targets) => Some(targets.as_slice()),
            _ => None,
        });
        match &query.body {
            QueryBody::Select(select) => self.select(select, distinct),
            QueryBody::SetOperation {
                kind,
                all,
                operands,
            } => {
                debug_assert!(
                    distinct.is_none(),
                    "a set operation says itself what is distinct"
                );
                let operator = set_operator(*kind, *all);
                self.list(operands, operator, Self::operand);
            }
            QueryBody::RecursiveCte {
                union_all,
                left,
                right,
                ..
            } => {
                self.operand(left);
                self.push(set_operator(SetOperationKind::Union, *union_all));
                self.operand(right);
            }
        }
        for modifier in &query.modifiers {
            self.modifier(modifier);
        }
    }

    fn with(&mut self, ctes: &[Cte]) {
        let recursive = |cte: &Cte| matches!(cte.query.body, QueryBody::RecursiveCte { .. });
        let any_recursive = ctes.iter().any(recursive);
        if ctes.is_empty() {
            return;
        }
        self.push(if any_recursive {
            "WITH RECURSIVE "
        } else {
            "WITH "
        });
        self.list(ctes, ", ", |printer, cte| printer.cte(cte, any_recursive));
        self.push(" ");
    }

    fn cte(&mut self, cte: &Cte, in_recursive: bool) {
        self.push(&identifier(&cte.name));
        if !cte.aliases.is_empty() {
            self.names(&cte.aliases);
        }
        if !cte.key_targets.is_empty() {
            self.push(" USING KEY (");
            self.exprs(&cte.key_targets);
            self.push(")");
        }
        self.push(match cte.materialized {
            Materialized::Default => " AS (",
            Materialized::Always => " AS MATERIALIZED (",
            Materialized::Never => " AS NOT MATERIALIZED (",
        });
        // After WITH RECURSIVE every union that stands alone is a recursion to DuckDB.
        let union = matches!(
            cte.query.body,
            QueryBody::SetOperation {
                kind: SetOperationKind::Union,
                ..
            }
        );
        if in_recursive && union {
            self.push("SELECT * FROM (");
            self.query(&cte.query);
            self.push(")");
        } else {
            self.query(&cte.query);
        }
        self.push(")");
    }

    /// An operand of a set operation.
    pub(super) fn operand(&mut self, query: &Query) {
        let plain = query.ctes.is_empty()
            && query
                .modifiers
                .iter()
                .all(|modifier| matches!(modifier, Modifier::Distinct(_)))
            && match &query.body {
                QueryBody::Select(select) => matches!(form(select), Form::Block | Form::Values),
                _ => false,
            };
        if plain {
            self.query(query);
        } else {
            self.subquery(query);
        }
    }

    /// `(query)`
    pub(super) fn subquery(&mut self, query: &Query) {
        self.push("(");
        self.query(query);
        self.push(")");
    }

    fn select(&mut self, select: &Select, distinct: Option<&[Expr]>) {
        match form(select) {
            Form::Block => {}
            Form::Values => {
                if let TableRefKind::Values { rows } = &select.from.kind {
                    return self.values(rows);
                }
            }
            Form::Show => {
                if let TableRefKind::Show { .. } = &select.from.kind {
                    return self.show(&select.from.kind);
                }
            }
            Form::Pivot => {
                if let TableRefKind::Pivot(pivot) = &select.from.kind {
                    return self.pivot_statement(pivot);
                }
            }
        }
        self.push("SELECT ");
        match distinct {
            None => {}
            Some([]) => self.push("DISTINCT "),
            Some(targets) => {
                self.push("DISTINCT ON (");
                self.exprs(targets);
                self.push(") ");
            }
        }
        self.list(&select.select_list, ", ", Self::aliased);
        if select.from.kind != TableRefKind::Empty {
            self.push(" FROM ");
            self.table_ref(&select.from);
        }
        self.clause(" WHERE ", select.where_clause.as_ref());
        self.group_by(select);
        self.clause(" HAVING ", select.having.as_ref());
        self.clause(" QUALIFY ", select.qualify.as_ref());
        if let Some(sample) = &select.sample {
            self.push(" USING SAMPLE ");
            self.sample(sample);
        }
    }

    fn clause(&mut self, keyword: &str, condition: Option<&Expr>) {
        if let Some(condition) = condition {
            self.push(keyword);
            self.expr(condition);
        }
    }

    fn group_by(&mut self, select: &Select) {
        if select.group_by_all {
            return self.push(" GROUP BY ALL");
        }
        let set = |printer: &mut Self, set: &[usize]| {
            printer.list(set, ", ", |printer, index| {
                printer.expr(&select.group_by[*index]);
            });
        };
        match select.grouping_sets.as_slice() {
            [] => {}
            [one] if !one.is_empty() => {
                self.push(" GROUP BY ");
                set(self, one);
            }
            [_] => self.push(" GROUP BY ()"),
            sets => {
                self.push(" GROUP BY GROUPING SETS (");
                self.list(sets, ", ", |printer, one| {
                    printer.push("(");
                    set(printer, one);
                    printer.push(")");
                });
                self.push(")");
            }
        }
    }

    fn modifier(&mut self, modifier: &Modifier) {
        match modifier {
            Modifier::Distinct(_) => {}
            Modifier::OrderBy(orders) => {
                self.push(" ORDER BY ");
                self.orders(orders);
            }
            Modifier::Limit { limit, offset } => {
                if let Some(limit) = limit {
                    self.push(" LIMIT ");
                    self.count(limit);
                }
                self.offset(offset.as_ref());
            }
            Modifier::LimitPercent { limit, offset } => {
                if let Some(limit) = limit {
                    self.push(" LIMIT ");
                    self.count(limit);
                    self.push("%");
                }
                self.offset(offset.as_ref());
            }
        }
    }

    fn offset(&mut self, offset: Option<&Expr>) {
        if let Some(offset) = offset {
            self.push(" OFFSET ");
            self.count(offset);
        }
    }

    /// A number of rows: in parentheses unless it is a literal or parameter.
    fn count(&mut self, expr: &Expr) {
        if matches!(expr.kind, ExprKind::Constant(_) | ExprKind::Parameter(_)) {
            self.expr(expr);
        } else {
            self.push("(");
            self.expr(expr);
            self.push(")");
        }
    }

    /// Sort keys.
    pub(super) fn orders(&mut self, orders: &[OrderBy]) {
        self.list(orders, ", ", |printer, order| {
            printer.expr(&order.expr);
            printer.push(match order.direction {
                SortDirection::Default => "",
                SortDirection::Ascending => " ASC",
                SortDirection::Descending => " DESC",
            });
            printer.push(match order.nulls {
                NullOrder::Default => "",
                NullOrder::First => " NULLS FIRST",
                NullOrder::Last => " NULLS LAST",
            });
        });
    }
}

fn set_operator(kind: SetOperationKind, all: bool) -> &'static str {
    match (kind, all) {
        (SetOperationKind::Union, false) => " UNION ",
        (SetOperationKind::Union, true) => " UNION ALL ",
        (SetOperationKind::UnionByName, false) => " UNION BY NAME ",
        (SetOperationKind::UnionByName, true) => " UNION ALL BY NAME ",
        (SetOperationKind::Intersect, false) => " INTERSECT ",
        (SetOperationKind::Intersect, true) => " INTERSECT ALL ",
        (SetOperationKind::Except, false) => " EXCEPT ",
        (SetOperationKind::Except, true) => " EXCEPT ALL ",
    }
}

/// `VALUES`, `DESCRIBE` and the `PIVOT` statement reach the parser's tree as `SELECT * FROM …`.
fn form(select: &Select) -> Form {
    let all = matches!(select.select_list.as_slice(), [only] if is_bare_star(only));
    let bare = all
        && select.where_clause.is_none()
        && select.group_by.is_empty()
        && select.grouping_sets.is_empty()
        && !select.group_by_all
        && select.having.is_none()
        && select.qualify.is_none()
        && select.sample.is_none()
        && select.from.sample.is_none()
        && select.from.column_aliases.is_empty();
    if !bare {
        return Form::Block;
    }
    match &select.from.kind {
        TableRefKind::Values { .. } if select.from.alias == "valueslist" => Form::Values,
        TableRefKind::Show { .. } if select.from.alias.is_empty() => Form::Show,
        TableRefKind::Pivot(pivot)
            if select.from.alias.is_empty() && super::table::needs_statement(pivot) =>
        {
            Form::Pivot
        }
        _ => Form::Block,
    }
}

/// `*` and nothing else.
fn is_bare_star(expr: &Expr) -> bool {
    expr.alias.is_empty()
        && match &expr.kind {
            ExprKind::Star(star) => {
                star.relation.is_empty()
                    && star.exclude.is_empty()
                    && star.replace.is_empty()
                    && star.rename.is_empty()
                    && !star.columns
                    && star.expr.is_none()
            }
            _ => false,
        }
}
