//! Every key with its default and its documentation.
//!
//! The macro keeps three things in one place: the field, the default, and the text that
//! `docs/configuration.md` and error messages show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::{Addresses, ConnectionKind, Method, Names};
use crate::memory::MemoryLimit;
use crate::relation::{ColumnTable, Format, Paths, Reference};
use crate::tls::TlsVersion;
use crate::verifier::Verifier;

/// A `[section]` of the file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// As in the file.
    pub name: &'static str,
    /// Lines of its documentation.
    pub docs: &'static [&'static str],
    /// Its keys in the order of the documentation.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As in the file.
    pub name: &'static str,
    /// Lines of its documentation.
    pub docs: &'static [&'static str],
}

macro_rules! section {
    (
        $section:literal
        $(#[doc = $section_doc:literal])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])* pub $key:ident: $ty:ty = $default:expr, )*
        }
    ) => {
        $(#[doc = $section_doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name { $( $(#[doc = $doc])* pub $key: $ty, )* }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $default, )* }
            }
        }

        impl $name {
            /// Name, keys and documentation of this section.
            pub const SECTION: Section = Section {
                name: $section,
                docs: &[$($section_doc),*],
                keys: &[$( Key { name: stringify!($key), docs: &[$($doc),*] }, )*],
            };
        }
    };
}

section! {
    "gateway"
    /// The PostgreSQL server: where it listens, and the limits of its clients.
    pub struct Gateway {
        /// Addresses to listen on, as `HOST:PORT`. Port 0 takes any free port. Beyond loopback, users
        /// have to be configured; [security](security.md) shows how.
        pub listen: Vec<String> = vec!["127.0.0.1:5433".to_owned()],
        /// Folders that paths in a query (`FROM 'data/x/*.parquet'`) may reach, with everything
        /// below them. None by default: then queries can name configured relations only.
        /// `skein serve DIR` allows DIR. Relative to the folder of this file.
        pub allow_paths: Vec<String> = Vec::new(),
        /// Newest minor version of PostgreSQL's protocol 3 that clients may speak: 0 as PostgreSQL 15
        /// does, or 2, which gives them cancel keys of 256 instead of 32 bits. Clients that ask for a
        /// newer one are told this one.
        pub protocol_minor_max: u16 = 0,
        /// Names of databases that clients may connect to. All of them show the same relations. Empty
        /// means that any name is accepted.
        pub databases: Vec<String> = Vec::new(),
        /// How many clients may be connected at once. One more is told that there are too many.
        pub connections_max: usize = 1000,
        /// How many statements may run at once. One more waits for its turn, at most
        /// `admission_timeout_ms`.
        pub running_queries_max: usize = 64,
        /// How long a statement waits for its turn before it fails.
        pub admission_timeout_ms: u64 = 60_000,
        /// How many statements may wait for their turn. One more fails at once.
        pub admission_queue_max: usize = 1_000,
        /// Default of `statement_timeout`: how long a statement may run. 0 means no limit.
        pub statement_timeout_ms: u64 = 0,
        /// Default of `idle_session_timeout`: how long a client may be silent outside of a
        /// transaction. 0 means no limit.
        pub idle_session_timeout_ms: u64 = 0,
        /// Default of `idle_in_transaction_session_timeout`: how long a client may be silent inside
        /// of a transaction. 0 means no limit.
        pub idle_in_transaction_session_timeout_ms: u64 = 0,
        /// How long a client may take from connecting until it is logged in.
        pub startup_timeout_ms: u64 = 60_000,
        /// How long a client may take none of the bytes of a result before it is disconnected.
        /// 0 means no limit.
        pub send_timeout_ms: u64 = 0,
        /// How long running statements may go on after SIGTERM or SIGINT. A second signal ends them at
        /// once.
        pub shutdown_timeout_ms: u64 = 10_000,
        /// Largest message that a client may send, such as a statement with its text or a set of
        /// parameters.
        pub message_bytes_max: usize = 256 * 1024 * 1024,
        /// How many prepared statements one session may keep.
        pub statements_max: usize = 10_000,
        /// How many portals and cursors one session may keep open.
        pub portals_max: usize = 1_000,
        /// How many bytes of rows one cursor may keep that was declared with SCROLL, and so can go
        /// back.
        pub scroll_bytes_max: usize = 256 * 1024 * 1024,
        /// In `SET skein.split = auto`, relations with fewer bytes than this are read by one
        /// executor: dividing them would cost more than it saves.
        pub split_bytes_min: u64 = 64 * 1024 * 1024,
        /// How many bytes of rows may wait between the stages of one statement. A statement that
        /// needs more fails; `SET skein.split = never` runs it whole.
        pub exchange_bytes_max: usize = 2 * 1024 * 1024 * 1024,
        /// How many planned statements are remembered, over all sessions.
        pub plan_cache_entries_max: usize = 1_024,
    }
}

section! {
    "gateway.tls"
    /// Encryption. With a certificate and a key, clients may ask for TLS, in PostgreSQL's way or at
    /// once as since PostgreSQL 17. The files are read again when they change.
    pub struct Tls {
        /// File of the server's certificate in PEM, followed by those that lead to its root. Relative
        /// to the folder of this file.
        pub certificate: String = String::new(),
        /// File of the certificate's private key in PEM, without a passphrase. Only the user that
        /// runs Skein should be able to read it.
        pub key: String = String::new(),
        /// File of the root certificates in PEM that have signed the certificates of clients. Without
        /// it no client is asked for a certificate.
        pub client_ca: String = String::new(),
        /// Whether every client has to use TLS, whatever the access rules say.
        pub required: bool = false,
        /// Oldest version of TLS that clients may use: `"1.2"` or `"1.3"`.
        pub version_min: TlsVersion = TlsVersion::default(),
    }
}

section! {
    "gateway.login"
    /// Who may enter. Without users, every client on loopback is trusted. With users, passwords are
    /// asked for by SCRAM-SHA-256, unless `[[access]]` says otherwise.
    pub struct Login {
        /// A file with further users, each written as `[[user]]`. `skein user add` makes it and adds to
        /// it. It is read again when it changes. Relative to the folder of this file.
        pub users_file: String = String::new(),
        /// Lets clients from other machines in without a password, wherever `[[access]]` trusts them,
        /// or wholly if there are neither users nor rules. Without it, such a server does not start.
        pub insecure_trust_network: bool = false,
        /// How often certificates and the users file are looked at for changes. 0 means only at
        /// SIGHUP.
        pub reload_ms: u64 = 10_000,
        /// How many of `connections_max` are kept for users with `admin = true`. Nothing is kept if
        /// there are none.
        pub reserved_connections: usize = 3,
        /// How many sessions one client address may have. 0 means no limit.
        pub connections_per_address_max: usize = 0,
        /// How many connections may be in their login at once. One more takes the place of the one
        /// that has been there longest.
        pub unauthenticated_max: usize = 1_000,
        /// The same for one client address.
        pub unauthenticated_per_address_max: usize = 200,
        /// How many failed logins an address has before further ones from there have to wait. Failures
        /// are forgotten one by one, each after a minute. Nobody else waits.
        pub failures_free: u32 = 5,
        /// The longest such wait. The first is 100 ms, and each failure doubles it.
        pub failure_delay_max_ms: u64 = 5_000,
    }
}

section! {
    "executors"
    /// DuckDB: how many instances run fragments, and what each may use.
    pub struct Executors {
        /// DuckDB executors inside this process; each is its own DuckDB instance. One is fastest on
        /// one machine; more exist for tests and for trying how queries are split.
        pub embedded: usize = 1,
        /// Threads per executor. 0 means all cores.
        pub threads: usize = 0,
        /// Memory that executors may use together: a share of the machine's (`"80%"`) or an amount
        /// (`"4GB"`, `"512MiB"`). Each embedded executor gets an equal part. A query that needs more
        /// spills to `temp_directory`, and fails if that does not help.
        pub memory_limit: MemoryLimit = MemoryLimit::default(),
        /// Folder for what does not fit into memory. Empty means a folder of this process below the
        /// system's temporary directory. Relative to the folder of this file.
        pub temp_directory: String = String::new(),
        /// Bytes of rows that may wait in memory, in an executor in another process, for other executors
        /// that are behind. More goes to `temp_directory`.
        pub waiting_bytes_max: usize = 256 * 1024 * 1024,
        /// DuckDB connections per executor; so many fragments can run at once on each.
        pub connections_max: usize = 16,
        /// How long a fragment waits for a free connection before it fails.
        pub connection_timeout_ms: u64 = 30_000,
        /// Result batches that may wait between an executor and its reader; more make DuckDB wait.
        pub batches_buffered_max: usize = 4,
        /// Executors in processes of their own, started with `skein executor`, each as `HOST:PORT`: an
        /// address at which the gateway and the other executors reach it. `dns:NAME:PORT` stands for
        /// every address that the name has; it is resolved again and again. Queries that are split
        /// run there; whole ones, and what puts the parts together, run in this process.
        /// [Operations](operations.md) says more.
        pub nodes: Vec<String> = Vec::new(),
        /// Whether statements run in the gateway when no node can take them. Otherwise those that
        /// would be divided among nodes fail until one is back.
        pub fallback_embedded: bool = false,
        /// How long connecting to a node may take, encryption included.
        pub connect_timeout_ms: u64 = 2_000,
        /// How often each node is asked for its state.
        pub health_interval_ms: u64 = 1_000,
        /// How long a node may take to answer. One that does not is asked again, and gets no new
        /// statements while another node answers.
        pub health_timeout_ms: u64 = 5_000,
        /// How many times in a row a node may fail to answer before it gets no statements at all. It
        /// comes back with its next answer.
        pub health_failures_max: u32 = 3,
        /// How often names after `dns:` are resolved again.
        pub resolve_interval_ms: u64 = 5_000,
        /// How long the part of a statement that runs on nodes may take before the statement fails.
        /// 0 means no limit but `statement_timeout`.
        pub stage_timeout_ms: u64 = 3_600_000,
        /// How often a statement is planned and started anew on other nodes when one has failed and
        /// no row has left yet.
        pub retries_max: usize = 4,
        /// How many bytes of rows are held back before the first one leaves, so that a statement whose
        /// result is smaller can be started anew until its end.
        pub retry_buffer_bytes: usize = 1024 * 1024,
        /// How long they are held back at most, from the first one on: rows that come slowly are seen as
        /// they come, and a statement that fails after that is not started anew. 0 means no limit.
        pub retry_buffer_ms: u64 = 2_000,
        /// How long fragments may go on after an executor in a process of its own has received SIGTERM
        /// or SIGINT. Those that run longer are handed back.
        pub drain_timeout_ms: u64 = 30_000,
    }
}

section! {
    "executors.tls"
    /// Encryption between the gateway and executors in other processes, and between those. Both
    /// sides prove who they are, so all three keys are needed; `skein certs` makes the files.
    /// Without them an executor listens on loopback only. The files are read again when they change.
    pub struct ExecutorTls {
        /// File of the root certificate in PEM that has signed the certificates of all processes,
        /// and of nothing else. Relative to the folder of this file.
        pub ca: String = String::new(),
        /// File of this process's certificate in PEM. It has to name the part that the process plays:
        /// [security](security.md#between-processes) says how.
        pub certificate: String = String::new(),
        /// File of the certificate's private key in PEM, without a passphrase. Only the user that
        /// runs the process should be able to read it.
        pub key: String = String::new(),
        /// How often the files are looked at for changes. 0 means only at SIGHUP.
        pub reload_ms: u64 = 10_000,
    }
}

section! {
    "catalog"
    /// Listing files and finding their columns.
    pub struct Catalog {
        /// How long a listing of files is believed. A new file is seen at most so much later.
        /// 0 lists anew for each statement.
        pub listing_ttl_ms: u64 = 1_000,
        /// How long one listing may take before the statement fails.
        pub listing_timeout_ms: u64 = 60_000,
        /// How many files one relation may have. A larger glob is an error rather than a gateway
        /// without memory.
        pub files_max: usize = 100_000,
        /// How many path relations (`FROM 'x/*.csv'`) are remembered.
        pub path_relations_max: usize = 1_000,
        /// Rows of a CSV or JSON file that are looked at to find its columns and types. -1 means all
        /// of them, which is slow but never wrong.
        pub sample_rows: i64 = 20_480,
        /// How many files one statement to DuckDB describes when columns are looked up.
        pub describe_files_max: usize = 200,
        /// How many such statements run at once.
        pub describe_parallel_max: usize = 4,
    }
}

section! {
    "relation"
    /// A relation and its files. Write one `[[relation]]` for each.
    ///
    /// DuckDB finds the columns. They are matched by name over all files, in the order in which
    /// they first appear; a column that a file does not have is NULL there. Where files give a
    /// column different types, the relation has the type that DuckDB gives to both (INTEGER and
    /// BIGINT make BIGINT). If there is none, Parquet files are refused with an error that names
    /// them, a CSV column stays text as it is written, and a JSON column becomes JSON.
    pub struct RelationTable {
        /// Name of the relation in SQL. Required.
        pub name: Option<String> = None,
        /// Schema that the relation is in; `public` if absent.
        pub schema: Option<String> = None,
        /// A glob, a folder, or a list of them. Required. Globs know `*`, `?`, `[a-z]`, `{a,b}` and
        /// `**` for any number of folders. A folder stands for every file of the format below it.
        /// Files and folders whose names begin with a dot or an underscore are left out unless the
        /// path names them, and so are empty CSV and JSON files. Relative to the folder of this file.
        pub path: Option<Paths> = None,
        /// `parquet`, `csv` or `json`; taken from the extension if absent.
        pub format: Option<Format> = None,
        /// Whether folders named `key=value` give columns. If absent, they do when every file is
        /// below folders of the same keys.
        pub hive_partitioning: Option<bool> = None,
        /// What the relation is, for people: `\\d+` and tools show it.
        pub comment: Option<String> = None,
        /// Columns that tell its rows apart. Tools draw joins from it and page by it. It is declared,
        /// never checked: files may hold two rows with the same key. Its columns count as not NULL.
        pub primary_key: Vec<String> = Vec::new(),
        /// Foreign keys: `{ columns = ["user_id"], relation = "users", to = ["id"] }`. The relation
        /// may have a schema before it, `"sales.users"`, and is in `public` otherwise; without `to`
        /// its primary key is meant. `name = "orders_user"` names it, for tools that compare schemas;
        /// it is `TABLE_COLUMNS_fkey` otherwise. Declared, never checked.
        pub references: Vec<Reference> = Vec::new(),
        /// What is known of columns, by their names, each as `[relation.columns.NAME]`: `comment` for
        /// people, and `not_null = true` where no file has a NULL. Declared, never checked.
        pub columns: BTreeMap<String, ColumnTable> = BTreeMap::new(),
    }
}

section! {
    "user"
    /// A user. Write one `[[user]]` for each, here or in `gateway.login.users_file`.
    pub struct UserTable {
        /// Name of the user. Required.
        pub name: Option<String> = None,
        /// What proves that the user knows the password, without holding it: the line that
        /// `skein hash-password` prints, or `rolpassword` of PostgreSQL's `pg_authid`. A user without
        /// one can enter by certificate only, or where rules trust.
        pub verifier: Option<Verifier> = None,
        /// Whether the user may use the connections that `reserved_connections` keeps.
        pub admin: bool = false,
        /// How many sessions the user may have at once. 0 means no limit.
        pub connections_max: usize = 0,
    }
}

section! {
    "access"
    /// A rule that says how clients prove who they are. Write one `[[access]]` for each. The first
    /// that fits a client decides, as in PostgreSQL's `pg_hba.conf`; a client that none fits is
    /// refused.
    pub struct AccessTable {
        /// `host` for any client, `hostssl` for those with TLS, `hostnossl` for those without.
        pub connection: ConnectionKind = ConnectionKind::Host,
        /// Name of a database or a list of them; `all` for any, `sameuser` for that of the user's name.
        pub database: Names = Names::all(),
        /// Name of a user or a list of them; `all` for any.
        pub user: Names = Names::all(),
        /// Client addresses: one such as `10.0.0.7`, a range such as `10.0.0.0/8` or `fd00::/8`, the
        /// word `loopback`, or a list of these; `all` for any.
        pub address: Addresses = Addresses::all(),
        /// `scram-sha-256`: the password. `cert`: a certificate that `client_ca` signed, whose common
        /// name is the user's. `trust`: nothing. `reject`: refuse. Required.
        pub method: Option<Method> = None,
    }
}

/// Sections that hold single values; those that repeat are apart.
pub const SECTIONS: [Section; 6] = [
    Gateway::SECTION,
    Tls::SECTION,
    Login::SECTION,
    Executors::SECTION,
    ExecutorTls::SECTION,
    Catalog::SECTION,
];
/// Sections that repeat, such as `[[relation]]`.
pub const LISTS: [Section; 3] = [
    RelationTable::SECTION,
    UserTable::SECTION,
    AccessTable::SECTION,
];
