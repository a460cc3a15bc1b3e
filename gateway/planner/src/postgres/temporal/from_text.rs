//! `to_date` and `to_timestamp` of a text by a template, as a regular expression and what becomes of its
//! groups; mirrors `DCH_from_char` and `do_to_timestamp`.
//!
//! PostgreSQL reads from the left and never goes back: a field takes what it can, and what is behind it has to
//! do with the rest. So every part of the expression may be empty, and matches what it can at once; for each
//! field there is a group of what it has taken, and one of the rest of the text from there on. A field that
//! has taken nothing is at fault, unless the text has ended before it.
//!
//! Nearly all texts are what the template itself would write. Those DuckDB's `strptime` reads, when
//! `strftime` gives the same text again; only the others go the long way:
//!
//! ```text
//! to_date(x, 'YYYY-MM-DD')  ──►  coalesce(CAST(skein_template_read(x, '%Y-%m-%d', …) AS DATE), long way)
//! ```

use std::fmt::Write as _;

use super::super::node;
use super::template::{Field, Part, parse};
use super::{from_number, gaps, own};
use crate::ast::{Comparison, Expr, ExprKind, Function};

/// Why a call cannot be put into an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CompileError {
    /// The template is no constant, or has fields that are not supported.
    NotConstant(String),
}

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
        return from_number::compile(text, template).ok_or_else(unsupported);
    }
    let fields = Fields::of(template).ok_or_else(unsupported)?;
    let is_date = call.name.eq_ignore_ascii_case("to_date");
    let body = if is_date {
        fields.date(&text)
    } else {
        fields.timestamp(&text)
    };
    let long = fields.read(text.clone(), body);
    let Some(written) = Written::of(template) else {
        return Ok(long);
    };
    let ty = if is_date {
        "DATE"
    } else {
        "TIMESTAMP WITH TIME ZONE"
    };
    let read = node::cast(written.read(text), node::plain_type(ty));
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
                Part::Text(text) | Part::Quoted(text) => {
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
    Number,
    /// Thousands and the rest of a year, with a comma.
    Thousands,
    /// The name of a month, of which three letters tell which.
    Month,
    /// A Roman number up to twelve.
    Roman,
    /// Digits after a point, of which there should be so many.
    Fraction(i64),
    /// One of two words: whether it begins with this letter.
    Letter(&'static str),
}

/// What a field takes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// All digits there are.
    Digits,
    /// So many characters, which have to be digits.
    Exactly,
    Word,
    Thousands,
}

/// A field and its groups: its own, and, with an `r` before the name, what is left of the text there.
struct Group {
    name: &'static str,
    reading: Reading,
    takes: Takes,
    /// As the template writes it, for messages.
    keyword: &'static str,
    /// How many digits it should have.
    length: usize,
}

/// The regular expression of a template and what its groups are.
#[derive(Default)]
struct Fields {
    pattern: String,
    groups: Vec<Group>,
    /// How many digits the year's field has: years of fewer than four are near 2020.
    year_digits: i64,
    twelve_hours: bool,
    /// How many characters the template has before the hours of the time zone.
    before_zone: Option<usize>,
    /// Groups that are still open: each holds the rest of the text.
    open: usize,
}

/// What a field reads: the name of its group and its digits.
const NUMBERS: &[(&str, &str, usize)] = &[
    ("YYYY", "y", 4),
    ("YYY", "y", 3),
    ("YY", "y", 2),
    ("Y", "y", 1),
    ("IYYY", "iy", 4),
    ("MM", "mo", 2),
    ("DD", "d", 2),
    ("DDD", "doy", 3),
    ("J", "j", 1),
    ("IW", "iw", 2),
    ("ID", "id", 1),
    ("HH24", "h", 2),
    ("HH12", "h", 2),
    ("HH", "h", 2),
    ("MI", "mi", 2),
    ("SS", "s", 2),
    ("SSSS", "ss", 4),
    ("SSSSS", "ss", 5),
    ("MS", "ms", 3),
    ("US", "us", 6),
    ("FF1", "us", 1),
    ("FF2", "us", 2),
    ("FF3", "us", 3),
    ("FF4", "us", 4),
    ("FF5", "us", 5),
    ("FF6", "us", 6),
    ("TZH", "tzh", 2),
    ("TZM", "tzm", 2),
    ("Q", "q", 1),
    ("D", "dow", 1),
];

const MONTHS: &str =
    "january|february|march|april|may|june|july|august|september|october|november|december";
const SHORT_MONTHS: &str = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const ROMAN: &str = "viii|vii|vi|v|iv|iii|ii|ix|i|xii|xi|x";
const DAYS: &str = "sunday|monday|tuesday|wednesday|thursday|friday|saturday";
const SHORT_DAYS: &str = "sun|mon|tue|wed|thu|fri|sat";

/// The words of a field: the name of its group, what they are, and how they are read.
const WORDS: &[(&str, &str, &str, Reading)] = &[
    ("MONTH", "mo", MONTHS, Reading::Month),
    ("MON", "mo", SHORT_MONTHS, Reading::Month),
    ("RM", "mo", ROMAN, Reading::Roman),
    ("DAY", "day", DAYS, Reading::Letter("")),
    ("DY", "day", SHORT_DAYS, Reading::Letter("")),
    ("AM", "pm", "am|pm", Reading::Letter("p")),
    ("PM", "pm", "am|pm", Reading::Letter("p")),
    ("A.M.", "pm", r"a\.m\.|p\.m\.", Reading::Letter("p")),
    ("P.M.", "pm", r"a\.m\.|p\.m\.", Reading::Letter("p")),
    ("BC", "bc", "bc|ad", Reading::Letter("b")),
    ("AD", "bc", "bc|ad", Reading::Letter("b")),
    ("B.C.", "bc", r"b\.c\.|a\.d\.", Reading::Letter("b")),
    ("A.D.", "bc", r"b\.c\.|a\.d\.", Reading::Letter("b")),
];

impl Fields {
    fn of(template: &str) -> Option<Self> {
        let parts = parse(template);
        let mut fields = Self {
            year_digits: 4,
            pattern: "(?s)^".to_owned(),
            ..Self::default()
        };
        let mut nodes = Vec::new();
        let mut exact = false;
        for (at, part) in parts.iter().enumerate() {
            let Part::Field(field) = part else {
                gaps::nodes(part, &mut nodes);
                continue;
            };
            if field.name.eq_ignore_ascii_case("FX") {
                exact = true;
                continue;
            }
            let gap = gaps::pattern(&nodes, exact)?;
            if field.name.eq_ignore_ascii_case("TZH") {
                fields.before_zone = Some(nodes.len());
                let _ = write!(fields.pattern, r"({gap})([+\- ]?)");
            } else {
                fields.pattern.push_str(&gap);
            }
            nodes.clear();
            let all = field.fill || field.ordinal.is_some() || ends(parts.get(at + 1));
            fields.field(field, all)?;
            if field.ordinal.is_some() {
                fields.pattern.push_str(".{0,2}");
            }
        }
        fields.pattern.push_str(".*");
        fields.pattern.push_str(&")".repeat(fields.open));
        // A field that comes twice is refused by PostgreSQL as well, unless both say the same.
        let mut names: Vec<_> = fields.groups.iter().map(|group| group.name).collect();
        names.sort_unstable();
        names.dedup();
        (names.len() == fields.groups.len()).then_some(fields)
    }

    /// Adds the groups of a field. `all`: it may take all digits there are.
    fn field(&mut self, field: &Field, all: bool) -> Option<()> {
        let upper = field.name.to_ascii_uppercase();
        let (name, reading, takes, length, pattern);
        if let Some((_, group, digits)) = NUMBERS.iter().find(|(known, ..)| *known == upper) {
            (name, length) = (*group, *digits);
            reading = match name {
                "ms" => Reading::Fraction(3),
                "us" => Reading::Fraction(6),
                _ => Reading::Number,
            };
            (takes, pattern) = if all {
                (Takes::Digits, r"([+-]?\d+)?".to_owned())
            } else {
                (Takes::Exactly, format!("(.{{0,{length}}})"))
            };
        } else if let Some((_, group, words, read)) = WORDS.iter().find(|it| it.0 == upper) {
            (name, length) = (*group, 0);
            (reading, takes, pattern) = (*read, Takes::Word, format!("((?i:{words}))?"));
        } else if upper == "Y,YYY" {
            (name, length) = ("y", 0);
            (reading, takes) = (Reading::Thousands, Takes::Thousands);
            pattern = r"([+-]?\d+,\d{1,3})?".to_owned();
        } else {
            return None;
        }
        if name == "y" && length > 0 {
            self.year_digits = i64::try_from(length).ok()?;
        }
        self.twelve_hours |= name == "pm" || matches!(upper.as_str(), "HH" | "HH12");
        self.pattern.push_str(r"(\s*");
        self.pattern.push_str(&pattern);
        self.open += 1;
        self.groups.push(Group {
            name,
            reading,
            takes,
            keyword: field.name,
            length,
        });
        Some(())
    }

    /// What `body` makes of the groups of `text`.
    fn read(&self, text: Expr, body: Expr) -> Expr {
        let mut names = Vec::new();
        for group in &self.groups {
            if group.name == "tzh" {
                names.extend([node::text("gap"), node::text("sign")]);
            }
            names.push(node::text(&format!("r{}", group.name)));
            names.push(node::text(group.name));
        }
        let pattern = node::text(&self.pattern);
        let groups = node::call(
            "",
            "regexp_extract",
            vec![text.clone(), pattern, node::array(names)],
        );
        let checks = self.groups.iter().map(fault).collect();
        let fault = node::expr(ExprKind::Case {
            checks,
            otherwise: Box::new(node::null()),
        });
        let body = node::expr(ExprKind::Case {
            checks: vec![
                (is_null(text), node::null()),
                (own("skein_template_fault", vec![fault]), node::null()),
            ],
            otherwise: Box::new(body),
        });
        let lambda = Expr::from(ExprKind::Lambda {
            left: Box::new(Expr::column([GROUPS])),
            right: Box::new(body),
        });
        let results = node::call(
            "",
            "list_transform",
            vec![node::array(vec![groups]), lambda],
        );
        node::call("", "list_extract", vec![results, Expr::integer(1)])
    }

    fn has(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.name == name)
    }

    /// The value of a group; NULL if it is not there.
    fn value(&self, name: &str) -> Expr {
        let Some(group) = self.groups.iter().find(|group| group.name == name) else {
            return node::cast(node::null(), node::plain_type("BIGINT"));
        };
        let text = || group_text(name);
        let given = || node::call("", "nullif", vec![text(), node::text("")]);
        match group.reading {
            Reading::Number => own("skein_template_integer", vec![text()]),
            Reading::Thousands => own("skein_template_thousands", vec![text()]),
            Reading::Month => own("skein_template_month", vec![text()]),
            Reading::Roman => own("skein_template_roman", vec![text()]),
            Reading::Fraction(digits) => own(
                "skein_template_fraction",
                vec![text(), Expr::integer(digits)],
            ),
            Reading::Letter(letter) => node::call(
                "",
                "starts_with",
                vec![node::call("", "lower", vec![given()]), node::text(letter)],
            ),
        }
    }

    fn date(&self, text: &Expr) -> Expr {
        let year = if self.has("iy") && !self.has("iw") {
            self.value("iy")
        } else if self.has("y") {
            let digits = match self.year_digits {
                4 => Expr::integer(4),
                _ => node::call("", "length", vec![group_text("y")]),
            };
            own(
                "skein_template_year",
                vec![self.value("y"), digits, self.value("bc")],
            )
        } else {
            self.value("y")
        };
        let of_week = if self.has("iw") {
            own(
                "skein_template_week",
                vec![self.value("iy"), self.value("iw"), self.value("id")],
            )
        } else {
            node::cast(node::null(), node::plain_type("DATE"))
        };
        own(
            "skein_template_date",
            vec![
                text.clone(),
                year,
                self.value("mo"),
                self.value("d"),
                self.value("doy"),
                self.value("j"),
                of_week,
            ],
        )
    }

    fn timestamp(&self, text: &Expr) -> Expr {
        let afternoon = if self.has("pm") {
            self.value("pm")
        } else {
            node::cast(node::null(), node::plain_type("BOOLEAN"))
        };
        let moment = own(
            "skein_template_timestamp",
            vec![
                self.date(text),
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
        if !self.has("tzh") && !self.has("tzm") {
            return node::cast(moment, node::plain_type("TIMESTAMP WITH TIME ZONE"));
        }
        let is_west = match self.before_zone {
            Some(nodes) => own(
                "skein_template_is_west",
                vec![
                    group_text("sign"),
                    group_text("gap"),
                    Expr::integer(i64::try_from(nodes).unwrap_or(0)),
                ],
            ),
            None => Expr::boolean(false),
        };
        own(
            "skein_template_zone",
            vec![
                moment,
                is_west,
                self.value("tzh"),
                self.value("tzm"),
                text.clone(),
            ],
        )
    }
}

/// The text of a group.
fn group_text(name: &str) -> Expr {
    let column = Expr::column([GROUPS]);
    node::call("", "struct_extract", vec![column, node::text(name)])
}

/// What there is of the text where a field begins.
fn group_rest(name: &str) -> Expr {
    group_text(&format!("r{name}"))
}

/// When a field is at fault, and what has to be known to say so.
fn fault(group: &Group) -> (Expr, Expr) {
    let (value, rest) = (|| group_text(group.name), || group_rest(group.name));
    let (kind, is_wrong) = match group.takes {
        Takes::Digits => ("digits", own("skein_template_no_digits", vec![value()])),
        Takes::Exactly => {
            let length = i64::try_from(group.length).unwrap_or(0);
            let args = vec![value(), Expr::integer(length)];
            ("exactly", own("skein_template_not_exactly", args))
        }
        Takes::Word => ("word", own("skein_template_no_word", vec![value()])),
        Takes::Thousands => ("thousands", own("skein_template_no_word", vec![value()])),
    };
    let is_there = node::expr(ExprKind::Comparison {
        op: Comparison::NotEqual,
        left: Box::new(rest()),
        right: Box::new(node::text("")),
    });
    let test = node::expr(ExprKind::Conjunction {
        and: true,
        children: vec![is_there, is_wrong],
    });
    let known = vec![
        node::text(kind),
        value(),
        rest(),
        node::text(group.keyword),
        node::text(&group.length.to_string()),
    ];
    (test, node::array(known))
}

/// Whether a number before this part ends where its digits end.
fn ends(part: Option<&Part>) -> bool {
    match part {
        None => true,
        Some(Part::Text(text) | Part::Quoted(text)) => {
            !text.starts_with(|first: char| first.is_ascii_digit())
        }
        Some(Part::Field(field)) => !field.is_digits(),
    }
}

fn is_null(value: Expr) -> Expr {
    node::expr(ExprKind::Operator {
        op: "OPERATOR_IS_NULL".to_owned(),
        children: vec![value],
    })
}
