//! SQL that reads the files of a relation.

use std::sync::Arc;

use crate::snapshot::{Column, File};

/// How to read files of each shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanPlan {}

impl ScanPlan {
    /// SQL that reads `files` with exactly `columns`.
    pub(crate) fn render(&self, _columns: &[Column], files: &[Arc<File>]) -> String {
        files
            .iter()
            .map(|file| file.path.as_str())
            .collect::<Vec<_>>()
            .join(",")
    }
}
