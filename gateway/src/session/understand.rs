//! Understanding queries: what their names mean, which columns they have.
//!
//! ```text
//! Query ─► mentions ─► snapshot ─► rewrite ─► resolve ─► bind      (blocking thread, deep stack)
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use skein_catalog::relation::{PATH_SCHEMA, RelationName};
use skein_catalog::snapshot::CatalogSnapshot;
use skein_catalog::system::OWN_SCHEMA;
use skein_catalog::types::{PgType, Type};
use skein_executor_api::{Column, FragmentError};
use skein_planner::ast::visit::{self, Descend, Node};
use skein_planner::ast::{Expr, ExprKind, Query, QueryBody, TableRefKind, print};
use skein_planner::error::PlanError;
use skein_planner::outputs::{Output, Outputs, outputs};
use skein_planner::postgres::arrays;
use skein_planner::postgres::asking::Answers;
use skein_planner::postgres::dependent::group_dependents;
use skein_planner::postgres::once::bind_once;
use skein_planner::postgres::operands;
use skein_planner::postgres::settle::{settle, settle_operators};
use skein_planner::postgres::signatures::type_parameters;
use skein_planner::postgres::sums::narrow;
use skein_planner::postgres::templates;
use skein_planner::postgres::using::merged_first;
use skein_planner::postgres::whole_rows::name_rows;
use skein_planner::postgres::{Rewritten, rewrite, session_rows};
use skein_planner::repairs::{ask_one_by_one, conditions_within_lateral};
use skein_planner::resolve::names::output_names;
use skein_planner::resolve::parameters::parameter_count;
use skein_planner::resolve::{
    Mentions, Scope, SessionValues, check_aliases, columns_of, keyed, mentions, resolve,
};

use super::Session;
use super::analysed::{AnalysedQuery, Bound};
use super::guard::Guard;
use super::nearest;
use super::parameters::{answers, bind_with_parameters, put_parameters, stand_ins};
use super::settings::Settings;
use super::types::{named_type, with_known_types, with_types};
use crate::encode::Origin;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::shadow::Shadow;
use crate::shadow::facts::{Facts, NameFacts};

/// Columns of a result, as in PostgreSQL (`MaxTupleAttributeNumber`).
const COLUMNS_MAX: usize = 1664;
/// What planning a deep statement may need, and what it gets.
const STACK_NEEDED_BYTES: usize = 32 * 1024 * 1024;
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs `work`, which recurses over a statement or asks DuckDB, beside the runtime's own threads.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GatewayError> + Send + 'static,
) -> Result<T, GatewayError> {
    let work = move || stacker::maybe_grow(STACK_NEEDED_BYTES, STACK_BYTES, work);
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => {
            Err(GatewayError::from_panic(error.into_panic().as_ref()))
        }
        Err(_) => Err(GatewayError::Shutdown),
    }
}

/// What analysing a query gives.
pub(super) struct Understood {
    pub(super) query: AnalysedQuery,
    /// With the names that clients see.
    pub(super) described: Vec<Column>,
    /// Where they come from; shorter if nothing is known.
    pub(super) origins: Vec<Origin>,
    /// PostgreSQL's types of parameters.
    pub(super) parameter_types: Vec<u32>,
}

/// What of the session its statements depend on, for a thread of its own.
#[derive(Clone)]
pub(super) struct Context {
    gateway: Arc<Gateway>,
    user: String,
    database: String,
    process_id: i32,
    token: String,
    addresses: [Option<SocketAddr>; 2],
    settings: Settings,
    search_path: Vec<String>,
    /// Filled where a statement shows them.
    pub(super) names: Arc<NameFacts>,
    /// Sums and products of `numeric` have room for more than 18 digits.
    wide_decimals: bool,
}

/// Values of the session were put in before names are resolved.
struct NoValues;

impl SessionValues for NoValues {
    fn value(&self, _: &str, _: Option<&[Expr]>) -> Option<Expr> {
        None
    }
}

impl Context {
    fn scope(&self) -> Scope<'_> {
        Scope {
            database: &self.database,
            search_path: &self.search_path,
            session: &NoValues,
        }
    }

    /// Puts what PostgreSQL means differently right.
    fn rewrite(
        &self,
        query: &mut Query,
        text: &str,
        snapshot: &CatalogSnapshot,
        outputs: &Outputs,
    ) -> Result<Rewritten, GatewayError> {
        self.with_facts(snapshot, |facts| Ok(rewrite(query, text, facts, outputs)?))
    }

    /// Does something with what SQL may ask about the session.
    pub(super) fn with_facts<T>(
        &self,
        snapshot: &CatalogSnapshot,
        read: impl FnOnce(&Facts<'_>) -> T,
    ) -> T {
        let users = self.gateway.users();
        let facts = Facts {
            settings: &self.settings,
            snapshot,
            user: &self.user,
            database: &self.database,
            backend_pid: self.process_id,
            sessions: self.gateway.sessions(),
            names: &self.names,
            users: &users,
            executors: self.gateway.executors(),
            token: &self.token,
            addresses: self.addresses,
            started: self.gateway.started(),
        };
        read(&facts)
    }
}

impl Session {
    pub(super) fn context(&self) -> Context {
        Context {
            gateway: Arc::clone(&self.gateway),
            user: self.user.clone(),
            database: self.database.clone(),
            process_id: self.registration.process_id,
            token: self.presence.entry.token(),
            addresses: self.addresses,
            settings: self.settings.clone(),
            names: Arc::default(),
            search_path: self.derived.search_path.clone(),
            wide_decimals: false,
        }
    }

    /// What the statement sees of the relations it may name.
    pub(super) async fn snapshot(
        &mut self,
        wanted: &Mentions,
        guard: &mut Guard,
    ) -> Result<Arc<CatalogSnapshot>, GatewayError> {
        let catalog = self.gateway.catalog();
        let wanted_names = wanted
            .names
            .iter()
            .cloned()
            .chain(wanted.paths.iter().map(|path| RelationName {
                schema: PATH_SCHEMA.to_owned(),
                name: path.clone(),
            }));
        let Some((seen, pinned)) = self.transaction.seen() else {
            let snapshot = if wanted.names.is_empty() && wanted.paths.is_empty() {
                catalog.current()
            } else {
                guard
                    .run(catalog.snapshot_for(&wanted.names, &wanted.paths))
                    .await?
            };
            return Ok(self.transaction.pin(snapshot, wanted_names));
        };
        let is_new = |name: &RelationName| !pinned.contains(name);
        if !wanted_names.clone().any(|name| is_new(&name)) {
            return Ok(Arc::clone(seen));
        }
        let names: Vec<RelationName> = wanted
            .names
            .iter()
            .filter(|name| is_new(name))
            .cloned()
            .collect();
        let fresh = guard
            .run(catalog.snapshot_for(&names, &wanted.paths))
            .await?;
        Ok(self.transaction.pin(fresh, wanted_names))
    }

    /// Understands a parsed query. `text` is what was parsed.
    pub(super) async fn understand(
        &mut self,
        text: &Arc<str>,
        parsed: Arc<Query>,
        declared: &[u32],
        guard: &mut Guard,
    ) -> Result<Understood, GatewayError> {
        let context = self.context();
        self.understand_in(context, text, parsed, declared, guard)
            .await
    }

    /// The same with sums and products of `numeric` that have room for more than 18 digits.
    pub(super) async fn understand_wide(
        &mut self,
        text: &Arc<str>,
        parsed: Arc<Query>,
        declared: &[u32],
        guard: &mut Guard,
    ) -> Result<Understood, GatewayError> {
        let mut context = self.context();
        context.wide_decimals = true;
        self.understand_in(context, text, parsed, declared, guard)
            .await
    }

    async fn understand_in(
        &mut self,
        mut context: Context,
        text: &Arc<str>,
        parsed: Arc<Query>,
        declared: &[u32],
        guard: &mut Guard,
    ) -> Result<Understood, GatewayError> {
        context.names = self.names_in(text);
        let wanted = self.existing_paths(mentions(&parsed, context.scope()));
        if wanted.names.iter().any(shows_executors) {
            let gateway = Arc::clone(&self.gateway);
            let refreshed = async move {
                gateway.executors().refresh().await;
                Ok::<(), GatewayError>(())
            };
            guard.run(refreshed).await?;
        }
        let snapshot = self.snapshot(&wanted, guard).await?;
        let shadow = self.gateway.shadow(&snapshot).await?;
        let (text, declared) = (Arc::clone(text), declared.to_vec());
        let work = beside(move || {
            understand(
                &context, &text, parsed, wanted, &declared, &snapshot, &shadow,
            )
        });
        guard.run(work).await
    }

    /// What a statement may show of the names of the session.
    pub(super) fn names_in(&self, text: &str) -> Arc<NameFacts> {
        let text = text.to_ascii_lowercase();
        let shown = ["pg_prepared_statements", "pg_cursors"];
        if shown.iter().any(|relation| text.contains(relation)) {
            Arc::new(self.names.facts())
        } else {
            Arc::default()
        }
    }

    /// A name that is a relation's is not looked for as a path.
    fn existing_paths(&self, mut wanted: Mentions) -> Mentions {
        let current = self.gateway.catalog().current();
        wanted.paths.retain(|path| {
            let is_relation =
                |name: &&RelationName| name.name == *path && current.relations.contains_key(*name);
            !wanted.names.iter().any(|name| is_relation(&name))
        });
        wanted
    }
}

/// Whether a relation shows what executors have said last.
fn shows_executors(name: &RelationName) -> bool {
    name.schema.eq_ignore_ascii_case(OWN_SCHEMA) && name.name.eq_ignore_ascii_case("executors")
}

fn understand(
    context: &Context,
    text: &str,
    parsed: Arc<Query>,
    wanted: Mentions,
    declared: &[u32],
    snapshot: &CatalogSnapshot,
    shadow: &Shadow,
) -> Result<Understood, GatewayError> {
    check_aliases(&parsed, snapshot, context.scope())?;
    let parsed = put_right(parsed, snapshot, context);
    let known = outputs(&parsed, text, declared, snapshot, context.scope());
    let mut rewritten = (*parsed).clone();
    let declared = with_known_types(declared, &known.parameters);
    let awaited = templates::awaited(&parsed, &declared);
    let declared = &templates::declare(&declared, &awaited)[..];
    templates::put_stand_ins(&mut rewritten, &awaited);
    let told = type_parameters(&mut rewritten, declared);
    let mut found = context.rewrite(&mut rewritten, text, snapshot, &known)?;
    if !wanted.names.is_empty() {
        // Prepared statements are understood anew when their names may mean something else.
        let path = "search_path";
        let value = context.settings.show(path).ok();
        found.settings.insert(path.to_owned(), value);
    }
    let mut resolved = resolve(rewritten, snapshot, context.scope())
        .map_err(|error| with_signature(error, &parsed, shadow))?;
    resolved.touches_catalogue |= found.catalogue;
    if !resolved.relations.is_empty() && !found.shown.is_empty() {
        // What joins files with the session is planned with the session's rows in it.
        let shown = std::mem::take(&mut found.shown);
        context.with_facts(snapshot, |facts| {
            session_rows::fill_tree(&mut resolved.query, &shown, facts);
        });
        found.session = true;
    }
    let count = parameter_count(&parsed)?;
    let declared = with_types(declared, &told);
    let answers = answers(shadow, &declared);
    settle(&mut resolved.query, &answers);
    let rules = operands::Rules {
        strict: !resolved.touches_catalogue,
        wide: context.wide_decimals,
    };
    operands::settle(&mut resolved.query, &answers, rules)?;
    let beside = answers.parameters();
    let declared = &with_types(&declared, &beside)[..];
    let bind = |query: &mut Query| {
        bind_once(query);
        match (count, declared) {
            (0, []) => {
                let columns = shadow.describe(&print::query_sql(query))?.columns;
                Ok((
                    Bound {
                        columns,
                        parameter_types: Vec::new(),
                    },
                    Vec::new(),
                ))
            }
            _ => bind_with_parameters(query, count, declared, shadow),
        }
    };
    let located = |error| {
        let GatewayError::Fragment { mut error, .. } = error else {
            return error;
        };
        if let Some(unknown) = unsupported_call(&error, &parsed) {
            return with_signature(unknown, &parsed, shadow);
        }
        if let Ok(named) = resolve((*parsed).clone(), snapshot, context.scope()) {
            nearest::propose(&mut error, &named.query, shadow);
        }
        locate(error, text, &parsed, shadow)
    };
    let first = bind_somehow(&mut resolved.query, &answers, &bind);
    let (mut bound, mut parameter_types) = first.map_err(located)?;
    if narrow(&mut resolved.query, &bound.columns, shadow)? {
        (bound, parameter_types) = bind(&mut resolved.query).map_err(located)?;
    }
    untyped_nulls(&resolved.query, &known, &mut bound, shadow);
    if bound.columns.len() > COLUMNS_MAX {
        return Err(GatewayError::TooManyColumns { max: COLUMNS_MAX });
    }
    let names = output_names(&parsed, text, bound.columns.len());
    let known = known
        .columns
        .filter(|columns| columns.len() == bound.columns.len())
        .unwrap_or_default();
    let described = described(&bound, names, &known);
    let origins = known.iter().map(|it| shadow.origin(it)).collect();
    let query = AnalysedQuery::new(
        text.into(),
        parsed,
        resolved,
        wanted.paths,
        bound,
        snapshot.schema_version,
        found,
    );
    let query = query.awaiting(awaited);
    Ok(Understood {
        query,
        described,
        origins,
        parameter_types,
    })
}

type Binding = Result<(Bound, Vec<u32>), GatewayError>;

/// Binds a query, in other words where DuckDB refuses it.
fn bind_somehow(
    query: &mut Query,
    answers: &Answers<'_>,
    bind: &dyn Fn(&mut Query) -> Binding,
) -> Binding {
    match bind(query) {
        Err(error) if lacks_operator(&error) && settle_operators(query, answers) => bind(query),
        Err(error) if lacks_rows_of_outer(&error) && ask_one_by_one(query) => bind(query),
        Err(error) if lacks_lateral_condition(&error) && conditions_within_lateral(query) => {
            bind(query)
        }
        Err(error) => {
            let mut other = query.clone();
            let again = arrays::without_lambdas(&mut other).then(|| bind(&mut other));
            match again {
                Some(Ok(bound)) => {
                    *query = other;
                    Ok(bound)
                }
                _ => Err(error),
            }
        }
        Ok(bound) => Ok(bound),
    }
}

/// Result columns as clients are told of them.
fn described(bound: &Bound, names: Vec<Option<String>>, known: &[Output]) -> Vec<Column> {
    bound
        .columns
        .iter()
        .zip(names)
        .enumerate()
        .map(|(index, (column, name))| Column {
            name: name
                .or_else(|| {
                    known
                        .get(index)
                        .and_then(|it| shared_name(&it.name, &column.name))
                })
                .unwrap_or_else(|| column.name.clone()),
            ty: known
                .get(index)
                .and_then(|output| named_type(output.ty?, &column.ty))
                .unwrap_or_else(|| column.ty.clone()),
        })
        .collect()
}

/// The name of a column of which a subquery has several: DuckDB numbers all but the first.
fn shared_name(own: &str, bound: &str) -> Option<String> {
    let number = bound.strip_prefix(own)?.strip_prefix('_')?;
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    (is_number && !own.is_empty()).then(|| own.to_owned())
}

/// What has to be put right in the tree as parsed, before anything asks for its columns: whole rows that are used as
/// values, the place of columns that `USING` merges, what follows from primary keys in GROUP BY.
fn put_right(parsed: Arc<Query>, snapshot: &CatalogSnapshot, context: &Context) -> Arc<Query> {
    let (mut has_star, mut has_using, mut is_grouped) = (false, false, false);
    visit::walk(Node::Query(&parsed), &mut |node| {
        match node {
            Node::Expr(Expr {
                kind: ExprKind::Star(star),
                ..
            }) => has_star |= !star.relation.is_empty(),
            Node::Table(table) => {
                has_using |=
                    matches!(&table.kind, TableRefKind::Join(join) if !join.using.is_empty());
            }
            Node::Query(Query {
                body: QueryBody::Select(select),
                ..
            }) => is_grouped |= !select.group_by.is_empty(),
            _ => {}
        }
        Descend::Into
    });
    if !(has_star || has_using || is_grouped) {
        return parsed;
    }
    let mut query = (*parsed).clone();
    let mut changed = has_star && name_rows(&mut query);
    changed |= has_using
        && merged_first(&mut query, &|schema, name| {
            columns_of(schema, name, snapshot, context.scope())
        });
    changed |= is_grouped
        && group_dependents(&mut query, &|schema, name| {
            keyed(schema, name, snapshot, context.scope())
        });
    if changed { Arc::new(query) } else { parsed }
}

/// Whether DuckDB has no operator for times or intervals that PostgreSQL may have.
fn lacks_operator(error: &GatewayError) -> bool {
    let GatewayError::Fragment { error, .. } = error else {
        return false;
    };
    let text = error.message.as_str();
    text.contains("No function matches")
        && ["'-(", "'+(", "'/(", "'//("]
            .iter()
            .any(|name| text.contains(name))
        && (text.contains("TIME") || text.contains("INTERVAL"))
}

/// Whether DuckDB cannot look for a row among those of a subquery with columns of an outer query.
fn lacks_rows_of_outer(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Fragment { error, .. }
        if error.message.contains("IN/ANY/ALL with multiple columns"))
}

/// Whether DuckDB cannot join with a subquery that has columns of the other side on this condition.
fn lacks_lateral_condition(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Fragment { error, .. }
        if error.message.to_ascii_lowercase().contains("join condition for non-inner lateral join"))
}

/// Gives result columns that hold nothing but NULL without a type that type, which clients see as
/// text. DuckDB calls it INTEGER in a result, but only one without a type goes with a boolean.
fn untyped_nulls(query: &Query, known: &Outputs, bound: &mut Bound, shadow: &Shadow) {
    const NULL: &str = "\"NULL\"";
    let known = known.columns.as_deref().unwrap_or_default();
    let known = if known.len() == bound.columns.len() {
        known
    } else {
        &[]
    };
    // A column of a relation has a type.
    let may_be_untyped = |(at, column): (usize, &Column)| {
        let origin = known.get(at).and_then(|it| it.origin.as_ref());
        column.ty == "INTEGER" && origin.is_none()
    };
    let untyped: Vec<bool> = bound
        .columns
        .iter()
        .enumerate()
        .map(may_be_untyped)
        .collect();
    let has_null = visit::any(Node::Query(query), &mut |node| {
        matches!(node, Node::Expr(Expr { kind: ExprKind::Constant(constant), .. })
            if constant.value.is_null())
    });
    if !has_null || !untyped.contains(&true) {
        return;
    }
    let mut query = query.clone();
    put_parameters(&mut query, &stand_ins(&bound.parameter_types));
    let names: Vec<String> = (0..bound.columns.len())
        .map(|at| format!("c{at}"))
        .collect();
    let tests: Vec<String> = names
        .iter()
        .zip(&untyped)
        .map(|(name, untyped)| match untyped {
            true => format!("coalesce({name}, true)"),
            false => "0".to_owned(),
        })
        .collect();
    let sql = format!(
        "SELECT {} FROM ({}) AS q({})",
        tests.join(", "),
        print::query_sql(&query),
        names.join(", ")
    );
    let Ok(description) = shadow.describe(&sql) else {
        return;
    };
    let tested = untyped.iter().zip(&description.columns);
    for (column, (untyped, tested)) in bound.columns.iter_mut().zip(tested) {
        if *untyped && tested.ty == "BOOLEAN" {
            NULL.clone_into(&mut column.ty);
        }
    }
}

/// Gives an error of binding its place. What the parsed tree does not tell, DuckDB may: the client's
/// own text gives the same error if it names no relations.
fn locate(error: FragmentError, text: &str, parsed: &Query, shadow: &Shadow) -> GatewayError {
    let mut error = error;
    let position = super::locate::locate(&error, parsed).or_else(|| {
        let again = shadow.describe(text).err()?;
        (first_line(&again.message) == first_line(&error.message)).then_some(again.position)?
    });
    super::locate::qualify(&mut error, parsed);
    GatewayError::Fragment { error, position }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A macro of ours that has nothing for these arguments is a function that does not exist.
fn unsupported_call(error: &FragmentError, parsed: &Query) -> Option<PlanError> {
    let (name, _) = first_line(&error.message)
        .strip_prefix("Macro ")?
        .split_once("() does not support the supplied arguments")?;
    let name = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    let name = name.strip_prefix("skein_act_").unwrap_or(name);
    let mut found = None;
    visit::walk(Node::Query(parsed), &mut |node| {
        if let Node::Expr(Expr {
            kind: ExprKind::Function(function),
            location,
            ..
        }) = node
            && function.name.eq_ignore_ascii_case(name)
            && found.is_none()
        {
            found = Some(PlanError::UnknownFunction {
                name: name.to_owned(),
                position: *location,
                nearest: None,
            });
        }
        Descend::Into
    });
    found
}

/// Adds the types of arguments to the error for a function that does not exist, as PostgreSQL does;
/// they are known where arguments do not name columns.
fn with_signature(error: PlanError, parsed: &Query, shadow: &Shadow) -> GatewayError {
    let PlanError::UnknownFunction {
        name,
        position,
        nearest,
    } = error
    else {
        return error.into();
    };
    let mut types: Option<Vec<&str>> = None;
    let mut schema = String::new();
    visit::walk(Node::Query(parsed), &mut |node| {
        if let Node::Expr(Expr {
            kind: ExprKind::Function(function),
            location,
            ..
        }) = node
            && *location == position
            && types.is_none()
        {
            schema.clone_from(&function.schema);
            types = function
                .args
                .iter()
                .map(|arg| type_of(arg, shadow))
                .collect();
        }
        Descend::Into
    });
    let name = match schema.as_str() {
        "pg_catalog" | "information_schema" if !name.contains('.') => format!("{schema}.{name}"),
        _ => name,
    };
    let signature = match types {
        Some(types) => format!("{name}({})", types.join(", ")),
        None => name,
    };
    GatewayError::UnknownFunction {
        signature,
        position,
        nearest,
    }
}

/// PostgreSQL's name for the type of an expression without columns.
fn type_of(expr: &Expr, shadow: &Shadow) -> Option<&'static str> {
    if let ExprKind::Constant(constant) = &expr.kind
        && (constant.value.is_string() || constant.value.is_null())
    {
        return Some("unknown");
    }
    let description = shadow
        .describe(&format!("SELECT {}", print::expr_sql(expr)))
        .ok()?;
    let ty = Type::parse(&description.columns.first()?.ty).ok()?;
    PgType::by_oid(ty.pg().oid).map(|ty| ty.sql_name)
}
