//! Path relations: `FROM 'data/x/*.parquet'`.
//!
//! The text comes from a client, so it may reach only the folders that the configuration allows:
//! the part before the first wildcard has to lie in one of them, `..` is refused, and after listing
//! each file's real path is looked at again, because links may lead elsewhere. A refusal does not
//! tell whether something exists.

use std::path::Path;

use crate::error::CatalogError;
use crate::listing::Lister;
use crate::pattern::{Pattern, escape};

/// The absolute glob for a path as a statement wrote it.
pub(crate) fn allowed_pattern(
    text: &str,
    base: &Path,
    folders: &[String],
) -> Result<String, CatalogError> {
    let refused = || CatalogError::PathNotAllowed {
        path: text.to_owned(),
    };
    if text.contains('\0') || text.split('/').any(|name| name == "..") {
        return Err(refused());
    }
    let absolute = if text.starts_with('/') || text.contains("://") {
        text.to_owned()
    } else {
        format!("{}/{text}", escape(&base.to_string_lossy()))
    };
    let mut roots: Vec<(String, Vec<String>)> = Vec::new();
    for folder in folders {
        roots.extend(split(folder));
        let real = Path::new(folder).canonicalize().ok();
        roots.extend(real.and_then(|real| split(&real.to_string_lossy())));
    }
    if roots.is_empty() {
        return Err(refused());
    }
    for pattern in Pattern::parse_all(&absolute)? {
        let is_below = |(root, names): &(String, Vec<String>)| {
            *root == pattern.root && pattern.fixed.starts_with(names)
        };
        if !roots.iter().any(is_below) {
            return Err(refused());
        }
    }
    Ok(absolute)
}

/// The relation, or the file in the same folder, whose name is most like that of `text`.
pub(crate) async fn nearest(
    lister: &Lister,
    text: &str,
    absolute: &[String],
    relations: Vec<String>,
) -> Option<String> {
    let (prefix, last) = text
        .rsplit_once('/')
        .map_or(("", text), |(prefix, last)| (prefix, last));
    let mut candidates = relations;
    if let Some(pattern) = absolute
        .first()
        .and_then(|path| Pattern::parse_all(path).ok()?.pop())
    {
        let mut folder = pattern.fixed.clone();
        if pattern.rest.is_empty() {
            folder.pop();
        }
        let names = lister.names(&pattern.root, &folder).await;
        let visible = names.into_iter().filter(|name| !pattern.hides(name));
        let prefix = if prefix.contains(['*', '?', '[', '{']) {
            ""
        } else {
            prefix
        };
        let slash = if prefix.is_empty() { "" } else { "/" };
        candidates.extend(visible.map(|name| format!("{prefix}{slash}{name}")));
    }
    let whole = skein_config::error::nearest(text, candidates.iter().map(String::as_str));
    let whole = whole.map(str::to_owned);
    whole.or_else(|| {
        skein_config::error::nearest(last, candidates.iter().map(String::as_str)).map(str::to_owned)
    })
}

fn split(folder: &str) -> Option<(String, Vec<String>)> {
    let pattern = Pattern::parse_all(&escape(folder)).ok()?.pop()?;
    Some((pattern.root, pattern.fixed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> bool {
        let folders = [
            "/data/a".to_owned(),
            "s3://bucket/x".to_owned(),
            "/od[d]".to_owned(),
        ];
        allowed_pattern(text, Path::new("/data/a"), &folders).is_ok()
    }

    #[test]
    fn only_allowed_folders_are_reached() {
        for text in [
            "x.csv",
            "*.csv",
            "**/x.csv",
            "/data/a/x/*.csv",
            "sub/x",
            "s3://bucket/x/y.csv",
            "/data/a/{x,y/z}.csv",
            "{/data/a,/etc}/x",
            "/od[[]d]/x.csv",
            "",
        ] {
            assert!(allowed(text), "{text}");
        }
        for text in [
            "../x.csv",
            "/data/b/x.csv",
            "/data/ab/x.csv",
            "/data/*/x.csv",
            "/etc/passwd",
            "/**",
            "x/../../b",
            "s3://bucket/y.csv",
            "s3://other/x/y.csv",
            "http://data/a/x.csv",
            "/data/{a,b}/x.csv",
            "file:///data/a/x.csv",
            "a\0b",
        ] {
            assert!(!allowed(text), "{text}");
        }
        assert!(allowed_pattern("x.csv", Path::new("/data/a"), &[]).is_err());
    }
}
