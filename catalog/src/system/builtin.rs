//! What PostgreSQL has built in, from files of facts: types, relations of the catalogue, functions,
//! operators, casts, operator classes, words.
//!
//! Every line of a file is a row, its fields stand between spaces. The files are asked of a real
//! PostgreSQL by `tests/catalogue`, which writes them again with `REWRITE=postgres`. Functions,
//! operators and casts are listed only if Skein has them, or if something that is listed names
//! them, as `pg_type` names the functions that read and write values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::relations;
use super::rows::Rows;

pub(super) const TYPES: &str = include_str!("types.txt");
const PROCS: &str = include_str!("procs.txt");
const OPERATORS: &str = include_str!("operators.txt");
const CASTS: &str = include_str!("casts.txt");
const OPCLASSES: &str = include_str!("opclasses.txt");
const KEYWORDS: &str = include_str!("keywords.txt");

/// The OID of the schema `information_schema`.
pub(super) const INFORMATION_SCHEMA_OID: &str = "13207";

/// The rows of a file of facts.
pub(super) fn lines(facts: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    facts
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect())
}

/// Writes a name as SQL, like PostgreSQL's `quote_identifier`.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|it: char| it.is_ascii_lowercase() || it == '_')
        && name
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
    if is_plain && !RESERVED.contains(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Words that stand in quotes where they are names.
static RESERVED: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let reserved = lines(KEYWORDS).filter(|row| row[1] != "U");
    reserved.map(|row| row[0]).collect()
});

/// OID, schema and name of every function.
pub(super) fn function_names() -> impl Iterator<Item = (i64, &'static str, &'static str)> {
    lines(PROCS).filter_map(|row| {
        let schema = match row[1] {
            INFORMATION_SCHEMA_OID => "information_schema",
            _ => "pg_catalog",
        };
        Some((row[0].parse().ok()?, schema, row[2]))
    })
}

/// The name of the built-in type with this OID, as `pg_type.typname` has it.
pub fn type_name(oid: u32) -> Option<&'static str> {
    BUILTIN.by_oid.get(&oid).copied()
}

/// The OID of the built-in type of this name, the other way round.
pub fn type_oid(name: &str) -> Option<u32> {
    BUILTIN.by_name.get(name).copied()
}

/// The name of the type that every function of this name returns, where it is the same for all and
/// does not depend on the arguments.
pub fn function_type(name: &str) -> Option<&'static str> {
    BUILTIN.results.get(name).copied()
}

/// A function or an operator: OIDs of types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Of its arguments.
    pub arguments: Vec<u32>,
    /// How many of the last ones may be left out.
    pub defaults: usize,
    /// Of the elements that the last argument stands for any number of; 0: none.
    pub variadic: u32,
    /// Of its result.
    pub result: u32,
}

/// The OID of the only function of this name in `pg_catalog`; none where there are several.
pub fn function_oid(name: &str) -> Option<u32> {
    BUILTIN.only_functions.get(name).copied()
}

/// Every function of this name.
pub fn function_signatures(name: &str) -> &'static [Signature] {
    BUILTIN.functions.get(name).map_or(&[], Vec::as_slice)
}

/// Every operator of this name that has two operands.
pub fn operator_signatures(name: &str) -> &'static [Signature] {
    BUILTIN.operators.get(name).map_or(&[], Vec::as_slice)
}

/// `pg_type.typcategory` of a type, and whether it is the preferred one of its category.
pub fn category(oid: u32) -> Option<(&'static str, bool)> {
    BUILTIN.categories.get(&oid).copied()
}

/// Whether values of the one type become the other's without being told to.
pub fn is_implicit_cast(from: u32, to: u32) -> bool {
    BUILTIN.implicit_casts.contains(&(from, to))
}

/// Names and types of the columns that a function of this name gives as a row; none where there are several
/// such functions, or where a type depends on arguments.
pub fn function_columns(name: &str) -> Vec<(&'static str, &'static str)> {
    let mut found = lines(PROCS).filter(|row| row[2] == name);
    let (Some(row), None) = (found.next(), found.next()) else {
        return Vec::new();
    };
    let fields = row[16].split(',').zip(row[14].split(','));
    let columns = fields
        .zip(row[15].chars())
        .filter(|(_, mode)| matches!(mode, 'o' | 't'));
    let known = columns.map(|((name, oid), _)| {
        let ty = oid.parse().ok().and_then(type_name)?;
        (!ty.starts_with("any")).then_some((name, ty))
    });
    known.collect::<Option<_>>().unwrap_or_default()
}

/// OIDs and names of built-in types, and what functions take and return.
struct Builtin {
    by_oid: BTreeMap<u32, &'static str>,
    by_name: BTreeMap<&'static str, u32>,
    results: BTreeMap<&'static str, &'static str>,
    functions: BTreeMap<&'static str, Vec<Signature>>,
    only_functions: BTreeMap<&'static str, u32>,
    operators: BTreeMap<&'static str, Vec<Signature>>,
    categories: BTreeMap<u32, (&'static str, bool)>,
    implicit_casts: BTreeSet<(u32, u32)>,
}

static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| {
    let by_oid: BTreeMap<u32, &str> = lines(TYPES)
        .filter_map(|row| Some((row.first()?.parse().ok()?, *row.get(2)?)))
        .collect();
    let by_name = by_oid.iter().map(|(oid, name)| (*name, *oid)).collect();
    Builtin {
        results: results(&by_oid),
        functions: functions(),
        only_functions: only_functions(),
        operators: operators(),
        categories: lines(TYPES)
            .filter_map(|row| Some((row[0].parse().ok()?, (row[6], row[7] == "t"))))
            .collect(),
        implicit_casts: lines(CASTS)
            .filter(|row| row[4] == "i")
            .filter_map(|row| Some((row[1].parse().ok()?, row[2].parse().ok()?)))
            .collect(),
        by_oid,
        by_name,
    }
});

fn functions() -> BTreeMap<&'static str, Vec<Signature>> {
    let mut found: BTreeMap<&str, Vec<Signature>> = BTreeMap::new();
    for row in lines(PROCS) {
        let arguments = row[13].split(',').filter(|oid| *oid != "-");
        let signature = || {
            Some(Signature {
                arguments: arguments.map(str::parse).collect::<Result<_, _>>().ok()?,
                defaults: row[12].parse().ok()?,
                variadic: row[11].parse().ok()?,
                result: row[10].parse().ok()?,
            })
        };
        if let Some(signature) = signature() {
            found.entry(row[2]).or_default().push(signature);
        }
    }
    found
}

fn only_functions() -> BTreeMap<&'static str, u32> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in lines(PROCS).filter(|row| row[1] == "11") {
        found.entry(row[2]).or_default().push(row[0]);
    }
    let only = found.into_iter().filter_map(|(name, oids)| match oids[..] {
        [oid] => Some((name, oid.parse().ok()?)),
        _ => None,
    });
    only.collect()
}

fn operators() -> BTreeMap<&'static str, Vec<Signature>> {
    let mut found: BTreeMap<&str, Vec<Signature>> = BTreeMap::new();
    for row in lines(OPERATORS).filter(|row| row[2] == "b") {
        let oids: Option<Vec<u32>> = row[5..8].iter().map(|oid| oid.parse().ok()).collect();
        if let Some([left, right, result]) = oids.as_deref() {
            found.entry(row[1]).or_default().push(Signature {
                arguments: vec![*left, *right],
                defaults: 0,
                variadic: 0,
                result: *result,
            });
        }
    }
    found
}

fn results(types: &BTreeMap<u32, &'static str>) -> BTreeMap<&'static str, &'static str> {
    let pseudo: BTreeSet<&str> = lines(TYPES)
        .filter(|row| row[5] == "p" && row[2] != "void")
        .map(|row| row[2])
        .collect();
    let mut found: BTreeMap<&str, BTreeSet<&'static str>> = BTreeMap::new();
    for row in lines(PROCS) {
        let ty = row[10].parse().ok().and_then(|oid| types.get(&oid));
        found.entry(row[2]).or_default().extend(ty);
    }
    let known = found.into_iter().filter_map(|(name, types)| {
        let mut types = types.into_iter();
        let ty = types.next().filter(|ty| !pseudo.contains(ty))?;
        types.next().is_none().then_some((name, ty))
    });
    known.collect()
}

/// Statements that make the tables of facts.
pub(super) fn raw() -> Vec<String> {
    let mut statements = vec![
        table("skein_types", TYPES, TYPE_COLUMNS),
        table("skein_procs", PROCS, PROC_COLUMNS),
        table("skein_operators", OPERATORS, OPERATOR_COLUMNS),
        table("skein_casts", CASTS, CAST_COLUMNS),
        table("skein_opclasses", OPCLASSES, OPCLASS_COLUMNS),
        table("skein_keywords", KEYWORDS, KEYWORD_COLUMNS),
    ];
    statements.extend(system_relations());
    statements
}

fn table(name: &str, facts: &'static str, columns: &[(&str, &str)]) -> String {
    let mut rows = Rows::default();
    for line in lines(facts) {
        rows.push(&line);
    }
    rows.create(name, columns)
}

const TYPE_COLUMNS: &[(&str, &str)] = &[
    ("oid", "BIGINT"),
    ("typnamespace", "BIGINT"),
    ("typname", "VARCHAR"),
    ("typlen", "SMALLINT"),
    ("typbyval", "BOOLEAN"),
    ("typtype", "VARCHAR"),
    ("typcategory", "VARCHAR"),
    ("typispreferred", "BOOLEAN"),
    ("typdelim", "VARCHAR"),
    ("typelem", "BIGINT"),
    ("typarray", "BIGINT"),
    ("typalign", "VARCHAR"),
    ("typstorage", "VARCHAR"),
    ("typcollation", "BIGINT"),
    ("typbasetype", "BIGINT"),
    ("typtypmod", "INTEGER"),
    ("typinput", "BIGINT"),
    ("typoutput", "BIGINT"),
    ("typreceive", "BIGINT"),
    ("typsend", "BIGINT"),
    ("typmodin", "BIGINT"),
    ("typmodout", "BIGINT"),
    ("typanalyze", "BIGINT"),
    ("typsubscript", "BIGINT"),
];

const PROC_COLUMNS: &[(&str, &str)] = &[
    ("oid", "BIGINT"),
    ("pronamespace", "BIGINT"),
    ("proname", "VARCHAR"),
    ("prokind", "VARCHAR"),
    ("aggregate", "VARCHAR"),
    ("provolatile", "VARCHAR"),
    ("proparallel", "VARCHAR"),
    ("proisstrict", "BOOLEAN"),
    ("proretset", "BOOLEAN"),
    ("proleakproof", "BOOLEAN"),
    ("prorettype", "BIGINT"),
    ("provariadic", "BIGINT"),
    ("pronargdefaults", "SMALLINT"),
    ("proargtypes", "VARCHAR"),
    ("proallargtypes", "VARCHAR"),
    ("proargmodes", "VARCHAR"),
    ("proargnames", "VARCHAR"),
];

const OPERATOR_COLUMNS: &[(&str, &str)] = &[
    ("oid", "BIGINT"),
    ("oprname", "VARCHAR"),
    ("oprkind", "VARCHAR"),
    ("oprcanmerge", "BOOLEAN"),
    ("oprcanhash", "BOOLEAN"),
    ("oprleft", "BIGINT"),
    ("oprright", "BIGINT"),
    ("oprresult", "BIGINT"),
    ("oprcom", "BIGINT"),
    ("oprnegate", "BIGINT"),
    ("oprcode", "BIGINT"),
    ("oprrest", "BIGINT"),
    ("oprjoin", "BIGINT"),
];

const CAST_COLUMNS: &[(&str, &str)] = &[
    ("oid", "BIGINT"),
    ("castsource", "BIGINT"),
    ("casttarget", "BIGINT"),
    ("castfunc", "BIGINT"),
    ("castcontext", "VARCHAR"),
    ("castmethod", "VARCHAR"),
];

const OPCLASS_COLUMNS: &[(&str, &str)] = &[
    ("oid", "BIGINT"),
    ("opcmethod", "BIGINT"),
    ("opcname", "VARCHAR"),
    ("opcintype", "BIGINT"),
    ("opcdefault", "BOOLEAN"),
    ("opckeytype", "BIGINT"),
    ("opcfamily", "BIGINT"),
    ("opfname", "VARCHAR"),
];

const KEYWORD_COLUMNS: &[(&str, &str)] = &[
    ("word", "VARCHAR"),
    ("catcode", "VARCHAR"),
    ("barelabel", "BOOLEAN"),
];

fn system_relations() -> [String; 2] {
    let (mut system, mut columns) = (Rows::default(), Rows::default());
    for relation in relations() {
        let oid = relation.oid.to_string();
        let schema = if relation.schema == "pg_catalog" {
            "11"
        } else {
            INFORMATION_SCHEMA_OID
        };
        let count = relation.columns.len().to_string();
        let [row_type, array_type] = relation.row_types.map(|oid| oid.to_string());
        system.push(&[
            &oid,
            schema,
            relation.name,
            relation.kind,
            &count,
            &row_type,
            &array_type,
        ]);
        for (index, column) in relation.columns.iter().enumerate() {
            let not_null = if column.not_null { "true" } else { "false" };
            columns.push(&[
                &oid,
                &(index + 1).to_string(),
                column.name,
                column.ty,
                not_null,
            ]);
        }
    }
    [
        system.create(
            "skein_system_relations",
            &[
                ("oid", "BIGINT"),
                ("schema_oid", "BIGINT"),
                ("name", "VARCHAR"),
                ("kind", "VARCHAR"),
                ("columns", "SMALLINT"),
                ("row_type", "BIGINT"),
                ("array_type", "BIGINT"),
            ],
        ),
        columns.create(
            "skein_system_columns",
            &[
                ("relation_oid", "BIGINT"),
                ("number", "SMALLINT"),
                ("name", "VARCHAR"),
                ("type_name", "VARCHAR"),
                ("not_null", "BOOLEAN"),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_all_fields() {
        for (facts, columns) in [
            (TYPES, TYPE_COLUMNS),
            (PROCS, PROC_COLUMNS),
            (OPERATORS, OPERATOR_COLUMNS),
            (CASTS, CAST_COLUMNS),
            (OPCLASSES, OPCLASS_COLUMNS),
            (KEYWORDS, KEYWORD_COLUMNS),
        ] {
            for row in lines(facts) {
                assert_eq!(row.len(), columns.len(), "{row:?}");
            }
        }
    }

    #[test]
    fn functions_are_known_by_what_they_return() {
        assert_eq!(function_type("pg_get_userbyid"), Some("name"));
        assert_eq!(function_type("pg_advisory_lock"), Some("void"));
        // Of several types, or of that of an argument.
        assert_eq!(function_type("abs"), None);
        assert_eq!(function_type("array_append"), None);
        assert_eq!(
            function_columns("pg_available_extensions"),
            [
                ("name", "name"),
                ("default_version", "text"),
                ("comment", "text")
            ]
        );
        assert_eq!(function_columns("_pg_expandarray"), []);
        assert_eq!(function_columns("abs"), []);
    }
}
