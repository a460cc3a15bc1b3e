//! File, environment and flags, checked into one [`Config`].
//!
//! ```text
//! defaults ◄── file.toml ◄── SKEIN_SECTION__KEY ◄── flags (Overrides)      the right one wins
//! ```
//!
//! The only crate that reads the environment. The doc comments of [`keys`] are the documentation:
//! [`reference::markdown`] writes `docs/configuration.md` from them, and a test compares the two.
//!
//! Invariants: a [`Config`] is complete and checked. Its paths are absolute (or URLs), its
//! relations have a name and at least one path, and no two relations share schema and name; no two
//! users share a name, and access rules ask for nothing that the server cannot check.
//! Whether files exist is not looked at here; that is the catalog's work. [`pem`] and [`stamp`] are for
//! those who read files that the configuration names: certificates, keys, users.

pub mod access;
pub mod client;
pub mod error;
pub mod keys;
mod load;
pub mod memory;
pub mod pem;
pub mod reference;
pub mod relation;
pub mod stamp;
pub mod tls;
pub mod users;
pub mod verifier;

pub use access::AccessRule;
pub use error::ConfigError;
pub use keys::{Catalog, ExecutorTls, Executors, Gateway, Login, Tls};
pub use load::{Overrides, load_with};
pub use memory::MemoryLimit;
pub use relation::{ColumnTable, Declared, Format, Reference, Relation};
pub use users::User;
pub use verifier::Verifier;

use std::path::{Path, PathBuf};

use access::{Addresses, Method};

/// Everything that can be configured, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The PostgreSQL server.
    pub gateway: Gateway,
    /// Encryption.
    pub tls: Tls,
    /// Limits of logins, and where further users are.
    pub login: Login,
    /// Users of the file.
    pub users: Vec<User>,
    /// Access rules in their order. Empty: [`Config::default_access`] decides.
    pub access: Vec<AccessRule>,
    /// DuckDB.
    pub executors: Executors,
    /// Encryption between processes of Skein.
    pub executor_tls: ExecutorTls,
    /// Relations and their files.
    pub catalog: Catalog,
    /// Relations of the file and of `--relation`, in that order.
    pub relations: Vec<Relation>,
    /// `skein serve DIR`: every file and every folder of like files in it is a relation.
    pub directory: Option<PathBuf>,
    /// What relative paths in a query start from: the served directory, else the folder of the
    /// configuration file, else the working directory.
    pub base: PathBuf,
}

impl Config {
    /// Whether logins are asked for a user: if not, anyone may take any name.
    pub fn has_users(&self) -> bool {
        !self.users.is_empty() || !self.login.users_file.is_empty()
    }

    /// The rules that hold where none are configured.
    pub fn default_access(&self) -> Vec<AccessRule> {
        let (addresses, method) = if self.has_users() {
            (Addresses::all(), Method::Scram)
        } else if self.login.insecure_trust_network {
            (Addresses::all(), Method::Trust)
        } else {
            (Addresses::loopback(), Method::Trust)
        };
        vec![AccessRule::for_all(addresses, method)]
    }

    /// Reads `file`, then the environment, then `overrides`.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate is where the environment is read"
        )]
        let environment = std::env::vars();
        load_with(file, environment, overrides)
    }

    /// Reads a configuration file's text, without environment and flags. Relative paths start from
    /// `base`.
    pub fn from_toml(text: &str, base: &Path) -> Result<Self, ConfigError> {
        load::from_text(
            Some((Path::new("configuration"), text)),
            base,
            [],
            &Overrides::default(),
        )
    }

    /// A configuration without any file: `skein serve DIR`.
    pub fn for_directory(directory: &Path) -> Result<Self, ConfigError> {
        let overrides = Overrides {
            directory: Some(directory.to_path_buf()),
            ..Overrides::default()
        };
        load_with(None, [], &overrides)
    }
}
