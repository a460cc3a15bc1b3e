//! Keeps joins from reaching below `DISTINCT ON`.
//!
//! While it runs a join, DuckDB 1.5.5 tells the scans of one side which keys the other side has. It also tells
//! those below a `DISTINCT ON`, which then picks among the rows that are left rather than among all: another
//! row, in whichever runs the other side is read first. That happens with two threads and more. A window
//! function between the two, even one that does nothing, stops it.
//!
//! ```text
//! FROM (SELECT DISTINCT ON (k) k, x FROM t ORDER BY k, y DESC) AS d JOIN u ON d.x = u.x
//! FROM (SELECT * FROM (SELECT DISTINCT ON …) AS __d QUALIFY row_number() OVER () > 0) AS d JOIN u ON …
//! ```

use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, Modifier, Query, TableRefKind};
use crate::build::{query, select, sql, table};

/// Guards every `DISTINCT ON` inside of a query. Its own needs none: nothing is above it.
pub(super) fn guard(outer: &mut Query) {
    let mut is_outer = true;
    walk_mut(NodeMut::Query(outer), &mut |node| match node {
        NodeMut::Query(_) if std::mem::take(&mut is_outer) => Descend::Into,
        NodeMut::Query(inner) => {
            guard(inner);
            if picks(inner) {
                wrap(inner);
            }
            Descend::Over
        }
        NodeMut::Table(_) | NodeMut::Expr(_) => Descend::Into,
    });
}

fn picks(inner: &Query) -> bool {
    let is_on = |modifier: &Modifier| matches!(modifier, Modifier::Distinct(targets) if !targets.is_empty());
    inner.modifiers.iter().any(is_on)
}

fn wrap(inner: &mut Query) {
    let picked = std::mem::replace(
        inner,
        query(select(Vec::new(), crate::build::no_table()), Vec::new()),
    );
    let from = table(TableRefKind::Subquery(Box::new(picked)), "__d");
    let mut rows = select(vec![Expr::star()], from);
    rows.qualify = Some(sql("row_number() OVER () > 0"));
    *inner = query(rows, Vec::new());
}
