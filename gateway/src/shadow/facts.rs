//! What a statement may learn about its session, for [`skein_planner::postgres`].

use std::net::SocketAddr;

use skein_catalog::relation::RelationName;
use skein_catalog::snapshot::CatalogSnapshot;
use skein_catalog::system::{self, Oids};
use skein_planner::postgres::{
    CursorFact, ExecutorFact, PreparedFact, SessionFact, SessionFacts, SettingFact, UserFact,
};

use crate::executors::KnownExecutors;
use crate::session::activity::Sessions;
use crate::session::settings::table::{Kind, SERVER_VERSION};
use crate::session::settings::{SettingRow, Settings, value};

/// The facts of one session at one moment.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Its settings.
    pub settings: &'a Settings,
    /// What it sees, for the schemas that exist.
    pub snapshot: &'a CatalogSnapshot,
    /// Its user.
    pub user: &'a str,
    /// The database it asked for.
    pub database: &'a str,
    /// Its number in `BackendKeyData`.
    pub backend_pid: i32,
    /// All sessions.
    pub sessions: &'a Sessions,
    /// What the session has prepared and declared.
    pub names: &'a NameFacts,
    /// Users of the configuration.
    pub users: &'a [UserFact],
    /// All executors.
    pub executors: &'a KnownExecutors,
    /// Names the statement that runs to functions that act on sessions.
    pub token: &'a str,
    /// Where the client is, and where it has reached the server.
    pub addresses: [Option<SocketAddr>; 2],
    /// When the gateway started: `2026-01-01 12:00:00+00`.
    pub started: &'a str,
}

/// Prepared statements and cursors of a session.
#[derive(Clone, Debug, Default)]
pub struct NameFacts {
    /// Rows of `pg_prepared_statements`.
    pub prepared: Vec<PreparedFact>,
    /// Rows of `pg_cursors`.
    pub cursors: Vec<CursorFact>,
}

impl SessionFacts for Facts<'_> {
    fn user(&self) -> &str {
        self.user
    }

    fn database(&self) -> &str {
        self.database
    }

    fn backend_pid(&self) -> i32 {
        self.backend_pid
    }

    fn version(&self) -> String {
        version()
    }

    fn schemas(&self) -> Vec<String> {
        // Skein's own schema is never searched: "$user" would find it for a user of that name.
        let exists = |schema: &str| {
            matches!(
                schema,
                "public" | "pg_catalog" | "information_schema" | "pg_toast"
            ) || self
                .snapshot
                .relations
                .keys()
                .any(|name| name.schema == schema)
        };
        let mut schemas: Vec<String> = Vec::new();
        for schema in self.settings.search_path() {
            if exists(&schema) && !schemas.contains(&schema) {
                schemas.push(schema);
            }
        }
        schemas
    }

    fn relation(&self, schema: &str, name: &str) -> Option<(u32, Vec<String>)> {
        let schemas = match schema {
            "" => self.settings.search_path(),
            schema => vec![schema.to_owned()],
        };
        let found = schemas.into_iter().find_map(|schema| {
            let name = RelationName {
                schema,
                name: name.to_owned(),
            };
            self.snapshot.relations.get(&name)
        })?;
        let oid = *Oids::of(self.snapshot).relations.get(&found.name)?;
        let columns = found.columns.iter();
        Some((oid, columns.map(|column| column.name.clone()).collect()))
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.show(name).ok()
    }

    fn settings(&self) -> Vec<SettingFact> {
        self.settings.rows().into_iter().map(fact).collect()
    }

    fn started(&self) -> String {
        self.started.to_owned()
    }

    fn zone_abbreviations(&self) -> Vec<(i32, String)> {
        let zone = self.settings.zone();
        zone.map_or_else(Vec::new, |zone| zone.abbreviations())
    }

    fn user_oid(&self) -> u32 {
        system::role_oid(self.user)
    }

    fn users(&self) -> &[UserFact] {
        self.users
    }

    fn sessions(&self) -> Vec<SessionFact> {
        self.sessions.seen_by(self.backend_pid)
    }

    fn prepared(&self) -> &[PreparedFact] {
        &self.names.prepared
    }

    fn cursors(&self) -> &[CursorFact] {
        &self.names.cursors
    }

    fn executors(&self) -> Vec<ExecutorFact> {
        self.executors.facts()
    }

    fn addresses(&self) -> [Option<SocketAddr>; 2] {
        self.addresses
    }

    fn token(&self) -> String {
        self.token.to_owned()
    }
}

/// What `version()` returns. Clients read the first number after the first word.
pub fn version() -> String {
    format!(
        "PostgreSQL {SERVER_VERSION} (Skein {}, DuckDB {})",
        env!("CARGO_PKG_VERSION"),
        skein_executor::engine::Database::version().trim_start_matches('v')
    )
}

fn fact(row: SettingRow) -> SettingFact {
    let definition = row.definition;
    let (vartype, min, max, words) = match definition.kind {
        Kind::Bool => ("bool", None, None, None),
        Kind::Integer { min, max } => (
            "integer",
            Some(min.to_string()),
            Some(max.to_string()),
            None,
        ),
        Kind::Real { min, max } => ("real", Some(real(min)), Some(real(max)), None),
        Kind::Enum(words) => (
            "enum",
            None,
            None,
            Some(words.iter().map(|word| (*word).to_owned()).collect()),
        ),
        Kind::Name
        | Kind::Text
        | Kind::Identifiers
        | Kind::Encoding
        | Kind::DateStyle
        | Kind::TimeZone
        | Kind::Role => ("string", None, None, None),
    };
    SettingFact {
        name: definition.name.to_owned(),
        setting: row.stored,
        unit: definition.unit.name().map(str::to_owned),
        category: definition.category.to_owned(),
        description: definition.description.to_owned(),
        context: definition.context.name().to_owned(),
        vartype: vartype.to_owned(),
        source: if row.changed { "session" } else { "default" }.to_owned(),
        min,
        max,
        words,
        boot: definition.default.to_owned(),
        reset: row.reset,
    }
}

/// A bound as PostgreSQL prints it.
fn real(bound: f64) -> String {
    if bound >= f64::MAX {
        "1.79769e+308".to_owned()
    } else {
        format!("{bound}")
    }
}

/// The value of a row as `SHOW ALL` prints it.
pub fn shown(row: &SettingRow) -> String {
    value::shown(row.definition, &row.stored)
}
