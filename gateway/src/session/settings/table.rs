//! The settings that exist: one row each, in the order of their names.
//!
//! Names, value sets, units and defaults are PostgreSQL 15's, because clients read and set them by
//! those. A setting that steers nothing in Skein is still here when clients are known to use it:
//! refusing `SET extra_float_digits` would refuse the client. Settings of Skein itself start with
//! `skein.`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

mod inert;

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `on` or `off`, with PostgreSQL's other spellings accepted.
    Bool,
    /// A whole number within bounds, counted in the unit.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A name: printable ASCII, cut to PostgreSQL's length.
    Name,
    /// A number within bounds.
    Real {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Any text.
    Text,
    /// A list of identifiers.
    Identifiers,
    /// `client_encoding`: UTF-8 under any of its names.
    Encoding,
    /// `DateStyle`: output style and field order.
    DateStyle,
    /// `TimeZone`: a zone name or a fixed offset.
    TimeZone,
    /// `role` and `session_authorization`: the session's own user.
    Role,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing in particular.
    None,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Bytes.
    Bytes,
    /// Kibibytes.
    Kilobytes,
    /// Mebibytes.
    Megabytes,
    /// Blocks of 8 KiB.
    Blocks,
}

impl Unit {
    /// As `pg_settings.unit` shows it.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Milliseconds => Some("ms"),
            Self::Seconds => Some("s"),
            Self::Minutes => Some("min"),
            Self::Bytes => Some("B"),
            Self::Kilobytes => Some("kB"),
            Self::Megabytes => Some("MB"),
            Self::Blocks => Some("8kB"),
        }
    }
}

/// Who may change a setting, and when; PostgreSQL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Never: it states a fact.
    Internal,
    /// Only by the configuration, before the gateway starts.
    Postmaster,
    /// Only by the configuration.
    Sighup,
    /// Only when a client connects, and PostgreSQL asks for a superuser.
    SuperuserBackend,
    /// Only when a client connects.
    Backend,
    /// PostgreSQL asks for a superuser.
    Superuser,
    /// Anyone, at any time.
    User,
}

impl Context {
    /// As `pg_settings.context` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Postmaster => "postmaster",
            Self::Sighup => "sighup",
            Self::SuperuserBackend => "superuser-backend",
            Self::Backend => "backend",
            Self::Superuser => "superuser",
            Self::User => "user",
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// As PostgreSQL spells it; compared without regard to case.
    pub name: &'static str,
    /// What values look like.
    pub kind: Kind,
    /// What numbers count.
    pub unit: Unit,
    /// Who may change it.
    pub context: Context,
    /// Reported to the client by ParameterStatus whenever it changes.
    pub reported: bool,
    /// Its value when nobody has set it, in the form of `pg_settings.boot_val`.
    pub default: &'static str,
    /// Heading under which `pg_settings` lists it.
    pub category: &'static str,
    /// One sentence for `SHOW ALL` and `pg_settings`.
    pub description: &'static str,
}

/// The version of PostgreSQL whose behaviour Skein follows.
pub const SERVER_VERSION: &str = "15.18";
/// The same as a number.
pub const SERVER_VERSION_NUM: &str = "150018";

const CLIENT: &str = "Client Connection Defaults / Statement Behavior";
const LOCALE: &str = "Client Connection Defaults / Locale and Formatting";
const PRESET: &str = "Preset Options";
const CONNECTION: &str = "Connections and Authentication / Connection Settings";
const PLANNER: &str = "Query Tuning / Planner Method Configuration";
const COSTS: &str = "Query Tuning / Planner Cost Constants";
const PLANNER_OTHER: &str = "Query Tuning / Other Planner Options";
const MEMORY: &str = "Resource Usage / Memory";
const PARALLEL: &str = "Resource Usage / Asynchronous Behavior";
const LOGGING: &str = "Reporting and Logging / What to Log";
const COMPATIBILITY: &str = "Version and Platform Compatibility / Previous PostgreSQL Versions";
const WAL: &str = "Write-Ahead Log / Settings";
const FILES: &str = "File Locations";
const SPLITTING: &str = "Skein / Splitting";

const LEVELS: &[&str] = &[
    "debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error",
];
const ISOLATION: &[&str] = &[
    "serializable",
    "repeatable read",
    "read committed",
    "read uncommitted",
];

const fn row(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    category: &'static str,
    description: &'static str,
) -> Definition {
    Definition {
        name,
        kind,
        unit: Unit::None,
        context: Context::User,
        reported: false,
        default,
        category,
        description,
    }
}

impl Definition {
    const fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }
    const fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }
    const fn reported(mut self) -> Self {
        self.reported = true;
        self
    }
}

const fn int(min: i64, max: i64) -> Kind {
    Kind::Integer { min, max }
}
const fn real(max: f64) -> Kind {
    Kind::Real { min: 0.0, max }
}
const ANY_TIME: Kind = int(0, 2_147_483_647);

use Context::{Internal, Postmaster, Sighup, Superuser};
use Kind::{Bool, Enum, Identifiers, Text};

/// Every setting that steers something, or that clients set; ordered by name without regard to case.
#[rustfmt::skip]
const DEFINITIONS: &[Definition] = &[
    row("application_name", Kind::Name, "", LOGGING, "Name that the client gives itself.").reported(),
    row("array_nulls", Bool, "on", COMPATIBILITY, "Reads NULL in array text as a null element."),
    row("backslash_quote", Enum(&["safe_encoding", "on", "off"]), "safe_encoding", COMPATIBILITY, "Whether \\' is accepted in string literals."),
    row("block_size", int(8192, 8192), "8192", PRESET, "Size of a disk block.").context(Internal),
    row("bytea_output", Enum(&["escape", "hex"]), "hex", CLIENT, "Text form of bytea values."),
    row("check_function_bodies", Bool, "on", CLIENT, "Without effect: functions cannot be created."),
    row("client_connection_check_interval", ANY_TIME, "0", CONNECTION, "Without effect: a client that leaves is always noticed.").unit(Unit::Milliseconds),
    row("client_encoding", Kind::Encoding, "UTF8", LOCALE, "Encoding of the client; always UTF8.").reported(),
    row("client_min_messages", Enum(LEVELS), "notice", CLIENT, "Least severity of notices sent to the client."),
    row("constraint_exclusion", Enum(&["partition", "on", "off"]), "partition", PLANNER_OTHER, "Without effect."),
    row("cpu_index_tuple_cost", real(f64::MAX), "0.005", COSTS, "Without effect: DuckDB estimates costs."),
    row("cpu_operator_cost", real(f64::MAX), "0.0025", COSTS, "Without effect: DuckDB estimates costs."),
    row("cpu_tuple_cost", real(f64::MAX), "0.01", COSTS, "Without effect: DuckDB estimates costs."),
    row("cursor_tuple_fraction", real(1.0), "0.1", PLANNER_OTHER, "Without effect: DuckDB estimates costs."),
    row("data_checksums", Bool, "off", PRESET, "Whether data pages carry checksums.").context(Internal),
    row("data_directory", Text, "", FILES, "Empty: Skein owns no data.").context(Postmaster),
    row("DateStyle", Kind::DateStyle, "ISO, MDY", LOCALE, "Text form of dates and times, and how ambiguous input is read.").reported(),
    row("debug_assertions", Bool, "off", PRESET, "Whether assertions were compiled in.").context(Internal),
    row("default_statistics_target", int(1, 10_000), "100", PLANNER_OTHER, "Without effect."),
    row("default_table_access_method", Text, "heap", CLIENT, "Without effect: tables cannot be created."),
    row("default_tablespace", Text, "", CLIENT, "Without effect: tables cannot be created."),
    row("default_text_search_config", Text, "pg_catalog.simple", LOCALE, "Without effect."),
    row("default_toast_compression", Enum(&["pglz", "lz4"]), "pglz", CLIENT, "Without effect: tables cannot be created."),
    row("default_transaction_deferrable", Bool, "off", CLIENT, "Deferrable status of new transactions."),
    row("default_transaction_isolation", Enum(ISOLATION), "read committed", CLIENT, "Isolation level of new transactions; every block sees one snapshot of files."),
    row("default_transaction_read_only", Bool, "off", CLIENT, "Read-only status of new transactions.").reported(),
    row("effective_cache_size", int(1, 2_147_483_647), "524288", COSTS, "Without effect: DuckDB estimates costs.").unit(Unit::Blocks),
    row("effective_io_concurrency", int(0, 1000), "1", PARALLEL, "Without effect."),
    row("enable_async_append", Bool, "on", PLANNER, "Without effect."),
    row("enable_bitmapscan", Bool, "on", PLANNER, "Without effect."),
    row("enable_gathermerge", Bool, "on", PLANNER, "Without effect."),
    row("enable_hashagg", Bool, "on", PLANNER, "Without effect."),
    row("enable_hashjoin", Bool, "on", PLANNER, "Without effect."),
    row("enable_incremental_sort", Bool, "on", PLANNER, "Without effect."),
    row("enable_indexonlyscan", Bool, "on", PLANNER, "Without effect."),
    row("enable_indexscan", Bool, "on", PLANNER, "Without effect."),
    row("enable_material", Bool, "on", PLANNER, "Without effect."),
    row("enable_memoize", Bool, "on", PLANNER, "Without effect."),
    row("enable_mergejoin", Bool, "on", PLANNER, "Without effect."),
    row("enable_nestloop", Bool, "on", PLANNER, "Without effect."),
    row("enable_parallel_append", Bool, "on", PLANNER, "Without effect."),
    row("enable_parallel_hash", Bool, "on", PLANNER, "Without effect."),
    row("enable_partition_pruning", Bool, "on", PLANNER, "Without effect: files are always pruned."),
    row("enable_partitionwise_aggregate", Bool, "off", PLANNER, "Without effect."),
    row("enable_partitionwise_join", Bool, "off", PLANNER, "Without effect."),
    row("enable_seqscan", Bool, "on", PLANNER, "Without effect."),
    row("enable_sort", Bool, "on", PLANNER, "Without effect."),
    row("enable_tidscan", Bool, "on", PLANNER, "Without effect."),
    row("escape_string_warning", Bool, "on", COMPATIBILITY, "Without effect."),
    row("extra_float_digits", int(-15, 3), "1", LOCALE, "Digits of floats in text; above zero prints the shortest exact form."),
    row("force_parallel_mode", Enum(&["off", "on", "regress"]), "off", PLANNER_OTHER, "Without effect: DuckDB decides."),
    row("from_collapse_limit", int(1, 2_147_483_647), "8", PLANNER_OTHER, "Without effect."),
    row("geqo", Bool, "on", PLANNER_OTHER, "Without effect."),
    row("geqo_effort", int(1, 10), "5", PLANNER_OTHER, "Without effect."),
    row("geqo_generations", ANY_TIME, "0", PLANNER_OTHER, "Without effect."),
    row("geqo_pool_size", ANY_TIME, "0", PLANNER_OTHER, "Without effect."),
    row("geqo_seed", real(1.0), "0", PLANNER_OTHER, "Without effect."),
    row("geqo_selection_bias", Kind::Real { min: 1.5, max: 2.0 }, "2", PLANNER_OTHER, "Without effect."),
    row("geqo_threshold", int(2, 2_147_483_647), "12", PLANNER_OTHER, "Without effect."),
    row("hash_mem_multiplier", Kind::Real { min: 1.0, max: 1000.0 }, "2", MEMORY, "Without effect: memory is limited per executor."),
    row("hot_standby", Bool, "on", CONNECTION, "Whether a standby takes queries.").context(Postmaster),
    row("idle_in_transaction_session_timeout", ANY_TIME, "0", CLIENT, "Longest time a session may idle in a transaction; 0: no limit.").unit(Unit::Milliseconds),
    row("idle_session_timeout", ANY_TIME, "0", CLIENT, "Longest time a session may idle outside a transaction; 0: no limit.").unit(Unit::Milliseconds),
    row("in_hot_standby", Bool, "off", PRESET, "Whether the server is a standby.").context(Internal).reported(),
    row("integer_datetimes", Bool, "on", PRESET, "Times are stored as integers.").context(Internal).reported(),
    row("IntervalStyle", Enum(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]), "postgres", LOCALE, "Text form of intervals.").reported(),
    row("is_superuser", Bool, "off", PRESET, "Whether the user is a superuser; nobody is, Skein only reads.").context(Internal).reported(),
    row("jit", Bool, "on", PLANNER_OTHER, "Without effect."),
    row("jit_above_cost", Kind::Real { min: -1.0, max: f64::MAX }, "100000", COSTS, "Without effect."),
    row("jit_inline_above_cost", Kind::Real { min: -1.0, max: f64::MAX }, "500000", COSTS, "Without effect."),
    row("jit_optimize_above_cost", Kind::Real { min: -1.0, max: f64::MAX }, "500000", COSTS, "Without effect."),
    row("join_collapse_limit", int(1, 2_147_483_647), "8", PLANNER_OTHER, "Without effect."),
    row("lc_collate", Text, "C", PRESET, "Collation: by bytes.").context(Internal),
    row("lc_ctype", Text, "C.UTF-8", PRESET, "Classes of characters.").context(Internal),
    row("lc_messages", Text, "C", LOCALE, "Language of messages."),
    row("lc_monetary", Text, "C", LOCALE, "Without effect."),
    row("lc_numeric", Text, "C", LOCALE, "Without effect."),
    row("lc_time", Text, "C", LOCALE, "Without effect."),
    row("listen_addresses", Text, "localhost", CONNECTION, "Where the gateway listens.").context(Postmaster),
    row("lo_compat_privileges", Bool, "off", COMPATIBILITY, "Without effect."),
    row("lock_timeout", ANY_TIME, "0", CLIENT, "Without effect: reading takes no locks.").unit(Unit::Milliseconds),
    row("log_duration", Bool, "off", LOGGING, "Without effect.").context(Superuser),
    row("log_min_duration_statement", int(-1, 2_147_483_647), "-1", LOGGING, "Without effect.").unit(Unit::Milliseconds).context(Superuser),
    row("log_statement", Enum(&["none", "ddl", "mod", "all"]), "none", LOGGING, "Without effect.").context(Superuser),
    row("logical_decoding_work_mem", int(64, 2_147_483_647), "65536", MEMORY, "Without effect: nothing is written.").unit(Unit::Kilobytes),
    row("maintenance_io_concurrency", int(0, 1000), "10", PARALLEL, "Without effect."),
    row("maintenance_work_mem", int(1024, 2_147_483_647), "65536", MEMORY, "Without effect: memory is limited per executor.").unit(Unit::Kilobytes),
    row("max_connections", int(1, 262_143), "100", CONNECTION, "Most clients at one time.").context(Postmaster),
    row("max_function_args", int(100, 100), "100", PRESET, "Most arguments of a function.").context(Internal),
    row("max_identifier_length", int(63, 63), "63", PRESET, "Longest identifier that clients should expect.").context(Internal),
    row("max_index_keys", int(32, 32), "32", PRESET, "Most columns of an index.").context(Internal),
    row("max_parallel_maintenance_workers", int(0, 1024), "2", PARALLEL, "Without effect: DuckDB uses the threads of its executor."),
    row("max_parallel_workers", int(0, 1024), "8", PARALLEL, "Without effect: DuckDB uses the threads of its executor."),
    row("max_parallel_workers_per_gather", int(0, 1024), "2", PARALLEL, "Without effect: DuckDB uses the threads of its executor."),
    row("max_prepared_transactions", int(0, 262_143), "0", MEMORY, "Two-phase transactions do not exist.").context(Postmaster),
    row("min_parallel_index_scan_size", int(0, 715_827_882), "64", COSTS, "Without effect: DuckDB estimates costs.").unit(Unit::Blocks),
    row("min_parallel_table_scan_size", int(0, 715_827_882), "1024", COSTS, "Without effect: DuckDB estimates costs.").unit(Unit::Blocks),
    row("parallel_leader_participation", Bool, "on", PARALLEL, "Without effect: DuckDB uses the threads of its executor."),
    row("parallel_setup_cost", real(f64::MAX), "1000", COSTS, "Without effect: DuckDB estimates costs."),
    row("parallel_tuple_cost", real(f64::MAX), "0.1", COSTS, "Without effect: DuckDB estimates costs."),
    row("password_encryption", Enum(&["md5", "scram-sha-256"]), "scram-sha-256", CONNECTION, "Without effect."),
    row("plan_cache_mode", Enum(&["auto", "force_generic_plan", "force_custom_plan"]), "auto", PLANNER_OTHER, "Without effect: every execution is planned for its parameters."),
    row("port", int(1, 65_535), "5432", CONNECTION, "TCP port of the gateway.").context(Postmaster),
    row("quote_all_identifiers", Bool, "off", COMPATIBILITY, "Without effect."),
    row("random_page_cost", real(f64::MAX), "4", COSTS, "Without effect: DuckDB estimates costs."),
    row("recursive_worktable_factor", Kind::Real { min: 0.001, max: 1_000_000.0 }, "10", PLANNER_OTHER, "Without effect: DuckDB estimates costs."),
    row("restrict_nonsystem_relation_kind", Text, "", CLIENT, "Without effect."),
    row("role", Kind::Role, "none", CLIENT, "Role whose rights apply."),
    row("row_security", Bool, "on", CLIENT, "Without effect."),
    row("search_path", Identifiers, "\"$user\", public", CLIENT, "Schemas in which unqualified names are looked up."),
    row("segment_size", int(131_072, 131_072), "131072", PRESET, "Blocks per file of a table.").unit(Unit::Blocks).context(Internal),
    row("seq_page_cost", real(f64::MAX), "1", COSTS, "Without effect: DuckDB estimates costs."),
    row("server_encoding", Text, "UTF8", PRESET, "Encoding of text in the server.").context(Internal).reported(),
    row("server_version", Text, SERVER_VERSION, PRESET, "Version of PostgreSQL whose behaviour Skein follows.").context(Internal).reported(),
    row("server_version_num", int(150_018, 150_018), SERVER_VERSION_NUM, PRESET, "The same as a number.").context(Internal),
    row("session_authorization", Kind::Role, "", CLIENT, "User of the session.").reported(),
    row("session_replication_role", Enum(&["origin", "replica", "local"]), "origin", CLIENT, "Without effect.").context(Superuser),
    row("shared_buffers", int(16, 1_073_741_823), "16384", MEMORY, "Without effect: memory is limited per executor.").unit(Unit::Blocks).context(Postmaster),
    row("skein.division_by_zero", Enum(&["error", "null"]), "error", COMPATIBILITY, "What dividing by zero gives: an error, or NULL as in DuckDB."),
    row("skein.exchange", Enum(&["auto", "gather", "range", "broadcast", "hash"]), "auto", SPLITTING, "How rows move between the fragments of a split query: as little as possible, only to the combine query, that as well but reading ranges of a key, to every fragment, or by hash."),
    row("skein.fragments", int(0, 100_000), "0", SPLITTING, "Number of fragments a split stage is divided into; 0: one per executor."),
    row("skein.partitions", int(0, 10_000), "0", SPLITTING, "Number of fragments that rows are exchanged among by hash; 0: one per executor."),
    row("skein.split", Enum(&["auto", "always", "never"]), "auto", SPLITTING, "Whether queries are split: when it pays, whenever possible, or never."),
    row("ssl", Bool, "off", CONNECTION, "Whether connections can be encrypted.").context(Sighup),
    row("standard_conforming_strings", Bool, "on", COMPATIBILITY, "Backslashes in plain string literals mean themselves.").reported(),
    row("statement_timeout", ANY_TIME, "0", CLIENT, "Longest time a statement may run; 0: no limit.").unit(Unit::Milliseconds),
    row("stats_fetch_consistency", Enum(&["none", "cache", "snapshot"]), "cache", CLIENT, "Without effect."),
    row("superuser_reserved_connections", int(0, 262_143), "0", CONNECTION, "Connections kept free for superusers.").context(Postmaster),
    row("synchronize_seqscans", Bool, "on", COMPATIBILITY, "Without effect."),
    row("synchronous_commit", Enum(&["local", "remote_write", "remote_apply", "on", "off"]), "on", WAL, "Without effect: nothing is written."),
    row("tcp_keepalives_count", ANY_TIME, "0", CONNECTION, "Without effect: the system's value applies."),
    row("tcp_keepalives_idle", ANY_TIME, "0", CONNECTION, "Without effect: the system's value applies.").unit(Unit::Seconds),
    row("tcp_keepalives_interval", ANY_TIME, "0", CONNECTION, "Without effect: the system's value applies.").unit(Unit::Seconds),
    row("tcp_user_timeout", ANY_TIME, "0", CONNECTION, "Without effect: the system's value applies.").unit(Unit::Milliseconds),
    row("temp_buffers", int(100, 1_073_741_823), "1024", MEMORY, "Without effect: memory is limited per executor.").unit(Unit::Blocks),
    row("temp_tablespaces", Identifiers, "", CLIENT, "Without effect: tables cannot be created."),
    row("TimeZone", Kind::TimeZone, "UTC", LOCALE, "Time zone in which timestamps are shown and read.").reported(),
    row("timezone_abbreviations", Text, "Default", LOCALE, "Set of accepted zone abbreviations."),
    row("track_activities", Bool, "on", LOGGING, "Without effect.").context(Superuser),
    row("transaction_deferrable", Bool, "off", CLIENT, "Deferrable status of this transaction."),
    row("transaction_isolation", Enum(ISOLATION), "read committed", CLIENT, "Isolation level of this transaction."),
    row("transaction_read_only", Bool, "off", CLIENT, "Read-only status of this transaction."),
    row("transform_null_equals", Bool, "off", COMPATIBILITY, "Without effect: expr = NULL is NULL."),
    row("vacuum_cost_delay", real(100.0), "0", CLIENT, "Without effect: there is nothing to vacuum.").unit(Unit::Milliseconds),
    row("wal_block_size", int(8192, 8192), "8192", PRESET, "Size of a block of the write-ahead log.").context(Internal),
    row("wal_level", Enum(&["minimal", "replica", "logical"]), "replica", WAL, "Without effect: nothing is written.").context(Postmaster),
    row("work_mem", int(64, 2_147_483_647), "4096", MEMORY, "Without effect: memory is limited per executor.").unit(Unit::Kilobytes),
    row("xmlbinary", Enum(&["base64", "hex"]), "base64", CLIENT, "Without effect."),
    row("xmloption", Enum(&["content", "document"]), "content", CLIENT, "Without effect."),
];

/// Every setting, by its name in lower case.
static BY_NAME: LazyLock<BTreeMap<String, &'static Definition>> = LazyLock::new(|| {
    let all = DEFINITIONS.iter().chain(inert::DEFINITIONS);
    all.map(|definition| (definition.name.to_ascii_lowercase(), definition))
        .collect()
});

/// Every setting, ordered by name without regard to case.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    BY_NAME.values().copied()
}

/// The setting called `name`, without regard to case.
pub fn definition(name: &str) -> Option<&'static Definition> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::settings::value;

    #[test]
    fn names_are_ordered_and_differ() {
        let ordered = |part: &[Definition]| {
            for pair in part.windows(2) {
                let (left, right) = (pair[0].name.to_lowercase(), pair[1].name.to_lowercase());
                assert!(left < right, "{left} stands before {right}");
            }
        };
        ordered(DEFINITIONS);
        ordered(inert::DEFINITIONS);
        assert_eq!(
            definitions().count(),
            DEFINITIONS.len() + inert::DEFINITIONS.len()
        );
    }

    #[test]
    fn defaults_are_valid_and_canonical() {
        for definition in definitions() {
            if matches!(definition.kind, Kind::Role) {
                continue;
            }
            let zones = |name: &str| (name == "UTC").then(|| name.to_owned());
            let stored =
                value::canonical(definition, definition.default, definition.default, &zones);
            assert_eq!(
                stored.as_deref(),
                Ok(definition.default),
                "{}",
                definition.name
            );
        }
    }
}
