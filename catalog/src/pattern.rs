//! Globs: which part of a path is fixed, and which names match the rest.
//!
//! `*` and `?` stay within one name, `[a-z]` and `{a,b}` as usual, `**` is any number of folders.
//! Names that begin with a dot or an underscore are hidden, as in Spark and Hive, unless the glob
//! itself has a name that begins so; `_key=value` folders are not hidden.

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::error::CatalogError;

/// A parsed glob.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// `s3://bucket` and the like; empty for local files.
    pub(crate) root: String,
    /// Names before the first wildcard.
    pub(crate) fixed: Vec<String>,
    /// What follows; empty for a path without wildcards.
    pub(crate) rest: Vec<Segment>,
    shows_hidden: bool,
}

/// A name of a glob.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    /// Exactly this name.
    Literal(String),
    /// Names that match.
    Glob(GlobMatcher),
    /// `**`.
    AnyDepth,
}

impl Pattern {
    /// Reads a glob. Alternatives that contain a slash become patterns of their own.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, CatalogError> {
        const ALTERNATIVES_MAX: usize = 1000;
        // Longer than any path that can be opened.
        const BYTES_MAX: usize = 16 * 1024;
        // What the glob's regular expression can hold.
        const BRACES_DEPTH_MAX: usize = 16;
        let invalid = |message: String| CatalogError::InvalidPattern {
            pattern: text.to_owned(),
            message,
        };
        if text.len() > BYTES_MAX {
            return Err(CatalogError::InvalidPattern {
                pattern: format!("{}…", text.chars().take(100).collect::<String>()),
                message: format!("it is longer than {BYTES_MAX} bytes"),
            });
        }
        if braces_depth(text) > BRACES_DEPTH_MAX {
            return Err(invalid(format!(
                "braces are nested more than {BRACES_DEPTH_MAX} levels deep"
            )));
        }
        let mut texts = vec![text.to_owned()];
        let mut done = Vec::new();
        while let Some(text) = texts.pop() {
            match expand_first_slashed_braces(&text) {
                Some(expanded) => texts.extend(expanded.into_iter().rev()),
                None => done.push(text),
            }
            if texts.len() + done.len() > ALTERNATIVES_MAX {
                return Err(invalid(format!(
                    "more than {ALTERNATIVES_MAX} alternatives"
                )));
            }
        }
        done.iter()
            .map(|text| Self::parse(text).map_err(&invalid))
            .collect()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (root, path) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
                (format!("{scheme}://{bucket}"), path)
            }
            None => (String::new(), text),
        };
        let mut pattern = Self {
            root,
            fixed: Vec::new(),
            rest: Vec::new(),
            shows_hidden: false,
        };
        for name in path
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
        {
            // Also where brackets spell it.
            if literal(name).as_deref() == Some("..") {
                return Err("it must not contain \"..\"".to_owned());
            }
            let in_rest = !pattern.rest.is_empty() || literal(name).is_none();
            pattern.shows_hidden |= in_rest && is_hidden(name);
            match literal(name) {
                Some(literal) if pattern.rest.is_empty() => pattern.fixed.push(literal),
                Some(literal) => pattern.rest.push(Segment::Literal(literal)),
                None if name == "**" => pattern.rest.push(Segment::AnyDepth),
                None => {
                    let glob: Glob = GlobBuilder::new(name)
                        .literal_separator(true)
                        .backslash_escape(false)
                        .build()
                        .map_err(|error| error.kind().to_string())?;
                    pattern.rest.push(Segment::Glob(glob.compile_matcher()));
                }
            }
        }
        Ok(pattern)
    }

    /// The same pattern for everything below what it matches.
    pub(crate) fn below(&self) -> Self {
        let mut pattern = self.clone();
        pattern.rest.push(Segment::AnyDepth);
        pattern
    }

    /// Whether a name has to be passed over.
    pub(crate) fn hides(&self, name: &str) -> bool {
        !self.shows_hidden && is_hidden(name)
    }

    /// Positions in `rest` that are reached before any name: 0, and what follows a `**` there.
    pub(crate) fn start(&self) -> Vec<usize> {
        let mut positions = Vec::new();
        self.reach(0, &mut positions);
        positions
    }

    /// Positions after `name` from `positions`; `rest.len()` means a full match.
    pub(crate) fn step(&self, positions: &[usize], name: &str) -> Vec<usize> {
        let mut next = Vec::new();
        for &position in positions {
            match self.rest.get(position) {
                Some(Segment::AnyDepth) => self.reach(position, &mut next),
                Some(Segment::Literal(literal)) if literal == name => {
                    self.reach(position + 1, &mut next);
                }
                Some(Segment::Glob(glob)) if glob.is_match(name) => {
                    self.reach(position + 1, &mut next);
                }
                _ => {}
            }
        }
        next
    }

    /// Whether positions after a file's name are a match. A trailing `**` matches every file.
    pub(crate) fn is_match(&self, positions: &[usize]) -> bool {
        positions.contains(&self.rest.len())
    }

    /// The one name that can follow, when no wildcard is possible.
    pub(crate) fn only_literal(&self, positions: &[usize]) -> Option<&str> {
        match positions {
            [position] => match self.rest.get(*position) {
                Some(Segment::Literal(literal)) => Some(literal),
                _ => None,
            },
            _ => None,
        }
    }

    fn reach(&self, position: usize, positions: &mut Vec<usize>) {
        if !positions.contains(&position) {
            positions.push(position);
            if matches!(self.rest.get(position), Some(Segment::AnyDepth)) {
                self.reach(position + 1, positions);
            }
        }
    }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

/// The name that a glob without wildcards means; `[x]` is the character x.
fn literal(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '{' => return None,
            '[' => {
                let (one, end) = (chars.next()?, chars.next()?);
                if end != ']' || one == '!' || one == '^' {
                    return None;
                }
                out.push(one);
            }
            c => out.push(c),
        }
    }
    Some(out)
}

/// How deep braces are nested, at most.
fn braces_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The folders that files of a path can be in, as plain names that end with a slash: what has to
/// be readable. A path that cannot be parsed has none.
pub fn folders_of(path: &str) -> Vec<String> {
    let patterns = Pattern::parse_all(path).unwrap_or_default();
    let folder = |pattern: Pattern| {
        let mut names = pattern.fixed;
        let whole = format!("{}/{}", pattern.root, names.join("/"));
        let may_be_file = pattern.rest.is_empty() && !path.ends_with('/');
        if may_be_file && !std::path::Path::new(&whole).is_dir() {
            names.pop();
        }
        let separator = if names.is_empty() { "" } else { "/" };
        format!("{}/{}{separator}", pattern.root, names.join("/"))
    };
    patterns.into_iter().map(folder).collect()
}

/// Writes a plain name so that a glob means exactly it.
pub(crate) fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '*' | '?' | '[' | '{' => escaped.extend(['[', c, ']']),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Expands the first `{…}` that has a slash in it.
fn expand_first_slashed_braces(text: &str) -> Option<Vec<String>> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|offset| from + offset) {
        let mut depth = 0;
        let mut commas = Vec::new();
        let mut close = None;
        for (offset, c) in text[open..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => commas.push(open + offset),
                _ => {}
            }
            if depth == 0 {
                close = Some(open + offset);
                break;
            }
        }
        let close = close?;
        if text[open..close].contains('/') {
            let mut ends = commas;
            ends.push(close);
            let mut start = open + 1;
            let mut expanded = Vec::new();
            for end in ends {
                expanded.push(format!(
                    "{}{}{}",
                    &text[..open],
                    &text[start..end],
                    &text[close + 1..]
                ));
                start = end + 1;
            }
            return Some(expanded);
        }
        from = close + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::parse_all(pattern).unwrap().iter().any(|pattern| {
            let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
            let Some(rest) = names.strip_prefix(
                pattern
                    .fixed
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .as_slice(),
            ) else {
                return false;
            };
            let mut positions = pattern.start();
            for name in rest {
                if pattern.hides(name) {
                    return false;
                }
                positions = pattern.step(&positions, name);
            }
            pattern.is_match(&positions)
        })
    }

    #[test]
    fn patterns_have_limits() {
        for pattern in [
            format!("/d/{}a{}", "{".repeat(2000), "}".repeat(2000)),
            format!("/d/{}a{}", "{".repeat(17), "}".repeat(17)),
            format!("/d/{}x", "a/".repeat(50_000)),
            format!("/d/{}x", "{a/,b/}".repeat(20)),
        ] {
            assert!(Pattern::parse_all(&pattern).is_err(), "{pattern}");
        }
        let deep = format!("/d/{}a{}", "{".repeat(16), "}".repeat(16));
        assert!(matches(&deep, "/d/a"));
    }

    #[test]
    fn parents_are_refused_however_they_are_written() {
        for pattern in ["/d/../x", "/d/[.][.]/x", "/d/{../x,y}", "/d/*/[.]./x"] {
            assert!(Pattern::parse_all(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn globs_match_names_and_folders() {
        for (pattern, path, expected) in [
            ("/d/*.csv", "/d/a.csv", true),
            ("/d/*.csv", "/d/x/a.csv", false),
            ("/d/**/*.csv", "/d/a.csv", true),
            ("/d/**/*.csv", "/d/x/y/a.csv", true),
            ("/d/**", "/d/x/y/a.csv", true),
            ("/d/**/y/*.csv", "/d/x/y/a.csv", true),
            ("/d/**/y/*.csv", "/d/x/z/a.csv", false),
            ("/d/a?.csv", "/d/ab.csv", true),
            ("/d/[a-c].csv", "/d/b.csv", true),
            ("/d/[!a-c].csv", "/d/b.csv", false),
            ("/d/{a,b}.csv", "/d/b.csv", true),
            ("/d/{a,b/c}.csv", "/d/b/c.csv", true),
            ("/d/{a,b/{c,d/e}}/*.csv", "/d/b/d/e/x.csv", true),
            ("/d/day=*/x.csv", "/d/day=1/x.csv", true),
            ("/d/*.csv", "/d/.a.csv", false),
            ("/d/**/*.csv", "/d/_tmp/a.csv", false),
            ("/d/**/*.csv", "/d/_key=1/a.csv", true),
            ("/d/_*/a.csv", "/d/_tmp/a.csv", true),
            ("/d/_tmp/*.csv", "/d/_tmp/a.csv", true),
            ("/d/x[[]1].csv", "/d/x[1].csv", true),
            ("/d/é*.csv", "/d/élan.csv", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn broken_globs_are_refused() {
        for pattern in ["/d/[a", "/d/{a", "/d/../x", "/d/[z-a]"] {
            Pattern::parse_all(pattern).unwrap_err();
        }
    }

    #[test]
    fn folders_are_plain() {
        for (path, folders) in [
            ("/d/x/*.csv", vec!["/d/x/"]),
            ("/nowhere/x.csv", vec!["/nowhere/"]),
            ("/da[[]t]a/{x,y/z}/**", vec!["/da[t]a/x/", "/da[t]a/y/z/"]),
            ("s3://bucket/t/*.parquet", vec!["s3://bucket/t/"]),
            ("/*.csv", vec!["/"]),
        ] {
            assert_eq!(folders_of(path), folders, "{path}");
        }
    }

    #[test]
    fn escaped_names_mean_themselves() {
        for name in [
            "/a[1].csv",
            "/a*b?.csv",
            "/plain.csv",
            "/[!x].csv",
            "/{x,y}",
        ] {
            let pattern = &Pattern::parse_all(&escape(name)).unwrap()[0];
            assert!(pattern.rest.is_empty(), "{name}");
            assert_eq!(pattern.fixed, [&name[1..]]);
        }
    }
}
