//! SQL's path language over `jsonb`, as expressions over lists of documents.
//!
//! ```text
//! $.a[*].b                   ─► member(elements(member([doc], 'a')), 'b')
//! $.a ? (@.n > 1).name       ─► member(list_filter(member(…), lambda s: compared(n of s, [1])), 'name')
//! ```
//!
//! Each step is a macro from a list of texts to another; a filter is a lambda. Where PostgreSQL
//! stops with an error, the list ends with an item that begins with `!`, which no document does: a
//! condition in which it turns up is unknown, a function that is silent drops it, any other raises
//! it. So what comes before an error is there, as in PostgreSQL, and nothing is computed here.
//!
//! Left out is `.datetime()`. Paths have to be constants.

mod parse;

use parse::{Method, Node, Path, Step};

use super::{RewriteError, node, regex};
use crate::ast::{Comparison, Expr, ExprKind, Function, TableRef, TableRefKind};

const FN: &str = skein_executor_api::functions::SCHEMA;

/// Why a path cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Nothing but spaces.
    #[error("invalid input syntax for type jsonpath: \"\"")]
    Empty,
    /// It goes on where it should not.
    #[error("syntax error at or near \"{0}\" of jsonpath input")]
    Near(String),
    /// It ends too early.
    #[error("syntax error at end of jsonpath input")]
    End,
    /// A string without end.
    #[error("unterminated quoted string at end of jsonpath input")]
    Quote,
    /// A comment without end.
    #[error("unexpected end of comment at end of jsonpath input")]
    Comment,
    /// `\u` without digits.
    #[error("invalid Unicode escape sequence in jsonpath input")]
    Escape,
    /// `1a`, `01`
    #[error("trailing junk after numeric literal at or near \"{0}\" of jsonpath input")]
    Junk(String),
    /// `@` where nothing is tested.
    #[error("@ is not allowed in root expressions")]
    CurrentOutside,
    /// `last` where nothing is counted.
    #[error("LAST is allowed only in array subscripts")]
    LastOutside,
    /// A letter after `flag`.
    #[error("invalid input syntax for type jsonpath")]
    Flag(char),
    /// `flag "x"`
    #[error("XQuery \"x\" flag (expanded regular expressions) is not implemented")]
    Expanded,
    /// `.datetime()`
    #[error("jsonpath item method .datetime() is not supported")]
    Datetime,
    /// Too much of it within each other.
    #[error("jsonpath is nested too deeply")]
    Depth,
    /// A pattern after `like_regex`.
    #[error(transparent)]
    Regex(#[from] regex::RegexFault),
}

impl PathFault {
    /// More about it, as a sentence.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Flag(letter) => Some(format!(
                "Unrecognized flag character \"{letter}\" in LIKE_REGEX predicate."
            )),
            _ => None,
        }
    }
}

/// Whether a function over a path returns one value, rather than rows.
pub(super) fn is_value(name: &str) -> bool {
    matches!(
        name.strip_suffix("_tz").unwrap_or(name),
        "jsonb_path_exists"
            | "jsonb_path_match"
            | "jsonb_path_query_array"
            | "jsonb_path_query_first"
    )
}

/// The arguments of a function over a path.
struct Arguments<'a> {
    document: &'a Expr,
    path: &'a str,
    position: Option<usize>,
    variables: Option<&'a Expr>,
    silent: Option<&'a Expr>,
}

/// What a function is called with, or `None` if it is none over a path.
fn arguments(call: &Function) -> Option<Result<Arguments<'_>, RewriteError>> {
    if !matches!(call.schema.as_str(), "" | "pg_catalog" | FN)
        || !is_value(&call.name)
            && !matches!(
                call.name.as_str(),
                "jsonb_path_query" | "jsonb_path_query_tz"
            )
    {
        return None;
    }
    let mut slots: [Option<&Expr>; 4] = [None; 4];
    for (index, argument) in call.args.iter().enumerate() {
        let slot = match argument.alias.as_str() {
            "" => index,
            "target" => 0,
            "path" => 1,
            "vars" => 2,
            "silent" => 3,
            _ => return None,
        };
        if slots.get(slot)?.is_some() {
            return None;
        }
        slots[slot] = Some(argument);
    }
    let [Some(document), Some(path), variables, silent] = slots else {
        return None;
    };
    let Some(text) = constant(path) else {
        return Some(Err(RewriteError::NotConstant {
            function: call.name.clone(),
            position: path.location,
        }));
    };
    Some(Ok(Arguments {
        document,
        path: text,
        position: path.location,
        variables,
        silent,
    }))
}

/// The text of a path, perhaps with its type.
fn constant(path: &Expr) -> Option<&str> {
    match &path.kind {
        ExprKind::Cast { child, ty, .. } if node::user_type(&ty.0) == Some("jsonpath") => {
            node::constant_text(child)
        }
        _ => node::constant_text(path),
    }
}

/// Says what is wrong with the path of a call.
pub(super) fn check(call: &Function) -> Result<(), RewriteError> {
    match arguments(call) {
        None => Ok(()),
        Some(Err(error)) => Err(error),
        Some(Ok(arguments)) => made(call, &arguments).map(|_| ()),
    }
}

/// Says what is wrong with the path of a function in FROM.
pub(super) fn table(table: &TableRef) -> Result<(), RewriteError> {
    match &table.kind {
        TableRefKind::Function { call, .. } => match &call.kind {
            ExprKind::Function(call) => check(call),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What a call of a function over a path becomes: a value, or a list of documents for those that
/// return rows. [`check`] has been asked before.
pub(super) fn call(call: &Function) -> Option<Expr> {
    let arguments = arguments(call)?.ok()?;
    made(call, &arguments).ok()
}

fn made(call: &Function, arguments: &Arguments<'_>) -> Result<Expr, RewriteError> {
    let fail = |fault| RewriteError::JsonPath {
        fault,
        position: arguments.position,
    };
    let path = parse::parse(arguments.path).map_err(fail)?;
    let plain = |expr: &Expr| Expr {
        alias: String::new(),
        ..expr.clone()
    };
    let jsonb = |expr: &Expr| node::cast(plain(expr), node::named_type("jsonb"));
    let text = |expr: Expr| node::cast(expr, node::plain_type("VARCHAR"));
    let silent = arguments.silent.map_or_else(|| node::boolean(false), plain);
    let (root, variables) = (reference(ROOT), reference(VARIABLES));
    let mut maker = Maker {
        lax: path.lax,
        ignores: path.lax,
        root: text(root.clone()),
        variables: text(variables),
        current: Vec::new(),
        last: Vec::new(),
        names: 0,
    };
    let name = call.name.strip_suffix("_tz").unwrap_or(&call.name);
    let found = maker.result(name, &path, silent).map_err(fail)?;
    let used = used(&path.node);
    let found = if arguments.variables.is_none() && used.is_empty() {
        found
    } else {
        let names = used.iter().map(|name| node::text(name)).collect();
        let names = node::cast(node::array(names), node::list_type("VARCHAR"));
        let none = node::text("{}");
        let given = jsonb(arguments.variables.unwrap_or(&none));
        let checked = node::call(FN, "skein_path_variables", vec![given, names]);
        node::with_variable(VARIABLES, checked, |_| found)
    };
    // A function that is given NULL gives NULL.
    let present = |of: Expr, value| {
        let given = node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NOT_NULL".to_owned(),
            children: vec![of],
        });
        node::expr(ExprKind::Case {
            checks: vec![(given, value)],
            otherwise: Box::new(node::null()),
        })
    };
    let found = match arguments.variables {
        Some(given) => present(plain(given), found),
        None => found,
    };
    let found = present(root, found);
    Ok(node::with_variable(ROOT, jsonb(arguments.document), |_| {
        found
    }))
}

const ROOT: &str = "path_root__";
const VARIABLES: &str = "path_variables__";

fn reference(name: &str) -> Expr {
    node::expr(ExprKind::ColumnRef(vec![name.to_owned()]))
}

/// The names of variables in a path.
fn used(node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    collect(node, &mut names);
    names
}

fn collect(node: &Node, names: &mut Vec<String>) {
    match node {
        Node::Variable(name) => names.push(name.clone()),
        Node::Signed(_, inner)
        | Node::Not(inner)
        | Node::IsUnknown(inner)
        | Node::Exists(inner)
        | Node::LikeRegex(inner, ..) => collect(inner, names),
        Node::Arithmetic(_, left, right)
        | Node::Compare(_, left, right)
        | Node::Join { left, right, .. }
        | Node::StartsWith(left, right) => {
            collect(left, names);
            collect(right, names);
        }
        Node::Chain(first, steps) => {
            collect(first, names);
            for step in steps {
                match step {
                    Step::Filter(test) => collect(test, names),
                    Step::Elements(places) => {
                        for (from, to) in places {
                            collect(from, names);
                            if let Some(to) = to {
                                collect(to, names);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        Node::Root
        | Node::Current
        | Node::Last
        | Node::Null
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Text(_) => {}
    }
}

struct Maker {
    lax: bool,
    /// What is missing is no error: in lax mode, and after `.**`.
    ignores: bool,
    /// The document, as text.
    root: Expr,
    /// The variables, as text of an object.
    variables: Expr,
    /// What the filters around look at, innermost last.
    current: Vec<Expr>,
    /// The last place of the arrays whose subscripts these are, innermost last.
    last: Vec<Expr>,
    /// How many variables of lambdas there are.
    names: usize,
}

impl Maker {
    /// What a function makes of what a path finds.
    fn result(&mut self, name: &str, path: &Path, silent: Expr) -> Result<Expr, PathFault> {
        let exists = name == "jsonb_path_exists";
        let list = match &path.node {
            // Whether there is a number to give a sign to: others do not matter then.
            Node::Signed(_, inner) if exists && self.lax => {
                let list = self.opened(inner)?;
                node::call(FN, "skein_path_numbers", vec![list])
            }
            node => self.list(node)?,
        };
        Ok(if exists {
            let lax = node::boolean(self.lax);
            node::call(FN, "skein_path_exists", vec![list, lax, silent])
        } else {
            let name = match name {
                "jsonb_path_match" => "skein_path_match",
                "jsonb_path_query_array" => "skein_path_array",
                "jsonb_path_query_first" => "skein_path_first",
                _ => "skein_path_rows",
            };
            node::call(FN, name, vec![list, silent])
        })
    }

    fn mode(&self) -> Expr {
        node::text(match (self.lax, self.ignores) {
            (true, _) => "lax",
            (false, true) => "loose",
            (false, false) => "strict",
        })
    }

    /// The name of a new variable.
    fn variable(&mut self) -> Expr {
        self.names += 1;
        reference(&format!("path{}__", self.names))
    }

    /// What a value is.
    fn list(&mut self, of: &Node) -> Result<Expr, PathFault> {
        let one = |value: &str| node::array(vec![node::text(value)]);
        Ok(match of {
            Node::Root => node::array(vec![self.root.clone()]),
            Node::Current => {
                let current = self.current.last().ok_or(PathFault::CurrentOutside)?;
                node::array(vec![current.clone()])
            }
            Node::Last => {
                let last = self.last.last().ok_or(PathFault::LastOutside)?;
                node::array(vec![last.clone()])
            }
            Node::Null => one("null"),
            Node::Bool(true) => one("true"),
            Node::Bool(false) => one("false"),
            Node::Number(text) if text.contains(['e', 'E']) => node::array(vec![node::call(
                FN,
                "skein_jsonb_token",
                vec![node::text(text)],
            )]),
            Node::Number(text) => one(text),
            Node::Text(text) => one(&serde_json::Value::from(text.as_str()).to_string()),
            Node::Variable(name) => {
                let given = self.variables.clone();
                node::call(FN, "skein_path_variable", vec![given, node::text(name)])
            }
            Node::Signed(sign, inner) => {
                let list = self.opened(inner)?;
                node::call(FN, "skein_path_signed", vec![list, node::text(sign)])
            }
            Node::Arithmetic(op, left, right) => {
                let (left, right) = (self.opened(left)?, self.opened(right)?);
                node::call(FN, "skein_path_computed", vec![left, right, node::text(op)])
            }
            Node::Chain(first, steps) => {
                let ignores = self.ignores;
                let mut list = self.list(first)?;
                for step in steps {
                    list = self.step(list, step)?;
                }
                self.ignores = ignores;
                list
            }
            Node::Compare(..)
            | Node::Join { .. }
            | Node::Not(_)
            | Node::IsUnknown(_)
            | Node::Exists(_)
            | Node::StartsWith(..)
            | Node::LikeRegex(..) => {
                let test = self.condition(of)?;
                node::array(vec![node::call(FN, "skein_path_truth", vec![test])])
            }
        })
    }

    /// What a value is, where lax mode opens arrays.
    fn opened(&mut self, of: &Node) -> Result<Expr, PathFault> {
        let list = self.list(of)?;
        Ok(self.entered(list))
    }

    /// A list whose arrays a step opens, in lax mode.
    fn entered(&self, list: Expr) -> Expr {
        if self.lax { open(list) } else { list }
    }

    fn step(&mut self, list: Expr, step: &Step) -> Result<Expr, PathFault> {
        Ok(match step {
            Step::Member(key) => {
                let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                // A key that could be an index must not become one.
                let pointer = if key.starts_with(|c: char| c.is_ascii_digit()) {
                    format!("$.\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
                } else {
                    pointer
                };
                let pointer = node::text(&pointer);
                if self.ignores {
                    node::call(FN, "skein_path_member", vec![self.entered(list), pointer])
                } else {
                    let args = vec![list, pointer, node::text(key)];
                    node::call(FN, "skein_path_member_strict", args)
                }
            }
            Step::AnyMember if self.ignores => {
                node::call(FN, "skein_path_values", vec![self.entered(list)])
            }
            Step::AnyMember => node::call(FN, "skein_path_values_strict", vec![list]),
            Step::AnyElement => match (self.lax, self.ignores) {
                (true, _) => open(list),
                (_, true) => node::call(FN, "skein_path_elements_loose", vec![list]),
                _ => node::call(FN, "skein_path_elements_strict", vec![list]),
            },
            Step::Elements(places) => self.elements(list, places)?,
            Step::Levels { first, last } => {
                self.ignores = true;
                let level = |level: &parse::Level| {
                    node::integer("BIGINT", level.map_or(i64::from(u32::MAX), i64::from))
                };
                node::call(
                    FN,
                    "skein_path_levels",
                    vec![list, level(first), level(last)],
                )
            }
            Step::Filter(test) => {
                let list = self.entered(list);
                let current = self.variable();
                self.current.push(current.clone());
                let test = self.condition(test);
                self.current.pop();
                let fault = node::call(FN, "skein_path_is_fault", vec![current.clone()]);
                let kept = node::expr(ExprKind::Case {
                    checks: vec![(fault, node::boolean(true))],
                    otherwise: Box::new(test?),
                });
                node::call("", "list_filter", vec![list, lambda(current, kept)])
            }
            Step::Method(method) => {
                let name = match method {
                    Method::Abs => "abs",
                    Method::Ceiling => "ceiling",
                    Method::Double => "double",
                    Method::Floor => "floor",
                    Method::KeyValue => "keyvalue",
                    Method::Size => {
                        let name = if self.lax || self.ignores {
                            "skein_path_size"
                        } else {
                            "skein_path_size_strict"
                        };
                        return Ok(node::call(FN, name, vec![list]));
                    }
                    Method::Type => return Ok(node::call(FN, "skein_path_type", vec![list])),
                };
                let list = self.entered(list);
                match method {
                    Method::KeyValue => {
                        node::call(FN, "skein_path_pairs", vec![list, self.root.clone()])
                    }
                    _ => node::call(FN, "skein_path_number", vec![list, node::text(name)]),
                }
            }
        })
    }

    /// `[0, 2 to last]`
    fn elements(&mut self, list: Expr, places: &[(Node, Option<Node>)]) -> Result<Expr, PathFault> {
        if let [(Node::Number(place), None)] = places
            && self.lax
            && let Ok(place) = place.parse::<i32>()
        {
            let place = node::integer("INTEGER", i64::from(place));
            return Ok(node::call(FN, "skein_path_at", vec![list, place]));
        }
        let item = self.variable();
        let end = node::call(FN, "skein_path_last", vec![item.clone()]);
        self.last.push(end);
        let mut parts = Vec::new();
        let mut fault = None;
        for (from, to) in places {
            let found = self.list(from).and_then(|from| {
                let to = to.as_ref().map(|to| self.list(to)).transpose()?;
                Ok((from, to))
            });
            match found {
                Ok((from, Some(to))) => parts.push(node::call(
                    FN,
                    "skein_path_span",
                    vec![item.clone(), from, to, self.mode()],
                )),
                Ok((from, None)) => parts.push(node::call(
                    FN,
                    "skein_path_place",
                    vec![item.clone(), from, self.mode()],
                )),
                Err(error) => fault = Some(error),
            }
        }
        self.last.pop();
        if let Some(fault) = fault {
            return Err(fault);
        }
        let is_fault = node::call(FN, "skein_path_is_fault", vec![item.clone()]);
        let each = node::expr(ExprKind::Case {
            checks: vec![(is_fault, node::array(vec![item.clone()]))],
            otherwise: Box::new(node::call("", "flatten", vec![node::array(parts)])),
        });
        let all = node::call("", "list_transform", vec![list, lambda(item, each)]);
        let all = node::call("", "flatten", vec![all]);
        Ok(node::call(FN, "skein_path_cut", vec![all]))
    }

    fn comparison(&mut self, op: Comparison, left: &Node, right: &Node) -> Result<Expr, PathFault> {
        let (op, turned) = match op {
            Comparison::Equal => ("=", "="),
            Comparison::NotEqual => ("<>", "<>"),
            Comparison::Less => ("<", ">"),
            Comparison::LessOrEqual => ("<=", ">="),
            Comparison::Greater => (">", "<"),
            _ => (">=", "<="),
        };
        let strict = node::boolean(!self.lax);
        for (list, constant, op) in [(left, right, op), (right, left, turned)] {
            let (name, value) = match constant {
                Node::Number(text) => ("skein_path_compared_number", text.as_str()),
                Node::Text(text) => ("skein_path_compared_text", text.as_str()),
                Node::Null => ("skein_path_compared_word", "null"),
                Node::Bool(true) => ("skein_path_compared_word", "true"),
                Node::Bool(false) => ("skein_path_compared_word", "false"),
                _ => continue,
            };
            let args = vec![
                self.opened(list)?,
                node::text(value),
                node::text(op),
                strict,
            ];
            return Ok(node::call(FN, name, args));
        }
        let args = vec![
            self.opened(left)?,
            self.opened(right)?,
            node::text(op),
            strict,
        ];
        Ok(node::call(FN, "skein_path_compared", args))
    }

    /// A condition: true, false, or NULL where it is unknown.
    fn condition(&mut self, of: &Node) -> Result<Expr, PathFault> {
        let strict = node::boolean(!self.lax);
        Ok(match of {
            Node::Join { and, left, right } => node::expr(ExprKind::Conjunction {
                and: *and,
                children: vec![self.condition(left)?, self.condition(right)?],
            }),
            Node::Not(inner) => node::expr(ExprKind::Operator {
                op: "OPERATOR_NOT".to_owned(),
                children: vec![self.condition(inner)?],
            }),
            Node::IsUnknown(inner) => node::expr(ExprKind::Operator {
                op: "OPERATOR_IS_NULL".to_owned(),
                children: vec![self.condition(inner)?],
            }),
            Node::Exists(inner) => {
                let list = self.list(inner)?;
                node::call(FN, "skein_path_some", vec![list, strict])
            }
            Node::Compare(op, left, right) => self.comparison(*op, left, right)?,
            Node::StartsWith(left, right) => {
                let (left, right) = (self.opened(left)?, self.list(right)?);
                node::call(FN, "skein_path_starts", vec![left, right, strict])
            }
            Node::LikeRegex(left, pattern, options) => {
                let list = self.opened(left)?;
                let pattern = regex::translate(pattern, options)?.inline();
                node::call(
                    FN,
                    "skein_path_matches",
                    vec![list, node::text(&pattern), strict],
                )
            }
            // The parser has told conditions from values.
            _ => node::null(),
        })
    }
}

fn lambda(parameter: Expr, body: Expr) -> Expr {
    node::expr(ExprKind::Lambda {
        left: Box::new(parameter),
        right: Box::new(body),
    })
}

/// Opens arrays.
fn open(list: Expr) -> Expr {
    node::call(FN, "skein_path_all", vec![list])
}
