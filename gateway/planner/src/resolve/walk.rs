//! The walk over a query that finds and replaces names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_catalog::snapshot::CatalogSnapshot;
use skein_catalog::system;
use skein_executor_api::functions as macros;

use super::functions::{self, Access};
use super::{
    Mentions, ResolvedQuery, Scope, find, is_path, nearest, path_alias, quoted, schemas,
    system_schema,
};
use crate::ast::visit::{self, Descend, NodeMut};
use crate::ast::{DataType, Expr, ExprKind, Query, QueryBody, TableRef, TableRefKind};
use crate::error::PlanError;

/// Schema by which a recursive expression that keeps keys names all its rows so far.
const RECURRING: &str = "recurring";

pub(super) fn mentions(query: &Query, scope: Scope<'_>) -> Mentions {
    let mut names = BTreeSet::new();
    let mut paths = BTreeSet::new();
    // The walk changes what it visits, so it gets a copy, and its changes are dropped.
    let mut copy = query.clone();
    let mut walk = CteWalk::new(|table: &mut TableRef, ctes: &Ctes| {
        let TableRefKind::Table { schema, name, .. } = &table.kind else {
            return;
        };
        if ctes.holds(schema, name) {
            return;
        }
        for schema in schemas(schema, scope) {
            if system_schema(schema).is_none() {
                names.insert(RelationName {
                    schema: schema.to_owned(),
                    name: name.clone(),
                });
            }
        }
        if schema.is_empty() && is_path(name) {
            paths.insert(name.clone());
        }
    });
    walk.query(&mut copy, &mut |_| {});
    Mentions {
        names: names.into_iter().collect(),
        paths: paths.into_iter().collect(),
    }
}

pub(super) fn resolve(
    mut query: Query,
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
) -> Result<ResolvedQuery, PlanError> {
    let tables = std::cell::RefCell::new(Tables {
        snapshot,
        scope,
        relations: BTreeMap::new(),
        qualified: BTreeSet::new(),
        touches_catalogue: false,
        catalogue_functions: BTreeSet::new(),
        error: None,
    });
    let mut walk = CteWalk::new(|table: &mut TableRef, ctes: &Ctes| {
        let mut tables = tables.borrow_mut();
        let outcome = tables.table(table, ctes);
        tables.keep(outcome);
    });
    walk.query(&mut query, &mut |expr| {
        let mut tables = tables.borrow_mut();
        let outcome = tables.expr(expr);
        tables.keep(outcome);
    });
    let mut tables = tables.into_inner();
    if let Some(error) = tables.error.take() {
        return Err(error);
    }
    quoted::check(&query, &tables.relations)?;
    tables.columns(&mut query);
    Ok(ResolvedQuery {
        query,
        relations: tables.relations,
        touches_catalogue: tables.touches_catalogue,
        catalogue_functions: tables.catalogue_functions,
    })
}

/// Names of the common table expressions in scope, innermost last.
#[derive(Default)]
struct Ctes(Vec<String>);

impl Ctes {
    fn holds(&self, schema: &str, name: &str) -> bool {
        (schema.is_empty() || schema.eq_ignore_ascii_case(RECURRING))
            && self.0.iter().any(|cte| cte.eq_ignore_ascii_case(name))
    }
}

/// Visits every table reference with the common table expressions in its scope, and every
/// expression.
struct CteWalk<F> {
    ctes: Ctes,
    table: F,
}

impl<F: FnMut(&mut TableRef, &Ctes)> CteWalk<F> {
    fn new(table: F) -> Self {
        Self {
            ctes: Ctes::default(),
            table,
        }
    }

    fn query(&mut self, query: &mut Query, expr: &mut dyn FnMut(&mut Expr)) {
        let outer = self.ctes.0.len();
        // An expression sees those before it, and itself only if it is recursive.
        let mut ctes = std::mem::take(&mut query.ctes);
        for cte in &mut ctes {
            let own = self.ctes.0.len();
            if matches!(cte.query.body, QueryBody::RecursiveCte { .. }) {
                self.ctes.0.push(cte.name.clone());
            }
            self.query(&mut cte.query, expr);
            self.ctes.0.truncate(own);
            self.ctes.0.push(cte.name.clone());
        }
        let mut at_top = true;
        visit::walk_mut(NodeMut::Query(query), &mut |node| match node {
            NodeMut::Query(_) if at_top => {
                at_top = false;
                Descend::Into
            }
            NodeMut::Query(inner) => {
                self.query(inner, expr);
                Descend::Over
            }
            NodeMut::Table(table) => {
                (self.table)(table, &self.ctes);
                Descend::Into
            }
            NodeMut::Expr(inner) => {
                expr(inner);
                Descend::Into
            }
        });
        query.ctes = ctes;
        self.ctes.0.truncate(outer);
    }
}

/// What has been found so far.
struct Tables<'a> {
    snapshot: &'a CatalogSnapshot,
    scope: Scope<'a>,
    relations: BTreeMap<RelationName, Arc<skein_catalog::snapshot::RelationSnapshot>>,
    /// Schema and name, in lower case, by which columns may name a table without alias.
    qualified: BTreeSet<(String, String)>,
    touches_catalogue: bool,
    catalogue_functions: BTreeSet<String>,
    error: Option<PlanError>,
}

impl Tables<'_> {
    /// Keeps the first error; the walk has no way to stop.
    fn keep(&mut self, outcome: Result<(), PlanError>) {
        if let Err(error) = outcome {
            self.error.get_or_insert(error);
        }
    }

    fn table(&mut self, table: &mut TableRef, ctes: &Ctes) -> Result<(), PlanError> {
        let position = table.location;
        match &mut table.kind {
            TableRefKind::Table {
                catalog,
                schema,
                name,
                ..
            } => {
                if catalog.is_empty() && ctes.holds(schema, name) {
                    return Ok(());
                }
                if !catalog.is_empty() {
                    if !catalog.eq_ignore_ascii_case(self.scope.database) {
                        let name = format!("{catalog}.{schema}.{name}");
                        return Err(PlanError::OtherDatabase { name, position });
                    }
                    catalog.clear();
                }
                let alias = self.relation(schema, name, position)?;
                if table.alias.is_empty() {
                    table.alias = alias;
                }
                Ok(())
            }
            TableRefKind::Function { call, .. } => {
                let ExprKind::Function(function) = &mut call.kind else {
                    return Ok(());
                };
                let position = call.location;
                let rewritten = function.schema == system::PG_SCHEMA
                    && CATALOGUE_FUNCTIONS.contains(function.name.as_str());
                if rewritten || self.catalogue_function(&mut function.schema, &function.name) {
                    self.touches_catalogue = true;
                    return Ok(());
                }
                let access = if function.schema.is_empty() {
                    functions::table(&function.name)
                } else {
                    Access::Unknown
                };
                check(access, &function.schema, &function.name, position)
            }
            TableRefKind::Show { query: None, .. } => {
                self.touches_catalogue = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Replaces schema and name by those of the relation that is meant; gives the name by which
    /// the rest of the query calls it.
    fn relation(
        &mut self,
        schema: &mut String,
        name: &mut String,
        position: Option<usize>,
    ) -> Result<String, PlanError> {
        let written = name.clone();
        for candidate in schemas(schema, self.scope) {
            if let Some(shadow) = system_schema(candidate) {
                let lower = name.to_ascii_lowercase();
                let known = system::relation(&candidate.to_ascii_lowercase(), &lower).is_some();
                if known {
                    self.touches_catalogue = true;
                    self.qualified
                        .insert((candidate.to_ascii_lowercase(), lower.clone()));
                    shadow.clone_into(schema);
                    *name = lower;
                    return Ok(written);
                }
                continue;
            }
            if let Some((found, relation)) = find(self.snapshot, candidate, name)
                && (found.name == *name || !name.bytes().any(|byte| byte.is_ascii_uppercase()))
            {
                self.qualified.insert((
                    found.schema.to_ascii_lowercase(),
                    found.name.to_ascii_lowercase(),
                ));
                self.relations.insert(found.clone(), Arc::clone(relation));
                (*schema, *name) = (found.schema.clone(), found.name.clone());
                return Ok(written);
            }
        }
        if schema.is_empty()
            && let Some((found, relation)) = find(self.snapshot, PATH_SCHEMA, name)
        {
            self.relations.insert(found.clone(), Arc::clone(relation));
            (*schema, *name) = (found.schema.clone(), found.name.clone());
            return Ok(path_alias(&written).to_owned());
        }
        Err(PlanError::UnknownRelation {
            nearest: nearest(self.snapshot, name),
            name: if schema.is_empty() {
                written
            } else {
                format!("{schema}.{written}")
            },
            position,
        })
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<(), PlanError> {
        let position = expr.location;
        if let ExprKind::Function(call) = &expr.kind
            && !call.is_operator
            && (call.schema.is_empty() || system_schema(&call.schema).is_some())
            && let Some(value) = self.scope.session.value(&call.name, Some(&call.args))
        {
            expr.kind = value.kind;
            return Ok(());
        }
        match &mut expr.kind {
            ExprKind::Function(call) if !call.is_operator => {
                if call.order_by.is_empty() && functions::is_window(&call.schema, &call.name) {
                    return Err(PlanError::NoWindow {
                        name: call.name.clone(),
                        position,
                    });
                }
                let args = call.args.len();
                self.function(
                    &mut call.catalog,
                    &mut call.schema,
                    &call.name,
                    args,
                    position,
                )
            }
            ExprKind::Window(call) => {
                let args = call.args.len();
                self.function(
                    &mut call.catalog,
                    &mut call.schema,
                    &call.name,
                    args,
                    position,
                )
            }
            ExprKind::Cast { .. } => {
                self.registered_type(expr);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn function(
        &mut self,
        catalog: &mut String,
        schema: &mut String,
        name: &str,
        args: usize,
        position: Option<usize>,
    ) -> Result<(), PlanError> {
        if catalog.eq_ignore_ascii_case(self.scope.database) {
            catalog.clear();
        }
        // Put in here or by the rewrite of PostgreSQL's spellings, or a table function seen before.
        // Written by a user it does no harm: the catalogue has no other functions than these.
        if schema == system::PG_SCHEMA && CATALOGUE_FUNCTIONS.contains(name) {
            self.catalogue_functions.insert(name.to_owned());
            self.touches_catalogue = true;
            return Ok(());
        }
        // Put in by the rewrite; written by a user it does no harm either.
        if schema == macros::SCHEMA && MACROS.contains(name) {
            return Ok(());
        }
        // DuckDB's LIKE … ESCAPE is a function of the same name as PostgreSQL's, which has two
        // arguments.
        let escape = name.ends_with("like_escape") && args == 3;
        if catalog.is_empty() && !escape && self.catalogue_function(schema, name) {
            return Ok(());
        }
        if system_schema(schema).is_some() {
            schema.clear();
        }
        let access = if catalog.is_empty() && schema.is_empty() {
            match functions::scalar(name) {
                Access::Unknown => functions::table(name),
                access => access,
            }
        } else {
            Access::Unknown
        };
        check(access, schema, name, position)
    }

    /// Redirects a call to the macro that the catalogue has for it.
    fn catalogue_function(&mut self, schema: &mut String, name: &str) -> bool {
        let here = schema.is_empty() || system_schema(schema).is_some();
        if !here || !CATALOGUE_FUNCTIONS.contains(name) || name.starts_with("skein_") {
            return false;
        }
        system::PG_SCHEMA.clone_into(schema);
        self.catalogue_functions.insert(name.to_owned());
        true
    }

    /// `'t'::regclass` and the like, where nothing was rewritten because only names are looked for: DuckDB has no
    /// such types.
    fn registered_type(&mut self, expr: &mut Expr) {
        let ExprKind::Cast { ty, .. } = &mut expr.kind else {
            return;
        };
        let info = &ty.0["type_info"];
        let part = |key: &str| info[key].as_str().unwrap_or_default();
        let is_reg = ty.id() == "UNBOUND"
            && matches!(part("schema"), "" | "pg_catalog")
            && part("name").to_ascii_lowercase().starts_with("reg");
        if is_reg {
            self.touches_catalogue = true;
            *ty = DataType::from_sql("BIGINT");
        }
    }

    /// `schema.table.column` becomes `table.column`, by which the rows of the relation answer
    /// wherever they come from; words such as `current_user` become values unless a relation has
    /// a column of that name.
    fn columns(&self, query: &mut Query) {
        visit::walk_mut(NodeMut::Query(query), &mut |node| {
            if let NodeMut::Expr(expr) = node
                && let ExprKind::ColumnRef(names) = &mut expr.kind
            {
                self.shorten(names);
                if let [name] = names.as_slice()
                    && let Some(value) = self.session_word(name)
                {
                    expr.kind = value.kind;
                }
            }
            Descend::Into
        });
    }

    fn shorten(&self, names: &mut Vec<String>) {
        let names_relation = |from: usize| {
            names.len() > from + 2
                && self.qualified.contains(&(
                    names[from].to_ascii_lowercase(),
                    names[from + 1].to_ascii_lowercase(),
                ))
        };
        if names_relation(0) {
            names.remove(0);
        } else if names_relation(1) && names[0].eq_ignore_ascii_case(self.scope.database) {
            names.drain(..2);
        }
    }

    fn session_word(&self, name: &str) -> Option<Expr> {
        let is_column = || {
            self.relations
                .values()
                .flat_map(|relation| &relation.columns)
                .any(|column| column.name.eq_ignore_ascii_case(name))
        };
        let value = self.scope.session.value(name, None)?;
        if is_column() { None } else { Some(value) }
    }
}

/// PostgreSQL's functions that every instance of DuckDB has.
static MACROS: std::sync::LazyLock<BTreeSet<&'static str>> = std::sync::LazyLock::new(macros::all);

static CATALOGUE_FUNCTIONS: std::sync::LazyLock<BTreeSet<&'static str>> =
    std::sync::LazyLock::new(|| system::functions().into_iter().collect());

fn check(
    access: Access,
    schema: &str,
    name: &str,
    position: Option<usize>,
) -> Result<(), PlanError> {
    match access {
        Access::Allowed => Ok(()),
        Access::Denied => Err(PlanError::FunctionNotAllowed {
            name: name.to_owned(),
            position,
        }),
        Access::Unknown => Err(PlanError::UnknownFunction {
            name: if schema.is_empty() {
                name.to_owned()
            } else {
                format!("{schema}.{name}")
            },
            position,
            nearest: functions::similar(name),
        }),
    }
}
