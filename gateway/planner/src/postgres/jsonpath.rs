//! The common part of SQL's path language, in lax mode, as expressions over lists of documents.
//!
//! ```text
//! $.a[*].b                   ─► member(all(member([doc], 'a')), 'b')
//! $.a ? (@.n > 1).name       ─► member(list_filter(all(member(…)), lambda s: n of s > 1), 'name')
//! ```
//!
//! Each step is a macro from a list of texts to another; a filter is a lambda. Strict mode,
//! arithmetic, variables, ranges of subscripts and comparisons of two paths are left out: then there
//! is no expression, and the function that was called does not exist.

use super::node;
use crate::ast::{Comparison, Expr, ExprKind, Function};

const FN: &str = skein_executor_api::functions::SCHEMA;

/// Filters in filters.
const DEPTH_MAX: usize = 8;

/// What a call of a function over a path becomes.
pub(super) fn call(call: &Function) -> Option<Expr> {
    let [document, path] = call.args.as_slice() else {
        return None;
    };
    let path = node::constant_text(path)?.to_owned();
    let name = call.name.as_str();
    let mut found = Some(());
    let whole = node::once(document.clone(), |document| {
        let text = node::cast(document, node::plain_type("VARCHAR"));
        let made = if name == "jsonb_path_match" {
            Reader::new(&path, &text).whole_predicate()
        } else {
            Reader::new(&path, &text)
                .whole_path()
                .map(|list| result(name, list))
        };
        made.unwrap_or_else(|| {
            found = None;
            node::null()
        })
    });
    found.map(|()| whole)
}

/// What a function makes of the list of what a path finds.
fn result(name: &str, list: Expr) -> Expr {
    let name = match name {
        "jsonb_path_exists" => "skein_path_found",
        "jsonb_path_query_array" => "skein_path_array",
        "jsonb_path_query_first" => "skein_path_first",
        _ => "skein_path_rows",
    };
    node::call(FN, name, vec![list])
}

struct Reader<'a> {
    rest: &'a str,
    /// The document, as text.
    root: &'a Expr,
    /// How many filters are around.
    depth: usize,
}

/// What a comparison compares with.
enum Literal {
    Number(String),
    String(String),
    /// `true`, `false`, `null`
    Word(&'static str),
}

impl<'a> Reader<'a> {
    fn new(path: &'a str, root: &'a Expr) -> Self {
        let rest = path.trim_start();
        let rest = rest.strip_prefix("lax ").unwrap_or(rest);
        Self {
            rest,
            root,
            depth: 0,
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn whole_path(&mut self) -> Option<Expr> {
        let list = self.path()?;
        self.rest.trim().is_empty().then_some(list)
    }

    fn whole_predicate(&mut self) -> Option<Expr> {
        let test = self.predicate()?;
        self.rest.trim().is_empty().then_some(test)
    }

    /// The name of the element that a filter looks at.
    fn element(&self) -> Expr {
        let name = format!("step{}__", self.depth);
        node::expr(ExprKind::ColumnRef(vec![name]))
    }

    /// `$…` or `@…`
    fn path(&mut self) -> Option<Expr> {
        let base = if self.take("$") {
            self.root.clone()
        } else if self.depth > 0 && self.take("@") {
            self.element()
        } else {
            return None;
        };
        let mut list = node::array(vec![base]);
        loop {
            if self.take(".*") {
                list = node::call(FN, "skein_path_values", vec![list]);
            } else if self.take(".") {
                let key = self.key()?;
                list = if self.take("()") {
                    let method = match key.as_str() {
                        "size" => "skein_path_size",
                        "type" => "skein_path_type",
                        _ => return None,
                    };
                    node::call(FN, method, vec![list])
                } else {
                    let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                    node::call(FN, "skein_path_member", vec![list, node::text(&pointer)])
                };
            } else if self.take("[") {
                if self.take("*") {
                    list = node::call(FN, "skein_path_all", vec![list]);
                } else {
                    let index = self.digits()?.parse::<i64>().ok()?;
                    let index = node::integer("INTEGER", i64::from(i32::try_from(index).ok()?));
                    list = node::call(FN, "skein_path_at", vec![list, index]);
                }
                if !self.take("]") {
                    return None;
                }
            } else if self.take("?") {
                list = self.filter(list)?;
            } else {
                return Some(list);
            }
        }
    }

    fn filter(&mut self, list: Expr) -> Option<Expr> {
        if !self.take("(") || self.depth == DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let test = self.predicate();
        let parameter = self.element();
        self.depth -= 1;
        if !self.take(")") {
            return None;
        }
        let lambda = node::expr(ExprKind::Lambda {
            left: Box::new(parameter),
            right: Box::new(test?),
        });
        let all = node::call(FN, "skein_path_all", vec![list]);
        Some(node::call("", "list_filter", vec![all, lambda]))
    }

    fn key(&mut self) -> Option<String> {
        if self.rest.starts_with('"') {
            return self.string();
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!key.is_empty()).then(|| key.to_owned())
    }

    fn string(&mut self) -> Option<String> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        })?;
        let (string, rest) = self.rest.split_at(end.0 + 1);
        self.rest = rest;
        serde_json::from_str(string).ok()
    }

    fn digits(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!digits.is_empty()).then_some(digits)
    }

    fn predicate(&mut self) -> Option<Expr> {
        let mut tests = vec![self.conjunction()?];
        while self.take("||") {
            tests.push(self.conjunction()?);
        }
        Some(joined(tests, false))
    }

    fn conjunction(&mut self) -> Option<Expr> {
        let mut tests = vec![self.test()?];
        while self.take("&&") {
            tests.push(self.test()?);
        }
        Some(joined(tests, true))
    }

    fn test(&mut self) -> Option<Expr> {
        if self.take("!") {
            if !self.take("(") {
                return None;
            }
            let inner = self.predicate()?;
            return self.take(")").then(|| {
                node::expr(ExprKind::Operator {
                    op: "OPERATOR_NOT".to_owned(),
                    children: vec![inner],
                })
            });
        }
        if self.take("exists") {
            if !self.take("(") {
                return None;
            }
            let list = self.path()?;
            return self
                .take(")")
                .then(|| node::call(FN, "skein_path_found", vec![list]));
        }
        if self.take("(") {
            let inner = self.predicate()?;
            return self.take(")").then_some(inner);
        }
        let list = self.path()?;
        if self.take("starts with") {
            self.rest = self.rest.trim_start();
            let start = node::text(&self.string()?);
            return Some(node::call(FN, "skein_path_starts", vec![list, start]));
        }
        if self.take("like_regex") {
            self.rest = self.rest.trim_start();
            let pattern = node::text(&self.string()?);
            if self.take("flag") {
                return None;
            }
            return Some(node::call(FN, "skein_path_matches", vec![list, pattern]));
        }
        let op = self.comparison()?;
        let literal = self.literal()?;
        Some(compared(list, op, &literal, self.depth))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let known = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<>", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        known
            .into_iter()
            .find(|(token, _)| self.take(token))
            .map(|(_, op)| op)
    }

    fn literal(&mut self) -> Option<Literal> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('"') {
            return self.string().map(Literal::String);
        }
        for word in ["true", "false", "null"] {
            if self.take(word) {
                return Some(Literal::Word(word));
            }
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        number.parse::<f64>().ok()?;
        self.rest = rest;
        Some(Literal::Number(number.to_owned()))
    }
}

fn joined(mut tests: Vec<Expr>, and: bool) -> Expr {
    if tests.len() == 1 {
        return tests.remove(0);
    }
    node::expr(ExprKind::Conjunction {
        and,
        children: tests,
    })
}

/// Whether something that a path finds compares so; what is of another kind does not.
fn compared(list: Expr, op: Comparison, literal: &Literal, depth: usize) -> Expr {
    let parameter = node::expr(ExprKind::ColumnRef(vec![format!("found{depth}__")]));
    let found = || Box::new(parameter.clone());
    let kind = |name: &str| {
        let kind = node::call(FN, "skein_json_kind", vec![parameter.clone()]);
        Expr::comparison(Comparison::Equal, kind, node::text(name))
    };
    let (known, left, right) = match literal {
        Literal::Number(number) => (
            kind("number"),
            node::expr(ExprKind::Cast {
                child: found(),
                ty: node::plain_type("DOUBLE"),
                try_cast: true,
            }),
            node::cast(node::text(number), node::plain_type("DOUBLE")),
        ),
        Literal::String(text) => (
            kind("string"),
            node::call(
                "",
                "json_extract_string",
                vec![parameter.clone(), node::text("$")],
            ),
            node::text(text),
        ),
        Literal::Word("null") => (node::boolean(true), parameter.clone(), node::text("null")),
        Literal::Word(word) => (kind("boolean"), parameter.clone(), node::text(word)),
    };
    let test = node::expr(ExprKind::Case {
        checks: vec![(known, Expr::comparison(op, left, right))],
        otherwise: Box::new(node::null()),
    });
    let lambda = node::expr(ExprKind::Lambda {
        left: Box::new(parameter.clone()),
        right: Box::new(test),
    });
    let all = node::call(FN, "skein_path_all", vec![list]);
    let results = node::call("", "list_transform", vec![all, lambda]);
    node::call(FN, "skein_path_any", vec![results])
}
