//! SQL's own regular expressions, those of SIMILAR TO, as PostgreSQL's; mirrors
//! `similar_escape_internal`.
//!
//! ```text
//! %(a|b)_\%        ──►   ^(?:.*(?:a|b).\%)$
//! x#"_+#"y  (#)    ──►   ^(?:x)(.+)(?:y)$     what is wanted stands between the marks
//! ```
//!
//! What comes before the first mark matches as little as it can. PostgreSQL says that of the group
//! as a whole, which RE2 cannot: here each of its quantifiers says it. [`super::regex`] makes RE2's
//! pattern of the result.

use super::regex::RegexFault;

/// Marks that a pattern may have.
const MARKS_MAX: usize = 2;

/// Translates a pattern. `escape` has one character, or none where nothing is escaped.
pub(super) fn translate(pattern: &str, escape: &str) -> Result<String, RegexFault> {
    let mut translator = Translator {
        body: "^(?:".to_owned(),
        escape: escape.chars().next(),
        first_mark: pattern_marks(pattern, escape) > 0,
        marks: 0,
    };
    translator.pattern(pattern)?;
    translator.body.push_str(")$");
    Ok(translator.body)
}

/// How many marks a pattern may have; brackets are not looked at.
fn pattern_marks(pattern: &str, escape: &str) -> usize {
    if escape.is_empty() {
        0
    } else {
        pattern.matches(&format!("{escape}\"")).count()
    }
}

struct Translator {
    body: String,
    escape: Option<char>,
    /// A mark comes, and what stands before it is to be short.
    first_mark: bool,
    marks: usize,
}

impl Translator {
    fn pattern(&mut self, pattern: &str) -> Result<(), RegexFault> {
        let mut in_bracket = false;
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            if self.escape == Some(c) {
                match rest.next() {
                    Some('"') if !in_bracket => self.mark()?,
                    // Also a class, such as \d.
                    Some(escaped) => self.body.extend(['\\', escaped]),
                    None => {}
                }
                continue;
            }
            if in_bracket {
                if c == '\\' {
                    self.body.push('\\');
                }
                self.body.push(c);
                in_bracket = c != ']';
                continue;
            }
            match c {
                '[' => {
                    self.body.push('[');
                    in_bracket = true;
                }
                '%' => {
                    self.body.push_str(".*");
                    self.shorten(rest.peek());
                }
                '_' => self.body.push('.'),
                '(' => self.body.push_str("(?:"),
                '\\' | '.' | '^' | '$' => self.body.extend(['\\', c]),
                '*' | '+' | '?' | '}' => {
                    self.body.push(c);
                    self.shorten(rest.peek());
                }
                c => self.body.push(c),
            }
        }
        Ok(())
    }

    /// Makes the quantifier that was just put a modest one, where it should be.
    fn shorten(&mut self, next: Option<&char>) {
        let is_before = self.first_mark && self.marks == 0;
        if is_before && !matches!(next, Some('*' | '+' | '?' | '{')) {
            self.body.push('?');
        }
    }

    fn mark(&mut self) -> Result<(), RegexFault> {
        self.body.push_str(match self.marks {
            0 => ")(",
            1 => ")(?:",
            MARKS_MAX.. => return Err(RegexFault::Marks),
        });
        self.marks += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{RegexFault, translate};

    #[test]
    fn patterns_are_those_of_postgresql() {
        for (given, escape, wanted) in [
            ("", "\\", "^(?:)$"),
            ("%(a|b)_\\%", "\\", "^(?:.*(?:a|b).\\%)$"),
            ("a.c^$", "\\", "^(?:a\\.c\\^\\$)$"),
            ("a\\d", "\\", "^(?:a\\d)$"),
            ("a\\c", "", "^(?:a\\\\c)$"),
            ("[%_(\\]x", "#", "^(?:[%_(\\\\]x)$"),
            ("a#", "#", "^(?:a)$"),
            ("%a+#\"_*#\"%", "#", "^(?:.*?a+?)(.*)(?:.*)$"),
            ("a{2}#\"b", "#", "^(?:a{2}?)(b)$"),
            ("[#\"]", "#", "^(?:[\\\"])$"),
            ("aé%", "é", "^(?:a\\%)$"),
        ] {
            let translated = translate(given, escape);
            assert_eq!(translated.as_deref(), Ok(wanted), "{given} {escape}");
        }
        let marks = translate("#\"a#\"b#\"", "#");
        assert_eq!(marks, Err(RegexFault::Marks));
    }
}
