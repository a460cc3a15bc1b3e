//! Names and strings.

/// Keywords that cannot be column or table names without quotes: DuckDB's categories `reserved`,
/// `type_function` and `column_name`, in order.
#[rustfmt::skip]
pub(super) const QUOTED: &[&str] = &[
    "all", "analyse", "analyze", "and", "anti", "any", "array", "as", "asc", "asof", "asymmetric",
    "at", "authorization", "between", "bigint", "binary", "bit", "boolean", "both", "by", "case",
    "cast", "char", "character", "check", "coalesce", "collate", "collation", "column", "columns",
    "concurrently", "constraint", "create", "cross", "dec", "decimal", "default", "deferrable",
    "desc", "describe", "distinct", "do", "else", "end", "except", "exists", "extract", "false",
    "fetch", "float", "for", "foreign", "freeze", "from", "full", "generated", "glob", "group",
    "grouping", "grouping_id", "having", "ilike", "in", "initially", "inner", "inout", "int",
    "integer", "intersect", "interval", "into", "is", "isnull", "join", "lambda", "lateral",
    "leading", "left", "like", "limit", "map", "national", "natural", "nchar", "none", "not",
    "notnull", "null", "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer",
    "overlaps", "overlay", "pivot", "pivot_longer", "pivot_wider", "placing", "position",
    "positional", "precision", "primary", "qualify", "real", "references", "returning", "right",
    "row", "select", "semi", "setof", "show", "similar", "smallint", "some", "struct",
    "substring", "summarize", "symmetric", "table", "tablesample", "then", "time", "timestamp",
    "to", "trailing", "treat", "trim", "true", "try_cast", "union", "unique", "unpack", "unpivot",
    "using", "values", "varchar", "variadic", "verbose", "when", "where", "window", "with",
    "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces",
    "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

/// Keywords of [`QUOTED`] that DuckDB takes as a function's name before an ordinary list of
/// arguments.
const FUNCTIONS: &[&str] = &["glob", "left", "map", "right", "row", "substring", "trim"];

/// Writes a name, in quotes only if it needs them.
pub fn identifier(name: &str) -> String {
    if is_plain(name) && QUOTED.binary_search(&name).is_err() {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Writes the name of a function.
pub(super) fn function_name(name: &str) -> String {
    if FUNCTIONS.contains(&name) {
        name.to_owned()
    } else {
        identifier(name)
    }
}

/// Writes a name with its qualifiers; empty ones are left out.
pub fn qualified_name<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        if name.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&identifier(name));
    }
    text
}

/// Writes a string literal.
pub fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    literal.push_str(&text.replace('\'', "''"));
    literal.push('\'');
    literal
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_only_when_needed() {
        assert_eq!(identifier("total_price2"), "total_price2");
        assert_eq!(identifier("Total"), "\"Total\"");
        assert_eq!(identifier("order"), "\"order\"");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(identifier("é"), "\"é\"");
        assert_eq!(identifier(""), "\"\"");
        assert_eq!(qualified_name(["", "s", "t"]), "s.t");
    }

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(QUOTED.is_sorted());
    }
}
