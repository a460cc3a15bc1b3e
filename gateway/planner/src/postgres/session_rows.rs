//! The rows of catalogue relations that show sessions and users: settings, roles, what runs.
//!
//! Every session sees other ones, so they are no rows of the shadow database. All rows of a relation are
//! one constant, a JSON document: a hundred settings as expressions took DuckDB and us a tenth of a
//! second to read, again and again. What is understood has another document in its place, which says
//! only what it stands for, so that sessions can share it.
//!
//! ```text
//! FROM pg_settings ─► FROM (SELECT unnest(from_json(d, …)) FROM (VALUES ('["rows of pg_settings"]')) AS v(d))
//!                     FROM (SELECT unnest(from_json(d, …)) FROM (VALUES ('[{"name":"TimeZone",…}, …]')) AS v(d))
//! ```
//!
//! The first is what [`stand_in`] makes, the second what [`fill`] makes of it. The document is a row rather
//! than an argument: DuckDB reads constants when it plans, and takes seven times as long for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use skein_catalog::system::{self, SystemRelation};

use super::{
    CursorFact, EncryptionFact, ExecutorFact, PreparedFact, SessionFact, SessionFacts, SettingFact,
    node,
};
use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{Expr, ExprKind, Query, QueryBody, TableRef, TableRefKind};

/// Cells of a row by the names of their columns; what is not there is NULL.
type Row = BTreeMap<&'static str, Value>;

/// What the document is called in a statement.
const DOCUMENT: &str = "skein_rows";

/// Names of the relations that show sessions and users.
const NAMES: &[&str] = &[
    "pg_settings",
    "pg_roles",
    "pg_authid",
    "pg_user",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_ssl",
    "pg_prepared_statements",
    "pg_cursors",
    "executors",
];

/// What is still to be put into a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The rows of a relation.
    Rows {
        /// Which.
        relation: &'static SystemRelation,
        /// The columns that the statement may name; others stay NULL.
        columns: BTreeSet<&'static str>,
    },
    /// Settings by their names in lower case, for `current_setting` of names that only rows tell.
    Settings,
    /// OIDs of roles by their names.
    Roles,
}

impl Shown {
    /// The document that stands for it.
    fn mark(&self) -> String {
        match self {
            Self::Rows { relation, .. } => mark(relation),
            Self::Settings => json!({"settings": ""}).to_string(),
            // The key of a map of numbers.
            Self::Roles => json!({"roles": 0}).to_string(),
        }
    }

    /// The document as it is now.
    fn document(&self, facts: &dyn SessionFacts) -> String {
        match self {
            Self::Rows { relation, columns } => rows(relation, columns, facts),
            Self::Settings => {
                let settings: Map<String, Value> = facts
                    .settings()
                    .into_iter()
                    .map(|it| {
                        let shown = facts.setting(&it.name).unwrap_or(it.setting);
                        (it.name.to_lowercase(), Value::String(shown))
                    })
                    .collect();
                json!(settings).to_string()
            }
            Self::Roles => {
                let roles = roles(facts);
                let oids: Map<String, Value> = roles
                    .iter()
                    .map(|role| (role.name.to_owned(), json!(role.oid)))
                    .collect();
                json!(oids).to_string()
            }
        }
    }
}

/// A map that is one constant: a call with hundreds of arguments would be read again and again.
fn map(what: Shown, shape: &str, shown: &mut Vec<Shown>) -> Expr {
    let document = node::text(&what.mark());
    if !shown.contains(&what) {
        shown.push(what);
    }
    let shape = node::text(&json!(shape).to_string());
    node::call("", "from_json", vec![document, shape])
}

/// The roles that there are, as a map from names to OIDs.
pub(super) fn roles_by_name(shown: &mut Vec<Shown>) -> Expr {
    map(Shown::Roles, "MAP(VARCHAR, BIGINT)", shown)
}

/// `current_setting` of a name that only the rows tell; NULL for one that does not exist.
pub(super) fn setting_by_name(name: Expr, shown: &mut Vec<Shown>) -> Expr {
    let map = map(Shown::Settings, "MAP(VARCHAR, VARCHAR)", shown);
    let name = node::call("", "lower", vec![name]);
    node::call("", "map_extract_value", vec![map, name])
}

/// Notes that a statement shows these columns of a relation.
pub(super) fn note(
    shown: &mut Vec<Shown>,
    relation: &'static SystemRelation,
    columns: BTreeSet<&'static str>,
) {
    let known = shown.iter_mut().find_map(|it| match it {
        Shown::Rows {
            relation: known,
            columns,
        } if *known == relation => Some(columns),
        _ => None,
    });
    match known {
        Some(known) => known.extend(columns),
        None => shown.push(Shown::Rows { relation, columns }),
    }
}

/// A query in the place of a relation that shows sessions or users; `None` for every other relation.
pub(super) fn stand_in(relation: &'static SystemRelation) -> Option<Query> {
    if !NAMES.contains(&relation.name) {
        return None;
    }
    // Written by hand: the order of its columns is that of the relation.
    let shape: Vec<String> = relation
        .columns
        .iter()
        .map(|column| format!("{}:{}", json!(column.name), shape(column.ty)))
        .collect();
    let document = node::expr(ExprKind::ColumnRef(vec![DOCUMENT.to_owned()]));
    let shape = node::text(&format!("[{{{}}}]", shape.join(",")));
    let rows = node::call("", "from_json", vec![document, shape]);
    let depth = node::integer("INTEGER", 2).named("max_depth");
    let mut query = node::select(node::call("", "unnest", vec![rows, depth]));
    if let QueryBody::Select(select) = &mut query.body {
        select.from = TableRef {
            kind: TableRefKind::Values {
                rows: vec![vec![node::text(&mark(relation))]],
            },
            alias: DOCUMENT.to_owned(),
            column_aliases: vec![DOCUMENT.to_owned()],
            sample: None,
            location: None,
        };
    }
    Some(query)
}

/// The document that stands for the rows of a relation.
fn mark(relation: &SystemRelation) -> String {
    json!([format!("rows of {}", relation.name)]).to_string()
}

/// Puts rows in the place of what stands for them, in the text of a statement.
pub fn fill(sql: &mut String, shown: &[Shown], facts: &dyn SessionFacts) {
    for shown in shown {
        let document = shown.document(facts).replace('\'', "''");
        *sql = sql.replace(&format!("'{}'", shown.mark()), &format!("'{document}'"));
    }
}

/// Puts rows in the place of what stands for them, in the tree of a statement.
pub fn fill_tree(query: &mut Query, shown: &[Shown], facts: &dyn SessionFacts) {
    let rows: Vec<(String, String)> = shown
        .iter()
        .map(|shown| (shown.mark(), shown.document(facts)))
        .collect();
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let Some(text) = node::constant_text(expr)
            && let Some((_, rows)) = rows.iter().find(|(mark, _)| mark == text)
        {
            *expr = node::text(rows);
        }
        Descend::Into
    });
}

/// The rows of a relation as they are now.
fn rows(relation: &SystemRelation, wanted: &BTreeSet<&str>, facts: &dyn SessionFacts) -> String {
    let rows: Vec<Row> = match relation.name {
        "pg_settings" => facts.settings().iter().map(setting_row).collect(),
        "pg_roles" | "pg_authid" => roles(facts).iter().map(Role::row).collect(),
        // Those who can log in.
        "pg_user" | "pg_shadow" => {
            let mut users = roles(facts);
            users.retain(|role| role.can_login);
            users.iter().map(Role::row).collect()
        }
        "pg_stat_activity" => facts.sessions().iter().map(activity).collect(),
        "pg_stat_ssl" => facts.sessions().iter().map(encryption).collect(),
        "pg_prepared_statements" => facts.prepared().iter().map(prepared).collect(),
        "pg_cursors" => facts.cursors().iter().map(cursor).collect(),
        "executors" => facts.executors().iter().map(executor).collect(),
        _ => Vec::new(),
    };
    let rows: Vec<Map<String, Value>> = rows
        .into_iter()
        .map(|mut row| {
            if matches!(relation.name, "pg_authid" | "pg_shadow") {
                // Nothing that a program could set again; PostgreSQL's views show stars instead.
                row.remove("rolpassword");
                row.remove("passwd");
            }
            let cell = |column: &system::SystemColumn| {
                Some((column.name.to_owned(), row.remove(column.name)?))
            };
            let columns = relation.columns.iter();
            columns
                .filter(|column| wanted.contains(column.name))
                .filter_map(cell)
                .collect()
        })
        .collect();
    json!(rows).to_string()
}

/// What DuckDB reads the cells of a column of PostgreSQL's type `name` as.
fn shape(name: &str) -> Value {
    match name.strip_prefix('_') {
        Some(element) => json!([scalar(element)]),
        None => json!(scalar(name)),
    }
}

fn scalar(name: &str) -> &'static str {
    match name {
        "bool" => "BOOLEAN",
        "int4" => "INTEGER",
        "oid" | "int8" | "xid" | "regtype" => "BIGINT",
        "timestamptz" => "TIMESTAMP WITH TIME ZONE",
        "numeric" => "DECIMAL(38,0)",
        _ => "VARCHAR",
    }
}

fn setting_row(fact: &SettingFact) -> Row {
    let mut row = BTreeMap::from([
        ("name", json!(&fact.name)),
        ("setting", json!(&fact.setting)),
        ("unit", json!(fact.unit)),
        ("category", json!(&fact.category)),
        ("short_desc", json!(&fact.description)),
        ("context", json!(&fact.context)),
        ("vartype", json!(&fact.vartype)),
        ("source", json!(&fact.source)),
        ("min_val", json!(fact.min)),
        ("max_val", json!(fact.max)),
        ("boot_val", json!(&fact.boot)),
        ("reset_val", json!(&fact.reset)),
        ("pending_restart", json!(false)),
    ]);
    if let Some(words) = &fact.words {
        row.insert("enumvals", json!(words));
    }
    row
}

/// Somebody who owns something, or may log in, or whom PostgreSQL has from the start.
struct Role<'a> {
    name: &'a str,
    oid: u32,
    owner: bool,
    can_login: bool,
    connections_max: Option<usize>,
}

/// Every role: the owner, PostgreSQL's own, the users of the configuration, and who asks.
fn roles<'a>(facts: &'a dyn SessionFacts) -> Vec<Role<'a>> {
    let users = facts.users();
    let nobody_listed = users.is_empty();
    let mut roles = vec![Role {
        name: system::OWNER,
        oid: system::OWNER_OID,
        owner: true,
        can_login: nobody_listed || users.iter().any(|user| user.name == system::OWNER),
        connections_max: None,
    }];
    roles.extend(system::ROLES.iter().map(|(oid, name)| Role {
        name,
        oid: *oid,
        owner: false,
        can_login: false,
        connections_max: None,
    }));
    let mut add = |name: &'a str, oid, connections_max| {
        if !roles.iter().any(|role| role.name == name) {
            roles.push(Role {
                name,
                oid,
                owner: false,
                can_login: true,
                connections_max,
            });
        }
    };
    for user in users {
        let limit = Some(user.connections_max).filter(|limit| *limit > 0);
        add(&user.name, system::role_oid(&user.name), limit);
    }
    add(facts.user(), facts.user_oid(), None);
    roles
}

impl Role<'_> {
    /// With the column names of all four relations that list roles.
    fn row(&self) -> Row {
        let (oid, owner) = (self.oid, self.owner);
        let limit = self
            .connections_max
            .and_then(|limit| i64::try_from(limit).ok())
            .unwrap_or(-1);
        BTreeMap::from([
            ("oid", json!(oid)),
            ("usesysid", json!(oid)),
            ("rolname", json!(self.name)),
            ("usename", json!(self.name)),
            ("rolsuper", json!(owner)),
            ("usesuper", json!(owner)),
            ("rolinherit", json!(true)),
            ("rolcreaterole", json!(owner)),
            ("rolcreatedb", json!(owner)),
            ("usecreatedb", json!(owner)),
            ("rolcanlogin", json!(self.can_login)),
            ("rolreplication", json!(false)),
            ("userepl", json!(false)),
            ("rolbypassrls", json!(owner)),
            ("usebypassrls", json!(owner)),
            ("rolconnlimit", json!(limit)),
            ("rolpassword", json!("********")),
            ("passwd", json!("********")),
        ])
    }
}

fn activity(fact: &SessionFact) -> Row {
    let mut row = BTreeMap::from([
        ("datid", json!(system::DATABASE_OID)),
        ("datname", json!(&fact.database)),
        ("pid", json!(fact.process_id)),
        ("usesysid", json!(fact.user_oid)),
        ("usename", json!(&fact.user)),
        ("application_name", json!(&fact.application_name)),
        ("state", json!(fact.state)),
        ("query", json!(&fact.query)),
        ("backend_type", json!("client backend")),
    ]);
    if let Some((address, port)) = &fact.client {
        row.insert("client_addr", json!(address));
        row.insert("client_port", json!(port));
    }
    if let Some((kind, event)) = fact.wait_event {
        row.insert("wait_event_type", json!(kind));
        row.insert("wait_event", json!(event));
    }
    for (column, time) in [
        ("backend_start", &fact.backend_start),
        ("xact_start", &fact.transaction_start),
        ("query_start", &fact.query_start),
        ("state_change", &fact.state_change),
    ] {
        row.insert(column, json!(time));
    }
    row
}

fn encryption(fact: &SessionFact) -> Row {
    let mut row = BTreeMap::from([
        ("pid", json!(fact.process_id)),
        ("ssl", json!(fact.encryption.is_some())),
    ]);
    if let Some(EncryptionFact {
        version,
        cipher,
        bits,
    }) = fact.encryption
    {
        row.extend([
            ("version", json!(version)),
            ("cipher", json!(cipher)),
            ("bits", json!(bits)),
        ]);
    }
    row
}

fn prepared(fact: &PreparedFact) -> Row {
    BTreeMap::from([
        ("name", json!(fact.name)),
        ("statement", json!(fact.statement)),
        ("prepare_time", json!(fact.prepared)),
        ("parameter_types", json!(fact.parameter_types)),
        ("from_sql", json!(fact.from_sql)),
    ])
}

fn cursor(fact: &CursorFact) -> Row {
    BTreeMap::from([
        ("name", json!(fact.name)),
        ("statement", json!(fact.statement)),
        ("is_holdable", json!(fact.is_holdable)),
        ("is_binary", json!(fact.is_binary)),
        ("is_scrollable", json!(fact.is_scrollable)),
        ("creation_time", json!(fact.created)),
    ])
}

fn executor(fact: &ExecutorFact) -> Row {
    let mut row = BTreeMap::from([
        ("name", json!(&fact.name)),
        ("address", json!(fact.address)),
        ("state", json!(&fact.state)),
        ("last_error", json!(fact.last_error)),
    ]);
    let versions = [
        ("skein_version", &fact.skein_version),
        ("duckdb_version", &fact.duckdb_version),
    ];
    for (column, version) in versions {
        row.insert(column, json!(version));
    }
    for (column, count) in [
        ("running_fragments", fact.running_fragments),
        ("fragments", fact.fragments),
        ("bytes_sent", fact.bytes_sent),
        ("failures", fact.failures),
    ] {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        row.insert(column, json!(count));
    }
    for (column, time) in [
        ("last_seen", &fact.last_seen),
        ("last_failure", &fact.last_failure),
    ] {
        row.insert(column, json!(time));
    }
    row
}
