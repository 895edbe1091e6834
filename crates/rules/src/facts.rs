//! The bureau's records, indexed for judging, and what is known of one person.

use chrono::NaiveDate;

use crate::model::{PersonIndex, SiteRecords, Swipe};
use crate::time::{Instant, Interval};

/// The slow facts of a bureau, indexed; immutable once made.
#[derive(Debug)]
pub struct SiteFacts {
    records: SiteRecords,
}

impl SiteFacts {
    /// Indexes the records.
    pub fn new(records: SiteRecords) -> Self {
        Self { records }
    }

    /// The records it is made of.
    pub fn records(&self) -> &SiteRecords {
        &self.records
    }

    /// Which swipes judging these dates of a person needs: all of their badges' swipes that happened in this interval.
    pub fn swipe_window(&self, person: PersonIndex, dates: DateRange) -> Interval {
        let _ = (person, dates);
        Interval::new(Instant::from_ms(0), Instant::from_ms(0))
    }

    /// The dates of a person that a swipe at `at` can touch, `next` being their next later swipe (see "What a new fact can touch").
    pub fn touched_dates(&self, person: PersonIndex, at: Instant, next: Option<Instant>) -> DateRange {
        let _ = (person, next);
        let date = at.to_utc().date_naive();
        DateRange {
            from: date,
            until: date,
        }
    }

    /// When the date of a person begins to be judged: its earliest `arrive_from` or `sign_in_opens`, or `None` if nothing is asked of
    /// them that day.
    pub fn opens_at(&self, person: PersonIndex, date: NaiveDate) -> Option<Instant> {
        let _ = (person, date);
        None
    }
}

/// Dates from `from` up to but without `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// The first date.
    pub from: NaiveDate,
    /// The date after the last.
    pub until: NaiveDate,
}

/// What is known of one person: what [`crate::evaluate`] judges.
#[derive(Clone, Copy, Debug)]
pub struct PersonFacts<'a> {
    /// The bureau.
    pub site: &'a SiteFacts,
    /// The person.
    pub person: PersonIndex,
    /// The dates to judge: periods and meetings that start on them, by the site's clocks.
    pub dates: DateRange,
    /// The swipes of every badge that the person ever held, of at least [`SiteFacts::swipe_window`], in any order, quarantined ones
    /// and other holders' too.
    pub swipes: &'a [Swipe],
    /// Judge by what had been received by then; `None` is by all that is there.
    pub known_at: Option<Instant>,
}
