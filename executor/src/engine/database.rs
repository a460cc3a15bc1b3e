//! A DuckDB instance in memory, with the settings every instance of Skein has, locked down.
//!
//! The settings that change results are PostgreSQL's meaning of the same SQL. The lock-down is the
//! second wall: the first is that the gateway runs only what it has checked.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use libduckdb_sys as ffi;
use skein_executor_api::{FragmentError, FragmentErrorKind, functions};

use super::connection::Connection;
use super::host::{self, Host};
use super::types::{JSONB, LogicalType, load_keywords};
use super::{c_text, input, literal, owned_text};

/// Settings with the same value in every instance.
const SETTINGS: &[(&str, &str)] = &[
    // PostgreSQL: 1 / 2 is 0.
    ("integer_division", "true"),
    // PostgreSQL: NULL is greater than every value.
    ("default_null_order", "nulls_last_on_asc_first_on_desc"),
    // PostgreSQL: `string_agg(x, ',' ORDER BY 'a')`. Where it refuses such keys, the planner does.
    ("order_by_non_integer_literal", "true"),
    // HUGEINT, UUID, TIMETZ and BIT keep their type in Arrow.
    ("arrow_lossless_conversion", "true"),
    // Decimals of up to 18 digits travel in 8 bytes instead of 16.
    ("arrow_output_version", "1.5"),
    // An internal error ends its statement and no other: there is no file that it could have damaged.
    ("disable_database_invalidation", "true"),
    // They give wrong rows. `deliminator`: for EXISTS as a value or over a derived table, beside `<>`.
    // `top_n_window_elimination`: a row of NULLs for no rows, NaN as less than numbers; it also fails to bind.
    (
        "disabled_optimizers",
        "deliminator,top_n_window_elimination",
    ),
    // The order of files and rows is the order of the result where SQL leaves it open.
    ("preserve_insertion_order", "true"),
    // Blocks of files are the operating system's to keep: DuckDB takes a file for the same whose time of change has
    // the same second, and reads old blocks beside new ones.
    ("enable_external_file_cache", "false"),
    // Errors carry their position as a number instead of a drawing.
    ("errors_as_json", "true"),
    ("autoinstall_known_extensions", "false"),
    ("autoload_known_extensions", "false"),
    ("allow_community_extensions", "false"),
    ("allow_persistent_secrets", "false"),
];

/// Settings of the session that may change while the configuration is locked.
const SETTINGS_UNLOCKED: &[&str] = &["TimeZone", "Calendar", "debug_force_external"];

/// What SQL may read outside the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FileAccess {
    /// Nothing.
    #[default]
    None,
    /// Files under these folders or prefixes, such as `/data/` or `s3://bucket/`.
    Directories(Vec<String>),
    /// Everything the process can read.
    All,
}

/// How an instance is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// Threads for all statements together; `None`: as many as the machine has cores.
    pub threads: Option<usize>,
    /// As DuckDB writes it: `4GB`, `80%`.
    pub memory_limit: Option<String>,
    /// Where to spill; `None`: never spill.
    pub temp_directory: Option<PathBuf>,
    /// What SQL may read.
    pub file_access: FileAccess,
    /// Extension files to load before the lock-down.
    pub extensions: Vec<PathBuf>,
    /// Further settings, by name.
    pub settings: BTreeMap<String, String>,
    /// Statements to run before the lock-down, such as `CREATE TABLE` or `CREATE MACRO`.
    pub prelude: Vec<String>,
    /// What SQL may call outside of DuckDB.
    pub host: Host,
}

/// A DuckDB instance. Cheap to clone; closed when the last clone and connection are gone.
#[derive(Clone, Debug)]
pub struct Database {
    raw: Arc<RawDatabase>,
}

#[derive(Debug)]
pub(super) struct RawDatabase {
    pub(super) handle: ffi::duckdb_database,
    pub(super) feeds: Arc<input::Feeds>,
    /// Settings made with SQL when the instance was opened.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) reads_no_files: bool,
}

// SAFETY: DuckDB's database handle may be used from any thread.
unsafe impl Send for RawDatabase {}
// SAFETY: as above; `duckdb_connect` is the only call on a shared handle.
unsafe impl Sync for RawDatabase {}

impl Drop for RawDatabase {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle, and every connection keeps this value alive.
        unsafe { ffi::duckdb_close(&raw mut self.handle) };
    }
}

impl Database {
    /// Opens a new instance in memory.
    pub fn open(options: &DatabaseOptions) -> Result<Self, FragmentError> {
        let mut config = Config::new()?;
        for (name, value) in SETTINGS {
            config.set(name, value)?;
        }
        if let Some(threads) = options.threads {
            config.set("threads", &threads.to_string())?;
        }
        if let Some(limit) = options.memory_limit.as_deref() {
            config.set("memory_limit", limit)?;
        }
        let temp_directory = options
            .temp_directory
            .as_ref()
            .map(|path| path.to_string_lossy());
        config.set("temp_directory", temp_directory.as_deref().unwrap_or(""))?;
        if !options.extensions.is_empty() {
            // Extension files come with Skein's set-up, which has checked them.
            config.set("allow_unsigned_extensions", "true")?;
        }
        let mut settings = BTreeMap::from([("TimeZone".to_owned(), "UTC".to_owned())]);
        settings.extend(options.settings.clone());
        let database = Self {
            raw: Arc::new(config.open(settings, options.file_access == FileAccess::None)?),
        };
        let connection = database.connect()?;
        load_keywords(&connection)?;
        LogicalType::simple(ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR).register(JSONB, &connection)?;
        // Macros of the prelude name it.
        host::register(&connection, &options.host)?;
        for (name, value) in &database.raw.settings {
            connection.set("GLOBAL", name, value)?;
        }
        for extension in &options.extensions {
            connection.execute(&format!("LOAD {}", literal(&extension.to_string_lossy())))?;
        }
        for statement in &functions::statements() {
            connection.execute(statement)?;
        }
        for statement in &options.prelude {
            connection.execute(statement)?;
        }
        lock_down(&connection, &options.file_access)?;
        input::register(&connection, &database.raw.feeds)?;
        Ok(database)
    }

    /// Opens a connection: a session with its own temporary relations.
    pub fn connect(&self) -> Result<Connection, FragmentError> {
        Connection::open(&self.raw)
    }

    /// DuckDB's version, such as `v1.5.5`.
    pub fn version() -> String {
        // SAFETY: a static C string.
        unsafe { super::borrowed_text(ffi::duckdb_library_version()) }
    }
}

/// Forbids what no fragment needs, then forbids to change that.
fn lock_down(connection: &Connection, access: &FileAccess) -> Result<(), FragmentError> {
    if let FileAccess::Directories(directories) = access {
        let list: Vec<String> = directories
            .iter()
            .map(|directory| literal(directory))
            .collect();
        connection.execute(&format!("SET allowed_directories = [{}]", list.join(", ")))?;
    }
    if *access != FileAccess::All {
        connection.execute("SET enable_external_access = false")?;
    }
    let unlocked: Vec<String> = SETTINGS_UNLOCKED.iter().map(|name| literal(name)).collect();
    connection.execute(&format!("SET allowed_configs = [{}]", unlocked.join(", ")))?;
    connection.execute("SET lock_configuration = true")
}

/// A configuration under construction.
struct Config(ffi::duckdb_config);

impl Config {
    fn new() -> Result<Self, FragmentError> {
        let mut handle = ptr::null_mut();
        // SAFETY: writes the handle, which this value then owns.
        if unsafe { ffi::duckdb_create_config(&raw mut handle) } == ffi::DuckDBError {
            return Err(open_error(
                "DuckDB could not make a configuration".to_owned(),
            ));
        }
        Ok(Self(handle))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), FragmentError> {
        let (c_name, c_value) = (c_text(name)?, c_text(value)?);
        // SAFETY: the handle is live, the texts outlive the call.
        let state = unsafe { ffi::duckdb_set_config(self.0, c_name.as_ptr(), c_value.as_ptr()) };
        if state == ffi::DuckDBError {
            return Err(open_error(format!(
                "DuckDB does not accept the setting {name} = {value}"
            )));
        }
        Ok(())
    }

    fn open(
        self,
        settings: BTreeMap<String, String>,
        reads_no_files: bool,
    ) -> Result<RawDatabase, FragmentError> {
        let path = CString::new(":memory:").expect("the text has no NUL");
        let (mut handle, mut message) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the configuration is live; both results are owned by us afterwards.
        let state = unsafe {
            ffi::duckdb_open_ext(path.as_ptr(), &raw mut handle, self.0, &raw mut message)
        };
        // SAFETY: null or allocated by DuckDB for us.
        let message = unsafe { owned_text(message) };
        if state == ffi::DuckDBError {
            return Err(open_error(super::error::plain_message(&message)));
        }
        Ok(RawDatabase {
            handle,
            feeds: Arc::default(),
            settings,
            reads_no_files,
        })
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: this value owns the handle.
        unsafe { ffi::duckdb_destroy_config(&raw mut self.0) };
    }
}

fn open_error(message: String) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message,
        position: None,
    }
}
