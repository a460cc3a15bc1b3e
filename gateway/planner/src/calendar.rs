//! Days and dates of the proleptic Gregorian calendar, for what is written into SQL and for clients.
//!
//! DuckDB computes with dates; what stands here only spells them. Years are counted from March, so
//! that the day which leap years add is the last one; the year 0 is 1 BC.

/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;
/// In 400 years.
const DAYS_OF_ERA: i64 = 146_097;

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year 0 is 1 BC.
    pub year: i64,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

impl Civil {
    /// The date that many days after 1970-01-01.
    #[inline]
    pub fn of(days: i64) -> Self {
        let days = days + DAYS_BEFORE_1970;
        let era = days.div_euclid(DAYS_OF_ERA);
        let day_of_era = days.rem_euclid(DAYS_OF_ERA).unsigned_abs();
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let byte = |number: u64| u8::try_from(number).expect("months and days are small");
        Self {
            year: year_of_era.cast_signed() + era * 400 + i64::from(month <= 2),
            month: byte(month),
            day: byte(day),
        }
    }
}

/// Days from 1970-01-01 to a date, whose day may be beyond the end of its month.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_OF_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_BEFORE_1970
}

/// The days of a month.
pub fn month_length(year: i64, month: i32) -> i32 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_turn_into_each_other() {
        for day in (-800_000..800_000).step_by(97) {
            let civil = Civil::of(day);
            assert_eq!(days(civil.year, civil.month.into(), civil.day.into()), day);
            assert!(i32::from(civil.day) <= month_length(civil.year, civil.month.into()));
        }
        let known = |days| {
            let Civil { year, month, day } = Civil::of(days);
            (year, month, day)
        };
        assert_eq!(known(0), (1970, 1, 1));
        assert_eq!(known(11_016), (2000, 2, 29));
        assert_eq!(known(-719_529), (-1, 12, 31));
    }
}
