//! Text to statements.
//!
//! PostgreSQL's lexical rules come first, so that DuckDB never reads a text otherwise than the
//! client meant it: statements are divided, comments blanked, unquoted names folded to lower case,
//! and what DuckDB cannot parse is blanked ([`crate::postgres::tokens`]).
//! None of that changes the length of the text, so DuckDB's positions are the client's. DuckDB
//! then parses what may be a query. What it says is none is a utility statement, read from the
//! tokens, or is refused; nothing is ever run that was not recognised.
//!
//! ```text
//! text ─► lexer ─► statement texts ─┬─► first word of a utility statement ─► utility ─► Statement
//!                                   └─► DuckDB's parser ─► Query | dynamic PIVOT | Refused
//! ```

mod copy;
mod dialect;
mod lexer;
mod lock;
mod pivot;
mod recursion;
mod search;
mod strings;
mod ties;
mod utility;
mod words;

use skein_executor_api::FragmentError;

use crate::ast::json::AstError;
use crate::ast::{Expr, Query, json};
use crate::error::PlanError;
use crate::postgres::tokens;

pub use copy::{Copy, CopyOption, CopyPlace, CopySource, CopyValue};
pub use pivot::DynamicPivot;

use lexer::{Token, TokenKind};

/// DuckDB's parser.
pub trait ParseSql {
    /// Parses a text that holds one statement.
    fn parse(&self, sql: &str) -> Result<ParsedSql, FragmentError>;
}

/// What DuckDB's parser says.
#[derive(Clone, Debug)]
pub enum ParsedSql {
    /// Queries only: DuckDB's JSON.
    Select(String),
    /// A statement that is not a query.
    NotSelect,
    /// Not SQL.
    Error(FragmentError),
}

/// A statement and where it stands.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// What it is.
    pub statement: Statement,
    /// Its text after the lexical rules; positions in the statement count in it.
    pub text: String,
    /// Byte offset of that text in the whole.
    pub start: usize,
}

/// Why a text is not understood.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ParseError {
    /// The text itself is at fault. Positions count in the whole text.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// DuckDB's parser says so, or could not be asked. The position counts in the whole text.
    #[error(transparent)]
    Engine(#[from] FragmentError),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// A query.
    Query(Box<Query>),
    /// `PIVOT` without a list of values: needs a query of its own first.
    DynamicPivot(DynamicPivot),
    /// `EXPLAIN`
    Explain {
        /// What to show.
        options: ExplainOptions,
        /// Of what: a query, a dynamic pivot, or `EXECUTE`.
        statement: Box<Statement>,
    },
    /// `SET name = value`
    Set {
        /// `SET LOCAL`
        local: bool,
        /// Lower case, with dots.
        name: String,
        /// `None` is `DEFAULT`.
        value: Option<Vec<String>>,
    },
    /// `SET TRANSACTION …`, `SET SESSION CHARACTERISTICS AS TRANSACTION …`
    SetTransaction {
        /// For the transactions to come rather than this one.
        session: bool,
        /// The modes.
        modes: TransactionModes,
    },
    /// `SHOW name`; `None` is `SHOW ALL`.
    Show(Option<String>),
    /// `RESET name`; `None` is `RESET ALL`.
    Reset(Option<String>),
    /// `BEGIN`, `START TRANSACTION`
    Begin(TransactionModes),
    /// `COMMIT`, `END`
    Commit {
        /// `AND CHAIN`
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`
    Rollback {
        /// `AND CHAIN`
        chain: bool,
    },
    /// `PREPARE TRANSACTION name`: there is nothing that could be prepared.
    PrepareTransaction,
    /// `COMMIT PREPARED name`, `ROLLBACK PREPARED name`
    EndPrepared {
        /// Name of what was prepared.
        name: String,
    },
    /// `SAVEPOINT name`
    Savepoint(String),
    /// `RELEASE [SAVEPOINT] name`
    Release(String),
    /// `ROLLBACK TO [SAVEPOINT] name`
    RollbackTo(String),
    /// `PREPARE name (types) AS statement`
    Prepare {
        /// Name of the statement.
        name: String,
        /// Types of its parameters as written.
        types: Vec<String>,
        /// The statement.
        statement: Box<Statement>,
    },
    /// `EXECUTE name (arguments)`
    Execute {
        /// Name of the statement.
        name: String,
        /// Values of its parameters.
        arguments: Vec<Expr>,
    },
    /// `DEALLOCATE name`; `None` is `ALL`.
    Deallocate(Option<String>),
    /// `DECLARE name CURSOR … FOR query`
    Declare {
        /// Name of the cursor.
        name: String,
        /// `WITH HOLD`
        hold: bool,
        /// `SCROLL`
        scroll: bool,
        /// `BINARY`
        binary: bool,
        /// The query.
        statement: Box<Statement>,
    },
    /// `FETCH … FROM name`, `MOVE … FROM name`
    Fetch {
        /// Name of the cursor.
        name: String,
        /// `MOVE`: rows are passed over.
        only_move: bool,
        /// How far.
        direction: FetchDirection,
    },
    /// `CLOSE name`; `None` is `ALL`.
    Close(Option<String>),
    /// `DISCARD` with its object, in upper case.
    Discard(String),
    /// `LISTEN channel`
    Listen(String),
    /// `NOTIFY channel, 'payload'`
    Notify(String),
    /// `UNLISTEN channel`; `None` is `*`.
    Unlisten(Option<String>),
    /// `COPY`
    Copy(Box<Copy>),
    /// `LOCK TABLE`
    Lock(Vec<LockedRelation>),
    /// A statement that Skein recognises but does not run.
    Refused {
        /// What PostgreSQL calls it, such as `INSERT` or `CREATE TABLE`.
        command: String,
        /// It reaches files, extensions or privileges, rather than only changing data.
        reaches_outside: bool,
    },
}

/// A relation that `LOCK TABLE` names.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedRelation {
    /// As written.
    pub schema: Option<String>,
    /// A query of all that is in it.
    pub query: Statement,
}

/// What EXPLAIN is asked to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExplainOptions {
    /// Run it.
    pub analyze: bool,
    /// `VERBOSE`
    pub verbose: bool,
    /// `COSTS OFF`
    pub without_costs: bool,
    /// `FORMAT`, lower case; `None` is text.
    pub format: Option<String>,
}

/// Modes of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// Lower case, as in `read committed`.
    pub isolation: Option<String>,
    /// `READ ONLY` or `READ WRITE`
    pub read_only: Option<bool>,
    /// `DEFERRABLE` or `NOT DEFERRABLE`
    pub deferrable: Option<bool>,
}

/// How far a cursor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    /// So many rows onward; negative is backward.
    Forward(i64),
    /// All that are left.
    ForwardAll,
    /// All before.
    BackwardAll,
    /// The row at this place, counted from the end when negative.
    Absolute(i64),
    /// The row so far from here.
    Relative(i64),
}

/// Divides and parses a text. Statements before one that is at fault are not returned, as in
/// PostgreSQL, which parses a whole text before it runs anything.
pub fn parse(text: &str, parser: &dyn ParseSql) -> Result<Vec<ParsedStatement>, ParseError> {
    let found = lexer::tokens(text)?;
    let mut statements = Vec::new();
    let mut after = 0;
    for part in found.split(|token| token.is(";")) {
        after += part.len() + 1;
        let (Some(first), Some(last)) = (part.first(), part.last()) else {
            continue;
        };
        let mut own = lexer::translate(text, part, first.start..last.end)?;
        let clauses = search::take(&mut own, part, first.start);
        let disguised = words::disguise(&mut own, part, first.start);
        let own = tokens::normalise(&own).into_owned();
        let statement = Source {
            whole: text,
            text: &own,
            tokens: part,
            clauses: &clauses,
            disguised,
            parser,
        }
        .statement(0)
        .map_err(|error| error.moved(first.start).before(found.get(after - 1)))?;
        statements.push(ParsedStatement {
            statement,
            text: own,
            start: first.start,
        });
    }
    Ok(statements)
}

/// Where a parameter stands in a text that has been parsed.
pub fn parameter_position(text: &str, number: &str) -> Option<usize> {
    let tokens = lexer::tokens(text).ok()?;
    let parameter = tokens.iter().find(|token| {
        token.kind == TokenKind::Parameter && text[token.start + 1..token.end] == *number
    });
    parameter.map(|token| token.start)
}

impl ParseError {
    /// A statement that breaks off does so at the semicolon behind it, if there is one.
    fn before(mut self, semicolon: Option<&Token>) -> Self {
        const AT_END: &str = "syntax error at end of input";
        let Some(semicolon) = semicolon else {
            return self;
        };
        match &mut self {
            Self::Plan(PlanError::Syntax { near, position }) if near.is_empty() => {
                near.push(';');
                *position = semicolon.start;
            }
            Self::Engine(error) if error.message == AT_END => {
                "syntax error at or near \";\"".clone_into(&mut error.message);
                error.position = Some(semicolon.start);
            }
            _ => {}
        }
        self
    }

    /// Counts positions from the beginning of the whole text.
    fn moved(mut self, by: usize) -> Self {
        match &mut self {
            Self::Plan(
                PlanError::Ast(AstError::Syntax {
                    position: Some(position),
                    ..
                })
                | PlanError::Syntax { position, .. }
                | PlanError::Unsupported {
                    position: Some(position),
                    ..
                }
                | PlanError::Recursion {
                    position: Some(position),
                    ..
                },
            )
            | Self::Engine(FragmentError {
                position: Some(position),
                ..
            }) => *position += by,
            _ => {}
        }
        self
    }
}

/// One statement while it is read.
struct Source<'a> {
    whole: &'a str,
    /// The statement's text after the lexical rules.
    text: &'a str,
    /// Its tokens; they count in the whole text.
    tokens: &'a [Token],
    /// What stood behind items of WITH.
    clauses: &'a [search::Clause],
    /// Names that are keywords for DuckDB stand in it by other names.
    disguised: bool,
    parser: &'a dyn ParseSql,
}

impl Source<'_> {
    /// The statement that starts at token `at`.
    fn statement(&self, at: usize) -> Result<Statement, ParseError> {
        match utility::read(self, at)? {
            Some(statement) => Ok(statement),
            None => self.query(at..self.tokens.len()),
        }
    }

    /// Asks DuckDB about some tokens. Everything before them is blank, so positions hold.
    fn query(&self, tokens: std::ops::Range<usize>) -> Result<Statement, ParseError> {
        let sql = self.blanked(tokens.clone(), "");
        let queries = match self.ask(&sql) {
            Err(_) if utility::writes_within(self, tokens.start) => None,
            answer => answer?,
        };
        match queries {
            Some(mut queries) if queries.len() == 1 => {
                Ok(Statement::Query(Box::new(queries.remove(0))))
            }
            Some(_) => Err(self.syntax(tokens.start).into()),
            None => match pivot::read(self, tokens.clone()) {
                Some(pivot) => Ok(Statement::DynamicPivot(pivot)),
                None => Ok(utility::refused(self, tokens.start)),
            },
        }
    }

    /// The text of some tokens, with `prefix` right before them and blanks before that.
    fn blanked(&self, tokens: std::ops::Range<usize>, prefix: &str) -> String {
        let (Some(first), Some(last)) = (
            self.tokens.get(tokens.start),
            self.tokens.get(tokens.end.wrapping_sub(1)),
        ) else {
            return prefix.to_owned();
        };
        let base = self.base();
        let start = first.start - base;
        let blank = start.saturating_sub(prefix.len());
        format!(
            "{:blank$}{prefix}{}",
            "",
            &self.text[start..last.end - base]
        )
    }

    fn base(&self) -> usize {
        self.tokens.first().map_or(0, |token| token.start)
    }

    /// DuckDB's tree of a text; `None` if it is not a query.
    fn ask(&self, sql: &str) -> Result<Option<Vec<Query>>, ParseError> {
        let json = match self.parser.parse(sql)? {
            ParsedSql::Select(json) => json,
            ParsedSql::NotSelect => return Ok(None),
            ParsedSql::Error(error) => {
                if let Some(error) = recursion::refused(&error, self) {
                    return Err(error.into());
                }
                return Err(self.as_written(error).into());
            }
        };
        let mut queries = match json::read(&json) {
            Ok(queries) => queries,
            Err(AstError::NotSelect) => return Ok(None),
            Err(error) => return Err(PlanError::Ast(error).into()),
        };
        for query in &mut queries {
            if self.disguised {
                words::restore(query);
            }
            dialect::apply(query, sql);
            recursion::arrange(query, self)?;
            search::apply(query, self)?;
            ties::apply(query, sql)?;
        }
        Ok(Some(queries))
    }

    /// DuckDB quotes the folded text; the client shall see its own.
    fn as_written(&self, mut error: FragmentError) -> FragmentError {
        if let Some(position) = error.position
            && let Some((before, rest)) = error.message.split_once("at or near \"")
            && let Some(near) = rest.strip_suffix('"')
            && let Some(own) = self
                .whole
                .get(self.base() + position..)
                .and_then(|own| own.get(..near.len()))
            && (own.eq_ignore_ascii_case(near) || self.disguised && near.contains('$'))
        {
            error.message = format!("{before}at or near \"{own}\"");
        }
        error
    }

    /// A syntax error at a token.
    fn syntax(&self, at: usize) -> PlanError {
        match self.tokens.get(at) {
            Some(token) => PlanError::Syntax {
                near: self.whole[token.start..token.end].to_owned(),
                position: token.start - self.base(),
            },
            None => PlanError::Syntax {
                near: String::new(),
                position: self.text.len(),
            },
        }
    }

    /// Where a token begins in the statement.
    fn offset(&self, at: usize) -> usize {
        self.tokens
            .get(at)
            .map_or(self.text.len(), |token| token.start - self.base())
    }

    /// The lower-case word at a token, if it is one.
    fn word(&self, at: usize) -> Option<&str> {
        let token = self.tokens.get(at)?;
        if token.kind == TokenKind::Word {
            Some(self.own(at))
        } else {
            None
        }
    }

    /// The text of a token after the lexical rules.
    fn own(&self, at: usize) -> &str {
        let (token, base) = (&self.tokens[at], self.base());
        &self.text[token.start - base..token.end - base]
    }

    /// Where a token begins in the text after the lexical rules.
    fn start_of(&self, at: usize) -> Option<usize> {
        Some(self.tokens.get(at)?.start - self.base())
    }

    /// Whether the tokens from `at` on are these words.
    fn words(&self, at: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(index, word)| self.word(at + index) == Some(word))
    }

    fn symbol(&self, at: usize, symbol: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(symbol))
    }
}

#[cfg(test)]
mod tests;
