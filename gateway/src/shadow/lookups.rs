//! The functions by which macros of the catalogue ask what [`Known`] knows: `skein_known_…` in SQL.

use std::sync::{Arc, PoisonError, RwLock};

use skein_catalog::snapshot::CatalogSnapshot;
use skein_catalog::system::{Known, NameError, RelationFound};
use skein_executor::engine::{Answer, Argument, Call, Connection, NativeFunction, NativeType};
use skein_executor_api::FragmentError;

use NativeType::{Number, Text, Texts, Truth};

/// What a lookup does with the arguments of a row.
type Lookup = fn(&Known, &[Argument<'_>]) -> Result<Answer, String>;

/// Name, arguments, result and what is looked up. A lookup whose first argument is NULL gives NULL.
const LOOKUPS: &[(&str, &[NativeType], NativeType, Lookup)] = &[
    ("skein_known_bytes", &[Number], Number, |known, given| {
        Ok(known
            .bytes(number(given, 0))
            .map_or(Answer::Null, Answer::Number))
    }),
    (
        "skein_known_comment",
        &[Number, Number],
        Text,
        |known, given| Ok(text(known.comment(number(given, 0), number(given, 1)))),
    ),
    (
        "skein_known_definition",
        &[Number, Truth, Texts],
        Text,
        |known, given| {
            let is_pretty = given[1] == Argument::Truth(true);
            let definition = known.definition(number(given, 0), is_pretty, path(given, 2));
            Ok(definition.map_or(Answer::Null, Answer::Text))
        },
    ),
    (
        "skein_known_regclass",
        &[Text, Text, Texts],
        Number,
        |known, given| relation(known, given, true),
    ),
    (
        "skein_known_regclass_name",
        &[Number, Texts],
        Text,
        |known, given| {
            Ok(Answer::Text(
                known.regclass(number(given, 0), path(given, 1)),
            ))
        },
    ),
    (
        "skein_known_regproc",
        &[Number, Texts],
        Text,
        |known, given| {
            Ok(Answer::Text(
                known.regproc(number(given, 0), path(given, 1)),
            ))
        },
    ),
    (
        "skein_known_regtype",
        &[Number, Texts],
        Text,
        |known, given| {
            Ok(Answer::Text(
                known.regtype(number(given, 0), path(given, 1)),
            ))
        },
    ),
    (
        "skein_known_relation",
        &[Text, Text, Texts],
        Number,
        |known, given| relation(known, given, false),
    ),
    (
        "skein_known_relation_visible",
        &[Number, Texts],
        Truth,
        |known, given| {
            let visible = known.is_relation_seen(number(given, 0), path(given, 1));
            Ok(visible.map_or(Answer::Null, Answer::Truth))
        },
    ),
    ("skein_known_role", &[Number], Text, |known, given| {
        Ok(Answer::Text(known.role(number(given, 0))))
    }),
    ("skein_known_schema", &[Text], Number, |known, given| {
        let oid = known.schema(word(given, 0));
        Ok(oid.map_or(Answer::Null, Answer::Number))
    }),
    (
        "skein_known_schema_name",
        &[Number],
        Text,
        |known, given| Ok(text(known.schema_name(number(given, 0)))),
    ),
    (
        "skein_known_schema_needed",
        &[Text],
        Number,
        |known, given| {
            let name = word(given, 0);
            known
                .schema(name)
                .map(Answer::Number)
                .ok_or_else(|| no_schema(name))
        },
    ),
    (
        "skein_known_type",
        &[Number, Number, Texts],
        Text,
        |known, given| {
            let modifier = match given[1] {
                Argument::Number(modifier) => Some(modifier),
                _ => None,
            };
            let shown = known.type_shown(number(given, 0), modifier, path(given, 2));
            Ok(Answer::Text(shown))
        },
    ),
    (
        "skein_known_type_visible",
        &[Number, Texts],
        Truth,
        |known, given| {
            let visible = known.is_type_seen(number(given, 0), path(given, 1));
            Ok(visible.map_or(Answer::Null, Answer::Truth))
        },
    ),
];

/// What the functions of one or several instances of DuckDB know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookups(Arc<RwLock<Arc<Known>>>);

impl Lookups {
    /// Knows the names of `snapshot`.
    pub(crate) fn of(snapshot: &CatalogSnapshot) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Known::of(snapshot)))))
    }

    /// Knows those of this one instead. Statements that run see the new names from now on.
    pub(crate) fn follow(&self, snapshot: &CatalogSnapshot) {
        let known = Arc::new(Known::of(snapshot));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Adds the functions to the instance of `connection`, which must not have them.
    pub(crate) fn add_to(&self, connection: &Connection) -> Result<(), FragmentError> {
        for &(name, parameters, result, lookup) in LOOKUPS {
            let lookups = self.clone();
            let call = move |given: &[Argument<'_>]| match given {
                [Argument::Null, ..] => Ok(Answer::Null),
                given => lookup(&lookups.known(), given),
            };
            connection.add_function(&NativeFunction {
                name,
                parameters,
                result,
                is_volatile: false,
                call: Arc::new(call) as Arc<Call>,
            })?;
        }
        Ok(())
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An argument that is a number; one that is NULL is that of no object.
fn number(given: &[Argument<'_>], index: usize) -> i64 {
    match given[index] {
        Argument::Number(number) => number,
        _ => -1,
    }
}

fn word<'a>(given: &[Argument<'a>], index: usize) -> &'a str {
    match given[index] {
        Argument::Text(text) => text,
        _ => "",
    }
}

fn path<'a, 'b>(given: &'a [Argument<'b>], index: usize) -> &'a [&'b str] {
    match &given[index] {
        Argument::Texts(path) => path,
        _ => &[],
    }
}

fn text(text: Option<&str>) -> Answer {
    text.map_or(Answer::Null, |text| Answer::Text(text.to_owned()))
}

/// `regclass` of a text; where nothing has the name, the error or NULL. The words are those of PostgreSQL's
/// `RangeVarGetRelidExtended` and `stringToQualifiedNameList`.
fn relation(known: &Known, given: &[Argument<'_>], is_needed: bool) -> Result<Answer, String> {
    let found = known.relation_named(word(given, 0), word(given, 1), path(given, 2));
    match found {
        Ok(RelationFound::Is(oid)) => Ok(Answer::Number(oid)),
        Ok(_) if !is_needed => Ok(Answer::Null),
        // Nothing has this name; it is how the OID 0 is written.
        Ok(RelationFound::NoRelation(name)) if name == "-" => Ok(Answer::Number(0)),
        Ok(RelationFound::NoRelation(name)) => Err(format!(
            "[undefined_table] relation \"{name}\" does not exist"
        )),
        Ok(RelationFound::NoSchema(name)) => Err(no_schema(&name)),
        Err(NameError::Invalid) => Err("[invalid_name] invalid name syntax".to_owned()),
        Err(NameError::Number(text)) => Err(format!(
            "[numeric_value_out_of_range] value \"{text}\" is out of range for type oid"
        )),
        Err(NameError::OtherDatabase(name)) => Err(format!(
            "[feature_not_supported] cross-database references are not implemented: \"{name}\""
        )),
        Err(NameError::TooManyParts(name)) => Err(format!(
            "[syntax_error] improper relation name (too many dotted names): {name}"
        )),
    }
}

fn no_schema(name: &str) -> String {
    format!("[invalid_schema_name] schema \"{name}\" does not exist")
}
