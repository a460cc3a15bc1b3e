//! How much SQL a macro becomes: how often it repeats each of its arguments, and how long it is; and
//! where it puts them.
//!
//! A macro is inlined, and those it calls with it, so calls within calls multiply. The planner looks
//! here before it lets that happen. Nor may a subquery come to stand in a lambda.

use std::collections::BTreeMap;

/// What a call of a macro becomes. Where a macro has several forms, the largest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Words and symbols of its own.
    pub size: u64,
    /// How often each argument stands in it.
    pub repeats: Vec<u64>,
    /// Whether each argument stands in the body of a lambda.
    pub in_lambda: Vec<bool>,
}

/// A body under examination: its own size, and how often it names each parameter, and whether in a lambda.
#[derive(Default)]
struct Found {
    size: u64,
    uses: Vec<u64>,
    in_lambda: Vec<bool>,
}

impl Found {
    fn new(parameters: usize) -> Self {
        Self {
            size: 0,
            uses: vec![0; parameters],
            in_lambda: vec![false; parameters],
        }
    }

    /// Adds what stands so many times there, all of it in a lambda or not.
    fn add(&mut self, other: &Self, times: u64, in_lambda: bool) {
        self.size = self.size.saturating_add(other.size.saturating_mul(times));
        for (own, more) in self.uses.iter_mut().zip(&other.uses) {
            *own = own.saturating_add(more.saturating_mul(times));
        }
        let inner = other.in_lambda.iter().zip(&other.uses);
        for (own, (inner, uses)) in self.in_lambda.iter_mut().zip(inner) {
            *own |= *inner || (in_lambda && *uses > 0);
        }
    }
}

/// The shapes of the macros that `statements` make; each stands after those it calls.
pub(super) fn shapes(statements: &[String], create: &str) -> BTreeMap<String, Shape> {
    let mut known = BTreeMap::new();
    for statement in statements {
        let Some(rest) = statement.strip_prefix(create) else {
            continue;
        };
        let words = words(rest);
        let Some((name, forms)) = words.split_first() else {
            continue;
        };
        let mut shape = Shape::default();
        for form in split(forms) {
            let Some((parameters, body)) = form_of(form) else {
                continue;
            };
            let found = examine(body, &parameters, &known);
            shape.size = shape.size.max(found.size);
            shape
                .repeats
                .resize(shape.repeats.len().max(found.uses.len()), 0);
            for (own, other) in shape.repeats.iter_mut().zip(found.uses) {
                *own = (*own).max(other);
            }
            shape.in_lambda.resize(shape.repeats.len(), false);
            for (own, other) in shape.in_lambda.iter_mut().zip(found.in_lambda) {
                *own |= other;
            }
        }
        known.insert((*name).to_owned(), shape);
    }
    known
}

/// `(a, b TYPE) AS body`
fn form_of<'a>(form: &'a [&'a str]) -> Option<(Vec<&'a str>, &'a [&'a str])> {
    let end = closing(form)?;
    let parameters = split(&form[1..end])
        .into_iter()
        .filter_map(|parameter| parameter.first().copied())
        .collect();
    let body = form.get(end + 1..)?.strip_prefix(&["AS"])?;
    Some((parameters, body))
}

fn examine(body: &[&str], parameters: &[&str], known: &BTreeMap<String, Shape>) -> Found {
    let mut found = Found::new(parameters.len());
    let mut rest = body;
    while let Some((word, after)) = rest.split_first() {
        if let (&"skein_fn", [".", name, call @ ..]) = (word, after)
            && let (Some(shape), Some(end)) = (known.get(*name), closing(call))
        {
            found.size = found.size.saturating_add(shape.size);
            for (index, argument) in split(&call[1..end]).into_iter().enumerate() {
                let times = shape.repeats.get(index).copied().unwrap_or(1);
                let in_lambda = shape.in_lambda.get(index).copied().unwrap_or(false);
                found.add(&examine(argument, parameters, known), times, in_lambda);
            }
            rest = &call[end + 1..];
            continue;
        }
        if *word == "lambda"
            && let Some(start) = after.iter().position(|word| *word == ":")
        {
            let body = &after[start + 1..];
            let body = &body[..end_of_expression(body)];
            found.add(&examine(body, parameters, known), 1, true);
            rest = &after[start + 1 + body.len()..];
            continue;
        }
        found.size = found.size.saturating_add(1);
        if let Some(index) = parameters.iter().position(|name| name == word) {
            found.uses[index] = found.uses[index].saturating_add(1);
        }
        rest = after;
    }
    found
}

/// Where the expression ends with which `words` begin: before a comma or what closes a parenthesis around it.
fn end_of_expression(words: &[&str]) -> usize {
    let mut depth = 0_i64;
    let end = words.iter().position(|word| {
        match *word {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && *word == ",")
    });
    end.unwrap_or(words.len())
}

/// Where the parenthesis closes with which `words` begin.
fn closing(words: &[&str]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, word) in words.iter().enumerate() {
        match *word {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The parts between commas that stand in no parenthesis.
fn split<'a>(words: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    let mut depth = 0_i64;
    words
        .split(|word| {
            match *word {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            depth == 0 && *word == ","
        })
        .collect()
}

/// Words, texts in quotes, and single symbols.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' || first == '"' {
            let inner = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
            inner.min(rest.len())
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_within_calls_multiply() {
        let statements = [
            "CREATE MACRO f.twice(x) AS x || 'it''s x' || x".to_owned(),
            "CREATE MACRO f.more(a, b TEXT) AS skein_fn.twice(skein_fn.twice(a || b)) || b, (a) AS a"
                .to_owned(),
        ];
        let shapes = shapes(&statements, "CREATE MACRO f.");
        assert_eq!(shapes["twice"].repeats, [2]);
        assert_eq!(shapes["more"].repeats, [4, 5]);
        assert!(shapes["more"].size > 2 * shapes["twice"].size);
    }

    #[test]
    fn arguments_in_lambdas_are_known() {
        let statements = [
            "CREATE MACRO f.found(list, x, n) AS list_filter(list, lambda it: (it, x) = (1, 2), n)"
                .to_owned(),
            "CREATE MACRO f.calls(a, b) AS skein_fn.found([a], f(b), 1)".to_owned(),
        ];
        let shapes = shapes(&statements, "CREATE MACRO f.");
        assert_eq!(shapes["found"].in_lambda, [false, true, false]);
        assert_eq!(shapes["calls"].in_lambda, [false, true]);
    }
}
