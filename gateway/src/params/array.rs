//! Array parameters: `{1,NULL,"a b"}` and their binary form (`array_in`, `array_recv`).

use skein_catalog::types::PgType;

use super::binary::{self, Reader};
use super::text::{self, trim};
use super::{ParameterError, Value};
use crate::encode::DateOrder;

/// PostgreSQL's limit of dimensions.
const DIMENSIONS_MAX: usize = 6;

pub(super) fn text(
    element: &PgType,
    literal: &str,
    order: DateOrder,
) -> Result<Value, ParameterError> {
    let malformed = || ParameterError::MalformedArray(literal.to_owned());
    let mut rest = trim(literal);
    // Lower bounds (`[0:2]={1,2,3}`) mean nothing to DuckDB, whose lists begin at 1.
    if rest.starts_with('[') {
        let (bounds, after) = rest.split_once('=').ok_or_else(malformed)?;
        if !bounds
            .bytes()
            .all(|byte| matches!(byte, b'[' | b']' | b':' | b'-' | b'+' | b'0'..=b'9' | b' '))
        {
            return Err(malformed());
        }
        rest = trim(after);
    }
    let mut parser = Parser {
        element,
        order,
        rest,
        depth: 0,
    };
    let value = parser.list()?.ok_or_else(malformed)?;
    if !trim(parser.rest).is_empty() {
        return Err(malformed());
    }
    shape(&value).ok_or_else(malformed)?;
    Ok(value)
}

/// The lengths of the dimensions, if all sublists agree.
fn shape(value: &Value) -> Option<Vec<usize>> {
    let Value::List(values) = value else {
        return Some(vec![]);
    };
    let mut shapes = values.iter().map(shape);
    let first = shapes.next().unwrap_or(Some(vec![]))?;
    if shapes.any(|shape| shape.as_ref() != Some(&first)) {
        return None;
    }
    Some([vec![values.len()], first].concat())
}

struct Parser<'a> {
    element: &'a PgType,
    order: DateOrder,
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip(&mut self, c: char) -> bool {
        self.rest = trim_start(self.rest);
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A list in braces. `None` when the literal is malformed.
    fn list(&mut self) -> Result<Option<Value>, ParameterError> {
        self.depth += 1;
        if self.depth > DIMENSIONS_MAX || !self.skip('{') {
            return Ok(None);
        }
        let mut values = Vec::new();
        if self.skip('}') {
            self.depth -= 1;
            return Ok(Some(Value::List(values)));
        }
        loop {
            self.rest = trim_start(self.rest);
            let value = match self.rest.chars().next() {
                Some('{') => self.list()?,
                Some('"') => self.quoted()?,
                _ => self.plain()?,
            };
            let value = value.filter(|value| *value != Value::List(vec![]));
            let Some(value) = value else { return Ok(None) };
            values.push(value);
            if self.skip('}') {
                self.depth -= 1;
                return Ok(Some(Value::List(values)));
            }
            if !self.skip(',') {
                return Ok(None);
            }
        }
    }

    fn quoted(&mut self) -> Result<Option<Value>, ParameterError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((index, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[index + 1..];
                    return text::value(self.element, &text, self.order).map(Some);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => return Ok(None),
                },
                c => text.push(c),
            }
        }
        Ok(None)
    }

    fn plain(&mut self) -> Result<Option<Value>, ParameterError> {
        let mut text = String::new();
        // Where the text ends without the spaces behind it, unless they are escaped.
        let mut end = 0;
        let mut chars = self.rest.char_indices();
        let stop = loop {
            match chars.next() {
                Some((index, ',' | '}')) => break index,
                Some((_, '"' | '{')) | None => return Ok(None),
                Some((_, '\\')) => match chars.next() {
                    Some((_, escaped)) => {
                        text.push(escaped);
                        end = text.len();
                    }
                    None => return Ok(None),
                },
                Some((_, c)) => {
                    text.push(c);
                    if !c.is_ascii_whitespace() {
                        end = text.len();
                    }
                }
            }
        };
        let was_escaped = self.rest[..stop].contains('\\');
        self.rest = &self.rest[stop..];
        text.truncate(end);
        if text.is_empty() {
            return Ok(None);
        }
        if text.eq_ignore_ascii_case("null") && !was_escaped {
            return Ok(Some(Value::Null));
        }
        text::value(self.element, &text, self.order).map(Some)
    }
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

pub(super) fn binary(
    element: &PgType,
    bytes: &[u8],
    number: usize,
) -> Result<Value, ParameterError> {
    let incorrect = ParameterError::IncorrectBinary(number);
    let mut reader = Reader { bytes };
    let dimensions = usize::try_from(reader.i32()?)
        .ok()
        .filter(|&count| count <= DIMENSIONS_MAX);
    let dimensions = dimensions.ok_or(incorrect.clone())?;
    let _has_nulls = reader.i32()?;
    if reader.u32()? != element.oid {
        return Err(incorrect);
    }
    let mut lengths = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        lengths.push(usize::try_from(reader.i32()?).map_err(|_| incorrect.clone())?);
        let _lower_bound = reader.i32()?;
    }
    // Every element takes four bytes at least: lengths beyond them are not believed.
    let count = lengths
        .iter()
        .try_fold(1_usize, |count, length| count.checked_mul(*length));
    if !lengths.is_empty() && count.is_none_or(|count| count > reader.bytes.len() / 4) {
        return Err(ParameterError::InsufficientData);
    }
    let value = if lengths.is_empty() || count == Some(0) {
        Value::List(vec![])
    } else {
        list(element, &mut reader, &lengths, number)?
    };
    if reader.bytes.is_empty() {
        Ok(value)
    } else {
        Err(incorrect)
    }
}

fn list(
    element: &PgType,
    reader: &mut Reader<'_>,
    lengths: &[usize],
    number: usize,
) -> Result<Value, ParameterError> {
    let Some((&length, inner)) = lengths.split_first() else {
        let length = reader.i32()?;
        if length == -1 {
            return Ok(Value::Null);
        }
        let length =
            usize::try_from(length).map_err(|_| ParameterError::IncorrectBinary(number))?;
        return binary::value(element, reader.take(length)?, number);
    };
    let values = (0..length).map(|_| list(element, reader, inner, number));
    values.collect::<Result<_, _>>().map(Value::List)
}
