//! Puts defaults, file, environment and flags together, and checks the result.
//!
//! Every refusal names its origin: the line of the file, the variable, or the flag. For that the
//! file is read twice, once with positions (to find unknown keys and lines) and once into values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::de::{DeTable, DeValue};

use crate::access::{AccessRule, ConnectionKind, Method};
use crate::error::nearest;
use crate::keys::{
    AccessTable, Catalog, ExecutorTls, Executors, Gateway, LISTS, Login, RelationTable, SECTIONS,
    Section, Tls, UserTable,
};
use crate::relation::Declared;
use crate::{Config, ConfigError, Relation, users};

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `skein serve DIR`.
    pub directory: Option<PathBuf>,
    /// `--listen HOST:PORT`; when there is any, they replace the configured addresses.
    pub listen: Vec<String>,
    /// `--relation NAME=GLOB` or `--relation SCHEMA.NAME=GLOB`, added to the configured relations.
    pub relations: Vec<String>,
}

const PREFIX: &str = "SKEIN_";

/// Like [`Config::load`], with the environment given.
pub fn load_with(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let Some(path) = file else {
        return from_text(None, &working_directory()?, environment, overrides);
    };
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let base = absolute.parent().unwrap_or(Path::new("/"));
    from_text(Some((path, &text)), base, environment, overrides)
}

/// Values of the sections, as they are after each step.
#[derive(Default)]
struct Values {
    sections: BTreeMap<&'static str, toml::Table>,
    origins: BTreeMap<(&'static str, &'static str), String>,
    relations: Vec<(String, RelationTable)>,
    users: Vec<(String, UserTable)>,
    access: Vec<(String, AccessTable)>,
}

pub(crate) fn from_text(
    file: Option<(&Path, &str)>,
    base: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let mut values = Values::default();
    if let Some((path, text)) = file {
        values.read_file(&path.display().to_string(), text, base)?;
    }
    let here = working_directory()?;
    let variables: BTreeMap<String, String> = environment.into_iter().collect();
    for (variable, value) in &variables {
        values.read_variable(variable, value, &here)?;
    }
    let mut config = Config {
        gateway: values.section(Gateway::SECTION.name)?,
        tls: values.section(Tls::SECTION.name)?,
        login: values.section(Login::SECTION.name)?,
        users: users::checked(std::mem::take(&mut values.users), &[])?,
        access: Vec::new(),
        executors: values.section(Executors::SECTION.name)?,
        executor_tls: values.section(ExecutorTls::SECTION.name)?,
        catalog: values.section(Catalog::SECTION.name)?,
        relations: Vec::new(),
        directory: None,
        base: base.to_path_buf(),
    };
    for (origin, table) in &values.relations {
        config.relations.push(relation(origin, table, base)?);
    }
    for (origin, table) in &values.access {
        config.access.push(access_rule(origin, table, &config.tls)?);
    }
    values.apply_overrides(&mut config, overrides, &here, file.is_some())?;
    values.check(&config)?;
    Ok(config)
}

/// A text in TOML, and what its errors call it.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn at(&self, offset: usize) -> String {
        format!("{}, line {}", self.name, line_of(self.text, offset))
    }

    fn invalid(&self, error: &toml::de::Error) -> ConfigError {
        ConfigError::Invalid {
            origin: self.at(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        }
    }

    /// Reads the tables of a section that repeats, each with its origin.
    fn list<T: DeserializeOwned>(
        &self,
        section: &Section,
        value: &DeValue<'_>,
        origin: &str,
    ) -> Result<Vec<(String, T)>, ConfigError> {
        let wrong = || ConfigError::Invalid {
            origin: origin.to_owned(),
            message: match section.name {
                "access" => "access rules are a list; write [[access]] for each".to_owned(),
                name => format!("{name}s are a list; write [[{name}]] for each"),
            },
        };
        let mut list = Vec::new();
        for item in value.as_array().ok_or_else(wrong)? {
            let table = item.get_ref().as_table().ok_or_else(wrong)?;
            for key in table.keys() {
                let known = |known: &crate::keys::Key| known.name == key.get_ref();
                if !section.keys.iter().any(known) {
                    let key_path = format!("{}.{}", section.name, key.get_ref());
                    return Err(unknown_key(self.at(key.span().start), &key_path));
                }
            }
            let first_line = table.keys().map(|key| key.span().start).min();
            let read = T::deserialize(item.clone().into_deserializer())
                .map_err(|error: toml::de::Error| self.invalid(&error))?;
            list.push((self.at(first_line.unwrap_or(item.span().start)), read));
        }
        Ok(list)
    }
}

/// The users of a users file, with their origins.
pub(crate) fn users_of(name: &str, text: &str) -> Result<Vec<(String, UserTable)>, ConfigError> {
    let source = Source { name, text };
    let table = DeTable::parse(text).map_err(|error| source.invalid(&error))?;
    let mut users = Vec::new();
    for (key, value) in table.get_ref() {
        let origin = source.at(key.span().start);
        if key.get_ref().as_ref() != UserTable::SECTION.name {
            let message = "a users file holds [[user]] only".to_owned();
            return Err(ConfigError::Invalid { origin, message });
        }
        users.extend(source.list(&UserTable::SECTION, value.get_ref(), &origin)?);
    }
    Ok(users)
}

impl Values {
    fn read_file(&mut self, name: &str, text: &str, base: &Path) -> Result<(), ConfigError> {
        let source = Source { name, text };
        let table = DeTable::parse(text).map_err(|error| source.invalid(&error))?;
        for (section, value) in table.get_ref() {
            let origin = source.at(section.span().start);
            let (key, value) = (section.get_ref().as_ref(), value.get_ref());
            match key {
                "relation" => {
                    self.relations = source.list(&RelationTable::SECTION, value, &origin)?;
                }
                "user" => self.users = source.list(&UserTable::SECTION, value, &origin)?,
                "access" => self.access = source.list(&AccessTable::SECTION, value, &origin)?,
                _ => {
                    let Some(known) = SECTIONS.iter().find(|known| known.name == key) else {
                        return Err(unknown_key(origin, key));
                    };
                    self.read_section(known, value, &source, &origin, base)?;
                }
            }
        }
        Ok(())
    }

    fn read_section(
        &mut self,
        known: &Section,
        value: &DeValue<'_>,
        source: &Source<'_>,
        origin: &str,
        base: &Path,
    ) -> Result<(), ConfigError> {
        let Some(keys) = value.as_table() else {
            return Err(ConfigError::Invalid {
                origin: origin.to_owned(),
                message: format!("\"{name}\" is a section; write [{name}]", name = known.name),
            });
        };
        for (key, value) in keys {
            let origin = source.at(key.span().start);
            let path = format!("{}.{}", known.name, key.get_ref());
            if let Some(inner) = SECTIONS.iter().find(|inner| inner.name == path) {
                self.read_section(inner, value.get_ref(), source, &origin, base)?;
                continue;
            }
            let Some(known_key) = known.keys.iter().find(|k| k.name == key.get_ref()) else {
                return Err(unknown_key(origin, &path));
            };
            let value = toml::Value::deserialize(value.clone().into_deserializer())
                .map_err(|error| source.invalid(&error))?;
            let value = absolute_value(known.name, known_key.name, value, base);
            self.set(known.name, known_key.name, value, origin)?;
        }
        Ok(())
    }

    /// Applies `SKEIN_SECTION__KEY`. Other variables are none of this program's business.
    fn read_variable(
        &mut self,
        variable: &str,
        text: &str,
        here: &Path,
    ) -> Result<(), ConfigError> {
        let Some((section, key)) = variable
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.rsplit_once("__"))
        else {
            return Ok(());
        };
        let section = section.to_ascii_lowercase().replace("__", ".");
        let key = key.to_ascii_lowercase();
        let origin = format!("environment variable {variable}");
        let known = SECTIONS
            .iter()
            .find(|known| known.name == section)
            .and_then(|known| {
                known
                    .keys
                    .iter()
                    .find(|k| k.name == key)
                    .map(|key| (known.name, key.name))
            });
        let Some((section, key)) = known else {
            let names: Vec<String> = SECTIONS
                .iter()
                .flat_map(|section| section.keys.iter().map(move |key| (section, key)))
                .map(|(section, key)| {
                    let section = section.name.replace('.', "__");
                    format!("{PREFIX}{section}__{}", key.name).to_ascii_uppercase()
                })
                .collect();
            let nearest = nearest(variable, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(ConfigError::UnknownKey {
                origin,
                key: format!("{section}.{key}"),
                nearest,
            });
        };
        let value =
            variable_value(text, default_value(section, key).as_ref()).map_err(|message| {
                ConfigError::Invalid {
                    origin: origin.clone(),
                    message,
                }
            })?;
        self.set(
            section,
            key,
            absolute_value(section, key, value, here),
            origin,
        )
    }

    /// Stores a value and sees at once whether its section accepts it.
    fn set(
        &mut self,
        section: &'static str,
        key: &'static str,
        value: toml::Value,
        origin: String,
    ) -> Result<(), ConfigError> {
        let alone = toml::Table::from_iter([(key.to_owned(), value.clone())]);
        let accepted = match section {
            "gateway" => accepts::<Gateway>(alone),
            "gateway.tls" => accepts::<Tls>(alone),
            "gateway.login" => accepts::<Login>(alone),
            "executors" => accepts::<Executors>(alone),
            "executors.tls" => accepts::<ExecutorTls>(alone),
            _ => accepts::<Catalog>(alone),
        };
        accepted.map_err(|message| ConfigError::Invalid {
            origin: origin.clone(),
            message: format!("{section}.{key}: {message}"),
        })?;
        self.sections
            .entry(section)
            .or_default()
            .insert(key.to_owned(), value);
        self.origins.insert((section, key), origin);
        Ok(())
    }

    fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let table = self.sections.get(name).cloned().unwrap_or_default();
        table
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Invalid {
                origin: format!("[{name}]"),
                message: error.message().to_owned(),
            })
    }

    fn apply_overrides(
        &mut self,
        config: &mut Config,
        overrides: &Overrides,
        here: &Path,
        has_file: bool,
    ) -> Result<(), ConfigError> {
        if !overrides.listen.is_empty() {
            config.gateway.listen.clone_from(&overrides.listen);
            self.origins
                .insert(("gateway", "listen"), "--listen".to_owned());
        }
        for text in &overrides.relations {
            let origin = format!("--relation {text}");
            let Some((name, path)) = text
                .split_once('=')
                .filter(|(n, p)| !n.is_empty() && !p.is_empty())
            else {
                let message = "write NAME=GLOB, such as events=data/*.parquet".to_owned();
                return Err(ConfigError::Invalid { origin, message });
            };
            let (schema, name) = match name.split_once('.') {
                Some((schema, name)) => (Some(schema.to_owned()), name),
                None => (None, name),
            };
            let table = RelationTable {
                name: Some(name.to_owned()),
                schema,
                path: Some(crate::relation::Paths::One(path.to_owned())),
                ..RelationTable::default()
            };
            let relation = relation(&origin, &table, here)?;
            self.relations.push((origin, table));
            config.relations.push(relation);
        }
        if let Some(directory) = &overrides.directory {
            let refuse = |message: String| ConfigError::Directory {
                path: directory.clone(),
                message,
            };
            let found =
                std::fs::canonicalize(directory).map_err(|error| refuse(error.to_string()))?;
            if !found.is_dir() {
                return Err(refuse("it is not a directory".to_owned()));
            }
            std::fs::read_dir(&found).map_err(|error| refuse(error.to_string()))?;
            if !has_file && config.gateway.allow_paths.is_empty() {
                config.gateway.allow_paths = vec![found.to_string_lossy().into_owned()];
            }
            config.base.clone_from(&found);
            config.directory = Some(found);
        }
        Ok(())
    }

    fn refuse(
        &self,
        section: &'static str,
        key: &'static str,
        message: &str,
    ) -> Result<(), ConfigError> {
        let origin = self.origins.get(&(section, key)).cloned();
        Err(ConfigError::Invalid {
            origin: origin.unwrap_or_else(|| format!("[{section}]")),
            message: format!("{section}.{key}: {message}"),
        })
    }

    fn check_login(&self, config: &Config) -> Result<(), ConfigError> {
        let (gateway, tls, login) = (&config.gateway, &config.tls, &config.login);
        if gateway.databases.iter().any(String::is_empty) {
            return self.refuse("gateway", "databases", "a database needs a name");
        }
        for (key, value, other) in [
            ("certificate", &tls.certificate, &tls.key),
            ("key", &tls.key, &tls.certificate),
            ("client_ca", &tls.client_ca, &tls.certificate),
        ] {
            if !value.is_empty() && other.is_empty() {
                let message = "TLS needs both a certificate and a key";
                return self.refuse("gateway.tls", key, message);
            }
        }
        if tls.required && tls.certificate.is_empty() {
            let message = "TLS needs both a certificate and a key";
            return self.refuse("gateway.tls", "required", message);
        }
        if login.reserved_connections >= gateway.connections_max
            && (self.origins).contains_key(&("gateway.login", "reserved_connections"))
        {
            let message = "it has to be less than gateway.connections_max";
            return self.refuse("gateway.login", "reserved_connections", message);
        }
        for (key, value) in [
            ("unauthenticated_max", login.unauthenticated_max),
            (
                "unauthenticated_per_address_max",
                login.unauthenticated_per_address_max,
            ),
        ] {
            if value == 0 {
                return self.refuse("gateway.login", key, "it has to be at least 1");
            }
        }
        Ok(())
    }

    fn check_nodes(&self, config: &Config) -> Result<(), ConfigError> {
        let (executors, tls) = (&config.executors, &config.executor_tls);
        let mut seen = BTreeSet::new();
        for node in &executors.nodes {
            let address = node.strip_prefix("dns:").unwrap_or(node);
            let message = if !is_address(address) || address.ends_with(":0") {
                format!("\"{node}\" is not HOST:PORT or dns:NAME:PORT, such as 10.0.0.7:7070")
            } else if seen.insert(node) {
                continue;
            } else {
                format!("\"{node}\" is named twice")
            };
            return self.refuse("executors", "nodes", &message);
        }
        for (key, value) in [
            ("connect_timeout_ms", executors.connect_timeout_ms),
            ("health_interval_ms", executors.health_interval_ms),
            ("health_timeout_ms", executors.health_timeout_ms),
            ("health_failures_max", executors.health_failures_max.into()),
            ("resolve_interval_ms", executors.resolve_interval_ms),
        ] {
            if value == 0 {
                return self.refuse("executors", key, "it has to be at least 1");
            }
        }
        let files = [
            ("ca", &tls.ca),
            ("certificate", &tls.certificate),
            ("key", &tls.key),
        ];
        let given = files.iter().find(|(_, file)| !file.is_empty());
        if let Some((key, _)) = given
            && files.iter().any(|(_, file)| file.is_empty())
        {
            let message = "both sides prove who they are: ca, certificate and key are all needed";
            return self.refuse("executors.tls", key, message);
        }
        Ok(())
    }

    fn check(&self, config: &Config) -> Result<(), ConfigError> {
        let refuse = |section, key, message: &str| self.refuse(section, key, message);
        if config.gateway.listen.is_empty() {
            return refuse("gateway", "listen", "there has to be at least one address");
        }
        for address in &config.gateway.listen {
            if !is_address(address) {
                let message = format!("\"{address}\" is not HOST:PORT, such as 127.0.0.1:5433");
                return refuse("gateway", "listen", &message);
            }
        }
        self.check_nodes(config)?;
        let (gateway, executors, catalog) = (&config.gateway, &config.executors, &config.catalog);
        for (section, key, value) in [
            ("gateway", "connections_max", gateway.connections_max),
            (
                "gateway",
                "running_queries_max",
                gateway.running_queries_max,
            ),
            (
                "gateway",
                "admission_queue_max",
                gateway.admission_queue_max,
            ),
            ("gateway", "message_bytes_max", gateway.message_bytes_max),
            ("gateway", "statements_max", gateway.statements_max),
            ("gateway", "exchange_bytes_max", gateway.exchange_bytes_max),
            ("gateway", "portals_max", gateway.portals_max),
            ("executors", "embedded", executors.embedded),
            ("executors", "connections_max", executors.connections_max),
            (
                "executors",
                "batches_buffered_max",
                executors.batches_buffered_max,
            ),
            ("catalog", "files_max", catalog.files_max),
            ("catalog", "describe_files_max", catalog.describe_files_max),
            (
                "catalog",
                "describe_parallel_max",
                catalog.describe_parallel_max,
            ),
        ] {
            if value == 0 {
                return refuse(section, key, "it has to be at least 1");
            }
        }
        self.check_login(config)?;
        if catalog.sample_rows != -1 && catalog.sample_rows < 1 {
            return refuse(
                "catalog",
                "sample_rows",
                "it has to be at least 1, or -1 for all rows",
            );
        }
        let mut seen = BTreeSet::new();
        for (relation, (origin, _)) in config.relations.iter().zip(&self.relations) {
            let key = (relation.schema.to_lowercase(), relation.name.to_lowercase());
            if !seen.insert(key) {
                return Err(ConfigError::Invalid {
                    origin: origin.clone(),
                    message: format!(
                        "relation \"{}\" is already configured in schema \"{}\"",
                        relation.name, relation.schema
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Whether a text is `HOST:PORT`.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    parts.is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

fn accepts<T: DeserializeOwned>(table: toml::Table) -> Result<(), String> {
    table
        .try_into::<T>()
        .map(|_| ())
        .map_err(|error| error.message().to_owned())
}

fn unknown_key(origin: String, key: &str) -> ConfigError {
    let mut names: Vec<String> = Vec::new();
    for section in LISTS.iter().chain(&SECTIONS) {
        names.push(section.name.to_owned());
        names.extend(
            section
                .keys
                .iter()
                .map(|key| format!("{}.{}", section.name, key.name)),
        );
    }
    // A key of a section is looked for in its own section first.
    let own = key
        .rsplit_once('.')
        .map(|(section, _)| format!("{section}."));
    let in_section = own.as_ref().and_then(|own| {
        let known = names
            .iter()
            .filter_map(|name| name.strip_prefix(own.as_str()));
        nearest(&key[own.len()..], known).map(|found| format!("{own}{found}"))
    });
    let in_other = || {
        let last = |name: &'_ str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let exact = names.iter().find(|name| last(name) == last(key)).cloned();
        let similar = || nearest(key, names.iter().map(String::as_str)).map(str::to_owned);
        exact.or_else(|| if own.is_none() { similar() } else { None })
    };
    ConfigError::UnknownKey {
        origin,
        key: key.to_owned(),
        nearest: in_section.or_else(in_other),
    }
}

fn relation(origin: &str, table: &RelationTable, base: &Path) -> Result<Relation, ConfigError> {
    let refuse = |message: &str| ConfigError::Invalid {
        origin: origin.to_owned(),
        message: message.to_owned(),
    };
    let named = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let name = named(&table.name).ok_or_else(|| refuse("a relation needs a name"))?;
    let schema = named(&table.schema).unwrap_or_else(|| "public".to_owned());
    let taken = ["pg_catalog", "information_schema", "skein"];
    if taken.iter().any(|taken| schema.eq_ignore_ascii_case(taken)) {
        return Err(refuse(&format!(
            "schema \"{schema}\" belongs to the system"
        )));
    }
    let paths = table
        .path
        .clone()
        .map(crate::relation::Paths::into_vec)
        .unwrap_or_default();
    if paths.is_empty() || paths.iter().any(String::is_empty) {
        return Err(refuse(&format!("relation \"{name}\" needs a path")));
    }
    let declared = Declared {
        comment: named(&table.comment),
        primary_key: table.primary_key.clone(),
        references: table.references.clone(),
        columns: table.columns.clone(),
    };
    declared
        .check_keys(&name)
        .map_err(|message| refuse(&message))?;
    Ok(Relation {
        schema,
        name,
        paths: paths.iter().map(|path| absolute(base, path)).collect(),
        format: table.format,
        hive_partitioning: table.hive_partitioning,
        declared,
    })
}

fn access_rule(origin: &str, table: &AccessTable, tls: &Tls) -> Result<AccessRule, ConfigError> {
    let refuse = |message: &str| ConfigError::Invalid {
        origin: origin.to_owned(),
        message: message.to_owned(),
    };
    let method = table
        .method
        .ok_or_else(|| refuse("an access rule needs a method"))?;
    if table.connection == ConnectionKind::HostSsl && tls.certificate.is_empty() {
        return Err(refuse(
            "\"hostssl\" never fits: gateway.tls has no certificate",
        ));
    }
    if method == Method::Cert && tls.client_ca.is_empty() {
        return Err(refuse(
            "\"cert\" cannot be checked: gateway.tls has no client_ca",
        ));
    }
    Ok(AccessRule {
        connection: table.connection,
        databases: table.database.clone(),
        users: table.user.clone(),
        addresses: table.address.clone(),
        method,
    })
}

/// Makes relative paths among the values absolute.
fn absolute_value(section: &str, key: &str, value: toml::Value, base: &Path) -> toml::Value {
    match (section, key, value) {
        (
            "executors" | "executors.tls" | "gateway.tls" | "gateway.login",
            "temp_directory" | "ca" | "certificate" | "key" | "client_ca" | "users_file",
            toml::Value::String(path),
        ) if !path.is_empty() => toml::Value::String(plain_absolute(base, &path)),
        ("gateway", "allow_paths", toml::Value::Array(paths)) => {
            let absolute = |value| match value {
                toml::Value::String(path) => toml::Value::String(plain_absolute(base, &path)),
                other => other,
            };
            toml::Value::Array(paths.into_iter().map(absolute).collect())
        }
        (_, _, value) => value,
    }
}

/// A glob that starts from `base`, unless it is absolute or a URL. What the folder's own name
/// contains is never taken for a glob.
fn absolute(base: &Path, path: &str) -> String {
    if path.contains("://") || Path::new(path).is_absolute() {
        return path.to_owned();
    }
    let mut escaped = String::new();
    for c in base.to_string_lossy().chars() {
        match c {
            '*' | '?' | '[' | '{' => escaped.extend(['[', c, ']']),
            c => escaped.push(c),
        }
    }
    clean(&Path::new(&escaped).join(path))
}

fn plain_absolute(base: &Path, path: &str) -> String {
    if path.contains("://") {
        path.to_owned()
    } else {
        clean(&base.join(path))
    }
}

/// Without `.` and with `..` applied.
fn clean(path: &Path) -> String {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    let mut text = cleaned.to_string_lossy().into_owned();
    if path.to_string_lossy().ends_with('/') && !text.ends_with('/') {
        text.push('/');
    }
    text
}

fn default_value(section: &str, key: &str) -> Option<toml::Value> {
    let table = match section {
        "gateway" => toml::Table::try_from(Gateway::default()),
        "gateway.tls" => toml::Table::try_from(Tls::default()),
        "gateway.login" => toml::Table::try_from(Login::default()),
        "executors" => toml::Table::try_from(Executors::default()),
        "executors.tls" => toml::Table::try_from(ExecutorTls::default()),
        _ => toml::Table::try_from(Catalog::default()),
    };
    table.expect("sections hold plain values").get(key).cloned()
}

/// Reads a variable's text as the kind of value that the key's default is.
fn variable_value(text: &str, default: Option<&toml::Value>) -> Result<toml::Value, String> {
    let parsed = || text.trim().parse::<toml::Value>().ok();
    match default {
        Some(toml::Value::String(_)) => Ok(toml::Value::String(text.to_owned())),
        Some(toml::Value::Array(_)) => {
            Ok(parsed().filter(toml::Value::is_array).unwrap_or_else(|| {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                toml::Value::Array(
                    items
                        .map(|item| toml::Value::String(item.to_owned()))
                        .collect(),
                )
            }))
        }
        _ => parsed().ok_or_else(|| format!("\"{text}\" is not a number or a truth value")),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

fn working_directory() -> Result<PathBuf, ConfigError> {
    std::env::current_dir().map_err(|source| ConfigError::Unreadable {
        path: PathBuf::from("."),
        source,
    })
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
