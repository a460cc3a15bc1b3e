//! PostgreSQL's text of arrays: `{a,"b c",NULL}`.

use super::node;
use crate::ast::{Comparison, Expr, ExprKind, QueryBody, SubqueryKind};

/// Columns of the catalogue that are lists of numbers.
const NUMBERS: &[&str] = &["indkey", "conkey", "confkey", "indclass", "indcollation"];

/// Rewrites `x = ANY ('{a,b}')`, which DuckDB takes for the unnesting of a text, as `x IN (a, b)`,
/// where each element takes the type of `x`. `ALL` arrives as the negation of `ANY`.
///
/// `x = ANY (indkey)` becomes a function call, because DuckDB takes no subquery in the condition of
/// an outer join. That is the same as long as no element is NULL, so it is done with `catalogue`
/// only, for columns that never have one.
pub(super) fn any(expr: &mut Expr, catalogue: bool) {
    let ExprKind::Subquery(subquery) = &mut expr.kind else {
        return;
    };
    if subquery.kind != SubqueryKind::Any || subquery.comparison != Some(Comparison::Equal) {
        return;
    }
    let QueryBody::Select(select) = &subquery.query.body else {
        return;
    };
    let [
        Expr {
            kind: ExprKind::Function(call),
            ..
        },
    ] = select.select_list.as_slice()
    else {
        return;
    };
    let ("unnest", [argument]) = (call.name.as_str(), call.args.as_slice()) else {
        return;
    };
    if let ExprKind::ColumnRef(names) = &argument.kind
        && catalogue
        && names
            .last()
            .is_some_and(|name| NUMBERS.contains(&name.as_str()))
        && let Some(child) = subquery.child.take()
    {
        expr.kind = node::call("", "list_contains", vec![argument.clone(), child]).kind;
        return;
    }
    let ExprKind::Constant(_) = &argument.kind else {
        return;
    };
    let Some(elements) = node::constant_text(argument).and_then(elements) else {
        return;
    };
    let Some(child) = subquery.child.take() else {
        return;
    };
    expr.kind = if elements.is_empty() {
        node::boolean(false).kind
    } else {
        let mut children = vec![child];
        for element in &elements {
            children.push(element.as_deref().map_or_else(node::null, node::text));
        }
        ExprKind::Operator {
            op: "COMPARE_IN".to_owned(),
            children,
        }
    };
}

/// The elements of a one-dimensional array; `None` when the text is something else.
pub(super) fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut found = Vec::new();
    if inner.trim().is_empty() {
        return Some(found);
    }
    let mut characters = inner.chars().peekable();
    loop {
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        let (mut element, mut quoted) = (String::new(), false);
        loop {
            match characters.peek().copied() {
                None | Some(',') => break,
                Some('"') if element.is_empty() && !quoted => {
                    characters.next();
                    quoted = true;
                    loop {
                        match characters.next()? {
                            '"' => break,
                            '\\' => element.push(characters.next()?),
                            character => element.push(character),
                        }
                    }
                }
                Some('\\') => {
                    characters.next();
                    element.push(characters.next()?);
                }
                Some('{' | '}' | '"') => return None,
                Some(character) => {
                    characters.next();
                    if !quoted {
                        element.push(character);
                    } else if !character.is_whitespace() {
                        return None;
                    }
                }
            }
        }
        if !quoted {
            element.truncate(element.trim_end().len());
            if element.is_empty() {
                return None;
            }
        }
        let null = !quoted && element.eq_ignore_ascii_case("null");
        found.push((!null).then_some(element));
        if characters.next().is_none() {
            return Some(found);
        }
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
        assert_eq!(read("[1,2]"), None);
        assert_eq!(read("{1,}"), None);
        assert_eq!(read("{\"a"), None);
    }
}
