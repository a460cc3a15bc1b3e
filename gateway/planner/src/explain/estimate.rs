//! How many rows a query gives and what it costs, for programs that read that from EXPLAIN.
//!
//! `postgres_fdw` plans with these numbers, and so do tools that draw plans or refuse dear queries. They
//! come from what is known without reading: the rows that footers of files tell, the bytes of files, and
//! what PostgreSQL supposes where it knows nothing. Skein itself plans with none of them.

use crate::ast::visit::{Descend, Node, is_aggregate, walk};
use crate::ast::{ExprKind, Modifier, Query, QueryBody, Select};
use crate::plan::DistributedPlan;
use crate::postgres::constant_integer;

/// Groups of which nothing is known; PostgreSQL's `DEFAULT_NUM_DISTINCT`.
const GROUPS: u64 = 200;
/// One of so many rows meets a condition of which nothing is known; `DEFAULT_INEQ_SEL`.
const ROWS_PER_MATCH: u64 = 3;
/// What PostgreSQL counts as the cost 1 when it reads from one end to the other, `seq_page_cost`.
const PAGE_BYTES: u64 = 8192;
/// `cpu_tuple_cost`
const ROWS_PER_PAGE_COST: u64 = 100;

/// What EXPLAIN says of the whole of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Rows of the result, at least 1.
    pub rows: u64,
    /// Hundredths of PostgreSQL's unit of costs.
    pub cost_hundredths: u64,
}

/// Of a query and its plan; one that reads no files has none.
pub fn estimate(query: &Query, plan: Option<&DistributedPlan>) -> Estimate {
    let stages = plan.iter().flat_map(|plan| &plan.stages);
    let (mut rows, mut bytes) = (0, 0_u64);
    let mut read = 0_u64;
    for scan in stages.flat_map(|stage| &stage.scans) {
        let scanned = scan.rows_estimate();
        // A join seldom gives more rows than its largest side has.
        rows = scanned.max(rows);
        read = read.saturating_add(scanned);
        bytes = bytes.saturating_add(scan.bytes());
    }
    let pages = (bytes / PAGE_BYTES).saturating_mul(ROWS_PER_PAGE_COST);
    Estimate {
        rows: of_query(query, rows.max(1)),
        cost_hundredths: pages.saturating_add(read).max(1),
    }
}

/// Rows of a query that reads as many as `rows`.
fn of_query(query: &Query, rows: u64) -> u64 {
    let rows = match &query.body {
        QueryBody::Select(select) => of_block(select, rows),
        QueryBody::SetOperation { .. } | QueryBody::RecursiveCte { .. } => rows,
    };
    let limits = query
        .modifiers
        .iter()
        .filter_map(|modifier| match modifier {
            Modifier::Limit { limit, .. } => limit.as_ref().and_then(constant_integer),
            Modifier::Distinct(_) | Modifier::OrderBy(_) | Modifier::LimitPercent { .. } => None,
        });
    let least = limits.filter_map(|limit| u64::try_from(limit).ok()).min();
    rows.min(least.unwrap_or(u64::MAX)).max(1)
}

fn of_block(select: &Select, rows: u64) -> u64 {
    if select.grouping_sets.is_empty() && !select.group_by_all && is_aggregated(select) {
        return 1;
    }
    let rows = match select.where_clause {
        Some(_) => rows / ROWS_PER_MATCH,
        None => rows,
    };
    if select.grouping_sets.is_empty() && !select.group_by_all {
        rows
    } else {
        rows.min(GROUPS)
    }
}

/// Whether the block has an aggregate among what it returns, not in a subquery.
fn is_aggregated(select: &Select) -> bool {
    let mut found = select.having.is_some();
    for item in &select.select_list {
        walk(Node::Expr(item), &mut |node| match node {
            Node::Expr(expr) => {
                if let ExprKind::Function(call) = &expr.kind {
                    found |= is_aggregate(&call.name);
                }
                match expr.kind {
                    ExprKind::Window(_) => Descend::Over,
                    _ => Descend::Into,
                }
            }
            Node::Query(_) | Node::Table(_) => Descend::Over,
        });
    }
    found
}
