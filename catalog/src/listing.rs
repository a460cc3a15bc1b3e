//! Lists the files that globs match, through `object_store`.
//!
//! ```text
//! "/data/day=*/**/*.parquet"   fixed: /data   listed: /data, each day=…, and what is below them
//! ```
//!
//! Only folders that can lead to a match are listed, level by level, several at a time. Links to
//! files and folders are followed; a link to a folder that it lies in is not, since that would
//! never end. Hidden names are passed over (see [`crate::pattern`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::CatalogError;
use crate::pattern::{Pattern, escape};

const FOLDERS_LISTED_AT_ONCE: usize = 8;

/// A file as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// As DuckDB opens it.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// Changes whenever the content may have.
    pub(crate) version: String,
}

/// Lists globs on local files and on registered stores.
#[derive(Clone, Debug)]
pub struct Lister {
    /// By `scheme://bucket`; the empty key is the local file system.
    stores: BTreeMap<String, Arc<dyn ObjectStore>>,
    files_max: usize,
    timeout: Duration,
}

impl Lister {
    /// Lists local files.
    pub fn new(files_max: usize, timeout_ms: u64) -> Self {
        let local: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
        Self {
            stores: BTreeMap::from([(String::new(), local)]),
            files_max,
            timeout: Duration::from_millis(timeout_ms),
        }
    }

    /// Lists paths below `root` (`s3://bucket`) on `store`.
    #[must_use]
    pub fn with_store(mut self, root: &str, store: Arc<dyn ObjectStore>) -> Self {
        self.stores
            .insert(root.trim_end_matches('/').to_owned(), store);
        self
    }

    /// Files that `text` matches, by path. A path without wildcards may be a file.
    pub(crate) async fn list(&self, text: &str) -> Result<BTreeMap<String, Listed>, CatalogError> {
        let patterns = Pattern::parse_all(text)?;
        self.bounded(text, self.list_patterns(text, &patterns, None))
            .await
    }

    /// Files below the folders that `text` matches, by path.
    pub(crate) async fn list_below(
        &self,
        text: &str,
    ) -> Result<BTreeMap<String, Listed>, CatalogError> {
        let patterns: Vec<Pattern> = Pattern::parse_all(text)?
            .iter()
            .map(Pattern::below)
            .collect();
        self.bounded(text, self.list_patterns(text, &patterns, None))
            .await
    }

    /// Files below a local folder, by path, for whoever looks around: links that lead out of it
    /// are passed over, and so is what may not be listed, but for the folder itself.
    pub(crate) async fn list_inside(
        &self,
        directory: &str,
    ) -> Result<BTreeMap<String, Listed>, CatalogError> {
        let text = escape(directory);
        let patterns: Vec<Pattern> = Pattern::parse_all(&text)?
            .iter()
            .map(Pattern::below)
            .collect();
        let real = std::path::Path::new(directory).canonicalize();
        let real = real.map_err(|error| CatalogError::Unlistable {
            path: directory.to_owned(),
            message: error.to_string(),
        })?;
        self.bounded(&text, self.list_patterns(&text, &patterns, Some(&real)))
            .await
    }

    /// Names in one folder: files and folders.
    pub(crate) async fn names(&self, root: &str, folder: &[String]) -> Vec<String> {
        let Some(store) = self.stores.get(root) else {
            return Vec::new();
        };
        let Ok(folder) = Path::parse(folder.join("/")) else {
            return Vec::new();
        };
        let Ok(listed) = store.list_with_delimiter(Some(&folder)).await else {
            return Vec::new();
        };
        let objects = listed.objects.into_iter().map(|object| object.location);
        let paths = listed.common_prefixes.into_iter().chain(objects);
        paths
            .filter_map(|path| path.filename().map(str::to_owned))
            .collect()
    }

    /// The store that a file lies in, by its key: of several that fit, the innermost.
    pub(crate) fn root_of(&self, path: &str) -> &str {
        let fits = |root: &&String| {
            path.strip_prefix(root.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let roots = self.stores.keys();
        roots
            .filter(fits)
            .max_by_key(|root| root.len())
            .map_or("", String::as_str)
    }

    pub(crate) fn store(&self, root: &str) -> Option<&Arc<dyn ObjectStore>> {
        self.stores.get(root)
    }

    pub(crate) async fn bounded<T>(
        &self,
        text: &str,
        listing: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, CatalogError> {
        let timed_out = |_| CatalogError::ListingTimeout {
            path: text.to_owned(),
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
        };
        tokio::time::timeout(self.timeout, listing)
            .await
            .map_err(timed_out)?
    }

    async fn list_patterns(
        &self,
        text: &str,
        patterns: &[Pattern],
        inside: Option<&std::path::Path>,
    ) -> Result<BTreeMap<String, Listed>, CatalogError> {
        let mut files = BTreeMap::new();
        for pattern in patterns {
            self.list_pattern(text, pattern, inside, &mut files).await?;
        }
        Ok(files)
    }

    async fn list_pattern(
        &self,
        text: &str,
        pattern: &Pattern,
        inside: Option<&std::path::Path>,
        files: &mut BTreeMap<String, Listed>,
    ) -> Result<(), CatalogError> {
        let store = self.stores.get(&pattern.root).ok_or_else(|| {
            unlistable(
                pattern,
                &Path::default(),
                "storage of this kind is not configured".to_owned(),
            )
        })?;
        let fixed = Path::parse(pattern.fixed.join("/"))
            .map_err(|error| unlistable(pattern, &Path::default(), error.to_string()))?;
        let is_local = pattern.root.is_empty();
        if pattern.rest.is_empty() {
            // A folder is not an object; who wants its files asks for what is below it.
            match store.head(&fixed).await {
                Ok(meta) => add(files, &pattern.root, &meta),
                Err(error) if is_nothing_there(&error) || (is_local && is_folder(&fixed)) => {}
                Err(error) => return Err(unlistable(pattern, &fixed, innermost(&error))),
            }
            return Ok(());
        }
        let mut is_top = true;
        let mut folders = vec![(fixed, pattern.start())];
        while !folders.is_empty() {
            let asked: Vec<_> = folders
                .into_iter()
                .map(|(folder, positions)| list_folder(store, pattern, folder, positions))
                .collect();
            let mut listings = futures::stream::iter(asked).buffered(FOLDERS_LISTED_AT_ONCE);
            let mut below = Vec::new();
            while let Some(listing) = listings.next().await {
                let mut listing = match listing {
                    Ok(listing) => listing,
                    Err(_) if inside.is_some() && !is_top => continue,
                    Err(error) => return Err(error),
                };
                if let Some(root) = inside {
                    listing.keep_inside(root);
                }
                below.extend(listing.folders);
                for object in listing.files {
                    add(files, &pattern.root, &object);
                }
                if files.len() > self.files_max {
                    let files_max = self.files_max;
                    return Err(CatalogError::TooManyFiles {
                        path: text.to_owned(),
                        files_max,
                    });
                }
            }
            drop(listings);
            folders = below;
            is_top = false;
        }
        Ok(())
    }
}

/// What one folder has for a pattern.
struct FolderListing {
    files: Vec<ObjectMeta>,
    /// Folders to list next, with the pattern's positions there.
    folders: Vec<(Path, Vec<usize>)>,
}

impl FolderListing {
    /// Drops links that lead out of `root`.
    fn keep_inside(&mut self, root: &std::path::Path) {
        self.files.retain(|file| !leads_out(&file.location, root));
        self.folders.retain(|(folder, _)| !leads_out(folder, root));
    }
}

async fn list_folder(
    store: &Arc<dyn ObjectStore>,
    pattern: &Pattern,
    folder: Path,
    positions: Vec<usize>,
) -> Result<FolderListing, CatalogError> {
    if let Some(name) = pattern.only_literal(&positions)
        && pattern.rest.len() > positions[0] + 1
    {
        let below = Path::parse(format!("{}/{name}", folder.as_ref()))
            .map_err(|error| unlistable(pattern, &folder, error.to_string()))?;
        let folders = vec![(below, pattern.step(&positions, name))];
        return Ok(FolderListing {
            files: Vec::new(),
            folders,
        });
    }
    let listed = match store.list_with_delimiter(Some(&folder)).await {
        Ok(listed) => listed,
        Err(error) if is_nothing_there(&error) => {
            return Ok(FolderListing {
                files: Vec::new(),
                folders: Vec::new(),
            });
        }
        Err(error) => return Err(unlistable(pattern, &folder, innermost(&error))),
    };
    let is_local = pattern.root.is_empty();
    let mut folders = Vec::new();
    for path in listed.common_prefixes {
        let Some(name) = path.filename() else {
            continue;
        };
        let next = pattern.step(&positions, name);
        if !pattern.hides(name)
            && next.iter().any(|position| *position < pattern.rest.len())
            && !(is_local && is_link_to_ancestor(&path))
        {
            folders.push((path, next));
        }
    }
    let mut files = listed.objects;
    files.retain(|object| {
        let name = object.location.filename().unwrap_or_default();
        !pattern.hides(name) && pattern.is_match(&pattern.step(&positions, name))
    });
    Ok(FolderListing { files, folders })
}

fn unlistable(pattern: &Pattern, path: &Path, message: String) -> CatalogError {
    CatalogError::Unlistable {
        path: display_path(&pattern.root, path),
        message,
    }
}

fn add(files: &mut BTreeMap<String, Listed>, root: &str, meta: &ObjectMeta) {
    let path = display_path(root, &meta.location);
    let version = version(meta);
    files.insert(
        path.clone(),
        Listed {
            path,
            bytes: meta.size,
            version,
        },
    );
}

/// What tells two contents of a file apart.
pub(crate) fn version(meta: &ObjectMeta) -> String {
    match (&meta.e_tag, &meta.version) {
        (Some(tag), _) => tag.clone(),
        (None, Some(version)) => version.clone(),
        (None, None) => format!("{:x}-{}", meta.size, meta.last_modified.timestamp_micros()),
    }
}

fn display_path(root: &str, path: &Path) -> String {
    format!("{root}/{}", path.as_ref())
}

/// Nothing is there, or a file stands where a folder would have to.
pub(crate) fn is_nothing_there(error: &object_store::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| matches!(error.kind(), NotFound | NotADirectory))
        {
            return true;
        }
        cause = error.source();
    }
    matches!(error, object_store::Error::NotFound { .. })
}

fn is_folder(path: &Path) -> bool {
    std::path::Path::new(&display_path("", path)).is_dir()
}

fn is_link(path: &std::path::Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_symlink())
}

fn leads_out(path: &Path, root: &std::path::Path) -> bool {
    let path = std::path::PathBuf::from(display_path("", path));
    is_link(&path)
        && !path
            .canonicalize()
            .is_ok_and(|target| target.starts_with(root))
}

/// Following such a link would list the same folders for ever.
fn is_link_to_ancestor(path: &Path) -> bool {
    let path = std::path::PathBuf::from(display_path("", path));
    if !is_link(&path) {
        return false;
    }
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    match (path.canonicalize(), parent) {
        (Ok(target), Some(parent)) => parent.starts_with(target),
        _ => true,
    }
}

/// The cause at the bottom, such as `Permission denied (os error 13)`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(paths: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for path in paths {
                folder.write(path, "x");
            }
            folder
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn root(&self) -> String {
            self.0.path().to_str().unwrap().to_owned()
        }

        async fn list(&self, pattern: &str) -> Vec<String> {
            let lister = Lister::new(100, 10_000);
            let root = self.root();
            let files = lister.list(&format!("{root}/{pattern}")).await.unwrap();
            files
                .keys()
                .map(|path| path.strip_prefix(&format!("{root}/")).unwrap().to_owned())
                .collect()
        }
    }

    #[tokio::test]
    async fn globs_find_files_in_path_order() {
        let folder = Folder::new(&[
            "b/2.csv",
            "a/1.csv",
            "a/x/3.csv",
            ".hidden/4.csv",
            "a/_tmp/5.csv",
            "a/6.txt",
            "day=1/n=2/7.csv",
            "day=2/8.csv",
        ]);
        assert_eq!(
            folder.list("*/*.csv").await,
            ["a/1.csv", "b/2.csv", "day=2/8.csv"]
        );
        assert_eq!(
            folder.list("**/*.csv").await,
            [
                "a/1.csv",
                "a/x/3.csv",
                "b/2.csv",
                "day=1/n=2/7.csv",
                "day=2/8.csv"
            ]
        );
        assert_eq!(folder.list("a/x/3.csv").await, ["a/x/3.csv"]);
        assert_eq!(folder.list("*/x/3.csv").await, ["a/x/3.csv"]);
        assert_eq!(
            folder.list("day=*/**/*.csv").await,
            ["day=1/n=2/7.csv", "day=2/8.csv"]
        );
        assert_eq!(
            folder.list("{a,day=1/n=2}/*.csv").await,
            ["a/1.csv", "day=1/n=2/7.csv"]
        );
        assert!(folder.list("a").await.is_empty());
        assert!(folder.list("nothing/*.csv").await.is_empty());
        assert!(folder.list("a/1.csv/*.csv").await.is_empty());
        assert!(folder.list("a/1.csv/2.csv").await.is_empty());
        let below = Lister::new(100, 10_000)
            .list_below(&format!("{}/a", folder.root()))
            .await;
        assert_eq!(below.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn unusual_names_are_listed_as_they_are() {
        let names = [
            "p=a%20b%2Fc/x.csv",
            "sp ace/x.csv",
            "we[i]rd*/x.csv",
            "q?/x.csv",
            "h#1/x.csv",
            "é/ü.csv",
            "quote'\"/x.csv",
            "{b}/x.csv",
            "back\\slash/x.csv",
            "a=b=c/x~.csv",
            "%zz/x.csv",
        ];
        let folder = Folder::new(&names);
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(folder.list("**/*.csv").await, expected);
        assert_eq!(folder.list("we[[]i]rd[*]/*.csv").await, ["we[i]rd*/x.csv"]);
        assert_eq!(
            folder.list("p=a%20b%2Fc/x.csv").await,
            ["p=a%20b%2Fc/x.csv"]
        );
    }

    #[tokio::test]
    async fn versions_follow_content() {
        let folder = Folder::new(&["a.csv"]);
        let lister = Lister::new(100, 10_000);
        let glob = format!("{}/*.csv", folder.root());
        let first = lister.list(&glob).await.unwrap();
        assert_eq!(first, lister.list(&glob).await.unwrap());
        folder.write("a.csv", "longer");
        let second = lister.list(&glob).await.unwrap();
        let file = second.values().next().unwrap();
        assert_eq!(file.bytes, 6);
        assert_ne!(first.values().next().unwrap().version, file.version);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_are_followed_but_not_in_circles() {
        let folder = Folder::new(&["a/1.csv", "b/2.csv"]);
        let root = folder.0.path();
        std::os::unix::fs::symlink("..", root.join("a/up")).unwrap();
        std::os::unix::fs::symlink("../b", root.join("a/side")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("a/broken")).unwrap();
        std::os::unix::fs::symlink("1.csv", root.join("a/3.csv")).unwrap();
        assert_eq!(
            folder.list("**/*.csv").await,
            ["a/1.csv", "a/3.csv", "a/side/2.csv", "b/2.csv"]
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn looking_around_stays_inside_and_passes_over_what_is_closed() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let outside = Folder::new(&["secret.csv"]);
        let folder = Folder::new(&["a/1.csv", "closed/2.csv", "[w]*/3.csv"]);
        let root = folder.0.path();
        symlink(outside.0.path(), root.join("out")).unwrap();
        symlink(outside.0.path().join("secret.csv"), root.join("secret.csv")).unwrap();
        symlink("a/1.csv", root.join("4.csv")).unwrap();
        symlink("../a", root.join("[w]*/in")).unwrap();
        let closed = root.join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
        let files = Lister::new(100, 10_000).list_inside(&folder.root()).await;
        // Whoever may read everything, such as root, sees what is closed.
        let may_read = fs::read_dir(&closed).is_ok();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let files = files.unwrap();
        let paths: Vec<&str> = files
            .keys()
            .map(|path| path.strip_prefix(&format!("{}/", folder.root())).unwrap())
            .filter(|path| !(may_read && path.starts_with("closed")))
            .collect();
        assert_eq!(paths, ["4.csv", "[w]*/3.csv", "[w]*/in/1.csv", "a/1.csv"]);
    }

    #[tokio::test]
    async fn listings_are_limited() {
        let folder = Folder::new(&["a.csv", "b.csv", "c.csv"]);
        let error = Lister::new(2, 10_000)
            .list(&format!("{}/*", folder.root()))
            .await
            .unwrap_err();
        assert!(
            matches!(error, CatalogError::TooManyFiles { files_max: 2, .. }),
            "{error}"
        );
        let error = Lister::new(2, 10_000)
            .list("s3://bucket/*.csv")
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot list files of \"s3://bucket/\": storage of this kind is not configured"
        );
    }

    #[tokio::test]
    async fn other_stores_take_part() {
        let store = Arc::new(object_store::memory::InMemory::new());
        for path in ["t/day=1/a.parquet", "t/day=2/b.parquet", "u/c.parquet"] {
            store.put(&Path::from(path), "x".into()).await.unwrap();
        }
        let lister = Lister::new(100, 10_000).with_store("s3://bucket", store);
        let files = lister.list("s3://bucket/t/**/*.parquet").await.unwrap();
        let paths: Vec<&String> = files.keys().collect();
        assert_eq!(
            paths,
            [
                "s3://bucket/t/day=1/a.parquet",
                "s3://bucket/t/day=2/b.parquet"
            ]
        );
    }
}
