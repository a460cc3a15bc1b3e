//! The types of expressions, as far as PostgreSQL tells more than DuckDB.

use skein_catalog::system;
use skein_catalog::types::Type;
use skein_catalog::types::oid::UNKNOWN;

use super::frames::Frame;
use super::{Origin, Output, RowColumns, Typmod, Walker, agreed, interned};
use crate::ast::visit::{self, Descend, Node};
use crate::ast::{
    Comparison, DataType, Expr, ExprKind, Function, QueryBody, Select, Subquery, SubqueryKind,
    print,
};
use crate::postgres::candidates::{self, Argument};
use crate::postgres::{
    has_modifier, length_typmod, makes_json, shows_arguments, symbols, system_column, tokens,
    written_type,
};

/// Functions whose result is that of their first argument.
const LIKE_FIRST: &[&str] = &[
    "first",
    "last",
    "any_value",
    "nullif",
    "first_value",
    "last_value",
    "nth_value",
    "lag",
    "lead",
    "mode",
    "array_remove",
    "array_append",
    "array_cat",
];

/// What a function returns, where that does not depend on its arguments.
fn result(name: &str) -> Option<&'static str> {
    match name {
        "to_regclass" => interned("regclass"),
        "to_regtype" => interned("regtype"),
        "to_regproc" => interned("regproc"),
        "to_regnamespace" => interned("regnamespace"),
        "to_regrole" => interned("regrole"),
        "aclexplode" | "pg_identify_object" => interned("record"),
        // Casts, written as functions.
        "regclass" | "regtype" | "regproc" | "regprocedure" | "regnamespace" | "regrole" => {
            interned(name)
        }
        // Other functions give names as texts.
        _ => system::function_type(name).filter(|ty| !ty.starts_with("reg")),
    }
}

/// The type of what PostgreSQL reads as a call without parentheses.
fn keyword(name: &str) -> Option<&'static str> {
    let is_name = matches!(
        name,
        "current_catalog"
            | "current_schema"
            | "current_user"
            | "session_user"
            | "current_role"
            | "user"
    );
    is_name.then(|| interned("name")).flatten()
}

/// The type of several operands together: what clients are told, and what is known beyond that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Common {
    ty: Option<&'static str>,
    pub(super) inferred: Option<&'static str>,
}

impl Common {
    fn of(name: &str) -> Self {
        Self {
            ty: interned(name),
            inferred: interned(name),
        }
    }
}

/// The type of a constant.
fn constant(expr: &Expr) -> Common {
    let inferred = match &expr.kind {
        ExprKind::Constant(constant) if !is_untyped(expr) => match constant.ty.id() {
            "DECIMAL" | "HUGEINT" | "DOUBLE" => interned("numeric"),
            "BOOLEAN" => interned("bool"),
            _ => None,
        },
        _ => None,
    };
    Common {
        ty: integer(expr),
        inferred,
    }
}

/// Mirrors `select_common_type` for two types.
fn common_of(one: Option<&'static str>, other: Option<&'static str>) -> Option<&'static str> {
    let (one, other) = (one?, other?);
    let (from, to) = (system::type_oid(one)?, system::type_oid(other)?);
    let (category, is_preferred) = system::category(from)?;
    if from == to {
        return Some(one);
    }
    if system::category(to)?.0 != category {
        return None;
    }
    let is_wider =
        !is_preferred && system::is_implicit_cast(from, to) && !system::is_implicit_cast(to, from);
    Some(if is_wider { other } else { one })
}

/// How an operator is written; those over NULL as well are the same for what they take.
fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal | Comparison::NotDistinct => "=",
        Comparison::NotEqual | Comparison::Distinct => "<>",
        Comparison::Less => "<",
        Comparison::Greater => ">",
        Comparison::LessOrEqual => "<=",
        Comparison::GreaterOrEqual => ">=",
    }
}

impl Walker<'_> {
    /// What an expression is. Looks into all of it, for parameters.
    pub(super) fn expr(&mut self, expr: &Expr, frames: &[Frame]) -> Output {
        let common = match &expr.kind {
            ExprKind::ColumnRef(names) => return column(names, frames),
            ExprKind::Cast { child, ty, .. } => return self.cast(expr, child, ty, frames),
            ExprKind::Function(call) => return self.call(call, expr.location, frames),
            ExprKind::Window(call) => {
                let mut args: Vec<&Expr> = call.args.iter().collect();
                args.extend(call.offset_expr.iter().chain(&call.default_expr));
                let (args, inferred) = self.arguments(&call.name, &args, frames);
                self.children(expr, frames);
                let first = args.first();
                let first = first.filter(|_| LIKE_FIRST.contains(&call.name.as_str()));
                Common {
                    ty: first.and_then(|first| first.ty),
                    inferred,
                }
            }
            ExprKind::Comparison { op, left, right } => {
                if self.operator(symbol(*op), left, right, frames).is_none() {
                    self.alike(&[left, right], frames);
                }
                Common::of("bool")
            }
            ExprKind::Between {
                input,
                lower,
                upper,
            } => {
                self.alike(&[input, lower, upper], frames);
                Common::of("bool")
            }
            ExprKind::Operator { op, children } => {
                let special = self.special(op, children, frames);
                special.unwrap_or_else(|| {
                    self.children(expr, frames);
                    Common::default()
                })
            }
            ExprKind::Case { checks, otherwise } => {
                for (when, _) in checks {
                    self.expr(when, frames);
                }
                // PostgreSQL looks at ELSE first.
                let mut results: Vec<&Expr> = vec![otherwise];
                results.extend(checks.iter().map(|(_, then)| then));
                self.alike(&results, frames)
            }
            ExprKind::Constant(_) => constant(expr),
            ExprKind::Collate { child, .. } => {
                let inner = self.expr(child, frames);
                Common {
                    ty: inner.ty,
                    inferred: inner.inferred,
                }
            }
            ExprKind::Subquery(subquery) => self.subquery(subquery, frames),
            _ => {
                self.children(expr, frames);
                Common::default()
            }
        };
        Output {
            ty: common.ty,
            inferred: common.inferred,
            ..Output::default()
        }
    }

    fn cast(&mut self, expr: &Expr, child: &Expr, to: &DataType, frames: &[Frame]) -> Output {
        let inner = self.expr(child, frames);
        let ty = expr
            .location
            .and_then(|at| written_type(self.text, at))
            .and_then(|name| interned(&name));
        if let Some(ty) = ty {
            self.parameter(child, ty);
        }
        let is_text = |ty| {
            matches!(
                ty,
                Some("text" | "varchar" | "name" | "_text" | "_varchar" | "_name")
            )
        };
        if ty.is_some_and(is_shown_by_name) && is_text(inner.known()) {
            self.named.extend(expr.location);
        }
        if is_text(ty)
            && let Some(reg) = inner.ty.filter(|ty| is_shown_by_name(ty))
            && let Some(at) = expr.location
        {
            self.shown.insert(at, reg);
        }
        let modified = expr.location.is_some_and(|at| has_modifier(self.text, at));
        let typmod = match length_typmod(expr, self.text) {
            Some(typmod) => Typmod::Is(typmod),
            None if modified => Typmod::Held,
            None => Typmod::None,
        };
        // The text does not tell that of a typed constant.
        let held = || Type::parse(&print::type_sql(to)).ok();
        Output {
            name: inner.name,
            ty,
            inferred: ty.or_else(|| system::type_name(held()?.pg().oid)),
            typmod,
            ..Output::default()
        }
    }

    /// What is an operator in the tree, and something of its own in SQL; `None` for others.
    fn special(&mut self, op: &str, children: &[Expr], frames: &[Frame]) -> Option<Common> {
        let all: Vec<&Expr> = children.iter().collect();
        Some(match op {
            "COMPARE_IN" | "COMPARE_NOT_IN" => {
                self.alike(&all, frames);
                Common::of("bool")
            }
            "OPERATOR_COALESCE" => self.alike(&all, frames),
            "ARRAY_CONSTRUCTOR" => {
                let common = self.alike(&all, frames);
                let is_open = !all.is_empty() && all.iter().all(|it| is_untyped(it));
                let texts = || is_open.then(|| interned("text")).flatten();
                Common {
                    ty: common.ty.and_then(array_of),
                    inferred: common.inferred.or_else(texts).and_then(array_of),
                }
            }
            "ARRAY_EXTRACT" => {
                let types: Vec<Output> = all.iter().map(|it| self.expr(it, frames)).collect();
                let array = types.first().and_then(|it| it.ty);
                // A subscript itself has no place in the text.
                self.vector(array, all.first().and_then(|it| it.location));
                let known = types.first().and_then(Output::known);
                Common {
                    ty: array.and_then(element_of),
                    inferred: known.and_then(element_of),
                }
            }
            "ARRAY_SLICE" => {
                let types: Vec<Output> = all.iter().map(|it| self.expr(it, frames)).collect();
                let array = types.first();
                Common {
                    ty: array.and_then(|it| it.ty),
                    inferred: array.and_then(Output::known),
                }
            }
            _ => return None,
        })
    }

    /// Notes a place where elements are counted from 0.
    fn vector(&mut self, array: Option<&str>, location: Option<usize>) {
        if matches!(array, Some("int2vector" | "oidvector" | "name")) {
            self.vectors.extend(location);
        }
    }

    /// Notes operands of `||` that are shown by name. Looks at columns and casts only: what is inside of
    /// operands has been looked at, and again at each level would be too often.
    fn concatenated(&mut self, call: &Function, frames: &[Frame]) {
        let is_array = |operand: &Expr| match &operand.kind {
            ExprKind::Operator { op, .. } => op == "ARRAY_CONSTRUCTOR",
            ExprKind::Cast { ty, .. } => matches!(ty.id(), "LIST" | "ARRAY"),
            ExprKind::ColumnRef(names) => {
                let ty = column(names, frames).ty;
                ty.is_some_and(|ty| ty.starts_with('_'))
            }
            _ => false,
        };
        if !shows_arguments(&call.name) || call.args.iter().any(is_array) {
            return;
        }
        for operand in &call.args {
            let ty = match &operand.kind {
                ExprKind::ColumnRef(names) => column(names, frames).ty,
                ExprKind::Cast { .. } => operand
                    .location
                    .and_then(|at| written_type(self.text, at))
                    .and_then(|name| interned(&name)),
                _ => None,
            };
            let reg = ty.filter(|ty| is_shown_by_name(ty));
            self.shown.extend(operand.location.zip(reg));
        }
    }

    fn call(&mut self, call: &Function, location: Option<usize>, frames: &[Frame]) -> Output {
        let mut all: Vec<&Expr> = call.args.iter().collect();
        // What WITHIN GROUP orders is an argument in `pg_proc`.
        let function = match call.name.as_str() {
            "quantile_cont" => "percentile_cont",
            "quantile_disc" => "percentile_disc",
            name => name,
        };
        if function != call.name {
            all.extend(call.order_by.iter().map(|it| &it.expr));
        }
        let (args, inferred) = match all.as_slice() {
            // `~` is a function in the tree.
            [left, right] if quantified(right).is_some() => {
                let element = self.expr(left, frames).known();
                if let Some(array) = quantified(right) {
                    self.expr(array, frames);
                    if let Some(ty) = element.and_then(array_of) {
                        self.parameter(array, ty);
                    }
                }
                (Vec::new(), interned("bool"))
            }
            [left, right] if call.is_operator => {
                let choice = self.operator(symbols::written(&call.name), left, right, frames);
                (Vec::new(), choice)
            }
            _ => self.arguments(function, &all, frames),
        };
        for extra in call
            .filter
            .iter()
            .chain(call.order_by.iter().map(|it| &it.expr))
        {
            self.expr(extra, frames);
        }
        let name = call.name.to_lowercase();
        let first = args.first().and_then(|it| it.ty);
        if matches!(
            name.as_str(),
            "generate_subscripts" | "array_lower" | "array_upper"
        ) {
            self.vector(first, location);
        }
        if call.is_operator {
            self.concatenated(call, frames);
        } else if shows_arguments(&name) {
            let of_json = makes_json(&name);
            for (argument, output) in call.args.iter().zip(&args) {
                let is_told = |ty: &&str| is_shown_by_name(ty) || of_json && is_number(ty);
                let ty = output.ty.filter(is_told);
                self.shown.extend(argument.location.zip(ty));
                // A constructor has no place of its own: its elements have.
                let element = ty.and_then(element_of);
                for child in array_elements(argument) {
                    self.shown.extend(child.location.zip(element));
                }
                if of_json && let Some((at, row)) = whole_row(argument, frames) {
                    self.rows.insert(at, row);
                }
            }
        }
        let ty = if matches!(name.as_str(), "min" | "max") {
            // They exist for text, which these become.
            first.map(|ty| match ty {
                "name" | "varchar" | "char" => "text",
                other => other,
            })
        } else if LIKE_FIRST.contains(&name.as_str()) {
            first
        } else {
            match name.as_str() {
                "array_agg" | "list" => first.and_then(array_of),
                "list_value" => self.alike(&all, frames).ty.and_then(array_of),
                "array_extract" | "unnest" => first.and_then(element_of),
                "generate_series" if call.args.iter().all(is_integer) => interned("int4"),
                name => result(name),
            }
        };
        Output {
            name: if call.is_operator {
                String::new()
            } else {
                call.name.clone()
            },
            ty,
            inferred: ty.or(inferred),
            ..Output::default()
        }
    }

    /// Looks at the arguments of a function, and gives parameters among them the types that it takes; what is
    /// known of each, and of the function's result.
    fn arguments(
        &mut self,
        name: &str,
        args: &[&Expr],
        frames: &[Frame],
    ) -> (Vec<Output>, Option<&'static str>) {
        let outputs: Vec<Output> = args.iter().map(|it| self.expr(it, frames)).collect();
        let known: Vec<Argument> = args
            .iter()
            .zip(&outputs)
            .map(|(arg, output)| self.argument(arg, output))
            .collect();
        let Some(choice) = candidates::function(&name.to_lowercase(), &known) else {
            return (outputs, None);
        };
        for (arg, ty) in args.iter().zip(&choice.arguments) {
            if let Some(ty) = ty.and_then(system::type_name) {
                self.parameter(arg, ty);
            }
        }
        (outputs, choice.result.and_then(system::type_name))
    }

    /// Looks at two operands, and gives a parameter among them the type that the operator takes; the type of
    /// the operator's result, if there is one operator that can be meant.
    fn operator(
        &mut self,
        name: &str,
        left: &Expr,
        right: &Expr,
        frames: &[Frame],
    ) -> Option<&'static str> {
        let [one, other] = [left, right].map(|it| {
            let output = self.expr(it, frames);
            self.argument(it, &output)
        });
        let choice = candidates::operator(name, one, other)?;
        for (operand, ty) in [left, right].into_iter().zip(&choice.arguments) {
            if let Some(ty) = ty.and_then(system::type_name) {
                self.parameter(operand, ty);
            }
        }
        choice.result.and_then(system::type_name)
    }

    /// What is known of the type of an argument.
    fn argument(&self, expr: &Expr, output: &Output) -> Argument {
        let known = match &expr.kind {
            ExprKind::Parameter(name) => self.parameter_type(name),
            _ if is_untyped(expr) => None,
            _ => match output.known().and_then(system::type_oid) {
                Some(oid) => return Argument::Is(oid),
                None => return Argument::Hidden,
            },
        };
        known.map_or(Argument::Open, Argument::Is)
    }

    /// The type of a parameter that the client has chosen, or that was found before.
    fn parameter_type(&self, name: &str) -> Option<u32> {
        let number: usize = name.parse().ok()?;
        let declared = self.declared.get(number.checked_sub(1)?).copied();
        declared
            .filter(|oid| !matches!(*oid, 0 | UNKNOWN))
            .or_else(|| system::type_oid(self.parameters.get(&number)?))
    }

    /// Operands of which PostgreSQL makes one type: that of those that have one. A parameter among
    /// them gets it.
    pub(super) fn alike(&mut self, operands: &[&Expr], frames: &[Frame]) -> Common {
        let found: Vec<Output> = operands
            .iter()
            .filter_map(|operand| {
                let output = self.expr(operand, frames);
                let chosen = self.chosen(operand).map(|ty| Output {
                    ty: Some(ty),
                    ..Output::default()
                });
                chosen.or_else(|| (!is_untyped(operand)).then_some(output))
            })
            .collect();
        let Some(first) = found.first() else {
            // Among each other they are texts, if nothing else tells.
            for operand in operands {
                if let ExprKind::Parameter(name) = &operand.kind {
                    self.texts.extend(name.parse::<usize>());
                }
            }
            return Common::default();
        };
        let rest = &found[1..];
        let common = Common {
            ty: rest.iter().fold(first.ty, |ty, it| agreed(ty, it.ty)),
            inferred: rest
                .iter()
                .fold(first.known(), |ty, it| common_of(ty, it.known())),
        };
        if let Some(ty) = common.inferred.or(common.ty).or(first.known()) {
            for operand in operands {
                self.beside(operand, ty);
            }
        }
        common
    }

    /// The type that the client has chosen for what is a parameter.
    fn chosen(&self, expr: &Expr) -> Option<&'static str> {
        let ExprKind::Parameter(name) = &expr.kind else {
            return None;
        };
        let number: usize = name.parse().ok()?;
        let declared = self.declared.get(number.checked_sub(1)?).copied();
        system::type_name(declared.filter(|oid| *oid != UNKNOWN)?)
    }

    /// Notes the type of what stands beside others of this type: of a parameter, or of the text of an array.
    pub(super) fn beside(&mut self, expr: &Expr, ty: &'static str) {
        self.parameter(expr, ty);
        if let ExprKind::Constant(constant) = &expr.kind
            && constant.value.is_string()
            && ty.starts_with('_')
            && let Some(location) = expr.location
        {
            self.arrays.insert(location, ty);
        }
    }

    /// Notes the type of a parameter, if `expr` is one.
    pub(super) fn parameter(&mut self, expr: &Expr, ty: &'static str) {
        if let ExprKind::Parameter(name) = &expr.kind
            && let Ok(number) = name.parse()
        {
            self.parameters.entry(number).or_insert(ty);
        }
    }

    fn subquery(&mut self, subquery: &Subquery, frames: &[Frame]) -> Common {
        let columns = self.query(&subquery.query, frames);
        let first = columns.as_ref().and_then(|it| it.first());
        let first = first.map_or_else(Common::default, |it| Common {
            ty: it.ty,
            inferred: it.known(),
        });
        let boolean = Common::of("bool");
        match subquery.kind {
            SubqueryKind::Exists | SubqueryKind::NotExists => boolean,
            SubqueryKind::Any => {
                if let Some(child) = &subquery.child {
                    let ty = self.expr(child, frames).known();
                    if let Some(ty) = first.inferred {
                        self.parameter(child, ty);
                    }
                    if let Some(array) = ty.and_then(array_of)
                        && let Some(list) = unnested(&subquery.query)
                    {
                        self.parameter(list, array);
                    }
                }
                boolean
            }
            SubqueryKind::Scalar => match array_subquery(&subquery.query) {
                Some(inner) => {
                    let columns = self.query(inner, frames).unwrap_or_default();
                    let element = columns.first();
                    Common {
                        ty: element.and_then(|it| it.ty).and_then(array_of),
                        inferred: element.and_then(Output::known).and_then(array_of),
                    }
                }
                None => first,
            },
        }
    }

    /// Looks for parameters in what is inside of an expression.
    fn children(&mut self, expr: &Expr, frames: &[Frame]) {
        let mut inside: Vec<Expr> = Vec::new();
        let mut top = true;
        visit::walk(Node::Expr(expr), &mut |node| match node {
            Node::Expr(_) if std::mem::take(&mut top) => Descend::Into,
            Node::Expr(child) => {
                inside.push(child.clone());
                Descend::Over
            }
            _ => Descend::Over,
        });
        for child in &inside {
            self.expr(child, frames);
        }
    }
}

/// The column that a name means.
fn column(names: &[String], frames: &[Frame]) -> Output {
    let found = match names {
        [name] => frames
            .iter()
            .find_map(|frame| frame.column(name))
            .cloned()
            .or_else(|| {
                let mut frames = frames.iter();
                frames.find_map(|frame| of_the_system(name, frame))
            })
            .or_else(|| {
                let ty = keyword(&name.to_lowercase())?;
                Some(Output {
                    name: name.clone(),
                    ty: Some(ty),
                    ..Output::default()
                })
            }),
        [.., relation, name] => frames
            .iter()
            .find(|frame| frame.is_called(relation))
            .and_then(|frame| {
                let column = frame.column(name).cloned();
                column.or_else(|| of_the_system(name, frame))
            }),
        [] => None,
    };
    found.unwrap_or_else(|| Output {
        name: names.last().cloned().unwrap_or_default(),
        ..Output::default()
    })
}

/// Whether values of a type, or of arrays of it, are OIDs that are shown by name.
fn is_shown_by_name(ty: &str) -> bool {
    ty.trim_start_matches('_').starts_with("reg")
}

/// Whether it is a type of numbers that are texts in JSON, or of lists of them.
fn is_number(ty: &str) -> bool {
    matches!(ty, "oid" | "xid" | "cid" | "_oid" | "_xid" | "oidvector")
}

/// What an array is made of, where it says so.
fn array_elements(expr: &Expr) -> &[Expr] {
    match &expr.kind {
        ExprKind::Operator { op, children } if op == "ARRAY_CONSTRUCTOR" => children,
        _ => &[],
    }
}

/// The place and the columns of an argument that is a whole row, where some of them look otherwise in JSON than
/// DuckDB has them.
fn whole_row(expr: &Expr, frames: &[Frame]) -> Option<(usize, RowColumns)> {
    let ExprKind::ColumnRef(names) = &expr.kind else {
        return None;
    };
    let [name] = names.as_slice() else {
        return None;
    };
    if frames.iter().any(|frame| frame.column(name).is_some()) {
        return None;
    }
    let frame = frames.iter().find(|frame| frame.is_called(name))?;
    let columns = frame.columns.as_ref()?;
    let differs = |ty: &str| is_shown_by_name(ty) || is_number(ty);
    if !columns.iter().any(|column| column.ty.is_some_and(differs)) {
        return None;
    }
    let columns = columns.iter().map(|it| (it.name.clone(), it.ty));
    Some((expr.location?, columns.collect()))
}

/// A system column of a relation, such as `tableoid`.
fn of_the_system(name: &str, frame: &Frame) -> Option<Output> {
    let (number, ty) = system_column(name)?;
    let first = frame.columns.as_ref()?.first()?.origin.as_ref()?;
    Some(Output {
        name: name.to_owned(),
        ty: Some(interned(ty)?),
        origin: Some(Origin {
            source: first.source.clone(),
            number,
        }),
        ..Output::default()
    })
}

/// Has no type of its own in PostgreSQL: takes that of its neighbours.
pub(super) fn is_untyped(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Parameter(_) => true,
        ExprKind::Constant(constant) => constant.value.is_string() || constant.value.is_null(),
        _ => false,
    }
}

fn is_integer(expr: &Expr) -> bool {
    integer(expr) == Some("int4")
}

/// The type of an integer constant.
fn integer(expr: &Expr) -> Option<&'static str> {
    let ExprKind::Constant(constant) = &expr.kind else {
        return None;
    };
    // The value of 1.50 is 150 as well.
    if !matches!(constant.ty.id(), "INTEGER" | "BIGINT") {
        return None;
    }
    let value = constant.value.as_i64()?;
    interned(if i32::try_from(value).is_ok() {
        "int4"
    } else {
        "int8"
    })
}

/// `$1` of `_n_($1)`: how the tokens have `LIKE ANY ($1)`.
fn quantified(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Function(call)
            if matches!(call.name.as_str(), tokens::ANY | tokens::SOME | tokens::ALL) =>
        {
            call.args.first()
        }
        _ => None,
    }
}

/// `$1` of `unnest($1)`: how the parser writes `= ANY($1)`.
fn unnested(query: &crate::ast::Query) -> Option<&Expr> {
    let QueryBody::Select(select) = &query.body else {
        return None;
    };
    let [item] = select.select_list.as_slice() else {
        return None;
    };
    match &item.kind {
        ExprKind::Function(call) if call.name == "unnest" => call.args.first(),
        _ => None,
    }
}

/// The query of `ARRAY(query)`, which the parser wraps into an aggregate.
fn array_subquery(query: &crate::ast::Query) -> Option<&crate::ast::Query> {
    let QueryBody::Select(select) = &query.body else {
        return None;
    };
    let Select {
        select_list, from, ..
    } = &**select;
    let [item] = select_list.as_slice() else {
        return None;
    };
    let is_wrapped = item.location.is_none() && matches!(item.kind, ExprKind::Case { .. });
    match &from.kind {
        crate::ast::TableRefKind::Subquery(inner) if is_wrapped => Some(inner),
        _ => None,
    }
}

/// The array type of elements of this type.
pub(super) fn array_of(ty: &str) -> Option<&'static str> {
    interned(&format!("_{ty}"))
}

/// The type of elements of this array type.
fn element_of(ty: &str) -> Option<&'static str> {
    match ty {
        "int2vector" => interned("int2"),
        "oidvector" => interned("oid"),
        "name" => interned("char"),
        _ => interned(ty.strip_prefix('_')?),
    }
}
