//! Queries from choices: joins, subqueries, aggregates, windows, set operations, CTEs.
//!
//! Every query has one right answer. So LIMIT comes only after an ORDER BY of all columns,
//! `row_number()` only over unique rows, and ordered aggregates order by their own argument. Results
//! of floating-point aggregates ([`Type::Fuzzy`]) are shown but never compared, sorted or joined.
//! Numbers stay so small that no expression overflows: an error would depend on the order in which
//! DuckDB filters and computes.
//!
//! It is one file because every choice draws on the same few: a relation's columns, expressions over
//! them, and what still has one answer there.

use super::Choices;
use crate::compare::Order;

/// How deep expressions go.
const DEPTH_MAX: u32 = 3;

/// A query and what can be said about its answer.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The query.
    pub sql: String,
    /// Whether it orders its rows totally.
    pub order: Order,
}

/// The types that expressions are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Int,
    Text,
    Decimal,
    /// Multiples of a quarter: sums are exact in any order.
    Float,
    Bool,
    Date,
    /// Floating-point numbers that depend on the order of additions.
    Fuzzy,
    List,
}

/// Types that can be computed with.
const PLAIN: [Type; 6] = [
    Type::Int,
    Type::Text,
    Type::Decimal,
    Type::Float,
    Type::Bool,
    Type::Date,
];

#[derive(Clone, Debug)]
struct Column {
    sql: String,
    ty: Type,
}

/// What FROM offers.
#[derive(Clone, Debug, Default)]
struct Scope {
    columns: Vec<Column>,
    /// A column whose value no two rows share.
    unique: Option<String>,
}

/// Columns of the relations that `data::random_relations` makes.
const FACTS: &[(&str, Type)] = &[
    ("id", Type::Int),
    ("k", Type::Int),
    ("v", Type::Int),
    ("g", Type::Text),
    ("d", Type::Decimal),
    ("x", Type::Float),
    ("b", Type::Bool),
    ("day", Type::Date),
];
const DIMS: &[(&str, Type)] = &[
    ("k", Type::Int),
    ("name", Type::Text),
    ("grp", Type::Int),
    ("rate", Type::Decimal),
];
const NOTES: &[(&str, Type)] = &[
    ("id", Type::Int),
    ("k", Type::Int),
    ("note", Type::Text),
    ("amount", Type::Int),
];

/// Makes a query.
pub fn generate(choices: &mut Choices) -> Generated {
    let mut generator = Generator {
        choices,
        aliases: 0,
        ctes: Vec::new(),
    };
    let with = if generator.choices.chance(20) {
        generator.with()
    } else {
        String::new()
    };
    let (body, types) = generator.query(2);
    let fuzzy = types.contains(&Type::Fuzzy);
    let mut sql = format!("{with}{body}");
    if fuzzy || !generator.choices.chance(40) {
        return Generated {
            sql,
            order: Order::Any,
        };
    }
    let keys: Vec<String> = (1..=types.len())
        .map(|ordinal| {
            let direction = generator.choices.pick(&["", " DESC", " ASC"]);
            let nulls = generator
                .choices
                .pick(&["", "", " NULLS FIRST", " NULLS LAST"]);
            format!("{ordinal}{direction}{nulls}")
        })
        .collect();
    sql = format!("{sql} ORDER BY {}", keys.join(", "));
    if generator.choices.chance(50) {
        sql = format!("{sql} LIMIT {}", generator.choices.below(30));
        if generator.choices.chance(40) {
            sql = format!("{sql} OFFSET {}", generator.choices.below(10));
        }
    }
    Generated {
        sql,
        order: Order::Total,
    }
}

struct Generator<'a> {
    choices: &'a mut Choices,
    aliases: usize,
    ctes: Vec<(String, Vec<(String, Type)>)>,
}

impl Generator<'_> {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    fn with(&mut self) -> String {
        let (body, types) = self.query(1);
        let name = format!("c{}", self.ctes.len());
        let names: Vec<String> = (0..types.len()).map(|index| format!("c{index}")).collect();
        let hint = self
            .choices
            .pick(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
        let sql = format!("WITH {name}({}) AS {hint}({body}) ", names.join(", "));
        self.ctes
            .push((name, names.into_iter().zip(types).collect()));
        sql
    }

    /// A block or set operation, without ORDER BY, and the types of its columns.
    fn query(&mut self, depth: u32) -> (String, Vec<Type>) {
        if depth > 0 && self.choices.chance(15) {
            let count = 1 + self.choices.below(3) as usize;
            let types: Vec<Type> = (0..count).map(|_| self.choices.pick(&PLAIN)).collect();
            let left = self.rows_block(Some(&types));
            let right = self.rows_block(Some(&types));
            let mut sql = format!("{} {} {}", left.0, self.operation(), right.0);
            if self.choices.chance(20) {
                let third = self.rows_block(Some(&types));
                sql = format!("{sql} {} {}", self.operation(), third.0);
            }
            return (sql, types);
        }
        match self.choices.below(10) {
            0..3 => self.rows_block(None),
            3..8 => self.aggregate_block(),
            8 => self.window_block(),
            _ => self.top_block(),
        }
    }

    fn operation(&mut self) -> &'static str {
        self.choices.pick(&[
            "UNION ALL",
            "UNION",
            "INTERSECT",
            "EXCEPT",
            "INTERSECT ALL",
            "EXCEPT ALL",
        ])
    }

    /// SELECT … FROM … WHERE …, of the given types if any.
    fn rows_block(&mut self, types: Option<&[Type]>) -> (String, Vec<Type>) {
        let (from, scope) = self.from(1);
        let types: Vec<Type> = match types {
            Some(types) => types.to_vec(),
            None => (0..=self.choices.below(3))
                .map(|_| self.choices.pick(&PLAIN))
                .collect(),
        };
        let list: Vec<String> = types.iter().map(|ty| self.scalar(&scope, *ty, 2)).collect();
        let distinct = if self.choices.chance(15) {
            "DISTINCT "
        } else {
            ""
        };
        let condition = self.condition(&scope, 60);
        (
            format!(
                "SELECT {distinct}{} FROM {from}{condition}",
                list.join(", ")
            ),
            types,
        )
    }

    fn aggregate_block(&mut self) -> (String, Vec<Type>) {
        let (from, scope) = self.from(1);
        let keys: Vec<(String, Type)> = (0..self.choices.below(3))
            .map(|_| {
                let ty = self.choices.pick(&PLAIN);
                (self.scalar(&scope, ty, 1), ty)
            })
            // A constant in GROUP BY would be taken as an ordinal.
            .filter(|(sql, _)| scope.columns.iter().any(|column| sql.contains(&column.sql)))
            .collect();
        let aggregates: Vec<(String, Type)> = (0..=self.choices.below(3))
            .map(|_| self.aggregate(&scope))
            .collect();
        let types = keys.iter().chain(&aggregates).map(|(_, ty)| *ty).collect();
        let list: Vec<&str> = keys
            .iter()
            .chain(&aggregates)
            .map(|(sql, _)| sql.as_str())
            .collect();
        let key_list = keys
            .iter()
            .map(|(sql, _)| sql.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let group = if keys.is_empty() {
            String::new()
        } else {
            match self.choices.below(10) {
                0..5 => format!(" GROUP BY {key_list}"),
                5 => " GROUP BY ALL".to_owned(),
                6 => format!(" GROUP BY ROLLUP ({key_list})"),
                7 => format!(" GROUP BY CUBE ({key_list})"),
                8 => format!(" GROUP BY GROUPING SETS (({key_list}), ())"),
                _ => {
                    let ordinals: Vec<String> = (1..=keys.len())
                        .map(|ordinal| ordinal.to_string())
                        .collect();
                    format!(" GROUP BY {}", ordinals.join(", "))
                }
            }
        };
        let condition = self.condition(&scope, 50);
        let having = if self.choices.chance(25) {
            let limit = self.choices.below(20);
            self.choices
                .pick(&[
                    " HAVING count(*) > ",
                    " HAVING count(*) < 3 OR count(*) > ",
                    " HAVING count(DISTINCT 7) * count(*) > ",
                ])
                .to_owned()
                + &limit.to_string()
        } else {
            String::new()
        };
        (
            format!(
                "SELECT {} FROM {from}{condition}{group}{having}",
                list.join(", ")
            ),
            types,
        )
    }

    /// A block with window functions.
    fn window_block(&mut self) -> (String, Vec<Type>) {
        let (from, scope) = self.from(0);
        let mut types = vec![self.choices.pick(&PLAIN)];
        let mut list = vec![self.scalar(&scope, types[0], 1)];
        let ty = self.choices.pick(&PLAIN);
        let partition = self.scalar(&scope, ty, 1);
        let partition = if self.choices.chance(70) {
            format!("PARTITION BY {partition}")
        } else {
            String::new()
        };
        let value = self.scalar(&scope, Type::Int, 1);
        let order = self.scalar(&scope, Type::Int, 1);
        match (&scope.unique, self.choices.below(6)) {
            (Some(unique), 1) => {
                list.push(format!("row_number() OVER ({partition} ORDER BY {unique})"));
                types.push(Type::Int);
            }
            (Some(unique), 2) => {
                list.push(format!(
                    "lag({value}) OVER ({partition} ORDER BY {unique} DESC)"
                ));
                types.push(Type::Int);
            }
            (Some(unique), 3) => {
                let rows = self.choices.below(4);
                list.push(format!(
                    "sum({value}) OVER ({partition} ORDER BY {unique} \
                     ROWS BETWEEN {rows} PRECEDING AND CURRENT ROW)"
                ));
                types.push(Type::Int);
            }
            (_, 4) => {
                list.push(format!(
                    "dense_rank() OVER ({partition} ORDER BY {order} + 0)"
                ));
                types.push(Type::Int);
            }
            (_, 5) => {
                list.push(format!(
                    "max({value}) OVER ({partition} ORDER BY {order} + 0)"
                ));
                types.push(Type::Int);
            }
            _ => {
                list.push(format!("count(*) OVER ({partition})"));
                types.push(Type::Int);
            }
        }
        if self.choices.chance(30) {
            // Further windows over the same partitions, and over parts of them.
            let value = self.scalar(&scope, Type::Text, 1);
            let finer = self.scalar(&scope, Type::Bool, 1);
            let finer = match partition.as_str() {
                "" => format!("PARTITION BY {finer}"),
                partition => format!("{partition}, {finer}"),
            };
            list.push(format!("min({value}) OVER ({finer})"));
            types.push(Type::Text);
        }
        let condition = self.condition(&scope, 40);
        let qualify = match &scope.unique {
            Some(unique) if self.choices.chance(30) => {
                let count = 1 + self.choices.below(3);
                format!(
                    " QUALIFY row_number() OVER ({partition} ORDER BY {unique} DESC) <= {count}"
                )
            }
            _ => String::new(),
        };
        (
            format!("SELECT {} FROM {from}{condition}{qualify}", list.join(", ")),
            types,
        )
    }

    /// The first rows of something, or of each group: a subquery, as it has an order of its own.
    fn top_block(&mut self) -> (String, Vec<Type>) {
        let alias = self.alias();
        let scope = relation_scope(&alias, FACTS, true);
        let unique = format!("{alias}.id");
        let key = self.choices.pick(&["g", "k", "b"]);
        let ty = self.choices.pick(&PLAIN);
        let value = self.scalar(&scope, ty, 1);
        let condition = self.condition(&scope, 50);
        let direction = self.choices.pick(&["", " DESC"]);
        let limit = 1 + self.choices.below(20);
        let body = if self.choices.chance(50) {
            format!(
                "SELECT DISTINCT ON ({alias}.{key}) {value} AS c0, {unique} AS c1 \
                 FROM facts {alias}{condition} ORDER BY {alias}.{key}, {unique}{direction}"
            )
        } else {
            format!(
                "SELECT {value} AS c0, {unique} AS c1 FROM facts {alias}{condition} \
                 ORDER BY {alias}.{key}{direction}, {unique} LIMIT {limit}"
            )
        };
        let outer = self.alias();
        (
            format!("SELECT {outer}.c0, {outer}.c1 FROM ({body}) {outer}"),
            vec![ty, Type::Int],
        )
    }

    fn condition(&mut self, scope: &Scope, percent: u32) -> String {
        if !self.choices.chance(percent) {
            return String::new();
        }
        let condition = self.boolean(scope, DEPTH_MAX);
        if self.choices.chance(20) {
            return format!(" WHERE ({condition}) AND {}", self.lookup(scope));
        }
        format!(" WHERE {condition}")
    }

    /// A condition that looks rows up in another relation.
    fn lookup(&mut self, scope: &Scope) -> String {
        if self.choices.chance(50) {
            return self.exists(scope);
        }
        let alias = self.alias();
        let value = self.scalar(scope, Type::Int, 1);
        let not = self.choices.pick(&["", "", "NOT "]);
        let from = self.choices.pick(&["notes", "facts", "dims"]);
        let group = self.choices.pick(&["", " GROUP BY 1 HAVING count(*) > 2"]);
        format!("{value} {not}IN (SELECT {alias}.k FROM {from} {alias}{group})")
    }

    /// A FROM clause and what it offers.
    fn from(&mut self, depth: u32) -> (String, Scope) {
        let (left, left_scope) = self.relation(depth);
        if depth == 0 || !self.choices.chance(45) {
            return (left, left_scope);
        }
        let (right, right_scope) = self.relation(0);
        let join_columns = |scope: &Scope| -> Vec<String> {
            let ints = scope.columns.iter().filter(|column| column.ty == Type::Int);
            ints.map(|column| column.sql.clone()).collect()
        };
        let (lefts, rights) = (join_columns(&left_scope), join_columns(&right_scope));
        if lefts.is_empty() || rights.is_empty() {
            return (left, left_scope);
        }
        // The last columns by which relations can be joined are `k`, so that rows really meet.
        let column = |columns: &[String], choice: u32| {
            let k = columns
                .iter()
                .find(|column| column.split('.').next_back() == Some("k"));
            match k {
                Some(k) if choice < 3 => k.clone(),
                _ => columns[choice as usize % columns.len()].clone(),
            }
        };
        let choice = self.choices.below(4);
        let equal = self.choices.pick(&["=", "=", "=", "IS NOT DISTINCT FROM"]);
        let on = format!(
            "{} {equal} {}",
            column(&lefts, choice),
            column(&rights, choice)
        );
        let extra = if self.choices.chance(25) {
            let both = Scope {
                columns: [left_scope.columns.clone(), right_scope.columns.clone()].concat(),
                unique: None,
            };
            format!(" AND {}", self.comparison(&both, 1))
        } else {
            String::new()
        };
        let both = Scope {
            columns: [left_scope.columns.clone(), right_scope.columns.clone()].concat(),
            unique: None,
        };
        let (sql, scope) = match self.choices.below(8) {
            0 | 1 => (format!("{left} JOIN {right} ON {on}{extra}"), both),
            2 | 3 => (format!("{left} LEFT JOIN {right} ON {on}{extra}"), both),
            4 => (format!("{left} RIGHT JOIN {right} ON {on}{extra}"), both),
            5 => (format!("{left} FULL JOIN {right} ON {on}"), both),
            6 => (
                format!("{left} SEMI JOIN {right} ON {on}{extra}"),
                left_scope,
            ),
            _ => (
                format!("{left} ANTI JOIN {right} ON {on}{extra}"),
                left_scope,
            ),
        };
        self.joined_further(sql, scope)
    }

    /// With another relation, perhaps joined by another column. It has few rows for each key.
    fn joined_further(&mut self, sql: String, mut scope: Scope) -> (String, Scope) {
        if !self.choices.chance(25) {
            return (sql, scope);
        }
        let Some(column) = self.column(&scope, Type::Int) else {
            return (sql, scope);
        };
        let alias = self.alias();
        let join = self.choices.pick(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
        let sql = format!("{sql} {join} dims {alias} ON {alias}.k = {column}");
        scope
            .columns
            .extend(relation_scope(&alias, DIMS, false).columns);
        scope.unique = None;
        (sql, scope)
    }

    fn relation(&mut self, depth: u32) -> (String, Scope) {
        let alias = self.alias();
        if let Some((name, columns)) = self.ctes.last().cloned()
            && self.choices.chance(60)
        {
            let columns = columns
                .iter()
                .map(|(column, ty)| Column {
                    sql: format!("{alias}.{column}"),
                    ty: *ty,
                })
                .collect();
            return (
                format!("{name} {alias}"),
                Scope {
                    columns,
                    unique: None,
                },
            );
        }
        match self.choices.below(if depth > 0 { 12 } else { 10 }) {
            0..6 => (
                format!("facts {alias}"),
                relation_scope(&alias, FACTS, true),
            ),
            6 | 7 => (format!("dims {alias}"), relation_scope(&alias, DIMS, false)),
            8 | 9 => (
                format!("notes {alias}"),
                relation_scope(&alias, NOTES, true),
            ),
            _ => {
                let (body, types) = self.query(depth - 1);
                let names: Vec<String> =
                    (0..types.len()).map(|index| format!("c{index}")).collect();
                let columns = names
                    .iter()
                    .zip(types)
                    .map(|(name, ty)| Column {
                        sql: format!("{alias}.{name}"),
                        ty,
                    })
                    .collect();
                (
                    format!("({body}) {alias}({})", names.join(", ")),
                    Scope {
                        columns,
                        unique: None,
                    },
                )
            }
        }
    }

    fn column(&mut self, scope: &Scope, ty: Type) -> Option<String> {
        let columns: Vec<&str> = scope
            .columns
            .iter()
            .filter(|column| column.ty == ty)
            .map(|column| column.sql.as_str())
            .collect();
        if columns.is_empty() {
            None
        } else {
            Some(self.choices.pick(&columns).to_owned())
        }
    }

    /// An expression of a plain type.
    fn scalar(&mut self, scope: &Scope, ty: Type, depth: u32) -> String {
        if depth == 0 || !self.choices.chance(50) {
            return match self.column(scope, ty) {
                Some(column) if !self.choices.chance(10) => column,
                _ => self.literal(ty),
            };
        }
        let deeper = depth - 1;
        if self.choices.chance(25) {
            let left = self.scalar(scope, ty, deeper);
            let right = self.scalar(scope, ty, deeper);
            return match self.choices.below(3) {
                0 => format!("coalesce({left}, {right})"),
                1 => format!("nullif({left}, {right})"),
                _ => {
                    let condition = self.comparison(scope, deeper);
                    format!("CASE WHEN {condition} THEN {left} ELSE {right} END")
                }
            };
        }
        match ty {
            Type::Int => {
                let left = self.scalar(scope, Type::Int, deeper);
                match self.choices.below(7) {
                    0 => format!("({left} + {})", self.choices.below(9)),
                    1 => format!("({left} - {})", self.scalar(scope, Type::Int, deeper)),
                    2 => format!("({left} * {})", self.choices.below(4)),
                    3 => format!("({left} % {})", 2 + self.choices.below(7)),
                    4 => format!("length({})", self.scalar(scope, Type::Text, deeper)),
                    5 => format!("({left} / {})", 1 + self.choices.below(5)),
                    _ => self.scalar_subquery(scope),
                }
            }
            Type::Text => {
                let left = self.scalar(scope, Type::Text, deeper);
                match self.choices.below(4) {
                    0 => format!("upper({left})"),
                    1 => format!("substr({left}, 1, {})", 1 + self.choices.below(3)),
                    2 => format!("({left} || '-')"),
                    _ => format!("CAST({} AS VARCHAR)", self.scalar(scope, Type::Int, deeper)),
                }
            }
            Type::Decimal => {
                let left = self.scalar(scope, Type::Decimal, deeper);
                match self.choices.below(3) {
                    0 => format!("({left} + 1.25)"),
                    1 => format!("(- {left})"),
                    _ => format!("round({left}, 1)"),
                }
            }
            Type::Float => {
                let left = self.scalar(scope, Type::Float, deeper);
                match self.choices.below(3) {
                    0 => format!("({left} + 0.5::DOUBLE)"),
                    1 => format!("abs({left})"),
                    _ => format!("CAST({} AS DOUBLE)", self.scalar(scope, Type::Int, deeper)),
                }
            }
            Type::Bool => format!("({})", self.comparison(scope, deeper)),
            Type::Date => {
                let left = self.scalar(scope, Type::Date, deeper);
                format!("CAST({left} + {} AS DATE)", self.choices.below(5))
            }
            Type::Fuzzy | Type::List => unreachable!("only results of aggregates have this type"),
        }
    }

    /// A subquery with one value, correlated or not.
    fn scalar_subquery(&mut self, scope: &Scope) -> String {
        let alias = self.alias();
        let aggregate = self
            .choices
            .pick(&["max(amount)", "count(*)", "sum(amount)"]);
        match self.column(scope, Type::Int) {
            Some(column) if self.choices.chance(60) => {
                format!("(SELECT {aggregate} FROM notes {alias} WHERE {alias}.k = {column})")
            }
            _ => format!("(SELECT {aggregate} FROM notes {alias})"),
        }
    }

    fn literal(&mut self, ty: Type) -> String {
        let number = self.choices.below(20);
        if self.choices.chance(8) {
            let name = match ty {
                Type::Int => "INTEGER",
                Type::Text => "VARCHAR",
                Type::Decimal => "DECIMAL(12,2)",
                Type::Float | Type::Fuzzy => "DOUBLE",
                Type::Bool => "BOOLEAN",
                Type::Date => "DATE",
                Type::List => "INTEGER[]",
            };
            return format!("CAST(NULL AS {name})");
        }
        match ty {
            Type::Int => number.to_string(),
            Type::Text => self
                .choices
                .pick(&["'a'", "'B'", "''", "'it''s'", "'é'"])
                .to_owned(),
            Type::Decimal => format!("{number}.25"),
            Type::Float | Type::Fuzzy => format!("{number}.75::DOUBLE"),
            Type::Bool => self.choices.pick(&["true", "false"]).to_owned(),
            Type::Date => format!("DATE '2026-03-{:02}'", 1 + number % 12),
            Type::List => "[1]".to_owned(),
        }
    }

    fn boolean(&mut self, scope: &Scope, depth: u32) -> String {
        if depth == 0 || !self.choices.chance(40) {
            return self.comparison(scope, depth.saturating_sub(1));
        }
        let left = self.boolean(scope, depth - 1);
        match self.choices.below(6) {
            0 | 1 => format!("({left} AND {})", self.boolean(scope, depth - 1)),
            2 => format!("({left} OR {})", self.boolean(scope, depth - 1)),
            3 => format!("NOT ({left})"),
            4 => self.exists(scope),
            _ => {
                let alias = self.alias();
                let value = self.scalar(scope, Type::Int, 1);
                let not = self.choices.pick(&["", "NOT "]);
                format!(
                    "{value} {not}IN (SELECT {alias}.k FROM dims {alias} \
                     WHERE {alias}.grp <> {})",
                    self.choices.below(4)
                )
            }
        }
    }

    fn exists(&mut self, scope: &Scope) -> String {
        let alias = self.alias();
        let not = self.choices.pick(&["", "NOT "]);
        match self.column(scope, Type::Int) {
            Some(column) => {
                format!("{not}EXISTS (SELECT 1 FROM notes {alias} WHERE {alias}.k = {column})")
            }
            None => format!("{not}EXISTS (SELECT 1 FROM notes {alias} WHERE {alias}.amount > 90)"),
        }
    }

    /// A condition without AND and OR.
    fn comparison(&mut self, scope: &Scope, depth: u32) -> String {
        let ty = self.choices.pick(&PLAIN);
        let left = self.scalar(scope, ty, depth);
        match self.choices.below(8) {
            0..4 => {
                let operator = self
                    .choices
                    .pick(&["=", "<>", "<", ">=", "IS DISTINCT FROM"]);
                format!("{left} {operator} {}", self.scalar(scope, ty, depth))
            }
            4 => format!("{left} IS NULL"),
            5 => format!("{left} IS NOT NULL"),
            6 => format!("{left} IN ({}, {})", self.literal(ty), self.literal(ty)),
            _ => {
                let pattern = self.choices.pick(&["'%a%'", "'B%'", "'_'"]);
                format!("{} LIKE {pattern}", self.scalar(scope, Type::Text, depth))
            }
        }
    }

    fn aggregate(&mut self, scope: &Scope) -> (String, Type) {
        let filter = if self.choices.chance(20) {
            format!(" FILTER (WHERE {})", self.comparison(scope, 1))
        } else {
            String::new()
        };
        let (sql, ty) = match self.choices.below(14) {
            0 => ("count(*)".to_owned(), Type::Int),
            1 => {
                let ty = self.choices.pick(&PLAIN);
                (format!("count({})", self.scalar(scope, ty, 1)), Type::Int)
            }
            2 => {
                let ty = self.choices.pick(&[Type::Int, Type::Decimal, Type::Float]);
                (format!("sum({})", self.scalar(scope, ty, 1)), ty)
            }
            3 | 4 => {
                let ty = self.choices.pick(&PLAIN);
                let name = self.choices.pick(&["min", "max"]);
                (format!("{name}({})", self.scalar(scope, ty, 1)), ty)
            }
            5 => {
                let ty = self.choices.pick(&[Type::Int, Type::Decimal, Type::Float]);
                (format!("avg({})", self.scalar(scope, ty, 1)), Type::Fuzzy)
            }
            6 => {
                let ty = self.choices.pick(&PLAIN);
                (
                    format!("count(DISTINCT {})", self.scalar(scope, ty, 1)),
                    Type::Int,
                )
            }
            7 => (
                format!("sum(DISTINCT {})", self.scalar(scope, Type::Int, 1)),
                Type::Int,
            ),
            8 => {
                let name = self.choices.pick(&["bool_and", "bool_or"]);
                (
                    format!("{name}({})", self.scalar(scope, Type::Bool, 1)),
                    Type::Bool,
                )
            }
            9 => {
                let name = self
                    .choices
                    .pick(&["stddev_samp", "var_pop", "stddev_pop", "var_samp"]);
                (
                    format!("{name}({})", self.scalar(scope, Type::Int, 1)),
                    Type::Fuzzy,
                )
            }
            10 => {
                let value = self.scalar(scope, Type::Text, 1);
                (
                    format!("string_agg({value}, ',' ORDER BY {value})"),
                    Type::Text,
                )
            }
            11 => {
                let value = self.scalar(scope, Type::Int, 1);
                (format!("list({value} ORDER BY {value})"), Type::List)
            }
            12 => {
                let name = self.choices.pick(&["median", "skewness"]);
                (
                    format!("{name}({})", self.scalar(scope, Type::Int, 1)),
                    Type::Fuzzy,
                )
            }
            _ => {
                let name = self.choices.pick(&["bit_and", "bit_or", "bit_xor"]);
                (
                    format!("{name}({})", self.scalar(scope, Type::Int, 1)),
                    Type::Int,
                )
            }
        };
        (format!("{sql}{filter}"), ty)
    }
}

fn relation_scope(alias: &str, columns: &[(&str, Type)], unique: bool) -> Scope {
    Scope {
        columns: columns
            .iter()
            .map(|(name, ty)| Column {
                sql: format!("{alias}.{name}"),
                ty: *ty,
            })
            .collect(),
        unique: unique.then(|| format!("{alias}.id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplest_query_is_simple() {
        let generated = generate(&mut Choices::from_list(Vec::new()));
        assert_eq!(generated.sql, "SELECT t1.id FROM facts t1");
    }

    #[test]
    fn limits_come_only_with_a_total_order() {
        for seed in 0..500 {
            let generated = generate(&mut Choices::from_seed(seed));
            if generated.order == Order::Any {
                assert!(
                    !generated.sql.ends_with(|c: char| c.is_ascii_digit())
                        || !generated.sql.contains(" OFFSET ")
                );
            } else {
                assert!(generated.sql.contains(" ORDER BY 1"), "{}", generated.sql);
            }
        }
    }
}
