//! `to_char` of dates and intervals, as an expression that is made of the template's fields.
//!
//! What `strftime` can write is left to it, in as few calls as possible: it is fast, and an operand
//! that is costly stands there once. Mirrors `DCH_to_char`.

use super::super::node;
use super::own;
use super::template::{Field, Ordinal, Part};
use crate::ast::{Comparison, Expr, ExprKind};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A timestamp; a date is one at midnight.
    Timestamp,
    /// A timestamp with time zone.
    TimestampTz,
    /// An interval.
    Interval,
}

/// Writes `operand` by a template; `None` where a field is not for it. `zones` says what the session's
/// zone is called, by its offset.
pub(super) fn compile(
    operand: &Expr,
    kind: Kind,
    parts: &[Part],
    zones: Option<&str>,
) -> Option<Expr> {
    let mut pieces = Pieces {
        operand,
        kind,
        zones,
        has_era: parts.iter().any(is_era),
        format: String::new(),
        found: Vec::new(),
    };
    for part in parts {
        match part {
            Part::Text(text) | Part::Quoted(text) => {
                pieces.format.push_str(&text.replace('%', "%%"));
            }
            Part::Field(field) => pieces.field(field)?,
        }
    }
    pieces.flush();
    let mut found = pieces.found.into_iter();
    let Some(first) = found.next() else {
        return Some(node::cast(node::null(), node::plain_type("VARCHAR")));
    };
    let text = found.fold(first, |all, next| Expr::infix("||", all, next));
    Some(if_there(operand, kind, text))
}

/// Neither NULL nor an infinite moment has a text, whatever stands in the template. A moment that is computed is not
/// computed twice for that.
fn if_there(operand: &Expr, kind: Kind, text: Expr) -> Expr {
    let is_there = match kind {
        Kind::Interval => node::expr(ExprKind::Operator {
            op: "OPERATOR_IS_NOT_NULL".to_owned(),
            children: vec![operand.clone()],
        }),
        _ if !node::is_simple(operand) => return text,
        Kind::Timestamp | Kind::TimestampTz => node::call("", "isfinite", vec![operand.clone()]),
    };
    node::expr(ExprKind::Case {
        checks: vec![(is_there, text)],
        otherwise: Box::new(node::null()),
    })
}

fn is_era(part: &Part) -> bool {
    matches!(part, Part::Field(field)
        if matches!(&*field.name.to_ascii_uppercase(), "BC" | "AD" | "B.C." | "A.D."))
}

struct Pieces<'a> {
    operand: &'a Expr,
    kind: Kind,
    /// What the session's zone is called, by its offset: `-18000=EST -14400=EDT`.
    zones: Option<&'a str>,
    /// The template has `BC` or the like.
    has_era: bool,
    /// What `strftime` is to write next.
    format: String,
    found: Vec<Expr>,
}

impl Pieces<'_> {
    fn flush(&mut self) {
        if self.format.is_empty() {
            return;
        }
        let format = std::mem::take(&mut self.format);
        let piece = if self.kind == Kind::Interval {
            // There is no `strftime` of intervals: this is text only.
            node::text(&format.replace("%%", "%"))
        } else {
            self.strftime(&format)
        };
        self.found.push(piece);
    }

    fn strftime(&self, format: &str) -> Expr {
        node::call(
            "",
            "strftime",
            vec![self.operand.clone(), node::text(format)],
        )
    }

    fn piece(&mut self, piece: Expr) {
        self.flush();
        self.found.push(piece);
    }

    fn field(&mut self, field: &Field) -> Option<()> {
        let upper = field.name.to_ascii_uppercase();
        if upper == "FX" {
            return Some(());
        }
        if self.kind == Kind::Interval {
            let number = self.interval_field(&upper, field)?;
            self.piece(number);
            return Some(());
        }
        // `strftime` counts years before Christ backwards from a year 0; who asks for the era may have some.
        let spec = strftime_spec(&upper, field).filter(|_| upper != "YYYY" || !self.has_era);
        if let Some(spec) = spec {
            if let Some(ordinal) = field.ordinal {
                let digits = self.strftime(spec);
                self.piece(with_ordinal(digits, ordinal));
            } else {
                self.format.push_str(spec);
            }
            return Some(());
        }
        let piece = self.timestamp_field(&upper, field)?;
        self.piece(piece);
        Some(())
    }

    fn part(&self, name: &str) -> Expr {
        let (text, operand) = (node::text(name), self.operand.clone());
        node::call("", "date_part", vec![text, operand])
    }

    /// A number with at least so many digits, unless padding is off.
    fn number(number: Expr, width: i64, field: &Field) -> Expr {
        let width = if field.fill { 0 } else { width };
        let digits = own("skein_padded", vec![number, Expr::integer(width)]);
        match field.ordinal {
            Some(ordinal) => with_ordinal(digits, ordinal),
            None => digits,
        }
    }

    /// A word, padded to nine letters like the longest name.
    fn word(word: Expr, case: Case, width: i64, field: &Field) -> Expr {
        let word = match case {
            Case::Upper => node::call("", "upper", vec![word]),
            Case::Lower => node::call("", "lower", vec![word]),
            Case::Title => word,
        };
        if field.fill || field.translated || width == 0 {
            word
        } else {
            node::call(
                "",
                "rpad",
                vec![word, Expr::integer(width), node::text(" ")],
            )
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one match over the fields, a line or two each"
    )]
    fn timestamp_field(&self, upper: &str, field: &Field) -> Option<Expr> {
        let year = || own("skein_year", vec![self.operand.clone()]);
        let case = Case::of(field.name);
        let plus = |expr, value| Expr::infix("+", expr, Expr::integer(value));
        let over = |expr, value| Expr::infix("//", expr, Expr::integer(value));
        let rest = |expr, value| Expr::infix("%", expr, Expr::integer(value));
        Some(match upper {
            "YYYY" => Self::number(year(), 4, field),
            "YYY" => Self::number(rest(year(), 1000), 3, field),
            "YY" => Self::number(rest(year(), 100), 2, field),
            "Y" => Self::number(rest(year(), 10), 1, field),
            "Y,YYY" => {
                let thousands = own("skein_padded", vec![over(year(), 1000), Expr::integer(0)]);
                let rest = own("skein_padded", vec![rest(year(), 1000), Expr::integer(3)]);
                let both = Expr::infix("||", Expr::infix("||", thousands, node::text(",")), rest);
                match field.ordinal {
                    Some(ordinal) => with_ordinal(both, ordinal),
                    None => both,
                }
            }
            "IYYY" => Self::number(self.part("isoyear"), 4, field),
            "IYY" => Self::number(rest(self.part("isoyear"), 1000), 3, field),
            "IY" => Self::number(rest(self.part("isoyear"), 100), 2, field),
            "I" => Self::number(rest(self.part("isoyear"), 10), 1, field),
            "CC" => Self::number(self.part("century"), 2, field),
            "Q" => Self::number(self.part("quarter"), 1, field),
            "MM" => Self::number(self.part("month"), 2, field),
            "DD" => Self::number(self.part("day"), 2, field),
            "DDD" => Self::number(self.part("doy"), 3, field),
            "D" => Self::number(plus(self.part("dow"), 1), 1, field),
            "ID" => Self::number(self.part("isodow"), 1, field),
            "IW" => Self::number(self.part("week"), 2, field),
            "IDDD" => Self::number(
                plus(
                    Expr::infix(
                        "+",
                        Expr::infix(
                            "*",
                            Expr::infix("-", self.part("week"), Expr::integer(1)),
                            Expr::integer(7),
                        ),
                        self.part("isodow"),
                    ),
                    0,
                ),
                3,
                field,
            ),
            "WW" => Self::number(plus(over(plus(self.part("doy"), -1), 7), 1), 2, field),
            "W" => Self::number(plus(over(plus(self.part("day"), -1), 7), 1), 1, field),
            "J" => {
                let day = node::cast(self.operand.clone(), node::plain_type("DATE"));
                let julian = node::call("", "date_part", vec![node::text("julian"), day]);
                Self::number(node::cast(julian, node::plain_type("BIGINT")), 0, field)
            }
            "SSSS" | "SSSSS" => Self::number(self.seconds_of_day(), 0, field),
            "HH24" => Self::number(self.part("hour"), 2, field),
            "MI" => Self::number(self.part("minute"), 2, field),
            "SS" => Self::number(self.part("second"), 2, field),
            "HH12" | "HH" => {
                let hour = plus(rest(plus(self.part("hour"), 11), 12), 1);
                Self::number(hour, 2, field)
            }
            "FF1" | "FF2" | "FF4" | "FF5" => {
                let digits: i64 = upper[2..].parse().ok()?;
                let micros = self.strftime("%f");
                node::call("", "left", vec![micros, Expr::integer(digits)])
            }
            "MONTH" => Self::word(self.strftime("%B"), case, 9, field),
            "MON" => Self::word(self.strftime("%b"), case, 0, field),
            "DAY" => Self::word(self.strftime("%A"), case, 9, field),
            "DY" => Self::word(self.strftime("%a"), case, 0, field),
            "RM" => {
                let roman = own("skein_roman", vec![self.part("month")]);
                Self::word(roman, case, 4, field)
            }
            "AM" | "PM" => Self::word(self.strftime("%p"), case, 0, field),
            "A.M." | "P.M." => {
                let dotted = node::call(
                    "",
                    "replace",
                    vec![self.strftime("%p"), node::text("M"), node::text(".M.")],
                );
                Self::word(dotted, case, 0, field)
            }
            "BC" | "AD" | "B.C." | "A.D." => {
                let (before, after) = if upper.contains('.') {
                    ("B.C.", "A.D.")
                } else {
                    ("BC", "AD")
                };
                let is_before =
                    Expr::comparison(Comparison::LessOrEqual, self.part("year"), Expr::integer(0));
                let is_after =
                    Expr::comparison(Comparison::Greater, self.part("year"), Expr::integer(0));
                let era = Expr::from(ExprKind::Case {
                    checks: vec![
                        (is_before, node::text(before)),
                        (is_after, node::text(after)),
                    ],
                    otherwise: Box::new(node::null()),
                });
                Self::word(era, case, 0, field)
            }
            "TZ" if self.kind == Kind::TimestampTz => Self::word(self.zone_name(), case, 0, field),
            "OF" if self.kind == Kind::TimestampTz => self.strftime("%z"),
            "TZH" if self.kind == Kind::TimestampTz => {
                node::call("", "left", vec![self.strftime("%z"), Expr::integer(3)])
            }
            "TZM" if self.kind == Kind::TimestampTz => {
                let minutes = node::call(
                    "",
                    "split_part",
                    vec![self.strftime("%z"), node::text(":"), Expr::integer(2)],
                );
                node::call("", "lpad", vec![minutes, Expr::integer(2), node::text("0")])
            }
            "TZ" => node::text(""),
            "OF" | "TZH" => node::text("+00"),
            "TZM" => node::text("00"),
            _ => return None,
        })
    }

    /// DuckDB only knows the zone's own name.
    fn zone_name(&self) -> Expr {
        let named = self
            .zones
            .unwrap_or_default()
            .split(' ')
            .filter_map(|pair| {
                let (offset, name) = pair.split_once('=')?;
                let is_it = Expr::comparison(
                    Comparison::Equal,
                    self.part("timezone"),
                    Expr::integer(offset.parse().ok()?),
                );
                Some((is_it, node::text(name)))
            });
        let checks: Vec<(Expr, Expr)> = named.collect();
        if checks.is_empty() {
            return self.strftime("%Z");
        }
        Expr::from(ExprKind::Case {
            checks,
            otherwise: Box::new(self.strftime("%Z")),
        })
    }

    fn seconds_of_day(&self) -> Expr {
        let times = |expr, value| Expr::infix("*", expr, Expr::integer(value));
        let hours = times(self.part("hour"), 3600);
        let minutes = times(self.part("minute"), 60);
        Expr::infix("+", Expr::infix("+", hours, minutes), self.part("second"))
    }

    fn interval_field(&self, upper: &str, field: &Field) -> Option<Expr> {
        let over = |expr, value| Expr::infix("//", expr, Expr::integer(value));
        let rest = |expr, value| Expr::infix("%", expr, Expr::integer(value));
        let year = || self.part("year");
        Some(match upper {
            "YYYY" => Self::number(year(), 4, field),
            "YYY" => Self::number(rest(year(), 1000), 3, field),
            "YY" => Self::number(rest(year(), 100), 2, field),
            "Y" => Self::number(rest(year(), 10), 1, field),
            "MM" => Self::number(self.part("month"), 2, field),
            // The sign takes the place of a digit.
            "DD" => {
                let is_negative =
                    Expr::comparison(Comparison::Less, self.part("day"), Expr::integer(0));
                Expr::from(ExprKind::Case {
                    checks: vec![(is_negative, Self::number(self.part("day"), 1, field))],
                    otherwise: Box::new(Self::number(self.part("day"), 2, field)),
                })
            }
            "DDD" => {
                let months = own("skein_months", vec![self.operand.clone()]);
                let days = Expr::infix("*", months, Expr::integer(30));
                Self::number(Expr::infix("+", days, self.part("day")), 3, field)
            }
            "HH24" => Self::number(self.part("hour"), 2, field),
            "HH12" | "HH" => Self::number(
                own("skein_hour_of_twelve", vec![self.part("hour")]),
                2,
                field,
            ),
            "MI" => Self::number(self.part("minute"), 2, field),
            "SS" => Self::number(self.part("second"), 2, field),
            "MS" | "FF3" => {
                Self::number(rest(over(self.part("microseconds"), 1000), 1000), 3, field)
            }
            "US" | "FF6" => Self::number(rest(self.part("microseconds"), 1_000_000), 6, field),
            "FF1" | "FF2" | "FF4" | "FF5" => {
                let digits: u32 = upper[2..].parse().ok()?;
                let micros = rest(self.part("microseconds"), 1_000_000);
                let value = over(micros, 10_i64.pow(6 - digits));
                Self::number(value, digits.into(), field)
            }
            "SSSS" | "SSSSS" => Self::number(self.seconds_of_day(), 0, field),
            "AM" | "PM" | "A.M." | "P.M." => {
                let hour = rest(self.part("hour"), 24);
                let is_later =
                    Expr::comparison(Comparison::GreaterOrEqual, hour, Expr::integer(12));
                let [later, earlier] = if upper.contains('.') {
                    ["P.M.", "A.M."]
                } else {
                    ["PM", "AM"]
                };
                let half = Expr::from(ExprKind::Case {
                    checks: vec![(is_later, node::text(later))],
                    otherwise: Box::new(node::text(earlier)),
                });
                Self::word(half, Case::of(field.name), 0, field)
            }
            "Q" => {
                let none =
                    Expr::comparison(Comparison::Equal, self.part("month"), Expr::integer(0));
                let before = Expr::infix("-", self.part("month"), Expr::integer(1));
                let quarter = Expr::infix("+", over(before, 3), Expr::integer(1));
                Expr::from(ExprKind::Case {
                    checks: vec![(none, node::text(""))],
                    otherwise: Box::new(Self::number(quarter, 0, field)),
                })
            }
            _ => return None,
        })
    }
}

/// The format of `strftime` for a field, as far as it writes the same.
fn strftime_spec(upper: &str, field: &Field) -> Option<&'static str> {
    let case = Case::of(field.name);
    Some(match (upper, field.fill) {
        ("MM", false) => "%m",
        ("MM", true) => "%-m",
        ("DD", false) => "%d",
        ("DD", true) => "%-d",
        ("DDD", false) => "%j",
        ("HH24", false) => "%H",
        ("HH24", true) => "%-H",
        ("HH12" | "HH", false) => "%I",
        ("HH12" | "HH", true) => "%-I",
        ("MI", false) => "%M",
        ("MI", true) => "%-M",
        ("SS", false) => "%S",
        ("SS", true) => "%-S",
        ("MS" | "FF3", _) => "%g",
        ("US" | "FF6", _) => "%f",
        ("YYYY", false) => "%Y",
        ("MON", _) if case == Case::Title => "%b",
        ("MONTH", true) if case == Case::Title => "%B",
        ("DY", _) if case == Case::Title => "%a",
        ("DAY", true) if case == Case::Title => "%A",
        ("AM" | "PM", _) if case == Case::Upper => "%p",
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
    Title,
}

impl Case {
    fn of(name: &str) -> Self {
        let mut letters = name.chars().filter(char::is_ascii_alphabetic);
        match (letters.next(), letters.next()) {
            (Some(first), _) if first.is_ascii_lowercase() => Self::Lower,
            (_, Some(second)) if second.is_ascii_lowercase() => Self::Title,
            _ => Self::Upper,
        }
    }
}

fn with_ordinal(digits: Expr, ordinal: Ordinal) -> Expr {
    let name = match ordinal {
        Ordinal::Upper => "skein_ordinal_upper",
        Ordinal::Lower => "skein_ordinal",
    };
    own(name, vec![digits])
}
