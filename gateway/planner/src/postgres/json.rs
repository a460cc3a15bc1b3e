//! Operators and functions over JSON, as far as the tree alone tells what they mean.
//!
//! ```text
//! x -> 'a' -> 0      ─► skein_fn.skein_json_get(x, '$."a"[0]')
//! (x::jsonb) ->> 'a' ─► skein_fn.skein_jsonb_pick_text(x, '$."a"')
//! '{"b":1}'::jsonb   ─► '{"b": 1}'::JSONB
//! x::jsonb           ─► skein_fn.skein_jsonb(x)
//! ```
//!
//! A chain of arrows becomes one look into the document. The macros tell json from jsonb by the type
//! of their first argument; what depends on types otherwise (`||`, `-`, `@>`, `=`) is left to
//! [`super::typed`].

use super::symbols;
use super::{Context, RewriteError, jsonb, jsonpath, node};
use crate::ast::visit::Descend;
use crate::ast::{DataType, Expr, ExprKind, Function};

/// The schema of the macros.
const FN: &str = skein_executor_api::functions::SCHEMA;

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(i64),
    /// A key or an index, as the document has it.
    Either(String),
}

/// Rewrites an operator or a function over JSON.
pub(super) fn function(expr: &mut Expr) -> Result<(), RewriteError> {
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(());
    };
    if call.is_operator {
        return operator(expr);
    }
    jsonpath::check(call)?;
    plain(expr);
    Ok(())
}

fn plain(expr: &mut Expr) -> Descend {
    let ExprKind::Function(call) = &mut expr.kind else {
        return Descend::Into;
    };
    if !matches!(call.schema.as_str(), "" | "pg_catalog") {
        return Descend::Into;
    }
    if jsonpath::is_value(&call.name)
        && let Some(found) = jsonpath::call(call)
    {
        expr.kind = found.kind;
        return Descend::Into;
    }
    if let Some(built) = build(call) {
        expr.kind = built.kind;
        return Descend::Into;
    }
    let replacement: Option<&str> = match call.name.as_str() {
        "json_extract_path"
        | "json_extract_path_text"
        | "jsonb_extract_path"
        | "jsonb_extract_path_text"
            if call.args.len() > 1 =>
        {
            let jsonb = call.name.starts_with("jsonb");
            let text = call.name.ends_with("text");
            let (document, path) = path_call(call);
            expr.kind = look(document, path, jsonb, text).kind;
            return Descend::Into;
        }
        "jsonb_set" | "jsonb_set_lax" | "jsonb_insert" | "jsonb_delete_path"
        | "jsonb_exists_any" | "jsonb_exists_all"
            if call.args.len() > 1 =>
        {
            read_array(&mut call.args[1]);
            None
        }
        "json_object" if call.args.len() <= 2 && call.args.iter().all(is_array) => {
            call.args.iter_mut().for_each(read_array);
            Some("skein_json_object")
        }
        "jsonb_object" if call.args.iter().all(is_array) => {
            call.args.iter_mut().for_each(read_array);
            let call = std::mem::replace(&mut expr.kind, ExprKind::Default);
            let ExprKind::Function(call) = call else {
                return Descend::Into;
            };
            let object = node::call(FN, "skein_json_object", call.args);
            expr.kind = node::call(FN, "skein_jsonb", vec![object]).kind;
            return Descend::Into;
        }
        _ => None,
    };
    if let Some(name) = replacement {
        FN.clone_into(&mut call.schema);
        name.clone_into(&mut call.name);
    }
    Descend::Into
}

/// Whether an argument is an array, as far as it shows.
fn is_array(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Operator { op, .. } => op == "ARRAY_CONSTRUCTOR",
        ExprKind::Function(call) => matches!(
            call.name.as_str(),
            "list_value" | "array_agg" | "string_to_array"
        ),
        ExprKind::Cast { ty, .. } => ty.id() == "LIST",
        ExprKind::Constant(_) => {
            node::constant_text(expr).is_some_and(|text| text.starts_with('{'))
        }
        _ => false,
    }
}

/// What `to_json`, `json_build_object` and the like make.
fn build(call: &mut Function) -> Option<Expr> {
    let args = &mut call.args;
    let (name, jsonb) = match call.name.as_str() {
        "to_json" | "row_to_json" | "array_to_json" if (1..=2).contains(&args.len()) => {
            ("value", false)
        }
        "to_jsonb" if args.len() == 1 => ("value", true),
        "json_build_object" => ("object", false),
        "jsonb_build_object" => ("object", true),
        "json_build_array" => ("array", false),
        "jsonb_build_array" => ("array", true),
        _ => return None,
    };
    if call.name == "to_json" && args.len() == 2 {
        return None;
    }
    let lines = args.get(1).and_then(node::constant_bool) == Some(true);
    let one = if jsonb {
        "skein_to_jsonb"
    } else {
        "skein_to_json"
    };
    let text = |value: Expr| node::call(FN, one, vec![value]);
    let ty = DataType::from_sql(if jsonb { "JSONB" } else { "JSON" });
    Some(match name {
        "value" => {
            let value = args.swap_remove(0);
            // `ROW(1, NULL)` is not NULL.
            if matches!(&value.kind, ExprKind::Function(call) if call.name == "row") {
                return Some(node::cast(text(value), ty));
            }
            let name = match (jsonb, lines) {
                (true, _) => "skein_to_jsonb_or_null",
                (false, true) => "skein_to_json_lines",
                (false, false) => "skein_to_json_or_null",
            };
            node::cast(node::call(FN, name, vec![value]), ty)
        }
        "array" => {
            let mut parts = vec![node::text("[")];
            for (index, value) in args.drain(..).enumerate() {
                if index > 0 {
                    parts.push(node::text(", "));
                }
                parts.push(text(value));
            }
            parts.push(node::text("]"));
            node::cast(node::call("", "concat", parts), ty)
        }
        _ => {
            if args.len() % 2 == 1 {
                return None;
            }
            let mut members: Vec<(Expr, Expr)> = Vec::new();
            let mut values = args.drain(..);
            while let (Some(key), Some(value)) = (values.next(), values.next()) {
                members.push((key, value));
            }
            drop(values);
            object(members, jsonb, text)
        }
    })
}

/// `'{"a" : ' || … || '}'`; the names of a jsonb that are constants take their order here.
fn object(mut members: Vec<(Expr, Expr)>, jsonb: bool, text: impl Fn(Expr) -> Expr) -> Expr {
    let mut names: Vec<Option<String>> = members
        .iter()
        .map(|(key, _)| node::constant_text(key).map(str::to_owned))
        .collect();
    let mut sorted = false;
    if jsonb && names.iter().all(Option::is_some) {
        let mut pairs: Vec<_> = names.iter().flatten().cloned().zip(members).collect();
        // Of equal names the last counts.
        let mut kept: Vec<(String, (Expr, Expr))> = Vec::new();
        for (name, member) in pairs.drain(..) {
            kept.retain(|(other, _)| *other != name);
            kept.push((name, member));
        }
        kept.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        names = kept.iter().map(|(name, _)| Some(name.clone())).collect();
        members = kept.into_iter().map(|(_, member)| member).collect();
        sorted = true;
    }
    let colon = if jsonb { ": " } else { " : " };
    let mut parts = vec![];
    for (index, ((key, value), name)) in members.into_iter().zip(names).enumerate() {
        let mut before = if index == 0 { "{" } else { ", " }.to_owned();
        if let Some(name) = name {
            jsonb::quoted(&name, &mut before);
            before.push_str(colon);
            parts.push(node::text(&before));
        } else {
            parts.push(node::text(&before));
            parts.push(node::call(FN, "skein_json_name", vec![key]));
            parts.push(node::text(colon));
        }
        parts.push(text(value));
    }
    if parts.is_empty() {
        parts.push(node::text("{"));
    }
    parts.push(node::text("}"));
    let whole = node::call("", "concat", parts);
    if jsonb && !sorted {
        let form = node::call(FN, "skein_jsonb_form", vec![whole]);
        return node::cast(form, DataType::from_sql("JSONB"));
    }
    node::cast(
        whole,
        DataType::from_sql(if jsonb { "JSONB" } else { "JSON" }),
    )
}

/// The document and the path of `json_extract_path(x, 'a', 'b')`.
fn path_call(call: &mut Function) -> (Expr, Expr) {
    let steps: Vec<Expr> = call.args.drain(1..).collect();
    let document = call.args.swap_remove(0);
    let constants: Option<Vec<Step>> = steps
        .iter()
        .map(|step| node::constant_text(step).map(|text| Step::Either(text.to_owned())))
        .collect();
    let path = constants.as_deref().and_then(path).map_or_else(
        || node::call(FN, "skein_json_steps", vec![node::array(steps)]),
        |path| node::text(&path),
    );
    (document, path)
}

/// A look into a document: `document -> path`.
fn look(document: Expr, path: Expr, jsonb: bool, text: bool) -> Expr {
    let name = match (jsonb, text) {
        (false, false) => GET,
        (false, true) => GET_TEXT,
        (true, false) => "skein_jsonb_get",
        (true, true) => "skein_jsonb_get_text",
    };
    node::once(document, |document| {
        node::call(FN, name, vec![document, path])
    })
}

/// `->` of json; [`super::typed`] makes it that of jsonb where the document is one.
pub(super) const GET: &str = "skein_json_get";
/// `->>` of json.
pub(super) const GET_TEXT: &str = "skein_json_get_text";

fn operator(expr: &mut Expr) -> Result<(), RewriteError> {
    let ExprKind::Function(call) = &mut expr.kind else {
        return Ok(());
    };
    if call.args.len() != 2 {
        return Ok(());
    }
    match call.name.as_str() {
        symbols::GET | symbols::GET_TEXT | symbols::PATH | symbols::PATH_TEXT => {
            arrow(expr);
        }
        symbols::EXISTS => {
            without_form(&mut call.args[0]);
            rename(call, "jsonb_exists");
        }
        symbols::EXISTS_ANY => {
            without_form(&mut call.args[0]);
            array_argument(call);
            rename(call, "jsonb_exists_any");
        }
        symbols::EXISTS_ALL => {
            without_form(&mut call.args[0]);
            array_argument(call);
            rename(call, "jsonb_exists_all");
        }
        symbols::DELETE_PATH => {
            array_argument(call);
            rename(call, "jsonb_delete_path");
        }
        "@@" if call.args.iter().any(super::texts::is_of_search)
            || super::texts::is_literal(&call.args[0]) =>
        {
            return Err(RewriteError::TextSearch {
                position: expr.location,
            });
        }
        symbols::PATH_EXISTS | "@@" => {
            let name = if call.name == "@@" {
                "jsonb_path_match"
            } else {
                "jsonb_path_exists"
            };
            name.clone_into(&mut call.name);
            call.is_operator = false;
            call.args.push(node::boolean(true).named("silent"));
            jsonpath::check(call)?;
            if let Some(found) = jsonpath::call(call) {
                expr.kind = found.kind;
            }
        }
        _ => {}
    }
    Ok(())
}

fn rename(call: &mut Function, name: &str) {
    FN.clone_into(&mut call.schema);
    name.clone_into(&mut call.name);
    call.is_operator = false;
}

/// Makes a list of the text of an array.
fn array_argument(call: &mut Function) {
    read_array(&mut call.args[1]);
}

fn read_array(argument: &mut Expr) {
    if let ExprKind::Constant(_) = &argument.kind
        && let Some(elements) = node::constant_text(argument).and_then(super::arrays::elements)
    {
        let elements = elements
            .iter()
            .map(|it| node::text_or_null(it.as_deref()))
            .collect();
        *argument = node::cast(node::array(elements), node::list_type("VARCHAR"));
    }
}

/// Rewrites `->`, `->>`, `#>` and `#>>`, with the arrows below.
fn arrow(expr: &mut Expr) {
    let as_text = matches!(&expr.kind, ExprKind::Function(call)
        if call.name == symbols::GET_TEXT || call.name == symbols::PATH_TEXT);
    let taken = std::mem::replace(&mut expr.kind, ExprKind::Default);
    let ExprKind::Function(mut call) = taken else {
        return;
    };
    let (Some(key), Some(document)) = (call.args.pop(), call.args.pop()) else {
        return;
    };
    let is_path = call.name == symbols::PATH || call.name == symbols::PATH_TEXT;
    let Some(mut steps) = own_steps(&key, is_path) else {
        // The key is in the rows.
        let name = if is_path {
            "skein_json_steps"
        } else {
            "skein_json_key"
        };
        let path = node::call(FN, name, vec![key]);
        let jsonb = shows_jsonb(&document);
        expr.kind = look(document, path, jsonb, as_text).kind;
        return;
    };
    let mut document = document;
    while let ExprKind::Function(inner) = &mut document.kind {
        let is_path = inner.name == symbols::PATH;
        if !inner.is_operator || inner.args.len() != 2 || !(is_path || inner.name == symbols::GET) {
            break;
        }
        let Some(more) = own_steps(&inner.args[1], is_path) else {
            break;
        };
        let together = [more.as_slice(), steps.as_slice()].concat();
        if path(&together).is_none() {
            break;
        }
        steps = together;
        document = inner.args.swap_remove(0);
    }
    let Some(path) = path(&steps) else {
        // Keys with odd characters among indices: one step after another.
        let (last, before) = steps.split_last().expect("an arrow has a step");
        let jsonb = shows_jsonb(&document);
        let mut inner = document;
        for step in before {
            inner = look(inner, node::text(&single(step)), jsonb, false);
        }
        expr.kind = look(inner, node::text(&single(last)), jsonb, as_text).kind;
        return;
    };
    let path = node::text(&path);
    if raw_jsonb(&mut document) {
        let name = if as_text {
            "skein_jsonb_pick_text"
        } else {
            "skein_jsonb_pick"
        };
        let picked = node::once(document, |document| {
            node::call(FN, name, vec![document, path])
        });
        expr.kind = picked.kind;
        return;
    }
    let jsonb = shows_jsonb(&document);
    expr.kind = look(document, path, jsonb, as_text).kind;
}

/// Whether the tree shows that a document is jsonb.
fn shows_jsonb(document: &Expr) -> bool {
    match &document.kind {
        ExprKind::Cast { ty, .. } => is_jsonb(ty),
        ExprKind::Function(call) => {
            call.name.starts_with("jsonb_")
                || call.name == "to_jsonb"
                || (call.is_operator
                    && (call.name == symbols::GET || call.name == symbols::PATH)
                    && call.args.first().is_some_and(shows_jsonb))
        }
        _ => false,
    }
}

/// Takes the cast away from what rows hold and is cast to jsonb.
fn raw_jsonb(document: &mut Expr) -> bool {
    let ExprKind::Cast { child, ty, .. } = &mut document.kind else {
        return false;
    };
    if !is_jsonb(ty) || node::constant_text(child).is_some() {
        return false;
    }
    *document = std::mem::replace(child.as_mut(), node::null());
    true
}

/// Checks what rows hold and is cast to jsonb, but does not bring it into the form, for questions that do
/// not depend on that.
fn without_form(document: &mut Expr) {
    if raw_jsonb(document) {
        let raw = std::mem::replace(document, node::null());
        *document = node::call(FN, "skein_json", vec![raw]);
    }
}

/// `document['a']` and `document[0]` of jsonb, if the key is a constant.
pub(super) fn subscript(document: &Expr, key: &Expr) -> Option<Expr> {
    let steps = match node::constant_text(key) {
        Some(text) => vec![Step::Either(text.to_owned())],
        None => own_steps(key, false)?,
    };
    let path = path(&steps)?;
    Some(look(document.clone(), node::text(&path), true, false))
}

/// The steps that a constant key or path tells.
fn own_steps(key: &Expr, is_path: bool) -> Option<Vec<Step>> {
    if is_path {
        let texts: Vec<String> = match &key.kind {
            ExprKind::Operator { op, children } if op == "ARRAY_CONSTRUCTOR" => children
                .iter()
                .map(|child| node::constant_text(child).map(str::to_owned))
                .collect::<Option<_>>()?,
            ExprKind::Function(call) if call.name == "list_value" => call
                .args
                .iter()
                .map(|child| node::constant_text(child).map(str::to_owned))
                .collect::<Option<_>>()?,
            ExprKind::Cast { child, ty, .. } if ty.id() == "LIST" => {
                return own_steps(child, is_path);
            }
            _ => super::arrays::elements(node::constant_text(key)?)?
                .into_iter()
                .collect::<Option<_>>()?,
        };
        return Some(texts.into_iter().map(Step::Either).collect());
    }
    if let Some(text) = node::constant_text(key) {
        return Some(vec![Step::Key(text.to_owned())]);
    }
    node::constant_integer(key).map(|index| vec![Step::Index(index)])
}

/// The path of several steps in one of DuckDB's two notations; `None` where neither can say it.
fn path(steps: &[Step]) -> Option<String> {
    use std::fmt::Write as _;
    let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let pointer = steps.iter().all(|step| match step {
        Step::Key(key) => !digits(key),
        Step::Index(_) => false,
        Step::Either(step) => !step.starts_with('-'),
    });
    let mut out = String::new();
    if pointer {
        for step in steps {
            if let Step::Key(text) | Step::Either(text) = step {
                let _ = write!(out, "/{}", text.replace('~', "~0").replace('/', "~1"));
            }
        }
        return Some(out);
    }
    out.push('$');
    for step in steps {
        match step {
            Step::Key(key) if !key.is_empty() && !key.contains(['"', '\\', '*']) => {
                let _ = write!(out, ".\"{key}\"");
            }
            Step::Index(index) => out.push_str(&bracket(*index)),
            Step::Either(step) => match step.parse::<i64>() {
                Ok(index) => out.push_str(&bracket(index)),
                Err(_) if !step.is_empty() && !step.contains(['"', '\\', '*']) => {
                    let _ = write!(out, ".\"{step}\"");
                }
                Err(_) => return None,
            },
            Step::Key(_) => return None,
        }
    }
    Some(out)
}

fn bracket(index: i64) -> String {
    if index < 0 {
        format!("[#{index}]")
    } else {
        format!("[{index}]")
    }
}

/// The path of one step that cannot be put together with others.
fn single(step: &Step) -> String {
    match step {
        Step::Index(index) => format!("${}", bracket(*index)),
        Step::Key(key) | Step::Either(key) => {
            format!("/{}", key.replace('~', "~0").replace('/', "~1"))
        }
    }
}

/// Whether a type is `jsonb`.
pub(super) fn is_jsonb(ty: &DataType) -> bool {
    node::user_type(&ty.0).is_some_and(|name| name.eq_ignore_ascii_case("jsonb"))
        || ty.0.as_str() == Some("JSONB")
}

fn is_json(ty: &DataType) -> bool {
    node::user_type(&ty.0).is_some_and(|name| name.eq_ignore_ascii_case("json"))
}

/// Rewrites a cast to `json` or `jsonb`.
pub(super) fn cast(expr: &mut Expr, context: &mut Context<'_>) {
    let cast = expr.location;
    let ExprKind::Cast { child, ty, .. } = &mut expr.kind else {
        return;
    };
    let position = child.location.or(cast);
    let to_jsonb = is_jsonb(ty);
    if !to_jsonb && !is_json(ty) {
        return;
    }
    let constant = matches!(child.kind, ExprKind::Constant(_));
    match node::constant_text(child).filter(|_| constant) {
        Some(text) => {
            let checked = if to_jsonb {
                jsonb::form(text)
            } else {
                jsonb::check(text).map(|()| text.to_owned())
            };
            match checked {
                Ok(text) if to_jsonb => expr.kind = jsonb_constant(&text).kind,
                Ok(_) => {}
                Err(fault) => context.error = Some(error(fault, position)),
            }
        }
        None if matches!(&child.kind, ExprKind::Constant(constant) if constant.value.is_null()) => {
            if to_jsonb {
                *ty = DataType::from_sql("JSONB");
            }
        }
        None => {
            let child = std::mem::replace(child.as_mut(), node::null());
            let name = if to_jsonb {
                "skein_jsonb"
            } else {
                "skein_json"
            };
            expr.kind = node::call(FN, name, vec![child]).kind;
        }
    }
}

/// A text that has the form of jsonb, as that.
pub(super) fn jsonb_constant(form: &str) -> Expr {
    node::cast(node::text(form), DataType::from_sql("JSONB"))
}

pub(super) fn error(fault: jsonb::Fault, position: Option<usize>) -> RewriteError {
    match fault {
        jsonb::Fault::Syntax => RewriteError::Json { position },
        jsonb::Fault::Unicode => RewriteError::JsonUnicode { position },
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, path};

    #[test]
    fn paths_say_what_the_steps_say() {
        let key = |text: &str| Step::Key(text.to_owned());
        let either = |text: &str| Step::Either(text.to_owned());
        for (steps, wanted) in [
            (vec![key("a")], Some("/a")),
            (vec![key("a/b~"), key("")], Some("/a~1b~0/")),
            (vec![key("a"), Step::Index(0)], Some("$.\"a\"[0]")),
            (vec![Step::Index(-1)], Some("$[#-1]")),
            (vec![key("0")], Some("$.\"0\"")),
            (vec![either("a"), either("0")], Some("/a/0")),
            (vec![either("a"), either("-1")], Some("$.\"a\"[#-1]")),
            (vec![key("*"), Step::Index(0)], None),
        ] {
            assert_eq!(path(&steps).as_deref(), wanted, "{steps:?}");
        }
    }
}
