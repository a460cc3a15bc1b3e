//! `SEARCH` and `CYCLE` after an item of `WITH RECURSIVE`, which DuckDB's parser does not know.
//!
//! Both are taken out of the text, and put into the tree as PostgreSQL does (`rewriteSearchAndCycle`): the start and
//! the step become subqueries of blocks that add the columns, and the step reads those of the row it comes from.
//!
//! ```text
//! t(id, up) AS (SELECT id, up FROM a WHERE … UNION ALL SELECT a.id, a.up FROM a, t WHERE a.up = t.id)
//!   SEARCH DEPTH FIRST BY id SET place  CYCLE id SET again USING path
//!
//! SELECT *, ARRAY[ROW(id)] AS place, false AS again, ARRAY[ROW(id)] AS path FROM (SELECT id, up …) s(id, up)
//! SELECT * EXCLUDE …, place || ARRAY[ROW(id)], list_contains(path, ROW(id)), path || ARRAY[ROW(id)]
//!   FROM (SELECT a.id, a.up, t.place, t.again, t.path FROM a, t WHERE …) s(id, up) WHERE again <> true
//! ```
//!
//! `BREADTH FIRST` counts the steps in a row instead: `ROW(depth, id)`.

use super::Source;
use super::lexer::{Token, TokenKind, unquoted};
use crate::ast::visit::{Descend, NodeMut, walk_mut};
use crate::ast::{
    Comparison, Cte, Expr, ExprKind, Query, QueryBody, Select, TableRef, TableRefKind,
};
use crate::error::{PlanError, RecursionFault};

/// What the subqueries are called.
const ROWS: &str = "rows__";
/// What the step knows of the row that it comes from.
const SEQUENCE: &str = "sequence__";
const MARK: &str = "mark__";
const PATH: &str = "path__";

/// What stands behind an item of WITH.
#[derive(Clone, Debug, Default)]
pub(super) struct Clause {
    /// The item's name.
    item: String,
    search: Option<Search>,
    cycle: Option<Cycle>,
    /// Where it begins in the statement.
    position: usize,
}

/// `SEARCH DEPTH FIRST BY columns SET sequence`
#[derive(Clone, Debug)]
struct Search {
    depth: bool,
    columns: Vec<String>,
    sequence: String,
    position: usize,
}

/// `CYCLE columns SET mark TO value DEFAULT other USING path`
#[derive(Clone, Debug)]
struct Cycle {
    columns: Vec<String>,
    mark: String,
    /// Constants as written, and what they are.
    values: Option<[Expr; 2]>,
    path: String,
    position: usize,
}

/// Takes such clauses out of `text`, which `tokens` cover from `base` on.
pub(super) fn take(text: &mut String, tokens: &[Token], base: usize) -> Vec<Clause> {
    if !text.contains("search") && !text.contains("cycle") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut blank = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let reader = Reader {
            text,
            tokens,
            base,
            at,
        };
        match reader.clause() {
            Some((clause, end)) => {
                blank.push(tokens[at].start - base..tokens[end - 1].end - base);
                found.push(clause);
                at = end;
            }
            None => at += 1,
        }
    }
    for place in blank {
        let spaces = " ".repeat(place.len());
        text.replace_range(place, &spaces);
    }
    found
}

/// Reads tokens from a place on.
#[derive(Clone, Copy)]
struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    base: usize,
    at: usize,
}

impl Reader<'_> {
    fn own(&self, at: usize) -> Option<&str> {
        let token = self.tokens.get(at)?;
        self.text
            .get(token.start - self.base..token.end - self.base)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_word = self.tokens.get(self.at)?.kind == TokenKind::Word;
        (is_word && self.own(self.at)? == word).then(|| self.at += 1)
    }

    fn name(&mut self) -> Option<String> {
        let kind = self.tokens.get(self.at)?.kind;
        let is_name = matches!(
            kind,
            TokenKind::Word | TokenKind::Quoted | TokenKind::UnicodeQuoted
        );
        let name = is_name.then(|| self.own(self.at).map(unquoted)).flatten()?;
        self.at += 1;
        Some(name)
    }

    fn names(&mut self) -> Option<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.tokens.get(self.at).is_some_and(|token| token.is(",")) {
            self.at += 1;
            names.push(self.name()?);
        }
        Some(names)
    }

    fn position(&self) -> usize {
        self.tokens[self.at].start - self.base
    }

    /// The clause that begins here, and where it ends.
    fn clause(mut self) -> Option<(Clause, usize)> {
        let item = self.item()?;
        let position = self.position();
        let search = self.search();
        let cycle = self.cycle();
        let clause = Clause {
            item,
            search,
            cycle,
            position,
        };
        (clause.search.is_some() || clause.cycle.is_some()).then_some((clause, self.at))
    }

    /// The name of the item of WITH that ends here: `name (columns) AS MATERIALIZED ( … )`.
    fn item(&self) -> Option<String> {
        let starts = matches!(self.own(self.at)?, "search" | "cycle");
        let mut at = self.at.checked_sub(1).filter(|_| starts)?;
        at = self.opening(at)?.checked_sub(1)?;
        for word in ["materialized", "not"] {
            if self.own(at)? == word {
                at = at.checked_sub(1)?;
            }
        }
        if self.own(at)? != "as" {
            return None;
        }
        at = at.checked_sub(1)?;
        if self.tokens[at].is(")") {
            at = self.opening(at)?.checked_sub(1)?;
        }
        Reader { at, ..*self }.name()
    }

    /// Where the parenthesis opens that closes at `at`.
    fn opening(&self, at: usize) -> Option<usize> {
        if !self.tokens[at].is(")") {
            return None;
        }
        let mut depth = 0_usize;
        for (place, token) in self.tokens[..=at].iter().enumerate().rev() {
            if token.is(")") {
                depth += 1;
            } else if token.is("(") {
                depth -= 1;
                if depth == 0 {
                    return Some(place);
                }
            }
        }
        None
    }

    fn search(&mut self) -> Option<Search> {
        let mut ahead = *self;
        let position = ahead.position();
        ahead.word("search")?;
        let depth = ahead.word("depth").is_some();
        if !depth {
            ahead.word("breadth")?;
        }
        ahead.word("first")?;
        ahead.word("by")?;
        let columns = ahead.names()?;
        ahead.word("set")?;
        let sequence = ahead.name()?;
        self.at = ahead.at;
        Some(Search {
            depth,
            columns,
            sequence,
            position,
        })
    }

    fn cycle(&mut self) -> Option<Cycle> {
        let mut ahead = *self;
        let position = ahead.tokens.get(ahead.at)?.start - ahead.base;
        ahead.word("cycle")?;
        let columns = ahead.names()?;
        ahead.word("set")?;
        let mark = ahead.name()?;
        let values = if ahead.word("to").is_some() {
            let value = ahead.constant()?;
            ahead.word("default")?;
            Some([value, ahead.constant()?])
        } else {
            None
        };
        ahead.word("using")?;
        let path = ahead.name()?;
        self.at = ahead.at;
        Some(Cycle {
            columns,
            mark,
            values,
            path,
            position,
        })
    }

    /// A constant of one token.
    fn constant(&mut self) -> Option<Expr> {
        let own = self.own(self.at)?;
        let value = match (self.tokens[self.at].kind, own) {
            (TokenKind::Word, "true") => Expr::boolean(true),
            (TokenKind::Word, "false") => Expr::boolean(false),
            (TokenKind::Number, number) => Expr::integer(number.parse().ok()?),
            (TokenKind::Text | TokenKind::UnicodeText, text) => Expr::string(unquoted(text)),
            _ => return None,
        };
        self.at += 1;
        Some(value)
    }
}

/// Puts the clauses of a statement into its tree.
pub(super) fn apply(query: &mut Query, source: &Source<'_>) -> Result<(), PlanError> {
    for clause in source.clauses {
        let mut outcome = Ok(());
        let mut found = 0;
        walk_mut(NodeMut::Query(query), &mut |node| {
            if let NodeMut::Query(query) = node {
                for cte in &mut query.ctes {
                    if cte.name.eq_ignore_ascii_case(&clause.item) {
                        found += 1;
                        if found == 1 {
                            outcome = clause.put_into(cte, source);
                        }
                    }
                }
            }
            Descend::Into
        });
        outcome?;
        if found != 1 {
            return Err(clause.unsupported("SEARCH or CYCLE of one of several items of one name"));
        }
    }
    Ok(())
}

impl Clause {
    fn unsupported(&self, what: &str) -> PlanError {
        PlanError::Unsupported {
            what: what.to_owned(),
            position: Some(self.position),
        }
    }

    fn put_into(&self, cte: &mut Cte, source: &Source<'_>) -> Result<(), PlanError> {
        let QueryBody::RecursiveCte {
            name,
            left,
            right,
            aliases,
            ..
        } = &mut cte.query.body
        else {
            return fault(RecursionFault::NotRecursive, source.item(&cte.name));
        };
        // The names go to the start, which has more columns now.
        let mut given = std::mem::take(aliases);
        if !cte.aliases.is_empty() {
            given = std::mem::take(&mut cte.aliases);
        }
        let QueryBody::Select(block) = &left.body else {
            return fault(RecursionFault::NotSelect("left"), None);
        };
        let names = Names::of(block, given);
        self.check(&names)?;
        self.start(left, &names);
        self.step(right, name, &names)
    }

    /// The columns that are added, with their names.
    fn added(&self) -> Vec<(&'static str, &str, usize)> {
        let search = self.search.iter();
        let search = search.map(|search| (SEQUENCE, search.sequence.as_str(), search.position));
        let cycle = self.cycle.iter().flat_map(|cycle| {
            [
                (MARK, cycle.mark.as_str(), cycle.position),
                (PATH, cycle.path.as_str(), cycle.position),
            ]
        });
        search.chain(cycle).collect()
    }

    /// Whether the columns that it names are there, where that is known, and those that it adds are not.
    fn check(&self, names: &Names) -> Result<(), PlanError> {
        let Some(known) = names.known() else {
            return Ok(());
        };
        let search = self.search.iter();
        let search = search.map(|search| ("search", &search.columns, search.position));
        let cycle = self.cycle.iter();
        let cycle = cycle.map(|cycle| ("cycle", &cycle.columns, cycle.position));
        for (kind, columns, position) in search.chain(cycle) {
            if let Some(name) = columns.iter().find(|name| !known.contains(name)) {
                let name = name.clone();
                return fault(RecursionFault::NoColumn { kind, name }, Some(position));
            }
        }
        for (column, name, position) in self.added() {
            if known.iter().any(|known| *known == name) {
                let kind = match column {
                    SEQUENCE => "search sequence",
                    MARK => "cycle mark",
                    _ => "cycle path",
                };
                let name = name.to_owned();
                return fault(RecursionFault::Used { kind, name }, Some(position));
            }
        }
        Ok(())
    }

    fn start(&self, start: &mut Query, names: &Names) {
        let mut items = vec![Expr::star()];
        if let Some(search) = &self.search {
            let first = Expr::integer(0).cast_to("BIGINT");
            items.push(search.place(first).named(&search.sequence));
        }
        if let Some(cycle) = &self.cycle {
            items.push(cycle.value(false).named(&cycle.mark));
            items.push(array(row(Vec::new(), &cycle.columns)).named(&cycle.path));
        }
        let from = rows(start, names.given.clone());
        *start = Query::from(Select::new(items, from));
    }

    fn step(&self, step: &mut Query, name: &str, names: &Names) -> Result<(), PlanError> {
        let has_modifiers = !step.modifiers.is_empty();
        let QueryBody::Select(block) = &mut step.body else {
            return fault(RecursionFault::NotSelect("right"), None);
        };
        if has_modifiers || !block.group_by.is_empty() || block.group_by_all {
            return Err(self.unsupported("SEARCH or CYCLE over a step with DISTINCT or GROUP BY"));
        }
        let Some(before) = reference(&block.from, name) else {
            let name = name.to_owned();
            return fault(RecursionFault::TopLevel { name }, None);
        };
        if !names.tell(&mut block.select_list) {
            let what = "SEARCH or CYCLE over other stars in the step than in the start";
            return Err(self.unsupported(what));
        }
        for item in &mut block.select_list {
            self.leave_out(item, &before);
        }
        for (own, name, _) in self.added() {
            let mut value = Expr::column([before.as_str(), name]);
            if own == SEQUENCE && self.search.as_ref().is_some_and(|search| !search.depth) {
                let depth = Expr::function("struct_extract_at", vec![value, Expr::integer(1)]);
                value = Expr::infix("+", depth, Expr::integer(1));
            }
            block.select_list.push(value.named(own));
        }
        let mut items = vec![Expr::star()];
        if let ExprKind::Star(star) = &mut items[0].kind {
            let added = self.added().into_iter();
            star.exclude = added.map(|(own, ..)| vec![own.to_owned()]).collect();
        }
        let of_row = |name: &str| Expr::column([ROWS, name]);
        let mut condition = None;
        if let Some(search) = &self.search {
            let place = search.place(of_row(SEQUENCE));
            let place = if search.depth {
                Expr::infix("||", of_row(SEQUENCE), place)
            } else {
                place
            };
            items.push(place.named(&search.sequence));
        }
        if let Some(cycle) = &self.cycle {
            let own = || row(Vec::new(), &cycle.columns);
            let again = Expr::function("list_contains", vec![of_row(PATH), own()]);
            let mark = Expr::from(ExprKind::Case {
                checks: vec![(again, cycle.value(true))],
                otherwise: Box::new(cycle.value(false)),
            });
            items.push(mark.named(&cycle.mark));
            let path = Expr::infix("||", of_row(PATH), array(own()));
            items.push(path.named(&cycle.path));
            condition = Some(Expr::comparison(
                Comparison::NotEqual,
                of_row(MARK),
                cycle.value(true),
            ));
        }
        let given = names.each().unwrap_or_else(|| names.given.clone());
        let mut block = Select::new(items, rows(step, given));
        block.where_clause = condition;
        *step = Query::from(block);
        Ok(())
    }

    /// A star does not mean the columns that are added.
    fn leave_out(&self, item: &mut Expr, before: &str) {
        let ExprKind::Star(star) = &mut item.kind else {
            return;
        };
        for (_, name, _) in self.added() {
            if star.relation.is_empty() {
                star.exclude.push(vec![before.to_owned(), name.to_owned()]);
            } else if star.relation.eq_ignore_ascii_case(before) {
                star.exclude.push(vec![name.to_owned()]);
            }
        }
        star.exclude.sort();
    }
}

impl Search {
    /// Where a row stands, as far as its own step tells; `depth` is how many were before.
    fn place(&self, depth: Expr) -> Expr {
        if self.depth {
            array(row(Vec::new(), &self.columns))
        } else {
            row(vec![depth], &self.columns)
        }
    }
}

impl Cycle {
    /// What the column says of a row that has been there before, or has not.
    fn value(&self, again: bool) -> Expr {
        match &self.values {
            Some([value, other]) => if again { value } else { other }.clone(),
            None => Expr::boolean(again),
        }
    }
}

/// `ROW(first, rows__.a, rows__.b)`
fn row(first: Vec<Expr>, columns: &[String]) -> Expr {
    let columns = columns.iter().map(|name| Expr::column([ROWS, name]));
    Expr::function("row", first.into_iter().chain(columns).collect())
}

fn array(element: Expr) -> Expr {
    Expr::from(ExprKind::Operator {
        op: "ARRAY_CONSTRUCTOR".to_owned(),
        children: vec![element],
    })
}

fn fault<T>(fault: RecursionFault, position: Option<usize>) -> Result<T, PlanError> {
    Err(PlanError::Recursion { fault, position })
}

/// What an item of WITH is called by in the FROM of its step.
fn reference(table: &TableRef, name: &str) -> Option<String> {
    match &table.kind {
        TableRefKind::Join(join) => {
            reference(&join.left, name).or_else(|| reference(&join.right, name))
        }
        TableRefKind::Table {
            schema, name: own, ..
        } if schema.is_empty() && own.eq_ignore_ascii_case(name) => {
            Some(if table.alias.is_empty() {
                own.clone()
            } else {
                table.alias.clone()
            })
        }
        _ => None,
    }
}

/// A column of the start, or all of a star.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Star,
    Named(String),
    Unnamed,
}

/// The names of an item's columns.
struct Names {
    /// Given with the item's name: those of the first columns.
    given: Vec<String>,
    /// The start's own.
    own: Vec<Column>,
}

impl Names {
    fn of(start: &Select, given: Vec<String>) -> Self {
        let own = match (start.select_list.as_slice(), &start.from.kind) {
            ([item], TableRefKind::Values { rows }) if matches!(item.kind, ExprKind::Star(_)) => {
                let width = rows.first().map_or(0, Vec::len);
                let names = (1..=width).map(|at| Column::Named(format!("column{at}")));
                names.collect()
            }
            (items, _) => items.iter().map(Column::of).collect(),
        };
        Self { given, own }
    }

    fn has_star(&self) -> bool {
        self.own.contains(&Column::Star)
    }

    /// The name of each column, if there is no star among them.
    fn each(&self) -> Option<Vec<String>> {
        if self.has_star() {
            return None;
        }
        let own = self.own.iter().enumerate().skip(self.given.len());
        let own = own.map(|(at, column)| match column {
            Column::Named(name) => name.clone(),
            _ => format!("unnamed__{at}"),
        });
        Some(self.given.iter().cloned().chain(own).collect())
    }

    /// Those of which `columns` can be some.
    fn known(&self) -> Option<Vec<String>> {
        self.each()
            .or_else(|| (!self.given.is_empty()).then(|| self.given.clone()))
    }

    /// Whether the columns of `items` get these names, once they have been told so.
    fn tell(&self, items: &mut [Expr]) -> bool {
        if !self.has_star() || !self.given.is_empty() {
            return true;
        }
        let own: Vec<Column> = items.iter().map(Column::of).collect();
        let is_star = |column: &Column| *column == Column::Star;
        if !own.iter().map(is_star).eq(self.own.iter().map(is_star)) {
            return false;
        }
        for (item, column) in items.iter_mut().zip(&self.own) {
            if let Column::Named(name) = column {
                item.alias.clone_from(name);
            }
        }
        true
    }
}

impl Column {
    fn of(item: &Expr) -> Self {
        match &item.kind {
            ExprKind::Star(_) => Self::Star,
            _ if !item.alias.is_empty() => Self::Named(item.alias.clone()),
            ExprKind::ColumnRef(names) => names.last().cloned().map_or(Self::Unnamed, Self::Named),
            _ => Self::Unnamed,
        }
    }
}

/// The rows of a query under names.
fn rows(query: &mut Query, names: Vec<String>) -> TableRef {
    let nothing = Query::from(Select::new(Vec::new(), TableRef::from(TableRefKind::Empty)));
    let rows = std::mem::replace(query, nothing);
    TableRef {
        alias: ROWS.to_owned(),
        column_aliases: names,
        ..TableRef::from(TableRefKind::Subquery(Box::new(rows)))
    }
}
