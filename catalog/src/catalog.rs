//! All relations, and the snapshot that each statement gets.
//!
//! ```text
//! snapshot_for(names, paths) ─► entry of each ─► fresh? ─► one CatalogSnapshot, shared while
//!                                                          nothing has changed
//! ```
//!
//! Invariants: relations that a statement names are as fresh as the time-to-live says; the others
//! are as they were last seen. A [`CatalogSnapshot`] never changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures::StreamExt;
use skein_config::Config;

use crate::describe::Describer;
use crate::discover;
use crate::entry::{Entry, Spec, Tools};
use crate::error::CatalogError;
use crate::inspect::Inspect;
use crate::listing::Lister;
use crate::paths;
use crate::ranges::{RangeFinder, Ranges};
use crate::relation::{PATH_SCHEMA, RelationName};
use crate::snapshot::{CatalogSnapshot, File, RelationSnapshot};
use crate::versions::Changed;

/// Relations refreshed at once for one statement.
const REFRESHED_AT_ONCE: usize = 16;

/// The relations of a configuration.
pub struct Catalog {
    tools: Tools,
    ranges: RangeFinder,
    allow_paths: Vec<String>,
    base: PathBuf,
    directory: Option<PathBuf>,
    path_relations_max: usize,
    relations: RwLock<Relations>,
    /// Path relations, with a counter of their last use.
    path_relations: Mutex<BTreeMap<String, (Arc<Entry>, u64)>>,
    discovering: tokio::sync::Mutex<Option<Instant>>,
    current: RwLock<Arc<CatalogSnapshot>>,
}

#[derive(Default)]
struct Relations {
    entries: BTreeMap<RelationName, Arc<Entry>>,
    /// Files of the served directory that are part of a relation of several files, and become
    /// relations of their own when a statement names them.
    on_demand: BTreeMap<RelationName, Spec>,
}

/// A relation that could not be loaded.
#[derive(Debug)]
pub struct Problem {
    /// The relation.
    pub name: RelationName,
    /// Why.
    pub error: CatalogError,
}

impl Catalog {
    /// A catalog of the relations that `config` names. Nothing is read yet.
    pub fn new(config: &Config, inspect: Arc<dyn Inspect>) -> Self {
        let settings = &config.catalog;
        let mut relations = Relations::default();
        for relation in &config.relations {
            let name = RelationName {
                schema: relation.schema.clone(),
                name: relation.name.clone(),
            };
            let spec = Spec {
                name: name.clone(),
                paths: relation.paths.clone(),
                format: relation.format,
                hive: relation.hive_partitioning,
                declared: Arc::new(relation.declared.clone()),
                confined_to: None,
            };
            relations.entries.insert(name, Arc::new(Entry::new(spec)));
        }
        Self {
            tools: Tools {
                lister: Lister::new(settings.files_max, settings.listing_timeout_ms),
                describer: Describer::new(inspect, settings),
                ttl: Duration::from_millis(settings.listing_ttl_ms),
            },
            ranges: RangeFinder::new(),
            allow_paths: config.gateway.allow_paths.clone(),
            base: config.base.clone(),
            directory: config.directory.clone(),
            path_relations_max: settings.path_relations_max.max(1),
            relations: RwLock::new(relations),
            path_relations: Mutex::default(),
            discovering: tokio::sync::Mutex::default(),
            current: RwLock::default(),
        }
    }

    /// Lists and describes everything, at the start. Gives the relations that cannot be read; those
    /// whose error [`CatalogError::is_configuration`] should stop a start.
    pub async fn load(&self) -> Result<Vec<Problem>, CatalogError> {
        self.discover().await?;
        let entries: Vec<Arc<Entry>> = self
            .read_relations()
            .entries
            .values()
            .map(Arc::clone)
            .collect();
        let refreshed: Vec<_> = entries
            .iter()
            .map(|entry| entry.snapshot(&self.tools))
            .collect();
        let results: Vec<_> = futures::stream::iter(refreshed)
            .buffered(REFRESHED_AT_ONCE)
            .collect()
            .await;
        let mut problems = Vec::new();
        let mut found = Vec::new();
        for (entry, result) in entries.iter().zip(results) {
            match result {
                Ok(snapshot) => found.push(snapshot),
                Err(error) => problems.push(Problem {
                    name: entry.spec.name.clone(),
                    error,
                }),
            }
        }
        self.publish(found, &[]);
        Ok(problems)
    }

    /// How `columns` of a relation divide its rows into `count` ranges; see [`crate::ranges`]. Columns by
    /// which they cannot be divided are left out.
    pub async fn key_ranges(
        &self,
        relation: &RelationSnapshot,
        columns: &[String],
        count: usize,
    ) -> Ranges {
        let inspect = self.tools.describer.inspect.as_ref();
        self.ranges.find(inspect, relation, columns, count).await
    }

    /// Every relation as last seen, without any I/O.
    pub fn current(&self) -> Arc<CatalogSnapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a statement sees that names `names`, and `paths` as path relations. Names that are no
    /// relations are passed over. Path relations are in schema [`PATH_SCHEMA`] under the text that
    /// the statement wrote.
    pub async fn snapshot_for(
        &self,
        names: &[RelationName],
        paths: &[String],
    ) -> Result<Arc<CatalogSnapshot>, CatalogError> {
        let mut entries = Vec::with_capacity(names.len() + paths.len());
        for name in names {
            match self.entry(name) {
                Some(entry) => entries.push(entry),
                None if self.directory.is_some() => {
                    self.discover().await?;
                    entries.extend(self.entry(name).or_else(|| self.add_on_demand(name)));
                }
                None => {}
            }
        }
        for path in paths {
            entries.push(self.path_entry(path)?);
        }
        let mut found = Vec::with_capacity(entries.len());
        let refreshed: Vec<_> = entries.iter().map(|entry| self.refresh(entry)).collect();
        let mut snapshots = futures::stream::iter(refreshed).buffered(REFRESHED_AT_ONCE);
        while let Some(snapshot) = snapshots.next().await {
            found.push(snapshot?);
        }
        drop(snapshots);
        let forgotten = self.keep_path_relations(&entries);
        Ok(self.publish(found, &forgotten))
    }

    /// Lets the next statement that names `names` list their files anew: one was found to be
    /// missing or changed.
    pub fn forget_listings(&self, names: &[RelationName]) {
        for name in names {
            if let Some(entry) = self.entry(name) {
                entry.forget_listing();
            } else if name.schema == PATH_SCHEMA {
                let known = self
                    .path_relations
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if let Some((entry, _)) = known.get(&name.name) {
                    entry.forget_listing();
                }
            }
        }
    }

    /// The first of `files`, which are of a snapshot of this catalog, that has changed since it was
    /// listed.
    pub async fn first_changed(
        &self,
        files: &[Arc<File>],
    ) -> Result<Option<Changed>, CatalogError> {
        self.tools.lister.first_changed(files).await
    }

    /// Looks for new relations in the served directory, if there is one and the last look is older
    /// than the time-to-live. For statements on the system catalog.
    pub async fn discover(&self) -> Result<(), CatalogError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let asked_at = Instant::now();
        let mut last = self.discovering.lock().await;
        if last.is_some_and(|at| at >= asked_at || at.elapsed() < self.tools.ttl) {
            return Ok(());
        }
        let started = Instant::now();
        let known: Vec<Spec> = self
            .read_relations()
            .entries
            .values()
            .map(|entry| entry.spec.clone())
            .collect();
        let found = discover::discover(&self.tools, &directory.to_string_lossy(), &known).await?;
        let mut new = Vec::new();
        {
            let mut relations = self
                .relations
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            for spec in found.relations {
                if !relations.entries.contains_key(&spec.name) {
                    let entry = Arc::new(Entry::new(spec));
                    relations
                        .entries
                        .insert(entry.spec.name.clone(), Arc::clone(&entry));
                    new.push(entry);
                }
            }
            relations.on_demand = found
                .on_demand
                .into_iter()
                .map(|spec| (spec.name.clone(), spec))
                .collect();
        }
        *last = Some(started);
        drop(last);
        // What cannot be read is reported when a statement names it.
        let mut snapshots = Vec::new();
        for entry in new {
            snapshots.extend(entry.snapshot(&self.tools).await.ok());
        }
        self.publish(snapshots, &[]);
        Ok(())
    }

    async fn refresh(&self, entry: &Arc<Entry>) -> Result<Arc<RelationSnapshot>, CatalogError> {
        match entry.snapshot(&self.tools).await {
            Err(CatalogError::PathUnknown { path, .. }) => {
                let nearest = self.nearest_path(&path, &entry.spec.paths).await;
                Err(CatalogError::PathUnknown { path, nearest })
            }
            other => other,
        }
    }

    /// The relation or file whose name is most like `path`.
    async fn nearest_path(&self, path: &str, absolute: &[String]) -> Option<String> {
        let relations = self
            .read_relations()
            .entries
            .keys()
            .map(|name| name.name.clone())
            .collect();
        paths::nearest(&self.tools.lister, path, absolute, relations).await
    }

    fn entry(&self, name: &RelationName) -> Option<Arc<Entry>> {
        let relations = self.read_relations();
        let exact = relations.entries.get(name);
        let folded = || {
            let lower =
                |name: &RelationName| (name.schema.to_lowercase(), name.name.to_lowercase());
            let wanted = lower(name);
            relations
                .entries
                .iter()
                .find(|(known, _)| lower(known) == wanted)
                .map(|(_, entry)| entry)
        };
        exact.or_else(folded).map(Arc::clone)
    }

    fn add_on_demand(&self, name: &RelationName) -> Option<Arc<Entry>> {
        let mut relations = self
            .relations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let key = relations.on_demand.keys().find(|known| {
            known.schema.eq_ignore_ascii_case(&name.schema)
                && known.name.to_lowercase() == name.name.to_lowercase()
        })?;
        let key = key.clone();
        let spec = relations.on_demand.remove(&key)?;
        let entry = Arc::new(Entry::new(spec));
        relations.entries.insert(key, Arc::clone(&entry));
        Some(entry)
    }

    fn path_entry(&self, path: &str) -> Result<Arc<Entry>, CatalogError> {
        {
            let mut known = self
                .path_relations
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let now = next_use(&known);
            if let Some((entry, used)) = known.get_mut(path) {
                *used = now;
                return Ok(Arc::clone(entry));
            }
        }
        let pattern = paths::allowed_pattern(path, &self.base, &self.allow_paths)?;
        let spec = Spec {
            name: RelationName {
                schema: PATH_SCHEMA.to_owned(),
                name: path.to_owned(),
            },
            paths: vec![pattern],
            format: None,
            hive: None,
            declared: Arc::default(),
            confined_to: Some(self.allow_paths.clone()),
        };
        Ok(Arc::new(Entry::new(spec)))
    }

    /// Remembers path relations that exist, and gives those that are forgotten for them: the least
    /// recently used.
    fn keep_path_relations(&self, entries: &[Arc<Entry>]) -> Vec<RelationName> {
        let mut known = self
            .path_relations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut forgotten = Vec::new();
        for entry in entries
            .iter()
            .filter(|entry| entry.spec.confined_to.is_some())
        {
            let now = next_use(&known);
            known
                .entry(entry.spec.name.name.clone())
                .or_insert((Arc::clone(entry), now));
        }
        while known.len() > self.path_relations_max {
            let oldest = known.iter().min_by_key(|(_, (_, used))| *used);
            let Some(path) = oldest.map(|(path, _)| path.clone()) else {
                break;
            };
            known.remove(&path);
            forgotten.push(RelationName {
                schema: PATH_SCHEMA.to_owned(),
                name: path,
            });
        }
        forgotten
    }

    /// Puts relations into the shared snapshot, which stays the same object if nothing differs.
    fn publish(
        &self,
        found: Vec<Arc<RelationSnapshot>>,
        forgotten: &[RelationName],
    ) -> Arc<CatalogSnapshot> {
        let is_current = |current: &CatalogSnapshot| {
            found.iter().all(|relation| {
                current
                    .relations
                    .get(&relation.name)
                    .is_some_and(|known| Arc::ptr_eq(known, relation))
            })
        };
        let current = self.current();
        if is_current(&current) && forgotten.is_empty() {
            return current;
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut relations = current.relations.clone();
        for name in forgotten {
            relations.remove(name);
        }
        for relation in found {
            relations.insert(relation.name.clone(), relation);
        }
        *current = Arc::new(CatalogSnapshot::new(relations));
        Arc::clone(&current)
    }

    fn read_relations(&self) -> std::sync::RwLockReadGuard<'_, Relations> {
        self.relations
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn next_use(known: &BTreeMap<String, (Arc<Entry>, u64)>) -> u64 {
    known
        .values()
        .map(|(_, used)| used + 1)
        .max()
        .unwrap_or_default()
}
