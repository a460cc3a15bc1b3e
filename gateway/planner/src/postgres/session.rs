//! Functions and keywords whose value belongs to the session: written in as constants, so that a
//! statement means the same wherever it runs.

use std::net::SocketAddr;

use super::{ConfigValue, Context, RewriteError, SessionFacts, SetConfig, node, session_rows};
use crate::ast::visit::Descend;
use crate::ast::{Expr, ExprKind, Function, Query, QueryBody, print};

/// Names that PostgreSQL reads as calls without parentheses.
const KEYWORDS: &[&str] = &[
    "current_user",
    "session_user",
    "user",
    "current_role",
    "current_catalog",
    "current_schema",
];

/// Gives result columns that are about to become constants the name PostgreSQL gives them.
pub(super) fn name_outputs(query: &mut Query, context: &Context<'_>) {
    let QueryBody::Select(select) = &mut query.body else {
        return;
    };
    for expr in &mut select.select_list {
        super::sets::name_output(expr);
        if !expr.alias.is_empty() {
            continue;
        }
        let name = match &expr.kind {
            ExprKind::ColumnRef(_) => keyword(expr, context),
            ExprKind::Function(call)
                if is_session_call(call) || super::catalogue::is_true_type(call) =>
            {
                Some(call.name.clone())
            }
            _ => None,
        };
        if let Some(name) = name {
            expr.alias = name;
        }
    }
}

/// Rewrites `current_user` and the like, and drops the schema from `pg_catalog.pg_class.oid`.
pub(super) fn column(expr: &mut Expr, context: &mut Context<'_>) -> Descend {
    if let Some(name) = keyword(expr, context) {
        let value = match name.as_str() {
            "current_catalog" => node::text(context.facts.database()),
            "current_schema" => {
                node::text_or_null(context.facts.schemas().first().map(String::as_str))
            }
            _ => node::text(context.facts.user()),
        };
        note(&name, context);
        replace(expr, value);
        return Descend::Over;
    }
    super::catalogue::column(expr);
    Descend::Into
}

fn keyword(expr: &Expr, context: &Context<'_>) -> Option<String> {
    let ExprKind::ColumnRef(names) = &expr.kind else {
        return None;
    };
    let [name] = names.as_slice() else {
        return None;
    };
    let name = name.to_ascii_lowercase();
    if !KEYWORDS.contains(&name.as_str()) {
        return None;
    }
    // In double quotes it is the name of a column.
    let quoted = expr
        .location
        .and_then(|location| context.text.as_bytes().get(location))
        .is_some_and(|byte| *byte == b'"');
    (!quoted).then_some(name)
}

fn is_session_call(call: &Function) -> bool {
    (call.schema.is_empty() || call.schema == "pg_catalog" || call.schema == "main")
        && !call.is_operator
        && matches!(
            call.name.as_str(),
            "version"
                | "current_user"
                | "session_user"
                | "current_role"
                | "user"
                | "current_database"
                | "current_catalog"
                | "current_schema"
                | "current_schemas"
                | "current_setting"
                | "set_config"
                | "pg_backend_pid"
                | "pg_postmaster_start_time"
                | "pg_conf_load_time"
                | "inet_client_addr"
                | "inet_client_port"
                | "inet_server_addr"
                | "inet_server_port"
                | "pg_export_snapshot"
                | "txid_current"
        )
}

/// Rewrites calls such as `version()` and `current_setting('x')`.
pub(super) fn function(expr: &mut Expr, context: &mut Context<'_>) -> Descend {
    let location = expr.location;
    let ExprKind::Function(call) = &expr.kind else {
        return Descend::Into;
    };
    if !is_session_call(call) {
        return Descend::Into;
    }
    let name = call.name.clone();
    match value(call, location, context) {
        Ok(Some(value)) => {
            note(&name, context);
            replace(expr, value);
            Descend::Over
        }
        Ok(None) => Descend::Into,
        Err(error) => {
            context.error = Some(error);
            Descend::Over
        }
    }
}

/// Notes on what the value of a session's function depends.
pub(super) fn note(function: &str, context: &mut Context<'_>) {
    match function {
        // Settings are noted where their names are known. All others are the same as long as the
        // session lasts, and in every session of the user in the database.
        "current_setting"
        | "version"
        | "current_user"
        | "session_user"
        | "current_role"
        | "user"
        | "current_database"
        | "current_catalog"
        | "pg_postmaster_start_time"
        | "pg_conf_load_time"
        | "txid_current"
        | "pg_export_snapshot" => {}
        "current_schema" | "current_schemas" => _ = context.setting("search_path"),
        _ => context.found.session = true,
    }
}

/// The value of a session's function; `None` when it is called as none of these is.
pub(super) fn value(
    call: &Function,
    position: Option<usize>,
    context: &mut Context<'_>,
) -> Result<Option<Expr>, RewriteError> {
    if !is_session_call(call) {
        return Ok(None);
    }
    let facts = context.facts;
    let constant = |index: usize| {
        node::constant_text(&call.args[index]).ok_or_else(|| RewriteError::NotConstant {
            function: call.name.clone(),
            position,
        })
    };
    Ok(Some(match (call.name.as_str(), call.args.len()) {
        ("version", 0) => node::text(&facts.version()),
        ("current_user" | "session_user" | "current_role" | "user", 0) => node::text(facts.user()),
        ("current_database" | "current_catalog", 0) => node::text(facts.database()),
        ("current_schema", 0) => node::text_or_null(facts.schemas().first().map(String::as_str)),
        ("current_schemas", 1) => {
            let schemas = if node::constant_bool(&call.args[0]).unwrap_or(true) {
                facts.path()
            } else {
                facts.schemas()
            };
            let schemas = schemas.iter().map(|schema| node::text(schema)).collect();
            node::cast(node::array(schemas), node::list_type("VARCHAR"))
        }
        ("current_setting", 1 | 2) => {
            let Some(name) = node::constant_text(&call.args[0]) else {
                let name = call.args[0].clone();
                let shown = &mut context.found.shown;
                return Ok(Some(session_rows::setting_by_name(name, shown)));
            };
            let missing_ok = call
                .args
                .get(1)
                .and_then(node::constant_bool)
                .unwrap_or(false);
            let name = name.to_owned();
            match context.setting(&name) {
                Some(value) => node::text(&value),
                None if missing_ok => node::text_or_null(None),
                None => {
                    return Err(RewriteError::UnknownSetting { name, position });
                }
            }
        }
        ("set_config", 3) => {
            let parameter = |at: usize| match &call.args[at].kind {
                ExprKind::Parameter(number) => number.parse().ok().map(ConfigValue::Parameter),
                _ => None,
            };
            let [name, value] = [0, 1].map(|at| match parameter(at) {
                Some(parameter) => Ok(parameter),
                None => constant(at).map(|text| ConfigValue::Constant(text.to_owned())),
            });
            let local = parameter(2).unwrap_or_else(|| {
                let local = node::constant_bool(&call.args[2]).unwrap_or(false);
                ConfigValue::Constant(local.to_string())
            });
            let change = SetConfig {
                name: name?,
                value: value?,
                local,
            };
            let shown = shown_setting(&call.args, &change);
            context.found.set_config.push(change);
            shown
        }
        ("pg_backend_pid", 0) => node::integer("INTEGER", facts.backend_pid().into()),
        ("pg_postmaster_start_time" | "pg_conf_load_time", 0) => node::cast(
            node::text(&facts.started()),
            node::plain_type("TIMESTAMP WITH TIME ZONE"),
        ),
        ("inet_client_addr" | "inet_server_addr", 0) => {
            let address = address(&call.name, facts).map(|address| address.ip().to_string());
            node::text_or_null(address.as_deref())
        }
        ("inet_client_port" | "inet_server_port", 0) => match address(&call.name, facts) {
            Some(address) => node::integer("INTEGER", address.port().into()),
            None => node::cast(node::null(), node::plain_type("INTEGER")),
        },
        // There are no writes, hence one transaction and one snapshot of it.
        ("txid_current", 0) => node::integer("BIGINT", 3),
        ("pg_export_snapshot", 0) => node::text("00000003-00000001-1"),
        _ => return Ok(None),
    }))
}

/// What `set_config` returns. Parameters that say something else stay, with their types.
fn shown_setting(args: &[Expr], change: &SetConfig) -> Expr {
    let text = |at: usize| node::cast(args[at].clone(), node::plain_type("VARCHAR"));
    let shown = match &change.value {
        ConfigValue::Constant(value) => node::text(value),
        ConfigValue::Parameter(_) => text(1),
    };
    let is_parameter = |value: &ConfigValue| matches!(value, ConfigValue::Parameter(_));
    let mut others = Vec::new();
    if is_parameter(&change.name) {
        others.push(text(0));
    }
    if is_parameter(&change.local) {
        let local = node::cast(args[2].clone(), node::plain_type("BOOLEAN"));
        others.push(node::cast(local, node::plain_type("VARCHAR")));
    }
    if others.is_empty() {
        return shown;
    }
    others.insert(0, shown);
    node::call(
        "",
        "list_extract",
        vec![node::array(others), Expr::integer(1)],
    )
}

/// Takes `set_config(name, …) FROM …` out of a list of results: a setting for each row. Arguments that
/// are constants or parameters are left to [`value`].
pub(super) fn configure_by_rows(query: &mut Query, context: &mut Context<'_>) {
    let is_by_rows = |expr: &Expr| match &expr.kind {
        ExprKind::Function(call) if call.name == "set_config" && is_session_call(call) => {
            let mut args = call.args.iter();
            call.args.len() == 3 && args.any(|arg| matches!(arg.kind, ExprKind::ColumnRef(_)))
        }
        _ => false,
    };
    let QueryBody::Select(select) = &query.body else {
        return;
    };
    let Some(at) = select.select_list.iter().position(is_by_rows) else {
        return;
    };
    let mut asked = query.clone();
    let QueryBody::Select(select) = &mut asked.body else {
        return;
    };
    let mut list = std::mem::take(&mut select.select_list);
    let ExprKind::Function(call) = list.swap_remove(at).kind else {
        return;
    };
    let parts = call.args.iter().map(|arg| {
        let text = node::cast(arg.clone(), node::plain_type("VARCHAR"));
        let parts = vec![text, node::text("")];
        node::expr(ExprKind::Operator {
            op: "OPERATOR_COALESCE".to_owned(),
            children: parts,
        })
    });
    let parts = node::array(parts.collect());
    select.select_list = vec![node::call("", "unnest", vec![parts])];
    context.found.set_config_rows = Some(print::query_sql(&asked));
    context.found.session = true;
    let QueryBody::Select(select) = &mut query.body else {
        return;
    };
    let alias = std::mem::take(&mut select.select_list[at].alias);
    let [_, value, _] = call.args.try_into().expect("counted above");
    let mut shown = node::cast(value, node::plain_type("VARCHAR"));
    shown.alias = if alias.is_empty() {
        "set_config".to_owned()
    } else {
        alias
    };
    select.select_list[at] = shown;
}

/// The address that a function is about.
fn address(function: &str, facts: &dyn SessionFacts) -> Option<SocketAddr> {
    let [client, server] = facts.addresses();
    if function.starts_with("inet_client") {
        client
    } else {
        server
    }
}

fn replace(expr: &mut Expr, mut value: Expr) {
    value.alias = std::mem::take(&mut expr.alias);
    value.location = expr.location;
    *expr = value;
}
