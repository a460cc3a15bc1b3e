//! What the result columns of a query are to a PostgreSQL client: columns of relations, and of
//! which of PostgreSQL's types.
//!
//! DuckDB has one type where PostgreSQL has several: `oid` is BIGINT, `name` and `"char"` are
//! VARCHAR. Whoever reads the catalogue needs the difference, so it is followed through the tree
//! as parsed, from the columns of catalogue relations and from casts to the result. The same walk
//! tells which result columns are plain columns of relations.
//!
//! ```text
//! Query as parsed, snapshot ─► outputs() ─► per result column: PostgreSQL's type, origin
//!                                          per parameter: the type it is compared with or cast to
//! ```
//!
//! Invariants: what is said is true, but much is left unsaid: `None` means that DuckDB's type
//! decides, or that it is no plain column. Values are not looked at. The caller checks that
//! a type goes with DuckDB's.

mod expressions;
mod frames;

use std::collections::{BTreeMap, BTreeSet};

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::CatalogSnapshot;
use skein_catalog::system::{self, SystemRelation};

use crate::ast::{Expr, ExprKind, Modifier, Query, QueryBody, Select, Star};
use crate::resolve::Scope;
use expressions::is_untyped;
use frames::Frame;

/// A relation that a result column comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One of files.
    Relation(RelationName),
    /// One of the system catalogue, by its OID.
    System(u32),
}

/// The column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whose it is.
    pub source: Source,
    /// Its number, from 1; below 0 for system columns such as `tableoid`.
    pub number: i16,
}

/// The modifier of a type, such as the digits of `numeric(12,2)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typmod {
    /// None: the value is computed.
    #[default]
    None,
    /// That of the type that DuckDB gives it: a plain column, or a cast that names one.
    Held,
    /// This one, as `pg_attribute.atttypmod` has it.
    Is(i32),
}

/// A result column, or a column of something in FROM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its name, as far as other parts of the query refer to it.
    pub name: String,
    /// `pg_type.typname` of its type, where more is known than DuckDB says.
    pub ty: Option<&'static str>,
    /// The same where clients are told what DuckDB says: only what else follows from it is decided by it.
    pub inferred: Option<&'static str>,
    /// The modifier of its type.
    pub typmod: Typmod,
    /// Where it comes from, if it is a plain column.
    pub origin: Option<Origin>,
    /// A text constant or NULL: takes the type of what it meets, else it is text.
    pub untyped: bool,
}

impl Output {
    /// PostgreSQL's type.
    fn known(&self) -> Option<&'static str> {
        self.ty.or(self.inferred)
    }
}

/// Columns of a row with PostgreSQL's types of them.
pub type RowColumns = Vec<(String, Option<&'static str>)>;

/// What is known of a query.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// Its result columns; `None` when their number is not known.
    pub columns: Option<Vec<Output>>,
    /// `pg_type.typname` of parameters, by number, where the query tells.
    pub parameters: BTreeMap<usize, &'static str>,
    /// Where elements of an `int2vector`, `oidvector` or `name` are counted, which begin at 0: the places of
    /// what is subscripted and of calls.
    pub vectors: BTreeSet<usize>,
    /// Where OIDs that are shown by name are cast to text, and their types.
    pub shown: BTreeMap<usize, &'static str>,
    /// Where whole rows are made JSON that have such columns, or OIDs as such: their columns with their types.
    pub rows: BTreeMap<usize, RowColumns>,
    /// Where texts are cast to such OIDs, and texts to arrays of them.
    pub named: BTreeSet<usize>,
    /// Where texts stand beside arrays, in `VALUES` and elsewhere, and the names of those types.
    pub arrays: BTreeMap<usize, &'static str>,
}

/// Looks at a query as parsed. `text` is what was parsed; `declared` are the OIDs of the types that the client
/// has chosen for parameters, 0 for those that it leaves open.
pub fn outputs(
    query: &Query,
    text: &str,
    declared: &[u32],
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
) -> Outputs {
    let mut walker = Walker {
        text,
        declared,
        snapshot,
        scope,
        ctes: Vec::new(),
        parameters: BTreeMap::new(),
        texts: BTreeSet::new(),
        vectors: BTreeSet::new(),
        shown: BTreeMap::new(),
        rows: BTreeMap::new(),
        named: BTreeSet::new(),
        arrays: BTreeMap::new(),
    };
    let columns = settle(walker.query(query, &[]));
    for number in walker.texts {
        walker.parameters.entry(number).or_insert("text");
    }
    Outputs {
        columns,
        parameters: walker.parameters,
        vectors: walker.vectors,
        shown: walker.shown,
        rows: walker.rows,
        named: walker.named,
        arrays: walker.arrays,
    }
}

/// The built-in type of this name, for as long as the program runs.
pub(crate) fn interned(name: &str) -> Option<&'static str> {
    system::type_oid(name).and_then(system::type_name)
}

struct Walker<'a> {
    text: &'a str,
    declared: &'a [u32],
    snapshot: &'a CatalogSnapshot,
    scope: Scope<'a>,
    /// Common table expressions in scope, the innermost last.
    ctes: Vec<(String, Option<Vec<Output>>)>,
    parameters: BTreeMap<usize, &'static str>,
    /// Parameters that are texts if nothing else tells their types.
    texts: BTreeSet<usize>,
    vectors: BTreeSet<usize>,
    shown: BTreeMap<usize, &'static str>,
    rows: BTreeMap<usize, RowColumns>,
    named: BTreeSet<usize>,
    arrays: BTreeMap<usize, &'static str>,
}

impl Walker<'_> {
    /// The columns of `query`; `outer` are the names that it may use from around it.
    fn query(&mut self, query: &Query, outer: &[Frame]) -> Option<Vec<Output>> {
        let known = self.ctes.len();
        for cte in &query.ctes {
            let mut columns = settle(self.query(&cte.query, outer));
            rename(&mut columns, &cte.aliases);
            // The origin of a column is lost in what may be computed once for several uses.
            self.ctes.push((cte.name.to_lowercase(), columns));
        }
        let columns = self.body(query, outer);
        self.ctes.truncate(known);
        columns
    }

    fn body(&mut self, query: &Query, outer: &[Frame]) -> Option<Vec<Output>> {
        match &query.body {
            QueryBody::Select(select) => {
                let mut frames = self.from(&select.from, outer);
                frames.extend_from_slice(outer);
                let own = frames.len() - outer.len();
                let columns = self.select_list(select, &frames, own);
                for expr in conditions(select) {
                    self.expr(expr, &frames);
                }
                for modifier in &query.modifiers {
                    if let Modifier::Limit { limit, offset } = modifier {
                        for count in [limit, offset].into_iter().flatten() {
                            self.parameter(count, "int8");
                        }
                    }
                }
                columns
            }
            QueryBody::SetOperation { operands, .. } => {
                let all: Vec<_> = operands.iter().map(|it| self.query(it, outer)).collect();
                self.columns_alike(operands, &all);
                common(all)
            }
            QueryBody::RecursiveCte {
                name,
                left,
                right,
                aliases,
                ..
            } => {
                let mut columns = self.query(left, outer);
                rename(&mut columns, aliases);
                forget_origins(&mut columns);
                self.ctes.push((name.to_lowercase(), columns.clone()));
                self.query(right, outer);
                self.ctes.pop();
                columns
            }
        }
    }

    /// Gives parameters that are columns of operands of a set operation the type of the others.
    fn columns_alike(&mut self, operands: &[Query], columns: &[Option<Vec<Output>>]) {
        let lists: Vec<&[Expr]> = operands
            .iter()
            .map(|operand| match &operand.body {
                QueryBody::Select(select) => select.select_list.as_slice(),
                _ => &[],
            })
            .collect();
        let width = lists.iter().map(|list| list.len()).max().unwrap_or(0);
        for at in 0..width {
            let mut known = columns.iter().zip(&lists).filter_map(|(columns, list)| {
                let is_open = list.get(at).is_some_and(is_untyped);
                let column = columns.as_ref()?.get(at)?;
                (!is_open).then(|| column.known())
            });
            let Some(ty) = known.next().flatten() else {
                continue;
            };
            for list in &lists {
                if let Some(item) = list.get(at) {
                    self.beside(item, ty);
                }
            }
        }
    }

    fn select_list(
        &mut self,
        select: &Select,
        frames: &[Frame],
        own: usize,
    ) -> Option<Vec<Output>> {
        let mut columns = Some(Vec::new());
        for item in &select.select_list {
            if let ExprKind::Star(star) = &item.kind {
                match (&mut columns, expanded(star, &frames[..own])) {
                    (Some(columns), Some(more)) => columns.extend(more),
                    _ => columns = None,
                }
                continue;
            }
            let mut output = self.expr(item, frames);
            output.untyped = is_untyped(item) && !matches!(item.kind, ExprKind::Parameter(_));
            if !item.alias.is_empty() {
                output.name.clone_from(&item.alias);
            }
            if is_wide(item) {
                columns = None;
            }
            if let Some(columns) = &mut columns {
                columns.push(output);
            }
        }
        columns
    }
}

/// Several columns may come of `COLUMNS('x')` inside of an expression.
fn is_wide(item: &Expr) -> bool {
    use crate::ast::visit::{self, Node};
    visit::any(
        Node::Expr(item),
        &mut |node| matches!(node, Node::Expr(expr) if matches!(&expr.kind, ExprKind::Star(star) if star.columns)),
    )
}

/// The columns that a star stands for.
fn expanded(star: &Star, frames: &[Frame]) -> Option<Vec<Output>> {
    let is_plain = star.exclude.is_empty()
        && star.replace.is_empty()
        && star.rename.is_empty()
        && !star.columns
        && star.expr.is_none();
    if !is_plain {
        return None;
    }
    if star.relation.is_empty() {
        let mut columns = Vec::new();
        for frame in frames {
            columns.extend(
                frame
                    .columns
                    .clone()?
                    .into_iter()
                    .enumerate()
                    .filter_map(|(at, column)| (!frame.merged.contains(&at)).then_some(column)),
            );
        }
        return Some(columns);
    }
    let frame = frames.iter().find(|it| it.is_called(&star.relation))?;
    frame.columns.clone()
}

fn conditions(select: &Select) -> impl Iterator<Item = &Expr> {
    [&select.where_clause, &select.having, &select.qualify]
        .into_iter()
        .flatten()
        .chain(&select.group_by)
}

/// What all operands of a set operation have in common.
fn common(all: Vec<Option<Vec<Output>>>) -> Option<Vec<Output>> {
    let mut all = all.into_iter();
    let mut columns = all.next()??;
    for operand in all {
        let operand = operand?;
        if operand.len() != columns.len() {
            return None;
        }
        for (column, other) in columns.iter_mut().zip(operand) {
            match (column.untyped, other.untyped) {
                (true, false) => (column.ty, column.untyped) = (other.ty, false),
                (false, false) => column.ty = agreed(column.ty, other.ty),
                _ => {}
            }
            if column.typmod != other.typmod {
                column.typmod = Typmod::None;
            }
        }
    }
    let mut columns = Some(columns);
    forget_origins(&mut columns);
    columns
}

fn forget_origins(columns: &mut Option<Vec<Output>>) {
    for column in columns.iter_mut().flatten() {
        column.origin = None;
    }
}

/// The type that PostgreSQL gives two operands together (`select_common_type`): of types that go into
/// each other both ways, the first.
fn agreed(one: Option<&'static str>, other: Option<&'static str>) -> Option<&'static str> {
    let (one, other) = (one?, other?);
    let is_text = |ty| matches!(ty, "name" | "text" | "varchar" | "bpchar");
    let is_integer = |ty| matches!(ty, "int2" | "int4" | "int8");
    if one == other || is_text(one) && is_text(other) || one == "oid" && is_integer(other) {
        return Some(one);
    }
    (other == "oid" && is_integer(one)).then_some(other)
}

/// The number of a column that is the `index`th.
fn column_number(index: usize) -> i16 {
    i16::try_from(index + 1).unwrap_or(i16::MAX)
}

/// What leaves a query without a type is text.
fn settle(mut columns: Option<Vec<Output>>) -> Option<Vec<Output>> {
    for column in columns.iter_mut().flatten() {
        if column.untyped {
            column.ty = interned("text");
            column.untyped = false;
        }
    }
    columns
}

/// Gives columns the names that stand after an alias.
fn rename(columns: &mut Option<Vec<Output>>, names: &[String]) {
    for (column, name) in columns.iter_mut().flatten().zip(names) {
        column.name.clone_from(name);
    }
}

/// The columns of a relation of the catalogue. Domains are seen as what they are made of.
fn system_columns(relation: &SystemRelation) -> Vec<Output> {
    let columns = relation.columns.iter().enumerate();
    columns
        .map(|(index, column)| Output {
            inferred: None,
            name: column.name.to_owned(),
            ty: interned(match column.ty {
                "sql_identifier" => "name",
                "character_data" | "yes_or_no" => "varchar",
                "cardinal_number" => "int4",
                "time_stamp" => "timestamptz",
                other => other,
            }),
            typmod: match column.ty {
                // varchar(3), timestamptz(2)
                "yes_or_no" => Typmod::Is(7),
                "time_stamp" => Typmod::Is(2),
                "numeric" => Typmod::None,
                _ => Typmod::Held,
            },
            origin: Some(Origin {
                source: Source::System(relation.oid),
                number: column_number(index),
            }),
            untyped: false,
        })
        .collect()
}

#[cfg(test)]
mod tests;
