//! Utility statements, from their tokens.
//!
//! Read here rather than by a general SQL parser because there are few, their grammar is small,
//! and errors need PostgreSQL's positions.

use super::lexer::{TokenKind, unquoted};
use super::{ExplainOptions, FetchDirection, ParseError, Source, Statement, TransactionModes};
use crate::ast::{Expr, QueryBody};
use crate::error::PlanError;
use crate::postgres::tokens::fields_of_interval;

/// What `SHOW` lists in DuckDB rather than being a setting.
const LISTS: &[&str] = &["tables", "databases", "schemas", "variables"];

/// Commands that reach files, extensions, privileges or other parts of the server.
const OUTSIDE: &[&str] = &[
    "alter",
    "attach",
    "call",
    "checkpoint",
    "detach",
    "do",
    "drop",
    "export",
    "force",
    "grant",
    "import",
    "install",
    "load",
    "pragma",
    "reassign",
    "revoke",
    "security",
    "use",
];

/// Commands whose name has the kind of object in it.
const WITH_OBJECT: &[&str] = &["alter", "create", "drop", "refresh", "reindex"];

/// What stands between `CREATE` and the kind of object.
const FILLERS: &[&str] = &[
    "or",
    "replace",
    "temp",
    "temporary",
    "unlogged",
    "global",
    "local",
    "unique",
    "recursive",
    "constraint",
    "trusted",
    "procedural",
];

/// Kinds of objects that PostgreSQL creates, alters and drops. DuckDB's grammar has some of them, and
/// those not whole.
const OBJECTS: &[&str] = &[
    "access",
    "aggregate",
    "cast",
    "collation",
    "conversion",
    "database",
    "default",
    "domain",
    "event",
    "extension",
    "foreign",
    "function",
    "group",
    "index",
    "language",
    "large",
    "materialized",
    "operator",
    "owned",
    "policy",
    "procedure",
    "publication",
    "role",
    "routine",
    "rule",
    "schema",
    "sequence",
    "server",
    "statistics",
    "subscription",
    "system",
    "table",
    "tablespace",
    "text",
    "transform",
    "trigger",
    "type",
    "user",
    "view",
];

/// Kinds of objects that are called by two words.
const TWO_WORDS: &[(&str, &str)] = &[
    ("access", "method"),
    ("default", "privileges"),
    ("event", "trigger"),
    ("foreign", "table"),
    ("large", "object"),
    ("materialized", "view"),
    ("user", "mapping"),
];

/// Commands of PostgreSQL that DuckDB's grammar lacks, or takes for something else.
const ELSEWHERE: &[&str] = &[
    "call", "cluster", "comment", "do", "grant", "import", "load", "reassign", "refresh",
    "reindex", "revoke", "security", "truncate", "vacuum",
];

/// Reads a utility statement that starts at token `at`; `None` if it may be a query.
pub(super) fn read(source: &Source<'_>, at: usize) -> Result<Option<Statement>, ParseError> {
    let Some(word) = source.word(at) else {
        return Ok(None);
    };
    let mut cursor = Cursor { source, at: at + 1 };
    let statement = match word {
        "explain" => return explain(cursor).map(Some),
        "prepare"
            if source.word(at + 1) == Some("transaction") && source.tokens.len() == at + 3 =>
        {
            cursor.at += 1;
            cursor.text().map(|_| Statement::PrepareTransaction)
        }
        "prepare" => return prepare(cursor).map(Some),
        "execute" => return execute(cursor).map(Some),
        "declare" => return declare(cursor).map(Some),
        "copy" => return super::copy::read(source, at).map(Some),
        "lock" => return super::lock::read(cursor).map(Some),
        "show" if source.words(at, &["show", "all", "tables"]) => return Ok(None),
        "show"
            if source
                .word(at + 1)
                .is_some_and(|name| LISTS.contains(&name)) =>
        {
            return Ok(None);
        }
        "show" => cursor.name_or_all("all").map(Statement::Show),
        "set" => set(&mut cursor),
        "reset" => cursor.name_or_all("all").map(Statement::Reset),
        "begin" => {
            cursor.skip(&["work", "transaction"]);
            cursor.modes().map(Statement::Begin)
        }
        "start" => {
            cursor.expect("transaction")?;
            cursor.modes().map(Statement::Begin)
        }
        "commit" | "rollback" if source.word(at + 1) == Some("prepared") => {
            cursor.at += 1;
            cursor.text().map(|name| Statement::EndPrepared { name })
        }
        "commit" | "end" => cursor.chain().map(|chain| Statement::Commit { chain }),
        "abort" => cursor.chain().map(|chain| Statement::Rollback { chain }),
        "rollback" => rollback(&mut cursor),
        "savepoint" => cursor.name().map(Statement::Savepoint),
        "release" => {
            cursor.skip(&["savepoint"]);
            cursor.name().map(Statement::Release)
        }
        "deallocate" => {
            cursor.skip(&["prepare"]);
            cursor.name_or_all("all").map(Statement::Deallocate)
        }
        "fetch" => fetch(&mut cursor, false),
        "move" => fetch(&mut cursor, true),
        "close" => cursor.name_or_all("all").map(Statement::Close),
        "discard" => match cursor.next_word().map(str::to_ascii_uppercase).as_deref() {
            Some("TEMPORARY") => Ok(Statement::Discard("TEMP".to_owned())),
            Some(object @ ("ALL" | "PLANS" | "SEQUENCES" | "TEMP")) => {
                Ok(Statement::Discard(object.to_owned()))
            }
            _ => Err(cursor.before()),
        },
        "listen" => cursor.name().map(Statement::Listen),
        "notify" => {
            let channel = cursor.name()?;
            if cursor.symbol(",") {
                cursor.text()?;
            }
            Ok(Statement::Notify(channel))
        }
        "unlisten" if source.symbol(at + 1, "*") => {
            cursor.at += 1;
            Ok(Statement::Unlisten(None))
        }
        "unlisten" => cursor.name().map(|name| Statement::Unlisten(Some(name))),
        _ if changes_something(source, at) => return Ok(Some(refused(source, at))),
        _ => return Ok(None),
    }?;
    cursor.end()?;
    Ok(Some(statement))
}

/// Whether this is a statement of PostgreSQL's that changes something other than rows. Its name is
/// enough: whether the rest is well formed makes no difference to a server that only reads.
fn changes_something(source: &Source<'_>, at: usize) -> bool {
    match source.word(at) {
        Some("alter" | "create" | "drop") => {
            object(source, at).is_some_and(|word| OBJECTS.contains(&word))
        }
        Some(word) => ELSEWHERE.contains(&word),
        None => false,
    }
}

/// The word that says what `CREATE` and the like act on.
fn object<'a>(source: &'a Source<'_>, at: usize) -> Option<&'a str> {
    (at + 1..)
        .map_while(|at| source.word(at))
        .find(|word| !FILLERS.contains(word))
}

/// Whether a statement that begins at token `at` has a common table expression that writes. DuckDB's
/// grammar has none.
pub(super) fn writes_within(source: &Source<'_>, at: usize) -> bool {
    source.word(at) == Some("with")
        && (at..source.tokens.len()).any(|at| {
            let before = source.symbol(at, "(") || source.symbol(at, ")");
            before
                && matches!(
                    source.word(at + 1),
                    Some("insert" | "update" | "delete" | "merge")
                )
        })
}

/// A statement that DuckDB parses but that is no query.
pub(super) fn refused(source: &Source<'_>, at: usize) -> Statement {
    let mut at = at;
    // WITH … INSERT is an INSERT.
    if source.word(at) == Some("with") {
        let data = (at..source.tokens.len()).find(|at| {
            matches!(
                source.word(*at),
                Some("insert" | "update" | "delete" | "merge")
            )
        });
        at = data.unwrap_or(at);
    }
    let first = source.word(at).unwrap_or("this statement");
    let mut command = first.to_ascii_uppercase();
    let named = Some(first).filter(|first| WITH_OBJECT.contains(first));
    if let Some(object) = named.and_then(|_| object(source, at)) {
        let mut add = |word: &str| {
            command.push(' ');
            command.push_str(&word.to_ascii_uppercase());
        };
        add(object);
        let two = TWO_WORDS.iter().find(|(first, _)| *first == object);
        let follows = |second: &str| {
            let mut words = (at + 1..).map_while(|at| source.word(at));
            words.any(|word| word == second)
        };
        if let Some((_, second)) = two.filter(|(_, second)| follows(second)) {
            add(second);
        }
    }
    let reaches_outside = OUTSIDE.contains(&first);
    Statement::Refused {
        command,
        reaches_outside,
    }
}

/// Goes from token to token.
pub(super) struct Cursor<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn word(&self) -> Option<&'a str> {
        self.source.word(self.at)
    }

    fn next_word(&mut self) -> Option<&'a str> {
        let word = self.word();
        self.at += 1;
        word
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let is = self.source.symbol(self.at, symbol);
        self.at += usize::from(is);
        is
    }

    pub(super) fn take(&mut self, word: &str) -> bool {
        let is = self.word() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// Passes over one of `words`, if it is there.
    pub(super) fn skip(&mut self, words: &[&str]) {
        if self.word().is_some_and(|word| words.contains(&word)) {
            self.at += 1;
        }
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), PlanError> {
        if self.take(word) {
            Ok(())
        } else {
            Err(self.here())
        }
    }

    pub(super) fn here(&self) -> PlanError {
        self.source.syntax(self.at)
    }

    fn before(&self) -> PlanError {
        self.source.syntax(self.at - 1)
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.source.tokens.len()
    }

    pub(super) fn end(&self) -> Result<(), PlanError> {
        if self.is_end() {
            Ok(())
        } else {
            Err(self.here())
        }
    }

    pub(super) fn name(&mut self) -> Result<String, PlanError> {
        let token = self.source.tokens.get(self.at).ok_or_else(|| self.here())?;
        match token.kind {
            TokenKind::Word | TokenKind::Quoted | TokenKind::UnicodeQuoted => {
                self.at += 1;
                Ok(unquoted(self.source.own(self.at - 1)))
            }
            _ => Err(self.here()),
        }
    }

    /// A text in quotes.
    pub(super) fn text(&mut self) -> Result<String, PlanError> {
        match self.source.tokens.get(self.at) {
            Some(token) if matches!(token.kind, TokenKind::Text | TokenKind::UnicodeText) => {
                self.at += 1;
                Ok(unquoted(self.source.own(self.at - 1)))
            }
            _ => Err(self.here()),
        }
    }

    /// `a.b`, and the settings whose names are several words.
    fn setting(&mut self) -> Result<String, PlanError> {
        for (words, name) in [
            (&["time", "zone"][..], "timezone"),
            (
                &["transaction", "isolation", "level"],
                "transaction_isolation",
            ),
            (&["session", "authorization"], "session_authorization"),
        ] {
            if self.source.words(self.at, words) {
                self.at += words.len();
                return Ok(name.to_owned());
            }
        }
        let mut name = self.name()?;
        while self.symbol(".") {
            name.push('.');
            name.push_str(&self.name()?);
        }
        Ok(name.to_ascii_lowercase())
    }

    fn name_or_all(&mut self, all: &str) -> Result<Option<String>, PlanError> {
        if self.take(all) {
            Ok(None)
        } else {
            self.setting_or_name().map(Some)
        }
    }

    /// Names of settings and of statements follow the same rules but for letter case.
    fn setting_or_name(&mut self) -> Result<String, PlanError> {
        match self.source.tokens.get(self.at).map(|token| token.kind) {
            Some(TokenKind::Quoted | TokenKind::UnicodeQuoted) => self.name(),
            _ => self.setting(),
        }
    }

    fn integer(&mut self) -> Option<i64> {
        let negative = self.symbol("-");
        if !negative {
            self.symbol("+");
        }
        let token = self.source.tokens.get(self.at)?;
        if token.kind != TokenKind::Number {
            return None;
        }
        let number: i64 = self.source.own(self.at).parse().ok()?;
        self.at += 1;
        Some(if negative { -number } else { number })
    }

    fn chain(&mut self) -> Result<bool, PlanError> {
        self.skip(&["work", "transaction"]);
        if !self.take("and") {
            return Ok(false);
        }
        let chain = !self.take("no");
        self.expect("chain")?;
        Ok(chain)
    }

    fn modes(&mut self) -> Result<TransactionModes, PlanError> {
        let mut modes = TransactionModes::default();
        while !self.is_end() {
            self.symbol(",");
            match self.next_word() {
                Some("isolation") => {
                    self.expect("level")?;
                    let level = match (self.next_word(), self.word()) {
                        (Some("serializable"), _) => "serializable",
                        (Some("repeatable"), Some("read")) => "repeatable read",
                        (Some("read"), Some("committed")) => "read committed",
                        (Some("read"), Some("uncommitted")) => "read uncommitted",
                        _ => return Err(self.before()),
                    };
                    self.at += usize::from(level.contains(' '));
                    modes.isolation = Some(level.to_owned());
                }
                Some("read") => {
                    modes.read_only = Some(match self.next_word() {
                        Some("only") => true,
                        Some("write") => false,
                        _ => return Err(self.before()),
                    });
                }
                Some("deferrable") => modes.deferrable = Some(true),
                Some("not") => {
                    self.expect("deferrable")?;
                    modes.deferrable = Some(false);
                }
                _ => return Err(self.before()),
            }
        }
        Ok(modes)
    }
}

fn set(cursor: &mut Cursor<'_>) -> Result<Statement, PlanError> {
    if cursor.source.words(
        cursor.at,
        &["session", "characteristics", "as", "transaction"],
    ) {
        cursor.at += 4;
        return cursor.modes().map(|modes| Statement::SetTransaction {
            session: true,
            modes,
        });
    }
    if cursor.take("transaction") {
        return cursor.modes().map(|modes| Statement::SetTransaction {
            session: false,
            modes,
        });
    }
    let local = cursor.take("local");
    let authorization = cursor
        .source
        .words(cursor.at, &["session", "authorization"]);
    if !local && !authorization {
        cursor.skip(&["session"]);
    }
    // Forms without an equals sign.
    let (name, bare) = if cursor.take("names") {
        ("client_encoding".to_owned(), true)
    } else if cursor.take("schema") {
        ("search_path".to_owned(), true)
    } else if cursor.take("role") {
        ("role".to_owned(), true)
    } else {
        let name = cursor.setting()?;
        let bare = matches!(name.as_str(), "timezone" | "session_authorization");
        (name, bare)
    };
    let equals = cursor.symbol("=") || cursor.take("to");
    if !equals && !bare {
        return Err(cursor.here());
    }
    let reset = cursor.take("default") || (name == "timezone" && cursor.take("local"));
    if reset || (bare && !equals && cursor.is_end()) {
        return Ok(Statement::Set {
            local,
            name,
            value: None,
        });
    }
    let mut values = Vec::new();
    loop {
        values.push(value(cursor)?);
        if !cursor.symbol(",") {
            break;
        }
    }
    Ok(Statement::Set {
        local,
        name,
        value: Some(values),
    })
}

/// A word, text or number.
fn value(cursor: &mut Cursor<'_>) -> Result<String, PlanError> {
    // SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
    if cursor.word() == Some("interval") {
        cursor.at += 1;
        let constant = cursor.source.start_of(cursor.at);
        let text = value(cursor)?;
        // The lexical rules have made a remark of the fields.
        let fields = constant.and_then(|at| fields_of_interval(cursor.source.text, at));
        if fields == Some(('h', 'm', None)) {
            cursor.at += ["hour", "to", "minute"].len();
        }
        // An interval counts to the east, as a number does.
        let hours = text.split(':').next().unwrap_or_default();
        let is_whole = text.split(':').skip(1).all(|part| part.parse() == Ok(0));
        return Ok(if is_whole { hours.to_owned() } else { text });
    }
    let sign = if cursor.symbol("-") {
        "-"
    } else {
        cursor.symbol("+");
        ""
    };
    let token = cursor
        .source
        .tokens
        .get(cursor.at)
        .ok_or_else(|| cursor.here())?;
    if matches!(token.kind, TokenKind::Symbol | TokenKind::Parameter) {
        return Err(cursor.here());
    }
    cursor.at += 1;
    Ok(format!(
        "{sign}{}",
        unquoted(cursor.source.own(cursor.at - 1))
    ))
}

fn rollback(cursor: &mut Cursor<'_>) -> Result<Statement, PlanError> {
    cursor.skip(&["work", "transaction"]);
    if cursor.take("to") {
        cursor.skip(&["savepoint"]);
        return cursor.name().map(Statement::RollbackTo);
    }
    cursor.chain().map(|chain| Statement::Rollback { chain })
}

fn fetch(cursor: &mut Cursor<'_>, only_move: bool) -> Result<Statement, PlanError> {
    use FetchDirection::{Absolute, BackwardAll, Forward, ForwardAll, Relative};
    // A word is a direction only if something follows that can be the name.
    let more = cursor.at + 1 < cursor.source.tokens.len();
    let word = if more { cursor.word() } else { None };
    let direction = match word {
        Some("next") => Some(Forward(1)),
        Some("prior") => Some(Forward(-1)),
        Some("first") => Some(Absolute(1)),
        Some("last") => Some(Absolute(-1)),
        Some("all") => Some(ForwardAll),
        _ => None,
    };
    let direction = if let Some(direction) = direction {
        cursor.at += 1;
        direction
    } else {
        match word {
            Some("absolute" | "relative") => {
                cursor.at += 1;
                let count = cursor.integer().ok_or_else(|| cursor.here())?;
                if word == Some("absolute") {
                    Absolute(count)
                } else {
                    Relative(count)
                }
            }
            Some("forward" | "backward") => {
                cursor.at += 1;
                let back = word == Some("backward");
                if cursor.take("all") {
                    if back { BackwardAll } else { ForwardAll }
                } else {
                    let count = cursor.integer().unwrap_or(1);
                    Forward(if back { -count } else { count })
                }
            }
            _ => Forward(cursor.integer().unwrap_or(1)),
        }
    };
    cursor.skip(&["from", "in"]);
    Ok(Statement::Fetch {
        name: cursor.name()?,
        only_move,
        direction,
    })
}

fn explain(mut cursor: Cursor<'_>) -> Result<Statement, ParseError> {
    let mut options = ExplainOptions::default();
    let listed = cursor.source.symbol(cursor.at, "(")
        && cursor.source.word(cursor.at + 1).is_some_and(|word| {
            !matches!(
                word,
                "select" | "with" | "values" | "table" | "from" | "pivot" | "unpivot"
            )
        });
    if listed {
        cursor.at += 1;
        loop {
            let option = cursor.name()?;
            let ends = cursor.source.symbol(cursor.at, ",") || cursor.source.symbol(cursor.at, ")");
            let value = if ends {
                "on".to_owned()
            } else {
                value(&mut cursor)?
            };
            let on = !matches!(value.to_ascii_lowercase().as_str(), "off" | "false" | "0");
            match option.as_str() {
                "analyze" => options.analyze = on,
                "verbose" => options.verbose = on,
                "format" => {
                    let format = value.to_ascii_lowercase();
                    options.format = Some(format).filter(|format| format != "text");
                }
                "costs" => options.without_costs = !on,
                "buffers" | "wal" | "timing" | "summary" | "settings" => {}
                _ => return Err(cursor.before().into()),
            }
            if !cursor.symbol(",") {
                break;
            }
        }
        if !cursor.symbol(")") {
            return Err(cursor.here().into());
        }
    } else {
        options.analyze = cursor.take("analyze") || cursor.take("analyse");
        options.verbose = cursor.take("verbose");
    }
    if cursor.is_end() {
        return Err(cursor.here().into());
    }
    // Not inside itself, however often it is written.
    if cursor.word() == Some("explain") {
        return Err(cursor.here().into());
    }
    let statement = cursor.source.statement(cursor.at)?;
    match statement {
        Statement::Query(_) | Statement::DynamicPivot(_) | Statement::Execute { .. } => {
            Ok(Statement::Explain {
                options,
                statement: Box::new(statement),
            })
        }
        Statement::Refused { .. } => Ok(statement),
        _ => Err(cursor.here().into()),
    }
}

fn prepare(mut cursor: Cursor<'_>) -> Result<Statement, ParseError> {
    let name = cursor.name()?;
    let mut types = Vec::new();
    if cursor.symbol("(") {
        let (mut depth, mut start) = (0_usize, cursor.at);
        loop {
            let source = cursor.source;
            let closes = source.symbol(cursor.at, ")");
            if depth == 0 && (closes || source.symbol(cursor.at, ",")) {
                types.push(source.blanked(start..cursor.at, "").trim().to_owned());
                start = cursor.at + 1;
                if closes {
                    break;
                }
            } else if source.symbol(cursor.at, "(") {
                depth += 1;
            } else if closes {
                depth -= 1;
            }
            cursor.at += 1;
            if cursor.is_end() {
                return Err(cursor.here().into());
            }
        }
        cursor.at += 1;
    }
    cursor.expect("as")?;
    if cursor.is_end() {
        return Err(cursor.here().into());
    }
    let statement = Box::new(cursor.source.query(cursor.at..cursor.source.tokens.len())?);
    Ok(Statement::Prepare {
        name,
        types,
        statement,
    })
}

fn execute(mut cursor: Cursor<'_>) -> Result<Statement, ParseError> {
    let name = cursor.name()?;
    let mut arguments: Vec<Expr> = Vec::new();
    if !cursor.is_end() {
        let last = cursor.source.tokens.len() - 1;
        if !cursor.symbol("(") || !cursor.source.symbol(last, ")") {
            return Err(cursor.here().into());
        }
        if cursor.at < last {
            let sql = cursor.source.blanked(cursor.at..last, "select ");
            let Some(queries) = cursor.source.ask(&sql)? else {
                return Err(cursor.here().into());
            };
            for query in queries {
                match query.body {
                    QueryBody::Select(select) => arguments.extend(select.select_list),
                    _ => return Err(cursor.here().into()),
                }
            }
        }
    }
    Ok(Statement::Execute { name, arguments })
}

fn declare(mut cursor: Cursor<'_>) -> Result<Statement, ParseError> {
    let name = cursor.name()?;
    let (mut scroll, mut binary, mut hold) = (false, false, false);
    loop {
        match cursor.next_word() {
            Some("binary") => binary = true,
            Some("insensitive" | "asensitive") => {}
            Some("scroll") => scroll = true,
            Some("no") => cursor.expect("scroll")?,
            Some("cursor") => break,
            _ => return Err(cursor.before().into()),
        }
    }
    if cursor.take("with") {
        hold = true;
        cursor.expect("hold")?;
    } else if cursor.take("without") {
        cursor.expect("hold")?;
    }
    cursor.expect("for")?;
    if cursor.is_end() {
        return Err(cursor.here().into());
    }
    let statement = Box::new(cursor.source.query(cursor.at..cursor.source.tokens.len())?);
    Ok(Statement::Declare {
        name,
        hold,
        scroll,
        binary,
        statement,
    })
}
