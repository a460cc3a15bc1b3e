//! What can be wrong with relations and their files.

use std::fmt;
use std::sync::Arc;

/// Why a relation cannot be read, or a path not be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A glob or folder has no file of the relation's format.
    #[error("relation \"{relation}\" has no files: nothing matches \"{pattern}\"")]
    NoFiles {
        /// The relation.
        relation: String,
        /// The first of its paths.
        pattern: String,
    },
    /// A path without wildcards that does not exist.
    #[error("path \"{path}\" of relation \"{relation}\" does not exist")]
    PathMissing {
        /// The relation.
        relation: String,
        /// The path.
        path: String,
    },
    /// A glob cannot be read.
    #[error("invalid path \"{pattern}\": {message}")]
    InvalidPattern {
        /// The glob.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// A folder cannot be listed.
    #[error("cannot list files of \"{path}\": {message}")]
    Unlistable {
        /// The folder.
        path: String,
        /// What the system says.
        message: String,
    },
    /// A listing took too long.
    #[error("listing files of \"{path}\" took longer than {timeout_ms} ms")]
    ListingTimeout {
        /// The glob.
        path: String,
        /// `listing_timeout_ms`.
        timeout_ms: u64,
    },
    /// More files than `files_max`.
    #[error("\"{path}\" has more than {files_max} files")]
    TooManyFiles {
        /// The glob.
        path: String,
        /// The limit.
        files_max: usize,
    },
    /// No extension tells the format.
    #[error("cannot tell the format of \"{file}\" of relation \"{relation}\"")]
    UnknownFormat {
        /// The relation.
        relation: String,
        /// One of its files, or its path.
        file: String,
    },
    /// Files of several formats.
    #[error("relation \"{relation}\" has files of two formats: \"{file}\" and \"{other}\"")]
    MixedFormats {
        /// The relation.
        relation: String,
        /// A file.
        file: String,
        /// A file of another format.
        other: String,
    },
    /// Hive partitioning was asked for, but a file is not below the same keys as the others.
    #[error(
        "file \"{file}\" of relation \"{relation}\" is not below folders of the Hive keys {keys}"
    )]
    HiveMismatch {
        /// The relation.
        relation: String,
        /// The file.
        file: String,
        /// The keys of the first file, as a list.
        keys: String,
    },
    /// A column has types in two files that have no common type.
    #[error(
        "column \"{column}\" of relation \"{relation}\" has type {ty} in file \"{file}\", but type \
         {other_ty} in file \"{other_file}\""
    )]
    TypeConflict {
        /// The relation.
        relation: String,
        /// The column.
        column: String,
        /// A file.
        file: Box<str>,
        /// The column's type there.
        ty: Box<str>,
        /// A file with another type.
        other_file: Box<str>,
        /// The column's type in that file.
        other_ty: Box<str>,
    },
    /// DuckDB could not find out the columns.
    #[error("cannot read columns of relation \"{relation}\": {source}")]
    Inspect {
        /// The relation.
        relation: String,
        /// What DuckDB says; it names the file.
        source: InspectError,
    },
    /// A path relation reaches outside of the allowed folders.
    #[error("permission denied for path \"{path}\"")]
    PathNotAllowed {
        /// The path as the statement wrote it.
        path: String,
    },
    /// A path relation without files.
    #[error("no files match \"{path}\"")]
    PathUnknown {
        /// The path as the statement wrote it.
        path: String,
        /// The most similar relation or file.
        nearest: Option<String>,
    },
}

impl CatalogError {
    /// Whether the configuration is at fault, so that a server should not start with it. Other
    /// errors lie in the files, which may be better by the time that a statement names them.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::NoFiles { .. }
            | Self::PathMissing { .. }
            | Self::InvalidPattern { .. }
            | Self::Unlistable { .. }
            | Self::TooManyFiles { .. }
            | Self::UnknownFormat { .. }
            | Self::MixedFormats { .. }
            | Self::HiveMismatch { .. } => true,
            Self::ListingTimeout { .. }
            | Self::TypeConflict { .. }
            | Self::Inspect { .. }
            | Self::PathNotAllowed { .. }
            | Self::PathUnknown { .. } => false,
        }
    }
}

/// An error of whoever runs the catalog's SQL. It can be downcast to that type again.
#[derive(Clone, Debug)]
pub struct InspectError(pub Arc<dyn std::error::Error + Send + Sync>);

impl InspectError {
    /// Wraps an error.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for InspectError {}
