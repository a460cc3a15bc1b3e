//! `to_date`, `to_timestamp` and `to_number` of a text by a template, as a regular expression and
//! what becomes of its groups; mirrors `DCH_from_char` and `do_to_timestamp`.
//!
//! A template that DuckDB's regular expressions cannot follow is none: the fields are digits and
//! words that can be told apart by reading from the left.
//!
//! Nearly all texts are what the template itself would write. Those DuckDB's `strptime` reads, when
//! `strftime` gives the same text again; only the others go the long way:
//!
//! ```text
//! to_date(x, 'YYYY-MM-DD')  ──►  coalesce(CAST(skein_template_read(x, '%Y-%m-%d', …) AS DATE), long way)
//! ```

use super::super::node;
use super::own;
use super::template::{Part, parse};
use crate::ast::{Expr, ExprKind, Function};

/// Why a call cannot be put into an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CompileError {
    /// The template is no constant, or has fields that are not supported.
    NotConstant(String),
}

/// What separates fields, of which one is skipped for each in the template.
const SEPARATOR: &str = r"[\s!-/:-@\[-`{-~]?";

/// Writes a call as an expression.
pub(super) fn compile(call: &Function) -> Result<Expr, CompileError> {
    let [text, template] = call.args.as_slice() else {
        return Err(CompileError::NotConstant(call.name.clone()));
    };
    let unsupported = || CompileError::NotConstant(call.name.clone());
    let template = node::constant_text(template).ok_or_else(unsupported)?;
    let mut text = text.clone();
    text.alias = String::new();
    if call.name.eq_ignore_ascii_case("to_number") {
        return number(text, template).ok_or_else(unsupported);
    }
    let fields = Fields::of(template).ok_or_else(unsupported)?;
    let body = if call.name.eq_ignore_ascii_case("to_date") {
        fields.date(&text, template)
    } else {
        fields.timestamp(&text, template)
    };
    let written_text = text.clone();
    let mut names = vec![node::text("whole")];
    names.extend(fields.groups.iter().map(|(name, _)| node::text(name)));
    let pattern = node::text(&format!("^({})", fields.pattern));
    let groups = node::call(
        "",
        "regexp_extract",
        vec![text, pattern, node::array(names)],
    );
    let lambda = Expr::from(ExprKind::Lambda {
        left: Box::new(Expr::column([GROUPS])),
        right: Box::new(body),
    });
    let results = node::call(
        "",
        "list_transform",
        vec![node::array(vec![groups]), lambda],
    );
    let long = node::call("", "list_extract", vec![results, Expr::integer(1)]);
    let Some(written) = Written::of(template) else {
        return Ok(long);
    };
    let ty = if call.name.eq_ignore_ascii_case("to_date") {
        "DATE"
    } else {
        "TIMESTAMP WITH TIME ZONE"
    };
    let read = node::cast(written.read(written_text), node::plain_type(ty));
    Ok(node::expr(ExprKind::Operator {
        op: "OPERATOR_COALESCE".to_owned(),
        children: vec![read, long],
    }))
}

/// A template that `strftime` and `strptime` follow.
struct Written {
    format: String,
    /// It has names of months, which are read in any case.
    has_words: bool,
}

impl Written {
    fn of(template: &str) -> Option<Self> {
        let mut format = String::new();
        let (mut has_year, mut has_words, mut last) = (false, false, "");
        let mut hours = (false, false);
        for part in &parse(template) {
            let field = match part {
                Part::Text(text) => {
                    format.push_str(&text.replace('%', "%%"));
                    last = "";
                    continue;
                }
                Part::Field(field) => field,
            };
            let upper = field.name.to_ascii_uppercase();
            let is_month = upper == "MONTH";
            if field.ordinal.is_some() || field.fill && !is_month {
                return None;
            }
            let spec = match upper.as_str() {
                "YYYY" => "%Y",
                "MM" => "%m",
                "DD" => "%d",
                "MON" => "%b",
                "MONTH" => "%B",
                "HH24" => "%H",
                "HH12" | "HH" => "%I",
                "MI" => "%M",
                "SS" => "%S",
                "MS" => "%g",
                "US" => "%f",
                "AM" | "PM" => "%p",
                _ => return None,
            };
            // Letters of two fields could run into each other.
            let is_word = matches!(spec, "%b" | "%B" | "%p");
            if is_word && last == "word" {
                return None;
            }
            last = if is_word { "word" } else { "" };
            has_year |= spec == "%Y";
            has_words |= is_word;
            hours.0 |= spec == "%I";
            hours.1 |= spec == "%p";
            format.push_str(spec);
        }
        (has_year && hours.0 == hours.1).then_some(Self { format, has_words })
    }

    /// The moment that a text tells if it is what the template writes, else NULL.
    fn read(&self, text: Expr) -> Expr {
        let name = if self.has_words {
            "skein_template_read_words"
        } else {
            "skein_template_read"
        };
        own(name, vec![text, node::text(&self.format)])
    }
}

/// The parameter of the lambda: what the groups of the regular expression matched.
const GROUPS: &str = "skein_fields";

/// How the text of a group is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Digits, perhaps with commas.
    Number,
    /// The name of a month, of which three letters tell which.
    Month,
    /// A Roman number up to twelve.
    Roman,
    /// Digits after a point, of which there should be so many.
    Fraction(i64),
    /// One of two words: whether it begins with this letter.
    Letter(&'static str),
    /// As it is.
    Text,
}

/// The regular expression of a template and what its groups are.
#[derive(Default)]
struct Fields {
    pattern: String,
    groups: Vec<(&'static str, Reading)>,
    /// How many digits the year's field has: years of fewer than four are near 2020.
    year_digits: i64,
    twelve_hours: bool,
    /// Groups that are still open: each holds what may follow the end of the text.
    open: usize,
}

impl Fields {
    fn of(template: &str) -> Option<Self> {
        let parts = parse(template);
        let mut fields = Self {
            year_digits: 4,
            ..Self::default()
        };
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text) => fields.text(text),
                Part::Field(field) => {
                    let upper = field.name.to_ascii_uppercase();
                    let next_is_number = matches!(parts.get(at + 1), Some(Part::Field(next))
                        if is_numeric(next.name) && !field.fill);
                    // The text may end before any field.
                    fields.pattern.push_str(r"(?:\s*$|\s*");
                    fields.open += 1;
                    fields.field(&upper, next_is_number)?;
                    if field.ordinal.is_some() {
                        fields.pattern.push_str(r"(?:[A-Za-z]{2})?");
                    }
                }
            }
        }
        fields.pattern.push_str(&")".repeat(fields.open));
        // A field that comes twice is refused by PostgreSQL, too.
        let mut names: Vec<_> = fields.groups.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        (names.len() == fields.groups.len()).then_some(fields)
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii_alphanumeric() || !c.is_ascii() {
                self.pattern.push_str(".?");
            } else {
                self.pattern.push_str(SEPARATOR);
            }
        }
    }

    fn digits(&mut self, group: &'static str, length: usize, next_is_number: bool) {
        if next_is_number {
            let part = format!(r"(\d{{1,{length}}})");
            self.pattern.push_str(&part);
        } else {
            self.pattern.push_str(r"([+-]?\d+)");
        }
        self.groups.push((group, Reading::Number));
    }

    fn word(&mut self, group: &'static str, words: &str, reading: Reading) {
        let part = format!("(?i:({words}))");
        self.pattern.push_str(&part);
        self.groups.push((group, reading));
    }

    /// The value of a group; NULL if it is not there.
    fn value(&self, name: &str) -> Expr {
        let Some((name, reading)) = self.groups.iter().find(|(group, _)| *group == name) else {
            return node::cast(node::null(), node::plain_type("BIGINT"));
        };
        let text = || {
            let column = Expr::column([GROUPS]);
            node::call("", "struct_extract", vec![column, node::text(name)])
        };
        let given = || node::call("", "nullif", vec![text(), node::text("")]);
        match reading {
            Reading::Number => own("skein_template_integer", vec![text()]),
            Reading::Month => own("skein_template_month", vec![text()]),
            Reading::Roman => own("skein_template_roman", vec![text()]),
            Reading::Fraction(digits) => own(
                "skein_template_fraction",
                vec![text(), Expr::integer(*digits)],
            ),
            Reading::Letter(letter) => node::call(
                "",
                "starts_with",
                vec![node::call("", "lower", vec![given()]), node::text(letter)],
            ),
            Reading::Text => given(),
        }
    }

    fn date(&self, text: &Expr, template: &str) -> Expr {
        let column = Expr::column([GROUPS]);
        let whole = node::call("", "struct_extract", vec![column, node::text("whole")]);
        let year = if self.groups.iter().any(|(name, _)| *name == "y") {
            own(
                "skein_template_year",
                vec![
                    self.value("y"),
                    Expr::integer(self.year_digits),
                    self.value("bc"),
                ],
            )
        } else {
            self.value("y")
        };
        let of_week = if self.groups.iter().any(|(name, _)| *name == "iw") {
            own(
                "skein_template_week",
                vec![self.value("iy"), self.value("iw"), self.value("id")],
            )
        } else {
            node::cast(node::null(), node::plain_type("DATE"))
        };
        let year = if self.groups.iter().any(|(name, _)| *name == "iy") && of_week_only(self) {
            self.value("iy")
        } else {
            year
        };
        own(
            "skein_template_date",
            vec![
                whole,
                text.clone(),
                node::text(template),
                year,
                self.value("mo"),
                self.value("d"),
                self.value("doy"),
                self.value("j"),
                of_week,
            ],
        )
    }

    fn timestamp(&self, text: &Expr, template: &str) -> Expr {
        let afternoon = if self.groups.iter().any(|(name, _)| *name == "pm") {
            self.value("pm")
        } else {
            node::cast(node::null(), node::plain_type("BOOLEAN"))
        };
        let moment = own(
            "skein_template_timestamp",
            vec![
                self.date(text, template),
                own(
                    "skein_template_hour",
                    vec![
                        self.value("h"),
                        Expr::boolean(self.twelve_hours),
                        afternoon,
                        text.clone(),
                    ],
                ),
                self.value("mi"),
                self.value("s"),
                self.value("ms"),
                self.value("us"),
                self.value("ss"),
                text.clone(),
            ],
        );
        if self.groups.iter().any(|(name, _)| *name == "tzh") {
            own(
                "skein_template_zone",
                vec![moment, self.value("tzh"), self.value("tzm")],
            )
        } else {
            node::cast(moment, node::plain_type("TIMESTAMP WITH TIME ZONE"))
        }
    }

    fn field(&mut self, upper: &str, next_is_number: bool) -> Option<()> {
        const MONTHS: &str =
            "january|february|march|april|may|june|july|august|september|october|november|december";
        const SHORT_MONTHS: &str = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
        const ROMAN: &str = "viii|vii|vi|v|iv|iii|ii|ix|i|xii|xi|x";
        match upper {
            "YYYY" | "IYYY" => {
                let group = if upper.starts_with('I') { "iy" } else { "y" };
                self.digits(group, 4, next_is_number);
            }
            "YYY" | "YY" | "Y" => {
                self.year_digits = i64::try_from(upper.len()).ok()?;
                self.digits("y", upper.len(), next_is_number);
            }
            "Y,YYY" => {
                self.pattern.push_str(r"(\d{1,3},\d{3})");
                self.groups.push(("y", Reading::Number));
            }
            "MM" => self.digits("mo", 2, next_is_number),
            "DD" => self.digits("d", 2, next_is_number),
            "DDD" => self.digits("doy", 3, next_is_number),
            "J" => self.digits("j", 7, next_is_number),
            "IW" => self.digits("iw", 2, next_is_number),
            "ID" => self.digits("id", 1, next_is_number),
            "HH24" => self.digits("h", 2, next_is_number),
            "HH12" | "HH" => {
                self.twelve_hours = true;
                self.digits("h", 2, next_is_number);
            }
            "MI" => self.digits("mi", 2, next_is_number),
            "SS" => self.digits("s", 2, next_is_number),
            "SSSS" | "SSSSS" => self.digits("ss", 5, next_is_number),
            "MS" | "FF1" | "FF2" | "FF3" => {
                self.pattern.push_str(r"(\d{1,3})");
                self.groups.push(("ms", Reading::Fraction(3)));
            }
            "US" | "FF4" | "FF5" | "FF6" => {
                self.pattern.push_str(r"(\d{1,6})");
                self.groups.push(("us", Reading::Fraction(6)));
            }
            "MONTH" => self.word("mo", MONTHS, Reading::Month),
            "MON" => self.word("mo", SHORT_MONTHS, Reading::Month),
            "RM" => self.word("mo", ROMAN, Reading::Roman),
            "DAY" => self
                .pattern
                .push_str("(?i:sunday|monday|tuesday|wednesday|thursday|friday|saturday)"),
            "DY" => self.pattern.push_str("(?i:sun|mon|tue|wed|thu|fri|sat)"),
            "AM" | "PM" => {
                self.twelve_hours = true;
                self.word("pm", "am|pm", Reading::Letter("p"));
            }
            "A.M." | "P.M." => {
                self.twelve_hours = true;
                self.word("pm", r"a\.m\.|p\.m\.", Reading::Letter("p"));
            }
            "BC" | "AD" => self.word("bc", "bc|ad", Reading::Letter("b")),
            "B.C." | "A.D." => self.word("bc", r"b\.c\.|a\.d\.", Reading::Letter("b")),
            "TZH" => {
                self.pattern.push_str(r"([+-]?\d{1,2})");
                self.groups.push(("tzh", Reading::Text));
            }
            "TZM" => {
                self.pattern.push_str(r"(\d{1,2})");
                self.groups.push(("tzm", Reading::Number));
            }
            "Q" | "D" => self.pattern.push_str(r"\d"),
            "FX" => {}
            _ => return None,
        }
        Some(())
    }
}

/// Whether an ISO year stands without a week.
fn of_week_only(fields: &Fields) -> bool {
    !fields.groups.iter().any(|(name, _)| *name == "iw")
}

fn is_numeric(name: &str) -> bool {
    !matches!(
        name.to_ascii_uppercase().as_str(),
        "MONTH"
            | "MON"
            | "RM"
            | "DAY"
            | "DY"
            | "AM"
            | "PM"
            | "A.M."
            | "P.M."
            | "BC"
            | "AD"
            | "B.C."
            | "A.D."
            | "FX"
    )
}

/// `to_number`: as many digits as the template has, before and after the point.
fn number(text: Expr, template: &str) -> Option<Expr> {
    let upper = template.to_ascii_uppercase();
    if upper.contains("EEEE") || upper.contains("RN") || upper.contains('V') {
        return None;
    }
    let (before, after) = upper.split_once(['.', 'D']).unwrap_or((&upper, ""));
    let count = |text: &str| text.matches(['9', '0']).count();
    let (before, after) = (count(before), count(after));
    if before + after > 38 || before + after == 0 {
        return None;
    }
    let digits = own(
        "skein_template_number",
        vec![
            text,
            Expr::integer(i64::try_from(before).ok()?),
            Expr::integer(i64::try_from(after).ok()?),
        ],
    );
    let ty = crate::ast::DataType(serde_json::json!({ "id": "DECIMAL", "type_info": {
        "type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": null,
        "width": before + after, "scale": after } }));
    Some(node::cast(digits, ty))
}
