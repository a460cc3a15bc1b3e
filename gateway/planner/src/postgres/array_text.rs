//! Reads PostgreSQL's text of arrays (`array_in`): braces, commas, quotes, dimensions.

use super::node;
use crate::ast::Expr;

/// PostgreSQL's limit of dimensions.
const DIMENSIONS_MAX: usize = 6;

/// An element, which may be an array itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Null,
    Text(String),
    List(Vec<Element>),
}

impl Element {
    /// `ARRAY['a', NULL]`
    pub(super) fn expr(&self) -> Expr {
        match self {
            Self::Null => node::null(),
            Self::Text(text) => node::text(text),
            Self::List(elements) => node::array(elements.iter().map(Self::expr).collect()),
        }
    }

    /// The lengths of the dimensions, if all sublists agree.
    fn shape(&self) -> Option<Vec<usize>> {
        let Self::List(elements) = self else {
            return Some(Vec::new());
        };
        let mut shapes = elements.iter().map(Self::shape);
        let first = shapes.next().unwrap_or(Some(Vec::new()))?;
        if shapes.any(|shape| shape.as_ref() != Some(&first)) {
            return None;
        }
        Some([vec![elements.len()], first].concat())
    }
}

/// The array that a text says; `None` when it is none.
pub(super) fn read(text: &str) -> Option<Element> {
    let mut rest = text.trim();
    // Lower bounds mean nothing to DuckDB, whose lists begin at 1.
    if rest.starts_with('[') {
        let (bounds, after) = rest.split_once('=')?;
        if !bounds
            .bytes()
            .all(|byte| matches!(byte, b'[' | b']' | b':' | b'-' | b'+' | b'0'..=b'9' | b' '))
        {
            return None;
        }
        rest = after.trim_start();
    }
    let mut reader = Reader { rest, depth: 0 };
    let value = reader.list()?;
    if !reader.rest.trim().is_empty() {
        return None;
    }
    value.shape()?;
    Some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, character: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self) -> Option<Element> {
        self.depth += 1;
        if self.depth > DIMENSIONS_MAX || !self.take('{') {
            return None;
        }
        let mut elements = Vec::new();
        if !self.take('}') {
            loop {
                self.rest = self.rest.trim_start();
                let element = if self.rest.starts_with('{') {
                    self.list()?
                } else {
                    self.element()?
                };
                elements.push(element);
                if self.take('}') {
                    break;
                }
                if !self.take(',') {
                    return None;
                }
            }
        }
        self.depth -= 1;
        Some(Element::List(elements))
    }

    fn element(&mut self) -> Option<Element> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().peekable();
        if self.rest.starts_with('"') {
            characters.next();
            loop {
                match characters.next()? {
                    (at, '"') => {
                        self.rest = &self.rest[at + 1..];
                        return Some(Element::Text(text));
                    }
                    (_, '\\') => text.push(characters.next()?.1),
                    (_, character) => text.push(character),
                }
            }
        }
        let mut escaped = false;
        // Spaces at the end do not count, unless they are escaped.
        let mut kept = 0;
        let end = loop {
            match characters.next()? {
                (at, ',' | '}') => break at,
                (_, '{' | '"') => return None,
                (_, '\\') => {
                    text.push(characters.next()?.1);
                    (escaped, kept) = (true, text.len());
                }
                (_, character) => {
                    text.push(character);
                    if !character.is_whitespace() {
                        kept = text.len();
                    }
                }
            }
        };
        self.rest = &self.rest[end..];
        text.truncate(kept);
        if text.is_empty() {
            return None;
        }
        Some(if !escaped && text.eq_ignore_ascii_case("null") {
            Element::Null
        } else {
            Element::Text(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Element, read};

    #[test]
    fn dimensions_have_to_agree() {
        let text = |text: &str| Element::Text(text.to_owned());
        let list = Element::List;
        assert_eq!(
            read("{{1,2},{3,4}}"),
            Some(list(vec![
                list(vec![text("1"), text("2")]),
                list(vec![text("3"), text("4")])
            ]))
        );
        assert_eq!(read("{{1,2},{3}}"), None);
        assert_eq!(read("{{1},2}"), None);
        assert_eq!(
            read("[2:3]={a,\\ b}"),
            Some(list(vec![text("a"), text(" b")]))
        );
        assert_eq!(read("{1}}"), None);
        assert_eq!(read("{1"), None);
        assert_eq!(read("{,}"), None);
        assert_eq!(read("{{{{{{{1}}}}}}}"), None);
    }
}
