//! Names and formats of relations.

/// Schema and name of a relation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationName {
    /// `public` unless configured.
    pub schema: String,
    /// The relation's own name.
    pub name: String,
}

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Separated values.
    Csv,
    /// JSON, one document per line or an array of them.
    Json,
}
