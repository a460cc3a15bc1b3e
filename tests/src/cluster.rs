//! A gateway with its executors inside this process, on a free port of loopback.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::data;

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// A generated data set; each of its folders is a relation.
    pub folder: PathBuf,
    /// How many embedded executors.
    pub executors: usize,
    /// Threads of each.
    pub threads: usize,
    /// Further lines of `[gateway]`, such as `connections_max = 5`.
    pub gateway: String,
    /// Further lines of `[executors]`.
    pub executor: String,
    /// Further lines of `[catalog]`.
    pub catalog: String,
}

impl ClusterOptions {
    /// One executor over `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            executors: 1,
            threads: 1,
            gateway: String::new(),
            executor: String::new(),
            catalog: String::new(),
        }
    }

    /// The same with this many executors.
    #[must_use]
    pub fn executors(mut self, executors: usize) -> Self {
        self.executors = executors;
        self
    }

    /// The configuration as a file would have it.
    pub fn toml(&self) -> String {
        let mut text = format!(
            "[gateway]\nlisten = [\"127.0.0.1:0\"]\n{}\n\
             [executors]\nembedded = {}\nthreads = {}\n{}\n\
             [catalog]\n{}\n",
            self.gateway, self.executors, self.threads, self.executor, self.catalog
        );
        if !self.executor.contains("memory_limit") {
            text = text.replace("[executors]\n", "[executors]\nmemory_limit = \"4GB\"\n");
        }
        for relation in data::relations(&self.folder) {
            let _ = write!(
                text,
                "\n[[relation]]\nname = \"{}\"\npath = \"{}\"\nformat = \"{}\"\n\
                 hive_partitioning = {}\n",
                relation.name,
                self.folder.join(&relation.glob).display(),
                relation.format,
                relation.hive
            );
        }
        text
    }
}
