//! Names of `pg_catalog` and `information_schema`. Relations get the schema that is meant, which
//! [`crate::resolve`] replaces by the one that holds them, see [`skein_catalog::system`].
//!
//! As in PostgreSQL, `pg_catalog` is searched before the search path: an unqualified `pg_class` is
//! never a user's relation. Relations whose rows depend on the session are written in as values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use skein_catalog::system::{self, PG_SCHEMA, SystemRelation};
use skein_executor_api::functions as macros;

use super::casts::Given;
use super::{Context, casts, node, session_rows};
use crate::ast::visit::{Descend, Node, NodeMut, walk, walk_mut};
use crate::ast::{
    Comparison, Expr, ExprKind, Function, JoinSyntax, Query, QueryBody, TableRef, TableRefKind,
};
use crate::resolve::functions;

/// Functions that exist as macros of ours, lower case.
static FUNCTIONS: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| system::functions().into_iter().collect());

/// Functions of ours that replace a function of DuckDB's only where the catalogue is meant: under
/// these names DuckDB has its own, which suit users' data better.
const ONLY_QUALIFIED: &[&str] = &["like_escape"];

/// Functions that act on sessions instead of computing. Their macros take the statement that calls
/// them as their first argument.
const ACTING: &[&str] = &[
    "pg_cancel_backend",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_terminate_backend",
];

/// Functions that take a `regclass`: a number, or a text that is the name.
const OF_RELATIONS: &[&str] = &["currval", "nextval", "pg_indexes_size", "setval"];
/// Those that give the size of its files.
const SIZES: &[&str] = &[
    "pg_relation_size",
    "pg_table_size",
    "pg_total_relation_size",
];

/// Functions that say what somebody may do with a relation or a schema, which is given by its number or its name;
/// and how many arguments follow it.
const PRIVILEGES: &[(&str, usize)] = &[
    ("has_any_column_privilege", 1),
    ("has_column_privilege", 2),
    (OF_SCHEMA, 1),
    ("has_table_privilege", 1),
];
/// The one among them that is about a schema.
const OF_SCHEMA: &str = "has_schema_privilege";

/// Functions whose answer depends on where names are looked up, and how many arguments they take. Their macros
/// take the path after those.
const BY_PATH: &[(&str, &[usize])] = &[
    ("format_type", &[2]),
    ("pg_describe_object", &[3]),
    ("pg_function_is_visible", &[1]),
    ("pg_get_constraintdef", &[1, 2]),
    ("pg_get_indexdef", &[1, 3]),
    ("pg_table_is_visible", &[1]),
    ("pg_type_is_visible", &[1]),
    ("to_regproc", &[1]),
    ("to_regtype", &[1]),
];

/// What names mean in a statement.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Common table expressions; they hide catalogue relations of the same name.
    ctes: BTreeSet<String>,
    /// Unqualified names in expressions: where one is the alias of a function in FROM, the
    /// function's column is meant.
    words: BTreeSet<String>,
    /// What columns may be called in the statement; `None` where all of a relation may be meant.
    columns: Option<BTreeSet<String>>,
    /// A relation of the catalogue is among them.
    catalogue: bool,
}

impl Names {
    /// Collects the names of `query`.
    pub(super) fn of(query: &Query) -> Self {
        let mut names = Self::default();
        walk(Node::Query(query), &mut |node| {
            if let Node::Query(query) = node {
                names
                    .ctes
                    .extend(query.ctes.iter().map(|cte| cte.name.to_lowercase()));
            }
            Descend::Into
        });
        let mut columns = BTreeSet::new();
        let mut all_columns = false;
        walk(Node::Query(query), &mut |node| {
            match node {
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::ColumnRef(parts) => {
                        if let [word] = parts.as_slice() {
                            names.words.insert(word.to_lowercase());
                        }
                        columns.extend(parts.last().map(|name| name.to_lowercase()));
                    }
                    ExprKind::Star(_) => all_columns = true,
                    _ => {}
                },
                Node::Table(table) => {
                    all_columns |= !table.column_aliases.is_empty();
                    all_columns |= match &table.kind {
                        TableRefKind::Empty
                        | TableRefKind::Table { .. }
                        | TableRefKind::Subquery(_)
                        | TableRefKind::Values { .. }
                        | TableRefKind::Function { .. } => false,
                        TableRefKind::Join(join) => {
                            !join.using.is_empty() || join.syntax == JoinSyntax::Natural
                        }
                        _ => true,
                    };
                }
                Node::Query(_) => {}
            }
            Descend::Into
        });
        names.columns = Some(columns).filter(|_| !all_columns);
        let mut catalogue = false;
        walk(Node::Query(query), &mut |node| {
            if let Node::Table(table) = node
                && let TableRefKind::Table { schema, name, .. } = &table.kind
            {
                catalogue |= names.relation(schema, name).is_some();
            }
            Descend::Into
        });
        names.catalogue = catalogue;
        names
    }

    /// Whether a relation of the catalogue is named.
    pub(super) fn has_catalogue(&self) -> bool {
        self.catalogue
    }

    /// The columns of a relation, called `alias`, that the statement may name.
    fn columns_of(&self, relation: &'static SystemRelation, alias: &str) -> BTreeSet<&'static str> {
        let named = |column: &str| match &self.columns {
            // The name of the relation is one of its rows.
            Some(columns) if !self.words.contains(&alias.to_lowercase()) => {
                columns.contains(column)
            }
            _ => true,
        };
        let columns = relation.columns.iter().map(|column| column.name);
        columns.filter(|column| named(column)).collect()
    }

    fn relation(&self, schema: &str, name: &str) -> Option<&'static SystemRelation> {
        let name = name.to_lowercase();
        match schema.to_lowercase().as_str() {
            "" if !self.ctes.contains(&name) => system::relation("pg_catalog", &name),
            schema @ ("pg_catalog" | "information_schema" | system::OWN_SCHEMA) => {
                system::relation(schema, &name)
            }
            _ => None,
        }
    }
}

/// Redirects a name in `FROM`.
pub(super) fn table(table: &mut TableRef, context: &mut Context<'_>) -> Descend {
    match &mut table.kind {
        TableRefKind::Table { schema, name, .. } => {
            let Some(relation) = context.names.relation(schema, name) else {
                return Descend::Into;
            };
            context.found.catalogue = true;
            if table.alias.is_empty() {
                table.alias.clone_from(name);
            }
            if relation.schema != "information_schema"
                && let Some(query) = session_rows::stand_in(relation)
            {
                show_session(table, relation, query, context);
                return Descend::Over;
            }
            relation.schema.clone_into(schema);
            let database = context.facts.database();
            if database != system::DATABASE && name_database(table, relation, database) {
                return Descend::Over;
            }
            Descend::Into
        }
        TableRefKind::Function {
            call,
            with_ordinality: false,
        } if rows_of(call).is_some() => {
            spread(table);
            context.found.catalogue = true;
            Descend::Into
        }
        TableRefKind::Function { call, .. } if is_ancestors(call) => {
            // Nothing is a partition of anything.
            let none = node::cast(node::array(Vec::new()), node::list_type("BIGINT"));
            **call = node::call("", "unnest", vec![none]);
            if table.alias.is_empty() {
                "pg_partition_ancestors".clone_into(&mut table.alias);
            }
            if table.column_aliases.is_empty() {
                table.column_aliases = vec!["relid".to_owned()];
            }
            Descend::Into
        }
        TableRefKind::Function {
            call,
            with_ordinality: false,
        } => {
            if let Some(relation) = behind(call)
                && let Some(query) = session_rows::stand_in(relation)
            {
                if table.alias.is_empty() {
                    SETTINGS.clone_into(&mut table.alias);
                }
                show_session(table, relation, query, context);
                return Descend::Over;
            }
            let location = call.location;
            let ExprKind::Function(function) = &call.kind else {
                return Descend::Into;
            };
            let name = function.name.clone();
            match super::session::value(function, location, context) {
                Ok(Some(value)) => {
                    super::session::note(&name, context);
                    if table.alias.is_empty() {
                        table.alias.clone_from(&name);
                    }
                    if table.column_aliases.is_empty() {
                        // A function with one result names its column after the alias.
                        table.column_aliases = vec![table.alias.clone()];
                    }
                    table.kind = TableRefKind::Values {
                        rows: vec![vec![value]],
                    };
                    Descend::Over
                }
                Ok(None) => {
                    in_from(table, &name, context);
                    Descend::Into
                }
                Err(error) => {
                    context.error = Some(error);
                    Descend::Over
                }
            }
        }
        _ => Descend::Into,
    }
}

/// The function that `pg_settings` is a view of.
const SETTINGS: &str = "pg_show_all_settings";

/// The relation that has the rows of a function in FROM.
fn behind(call: &Expr) -> Option<&'static SystemRelation> {
    let ExprKind::Function(call) = &call.kind else {
        return None;
    };
    let is_settings = matches!(call.schema.as_str(), "" | "pg_catalog")
        && call.name.eq_ignore_ascii_case(SETTINGS)
        && call.args.is_empty();
    system::relation("pg_catalog", "pg_settings").filter(|_| is_settings)
}

/// Puts a query over what the session shows in the place of `table`, which has its alias.
fn show_session(
    table: &mut TableRef,
    relation: &'static SystemRelation,
    query: Query,
    context: &mut Context<'_>,
) {
    let columns = context.names.columns_of(relation, &table.alias);
    session_rows::note(&mut context.found.shown, relation, columns);
    let mut aliases: Vec<String> = relation
        .columns
        .iter()
        .map(|column| column.name.to_owned())
        .collect();
    for (alias, given) in aliases.iter_mut().zip(&table.column_aliases) {
        alias.clone_from(given);
    }
    table.column_aliases = aliases;
    table.kind = TableRefKind::Subquery(Box::new(query));
}

/// Makes columns that hold the name of the database say the one the client has asked for; whether
/// the relation has any.
fn name_database(table: &mut TableRef, relation: &SystemRelation, database: &str) -> bool {
    let named: Vec<&str> = relation
        .columns
        .iter()
        .filter(|column| match relation.schema {
            "information_schema" => {
                column.name == "catalog_name" || column.name.ends_with("_catalog")
            }
            _ => column.name == "datname",
        })
        .map(|column| column.name)
        .collect();
    if named.is_empty() {
        return false;
    }
    let column = |name: &str| node::expr(ExprKind::ColumnRef(vec![name.to_owned()]));
    let mut star = Expr::star();
    if let ExprKind::Star(star) = &mut star.kind {
        star.replace = named
            .into_iter()
            .map(|name| {
                let is_ours = node::expr(ExprKind::Comparison {
                    op: Comparison::Equal,
                    left: Box::new(column(name)),
                    right: Box::new(node::text(system::DATABASE)),
                });
                let value = node::expr(ExprKind::Case {
                    checks: vec![(is_ours, node::text(database))],
                    otherwise: Box::new(column(name)),
                });
                (name.to_owned(), value)
            })
            .collect();
    }
    let mut query = node::select(star);
    if let QueryBody::Select(select) = &mut query.body {
        select.from = TableRef {
            kind: std::mem::replace(&mut table.kind, TableRefKind::Empty),
            alias: String::new(),
            column_aliases: Vec::new(),
            sample: None,
            location: table.location,
        };
    }
    table.kind = TableRefKind::Subquery(Box::new(query));
    true
}

fn is_ancestors(call: &Expr) -> bool {
    matches!(&call.kind, ExprKind::Function(call) if call.name == "pg_partition_ancestors")
}

/// The macro that gives the rows of a function in FROM as a list; as an expression the function gives one row
/// after the other.
fn rows_of(call: &Expr) -> Option<&'static str> {
    let ExprKind::Function(call) = &call.kind else {
        return None;
    };
    let known = [
        ("information_schema", "_pg_expandarray", 1, "skein_expanded"),
        ("pg_catalog", "aclexplode", 1, "skein_exploded"),
        ("pg_catalog", "pg_identify_object", 3, "skein_identified"),
    ];
    let found = known.into_iter().find(|(schema, name, count, _)| {
        call.name == *name
            && (call.schema.is_empty() || call.schema == *schema)
            && call.args.len() == *count
    });
    found.map(|(_, _, _, list)| list)
}

/// Makes a query of a function of which [`rows_of`] knows the rows.
fn spread(table: &mut TableRef) {
    let TableRefKind::Function { call, .. } = &mut table.kind else {
        return;
    };
    let list = rows_of(call);
    let mut call = std::mem::replace(&mut **call, node::null());
    if let ExprKind::Function(call) = &mut call.kind
        && let Some(list) = list
    {
        for argument in &mut call.args {
            let text = node::constant_text(argument);
            if let Some(elements) = text.and_then(super::arrays::elements) {
                let elements = elements.iter();
                let texts = elements.map(|text| node::text_or_null(text.as_deref()));
                *argument = node::array(texts.collect());
            }
        }
        if table.alias.is_empty() {
            table.alias.clone_from(&call.name);
        }
        (call.schema, call.name) = (PG_SCHEMA.to_owned(), list.to_owned());
    }
    let depth = node::integer("INTEGER", 2).named("max_depth");
    let rows = node::call("", "unnest", vec![call, depth]);
    table.kind = TableRefKind::Subquery(Box::new(node::select(rows)));
}

/// Gives a function in FROM the names that PostgreSQL gives it, and makes a query of one that
/// DuckDB takes in expressions only.
fn in_from(table: &mut TableRef, name: &str, context: &Context<'_>) {
    if table.alias.is_empty() {
        if FUNCTIONS.contains(name) {
            name.clone_into(&mut table.alias);
        }
    } else if table.column_aliases.is_empty()
        && matches!(
            name,
            "generate_series" | "unnest" | "generate_subscripts" | "regexp_split_to_table"
        )
        && context.names.words.contains(&table.alias.to_lowercase())
    {
        table.column_aliases = vec![table.alias.clone()];
    }
    let expression_only = ACTING.contains(&name)
        || !FUNCTIONS.contains(name)
            && !functions::TABLE_FUNCTIONS.contains(&name)
            && functions::scalar(name) == functions::Access::Allowed;
    if !expression_only {
        return;
    }
    let TableRefKind::Function { call, .. } =
        std::mem::replace(&mut table.kind, TableRefKind::Empty)
    else {
        return;
    };
    if table.alias.is_empty() {
        name.clone_into(&mut table.alias);
    }
    if table.column_aliases.is_empty() {
        table.column_aliases = vec![table.alias.clone()];
    }
    table.kind = TableRefKind::Subquery(Box::new(node::select(*call)));
}

/// `_pg_truetypid(a.*, t.*)` and its sister take whole rows, which DuckDB has no words for; without
/// domains they are columns of the first.
fn true_type(expr: &mut Expr) -> bool {
    let ExprKind::Function(call) = &expr.kind else {
        return false;
    };
    let column = match call.name.as_str() {
        "_pg_truetypid" => "atttypid",
        "_pg_truetypmod" => "atttypmod",
        _ => return false,
    };
    let relation = match call.args.first().map(|argument| &argument.kind) {
        Some(ExprKind::Star(star)) => star.relation.clone(),
        Some(ExprKind::ColumnRef(names)) if names.len() == 1 => names[0].clone(),
        _ => return false,
    };
    expr.kind = ExprKind::ColumnRef(vec![relation, column.to_owned()]);
    true
}

/// Whether it is a call that [`true_type`] replaces by a column.
pub(super) fn is_true_type(call: &Function) -> bool {
    matches!(call.name.as_str(), "_pg_truetypid" | "_pg_truetypmod")
}

/// Redirects a call of a function that acts on sessions.
fn acting(call: &mut Function, context: &mut Context<'_>) -> bool {
    const PREFIX: &str = "skein_act_";
    let own = call.name.strip_prefix(PREFIX).unwrap_or(&call.name);
    if !ACTING.contains(&own) {
        return false;
    }
    if own == call.name && matches!(call.schema.as_str(), "" | "pg_catalog") {
        call.name = format!("{PREFIX}{own}");
        macros::SCHEMA.clone_into(&mut call.schema);
    }
    // Also where somebody names the macro itself: nobody chooses on whose behalf it acts.
    call.args.insert(0, node::text(&context.facts.token()));
    context.found.session = true;
    true
}

/// Redirects a function call.
pub(super) fn function(expr: &mut Expr, context: &mut Context<'_>) -> Descend {
    if true_type(expr) {
        return Descend::Over;
    }
    let ExprKind::Function(call) = &mut expr.kind else {
        return Descend::Into;
    };
    if acting(call, context) {
        return Descend::Into;
    }
    let qualified = matches!(call.schema.as_str(), "pg_catalog" | "information_schema");
    if (qualified || call.schema.is_empty())
        && !call.is_operator
        && FUNCTIONS.contains(call.name.to_lowercase().as_str())
        && (qualified || !ONLY_QUALIFIED.contains(&call.name.as_str()))
    {
        PG_SCHEMA.clone_into(&mut call.schema);
        context.found.catalogue = true;
        names_of_arguments(call, context);
    } else if qualified {
        // A function of DuckDB's own, such as pg_catalog.upper(x).
        call.schema.clear();
    }
    Descend::Into
}

/// Gives a macro what decides about names: the path, the database, the roles. Names of relations become numbers.
fn names_of_arguments(call: &mut Function, context: &mut Context<'_>) {
    let count = call.args.len();
    let name = call.name.to_ascii_lowercase();
    let takes_relation = SIZES.contains(&name.as_str()) || OF_RELATIONS.contains(&name.as_str());
    if takes_relation
        && let Some(relation) = call.args.first_mut()
        && casts::uncast(relation, "regclass") == Given::Name
    {
        if SIZES.contains(&name.as_str()) && count == 1 {
            "skein_size_of_named".clone_into(&mut call.name);
            call.args.push(node::text(context.facts.database()));
            call.args.push(context.path());
            return;
        }
        casts::find(relation, "regclass", context);
    }
    if let Some((_, after)) = PRIVILEGES.iter().find(|(known, _)| *known == name)
        && let Some(at) = count.checked_sub(after + 1)
        && let Some(object) = call.args.get_mut(at)
        && is_name(
            object,
            if name == OF_SCHEMA {
                "regnamespace"
            } else {
                "regclass"
            },
        )
    {
        if !casts::is_text(object) {
            let value = std::mem::replace(object, node::null());
            *object = node::cast(value, node::plain_type("VARCHAR"));
        }
        if name == OF_SCHEMA {
            let value = std::mem::replace(object, node::null());
            *object = node::call(PG_SCHEMA, "skein_schema", vec![value]);
        } else {
            casts::find(object, "regclass", context);
        }
        let object = call.args.remove(at);
        call.args.drain(..call.args.len() - 1);
        call.args.insert(0, object);
        "skein_may_of_found".clone_into(&mut call.name);
    }
    if BY_PATH
        .iter()
        .any(|(known, counts)| *known == name && counts.contains(&count))
    {
        call.args.push(context.path());
    }
    match (name.as_str(), count) {
        ("to_regclass", 1) => {
            call.args.push(node::text(context.facts.database()));
            call.args.push(context.path());
        }
        ("to_regrole", 1) => call
            .args
            .push(session_rows::roles_by_name(&mut context.found.shown)),
        _ => {}
    }
}

/// Whether an argument is looked for by name.
fn is_name(object: &mut Expr, reg: &str) -> bool {
    match casts::uncast(object, reg) {
        Given::Name => true,
        Given::Number => false,
        Given::Either => !is_number(object),
    }
}

/// Whether it is an OID, as far as the tree tells: what is none may be a name.
fn is_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(constant) => !constant.value.is_string(),
        ExprKind::Cast { ty, .. } => !node::is_text(ty),
        ExprKind::ColumnRef(names) => names.last().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.ends_with("oid") || name.ends_with("relid") || name.ends_with("namespace")
        }),
        _ => false,
    }
}

/// Drops the schema from `pg_catalog.pg_class.oid`.
pub(super) fn column(expr: &mut Expr) {
    let ExprKind::ColumnRef(names) = &mut expr.kind else {
        return;
    };
    if names.len() >= 3
        && matches!(
            names[0].to_lowercase().as_str(),
            "pg_catalog" | "information_schema" | system::OWN_SCHEMA
        )
    {
        names.remove(0);
    }
}

/// Whether it is a column of the catalogue that holds the number of a transaction.
pub(super) fn is_transaction(expr: &Expr, context: &Context<'_>) -> bool {
    static NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let columns = system::relations().flat_map(|relation| &relation.columns);
        let columns = columns.filter(|column| column.ty == "xid");
        columns.map(|column| column.name).collect()
    });
    let ExprKind::ColumnRef(names) = &expr.kind else {
        return false;
    };
    let name = names.last().map(|name| name.to_lowercase());
    context.names.has_catalogue() && name.is_some_and(|name| NAMES.contains(name.as_str()))
}

/// Columns that every table of PostgreSQL has, with their numbers and types. Rows here never change, so the
/// transactions are the first one there is.
const SYSTEM_COLUMNS: &[(&str, i16, &str)] = &[
    ("xmin", -2, "xid"),
    ("cmin", -3, "cid"),
    ("xmax", -4, "xid"),
    ("cmax", -5, "cid"),
    ("tableoid", -6, "oid"),
];

/// Number and `pg_type.typname` of the system column of this name.
pub(crate) fn system_column(name: &str) -> Option<(i16, &'static str)> {
    let found = SYSTEM_COLUMNS
        .iter()
        .find(|(known, _, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, number, ty)| (*number, *ty))
}

/// Whether the text has the name of one.
pub(super) fn may_name_system_columns(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SYSTEM_COLUMNS
        .iter()
        .any(|(name, _, _)| text.contains(name))
}

/// The relations of one FROM that have system columns.
struct Tables {
    /// OIDs by alias, lower case.
    oids: BTreeMap<String, u32>,
    /// The one that a name without an alias means: there is no other relation.
    only: Option<u32>,
}

/// Rewrites `alias.tableoid` and the like in one block, where the alias is a relation of the catalogue or of
/// files, and `tableoid` where it is the only relation.
pub(super) fn system_columns(query: &mut Query, context: &Context<'_>) {
    let QueryBody::Select(select) = &query.body else {
        return;
    };
    let mut oids = BTreeMap::new();
    let mut relations = 0;
    walk(Node::Table(&select.from), &mut |node| match node {
        Node::Table(table) => {
            if let TableRefKind::Table { schema, name, .. } = &table.kind {
                relations += 1;
                let oid = match context.names.relation(schema, name) {
                    Some(relation) => Some(relation.oid),
                    None => file_relation(schema, name, context),
                };
                if let Some(oid) = oid {
                    let alias = if table.alias.is_empty() {
                        name
                    } else {
                        &table.alias
                    };
                    oids.insert(alias.to_lowercase(), oid);
                }
            }
            Descend::Into
        }
        _ => Descend::Over,
    });
    if oids.is_empty() {
        return;
    }
    let only = oids.values().next().copied().filter(|_| relations == 1);
    let tables = Tables { oids, only };
    if let QueryBody::Select(select) = &mut query.body {
        // Only here: the alias of an argument would be the name of a parameter.
        for item in &mut select.select_list {
            if let ExprKind::ColumnRef(names) = &item.kind
                && let Some(name) = names.last().filter(|name| system_column(name).is_some())
                && item.alias.is_empty()
            {
                item.alias = name.to_lowercase();
            }
        }
    }
    let mut at_top = true;
    walk_mut(NodeMut::Query(query), &mut |node| match node {
        NodeMut::Query(_) if at_top => {
            at_top = false;
            Descend::Into
        }
        NodeMut::Query(_) => Descend::Over,
        NodeMut::Table(_) => Descend::Into,
        NodeMut::Expr(expr) => {
            constant_column(expr, &tables);
            Descend::Into
        }
    });
}

/// The OID of a relation of files, unless files have such columns themselves.
fn file_relation(schema: &str, name: &str, context: &Context<'_>) -> Option<u32> {
    if schema.is_empty() && context.names.ctes.contains(&name.to_lowercase()) {
        return None;
    }
    let (oid, columns) = context.facts.relation(schema, name)?;
    let is_own = |column: &String| system_column(column).is_some();
    (!columns.iter().any(is_own)).then_some(oid)
}

fn constant_column(expr: &mut Expr, tables: &Tables) {
    let ExprKind::ColumnRef(names) = &expr.kind else {
        return;
    };
    let (oid, column) = match names.as_slice() {
        [alias, column] => (tables.oids.get(&alias.to_lowercase()).copied(), column),
        [column] => (tables.only, column),
        _ => return,
    };
    let Some(oid) = oid.filter(|_| system_column(column).is_some()) else {
        return;
    };
    let number = match column.to_ascii_lowercase().as_str() {
        "tableoid" => i64::from(oid),
        "xmin" => 1,
        _ => 0,
    };
    let mut value = node::integer("BIGINT", number);
    value.alias = std::mem::take(&mut expr.alias);
    value.location = expr.location;
    *expr = value;
}
