//! `COPY`, from its tokens.
//!
//! Follows the rule `CopyStmt` of PostgreSQL's grammar, with its older spellings of options. Which
//! options there are and what they may hold is not the grammar's business.

use std::ops::Range;

use super::lexer::TokenKind;
use super::utility::{Cursor, refused};
use super::{ParseError, Source, Statement};
use crate::error::PlanError;

/// A `COPY` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// What is copied.
    pub source: CopySource,
    /// `TO` rather than `FROM`.
    pub to: bool,
    /// Where the other end is.
    pub place: CopyPlace,
    /// As written, in order.
    pub options: Vec<CopyOption>,
}

/// What `COPY` names.
#[derive(Clone, Debug, PartialEq)]
pub enum CopySource {
    /// `COPY (query)`
    Query(Box<Statement>),
    /// `COPY relation (columns)`
    Relation {
        /// Its schema, if one is written.
        schema: Option<String>,
        /// Without its schema.
        name: String,
        /// `SELECT * FROM relation`
        all: Box<Statement>,
        /// The columns named, which may be none.
        columns: Vec<String>,
        /// `SELECT columns FROM relation`
        named: Box<Statement>,
    },
}

/// The other end of `COPY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPlace {
    /// `STDIN`, `STDOUT`
    Client,
    /// `'file'`
    File,
    /// `PROGRAM 'command'`
    Program,
}

/// An option of `COPY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOption {
    /// As PostgreSQL's newer syntax calls it, lower case.
    pub name: String,
    /// `None` where nothing was written.
    pub value: Option<CopyValue>,
    /// Byte offset of its name in the statement.
    pub position: usize,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyValue {
    /// A word, a text or a number, without quotes.
    Text(String),
    /// `*`
    Star,
    /// `(a, b)`
    List(Vec<String>),
}

/// Reads a `COPY` at token `at`.
pub(super) fn read(source: &Source<'_>, at: usize) -> Result<Statement, ParseError> {
    let mut cursor = Cursor { source, at: at + 1 };
    let mut options = Vec::new();
    let query = source.symbol(cursor.at, "(");
    let copied = if query {
        let inner = parentheses(&mut cursor)?;
        let statement = source.query(inner)?;
        CopySource::Query(Box::new(statement))
    } else {
        if source.word(cursor.at) == Some("binary") && !ends_name(source, cursor.at + 1) {
            options.push(option(&cursor, "format", Some("binary")));
            cursor.at += 1;
        }
        relation(&mut cursor)?
    };
    let to = cursor.take("to");
    if !to && (query || !cursor.take("from")) {
        return Err(cursor.here().into());
    }
    let place = place(&mut cursor)?;
    if !query && source.words(cursor.at, &["using", "delimiters"]) {
        let mut value = option(&cursor, "delimiter", None);
        cursor.at += 2;
        value.value = Some(CopyValue::Text(cursor.text()?));
        options.push(value);
    } else if !query && cursor.word() == Some("delimiters") {
        let mut value = option(&cursor, "delimiter", None);
        cursor.at += 1;
        value.value = Some(CopyValue::Text(cursor.text()?));
        options.push(value);
    }
    cursor.skip(&["with"]);
    if cursor.symbol("(") {
        generic_options(&mut cursor, &mut options)?;
    } else {
        while let Some(option) = old_option(&mut cursor)? {
            options.push(option);
        }
    }
    if !query && cursor.word() == Some("where") {
        if to {
            return Err(PlanError::Lexical {
                message: "WHERE clause not allowed with COPY TO".to_owned(),
                position: source.offset(cursor.at),
            }
            .into());
        }
        // Nothing is copied in, so that nothing is chosen.
        cursor.at = source.tokens.len();
    }
    cursor.end()?;
    Ok(Statement::Copy(Box::new(Copy {
        source: copied,
        to,
        place,
        options,
    })))
}

/// Whether a relation's name is over at a token.
fn ends_name(source: &Source<'_>, at: usize) -> bool {
    matches!(source.word(at), Some("to" | "from")) || source.symbol(at, "(")
}

/// Goes behind a pair of parentheses and gives what is in it.
fn parentheses(cursor: &mut Cursor<'_>) -> Result<Range<usize>, PlanError> {
    let start = cursor.at + 1;
    let mut depth = 0_usize;
    loop {
        if cursor.is_end() {
            return Err(cursor.here());
        }
        if cursor.symbol("(") {
            depth += 1;
        } else if cursor.symbol(")") {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else {
            cursor.at += 1;
        }
    }
    let inner = start..cursor.at - 1;
    if inner.is_empty() {
        cursor.at -= 1;
        return Err(cursor.here());
    }
    Ok(inner)
}

/// `a.b (c, d)`
fn relation(cursor: &mut Cursor<'_>) -> Result<CopySource, ParseError> {
    let source = cursor.source;
    let start = cursor.at;
    let (schema, name) = name_in_schema(cursor)?;
    let named = start..cursor.at;
    let (mut columns, mut list) = (Vec::new(), String::from("*"));
    if source.symbol(cursor.at, "(") {
        let inner = cursor.at + 1;
        columns = names(cursor)?;
        let written = source.blanked(inner..cursor.at - 1, "");
        written.trim().clone_into(&mut list);
    }
    let select = |list: &str| select_from(source, named.clone(), list).map(Box::new);
    Ok(CopySource::Relation {
        schema,
        name,
        all: select("*")?,
        columns,
        named: select(&list)?,
    })
}

/// `schema.name`
pub(super) fn name_in_schema(
    cursor: &mut Cursor<'_>,
) -> Result<(Option<String>, String), PlanError> {
    let (mut schema, mut name) = (None, cursor.name()?);
    while cursor.symbol(".") {
        schema = Some(std::mem::replace(&mut name, cursor.name()?));
    }
    Ok((schema, name))
}

/// `SELECT list FROM` the relation that the tokens of `named` call by its name.
pub(super) fn select_from(
    source: &Source<'_>,
    named: Range<usize>,
    list: &str,
) -> Result<Statement, ParseError> {
    let start = named.start;
    let sql = source.blanked(named, &format!("select {list} from "));
    Ok(match source.ask(&sql)? {
        Some(mut queries) if queries.len() == 1 => Statement::Query(Box::new(queries.remove(0))),
        Some(_) => return Err(source.syntax(start).into()),
        None => refused(source, start),
    })
}

/// `(a, b)`
fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, PlanError> {
    if !cursor.symbol("(") {
        return Err(cursor.here());
    }
    let mut names = Vec::new();
    loop {
        names.push(cursor.name()?);
        if cursor.symbol(")") {
            return Ok(names);
        }
        if !cursor.symbol(",") {
            return Err(cursor.here());
        }
    }
}

fn place(cursor: &mut Cursor<'_>) -> Result<CopyPlace, PlanError> {
    let program = cursor.take("program");
    // Either word, as in PostgreSQL: the direction has been told.
    let client = matches!(cursor.word(), Some("stdin" | "stdout"));
    if client && program {
        return Err(PlanError::Rule {
            message: "STDIN/STDOUT not allowed with PROGRAM".to_owned(),
        });
    }
    if client {
        cursor.at += 1;
        return Ok(CopyPlace::Client);
    }
    cursor.text()?;
    Ok(if program {
        CopyPlace::Program
    } else {
        CopyPlace::File
    })
}

fn option(cursor: &Cursor<'_>, name: &str, value: Option<&str>) -> CopyOption {
    CopyOption {
        name: name.to_owned(),
        value: value.map(|value| CopyValue::Text(value.to_owned())),
        position: cursor.source.offset(cursor.at),
    }
}

/// `FORMAT csv, HEADER, FORCE_QUOTE (a, b)` up to the closing parenthesis.
fn generic_options(
    cursor: &mut Cursor<'_>,
    options: &mut Vec<CopyOption>,
) -> Result<(), PlanError> {
    loop {
        let mut next = option(cursor, "", None);
        next.name = cursor.name()?;
        let source = cursor.source;
        let negative = cursor.symbol("-");
        if !negative {
            cursor.symbol("+");
        }
        let token = source.tokens.get(cursor.at).ok_or_else(|| cursor.here())?;
        match token.kind {
            _ if source.symbol(cursor.at, ",") || source.symbol(cursor.at, ")") => {}
            _ if source.symbol(cursor.at, "*") => {
                cursor.at += 1;
                next.value = Some(CopyValue::Star);
            }
            _ if source.symbol(cursor.at, "(") => {
                next.value = Some(CopyValue::List(list(cursor)?));
            }
            TokenKind::Number => {
                let sign = if negative { "-" } else { "" };
                next.value = Some(CopyValue::Text(format!("{sign}{}", source.own(cursor.at))));
                cursor.at += 1;
            }
            TokenKind::Text | TokenKind::UnicodeText => {
                next.value = Some(CopyValue::Text(cursor.text()?));
            }
            _ => next.value = Some(CopyValue::Text(cursor.name()?)),
        }
        options.push(next);
        if cursor.symbol(")") {
            return Ok(());
        }
        if !cursor.symbol(",") {
            return Err(cursor.here());
        }
    }
}

/// Words or texts in parentheses.
fn list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, PlanError> {
    cursor.at += 1;
    let mut items = Vec::new();
    loop {
        items.push(match cursor.text() {
            Ok(text) => text,
            Err(_) => cursor.name()?,
        });
        if cursor.symbol(")") {
            return Ok(items);
        }
        if !cursor.symbol(",") {
            return Err(cursor.here());
        }
    }
}

/// One of the options as they were written before PostgreSQL 9.0.
fn old_option(cursor: &mut Cursor<'_>) -> Result<Option<CopyOption>, PlanError> {
    let Some(word) = cursor.word() else {
        return Ok(None);
    };
    let mut found = match word {
        "binary" | "csv" => option(cursor, "format", Some(word)),
        "freeze" | "header" => option(cursor, word, Some("true")),
        "delimiter" | "null" | "quote" | "escape" | "encoding" | "force" => {
            option(cursor, word, None)
        }
        _ => return Ok(None),
    };
    cursor.at += 1;
    match word {
        "delimiter" | "null" | "quote" | "escape" => {
            cursor.skip(&["as"]);
            found.value = Some(CopyValue::Text(cursor.text()?));
        }
        "encoding" => found.value = Some(CopyValue::Text(cursor.text()?)),
        "force" => {
            let name = if cursor.take("quote") {
                "force_quote"
            } else if cursor.take("null") {
                "force_null"
            } else {
                cursor.expect("not")?;
                cursor.expect("null")?;
                "force_not_null"
            };
            name.clone_into(&mut found.name);
            found.value = Some(if name == "force_quote" && cursor.symbol("*") {
                CopyValue::Star
            } else {
                let mut names = vec![cursor.name()?];
                while cursor.symbol(",") {
                    names.push(cursor.name()?);
                }
                CopyValue::List(names)
            });
        }
        _ => {}
    }
    Ok(Some(found))
}
