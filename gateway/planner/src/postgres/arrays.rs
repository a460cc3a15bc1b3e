//! PostgreSQL's text of arrays, `{a,"b c",NULL}`, and comparisons with all their elements.
//!
//! ```text
//! x = ANY ('{a,b}')      ─► x IN ('a', 'b')
//! x < ANY (list)         ─► skein_fn.skein_any(list_transform(list, lambda e: x < e))
//! x LIKE ALL (list)      ─► skein_fn.skein_all(…)
//! ```
//!
//! DuckDB would unnest the array in a subquery, and its parser takes comparisons only; for other
//! operators [`super::tokens`] writes the name of a function instead of `ANY` and `ALL`.

use super::array_text::{self, Element};
use super::{RewriteError, node, tokens};
use crate::ast::visit::{Descend, Node, NodeMut, any as any_below, is_aggregate, walk_mut};
use crate::ast::{Comparison, DataType, Expr, ExprKind, Query, QueryBody, Subquery, SubqueryKind};

const FN: &str = skein_executor_api::functions::SCHEMA;

/// The parameter for an element; nobody else has a name like that.
const ELEMENT: &str = "element__";

/// Columns of the catalogue that are lists of numbers.
const NUMBERS: &[&str] = &["indkey", "conkey", "confkey", "indclass", "indcollation"];

/// Makes an array of several dimensions of `array_fill(x, ARRAY[2, 3])`, where the dimensions show.
pub(super) fn fill(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    if call.is_operator
        || call.name != "array_fill"
        || !matches!(call.schema.as_str(), "" | "pg_catalog")
        // Bounds other than 1 could not be shown.
        || call.args.len() != 2
    {
        return;
    }
    let lengths = match &call.args[1].kind {
        ExprKind::Operator { op, children } if op == "ARRAY_CONSTRUCTOR" => children,
        ExprKind::Function(list) if list.name == "list_value" => &list.args,
        _ => return,
    };
    if lengths.len() < 2 {
        return;
    }
    let lengths = lengths.clone();
    let element = call.args.swap_remove(0);
    let filled = lengths.into_iter().rev().fold(element, |inner, length| {
        node::macro_call("skein_filled", vec![inner, length])
    });
    expr.kind = filled.kind;
}

/// Rewrites `x = ANY (array)` and the like. `ALL` arrives as the negation of `ANY`.
///
/// `x = ANY (indkey)` becomes a plain function call, which DuckDB can plan best. That is the same as
/// long as no element is NULL, so it is done with `catalogue` only, for columns that never have one.
pub(super) fn any(expr: &mut Expr, catalogue: bool) -> Result<(), RewriteError> {
    let ExprKind::Subquery(subquery) = &mut expr.kind else {
        return Ok(());
    };
    let Some(comparison) = subquery.comparison else {
        return Ok(());
    };
    let Some(array) = unnested(subquery) else {
        return Ok(());
    };
    if let ExprKind::ColumnRef(names) = &array.kind
        && catalogue
        && comparison == Comparison::Equal
        && names
            .last()
            .is_some_and(|name| NUMBERS.contains(&name.as_str()))
    {
        let array = array.clone();
        if let Some(child) = subquery.child.take() {
            expr.kind = node::call("", "list_contains", vec![array, child]).kind;
        }
        return Ok(());
    }
    if let ExprKind::Constant(_) = &array.kind
        && let Some(text) = node::constant_text(array)
        && array_text::read(text).is_none()
    {
        let (value, position) = (text.to_owned(), array.location);
        return Err(RewriteError::Array { value, position });
    }
    let constant = matches!(array.kind, ExprKind::Constant(_))
        .then(|| node::constant_text(array).and_then(elements))
        .flatten();
    let constants = constant.map(|texts| {
        let texts = texts.iter();
        texts
            .map(|text| text.as_deref().map_or_else(node::null, node::text))
            .collect::<Vec<_>>()
    });
    let listed = match &array.kind {
        ExprKind::Operator { op, children } if op == "ARRAY_CONSTRUCTOR" => Some(children.clone()),
        _ => None,
    };
    let of_list = constants.or(listed.filter(|children| {
        children
            .iter()
            .all(|child| matches!(child.kind, ExprKind::Constant(_) | ExprKind::Cast { .. }))
    }));
    if let Some(list) = of_list {
        let Some(child) = subquery.child.take() else {
            return Ok(());
        };
        expr.kind = compared_with_list(child, comparison, list);
        return Ok(());
    }
    let is_plain = |expr: &Expr| {
        !any_below(Node::Expr(expr), &mut |node| match node {
            Node::Query(_) => true,
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Window(_) => true,
                ExprKind::Function(call) => is_aggregate(&call.name) || call.name == "unnest",
                _ => false,
            },
            Node::Table(_) => false,
        })
    };
    let array = array.clone();
    if !is_plain(&array) || !subquery.child.as_ref().is_some_and(is_plain) {
        return Ok(());
    }
    let Some(child) = subquery.child.take() else {
        return Ok(());
    };
    let test = node::expr(ExprKind::Comparison {
        op: comparison,
        left: Box::new(child),
        right: Box::new(element()),
    });
    expr.kind = over_elements("skein_any", array, test).kind;
    Ok(())
}

/// The array of `ANY (array)`.
fn unnested(subquery: &Subquery) -> Option<&Expr> {
    if subquery.kind != SubqueryKind::Any {
        return None;
    }
    let QueryBody::Select(select) = &subquery.query.body else {
        return None;
    };
    let [item] = select.select_list.as_slice() else {
        return None;
    };
    let ExprKind::Function(call) = &item.kind else {
        return None;
    };
    // The parser's own has no place in the text.
    match call.args.as_slice() {
        [array] if call.name == "unnest" && item.location.is_none() => Some(array),
        _ => None,
    }
}

fn compared_with_list(child: Expr, comparison: Comparison, list: Vec<Expr>) -> ExprKind {
    if list.is_empty() {
        return node::boolean(false).kind;
    }
    if comparison == Comparison::Equal {
        let mut children = vec![child];
        children.extend(list);
        return ExprKind::Operator {
            op: "COMPARE_IN".to_owned(),
            children,
        };
    }
    let tests = list.into_iter().map(|value| {
        node::expr(ExprKind::Comparison {
            op: comparison,
            left: Box::new(child.clone()),
            right: Box::new(value),
        })
    });
    let mut tests: Vec<Expr> = tests.collect();
    if tests.len() == 1 {
        return tests.remove(0).kind;
    }
    ExprKind::Conjunction {
        and: false,
        children: tests,
    }
}

fn element() -> Expr {
    node::expr(ExprKind::ColumnRef(vec![ELEMENT.to_owned()]))
}

/// `name(list_transform(array, lambda element: test))`
fn over_elements(name: &str, array: Expr, test: Expr) -> Expr {
    let lambda = node::expr(ExprKind::Lambda {
        left: Box::new(element()),
        right: Box::new(test),
    });
    let results = node::call("", "list_transform", vec![array, lambda]);
    node::call(FN, name, vec![results])
}

/// The parameter that an expression compares something with all elements of, what it is cast to, and what is
/// compared: what [`any`] has made of `x = ANY ($1::int[])`.
pub fn compared_with_parameter(expr: &Expr) -> Option<(&str, Option<&DataType>, &Expr)> {
    let (compared, op, list) = compared_with_elements(expr)?;
    let (name, ty) = parameter_of(list)?;
    (op == Comparison::Equal).then_some((name, ty, compared))
}

/// What `x op ANY (list)` has become: `x`, the operator and the list.
fn compared_with_elements(expr: &Expr) -> Option<(&Expr, Comparison, &Expr)> {
    let ExprKind::Function(call) = &expr.kind else {
        return None;
    };
    let ([results], true) = (
        call.args.as_slice(),
        call.schema == FN && call.name == "skein_any",
    ) else {
        return None;
    };
    let ExprKind::Function(transform) = &results.kind else {
        return None;
    };
    let ([list, lambda], "list_transform") = (transform.args.as_slice(), &*transform.name) else {
        return None;
    };
    let ExprKind::Lambda { right: test, .. } = &lambda.kind else {
        return None;
    };
    let ExprKind::Comparison { op, left, right } = &test.kind else {
        return None;
    };
    let is_element = |expr: &Expr| expr.kind == element().kind;
    is_element(right).then_some((left, *op, list))
}

/// Writes comparisons with all elements of arrays without lambdas, which cannot name columns of an outer query;
/// whether there were any.
pub fn without_lambdas(query: &mut Query) -> bool {
    let mut changed = false;
    walk_mut(NodeMut::Query(query), &mut |node| {
        if let NodeMut::Expr(expr) = node
            && let Some((compared, op, list)) = compared_with_elements(expr)
        {
            let name = match op {
                Comparison::Equal => "skein_any_equal",
                Comparison::NotEqual => "skein_any_other",
                Comparison::Less => "skein_any_greater",
                Comparison::LessOrEqual => "skein_any_greater_or_equal",
                Comparison::Greater => "skein_any_less",
                Comparison::GreaterOrEqual => "skein_any_less_or_equal",
                Comparison::Distinct | Comparison::NotDistinct => return Descend::Into,
            };
            expr.kind = node::call(FN, name, vec![compared.clone(), list.clone()]).kind;
            changed = true;
        }
        Descend::Into
    });
    changed
}

/// The number of a parameter, and what it is cast to.
fn parameter_of(expr: &Expr) -> Option<(&str, Option<&DataType>)> {
    match &expr.kind {
        ExprKind::Parameter(name) => Some((name, None)),
        ExprKind::Cast { child, ty, .. } => match &child.kind {
            ExprKind::Parameter(name) => Some((name, Some(ty))),
            _ => None,
        },
        _ => None,
    }
}

/// Whether `value` is one of these; that of none is false, also for NULL.
pub fn is_one_of(value: Expr, elements: Vec<Expr>) -> ExprKind {
    if elements.is_empty() {
        return node::boolean(false).kind;
    }
    let mut children = vec![value];
    children.extend(elements);
    ExprKind::Operator {
        op: "COMPARE_IN".to_owned(),
        children,
    }
}

/// Rewrites `x LIKE ANY (array)`, which was parsed as an operator on a function's result.
pub(super) fn quantified(expr: &mut Expr) {
    let ExprKind::Function(call) = &mut expr.kind else {
        return;
    };
    let Some(last) = call.args.get_mut(1) else {
        return;
    };
    let ExprKind::Function(quantifier) = &mut last.kind else {
        return;
    };
    let name = match quantifier.name.as_str() {
        tokens::ANY | tokens::SOME => "skein_any",
        tokens::ALL => "skein_all",
        _ => return,
    };
    let [array] = quantifier.args.as_mut_slice() else {
        return;
    };
    let mut array = std::mem::replace(array, node::null());
    if let ExprKind::Constant(_) = &array.kind
        && let Some(texts) = node::constant_text(&array).and_then(elements)
    {
        let texts = texts.iter().map(|text| node::text_or_null(text.as_deref()));
        array = node::array(texts.collect());
    }
    *last = element();
    let location = expr.location;
    let mut test = node::expr(std::mem::replace(&mut expr.kind, ExprKind::Default));
    test.location = location;
    expr.kind = over_elements(name, array, test).kind;
}

/// Rewrites `x !~ ALL (array)`, which was parsed as the negation of `x ~ ALL (array)` and means that
/// of `x ~ ANY (array)`.
pub(super) fn negated(expr: &mut Expr, text: &str) {
    let location = expr.location;
    let written = location
        .and_then(|at| text.get(at..))
        .is_some_and(|rest| rest.starts_with("!~"));
    if let ExprKind::Operator { op, children } = &mut expr.kind
        && op == "OPERATOR_NOT"
        && written
        && let [child] = children.as_mut_slice()
        && let ExprKind::Function(call) = &mut child.kind
        && let Some(last) = call.args.get_mut(1)
        && let ExprKind::Function(quantifier) = &mut last.kind
    {
        let other = match quantifier.name.as_str() {
            tokens::ANY | tokens::SOME => tokens::ALL,
            tokens::ALL => tokens::ANY,
            _ => return,
        };
        other.clone_into(&mut quantifier.name);
        // The operator itself begins after the exclamation mark.
        child.location = location.map(|at| at + 1);
        quantified(child);
    }
}

/// An array of the type `ty` that a text says, as a list; `None` when the text is no array, which is
/// an error of the client's.
pub(super) fn list(text: &str, ty: &DataType) -> Option<Expr> {
    let value = array_text::read(text)?;
    let mut depth = 0;
    let mut inner = Some(&value);
    while let Some(Element::List(elements)) = inner {
        depth += 1;
        inner = elements.first();
    }
    // `int[]`, `int[][]` and `int[3]` are arrays of any number of dimensions.
    let mut scalar = &ty.0;
    while matches!(scalar["id"].as_str(), Some("LIST" | "ARRAY")) {
        scalar = &scalar["type_info"]["child_type"];
    }
    let ty = (0..depth).fold(DataType(scalar.clone()), |ty, _| node::list_of(&ty));
    Some(node::cast(value.expr(), ty))
}

/// The elements of a one-dimensional array; `None` when the text is something else.
pub(super) fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let Element::List(elements) = array_text::read(text)? else {
        return None;
    };
    let elements = elements.into_iter().map(|element| match element {
        Element::Null => Some(None),
        Element::Text(text) => Some(Some(text)),
        Element::List(_) => None,
    });
    elements.collect()
}

/// Bounds of slices before the first element, which count from the end in DuckDB: `a[:-1]` is `{}`, `a[-1:]` is `a`.
pub(super) fn slice(expr: &mut Expr) {
    let ExprKind::Operator { op, children } = &mut expr.kind else {
        return;
    };
    let [_, bounds @ ..] = children.as_mut_slice() else {
        return;
    };
    if op != "ARRAY_SLICE" {
        return;
    }
    for (bound, least) in bounds.iter_mut().zip([1, 0]) {
        let is_left_out =
            matches!(&bound.kind, ExprKind::Constant(_)) && node::constant_integer(bound).is_none();
        if is_left_out || node::constant_integer(bound).is_some_and(|bound| bound >= least) {
            continue;
        }
        let inner = std::mem::replace(bound, node::null());
        *bound = node::macro_call(
            "skein_at_least",
            vec![inner, node::integer("INTEGER", least)],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::elements;

    fn read(text: &str) -> Option<Vec<Option<String>>> {
        elements(text)
    }

    #[test]
    fn arrays_are_read_as_postgresql_reads_them() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("{}"), Some(vec![]));
        assert_eq!(read("{1, 2}"), Some(vec![some("1"), some("2")]));
        assert_eq!(
            read(r#"{"a,b", c d ,NULL,"NULL","q\"\\"}"#),
            Some(vec![
                some("a,b"),
                some("c d"),
                None,
                some("NULL"),
                some("q\"\\")
            ])
        );
        assert_eq!(read("{{1},{2}}"), None);
        assert_eq!(read("[0:1]={1,2}"), Some(vec![some("1"), some("2")]));
        assert_eq!(read("[1,2]"), None);
        assert_eq!(read("{1,}"), None);
        assert_eq!(read("{\"a"), None);
    }
}
