//! One relation: where its files are, and what is known about them.
//!
//! ```text
//! listing older than the time-to-live? ─► list ─► same files as before? ─► keep the snapshot
//!                                                  └─ no ─► describe new files ─► new snapshot
//! ```
//!
//! Invariants: of statements that need a new listing at the same time, one lists and the others
//! wait for it. A listing that a statement sees was begun within the time-to-live before the
//! statement asked. After an error the next statement tries again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::columns::{self, Verdicts};
use crate::describe::Describer;
use crate::error::CatalogError;
use crate::hive::{self, HiveTypes, Values};
use crate::listing::{Listed, Lister};
use crate::relation::{Declared, Format, RelationName};
use crate::scan::{ScanPlan, Shape, same_name};
use crate::snapshot::{Column, File, RelationSnapshot};

/// What makes a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) name: RelationName,
    /// Globs and folders, absolute.
    pub(crate) paths: Vec<String>,
    pub(crate) format: Option<Format>,
    pub(crate) hive: Option<bool>,
    /// What the configuration declares about it.
    pub(crate) declared: Arc<Declared>,
    /// A path relation: its files have to be below one of these folders, also after following
    /// links, and its extension may be left out.
    pub(crate) confined_to: Option<Vec<String>>,
}

/// What listing and describing needs.
pub(crate) struct Tools {
    pub(crate) lister: Lister,
    pub(crate) describer: Describer,
    pub(crate) ttl: Duration,
}

/// A relation and its last known state.
pub(crate) struct Entry {
    pub(crate) spec: Spec,
    known: RwLock<Option<Known>>,
    refreshing: tokio::sync::Mutex<()>,
    hive_types: Mutex<Option<(Values, HiveTypes)>>,
    verdicts: Verdicts,
}

struct Known {
    snapshot: Arc<RelationSnapshot>,
    listing: BTreeMap<String, Listed>,
    listed_at: Instant,
    /// A file was found to be other than listed.
    is_doubtful: bool,
}

impl Entry {
    pub(crate) fn new(spec: Spec) -> Self {
        Self {
            spec,
            known: RwLock::default(),
            refreshing: tokio::sync::Mutex::default(),
            hive_types: Mutex::default(),
            verdicts: Verdicts::default(),
        }
    }

    /// The relation as it is now, give or take the time-to-live.
    pub(crate) async fn snapshot(
        &self,
        tools: &Tools,
    ) -> Result<Arc<RelationSnapshot>, CatalogError> {
        let asked_at = Instant::now();
        if let Some(snapshot) = self.fresh(asked_at, tools.ttl) {
            return Ok(snapshot);
        }
        let _one_at_a_time = self.refreshing.lock().await;
        if let Some(snapshot) = self.fresh(asked_at, tools.ttl) {
            return Ok(snapshot);
        }
        let mut listed_at = Instant::now();
        let (mut format, mut listing) = self.list(tools).await?;
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = known.as_mut()
                && known.listing == listing
                && !known.is_doubtful
            {
                known.listed_at = listed_at;
                return Ok(Arc::clone(&known.snapshot));
            }
        }
        let built = match self.build(tools, format, &listing).await {
            // A file that was listed may have gone before it was looked at.
            Err(error @ CatalogError::Inspect { .. }) => {
                let (again_at, again) = (Instant::now(), self.list(tools).await?);
                if again.1 == listing {
                    return Err(error);
                }
                listed_at = again_at;
                (format, listing) = again;
                self.build(tools, format, &listing).await?
            }
            built => built?,
        };
        let snapshot = Arc::new(built);
        let known = Known {
            snapshot: Arc::clone(&snapshot),
            listing,
            listed_at,
            is_doubtful: false,
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(snapshot)
    }

    /// The last known state.
    pub(crate) fn last_known(&self) -> Option<Arc<RelationSnapshot>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| Arc::clone(&known.snapshot))
    }

    /// Lets the next statement list anew: a file was found to be missing or changed.
    pub(crate) fn forget_listing(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            known.is_doubtful = true;
        }
    }

    fn fresh(&self, asked_at: Instant, ttl: Duration) -> Option<Arc<RelationSnapshot>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let is_fresh =
            !known.is_doubtful && (known.listed_at >= asked_at || known.listed_at.elapsed() < ttl);
        is_fresh.then(|| Arc::clone(&known.snapshot))
    }

    fn label(&self) -> String {
        if self.spec.name.schema == "public" {
            self.spec.name.name.clone()
        } else {
            self.spec.name.to_string()
        }
    }

    /// Files of the relation, and their format.
    async fn list(
        &self,
        tools: &Tools,
    ) -> Result<(Format, BTreeMap<String, Listed>), CatalogError> {
        let mut listing = BTreeMap::new();
        let mut format = self.spec.format;
        for path in &self.spec.paths {
            let (found, files) = self.list_path(tools, path, format).await?;
            format = format.or(found);
            listing.extend(files);
        }
        let was_known = self.last_known();
        let format = format.or(was_known.as_ref().map(|known| known.format));
        let Some(format) = format else {
            return Err(self.nothing_found());
        };
        if let Some((other, file)) = other_format(&listing, format, self.spec.format.is_some()) {
            return Err(CatalogError::MixedFormats {
                relation: self.label(),
                file,
                other,
            });
        }
        if format != Format::Parquet {
            listing.retain(|_, file| file.bytes > 0);
        }
        if let Some(folders) = &self.spec.confined_to {
            self.check_confined(folders, &listing)?;
        }
        if listing.is_empty() && was_known.is_none() {
            return Err(self.nothing_found());
        }
        Ok((format, listing))
    }

    /// Files of one path: the glob itself, else what is below the folders that it names, else (for
    /// path relations) the glob with an extension.
    async fn list_path(
        &self,
        tools: &Tools,
        path: &str,
        given: Option<Format>,
    ) -> Result<(Option<Format>, BTreeMap<String, Listed>), CatalogError> {
        let by_extension = Format::of_path(path);
        let mut files = tools.lister.list(path.trim_end_matches('/')).await?;
        if !files.is_empty() {
            let format = given.or(by_extension);
            if format.is_none() {
                // A glob such as `dir/*` means the data files among all.
                let unknown = files.keys().next().cloned();
                files.retain(|file, _| Format::of_path(file).is_some());
                if files.is_empty() {
                    let file = unknown.unwrap_or_default();
                    return Err(CatalogError::UnknownFormat {
                        relation: self.label(),
                        file,
                    });
                }
            }
            let first = files.keys().next();
            return Ok((
                format.or(first.and_then(|file| Format::of_path(file))),
                files,
            ));
        }
        files = tools.lister.list_below(path.trim_end_matches('/')).await?;
        let wanted = given.or_else(|| files.keys().find_map(|file| Format::of_path(file)));
        files.retain(|file, _| match given {
            Some(format) => Format::of_path(file) == Some(format),
            None => Format::of_path(file).is_some(),
        });
        if files.is_empty() && self.spec.confined_to.is_some() && by_extension.is_none() {
            files = tools.lister.list(&format!("{path}.*")).await?;
            let stem = path.rsplit('/').next().unwrap_or_default();
            let dots = stem.matches('.').count();
            files.retain(|file, _| {
                let name = file.rsplit('/').next().unwrap_or_default();
                Format::of_path(file)
                    .and_then(|format| format.strip_extension(name))
                    .is_some_and(|stem| stem.matches('.').count() <= dots)
            });
            return Ok((files.keys().find_map(|file| Format::of_path(file)), files));
        }
        Ok((wanted.filter(|_| !files.is_empty()), files))
    }

    fn nothing_found(&self) -> CatalogError {
        let path = self.spec.paths.first().cloned().unwrap_or_default();
        if self.spec.confined_to.is_some() {
            return CatalogError::PathUnknown {
                path: self.spec.name.name.clone(),
                nearest: None,
            };
        }
        let has_wildcards = path.contains(['*', '?', '[', '{']);
        if !has_wildcards && !path.contains("://") && !Path::new(&path).exists() {
            return CatalogError::PathMissing {
                relation: self.label(),
                path,
            };
        }
        CatalogError::NoFiles {
            relation: self.label(),
            pattern: path,
        }
    }

    fn check_confined(
        &self,
        folders: &[String],
        listing: &BTreeMap<String, Listed>,
    ) -> Result<(), CatalogError> {
        let roots: Vec<PathBuf> = folders
            .iter()
            .filter_map(|folder| Path::new(folder).canonicalize().ok())
            .collect();
        for file in listing.keys().filter(|file| !file.contains("://")) {
            // A file that has gone since cannot be read either.
            let Ok(real) = Path::new(file).canonicalize() else {
                continue;
            };
            if !roots.iter().any(|root| real.starts_with(root)) {
                let path = self.spec.name.name.clone();
                return Err(CatalogError::PathNotAllowed { path });
            }
        }
        Ok(())
    }

    async fn build(
        &self,
        tools: &Tools,
        format: Format,
        listing: &BTreeMap<String, Listed>,
    ) -> Result<RelationSnapshot, CatalogError> {
        if listing.is_empty()
            && let Some(known) = self.last_known()
        {
            return Ok(RelationSnapshot {
                files: Vec::new(),
                ..(*known).clone()
            });
        }
        let listed: Vec<&Listed> = listing.values().collect();
        let inspect = |source| CatalogError::Inspect {
            relation: self.label(),
            source,
        };
        let shapes = tools
            .describer
            .describe(format, &listed)
            .await
            .map_err(inspect)?;
        let partitions = self.partitions(&listed)?;
        let hive = self.hive_types(tools, partitions.as_deref()).await?;
        let own = columns::unify(
            &tools.describer,
            &self.verdicts,
            &self.label(),
            format,
            &listed,
            &shapes,
            &hive,
        )
        .await?;
        let (shapes, shape_of) = match format {
            // Such a scan of JSON files names all columns, so all files are alike.
            Format::Json if shapes.iter().all(|shape| shape.dates_need_sample.is_none()) => {
                let shape = Shape {
                    columns: own.clone(),
                    ..Shape::default()
                };
                (vec![Arc::new(shape)], vec![0; listed.len()])
            }
            Format::Parquet | Format::Csv | Format::Json => distinct(shapes),
        };
        let scan = ScanPlan {
            format: Some(format),
            hive,
            shapes,
        };
        let columns: Vec<Column> = scan
            .native(&own)
            .into_iter()
            .map(|(name, ty)| {
                let partition = scan.hive.keys().any(|key| same_name(key, &name));
                Column {
                    name,
                    ty,
                    partition,
                }
            })
            .collect();
        let files = listed
            .iter()
            .zip(shape_of)
            .enumerate()
            .map(|(index, (file, shape))| {
                let values = partitions.as_ref().map(|all| &all[index]);
                Arc::new(File {
                    path: file.path.clone(),
                    bytes: file.bytes,
                    version: file.version.clone(),
                    partition: partition_values(&scan.hive, &columns, values),
                    shape,
                })
            })
            .collect();
        let name = self.spec.name.clone();
        Ok(RelationSnapshot {
            name,
            format,
            columns,
            files,
            rows: tools.describer.rows(format, &listed),
            declared: Arc::clone(&self.spec.declared),
            scan,
            schema_hash: OnceLock::new(),
        })
    }

    /// Keys and values of each file's path, if the relation is partitioned.
    fn partitions(
        &self,
        listed: &[&Listed],
    ) -> Result<Option<Vec<BTreeMap<String, String>>>, CatalogError> {
        if self.spec.hive == Some(false) {
            return Ok(None);
        }
        let parsed: Vec<BTreeMap<String, String>> =
            listed.iter().map(|file| hive::parse(&file.path)).collect();
        let Some(first) = parsed.first() else {
            return Ok(None);
        };
        let other = parsed
            .iter()
            .position(|values| !values.keys().eq(first.keys()));
        if self.spec.hive.is_none() {
            return Ok((other.is_none() && !first.is_empty()).then_some(parsed));
        }
        let bad = if first.is_empty() { Some(0) } else { other };
        if let Some(index) = bad {
            let keys: Vec<String> = first.keys().map(|key| format!("\"{key}\"")).collect();
            return Err(CatalogError::HiveMismatch {
                relation: self.label(),
                file: listed[index].path.clone(),
                keys: if keys.is_empty() {
                    "that its path should have".to_owned()
                } else {
                    keys.join(", ")
                },
            });
        }
        Ok(Some(parsed))
    }

    async fn hive_types(
        &self,
        tools: &Tools,
        partitions: Option<&[BTreeMap<String, String>]>,
    ) -> Result<HiveTypes, CatalogError> {
        let Some(partitions) = partitions else {
            return Ok(HiveTypes::new());
        };
        let mut values = Values::new();
        for (key, value) in partitions.iter().flatten() {
            let known: &mut BTreeSet<String> = values.entry(key.clone()).or_default();
            if !known.contains(value) {
                known.insert(value.clone());
            }
        }
        {
            let known = self
                .hive_types
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((known, types)) = known.as_ref()
                && *known == values
            {
                return Ok(types.clone());
            }
        }
        let types = hive::types(tools.describer.inspect.as_ref(), &values)
            .await
            .map_err(|source| CatalogError::Inspect {
                relation: self.label(),
                source,
            })?;
        *self
            .hive_types
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((values, types.clone()));
        Ok(types)
    }
}

/// A file whose extension says another format, and a file of the right one.
fn other_format(
    listing: &BTreeMap<String, Listed>,
    format: Format,
    given: bool,
) -> Option<(String, String)> {
    if given {
        return None;
    }
    let other = listing
        .keys()
        .find(|file| Format::of_path(file).is_some_and(|f| f != format))?;
    let own = listing
        .keys()
        .find(|file| Format::of_path(file) == Some(format))?;
    Some((other.clone(), own.clone()))
}

/// Different shapes in order of appearance, and which one each file has.
fn distinct(shapes: Vec<Arc<Shape>>) -> (Vec<Arc<Shape>>, Vec<usize>) {
    let mut different: Vec<Arc<Shape>> = Vec::new();
    let mut positions: BTreeMap<Arc<Shape>, usize> = BTreeMap::new();
    let mut shape_of = Vec::with_capacity(shapes.len());
    let mut last: Option<(Arc<Shape>, usize)> = None;
    for shape in shapes {
        let known = last
            .as_ref()
            .filter(|(known, _)| Arc::ptr_eq(known, &shape));
        let known = known.map(|(_, position)| *position);
        let position = known.unwrap_or_else(|| {
            *positions.entry(Arc::clone(&shape)).or_insert_with(|| {
                different.push(Arc::clone(&shape));
                different.len() - 1
            })
        });
        shape_of.push(position);
        last = Some((shape, position));
    }
    (different, shape_of)
}

/// Values of a file's Hive keys, by the names of the relation's columns.
fn partition_values(
    hive: &HiveTypes,
    columns: &[Column],
    written: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, Option<String>> {
    let Some(written) = written else {
        return BTreeMap::new();
    };
    hive.iter()
        .map(|(key, ty)| {
            let column = columns.iter().find(|column| same_name(&column.name, key));
            let name = column.map_or(key, |column| &column.name).clone();
            (
                name,
                written.get(key).and_then(|text| hive::value(text, ty)),
            )
        })
        .collect()
}
