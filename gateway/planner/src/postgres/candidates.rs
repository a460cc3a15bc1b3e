//! Which function or operator a call means in PostgreSQL, and so which types its open arguments take.
//!
//! Mirrors `func_get_detail`, `oper` and `func_select_candidate` for what is known of the arguments; those
//! that are not known fit everywhere and decide nothing.
//!
//! ```text
//! interval '1 day' * $1   ─►  interval * double precision  ─►  $1 is double precision
//! date '2026-01-01' - $1  ─►  date - date                  ─►  $1 is a date, the result an integer
//! ```

use skein_catalog::system::{self, Signature};
use skein_catalog::types::PgType;

const ANY_ELEMENT: u32 = 2283;
const ANY_NON_ARRAY: u32 = 2776;
const ANY_ARRAY: u32 = 2277;
const ANY_COMPATIBLE: u32 = 5077;
const ANY_COMPATIBLE_ARRAY: u32 = 5078;
const ANY_COMPATIBLE_NON_ARRAY: u32 = 5079;
/// Category of texts, which what has no type is taken for where that is possible.
const TEXTS: &str = "S";
/// Category of types that stand for others.
const PSEUDO: &str = "P";

/// What is known of the type of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// It has this one.
    Is(u32),
    /// It takes the one that the call wants: a parameter, NULL, or a text in quotes.
    Open,
    /// It has one that is not known.
    Hidden,
}

/// What a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The types that its arguments have to have, where that is beyond doubt.
    pub(crate) arguments: Vec<Option<u32>>,
    /// The type of its result, likewise.
    pub(crate) result: Option<u32>,
}

/// What the call of a function means; `None` if there is no such function.
pub(crate) fn function(name: &str, arguments: &[Argument]) -> Option<Choice> {
    let all = system::function_signatures(name).iter();
    let all = all.filter_map(|known| Candidate::of(known, arguments.len()));
    choose(all.collect(), arguments, true)
}

/// What an operator with two operands means; `None` if there is no such operator.
pub(crate) fn operator(name: &str, left: Argument, right: Argument) -> Option<Choice> {
    let all = system::operator_signatures(name).iter();
    let all: Vec<Candidate> = all.filter_map(|known| Candidate::of(known, 2)).collect();
    // What has no type is first taken for what the other operand is.
    if let (Argument::Is(ty), Argument::Open) | (Argument::Open, Argument::Is(ty)) = (left, right) {
        let of_both = |it: &&Candidate| it.arguments.iter().all(|wanted| is_same(ty, *wanted));
        if let Some(both) = all.iter().find(of_both) {
            return Some(Choice {
                arguments: vec![Some(ty); 2],
                result: Some(both.result).filter(|result| !is_pseudo(*result)),
            });
        }
    }
    // `x - $1` deletes a key of a `jsonb`, and is a number or a time for others.
    let is_known = left != Argument::Hidden && right != Argument::Hidden;
    choose(all, &[left, right], is_known)
}

/// A function with an argument's type for each argument of the call.
#[derive(Clone, Debug)]
struct Candidate {
    arguments: Vec<u32>,
    result: u32,
}

impl Candidate {
    fn of(known: &Signature, count: usize) -> Option<Self> {
        let mut arguments = known.arguments.clone();
        if known.variadic != 0 {
            arguments.pop();
            arguments.resize(count.max(arguments.len() + 1), known.variadic);
        }
        let is_called_so = count <= arguments.len() && count + known.defaults >= arguments.len();
        is_called_so.then(|| {
            arguments.truncate(count);
            Self {
                arguments,
                result: known.result,
            }
        })
    }
}

fn choose(
    mut all: Vec<Candidate>,
    arguments: &[Argument],
    categories_decide: bool,
) -> Option<Choice> {
    all.retain(|it| {
        let mut pairs = it.arguments.iter().zip(arguments);
        pairs.all(|(wanted, argument)| match argument {
            Argument::Is(ty) => may_become(*ty, *wanted),
            Argument::Open | Argument::Hidden => true,
        })
    });
    let is_exact = |ty, wanted| ty == wanted;
    keep_best(&mut all, arguments, is_exact);
    if !arguments.contains(&Argument::Hidden) {
        keep_best(&mut all, arguments, |ty, wanted| {
            is_exact(ty, wanted) || is_preferred_of(ty, wanted)
        });
    }
    if categories_decide && all.len() > 1 {
        by_category(&mut all, arguments);
        as_the_others(&mut all, arguments);
    }
    let first = all.first()?;
    let agreed = |at: usize| {
        let wanted = first.arguments[at];
        let is_agreed = all.iter().all(|it| it.arguments[at] == wanted);
        is_agreed
            .then(|| settled(wanted, first, arguments))
            .flatten()
    };
    let is_same_result = all.iter().all(|it| it.result == first.result);
    Some(Choice {
        arguments: (0..arguments.len()).map(agreed).collect(),
        result: is_same_result
            .then(|| settled(first.result, first, arguments))
            .flatten(),
    })
}

/// Keeps those that suit most arguments whose types are known.
fn keep_best(all: &mut Vec<Candidate>, arguments: &[Argument], suits: impl Fn(u32, u32) -> bool) {
    let count = |it: &Candidate| {
        let pairs = it.arguments.iter().zip(arguments);
        pairs
            .filter(
                |(wanted, argument)| matches!(argument, Argument::Is(ty) if suits(*ty, **wanted)),
            )
            .count()
    };
    let most = all.iter().map(count).max();
    all.retain(|it| Some(count(it)) == most);
}

/// Lets the categories decide that open arguments may have: texts where there are some, else the only one.
fn by_category(all: &mut Vec<Candidate>, arguments: &[Argument]) {
    let has_hidden = arguments.contains(&Argument::Hidden);
    for at in (0..arguments.len()).filter(|at| arguments[*at] == Argument::Open) {
        let category_of = |it: &Candidate| system::category(it.arguments[at]);
        let mut found = all.iter().filter_map(category_of).map(|(name, _)| name);
        let first = found.next();
        let wanted = if first == Some(TEXTS) || found.clone().any(|it| it == TEXTS) {
            Some(TEXTS)
        } else {
            first.filter(|first| !has_hidden && found.all(|it| it == *first))
        };
        let Some(wanted) = wanted else {
            continue;
        };
        let is_wanted = |it: &Candidate| category_of(it).is_some_and(|(name, _)| name == wanted);
        let is_preferred = |it: &Candidate| category_of(it).is_some_and(|it| it == (wanted, true));
        let has_preferred = all.iter().any(is_preferred);
        all.retain(|it| is_wanted(it) && (!has_preferred || is_preferred(it)));
    }
}

/// Takes open arguments for what all others are, if that leaves one.
fn as_the_others(all: &mut Vec<Candidate>, arguments: &[Argument]) {
    let mut known = arguments.iter().filter(|it| **it != Argument::Open);
    let Some(Argument::Is(ty)) = known.next().copied() else {
        return;
    };
    if known.any(|it| *it != Argument::Is(ty)) {
        return;
    }
    let fits = |it: &&Candidate| {
        let mut pairs = it.arguments.iter().zip(arguments);
        pairs.all(|(wanted, argument)| *argument != Argument::Open || may_become(ty, *wanted))
    };
    let fitting: Vec<Candidate> = all.iter().filter(fits).cloned().collect();
    if fitting.len() == 1 {
        *all = fitting;
    }
}

/// A type that stands for others, by the arguments whose types are known.
fn settled(ty: u32, candidate: &Candidate, arguments: &[Argument]) -> Option<u32> {
    if !is_pseudo(ty) {
        return Some(ty);
    }
    let element =
        candidate.arguments.iter().zip(arguments).find_map(
            |(wanted, argument)| match argument {
                Argument::Is(ty) if is_any(*wanted) => Some(*ty),
                Argument::Is(ty) if is_any_array(*wanted) => {
                    PgType::by_array_oid(*ty).map(|element| element.oid)
                }
                _ => None,
            },
        )?;
    if is_any(ty) {
        Some(element)
    } else if is_any_array(ty) {
        let array = PgType::by_oid(element)?.array;
        (array != 0).then_some(array)
    } else {
        None
    }
}

fn is_any(ty: u32) -> bool {
    matches!(
        ty,
        ANY_ELEMENT | ANY_NON_ARRAY | ANY_COMPATIBLE | ANY_COMPATIBLE_NON_ARRAY
    )
}

fn is_any_array(ty: u32) -> bool {
    matches!(ty, ANY_ARRAY | ANY_COMPATIBLE_ARRAY)
}

fn is_pseudo(ty: u32) -> bool {
    system::category(ty).is_none_or(|(category, _)| category == PSEUDO)
}

fn is_same(ty: u32, wanted: u32) -> bool {
    ty == wanted || is_any_array(wanted) && PgType::by_array_oid(ty).is_some()
}

fn may_become(ty: u32, wanted: u32) -> bool {
    is_same(ty, wanted)
        || system::is_implicit_cast(ty, wanted)
        || is_pseudo(wanted) && !is_any_array(wanted)
}

/// Whether `wanted` is the preferred type among those like `ty`.
fn is_preferred_of(ty: u32, wanted: u32) -> bool {
    let (of, wanted) = (system::category(ty), system::category(wanted));
    matches!((of, wanted), (Some((one, _)), Some((other, true))) if one == other)
}

#[cfg(test)]
mod tests {
    use skein_catalog::types::oid::*;

    use super::Argument::{Hidden, Is, Open};
    use super::*;

    fn of_function(name: &str, arguments: &[Argument]) -> Vec<Option<u32>> {
        function(name, arguments).map_or(Vec::new(), |it| it.arguments)
    }

    #[test]
    fn functions_are_chosen_by_the_arguments_that_are_known() {
        let series = "generate_series";
        for (name, arguments, expected) in [
            ("left", vec![Open, Open], vec![Some(TEXT), Some(INT4)]),
            (series, vec![Is(INT4), Open], vec![Some(INT4), Some(INT4)]),
            (series, vec![Open, Is(INT8)], vec![Some(INT8), Some(INT8)]),
            (
                series,
                vec![Is(NUMERIC), Open],
                vec![Some(NUMERIC), Some(NUMERIC)],
            ),
            (series, vec![Hidden, Open], vec![None, None]),
            ("length", vec![Open], vec![Some(TEXT)]),
            ("abs", vec![Open], vec![Some(FLOAT8)]),
            ("abs", vec![Is(INT2)], vec![Some(INT2)]),
            ("date_trunc", vec![Open, Hidden], vec![Some(TEXT), None]),
            ("jsonb_array_length", vec![Open], vec![Some(JSONB)]),
            (
                "array_append",
                vec![Is(1007), Open],
                vec![Some(1007), Some(INT4)],
            ),
            (
                "array_position",
                vec![Is(1009), Open],
                vec![Some(1009), Some(TEXT)],
            ),
            (
                "percentile_cont",
                vec![Open, Is(INT4)],
                vec![Some(FLOAT8), Some(FLOAT8)],
            ),
            ("no_such_function", vec![Open], vec![]),
        ] {
            assert_eq!(
                of_function(name, &arguments),
                expected,
                "{name} {arguments:?}"
            );
        }
    }

    #[test]
    fn an_operand_without_a_type_takes_the_others_where_that_can_be() {
        for (left, name, expected) in [
            (NUMERIC, "/", Some((NUMERIC, NUMERIC))),
            (INT4, "=", Some((INT4, BOOL))),
            (DATE, "-", Some((DATE, INT4))),
            (TIME, "-", Some((TIME, INTERVAL))),
            (INTERVAL, "*", Some((FLOAT8, INTERVAL))),
            (TIMESTAMP, "+", Some((INTERVAL, TIMESTAMP))),
            (JSONB, "@>", Some((JSONB, BOOL))),
            (JSONB, "->", Some((TEXT, JSONB))),
            (JSONB, "#>>", Some((1009, TEXT))),
            (VARCHAR, "=", Some((TEXT, BOOL))),
            (BYTEA, "||", Some((BYTEA, BYTEA))),
        ] {
            let choice = operator(name, Is(left), Open).expect("there is one");
            let found = choice.arguments[1].zip(choice.result);
            assert_eq!(found, expected, "{left} {name}");
        }
        let array = operator("||", Is(1007), Open).expect("there is one");
        assert_eq!(array.arguments, [Some(1007), Some(1007)]);
    }
}
