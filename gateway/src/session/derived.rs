//! What follows from the settings of a session, worked out once per change.
//!
//! A short statement needs a dozen settings; looking each of them up by name would cost more than
//! the statement itself.

use std::collections::BTreeMap;
use std::time::Duration;

use skein_planner::split::ExchangeMode;

use super::settings::{Settings, SplitMode};
use crate::encode::{ByteaOutput, DateStyle, EncodeSettings, IntervalStyle};

/// Settings in the form in which they are used.
pub(super) struct Derived {
    of: Settings,
    pub(super) statement_timeout: Option<Duration>,
    pub(super) idle_in_transaction: Option<Duration>,
    pub(super) idle_session: Option<Duration>,
    pub(super) split: SplitMode,
    pub(super) fragments: Option<usize>,
    pub(super) exchange: ExchangeMode,
    pub(super) partitions: Option<usize>,
    /// For DuckDB's connections.
    pub(super) duckdb: BTreeMap<String, String>,
    pub(super) search_path: Vec<String>,
    pub(super) search_path_text: String,
    pub(super) encode: EncodeSettings,
}

impl Derived {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            of: settings.clone(),
            statement_timeout: settings.timeout("statement_timeout"),
            idle_in_transaction: settings.timeout("idle_in_transaction_session_timeout"),
            idle_session: settings.timeout("idle_session_timeout"),
            split: settings.split(),
            fragments: settings.fragments(),
            exchange: settings.exchange(),
            partitions: settings.partitions(),
            duckdb: settings.for_duckdb(),
            search_path: settings.search_path(),
            search_path_text: settings.value("search_path"),
            encode: encode_settings(settings),
        }
    }

    /// Works everything out again if a setting has changed.
    pub(super) fn refresh(&mut self, settings: &Settings) {
        if !self.of.is_same(settings) {
            *self = Self::new(settings);
        }
    }
}

/// How values look in a session.
fn encode_settings(settings: &Settings) -> EncodeSettings {
    let value = |name| settings.value(name);
    let default = EncodeSettings::default();
    EncodeSettings {
        date_style: DateStyle::default()
            .with(&value("DateStyle"))
            .unwrap_or(default.date_style),
        interval_style: IntervalStyle::named(&value("IntervalStyle"))
            .unwrap_or(default.interval_style),
        bytea_output: match value("bytea_output").as_str() {
            "escape" => ByteaOutput::Escape,
            _ => ByteaOutput::Hex,
        },
        extra_float_digits: i8::try_from(settings.extra_float_digits())
            .unwrap_or(default.extra_float_digits),
        zone: settings.zone().unwrap_or(default.zone),
    }
}
