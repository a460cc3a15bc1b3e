//! What can be wrong with a configuration.

use std::path::PathBuf;

/// Why a configuration is not accepted. Every text says where to look.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration file \"{}\": {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The users file cannot be read.
    #[error("cannot read users file \"{}\": {source}", path.display())]
    UsersFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value has the wrong type.
    #[error("{origin}: {message}")]
    Invalid {
        /// File and line, environment variable, or flag.
        origin: String,
        /// What is wrong.
        message: String,
    },
    /// A key or section that does not exist.
    #[error("{origin}: unknown key \"{key}\"{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// File and line, or environment variable.
        origin: String,
        /// The key as written, with its section.
        key: String,
        /// The most similar key that exists.
        nearest: Option<String>,
    },
    /// The served directory is not there, or is not a directory.
    #[error("cannot serve directory \"{}\": {message}", path.display())]
    Directory {
        /// The directory as given.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|nearest| format!("; did you mean \"{nearest}\"?"))
        .unwrap_or_default()
}

/// The most similar of `candidates`, when one is similar enough to be a slip of the pen.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.7;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}
