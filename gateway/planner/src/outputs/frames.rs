//! What stands in FROM: names, and the columns behind them.

use skein_catalog::system;
use skein_catalog::types::Type;

use super::{
    Origin, Output, Source, Typmod, Walker, column_number, interned, is_untyped, rename, settle,
    system_columns,
};
use crate::ast::{ExprKind, Join, JoinSyntax, TableRef, TableRefKind};
use crate::postgres::record_columns;

/// Functions in FROM that give rows of the columns that the catalogue lists.
const OF_ROWS: &[&str] = &[
    "aclexplode",
    "pg_available_extension_versions",
    "pg_available_extensions",
    "pg_get_keywords",
    "pg_identify_object",
    "pg_show_all_settings",
];

/// Something in FROM.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// What it is called, in lower case.
    pub(super) alias: String,
    /// Its columns, where they are known.
    pub(super) columns: Option<Vec<Output>>,
    /// Columns that `*` does not repeat, because USING has merged them into those of the left side.
    pub(super) merged: Vec<usize>,
}

impl Frame {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.alias.eq_ignore_ascii_case(name)
    }

    pub(super) fn column(&self, name: &str) -> Option<&Output> {
        self.columns
            .iter()
            .flatten()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

impl Walker<'_> {
    /// The frames of a FROM clause, from left to right.
    pub(super) fn from(&mut self, table: &TableRef, outer: &[Frame]) -> Vec<Frame> {
        if let TableRefKind::Join(join) = &table.kind
            && table.alias.is_empty()
        {
            return self.join(join, outer);
        }
        let (columns, name) = match &table.kind {
            TableRefKind::Empty => return Vec::new(),
            TableRefKind::Table { schema, name, .. } => (self.named(schema, name), name.clone()),
            TableRefKind::Subquery(query) => {
                let mut visible = Vec::new();
                visible.extend_from_slice(outer);
                (settle(self.query(query, &visible)), String::new())
            }
            TableRefKind::Values { rows } => {
                let width = rows.first().map_or(0, Vec::len);
                let column = |at: usize| {
                    let values: Vec<_> = rows.iter().filter_map(|row| row.get(at)).collect();
                    Output {
                        // What nothing gives a type is text.
                        inferred: if values.iter().all(|it| is_untyped(it)) {
                            interned("text")
                        } else {
                            self.alike(&values, outer).inferred
                        },
                        ..Output::default()
                    }
                };
                let columns = (0..width).map(column).collect();
                (Some(columns), String::new())
            }
            TableRefKind::Function {
                call,
                with_ordinality,
            } => self.function(call, table, *with_ordinality, outer),
            TableRefKind::Join(_)
            | TableRefKind::Pivot(_)
            | TableRefKind::Show { .. }
            | TableRefKind::Scan { .. }
            | TableRefKind::Input { .. } => (None, String::new()),
        };
        let mut columns = columns;
        rename(&mut columns, &table.column_aliases);
        let alias = if table.alias.is_empty() {
            name
        } else {
            table.alias.clone()
        };
        vec![Frame {
            alias: alias.to_lowercase(),
            columns,
            merged: Vec::new(),
        }]
    }

    fn join(&mut self, join: &Join, outer: &[Frame]) -> Vec<Frame> {
        let mut frames = self.from(&join.left, outer);
        // What is on the right may refer to what is on the left.
        let mut visible = frames.clone();
        visible.extend_from_slice(outer);
        let mut right = self.from(&join.right, &visible);
        if join.syntax == JoinSyntax::Natural {
            // Which columns are merged, only binding knows; what is not known is not expanded.
            frames.push(Frame::default());
        }
        for name in &join.using {
            for frame in &mut right {
                let at = frame
                    .columns
                    .iter()
                    .flatten()
                    .position(|column| column.name.eq_ignore_ascii_case(name));
                frame.merged.extend(at);
            }
        }
        // USING puts merged columns first.
        if let Some(frame) = frames.first_mut()
            && !join.using.is_empty()
            && !starts_with(frame, &join.using)
        {
            frames.insert(0, Frame::default());
        }
        frames.append(&mut right);
        if let Some(condition) = &join.condition {
            let mut visible = frames.clone();
            visible.extend_from_slice(outer);
            self.expr(condition, &visible);
        }
        frames
    }

    /// The columns behind a name.
    fn named(&self, schema: &str, name: &str) -> Option<Vec<Output>> {
        let lower = name.to_lowercase();
        if schema.is_empty()
            && let Some((_, columns)) = self.ctes.iter().rev().find(|(cte, _)| *cte == lower)
        {
            return columns.clone();
        }
        let system = match schema.to_lowercase().as_str() {
            "" => system::relation("pg_catalog", &lower),
            schema => system::relation(schema, &lower),
        };
        if let Some(relation) = system {
            return Some(system_columns(relation));
        }
        let schemas = crate::resolve::schemas(schema, self.scope);
        let found = schemas
            .iter()
            .find_map(|schema| crate::resolve::find(self.snapshot, schema, name));
        let (name, relation) = found?;
        let columns = relation.columns.iter().enumerate();
        Some(
            columns
                .map(|(index, column)| Output {
                    inferred: None,
                    name: column.name.clone(),
                    ty: Type::parse(&column.ty)
                        .ok()
                        .and_then(|ty| system::type_name(ty.pg().oid)),
                    typmod: Typmod::Held,
                    origin: Some(Origin {
                        source: Source::Relation(name.clone()),
                        number: column_number(index),
                    }),
                    untyped: false,
                })
                .collect(),
        )
    }

    /// The columns of a function in FROM, and its name.
    fn function(
        &mut self,
        call: &crate::ast::Expr,
        table: &TableRef,
        with_ordinality: bool,
        outer: &[Frame],
    ) -> (Option<Vec<Output>>, String) {
        let result = self.expr(call, outer);
        let ExprKind::Function(function) = &call.kind else {
            return (None, String::new());
        };
        let name = function.name.to_lowercase();
        if let Some(columns) = record_columns(table, self.text) {
            let columns = columns.into_iter().map(|(name, ty, modifiers)| Output {
                name,
                ty: interned(&ty),
                typmod: match (ty.as_str(), modifiers.as_slice()) {
                    (_, []) => Typmod::None,
                    ("varchar" | "bpchar", [length]) => {
                        i32::try_from(length + 4).map_or(Typmod::None, Typmod::Is)
                    }
                    _ => Typmod::Held,
                },
                ..Output::default()
            });
            return (Some(columns.collect()), name);
        }
        if OF_ROWS.contains(&name.as_str()) && !with_ordinality {
            let columns = system::function_columns(&name).into_iter();
            let columns = columns.map(|(name, ty)| Output {
                name: name.to_owned(),
                ty: interned(ty),
                ..Output::default()
            });
            return (Some(columns.collect()), name);
        }
        // One column under the name of the alias or of the function.
        let is_single = matches!(
            name.as_str(),
            "unnest"
                | "generate_series"
                | "generate_subscripts"
                | "pg_partition_ancestors"
                | "current_database"
                | "current_schema"
        );
        if !is_single || function.args.len() > 1 && name == "unnest" {
            return (None, name);
        }
        let column = if table.alias.is_empty() {
            name.clone()
        } else {
            table.alias.clone()
        };
        let mut columns = vec![Output {
            name: column,
            ty: if name == "pg_partition_ancestors" {
                interned("regclass")
            } else {
                result.ty
            },
            ..Output::default()
        }];
        if with_ordinality {
            columns.push(Output {
                name: "ordinality".to_owned(),
                ty: interned("int8"),
                ..Output::default()
            });
        }
        (Some(columns), name)
    }
}

fn starts_with(frame: &Frame, using: &[String]) -> bool {
    let names = frame.columns.iter().flatten().map(|column| &column.name);
    frame.columns.is_some()
        && names
            .zip(using)
            .filter(|(name, using)| name.eq_ignore_ascii_case(using))
            .count()
            == using.len()
}
