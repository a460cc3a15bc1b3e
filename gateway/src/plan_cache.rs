//! Statements that were analysed before, over all sessions.
//!
//! Analysing is parsing, resolving and binding; none of it depends on rows. The key holds all that
//! it does depend on, so that an entry never has to be taken back; old ones leave at the end of
//! the list.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use skein_planner::parse::ParsedStatement;

use crate::session::analysed::Analysed;

/// Texts beyond this length are not remembered: they are rarely repeated and take much room.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What the analysis of a statement depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlanKey {
    /// The statement.
    pub text: Arc<str>,
    /// Types that the client declared for parameters.
    pub parameter_types: Vec<u32>,
    /// Version of the relations' columns.
    pub schema_version: u64,
    /// Where unqualified names are looked up.
    pub search_path: String,
    /// Who asks.
    pub user: String,
    /// What the client calls the database.
    pub database: String,
    /// Division by zero is an error.
    pub checks_divisors: bool,
}

/// Bounded; the least recently used statement leaves first.
pub struct PlanCache {
    entries: Mutex<LruCache<PlanKey, Arc<Analysed>>>,
    /// Texts of whole messages that were parsed before.
    parsed: Mutex<LruCache<Arc<str>, Arc<Vec<ParsedStatement>>>>,
}

impl PlanCache {
    /// Remembers up to `entries_max` statements.
    pub fn new(entries_max: usize) -> Self {
        let entries_max = NonZeroUsize::new(entries_max).unwrap_or(NonZeroUsize::MIN);
        Self {
            entries: Mutex::new(LruCache::new(entries_max)),
            parsed: Mutex::new(LruCache::new(entries_max)),
        }
    }

    fn entries(&self) -> MutexGuard<'_, LruCache<PlanKey, Arc<Analysed>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the statements of a text.
    pub fn parsed(&self, text: &str) -> Option<Arc<Vec<ParsedStatement>>> {
        self.parsed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(text)
            .cloned()
    }

    /// Remembers the statements of a text.
    pub fn remember_parsed(&self, text: &str, parsed: &Arc<Vec<ParsedStatement>>) {
        if text.len() <= TEXT_BYTES_MAX {
            let mut known = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            known.put(text.into(), Arc::clone(parsed));
        }
    }

    /// Finds a statement.
    pub fn get(&self, key: &PlanKey) -> Option<Arc<Analysed>> {
        self.entries().get(key).cloned()
    }

    /// Remembers a statement.
    pub fn insert(&self, key: PlanKey, analysed: Arc<Analysed>) {
        if key.text.len() <= TEXT_BYTES_MAX {
            self.entries().put(key, analysed);
        }
    }
}
