//! Calendars that come with Rollcall: `calendar = "cn"` in `site.toml` takes the State Council's holidays and makeup workdays,
//! and a row of `calendar.csv` overrides them on its date.

use std::collections::HashSet;
use std::sync::LazyLock;

use chrono::NaiveDate;
use rules::model::CalendarDay;

use super::compile::Draft;
use super::document::Document;
use super::hours;
use super::problem::Problems;
use super::source::{SiteSource, Table, TableFile};

/// The State Council General Office's notices on holidays and makeup workdays since 2004, in the form of `calendar.csv`.
pub(super) const CN: &str = include_str!("../calendars/cn.csv");

/// What `calendar` of `site.toml` may say.
const NAMES: [(&str, Option<Shipped>); 2] = [("cn", Some(Shipped::Cn)), ("none", None)];

/// A calendar that comes with Rollcall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// 国务院办公厅节假日安排: the People's Republic of China.
    Cn,
}

static CN_TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut problems = Vec::new();
    let table = Table::parse(TableFile::Calendar.name(), CN.as_bytes(), &mut problems);
    assert!(problems.is_empty(), "a test reads the same text");
    table
});

static CN_DAYS: LazyLock<Vec<CalendarDay>> = LazyLock::new(|| {
    let mut problems = Problems::default();
    let dated = hours::dated_rows(&CN_TABLE, chrono_tz::UTC, &mut problems);
    dated.into_iter().filter_map(|(_, day)| day).collect()
});

impl Shipped {
    /// The calendar that a `site.toml` chooses; `None` where it chooses none, or says something that cannot be read.
    pub fn chosen(site: &str) -> Option<Self> {
        chosen(site, &mut Problems::default())
    }

    /// Its rows, as `calendar.csv` would have them.
    pub fn table(self) -> &'static Table {
        match self {
            Self::Cn => &CN_TABLE,
        }
    }

    /// Its days, by date.
    pub fn days(self) -> &'static [CalendarDay] {
        match self {
            Self::Cn => &CN_DAYS,
        }
    }

    /// The last date that it knows: after it nobody has announced anything when this version was made.
    pub fn last_date(self) -> Option<NaiveDate> {
        use chrono::Datelike;
        let last = self.days().last()?.date;
        NaiveDate::from_ymd_opt(last.year(), 12, 31)
    }
}

fn chosen(site: &str, problems: &mut Problems) -> Option<Shipped> {
    // What is wrong with the document as a whole is said by whoever reads the other keys.
    let document = Document::parse("site.toml", site, &mut Problems::default());
    let top = document.top();
    problems.keep(top.choice("calendar", &NAMES)).flatten().flatten()
}

/// Adds the days of the chosen calendar on dates that `calendar.csv` says nothing of.
pub(super) fn add(source: &SiteSource, written: &HashSet<NaiveDate>, draft: &mut Draft, problems: &mut Problems) {
    let Some(shipped) = chosen(&source.site, problems) else {
        return;
    };
    let days = shipped.days().iter().filter(|day| !written.contains(&day.date));
    draft.records.calendar.extend(days.cloned());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{Datelike, Weekday};
    use rules::model::DayKind;

    use super::*;

    fn day(text: &str) -> Option<&'static CalendarDay> {
        let date: NaiveDate = text.parse().expect("a date");
        CN_DAYS.iter().find(|day| day.date == date)
    }

    fn kind(text: &str) -> Option<DayKind> {
        day(text).map(|day| day.kind)
    }

    #[test]
    fn the_table_is_whole() {
        let mut problems = Vec::new();
        let rows = Table::parse("calendar.csv", CN.as_bytes(), &mut problems).rows;
        assert_eq!(problems, []);
        assert_eq!(
            (rows.len(), CN_DAYS.len()),
            (771, 771),
            "no row is wrong or twice there"
        );
        assert!(CN_DAYS.is_sorted_by(|one, other| one.date < other.date));
        let mut counts: BTreeMap<i32, (u32, u32)> = BTreeMap::new();
        for day in CN_DAYS.iter() {
            let (off, on) = counts.entry(day.date.year()).or_default();
            match day.kind {
                DayKind::Holiday => *off += 1,
                DayKind::Workday => *on += 1,
                DayKind::MorningOff | DayKind::AfternoonOff => panic!("no notice halves a day: {day:?}"),
            }
        }
        assert_eq!(
            counts.keys().copied().collect::<Vec<_>>(),
            (2004..=2026).collect::<Vec<_>>()
        );
        assert_eq!(counts[&2004], (22, 6));
        assert_eq!(counts[&2013], (29, 12));
        assert_eq!(counts[&2020], (30, 6));
        assert_eq!(counts[&2024], (28, 8));
        assert_eq!(counts[&2025], (28, 5));
        assert_eq!(counts[&2026], (33, 6));
    }

    #[test]
    fn well_known_dates_are_right() {
        let (off, on) = (Some(DayKind::Holiday), Some(DayKind::Workday));
        for (date, expected) in [
            // 2026: 元旦 1/1–3 and work on 1/4; 春节 2/15–23 and work on 2/14 and 2/28; 国庆 10/1–7 and work on 9/20 and 10/10.
            ("2026-01-01", off),
            ("2026-01-03", off),
            ("2026-01-04", on),
            ("2026-02-14", on),
            ("2026-02-15", off),
            ("2026-02-23", off),
            ("2026-02-24", None),
            ("2026-02-28", on),
            ("2026-05-09", on),
            ("2026-09-20", on),
            ("2026-09-25", off),
            ("2026-10-07", off),
            ("2026-10-08", None),
            ("2026-10-10", on),
            // The holiday that was made longer while it went on.
            ("2020-01-31", off),
            ("2020-02-02", off),
            ("2020-02-03", None),
            // The notice that changed another notice.
            ("2019-05-02", off),
            ("2019-05-05", on),
            ("2019-04-28", on),
            // The one that was a holiday once.
            ("2015-09-03", off),
            ("2015-09-06", on),
        ] {
            assert_eq!(kind(date), expected, "{date}");
        }
    }

    #[test]
    fn a_day_in_december_may_be_of_the_next_years_notice() {
        let notice = |date| day(date).and_then(|day| day.source.as_deref()).expect("a source");
        assert!(notice("2018-12-29").contains("2019"), "{}", notice("2018-12-29"));
        assert!(notice("2022-12-31").contains("2023"));
        assert!(notice("2020-02-02").contains("延长"));
        assert!(CN_DAYS.iter().all(|day| day.source.is_some() && day.name.is_some()));
    }

    #[test]
    fn makeup_workdays_are_weekends() {
        let is_weekend = |day: &&CalendarDay| matches!(day.date.weekday(), Weekday::Sat | Weekday::Sun);
        let on = CN_DAYS.iter().filter(|day| day.kind == DayKind::Workday);
        let on_weekdays: Vec<_> = on.filter(|day| !is_weekend(day)).map(|day| day.date).collect();
        assert_eq!(on_weekdays, Vec::<NaiveDate>::new());
    }

    #[test]
    fn a_site_chooses_by_name() {
        assert_eq!(Shipped::chosen("calendar = \"cn\"\n"), Some(Shipped::Cn));
        assert_eq!(Shipped::chosen("calendar = \"none\"\n"), None);
        assert_eq!(Shipped::chosen("time_zone = \"Asia/Shanghai\"\n"), None);
        let mut problems = Problems::default();
        assert_eq!(chosen("calendar = \"mars\"\n", &mut problems), None);
        let problems = problems.into_sorted();
        assert!(
            problems[0].text().english.contains("cn, none"),
            "{:?}",
            problems[0].text()
        );
        assert_eq!(Shipped::Cn.last_date(), NaiveDate::from_ymd_opt(2026, 12, 31));
    }
}
