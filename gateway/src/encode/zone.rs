//! The session's time zone: offsets and abbreviations of moments.
//!
//! The rules are those of the IANA database that is compiled in. Beyond the years that the library
//! covers, PostgreSQL repeats the last 400 years of rules and keeps the first offset; so do we.

use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// Seconds in the 400 years after which the calendar repeats.
const CYCLE: i64 = 146_097 * 86_400;

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    rules: TimeZone,
    /// The span in which the last moment fell, with its offset: most values are near each other.
    last: Cell<Span>,
}

/// Seconds since 1970 from `start` to before `end`, in which the offset is the same.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: i64,
    end: i64,
    offset: i32,
}

const NO_SPAN: Span = Span {
    start: 0,
    end: 0,
    offset: 0,
};

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
            last: Cell::new(NO_SPAN),
        }
    }

    /// The zone with this IANA name, in any case, or of this POSIX rule, such as `<-05>+05`; `None`
    /// if it is neither.
    pub fn named(name: &str) -> Option<Self> {
        let rules = TimeZoneDatabase::bundled().get(name);
        let rules = rules.or_else(|_| TimeZone::posix(name)).ok()?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Some(Self {
            name,
            rules,
            last: Cell::new(NO_SPAN),
        })
    }

    /// The names of all zones, in order.
    pub fn names() -> Vec<String> {
        let mut names: Vec<_> = TimeZoneDatabase::bundled()
            .available()
            .map(|name| name.to_string())
            .collect();
        names.sort();
        names
    }

    /// A zone that is always `seconds` east of Greenwich; `None` a day or more away.
    pub fn fixed(seconds: i32) -> Option<Self> {
        let rules = TimeZone::fixed(Offset::from_seconds(seconds).ok()?);
        let name = fixed_name(seconds);
        Some(Self {
            name,
            rules,
            last: Cell::new(NO_SPAN),
        })
    }

    /// Its name, in the spelling of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds east of Greenwich at `second` after 1970.
    #[inline]
    pub fn offset(&self, second: i64) -> i32 {
        let last = self.last.get();
        if last.start <= second && second < last.end {
            return last.offset;
        }
        let span = self.span(second);
        self.last.set(span);
        span.offset
    }

    /// What the zone's time is called at `second` after 1970, such as `CEST`.
    pub fn abbreviation(&self, second: i64) -> String {
        let (moment, _) = covered(second);
        self.rules.to_offset_info(moment).abbreviation().to_owned()
    }

    /// What the zone's time is called at each offset it has had since 1970, or will have before
    /// 2038: the latest name of each.
    pub fn abbreviations(&self) -> Vec<(i32, String)> {
        const WEEK: i64 = 7 * 86_400;
        const WEEKS: i64 = 68 * 52;
        let mut found = std::collections::BTreeMap::new();
        for week in 0..WEEKS {
            let second = week * WEEK;
            let offset = self.offset(second);
            if !found.contains_key(&offset) || week % 4 == 0 {
                found.insert(offset, self.abbreviation(second));
            }
        }
        found.into_iter().collect()
    }

    fn span(&self, second: i64) -> Span {
        let (moment, shift) = covered(second);
        let offset = self.rules.to_offset(moment).seconds();
        // Outside the years that are covered, the ends of a span are not exact: no span is kept.
        if shift != 0 || moment == Timestamp::MIN {
            return Span {
                start: second,
                end: second,
                offset,
            };
        }
        // `preceding` excludes the moment itself, so that a transition at it is asked one later.
        let next = self.rules.following(moment).next();
        let after = moment
            .checked_add(jiff::SignedDuration::from_secs(1))
            .unwrap_or(moment);
        let before = self.rules.preceding(after).next();
        let seconds = |moment: Timestamp| moment.as_second();
        Span {
            start: before
                .map_or(Timestamp::MIN, |transition| transition.timestamp())
                .as_second(),
            end: next.map_or(seconds(Timestamp::MAX), |transition| {
                seconds(transition.timestamp())
            }),
            offset,
        }
    }
}

/// The moment whose rules hold at `second`, and by how much it was moved.
fn covered(second: i64) -> (Timestamp, i64) {
    if let Ok(moment) = Timestamp::from_second(second) {
        return (moment, 0);
    }
    if second < 0 {
        return (Timestamp::MIN, 0);
    }
    let beyond = second - Timestamp::MAX.as_second();
    let shift = (beyond.div_euclid(CYCLE) + 1) * CYCLE;
    (
        Timestamp::from_second(second - shift).expect("at most 400 years before the end"),
        shift,
    )
}

/// PostgreSQL's name of a zone that was given as a number: `<+05:30>-05:30`.
fn fixed_name(seconds: i32) -> String {
    let part = |sign: char| {
        let (hours, minutes, seconds) = (
            seconds.abs() / 3600,
            seconds.abs() / 60 % 60,
            seconds.abs() % 60,
        );
        match (minutes, seconds) {
            (0, 0) => format!("{sign}{hours:02}"),
            (_, 0) => format!("{sign}{hours:02}:{minutes:02}"),
            _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        }
    };
    let (sign, opposite) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    format!("<{}>{}", part(sign), part(opposite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_history() {
        let zone = Zone::named("america/new_york").unwrap();
        assert_eq!(zone.name(), "America/New_York");
        // The winter of 2026, its summer, and the last second of local mean time.
        for (second, offset) in [
            (1_795_305_723, -18_000),
            (1_782_921_600, -14_400),
            (-2_717_650_801, -17_762),
            (-2_717_650_800, -18_000),
            (-2_717_650_801, -17_762),
            (-62_135_596_800, -17_762),
            (-300_000_000_000, -17_762),
            (-9_000_000_000_000, -17_762),
        ] {
            assert_eq!(zone.offset(second), offset, "{second}");
            assert_eq!(zone.offset(second), offset, "{second}, asked again");
        }
    }

    #[test]
    fn transitions_are_exact_in_any_order() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let summer_begins = 1_774_746_000;
        for second in [
            summer_begins,
            summer_begins - 1,
            summer_begins + 1,
            summer_begins - 2,
        ] {
            let expected = if second < summer_begins { 3600 } else { 7200 };
            assert_eq!(zone.offset(second), expected);
        }
    }

    #[test]
    fn summers_go_on_after_the_year_9999() {
        let zone = Zone::named("America/New_York").unwrap();
        // Noon of 1 July and of 1 January 12000, and of 1 July 294000.
        assert_eq!(zone.offset(316_531_987_200), -14_400);
        assert_eq!(zone.offset(316_516_266_000), -18_000);
        assert_eq!(zone.offset(9_215_592_451_200), -14_400);
        assert_eq!(zone.abbreviation(316_531_987_200), "EDT");
    }

    #[test]
    fn fixed_zones_have_postgres_names() {
        assert_eq!(Zone::fixed(19_800).unwrap().name(), "<+05:30>-05:30");
        assert_eq!(Zone::named("<-05>+05").unwrap().offset(0), -18_000);
        assert_eq!(Zone::named("<-05>+05").unwrap().abbreviation(0), "-05");
        assert_eq!(Zone::fixed(-7200).unwrap().name(), "<-02>+02");
        assert_eq!(Zone::fixed(-7200).unwrap().offset(0), -7200);
        assert!(Zone::fixed(1_000_000).is_none());
        assert!(Zone::named("Mars/Olympus").is_none());
    }
}
