//! ISO weeks, as they stand in URLs: `2026-W37`.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// A week from Monday to Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    monday: NaiveDate,
}

impl Week {
    /// Reads `2026-W37`; nothing else is a week, not even `2026-W7`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, week) = text.split_once("-W")?;
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(week, 2) {
            return None;
        }
        let monday = NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)?;
        Some(Self { monday })
    }

    /// The week of a date.
    pub fn of(date: NaiveDate) -> Self {
        let since_monday = u64::from(date.weekday().num_days_from_monday());
        Self {
            monday: date.checked_sub_days(Days::new(since_monday)).unwrap_or(date),
        }
    }

    /// Its Monday.
    pub const fn first(self) -> NaiveDate {
        self.monday
    }

    /// Its Sunday.
    pub fn last(self) -> NaiveDate {
        self.monday.checked_add_days(Days::new(6)).unwrap_or(self.monday)
    }

    /// The Monday after it.
    pub fn until(self) -> NaiveDate {
        self.monday.checked_add_days(Days::new(7)).unwrap_or(self.monday)
    }

    /// The week before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self {
            monday: self.monday.checked_sub_days(Days::new(7)).unwrap_or(self.monday),
        }
    }

    /// The week after.
    #[must_use]
    pub fn next(self) -> Self {
        Self { monday: self.until() }
    }

    /// Its year as ISO counts it, which is not always that of its Monday.
    pub fn year(self) -> i32 {
        self.monday.iso_week().year()
    }

    /// Its number in that year, from 1.
    pub fn number(self) -> u32 {
        self.monday.iso_week().week()
    }

    /// Whether it holds a date.
    pub fn contains(self, date: NaiveDate) -> bool {
        self.monday <= date && date < self.until()
    }
}

impl fmt::Display for Week {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-W{:02}", self.year(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_written_form_is_a_week() {
        let monday = |text| Week::parse(text).map(|week| week.first().to_string());
        assert_eq!(monday("2026-W37").as_deref(), Some("2026-09-07"));
        assert_eq!(monday("2026-W53").as_deref(), Some("2026-12-28"));
        for wrong in [
            "2025-W53",
            "2026-W00",
            "2026-w37",
            "2026-W7",
            "2026-W037",
            "+026-W37",
            "2026W37",
            "",
            "2026-W37 ",
        ] {
            assert_eq!(Week::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weeks_follow_each_other_across_years() {
        let week = Week::parse("2026-W53").expect("a week");
        assert_eq!(week.next().to_string(), "2027-W01");
        assert_eq!(week.next().previous(), week);
        assert_eq!(
            (week.last().to_string(), week.next().first().to_string()),
            ("2027-01-03".into(), "2027-01-04".into())
        );
    }

    proptest! {
        #[test]
        fn every_date_is_in_the_week_that_it_names(days in 0u64..40_000) {
            let date = NaiveDate::from_ymd_opt(1990, 1, 1).expect("a date") + Days::new(days);
            let week = Week::of(date);
            prop_assert!(week.contains(date) && !week.next().contains(date) && !week.previous().contains(date));
            prop_assert_eq!(Week::parse(&week.to_string()), Some(week));
        }
    }
}
