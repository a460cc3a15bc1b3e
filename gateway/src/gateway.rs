//! What all sessions share: catalogue, executors, shadow databases, caches and counters.
//!
//! Opened once from a configuration; everything in it may be used from any task.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use skein_catalog::snapshot::CatalogSnapshot;
use skein_catalog::system;
use skein_catalog::{Catalog, CatalogError, Inspect, InspectError};
use skein_config::Config;
use skein_executor::engine::{Database, DatabaseOptions, FileAccess, Host};
use skein_executor::{Counted, EmbeddedExecutor, EmbeddedOptions};
use skein_executor_api::{Executor, FragmentError, FragmentErrorKind};
use skein_planner::postgres::UserFact;
use skein_remote::tls::{Identity, Part, TlsError};
use skein_remote::{Link, Members, Nodes, Remote, RemoteOptions};

use crate::check::CheckReport;
use crate::dispatch::{Cluster, Dispatcher, Limits};
use crate::error::GatewayError;
use crate::executors::KnownExecutors;
use crate::pgwire::cancel::CancelRegistry;
use crate::plan_cache::PlanCache;
use crate::session::activity::{Sessions, Signals};
use crate::session::settings::{SettingError, Shared};
use crate::shadow::lookups::Lookups;
use crate::shadow::{Shadow, ShadowOptions};
use crate::spill::SpillFolder;

/// Shadow databases that are kept: a transaction block may need one that is not the newest.
const SHADOWS_MAX: usize = 4;
/// Bytes of rows that wait for the combine query from one fragment in another process.
const READER_BYTES_MAX: usize = 16 << 20;
/// Memory for statements that read no file.
const SHADOW_MEMORY: &str = "1GB";

/// Why the gateway cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A relation cannot be served.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// DuckDB cannot be opened.
    #[error("cannot open DuckDB: {0}")]
    Engine(#[from] FragmentError),
    /// A default of the configuration is none of its setting's.
    #[error("configuration: {0}")]
    Setting(#[from] SettingError),
    /// Executors in other processes would not believe that this is a gateway.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The folder for spilled rows cannot be made.
    #[error("cannot make a folder for temporary files in {path}: {source}")]
    TempDirectory {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// One gateway process.
pub struct Gateway {
    config: Config,
    catalog: Catalog,
    dispatcher: Dispatcher,
    executors: KnownExecutors,
    /// DuckDB of the executors, for the catalogue.
    databases: Vec<Database>,
    /// The version of the relations whose catalogue the executors have.
    shared_catalogue: tokio::sync::Mutex<Option<u64>>,
    /// What the functions of that catalogue know.
    lookups: Lookups,
    /// Newest last.
    shadows: Mutex<Vec<Arc<Shadow>>>,
    /// Lets one build at a time.
    building: tokio::sync::Mutex<()>,
    plans: PlanCache,
    cancels: CancelRegistry,
    sessions: Sessions,
    /// Users of the configuration and of the users file, as the catalogue lists them.
    users: Mutex<Arc<[UserFact]>>,
    statements: AtomicU64,
    settings: Arc<Shared>,
    /// As text of a timestamp with time zone.
    started: String,
    /// Removed with everything in it when the gateway ends.
    temp_directory: SpillFolder,
}

impl Gateway {
    /// Opens executors and reads the columns of all relations. `port` is what SHOW port says; 0 if it listens nowhere.
    pub async fn open(config: Config, port: u16) -> Result<Arc<Self>, OpenError> {
        let temp_directory = temp_directory(&config)?;
        let executors = open_executors(&config, temp_directory.path()).await?;
        let started = now(executors[0].database())?;
        let inspector = Inspector {
            database: executors[0].database().clone(),
        };
        let catalog = Catalog::new(&config, Arc::new(inspector));
        for problem in catalog.load().await? {
            if problem.error.is_configuration() {
                return Err(problem.error.into());
            }
            let (relation, error) = (problem.name, problem.error);
            tracing::warn!(%relation, %error, "relation cannot be read now");
        }
        let databases: Vec<Database> = executors
            .iter()
            .map(|executor| executor.database().clone())
            .collect();
        let limits = Limits {
            running_queries_max: config.gateway.running_queries_max,
            admission_queue_max: config.gateway.admission_queue_max,
            admission_timeout: Duration::from_millis(config.gateway.admission_timeout_ms),
            paused_after: PAUSED_AFTER,
            connections_max: config.executors.connections_max,
            batches_buffered_max: config.executors.batches_buffered_max,
            exchange_bytes_max: config.gateway.exchange_bytes_max,
        };
        let counted: Vec<Arc<Counted>> = executors
            .into_iter()
            .map(|executor| Arc::new(Counted::new(executor)))
            .collect();
        let identity = Identity::open(&config.executor_tls, Part::Gateway)?;
        let (cluster, members) = cluster(&config, identity.clone(), &databases).await.unzip();
        let known = KnownExecutors::new(&counted, members, identity);
        let executors = counted.into_iter().map(|it| it as Arc<dyn Executor>);
        let mut dispatcher = Dispatcher::new(executors.collect(), limits);
        if let Some(cluster) = cluster {
            dispatcher = dispatcher.with_cluster(cluster);
        }
        for problem in system::problems(&catalog.current()) {
            tracing::warn!(%problem, "what is declared about a relation is not shown");
        }
        let sessions = Sessions::default();
        let options = shadow_options(&config, &sessions, temp_directory.path());
        let shadow = build_shadow(catalog.current(), options).await?;
        let settings = Shared::new(defaults(&config, port), shadow.time_zones()?)?;
        Ok(Arc::new(Self {
            plans: PlanCache::new(config.gateway.plan_cache_entries_max),
            lookups: lookups(&databases)?,
            databases,
            shared_catalogue: tokio::sync::Mutex::default(),
            shadows: Mutex::new(vec![shadow]),
            building: tokio::sync::Mutex::default(),
            cancels: CancelRegistry::default(),
            sessions,
            users: Mutex::new(Arc::from([])),
            statements: AtomicU64::new(0),
            settings: Arc::new(settings),
            started,
            catalog,
            dispatcher,
            executors: known,
            config,
            temp_directory,
        }))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Relations and their files.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Runs plans.
    pub fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }

    /// Executors and what they are doing.
    pub fn executors(&self) -> &KnownExecutors {
        &self.executors
    }

    /// Statements analysed before.
    pub fn plans(&self) -> &PlanCache {
        &self.plans
    }

    /// Keys of sessions.
    pub fn cancels(&self) -> &CancelRegistry {
        &self.cancels
    }

    /// What sessions are doing.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Users as the catalogue lists them; none where anybody may take any name.
    pub fn users(&self) -> Arc<[UserFact]> {
        Arc::clone(&self.users.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lists other users from now on.
    pub fn set_users(&self, users: Vec<UserFact>) {
        *self.users.lock().unwrap_or_else(PoisonError::into_inner) = users.into();
    }

    /// What belongs to all sessions' settings.
    pub fn settings(&self) -> &Arc<Shared> {
        &self.settings
    }

    /// When the gateway started, as text of a timestamp with time zone.
    pub fn started(&self) -> &str {
        &self.started
    }

    /// Removes what statements have spilled. Whoever still holds the gateway cannot spill any more.
    pub fn remove_temp_directory(&self) {
        let path = self.temp_directory.path();
        if let Err(error) = std::fs::remove_dir_all(path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove temporary files");
        }
    }

    /// How long a client may take none of its result.
    pub fn send_timeout(&self) -> Option<Duration> {
        let millis = self.config.gateway.send_timeout_ms;
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// A number for a statement that starts.
    pub fn next_statement(&self) -> u64 {
        self.statements.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Gives every executor the system catalogue, for statements that join it with files.
    pub async fn share_catalogue(
        &self,
        snapshot: &Arc<CatalogSnapshot>,
    ) -> Result<(), GatewayError> {
        let mut shared = self.shared_catalogue.lock().await;
        if *shared == Some(snapshot.schema_version) {
            return Ok(());
        }
        let (databases, content) = (self.databases.clone(), Arc::clone(snapshot));
        let lookups = self.lookups.clone();
        let share = move || {
            lookups.follow(&content);
            databases
                .iter()
                .try_for_each(|on| write_catalogue(on, &content))
        };
        tokio::task::spawn_blocking(share)
            .await
            .unwrap_or_else(|error| Err(lost(&error)))?;
        *shared = Some(snapshot.schema_version);
        Ok(())
    }

    fn shadows(&self) -> MutexGuard<'_, Vec<Arc<Shadow>>> {
        self.shadows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Any shadow database, for parsing.
    pub fn any_shadow(&self) -> Arc<Shadow> {
        let shadows = self.shadows();
        Arc::clone(
            shadows
                .last()
                .expect("one is built when the gateway opens and one always stays"),
        )
    }

    /// The shadow database that has the relations of a snapshot.
    pub async fn shadow(
        &self,
        snapshot: &Arc<CatalogSnapshot>,
    ) -> Result<Arc<Shadow>, GatewayError> {
        let known = |shadows: &[Arc<Shadow>]| {
            let version = snapshot.schema_version;
            shadows
                .iter()
                .rev()
                .find(|shadow| shadow.schema_version() == version)
                .cloned()
        };
        if let Some(shadow) = known(&self.shadows()) {
            return Ok(shadow);
        }
        let _one = self.building.lock().await;
        if let Some(shadow) = known(&self.shadows()) {
            return Ok(shadow);
        }
        let options = shadow_options(&self.config, &self.sessions, self.temp_directory.path());
        let shadow = build_shadow(Arc::clone(snapshot), options).await?;
        let mut shadows = self.shadows();
        shadows.push(Arc::clone(&shadow));
        if shadows.len() > SHADOWS_MAX {
            shadows.remove(0);
        }
        Ok(shadow)
    }
}

/// The time, as DuckDB writes it.
fn now(database: &Database) -> Result<String, FragmentError> {
    let rows = database
        .connect()?
        .query_text("SELECT CAST(now() AS VARCHAR)")?;
    Ok(rows
        .into_iter()
        .flatten()
        .flatten()
        .next()
        .unwrap_or_default())
}

/// Gives databases the functions of a catalogue that they do not have yet.
fn lookups(databases: &[Database]) -> Result<Lookups, FragmentError> {
    let lookups = Lookups::default();
    for database in databases {
        lookups.add_to(&database.connect()?)?;
    }
    Ok(lookups)
}

/// Writes the system catalogue into a database, in place of an older one.
fn write_catalogue(database: &Database, snapshot: &CatalogSnapshot) -> Result<(), FragmentError> {
    let connection = database.connect()?;
    let drop = |schema| format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    let drops = [drop(system::INFORMATION_SCHEMA), drop(system::PG_SCHEMA)];
    let statements = system::statements(snapshot, &ShadowOptions::default().database);
    connection.execute("BEGIN TRANSACTION")?;
    let mut all = drops.iter().chain(&statements);
    match all.try_for_each(|statement| connection.execute(statement)) {
        Ok(()) => connection.execute("COMMIT"),
        Err(error) => {
            connection.execute("ROLLBACK")?;
            Err(error)
        }
    }
}

/// What a server with this configuration would serve, without serving it.
pub async fn check(config: &Config) -> Result<CheckReport, OpenError> {
    let temp_directory = temp_directory(config)?;
    let executors = open_executors(config, temp_directory.path()).await?;
    let inspector = Inspector {
        database: executors[0].database().clone(),
    };
    Ok(crate::check::check(config, Arc::new(inspector)).await)
}

fn shadow_options(config: &Config, sessions: &Sessions, temp_directory: &Path) -> ShadowOptions {
    ShadowOptions {
        temp_directory: Some(temp_directory.to_owned()),
        host: Host::new(Arc::new(Signals(sessions.clone()))),
        memory_limit: SHADOW_MEMORY.to_owned(),
        connections_max: u32::try_from(config.executors.connections_max).unwrap_or(u32::MAX),
        connection_timeout: Duration::from_millis(config.executors.connection_timeout_ms),
        ..ShadowOptions::default()
    }
}

/// A client that has not asked for its next rows for so long does not keep others out.
const PAUSED_AFTER: Duration = Duration::from_millis(500);
/// Threads for calls that block: each fragment that runs holds one. More fragments than
/// `connections_max` of an executor can be waiting for each other's rows, so there have to be enough;
/// they are made when needed.
pub(crate) const BLOCKING_THREADS_MAX: usize = 4096;
/// Fragments that an executor runs at once, for each of `executors.connections_max`: a statement may
/// have many on one executor that wait for each other, those of several gateways add up, and those of
/// statements whose rows nobody asks for do not count.
const FRAGMENTS_PER_CONNECTION: usize = 32;
/// Blocking threads that are left for everything but fragments.
const OTHER_THREADS: usize = 64;

/// Connections that each of so many executors of a process may open: a fragment that has a place never
/// waits for one.
pub(crate) fn fragments_max(connections_max: usize, executors: usize) -> usize {
    let threads = (BLOCKING_THREADS_MAX - OTHER_THREADS) / executors.max(1);
    let wanted = connections_max.saturating_mul(FRAGMENTS_PER_CONNECTION);
    wanted.min(threads).max(connections_max)
}

/// With so many relations the system catalogue is filled before a client asks for it, since that
/// takes longer than a client expects.
const LOADED_EARLY_RELATIONS_MIN: usize = 100;

async fn build_shadow(
    snapshot: Arc<CatalogSnapshot>,
    options: ShadowOptions,
) -> Result<Arc<Shadow>, FragmentError> {
    let is_large = snapshot.relations.len() >= LOADED_EARLY_RELATIONS_MIN;
    let build = move || Shadow::build(&snapshot, &options).map(Arc::new);
    let shadow = tokio::task::spawn_blocking(build)
        .await
        .unwrap_or_else(|error| Err(lost(&error)))?;
    if is_large {
        let shadow = Arc::clone(&shadow);
        // Nobody waits for it; whoever needs the catalogue before it is there waits in the shadow.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = shadow.load_catalogue() {
                tracing::warn!(%error, "the system catalogue cannot be filled");
            }
        }));
    }
    Ok(shadow)
}

fn lost(error: &tokio::task::JoinError) -> FragmentError {
    FragmentError {
        kind: FragmentErrorKind::Internal,
        message: format!("a task ended early: {error}"),
        position: None,
    }
}

/// A folder of this process below the configured one or the system's.
pub(crate) fn temp_directory(config: &Config) -> Result<SpillFolder, OpenError> {
    let configured = config.executors.temp_directory.as_str();
    let parent = if configured.is_empty() {
        std::env::temp_dir()
    } else {
        PathBuf::from(configured)
    };
    SpillFolder::create(&parent).map_err(|source| OpenError::TempDirectory {
        path: parent.clone(),
        source,
    })
}

async fn open_executors(
    config: &Config,
    temp_directory: &Path,
) -> Result<Vec<Arc<EmbeddedExecutor>>, FragmentError> {
    let settings = &config.executors;
    let count = settings.embedded.max(1);
    let options = |index: usize| EmbeddedOptions {
        name: format!("embedded-{index}"),
        database: DatabaseOptions {
            threads: (settings.threads > 0).then_some(settings.threads),
            memory_limit: settings.memory_limit.duckdb_setting(count),
            temp_directory: Some(temp_directory.join(format!("embedded-{index}"))),
            file_access: file_access(config),
            ..DatabaseOptions::default()
        },
        connections_max: u32::try_from(fragments_max(settings.connections_max, count))
            .unwrap_or(u32::MAX),
        connection_timeout: Duration::from_millis(settings.connection_timeout_ms),
        ..EmbeddedOptions::default()
    };
    let options: Vec<EmbeddedOptions> = (0..count).map(options).collect();
    let open = move || {
        options
            .iter()
            .map(|o| EmbeddedExecutor::open(o).map(Arc::new))
            .collect()
    };
    tokio::task::spawn_blocking(open)
        .await
        .unwrap_or_else(|error| Err(lost(&error)))
}

/// The executors in other processes, if there are any, each asked once how it is.
async fn cluster(
    config: &Config,
    identity: Option<Arc<Identity>>,
    databases: &[Database],
) -> Option<(Cluster, Arc<Members>)> {
    let settings = &config.executors;
    if settings.nodes.is_empty() {
        return None;
    }
    let link = Link {
        identity,
        connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
        ..Link::default()
    };
    let nodes = Nodes::default();
    let members = Arc::new(Members::start(settings, link.clone(), nodes.clone()).await);
    let remote = Remote::new(RemoteOptions {
        nodes,
        link,
        reader_bytes_max: READER_BYTES_MAX,
    });
    let database = databases[0].clone();
    let cluster = Cluster::new(remote, Arc::clone(&members), database, settings);
    Some((cluster, members))
}

/// The folders that DuckDB may read: those of relations and those that paths may reach.
pub(crate) fn file_access(config: &Config) -> FileAccess {
    let globs = config
        .relations
        .iter()
        .flat_map(|relation| &relation.paths)
        .map(String::as_str);
    let mut folders: Vec<String> = globs.map(folder_of).collect();
    folders.extend(
        config
            .gateway
            .allow_paths
            .iter()
            .map(|path| with_slash(path)),
    );
    folders.extend(
        config
            .directory
            .iter()
            .map(|path| with_slash(&path.to_string_lossy())),
    );
    // DuckDB compares texts, so a folder behind a link is named both ways.
    let real = folders.iter().filter_map(|folder| {
        let real = Path::new(folder).canonicalize().ok()?;
        Some(with_slash(&real.to_string_lossy()))
    });
    let real: Vec<String> = real.collect();
    folders.extend(real);
    folders.sort_unstable();
    folders.dedup();
    FileAccess::Directories(folders)
}

/// The part of a glob before its first wildcard, up to a slash; a folder without wildcards is
/// itself meant.
fn folder_of(glob: &str) -> String {
    let Some(wildcard) = glob.find(['*', '?', '[', '{', '\\']) else {
        if Path::new(glob).is_dir() {
            return with_slash(glob);
        }
        return glob
            .rsplit_once('/')
            .map_or_else(String::new, |(folder, _)| with_slash(folder));
    };
    glob[..wildcard]
        .rsplit_once('/')
        .map_or_else(String::new, |(folder, _)| with_slash(folder))
}

fn with_slash(folder: &str) -> String {
    format!("{}/", folder.trim_end_matches('/'))
}

/// Defaults of settings that the configuration gives.
fn defaults(config: &Config, port: u16) -> Vec<(&'static str, String)> {
    let gateway = &config.gateway;
    let mut defaults = vec![
        (
            "statement_timeout",
            gateway.statement_timeout_ms.to_string(),
        ),
        (
            "idle_session_timeout",
            gateway.idle_session_timeout_ms.to_string(),
        ),
        (
            "idle_in_transaction_session_timeout",
            gateway.idle_in_transaction_session_timeout_ms.to_string(),
        ),
        ("max_connections", gateway.connections_max.to_string()),
        (
            "superuser_reserved_connections",
            config.login.reserved_connections.to_string(),
        ),
    ];
    if !config.tls.certificate.is_empty() {
        defaults.push(("ssl", "on".to_owned()));
    }
    if port > 0 {
        defaults.push(("port", port.to_string()));
    }
    defaults
}

/// Looks into files for the catalogue.
struct Inspector {
    database: Database,
}

#[async_trait]
impl Inspect for Inspector {
    async fn query_text(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, InspectError> {
        let (database, sql) = (self.database.clone(), sql.to_owned());
        let query = move || database.connect()?.query_text(&sql);
        let rows = tokio::task::spawn_blocking(query).await;
        rows.unwrap_or_else(|error| Err(lost(&error)))
            .map_err(InspectError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_glob_ends_before_its_wildcards() {
        assert_eq!(folder_of("/data/events/**/*.parquet"), "/data/events/");
        assert_eq!(folder_of("/data/part-*.csv"), "/data/");
        assert_eq!(folder_of("/data/users.csv"), "/data/");
        assert_eq!(folder_of("s3://bucket/a/*.parquet"), "s3://bucket/a/");
    }
}
