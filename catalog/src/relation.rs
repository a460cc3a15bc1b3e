//! Names and formats of relations.

use std::fmt;

pub use skein_config::{ColumnTable, Declared, Format, Reference};

/// Schema of path relations (`FROM 'x/*.csv'`); their names are the paths as the statement wrote
/// them. Not shown to clients as a schema.
pub const PATH_SCHEMA: &str = "skein_path";

/// Schema and name of a relation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationName {
    /// `public` unless configured.
    pub schema: String,
    /// The relation's own name.
    pub name: String,
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema == PATH_SCHEMA {
            f.write_str(&self.name)
        } else {
            write!(f, "{}.{}", self.schema, self.name)
        }
    }
}
