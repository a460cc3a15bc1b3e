//! The rows of catalogue relations that show sessions and users: settings, roles, what runs.
//!
//! They are written into the statement as values, because every session sees other ones; the
//! shadow database has the relations, but they are empty there.

use std::collections::BTreeMap;

use skein_catalog::system::{self, SystemRelation};

use super::{Context, ExecutorFact, SessionFact, SessionFacts, SettingFact, node};
use crate::ast::Expr;

/// The rows of a relation that shows the session; `None` for every other.
pub(super) fn of(relation: &SystemRelation, context: &Context<'_>) -> Option<Vec<Vec<Expr>>> {
    let facts = context.facts;
    let cells: Vec<BTreeMap<&str, Expr>> = match relation.name {
        "pg_settings" => facts.settings().iter().map(setting_row).collect(),
        "pg_roles" | "pg_authid" => roles(facts).iter().map(Role::row).collect(),
        // Those who can log in.
        "pg_user" | "pg_shadow" => {
            let mut users = roles(facts);
            users.retain(|role| role.can_login);
            users.iter().map(Role::row).collect()
        }
        "pg_stat_activity" => facts.sessions().iter().map(activity).collect(),
        "executors" => facts.executors().iter().map(executor).collect(),
        _ => return None,
    };
    let row = |mut cells: BTreeMap<&str, Expr>| {
        relation
            .columns
            .iter()
            .map(|column| {
                cells.remove(column.name).unwrap_or_else(|| {
                    node::cast(node::null(), crate::ast::DataType(null_type(column.ty)))
                })
            })
            .collect()
    };
    Some(cells.into_iter().map(row).collect())
}

/// The type of a NULL in a column of PostgreSQL's type `name`.
fn null_type(name: &str) -> serde_json::Value {
    match name.strip_prefix('_') {
        Some(element) => node::list_type(scalar(element)).0,
        None => node::plain_type(scalar(name)).0,
    }
}

fn scalar(name: &str) -> &'static str {
    match name {
        "bool" => "BOOLEAN",
        "int4" => "INTEGER",
        "oid" | "int8" | "xid" => "BIGINT",
        "timestamptz" => "TIMESTAMP WITH TIME ZONE",
        _ => "VARCHAR",
    }
}

fn setting_row(fact: &SettingFact) -> BTreeMap<&'static str, Expr> {
    let mut row = BTreeMap::from([
        ("name", node::text(&fact.name)),
        ("setting", node::text(&fact.setting)),
        ("unit", node::text_or_null(fact.unit.as_deref())),
        ("category", node::text(&fact.category)),
        ("short_desc", node::text(&fact.description)),
        ("context", node::text(&fact.context)),
        ("vartype", node::text(&fact.vartype)),
        ("source", node::text(&fact.source)),
        ("min_val", node::text_or_null(fact.min.as_deref())),
        ("max_val", node::text_or_null(fact.max.as_deref())),
        ("boot_val", node::text(&fact.boot)),
        ("reset_val", node::text(&fact.reset)),
        ("pending_restart", node::boolean(false)),
    ]);
    if let Some(words) = &fact.words {
        let words = words.iter().map(|word| node::text(word)).collect();
        row.insert(
            "enumvals",
            node::cast(node::array(words), node::list_type("VARCHAR")),
        );
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
    fn row(&self) -> BTreeMap<&'static str, Expr> {
        let (oid, owner) = (self.oid.into(), self.owner);
        let limit = self
            .connections_max
            .and_then(|limit| i64::try_from(limit).ok())
            .unwrap_or(-1);
        BTreeMap::from([
            ("oid", node::integer("BIGINT", oid)),
            ("usesysid", node::integer("BIGINT", oid)),
            ("rolname", node::text(self.name)),
            ("usename", node::text(self.name)),
            ("rolsuper", node::boolean(owner)),
            ("usesuper", node::boolean(owner)),
            ("rolinherit", node::boolean(true)),
            ("rolcreaterole", node::boolean(owner)),
            ("rolcreatedb", node::boolean(owner)),
            ("usecreatedb", node::boolean(owner)),
            ("rolcanlogin", node::boolean(self.can_login)),
            ("rolreplication", node::boolean(false)),
            ("userepl", node::boolean(false)),
            ("rolbypassrls", node::boolean(owner)),
            ("usebypassrls", node::boolean(owner)),
            ("rolconnlimit", node::integer("INTEGER", limit)),
            ("rolpassword", node::text("********")),
            ("passwd", node::text("********")),
        ])
    }
}

fn activity(fact: &SessionFact) -> BTreeMap<&'static str, Expr> {
    let mut row = BTreeMap::from([
        ("datid", node::integer("BIGINT", 5)),
        ("datname", node::text(&fact.database)),
        ("pid", node::integer("INTEGER", fact.process_id.into())),
        ("usesysid", node::integer("BIGINT", fact.user_oid.into())),
        ("usename", node::text(&fact.user)),
        ("application_name", node::text(&fact.application_name)),
        ("state", node::text_or_null(fact.state)),
        ("query", node::text(&fact.query)),
        ("backend_type", node::text("client backend")),
    ]);
    if let Some((address, port)) = &fact.client {
        row.insert("client_addr", node::text(address));
        row.insert("client_port", node::integer("INTEGER", (*port).into()));
    }
    if let Some((kind, event)) = fact.wait_event {
        row.insert("wait_event_type", node::text(kind));
        row.insert("wait_event", node::text(event));
    }
    for (column, time) in [
        ("backend_start", &fact.backend_start),
        ("xact_start", &fact.transaction_start),
        ("query_start", &fact.query_start),
        ("state_change", &fact.state_change),
    ] {
        if let Some(time) = time {
            let ty = node::plain_type("TIMESTAMP WITH TIME ZONE");
            row.insert(column, node::cast(node::text(time), ty));
        }
    }
    row
}

fn executor(fact: &ExecutorFact) -> BTreeMap<&'static str, Expr> {
    let mut row = BTreeMap::from([
        ("name", node::text(&fact.name)),
        ("address", node::text_or_null(fact.address.as_deref())),
        ("state", node::text(&fact.state)),
        ("last_error", node::text_or_null(fact.last_error.as_deref())),
    ]);
    let versions = [
        ("skein_version", &fact.skein_version),
        ("duckdb_version", &fact.duckdb_version),
    ];
    for (column, version) in versions {
        row.insert(column, node::text_or_null(version.as_deref()));
    }
    for (column, count) in [
        ("running_fragments", fact.running_fragments),
        ("fragments", fact.fragments),
        ("bytes_sent", fact.bytes_sent),
        ("failures", fact.failures),
    ] {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        row.insert(column, node::integer("BIGINT", count));
    }
    for (column, time) in [
        ("last_seen", &fact.last_seen),
        ("last_failure", &fact.last_failure),
    ] {
        if let Some(time) = time {
            let ty = node::plain_type("TIMESTAMP WITH TIME ZONE");
            row.insert(column, node::cast(node::text(time), ty));
        }
    }
    row
}
