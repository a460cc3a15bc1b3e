//! The settings of one session: what `SET`, `SHOW` and `RESET` work on.
//!
//! Pure data and rules; the session decides when to send ParameterStatus and what to do with a
//! timeout. Names and values behave as in PostgreSQL, see [`table`] and [`value`].
//!
//! ```text
//! defaults of the gateway ─► reset values (startup packet) ─► SET ─► SET LOCAL
//!                                                              │        └ ends with the transaction
//!                                                              └ taken back by ROLLBACK
//! ```
//!
//! Invariant: every stored value is canonical, so that equal values are equal texts.

pub mod table;
pub mod value;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::encode::Zone;
use skein_planner::postgres::DIVISION_BY_ZERO;
use skein_planner::split::ExchangeMode;
use table::{Context, Definition, Kind, definitions};

/// Why a setting was not read or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No such setting.
    #[error("unrecognized configuration parameter \"{name}\"")]
    Unknown {
        /// As given.
        name: String,
        /// The name that looks most like it.
        nearest: Option<&'static str>,
    },
    /// A setting of Skein's own prefix that does not exist, or a name that cannot be one.
    #[error("invalid configuration parameter name \"{name}\"")]
    InvalidName {
        /// As given.
        name: String,
        /// Why.
        detail: String,
    },
    /// The value is none of this setting's.
    #[error("invalid value for parameter \"{name}\": \"{value}\"")]
    InvalidValue {
        /// Setting.
        name: String,
        /// As given.
        value: String,
        /// What would be valid.
        hint: Option<String>,
    },
    /// A switch was given something else.
    #[error("parameter \"{name}\" requires a Boolean value")]
    NotBoolean {
        /// Setting.
        name: String,
    },
    /// A number beyond its bounds.
    #[error("{value} is outside the valid range for parameter \"{name}\" ({min} .. {max})")]
    OutOfRange {
        /// Setting.
        name: String,
        /// As given, with unit.
        value: String,
        /// Least value.
        min: String,
        /// Greatest value.
        max: String,
    },
    /// More than one value for a setting that is no list.
    #[error("SET {name} takes only one argument")]
    OneValue {
        /// Setting.
        name: String,
    },
    /// It states a fact.
    #[error("parameter \"{name}\" cannot be changed")]
    Fixed {
        /// Setting.
        name: String,
    },
    /// Only the configuration sets it, before the gateway starts.
    #[error("parameter \"{name}\" cannot be changed without restarting the server")]
    NeedsRestart {
        /// Setting.
        name: String,
    },
    /// Only the configuration sets it.
    #[error("parameter \"{name}\" cannot be changed now")]
    NotNow {
        /// Setting.
        name: String,
    },
    /// Only a client that connects sets it.
    #[error("parameter \"{name}\" cannot be set after connection start")]
    AfterStart {
        /// Setting.
        name: String,
    },
    /// No such user, or not this session's.
    #[error("role \"{role}\" does not exist")]
    UnknownRole {
        /// As given.
        role: String,
    },
}

impl SettingError {
    /// What the client could do instead, as a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown {
                nearest: Some(nearest),
                ..
            } => Some(format!("Perhaps you meant \"{nearest}\".")),
            Self::InvalidValue { hint, .. } => hint.clone(),
            _ => None,
        }
    }

    /// More about the cause, as a sentence.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::InvalidName { detail, .. } => Some(detail.clone()),
            _ => None,
        }
    }
}

/// How a query is to be divided: `skein.split`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SplitMode {
    /// Where it pays.
    Auto,
    /// Wherever it can be.
    Always,
    /// Not at all.
    Never,
}

/// A setting as `SHOW ALL` and `pg_settings` list it.
#[derive(Clone, Debug)]
pub struct SettingRow {
    /// What it is.
    pub definition: &'static Definition,
    /// Canonical value.
    pub stored: String,
    /// Value that RESET would give.
    pub reset: String,
    /// Set by this session.
    pub changed: bool,
}

/// One set of values by lower-case name; settings that nobody has set are absent.
type Values = Arc<BTreeMap<String, String>>;

/// What a savepoint, or the start of a transaction, remembers.
#[derive(Clone, Debug)]
struct Level {
    name: String,
    current: Values,
    kept: Values,
}

/// What belongs to the gateway rather than to one session.
pub struct Shared {
    defaults: BTreeMap<String, String>,
    zones: BTreeMap<String, String>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("defaults", &self.defaults)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// `defaults` are what the configuration says, such as `statement_timeout` and `port`;
    /// `zones` the names of all time zones.
    pub fn new<'a>(
        defaults: impl IntoIterator<Item = (&'a str, String)>,
        zones: impl IntoIterator<Item = String>,
    ) -> Result<Self, SettingError> {
        let mut shared = Self {
            defaults: BTreeMap::new(),
            zones: zones
                .into_iter()
                .map(|zone| (zone.to_ascii_lowercase(), zone))
                .collect(),
        };
        shared.zones.insert("utc".to_owned(), "UTC".to_owned());
        for (name, value) in defaults {
            let definition = known(name)?;
            let zones = |zone: &str| shared.zone(zone);
            let stored = value::canonical(definition, &value, definition.default, &zones)?;
            shared
                .defaults
                .insert(definition.name.to_ascii_lowercase(), stored);
        }
        Ok(shared)
    }

    fn zone(&self, name: &str) -> Option<String> {
        self.zones.get(&name.to_ascii_lowercase()).cloned()
    }
}

/// The settings of one session.
#[derive(Clone, Debug)]
pub struct Settings {
    shared: Arc<Shared>,
    user: String,
    /// Given in the startup packet: what RESET goes back to.
    reset: Values,
    /// What holds now.
    current: Values,
    /// What holds when the transaction commits: `current` without SET LOCAL.
    kept: Values,
    /// The start of the transaction, then its savepoints. Empty outside a transaction.
    levels: Vec<Level>,
}

fn known(name: &str) -> Result<&'static Definition, SettingError> {
    table::definition(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> SettingError {
    let lower = name.to_ascii_lowercase();
    let nearest = definitions()
        .map(|definition| {
            (
                strsim::damerau_levenshtein(&lower, &definition.name.to_ascii_lowercase()),
                definition,
            )
        })
        .filter(|(distance, definition)| *distance * 3 <= definition.name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, definition)| definition.name);
    SettingError::Unknown {
        name: name.to_owned(),
        nearest,
    }
}

/// Whether `name` may be a setting that no program has declared: `word.word`.
fn custom_name(name: &str) -> Result<(), SettingError> {
    let Some((prefix, _)) = name.split_once('.') else {
        return Err(unknown(name));
    };
    if prefix.eq_ignore_ascii_case("skein") {
        return Err(SettingError::InvalidName {
            name: name.to_owned(),
            detail: "\"skein\" is a reserved prefix.".to_owned(),
        });
    }
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    if name.split('.').all(word) {
        return Ok(());
    }
    Err(SettingError::InvalidName {
        name: name.to_owned(),
        detail: "Custom parameter names must be two or more simple identifiers separated by dots."
            .to_owned(),
    })
}

impl Settings {
    /// The settings of a new session of `user`.
    pub fn new(shared: Arc<Shared>, user: &str) -> Self {
        let empty = Values::default();
        Self {
            shared,
            user: user.to_owned(),
            reset: Arc::clone(&empty),
            current: Arc::clone(&empty),
            kept: empty,
            levels: Vec::new(),
        }
    }

    /// Whether every setting has the value that it has in `other`, as far as can be told at once:
    /// `false` may also mean that values were changed and changed back.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.current, &other.current)
    }

    /// Applies a parameter of the startup packet: what RESET will go back to.
    pub fn set_at_startup(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let (key, stored) = self.check(name, value)?;
        Arc::make_mut(&mut self.reset).insert(key, stored);
        self.current = Arc::clone(&self.reset);
        self.kept = Arc::clone(&self.reset);
        Ok(())
    }

    /// The value that `SHOW name` prints.
    pub fn show(&self, name: &str) -> Result<String, SettingError> {
        match table::definition(name) {
            Some(definition) => Ok(value::shown(definition, &self.stored(definition))),
            None => self
                .current
                .get(&name.to_lowercase())
                .cloned()
                .ok_or_else(|| unknown(name)),
        }
    }

    /// The name as PostgreSQL spells it, for the column of `SHOW` and for ParameterStatus.
    pub fn spelling(name: &str) -> String {
        table::definition(name).map_or_else(|| name.to_owned(), |it| it.name.to_owned())
    }

    /// Every setting, for `SHOW ALL` and `pg_settings`.
    pub fn rows(&self) -> Vec<SettingRow> {
        definitions()
            .map(|definition| {
                let key = definition.name.to_ascii_lowercase();
                let reset = self
                    .reset
                    .get(&key)
                    .or_else(|| self.shared.defaults.get(&key));
                SettingRow {
                    definition,
                    stored: self.stored(definition),
                    reset: reset.map_or_else(|| definition.default.to_owned(), Clone::clone),
                    changed: self.current.get(&key) != self.reset.get(&key),
                }
            })
            .collect()
    }

    /// Settings reported by ParameterStatus, with their values.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        definitions()
            .filter(|definition| definition.reported)
            .map(|definition| {
                (
                    definition.name,
                    value::shown(definition, &self.stored(definition)),
                )
            })
            .collect()
    }

    /// `SET [LOCAL] name = values`. Each value is a constant or identifier as the parser gave it.
    pub fn set(&mut self, name: &str, values: &[String], local: bool) -> Result<(), SettingError> {
        let list = table::definition(name).map(|definition| definition.kind);
        let value = match (list, values) {
            (Some(Kind::Identifiers), _) => values
                .iter()
                .map(|value| value::quoted_identifier(value))
                .collect::<Vec<_>>()
                .join(", "),
            (Some(Kind::DateStyle), _) | (_, [_]) => values.join(", "),
            _ => {
                return Err(SettingError::OneValue {
                    name: Self::spelling(name),
                });
            }
        };
        self.set_text(name, &value, local)
    }

    /// `set_config(name, value, local)`: the value is one text, lists included.
    pub fn set_text(&mut self, name: &str, value: &str, local: bool) -> Result<(), SettingError> {
        let (key, stored) = self.check(name, value)?;
        self.change(&key, Some(&stored), local);
        Ok(())
    }

    /// `RESET name` and `SET name TO DEFAULT`.
    pub fn reset(&mut self, name: &str, local: bool) -> Result<(), SettingError> {
        if let Some(definition) = table::definition(name) {
            changeable(definition)?;
        } else {
            custom_name(name)?;
        }
        let key = name.to_lowercase();
        let value = self.reset.get(&key).cloned();
        self.change(&key, value.as_deref(), local);
        Ok(())
    }

    /// `RESET ALL`; leaves alone what PostgreSQL leaves alone: the user and this transaction.
    pub fn reset_all(&mut self) {
        const LEFT: &[&str] = &[
            "role",
            "session_authorization",
            "transaction_isolation",
            "transaction_read_only",
            "transaction_deferrable",
        ];
        let keys: Vec<String> = self
            .current
            .keys()
            .filter(|key| !LEFT.contains(&key.as_str()))
            .cloned()
            .collect();
        for key in keys {
            let value = self.reset.get(&key).cloned();
            self.change(&key, value.as_deref(), false);
        }
    }

    /// A transaction block, or the implicit transaction of one message, begins.
    pub fn begin(&mut self) {
        if self.levels.is_empty() {
            self.savepoint("");
            let defaults = [
                ("transaction_isolation", "default_transaction_isolation"),
                ("transaction_read_only", "default_transaction_read_only"),
                ("transaction_deferrable", "default_transaction_deferrable"),
            ];
            for (name, default) in defaults {
                let value = self.value(default);
                Arc::make_mut(&mut self.current).insert(name.to_owned(), value);
            }
        }
    }

    /// `SAVEPOINT name`.
    pub fn savepoint(&mut self, name: &str) {
        self.levels.push(Level {
            name: name.to_owned(),
            current: Arc::clone(&self.current),
            kept: Arc::clone(&self.kept),
        });
    }

    /// `RELEASE name`; `false` when there is no such savepoint.
    pub fn release(&mut self, name: &str) -> bool {
        match self.savepoint_index(name) {
            Some(index) => {
                self.levels.truncate(index);
                true
            }
            None => false,
        }
    }

    /// `ROLLBACK TO name`; `false` when there is no such savepoint.
    pub fn rollback_to(&mut self, name: &str) -> bool {
        let Some(index) = self.savepoint_index(name) else {
            return false;
        };
        self.levels.truncate(index + 1);
        self.current = Arc::clone(&self.levels[index].current);
        self.kept = Arc::clone(&self.levels[index].kept);
        true
    }

    /// The transaction commits: SET stays, SET LOCAL ends.
    pub fn commit(&mut self) {
        if !self.levels.is_empty() {
            self.levels.clear();
            self.current = Arc::clone(&self.kept);
        }
    }

    /// The transaction is rolled back: SET is undone as well.
    pub fn rollback(&mut self) {
        if let Some(start) = self.levels.first() {
            self.current = Arc::clone(&start.kept);
            self.kept = Arc::clone(&start.kept);
            self.levels.clear();
        }
    }

    /// `skein.split`.
    pub fn split(&self) -> SplitMode {
        match self.value("skein.split").as_str() {
            "always" => SplitMode::Always,
            "never" => SplitMode::Never,
            _ => SplitMode::Auto,
        }
    }

    /// Whether division by zero is an error: `skein.division_by_zero`.
    pub fn checks_divisors(&self) -> bool {
        self.value(DIVISION_BY_ZERO) != "null"
    }

    /// `skein.fragments`; `None` leaves the number to placement.
    pub fn fragments(&self) -> Option<usize> {
        self.value("skein.fragments")
            .parse()
            .ok()
            .filter(|count| *count > 0)
    }

    /// `skein.exchange`.
    pub fn exchange(&self) -> ExchangeMode {
        match self.value("skein.exchange").as_str() {
            "gather" => ExchangeMode::Gather,
            "range" => ExchangeMode::Range,
            "broadcast" => ExchangeMode::Broadcast,
            "hash" => ExchangeMode::Hash,
            _ => ExchangeMode::Auto,
        }
    }

    /// `skein.partitions`; `None`: one per executor.
    pub fn partitions(&self) -> Option<usize> {
        self.value("skein.partitions")
            .parse()
            .ok()
            .filter(|count| *count > 0)
    }

    /// A setting of milliseconds such as `statement_timeout`; `None` when it sets no limit.
    pub fn timeout(&self, name: &str) -> Option<Duration> {
        let millis = self
            .value(name)
            .parse::<u64>()
            .ok()
            .filter(|millis| *millis > 0)?;
        Some(Duration::from_millis(millis))
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.value(name) == "on"
    }

    /// `extra_float_digits`.
    pub fn extra_float_digits(&self) -> i32 {
        self.value("extra_float_digits").parse().unwrap_or(1)
    }

    /// The stored value of an existing setting; empty when there is none of that name.
    pub fn value(&self, name: &str) -> String {
        table::definition(name).map_or_else(String::new, |definition| self.stored(definition))
    }

    /// Schemas in which unqualified names are looked up, `"$user"` replaced by the user.
    pub fn search_path(&self) -> Vec<String> {
        let mut names = value::identifiers(&self.value("search_path")).unwrap_or_default();
        for name in &mut names {
            if name == "$user" {
                name.clone_from(&self.user);
            }
        }
        names
    }

    /// The time zone. Of PostgreSQL's spellings of a fixed offset some are nobody else's, such as `-02:00`.
    pub fn zone(&self) -> Option<Zone> {
        let name = self.value("TimeZone");
        Zone::named(&name).or_else(|| Zone::named(&value::duckdb_zone(&name)))
    }

    /// Settings that DuckDB needs to give this session's results; name to value.
    pub fn for_duckdb(&self) -> BTreeMap<String, String> {
        let zone = value::duckdb_zone(&self.value("TimeZone"));
        BTreeMap::from([("TimeZone".to_owned(), zone)])
    }

    fn stored(&self, definition: &Definition) -> String {
        let key = definition.name.to_ascii_lowercase();
        if let Some(value) = self
            .current
            .get(&key)
            .or_else(|| self.shared.defaults.get(&key))
        {
            return value.clone();
        }
        match definition.name {
            "session_authorization" => self.user.clone(),
            "transaction_deferrable" => self.value("default_transaction_deferrable"),
            "transaction_isolation" => self.value("default_transaction_isolation"),
            "transaction_read_only" => self.value("default_transaction_read_only"),
            _ => definition.default.to_owned(),
        }
    }

    fn check(&self, name: &str, value: &str) -> Result<(String, String), SettingError> {
        let key = name.to_lowercase();
        let Some(definition) = table::definition(name) else {
            custom_name(name)?;
            return Ok((key, value.to_owned()));
        };
        changeable(definition)?;
        let zones = |zone: &str| self.shared.zone(zone);
        let before = self.stored(definition);
        let stored = value::canonical(definition, value, &before, &zones)?;
        if definition.kind == Kind::Role {
            let nobody = definition.name == "role" && stored.eq_ignore_ascii_case("none");
            if !nobody && stored != self.user {
                return Err(SettingError::UnknownRole { role: stored });
            }
        }
        Ok((key, stored))
    }

    fn change(&mut self, key: &str, value: Option<&str>, local: bool) {
        let write = |values: &mut Values| match value {
            Some(value) => {
                Arc::make_mut(values).insert(key.to_owned(), value.to_owned());
            }
            None => {
                Arc::make_mut(values).remove(key);
            }
        };
        // Outside a transaction SET LOCAL has no effect; the session sends the warning.
        if local && self.levels.is_empty() {
            return;
        }
        write(&mut self.current);
        let of_transaction = matches!(
            key,
            "transaction_isolation" | "transaction_read_only" | "transaction_deferrable"
        );
        if !local && !of_transaction {
            write(&mut self.kept);
        }
    }

    fn savepoint_index(&self, name: &str) -> Option<usize> {
        // The first level is the transaction itself.
        (1..self.levels.len())
            .rev()
            .find(|index| self.levels[*index].name == name)
    }
}

fn changeable(definition: &Definition) -> Result<(), SettingError> {
    let name = definition.name.to_owned();
    match definition.context {
        Context::Internal => Err(SettingError::Fixed { name }),
        Context::Postmaster => Err(SettingError::NeedsRestart { name }),
        Context::Sighup => Err(SettingError::NotNow { name }),
        Context::SuperuserBackend | Context::Backend => Err(SettingError::AfterStart { name }),
        Context::Superuser | Context::User => Ok(()),
    }
}

#[cfg(test)]
mod tests;
