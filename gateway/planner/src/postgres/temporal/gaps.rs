//! What stands between the fields of a text that is read by a template, as a regular expression; mirrors
//! the part of `DCH_from_char` that counts spaces.
//!
//! PostgreSQL skips spaces around fields, takes one character for each separator of the template if it is a
//! separator or space, and one for each letter, whatever it is, unless more spaces than wanted have been
//! skipped: those stand for letters.
//!
//! Invariant: the expression matches something of every text, so that nothing behind it makes it match less.

use super::template::Part;

/// A separator or space, as a class of characters.
const SEPARATOR: &str = r"[\s!-/:-@\[-`{-~]";
/// Most separators before letters, each of which doubles the expression.
const SEPARATORS_MAX: usize = 5;
/// Most letters and separators beside each other.
const NODES_MAX: usize = 40;

/// A character of a template that is no field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Separator,
    Letter,
}

/// The characters of a part of a template; none for fields.
pub(super) fn nodes(part: &Part, found: &mut Vec<Node>) {
    match part {
        Part::Text(text) => found.extend(text.chars().map(|c| {
            if c.is_ascii_whitespace() || c.is_ascii_punctuation() {
                Node::Separator
            } else {
                Node::Letter
            }
        })),
        Part::Quoted(text) => found.extend(text.chars().map(|_| Node::Letter)),
        Part::Field(_) => {}
    }
}

/// The expression for these, with the spaces around them; `None`: it would be too long. `exact` is behind
/// `FX`, where each takes one character.
pub(super) fn pattern(nodes: &[Node], exact: bool) -> Option<String> {
    let count = nodes.len();
    if exact {
        return Some(format!(".{{0,{count}}}"));
    }
    let Some(last_letter) = nodes.iter().rposition(|node| *node == Node::Letter) else {
        return Some(match count {
            0 => r"\s*".to_owned(),
            _ => format!(r"\s*{SEPARATOR}{{0,{count}}}\s*"),
        });
    };
    let separators = nodes[..last_letter].iter();
    let separators = separators.filter(|node| **node == Node::Separator).count();
    if separators > SEPARATORS_MAX || count > NODES_MAX {
        return None;
    }
    let mut alternatives = vec![format!(r"\s{{{count},}}{}", behind(nodes, count))];
    for spaces in (0..count).rev() {
        alternatives.push(format!(r"\s{{{spaces}}}{}", behind(nodes, spaces)));
    }
    Some(format!(r"(?:{})\s*", alternatives.join("|")))
}

/// What follows when so many spaces too many have been skipped.
fn behind(nodes: &[Node], extra: usize) -> String {
    match nodes {
        [] => String::new(),
        [Node::Letter, rest @ ..] if extra > 0 => behind(rest, extra - 1),
        [Node::Letter, rest @ ..] => format!(".?{}", behind(rest, 0)),
        [Node::Separator, rest @ ..] if extra > 0 && rest.contains(&Node::Letter) => format!(
            "(?:{SEPARATOR}{}|{})",
            behind(rest, extra),
            behind(rest, extra - 1)
        ),
        [Node::Separator, rest @ ..] => format!("{SEPARATOR}?{}", behind(rest, extra)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, pattern};

    #[test]
    fn letters_are_spaces_that_were_skipped() {
        let letters = [Node::Letter, Node::Letter];
        assert_eq!(
            pattern(&letters, false).as_deref(),
            Some(r"(?:\s{2,}|\s{1}.?|\s{0}.?.?)\s*")
        );
        assert_eq!(pattern(&letters, true).as_deref(), Some(".{0,2}"));
        assert_eq!(pattern(&[], false).as_deref(), Some(r"\s*"));
        assert_eq!(pattern(&[Node::Letter; 41], false), None);
    }
}
