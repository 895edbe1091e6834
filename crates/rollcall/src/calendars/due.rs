//! Whose days an imported calendar changes, and which: neither fewer than it can touch, nor everybody's for ever.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use rules::facts::{DateRange, OVERSTAY_REACH, SiteFacts};
use rules::model::{CalendarDay, PersonIndex};
use rules::time::{Instant, local_date};
use store::rows::DayKey;
use store::{Ledger, StoreError, Transaction};

use crate::engine::{OPENED_FROM, OPENED_THROUGH};

/// How far a date's judgement looks back and on: windows reach into neighbouring dates, and breaks into those beside them.
const REACH_DAYS: u64 = 2;

/// Dates that have been judged, or may be while an import runs: nothing later has a row.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// The dates whose rows exist; `None` while nobody has been judged.
    opened: Option<DateRange>,
    /// No row has a date from this one on.
    until: NaiveDate,
}

impl Judged {
    /// Asks the database. `now` is the host's clock, which may be ahead of the daemon's last opening.
    pub async fn of(ledger: &dyn Ledger, site: &SiteFacts, now: Instant) -> Result<Self, StoreError> {
        let date = |text: Option<String>| text.and_then(|text| text.parse::<NaiveDate>().ok());
        let from = date(ledger.setting(OPENED_FROM).await?);
        let through = date(ledger.setting(OPENED_THROUGH).await?);
        let today = local_date(now, site.records().site.zone);
        let last = through.map_or(today, |through| through.max(today));
        Ok(Self {
            opened: from.zip(through).map(|(from, through)| DateRange {
                from,
                until: after(through, 1),
            }),
            until: after(last, 3),
        })
    }
}

/// Day rows to be made, and day rows to be judged again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Everybody of whom something else is asked, on whatever date.
    concerned: BTreeSet<String>,
    /// People by the dates of theirs that are touched and may have been judged.
    ranges: BTreeMap<(NaiveDate, NaiveDate), BTreeSet<String>>,
    /// Dates that have begun, of people of whom nothing was asked on them before.
    rows: BTreeSet<DayKey>,
}

impl Due {
    /// What changed dates of the working calendar touch: whoever works on one of them, before or after, on that date and its
    /// neighbours, on the next working date, and after an absence over it for as long as that can make a later one an overstay.
    pub fn of_calendar(before: &SiteFacts, now: &SiteFacts, judged: Judged) -> Self {
        let changed = changed_dates(&before.records().calendar, &now.records().calendar);
        let mut due = Self::default();
        for person in now.person_indexes() {
            let id = now.records().people[person.at()].id.to_string();
            let old = before.person_index(&id);
            for date in &changed {
                let works = now.is_working_date(person, *date);
                let worked = old.is_some_and(|old| before.is_working_date(old, *date));
                if !works && !worked {
                    continue;
                }
                if works {
                    due.ask_for_row(&id, *date, judged);
                }
                due.add(&id, dates_around(now, person, *date), judged);
                if let Some(old) = old {
                    due.add(&id, dates_around(before, old, *date), judged);
                }
            }
        }
        due
    }

    /// What these meetings touch, as they were and as they are: everybody on their rosters and whoever stands in for them, over the
    /// dates that a meeting reaches.
    pub fn of_meetings(before: &SiteFacts, now: &SiteFacts, meetings: &BTreeSet<&str>, judged: Judged) -> Self {
        let mut due = Self::default();
        for facts in [before, now] {
            let records = facts.records();
            for (meeting, index) in records.meetings.iter().zip((0..).map(rules::model::MeetingIndex)) {
                if !meetings.contains(&*meeting.id) {
                    continue;
                }
                let rostered = meeting.roster.iter().map(|entry| entry.person);
                let standing_in = meeting.substitutions.iter().map(|accepted| accepted.substitute);
                for person in rostered.chain(standing_in) {
                    let id = records.people[person.at()].id.to_string();
                    let dates = with_next_working_date(facts, person, facts.dates_of_meeting(index));
                    due.add(&id, dates, judged);
                    if std::ptr::eq(facts, now) {
                        due.ask_for_row(&id, facts.date_of_meeting(index), judged);
                    }
                }
            }
        }
        due
    }

    fn add(&mut self, person: &str, dates: DateRange, judged: Judged) {
        self.concerned.insert(person.to_owned());
        let until = dates.until.min(judged.until);
        if dates.from < until {
            self.ranges
                .entry((dates.from, until))
                .or_default()
                .insert(person.to_owned());
        }
    }

    fn ask_for_row(&mut self, person: &str, date: NaiveDate, judged: Judged) {
        if judged.opened.is_some_and(|opened| opened.contains(date)) {
            self.rows.insert(DayKey {
                person: person.to_owned(),
                date: date.to_string(),
            });
        }
    }

    /// How many people it concerns.
    pub fn people(&self) -> usize {
        self.concerned.len()
    }

    /// The dates that it touches at all, from the first to the last.
    pub fn hull(&self) -> Option<DateRange> {
        let ranges = self.ranges.keys().map(|(from, until)| DateRange {
            from: *from,
            until: *until,
        });
        ranges.reduce(DateRange::hull)
    }

    /// Whether a day is touched.
    pub fn touches(&self, person: &str, date: NaiveDate) -> bool {
        self.ranges
            .iter()
            .any(|((from, until), people)| *from <= date && date < *until && people.contains(person))
    }

    /// Makes and marks the rows, in the transaction that changes the facts.
    pub async fn apply(&self, transaction: &mut dyn Transaction) -> Result<(), StoreError> {
        let rows: Vec<DayKey> = self.rows.iter().cloned().collect();
        if !rows.is_empty() {
            transaction.touch_days(&rows).await?;
        }
        for ((from, until), people) in &self.ranges {
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            let (from, until) = (from.to_string(), until.to_string());
            transaction.make_due_within(Some(&people), &from, &until).await?;
        }
        Ok(())
    }
}

/// The dates on which the two calendars ask for something else.
pub fn changed_dates(before: &[CalendarDay], now: &[CalendarDay]) -> BTreeSet<NaiveDate> {
    let meaning = |days: &[CalendarDay]| -> BTreeMap<NaiveDate, (_, _)> {
        days.iter().map(|day| (day.date, (day.kind, day.acts_as))).collect()
    };
    let (before, now) = (meaning(before), meaning(now));
    let dates: BTreeSet<NaiveDate> = before.keys().chain(now.keys()).copied().collect();
    dates
        .into_iter()
        .filter(|date| before.get(date) != now.get(date))
        .collect()
}

fn dates_around(facts: &SiteFacts, person: PersonIndex, date: NaiveDate) -> DateRange {
    let mut dates = DateRange {
        from: date.checked_sub_days(Days::new(REACH_DAYS)).unwrap_or(date),
        until: after(date, REACH_DAYS + 1),
    };
    // A period that comes or goes decides whether an absence took time from one, and so what a later absence is called.
    let zone = facts.records().site.zone;
    for absence in facts.absences_of(person) {
        let interval = facts.records().absences[*absence].interval;
        let first = local_date(interval.from, zone);
        let last = local_date(interval.until, zone);
        if first <= after(date, 1) && date <= after(last, 1) {
            let reach = local_date(interval.until + OVERSTAY_REACH, zone);
            dates.until = dates.until.max(after(reach, 1));
        }
    }
    with_next_working_date(facts, person, dates)
}

/// Who left late may come late on the next working date, whichever that is.
fn with_next_working_date(facts: &SiteFacts, person: PersonIndex, dates: DateRange) -> DateRange {
    let allowances = |schedule: &rules::model::Schedule| !schedule.late_allowances.is_empty();
    if !facts.records().schedules.iter().any(allowances) {
        return dates;
    }
    let last = dates.until.checked_sub_days(Days::new(1)).unwrap_or(dates.until);
    let next = facts.next_working_date(person, last);
    DateRange {
        from: dates.from,
        until: next.map_or(dates.until, |next| after(next, 1)),
    }
}

fn after(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}
